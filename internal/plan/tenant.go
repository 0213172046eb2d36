package plan

import (
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// ruleExpiration is the PIM rule that may forbid permanent active assignments (Microsoft
// page "Rules in PIM - mapping guide").
const ruleExpiration = "Expiration_Admin_Assignment"

func policyOf(s *entra.Snapshot, id string) *entra.Policy {
	i := slices.IndexFunc(s.Policies, func(p entra.Policy) bool { return strings.EqualFold(p.ID, id) })
	if i < 0 {
		return nil
	}
	return &s.Policies[i]
}

func unitOf(s *entra.Snapshot, id string) *entra.AdministrativeUnit {
	i := slices.IndexFunc(s.AdministrativeUnits, func(u entra.AdministrativeUnit) bool { return strings.EqualFold(u.ID, id) })
	if i < 0 {
		return nil
	}
	return &s.AdministrativeUnits[i]
}

// unitNamed is the first unit of a display name, and how many bear it: Entra lets several.
func unitNamed(s *entra.Snapshot, name string) (*entra.AdministrativeUnit, int) {
	return named(s.AdministrativeUnits, name, func(u entra.AdministrativeUnit) string { return u.DisplayName.Or("") })
}

// groupNamed is the first group of a mail nickname, and how many bear it: Entra lets several.
func groupNamed(s *entra.Snapshot, nickname string) (*entra.Group, int) {
	return named(s.Groups, nickname, func(g entra.Group) string { return g.MailNickname.Or("") })
}

func named[T any](list []T, name string, of func(T) string) (first *T, n int) {
	for i := range list {
		if strings.EqualFold(of(list[i]), name) {
			if n++; n == 1 {
				first = &list[i]
			}
		}
	}
	return first, n
}

func memberIn(list []entra.Member, id string) bool {
	return slices.ContainsFunc(list, func(m entra.Member) bool { return strings.EqualFold(m.ID, id) })
}

// isGA says whether a PIM instance is of Global Administrator over the whole tenant.
func isGA(r entra.RoleInstance, principal string) bool {
	return strings.EqualFold(r.PrincipalID, principal) && strings.EqualFold(r.RoleID, entra.RoleGlobalAdministrator) && r.Scope.Or("") == "/"
}

// isAssigned says whether it is the user's own assignment, not one activated or inherited.
func isAssigned(r entra.RoleInstance, principal string) bool {
	return isGA(r, principal) && r.AssignmentType.Or("") == "Assigned" && r.MemberType.Or("") == "Direct"
}

// permanent says whether the principal is a permanent, active, direct Global Administrator,
// as far as PIM tells.
func permanent(s *entra.Snapshot, principal string) bool {
	return slices.ContainsFunc(s.ActiveRoles, func(r entra.RoleInstance) bool {
		return isAssigned(r, principal) && r.End.IsNull()
	})
}

// holdsDirectly says whether a plain role assignment makes the principal Global Administrator.
func holdsDirectly(s *entra.Snapshot, principal string) bool {
	return slices.ContainsFunc(s.RoleAssignments, func(a entra.RoleAssignment) bool {
		return strings.EqualFold(a.PrincipalID, principal) && strings.EqualFold(a.RoleID, entra.RoleGlobalAdministrator) && a.Scope.Or("") == "/"
	})
}

// through are the groups among a group's members by which a user is in it too.
func through(s *entra.Snapshot, g *entra.Group, user string) []string {
	u := s.User(user)
	if u == nil {
		return nil
	}
	var out []string
	for _, x := range g.Members.Or(nil) {
		if x.Type == "group" && slices.ContainsFunc(u.MemberOf.Or(nil), func(in entra.Membership) bool { return strings.EqualFold(in.ID, x.ID) }) {
			out = append(out, x.ID)
		}
	}
	return out
}
