package msapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"breakglass/internal/entra"
)

// AppGraph is the application id of Microsoft Graph, the same in every tenant and cloud.
const AppGraph = graphAppID

const (
	applicationFields = "id,appId,displayName,tags,signInAudience,isFallbackPublicClient,publicClient,web,spa,servicePrincipalLockConfiguration,requiredResourceAccess,passwordCredentials,keyCredentials"
	principalFields   = "id,appId,displayName,tags,accountEnabled,appRoleAssignmentRequired"
	taggedOurs        = "?$filter=tags/any(t:t eq '" + entra.TagOurs + "')&$select="
)

// ReadRegistrations reads all that onboarding rests on, or fails: Application.Read.All,
// Directory.Read.All for the consents, User.Read.All for people, who are named by user
// principal name or object id. Errors are *Error, wrapped with what was read.
func (c *Client) ReadRegistrations(ctx context.Context, people []string) (*entra.Registrations, error) {
	ctx = withBudget(ctx, c.patience)
	tenant, _, err := c.proof(ctx)
	if err != nil {
		return nil, err
	}
	who := c.who()
	out := &entra.Registrations{Tenant: tenant, Reader: entra.Reader{Kind: who.kind, ObjectID: who.objectID, AppID: who.appID, Grants: who.grants}}
	if out.Graph, err = c.graphPermissions(ctx); err != nil {
		return nil, fmt.Errorf("read the permissions that Microsoft Graph offers: %w", err)
	}
	if err := c.ours(ctx, out); err != nil {
		return nil, err
	}
	for _, name := range people {
		p, err := c.person(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", name, err)
		}
		out.People = append(out.People, p)
	}
	return out, nil
}

// all reads a collection whole; an entry in an unknown form is an error.
func all[T any](ctx context.Context, c *Client, path string) ([]T, error) {
	out := []T{}
	_, err := c.list(ctx, v1, path, 0, func(raw json.RawMessage) error {
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return &Error{Kind: kindDamaged, Op: "GET /" + v1 + path, Message: "an entry is not in the form that we know", retryAfter: -1}
		}
		out = append(out, v)
		return nil
	})
	return out, err
}

// graphPermissions: "Get servicePrincipal"; the names and ids of all of Graph's permissions.
func (c *Client) graphPermissions(ctx context.Context) (entra.GraphPrincipal, error) {
	type permission struct {
		ID        string `json:"id"`
		Value     string `json:"value"`
		IsEnabled *bool  `json:"isEnabled"`
	}
	type principal struct {
		ID     string       `json:"id"`
		Roles  []permission `json:"appRoles"`
		Scopes []permission `json:"oauth2PermissionScopes"`
	}
	found, err := all[principal](ctx, c, "/servicePrincipals?$filter=appId eq '"+graphAppID+"'&$select=id,appRoles,oauth2PermissionScopes")
	if err != nil {
		return entra.GraphPrincipal{}, err
	}
	if len(found) != 1 {
		return entra.GraphPrincipal{}, &Error{Kind: KindNotFound, Op: "GET /v1.0/servicePrincipals", Message: "the tenant has no service principal of Microsoft Graph", retryAfter: -1}
	}
	named := func(list []permission) map[string]string {
		m := map[string]string{}
		for _, p := range list {
			if p.IsEnabled == nil || *p.IsEnabled {
				m[p.Value] = p.ID
			}
		}
		return m
	}
	return entra.GraphPrincipal{ID: found[0].ID, Roles: named(found[0].Roles), Scopes: named(found[0].Scopes)}, nil
}

// ours reads every application and service principal with our tag.
func (c *Client) ours(ctx context.Context, out *entra.Registrations) error {
	apps, err := all[entra.Application](ctx, c, "/applications"+taggedOurs+"id")
	if err != nil {
		return fmt.Errorf("read our applications: %w", err)
	}
	known := map[string]bool{}
	for _, a := range apps {
		app, err := c.application(ctx, a.ID)
		if err != nil {
			return fmt.Errorf("read the application %s: %w", a.ID, err)
		}
		out.Applications = append(out.Applications, app)
		known[strings.ToLower(app.AppID)] = true
	}
	tagged, err := all[entra.Principal](ctx, c, "/servicePrincipals"+taggedOurs+principalFields)
	if err != nil {
		return fmt.Errorf("read our service principals: %w", err)
	}
	for _, p := range tagged {
		if !known[strings.ToLower(p.AppID)] {
			out.Strays = append(out.Strays, p)
		}
	}
	return nil
}

// application reads one registration alone: lists do not carry the public part of
// certificates ("keyCredential resource type").
func (c *Client) application(ctx context.Context, id string) (entra.Application, error) {
	var app entra.Application
	at := "/applications/" + url.PathEscape(id)
	body, err := c.get(ctx, v1, at+"?$select="+applicationFields)
	if err != nil {
		return app, err
	}
	if err := json.Unmarshal(body, &app); err != nil || app.AppID == "" {
		return app, &Error{Kind: kindDamaged, Op: "GET /" + v1 + at, Message: "the answer is not in the form that we know", retryAfter: -1}
	}
	if app.Owners, err = c.owners(ctx, at); err != nil {
		return app, err
	}
	if app.Federated, err = all[entra.FederatedCredential](ctx, c, at+"/federatedIdentityCredentials"); err != nil {
		return app, err
	}
	app.Principal, err = c.principalOf(ctx, app.AppID)
	return app, err
}

func (c *Client) owners(ctx context.Context, at string) ([]string, error) {
	list, err := all[struct {
		ID string `json:"id"`
	}](ctx, c, at+"/owners?$select=id")
	var ids []string
	for _, o := range list {
		ids = append(ids, o.ID)
	}
	return ids, err
}

// principalOf is an application's service principal with its grants, nil when it has none.
func (c *Client) principalOf(ctx context.Context, appID string) (*entra.Principal, error) {
	found, err := all[entra.Principal](ctx, c, "/servicePrincipals?$filter=appId eq '"+url.QueryEscape(appID)+"'&$select="+principalFields)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	p := &found[0]
	at := "/servicePrincipals/" + url.PathEscape(p.ID)
	if p.Owners, err = c.owners(ctx, at); err != nil {
		return nil, err
	}
	if p.Granted, err = all[entra.RoleGrant](ctx, c, at+"/appRoleAssignments"); err != nil {
		return nil, err
	}
	if p.Assigned, err = all[entra.RoleGrant](ctx, c, at+"/appRoleAssignedTo"); err != nil {
		return nil, err
	}
	p.Consents, err = all[entra.Consent](ctx, c, "/oauth2PermissionGrants?$filter=clientId eq '"+url.QueryEscape(p.ID)+"'")
	return p, err
}

func (c *Client) person(ctx context.Context, name string) (entra.Person, error) {
	var p entra.Person
	body, err := c.get(ctx, v1, "/users/"+url.PathEscape(name)+"?$select=id,userPrincipalName,accountEnabled")
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(body, &p); err != nil || p.ID == "" {
		return p, &Error{Kind: kindDamaged, Op: "GET /v1.0/users/{id}", Message: "the answer is not in the form that we know", retryAfter: -1}
	}
	return p, nil
}

// DirectoryRole is a directory role that somebody holds. Scope "/" is the whole tenant.
type DirectoryRole struct {
	ID, Name, Scope string
}

// RolesOf are the directory roles that a principal holds directly: "List roleAssignments"
// (RoleManagement.Read.Directory). Those through groups are not among them.
func (c *Client) RolesOf(ctx context.Context, principal string) ([]DirectoryRole, error) {
	type assignment struct {
		RoleID     string `json:"roleDefinitionId"`
		Scope      string `json:"directoryScopeId"`
		Definition struct {
			Name string `json:"displayName"`
		} `json:"roleDefinition"`
	}
	list, err := all[assignment](withBudget(ctx, c.patience), c,
		"/roleManagement/directory/roleAssignments?$filter=principalId eq '"+url.QueryEscape(principal)+"'&$expand=roleDefinition($select=displayName)")
	out := []DirectoryRole{}
	for _, a := range list {
		name := a.Definition.Name
		if name == "" {
			name = a.RoleID
		}
		out = append(out, DirectoryRole{a.RoleID, name, a.Scope})
	}
	return out, err
}

// Powerful says whether a permission of Graph lets its holder reach an emergency account,
// become an administrator or lock everybody out.
func Powerful(permission string) bool { return powerfulPermissions[permission] }
