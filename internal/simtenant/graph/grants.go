package graph

import (
	"net/http"
	"strings"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// principalRoutes is service principals.
func principalRoutes() []route {
	const sp = "/servicePrincipals/{id}"
	return []route{
		{method: "GET", pattern: "/servicePrincipals", need: appRead, handle: func(c *call) { c.list(c.tx.List(collPrincipals), "servicePrincipal") }},
		{method: "POST", pattern: "/servicePrincipals", need: appWrite, roles: writesApps, handle: (*call).createPrincipal},
		{method: "GET", pattern: sp, need: appRead, handle: func(c *call) {
			if o := c.servicePrincipal(); o != nil {
				c.one(o, "servicePrincipal")
			}
		}},
		{method: "PATCH", pattern: sp, need: appWrite, handle: (*call).updatePrincipal},
		{method: "DELETE", pattern: sp, need: appWrite, handle: (*call).deletePrincipal},
		{method: "GET", pattern: sp + "/ownedObjects", need: appRead, handle: func(c *call) {
			if o := c.servicePrincipal(); o != nil {
				c.listObjects(c.tx.LinkedTo("owners", o.ID()))
			}
		}},
	}
}

// grantRoutes is application permissions and delegated ones.
func grantRoutes() []route {
	assign := both("AppRoleAssignment.ReadWrite.All+Application.Read.All", "AppRoleAssignment.ReadWrite.All+Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All+Directory.Read.All")
	unassign := only("AppRoleAssignment.ReadWrite.All")
	read := both("Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
	consent := both("DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All")
	consenters := append([]string{rolePrivilegedRoleAdmin}, writesApps...)
	routes := []route{
		{method: "GET", pattern: "/servicePrincipals/{id}/oauth2PermissionGrants", handle: func(c *call) {
			if o := c.servicePrincipal(); o != nil {
				c.listConsents("clientId", o.ID())
			}
		}},
		{method: "GET", pattern: "/oauth2PermissionGrants", handle: func(c *call) { c.list(c.tx.List(collConsents), "oAuth2PermissionGrant") }},
		{method: "POST", pattern: "/oauth2PermissionGrants", need: consent, roles: consenters, handle: (*call).createConsent},
		{method: "GET", pattern: "/oauth2PermissionGrants/{id}", handle: func(c *call) { c.fetch(collConsents, "oAuth2PermissionGrant") }},
		{method: "PATCH", pattern: "/oauth2PermissionGrants/{id}", need: consent, roles: consenters, handle: (*call).updateConsent},
		{method: "DELETE", pattern: "/oauth2PermissionGrants/{id}", need: consent, roles: consenters, handle: (*call).deleteConsent},
	}
	for _, dir := range []struct{ name, key string }{{"appRoleAssignedTo", "resourceId"}, {"appRoleAssignments", "principalId"}} {
		at := "/servicePrincipals/{id}/" + dir.name
		routes = append(routes,
			route{method: "GET", pattern: at, need: read, handle: func(c *call) {
				if o := c.servicePrincipal(); o != nil {
					c.listAppRoles(dir.key, o.ID())
				}
			}},
			route{method: "POST", pattern: at, need: assign, roles: consenters, handle: func(c *call) {
				if c.servicePrincipal() != nil {
					c.assignAppRole()
				}
			}},
			route{method: "DELETE", pattern: at + "/{assignment}", need: unassign, roles: consenters, handle: (*call).removeAppRole},
		)
	}
	for _, set := range []string{"users", "groups"} {
		at := "/" + set + "/{id}/appRoleAssignments"
		routes = append(routes,
			route{method: "POST", pattern: at, roles: consenters, handle: (*call).assignAppRole},
			route{method: "DELETE", pattern: at + "/{assignment}", roles: consenters, handle: (*call).removeAppRole},
		)
	}
	return routes
}

// servicePrincipalByKey finds a visible service principal by object id or "appId=…".
func (c *call) servicePrincipalByKey(key string) state.Object {
	if id, ok := strings.CutPrefix(key, "appId="); ok {
		if o := byAppID(c.tx, collPrincipals, id); o != nil && c.visible(o) {
			return o
		}
		return nil
	}
	return c.get(collPrincipals, key)
}

func (c *call) servicePrincipal() state.Object {
	o := c.servicePrincipalByKey(c.params["id"])
	if o == nil {
		c.notFound(c.params["id"])
	}
	return o
}

func (c *call) createPrincipal() {
	if !c.decode("servicePrincipal") || !c.required("ServicePrincipal", "appId") {
		return
	}
	app := byAppID(c.tx, collApplications, c.body.String("appId"))
	switch {
	case byAppID(c.tx, collPrincipals, c.body.String("appId")) != nil:
		c.fail(http.StatusConflict, "Request_MultipleObjectsWithSameKeyValue", "The service principal cannot be created, updated, or restored because the service principal name "+c.body.String("appId")+" is already in use.")
		return
	case app == nil || !c.visible(app):
		c.fail(http.StatusBadRequest, "NoBackingApplicationObject", "The appId '"+c.body.String("appId")+"' of the service principal does not reference a valid application object.")
		return
	case !c.mayManage(app):
		return
	}
	sp := servicePrincipalOf(c.tx, app)
	c.merge(sp, c.body)
	sp = c.create(collPrincipals, sp)
	if c.who.User {
		c.tx.Link("owners", sp.ID(), c.who.ObjectID)
	}
	c.audit("ApplicationManagement", "Add", "Add service principal", logs.Target("ServicePrincipal", sp))
	c.created(sp, "servicePrincipal")
}

func (c *call) updatePrincipal() {
	o := c.servicePrincipal()
	if o == nil || !c.decode("servicePrincipal") || !c.writable([]string{"id", "appId", "createdDateTime", "appOwnerOrganizationId", "servicePrincipalType", "signInAudience"}) || !c.mayManage(o) {
		return
	}
	b := c.body.Clone()
	if _, keys := b["keyCredentials"]; keys && !c.unlocked(o, "servicePrincipal") {
		return
	}
	if !c.keepsSecrets(o, b) || !c.goodKeys(o, b) {
		return
	}
	changes := c.merge(o, b)
	c.tx.Put(collPrincipals, o)
	if _, keys := b["keyCredentials"]; keys {
		c.auditSecrets(o, "servicePrincipal")
	}
	c.audit("ApplicationManagement", "Update", "Update service principal", logs.Target("ServicePrincipal", o, changes...))
	c.noContent()
}

func (c *call) deletePrincipal() {
	o := c.servicePrincipal()
	if o == nil || !c.mayManage(o) {
		return
	}
	for _, a := range c.tx.List(collAppRoles) {
		if strings.EqualFold(a.String("principalId"), o.ID()) || strings.EqualFold(a.String("resourceId"), o.ID()) {
			c.tx.Delete(collAppRoles, a.ID())
		}
	}
	for _, g := range c.tx.List(collConsents) {
		if strings.EqualFold(g.String("clientId"), o.ID()) || strings.EqualFold(g.String("resourceId"), o.ID()) {
			c.tx.Delete(collConsents, g.ID())
		}
	}
	c.softDelete(collPrincipals, "servicePrincipal", o)
	c.audit("ApplicationManagement", "Delete", "Remove service principal", logs.Target("ServicePrincipal", o))
	c.noContent()
}

// byKey is the objects of a collection with an id in one property.
func byKey(tx *state.Tx, coll, key, id string) []state.Object { return children(tx, coll, key, id) }

func (c *call) listAppRoles(key, id string) {
	c.list(byKey(c.tx, collAppRoles, key, id), "appRoleAssignment")
}

func (c *call) listConsents(key, id string) {
	c.list(byKey(c.tx, collConsents, key, id), "oAuth2PermissionGrant")
}

// assignAppRole grants an application permission, or a user or group access to an application.
func (c *call) assignAppRole() {
	if !c.decode("appRoleAssignment") || !c.required("AppRoleAssignment", "principalId", "resourceId", "appRoleId") {
		return
	}
	principal, resource := c.any(c.body.String("principalId")), c.get(collPrincipals, c.body.String("resourceId"))
	if principal == nil || resource == nil {
		c.notFound(c.body.String("principalId"))
		return
	}
	role := strings.ToLower(c.body.String("appRoleId"))
	if !offers(resource, role) {
		c.bad("Permission being assigned was not found on application '" + resource.ID() + "'.")
		return
	}
	if c.who.User && resource.String("appId") == Audience && !c.holds(rolePrivilegedRoleAdmin) {
		c.denied() // application administrators consent to everything but Microsoft Graph's application permissions
		return
	}
	for _, a := range byKey(c.tx, collAppRoles, "principalId", principal.ID()) {
		if a.String("resourceId") == resource.ID() && a.String("appRoleId") == role {
			c.bad("Permission being assigned already exists on the object")
			return
		}
	}
	kind := map[string]string{"user": "User", "group": "Group", "servicePrincipal": "ServicePrincipal"}[typeOf(principal)]
	a := c.create(collAppRoles, appRoleAssignment(c.tx, role, principal, kind, resource))
	activity := map[string]string{"User": "Add app role assignment grant to user", "Group": "Add app role assignment to group", "ServicePrincipal": "Add app role assignment to service principal"}[kind]
	c.audit("ApplicationManagement", "Assign", activity, c.grantTargets(a, principal, resource, kind, true)...)
	c.created(a, "appRoleAssignment")
}

// offers is whether a service principal has an application role; the zero id is access without one.
func offers(resource state.Object, role string) bool {
	if role == "00000000-0000-0000-0000-000000000000" {
		return len(elements(resource["appRoles"])) == 0
	}
	return roleValue(resource, role) != ""
}

func roleValue(resource state.Object, role string) string {
	for _, r := range elements(resource["appRoles"]) {
		if id, _ := member(r, "id").(string); strings.EqualFold(id, role) {
			value, _ := member(r, "value").(string)
			if value == "" {
				return id
			}
			return value
		}
	}
	return ""
}

func (c *call) grantTargets(a, principal, resource state.Object, kind string, given bool) []state.Object {
	pair := func(name string, v any) state.Object {
		if given {
			return logs.Changed(name, nil, v)
		}
		return logs.Changed(name, v, nil)
	}
	return []state.Object{
		logs.Target("ServicePrincipal", resource, pair("AppRole.Id", a["appRoleId"]), pair("AppRole.Value", roleValue(resource, a.String("appRoleId"))), pair("ServicePrincipal.ObjectID", a["principalId"])),
		logs.Target(kind, principal),
	}
}

func (c *call) removeAppRole() {
	a := c.get(collAppRoles, c.params["assignment"])
	if a == nil {
		c.notFound(c.params["assignment"])
		return
	}
	principal, resource := c.any(a.String("principalId")), c.tx.Get(collPrincipals, a.String("resourceId"))
	c.tx.Delete(collAppRoles, a.ID())
	if principal == nil {
		principal = state.Object{"id": a.String("principalId")}
	}
	activity := map[string]string{"User": "Remove app role assignment from user", "Group": "Remove app role assignment from group", "ServicePrincipal": "Remove app role assignment from service principal"}[a.String("principalType")]
	c.audit("ApplicationManagement", "Unassign", activity, c.grantTargets(a, principal, resource, a.String("principalType"), false)...)
	c.noContent()
}

func (c *call) createConsent() {
	if !c.decode("oAuth2PermissionGrant") || !c.required("OAuth2PermissionGrant", "clientId", "consentType", "resourceId") {
		return
	}
	b := c.body
	client, resource := c.get(collPrincipals, b.String("clientId")), c.get(collPrincipals, b.String("resourceId"))
	switch kind := b.String("consentType"); {
	case client == nil || resource == nil:
		c.notFound(b.String("clientId"))
		return
	case kind != "AllPrincipals" && kind != "Principal", (kind == "Principal") != (b.String("principalId") != ""):
		c.bad("Invalid value specified for property 'consentType' of resource 'OAuth2PermissionGrant'.")
		return
	case kind == "Principal" && c.get(collUsers, b.String("principalId")) == nil:
		c.notFound(b.String("principalId"))
		return
	}
	for _, g := range byKey(c.tx, collConsents, "clientId", client.ID()) {
		if g.String("resourceId") == resource.ID() && g.String("consentType") == b.String("consentType") && strings.EqualFold(g.String("principalId"), b.String("principalId")) {
			c.fail(http.StatusConflict, "Request_MultipleObjectsWithSameKeyValue", "Permission entry already exists.")
			return
		}
	}
	g := c.create(collConsents, state.Object{
		"clientId": client.ID(), "consentType": b["consentType"], "principalId": b["principalId"], "resourceId": resource.ID(), "scope": b["scope"],
	})
	c.auditConsent("Add delegated permission grant", "Assign", g, nil, g["scope"])
	c.audit("ApplicationManagement", "Assign", "Consent to application", logs.Target("ServicePrincipal", client,
		logs.Changed("ConsentContext.IsAdminConsent", nil, "True"), logs.Changed("ConsentAction.Permissions", nil, "Scope: "+g.String("scope"))))
	c.created(g, "oAuth2PermissionGrant")
}

func (c *call) auditConsent(activity, operation string, g state.Object, before, after any) {
	c.audit("ApplicationManagement", operation, activity,
		logs.Target("ServicePrincipal", c.tx.Get(collPrincipals, g.String("resourceId")), logs.Changed("DelegatedPermissionGrant.Scope", before, after),
			logs.Changed("DelegatedPermissionGrant.ConsentType", nil, g["consentType"]), logs.Changed("ServicePrincipal.ObjectID", nil, g["clientId"])),
		logs.Target("ServicePrincipal", c.tx.Get(collPrincipals, g.String("clientId"))))
}

func (c *call) updateConsent() {
	g := c.get(collConsents, c.params["id"])
	if g == nil {
		c.notFound(c.params["id"])
		return
	}
	if !c.decode("oAuth2PermissionGrant") || !c.writable([]string{"id", "clientId", "consentType", "principalId", "resourceId"}) {
		return
	}
	before := g["scope"]
	g["scope"] = c.body["scope"]
	c.tx.Put(collConsents, g)
	c.auditConsent("Update delegated permission grant", "Update", g, before, g["scope"])
	c.noContent()
}

func (c *call) deleteConsent() {
	g := c.get(collConsents, c.params["id"])
	if g == nil {
		c.notFound(c.params["id"])
		return
	}
	c.tx.Delete(collConsents, g.ID())
	c.auditConsent("Remove delegated permission grant", "Unassign", g, g["scope"], nil)
	c.noContent()
}
