package entra

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const (
	accountA = "aaaaaaaa-0000-4000-8000-00000000000a"
	groupX   = "cccccccc-0000-4000-8000-00000000000c"
	unitR    = "dddddddd-0000-4000-8000-00000000000d"
)

// sample is a small reading in which every part has something.
func sample(t testing.TB) *Snapshot {
	t.Helper()
	p, err := DecodePolicy([]byte(plainPolicy), altered(t, plainPolicy, map[string]any{"conditions.times": map[string]any{"name": "Jane's hours"}}))
	if err != nil {
		t.Fatal(err)
	}
	s := &Snapshot{
		TakenAt: noon, Cloud: "public", Readings: map[Part]Reading{},
		Reader:           Reader{Kind: "application", ObjectID: "eeeeeeee-0000-4000-8000-00000000000e", AppID: "ffffffff-0000-4000-8000-00000000000f", Grants: []string{"User.Read.All"}},
		Tenant:           Tenant{ID: "bbbbbbbb-0000-4000-8000-00000000000b", DisplayName: Some("Contoso Widgets"), OnPremisesSyncEnabled: Null[bool]()},
		Domains:          []Domain{{ID: "contoso.onmicrosoft.com", IsInitial: Some(true)}, {ID: "contoso.com", IsInitial: Some(false)}},
		Plans:            []ServicePlan{{ServicePlanID: planP1, ServicePlanName: "AAD_PREMIUM", CapabilityStatus: Some("Enabled")}},
		SecurityDefaults: SecurityDefaults{IsEnabled: Some(false)},
		Users: []User{{
			ID: accountA, UserPrincipalName: Some("qx7-breakglass@contoso.onmicrosoft.com"), DisplayName: Some("Jane Doe"), GivenName: Null[string](),
			AccountEnabled: Some(true), OtherMails: Some([]string{"jane.doe@contoso.com"}), MobilePhone: Some("+49 170 1234567"),
			SignInActivity: Null[SignInActivity](), PerUserMFA: Some("disabled"), Risk: Some(UserRisk{State: Some("none")}),
			Methods: Some([]Method{
				{ID: "28c10230-6103-485e-b985-444c60001490", Type: "passwordAuthenticationMethod"},
				{ID: "Zm9vYmFy", Type: "fido2AuthenticationMethod", DisplayName: Some("Jane's key"), AAGUID: Some("2fc0579f-8113-47ea-b116-bb5a8db9202a"), Model: Some("YubiKey 5")},
			}),
			MemberOf: Some([]Membership{{ID: groupX, Type: "group", DisplayName: Some("Contoso exclusions")}}),
		}},
		Groups:              []Group{{ID: groupX, DisplayName: Some("Contoso exclusions"), MailNickname: Some("contoso-excl"), Members: Some([]Member{{ID: accountA, Type: "user", DisplayName: Some("Jane Doe")}})}},
		AdministrativeUnits: []AdministrativeUnit{{ID: unitR, DisplayName: Some("Contoso restricted"), IsRestricted: Some(true), Members: Some([]Member{{ID: groupX, Type: "group"}})}},
		RoleAssignments:     []RoleAssignment{{ID: "lAPpYvVpN0KRkAEhdxReEJC2sEqbR", RoleID: RoleGlobalAdministrator, PrincipalID: accountA, PrincipalType: Some("user"), Scope: Some("/")}},
		ActiveRoles:         []RoleInstance{{ID: "x1", RoleID: RoleGlobalAdministrator, PrincipalID: accountA, End: Null[time.Time]()}},
		RoleSettings:        []RoleSetting{{RoleID: RoleGlobalAdministrator, Rules: []RoleRule{{ID: "Approval_EndUser_Assignment", Approvers: Some([]Member{{ID: accountA, Type: "user", DisplayName: Some("Jane Doe")}})}}}},
		Policies:            []Policy{p},
		NamedLocations:      []NamedLocation{{ID: "12121212-0000-4000-8000-000000000012", Type: "ipNamedLocation", DisplayName: Some("Contoso HQ"), IPRanges: Some([]string{"203.0.113.0/24", "2001:db9::/48"})}},
		MethodsPolicy:       AuthenticationMethodsPolicy{Configurations: []MethodConfiguration{{ID: "Fido2", Type: "fido2AuthenticationMethodConfiguration", IncludeTargets: Some([]Target{{ID: "all_users", Type: "group"}, {ID: groupX, Type: "group"}})}}},
		AuthorizationPolicy: AuthorizationPolicy{AllowedToUseSSPR: Some(true)},
		Clients:             []ServicePrincipal{{ID: "13131313-0000-4000-8000-000000000013", AppID: "14d82eec-204b-4c2f-b7e8-296a70dab67e", DisplayName: Some("Microsoft Graph Command Line Tools"), Scopes: Some([]string{"Policy.Read.All"})}},
		AppPowers:           []AppPower{{PrincipalID: "14141414-0000-4000-8000-000000000014", DisplayName: "Contoso HR sync", Permission: "User.ReadWrite.All"}},
		PolicyChanges:       []PolicyChange{{PolicyID: "p1", At: noon, ActorKind: "user", Actor: accountA, ActorName: "jane.doe@contoso.com"}},
	}
	for _, part := range everyPart() {
		n, ok := s.items(part)
		if !ok {
			t.Fatalf("the number of entries of %q is not known", part)
		}
		s.Readings[part] = Reading{Source: "/v1.0/x?$filter=mailNickname eq 'contoso-excl'", ReadAt: noon, Pages: 1, Items: n}
	}
	s.Readings[PartUser.Of("gone@contoso.com")] = Reading{Source: "/v1.0/users/gone%40contoso.com", Unread: UnreadNotFound, Detail: "Resource 'gone@contoso.com' does not exist"}
	return s
}

func everyPart() []Part {
	return []Part{
		PartTenant, PartDomains, PartPlans, PartSecurityDefaults, PartPolicies, PartPoliciesBeta, PartNamedLocations, PartStrengths,
		PartMethodsPolicy, PartAuthorizationPolicy, PartRoleAssignments, PartActiveRoles, PartEligibleRoles, PartRoleSettings, PartUnits,
		PartClients, PartConsents, PartAppPowers, PartPolicyChanges, PartExcludedUsers,
		PartUser.Of(accountA), PartSignInActivity.Of(accountA), PartMethods.Of(accountA), PartPerUserMFA.Of(accountA), PartMemberOf.Of(accountA),
		PartRisk.Of(accountA), PartEmployeeLeave.Of(accountA), PartGroup.Of(groupX), PartGroupMembers.Of(groupX), PartUnitMembers.Of(unitR),
	}
}

func asJSON(t testing.TB, s *Snapshot) string {
	t.Helper()
	data, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestASnapshotFileGivesBackWhatWasRead(t *testing.T) {
	s := sample(t)
	got, err := Decode([]byte(asJSON(t, s)))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(asJSON(t, s), asJSON(t, got)); d != "" {
		t.Error(d)
	}
	for p, r := range got.Readings {
		if r.Unread == UnreadDamaged {
			t.Errorf("%s came back damaged: %s", p, r.Detail)
		}
	}
	u := got.User(accountA)
	if !u.GivenName.IsNull() || u.Surname.Known() || !u.SignInActivity.IsNull() || !got.Tenant.OnPremisesSyncEnabled.IsNull() {
		t.Error("null, absent and present were not kept apart")
	}
	if d := cmp.Diff(asJSON(t, s), asJSON(t, s.Clone())); d != "" {
		t.Errorf("a clone differs: %s", d)
	}
	if _, err := Decode(append([]byte("\xef\xbb\xbf"), asJSON(t, s)...)); err != nil {
		t.Errorf("a byte order mark in front: %v", err)
	}
}

func TestAnEntryLostFromAFileIsNoticed(t *testing.T) {
	lose := map[Part]func(*Snapshot){
		PartDomains:                     func(s *Snapshot) { s.Domains = s.Domains[1:] },
		PartPlans:                       func(s *Snapshot) { s.Plans = nil },
		PartPolicies:                    func(s *Snapshot) { s.Policies = nil },
		PartPoliciesBeta:                func(s *Snapshot) { s.Policies[0].Versions = []string{"v1.0"} },
		PartNamedLocations:              func(s *Snapshot) { s.NamedLocations = nil },
		PartRoleAssignments:             func(s *Snapshot) { s.RoleAssignments = nil },
		PartActiveRoles:                 func(s *Snapshot) { s.ActiveRoles = nil },
		PartRoleSettings:                func(s *Snapshot) { s.RoleSettings = nil },
		PartUnits:                       func(s *Snapshot) { s.AdministrativeUnits = nil },
		PartUnitMembers.Of(unitR):       func(s *Snapshot) { s.AdministrativeUnits[0].Members = Some([]Member{}) },
		PartClients:                     func(s *Snapshot) { s.Clients = nil },
		PartConsents:                    func(s *Snapshot) { s.Clients[0].Scopes = Maybe[[]string]{} },
		PartAppPowers:                   func(s *Snapshot) { s.AppPowers = nil },
		PartPolicyChanges:               func(s *Snapshot) { s.PolicyChanges = nil },
		PartUser.Of(accountA):           func(s *Snapshot) { s.Users = nil },
		PartMethods.Of(accountA):        func(s *Snapshot) { s.Users[0].Methods = Some(s.Users[0].Methods.Or(nil)[:1]) },
		PartMemberOf.Of(accountA):       func(s *Snapshot) { s.Users[0].MemberOf = Null[[]Membership]() },
		PartPerUserMFA.Of(accountA):     func(s *Snapshot) { s.Users[0].PerUserMFA = Maybe[string]{} },
		PartRisk.Of(accountA):           func(s *Snapshot) { s.Users[0].Risk = Maybe[UserRisk]{} },
		PartGroup.Of(groupX):            func(s *Snapshot) { s.Groups = nil },
		PartGroupMembers.Of(groupX):     func(s *Snapshot) { s.Groups[0].Members = Some([]Member{}) },
		PartSecurityDefaults:            func(s *Snapshot) { s.SecurityDefaults = SecurityDefaults{} },
		PartAuthorizationPolicy:         func(s *Snapshot) { s.AuthorizationPolicy = AuthorizationPolicy{} },
		PartMethodsPolicy:               func(s *Snapshot) { s.MethodsPolicy.Configurations = nil },
		PartTenant:                      func(s *Snapshot) { s.Tenant.ID = "" },
		PartSignInActivity.Of(accountA): func(s *Snapshot) { s.Users[0].SignInActivity = Maybe[SignInActivity]{} },
	}
	for part, take := range lose {
		t.Run(string(part), func(t *testing.T) {
			s := sample(t)
			take(s)
			got, err := Decode([]byte(asJSON(t, s)))
			if err != nil {
				t.Fatal(err)
			}
			if got.Complete(part) || got.Reading(part).Unread != UnreadDamaged {
				t.Errorf("nobody noticed: %+v", got.Reading(part))
			}
		})
	}
}

func TestAFileOfAnotherVersionIsRefused(t *testing.T) {
	good := asJSON(t, sample(t))
	for name, c := range map[string]struct{ from, to, words string }{
		"newer":     {`"version": 1`, `"version": 2`, "of version 2, this program reads version 1"},
		"none":      {`"version": 1,`, ``, "of version none"},
		"a text":    {`"version": 1`, `"version": "1"`, `of version "1"`},
		"other":     {`"breakglass snapshot"`, `"something else"`, "no snapshot file"},
		"no format": {`"format": "breakglass snapshot",`, ``, "no snapshot file"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(good, c.from, c.to, 1)
			if bad == good {
				t.Fatal("nothing was changed")
			}
			_, err := Decode([]byte(bad))
			if err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("got %v, want %q", err, c.words)
			}
			if c.words[0] == 'o' && !errors.Is(err, ErrVersion) {
				t.Errorf("%v is not ErrVersion", err)
			}
		})
	}
}

func TestMistakesInAFileHaveAPlace(t *testing.T) {
	good := asJSON(t, sample(t))
	for name, c := range map[string]struct{ text, words string }{
		"empty":         {"", "ends in the middle"},
		"cut":           {good[:len(good)/2], "line "},
		"no JSON":       {"hello", "line 1:1"},
		"more behind":   {good + "{}", "something follows"},
		"a wrong comma": {"{\n  \"format\": ,\n}", "line 2:13"},
		"a wrong type":  {strings.Replace(good, `"domains": [`, `"domains": "x", "y": [`, 1), `"domains" is a string`},
		"a list":        {"[]", "line 1:1"},
		"deep":          {strings.Repeat(`{"a":`, 20000), "line 1:"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.words) || !strings.HasPrefix(err.Error(), "read the snapshot: ") {
				t.Errorf("got %v, want %q", err, c.words)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	good := asJSON(f, sample(f))
	f.Add([]byte(good))
	f.Add([]byte(good[:len(good)/3]))
	f.Add(bytes.ReplaceAll([]byte(good), []byte("true"), []byte("null")))
	f.Add([]byte(`{"format":"breakglass snapshot","version":1,"readings":{"user:x":{"items":1}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Decode(data)
		if err != nil {
			return
		}
		for p, r := range s.Readings {
			if n, ok := s.items(p); ok && r.Unread == "" && n != r.Items {
				t.Errorf("%s is complete with %d of %d entries", p, n, r.Items)
			}
		}
		again, err := s.Encode()
		if err != nil {
			t.Fatalf("what was decoded does not encode: %v", err)
		}
		if _, err := Decode(again); err != nil {
			t.Fatalf("what was encoded does not decode: %v", err)
		}
		if !json.Valid(again) {
			t.Error("no JSON")
		}
		_ = s.Clone()
		_ = s.Anonymise()
	})
}
