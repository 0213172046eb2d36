package contract

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// graphAnswer checks status, headers and body of the answer.
func (k *checker) graphAnswer() {
	if k.e.Status == 0 || !k.answerHeaders() {
		return
	}
	k.status()
	body := k.e.ResponseBody
	if k.e.Status == http.StatusNoContent || k.e.Method == http.MethodHead {
		if len(body) > 0 {
			k.answer(badJSON, k.t.typ, "", "body", "status %d with a body", k.e.Status)
		}
		return
	}
	if k.t.count {
		if !isDigits(strings.TrimPrefix(string(body), "\ufeff")) {
			k.answer(badShape, k.t.typ, "", "body", "a $count is a plain number")
		}
		return
	}
	if len(body) == 0 {
		if k.e.Status == http.StatusOK && k.wantsBody() {
			k.answer(badJSON, k.t.typ, "", "body", "status 200 without a body")
		}
		return
	}
	obj, ok := k.answerObject()
	if !ok {
		return
	}
	switch {
	case k.t.ref && k.e.Method == http.MethodGet:
		k.refList(obj)
	case k.t.op != nil:
		k.opAnswer(obj)
	case k.t.coll && k.e.Method == http.MethodGet:
		k.collection(obj)
	default:
		k.single(obj)
	}
}

func (k *checker) wantsBody() bool {
	return k.t.op == nil || k.t.op.Ret != nil
}

// graphAnswerWithoutModel checks what holds whatever the type: error form, headers, envelope.
func (k *checker) graphAnswerWithoutModel() {
	if k.e.Status == 0 || !k.answerHeaders() || len(k.e.ResponseBody) == 0 {
		return
	}
	obj, ok := k.answerObject()
	if !ok {
		return
	}
	if list, has := obj["value"]; has {
		if _, ok := list.([]any); !ok {
			return
		}
		for _, name := range sortedKeys(obj) {
			if name != "value" && !strings.HasPrefix(name, "@") {
				k.answer(unknownProperty, "", name, "body", "%q beside value", name)
			}
		}
	}
	k.context(obj, someContext)
}

// answerHeaders checks what every answer carries. It is false where the answer is an error,
// which it then checks whole.
func (k *checker) answerHeaders() bool {
	if !k.nested && k.e.ResponseHeader.Get("request-id") == "" {
		k.answer(badHeader, "", "request-id", "header request-id", "an answer without request-id")
	}
	if len(k.e.ResponseBody) > 0 && !k.nested && !k.count() && !isJSONType(k.e.ResponseHeader) {
		k.answer(badHeader, "", "Content-Type", "header Content-Type", "an answer with a body that is not application/json")
	}
	if k.e.Status < 400 {
		return true
	}
	if k.e.Status == http.StatusUnauthorized && !k.nested && k.e.ResponseHeader.Get("WWW-Authenticate") == "" {
		k.answer(badHeader, "", "WWW-Authenticate", "header WWW-Authenticate", "401 without a challenge")
	}
	if obj, ok := k.answerObject(); ok {
		k.graphError(obj)
	}
	return false
}

func (k *checker) count() bool { return k.t != nil && k.t.count && k.e.Status < 400 }

// graphError checks {"error":{code,message,innerError}} ("Microsoft Graph error responses").
func (k *checker) graphError(obj map[string]any) {
	e, ok := obj["error"].(map[string]any)
	if !ok || len(obj) != 1 {
		k.answer(badShape, "error", "", "body", "an error is {\"error\":{…}} and nothing else")
		return
	}
	for _, name := range sortedKeys(e) {
		switch name {
		case "code", "message":
			if s, _ := e[name].(string); s == "" && name == "code" {
				k.answer(badShape, "error", name, "body.error."+name, "empty or no string")
			}
		case "innerError":
			k.innerError(e[name])
		case "details", "target":
		default:
			k.answer(unknownProperty, "error", name, "body.error", "an error has no %q", name)
		}
	}
	for _, name := range []string{"code", "message", "innerError"} {
		if _, ok := e[name]; !ok {
			k.answer(missingProperty, "error", name, "body.error", "an error has %s", name)
		}
	}
}

func (k *checker) innerError(v any) {
	inner, ok := v.(map[string]any)
	if !ok {
		k.answer(badShape, "error", "innerError", "body.error.innerError", "no object")
		return
	}
	for _, name := range []string{"date", "request-id", "client-request-id"} {
		if s, _ := inner[name].(string); s == "" {
			k.answer(missingProperty, "error", name, "body.error.innerError", "innerError has %s", name)
		}
	}
}

// status: the success codes that go with a call.
func (k *checker) status() {
	want := []int{http.StatusOK}
	switch {
	case k.t.op != nil && k.t.op.Ret == nil:
		want = []int{http.StatusNoContent, http.StatusOK, http.StatusAccepted}
	case k.t.op != nil:
		want = []int{http.StatusOK, http.StatusCreated, http.StatusAccepted}
	case k.e.Method == http.MethodDelete, k.t.ref && k.e.Method != http.MethodGet:
		want = []int{http.StatusNoContent}
	case k.e.Method == http.MethodPost:
		want = []int{http.StatusCreated}
	case k.e.Method == http.MethodPatch, k.e.Method == http.MethodPut:
		want = []int{http.StatusNoContent, http.StatusOK, http.StatusAccepted}
	}
	if !slices.Contains(want, k.e.Status) {
		k.answer(badStatus, k.t.typ, "", "status", "%d does not go with %s here", k.e.Status, k.e.Method)
	}
}

func (k *checker) answerObject() (map[string]any, bool) {
	v, err := decode(k.e.ResponseBody)
	if err != nil {
		k.answer(badJSON, "", "", "body", "%v", err)
		return nil, false
	}
	obj, ok := v.(map[string]any)
	if !ok {
		k.answer(badJSON, "", "", "body", "the body is not an object")
	}
	return obj, ok
}

// collection checks {"@odata.context", "value": […]} and its members.
func (k *checker) collection(obj map[string]any) {
	k.envelope(obj)
	list, ok := obj["value"].([]any)
	if !ok {
		k.answer(badShape, k.t.typ, "value", "body", "a collection answers with a list named value")
		return
	}
	p := &graphProp{Collection: true}
	v := k.view
	if k.m.Types[k.t.typ] == nil {
		v = nil
	}
	k.value(k.t.typ, p, list, answered, v, "body.value")
}

// envelope checks what stands beside value.
func (k *checker) envelope(obj map[string]any) {
	k.context(obj, setContext)
	for _, name := range sortedKeys(obj) {
		if name != "value" && !strings.HasPrefix(name, "@") {
			k.answer(unknownProperty, k.t.typ, name, "body", "%q beside value", name)
		}
	}
	_, counted := obj["@odata.count"]
	if counted != k.view.count {
		k.answer(badShape, k.t.typ, "@odata.count", "body", "@odata.count goes with $count=true, and only with it")
	}
	_, next := obj["@odata.nextLink"]
	_, delta := obj["@odata.deltaLink"]
	if isDelta := k.t.op != nil && k.t.op.Name == "delta"; isDelta && next == delta || !isDelta && delta {
		k.answer(badShape, k.t.typ, "@odata.deltaLink", "body", "a delta page has either a next link or a delta link, other pages no delta link")
	}
	for _, name := range []string{"@odata.nextLink", "@odata.deltaLink"} {
		if s, ok := obj[name]; ok {
			k.pageLink(name, s)
		}
	}
}

// pageLink: an absolute URL to the same path on the same host, with a token.
func (k *checker) pageLink(name string, value any) {
	s, _ := value.(string)
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		k.answer(badShape, k.t.typ, name, "body", "no absolute URL")
		return
	}
	version, rest := splitVersion(u.EscapedPath())
	t, err := k.m.walk(rest)
	if version != k.m.version || err != nil || t.template != k.t.template || u.Host != k.u.Host {
		k.answer(badShape, k.t.typ, name, "body", "it leads to another path, version or host")
	}
	q := u.Query()
	if !q.Has("$skiptoken") && !q.Has("$skip") && !q.Has("$deltatoken") {
		k.answer(badShape, k.t.typ, name, "body", "it has no token")
	}
}

// contextForm is what an answer's context has to look like at its end.
type contextForm int

const (
	someContext   contextForm = iota // a singleton, a property, a function's result: either form is seen
	setContext                       // a collection: no /$entity
	memberContext                    // one member of a collection: /$entity
)

// context: "@odata.context" is "{root}/{version}/$metadata#…", with /$entity for one member of a set.
func (k *checker) context(obj map[string]any, form contextForm) {
	s, _ := obj["@odata.context"].(string)
	root, fragment, ok := strings.Cut(s, "/$metadata#")
	if !ok || !strings.HasSuffix(root, "/"+k.m.version) || fragment == "" {
		k.answer(badShape, "", "@odata.context", "body", "no context of the form {root}/%s/$metadata#…", k.m.version)
		return
	}
	entity := strings.HasSuffix(fragment, "/$entity")
	if form == setContext && entity {
		k.answer(badShape, "", "@odata.context", "body", "a collection's context ends in /$entity")
	}
	if form == memberContext && !entity {
		k.answer(badShape, "", "@odata.context", "body", "the context of one member of a collection does not end in /$entity")
	}
}

// single checks one entity or one property value.
func (k *checker) single(obj map[string]any) {
	t, form := k.t, someContext
	if created := k.e.Method == http.MethodPost && t.coll; created || t.key {
		form = memberContext
	}
	k.context(obj, form)
	if t.prop != nil && (k.m.Types[t.typ] == nil || t.coll) {
		k.value(t.typ, &graphProp{Collection: t.coll}, obj["value"], answered, nil, "body.value")
		return
	}
	v := k.view
	if k.e.Method != http.MethodGet {
		v = nil // what a create answers with is not bound to the default view
	}
	k.entity(t.typ, obj, answered, v, "body", t.cast)
}

// opAnswer checks what an action or function returns.
func (k *checker) opAnswer(obj map[string]any) {
	ret := k.t.op.Ret
	switch {
	case ret == nil:
		k.answer(badShape, k.t.op.Bind, k.t.op.Name, "body", "%s returns nothing", k.t.op.Name)
	case ret.Collection:
		k.collection(obj)
	case k.m.Types[ret.Type] != nil:
		k.context(obj, someContext)
		k.entity(ret.Type, obj, answered, nil, "body", false)
	default:
		k.context(obj, someContext)
		k.value(ret.Type, ret, obj["value"], answered, nil, "body.value")
	}
}

// refList checks the answer to GET …/$ref.
func (k *checker) refList(obj map[string]any) {
	list, ok := obj["value"].([]any)
	if !ok && k.t.coll {
		k.answer(badShape, k.t.typ, "value", "body", "a collection of references answers with a list named value")
		return
	}
	if !k.t.coll {
		list = []any{obj}
	}
	for _, e := range list {
		ref, _ := e.(map[string]any)
		if s, _ := ref["@odata.id"].(string); s == "" {
			k.answer(badShape, k.t.typ, "@odata.id", "body", "a reference has @odata.id")
		}
	}
}

// present: the key and what $select named are there.
func (k *checker) present(typ string, obj map[string]any, v *view, at string) {
	if !k.isEntity(typ) {
		return
	}
	if _, removed := obj["@removed"]; removed {
		return
	}
	key := k.m.key(typ)
	// Containers such as /identity/conditionalAccess are entities without an id of their own.
	container := at == "body" && k.t.single && !k.t.key
	if _, has := obj[key]; key != "" && !has && !container && (v == nil || v.selected == nil || v.wants(key)) {
		k.answer(missingProperty, typ, key, at, "an entity without its key %s", key)
	}
	if v == nil {
		return
	}
	for _, name := range v.selected {
		_, has := obj[name]
		if !has && !(container && name == key) && k.m.prop(typ, name) != nil && !slices.Contains(omittedWhenEmpty[typ], name) {
			k.answer(missingProperty, typ, name, at, "%s was selected and is missing", name)
		}
	}
	for name := range v.expand {
		if _, has := obj[name]; !has && name != "*" && k.m.nav(typ, name) != nil && k.m.nav(typ, name).Collection {
			k.answer(missingProperty, typ, name, at, "%s was expanded and is missing", name)
		}
	}
}
