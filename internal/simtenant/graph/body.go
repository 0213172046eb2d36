package graph

import (
	"encoding/base64"
	"fmt"
	"strings"

	"breakglass/internal/simtenant/state"
)

// checkBody holds a request's object against its type and says what is wrong, as Graph
// does; empty when nothing is. Annotations (names with "@") pass, except that a bind must
// name a navigation property.
func checkBody(body state.Object, typ string, beta bool) string {
	m := metadata()
	if own := strings.TrimPrefix(body.String("@odata.type"), "#microsoft.graph."); own != "" {
		if m.types[own] == nil || !m.is(own, typ) {
			return fmt.Sprintf("A type named '%s' could not be resolved by the model.", body.String("@odata.type"))
		}
		typ = own
	}
	for name, v := range body {
		prop, annotation, _ := strings.Cut(name, "@")
		if prop == "" {
			continue
		}
		p, ok := m.prop(typ, prop, beta)
		if !ok || p.name != prop {
			if strings.HasPrefix(prop, "extension_") {
				continue
			}
			return "Invalid property '" + prop + "'."
		}
		if annotation != "" {
			continue
		}
		if bad := checkValue(v, p, beta); bad != "" {
			return bad
		}
	}
	return ""
}

func checkValue(v any, p propInfo, beta bool) string {
	if v == nil {
		return ""
	}
	if !p.collection {
		return checkOne(v, p, beta)
	}
	list, ok := v.([]any)
	if !ok {
		return fmt.Sprintf("A value without a type name was found and no expected type is available for property '%s': a collection is expected.", p.name)
	}
	for _, e := range list {
		if e == nil && metadata().types[p.kind] == nil {
			return fmt.Sprintf("A null value was found for the property named '%s', which has the expected type 'Collection(Edm.%s)[Nullable=False]'.", p.name, p.kind)
		}
		if bad := checkOne(e, p, beta); bad != "" {
			return bad
		}
	}
	return ""
}

// checkOne checks one value against a kind.
func checkOne(v any, p propInfo, beta bool) string {
	m := metadata()
	ok := true
	switch p.kind {
	case "bool":
		_, ok = v.(bool)
	case "int", "number":
		_, ok = v.(float64)
	case "time":
		s, text := v.(string)
		_, valid := instantOf(s)
		ok = text && valid
	case "guid":
		s, text := v.(string)
		ok = text && guidText.MatchString(s)
	case "binary":
		s, text := v.(string)
		_, err := base64.StdEncoding.DecodeString(s)
		ok = text && err == nil
	case "any", "stream":
	case "string", "duration", "date":
		_, ok = v.(string)
	default:
		if o, isObject := v.(map[string]any); isObject && m.types[p.kind] != nil {
			return checkBody(o, p.kind, beta)
		}
		s, text := v.(string)
		ok = text && m.enums[p.kind] != nil
		if ok && !enumMember(m, p.kind, s) {
			return fmt.Sprintf("Invalid value specified for property '%s': requested value '%s' was not found.", p.name, s)
		}
	}
	if !ok {
		return fmt.Sprintf("Cannot convert the literal '%v' to the expected type 'Edm.%s' (property '%s').", v, p.kind, p.name)
	}
	return ""
}

// enumMember accepts a member, or several with commas for flags.
func enumMember(m *model, enum, s string) bool {
	for part := range strings.SplitSeq(s, ",") {
		if !m.enums[enum][strings.TrimSpace(part)] {
			return false
		}
		if !m.flags[enum] {
			break
		}
	}
	return m.flags[enum] || !strings.Contains(s, ",")
}
