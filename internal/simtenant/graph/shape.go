package graph

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"breakglass/internal/simtenant/state"
)

var identifierSegment = regexp.MustCompile(`/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})`)

// An expansion is a navigation property that $expand can follow.
type expansion struct {
	typ  string // the type of what it finds, "directoryObject" when they differ
	many bool
	find func(c *call, o state.Object) []state.Object
}

// expandItem is one entry of $expand with the options in its parentheses.
type expandItem struct {
	name     string
	selected string
	expand   []expandItem
}

// parseExpand reads "principal,policy($expand=rules;$select=id)".
func parseExpand(text string) ([]expandItem, error) {
	var out []expandItem
	for _, part := range splitTop(text, ',') {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, inner, nested := strings.Cut(part, "(")
		item := expandItem{name: strings.TrimSpace(name)}
		if nested {
			if !strings.HasSuffix(inner, ")") {
				return nil, says("Parsing OData Select and Expand failed: Syntax error in '%s'.", text)
			}
			if err := item.options(strings.TrimSuffix(inner, ")")); err != nil {
				return nil, err
			}
		}
		out = append(out, item)
	}
	return out, nil
}

func (e *expandItem) options(text string) error {
	for _, opt := range splitTop(text, ';') {
		key, value, _ := strings.Cut(strings.TrimSpace(opt), "=")
		switch strings.ToLower(key) {
		case "$select":
			e.selected = value
		case "$expand":
			inner, err := parseExpand(value)
			if err != nil {
				return err
			}
			for _, deeper := range inner {
				if len(deeper.expand) > 0 {
					return missing("$expand inside $expand inside $expand")
				}
			}
			e.expand = inner
		case "$levels":
			if value != "1" {
				return missing("$levels of more than one inside $expand")
			}
		default:
			return missing(key + " inside $expand")
		}
	}
	return nil
}

// splitTop splits at a separator outside of parentheses.
func splitTop(text string, sep byte) []string {
	var out []string
	depth, from := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
		case sep:
			if depth == 0 {
				out = append(out, text[from:i])
				from = i + 1
			}
		}
	}
	return append(out, text[from:])
}

// readSelect understands $select: names with the metadata's spelling.
func (c *call) readSelect(typ, text string) ([]string, error) {
	var out []string
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		if name == "*" {
			return nil, nil
		}
		if name == "" {
			return nil, says("Parsing OData Select and Expand failed: Term '%s' is not valid in a $select or $expand expression.", text)
		}
		path := strings.Split(name, "/")
		p, err := scope{typ: typ, beta: c.beta()}.resolve(path)
		if err != nil {
			return nil, says("Parsing OData Select and Expand failed: %v", err)
		}
		if len(path) > 1 && !strings.HasPrefix(path[0], "microsoft.graph.") {
			p.name = path[0] // a nested property brings its whole parent
		}
		if !p.navigation {
			out = append(out, p.name)
		}
	}
	return out, nil
}

// inlined are navigation properties that the live service sends without being asked.
var inlined = map[string]bool{
	"authenticationMethodConfigurations": true, "combinationConfigurations": true, "includeTargets": true,
}

// shape is what leaves the tenant of one object: without the simulator's keys, with the
// properties selected or the type's default ones, with what $expand adds.
func (c *call) shape(o state.Object, typ string, selected []string, expand []expandItem) (state.Object, error) {
	typ, typed := c.ownType(o, typ)
	out := c.inVersion(c.computed(o, typ).Public(), typ)
	for name := range out {
		if p, ok := metadata().prop(typ, name, c.beta()); ok && p.navigation && !inlined[name] {
			delete(out, name)
		}
	}
	if selected != nil {
		out = c.only(out, typ, selected)
	} else {
		c.defaults(out, typ)
	}
	if typed {
		out["@odata.type"] = "#microsoft.graph." + typ
	}
	for _, e := range expand {
		if err := c.expand(out, o, typ, e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ownType is the object's own type where a list holds several, and whether to say so.
func (c *call) ownType(o state.Object, typ string) (string, bool) {
	own := strings.TrimPrefix(o.String("@odata.type"), "#microsoft.graph.")
	if own == "" || metadata().types[own] == nil {
		return typ, false
	}
	return own, own != typ || typ == "directoryObject"
}

// only keeps the selected properties; what the object lacks is null, or empty for a
// collection. The id always comes along, as do control annotations.
func (c *call) only(o state.Object, typ string, selected []string) state.Object {
	out := state.Object{}
	for k, v := range o {
		if k == "@odata.type" || k == "id" && slices.Contains(selected, "id") {
			out[k] = v
		}
	}
	for _, name := range selected {
		p, ok := metadata().prop(typ, name, c.beta())
		if !ok {
			if v, stored := o[name]; stored {
				out[name] = v
			}
			continue // a property of a sibling type
		}
		if v, stored := o[p.name]; stored && v != nil {
			out[p.name] = v
		} else {
			out[p.name] = emptyOf(p)
		}
	}
	if _, ok := out["id"]; !ok && directoryTypes[typ] && o["id"] != nil {
		out["id"] = o["id"]
	}
	return out
}

func emptyOf(p propInfo) any {
	if p.collection {
		return []any{}
	}
	return nil
}

// defaults reduces an object to what its type shows without $select, filled up with nulls.
func (c *call) defaults(out state.Object, typ string) {
	show, ok := defaultProperties[typ]
	if !ok {
		return
	}
	if c.beta() { // beta shows everything but what has to be asked for
		for _, name := range onlySelected[typ] {
			delete(out, name)
		}
	} else {
		maps.DeleteFunc(out, func(k string, _ any) bool {
			return !strings.Contains(k, "@") && !slices.Contains(show, k)
		})
	}
	for _, name := range show {
		p, known := metadata().prop(typ, name, c.beta())
		if v, stored := out[name]; known && (!stored || v == nil) {
			out[name] = emptyOf(p)
		}
	}
}

// expand adds one navigation property.
func (c *call) expand(out, o state.Object, typ string, e expandItem) error {
	p, ok := metadata().prop(typ, e.name, c.beta())
	if !ok || !p.navigation {
		if e.name == "*" {
			return missing("$expand=*")
		}
		return says("Parsing OData Select and Expand failed: Could not find a property named '%s' on type 'microsoft.graph.%s'.", e.name, typ)
	}
	x, ok := c.api.expansions()[typ+"/"+p.name]
	if !ok {
		return missing("$expand of " + typ + "/" + p.name)
	}
	selected, err := c.readSelect(x.typ, e.selected)
	if err != nil {
		return err
	}
	list := []any{}
	for _, found := range x.find(c, o) {
		if !c.visible(found) {
			continue
		}
		shaped, err := c.shape(found, x.typ, selected, e.expand)
		if err != nil {
			return err
		}
		list = append(list, map[string]any(shaped))
	}
	switch {
	case x.many && directoryTypes[typ] && len(list) > 20:
		out[p.name] = list[:20] // "$expand returns at most 20 members" (Use query parameters)
	case x.many:
		out[p.name] = list
	case len(list) > 0:
		out[p.name] = list[0]
	default:
		out[p.name] = nil
	}
	return nil
}
