package plan

import (
	"slices"
	"strings"
	"testing"
)

// TestNameThatTwoObjectsBearNamesNeither: Entra lets two security groups share a mail nickname
// and two units a display name. Taking the first would let whoever makes a second one choose
// whom every policy excludes.
func TestNameThatTwoObjectsBearNamesNeither(t *testing.T) {
	const first, second = "eeeeeeee-0000-4000-8000-000000000001", "eeeeeeee-0000-4000-8000-000000000002"
	group := func(id string) object {
		return object{"id": id, "displayName": "CA exclusions", "mailNickname": "ca-exclusions", "securityEnabled": true, "mailEnabled": false}
	}
	unit := func(id string) object {
		return object{"id": id, "displayName": "Guarded", "isMemberManagementRestricted": true}
	}
	about := func(p *Plan, word string) bool {
		return slices.ContainsFunc(p.Steps, func(st Step) bool { return strings.Contains(st.Request.Path+string(st.Request.Body), word) })
	}

	w := newTenant(t)
	w.groups = []object{group(first), group(second)}
	p := mustMake(t, withGroup(wanted2()), w.snapshot())
	if !openAbout(p, "exclusion group", "2 groups", "object_id") || about(p, "eeeeeeee") {
		t.Errorf("two groups of one nickname: steps %v, open %+v", stepIDs(p), p.Open)
	}

	w = newTenant(t)
	w.units = []object{unit(first), unit(second)}
	p = mustMake(t, withGroup(wanted2()), w.snapshot())
	if !openAbout(p, "restricted unit", "2 units", "object_id") || about(p, "eeeeeeee") {
		t.Errorf("two units of one name: steps %v, open %+v", stepIDs(p), p.Open)
	}
	d := withGroup(wanted2())
	d.RestrictedUnit.ObjectID = second
	if p = mustMake(t, d, w.snapshot()); !about(p, second) || about(p, first) {
		t.Errorf("a unit named by its id: steps %v, open %+v", stepIDs(p), p.Open)
	}
}
