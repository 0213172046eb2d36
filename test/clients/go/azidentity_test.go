package clients

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// at is how Azure's library is told of another cloud.
func at(s *sim) azcore.ClientOptions {
	return azcore.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: s.Endpoints.Login}}
}

func scope(s *sim) policy.TokenRequestOptions {
	return policy.TokenRequestOptions{Scopes: []string{s.Endpoints.Graph + "/.default"}}
}

// tokenOf asks a credential and reads what stands in the token.
func tokenOf(t *testing.T, cred azcore.TokenCredential, err error, o policy.TokenRequestOptions) (string, map[string]any) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tk, err := cred.GetToken(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return tk.Token, inside(t, tk.Token)
}

func inside(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %d parts", len(parts))
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// wantApp holds a token to the application that asked for it, and Graph to the token.
func wantApp(t *testing.T, app application, token string, got map[string]any) {
	t.Helper()
	for claim, want := range map[string]string{"oid": app.ServicePrincipalID, "appid": app.ClientID, "tid": shared.Endpoints.TenantID, "idtyp": "app"} {
		if got[claim] != want {
			t.Errorf("claim %s is %v, want %s", claim, got[claim], want)
		}
	}
	if got["app_displayname"] == nil || got["upn"] != nil {
		t.Errorf("claims are %v", got)
	}
	if status, out := call(t, token, http.MethodGet, shared.url("/v1.0/organization"), nil); status != http.StatusOK {
		t.Errorf("Graph: %d %v", status, out)
	}
}

func wantPerson(t *testing.T, token string, got map[string]any) {
	t.Helper()
	user := shared.Credentials.DeviceUser
	if got["oid"] != user.ID || got["upn"] != user.UserPrincipalName || got["idtyp"] != "user" {
		t.Errorf("claims are %v", got)
	}
	status, me := call(t, token, http.MethodGet, shared.url("/v1.0/me"), nil)
	if status != http.StatusOK || me["id"] != user.ID {
		t.Errorf("/me: %d %v", status, me)
	}
}

func TestAzureIdentityBySecret(t *testing.T) {
	app := shared.Credentials.Reader
	cred, err := azidentity.NewClientSecretCredential(shared.Endpoints.TenantID, app.ClientID, app.ClientSecret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: at(shared), DisableInstanceDiscovery: true})
	token, got := tokenOf(t, cred, err, scope(shared))
	wantApp(t, app, token, got)

	cred, err = azidentity.NewClientSecretCredential(shared.Endpoints.TenantID, app.ClientID, "wrong",
		&azidentity.ClientSecretCredentialOptions{ClientOptions: at(shared), DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cred.GetToken(context.Background(), scope(shared)); err == nil || !strings.Contains(err.Error(), "AADSTS7000215") {
		t.Errorf("with a wrong secret: %v", err)
	}
}

func TestAzureIdentityByCertificate(t *testing.T) {
	for _, chain := range []bool{false, true} {
		app := shared.Credentials.Operator
		pem, err := os.ReadFile(filepath.Join(shared.dir, app.CertificateFile))
		if err != nil {
			t.Fatal(err)
		}
		certs, key, err := azidentity.ParseCertificates(pem, nil)
		if err != nil {
			t.Fatal(err)
		}
		cred, err := azidentity.NewClientCertificateCredential(shared.Endpoints.TenantID, app.ClientID, certs, key,
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: at(shared), DisableInstanceDiscovery: true, SendCertificateChain: chain})
		token, got := tokenOf(t, cred, err, scope(shared))
		wantApp(t, app, token, got)
	}
}

const buildJob = "repo:contoso/tenant:ref:refs/heads/main"

// trustBuildService lets a build job sign in as an application without a secret: the
// application is told, through Graph, to trust the foreign issuer and the job's name.
func trustBuildService(t *testing.T, app application) {
	t.Helper()
	token, at := operatorToken(t), shared.url("/v1.0/applications(appId='", app.ClientID, "')/federatedIdentityCredentials")
	status, out := call(t, token, http.MethodPost, at, map[string]any{
		"name": "build", "issuer": shared.Endpoints.Base + "/_oidc", "subject": buildJob, "audiences": []string{"api://AzureADTokenExchange"},
	})
	if status != http.StatusCreated {
		t.Fatalf("trust the issuer: %d %v", status, out)
	}
	t.Cleanup(func() {
		if status, out := call(t, token, http.MethodDelete, at+"/"+out["id"].(string), nil); status != http.StatusNoContent {
			t.Errorf("trust the issuer no longer: %d %v", status, out)
		}
	})
}

// buildToken is what the build service hands to its job.
func buildToken(t *testing.T) string {
	t.Helper()
	_, out := call(t, "", http.MethodGet, shared.Endpoints.Base+"/_oidc/token?subject="+url.QueryEscape(buildJob), nil)
	value, _ := out["value"].(string)
	return value
}

func TestAzureIdentityByAssertion(t *testing.T) {
	app := shared.Credentials.Operator
	cred, err := azidentity.NewClientAssertionCredential(shared.Endpoints.TenantID, app.ClientID, func(context.Context) (string, error) { return buildToken(t), nil },
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: at(shared), DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	refused := func(when string) {
		t.Helper()
		if _, err := cred.GetToken(context.Background(), scope(shared)); err == nil || !strings.Contains(err.Error(), "AADSTS700211") {
			t.Errorf("%s: %v", when, err)
		}
	}
	shared.replication(t, 20*time.Second)
	refused("before the issuer is trusted")
	trustBuildService(t, app)
	refused("before that has reached sign-in")
	shared.advance(t, replicated)
	fresh, got := tokenOf(t, cred, nil, scope(shared))
	wantApp(t, app, fresh, got)
}

// A container's identity: the assertion lies in a file, as in Kubernetes.
func TestAzureIdentityByWorkloadIdentity(t *testing.T) {
	app, file := shared.Credentials.Operator, filepath.Join(t.TempDir(), "token")
	shared.replication(t, 0)
	trustBuildService(t, app)
	if err := os.WriteFile(file, []byte(buildToken(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	cred, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: at(shared), DisableInstanceDiscovery: true, TenantID: shared.Endpoints.TenantID, ClientID: app.ClientID, TokenFilePath: file,
	})
	token, got := tokenOf(t, cred, err, scope(shared))
	wantApp(t, app, token, got)
}

func operatorToken(t *testing.T) string {
	t.Helper()
	app := shared.Credentials.Operator
	cred, err := azidentity.NewClientSecretCredential(shared.Endpoints.TenantID, app.ClientID, app.ClientSecret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: at(shared), DisableInstanceDiscovery: true})
	token, _ := tokenOf(t, cred, err, scope(shared))
	return token
}

func TestAzureIdentityByDeviceCode(t *testing.T) {
	p := newPerson(shared)
	cred, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: at(shared), DisableInstanceDiscovery: true, TenantID: shared.Endpoints.TenantID, ClientID: shared.Credentials.Operator.ClientID,
		UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
			return p.signIn(m.VerificationURL, m.UserCode)
		},
	})
	token, got := tokenOf(t, cred, err, scope(shared))
	wantPerson(t, token, got)

	// The refresh token serves another resource without asking the person again.
	seen := len(p.pages)
	_, got = tokenOf(t, cred, nil, policy.TokenRequestOptions{Scopes: []string{"https://management.core.windows.net//.default"}})
	if got["scp"] != "user_impersonation" || len(p.pages) != seen {
		t.Errorf("for ARM: %v after %v", got, p.pages)
	}
}

// publicGraph is Graph under its own name.
var publicGraph = policy.TokenRequestOptions{Scopes: []string{"https://graph.microsoft.com/.default"}}
