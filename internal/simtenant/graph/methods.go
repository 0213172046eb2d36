package graph

import (
	"net/http"
	"slices"
	"strings"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// collMethods holds every registered method but passwords: one object each, `_user` its owner.
const collMethods = "authenticationMethods"

// passwordMethod is the id of everybody's password.
const passwordMethod = "28c10230-6103-485e-b985-444c60001490"

// A methodKind is a typed collection below /users/{id}/authentication.
type methodKind struct {
	path, typ string
	beta      bool
	deletable bool
}

var methodKinds = []methodKind{
	{"fido2Methods", "fido2AuthenticationMethod", false, true},
	{"microsoftAuthenticatorMethods", "microsoftAuthenticatorAuthenticationMethod", false, true},
	{"phoneMethods", "phoneAuthenticationMethod", false, true},
	{"emailMethods", "emailAuthenticationMethod", false, true},
	{"softwareOathMethods", "softwareOathAuthenticationMethod", false, true},
	{"windowsHelloForBusinessMethods", "windowsHelloForBusinessAuthenticationMethod", false, true},
	{"platformCredentialMethods", "platformCredentialAuthenticationMethod", false, true},
	{"externalAuthenticationMethods", "externalAuthenticationMethod", false, true},
	{"temporaryAccessPassMethods", "temporaryAccessPassAuthenticationMethod", false, true},
	{"passwordMethods", "passwordAuthenticationMethod", false, false},
	{"hardwareOathMethods", "hardwareOathAuthenticationMethod", true, true},
}

// Directory roles that read and change other people's methods. An Authentication
// Administrator reaches users without administrator roles only ("Who can reset passwords").
var (
	readsMethods  = []string{roleGlobalReader, roleAuthenticationAdmin, rolePrivilegedAuthAdmin, roleAuthenticationPolicyAdmin}
	writesMethods = []string{rolePrivilegedAuthAdmin, roleAuthenticationAdmin}
)

// methodRoutes is users' authentication methods, for anybody and for oneself.
func (a *API) methodRoutes() []route {
	var routes []route
	for _, whose := range []string{"/users/{user}", "/me"} {
		base := whose + "/authentication"
		readers, writers := readsMethods, writesMethods
		if whose == "/me" {
			readers, writers = nil, nil
		}
		routes = append(routes,
			route{method: "GET", pattern: base + "/methods", roles: readers, handle: (*call).listMethods},
			route{method: "GET", pattern: base + "/methods/{method}", roles: readers, handle: (*call).getMethod},
		)
		for _, k := range methodKinds {
			at := base + "/" + k.path
			if whose == "/me" && k.path == "externalAuthenticationMethods" {
				continue // documented for other people's methods only
			}
			routes = append(routes,
				route{method: "GET", pattern: at, beta: k.beta, roles: readers, handle: func(c *call) { c.listKind(k) }},
				route{method: "GET", pattern: at + "/{method}", beta: k.beta, roles: readers, handle: func(c *call) { c.getKind(k) }},
			)
			if k.deletable {
				routes = append(routes, route{method: "DELETE", pattern: at + "/{method}", beta: k.beta, roles: writers, handle: func(c *call) { c.deleteMethod(k) }})
			}
		}
	}
	return slices.Concat(routes, a.methodWriteRoutes())
}

// methodWriteRoutes is what one person does to another's methods.
func (a *API) methodWriteRoutes() []route {
	const base = "/users/{user}/authentication"
	policyReaders := append([]string{roleAuthenticationPolicyAdmin, rolePrivilegedAuthAdmin}, readsPolicies...)
	passkeys := both("UserAuthMethod-Passkey.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All")
	return []route{
		{method: "POST", pattern: base + "/phoneMethods", roles: writesMethods, handle: (*call).addPhone},
		{method: "POST", pattern: base + "/emailMethods", roles: writesMethods, handle: (*call).addEmail},
		{method: "POST", pattern: base + "/temporaryAccessPassMethods", roles: writesMethods, handle: (*call).addPass},
		{method: "POST", pattern: base + "/fido2Methods", roles: writesMethods, handle: func(c *call) { c.notModelled("registration of passkeys for others") }},
		{method: "PATCH", pattern: base + "/fido2Methods/{method}", need: passkeys, roles: writesMethods, handle: (*call).renamePasskey},
		{method: "GET", pattern: base + "/fido2Methods/creationOptions", need: passkeys, roles: writesMethods, handle: func(c *call) { c.notModelled("creation options of passkeys") }},
		{method: "POST", pattern: base + "/methods/{method}/resetPassword", roles: writesMethods, handle: (*call).resetPassword},
		{method: "GET", pattern: base + "/requirements", beta: true, roles: policyReaders, handle: (*call).getRequirements},
		{method: "PATCH", pattern: base + "/requirements", beta: true, roles: append([]string{roleAuthenticationPolicyAdmin}, writesMethods...), handle: (*call).updateRequirements},
	}
}

// owner is the user of the path by id or user principal name, or the caller under /me.
func (c *call) owner() state.Object {
	key := c.params["user"]
	if key == "" {
		key = c.who.ObjectID
	}
	u := c.get("users", key)
	if u == nil {
		u = c.tx.Find("users", func(o state.Object) bool {
			return strings.EqualFold(o.String("userPrincipalName"), key) && c.visible(o)
		})
	}
	if u == nil {
		c.notFound(key)
	}
	return u
}

// methodsOf is a user's methods, the password first; a pass that is over is gone.
func (c *call) methodsOf(u state.Object) []state.Object {
	out := []state.Object{{
		"@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": passwordMethod, "password": nil,
		"createdDateTime": u["lastPasswordChangeDateTime"],
	}}
	for _, m := range c.tx.List(collMethods) {
		if strings.EqualFold(m.String("_user"), u.ID()) {
			out = append(out, c.shownMethod(m))
		}
	}
	return out
}

// shownMethod is a stored method as it is answered. Ids of phones are the same for every
// user, so they are stored under another (_key) and shown as _id.
func (c *call) shownMethod(m state.Object) state.Object {
	m["_key"] = m.ID()
	if id := m.String("_id"); id != "" {
		m["id"] = id
	}
	if m.String("@odata.type") == passType {
		usable, reason := passUsable(m, c.now())
		m["isUsable"], m["methodUsabilityReason"], m["temporaryAccessPass"] = usable, reason, nil
	}
	return m
}

func (c *call) listMethods() {
	if u := c.owner(); u != nil {
		c.list(c.methodsOf(u), "authenticationMethod")
	}
}

// methodByID finds one of the owner's methods; typ "" takes any. It answers 404 itself.
func (c *call) methodByID(typ string) (u, m state.Object) {
	if u = c.owner(); u == nil {
		return nil, nil
	}
	for _, m := range c.methodsOf(u) {
		if strings.EqualFold(m.ID(), c.params["method"]) && (typ == "" || m.String("@odata.type") == "#microsoft.graph."+typ) {
			return u, m
		}
	}
	c.fail(http.StatusNotFound, "resourceNotFound", "The requested authentication method was not found.")
	return nil, nil
}

func (c *call) getMethod() {
	if _, m := c.methodByID(""); m != nil {
		c.one(m, "authenticationMethod")
	}
}

func (c *call) listKind(k methodKind) {
	u := c.owner()
	if u == nil {
		return
	}
	list := slices.DeleteFunc(c.methodsOf(u), func(m state.Object) bool { return m.String("@odata.type") != "#microsoft.graph."+k.typ })
	c.list(list, k.typ)
}

func (c *call) getKind(k methodKind) {
	if _, m := c.methodByID(k.typ); m != nil {
		c.one(m, k.typ)
	}
}

// mayChangeMethods refuses what an administrator may not do to this user: administrators'
// methods take a Privileged Authentication Administrator; members of a restricted unit are
// out of reach for all but those who hold the role over that unit, where it can be held.
func (c *call) mayChangeMethods(u state.Object) bool {
	if c.restricted(u, roleAuthenticationAdmin) {
		return false
	}
	admin := len(c.tx.ActiveRoles(u.ID())) > 0
	if c.who.User && c.params["user"] != "" && admin && !c.holds(rolePrivilegedAuthAdmin) {
		c.denied()
		return false
	}
	return true
}

func (c *call) deleteMethod(k methodKind) {
	u, m := c.methodByID(k.typ)
	if m == nil || !c.mayChangeMethods(u) {
		return
	}
	c.tx.Delete(collMethods, m.String("_key"))
	activity := "Admin deleted security info"
	switch k.typ {
	case "fido2AuthenticationMethod":
		activity = "Delete Passkey (device-bound)"
	case "windowsHelloForBusinessAuthenticationMethod":
		activity = "Delete Windows Hello for Business credential"
	}
	c.auditMethod(activity, "Delete", u, m, "User's authentication method was deleted: "+k.typ)
	c.noContent()
}

func (c *call) renamePasskey() {
	_, m := c.methodByID("fido2AuthenticationMethod")
	if m == nil || !c.decode("fido2AuthenticationMethod") {
		return
	}
	stored := c.tx.Get(collMethods, m.String("_key"))
	stored["displayName"] = c.body["displayName"]
	c.tx.Put(collMethods, stored)
	c.noContent()
}

// auditMethod is the registration service's record; what it was stands in the reason.
func (c *call) auditMethod(activity, operation string, u, m state.Object, reason string) {
	if c.correlation == "" {
		c.correlation = state.NewID()
	}
	rec := logs.Event("UserManagement", logs.Authentication, operation, activity, logs.By(c.tx, c.who, c.ip()),
		logs.Target("User", u, logs.Changed("StrongAuthenticationMethod", nil, []any{m["id"]})))
	rec["correlationId"], rec["resultReason"] = c.correlation, reason
	c.api.Logs.Audit(c.tx, rec)
}

// keepMethod stores a new method of a user.
func (c *call) keepMethod(u, m state.Object) state.Object {
	m["_user"] = u.ID()
	if m["createdDateTime"] == nil {
		m["createdDateTime"] = state.Timestamp(c.now())
	}
	return c.tx.Put(collMethods, m)
}

func (c *call) addPhone() {
	u := c.owner()
	if u == nil || !c.mayChangeMethods(u) || !c.decode("phoneAuthenticationMethod") {
		return
	}
	kind, number := c.body.String("phoneType"), c.body.String("phoneNumber")
	id := phoneIDs[kind]
	for _, m := range c.methodsOf(u) {
		if m.String("phoneType") == kind && kind != "" {
			c.fail(http.StatusBadRequest, "badRequest", "The phone type '"+kind+"' is already registered.")
			return
		}
	}
	if id == "" || !strings.HasPrefix(number, "+") {
		c.fail(http.StatusBadRequest, "badRequest", "phoneType and a phoneNumber like '+1 5555555555' are required.")
		return
	}
	m := c.keepMethod(u, state.Object{
		"@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "_id": id,
		"phoneNumber": number, "phoneType": kind, "smsSignInState": "notAllowedByPolicy",
	})
	c.auditMethod("Admin registered security info", "Add", u, m, "Admin registered phone method for user")
	c.created(c.shownMethod(m), "phoneAuthenticationMethod")
}

// phoneIDs are the ids that the live service gives each kind of phone.
var phoneIDs = map[string]string{
	"mobile": "3179e48a-750b-4051-897c-87b9720928f7", "alternateMobile": "b6332ec1-7057-4abe-9331-3d72feddfe41",
	"office": "e37fc753-ff3b-4958-9484-eaa9425c82bc",
}

func (c *call) addEmail() {
	u := c.owner()
	if u == nil || !c.mayChangeMethods(u) || !c.decode("emailAuthenticationMethod") {
		return
	}
	if !strings.Contains(c.body.String("emailAddress"), "@") {
		c.fail(http.StatusBadRequest, "badRequest", "emailAddress is required.")
		return
	}
	m := c.keepMethod(u, state.Object{"@odata.type": "#microsoft.graph.emailAuthenticationMethod", "emailAddress": c.body["emailAddress"]})
	c.auditMethod("Admin registered security info", "Add", u, m, "Admin registered email method for user")
	c.created(m, "emailAuthenticationMethod")
}

// resetPassword is the administrator's reset as a long-running operation: the user must
// choose a new password at the next sign-in. Applications may not. Graph page
// "authenticationMethod: resetPassword".
func (c *call) resetPassword() {
	u, m := c.methodByID("passwordAuthenticationMethod")
	if m == nil || !c.mayChangeMethods(u) {
		return
	}
	if strings.EqualFold(u.ID(), c.who.ObjectID) {
		c.fail(http.StatusBadRequest, "badRequest", "Own password cannot be reset by this operation.")
		return
	}
	password := c.body.String("newPassword")
	if password == "" {
		password = "Sim-" + state.NewID()[:12]
		c.answer.body = map[string]any{"newPassword": password}
	}
	u["_password"] = password
	u["lastPasswordChangeDateTime"], u["signInSessionsValidFromDateTime"] = state.Timestamp(c.now()), state.Timestamp(c.now())
	u["passwordProfile"] = map[string]any{"forceChangePasswordNextSignIn": true, "forceChangePasswordNextSignInWithMfa": false, "password": nil}
	c.tx.Put("users", u)
	for _, activity := range []string{"Reset user password", "Update StsRefreshTokenValidFrom Timestamp", "Update PasswordProfile"} {
		c.audit("UserManagement", "Update", activity, logs.Target("User", u))
	}
	c.reply(http.StatusAccepted, c.answer.body)
	c.answer.header = http.Header{"Location": {c.base() + "/" + c.version + "/users/" + u.ID() + "/authentication/operations/" + state.NewID()}}
}

// perUserMFA is the user's legacy state, kept as a hidden key of the user.
func perUserMFA(u state.Object) string {
	if s := u.String("_perUserMfaState"); s != "" {
		return s
	}
	return "disabled"
}

func (c *call) getRequirements() {
	if u := c.owner(); u != nil {
		c.reply(http.StatusOK, map[string]any{
			"@odata.context":  c.base() + "/beta/$metadata#users('" + u.ID() + "')/authentication/requirements",
			"perUserMfaState": perUserMFA(u),
		})
	}
}

func (c *call) updateRequirements() {
	u := c.owner()
	if u == nil || !c.decode("strongAuthenticationRequirements") {
		return
	}
	before := perUserMFA(u)
	u["_perUserMfaState"] = c.body.String("perUserMfaState")
	c.tx.Put("users", u)
	activity := "Enable Strong Authentication"
	if perUserMFA(u) == "disabled" {
		activity = "Disable Strong Authentication"
	}
	c.audit("UserManagement", "Update", activity, logs.Target("User", u, logs.Changed("StrongAuthenticationRequirement", []any{before}, []any{perUserMFA(u)})))
	c.noContent()
}
