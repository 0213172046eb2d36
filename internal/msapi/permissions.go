package msapi

import "breakglass/internal/entra"

// Permission is one application permission of Graph that the watch identity asks for. (The
// same names are the delegated scopes for a person, who needs the role Global Reader besides.)
type Permission struct {
	Name string
	// Core permissions are asked for; optional ones only when somebody wants what they unlock.
	Core bool
	// Parts are what it lets us read, Checks the codes of the checks that rest on it.
	Parts  []entra.Part
	Checks []string
	// Note says what is worth knowing before granting it.
	Note string
}

// WatchPermissions are what the standing, read-only identity holds: core first, each with
// what it unlocks (docs/permissions.md). None of them can change anything. Which permission
// suffices for which operation is Graph's own permission data.
func WatchPermissions() []Permission {
	return []Permission{
		{
			Name: "User.Read.All", Core: true,
			Parts:  []entra.Part{entra.PartTenant, entra.PartUser, entra.PartMemberOf, entra.PartExcludedUsers},
			Checks: []string{"BG-001", "BG-002", "BG-003", "BG-004", "BG-005", "BG-007", "BG-012", "BG-020", "BG-021", "BG-022", "BG-025", "BG-040", "BG-041", "BG-061"},
			Note:   "reads the profile of every user; we ask for the accounts, holders of administrator roles and members of the exclusion group",
		},
		{
			Name: "Policy.Read.All", Core: true,
			Parts: []entra.Part{
				entra.PartPolicies, entra.PartPoliciesBeta, entra.PartNamedLocations, entra.PartStrengths, entra.PartMethodsPolicy,
				entra.PartSecurityDefaults, entra.PartAuthorizationPolicy, entra.PartPerUserMFA,
			},
			Checks: []string{"BG-005", "BG-009", "BG-010", "BG-011", "BG-012", "BG-013", "BG-030", "BG-032", "BG-033", "BG-034"},
		},
		{
			Name: "RoleManagement.Read.Directory", Core: true,
			Parts:  []entra.Part{entra.PartRoleAssignments, entra.PartActiveRoles, entra.PartEligibleRoles, entra.PartRoleSettings},
			Checks: []string{"BG-006", "BG-050", "BG-051", "BG-052", "BG-053", "BG-061"},
			Note:   "covers RoleAssignmentSchedule.Read.Directory and RoleEligibilitySchedule.Read.Directory: do not grant those besides",
		},
		{
			Name: "UserAuthenticationMethod.Read.All", Core: true,
			Parts:  []entra.Part{entra.PartMethods},
			Checks: []string{"BG-009", "BG-030", "BG-031", "BG-035"},
			Note:   "reads everybody's registered methods, telephone numbers among them",
		},
		{
			Name: "GroupMember.Read.All", Core: true,
			Parts:  []entra.Part{entra.PartGroup, entra.PartGroupMembers},
			Checks: []string{"BG-005", "BG-010", "BG-012", "BG-061", "BG-070", "BG-071"},
		},
		{
			Name: "Domain.Read.All", Core: true,
			Parts: []entra.Part{entra.PartDomains}, Checks: []string{"BG-001", "BG-007", "BG-021", "BG-040"},
		},
		{
			Name: "LicenseAssignment.Read.All", Core: true,
			Parts: []entra.Part{entra.PartPlans}, Checks: []string{"BG-005", "BG-010", "BG-050", "BG-053"},
			Note: "tells what is not licensed from what could not be read",
		},
		{
			Name: "AuditLog.Read.All", Core: true,
			Parts: []entra.Part{entra.PartPolicyChanges, entra.PartSignInActivity}, Checks: []string{"BG-042"},
			Note: "reads all sign-in and audit records; the last sign-in of a user needs Microsoft Entra ID P1 besides",
		},
		{
			Name:  "AdministrativeUnit.Read.All",
			Parts: []entra.Part{entra.PartUnits, entra.PartUnitMembers}, Checks: []string{"BG-025", "BG-071"},
		},
		{
			Name:  "Application.Read.All",
			Parts: []entra.Part{entra.PartClients, entra.PartAppPowers}, Checks: []string{"BG-060", "BG-062"},
		},
		{
			Name:  "IdentityRiskyUser.Read.All",
			Parts: []entra.Part{entra.PartRisk}, Checks: []string{"BG-024"},
			Note: "needs Microsoft Entra ID P2",
		},
		{
			Name:  "User-LifeCycleInfo.Read.All",
			Parts: []entra.Part{entra.PartEmployeeLeave}, Checks: []string{"BG-023"},
			Note: "the leave date on which lifecycle workflows act",
		},
		{
			Name:  "Directory.Read.All",
			Parts: []entra.Part{entra.PartConsents}, Checks: []string{"BG-062"},
			Note: "broad: it reads the whole directory. Graph gives the consents of a client for no less; without it BG-062 cannot tell whether a client may change policies",
		},
	}
}
