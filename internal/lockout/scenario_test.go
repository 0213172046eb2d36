package lockout

import (
	"testing"

	"breakglass/internal/entra"
)

func verdictIn(t *testing.T, m Matrix, scenario, account string) Cell {
	t.Helper()
	for _, c := range m.Cells {
		if c.Scenario == scenario && c.AccountID == account {
			return c
		}
	}
	t.Fatalf("no cell %s × %s", scenario, account)
	return Cell{}
}

func TestAHealthyTenantSurvivesEveryOutage(t *testing.T) {
	m := Scenarios(healthy(), []string{accountA, accountB}, nil)
	if len(m.Cells) != len(m.Scenarios)*2 || len(m.Scenarios) < 4 {
		t.Fatalf("%d cells of %d outages", len(m.Cells), len(m.Scenarios))
	}
	for _, c := range m.Cells {
		if c.Verdict != Survives || c.Reason == "" {
			t.Errorf("%+v", c)
		}
	}
}

// One change to account A, and the outages in which it is then lost; B always survives.
func TestWhichOutageAnAccountDoesNotSurvive(t *testing.T) {
	const fed, mfa, ca, pim = "federation-down", "mfa-down", "ca-lockout", "pim-dead-end"
	tests := []struct {
		name   string
		change func(s *entra.Snapshot)
		want   map[string]Verdict // what is not "survives"
	}{
		{"synchronised", func(s *entra.Snapshot) { s.Users[0].OnPremisesSyncEnabled = some(true) }, map[string]Verdict{fed: Fails}},
		{"on a federated domain", func(s *entra.Snapshot) {
			s.Domains = append(s.Domains, entra.Domain{ID: "contoso.com", IsVerified: some(true), AuthenticationType: some("Federated")})
			s.Users[0].UserPrincipalName = some("k7@contoso.com")
		}, map[string]Verdict{fed: Fails, mfa: Fails, ca: Fails, pim: Fails}},
		{"eligible only", func(s *entra.Snapshot) {
			s.EligibleRoles, s.ActiveRoles, s.RoleAssignments = s.ActiveRoles[:1], s.ActiveRoles[1:], s.RoleAssignments[1:]
		}, map[string]Verdict{fed: Fails, mfa: Fails, ca: Fails, pim: Fails}},
		{"role activated for today", func(s *entra.Snapshot) { s.ActiveRoles[0].AssignmentType = some("Activated") }, map[string]Verdict{mfa: Fails, pim: Fails}},
		{"role ends one day", func(s *entra.Snapshot) { s.ActiveRoles[0].End = some(readAt) }, map[string]Verdict{pim: Fails}},
		{"a policy that is off does not exclude it", func(s *entra.Snapshot) {
			p := policy("off", "off", accountB)
			p.State = some(stateOff)
			s.Policies = append(s.Policies, p)
		}, map[string]Verdict{ca: Fails}},
		{
			"policies not read", func(s *entra.Snapshot) { unreadPart(s, entra.PartPolicies, entra.UnreadThrottled) },
			map[string]Verdict{fed: CouldNotTell, mfa: CouldNotTell, ca: CouldNotTell, pim: CouldNotTell},
		},
		{"only a telephone, in China", func(s *entra.Snapshot) {
			s.Cloud = "china"
			s.Users[0].Methods = some([]entra.Method{{ID: "1", Type: "phoneAuthenticationMethod"}})
		}, nil},
		{"only a telephone, under an MFA policy, in China", func(s *entra.Snapshot) {
			s.Cloud = "china"
			s.Policies[0] = policy("p-1", "x", accountB)
			s.Users[0].Methods = some([]entra.Method{{ID: "1", Type: "phoneAuthenticationMethod"}})
		}, map[string]Verdict{fed: CouldNotTell, mfa: CouldNotTell, ca: Fails, pim: CouldNotTell}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := healthy()
			test.change(s)
			m := Scenarios(s, []string{accountA, accountB}, nil)
			for _, sc := range m.Scenarios {
				want := test.want[sc.ID]
				if want == "" {
					want = Survives
				}
				if c := verdictIn(t, m, sc.ID, accountA); c.Verdict != want {
					t.Errorf("%s: %v, want %v: %s", sc.ID, c.Verdict, want, c.Reason)
				}
			}
		})
	}
}

func TestAMissingAccountSurvivesNothing(t *testing.T) {
	s := healthy()
	unreadPart(s, entra.PartUser.Of("gone"), entra.UnreadNotFound)
	for _, c := range Scenarios(s, []string{"gone"}, nil).Cells {
		if c.Verdict != Fails {
			t.Errorf("%s: %v", c.Scenario, c.Verdict)
		}
	}
}
