package posture

import (
	"slices"
	"strings"

	"breakglass/internal/entra"
	"breakglass/internal/lockout"
)

// accountChecks are about what the account is (BG-020 to BG-025).
func accountChecks() []Check {
	return []Check{
		{
			Code: "BG-020", Title: "The account is cloud-only", Severity: High, account: cloudOnly,
			Why: "A synchronised account can be changed, disabled or deleted from the directory on-premises, and an account with an on-premises anchor " +
				"can be taken over by matching. A guest hangs on another tenant.",
			Asks:   "A member of this tenant with onPremisesSyncEnabled not true and no onPremisesImmutableId.",
			Parts:  []entra.Part{entra.PartUser},
			Remedy: "name a cloud-only account in breakglass.yaml, or a new one, which `breakglass apply` creates", Controls: slices.Concat(cis("1.1.1"), scuba("MS.AAD.7.3v1"), mcsb(), zt("21814")),
		},
		{
			Code: "BG-021", Title: "The account is on the initial domain", Severity: High, account: onInitialDomain, Mends: true,
			Why: "The initial domain cannot be removed, federated by mistake or lost with a registrar. A custom domain can be all three, " +
				"and renaming later kills registered passkeys.",
			Asks:   "The domain of the user principal name is the one with isInitial, whatever its suffix.",
			Parts:  []entra.Part{entra.PartUser, entra.PartDomains},
			Remedy: planApply + " (before keys are enrolled: after a rename passkeys must be deleted and enrolled again)", Controls: mcsb(),
		},
		{
			Code: "BG-022", Title: "Nothing about the account says whose or what it is", Severity: Medium, account: neutralName, Mends: true,
			Why: "An account that bears a person's name is cleaned up when the person leaves. One that is called breakglass is what an attacker tries first, " +
				"and wrong passwords on a guessable name lock the password path.",
			Asks:   "No given name, surname or job title; no name that says emergency access.",
			Parts:  []entra.Part{entra.PartUser},
			Remedy: "choose a neutral name in breakglass.yaml and clear the person's properties; " + planApply, Controls: mcsb(),
		},
		{
			Code: "BG-023", Title: "No leave date is set", Severity: Medium, account: noLeaveDate,
			Why:    "A leave date makes lifecycle workflows disable or delete the account on the day.",
			Asks:   "employeeLeaveDateTime is empty.",
			Parts:  []entra.Part{entra.PartEmployeeLeave},
			Remedy: "clear employeeLeaveDateTime of the account (it needs User-LifeCycleInfo.ReadWrite.All)", Controls: nist("AC-2"),
		},
		{
			Code: "BG-024", Title: "Identity Protection does not flag the account", Severity: Medium, account: noRisk,
			Why: "An account that never signs in looks unfamiliar when it does. Risk policies act on the flag, and the older ones stand outside Conditional Access, " +
				"where no exclusion shows.",
			Asks:   "The account's risk state is none, remediated, dismissed or confirmed safe. Not asked without Entra ID P2.",
			Parts:  []entra.Part{entra.PartRisk},
			Remedy: "find out why it was flagged; if it was a drill, dismiss the risk in Identity Protection",
		},
		{
			Code: "BG-025", Title: "The account is in a restricted unit only if the plan says so", Severity: Medium, account: unitAsPlanned, Mends: true,
			Why: "Inside a restricted management unit nobody can set the account's password, not even a Global Administrator, until it is taken out: " +
				"rotation and containment must know.",
			Asks:   "isManagementRestricted is what restricted_unit.accounts says (by default: not in a unit).",
			Parts:  []entra.Part{entra.PartUser},
			Remedy: planApply + ", or set restricted_unit.accounts in breakglass.yaml",
		},
	}
}

func cloudOnly(_ *judge, a *account) result {
	kind, ok := a.u.UserType.Value()
	switch {
	case strings.EqualFold(kind, "Guest") || strings.Contains(a.u.UserPrincipalName.Or(""), "#EXT#"):
		return fail("the account is a guest: it hangs on another tenant")
	case !ok || !a.u.UserPrincipalName.Known():
		if r := a.stoppedBy(true, "", lockout.KindSynced); r.verdict == Fail {
			return r
		}
		return unsure("whether the account is a guest was not told")
	}
	return a.stoppedBy(true, "a member of this tenant, not synchronised, no on-premises anchor", lockout.KindSynced)
}

func onInitialDomain(j *judge, a *account) result {
	upn, ok := a.u.UserPrincipalName.Value()
	_, suffix, at := strings.Cut(upn, "@")
	if !ok || !at {
		return unsure("the account's user principal name was not told")
	}
	i := slices.IndexFunc(j.s.Domains, func(d entra.Domain) bool { return strings.EqualFold(d.ID, suffix) })
	if i < 0 {
		return unsure("the domain %s is not among the tenant's domains as read", suffix)
	}
	switch initial, told := j.s.Domains[i].IsInitial.Value(); {
	case !told:
		return unsure("whether %s is the initial domain was not told", suffix)
	case !initial:
		return fail("%s is not the initial domain", suffix)
	}
	return pass("%s is the initial domain", suffix)
}

// Words that tell a stranger what the account is, as they appear without blanks and dashes.
var telling = []string{"breakglass", "breaktheglass", "glassbreak", "emergency", "emergencia", "notfall", "urgence", "noodtoegang", "firecall", "globaladmin", "tenantadmin"}

func neutralName(_ *judge, a *account) result {
	doubt := ""
	for _, p := range []struct {
		name  string
		value entra.Maybe[string]
	}{{"givenName", a.u.GivenName}, {"surname", a.u.Surname}, {"jobTitle", a.u.JobTitle}} {
		if strings.TrimSpace(p.value.Or("")) != "" {
			return fail("%s is set: it looks like a person's account", p.name)
		}
		if !p.value.Known() {
			doubt = p.name
		}
	}
	for _, p := range []struct {
		name  string
		value entra.Maybe[string]
	}{{"display name", a.u.DisplayName}, {"user principal name", a.u.UserPrincipalName}} {
		v, ok := p.value.Value()
		if w := tellingWord(v); w != "" {
			return fail("the %s says %q: it tells a stranger what the account is", p.name, w)
		}
		if !ok {
			doubt = p.name
		}
	}
	if doubt != "" {
		return unsure("the account's %s was not told", doubt)
	}
	return pass("no person's name, and no word that says what the account is for")
}

func tellingWord(name string) string {
	letters := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(localPart(name)))
	i := slices.IndexFunc(telling, func(w string) bool { return strings.Contains(letters, w) })
	if i < 0 {
		return ""
	}
	return telling[i]
}

// localPart leaves out the domain, which everybody in the tenant shares.
func localPart(name string) string {
	local, _, _ := strings.Cut(name, "@")
	return local
}

func noLeaveDate(_ *judge, a *account) result {
	at, set := a.u.EmployeeLeave.Value()
	switch {
	case set:
		return fail("a leave date is set: %s", day(at))
	case !a.u.EmployeeLeave.Known():
		return unsure("whether a leave date is set was not told")
	}
	return pass("no leave date is set")
}

func noRisk(j *judge, a *account) result {
	risk, ok := a.u.Risk.Value()
	state, told := risk.State.Value()
	switch {
	case state == "atRisk" || state == "confirmedCompromised":
		return fail("Identity Protection says %s (level %s)", state, risk.Level.Or("not told"))
	case ok && slices.Contains([]string{"none", "remediated", "dismissed", "confirmedSafe"}, state):
		return pass("Identity Protection says %s", state)
	case a.u.Risk.IsNull() && j.s.Complete(entra.PartRisk.Of(a.u.ID)):
		return pass("Identity Protection knows of no risk")
	case !told && !ok && j.pimLicensed() == lockout.False:
		return notApplicable("Identity Protection flags accounts with Entra ID P2 only")
	}
	return unsure("the account's risk state was not told")
}

func unitAsPlanned(j *judge, a *account) result {
	want := j.d.RestrictedUnit != nil && j.d.RestrictedUnit.Accounts
	in := a.u.IsManagementRestricted.Or(false)
	switch {
	case !a.u.IsManagementRestricted.Known():
		return unsure("whether the account is in a restricted unit was not told")
	case in && !want:
		return fail("the account is in a restricted unit, which the plan does not ask for")
	case !in && want:
		return fail("the account is not in a restricted unit, which the plan asks for")
	case in:
		return pass("the account is in a restricted unit, as the plan asks")
	}
	return pass("the account is in no restricted unit, as the plan asks")
}
