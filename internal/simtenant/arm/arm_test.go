package arm

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

const (
	owner     = "22222222-0000-4000-8000-000000000001" // Owner of the subscription
	admin     = "22222222-0000-4000-8000-000000000002" // Global Administrator
	watcher   = "33333333-0000-4000-8000-000000000001" // a service principal
	globalOne = "62e90394-69f5-4237-9190-012177145e10"
	sub       = "/subscriptions/44444444-0000-4000-8000-000000000001"
	group     = sub + "/resourceGroups/rg-security"
	workspace = group + "/providers/Microsoft.OperationalInsights/workspaces/law-security"
	action    = group + "/providers/Microsoft.Insights/actionGroups/ag"
	ruleAt    = group + "/providers/Microsoft.Insights/scheduledQueryRules/emergency"
	export    = "/providers/microsoft.aadiam/diagnosticSettings/export"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// A subscription is a small tenant's Azure behind real HTTPS.
type subscription struct {
	t     *testing.T
	api   *API
	srv   *httptest.Server
	clock *state.Clock
	who   state.Principal
}

func open(t *testing.T) *subscription {
	t.Helper()
	s := &subscription{t: t, clock: &state.Clock{}}
	s.clock.Set(now, true)
	st := state.New(state.Document{
		TenantID: "11111111-0000-4000-8000-000000000001", World: state.World{Cloud: "public", MandatoryMFA: true},
		Objects: map[string][]state.Object{
			"users":               {{"id": owner, "userPrincipalName": "owner@contoso.example"}, {"id": admin, "userPrincipalName": "admin@contoso.example"}},
			"servicePrincipals":   {{"id": watcher, "appId": watcher, "displayName": "Watch"}},
			"organization":        {{"id": "o", "displayName": "Contoso"}},
			"domains":             {{"id": "contoso.onmicrosoft.com", "isInitial": true}},
			state.RoleAssignments: {{"principalId": admin, "roleDefinitionId": globalOne, "directoryScopeId": "/"}},
			collSubscriptions:     {{"id": sub, "subscriptionId": sub[15:], "displayName": "Security", "state": "Enabled"}},
			collResources: {
				{"id": sub + "/providers/" + roleAssignmentType + "/a", "type": roleAssignmentType, "name": "a", "properties": map[string]any{
					"principalId": owner, "scope": sub, "roleDefinitionId": sub + "/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
				}},
			},
		},
	}, s.clock)
	s.api = &API{State: st, Logs: logs.New(1), Verify: func(http.ResponseWriter, *http.Request, string) (state.Principal, bool) { return s.who, true }}
	s.srv = httptest.NewTLSServer(s.api)
	s.api.BaseURL = s.srv.URL
	t.Cleanup(s.srv.Close)
	s.as(owner, true, "pwd", "mfa")
	return s
}

func (s *subscription) as(id string, user bool, methods ...string) {
	s.who = state.Principal{ObjectID: id, AppID: "app", User: user, Methods: methods}
}

// do sends one request; the api-version goes behind the path.
func (s *subscription) do(method, path, version, body string) (*http.Response, state.Object) {
	s.t.Helper()
	mark := "?"
	if strings.Contains(path, "?") {
		mark = "&"
	}
	req, err := http.NewRequest(method, s.srv.URL+path+mark+"api-version="+version, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
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
	return res, out
}

func (s *subscription) must(status int, method, path, version, body string) state.Object {
	s.t.Helper()
	res, out := s.do(method, path, version, body)
	if res.StatusCode != status {
		s.t.Fatalf("%s %s answered %d %v, want %d", method, path, res.StatusCode, out, status)
	}
	return out
}

func (s *subscription) refused(status int, code, method, path, version, body string) {
	s.t.Helper()
	if out := s.must(status, method, path, version, body); out.Object("error").String("code") != code {
		s.t.Fatalf("%s %s refused with %v, want %s", method, path, out, code)
	}
}

// built makes the group, the workspace and an action group.
func (s *subscription) built() *subscription {
	s.t.Helper()
	s.must(http.StatusCreated, "PUT", group, "2024-11-01", `{"location":"westeurope"}`)
	s.must(http.StatusCreated, "PUT", workspace, "2022-10-01", `{"location":"westeurope","properties":{"sku":{"name":"PerGB2018"},"retentionInDays":90}}`)
	s.must(http.StatusCreated, "PUT", action, "2023-01-01", `{"location":"Global","properties":{"groupShortName":"bg","enabled":true,
		"emailReceivers":[{"name":"soc","emailAddress":"soc@contoso.example","useCommonAlertSchema":true}]}}`)
	return s
}

// ruleWith is a log alert's body.
func ruleWith(frequency, query, more string) string {
	b, _ := json.Marshal(query) // a text always encodes
	return `{"location":"westeurope","kind":"LogAlert","properties":{"displayName":"e","severity":0,"enabled":true,"scopes":["` + workspace + `"],
		"evaluationFrequency":"` + frequency + `","windowSize":"PT1H","autoMitigate":false` + more + `,
		"criteria":{"allOf":[{"query":` + string(b) + `,"timeAggregation":"Count","operator":"GreaterThan","threshold":0,"failingPeriods":{"numberOfEvaluationPeriods":1,"minFailingPeriodsToAlert":1}}]},
		"actions":{"actionGroups":["` + action + `"]}}}`
}

func TestAWorkspaceKeepsItsIdentityWhenReplaced(t *testing.T) {
	s := open(t).built()
	first := s.must(http.StatusOK, "GET", workspace, "2022-10-01", "")
	s.clock.Advance(time.Hour)
	second := s.must(http.StatusOK, "PUT", strings.ToUpper(workspace[:14])+workspace[14:], "2022-10-01", `{"location":"westeurope","tags":{"a":"b"},"properties":{"customerId":"mine"}}`)
	if a, b := first.Object("properties").String("customerId"), second.Object("properties").String("customerId"); a == "" || a != b {
		t.Errorf("the customer id went from %q to %q", a, b)
	}
	if got := second.Object("properties")["retentionInDays"]; got != 30.0 {
		t.Errorf("PUT kept the retention of %v that it left out", got)
	}
	if second.ID() != first.ID() {
		t.Errorf("the id changed its spelling to %s", second.ID())
	}
	third := s.must(http.StatusOK, "PATCH", workspace, "2022-10-01", `{"properties":{"retentionInDays":120}}`)
	if third.Object("tags").String("a") != "b" || third.Object("properties")["retentionInDays"] != 120.0 {
		t.Errorf("PATCH made %v", third)
	}
}

func TestEveryRequestNamesAVersionThatIsKnown(t *testing.T) {
	s := open(t).built()
	s.refused(http.StatusBadRequest, "MissingApiVersionParameter", "GET", workspace, "", "")
	s.refused(http.StatusBadRequest, "NoRegisteredProviderFound", "GET", workspace, "2099-01-01", "")
	s.refused(http.StatusNotImplemented, "NotImplemented", "GET", group+"/providers/Microsoft.KeyVault/vaults/v", "2023-07-01", "")
	s.refused(http.StatusNotImplemented, "NotImplemented", "GET", "/v1/workspaces/x/query", "2020-08-01", "")
	s.refused(http.StatusNotFound, "ResourceNotFound", "GET", workspace+"x", "2022-10-01", "")
	s.refused(http.StatusNotFound, "ResourceGroupNotFound", "GET", group+"x/providers/Microsoft.Insights/actionGroups/a", "2023-01-01", "")
	s.refused(http.StatusNotFound, "SubscriptionNotFound", "GET", "/subscriptions/nobody/resourceGroups/rg", "2024-11-01", "")
}

func TestAUsersWriteWantsMultifactor(t *testing.T) {
	s := open(t).built()
	s.as(owner, true, "pwd")
	s.must(http.StatusOK, "GET", workspace, "2022-10-01", "")
	res, _ := s.do("DELETE", workspace, "2022-10-01", "")
	claims := res.Header.Get("WWW-Authenticate")
	if res.StatusCode != http.StatusUnauthorized || !strings.Contains(claims, `error="insufficient_claims"`) {
		t.Fatalf("a write by password alone answered %d %q", res.StatusCode, claims)
	}
	_, part, _ := strings.Cut(claims, `claims="`)
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(part, `"`))
	if err != nil || !strings.Contains(string(raw), `"p1"`) {
		t.Errorf("the challenge asks for %q (%v)", raw, err)
	}
	if err := s.api.State.Update(func(tx *state.Tx) error { tx.World().Cloud = "china"; return nil }); err != nil {
		t.Fatal(err)
	}
	s.must(http.StatusOK, "DELETE", workspace, "2022-10-01", "")
	s.must(http.StatusNoContent, "DELETE", workspace, "2022-10-01", "")
}

func TestOnlyRolesOpenAzure(t *testing.T) {
	s := open(t).built()
	s.as(admin, true, "mfa") // a Global Administrator has no Azure role
	s.refused(http.StatusNotFound, "SubscriptionNotFound", "GET", workspace, "2022-10-01", "")
	if list, _ := s.must(http.StatusOK, "GET", "/subscriptions", "2019-11-01", "")["value"].([]any); len(list) != 0 {
		t.Errorf("the administrator sees %v", list)
	}
	s.as(watcher, false)
	s.refused(http.StatusForbidden, "AuthorizationFailed", "POST", "/providers/Microsoft.Authorization/elevateAccess", "2016-07-01", "")
	s.as(admin, true, "mfa")
	s.must(http.StatusOK, "POST", "/providers/Microsoft.Authorization/elevateAccess", "2016-07-01", "")
	s.must(http.StatusOK, "POST", "/providers/Microsoft.Authorization/elevateAccess", "2016-07-01", "")
	if list, _ := s.must(http.StatusOK, "GET", "/subscriptions", "2019-11-01", "")["value"].([]any); len(list) != 1 {
		t.Errorf("elevated, the administrator sees %v", list)
	}
	s.refused(http.StatusForbidden, "AuthorizationFailed", "DELETE", workspace, "2022-10-01", "") // it may read and assign only
	reader := `{"properties":{"roleDefinitionId":"` + sub + `/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7","principalId":"` + watcher + `"}}`
	s.must(http.StatusCreated, "PUT", workspace+"/providers/Microsoft.Authorization/roleAssignments/55555555-0000-4000-8000-000000000001", "2022-04-01", reader)
	s.refused(http.StatusConflict, "RoleAssignmentExists", "PUT", workspace+"/providers/Microsoft.Authorization/roleAssignments/55555555-0000-4000-8000-000000000002", "2022-04-01", reader)
	s.as(watcher, false)
	s.must(http.StatusOK, "GET", workspace, "2022-10-01", "")
	s.refused(http.StatusForbidden, "AuthorizationFailed", "GET", action, "2023-01-01", "")
	s.refused(http.StatusForbidden, "AuthorizationFailed", "PATCH", workspace, "2022-10-01", `{"tags":{}}`)
}

func TestElevationIsRecordedOnceAndItsEndToo(t *testing.T) {
	s := open(t)
	s.as(admin, true, "mfa")
	for range 2 {
		s.must(http.StatusOK, "POST", "/providers/Microsoft.Authorization/elevateAccess", "2016-07-01", "")
	}
	list, _ := s.must(http.StatusOK, "GET", "/providers/Microsoft.Authorization/roleAssignments?$filter=principalId+eq+'"+admin+"'", "2022-04-01", "")["value"].([]any)
	if len(list) != 1 {
		t.Fatalf("the elevated assignments are %v", list)
	}
	m, _ := list[0].(map[string]any)
	s.must(http.StatusOK, "DELETE", state.Object(m).ID(), "2022-04-01", "")
	var got []string
	s.api.State.View(func(tx *state.Tx) {
		for _, rec := range tx.List(logs.Audits) {
			got = append(got, rec.String("activityDisplayName"))
		}
	})
	want := []string{"User has elevated their access to User Access Administrator for their Azure Resources", "The role assignment of User Access Administrator has been removed from the user"}
	if !slices.Equal(got, want) {
		t.Errorf("the log has %q", got)
	}
}

func TestTheLogExportAsksForADirectoryRole(t *testing.T) {
	s := open(t).built()
	body := `{"properties":{"workspaceId":"` + workspace + `","logs":[{"category":"AuditLogs","enabled":true},{"category":"SignInLogs","enabled":true}]}}`
	s.refused(http.StatusForbidden, "AuthorizationFailed", "GET", export, "2017-04-01", "") // the owner of a subscription
	s.as(watcher, false)
	s.refused(http.StatusForbidden, "AuthorizationFailed", "GET", "/providers/microsoft.aadiam/diagnosticSettings", "2017-04-01", "")
	s.as(admin, true, "mfa")
	s.must(http.StatusCreated, "PUT", export, "2017-04-01", body)
	s.refused(http.StatusBadRequest, "BadRequest", "PUT", export, "2017-04-01", strings.Replace(body, "AuditLogs", "EverythingLogs", 1))
	s.refused(http.StatusBadRequest, "BadRequest", "PUT", export, "2017-04-01", `{"properties":{"logs":[]}}`)
	s.must(http.StatusOK, "PUT", export, "2017-04-01", `{"properties":{"workspaceId":"`+workspace+`","logs":[{"category":"AuditLogs","enabled":true}]}}`)
	logs, _ := s.must(http.StatusOK, "GET", export, "2017-04-01", "").Object("properties")["logs"].([]any)
	if len(logs) != 1 {
		t.Errorf("PUT merged: the logs are %v", logs)
	}
	for _, n := range []string{"b", "c", "d", "e"} {
		s.must(http.StatusCreated, "PUT", export+n, "2017-04-01", body)
	}
	s.refused(http.StatusBadRequest, "BadRequest", "PUT", export+"f", "2017-04-01", body)
	// With an Azure role on the provider a service principal may read.
	s.must(http.StatusOK, "POST", "/providers/Microsoft.Authorization/elevateAccess", "2016-07-01", "")
	s.must(http.StatusCreated, "PUT", "/providers/Microsoft.aadiam/providers/Microsoft.Authorization/roleAssignments/55555555-0000-4000-8000-000000000009", "2022-04-01",
		`{"properties":{"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7","principalId":"`+watcher+`"}}`)
	s.as(watcher, false)
	s.must(http.StatusOK, "GET", export, "2017-04-01", "")
}

func TestARuleNeedsATableThatHasData(t *testing.T) {
	s := open(t).built()
	signIns := `SigninLogs | where UserId == "x"`
	s.refused(http.StatusBadRequest, "BadRequest", "PUT", ruleAt, "2021-08-01", ruleWith("PT1M", signIns, ""))
	s.must(http.StatusCreated, "PUT", ruleAt, "2021-08-01", ruleWith("PT1M", signIns, `,"skipQueryValidation":true`))
	s.as(admin, true, "mfa")
	s.must(http.StatusCreated, "PUT", export, "2017-04-01", `{"properties":{"workspaceId":"`+workspace+`","logs":[{"category":"SignInLogs","enabled":true}]}}`)
	s.as(owner, true, "mfa")
	s.refused(http.StatusBadRequest, "BadRequest", "PUT", ruleAt, "2021-08-01", ruleWith("PT1M", signIns, ""))
	s.clock.Advance(20 * time.Minute)
	s.must(http.StatusOK, "PUT", ruleAt, "2021-08-01", ruleWith("PT1M", signIns, ""))
}

func TestWhatAnEveryMinuteRuleMayNotDo(t *testing.T) {
	s := open(t).built()
	for _, query := range []string{"AuditLogs | union SigninLogs", "search 'x'", "AuditLogs | take 5", "AuditLogs | where ingestion_time() > ago(5m)", "AuditLogs | evaluate bag_unpack(x)"} {
		s.refused(http.StatusBadRequest, "BadRequest", "PUT", ruleAt, "2021-08-01", ruleWith("PT1M", query, `,"skipQueryValidation":true`))
	}
	s.must(http.StatusCreated, "PUT", ruleAt, "2021-08-01", ruleWith("PT5M", "AuditLogs | union SigninLogs", `,"skipQueryValidation":true`))
	for name, body := range map[string]string{
		"a window below the frequency": strings.Replace(ruleWith("PT2H", "AuditLogs", `,"skipQueryValidation":true`), `"windowSize":"PT1H"`, `"windowSize":"PT5M"`, 1),
		"a severity of five":           strings.Replace(ruleWith("PT5M", "AuditLogs", `,"skipQueryValidation":true`), `"severity":0`, `"severity":5`, 1),
		"an unknown action group":      strings.Replace(ruleWith("PT5M", "AuditLogs", `,"skipQueryValidation":true`), "actionGroups/ag", "actionGroups/none", 1),
		"a made-up frequency":          ruleWith("PT7M", "AuditLogs", `,"skipQueryValidation":true`),
	} {
		if res, out := s.do("PUT", ruleAt, "2021-08-01", body); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s answered %d %v", name, res.StatusCode, out)
		}
	}
}

func TestANewAddressWaitsForItsPasscode(t *testing.T) {
	s := open(t).built()
	got := elements(s.must(http.StatusOK, "GET", action, "2023-01-01", "").Object("properties"), "emailReceivers")
	if len(got) != 1 || got[0].String("status") != "Disabled" {
		t.Errorf("the receivers are %v", got)
	}
	s.refused(http.StatusBadRequest, "BadRequest", "PUT", action, "2023-01-01", `{"location":"Global","properties":{"groupShortName":"much too long a name","enabled":true}}`)
}

func TestNearRealTimeRulesArePreviewOnly(t *testing.T) {
	s := open(t).built()
	rule := workspace + "/providers/Microsoft.SecurityInsights/alertRules/66666666-0000-4000-8000-000000000001"
	nrt := `{"kind":"NRT","properties":{"displayName":"e","severity":"High","enabled":true,"query":"SigninLogs","suppressionEnabled":false,"suppressionDuration":"PT5H"}}`
	s.refused(http.StatusBadRequest, "BadRequest", "PUT", rule, "2025-07-01-preview", nrt)
	s.must(http.StatusCreated, "PUT", workspace+"/providers/Microsoft.SecurityInsights/onboardingStates/default", "2024-09-01", `{"properties":{}}`)
	s.refused(http.StatusBadRequest, "BadRequest", "PUT", rule, "2025-09-01", nrt)
	s.must(http.StatusCreated, "PUT", rule, "2025-07-01-preview", nrt)
	s.refused(http.StatusNotFound, "ResourceNotFound", "GET", rule, "2025-09-01", "")
	scheduled := `{"kind":"Scheduled","properties":{"displayName":"e","severity":"High","enabled":true,"query":"SigninLogs","queryFrequency":"PT5M","queryPeriod":"PT1H",
		"triggerOperator":"GreaterThan","triggerThreshold":0,"suppressionEnabled":false,"suppressionDuration":"PT5H"}}`
	s.must(http.StatusCreated, "PUT", rule[:len(rule)-1]+"2", "2025-09-01", scheduled)
	s.refused(http.StatusBadRequest, "BadRequest", "PUT", rule, "2025-09-01", scheduled) // a rule does not change its kind
	if list, _ := s.must(http.StatusOK, "GET", workspace+"/providers/Microsoft.SecurityInsights/alertRules", "2025-09-01", "")["value"].([]any); len(list) != 1 {
		t.Errorf("the stable version lists %v", list)
	}
}

func TestApiVersionsThatNeverWereAreRefused(t *testing.T) {
	s := open(t)
	for _, version := range []string{"1999-01-01", "latest", "2022-99-01"} {
		s.refused(http.StatusBadRequest, "InvalidApiVersionParameter", "GET", "/subscriptions", version, "")
	}
}

func TestAnActionGroupWantsMailAddresses(t *testing.T) {
	s := open(t).built()
	s.refused(http.StatusBadRequest, "BadRequest", "PUT", group+"/providers/Microsoft.Insights/actionGroups/x", "2023-01-01",
		`{"location":"Global","properties":{"groupShortName":"x","enabled":true,"emailReceivers":[{"name":"soc","emailAddress":"nobody"}]}}`)
}
