package contract

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// armFile is one ARM description as stored.
type armFile struct {
	Resources []armResource       `json:"resources"`
	Types     map[string]*armType `json:"types"`
	Actions   []armAction         `json:"actions"`
}

type armResource struct {
	Type    string `json:"type"`
	Version string `json:"version"`
	Scope   int    `json:"scope"`
	Body    string `json:"body"`
}

type armAction struct {
	Type    string `json:"type"`
	Version string `json:"version"`
	Name    string `json:"name"`
	Method  string `json:"method"`
	Item    bool   `json:"item"` // it stands before one more name (…/notificationStatus/{id})
	Body    string `json:"body"`
}

// armType is one Bicep type; Kind says which fields count.
type armType struct {
	Kind       string               `json:"k"`
	Name       string               `json:"n"`
	Props      map[string][2]string `json:"p"` // name -> type id, flags
	Additional string               `json:"x"`
	Item       string               `json:"i"`
	Value      any                  `json:"v"` // lit: the value; enum: the list
	Open       bool                 `json:"open"`
	Pattern    string               `json:"pattern"`
	Disc       string               `json:"d"`
	Cases      map[string]string    `json:"e"`
}

// Scopes at which an ARM resource can live, as the Bicep types number them.
const (
	scopeTenant        = 1
	scopeManagement    = 2
	scopeSubscription  = 4
	scopeResourceGroup = 8
	scopeExtension     = 16
)

type armModel struct {
	resources map[string]map[string]armResource // lower-case type -> api-version
	types     map[string]*armType
	actions   []armAction
}

func newARMModel() *armModel {
	return &armModel{resources: map[string]map[string]armResource{}, types: map[string]*armType{}}
}

func (m *armModel) add(f armFile) error {
	for id, t := range f.Types {
		if m.types[id] != nil && m.types[id].Name != t.Name {
			return fmt.Errorf("the type id %s is used twice", id)
		}
		m.types[id] = t
	}
	for _, r := range f.Resources {
		if m.types[r.Body] == nil {
			return fmt.Errorf("%s@%s has no body type", r.Type, r.Version)
		}
		byVersion := m.resources[strings.ToLower(r.Type)]
		if byVersion == nil {
			byVersion = map[string]armResource{}
			m.resources[strings.ToLower(r.Type)] = byVersion
		}
		byVersion[r.Version] = r
	}
	m.actions = append(m.actions, f.Actions...)
	return nil
}

// armAddress is what an ARM path addresses.
type armAddress struct {
	typ   string // Microsoft.Insights/actionGroups
	scope int
	list  bool   // the path ends in a type, not a name
	tail  string // the last segment of a list path: an action, perhaps
}

// isARM: ARM paths begin, after any base path, with one of these segments. Sign-in and
// metadata endpoints have none of them.
func isARM(path string) bool {
	for _, s := range strings.Split(path, "/") {
		switch strings.ToLower(s) {
		case "subscriptions", "providers", "tenants":
			return true
		}
	}
	return false
}

// parseARM resolves a path; ok is false where it addresses no typed resource.
func parseARM(path string) (a armAddress, ok bool) {
	segs := strings.Split(strings.Trim(path, "/"), "/")
	first := slices.IndexFunc(segs, func(s string) bool { return isARM("/" + s) })
	segs = segs[first:]
	last := -1
	for i, s := range segs {
		if strings.EqualFold(s, "providers") {
			last = i
		}
	}
	if last < 0 {
		return groupAddress(segs)
	}
	rest := segs[last+1:]
	if len(rest) < 2 {
		return a, false
	}
	a.scope = scopeOf(segs[:last])
	a.typ = rest[0]
	for i := 1; i < len(rest); i += 2 {
		a.typ += "/" + rest[i]
	}
	a.list = len(rest)%2 == 0
	a.tail = rest[len(rest)-1]
	return a, true
}

// groupAddress: resource groups are the one typed resource outside /providers/.
func groupAddress(segs []string) (armAddress, bool) {
	if len(segs) < 3 || len(segs) > 4 || !strings.EqualFold(segs[0], "subscriptions") || !strings.EqualFold(segs[2], "resourcegroups") {
		return armAddress{}, false
	}
	return armAddress{typ: "Microsoft.Resources/resourceGroups", scope: scopeSubscription, list: len(segs) == 3}, true
}

func scopeOf(segs []string) int {
	low := strings.ToLower(strings.Join(segs, "/"))
	switch {
	case len(segs) == 0:
		return scopeTenant
	case strings.HasPrefix(low, "providers/microsoft.management/managementgroups/") && len(segs) == 4:
		return scopeManagement
	case len(segs) == 2:
		return scopeSubscription
	case len(segs) == 4 && strings.Contains(low, "/resourcegroups/"):
		return scopeResourceGroup
	}
	return scopeExtension
}

// neutralARM is an ARM path with its names as {}, to name a call in an exception.
func neutralARM(path string) string {
	segs := strings.Split(strings.Trim(path, "/"), "/")
	first := slices.IndexFunc(segs, func(s string) bool { return isARM("/" + s) })
	segs = slices.Clone(segs[first:])
	for i := 1; i < len(segs); i++ {
		switch strings.ToLower(segs[i-1]) {
		case "subscriptions", "resourcegroups":
			segs[i] = "{}"
		case "providers":
			for j := i + 2; j < len(segs) && !strings.EqualFold(segs[j], "providers"); j += 2 {
				segs[j] = "{}"
			}
		}
	}
	return "/" + strings.Join(segs, "/")
}

// armExchange checks an ARM exchange.
func (k *checker) armExchange() {
	version := k.u.Query().Get("api-version")
	a, ok := parseARM(k.u.Path)
	r, known := armResource{}, false
	var action *armAction
	if ok {
		byVersion := k.c.arm.resources[strings.ToLower(a.typ)]
		if byVersion == nil {
			action = k.c.arm.action(a, version)
		}
		r, known = byVersion[version]
		ok = byVersion != nil || action != nil
	}
	switch {
	case !ok:
		k.path = "ARM " + neutralARM(k.u.EscapedPath())
		k.request(notCovered, a.typ, version, "", "the contracts leave this resource out")
	case action != nil:
		k.path = "ARM " + action.Type + "/" + action.Name + "@" + version
		k.armAction(action)
	case !known:
		k.path = "ARM " + a.typ + "@" + version
		k.request(unknownVersion, a.typ, version, "query api-version", "the contracts know no api-version %q of %s", version, a.typ)
	default:
		k.path = "ARM " + r.Type + "@" + version
		k.armResource(a, r)
	}
	if version == "" && ok {
		k.request(unknownVersion, a.typ, "", "query", "without api-version")
	}
	k.armOptions()
	k.armError()
}

// action finds a described action: …/actionGroups/{name}/createNotifications, also without
// the name (createNotifications at subscription scope), also with one more name.
func (m *armModel) action(a armAddress, version string) *armAction {
	for i := range m.actions {
		x := &m.actions[i]
		full := strings.ToLower(x.Type + "/" + x.Name)
		if x.Version == version && strings.EqualFold(a.typ, full) && a.list != x.Item {
			return x
		}
	}
	return nil
}

func (k *checker) armAction(x *armAction) {
	if k.e.Method != x.Method {
		k.request(methodNotAllowed, x.Type, x.Name, "", "%s is called with %s", x.Name, x.Method)
	}
	if obj, ok := k.armBody(x.Body != ""); ok && x.Body != "" {
		k.bicep(x.Body, obj, creating, "body")
	}
}

// armOptions: ARM takes api-version and, on lists, few others.
func (k *checker) armOptions() {
	for name := range k.u.Query() {
		if !slices.Contains([]string{"api-version", "$filter", "$top", "$expand", "$skipToken", "$skiptoken", "force"}, name) {
			k.request(badQuery, "", name, "query "+name, "ARM takes no %s", name)
		}
	}
}

// armResource checks method, scope, request and answer of a described resource.
func (k *checker) armResource(a armAddress, r armResource) {
	atList := a.list && k.e.Method == http.MethodGet
	if r.Scope&a.scope == 0 && !(atList && a.scope == scopeSubscription && r.Scope&scopeResourceGroup != 0) {
		k.request(wrongScope, r.Type, "", "", "%s does not live at this scope", r.Type)
	}
	methods := []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead}
	if a.list {
		methods = []string{http.MethodGet}
	}
	if !slices.Contains(methods, k.e.Method) {
		k.request(methodNotAllowed, r.Type, "", "", "%s does not go with this path", k.e.Method)
	}
	writes := k.e.Method == http.MethodPut || k.e.Method == http.MethodPatch
	if obj, ok := k.armBody(writes); ok && writes {
		md := creating
		if k.e.Method == http.MethodPatch {
			md = updating
		}
		k.bicep(r.Body, obj, md, "body")
	}
	k.armAnswer(a, r)
}

// armBody decodes the request's body; wanted says whether there has to be one.
func (k *checker) armBody(wanted bool) (map[string]any, bool) {
	switch {
	case len(k.e.RequestBody) == 0 && wanted:
		k.request(badJSON, "", "", "body", "%s without a body", k.e.Method)
		return nil, false
	case len(k.e.RequestBody) == 0:
		return nil, false
	case !wanted:
		k.request(badJSON, "", "", "body", "%s carries a body", k.e.Method)
		return nil, false
	}
	if !isJSONType(k.e.RequestHeader) {
		k.request(badHeader, "", "Content-Type", "header Content-Type", "a JSON body without Content-Type: application/json")
	}
	v, err := decode(k.e.RequestBody)
	obj, ok := v.(map[string]any)
	if err != nil || !ok {
		k.request(badJSON, "", "", "body", "no JSON object: %v", err)
	}
	return obj, ok
}

// armAnswer checks the answer's status, headers and body.
func (k *checker) armAnswer(a armAddress, r armResource) {
	if k.e.Status == 0 || k.e.Status >= 400 {
		return
	}
	want := map[string][]int{
		http.MethodGet: {200}, http.MethodHead: {200, 204}, http.MethodPut: {200, 201, 202},
		http.MethodPatch: {200, 202}, http.MethodDelete: {200, 202, 204},
	}[k.e.Method]
	if !slices.Contains(want, k.e.Status) {
		k.answer(badStatus, r.Type, "", "status", "%d does not go with %s here", k.e.Status, k.e.Method)
	}
	if len(k.e.ResponseBody) == 0 {
		if k.e.Status == http.StatusOK && k.e.Method != http.MethodDelete && k.e.Method != http.MethodHead {
			k.answer(badJSON, r.Type, "", "body", "status 200 without a body")
		}
		return
	}
	obj, ok := k.answerObject()
	if !ok || k.e.Method == http.MethodDelete {
		return
	}
	if !a.list {
		k.bicep(r.Body, obj, answered, "body")
		return
	}
	list, ok := obj["value"].([]any)
	if !ok {
		k.answer(badShape, r.Type, "value", "body", "a list answers with a list named value")
	}
	for i, e := range list {
		item, _ := e.(map[string]any)
		k.bicep(r.Body, item, answered, fmt.Sprintf("body.value[%d]", i))
	}
	for _, name := range sortedKeys(obj) {
		s, _ := obj[name].(string)
		u, err := url.Parse(s)
		if name == "nextLink" && (err != nil || u.Host != k.u.Host) || name != "value" && name != "nextLink" {
			k.answer(badShape, r.Type, name, "body", "%q does not belong beside value", name)
		}
	}
}

// armError checks {"error":{code,message,…}} ("Azure REST API: error response") and the
// headers every ARM answer has.
func (k *checker) armError() {
	if k.e.Status == 0 {
		return
	}
	h := k.e.ResponseHeader
	if h.Get("x-ms-request-id") == "" && h.Get("x-ms-correlation-request-id") == "" {
		k.answer(badHeader, "", "x-ms-request-id", "header x-ms-request-id", "an ARM answer without a request id")
	}
	if len(k.e.ResponseBody) > 0 && !isJSONType(h) {
		k.answer(badHeader, "", "Content-Type", "header Content-Type", "an answer with a body that is not application/json")
	}
	if k.e.Status < 400 || k.e.Method == http.MethodHead {
		return
	}
	obj, ok := k.answerObject()
	if !ok {
		return
	}
	e, ok := obj["error"].(map[string]any)
	if !ok || len(obj) != 1 {
		k.answer(badShape, "error", "", "body", "an error is {\"error\":{…}} and nothing else")
		return
	}
	for _, name := range []string{"code", "message"} {
		if s, _ := e[name].(string); s == "" {
			k.answer(missingProperty, "error", name, "body.error", "an error has %s", name)
		}
	}
	for _, name := range sortedKeys(e) {
		if !slices.Contains([]string{"code", "message", "target", "details", "additionalInfo"}, name) {
			k.answer(unknownProperty, "error", name, "body.error", "an error has no %q", name)
		}
	}
}
