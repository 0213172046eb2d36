package login

import (
	"testing"

	"pgregory.net/rapid"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// drawPolicy is some policy: any mixture of what administrators configure.
func drawPolicy(t *rapid.T) state.Object {
	pick := func(name string, choices ...any) any { return rapid.SampledFrom(choices).Draw(t, name) }
	p := everyone()
	p["id"] = state.NewID()
	p["state"] = pick("state", "enabled", "enabled", "disabled", "enabledForReportingButNotEnforced")
	c := p.Object("conditions")
	c["users"] = pick("users",
		m{"includeUsers": list1("All")}, m{"includeGroups": list1(staffID)}, m{"includeRoles": list1(globalAdmin)}, m{"includeUsers": list1(benID)},
		m{"includeUsers": list1("All"), "excludeGroups": list1(coreID)}, m{"includeUsers": list1("None")})
	c["applications"] = pick("applications",
		m{"includeApplications": list1("All")}, m{"includeApplications": list1("All"), "excludeApplications": list1(GraphApp)}, m{"includeApplications": list1("MicrosoftAdminPortals")},
		m{"includeUserActions": list1(registerSecurityInfo)}, m{"includeApplications": list1(ARMApp)})
	c["platforms"] = pick("platforms", nil, m{"includePlatforms": list1("all"), "excludePlatforms": list1("linux")}, m{"includePlatforms": list1("windows")})
	c["locations"] = pick("locations", nil, m{"includeLocations": list1("All"), "excludeLocations": list1("AllTrusted")}, m{"includeLocations": list1("missing")})
	c["devices"] = pick("devices", nil, m{"deviceFilter": m{"mode": "exclude", "rule": `device.isCompliant -eq True`}}, m{"deviceFilter": m{"mode": "include", "rule": `nonsense`}})
	c["times"] = pick("times", nil, nil, nil, m{"allDay": true})
	p["grantControls"] = pick("grant",
		nil, m{"operator": "OR", "builtInControls": list1("block")}, m{"operator": "OR", "builtInControls": list1("mfa")},
		m{"operator": "AND", "builtInControls": list1("mfa", "compliantDevice")}, m{"operator": "OR", "authenticationStrength": m{"id": strengthID}},
		m{"operator": "OR", "builtInControls": list1("riskRemediation", "mfa")})
	return p
}

// Laws that hold whatever the policies are.
func TestLawsOfConditionalAccess(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := tenant()
		populated(&d)
		policies := rapid.SliceOfN(rapid.Custom(drawPolicy), 0, 5).Draw(rt, "policies")
		in := SignIn{
			UserID: adaID, Methods: [][]Method{{password}, {password, push}, {passkey}}[rapid.IntRange(0, 2).Draw(rt, "methods")],
			Targets: Goals()[rapid.SampledFrom([]string{"graph", "entra-portal", "arm-write", "register-security-info"}).Draw(rt, "goal")],
			IP:      rapid.SampledFrom([]string{"192.0.2.7", "203.0.113.7", ""}).Draw(rt, "ip"), Platform: rapid.SampledFrom([]string{"linux", "windows", ""}).Draw(rt, "platform"),
		}
		run := func(change func(p state.Object), more ...state.Object) (Outcome, error) {
			var list []state.Object
			for _, p := range policies {
				p = p.Clone()
				if change != nil {
					change(p)
				}
				list = append(list, p)
			}
			d.Objects["identity/conditionalAccess/policies"] = append(list, more...)
			return New(state.New(d, &state.Clock{}), logs.New(1), func() string { return "" }).Evaluate(in)
		}
		if out, err := run(func(p state.Object) { p.Object("conditions").Object("users")["excludeUsers"] = list1(adaID) }); err != nil || !out.Granted() || out.Status != "notApplied" {
			rt.Fatalf("excluded from every policy, yet: %+v, %v", out, err)
		}
		if out, err := run(func(p state.Object) { p["state"] = "disabled" }); err != nil || !out.Granted() {
			rt.Fatalf("every policy is off, yet: %+v, %v", out, err)
		}
		if out, err := run(nil, everyone()); err != nil || out.Code != 53003 || len(out.Needs) > 0 {
			rt.Fatalf("a block of everybody beside them, yet: %+v, %v", out, err)
		}
		before, errBefore := run(nil)
		again, errAgain := run(nil)
		if before.Code != again.Code || before.Reason != again.Reason || (errBefore == nil) != (errAgain == nil) {
			rt.Fatalf("two answers: %+v and %+v", before, again)
		}
		after, errAfter := run(nil, everyone(grant(m{"operator": "OR", "builtInControls": list1("mfa")})))
		if (!before.Granted() || errBefore != nil) && after.Granted() && errAfter == nil {
			rt.Fatalf("one more policy lets in who was out: %+v, %v", before, errBefore)
		}
	})
}

// A refusal never shows a hole where a name should be.
func TestEveryOutcomeHasAnErrorToTell(t *testing.T) {
	for _, code := range []int{50008, 50034, 50055, 50057, 50076, 50079, 50105, 50126, 50142, 50158, 53000, 53001, 53002, 53003, 53009, 70043, 135010, 500121, 530035, 7000112} {
		if _, ok := faults[code]; !ok {
			t.Errorf("AADSTS%d has no text", code)
		}
		r := Outcome{Code: code}.refusal(client{appID: toolApp, name: "Tool"}, resource{name: "Microsoft Graph"}, "ada@contoso.onmicrosoft.com")
		checkErrorBody(t, map[string]any{
			"error_codes": []any{code}, "error_description": r.Error(), "timestamp": "-", "trace_id": "-", "correlation_id": "-", "error_uri": "-",
		}, code)
	}
}
