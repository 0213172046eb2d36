package graph

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"breakglass/internal/simtenant/state"
)

const eventual = "ConsistencyLevel"

func TestFiltersThatGraphUnderstands(t *testing.T) {
	h := newHouse(t, func(d *state.Document) {
		d.Objects["users"] = append(d.Objects["users"],
			state.Object{
				"id": "11111111-0000-4000-8000-000000000003", "userPrincipalName": "o'neil@" + houseDomain, "displayName": "O'Neil", "accountEnabled": false, "createdDateTime": "2026-03-01T10:00:00Z",
				"assignedPlans": []any{map[string]any{"capabilityStatus": "Enabled", "servicePlanId": "41781fb2-bc02-4b7c-bd55-b576c07bb09d"}}, "proxyAddresses": []any{"SMTP:oneil@fabrikam.example"},
			},
		)
	})
	const ga, olaf, neil = houseGA, houseUser, "11111111-0000-4000-8000-000000000003"
	for filter, want := range map[string][]string{
		"displayName eq 'Olaf'":                                   {olaf},
		"displayname EQ 'OLAF'":                                   {olaf},
		"displayName eq 'O''Neil'":                                {neil},
		"startswith(displayName,'o')":                             {olaf, neil},
		"startsWith(displayName, 'o') and accountEnabled eq true": {olaf},
		"accountEnabled eq false or displayName eq 'Gerda'":       {ga, neil},
		"(accountEnabled eq false) or (id eq '" + olaf + "')":     {olaf, neil},
		"id in ('" + ga + "','" + neil + "')":                     {ga, neil},
		"createdDateTime ge 2026-03-01T10:00:00Z":                 {neil},
		"createdDateTime gt 2026-03-01T10:00:00Z":                 nil,
		"jobTitle eq null":                                        {ga, olaf, neil},
		"proxyAddresses/any(p:startswith(p,'SMTP:oneil'))":        {neil},
		"assignedPlans/any(a:a/servicePlanId eq 41781fb2-bc02-4b7c-bd55-b576c07bb09d and a/capabilityStatus eq 'Enabled')": {neil},
		"proxyAddresses/any()": {neil},
	} {
		for _, encode := range []func(string) string{url.QueryEscape, url.PathEscape} {
			got := h.want(200, app("User.Read.All"), "GET", "/v1.0/users?%24filter="+encode(filter), nil).ids()
			if !slices.Equal(got, want) {
				t.Errorf("%s: got %v, want %v", filter, got, want)
			}
		}
	}
}

func TestAdvancedQueriesWantTheirHeaderAndCount(t *testing.T) {
	h := newHouse(t)
	read := app("User.Read.All")
	for _, q := range []string{
		"$filter=displayName ne 'Olaf'", "$filter=not(displayName eq 'Olaf')", "$filter=endsWith(userPrincipalName,'.com')",
		"$filter=accountEnabled eq true&$orderby=displayName", "$filter=proxyAddresses/$count eq 0",
	} {
		at := "/v1.0/users?" + strings.ReplaceAll(q, " ", "%20")
		if r := h.want(400, read, "GET", at, nil); r.code() != "Request_UnsupportedQuery" {
			t.Errorf("%s: got %s", q, r.text)
		}
		h.want(400, read, "GET", at, nil, eventual, "eventual")
		r := h.want(200, read, "GET", at+"&$count=true", nil, eventual, "eventual")
		if r.body["@odata.count"] == nil {
			t.Errorf("%s: no count in %s", q, r.text)
		}
	}
	h.want(400, read, "GET", "/v1.0/users?$count=true", nil)
	h.want(400, read, "GET", "/v1.0/users/$count", nil)
	if r := h.want(200, read, "GET", "/v1.0/users/$count", nil, eventual, "eventual"); r.text != "2" {
		t.Errorf("count: %q", r.text)
	}
	h.want(400, read, "GET", "/v1.0/users?$search=%22displayName:o%22", nil)
	h.want(501, read, "GET", "/v1.0/users?$search=%22displayName:o%22", nil, eventual, "eventual")
}

func TestQueriesThatGraphRefuses(t *testing.T) {
	h := newHouse(t)
	for _, q := range []string{
		"$filter=shoeSize eq 3", "$filter=displayName eq Olaf", "$filter=displayName eq 'Olaf", "$filter=displayName", "$filter=displayName eq",
		"$filter=accountEnabled eq 'true'", "$filter=createdDateTime gt '2026-01-01T00:00:00Z'", "$filter=displayName eq 3",
		"$filter=length(displayName) eq 3", "$filter=(displayName eq 'x'", "$filter=displayName eq 'x')", "$filter=displayName eq 'x' xor true",
		"$filter=assignedPlans/capabilityStatus eq 'Enabled'x", "$filter=assignedPlans/any(a:b/capabilityStatus eq 'Enabled')",
		"$filter=displayName/any(a:a eq 'x')", "$filter=", "$filter=" + strings.Repeat("(", 200) + "true", "$filter=contains(displayName,'x')",
		"$select=id,,displayName", "$expand=shoes", "$expand=manager(", "$orderby=shoeSize", "$orderby=displayName sideways", "$top=0", "$top=1000", "$top=x", "$skip=5",
	} {
		if r := h.ask(app("User.Read.All"), "GET", "/v1.0/users?"+strings.ReplaceAll(q, " ", "%20"), nil); r.status != 400 || r.code() == "" {
			t.Errorf("%s: got %d %s", q, r.status, r.text)
		}
	}
	h.want(501, app("User.Read.All"), "GET", "/v1.0/users?$expand=ownedObjects", nil)
}

// crowd adds n users named u000, u001 and so on.
func crowd(n int) func(*state.Document) {
	return func(d *state.Document) {
		for i := range n {
			d.Objects["users"] = append(d.Objects["users"], state.Object{
				"id": fmt.Sprintf("44444444-0000-4000-8000-%012d", i), "displayName": fmt.Sprintf("u%03d", i), "userPrincipalName": fmt.Sprintf("u%03d@%s", i, houseDomain), "accountEnabled": true,
			})
		}
	}
}

func TestListsComeInPagesWhoseLinksAreAbsolute(t *testing.T) {
	h := newHouse(t, crowd(250))
	read := app("User.Read.All")
	var pages []int
	seen := map[string]bool{}
	for at := "/v1.0/users?$select=id,displayName&$filter=accountEnabled%20eq%20true"; at != ""; {
		r := h.want(200, read, "GET", at, nil)
		pages = append(pages, len(r.ids()))
		for _, id := range r.ids() {
			if seen[id] {
				t.Fatalf("%s came twice", id)
			}
			seen[id] = true
		}
		at = r.body.String("@odata.nextLink")
		if at != "" && (!strings.HasPrefix(at, h.server.URL+"/v1.0/users?") || !strings.Contains(at, "$skiptoken=")) {
			t.Fatalf("next link %q", at)
		}
		if len(pages) == 1 { // one that was read disappears: nobody is skipped
			h.change(func(tx *state.Tx) { tx.Delete("users", r.ids()[50]) })
		}
	}
	if !slices.Equal(pages, []int{100, 100, 52}) || len(seen) != 252 {
		t.Errorf("pages %v, %d users", pages, len(seen))
	}
	if r := h.want(200, read, "GET", "/v1.0/users?$top=999", nil); len(r.ids()) != 251 || r.body["@odata.nextLink"] != nil {
		t.Errorf("a large page has %d, next %v", len(r.ids()), r.body["@odata.nextLink"])
	}
	if r := h.want(200, read, "GET", "/v1.0/users?$top=2&$orderby=displayName%20desc", nil); !slices.Equal(r.values("displayName"), []any{"u249", "u248"}) {
		t.Errorf("ordered: %v", r.values("displayName"))
	}
}

func TestPathsInTheShapesThatClientsUse(t *testing.T) {
	h := newHouse(t)
	read := app("User.Read.All Domain.Read.All Group.Read.All")
	for _, at := range []string{
		"/v1.0/users/" + houseUser, "/beta/users/" + houseUser, "/V1.0/Users/" + strings.ToUpper(houseUser), "/v1.0/users('" + houseUser + "')",
		"/v1.0/" + houseTenant + "/users/" + houseUser, "/beta/" + houseDomain + "/users/olaf@" + houseDomain, "/v1.0/myorganization/users/" + houseUser,
		"/v1.0//users/" + houseUser, "/v1.0/users/" + houseUser + "?",
	} {
		if r := h.want(200, read, "GET", at, nil); r.body.ID() != houseUser {
			t.Errorf("%s: got %s", at, r.text)
		}
	}
	h.want(200, read, "GET", "/v1.0/users?%24filter=displayName+eq+%27Olaf%27&$top=5", nil)
	h.want(404, read, "GET", "/v1.0/users/"+houseTenant, nil)
	h.want(400, read, "GET", "/v2.0/users", nil)
	if r := h.want(501, read, "GET", "/v1.0/planner/tasks", nil); r.code() != "NotImplemented" || !strings.Contains(r.message(), "GET /v1.0/planner/tasks") {
		t.Errorf("got %s", r.text)
	}
	h.want(405, read, "PUT", "/v1.0/users", "{}")
	h.want(501, read, "GET", "/v1.0/users/delta", nil)
}

func TestErrorsHaveGraphsShape(t *testing.T) {
	h := newHouse(t)
	r := h.want(403, app("Mail.Read"), "GET", "/v1.0/users", nil, "client-request-id", "my-own-id")
	if r.code() != "Authorization_RequestDenied" || r.message() != "Insufficient privileges to complete the operation." {
		t.Errorf("got %s", r.text)
	}
	inner := r.body.Object("error").Object("innerError")
	if inner.String("date") != "2026-06-01T08:00:00" || inner.String("client-request-id") != "my-own-id" || inner.String("request-id") != r.header.Get("request-id") {
		t.Errorf("inner error %v, header %q", inner, r.header.Get("request-id"))
	}
	h.want(401, "nothing", "GET", "/v1.0/users", nil)
}

func TestBatchDoesItsPartsOneByOne(t *testing.T) {
	h := newHouse(t)
	post := func(status int, parts ...map[string]any) map[string]state.Object {
		t.Helper()
		r := h.want(status, app(writeUsers), "POST", "/v1.0/$batch", map[string]any{"requests": parts})
		out := map[string]state.Object{}
		for _, e := range elements(r.body["responses"]) {
			o := state.Object(e.(map[string]any))
			out[o.ID()] = o
		}
		return out
	}
	json := map[string]any{"Content-Type": "application/json"}
	got := post(200,
		map[string]any{"id": "1", "method": "GET", "url": "/users/" + houseUser + "?$select=displayName"},
		map[string]any{"id": "2", "method": "GET", "url": "users/" + houseTenant},
		map[string]any{"id": "3", "method": "POST", "url": "/users", "headers": json, "body": newUser("anna")},
		map[string]any{"id": "4", "method": "GET", "url": "/users/anna@" + houseDomain, "dependsOn": []string{"3"}},
		map[string]any{"id": "5", "method": "GET", "url": "/users/" + houseGA, "dependsOn": []string{"2"}},
		map[string]any{"id": "6", "method": "PATCH", "url": "/users/" + houseUser, "headers": json, "body": map[string]any{"jobTitle": "x"}},
		map[string]any{"id": "7", "method": "GET", "url": "/groups"},
		map[string]any{"id": "8", "method": "GET", "url": "/users?$filter=displayName eq 'Olaf'"},
	)
	want := map[string]float64{"1": 200, "2": 404, "3": 201, "4": 200, "5": 424, "6": 204, "7": 403, "8": 200}
	for id, status := range want {
		if got[id]["status"] != status {
			t.Errorf("part %s: got %v, want %v", id, got[id], status)
		}
	}
	if got["1"].Object("body").String("displayName") != "Olaf" || got["2"].Object("body").Object("error").String("code") != "Request_ResourceNotFound" {
		t.Errorf("bodies: %v, %v", got["1"], got["2"])
	}
	var many []map[string]any
	for i := range 21 {
		many = append(many, map[string]any{"id": fmt.Sprint(i), "method": "GET", "url": "/users"})
	}
	post(400, many...)
	post(400)
	post(400, many[0], many[0])
	post(400, map[string]any{"id": "1", "method": "POST", "url": "/users", "body": newUser("b")})
	post(400, map[string]any{"id": "1", "method": "GET", "url": "/users", "dependsOn": []string{"9"}})
	if got := post(200, map[string]any{"id": "1", "method": "POST", "url": "/$batch", "headers": json, "body": map[string]any{}}); got["1"]["status"] != 400.0 {
		t.Errorf("a batch in a batch: %v", got)
	}
}

func TestThrottledPartsOfABatchFailAlone(t *testing.T) {
	h := newHouse(t)
	h.api.Gate = func(_ *http.Request, path string, _ state.Principal, part bool) *Refusal {
		if part && strings.Contains(path, houseGA) {
			return &Refusal{Status: 429, Code: "TooManyRequests", Message: "Too many requests", RetryAfter: "7"}
		}
		return nil
	}
	r := h.want(200, app(writeUsers), "POST", "/v1.0/$batch", map[string]any{"requests": []any{
		map[string]any{"id": "1", "method": "GET", "url": "/users/" + houseGA}, map[string]any{"id": "2", "method": "GET", "url": "/users/" + houseUser},
	}})
	if !strings.Contains(r.text, `"Retry-After":"7"`) || !strings.Contains(r.text, `"status":200`) {
		t.Errorf("got %s", r.text)
	}
}

func TestObjectsByIDAndExpansions(t *testing.T) {
	h := newHouse(t)
	all := app("User.Read.All Group.ReadWrite.All Directory.Read.All")
	g := h.want(201, all, "POST", "/v1.0/groups", map[string]any{
		"displayName": "g", "mailEnabled": false, "mailNickname": "g", "securityEnabled": true,
		"owners@odata.bind": []string{"https://graph.microsoft.com/beta/directoryObjects/" + houseApp}, "members@odata.bind": []string{"https://graph.microsoft.com/v1.0/users/" + houseUser},
	}).body.ID()
	if got := h.want(200, all, "GET", "/v1.0/groups/"+g+"/owners", nil); !slices.Equal(got.ids(), []string{houseApp}) {
		t.Errorf("owners: %s", got.text)
	}
	r := h.want(200, all, "GET", "/v1.0/groups/"+g+"?$expand=members($select=id,displayName)", nil)
	if got := state.Object(elements(r.body["members"])[0].(map[string]any)); got.String("displayName") != "Olaf" || got.String("@odata.type") != "#microsoft.graph.user" || got["accountEnabled"] != nil {
		t.Errorf("expanded: %v", got)
	}
	r = h.want(200, all, "POST", "/v1.0/directoryObjects/getByIds", map[string]any{"ids": []string{g, houseUser, houseTenant, houseApp}, "types": []string{"user", "group"}})
	if !slices.Equal(r.ids(), []string{g, houseUser}) {
		t.Errorf("by ids: %v", r.ids())
	}
	if got := h.want(200, all, "GET", "/v1.0/directoryObjects/"+houseApp, nil); got.body.String("@odata.type") != "#microsoft.graph.servicePrincipal" {
		t.Errorf("got %v", got.body)
	}
	h.want(404, all, "GET", "/v1.0/directoryObjects/"+houseTenant, nil)
}

func TestEveryOperationCanBeAllowed(t *testing.T) {
	for _, op := range new(API).Operations() {
		if op.Application == nil && op.Delegated == nil {
			t.Errorf("%s %s: no permission opens it", op.Method, op.Path)
		}
	}
}

func TestMetadataIsWhole(t *testing.T) {
	m := metadata()
	for _, name := range []string{"user", "group", "conditionalAccessPolicy", "signIn", "unifiedRoleAssignment", "federatedIdentityCredential"} {
		if m.types[name] == nil {
			t.Errorf("no type %s", name)
		}
	}
	for typ, list := range defaultProperties {
		for _, p := range list {
			if _, ok := m.prop(typ, p, true); !ok {
				if _, ok := m.prop(typ, p, false); !ok {
					t.Errorf("%s has no property %s", typ, p)
				}
			}
		}
	}
	for key := range directoryExpansions() {
		typ, prop, _ := strings.Cut(key, "/")
		if p, ok := m.prop(typ, prop, true); !ok || !p.navigation {
			t.Errorf("%s is no navigation property", key)
		}
	}
	for _, list := range slices.Collect(maps.Values(readers)) {
		for _, p := range list {
			if apps, users := permissionLists(); !slices.Contains(apps, p) && !slices.Contains(users, p) {
				t.Errorf("Microsoft Graph offers no permission %s", p)
			}
		}
	}
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		"displayName eq 'x'", "not (id in ('a','b')) or createdDateTime le 2026-01-01", "assignedPlans/any(a:a/servicePlanId eq 41781fb2-bc02-4b7c-bd55-b576c07bb09d)",
		"startswith(displayName,'o''') eq false", "((((", "a/b/c/$count eq 3", "proxyAddresses/all(x:endswith(x,'y'))", "accountEnabled", "x eq -3.5", "é eq null",
	} {
		f.Add(s)
	}
	o := state.Object{"displayName": "Olaf", "accountEnabled": true, "assignedPlans": []any{map[string]any{"capabilityStatus": "Enabled"}}, "proxyAddresses": []any{"a", "b"}}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := parseFilter(text)
		if err != nil {
			return
		}
		if err := parsed.check(scope{typ: "user", beta: true}); err != nil && utf8.ValidString(text) && !utf8.ValidString(err.Error()) {
			t.Errorf("the refusal of %q is not text", text)
		}
		plain := parsed.match(o, nil)
		turned, err := parseFilter("not (" + text + ")")
		if err != nil {
			t.Fatalf("%q parses but not its negation: %v", text, err)
		}
		if turned.match(o, nil) == plain {
			t.Errorf("%q and its negation agree", text)
		}
	})
}

func FuzzExpand(f *testing.F) {
	f.Add("policy($expand=rules;$select=id),principal")
	f.Add("members($levels=max;$select=id,displayName)")
	f.Fuzz(func(t *testing.T, text string) {
		items, err := parseExpand(text)
		if err == nil && len(items) > strings.Count(text, ",")+1 {
			t.Errorf("%q became %d items", text, len(items))
		}
	})
}
