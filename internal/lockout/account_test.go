package lockout

import (
	"testing"
	"time"

	"breakglass/internal/entra"
)

// What stops an account outside Conditional Access: the kind, the moment, and how sure.
func TestWhatStopsAnAccountOutsideConditionalAccess(t *testing.T) {
	password := some([]entra.Method{{ID: "28c1", Type: typePassword}})
	tests := []struct {
		name    string
		change  func(s *entra.Snapshot)
		kind    Kind
		when    When
		certain bool
		verdict Verdict
	}{
		{"disabled", func(s *entra.Snapshot) { s.Users[0].AccountEnabled = some(false) }, KindDisabled, Now, true, Fails},
		{"enabled not told", func(s *entra.Snapshot) { s.Users[0].AccountEnabled = entra.Maybe[bool]{} }, KindDisabled, Now, false, CouldNotTell},
		{"federated", func(s *entra.Snapshot) { s.Domains[0].AuthenticationType = some("Federated") }, KindDomain, Now, true, Fails},
		{"domain unverified", func(s *entra.Snapshot) { s.Domains[0].IsVerified = some(false) }, KindDomain, Now, true, Fails},
		{"domain kind not told", func(s *entra.Snapshot) { s.Domains[0].AuthenticationType = entra.Maybe[string]{} }, KindDomain, Now, false, CouldNotTell},
		{"domain not in the reading", func(s *entra.Snapshot) { s.Domains = nil }, KindDomain, Now, false, CouldNotTell},
		{"synchronised", func(s *entra.Snapshot) { s.Users[0].OnPremisesSyncEnabled = some(true) }, KindSynced, Later, true, Survives},
		{"anchor", func(s *entra.Snapshot) { s.Users[0].OnPremisesImmutableID = some("abc==") }, KindSynced, Later, true, Survives},
		{"security defaults, passkey", func(s *entra.Snapshot) { s.SecurityDefaults.IsEnabled = some(true) }, KindSecurityDefaults, Never, true, Survives},
		{"security defaults, password only", func(s *entra.Snapshot) {
			s.SecurityDefaults.IsEnabled, s.Users[0].Methods = some(true), password
		}, KindSecurityDefaults, Now, true, Fails},
		{"per-user MFA, passkey", func(s *entra.Snapshot) { s.Users[0].PerUserMFA = some("enforced") }, KindPerUserMFA, Never, true, Survives},
		{"per-user MFA, password only, China", func(s *entra.Snapshot) {
			s.Cloud, s.Users[0].PerUserMFA, s.Users[0].Methods = "china", some("enabled"), password
		}, KindPerUserMFA, Now, true, Fails},
		{"password only in the public cloud", func(s *entra.Snapshot) { s.Users[0].Methods = password }, KindMandatoryMFA, Now, true, Fails},
		{"a telephone is no proof", func(s *entra.Snapshot) {
			s.Users[0].Methods = some([]entra.Method{{ID: "1", Type: "phoneAuthenticationMethod"}})
		}, KindMandatoryMFA, Now, false, CouldNotTell},
		{"passkeys switched off", func(s *entra.Snapshot) { s.MethodsPolicy.Configurations[0].State = some("disabled") }, KindMandatoryMFA, Now, true, Fails},
		{"model not allowed", func(s *entra.Snapshot) {
			s.MethodsPolicy.Configurations[0].KeyRestrictions = some(entra.KeyRestrictions{IsEnforced: some(true), EnforcementType: some("allow"), AAGUIDs: ids(token2)})
		}, KindMethod, Later, true, Fails},
		{"model blocked", func(s *entra.Snapshot) {
			s.MethodsPolicy.Configurations[0].KeyRestrictions = some(entra.KeyRestrictions{IsEnforced: some(true), EnforcementType: some("block"), AAGUIDs: ids(yubikey)})
		}, KindMethod, Later, true, Fails},
		{"methods policy not read", func(s *entra.Snapshot) { unreadPart(s, entra.PartMethodsPolicy, entra.UnreadPermission) }, KindMandatoryMFA, Now, false, CouldNotTell},
		{"methods not read", func(s *entra.Snapshot) {
			s.Users[0].Methods = entra.Maybe[[]entra.Method]{}
			unreadPart(s, entra.PartMethods.Of(accountA), entra.UnreadPermission)
		}, KindMandatoryMFA, Now, false, CouldNotTell},
		{"at risk", func(s *entra.Snapshot) { s.Users[0].Risk = some(entra.UserRisk{State: some("atRisk")}) }, KindRisk, Later, false, Survives},
		{"risk not read", func(s *entra.Snapshot) {
			s.Users[0].Risk = entra.Maybe[entra.UserRisk]{}
			unreadPart(s, entra.PartRisk.Of(accountA), entra.UnreadPermission)
		}, KindRisk, Later, false, Survives},
		{"security defaults not told, password only", func(s *entra.Snapshot) {
			s.Cloud, s.SecurityDefaults.IsEnabled, s.Users[0].Methods = "china", entra.Maybe[bool]{}, password
		}, KindSecurityDefaults, Now, false, CouldNotTell},
		{"security defaults not told, passkey", func(s *entra.Snapshot) { s.SecurityDefaults.IsEnabled = entra.Maybe[bool]{} }, KindSecurityDefaults, Later, false, Survives},
		{"security defaults on, a telephone", func(s *entra.Snapshot) {
			s.SecurityDefaults.IsEnabled, s.Users[0].Methods = some(true), some([]entra.Method{{ID: "1", Type: "phoneAuthenticationMethod"}})
		}, KindSecurityDefaults, Now, false, CouldNotTell},
		{"per-user MFA not told, password only", func(s *entra.Snapshot) {
			s.Cloud, s.Users[0].PerUserMFA, s.Users[0].Methods = "china", entra.Maybe[string]{}, password
		}, KindPerUserMFA, Now, false, CouldNotTell},
		{"per-user MFA in a state that we do not know, passkey", func(s *entra.Snapshot) { s.Users[0].PerUserMFA = some("brooding") }, KindPerUserMFA, Later, false, Survives},
		{"risk not told", func(s *entra.Snapshot) { s.Users[0].Risk = entra.Maybe[entra.UserRisk]{} }, KindRisk, Later, false, Survives},
		{"passkeys not for it", func(s *entra.Snapshot) {
			s.MethodsPolicy.Configurations[0].ExcludeTargets = some([]entra.Target{{ID: accountA, Type: "user"}})
		}, KindMethod, Later, true, Fails},
		{"whom passkeys are for was not told", func(s *entra.Snapshot) {
			s.MethodsPolicy.Configurations[0].IncludeTargets = some([]entra.Target{{Type: "group"}})
		}, KindMethod, Later, false, CouldNotTell},
		{"the methods policy is silent on passkeys", func(s *entra.Snapshot) { s.MethodsPolicy.Configurations = nil }, KindMethod, Later, false, CouldNotTell},
		{"a method of a kind not told", func(s *entra.Snapshot) { s.Users[0].Methods = some([]entra.Method{{ID: "1"}}) }, KindMandatoryMFA, Now, false, CouldNotTell},
		{"a certificate, switched off", func(s *entra.Snapshot) {
			s.Users[0].Methods = some([]entra.Method{{ID: "c", Type: typeX509}})
			s.MethodsPolicy.Configurations = append(s.MethodsPolicy.Configurations, entra.MethodConfiguration{ID: "X509Certificate", State: some("disabled")})
		}, KindMandatoryMFA, Now, true, Fails},
		{"two flawed assignments: the better one counts", func(s *entra.Snapshot) {
			worse := s.ActiveRoles[0]
			worse.Scope = some("/administrativeUnits/1")
			s.ActiveRoles[0].End = some(readAt)
			s.ActiveRoles = append([]entra.RoleInstance{worse}, s.ActiveRoles...)
		}, KindRole, Later, true, Survives},
		{"for a unit only", func(s *entra.Snapshot) { s.ActiveRoles[0].Scope = some("/administrativeUnits/1") }, KindRole, Now, true, Fails},
		{"no PIM, scope not told", func(s *entra.Snapshot) {
			free(s)
			s.RoleAssignments[0].Scope = entra.Maybe[string]{}
		}, KindRole, Now, false, CouldNotTell},
		{"eligible only", func(s *entra.Snapshot) {
			s.EligibleRoles, s.ActiveRoles = s.ActiveRoles[:1], s.ActiveRoles[1:]
			s.RoleAssignments = s.RoleAssignments[1:]
		}, KindRole, Now, true, Fails},
		{"no role at all", func(s *entra.Snapshot) {
			s.ActiveRoles, s.RoleAssignments = nil, nil
		}, KindRole, Now, true, Fails},
		{"time-bound, for a part that is not told", func(s *entra.Snapshot) {
			s.ActiveRoles[0].End, s.ActiveRoles[0].Scope = some(readAt), entra.Maybe[string]{}
		}, KindRole, Now, false, CouldNotTell},
		{"time-bound", func(s *entra.Snapshot) { s.ActiveRoles[0].End = some(readAt) }, KindRole, Later, true, Survives},
		{"activated", func(s *entra.Snapshot) { s.ActiveRoles[0].AssignmentType = some("Activated") }, KindRole, Later, true, Survives},
		{"through a group", func(s *entra.Snapshot) { s.ActiveRoles[0].MemberType = some("Group") }, KindRole, Later, true, Survives},
		{"end not told", func(s *entra.Snapshot) { s.ActiveRoles[0].End = entra.Maybe[time.Time]{} }, KindRole, Now, false, CouldNotTell},
		{"PIM and assignments disagree", func(s *entra.Snapshot) { s.ActiveRoles = s.ActiveRoles[1:] }, KindRole, Now, false, CouldNotTell},
		{"PIM not read", func(s *entra.Snapshot) {
			s.ActiveRoles = nil
			unreadPart(s, entra.PartActiveRoles, entra.UnreadPermission)
		}, KindRole, Now, false, CouldNotTell},
		{"no PIM, group only", func(s *entra.Snapshot) {
			free(s)
			s.RoleAssignments[0].PrincipalID = groupX
			s.Users[0].MemberOf = some([]entra.Membership{{ID: groupX, Type: "group"}})
		}, KindRole, Later, true, Survives},
		{"no PIM, no role", func(s *entra.Snapshot) {
			free(s)
			s.RoleAssignments = s.RoleAssignments[1:]
		}, KindRole, Now, true, Fails},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := healthy()
			test.change(s)
			an := Analyze(s, accountA)
			if an.Verdict != test.verdict {
				t.Errorf("verdict %v, want %v\n%s", an.Verdict, test.verdict, dump(t, an))
			}
			for _, b := range an.Blockers {
				if b.Kind == test.kind && b.When == test.when && b.Certain == test.certain {
					return
				}
			}
			t.Errorf("no blocker %q %q certain=%v in %s", test.kind, test.when, test.certain, dump(t, an))
		})
	}
}

// free makes a tenant without PIM.
func free(s *entra.Snapshot) {
	s.Plans, s.ActiveRoles = nil, nil
	unreadPart(s, entra.PartActiveRoles, entra.UnreadLicence)
}

// Passkey profiles stand in place of the configuration's own restrictions for the targets
// that name them.
func TestAKeyMustFitAPasskeyProfileOfItsTarget(t *testing.T) {
	allow := func(model string) entra.Maybe[entra.KeyRestrictions] {
		return some(entra.KeyRestrictions{IsEnforced: some(true), EnforcementType: some("allow"), AAGUIDs: ids(model)})
	}
	for name, test := range map[string]struct {
		profiles entra.Maybe[[]entra.PasskeyProfile]
		named    entra.Maybe[[]string]
		want     Truth
	}{
		"profiles unknown to this cloud":    {entra.Maybe[[]entra.PasskeyProfile]{}, entra.Maybe[[]string]{}, True},
		"no profiles":                       {some([]entra.PasskeyProfile{}), ids(), True},
		"one of two allows it":              {some([]entra.PasskeyProfile{{ID: "1", KeyRestrictions: allow(token2)}, {ID: "2", PasskeyTypes: some("deviceBound"), KeyRestrictions: allow(yubikey)}}), ids("1", "2"), True},
		"none allows the model":             {some([]entra.PasskeyProfile{{ID: "1", PasskeyTypes: some("deviceBound"), KeyRestrictions: allow(token2)}}), ids("1"), False},
		"for synced passkeys only":          {some([]entra.PasskeyProfile{{ID: "1", PasskeyTypes: some("synced"), KeyRestrictions: allow(yubikey)}}), ids("1"), False},
		"types not told":                    {some([]entra.PasskeyProfile{{ID: "1", KeyRestrictions: allow(yubikey)}}), ids("1"), Unknown},
		"a profile that was not read":       {some([]entra.PasskeyProfile{}), ids("9"), Unknown},
		"profiles, and which is not told":   {some([]entra.PasskeyProfile{{ID: "1", KeyRestrictions: allow(token2)}}), entra.Maybe[[]string]{}, Unknown},
		"profiles, and the target has none": {some([]entra.PasskeyProfile{{ID: "1", KeyRestrictions: allow(token2)}}), ids(), Unknown},
	} {
		s := healthy()
		keys := s.Users[0].Methods.Or(nil)
		keys[1].PasskeyType = some("deviceBound")
		c := &s.MethodsPolicy.Configurations[0]
		c.PasskeyProfiles = test.profiles
		c.IncludeTargets = some([]entra.Target{{ID: "all_users", Type: "group", AllowedPasskeyProfiles: test.named}})
		got, _ := Keys(s, &s.Users[0])
		if len(got) != 1 || got[0].Usable != test.want {
			t.Errorf("%s: %+v, want %v", name, got, test.want)
		}
	}
}

func TestADirectAssignmentIsEnoughWithoutPIM(t *testing.T) {
	s := healthy()
	free(s)
	if an := Analyze(s, accountA); an.Verdict != Survives {
		t.Errorf("verdict %v: %s", an.Verdict, dump(t, an))
	}
}

func TestAnAccountThatIsNotThere(t *testing.T) {
	s := healthy()
	if an := Analyze(s, "nobody@contoso.onmicrosoft.com"); an.Verdict != CouldNotTell || an.Excluded != Unknown {
		t.Errorf("not in the reading: %v, %v", an.Verdict, an.Excluded)
	}
	unreadPart(s, entra.PartUser.Of("nobody@contoso.onmicrosoft.com"), entra.UnreadNotFound)
	if an := Analyze(s, "nobody@contoso.onmicrosoft.com"); an.Verdict != Fails {
		t.Errorf("not in the tenant: %v", an.Verdict)
	}
	if an := Analyze(s, ""); an.Verdict != CouldNotTell {
		t.Errorf("no name: %v", an.Verdict)
	}
}
