package graph

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// Deleted users, groups, applications and service principals stay restorable for thirty
// days ("deletedItems").
const keptDeleted = 30 * 24 * time.Hour

func (a *API) deletedRoutes() []route {
	read := both("User.Read.All", "User.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All", "Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All", "AdministrativeUnit.Read.All", "AdministrativeUnit.ReadWrite.All")
	write := only("User.DeleteRestore.All", "User.ReadWrite.All", "Group.ReadWrite.All", "Application.ReadWrite.All", "Directory.ReadWrite.All")
	roles := []string{roleUserAdministrator, roleGroupsAdministrator, roleApplicationAdministrator, roleCloudAppAdministrator, rolePrivilegedAuthAdmin}
	return []route{
		{method: "GET", pattern: "/directory/deletedItems", need: read, handle: (*call).listDeleted},
		{method: "GET", pattern: "/directory/deletedItems/{id}", need: read, handle: func(c *call) {
			if o := c.deletedItem(); o != nil {
				c.one(o, "directoryObject")
			}
		}},
		{method: "DELETE", pattern: "/directory/deletedItems/{id}", need: write, roles: roles, handle: (*call).purge},
		{method: "POST", pattern: "/directory/deletedItems/{id}/restore", need: write, roles: roles, handle: (*call).restore},
	}
}

func (c *call) keptStill(o state.Object) bool {
	return c.now().Before(o.Time("deletedDateTime").Add(keptDeleted))
}

func (c *call) listDeleted() {
	if c.cast == "" {
		c.bad("The type of the deleted items must be given, as in microsoft.graph.user.")
		return
	}
	var out []state.Object
	for _, o := range c.tx.List(collDeleted) {
		if c.keptStill(o) {
			out = append(out, c.limited(o))
		}
	}
	c.list(out, "directoryObject")
}

func (c *call) deletedItem() state.Object {
	o := c.get(collDeleted, c.params["id"])
	if o == nil || !c.keptStill(o) {
		c.notFound(c.params["id"])
		return nil
	}
	return o
}

// softDelete moves an object to the deleted items with the memberships it had; roles go
// for good.
func (c *call) softDelete(coll, typ string, o state.Object) {
	member, owner := c.tx.LinkedTo("members", o.ID()), c.tx.LinkedTo("owners", o.ID())
	o["_memberOf"], o["_ownerOf"] = member, owner
	o["_members"], o["_owners"] = c.tx.Linked("members", o.ID()), c.tx.Linked("owners", o.ID())
	for _, a := range c.tx.List(state.RoleAssignments) {
		if strings.EqualFold(a.String("principalId"), o.ID()) {
			c.revokeRole(a)
		}
	}
	c.tx.DropLinks(o.ID())
	c.tx.Delete(coll, o.ID())
	o["@odata.type"], o["deletedDateTime"] = "#microsoft.graph."+typ, state.Timestamp(c.now())
	if typ == "user" {
		o["_upn"] = o["userPrincipalName"]
		o["userPrincipalName"] = strings.ReplaceAll(o.ID(), "-", "") + o.String("userPrincipalName")
	}
	delete(o, state.VisibleAt)
	c.tx.Put(collDeleted, o)
}

func collectionOf(typ string) string {
	for _, k := range kinds {
		if k.typ == typ {
			return k.coll
		}
	}
	return ""
}

// mayDeal is whether the token reaches deleted objects of this kind, and the caller an
// administrator's.
func (c *call) mayDeal(o state.Object) bool {
	need := map[string][]string{
		"user": {"User.DeleteRestore.All", "User.ReadWrite.All", "Directory.ReadWrite.All"}, "group": {"Group.ReadWrite.All", "Directory.ReadWrite.All"},
		"application": {"Application.ReadWrite.All", "Directory.ReadWrite.All"}, "servicePrincipal": {"Application.ReadWrite.All", "Directory.ReadWrite.All"},
		"administrativeUnit": {"AdministrativeUnit.ReadWrite.All", "Directory.ReadWrite.All"},
	}[typeOf(o)]
	if !c.granted(need...) {
		c.denied()
		return false
	}
	return true
}

func (c *call) restore() {
	o := c.deletedItem()
	if o == nil || !c.mayDeal(o) {
		return
	}
	typ := typeOf(o)
	if typ == "user" {
		if taken := c.tx.Find(collUsers, func(u state.Object) bool { return strings.EqualFold(u.String("userPrincipalName"), o.String("_upn")) }); taken != nil {
			c.bad("Another object with the same value for property userPrincipalName already exists.")
			return
		}
		o["userPrincipalName"] = o["_upn"]
	}
	c.tx.Delete(collDeleted, o.ID())
	for key, relation := range map[string]string{"_memberOf": "members", "_ownerOf": "owners"} {
		for _, from := range o.Strings(key) {
			c.tx.Link(relation, from, o.ID())
		}
	}
	for key, relation := range map[string]string{"_members": "members", "_owners": "owners"} {
		for _, to := range o.Strings(key) {
			c.tx.Link(relation, o.ID(), to)
		}
	}
	for _, k := range []string{"_memberOf", "_ownerOf", "_members", "_owners", "_upn"} {
		delete(o, k)
	}
	o["deletedDateTime"] = nil
	delete(o, "@odata.type")
	c.tx.Put(collectionOf(typ), o)
	c.audit(auditCategory(typ), "Restore", "Restore "+auditNoun(typ), logs.Target(auditKind(typ), o))
	o["@odata.type"] = "#microsoft.graph." + typ
	c.one(o, "directoryObject")
}

func (c *call) purge() {
	o := c.deletedItem()
	if o == nil || !c.mayDeal(o) {
		return
	}
	c.tx.Delete(collDeleted, o.ID())
	typ := typeOf(o)
	c.audit(auditCategory(typ), "Delete", "Hard Delete "+auditNoun(typ), logs.Target(auditKind(typ), o))
	c.noContent()
}

func auditCategory(typ string) string {
	return map[string]string{"user": "UserManagement", "group": "GroupManagement", "administrativeUnit": "AdministrativeUnit", "device": "Device"}[typ] +
		map[bool]string{true: "ApplicationManagement"}[slices.Contains([]string{"application", "servicePrincipal"}, typ)]
}

func auditNoun(typ string) string {
	return map[string]string{"user": "user", "group": "group", "application": "application", "servicePrincipal": "service principal", "administrativeUnit": "administrative unit", "device": "device"}[typ]
}

func auditKind(typ string) string {
	return map[string]string{"user": "User", "group": "Group", "application": "Application", "servicePrincipal": "ServicePrincipal", "administrativeUnit": "AdministrativeUnit", "device": "Device"}[typ]
}

func (c *call) deleteUser() {
	u := c.user()
	if u == nil || c.restricted(u, writesUsers...) {
		return
	}
	if (c.who.User || c.rank(u.ID()) != rankOrdinary) && !c.mayAct(u, false) {
		return
	}
	if !c.leavesAdministrator(u.ID()) {
		return
	}
	c.softDelete(collUsers, "user", u)
	u["userPrincipalName"] = u["_upn"]
	c.audit("UserManagement", "Delete", "Delete user", logs.Target("User", u, logs.Changed("Is Hard Deleted", nil, "False")))
	c.noContent()
}

// leavesAdministrator refuses to delete the last active Global Administrator.
func (c *call) leavesAdministrator(id string) bool {
	for _, a := range c.tx.List(state.RoleAssignments) {
		if strings.EqualFold(a.String("principalId"), id) && a.String("roleDefinitionId") == roleGlobalAdministrator &&
			a.String("directoryScopeId") == "/" && c.tx.InForce(a) && !c.otherGlobalAdministrator(a.ID()) {
			c.fail(http.StatusBadRequest, "Request_BadRequest", "The last active Global Administrator of the tenant cannot be removed.")
			return false
		}
	}
	return true
}
