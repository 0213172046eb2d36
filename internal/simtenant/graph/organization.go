package graph

import (
	"strings"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// organizationRoutes is the tenant itself: its names, domains, licences and devices.
func (a *API) organizationRoutes() []route {
	domainWrite := both("Domain.ReadWrite.All", "Directory.ReadWrite.All")
	domainAdmin := []string{roleDomainNameAdministrator}
	deviceRead := both("Device.Read.All", "Directory.Read.All", "Directory.ReadWrite.All")
	federate := []string{roleHybridIdentityAdmin, roleExternalIDProviderAdmin, roleDomainNameAdministrator}
	return []route{
		{method: "GET", pattern: "/organization", handle: func(c *call) { c.list(c.tx.List("organization"), "organization") }},
		{method: "GET", pattern: "/organization/{id}", handle: func(c *call) { c.fetch("organization", "organization") }},
		{method: "GET", pattern: "/subscribedSkus", handle: func(c *call) { c.list(c.tx.List("subscribedSkus"), "subscribedSku") }},
		{method: "GET", pattern: "/subscribedSkus/{id}", handle: func(c *call) { c.fetch("subscribedSkus", "subscribedSku") }},
		{method: "GET", pattern: "/domains", handle: func(c *call) { c.list(c.tx.List("domains"), "domain") }},
		{method: "GET", pattern: "/domains/{id}", handle: func(c *call) { c.fetch("domains", "domain") }},
		{method: "PATCH", pattern: "/domains/{id}", need: domainWrite, roles: append(federate, domainAdmin...), handle: (*call).updateDomain},
		{method: "GET", pattern: "/domains/{id}/federationConfiguration", need: both("Domain-InternalFederation.Read.All", "Domain-InternalFederation.ReadWrite.All", "Domain.Read.All", "Domain.ReadWrite.All"), handle: func(c *call) {
			d := c.tx.Get("domains", c.params["id"])
			if d == nil {
				c.notFound(c.params["id"])
				return
			}
			c.list(children(c.tx, "federationConfiguration", "_domain", d.ID()), "internalDomainFederation")
		}},
		{
			method: "GET", pattern: "/directory/onPremisesSynchronization", need: access{delegated: []string{"OnPremDirectorySynchronization.Read.All", "OnPremDirectorySynchronization.ReadWrite.All"}},
			roles: []string{roleHybridIdentityAdmin, roleGlobalReader}, handle: func(c *call) {
				c.list(c.tx.List("directory/onPremisesSynchronization"), "onPremisesDirectorySynchronization")
			},
		},
		{method: "GET", pattern: "/devices", need: deviceRead, handle: func(c *call) { c.list(c.tx.List(collDevices), "device") }},
		{method: "GET", pattern: "/devices/{id}", need: deviceRead, handle: func(c *call) { c.fetch(collDevices, "device") }},
		{method: "GET", pattern: "/devices/{id}/registeredOwners", need: deviceRead, handle: (*call).deviceOwners},
		{method: "GET", pattern: "/devices/{id}/registeredUsers", need: deviceRead, handle: (*call).deviceOwners},
	}
}

// fetch answers with the object of a collection that the path names.
func (c *call) fetch(coll, typ string) {
	if o := c.get(coll, c.params["id"]); o != nil {
		c.one(o, typ)
		return
	}
	c.notFound(c.params["id"])
}

// children is the objects of a collection that belong to a parent, named in a hidden key.
func children(tx *state.Tx, coll, key, parent string) []state.Object {
	var out []state.Object
	for _, o := range tx.List(coll) {
		if strings.EqualFold(o.String(key), parent) {
			out = append(out, o)
		}
	}
	return out
}

func (c *call) deviceOwners() {
	d := c.get(collDevices, c.params["id"])
	if d == nil {
		c.notFound(c.params["id"])
		return
	}
	c.listObjects(c.tx.Linked("registeredOwners", d.ID()))
}

// updateDomain changes what may be changed of a domain: password validity, and managed to
// federated or back.
func (c *call) updateDomain() {
	d := c.get("domains", c.params["id"])
	if d == nil {
		c.notFound(c.params["id"])
		return
	}
	if !c.decode("domain") {
		return
	}
	before := d.Clone()
	for k, v := range c.body {
		switch k {
		case "passwordValidityPeriodInDays", "passwordNotificationWindowInDays", "authenticationType":
		case "isDefault":
			if v != true {
				c.bad("The default domain can only be changed by making another one the default.")
				return
			}
		default:
			c.bad("Property '" + k + "' is read-only and cannot be set.")
			return
		}
	}
	if d.Bool("isInitial") && c.body.String("authenticationType") == "Federated" {
		c.bad("The initial domain cannot be federated.")
		return
	}
	for k, v := range c.body {
		d[k] = v
	}
	if c.body.Bool("isDefault") {
		for _, other := range c.tx.List("domains") {
			other["isDefault"] = false
			c.tx.Put("domains", other)
		}
	}
	c.tx.Put("domains", d)
	activity := "Update domain"
	if before["authenticationType"] != d["authenticationType"] {
		activity = "Set domain authentication"
	}
	c.audit("DirectoryManagement", "Update", activity, logs.Target("Other", state.Object{"id": nil, "displayName": d.ID()},
		logs.Changed("LiveType", []any{before["authenticationType"]}, []any{d["authenticationType"]})))
	c.noContent()
}
