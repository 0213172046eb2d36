package graph

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"breakglass/internal/simtenant/state"
)

const policiesPath = "/v1.0/identity/conditionalAccess/policies"

// blockAll is a policy that locks everybody out.
const blockAll = `{"displayName":"Block all","state":"enabled","conditions":{
	"users":{"includeUsers":["All"],"excludeUsers":["` + adminUser + `"],"excludeGroups":["` + plainGroup + `"]},
	"applications":{"includeApplications":["All"]}},
	"grantControls":{"operator":"OR","builtInControls":["block"]}}`

// madePolicy creates a policy and returns its id.
func (s *stage) madePolicy(body string) string {
	s.t.Helper()
	return s.must(http.StatusCreated, "POST", policiesPath, body).ID()
}

func TestAnExclusionIsAddedWithoutTouchingTheRest(t *testing.T) {
	s := newStage(t, nil)
	id := s.madePolicy(blockAll)
	patch := `{"conditions":{"users":{"excludeUsers":["` + adminUser + `","` + vaultUser + `"]}}}`
	s.must(http.StatusNoContent, "PATCH", policiesPath+"/"+id, patch)
	p := s.must(http.StatusOK, "GET", policiesPath+"/"+id, nil)
	users := p.Object("conditions").Object("users")
	if got := users.Strings("excludeUsers"); !slices.Equal(got, []string{adminUser, vaultUser}) {
		t.Errorf("excludeUsers is %v", got)
	}
	if got := users.Strings("includeUsers"); !slices.Equal(got, []string{"All"}) {
		t.Errorf("includeUsers became %v", got)
	}
	if got := users.Strings("excludeGroups"); !slices.Equal(got, []string{plainGroup}) {
		t.Errorf("excludeGroups became %v", got)
	}
	rec := s.recorded("Update Conditional Access policy")
	if rec.String("loggedByService") != "Conditional Access" {
		t.Errorf("the record is by %q", rec.String("loggedByService"))
	}
	changed := objectsIn(state.Object{"value": objectsIn(state.Object{"value": rec["targetResources"]})[0]["modifiedProperties"]})[0]
	var before, after map[string]any
	if json.Unmarshal([]byte(changed.String("oldValue")), &before) != nil || json.Unmarshal([]byte(changed.String("newValue")), &after) != nil {
		t.Fatalf("old and new are not JSON in a string: %v", changed)
	}
	if n := state.Object(before).Object("conditions").Object("users").Strings("excludeUsers"); len(n) != 1 {
		t.Errorf("the record's old exclusions are %v", n)
	}
	if twin := s.recorded("Update policy"); twin.String("correlationId") != rec.String("correlationId") {
		t.Error("the directory's twin record has another correlation id")
	}
}

func TestCollectionsAreReplacedWhole(t *testing.T) {
	s := newStage(t, nil)
	id := s.madePolicy(blockAll)
	s.must(http.StatusNoContent, "PATCH", policiesPath+"/"+id, `{"conditions":{"users":{"excludeUsers":["`+vaultUser+`"]}}}`)
	got := s.must(http.StatusOK, "GET", policiesPath+"/"+id, nil).Object("conditions").Object("users").Strings("excludeUsers")
	if !slices.Equal(got, []string{vaultUser}) {
		t.Errorf("excludeUsers is %v: another writer's entry survived", got)
	}
}

func TestPoliciesThatEntraRefuses(t *testing.T) {
	s := newStage(t, nil)
	edit := func(change func(p, users, apps, grant state.Object)) state.Object {
		var p state.Object
		if err := json.Unmarshal([]byte(blockAll), &p); err != nil {
			t.Fatal(err)
		}
		change(p, p.Object("conditions").Object("users"), p.Object("conditions").Object("applications"), p.Object("grantControls"))
		return p
	}
	for name, body := range map[string]state.Object{
		"no name":             edit(func(p, _, _, _ state.Object) { p["displayName"] = "" }),
		"unknown state":       edit(func(p, _, _, _ state.Object) { p["state"] = "on" }),
		"nobody included":     edit(func(_, u, _, _ state.Object) { u["includeUsers"] = []any{} }),
		"unknown user":        edit(func(_, u, _, _ state.Object) { u["excludeUsers"] = []any{plainGroup} }),
		"a name for an id":    edit(func(_, u, _, _ state.Object) { u["excludeUsers"] = []any{"ops-x7k2@contoso.onmicrosoft.com"} }),
		"unknown group":       edit(func(_, u, _, _ state.Object) { u["excludeGroups"] = []any{vaultUser} }),
		"All and somebody":    edit(func(_, u, _, _ state.Object) { u["includeUsers"] = []any{"All", vaultUser} }),
		"no resource":         edit(func(_, _, a, _ state.Object) { a["includeApplications"] = []any{} }),
		"unknown application": edit(func(_, _, a, _ state.Object) { a["includeApplications"] = []any{plainUser} }),
		"unknown context": edit(func(_, _, a, _ state.Object) {
			a["includeApplications"] = []any{}
			a["includeAuthenticationContextClassReferences"] = []any{"c7"}
		}),
		"block and mfa": edit(func(_, _, _, g state.Object) { g["builtInControls"] = []any{"block", "mfa"} }),
		"no operator":   edit(func(_, _, _, g state.Object) { delete(g, "operator") }),
		"no control":    edit(func(p, _, _, _ state.Object) { delete(p, "grantControls") }),
		"unknown strength": edit(func(_, _, _, g state.Object) {
			g["builtInControls"] = []any{}
			g["authenticationStrength"] = map[string]any{"id": plainUser}
		}),
		"unknown property": edit(func(p, _, _, _ state.Object) { p["partialEnablementStrategy"] = nil }),
		"password change, no risk": edit(func(_, _, _, g state.Object) {
			g["operator"] = "AND"
			g["builtInControls"] = []any{"mfa", "passwordChange"}
		}),
		"unknown location": edit(func(p, _, _, _ state.Object) {
			p.Object("conditions")["locations"] = map[string]any{"includeLocations": []any{plainUser}}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			if status, out := s.do("POST", policiesPath, body); status != http.StatusBadRequest {
				t.Errorf("answered %d %v, want 400", status, out)
			}
		})
	}
}

func TestAnIdLeftByADeletedUserMayStay(t *testing.T) {
	s := newStage(t, nil)
	id := s.madePolicy(blockAll)
	s.change(func(tx *state.Tx) { tx.Delete("groups", plainGroup) })
	s.must(http.StatusNoContent, "PATCH", policiesPath+"/"+id, `{"conditions":{"users":{"excludeUsers":["`+vaultUser+`"]}}}`)
	s.must(http.StatusBadRequest, "PATCH", policiesPath+"/"+id, `{"conditions":{"users":{"excludeGroups":["`+plainGroup+`","`+vaultUser+`"]}}}`)
}

func TestBetaShowsWhatV1Hides(t *testing.T) {
	s := newStage(t, nil)
	id := s.madePolicy(blockAll)
	s.change(func(tx *state.Tx) {
		p := tx.Get(collPolicies, id)
		p["partialEnablementStrategy"] = map[string]any{"mode": "gradual"}
		p.Object("conditions")["agents"] = map[string]any{"includeAgents": []any{"All"}}
		tx.Put(collPolicies, p)
	})
	v1 := s.must(http.StatusOK, "GET", policiesPath+"/"+id, nil)
	beta := s.must(http.StatusOK, "GET", strings.Replace(policiesPath, "v1.0", "beta", 1)+"/"+id, nil)
	if _, shown := v1["partialEnablementStrategy"]; shown || v1.Object("conditions")["agents"] != nil {
		t.Errorf("v1.0 shows what it cannot express: %v", v1)
	}
	if beta.Object("partialEnablementStrategy") == nil || beta.Object("conditions").Object("agents") == nil {
		t.Errorf("beta lacks the extras: %v", beta)
	}
	if _, there := beta.Object("conditions")["times"]; !there {
		t.Error("beta should carry the property times, null where not set")
	}
	s.must(http.StatusNoContent, "PATCH", policiesPath+"/"+id, `{"state":"disabled"}`)
	beta = s.must(http.StatusOK, "GET", strings.Replace(policiesPath, "v1.0", "beta", 1)+"/"+id, nil)
	if beta.Object("partialEnablementStrategy") == nil {
		t.Error("a change through v1.0 lost what only beta knows")
	}
}

func TestMicrosoftsPoliciesTakeExclusionsAndStateOnly(t *testing.T) {
	s := newStage(t, nil)
	id := s.madePolicy(blockAll)
	s.change(func(tx *state.Tx) {
		p := tx.Get(collPolicies, id)
		p["_managed"] = true
		tx.Put(collPolicies, p)
	})
	at := policiesPath + "/" + id
	s.must(http.StatusNoContent, "PATCH", at, `{"state":"enabledForReportingButNotEnforced","conditions":{"users":{"excludeUsers":["`+vaultUser+`"]}}}`)
	s.refused(http.StatusBadRequest, "BadRequest", "PATCH", at, `{"displayName":"Mine now"}`)
	s.refused(http.StatusBadRequest, "BadRequest", "PATCH", at, `{"conditions":{"users":{"includeUsers":["None"]}}}`)
	s.refused(http.StatusBadRequest, "BadRequest", "DELETE", at, nil)
	if p := s.must(http.StatusOK, "GET", at, nil); p["_managed"] != nil {
		t.Error("the simulator's own mark left it")
	}
}

func TestADeletedPolicyComesBackAsItWas(t *testing.T) {
	s := newStage(t, nil)
	id := s.madePolicy(blockAll)
	s.must(http.StatusNoContent, "DELETE", policiesPath+"/"+id, nil)
	s.refused(http.StatusNotFound, "ResourceNotFound", "GET", policiesPath+"/"+id, nil)
	deleted := "/v1.0/identity/conditionalAccess/deletedItems/policies"
	if list := s.values(deleted); len(list) != 1 || list[0].String("deletedDateTime") == "" {
		t.Fatalf("the deleted policies are %v", list)
	}
	s.must(http.StatusOK, "POST", deleted+"/"+id+"/restore", nil)
	if p := s.must(http.StatusOK, "GET", policiesPath+"/"+id, nil); p.String("state") != "enabled" || p["deletedDateTime"] != nil {
		t.Errorf("the restored policy is %v", p)
	}
	s.change(func(tx *state.Tx) { tx.World().Cloud = "china" })
	s.refused(http.StatusBadRequest, "BadRequest", "GET", deleted, nil)
}

func TestWhoMayReadAndWritePolicies(t *testing.T) {
	s := newStage(t, nil)
	s.asApp("Policy.Read.All")
	s.must(http.StatusOK, "GET", policiesPath, nil)
	s.refused(http.StatusForbidden, "Authorization_RequestDenied", "POST", policiesPath, blockAll)
	s.asApp("Policy.ReadWrite.ConditionalAccess") // without the right to read
	s.refused(http.StatusForbidden, "Authorization_RequestDenied", "POST", policiesPath, blockAll)
	s.asUser(plainUser, everything...) // every scope, no role
	s.refused(http.StatusForbidden, "Authorization_RequestDenied", "GET", policiesPath, nil)
}

func TestATenantWithoutPremiumHasNoConditionalAccess(t *testing.T) {
	s := newStage(t, func(tx *state.Tx) { tx.Delete("subscribedSkus", "sku") })
	s.refused(http.StatusForbidden, "AccessDenied", "GET", policiesPath, nil)
	s.refused(http.StatusForbidden, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "GET", "/v1.0/auditLogs/signIns", nil)
	s.refused(http.StatusBadRequest, "AadPremiumLicenseRequired", "GET", "/v1.0/roleManagement/directory/roleAssignmentScheduleInstances", nil)
	s.must(http.StatusOK, "GET", "/v1.0/auditLogs/directoryAudits", nil)
}

func TestSecurityDefaultsAndPoliciesExcludeEachOther(t *testing.T) {
	s := newStage(t, nil)
	id := s.madePolicy(blockAll)
	defaults := "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy"
	s.refused(http.StatusBadRequest, "BadRequest", "PATCH", defaults, `{"isEnabled":true}`)
	s.must(http.StatusNoContent, "PATCH", policiesPath+"/"+id, `{"state":"disabled"}`)
	s.must(http.StatusNoContent, "PATCH", defaults, `{"isEnabled":true}`)
	if !s.must(http.StatusOK, "GET", defaults, nil).Bool("isEnabled") {
		t.Error("security defaults are still off")
	}
	s.must(http.StatusBadRequest, "PATCH", policiesPath+"/"+id, `{"state":"enabled"}`)
	s.recorded("Update security defaults")
}

func TestWhatIfSaysWhichPoliciesApply(t *testing.T) {
	s := newStage(t, nil)
	s.madePolicy(blockAll)
	s.madePolicy(`{"displayName":"MFA from outside","state":"enabled","conditions":{"users":{"includeUsers":["All"]},"applications":{"includeApplications":["All"]},
		"platforms":{"includePlatforms":["android"]}},"grantControls":{"operator":"OR","builtInControls":["mfa"]}}`)
	ask := func(user, conditions string) map[string]string {
		out := map[string]string{}
		body := `{"signInIdentity":{"@odata.type":"#microsoft.graph.userSignIn","userId":"` + user + `"},
			"signInContext":{"@odata.type":"#microsoft.graph.applicationContext","includeApplications":["` + Audience + `"]},"signInConditions":{` + conditions + `}}`
		for _, r := range objectsIn(s.must(http.StatusOK, "POST", "/v1.0/identity/conditionalAccess/evaluate", body)) {
			out[r.String("displayName")] = r.String("analysisReasons")
			if r.Bool("policyApplies") != (r.String("analysisReasons") == "notSet") {
				t.Errorf("%v applies and does not", r)
			}
		}
		return out
	}
	if got := ask(vaultUser, `"devicePlatform":"android"`); got["Block all"] != "notSet" || got["MFA from outside"] != "notSet" {
		t.Errorf("for an account nobody excluded: %v", got)
	}
	if got := ask(adminUser, `"devicePlatform":"windows"`); got["Block all"] != "users" || got["MFA from outside"] != "devicePlatform" {
		t.Errorf("for an excluded account on Windows: %v", got)
	}
	if got := ask(vaultUser, ``); got["MFA from outside"] != "notEnoughInformation" {
		t.Errorf("without a platform: %v", got)
	}
	s.change(func(tx *state.Tx) { tx.Link("members", plainGroup, vaultUser) })
	if got := ask(vaultUser, ``); got["Block all"] != "users" {
		t.Errorf("for a member of the excluded group: %v", got)
	}
}

func TestStrengthsAreTheSameUnderBothPaths(t *testing.T) {
	s := newStage(t, nil)
	made := s.must(http.StatusCreated, "POST", "/v1.0/policies/authenticationStrengthPolicies",
		`{"displayName":"Our keys","allowedCombinations":["fido2"],"combinationConfigurations":[{"@odata.type":"#microsoft.graph.fido2CombinationConfiguration","appliesToCombinations":["fido2"],"allowedAAGUIDs":["2fc0579f-8113-47ea-b116-bb5a8db9202a"]}]}`)
	if made.String("policyType") != "custom" || made.String("requirementsSatisfied") != "mfa" {
		t.Errorf("made %v", made)
	}
	if n := len(s.values("/beta/identity/conditionalAccess/authenticationStrength/policies")); n != 4 {
		t.Errorf("%d strengths under the other path, want 4", n)
	}
	id := s.madePolicy(strings.Replace(strings.Replace(blockAll, `"builtInControls":["block"]`, `"builtInControls":[],"authenticationStrength":{"id":"`+made.ID()+`"}`, 1), "Block all", "Our keys only", 1))
	p := s.must(http.StatusOK, "GET", policiesPath+"/"+id, nil)
	if p.Object("grantControls").Object("authenticationStrength").String("displayName") != "Our keys" {
		t.Errorf("the policy does not write its strength out: %v", p["grantControls"])
	}
	s.refused(http.StatusBadRequest, "BadRequest", "DELETE", "/v1.0/policies/authenticationStrengthPolicies/"+made.ID(), nil)
	s.refused(http.StatusBadRequest, "BadRequest", "PATCH", "/v1.0/policies/authenticationStrengthPolicies/00000000-0000-0000-0000-000000000004", `{"displayName":"Weaker"}`)
}
