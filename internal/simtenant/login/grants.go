package login

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"breakglass/internal/simtenant/state"
)

// grants is what becomes of a policy's grant and session controls at this sign-in.
type grants struct {
	verdict  verdict // yes: satisfied
	why      string  // what is not modelled
	unmet    []obstacle
	factors  bool // the policy asks for more than one factor, met or not
	strength bool
}

// curable is true when the user could do something about every unmet demand.
func (g grants) curable() bool {
	return len(g.unmet) > 0 && !slices.ContainsFunc(g.unmet, func(o obstacle) bool { return o.need == "" })
}

// provider is who the sign-in log names for the demand.
func (g grants) provider() string {
	if g.strength {
		return "authenticationStrengths"
	}
	return "multiConditionalAccess"
}

// control is one grant control, judged.
type control struct {
	verdict verdict
	why     string
	obstacle
	factors, strength bool
}

// grants judges the controls of a policy that applies. AND: all must be met. OR: one
// suffices. A block is never met.
func (e *evaluation) grants(p state.Object) grants {
	gc := p.Object("grantControls")
	controls := e.controls(gc)
	out := grants{verdict: yes}
	for _, c := range controls {
		out.factors = out.factors || c.factors
		out.strength = out.strength || c.strength
	}
	if len(controls) > 0 {
		if strings.EqualFold(gc.String("operator"), "OR") {
			out.any(controls)
		} else {
			out.all(controls)
		}
	}
	e.session(p.Object("sessionControls"), &out)
	return out
}

func (g *grants) all(controls []control) {
	for _, c := range controls {
		switch c.verdict {
		case no:
			g.unmet = append(g.unmet, c.obstacle)
		case unknown:
			g.verdict, g.why = unknown, c.why
		}
	}
	if len(g.unmet) > 0 {
		g.verdict = no // unmet for certain, whatever the unknown ones would say
	}
}

func (g *grants) any(controls []control) {
	var best *control
	for i, c := range controls {
		switch {
		case c.verdict == yes:
			*g = grants{verdict: yes, factors: g.factors, strength: g.strength}
			return
		case c.verdict == unknown:
			g.verdict, g.why = unknown, c.why
		case best == nil || best.need == "" && c.need != "":
			best = &controls[i]
		}
	}
	if g.verdict != unknown {
		g.verdict, g.unmet = no, []obstacle{best.obstacle}
	}
}

// controls judges each grant control.
func (e *evaluation) controls(gc state.Object) []control {
	var out []control
	for _, name := range gc.Strings("builtInControls") {
		out = append(out, e.builtIn(name))
	}
	if s := gc.Object("authenticationStrength"); s.ID() != "" {
		out = append(out, e.strength(s))
	}
	for _, id := range gc.Strings("termsOfUse") {
		if slices.Contains(e.in.TermsAccepted, id) {
			out = append(out, control{verdict: yes})
			continue
		}
		out = append(out, unmet(50158, "terms:"+id, "terms of use are not accepted"))
	}
	for _, id := range gc.Strings("customAuthenticationFactors") {
		out = append(out, control{verdict: unknown, why: "the custom control " + id})
	}
	return out
}

func unmet(code int, need, reason string) control {
	return control{verdict: no, obstacle: obstacle{code, need, reason}}
}

// met is a control met or not; the rest describes it when it is not.
func met(ok bool, code int, reason string) control {
	if ok {
		return control{verdict: yes}
	}
	return unmet(code, "", reason)
}

func (e *evaluation) builtIn(name string) control {
	switch name {
	case "block":
		return unmet(53003, "", "access is blocked")
	case "mfa":
		c := e.factors("multifactor authentication is required")
		return c
	case "compliantDevice":
		return met(e.in.Device.Bool("isCompliant"), 53000, "a compliant device is required")
	case "domainJoinedDevice":
		return met(e.in.Device.String("trustType") == "ServerAd", 53001, "a hybrid joined device is required")
	case "approvedApplication":
		return met(false, 53002, "an approved client application is required") // no client of the simulator is one
	case "compliantApplication":
		return met(false, 53009, "an application with an Intune protection policy is required") // likewise
	case "passwordChange":
		if e.in.PasswordChanged && SatisfiesMFA(e.proofs) {
			return control{verdict: yes}
		}
		return unmet(50142, "passwordChange", "a password change with multifactor authentication is required")
	}
	return control{verdict: unknown, why: "the grant control " + name}
}

// factors is the demand for more than one factor: 50079 where the user has nothing registered that
// could meet it, else 50076.
func (e *evaluation) factors(reason string) control {
	c := control{verdict: yes, factors: true}
	if !SatisfiesMFA(e.proofs) {
		c.verdict, c.obstacle = no, obstacle{e.mfaCode(), "mfa", reason}
	}
	return c
}

// mfaCode tells a user with a registered second proof from one without.
func (e *evaluation) mfaCode() int {
	if capable(e.tx, e.user) {
		return 50076
	}
	return 50079
}

// capable is true when the user has registered something that makes multifactor
// authentication, and may use it; a service that is down takes nothing from that.
func capable(tx *state.Tx, u state.Object) bool {
	for _, m := range Methods(tx, u.ID()) {
		if !secondFactor(m.Mode) && !multiFactor(m.Mode) {
			continue
		}
		if code, _ := unusable(tx, u, m); code == 0 || code == 500121 {
			return true
		}
	}
	return false
}

// builtInStrengths are the combinations of Entra's own strengths, for tenants whose file
// does not spell them out (page "Conditional Access authentication strength").
var builtInStrengths = map[string][]string{
	"00000000-0000-0000-0000-000000000004": {"windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"},
	"00000000-0000-0000-0000-000000000003": {"windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor", "deviceBasedPush"},
	"00000000-0000-0000-0000-000000000002": {
		"windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor", "deviceBasedPush", "temporaryAccessPassOneTime", "temporaryAccessPassMultiUse",
		"password,microsoftAuthenticatorPush", "password,softwareOath", "password,hardwareOath", "password,sms", "password,voice", "federatedMultiFactor",
		"microsoftAuthenticatorPush,federatedSingleFactor", "softwareOath,federatedSingleFactor", "hardwareOath,federatedSingleFactor", "sms,federatedSingleFactor", "voice,federatedSingleFactor",
	},
}

// strength judges an authentication strength: one of its combinations must be among the
// proofs given, its restrictions on key models included.
func (e *evaluation) strength(ref state.Object) control {
	s := e.tx.Get("policies/authenticationStrengthPolicies", ref.ID())
	combos := s.Strings("allowedCombinations")
	if s == nil {
		if combos = builtInStrengths[strings.ToLower(ref.ID())]; combos == nil {
			return control{verdict: unknown, why: "the authentication strength " + ref.ID()}
		}
	}
	for _, combo := range combos {
		if e.gave(strings.Split(combo, ","), objects(s, "combinationConfigurations"), combo) {
			return control{verdict: yes, factors: true, strength: true}
		}
	}
	name := s.String("displayName")
	if name == "" {
		name = ref.ID()
	}
	c := unmet(e.mfaCode(), "strength:"+strings.ToLower(ref.ID()), fmt.Sprintf("the authentication strength %q is required", name))
	c.factors, c.strength = true, true
	return c
}

// gave is true when the proofs contain every part of a combination.
func (e *evaluation) gave(parts []string, restrictions []state.Object, combo string) bool {
	for _, part := range parts {
		part = strings.TrimSpace(part)
		if !slices.ContainsFunc(e.proofs, func(m Method) bool { return m.Mode == part && e.unrestricted(m, restrictions, combo) }) {
			return false
		}
	}
	return len(parts) > 0
}

// unrestricted is whether a strength's restrictions on a combination let a proof pass.
func (e *evaluation) unrestricted(m Method, restrictions []state.Object, combo string) bool {
	for _, r := range restrictions {
		if !slices.Contains(r.Strings("appliesToCombinations"), combo) {
			continue
		}
		switch typeOf(r) {
		case "fido2CombinationConfiguration":
			aaguid := m.AAGUID
			if aaguid == "" {
				aaguid = registeredAs(e.tx, e.user, m, "fido2AuthenticationMethod").String("aaGuid")
			}
			if !slices.ContainsFunc(r.Strings("allowedAAGUIDs"), func(a string) bool { return strings.EqualFold(a, aaguid) }) {
				return false
			}
		default:
			return false // issuer restrictions of certificates: no simulated certificate meets them
		}
	}
	return true
}

// session judges the session controls: those that only shape the session afterwards leave the
// sign-in alone.
func (e *evaluation) session(sc state.Object, g *grants) {
	if f := sc.Object("signInFrequency"); f.Bool("isEnabled") && !e.in.AuthTime.IsZero() {
		if limit, ok := frequency(f); !ok {
			g.unsure("the sign-in frequency in " + f.String("type"))
		} else if e.tx.Now().Sub(e.in.AuthTime) > limit {
			g.verdict = no
			g.unmet = append(g.unmet, obstacle{70043, "reauthenticate", "the sign-in frequency has run out"})
		}
	}
	if sc.Object("secureSignInSession").Bool("isEnabled") && strings.EqualFold(e.in.ClientAppType, "mobileAppsAndDesktopClients") {
		g.unsure("token protection")
	}
	for key, v := range sc {
		if !strings.HasPrefix(key, "@") && !blank(v) && !slices.Contains(sessionControls, key) {
			g.unsure("the session control " + key)
		}
	}
}

// sessionControls are those whose effect on a sign-in is known.
var sessionControls = []string{
	"applicationEnforcedRestrictions", "cloudAppSecurity", "continuousAccessEvaluation", "disableResilienceDefaults",
	"globalSecureAccessFilteringProfile", "persistentBrowser", "secureSignInSession", "signInFrequency",
}

func (g *grants) unsure(why string) {
	if g.verdict == yes {
		g.verdict, g.why = unknown, why
	}
}

// everyTime tolerates what one sign-in needs (page "Require reauthentication every time").
const everyTime = 5 * time.Minute

func frequency(f state.Object) (time.Duration, bool) {
	if f.String("frequencyInterval") == "everyTime" {
		return everyTime, true
	}
	n := time.Duration(number(f["value"]))
	switch f.String("type") {
	case "hours":
		return n * time.Hour, true
	case "days":
		return n * 24 * time.Hour, true
	}
	return 0, false
}

// grantNames is the grant controls in the sign-in log's words.
func grantNames(p state.Object) []any {
	words := map[string]string{
		"block": "Block", "mfa": "Mfa", "compliantDevice": "RequireCompliantDevice", "domainJoinedDevice": "RequireDomainJoinedDevice",
		"approvedApplication": "RequireApprovedApp", "compliantApplication": "RequireCompliantApp", "passwordChange": "PasswordChange",
	}
	out := []any{}
	gc := p.Object("grantControls")
	for _, c := range gc.Strings("builtInControls") {
		if w, ok := words[c]; ok {
			c = w
		}
		out = append(out, c)
	}
	if s := gc.Object("authenticationStrength"); s.ID() != "" {
		out = append(out, "Require authentication strength")
	}
	if len(gc.Strings("termsOfUse")) > 0 {
		out = append(out, "TermsOfUse")
	}
	return out
}

// sessionNames is the session controls in the sign-in log's words.
func sessionNames(p state.Object) []any {
	sc, out := p.Object("sessionControls"), []any{}
	for _, k := range []struct{ key, word string }{
		{"signInFrequency", "SignInFrequency"},
		{"persistentBrowser", "PersistentBrowser"},
		{"cloudAppSecurity", "CloudAppSecurity"},
		{"applicationEnforcedRestrictions", "AppEnforcedRestrictions"},
		{"secureSignInSession", "SecureSignInSession"},
	} {
		if sc.Object(k.key).Bool("isEnabled") {
			out = append(out, k.word)
		}
	}
	if sc.Bool("disableResilienceDefaults") {
		out = append(out, "DisableResilienceDefaults")
	}
	return out
}
