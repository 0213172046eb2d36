package login

import (
	"slices"
	"strings"

	"breakglass/internal/simtenant/state"
)

// securityDefaultsAdmins are the roles of which security defaults demand multifactor
// authentication at every sign-in (page "Security defaults in Microsoft Entra ID").
var securityDefaultsAdmins = []string{
	"62e90394-69f5-4237-9190-012177145e10", // Global Administrator
	"9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", // Application Administrator
	"c4e39bd9-1100-46d3-8c65-fb160da0071f", // Authentication Administrator
	"0526716b-113d-4c15-b2c8-68e3c22b9f80", // Authentication Policy Administrator
	"b0f54661-2d74-4c50-afa3-1ec803f12efe", // Billing Administrator
	"158c047a-c907-4556-b7ef-446551a6b5f7", // Cloud Application Administrator
	"b1be1c3e-b65d-4f19-8427-f6fa0d97feb9", // Conditional Access Administrator
	"29232cdf-9323-42fd-ade2-1d097af3e4de", // Exchange Administrator
	"729827e3-9c14-49f7-bb1b-9608f156bbb8", // Helpdesk Administrator
	"45d8d3c5-c802-45c6-b32a-1d70b5e1e86e", // Identity Governance Administrator
	"966707d0-3269-4727-9be2-8c3a10f19b9d", // Password Administrator
	"7be44c8a-adaf-4e2a-84d6-ab2649e08a13", // Privileged Authentication Administrator
	"e8611ab8-c189-46e8-94e1-60213ab1f814", // Privileged Role Administrator
	"194ae4cb-b126-40b2-bd5b-6091b380977d", // Security Administrator
	"f28a1f50-f6e7-4571-818b-6a12f2af6b6c", // SharePoint Administrator
	"fe930be7-5e62-47db-91af-98c3a49a38b1", // User Administrator
}

// besides is what demands more of a sign-in outside Conditional Access; no exclusion from a policy helps.
func (e *evaluation) besides() {
	e.securityDefaults()
	if s := e.user.String("_perUserMfaState"); s == "enabled" || s == "enforced" {
		e.require("user", "Per-user MFA", "per-user multifactor authentication is "+s)
	}
	if e.mandatory() {
		e.require("scopeBasedAuthRequirementPolicy", "Mandatory multifactor authentication", "Microsoft demands multifactor authentication for this portal or operation, whatever the exclusions")
	}
	if slices.ContainsFunc(e.in.Targets, func(t Target) bool { return t.AuthContext == "p1" }) {
		e.require("request", "Claims challenge", "the resource asks for multifactor authentication")
	}
}

// require notes a demand for more than one factor, met or not.
func (e *evaluation) require(provider, detail, reason string) {
	e.demand(provider, detail)
	if !SatisfiesMFA(e.proofs) {
		e.unmet = append(e.unmet, obstacle{e.mfaCode(), "mfa", reason})
	}
}

// mandatory is Microsoft's own demand: the portals at sign-in, ARM at writes, in the public
// cloud, for every user (page "Planning for mandatory multifactor authentication").
func (e *evaluation) mandatory() bool {
	w := e.tx.World()
	if !w.MandatoryMFA || w.Cloud != "" && w.Cloud != "public" {
		return false
	}
	return slices.ContainsFunc(e.in.Targets, func(t Target) bool {
		res := strings.ToLower(t.Resource)
		return res == portalApp || res == m365AdminApp || res == ARMApp && t.Write
	})
}

// securityDefaults: administrators prove two factors always, everybody for Azure management,
// everybody registers; legacy authentication is refused. Nobody can be excluded.
func (e *evaluation) securityDefaults() {
	if !e.tx.One("policies/identitySecurityDefaultsEnforcementPolicy").Bool("isEnabled") {
		return
	}
	if e.in.ClientAppType == "exchangeActiveSync" || e.in.ClientAppType == "other" {
		e.unmet = append(e.unmet, obstacle{530035, "", "security defaults refuse legacy authentication"})
		return
	}
	azure := slices.ContainsFunc(e.in.Targets, func(t Target) bool { return t.Resource != "" && covers(ARMApp, strings.ToLower(t.Resource)) })
	switch {
	case overlap(securityDefaultsAdmins, e.roles):
		e.require("securityDefaults", "Security defaults", "security defaults demand multifactor authentication of administrators")
	case azure:
		e.require("securityDefaults", "Security defaults", "security defaults demand multifactor authentication for Azure management")
	case !capable(e.tx, e.user):
		e.require("mfaRegistrationRequiredBySecurityDefaults", "Security defaults", "security defaults demand that every user registers for multifactor authentication")
	}
}

// offers is what the user is asked for after a sign-in that got through: the registration
// campaign for the Authenticator app (authenticationMethodsRegistrationCampaign).
func (e *evaluation) offers() {
	if !e.out.Granted() || !SatisfiesMFA(e.proofs) || e.in.ClientAppType != "browser" {
		return
	}
	policy := e.tx.One("policies/authenticationMethodsPolicy")
	c := policy.Object("registrationEnforcement").Object("authenticationMethodsRegistrationCampaign")
	if c.String("state") != "enabled" {
		return
	}
	for _, o := range registered(e.tx, e.user) {
		if t := typeOf(o); t == "microsoftAuthenticatorAuthenticationMethod" || t == "fido2AuthenticationMethod" {
			return
		}
	}
	in := targeted(e.tx, e.user, objects(c, "includeTargets"))
	out := targeted(e.tx, e.user, objects(c, "excludeTargets"))
	if len(in) > 0 && len(out) == 0 {
		e.out.Offers = append(e.out.Offers, "registrationCampaign")
	}
}

// workload is the sign-in of an application as itself: only policies for workload
// identities mean it, and they can only block.
func (e *evaluation) workload() (Outcome, error) {
	sp := e.tx.Get("servicePrincipals", e.in.ServicePrincipalID)
	if sp == nil || sp["accountEnabled"] == false {
		e.end(7000112, "the service principal is disabled or gone")
		return e.out, nil
	}
	missing := ""
	for _, p := range e.tx.List("identity/conditionalAccess/policies") {
		v, why := e.appliesToWorkload(p, sp)
		g := grants{verdict: yes}
		if v == yes && slices.Contains(p.Object("grantControls").Strings("builtInControls"), "block") {
			g = grants{verdict: no, unmet: []obstacle{{53003, "", "access is blocked"}}}
		}
		if len(workloadsOf(p)) > 0 {
			e.out.Policies = append(e.out.Policies, e.line(p, v, g))
		}
		if p.String("state") != stateEnabled {
			continue
		}
		if v == unknown && missing == "" {
			missing = why
		}
		if v == yes {
			e.enforce(p, g)
		}
	}
	e.decide()
	if missing != "" && e.out.Code == 0 {
		return e.out, NotModelled(missing)
	}
	return e.out, nil
}

func workloadsOf(p state.Object) []string {
	return list(p.Object("conditions").Object("clientApplications"), "includeServicePrincipals")
}

// appliesToWorkload is whether a policy means a service principal.
func (e *evaluation) appliesToWorkload(p, sp state.Object) (verdict, string) {
	c := p.Object("conditions")
	apps := c.Object("clientApplications")
	id := strings.ToLower(sp.ID())
	in, out := workloadsOf(p), list(apps, "excludeServicePrincipals")
	own := strings.EqualFold(sp.String("appOwnerOrganizationId"), e.tx.TenantID())
	if slices.Contains(out, id) || !slices.Contains(in, id) && !(own && slices.Contains(in, "serviceprincipalsinmytenant")) {
		return no, ""
	}
	if apps.Object("servicePrincipalFilter").String("rule") != "" {
		return unknown, "a filter for service principals"
	}
	if v, _ := e.applications(c); v == no {
		return no, ""
	}
	if levels := list(c, "servicePrincipalRiskLevels"); len(levels) > 0 && !slices.Contains(levels, "none") {
		return no, "" // no service principal of the simulator is at risk
	}
	return e.locations(c)
}
