package graph

import (
	"strings"

	"breakglass/internal/simtenant/state"
)

// completeRoles adds the built-in roles, as definitions and as templates, and the activated
// directoryRole of every role that somebody holds.
func completeRoles(tx *state.Tx) {
	for line := range strings.Lines(roleCatalogue) {
		id, rest, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		name, about, _ := strings.Cut(rest, ": ")
		if tx.Get(collRoleDefinitions, id) == nil {
			tx.Put(collRoleDefinitions, state.Object{
				"id": id, "templateId": id, "displayName": name, "description": about, "isBuiltIn": true, "isEnabled": true,
				"resourceScopes": []any{"/"}, "version": "1",
				"rolePermissions": []any{map[string]any{"allowedResourceActions": []any{"microsoft.directory/users/standard/read"}, "condition": nil}},
			})
		}
		if tx.Get("directoryRoleTemplates", id) == nil {
			tx.Put("directoryRoleTemplates", state.Object{"id": id, "displayName": name, "description": about, "deletedDateTime": nil})
		}
	}
	for _, a := range tx.List(collRoleAssignments) {
		role := a.String("roleDefinitionId")
		d := tx.Get(collRoleDefinitions, role)
		held := tx.Find("directoryRoles", func(r state.Object) bool { return strings.EqualFold(r.String("roleTemplateId"), role) })
		if d != nil && held == nil {
			tx.Put("directoryRoles", state.Object{
				"displayName": d["displayName"], "description": d["description"], "roleTemplateId": d.ID(), "deletedDateTime": nil,
			})
		}
	}
}

// completePolicies adds what every tenant has of policies: the built-in strengths, the
// methods policy with all its configurations, security defaults; and brings the stored
// Conditional Access policies into their whole shape.
func completePolicies(tx *state.Tx) {
	for _, s := range builtInStrengths() {
		if tx.Get(collStrengths, s.ID()) == nil {
			tx.Put(collStrengths, s)
		}
	}
	c := &call{tx: tx, version: "beta"}
	tx.Put(collMethodsPolicy, c.methodsPolicy())
	tx.Put(collSecurityDefaults, c.securityDefaults())
	tx.Put(collAuthorization, c.authorization())
	for _, p := range tx.List(collPolicies) {
		fillPolicy(p)
		tx.Put(collPolicies, p)
	}
	for _, l := range tx.List(collLocations) {
		fillLocation(l)
		tx.Put(collLocations, l)
	}
}

// builtInStrengths is the three that Microsoft ships ("Built-in authentication strengths").
func builtInStrengths() []state.Object {
	strength := func(id, name, about string, combinations ...string) state.Object {
		return state.Object{
			"id": "00000000-0000-0000-0000-00000000000" + id, "displayName": name, "description": about,
			"createdDateTime": "2021-12-01T00:00:00Z", "modifiedDateTime": "2021-12-01T00:00:00Z", "policyType": "builtIn",
			"requirementsSatisfied": "mfa", "allowedCombinations": toAny(combinations), "combinationConfigurations": []any{},
		}
	}
	resistant := []string{"windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"}
	passwordless := append(resistant[:3:3], "deviceBasedPush")
	return []state.Object{
		strength("2", "Multifactor authentication", "Combinations of methods that satisfy strong authentication, such as a password + SMS", modes[:17]...),
		strength("3", "Passwordless MFA", "Passwordless methods that satisfy strong authentication, such as Passwordless sign-in with the Microsoft Authenticator", passwordless...),
		strength("4", "Phishing-resistant MFA", "Phishing-resistant, Passwordless methods for the strongest authentication, such as a FIDO2 security key", resistant...),
	}
}

// roleCatalogue is built-in roles by template id ("Microsoft Entra built-in roles"); their
// permissions are reduced to one line, because who may do what is decided by the routes.
const roleCatalogue = `
62e90394-69f5-4237-9190-012177145e10 Global Administrator: Can manage all aspects of Microsoft Entra ID and Microsoft services that use Microsoft Entra identities.
e8611ab8-c189-46e8-94e1-60213ab1f814 Privileged Role Administrator: Can manage role assignments in Microsoft Entra ID, and all aspects of Privileged Identity Management.
7be44c8a-adaf-4e2a-84d6-ab2649e08a13 Privileged Authentication Administrator: Can access to view, set and reset authentication method information for any user (admin or non-admin).
c4e39bd9-1100-46d3-8c65-fb160da0071f Authentication Administrator: Can access to view, set and reset authentication method information for any non-admin user.
0526716b-113d-4c15-b2c8-68e3c22b9f80 Authentication Policy Administrator: Can create and manage the authentication methods policy, tenant-wide MFA settings, password protection policy, and verifiable credentials.
b1be1c3e-b65d-4f19-8427-f6fa0d97feb9 Conditional Access Administrator: Can manage Conditional Access capabilities.
194ae4cb-b126-40b2-bd5b-6091b380977d Security Administrator: Can read security information and reports, and manage configuration in Microsoft Entra ID and Office 365.
5f2222b1-57c3-48ba-8ad5-d4759f1fde6f Security Operator: Creates and manages security events.
5d6b6bb7-de71-4623-b4af-96380a352509 Security Reader: Can read security information and reports in Microsoft Entra ID and Office 365.
f2ef992c-3afb-46b9-b7cf-a126ee74c451 Global Reader: Can read everything that a Global Administrator can, but not update anything.
4a5d8f65-41da-4de4-8968-e035b65339cf Reports Reader: Can read sign-in and audit reports.
fe930be7-5e62-47db-91af-98c3a49a38b1 User Administrator: Can manage all aspects of users and groups, including resetting passwords for limited admins.
729827e3-9c14-49f7-bb1b-9608f156bbb8 Helpdesk Administrator: Can reset passwords for non-administrators and Helpdesk Administrators.
966707d0-3269-4727-9be2-8c3a10f19b9d Password Administrator: Can reset passwords for non-administrators and Password Administrators.
fdd7a751-b60b-444a-984c-02652fe8fa1c Groups Administrator: Members of this role can create/manage groups, create/manage groups settings like naming and expiration policies, and view groups activity and audit reports.
9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3 Application Administrator: Can create and manage all aspects of app registrations and enterprise apps.
158c047a-c907-4556-b7ef-446551a6b5f7 Cloud Application Administrator: Can create and manage all aspects of app registrations and enterprise apps except App Proxy.
cf1c38e5-3621-4004-a7cb-879624dced7c Application Developer: Can create application registrations independent of the 'Users can register applications' setting.
88d8e3e3-8f55-4a1e-953a-9b9898b8876b Directory Readers: Can read basic directory information. Commonly used to grant directory read access to applications and guests.
9360feb5-f418-4baa-8175-e2a00bac4301 Directory Writers: Can read and write basic directory information. For granting access to applications, not intended for users.
d29b2b05-8046-44ba-8758-1e26182fcf32 Directory Synchronization Accounts: Only used by Microsoft Entra Connect service.
8329153b-31d0-4727-b945-745eb3bc5f31 Domain Name Administrator: Can manage domain names in cloud and on-premises.
8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2 Hybrid Identity Administrator: Can manage Active Directory to Microsoft Entra cloud provisioning, Connect, pass-through authentication, password hash synchronization, seamless single sign-on, and federation settings.
be2f45a1-457d-42af-a067-6ec1fa63bc45 External Identity Provider Administrator: Can configure identity providers for use in direct federation.
45d8d3c5-c802-45c6-b32a-1d70b5e1e86e Identity Governance Administrator: Manage access using Microsoft Entra ID for identity governance scenarios.
59d46f88-662b-457b-bceb-5c3809e5908f Lifecycle Workflows Administrator: Create and manage all aspects of workflows and tasks associated with Lifecycle Workflows in Microsoft Entra ID.
3a2c62db-5318-420d-8d74-23affee5d9d5 Intune Administrator: Can manage all aspects of the Intune product.
7698a772-787b-4ac8-901f-60d6b08affd2 Cloud Device Administrator: Limited access to manage devices in Microsoft Entra ID.
29232cdf-9323-42fd-ade2-1d097af3e4de Exchange Administrator: Can manage all aspects of the Exchange product.
f28a1f50-f6e7-4571-818b-6a12f2af6b6c SharePoint Administrator: Can manage all aspects of the SharePoint service.
69091246-20e8-4a56-aa4d-066075b2a7a8 Teams Administrator: Can manage the Microsoft Teams service.
17315797-102d-40b4-93e0-432062caca18 Compliance Administrator: Can read and manage compliance configuration and reports in Microsoft Entra ID and Microsoft 365.
b0f54661-2d74-4c50-afa3-1ec803f12efe Billing Administrator: Can perform common billing related tasks like updating payment information.
4d6ac14f-3453-41d0-bef9-a3e0c569773a License Administrator: Can manage product licenses on users and groups.
f023fd81-a637-4b56-95fd-791ac0226033 Service Support Administrator: Can read service health information and manage support tickets.
95e79109-95c0-4d8e-aee3-d01accf2d47b Guest Inviter: Can invite guest users independent of the 'members can invite guests' setting.
790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b Message Center Reader: Can read messages and updates for their organization in Office 365 Message Center only.
75934031-6c7e-415a-99d7-48dbd49e875e Usage Summary Reports Reader: Read usage reports and Adoption Score, but can't access user details.
e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8 Partner Tier2 Support: Do not use - not intended for general use.
4ba39ca4-527c-499a-b93d-d9b492c50246 Partner Tier1 Support: Do not use - not intended for general use.
10dae51f-b6af-4016-8d66-8c2a99b929b3 Guest User: Default role for guest users. Can read a limited set of directory information.
a0b1b346-4d3e-4e8b-98f8-753987be4970 User: Default role for member users. Can read all and write a limited set of directory information.
`
