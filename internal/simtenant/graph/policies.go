package graph

import (
	"net/http"
	"strings"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// The tenant's policies outside Conditional Access, most of them singletons.
const (
	collSecurityDefaults = "policies/identitySecurityDefaultsEnforcementPolicy"
	collAuthorization    = "policies/authorizationPolicy"
	collMethodsPolicy    = "policies/authenticationMethodsPolicy"
)

// policyRoutes is everything under /policies and /identity that has no file of its own.
func (a *API) policyRoutes() []route {
	routes := []route{
		{method: "GET", pattern: "/" + collSecurityDefaults, roles: readsPolicies, handle: (*call).getSecurityDefaults},
		{
			method: "PATCH", pattern: "/" + collSecurityDefaults, roles: writesPolicies, handle: (*call).updateSecurityDefaults,
			need: both("Policy.ReadWrite.SecurityDefaults+Policy.Read.All", "Policy.ReadWrite.ConditionalAccess+Policy.Read.All"),
		},
		{method: "GET", pattern: "/" + collAuthorization, handle: (*call).getAuthorization},
		{method: "PATCH", pattern: "/" + collAuthorization, roles: []string{rolePrivilegedRoleAdmin}, handle: (*call).updateAuthorization},
		{method: "PATCH", pattern: "/" + collAuthorization + "/authorizationPolicy", beta: true, need: both("Policy.ReadWrite.Authorization"), roles: []string{rolePrivilegedRoleAdmin}, handle: (*call).updateAuthorization},
	}
	routes = append(routes, a.conditionalAccessRoutes()...)
	routes = append(routes, a.methodsPolicyRoutes()...)
	return append(routes, a.singletonRoutes()...)
}

// securityDefaults is the stored policy, or the one of a tenant that never had it.
func (c *call) securityDefaults() state.Object {
	if p := c.tx.One(collSecurityDefaults); p != nil {
		return p
	}
	return state.Object{
		"id": "00000000-0000-0000-0000-000000000005", "displayName": "Security Defaults",
		"description": "Security defaults is a set of basic identity security mechanisms recommended by Microsoft. When enabled, these recommendations will be automatically enforced in your organization. Administrators and users will be better protected from common identity related attacks.",
		"isEnabled":   false,
	}
}

func (c *call) getSecurityDefaults() {
	c.one(c.securityDefaults(), "identitySecurityDefaultsEnforcementPolicy")
}

// updateSecurityDefaults refuses to switch them on beside enabled Conditional Access policies.
func (c *call) updateSecurityDefaults() {
	if !c.decode("identitySecurityDefaultsEnforcementPolicy") {
		return
	}
	before := c.securityDefaults()
	enabled := c.tx.Find(collPolicies, func(p state.Object) bool { return p.String("state") == "enabled" })
	if c.body.Bool("isEnabled") && !before.Bool("isEnabled") && enabled != nil {
		c.fail(http.StatusBadRequest, "BadRequest", "Security Defaults cannot be enabled while Conditional Access policies are enabled.")
		return
	}
	after := before.Clone()
	merge(after, c.body)
	after["id"] = before["id"]
	c.tx.Put(collSecurityDefaults, after)
	c.auditBy(logs.ConditionalAccess, "Policy", "Update", "Update security defaults",
		logs.Target("Policy", after, logs.Changed("isEnabled", before["isEnabled"], after["isEnabled"])))
	c.noContent()
}

// authorization is the stored policy over the defaults of a new tenant.
func (c *call) authorization() state.Object {
	p := state.Object{
		"id": "authorizationPolicy", "displayName": "Authorization Policy", "deletedDateTime": nil,
		"description":                            "Used to manage authorization related settings across the company.",
		"allowInvitesFrom":                       "everyone",
		"allowedToSignUpEmailBasedSubscriptions": true, "allowedToUseSSPR": true, "allowEmailVerifiedUsersToJoinOrganization": false,
		"allowUserConsentForRiskyApps": nil, "blockMsolPowerShell": false, "guestUserRoleId": "10dae51f-b6af-4016-8d66-8c2a99b929b3",
		"defaultUserRolePermissions": map[string]any{
			"allowedToCreateApps": true, "allowedToCreateSecurityGroups": true, "allowedToCreateTenants": true,
			"allowedToReadBitlockerKeysForOwnedDevice": true, "allowedToReadOtherUsers": true,
			"permissionGrantPoliciesAssigned": []any{"ManagePermissionGrantsForSelf.microsoft-user-default-legacy"},
		},
	}
	merge(p, c.tx.One(collAuthorization))
	return p
}

// getAuthorization: v1.0 answers the policy, beta a list that holds it.
func (c *call) getAuthorization() {
	if c.beta() {
		c.list([]state.Object{c.authorization()}, "authorizationPolicy")
		return
	}
	c.one(c.authorization(), "authorizationPolicy")
}

func (c *call) updateAuthorization() {
	if !c.decode("authorizationPolicy") {
		return
	}
	before := c.authorization()
	after := before.Clone()
	merge(after, c.body)
	after["id"] = "authorizationPolicy"
	c.tx.Put(collAuthorization, after)
	var changes []state.Object
	for key := range c.body {
		if !strings.HasPrefix(key, "@") {
			changes = append(changes, logs.Changed(key, []any{before[key]}, []any{after[key]}))
		}
	}
	c.audit("AuthorizationPolicy", "Update", "Update authorization policy", logs.Target("Policy", after, changes...))
	c.noContent()
}

// A listed policy is one that clients read and nobody changes here.
type listed struct {
	path, typ, perm string
	object          state.Object // nil: an empty collection
}

// singletonRoutes is the policies that CLIs read all together and fail on the first 404.
func (a *API) singletonRoutes() []route {
	var routes []route
	for _, l := range []listed{
		{"activityBasedTimeoutPolicies", "activityBasedTimeoutPolicy", "Policy.Read.All", nil},
		{"appManagementPolicies", "appManagementPolicy", "Policy.Read.All", nil},
		{"claimsMappingPolicies", "claimsMappingPolicy", "Policy.Read.All", nil},
		{"homeRealmDiscoveryPolicies", "homeRealmDiscoveryPolicy", "Policy.Read.All", nil},
		{"permissionGrantPolicies", "permissionGrantPolicy", "Policy.Read.PermissionGrant", nil},
		{"tokenIssuancePolicies", "tokenIssuancePolicy", "Policy.Read.All", nil},
		{"tokenLifetimePolicies", "tokenLifetimePolicy", "Policy.Read.All", nil},
		{"featureRolloutPolicies", "featureRolloutPolicy", "Directory.ReadWrite.All", nil},
		{"authenticationFlowsPolicy", "authenticationFlowsPolicy", "Policy.Read.All", state.Object{
			"id": "authenticationFlowsPolicy", "displayName": "Authentication flows policy",
			"description":       "Authentication flows policy allows modification of settings related to authentication flows in AAD tenant, such as self-service sign up configuration.",
			"selfServiceSignUp": map[string]any{"isEnabled": false},
		}},
		{"adminConsentRequestPolicy", "adminConsentRequestPolicy", "Policy.Read.All", state.Object{
			"isEnabled": false, "notifyReviewers": false, "remindersEnabled": false, "requestDurationInDays": 0, "version": 0, "reviewers": []any{},
		}},
		{"defaultAppManagementPolicy", "tenantAppManagementPolicy", "Policy.Read.All", state.Object{
			"id": "00000000-0000-0000-0000-000000000000", "displayName": "Default app management tenant policy",
			"description": "Default tenant policy that enforces app management restrictions on applications and service principals. To apply policy to targeted resources, create a new policy under appManagementPolicies collection.",
			"isEnabled":   false,
		}},
		{"crossTenantAccessPolicy", "crossTenantAccessPolicy", "Policy.Read.All", state.Object{
			"id": "crossTenantAccessPolicy", "displayName": "CrossTenantAccessPolicy", "allowedCloudEndpoints": []any{},
		}},
	} {
		need := both(l.perm, "Policy.Read.All")
		if l.perm == "Directory.ReadWrite.All" {
			need = both("Directory.ReadWrite.All", "Policy.ReadWrite.FeatureRollout")
		}
		routes = append(routes, route{method: "GET", pattern: "/policies/" + l.path, need: need, handle: func(c *call) { c.showListed(l) }})
	}
	return routes
}

// showListed answers what the state holds, else the default of a tenant that never touched it.
func (c *call) showListed(l listed) {
	coll := "policies/" + l.path
	if l.object == nil {
		c.list(c.tx.List(coll), l.typ)
		return
	}
	o := l.object.Clone()
	merge(o, c.tx.One(coll))
	c.one(o, l.typ)
}
