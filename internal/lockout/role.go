package lockout

import (
	"fmt"
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// role: an account that gets in but is not Global Administrator repairs nothing. The role
// must be active (not eligible), permanent and the account's own: an activation asks for
// what may be broken, and a group is one more thing that somebody can change.
func (a subject) role() []Blocker {
	b := Blocker{Kind: KindRole, Title: "Global Administrator", When: Now, Part: entra.PartActiveRoles}
	if !a.pim() {
		b.Part = entra.PartRoleAssignments
		return a.directRole(b)
	}
	best := Blocker{}
	for _, r := range a.s.ActiveRoles {
		if !strings.EqualFold(r.RoleID, entra.RoleGlobalAdministrator) || !strings.EqualFold(r.PrincipalID, a.u.ID) {
			continue
		}
		flaw, ok := a.flaw(b, r)
		if !ok {
			return nil
		}
		if best.Kind == "" || rank(flaw) > rank(best) {
			best = flaw
		}
	}
	if best.Kind != "" {
		return one(best)
	}
	return one(a.noRole(b))
}

// pim says whether role assignments are to be judged by what PIM says of them. A licence that
// lapsed leaves assignments with an end behind, so it counts in any state.
func (a subject) pim() bool {
	l := a.s.Licence()
	return a.s.Complete(entra.PartActiveRoles) || l == entra.LicenceP2 || l == entra.LicenceUnknown ||
		slices.ContainsFunc(a.s.Plans, func(p entra.ServicePlan) bool { return p.Of() == entra.LicenceP2 })
}

// flaw is what is wrong with one active assignment; false when nothing is.
func (a subject) flaw(b Blocker, r entra.RoleInstance) (Blocker, bool) {
	scope, scoped := r.Scope.Value()
	kind, way := r.AssignmentType.Or(""), r.MemberType.Or("")
	end, ends := r.End.Value()
	switch {
	case scoped && scope != "/":
		b.Certain, b.Why = true, "the account is Global Administrator for a part of the tenant only"
	case !scoped:
		b.Why = "whether the account is Global Administrator for the whole tenant was not told"
	case kind == "Activated":
		b.activation = true
		b.When, b.Certain, b.Why = Later, true, "Global Administrator is only activated for a time; the account is eligible, not permanently assigned"
	case ends:
		b.When, b.Certain, b.Why = Later, true, fmt.Sprintf("the assignment of Global Administrator ends on %s", end.UTC().Format("2006-01-02 15:04 MST"))
	case way == "Group" || way == "Inherited":
		b.When, b.Certain, b.Why = Later, true, "the account is Global Administrator through a group only: whoever changes the group takes it away"
	case kind == "Assigned" && way == "Direct" && r.End.IsNull():
		return Blocker{}, false
	default:
		b.Why = "whether the assignment of Global Administrator is permanent, active and direct was not told"
	}
	return b, true
}

// rank prefers the flaw that leaves the account most able.
func rank(b Blocker) int {
	switch {
	case b.When == Later:
		return 2
	case !b.Certain:
		return 1
	}
	return 0
}

// directRole judges a tenant without PIM, where every assignment is active and permanent.
func (a subject) directRole(b Blocker) []Blocker {
	role := entra.RoleGlobalAdministrator
	direct := False
	for _, r := range a.s.RoleAssignments {
		if strings.EqualFold(r.PrincipalID, a.u.ID) {
			direct = direct.Or(a.holds(r, role))
		}
	}
	switch {
	case direct == True:
		return nil
	case direct == Unknown:
		b.Why = "the scope of the account's role assignment was not told"
	case a.provenRole(role) == True:
		b.When, b.Certain, b.Why = Later, true, "the account is Global Administrator through a group only: whoever changes the group takes it away"
	default:
		return one(a.noRole(b))
	}
	return one(b)
}

// noRole says why no active assignment was seen.
func (a subject) noRole(b Blocker) Blocker {
	if !a.s.Complete(b.Part) {
		b.Why = fmt.Sprintf("how the account holds Global Administrator was not read (%s)", unread(a.s.Reading(b.Part)))
		return b
	}
	if b.Part == entra.PartActiveRoles && a.provenRole(entra.RoleGlobalAdministrator) != False {
		b.Why = "PIM and the role assignments disagree, or one of them was not read whole"
		return b
	}
	for _, r := range a.s.EligibleRoles {
		if strings.EqualFold(r.RoleID, entra.RoleGlobalAdministrator) && strings.EqualFold(r.PrincipalID, a.u.ID) {
			b.activation = true
			b.Certain, b.Why = true, "the account is only eligible for Global Administrator: in a crisis nobody may be there to approve, or MFA to activate it"
			return b
		}
	}
	b.Certain, b.Why = true, "the account is not Global Administrator"
	return b
}
