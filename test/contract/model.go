package contract

import (
	"fmt"
	"slices"
	"strings"
)

// graphModel is one version of Graph: its types and the calls that exist.
type graphModel struct {
	version string

	Types   map[string]*graphType `json:"types"`
	Enums   map[string]*graphEnum `json:"enums"`
	Ops     []graphOp             `json:"ops"`
	Sets    map[string]string     `json:"sets"`
	Singles map[string]string     `json:"singles"`
	// Paths is template -> method -> scheme -> permissions.
	Paths map[string]map[string]map[string][]string `json:"paths"`

	derived map[string][]string // type -> every type below it
}

type graphType struct {
	Kind     string                `json:"kind"`
	Base     string                `json:"base"`
	Abstract bool                  `json:"abstract"`
	Key      []string              `json:"key"`
	AltKeys  []string              `json:"altKeys"`
	Props    map[string]*graphProp `json:"props"`
	Nav      map[string]*graphProp `json:"nav"`

	name string
}

// graphProp is a property, navigation property, parameter or return type.
type graphProp struct {
	Name       string `json:"n"`
	Type       string `json:"t"`
	Collection bool   `json:"c"`
	NonNull    bool   `json:"nn"`
	ReadOnly   bool   `json:"ro"`
	Contains   bool   `json:"contains"`
	Optional   bool   `json:"opt"`
	Src        string `json:"src"`
}

type graphEnum struct {
	Flags   bool        `json:"flags"`
	Members [][2]string `json:"members"`
}

type graphOp struct {
	Name     string      `json:"name"`
	Kind     string      `json:"kind"` // action or function
	Bind     string      `json:"bind"`
	BindColl bool        `json:"bindColl"`
	Params   []graphProp `json:"params"`
	Ret      *graphProp  `json:"ret"`
}

func (m *graphModel) index() error {
	m.derived = map[string][]string{}
	for name, t := range m.Types {
		t.name = name
		for n, p := range t.Props {
			p.Name = n
		}
		for n, p := range t.Nav {
			p.Name = n
		}
		for base := t.Base; base != ""; {
			m.derived[base] = append(m.derived[base], name)
			b := m.Types[base]
			if b == nil {
				return fmt.Errorf("type %s has the unknown base %s", name, base)
			}
			base = b.Base
		}
	}
	for base := range m.derived {
		slices.Sort(m.derived[base])
	}
	if len(m.Types) == 0 || len(m.Paths) == 0 || len(m.Sets) == 0 {
		return fmt.Errorf("no types, sets or paths in it")
	}
	return nil
}

// prop finds a structural property on a type or its bases.
func (m *graphModel) prop(typ, name string) *graphProp {
	for t := m.Types[typ]; t != nil; t = m.Types[t.Base] {
		if p := t.Props[name]; p != nil {
			return p
		}
	}
	return nil
}

// nav finds a navigation property on a type or its bases.
func (m *graphModel) nav(typ, name string) *graphProp {
	for t := m.Types[typ]; t != nil; t = m.Types[t.Base] {
		if p := t.Nav[name]; p != nil {
			return p
		}
	}
	return nil
}

// member finds a structural or navigation property on a type, its bases or, as queries
// over a collection of directory objects may, on a type derived from it.
func (m *graphModel) member(typ, name string) *graphProp {
	for _, t := range append([]string{typ}, m.derived[typ]...) {
		if p := m.prop(t, name); p != nil {
			return p
		}
		if p := m.nav(t, name); p != nil {
			return p
		}
	}
	return nil
}

// isA says that a type is another one or derived from it.
func (m *graphModel) isA(typ, base string) bool {
	return typ == base || slices.Contains(m.derived[base], typ)
}

// key is the name of a type's key property, empty when it has none.
func (m *graphModel) key(typ string) string {
	for t := m.Types[typ]; t != nil; t = m.Types[t.Base] {
		if len(t.Key) > 0 {
			return t.Key[0]
		}
	}
	return ""
}

// altKeys are the properties by which an entity may be addressed besides its key.
func (m *graphModel) altKeys(typ string) []string {
	var out []string
	for t := m.Types[typ]; t != nil; t = m.Types[t.Base] {
		out = append(out, t.AltKeys...)
	}
	return out
}

// op finds an action or function bound to a type (or a base of it) or to a collection of it.
// The case of the name is for the caller to judge. With several overloads it prefers the one with as many parameters as there are arguments.
func (m *graphModel) op(typ string, coll bool, name string, args int) *graphOp {
	var found *graphOp
	for i := range m.Ops {
		o := &m.Ops[i]
		if !strings.EqualFold(o.Name, name) || o.BindColl != coll || !m.isA(typ, o.Bind) {
			continue
		}
		if found == nil || len(o.Params) == args {
			found = o
		}
	}
	return found
}

func (e *graphEnum) has(member string) bool {
	return slices.ContainsFunc(e.Members, func(m [2]string) bool { return m[0] == member })
}

// typeName is the contracts' name for an @odata.type ("#microsoft.graph.user" or
// "#Collection(microsoft.graph.user)").
func typeName(odata string) string {
	s := strings.TrimPrefix(odata, "#")
	if inner, ok := strings.CutPrefix(s, "Collection("); ok {
		s = strings.TrimSuffix(inner, ")")
	}
	return strings.TrimPrefix(s, "microsoft.graph.")
}
