package graph

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// The people and things of the stories.
const (
	stageTenant = "11111111-0000-4000-8000-000000000001"
	adminUser   = "22222222-0000-4000-8000-000000000001" // Global Administrator, permanent, direct
	plainUser   = "22222222-0000-4000-8000-000000000002" // no role
	vaultUser   = "22222222-0000-4000-8000-000000000003" // to become an emergency account
	readerApp   = "33333333-0000-4000-8000-000000000001"
	plainGroup  = "44444444-0000-4000-8000-000000000001"
	tierZero    = "44444444-0000-4000-8000-000000000002"
	roleVisitor = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
)

var stageNow = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// A stage is a small P2 tenant behind real HTTPS, and whom it takes the caller for.
type stage struct {
	t     *testing.T
	api   *API
	srv   *httptest.Server
	clock *state.Clock
	who   state.Principal
}

// newStage opens a tenant; change alters it before the first request.
func newStage(t *testing.T, change func(*state.Tx)) *stage {
	t.Helper()
	s := &stage{t: t, clock: &state.Clock{}}
	s.clock.Set(stageNow, true)
	user := func(id, name string) state.Object {
		return state.Object{
			"id": id, "userPrincipalName": name + "@contoso.onmicrosoft.com", "displayName": name, "accountEnabled": true, "userType": "Member",
			"lastPasswordChangeDateTime": "2026-10-01T00:00:00Z",
		}
	}
	group := func(id, name string, assignable bool) state.Object {
		return state.Object{"id": id, "displayName": name, "securityEnabled": true, "isAssignableToRole": assignable, "groupTypes": []any{}}
	}
	st := state.New(state.Document{
		TenantID: stageTenant,
		World:    state.World{Cloud: "public", LogDelay: 0},
		Objects: map[string][]state.Object{
			"organization": {{"id": stageTenant, "displayName": "Contoso"}},
			"domains":      {{"id": "contoso.onmicrosoft.com", "isInitial": true, "isDefault": true, "isVerified": true, "authenticationType": "Managed"}},
			"subscribedSkus": {{
				"id": "sku", "skuPartNumber": "SPE_E5", "capabilityStatus": "Enabled",
				"servicePlans": []any{map[string]any{"servicePlanName": "AAD_PREMIUM"}, map[string]any{"servicePlanName": "AAD_PREMIUM_P2"}},
			}},
			"users":             {user(adminUser, "admin"), user(plainUser, "plain"), user(vaultUser, "ops-x7k2")},
			"groups":            {group(plainGroup, "Exclusions", false), group(tierZero, "Tier zero", true)},
			"servicePrincipals": {{"id": readerApp, "appId": readerApp, "displayName": "Reader", "accountEnabled": true}},
			collRoleAssignments: {{"id": state.AssignmentID(roleGlobalAdministrator, adminUser, "/"), "principalId": adminUser, "roleDefinitionId": roleGlobalAdministrator, "directoryScopeId": "/"}},
		},
	}, s.clock)
	if err := st.Update(func(tx *state.Tx) error {
		Complete(tx)
		if change != nil {
			change(tx)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	s.api = &API{State: st, Logs: logs.New(1), Verify: func(http.ResponseWriter, *http.Request, string) (state.Principal, bool) { return s.who, true }}
	s.srv = httptest.NewTLSServer(s.api)
	s.api.BaseURL = s.srv.URL
	t.Cleanup(s.srv.Close)
	s.asAdmin()
	return s
}

// everything is the delegated scopes of the stories.
var everything = []string{
	"Policy.Read.All", "Policy.ReadWrite.ConditionalAccess", "Policy.ReadWrite.AuthenticationMethod", "Policy.ReadWrite.SecurityDefaults",
	"Policy.ReadWrite.Authorization", "RoleManagement.ReadWrite.Directory", "RoleManagementPolicy.ReadWrite.Directory", "AuditLog.Read.All", "UserAuthenticationMethod.ReadWrite.All",
	"User.ReadWrite.All", "IdentityRiskyUser.Read.All", "IdentityRiskyUser.ReadWrite.All", "UserAuthMethod-Passkey.Read.All", "AuthenticationContext.ReadWrite.All", "Application.Read.All",
}

func (s *stage) asAdmin() { s.asUser(adminUser, everything...) }

func (s *stage) asUser(id string, scopes ...string) {
	s.who = state.Principal{ObjectID: id, AppID: "app", User: true, Grants: scopes, Methods: []string{"pwd", "mfa"}}
}

func (s *stage) asApp(permissions ...string) {
	s.who = state.Principal{ObjectID: readerApp, AppID: readerApp, Grants: permissions}
}

// change alters the tenant behind Graph's back.
func (s *stage) change(f func(*state.Tx)) {
	s.t.Helper()
	if err := s.api.State.Update(func(tx *state.Tx) error { f(tx); return nil }); err != nil {
		s.t.Fatal(err)
	}
}

// do sends one request; body may be nil, a JSON text or a value.
func (s *stage) do(method, path string, body any) (int, state.Object) {
	s.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			s.t.Fatal(err)
		}
		in = bytes.NewReader(data)
	}
	req, err := http.NewRequest(method, s.srv.URL+path, in)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := s.srv.Client().Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var out state.Object
	if len(data) > 0 {
		if err := json.Unmarshal(data, &out); err != nil {
			s.t.Fatalf("%s %s answered %q", method, path, data)
		}
	}
	return res.StatusCode, out
}

// must sends one request and wants a status.
func (s *stage) must(status int, method, path string, body any) state.Object {
	s.t.Helper()
	got, out := s.do(method, path, body)
	if got != status {
		s.t.Fatalf("%s %s answered %d %v, want %d", method, path, got, out, status)
	}
	return out
}

// refused sends one request and wants a status and an error code.
func (s *stage) refused(status int, code, method, path string, body any) {
	s.t.Helper()
	out := s.must(status, method, path, body)
	if got := out.Object("error").String("code"); got != code {
		s.t.Fatalf("%s %s refused with %q (%v), want %q", method, path, got, out.Object("error")["message"], code)
	}
}

// values is every object of a listing.
func (s *stage) values(path string) []state.Object {
	s.t.Helper()
	return objectsIn(s.must(http.StatusOK, "GET", path, nil))
}

func objectsIn(page state.Object) []state.Object {
	list, _ := page["value"].([]any)
	var out []state.Object
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// filter escapes a $filter.
func filtered(path, filter string) string { return path + "?$filter=" + url.QueryEscape(filter) }

// activities is the names of the audit records now readable, newest first.
func (s *stage) activities() []string {
	s.t.Helper()
	var out []string
	for _, rec := range s.values("/v1.0/auditLogs/directoryAudits") {
		out = append(out, rec.String("activityDisplayName"))
	}
	return out
}

// recorded wants an activity in the audit log and returns its record.
func (s *stage) recorded(activity string) state.Object {
	s.t.Helper()
	list := s.values("/v1.0/auditLogs/directoryAudits")
	i := slices.IndexFunc(list, func(o state.Object) bool { return o.String("activityDisplayName") == activity })
	if i < 0 {
		s.t.Fatalf("no record of %q among %v", activity, s.activities())
	}
	return list[i]
}
