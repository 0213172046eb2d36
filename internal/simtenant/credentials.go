package simtenant

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the thumbprint that Graph shows is SHA-1
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"breakglass/internal/simtenant/graph"
	"breakglass/internal/simtenant/state"
)

// Credentials are how one signs in to the simulated tenant; credentials.json.
type Credentials struct {
	// TenantID and InitialDomain are the tenant's.
	TenantID      string `json:"tenantId"`
	InitialDomain string `json:"initialDomain"`
	// ControlToken opens /_sim/.
	ControlToken string `json:"controlToken"`
	// Reader may read what watching takes and nothing else.
	Reader Application `json:"reader"`
	// Operator may do what implementing takes; also a public client for delegated sign-in.
	Operator Application `json:"operator"`
	// DeviceUser is a normal Global Administrator, no emergency account.
	DeviceUser Person `json:"deviceUser"`
}

// Application is a registered application with its credentials.
type Application struct {
	DisplayName  string `json:"displayName"`
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	// CertificateFile holds the certificate and its private key as PEM, in the same directory.
	CertificateFile string `json:"certificateFile,omitempty"`
	// ServicePrincipalID is the application's object in the tenant.
	ServicePrincipalID string `json:"servicePrincipalId"`

	pemData []byte
}

// Person is a user with a password.
type Person struct {
	ID                string `json:"id"`
	UserPrincipalName string `json:"userPrincipalName"`
	Password          string `json:"password"`
}

// The permissions of the two applications.
var (
	readerPermissions = []string{
		"User.Read.All", "Domain.Read.All", "Domain-InternalFederation.Read.All", "AuditLog.Read.All", "RoleManagement.Read.Directory",
		"RoleEligibilitySchedule.Read.Directory", "RoleAssignmentSchedule.Read.Directory", "Policy.Read.All", "Policy.Read.ConditionalAccess",
		"Policy.Read.AuthenticationMethod", "UserAuthenticationMethod.Read.All", "GroupMember.Read.All", "LicenseAssignment.Read.All",
		"Application.Read.All", "AdministrativeUnit.Read.All", "AccessReview.Read.All", "LifecycleWorkflows-Workflow.ReadBasic.All",
		"LifecycleWorkflows.Read.All", "PrivilegedEligibilitySchedule.Read.AzureADGroup", "PrivilegedAssignmentSchedule.Read.AzureADGroup",
		"AuthenticationContext.Read.All", "IdentityRiskyUser.Read.All", "SecurityIncident.Read.All", "Organization.Read.All",
		"Directory.Read.All", "User-LifeCycleInfo.Read.All", // optional: BG-062, BG-023
	}
	operatorPermissions = []string{
		"User.ReadWrite.All", "User-PasswordProfile.ReadWrite.All", "User.EnableDisableAccount.All", "User.RevokeSessions.All", "User.DeleteRestore.All",
		"User-Phone.ReadWrite.All", "User-Mail.ReadWrite.All",
		"RoleAssignmentSchedule.ReadWrite.Directory", "RoleEligibilitySchedule.ReadWrite.Directory", "RoleManagement.ReadWrite.Directory",
		"RoleManagementPolicy.ReadWrite.Directory", "Policy.ReadWrite.ConditionalAccess", "AdministrativeUnit.ReadWrite.All", "Group.ReadWrite.All",
		"UserAuthMethod-Passkey.ReadWrite.All", "UserAuthMethod-TAP.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All",
		"Policy.ReadWrite.AuthenticationMethod", "Policy.ReadWrite.Authorization", "Policy.ReadWrite.SecurityDefaults",
		"Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All", "Directory.Read.All",
		"Device.Read.All", "IdentityRiskyUser.ReadWrite.All", "AuthenticationContext.ReadWrite.All",
	}
	delegatedOnly = []string{"openid", "profile", "offline_access", "email", "User.Read", "Directory.AccessAsUser.All", "OnPremDirectorySynchronization.Read.All"}
)

// seedCredentials registers the applications and the user of credentials.json.
func (t *Tenant) seedCredentials() (Credentials, error) {
	c := Credentials{ControlToken: secretText()}
	reader := Application{DisplayName: "Simulated reader", CertificateFile: "reader.pem"}
	operator := Application{DisplayName: "Simulated operator", CertificateFile: "operator.pem"}
	readerCert, err := reader.certify()
	if err != nil {
		return c, err
	}
	operatorCert, err := operator.certify()
	if err != nil {
		return c, err
	}
	err = t.state.Update(func(tx *state.Tx) error {
		c.TenantID, c.InitialDomain = tx.TenantID(), initialDomain(tx.List("domains"))
		graph.Complete(tx)
		reader.register(tx, readerCert, readerPermissions, nil)
		operator.register(tx, operatorCert, append(readerPermissions[:len(readerPermissions):len(readerPermissions)], operatorPermissions...), delegatedOnly)
		operator.appoint(tx, privilegedRoleAdministrator, privilegedAuthenticationAdministrator)
		c.DeviceUser = deviceUser(tx, c.InitialDomain)
		grantAzure(tx, reader.ServicePrincipalID, operator.ServicePrincipalID)
		return nil
	})
	c.Reader, c.Operator = reader, operator
	return c, err
}

// certify gives the application a certificate to sign in with.
func (a *Application) certify() (cert *x509.Certificate, err error) {
	cert, a.pemData, err = clientCertificate(a.DisplayName)
	return cert, err
}

// appoint gives the service principal directory roles: an application that changes
// administrators, or members of a restricted unit, needs them beside its permissions.
func (a *Application) appoint(tx *state.Tx, roles ...string) {
	for _, role := range roles {
		if slices.Contains(tx.ActiveRoles(a.ServicePrincipalID), role) {
			continue // from an earlier run of the same document
		}
		tx.Put(state.RoleAssignments, state.Object{"principalId": a.ServicePrincipalID, "roleDefinitionId": role, "directoryScopeId": "/"})
	}
}

// register makes the application and its service principal, consented to; one of the same
// name that the tenant brings along is taken and gets a further secret.
func (a *Application) register(tx *state.Tx, cert *x509.Certificate, perms, alsoDelegated []string) {
	named := func(o state.Object) bool { return o.String("displayName") == a.DisplayName }
	app := tx.Find("applications", named)
	if app == nil {
		app = graph.NewApplication(tx, state.Object{"displayName": a.DisplayName, "signInAudience": "AzureADMyOrg"})
	}
	sp := tx.Find("servicePrincipals", func(o state.Object) bool { return o.String("appId") == app.String("appId") })
	if sp == nil {
		sp = graph.NewServicePrincipal(tx, app)
	}
	a.ClientID, a.ServicePrincipalID, a.ClientSecret = app.String("appId"), sp.ID(), secretText()
	graph.AddSecret(tx, app, "simulator", a.ClientSecret)
	if cert != nil {
		sum := sha1.Sum(cert.Raw) //nolint:gosec // the thumbprint that Graph shows is SHA-1
		app["keyCredentials"] = []any{map[string]any{
			"keyId": state.NewID(), "type": "AsymmetricX509Cert", "usage": "Verify", "displayName": "CN=" + a.DisplayName,
			"key": base64.StdEncoding.EncodeToString(cert.Raw), "customKeyIdentifier": strings.ToUpper(hex.EncodeToString(sum[:])),
			"startDateTime": state.Timestamp(cert.NotBefore), "endDateTime": state.Timestamp(cert.NotAfter),
		}}
	}
	if alsoDelegated != nil {
		app["isFallbackPublicClient"] = true
		app["publicClient"] = map[string]any{"redirectUris": []any{"http://localhost", "https://login.microsoftonline.com/common/oauth2/nativeclient"}}
		graph.GrantDelegated(tx, sp.ID(), append(alsoDelegated[:len(alsoDelegated):len(alsoDelegated)], perms...))
	}
	tx.Put("applications", app)
	for _, p := range perms {
		graph.GrantApplication(tx, sp.ID(), p)
	}
}

// deviceUser is the tenant's marked administrator, or a new one.
func deviceUser(tx *state.Tx, domain string) Person {
	u := tx.Find("users", func(o state.Object) bool { return o.Bool(state.DeviceUser) })
	if u == nil {
		u = state.Object{
			"userPrincipalName": "alex.meyer@" + domain, "displayName": "Alex Meyer", "mailNickname": "alex.meyer", "givenName": "Alex", "surname": "Meyer",
			"accountEnabled": true, "userType": "Member", "usageLocation": "DE", "createdDateTime": state.Timestamp(tx.Now().AddDate(-2, 0, 0)),
			"lastPasswordChangeDateTime": state.Timestamp(tx.Now().AddDate(0, -2, 0)), state.DeviceUser: true,
		}
		tx.Put("users", u)
		tx.Put(state.RoleAssignments, state.Object{"principalId": u.ID(), "roleDefinitionId": globalAdministrator, "directoryScopeId": "/"})
		tx.Put("authenticationMethods", state.Object{
			"@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod", "_user": u.ID(), "displayName": "Telephone of Alex",
			"deviceTag": "SoftwareTokenActivated", "phoneAppVersion": "6.2606.3812", "createdDateTime": state.Timestamp(tx.Now().AddDate(-1, 0, 0)),
		})
	}
	if u.String(state.Password) == "" {
		u[state.Password] = "Sim-" + secretText()
		tx.Put("users", u)
	}
	return Person{ID: u.ID(), UserPrincipalName: u.String("userPrincipalName"), Password: u.String(state.Password)}
}

// Built-in roles by their template ids.
const (
	globalAdministrator                   = "62e90394-69f5-4237-9190-012177145e10"
	privilegedRoleAdministrator           = "e8611ab8-c189-46e8-94e1-60213ab1f814"
	privilegedAuthenticationAdministrator = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
)

func newRSAKey() (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return key, nil
}
