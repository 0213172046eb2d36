package msapi

import "strings"

// A need is what one operation takes: the least privileged permission for an application and
// for a person, a directory role that a person needs besides, a licence.
type need struct {
	method, pattern string
	app, delegated  string
	role            string
	licence         string
}

const (
	p1 = "Microsoft Entra ID P1"
	p2 = "Microsoft Entra ID P2 or Governance"
)

// needs is what our operations take. Permissions: Graph's permission data (the least
// privileged, or for what the watch identity reads the one of WatchPermissions that covers it); roles: the operations' pages, partly
// from memory; licences: "Licensing" of the features' pages. {} stands for one segment, what
// follows a ? must be in the query. The first match counts.
var needs = []need{
	{"GET", "/organization", "User.Read.All", "User.Read.All", "", ""},
	{"GET", "/domains", "Domain.Read.All", "Domain.Read.All", "Global Reader", ""},
	{"GET", "/subscribedSkus", "LicenseAssignment.Read.All", "LicenseAssignment.Read.All", "Global Reader", ""},
	{"GET", "/policies/identitySecurityDefaultsEnforcementPolicy", "Policy.Read.All", "Policy.Read.All", "Global Reader", ""},
	{"GET", "/policies/authorizationPolicy", "Policy.Read.All", "Policy.Read.All", "", ""},
	{"GET", "/policies/authenticationMethodsPolicy", "Policy.Read.All", "Policy.Read.All", "Global Reader", ""},
	{"PATCH", "/policies/authenticationMethodsPolicy/{}/{}", "Policy.ReadWrite.AuthenticationMethod", "Policy.ReadWrite.AuthenticationMethod", "Authentication Policy Administrator", ""},
	{"GET", "/policies/authenticationStrengthPolicies", "Policy.Read.All", "Policy.Read.All", "Global Reader", ""},
	{"GET", "/policies/roleManagementPolicyAssignments", "RoleManagement.Read.Directory", "RoleManagementPolicy.Read.Directory", "Global Reader", p2},
	{"PATCH", "/policies/roleManagementPolicies/{}/rules/{}", "", "RoleManagementPolicy.ReadWrite.Directory", "Privileged Role Administrator", p2}, // people only
	{"POST", "/identity/conditionalAccess/evaluate", "Policy.Read.ConditionalAccess", "Policy.Read.ConditionalAccess", "Global Reader", p1},
	{"GET", "/identity/conditionalAccess/*", "Policy.Read.All", "Policy.Read.All", "Global Reader", p1},
	{"*", "/identity/conditionalAccess/*", "Policy.ReadWrite.ConditionalAccess", "Policy.ReadWrite.ConditionalAccess", "Conditional Access Administrator", p1},
	{"GET", "/roleManagement/directory/roleAssignments/*", "RoleManagement.Read.Directory", "RoleManagement.Read.Directory", "Global Reader", ""},
	{"*", "/roleManagement/directory/roleAssignments/*", "RoleManagement.ReadWrite.Directory", "RoleManagement.ReadWrite.Directory", "Privileged Role Administrator", ""},
	{"GET", "/roleManagement/directory/roleAssignmentScheduleInstances", "RoleManagement.Read.Directory", "RoleManagement.Read.Directory", "Global Reader", p2},
	{"GET", "/roleManagement/directory/roleEligibilityScheduleInstances", "RoleManagement.Read.Directory", "RoleManagement.Read.Directory", "Global Reader", p2},
	{"*", "/roleManagement/directory/roleAssignmentScheduleRequests/*", "RoleAssignmentSchedule.ReadWrite.Directory", "RoleAssignmentSchedule.ReadWrite.Directory", "Privileged Role Administrator", p2},
	{"*", "/roleManagement/directory/roleEligibilityScheduleRequests/*", "RoleEligibilitySchedule.ReadWrite.Directory", "RoleEligibilitySchedule.ReadWrite.Directory", "Privileged Role Administrator", p2},
	{"GET", "/users/{}/authentication/requirements", "Policy.Read.All", "Policy.Read.All", "Global Reader", ""},
	{"GET", "/users/{}/authentication/*", "UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.Read.All", "Global Reader", ""},
	{"PATCH", "/users/{}/authentication/requirements", "Policy.ReadWrite.AuthenticationMethod", "Policy.ReadWrite.AuthenticationMethod", "Authentication Policy Administrator", ""},
	{"*", "/users/{}/authentication/fido2Methods/*", "UserAuthMethod-Passkey.ReadWrite.All", "UserAuthMethod-Passkey.ReadWrite.All", "Privileged Authentication Administrator", ""},
	{"*", "/users/{}/authentication/temporaryAccessPassMethods/*", "UserAuthMethod-TAP.ReadWrite.All", "UserAuthMethod-TAP.ReadWrite.All", "Privileged Authentication Administrator", ""},
	{"*", "/users/{}/authentication/*", "UserAuthenticationMethod.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All", "Privileged Authentication Administrator", ""},
	{"POST", "/users/{}/revokeSignInSessions", "User.RevokeSessions.All", "User.RevokeSessions.All", "Privileged Authentication Administrator", ""},
	{"GET", "/users/{}/transitiveMemberOf", "User.Read.All", "User.Read.All", "Global Reader", ""},
	{"GET", "/users/{}?signInActivity", "AuditLog.Read.All", "AuditLog.Read.All", "Reports Reader", p1},
	{"GET", "/users/{}?employeeLeaveDateTime", "User-LifeCycleInfo.Read.All", "User-LifeCycleInfo.Read.All", "Global Reader", ""},
	{"GET", "/users/*", "User.Read.All", "User.Read.All", "Global Reader", ""},
	{"*", "/users/*", "User.ReadWrite.All", "User.ReadWrite.All", "Privileged Authentication Administrator", ""},
	{"GET", "/groups/*", "GroupMember.Read.All", "GroupMember.Read.All", "Global Reader", ""},
	{"*", "/groups/*", "Group.ReadWrite.All", "Group.ReadWrite.All", "Groups Administrator", ""},
	{"GET", "/directory/administrativeUnits/*", "AdministrativeUnit.Read.All", "AdministrativeUnit.Read.All", "Global Reader", ""},
	{"*", "/directory/administrativeUnits/*", "AdministrativeUnit.ReadWrite.All", "AdministrativeUnit.ReadWrite.All", "Privileged Role Administrator", p1},
	{"GET", "/directory/deletedItems/*", "User.Read.All", "User.Read.All", "Global Reader", ""},
	{"POST", "/directory/deletedItems/{}/restore", "User.DeleteRestore.All", "User.DeleteRestore.All", "Privileged Authentication Administrator", ""},
	{"GET", "/servicePrincipals/*", "Application.Read.All", "Application.Read.All", "Global Reader", ""},
	{"GET", "/applications/*", "Application.Read.All", "Application.Read.All", "Global Reader", ""},
	{"*", "/applications/*", "Application.ReadWrite.All", "Application.ReadWrite.All", "Application Administrator", ""},
	{"*", "/servicePrincipals/{}/appRoleAssignedTo/*", "AppRoleAssignment.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "Privileged Role Administrator", ""},
	{"*", "/servicePrincipals/*", "Application.ReadWrite.All", "Application.ReadWrite.All", "Application Administrator", ""},
	{"GET", "/oauth2PermissionGrants", "Directory.Read.All", "Directory.Read.All", "Global Reader", ""},
	{"GET", "/auditLogs/directoryAudits", "AuditLog.Read.All", "AuditLog.Read.All", "Reports Reader", ""},
	{"GET", "/auditLogs/signIns", "AuditLog.Read.All", "AuditLog.Read.All", "Reports Reader", p1},
	{"GET", "/identityProtection/*", "IdentityRiskyUser.Read.All", "IdentityRiskyUser.Read.All", "Security Reader", p2},
	{"POST", "/identityProtection/*", "IdentityRiskyUser.ReadWrite.All", "IdentityRiskyUser.ReadWrite.All", "Security Administrator", p2},
}

// needFor is the need of one request path, without version, with its query.
func needFor(method, path string) (need, bool) {
	for _, n := range needs {
		if (n.method == method || n.method == "*" && writes(method)) && matchPattern(n.pattern, path) {
			return n, true
		}
	}
	return need{}, false
}

// matchPattern compares segments without case; {} takes one segment, a last * any number.
func matchPattern(pattern, path string) bool {
	pattern, part, _ := strings.Cut(pattern, "?")
	path, query, _ := strings.Cut(path, "?")
	if !strings.Contains(query, part) {
		return false
	}
	want := strings.Split(strings.Trim(pattern, "/"), "/")
	have := strings.Split(strings.Trim(path, "/"), "/")
	for i, w := range want {
		if w == "*" && i == len(want)-1 {
			return len(have) >= i
		}
		if i >= len(have) || w != "{}" && !strings.EqualFold(w, have[i]) {
			return false
		}
	}
	return len(have) == len(want)
}

// fill says what the operation takes; which of it is missing depends on the error's kind.
func (e *Error) fill(n need) {
	switch e.Kind {
	case KindPermission:
		e.Permission, e.Role = n.app, n.role
	case KindLicence:
		e.Licence = n.licence
		if e.Licence == "" {
			e.Licence = p1
		}
	}
}

// forUser corrects the permission of an error for a person who signed in, and says whether
// the token has it already, so that only a role can be missing.
func (e *Error) forCaller(method, path string, who identity) {
	n, ok := needFor(method, path)
	if e.Kind != KindPermission || !ok {
		return
	}
	switch {
	case who.kind == kindUser:
		e.Permission = n.delegated
	case n.app == "":
		e.Permission, e.peopleOnly = n.delegated, true
		return
	default:
		e.Role = ""
		if sensitiveOnAdmins(method, path) {
			e.Role = n.role
		}
	}
	e.Granted = who.has(e.Permission)
}

// sensitiveOnAdmins is true for writes that an application may do to an administrator only
// when its service principal holds a role too ("Update user": who can perform sensitive actions).
func sensitiveOnAdmins(method, path string) bool {
	return writes(method) && strings.HasPrefix(strings.ToLower(path), "/users/")
}
