package contract

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// target is what a Graph path addresses.
type target struct {
	// template has {} for keys; literal has the keys as written. Both are lower case and
	// leave $ref, $count and $value out, as the permission table does.
	template, literal string
	// typ is the type addressed; empty when the contracts leave the type out (opaque).
	typ string
	// coll: a collection is addressed; key: one of its members, by key.
	coll, key bool
	// nav is the navigation property last followed, owner the type that has it, prop the
	// structural property addressed.
	nav, prop *graphProp
	owner     string
	// op is the bound action or function addressed, args how many arguments the path gives.
	op *graphOp
	// cast: the last type came from a type segment; such answers carry no @odata.type need.
	cast bool
	// ref, count, value are the trailing segments of that name.
	ref, count, value bool
	// single: an entity set does not lie behind it (a singleton or a single navigation).
	single bool
	// miscased are segments written in another case than the model's.
	miscased []string
}

func (t *target) opaque() bool { return t.typ == "" }

func (t *target) add(template, literal string) {
	t.template += "/" + strings.ToLower(template)
	t.literal += "/" + strings.ToLower(literal)
}

// splitVersion cuts a path at its version segment: "/base/v1.0/users" gives "v1.0" and
// "/users", and a tenant after the version ("/beta/{tenant}/users") is left out.
func splitVersion(path string) (version, rest string) {
	segs := strings.Split(path, "/")
	i := slices.IndexFunc(segs, func(s string) bool { return s == "v1.0" || s == "beta" })
	if i < 0 {
		return "", path
	}
	version, segs = segs[i], segs[i+1:]
	if len(segs) > 1 && isTenant(segs[0]) {
		segs = segs[1:]
	}
	return version, "/" + strings.Join(segs, "/")
}

// isTenant: a tenant is addressed by its id or by a domain, neither of which any entity set is.
func isTenant(seg string) bool {
	return isGUID(seg) || strings.Contains(seg, ".") && !strings.HasPrefix(seg, "microsoft.graph")
}

// walk resolves a path (without version, still percent-encoded) in the model.
func (m *graphModel) walk(path string) (*target, error) {
	t := &target{}
	segs := strings.Split(strings.Trim(path, "/"), "/")
	for i, raw := range segs {
		seg, err := url.PathUnescape(raw)
		if err != nil || seg == "" {
			return t, fmt.Errorf("segment %d of the path is empty or not decodable", i+1)
		}
		if t.ref || t.count || t.value {
			return t, fmt.Errorf("%q after a final segment", seg)
		}
		if i == 0 {
			err = m.root(t, seg)
		} else {
			err = m.step(t, seg)
		}
		if err != nil {
			return t, err
		}
	}
	return t, nil
}

// root resolves the first segment: an entity set or a singleton.
func (m *graphModel) root(t *target, seg string) error {
	name, args, hasArgs := cutArgs(seg)
	if set, canon, ok := lookFold(m.Sets, name); ok {
		t.cased(name, canon)
		t.typ, t.coll = set, true
		t.add(name, name)
		if hasArgs {
			return m.parenKey(t, args)
		}
		return nil
	}
	if single, canon, ok := lookFold(m.Singles, name); ok && !hasArgs {
		t.cased(name, canon)
		t.typ, t.single = single, true
		t.add(name, name)
		return nil
	}
	return fmt.Errorf("%s has no entity set or singleton %q", m.version, name)
}

// step resolves one further segment.
func (m *graphModel) step(t *target, seg string) error {
	if done, err := m.finalStep(t, seg); done || err != nil {
		return err
	}
	switch {
	case t.op != nil && t.op.Ret == nil:
		return fmt.Errorf("%q after %s, which returns nothing", seg, t.op.Name)
	case t.opaque():
		t.add(seg, seg) // the contracts leave the type out; noOperation or notCovered says so
		return nil
	case m.Types[t.typ] == nil:
		return fmt.Errorf("%q below the plain value %s", seg, t.typ)
	case strings.HasPrefix(seg, "microsoft.graph."):
		return m.castStep(t, seg)
	}
	name, args, hasArgs := cutArgs(seg)
	if o := m.op(t.typ, t.coll, name, countArgs(args)); o != nil {
		return m.opStep(t, o, name, args, hasArgs)
	}
	if t.coll {
		return m.keyStep(t, seg)
	}
	return m.memberStep(t, name, args, hasArgs)
}

// finalStep resolves $ref, $count and $value.
func (m *graphModel) finalStep(t *target, seg string) (bool, error) {
	switch seg {
	case "$ref":
		if t.nav == nil || t.op != nil || t.prop != nil {
			return true, fmt.Errorf("$ref does not follow a navigation property")
		}
		t.ref = true
	case "$count":
		if !t.coll {
			return true, fmt.Errorf("$count does not follow a collection")
		}
		t.count = true
	case "$value":
		t.value = true
	default:
		if strings.HasPrefix(seg, "$") {
			return true, fmt.Errorf("unknown segment %q", seg)
		}
		return false, nil
	}
	return true, nil
}

// castStep resolves microsoft.graph.X: a type segment, or an operation in its long form.
func (m *graphModel) castStep(t *target, seg string) error {
	name, args, hasArgs := cutArgs(strings.TrimPrefix(seg, "microsoft.graph."))
	if o := m.op(t.typ, t.coll, name, countArgs(args)); o != nil {
		return m.opStep(t, o, name, args, hasArgs)
	}
	_, canon, known := lookFold(m.Types, name)
	if !known || !m.isA(canon, t.typ) {
		return fmt.Errorf("%q is neither a type derived from %s nor an operation on it", seg, t.typ)
	}
	t.cased(name, canon)
	t.typ, t.cast = canon, true
	t.add(seg, seg)
	return nil
}

// opStep follows an action or function.
func (m *graphModel) opStep(t *target, o *graphOp, name, args string, hasArgs bool) error {
	if o.Kind == "action" && hasArgs {
		return fmt.Errorf("action %s takes its parameters in the body", name)
	}
	t.cased(name, o.Name)
	given := argNames(args)
	for _, g := range given {
		if !slices.ContainsFunc(o.Params, func(p graphProp) bool { return p.Name == g }) {
			return fmt.Errorf("function %s has no parameter %q", name, g)
		}
	}
	if o.Kind == "function" && !hasArgs && slices.ContainsFunc(o.Params, func(p graphProp) bool { return p.NonNull }) {
		return fmt.Errorf("function %s needs its parameters", name)
	}
	seg := name
	for i, g := range given {
		given[i] = g + "={}"
	}
	if len(given) > 0 {
		seg += "(" + strings.Join(given, ",") + ")"
	}
	t.add(seg, seg)
	t.op, t.nav, t.prop, t.key, t.cast = o, nil, nil, false, false
	t.typ, t.coll, t.single = "", false, true
	if o.Ret != nil {
		t.typ, t.coll = o.Ret.Type, o.Ret.Collection
	}
	return nil
}

// keyStep follows a key into a collection of entities.
func (m *graphModel) keyStep(t *target, seg string) error {
	if m.key(t.typ) == "" {
		return fmt.Errorf("%q below a collection of %s, which has no key", seg, t.typ)
	}
	t.template += "/{}"
	t.literal += "/" + strings.ToLower(seg)
	t.coll, t.key, t.single = false, true, false
	return nil
}

// parenKey follows a key in parentheses: users('id') or applications(appId='id').
func (m *graphModel) parenKey(t *target, args string) error {
	t.coll, t.key = false, true
	name, _, named := strings.Cut(args, "=")
	if !named {
		if !isQuoted(args) {
			return fmt.Errorf("the key (%s) is not quoted", args)
		}
		t.add("{}", strings.Trim(args, "'"))
		return nil
	}
	i := slices.IndexFunc(m.altKeys(t.typ), func(key string) bool { return strings.EqualFold(key, name) })
	if i < 0 && name != m.key(t.typ) {
		return fmt.Errorf("%s is no key of %s", name, t.typ)
	}
	if i >= 0 {
		t.cased(name, m.altKeys(t.typ)[i])
	}
	if !isQuoted(args[len(name)+1:]) {
		return fmt.Errorf("the key %s is not quoted", name)
	}
	suffix := "(" + strings.ToLower(name) + "={})"
	t.template += suffix
	t.literal += suffix
	return nil
}

// memberStep follows a property or navigation property of one entity.
func (m *graphModel) memberStep(t *target, name, args string, hasArgs bool) error {
	canon := m.canonicalMember(t.typ, name)
	if p := m.nav(t.typ, canon); p != nil {
		t.cased(name, canon)
		t.add(name, name)
		t.nav, t.prop, t.op, t.owner = p, nil, nil, t.typ
		t.typ, t.coll, t.key, t.cast, t.single = p.Type, p.Collection, false, false, !p.Collection
		if m.Types[t.typ] == nil {
			t.typ = ""
		}
		if hasArgs && t.coll && !t.opaque() {
			return m.parenKey(t, args)
		}
		return nil
	}
	if p := m.prop(t.typ, canon); p != nil && !hasArgs {
		t.cased(name, canon)
		t.add(name, name)
		t.nav, t.prop, t.op = nil, p, nil
		t.typ, t.coll, t.key, t.single = p.Type, p.Collection, false, true
		return nil
	}
	return fmt.Errorf("%s has no property, navigation or operation %q", t.typ, name)
}

// canonicalMember is the model's spelling of a name on a type, the name itself when none fits.
func (m *graphModel) canonicalMember(typ, name string) string {
	for t := m.Types[typ]; t != nil; t = m.Types[t.Base] {
		if _, canon, ok := lookFold(t.Nav, name); ok {
			return canon
		}
		if _, canon, ok := lookFold(t.Props, name); ok {
			return canon
		}
	}
	return name
}

func (t *target) cased(written, canon string) {
	if written != canon {
		t.miscased = append(t.miscased, written+" for "+canon)
	}
}

// operations is the permission table's entry for what a path addresses: the exact template
// first, then the forms under which the table files the same call.
func (m *graphModel) operations(t *target) (map[string]map[string][]string, bool) {
	templates := []string{t.literal, t.template}
	if t.count { // a few counts are filed as calls of their own
		templates = append([]string{t.template + "/$count"}, templates...)
	}
	for _, template := range templates {
		for _, form := range []string{template, withoutArgs(template), withoutCasts(template)} {
			if ops, ok := m.Paths[form]; ok {
				return ops, true
			}
		}
	}
	return nil, false
}

// withoutCasts drops type segments: the table files /groups/{}/members/microsoft.graph.user
// under /groups/{}/members.
func withoutCasts(template string) string {
	segs := strings.Split(template, "/")
	segs = slices.DeleteFunc(segs, func(s string) bool { return strings.HasPrefix(s, "microsoft.graph.") })
	return strings.Join(segs, "/")
}

// withoutArgs drops a last segment's arguments: the table files creationOptions(…) bare.
func withoutArgs(template string) string {
	i := strings.LastIndex(template, "/")
	name, _, has := cutArgs(template[i+1:])
	if !has {
		return template
	}
	return template[:i+1] + name
}

// cutArgs splits name(args).
func cutArgs(seg string) (name, args string, has bool) {
	name, rest, has := strings.Cut(seg, "(")
	if !has || !strings.HasSuffix(rest, ")") {
		return seg, "", false
	}
	return name, strings.TrimSuffix(rest, ")"), true
}

// argNames are the parameter names in "a='1',b=2".
func argNames(args string) []string {
	if args == "" {
		return nil
	}
	var out []string
	for _, part := range strings.Split(args, ",") {
		name, _, _ := strings.Cut(part, "=")
		out = append(out, strings.TrimSpace(name))
	}
	return out
}

func countArgs(args string) int { return len(argNames(args)) }

func isQuoted(s string) bool {
	return len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\''
}

// lookFold finds a key in any case and gives the map's own spelling of it.
func lookFold[V any](in map[string]V, name string) (v V, canon string, ok bool) {
	if v, ok = in[name]; ok {
		return v, name, true
	}
	for k, v := range in {
		if strings.EqualFold(k, name) {
			return v, k, true
		}
	}
	return v, name, false
}
