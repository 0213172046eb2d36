package graph

import (
	"net/http"
	"slices"
	"strings"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// Directory roles that may read logs and registration reports.
var (
	readsLogs  = []string{roleReportsReader, roleSecurityReader, roleSecurityAdministrator, roleSecurityOperator, roleGlobalReader}
	seesRisks  = []string{roleSecurityReader, roleSecurityAdministrator, roleSecurityOperator, roleGlobalReader}
	clearsRisk = []string{roleSecurityAdministrator, roleSecurityOperator}
)

const collRiskyUsers = "identityProtection/riskyUsers"

// reportRoutes is audit and sign-in logs, registration details, risk.
func (a *API) reportRoutes() []route {
	return []route{
		{method: "GET", pattern: "/auditLogs/directoryAudits", roles: readsLogs, handle: (*call).listAudits},
		{method: "GET", pattern: "/auditLogs/directoryAudits/{id}", roles: readsLogs, handle: (*call).getAudit},
		{method: "GET", pattern: "/auditLogs/signIns", roles: readsLogs, handle: (*call).listSignIns},
		{method: "GET", pattern: "/auditLogs/signIns/{id}", roles: readsLogs, handle: (*call).getSignIn},
		{method: "GET", pattern: "/reports/authenticationMethods/userRegistrationDetails", roles: readsLogs, handle: (*call).listRegistrations},
		{method: "GET", pattern: "/reports/authenticationMethods/userRegistrationDetails/{id}", roles: readsLogs, handle: (*call).getRegistration},
		{method: "GET", pattern: "/identityProtection/riskyUsers", roles: seesRisks, handle: func(c *call) {
			if c.protected() {
				c.list(c.tx.List(collRiskyUsers), "riskyUser")
			}
		}},
		{method: "GET", pattern: "/identityProtection/riskyUsers/{id}", roles: seesRisks, handle: (*call).getRisky},
		{method: "POST", pattern: "/identityProtection/riskyUsers/dismiss", roles: clearsRisk, handle: func(c *call) {
			c.settleRisk("DismissUser", "dismissed", "adminDismissedAllRiskForUser", "none")
		}},
		{method: "POST", pattern: "/identityProtection/riskyUsers/confirmCompromised", roles: clearsRisk, handle: func(c *call) {
			c.settleRisk("ConfirmAccountCompromised", "confirmedCompromised", "adminConfirmedUserCompromised", "high")
		}},
	}
}

// kept is the records of a log that readers see now: known by now, not older than the
// retention (7 days in a free tenant, else 30), newest first.
func (c *call) kept(coll, timeKey string) []state.Object {
	days := 7
	if c.licensed("AAD_PREMIUM") {
		days = 30
	}
	oldest := c.now().AddDate(0, 0, -days)
	list := slices.DeleteFunc(c.tx.List(coll), func(o state.Object) bool {
		return !logs.Known(o, c.now()) || o.Time(timeKey).Before(oldest)
	})
	slices.SortStableFunc(list, func(a, b state.Object) int { return b.Time(timeKey).Compare(a.Time(timeKey)) })
	return list
}

func (c *call) listAudits() {
	c.reportPage()
	c.list(c.kept(logs.Audits, "activityDateTime"), "directoryAudit")
}

// reportPage: the reports' pages hold a thousand records unless asked for fewer.
func (c *call) reportPage() {
	if c.query["top"] == "" {
		c.query["top"] = "1000"
	}
}

func (c *call) getAudit() {
	for _, rec := range c.kept(logs.Audits, "activityDateTime") {
		if rec.ID() == c.params["id"] {
			c.one(rec, "directoryAudit")
			return
		}
	}
	c.notFound(c.params["id"])
}

// signInsLicensed is the gate of a tenant without P1.
func (c *call) signInsLicensed() bool {
	if c.licensed("AAD_PREMIUM") {
		return true
	}
	c.fail(http.StatusForbidden, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "Neither tenant is B2C or tenant doesn't have premium license")
	return false
}

// signIns is what this version shows: v1.0 interactive ones only, beta the kinds that the
// filter names, interactive ones when it names none.
func (c *call) signIns() []state.Object {
	list := c.kept(logs.SignIns, "createdDateTime")
	asked := c.beta() && strings.Contains(strings.ToLower(c.query["filter"]), "signineventtypes")
	out := list[:0]
	for _, rec := range list {
		if asked || slices.Contains(rec.Strings("signInEventTypes"), "interactiveUser") {
			out = append(out, c.shownSignIn(rec))
		}
	}
	return out
}

// shownSignIn hides what only beta has, and the policies from readers without a permission
// on Conditional Access.
func (c *call) shownSignIn(rec state.Object) state.Object {
	if !c.beta() {
		for key := range rec {
			if _, ok := metadata().prop("signIn", key, false); !ok && !strings.HasPrefix(key, "_") {
				delete(rec, key)
			}
		}
	}
	if !c.granted("Policy.Read.All", "Policy.Read.ConditionalAccess", "Policy.ReadWrite.ConditionalAccess") {
		rec["appliedConditionalAccessPolicies"] = []any{}
	}
	return rec
}

func (c *call) listSignIns() {
	if c.signInsLicensed() {
		c.reportPage()
		c.list(c.signIns(), "signIn")
	}
}

func (c *call) getSignIn() {
	if !c.signInsLicensed() {
		return
	}
	for _, rec := range c.kept(logs.SignIns, "createdDateTime") {
		if rec.ID() == c.params["id"] {
			c.one(c.shownSignIn(rec), "signIn")
			return
		}
	}
	c.notFound(c.params["id"])
}

// registrationNames is the report's word for each kind of method.
var registrationNames = map[string]string{
	"fido2AuthenticationMethod": "passKeyDeviceBound", "microsoftAuthenticatorAuthenticationMethod": "microsoftAuthenticatorPush",
	"phoneAuthenticationMethod": "mobilePhone", "emailAuthenticationMethod": "email", "softwareOathAuthenticationMethod": "softwareOneTimePasscode",
	"hardwareOathAuthenticationMethod": "hardwareOneTimePasscode", "windowsHelloForBusinessAuthenticationMethod": "windowsHelloForBusiness",
	"temporaryAccessPassAuthenticationMethod": "temporaryAccessPass",
}

// registration is one user's row of the report.
func (c *call) registration(u state.Object) state.Object {
	var names []string
	for _, m := range c.methodsOf(u) {
		if n := registrationNames[strings.TrimPrefix(m.String("@odata.type"), "#microsoft.graph.")]; n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	strong := slices.ContainsFunc(names, func(n string) bool { return n != "email" && n != "temporaryAccessPass" })
	passwordless := slices.Contains(names, "passKeyDeviceBound") || slices.Contains(names, "windowsHelloForBusiness")
	kind := "member"
	if u.String("userType") == "Guest" {
		kind = "guest"
	}
	return state.Object{
		"id": u.ID(), "userPrincipalName": u["userPrincipalName"], "userDisplayName": u["displayName"], "userType": kind,
		"isAdmin": len(c.tx.ActiveRoles(u.ID())) > 0, "isMfaRegistered": strong, "isMfaCapable": strong, "isPasswordlessCapable": passwordless,
		"isSsprRegistered": slices.Contains(names, "mobilePhone") || slices.Contains(names, "email"), "isSsprEnabled": c.authorization().Bool("allowedToUseSSPR") && len(c.tx.ActiveRoles(u.ID())) > 0,
		"isSsprCapable": false, "methodsRegistered": toAny(names), "isSystemPreferredAuthenticationMethodEnabled": true,
		"systemPreferredAuthenticationMethods": []any{}, "userPreferredMethodForSecondaryAuthentication": "none",
		"lastUpdatedDateTime": state.Timestamp(c.now()),
	}
}

func (c *call) listRegistrations() {
	if !c.signInsLicensed() {
		return
	}
	var out []state.Object
	for _, u := range c.tx.List("users") {
		out = append(out, c.registration(u))
	}
	c.list(out, "userRegistrationDetails")
}

func (c *call) getRegistration() {
	if !c.signInsLicensed() {
		return
	}
	u := c.get("users", c.params["id"])
	if u == nil {
		c.notFound(c.params["id"])
		return
	}
	c.one(c.registration(u), "userRegistrationDetails")
}

// protected is the gate of Identity Protection: P2. Code and text are from memory.
func (c *call) protected() bool {
	if c.licensed("AAD_PREMIUM_P2") {
		return true
	}
	c.fail(http.StatusForbidden, "Forbidden", "Your tenant is not licensed for this feature. Microsoft Entra ID P2 is required.")
	return false
}

func (c *call) getRisky() {
	if !c.protected() {
		return
	}
	u := c.get(collRiskyUsers, c.params["id"])
	if u == nil {
		c.fail(http.StatusNotFound, "ResourceNotFound", "The risky user '"+c.params["id"]+"' could not be found.")
		return
	}
	c.one(u, "riskyUser")
}

// settleRisk closes or confirms the risk of the users named in the body.
func (c *call) settleRisk(activity, riskState, detail, level string) {
	if !c.protected() {
		return
	}
	ids := c.body.Strings("userIds")
	if len(ids) == 0 || len(ids) > 60 {
		c.fail(http.StatusBadRequest, "BadRequest", "userIds must contain between 1 and 60 ids.")
		return
	}
	for _, id := range ids {
		u := c.tx.Get("users", id)
		if u == nil {
			continue
		}
		r := c.tx.Get(collRiskyUsers, id)
		if r == nil {
			r = state.Object{"id": u.ID(), "userPrincipalName": u["userPrincipalName"], "userDisplayName": u["displayName"], "isDeleted": false, "isProcessing": false}
		}
		r["riskState"], r["riskDetail"], r["riskLevel"], r["riskLastUpdatedDateTime"] = riskState, detail, level, logs.Instant(c.now())
		c.tx.Put(collRiskyUsers, r)
		c.auditBy(logs.Protection, "Other", "Update", activity, logs.Target("User", u))
	}
	c.noContent()
}
