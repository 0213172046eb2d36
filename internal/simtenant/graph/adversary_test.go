package graph

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"breakglass/internal/simtenant/state"
)

// What an adversary of the simulator asked for, and Entra refuses.

func TestNobodyGetsWhatTheyMadeUpInAQuery(t *testing.T) {
	s := newStage(t, nil)
	s.refused(http.StatusBadRequest, "BadRequest", "GET", "/v1.0/users?$foo=bar", nil)
	s.refused(http.StatusBadRequest, "Request_BadRequest", "GET", "/v1.0/users?$skiptoken=garbage", nil)
	s.refused(http.StatusNotImplemented, "NotImplemented", "GET", "/v1.0/users?$apply=x", nil)
	s.refused(http.StatusNotImplemented, "NotImplemented", "GET", "/v1.0/users?$format=xml", nil)
	s.refused(http.StatusBadRequest, "BadRequest", "GET", "/v1.0/users?$top=1&$top=2", nil)
	s.refused(http.StatusNotImplemented, "NotImplemented", "GET", "/v1.0/users?$expand=manager($levels=max)", nil)
	s.refused(http.StatusNotImplemented, "NotImplemented", "GET", "/v1.0/users?$expand=manager($expand=manager($expand=manager))", nil)
	s.asApp("LicenseAssignment.Read.All", "User.Read.All")
	s.refused(http.StatusBadRequest, "Request_UnsupportedQuery", "GET", "/v1.0/subscribedSkus?$filter=skuPartNumber%20eq%20'SPE_E5'", nil)
	s.must(http.StatusOK, "GET", "/v1.0/subscribedSkus?$select=skuPartNumber", nil)
	s.must(http.StatusOK, "GET", "/v1.0/users?foo=bar&$format=json", nil)
}

func TestTheDirectorySortsAndFiltersByFewProperties(t *testing.T) {
	s := newStage(t, nil)
	s.refused(http.StatusBadRequest, "Request_UnsupportedQuery", "GET", "/v1.0/users?$orderby=lastPasswordChangeDateTime", nil)
	s.refused(http.StatusBadRequest, "Request_UnsupportedQuery", "GET", "/v1.0/users?$orderby=createdDateTime", nil)
	s.refused(http.StatusBadRequest, "Request_UnsupportedQuery", "GET", filtered("/v1.0/users", "accountEnabled eq true and lastPasswordChangeDateTime ge 2020-01-01T00:00:00Z"), nil)
	s.must(http.StatusOK, "GET", "/v1.0/users?$orderby=displayName", nil)
	s.refused(http.StatusBadRequest, "Request_UnsupportedQuery", "GET", "/v1.0/auditLogs/signIns?$orderby=userId", nil)
	s.must(http.StatusOK, "GET", "/v1.0/auditLogs/directoryAudits?$orderby=activityDateTime%20desc", nil)
}

func TestMethodsThatGraphHasAndWeDoNotAre501(t *testing.T) {
	s := newStage(t, nil)
	s.asApp("Group.Read.All", "User.ReadWrite.All")
	s.refused(http.StatusNotImplemented, "NotImplemented", "GET", "/v1.0/groups/"+plainGroup+"/members/$ref", nil)
	s.refused(http.StatusMethodNotAllowed, "Request_BadRequest", "PUT", "/v1.0/users/"+plainUser, `{}`)
}

func TestValuesThatEntraRefuses(t *testing.T) {
	s := newStage(t, nil)
	user := func(changes map[string]any) string {
		u := map[string]any{
			"accountEnabled": true, "displayName": "Ops", "mailNickname": "ops", "userPrincipalName": "ops-new@contoso.onmicrosoft.com",
			"passwordProfile": map[string]any{"password": "Tr0ub4dor&3xyz"},
		}
		for k, v := range changes {
			u[k] = v
		}
		b, _ := json.Marshal(u)
		return string(b)
	}
	for name, bad := range map[string]map[string]any{
		"a nickname with a blank": {"mailNickname": "a b"}, "a nickname with an @": {"mailNickname": "a@b"}, "a long name": {"displayName": strings.Repeat("x", 257)},
		"no country": {"usageLocation": "Germany"}, "no such policy": {"passwordPolicies": "Foo"}, "no such type": {"userType": "Foo"}, "no mail address": {"otherMails": []any{"nobody"}},
	} {
		t.Run(name, func(t *testing.T) {
			s.refused(http.StatusBadRequest, "Request_BadRequest", "POST", "/v1.0/users", user(bad))
		})
	}
	made := s.must(http.StatusCreated, "POST", "/v1.0/users", user(map[string]any{"passwordPolicies": "DisablePasswordExpiration, DisableStrongPassword"}))
	at := "/v1.0/users/" + made["id"].(string)
	for _, bad := range []string{`{"displayName":null}`, `{"accountEnabled":null}`, `{"passwordPolicies":"Never"}`, `{"mailNickname":""}`} {
		s.refused(http.StatusBadRequest, "Request_BadRequest", "PATCH", at, bad)
	}
	if sid := s.must(http.StatusOK, "GET", at+"?$select=securityIdentifier", nil)["securityIdentifier"]; !strings.HasPrefix(sid.(string), "S-1-12-1-") {
		t.Errorf("the new user's security identifier is %v", sid)
	}
	if got, want := securityIdentifier("55ba72e6-6b8a-4ac4-b4fd-58a5a4a2a0a5"), "S-1-12-1-1438282470-1254386570-2774072756-2778768036"; got != want {
		t.Errorf("a security identifier is %s, want %s", got, want)
	}
}

func TestGroupsKeepTheirKind(t *testing.T) {
	s := newStage(t, nil)
	s.asUser(adminUser, append(everything[:len(everything):len(everything)], "Group.ReadWrite.All", "AdministrativeUnit.ReadWrite.All")...)
	at, zero := "/v1.0/groups/"+plainGroup, "/v1.0/groups/"+tierZero
	for _, bad := range []string{`{"displayName":null}`, `{"securityEnabled":false}`, `{"visibility":"Foo"}`} {
		s.refused(http.StatusBadRequest, "Request_BadRequest", "PATCH", at, bad)
	}
	s.refused(http.StatusNotImplemented, "NotImplemented", "PATCH", at, `{"groupTypes":["Unified"]}`)
	bind := func(id string) string {
		return `{"members@odata.bind":["https://graph.microsoft.com/v1.0/directoryObjects/` + id + `"]}`
	}
	s.refused(http.StatusBadRequest, "Request_BadRequest", "PATCH", zero, bind(plainGroup))
	s.must(http.StatusNoContent, "PATCH", at, bind(vaultUser))
	s.refused(http.StatusBadRequest, "Request_BadRequest", "PATCH", at, bind(vaultUser))
	unit := s.must(http.StatusCreated, "POST", "/v1.0/directory/administrativeUnits", `{"displayName":"Held","isMemberManagementRestricted":true}`)["id"].(string)
	s.refused(http.StatusBadRequest, "Request_BadRequest", "POST", "/v1.0/directory/administrativeUnits/"+unit+"/members",
		`{"@odata.type":"#microsoft.graph.group","displayName":"x","mailNickname":"x","mailEnabled":false,"securityEnabled":true,"isAssignableToRole":true}`)
	s.refused(http.StatusBadRequest, "Request_BadRequest", "POST", "/v1.0/directory/administrativeUnits", `{"displayName":"Held","visibility":"Foo"}`)
	s.refused(http.StatusBadRequest, "Request_BadRequest", "POST", "/v1.0/roleManagement/directory/roleAssignments",
		`{"roleDefinitionId":"`+roleGlobalAdministrator+`","principalId":"`+plainUser+`","directoryScopeId":"/administrativeUnits/`+unit+`"}`)
	s.refused(http.StatusBadRequest, "Request_BadRequest", "POST", "/v1.0/roleManagement/directory/roleAssignments",
		`{"roleDefinitionId":"`+roleGlobalAdministrator+`","principalId":"`+plainUser+`"}`)
	s.refused(http.StatusNotImplemented, "NotImplemented", "POST", "/v1.0/roleManagement/directory/roleAssignments",
		`{"roleDefinitionId":"`+roleGlobalAdministrator+`","principalId":"`+plainUser+`","directoryScopeId":"/`+plainGroup+`"}`)
	s.refused(http.StatusBadRequest, "Request_BadRequest", "POST", "/v1.0/directoryRoles", `{}`)
}

func TestPoliciesThatTheServiceRefuses(t *testing.T) {
	s := newStage(t, nil)
	policy := func(change func(p, cond, grant state.Object)) string {
		cond := state.Object{"users": state.Object{"includeUsers": []any{"All"}}, "applications": state.Object{"includeApplications": []any{"All"}}, "clientAppTypes": []any{"all"}}
		grant := state.Object{"operator": "OR", "builtInControls": []any{"mfa"}}
		p := state.Object{"displayName": "P", "state": "disabled", "conditions": cond, "grantControls": grant}
		change(p, cond, grant)
		b, _ := json.Marshal(p)
		return string(b)
	}
	const at = "/v1.0/identity/conditionalAccess/policies"
	for name, change := range map[string]func(p, cond, grant state.Object){
		"all clients and one":     func(_, cond, _ state.Object) { cond["clientAppTypes"] = []any{"all", "browser"} },
		"everybody excluded":      func(_, cond, _ state.Object) { cond["users"].(state.Object)["excludeUsers"] = []any{"All"} },
		"terms that do not exist": func(_, _, grant state.Object) { grant["termsOfUse"] = []any{plainGroup} },
		"a rule of a filter cut off": func(_, cond, _ state.Object) {
			cond["devices"] = state.Object{"deviceFilter": state.Object{"mode": "include", "rule": "device.isCompliant -eq (True"}}
		},
		"a frequency of nothing": func(p, _, _ state.Object) {
			p["sessionControls"] = state.Object{"signInFrequency": state.Object{"isEnabled": true}}
		},
		"a frequency of years": func(p, _, _ state.Object) {
			p["sessionControls"] = state.Object{"signInFrequency": state.Object{"isEnabled": true, "type": "days", "value": 400}}
		},
	} {
		t.Run(name, func(t *testing.T) { s.refused(http.StatusBadRequest, "BadRequest", "POST", at, policy(change)) })
	}
	made := s.must(http.StatusCreated, "POST", at, policy(func(p, _, _ state.Object) {
		p["sessionControls"] = state.Object{"signInFrequency": state.Object{"isEnabled": true, "type": "hours", "value": 12}}
	}))
	if c := made["@odata.context"].(string); !strings.HasSuffix(c, "#identity/conditionalAccess/policies/$entity") {
		t.Errorf("the context of a new policy is %s", c)
	}
}

func TestPagesLeaveNothingOutWhenObjectsGo(t *testing.T) {
	s := newStage(t, func(tx *state.Tx) {
		for i := range 60 {
			tx.Put(collUsers, state.Object{"id": state.NewID(), "displayName": fmt.Sprintf("Page %02d", i), "userPrincipalName": fmt.Sprintf("p%d@contoso.onmicrosoft.com", i)})
		}
	})
	next := filtered("/v1.0/users", "startswith(displayName,'Page')") + "&$top=20&$select=displayName"
	page := s.must(http.StatusOK, "GET", next, nil)
	seen := objectsIn(page)
	s.change(func(tx *state.Tx) {
		for _, gone := range []int{1, 17, 18, 19} { // the last of the page among them
			tx.Delete(collUsers, seen[gone].ID())
		}
	})
	page = s.must(http.StatusOK, "GET", strings.TrimPrefix(page["@odata.nextLink"].(string), s.srv.URL), nil)
	if second := objectsIn(page); len(second) == 0 || second[0]["displayName"] != "Page 20" {
		t.Fatalf("the second page begins with %v", second[0])
	}
	s.change(func(tx *state.Tx) {
		for _, u := range tx.List(collUsers) {
			if strings.HasPrefix(u.String("displayName"), "Page") {
				tx.Delete(collUsers, u.ID())
			}
		}
	})
	s.refused(http.StatusBadRequest, "Directory_ExpiredPageToken", "GET", strings.TrimPrefix(page["@odata.nextLink"].(string), s.srv.URL), nil)
}

func TestSettingsThatNameNothing(t *testing.T) {
	s := newStage(t, nil)
	const fido = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2"
	body := func(rest string) string {
		return `{"@odata.type":"#microsoft.graph.fido2AuthenticationMethodConfiguration",` + rest + `}`
	}
	s.refused(http.StatusBadRequest, "invalidRequest", "PATCH", fido, body(`"keyRestrictions":{"isEnforced":true,"enforcementType":"allow","aaGuids":["YubiKey"]}`))
	s.refused(http.StatusBadRequest, "invalidRequest", "PATCH", fido, body(`"includeTargets":[{"targetType":"group","id":"00000000-0000-0000-0000-00000000dead"}]`))
	s.must(http.StatusNoContent, "PATCH", fido, body(`"includeTargets":[{"targetType":"group","id":"`+plainGroup+`"}]`))
	s.refused(http.StatusBadRequest, "BadRequest", "POST", "/v1.0/identity/conditionalAccess/namedLocations", `{"@odata.type":"#microsoft.graph.countryNamedLocation","displayName":"x","countriesAndRegions":["Germany"]}`)
	if c := s.must(http.StatusOK, "GET", "/v1.0/policies/authorizationPolicy", nil)["@odata.context"].(string); !strings.HasSuffix(c, "#policies/authorizationPolicy/$entity") {
		t.Errorf("the context of a policy of which there is one is %s", c)
	}
}
