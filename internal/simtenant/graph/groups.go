package graph

import (
	"net/http"
	"slices"
	"strings"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// Group writes take Group.ReadWrite.All; role-assignable groups
// RoleManagement.ReadWrite.Directory as well, and of users Privileged Role Administrator.
var (
	writesGroups = []string{roleGroupsAdministrator, roleUserAdministrator, roleDirectoryWriters}
	groupWrite   = both("Group.ReadWrite.All", "Directory.ReadWrite.All")
	memberWrite  = both("GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All")
)

func (a *API) groupsRoutes() []route {
	return []route{
		{method: "GET", pattern: "/groups", handle: func(c *call) { c.list(c.tx.List(collGroups), "group") }},
		{method: "POST", pattern: "/groups", need: both("Group.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"), handle: (*call).createGroup},
		{method: "GET", pattern: "/groups/delta", handle: func(c *call) { c.notModelled("delta queries") }},
		{method: "GET", pattern: "/groups/{id}", handle: func(c *call) {
			if g := c.group(); g != nil {
				c.one(g, "group")
			}
		}},
		{method: "PATCH", pattern: "/groups/{id}", need: groupWrite, handle: (*call).updateGroup},
		{method: "DELETE", pattern: "/groups/{id}", need: groupWrite, handle: (*call).deleteGroup},
		{method: "GET", pattern: "/groups/{id}/members", handle: func(c *call) {
			if g := c.group(); g != nil {
				c.listObjects(c.tx.Linked("members", g.ID()))
			}
		}},
		{method: "GET", pattern: "/groups/{id}/transitiveMembers", handle: func(c *call) {
			if g := c.group(); g != nil {
				c.listObjects(transitiveMembers(c.tx, g.ID()))
			}
		}},
		{method: "POST", pattern: "/groups/{id}/members/$ref", need: memberWrite, handle: (*call).addMember},
		{method: "DELETE", pattern: "/groups/{id}/members/{member}/$ref", need: memberWrite, handle: (*call).removeMember},
		{method: "GET", pattern: "/groups/{id}/members/{member}/$ref", need: permissionsFor("GET", "/groups/{id}/members"), handle: func(c *call) {
			if g := c.group(); g != nil {
				c.reference(c.tx.Linked("members", g.ID()))
			}
		}},
		{method: "GET", pattern: "/groups/{id}/owners", handle: func(c *call) {
			if g := c.group(); g != nil {
				c.listObjects(c.tx.Linked("owners", g.ID()))
			}
		}},
		{method: "POST", pattern: "/groups/{id}/owners/$ref", need: groupWrite, handle: (*call).addOwner},
		{method: "DELETE", pattern: "/groups/{id}/owners/{member}/$ref", need: groupWrite, handle: (*call).removeOwner},
		{method: "GET", pattern: "/groups/{id}/owners/{member}/$ref", need: permissionsFor("GET", "/groups/{id}/owners"), handle: func(c *call) {
			if g := c.group(); g != nil {
				c.reference(c.tx.Linked("owners", g.ID()))
			}
		}},
		{method: "GET", pattern: "/groups/{id}/appRoleAssignments", handle: func(c *call) {
			if g := c.group(); g != nil {
				c.listAppRoles("principalId", g.ID())
			}
		}},
	}
}

// transitiveMembers is everything in a group, through groups too, the groups as well.
func transitiveMembers(tx *state.Tx, id string) []string {
	var out []string
	todo := tx.Linked("members", id)
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		if !slices.Contains(out, next) {
			out = append(out, next)
			if tx.Get(collGroups, next) != nil {
				todo = append(todo, tx.Linked("members", next)...)
			}
		}
	}
	return out
}

func (c *call) group() state.Object {
	g := c.get(collGroups, c.params["id"])
	if g == nil {
		c.notFound(c.params["id"])
	}
	return g
}

// mayChangeGroup is whether the caller may write a group: its restricted unit, its being
// role-assignable, and for a user a role or ownership.
func (c *call) mayChangeGroup(g state.Object) bool {
	if c.restricted(g, writesGroups...) {
		return false
	}
	if len(c.restrictingUnits(g.ID())) > 0 {
		return true // by a role over that unit
	}
	owns := slices.Contains(c.tx.Linked("owners", g.ID()), strings.ToLower(c.who.ObjectID))
	switch {
	case g.Bool("isAssignableToRole"):
		if !c.granted("RoleManagement.ReadWrite.Directory") || c.who.User && !owns && !c.holds(rolePrivilegedRoleAdmin) {
			c.denied()
			return false
		}
	case c.who.User && !owns && !c.holds(writesGroups...):
		c.denied()
		return false
	}
	return true
}

func (c *call) createGroup() {
	if !c.decode("group") || !c.required("Group", "displayName", "mailNickname") || !c.writable(readOnlyGroup) {
		return
	}
	g := c.body.Clone()
	if _, ok := g["mailEnabled"].(bool); !ok {
		c.required("Group", "mailEnabled")
		return
	}
	if _, ok := g["securityEnabled"].(bool); !ok {
		c.required("Group", "securityEnabled")
		return
	}
	if !c.validValues("Group", groupValues) || !c.sensibleGroup(g) || !c.mayCreateGroup(g) {
		return
	}
	members, owners, ok := c.bound(g, g)
	if !ok {
		return
	}
	g = c.storeGroup(g, members, owners)
	c.audit("GroupManagement", "Add", "Add group", logs.Target("Group", g, logs.Changed("DisplayName", []any{}, []any{g["displayName"]}), logs.Changed("SecurityEnabled", []any{}, []any{g["securityEnabled"]})))
	c.created(g, "group")
}

var readOnlyGroup = strings.Fields("id createdDateTime renewedDateTime mail onPremisesSyncEnabled proxyAddresses isManagementRestricted deletedDateTime securityIdentifier onPremisesLastSyncDateTime")

// sensibleGroup refuses the kinds of groups that Graph does not make.
func (c *call) sensibleGroup(g state.Object) bool {
	unified := slices.Contains(g.Strings("groupTypes"), "Unified")
	switch {
	case slices.Contains(g.Strings("groupTypes"), "DynamicMembership") || g["membershipRule"] != nil:
		c.notModelled("groups with dynamic membership")
	case strings.ContainsAny(g.String("mailNickname"), "@()\\[]\";:.<>, "):
		c.bad("Invalid value specified for property 'mailNickname' of resource 'Group'.")
	case !unified && g.Bool("mailEnabled"):
		c.bad("The service does not currently support writes of mail-enabled groups. Please ensure that the mail-enablement property is unset and the security-enablement property is set.")
	case unified && !g.Bool("mailEnabled"):
		c.bad("The 'mailEnabled' property must be true for a group of type 'Unified'.")
	case !unified && !g.Bool("securityEnabled"):
		c.bad("The service does not currently support writes of groups that are neither mail-enabled nor security-enabled.")
	case unified && c.tx.Find(collGroups, func(o state.Object) bool {
		return slices.Contains(o.Strings("groupTypes"), "Unified") && strings.EqualFold(o.String("mailNickname"), g.String("mailNickname"))
	}) != nil:
		c.bad("Another object with the same value for property mailNickname already exists.")
	case g.Bool("isAssignableToRole") && (!g.Bool("securityEnabled") || g.String("visibility") != "" && !strings.EqualFold(g.String("visibility"), "Private")):
		c.bad("A group with isAssignableToRole must be a security group, and private when it has a visibility.")
	default:
		return true
	}
	return false
}

func (c *call) mayCreateGroup(g state.Object) bool {
	if g.Bool("isAssignableToRole") {
		if !c.licensed("AAD_PREMIUM") {
			c.fail(http.StatusForbidden, "Authorization_RequestDenied", "The tenant needs Microsoft Entra ID P1 to create role-assignable groups.")
			return false
		}
		if !c.granted("RoleManagement.ReadWrite.Directory") || c.who.User && !c.holds(rolePrivilegedRoleAdmin) {
			c.denied()
			return false
		}
		return true
	}
	if c.who.User && !c.holds(writesGroups...) {
		c.denied()
		return false
	}
	return true
}

// stillGroup refuses a change after which a group is of no kind that Graph writes.
func (c *call) stillGroup(g, b state.Object) bool {
	after := g.Clone()
	for k, v := range b {
		after[k] = v
	}
	unified := slices.Contains(after.Strings("groupTypes"), "Unified")
	switch {
	case unified != slices.Contains(g.Strings("groupTypes"), "Unified") || after.Bool("mailEnabled") != g.Bool("mailEnabled"):
		c.notModelled("turning a group into one of another kind")
	case !unified && !after.Bool("securityEnabled"):
		c.bad("The service does not currently support writes of groups that are neither mail-enabled nor security-enabled.")
	case g.Bool("isAssignableToRole") && !strings.EqualFold(after.String("visibility"), "Private") && after["visibility"] != nil:
		c.bad("A group with isAssignableToRole must be a security group, and private when it has a visibility.")
	default:
		return true
	}
	return false
}

// bound takes members@odata.bind and owners@odata.bind out of a body for a group, which
// may be the body itself.
func (c *call) bound(g, body state.Object) (members, owners []string, ok bool) {
	for key, into := range map[string]*[]string{"members@odata.bind": &members, "owners@odata.bind": &owners} {
		refs := body.Strings(key)
		delete(body, key)
		if len(refs) > 20 {
			c.bad("The limit of 20 bound references is exceeded.")
			return nil, nil, false
		}
		for _, ref := range refs {
			o := c.any(refID(ref))
			if o == nil {
				c.notFound(refID(ref))
				return nil, nil, false
			}
			rel, _, _ := strings.Cut(key, "@")
			if !c.bindable(g, o, rel) {
				return nil, nil, false
			}
			*into = append(*into, o.ID())
		}
	}
	return members, owners, true
}

// bindable is whether an object may join a group, or own it; it answers 400 when not.
func (c *call) bindable(g, o state.Object, rel string) bool {
	kinds := []string{"user", "group", "servicePrincipal", "device"}
	if rel == "owners" {
		kinds = []string{"user", "servicePrincipal"}
	}
	switch {
	case g.ID() != "" && slices.Contains(c.tx.Linked(rel, g.ID()), strings.ToLower(o.ID())):
		c.bad("One or more added object references already exist for the following modified properties: '" + rel + "'.")
	case rel == "members" && g.Bool("isAssignableToRole") && typeOf(o) == "group":
		c.bad("A group cannot be a member of a group that is assignable to roles.")
	case o.ID() == g.ID() || !slices.Contains(kinds, typeOf(o)):
		c.bad("Unsupported referenced-object resource identifier '" + o.ID() + "'.")
	default:
		return true
	}
	return false
}

// storeGroup puts a new group with Entra's defaults; a user who makes one owns it, an
// application's group has the owners that were named.
func (c *call) storeGroup(g state.Object, members, owners []string) state.Object {
	now := state.Timestamp(c.now())
	delete(g, "@odata.type")
	for k, v := range map[string]any{
		"createdDateTime": now, "renewedDateTime": now, "groupTypes": []any{}, "proxyAddresses": []any{}, "description": nil,
		"isAssignableToRole": nil, "visibility": nil, "onPremisesSyncEnabled": nil, "deletedDateTime": nil, "mail": nil,
	} {
		if _, ok := g[k]; !ok {
			g[k] = v
		}
	}
	if g.Bool("mailEnabled") {
		g["mail"] = g.String("mailNickname") + "@" + initialDomain(c.tx)
	}
	if g.Bool("isAssignableToRole") {
		g["visibility"] = "Private"
	}
	g["id"] = state.NewID()
	g["securityIdentifier"] = securityIdentifier(g.ID())
	g = c.create(collGroups, g)
	if c.who.User && len(owners) == 0 && slices.Contains(g.Strings("groupTypes"), "Unified") {
		owners = append(owners, c.who.ObjectID)
	}
	for _, m := range members {
		c.tx.Link("members", g.ID(), m)
	}
	for _, o := range owners {
		c.tx.Link("owners", g.ID(), o)
	}
	return g
}

func (c *call) updateGroup() {
	g := c.group()
	if g == nil || !c.decode("group") || !c.writable(readOnlyGroup) || !c.mayChangeGroup(g) {
		return
	}
	if v, ok := c.body["isAssignableToRole"]; ok && v != g["isAssignableToRole"] {
		c.bad("Property 'isAssignableToRole' cannot be updated after the group has been created.")
		return
	}
	if _, ok := c.body["membershipRule"]; ok || slices.Contains(c.body.Strings("groupTypes"), "DynamicMembership") {
		c.notModelled("groups with dynamic membership")
		return
	}
	b := c.body.Clone()
	if !c.validValues("Group", groupValues) || !c.stillGroup(g, b) {
		return
	}
	members, owners, ok := c.bound(g, b)
	if !ok {
		return
	}
	var changes []state.Object
	for _, k := range sortedNames(b) {
		if !strings.Contains(k, "@") {
			changes = append(changes, logs.Changed(strings.ToUpper(k[:1])+k[1:], []any{g[k]}, []any{b[k]}))
			g[k] = b[k]
		}
	}
	c.tx.Put(collGroups, g)
	for _, m := range members {
		c.joinGroup(g, c.any(m))
	}
	for _, o := range owners {
		c.tx.Link("owners", g.ID(), o)
	}
	if len(changes) > 0 {
		c.audit("GroupManagement", "Update", "Update group", logs.Target("Group", g, changes...))
	}
	c.noContent()
}

func (c *call) deleteGroup() {
	g := c.group()
	if g == nil || !c.mayChangeGroup(g) {
		return
	}
	c.softDelete(collGroups, "group", g)
	if !slices.Contains(g.Strings("groupTypes"), "Unified") {
		c.tx.Delete(collDeleted, g.ID()) // a security group goes for good (FS: Microsoft is changing that)
	}
	c.audit("GroupManagement", "Delete", "Delete group", logs.Target("Group", g))
	c.noContent()
}

func (c *call) addMember() {
	g := c.group()
	if g == nil {
		return
	}
	m := c.referred("members")
	if m == nil || !c.mayChangeGroup(g) {
		return
	}
	if !c.bindable(g, m, "members") {
		return
	}
	c.joinGroup(g, m)
	c.noContent()
}

// joinGroup makes the link and the record.
func (c *call) joinGroup(g, m state.Object) {
	c.tx.Link("members", g.ID(), m.ID())
	c.audit("GroupManagement", "Assign", "Add member to group", logs.Target(auditKind(typeOf(m)), m,
		logs.Changed("Group.ObjectID", nil, g.ID()), logs.Changed("Group.DisplayName", nil, g["displayName"])), logs.Target("Group", g))
}

func (c *call) removeMember() {
	g := c.group()
	if g == nil || !c.mayChangeGroup(g) {
		return
	}
	m := c.any(c.params["member"])
	if m == nil || !c.tx.Unlink("members", g.ID(), m.ID()) {
		c.notFound(c.params["member"])
		return
	}
	c.audit("GroupManagement", "Unassign", "Remove member from group", logs.Target(auditKind(typeOf(m)), m,
		logs.Changed("Group.ObjectID", g.ID(), nil), logs.Changed("Group.DisplayName", g["displayName"], nil)), logs.Target("Group", g))
	c.noContent()
}

func (c *call) addOwner() {
	g := c.group()
	if g == nil {
		return
	}
	o := c.referred("owners")
	if o == nil || !c.mayChangeGroup(g) {
		return
	}
	if !c.bindable(g, o, "owners") {
		return
	}
	c.tx.Link("owners", g.ID(), o.ID())
	c.audit("GroupManagement", "Assign", "Add owner to group", logs.Target(auditKind(typeOf(o)), o, logs.Changed("Group.ObjectID", nil, g.ID())), logs.Target("Group", g))
	c.noContent()
}

func (c *call) removeOwner() {
	g := c.group()
	if g == nil || !c.mayChangeGroup(g) {
		return
	}
	o := c.any(c.params["member"])
	if o == nil || !c.tx.Unlink("owners", g.ID(), o.ID()) {
		c.notFound(c.params["member"])
		return
	}
	c.audit("GroupManagement", "Unassign", "Remove owner from group", logs.Target(auditKind(typeOf(o)), o, logs.Changed("Group.ObjectID", g.ID(), nil)), logs.Target("Group", g))
	c.noContent()
}
