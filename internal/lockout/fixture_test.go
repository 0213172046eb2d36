package lockout

import (
	"encoding/json"
	"time"

	"breakglass/internal/entra"
)

const (
	planP1    = "41781fb2-bc02-4b7c-bd55-b576c07bb09d"
	planP2    = "eec0eb4f-6444-4f95-aba0-50c24d67f998"
	accountA  = "aaaaaaaa-0000-4000-8000-000000000001"
	accountB  = "aaaaaaaa-0000-4000-8000-000000000002"
	somebody  = "aaaaaaaa-0000-4000-8000-000000000009"
	groupX    = "bbbbbbbb-0000-4000-8000-000000000001"
	exchange  = "29232cdf-9323-42fd-ade2-1d097af3e4de"
	yubikey   = "cb69481e-8ff7-4039-93ec-0a2729a154a8"
	token2    = "ab32f0c6-2239-afbb-c470-d2ef4e254db7"
	strength4 = "00000000-0000-0000-0000-000000000004"
)

var readAt = time.Date(2026, 11, 2, 14, 2, 0, 0, time.UTC)

func some[T any](v T) entra.Maybe[T] { return entra.Some(v) }

func ids(list ...string) entra.Maybe[[]string] {
	if list == nil {
		list = []string{}
	}
	return entra.Some(list)
}

// healthy is a tenant in which account A and account B survive everything.
func healthy() *entra.Snapshot {
	s := &entra.Snapshot{
		Format: "breakglass snapshot", Version: 1, TakenAt: readAt, Cloud: "public", Readings: map[entra.Part]entra.Reading{},
		Domains: []entra.Domain{{ID: "contoso.onmicrosoft.com", IsInitial: some(true), IsVerified: some(true), AuthenticationType: some("Managed")}},
		Plans: []entra.ServicePlan{
			{ServicePlanID: planP1, ServicePlanName: "AAD_PREMIUM", CapabilityStatus: some("Enabled")},
			{ServicePlanID: planP2, ServicePlanName: "AAD_PREMIUM_P2", CapabilityStatus: some("Enabled")},
		},
		SecurityDefaults: entra.SecurityDefaults{IsEnabled: some(false)},
		Users:            []entra.User{user(accountA, "k7", yubikey), user(accountB, "m2", token2)},
		Policies:         []entra.Policy{policy("p-1", "Require MFA for everybody", accountA, accountB)},
		Strengths: []entra.AuthenticationStrength{{
			ID: strength4, DisplayName: some("Phishing-resistant MFA"), AllowedCombinations: ids("fido2", "windowsHelloForBusiness"), AllowedAAGUIDs: entra.Null[[]string](),
		}},
		MethodsPolicy: entra.AuthenticationMethodsPolicy{Configurations: []entra.MethodConfiguration{{
			ID: "Fido2", State: some("enabled"), IncludeTargets: some([]entra.Target{{ID: "all_users", Type: "group"}}),
			ExcludeTargets: some([]entra.Target{}), KeyRestrictions: entra.Null[entra.KeyRestrictions](),
		}}},
	}
	for _, id := range []string{accountA, accountB} {
		s.RoleAssignments = append(s.RoleAssignments, entra.RoleAssignment{
			ID: "ra-" + id, RoleID: entra.RoleGlobalAdministrator, PrincipalID: id, PrincipalType: some("user"), Scope: some("/"),
		})
		s.ActiveRoles = append(s.ActiveRoles, entra.RoleInstance{
			ID: "ri-" + id, RoleID: entra.RoleGlobalAdministrator, PrincipalID: id, Scope: some("/"), AssignmentType: some("Assigned"),
			MemberType: some("Direct"), Start: some(readAt), End: entra.Null[time.Time](),
		})
	}
	readAll(s)
	return s
}

// readAll marks every part as read whole.
func readAll(s *entra.Snapshot) {
	parts := []entra.Part{
		entra.PartDomains, entra.PartPlans, entra.PartSecurityDefaults, entra.PartPolicies, entra.PartPoliciesBeta, entra.PartStrengths,
		entra.PartMethodsPolicy, entra.PartRoleAssignments, entra.PartActiveRoles, entra.PartEligibleRoles,
	}
	for _, u := range s.Users {
		for _, p := range []entra.Part{entra.PartUser, entra.PartMethods, entra.PartPerUserMFA, entra.PartMemberOf, entra.PartRisk} {
			parts = append(parts, p.Of(u.ID))
		}
	}
	for _, p := range parts {
		s.Readings[p] = entra.Reading{Source: "/" + string(p), ReadAt: readAt, Pages: 1}
	}
}

func user(id, name, aaguid string) entra.User {
	return entra.User{
		ID: id, UserPrincipalName: some(name + "@contoso.onmicrosoft.com"), DisplayName: some(name), AccountEnabled: some(true),
		UserType: some("Member"), OnPremisesSyncEnabled: entra.Null[bool](), OnPremisesImmutableID: entra.Null[string](),
		Methods: some([]entra.Method{
			{ID: "28c10230-6103-485e-b985-444c60001490", Type: typePassword},
			{ID: "key-" + name, Type: typeFIDO2, DisplayName: some("key of " + name), AAGUID: some(aaguid)},
		}),
		PerUserMFA: some("disabled"), MemberOf: some([]entra.Membership{}), Risk: some(entra.UserRisk{State: some("none"), Level: some("none")}),
	}
}

// policy is one for all users that is on, demands MFA, and excludes some.
func policy(id, name string, excluded ...string) entra.Policy {
	return entra.Policy{
		ID: id, DisplayName: some(name), State: some(stateOn), Versions: []string{"v1.0", "beta"},
		Conditions: some(entra.Conditions{
			Users: some(entra.UserCondition{
				IncludeUsers: ids("All"), ExcludeUsers: ids(excluded...), IncludeGroups: ids(), ExcludeGroups: ids(), IncludeRoles: ids(), ExcludeRoles: ids(),
				IncludeGuests: entra.Null[json.RawMessage](), ExcludeGuests: entra.Null[json.RawMessage](),
			}),
			Applications: some(entra.ApplicationCondition{
				IncludeApplications: ids("All"), ExcludeApplications: ids(), IncludeUserActions: ids(), IncludeContexts: ids(), Filter: entra.Null[json.RawMessage](),
			}),
			ClientApplications: entra.Null[entra.ClientApplications](), ClientAppTypes: ids("all"),
			Platforms: entra.Null[entra.Platforms](), Locations: entra.Null[entra.Locations](), Devices: entra.Null[entra.Devices](),
			AuthenticationFlows: entra.Null[entra.AuthenticationFlows](), UserRiskLevels: ids(), SignInRiskLevels: ids(),
		}),
		GrantControls:   some(grant("OR", "mfa")),
		SessionControls: entra.Null[json.RawMessage](),
	}
}

func grant(operator string, controls ...string) entra.GrantControls {
	return entra.GrantControls{
		Operator: some(operator), BuiltInControls: ids(controls...), CustomFactors: ids(), TermsOfUse: ids(), Strength: entra.Null[entra.StrengthRef](),
	}
}

// users changes the users condition of a policy.
func users(p *entra.Policy, change func(*entra.UserCondition)) {
	c := p.Conditions.Or(entra.Conditions{})
	u := c.Users.Or(entra.UserCondition{})
	change(&u)
	c.Users = entra.Some(u)
	p.Conditions = entra.Some(c)
}

func blocks(p entra.Policy) entra.Policy {
	p.GrantControls = some(grant("OR", "block"))
	return p
}
