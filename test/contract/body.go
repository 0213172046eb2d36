package contract

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// mode is what a JSON value is for: the rules differ.
type mode int

const (
	creating mode = iota // the body of a POST that creates
	updating             // the body of a PATCH or PUT
	calling              // the parameters of an action
	answered             // what the service gave back
)

func (m mode) side() string {
	if m == answered {
		return "answer"
	}
	return "request"
}

// graphRequestBody checks the request's body.
func (k *checker) graphRequestBody() {
	t := k.t
	if k.e.Method == http.MethodGet || k.e.Method == http.MethodDelete || k.e.Method == http.MethodHead {
		if len(k.e.RequestBody) > 0 {
			k.request(badJSON, t.typ, "", "body", "%s carries a body", k.e.Method)
		}
		return
	}
	if len(k.e.RequestBody) == 0 {
		k.emptyBody()
		return
	}
	if !isJSONType(k.e.RequestHeader) {
		k.request(badHeader, t.typ, "Content-Type", "header Content-Type", "a JSON body without Content-Type: application/json")
	}
	v, err := decode(k.e.RequestBody)
	if err != nil {
		k.request(badJSON, t.typ, "", "body", "%v", err)
		return
	}
	obj, ok := v.(map[string]any)
	if !ok {
		k.request(badJSON, t.typ, "", "body", "the body is not an object")
		return
	}
	switch {
	case t.ref:
		k.refBody(obj)
	case t.op != nil:
		k.params(obj)
	case k.e.Method == http.MethodPost:
		k.entity(t.typ, obj, creating, nil, "body", t.cast)
		k.required(obj)
	default:
		k.entity(t.typ, obj, updating, nil, "body", t.cast)
	}
}

// emptyBody: only actions whose parameters may all be left out need none.
func (k *checker) emptyBody() {
	if k.t.op == nil {
		k.request(badJSON, k.t.typ, "", "body", "%s without a body", k.e.Method)
		return
	}
	k.params(map[string]any{})
}

// refBody is {"@odata.id": URL of an existing kind of object}.
func (k *checker) refBody(obj map[string]any) {
	for _, name := range sortedKeys(obj) {
		if name != "@odata.id" {
			k.request(unknownProperty, k.t.typ, name, "body", "a reference holds @odata.id only")
		}
	}
	s, _ := obj["@odata.id"].(string)
	k.link(s, k.t.typ, "body.@odata.id")
}

// link: a URL under the same service root that addresses one object of the wanted type.
func (k *checker) link(s, typ, at string) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		k.request(badReference, typ, "", at, "no absolute URL")
		return
	}
	version, rest := splitVersion(u.EscapedPath())
	m := k.c.graph[version]
	if m == nil {
		k.request(badReference, typ, "", at, "the URL has no Graph version")
		return
	}
	if u.Host != k.u.Host {
		k.request(badReference, typ, "", at, "the URL names another host than the request")
	}
	t, err := m.walk(rest)
	switch {
	case err != nil:
		k.request(badReference, typ, "", at, "%v", err)
	case t.coll || t.opaque():
		k.request(badReference, typ, "", at, "the URL addresses no single object")
	case !m.isA(t.typ, typ) && !m.isA(typ, t.typ):
		k.request(badReference, typ, "", at, "the URL addresses a %s, not a %s", t.typ, typ)
	}
}

// params checks an action's parameters.
func (k *checker) params(obj map[string]any) {
	op := k.t.op
	for _, name := range sortedKeys(obj) {
		i := slices.IndexFunc(op.Params, func(p graphProp) bool { return strings.EqualFold(p.Name, name) })
		if i < 0 {
			k.request(unknownProperty, op.Bind+"."+op.Name, name, "body", "action %s has no parameter %q", op.Name, name)
			continue
		}
		p := op.Params[i]
		k.value(p.Type, &p, obj[name], calling, nil, "body."+name)
	}
	for _, p := range op.Params {
		if _, given := obj[p.Name]; !given && p.NonNull && !p.Optional && !hasFold(obj, p.Name) {
			k.request(missingProperty, op.Bind+"."+op.Name, p.Name, "body", "action %s needs %s", op.Name, p.Name)
		}
	}
}

func hasFold(obj map[string]any, name string) bool {
	_, _, ok := lookFold(obj, name)
	return ok
}

// required: what a create needs, which the metadata does not say.
func (k *checker) required(obj map[string]any) {
	typ := k.t.typ
	if s, ok := obj["@odata.type"].(string); ok && k.m.isA(typeName(s), typ) {
		typ = typeName(s)
	}
	for _, name := range requiredOnCreate[typ] {
		alternatives := strings.Split(name, "|")
		if !slices.ContainsFunc(alternatives, func(a string) bool { _, ok := obj[a]; return ok }) {
			k.request(missingProperty, typ, name, "body", "creating a %s needs %s", typ, strings.Join(alternatives, " or "))
		}
	}
}

// entity checks an object of an entity or complex type. typed says that the path already
// fixed the type, so that an abstract one needs no @odata.type.
func (k *checker) entity(declared string, obj map[string]any, md mode, v *view, at string, typed bool) {
	actual, ok := k.actualType(declared, obj, md, at, typed)
	if !ok {
		return
	}
	for _, name := range sortedKeys(obj) {
		if strings.Contains(name, "@") || strings.HasPrefix(name, "#") {
			k.annotation(actual, name, obj[name], md, at)
			continue
		}
		k.member(actual, name, obj, md, v, at+"."+name)
	}
	if md == answered {
		k.present(actual, obj, v, at)
	}
}

// actualType is the declared type or the derived one that @odata.type names.
func (k *checker) actualType(declared string, obj map[string]any, md mode, at string, typed bool) (string, bool) {
	raw, given := obj["@odata.type"]
	if !given {
		if t := k.m.Types[declared]; t != nil && t.Abstract && !typed {
			k.report(md.side(), missingType, declared, "", at, "%s is abstract: @odata.type is missing", declared)
			return declared, false
		}
		return declared, true
	}
	s, _ := raw.(string)
	name := typeName(s)
	if !strings.HasPrefix(s, "#microsoft.graph.") || k.m.Types[name] == nil || !k.m.isA(name, declared) {
		k.report(md.side(), unknownType, declared, name, at+".@odata.type", "%q is no %s that the contracts know", s, declared)
		return declared, false
	}
	if k.m.Types[name].Abstract {
		k.report(md.side(), unknownType, declared, name, at+".@odata.type", "%s is abstract", name)
	}
	return name, true
}

// member checks one property or navigation property of an object.
func (k *checker) member(typ, name string, obj map[string]any, md mode, v *view, at string) {
	side := md.side()
	if p := k.m.prop(typ, name); p != nil {
		if md == answered && k.isEntity(typ) && !k.m.inDefaultView(typ, name, v) && name != k.m.key(typ) {
			k.answer(notSelected, typ, name, at, "%s was not asked for", name)
		}
		linked := name == k.m.key(typ) && at != "body."+name // {"authenticationStrength":{"id":…}} links by key
		if md != answered && !linked && (p.ReadOnly || isReadOnly(k.m, typ, name)) {
			k.request(readOnly, typ, name, at, "only the service writes %s of %s", name, typ)
		}
		k.value(p.Type, p, obj[name], md, nil, at)
		return
	}
	if p := k.m.nav(typ, name); p != nil {
		sub, asked := v.expanded(name)
		if md == answered && !asked && k.isEntity(typ) && v != nil {
			k.answer(notExpanded, typ, name, at, "%s was not expanded", name)
		}
		if md == updating && k.isEntity(typ) && !p.Contains && p.Src == "" {
			k.request(badReference, typ, name, at, "a link is written through /$ref or @odata.bind")
		}
		k.inline(p, obj[name], md, sub, at)
		return
	}
	if k.isOpenBag(typ) || strings.HasPrefix(name, "extension_") && k.m.isA(typ, "directoryObject") {
		return
	}
	k.report(side, unknownProperty, typ, name, at, "%s has no property %q", typ, name)
}

func (k *checker) isEntity(typ string) bool {
	t := k.m.Types[typ]
	return t != nil && t.Kind == "entity"
}

// isOpenBag: a complex type without any property of its own holds what it likes.
func (k *checker) isOpenBag(typ string) bool {
	t := k.m.Types[typ]
	return t != nil && t.Kind == "complex" && len(t.Props) == 0 && t.Base == "" && len(k.m.derived[typ]) == 0
}

// inline checks an expanded or deeply inserted navigation property.
func (k *checker) inline(p *graphProp, value any, md mode, v *view, at string) {
	if value == nil || k.m.Types[p.Type] == nil {
		return
	}
	if md == answered && v == nil {
		v = &view{}
	}
	k.value(p.Type, p, value, md, v, at)
}

// value checks a JSON value against a type.
func (k *checker) value(typ string, p *graphProp, value any, md mode, v *view, at string) {
	if value == nil {
		if p.NonNull {
			k.report(md.side(), nullValue, typ, p.Name, at, "null where the contracts allow none")
		}
		return
	}
	if !p.Collection {
		k.scalar(typ, value, md, v, at)
		return
	}
	list, ok := value.([]any)
	if !ok {
		k.report(md.side(), wrongType, typ, "", at, "no list")
		return
	}
	for i, e := range list {
		here := fmt.Sprintf("%s[%d]", at, i)
		if e == nil {
			k.report(md.side(), nullValue, typ, "", here, "null in a list")
			continue
		}
		k.scalar(typ, e, md, v, here)
	}
}

func (k *checker) scalar(typ string, value any, md mode, v *view, at string) {
	if e := k.m.Enums[typ]; e != nil {
		k.enum(typ, e, value, md, at)
		return
	}
	if k.m.Types[typ] != nil {
		obj, ok := value.(map[string]any)
		if !ok {
			k.report(md.side(), wrongType, typ, "", at, "no object")
			return
		}
		k.entity(typ, obj, md, v, at, false)
		return
	}
	if strings.HasPrefix(typ, "Edm.") || typ == "Any" {
		if want, ok := fitsPrimitive(typ, value); !ok {
			k.report(md.side(), wrongType, typ, "", at, "%s where %s belongs", jsonKind(value), want)
		}
		return
	}
	k.report(md.side(), notCovered, typ, "", at, "the contracts leave the type %s out", typ)
}

func (k *checker) enum(typ string, e *graphEnum, value any, md mode, at string) {
	s, ok := value.(string)
	if !ok {
		k.report(md.side(), wrongType, typ, "", at, "%s where a member of %s belongs", jsonKind(value), typ)
		return
	}
	members := []string{s}
	if e.Flags {
		members = strings.Split(s, ",")
	}
	for _, name := range members {
		if name = strings.TrimSpace(name); !e.has(name) {
			k.report(md.side(), unknownMember, typ, name, at, "%s has no member %q", typ, name)
		}
	}
}

// requestAnnotations may stand in a request ("OData JSON format" control information that
// Graph documents for requests).
var requestAnnotations = []string{"odata.type", "odata.bind", "odata.id"}

// answerAnnotations may stand in an answer.
var answerAnnotations = []string{
	"odata.type", "odata.id", "odata.etag", "odata.editLink", "odata.context", "odata.nextLink", "odata.count",
	"odata.deltaLink", "odata.navigationLink", "odata.associationLink", "odata.mediaEditLink", "odata.mediaContentType",
	"odata.mediaReadLink", "removed", "delta", "microsoft.graph.tips",
}

// annotation checks the names with an @ and the advertised actions with a #.
func (k *checker) annotation(typ, name string, value any, md mode, at string) {
	prop, ann, _ := strings.Cut(name, "@")
	allowed := requestAnnotations
	if md == answered {
		allowed = answerAnnotations
		if strings.HasPrefix(name, "#microsoft.graph.") {
			return
		}
	}
	if !slices.Contains(allowed, ann) {
		k.report(md.side(), unknownProperty, typ, name, at, "%s has no place here", name)
		return
	}
	if prop != "" && k.m.prop(typ, prop) == nil && k.m.nav(typ, prop) == nil {
		k.report(md.side(), unknownProperty, typ, prop, at, "%s annotates %q, which %s does not have", ann, prop, typ)
		return
	}
	if ann == "odata.bind" {
		k.bind(typ, prop, value, at+"."+name)
	}
}

// bind: links given at creation, each a URL of an object of the right type.
func (k *checker) bind(typ, prop string, value any, at string) {
	p := k.m.nav(typ, prop)
	if p == nil {
		k.request(badReference, typ, prop, at, "%s is no navigation property", prop)
		return
	}
	list, isList := value.([]any)
	if !isList {
		list = []any{value}
	}
	if isList != p.Collection {
		k.request(badReference, typ, prop, at, "one link and a list of links are mixed up")
	}
	for _, e := range list {
		s, _ := e.(string)
		k.link(s, p.Type, at)
	}
}

func jsonKind(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "null"
}
