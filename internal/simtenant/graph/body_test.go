package graph

import (
	"strings"
	"testing"

	"breakglass/internal/simtenant/state"
)

func TestBodiesAreHeldToTheirTypes(t *testing.T) {
	for name, c := range map[string]struct {
		typ  string
		body state.Object
		beta bool
		says string // empty: nothing is wrong
	}{
		"a whole policy": {"conditionalAccessPolicy", state.Object{
			"displayName": "p", "state": "enabled",
			"conditions":    map[string]any{"users": map[string]any{"includeUsers": []any{"All"}}, "applications": map[string]any{"includeApplications": []any{"All"}}, "clientAppTypes": []any{"all"}},
			"grantControls": map[string]any{"operator": "OR", "builtInControls": []any{"mfa"}},
		}, false, ""},
		"an unknown member deep inside": {"conditionalAccessPolicy", state.Object{"conditions": map[string]any{"users": map[string]any{"includeTeams": []any{}}}}, false, "includeTeams"},
		"an unknown enum member":        {"conditionalAccessPolicy", state.Object{"state": "on"}, false, "'on'"},
		"a text where a list belongs":   {"conditionalAccessPolicy", state.Object{"conditions": map[string]any{"clientAppTypes": "all"}}, false, "collection"},
		"null inside a list of texts":   {"user", state.Object{"otherMails": []any{nil}}, false, "null"},
		"beta's property in v1.0":       {"conditionalAccessPolicy", state.Object{"conditions": map[string]any{"agentIdRiskLevels": "high"}}, false, "agentIdRiskLevels"},
		"a derived type by its name":    {"namedLocation", state.Object{"@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "x", "isTrusted": true}, false, ""},
		"a derived type's property":     {"namedLocation", state.Object{"displayName": "x", "isTrusted": true}, false, "isTrusted"},
		"a foreign type":                {"namedLocation", state.Object{"@odata.type": "#microsoft.graph.user"}, false, "could not be resolved"},
		"the wrong case":                {"user", state.Object{"displayname": "x"}, false, "displayname"},
		"a bad instant":                 {"user", state.Object{"employeeHireDate": "yesterday"}, false, "employeeHireDate"},
		"a bad GUID":                    {"appRoleAssignment", state.Object{"appRoleId": "x"}, false, "appRoleId"},
		"bad base64":                    {"keyCredential", state.Object{"key": "%"}, false, "key"},
		"a bind":                        {"group", state.Object{"owners@odata.bind": []any{"x"}}, false, ""},
		"a bind to nothing":             {"group", state.Object{"shoes@odata.bind": []any{"x"}}, false, "shoes"},
		"null":                          {"user", state.Object{"jobTitle": nil}, false, ""},
	} {
		got := checkBody(c.body, c.typ, c.beta)
		if (c.says == "") != (got == "") || !strings.Contains(got, c.says) {
			t.Errorf("%s: got %q, want %q", name, got, c.says)
		}
	}
}

func TestPermissionTableKeepsReadersFromWriting(t *testing.T) {
	for key, a := range permissionTable() {
		method, _, _ := strings.Cut(key, " ")
		if method == "GET" || strings.Contains(key, "member") || strings.Contains(key, "getbyids") || strings.Contains(key, "evaluate") {
			continue
		}
		writes := 0
		for _, p := range append(append([]string{}, a.app...), a.delegated...) {
			if !strings.Contains(p+".", ".Read.") {
				writes++
			}
		}
		for _, p := range a.app {
			if strings.Contains(p+".", ".Read.") && writes > 0 {
				t.Errorf("%s is open to %s", key, p)
			}
		}
	}
}
