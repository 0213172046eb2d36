package simtenant

import (
	"time"

	"breakglass/internal/simtenant/state"
)

// sceneLockout is a tenant that would be lost tonight, and that plan and apply can mend.
// There are two emergency accounts, bought and set up years ago, and a group that was meant
// to exempt them. Since then a colleague tidied up one policy, a new one was written by
// somebody who did not know of them, Microsoft added two, and the second account was
// switched off as idle.
func sceneLockout(s *scene) {
	s.begin("Contoso", "p2", domain{name: "contoso.onmicrosoft.com", days: 90}, domain{name: "contoso.example"})
	alex, nadia := s.administrators("contoso.example", true)
	s.staff("contoso.example")
	s.applications()
	a := s.emergency("x7k2", s.initial, state.Object{
		"passwordPolicies": "None", "lastPasswordChangeDateTime": s.ago(412 * day), "createdDateTime": s.ago(1200 * day), "signInActivity": s.lastSignIn(390 * day),
	})
	b := s.emergency("m3q9", s.initial, state.Object{
		"accountEnabled": false, "lastPasswordChangeDateTime": s.ago(640 * day), "createdDateTime": s.ago(1200 * day), "signInActivity": s.lastSignIn(640 * day),
	})
	s.key(a, "Safe ground floor", "2fc0579f-8113-47ea-b116-bb5a8db9202a")
	s.key(b, "Safe second site", "d41f5a69-b817-4144-a13c-9ebd6d9254d6")
	s.direct(a, roleGA)
	s.eligible(b, roleGA, 0)

	sam := s.user("sam.okafor@contoso.example", "Sam Okafor", state.Object{"department": "IT", "jobTitle": "Service desk"})
	s.authenticator(sam, "Sam's phone")
	s.permanent(sam, roleHelpdesk)
	nested := s.group("Emergency accounts", "The accounts in the safes", false, b)
	group := s.group("CA exclusions", "Not subject to Conditional Access", false, nested, sam)

	office := s.locations("203.0.113.0/24", "DE", "AT", "CH")
	s.ownPolicies([]any{a}, []any{group}, office)
	s.tx.Put("identity/conditionalAccess/policies", s.without("CA005: Block sign-in from outside our countries", a))
	s.riskPolicies([]any{a}, nil)
	s.managedPolicies(nil, nil, reportOnly)
	s.policy(rule{name: "CA013: Require a compliant device for Global Administrators", users: holders(nil, []any{s.id("group", "Devices not yet enrolled")}, roleGA), grant: grantAny("compliantDevice"), since: 2 * day})
	s.policy(rule{name: "CA014: Require phishing-resistant authentication for Global Administrators", users: holders(nil, nil, roleGA), grant: strength("4"), since: 2 * day, state: reportOnly})
	s.policy(rule{
		name: "CA099: Block everything outside the office (test, do not enable)", grant: grantAny("block"), state: "disabled", since: 80 * day,
		when: state.Object{"locations": map[string]any{"includeLocations": []any{"All"}, "excludeLocations": []any{"AllTrusted"}}},
	})

	s.history(alex, nadia, sam)
	s.lostExclusion(nadia, s.id("policy", "CA005: Block sign-in from outside our countries"), 3*day, a)
	s.joined(nadia, sam, group, 5*day)
	s.signIn(a, 6*day, azurePortal, 50126, "198.51.100.77", "NL")
	s.azure(false)
}

// without is a stored policy less one account among its exclusions.
func (s *scene) without(name, user string) state.Object {
	p := s.tx.Get("identity/conditionalAccess/policies", s.id("policy", name))
	users := p.Object("conditions").Object("users")
	kept := []any{}
	for _, id := range users.Strings("excludeUsers") {
		if id != user {
			kept = append(kept, id)
		}
	}
	users["excludeUsers"] = kept
	p["modifiedDateTime"] = s.ago(3 * day)
	return p
}

// sceneDead is two emergency accounts that no longer are: one lives in the old directory,
// disabled; the other has a password past its time and somebody's telephone. The way back
// to Global Administrator asks for an approval that nobody can give.
func sceneDead(s *scene) {
	s.begin("Fabrikam", "p2", domain{name: "fabrikam.onmicrosoft.com", days: 90}, domain{name: "corp.fabrikam.example", federated: true}, domain{name: "fabrikam.example", days: 90})
	org := s.tx.One("organization")
	org["onPremisesSyncEnabled"], org["onPremisesLastSyncDateTime"] = true, s.ago(20*time.Minute)
	s.tx.Put("organization", org)
	alex := s.user("alex.meyer@fabrikam.example", "Alex Meyer", state.Object{"department": "IT", state.DeviceUser: true, "signInActivity": s.lastSignIn(3 * time.Hour)})
	s.authenticator(alex, "Alex's iPhone")
	s.key(alex, "Alex's own key", "2fc0579f-8113-47ea-b116-bb5a8db9202a")
	s.active(alex, roleGA, 60*day, 30*day, "")
	nadia := s.user("nadia.haddad@fabrikam.example", "Nadia Haddad", state.Object{"department": "IT"})
	s.authenticator(nadia, "Nadia's Pixel")
	s.eligible(nadia, roleGA, 90*day)
	s.staff("fabrikam.example")
	s.applications()
	a := s.emergency("k4t8", "corp.fabrikam.example", state.Object{
		"accountEnabled": false, "onPremisesSyncEnabled": true, "onPremisesImmutableId": "q83vEjRWeJCrze8SNFZ4kA==", "onPremisesLastSyncDateTime": s.ago(20 * time.Minute),
		"onPremisesSamAccountName": "ops-k4t8", "onPremisesDomainName": "corp.fabrikam.example", "passwordPolicies": nil, "lastPasswordChangeDateTime": s.ago(800 * day),
		"signInActivity": nil,
	})
	b := s.emergency("r2w6", s.initial, state.Object{
		"passwordPolicies": "None", "lastPasswordChangeDateTime": s.ago(500 * day), "signInActivity": s.lastSignIn(500 * day), "mobilePhone": "+49 151 5550143",
		"passwordProfile": map[string]any{"forceChangePasswordNextSignIn": true, "forceChangePasswordNextSignInWithMfa": false, "password": nil},
	})
	s.phone(b, "+49 1515550143")
	s.eligible(a, roleGA, 0)
	s.active(b, roleGA, 360*day, 5*day, "")
	sync := s.user("Sync_DC01_a1b2c3@"+s.initial, "On-Premises Directory Synchronization Service Account", state.Object{"passwordPolicies": "DisablePasswordExpiration", "mail": nil})
	s.direct(sync, roleSync)
	group := s.group("CA exclusions", "Not subject to Conditional Access", false, a, b)
	office := s.locations("203.0.113.0/24", "DE", "AT", "CH")
	s.ownPolicies(nil, []any{group}, office)
	s.managedPolicies(nil, []any{group}, "enabled")
	s.tx.Put("policies/roleManagementPolicies", state.Object{
		"id": s.id("rules", roleGA), "_role": roleGA, "rules": map[string]any{
			"Approval_EndUser_Assignment": map[string]any{"setting": map[string]any{"isApprovalRequired": true}},
			"Expiration_Admin_Assignment": map[string]any{"isExpirationRequired": true, "maximumDuration": "P365D"},
		},
	})
	s.tx.Put("identityProtection/riskyUsers", state.Object{
		"id": b, "userPrincipalName": "ops-r2w6@" + s.initial, "userDisplayName": "Operations r2w6", "isDeleted": false, "isProcessing": false,
		"riskLevel": "high", "riskState": "atRisk", "riskDetail": "none", "riskLastUpdatedDateTime": s.ago(3 * day),
	})
	s.review("Quarterly review of idle accounts", "/users?$filter=accountEnabled eq true")
	s.history(alex, nadia)
	s.azure(false)
}

// sceneFree is a small company without Conditional Access: security defaults, audits of
// seven days, one emergency account whose second factor is the owner's telephone.
func sceneFree(s *scene) {
	s.begin("Contoso", "free", domain{name: "contoso.onmicrosoft.com", days: 90}, domain{name: "contoso.example", days: 90})
	alex, nadia := s.administrators("contoso.example", false)
	s.staff("contoso.example")
	s.applications()
	a := s.emergency("h5n1", s.initial, state.Object{
		"passwordPolicies": "None", "lastPasswordChangeDateTime": s.ago(700 * day), "signInActivity": s.lastSignIn(700 * day), "_perUserMfaState": "enforced",
	})
	s.phone(a, "+49 1515550188")
	s.direct(a, roleGA)
	s.tx.Put("policies/identitySecurityDefaultsEnforcementPolicy", state.Object{
		"id": "00000000-0000-0000-0000-000000000005", "displayName": "Security Defaults", "isEnabled": true,
		"description": "Security defaults is a set of basic identity security mechanisms recommended by Microsoft. When enabled, these recommendations will be automatically enforced in your organization. Administrators and users will be better protected from common identity related attacks.",
	})
	s.history(alex, nadia)
}
