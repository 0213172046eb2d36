package lockout

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/internal/entra"
	"breakglass/internal/simtenant/login"
	"breakglass/internal/simtenant/state"

	"pgregory.net/rapid"
)

// The simulated tenant judges sign-ins by code that shares nothing with lockout: it is the
// second opinion. An account that lockout lets survive must be let in everywhere by it, and
// one that lockout says is stopped must be stopped somewhere.

// A drawn policy, as both sides read it: JSON of Graph.
func drawPolicy(t *rapid.T, label string) state.Object {
	some := func(what string, from ...string) []any {
		out := []any{}
		for _, v := range rapid.SliceOfNDistinct(rapid.SampledFrom(from), 0, len(from), rapid.ID).Draw(t, label+" "+what) {
			out = append(out, v)
		}
		return out
	}
	rarely := func(what string, v any) any {
		if rapid.IntRange(0, 3).Draw(t, label+" "+what) > 0 {
			return nil
		}
		return v
	}
	people := []string{accountA, accountB, somebody}
	roles := []string{entra.RoleGlobalAdministrator, exchange}
	return state.Object{
		"id": label, "displayName": label,
		"state": rapid.SampledFrom([]string{stateOn, stateOn, stateOn, stateOff, stateReportOnly}).Draw(t, label+" state"),
		"conditions": map[string]any{
			"users": map[string]any{
				"includeUsers": some("includeUsers", append(people, "All", "GuestsOrExternalUsers")...), "excludeUsers": some("excludeUsers", append(people, "GuestsOrExternalUsers")...),
				"includeGroups": some("includeGroups", groupX), "excludeGroups": some("excludeGroups", groupX),
				"includeRoles": some("includeRoles", roles...), "excludeRoles": some("excludeRoles", roles...),
				"includeGuestsOrExternalUsers": nil, "excludeGuestsOrExternalUsers": nil,
			},
			"applications": map[string]any{
				"includeApplications": some("apps", "All", "None", login.GraphApp, login.ARMApp, "MicrosoftAdminPortals"), "excludeApplications": some("not apps", login.LogAnalyticsApp),
				"includeUserActions":                          some("actions", "urn:user:registersecurityinfo", "urn:user:registerdevice"),
				"includeAuthenticationContextClassReferences": some("contexts", "c1"), "applicationFilter": nil,
			},
			"clientApplications": nil, "clientAppTypes": some("clients", "browser", "other", "mobileAppsAndDesktopClients"),
			"platforms":        rarely("platforms", map[string]any{"includePlatforms": []any{"all"}, "excludePlatforms": some("not platforms", "linux", "iOS")}),
			"signInRiskLevels": some("risk", "high"), "userRiskLevels": []any{}, "locations": nil, "devices": nil,
			"authenticationFlows": rarely("flow", map[string]any{"transferMethods": "deviceCodeFlow"}),
		},
		"grantControls":   drawGrant(t, label, some, rarely),
		"sessionControls": rarely("session", map[string]any{"persistentBrowser": map[string]any{"isEnabled": true, "mode": "never"}}),
	}
}

func drawGrant(t *rapid.T, label string, some func(string, ...string) []any, rarely func(string, any) any) any {
	g := map[string]any{
		"operator": rapid.SampledFrom([]string{"OR", "AND"}).Draw(t, label+" operator"), "builtInControls": some("controls", "block", "mfa", "compliantDevice", "domainJoinedDevice"),
		"customAuthenticationFactors": []any{}, "termsOfUse": []any{}, "authenticationStrength": rarely("strength", map[string]any{"id": strength4}),
	}
	if slices.Contains(g["builtInControls"].([]any), any("block")) { // Graph refuses to combine it
		g["builtInControls"], g["authenticationStrength"] = []any{"block"}, nil
	}
	if len(g["builtInControls"].([]any)) == 0 && g["authenticationStrength"] == nil {
		return nil
	}
	return g
}

// both are one tenant for the two judges.
func both(t *rapid.T) (*entra.Snapshot, *state.State) {
	s, groups := healthy(), map[string][]string{}
	if rapid.Bool().Draw(t, "in the group") {
		s.Users[0].MemberOf = some([]entra.Membership{{ID: groupX, Type: "group"}})
		groups[groupX] = []string{accountA}
	}
	s.Policies = nil
	doc := state.Document{
		TenantID: "t", World: state.World{Cloud: "public", MandatoryMFA: true},
		Objects: map[string][]state.Object{
			"organization": {{"id": "t"}}, "groups": {{"id": groupX}},
			"domains":             {{"id": "contoso.onmicrosoft.com", "isVerified": true, "isInitial": true, "authenticationType": "Managed"}},
			state.RoleAssignments: {{"id": "1", "principalId": accountA, "roleDefinitionId": entra.RoleGlobalAdministrator, "directoryScopeId": "/"}},
			"policies/identitySecurityDefaultsEnforcementPolicy": {{"id": "x", "isEnabled": rapid.IntRange(0, 4).Draw(t, "security defaults") == 0}},
			"policies/authenticationMethodsPolicy":               {methodsPolicy(t, s)},
			"policies/authenticationStrengthPolicies":            {{"id": strength4, "displayName": "x", "allowedCombinations": []any{"fido2"}}},
		},
	}
	s.Strengths[0].AllowedCombinations = ids("fido2")
	s.SecurityDefaults.IsEnabled = some(doc.Objects["policies/identitySecurityDefaultsEnforcementPolicy"][0].Bool("isEnabled"))
	for i := range rapid.IntRange(0, 3).Draw(t, "policies") {
		p := drawPolicy(t, "policy "+string(rune('a'+i)))
		s.Policies = append(s.Policies, decodePolicy(t, p))
		doc.Objects["identity/conditionalAccess/policies"] = append(doc.Objects["identity/conditionalAccess/policies"], p)
	}
	addAccount(t, s, &doc)
	clock := &state.Clock{}
	clock.Set(readAt, true)
	st := state.New(doc, clock)
	_ = st.Update(func(tx *state.Tx) error { // cannot fail
		for g, members := range groups {
			for _, m := range members {
				tx.Link("members", g, m)
			}
		}
		return nil
	})
	return s, st
}

// addAccount gives account A its key, or none, and perhaps per-user MFA.
func addAccount(t *rapid.T, s *entra.Snapshot, doc *state.Document) {
	mfa := rapid.SampledFrom([]string{"disabled", "disabled", "enforced"}).Draw(t, "per-user MFA")
	enabled := rapid.IntRange(0, 9).Draw(t, "enabled") > 0
	s.Users[0].PerUserMFA, s.Users[0].AccountEnabled = some(mfa), some(enabled)
	doc.Objects["users"] = []state.Object{{
		"id": accountA, "userPrincipalName": "k7@contoso.onmicrosoft.com", "accountEnabled": enabled, "userType": "Member", "_perUserMfaState": mfa,
		"lastPasswordChangeDateTime": state.Timestamp(readAt.Add(-time.Hour)), "passwordPolicies": "DisablePasswordExpiration",
	}}
	if rapid.IntRange(0, 3).Draw(t, "key") == 0 {
		s.Users[0].Methods = some(s.Users[0].Methods.Or(nil)[:1])
		return
	}
	doc.Objects["authenticationMethods"] = []state.Object{{"id": "key-k7", "_user": accountA, "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "aaGuid": yubikey}}
}

// methodsPolicy draws whether passkeys are on, for whom, and of which models.
func methodsPolicy(t *rapid.T, s *entra.Snapshot) state.Object {
	models := []any{}
	for _, m := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{yubikey, token2}), 0, 2, rapid.ID).Draw(t, "models") {
		models = append(models, m)
	}
	target := rapid.SampledFrom([]string{"all_users", "all_users", "all_users", groupX}).Draw(t, "passkeys for")
	config := map[string]any{
		"id": "Fido2", "state": rapid.SampledFrom([]string{"enabled", "enabled", "enabled", "disabled"}).Draw(t, "passkeys"),
		"includeTargets": []any{map[string]any{"id": target, "targetType": "group"}}, "excludeTargets": []any{},
		"keyRestrictions": map[string]any{"isEnforced": rapid.Bool().Draw(t, "restricted"), "enforcementType": rapid.SampledFrom([]string{"allow", "block"}).Draw(t, "kind"), "aaGuids": models},
	}
	data, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	var c entra.MethodConfiguration
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	s.MethodsPolicy.Configurations = []entra.MethodConfiguration{c}
	return state.Object{"id": "authenticationMethodsPolicy", "policyMigrationState": "migrationComplete", "authenticationMethodConfigurations": []any{config}}
}

func decodePolicy(t *rapid.T, p state.Object) entra.Policy {
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	out, err := entra.DecodePolicy(data, data)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// signIns are the situations tried: every combination of what the drawn policies can ask.
// Legacy clients are a way in for nobody here; policies may meet them all the same.
func signIns(key bool, clients ...string) []login.SignIn {
	goals := [][]login.Target{{{Resource: login.GraphApp}, {AuthContext: "c1"}}}
	for _, g := range login.Goals() {
		goals = append(goals, g)
	}
	proof := []login.Method{{Mode: "password"}}
	if key {
		proof = []login.Method{{Mode: "fido2", ID: "key-k7"}}
	}
	var out []login.SignIn
	for _, goal := range goals {
		for _, platform := range []string{"windows", "linux", "iOS"} {
			for _, client := range append(clients, "browser", "mobileAppsAndDesktopClients") {
				for _, risk := range []string{"", "high"} {
					for _, flow := range []string{"", "deviceCodeFlow"} {
						out = append(out, login.SignIn{
							UserID: accountA, Targets: goal, Methods: proof, Platform: platform, ClientAppType: client, SignInRisk: risk, Flow: flow,
						})
					}
				}
			}
		}
	}
	return out
}

// stopped is how the oracle stops the account in some situation, by any way in that it has.
func stopped(t *rapid.T, st *state.State, key bool) (why string) {
	st.View(func(tx *state.Tx) {
		for _, in := range signIns(key) {
			out, err := login.Evaluate(tx, in)
			if err != nil {
				t.Fatalf("the oracle does not model this: %v", err)
			}
			if !out.Granted() {
				why = out.Reason
				return
			}
		}
	})
	return why
}

func TestTheOracleAgrees(t *testing.T) {
	seen := map[Verdict]int{}
	rapid.Check(t, func(t *rapid.T) {
		s, st := both(t)
		an := Analyze(s, accountA)
		seen[an.Verdict]++
		keys, _ := Keys(s, &s.Users[0])
		// An account whose key is refused still has its password.
		usable := slices.ContainsFunc(keys, func(k Key) bool { return k.Usable == True })
		why := stopped(t, st, usable)
		switch {
		case an.Verdict == Survives && why != "":
			t.Fatalf("lockout says it survives, the oracle: %s", why)
		case an.Verdict == Fails && why == "":
			t.Fatalf("lockout says it fails (%s), the oracle lets it in everywhere", an.Blockers[0].Why)
		case an.Verdict == CouldNotTell:
			t.Fatalf("everything was told, and yet: %s", an.Blockers[0].Why)
		}
		agreeOnPolicies(t, st, an, usable)
	})
	if seen[Survives] == 0 || seen[Fails] == 0 {
		t.Errorf("the drawn tenants are all alike: %v", seen)
	}
}

// agreeOnPolicies: a policy that does not target the account is never applied by the oracle.
func agreeOnPolicies(t *rapid.T, st *state.State, an Analysis, key bool) {
	applied := map[string]string{}
	st.View(func(tx *state.Tx) {
		for _, in := range signIns(key, "other") {
			out, _ := login.Evaluate(tx, in)
			for _, p := range out.Policies {
				if r := p.String("result"); r != "notEnabled" && !strings.HasSuffix(strings.ToLower(r), "notapplied") {
					applied[p.String("id")] = r
				}
			}
		}
	})
	for _, st := range an.Standings {
		switch r := applied[st.PolicyID]; {
		case st.Targets == False && r != "":
			t.Fatalf("%s does not target the account (%s), the oracle: %s", st.PolicyID, st.Why, r)
		case st.Targets == True && r == "" && st.State != stateOff && an.Blockers[0].Kind != KindDisabled:
			t.Fatalf("%s targets the account, the oracle never applies it", st.PolicyID)
		}
	}
}
