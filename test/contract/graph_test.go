package contract

import (
	"regexp"
	"strings"
	"testing"
)

const oneUser = `{"businessPhones":[],"displayName":"Ada","givenName":null,"id":"` + aID + `","jobTitle":null,"mail":null,
 "mobilePhone":null,"officeLocation":null,"preferredLanguage":null,"surname":null,"userPrincipalName":"ada@contoso.example"}`

func userList(members string) string {
	return `{"@odata.context":"HOST/v1.0/$metadata#users","value":[` + members + `]}`
}

func entityAnswer(version, fragment, members string) string {
	return `{"@odata.context":"HOST/` + version + `/$metadata#` + fragment + `",` + members + `}`
}

func TestPathsResolveAsGraphWouldResolveThem(t *testing.T) {
	c := fresh(t)
	for call, want := range map[string][]string{
		"GET /v1.0/users/" + aID:                                             nil,
		"GET /v1.0/" + bID + "/users/" + aID:                                 nil,
		"GET /beta/contoso.example/users/" + aID:                             nil,
		"GET /some/base/v1.0/users('" + aID + "')":                           nil,
		"GET /v1.0/me":                                                       nil,
		"GET /v1.0/users/ada@contoso.example/memberOf/microsoft.graph.group": nil,
		"GET /v1.0/users/delta":                                              nil,
		"GET /v1.0/applications(appId='" + aID + "')":                        nil,
		"GET /v1.0/directory/deletedItems/microsoft.graph.user":              nil,
		"GET /v1.0/groups/" + aID + "/transitiveMembers/$count":              {"consistency-level"},
		"GET /beta/users/" + aID + "/authentication/fido2Methods/creationOptions(challengeTimeoutInMinutes=10)":  nil,
		"GET /beta/users/" + aID + "/authentication/requirements":                                                nil,
		"GET /v1.0/roleManagement/directory/roleAssignmentScheduleInstances/filterByCurrentUser(on='principal')": nil,
		"GET /beta/policies/authorizationPolicy/authorizationPolicy":                                             {"method"},
		"GET /v1.0/user":                                                                                                           {"unknown-path"},
		"GET /v1.0/users/" + aID + "/memberof":                                                                                     {"path-case"},
		"GET /v1.0/users/" + aID + "/members":                                                                                      {"unknown-path"},
		"GET /v1.0/users/" + aID + "/authentication/requirements":                                                                  {"unknown-path"},
		"GET /v1.0/identity/conditionalAccess/policy":                                                                              {"unknown-path"},
		"GET /v1.0/applications(objectId='" + aID + "')":                                                                           {"unknown-path"},
		"GET /v1.0/users/delta(x=1)":                                                                                               {"unknown-path"},
		"GET /v1.0/users//memberOf":                                                                                                {"unknown-path"},
		"GET /v1.0/groups/" + aID + "/members/microsoft.graph.conditionalAccessPolicy":                                             {"unknown-path"},
		"GET /v1.0/users/$count/more":                                                                                              {"unknown-path"},
		"GET /v1.0/roleManagement/directory/roleAssignmentScheduleInstances/filterByCurrentUser":                                   {"unknown-path"},
		"GET /v1.0/roleManagement/directory/roleAssignmentScheduleInstances/" + aID + "/roleDefinition":                            {"no-operation"},
		"GET /v1.0/servicePrincipals/" + aID + "/remoteDesktopSecurityConfiguration":                                               {"not-covered"},
		"GET /oauth2/nothing":                                                                                                      {"not-covered"},
		"GET /v1.0/groups/" + aID + "/members/microsoft.graph.user":                                                                nil,
		"GET /v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2":                                  nil,
		"GET /v1.0/policies/roleManagementPolicies/DirectoryRole_" + aID + "/rules/Expiration_Admin_Assignment":                    nil,
		"GET /v1.0/directoryRoles(roleTemplateId='62e90394-69f5-4237-9190-012177145e10')/members":                                  nil,
		"GET /v1.0/directoryRoles(roleTemplateId=62e90394-69f5-4237-9190-012177145e10)/members":                                    {"unknown-path"},
		"GET /v1.0/users/" + aID + "/authentication/fido2Methods/creationOptions/more":                                             {"unknown-path"},
		"GET /v1.0/identity/conditionalAccess/policies/" + aID + "/conditions/users":                                               {"no-operation"},
		"GET /v1.0/identity/conditionalAccess/policies/" + aID + "/conditions/user":                                                {"unknown-path"},
		"GET /v1.0/reports/authenticationMethods/usersRegisteredByFeature(includedUserTypes='all',includedUserRoles='all')":        nil,
		"GET /v1.0/servicePrincipals/" + aID + "/appRoleAssignedTo":                                                                nil,
		"GET /v1.0/users/" + aID + "/transitiveMemberOf/microsoft.graph.directoryRole?$count=true":                                 nil,
		"GET /v1.0/identityProtection/riskyUsers/" + aID:                                                                           nil,
		"GET /v1.0/policies/authenticationStrengthPolicies/00000000-0000-0000-0000-000000000004/usage":                             nil,
		"GET /v1.0/policies/authenticationStrengthPolicies/00000000-0000-0000-0000-000000000004/combinationConfigurations/x/y/z/q": {"unknown-path"},
	} {
		expect(t, c, exchange{call: call}, want...)
	}
}

func TestMethodsAreThoseOfThePermissionTable(t *testing.T) {
	c := fresh(t)
	for _, x := range []struct {
		call, body string
		want       []string
	}{
		{"DELETE /v1.0/users/" + aID, "", nil},
		{"DELETE /v1.0/users", "", []string{"method"}},
		{"PUT /v1.0/identity/conditionalAccess/policies/" + aID, `{}`, []string{"method"}},
		{"GET /v1.0/users/" + aID + "/revokeSignInSessions", "", []string{"method", "method:revokeSignInSessions"}},
		{"POST /v1.0/users/" + aID + "/revokeSignInSessions", "", nil},
		{"DELETE /v1.0/users/" + aID, `{"x":1}`, []string{"json"}},
		{"POST /v1.0/users", "", []string{"json"}},
		{"DELETE /v1.0/groups/" + aID + "/members/" + bID + "/$ref", "", nil},
		// Without $ref this would delete the member itself.
		{"DELETE /v1.0/groups/" + aID + "/members/" + bID, "", []string{"reference:members"}},
		{"POST /v1.0/groups/" + aID + "/members", `{"@odata.id":"HOST/v1.0/directoryObjects/` + bID + `"}`, []string{"reference:members"}},
		{"DELETE /v1.0/directory/deletedItems/" + aID, "", nil},
	} {
		expect(t, c, exchange{call: x.call, body: x.body}, x.want...)
	}
}

func TestReferencesNameWhatExists(t *testing.T) {
	c := fresh(t)
	call := "POST /v1.0/groups/" + aID + "/members/$ref"
	for body, want := range map[string][]string{
		`{"@odata.id":"HOST/v1.0/directoryObjects/` + bID + `"}`:             nil,
		`{"@odata.id":"HOST/v1.0/users/` + bID + `"}`:                        nil,
		`{"@odata.id":"HOST/v1.0/domains/x"}`:                                {"reference"},
		`{"@odata.id":"HOST/v1.0/users"}`:                                    {"reference"},
		`{"@odata.id":"HOST/v1.0/people/` + bID + `"}`:                       {"reference"},
		`{"@odata.id":"users/` + bID + `"}`:                                  {"reference"},
		`{"@odata.id":"https://other.example/v1.0/users/` + bID + `"}`:       {"reference"},
		`{"id":"` + bID + `"}`:                                               {"reference", "unknown-property:id"},
		`{"@odata.id":"HOST/v1.0/directoryObjects/` + bID + `","more":true}`: {"unknown-property:more"},
	} {
		expect(t, c, exchange{call: call, body: body, status: 204}, want...)
	}
}

func TestQueryOptionsAreHeldToTheType(t *testing.T) {
	c := fresh(t)
	const ca = "GET /beta/identity/conditionalAccess/policies"
	for call, want := range map[string][]string{
		"GET /v1.0/users?$select=id,displayName,accountEnabled,signInActivity&$top=999": nil,
		"GET /v1.0/users?%24select=id":                                                                    nil,
		"GET /v1.0/users?select=id":                                                                       {"query:select"},
		"GET /v1.0/users?$select=id,dispayName":                                                           {"unknown-property:dispayName"},
		"GET /v1.0/users?$select=id&$select=mail":                                                         {"query:$select"},
		"GET /v1.0/users?$top=1000":                                                                       {"query:$top"},
		"GET /v1.0/auditLogs/signIns?$top=1000":                                                           nil,
		"GET /v1.0/users?$count=yes":                                                                      {"query:$count"},
		"GET /v1.0/users?$orderby=displayName descending":                                                 {"query:$orderby"},
		"GET /v1.0/users?$orderby=name":                                                                   {"unknown-property:name"},
		"GET /v1.0/users/" + aID + "?$filter=id eq 'x'":                                                   {"query:$filter"},
		"GET /v1.0/users?$filter=accountEnabled eq true and startswith(displayName,'A')":                  nil,
		"GET /v1.0/users?$filter=accountEnabled eq 'true'":                                                {"wrong-type:accountEnabled"},
		"GET /v1.0/users?$filter=accountEnable eq true":                                                   {"unknown-property:accountEnable"},
		"GET /v1.0/users?$filter=displayName eq 'O''Neil'":                                                nil,
		"GET /v1.0/users?$filter=displayName eq 'O'Neil'":                                                 {"query:$filter"},
		"GET /v1.0/users?$filter=displayName = 'x'":                                                       {"query:$filter"},
		"GET /v1.0/users?$filter=(displayName eq 'x'":                                                     {"query:$filter"},
		"GET /v1.0/users?$filter=displayName":                                                             {"query:$filter"},
		"GET /v1.0/users?$filter=displayName eq 'x' or":                                                   {"query:$filter"},
		"GET /v1.0/users?$filter=like(displayName,'x')":                                                   {"query:$filter"},
		"GET /v1.0/users?$filter=userType ne 'Member'":                                                    {"consistency-level", "consistency-level:$count"},
		"GET /v1.0/users?$search=\"displayName:ada\"":                                                     {"consistency-level"},
		"GET /v1.0/users?$search=ada":                                                                     {"consistency-level", "query:$search"},
		"GET /v1.0/users?$filter=id in ('" + aID + "','" + bID + "')":                                     nil,
		"GET /v1.0/users?$filter=assignedLicenses/any(l:l/skuId eq " + aID + ")":                          nil,
		"GET /v1.0/users?$filter=assignedLicenses/any(l:l/skuId eq '" + aID + "')":                        {"wrong-type:l/skuId"},
		"GET /v1.0/users?$filter=assignedLicenses/any(l:l/sku eq " + aID + ")":                            {"unknown-property:sku"},
		"GET /v1.0/users?$filter=displayName/any(l:l eq 'x')":                                             {"query:$filter"},
		"GET /v1.0/users?$filter=createdDateTime ge 2026-01-01T00:00:00Z":                                 nil,
		"GET /v1.0/users?$filter=createdDateTime ge '2026-01-01T00:00:00Z'":                               {"wrong-type:createdDateTime"},
		"GET /v1.0/users?$expand=manager($select=id;$levels=max)":                                         nil,
		"GET /v1.0/users?$expand=manager($select=idd)":                                                    {"unknown-property:idd"},
		"GET /v1.0/users?$expand=displayName":                                                             {"unknown-property:displayName"},
		"GET /v1.0/users?$expand=manager($chose=id)":                                                      {"query:$chose"},
		"GET /v1.0/groups/" + aID + "/members?$select=id,displayName,userPrincipalName&$filter=id eq 'x'": nil,
		"GET /v1.0/groups/" + aID + "/members?$select=id,userPrincipleName":                               {"unknown-property:userPrincipleName"},
		"GET /v1.0/policies/roleManagementPolicyAssignments?$filter=scopeId eq '/' and scopeType eq 'DirectoryRole'&$expand=policy($expand=rules)": nil,
		"GET /v1.0/policies/roleManagementPolicyAssignments?$expand=policies":                                                                      {"unknown-property:policies"},
		"GET /v1.0/roleManagement/directory/roleAssignments?$filter=roleDefinitionId eq 'x'&$expand=principal":                                     nil,
		"GET /v1.0/auditLogs/directoryAudits?$filter=activityDateTime ge 2026-01-01T00:00:00Z and targetResources/any(t:t/id eq 'x')":              nil,
		"GET /v1.0/auditLogs/directoryAudits?$filter=initiatedBy/user/id eq 'x'":                                                                   nil,
		"GET /v1.0/auditLogs/directoryAudits?$filter=initiatedBy/person/id eq 'x'":                                                                 {"unknown-property:person"},
		"GET /v1.0/auditLogs/signIns?$filter=signInEventTypes/any(t:t eq 'nonInteractiveUser')":                                                    {"unknown-property:signInEventTypes"},
		"GET /beta/auditLogs/signIns?$filter=(signInEventTypes/any(t: t eq 'nonInteractiveUser') or signInEventTypes/any(t: t eq 'x'))":            nil,
		ca + "?$filter=state eq 'enabled'":                                            nil,
		ca + "?$filter=state eq 'on'":                                                 {"unknown-enum:on"},
		"POST /v1.0/users/" + aID + "/revokeSignInSessions?$select=id":                nil,
		"DELETE /v1.0/users/" + aID + "?$select=id":                                   {"query:$select"},
		"GET /v1.0/users?api-version=1.6":                                             {"query:api-version"},
		"GET /v1.0/servicePrincipals?$filter=appId eq '" + aID + "'":                  nil,
		"GET /v1.0/servicePrincipals?$filter=appOwnerOrganizationId eq '" + aID + "'": {"wrong-type:appOwnerOrganizationId"},
	} {
		expect(t, c, exchange{call: call}, want...)
	}
	expect(t, c, exchange{call: "GET /v1.0/users?$filter=userType ne 'Member'&$count=true", header: eventual})
	expect(t, c, exchange{call: "GET /v1.0/users/$count", header: eventual, status: 200, answer: "3"})
	expect(t, c, exchange{call: "GET /v1.0/users/$count", header: eventual, status: 200, answer: `{"value":3}`}, "shape")
}

const goodUser = `"accountEnabled":true,"displayName":"A","mailNickname":"a","userPrincipalName":"a@contoso.example","passwordProfile":{"password":"x","forceChangePasswordNextSignIn":false}`

func TestWhatIsWrittenIsHeldToTheType(t *testing.T) {
	c := fresh(t)
	for _, x := range []struct {
		call, body string
		want       []string
	}{
		{"POST /v1.0/users", `{` + goodUser + `}`, nil},
		{"POST /v1.0/users", `{` + goodUser + `,"dispayName":"x"}`, []string{"unknown-property:dispayName"}},
		{"POST /v1.0/users", `{"accountEnabled":"yes","displayName":"A","mailNickname":"a","userPrincipalName":"a"}`, []string{"missing-property:passwordProfile", "wrong-type"}},
		{"POST /v1.0/users", `{` + goodUser + `,"id":"x"}`, []string{"read-only:id"}},
		{"POST /v1.0/users", `{` + goodUser + `,"displayName":"x"}`, []string{"json"}},
		{"POST /v1.0/users", `[]`, []string{"json"}},
		{"POST /v1.0/users", `{`, []string{"json"}},
		{"PATCH /v1.0/users/" + aID, `{"passwordProfile":{"password":"x","forceChangePasswordNextSignIn":false}}`, nil},
		{"PATCH /v1.0/users/" + aID, `{"passwordProfile":{"password":"x","forceChange":false}}`, []string{"unknown-property:forceChange"}},
		{"PATCH /v1.0/users/" + aID, `{"lastPasswordChangeDateTime":"2026-01-01T00:00:00Z"}`, []string{"read-only:lastPasswordChangeDateTime"}},
		{"PATCH /v1.0/users/" + aID, `{"otherMails":null}`, []string{"null:otherMails"}},
		{"PATCH /v1.0/users/" + aID, `{"otherMails":[1]}`, []string{"wrong-type"}},
		{"PATCH /v1.0/users/" + aID, `{"otherMails":"x"}`, []string{"wrong-type"}},
		{"PATCH /v1.0/users/" + aID, `{"employeeHireDate":"yesterday"}`, []string{"wrong-type"}},
		{"PATCH /v1.0/users/" + aID, `{"manager":{"id":"x"}}`, []string{"reference:manager"}},
		{"POST /v1.0/groups", `{"displayName":"g","mailEnabled":false,"mailNickname":"g","securityEnabled":true,"owners@odata.bind":["HOST/v1.0/users/` + aID + `"]}`, nil},
		{"POST /v1.0/groups", `{"displayName":"g","mailEnabled":false,"mailNickname":"g","securityEnabled":true,"owner@odata.bind":["HOST/v1.0/users/` + aID + `"]}`, []string{"unknown-property:owner"}},
		{"POST /v1.0/groups", `{"displayName":"g","mailEnabled":false,"mailNickname":"g","securityEnabled":true,"owners@odata.bind":"HOST/v1.0/users/` + aID + `"}`, []string{"reference:owners"}},
		{"POST /v1.0/groups", `{"displayName":"g","mailEnabled":false}`, []string{"missing-property:mailNickname", "missing-property:securityEnabled"}},
		{"POST /v1.0/roleManagement/directory/roleAssignments", `{"roleDefinitionId":"r","principalId":"p","directoryScopeId":"/"}`, nil},
		{"POST /v1.0/roleManagement/directory/roleAssignments", `{"roleDefinitionId":"r","principalId":"p"}`, []string{"missing-property:directoryScopeId|appScopeId"}},
		{"POST /v1.0/roleManagement/directory/roleAssignmentScheduleRequests", `{"action":"adminAssign","justification":"j","roleDefinitionId":"r","directoryScopeId":"/","principalId":"p",
			"scheduleInfo":{"startDateTime":"2026-01-01T00:00:00Z","expiration":{"type":"noExpiration"}}}`, nil},
		{
			"POST /v1.0/roleManagement/directory/roleAssignmentScheduleRequests", `{"action":"adminassign","roleDefinitionId":"r","directoryScopeId":"/","principalId":"p",
			"scheduleInfo":{"startDateTime":"2026-01-01T00:00:00Z","expiration":{"type":"never","duration":"8h"}}}`,
			[]string{"unknown-enum:adminassign", "unknown-enum:never", "wrong-type"},
		},
	} {
		expect(t, c, exchange{call: x.call, body: x.body}, x.want...)
	}
	noType := exchange{call: "PATCH /v1.0/users/" + aID, body: `{"displayName":"x"}`, header: map[string]string{"Content-Type": "text/plain"}}
	expect(t, c, noType, "header:Content-Type")
}

func TestAPolicyIsNeverSentBackAsItWasRead(t *testing.T) {
	c := fresh(t)
	one := "PATCH /v1.0/identity/conditionalAccess/policies/" + aID
	const users = `{"includeUsers":["All"],"excludeUsers":["` + bID + `"]}`
	for _, x := range []struct {
		call, body string
		want       []string
	}{
		{one, `{"conditions":{"users":` + users + `}}`, nil},
		{one, `{"id":"` + aID + `","modifiedDateTime":null,"conditions":{"users":` + users + `}}`, []string{"read-only:id", "read-only:modifiedDateTime"}},
		{one, `{"conditions":null}`, []string{"null:conditions"}},
		{one, `{"conditions":{"user":` + users + `}}`, []string{"unknown-property:user"}},
		{one, `{"conditions":{"clientAppTypes":["all","browsers"]}}`, []string{"unknown-enum:browsers"}},
		{one, `{"state":"reportOnly"}`, []string{"unknown-enum:reportOnly"}},
		{one, `{"grantControls":{"operator":"OR","builtInControls":["mfa"],"authenticationStrength":{"id":"x"}}}`, nil},
		{one, `{"conditions":{"agents":{}}}`, []string{"unknown-property:agents"}},
		{"POST /v1.0/identity/conditionalAccess/policies", `{"displayName":"x","state":"enabled"}`, []string{"missing-property:conditions"}},
		{"POST /v1.0/identity/conditionalAccess/namedLocations", `{"@odata.type":"#microsoft.graph.ipNamedLocation","displayName":"x","isTrusted":true,"ipRanges":[{"@odata.type":"#microsoft.graph.iPv4CidrRange","cidrAddress":"10.0.0.0/8"}]}`, nil},
		{"POST /v1.0/identity/conditionalAccess/namedLocations", `{"displayName":"x","isTrusted":true}`, []string{"unknown-property:isTrusted"}},
		{"POST /v1.0/identity/conditionalAccess/namedLocations", `{"@odata.type":"#microsoft.graph.ipNamedLocation","displayName":"x","ipRanges":[{"cidrAddress":"10.0.0.0/8"}]}`, []string{"missing-type"}},
		{"POST /v1.0/identity/conditionalAccess/namedLocations", `{"@odata.type":"#microsoft.graph.user","displayName":"x"}`, []string{"unknown-type:user"}},
		{"PATCH /v1.0/policies/roleManagementPolicies/p/rules/r", `{"@odata.type":"#microsoft.graph.unifiedRoleManagementPolicyExpirationRule","isExpirationRequired":false,"maximumDuration":"P365D"}`, nil},
		{"PATCH /v1.0/policies/roleManagementPolicies/p/rules/r", `{"isExpirationRequired":false}`, []string{"missing-type"}},
		{"PATCH /v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2", `{"@odata.type":"#microsoft.graph.fido2AuthenticationMethodConfiguration","state":"enabled"}`, nil},
	} {
		expect(t, c, exchange{call: x.call, body: x.body}, x.want...)
	}
}

func TestActionParametersAreThoseOfTheAction(t *testing.T) {
	c := fresh(t)
	const evaluate = "POST /v1.0/identity/conditionalAccess/evaluate"
	for _, x := range []struct {
		call, body string
		want       []string
	}{
		{evaluate, `{"signInIdentity":{"@odata.type":"#microsoft.graph.userSignIn","userId":"x"},
			"signInContext":{"@odata.type":"#microsoft.graph.applicationContext","includeApplications":["y"]},
			"signInConditions":{"devicePlatform":"windows","clientAppType":"browser","signInRiskLevel":"high","country":"US","ipAddress":"40.77.182.32",
			"authenticationFlow":{"transferMethod":"deviceCodeFlow"},"deviceInfo":{"isCompliant":false}},"appliedPoliciesOnly":true}`, nil},
		{evaluate, `{"signInIdentity":{"userId":"x"}}`, []string{"missing-type"}},
		{evaluate, `{"signInConditions":{"devicePlatform":"Windows"}}`, []string{"unknown-enum:Windows"}},
		{evaluate, `{"identity":{}}`, []string{"unknown-property:identity"}},
		{"POST /v1.0/directoryObjects/getByIds", `{"ids":["` + aID + `"],"types":["user"]}`, nil},
		{"POST /v1.0/directoryObjects/getByIds", `{"types":["user"]}`, []string{"missing-property:ids"}},
		{"POST /v1.0/users/" + aID + "/checkMemberGroups", "", []string{"missing-property:groupIds"}},
		{"POST /v1.0/identityProtection/riskyUsers/dismiss", `{"userIds":["x"]}`, nil},
		{"POST /v1.0/identityProtection/riskyUsers/dismiss", `{"userIds":"x"}`, []string{"wrong-type"}},
		{"POST /v1.0/users/" + aID + "/authentication/methods/28c10230-6103-485e-b985-444c60001490/resetPassword", `{"newPassword":"x"}`, nil},
	} {
		expect(t, c, exchange{call: x.call, body: x.body}, x.want...)
	}
}

// The table and the model describe the same service, so every call of the table resolves.
func TestEveryCallOfThePermissionTableResolves(t *testing.T) {
	c := fresh(t)
	// An address without parentheses, and operations of calendars, licences and profiles that
	// the trimmed model leaves out.
	unusual := regexp.MustCompile(`^/directoryroles/roletemplateid=|/calendarview/delta$|/getteamslicensingdetails$|/responsibilities/{}$`)
	n := 0
	for version, m := range c.graph {
		for template := range m.Paths {
			if unusual.MatchString(template) {
				continue
			}
			n++
			path := strings.NewReplacer("(appid={})", "(appid='x')", "(roletemplateid={})", "(roletemplateid='x')", "={}", "='x'", "{}", "x").Replace(template)
			tg, err := m.walk(path)
			if err != nil {
				t.Errorf("%s %s: %v", version, template, err)
				continue
			}
			if _, ok := m.operations(tg); !ok {
				t.Errorf("%s %s resolves to %s, which the table does not have", version, template, tg.template)
			}
		}
	}
	if n < 800 {
		t.Errorf("only %d calls in the table", n)
	}
}
