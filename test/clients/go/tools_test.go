package clients

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const azureCLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

// post sends a form to the token endpoint.
func post(t *testing.T, path string, form url.Values) map[string]any {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, shared.Endpoints.Login+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, out := send(t, req)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %v", path, status, out)
	}
	return out
}

// az login --use-device-code, then one refresh for each resource: a scope with two slashes,
// and a claims parameter.
func azLogin(t *testing.T) (arm, graph string) {
	t.Helper()
	const suffix = " offline_access openid profile"
	code := post(t, "/organizations/oauth2/v2.0/devicecode", url.Values{"client_id": {azureCLI}, "scope": {"https://management.core.windows.net//.default" + suffix}})
	text := func(m map[string]any, key string) string { s, _ := m[key].(string); return s }
	if err := newPerson(shared).signIn(text(code, "verification_uri"), text(code, "user_code")); err != nil {
		t.Fatal(err)
	}
	first := post(t, "/organizations/oauth2/v2.0/token", url.Values{
		"client_id": {azureCLI}, "grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {text(code, "device_code")}, "client_info": {"1"},
		"claims": {`{"access_token": {"xms_cc": {"values": ["CP1"]}}}`},
	})
	if text(first, "id_token") == "" || text(first, "client_info") == "" || text(first, "foci") != "1" {
		t.Errorf("az misses something in %v", first)
	}
	refresh := func(scope string) string {
		out := post(t, "/"+shared.Endpoints.TenantID+"/oauth2/v2.0/token", url.Values{
			"client_id": {azureCLI}, "grant_type": {"refresh_token"}, "refresh_token": {text(first, "refresh_token")}, "scope": {scope + suffix}, "client_info": {"1"},
			"claims": {`{"access_token": {"xms_cc": {"values": ["CP1"]}}}`},
		})
		return text(out, "access_token")
	}
	return refresh("https://management.core.windows.net//.default"), refresh(shared.Endpoints.Graph + "/.default")
}

func TestAzureCLIsCalls(t *testing.T) {
	shared.replication(t, 0)
	armToken, graphToken := azLogin(t)
	arm, az := story{t, armToken}, story{t, graphToken}
	if got := inside(t, armToken); got["aud"] != "https://management.core.windows.net/" && got["aud"] != "https://management.core.windows.net" {
		t.Errorf("ARM's token is for %v", got["aud"])
	}
	if got := arm.want(200, "GET", "/tenants?api-version=2022-12-01", nil); len(got["value"].([]any)) != 1 {
		t.Errorf("tenants %v", got)
	}
	arm.want(200, "GET", "/subscriptions?api-version=2019-11-01", nil)

	name := "bg1@" + shared.Endpoints.InitialDomain
	az.want(201, "POST", "/v1.0/users", map[string]any{
		"accountEnabled": true, "displayName": "bg1", "mailNickname": "bg1", "userPrincipalName": name,
		"passwordProfile": map[string]any{"password": "Correct-Horse-9-Battery", "forceChangePasswordNextSignIn": false},
	})
	az.want(200, "GET", "/v1.0/users/"+name, nil)
	az.want(204, "DELETE", "/v1.0/users/"+name, nil)
	az.want(404, "GET", "/v1.0/users/"+name, nil)
	filter := "?$filter=displayName%20eq%20'az'%20and%20mailNickname%20eq%20'az'" // az looks before it creates
	if got := ids(az.want(200, "GET", "/v1.0/groups"+filter, nil)); len(got) != 0 {
		t.Errorf("groups %v", got)
	}
	id := az.id(201, "POST", "/v1.0/groups", map[string]any{"displayName": "az", "mailNickname": "az", "mailEnabled": false, "securityEnabled": true})
	if got := ids(az.want(200, "GET", "/v1.0/groups"+filter, nil)); len(got) != 1 || got[0] != id {
		t.Errorf("groups %v", got)
	}
	az.want(204, "DELETE", "/v1.0/groups/"+id, nil)
}

// az monitor and az role, as the operator application.
func TestAzureCLIsResources(t *testing.T) {
	app := shared.Credentials.Operator
	token := post(t, "/"+shared.Endpoints.TenantID+"/oauth2/v2.0/token", url.Values{
		"client_id": {app.ClientID}, "client_secret": {app.ClientSecret}, "grant_type": {"client_credentials"}, "scope": {"https://management.core.windows.net//.default"},
	})["access_token"].(string)
	az := story{t, token}
	subscriptions := az.want(200, "GET", "/subscriptions?api-version=2019-11-01", nil)["value"].([]any)
	if len(subscriptions) == 0 {
		t.Fatal("no subscription")
	}
	sub, _ := subscriptions[0].(map[string]any)["subscriptionId"].(string)
	put(t, token, "/subscriptions/"+sub+"/resourcegroups/az?api-version=2024-11-01", map[string]any{"location": "westeurope"})
	at := "/subscriptions/" + sub + "/resourceGroups/az/providers/Microsoft.Insights/actionGroups/az?api-version=2022-06-01"
	put(t, token, at, map[string]any{
		"location": "Global", "properties": map[string]any{"groupShortName": "az", "enabled": true, "emailReceivers": []any{map[string]any{"name": "watch", "emailAddress": "watch@example.com"}}},
	})
	az.want(200, "GET", at, nil)
	az.want(200, "GET", "/subscriptions/"+sub+"/providers/Microsoft.Authorization/roleAssignments?api-version=2020-04-01-preview", nil)
}

// put makes or changes a resource of Azure.
func put(t *testing.T, token, path string, body any) {
	t.Helper()
	if status, out := call(t, token, http.MethodPut, shared.Endpoints.Arm+path, body); status != http.StatusOK && status != http.StatusCreated {
		t.Fatalf("PUT %s: %d %v", path, status, out)
	}
}

// m365 entra policy list asks for all of these at once and fails on the first 404; m365
// status needs app_displayname in the token.
func TestMicrosoft365CLIsPolicies(t *testing.T) {
	token := operatorToken(t)
	if name, _ := inside(t, token)["app_displayname"].(string); name == "" {
		t.Error("the token has no app_displayname")
	}
	m365 := story{t, token}
	for _, policy := range []string{
		"authenticationMethodsPolicy", "authenticationFlowsPolicy", "appManagementPolicies", "adminConsentRequestPolicy", "activityBasedTimeoutPolicies", "defaultAppManagementPolicy",
		"authorizationPolicy", "identitySecurityDefaultsEnforcementPolicy", "claimsMappingPolicies", "homeRealmDiscoveryPolicies", "tokenIssuancePolicies", "tokenLifetimePolicies", "roleManagementPolicies?$filter=scopeId%20eq%20'/'%20and%20scopeType%20eq%20'DirectoryRole'",
	} {
		m365.want(200, "GET", "/v1.0/policies/"+policy, nil)
	}
}

// AzureHound reads everything; it runs as an application that may read.
func TestAzureHoundsLists(t *testing.T) {
	hound := story{t, operatorToken(t)}
	app, group := shared.Credentials.Reader, ""
	for _, version := range []string{"/v1.0", "/beta"} {
		if got := ids(hound.want(200, "GET", version+"/groups?$filter=securityEnabled%20eq%20true&$top=999", nil)); len(got) > 0 {
			group = got[0]
		}
		for _, list := range []string{
			"/organization", "/users?$top=999", "/servicePrincipals?$top=999", "/servicePrincipals/" + app.ServicePrincipalID + "/owners", "/servicePrincipals/" + app.ServicePrincipalID + "/appRoleAssignedTo",
			"/applications?$top=999", "/applications(appId='" + app.ClientID + "')/owners", "/applications(appId='" + app.ClientID + "')/federatedIdentityCredentials",
			"/devices?$top=999", "/roleManagement/directory/roleDefinitions", "/roleManagement/directory/roleAssignments", "/roleManagement/directory/roleEligibilityScheduleInstances",
			"/policies/roleManagementPolicyAssignments?$filter=scopeId%20eq%20'/'%20and%20scopeType%20eq%20'DirectoryRole'",
		} {
			hound.want(200, "GET", version+list, nil)
		}
	}
	if group == "" {
		t.Fatal("no security group")
	}
	hound.want(200, "GET", "/beta/groups/"+group+"/owners", nil)
	hound.want(200, "GET", "/beta/groups/"+group+"/members", nil)
}
