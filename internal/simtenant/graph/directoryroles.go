package graph

import (
	"strings"

	"breakglass/internal/simtenant/state"
)

// directoryRolesRoutes is the older face of roles: a role becomes a directoryRole when it
// is first assigned or activated.
func (a *API) directoryRolesRoutes() []route {
	admin := []string{rolePrivilegedRoleAdmin}
	write := both("RoleManagement.ReadWrite.Directory")
	return []route{
		{method: "GET", pattern: "/directoryRoles", handle: func(c *call) { c.list(c.tx.List("directoryRoles"), "directoryRole") }},
		{method: "POST", pattern: "/directoryRoles", need: write, roles: admin, handle: (*call).activate},
		{method: "GET", pattern: "/directoryRoles/{id}", handle: func(c *call) {
			if r := c.role(); r != nil {
				c.one(r, "directoryRole")
			}
		}},
		{method: "GET", pattern: "/directoryRoles/{id}/members", handle: func(c *call) {
			if r := c.role(); r != nil {
				c.listObjects(c.roleMembers(r))
			}
		}},
		{method: "POST", pattern: "/directoryRoles/{id}/members/$ref", need: write, roles: admin, handle: (*call).addRoleMember},
		{method: "DELETE", pattern: "/directoryRoles/{id}/members/{member}/$ref", need: write, roles: admin, handle: (*call).removeRoleMember},
		{method: "GET", pattern: "/directoryRoles/{id}/members/{member}/$ref", need: permissionsFor("GET", "/directoryRoles/{id}/members"), handle: func(c *call) {
			if r := c.role(); r != nil {
				c.reference(c.roleMembers(r))
			}
		}},
		{method: "GET", pattern: "/directoryRoleTemplates", handle: func(c *call) { c.list(c.templates(), "directoryRoleTemplate") }},
		{method: "GET", pattern: "/directoryRoleTemplates/{id}", handle: func(c *call) {
			for _, t := range c.templates() {
				if strings.EqualFold(t.ID(), c.params["id"]) {
					c.one(t, "directoryRoleTemplate")
					return
				}
			}
			c.notFound(c.params["id"])
		}},
	}
}

// templates is the built-in role definitions in their older shape.
func (c *call) templates() []state.Object {
	var out []state.Object
	for _, d := range c.tx.List(collRoleDefinitions) {
		out = append(out, state.Object{"id": d.ID(), "displayName": d["displayName"], "description": d["description"], "deletedDateTime": nil})
	}
	return out
}

// role is the directoryRole that the path names, by id or as roleTemplateId=…
func (c *call) role() state.Object {
	r := c.get("directoryRoles", c.params["id"])
	if template, ok := strings.CutPrefix(c.params["id"], "roleTemplateId="); ok {
		r = c.directoryRole(template)
	}
	if r == nil {
		c.notFound(c.params["id"])
	}
	return r
}

func (c *call) roleMembers(r state.Object) []string {
	var out []string
	for _, a := range c.tx.List(state.RoleAssignments) {
		if strings.EqualFold(a.String("roleDefinitionId"), r.String("roleTemplateId")) && a.String("directoryScopeId") == "/" && c.tx.InForce(a) && c.visible(a) {
			out = append(out, a.String("principalId"))
		}
	}
	return out
}

func (c *call) activate() {
	if !c.decode("directoryRole") {
		return
	}
	template := c.body.String("roleTemplateId")
	if !c.required("DirectoryRole", "roleTemplateId") {
		return
	}
	switch {
	case c.roleDefinition(template) == nil:
		c.notFound(template)
		return
	case c.directoryRole(template) != nil:
		c.bad("A conflicting object with one or more of the specified property values is present in the directory.")
		return
	}
	c.created(c.activateRole(template), "directoryRole")
}

func (c *call) addRoleMember() {
	r := c.role()
	if r == nil {
		return
	}
	m := c.referred("members")
	if m == nil || !c.assignable(r.String("roleTemplateId"), m.ID(), "/") {
		return
	}
	if c.assigned(r.String("roleTemplateId"), m.ID(), "/") != nil {
		c.bad("One or more added object references already exist for the following modified properties: 'members'.")
		return
	}
	a := c.grantRole(r.String("roleTemplateId"), m.ID(), "/", nil)
	c.auditRole("Add member to role", "Assign", a, true)
	if c.licensed("AAD_PREMIUM_P2") {
		c.auditPIM("Add member to role outside of PIM (permanent)", "Add", a, true)
	}
	c.noContent()
}

func (c *call) removeRoleMember() {
	r := c.role()
	if r == nil {
		return
	}
	a := c.assigned(r.String("roleTemplateId"), c.params["member"], "/")
	if a == nil {
		c.notFound(c.params["member"])
		return
	}
	if !c.mayLose(a) {
		return
	}
	c.revokeRole(a)
	c.auditRole("Remove member from role", "Unassign", a, false)
	c.noContent()
}
