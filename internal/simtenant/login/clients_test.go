package login

import (
	"context"
	"crypto"
	"crypto/sha1" //nolint:gosec // the thumbprint is defined with SHA-1
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/golang-jwt/jwt/v5"

	"breakglass/internal/simtenant/state"
)

func (w *world) clientOptions() azcore.ClientOptions {
	return azcore.ClientOptions{
		Cloud:     azcloud.Configuration{ActiveDirectoryAuthorityHost: w.web.URL},
		Transport: w.web.Client(),
		Retry:     policy.RetryOptions{MaxRetries: -1},
	}
}

var graphScope = policy.TokenRequestOptions{Scopes: []string{"https://graph.microsoft.com/.default"}}

// who is the principal that a resource sees behind a token, or the status it answers.
func (w *world) who(token, audience string) (state.Principal, *httptest.ResponseRecorder) {
	r := httptest.NewRequest(http.MethodGet, w.web.URL+"/v1.0/me", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	rec := httptest.NewRecorder()
	p, _ := w.srv.Verify(rec, r, audience)
	return p, rec
}

func TestAzureIdentitySignsInWithASecret(t *testing.T) {
	w := newWorld(t)
	cred, err := azidentity.NewClientSecretCredential(tenantID, daemonApp, "daemon-secret",
		&azidentity.ClientSecretCredentialOptions{ClientOptions: w.clientOptions(), DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	tk, err := cred.GetToken(context.Background(), graphScope)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := w.who(tk.Token, GraphApp)
	if p.ObjectID != daemonSP || p.User || strings.Join(p.Grants, " ") != "User.Read.All" || p.Audience != GraphApp {
		t.Errorf("principal is %+v", p)
	}
	if _, rec := w.who(tk.Token, "arm"); rec.Code != http.StatusUnauthorized {
		t.Errorf("ARM took a token for Graph: %d", rec.Code)
	}
	log := w.signIns()
	if len(log) != 1 || log[0].String("servicePrincipalId") != daemonSP || number(log[0].Object("status")["errorCode"]) != 0 {
		t.Errorf("log is %v", log)
	}
}

func TestAzureIdentitySignsInWithACertificate(t *testing.T) {
	w := newWorld(t)
	ring := newKeyring() // any certificate will do
	cert, _ := x509.ParseCertificate(ring.der)
	w.set("applications", daemonObj, state.Object{"keyCredentials": []any{map[string]any{
		"keyId": "c1", "type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.StdEncoding.EncodeToString(ring.der), "endDateTime": "2026-06-01T00:00:00Z",
	}}})
	get := func() error {
		cred, err := azidentity.NewClientCertificateCredential(tenantID, daemonApp, []*x509.Certificate{cert}, crypto.PrivateKey(ring.private),
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: w.clientOptions(), DisableInstanceDiscovery: true})
		if err != nil {
			t.Fatal(err)
		}
		_, err = cred.GetToken(context.Background(), graphScope)
		return err
	}
	if err := get(); err != nil {
		t.Fatal(err)
	}
	if last := w.signIns()[0]; last.String("clientCredentialType") != "certificate" || last.String("servicePrincipalCredentialKeyId") != "c1" {
		t.Errorf("log is %v", last)
	}
	w.st.Clock.Advance(200 * 24 * time.Hour)
	if err := get(); err == nil || !strings.Contains(err.Error(), "AADSTS700027") || !strings.Contains(err.Error(), "expired") {
		t.Errorf("with an expired certificate: %v", err)
	}
	w.st.Clock.Advance(-200 * 24 * time.Hour)
	w.set("applications", daemonObj, state.Object{"keyCredentials": []any{}})
	if err := get(); err == nil || !strings.Contains(err.Error(), "AADSTS700027") {
		t.Errorf("with a certificate taken away: %v", err)
	}
}

// Terraform's library names the certificate by kid alone: SHA-1 in base64url, padded.
func TestTerraformSignsInWithACertificate(t *testing.T) {
	w := newWorld(t)
	ring := newKeyring()
	w.set("applications", daemonObj, state.Object{"keyCredentials": []any{map[string]any{
		"keyId": "c1", "type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.StdEncoding.EncodeToString(ring.der), "endDateTime": "2026-06-01T00:00:00Z",
	}}})
	sum := sha1.Sum(ring.der) //nolint:gosec // the thumbprint is defined with SHA-1
	ask := func(kid string) (int, map[string]any) {
		a := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
			"iss": daemonApp, "sub": daemonApp, "aud": w.web.URL + "/" + tenantID + "/oauth2/v2.0/token", "jti": "1",
			"nbf": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		})
		a.Header["kid"] = kid
		text, err := a.SignedString(ring.private)
		if err != nil {
			t.Fatal(err)
		}
		return w.ask(url.Values{
			"grant_type": {"client_credentials"}, "client_id": {daemonApp}, "client_assertion": {text},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "scope": {"https://graph.microsoft.com/.default"},
		})
	}
	if status, out := ask(base64.URLEncoding.EncodeToString(sum[:])); status != http.StatusOK {
		t.Errorf("%d %v", status, out)
	}
	sum[0]++
	status, out := ask(base64.URLEncoding.EncodeToString(sum[:]))
	if text, _ := out["error_description"].(string); status != http.StatusUnauthorized || !strings.Contains(text, strings.ToUpper(hex.EncodeToString(sum[:]))) {
		t.Errorf("with another key's name: %d %v", status, out)
	}
}

func TestABuildServiceSignsInWithAFederatedAssertion(t *testing.T) {
	w := newWorld(t)
	fic := func(subject, audience string) {
		w.edit(func(tx *state.Tx) {
			tx.Put("federatedIdentityCredentials", state.Object{
				"id": "f1", "_application": daemonObj, "issuer": w.web.URL + "/_oidc", "subject": subject, "audiences": []any{audience},
			})
		})
	}
	get := func() error {
		cred, err := azidentity.NewClientAssertionCredential(tenantID, daemonApp, func(context.Context) (string, error) {
			res, err := w.web.Client().Get(w.web.URL + "/_oidc/token?subject=repo:contoso/plan")
			if err != nil {
				return "", err
			}
			defer res.Body.Close()
			var out struct{ Value string }
			return out.Value, jsonInto(res, &out.Value)
		}, &azidentity.ClientAssertionCredentialOptions{ClientOptions: w.clientOptions(), DisableInstanceDiscovery: true})
		if err != nil {
			t.Fatal(err)
		}
		_, err = cred.GetToken(context.Background(), graphScope)
		return err
	}
	wants := func(code string) {
		t.Helper()
		if err := get(); err == nil || !strings.Contains(err.Error(), code) {
			t.Errorf("error is %v, want %s", err, code)
		}
	}
	wants("AADSTS700211")
	fic("repo:contoso/other", "api://AzureADTokenExchange")
	wants("AADSTS700213")
	fic("repo:contoso/plan", "api://somewhere")
	wants("AADSTS700212")
	fic("repo:contoso/plan", "api://AzureADTokenExchange")
	if err := get(); err != nil {
		t.Error(err)
	}
	soon := state.Object{state.VisibleAt: w.st.Clock.Now().Add(20 * time.Second).Format(time.RFC3339Nano)}
	w.set("federatedIdentityCredentials", "f1", soon)
	wants("AADSTS700211")
	w.set("applications", daemonObj, soon)
	wants("AADSTS700016")
	w.st.Clock.Advance(20 * time.Second)
	if err := get(); err != nil {
		t.Errorf("after the replication: %v", err)
	}
}

func jsonInto(res *http.Response, value *string) error {
	var out struct {
		Value string `json:"value"`
	}
	err := json.NewDecoder(res.Body).Decode(&out)
	*value = out.Value
	return err
}

// approve signs a person in on the device page.
func (w *world) approve(code, upn, password, otp string) *browser {
	w.t.Helper()
	b := w.browser().open("/common/oauth2/deviceauth").shows("Enter code to allow access").submit("otc", code)
	b.shows("Sign in").submit("loginfmt", upn).shows("Enter password").submit("passwd", password)
	if otp != "" {
		b.shows("Enter code").submit("otc", otp)
	}
	return b
}

func TestADeviceCodeIsApprovedOnThePage(t *testing.T) {
	w := newWorld(t)
	cred, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: w.clientOptions(), DisableInstanceDiscovery: true, TenantID: tenantID, ClientID: toolApp,
		UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
			w.approve(m.UserCode, "ada@contoso.onmicrosoft.com", adaPassword, "").shows("Are you trying to sign in to Tool?").submit("go", "1").shows("Tool")
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	tk, err := cred.GetToken(context.Background(), graphScope)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := w.who(tk.Token, GraphApp)
	if p.ObjectID != adaID || !p.User || strings.Join(p.Grants, " ") != "Directory.AccessAsUser.All User.Read" {
		t.Errorf("principal is %+v", p)
	}
	last := w.signIns()[len(w.signIns())-1]
	if last.String("authenticationProtocol") != "deviceCode" || last["isInteractive"] != true || last.String("originalTransferMethod") != "deviceCodeFlow" {
		t.Errorf("log is %v", last)
	}
	// The library uses its refresh token for another resource at once.
	tk, err = cred.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{"https://management.core.windows.net//.default"}})
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := w.who(tk.Token, "arm"); p.Audience != ARMApp || strings.Join(p.Grants, " ") != "user_impersonation" {
		t.Errorf("principal at ARM is %+v", p)
	}
	last = w.signIns()[len(w.signIns())-1]
	if last["isInteractive"] != false || strings.Join(last.Strings("signInEventTypes"), "") != "nonInteractiveUser" || last.String("incomingTokenType") != "refreshToken" {
		t.Errorf("log of the refresh is %v", last)
	}
}

func TestAnAzureMachineSignsInByItsIdentity(t *testing.T) {
	w := newWorld(t)
	ask := func(header string, q url.Values) (int, map[string]any) {
		req, _ := http.NewRequest(http.MethodGet, w.web.URL+"/metadata/identity/oauth2/token?"+q.Encode(), nil)
		if header != "" {
			req.Header.Set("Metadata", header)
		}
		res, err := w.web.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var out map[string]any
		_ = json.NewDecoder(res.Body).Decode(&out)
		return res.StatusCode, out
	}
	q := url.Values{"api-version": {"2018-02-01"}, "resource": {"https://graph.microsoft.com"}}
	if status, _ := ask("", q); status != http.StatusBadRequest {
		t.Errorf("without the header: %d", status)
	}
	status, out := ask("true", q)
	if status != http.StatusOK {
		t.Fatalf("status %d: %v", status, out)
	}
	if p, _ := w.who(out["access_token"].(string), GraphApp); p.ObjectID != robotSP || strings.Join(p.Grants, "") != "Policy.Read.All" {
		t.Errorf("principal is %+v", p)
	}
	q.Set("client_id", daemonApp)
	if status, out := ask("true", q); status != http.StatusBadRequest {
		t.Errorf("an identity that the machine has not: %d %v", status, out)
	}
}

// MSAL compares what was granted with what it asked for, letter by letter, and takes a
// difference for a refusal.
func TestPermissionsAreAnsweredAsTheyWereAskedFor(t *testing.T) {
	for scope, want := range map[string]string{
		"User.Read openid": "openid Directory.AccessAsUser.All User.Read",
		"https://graph.microsoft.com/User.Read openid": "openid https://graph.microsoft.com/Directory.AccessAsUser.All https://graph.microsoft.com/User.Read",
	} {
		w := newWorld(t)
		b := w.browser().open(authorizePath("scope", scope)).password("ada@contoso.onmicrosoft.com", adaPassword).submit("stay", "no")
		if status, out := w.redeem(b); status != http.StatusOK || out["scope"] != want {
			t.Errorf("%s: %d %q, want %q", scope, status, out["scope"], want)
		}
	}
}
