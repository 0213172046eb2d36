package contract

import "slices"

// What this file holds is not in the metadata. It is restated from the API reference
// pages ("Create user", "Create group", "user resource type" …) as the project's authors
// remember them, and kept short: only what a mistake would be costly in.

// requiredOnCreate is what a POST needs, by type; a|b means either.
var requiredOnCreate = map[string][]string{
	"user":                                   {"accountEnabled", "displayName", "mailNickname", "userPrincipalName", "passwordProfile"},
	"group":                                  {"displayName", "mailEnabled", "mailNickname", "securityEnabled"},
	"application":                            {"displayName"},
	"servicePrincipal":                       {"appId"},
	"administrativeUnit":                     {"displayName"},
	"directoryRole":                          {"roleTemplateId"},
	"conditionalAccessPolicy":                {"displayName", "state", "conditions"},
	"ipNamedLocation":                        {"displayName", "ipRanges"},
	"countryNamedLocation":                   {"displayName", "countriesAndRegions"},
	"authenticationStrengthPolicy":           {"displayName", "allowedCombinations"},
	"unifiedRoleAssignment":                  {"principalId", "roleDefinitionId", "directoryScopeId|appScopeId"},
	"unifiedRoleAssignmentScheduleRequest":   {"action", "principalId", "roleDefinitionId", "directoryScopeId|appScopeId"},
	"unifiedRoleEligibilityScheduleRequest":  {"action", "principalId", "roleDefinitionId", "directoryScopeId|appScopeId"},
	"oAuth2PermissionGrant":                  {"clientId", "consentType", "resourceId", "scope"},
	"appRoleAssignment":                      {"appRoleId", "principalId", "resourceId"},
	"fido2AuthenticationMethod":              {"publicKeyCredential"},
	"phoneAuthenticationMethod":              {"phoneNumber", "phoneType"},
	"subscription":                           {"changeType", "notificationUrl", "resource", "expirationDateTime"},
	"domain":                                 {"id"},
	"privilegedAccessGroupAssignmentRequest": {"principalId", "groupId"},
}

// readOnlyProperties are written by the service alone, beyond what the metadata marks.
var readOnlyProperties = map[string][]string{
	"user": {
		"id", "createdDateTime", "deletedDateTime", "creationType", "lastPasswordChangeDateTime", "signInSessionsValidFromDateTime",
		"signInActivity", "isManagementRestricted", "securityIdentifier", "onPremisesSyncEnabled", "onPremisesLastSyncDateTime",
		"assignedPlans", "provisionedPlans", "licenseAssignmentStates", "proxyAddresses", "imAddresses", "externalUserStateChangeDateTime",
	},
	"group":                                {"id", "createdDateTime", "deletedDateTime", "renewedDateTime", "expirationDateTime", "securityIdentifier", "isManagementRestricted", "onPremisesSyncEnabled", "proxyAddresses"},
	"application":                          {"id", "appId", "createdDateTime", "deletedDateTime", "publisherDomain"},
	"servicePrincipal":                     {"id", "deletedDateTime", "appOwnerOrganizationId", "appDisplayName"},
	"administrativeUnit":                   {"id", "deletedDateTime"},
	"conditionalAccessPolicy":              {"id", "createdDateTime", "modifiedDateTime", "deletedDateTime", "templateId"},
	"namedLocation":                        {"id", "createdDateTime", "modifiedDateTime", "deletedDateTime"},
	"authenticationStrengthPolicy":         {"id", "createdDateTime", "modifiedDateTime", "policyType", "requirementsSatisfied"},
	"unifiedRoleAssignment":                {"id"},
	"unifiedRoleAssignmentScheduleRequest": {"id", "status", "createdDateTime", "completedDateTime", "createdBy", "approvalId"},
	"appRoleAssignment":                    {"id", "createdDateTime", "principalDisplayName", "principalType", "resourceDisplayName"},
	"oAuth2PermissionGrant":                {"id"},
	"authenticationMethodsPolicy":          {"id", "lastModifiedDateTime", "policyVersion"},
	"authenticationMethod":                 {"createdDateTime", "lastUsedDateTime"},
	"fido2AuthenticationMethod":            {"aaGuid", "model", "attestationLevel", "attestationCertificates", "passkeyType"},
}

func isReadOnly(m *graphModel, typ, name string) bool {
	for t := m.Types[typ]; t != nil; t = m.Types[t.Base] {
		if slices.Contains(readOnlyProperties[t.name], name) {
			return true
		}
	}
	return false
}

// defaultView are the properties an answer holds without $select, where Graph leaves the
// others out ("user resource type": a subset is returned by default, v1.0 only).
var defaultView = map[string][]string{
	"user": {
		"businessPhones", "displayName", "givenName", "id", "jobTitle", "mail", "mobilePhone", "officeLocation",
		"preferredLanguage", "surname", "userPrincipalName",
	},
}

// selectOnly are properties that no answer holds unless $select names them.
var selectOnly = map[string][]string{
	"user": {
		"signInActivity", "mailboxSettings", "customSecurityAttributes", "aboutMe", "birthday", "hireDate", "interests",
		"mySite", "pastProjects", "responsibilities", "schools", "skills", "print",
	},
	"group": {"allowExternalSenders", "autoSubscribeNewMembers", "isSubscribedByMail", "unseenCount", "hideFromAddressLists", "hideFromOutlookClients"},
}

// omittedWhenEmpty are selected properties that an answer leaves out where there is nothing to say.
var omittedWhenEmpty = map[string][]string{
	"user": {"signInActivity", "customSecurityAttributes", "mailboxSettings"},
}

// inDefaultView says whether an answer may hold a property under a view.
func (m *graphModel) inDefaultView(typ, name string, v *view) bool {
	if v == nil {
		return true
	}
	if v.selected != nil {
		return v.wants(name)
	}
	if slices.Contains(selectOnly[typ], name) {
		return false
	}
	if list, ok := defaultView[typ]; ok && m.version == "v1.0" {
		return slices.Contains(list, name)
	}
	return true
}
