package posture

import (
	"strings"
	"testing"
	"time"

	"breakglass/internal/config"
	"breakglass/internal/entra"
)

func run(d *config.Desired, s *entra.Snapshot) []Finding {
	return Run(Input{Desired: d, Snapshot: s, Now: now})
}

// verdictOf is the finding of a check for account a, or for the tenant.
func verdictOf(t *testing.T, list []Finding, code string) Finding {
	t.Helper()
	for _, f := range list {
		if f.Check == code && (f.Account == "" || f.Account == "a") {
			return f
		}
	}
	t.Fatalf("no finding of %s", code)
	return Finding{}
}

func TestAHealthyTenantIsGreenButForTheSeals(t *testing.T) {
	d := desired()
	d.Tenant.ID = tenantID
	for _, f := range run(d, healthy()) {
		switch {
		case f.Check == "BG-008" && f.Verdict == Fail:
		case f.Check == "BG-011" && f.Verdict == NotApplicable: // no account is passkey-required
		case f.Check == "BG-043": // the fixture's plan has no custodians; lint has its own tests
		case f.Verdict != Pass:
			t.Errorf("%s %s %s: %s", f.Check, f.Account, f.Verdict, f.Summary)
		}
	}
}

// Every check can fail, can be unable to tell, and where it says so can be not applicable.
// Each row changes one thing of the healthy tenant or of its plan.
func TestEachCheckSeesWhatIsWrong(t *testing.T) {
	type world struct {
		d *config.Desired
		s *entra.Snapshot
	}
	a := func(change func(u *entra.User)) func(*world) { return func(w *world) { change(&w.s.Users[0]) } }
	passkeyRequired := func(change func(p *entra.Policy)) func(*world) {
		return func(w *world) {
			w.d.Accounts[0].Posture, w.d.Accounts[0].Policy = config.PosturePasskeyRequired, "p-1"
			p := demanding(excluding(policy("p-1", "Passkey for a"), accountB), func(g *entra.GrantControls) {
				g.BuiltInControls, g.Strength = ids(), some(entra.StrengthRef{ID: strength4})
			})
			change(&p)
			w.s.Policies[0] = p
		}
	}
	free := func(w *world) {
		w.s.Plans, w.s.ActiveRoles, w.s.RoleSettings = nil, nil, nil
		for _, p := range []entra.Part{entra.PartActiveRoles, entra.PartEligibleRoles, entra.PartRoleSettings, entra.PartRisk.Of(accountA), entra.PartSignInActivity.Of(accountA)} {
			unread(w.s, p, entra.UnreadLicence)
		}
		w.s.Users[0].Risk, w.s.Users[0].SignInActivity = entra.Maybe[entra.UserRisk]{}, entra.Maybe[entra.SignInActivity]{}
	}
	approval := func(change func(r *entra.RoleRule)) func(*world) {
		return func(w *world) { change(&w.s.RoleSettings[0].Rules[1]) }
	}
	group := func(change func(g *entra.Group)) func(*world) { return func(w *world) { change(&w.s.Groups[0]) } }
	method := func(m entra.Method) func(*world) {
		return a(func(u *entra.User) { u.Methods = some(append(u.Methods.Or(nil), m)) })
	}
	tests := []struct {
		code   string
		name   string
		change func(w *world)
		want   Verdict
	}{
		{"BG-001", "another tenant", func(w *world) { w.s.Tenant.ID = admin }, Fail},
		{"BG-001", "another initial domain", func(w *world) { w.d.Tenant.InitialDomain = "fabrikam.onmicrosoft.com" }, Fail},
		{"BG-001", "another cloud", func(w *world) { w.d.Tenant.Cloud = "china" }, Fail},
		{"BG-001", "a cloud of an endpoints file", func(w *world) { w.s.Cloud = "simulated" }, Pass},
		{"BG-001", "not read", func(w *world) { unread(w.s, entra.PartTenant, entra.UnreadPermission) }, CouldNotTell},
		{"BG-001", "no plan", func(w *world) { w.d.Tenant.ID = "" }, NotApplicable},
		{"BG-002", "one account in the plan", func(w *world) { w.d.Accounts = w.d.Accounts[:1] }, Fail},
		{"BG-002", "one account twice", func(w *world) { w.d.Accounts[1].ObjectID = accountA }, Fail},
		{"BG-002", "one not in the reading", func(w *world) { w.s.Users = w.s.Users[1:] }, CouldNotTell},
		{"BG-003", "deleted", func(w *world) {
			w.s.Users = w.s.Users[1:]
			unread(w.s, entra.PartUser.Of(accountA), entra.UnreadNotFound)
		}, Fail},
		{"BG-003", "found by name where the plan has no id", func(w *world) { w.d.Accounts[0].ObjectID = "" }, Pass},
		{"BG-003", "made anew under another id", func(w *world) {
			w.s.Users[0].ID = "aaaaaaaa-0000-4000-8000-00000000000c"
			unread(w.s, entra.PartUser.Of(accountA), entra.UnreadNotFound)
		}, Fail},
		{"BG-003", "no account by that name", func(w *world) {
			w.d.Accounts[0].ObjectID, w.d.Accounts[0].UserPrincipalName = "", "x@contoso.onmicrosoft.com"
			unread(w.s, entra.PartUser.Of("x@contoso.onmicrosoft.com"), entra.UnreadNotFound)
		}, Fail},
		{"BG-003", "not in the reading", func(w *world) { w.s.Users = w.s.Users[1:] }, CouldNotTell},
		{"BG-004", "disabled", a(func(u *entra.User) { u.AccountEnabled = some(false) }), Fail},
		{"BG-004", "not told", a(func(u *entra.User) { u.AccountEnabled = entra.Maybe[bool]{} }), CouldNotTell},
		{"BG-004", "the account does not exist", func(w *world) {
			w.s.Users = w.s.Users[1:]
			unread(w.s, entra.PartUser.Of(accountA), entra.UnreadNotFound)
		}, NotApplicable},
		{"BG-005", "a block in force", func(w *world) { w.s.Policies[0] = blocking(excluding(w.s.Policies[0], accountB)) }, Fail},
		{"BG-005", "a block that is off", func(w *world) { w.s.Policies[1] = blocking(excluding(w.s.Policies[1])) }, Pass},
		{"BG-005", "policies not read", func(w *world) { unread(w.s, entra.PartPolicies, entra.UnreadThrottled) }, CouldNotTell},
		{"BG-006", "eligible only", func(w *world) {
			w.s.EligibleRoles, w.s.ActiveRoles, w.s.RoleAssignments = w.s.ActiveRoles[:1], w.s.ActiveRoles[1:], w.s.RoleAssignments[1:]
		}, Fail},
		{"BG-006", "with an end", func(w *world) { w.s.ActiveRoles[0].End = some(now.AddDate(1, 0, 0)) }, Fail},
		{"BG-006", "not read", func(w *world) { unread(w.s, entra.PartActiveRoles, entra.UnreadPermission); w.s.ActiveRoles = nil }, CouldNotTell},
		{"BG-006", "no PIM", free, Pass},
		{"BG-007", "federated", func(w *world) { w.s.Domains[0].AuthenticationType = some("Federated") }, Fail},
		{"BG-007", "not told", func(w *world) { w.s.Domains[0].AuthenticationType = entra.Maybe[string]{} }, CouldNotTell},
		{"BG-009", "password only", a(func(u *entra.User) { u.Methods = some(u.Methods.Or(nil)[:1]) }), Fail},
		{"BG-009", "password only in China", func(w *world) { w.s.Cloud = "china"; w.s.Users[0].Methods = some(w.s.Users[0].Methods.Or(nil)[:1]) }, Pass},
		{"BG-009", "methods not read", func(w *world) {
			w.s.Users[0].Methods = entra.Maybe[[]entra.Method]{}
			unread(w.s, entra.PartMethods.Of(accountA), entra.UnreadPermission)
		}, CouldNotTell},
		{"BG-010", "missing in a policy that is off", func(w *world) { w.s.Policies[1] = excluding(w.s.Policies[1], accountB) }, Fail},
		{"BG-010", "excluded by the group only", func(w *world) {
			w.s.Policies[1] = users(w.s.Policies[1], func(u *entra.UserCondition) { u.ExcludeUsers = ids() })
		}, Fail},
		{"BG-010", "exclusions not told", func(w *world) {
			w.s.Policies[1] = users(w.s.Policies[1], func(u *entra.UserCondition) { u.ExcludeUsers = entra.Maybe[[]string]{} })
		}, CouldNotTell},
		{"BG-010", "policies not read", func(w *world) { unread(w.s, entra.PartPoliciesBeta, entra.UnreadPermission) }, CouldNotTell},
		{"BG-010", "never licensed", func(w *world) {
			w.s.Plans, w.s.Policies = nil, nil
			unread(w.s, entra.PartPolicies, entra.UnreadLicence)
			unread(w.s, entra.PartPoliciesBeta, entra.UnreadLicence)
		}, NotApplicable},
		{"BG-010", "no policies", func(w *world) { w.s.Policies = nil }, Pass},
		{"BG-011", "demands the passkey", passkeyRequired(func(*entra.Policy) {}), Pass},
		{"BG-011", "is off", passkeyRequired(func(p *entra.Policy) { *p = off(*p) }), Fail},
		{"BG-011", "excludes the account", passkeyRequired(func(p *entra.Policy) { *p = excluding(*p, accountA, accountB) }), Fail},
		{"BG-011", "any MFA will do", passkeyRequired(func(p *entra.Policy) {
			*p = demanding(*p, func(g *entra.GrantControls) { g.BuiltInControls = ids("mfa") })
		}), Fail},
		{"BG-011", "no strength", passkeyRequired(func(p *entra.Policy) {
			*p = demanding(*p, func(g *entra.GrantControls) { g.Strength = entra.Null[entra.StrengthRef]() })
		}), Fail},
		{"BG-011", "one platform only", passkeyRequired(func(p *entra.Policy) {
			c := p.Conditions.Or(entra.Conditions{})
			c.Platforms = some(entra.Platforms{Include: ids("linux"), Exclude: ids()})
			p.Conditions = some(c)
		}), Fail},
		{"BG-011", "strength not read", func(w *world) { passkeyRequired(func(*entra.Policy) {})(w); w.s.Strengths = nil }, CouldNotTell},
		{"BG-011", "no such policy", func(w *world) { passkeyRequired(func(*entra.Policy) {})(w); w.d.Accounts[0].Policy = "p-9" }, Fail},
		{"BG-012", "a deleted user is excluded", func(w *world) {
			w.s.Policies[0] = excluding(w.s.Policies[0], accountA, accountB, gone)
			unread(w.s, entra.PartUser.Of(gone), entra.UnreadNotFound)
		}, Fail},
		{"BG-012", "a deleted user, as looked up", func(w *world) { w.s.Policies[0] = excluding(w.s.Policies[0], accountA, accountB, gone) }, Fail},
		{"BG-012", "somebody else who is there", func(w *world) {
			w.s.Policies[0] = excluding(w.s.Policies[0], accountA, accountB, gone)
			w.s.ExcludedUsers = append(w.s.ExcludedUsers, gone)
		}, Pass},
		{"BG-012", "somebody we could not look up", func(w *world) {
			w.s.Policies[0] = excluding(w.s.Policies[0], accountA, accountB, gone)
			unread(w.s, entra.PartExcludedUsers, entra.UnreadThrottled)
		}, CouldNotTell},
		{"BG-013", "on", func(w *world) { w.s.SecurityDefaults.IsEnabled = some(true) }, Fail},
		{"BG-013", "on, profile free", func(w *world) { w.s.SecurityDefaults.IsEnabled = some(true); w.d.Tenant.Profile = "free" }, NotApplicable},
		{"BG-013", "not told", func(w *world) { w.s.SecurityDefaults.IsEnabled = entra.Maybe[bool]{} }, CouldNotTell},
		{"BG-020", "synchronised", a(func(u *entra.User) { u.OnPremisesSyncEnabled = some(true) }), Fail},
		{"BG-020", "anchor", a(func(u *entra.User) { u.OnPremisesImmutableID = some("x==") }), Fail},
		{"BG-020", "guest", a(func(u *entra.User) { u.UserType = some("Guest") }), Fail},
		{"BG-020", "type not told", a(func(u *entra.User) { u.UserType = entra.Maybe[string]{} }), CouldNotTell},
		{"BG-021", "custom domain", func(w *world) {
			w.s.Domains = append(w.s.Domains, entra.Domain{ID: "contoso.com", IsInitial: some(false), IsVerified: some(true), AuthenticationType: some("Managed")})
			w.s.Users[0].UserPrincipalName = some("k7@contoso.com")
		}, Fail},
		{"BG-021", "not told", func(w *world) { w.s.Domains[0].IsInitial = entra.Maybe[bool]{} }, CouldNotTell},
		{"BG-022", "a surname", a(func(u *entra.User) { u.Surname = some("Miller") }), Fail},
		{"BG-022", "a telling name", a(func(u *entra.User) { u.DisplayName = some("Break-Glass 1") }), Fail},
		{"BG-022", "a telling UPN", a(func(u *entra.User) { u.UserPrincipalName = some("emergency.access@contoso.onmicrosoft.com") }), Fail},
		{"BG-022", "not told", a(func(u *entra.User) { u.GivenName = entra.Maybe[string]{} }), CouldNotTell},
		{"BG-023", "a leave date", a(func(u *entra.User) { u.EmployeeLeave = some(now) }), Fail},
		{"BG-023", "not told", a(func(u *entra.User) { u.EmployeeLeave = entra.Maybe[time.Time]{} }), CouldNotTell},
		{"BG-024", "at risk", a(func(u *entra.User) { u.Risk = some(entra.UserRisk{State: some("atRisk")}) }), Fail},
		{"BG-024", "no record", a(func(u *entra.User) { u.Risk = entra.Null[entra.UserRisk]() }), Pass},
		{"BG-024", "not told", a(func(u *entra.User) { u.Risk = entra.Maybe[entra.UserRisk]{} }), CouldNotTell},
		{"BG-024", "a state that we do not know", a(func(u *entra.User) { u.Risk = some(entra.UserRisk{State: some("pondering")}) }), CouldNotTell},
		{"BG-024", "no P2", free, NotApplicable},
		{"BG-025", "in a unit", a(func(u *entra.User) { u.IsManagementRestricted = some(true) }), Fail},
		{"BG-025", "wanted in a unit", func(w *world) { w.d.RestrictedUnit.Accounts = true }, Fail},
		{"BG-025", "not told", a(func(u *entra.User) { u.IsManagementRestricted = entra.Maybe[bool]{} }), CouldNotTell},
		{"BG-030", "one key", a(func(u *entra.User) { u.Methods = some(u.Methods.Or(nil)[:2]) }), Fail},
		{"BG-030", "model struck off the list", func(w *world) {
			w.s.MethodsPolicy.Configurations[0].KeyRestrictions = some(entra.KeyRestrictions{IsEnforced: some(true), EnforcementType: some("allow"), AAGUIDs: ids(token2)})
		}, Fail},
		{"BG-030", "passkeys for a group that it is not in", func(w *world) {
			w.s.MethodsPolicy.Configurations[0].IncludeTargets = some([]entra.Target{{ID: gone, Type: "group"}})
		}, Fail},
		{"BG-030", "model not told", a(func(u *entra.User) {
			keys := u.Methods.Or(nil)
			keys[1].AAGUID = entra.Maybe[string]{}
		}), CouldNotTell},
		{"BG-030", "password-only in China", func(w *world) { w.s.Cloud, w.d.Accounts[0].Posture = "china", config.PosturePasswordOnly }, NotApplicable},
		{"BG-031", "a telephone", method(entra.Method{ID: "x", Type: "phoneAuthenticationMethod"}), Fail},
		{"BG-031", "a synced passkey", method(entra.Method{ID: "x", Type: "fido2AuthenticationMethod", PasskeyType: some("synced")}), Fail},
		{"BG-031", "a passkey of a kind not told", method(entra.Method{ID: "x", Type: "fido2AuthenticationMethod"}), CouldNotTell},
		{"BG-031", "methods not read", func(w *world) { unread(w.s, entra.PartMethods.Of(accountA), entra.UnreadPermission) }, CouldNotTell},
		{"BG-032", "on, with a telephone", func(w *world) {
			w.s.AuthorizationPolicy.AllowedToUseSSPR = some(true)
			w.s.Users[0].MobilePhone = some("+491")
		}, Fail},
		{"BG-032", "on, with an app", func(w *world) {
			w.s.AuthorizationPolicy.AllowedToUseSSPR = some(true)
			w.s.Users[0].Methods = some(append(w.s.Users[0].Methods.Or(nil), entra.Method{ID: "x", Type: "microsoftAuthenticatorAuthenticationMethod"}))
		}, Fail},
		{"BG-032", "on, without a contact", func(w *world) { w.s.AuthorizationPolicy.AllowedToUseSSPR = some(true) }, Pass},
		{"BG-032", "not told, with a mail address", func(w *world) {
			w.s.AuthorizationPolicy.AllowedToUseSSPR = entra.Maybe[bool]{}
			w.s.Users[0].OtherMails = ids("x@y.example")
		}, CouldNotTell},
		{"BG-033", "enforced", a(func(u *entra.User) { u.PerUserMFA = some("enforced") }), Fail},
		{"BG-033", "not told", a(func(u *entra.User) { u.PerUserMFA = entra.Maybe[string]{} }), CouldNotTell},
		{"BG-034", "not excluded", func(w *world) { w.s.MethodsPolicy.CampaignExclude = some([]entra.Target{}) }, Fail},
		{"BG-034", "off", func(w *world) {
			w.s.MethodsPolicy.CampaignState = some("disabled")
			w.s.MethodsPolicy.CampaignExclude = some([]entra.Target{})
		}, Pass},
		{"BG-034", "memberships not read", func(w *world) {
			w.s.Users[0].MemberOf = entra.Maybe[[]entra.Membership]{}
		}, CouldNotTell},
		{"BG-035", "one model", func(w *world) { w.s.Users[1].Methods = w.s.Users[0].Methods }, Fail},
		{"BG-035", "one model as far as read", func(w *world) {
			w.s.Users[1].Methods = entra.Maybe[[]entra.Method]{}
		}, CouldNotTell},
		{"BG-040", "expires", a(func(u *entra.User) { u.PasswordPolicies = entra.Null[string]() }), Fail},
		{"BG-040", "weak ones allowed", a(func(u *entra.User) { u.PasswordPolicies = some("DisablePasswordExpiration, DisableStrongPassword") }), Fail},
		{"BG-040", "not told", a(func(u *entra.User) { u.PasswordPolicies = entra.Maybe[string]{} }), CouldNotTell},
		{"BG-041", "old", a(func(u *entra.User) { u.LastPasswordChange = some(now.AddDate(0, 0, -91)) }), Fail},
		{"BG-041", "not told", a(func(u *entra.User) { u.LastPasswordChange = entra.Maybe[time.Time]{} }), CouldNotTell},
		{"BG-041", "a plan without a cadence", func(w *world) { w.d.Cadences.Rotate = 0 }, Pass},
		{"BG-041", "old for this plan", func(w *world) { w.d.Cadences.Rotate = 7 }, Fail},
		{"BG-042", "long ago", a(func(u *entra.User) {
			u.SignInActivity = some(entra.SignInActivity{LastSuccessfulSignIn: some(now.AddDate(-1, 0, 0))})
		}), Fail},
		{"BG-042", "never", a(func(u *entra.User) { u.SignInActivity = entra.Null[entra.SignInActivity]() }), Fail},
		{"BG-042", "attempts only", a(func(u *entra.User) { u.SignInActivity = some(entra.SignInActivity{LastSignIn: some(now)}) }), CouldNotTell},
		{"BG-042", "Free", free, NotApplicable},
		{"BG-041", "changed in the future", a(func(u *entra.User) { u.LastPasswordChange = some(now.AddDate(0, 0, 2)) }), CouldNotTell},
		{"BG-042", "signed in in the future", a(func(u *entra.User) {
			u.SignInActivity = some(entra.SignInActivity{LastSuccessfulSignIn: some(now.AddDate(0, 0, 2))})
		}), CouldNotTell},
		{"BG-043", "who opens a safe is not said", func(w *world) { unsaidAccess(w.d) }, CouldNotTell},
		{"BG-043", "no plan", func(w *world) { w.d.Tenant.ID = "" }, NotApplicable},
		{"BG-050", "outside PIM", func(w *world) { w.s.ActiveRoles[0].Start = entra.Null[time.Time]() }, Fail},
		{"BG-050", "start not told", func(w *world) { w.s.ActiveRoles[0].Start = entra.Maybe[time.Time]{} }, CouldNotTell},
		{"BG-050", "not read", func(w *world) { unread(w.s, entra.PartActiveRoles, entra.UnreadPermission); w.s.ActiveRoles = nil }, CouldNotTell},
		{"BG-050", "no PIM", free, NotApplicable},
		{"BG-051", "one", func(w *world) { w.s.RoleAssignments = w.s.RoleAssignments[:1] }, Fail},
		{"BG-051", "nine", func(w *world) {
			for i := range 9 {
				w.s.EligibleRoles = append(w.s.EligibleRoles, entra.RoleInstance{RoleID: entra.RoleGlobalAdministrator, PrincipalID: strings.Repeat("9", i+1), Scope: some("/")})
			}
		}, Fail},
		{"BG-051", "a group of one", func(w *world) {
			w.s.Groups = append(w.s.Groups, entra.Group{ID: "g-2", Members: some([]entra.Member{{ID: "u-9", Type: "user"}, {ID: "g-3", Type: "group"}})})
			w.s.RoleAssignments = append(w.s.RoleAssignments[:0], entra.RoleAssignment{RoleID: entra.RoleGlobalAdministrator, PrincipalID: "g-2", Scope: some("/")})
			w.s.Readings[entra.PartGroupMembers.Of("g-2")] = entra.Reading{}
		}, Fail},
		{"BG-051", "a group that was not opened", func(w *world) {
			w.s.Groups = append(w.s.Groups, entra.Group{ID: "g-2"})
			w.s.RoleAssignments = append(w.s.RoleAssignments, entra.RoleAssignment{RoleID: entra.RoleGlobalAdministrator, PrincipalID: "g-2", Scope: some("/")})
		}, CouldNotTell},
		{"BG-052", "the approver is gone", approval(func(r *entra.RoleRule) { r.Approvers = some([]entra.Member{{ID: gone, Type: "user"}}) }), CouldNotTell},
		{"BG-052", "the approver was deleted", func(w *world) {
			approval(func(r *entra.RoleRule) { r.Approvers = some([]entra.Member{{ID: gone, Type: "user"}}) })(w)
			unread(w.s, entra.PartUser.Of(gone), entra.UnreadNotFound)
		}, Fail},
		{"BG-052", "the approver is disabled", func(w *world) { w.s.Users[2].AccountEnabled = some(false) }, Fail},
		{"BG-052", "nobody named, an administrator is there", approval(func(r *entra.RoleRule) { r.Approvers = some([]entra.Member{}) }), Pass},
		{"BG-052", "nobody named, nobody there", func(w *world) {
			approval(func(r *entra.RoleRule) { r.Approvers = some([]entra.Member{}) })(w)
			w.s.ActiveRoles = w.s.ActiveRoles[:2]
		}, Fail},
		{"BG-052", "a group approves", func(w *world) {
			approval(func(r *entra.RoleRule) { r.Approvers = some([]entra.Member{{ID: groupID, Type: "group"}}) })(w)
		}, Pass},
		{"BG-052", "no approval", approval(func(r *entra.RoleRule) { r.IsApprovalRequired = some(false) }), Pass},
		{"BG-052", "settings not read", func(w *world) { w.s.RoleSettings = nil; unread(w.s, entra.PartRoleSettings, entra.UnreadPermission) }, CouldNotTell},
		{"BG-052", "no PIM", free, NotApplicable},
		{"BG-053", "expiry demanded", func(w *world) { w.s.RoleSettings[0].Rules[0].IsExpirationRequired = some(true) }, Fail},
		{"BG-053", "not told", func(w *world) { w.s.RoleSettings[0].Rules[0].IsExpirationRequired = entra.Maybe[bool]{} }, CouldNotTell},
		{"BG-060", "an application makes administrators", func(w *world) {
			w.s.AppPowers = append(w.s.AppPowers, entra.AppPower{PrincipalID: "x", DisplayName: "CI", Permission: "RoleManagement.ReadWrite.Directory"})
		}, Fail},
		{"BG-060", "a permission without a name", func(w *world) {
			w.s.AppPowers = []entra.AppPower{{PrincipalID: "app-1", DisplayName: "Legacy", Permission: "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8"}}
		}, CouldNotTell},
		{"BG-060", "an application makes administrators eligible", func(w *world) {
			w.s.AppPowers = []entra.AppPower{{PrincipalID: "app-1", DisplayName: "Legacy", Permission: "RoleEligibilitySchedule.ReadWrite.Directory"}}
		}, Fail},
		{"BG-060", "not read", func(w *world) { unread(w.s, entra.PartAppPowers, entra.UnreadPermission) }, CouldNotTell},
		{"BG-061", "a synchronised administrator", func(w *world) { w.s.Users[2].OnPremisesSyncEnabled = some(true) }, Fail},
		{"BG-061", "an application with the role", func(w *world) {
			w.s.RoleAssignments = append(w.s.RoleAssignments, entra.RoleAssignment{RoleID: entra.RolePrivilegedAuthenticationAdministrator, PrincipalID: "sp-9", PrincipalType: some("servicePrincipal"), Scope: some("/")})
		}, Fail},
		{"BG-061", "somebody we did not read", func(w *world) { w.s.Users = w.s.Users[:2] }, CouldNotTell},
		{"BG-062", "not consented", func(w *world) { w.s.Clients[0].Scopes = ids("User.Read") }, Fail},
		{"BG-062", "requires assignment", func(w *world) { w.s.Clients[0].AssignmentRequired = some(true) }, CouldNotTell},
		{"BG-062", "disabled", func(w *world) { w.s.Clients[0].AccountEnabled = some(false) }, Fail},
		{"BG-062", "no client", func(w *world) { w.s.Clients = nil }, Fail},
		{"BG-062", "not read", func(w *world) { w.s.Clients = nil; unread(w.s, entra.PartClients, entra.UnreadPermission) }, CouldNotTell},
		{"BG-070", "a stranger", group(func(g *entra.Group) {
			g.Members = some(append(g.Members.Or(nil), entra.Member{ID: admin, Type: "user"}))
		}), Fail},
		{"BG-070", "members not read", group(func(g *entra.Group) { g.Members = entra.Maybe[[]entra.Member]{} }), CouldNotTell},
		{"BG-070", "two groups of the plan's mail nickname", func(w *world) {
			w.d.ExclusionGroup.ObjectID = ""
			w.s.Groups = append(w.s.Groups, entra.Group{ID: "g-2", MailNickname: some("ca-exclusions"), Members: some([]entra.Member{})})
		}, CouldNotTell},
		{"BG-070", "no group in the plan", func(w *world) { w.d.ExclusionGroup = nil }, NotApplicable},
		{"BG-071", "found by its mail nickname", func(w *world) { w.d.ExclusionGroup.ObjectID = "" }, Pass},
		{"BG-071", "no such mail nickname", func(w *world) {
			w.d.ExclusionGroup.ObjectID, w.s.Groups = "", nil
			unread(w.s, entra.PartGroup.Of("ca-exclusions"), entra.UnreadNotFound)
		}, Fail},
		{"BG-071", "synchronised", group(func(g *entra.Group) { g.OnPremisesSyncEnabled = some(true) }), Fail},
		{"BG-071", "no unit", group(func(g *entra.Group) { g.IsManagementRestricted = some(false) }), Fail},
		{"BG-071", "an owner", group(func(g *entra.Group) { g.Owners = some([]entra.Member{{ID: admin}}) }), Fail},
		{"BG-071", "a membership rule", group(func(g *entra.Group) { g.GroupTypes = ids("DynamicMembership") }), Fail},
		{"BG-071", "role-assignable in a unit", group(func(g *entra.Group) { g.IsAssignableToRole = some(true) }), Fail},
		{"BG-071", "role-assignable outside", group(func(g *entra.Group) { g.IsAssignableToRole, g.IsManagementRestricted = some(true), some(false) }), Pass},
		{"BG-071", "owners not told", group(func(g *entra.Group) { g.Owners = entra.Maybe[[]entra.Member]{} }), CouldNotTell},
		{"BG-071", "does not exist", func(w *world) { w.s.Groups = nil; unread(w.s, entra.PartGroup.Of(groupID), entra.UnreadNotFound) }, Fail},
		{"BG-071", "not in the reading", func(w *world) { w.s.Groups = nil }, CouldNotTell},
	}
	tested := map[string]map[Verdict]bool{}
	for _, test := range tests {
		t.Run(test.code+" "+test.name, func(t *testing.T) {
			w := &world{desired(), healthy()}
			test.change(w)
			f := verdictOf(t, run(w.d, w.s), test.code)
			if f.Verdict != test.want {
				t.Errorf("%s, want %s: %s", f.Verdict, test.want, f.Summary)
			}
			if (f.Verdict == Fail || f.Verdict == CouldNotTell) && (f.Remedy == "" || f.Summary == "") {
				t.Errorf("a finding without a next act or a sentence: %+v", f)
			}
		})
		if tested[test.code] == nil {
			tested[test.code] = map[Verdict]bool{}
		}
		tested[test.code][test.want] = true
	}
	for _, c := range Checks() {
		if c.Code == "BG-008" || c.Code == "BG-043" {
			continue // sealed has a test of its own; the plan's rules are lint's
		}
		if !tested[c.Code][Fail] || !tested[c.Code][CouldNotTell] {
			t.Errorf("%s is not seen to fail and to be unable to tell: %v", c.Code, tested[c.Code])
		}
	}
}

func TestEvidenceSaysWhereAndWhen(t *testing.T) {
	s := healthy()
	unread(s, entra.PartPoliciesBeta, entra.UnreadPermission)
	f := verdictOf(t, run(desired(), s), "BG-005")
	seen := map[entra.Part]Evidence{}
	for _, e := range f.Evidence {
		seen[e.Part] = e
	}
	if e := seen[entra.PartPolicies]; !e.ReadAt.Equal(readAt) || e.Source != "/policies" || e.Fact == "" {
		t.Errorf("policies: %+v", e)
	}
	if e := seen[entra.PartPoliciesBeta]; !e.ReadAt.IsZero() || !strings.Contains(e.Fact, "not read: permission") {
		t.Errorf("what was not read: %+v", e)
	}
	if !strings.Contains(f.Remedy, "Some.Permission") {
		t.Errorf("the remedy does not name what is missing: %s", f.Remedy)
	}
}

func TestChecksAreWellFormed(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Checks() {
		switch {
		case seen[c.Code]:
			t.Errorf("%s twice", c.Code)
		case c.Title == "" || c.Why == "" || c.Asks == "" || c.Remedy == "" || c.Severity == "":
			t.Errorf("%s lacks words", c.Code)
		case (c.tenant == nil) == (c.account == nil):
			t.Errorf("%s must judge the tenant or each account", c.Code)
		case c.Decides && c.Severity != Critical:
			t.Errorf("%s decides and is not critical", c.Code)
		case c.Decides && c.account != nil && c.short == "":
			t.Errorf("%s decides and has no words for the headline", c.Code)
		}
		seen[c.Code] = true
	}
	if len(seen) < 28 {
		t.Errorf("%d checks", len(seen))
	}
}

// unsaidAccess makes the plan one whose heavy rules are all kept or accepted, but for the one
// that cannot be judged: nobody said who opens the safe at l-1.
func unsaidAccess(d *config.Desired) {
	d.Custodians = []config.PersonID{"p-1", "p-2", "p-3"}
	q := &config.Quorum{Locations: 2}
	for i, p := range d.Custodians {
		at := config.LocationID("l-" + string(p[2:]))
		d.Locations = append(d.Locations, config.Location{ID: at, Code: "L" + string(p[2:]), Access: []config.PersonID{p}})
		q.Sheets = append(q.Sheets, config.LocationSheets{Location: at, Need: 1, Custodians: d.Custodians[i : i+1]})
	}
	d.Accounts[0].Quorum, d.Locations[0].Access = q, nil
	for _, p := range config.Lint(d) {
		if p.Severity == config.SeverityHigh && !p.CouldNotTell {
			d.AcceptedRisks = append(d.AcceptedRisks, config.AcceptedRisk{Rule: p.Code, Person: "p-1", Reason: "a test"})
		}
	}
}
