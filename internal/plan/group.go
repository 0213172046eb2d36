package plan

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"breakglass/internal/config"
	"breakglass/internal/entra"
	"breakglass/internal/lockout"
)

const (
	newGroup = "{group}"
	newUnit  = "{unit}"
)

// makeGroup makes the exclusion group, its members, and the restricted unit that guards it.
// Members come before the unit: inside a restricted unit nobody can change them.
func (m *maker) makeGroup() {
	if m.d.ExclusionGroup == nil {
		return
	}
	g := m.findGroup()
	if m.group == "" {
		return
	}
	unit, restricted := m.findUnit()
	inside := unit != "" && memberOfUnit(m.s, unit, m.group)
	if g != nil && g.IsManagementRestricted.Or(false) && !inside {
		m.open("", "members of the exclusion group", "the group is in a restricted unit that the file does not name, inside which nobody can change it", "name that unit under restricted_unit, or take the group out of it")
		m.useGroup()
		return
	}
	steps := m.memberSteps(g)
	if inside && len(steps) > 0 {
		m.leave(unit, steps)
	}
	for _, st := range steps {
		if m.add(st) {
			m.groupSteps = append(m.groupSteps, st.ID)
		}
	}
	if restricted {
		m.enterUnit(unit, m.group, "the exclusion group", "unit-group", "From then on only a Global Administrator or Privileged Role Administrator can, by taking it out again, change who is excluded.", m.groupSteps)
	}
	m.useGroup()
}

// useGroup lets the exclusions name the group only when it holds our accounts alone: to
// exclude a group with a stranger in it would take the stranger out of every policy.
func (m *maker) useGroup() {
	g := m.cur.Group(m.group)
	if g == nil {
		m.group = ""
		return
	}
	members, ok := g.Members.Value()
	strange := slices.ContainsFunc(members, func(x entra.Member) bool { return !m.ours(x.ID) })
	if ok && !strange && m.cur.Complete(entra.PartGroupMembers.Of(m.group)) {
		return
	}
	if strange {
		m.open("", fmt.Sprintf("the exclusion group %q is named in no further policy", g.DisplayName.Or(m.group)), "it holds others than emergency accounts, who would be excluded with them", "take them out first")
	}
	m.group = ""
}

// ours says whether an object is an emergency account of the file, adopted or not.
func (m *maker) ours(id string) bool {
	return slices.ContainsFunc(m.accounts, func(a *subject) bool { return strings.EqualFold(a.id, id) }) ||
		slices.ContainsFunc(m.d.Accounts, func(a config.Account) bool {
			u := a.Resolve(m.s)
			return u != nil && strings.EqualFold(u.ID, id)
		})
}

func (m *maker) findGroup() *entra.Group {
	want := m.d.ExclusionGroup
	g, n := groupNamed(m.s, want.MailNickname)
	part := entra.PartGroup.Of(want.MailNickname)
	if want.ObjectID != "" {
		g, part = m.s.Group(want.ObjectID), entra.PartGroup.Of(want.ObjectID)
	} else if n > 1 {
		m.open("", "exclusion group "+want.DisplayName, fmt.Sprintf("%d groups bear the mail nickname %s", n, want.MailNickname), "find out who made the others, and name the right one by object_id")
		return nil
	}
	if g != nil {
		if why := m.unusable(g); why != "" {
			m.open("", "exclusion group "+want.DisplayName, why, "name another group, or remove object_id and choose a free mail_nickname to have a plain one created")
			return nil
		}
		m.group = g.ID
		return g
	}
	r := m.s.Reading(part)
	if want.ObjectID != "" || (r.Unread != entra.UnreadNotFound && (r.Unread != "" || r.Items != 0)) {
		m.openUnread("", "exclusion group "+want.DisplayName, part)
		return nil
	}
	m.createGroup()
	return nil
}

// unusable is why a group may not be the exclusion group, empty when it may.
func (m *maker) unusable(g *entra.Group) string {
	types, ok := g.GroupTypes.Value()
	switch {
	case !ok || !g.SecurityEnabled.Known() || !g.OnPremisesSyncEnabled.Known():
		return "what sort of group it is could not be read"
	case slices.Contains(types, "DynamicMembership"):
		return "its members follow a rule"
	case !g.SecurityEnabled.Or(false) || slices.Contains(types, "Unified"):
		return "it is not a plain security group"
	case g.OnPremisesSyncEnabled.Or(false):
		return "it comes from a directory on-premises"
	case g.IsAssignableToRole.Or(false) && m.d.RestrictedUnit != nil:
		return "it is role-assignable: inside a restricted unit nobody could change its members"
	}
	return ""
}

func (m *maker) createGroup() {
	want := m.d.ExclusionGroup
	b := groupBody{DisplayName: want.DisplayName, MailNickname: want.MailNickname, SecurityEnabled: true}
	st := Step{
		ID:       "create-group",
		Sentence: fmt.Sprintf("Create the security group %q (%s), a second layer beside the exclusion of the accounts by their ids.", want.DisplayName, want.MailNickname),
		Request:  Request{Method: "POST", Version: "v1.0", Path: pathGroups, Body: body(b)},
		Creates:  newGroup,
		Undo:     Undo{Sentence: "Delete the group.", Request: &Request{Method: "DELETE", Version: "v1.0", Path: pathGroups + "/" + newGroup}},
		Verify: Verify{
			Request:    get(pathGroups + "?$filter=" + escape("mailNickname eq "+quote(want.MailNickname)) + "&$select=id,displayName,mailNickname,securityEnabled,mailEnabled,groupTypes,createdDateTime"),
			Conditions: []Condition{{Path: "value", Any: raw(map[string]any{"displayName": want.DisplayName, "mailNickname": want.MailNickname, "securityEnabled": true, "mailEnabled": false})}},
		},
		Touches: []Touch{touch(m.s, onGroupName+want.MailNickname, "the mail nickname "+want.MailNickname, "taken")},
	}
	if m.add(st) {
		m.group, m.groupSteps = newGroup, []string{st.ID}
	}
}

// quote is a string of an OData filter.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// placeholder is what stands for an id that is not known yet.
var placeholder = regexp.MustCompile(`\{(account:[A-Za-z0-9._-]+|group|unit|(app|client|sp):(watch|operator))\}`)

// escape makes a value of a query, leaving placeholders to be found.
func escape(value string) string {
	var b strings.Builder
	at := 0
	plain := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	for _, loc := range placeholder.FindAllStringIndex(value, -1) {
		b.WriteString(plain(value[at:loc[0]]) + value[loc[0]:loc[1]])
		at = loc[1]
	}
	return b.String() + plain(value[at:])
}

// memberSteps are the steps that bring our accounts into the group and strangers out of it.
func (m *maker) memberSteps(g *entra.Group) []Step {
	var members []entra.Member
	if g != nil {
		known, ok := g.Members.Value()
		if !ok || !m.s.Complete(entra.PartGroupMembers.Of(g.ID)) {
			m.openUnread("", "members of the exclusion group", entra.PartGroupMembers.Of(g.ID))
			return nil
		}
		members = known
	}
	out, kept := m.strangers(g, members)
	var steps []Step
	for _, a := range m.accounts {
		// Who is in only through a group that leaves must become a member in person first.
		leaves := g != nil && slices.ContainsFunc(through(m.s, g, a.id), func(id string) bool { return memberIn(out, id) })
		if !memberIn(members, a.id) || leaves {
			steps = append(steps, m.memberStep(a))
		}
	}
	for _, x := range out {
		steps = append(steps, m.strangerStep(g, x, x.DisplayName.Or(x.ID)))
	}
	for _, k := range kept {
		m.open("", k.who+" stays in the exclusion group", k.why, "take it out by hand, once you know what it needs the exclusion for")
	}
	return steps
}

func membersQuery(id string) Request {
	return get(pathGroups + "/" + id + "/members?$select=id&$top=999")
}

func (m *maker) memberStep(a *subject) Step {
	st := Step{
		ID: "group-member-" + a.want.ID, Account: a.want.ID,
		Sentence: fmt.Sprintf("Put the account %s into the exclusion group %q.", a.name(), m.d.ExclusionGroup.DisplayName),
		Request:  Request{Method: "POST", Version: "v1.0", Path: pathGroups + "/" + m.group + "/members/$ref", Body: body(refBody{ID: refPrefix + a.id})},
		Undo:     Undo{Sentence: "Take it out of the group.", Request: &Request{Method: "DELETE", Version: "v1.0", Path: pathGroups + "/" + m.group + "/members/" + a.id + "/$ref"}},
		Verify:   Verify{Request: membersQuery(m.group), Conditions: []Condition{{Path: "value", Any: raw(map[string]any{"id": a.id})}}},
		After:    append(slices.Clone(m.groupSteps), a.after...),
	}
	if g := m.s.Group(m.group); g != nil {
		st.Touches = []Touch{touch(m.s, onGroup+g.ID, "the exclusion group", "groupTypes", "securityEnabled", "onPremisesSyncEnabled")}
	}
	return st
}

// kept is a stranger who is left in the group, and why.
type kept struct{ who, why string }

// strangers are the members who are not ours: those to take out and those left to a person.
// A group inside goes when only accounts of ours are in it.
func (m *maker) strangers(g *entra.Group, members []entra.Member) (out []entra.Member, stay []kept) {
	nested := 0
	for _, x := range members {
		why := ""
		switch {
		case x.Type == "group":
			nested++
			why = m.keepNested(g, members, x.ID)
		case m.ours(x.ID):
			continue
		case x.Type != "user":
			why = "it is no user, but a " + x.Type
		default:
			why = m.keepStranger(x.ID, g)
		}
		if why == "" {
			out = append(out, x)
			continue
		}
		stay = append(stay, kept{x.DisplayName.Or(x.ID), why})
	}
	if nested > 1 {
		return nil, append(stay, kept{"what is in the groups inside", "there are several, and which is in which was not read"})
	}
	return out, stay
}

// keepNested is why a group inside may not be taken out, empty when it may: everybody in it
// is an account of ours, who stays as a member in person.
func (m *maker) keepNested(g *entra.Group, members []entra.Member, nested string) string {
	for _, x := range members {
		if x.Type != "user" {
			continue
		}
		u := m.s.User(x.ID)
		switch {
		case u == nil || !u.MemberOf.Known() || !m.s.Complete(entra.PartMemberOf.Of(x.ID)):
			return "who is in it could not be read"
		case holds(through(m.s, g, x.ID), nested) && !slices.ContainsFunc(m.accounts, func(a *subject) bool { return strings.EqualFold(a.id, x.ID) }):
			return "it holds others than emergency accounts"
		}
	}
	return ""
}

// keepStranger is why a stranger may not be taken out, empty when it may: no administrator
// who could undo a lockout may stop getting in, and no synchronisation.
func (m *maker) keepStranger(id string, g *entra.Group) string {
	u := m.s.User(id)
	if u == nil || !u.MemberOf.Known() || !m.rolesRead() || !m.s.Complete(entra.PartMemberOf.Of(id)) {
		return "which roles it has could not be read"
	}
	if len(through(m.s, g, id)) > 0 {
		return "it is a member through another group"
	}
	if m.has(u, entra.RoleDirectorySynchronization) {
		return "it synchronises the directory"
	}
	if !m.has(u, entra.WatchedRoles()[:entra.AdministratorRoles]...) {
		return ""
	}
	after := m.cur.Clone()
	foretell(after, Step{Request: Request{Method: "DELETE", Version: "v1.0", Path: pathGroups + "/" + g.ID + "/members/" + id + "/$ref"}})
	for _, b := range m.guard.analyze(after, id).Blockers {
		if b.When == lockout.Now && b.Kind != lockout.KindRole { // how it holds its role is not our matter
			return "it is an administrator who might no longer get in: " + b.Why
		}
	}
	return ""
}

// rolesRead says whether the lists of role holders were read, as far as the licence has them.
func (m *maker) rolesRead() bool {
	for _, part := range []entra.Part{entra.PartRoleAssignments, entra.PartActiveRoles, entra.PartEligibleRoles} {
		if r := m.s.Reading(part); r.Unread != "" && (part == entra.PartRoleAssignments || r.Unread != entra.UnreadLicence) {
			return false
		}
	}
	return true
}

// has says whether a user holds one of the roles or may activate it, in person or by a group.
func (m *maker) has(u *entra.User, roles ...string) bool {
	in, _ := u.MemberOf.Value()
	theirs := func(principal string) bool {
		return strings.EqualFold(principal, u.ID) || slices.ContainsFunc(in, func(c entra.Membership) bool { return strings.EqualFold(c.ID, principal) })
	}
	return slices.ContainsFunc(in, func(c entra.Membership) bool { return holds(roles, c.RoleTemplateID.Or("")) }) ||
		slices.ContainsFunc(m.s.RoleAssignments, func(a entra.RoleAssignment) bool { return holds(roles, a.RoleID) && theirs(a.PrincipalID) }) ||
		slices.ContainsFunc(slices.Concat(m.s.ActiveRoles, m.s.EligibleRoles), func(i entra.RoleInstance) bool { return holds(roles, i.RoleID) && theirs(i.PrincipalID) })
}

func (m *maker) strangerStep(g *entra.Group, x entra.Member, title string) Step {
	return Step{
		ID:       "group-stranger-" + x.ID,
		Sentence: fmt.Sprintf("Take %s out of the exclusion group %q: only emergency accounts belong there.", title, g.DisplayName.Or(g.ID)),
		Request:  Request{Method: "DELETE", Version: "v1.0", Path: pathGroups + "/" + g.ID + "/members/" + x.ID + "/$ref"},
		Undo:     Undo{Sentence: "Put it back.", Request: &Request{Method: "POST", Version: "v1.0", Path: pathGroups + "/" + g.ID + "/members/$ref", Body: body(refBody{ID: refPrefix + x.ID})}},
		Verify:   Verify{Request: membersQuery(g.ID), Conditions: []Condition{{Path: "value", None: raw(map[string]any{"id": x.ID})}}},
		Touches:  []Touch{touch(m.s, onGroup+g.ID, "the exclusion group", "groupTypes"), touch(m.s, onRoles+x.ID, "the roles of "+title, "assignments")},
	}
}
