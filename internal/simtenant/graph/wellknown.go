package graph

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"breakglass/internal/simtenant/state"
)

// Where applications and what they may do are kept.
const (
	collUsers        = "users"
	collGroups       = "groups"
	collDevices      = "devices"
	collApplications = "applications"
	collPrincipals   = "servicePrincipals"
	collUnits        = "directory/administrativeUnits"
	collDeleted      = "directory/deletedItems"
	collConsents     = "oauth2PermissionGrants"
	collAppRoles     = "appRoleAssignments"
	collFederated    = "federatedIdentityCredentials"
)

// armAudience is the application id of "Windows Azure Service Management API", which stands
// for Azure Resource Manager.
const armAudience = "797f4846-ba00-4fd7-ba43-dac1f8f63013"

// microsoftTenant owns Microsoft's own applications.
const microsoftTenant = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"

// knownAppRoles and knownScopes are the ids that Microsoft Graph's permissions have in every
// tenant, as far as they are known here; the others get ids that are made up and stable.
var (
	knownAppRoles = map[string]string{
		"User.Read.All": "df021288-bdef-4463-88db-98f22de89214", "User.ReadWrite.All": "741f803b-c850-494e-b5df-cde7c675a1ca",
		"Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61", "Directory.ReadWrite.All": "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
		"Group.Read.All": "5b567255-7703-4780-807c-7be8301ae99b", "Group.ReadWrite.All": "62a82d76-70ea-41e2-9197-370581804d09",
		"GroupMember.Read.All": "98830695-27a2-44f7-8c18-0c3ebc9698f6", "AuditLog.Read.All": "b0afded3-3588-46d8-8b3d-9842eff778da",
		"Policy.Read.All": "246dd0d5-5bd0-4def-940b-0421030a5b68", "Policy.ReadWrite.ConditionalAccess": "01c0a623-fc9b-48e9-b794-0756f8e8f067",
		"Policy.Read.ConditionalAccess": "37730810-e9ba-4e46-b07e-8ca78d182097", "Domain.Read.All": "dbb9058a-0e50-45d7-ae91-66909b5d4664",
		"RoleManagement.Read.Directory": "483bed4a-2ad3-4361-a73b-c83ccdbdc53c", "RoleManagement.ReadWrite.Directory": "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8",
		"Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30", "Application.ReadWrite.All": "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
		"AppRoleAssignment.ReadWrite.All": "06b708a9-e830-4db3-a914-8e69da51d44f", "Organization.Read.All": "498476ce-e0fe-48b0-b801-37ba7e2685c6",
		"UserAuthenticationMethod.Read.All": "38d9df27-64da-44fd-b7c5-a6fbac20248f", "UserAuthenticationMethod.ReadWrite.All": "50483e42-d915-4231-9639-7fdb7fd190e5",
		"IdentityRiskyUser.Read.All": "dc5007c0-2d7d-4c42-879c-2dab87571379", "AdministrativeUnit.Read.All": "134fd756-38ce-4afd-ba33-e9623dbe66c2",
	}
	knownScopes = map[string]string{
		"openid": "37f7f235-527c-4136-accd-4a02d197296e", "profile": "14dad69e-099b-42c9-810b-d002981feec1", "email": "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0",
		"offline_access": "7427e0e9-2fba-42fe-b0c0-848c9e6a8182", "User.Read": "e1fe6dd8-ba31-4d61-89e7-88639da4683d",
		"User.Read.All": "a154be20-db9c-4678-8ab7-66f6cc099a59", "Directory.AccessAsUser.All": "0e263e50-5827-48a4-b97c-d940288653c7",
	}
)

// permissionSpace makes the made-up ids: stable for a name and a kind.
var permissionSpace = uuid.MustParse(Audience)

func permissionID(known map[string]string, kind, name string) string {
	if id, ok := known[name]; ok {
		return id
	}
	return uuid.NewSHA1(permissionSpace, []byte(kind+":"+name)).String()
}

// AppRoleID is the id of an application permission of Microsoft Graph.
func AppRoleID(name string) string { return permissionID(knownAppRoles, "role", name) }

// ScopeID is the id of a delegated permission of Microsoft Graph.
func ScopeID(name string) string { return permissionID(knownScopes, "scope", name) }

// permissionLists is every permission of the tables: for applications and for users.
func permissionLists() (app, user []string) {
	seenApp, seenUser := map[string]bool{}, map[string]bool{}
	for _, a := range permissionTable() {
		for _, p := range a.app {
			seenApp[p] = true
		}
		for _, p := range a.delegated {
			seenUser[p] = true
		}
	}
	for _, p := range morePermissions {
		seenApp[p], seenUser[p] = true, true
	}
	for _, p := range []string{"openid", "profile", "email", "offline_access", "Directory.AccessAsUser.All"} {
		seenUser[p] = true
	}
	return sortedKeys(seenApp), sortedKeys(seenUser)
}

// morePermissions exist on Microsoft Graph although no operation here asks for them, or
// only a route's own entry does.
var morePermissions = strings.Fields(`Organization.Read.All Directory.Read.All Directory.ReadWrite.All SecurityIncident.Read.All LifecycleWorkflows-Workflow.ReadBasic.All
	LifecycleWorkflows.Read.All User-LifeCycleInfo.Read.All AccessReview.Read.All Policy.Read.All Policy.Read.ConditionalAccess Policy.ReadWrite.ConditionalAccess Policy.Read.AuthenticationMethod
	Policy.ReadWrite.AuthenticationMethod Policy.ReadWrite.Authorization Policy.ReadWrite.SecurityDefaults AuthenticationContext.Read.All AuthenticationContext.ReadWrite.All
	PrivilegedEligibilitySchedule.Read.AzureADGroup PrivilegedAssignmentSchedule.Read.AzureADGroup OnPremDirectorySynchronization.Read.All Mail.Send User.Create
	RoleManagementPolicy.Read.Directory RoleManagementPolicy.ReadWrite.Directory DelegatedPermissionGrant.ReadWrite.All AppRoleAssignment.ReadWrite.All
	Domain-InternalFederation.Read.All RoleManagement.Read.All User-PasswordProfile.ReadWrite.All User.RevokeSessions.All User.DeleteRestore.All User.EnableDisableAccount.All
	Device.Read.All Device.ReadWrite.All`)

func sortedKeys(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// Complete adds what every tenant has and a document may leave out: the service principals
// of Microsoft Graph and of Azure Resource Manager with the permissions they offer, the
// built-in roles and strengths, and the policies that exist from a tenant's first day.
func Complete(tx *state.Tx) {
	g := firstParty(tx, Audience, "Microsoft Graph", "https://graph.microsoft.com", "https://graph.microsoft.us", "https://dod-graph.microsoft.us", "https://microsoftgraph.chinacloudapi.cn")
	roles, scopes := permissionLists()
	appRoles, offered := []any{}, []any{}
	for _, p := range roles {
		appRoles = append(appRoles, map[string]any{
			"id": AppRoleID(p), "value": p, "displayName": p, "description": "Allows the app what " + p + " says.",
			"allowedMemberTypes": []any{"Application"}, "isEnabled": true, "origin": "Application",
		})
	}
	for _, p := range scopes {
		offered = append(offered, map[string]any{
			"id": ScopeID(p), "value": p, "type": "Admin", "isEnabled": true,
			"adminConsentDisplayName": p, "adminConsentDescription": "Allows the app what " + p + " says.",
		})
	}
	g["appRoles"], g["oauth2PermissionScopes"] = appRoles, offered
	tx.Put(collPrincipals, g)
	arm := firstParty(tx, armAudience, "Windows Azure Service Management API", "https://management.azure.com", "https://management.core.windows.net")
	arm["oauth2PermissionScopes"] = []any{map[string]any{"id": "41094075-9dad-400e-a0bd-54e686782033", "value": "user_impersonation", "type": "User", "isEnabled": true}}
	tx.Put(collPrincipals, arm)
	completeRoles(tx)
	completePolicies(tx)
}

// firstParty is the service principal of one of Microsoft's applications, made when missing.
func firstParty(tx *state.Tx, appID, name string, names ...string) state.Object {
	if sp := byAppID(tx, collPrincipals, appID); sp != nil {
		return sp
	}
	list := []any{appID}
	for _, n := range names {
		list = append(list, n, n+"/")
	}
	return tx.Put(collPrincipals, state.Object{
		"id":    uuid.NewSHA1(permissionSpace, []byte(tx.TenantID()+appID)).String(),
		"appId": appID, "displayName": name, "appDisplayName": name, "accountEnabled": true, "appOwnerOrganizationId": microsoftTenant,
		"appRoleAssignmentRequired": false, "servicePrincipalType": "Application", "signInAudience": "AzureADMultipleOrgs",
		"servicePrincipalNames": list,
	})
}

// byAppID is the application or service principal with an application id.
func byAppID(tx *state.Tx, coll, appID string) state.Object {
	return tx.Find(coll, func(o state.Object) bool { return strings.EqualFold(o.String("appId"), appID) })
}

// NewApplication stores an application with the properties given and Entra's defaults.
func NewApplication(tx *state.Tx, given state.Object) state.Object {
	app := state.Object{
		"appId": state.NewID(), "createdDateTime": state.Timestamp(tx.Now()), "signInAudience": "AzureADMyOrg", "publisherDomain": initialDomain(tx),
		"identifierUris": []any{}, "tags": []any{}, "appRoles": []any{}, "addIns": []any{}, "keyCredentials": []any{}, "passwordCredentials": []any{},
		"requiredResourceAccess": []any{}, "isFallbackPublicClient": nil, "deletedDateTime": nil,
		"api":          map[string]any{"acceptMappedClaims": nil, "knownClientApplications": []any{}, "requestedAccessTokenVersion": nil, "oauth2PermissionScopes": []any{}, "preAuthorizedApplications": []any{}},
		"publicClient": map[string]any{"redirectUris": []any{}}, "spa": map[string]any{"redirectUris": []any{}},
		"web": map[string]any{"homePageUrl": nil, "logoutUrl": nil, "redirectUris": []any{}, "implicitGrantSettings": map[string]any{"enableIdTokenIssuance": false, "enableAccessTokenIssuance": false}},
	}
	for k, v := range given {
		app[k] = v
	}
	return tx.Put(collApplications, app)
}

// NewServicePrincipal stores the service principal of an application of this tenant.
func NewServicePrincipal(tx *state.Tx, app state.Object) state.Object {
	return tx.Put(collPrincipals, servicePrincipalOf(tx, app))
}

func servicePrincipalOf(tx *state.Tx, app state.Object) state.Object {
	names := []any{app.String("appId")}
	for _, u := range app.Strings("identifierUris") {
		names = append(names, u)
	}
	return state.Object{
		"appId": app.String("appId"), "displayName": app.String("displayName"), "appDisplayName": app.String("displayName"), "accountEnabled": true,
		"appOwnerOrganizationId": tx.TenantID(), "appRoleAssignmentRequired": false, "servicePrincipalType": "Application",
		"signInAudience": app["signInAudience"], "servicePrincipalNames": names,
		"tags": []any{}, "keyCredentials": []any{}, "passwordCredentials": []any{}, "appRoles": app["appRoles"],
		"oauth2PermissionScopes": app.Object("api")["oauth2PermissionScopes"], "deletedDateTime": nil,
	}
}

// initialDomain is the tenant's first domain, the one that cannot be removed.
func initialDomain(tx *state.Tx) string {
	return tx.Find("domains", func(o state.Object) bool { return o.Bool("isInitial") }).ID()
}

// AddSecret gives an application (or a service principal) a client secret for two years;
// the caller stores the object. It returns the passwordCredential, the secret in it.
func AddSecret(tx *state.Tx, o state.Object, name, text string) state.Object {
	cred := map[string]any{
		"keyId": state.NewID(), "displayName": name, "hint": text[:3], "customKeyIdentifier": nil, "secretText": nil,
		"startDateTime": state.Timestamp(tx.Now()), "endDateTime": state.Timestamp(tx.Now().AddDate(2, 0, 0)),
	}
	o["passwordCredentials"] = append(elements(o["passwordCredentials"]), cred)
	secrets := o.Object(state.Secrets)
	if secrets == nil {
		secrets = state.Object{}
	}
	id, _ := cred["keyId"].(string)
	secrets[id] = text
	o[state.Secrets] = map[string]any(secrets)
	out := state.Object(cred).Clone()
	out["secretText"] = text
	return out
}

// GrantApplication gives a service principal an application permission of Microsoft Graph.
func GrantApplication(tx *state.Tx, principalID, permission string) {
	g := byAppID(tx, collPrincipals, Audience)
	if tx.Find(collAppRoles, func(o state.Object) bool {
		return o.String("principalId") == principalID && o.String("appRoleId") == AppRoleID(permission)
	}) != nil {
		return
	}
	sp := tx.Get(collPrincipals, principalID)
	tx.Put(collAppRoles, appRoleAssignment(tx, AppRoleID(permission), sp, "ServicePrincipal", g))
}

func appRoleAssignment(tx *state.Tx, role string, principal state.Object, kind string, resource state.Object) state.Object {
	return state.Object{
		"id": state.NewID(), "appRoleId": role, "principalId": principal.ID(), "principalType": kind, "principalDisplayName": principal["displayName"],
		"resourceId": resource.ID(), "resourceDisplayName": resource["displayName"], "createdDateTime": state.Timestamp(tx.Now()), "deletedDateTime": nil,
	}
}

// GrantDelegated consents, for all users, to delegated permissions of Microsoft Graph and
// to Azure Resource Manager's one.
func GrantDelegated(tx *state.Tx, clientID string, permissions []string) {
	for app, scope := range map[string]string{Audience: strings.Join(permissions, " "), armAudience: "user_impersonation"} {
		resource := byAppID(tx, collPrincipals, app).ID()
		if g := tx.Find(collConsents, func(o state.Object) bool {
			return o.String("clientId") == clientID && o.String("resourceId") == resource
		}); g != nil {
			continue
		}
		tx.Put(collConsents, state.Object{"clientId": clientID, "consentType": "AllPrincipals", "principalId": nil, "resourceId": resource, "scope": scope})
	}
}
