package graph

import (
	"net/http"
	"slices"
	"strings"

	"breakglass/internal/simtenant/state"
)

// kinds are the collections whose objects are directory objects, with their types.
var kinds = []struct{ coll, typ string }{
	{collUsers, "user"},
	{collGroups, "group"},
	{collPrincipals, "servicePrincipal"},
	{collApplications, "application"},
	{collDevices, "device"},
	{collUnits, "administrativeUnit"},
	{"directoryRoles", "directoryRole"},
}

// objectsRoutes is what Graph serves for any directory object.
func (a *API) objectsRoutes() []route {
	routes := []route{
		{method: "GET", pattern: "/directoryObjects/{id}", handle: func(c *call) {
			if o := c.any(c.params["id"]); o != nil {
				c.one(c.limited(o), "directoryObject")
				return
			}
			c.notFound(c.params["id"])
		}},
		{method: "POST", pattern: "/directoryObjects/getByIds", handle: (*call).getByIDs},
	}
	for _, set := range []string{"users", "groups", "servicePrincipals", "devices", "directoryObjects"} {
		at := "/" + set + "/{id}"
		need := both("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All", "GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Application.Read.All", "Application.ReadWrite.All", "User.Read")
		if set != "directoryObjects" { // the base type has the actions, not the navigation
			routes = append(routes,
				route{method: "GET", pattern: at + "/memberOf", need: need, handle: func(c *call) { c.memberOf(false) }},
				route{method: "GET", pattern: at + "/transitiveMemberOf", need: need, handle: func(c *call) { c.memberOf(true) }},
			)
		}
		routes = append(routes,
			route{method: "POST", pattern: at + "/getMemberGroups", need: need, handle: func(c *call) { c.memberIDs(false) }},
			route{method: "POST", pattern: at + "/getMemberObjects", need: need, handle: func(c *call) { c.memberIDs(true) }},
			route{method: "POST", pattern: at + "/checkMemberGroups", need: need, handle: func(c *call) { c.checkMember("groupIds", false) }},
			route{method: "POST", pattern: at + "/checkMemberObjects", need: need, handle: func(c *call) { c.checkMember("ids", true) }},
		)
	}
	return routes
}

// any is the directory object with an id, its @odata.type on it; nil when there is none to see.
func (c *call) any(id string) state.Object {
	for _, k := range kinds {
		if o := c.get(k.coll, id); o != nil {
			o["@odata.type"] = "#microsoft.graph." + k.typ
			return o
		}
	}
	return nil
}

// reference answers whether one object is among those linked: its reference, or 404. No page
// documents this read of a single $ref; hamilton relies on its statuses (R). The shape is
// that of OData's JSON format, "Entity Reference" [M].
func (c *call) reference(ids []string) {
	id := strings.ToLower(c.params["member"])
	if !slices.Contains(ids, id) || c.any(id) == nil {
		c.notFound(c.params["member"])
		return
	}
	at := c.base() + "/" + c.version
	c.reply(http.StatusOK, map[string]any{"@odata.context": at + "/$metadata#$ref", "@odata.id": at + "/directoryObjects/" + id})
}

// typeOf is a directory object's own type.
func typeOf(o state.Object) string {
	return strings.TrimPrefix(o.String("@odata.type"), "#microsoft.graph.")
}

// readers are the permissions of which one lets a token see objects of a type whole.
var readers = map[string][]string{
	"user":               {"User.Read.All", "User.ReadBasic.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	"group":              {"Group.Read.All", "Group.ReadWrite.All", "GroupMember.Read.All", "GroupMember.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	"servicePrincipal":   {"Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	"application":        {"Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	"device":             {"Device.Read.All", "Device.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	"administrativeUnit": {"AdministrativeUnit.Read.All", "AdministrativeUnit.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	"directoryRole":      {"RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", "RoleManagement.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"},
}

// limited is the object as the token may see it in a list of several types: type and id
// alone when it may not read that type ("Limited information returned for inaccessible
// member objects").
func (c *call) limited(o state.Object) state.Object {
	if c.granted(readers[typeOf(o)]...) || c.who.User && c.granted("User.Read", "User.ReadBasic.All") && c.mySelf(o) {
		return o
	}
	return state.Object{"@odata.type": o["@odata.type"], "id": o.ID()}
}

// objects is the visible directory objects with the ids, in their order.
func (c *call) objects(ids []string) []state.Object {
	var out []state.Object
	for _, id := range ids {
		if o := c.any(id); o != nil {
			out = append(out, c.limited(o))
		}
	}
	return out
}

// listObjects answers with directory objects of several types, or with those of the type
// that the path casts to.
func (c *call) listObjects(ids []string) { c.list(c.objects(ids), "directoryObject") }

// firstLinked answers with the one object that a relation names, 404 for none.
func (c *call) firstLinked(o state.Object, rel string) {
	list := c.objects(c.tx.Linked(rel, o.ID()))
	if len(list) == 0 {
		c.notFound(rel)
		return
	}
	c.one(list[0], "directoryObject")
}

// subject is the directory object that the path names; users also by name.
func (c *call) subject() state.Object {
	if strings.HasPrefix(strings.ToLower(c.path), "/users/") {
		return c.user()
	}
	o := c.any(c.params["id"])
	if o == nil {
		if o = c.servicePrincipalByKey(c.params["id"]); o == nil {
			c.notFound(c.params["id"])
		}
	}
	return o
}

// containers is what an object is a member of: groups, units and roles; through groups too when deep.
func (c *call) containers(id string, deep bool) []string {
	out := c.tx.LinkedTo("members", id)
	groups := slices.DeleteFunc(slices.Clone(out), func(g string) bool { return c.tx.Get(collGroups, g) == nil })
	if deep {
		groups = groupsOf(c.tx, id)
		for _, g := range groups {
			if !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
	}
	holders := []string{id}
	if deep {
		holders = append(holders, groups...)
	}
	for _, h := range holders {
		for _, role := range c.directRoles(h) {
			if !slices.Contains(out, role) {
				out = append(out, role)
			}
		}
	}
	return out
}

// directRoles is the directoryRole objects that a principal holds itself over the whole tenant.
func (c *call) directRoles(principal string) []string {
	var out []string
	for _, a := range c.tx.List(state.RoleAssignments) {
		if !strings.EqualFold(a.String("principalId"), principal) || a.String("directoryScopeId") != "/" || !c.tx.InForce(a) {
			continue
		}
		if r := c.directoryRole(a.String("roleDefinitionId")); r != nil {
			out = append(out, r.ID())
		}
	}
	return out
}

func (c *call) memberOf(deep bool) {
	if o := c.subject(); o != nil {
		c.listObjects(c.containers(strings.ToLower(o.ID()), deep))
	}
}

// memberIDs answers with ids of groups, or of groups, units and roles, through groups too.
func (c *call) memberIDs(all bool) {
	o := c.subject()
	if o == nil {
		return
	}
	only, said := c.body["securityEnabledOnly"].(bool)
	if !said {
		c.bad("A value is required for parameter 'securityEnabledOnly'.")
		return
	}
	value := []any{}
	for _, id := range c.containers(strings.ToLower(o.ID()), true) {
		g := c.get(collGroups, id)
		if g == nil && !all || g != nil && only && !g.Bool("securityEnabled") {
			continue
		}
		value = append(value, id)
	}
	c.strings(value)
}

// strings answers with a collection of texts.
func (c *call) strings(value []any) {
	c.reply(http.StatusOK, map[string]any{"@odata.context": c.base() + "/" + c.version + "/$metadata#Collection(Edm.String)", "value": value})
}

func (c *call) checkMember(param string, all bool) {
	o := c.subject()
	if o == nil {
		return
	}
	asked := c.body.Strings(param)
	if len(asked) == 0 || len(asked) > 20 {
		c.bad("Between 1 and 20 values are required for parameter '" + param + "'.")
		return
	}
	in := c.containers(strings.ToLower(o.ID()), true)
	value := []any{}
	for _, id := range asked {
		id = strings.ToLower(id)
		if slices.Contains(in, id) && (all || c.get(collGroups, id) != nil) {
			value = append(value, id)
		}
	}
	c.strings(value)
}

func (c *call) getByIDs() {
	ids, types := c.body.Strings("ids"), c.body.Strings("types")
	if len(ids) == 0 || len(ids) > 1000 {
		c.bad("Between 1 and 1000 values are required for parameter 'ids'.")
		return
	}
	var out []state.Object
	for _, o := range c.objects(ids) {
		if len(types) == 0 || slices.Contains(types, typeOf(o)) || slices.Contains(types, "directoryObject") {
			out = append(out, o)
		}
	}
	c.list(out, "directoryObject")
}

// referred is the visible directory object that the body's @odata.id names; it answers
// 400 or 404 and returns nil otherwise.
func (c *call) referred(rel string) state.Object {
	ref := c.body.String("@odata.id")
	o := c.any(refID(ref))
	switch {
	case ref == "":
		c.bad("A value is required for property '@odata.id'.")
	case o == nil:
		c.notFound(refID(ref))
	default:
		return o
	}
	return nil
}

// refID is the id at the end of an @odata.id or @odata.bind address.
func refID(ref string) string {
	segments := segmentsOf(strings.TrimRight(ref, "/"))
	return segments[len(segments)-1]
}

// restrictedText is the refusal of a write on a member of a restricted unit [M].
const restrictedText = "Insufficient privileges to complete the operation. Target object is a member of a restricted management administrative unit and can only be modified by administrators scoped to that administrative unit. Check that you are assigned a role that has permission to perform the operation for this restricted management administrative unit. Learn more: https://go.microsoft.com/fwlink/?linkid=2197831"

// restricted refuses a write on a member of a restricted management unit, unless the
// caller holds one of the roles scoped to that very unit. Application permissions and
// tenant-wide roles, Global Administrator's too, do not count ("Restricted management
// administrative units").
func (c *call) restricted(o state.Object, scopedRoles ...string) bool {
	for _, unit := range c.restrictingUnits(o.ID()) {
		if !c.holdsIn(unit, scopedRoles) {
			c.fail(http.StatusForbidden, "Authorization_RequestDenied", restrictedText)
			return true
		}
	}
	return false
}

// restrictingUnits is the restricted units that an object is in, or was in until one was
// deleted less than half an hour ago.
func (c *call) restrictingUnits(id string) []string {
	var out []string
	for _, u := range c.tx.LinkedTo("members", id) {
		if c.tx.Get(collUnits, u).Bool("isMemberManagementRestricted") {
			out = append(out, u)
		}
	}
	if r := c.tx.Get(collReleasing, id); r != nil && c.now().Before(r.Time("until")) {
		out = append(out, r.String("unit"))
	}
	return out
}

// collReleasing is the simulator's own: members of deleted restricted units that are still held.
const collReleasing = "_releasing"

// holdsIn is whether the caller has one of the roles over one administrative unit.
func (c *call) holdsIn(unit string, roles []string) bool {
	holders := append([]string{strings.ToLower(c.who.ObjectID)}, c.tx.LinkedTo("members", c.who.ObjectID)...)
	for _, a := range c.tx.List(state.RoleAssignments) {
		if strings.EqualFold(a.String("directoryScopeId"), "/administrativeUnits/"+unit) && c.tx.InForce(a) &&
			slices.Contains(holders, strings.ToLower(a.String("principalId"))) && slices.Contains(roles, strings.ToLower(a.String("roleDefinitionId"))) {
			return true
		}
	}
	return false
}

// computed is the object with the properties that follow from the rest of the tenant.
func (c *call) computed(o state.Object, typ string) state.Object {
	if typ == "directoryObject" {
		typ = typeOf(o)
	}
	switch typ {
	case "user", "group", "device":
		o = o.Clone()
		if c.asks("isManagementRestricted") { // shown only when it is named
			o["isManagementRestricted"] = len(c.restrictingUnits(o.ID())) > 0
		}
		if typ == "user" {
			o["passwordProfile"] = nil // write-only
		}
	case "application", "servicePrincipal":
		o = o.Clone()
		c.hideKeys(o)
	}
	return o
}

// asks is whether the query names a property.
func (c *call) asks(property string) bool {
	return strings.Contains(strings.ToLower(c.r.URL.RawQuery), strings.ToLower(property))
}

// hideKeys leaves the certificates themselves out, which are shown only when keyCredentials
// is selected on one object ("keyCredential resource type").
func (c *call) hideKeys(o state.Object) {
	if c.params["id"] != "" && strings.Contains(strings.ToLower(c.query["select"]), "keycredentials") {
		return
	}
	for _, e := range elements(o["keyCredentials"]) {
		if k, ok := e.(map[string]any); ok {
			k["key"] = nil
		}
	}
}
