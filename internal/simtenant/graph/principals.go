package graph

import (
	"slices"
	"strings"

	"breakglass/internal/simtenant/state"
)

// Template ids of the built-in roles that decide who may do what here ("Microsoft Entra
// built-in roles").
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
	roleSecurityOperator          = "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f"
	roleGlobalReader              = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
	roleReportsReader             = "4a5d8f65-41da-4de4-8968-e035b65339cf"
	roleAuthenticationPolicyAdmin = "0526716b-113d-4c15-b2c8-68e3c22b9f80"
	roleDirectoryReaders          = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
	roleDirectoryWriters          = "9360feb5-f418-4baa-8175-e2a00bac4301"
	roleDomainNameAdministrator   = "8329153b-31d0-4727-b945-745eb3bc5f31"
	roleHybridIdentityAdmin       = "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2"
	roleExternalIDProviderAdmin   = "be2f45a1-457d-42af-a067-6ec1fa63bc45"
	roleGuestInviter              = "95e79109-95c0-4d8e-aee3-d01accf2d47b"
	roleMessageCenterReader       = "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b"
	roleUsageSummaryReports       = "75934031-6c7e-415a-99d7-48dbd49e875e"
)

// lowRoles are the administrator roles whose holders the password administrators may
// reset ("Who can reset passwords"); every other role makes its holder a harder target.
var lowRoles = []string{roleDirectoryReaders, roleGuestInviter, roleMessageCenterReader, roleReportsReader, roleUsageSummaryReports, rolePasswordAdministrator, roleHelpdeskAdministrator, roleAuthenticationAdmin}

// groupsOf is the ids of the groups that an object is in, through groups too.
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
