package arm

import (
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

const roleAssignmentType = "Microsoft.Authorization/roleAssignments"

// A definition is a built-in Azure role: what it allows, what it takes back
// ("Azure built-in roles").
type definition struct {
	id, name    string
	actions     []string
	notAllowed  []string
	description string
}

const userAccessAdministrator = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"

var definitions = []definition{
	{"8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", []string{"*"}, nil, "Grants full access to manage all resources, including the ability to assign roles in Azure RBAC."},
	{"b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor", []string{"*"}, []string{"Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write", "Microsoft.Authorization/elevateAccess/Action"}, "Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC."},
	{"acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader", []string{"*/read"}, nil, "View all resources, but does not allow you to make any changes."},
	{userAccessAdministrator, "User Access Administrator", []string{"*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"}, nil, "Lets you manage user access to Azure resources."},
	{"43d0d8ad-25c7-4714-9337-8ba259a9fe05", "Monitoring Reader", []string{"*/read"}, nil, "Can read all monitoring data."},
	{"749f88d5-cbae-40b8-bcfc-e573ddc772fa", "Monitoring Contributor", []string{"*/read", "Microsoft.Insights/*", "Microsoft.OperationalInsights/workspaces/write", "Microsoft.AlertsManagement/*"}, nil, "Can read all monitoring data and update monitoring settings."},
	{"73c42c96-874c-492b-b04d-ab87d138a893", "Log Analytics Reader", []string{"*/read"}, nil, "Can view and search all monitoring data as well as view monitoring settings."},
	{"92aaf0da-9dab-42b6-94a3-d43ce8d16293", "Log Analytics Contributor", []string{"*/read", "Microsoft.Insights/diagnosticSettings/*", "Microsoft.OperationalInsights/*"}, nil, "Can read all monitoring data and edit monitoring settings."},
	{"ab8e14d6-4a74-4a29-9ba8-549422addade", "Microsoft Sentinel Contributor", []string{"Microsoft.SecurityInsights/*", "Microsoft.OperationalInsights/workspaces/*/read", "Microsoft.OperationalInsights/workspaces/read", "Microsoft.Insights/alertRules/*", "Microsoft.Resources/*/read"}, nil, "Microsoft Sentinel Contributor"},
	{"8d289c81-5878-46d4-8554-54e1e3d8b5cb", "Microsoft Sentinel Reader", []string{"Microsoft.SecurityInsights/*/read", "Microsoft.OperationalInsights/workspaces/*/read", "Microsoft.OperationalInsights/workspaces/read", "Microsoft.Resources/*/read"}, nil, "Microsoft Sentinel Reader"},
	{"fb1c8493-542b-48eb-b624-b4c8fea62acd", "Security Admin", []string{"Microsoft.Security/*", "Microsoft.Insights/alertRules/*", "Microsoft.Resources/subscriptions/resourceGroups/read"}, nil, "View and update permissions for Microsoft Defender for Cloud."},
}

func definitionByID(id string) *definition {
	id = strings.ToLower(id[strings.LastIndexByte(id, '/')+1:])
	for i := range definitions {
		if definitions[i].id == id {
			return &definitions[i]
		}
	}
	return nil
}

// allows compares an action with the role's patterns; "*" stands for any run of characters.
func (d *definition) allows(action string) bool {
	hit := func(pattern string) bool { return like(strings.ToLower(pattern), strings.ToLower(action)) }
	return slices.ContainsFunc(d.actions, hit) && !slices.ContainsFunc(d.notAllowed, hit)
}

func like(pattern, text string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == text
	}
	if !strings.HasPrefix(text, head) {
		return false
	}
	text = text[len(head):]
	for i := 0; i <= len(text); i++ {
		if like(rest, text[i:]) {
			return true
		}
	}
	return false
}

// can is whether the caller may do an action in a scope, by its own role assignments and
// those of its groups, in that scope or above.
func (c *call) can(action, scope string) bool {
	holders := c.holders()
	for _, a := range c.assignments() {
		p := a.Object("properties")
		if !slices.Contains(holders, strings.ToLower(p.String("principalId"))) || !within(scope, p.String("scope")) {
			continue
		}
		if d := definitionByID(p.String("roleDefinitionId")); d != nil && d.allows(action) {
			return true
		}
	}
	return false
}

// holders is the caller and its groups.
func (c *call) holders() []string {
	out := []string{strings.ToLower(c.who.ObjectID)}
	for i := 0; i < len(out); i++ {
		for _, g := range c.tx.LinkedTo("members", out[i]) {
			if !slices.Contains(out, g) && c.tx.Get("groups", g) != nil {
				out = append(out, g)
			}
		}
	}
	return out
}

// assignments is every Azure role assignment of the tenant.
func (c *call) assignments() []state.Object {
	return slices.DeleteFunc(c.tx.List(collResources), func(o state.Object) bool { return !strings.EqualFold(o.String("type"), roleAssignmentType) })
}

// may is can, answering the refusal.
func (c *call) may(action, scope string) bool {
	if c.can(action, scope) {
		return true
	}
	if scope == "" {
		scope = "/"
	}
	c.fail(http.StatusForbidden, "AuthorizationFailed", "The client '"+c.clientName()+"' with object id '"+c.who.ObjectID+"' does not have authorization to perform action '"+action+"' over scope '"+scope+"' or the scope is invalid. If access was recently granted, please refresh your credentials.")
	return false
}

func (c *call) clientName() string {
	if c.who.User {
		return c.tx.Get("users", c.who.ObjectID).String("userPrincipalName")
	}
	return c.who.AppID
}

// elevate gives a Global Administrator the role User Access Administrator at "/"
// ("Elevate access to manage all Azure subscriptions and management groups").
func (c *call) elevate() {
	if c.r.Method != http.MethodPost {
		c.fail(http.StatusMethodNotAllowed, "MethodNotAllowed", "The request method is not allowed.")
		return
	}
	if !c.who.User || !slices.Contains(c.tx.ActiveRoles(c.who.ObjectID), "62e90394-69f5-4237-9190-012177145e10") {
		c.fail(http.StatusForbidden, "AuthorizationFailed", "The client '"+c.clientName()+"' with object id '"+c.who.ObjectID+"' does not have authorization to perform action 'Microsoft.Authorization/elevateAccess/action' over scope '/'.")
		return
	}
	if !c.can("Microsoft.Authorization/roleAssignments/write", "/") {
		c.assign("/", c.who.ObjectID, userAccessAdministrator)
		c.auditElevation("User has elevated their access to User Access Administrator for their Azure Resources", "Add")
	}
	c.reply(http.StatusOK, nil)
}

// auditElevation is the record that elevation leaves in the directory's audit log.
func (c *call) auditElevation(activity, operation string) {
	u := c.tx.Get("users", c.who.ObjectID)
	rec := logs.Event("AzureRBACRoleManagementElevateAccess", "Azure RBAC (Elevated Access)", operation, activity, logs.By(c.tx, c.who, ""), logs.Target("User", u))
	c.api.Logs.Audit(c.tx, rec)
}

// assign stores a role assignment and returns it.
func (c *call) assign(scope, principal, role string) state.Object {
	name := state.NewID()
	prefix := strings.TrimRight(scope, "/")
	now := state.Timestamp(c.tx.Now())
	kind := "ServicePrincipal"
	if c.tx.Get("users", principal) != nil {
		kind = "User"
	} else if c.tx.Get("groups", principal) != nil {
		kind = "Group"
	}
	return c.tx.Put(collResources, state.Object{
		"id": prefix + "/providers/" + roleAssignmentType + "/" + name, "type": roleAssignmentType, "name": name,
		"properties": map[string]any{
			"roleDefinitionId": prefix + "/providers/Microsoft.Authorization/roleDefinitions/" + role, "principalId": principal, "principalType": kind,
			"scope": scope, "condition": nil, "conditionVersion": nil, "createdOn": now, "updatedOn": now, "createdBy": c.who.ObjectID, "updatedBy": c.who.ObjectID,
			"delegatedManagedIdentityResourceId": nil, "description": nil,
		},
	})
}

// listAssignments is the assignments at a scope, above and below it; $filter is one of
// principalId eq 'x', atScope(), assignedTo('x').
func (c *call) listAssignments(a address) {
	if !c.may("Microsoft.Authorization/roleAssignments/read", a.scope) {
		return
	}
	filter := c.r.URL.Query().Get("$filter")
	only := ""
	for _, form := range []string{"principalId eq '", "assignedTo('"} {
		if v, ok := strings.CutPrefix(filter, form); ok {
			only = strings.ToLower(strings.TrimRight(v, "')"))
		}
	}
	if filter != "" && only == "" && !strings.EqualFold(filter, "atScope()") {
		c.notModelled("the filter " + filter + " on role assignments")
		return
	}
	var out []state.Object
	for _, o := range c.assignments() {
		p := o.Object("properties")
		at := p.String("scope")
		here := within(a.scope, at) || within(at, a.scope) && filter != "atScope()"
		if here && (only == "" || strings.EqualFold(p.String("principalId"), only)) {
			out = append(out, o)
		}
	}
	c.list(out)
}

func (c *call) putAssignment(a address) {
	if !c.may("Microsoft.Authorization/roleAssignments/write", a.scope) {
		return
	}
	p := c.body.Object("properties")
	d := definitionByID(p.String("roleDefinitionId"))
	principal := strings.ToLower(p.String("principalId"))
	switch {
	case uuid.Validate(a.name) != nil:
		c.fail(http.StatusBadRequest, "InvalidRoleAssignmentId", "The role assignment ID '"+a.name+"' is not valid. The role assignment ID must be a GUID.")
	case d == nil:
		c.fail(http.StatusBadRequest, "RoleDefinitionDoesNotExist", "The specified role definition '"+p.String("roleDefinitionId")+"' does not exist.")
	case c.tx.Get("users", principal) == nil && c.tx.Get("servicePrincipals", principal) == nil && c.tx.Get("groups", principal) == nil:
		c.fail(http.StatusBadRequest, "PrincipalNotFound", "Principal "+principal+" does not exist in the directory "+c.tx.TenantID()+".")
	default:
		for _, o := range c.assignments() {
			q := o.Object("properties")
			if q.String("principalId") == principal && definitionByID(q.String("roleDefinitionId")) == d && strings.EqualFold(strings.TrimRight(q.String("scope"), "/"), a.scope) {
				c.fail(http.StatusConflict, "RoleAssignmentExists", "The role assignment already exists.")
				return
			}
		}
		scope := a.scope
		if scope == "" {
			scope = "/"
		}
		o := c.assign(scope, principal, d.id)
		c.tx.Delete(collResources, o.ID())
		o["id"], o["name"] = a.path, a.name
		c.reply(http.StatusCreated, c.tx.Put(collResources, o).Public())
	}
}

func (c *call) deleteAssignment(a address) {
	if !c.may("Microsoft.Authorization/roleAssignments/delete", a.scope) {
		return
	}
	o := c.tx.Get(collResources, a.path)
	if o == nil {
		c.reply(http.StatusNoContent, nil)
		return
	}
	c.tx.Delete(collResources, o.ID())
	if a.scope == "" && c.who.User {
		c.auditElevation("The role assignment of User Access Administrator has been removed from the user", "Delete")
	}
	c.reply(http.StatusOK, o.Public())
}

// showDefinitions is the built-in roles, all or one.
func (c *call) showDefinitions(a address) {
	if !c.may("Microsoft.Authorization/roleDefinitions/read", a.scope) {
		return
	}
	var out []state.Object
	for _, d := range definitions {
		o := state.Object{
			"id": a.scope + "/providers/Microsoft.Authorization/roleDefinitions/" + d.id, "type": "Microsoft.Authorization/roleDefinitions", "name": d.id,
			"properties": map[string]any{
				"roleName": d.name, "type": "BuiltInRole", "description": d.description, "assignableScopes": []any{"/"},
				"permissions": []any{map[string]any{"actions": d.actions, "notActions": list(d.notAllowed), "dataActions": []any{}, "notDataActions": []any{}}},
			},
		}
		if a.name == "" || strings.EqualFold(a.name, d.id) {
			out = append(out, o)
		}
	}
	if a.name == "" {
		c.list(filterNamed(out, c.r.URL.Query().Get("$filter")))
		return
	}
	if len(out) == 0 {
		c.fail(http.StatusNotFound, "RoleDefinitionDoesNotExist", "The specified role definition with ID '"+a.name+"' does not exist.")
		return
	}
	c.reply(http.StatusOK, out[0])
}

// filterNamed keeps the definitions that "roleName eq 'x'" names; other filters keep all.
func filterNamed(all []state.Object, filter string) []state.Object {
	name, ok := strings.CutPrefix(filter, "roleName eq '")
	if !ok {
		return all
	}
	return slices.DeleteFunc(all, func(o state.Object) bool {
		return o.Object("properties").String("roleName") != strings.TrimSuffix(name, "'")
	})
}

func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
