package graph

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"breakglass/internal/simtenant/state"
)

// whatIf is POST /identity/conditionalAccess/evaluate: which policies would apply to a
// described sign-in. A condition that a policy asks about and the request leaves out
// cannot be evaluated: the policy is then said not to apply, for notEnoughInformation.
// Report-only policies count as applying. Graph page "conditionalAccessRoot: evaluate".
func (c *call) whatIf() {
	if !c.conditionalAccessLicensed() {
		return
	}
	who, what := c.body.Object("signInIdentity"), c.body.Object("signInContext")
	if problem := c.checkWhatIf(who, what); problem != "" {
		c.fail(http.StatusBadRequest, "BadRequest", problem)
		return
	}
	w := whatIfRun{
		c: c, user: strings.ToLower(who.String("userId")), principal: strings.ToLower(who.String("servicePrincipalId")),
		context: what, conditions: c.body.Object("signInConditions"),
	}
	var out []state.Object
	for _, p := range c.tx.List(collPolicies) {
		reasons := w.judge(p)
		if w.missing != "" {
			c.notModelled(w.missing)
			return
		}
		if c.body.Bool("appliedPoliciesOnly") && len(reasons) > 0 {
			continue
		}
		r := c.shownPolicy(p)
		r["policyApplies"], r["analysisReasons"] = len(reasons) == 0, "notSet"
		if len(reasons) > 0 {
			r["analysisReasons"] = strings.Join(reasons, ",")
		}
		out = append(out, r)
	}
	c.list(out, "whatIfAnalysisResult")
}

func (c *call) checkWhatIf(who, what state.Object) string {
	switch who.String("@odata.type") {
	case "#microsoft.graph.userSignIn":
		if c.get("users", who.String("userId")) == nil {
			return "The user '" + who.String("userId") + "' could not be found."
		}
	case "#microsoft.graph.servicePrincipalSignIn":
		if c.get("servicePrincipals", who.String("servicePrincipalId")) == nil {
			return "The service principal '" + who.String("servicePrincipalId") + "' could not be found."
		}
	default:
		return "signInIdentity must be a userSignIn or a servicePrincipalSignIn."
	}
	switch what.String("@odata.type") {
	case "#microsoft.graph.applicationContext", "#microsoft.graph.userActionContext", "#microsoft.graph.authContext":
		return ""
	}
	return "signInContext must be an applicationContext, a userActionContext or an authContext."
}

// A whatIfRun is one evaluation; missing names what the simulator could not evaluate.
type whatIfRun struct {
	c                   *call
	user, principal     string
	context, conditions state.Object
	missing             string
}

// judge is the reasons for which a policy does not apply; none when it does.
func (w *whatIfRun) judge(p state.Object) []string {
	var reasons []string
	add := func(ok bool, reason string) {
		if !ok && !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	cond := p.Object("conditions")
	add(p.String("state") != "disabled", "policyNotEnabled")
	if cond.Object("clientApplications") != nil {
		add(w.workload(cond.Object("clientApplications")), "workloadIdentities")
	} else {
		add(w.user != "" && w.covers(cond.Object("users")), "users")
	}
	w.target(cond.Object("applications"), add)
	w.client(cond, add)
	w.place(cond.Object("locations"), add)
	w.risk(cond, add)
	w.device(cond.Object("devices"), reasons, add)
	add(p["grantControls"] != nil || anySet(p.Object("sessionControls")), "emptyPolicy")
	return reasons
}

func (w *whatIfRun) workload(clients state.Object) bool {
	include, exclude := clients.Strings("includeServicePrincipals"), clients.Strings("excludeServicePrincipals")
	return w.principal != "" && !containsFold(exclude, w.principal) &&
		(containsFold(include, w.principal) || containsFold(include, "ServicePrincipalsInMyTenant"))
}

// covers is whether a users condition includes and does not exclude the user.
func (w *whatIfRun) covers(users state.Object) bool {
	groups, roles := groupsOf(w.c.tx, w.user), w.c.tx.ActiveRoles(w.user)
	guest := w.c.tx.Get("users", w.user).String("userType") == "Guest"
	hit := func(side string) bool {
		direct := users.Strings(side + "Users")
		return containsFold(direct, w.user) || containsFold(direct, "All") ||
			guest && (containsFold(direct, "GuestsOrExternalUsers") || users[side+"GuestsOrExternalUsers"] != nil) ||
			slices.ContainsFunc(users.Strings(side+"Groups"), func(g string) bool { return containsFold(groups, g) }) ||
			slices.ContainsFunc(users.Strings(side+"Roles"), func(r string) bool { return containsFold(roles, r) })
	}
	return hit("include") && !hit("exclude")
}

func containsFold(list []string, v string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, v) })
}

// adminPortals is the resources behind MicrosoftAdminPortals, as far as they are fixed:
// Azure portal and Entra admin center, Exchange, Microsoft 365, Defender, Intune, Purview.
var adminPortals = []string{
	"c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "497effe9-df71-4043-a8bb-14cf78c4b63b", "00000006-0000-0ff1-ce00-000000000000",
	"80ccca67-54bd-44ab-8625-4b79c4dc7775",
}

func (w *whatIfRun) target(apps state.Object, add func(bool, string)) {
	switch w.context.String("@odata.type") {
	case "#microsoft.graph.userActionContext":
		want := map[string]string{"registerSecurityInformation": userActions[0], "registerOrJoinDevices": userActions[1]}[w.context.String("userAction")]
		add(slices.Contains(apps.Strings("includeUserActions"), want), "userActions")
	case "#microsoft.graph.authContext":
		value := w.context.String("authenticationContextValue")
		add(slices.Contains(apps.Strings("includeAuthenticationContextClassReferences"), value), "authenticationContext")
	default:
		asked := w.context.Strings("includeApplications")
		if apps["applicationFilter"] != nil && w.missing == "" {
			w.missing = "application filters in What If"
		}
		add(slices.ContainsFunc(asked, func(app string) bool {
			return resourceIn(apps.Strings("includeApplications"), app) && !resourceIn(apps.Strings("excludeApplications"), app)
		}), "application")
	}
}

func resourceIn(list []string, app string) bool {
	return containsFold(list, "All") || containsFold(list, app) ||
		containsFold(list, "MicrosoftAdminPortals") && containsFold(adminPortals, app)
}

func (w *whatIfRun) client(cond state.Object, add func(bool, string)) {
	if types := cond.Strings("clientAppTypes"); !slices.Contains(types, "all") {
		w.asked("clientAppType", add, func(v string) { add(slices.Contains(types, v), "clientApps") })
	}
	if p := cond.Object("platforms"); p != nil {
		w.asked("devicePlatform", add, func(v string) {
			include, exclude := p.Strings("includePlatforms"), p.Strings("excludePlatforms")
			add((slices.Contains(include, "all") || slices.Contains(include, v)) && !slices.Contains(exclude, v), "devicePlatform")
		})
	}
	if flows := cond.Object("authenticationFlows"); flows != nil {
		method := w.conditions.Object("authenticationFlow").String("transferMethod")
		add(method != "" && slices.Contains(strings.Split(flows.String("transferMethods"), ","), method), "authenticationFlow")
	}
}

// asked calls judge with a condition's value, or notes that the request does not say.
func (w *whatIfRun) asked(key string, add func(bool, string), judge func(string)) {
	if v := w.conditions.String(key); v != "" {
		judge(v)
		return
	}
	add(false, "notEnoughInformation")
}

func (w *whatIfRun) place(locations state.Object, add func(bool, string)) {
	if locations == nil {
		return
	}
	include, exclude := locations.Strings("includeLocations"), locations.Strings("excludeLocations")
	if w.conditions.String("ipAddress") == "" && w.conditions.String("country") == "" && (!slices.Contains(include, "All") || len(exclude) > 0) {
		add(false, "notEnoughInformation")
		return
	}
	add(w.inLocations(include) && !w.inLocations(exclude), "location")
}

func (w *whatIfRun) inLocations(list []string) bool {
	ip, _ := netip.ParseAddr(w.conditions.String("ipAddress"))
	return slices.ContainsFunc(list, func(id string) bool {
		switch id {
		case "All":
			return true
		case "AllTrusted":
			return slices.ContainsFunc(w.c.tx.List(collLocations), func(l state.Object) bool { return l.Bool("isTrusted") && inRanges(l, ip) })
		}
		l := w.c.tx.Get(collLocations, id)
		if l.String("@odata.type") == countryLocation {
			country := w.conditions.String("country")
			return containsFold(l.Strings("countriesAndRegions"), country) || country == "" && l.Bool("includeUnknownCountriesAndRegions")
		}
		return inRanges(l, ip)
	})
}

func inRanges(l state.Object, ip netip.Addr) bool {
	ranges, _ := l["ipRanges"].([]any)
	return slices.ContainsFunc(ranges, func(r any) bool {
		m, _ := r.(map[string]any)
		p, err := netip.ParsePrefix(state.Object(m).String("cidrAddress"))
		return err == nil && ip.IsValid() && p.Contains(ip.Unmap())
	})
}

func (w *whatIfRun) risk(cond state.Object, add func(bool, string)) {
	for _, r := range [][3]string{
		{"signInRiskLevels", "signInRiskLevel", "signInRisk"}, {"userRiskLevels", "userRiskLevel", "userRisk"},
	} {
		if levels := cond.Strings(r[0]); len(levels) > 0 {
			w.asked(r[1], add, func(v string) { add(slices.Contains(levels, v), r[2]) })
		}
	}
	if levels := cond.String("insiderRiskLevels"); levels != "" {
		w.asked("insiderRiskLevel", add, func(v string) { add(slices.Contains(strings.Split(levels, ","), v), "insiderRisk") })
	}
}

func (w *whatIfRun) device(devices state.Object, sofar []string, add func(bool, string)) {
	if devices == nil || devices["deviceFilter"] == nil {
		return
	}
	if w.conditions.Object("deviceInfo") == nil {
		add(false, "notEnoughInformation")
		return
	}
	if len(sofar) == 0 { // a policy that fails on something else does not depend on the filter
		w.missing = "device filter rules in What If"
	}
}
