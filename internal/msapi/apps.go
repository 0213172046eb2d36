package msapi

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// Clients through which a repair could be made without a portal, by application id.
var repairClients = []string{
	"14d82eec-204b-4c2f-b7e8-296a70dab67e", // Microsoft Graph PowerShell
	"04b07795-8ddb-461a-bbee-02f9e1bf7b46", // Azure CLI
	"1950a258-227b-4e31-a9cf-717495945fc2", // Azure PowerShell
	"de8bc8b5-d9f9-48b1-a8ad-b748da725064", // Graph Explorer
}

const graphAppID = "00000003-0000-0000-c000-000000000000"

// powerfulPermissions let their holder reach an emergency account, become an administrator
// or lock everybody out (privilege levels 3 and 4 of Graph's permission data).
var powerfulPermissions = map[string]bool{
	"AdministrativeUnit.ReadWrite.All":                     true,
	"AppRoleAssignment.ReadWrite.All":                      true,
	"Application.ReadWrite.All":                            true,
	"Directory.ReadWrite.All":                              true,
	"Domain.ReadWrite.All":                                 true,
	"Group.ReadWrite.All":                                  true,
	"GroupMember.ReadWrite.All":                            true,
	"Policy.ReadWrite.AuthenticationMethod":                true,
	"Policy.ReadWrite.Authorization":                       true,
	"Policy.ReadWrite.ConditionalAccess":                   true,
	"Policy.ReadWrite.SecurityDefaults":                    true,
	"RoleAssignmentSchedule.ReadWrite.Directory":           true,
	"RoleEligibilitySchedule.ReadWrite.Directory":          true,
	"RoleManagement.ReadWrite.Directory":                   true,
	"RoleManagementPolicy.ReadWrite.Directory":             true,
	"PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup":  true,
	"PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup": true,
	"User-PasswordProfile.ReadWrite.All":                   true,
	"User.DeleteRestore.All":                               true,
	"User.EnableDisableAccount.All":                        true,
	"User.ReadWrite.All":                                   true,
	"UserAuthMethod-Passkey.ReadWrite.All":                 true,
	"UserAuthMethod-TAP.ReadWrite.All":                     true,
	"UserAuthenticationMethod.ReadWrite.All":               true,
}

func principalPath(appID string) string {
	sel := "id,appId,displayName,accountEnabled,appRoleAssignmentRequired"
	if appID == graphAppID {
		sel = "id,appId,displayName,appRoles"
	}
	return "/servicePrincipals?$filter=appId eq '" + url.QueryEscape(appID) + "'&$select=" + sel
}

// clients: "List servicePrincipals", "List oauth2PermissionGrants" and "List
// appRoleAssignedTo"; Application.Read.All, and Directory.Read.All for the grants.
func (r *reader) clients(ctx context.Context) {
	ids := distinct(append(slices.Clone(repairClients), r.opts.Clients...))
	all := collectAll(ctx, r, entra.PartClients, "/"+v1+"/servicePrincipals?$filter=appId eq (each client)", pathsOf(ids, principalPath), as[entra.ServicePrincipal])
	graph := r.graphPrincipal(ctx)
	r.consents(ctx, all, graph)
	r.put(func(s *entra.Snapshot) { s.Clients = all })
	r.powers(ctx, graph)
}

// graphPrincipal is Graph's own service principal, by which permissions are named.
func (r *reader) graphPrincipal(ctx context.Context) graphPrincipal {
	t := &take[graphPrincipal]{decode: as[graphPrincipal]}
	_, err := r.c.list(ctx, v1, principalPath(graphAppID), 0, t.add)
	err = firstError(err, t.bad)
	if err == nil && len(t.all) != 1 {
		err = &Error{Kind: KindNotFound, Op: "GET /" + v1 + "/servicePrincipals", Message: "the tenant has no service principal of Microsoft Graph", retryAfter: -1}
	}
	if err != nil {
		return graphPrincipal{err: err}
	}
	return t.all[0]
}

type graphPrincipal struct {
	ID       string `json:"id"`
	AppRoles []struct {
		ID    string `json:"id"`
		Value string `json:"value"`
	} `json:"appRoles"`
	err error
}

// consents fills in what each client may do on everybody's behalf at Graph.
func (r *reader) consents(ctx context.Context, all []entra.ServicePrincipal, graph graphPrincipal) {
	const source = "/" + v1 + "/oauth2PermissionGrants?$filter=clientId eq (each client)"
	if graph.err != nil {
		r.file(entra.PartConsents, source, 0, 0, graph.err)
		return
	}
	var paths []string
	for _, c := range all {
		paths = append(paths, "/oauth2PermissionGrants?$filter=clientId eq '"+url.QueryEscape(c.ID)+"'")
	}
	pages, items, err := 0, 0, error(nil)
	for i, res := range r.c.batch(ctx, v1, paths) {
		t := &take[grant]{decode: as[grant]}
		n, e := r.pagesOf(ctx, v1, paths[i], res, 0, t.add)
		pages += n
		if e = firstError(e, t.bad); e != nil {
			err = firstError(err, e)
			continue
		}
		all[i].Scopes = entra.Some(scopes(t.all, graph.ID))
		items++
	}
	r.file(entra.PartConsents, source, pages, items, err)
}

type grant struct {
	ConsentType string `json:"consentType"`
	ResourceID  string `json:"resourceId"`
	Scope       string `json:"scope"`
}

// scopes are the permissions at one resource that were consented to for everybody.
func scopes(all []grant, resource string) []string {
	out := []string{}
	for _, g := range all {
		if g.ConsentType == "AllPrincipals" && strings.EqualFold(g.ResourceID, resource) {
			out = append(out, strings.Fields(g.Scope)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// powers are the applications that hold a powerful permission of Graph.
func (r *reader) powers(ctx context.Context, graph graphPrincipal) {
	path := "/servicePrincipals/" + url.PathEscape(graph.ID) + "/appRoleAssignedTo"
	if graph.err != nil {
		r.file(entra.PartAppPowers, "/"+v1+"/servicePrincipals/{graph}/appRoleAssignedTo", 0, 0, graph.err)
		return
	}
	names := map[string]string{}
	for _, role := range graph.AppRoles {
		names[strings.ToLower(role.ID)] = role.Value
	}
	var all []entra.AppPower
	pages, err := r.c.list(ctx, v1, path+"?$top=999", 0, func(raw json.RawMessage) error {
		p, keep, err := decodePower(raw, names)
		if keep {
			all = append(all, p)
		}
		return err
	})
	r.file(entra.PartAppPowers, "/"+v1+path, pages, len(all), err)
	r.put(func(s *entra.Snapshot) { s.AppPowers = all })
}

// decodePower keeps a powerful permission, and one that nobody can name.
func decodePower(raw json.RawMessage, names map[string]string) (entra.AppPower, bool, error) {
	var v struct {
		PrincipalID   string `json:"principalId"`
		DisplayName   string `json:"principalDisplayName"`
		PrincipalType string `json:"principalType"`
		RoleID        string `json:"appRoleId"`
	}
	if err := json.Unmarshal(raw, &v); err != nil || v.PrincipalID == "" || v.RoleID == "" {
		return entra.AppPower{}, false, &Error{Kind: kindDamaged, Op: "read an entry", Message: "an application permission is not in the form that we know", retryAfter: -1}
	}
	name, known := names[strings.ToLower(v.RoleID)]
	if !known {
		name = v.RoleID
	}
	return entra.AppPower{PrincipalID: v.PrincipalID, DisplayName: v.DisplayName, Permission: name}, !known || powerfulPermissions[name], nil
}
