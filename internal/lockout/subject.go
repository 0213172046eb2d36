package lockout

import (
	"encoding/json"
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// subject is the account as policies see it.
type subject struct {
	s *entra.Snapshot
	u *entra.User
}

// included and excluded judge the users condition; a match in any dimension is a match.
// Exclude beats include, which is for the caller to say.
func (a subject) included(c entra.UserCondition) Truth {
	return a.inUsers(c.IncludeUsers, True).
		Or(a.inAny(c.IncludeGroups, a.inGroup)).
		Or(a.inAny(c.IncludeRoles, a.inRole)).
		Or(a.isGuest(c.IncludeGuests))
}

func (a subject) excluded(c entra.UserCondition) Truth {
	return a.excludedByID(c).
		Or(a.inUsers(c.ExcludeUsers, Unknown)).
		Or(a.inAny(c.ExcludeGroups, a.inGroup)).
		Or(a.inAny(c.ExcludeRoles, a.provenRole)).
		Or(a.isGuest(c.ExcludeGuests).And(Unknown)) // which kinds of guests is more than we read
}

func (a subject) excludedByID(c entra.UserCondition) Truth { return contains(c.ExcludeUsers, a.u.ID) }

// inUsers judges a list of user ids and keywords. all is what the keyword All is worth: in
// an exclusion no page describes it, so nothing is built on it.
func (a subject) inUsers(list entra.Maybe[[]string], all Truth) Truth {
	if !list.Known() {
		return Unknown
	}
	in := False
	for _, entry := range list.Or(nil) {
		in = in.Or(a.inUserEntry(entry, all))
	}
	return in
}

func (a subject) inUserEntry(entry string, all Truth) Truth {
	switch {
	case strings.EqualFold(entry, a.u.ID):
		return True
	case strings.EqualFold(entry, "All"):
		return all
	case strings.EqualFold(entry, "None"):
		return False
	case strings.EqualFold(entry, "GuestsOrExternalUsers"):
		return a.guest()
	}
	if keyword(entry) {
		return Unknown
	}
	return False
}

func (a subject) inAny(list entra.Maybe[[]string], in func(id string) Truth) Truth {
	if !list.Known() {
		return Unknown
	}
	found := False
	for _, id := range list.Or(nil) {
		found = found.Or(in(id))
	}
	return found
}

// inGroup: nested membership counts, whatever the kind of the group.
func (a subject) inGroup(id string) Truth {
	containers, whole := a.containers()
	if slices.ContainsFunc(containers, func(m entra.Membership) bool { return strings.EqualFold(m.ID, id) }) {
		return True
	}
	return truth(false).Or(whole.Not().And(Unknown))
}

// containers are the groups, roles and units of the account, and whether they are all.
func (a subject) containers() ([]entra.Membership, Truth) {
	list, ok := a.u.MemberOf.Value()
	whole := ok && a.s.Complete(entra.PartMemberOf.Of(a.u.ID)) &&
		!slices.ContainsFunc(list, func(m entra.Membership) bool { return m.ID == "" })
	return list, truth(whole)
}

// inRole: a policy includes a role when it is active at tenant scope; an eligible one does
// not match. Every account here is, or is to become, a Global Administrator, and is judged
// as one even before the role is granted.
func (a subject) inRole(id string) Truth {
	if strings.EqualFold(id, entra.RoleGlobalAdministrator) {
		return True
	}
	containers, _ := a.containers()
	if slices.ContainsFunc(containers, func(m entra.Membership) bool { return strings.EqualFold(m.RoleTemplateID.Or(""), id) }) {
		return True
	}
	return a.provenRole(id)
}

// provenRole asks what was read, for exclusions: there the role must be there today. Of roles
// that a reading does not watch only the memberships tell, and they do not tell the scope.
func (a subject) provenRole(id string) Truth {
	in := False
	for _, r := range a.s.RoleAssignments {
		in = in.Or(a.holds(r, id))
	}
	containers, whole := a.containers()
	for _, m := range containers {
		if m.Type == "group" || m.Type == "administrativeUnit" {
			continue
		}
		// The assignment itself was not seen, so its scope is not known.
		if t, ok := m.RoleTemplateID.Value(); !ok || strings.EqualFold(t, id) {
			in = in.Or(Unknown)
		}
	}
	if whole != True || !a.s.Complete(entra.PartRoleAssignments) {
		in = in.Or(Unknown)
	}
	return in
}

// holds judges one assignment: of this role, to the account or a group it is in, for the
// whole tenant (assignments scoped to a unit or an object do not count).
func (a subject) holds(r entra.RoleAssignment, role string) Truth {
	of := truth(strings.EqualFold(r.RoleID, role))
	if r.RoleID == "" {
		of = Unknown
	}
	to := truth(strings.EqualFold(r.PrincipalID, a.u.ID))
	if to == False {
		to = a.inGroup(r.PrincipalID)
	}
	if r.PrincipalID == "" {
		to = Unknown
	}
	scope := Unknown
	if v, ok := r.Scope.Value(); ok {
		scope = truth(v == "/")
	}
	return of.And(to).And(scope)
}

func (a subject) isGuest(cond entra.Maybe[json.RawMessage]) Truth { return set(cond).And(a.guest()) }

// guest says whether the account is a guest or an external user. External members carry
// #EXT# in their name.
func (a subject) guest() Truth {
	kind, known := a.u.UserType.Value()
	upn, named := a.u.UserPrincipalName.Value()
	switch {
	case strings.EqualFold(kind, "Guest") || strings.Contains(strings.ToUpper(upn), "#EXT#"):
		return True
	case known && named && strings.EqualFold(kind, "Member"):
		return False
	}
	return Unknown
}
