package lockout

import (
	"encoding/json"
	"slices"
	"testing"

	"breakglass/internal/entra"

	"pgregory.net/rapid"
)

// anyPolicy draws a policy as tenants have them, and worse: lists not told, states unknown,
// members that nobody understands.
func anyPolicy(t *rapid.T, label string) entra.Policy {
	list := func(what string, from ...string) entra.Maybe[[]string] {
		if rapid.IntRange(0, 9).Draw(t, label+what+" told") == 0 {
			return entra.Maybe[[]string]{}
		}
		return entra.Some(rapid.SliceOfNDistinct(rapid.SampledFrom(from), 0, len(from), rapid.ID).Draw(t, label+what))
	}
	principals := []string{accountA, accountB, somebody}
	roles := []string{exchange, entra.RoleGlobalAdministrator}
	p := policy(label, label)
	users(&p, func(u *entra.UserCondition) {
		u.IncludeUsers = list("includeUsers", append(principals, "All", "None", "GuestsOrExternalUsers", "AllAgents")...)
		u.ExcludeUsers = list("excludeUsers", append(principals, "GuestsOrExternalUsers")...)
		u.IncludeGroups, u.ExcludeGroups = list("includeGroups", groupX), list("excludeGroups", groupX)
		u.IncludeRoles, u.ExcludeRoles = list("includeRoles", roles...), list("excludeRoles", roles...)
	})
	apps(&p, entra.ApplicationCondition{
		IncludeApplications: list("apps", "All", "None", "Office365"), IncludeUserActions: list("actions", "urn:user:registerdevice"),
		IncludeContexts: list("contexts", "c1"), Filter: entra.Null[json.RawMessage](),
	})
	g := grant(rapid.SampledFrom([]string{"OR", "AND", "XOR"}).Draw(t, label+"operator"))
	g.BuiltInControls = list("controls", "block", "mfa", "compliantDevice", "riddle")
	p.GrantControls = entra.Some(g)
	p.State = entra.Some(rapid.SampledFrom([]string{stateOn, stateOff, stateReportOnly, "paused"}).Draw(t, label+"state"))
	p.Versions = rapid.SampledFrom([][]string{{"v1.0", "beta"}, {"v1.0", "beta"}, {"beta"}}).Draw(t, label+"versions")
	if rapid.IntRange(0, 5).Draw(t, label+"strange") == 0 {
		p.Strange = []entra.StrangeMember{{Path: "conditions.times", Version: "beta"}}
	}
	return p
}

func anyTenant(t *rapid.T) *entra.Snapshot {
	s := healthy()
	s.Policies = nil
	for i := range rapid.IntRange(0, 3).Draw(t, "policies") {
		s.Policies = append(s.Policies, anyPolicy(t, string(rune('a'+i))))
	}
	if rapid.Bool().Draw(t, "in the group") {
		s.Users[0].MemberOf = some([]entra.Membership{{ID: groupX, Type: "group"}})
	}
	if rapid.IntRange(0, 4).Draw(t, "memberships told") == 0 {
		unreadPart(s, entra.PartMemberOf.Of(accountA), entra.UnreadPermission)
	}
	return s
}

// grade orders answers from bad to good.
func grade(an Analysis) [2]int {
	return [2]int{
		slices.Index([]Verdict{Fails, CouldNotTell, Survives}, an.Verdict),
		slices.Index([]Truth{False, Unknown, True}, an.Excluded),
	}
}

func worse(a, b Analysis) bool {
	ga, gb := grade(a), grade(b)
	return ga[0] < gb[0] || ga[1] < gb[1]
}

func TestAddingAnExclusionNeverMakesAnAnswerWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyTenant(t)
		before := Analyze(s, accountA)
		if len(s.Policies) == 0 {
			return
		}
		users(&s.Policies[0], func(u *entra.UserCondition) {
			u.ExcludeUsers = entra.Some(append(slices.Clone(u.ExcludeUsers.Or(nil)), accountA))
		})
		if after := Analyze(s, accountA); worse(after, before) {
			t.Fatalf("from %v/%v to %v/%v", before.Verdict, before.Excluded, after.Verdict, after.Excluded)
		}
	})
}

func TestAddingAPolicyNeverMakesAnAnswerBetter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyTenant(t)
		before := Analyze(s, accountA)
		s.Policies = append(s.Policies, anyPolicy(t, "z"))
		if after := Analyze(s, accountA); worse(before, after) {
			t.Fatalf("from %v/%v to %v/%v", before.Verdict, before.Excluded, after.Verdict, after.Excluded)
		}
	})
}

func TestExcludeBeatsInclude(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := healthy()
		s.Policies = []entra.Policy{anyPolicy(t, "a")}
		users(&s.Policies[0], func(u *entra.UserCondition) {
			u.ExcludeUsers = entra.Some(append(slices.Clone(u.ExcludeUsers.Or(nil)), accountA))
		})
		an := Analyze(s, accountA)
		if an.Excluded != True || an.Verdict != Survives {
			t.Fatalf("excluded by id and yet %v, %v", an.Excluded, an.Verdict)
		}
	})
}

// The three-valued laws that everything rests on: knowing more never contradicts.
func TestUnknownIsNeverContradictedByKnowingMore(t *testing.T) {
	all := []Truth{Unknown, False, True}
	refine := func(x Truth) []Truth {
		if x == Unknown {
			return []Truth{False, True}
		}
		return []Truth{x}
	}
	for _, x := range all {
		for _, y := range all {
			for _, rx := range refine(x) {
				for _, ry := range refine(y) {
					if v := x.And(y); v != Unknown && v != rx.And(ry) {
						t.Errorf("%v and %v says %v, but %v and %v says %v", x, y, v, rx, ry, rx.And(ry))
					}
					if v := x.Or(y); v != Unknown && v != rx.Or(ry) {
						t.Errorf("%v or %v says %v", x, y, v)
					}
				}
			}
		}
	}
}

func TestTruthIsWrittenInWords(t *testing.T) {
	for _, want := range []Truth{Unknown, False, True} {
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Truth
		if err := json.Unmarshal(data, &got); err != nil || got != want {
			t.Errorf("%s: %v, %v", data, got, err)
		}
	}
	var got Truth
	if json.Unmarshal([]byte(`"perhaps"`), &got) == nil || json.Unmarshal([]byte(`1`), &got) == nil {
		t.Error("nonsense was taken for an answer")
	}
}
