package graph

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// The calls of known clients, in their own spelling and order, as read in their sources.

func TestTerraformsUserIsServed(t *testing.T) {
	h := newHouse(t)
	tf := app(writeUsers)
	b := newUser("breakglass1")
	b["@odata.type"] = "#microsoft.graph.user"
	b["otherMails"], b["businessPhones"] = []string{}, []string{}
	id := h.want(201, tf, "POST", "/v1.0/users", b).body.ID()
	at := "/v1.0/users/" + id
	h.want(204, tf, "PATCH", "/beta/users/"+id, map[string]any{"showInAddressList": false})
	h.want(200, tf, "GET", at, nil)
	fields := "accountEnabled,ageGroup,businessPhones,companyName,consentProvidedForMinor,country,creationType,department,displayName,employeeId,employeeType,externalUserState,givenName,onPremisesImmutableId,onPremisesSyncEnabled,otherMails,passwordPolicies,streetAddress,usageLocation,userType"
	got := h.want(200, tf, "GET", at+"?$select="+url.QueryEscape(fields), nil).body
	if _, ok := got["employeeId"]; !ok || got["accountEnabled"] != true {
		t.Errorf("got %v", got)
	}
	if got := h.want(200, tf, "GET", "/beta/users/"+id+"?$select=showInAddressList", nil).body; got["showInAddressList"] != false {
		t.Errorf("got %v", got)
	}
	h.want(404, tf, "GET", at+"/manager", nil)
	h.want(204, tf, "PATCH", at, map[string]any{"displayName": "BG1", "@odata.type": "#microsoft.graph.user"})
	h.want(204, tf, "DELETE", at, nil)
	h.want(404, tf, "GET", at, nil)
}

func TestTerraformsGroupIsServed(t *testing.T) {
	h := newHouse(t)
	tf := app("Group.ReadWrite.All User.Read.All Application.Read.All Directory.Read.All")
	if got := h.want(200, tf, "GET", "/beta/groups?%24filter=displayName+eq+%27exclusions%27", nil).ids(); len(got) != 0 {
		t.Errorf("found %v", got)
	}
	if got := h.want(200, tf, "GET", "/v1.0/directoryObjects/"+houseApp, nil).body; got.String("@odata.type") != "#microsoft.graph.servicePrincipal" {
		t.Errorf("the owner's kind is %v", got)
	}
	g := h.want(201, tf, "POST", "/beta/groups", map[string]any{
		"displayName": "exclusions", "description": "", "groupTypes": []string{}, "mailEnabled": false, "mailNickname": "a1b2c3", "securityEnabled": true,
		"resourceBehaviorOptions": []string{}, "resourceProvisioningOptions": []string{},
		"owners@odata.bind": []string{"https://graph.microsoft.com/beta/directoryObjects/" + houseApp},
	}).body.ID()
	at := "/beta/groups/" + g
	h.want(204, tf, "PATCH", at, map[string]any{"displayName": "TERRAFORM_UPDATE_" + houseTenant})
	h.want(204, tf, "PATCH", at, map[string]any{"displayName": "exclusions"})
	if got := h.want(200, tf, "GET", at, nil).body; got.String("displayName") != "exclusions" {
		t.Errorf("got %v", got)
	}
	h.want(204, tf, "POST", at+"/members/$ref", ref(houseUser))
	if got := h.want(200, tf, "GET", at+"/members?$filter=id+eq+%27"+houseUser+"%27", nil).ids(); !slices.Equal(got, []string{houseUser}) {
		t.Errorf("members %v", got)
	}
	if got := h.want(200, tf, "GET", at+"/owners", nil).ids(); !slices.Equal(got, []string{houseApp}) {
		t.Errorf("owners %v", got)
	}
	h.want(200, tf, "GET", at+"/memberOf", nil)
	h.want(204, tf, "DELETE", at+"/members/"+houseUser+"/$ref", nil)
	h.want(204, tf, "DELETE", at, nil)
	h.want(404, tf, "GET", at, nil)
}

func TestHamiltonsAndAzureCLIsAddressesAreServed(t *testing.T) {
	h := newHouse(t)
	read := app(writeUsers + " Group.Read.All Application.Read.All Directory.Read.All")
	prefix := "/beta/" + houseTenant
	for _, at := range []string{
		prefix + "/users/" + houseUser, prefix + "/users?%24filter=userPrincipalName+eq+%27olaf%40" + houseDomain + "%27",
		prefix + "/servicePrincipals?%24filter=appId+eq+%27" + Audience + "%27", prefix + "/groups?$top=999", prefix + "/directoryRoles",
		"/v1.0/groups?$filter=displayName%20eq%20'x'%20and%20mailNickname%20eq%20'x'", "/v1.0/users/olaf@" + houseDomain,
		"/v1.0/servicePrincipals?$filter=servicePrincipalNames/any(c:c eq 'https://graph.microsoft.com')",
	} {
		h.want(200, read, "GET", strings.ReplaceAll(at, " ", "%20"), nil)
	}
	h.want(204, read, "DELETE", "/v1.0/users/olaf@"+houseDomain, nil)
}

func TestHamiltonChangesWithTheIdInTheBody(t *testing.T) {
	h := newHouse(t)
	write := app(writeUsers)
	at := "/beta/" + houseTenant + "/users/" + houseUser
	h.want(204, write, "PATCH", at, map[string]any{"id": houseUser, "department": "IT"})
	if got := h.want(200, write, "GET", at+"?$select=department", nil).body; got["department"] != "IT" {
		t.Errorf("got %v", got)
	}
	h.want(400, write, "PATCH", at, map[string]any{"id": houseApp, "department": "HR"})
	b := newUser("own-id")
	b["id"] = houseTenant
	h.want(400, write, "POST", "/v1.0/users", b)
}

func TestHamiltonLooksForOneMember(t *testing.T) {
	h := newHouse(t)
	write := app("Group.ReadWrite.All User.Read.All Directory.Read.All")
	g := h.want(201, write, "POST", "/v1.0/groups", map[string]any{"displayName": "g", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true}).body.ID()
	at := "/beta/" + houseTenant + "/groups/" + g + "/members/"
	h.want(404, write, "GET", at+houseUser+"/$ref?%24select=id%2Curl", nil)
	h.want(204, write, "POST", at+"$ref", ref(houseUser))
	if got := h.want(200, write, "GET", at+houseUser+"/$ref?%24select=id%2Curl", nil).body; !strings.HasSuffix(got.String("@odata.id"), "/directoryObjects/"+houseUser) {
		t.Errorf("got %v", got)
	}
	h.want(403, app("Policy.Read.All"), "GET", at+houseUser+"/$ref", nil)
	h.want(404, write, "GET", "/beta/groups/"+g+"/owners/"+houseUser+"/$ref", nil)
}

func TestAzureHoundsListsAreServed(t *testing.T) {
	h := newHouse(t)
	read := app("Directory.Read.All RoleManagement.Read.All RoleManagement.Read.Directory AuditLog.Read.All")
	g := h.want(200, read, "GET", "/v1.0/servicePrincipals?$select=id&$top=999", nil).ids()[0]
	for _, at := range []string{
		"/organization", "/users?$select=accountEnabled,createdDateTime,displayName,jobTitle,lastPasswordChangeDateTime,mail,onPremisesSecurityIdentifier,onPremisesSyncEnabled,userPrincipalName,userType,id&$top=999",
		"/groups?$filter=securityEnabled%20eq%20true&$select=id,displayName,isAssignableToRole,securityIdentifier,onPremisesSecurityIdentifier&$top=999", "/devices?$top=999", "/applications?$top=999", "/servicePrincipals/" + g + "/owners",
		"/servicePrincipals/" + g + "/appRoleAssignedTo", "/roleManagement/directory/roleDefinitions", "/roleManagement/directory/roleAssignments",
	} {
		h.want(200, read, "GET", "/v1.0"+at, nil)
		h.want(200, read, "GET", "/beta"+at, nil)
	}
}
