package posture

import (
	"strings"
	"testing"

	"breakglass/internal/config"
	"breakglass/internal/entra"
)

func ready(d *config.Desired, s *entra.Snapshot, seals Seals) Answer {
	return Ready(Run(Input{Desired: d, Snapshot: s, Now: now, Seals: seals}))
}

func TestNothingIsReadyBeforeItIsSealed(t *testing.T) {
	a := ready(desired(), healthy(), nil)
	if a.Ready != No || a.Headline != "no: no account is sealed" {
		t.Errorf("%s: %s", a.Ready, a.Headline)
	}
	if len(a.Reasons) == 0 || a.Reasons[0].Check != codeSealed || len(a.Assumptions) == 0 {
		t.Errorf("reasons %+v, assumptions %v", a.Reasons, a.Assumptions)
	}
}

func TestTheHeadlineNamesWhatIsDeadliest(t *testing.T) {
	one := func(id string) Seals { return Seals{id: allSealed()[id]} }
	tests := []struct {
		name   string
		change func(d *config.Desired, s *entra.Snapshot)
		seals  Seals
		ready  Readiness
		want   string
	}{
		{"all is well", func(*config.Desired, *entra.Snapshot) {}, allSealed(), Yes, "yes: a and b would have worked at 2026-11-02 14:02 UTC"},
		{
			"one is well", func(_ *config.Desired, s *entra.Snapshot) { s.Users[1].AccountEnabled = some(false) }, allSealed(), Yes,
			"yes: a would have worked at 2026-11-02 14:02 UTC; 1 other account would not, or could not be told",
		},
		{
			"locked out and unsealed", func(_ *config.Desired, s *entra.Snapshot) { s.Policies[0] = blocking(excluding(s.Policies[0])) }, nil, No,
			"no: no account gets past Conditional Access, and none is sealed",
		},
		{
			"locked out", func(_ *config.Desired, s *entra.Snapshot) { s.Policies[0] = blocking(excluding(s.Policies[0])) }, allSealed(), No,
			"no: no account gets past Conditional Access",
		},
		{"lost in different ways", func(_ *config.Desired, s *entra.Snapshot) {
			s.Policies[0] = blocking(excluding(s.Policies[0], accountB))
			s.Users[1].AccountEnabled = some(false)
		}, nil, No, "no: no account could get in, and none is sealed"},
		{
			"one lost, none sealed", func(_ *config.Desired, s *entra.Snapshot) { s.Users[0].AccountEnabled = some(false) }, nil, No,
			"no: no account is sealed, and 1 of 2 could not get in",
		},
		{"no keys yet, none sealed", func(_ *config.Desired, s *entra.Snapshot) {
			for i := range s.Users {
				s.Users[i].Methods = some(s.Users[i].Methods.Or(nil)[:1])
			}
		}, nil, No, "no: no account is sealed"},
		{"sealed, but no keys", func(_ *config.Desired, s *entra.Snapshot) {
			for i := range s.Users {
				s.Users[i].Methods = some(s.Users[i].Methods.Or(nil)[:1])
			}
		}, allSealed(), No, "no: no account has a passkey that would be accepted"},
		{
			"one sealed and disabled, the other not sealed", func(_ *config.Desired, s *entra.Snapshot) { s.Users[0].AccountEnabled = some(false) }, one("a"), No,
			"no: a: the account is disabled; b: not sealed",
		},
		{"another tenant", func(d *config.Desired, _ *entra.Snapshot) { d.Tenant.ID = admin }, allSealed(), No, "no: the plan is for tenant " + admin},
		{"no accounts", func(d *config.Desired, _ *entra.Snapshot) { d.Accounts = nil }, nil, No, "no: the plan names no emergency account"},
		{
			"policies not read", func(_ *config.Desired, s *entra.Snapshot) { unread(s, entra.PartPolicies, entra.UnreadPermission) }, allSealed(), CouldNotTellR,
			"could not tell: a: the policies were not read whole",
		},
		{"policies not read, none sealed", func(_ *config.Desired, s *entra.Snapshot) { unread(s, entra.PartPolicies, entra.UnreadPermission) }, nil, No, "no: no account is sealed"},
		{
			"tenant not told", func(_ *config.Desired, s *entra.Snapshot) { unread(s, entra.PartTenant, entra.UnreadPermission) }, allSealed(), CouldNotTellR,
			"could not tell: which tenant was read is not told",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, s := desired(), healthy()
			test.change(d, s)
			a := ready(d, s, test.seals)
			if a.Ready != test.ready || !strings.HasPrefix(a.Headline, test.want) {
				t.Errorf("%s: %q\nwant %s: %q", a.Ready, a.Headline, test.ready, test.want)
			}
		})
	}
}

// The deadliest comes first, and what does not decide never hides what does.
func TestReasonsAreOrderedMostDeadlyFirst(t *testing.T) {
	s := healthy()
	s.Policies[0] = blocking(excluding(s.Policies[0]))
	s.Users[0].PasswordPolicies = some("None") // high, does not decide
	unread(s, entra.PartDomains, entra.UnreadPermission)
	s.Domains = nil
	last := -1
	for _, f := range ready(desired(), s, nil).Reasons {
		w := 3
		switch {
		case f.Decides && f.Verdict == Fail:
			w = 0
		case f.Decides:
			w = 1
		case f.Severity == Critical:
			w = 2
		}
		if w < last {
			t.Errorf("%s %s comes after something less deadly", f.Check, f.Account)
		}
		last = w
	}
	if first := ready(desired(), s, nil).Reasons[0]; first.Check != "BG-005" {
		t.Errorf("first is %s", first.Check)
	}
}

func TestASealCountsOnlyWhenItIsTriedAndNotSpent(t *testing.T) {
	for name, test := range map[string]struct {
		change func(s *Seal)
		want   Verdict
		says   string
	}{
		"tried":       {func(*Seal) {}, Pass, "tried on"},
		"never tried": {func(s *Seal) { *s = Seal{Generation: s.Generation, SealedAt: s.SealedAt} }, Fail, "never tried"},
		"spent":       {func(s *Seal) { s.Spent = true }, Fail, "spent"},
		"no date":     {func(s *Seal) { *s = Seal{Generation: 2, TriedAt: s.TriedAt} }, Fail, "not sealed"},
	} {
		seals := allSealed()
		seal := seals["a"]
		test.change(&seal)
		seals["a"] = seal
		f := verdictOf(t, Run(Input{Desired: desired(), Snapshot: healthy(), Now: now, Seals: seals}), codeSealed)
		if f.Verdict != test.want || !strings.Contains(f.Summary, test.says) {
			t.Errorf("%s: %s, %s", name, f.Verdict, f.Summary)
		}
		if test.want == Pass && (f.Proof == nil || f.Proof.Age != "9 days") {
			t.Errorf("%s: proof %+v", name, f.Proof)
		}
	}
}

// A yes carries the age of its proof.
func TestProofsSayHowOldAYesIs(t *testing.T) {
	a := ready(desired(), healthy(), allSealed())
	found := false
	for _, p := range a.Proofs {
		found = found || p.Account == "a" && p.What == "last successful sign-in" && p.Age == "12 days"
	}
	if !found {
		t.Errorf("proofs %+v", a.Proofs)
	}
}
