package entra

import "time"

// TagOurs marks every application and service principal that onboarding makes.
const TagOurs = "breakglass"

// Registrations is what onboarding needs of the tenant: what bears our tag, the permissions
// that Microsoft Graph offers there, and the people who were named. It is read whole or not
// at all: unresolved is never empty.
type Registrations struct {
	// Tenant and Reader are the tenant and who read it.
	Tenant Tenant
	Reader Reader
	// Applications bear TagOurs. Strays are service principals that bear it without belonging
	// to one of these.
	Applications []Application
	Strays       []Principal
	// Graph is Microsoft Graph's own service principal.
	Graph GraphPrincipal
	// People are the users asked for, in the order asked.
	People []Person
}

// Application is an app registration, with its service principal where it has one.
type Application struct {
	ID             string           `json:"id"`
	AppID          string           `json:"appId"`
	DisplayName    string           `json:"displayName"`
	Tags           []string         `json:"tags"`
	SignInAudience string           `json:"signInAudience"`
	PublicFallback Maybe[bool]      `json:"isFallbackPublicClient,omitzero"`
	PublicClient   Redirects        `json:"publicClient"`
	Web            Redirects        `json:"web"`
	SinglePage     Redirects        `json:"spa"`
	Lock           *PropertyLock    `json:"servicePrincipalLockConfiguration"`
	RequiredAccess []RequiredAccess `json:"requiredResourceAccess"`
	// Certificates are public parts; Secrets are known by their ids only.
	Certificates []KeyCredential `json:"keyCredentials"`
	Secrets      []SecretID      `json:"passwordCredentials"`
	// Owners, Federated and Principal are read besides.
	Owners    []string              `json:"-"`
	Federated []FederatedCredential `json:"-"`
	Principal *Principal            `json:"-"`
}

// Redirects are where a sign-in may return to.
type Redirects struct {
	URIs []string `json:"redirectUris"`
}

// PropertyLock is the instance property lock ("Configure app instance property lock").
type PropertyLock struct {
	Enabled       bool `json:"isEnabled"`
	AllProperties bool `json:"allProperties"`
}

// RequiredAccess is what an application says it wants of a resource; consent is apart.
type RequiredAccess struct {
	ResourceAppID string       `json:"resourceAppId"`
	Access        []AccessItem `json:"resourceAccess"`
}

// AccessItem is one permission by its id; Type is Role (application) or Scope (delegated).
type AccessItem struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// KeyCredential is a certificate that an application signs in with. Key is its public part,
// base64 of DER; KeyID names the entry.
type KeyCredential struct {
	KeyID       string    `json:"keyId,omitempty"`
	Type        string    `json:"type"`
	Usage       string    `json:"usage"`
	DisplayName string    `json:"displayName,omitempty"`
	Key         string    `json:"key,omitempty"`
	Start       time.Time `json:"startDateTime,omitzero"`
	End         time.Time `json:"endDateTime,omitzero"`
}

// SecretID is the id of a client secret.
type SecretID struct {
	KeyID string `json:"keyId"`
}

// FederatedCredential lets tokens of another issuer sign in as the application.
type FederatedCredential struct {
	ID        string   `json:"id,omitempty"`
	Name      string   `json:"name"`
	Issuer    string   `json:"issuer"`
	Subject   string   `json:"subject"`
	Audiences []string `json:"audiences"`
}

// Principal is a service principal with what it may do and who may use it.
type Principal struct {
	ID                 string      `json:"id"`
	AppID              string      `json:"appId"`
	DisplayName        string      `json:"displayName"`
	Tags               []string    `json:"tags"`
	Enabled            Maybe[bool] `json:"accountEnabled,omitzero"`
	AssignmentRequired Maybe[bool] `json:"appRoleAssignmentRequired,omitzero"`
	Owners             []string    `json:"-"`
	// Granted are its application permissions, Assigned who may use it, Consents what it may
	// do on behalf of people.
	Granted  []RoleGrant `json:"-"`
	Assigned []RoleGrant `json:"-"`
	Consents []Consent   `json:"-"`
}

// RoleGrant is one app role assignment.
type RoleGrant struct {
	ID          string `json:"id"`
	PrincipalID string `json:"principalId"`
	// PrincipalName and ResourceName are for people to read.
	PrincipalName string `json:"principalDisplayName"`
	ResourceID    string `json:"resourceId"`
	ResourceName  string `json:"resourceDisplayName"`
	RoleID        string `json:"appRoleId"`
}

// Consent is one delegated permission grant. PrincipalID is empty when it is for everybody
// (ConsentType AllPrincipals). Scope is a list with blanks.
type Consent struct {
	ID          string        `json:"id"`
	ConsentType string        `json:"consentType"`
	PrincipalID Maybe[string] `json:"principalId,omitzero"`
	ResourceID  string        `json:"resourceId"`
	Scope       string        `json:"scope"`
}

// GraphPrincipal is Microsoft Graph in a tenant. Roles and Scopes map the names of
// application and delegated permissions to their ids.
type GraphPrincipal struct {
	ID     string
	Roles  map[string]string
	Scopes map[string]string
}

// Person is a user who was named.
type Person struct {
	ID                string      `json:"id"`
	UserPrincipalName string      `json:"userPrincipalName"`
	Enabled           Maybe[bool] `json:"accountEnabled,omitzero"`
}
