package contract

import (
	"fmt"
	"strings"
)

// The stories below do as an administrator, signed in with a device code, what the product and the clients around it do,
// in both versions of Graph. Requests and answers are judged by the recorder.

func (w *walk) writeAll() {
	defer w.everyMethod("/v1.0/users/"+w.other, "/beta/users/"+w.other)
	for _, version := range []string{"v1.0", "beta"} {
		v := &writes{walk: w, at: "/" + version, version: version}
		for _, story := range []func(){
			v.people, v.groups, v.units, v.applications, v.conditionalAccess, v.locations, v.contexts, v.strengths,
			v.policies, v.roles, v.privileged, v.methods, v.risk, v.batches, v.memberships, v.owned, v.rest,
		} {
			story()
		}
	}
}

// writes is a walk through one version's writes.
type writes struct {
	*walk
	at, version string
	n           int
}

// post creates something and gives back its id.
func (v *writes) post(path, body string) string {
	v.t.Helper()
	return v.want(201, person, "POST "+v.at+path, body).str("id")
}

func (v *writes) patch(path, body string) {
	v.t.Helper()
	a := v.do(person, "PATCH "+v.at+path, body)
	if a.status != 204 && a.status != 200 {
		v.t.Errorf("PATCH %s%s: status %d: %.300s", v.at, path, a.status, a.raw)
	}
}

func (v *writes) remove(path string) {
	v.t.Helper()
	if strings.Contains(path+"/", "//") {
		return // the create before has failed, and said so
	}
	v.want(204, person, "DELETE "+v.at+path, "")
}

// modelled is want where the simulator may say that it does not model the call.
func (v *writes) modelled(status int, call, body string) {
	v.t.Helper()
	if a := v.do(person, call, body); a.status != status && a.status != 501 {
		v.t.Errorf("%s: status %d, want %d or 501: %.300s", call, a.status, status, a.raw)
	}
}

func (v *writes) get(path string) answer {
	v.t.Helper()
	return v.want(200, person, "GET "+v.at+path, "")
}

func (v *writes) link(path, id string) {
	v.t.Helper()
	v.want(204, person, "POST "+v.at+path+"/$ref", `{"@odata.id":"HOST`+v.at+`/directoryObjects/`+id+`"}`)
}

// gone asks for what is not there any more, for the error's form.
func (v *writes) gone(path string) {
	v.t.Helper()
	v.want(404, person, "GET "+v.at+path, "")
}

// domain is the tenant's initial domain.
func (v *writes) domain() string {
	for _, d := range v.get("/domains?$select=id,isInitial").list() {
		if d["isInitial"] == true {
			return d["id"].(string)
		}
	}
	v.t.Fatal("the tenant has no initial domain")
	return ""
}

// user creates a user with a fresh name.
func (v *writes) user() string {
	v.t.Helper()
	v.n++
	name := fmt.Sprintf("walk-%s-%d", strings.ReplaceAll(v.version, ".", ""), v.n)
	return v.post("/users", `{"accountEnabled":true,"displayName":"`+name+`","mailNickname":"`+name+`","userPrincipalName":"`+name+`@`+v.domain()+`",
		"passwordPolicies":"DisablePasswordExpiration","usageLocation":"DE","passwordProfile":{"password":"f3a1-9c2e-77b0-41d8","forceChangePasswordNextSignIn":false}}`)
}

func (v *writes) people() {
	id := v.user()
	v.get("/users/" + id)
	v.get("/users/" + id + "?$select=id,accountEnabled,displayName,userType,createdDateTime,onPremisesSyncEnabled,onPremisesImmutableId,passwordPolicies,lastPasswordChangeDateTime,signInSessionsValidFromDateTime,signInActivity,isManagementRestricted,assignedLicenses,otherMails,mobilePhone,businessPhones,usageLocation,proxyAddresses,creationType")
	v.patch("/users/"+id, `{"displayName":"Renamed","otherMails":["a@example.com"],"businessPhones":["+49 30 1"],"mobilePhone":null}`)
	v.patch("/users/"+id, `{"passwordProfile":{"password":"0b52-8ee1-4c3d-96fa","forceChangePasswordNextSignIn":false}}`)
	v.patch("/users/"+id, `{"accountEnabled":false}`)
	boss := v.user()
	v.want(204, person, "PUT "+v.at+"/users/"+id+"/manager/$ref", `{"@odata.id":"HOST`+v.at+`/users/`+boss+`"}`)
	v.get("/users/" + id + "/manager")
	v.get("/users/" + id + "?$select=id,displayName&$expand=manager($select=id,displayName)")
	v.get("/users/" + boss + "/directReports")
	v.remove("/users/" + id + "/manager/$ref")
	v.gone("/users/" + id + "/manager")
	v.want(200, person, "POST "+v.at+"/users/"+id+"/revokeSignInSessions", "")
	v.want(200, person, "POST "+v.at+"/users/"+id+"/getMemberGroups", `{"securityEnabledOnly":false}`)
	v.want(200, person, "POST "+v.at+"/users/"+id+"/getMemberObjects", `{"securityEnabledOnly":false}`)
	v.want(200, person, "POST "+v.at+"/users/"+id+"/checkMemberGroups", `{"groupIds":["`+boss+`"]}`)
	v.want(200, person, "POST "+v.at+"/directoryObjects/getByIds", `{"ids":["`+id+`","`+boss+`"],"types":["user","group"]}`)
	v.get("/directoryObjects/" + id)
	v.modelled(200, "GET "+v.at+"/users/delta?$select=id,displayName,accountEnabled", "")
	v.want(400, person, "PATCH "+v.at+"/users/"+id, `{"userPrincipalName":"walk@not-a-domain-of-ours.example"}`)
	v.remove("/users/" + id)
	v.gone("/users/" + id)
	v.get("/directory/deletedItems/microsoft.graph.user")
	v.get("/directory/deletedItems/" + id)
	v.want(200, person, "POST "+v.at+"/directory/deletedItems/"+id+"/restore", "")
	v.remove("/users/" + id)
	v.remove("/directory/deletedItems/" + id)
	v.gone("/directory/deletedItems/" + id)
}

func (v *writes) groups() {
	member, owner := v.user(), v.user()
	id := v.post("/groups", `{"displayName":"Walk `+v.version+`","description":null,"mailEnabled":false,"mailNickname":"walk`+strings.ReplaceAll(v.version, ".", "")+`","securityEnabled":true,
		"owners@odata.bind":["HOST`+v.at+`/directoryObjects/`+owner+`"],"members@odata.bind":["HOST`+v.at+`/users/`+member+`"]}`)
	v.get("/groups/" + id)
	v.get("/groups/" + id + "?$select=id,displayName,isAssignableToRole,isManagementRestricted,securityEnabled,groupTypes,membershipRule&$expand=members($select=id)")
	v.patch("/groups/"+id, `{"description":"told","displayName":"Walked"}`)
	more := v.user()
	v.link("/groups/"+id+"/members", more)
	v.link("/groups/"+id+"/owners", more)
	v.want(400, person, "POST "+v.at+"/groups/"+id+"/members/$ref", `{"@odata.id":"HOST`+v.at+`/directoryObjects/`+more+`"}`) // already there
	v.get("/groups/" + id + "/members?$select=id,displayName,userPrincipalName")
	v.get("/groups/" + id + "/members?$filter=id eq '" + more + "'")
	v.get("/groups/" + id + "/members/microsoft.graph.user?$select=id,accountEnabled")
	v.get("/groups/" + id + "/owners")
	v.get("/groups/" + id + "/transitiveMembers?$select=id")
	v.get("/groups/" + id + "/memberOf")
	v.get("/users/" + more + "/memberOf")
	v.get("/users/" + more + "/transitiveMemberOf/microsoft.graph.group?$select=id,displayName")
	v.get("/users/" + more + "/ownedObjects")
	v.want(200, person, "GET "+v.at+"/groups?$filter=displayName ne 'x'&$count=true&$select=id", "", "ConsistencyLevel", "eventual")
	v.get("/groups?$filter=displayName eq 'Walked' and securityEnabled eq true")
	v.remove("/groups/" + id + "/members/" + more + "/$ref")
	v.get("/groups/" + id + "/owners/" + more + "/$ref")
	v.remove("/groups/" + id + "/owners/" + more + "/$ref")
	v.remove("/groups/" + id) // a security group is gone for good
	v.gone("/groups/" + id)
	v.get("/directory/deletedItems/microsoft.graph.group")
}

func (v *writes) units() {
	id := v.post("/directory/administrativeUnits", `{"displayName":"Walk","description":"w","isMemberManagementRestricted":true}`)
	v.get("/directory/administrativeUnits/" + id)
	v.patch("/directory/administrativeUnits/"+id, `{"description":"more"}`)
	group := v.post("/groups", `{"displayName":"In a unit","mailEnabled":false,"mailNickname":"inaunit`+strings.ReplaceAll(v.version, ".", "")+`","securityEnabled":true}`)
	v.link("/directory/administrativeUnits/"+id+"/members", group)
	v.get("/directory/administrativeUnits/" + id + "/members")
	v.want(403, person, "POST "+v.at+"/groups/"+group+"/members/$ref", `{"@odata.id":"HOST`+v.at+`/directoryObjects/`+v.user()+`"}`)
	v.remove("/directory/administrativeUnits/" + id + "/members/" + group + "/$ref")
	v.remove("/directory/administrativeUnits/" + id)
	v.remove("/groups/" + group)
}

func (v *writes) applications() {
	owner := v.user()
	id := v.post("/applications", `{"displayName":"Walk","signInAudience":"AzureADMyOrg","isFallbackPublicClient":false,
		"requiredResourceAccess":[{"resourceAppId":"00000003-0000-0000-c000-000000000000","resourceAccess":[{"id":"df021288-bdef-4463-88db-98f22de89214","type":"Role"}]}],
		"servicePrincipalLockConfiguration":{"isEnabled":true,"allProperties":true}}`)
	appID := v.get("/applications/" + id).str("appId")
	v.get("/applications(appId='" + appID + "')")
	v.get("/applications?$filter=appId eq '" + appID + "'&$select=id,appId,displayName,passwordCredentials,keyCredentials")
	v.patch("/applications/"+id, `{"notes":"n","publicClient":{"redirectUris":["http://localhost"]}}`)
	v.link("/applications/"+id+"/owners", owner)
	v.get("/applications/" + id + "/owners")
	v.remove("/applications/" + id + "/owners/" + owner + "/$ref")
	secret := v.want(200, person, "POST "+v.at+"/applications/"+id+"/addPassword", `{"passwordCredential":{"displayName":"walk","endDateTime":"2030-01-01T00:00:00Z"}}`)
	v.want(204, person, "POST "+v.at+"/applications/"+id+"/removePassword", `{"keyId":"`+secret.str("keyId")+`"}`)
	v.federated(id)
	sp := v.post("/servicePrincipals", `{"appId":"`+appID+`","appRoleAssignmentRequired":true,"tags":["walk"]}`)
	v.patch("/servicePrincipals/"+sp, `{"accountEnabled":false}`)
	v.get("/servicePrincipals(appId='" + appID + "')")
	v.grants(sp)
	v.remove("/servicePrincipals/" + sp)
	v.remove("/applications/" + id)
	v.get("/directory/deletedItems/microsoft.graph.application")
}

func (v *writes) federated(app string) {
	id := v.post("/applications/"+app+"/federatedIdentityCredentials", `{"name":"walk","issuer":"https://token.actions.githubusercontent.com","subject":"repo:a/b:ref:refs/heads/main","audiences":["api://AzureADTokenExchange"]}`)
	v.get("/applications/" + app + "/federatedIdentityCredentials")
	v.get("/applications/" + app + "/federatedIdentityCredentials/" + id)
	v.patch("/applications/"+app+"/federatedIdentityCredentials/"+id, `{"description":"told"}`)
	v.remove("/applications/" + app + "/federatedIdentityCredentials/" + id)
}

// grants consents to permissions for a service principal, as onboarding does.
func (v *writes) grants(sp string) {
	graphs := v.get("/servicePrincipals?$filter=appId eq '00000003-0000-0000-c000-000000000000'&$select=id,appRoles").list()
	if len(graphs) != 1 {
		v.t.Fatalf("Microsoft Graph's service principal: %d", len(graphs))
	}
	resource := graphs[0]["id"].(string)
	role := v.post("/servicePrincipals/"+sp+"/appRoleAssignments", `{"principalId":"`+sp+`","resourceId":"`+resource+`","appRoleId":"df021288-bdef-4463-88db-98f22de89214"}`)
	v.get("/servicePrincipals/" + sp + "/appRoleAssignments")
	v.remove("/servicePrincipals/" + sp + "/appRoleAssignments/" + role)
	role = v.post("/servicePrincipals/"+resource+"/appRoleAssignedTo", `{"principalId":"`+sp+`","resourceId":"`+resource+`","appRoleId":"df021288-bdef-4463-88db-98f22de89214"}`)
	v.remove("/servicePrincipals/" + resource + "/appRoleAssignedTo/" + role)
	consent := `{"clientId":"` + sp + `","consentType":"AllPrincipals","resourceId":"` + resource + `","scope":"User.Read"`
	if v.version == "beta" { // beta's grants still have the times of old
		consent += `,"startTime":"2026-01-01T00:00:00Z","expiryTime":"2030-01-01T00:00:00Z"`
	}
	grant := v.post("/oauth2PermissionGrants", consent+`}`)
	v.get("/oauth2PermissionGrants/" + grant)
	v.patch("/oauth2PermissionGrants/"+grant, `{"scope":"User.Read openid"}`)
	v.get("/servicePrincipals/" + sp + "/oauth2PermissionGrants")
	v.remove("/oauth2PermissionGrants/" + grant)
}

func (v *writes) conditionalAccess() {
	const all = "/identity/conditionalAccess/policies"
	user := v.user()
	id := v.post(all, `{"displayName":"Walk","state":"enabledForReportingButNotEnforced",
		"conditions":{"users":{"includeUsers":["All"],"excludeUsers":["`+user+`"]},"applications":{"includeApplications":["All"]},"clientAppTypes":["all"]},
		"grantControls":{"operator":"OR","builtInControls":["mfa"]}}`)
	v.get(all + "/" + id)
	v.patch(all+"/"+id, `{"state":"disabled"}`)
	v.patch(all+"/"+id, `{"conditions":{"users":{"includeUsers":["All"],"excludeUsers":["`+user+`","`+v.user()+`"]}}}`)
	v.patch(all+"/"+id, `{"grantControls":{"operator":"OR","builtInControls":[],"authenticationStrength":{"id":"00000000-0000-0000-0000-000000000004"}}}`)
	v.get(all + "/" + id)
	v.get(all + "?$filter=state eq 'disabled'")
	v.get(all + "?$select=id,displayName,state,conditions")
	v.want(400, person, "POST "+v.at+all, `{"displayName":"Walk","state":"enabled","conditions":{"users":{"includeUsers":["nobody"]},"applications":{"includeApplications":["All"]},"clientAppTypes":["all"]},"grantControls":{"operator":"OR","builtInControls":["block"]}}`)
	v.want(200, person, "POST "+v.at+"/identity/conditionalAccess/evaluate", `{"signInIdentity":{"@odata.type":"#microsoft.graph.userSignIn","userId":"`+user+`"},
		"signInContext":{"@odata.type":"#microsoft.graph.applicationContext","includeApplications":["00000003-0000-0000-c000-000000000000"]},
		"signInConditions":{"devicePlatform":"windows","clientAppType":"browser","signInRiskLevel":"none","userRiskLevel":"none","country":"DE","ipAddress":"198.51.100.7"},"appliedPoliciesOnly":false}`)
	v.remove(all + "/" + id)
	v.gone(all + "/" + id)
	const bin = "/identity/conditionalAccess/deletedItems/policies"
	v.get(bin)
	v.get(bin + "/" + id)
	v.want(200, person, "POST "+v.at+bin+"/"+id+"/restore", "")
	v.remove(all + "/" + id)
	v.remove(bin + "/" + id)
}

func (v *writes) locations() {
	const all = "/identity/conditionalAccess/namedLocations"
	ip := v.post(all, `{"@odata.type":"#microsoft.graph.ipNamedLocation","displayName":"Office","isTrusted":true,"ipRanges":[{"@odata.type":"#microsoft.graph.iPv4CidrRange","cidrAddress":"198.51.100.0/24"},{"@odata.type":"#microsoft.graph.iPv6CidrRange","cidrAddress":"2001:db8::/48"}]}`)
	land := v.post(all, `{"@odata.type":"#microsoft.graph.countryNamedLocation","displayName":"Home","countriesAndRegions":["DE"],"includeUnknownCountriesAndRegions":false}`)
	v.get(all)
	v.get(all + "/" + ip)
	v.patch(all+"/"+ip, `{"@odata.type":"#microsoft.graph.ipNamedLocation","displayName":"Offices","isTrusted":false}`)
	v.patch(all+"/"+land, `{"@odata.type":"#microsoft.graph.countryNamedLocation","countriesAndRegions":["DE","FR"]}`)
	v.remove(all + "/" + ip)
	v.remove(all + "/" + land)
	v.get("/identity/conditionalAccess/deletedItems/namedLocations")
}

func (v *writes) contexts() {
	const all = "/identity/conditionalAccess/authenticationContextClassReferences"
	v.post(all, `{"id":"c41","displayName":"Walk","description":"d","isAvailable":true}`)
	v.get(all + "/c41")
	v.patch(all+"/c41", `{"displayName":"Walked","isAvailable":false}`)
	v.remove(all + "/c41")
}

func (v *writes) strengths() {
	for _, all := range []string{"/policies/authenticationStrengthPolicies", "/identity/conditionalAccess/authenticationStrength/policies"} {
		id := v.post(all, `{"displayName":"Walk","description":"d","allowedCombinations":["fido2"]}`)
		v.patch(all+"/"+id, `{"displayName":"Walked"}`)
		if strings.HasPrefix(all, "/identity") { // the table files the two halves of a strength under its two paths
			config := v.post(all+"/"+id+"/combinationConfigurations", `{"@odata.type":"#microsoft.graph.fido2CombinationConfiguration","appliesToCombinations":["fido2"],"allowedAAGUIDs":["cb69481e-8ff7-4039-93ec-0a2729a154a8"]}`)
			v.get(all + "/" + id + "/combinationConfigurations")
			v.remove(all + "/" + id + "/combinationConfigurations/" + config)
		} else {
			v.get(all + "/" + id + "/usage")
			v.want(200, person, "POST "+v.at+all+"/"+id+"/updateAllowedCombinations", `{"allowedCombinations":["fido2","x509CertificateMultiFactor"]}`)
		}
		v.get(all + "/" + id)
		v.remove(all + "/" + id)
	}
}

func (v *writes) policies() {
	v.patch("/policies/authenticationMethodsPolicy", `{"registrationEnforcement":{"authenticationMethodsRegistrationCampaign":{"snoozeDurationInDays":1,"state":"default","excludeTargets":[],"includeTargets":[{"id":"all_users","targetType":"group","targetedAuthenticationMethod":"microsoftAuthenticator"}]}}}`)
	v.get("/policies/authenticationMethodsPolicy")
	v.patch("/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2", `{"@odata.type":"#microsoft.graph.fido2AuthenticationMethodConfiguration","state":"enabled","isAttestationEnforced":true}`)
	v.get("/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2")
	if v.version == "v1.0" {
		v.patch("/policies/authorizationPolicy", `{"allowedToUseSSPR":false}`)
	} else {
		v.patch("/policies/authorizationPolicy/authorizationPolicy", `{"allowedToUseSSPR":false}`)
	}
	v.patch("/policies/identitySecurityDefaultsEnforcementPolicy", `{"isEnabled":false}`)
	v.get("/policies/identitySecurityDefaultsEnforcementPolicy")
}

const reader0 = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b" // Directory Readers

func (v *writes) roles() {
	const all = "/roleManagement/directory/roleAssignments"
	user := v.user()
	id := v.post(all, `{"@odata.type":"#microsoft.graph.unifiedRoleAssignment","roleDefinitionId":"`+reader0+`","principalId":"`+user+`","directoryScopeId":"/"}`)
	v.get(all + "/" + id)
	v.get(all + "?$filter=principalId eq '" + user + "'&$expand=roleDefinition")
	v.get(all + "?$filter=roleDefinitionId eq '62e90394-69f5-4237-9190-012177145e10'&$expand=principal")
	if v.version == "beta" {
		v.want(200, person, "GET "+v.at+"/roleManagement/directory/transitiveRoleAssignments?$count=true&$filter=principalId eq '"+user+"'", "", "ConsistencyLevel", "eventual")
	}
	v.remove(all + "/" + id)
	v.gone(all + "/" + id)
	template := v.want(200, person, "GET "+v.at+"/directoryRoleTemplates", "").list()
	if len(template) == 0 {
		v.t.Error("no role templates")
	}
	role := v.activated()
	v.link("/directoryRoles/"+role+"/members", user)
	v.get("/directoryRoles/" + role + "/members")
	v.get("/directoryRoles(roleTemplateId='" + reader0 + "')")
	v.remove("/directoryRoles/" + role + "/members/" + user + "/$ref")
}

// activated is the activated role of Directory Readers, activated now where it was not.
func (v *writes) activated() string {
	if got := v.get("/directoryRoles?$filter=roleTemplateId eq '" + reader0 + "'").list(); len(got) == 1 {
		return got[0]["id"].(string)
	}
	return v.post("/directoryRoles", `{"roleTemplateId":"`+reader0+`"}`)
}

// privileged goes through Privileged Identity Management.
func (v *writes) privileged() {
	const at = "/roleManagement/directory/"
	user := v.user()
	request := func(action, expiration string) string {
		return `{"action":"` + action + `","justification":"walk","roleDefinitionId":"` + reader0 + `","directoryScopeId":"/","principalId":"` + user + `",
			"scheduleInfo":{"startDateTime":"2026-01-01T00:00:00Z","expiration":` + expiration + `}}`
	}
	id := v.post(at+"roleAssignmentScheduleRequests", request("adminAssign", `{"type":"noExpiration"}`))
	v.get(at + "roleAssignmentScheduleRequests/" + id)
	v.get(at + "roleAssignmentScheduleInstances?$filter=principalId eq '" + user + "'")
	v.get(at + "roleAssignmentSchedules?$filter=principalId eq '" + user + "'&$expand=principal,roleDefinition")
	v.post(at+"roleAssignmentScheduleRequests", `{"action":"adminRemove","roleDefinitionId":"`+reader0+`","directoryScopeId":"/","principalId":"`+user+`"}`)
	eligible := v.post(at+"roleEligibilityScheduleRequests", request("adminAssign", `{"type":"afterDuration","duration":"P30D"}`))
	v.get(at + "roleEligibilityScheduleRequests/" + eligible)
	v.want(204, person, "POST "+v.at+at+"roleAssignmentScheduleRequests/"+seededRequest+v.version+"/cancel", "")
	v.get(at + "roleEligibilityScheduleInstances?$filter=principalId eq '" + user + "'&$expand=principal")
	v.get(at + "roleEligibilitySchedules?$filter=principalId eq '" + user + "'")
	const rules = "/policies/roleManagementPolicyAssignments?$filter=scopeId eq '/' and scopeType eq 'DirectoryRole' and roleDefinitionId eq '"
	got := v.get(rules + reader0 + "'&$expand=policy($expand=rules)").list()
	if len(got) != 1 {
		v.t.Fatalf("%d rule sets for one role", len(got))
	}
	policy, _ := got[0]["policyId"].(string)
	v.get("/policies/roleManagementPolicies/" + policy + "?$expand=rules,effectiveRules")
	v.get("/policies/roleManagementPolicies/" + policy + "/rules")
	v.patch("/policies/roleManagementPolicies/"+policy+"/rules/Expiration_Admin_Assignment", `{"@odata.type":"#microsoft.graph.unifiedRoleManagementPolicyExpirationRule","id":"Expiration_Admin_Assignment","isExpirationRequired":false,"maximumDuration":"P365D",
		"target":{"caller":"Admin","operations":["all"],"level":"Assignment","inheritableSettings":[],"enforcedSettings":[]}}`)
	v.post(at+"roleEligibilityScheduleRequests", `{"action":"adminRemove","roleDefinitionId":"`+reader0+`","directoryScopeId":"/","principalId":"`+user+`"}`)
}

func (v *writes) methods() {
	at := "/users/" + v.user() + "/authentication"
	v.get(at + "/methods")
	phone := v.post(at+"/phoneMethods", `{"phoneNumber":"+49 1701234567","phoneType":"mobile"}`)
	v.get(at + "/phoneMethods/" + phone)
	v.remove(at + "/phoneMethods/" + phone)
	mail := v.post(at+"/emailMethods", `{"emailAddress":"walk@example.com"}`)
	v.get(at + "/emailMethods/" + mail)
	v.remove(at + "/emailMethods/" + mail)
	pass := v.post(at+"/temporaryAccessPassMethods", `{"lifetimeInMinutes":60,"isUsableOnce":true}`)
	v.get(at + "/temporaryAccessPassMethods")
	v.remove(at + "/temporaryAccessPassMethods/" + pass)
	v.modelled(200, "GET "+v.at+at+"/fido2Methods/creationOptions", "")
	if v.version == "beta" {
		v.modelled(200, "GET "+v.at+at+"/fido2Methods/creationOptions(challengeTimeoutInMinutes=10)", "")
		v.get(at + "/requirements")
		v.patch(at+"/requirements", `{"perUserMfaState":"disabled"}`)
	}
	v.modelled(400, "POST "+v.at+at+"/fido2Methods", `{"displayName":"Safe A","publicKeyCredential":{"id":"AAAA","response":{"clientDataJSON":"AAAA","attestationObject":"AAAA"}}}`)
}

func (v *writes) risk() {
	user := v.user()
	v.want(204, person, "POST "+v.at+"/identityProtection/riskyUsers/confirmCompromised", `{"userIds":["`+user+`"]}`)
	v.get("/identityProtection/riskyUsers/" + user)
	v.want(204, person, "POST "+v.at+"/identityProtection/riskyUsers/dismiss", `{"userIds":["`+user+`"]}`)
}

func (v *writes) batches() {
	v.want(200, person, "POST "+v.at+"/$batch", `{"requests":[
		{"id":"1","method":"GET","url":"/users?$top=2&$select=id,displayName"},
		{"id":"2","method":"GET","url":"/users/00000000-0000-0000-0000-000000000000"},
		{"id":"3","method":"POST","url":"/groups","headers":{"Content-Type":"application/json"},"body":{"displayName":"By batch","mailEnabled":false,"mailNickname":"bybatch`+strings.ReplaceAll(v.version, ".", "")+`","securityEnabled":true}},
		{"id":"4","dependsOn":["3"],"method":"GET","url":"/groups?$filter=displayName eq 'By batch'"}]}`)
}

// memberships asks every kind of directory object what it is a member of.
func (v *writes) memberships() {
	group := v.post("/groups", `{"displayName":"Asked","mailEnabled":false,"mailNickname":"asked`+strings.ReplaceAll(v.version, ".", "")+`","securityEnabled":true}`)
	for _, at := range []string{"/users/" + v.other, "/groups/" + group, "/servicePrincipals/" + v.creds.Operator.SP, "/devices/" + seededDevice, "/directoryObjects/" + v.other} {
		v.want(200, person, "POST "+v.at+at+"/getMemberGroups", `{"securityEnabledOnly":false}`)
		v.want(200, person, "POST "+v.at+at+"/getMemberObjects", `{"securityEnabledOnly":false}`)
		v.want(200, person, "POST "+v.at+at+"/checkMemberGroups", `{"groupIds":["`+group+`"]}`)
		v.want(200, person, "POST "+v.at+at+"/checkMemberObjects", `{"ids":["`+group+`"]}`)
	}
	v.remove("/groups/" + group)
}

// owned is what hangs on service principals, users and groups: secrets, owners, app roles.
func (v *writes) owned() {
	app := v.get("/applications/" + v.post("/applications", `{"displayName":"Owned"}`))
	sp := v.post("/servicePrincipals", `{"appId":"`+app.str("appId")+`"}`)
	secret := v.want(200, person, "POST "+v.at+"/servicePrincipals/"+sp+"/addPassword", `{"passwordCredential":{"displayName":"walk"}}`)
	v.want(204, person, "POST "+v.at+"/servicePrincipals/"+sp+"/removePassword", `{"keyId":"`+secret.str("keyId")+`"}`)
	for _, at := range []string{"/applications/" + app.str("id"), "/servicePrincipals/" + sp} {
		v.modelled(200, "POST "+v.at+at+"/addKey", `{"keyCredential":{"type":"AsymmetricX509Cert","usage":"Verify","key":"AAAA"},"proof":"x"}`)
		v.modelled(204, "POST "+v.at+at+"/removeKey", `{"keyId":"`+aID+`","proof":"x"}`)
	}
	v.link("/servicePrincipals/"+sp+"/owners", v.other)
	v.get("/servicePrincipals/" + sp + "/owners")
	v.remove("/servicePrincipals/" + sp + "/owners/" + v.other + "/$ref")
	group := v.post("/groups", `{"displayName":"Assigned","mailEnabled":false,"mailNickname":"assigned`+strings.ReplaceAll(v.version, ".", "")+`","securityEnabled":true}`)
	for _, at := range []string{"users/" + v.other, "groups/" + group} {
		_, id, _ := strings.Cut(at, "/")
		role := v.post("/"+at+"/appRoleAssignments", `{"principalId":"`+id+`","resourceId":"`+sp+`","appRoleId":"00000000-0000-0000-0000-000000000000"}`)
		v.get("/" + at + "/appRoleAssignments")
		v.remove("/" + at + "/appRoleAssignments/" + role)
	}
	v.remove("/groups/" + group)
	v.remove("/servicePrincipals/" + sp)
}

// userAdministrator is the activated role, which may be held over a unit; not every role may.
func (v *writes) userAdministrator() string {
	for _, r := range v.get("/directoryRoles").list() {
		if id, ok := r["id"].(string); ok && r["displayName"] == "User Administrator" {
			return id
		}
	}
	return v.post("/directoryRoles", `{"roleTemplateId":"fe930be7-5e62-47db-91af-98c3a49a38b1"}`)
}

// rest is what fits no story.
func (v *writes) rest() {
	unit := v.post("/directory/administrativeUnits", `{"displayName":"Rest"}`)
	v.post("/directory/administrativeUnits/"+unit+"/members", `{"@odata.type":"#microsoft.graph.group","displayName":"Born in a unit","mailEnabled":false,"mailNickname":"born`+strings.ReplaceAll(v.version, ".", "")+`","securityEnabled":true}`)
	scoped := v.do(person, "POST "+v.at+"/directory/administrativeUnits/"+unit+"/scopedRoleMembers", `{"roleId":"`+v.userAdministrator()+`","roleMemberInfo":{"id":"`+v.other+`"}}`)
	v.get("/directory/administrativeUnits/" + unit + "/scopedRoleMembers")
	v.remove("/directory/administrativeUnits/" + unit + "/scopedRoleMembers/" + scoped.str("id"))
	v.remove("/directory/administrativeUnits/" + unit)
	v.patch("/domains/"+v.domain(), `{"passwordValidityPeriodInDays":2147483647,"passwordNotificationWindowInDays":14}`)
	for _, template := range v.get("/directoryRoleTemplates").list() {
		if a := v.do(person, "POST "+v.at+"/directoryRoles", `{"roleTemplateId":"`+template["id"].(string)+`"}`); a.status == 201 {
			break
		}
	}
	v.modelled(201, "POST "+v.at+"/roleManagement/directory/roleDefinitions", `{"displayName":"Own","isEnabled":true,"rolePermissions":[{"allowedResourceActions":["microsoft.directory/users/standard/read"]}]}`)
	v.modelled(201, "POST "+v.at+"/subscriptions", `{"changeType":"updated","notificationUrl":"https://x.example/n","resource":"users","expirationDateTime":"2030-01-01T00:00:00Z"}`)
	v.modelled(200, "GET "+v.at+"/groups/delta", "")
	v.want(200, person, "GET "+v.at+"/identityGovernance/lifecycleWorkflows/workflows/"+seededWorkflow, "")
}

// everyMethod reads and deletes one method of every kind, below /me or a user.
func (w *walk) everyMethod(v1, beta string) {
	password := "/authentication/methods/28c10230-6103-485e-b985-444c60001490"
	if strings.Contains(v1, "/users/") {
		w.want(202, person, "POST "+v1+password+"/resetPassword", `{"newPassword":"0b52-8ee1-4c3d-96fa-77aa"}`)
	}
	for kind, path := range methodPaths {
		at := v1 + "/authentication/" + path
		if kind == "hardwareOath" {
			at = beta + "/authentication/" + path
		}
		if kind == "external" && strings.HasSuffix(v1, "/me") {
			continue // not documented for oneself
		}
		for _, m := range w.want(200, person, "GET "+at, "").list() {
			one := at + "/" + m["id"].(string)
			w.want(200, person, "GET "+one, "")
			if kind == "fido2" && strings.Contains(v1, "/users/") {
				w.want(204, person, "PATCH "+one, `{"displayName":"Safe B"}`)
			}
			w.want(204, person, "DELETE "+one, "")
		}
	}
}
