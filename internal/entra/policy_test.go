package entra

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

const plainPolicy = `{
  "@odata.context": "x", "id": "p1", "displayName": "Require MFA", "state": "enabled", "templateId": null,
  "createdDateTime": "2026-01-01T00:00:00Z", "modifiedDateTime": null, "description": "for all",
  "conditions": {
    "clientAppTypes": ["all"], "userRiskLevels": [], "signInRiskLevels": [], "servicePrincipalRiskLevels": [], "insiderRiskLevels": null,
    "users": {"includeUsers": ["All"], "excludeUsers": ["a", "b"], "includeGroups": [], "excludeGroups": [], "includeRoles": [], "excludeRoles": [],
      "includeGuestsOrExternalUsers": null, "excludeGuestsOrExternalUsers": null},
    "applications": {"includeApplications": ["All"], "excludeApplications": [], "includeUserActions": [], "includeAuthenticationContextClassReferences": [], "applicationFilter": null},
    "platforms": null, "locations": null, "devices": null, "clientApplications": null, "authenticationFlows": null
  },
  "grantControls": {"operator": "OR", "builtInControls": ["mfa"], "customAuthenticationFactors": [], "termsOfUse": [], "authenticationStrength@odata.context": "y", "authenticationStrength": null},
  "sessionControls": null
}`

// altered is a policy's JSON with some members set, by dotted path.
func altered(t testing.TB, policy string, set map[string]any) []byte {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal([]byte(policy), &tree); err != nil {
		t.Fatal(err)
	}
	for path, v := range set {
		at := tree
		parts := strings.Split(path, ".")
		for _, p := range parts[:len(parts)-1] {
			next, ok := at[p].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[p] = next
			}
			at = next
		}
		if v == nil {
			delete(at, parts[len(parts)-1])
		} else {
			at[parts[len(parts)-1]] = v
		}
	}
	data, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func strangePaths(p Policy) []string {
	var out []string
	for _, s := range p.Strange {
		out = append(out, s.Version+" "+s.Path)
	}
	return out
}

func TestAPolicyThatBothVersionsTellAlikeIsNotStrange(t *testing.T) {
	reordered := altered(t, plainPolicy, map[string]any{
		"conditions.users.excludeUsers": []any{"b", "a"}, "conditions.times": nil, "conditions.agents": map[string]any{}, "partialEnablementStrategy": "",
		"conditions.devices": map[string]any{"includeDevices": []any{}}, "modifiedDateTime": "2026-02-02T00:00:00Z", "description": nil,
	})
	p, err := DecodePolicy([]byte(plainPolicy), reordered)
	if err != nil || len(p.Strange) != 0 {
		t.Fatalf("strange: %v (%v)", strangePaths(p), err)
	}
	if !slices.Equal(p.Versions, []string{"v1.0", "beta"}) || p.State.Or("") != "enabled" || !p.SessionControls.IsNull() {
		t.Errorf("read as %+v", p)
	}
	u := p.Conditions.Or(Conditions{}).Users.Or(UserCondition{})
	if !slices.Equal(u.ExcludeUsers.Or(nil), []string{"a", "b"}) || !u.IncludeGuests.IsNull() || u.IncludeGroups.Or(nil) == nil {
		t.Errorf("users read as %+v", u)
	}
}

func TestWhatAPolicyHidesIsStrange(t *testing.T) {
	cases := map[string]struct {
		v1, beta map[string]any
		want     []string
	}{
		"a condition that only beta has":     {nil, map[string]any{"conditions.times": map[string]any{"includedRanges": []any{"x"}}}, []string{"beta conditions.times"}},
		"a member nobody heard of":           {map[string]any{"x": 1}, map[string]any{"x": 1}, []string{"v1.0 x"}},
		"unheard of, and different":          {map[string]any{"x": 1}, map[string]any{"x": 2}, []string{"v1.0 x", "beta x"}},
		"a false that somebody wrote":        {map[string]any{"x": false}, nil, []string{"v1.0 x"}},
		"a list where a text belongs":        {map[string]any{"state": []any{"enabled"}}, map[string]any{"state": []any{"enabled"}}, []string{"v1.0 state"}},
		"a number among the excluded":        {map[string]any{"conditions.users.excludeUsers": []any{"a", 5}}, nil, []string{"v1.0 conditions.users.excludeUsers", "beta conditions.users.excludeUsers"}},
		"users as a text":                    {map[string]any{"conditions.users": "All"}, nil, []string{"v1.0 conditions.users", "beta conditions.users.excludeUsers", "beta conditions.users.includeUsers"}},
		"a state that changed between":       {nil, map[string]any{"state": "disabled"}, []string{"beta state"}},
		"a condition that v1.0 leaves out":   {map[string]any{"conditions.clientAppTypes": nil}, nil, []string{"beta conditions.clientAppTypes"}},
		"a condition that beta lost":         {nil, map[string]any{"grantControls.builtInControls": []any{}}, []string{"beta grantControls.builtInControls"}},
		"controls that v1.0 does not have":   {map[string]any{"grantControls": nil}, nil, []string{"beta grantControls.builtInControls", "beta grantControls.operator"}},
		"a session control of beta":          {nil, map[string]any{"sessionControls": map[string]any{"blockSensitiveActions": map[string]any{"isEnabled": true}}}, []string{"beta sessionControls.blockSensitiveActions"}},
		"an agent among the workloads":       {nil, map[string]any{"conditions.clientApplications": map[string]any{"includeAgentIdServicePrincipals": []any{"All"}}}, []string{"beta conditions.clientApplications.includeAgentIdServicePrincipals"}},
		"another strength":                   {nil, map[string]any{"grantControls.authenticationStrength": map[string]any{"id": "s"}}, []string{"beta grantControls.authenticationStrength.id"}},
		"a known control with other content": {map[string]any{"sessionControls.signInFrequency": map[string]any{"value": 1}}, map[string]any{"sessionControls.signInFrequency": map[string]any{"value": 2}}, []string{"beta sessionControls.signInFrequency"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p, err := DecodePolicy(altered(t, plainPolicy, c.v1), altered(t, plainPolicy, c.beta))
			if err != nil {
				t.Fatal(err)
			}
			got := strangePaths(p)
			for _, w := range c.want {
				if !slices.Contains(got, w) {
					t.Errorf("strange are %v, want %v among them", got, w)
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("strange are %v, want %v", got, c.want)
			}
		})
	}
}

func TestAnExclusionCountsOnlyWhereBothVersionsHaveIt(t *testing.T) {
	for name, c := range map[string]struct {
		v1, beta any
		want     []string
	}{
		"both":        {[]any{"a", "b"}, []any{"B", "A"}, []string{"a", "b"}},
		"lost":        {[]any{"a", "b"}, []any{"b"}, []string{"b"}},
		"gained":      {[]any{"b"}, []any{"a", "b"}, []string{"b"}},
		"emptied":     {[]any{"a", "b"}, []any{}, []string{}},
		"not in beta": {[]any{"a", "b"}, nil, []string{"a", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := DecodePolicy(
				altered(t, plainPolicy, map[string]any{"conditions.users.excludeUsers": c.v1}),
				altered(t, plainPolicy, map[string]any{"conditions.users.excludeUsers": c.beta}))
			if err != nil {
				t.Fatal(err)
			}
			got := p.Conditions.Or(Conditions{}).Users.Or(UserCondition{}).ExcludeUsers.Or(nil)
			if !slices.Equal(got, c.want) {
				t.Errorf("excluded are %v, want %v", got, c.want)
			}
		})
	}
}

func TestAPolicyOfOneVersion(t *testing.T) {
	p, err := DecodePolicy(nil, []byte(plainPolicy))
	if err != nil || !slices.Equal(p.Versions, []string{"beta"}) || len(p.Strange) != 0 {
		t.Errorf("%v %v %v", p.Versions, strangePaths(p), err)
	}
	for _, bad := range []string{"", "null", "[]", "5", `{"displayName":"no id"}`, `{"id":5}`, "{"} {
		if _, err := DecodePolicy([]byte(bad), nil); err == nil {
			t.Errorf("%q passed for a policy", bad)
		}
	}
}

func FuzzDecodePolicy(f *testing.F) {
	f.Add([]byte(plainPolicy), []byte(plainPolicy))
	f.Add([]byte(plainPolicy), altered(f, plainPolicy, map[string]any{"conditions.times": "x", "state": 1}))
	f.Add([]byte(nil), []byte(`{"id":"x","conditions":{"users":{"excludeUsers":["a"]}}}`))
	f.Fuzz(func(t *testing.T, v1, beta []byte) {
		p, err := DecodePolicy(v1, beta)
		if err != nil {
			return
		}
		if p.ID == "" || len(p.Versions) == 0 {
			t.Errorf("a policy without id or version: %+v", p)
		}
		// An exclusion is never invented.
		for _, id := range p.Conditions.Or(Conditions{}).Users.Or(UserCondition{}).ExcludeUsers.Or(nil) {
			if len(v1) > 0 && len(beta) > 0 {
				var b Policy
				_ = json.Unmarshal(beta, &b)
				theirs := b.Conditions.Or(Conditions{}).Users.Or(UserCondition{}).ExcludeUsers
				if theirs.Known() && !slices.ContainsFunc(theirs.Or(nil), func(s string) bool { return strings.EqualFold(s, id) }) {
					t.Errorf("%q is excluded, and beta does not have it", id)
				}
			}
		}
		s := &Snapshot{Policies: []Policy{p}}
		if _, err := s.Encode(); err != nil {
			t.Errorf("a decoded policy does not encode: %v", err)
		}
	})
}
