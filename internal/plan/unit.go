package plan

import (
	"fmt"
	"slices"

	"breakglass/internal/config"
	"breakglass/internal/entra"
)

func memberOfUnit(s *entra.Snapshot, unit, id string) bool {
	u := unitOf(s, unit)
	return u != nil && memberIn(u.Members.Or(nil), id)
}

// findUnit finds or creates the restricted unit; ok is false when there is none to use.
func (m *maker) findUnit() (id string, ok bool) {
	want := m.d.RestrictedUnit
	if want == nil {
		return "", false
	}
	if u := unitOf(m.cur, newUnit); u != nil {
		return newUnit, true
	}
	if !m.s.Complete(entra.PartUnits) {
		m.openUnread("", "restricted unit "+want.DisplayName, entra.PartUnits)
		return "", false
	}
	unit, n := unitNamed(m.s, want.DisplayName)
	if want.ObjectID != "" {
		if unit = unitOf(m.s, want.ObjectID); unit == nil {
			m.open("", "restricted unit "+want.DisplayName, "there is no unit "+want.ObjectID, "correct object_id, or remove it to have the unit created")
			return "", false
		}
	} else if n > 1 {
		m.open("", "restricted unit "+want.DisplayName, fmt.Sprintf("%d units bear this name", n), "find out who made the others, and name the right one by object_id")
		return "", false
	}
	if unit == nil {
		return m.createUnit()
	}
	switch {
	case !unit.IsRestricted.Or(false):
		m.open("", "restricted unit "+want.DisplayName, "the unit of this name is not restricted, and that can only be chosen when a unit is created", "choose another display_name to have one created")
		return "", false
	case !unit.Members.Known() || !m.s.Complete(entra.PartUnitMembers.Of(unit.ID)):
		m.openUnread("", "members of the restricted unit", entra.PartUnitMembers.Of(unit.ID))
		return "", false
	}
	return unit.ID, true
}

func (m *maker) createUnit() (string, bool) {
	want := m.d.RestrictedUnit
	switch m.s.Licence() {
	case entra.LicenceFree:
		m.open("", "restricted unit "+want.DisplayName, "restricted units need Entra ID P1, the tenant has none", "buy it, or remove restricted_unit from the file")
		return "", false
	case entra.LicenceUnknown:
		m.openUnread("", "restricted unit "+want.DisplayName, entra.PartPlans)
		return "", false
	}
	query := "displayName eq " + quote(want.DisplayName)
	st := Step{
		ID:       "create-unit",
		Sentence: fmt.Sprintf("Create the restricted management administrative unit %q, which lets nobody change its members by the way.", want.DisplayName),
		Request:  Request{Method: "POST", Version: "v1.0", Path: pathUnits, Body: body(unitBody{DisplayName: want.DisplayName, IsRestricted: true})},
		Creates:  newUnit,
		Undo:     Undo{Sentence: "Delete the unit; its members are released within 30 minutes.", Request: &Request{Method: "DELETE", Version: "v1.0", Path: pathUnits + "/" + newUnit}},
		Verify: Verify{
			Request:    get(pathUnits + "?$filter=" + escape(query) + "&$select=id,displayName,isMemberManagementRestricted"),
			Conditions: []Condition{{Path: "value", Any: raw(map[string]any{"displayName": want.DisplayName, "isMemberManagementRestricted": true})}},
		},
		Touches: []Touch{touch(m.s, onUnitName+want.DisplayName, "the unit name "+want.DisplayName, "taken")},
	}
	return newUnit, m.add(st)
}

func unitMembersQuery(unit string) Request {
	return get(pathUnits + "/" + unit + "/members?$select=id&$top=999")
}

// leave takes the group out of the unit for as long as its members change.
func (m *maker) leave(unit string, steps []Step) {
	st := Step{
		ID:       "unit-leave",
		Sentence: "Take the exclusion group out of the restricted unit while its members change; it is put back below.",
		Request:  Request{Method: "DELETE", Version: "v1.0", Path: pathUnits + "/" + unit + "/members/" + m.group + "/$ref"},
		Undo:     Undo{Sentence: "Put it back.", Request: &Request{Method: "POST", Version: "v1.0", Path: pathUnits + "/" + unit + "/members/$ref", Body: body(refBody{ID: refPrefix + m.group})}},
		Verify:   Verify{Request: unitMembersQuery(unit), Conditions: []Condition{{Path: "value", None: raw(map[string]any{"id": m.group})}}},
		Touches:  []Touch{touch(m.s, onUnit+unit, "the restricted unit", "isMemberManagementRestricted")},
	}
	for _, s := range steps {
		st.Only = append(st.Only, s.ID)
	}
	if m.add(st) {
		m.groupSteps = append(m.groupSteps, st.ID)
	}
}

// enterUnit puts an object into the unit.
func (m *maker) enterUnit(unit, id, what, step, effect string, after []string) {
	after = slices.Clone(after)
	if unit == newUnit {
		after = append(after, "create-unit")
	}
	st := Step{
		ID:       step,
		Sentence: fmt.Sprintf("Put %s into the restricted unit %q. %s", what, m.d.RestrictedUnit.DisplayName, effect),
		Request:  Request{Method: "POST", Version: "v1.0", Path: pathUnits + "/" + unit + "/members/$ref", Body: body(refBody{ID: refPrefix + id})},
		Undo:     Undo{Sentence: "Take it out of the unit.", Request: &Request{Method: "DELETE", Version: "v1.0", Path: pathUnits + "/" + unit + "/members/" + id + "/$ref"}},
		Verify:   Verify{Request: unitMembersQuery(unit), Conditions: []Condition{{Path: "value", Any: raw(map[string]any{"id": id})}}},
		After:    after,
	}
	if u := unitOf(m.s, unit); u != nil {
		st.Touches = []Touch{touch(m.s, onUnit+unit, "the restricted unit", "isMemberManagementRestricted")}
	}
	m.add(st)
}

// makeAccountsRestricted puts the accounts themselves into the unit, where the file asks for
// it: last of all, and only with their passkeys enrolled, because inside it nobody can enrol.
func (m *maker) makeAccountsRestricted() {
	if m.d.RestrictedUnit == nil || !m.d.RestrictedUnit.Accounts {
		return
	}
	unit, ok := m.findUnit()
	if !ok {
		return
	}
	for _, a := range m.accounts {
		u := m.cur.User(a.id)
		if memberOfUnit(m.cur, unit, a.id) || u == nil {
			continue
		}
		methods, known := methodsOf(m.cur, u)
		switch {
		case a.want.Posture == config.PosturePasswordOnly:
		case !known:
			m.openUnread(a.want.ID, "account "+a.name()+" into the restricted unit", entra.PartMethods.Of(a.id))
			continue
		case passkeys(methods) == 0:
			m.open(a.want.ID, "account "+a.name()+" is not put into the restricted unit yet", "it has no passkey, and inside the unit none can be enrolled", "enrol its passkeys, then make the plan again")
			continue
		}
		m.enterUnit(unit, a.id, "the account "+a.name(), "unit-account-"+a.want.ID, "It must be taken out for every rotation.", a.after)
	}
}
