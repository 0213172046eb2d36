package simtenant

import (
	"time"

	"breakglass/internal/simtenant/state"
)

// administrators makes the two normal administrators. Alex is the device user of
// credentials.json: permanent Global Administrator, with Authenticator and a key of his
// own. Nadia is eligible and has activated the role this morning when she is on duty.
func (s *scene) administrators(dom string, onDuty bool) (alex, nadia string) {
	alex = s.user("alex.meyer@"+dom, "Alex Meyer", state.Object{"department": "IT", "jobTitle": "Identity administrator", state.DeviceUser: true, "signInActivity": s.lastSignIn(3 * time.Hour)})
	s.authenticator(alex, "Alex's iPhone")
	s.key(alex, "Alex's own key", "2fc0579f-8113-47ea-b116-bb5a8db9202a")
	nadia = s.user("nadia.haddad@"+dom, "Nadia Haddad", state.Object{"department": "IT", "jobTitle": "Head of IT", "signInActivity": s.lastSignIn(4 * time.Hour)})
	s.authenticator(nadia, "Nadia's Pixel")
	if s.pim() {
		s.permanent(alex, roleGA)
		used := s.eligible(nadia, roleGA, 0)
		if onDuty {
			s.active(nadia, roleGA, time.Hour, 7*time.Hour, used)
		}
		return alex, nadia
	}
	s.direct(alex, roleGA)
	s.direct(nadia, roleGA)
	return alex, nadia
}

// pim is whether the tenant's subscription brings P2.
func (s *scene) pim() bool {
	return s.tx.Find("subscribedSkus", func(o state.Object) bool { return o.String("skuPartNumber") == "SPE_E5" }) != nil
}

// sceneEmpty is a tenant that was made last month.
func sceneEmpty(s *scene) {
	s.begin("Contoso", "p2", domain{name: "contoso.onmicrosoft.com"})
	alex, nadia := s.administrators(s.initial, true)
	s.staff(s.initial)
	s.applications()
	office := s.locations("203.0.113.0/24", "DE", "AT", "CH")
	everyone := state.Object{"includeUsers": []any{"All"}}
	s.policy(rule{name: "CA001: Block legacy authentication", when: state.Object{"clientAppTypes": []any{"exchangeActiveSync", "other"}}, grant: grantAny("block"), since: 30 * day})
	s.policy(rule{name: "CA002: Require multifactor authentication for all users", users: everyone, grant: grantAny("mfa"), since: 30 * day})
	s.policy(rule{name: "CA003: Require phishing-resistant authentication for administrators", users: holders(nil, nil, adminRoles...), grant: strength("4"), state: reportOnly, since: 12 * day})
	s.policy(rule{
		name: "CA004: Require a compliant device", users: everybody(nil, []any{s.id("group", "Devices not yet enrolled")}), grant: grantAny("compliantDevice"), since: 9 * day,
		when: state.Object{"platforms": map[string]any{"includePlatforms": []any{"windows", "macOS"}, "excludePlatforms": []any{}}},
	})
	s.policy(rule{
		name: "CA005: Block sign-in from outside our countries", grant: grantAny("block"), since: 9 * day,
		when: state.Object{"locations": map[string]any{"includeLocations": []any{"All"}, "excludeLocations": []any{s.id("location", "Our countries"), office}}},
	})
	s.policy(rule{
		name: "Microsoft-managed: Block device code flow", when: state.Object{"authenticationFlows": map[string]any{"transferMethods": "deviceCodeFlow,authenticationTransfer"}},
		grant: grantAny("block"), state: reportOnly, since: 20 * day, more: state.Object{"_managed": true, "templateId": s.id("template", "device code")},
	})
	s.subscription()
	s.history(alex, nadia)
}

// An emergency account of a scene. Its user name says nothing.
func (s *scene) emergency(name, dom string, with state.Object) string {
	base := state.Object{
		"givenName": nil, "surname": nil, "passwordPolicies": "DisablePasswordExpiration", "mail": nil, "proxyAddresses": []any{}, "usageLocation": "DE",
		"lastPasswordChangeDateTime": s.ago(30 * day), "signInSessionsValidFromDateTime": s.ago(30 * day), "signInActivity": s.lastSignIn(40 * day),
	}
	for k, v := range with {
		base[k] = v
	}
	return s.user("ops-"+name+"@"+dom, "Operations "+name, base)
}

// sceneHealthy is how it should be, but for the seal, which only custody can bring.
func sceneHealthy(s *scene) {
	s.begin("Fabrikam", "p2", domain{name: "fabrikam.onmicrosoft.com"}, domain{name: "fabrikam.example"})
	alex, nadia := s.administrators("fabrikam.example", true)
	s.staff("fabrikam.example")
	s.applications()
	a, b := s.emergency("q7d3", s.initial, nil), s.emergency("w5h9", s.initial, nil)
	for _, k := range []struct{ user, name, model string }{
		{a, "Vault north 1", "2fc0579f-8113-47ea-b116-bb5a8db9202a"},
		{a, "Vault north 2", "2fc0579f-8113-47ea-b116-bb5a8db9202a"},
		{b, "Vault south 1", "d41f5a69-b817-4144-a13c-9ebd6d9254d6"},
		{b, "Vault south 2", "d41f5a69-b817-4144-a13c-9ebd6d9254d6"},
	} {
		s.key(k.user, k.name, k.model)
	}
	s.permanent(a, roleGA)
	s.permanent(b, roleGA)
	s.permanent(nadia, roleGlobalReader)
	group := s.group("Emergency access exclusions", "Second layer of the exclusions from Conditional Access", false, a, b)
	unit := s.id("unit", "Emergency access")
	s.tx.Put("directory/administrativeUnits", state.Object{
		"id": unit, "displayName": "Emergency access", "description": "Nobody but its own administrators changes what is in here", "isMemberManagementRestricted": true,
		"visibility": nil, "deletedDateTime": nil, "membershipType": nil, "membershipRule": nil, "membershipRuleProcessingState": nil,
	})
	s.tx.Link("members", unit, group)
	office := s.locations("203.0.113.0/24", "DE", "AT", "CH")
	out, outGroup := []any{a, b}, []any{group}
	s.ownPolicies(out, outGroup, office)
	s.riskPolicies(out, outGroup)
	s.managedPolicies(out, outGroup, reportOnly)
	s.protectedActions(out, outGroup)
	s.campaignWithout(group)
	s.tx.Put("policies/authorizationPolicy", state.Object{"id": "authorizationPolicy", "allowedToUseSSPR": false})
	s.group("Projects", "People of the projects, guests among them", false, s.id("user", "jonas.weber@fabrikam.example"))
	s.review("Review of guests in project groups", "/groups/"+s.id("group", "Projects")+"/transitiveMembers")
	s.azure(true)
	s.history(alex, nadia)
	s.passwordSet(alex, a, 29*day)
	s.passwordSet(alex, b, 28*day)
}

// protectedActions ties an authentication context to changes of Conditional Access.
func (s *scene) protectedActions(users, groups []any) {
	s.tx.Put("identity/conditionalAccess/authenticationContextClassReferences", state.Object{
		"id": "c1", "displayName": "Change Conditional Access", "description": "Step-up for protected actions", "isAvailable": true,
	})
	s.policy(rule{
		name: "CA012: Require phishing-resistant authentication for protected actions", users: everybody(users, groups),
		apps: state.Object{"includeApplications": []any{}, "includeAuthenticationContextClassReferences": []any{"c1"}}, grant: strength("4"),
	})
}

// campaignWithout keeps the accounts' group out of the nagging to register the Authenticator.
func (s *scene) campaignWithout(group string) {
	s.tx.Put("policies/authenticationMethodsPolicy", state.Object{
		"id": "authenticationMethodsPolicy",
		"registrationEnforcement": map[string]any{"authenticationMethodsRegistrationCampaign": map[string]any{
			"snoozeDurationInDays": 1, "state": "enabled", "excludeTargets": []any{map[string]any{"id": group, "targetType": "group"}},
			"includeTargets": []any{map[string]any{"id": "all_users", "targetType": "group", "targetedAuthenticationMethod": "microsoftAuthenticator"}},
		}},
	})
}

// review is an access review over a scope.
func (s *scene) review(name, query string) {
	s.tx.Put("identityGovernance/accessReviews/definitions", state.Object{
		"id": s.id("review", name), "displayName": name, "status": "InProgress", "createdDateTime": s.ago(100 * day),
		"scope":    map[string]any{"@odata.type": "#microsoft.graph.accessReviewQueryScope", "query": query, "queryType": "MicrosoftGraph"},
		"settings": map[string]any{"autoApplyDecisionsEnabled": true, "defaultDecisionEnabled": true, "defaultDecision": "Deny", "recommendationsEnabled": true, "instanceDurationInDays": 14},
	})
}
