package posture

import (
	"fmt"
	"slices"
	"strings"

	"breakglass/internal/config"
	"breakglass/internal/entra"
	"breakglass/internal/lockout"
)

// decisiveChecks are what the one answer hangs on (BG-001 to BG-009).
func decisiveChecks() []Check {
	return []Check{
		{
			Code: "BG-001", Title: "The reading is of the plan's tenant", Severity: Critical, Decides: true, tenant: tenantIsOurs,
			Why:    "Judging, and worse, changing another tenant than the one meant is how a good plan does harm.",
			Asks:   "The tenant id and the initial domain read are those of the plan, and the cloud is the plan's.",
			Parts:  []entra.Part{entra.PartTenant, entra.PartDomains},
			Remedy: "sign in to the plan's tenant, or correct tenant.id and tenant.initial_domain in breakglass.yaml",
		},
		{
			Code: "BG-002", Title: "At least two emergency accounts exist", Severity: Critical, tenant: twoAccounts, Mends: true,
			Why: "One account is one lost key, one damaged sheet or one mistaken deletion away from none. " +
				"The Zero Trust Assessment is green for exactly two and asks to investigate more.",
			Asks:   "Two or more accounts of the plan are in the tenant, each counted once.",
			Parts:  []entra.Part{entra.PartUser},
			Remedy: planApply + " (creates missing accounts)", Controls: slices.Concat(cis("1.1.2"), mcsb(), zt("21835"), nist("AC-2")),
		},
		{
			Code: "BG-003", Title: "The account exists", Severity: Critical, Decides: true, account: exists, absentToo: true, Mends: true, short: "exists",
			Why: "An account that was deleted, or deleted and made anew, has lost its role, its keys and its exclusions by object id. " +
				"Clean-up of idle accounts deletes just these.",
			Asks:   "The account of the plan, by object id where the plan has one, is in the tenant.",
			Parts:  []entra.Part{entra.PartUser},
			Remedy: planApply + "; a deleted account can be restored for 30 days in the Entra admin center", Controls: slices.Concat(cis("1.1.2"), mcsb()),
		},
		{
			Code: "BG-004", Title: "The account is enabled", Severity: Critical, Decides: true, Mends: true, short: "is enabled",
			account: func(_ *judge, a *account) result {
				return a.stoppedBy(false, "the account is enabled", lockout.KindDisabled)
			},
			Why:    "A disabled account signs in nowhere, and when everybody is locked out nobody is left to enable it.",
			Asks:   "accountEnabled is true.",
			Parts:  []entra.Part{entra.PartUser},
			Remedy: planApply, Controls: slices.Concat(mcsb(), nist("AC-2")),
		},
		{
			Code: "BG-005", Title: "No policy in force can stop the account", Severity: Critical, Decides: true, account: unstopped, Mends: true,
			short: "gets past Conditional Access",
			Why: "One policy for all users with a control that cannot be met locks everybody out, administrators included. " +
				"Exclude beats include, so the exclusion of these accounts is what gets somebody in.",
			Asks: "In no sign-in does a policy that is on stop the account. A policy that was not read, has members that we do not understand, " +
				"or appears in one API version only, counts as able to stop an account that it does not exclude.",
			Parts:  []entra.Part{entra.PartPolicies, entra.PartPoliciesBeta, entra.PartMemberOf},
			Remedy: "`breakglass lockout` shows which policy; " + planApply, Controls: slices.Concat(mcsb(), zt("21835")),
		},
		{
			Code: "BG-006", Title: "The account is Global Administrator, permanently, active and of its own", Severity: Critical, Decides: true, Mends: true,
			short: "is permanently Global Administrator",
			account: func(_ *judge, a *account) result {
				return a.stoppedBy(true, "permanent, active, direct assignment of Global Administrator", lockout.KindRole)
			},
			Why: "An eligible role must be activated, which may ask for MFA, an approver or a context that the outage has taken away. " +
				"A role with an end date ends. A role through a group goes when somebody edits the group.",
			Asks: "An active assignment of Global Administrator to the account itself, for the whole tenant, without an end. " +
				"Without a licence for PIM: a direct assignment.",
			Parts:  []entra.Part{entra.PartRoleAssignments, entra.PartActiveRoles},
			Remedy: planApply, Controls: slices.Concat(mcsb(), scuba("MS.AAD.7.4v1"), zt("21815", "21835")),
		},
		{
			Code: "BG-007", Title: "The account signs in without the identity provider", Severity: Critical, Decides: true, Mends: true,
			short: "signs in without the identity provider",
			account: func(_ *judge, a *account) result {
				return a.stoppedBy(false, "its domain is managed and verified", lockout.KindDomain)
			},
			Why:    "On a federated domain the sign-in is handed to the identity provider: the account is gone in the very outage it is for.",
			Asks:   "The domain of the user principal name is verified and of authenticationType Managed.",
			Parts:  []entra.Part{entra.PartUser, entra.PartDomains},
			Remedy: planApply + " (renames the account onto the initial domain, before keys are enrolled)", Controls: slices.Concat(mcsb(), zt("21835")),
		},
		{
			Code: "BG-008", Title: "The account is sealed and tried", Severity: Critical, Decides: true, account: sealed, absentToo: true, short: "is sealed",
			Why: "An account that nobody can open helps nobody, and one that a single person can open is a back door. " +
				"Only a secret that was split, laid in safes and tried once is known to open.",
			Asks:   "Custody's register has a generation of the account's secret that is sealed, tried by a real sign-in, and not spent.",
			Remedy: "seal the account: this needs the sealing ceremony, which this version does not have yet", Controls: mcsb(),
		},
		{
			Code: "BG-009", Title: "The account passes every demand for MFA that knows no exclusion", Severity: Critical, Decides: true,
			short: "has a passkey that would be accepted",
			account: func(_ *judge, a *account) result {
				return a.stoppedBy(false, "nothing outside Conditional Access asks for a factor that the account cannot give",
					lockout.KindMandatoryMFA, lockout.KindSecurityDefaults, lockout.KindPerUserMFA)
			},
			Why: "Mandatory MFA at the portals, security defaults and per-user MFA stand outside Conditional Access. An account without a passkey " +
				"or certificate is interrupted there to register a method: whoever holds the password first, a thief included, registers their own.",
			Asks:   "A registered passkey or certificate that the tenant's authentication methods policy accepts, or none of the three demands (sovereign clouds have no mandatory MFA).",
			Parts:  []entra.Part{entra.PartMethods, entra.PartMethodsPolicy, entra.PartSecurityDefaults, entra.PartPerUserMFA},
			Remedy: enrol, Controls: slices.Concat(scuba("MS.AAD.3.6v1"), zt("21782", "21835")),
		},
	}
}

const enrol = "issue a one-time Temporary Access Pass, sign in with it at the security information page, register two FIDO2 keys, and let the pass expire"

func tenantIsOurs(j *judge) result {
	switch {
	case j.d.Tenant.ID == "":
		return notApplicable("no plan names a tenant")
	case j.s.Anonymised:
		return notApplicable("the ids of this reading were replaced")
	case !j.s.Complete(entra.PartTenant) || j.s.Tenant.ID == "":
		return unsure("which tenant was read is not told")
	case !strings.EqualFold(j.d.Tenant.ID, j.s.Tenant.ID):
		return fail("the plan is for tenant %s, this is a reading of %s", j.d.Tenant.ID, j.s.Tenant.ID)
	case standardCloud(j.d.Tenant.Cloud) && standardCloud(j.s.Cloud) && j.d.Tenant.Cloud != j.s.Cloud:
		return fail("the plan is for the cloud %s, this is a reading from %s", j.d.Tenant.Cloud, j.s.Cloud)
	}
	return j.initialDomainIsOurs()
}

func standardCloud(name string) bool {
	return slices.Contains([]string{"public", "usgov-l4", "usgov-l5", "china"}, name)
}

func (j *judge) initialDomainIsOurs() result {
	i := slices.IndexFunc(j.s.Domains, func(d entra.Domain) bool { return d.IsInitial.Or(false) })
	switch {
	case !j.s.Complete(entra.PartDomains) || i < 0 || j.s.Domains[i].ID == "":
		return unsure("the tenant's id is the plan's; its initial domain was not told")
	case j.d.Tenant.InitialDomain != "" && !strings.EqualFold(j.s.Domains[i].ID, j.d.Tenant.InitialDomain):
		return fail("the plan says initial domain %s, the tenant has %s", j.d.Tenant.InitialDomain, j.s.Domains[i].ID)
	}
	return pass("tenant %s, initial domain %s", j.s.Tenant.ID, j.s.Domains[i].ID)
}

func twoAccounts(j *judge) result {
	seen := map[string]bool{}
	doubt := false
	for _, a := range j.accounts {
		if a.u != nil {
			seen[strings.ToLower(a.u.ID)] = true
			continue
		}
		doubt = doubt || !a.an.Blockers[0].Certain
	}
	switch n := len(seen); {
	case n == 2:
		return pass("exactly two emergency accounts exist")
	case n > 2:
		return pass("%d emergency accounts exist; the Zero Trust Assessment is green for exactly two", n)
	case doubt:
		return unsure("the plan names %s; %d were seen, and some could not be looked for", plural(len(j.accounts), "account"), n)
	default:
		return fail("the plan names %s; %s in the tenant", plural(len(j.accounts), "account"), areThere(n))
	}
}

func areThere(n int) string {
	switch n {
	case 0:
		return "none is"
	case 1:
		return "one is"
	}
	return fmt.Sprintf("%d are", n)
}

func exists(j *judge, a *account) result {
	if a.u != nil {
		return pass("%s has object id %s", a.u.UserPrincipalName.Or(a.want.ID), a.u.ID)
	}
	b := a.an.Blockers[0]
	if !b.Certain {
		return unsure("%s", b.Why)
	}
	if again := j.s.UserByName(a.want.UserPrincipalName); again != nil && a.want.ObjectID != "" {
		return fail("%s; another account bears its name now (object id %s): exclusions and roles of the old one do not hold for it", b.Why, again.ID)
	}
	return fail("%s", b.Why)
}

func unstopped(_ *judge, a *account) result {
	good := fmt.Sprintf("policies read, in any state: %d; none in force stops the account", len(a.an.Standings))
	r := a.stoppedBy(false, good, lockout.KindPolicy, lockout.KindUnread)
	if more := a.inForce() - 1; more > 0 && r.verdict != Pass {
		r.summary += fmt.Sprintf(" (and %d more)", more)
	}
	return r
}

// inForce counts the policies that stop the account, or may, tonight.
func (a *account) inForce() int {
	n := 0
	for _, b := range a.an.Blockers {
		if b.When == lockout.Now && (b.Kind == lockout.KindPolicy || b.Kind == lockout.KindUnread) {
			n++
		}
	}
	return n
}

func sealed(j *judge, a *account) result {
	seal, ok := j.seals[a.want.ID]
	switch {
	case !ok || seal.Generation == 0 || seal.SealedAt.IsZero():
		if a.want.Password == config.PasswordUnknown {
			return fail("not sealed: the register knows of no sealed PIN for its keys, so nobody is known to be able to open it")
		}
		return fail("not sealed: the register knows of no sealed password, so nobody is known to be able to open it")
	case seal.Spent:
		return fail("generation %d is spent: its shares were combined outside its own ceremony", seal.Generation)
	case seal.TriedAt.IsZero():
		return fail("generation %d is sealed, but was never tried by a sign-in", seal.Generation)
	}
	r := pass("generation %d is sealed since %s and was tried on %s", seal.Generation, day(seal.SealedAt), day(seal.TriedAt))
	r.proof = &Proof{Account: a.want.ID, What: fmt.Sprintf("generation %d tried", seal.Generation), At: seal.TriedAt, Age: age(j.now.Sub(seal.TriedAt))}
	return r
}
