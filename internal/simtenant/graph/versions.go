package graph

import (
	"slices"

	"breakglass/internal/simtenant/state"
)

// renamed are properties that beta has under another name than v1.0, by type.
var renamed = map[string][2]string{
	"appRoleAssignment": {"createdDateTime", "creationTimestamp"},
	"servicePrincipal":  {"oauth2PermissionScopes", "publishedPermissionScopes"},
}

// neverNull is what the service answers for properties that cannot be null, where an object
// does not store them.
var neverNull = map[string]map[string]any{
	"application": {
		"oauth2RequirePostResponse": false,
		// beta's word for what signInAudience says in v1.0
		"signInAudienceRestrictions": map[string]any{"@odata.type": "#microsoft.graph.unrestrictedAudience", "kind": "unrestricted"},
	},
	"organization": {"mobileDeviceManagementAuthority": "unknown"},
}

// inVersion makes an object, stored in v1.0's words, that of the version asked for: renames
// what beta calls otherwise, and leaves out, at any depth, what only the other version has.
// What neither version's metadata know stays: the live service sends such extras too.
func (c *call) inVersion(o state.Object, typ string) state.Object {
	for name, v := range neverNull[typ] {
		if o[name] == nil {
			o[name] = v
		}
	}
	if pair, ok := renamed[typ]; ok && c.beta() {
		if v, has := o[pair[0]]; has {
			o[pair[1]] = v
		}
	}
	c.leaveOut(o, typ)
	return o
}

func (c *call) leaveOut(o state.Object, typ string) {
	for name, v := range o {
		p, here := metadata().prop(typ, name, c.beta())
		if _, elsewhere := metadata().prop(typ, name, !c.beta()); !here && elsewhere {
			delete(o, name)
			continue
		}
		if !here || metadata().types[p.kind] == nil {
			continue
		}
		for _, e := range slices.Concat(elements(v), []any{v}) {
			if m, ok := e.(map[string]any); ok {
				c.leaveOut(m, concrete(m, p.kind))
			}
		}
	}
}

// concrete is the type that an object names itself, else the declared one.
func concrete(o state.Object, typ string) string {
	if own := typeOf(o); metadata().types[own] != nil {
		return own
	}
	return typ
}
