package graph

import (
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// signedIn writes a sign-in of a kind (interactiveUser, nonInteractiveUser).
func (s *stage) signedIn(user, kind string, at time.Time) {
	s.t.Helper()
	s.change(func(tx *state.Tx) {
		s.api.Logs.SignIn(tx, state.Object{
			"userId": user, "createdDateTime": state.Timestamp(at), "signInEventTypes": []any{kind}, "isInteractive": kind == "interactiveUser",
			"appliedConditionalAccessPolicies": []any{map[string]any{"id": "p", "displayName": "Block all", "result": "notApplied"}},
		})
	})
}

func TestAStolenTokenShowsInBetaOnly(t *testing.T) {
	s := newStage(t, nil)
	s.signedIn(vaultUser, "interactiveUser", stageNow.Add(-time.Hour))
	s.signedIn(vaultUser, "nonInteractiveUser", stageNow.Add(-time.Minute))
	if list := s.values("/v1.0/auditLogs/signIns"); len(list) != 1 || !list[0].Bool("isInteractive") {
		t.Errorf("v1.0 shows %d sign-ins", len(list))
	}
	both := "userId eq '" + vaultUser + "' and (signInEventTypes/any(t: t eq 'nonInteractiveUser') or signInEventTypes/any(t: t eq 'interactiveUser'))"
	if list := s.values(filtered("/beta/auditLogs/signIns", both)); len(list) != 2 || list[0].Bool("isInteractive") {
		t.Errorf("beta shows %d sign-ins, or not the newest first", len(list))
	}
	s.must(http.StatusBadRequest, "GET", filtered("/v1.0/auditLogs/signIns", "signInEventTypes/any(t: t eq 'nonInteractiveUser')"), nil)
	if list := s.values("/v1.0/auditLogs/signIns"); list[0]["authenticationRequirement"] != nil {
		t.Error("v1.0 shows what only beta has")
	}
}

func TestPoliciesInSignInsNeedTheirOwnPermission(t *testing.T) {
	s := newStage(t, nil)
	s.signedIn(vaultUser, "interactiveUser", stageNow.Add(-time.Hour))
	applied := func() int {
		list, _ := s.values("/v1.0/auditLogs/signIns")[0]["appliedConditionalAccessPolicies"].([]any)
		return len(list)
	}
	s.asApp("AuditLog.Read.All")
	if applied() != 0 {
		t.Error("the policies show without a permission to read policies")
	}
	s.asApp("AuditLog.Read.All", "Policy.Read.All")
	if applied() != 1 {
		t.Error("the policies do not show")
	}
	s.asApp("Policy.Read.All")
	s.refused(http.StatusForbidden, "Authorization_RequestDenied", "GET", "/v1.0/auditLogs/signIns", nil)
}

func TestRecordsArriveLate(t *testing.T) {
	s := newStage(t, func(tx *state.Tx) { tx.World().LogDelay = 5 * time.Minute })
	s.madePolicy(blockAll)
	if n := len(s.activities()); n != 0 {
		t.Fatalf("%d records at once", n)
	}
	s.clock.Advance(6 * time.Minute)
	if got := s.activities(); !slices.Contains(got, "Add Conditional Access policy") {
		t.Errorf("six minutes later the log has %v", got)
	}
}

func TestLogsForgetAfterTheirRetention(t *testing.T) {
	s := newStage(t, nil)
	s.madePolicy(blockAll)
	s.clock.Advance(8 * 24 * time.Hour)
	if len(s.activities()) == 0 {
		t.Error("a premium tenant forgot after eight days")
	}
	s.change(func(tx *state.Tx) { tx.Delete("subscribedSkus", "sku") })
	if n := len(s.activities()); n != 0 {
		t.Errorf("a free tenant still shows %d records after eight days", n)
	}
}

func TestManySignInsComeInPages(t *testing.T) {
	s := newStage(t, nil)
	for i := range 1203 {
		s.signedIn(plainUser, "interactiveUser", stageNow.Add(-time.Duration(i)*time.Second))
	}
	first := s.must(http.StatusOK, "GET", "/v1.0/auditLogs/signIns", nil)
	if n := len(objectsIn(first)); n != 1000 || first.String("@odata.nextLink") == "" {
		t.Fatalf("the first page holds %d", n)
	}
	next := first.String("@odata.nextLink")[len(s.srv.URL):]
	s.signedIn(plainUser, "interactiveUser", stageNow) // a new one between the pages
	second := s.must(http.StatusOK, "GET", next, nil)
	seen := map[string]bool{}
	for _, o := range append(objectsIn(first), objectsIn(second)...) {
		seen[o.ID()] = true
	}
	if len(seen) != 1203 || second.String("@odata.nextLink") != "" {
		t.Errorf("both pages hold %d different sign-ins, want 1203", len(seen))
	}
}

func TestAuditsAreFoundByTarget(t *testing.T) {
	s := newStage(t, nil)
	s.must(http.StatusCreated, "POST", requestsPath, asking("adminAssign", vaultUser, forEver))
	s.madePolicy(blockAll)
	list := s.values(filtered("/v1.0/auditLogs/directoryAudits", "activityDateTime ge 2026-11-22T00:00:00Z and targetResources/any(t:t/id eq '"+vaultUser+"')"))
	if len(list) != 3 {
		t.Errorf("%d records with the account as target, want the three of its role", len(list))
	}
	mine := s.values(filtered("/v1.0/auditLogs/directoryAudits", "initiatedBy/user/id eq '"+adminUser+"'"))
	if len(mine) != 4 {
		t.Errorf("%d records by the administrator, want 4", len(mine))
	}
}

func TestRiskIsDismissed(t *testing.T) {
	s := newStage(t, func(tx *state.Tx) {
		tx.Put(collRiskyUsers, state.Object{"id": vaultUser, "riskState": "atRisk", "riskLevel": "high"})
	})
	s.must(http.StatusNoContent, "POST", "/v1.0/identityProtection/riskyUsers/dismiss", `{"userIds":["`+vaultUser+`"]}`)
	r := s.must(http.StatusOK, "GET", "/v1.0/identityProtection/riskyUsers/"+vaultUser, nil)
	if r.String("riskState") != "dismissed" || r.String("riskLevel") != "none" {
		t.Errorf("the risk is %v", r)
	}
	s.recorded("DismissUser")
}

func TestWhatIsNotModelledSaysSo(t *testing.T) {
	s := newStage(t, nil)
	s.who.Grants = append(s.who.Grants, "User.Read.All", "UserAuthMethod-Passkey.ReadWrite.All", "LifecycleWorkflows.Read.All")
	for _, at := range [][2]string{
		{"POST", "/v1.0/subscriptions"},
		{"POST", roleBase + "roleDefinitions"},
		{"POST", "/v1.0/users/" + vaultUser + "/authentication/fido2Methods"},
		{"GET", "/v1.0/identityGovernance/entitlementManagement/catalogs"},
		{"GET", "/v1.0/identityGovernance/lifecycleWorkflows/workflows?$filter=isEnabled%20eq%20true"},
	} {
		s.refused(http.StatusNotImplemented, "NotImplemented", at[0], at[1], `{}`)
	}
}

func TestEveryPolicyAClientListsIsThere(t *testing.T) {
	s := newStage(t, nil)
	s.who.Grants = append(s.who.Grants, "Policy.Read.PermissionGrant")
	for _, name := range []string{
		"authenticationMethodsPolicy", "authenticationFlowsPolicy", "appManagementPolicies", "adminConsentRequestPolicy", "activityBasedTimeoutPolicies",
		"defaultAppManagementPolicy", "authorizationPolicy", "identitySecurityDefaultsEnforcementPolicy", "tokenLifetimePolicies", "tokenIssuancePolicies",
		"claimsMappingPolicies", "homeRealmDiscoveryPolicies", "permissionGrantPolicies", "crossTenantAccessPolicy",
	} {
		s.must(http.StatusOK, "GET", "/v1.0/policies/"+name, nil)
	}
	if list := s.values("/beta/policies/authorizationPolicy"); len(list) != 1 {
		t.Errorf("beta answers %d authorization policies in its list", len(list))
	}
}

func TestLogDisorderIsSeeded(t *testing.T) {
	order := func() []string {
		s := newStage(t, func(tx *state.Tx) { tx.World().LogDelay, tx.World().LogDisorder = 2*time.Minute, 90*time.Second })
		for i := range 6 {
			s.change(func(tx *state.Tx) {
				s.api.Logs.Audit(tx, state.Object{"activityDisplayName": strconv.Itoa(i), "activityDateTime": logs.Instant(stageNow.Add(time.Duration(i) * time.Second))})
			})
		}
		var out []string
		for range 240 {
			s.clock.Advance(time.Second)
			for _, rec := range s.values("/v1.0/auditLogs/directoryAudits") {
				if n := rec.String("activityDisplayName"); !slices.Contains(out, n) {
					out = append(out, n)
				}
			}
		}
		return out
	}
	first, second := order(), order()
	if len(first) != 6 || slices.IsSorted(first) || !slices.Equal(first, second) {
		t.Errorf("the records arrive as %v and again as %v: want disorder, and the same twice", first, second)
	}
}
