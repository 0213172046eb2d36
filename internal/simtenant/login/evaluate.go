package login

import (
	"slices"
	"strings"
	"time"

	"breakglass/internal/simtenant/state"
)

// SignIn is one concrete sign-in, of a user or of a service principal, with the proofs
// already given. The zero value of a field is the plain case: no device, no risk, an
// interactive sign-in in a browser just now.
type SignIn struct {
	// UserID is the user; ServicePrincipalID, in its place, an application signing in as itself.
	UserID, ServicePrincipalID string
	// AppID is the client application; "" leaves the client out of account.
	AppID string
	// Targets is everything the sign-in wants to reach; every one must be allowed. Goals gives named sets.
	Targets []Target
	// Methods is what the user proved: all proofs of the session.
	Methods []Method
	// Checked: the proofs were checked when they were given. Whether their methods still
	// exist, are allowed or work does not matter then, as for a session that lives on.
	Checked bool
	// IP is the client's address. Country (ISO 3166, two letters) overrides the simulated table of addresses.
	IP, Country string
	// CompliantNetwork: the request came through Global Secure Access.
	CompliantNetwork bool
	// Platform is android, iOS, windows, windowsPhone, macOS, linux; "" one that Entra does not recognise.
	Platform string
	// ClientAppType is browser (also when empty), mobileAppsAndDesktopClients, exchangeActiveSync, other.
	ClientAppType string
	// Flow is deviceCodeFlow or authenticationTransfer, empty otherwise.
	Flow string
	// Device is the registered device in Graph's shape; nil for one that Entra does not know.
	Device state.Object
	// UserRisk is low, medium, high; empty: as the tenant's risky users say. SignInRisk and
	// InsiderRisk (minor, moderate, elevated): empty is none.
	UserRisk, SignInRisk, InsiderRisk string
	// PasswordChanged: the user set a new password within this sign-in.
	PasswordChanged bool
	// TermsAccepted are the ids of agreements that the user accepted.
	TermsAccepted []string
	// AuthTime is when the proofs were given; zero is now. Sign-in frequency counts from it.
	AuthTime time.Time
	// BaselineSkipped: policies for all resources with an exclusion leave the baseline scopes
	// alone, as before 2026. The live service moves tenants over one by one: try both.
	BaselineSkipped bool
}

// Target is one thing that a sign-in wants to reach: a resource, a user action, or an
// authentication context.
type Target struct {
	// Resource is an application id.
	Resource string
	// Baseline: only the scopes are asked for that any sign-in may ask (openid, User.Read…).
	Baseline bool
	// Write: the resource is used to create, change or delete. Mandatory MFA asks ARM clients for it then only.
	Write bool
	// UserAction is urn:user:registersecurityinfo or urn:user:registerdevice.
	UserAction string
	// AuthContext is c1 … c99, or p1: multifactor authentication, as a resource may demand it.
	AuthContext string
}

// Goals is what people want to reach, each a set of targets, all of which must be
// allowed: Conditional Access binds to resources, not to client applications (Microsoft
// page "Conditional Access: Target resources").
func Goals() map[string][]Target {
	return map[string][]Target{
		"azure-portal":           {{Resource: portalApp}, {Resource: ARMApp}, {Resource: GraphApp}},
		"entra-portal":           {{Resource: portalApp}, {Resource: ARMApp}, {Resource: GraphApp}},
		"m365-admin":             {{Resource: m365AdminApp}, {Resource: GraphApp}},
		"graph":                  {{Resource: GraphApp}},
		"arm-read":               {{Resource: ARMApp}},
		"arm-write":              {{Resource: ARMApp, Write: true}},
		"log-analytics":          {{Resource: LogAnalyticsApp}},
		"register-security-info": {{Resource: mySignInsApp}, {Resource: GraphApp}, {UserAction: registerSecurityInfo}},
		"register-device":        {{UserAction: registerDevice}},
	}
}

const (
	registerSecurityInfo = "urn:user:registersecurityinfo"
	registerDevice       = "urn:user:registerdevice"
)

// Outcome is what the tenant does to a sign-in.
type Outcome struct {
	// Code is 0 when the user is in, else the AADSTS error of the first obstacle.
	Code int
	// Reason says in words what the obstacle is and whose.
	Reason string
	// Needs is what the user could still do to get past: mfa, strength:<id>,
	// passwordChange, terms:<id>, reauthenticate. Empty with a Code: nothing helps here.
	Needs []string
	// Offers is what the user is asked for but may put off: registrationCampaign.
	Offers []string
	// Policies is every Conditional Access policy with its result, as the sign-in log has it
	// (appliedConditionalAccessPolicies, beta).
	Policies []state.Object
	// Status is the log's conditionalAccessStatus: success, failure, notApplied.
	Status string
	// Requirement is singleFactorAuthentication or multiFactorAuthentication.
	Requirement string
	// Providers is who demanded more than one factor (authenticationRequirementPolicies).
	Providers []state.Object
}

// Granted is true when the user is in.
func (o Outcome) Granted() bool { return o.Code == 0 }

// refusal is the outcome as an error of the token endpoint, the names in its text filled in.
func (o Outcome) refusal(c client, res resource, upn string) *refusal {
	r := refuse(o.Code)
	switch {
	case o.Code == 50105:
		r = refuse(o.Code, c.appID, c.name, upn)
	case o.Code == 50034:
		r = refuse(o.Code, upn, "tenant's")
	case o.Code == 7000112:
		r = refuse(o.Code, c.appID, c.name)
	case strings.Contains(faults[o.Code].text, "%s"):
		r = refuse(o.Code, res.name)
	}
	switch o.Code {
	case 50076, 50079, 50074:
		r.suberror = "basic_action"
	case 53000, 53001, 53002, 53003, 53009:
		r.suberror = "message_only"
	}
	return r
}

// Evaluate is Evaluate on this server's tenant, in a transaction of its own.
func (s *Server) Evaluate(in SignIn) (Outcome, error) {
	var out Outcome
	var err error
	s.st.View(func(tx *state.Tx) { out, err = Evaluate(tx, in) })
	return out, err
}

// Evaluate says what becomes of a sign-in: it reads the tenant and changes nothing.
//
// It knows the account's state, the usability of each method, the client's assignment,
// Conditional Access (with nested groups, roles active over the whole tenant, guests,
// resource sets, user actions, authentication contexts, platforms, clients, places,
// device filters, risk, flows, grant and session controls), security defaults, per-user
// MFA, mandatory MFA and registration demands. A block of any enabled policy wins.
//
// The error is NotModelled where an enabled policy that no known condition rules out
// rests on something this simulator does not know; a block by another policy is told nevertheless.
// Consent is not looked at: it hangs on the scopes asked for, not on the sign-in.
func Evaluate(tx *state.Tx, in SignIn) (Outcome, error) {
	e := &evaluation{tx: tx, in: in}
	e.out.Status, e.out.Requirement = "notApplied", "singleFactorAuthentication"
	if in.ServicePrincipalID != "" {
		return e.workload()
	}
	if !e.primary() {
		return e.out, nil
	}
	e.prepare()
	unknown := e.policies()
	e.besides()
	e.decide()
	if unknown != "" && e.out.Code != 53003 {
		return e.out, NotModelled(unknown)
	}
	e.offers()
	return e.out, nil
}

// An evaluation is the work on one sign-in.
type evaluation struct {
	tx     *state.Tx
	in     SignIn
	out    Outcome
	user   state.Object
	groups []string // nested, lower case
	roles  []string // template ids, active, tenant scope
	proofs []Method // the usable ones of in.Methods
	unmet  []obstacle
	mfa    bool // someone demands more than one factor
}

// An obstacle is one demand that is not met.
type obstacle struct {
	code   int
	need   string // what the user could do; "" nothing
	reason string
}

// primary is the part before any policy: the account and the proofs. It is false when
// the sign-in ends here.
func (e *evaluation) primary() bool {
	e.user = e.tx.Get("users", e.in.UserID)
	if e.user == nil {
		return e.end(50034, "the account does not exist (any more)")
	}
	usable, first := e.in.Methods, obstacle{50126, "", "no proof of identity was given"}
	if !e.in.Checked {
		usable, first = e.usable(first)
	}
	e.proofs = usable
	if !slices.ContainsFunc(usable, Method.first) {
		return e.end(first.code, first.reason)
	}
	if e.user["accountEnabled"] == false {
		return e.end(50057, "the account is disabled")
	}
	if why := staleOf(e.tx, e.user); why != "" && usable[0].Mode == "password" && !e.in.PasswordChanged {
		e.out.Needs = []string{"passwordChange"}
		return e.end(50055, why)
	}
	return e.client()
}

// usable is the proofs that count, and why the first one does not when it does not.
func (e *evaluation) usable(first obstacle) ([]Method, obstacle) {
	var out []Method
	for i, m := range e.in.Methods {
		code, why := unusable(e.tx, e.user, m)
		if code == 0 {
			out = append(out, m)
			continue
		}
		if i == 0 {
			first = obstacle{code, "", why}
		}
	}
	return out, first
}

// client is whether the application may be used at all, and by this user.
func (e *evaluation) client() bool {
	sp := servicePrincipal(e.tx, strings.ToLower(e.in.AppID))
	switch {
	case sp == nil:
		return true
	case sp["accountEnabled"] == false:
		return e.end(7000112, "the client application is disabled in this tenant")
	case sp.Bool("appRoleAssignmentRequired") && !assigned(e.tx, sp, e.user.ID()):
		return e.end(50105, "the client application requires assignment and the user has none")
	}
	return true
}

func (e *evaluation) end(code int, reason string) bool {
	e.out.Code, e.out.Reason = code, reason
	return false
}

// assigned is true when a user, or a group that the user is a direct member of, is
// assigned to an application. Nested groups do not count there.
func assigned(tx *state.Tx, sp state.Object, userID string) bool {
	holders := append(tx.LinkedTo("members", userID), strings.ToLower(userID))
	return tx.Find("appRoleAssignments", func(o state.Object) bool {
		return strings.EqualFold(o.String("resourceId"), sp.ID()) && slices.Contains(holders, strings.ToLower(o.String("principalId")))
	}) != nil
}

// prepare gathers what the conditions ask about the user.
func (e *evaluation) prepare() {
	e.groups = nestedGroups(e.tx, e.user.ID())
	e.roles = e.tx.ActiveRoles(e.user.ID())
	if e.in.ClientAppType == "" {
		e.in.ClientAppType = "browser"
	}
	if e.in.UserRisk == "" {
		e.in.UserRisk = riskOf(e.tx, e.user.ID())
	}
}

// nestedGroups is the groups a user is in, through groups too, lower case.
func nestedGroups(tx *state.Tx, id string) []string {
	var out []string
	for todo := []string{strings.ToLower(id)}; len(todo) > 0; todo = todo[1:] {
		for _, g := range tx.LinkedTo("members", todo[0]) {
			if !slices.Contains(out, g) && tx.Get("groups", g) != nil {
				out, todo = append(out, g), append(todo, g)
			}
		}
	}
	return out
}

// riskOf is the user's risk level while it stands.
func riskOf(tx *state.Tx, userID string) string {
	r := tx.Get("identityProtection/riskyUsers", userID)
	if s := r.String("riskState"); s != "atRisk" && s != "confirmedCompromised" {
		return "none"
	}
	return r.String("riskLevel")
}

// demand notes that someone asks for more than one factor.
func (e *evaluation) demand(provider, detail string) {
	e.mfa = true
	for _, p := range e.out.Providers {
		if p.String("requirementProvider") == provider && p.String("detail") == detail {
			return
		}
	}
	e.out.Providers = append(e.out.Providers, state.Object{"requirementProvider": provider, "detail": detail})
}

// decide makes the outcome of the obstacles. A block ends it; the others come in the order in
// which Entra asks: factors, device, application, password, terms of use (page "Building a
// Conditional Access policy").
func (e *evaluation) decide() {
	if e.mfa {
		e.out.Requirement = "multiFactorAuthentication"
	}
	rank := func(o obstacle) int {
		return slices.Index([]int{53003, 530035, 70043, 50074, 50076, 50079, 53000, 53001, 53002, 53009, 50142, 50158}, o.code)
	}
	slices.SortStableFunc(e.unmet, func(a, b obstacle) int { return rank(a) - rank(b) })
	for i, o := range e.unmet {
		if i == 0 {
			e.out.Code, e.out.Reason = o.code, o.reason
		}
		if o.need == "" {
			e.out.Needs = nil // one obstacle that nothing removes: the others do not matter
			return
		}
		if !slices.Contains(e.out.Needs, o.need) {
			e.out.Needs = append(e.out.Needs, o.need)
		}
	}
}
