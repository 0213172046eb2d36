package graph

import (
	"net/http"
	"slices"
	"strings"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// Where roles and Privileged Identity Management keep their objects. Assignments in force
// are stored; schedules and eligibilities of PIM are stored; instances and the schedules of
// direct assignments are made up from these when they are read.
const (
	collRoleDefinitions = "roleManagement/directory/roleDefinitions"
	collRoleAssignments = state.RoleAssignments
	collSchedules       = "roleManagement/directory/roleAssignmentSchedules"
	collRequests        = "roleManagement/directory/roleAssignmentScheduleRequests"
	collEligibilities   = "roleManagement/directory/roleEligibilitySchedules"
	collEligibleRequest = "roleManagement/directory/roleEligibilityScheduleRequests"
)

var (
	readsRoles  = []string{rolePrivilegedRoleAdmin, roleGlobalReader, roleSecurityReader, roleSecurityAdministrator, roleSecurityOperator, roleDirectoryReaders, roleUserAdministrator, roleConditionalAccessAdmin, rolePrivilegedAuthAdmin, roleAuthenticationPolicyAdmin}
	writesRoles = []string{rolePrivilegedRoleAdmin}
)

// roleRoutes is definitions, direct assignments and everything of PIM.
func (a *API) roleRoutes() []route {
	const definitions, assignments = "/roleManagement/directory/roleDefinitions", "/roleManagement/directory/roleAssignments"
	routes := []route{
		{method: "GET", pattern: definitions, roles: readsRoles, handle: func(c *call) {
			c.list(c.tx.List(collRoleDefinitions), "unifiedRoleDefinition")
		}},
		{method: "GET", pattern: definitions + "/{id}", roles: readsRoles, handle: func(c *call) {
			if d := c.roleDefinition(c.params["id"]); d != nil {
				c.one(d, "unifiedRoleDefinition")
				return
			}
			c.notFound(c.params["id"])
		}},
		{method: "POST", pattern: definitions, roles: writesRoles, handle: func(c *call) { c.notModelled("custom roles") }},
		{method: "GET", pattern: assignments, roles: readsRoles, handle: (*call).listAssignments},
		{method: "POST", pattern: assignments, roles: writesRoles, handle: (*call).createAssignment},
		{method: "GET", pattern: assignments + "/{id}", roles: readsRoles, handle: (*call).getAssignment},
		{method: "DELETE", pattern: assignments + "/{id}", roles: writesRoles, handle: (*call).deleteAssignment},
		{method: "GET", pattern: "/roleManagement/directory/transitiveRoleAssignments", beta: true, roles: readsRoles, handle: (*call).listTransitiveAssignments},
	}
	return append(routes, a.pimRoutes()...)
}

// roleDefinition finds a definition by its id or template id.
func (c *call) roleDefinition(id string) state.Object {
	if d := c.tx.Get(collRoleDefinitions, id); d != nil {
		return d
	}
	return c.tx.Find(collRoleDefinitions, func(d state.Object) bool { return strings.EqualFold(d.String("templateId"), id) })
}

// inForce is the assignments that count now.
func (c *call) inForce() []state.Object {
	return slices.DeleteFunc(c.tx.List(collRoleAssignments), func(a state.Object) bool { return !c.tx.InForce(a) })
}

// assigned is the assignment in force of a principal to a role in a scope, nil without one.
func (c *call) assigned(role, principal, scope string) state.Object {
	for _, a := range c.inForce() {
		if strings.EqualFold(a.String("roleDefinitionId"), role) && strings.EqualFold(a.String("principalId"), principal) &&
			a.String("directoryScopeId") == scope {
			return a
		}
	}
	return nil
}

// shownAssignment is an assignment as Graph answers it.
func (c *call) shownAssignment(a state.Object) state.Object {
	fillNull(a, "appScopeId", "condition")
	a["principalOrganizationId"] = c.tx.TenantID()
	return a
}

// roleExpansions is what $expand follows in role management. A principal that is gone is
// null, as in Entra.
func roleExpansions() map[string]expansion {
	out := map[string]expansion{
		"unifiedRoleManagementPolicyAssignment/policy": {typ: "unifiedRoleManagementPolicy", find: func(c *call, o state.Object) []state.Object {
			return []state.Object{c.rolePolicy(o.String("roleDefinitionId"))}
		}},
		"unifiedRoleManagementPolicy/rules": {typ: "unifiedRoleManagementPolicyRule", many: true, find: func(_ *call, o state.Object) []state.Object {
			return rulesOf(o)
		}},
	}
	out["unifiedRoleManagementPolicy/effectiveRules"] = out["unifiedRoleManagementPolicy/rules"]
	for _, typ := range []string{
		"unifiedRoleAssignment", "unifiedRoleAssignmentSchedule", "unifiedRoleEligibilitySchedule", "unifiedRoleAssignmentScheduleInstance",
		"unifiedRoleEligibilityScheduleInstance", "unifiedRoleAssignmentScheduleRequest", "unifiedRoleEligibilityScheduleRequest",
	} {
		out[typ+"/principal"] = expansion{typ: "directoryObject", find: func(c *call, o state.Object) []state.Object {
			return present(c.principal(o.String("principalId")))
		}}
		out[typ+"/roleDefinition"] = expansion{typ: "unifiedRoleDefinition", find: func(c *call, o state.Object) []state.Object {
			return present(c.roleDefinition(o.String("roleDefinitionId")))
		}}
		out[typ+"/directoryScope"] = expansion{typ: "directoryObject", find: func(c *call, o state.Object) []state.Object {
			return present(c.tx.Get("directory/administrativeUnits", strings.TrimPrefix(o.String("directoryScopeId"), "/administrativeUnits/")))
		}}
	}
	out["unifiedRoleAssignmentScheduleInstance/activatedUsing"] = expansion{typ: "unifiedRoleEligibilityScheduleInstance", find: (*call).usedInstance}
	out["unifiedRoleAssignmentSchedule/activatedUsing"] = expansion{typ: "unifiedRoleEligibilitySchedule", find: func(c *call, o state.Object) []state.Object {
		return present(c.tx.Get(collEligibilities, o.String("_activatedUsing")))
	}}
	return out
}

// present is a list of the object, empty when it is nil.
func present(o state.Object) []state.Object {
	if o == nil {
		return nil
	}
	return []state.Object{o}
}

// principal is a user, group or service principal with its @odata.type.
func (c *call) principal(id string) state.Object {
	for coll, typ := range map[string]string{"users": "user", "groups": "group", "servicePrincipals": "servicePrincipal"} {
		if o := c.get(coll, id); o != nil {
			o["@odata.type"] = "#microsoft.graph." + typ
			return o
		}
	}
	return nil
}

func (c *call) listAssignments() {
	var out []state.Object
	for _, a := range c.inForce() {
		out = append(out, c.shownAssignment(a))
	}
	c.list(out, "unifiedRoleAssignment")
}

// listTransitiveAssignments adds, to the direct ones of a principal, those of its groups;
// the live service wants the principal in the filter and eventual consistency.
func (c *call) listTransitiveAssignments() {
	id, ok := strings.CutPrefix(c.query["filter"], "principalId eq '")
	if !ok || !strings.EqualFold(c.r.Header.Get("ConsistencyLevel"), "eventual") {
		c.fail(http.StatusBadRequest, "Request_UnsupportedQuery", "A filter on principalId, $count=true and ConsistencyLevel: eventual are required.")
		return
	}
	id = strings.TrimSuffix(id, "'")
	holders := append([]string{strings.ToLower(id)}, groupsOf(c.tx, id)...)
	var out []state.Object
	for _, a := range c.inForce() {
		if containsFold(holders, a.String("principalId")) {
			out = append(out, c.shownAssignment(a))
		}
	}
	delete(c.query, "filter") // done above: it names the member, not the group that holds the role
	c.list(out, "unifiedRoleAssignment")
}

func (c *call) getAssignment() {
	a := c.get(collRoleAssignments, c.params["id"])
	if a == nil || !c.tx.InForce(a) {
		c.notFound(c.params["id"])
		return
	}
	c.one(c.shownAssignment(a), "unifiedRoleAssignment")
}

func (c *call) createAssignment() {
	if !c.decode("unifiedRoleAssignment") {
		return
	}
	b := c.body
	scope := b.String("directoryScopeId")
	if b.String("appScopeId") != "" {
		c.notModelled("role assignments with an appScopeId")
		return
	}
	if !c.required("RoleAssignment", "roleDefinitionId", "principalId", "directoryScopeId") || !c.assignable(b.String("roleDefinitionId"), b.String("principalId"), scope) {
		return
	}
	role := c.roleDefinition(b.String("roleDefinitionId")).ID()
	if c.assigned(role, b.String("principalId"), scope) != nil {
		c.fail(http.StatusBadRequest, "Request_BadRequest", "A conflicting object with one or more of the specified property values is present in the directory.")
		return
	}
	a := c.grantRole(role, b.String("principalId"), scope, nil)
	c.auditRole("Add member to role", "Assign", a, true)
	if c.licensed("AAD_PREMIUM_P2") {
		c.auditPIM("Add member to role outside of PIM (permanent)", "Add", a, true)
	}
	c.created(c.shownAssignment(a), "unifiedRoleAssignment")
}

// assignable checks role, principal and scope and answers Graph's refusal otherwise.
func (c *call) assignable(role, principal, scope string) bool {
	p := c.principal(principal)
	switch {
	case c.roleDefinition(role) == nil:
		c.fail(http.StatusBadRequest, "Request_BadRequest", "The role definition '"+role+"' was not found.")
	case p == nil:
		c.notFound(principal)
	case p.String("@odata.type") == "#microsoft.graph.group" && !p.Bool("isAssignableToRole"):
		c.fail(http.StatusBadRequest, "Request_BadRequest", "The group '"+principal+"' must have isAssignableToRole set to be assigned to a role.")
	case scope != "/" && guidText.MatchString(strings.TrimPrefix(scope, "/")):
		c.notModelled("role assignments over one object")
	case scope != "/" && c.tx.Get("directory/administrativeUnits", strings.TrimPrefix(scope, "/administrativeUnits/")) == nil:
		c.fail(http.StatusBadRequest, "Request_BadRequest", "The directory scope '"+scope+"' is not supported or does not exist.")
	case scope != "/" && !slices.Contains(scopedRoles, strings.ToLower(role)):
		c.fail(http.StatusBadRequest, "Request_BadRequest", "The role definition '"+role+"' cannot be assigned over an administrative unit.")
	default:
		return true
	}
	return false
}

// scopedRoles are the built-in roles that can be assigned over an administrative unit (page
// "Assign Microsoft Entra roles with administrative unit scope"), Global Administrator not among them.
var scopedRoles = []string{
	"c4e39bd9-1100-46d3-8c65-fb160da0071f", "7698a772-787b-4ac8-901f-60d6b08affd2", "fdd7a751-b60b-444a-984c-02652fe8fa1c", "729827e3-9c14-49f7-bb1b-9608f156bbb8",
	"4d6ac14f-3453-41d0-bef9-a3e0c569773a", "966707d0-3269-4727-9be2-8c3a10f19b9d", "7be44c8a-adaf-4e2a-84d6-ab2649e08a13", "f28a1f50-f6e7-4571-818b-6a12f2af6b6c",
	"69091246-20e8-4a56-aa4d-066075b2a7a8", "fe930be7-5e62-47db-91af-98c3a49a38b1",
}

// grantRole stores an assignment in force, its role activated as a directoryRole; hidden
// are the simulator's keys of state.RoleAssignments.
func (c *call) grantRole(role, principal, scope string, hidden state.Object) state.Object {
	id := state.AssignmentID(role, principal, scope)
	a := state.Object{"id": id, "principalId": strings.ToLower(principal), "roleDefinitionId": role, "directoryScopeId": scope}
	for k, v := range hidden {
		a[k] = v
	}
	c.tx.Delete(collRoleAssignments, id) // an ended one under the same id
	c.activateRole(role)
	return c.create(collRoleAssignments, a)
}

// activateRole makes the directoryRole object that the first assignment of a role brings about.
func (c *call) activateRole(role string) state.Object {
	if r := c.directoryRole(role); r != nil {
		return r
	}
	d := c.roleDefinition(role)
	return c.tx.Put("directoryRoles", state.Object{
		"displayName": d["displayName"], "description": d["description"], "roleTemplateId": role, "deletedDateTime": nil,
	})
}

func (c *call) directoryRole(role string) state.Object {
	return c.tx.Find("directoryRoles", func(r state.Object) bool { return strings.EqualFold(r.String("roleTemplateId"), role) })
}

func (c *call) deleteAssignment() {
	a := c.get(collRoleAssignments, c.params["id"])
	if a == nil || !c.tx.InForce(a) {
		c.notFound(c.params["id"])
		return
	}
	if !c.mayLose(a) {
		return
	}
	c.revokeRole(a)
	c.auditRole("Remove member from role", "Unassign", a, false)
	c.noContent()
}

// mayLose refuses to take the last active Global Administrator away, or one's own role.
// The refusals' codes are from memory; their effect is documented ("Limitations" of
// "Remove Microsoft Entra role assignments").
func (c *call) mayLose(a state.Object) bool {
	if a.String("roleDefinitionId") != roleGlobalAdministrator || a.String("directoryScopeId") != "/" {
		return true
	}
	if c.who.User && strings.EqualFold(a.String("principalId"), c.who.ObjectID) {
		c.fail(http.StatusBadRequest, "Request_BadRequest", "Removing self from Global Administrator built-in role is not allowed.")
		return false
	}
	if !c.otherGlobalAdministrator(a.ID()) {
		c.fail(http.StatusBadRequest, "Request_BadRequest", "The last active Global Administrator of the tenant cannot be removed.")
		return false
	}
	return true
}

// otherGlobalAdministrator: an enabled user holds the role now by another assignment.
func (c *call) otherGlobalAdministrator(except string) bool {
	for _, a := range c.inForce() {
		if a.ID() == except || a.String("roleDefinitionId") != roleGlobalAdministrator || a.String("directoryScopeId") != "/" {
			continue
		}
		holders := append([]string{a.String("principalId")}, c.tx.Linked("members", a.String("principalId"))...)
		if slices.ContainsFunc(holders, func(id string) bool { return c.tx.Get("users", id).Bool("accountEnabled") }) {
			return true
		}
	}
	return false
}

// revokeRole removes an assignment and the PIM schedule behind it.
func (c *call) revokeRole(a state.Object) {
	c.tx.Delete(collRoleAssignments, a.ID())
	if s := a.String("_schedule"); s != "" {
		c.tx.Delete(collSchedules, s)
	}
}

// auditRole is the directory's record of a role given or taken: the values stand in
// newValue, on removal in oldValue.
func (c *call) auditRole(activity, operation string, a state.Object, given bool) {
	c.audit("RoleManagement", operation, activity, c.roleTargets(a, given)...)
}

// auditPIM is Privileged Identity Management's record of the same act.
func (c *call) auditPIM(activity, operation string, a state.Object, given bool) {
	c.auditBy(logs.PIM, "RoleManagement", operation, activity, c.roleTargets(a, given)...)
}

// roleTargets is the member with what changed, and the role.
func (c *call) roleTargets(a state.Object, given bool) []state.Object {
	role := c.roleDefinition(a.String("roleDefinitionId"))
	object := c.directoryRole(role.ID())
	pair := func(name string, value any) state.Object {
		if given {
			return logs.Changed(name, nil, value)
		}
		return logs.Changed(name, value, nil)
	}
	well := map[string]string{roleGlobalAdministrator: "TenantAdmins", rolePrivilegedRoleAdmin: "PrivilegedRoleAdmins"}[role.ID()]
	member := c.principal(a.String("principalId"))
	kind := map[string]string{"#microsoft.graph.group": "Group", "#microsoft.graph.servicePrincipal": "ServicePrincipal"}[member.String("@odata.type")]
	if kind == "" {
		kind = "User"
	}
	if member == nil {
		member = state.Object{"id": a.String("principalId")}
	}
	return []state.Object{
		logs.Target(kind, member,
			pair("Role.ObjectID", object.ID()), pair("Role.DisplayName", role.String("displayName")),
			pair("Role.TemplateId", role.ID()), pair("Role.WellKnownObjectName", well)),
		logs.Target("Role", state.Object{"id": object.ID()}),
	}
}
