package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// Candidate is an existing user that looks like an emergency account.
type Candidate struct {
	User *entra.User
	// Why are the signs, for people.
	Why []string
	// Likely says that the signs are strong: adopting it is the natural proposal. It is never
	// proof; a person confirms, and plan checks the account before it touches it.
	Likely bool

	score int
}

// Candidates finds users of a reading that look like emergency accounts: they hold Global
// Administrator in some form, or tell it by their name, and are excluded from policies. The
// likeliest come first. Users in the policies' way but without the role are left out: an
// excluded service account is not an emergency account.
func Candidates(s *entra.Snapshot) []Candidate {
	var all []Candidate
	for i := range s.Users {
		c := Candidate{User: &s.Users[i]}
		if !c.judge(s) {
			continue
		}
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(a.User.UserPrincipalName.Or(""), b.User.UserPrincipalName.Or("")))
	})
	return all
}

func (c *Candidate) judge(s *entra.Snapshot) bool {
	u := c.User
	role := globalAdministrator(s, u.ID)
	if role != "" {
		c.Why = append(c.Why, role)
	}
	local, _, _ := strings.Cut(u.UserPrincipalName.Or(""), "@")
	told := tellingWord(local) != "" && tellingWord(local) != "admin" || tellingWord(u.DisplayName.Or("")) != "" && tellingWord(u.DisplayName.Or("")) != "admin"
	if told {
		c.Why = append(c.Why, "its name says so")
		c.score += 2
	}
	out, of := excludedFrom(s, u)
	if out > 0 {
		c.Why = append(c.Why, fmt.Sprintf("excluded from %d of %d policies", out, of))
	}
	// Nobody excludes an everyday administrator from most policies.
	switch {
	case of > 1 && out == of:
		c.score += 3
	case of > 1 && 2*out > of:
		c.score += 2
	case out > 0:
		c.score++
	}
	if u.OnPremisesSyncEnabled.Or(false) {
		c.Why = append(c.Why, "synchronised from on-premises: it cannot stay so")
		c.score--
	}
	c.Likely = c.score >= 2
	return (role != "" || told) && c.score > 0
}

// globalAdministrator says how a user holds the role, empty when no reading shows it.
func globalAdministrator(s *entra.Snapshot, id string) string {
	holds := func(role, principal string) bool {
		return role == entra.RoleGlobalAdministrator && strings.EqualFold(principal, id)
	}
	switch {
	case slices.ContainsFunc(s.RoleAssignments, func(r entra.RoleAssignment) bool { return holds(r.RoleID, r.PrincipalID) }),
		slices.ContainsFunc(s.ActiveRoles, func(r entra.RoleInstance) bool { return holds(r.RoleID, r.PrincipalID) }):
		return "Global Administrator"
	case slices.ContainsFunc(s.EligibleRoles, func(r entra.RoleInstance) bool { return holds(r.RoleID, r.PrincipalID) }):
		return "eligible for Global Administrator"
	}
	return ""
}

// excludedFrom counts the policies over users that exclude the user, by id or through a group.
func excludedFrom(s *entra.Snapshot, u *entra.User) (out, of int) {
	groups := u.MemberOf.Or(nil)
	for _, p := range s.Policies {
		conditions := p.Conditions.Or(entra.Conditions{})
		if _, workload := conditions.ClientApplications.Value(); workload {
			continue
		}
		of++
		users := conditions.Users.Or(entra.UserCondition{})
		byID := slices.ContainsFunc(users.ExcludeUsers.Or(nil), func(id string) bool { return strings.EqualFold(id, u.ID) })
		byGroup := slices.ContainsFunc(users.ExcludeGroups.Or(nil), func(id string) bool {
			return slices.ContainsFunc(groups, func(m entra.Membership) bool { return strings.EqualFold(m.ID, id) })
		})
		if byID || byGroup {
			out++
		}
	}
	return out, of
}
