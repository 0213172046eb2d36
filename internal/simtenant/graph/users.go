package graph

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// usersRoutes is users and what hangs on them. /me is /users/{caller}.
func (a *API) usersRoutes() []route {
	return []route{
		{method: "GET", pattern: "/users", handle: func(c *call) {
			if c.activityAllowed() {
				c.list(c.tx.List(collUsers), "user")
			}
		}},
		{method: "POST", pattern: "/users", need: both("User.ReadWrite.All", "Directory.ReadWrite.All", "User.Create"), roles: writesUsers, handle: (*call).createUser},
		{method: "GET", pattern: "/users/delta", handle: func(c *call) { c.notModelled("delta queries") }},
		{method: "GET", pattern: "/users/{id}", handle: func(c *call) {
			if u := c.user(); u != nil && c.activityAllowed() {
				c.one(u, "user")
			}
		}},
		{method: "PATCH", pattern: "/users/{id}", handle: (*call).updateUser},
		{method: "DELETE", pattern: "/users/{id}", handle: (*call).deleteUser},
		{method: "POST", pattern: "/users/{id}/revokeSignInSessions", handle: (*call).revokeSessions},
		{method: "GET", pattern: "/users/{id}/manager", handle: func(c *call) {
			if u := c.user(); u != nil {
				c.firstLinked(u, "manager")
			}
		}},
		{method: "PUT", pattern: "/users/{id}/manager/$ref", need: both("User.ReadWrite.All", "Directory.ReadWrite.All"), roles: writesUsers, handle: (*call).setManager},
		{method: "DELETE", pattern: "/users/{id}/manager/$ref", need: both("User.ReadWrite.All", "Directory.ReadWrite.All"), roles: writesUsers, handle: (*call).dropManager},
		{method: "GET", pattern: "/users/{id}/directReports", handle: func(c *call) {
			if u := c.user(); u != nil {
				c.listObjects(c.tx.LinkedTo("manager", u.ID()))
			}
		}},
		{method: "GET", pattern: "/users/{id}/ownedObjects", handle: func(c *call) {
			if u := c.user(); u != nil {
				c.listObjects(c.tx.LinkedTo("owners", u.ID()))
			}
		}},
		{method: "GET", pattern: "/users/{id}/licenseDetails", handle: (*call).listLicences},
		{method: "GET", pattern: "/users/{id}/registeredDevices", handle: func(c *call) {
			if u := c.user(); u != nil {
				c.listObjects(c.tx.LinkedTo("registeredOwners", u.ID()))
			}
		}},
		{method: "GET", pattern: "/users/{id}/appRoleAssignments", handle: func(c *call) {
			if u := c.user(); u != nil {
				c.listAppRoles("principalId", u.ID())
			}
		}},
		{method: "GET", pattern: "/users/{id}/oauth2PermissionGrants", handle: func(c *call) {
			if u := c.user(); u != nil {
				c.listConsents("principalId", u.ID())
			}
		}},
	}
}

// writesUsers are the roles that create and change ordinary users.
var writesUsers = []string{roleUserAdministrator, roleDirectoryWriters}

// user is the user that the path names, by id or by user principal name; it answers 404
// when there is none, and 403 to an application that may see only the caller.
func (c *call) user() state.Object {
	key := c.params["id"]
	var u state.Object
	if guidText.MatchString(key) {
		u = c.get(collUsers, key)
	} else if strings.Contains(key, "@") {
		u = c.tx.Find(collUsers, func(o state.Object) bool {
			return strings.EqualFold(o.String("userPrincipalName"), key) && c.visible(o)
		})
	}
	if c.who.User && !c.mySelf(u) && c.r.Method == http.MethodGet && c.onlyMine() {
		c.denied()
		return nil
	}
	if u == nil {
		c.notFound(key)
	}
	return u
}

func (c *call) mySelf(u state.Object) bool { return strings.EqualFold(u.ID(), c.who.ObjectID) }

// onlyMine is true for a token whose user permissions reach its own user alone.
func (c *call) onlyMine() bool {
	return !slices.ContainsFunc(c.who.Grants, func(g string) bool {
		return strings.HasSuffix(g, ".All") || strings.HasSuffix(g, ".Directory") || strings.HasPrefix(g, "Directory.")
	})
}

// activityAllowed refuses signInActivity, which is shown only when it is selected, to
// tenants without Premium P1 and to tokens without AuditLog.Read.All ("Get user").
func (c *call) activityAllowed() bool {
	asked := strings.Contains(strings.ToLower(c.query["select"]+" "+c.query["filter"]+" "+c.query["orderby"]), "signinactivity")
	switch {
	case !asked:
		return true
	case !c.granted("AuditLog.Read.All"):
		c.denied()
	case !c.licensed("AAD_PREMIUM"):
		c.fail(http.StatusForbidden, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "Neither tenant is B2C or tenant doesn't have premium license")
	default:
		return true
	}
	return false
}

func (c *call) bad(message string) { c.fail(http.StatusBadRequest, "Request_BadRequest", message) }

// required answers 400 for the first property that the body lacks.
func (c *call) required(resource string, props ...string) bool {
	for _, p := range props {
		if v, ok := c.body[p]; !ok || v == nil || v == "" {
			c.bad("A value is required for property '" + p + "' of resource '" + resource + "'.")
			return false
		}
	}
	return true
}

func (c *call) createUser() {
	if !c.decode("user") || !c.required("User", "accountEnabled", "displayName", "mailNickname", "userPrincipalName") || !c.writable(readOnlyUser) {
		return
	}
	u := c.body.Clone()
	if !c.validValues("User", userValues) || !c.validName(u.String("userPrincipalName"), "") {
		return
	}
	federated := c.domainOf(u.String("userPrincipalName")).String("authenticationType") == "Federated"
	if federated && u.String("onPremisesImmutableId") == "" {
		c.required("User", "onPremisesImmutableId")
		return
	}
	profile := u.Object("passwordProfile")
	if !federated && profile.String("password") == "" {
		c.bad("A password must be specified to create a new user.")
		return
	}
	if !c.validPassword(u, profile.String("password"), federated) {
		return
	}
	c.prepareUser(u)
	c.setPassword(u, profile)
	u["id"] = state.NewID()
	u["securityIdentifier"] = securityIdentifier(u.ID())
	u = c.create(collUsers, u)
	c.audit("UserManagement", "Add", "Add user", logs.Target("User", u, logs.Changed("AccountEnabled", []any{}, []any{u["accountEnabled"]}), logs.Changed("UserPrincipalName", []any{}, []any{u["userPrincipalName"]})))
	c.audit("UserManagement", "Update", "Update PasswordProfile", logs.Target("User", u))
	c.created(u, "user")
}

// prepareUser fills in what Entra sets on a new user.
func (c *call) prepareUser(u state.Object) {
	now := state.Timestamp(c.now())
	delete(u, "id")
	delete(u, "@odata.type")
	for k, v := range map[string]any{
		"createdDateTime": now, "userType": "Member", "onPremisesSyncEnabled": nil, "passwordPolicies": nil, "deletedDateTime": nil,
		"businessPhones": []any{}, "otherMails": []any{}, "proxyAddresses": []any{}, "assignedLicenses": []any{}, "assignedPlans": []any{},
		"identities": []any{map[string]any{"signInType": "userPrincipalName", "issuer": initialDomain(c.tx), "issuerAssignedId": u["userPrincipalName"]}},
	} {
		if _, ok := u[k]; !ok {
			u[k] = v
		}
	}
	u["lastPasswordChangeDateTime"], u["signInSessionsValidFromDateTime"] = now, now
}

var (
	readOnlyUser = strings.Fields("id createdDateTime creationType lastPasswordChangeDateTime signInSessionsValidFromDateTime signInActivity isManagementRestricted securityIdentifier refreshTokensValidFromDateTime onPremisesSyncEnabled deletedDateTime assignedLicenses assignedPlans proxyAddresses provisionedPlans licenseAssignmentStates")
	upnForm      = regexp.MustCompile(`^[A-Za-z0-9'.\-_!#^~]{1,64}@[A-Za-z0-9.\-]{1,48}$`)
)

// writable answers 400 for a property that only the service sets. The id that the path
// names already is let through (R: hamilton sends it with every change), and dropped.
func (c *call) writable(readOnly []string) bool {
	if id := c.body.String("id"); id != "" && strings.EqualFold(id, c.params["id"]) {
		delete(c.body, "id")
	}
	for _, p := range readOnly {
		if _, ok := c.body[p]; ok {
			c.bad("Property '" + p + "' is read-only and cannot be set.")
			return false
		}
	}
	return true
}

// validName checks a user principal name: its form, its domain, that nobody has it.
func (c *call) validName(upn, self string) bool {
	local, _, _ := strings.Cut(upn, "@")
	switch {
	case !upnForm.MatchString(upn) || strings.HasSuffix(local, "."):
		c.bad("Invalid value specified for property 'userPrincipalName' of resource 'User'.")
	case c.domainOf(upn) == nil:
		c.bad("The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.")
	case c.tx.Find(collUsers, func(o state.Object) bool {
		return strings.EqualFold(o.String("userPrincipalName"), upn) && o.ID() != self
	}) != nil:
		c.bad("Another object with the same value for property userPrincipalName already exists.")
	default:
		return true
	}
	return false
}

// domainOf is the verified domain behind the @, nil when the tenant has none such.
func (c *call) domainOf(upn string) state.Object {
	_, domain, _ := strings.Cut(upn, "@")
	d := c.tx.Get("domains", domain)
	if d == nil || !d.Bool("isVerified") {
		return nil
	}
	return d
}

// A user's properties that others than the user's own administrators may not touch.
var sensitive = []string{"accountEnabled", "businessPhones", "mobilePhone", "onPremisesImmutableId", "otherMails", "passwordProfile", "userPrincipalName"}

// narrow are the permissions that reach single properties, beside User.ReadWrite.All.
var narrow = map[string]string{
	"accountEnabled": "User.EnableDisableAccount.All", "businessPhones": "User-Phone.ReadWrite.All", "mobilePhone": "User-Phone.ReadWrite.All",
	"otherMails": "User-Mail.ReadWrite.All", "identities": "User.ManageIdentities.All",
}

func (c *call) updateUser() {
	u := c.user()
	if u == nil || !c.decode("user") || !c.writable(readOnlyUser) || !c.mayUpdate(u) || !c.validValues("User", userValues) {
		return
	}
	changed := c.body.Clone()
	if upn, ok := changed["userPrincipalName"].(string); ok && !c.validName(upn, u.ID()) {
		return
	}
	profile := changed.Object("passwordProfile")
	if _, named := changed["passwordProfile"]; named {
		federated := c.domainOf(u.String("userPrincipalName")).String("authenticationType") == "Federated"
		if profile != nil && profile["password"] != nil && !c.validPassword(u, profile.String("password"), federated) {
			return
		}
	}
	var changes []state.Object
	before := u.Clone()
	for _, k := range sortedNames(changed) {
		if k == "passwordProfile" || strings.Contains(k, "@") {
			continue
		}
		name := strings.ToUpper(k[:1]) + k[1:]
		changes = append(changes, logs.Changed(name, []any{before[k]}, []any{changed[k]}))
		u[k] = changed[k]
	}
	if profile != nil {
		c.setPassword(u, profile)
	}
	c.tx.Put(collUsers, u)
	c.auditUserUpdate(before, u, changes, profile)
	c.noContent()
}

func sortedNames(o state.Object) []string {
	set := map[string]bool{}
	for k := range o {
		set[k] = true
	}
	return sortedKeys(set)
}

// auditUserUpdate writes the several records of one update: of the properties, of an
// account switched on or off, of a password set.
func (c *call) auditUserUpdate(before, u state.Object, changes []state.Object, profile state.Object) {
	if profile != nil {
		if profile.String("password") != "" {
			c.audit("UserManagement", "Update", "Reset user password", logs.Target("User", u))
			c.audit("UserManagement", "Update", "Update StsRefreshTokenValidFrom Timestamp", logs.Target("User", u,
				logs.Changed("StsRefreshTokensValidFrom", []any{before["signInSessionsValidFromDateTime"]}, []any{u["signInSessionsValidFromDateTime"]})))
		}
		c.audit("UserManagement", "Update", "Update PasswordProfile", logs.Target("User", u))
	}
	if len(changes) == 0 {
		return
	}
	if before.Bool("accountEnabled") != u.Bool("accountEnabled") {
		name := map[bool]string{true: "Enable account", false: "Disable account"}[u.Bool("accountEnabled")]
		c.audit("UserManagement", "Update", name, logs.Target("User", u, logs.Changed("AccountEnabled", []any{before["accountEnabled"]}, []any{u["accountEnabled"]})))
	}
	var names []string
	for _, ch := range changes {
		names = append(names, ch.String("displayName"))
	}
	changes = append(changes, logs.Changed("Included Updated Properties", nil, strings.Join(names, ", ")))
	c.audit("UserManagement", "Update", "Update user", logs.Target("User", u, changes...))
}

// mayUpdate checks permissions property by property, the restricted unit, and for
// sensitive properties what the target's own roles demand of the caller.
func (c *call) mayUpdate(u state.Object) bool {
	if c.restricted(u, writesUsers...) {
		return false
	}
	touchesSensitive := false
	for k := range c.body {
		if strings.Contains(k, "@") {
			continue
		}
		if !c.mayWrite(k) {
			c.denied()
			return false
		}
		touchesSensitive = touchesSensitive || slices.Contains(sensitive, k)
	}
	if touchesSensitive {
		_, password := c.body["passwordProfile"]
		return c.mayAct(u, password)
	}
	if c.who.User && !c.holds(writesUsers...) {
		c.denied()
		return false
	}
	return true
}

// mayWrite is whether the token's permissions reach one property of a user. A password
// needs its own permission; User.ReadWrite.All does not do ("Update user").
func (c *call) mayWrite(prop string) bool {
	if prop == "passwordProfile" {
		return c.granted("User-PasswordProfile.ReadWrite.All") || c.who.User && c.granted("Directory.AccessAsUser.All")
	}
	if c.granted("User.ReadWrite.All", "Directory.ReadWrite.All") {
		return true
	}
	p, ok := narrow[prop]
	return ok && c.granted(p)
}

// mayAct is "Who can perform sensitive actions" and "Who can reset passwords": for a
// target with an administrator role, or in a role-assignable group, the caller (user or
// application) must be Global or Privileged Authentication Administrator; for holders of
// the lesser roles and for ordinary users a lesser role does. Application permissions
// alone reach only ordinary users, and their passwords not even then.
func (c *call) mayAct(u state.Object, password bool) bool {
	needs := []string{rolePrivilegedAuthAdmin}
	switch rank := c.rank(u.ID()); {
	case rank == rankOrdinary && !c.who.User && !password:
		return true
	case rank == rankOrdinary:
		needs = append(needs, roleUserAdministrator, roleHelpdeskAdministrator, roleAuthenticationAdmin)
		if password {
			needs = append(needs, rolePasswordAdministrator)
		}
	case rank == rankLow:
		needs = append(needs, roleUserAdministrator, roleAuthenticationAdmin)
	}
	if !c.holds(needs...) {
		c.denied()
		return false
	}
	return true
}

const (
	rankOrdinary = iota
	rankLow
	rankHigh
)

// rank is how hard a target is: by the roles that it holds actively and by its role-assignable groups.
func (c *call) rank(id string) int {
	rank := rankOrdinary
	for _, r := range c.tx.ActiveRoles(id) {
		if !slices.Contains(lowRoles, r) {
			return rankHigh
		}
		rank = rankLow
	}
	for _, g := range append(c.tx.LinkedTo("members", id), c.tx.LinkedTo("owners", id)...) {
		if c.tx.Get(collGroups, g).Bool("isAssignableToRole") {
			return rankHigh
		}
	}
	return rank
}

func (c *call) revokeSessions() {
	u := c.user()
	if u == nil || c.restricted(u, writesUsers...) {
		return
	}
	if c.who.User && !c.mySelf(u) && !c.mayAct(u, false) || !c.who.User && c.rank(u.ID()) == rankHigh && !c.mayAct(u, false) {
		return
	}
	before := u["signInSessionsValidFromDateTime"]
	u["signInSessionsValidFromDateTime"] = state.Timestamp(c.now())
	c.tx.Put(collUsers, u)
	c.audit("UserManagement", "Update", "Update StsRefreshTokenValidFrom Timestamp", logs.Target("User", u,
		logs.Changed("StsRefreshTokensValidFrom", []any{before}, []any{u["signInSessionsValidFromDateTime"]})))
	c.reply(http.StatusOK, map[string]any{"@odata.context": c.base() + "/" + c.version + "/$metadata#Edm.Boolean", "value": true})
}

func (c *call) listLicences() {
	u := c.user()
	if u == nil {
		return
	}
	var out []state.Object
	for _, l := range elements(u["assignedLicenses"]) {
		id, _ := member(l, "skuId").(string)
		if sku := c.tx.Find("subscribedSkus", func(o state.Object) bool { return o.String("skuId") == id }); sku != nil {
			out = append(out, state.Object{"id": sku.ID(), "skuId": id, "skuPartNumber": sku["skuPartNumber"], "servicePlans": sku["servicePlans"]})
		}
	}
	c.list(out, "licenseDetails")
}

func (c *call) setManager() {
	u := c.user()
	if u == nil {
		return
	}
	m := c.referred("manager")
	if m == nil || c.restricted(u, writesUsers...) {
		return
	}
	for _, old := range c.tx.Linked("manager", u.ID()) {
		c.tx.Unlink("manager", u.ID(), old)
	}
	c.tx.Link("manager", u.ID(), m.ID())
	c.audit("UserManagement", "Update", "Update user", logs.Target("User", u, logs.Changed("Manager", nil, m.ID())))
	c.noContent()
}

func (c *call) dropManager() {
	u := c.user()
	if u == nil || c.restricted(u, writesUsers...) {
		return
	}
	for _, old := range c.tx.Linked("manager", u.ID()) {
		c.tx.Unlink("manager", u.ID(), old)
	}
	c.noContent()
}
