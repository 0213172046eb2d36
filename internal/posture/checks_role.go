package posture

import (
	"slices"
	"strings"

	"breakglass/internal/entra"
	"breakglass/internal/lockout"
)

// roleChecks are about Global Administrators and PIM (BG-050 to BG-053).
func roleChecks() []Check {
	return []Check{
		{
			Code: "BG-050", Title: "The role was assigned in PIM", Severity: Medium, account: inPIM,
			Why: "An assignment made outside PIM has no start time, no justification and no notification: nobody can tell it from an attacker's. " +
				"SCuBA fails a tenant for it, and for an emergency account too.",
			Asks:   "The account's permanent assignment of Global Administrator has a start time in PIM. Not asked without Entra ID P2.",
			Parts:  []entra.Part{entra.PartActiveRoles},
			Remedy: "in PIM, make the assignment anew for the account (permanent, active) while another Global Administrator is signed in", Controls: scuba("MS.AAD.7.5v1"),
		},
		{
			Code: "BG-051", Title: "There are two to eight Global Administrators", Severity: Medium, tenant: administratorCount,
			Why:    "Each Global Administrator can reset an emergency account; with one alone, a single leaver leaves the tenant without.",
			Asks:   "Two to eight people hold Global Administrator, active or eligible, directly or through a group; the emergency accounts count. (CIS asks for two to four.)",
			Parts:  []entra.Part{entra.PartRoleAssignments, entra.PartEligibleRoles},
			Remedy: "take the role from those who do not need it, or make them eligible for a lesser role", Controls: slices.Concat(cis("1.1.3"), scuba("MS.AAD.7.1v1"), nist("AC-6(5)"), zt("21812")),
		},
		{
			Code: "BG-052", Title: "Somebody could approve an activation", Severity: High, tenant: approvable,
			Why: "Where activation needs approval and every approver is gone, or is eligible only and needs approval too, no ordinary administrator can become one: " +
				"the emergency accounts are the only way in.",
			Asks: "Activating Global Administrator needs no approval; or a named approver is there and enabled; or, with none named, another permanent active Global " +
				"Administrator or Privileged Role Administrator exists. Not asked without Entra ID P2.",
			Parts:  []entra.Part{entra.PartRoleSettings, entra.PartActiveRoles},
			Remedy: "name approvers who are there, at least two, in the role settings of Global Administrator (PIM)", Controls: scuba("MS.AAD.7.6v1"),
		},
		{
			Code: "BG-053", Title: "PIM allows a permanent active assignment", Severity: Medium, tenant: permanentAllowed, Mends: true,
			Why:    "With an expiry demanded, the role of an emergency account cannot be given for good: it would end on some date, or could not be given again in a crisis.",
			Asks:   "The rule Expiration_Admin_Assignment of Global Administrator does not require an expiration. Not asked without Entra ID P2.",
			Parts:  []entra.Part{entra.PartRoleSettings},
			Remedy: planApply + "; or allow permanent active assignment in the role settings of Global Administrator (PIM)", Controls: scuba("MS.AAD.7.4v1"),
		},
	}
}

func isGA(role string) bool { return strings.EqualFold(role, entra.RoleGlobalAdministrator) }

func inPIM(j *judge, a *account) result {
	if r, ok := j.withoutPIM(); ok && !j.s.Complete(entra.PartActiveRoles) {
		return r
	}
	doubt := !j.s.Complete(entra.PartActiveRoles)
	worst := fail("the account has no permanent active assignment of its own (BG-006)")
	for _, r := range j.s.ActiveRoles {
		doubt = doubt || r.PrincipalID == "" || r.RoleID == ""
		if !isGA(r.RoleID) || !strings.EqualFold(r.PrincipalID, a.u.ID) {
			continue
		}
		if !strings.EqualFold(r.AssignmentType.Or("Assigned"), "Assigned") || !strings.EqualFold(r.MemberType.Or("Direct"), "Direct") {
			continue
		}
		switch at, ok := r.Start.Value(); {
		case r.Start.IsNull():
			return fail("the assignment was made outside PIM: it has no start time")
		case ok && r.AssignmentType.Known() && r.MemberType.Known():
			worst = pass("assigned in PIM, since %s", day(at))
		default:
			return unsure("how the assignment was made was not told")
		}
	}
	if worst.verdict != Pass && doubt {
		return unsure("the assignments in PIM were not read whole")
	}
	return worst
}

// withoutPIM is the result of a check that PIM is needed for, when there is none, or when
// that cannot be told.
func (j *judge) withoutPIM() (result, bool) {
	switch j.pimLicensed() {
	case lockout.True:
		return result{}, false
	case lockout.Unknown:
		return unsure("whether the tenant has PIM was not told"), true
	}
	return notApplicable("PIM needs Entra ID P2"), true
}

// holders are who has one of some roles for the whole tenant, by object id; whole is False
// when somebody may be missing.
func (j *judge) holders(roles ...string) (ids map[string]bool, whole bool) {
	ids, whole = map[string]bool{}, j.s.Complete(entra.PartRoleAssignments)
	add := func(role, principal string, scope entra.Maybe[string]) {
		switch at, ok := scope.Value(); {
		case role == "" || principal == "" || !ok:
			whole = false
		case at == "/" && slices.ContainsFunc(roles, func(r string) bool { return strings.EqualFold(r, role) }):
			whole = j.addHolder(ids, principal) && whole
		}
	}
	for _, r := range j.s.RoleAssignments {
		add(r.RoleID, r.PrincipalID, r.Scope)
	}
	for _, r := range j.s.EligibleRoles {
		add(r.RoleID, r.PrincipalID, r.Scope)
	}
	if !j.s.Complete(entra.PartEligibleRoles) && j.pimLicensed() != lockout.False {
		whole = false
	}
	return ids, whole
}

// addHolder adds a user, or the members of a group; false when the members are not known.
func (j *judge) addHolder(ids map[string]bool, principal string) bool {
	g := j.s.Group(principal)
	if g == nil {
		ids[strings.ToLower(principal)] = true
		return true
	}
	members, ok := g.Members.Value()
	for _, m := range members {
		if m.ID == "" {
			ok = false
		} else if !strings.EqualFold(m.Type, "group") {
			ids[strings.ToLower(m.ID)] = true
		}
	}
	return ok && j.s.Complete(entra.PartGroupMembers.Of(g.ID))
}

func administratorCount(j *judge) result {
	ids, whole := j.holders(entra.RoleGlobalAdministrator)
	switch n := len(ids); {
	case n > 8:
		return fail("at least %d hold Global Administrator, active or eligible", n)
	case !whole:
		return unsure("at least %d hold Global Administrator; not all holders were seen", n)
	case n < 2:
		return fail("%d hold Global Administrator", n)
	default:
		return pass("%d hold Global Administrator, active or eligible", n)
	}
}

// rule is one rule of Global Administrator's settings, nil when it was not read.
func (j *judge) rule(id string) *entra.RoleRule {
	for _, s := range j.s.RoleSettings {
		if !isGA(s.RoleID) {
			continue
		}
		if i := slices.IndexFunc(s.Rules, func(r entra.RoleRule) bool { return r.ID == id }); i >= 0 {
			return &s.Rules[i]
		}
	}
	return nil
}

func permanentAllowed(j *judge) result {
	r := j.rule("Expiration_Admin_Assignment")
	if r == nil {
		if na, ok := j.withoutPIM(); ok {
			return na
		}
		return unsure("the role settings of Global Administrator were not read")
	}
	switch demanded, ok := r.IsExpirationRequired.Value(); {
	case !ok:
		return unsure("whether an active assignment must expire was not told")
	case demanded:
		return fail("PIM demands that an active assignment of Global Administrator expires (at most %s)", r.MaximumDuration.Or("not told"))
	}
	return pass("PIM allows a permanent active assignment of Global Administrator")
}

func approvable(j *judge) result {
	r := j.rule("Approval_EndUser_Assignment")
	if r == nil {
		if na, ok := j.withoutPIM(); ok {
			return na
		}
		return unsure("the role settings of Global Administrator were not read")
	}
	needed, ok := r.IsApprovalRequired.Value()
	approvers, told := r.Approvers.Value()
	switch {
	case !ok:
		return unsure("whether activation needs approval was not told")
	case !needed:
		return pass("activating Global Administrator needs no approval")
	case !r.Approvers.Known():
		return unsure("activation needs approval, and who approves was not told")
	case told && len(approvers) > 0:
		return j.namedApprovers(approvers)
	}
	return j.defaultApprovers()
}

func (j *judge) namedApprovers(list []entra.Member) result {
	doubt := false
	for _, m := range list {
		switch j.there(m) {
		case lockout.True:
			return pass("activation needs approval, and %s could give it", m.DisplayName.Or(m.ID))
		case lockout.Unknown:
			doubt = true
		}
	}
	if doubt {
		return unsure("activation needs approval; whether any of %s is there could not be told", plural(len(list), "named approver"))
	}
	return fail("activation needs approval, and none of %s is there: a dead end", plural(len(list), "named approver"))
}

// there says whether an approver could approve: a user who exists and is enabled, or a group
// with such a member.
func (j *judge) there(m entra.Member) lockout.Truth {
	if g := j.s.Group(m.ID); g != nil {
		members, ok := g.Members.Value()
		found := lockout.Unknown
		if ok && j.s.Complete(entra.PartGroupMembers.Of(g.ID)) {
			found = lockout.False
		}
		for _, x := range members {
			if !strings.EqualFold(x.Type, "group") {
				found = found.Or(j.there(x))
			}
		}
		return found
	}
	if u := j.s.User(m.ID); u != nil {
		if on, ok := u.AccountEnabled.Value(); ok {
			return truth(on)
		}
		return lockout.Unknown
	}
	if m.ID != "" && (j.application(m.ID) || j.s.Reading(entra.PartUser.Of(m.ID)).Unread == entra.UnreadNotFound) {
		return lockout.False
	}
	return lockout.Unknown
}

// application says that an assignment calls a principal an application; those approve nothing.
func (j *judge) application(id string) bool {
	return slices.ContainsFunc(j.s.RoleAssignments, func(r entra.RoleAssignment) bool {
		return strings.EqualFold(r.PrincipalID, id) && r.PrincipalType.Or("") == "servicePrincipal"
	})
}

// defaultApprovers: with nobody named, active Global and Privileged Role Administrators
// approve. The emergency accounts are left out: opening one is what is to be avoided.
func (j *judge) defaultApprovers() result {
	doubt := !j.s.Complete(entra.PartActiveRoles)
	for _, r := range j.s.ActiveRoles {
		role := isGA(r.RoleID) || strings.EqualFold(r.RoleID, entra.RolePrivilegedRoleAdministrator)
		if r.RoleID == "" || r.PrincipalID == "" {
			doubt = true
		}
		if !role || j.ours(r.PrincipalID) || r.AssignmentType.Or("Assigned") != "Assigned" {
			continue
		}
		_, ends := r.End.Value()
		standing := truth(!ends)
		if !r.End.Known() || !r.AssignmentType.Known() || r.Scope.Or("") != "/" {
			standing = lockout.Unknown
		}
		switch standing.And(j.there(entra.Member{ID: r.PrincipalID})) {
		case lockout.True:
			return pass("activation needs approval, nobody is named, and a permanent active administrator besides the emergency accounts could give it")
		case lockout.Unknown:
			doubt = true
		}
	}
	if doubt {
		return unsure("activation needs approval, nobody is named, and whether another permanent active administrator is there could not be told")
	}
	return fail("activation needs approval, nobody is named, and no permanent active administrator but the emergency accounts is there: a dead end")
}
