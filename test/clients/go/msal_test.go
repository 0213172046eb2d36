package clients

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

func authority(s *sim) string { return s.Endpoints.Login + "/" + s.Endpoints.TenantID }

func scopes(s *sim) []string { return []string{s.Endpoints.Graph + "/.default"} }

func minute(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func confidentialClient(t *testing.T, app application, cred confidential.Credential, err error, options ...confidential.Option) confidential.Client {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	c, err := confidential.New(authority(shared), app.ClientID, cred, append(options, confidential.WithInstanceDiscovery(false))...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMSALConfidentialBySecret(t *testing.T) {
	app := shared.Credentials.Reader
	cred, err := confidential.NewCredFromSecret(app.ClientSecret)
	c := confidentialClient(t, app, cred, err)
	got, err := c.AcquireTokenByCredential(minute(t), scopes(shared))
	if err != nil {
		t.Fatal(err)
	}
	wantApp(t, app, got.AccessToken, inside(t, got.AccessToken))
	again, err := c.AcquireTokenByCredential(minute(t), scopes(shared))
	if err != nil || again.AccessToken != got.AccessToken || again.Metadata.TokenSource == got.Metadata.TokenSource {
		t.Errorf("the second token is not the first from the cache: %v", err)
	}
}

// The library signs PS256 with x5t#S256; with X5C it sends the chain as well.
func TestMSALConfidentialByCertificate(t *testing.T) {
	app := shared.Credentials.Reader
	pem, err := os.ReadFile(filepath.Join(shared.dir, app.CertificateFile))
	if err != nil {
		t.Fatal(err)
	}
	certs, key, err := confidential.CertFromPEM(pem, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, options := range [][]confidential.Option{nil, {confidential.WithX5C()}} {
		cred, err := confidential.NewCredFromCert(certs, key)
		c := confidentialClient(t, app, cred, err, options...)
		got, err := c.AcquireTokenByCredential(minute(t), scopes(shared))
		if err != nil {
			t.Fatal(err)
		}
		wantApp(t, app, got.AccessToken, inside(t, got.AccessToken))
	}
}

func publicClient(t *testing.T, options ...public.Option) public.Client {
	t.Helper()
	c, err := public.New(shared.Credentials.Operator.ClientID, append(options, public.WithAuthority(authority(shared)), public.WithInstanceDiscovery(false))...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The library opens a port on this machine and sends the person to the sign-in page.
func TestMSALPublicInteractive(t *testing.T) {
	c := publicClient(t, public.WithClientCapabilities([]string{"cp1"}))
	p := newPerson(shared)
	done := make(chan error, 1)
	var asked *url.URL
	got, err := c.AcquireTokenInteractive(minute(t), scopes(shared), public.WithOpenURL(func(address string) error {
		asked, _ = url.Parse(address)
		go func() { done <- p.signIn(address, "") }()
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if q := asked.Query(); q.Get("code_challenge_method") != "S256" || !strings.Contains(q.Get("claims"), "cp1") {
		t.Errorf("the library asked with %v", q)
	}
	token := inside(t, got.AccessToken)
	wantPerson(t, got.AccessToken, token)
	if caps, _ := token["xms_cc"].([]any); len(caps) != 1 || !strings.EqualFold(fmt.Sprint(caps[0]), "cp1") {
		t.Errorf("the token says nothing of claims challenges: %v", token["xms_cc"])
	}
	if want := shared.Credentials.DeviceUser.ID + "." + shared.Endpoints.TenantID; got.Account.HomeAccountID != want {
		t.Errorf("account %q, want %q", got.Account.HomeAccountID, want)
	}
	for _, scope := range []string{"https://management.core.windows.net//.default", "User.Read"} {
		silent, err := c.AcquireTokenSilent(minute(t), []string{scope}, public.WithSilentAccount(got.Account))
		if err != nil {
			t.Errorf("silently for %s: %v", scope, err)
			continue
		}
		if inside(t, silent.AccessToken)["oid"] != shared.Credentials.DeviceUser.ID {
			t.Errorf("silently for %s: somebody else", scope)
		}
	}
}

func TestMSALPublicByDeviceCode(t *testing.T) {
	c := publicClient(t)
	wait, err := c.AcquireTokenByDeviceCode(minute(t), scopes(shared))
	if err != nil {
		t.Fatal(err)
	}
	p := newPerson(shared)
	if err := p.signIn(wait.Result.VerificationURL, wait.Result.UserCode); err != nil {
		t.Fatal(err)
	}
	got, err := wait.AuthenticationResult(minute(t))
	if err != nil {
		t.Fatalf("%v after %v", err, p.pages)
	}
	wantPerson(t, got.AccessToken, inside(t, got.AccessToken))
}

// An authorization code with PKCE, redeemed by the client itself.
func TestMSALPublicByAuthorizationCode(t *testing.T) {
	c := publicClient(t)
	const redirect = "http://localhost:1/"
	address, err := c.AuthCodeURL(minute(t), shared.Credentials.Operator.ClientID, redirect, scopes(shared))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	const verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // RFC 7636, appendix B
	q := u.Query()
	q.Set("code_challenge", challenge)
	q.Set("code_challenge_method", "S256")
	u.RawQuery = q.Encode()
	p := newPerson(shared)
	back, err := p.signInUntil(u.String(), redirect)
	if err != nil {
		t.Fatal(err)
	}
	code := back.Query().Get("code")
	if _, err := c.AcquireTokenByAuthCode(minute(t), code, redirect, scopes(shared), public.WithChallenge("another verifier of forty-three characters at least")); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
		t.Errorf("with a wrong verifier: %v", err)
	}
	if back, err = p.signInUntil(u.String(), redirect); err != nil {
		t.Fatal(err)
	}
	got, err := c.AcquireTokenByAuthCode(minute(t), back.Query().Get("code"), redirect, scopes(shared), public.WithChallenge(verifier))
	if err != nil {
		t.Fatal(err)
	}
	wantPerson(t, got.AccessToken, inside(t, got.AccessToken))
}
