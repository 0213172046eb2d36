package graph

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed types.txt
var typesText string

//go:embed types_more.txt
var moreTypesText string

// A typeInfo is what the metadata say of one entity or complex type.
type typeInfo struct {
	name, base string
	open       bool
	props      map[string]propInfo
}

// A propInfo is one property: its kind is a primitive, a type or an enum.
type propInfo struct {
	name, kind string
	collection bool
	navigation bool
	beta, v1   bool // only in this version
}

// A model is all types and enums; enums map a member's lower-case name to its spelling.
type model struct {
	types map[string]*typeInfo
	enums map[string]map[string]bool
	flags map[string]bool
}

var metadata = sync.OnceValue(func() *model {
	m := &model{types: map[string]*typeInfo{}, enums: map[string]map[string]bool{}, flags: map[string]bool{}}
	m.read(typesText)
	m.read(moreTypesText)
	return m
})

func (m *model) read(text string) {
	var t *typeInfo
	var enum string
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || f[0] == "#":
		case f[0] == "type" && line[0] != ' ':
			t, enum = m.head(f[1:]), ""
		case f[0] == "enum" && line[0] != ' ':
			enum = f[1]
			m.enums[enum] = map[string]bool{}
			m.flags[enum] = len(f) > 2
		case enum != "":
			for _, member := range f {
				m.enums[enum][member] = true
			}
		default:
			for _, p := range f {
				t.add(p)
			}
		}
	}
}

// head reads "NAME : BASE open @beta"; a name that is known already is added to.
func (m *model) head(f []string) *typeInfo {
	if t := m.types[f[0]]; t != nil {
		return t
	}
	t := &typeInfo{name: f[0], props: map[string]propInfo{}}
	for i, w := range f[1:] {
		switch w {
		case ":":
			t.base = f[i+2]
		case "open":
			t.open = true
		}
	}
	m.types[t.name] = t
	return t
}

// add reads "NAME:[]KIND@beta", with ">" in front of a navigation property.
func (t *typeInfo) add(word string) {
	name, kind, _ := strings.Cut(word, ":")
	p := propInfo{name: strings.TrimPrefix(name, ">"), navigation: strings.HasPrefix(name, ">")}
	kind, only, _ := strings.Cut(kind, "@")
	p.beta, p.v1 = only == "beta", only == "v1"
	p.kind, p.collection = strings.TrimPrefix(kind, "[]"), strings.HasPrefix(kind, "[]")
	t.props[p.name] = p
}

// prop finds a property of a type or of its bases, in the version asked for; OData names
// are case-sensitive, but Graph is not, so the spelling is the metadata's.
func (m *model) prop(typ, name string, beta bool) (propInfo, bool) {
	for t := m.types[typ]; t != nil; t = m.types[t.base] {
		p, ok := t.props[name]
		if !ok {
			for n, q := range t.props {
				if strings.EqualFold(n, name) {
					p, ok = q, true
				}
			}
		}
		if ok && (beta || !p.beta) && (!beta || !p.v1) {
			return p, true
		}
	}
	return propInfo{}, false
}

// is says whether typ is base or derives from it.
func (m *model) is(typ, base string) bool {
	for t := m.types[typ]; t != nil; t = m.types[t.base] {
		if t.name == base {
			return true
		}
	}
	return typ == base
}

// derived looks a property up in every type derived from typ: lists of directoryObject or
// of policy rules may be filtered and selected by the properties of what they hold.
func (m *model) derived(typ, name string, beta bool) (propInfo, bool) {
	for n := range m.types {
		if n != typ && m.is(n, typ) {
			if p, ok := m.prop(n, name, beta); ok {
				return p, true
			}
		}
	}
	return propInfo{}, false
}
