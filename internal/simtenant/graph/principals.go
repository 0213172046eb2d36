package graph

import (
	"slices"
	"strings"

	"breakglass/internal/simtenant/state"
)

// Template ids of the built-in roles that decide who may do what here (Microsoft Entra
// built-in roles).
const (
	roleGlobalAdministrator       = "62e90394-69f5-4237-9190-012177145e10"
	rolePrivilegedRoleAdmin       = "e8611ab8-c189-46e8-94e1-60213ab1f814"
	rolePrivilegedAuthAdmin       = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
	roleAuthenticationAdmin       = "c4e39bd9-1100-46d3-8c65-fb160da0071f"
	roleUserAdministrator         = "fe930be7-5e62-47db-91af-98c3a49a38b1"
	roleHelpdeskAdministrator     = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
	rolePasswordAdministrator     = "966707d0-3269-4727-9be2-8c3a10f19b9d"
	roleGroupsAdministrator       = "fdd7a751-b60b-444a-984c-02652fe8fa1c"
	roleApplicationAdministrator  = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
	roleCloudAppAdministrator     = "158c047a-c907-4556-b7ef-446551a6b5f7"
	roleConditionalAccessAdmin    = "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9"
	roleSecurityAdministrator     = "194ae4cb-b126-40b2-bd5b-6091b380977d"
	roleSecurityReader            = "5d6b6bb7-de71-4623-b4af-96380a352509"
	roleGlobalReader              = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
	roleReportsReader             = "4a5d8f65-41da-4de4-8968-e035b65339cf"
	roleAuthenticationPolicyAdmin = "0526716b-113d-4c15-b2c8-68e3c22b9f80"
	roleDirectoryReaders          = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
	roleDirectoryWriters          = "9360feb5-f418-4baa-8175-e2a00bac4301"
	rolePartnerTier2              = "e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8"
	rolePrivilegedDirectorySync   = "d29b2b05-8046-44ba-8758-1e26182fcf32"
	roleDomainNameAdministrator   = "8329153b-31d0-4727-b945-745eb3bc5f31"
	roleExternalIDProviderAdmin   = "be2f45a1-457d-42af-a067-6ec1fa63bc45"
	roleHybridIdentityAdmin       = "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2"
	roleIdentityGovernanceAdmin   = "45d8d3c5-c802-45c6-b32a-1d70b5e1e86e"
	roleLifecycleWorkflowsAdmin   = "59d46f88-662b-457b-bceb-5c3809e5908f"
	roleSecurityOperator          = "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f"
	roleApplicationDeveloper      = "cf1c38e5-3621-4004-a7cb-879624dced7c"
	roleIntuneAdministrator       = "3a2c62db-5318-420d-8d74-23affee5d9d5"
	roleExchangeAdministrator     = "29232cdf-9323-42fd-ade2-1d097af3e4de"
	roleSharePointAdministrator   = "f28a1f50-f6e7-4571-818b-6a12f2af6b6c"
	roleTeamsAdministrator        = "69091246-20e8-4a56-aa4d-066075b2a7a8"
	roleBillingAdministrator      = "b0f54661-2d74-4c50-afa3-1ec803f12efe"
	roleLicenseAdministrator      = "4d6ac14f-3453-41d0-bef9-a3e0c569773a"
	roleServiceSupportAdmin       = "f023fd81-a637-4b56-95fd-791ac0226033"
	roleGuestInviter              = "95e79109-95c0-4d8e-aee3-d01accf2d47b"
	roleMessageCenterReader       = "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b"
	roleCloudDeviceAdministrator  = "7698a772-787b-4ac8-901f-60d6b08affd2"
	roleComplianceAdministrator   = "17315797-102d-40b4-93e0-432062caca18"
	roleAttributeAssignmentAdmin  = "58a13ea3-c632-46ae-9ee0-9c0d43cd7f3d"
	roleUserExperienceSuccess     = "27460883-1df1-4691-b032-3b79643e5e63"
	roleDirectorySynchronization  = "d29b2b05-8046-44ba-8758-1e26182fcf32"
)

// activeRoles is the template ids of the roles that a principal holds now, tenant-wide:
// assigned to it or to a role-assignable group it is a member of.
func activeRoles(tx *state.Tx, principal string) []string {
	var out []string
	for _, a := range assignmentsOf(tx, principal) {
		if a.String("directoryScopeId") == "/" {
			out = append(out, a.String("roleDefinitionId"))
		}
	}
	return out
}

// assignmentsOf is the active role assignments of a principal in any scope.
func assignmentsOf(tx *state.Tx, principal string) []state.Object {
	holders := append([]string{strings.ToLower(principal)}, groupsOf(tx, principal)...)
	var out []state.Object
	for _, a := range tx.List("roleManagement/directory/roleAssignments") {
		if slices.Contains(holders, strings.ToLower(a.String("principalId"))) {
			out = append(out, a)
		}
	}
	return out
}

// groupsOf is the groups that an object is in, through groups too.
func groupsOf(tx *state.Tx, id string) []string {
	var out []string
	todo := []string{strings.ToLower(id)}
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		for _, g := range tx.LinkedTo("members", next) {
			if !slices.Contains(out, g) && tx.Get("groups", g) != nil {
				out = append(out, g)
				todo = append(todo, g)
			}
		}
	}
	return out
}
