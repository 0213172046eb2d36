package plan

import (
	"slices"
	"strings"
	"time"

	"breakglass/internal/entra"
)

// Predict is the tenant after the steps, foretold from their requests alone. s is not changed.
func Predict(s *entra.Snapshot, steps ...Step) *entra.Snapshot {
	out := s.Clone()
	for _, st := range steps {
		foretell(out, st)
	}
	return out
}

// outcome is what a request would do to a reading.
type outcome int

const (
	// untold: the reading does not hold what the request is about.
	untold outcome = iota
	// idle: the tenant is so already.
	idle
	changed
)

func outcomeOf(did bool) outcome {
	if did {
		return changed
	}
	return idle
}

// foretell changes s as the step would. A request that is not ours does nothing; Decode and
// Make let none through.
func foretell(s *entra.Snapshot, st Step) outcome {
	k, c, err := match(st.Request)
	if err != nil {
		return untold
	}
	c.s, c.creates = s, st.Creates
	return k.effect(c)
}

const predicted = "predicted by plan"

// know marks a part of an object that a step makes as read whole.
func know(s *entra.Snapshot, items int, parts ...entra.Part) {
	if s.Readings == nil {
		s.Readings = map[entra.Part]entra.Reading{}
	}
	for _, p := range parts {
		s.Readings[p] = entra.Reading{Source: predicted, ReadAt: s.TakenAt, Pages: 1, Items: items}
	}
}

// bump keeps the count of a part's entries true.
func bump(s *entra.Snapshot, p entra.Part, by int) {
	if r, ok := s.Readings[p]; ok {
		r.Items += by
		s.Readings[p] = r
	}
}

func createUser(c *change) outcome {
	b := c.body.(*userBody)
	if c.s.UserByName(*b.UserPrincipalName) != nil {
		return idle
	}
	u := entra.User{
		ID:                     c.creates,
		UserPrincipalName:      entra.Some(*b.UserPrincipalName),
		DisplayName:            entra.Some(*b.DisplayName),
		AccountEnabled:         entra.Some(b.AccountEnabled != nil && *b.AccountEnabled),
		UserType:               entra.Some("Member"),
		CreatedDateTime:        entra.Some(c.s.TakenAt),
		OnPremisesSyncEnabled:  entra.Null[bool](),
		OnPremisesImmutableID:  entra.Null[string](),
		LastPasswordChange:     entra.Some(c.s.TakenAt),
		IsManagementRestricted: entra.Some(false),
		GivenName:              entra.Null[string](),
		Surname:                entra.Null[string](),
		JobTitle:               entra.Null[string](),
		Mail:                   entra.Null[string](),
		MobilePhone:            entra.Null[string](),
		OtherMails:             entra.Some([]string{}),
		BusinessPhones:         entra.Some([]string{}),
		EmployeeLeave:          entra.Null[time.Time](),
		Methods:                entra.Some([]entra.Method{{ID: passwordMethod, Type: "passwordAuthenticationMethod"}}),
		PerUserMFA:             entra.Some("disabled"),
		MemberOf:               entra.Some([]entra.Membership{}),
	}
	set(&u.PasswordPolicies, b.PasswordPolicies)
	set(&u.UsageLocation, b.UsageLocation)
	c.s.Users = append(c.s.Users, u)
	know(c.s, 1, entra.PartUser.Of(u.ID), entra.PartMethods.Of(u.ID), entra.PartPerUserMFA.Of(u.ID))
	know(c.s, 0, entra.PartMemberOf.Of(u.ID))
	return changed
}

// passwordMethod is the id of the password in every user's list of methods
// (Microsoft page "passwordAuthenticationMethod resource type").
const passwordMethod = "28c10230-6103-485e-b985-444c60001490"

// set writes a property that a body has, and says whether it changed.
func set[T comparable](field *entra.Maybe[T], value *T) bool {
	if value == nil {
		return false
	}
	if old, ok := field.Value(); ok && old == *value {
		return false
	}
	*field = entra.Some(*value)
	return true
}

func patchUser(c *change) outcome {
	u, b := c.s.User(c.params[0]), c.body.(*userBody)
	if u == nil {
		return untold
	}
	did := set(&u.AccountEnabled, b.AccountEnabled)
	did = set(&u.DisplayName, b.DisplayName) || did
	did = set(&u.UserPrincipalName, b.UserPrincipalName) || did
	did = set(&u.PasswordPolicies, b.PasswordPolicies) || did
	return outcomeOf(set(&u.UsageLocation, b.UsageLocation) || did)
}

func patchMFA(c *change) outcome {
	u := c.s.User(c.params[0])
	if u == nil {
		return untold
	}
	return outcomeOf(set(&u.PerUserMFA, &c.body.(*mfaBody).State))
}

func createGroup(c *change) outcome {
	b := c.body.(*groupBody)
	if _, n := groupNamed(c.s, b.MailNickname); n > 0 {
		return idle
	}
	c.s.Groups = append(c.s.Groups, entra.Group{
		ID:                     c.creates,
		DisplayName:            entra.Some(b.DisplayName),
		MailNickname:           entra.Some(b.MailNickname),
		SecurityEnabled:        entra.Some(b.SecurityEnabled),
		MailEnabled:            entra.Some(b.MailEnabled),
		GroupTypes:             entra.Some([]string{}),
		IsAssignableToRole:     entra.Null[bool](),
		IsManagementRestricted: entra.Some(false),
		OnPremisesSyncEnabled:  entra.Null[bool](),
		Members:                entra.Some([]entra.Member{}),
		Owners:                 entra.Some([]entra.Member{}),
	})
	know(c.s, 1, entra.PartGroup.Of(c.creates))
	know(c.s, 0, entra.PartGroupMembers.Of(c.creates))
	return changed
}

func joinGroup(c *change) outcome {
	g, id := c.s.Group(c.params[0]), c.body.(*refBody).target()
	if g == nil || !g.Members.Known() || !c.s.Complete(entra.PartGroupMembers.Of(g.ID)) {
		return untold
	}
	if memberIn(g.Members.Or(nil), id) {
		return outcomeOf(direct(c.s, g, id))
	}
	join(&g.Members, id)
	bump(c.s, entra.PartGroupMembers.Of(g.ID), 1)
	enter(c.s, id, entra.Membership{ID: g.ID, Type: "group", DisplayName: g.DisplayName})
	return changed
}

// direct makes somebody a member in person who was one only through a group inside.
func direct(s *entra.Snapshot, g *entra.Group, id string) bool {
	members := slices.Clone(g.Members.Or(nil))
	for i, x := range members {
		if strings.EqualFold(x.ID, id) && !x.Direct.Or(false) && len(through(s, g, id)) > 0 {
			members[i].Direct = entra.Some(true)
			g.Members = entra.Some(members)
			return true
		}
	}
	return false
}

// join adds a member to a list that is known.
func join(list *entra.Maybe[[]entra.Member], id string) bool {
	members, _ := list.Value()
	if memberIn(members, id) {
		return false
	}
	*list = entra.Some(append(slices.Clone(members), entra.Member{ID: id, Type: "user", Direct: entra.Some(true)}))
	return true
}

// enter adds a container to what a user is in.
func enter(s *entra.Snapshot, user string, m entra.Membership) {
	u := s.User(user)
	if u == nil {
		return
	}
	if in, ok := u.MemberOf.Value(); ok {
		u.MemberOf = entra.Some(append(in, m))
		bump(s, entra.PartMemberOf.Of(u.ID), 1)
	}
}

func leaveGroup(c *change) outcome {
	g := c.s.Group(c.params[0])
	if g == nil || !g.Members.Known() || !c.s.Complete(entra.PartGroupMembers.Of(g.ID)) {
		return untold
	}
	gone := []string{c.params[1]}
	for _, x := range g.Members.Or(nil) {
		if x.Type == "user" && !x.Direct.Or(false) && holds(through(c.s, g, x.ID), c.params[1]) {
			gone = append(gone, x.ID) // was a member through the group that leaves
		}
	}
	if !part(&g.Members, gone[0]) {
		return idle
	}
	for _, id := range gone[1:] {
		part(&g.Members, id)
	}
	for _, id := range gone {
		bump(c.s, entra.PartGroupMembers.Of(g.ID), -1)
		exit(c.s, id, g.ID)
	}
	return changed
}

func part(list *entra.Maybe[[]entra.Member], id string) bool {
	members, _ := list.Value()
	if !memberIn(members, id) {
		return false
	}
	kept := make([]entra.Member, 0, len(members))
	for _, m := range members {
		if !strings.EqualFold(m.ID, id) {
			kept = append(kept, m)
		}
	}
	*list = entra.Some(kept)
	return true
}

func exit(s *entra.Snapshot, user, container string) {
	u := s.User(user)
	if u == nil {
		return
	}
	in, ok := u.MemberOf.Value()
	if !ok {
		return
	}
	kept := make([]entra.Membership, 0, len(in))
	for _, m := range in {
		if !strings.EqualFold(m.ID, container) {
			kept = append(kept, m)
		}
	}
	bump(s, entra.PartMemberOf.Of(u.ID), len(kept)-len(in))
	u.MemberOf = entra.Some(kept)
}

func createUnit(c *change) outcome {
	b := c.body.(*unitBody)
	if _, n := unitNamed(c.s, b.DisplayName); n > 0 {
		return idle
	}
	c.s.AdministrativeUnits = append(c.s.AdministrativeUnits, entra.AdministrativeUnit{
		ID:           c.creates,
		DisplayName:  entra.Some(b.DisplayName),
		IsRestricted: entra.Some(b.IsRestricted),
		Members:      entra.Some([]entra.Member{}),
	})
	bump(c.s, entra.PartUnits, 1)
	know(c.s, 0, entra.PartUnitMembers.Of(c.creates))
	return changed
}

func joinUnit(c *change) outcome {
	unit, id := unitOf(c.s, c.params[0]), c.body.(*refBody).target()
	if unit == nil || !unit.Members.Known() || !c.s.Complete(entra.PartUnitMembers.Of(unit.ID)) {
		return untold
	}
	if !join(&unit.Members, id) {
		return idle
	}
	bump(c.s, entra.PartUnitMembers.Of(unit.ID), 1)
	enter(c.s, id, entra.Membership{ID: unit.ID, Type: "administrativeUnit", DisplayName: unit.DisplayName})
	restrict(c.s, id, unit.IsRestricted.Or(false))
	return changed
}

func leaveUnit(c *change) outcome {
	unit := unitOf(c.s, c.params[0])
	if unit == nil || !unit.Members.Known() || !c.s.Complete(entra.PartUnitMembers.Of(unit.ID)) {
		return untold
	}
	if !part(&unit.Members, c.params[1]) {
		return idle
	}
	bump(c.s, entra.PartUnitMembers.Of(unit.ID), -1)
	exit(c.s, c.params[1], unit.ID)
	restrict(c.s, c.params[1], false)
	return changed
}

// restrict foretells isManagementRestricted, and the kind of the member when it is a group.
func restrict(s *entra.Snapshot, id string, on bool) {
	if u := s.User(id); u != nil {
		u.IsManagementRestricted = entra.Some(on)
	}
	if g := s.Group(id); g != nil {
		g.IsManagementRestricted = entra.Some(on)
	}
}

func patchPolicy(c *change) outcome {
	p, b := policyOf(c.s, c.params[0]), c.body.(*policyBody).Conditions.Users
	if p == nil {
		return untold
	}
	cond, ok := p.Conditions.Value()
	users, ok2 := cond.Users.Value()
	if !ok || !ok2 {
		return untold
	}
	did := replace(&users.ExcludeUsers, b.ExcludeUsers)
	did = replace(&users.ExcludeGroups, b.ExcludeGroups) || did
	cond.Users = entra.Some(users)
	p.Conditions = entra.Some(cond)
	return outcomeOf(did)
}

// replace puts a list in another's place, unless both hold the same or none was sent.
func replace(list *entra.Maybe[[]string], sent []string) bool {
	was, known := list.Value()
	if len(sent) == 0 || (known && len(missing(sent, was)) == 0 && len(missing(was, sent)) == 0) {
		return false
	}
	*list = entra.Some(append([]string(nil), sent...))
	return true
}

func patchRule(c *change) outcome {
	for i := range c.s.RoleSettings {
		if !strings.EqualFold(c.s.RoleSettings[i].PolicyID, c.params[0]) {
			continue
		}
		for j := range c.s.RoleSettings[i].Rules {
			if r := &c.s.RoleSettings[i].Rules[j]; r.ID == ruleExpiration {
				return outcomeOf(set(&r.IsExpirationRequired, &c.body.(*ruleBody).IsExpirationRequired))
			}
		}
	}
	return untold
}

func schedule(c *change) outcome {
	b := c.body.(*scheduleBody)
	if permanent(c.s, b.PrincipalID) {
		return idle
	}
	start := entra.Null[time.Time]()
	if at, err := time.Parse(time.RFC3339, b.ScheduleInfo.Start); err == nil {
		start = entra.Some(at)
	}
	for i := range c.s.ActiveRoles {
		if r := &c.s.ActiveRoles[i]; b.Action == "adminUpdate" && isAssigned(*r, b.PrincipalID) {
			r.End, r.Start = entra.Null[time.Time](), start
			return changed
		}
	}
	c.s.ActiveRoles = append(c.s.ActiveRoles, entra.RoleInstance{
		ID: "predicted:" + b.PrincipalID, RoleID: b.RoleID, PrincipalID: b.PrincipalID,
		Scope: entra.Some(b.Scope), AssignmentType: entra.Some("Assigned"), MemberType: entra.Some("Direct"),
		Start: start, End: entra.Null[time.Time](),
	})
	bump(c.s, entra.PartActiveRoles, 1)
	hold(c.s, b.RoleID, b.PrincipalID)
	return changed
}

func assign(c *change) outcome {
	b := c.body.(*assignmentBody)
	return outcomeOf(hold(c.s, b.RoleID, b.PrincipalID))
}

// hold adds the plain assignment, which every active role also shows, and the membership.
func hold(s *entra.Snapshot, role, principal string) bool {
	for _, a := range s.RoleAssignments {
		if strings.EqualFold(a.PrincipalID, principal) && strings.EqualFold(a.RoleID, role) && a.Scope.Or("/") == "/" {
			return false
		}
	}
	s.RoleAssignments = append(s.RoleAssignments, entra.RoleAssignment{
		ID: "predicted:" + principal, RoleID: role, PrincipalID: principal,
		PrincipalType: entra.Some("user"), Scope: entra.Some("/"),
	})
	bump(s, entra.PartRoleAssignments, 1)
	enter(s, principal, entra.Membership{ID: role, Type: "directoryRole", RoleTemplateID: entra.Some(role)})
	return true
}
