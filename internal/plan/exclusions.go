package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// makeExclusions excludes the accounts by object id, and the group, from every policy of any
// state; only the one policy that an account of posture passkey-required is under is left.
func (m *maker) makeExclusions() {
	if len(m.accounts) == 0 {
		return
	}
	if !m.s.Complete(entra.PartPolicies) {
		m.openUnread("", "exclusions from Conditional Access", entra.PartPolicies)
		return
	}
	policies := slices.Clone(m.s.Policies)
	slices.SortStableFunc(policies, func(a, b entra.Policy) int { return cmp.Compare(urgency(a), urgency(b)) })
	before := len(m.p.Steps)
	for _, p := range policies {
		if !isWorkload(p) {
			m.exclude(p)
		}
	}
	if len(m.p.Steps) > before && !m.s.Complete(entra.PartPolicyChanges) {
		m.openUnread("", "whether another tool writes the policies, and would undo the exclusions", entra.PartPolicyChanges)
	}
}

// urgency orders policies: those in force first.
func urgency(p entra.Policy) int {
	switch p.State.Or("") {
	case "enabled":
		return 0
	case "disabled":
		return 2
	}
	return 1
}

// isWorkload says whether a policy is for service principals, and so never for users.
func isWorkload(p entra.Policy) bool {
	cond, _ := p.Conditions.Value()
	apps, ok := cond.ClientApplications.Value()
	return ok && len(apps.Include.Or(nil)) > 0
}

// exclude plans the one minimal change of a policy.
func (m *maker) exclude(p entra.Policy) {
	title := p.DisplayName.Or(p.ID)
	cond, ok := p.Conditions.Value()
	users, ok2 := cond.Users.Value()
	if !ok || !ok2 || !users.ExcludeUsers.Known() || !users.ExcludeGroups.Known() {
		m.open("", fmt.Sprintf("exclusion from the policy %q", title), "the reading does not say whom it excludes", "look at it in the portal; read again")
		return
	}
	want := m.wantFor(p)
	m.excludedFromOwn(p, title, users)
	ids, groups := missing(want.users, users.ExcludeUsers.Or(nil)), missing(want.groups, users.ExcludeGroups.Or(nil))
	if len(ids)+len(groups) == 0 {
		return
	}
	st := m.exclusion(p, title, users, ids, groups)
	st.After = want.after
	if tool, why := m.managedElsewhere(p); tool != "" {
		m.emit(tool, why, p, st)
		return
	}
	if m.s.Licence() == entra.LicenceFree {
		m.open("", "not done: "+st.Sentence, "the tenant has no licence for Conditional Access any more (Entra ID P1), so its policies cannot be changed", "buy it, or delete the policy")
		return
	}
	if !m.add(st) {
		return
	}
	for _, a := range m.accounts {
		if holds(ids, a.id) {
			a.after = append(a.after, st.ID)
		}
	}
}

// excludedFromOwn says when an account is excluded from the one policy that it should be
// under. That is left to a person: to end an exclusion may lock the account out.
func (m *maker) excludedFromOwn(p entra.Policy, title string, users entra.UserCondition) {
	for _, a := range m.accounts {
		if !holds(a.want.Allowed(), p.ID) {
			continue
		}
		if holds(users.ExcludeUsers.Or(nil), a.id) || (m.group != "" && holds(users.ExcludeGroups.Or(nil), m.group)) {
			m.open(a.want.ID, fmt.Sprintf("account %s is excluded from %q, the one policy that it should be under", a.name(), title), "ending an exclusion may lock the account out", "prove its passkey first, then end the exclusion by hand")
		}
	}
}

// wanted is who is to be excluded from one policy.
type wanted struct{ users, groups, after []string }

func (m *maker) wantFor(p entra.Policy) wanted {
	var w wanted
	everybody := true
	for _, a := range m.accounts {
		if holds(a.want.Allowed(), p.ID) {
			everybody = false
			continue
		}
		w.users = append(w.users, a.id)
		w.after = append(w.after, created(a)...)
	}
	// The group holds every account, so it may not be excluded where one of them must not be.
	if m.group != "" && everybody {
		w.groups, w.after = []string{m.group}, append(w.after, m.groupSteps...)
	}
	return w
}

// created is the step that makes the account, if one does.
func created(a *subject) []string {
	if strings.HasPrefix(a.id, "{") {
		return []string{"create-" + a.want.ID}
	}
	return nil
}

func (m *maker) exclusion(p entra.Policy, title string, users entra.UserCondition, ids, groups []string) Step {
	var b, undo policyBody
	conditions := []Condition{}
	if len(ids) > 0 {
		b.Conditions.Users.ExcludeUsers = append(slices.Clone(users.ExcludeUsers.Or(nil)), ids...)
		undo.Conditions.Users.ExcludeUsers = users.ExcludeUsers.Or(nil)
		conditions = append(conditions, Condition{Path: "conditions.users.excludeUsers", Contains: ids})
	}
	if len(groups) > 0 {
		b.Conditions.Users.ExcludeGroups = append(slices.Clone(users.ExcludeGroups.Or(nil)), groups...)
		conditions = append(conditions, Condition{Path: "conditions.users.excludeGroups", Contains: groups})
	}
	path := pathPolicy(p.ID)
	return Step{
		ID:       "exclude-" + p.ID,
		Sentence: fmt.Sprintf("Exclude %s from the policy %q (%s).", m.said(ids, groups), title, stateInWords(p)),
		Request:  Request{Method: "PATCH", Version: "v1.0", Path: path, Body: body(b)},
		Undo:     Undo{Sentence: "Take these entries out of the policy's exclusions again, by the same kind of change; never by writing the old list back."},
		Verify:   Verify{Request: get(path), Conditions: conditions},
		Touches: []Touch{touch(m.s, onPolicy+p.ID, fmt.Sprintf("the policy %q", title),
			"state", "conditions.users.includeUsers", "conditions.users.includeGroups", "conditions.users.includeRoles")},
	}
}

func pathPolicy(id string) string { return strings.Replace(pathPolicies, "{}", id, 1) }

// said names who is excluded.
func (m *maker) said(ids, groups []string) string {
	var names []string
	for _, a := range m.accounts {
		if holds(ids, a.id) {
			names = append(names, "the account "+a.name())
		}
	}
	if len(groups) > 0 {
		names = append(names, fmt.Sprintf("the group %q", m.d.ExclusionGroup.DisplayName))
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

func stateInWords(p entra.Policy) string {
	words := map[string]string{"enabled": "in force", "disabled": "off", "enabledForReportingButNotEnforced": "report-only"}
	state := p.State.Or("state unknown")
	if w, ok := words[state]; ok {
		state = w
	}
	if strings.HasPrefix(p.DisplayName.Or(""), "Microsoft-managed") {
		state += ", managed by Microsoft, who may switch it on"
	}
	return state
}
