package login

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"breakglass/internal/simtenant/state"
)

// verdict is what a condition says of a sign-in. unknown is neither: the simulator does
// not know what Entra would say.
type verdict int

const (
	no verdict = iota
	yes
	unknown
)

func is(b bool) verdict {
	if b {
		return yes
	}
	return no
}

// Policy states.
const (
	stateEnabled    = "enabled"
	stateReportOnly = "enabledForReportingButNotEnforced"
)

// policies judges every Conditional Access policy, writes its line of the log, and notes
// the obstacles of enabled ones. It returns what is not modelled, "" when all was.
func (e *evaluation) policies() string {
	missing := ""
	for _, p := range e.tx.List("identity/conditionalAccess/policies") {
		v, why := e.applies(p)
		var g grants
		if v == yes {
			if g = e.grants(p); g.verdict == unknown && p.String("state") == stateEnabled {
				v, why = unknown, g.why
			}
		}
		e.out.Policies = append(e.out.Policies, e.line(p, v, g))
		if p.String("state") != stateEnabled {
			continue
		}
		switch {
		case v == unknown && missing == "":
			missing = fmt.Sprintf("%s, in the Conditional Access policy %q", why, p.String("displayName"))
		case v == yes:
			e.enforce(p, g)
		}
	}
	return missing
}

// enforce takes the demands of an enabled policy that applies.
func (e *evaluation) enforce(p state.Object, g grants) {
	if g.factors {
		e.demand(g.provider(), "Conditional Access")
	}
	if g.verdict == yes {
		if e.out.Status == "notApplied" {
			e.out.Status = "success"
		}
		return
	}
	e.out.Status = "failure"
	for _, o := range g.unmet {
		o.reason = fmt.Sprintf("the Conditional Access policy %q: %s", p.String("displayName"), o.reason)
		e.unmet = append(e.unmet, o)
	}
}

// applies is whether a policy's assignments and conditions, all of them, mean this
// sign-in. A condition that is not configured means every sign-in.
func (e *evaluation) applies(p state.Object) (verdict, string) {
	c := p.Object("conditions")
	out, why := yes, ""
	for _, cond := range []func(state.Object) (verdict, string){
		e.users, e.applications, e.clientApps, e.platforms, e.locations, e.device, e.risks, e.flow, e.strangers,
	} {
		v, w := cond(c)
		if v == no {
			return no, ""
		}
		if v == unknown && why == "" {
			out, why = unknown, w
		}
	}
	return out, why
}

// line is the policy's entry in the sign-in log.
func (e *evaluation) line(p state.Object, v verdict, g grants) state.Object {
	result := "notApplied"
	reportOnly := p.String("state") == stateReportOnly
	switch {
	case p.String("state") != stateEnabled && !reportOnly:
		result = "notEnabled"
	case v == unknown || v == yes && g.verdict == unknown:
		result = "unknown"
	case v == no && reportOnly:
		result = "reportOnlyNotApplied"
	case v == no:
	case g.verdict == yes:
		result = map[bool]string{false: "success", true: "reportOnlySuccess"}[reportOnly]
	case reportOnly && g.curable():
		result = "reportOnlyInterrupted"
	default:
		result = map[bool]string{false: "failure", true: "reportOnlyFailure"}[reportOnly]
	}
	return state.Object{
		"id": p.ID(), "displayName": p.String("displayName"), "result": result,
		"enforcedGrantControls": grantNames(p), "enforcedSessionControls": sessionNames(p),
	}
}

// list is a condition's list in lower case.
func list(o state.Object, key string) []string {
	out := o.Strings(key)
	for i, s := range out {
		out[i] = strings.ToLower(s)
	}
	return out
}

// commaList is a flags value, which Graph writes as one text with commas; a list is taken too.
func commaList(o state.Object, key string) []string {
	if l := list(o, key); len(l) > 0 {
		return l
	}
	var out []string
	for one := range strings.SplitSeq(strings.ToLower(o.String(key)), ",") {
		if one = strings.TrimSpace(one); one != "" && one != "none" {
			out = append(out, one)
		}
	}
	return out
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// users: any include dimension means the user and no exclude dimension does.
func (e *evaluation) users(c state.Object) (verdict, string) {
	u := c.Object("users")
	in, why := e.side(u, "include")
	out, whyOut := e.side(u, "exclude")
	switch {
	case in == no || out == yes:
		return no, ""
	case in == unknown:
		return unknown, why
	case out == unknown:
		return unknown, whyOut
	}
	if len(e.groups) > 2048 {
		return unknown, "a user with more than 2048 group memberships"
	}
	return yes, ""
}

func (e *evaluation) side(u state.Object, side string) (verdict, string) {
	id := strings.ToLower(e.user.ID())
	names := list(u, side+"Users")
	guest := strings.EqualFold(e.user.String("userType"), "Guest")
	switch {
	case slices.Contains(names, id), side == "include" && slices.Contains(names, "all"),
		guest && slices.Contains(names, "guestsorexternalusers"),
		overlap(list(u, side+"Groups"), e.groups), overlap(list(u, side+"Roles"), e.roles):
		return yes, ""
	}
	return e.guests(u.Object(side + "GuestsOrExternalUsers"))
}

// guests is the finer choice of external users by kind and home tenant.
func (e *evaluation) guests(g state.Object) (verdict, string) {
	kinds := commaList(g, "guestOrExternalUserTypes")
	if !slices.Contains(kinds, strings.ToLower(e.externalKind())) {
		return no, ""
	}
	tenants := g.Object("externalTenants")
	if tenants == nil || tenants.String("membershipKind") == "all" || tenants.String("membershipKind") == "" {
		return yes, ""
	}
	home := e.user.String("_homeTenantId")
	if home == "" {
		return unknown, "the home tenant of an external user"
	}
	return is(slices.Contains(list(tenants, "members"), strings.ToLower(home))), ""
}

// externalKind is which of Graph's kinds of external user this is; "" for one's own.
func (e *evaluation) externalKind() string {
	guest := strings.EqualFold(e.user.String("userType"), "Guest")
	external := strings.Contains(strings.ToUpper(e.user.String("userPrincipalName")), "#EXT#") || e.user.String("creationType") == "Invitation"
	switch {
	case guest && external:
		return "b2bCollaborationGuest"
	case guest:
		return "internalGuest"
	case external:
		return "b2bCollaborationMember"
	}
	return ""
}

// applications: the policy applies when it means any of the sign-in's targets.
func (e *evaluation) applications(c state.Object) (verdict, string) {
	a := c.Object("applications")
	if f := a.Object("applicationFilter"); f.String("rule") != "" {
		return unknown, "a filter for applications"
	}
	return is(slices.ContainsFunc(e.in.Targets, func(t Target) bool { return e.means(a, t) })), ""
}

func (e *evaluation) means(a state.Object, t Target) bool {
	res := strings.ToLower(t.Resource)
	include, exclude := list(a, "includeApplications"), list(a, "excludeApplications")
	switch {
	case t.UserAction != "":
		return slices.Contains(list(a, "includeUserActions"), strings.ToLower(t.UserAction))
	case t.AuthContext != "":
		return slices.Contains(list(a, "includeAuthenticationContextClassReferences"), strings.ToLower(t.AuthContext))
	case t.Baseline && slices.Contains(include, "all") && len(exclude) > 0:
		// The baseline scopes count as Azure AD Graph since 2026; before, such policies skipped them.
		return !e.in.BaselineSkipped && !slices.Contains(exclude, aadGraphApp)
	case t.Baseline && slices.Contains(include, aadGraphApp):
		return true
	}
	return anyCovers(include, res) && !anyCovers(exclude, res)
}

func (e *evaluation) clientApps(c state.Object) (verdict, string) {
	types := list(c, "clientAppTypes")
	for _, t := range types {
		if !slices.Contains([]string{"all", "browser", "mobileappsanddesktopclients", "exchangeactivesync", "eassupported", "other"}, t) {
			return unknown, "the client app type " + t
		}
	}
	return is(len(types) == 0 || slices.Contains(types, "all") || slices.Contains(types, strings.ToLower(e.in.ClientAppType))), ""
}

// platforms: one that Entra does not recognise is meant by "all" only.
func (e *evaluation) platforms(c state.Object) (verdict, string) {
	p := c.Object("platforms")
	in, out := list(p, "includePlatforms"), list(p, "excludePlatforms")
	if len(in) == 0 {
		return yes, ""
	}
	mine := strings.ToLower(e.in.Platform)
	return is((slices.Contains(in, "all") || slices.Contains(in, mine)) && !slices.Contains(out, mine)), ""
}

// device is the device filter: include applies the policy to the devices it means, exclude to
// the others (page "Conditional Access: Filter for devices").
func (e *evaluation) device(c state.Object) (verdict, string) {
	d := c.Object("devices")
	if old := append(list(d, "includeDevices"), list(d, "excludeDevices")...); len(old) > 0 {
		return unknown, "the retired device state condition"
	}
	f := d.Object("deviceFilter")
	if f.String("rule") == "" {
		return yes, ""
	}
	rule, err := parseDeviceFilter(f.String("rule"))
	if err != nil {
		return unknown, fmt.Sprintf("the device filter %q", f.String("rule"))
	}
	switch f.String("mode") {
	case "include":
		return is(rule.matches(e.in.Device)), ""
	case "exclude":
		return is(!rule.matches(e.in.Device)), ""
	}
	return unknown, "the device filter mode " + f.String("mode")
}

func (e *evaluation) risks(c state.Object) (verdict, string) {
	orNone := func(s string) string {
		if s == "" {
			return "none"
		}
		return strings.ToLower(s)
	}
	for key, mine := range map[string]string{"userRiskLevels": e.in.UserRisk, "signInRiskLevels": e.in.SignInRisk, "insiderRiskLevels": e.in.InsiderRisk} {
		if levels := commaList(c, key); len(levels) > 0 && !slices.Contains(levels, orNone(mine)) {
			return no, ""
		}
	}
	return yes, ""
}

func (e *evaluation) flow(c state.Object) (verdict, string) {
	methods := commaList(c.Object("authenticationFlows"), "transferMethods")
	return is(len(methods) == 0 || slices.Contains(methods, strings.ToLower(e.in.Flow))), ""
}

// strangers: a condition that this simulator has no name for, when it is configured, is unknown.
// The service adds conditions; v1.0 does not show them all.
func (e *evaluation) strangers(c state.Object) (verdict, string) {
	known := []string{
		"users", "applications", "clientAppTypes", "platforms", "locations", "devices", "userRiskLevels", "signInRiskLevels",
		"insiderRiskLevels", "authenticationFlows", "clientApplications", "servicePrincipalRiskLevels",
	}
	for _, key := range slices.Sorted(maps.Keys(c)) {
		if strings.HasPrefix(key, "@") || slices.Contains(known, key) || blank(c[key]) {
			continue
		}
		return unknown, "the condition " + key
	}
	for key, v := range c.Object("applications") {
		if (key == "networkAccess" || key == "globalSecureAccess") && !blank(v) {
			return unknown, "the condition " + key
		}
	}
	if len(list(c, "servicePrincipalRiskLevels")) > 0 {
		return unknown, "risk levels of service principals in a policy for users"
	}
	return yes, ""
}

// blank is true for a value that configures nothing.
func blank(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == "" || v == "none"
	case bool:
		return !v
	case []any:
		return len(v) == 0
	case []string:
		return len(v) == 0
	case map[string]any:
		for k, e := range v {
			if !strings.HasPrefix(k, "@") && !blank(e) {
				return false
			}
		}
		return true
	}
	return false
}
