package simtenant

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"breakglass/internal/simtenant/login"
	"breakglass/internal/simtenant/state"
)

// tried is the outcome of a sign-in to a goal, by the account whose name begins so.
func tried(t *testing.T, tenant *state.State, account, goal string, in login.SignIn) login.Outcome {
	t.Helper()
	var out login.Outcome
	tenant.View(func(tx *state.Tx) {
		u := tx.Find("users", func(o state.Object) bool { return strings.HasPrefix(o.String("userPrincipalName"), account+"@") })
		if u == nil {
			t.Fatalf("the tenant has no %s", account)
		}
		in.UserID, in.Targets = u.ID(), login.Goals()[goal]
		if in.Methods == nil {
			in.Methods = login.Methods(tx, u.ID())
		}
		var err error
		if out, err = login.Evaluate(tx, in); err != nil {
			t.Fatalf("%s to %s: %v", account, goal, err)
		}
	})
	return out
}

func TestTheDeviceUserGetsInEverywhere(t *testing.T) {
	for _, name := range Names() {
		tenant := opened(t, name)
		for _, platform := range []string{"windows", "macOS", "linux"} {
			for _, goal := range []string{"graph", "arm-write", "entra-portal"} {
				in := login.SignIn{IP: "127.0.0.1", Platform: platform, Flow: "deviceCodeFlow", ClientAppType: "mobileAppsAndDesktopClients"}
				if out := tried(t, tenant, "alex.meyer", goal, in); !out.Granted() {
					t.Errorf("%s on %s: %s stops at %d: %s", name, platform, goal, out.Code, out.Reason)
				}
			}
		}
	}
}

func TestTheHealthyAccountsGetInFromAnywhere(t *testing.T) {
	tenant := opened(t, "healthy")
	for _, account := range []string{"ops-q7d3", "ops-w5h9"} {
		for goal := range login.Goals() {
			in := login.SignIn{IP: "198.51.100.9", Country: "BR", Platform: "windows", SignInRisk: "high", UserRisk: "high"}
			if out := tried(t, tenant, account, goal, in); !out.Granted() {
				t.Errorf("%s to %s stops at %d: %s", account, goal, out.Code, out.Reason)
			}
		}
	}
}

func TestNobodyGetsInWithTheBrokenAccounts(t *testing.T) {
	for _, c := range []struct {
		tenant, account string
		with            []login.Method // nil: with everything it has
		code            int
	}{
		{"broken-lockout", "ops-x7k2", nil, 50055},                             // the password has expired
		{"broken-lockout", "ops-x7k2", []login.Method{{Mode: "fido2"}}, 53000}, // the key meets CA013
		{"broken-lockout", "ops-m3q9", nil, 50057},
		{"broken-dead", "ops-k4t8", nil, 50057},
	} {
		out := tried(t, opened(t, c.tenant), c.account, "entra-portal", login.SignIn{IP: "203.0.113.24", Platform: "windows", Methods: c.with})
		if out.Code != c.code {
			t.Errorf("%s in %s ends with %d (%s), want %d", c.account, c.tenant, out.Code, out.Reason, c.code)
		}
	}
	if out := tried(t, opened(t, "broken-dead"), "ops-r2w6", "entra-portal", login.SignIn{IP: "198.51.100.9", Country: "BR", Platform: "windows"}); out.Granted() {
		t.Error("the account with the expired password and the telephone gets in from abroad")
	}
}

// readings is what a whole reading of a tenant asks for.
var readings = strings.Fields(`/v1.0/organization /v1.0/domains /v1.0/users /v1.0/groups /v1.0/subscribedSkus /v1.0/servicePrincipals /v1.0/directory/administrativeUnits
	/v1.0/roleManagement/directory/roleDefinitions /v1.0/roleManagement/directory/roleAssignments?$expand=principal /v1.0/auditLogs/directoryAudits
	/v1.0/policies/identitySecurityDefaultsEnforcementPolicy /v1.0/policies/authenticationMethodsPolicy /beta/policies/authenticationMethodsPolicy /v1.0/policies/authorizationPolicy`)

// premiumReadings are refused without P1 or P2.
var premiumReadings = strings.Fields(`/v1.0/identity/conditionalAccess/policies /beta/identity/conditionalAccess/policies /v1.0/identity/conditionalAccess/namedLocations
	/v1.0/policies/authenticationStrengthPolicies /v1.0/roleManagement/directory/roleAssignmentScheduleInstances /v1.0/roleManagement/directory/roleEligibilityScheduleInstances
	/v1.0/auditLogs/signIns /beta/auditLogs/signIns /v1.0/identityProtection/riskyUsers /v1.0/identityGovernance/accessReviews/definitions
	/v1.0/reports/authenticationMethods/userRegistrationDetails`)

func TestTheReaderReadsEveryShippedTenant(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{Tenant: name})
			tok := token(t, s, s.creds.Reader)
			get := func(path string) (int, state.Object) {
				req, err := http.NewRequest(http.MethodGet, s.URL()+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Authorization", "Bearer "+tok)
				res, err := s.Client().Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				var body state.Object
				if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
					t.Fatal(err)
				}
				return res.StatusCode, body
			}
			for _, path := range readings {
				if status, body := get(path); status != http.StatusOK {
					t.Errorf("%s answered %d %v", path, status, body)
				}
			}
			free := name == "broken-free"
			for _, path := range premiumReadings {
				if status, body := get(path); (status == http.StatusOK) == free {
					t.Errorf("%s answered %d %v", path, status, body)
				}
			}
			_, page := get("/v1.0/roleManagement/directory/roleAssignments?$filter=roleDefinitionId+eq+'" + roleGA + "'&$expand=principal")
			list, _ := page["value"].([]any)
			if len(list) == 0 || slices.ContainsFunc(list, func(e any) bool { return e.(map[string]any)["principal"] == nil }) {
				t.Errorf("the Global Administrators are %v", list)
			}
		})
	}
}
