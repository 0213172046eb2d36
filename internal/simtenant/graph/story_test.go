package graph

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// A house is a small tenant with its Graph behind real HTTPS. Its tokens are readable:
// "app <service principal> <permissions>" or "user <user> <permissions>".
type house struct {
	t      *testing.T
	st     *state.State
	server *httptest.Server
	api    *API
}

const (
	houseTenant = "3a3bd1e4-54cc-4b0e-8a3a-9f7c33b6a001"
	houseDomain = "fabrikam.onmicrosoft.com"
	houseGA     = "11111111-0000-4000-8000-000000000001" // Global Administrator
	houseUser   = "11111111-0000-4000-8000-000000000002" // nobody special
	houseApp    = "22222222-0000-4000-8000-000000000001" // a service principal without roles
)

func newHouse(t *testing.T, also ...func(*state.Document)) *house {
	t.Helper()
	d := state.Document{
		TenantID: houseTenant,
		Objects: map[string][]state.Object{
			"organization": {{"id": houseTenant, "displayName": "Fabrikam"}},
			"domains": {
				{"id": houseDomain, "isInitial": true, "isDefault": true, "isVerified": true, "authenticationType": "Managed"},
				{"id": "fed.example", "isInitial": false, "isVerified": true, "authenticationType": "Federated"},
			},
			"users": {
				{"id": houseGA, "userPrincipalName": "ga@" + houseDomain, "displayName": "Gerda", "givenName": "Gerda", "accountEnabled": true, "userType": "Member"},
				{"id": houseUser, "userPrincipalName": "olaf@" + houseDomain, "displayName": "Olaf", "givenName": "Olaf", "accountEnabled": true, "userType": "Member"},
			},
			"servicePrincipals": {{"id": houseApp, "appId": "22222222-0000-4000-8000-0000000000aa", "displayName": "Robot", "accountEnabled": true}},
			"subscribedSkus": {{"id": "sku", "skuId": "078d2b04-f1bd-4111-bbd4-b4b1b354cef4", "skuPartNumber": "AAD_PREMIUM", "capabilityStatus": "Enabled", "servicePlans": []any{
				map[string]any{"servicePlanName": "AAD_PREMIUM", "servicePlanId": "41781fb2-bc02-4b7c-bd55-b576c07bb09d", "provisioningStatus": "Success"},
			}}},
			state.RoleAssignments: {{"principalId": houseGA, "roleDefinitionId": roleGlobalAdministrator, "directoryScopeId": "/"}},
		},
	}
	for _, f := range also {
		f(&d)
	}
	clock := &state.Clock{}
	clock.Set(time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC), true)
	h := &house{t: t, st: state.New(d, clock)}
	h.change(func(tx *state.Tx) { Complete(tx) })
	h.api = &API{State: h.st, Logs: logs.New(1), Verify: func(w http.ResponseWriter, r *http.Request, _ string) (state.Principal, bool) {
		f := strings.SplitN(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), " ", 3)
		if len(f) != 3 {
			w.WriteHeader(http.StatusUnauthorized)
			return state.Principal{}, false
		}
		return state.Principal{ObjectID: f[1], User: f[0] == "user", Grants: strings.Fields(f[2])}, true
	}}
	h.server = httptest.NewTLSServer(h.api)
	h.api.BaseURL = h.server.URL
	t.Cleanup(h.server.Close)
	return h
}

// change edits the tenant behind Graph's back.
func (h *house) change(f func(*state.Tx)) {
	_ = h.st.Update(func(tx *state.Tx) error { f(tx); return nil })
}

// giveRole makes a principal hold a role, over the whole tenant or over one unit.
func (h *house) giveRole(principal, role, scope string) {
	h.change(func(tx *state.Tx) {
		tx.Put(state.RoleAssignments, state.Object{"principalId": principal, "roleDefinitionId": role, "directoryScopeId": scope})
	})
}

// app and user are tokens with permissions.
func app(perms string) string      { return "app " + houseApp + " " + perms }
func user(id, perms string) string { return "user " + id + " " + perms }

// An reply is an answer with its JSON body.
type reply struct {
	status int
	header http.Header
	body   state.Object
	text   string
}

// code is Graph's error code.
func (r reply) code() string { return r.body.Object("error").String("code") }

// message is Graph's error message.
func (r reply) message() string { return r.body.Object("error").String("message") }

// ids are the ids of a list.
func (r reply) ids() []string {
	var out []string
	for _, e := range elements(r.body["value"]) {
		id, _ := member(e, "id").(string)
		out = append(out, id)
	}
	return out
}

// values are one property of a list's objects.
func (r reply) values(name string) []any {
	var out []any
	for _, e := range elements(r.body["value"]) {
		out = append(out, member(e, name))
	}
	return out
}

// ask sends one request; body may be nil, a string, or anything that is JSON.
func (h *house) ask(token, method, path string, body any, headers ...string) reply {
	h.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			h.t.Fatal(err)
		}
		r = bytes.NewReader(data)
	}
	address := path
	if strings.HasPrefix(path, "/") {
		address = h.server.URL + path
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, address, r)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := h.server.Client().Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	out := reply{status: res.StatusCode, header: res.Header, text: string(data)}
	_ = json.Unmarshal(data, &out.body)
	return out
}

// want sends a request and holds its status.
func (h *house) want(status int, token, method, path string, body any, headers ...string) reply {
	h.t.Helper()
	r := h.ask(token, method, path, body, headers...)
	if r.status != status {
		h.t.Fatalf("%s %s: got %d %s, want %d", method, path, r.status, r.text, status)
	}
	return r
}

// audits are the activities written so far, oldest first.
func (h *house) audits() []string {
	var out []string
	h.st.View(func(tx *state.Tx) {
		for _, a := range tx.List(logs.Audits) {
			out = append(out, a.String("activityDisplayName"))
		}
	})
	return out
}

// newUser is a creation body that Entra takes.
func newUser(name string) map[string]any {
	return map[string]any{
		"accountEnabled": true, "displayName": name, "mailNickname": name, "userPrincipalName": name + "@" + houseDomain,
		"passwordProfile": map[string]any{"password": "Kx7#qvT2-mWz9!pL", "forceChangePasswordNextSignIn": false},
	}
}

func ref(id string) map[string]any {
	return map[string]any{"@odata.id": fmt.Sprintf("https://graph.microsoft.com/v1.0/directoryObjects/%s", id)}
}
