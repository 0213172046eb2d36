package msapi

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// The ways to sign in. There is none with a user's name and password: it cannot do MFA.
const (
	MethodCertificate      = "certificate"
	MethodWorkloadIdentity = "workload-identity"
	MethodManagedIdentity  = "managed-identity"
	MethodDeviceCode       = "device-code"
	MethodBrowser          = "browser"
	MethodSecret           = "secret"
)

// SignIn says how to get a token. Method decides which of the other fields count.
type SignIn struct {
	// Method is certificate, workload-identity, managed-identity, device-code, browser or secret.
	Method string
	// TenantID and ClientID name the tenant and the application. ClientID may be empty for a
	// system-assigned managed identity.
	TenantID, ClientID string
	// CertificateFile is a PEM or PKCS#12 file with certificate and key, the latter without password.
	CertificateFile string
	// SecretFile holds a client secret (warned: a certificate or a federated identity is better).
	SecretFile string
	// TokenFile is the file of a federated token (workload identity).
	TokenFile string
	// RedirectURL is, for the browser method, where the browser returns; empty means
	// http://localhost with any free port.
	RedirectURL string
	// Prompt tells a person what to do for the device code method.
	Prompt func(message string)
}

// Warning says what is weak about the chosen method; empty for the others.
func (s SignIn) Warning() string {
	switch s.Method {
	case MethodSecret:
		return "signing in with a client secret: whoever reads the file is this application; use a certificate or a federated identity"
	case MethodCertificate:
		if info, err := os.Stat(s.CertificateFile); err == nil && LooseMode(info.Mode()) {
			return "others can read " + s.CertificateFile + ": whoever reads the key in it is this application; make it mode 0600"
		}
	}
	return ""
}

// credential makes the credential of a sign-in against the given endpoints. Nothing is sent yet.
func (s SignIn) credential(e Endpoints, client policy.Transporter) (azcore.TokenCredential, error) {
	common := azcore.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: e.Login},
		Transport: client,
		Retry:     policy.RetryOptions{MaxRetries: 2, RetryDelay: 500 * time.Millisecond, MaxRetryDelay: 4 * time.Second},
	}
	cred, err := s.make(e, common)
	if err != nil {
		return nil, fmt.Errorf("prepare the sign-in (%s): %w", s.Method, err)
	}
	return cred, nil
}

// make builds the credential of each method. Instance discovery is off for every authority
// that is not Microsoft's own: azidentity would ask login.microsoftonline.com first.
func (s SignIn) make(e Endpoints, common azcore.ClientOptions) (azcore.TokenCredential, error) {
	private := !e.known()
	switch s.Method {
	case MethodCertificate:
		certs, key, err := s.certificate()
		if err != nil {
			return nil, err
		}
		return azidentity.NewClientCertificateCredential(s.TenantID, s.ClientID, certs, key,
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: common, DisableInstanceDiscovery: private})
	case MethodSecret:
		secret, err := s.secret()
		if err != nil {
			return nil, err
		}
		return azidentity.NewClientSecretCredential(s.TenantID, s.ClientID, secret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: common, DisableInstanceDiscovery: private})
	case MethodWorkloadIdentity:
		return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: common, DisableInstanceDiscovery: private,
			ClientID: s.ClientID, TenantID: s.TenantID, TokenFilePath: s.TokenFile,
		})
	case MethodManagedIdentity:
		opts := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: common}
		if s.ClientID != "" {
			opts.ID = azidentity.ClientID(s.ClientID)
		}
		return azidentity.NewManagedIdentityCredential(opts)
	case MethodDeviceCode:
		return azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
			ClientOptions: common, DisableInstanceDiscovery: private, ClientID: s.ClientID, TenantID: s.TenantID,
			UserPrompt: s.prompt,
		})
	case MethodBrowser:
		return azidentity.NewInteractiveBrowserCredential(&azidentity.InteractiveBrowserCredentialOptions{
			ClientOptions: common, DisableInstanceDiscovery: private, ClientID: s.ClientID, TenantID: s.TenantID,
			RedirectURL: s.RedirectURL,
		})
	}
	return nil, fmt.Errorf("unknown method %q: it is one of %s", s.Method, strings.Join([]string{
		MethodCertificate, MethodWorkloadIdentity, MethodManagedIdentity, MethodDeviceCode, MethodBrowser, MethodSecret,
	}, ", "))
}

func (s SignIn) prompt(_ context.Context, m azidentity.DeviceCodeMessage) error {
	if s.Prompt == nil {
		return errors.New("the device code method needs somebody to show the code to")
	}
	s.Prompt(m.Message)
	return nil
}

func (s SignIn) certificate() ([]*x509.Certificate, crypto.PrivateKey, error) {
	if s.CertificateFile == "" {
		return nil, nil, errors.New("no certificate file is named (--certificate)")
	}
	data, err := os.ReadFile(s.CertificateFile)
	if err != nil {
		return nil, nil, fmt.Errorf("read the certificate: %w", err)
	}
	defer clear(data)
	certs, key, err := azidentity.ParseCertificates(data, nil)
	if err != nil {
		// The library's error may quote the file; say only where to look.
		return nil, nil, fmt.Errorf("read the certificate: %s holds no certificate with its RSA key (PEM, or PKCS#12 without a password)", s.CertificateFile)
	}
	return certs, key, nil
}

func (s SignIn) secret() (string, error) {
	if s.SecretFile == "" {
		return "", errors.New("no file with the client secret is named (--secret-file)")
	}
	info, err := os.Stat(s.SecretFile)
	if err != nil {
		return "", fmt.Errorf("read the client secret: %w", err)
	}
	if LooseMode(info.Mode()) {
		return "", fmt.Errorf("read the client secret: others can read %s; make it mode 0600", s.SecretFile)
	}
	data, err := os.ReadFile(s.SecretFile)
	if err != nil {
		return "", fmt.Errorf("read the client secret: %w", err)
	}
	defer clear(data)
	secret := strings.TrimSpace(string(data))
	if secret == "" {
		return "", fmt.Errorf("read the client secret: %s is empty", s.SecretFile)
	}
	return secret, nil
}

// refuseRedirects keeps tokens and bodies from following a redirect to another host.
func refuseRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
