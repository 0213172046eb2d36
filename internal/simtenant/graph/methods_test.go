package graph

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"breakglass/internal/simtenant/state"
)

const vaultMethods = "/v1.0/users/" + vaultUser + "/authentication"

// types is the kinds of a user's methods.
func (s *stage) types(path string) []string {
	s.t.Helper()
	var out []string
	for _, m := range s.values(path) {
		out = append(out, m.String("@odata.type"))
	}
	return out
}

func TestEverybodyHasAPassword(t *testing.T) {
	s := newStage(t, func(tx *state.Tx) {
		tx.Put(collMethods, state.Object{"id": "key-1", "_user": vaultUser, "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "displayName": "Vault", "aaGuid": "2fc0579f-8113-47ea-b116-bb5a8db9202a"})
	})
	if got := s.types(vaultMethods + "/methods"); !slices.Equal(got, []string{"#microsoft.graph.passwordAuthenticationMethod", "#microsoft.graph.fido2AuthenticationMethod"}) {
		t.Errorf("the methods are %v", got)
	}
	if list := s.values("/v1.0/users/ops-x7k2@contoso.onmicrosoft.com/authentication/fido2Methods"); len(list) != 1 || list[0]["_user"] != nil {
		t.Errorf("by user principal name the keys are %v", list)
	}
	s.must(http.StatusNoContent, "DELETE", vaultMethods+"/fido2Methods/key-1", nil)
	s.recorded("Delete Passkey (device-bound)")
	if got := s.types(vaultMethods + "/methods"); len(got) != 1 {
		t.Errorf("after the removal the methods are %v", got)
	}
	s.must(http.StatusMethodNotAllowed, "DELETE", vaultMethods+"/passwordMethods/"+passwordMethod, nil)
}

func TestAPassIsShownOnce(t *testing.T) {
	s := newStage(t, nil)
	at := vaultMethods + "/temporaryAccessPassMethods"
	made := s.must(http.StatusCreated, "POST", at, `{"lifetimeInMinutes":60,"isUsableOnce":true}`)
	if len(made.String("temporaryAccessPass")) != 8 || !made.Bool("isUsable") {
		t.Errorf("the pass is %v", made)
	}
	if list := s.values(at); len(list) != 1 || list[0]["temporaryAccessPass"] != nil {
		t.Errorf("the listing gives the pass away: %v", list)
	}
	s.must(http.StatusBadRequest, "POST", at, `{"lifetimeInMinutes":60}`)
	s.clock.Advance(2 * time.Hour)
	if list := s.values(at); list[0].Bool("isUsable") || list[0].String("methodUsabilityReason") != "Expired" {
		t.Errorf("two hours later the pass is %v", list[0])
	}
	s.must(http.StatusCreated, "POST", at, `{"lifetimeInMinutes":120}`)
	s.must(http.StatusBadRequest, "POST", "/v1.0/users/"+plainUser+"/authentication/temporaryAccessPassMethods", `{"lifetimeInMinutes":5}`)
	s.must(http.StatusForbidden, "POST", "/v1.0/users/"+adminUser+"/authentication/temporaryAccessPassMethods", `{"lifetimeInMinutes":60}`)
}

func TestARestrictedUnitKeepsMethodsOutOfReach(t *testing.T) {
	s := newStage(t, func(tx *state.Tx) {
		tx.Put("directory/administrativeUnits", state.Object{"id": "55555555-0000-4000-8000-000000000001", "isMemberManagementRestricted": true})
		tx.Link("members", "55555555-0000-4000-8000-000000000001", vaultUser)
	})
	s.refused(http.StatusForbidden, "Authorization_RequestDenied", "POST", vaultMethods+"/temporaryAccessPassMethods", `{"lifetimeInMinutes":60}`)
}

func TestAnAuthenticationAdministratorDoesNotReachAdministrators(t *testing.T) {
	s := newStage(t, func(tx *state.Tx) {
		for user, role := range map[string]string{plainUser: roleAuthenticationAdmin, vaultUser: roleGlobalAdministrator} {
			tx.Put(collRoleAssignments, state.Object{"principalId": user, "roleDefinitionId": role, "directoryScopeId": "/"})
		}
	})
	s.asUser(plainUser, everything...)
	s.refused(http.StatusForbidden, "Authorization_RequestDenied", "POST", vaultMethods+"/temporaryAccessPassMethods", `{"lifetimeInMinutes":60}`)
}

func TestPerUserMFAIsInBetaOnly(t *testing.T) {
	s := newStage(t, nil)
	at := "/beta/users/" + vaultUser + "/authentication/requirements"
	if got := s.must(http.StatusOK, "GET", at, nil).String("perUserMfaState"); got != "disabled" {
		t.Errorf("the state is %q", got)
	}
	s.must(http.StatusNoContent, "PATCH", at, `{"perUserMfaState":"enforced"}`)
	if got := s.must(http.StatusOK, "GET", at, nil).String("perUserMfaState"); got != "enforced" {
		t.Errorf("the state is %q", got)
	}
	s.recorded("Enable Strong Authentication")
	s.refused(http.StatusNotImplemented, "NotImplemented", "GET", vaultMethods+"/requirements", nil)
}

func TestAResetForcesAChange(t *testing.T) {
	s := newStage(t, nil)
	s.must(http.StatusAccepted, "POST", vaultMethods+"/methods/"+passwordMethod+"/resetPassword", `{"newPassword":"c0rrect horse battery"}`)
	s.change(func(tx *state.Tx) {
		u := tx.Get("users", vaultUser)
		if !u.Object("passwordProfile").Bool("forceChangePasswordNextSignIn") || u.String("lastPasswordChangeDateTime") != state.Timestamp(stageNow) {
			t.Errorf("after the reset the user is %v", u)
		}
	})
	for _, activity := range []string{"Reset user password", "Update StsRefreshTokenValidFrom Timestamp", "Update PasswordProfile"} {
		s.recorded(activity)
	}
}

func TestAMethodIsSwitchedOffForAll(t *testing.T) {
	s := newStage(t, nil)
	at := "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2"
	s.must(http.StatusBadRequest, "PATCH", at, `{"state":"disabled"}`)
	s.must(http.StatusNoContent, "PATCH", at, `{"@odata.type":"#microsoft.graph.fido2AuthenticationMethodConfiguration","state":"disabled"}`)
	conf := s.must(http.StatusOK, "GET", at, nil)
	if conf.String("state") != "disabled" || !conf.Bool("isAttestationEnforced") {
		t.Errorf("the configuration is %v", conf)
	}
	s.recorded("Authentication Methods Policy Update")
	count := func(version string) int {
		list, _ := s.must(http.StatusOK, "GET", "/"+version+"/policies/authenticationMethodsPolicy", nil)["authenticationMethodConfigurations"].([]any)
		return len(list)
	}
	if count("beta") <= count("v1.0") {
		t.Error("beta knows no configuration that v1.0 lacks")
	}
}

func TestLocationsAreCheckedAndKeptWhileUsed(t *testing.T) {
	s := newStage(t, nil)
	at := "/v1.0/identity/conditionalAccess/namedLocations"
	place := `{"@odata.type":"#microsoft.graph.ipNamedLocation","displayName":"Office","isTrusted":%s,"ipRanges":[{"@odata.type":"#microsoft.graph.iPv4CidrRange","cidrAddress":"%s"}]}`
	s.refused(http.StatusBadRequest, "BadRequest", "POST", at, fmt.Sprintf(place, "false", "10.0.0.0/4"))
	s.refused(http.StatusBadRequest, "BadRequest", "POST", at, `{"displayName":"Nowhere"}`)
	office := s.must(http.StatusCreated, "POST", at, fmt.Sprintf(place, "false", "203.0.113.0/24"))
	s.madePolicy(`{"displayName":"Office only","state":"enabled","conditions":{"users":{"includeUsers":["All"]},"applications":{"includeApplications":["All"]},
		"locations":{"includeLocations":["All"],"excludeLocations":["` + office.ID() + `"]}},"grantControls":{"operator":"OR","builtInControls":["block"]}}`)
	s.refused(http.StatusBadRequest, "BadRequest", "DELETE", at+"/"+office.ID(), nil)
	trusted := s.must(http.StatusCreated, "POST", at, fmt.Sprintf(place, "true", "198.51.100.0/24"))
	s.refused(http.StatusBadRequest, "BadRequest", "DELETE", at+"/"+trusted.ID(), nil)
	s.must(http.StatusNoContent, "PATCH", at+"/"+trusted.ID(), `{"@odata.type":"#microsoft.graph.ipNamedLocation","isTrusted":false}`)
	s.must(http.StatusNoContent, "DELETE", at+"/"+trusted.ID(), nil)
	if list := s.values(at); len(list) != 1 {
		t.Errorf("the locations are %v", list)
	}
}
