package posture

import (
	"slices"

	"breakglass/internal/config"
	"breakglass/internal/entra"
)

// groupChecks are about the exclusion group, the optional second layer (BG-070 and BG-071).
func groupChecks() []Check {
	return []Check{
		{
			Code: "BG-070", Title: "Nobody but the emergency accounts is in the exclusion group", Severity: High, tenant: noStranger, Mends: true,
			Why:    "Whoever is in the group is under no policy at all. It is the quietest way around Conditional Access there is.",
			Asks:   "Every member of the exclusion group, nested ones too, is an account of the plan. Not asked without an exclusion group.",
			Parts:  []entra.Part{entra.PartGroup, entra.PartGroupMembers},
			Remedy: planApply, Controls: nist("AC-2", "AC-6(1)"),
		},
		{
			Code: "BG-071", Title: "The exclusion group is guarded", Severity: Medium, tenant: groupGuarded, Mends: true,
			Why: "Anybody who may edit groups could add themselves to a plain group, and an owner or a membership rule adds without asking. " +
				"A role-assignable group inside a restricted unit can be changed by nobody.",
			Asks: "The group exists, has no owners and no membership rule, is not synchronised, and is in a restricted management unit (a plain security group) " +
				"or is role-assignable (outside one). Not asked without an exclusion group.",
			Parts:  []entra.Part{entra.PartGroup},
			Remedy: planApply + " (the plan's restricted_unit guards it); remove owners in the Entra admin center", Controls: slices.Concat(zt("21832"), nist("AC-6(1)")),
		},
	}
}

// noGroup is the result where the plan's group is not in the reading.
func (j *judge) noGroup(absent result) result {
	want := j.d.ExclusionGroup
	switch {
	case want == nil:
		return notApplicable("the plan has no exclusion group: the accounts are excluded by object id")
	case j.s.Reading(entra.PartGroup.Of(groupName(want))).Unread == entra.UnreadNotFound:
		return absent
	}
	return unsure("the exclusion group is not in this reading, or several groups bear its mail nickname")
}

func groupName(want *config.ExclusionGroup) string {
	if want.ObjectID != "" {
		return want.ObjectID
	}
	return want.MailNickname
}

func noStranger(j *judge) result {
	g := j.group()
	if g == nil {
		return j.noGroup(notApplicable("the exclusion group does not exist yet"))
	}
	members, ok := g.Members.Value()
	var strangers []string
	for _, m := range members {
		if !j.ours(m.ID) {
			strangers = append(strangers, m.DisplayName.Or(m.ID))
		}
	}
	switch {
	case len(strangers) > 0:
		return fail("%s in the exclusion group: %s", plural(len(strangers), "stranger"), few(strangers))
	case !ok || !j.s.Complete(entra.PartGroupMembers.Of(g.ID)):
		return unsure("the members of the exclusion group were not read whole")
	}
	return pass("only emergency accounts are in the exclusion group (%d)", len(members))
}

func groupGuarded(j *judge) result {
	g := j.group()
	if g == nil {
		return j.noGroup(fail("the exclusion group of the plan does not exist"))
	}
	restricted, assignable := g.IsManagementRestricted.Or(false), g.IsAssignableToRole.Or(false)
	known := g.GroupTypes.Known() && g.OnPremisesSyncEnabled.Known() && g.Owners.Known() && g.IsManagementRestricted.Known() && g.IsAssignableToRole.Known()
	switch {
	case slices.Contains(g.GroupTypes.Or(nil), "DynamicMembership"):
		return fail("the exclusion group has a membership rule")
	case g.OnPremisesSyncEnabled.Or(false):
		return fail("the exclusion group is synchronised from on-premises")
	case len(g.Owners.Or(nil)) > 0:
		return fail("the exclusion group has %s, who can add members", plural(len(g.Owners.Or(nil)), "owner"))
	case restricted && assignable:
		return fail("the exclusion group is role-assignable and in a restricted unit: nobody can change its members")
	case !known:
		return unsure("what guards the exclusion group was not told")
	case !restricted && !assignable:
		return fail("the exclusion group is in no restricted unit and not role-assignable: anybody who manages groups can add members")
	case restricted:
		return pass("the exclusion group is a plain group in a restricted unit, without owners")
	}
	return pass("the exclusion group is role-assignable, without owners")
}
