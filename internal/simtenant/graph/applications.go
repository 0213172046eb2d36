package graph

import (
	"net/http"
	"slices"
	"strings"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// Application writes take Application.ReadWrite.All, or OwnedBy for what the calling
// application owns; of users an application administrator's role or ownership.
var (
	appRead    = both("Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All", "Application.ReadWrite.OwnedBy")
	appWrite   = both("Application.ReadWrite.All", "Directory.ReadWrite.All", "Application.ReadWrite.OwnedBy")
	writesApps = []string{roleApplicationAdministrator, roleCloudAppAdministrator}
)

// applicationsRoutes is registrations, service principals and what they are granted.
func (a *API) applicationsRoutes() []route {
	const app = "/applications/{id}"
	routes := []route{
		{method: "GET", pattern: "/applications", need: appRead, handle: func(c *call) { c.list(c.tx.List(collApplications), "application") }},
		{method: "POST", pattern: "/applications", need: both("Application.ReadWrite.All", "Application.ReadWrite.OwnedBy", "AppRegistration.Create"), roles: append([]string{roleApplicationDeveloper}, writesApps...), handle: (*call).createApplication},
		{method: "GET", pattern: app, need: appRead, handle: func(c *call) {
			if o := c.application(); o != nil {
				c.one(o, "application")
			}
		}},
		{method: "PATCH", pattern: app, need: appWrite, handle: (*call).updateApplication},
		{method: "DELETE", pattern: app, need: appWrite, handle: (*call).deleteApplication},
		{method: "GET", pattern: app + "/federatedIdentityCredentials", need: appRead, handle: func(c *call) {
			if o := c.application(); o != nil {
				c.list(children(c.tx, collFederated, "_application", o.ID()), "federatedIdentityCredential")
			}
		}},
		{method: "POST", pattern: app + "/federatedIdentityCredentials", need: appWrite, handle: (*call).addFederated},
		{method: "GET", pattern: app + "/federatedIdentityCredentials/{credential}", need: appRead, handle: func(c *call) {
			if f := c.federated(); f != nil {
				c.one(f, "federatedIdentityCredential")
			}
		}},
		{method: "PATCH", pattern: app + "/federatedIdentityCredentials/{credential}", need: appWrite, handle: (*call).updateFederated},
		{method: "DELETE", pattern: app + "/federatedIdentityCredentials/{credential}", need: appWrite, handle: (*call).removeFederated},
	}
	routes = append(routes, credentialRoutes("/applications/{id}")...)
	routes = append(routes, credentialRoutes("/servicePrincipals/{id}")...)
	return slices.Concat(routes, principalRoutes(), grantRoutes())
}

const roleApplicationDeveloper = "cf1c38e5-3621-4004-a7cb-879624dced7c"

// application is the registration that the path names, by object id or as appId=…
func (c *call) application() state.Object {
	o := c.get(collApplications, c.params["id"])
	if id, ok := strings.CutPrefix(c.params["id"], "appId="); ok {
		if o = byAppID(c.tx, collApplications, id); o != nil && !c.visible(o) {
			o = nil
		}
	}
	if o == nil {
		c.notFound(c.params["id"])
	}
	return o
}

// mayManage is whether the caller may write an application or service principal.
func (c *call) mayManage(o state.Object) bool {
	owns := slices.Contains(c.tx.Linked("owners", o.ID()), strings.ToLower(c.who.ObjectID))
	switch {
	case owns:
		return true
	case c.who.User && c.holds(writesApps...), !c.who.User && c.granted("Application.ReadWrite.All", "Directory.ReadWrite.All"):
		return true
	}
	c.denied()
	return false
}

var readOnlyApp = strings.Fields("id appId createdDateTime publisherDomain deletedDateTime disabledByMicrosoftStatus applicationTemplateId")

func (c *call) createApplication() {
	if !c.decode("application") || !c.required("Application", "displayName") || !c.writable(readOnlyApp) || !c.validValues("Application", appValues) {
		return
	}
	b := c.body.Clone()
	if len(elements(b["passwordCredentials"])) > 0 {
		c.notModelled("passwordCredentials at creation (use addPassword)")
		return
	}
	if !c.goodKeys(nil, b) || !c.goodURIs(b) {
		return
	}
	o := NewApplication(c.tx, b)
	o = c.create(collApplications, o)
	if c.who.User {
		c.tx.Link("owners", o.ID(), c.who.ObjectID)
	} else if c.granted("Application.ReadWrite.OwnedBy") {
		c.tx.Link("owners", o.ID(), c.who.ObjectID)
	}
	c.audit("ApplicationManagement", "Add", "Add application", logs.Target("Application", o, logs.Changed("DisplayName", []any{}, []any{o["displayName"]})))
	if len(elements(o["keyCredentials"])) > 0 {
		c.auditSecrets(o, "application")
	}
	c.created(o, "application")
}

// goodURIs: identifier URIs use the application's id or a verified domain.
func (c *call) goodURIs(b state.Object) bool {
	for _, u := range b.Strings("identifierUris") {
		ok := strings.HasPrefix(u, "api://")
		for _, d := range c.tx.List("domains") {
			ok = ok || d.Bool("isVerified") && strings.Contains(u, d.ID())
		}
		if !ok {
			c.bad("Values of identifierUris property must use a verified domain of the organization or its subdomain: '" + u + "'")
			return false
		}
	}
	return true
}

func (c *call) updateApplication() {
	o := c.application()
	if o == nil || !c.decode("application") || !c.writable(readOnlyApp) || !c.mayManage(o) || !c.validValues("Application", appValues) {
		return
	}
	b := c.body.Clone()
	if !c.keepsSecrets(o, b) || !c.goodKeys(o, b) || !c.goodURIs(b) {
		return
	}
	changes := c.merge(o, b)
	c.tx.Put(collApplications, o)
	if sp := byAppID(c.tx, collPrincipals, o.String("appId")); sp != nil {
		for app, own := range map[string]string{"displayName": "displayName", "appRoles": "appRoles", "signInAudience": "signInAudience"} {
			if v, ok := b[app]; ok {
				sp[own] = v
			}
		}
		if api := b.Object("api"); api["oauth2PermissionScopes"] != nil {
			sp["oauth2PermissionScopes"] = api["oauth2PermissionScopes"]
		}
		c.tx.Put(collPrincipals, sp)
	}
	if _, ok := b["keyCredentials"]; ok {
		c.auditSecrets(o, "application")
	}
	c.audit("ApplicationManagement", "Update", "Update application", logs.Target("Application", o, changes...))
	c.noContent()
}

// merge writes a body's properties over an object's. Complex properties are merged one
// level deep, as Graph's PATCH does; collections are replaced.
func (c *call) merge(o, b state.Object) []state.Object {
	var changes []state.Object
	for _, k := range sortedNames(b) {
		if strings.Contains(k, "@") {
			continue
		}
		before, after := o[k], b[k]
		if was, now := o.Object(k), b.Object(k); was != nil && now != nil {
			merged := was.Clone()
			for n, v := range now {
				merged[n] = v
			}
			after = map[string]any(merged)
		}
		o[k] = after
		changes = append(changes, logs.Changed(strings.ToUpper(k[:1])+k[1:], []any{before}, []any{after}))
	}
	return changes
}

func (c *call) deleteApplication() {
	o := c.application()
	if o == nil || !c.mayManage(o) {
		return
	}
	if sp := byAppID(c.tx, collPrincipals, o.String("appId")); sp != nil {
		c.softDelete(collPrincipals, "servicePrincipal", sp)
		c.audit("ApplicationManagement", "Delete", "Remove service principal", logs.Target("ServicePrincipal", sp))
	}
	c.softDelete(collApplications, "application", o)
	c.audit("ApplicationManagement", "Delete", "Delete application", logs.Target("Application", o))
	c.noContent()
}

// maxFederated is the limit of federated credentials of one application [M].
const maxFederated = 20

func (c *call) addFederated() {
	o := c.application()
	if o == nil || !c.decode("federatedIdentityCredential") || !c.mayManage(o) || !c.required("FederatedIdentityCredential", "name", "issuer", "subject") {
		return
	}
	if len(c.body.Strings("audiences")) != 1 {
		c.bad("Exactly one value is required for property 'audiences' of resource 'FederatedIdentityCredential'.")
		return
	}
	have := children(c.tx, collFederated, "_application", o.ID())
	for _, f := range have {
		if f.String("name") == c.body.String("name") || f.String("issuer") == c.body.String("issuer") && f.String("subject") == c.body.String("subject") {
			c.fail(http.StatusConflict, "Request_MultipleObjectsWithSameKeyValue", "FederatedIdentityCredential with name "+c.body.String("name")+" already exists.")
			return
		}
	}
	if len(have) >= maxFederated {
		c.bad("The application already has the maximum number of federated identity credentials.")
		return
	}
	f := c.body.Clone()
	f["_application"] = o.ID()
	if _, ok := f["description"]; !ok {
		f["description"] = nil
	}
	f = c.create(collFederated, f)
	c.auditSecrets(o, "application")
	c.created(f, "federatedIdentityCredential")
}

// federated is the credential that the path names, by id or by name.
func (c *call) federated() state.Object {
	o := c.application()
	if o == nil {
		return nil
	}
	for _, f := range children(c.tx, collFederated, "_application", o.ID()) {
		if (f.ID() == c.params["credential"] || "name="+f.String("name") == c.params["credential"] || f.String("name") == c.params["credential"]) && c.visible(f) {
			return f
		}
	}
	c.notFound(c.params["credential"])
	return nil
}

func (c *call) updateFederated() {
	f := c.federated()
	if f == nil || !c.decode("federatedIdentityCredential") || !c.writable([]string{"id", "name"}) {
		return
	}
	o := c.tx.Get(collApplications, f.String("_application"))
	if !c.mayManage(o) {
		return
	}
	c.merge(f, c.body)
	c.tx.Put(collFederated, f)
	c.auditSecrets(o, "application")
	c.noContent()
}

func (c *call) removeFederated() {
	f := c.federated()
	if f == nil {
		return
	}
	o := c.tx.Get(collApplications, f.String("_application"))
	if !c.mayManage(o) {
		return
	}
	c.tx.Delete(collFederated, f.ID())
	c.auditSecrets(o, "application")
	c.noContent()
}
