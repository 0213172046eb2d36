package contract

import (
	"fmt"
	"regexp"
	"strings"
)

// bicep checks a value against a Bicep type.
func (k *checker) bicep(id string, value any, md mode, at string) {
	t := k.c.arm.types[id]
	if t == nil {
		k.bicepBuiltin(id, value, md, at)
		return
	}
	switch t.Kind {
	case "object", "disc":
		obj, ok := value.(map[string]any)
		if !ok {
			k.report(md.side(), wrongType, t.Name, "", at, "%s where an object belongs", jsonKind(value))
			return
		}
		k.bicepObject(t, obj, md, at)
	case "array":
		list, ok := value.([]any)
		if !ok {
			k.report(md.side(), wrongType, id, "", at, "%s where a list belongs", jsonKind(value))
			return
		}
		for i, e := range list {
			k.bicep(t.Item, e, md, fmt.Sprintf("%s[%d]", at, i))
		}
	case "enum":
		k.bicepEnum(t, value, md, at)
	case "lit":
		// A resource's type is compared as ARM does, in any case.
		if s, ok := value.(string); !ok || !strings.EqualFold(s, fmt.Sprint(t.Value)) {
			k.report(md.side(), unknownMember, id, fmt.Sprint(value), at, "only %q is right here", t.Value)
		}
	case "string":
		k.bicepBuiltin("string", value, md, at)
		if s, ok := value.(string); ok && t.Pattern != "" && !matches(t.Pattern, s) {
			k.report(md.side(), wrongType, id, "", at, "it does not match %s", t.Pattern)
		}
	}
}

// matches: a pattern that Go's engine cannot read judges nothing.
func matches(pattern, s string) bool {
	re, err := regexp.Compile(pattern)
	return err != nil || re.MatchString(s)
}

func (k *checker) bicepBuiltin(id string, value any, md mode, at string) {
	ok := true
	switch id {
	case "string":
		_, ok = value.(string)
	case "bool":
		_, ok = value.(bool)
	case "int":
		ok = isInteger(value, "Edm.Int64")
	case "null":
		ok = value == nil
	case "any":
	default:
		k.report(md.side(), notCovered, id, "", at, "the contracts leave the type %s out", id)
	}
	// A service writes null for an optional value it does not have.
	if !ok && (value != nil || md != answered) {
		k.report(md.side(), wrongType, id, "", at, "%s where %s belongs", jsonKind(value), id)
	}
}

func (k *checker) bicepEnum(t *armType, value any, md mode, at string) {
	members, _ := t.Value.([]any)
	for _, m := range members {
		if s, ok := value.(string); ok && s == fmt.Sprint(m) {
			return
		}
	}
	if value == nil && md == answered {
		return
	}
	k.report(md.side(), unknownMember, t.Name, fmt.Sprint(value), at, "no member that the contracts name")
}

// bicepObject checks an object's members; a discriminated one first chooses its case.
func (k *checker) bicepObject(t *armType, obj map[string]any, md mode, at string) {
	props, additional := t.Props, t.Additional
	if t.Kind == "disc" {
		kind, _ := obj[t.Disc].(string)
		c := k.c.arm.types[t.Cases[kind]]
		if c == nil {
			k.report(md.side(), unknownType, t.Name, kind, at+"."+t.Disc, "%q is no %s of %s in this api-version", kind, t.Disc, t.Name)
			return
		}
		props = map[string][2]string{}
		for name, p := range t.Props {
			props[name] = p
		}
		for name, p := range c.Props {
			props[name] = p
		}
		additional = c.Additional
	}
	for _, name := range sortedKeys(obj) {
		k.bicepMember(t.Name, props, additional, name, obj[name], md, at)
	}
	for name, p := range props {
		_, given := obj[name]
		inURL := at == "body" && name == "name" && md != answered
		if strings.Contains(p[1], "r") && !given && !inURL && md != updating {
			k.report(md.side(), missingProperty, t.Name, name, at, "%s needs %s", t.Name, name)
		}
	}
}

func (k *checker) bicepMember(typ string, props map[string][2]string, additional, name string, value any, md mode, at string) {
	here := at + "." + name
	p, known := props[name]
	switch {
	case !known && additional != "":
		k.bicep(additional, value, md, here)
		return
	case !known:
		k.report(md.side(), unknownProperty, typ, name, at, "%s has no property %q", typ, name)
		return
	case strings.Contains(p[1], "R") && md != answered:
		k.request(readOnly, typ, name, here, "only the service writes %s", name)
	case strings.Contains(p[1], "w") && md == answered:
		k.answer(notSelected, typ, name, here, "%s is never given back", name)
	}
	if value == nil && md == answered && !strings.Contains(p[1], "r") {
		return
	}
	k.bicep(p[0], value, md, here)
}
