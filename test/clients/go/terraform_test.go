package clients

import (
	"net/url"
	"slices"
	"testing"
	"time"
)

const terraformsUser = "accountEnabled,ageGroup,businessPhones,companyName,consentProvidedForMinor,country,creationType,department,displayName,employeeId,employeeType,externalUserState,faxNumber,givenName,onPremisesImmutableId,otherMails,passwordPolicies,preferredLanguage,streetAddress,usageLocation"

// resource azuread_user: the new user is unseen for twenty seconds, so the provider waits.
func TestTerraformsUser(t *testing.T) {
	shared.replication(t, 20*time.Second)
	tf := story{t, operatorToken(t)}
	body := map[string]any{
		"accountEnabled": true, "displayName": "Terraform", "mailNickname": "terraform", "userPrincipalName": "terraform@" + shared.Endpoints.InitialDomain,
		"passwordProfile": map[string]any{"password": "Correct-Horse-9-Battery", "forceChangePasswordNextSignIn": false}, "businessPhones": []string{}, "otherMails": []string{},
	}
	id := tf.id(201, "POST", "/v1.0/users", body)
	at := "/v1.0/users/" + id
	list := map[string]any{"showInAddressList": false}
	tf.want(404, "PATCH", "/beta/users/"+id, list)
	tf.want(404, "GET", at, nil)
	shared.advance(t, replicated)
	tf.want(204, "PATCH", "/beta/users/"+id, list)
	tf.want(204, "PUT", at+"/manager/$ref", reference(shared.Credentials.DeviceUser.ID))
	tf.times(5, 200, at)
	got := tf.want(200, "GET", at+"?$select="+url.QueryEscape(terraformsUser), nil)
	if _, ok := got["employeeId"]; !ok || got["accountEnabled"] != true {
		t.Errorf("read %v", got)
	}
	if got := tf.want(200, "GET", "/beta/users/"+id+"?$select=showInAddressList", nil); got["showInAddressList"] != false {
		t.Errorf("read %v", got)
	}
	if got := tf.want(200, "GET", at+"/manager", nil); got["id"] != shared.Credentials.DeviceUser.ID {
		t.Errorf("manager %v", got)
	}
	tf.want(204, "PATCH", at, map[string]any{"displayName": "Terraform 2", "department": "IT"})
	tf.want(204, "PATCH", "/beta/users/"+id, map[string]any{"showInAddressList": true})
	if got := tf.want(200, "GET", at, nil); got["displayName"] != "Terraform 2" {
		t.Errorf("read %v", got)
	}
	tf.want(204, "DELETE", at, nil)
	tf.times(5, 404, at)
}

// resource azuread_group, with the caller as owner, and azuread_group_member.
func TestTerraformsGroup(t *testing.T) {
	shared.replication(t, 0)
	tf := story{t, operatorToken(t)}
	me, member := shared.Credentials.Operator.ServicePrincipalID, shared.Credentials.DeviceUser.ID
	if got := tf.want(200, "GET", "/beta/groups?$filter="+url.QueryEscape("displayName eq 'terraform'"), nil); len(ids(got)) != 0 {
		t.Errorf("there already: %v", got)
	}
	if got := tf.want(200, "GET", "/v1.0/directoryObjects/"+me, nil); got["@odata.type"] != "#microsoft.graph.servicePrincipal" {
		t.Errorf("the owner is %v", got["@odata.type"])
	}
	id := tf.id(201, "POST", "/beta/groups", map[string]any{
		"displayName": "terraform", "mailNickname": "a1b2c3d4", "mailEnabled": false, "securityEnabled": true, "groupTypes": []string{},
		"owners@odata.bind": []string{shared.url("/beta/directoryObjects/", me)},
	})
	at := "/beta/groups/" + id
	tf.want(204, "PATCH", at, map[string]any{"displayName": "TERRAFORM_UPDATE_5a4d3c2b-0000-4000-8000-000000000001"})
	tf.want(204, "PATCH", at, map[string]any{"displayName": "terraform"})
	for range 5 {
		if got := tf.want(200, "GET", at, nil); got["displayName"] != "terraform" {
			t.Errorf("named %v", got["displayName"])
		}
	}
	one := at + "/members?$filter=" + url.QueryEscape("id eq '"+member+"'")
	if got := ids(tf.want(200, "GET", one, nil)); len(got) != 0 {
		t.Errorf("a member already: %v", got)
	}
	tf.want(204, "POST", at+"/members/$ref", reference(member))
	for path, want := range map[string][]string{one: {member}, at + "/members": {member}, at + "/owners": {me}, at + "/memberOf": nil} {
		if got := ids(tf.want(200, "GET", path, nil)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	tf.want(204, "DELETE", at+"/members/"+member+"/$ref", nil)
	tf.want(204, "DELETE", at, nil)
	tf.times(5, 404, at)
}

// resources azuread_directory_role, _role_member and _role_assignment.
func TestTerraformsRoles(t *testing.T) {
	shared.replication(t, 0)
	tf := story{t, operatorToken(t)}
	holder := tf.id(201, "POST", "/v1.0/users", map[string]any{
		"accountEnabled": true, "displayName": "Holder", "mailNickname": "holder", "userPrincipalName": "holder@" + shared.Endpoints.InitialDomain,
		"passwordProfile": map[string]any{"password": "Correct-Horse-9-Battery"},
	})
	t.Cleanup(func() { tf.want(204, "DELETE", "/v1.0/users/"+holder, nil) })

	const reportsReader = "4a5d8f65-41da-4de4-8968-e035b65339cf"
	tf.want(200, "GET", "/v1.0/directoryRoleTemplates", nil)
	filter := "/v1.0/directoryRoles?$filter=" + url.QueryEscape("roleTemplateId eq '"+reportsReader+"'")
	var role string
	if got := ids(tf.want(200, "GET", filter, nil)); len(got) == 0 {
		role = tf.id(201, "POST", "/v1.0/directoryRoles", map[string]any{"roleTemplateId": reportsReader})
	} else {
		role = got[0]
	}
	at := "/v1.0/directoryRoles/" + role
	tf.want(200, "GET", at, nil)
	tf.want(204, "POST", at+"/members/$ref", reference(holder))
	if got := ids(tf.want(200, "GET", at+"/members", nil)); !slices.Equal(got, []string{holder}) {
		t.Errorf("holders %v", got)
	}
	tf.want(204, "DELETE", at+"/members/"+holder+"/$ref", nil)

	const assignments = "/v1.0/roleManagement/directory/roleAssignments"
	a := tf.id(201, "POST", assignments, map[string]any{"principalId": holder, "roleDefinitionId": reportsReader, "directoryScopeId": "/"})
	tf.times(3, 200, assignments+"/"+a)
	tf.want(204, "DELETE", assignments+"/"+a, nil)
	tf.want(404, "GET", assignments+"/"+a, nil)
}

// resource azuread_conditional_access_policy.
func TestTerraformsPolicy(t *testing.T) {
	shared.replication(t, 0)
	unthrottled(t)
	tf := story{t, operatorToken(t)}
	const policies = "/v1.0/identity/conditionalAccess/policies"
	id := tf.id(201, "POST", policies, map[string]any{
		"displayName": "terraform", "state": "enabledForReportingButNotEnforced",
		"conditions": map[string]any{
			"clientAppTypes": []string{"all"}, "applications": map[string]any{"includeApplications": []string{"All"}, "excludeApplications": []string{}},
			"users":            map[string]any{"includeUsers": []string{"All"}, "excludeUsers": []string{shared.Credentials.DeviceUser.ID}},
			"signInRiskLevels": []string{}, "userRiskLevels": []string{},
		},
		"grantControls": map[string]any{"operator": "OR", "builtInControls": []string{"mfa"}, "customAuthenticationFactors": []string{}, "termsOfUse": []string{}},
	})
	at := policies + "/" + id
	tf.times(5, 200, at)
	tf.want(204, "PATCH", at, map[string]any{"state": "disabled"})
	if got := tf.want(200, "GET", at, nil); got["state"] != "disabled" {
		t.Errorf("state %v", got["state"])
	}
	tf.want(204, "DELETE", at, nil)
	tf.times(5, 404, at)
}
