package contract

import "strings"

// Exception names one thing the contracts do not cover. Empty fields match anything; in
// the others a * stands for any text.
type Exception struct {
	// Name is unique and says in a few words what is let through.
	Name string
	// Side, Code, Method, Path and Type are compared with the problem's fields of that name,
	// Member with Problem.Name.
	Side, Code, Method, Path, Type, Member string
	// Source is the section of domain.md, clients.md, design.md or contracts/README.md that
	// says it exists.
	Source string
}

func (x Exception) covers(p Problem) bool {
	return fits(x.Side, p.Side) && fits(x.Code, p.Code) && fits(x.Method, p.Method) &&
		fits(x.Path, p.Path) && fits(x.Type, p.Type) && fits(x.Member, p.Name)
}

func fits(pattern, s string) bool {
	if pattern == "" {
		return true
	}
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(s, parts[0])
	for _, part := range parts[1:] {
		if !ok {
			return false
		}
		_, rest, ok = strings.Cut(rest, part)
	}
	last := parts[len(parts)-1]
	return ok && (rest == "" || len(parts) > 1 && strings.HasSuffix(s, last))
}

// exceptions is the whole list. Each is needed by at least one exchange of a full run of
// the tests (Contracts.Unused), so that the list cannot rot.
var exceptions = []Exception{
	// Other services at the same address.
	{Name: "sign-in: discovery", Code: notCovered, Method: "GET", Path: "/*/v2.0/.well-known/openid-configuration", Source: "clients.md, Demands: Discovery"},
	{Name: "sign-in: instance discovery", Code: notCovered, Method: "GET", Path: "/common/discovery/instance", Source: "clients.md, Demands: Discovery"},
	{Name: "sign-in: keys", Code: notCovered, Method: "GET", Path: "/*/discovery/v2.0/keys", Source: "clients.md, Demands: Discovery"},
	{Name: "sign-in: token endpoint", Code: notCovered, Method: "POST", Path: "/*/oauth2/v2.0/token", Source: "clients.md, Demands: Token"},
	{Name: "sign-in: authorize endpoint", Code: notCovered, Method: "GET", Path: "/*/oauth2/v2.0/authorize", Source: "design.md, Simulated tenant: authorization code with PKCE"},
	{Name: "sign-in: device code", Code: notCovered, Method: "POST", Path: "/*/oauth2/v2.0/devicecode", Source: "clients.md, Demands: Token, device grant"},
	{Name: "sign-in: page for device codes", Code: notCovered, Path: "/common/oauth2/deviceauth", Source: "clients.md, Demands: Token, device grant"},
	{Name: "sign-in: page", Code: notCovered, Path: "/*/login", Source: "design.md, Simulated tenant: its own sign-in page"},
	{Name: "sign-in: managed identity", Code: notCovered, Method: "GET", Path: "/metadata/identity/oauth2/token", Source: "design.md, Simulated tenant: a managed-identity endpoint"},
	{Name: "cloud metadata", Code: notCovered, Method: "GET", Path: "/metadata/endpoints", Source: "clients.md, terraform-provider-azuread: Configure"},

	// Parts of Azure Resource Manager that the trimmed data leave out.
	{Name: "Azure: subscriptions", Code: notCovered, Method: "GET", Path: "ARM /subscriptions", Source: "clients.md, Demands: Addressing, ARM"},
	{Name: "Azure: one subscription", Code: notCovered, Method: "GET", Path: "ARM /subscriptions/{}", Source: "domain.md, correction 11; clients.md, Demands: Addressing, ARM"},
	{Name: "Azure: elevate access", Code: notCovered, Path: "ARM /providers/Microsoft.Authorization/elevateAccess", Source: "domain.md, correction 11"},
	{Name: "Azure: role assignments", Code: notCovered, Type: "Microsoft.Authorization/roleAssignments", Source: "clients.md, Demands: Addressing, ARM; contracts/README.md, Missing"},
	{Name: "Azure: role definitions", Code: notCovered, Type: "Microsoft.Authorization/roleDefinitions", Source: "contracts/README.md, Missing: ARM role assignments"},
	{Name: "Azure: sign-in log categories", Code: unknownMember, Path: "ARM microsoft.aadiam/diagnosticSettings@*", Member: "*SignInLogs", Source: "domain.md 4.1, category names in diagnostic settings"},
	{Name: "Azure: tenants", Code: notCovered, Method: "GET", Path: "ARM /tenants", Source: "clients.md, Demands: Addressing, ARM"},

	// Parts of Graph that the trimmed data leave out.
	{Name: "Conditional Access bin", Code: noOperation, Path: "* /identity/conditionalaccess/deleteditems/policies", Source: "domain.md 2.1, CA deleted"},
	{Name: "Conditional Access bin: one policy", Code: noOperation, Path: "* /identity/conditionalaccess/deleteditems/policies/{}", Source: "domain.md 2.1, CA deleted"},
	{Name: "Conditional Access bin: restore a policy", Code: noOperation, Path: "* /identity/conditionalaccess/deleteditems/policies/{}/restore", Source: "domain.md 2.1, CA deleted"},
	{Name: "Conditional Access bin: named locations", Code: noOperation, Path: "* /identity/conditionalaccess/deleteditems/namedlocations", Source: "domain.md 2.1, CA deleted"},
	{Name: "access reviews", Code: unknownPath, Path: "* /identityGovernance/accessReviews/definitions*", Source: "domain.md, corrections 4 and 10; contracts/README.md, Missing: identity governance"},
	{Name: "lifecycle workflows", Code: unknownPath, Path: "* /identityGovernance/lifecycleWorkflows/workflows*", Source: "domain.md, corrections 4 and 10; contracts/README.md, Missing: identity governance"},
	{Name: "consent request policy", Code: notCovered, Type: "adminConsentRequestPolicy", Source: "clients.md, Demands: m365 entra policy list"},
	{Name: "authentication flows policy", Code: notCovered, Type: "authenticationFlowsPolicy", Source: "clients.md, Demands: m365 entra policy list"},
	{Name: "federated credentials of applications", Code: notCovered, Type: "federatedIdentityCredential", Source: "clients.md, AzureHound; domain.md 5"},
	{Name: "directory synchronisation", Code: notCovered, Type: "onPremisesDirectorySynchronization", Source: "domain.md, corrections 4 and 13"},
	{Name: "federation settings of a domain", Code: notCovered, Type: "internalDomainFederation", Source: "domain.md 2.1, Federation settings"},

	{Name: "list of devices", Code: noOperation, Path: "* /devices*", Source: "clients.md, AzureHound lists devices"},

	{Name: "one member or owner of a group by reference", Code: methodNotAllowed, Method: "GET", Path: "* /groups/{}/*/{}", Source: "clients.md, hamilton: it looks before it removes"},
	{Name: "one holder of a role by reference", Code: methodNotAllowed, Method: "GET", Path: "* /directoryroles/{}/members/{}", Source: "clients.md, hamilton: it looks before it removes"},

	// Navigation properties that Graph always answers inline.
	{Name: "methods policy holds its configurations", Side: "answer", Code: notExpanded, Type: "authenticationMethodsPolicy", Member: "authenticationMethodConfigurations", Source: "domain.md 2.6"},
	{Name: "a method's configuration holds its targets", Side: "answer", Code: notExpanded, Type: "*AuthenticationMethodConfiguration", Member: "includeTargets", Source: "domain.md 2.6"},
	{Name: "the passkey configuration holds its profiles", Side: "answer", Code: notExpanded, Type: "fido2AuthenticationMethodConfiguration", Member: "passkeyProfiles", Source: "domain.md 2.6"},
	{Name: "a strength holds its combination configurations", Side: "answer", Code: notExpanded, Type: "authenticationStrengthPolicy", Member: "combinationConfigurations", Source: "domain.md 2.5, Built-in strengths"},

	// Seen in a live tenant's beta answers, not in the metadata.
	{Name: "partial enablement of a policy", Side: "answer", Code: unknownProperty, Path: "beta *", Member: "partialEnablementStrategy", Source: "contracts/README.md, last section; domain.md 2.5, beta only"},
	{Name: "times of a policy", Side: "answer", Code: unknownProperty, Type: "conditionalAccessConditionSet", Member: "times", Source: "contracts/README.md, last section; domain.md 2.5, beta only"},
	{Name: "sensitive actions of a session", Side: "answer", Code: unknownProperty, Type: "conditionalAccessSessionControls", Member: "blockSensitiveActions", Source: "contracts/README.md, last section"},
	{Name: "hardware tokens in v1.0", Side: "answer", Code: unknownType, Type: "authenticationMethod", Member: "hardwareOathAuthenticationMethod", Source: "domain.md 2.6"},
	{Name: "creation time of a service principal", Side: "answer", Code: unknownProperty, Type: "servicePrincipal", Member: "createdDateTime", Source: "contracts/README.md, last section; az shows it for every service principal, from memory"},
	{Name: "agents of a policy", Side: "answer", Code: unknownProperty, Type: "conditionalAccessConditionSet", Member: "agents", Source: "contracts/README.md, last section; domain.md 2.5, beta only"},
}
