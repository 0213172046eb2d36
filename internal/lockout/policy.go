package lockout

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// The states of a policy, as Graph spells them.
const (
	stateOn         = "enabled"
	stateReportOnly = "enabledForReportingButNotEnforced"
	stateOff        = "disabled"
)

// standing judges one policy for the account, whatever the policy's state.
func (a subject) standing(p entra.Policy, sit Situation, allowed []string) Standing {
	st := Standing{
		PolicyID: p.ID, Title: p.DisplayName.Or(p.ID), State: p.State.Or("unknown"), Workload: workload(p),
		Allowed: p.ID != "" && slices.ContainsFunc(allowed, func(id string) bool { return strings.EqualFold(id, p.ID) }),
	}
	if st.Workload {
		st.Targets, st.Excluded, st.ByID = False, False, False
		st.Why = "it is for service principals and never targets users"
		return st
	}
	c, _ := p.Conditions.Value()
	users, _ := c.Users.Value()
	included := a.included(users)
	st.ByID = a.excludedByID(users)
	st.Excluded = a.excluded(users)
	reach := included.And(sit.meets(c))
	doubt := doubt(p)
	if doubt != "" {
		reach = Unknown
	}
	st.Targets = st.Excluded.Not().And(reach)
	st.Why = standingWhy(st, included, doubt)
	return st
}

func standingWhy(st Standing, included Truth, doubt string) string {
	switch {
	case st.ByID == True:
		return "the account is excluded by its object id"
	case st.Excluded == True:
		return "the account is excluded through a group or a role, not by its own object id"
	case doubt != "":
		return doubt + ", and the account is not excluded"
	case st.Targets == False:
		return "the account is not included today, and not excluded either"
	case st.Targets == True:
		return "the account is included and not excluded"
	case st.Excluded == Unknown:
		return "whether the account is excluded could not be told"
	case included == Unknown:
		return "whether it includes the account could not be told, and the account is not excluded"
	}
	return "whether it could apply to the account could not be told"
}

// workload says whether a policy is for workload identities: it names service principals
// or agents, and no user.
func workload(p entra.Policy) bool {
	c, ok := p.Conditions.Value()
	if _, clients := c.ClientApplications.Value(); !ok || !clients {
		return false
	}
	users, ok := c.Users.Value()
	if c.Users.IsNull() {
		return agentsOnly(p)
	}
	nobody := ok && names(users.IncludeUsers) == False && names(users.IncludeGroups) == False &&
		names(users.IncludeRoles) == False && set(users.IncludeGuests) == False
	return nobody && agentsOnly(p)
}

// agentsOnly says that what we do not model of a workload policy is about agents, too.
func agentsOnly(p entra.Policy) bool {
	return !slices.ContainsFunc(p.Strange, func(m entra.StrangeMember) bool {
		return !strings.HasPrefix(m.Path, "conditions.clientApplications.") && !strings.HasPrefix(m.Path, "conditions.agent")
	})
}

// doubt is why a policy could do more, or less, than what we understand of it.
func doubt(p entra.Policy) string {
	switch {
	case len(p.Strange) > 0:
		return fmt.Sprintf("the policy has members that we do not understand (%s)", p.Strange[0].Path)
	case !slices.Contains(p.Versions, "v1.0") && !slices.Contains(p.Versions, "beta"):
		return "it is not recorded in which API versions the policy appears"
	case !slices.Contains(p.Versions, "v1.0"):
		return "the policy appears in beta only"
	case !slices.Contains(p.Versions, "beta"):
		return "the policy appears in v1.0 only"
	}
	return ""
}

// blocker is what a policy that targets the account, or may, does to it.
func (a subject) blocker(p entra.Policy, st Standing) Blocker {
	stops, why := a.stops(p)
	b := Blocker{
		Kind: KindPolicy, PolicyID: p.ID, State: st.State, Title: st.Title, Part: entra.PartPolicies,
		Allowed: st.Allowed,
	}
	moment, told := when(p)
	b.When, b.Certain = moment, told && st.Targets == True && stops == True
	// What it demands is met, should it target the account; where we understand all of it.
	if stops == False && (st.Targets == True || doubt(p) == "") {
		b.When, b.Certain = Never, st.Targets == True
	}
	if st.Targets == True && legacyOnly(p) {
		b.When, b.Certain, why = Never, true, "it meets legacy clients only, through which no key signs in"
	}
	b.Why = fmt.Sprintf("policy %q (%s): %s; %s", st.Title, stateWords(st.State), st.Why, why)
	return b
}

// legacyOnly says that a policy meets legacy authentication and nothing else. That is no way
// in for an emergency account, so being stopped there stops nobody.
func legacyOnly(p entra.Policy) bool {
	c, _ := p.Conditions.Value()
	types := c.ClientAppTypes.Or(nil)
	return len(types) > 0 && !slices.ContainsFunc(types, func(t string) bool {
		return t != "exchangeActiveSync" && t != "easSupported" && t != "other"
	})
}

// when: a policy that is off stops nobody today, but one click switches it on, and
// Microsoft switches its managed policies from report-only to on by itself. A state that we
// do not know may be in force: told is false.
func when(p entra.Policy) (moment When, told bool) {
	switch p.State.Or("") {
	case stateOn:
		return Now, true
	case stateReportOnly:
		return MaySwitchOn, true
	case stateOff:
		return OneClick, true
	}
	return Now, false
}

func stateWords(state string) string {
	switch state {
	case stateOn:
		return "on"
	case stateReportOnly:
		return "report-only"
	case stateOff:
		return "off"
	}
	return "state not told"
}

// stops says whether there is a sign-in that the policy's controls end for this account,
// and which control does it.
func (a subject) stops(p entra.Policy) (Truth, string) {
	if !p.GrantControls.Known() {
		return Unknown, "what it demands was not told"
	}
	g, ok := p.GrantControls.Value()
	if !ok {
		return sessionStops(p.SessionControls)
	}
	demands := a.demands(g)
	if len(demands) == 0 {
		return sessionStops(p.SessionControls)
	}
	for _, d := range demands {
		if d.block {
			return True, d.why
		}
	}
	met, why := join(demands, g.Operator.Or(""))
	session, sessionWhy := sessionStops(p.SessionControls)
	if met == True && session != False {
		return session, sessionWhy
	}
	return met.Not(), why
}

// demand is one control, and whether the account meets it in every situation.
type demand struct {
	met   Truth
	why   string
	block bool
}

// join combines demands by the operator and gives the first reason for the result; with one
// demand, or all alike, the operator does not matter.
func join(demands []demand, operator string) (Truth, string) {
	all, some := True, False
	for _, d := range demands {
		all, some = all.And(d.met), some.Or(d.met)
	}
	met := all
	switch {
	case operator == "OR":
		met = some
	case operator != "AND" && all != some:
		return Unknown, "whether all of its controls are demanded or one of them was not told"
	}
	i := slices.IndexFunc(demands, func(d demand) bool { return d.met == met })
	return met, demands[i].why
}

// demands are the grant controls. An emergency account signs in from any device, so a
// control that needs a certain device, app or provider is one it does not meet.
func (a subject) demands(g entra.GrantControls) []demand {
	var list []demand
	if !g.BuiltInControls.Known() || !g.TermsOfUse.Known() || !g.CustomFactors.Known() || !g.Strength.Known() {
		list = append(list, demand{met: Unknown, why: "not all of its controls were told"})
	}
	for _, c := range g.BuiltInControls.Or(nil) {
		list = append(list, a.control(c))
	}
	if s, ok := g.Strength.Value(); ok {
		list = append(list, a.strength(s))
	}
	if len(g.TermsOfUse.Or(nil)) > 0 {
		list = append(list, demand{met: Unknown, why: "it demands that terms of use are accepted"})
	}
	if len(g.CustomFactors.Or(nil)) > 0 {
		list = append(list, demand{met: False, why: "it demands a factor of another provider"})
	}
	return list
}

func (a subject) control(name string) demand {
	switch name {
	case "block":
		return demand{met: False, why: "it blocks", block: true}
	case "mfa":
		met, why := a.strong()
		return demand{met: met, why: "it demands MFA, " + given(met, why)}
	case "compliantDevice", "domainJoinedDevice", "approvedApplication", "compliantApplication", "passwordChange":
		return demand{met: False, why: "it demands " + name + ", which an emergency account cannot meet everywhere"}
	}
	return demand{met: Unknown, why: fmt.Sprintf("it demands %q, which we do not know", name)}
}

// strength judges an authentication strength: met when one of the account's usable keys is
// among the combinations.
func (a subject) strength(ref entra.StrengthRef) demand {
	name := ref.DisplayName.Or(ref.ID)
	combinations, models := a.combinations(ref)
	if !combinations.Known() {
		return demand{met: Unknown, why: fmt.Sprintf("it demands the strength %q, whose combinations were not read", name)}
	}
	keys, whole := Keys(a.s, a.u)
	met, by := False, "none of its keys is of that strength"
	for _, k := range keys {
		fits := k.Usable.And(accepts(combinations, models, k.Method))
		if fits == True || fits == Unknown && met == False {
			by = k.Why
		}
		met = met.Or(fits)
	}
	if met != True && (whole != True || a.otherMethod() != "") {
		met = met.Or(Unknown)
	}
	return demand{met: met, why: fmt.Sprintf("it demands the strength %q, %s", name, given(met, by))}
}

// given says whether the account meets a demand, and by what or why not.
func given(met Truth, why string) string {
	switch met {
	case True:
		return "which the account gives: " + why
	case False:
		return "which the account cannot give: " + why
	}
	return "and whether the account gives it could not be told: " + why
}

func (a subject) combinations(ref entra.StrengthRef) (combinations, models entra.Maybe[[]string]) {
	i := slices.IndexFunc(a.s.Strengths, func(s entra.AuthenticationStrength) bool { return strings.EqualFold(s.ID, ref.ID) })
	if i < 0 || ref.ID == "" {
		return ref.AllowedCombinations, entra.Maybe[[]string]{}
	}
	return a.s.Strengths[i].AllowedCombinations, a.s.Strengths[i].AllowedAAGUIDs
}

// accepts: whether a certificate counts as multifactor rests on bindings that are not read.
func accepts(combinations, models entra.Maybe[[]string], m entra.Method) Truth {
	if m.Type == typeX509 {
		return contains(combinations, "x509CertificateMultiFactor").And(Unknown)
	}
	model := Unknown
	if id, ok := m.AAGUID.Value(); ok && models.Known() {
		model = contains(models, id)
	}
	if models.IsNull() {
		model = True
	}
	return contains(combinations, "fido2").And(model)
}

// sessionStops: session controls shape a session and end no sign-in, but for token
// protection, which refuses what does not support it, and what we do not know.
func sessionStops(m entra.Maybe[json.RawMessage]) (Truth, string) {
	if !m.Known() {
		return Unknown, "its session controls were not told"
	}
	raw, ok := m.Value()
	if !ok {
		return False, "it demands nothing"
	}
	var controls map[string]json.RawMessage
	if json.Unmarshal(raw, &controls) != nil {
		return Unknown, "its session controls were not understood"
	}
	names := make([]string, 0, len(controls))
	for name, value := range controls {
		if string(value) != "null" && !strings.HasPrefix(name, "@odata.") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if !slices.Contains(harmlessSessions, name) {
			return Unknown, fmt.Sprintf("its session control %q can end a sign-in", name)
		}
	}
	return False, "it has session controls only, which end no sign-in"
}

var harmlessSessions = []string{
	"applicationEnforcedRestrictions", "cloudAppSecurity", "disableResilienceDefaults", "persistentBrowser", "signInFrequency", "continuousAccessEvaluation",
}
