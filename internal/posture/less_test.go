package posture

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"breakglass/internal/config"
	"breakglass/internal/entra"
	"breakglass/internal/lockout"
)

// Invariant I9: knowing less never looks better. Every property, every element of a list
// that a reading counted, every reading, every permission and licence is taken away, one at a
// time, from tenants of every kind; no fail and no could-not-tell may turn into a pass.

// tenants are the worlds in which something is taken away.
func tenants() map[string]func() (*config.Desired, *entra.Snapshot) {
	return map[string]func() (*config.Desired, *entra.Snapshot){
		"healthy": func() (*config.Desired, *entra.Snapshot) { return desired(), healthy() },
		"broken policies": func() (*config.Desired, *entra.Snapshot) {
			s := healthy()
			s.Policies = []entra.Policy{
				blocking(excluding(policy("p-1", "Block"), accountB)), reportOnly(excluding(policy("p-2", "MFA"))),
				users(policy("p-3", "Admins"), func(u *entra.UserCondition) {
					u.IncludeUsers, u.ExcludeUsers, u.ExcludeGroups = ids(), ids(gone), ids()
					u.IncludeRoles = ids(entra.RoleGlobalAdministrator)
				}),
				users(off(policy("p-4", "A group")), func(u *entra.UserCondition) {
					u.IncludeUsers, u.IncludeGroups, u.ExcludeUsers, u.ExcludeGroups = ids(), ids(groupID), ids(), ids()
				}),
				strange(excluding(policy("p-5", "Times"))), betaOnly(excluding(policy("p-6", "New"))),
			}
			unread(s, entra.PartUser.Of(gone), entra.UnreadNotFound)
			readAll(s)
			return desired(), s
		},
		"broken accounts": func() (*config.Desired, *entra.Snapshot) { return brokenAccounts() },
		"broken tenant":   func() (*config.Desired, *entra.Snapshot) { return brokenTenant() },
		"passkey-required": func() (*config.Desired, *entra.Snapshot) {
			d, s := desired(), healthy()
			for i, id := range []string{"p-1", "p-2"} {
				d.Accounts[i].Posture, d.Accounts[i].Policy = config.PosturePasskeyRequired, id
			}
			s.Policies[0] = demanding(excluding(policy("p-1", "Any MFA"), accountB), func(g *entra.GrantControls) { g.Strength = some(entra.StrengthRef{ID: strength4}) })
			s.Policies[1] = demanding(excluding(policy("p-2", "Models"), accountA), func(g *entra.GrantControls) {
				g.BuiltInControls, g.Strength = ids(), some(entra.StrengthRef{ID: strength4})
			})
			s.Strengths[0].AllowedAAGUIDs, s.Strengths[0].AllowedCombinations = ids(yubikey), ids("fido2", "password,sms")
			return d, s
		},
		"passkey profiles": func() (*config.Desired, *entra.Snapshot) {
			s := healthy()
			c := &s.MethodsPolicy.Configurations[0]
			c.KeyRestrictions = entra.Null[entra.KeyRestrictions]()
			c.IncludeTargets = some([]entra.Target{{ID: "all_users", Type: "group", AllowedPasskeyProfiles: ids("p")}})
			c.PasskeyProfiles = some([]entra.PasskeyProfile{{ID: "p", PasskeyTypes: some("synced"), KeyRestrictions: some(entra.KeyRestrictions{
				IsEnforced: some(true), EnforcementType: some("block"), AAGUIDs: ids(yubikey, token2),
			})}})
			return desired(), s
		},
		"free": func() (*config.Desired, *entra.Snapshot) {
			d, s := desired(), healthy()
			s.Plans, s.ActiveRoles, s.RoleSettings, s.Policies = nil, nil, nil, nil
			s.SecurityDefaults.IsEnabled = some(true)
			s.Users[0].Methods, s.RoleAssignments = some(s.Users[0].Methods.Or(nil)[:1]), s.RoleAssignments[1:]
			for _, p := range []entra.Part{entra.PartActiveRoles, entra.PartEligibleRoles, entra.PartRoleSettings, entra.PartPolicies, entra.PartPoliciesBeta} {
				unread(s, p, entra.UnreadLicence)
			}
			readAll(s)
			return d, s
		},
	}
}

func strange(p entra.Policy) entra.Policy {
	p.Strange = []entra.StrangeMember{{Path: "conditions.times", Version: "beta", Value: json.RawMessage("{}")}}
	return p
}

func betaOnly(p entra.Policy) entra.Policy { p.Versions = []string{"beta"}; return p }

// brokenAccounts: what can be wrong with an account, spread over the two.
func brokenAccounts() (*config.Desired, *entra.Snapshot) {
	d, s := desired(), healthy()
	a, b := &s.Users[0], &s.Users[1]
	a.AccountEnabled, a.OnPremisesSyncEnabled, a.Surname, a.EmployeeLeave = some(false), some(true), some("Miller"), some(now)
	a.Methods = some([]entra.Method{{ID: "28c1", Type: "passwordAuthenticationMethod"}, {ID: "t", Type: "phoneAuthenticationMethod"}})
	a.PasswordPolicies, a.LastPasswordChange, a.IsManagementRestricted = some("None"), some(now.AddDate(-1, 0, 0)), some(true)
	a.Risk, a.PerUserMFA, a.MobilePhone = some(entra.UserRisk{State: some("atRisk"), Level: some("high")}), some("enforced"), some("+491")
	a.SignInActivity = entra.Null[entra.SignInActivity]()
	b.UserPrincipalName, b.UserType, b.OnPremisesImmutableID = some("breakglass@contoso.com"), some("Guest"), some("x==")
	b.Methods = some([]entra.Method{{ID: "28c1", Type: "passwordAuthenticationMethod"}, {ID: "s", Type: "fido2AuthenticationMethod", AAGUID: some("unlisted"), PasskeyType: some("synced")}})
	b.MemberOf = some([]entra.Membership{})
	s.Domains = append(s.Domains, entra.Domain{ID: "contoso.com", IsInitial: some(false), IsVerified: some(true), AuthenticationType: some("Federated")})
	s.ActiveRoles[0].End, s.ActiveRoles[1].Start, s.ActiveRoles[1].MemberType = some(now), entra.Null[time.Time](), some("Group")
	readAll(s)
	return d, s
}

// brokenTenant: what can be wrong around the accounts.
func brokenTenant() (*config.Desired, *entra.Snapshot) {
	d, s := desired(), healthy()
	s.Tenant.ID, s.SecurityDefaults.IsEnabled, s.AuthorizationPolicy.AllowedToUseSSPR = admin, some(true), some(true)
	s.Users[0].OtherMails = ids("x@y.example")
	s.MethodsPolicy.CampaignExclude = some([]entra.Target{})
	s.MethodsPolicy.Configurations[0].State = some("disabled")
	g := &s.Groups[0]
	g.Members = some([]entra.Member{{ID: admin, Type: "user"}})
	g.Owners, g.IsManagementRestricted, g.GroupTypes = some([]entra.Member{{ID: admin, Type: "user"}}), some(false), ids("DynamicMembership")
	s.EligibleRoles, s.ActiveRoles, s.RoleAssignments = s.ActiveRoles[:1], s.ActiveRoles[1:2], s.RoleAssignments[1:2]
	for i := range 8 {
		s.EligibleRoles = append(s.EligibleRoles, entra.RoleInstance{ID: "e", RoleID: entra.RoleGlobalAdministrator, PrincipalID: strings.Repeat("9", i+1), Scope: some("/")})
	}
	s.RoleSettings[0].Rules[0].IsExpirationRequired, s.RoleSettings[0].Rules[1].Approvers = some(true), some([]entra.Member{})
	s.Users[2].OnPremisesSyncEnabled = some(true)
	s.AppPowers[0].Permission = "RoleManagement.ReadWrite.Directory"
	s.Clients[0].AssignmentRequired, s.Clients[0].Scopes = some(false), ids()
	readAll(s)
	return d, s
}

// answers is everything that judgement says of a tenant, by name.
func answers(d *config.Desired, s *entra.Snapshot) map[string]string {
	out := map[string]string{}
	findings := Run(Input{Desired: d, Snapshot: s, Now: now, Seals: allSealed()}) // or no could ever be a yes
	for _, f := range findings {
		out[f.Check+" "+f.Account] = string(f.Verdict)
	}
	out["ready"] = string(Ready(findings).Ready)
	var names []string
	allowed := map[string][]string{}
	for _, a := range d.Accounts {
		names = append(names, a.ObjectID)
		if a.Policy != "" {
			allowed[a.ObjectID] = []string{a.Policy}
		}
		an := lockout.Analyze(s, a.ObjectID, allowed[a.ObjectID]...)
		out["verdict "+a.ID], out["excluded "+a.ID] = string(an.Verdict), an.Excluded.String()
	}
	for _, c := range lockout.Scenarios(s, names, allowed).Cells {
		out[c.Scenario+" "+c.AccountID] = string(c.Verdict)
	}
	return out
}

func allSealed() Seals {
	seal := Seal{Generation: 1, SealedAt: now.AddDate(0, 0, -9), TriedAt: now.AddDate(0, 0, -9)}
	return Seals{"a": seal, "b": seal}
}

var passes = []string{string(Pass), string(lockout.Survives), string(Yes)}

// compare reports every answer that turned into a pass.
func compare(t *testing.T, what string, before, after map[string]string) {
	t.Helper()
	for name, was := range before {
		if is := after[name]; slices.Contains(passes, is) && !slices.Contains(passes, was) && was != string(NotApplicable) {
			t.Errorf("without %s: %s turned from %q into %q", what, name, was, is)
		}
	}
}

func TestKnowingLessNeverLooksBetter(t *testing.T) {
	for name, world := range tenants() {
		t.Run(name, func(t *testing.T) {
			d, s := world()
			before := answers(d, s)
			taken := 0
			each(t, s, func(what string, less func() *entra.Snapshot) {
				taken++
				compare(t, what, before, answers(d, less()))
			})
			if taken < 250 {
				t.Errorf("only %d things were taken away", taken)
			}
		})
	}
}

func TestAPartThatIsNotReadNeverLooksBetter(t *testing.T) {
	reasons := []entra.Unread{
		entra.UnreadLicence, entra.UnreadPermission, entra.UnreadNotAsked, // the others are judged as the second
	}
	for name, world := range tenants() {
		t.Run(name, func(t *testing.T) {
			d, s := world()
			before := answers(d, s)
			for _, p := range slices.Sorted(maps.Keys(s.Readings)) {
				kept := s.Clone() // what came before the refusal
				unread(kept, p, entra.UnreadThrottled)
				compare(t, fmt.Sprintf("the end of %s", p), before, answers(d, kept))
				for _, why := range reasons {
					dropped := s.Clone()
					unread(dropped, p, why)
					forget(dropped, p)
					compare(t, fmt.Sprintf("%s and its data (%s)", p, why), before, answers(d, dropped))
				}
			}
		})
	}
}

// A licence that lapsed is read whole: the plans are fewer, or none, or no longer enabled, and
// then PIM refuses to be read. (A tenant that has no trace of the plan and no PIM is another
// tenant: there an assignment has no end.)
func TestALapsedLicenceNeverLooksBetter(t *testing.T) {
	lapse := map[string]func(s *entra.Snapshot){
		"P2 gone":  func(s *entra.Snapshot) { s.Plans = s.Plans[:len(s.Plans)/2] },
		"all gone": func(s *entra.Snapshot) { s.Plans = nil },
		"all suspended": func(s *entra.Snapshot) {
			for i := range s.Plans {
				s.Plans[i].CapabilityStatus = some("Suspended")
			}
		},
	}
	for name, world := range tenants() {
		for how, change := range lapse {
			d, s := world()
			before := answers(d, s)
			change(s)
			readAll(s)
			compare(t, name+": "+how, before, answers(d, s))
			if how != "all suspended" {
				continue
			}
			for _, p := range []entra.Part{entra.PartActiveRoles, entra.PartEligibleRoles, entra.PartRoleSettings} {
				forget(s, p)
				unread(s, p, entra.UnreadLicence)
			}
			compare(t, name+": "+how+", PIM refused", before, answers(d, s))
		}
	}
}

// forget drops what a part holds, as a reading without the permission would.
func forget(s *entra.Snapshot, p entra.Part) {
	kind, id, ok := strings.Cut(string(p), ":")
	if ok {
		forgetOf(s, entra.Part(kind+":"), id)
		return
	}
	switch p {
	case entra.PartTenant:
		s.Tenant = entra.Tenant{}
	case entra.PartDomains:
		s.Domains = nil
	case entra.PartPlans:
		s.Plans = nil
	case entra.PartSecurityDefaults:
		s.SecurityDefaults = entra.SecurityDefaults{}
	case entra.PartPolicies:
		s.Policies = nil
	case entra.PartPoliciesBeta:
		for i := range s.Policies {
			s.Policies[i].Versions, s.Policies[i].Strange = []string{"v1.0"}, nil
		}
	case entra.PartStrengths:
		s.Strengths = nil
	case entra.PartMethodsPolicy:
		s.MethodsPolicy = entra.AuthenticationMethodsPolicy{}
	case entra.PartAuthorizationPolicy:
		s.AuthorizationPolicy = entra.AuthorizationPolicy{}
	case entra.PartRoleAssignments:
		s.RoleAssignments = nil
	case entra.PartActiveRoles:
		s.ActiveRoles = nil
	case entra.PartEligibleRoles:
		s.EligibleRoles = nil
	case entra.PartRoleSettings:
		s.RoleSettings = nil
	case entra.PartClients:
		s.Clients = nil
	case entra.PartExcludedUsers:
		s.ExcludedUsers = nil
	case entra.PartConsents:
		for i := range s.Clients {
			s.Clients[i].Scopes = entra.Maybe[[]string]{}
		}
	case entra.PartAppPowers:
		s.AppPowers = nil
	}
}

func forgetOf(s *entra.Snapshot, kind entra.Part, id string) {
	u, g := s.User(id), s.Group(id)
	switch {
	case kind == entra.PartUser && u != nil:
		s.Users = slices.DeleteFunc(s.Users, func(x entra.User) bool { return x.ID == u.ID })
	case kind == entra.PartGroup && g != nil:
		s.Groups = slices.DeleteFunc(s.Groups, func(x entra.Group) bool { return x.ID == g.ID })
	case kind == entra.PartGroupMembers && g != nil:
		g.Members = entra.Maybe[[]entra.Member]{}
	case u == nil:
	case kind == entra.PartMethods:
		u.Methods = entra.Maybe[[]entra.Method]{}
	case kind == entra.PartMemberOf:
		u.MemberOf = entra.Maybe[[]entra.Membership]{}
	case kind == entra.PartPerUserMFA:
		u.PerUserMFA = entra.Maybe[string]{}
	case kind == entra.PartRisk:
		u.Risk = entra.Maybe[entra.UserRisk]{}
	case kind == entra.PartEmployeeLeave:
		u.EmployeeLeave = entra.Maybe[time.Time]{}
	case kind == entra.PartSignInActivity:
		u.SignInActivity = entra.Maybe[entra.SignInActivity]{}
	}
}

// each calls do for the snapshot without one thing: each property, each counted element,
// each reading.
func each(t *testing.T, s *entra.Snapshot, do func(what string, less func() *entra.Snapshot)) {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal(encode(t, s), &tree); err != nil {
		t.Fatal(err)
	}
	walk(tree, nil, func(path []string, remove func() (undo func())) {
		undo := remove()
		defer undo()
		what := strings.Join(path, ".")
		do(what, func() *entra.Snapshot {
			less, err := entra.Decode(encode(t, tree))
			if err != nil {
				t.Fatalf("without %s: %v", what, err)
			}
			return less
		})
	})
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// bookkeeping is what the reading says of itself; it is no part of the tenant. Strange
// members are our own remark on a policy, and a reading's members are our own record: whoever
// can rewrite those can write any snapshot.
func bookkeeping(path []string) bool {
	return len(path) > 2 && path[0] == "readings" || slices.Contains(path, "strange") || slices.Contains([]string{"format", "version"}, path[0])
}

// walk visits every property, and every element of the lists that a reading counts.
func walk(node any, path []string, visit func(path []string, remove func() (undo func()))) {
	switch v := node.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			at := append(slices.Clone(path), key)
			if bookkeeping(at) {
				continue
			}
			visit(at, func() func() {
				was := v[key]
				delete(v, key)
				return func() { v[key] = was }
			})
			if list, ok := v[key].([]any); ok && countedList(at) {
				for i := range list {
					visit(append(slices.Clone(at), strconv.Itoa(i)), func() func() {
						v[key] = slices.Delete(slices.Clone(list), i, i+1)
						return func() { v[key] = list }
					})
				}
			}
			walk(v[key], at, visit)
		}
	case []any:
		for i, x := range v {
			walk(x, append(slices.Clone(path), strconv.Itoa(i)), visit)
		}
	}
}

func countedList(path []string) bool {
	last := path[len(path)-1]
	return len(path) == 1 || slices.Contains([]string{"authenticationMethods", "transitiveMemberOf", "transitiveMembers"}, last)
}
