package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"breakglass/internal/entra"

	"github.com/google/go-cmp/cmp"
)

func TestEmptyTenantGetsAccountsExclusionsAndThenTheRole(t *testing.T) {
	p := mustMake(t, wanted2(), newTenant(t).snapshot())
	want := []string{
		"create-a", "create-b", "exclude-" + policyMFA, "exclude-" + policyOwn, "exclude-" + policyOff, "role-a", "role-b",
	}
	if diff := cmp.Diff(want, stepIDs(p)); diff != "" {
		t.Errorf("steps (-want +got):\n%s\nopen: %+v", diff, p.Open)
	}
	role := stepNamed(t, p, "role-a")
	for _, before := range want[2:5] {
		if !slices.Contains(role.After, before) {
			t.Errorf("the role does not wait for %s: %v", before, role.After)
		}
	}
	if !strings.Contains(stepNamed(t, p, "create-a").Sentence, "unusable until it is sealed") {
		t.Errorf("nobody is told that the account is unusable until sealed")
	}
}

func TestGroupIsFilledBeforeItIsGuardedAndGuardedBeforeItIsExcluded(t *testing.T) {
	p := mustMake(t, withGroup(wanted2()), newTenant(t).snapshot())
	order := []string{"create-a", "create-b", "create-group", "group-member-a", "group-member-b", "unit-group", "exclude-" + policyMFA, "role-a"}
	at := -1
	for _, id := range order {
		i := slices.Index(stepIDs(p), id)
		if i <= at {
			t.Fatalf("%s is not after its predecessor in %v", id, stepIDs(p))
		}
		at = i
	}
	var b policyBody
	if err := json.Unmarshal(stepNamed(t, p, "exclude-"+policyMFA).Request.Body, &b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"{group}"}, b.Conditions.Users.ExcludeGroups); diff != "" {
		t.Errorf("excluded groups (-want +got):\n%s", diff)
	}
}

func TestExclusionSendsTheListsAndNothingElse(t *testing.T) {
	p := mustMake(t, wanted2(), newTenant(t).snapshot())
	got := string(stepNamed(t, p, "exclude-"+policyMFA).Request.Body)
	want := `{"conditions":{"users":{"excludeUsers":["` + ada + `","ffffffff-0000-4000-8000-000000000001","{account:a}","{account:b}"]}}}`
	if got != want {
		t.Errorf("body\n got %s\nwant %s", got, want)
	}
}

func TestWhatIsWantedAlreadyNeedsNoStep(t *testing.T) {
	for name, d := range map[string]func() *Plan{
		"two accounts":        func() *Plan { return mustMake(t, wanted2(), newTenant(t).snapshot()) },
		"with group and unit": func() *Plan { return mustMake(t, withGroup(wanted2()), newTenant(t).snapshot()) },
	} {
		t.Run(name, func(t *testing.T) {
			first := d()
			desired := wanted2()
			if name != "two accounts" {
				desired = withGroup(desired)
			}
			after := Predict(newTenant(t).snapshot(), first.Steps...)
			second := mustMake(t, desired, after)
			if len(second.Steps) != 0 {
				t.Errorf("after the plan there is still to do: %v", stepIDs(second))
			}
			data, err := second.Encode()
			if err != nil || !strings.Contains(string(data), `"steps": []`) {
				t.Errorf("an empty plan is written as %s (%v)", data, err)
			}
		})
	}
}

func TestReadingOfAnotherTenantIsRefused(t *testing.T) {
	for name, change := range map[string]func(*entra.Snapshot){
		"another id":             func(s *entra.Snapshot) { s.Tenant.ID = "99999999-2222-4333-8444-555555555555" },
		"no id":                  func(s *entra.Snapshot) { s.Tenant.ID = "" },
		"tenant unread":          func(s *entra.Snapshot) { s.Readings[entra.PartTenant] = entra.Reading{Unread: entra.UnreadPermission} },
		"another initial domain": func(s *entra.Snapshot) { s.Domains[0].ID = "fabrikam.onmicrosoft.com" },
		"anonymised":             func(s *entra.Snapshot) { s.Anonymised = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := newTenant(t).snapshot()
			change(s)
			_, err := Make(wanted2(), s, noon)
			var r *RefusedError
			if !errors.Is(err, ErrRefused) || !errors.As(err, &r) || r.Hint() == "" {
				t.Errorf("Make says %v", err)
			}
		})
	}
}

func TestWhatWasNotReadIsNeverTakenForEmpty(t *testing.T) {
	roles := func(p *Plan) bool {
		return slices.ContainsFunc(stepIDs(p), func(id string) bool { return strings.HasPrefix(id, "role-") })
	}
	exclusions := func(p *Plan) bool {
		return slices.ContainsFunc(stepIDs(p), func(id string) bool { return strings.HasPrefix(id, "exclude-") })
	}
	creates := func(p *Plan) bool { return slices.Contains(stepIDs(p), "create-a") }
	group := func(p *Plan) bool { return slices.Contains(stepIDs(p), "create-group") }
	unit := func(p *Plan) bool { return slices.Contains(stepIDs(p), "create-unit") }
	for _, c := range []struct {
		part entra.Part
		gone func(*Plan) bool
		what string
	}{
		{entra.PartPolicies, exclusions, "exclusions"},
		{entra.PartPolicies, roles, "the role"},
		{entra.PartPoliciesBeta, roles, "the role"},
		{entra.PartRoleAssignments, roles, "the role"},
		{entra.PartActiveRoles, roles, "the role"},
		{entra.PartRoleSettings, roles, "the role"},
		{entra.PartUser.Of("k7fm2@" + domain), creates, "the account"},
		{entra.PartGroup.Of("ca-exclusions"), group, "the group"},
		{entra.PartUnits, unit, "the unit"},
		{entra.PartPlans, unit, "the unit"},
	} {
		t.Run(string(c.part)+" and "+c.what, func(t *testing.T) {
			w := newTenant(t)
			if p := mustMake(t, withGroup(wanted2()), w.snapshot()); !c.gone(p) {
				t.Fatalf("the whole reading does not plan %s, so this test would show nothing", c.what)
			}
			w.setUnread(c.part, entra.UnreadPermission)
			s := w.snapshot()
			if c.part == entra.PartPlans {
				s.Plans = nil
			}
			p := mustMake(t, withGroup(wanted2()), s)
			if c.gone(p) {
				t.Errorf("%s is planned though %s was not read", c.what, c.part)
			}
			if !openAbout(p, "Some.Permission") {
				t.Errorf("nobody is told what is missing: %+v", p.Open)
			}
		})
	}
}

func TestWithoutPIMTheRoleIsAssignedPlainly(t *testing.T) {
	w := newTenant(t)
	w.licences = []string{aadP1}
	w.instances = nil
	w.setUnread(entra.PartActiveRoles, entra.UnreadLicence)
	p := mustMake(t, wanted2(), w.snapshot())
	if got := stepNamed(t, p, "role-a").Request.Path; got != pathDirect {
		t.Errorf("the role is granted by %s", got)
	}
}

func TestLicenceThatIsUnknownIsNotTakenForNone(t *testing.T) {
	w := newTenant(t)
	w.setUnread(entra.PartActiveRoles, entra.UnreadLicence)
	w.setUnread(entra.PartPlans, entra.UnreadPermission)
	w.licences = nil
	p := mustMake(t, wanted2(), w.snapshot())
	for _, id := range stepIDs(p) {
		if strings.HasPrefix(id, "role-") {
			t.Errorf("%s is planned", id)
		}
	}
}

func TestAssignmentThatEndsIsMadePermanent(t *testing.T) {
	w := newTenant(t)
	id := w.emergency("k7fm2@"+domain, nil)
	w.instances = append(w.instances, instance(id, "Assigned", "2027-01-01T00:00:00Z"))
	w.assignments = append(w.assignments, assignment(id))
	st := stepNamed(t, mustMake(t, wanted2(), w.snapshot()), "role-a")
	if !strings.Contains(string(st.Request.Body), "adminUpdate") || !strings.Contains(st.Sentence, "1 January 2027") {
		t.Errorf("%s\n%s", st.Sentence, st.Request.Body)
	}
}

func TestActivationIsNoAssignment(t *testing.T) {
	w := newTenant(t)
	id := w.emergency("k7fm2@"+domain, nil)
	w.instances = append(w.instances, instance(id, "Activated", "2026-11-22T20:00:00Z"))
	w.assignments = append(w.assignments, assignment(id))
	st := stepNamed(t, mustMake(t, wanted2(), w.snapshot()), "role-a")
	if !strings.Contains(string(st.Request.Body), "adminAssign") {
		t.Errorf("%s", st.Request.Body)
	}
}

func TestRoleSettingThatForbidsPermanenceIsChangedFirst(t *testing.T) {
	w := newTenant(t)
	w.requiresExpiry = true
	p := mustMake(t, wanted2(), w.snapshot())
	if i, j := slices.Index(stepIDs(p), "role-setting"), slices.Index(stepIDs(p), "role-a"); i < 0 || j < i {
		t.Errorf("steps %v", stepIDs(p))
	}
	if !slices.Contains(stepNamed(t, p, "role-b").After, "role-setting") {
		t.Errorf("the second role does not wait for the setting")
	}
}

func TestPasskeyRequiredAccountStaysUnderItsOnePolicy(t *testing.T) {
	d := withGroup(wanted2())
	d.Accounts[1].Posture, d.Accounts[1].Policy = "passkey-required", policyMFA
	p := mustMake(t, d, newTenant(t).snapshot())
	users, groups := joined(stepNamed(t, p, "exclude-"+policyMFA))
	if !slices.Equal(users, []string{"{account:a}"}) || len(groups) != 0 {
		t.Errorf("its own policy excludes users %v, groups %v", users, groups)
	}
	users, groups = joined(stepNamed(t, p, "exclude-"+policyOwn))
	if len(users) != 2 || len(groups) != 1 {
		t.Errorf("another policy excludes users %v, groups %v", users, groups)
	}
}

func TestPolicyOfAnotherToolIsNotTouched(t *testing.T) {
	changed := []entra.PolicyChange{{PolicyID: policyMFA, At: noon, ActorKind: "application", Actor: "77777777-0000-4000-8000-000000000001", ActorName: "github-terraform"}}
	t.Run("seen in the audit log", func(t *testing.T) {
		w := newTenant(t)
		w.changes = changed
		p := mustMake(t, wanted2(), w.snapshot())
		if slices.Contains(stepIDs(p), "exclude-"+policyMFA) {
			t.Errorf("it is patched")
		}
		if len(p.Emitted) != 1 || !strings.Contains(p.Emitted[0].Text, "excludeUsers") || !strings.Contains(p.Emitted[0].Why, "github-terraform") {
			t.Errorf("emitted: %+v", p.Emitted)
		}
		if slices.Contains(stepIDs(p), "role-a") {
			t.Errorf("the role is granted before the other tool has excluded the account")
		}
	})
	t.Run("our own application is no other tool", func(t *testing.T) {
		w := newTenant(t)
		w.changes = changed
		s := w.snapshot()
		s.Reader.AppID = changed[0].Actor
		if p := mustMake(t, wanted2(), s); len(p.Emitted) != 0 {
			t.Errorf("emitted: %+v", p.Emitted)
		}
	})
	t.Run("the audit log was not read", func(t *testing.T) {
		w := newTenant(t)
		w.setUnread(entra.PartPolicyChanges, entra.UnreadPermission)
		if p := mustMake(t, wanted2(), w.snapshot()); !openAbout(p, "another tool", "Some.Permission") {
			t.Errorf("nobody is told that another tool may write the policies: %+v", p.Open)
		}
		d := wanted2()
		d.ConditionalAccess.ManagedBy = "terraform"
		if p := mustMake(t, d, w.snapshot()); openAbout(p, "whether another tool") {
			t.Errorf("the file names the tool, and still it is asked for: %+v", p.Open)
		}
	})
	for tool, want := range map[string]string{"terraform": "excluded_users = [", "microsoft365dsc": `"k7fm2@` + domain + `"`, "other": `"method": "PATCH"`} {
		t.Run("configured: "+tool, func(t *testing.T) {
			d := wanted2()
			d.ConditionalAccess.ManagedBy = tool
			w := newTenant(t)
			w.policies[1]["displayName"] = "two\nlines\"}"
			p := mustMake(t, d, w.snapshot())
			if len(p.Emitted) != 3 || p.Emitted[0].Tool != tool || !strings.Contains(p.Emitted[0].Text, want) {
				t.Errorf("emitted: %+v", p.Emitted)
			}
			if tool != "other" && strings.Contains(p.Emitted[0].Text, "\nlines") {
				t.Errorf("a policy's name breaks out of its comment:\n%s", p.Emitted[0].Text)
			}
		})
	}
}

func TestLapsedLicenceLeavesThePoliciesOpen(t *testing.T) {
	w := newTenant(t)
	w.licences = nil
	w.setUnread(entra.PartActiveRoles, entra.UnreadLicence)
	p := mustMake(t, wanted2(), w.snapshot())
	if !openAbout(p, "Require MFA for everybody", "no licence") {
		t.Errorf("open: %+v", p.Open)
	}
	if slices.Contains(stepIDs(p), "role-a") {
		t.Errorf("the role is granted though a policy that nobody can change targets it")
	}
}

func TestPolicyThatDoesNotSayWhomItExcludesIsNotWritten(t *testing.T) {
	w := newTenant(t)
	delete(w.policies[1]["conditions"].(object)["users"].(object), "excludeUsers")
	p := mustMake(t, wanted2(), w.snapshot())
	ids := stepIDs(p)
	if slices.Contains(ids, "exclude-"+policyMFA) || slices.Contains(ids, "role-a") || !openAbout(p, "Require MFA", "does not say") {
		t.Errorf("steps %v, open %+v", ids, p.Open)
	}
}

func TestWorkloadPolicyIsLeftAlone(t *testing.T) {
	p := mustMake(t, wanted2(), newTenant(t).snapshot())
	if slices.Contains(stepIDs(p), "exclude-"+policyApps) {
		t.Errorf("a policy for applications is changed")
	}
}

func BenchmarkMakeInALargeTenant(b *testing.B) {
	w := newTenant(b)
	for i := range 236 {
		w.policies = append(w.policies, newPolicy(fmt.Sprintf("99999999-0000-4000-9000-%012d", i), fmt.Sprintf("policy %d", i), "enabled", ada))
	}
	for i := range 200 {
		w.users = append(w.users, person(fmt.Sprintf("aaaaaaaa-0000-4000-9000-%012d", i), fmt.Sprintf("user%d@%s", i, domain), "Somebody"))
	}
	s := w.snapshot()
	for b.Loop() {
		if p := mustMake(b, withGroup(wanted2()), s); len(p.Steps) < 240 {
			b.Fatalf("%d steps", len(p.Steps))
		}
	}
}
