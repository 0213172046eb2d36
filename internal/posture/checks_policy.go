package posture

import (
	"fmt"
	"slices"
	"strings"

	"breakglass/internal/config"
	"breakglass/internal/entra"
	"breakglass/internal/lockout"
)

// policyChecks are about Conditional Access as it may be tomorrow (BG-010 to BG-013).
func policyChecks() []Check {
	return []Check{
		{
			Code: "BG-010", Title: "The account is excluded by object id from every policy in every state", Severity: High, account: excludedEverywhere, Mends: true,
			Why: "A policy that is off or report-only is one click from being on, Microsoft switches its managed policies on by itself, and a policy " +
				"for one group today is for all users tomorrow. An exclusion through a group goes with whoever edits the group.",
			Asks: "Every policy that can target users, whether on, report-only or off, has the account's object id in excludeUsers; " +
				"the one policy named for an account of posture passkey-required is left out.",
			Parts:  []entra.Part{entra.PartPolicies, entra.PartPoliciesBeta},
			Remedy: planApply, Controls: slices.Concat(mcsb(), zt("21835")),
		},
		{
			Code: "BG-011", Title: "The one policy that applies demands the passkey", Severity: High, account: demandsPasskey,
			Why: "An account of posture passkey-required is under one policy on purpose. If that policy is off, narrowed, or satisfied by less than a passkey, " +
				"the account is neither excluded nor protected.",
			Asks:   "The policy named in the plan is on, targets the account in every sign-in, and demands a strength of phishing-resistant methods only.",
			Parts:  []entra.Part{entra.PartPolicies, entra.PartPoliciesBeta, entra.PartStrengths},
			Remedy: "correct the policy in the Entra admin center, or give the account posture `excluded` in breakglass.yaml", Controls: scuba("MS.AAD.3.6v1"),
		},
		{
			Code: "BG-012", Title: "Exclusions name somebody who is there", Severity: Low, tenant: noDanglingExclusions,
			Why: "An exclusion by object id of an account that was deleted protects nobody, and looks as if it did: the account made anew under the same " +
				"name has another id.",
			Asks:   "No user that a policy excludes by object id is gone from the directory.",
			Parts:  []entra.Part{entra.PartPolicies, entra.PartExcludedUsers},
			Remedy: "take the dead ids out of the policies' exclusions in the Entra admin center", Controls: nist("AC-2"),
		},
		{
			Code: "BG-013", Title: "Security defaults are off", Severity: High, tenant: securityDefaultsOff,
			Why: "Security defaults demand MFA of everybody and know no exclusion: no emergency account can be kept out of them, and Conditional Access " +
				"policies cannot be on beside them.",
			Asks:   "isEnabled is false; or the plan's profile is `free`, which counts on passkeys instead.",
			Parts:  []entra.Part{entra.PartSecurityDefaults},
			Remedy: "switch security defaults off when Conditional Access policies take their place (Entra admin center, Properties), or use profile `free`",
		},
	}
}

func excludedEverywhere(j *judge, a *account) result {
	var bare, byGroup, doubtful []string
	asked := 0
	for _, st := range a.an.Standings {
		if st.Workload || st.Allowed {
			continue
		}
		asked++
		name := fmt.Sprintf("%q (%s)", st.Title, stateWord(st.State))
		switch {
		case st.ByID == lockout.Unknown:
			doubtful = append(doubtful, name)
		case st.ByID == lockout.False && st.Excluded == lockout.True:
			byGroup = append(byGroup, name)
		case st.ByID == lockout.False:
			bare = append(bare, name)
		}
	}
	switch {
	case len(bare)+len(byGroup) > 0:
		return fail("%s", notByID(asked, bare, byGroup))
	case len(doubtful) > 0:
		return unsure("whom they exclude was not told: %s", few(doubtful))
	case a.unreadPolicies():
		return unsure("the policies were not read whole")
	case !j.s.Complete(entra.PartPolicies):
		return notApplicable("the tenant never had a licence for Conditional Access: there is nothing to be excluded from")
	case asked == 0:
		return pass("there is no policy that could target users")
	}
	return pass("excluded by its object id in all %d policies that could target users", asked)
}

func notByID(asked int, bare, byGroup []string) string {
	said := fmt.Sprintf("of %d policies, ", asked)
	if len(bare) > 0 {
		said += fmt.Sprintf("%d do not exclude it: %s", len(bare), few(bare))
	}
	if len(bare) > 0 && len(byGroup) > 0 {
		said += "; "
	}
	if len(byGroup) > 0 {
		said += fmt.Sprintf("%d exclude it through a group or a role only: %s", len(byGroup), few(byGroup))
	}
	return said
}

func (a *account) unreadPolicies() bool {
	return slices.ContainsFunc(a.an.Blockers, func(b lockout.Blocker) bool { return b.Kind == lockout.KindUnread })
}

// stateWord is a policy's state as people say it.
func stateWord(state string) string {
	switch state {
	case "enabled":
		return "on"
	case "disabled":
		return "off"
	case "enabledForReportingButNotEnforced":
		return "report-only"
	}
	return state
}

// few joins what fits a sentence.
func few(list []string) string { return fewBy("; ", list) }

func fewBy(separator string, list []string) string {
	const most = 3
	if len(list) > most {
		return strings.Join(list[:most], separator) + fmt.Sprintf("%sand %d more", separator, len(list)-most)
	}
	return strings.Join(list, separator)
}

func demandsPasskey(j *judge, a *account) result {
	if a.want.Posture != config.PosturePasskeyRequired {
		return notApplicable("the account's posture is %s", a.want.Posture)
	}
	i := slices.IndexFunc(j.s.Policies, func(p entra.Policy) bool { return a.want.Policy != "" && strings.EqualFold(p.ID, a.want.Policy) })
	if i < 0 {
		if j.s.Complete(entra.PartPolicies) && !slices.ContainsFunc(j.s.Policies, func(p entra.Policy) bool { return p.ID == "" }) {
			return fail("the policy %s that the plan names does not exist", a.want.Policy)
		}
		return unsure("the policy %s that the plan names was not read", a.want.Policy)
	}
	p, st := j.s.Policies[i], a.an.Standings[i]
	state, told := p.State.Value()
	switch {
	case told && state != "enabled":
		return fail("the policy %q is %s", st.Title, state)
	case st.Targets == lockout.False:
		return fail("the policy %q does not reach the account: %s", st.Title, st.Why)
	case !told || st.Targets != lockout.True:
		return unsure("the policy %q: %s", st.Title, st.Why)
	}
	return j.passkeyOnly(p, st.Title)
}

// passkeyOnly judges what the policy demands and in which sign-ins.
func (j *judge) passkeyOnly(p entra.Policy, title string) result {
	c, _ := p.Conditions.Value()
	demands, why := j.demandsResistant(p)
	always := everywhere(c)
	switch both := demands.And(always); {
	case both == lockout.True:
		return pass("the policy %q is on and demands %s in every sign-in", title, why)
	case demands == lockout.False:
		return fail("the policy %q does not demand a passkey: %s", title, why)
	case always == lockout.False:
		return fail("the policy %q demands %s in some sign-ins only", title, why)
	}
	return unsure("whether the policy %q demands a passkey in every sign-in was not told", title)
}

// The combinations that a stolen password and a tricked person cannot give.
var resistant = []string{"fido2", "x509CertificateMultiFactor", "windowsHelloForBusiness"}

func (j *judge) demandsResistant(p entra.Policy) (lockout.Truth, string) {
	g, ok := p.GrantControls.Value()
	if !ok {
		return unknownUnless(p.GrantControls.IsNull()), "it has no grant control"
	}
	ref, ok := g.Strength.Value()
	if !ok {
		return unknownUnless(g.Strength.IsNull()), "it names no authentication strength"
	}
	others := empty(g.BuiltInControls).And(empty(g.TermsOfUse)).And(empty(g.CustomFactors))
	if others != lockout.True && g.Operator.Or("") != "AND" {
		return others, "other controls may stand in for the strength"
	}
	list := ref.AllowedCombinations
	if i := slices.IndexFunc(j.s.Strengths, func(s entra.AuthenticationStrength) bool { return strings.EqualFold(s.ID, ref.ID) }); i >= 0 {
		list = j.s.Strengths[i].AllowedCombinations
	}
	combinations, ok := list.Value()
	if !ok {
		return lockout.Unknown, "its strength was not read"
	}
	weak := slices.IndexFunc(combinations, func(c string) bool { return !slices.Contains(resistant, c) })
	if weak >= 0 {
		return lockout.False, "its strength accepts " + combinations[weak]
	}
	return truth(len(combinations) > 0), "a phishing-resistant strength"
}

// unknownUnless is False when known, else Unknown.
func unknownUnless(known bool) lockout.Truth {
	if known {
		return lockout.False
	}
	return lockout.Unknown
}

func empty(list entra.Maybe[[]string]) lockout.Truth {
	if !list.Known() {
		return lockout.Unknown
	}
	return truth(len(list.Or(nil)) == 0)
}

// everywhere says whether nothing narrows the policy.
func everywhere(c entra.Conditions) lockout.Truth {
	apps, ok := c.Applications.Value()
	all := lockout.Unknown
	if ok && apps.IncludeApplications.Known() {
		all = truth(slices.Contains(apps.IncludeApplications.Or(nil), "All")).And(empty(apps.ExcludeApplications)).And(isNull(apps.Filter))
	}
	clients := lockout.Unknown
	if c.ClientAppTypes.Known() {
		clients = truth(len(c.ClientAppTypes.Or(nil)) == 0 || slices.Contains(c.ClientAppTypes.Or(nil), "all"))
	}
	return all.And(clients).And(isNull(c.Platforms)).And(isNull(c.Locations)).And(isNull(c.Devices)).
		And(isNull(c.AuthenticationFlows)).And(empty(c.UserRiskLevels)).And(empty(c.SignInRiskLevels))
}

func isNull[T any](m entra.Maybe[T]) lockout.Truth {
	if !m.Known() {
		return lockout.Unknown
	}
	return truth(m.IsNull())
}

func noDanglingExclusions(j *judge) result {
	var dead, unseen []string
	for _, p := range j.s.Policies {
		c, ok := p.Conditions.Value()
		u, ok2 := c.Users.Value()
		if !ok || !ok2 || !u.ExcludeUsers.Known() {
			unseen = append(unseen, "somebody in "+p.DisplayName.Or(p.ID))
		}
		for _, id := range u.ExcludeUsers.Or(nil) {
			gone := j.gone(id)
			switch {
			case gone == lockout.True && !slices.Contains(dead, id):
				dead = append(dead, id)
			case gone == lockout.Unknown && !slices.Contains(unseen, id):
				unseen = append(unseen, id)
			}
		}
	}
	switch {
	case len(dead) > 0:
		return fail("excluded, but gone from the directory: %s", few(dead))
	case !j.s.Complete(entra.PartPolicies):
		return unsure("the policies were not read whole")
	case len(unseen) > 0:
		return unsure("%s that policies exclude could not be looked up: %s", plural(len(unseen), "user"), few(unseen))
	}
	return pass("every user that a policy excludes by object id exists")
}

// gone says whether an excluded user has been deleted; words such as GuestsOrExternalUsers
// are nobody in particular.
func (j *judge) gone(id string) lockout.Truth {
	there := slices.ContainsFunc(j.s.ExcludedUsers, func(x string) bool { return strings.EqualFold(x, id) })
	switch {
	case there || j.s.User(id) != nil || !strings.ContainsAny(id, "0123456789-{"):
		return lockout.False
	case j.s.Complete(entra.PartExcludedUsers) || j.s.Reading(entra.PartUser.Of(id)).Unread == entra.UnreadNotFound:
		return lockout.True
	}
	return lockout.Unknown
}

func securityDefaultsOff(j *judge) result {
	on, ok := j.s.SecurityDefaults.IsEnabled.Value()
	switch {
	case ok && on && j.d.Tenant.Profile == "free":
		return notApplicable("on, and the plan's profile is free: the accounts count on passkeys")
	case ok && on:
		return fail("security defaults are on: no account can be excluded from them")
	case !ok || !j.s.Complete(entra.PartSecurityDefaults):
		return unsure("whether security defaults are on was not told")
	}
	return pass("security defaults are off")
}
