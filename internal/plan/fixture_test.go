package plan

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/internal/config"
	"breakglass/internal/entra"
)

const (
	tenantID   = "11111111-2222-4333-8444-555555555555"
	ada        = "aaaaaaaa-0000-4000-8000-00000000000a"
	domain     = "contoso.onmicrosoft.com"
	policyMFA  = "99999999-0000-4000-8000-000000000001"
	policyOwn  = "99999999-0000-4000-8000-000000000002"
	policyOff  = "99999999-0000-4000-8000-000000000003"
	policyApps = "99999999-0000-4000-8000-000000000004"
	aadP1      = "41781fb2-bc02-4b7c-bd55-b576c07bb09d"
	aadP2      = "eec0eb4f-6444-4f95-aba0-50c24d67f998"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// wanted2 is a plan of two accounts, as config.Load gives it.
func wanted2() *config.Desired {
	d := &config.Desired{
		Version: 1, Tenant: config.Tenant{ID: tenantID, InitialDomain: domain},
		Accounts: []config.Account{
			{ID: "a", UserPrincipalName: "k7fm2@" + domain, DisplayName: "K7 FM2", UsageLocation: "DE"},
			{ID: "b", UserPrincipalName: "q3vd9@" + domain, DisplayName: "Q3 VD9"},
		},
	}
	d.SetDefaults()
	return d
}

// withGroup asks for the second layer too.
func withGroup(d *config.Desired) *config.Desired {
	d.ExclusionGroup = &config.ExclusionGroup{DisplayName: "CA exclusions", MailNickname: "ca-exclusions"}
	d.RestrictedUnit = &config.RestrictedUnit{DisplayName: "Guarded"}
	return d
}

// newTenant has one administrator, four policies (on, Microsoft's in report-only, off, and
// one for applications) and no emergency account.
func newTenant(t testing.TB) *tenant {
	w := &tenant{
		t: t, clock: noon, members: map[string][]string{}, unseen: map[string]int{}, unread: map[entra.Part]entra.Unread{},
		licences: []string{aadP1, aadP2}, users: []object{person(ada, "ada@"+domain, "Ada Nováková")},
		policies: []object{
			newPolicy(policyOff, "Old pilot", "disabled"),
			newPolicy(policyMFA, "Require MFA for everybody", "enabled", ada, "ffffffff-0000-4000-8000-000000000001"),
			newPolicy(policyOwn, "Microsoft-managed: MFA for admins", "enabledForReportingButNotEnforced", ada),
			workload(newPolicy(policyApps, "Block risky workloads", "enabled")),
		},
		instances: []object{instance(ada, "Assigned", nil)}, assignments: []object{assignment(ada)},
	}
	return w
}

func person(id, upn, name string) object {
	return object{
		"id": id, "userPrincipalName": upn, "displayName": name, "accountEnabled": true, "userType": "Member", "perUserMfaState": "disabled",
		"passwordPolicies": nil, "givenName": "Ada", "surname": "Nováková", "createdDateTime": "2024-03-01T08:00:00Z",
		"methods": []any{"fido2AuthenticationMethod"},
	}
}

func newPolicy(id, name, state string, excluded ...string) object {
	list := []any{}
	for _, e := range excluded {
		list = append(list, e)
	}
	return object{
		"id": id, "displayName": name, "state": state, "templateId": nil, "createdDateTime": "2025-01-01T00:00:00Z", "modifiedDateTime": nil,
		"conditions": object{
			"users": object{
				"includeUsers": []any{"All"}, "excludeUsers": list, "includeGroups": []any{}, "excludeGroups": []any{}, "includeRoles": []any{}, "excludeRoles": []any{},
				"includeGuestsOrExternalUsers": nil, "excludeGuestsOrExternalUsers": nil,
			},
			"applications": object{
				"includeApplications": []any{"All"}, "excludeApplications": []any{}, "includeUserActions": []any{},
				"includeAuthenticationContextClassReferences": []any{}, "applicationFilter": nil,
			},
			"clientAppTypes": []any{"all"}, "clientApplications": nil, "platforms": nil, "locations": nil, "devices": nil, "authenticationFlows": nil,
			"userRiskLevels": []any{}, "signInRiskLevels": []any{}, "servicePrincipalRiskLevels": []any{}, "insiderRiskLevels": nil,
		},
		"grantControls":   object{"operator": "OR", "builtInControls": []any{"mfa"}, "customAuthenticationFactors": []any{}, "termsOfUse": []any{}, "authenticationStrength": nil},
		"sessionControls": nil,
	}
}

func workload(p object) object {
	c := p["conditions"].(object)
	c["users"].(object)["includeUsers"] = []any{"None"}
	c["clientApplications"] = object{"includeServicePrincipals": []any{"ServicePrincipalsInMyTenant"}, "excludeServicePrincipals": []any{}, "servicePrincipalFilter": nil}
	return p
}

func as[T any](t testing.TB, o object) T {
	t.Helper()
	data, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Read fits World: a whole reading, but for the parts that are marked unread.
func (w *tenant) Read(ctx context.Context) (*entra.Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return w.snapshot(), nil
}

func (w *tenant) snapshot() *entra.Snapshot {
	s := &entra.Snapshot{
		Format: entra.FileFormat, Version: entra.FormatVersion, TakenAt: w.clock, Cloud: "public", Readings: map[entra.Part]entra.Reading{},
		Tenant: entra.Tenant{ID: tenantID}, PolicyChanges: w.changes,
		Domains:          []entra.Domain{{ID: domain, IsInitial: entra.Some(true), IsVerified: entra.Some(true), AuthenticationType: entra.Some("Managed")}},
		SecurityDefaults: entra.SecurityDefaults{IsEnabled: entra.Some(false)},
		MethodsPolicy: entra.AuthenticationMethodsPolicy{Configurations: []entra.MethodConfiguration{{
			ID: "Fido2", State: entra.Some("enabled"), IncludeTargets: entra.Some([]entra.Target{{ID: "all_users", Type: "group"}}), ExcludeTargets: entra.Some([]entra.Target{}),
			KeyRestrictions: entra.Null[entra.KeyRestrictions](),
		}}},
		RoleSettings: []entra.RoleSetting{{
			RoleID: entra.RoleGlobalAdministrator, PolicyID: "DirectoryRole_1",
			Rules: []entra.RoleRule{{ID: ruleExpiration, IsExpirationRequired: entra.Some(w.requiresExpiry)}},
		}},
	}
	for _, id := range w.licences {
		s.Plans = append(s.Plans, entra.ServicePlan{ServicePlanID: id, ServicePlanName: "AAD_PREMIUM", CapabilityStatus: entra.Some("Enabled")})
	}
	w.readObjects(s)
	w.readParts(s)
	return s
}

func (w *tenant) readObjects(s *entra.Snapshot) {
	for _, o := range w.users {
		s.Users = append(s.Users, w.user(o))
	}
	for _, o := range w.groups {
		g := as[entra.Group](w.t, o)
		g.GroupTypes, g.OnPremisesSyncEnabled = orSome(g.GroupTypes, []string{}), entra.Null[bool]()
		g.IsManagementRestricted = entra.Some(w.restricted(g.ID))
		g.Members = entra.Some(w.memberList(g.ID))
		s.Groups = append(s.Groups, g)
	}
	for _, o := range w.units {
		u := as[entra.AdministrativeUnit](w.t, o)
		u.Members = entra.Some(w.memberList(u.ID))
		s.AdministrativeUnits = append(s.AdministrativeUnits, u)
	}
	for _, o := range w.policies {
		p := as[entra.Policy](w.t, o)
		p.Versions = []string{"v1.0", "beta"}
		s.Policies = append(s.Policies, p)
	}
	for _, o := range w.assignments {
		s.RoleAssignments = append(s.RoleAssignments, as[entra.RoleAssignment](w.t, o))
	}
	for _, o := range w.instances {
		s.ActiveRoles = append(s.ActiveRoles, as[entra.RoleInstance](w.t, o))
	}
	for _, o := range w.eligible {
		s.EligibleRoles = append(s.EligibleRoles, as[entra.RoleInstance](w.t, o))
	}
}

func orSome[T any](m entra.Maybe[T], d T) entra.Maybe[T] {
	if m.Known() {
		return m
	}
	return entra.Some(d)
}

func (w *tenant) user(o object) entra.User {
	u := as[entra.User](w.t, o)
	u.OnPremisesSyncEnabled = orNull(u.OnPremisesSyncEnabled)
	u.OnPremisesImmutableID = orNull(u.OnPremisesImmutableID)
	u.PasswordPolicies = orNull(u.PasswordPolicies)
	u.UsageLocation = orNull(u.UsageLocation)
	u.IsManagementRestricted = entra.Some(w.restricted(u.ID))
	u.PerUserMFA = entra.Some(o["perUserMfaState"].(string))
	u.Risk = entra.Some(entra.UserRisk{State: entra.Some("none")})
	methods := []entra.Method{{ID: passwordMethod, Type: "passwordAuthenticationMethod"}}
	types, _ := o["methods"].([]any)
	for _, m := range types {
		methods = append(methods, entra.Method{ID: "key", Type: m.(string), AAGUID: entra.Some("cb69481e-8ff7-4039-93ec-0a2729a154a8")})
	}
	u.Methods = entra.Some(methods)
	in := []entra.Membership{}
	for _, id := range slices.Sorted(maps.Keys(w.members)) {
		kind := "administrativeUnit"
		if find(w.groups, "id", id) != nil {
			kind = "group"
		}
		if holds(w.transitive(id), u.ID) {
			in = append(in, entra.Membership{ID: id, Type: kind})
		}
	}
	if find(w.assignments, "principalId", u.ID) != nil {
		in = append(in, entra.Membership{ID: "role", Type: "directoryRole", RoleTemplateID: entra.Some(entra.RoleGlobalAdministrator)})
	}
	u.MemberOf = entra.Some(in)
	return u
}

func orNull[T any](m entra.Maybe[T]) entra.Maybe[T] {
	if m.Known() {
		return m
	}
	return entra.Null[T]()
}

func (w *tenant) restricted(id string) bool {
	return slices.ContainsFunc(w.units, func(u object) bool {
		return u["isMemberManagementRestricted"] == true && holds(w.members[u["id"].(string)], id)
	})
}

func (w *tenant) memberList(id string) []entra.Member {
	out := []entra.Member{}
	for _, m := range w.transitive(id) {
		kind := "group"
		switch {
		case find(w.users, "id", m) != nil:
			kind = "user"
		case strings.HasPrefix(m, "dddddddd"):
			kind = "device"
		}
		out = append(out, entra.Member{ID: m, Type: kind, DisplayName: entra.Some("member " + m[len(m)-2:])})
	}
	return out
}

// transitive are all members, each once; a unit holds nobody through a group.
func (w *tenant) transitive(id string) []string {
	if find(w.units, "id", id) != nil {
		return w.members[id]
	}
	var out []string
	for _, m := range w.members[id] {
		for _, each := range append([]string{m}, w.transitive(m)...) {
			if !holds(out, each) {
				out = append(out, each)
			}
		}
	}
	return out
}

// readParts files every part as read whole, what is not there as not found, and the parts of
// unread as unread.
func (w *tenant) readParts(s *entra.Snapshot) {
	parts := []entra.Part{
		entra.PartTenant, entra.PartDomains, entra.PartPlans, entra.PartSecurityDefaults, entra.PartPolicies, entra.PartPoliciesBeta, entra.PartStrengths,
		entra.PartNamedLocations, entra.PartMethodsPolicy, entra.PartAuthorizationPolicy, entra.PartRoleAssignments, entra.PartActiveRoles, entra.PartEligibleRoles,
		entra.PartRoleSettings, entra.PartUnits, entra.PartClients, entra.PartAppPowers, entra.PartPolicyChanges,
	}
	for _, u := range s.Users {
		for _, p := range []entra.Part{entra.PartUser, entra.PartMethods, entra.PartPerUserMFA, entra.PartMemberOf, entra.PartRisk} {
			parts = append(parts, p.Of(u.ID))
		}
	}
	for _, g := range s.Groups {
		parts = append(parts, entra.PartGroup.Of(g.ID), entra.PartGroupMembers.Of(g.ID))
	}
	for _, u := range s.AdministrativeUnits {
		parts = append(parts, entra.PartUnitMembers.Of(u.ID))
	}
	for _, p := range parts {
		s.Readings[p] = entra.Reading{Source: "/" + string(p), ReadAt: w.clock, Pages: 1}
	}
	for _, key := range []string{"k7fm2@" + domain, "q3vd9@" + domain} {
		if s.UserByName(key) == nil {
			s.Readings[entra.PartUser.Of(key)] = entra.Reading{Unread: entra.UnreadNotFound, Detail: "there is no such user"}
		}
	}
	if _, n := groupNamed(s, "ca-exclusions"); n == 0 {
		s.Readings[entra.PartGroup.Of("ca-exclusions")] = entra.Reading{Unread: entra.UnreadNotFound, Detail: "there is no such group"}
	}
	for p, why := range w.unread {
		s.Readings[p] = entra.Reading{Unread: why, Detail: "not read in this test", Needs: "Some.Permission"}
	}
}

// setUnread takes a part out of every later reading, as msapi does: list and record.
func (w *tenant) setUnread(p entra.Part, why entra.Unread) { w.unread[p] = why }

func mustMake(t testing.TB, d *config.Desired, s *entra.Snapshot) *Plan {
	t.Helper()
	p, err := Make(d, s, noon)
	if err != nil {
		t.Fatalf("Make: %v", err)
	}
	return p
}

func stepIDs(p *Plan) []string {
	out := []string{}
	for _, st := range p.Steps {
		out = append(out, st.ID)
	}
	return out
}

func stepNamed(t testing.TB, p *Plan, id string) Step {
	t.Helper()
	for _, st := range p.Steps {
		if st.ID == id {
			return st
		}
	}
	t.Fatalf("no step %q among %v; open: %+v", id, stepIDs(p), p.Open)
	return Step{}
}

// openAbout says whether an open item names all of these words.
func openAbout(p *Plan, words ...string) bool {
	return slices.ContainsFunc(p.Open, func(o Open) bool {
		text := strings.Join([]string{o.Account, o.What, o.Why, o.Next}, " | ")
		for _, word := range words {
			if !strings.Contains(text, word) {
				return false
			}
		}
		return true
	})
}

// emergency adds an account that is as wanted, but for what change does to it.
func (w *tenant) emergency(upn string, change func(object)) string {
	id := w.id()
	o := object{
		"id": id, "userPrincipalName": upn, "displayName": "K7 FM2", "usageLocation": "DE", "accountEnabled": true, "userType": "Member",
		"passwordPolicies": neverExpires, "perUserMfaState": "disabled", "createdDateTime": "2025-01-01T00:00:00Z",
	}
	if change != nil {
		change(o)
	}
	w.users = append(w.users, o)
	return id
}
