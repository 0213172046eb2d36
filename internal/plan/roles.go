package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"breakglass/internal/entra"
)

// makeRoles makes every account a permanent, active, direct Global Administrator: by a PIM
// request where PIM is licensed, by a plain assignment only where it is not.
func (m *maker) makeRoles() {
	for _, a := range m.accounts {
		switch m.pim() {
		case licensed:
			m.grantByPIM(a)
		case unlicensed:
			m.grantDirectly(a)
		default:
			m.openUnread(a.want.ID, "Global Administrator for "+a.name(), entra.PartActiveRoles)
		}
	}
}

type pimState int

const (
	pimUnknown pimState = iota
	licensed
	unlicensed
)

// pim says whether the tenant has PIM. A licence that was not read is not no licence.
func (m *maker) pim() pimState {
	switch r := m.s.Reading(entra.PartActiveRoles); {
	case r.Unread == "":
		return licensed
	case r.Unread == entra.UnreadLicence && m.s.Licence() != entra.LicenceP2 && m.s.Licence() != entra.LicenceUnknown:
		return unlicensed
	}
	return pimUnknown
}

// fit says whether everything that the grant rests on was read.
func (m *maker) fit(a *subject) bool {
	what := "Global Administrator for " + a.name()
	for _, part := range []entra.Part{entra.PartPolicies, entra.PartPoliciesBeta} {
		r := m.s.Reading(part)
		if r.Unread != "" && (r.Unread != entra.UnreadLicence || len(m.s.Policies) > 0) {
			m.openUnread(a.want.ID, what, part)
			return false
		}
	}
	if !m.s.Complete(entra.PartRoleAssignments) {
		m.openUnread(a.want.ID, what, entra.PartRoleAssignments)
		return false
	}
	return true
}

func (m *maker) grantByPIM(a *subject) {
	if permanent(m.s, a.id) || !m.fit(a) {
		return
	}
	action, how := "adminAssign", "It has no such assignment now."
	for _, r := range m.s.ActiveRoles {
		if !isGA(r, a.id) {
			continue
		}
		switch {
		case isAssigned(r, a.id):
			action, how = "adminUpdate", "Its present assignment ends on "+r.End.Or(time.Time{}).UTC().Format("2 January 2006 15:04")+" UTC."
		case action == "adminAssign" && r.MemberType.Or("") == "Group":
			how = "It has the role through a group now."
		case action == "adminAssign" && r.AssignmentType.Or("") == "Activated":
			how = "It has the role by an activation now, which ends."
		}
	}
	rule, ok := m.allowPermanent(a)
	if !ok {
		return
	}
	b := scheduleBody{Action: action, Justification: "Emergency access account", RoleID: entra.RoleGlobalAdministrator, Scope: "/", PrincipalID: a.id}
	b.ScheduleInfo.Start = m.p.MadeAt.Format(time.RFC3339)
	b.ScheduleInfo.Expiration.Type = "noExpiration"
	m.addFor(a, Step{
		ID:       "role",
		Sentence: fmt.Sprintf("Make the account %s Global Administrator, permanently and active, by a request to Privileged Identity Management. %s", a.name(), how),
		Request:  Request{Method: "POST", Version: "v1.0", Path: pathSchedule, Body: body(b)},
		Undo:     undoGrant(b),
		Verify: Verify{
			Request: get("/roleManagement/directory/roleAssignmentScheduleInstances?$filter=" + escape(roleFilter(a.id))),
			Conditions: []Condition{{Path: "value", Any: raw(map[string]any{
				"principalId": a.id, "roleDefinitionId": entra.RoleGlobalAdministrator, "directoryScopeId": "/",
				"assignmentType": "Assigned", "memberType": "Direct", "endDateTime": nil,
			})}},
		},
		After:   rule,
		Touches: []Touch{touch(m.s, onRoles+a.id, "the roles of "+a.name(), "assignments")},
	})
}

func undoGrant(b scheduleBody) Undo {
	if b.Action != "adminAssign" {
		return Undo{Sentence: "Give the assignment its former end in Privileged Identity Management."}
	}
	remove := map[string]any{"action": "adminRemove", "justification": b.Justification, "roleDefinitionId": b.RoleID, "directoryScopeId": b.Scope, "principalId": b.PrincipalID}
	return Undo{Sentence: "Remove the assignment.", Request: &Request{Method: "POST", Version: "v1.0", Path: pathSchedule, Body: body(remove)}}
}

func roleFilter(principal string) string {
	return "principalId eq " + quote(principal) + " and roleDefinitionId eq " + quote(entra.RoleGlobalAdministrator)
}

// allowPermanent makes the role's setting allow permanent active assignments. The steps that
// the grant waits for are returned; ok is false when it would be refused by the setting.
func (m *maker) allowPermanent(a *subject) (after []string, ok bool) {
	const step = "role-setting"
	if slices.ContainsFunc(m.p.Steps, func(st Step) bool { return st.ID == step }) {
		return []string{step}, true
	}
	setting, rule := m.expirationRule()
	what := "Global Administrator for " + a.name()
	required, known := rule.IsExpirationRequired.Value()
	switch {
	case setting == nil || !known:
		m.openUnread(a.want.ID, what, entra.PartRoleSettings)
		return nil, false
	case !required:
		return nil, true
	case setting.PolicyID == "":
		m.open(a.want.ID, what, "the role's setting forbids permanent active assignments, and the reading does not say which policy holds it", "allow permanent active assignment in the role settings of Global Administrator, then make the plan again")
		return nil, false
	}
	path := "/policies/roleManagementPolicies/" + setting.PolicyID + "/rules/" + ruleExpiration
	b := ruleBody{Type: "#microsoft.graph.unifiedRoleManagementPolicyExpirationRule", ID: ruleExpiration}
	undo := b
	undo.IsExpirationRequired = true
	return []string{step}, m.add(Step{
		ID:       step,
		Sentence: "Allow permanent active assignment in the role settings of Global Administrator; without it the emergency accounts would lose the role. It allows it for others too: watch who is assigned.",
		Request:  Request{Method: "PATCH", Version: "v1.0", Path: path, Body: body(b)},
		Undo:     Undo{Sentence: "Forbid it again; assignments that exist stay.", Request: &Request{Method: "PATCH", Version: "v1.0", Path: path, Body: body(undo)}},
		Verify:   Verify{Request: get(path), Conditions: []Condition{{Path: "isExpirationRequired", Is: raw(false)}}},
		Touches:  []Touch{touch(m.s, onRule+setting.PolicyID, "the role settings of Global Administrator", "isExpirationRequired")},
	})
}

func (m *maker) expirationRule() (*entra.RoleSetting, entra.RoleRule) {
	if !m.s.Complete(entra.PartRoleSettings) {
		return nil, entra.RoleRule{}
	}
	for i, set := range m.s.RoleSettings {
		if !strings.EqualFold(set.RoleID, entra.RoleGlobalAdministrator) {
			continue
		}
		for _, r := range set.Rules {
			if r.ID == ruleExpiration {
				return &m.s.RoleSettings[i], r
			}
		}
	}
	return nil, entra.RoleRule{}
}

func (m *maker) grantDirectly(a *subject) {
	if holdsDirectly(m.s, a.id) || !m.fit(a) {
		return
	}
	b := assignmentBody{Type: "#microsoft.graph.unifiedRoleAssignment", RoleID: entra.RoleGlobalAdministrator, PrincipalID: a.id, Scope: "/"}
	m.addFor(a, Step{
		ID:       "role",
		Sentence: fmt.Sprintf("Make the account %s Global Administrator by a plain assignment: the tenant has no licence for Privileged Identity Management.", a.name()),
		Request:  Request{Method: "POST", Version: "v1.0", Path: pathDirect, Body: body(b)},
		Undo:     Undo{Sentence: "Delete the role assignment."},
		Verify: Verify{
			Request: get(pathDirect + "?$filter=" + escape(roleFilter(a.id))),
			Conditions: []Condition{{Path: "value", Any: raw(map[string]any{
				"principalId": a.id, "roleDefinitionId": entra.RoleGlobalAdministrator, "directoryScopeId": "/",
			})}},
		},
		Touches: []Touch{touch(m.s, onRoles+a.id, "the roles of "+a.name(), "assignments")},
	})
}
