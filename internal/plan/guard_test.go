package plan

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"breakglass/internal/config"
	"breakglass/internal/entra"
	"breakglass/internal/lockout"

	"pgregory.net/rapid"
)

func TestGuardKeepsAnAdministratorWhoWorks(t *testing.T) {
	w := newTenant(t)
	find(w.users, "id", ada)["methods"] = nil // only her exclusion lets her in
	s := w.snapshot()
	s.Cloud = "china" // no mandatory MFA there
	g := newGuard(s, nil)
	if rank(lockout.Analyze(s, ada).Verdict) != 2 {
		t.Fatalf("ada does not work before: %+v", lockout.Analyze(s, ada).Blockers)
	}
	bad := Step{ID: "bad", Request: Request{Method: "PATCH", Version: "v1.0", Path: pathPolicy(policyMFA), Body: []byte(`{"conditions":{"users":{"excludeUsers":["someone"]}}}`)}}
	if err := g.step(bad, Predict(s, bad)); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "ada@") {
		t.Errorf("taking her exclusion away: %v", err)
	}
	good := Step{ID: "good", Request: Request{Method: "PATCH", Version: "v1.0", Path: pathPolicy(policyMFA), Body: []byte(`{"conditions":{"users":{"excludeUsers":["` + ada + `","ffffffff-0000-4000-8000-000000000001","someone"]}}}`)}}
	if err := g.step(good, Predict(s, good)); err != nil {
		t.Errorf("adding an exclusion: %v", err)
	}
}

func TestGuardKeepsTheRoleUntilExclusionIsProven(t *testing.T) {
	w := newTenant(t)
	p := mustMake(t, wanted2(), w.snapshot())
	role := stepNamed(t, p, "role-a")
	g := newGuard(w.snapshot(), p.Accounts)
	for n := range p.Steps {
		after := Predict(w.snapshot(), append(slices.Clone(p.Steps[:n]), role)...)
		done := slices.ContainsFunc(p.Steps[:n], func(s Step) bool { return s.ID == "exclude-"+policyOff })
		if err := g.step(role, after); (err == nil) != done {
			t.Errorf("after %d steps (last exclusion done: %v) the guard says %v", n, done, err)
		}
	}
}

// drawTenant is a tenant as they are found: policies of any state, accounts of any history,
// parts that could not be read.
func drawTenant(t *rapid.T, tb testing.TB) (*config.Desired, *entra.Snapshot) {
	w, d := newTenant(tb), wanted2()
	w.policies = nil
	states := rapid.SampledFrom([]string{"enabled", "disabled", "enabledForReportingButNotEnforced", "paused"})
	for i := range rapid.IntRange(0, 4).Draw(t, "policies") {
		p := newPolicy(fmt.Sprintf("99999999-0000-4000-8000-%012d", i), fmt.Sprintf("policy %d", i), states.Draw(t, "state"))
		u := p["conditions"].(object)["users"].(object)
		u["includeUsers"] = anyOf(t, "include", "All", "None", ada)
		u["includeRoles"] = anyOf(t, "roles", entra.RoleGlobalAdministrator)
		u["excludeUsers"] = anyOf(t, "exclude", ada, "ffffffff-0000-4000-8000-000000000001")
		u["excludeGroups"] = anyOf(t, "exclude groups", "group-1")
		if rapid.IntRange(0, 9).Draw(t, "lists told") == 0 {
			delete(u, "excludeUsers")
		}
		w.policies = append(w.policies, p)
	}
	w.requiresExpiry = rapid.Bool().Draw(t, "expiry")
	drawAccounts(t, w)
	if rapid.Bool().Draw(t, "group wanted") {
		withGroup(d)
		drawGroup(t, w)
	}
	if rapid.Bool().Draw(t, "passkey-required") {
		d.Accounts[1].Posture, d.Accounts[1].Policy = config.PosturePasskeyRequired, "99999999-0000-4000-8000-000000000000"
	}
	w.licences = rapid.SampledFrom([][]string{nil, {aadP1}, {aadP1, aadP2}}).Draw(t, "licences")
	if len(w.licences) < 2 {
		w.setUnread(entra.PartActiveRoles, entra.UnreadLicence)
		w.instances = nil
	}
	for _, part := range []entra.Part{entra.PartPolicies, entra.PartPoliciesBeta, entra.PartRoleAssignments, entra.PartRoleSettings, entra.PartUnits, entra.PartMemberOf.Of(ada), entra.PartPlans} {
		if rapid.IntRange(0, 15).Draw(t, "unread "+string(part)) == 0 {
			w.setUnread(part, entra.UnreadPermission)
		}
	}
	s := w.snapshot()
	s.Cloud = rapid.SampledFrom([]string{"public", "china"}).Draw(t, "cloud")
	return d, s
}

func anyOf(t *rapid.T, label string, from ...string) []any {
	out := []any{}
	for _, v := range from {
		if rapid.Bool().Draw(t, label+" "+v) {
			out = append(out, v)
		}
	}
	return out
}

func drawAccounts(t *rapid.T, w *tenant) {
	for i, upn := range []string{"k7fm2@" + domain, "q3vd9@" + domain} {
		switch rapid.IntRange(0, 2).Draw(t, "account") {
		case 1:
			w.emergency(upn, nil)
		case 2:
			id := w.emergency(upn, func(o object) {
				o["accountEnabled"] = rapid.Bool().Draw(t, "enabled")
				o["perUserMfaState"] = rapid.SampledFrom([]string{"disabled", "enforced"}).Draw(t, "per-user MFA")
				if rapid.Bool().Draw(t, "passkey") {
					o["methods"] = []any{"fido2AuthenticationMethod"}
				}
			})
			end := rapid.SampledFrom([]any{nil, "2027-01-01T00:00:00Z"}).Draw(t, fmt.Sprintf("end %d", i))
			w.instances = append(w.instances, instance(id, rapid.SampledFrom([]string{"Assigned", "Activated"}).Draw(t, "assignment"), end))
			w.assignments = append(w.assignments, assignment(id))
		}
	}
}

func drawGroup(t *rapid.T, w *tenant) {
	if !rapid.Bool().Draw(t, "group there") {
		return
	}
	w.groups = []object{{"id": "group-1", "displayName": "CA exclusions", "mailNickname": "ca-exclusions", "securityEnabled": true, "mailEnabled": false}}
	if rapid.Bool().Draw(t, "ada in the group") {
		w.members["group-1"] = []string{ada}
	}
	if rapid.Bool().Draw(t, "group inside") {
		inside := []string{}
		for _, u := range w.users {
			if rapid.Bool().Draw(t, "inside") {
				inside = append(inside, u["id"].(string))
			}
		}
		w.members["group-1"] = append(w.members["group-1"], "group-2")
		w.members["group-2"] = inside
	}
	if rapid.Bool().Draw(t, "unit there") {
		w.units = []object{{"id": "unit-1", "displayName": "Guarded", "isMemberManagementRestricted": true}}
		w.members["unit-1"] = []string{"group-1"}
	}
}

// TestNoPrefixOfAnyPlanMakesAnythingWorse holds I1's promise for the time before the first
// seal, and that a role is never held unproven because of a plan.
func TestNoPrefixOfAnyPlanMakesAnythingWorse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, s := drawTenant(rt, t)
		p, err := Make(d, s, noon)
		if err != nil {
			rt.Fatalf("Make: %v", err)
		}
		allowed := map[string][]string{}
		for _, a := range p.Accounts {
			allowed[a.Object] = a.Allowed
		}
		cur := s.Clone()
		for n, st := range p.Steps {
			if foretell(cur, st) != changed {
				rt.Fatalf("step %s changes nothing", st.ID)
			}
			for _, u := range s.Users {
				was, is := lockout.Analyze(s, u.ID, allowed[u.ID]...).Verdict, lockout.Analyze(cur, u.ID, allowed[u.ID]...).Verdict
				if rank(is) < rank(was) {
					rt.Fatalf("after %d steps (%s) %s went from %s to %s", n+1, st.ID, u.UserPrincipalName.Or(""), was, is)
				}
			}
			if strings.HasPrefix(st.ID, "role-") && st.ID != "role-setting" {
				_, c, _ := match(st.Request)
				if an := lockout.Analyze(cur, granted(c), allowed[granted(c)]...); an.Excluded != lockout.True {
					rt.Fatalf("%s is granted with exclusion %s", granted(c), an.Excluded)
				}
			}
		}
		again, err := Make(d, cur, noon)
		if err != nil || len(again.Steps) != 0 {
			rt.Fatalf("after all steps of %v there is still to do: %v (%v)", stepIDs(p), stepIDs(again), err)
		}
		if err := p.validate(); err != nil {
			rt.Fatalf("its own file would be refused: %v", err)
		}
	})
}

// TestReadingLessPlansNoMore: taking a part out of the reading never brings a creation, an
// exclusion or a role that the whole reading does not ask for.
func TestReadingLessPlansNoMore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, s := drawTenant(rt, t)
		whole, err := Make(d, s, noon)
		if err != nil {
			rt.Fatal(err)
		}
		less := s.Clone()
		parts := slices.Sorted(maps.Keys(s.Readings))
		part := rapid.SampledFrom(parts).Draw(rt, "part")
		less.Readings[part] = entra.Reading{Unread: entra.UnreadThrottled, Detail: "throttled"}
		empty(less, part)
		if part == entra.PartTenant {
			return // then there is no plan at all
		}
		p, err := Make(d, less, noon)
		if err != nil {
			rt.Fatal(err)
		}
		for _, st := range p.Steps {
			// An exclusion is tried where the licence is not known: the worst is that Graph refuses it.
			tried := part == entra.PartPlans && strings.HasPrefix(st.ID, "exclude-")
			if !slices.Contains(stepIDs(whole), st.ID) && !tried {
				rt.Fatalf("without %s there is a step more: %s", part, st.Sentence)
			}
		}
	})
}

// empty takes out what a part that was not read would have brought.
func empty(s *entra.Snapshot, part entra.Part) {
	switch part {
	case entra.PartPolicies:
		s.Policies = nil
	case entra.PartRoleAssignments:
		s.RoleAssignments = nil
	case entra.PartActiveRoles:
		s.ActiveRoles = nil
	case entra.PartEligibleRoles:
		s.EligibleRoles = nil
	case entra.PartRoleSettings:
		s.RoleSettings = nil
	case entra.PartUnits:
		s.AdministrativeUnits = nil
	case entra.PartPlans:
		s.Plans = nil
	}
	for i := range s.Users {
		u := &s.Users[i]
		switch part {
		case entra.PartMethods.Of(u.ID):
			u.Methods = entra.Maybe[[]entra.Method]{}
		case entra.PartMemberOf.Of(u.ID):
			u.MemberOf = entra.Maybe[[]entra.Membership]{}
		case entra.PartPerUserMFA.Of(u.ID):
			u.PerUserMFA = entra.Maybe[string]{}
		case entra.PartUser.Of(u.ID):
			s.Users = slices.Delete(s.Users, i, i+1)
			return
		}
	}
	for i := range s.Groups {
		switch part {
		case entra.PartGroup.Of(s.Groups[i].ID):
			s.Groups = slices.Delete(s.Groups, i, i+1)
			return
		case entra.PartGroupMembers.Of(s.Groups[i].ID):
			s.Groups[i].Members = entra.Maybe[[]entra.Member]{}
		}
	}
}
