package msapi_test

import (
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"breakglass/internal/msapi"
	"breakglass/internal/simtenant/state"
)

func TestEveryWayToSignInAsAnApplication(t *testing.T) {
	sc := newScene(t, "healthy")
	token := filepath.Join(t.TempDir(), "token")
	sc.federate(t, token)
	for _, s := range []msapi.SignIn{
		sc.options.SignIn,
		{Method: msapi.MethodSecret, ClientID: sc.creds.Reader.ClientID, SecretFile: sc.secretFile(t, sc.creds.Reader.ClientSecret)},
		{Method: msapi.MethodWorkloadIdentity, ClientID: sc.creds.Reader.ClientID, TokenFile: token},
	} {
		t.Run(s.Method, func(t *testing.T) {
			who, err := sc.client(t, func(o *msapi.Options) { o.SignIn = s }).Identity(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if who.Kind != "application" || !strings.EqualFold(who.AppID, sc.creds.Reader.ClientID) || !slices.Contains(who.Grants, "Policy.Read.All") {
				t.Errorf("signed in as %+v", who)
			}
		})
	}
	for _, e := range sc.exchanges {
		if !strings.HasPrefix(e.URL, sc.URL()) || strings.Contains(e.URL, "discovery/instance") {
			t.Errorf("asked somebody else first: %s", e.URL)
		}
	}
}

// federate lets the reader sign in with a token of the simulator's own issuer.
func (sc *scene) federate(t *testing.T, file string) {
	t.Helper()
	_ = sc.State().Update(func(tx *state.Tx) error { // cannot fail
		app := tx.Find("applications", func(o state.Object) bool { return o.String("appId") == sc.creds.Reader.ClientID })
		tx.Put("federatedIdentityCredentials", state.Object{
			"id": "f1", "_application": app.String("id"), "issuer": sc.URL() + "/_oidc", "subject": "job", "audiences": []any{"api://AzureADTokenExchange"},
		})
		return nil
	})
	res, err := sc.Client().Get(sc.URL() + "/_oidc/token?subject=job")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var v struct{ Value string }
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(v.Value), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAManagedIdentitySignsIn(t *testing.T) {
	sc := newScene(t, "healthy")
	var id string
	_ = sc.State().Update(func(tx *state.Tx) error { // cannot fail
		sp := tx.Find("servicePrincipals", func(o state.Object) bool { return o.String("id") == sc.creds.Reader.ServicePrincipalID })
		sp["servicePrincipalType"] = "ManagedIdentity"
		id = tx.Put("servicePrincipals", sp).String("appId")
		return nil
	})
	// A platform's own endpoint (App Service): the address and its header come in the environment.
	t.Setenv("IDENTITY_ENDPOINT", sc.URL()+"/metadata/identity/oauth2/token")
	t.Setenv("IDENTITY_HEADER", "x")
	c := sc.client(t, func(o *msapi.Options) {
		o.SignIn = msapi.SignIn{Method: msapi.MethodManagedIdentity, ClientID: id}
		o.Transport = withMetadataHeader{sc.Client().Transport}
	})
	who, err := c.Identity(t.Context())
	if err != nil || !strings.EqualFold(who.AppID, id) {
		t.Errorf("signed in as %+v (%v)", who, err)
	}
}

// withMetadataHeader makes the platform's request fit the simulator, which models the
// endpoint of virtual machines.
type withMetadataHeader struct{ http.RoundTripper }

func (w withMetadataHeader) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "/metadata/") {
		r = r.Clone(r.Context())
		r.Header.Set("Metadata", "true")
	}
	return w.RoundTripper.RoundTrip(r)
}

// user is the device user of a scene.
func (sc *scene) user(t *testing.T) (name, password string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(sc.dir, "credentials.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		DeviceUser struct{ UserPrincipalName, Password string }
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	_ = sc.State().Update(func(tx *state.Tx) error { // what the telephone will show; cannot fail
		for _, m := range tx.List("authenticationMethods") {
			if strings.Contains(m.String("@odata.type"), "microsoftAuthenticator") {
				m["_code"] = telephone
				tx.Put("authenticationMethods", m)
			}
		}
		return nil
	})
	return v.DeviceUser.UserPrincipalName, v.DeviceUser.Password
}

const telephone = "246810"

var (
	formAction = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
	formField  = regexp.MustCompile(`<(?:input|button)[^>]*name="([^"]*)"[^>]*>`)
	fieldValue = regexp.MustCompile(`value="([^"]*)"`)
)

// person goes through the sign-in page from a URL on, answering what is asked.
func (sc *scene) person(t *testing.T, page string, answers map[string]string) {
	jar, _ := cookiejar.New(nil) // never fails without options
	browser := &http.Client{Transport: sc.Client().Transport, Jar: jar}
	res, err := browser.Get(page)
	for range 10 {
		if err != nil {
			t.Errorf("the sign-in page: %v", err)
			return
		}
		data, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		action := formAction.FindStringSubmatch(string(data))
		if action == nil {
			return
		}
		values := url.Values{}
		for _, m := range formField.FindAllStringSubmatch(string(data), -1) {
			if v := fieldValue.FindStringSubmatch(m[0]); v != nil && strings.Contains(m[0], `type="hidden"`) {
				values.Set(m[1], html.UnescapeString(v[1]))
			}
			if a, ok := answers[m[1]]; ok {
				values.Set(m[1], a)
			}
		}
		if strings.HasSuffix(action[1], "/deviceauth") && answers["device"] != "" {
			values.Set("otc", answers["device"])
		}
		next, perr := res.Request.URL.Parse(html.UnescapeString(action[1]))
		if perr != nil {
			t.Error(perr)
			return
		}
		res, err = browser.PostForm(next.String(), values)
	}
}

func (sc *scene) answers(t *testing.T) map[string]string {
	name, password := sc.user(t)
	return map[string]string{"loginfmt": name, "passwd": password, "otc": telephone, "accept": "1", "go": "1", "stay": "no", "later": "1"}
}

func TestAPersonSignsInWithADeviceCode(t *testing.T) {
	sc := newScene(t, "empty")
	answers := sc.answers(t)
	code := regexp.MustCompile(`page (\S+) and enter the code (\S+)`)
	prompts := 0
	c := sc.client(t, func(o *msapi.Options) {
		o.SignIn = msapi.SignIn{Method: msapi.MethodDeviceCode, ClientID: sc.creds.Operator.ClientID, Prompt: func(m string) {
			prompts++
			p := code.FindStringSubmatch(m)
			if p == nil {
				t.Errorf("prompted with %q", m)
				return
			}
			answers["device"] = p[2]
			sc.person(t, p[1], answers)
		}}
	})
	s, err := c.Read(t.Context(), msapi.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Reader.Kind != "user" || prompts != 1 || !slices.Contains(s.Reader.Grants, "Policy.Read.All") {
		t.Errorf("read as %+v after %d prompts", s.Reader, prompts)
	}
}

func TestASignInThatFailsSaysWhyAndNothingElse(t *testing.T) {
	sc := newScene(t, "healthy")
	const wrong = "a-wrong-secret-value"
	for name, c := range map[string]struct {
		change func(*msapi.Options)
		code   string
		hint   string
	}{
		"a wrong secret": {func(o *msapi.Options) {
			o.SignIn = msapi.SignIn{Method: msapi.MethodSecret, ClientID: sc.creds.Reader.ClientID, SecretFile: sc.secretFile(t, wrong)}
		}, "AADSTS7000215", "secret"},
		"an unknown application": {func(o *msapi.Options) {
			o.SignIn = msapi.SignIn{Method: msapi.MethodSecret, ClientID: "99999999-9999-4999-8999-999999999999", SecretFile: sc.secretFile(t, wrong)}
		}, "AADSTS700016", "onboard"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sc.client(t, c.change).Identity(t.Context())
			e, ok := errors.AsType[*msapi.Error](err)
			if !ok || e.Kind != msapi.KindSignIn || e.Code != c.code || !strings.Contains(e.Hint(), c.hint) {
				t.Fatalf("got %+v (%v)", e, err)
			}
			for _, secret := range []string{wrong, "client_secret", "POST http", "trace_id", "\n"} {
				if strings.Contains(e.Error(), secret) {
					t.Errorf("the error tells %q: %v", secret, e)
				}
			}
		})
	}
}
