package simtenant

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/internal/simtenant/graph"
	"breakglass/internal/simtenant/login"
	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// mender asks Graph as Alex does, over a completed tenant in memory.
type mender struct {
	t   *testing.T
	st  *state.State
	api *graph.API
}

func newMender(t *testing.T, tenant string) *mender {
	t.Helper()
	m := &mender{t: t, st: opened(t, tenant)}
	var alex string
	if err := m.st.Update(func(tx *state.Tx) error {
		tx.World().ReplicationDelay = 0
		alex = tx.Find("users", func(o state.Object) bool { return o.Bool(state.DeviceUser) }).ID()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	who := state.Principal{ObjectID: alex, User: true, Methods: []string{"pwd", "mfa"}, Grants: []string{
		"User.ReadWrite.All", "User.EnableDisableAccount.All", "Policy.Read.All", "Policy.ReadWrite.ConditionalAccess", "RoleManagement.ReadWrite.Directory",
		"Group.ReadWrite.All", "AdministrativeUnit.ReadWrite.All", "Directory.AccessAsUser.All",
	}}
	m.api = &graph.API{State: m.st, Logs: logs.New(1), BaseURL: "https://sim.example", Verify: func(http.ResponseWriter, *http.Request, string) (state.Principal, bool) { return who, true }}
	return m
}

// do sends one request and wants success.
func (m *mender) do(method, path string, body any) state.Object {
	m.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		m.t.Fatal(err)
	}
	req := httptest.NewRequest(method, "https://sim.example/v1.0"+path, bytes.NewReader(data))
	req.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	m.api.ServeHTTP(w, req)
	if w.Code >= 300 {
		m.t.Fatalf("%s %s answered %d %s", method, path, w.Code, w.Body)
	}
	var out state.Object
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			m.t.Fatal(err)
		}
	}
	return out
}

// user is the id of the account whose name begins so.
func (m *mender) user(local string) string {
	var id string
	m.st.View(func(tx *state.Tx) {
		id = tx.Find("users", func(o state.Object) bool { return strings.HasPrefix(o.String("userPrincipalName"), local+"@") }).ID()
	})
	return id
}

// exclude adds accounts to the exclusions of every policy that concerns users.
func (m *mender) exclude(accounts ...string) {
	list, _ := m.do(http.MethodGet, "/identity/conditionalAccess/policies", nil)["value"].([]any)
	for _, e := range list {
		p := state.Object(e.(map[string]any))
		if p.Object("conditions").Object("clientApplications") != nil {
			continue
		}
		have := p.Object("conditions").Object("users").Strings("excludeUsers")
		for _, a := range accounts {
			if !slices.Contains(have, a) {
				have = append(have, a)
			}
		}
		m.do(http.MethodPatch, "/identity/conditionalAccess/policies/"+p.ID(), map[string]any{"conditions": map[string]any{"users": map[string]any{"excludeUsers": have}}})
	}
}

func TestTheLockoutTenantCanBeMended(t *testing.T) {
	m := newMender(t, "broken-lockout")
	first, second, sam := m.user("ops-x7k2"), m.user("ops-m3q9"), m.user("sam.okafor")
	m.exclude(first, second)
	m.do(http.MethodPatch, "/users/"+first, map[string]any{"passwordPolicies": "DisablePasswordExpiration"})
	m.do(http.MethodPatch, "/users/"+second, map[string]any{"accountEnabled": true})
	grant := func(action, account string) {
		m.do(http.MethodPost, "/roleManagement/directory/roleAssignmentScheduleRequests", map[string]any{
			"action": action, "justification": "Emergency access account", "roleDefinitionId": roleGA, "directoryScopeId": "/", "principalId": account,
			"scheduleInfo": map[string]any{"startDateTime": tenantsNow.Format(time.RFC3339), "expiration": map[string]any{"type": "noExpiration"}},
		})
	}
	grant("adminAssign", second)
	grant("adminRemove", first) // the direct assignment, now that the other account holds the role
	grant("adminAssign", first)
	page := m.do(http.MethodGet, "/groups?$filter=displayName%20eq%20'CA%20exclusions'", nil)
	group := state.Object(page["value"].([]any)[0].(map[string]any)).ID()
	m.do(http.MethodDelete, "/groups/"+group+"/members/"+sam+"/$ref", nil)
	unit := m.do(http.MethodPost, "/directory/administrativeUnits", map[string]any{"displayName": "Emergency access", "isMemberManagementRestricted": true})
	m.do(http.MethodPost, "/directory/administrativeUnits/"+unit.ID()+"/members/$ref", map[string]any{"@odata.id": "https://sim.example/v1.0/groups/" + group})

	for _, account := range []string{"ops-x7k2", "ops-m3q9"} {
		for goal := range login.Goals() {
			in := login.SignIn{IP: "198.51.100.9", Country: "BR", Platform: "windows", SignInRisk: "high"}
			if out := tried(t, m.st, account, goal, in); !out.Granted() {
				t.Errorf("mended, %s to %s still stops at %d: %s", account, goal, out.Code, out.Reason)
			}
		}
	}
}
