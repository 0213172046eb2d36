package graph

import (
	"maps"
	"slices"

	"breakglass/internal/simtenant/state"
)

// directoryRoutes is every operation of the directory: people, groups, units, roles,
// applications, the tenant itself.
func (a *API) directoryRoutes() []route {
	return slices.Concat(
		a.usersRoutes(), a.groupsRoutes(), a.objectsRoutes(), a.deletedRoutes(), a.unitsRoutes(),
		a.directoryRolesRoutes(), a.organizationRoutes(), a.applicationsRoutes(),
	)
}

// directoryExpansions is what $expand follows in the directory.
func directoryExpansions() map[string]expansion {
	out := map[string]expansion{}
	linked := func(rel string) expansion {
		return expansion{typ: "directoryObject", many: true, find: func(c *call, o state.Object) []state.Object {
			return c.objects(c.tx.Linked(rel, o.ID()))
		}}
	}
	memberOf := func(deep bool) expansion {
		return expansion{typ: "directoryObject", many: true, find: func(c *call, o state.Object) []state.Object {
			return c.objects(c.containers(o.ID(), deep))
		}}
	}
	for _, typ := range []string{"user", "group", "device", "servicePrincipal"} {
		out[typ+"/memberOf"], out[typ+"/transitiveMemberOf"] = memberOf(false), memberOf(true)
	}
	manager := linked("manager")
	manager.many = false
	maps.Copy(out, map[string]expansion{
		"user/manager":               manager,
		"group/members":              linked("members"),
		"group/owners":               linked("owners"),
		"administrativeUnit/members": linked("members"),
		"device/registeredOwners":    linked("registeredOwners"),
		"application/owners":         linked("owners"),
		"servicePrincipal/owners":    linked("owners"),
		"group/transitiveMembers": {typ: "directoryObject", many: true, find: func(c *call, o state.Object) []state.Object {
			return c.objects(transitiveMembers(c.tx, o.ID()))
		}},
		"directoryRole/members": {typ: "directoryObject", many: true, find: func(c *call, o state.Object) []state.Object {
			return c.objects(c.roleMembers(o))
		}},
		"servicePrincipal/appRoleAssignedTo":  {typ: "appRoleAssignment", many: true, find: func(c *call, o state.Object) []state.Object { return byKey(c.tx, collAppRoles, "resourceId", o.ID()) }},
		"servicePrincipal/appRoleAssignments": {typ: "appRoleAssignment", many: true, find: func(c *call, o state.Object) []state.Object { return byKey(c.tx, collAppRoles, "principalId", o.ID()) }},
		"application/federatedIdentityCredentials": {typ: "federatedIdentityCredential", many: true, find: func(c *call, o state.Object) []state.Object {
			return children(c.tx, collFederated, "_application", o.ID())
		}},
	})
	return out
}
