package plan

import (
	"slices"
	"strings"
	"testing"

	"breakglass/internal/config"
	"breakglass/internal/entra"

	"github.com/google/go-cmp/cmp"
)

func TestExistingAccountIsAdoptedNotDuplicated(t *testing.T) {
	w := newTenant(t)
	id := w.emergency("k7fm2@"+domain, func(o object) {
		o["accountEnabled"], o["passwordPolicies"], o["perUserMfaState"], o["displayName"] = false, nil, "enforced", "old label"
	})
	d := wanted2()
	p := mustMake(t, d, w.snapshot())
	want := []string{"label-a", "never-expires-a", "enable-a", "per-user-mfa-a", "create-b"}
	if diff := cmp.Diff(want, stepIDs(p)[:5]); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if _, err := applyOnce(p, w, options(t, w)); err != nil {
		t.Fatal(err)
	}
	asWanted(t, d, w)
	o := find(w.users, "id", id)
	if o["accountEnabled"] != true || o["passwordPolicies"] != neverExpires || o["perUserMfaState"] != "disabled" || o["displayName"] != "K7 FM2" {
		t.Errorf("the adopted account is %v", o)
	}
}

func TestUnsafeAccountIsNotAdoptedAndNotWritten(t *testing.T) {
	for name, c := range map[string]struct {
		change func(object)
		why    string
	}{
		"a guest":                  {func(o object) { o["userType"] = "Guest" }, "guest"},
		"synchronised":             {func(o object) { o["onPremisesSyncEnabled"] = true }, "on-premises"},
		"anchored on-premises":     {func(o object) { o["onPremisesImmutableId"] = "q83vEg==" }, "on-premises"},
		"a person's first name":    {func(o object) { o["givenName"] = "Jan" }, "person"},
		"a person's job":           {func(o object) { o["jobTitle"] = "CFO" }, "person"},
		"a leaver":                 {func(o object) { o["employeeLeaveDateTime"] = "2026-12-31T00:00:00Z" }, "person"},
		"kind not told":            {func(o object) { delete(o, "userType") }, "did not say"},
		"in a unit and unfit":      {func(o object) { o["accountEnabled"] = false; o["unit"] = true }, "restricted unit"},
		"enabled, but not told so": {func(o object) { delete(o, "accountEnabled") }, "enabled"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTenant(t)
			id := w.emergency("k7fm2@"+domain, c.change)
			if find(w.users, "id", id)["unit"] == true {
				w.units = append(w.units, object{"id": "unit-1", "displayName": "theirs", "isMemberManagementRestricted": true})
				w.members["unit-1"] = []string{id}
			}
			p := mustMake(t, wanted2(), w.snapshot())
			for _, st := range p.Steps {
				if strings.HasPrefix(st.Request.Path, pathUsers+"/"+id) {
					t.Errorf("%s is written to: %s", id, st.Sentence)
				}
			}
			if !openAbout(p, "a", c.why) {
				t.Errorf("open: %+v", p.Open)
			}
		})
	}
}

func TestRefusedAccountGetsNeitherExclusionNorRole(t *testing.T) {
	w := newTenant(t)
	id := w.emergency("k7fm2@"+domain, func(o object) { o["surname"] = "Person" })
	p := mustMake(t, wanted2(), w.snapshot())
	for _, st := range p.Steps {
		if strings.Contains(st.Request.Path+string(st.Request.Body), id) {
			t.Errorf("%s: %s", st.ID, st.Request.Body)
		}
	}
}

func TestRenamingComesBeforeEnrolmentOrNotAtAll(t *testing.T) {
	adopt := func(t *testing.T, upn string, change func(object)) (*Plan, string) {
		w, d := newTenant(t), wanted2()
		id := w.emergency(upn, change)
		d.Accounts[0].ObjectID = id
		return mustMake(t, d, w.snapshot()), id
	}
	withKey := func(o object) { o["methods"] = []any{"fido2AuthenticationMethod"} }
	t.Run("no passkey: renamed first", func(t *testing.T) {
		p, _ := adopt(t, "emergency@contoso.com", nil)
		if stepIDs(p)[0] != "rename-a" {
			t.Errorf("steps %v", stepIDs(p))
		}
	})
	t.Run("passkey on another domain: refused", func(t *testing.T) {
		p, id := adopt(t, "emergency@contoso.com", withKey)
		if !openAbout(p, "a", "orphan") || slices.ContainsFunc(p.Steps, func(s Step) bool { return strings.Contains(string(s.Request.Body), id) }) {
			t.Errorf("steps %v, open %+v", stepIDs(p), p.Open)
		}
	})
	t.Run("passkey on the initial domain: keeps its name", func(t *testing.T) {
		p, id := adopt(t, "emergency@"+domain, withKey)
		if slices.Contains(stepIDs(p), "rename-a") || !openAbout(p, "a", "keeps the name") {
			t.Errorf("steps %v, open %+v", stepIDs(p), p.Open)
		}
		if !slices.ContainsFunc(p.Steps, func(s Step) bool { return strings.Contains(string(s.Request.Body), id) }) {
			t.Errorf("it is not excluded")
		}
	})
	t.Run("methods not read: not renamed", func(t *testing.T) {
		w, d := newTenant(t), wanted2()
		d.Accounts[0].ObjectID = w.emergency("emergency@contoso.com", nil)
		w.setUnread(entra.PartMethods.Of(d.Accounts[0].ObjectID), entra.UnreadPermission)
		if p := mustMake(t, d, w.snapshot()); slices.Contains(stepIDs(p), "rename-a") || !openAbout(p, "Some.Permission") {
			t.Errorf("steps %v, open %+v", stepIDs(p), p.Open)
		}
	})
}

func TestAccountNamedByIDIsNeverCreatedInItsPlace(t *testing.T) {
	d := wanted2()
	d.Accounts[0].ObjectID = "cccccccc-0000-4000-8000-000000000001"
	p := mustMake(t, d, newTenant(t).snapshot())
	if slices.Contains(stepIDs(p), "create-a") || !openAbout(p, "a", d.Accounts[0].ObjectID) {
		t.Errorf("steps %v, open %+v", stepIDs(p), p.Open)
	}
}

func TestDeletedAccountIsNotReplaced(t *testing.T) {
	w := newTenant(t)
	s := w.snapshot()
	s.Readings[entra.PartUser.Of("k7fm2@"+domain)] = entra.Reading{
		Source: "/v1.0/directory/deletedItems/microsoft.graph.user", Unread: entra.UnreadNotFound, Detail: "the account was deleted on 1 November 2026",
	}
	if p := mustMake(t, wanted2(), s); slices.Contains(stepIDs(p), "create-a") || !openAbout(p, "a", "deleted on 1 November", "restore") {
		t.Errorf("steps %v, open %+v", stepIDs(p), p.Open)
	}
}

func TestNameOffTheInitialDomainIsNotCreated(t *testing.T) {
	d, w := wanted2(), newTenant(t)
	d.Accounts[0].UserPrincipalName = "k7fm2@contoso.com"
	s := w.snapshot()
	s.Readings[entra.PartUser.Of("k7fm2@contoso.com")] = entra.Reading{Unread: entra.UnreadNotFound}
	if p := mustMake(t, d, s); slices.Contains(stepIDs(p), "create-a") || !openAbout(p, "a", "initial domain") {
		t.Errorf("steps %v, open %+v", stepIDs(p), p.Open)
	}
}

// grouped is a tenant whose two accounts, group and guarded unit are there; members are
// those of the group besides the accounts.
func grouped(t *testing.T, members ...string) (*tenant, *config.Desired) {
	w, d := newTenant(t), withGroup(wanted2())
	a := w.emergency("k7fm2@"+domain, nil)
	b := w.emergency("q3vd9@"+domain, func(o object) { o["displayName"] = "Q3 VD9" })
	w.groups = []object{{"id": "group-1", "displayName": "CA exclusions", "mailNickname": "ca-exclusions", "securityEnabled": true, "mailEnabled": false}}
	w.units = []object{{"id": "unit-1", "displayName": "Guarded", "isMemberManagementRestricted": true}}
	w.members["group-1"] = append([]string{a, b}, members...)
	w.members["unit-1"] = []string{"group-1"}
	return w, d
}

func TestStrangerLeavesTheExclusionGroup(t *testing.T) {
	const eve = "eeeeeeee-0000-4000-8000-00000000000e"
	w, d := grouped(t, eve)
	w.users = append(w.users, person(eve, "eve@"+domain, "Eve"))
	p := mustMake(t, d, w.snapshot())
	if diff := cmp.Diff([]string{"unit-leave", "group-stranger-" + eve, "unit-group"}, stepIDs(p)[:3]); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	o := options(t, w)
	if _, err := applyOnce(p, w, o); err != nil {
		t.Fatal(err)
	}
	asWanted(t, d, w)
	if holds(w.members["group-1"], eve) || !holds(w.members["unit-1"], "group-1") {
		t.Errorf("members: %v", w.members)
	}
	n := len(w.writes)
	if _, err := applyOnce(p, w, o); err != nil || len(w.writes) != n {
		t.Errorf("a second apply takes the group out of the unit again (%v)", err)
	}
}

func TestStrangerStaysWhereTakingOutCouldHurt(t *testing.T) {
	const eve = "eeeeeeee-0000-4000-8000-00000000000e"
	for name, c := range map[string]struct {
		change func(*tenant)
		why    string
	}{
		"an administrator who could not get in": {func(w *tenant) {
			w.instances = append(w.instances, instance(eve, "Assigned", nil))
			w.assignments = append(w.assignments, assignment(eve))
			find(w.users, "id", eve)["methods"] = nil
			w.policies[1]["conditions"].(object)["users"].(object)["excludeGroups"] = []any{"group-1"}
		}, "might no longer get in"},
		"an administrator who is only eligible": {func(w *tenant) {
			w.eligible = append(w.eligible, instance(eve, "Eligible", nil))
			find(w.users, "id", eve)["methods"] = nil
		}, "might no longer get in"},
		"the directory's synchronisation": {func(w *tenant) {
			a := assignment(eve)
			a["roleDefinitionId"] = entra.RoleDirectorySynchronization
			w.assignments = append(w.assignments, a)
		}, "synchronises"},
		"eligible roles not read": {func(w *tenant) { w.setUnread(entra.PartEligibleRoles, entra.UnreadThrottled) }, "could not be read"},
		"memberships not read":    {func(w *tenant) { w.setUnread(entra.PartMemberOf.Of(eve), entra.UnreadPermission) }, "could not be read"},
		"roles not read":          {func(w *tenant) { w.setUnread(entra.PartRoleAssignments, entra.UnreadThrottled) }, "could not be read"},
		"in a group inside": {func(w *tenant) {
			w.members["group-1"] = append(w.members["group-1"][:2], "group-2")
			w.members["group-2"] = []string{eve}
		}, "holds others than emergency accounts"},
		"a device": {func(w *tenant) {
			w.members["group-1"] = append(w.members["group-1"][:2], "dddddddd-0000-4000-8000-00000000000d")
		}, "but a device"},
	} {
		t.Run(name, func(t *testing.T) {
			w, d := grouped(t, eve)
			w.users = append(w.users, person(eve, "eve@"+domain, "Eve"))
			c.change(w)
			p := mustMake(t, d, w.snapshot())
			if slices.Contains(stepIDs(p), "group-stranger-"+eve) || !openAbout(p, "stays in the exclusion group", c.why) {
				t.Errorf("steps %v, open %+v", stepIDs(p), p.Open)
			}
			for _, st := range p.Steps {
				if _, groups := joined(st); len(groups) > 0 {
					t.Errorf("the group is excluded with a stranger in it: %s", st.ID)
				}
			}
		})
	}
}

func TestGroupInsideGoesOnceItsAccountsAreMembersInPerson(t *testing.T) {
	w, d := grouped(t)
	a, b := w.members["group-1"][0], w.members["group-1"][1]
	w.members["group-1"] = []string{a, "group-2"}
	w.members["group-2"] = []string{b}
	w.groups = append(w.groups, object{"id": "group-2", "displayName": "Inside", "mailNickname": "inside", "securityEnabled": true, "mailEnabled": false})
	p := mustMake(t, d, w.snapshot())
	if diff := cmp.Diff([]string{"unit-leave", "group-member-b", "group-stranger-group-2", "unit-group"}, stepIDs(p)[:4]); diff != "" {
		t.Errorf("steps (-want +got):\n%s\nopen: %+v", diff, p.Open)
	}
	if second := mustMake(t, d, Predict(w.snapshot(), p.Steps...)); len(second.Steps) != 0 {
		t.Errorf("there is still to do: %v", stepIDs(second))
	}
	w.meddle = func(Request) {
		if !holds(w.transitive("group-1"), b) {
			t.Errorf("b is out of the group for a while")
		}
	}
	if _, err := applyOnce(p, w, options(t, w)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{a, b}, w.members["group-1"]); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if second := mustMake(t, d, w.snapshot()); len(second.Steps) != 0 {
		t.Errorf("there is still to do: %v", stepIDs(second))
	}
}

func TestUnusableGroupIsNotUsed(t *testing.T) {
	for name, change := range map[string]func(object){
		"dynamic":         func(g object) { g["groupTypes"] = []any{"DynamicMembership"} },
		"not security":    func(g object) { g["securityEnabled"] = false },
		"role-assignable": func(g object) { g["isAssignableToRole"] = true },
	} {
		t.Run(name, func(t *testing.T) {
			w, d := grouped(t)
			change(w.groups[0])
			p := mustMake(t, d, w.snapshot())
			if p.Group != "" || !openAbout(p, "exclusion group CA exclusions") {
				t.Errorf("group %q, open %+v", p.Group, p.Open)
			}
		})
	}
}

func TestUnitThatIsNotRestrictedIsNotUsed(t *testing.T) {
	w, d := grouped(t)
	w.units[0]["isMemberManagementRestricted"] = false
	w.members["unit-1"] = nil
	p := mustMake(t, d, w.snapshot())
	if slices.Contains(stepIDs(p), "unit-group") || !openAbout(p, "not restricted") {
		t.Errorf("steps %v, open %+v", stepIDs(p), p.Open)
	}
}

func TestAccountsEnterTheUnitOnlyWithTheirPasskeys(t *testing.T) {
	w, d := grouped(t)
	d.RestrictedUnit.Accounts = true
	w.users[1]["methods"] = []any{"fido2AuthenticationMethod"}
	p := mustMake(t, d, w.snapshot())
	if ids := stepIDs(p); ids[len(ids)-1] != "unit-account-a" || slices.Contains(ids, "unit-account-b") || !openAbout(p, "b", "no passkey") {
		t.Errorf("steps %v, open %+v", ids, p.Open)
	}
	if _, err := applyOnce(p, w, options(t, w)); err != nil {
		t.Fatal(err)
	}
	if !holds(w.members["unit-1"], w.users[1]["id"].(string)) {
		t.Errorf("members of the unit: %v", w.members["unit-1"])
	}
}
