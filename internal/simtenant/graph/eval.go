package graph

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"breakglass/internal/simtenant/state"
)

// scope is where a filter's paths begin: the object's type, and within a lambda the
// variable and the kind it stands for.
type scope struct {
	typ  string
	name string // the lambda's variable; empty outside
	kind string // what the variable is: a type, a primitive or an enum
	beta bool
}

// check holds a filter against the metadata: properties must exist and constants must fit.
func (f *filter) check(s scope) error {
	switch f.op {
	case "and", "or", "not":
		for _, k := range f.kids {
			if err := k.check(s); err != nil {
				return err
			}
		}
		return nil
	}
	p, err := s.resolve(f.path)
	if err != nil {
		return err
	}
	switch f.op {
	case "any", "all":
		if !p.collection {
			return says("Any/All may only be used following a collection.")
		}
		for _, k := range f.kids {
			if err := k.check(scope{typ: s.typ, name: f.name, kind: p.kind, beta: s.beta}); err != nil {
				return err
			}
		}
		return nil
	case "true":
		if p.kind != "bool" && p.kind != "any" {
			return says("The $filter expression must evaluate to a single boolean value.")
		}
		return nil
	}
	if p.collection {
		return says("A binary operator with incompatible types was detected. Found operand types 'Collection(%s)' and a constant for operator kind '%s'.", p.kind, f.op)
	}
	for _, v := range f.values {
		if err := fits(p, v, f.op); err != nil {
			return err
		}
	}
	return nil
}

// resolve finds what a path names.
func (s scope) resolve(path []string) (propInfo, error) {
	m := metadata()
	typ := s.typ
	p := propInfo{kind: typ}
	if s.name != "" && path[0] == s.name {
		typ, path = s.kind, path[1:]
		p = propInfo{kind: typ}
	}
	for _, seg := range path {
		if seg == "$count" && p.collection {
			p = propInfo{name: seg, kind: "int"}
			continue
		}
		if strings.HasPrefix(strings.ToLower(seg), "microsoft.graph.") {
			typ = seg[len("microsoft.graph."):]
			p.kind = typ
			continue
		}
		if p.kind == "any" {
			continue
		}
		found, ok := m.prop(typ, seg, s.beta)
		if !ok {
			found, ok = m.derived(typ, seg, s.beta)
		}
		if !ok && strings.HasPrefix(seg, "extension_") {
			found, ok = propInfo{name: seg, kind: "any"}, true
		}
		if !ok {
			return p, says("Could not find a property named '%s' on type 'microsoft.graph.%s'.", seg, typ)
		}
		p, typ = found, found.kind
	}
	return p, nil
}

// fits says whether a constant may be compared with a property.
func fits(p propInfo, v literal, op string) error {
	m := metadata()
	if v.kind == "null" || p.kind == "any" {
		return nil
	}
	ok := false
	switch {
	case m.enums[p.kind] != nil:
		ok = v.kind == "string"
		if ok && !m.enums[p.kind][v.text] && !m.flags[p.kind] {
			return says("The string '%s' is not a valid enumeration type constant.", v.text)
		}
	case p.kind == "string" || p.kind == "duration" || p.kind == "binary":
		ok = v.kind == "string"
	case p.kind == "int" || p.kind == "number":
		ok = v.kind == "int" || v.kind == "number"
	case p.kind == "time" || p.kind == "date":
		ok = v.kind == "time"
	default:
		ok = p.kind == v.kind
	}
	if !ok {
		return says("A binary operator with incompatible types was detected. Found operand types 'Edm.%s' and 'Edm.%s' for operator kind '%s'.", p.kind, v.kind, op)
	}
	return nil
}

// advanced says which part of the filter only the advanced query engine of directory
// objects can do ("Advanced query capabilities on Microsoft Entra ID objects"); empty for none.
func (f *filter) advanced() string {
	switch f.op {
	case "not", "ne", "endswith":
		return map[string]string{"not": "Not", "ne": "NotEqualsMatch", "endswith": "EndsWith"}[f.op]
	}
	if len(f.path) > 0 && f.path[len(f.path)-1] == "$count" {
		return "Count"
	}
	for _, k := range f.kids {
		if a := k.advanced(); a != "" {
			return a
		}
	}
	return ""
}

// names is the first of the properties that the filter asks for, "" when it asks for none.
func (f *filter) names(properties []string) string {
	for _, p := range properties {
		if len(f.path) > 0 && strings.EqualFold(f.path[0], p) {
			return p
		}
	}
	for _, k := range f.kids {
		if p := k.names(properties); p != "" {
			return p
		}
	}
	return ""
}

// uses says whether an operator stands anywhere in the filter.
func (f *filter) uses(op string) bool {
	if f.op == op {
		return true
	}
	for _, k := range f.kids {
		if k.uses(op) {
			return true
		}
	}
	return false
}

// match evaluates the filter on one object; vars are the lambda variables' values.
func (f *filter) match(o state.Object, vars map[string]any) bool {
	switch f.op {
	case "and":
		for _, k := range f.kids {
			if !k.match(o, vars) {
				return false
			}
		}
		return true
	case "or":
		for _, k := range f.kids {
			if k.match(o, vars) {
				return true
			}
		}
		return false
	case "not":
		return !f.kids[0].match(o, vars)
	}
	v := lookup(o, vars, f.path)
	switch f.op {
	case "any", "all":
		return f.overAll(o, vars, v)
	case "true":
		b, _ := v.(bool)
		return b
	case "in":
		for _, c := range f.values {
			if order, ok := compare(v, c); ok && order == 0 {
				return true
			}
		}
		return false
	}
	return compares(f.op, v, f.values[0])
}

func (f *filter) overAll(o state.Object, vars map[string]any, v any) bool {
	list := elements(v)
	if len(f.kids) == 0 {
		return len(list) > 0
	}
	inner := map[string]any{}
	for k, x := range vars {
		inner[k] = x
	}
	for _, e := range list {
		inner[f.name] = e
		if f.kids[0].match(o, inner) != (f.op == "all") {
			return f.op == "any"
		}
	}
	return f.op == "all"
}

// elements is a JSON array's members.
func elements(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case []string:
		out := make([]any, len(v))
		for i, s := range v {
			out[i] = s
		}
		return out
	}
	return nil
}

// lookup walks a path through an object; what is absent is nil.
func lookup(o state.Object, vars map[string]any, path []string) any {
	var v any = map[string]any(o)
	if x, ok := vars[path[0]]; ok {
		v, path = x, path[1:]
	}
	for _, seg := range path {
		if seg == "$count" {
			return float64(len(elements(v)))
		}
		if strings.HasPrefix(strings.ToLower(seg), "microsoft.graph.") {
			continue
		}
		v = member(v, seg)
	}
	return v
}

// member is one property of a JSON object, its name in any case.
func member(v any, name string) any {
	m, ok := v.(map[string]any)
	if !ok {
		m, ok = v.(state.Object)
	}
	if !ok || strings.HasPrefix(name, "_") {
		return nil
	}
	if x, ok := m[name]; ok {
		return x
	}
	for k, x := range m {
		if strings.EqualFold(k, name) {
			return x
		}
	}
	return nil
}

func compares(op string, v any, c literal) bool {
	switch op {
	case "startswith", "endswith", "contains":
		s, ok := v.(string)
		if !ok || c.kind != "string" {
			return false
		}
		s, want := strings.ToLower(s), strings.ToLower(c.text)
		return op == "startswith" && strings.HasPrefix(s, want) || op == "endswith" && strings.HasSuffix(s, want) || op == "contains" && strings.Contains(s, want)
	}
	order, ok := compare(v, c)
	if op == "ne" {
		return !ok || order != 0
	}
	if !ok || (v == nil && op != "eq") {
		return false
	}
	switch op {
	case "eq":
		return order == 0
	case "gt":
		return order > 0
	case "ge":
		return order >= 0
	case "lt":
		return order < 0
	}
	return order <= 0
}

// compare orders a value against a constant; false when they cannot be compared. Texts
// compare without case, as in the directory.
func compare(v any, c literal) (int, bool) {
	if c.kind == "null" {
		return 0, v == nil
	}
	switch v := v.(type) {
	case string:
		if c.kind == "time" {
			a, err := time.Parse(time.RFC3339Nano, v)
			b, ok := instantOf(c.text)
			return a.Compare(b), err == nil && ok
		}
		return cmp.Compare(strings.ToLower(v), strings.ToLower(c.text)), c.kind == "string" || c.kind == "guid"
	case bool:
		return cmp.Compare(strconv.FormatBool(v), c.text), c.kind == "bool"
	case float64:
		n, err := strconv.ParseFloat(c.text, 64)
		return cmp.Compare(v, n), err == nil && (c.kind == "int" || c.kind == "number")
	case int:
		return compare(float64(v), c)
	case int64:
		return compare(float64(v), c)
	}
	return 0, false
}

func instantOf(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
