package graph

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// releaseTime is how long the members of a deleted restricted unit stay restricted: the
// documentation says within thirty minutes, so here it is all of them.
const releaseTime = 30 * time.Minute

var unitWrite = both("AdministrativeUnit.ReadWrite.All", "Directory.ReadWrite.All")

// unitsRoutes is administrative units and the directory roles' own resources.
func (a *API) unitsRoutes() []route {
	const units = "/directory/administrativeUnits"
	admin := []string{rolePrivilegedRoleAdmin}
	return []route{
		{method: "GET", pattern: units, handle: func(c *call) { c.list(c.tx.List(collUnits), "administrativeUnit") }},
		{method: "POST", pattern: units, need: unitWrite, roles: admin, handle: (*call).createUnit},
		{method: "GET", pattern: units + "/{id}", handle: func(c *call) {
			if u := c.unit(); u != nil {
				c.one(u, "administrativeUnit")
			}
		}},
		{method: "PATCH", pattern: units + "/{id}", need: unitWrite, roles: admin, handle: (*call).updateUnit},
		{method: "DELETE", pattern: units + "/{id}", need: unitWrite, roles: admin, handle: (*call).deleteUnit},
		{method: "GET", pattern: units + "/{id}/members", handle: func(c *call) {
			if u := c.unit(); u != nil {
				c.listObjects(c.tx.Linked("members", u.ID()))
			}
		}},
		{method: "POST", pattern: units + "/{id}/members", need: unitWrite, roles: admin, handle: (*call).createInUnit},
		{method: "POST", pattern: units + "/{id}/members/$ref", need: only(unitWrite.app...), roles: admin, handle: (*call).addToUnit},
		{method: "DELETE", pattern: units + "/{id}/members/{member}/$ref", need: unitWrite, roles: admin, handle: (*call).removeFromUnit},
		{method: "GET", pattern: units + "/{id}/members/{member}/$ref", handle: func(c *call) {
			if u := c.unit(); u != nil {
				c.reference(c.tx.Linked("members", u.ID()))
			}
		}},
		{method: "GET", pattern: units + "/{id}/scopedRoleMembers", handle: (*call).listScoped},
		{method: "POST", pattern: units + "/{id}/scopedRoleMembers", need: both("RoleManagement.ReadWrite.Directory"), roles: admin, handle: (*call).addScoped},
		{method: "DELETE", pattern: units + "/{id}/scopedRoleMembers/{member}", need: both("RoleManagement.ReadWrite.Directory"), roles: admin, handle: (*call).removeScoped},
	}
}

func (c *call) unit() state.Object {
	u := c.get(collUnits, c.params["id"])
	if u == nil {
		c.notFound(c.params["id"])
	}
	return u
}

func (c *call) createUnit() {
	if !c.decode("administrativeUnit") || !c.required("AdministrativeUnit", "displayName") {
		return
	}
	if !c.validValues("AdministrativeUnit", unitValues) {
		return
	}
	if c.body.String("membershipType") == "Dynamic" || c.body["membershipRule"] != nil {
		c.notModelled("administrative units with dynamic membership")
		return
	}
	if c.body.Bool("isMemberManagementRestricted") && !c.licensed("AAD_PREMIUM") {
		c.fail(http.StatusForbidden, "Authorization_RequestDenied", "The tenant needs Microsoft Entra ID P1 for restricted management administrative units.")
		return
	}
	u := c.body.Clone()
	delete(u, "@odata.type")
	for k, v := range map[string]any{"description": nil, "visibility": nil, "isMemberManagementRestricted": false, "deletedDateTime": nil} {
		if _, ok := u[k]; !ok {
			u[k] = v
		}
	}
	u = c.create(collUnits, u)
	c.audit("AdministrativeUnit", "Add", "Add administrative unit", logs.Target("AdministrativeUnit", u,
		logs.Changed("DisplayName", []any{}, []any{u["displayName"]}), logs.Changed("IsMemberManagementRestricted", []any{}, []any{u["isMemberManagementRestricted"]})))
	c.created(u, "administrativeUnit")
}

func (c *call) updateUnit() {
	u := c.unit()
	if u == nil || !c.decode("administrativeUnit") || !c.validValues("AdministrativeUnit", unitValues) {
		return
	}
	if v, ok := c.body["isMemberManagementRestricted"]; ok && v != u["isMemberManagementRestricted"] {
		c.bad("Property 'isMemberManagementRestricted' can only be set when the administrative unit is created.")
		return
	}
	var changes []state.Object
	for _, k := range sortedNames(c.body) {
		if !strings.Contains(k, "@") {
			changes = append(changes, logs.Changed(strings.ToUpper(k[:1])+k[1:], []any{u[k]}, []any{c.body[k]}))
			u[k] = c.body[k]
		}
	}
	c.tx.Put(collUnits, u)
	c.audit("AdministrativeUnit", "Update", "Update administrative unit", logs.Target("AdministrativeUnit", u, changes...))
	c.noContent()
}

func (c *call) deleteUnit() {
	u := c.unit()
	if u == nil {
		return
	}
	if u.Bool("isMemberManagementRestricted") {
		for _, m := range c.tx.Linked("members", u.ID()) {
			c.tx.Put(collReleasing, state.Object{"id": m, "unit": u.ID(), "until": state.Timestamp(c.now().Add(releaseTime))})
		}
	}
	c.softDelete(collUnits, "administrativeUnit", u)
	c.audit("AdministrativeUnit", "Delete", "Delete administrative unit", logs.Target("AdministrativeUnit", u))
	c.noContent()
}

// mayRestrict is whether an application may decide who is in a restricted unit: with the
// permission and with Privileged Role Administrator (FS).
func (c *call) mayRestrict(u state.Object) bool {
	if u.Bool("isMemberManagementRestricted") && !c.who.User && !c.holds(rolePrivilegedRoleAdmin) {
		c.denied()
		return false
	}
	return true
}

// unitVerb is how the audit log calls the act on this kind of unit.
func unitVerb(verb string, u state.Object) string {
	if u.Bool("isMemberManagementRestricted") {
		return verb + " restricted management administrative unit"
	}
	return verb + " administrative unit"
}

func (c *call) addToUnit() {
	u := c.unit()
	if u == nil || !c.mayRestrict(u) {
		return
	}
	m := c.referred("members")
	if m == nil {
		return
	}
	switch {
	case !slices.Contains([]string{"user", "group", "device"}, typeOf(m)):
		c.bad("Unsupported referenced-object resource identifier '" + m.ID() + "'.")
		return
	case slices.Contains(c.tx.Linked("members", u.ID()), strings.ToLower(m.ID())):
		c.bad("One or more added object references already exist for the following modified properties: 'members'.")
		return
	case u.Bool("isMemberManagementRestricted") && typeOf(m) == "group" && m.Bool("isAssignableToRole"):
		c.bad("A group that is assignable to roles cannot be a member of a restricted management administrative unit.")
		return
	}
	c.tx.Link("members", u.ID(), m.ID())
	c.audit("AdministrativeUnit", "Assign", unitVerb("Add member to", u), logs.Target(auditKind(typeOf(m)), m,
		logs.Changed("AdministrativeUnit.ObjectID", nil, u.ID()), logs.Changed("AdministrativeUnit.DisplayName", nil, u["displayName"])), logs.Target("AdministrativeUnit", u))
	c.noContent()
}

// createInUnit makes a group directly inside a unit.
func (c *call) createInUnit() {
	u := c.unit()
	if u == nil || !c.mayRestrict(u) {
		return
	}
	if c.body.String("@odata.type") != "#microsoft.graph.group" {
		c.notModelled("creating other things than groups in an administrative unit")
		return
	}
	delete(c.body, "@odata.type")
	if u.Bool("isMemberManagementRestricted") && c.body.Bool("isAssignableToRole") {
		c.bad("A group that is assignable to roles cannot be a member of a restricted management administrative unit.")
		return
	}
	if !c.granted("Group.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All") {
		c.denied()
		return
	}
	c.createGroup()
	body, _ := c.answer.body.(map[string]any)
	if id, ok := body["id"].(string); ok && c.answer.status == http.StatusCreated {
		body["@odata.type"] = "#microsoft.graph.group" // the collection is one of directory objects
		c.tx.Link("members", u.ID(), id)
		c.audit("AdministrativeUnit", "Assign", unitVerb("Add member to", u), logs.Target("Group", state.Object(body)), logs.Target("AdministrativeUnit", u))
	}
}

func (c *call) removeFromUnit() {
	u := c.unit()
	if u == nil || !c.mayRestrict(u) {
		return
	}
	m := c.any(c.params["member"])
	if m == nil || !c.tx.Unlink("members", u.ID(), m.ID()) {
		c.notFound(c.params["member"])
		return
	}
	c.audit("AdministrativeUnit", "Unassign", unitVerb("Remove member from", u), logs.Target(auditKind(typeOf(m)), m,
		logs.Changed("AdministrativeUnit.ObjectID", u.ID(), nil)), logs.Target("AdministrativeUnit", u))
	c.noContent()
}

// scopedAssignments is the role assignments over one unit.
func (c *call) scopedAssignments(unit string) []state.Object {
	var out []state.Object
	for _, a := range c.tx.List(state.RoleAssignments) {
		if strings.EqualFold(a.String("directoryScopeId"), "/administrativeUnits/"+unit) && c.tx.InForce(a) {
			out = append(out, a)
		}
	}
	return out
}

// scopedMember is a role assignment in the older shape of scopedRoleMembership.
func (c *call) scopedMember(a state.Object, unit string) state.Object {
	m := c.any(a.String("principalId"))
	return state.Object{
		"id": a.ID(), "roleId": c.activateRole(a.String("roleDefinitionId")).ID(), "administrativeUnitId": unit,
		"roleMemberInfo": map[string]any{"id": a.String("principalId"), "displayName": m["displayName"]},
	}
}

func (c *call) listScoped() {
	u := c.unit()
	if u == nil {
		return
	}
	var out []state.Object
	for _, a := range c.scopedAssignments(u.ID()) {
		out = append(out, c.scopedMember(a, u.ID()))
	}
	c.list(out, "scopedRoleMembership")
}

func (c *call) addScoped() {
	u := c.unit()
	if u == nil || !c.decode("scopedRoleMembership") {
		return
	}
	role := c.get("directoryRoles", c.body.String("roleId"))
	if role == nil {
		c.notFound(c.body.String("roleId"))
		return
	}
	scope := "/administrativeUnits/" + u.ID()
	principal := c.body.Object("roleMemberInfo").String("id")
	if !c.assignable(role.String("roleTemplateId"), principal, scope) {
		return
	}
	if c.assigned(role.String("roleTemplateId"), principal, scope) != nil {
		c.bad("A conflicting object with one or more of the specified property values is present in the directory.")
		return
	}
	a := c.grantRole(role.String("roleTemplateId"), principal, scope, nil)
	c.auditRole("Add scoped member to role", "Assign", a, true)
	c.created(c.scopedMember(a, u.ID()), "scopedRoleMembership")
}

func (c *call) removeScoped() {
	u := c.unit()
	if u == nil {
		return
	}
	for _, a := range c.scopedAssignments(u.ID()) {
		if a.ID() == c.params["member"] {
			c.revokeRole(a)
			c.auditRole("Remove scoped member from role", "Unassign", a, false)
			c.noContent()
			return
		}
	}
	c.notFound(c.params["member"])
}
