package msapi

import (
	"context"
	"encoding/json"
	"net/url"

	"breakglass/internal/entra"
)

// perRole are the paths of one collection for each watched role, so that the cost does not
// grow with the other roles' assignments.
func perRole(collection, rest string, roles []string) []string {
	out := make([]string, 0, len(roles))
	for _, id := range roles {
		out = append(out, collection+"?$filter=roleDefinitionId eq '"+url.QueryEscape(id)+"'"+rest)
	}
	return out
}

// roleAssignments: "List unifiedRoleAssignments"; RoleManagement.Read.Directory.
func (r *reader) roleAssignments(ctx context.Context) {
	const path = "/roleManagement/directory/roleAssignments"
	all := collectAll(ctx, r, entra.PartRoleAssignments, "/"+v1+path+"?$filter=roleDefinitionId eq (each watched role)&$expand=principal",
		perRole(path, "&$expand=principal", entra.WatchedRoles()), decodeAssignment)
	r.put(func(s *entra.Snapshot) { s.RoleAssignments = all })
}

func decodeAssignment(raw json.RawMessage) (entra.RoleAssignment, error) {
	a, err := as[entra.RoleAssignment](raw)
	if err != nil {
		return a, err
	}
	if a.RoleID == "" || a.PrincipalID == "" {
		return a, errMissing("roleDefinitionId or principalId")
	}
	var v struct {
		Principal json.RawMessage `json:"principal"`
	}
	if json.Unmarshal(raw, &v) == nil {
		if t := kind(odataType(v.Principal)); t != "" {
			a.PrincipalType = entra.Some(t)
		}
	}
	return a, nil
}
