package posture

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"breakglass/internal/config"
	"breakglass/internal/entra"
)

const (
	tenantID  = "cccccccc-0000-4000-8000-000000000001"
	accountA  = "aaaaaaaa-0000-4000-8000-000000000001"
	accountB  = "aaaaaaaa-0000-4000-8000-000000000002"
	admin     = "aaaaaaaa-0000-4000-8000-000000000003"
	gone      = "aaaaaaaa-0000-4000-8000-00000000000f"
	groupID   = "bbbbbbbb-0000-4000-8000-000000000001"
	yubikey   = "cb69481e-8ff7-4039-93ec-0a2729a154a8"
	token2    = "ab32f0c6-2239-afbb-c470-d2ef4e254db7"
	strength4 = "00000000-0000-0000-0000-000000000004"
	planP1    = "41781fb2-bc02-4b7c-bd55-b576c07bb09d"
	planP2    = "eec0eb4f-6444-4f95-aba0-50c24d67f998"
)

var (
	now    = time.Date(2026, 11, 2, 14, 10, 0, 0, time.UTC)
	readAt = now.Add(-8 * time.Minute)
)

func some[T any](v T) entra.Maybe[T] { return entra.Some(v) }

func ids(list ...string) entra.Maybe[[]string] {
	if list == nil {
		list = []string{}
	}
	return entra.Some(list)
}

// desired is a plan for the healthy tenant: A is excluded everywhere, B too.
func desired() *config.Desired {
	d := &config.Desired{
		Version: 1, Tenant: config.Tenant{ID: tenantID, InitialDomain: "contoso.onmicrosoft.com"},
		Accounts: []config.Account{
			{ID: "a", UserPrincipalName: "k7@contoso.onmicrosoft.com", ObjectID: accountA},
			{ID: "b", UserPrincipalName: "m2@contoso.onmicrosoft.com", ObjectID: accountB, Password: config.PasswordUnknown},
		},
		ExclusionGroup: &config.ExclusionGroup{ObjectID: groupID, DisplayName: "CA exclusions", MailNickname: "ca-exclusions"},
		RestrictedUnit: &config.RestrictedUnit{DisplayName: "Guarded"},
	}
	d.SetDefaults()
	return d
}

// healthy is a tenant in which everything but the seals is green.
func healthy() *entra.Snapshot {
	s := &entra.Snapshot{
		Format: "breakglass snapshot", Version: 1, TakenAt: readAt, Cloud: "public", Readings: map[entra.Part]entra.Reading{},
		Tenant:  entra.Tenant{ID: tenantID, DisplayName: some("Contoso")},
		Domains: []entra.Domain{{ID: "contoso.onmicrosoft.com", IsInitial: some(true), IsVerified: some(true), AuthenticationType: some("Managed")}},
		Plans: []entra.ServicePlan{
			{ServicePlanID: planP1, ServicePlanName: "AAD_PREMIUM", CapabilityStatus: some("Enabled")},
			{ServicePlanID: planP2, ServicePlanName: "AAD_PREMIUM_P2", CapabilityStatus: some("Enabled")},
		},
		SecurityDefaults: entra.SecurityDefaults{IsEnabled: some(false)},
		Users:            []entra.User{user(accountA, "k7", yubikey), user(accountB, "m2", token2), user(admin, "anna", yubikey)},
		Policies: []entra.Policy{
			policy("p-1", "Require MFA for everybody"), off(policy("p-2", "Block legacy clients")), reportOnly(policy("p-3", "Microsoft-managed: risky sign-ins")),
		},
		Strengths: []entra.AuthenticationStrength{{
			ID: strength4, DisplayName: some("Phishing-resistant MFA"), AllowedCombinations: ids("fido2"), AllowedAAGUIDs: entra.Null[[]string](),
		}},
		ExcludedUsers:       []string{accountA, accountB},
		AuthorizationPolicy: entra.AuthorizationPolicy{AllowedToUseSSPR: some(false)},
		Clients: []entra.ServicePrincipal{{
			ID: "sp-1", AppID: "14d82eec-204b-4c2f-b7e8-296a70dab67e", DisplayName: some("Graph PowerShell"), AccountEnabled: some(true),
			AssignmentRequired: some(false), Scopes: ids("Policy.Read.All", "Policy.ReadWrite.ConditionalAccess"),
		}},
		AppPowers: []entra.AppPower{{PrincipalID: "sp-2", DisplayName: "HR", Permission: "User.Read.All"}},
	}
	addMethodsPolicy(s)
	addRoles(s)
	addGroup(s)
	readAll(s)
	return s
}

func addMethodsPolicy(s *entra.Snapshot) {
	s.MethodsPolicy = entra.AuthenticationMethodsPolicy{
		CampaignState: some("default"), CampaignExclude: some([]entra.Target{{ID: groupID, Type: "group"}}),
		Configurations: []entra.MethodConfiguration{{
			ID: "Fido2", State: some("enabled"), IncludeTargets: some([]entra.Target{{ID: "all_users", Type: "group"}}), ExcludeTargets: some([]entra.Target{}),
			KeyRestrictions: some(entra.KeyRestrictions{IsEnforced: some(true), EnforcementType: some("allow"), AAGUIDs: ids(yubikey, token2)}),
		}},
	}
}

func addRoles(s *entra.Snapshot) {
	for _, id := range []string{accountA, accountB, admin} {
		s.RoleAssignments = append(s.RoleAssignments, entra.RoleAssignment{
			ID: "ra-" + id, RoleID: entra.RoleGlobalAdministrator, PrincipalID: id, PrincipalType: some("user"), Scope: some("/"),
		})
		s.ActiveRoles = append(s.ActiveRoles, entra.RoleInstance{
			ID: "ri-" + id, RoleID: entra.RoleGlobalAdministrator, PrincipalID: id, Scope: some("/"), AssignmentType: some("Assigned"),
			MemberType: some("Direct"), Start: some(readAt.AddDate(0, -3, 0)), End: entra.Null[time.Time](),
		})
	}
	s.RoleSettings = []entra.RoleSetting{{RoleID: entra.RoleGlobalAdministrator, Rules: []entra.RoleRule{
		{ID: "Expiration_Admin_Assignment", IsExpirationRequired: some(false), MaximumDuration: some("P365D")},
		{ID: "Approval_EndUser_Assignment", IsApprovalRequired: some(true), Approvers: some([]entra.Member{{ID: admin, Type: "user"}})},
	}}}
}

func addGroup(s *entra.Snapshot) {
	s.Groups = []entra.Group{{
		ID: groupID, DisplayName: some("CA exclusions"), MailNickname: some("ca-exclusions"), SecurityEnabled: some(true), MailEnabled: some(false),
		GroupTypes: ids(), IsAssignableToRole: some(false), IsManagementRestricted: some(true), OnPremisesSyncEnabled: entra.Null[bool](),
		Members: some([]entra.Member{{ID: accountA, Type: "user"}, {ID: accountB, Type: "user"}}), Owners: some([]entra.Member{}),
	}}
	for i := range s.Users[:2] {
		s.Users[i].MemberOf = some([]entra.Membership{{ID: groupID, Type: "group"}})
	}
}

func user(id, name, aaguid string) entra.User {
	key := func(n int) entra.Method {
		return entra.Method{
			ID: fmt.Sprintf("key-%s-%d", name, n), Type: "fido2AuthenticationMethod", DisplayName: some(fmt.Sprintf("key %d of %s", n, name)),
			AAGUID: some(aaguid), PasskeyType: some("deviceBound"),
		}
	}
	return entra.User{
		ID: id, UserPrincipalName: some(name + "@contoso.onmicrosoft.com"), DisplayName: some(name), AccountEnabled: some(true), UserType: some("Member"),
		OnPremisesSyncEnabled: entra.Null[bool](), OnPremisesImmutableID: entra.Null[string](), PasswordPolicies: some("DisablePasswordExpiration"),
		LastPasswordChange: some(now.AddDate(0, 0, -20)), SignInActivity: some(entra.SignInActivity{LastSuccessfulSignIn: some(now.AddDate(0, 0, -12))}),
		IsManagementRestricted: some(false), GivenName: entra.Null[string](), Surname: entra.Null[string](), JobTitle: entra.Null[string](),
		Mail: entra.Null[string](), OtherMails: ids(), MobilePhone: entra.Null[string](), BusinessPhones: ids(), EmployeeLeave: entra.Null[time.Time](),
		Methods:    some([]entra.Method{{ID: "28c10230-6103-485e-b985-444c60001490", Type: "passwordAuthenticationMethod"}, key(1), key(2)}),
		PerUserMFA: some("disabled"), MemberOf: some([]entra.Membership{}), Risk: some(entra.UserRisk{State: some("none"), Level: some("none")}),
	}
}

// policy is one for all users that is on, demands MFA, and excludes both accounts by id.
func policy(id, name string) entra.Policy {
	return entra.Policy{
		ID: id, DisplayName: some(name), State: some("enabled"), Versions: []string{"v1.0", "beta"},
		Conditions: some(entra.Conditions{
			Users: some(entra.UserCondition{
				IncludeUsers: ids("All"), ExcludeUsers: ids(accountA, accountB), IncludeGroups: ids(), ExcludeGroups: ids(groupID), IncludeRoles: ids(), ExcludeRoles: ids(),
				IncludeGuests: entra.Null[json.RawMessage](), ExcludeGuests: entra.Null[json.RawMessage](),
			}),
			Applications: some(entra.ApplicationCondition{
				IncludeApplications: ids("All"), ExcludeApplications: ids(), IncludeUserActions: ids(), IncludeContexts: ids(), Filter: entra.Null[json.RawMessage](),
			}),
			ClientApplications: entra.Null[entra.ClientApplications](), ClientAppTypes: ids("all"), Platforms: entra.Null[entra.Platforms](),
			Locations: entra.Null[entra.Locations](), Devices: entra.Null[entra.Devices](), AuthenticationFlows: entra.Null[entra.AuthenticationFlows](),
			UserRiskLevels: ids(), SignInRiskLevels: ids(),
		}),
		GrantControls: some(entra.GrantControls{
			Operator: some("OR"), BuiltInControls: ids("mfa"), CustomFactors: ids(), TermsOfUse: ids(), Strength: entra.Null[entra.StrengthRef](),
		}),
		SessionControls: entra.Null[json.RawMessage](),
	}
}

func off(p entra.Policy) entra.Policy { p.State = some("disabled"); return p }
func reportOnly(p entra.Policy) entra.Policy {
	p.State = some("enabledForReportingButNotEnforced")
	return p
}

// excluding changes whom a policy excludes by id; the group is left out.
func excluding(p entra.Policy, who ...string) entra.Policy {
	return users(p, func(u *entra.UserCondition) { u.ExcludeUsers, u.ExcludeGroups = ids(who...), ids() })
}

func users(p entra.Policy, change func(*entra.UserCondition)) entra.Policy {
	c := p.Conditions.Or(entra.Conditions{})
	u := c.Users.Or(entra.UserCondition{})
	change(&u)
	c.Users = some(u)
	p.Conditions = some(c)
	return p
}

func demanding(p entra.Policy, change func(*entra.GrantControls)) entra.Policy {
	g := p.GrantControls.Or(entra.GrantControls{})
	change(&g)
	p.GrantControls = some(g)
	return p
}

func blocking(p entra.Policy) entra.Policy {
	return demanding(p, func(g *entra.GrantControls) { g.BuiltInControls = ids("block") })
}

// counted are the parts that hold a list, with its length.
func counted(s *entra.Snapshot) map[entra.Part]int {
	n := map[entra.Part]int{
		entra.PartTenant: 1, entra.PartDomains: len(s.Domains), entra.PartPlans: len(s.Plans), entra.PartSecurityDefaults: 1,
		entra.PartPolicies: policiesIn(s, "v1.0"), entra.PartPoliciesBeta: policiesIn(s, "beta"), entra.PartNamedLocations: len(s.NamedLocations),
		entra.PartStrengths: len(s.Strengths), entra.PartMethodsPolicy: 1, entra.PartAuthorizationPolicy: 1,
		entra.PartRoleAssignments: len(s.RoleAssignments), entra.PartActiveRoles: len(s.ActiveRoles), entra.PartEligibleRoles: len(s.EligibleRoles),
		entra.PartRoleSettings: len(s.RoleSettings), entra.PartUnits: len(s.AdministrativeUnits), entra.PartClients: len(s.Clients), entra.PartConsents: len(s.Clients),
		entra.PartAppPowers: len(s.AppPowers), entra.PartPolicyChanges: len(s.PolicyChanges), entra.PartExcludedUsers: len(s.ExcludedUsers),
	}
	for _, u := range s.Users {
		n[entra.PartUser.Of(u.ID)], n[entra.PartPerUserMFA.Of(u.ID)], n[entra.PartRisk.Of(u.ID)], n[entra.PartSignInActivity.Of(u.ID)] = 1, 1, 1, 1
		n[entra.PartEmployeeLeave.Of(u.ID)] = 1
		n[entra.PartMethods.Of(u.ID)], n[entra.PartMemberOf.Of(u.ID)] = len(u.Methods.Or(nil)), len(u.MemberOf.Or(nil))
	}
	for _, g := range s.Groups {
		n[entra.PartGroup.Of(g.ID)], n[entra.PartGroupMembers.Of(g.ID)] = 1, len(g.Members.Or(nil))
	}
	return n
}

func policiesIn(s *entra.Snapshot, version string) int {
	n := 0
	for _, p := range s.Policies {
		if slices.Contains(p.Versions, version) {
			n++
		}
	}
	return n
}

// readAll marks every part as read whole.
func readAll(s *entra.Snapshot) {
	for p, n := range counted(s) {
		if s.Readings[p].Unread == "" {
			s.Readings[p] = entra.Reading{Source: "/" + string(p), ReadAt: readAt, Pages: 1, Items: n}
		}
	}
}

func unread(s *entra.Snapshot, p entra.Part, why entra.Unread) {
	s.Readings[p] = entra.Reading{Source: "/" + string(p), ReadAt: readAt, Unread: why, Detail: "as the test wants it", Needs: "Some.Permission"}
}
