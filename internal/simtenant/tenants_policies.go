package simtenant

import (
	"time"

	"breakglass/internal/simtenant/state"
)

// A rule is one Conditional Access policy of a scene, as its author would say it.
type rule struct {
	name  string
	state string       // "" is enabled
	users state.Object // the users condition; nil is All
	apps  state.Object // the applications condition; nil is All
	when  state.Object // further conditions
	grant state.Object // nil when the rule has session controls only
	more  state.Object // further properties of the policy: sessionControls, beta extras
	since time.Duration
}

const reportOnly = "enabledForReportingButNotEnforced"

// Grant controls that most rules use.
func grantAny(controls ...any) state.Object {
	return state.Object{"operator": "OR", "builtInControls": controls}
}

func strength(id string) state.Object {
	return state.Object{"operator": "OR", "builtInControls": []any{}, "authenticationStrength": map[string]any{"id": "00000000-0000-0000-0000-00000000000" + id}}
}

// everybody is the users condition "All", less those excluded (users or groups as ids).
func everybody(excludeUsers, excludeGroups []any) state.Object {
	return state.Object{"includeUsers": []any{"All"}, "excludeUsers": list(excludeUsers), "excludeGroups": list(excludeGroups)}
}

// holders is the users condition of roles.
func holders(excludeUsers, excludeGroups []any, roles ...any) state.Object {
	return state.Object{"includeRoles": roles, "excludeUsers": list(excludeUsers), "excludeGroups": list(excludeGroups)}
}

// list keeps an empty collection from becoming null.
func list(l []any) []any {
	if l == nil {
		return []any{}
	}
	return l
}

// policy stores a rule and returns its id.
func (s *scene) policy(r rule) string {
	if r.state == "" {
		r.state = "enabled"
	}
	if r.users == nil {
		r.users = everybody(nil, nil)
	}
	if r.apps == nil {
		r.apps = state.Object{"includeApplications": []any{"All"}}
	}
	if r.since == 0 {
		r.since = 500 * day
	}
	cond := map[string]any{"users": map[string]any(r.users), "applications": map[string]any(r.apps), "clientAppTypes": []any{"all"}}
	for k, v := range r.when {
		cond[k] = v
	}
	p := state.Object{
		"id": s.id("policy", r.name), "displayName": r.name, "state": r.state, "conditions": cond,
		"createdDateTime": s.ago(r.since), "modifiedDateTime": s.ago(r.since / 2), "grantControls": nil, "sessionControls": nil,
	}
	if r.grant != nil {
		p["grantControls"] = map[string]any(r.grant)
	}
	for k, v := range r.more {
		p[k] = v
	}
	s.tx.Put("identity/conditionalAccess/policies", p)
	return p.ID()
}

// adminRoles are the roles that administrator policies name.
var adminRoles = []any{roleGA, rolePRA, rolePAA, roleCAAdmin, roleUserAdmin, roleHelpdesk, roleExchange, roleSecurity}

// ownPolicies is a usual set of a company's own policies with the same exclusions in each;
// trusted is the named location of its offices.
func (s *scene) ownPolicies(users, groups []any, trusted string) {
	s.policy(rule{name: "CA001: Block legacy authentication", users: everybody(users, groups), when: state.Object{"clientAppTypes": []any{"exchangeActiveSync", "other"}}, grant: grantAny("block")})
	s.policy(rule{
		name: "CA002: Require multifactor authentication for all users", users: everybody(users, groups), grant: grantAny("mfa"),
		more: state.Object{"partialEnablementStrategy": nil},
	})
	s.policy(rule{name: "CA003: Require phishing-resistant authentication for administrators", users: holders(users, groups, adminRoles...), grant: strength("4")})
	s.policy(rule{
		name: "CA004: Require a compliant device", users: everybody(users, append(list(groups), s.id("group", "Devices not yet enrolled"))),
		when: state.Object{"platforms": map[string]any{"includePlatforms": []any{"windows", "macOS"}, "excludePlatforms": []any{}}}, grant: grantAny("compliantDevice", "domainJoinedDevice"),
	})
	s.policy(rule{
		name: "CA005: Block sign-in from outside our countries", users: everybody(users, groups),
		when: state.Object{"locations": map[string]any{"includeLocations": []any{"All"}, "excludeLocations": []any{s.id("location", "Our countries"), trusted}}}, grant: grantAny("block"),
	})
	s.policy(rule{
		name: "CA006: Block device code flow", users: everybody(users, groups),
		when: state.Object{"authenticationFlows": map[string]any{"transferMethods": "deviceCodeFlow,authenticationTransfer"}}, grant: grantAny("block"), state: reportOnly,
	})
	s.policy(rule{
		name: "CA007: Sign in every twelve hours to admin portals", users: holders(users, groups, adminRoles...),
		apps: state.Object{"includeApplications": []any{"MicrosoftAdminPortals"}}, more: state.Object{"sessionControls": map[string]any{
			"signInFrequency":       map[string]any{"value": 12, "type": "hours", "authenticationType": "primaryAndSecondaryAuthentication", "frequencyInterval": "timeBased", "isEnabled": true},
			"blockSensitiveActions": nil,
		}},
	})
	s.policy(rule{
		name: "CA008: Require multifactor authentication to register security information", users: everybody(users, groups),
		apps: state.Object{"includeUserActions": []any{"urn:user:registersecurityinfo"}},
		when: state.Object{"locations": map[string]any{"includeLocations": []any{"All"}, "excludeLocations": []any{"AllTrusted"}}}, grant: grantAny("mfa"),
	})
	s.policy(rule{
		name: "CA009: Confine the payroll connector to our network", users: state.Object{"includeUsers": []any{"None"}}, grant: grantAny("block"),
		when: state.Object{
			"clientApplications": map[string]any{"includeServicePrincipals": []any{s.id("sp", "Payroll connector")}, "excludeServicePrincipals": []any{}},
			"locations":          map[string]any{"includeLocations": []any{"All"}, "excludeLocations": []any{trusted}},
		},
	})
}

// riskPolicies need P2.
func (s *scene) riskPolicies(users, groups []any) {
	s.policy(rule{
		name: "CA010: Change the password when the user is at high risk", users: everybody(users, groups), when: state.Object{"userRiskLevels": []any{"high"}},
		grant: state.Object{"operator": "AND", "builtInControls": []any{"mfa", "passwordChange"}},
	})
	s.policy(rule{name: "CA011: Require multifactor authentication when the sign-in is at risk", users: everybody(users, groups), when: state.Object{"signInRiskLevels": []any{"high", "medium"}}, grant: grantAny("mfa")})
}

// managedPolicies is two policies that Microsoft made and manages: one already on, one that
// only reports until Microsoft switches it on.
func (s *scene) managedPolicies(users, groups []any, onState string) {
	s.policy(rule{
		name: "Microsoft-managed: Block legacy authentication", users: everybody(users, groups), when: state.Object{"clientAppTypes": []any{"exchangeActiveSync", "other"}},
		grant: grantAny("block"), since: 300 * day, more: state.Object{"_managed": true, "templateId": "0b2282f9-2862-4178-88b5-d79340b36cb8"},
	})
	s.policy(rule{
		name: "Microsoft-managed: Multifactor authentication for admins accessing Microsoft Admin Portals", users: holders(users, groups, roleGA, rolePRA, roleExchange, roleSecurity, roleUserAdmin),
		apps: state.Object{"includeApplications": []any{"MicrosoftAdminPortals"}}, grant: grantAny("mfa"), state: onState, since: 40 * day,
		more: state.Object{"_managed": true, "templateId": "c503282c-f05b-4e5c-ab9f-38a9e2fe0a45"},
	})
}

// locations makes the offices' network (trusted) and the countries, and returns the first.
// The loopback addresses, from which every client of the simulator comes, are in the office.
func (s *scene) locations(cidr string, countries ...any) string {
	office := s.id("location", "Offices")
	s.tx.Put("identity/conditionalAccess/namedLocations", state.Object{
		"@odata.type": "#microsoft.graph.ipNamedLocation", "id": office, "displayName": "Offices", "isTrusted": true,
		"createdDateTime": s.ago(900 * day), "modifiedDateTime": s.ago(900 * day),
		"ipRanges": []any{
			map[string]any{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": cidr},
			map[string]any{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "127.0.0.0/8"},
			map[string]any{"@odata.type": "#microsoft.graph.iPv6CidrRange", "cidrAddress": "::1/128"},
		},
	})
	s.tx.Put("identity/conditionalAccess/namedLocations", state.Object{
		"@odata.type": "#microsoft.graph.countryNamedLocation", "id": s.id("location", "Our countries"), "displayName": "Our countries",
		"createdDateTime": s.ago(900 * day), "modifiedDateTime": s.ago(900 * day),
		"countriesAndRegions": countries, "includeUnknownCountriesAndRegions": false, "countryLookupMethod": "clientIpAddress",
	})
	return office
}

// applications makes a company's own: a payroll connector with a secret, and a device
// management tool that may do too much.
func (s *scene) applications() {
	for _, a := range []string{"Payroll connector", "Device management"} {
		app := s.id("app", a)
		s.tx.Put("applications", state.Object{
			"id": s.id("application", a), "appId": app, "displayName": a, "signInAudience": "AzureADMyOrg", "createdDateTime": s.ago(600 * day), "identifierUris": []any{},
			"publisherDomain": s.initial, "tags": []any{}, "appRoles": []any{}, "requiredResourceAccess": []any{}, "keyCredentials": []any{}, "passwordCredentials": []any{},
			"api": map[string]any{"oauth2PermissionScopes": []any{}}, "publicClient": map[string]any{"redirectUris": []any{}}, "web": map[string]any{"redirectUris": []any{}}, "spa": map[string]any{"redirectUris": []any{}},
		})
		s.tx.Put("servicePrincipals", state.Object{
			"id": s.id("sp", a), "appId": app, "displayName": a, "appDisplayName": a, "accountEnabled": true, "appOwnerOrganizationId": s.tenant,
			"appRoleAssignmentRequired": false, "servicePrincipalType": "Application", "signInAudience": "AzureADMyOrg", "servicePrincipalNames": []any{app},
			"createdDateTime": s.ago(600 * day), "tags": []any{"WindowsAzureActiveDirectoryIntegratedApp"}, "appRoles": []any{}, "oauth2PermissionScopes": []any{}, "keyCredentials": []any{}, "passwordCredentials": []any{},
		})
	}
	s.group("Devices not yet enrolled", "People whose machines are still to be enrolled", false, s.id("user", "luca.rossi@"+s.everyday()), s.id("user", "alex.meyer@"+s.everyday()))
}

// everyday is the default domain.
func (s *scene) everyday() string {
	return s.tx.Find("domains", func(o state.Object) bool { return o.Bool("isDefault") }).ID()
}
