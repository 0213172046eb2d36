package login

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"breakglass/internal/simtenant/state"
)

// daemonForm is a good request of the daemon; pairs change it, an empty value removes.
func daemonForm(pairs ...string) url.Values {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {daemonApp}, "client_secret": {"daemon-secret"}, "scope": {"https://graph.microsoft.com/.default"},
	}
	return with(form, pairs...)
}

// passwordForm is a good request of the tool with Ben's password.
func passwordForm(pairs ...string) url.Values {
	form := url.Values{
		"grant_type": {"password"}, "client_id": {toolApp}, "username": {"ben@contoso.onmicrosoft.com"}, "password": {"Battery-Staple-8"}, "scope": {"https://graph.microsoft.com/.default"},
	}
	return with(form, pairs...)
}

func with(form url.Values, pairs ...string) url.Values {
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			form.Del(pairs[i])
		}
	}
	return form
}

func TestTheTokenEndpointRefusesInEntrasWords(t *testing.T) {
	sp := func(i int, key string, v any) func(*state.Document) {
		return func(d *state.Document) { d.Objects["servicePrincipals"][i][key] = v }
	}
	ben := func(key string, v any) func(*state.Document) {
		return func(d *state.Document) { d.Objects["users"][1][key] = v }
	}
	block := func(p state.Object) func(*state.Document) {
		return func(d *state.Document) { d.Objects["identity/conditionalAccess/policies"] = []state.Object{p} }
	}
	cases := []struct {
		name   string
		tenant string
		form   url.Values
		change func(*state.Document)
		status int
		code   int
		oauth  string
		logged bool
	}{
		{"a wrong secret", "", daemonForm("client_secret", "guess"), nil, 401, 7000215, "invalid_client", true},
		{"an expired secret", "", daemonForm("client_secret", "daemon-old"), nil, 401, 7000222, "invalid_client", true},
		{"no proof", "", daemonForm("client_secret", ""), nil, 401, 7000218, "invalid_client", true},
		{"an unknown application", "", daemonForm("client_id", "99999999-0000-4000-8000-000000000000"), nil, 400, 700016, "unauthorized_client", false},
		{"a disabled application", "", daemonForm(), sp(2, "accountEnabled", false), 400, 7000112, "unauthorized_client", false},
		{"an application without its service principal", "", daemonForm(), func(d *state.Document) {
			d.Objects["servicePrincipals"] = append(d.Objects["servicePrincipals"][:2:2], d.Objects["servicePrincipals"][3:]...)
		}, 400, 7000229, "unauthorized_client", false},
		{"an unknown resource", "", daemonForm("scope", "https://nobody.example/.default"), nil, 400, 500011, "invalid_resource", false},
		{"a disabled resource", "", daemonForm(), sp(0, "accountEnabled", false), 400, 500014, "invalid_resource", false},
		{"a scope by name for an application", "", daemonForm("scope", "https://graph.microsoft.com/User.Read.All"), nil, 400, 1002012, "invalid_scope", false},
		{"two resources", "", daemonForm("scope", "https://graph.microsoft.com/.default https://management.azure.com/.default"), nil, 400, 28000, "invalid_scope", false},
		{"no scope", "", daemonForm("scope", ""), nil, 400, 900144, "invalid_request", false},
		{"no grant type", "", daemonForm("grant_type", ""), nil, 400, 900144, "invalid_request", false},
		{"an unknown grant type", "", daemonForm("grant_type", "telepathy"), nil, 400, 70003, "unsupported_grant_type", false},
		{"another tenant", "11111111-2222-4333-8444-555555555555", daemonForm(), nil, 400, 90002, "invalid_request", false},
		{"no tenant in particular", "organizations", daemonForm(), nil, 400, 50059, "invalid_request", false},
		{"an assertion that is none", "", daemonForm("client_secret", "", "client_assertion", "x.y.z", "client_assertion_type", assertionType), nil, 401, 50027, "invalid_client", true},
		{"a workload blocked by policy", "", daemonForm(), block(everyone(users("includeUsers", list1("None")), cond("clientApplications", m{"includeServicePrincipals": list1(daemonSP)}))), 400, 53003, "invalid_grant", true},
		{"a resource that asks for a role", "", daemonForm("scope", ARMApp+"/.default"), sp(1, "appRoleAssignmentRequired", true), 400, 501051, "invalid_grant", true},

		{"a wrong password", "", passwordForm("password", "guess"), nil, 400, 50126, "invalid_grant", true},
		{"an unknown user", "", passwordForm("username", "nobody@contoso.onmicrosoft.com"), nil, 400, 50034, "invalid_grant", false},
		{"a disabled user", "", passwordForm(), ben("accountEnabled", false), 400, 50057, "invalid_grant", true},
		{"a disabled user, wrong password", "", passwordForm("password", "guess"), ben("accountEnabled", false), 400, 50126, "invalid_grant", true},
		{"a password to be changed", "", passwordForm(), ben("passwordProfile", m{"forceChangePasswordNextSignIn": true}), 400, 50055, "invalid_grant", true},
		{"MFA without a method", "", passwordForm(), ben("_perUserMfaState", "enabled"), 400, 50079, "invalid_grant", true},
		{"a block", "", passwordForm(), block(everyone()), 400, 53003, "invalid_grant", true},
		{"a device that is not compliant", "", passwordForm(), block(everyone(grant(m{"operator": "OR", "builtInControls": list1("compliantDevice")}))), 400, 53000, "invalid_grant", true},
		{"no assignment", "", passwordForm(), sp(3, "appRoleAssignmentRequired", true), 400, 50105, "invalid_grant", true},
		{"no consent", "", passwordForm(), func(d *state.Document) { d.Objects["oauth2PermissionGrants"] = nil }, 400, 65001, "invalid_grant", true},
		{"a policy that is not modelled", "", passwordForm(), block(everyone(cond("times", "always"))), 501, 0, "not_implemented", true},
		{"on behalf of", "", daemonForm("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), nil, 501, 0, "not_implemented", false},
		{"a confidential application with a password only", "", passwordForm("client_id", daemonApp), nil, 401, 7000218, "invalid_client", false},
		{"a refresh token of nobody", "", url.Values{"grant_type": {"refresh_token"}, "client_id": {toolApp}, "refresh_token": {"0.Anothing"}}, nil, 400, 70000, "invalid_grant", false},
		{"a code of nobody", "", url.Values{"grant_type": {"authorization_code"}, "client_id": {toolApp}, "code": {"nothing"}}, nil, 400, 70000, "invalid_grant", false},
		{"Microsoft's client with a secret", "", passwordForm("client_id", azureCLI, "client_secret", "x"), nil, 401, 700025, "invalid_client", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(d *state.Document) {
				if c.change != nil {
					c.change(d)
				}
			})
			if c.tenant == "" {
				c.tenant = tenantID
			}
			res, err := w.web.Client().PostForm(w.web.URL+"/"+c.tenant+"/oauth2/v2.0/token", c.form)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			var out map[string]any
			if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != c.status || out["error"] != c.oauth {
				t.Errorf("answer %d: %v", res.StatusCode, out)
			}
			if c.code != 0 {
				checkErrorBody(t, out, c.code)
			}
			if log := w.signIns(); c.logged != (len(log) == 1) || c.logged && c.code != 0 && number(log[0].Object("status")["errorCode"]) != c.code {
				t.Errorf("log is %v", w.codes())
			}
		})
	}
}

// checkErrorBody holds an error to the shape that Microsoft's libraries print.
func checkErrorBody(t *testing.T, out map[string]any, code int) {
	t.Helper()
	codes, _ := out["error_codes"].([]any)
	text, _ := out["error_description"].(string)
	want := "AADSTS" + itoa(int64(code)) + ": "
	if len(codes) != 1 || number(codes[0]) != code || !strings.HasPrefix(text, want) || strings.Contains(text, "%!") || strings.Contains(text, "%s") {
		t.Errorf("error is %v", out)
	}
	for _, k := range []string{"timestamp", "trace_id", "correlation_id", "error_uri"} {
		if s, _ := out[k].(string); s == "" {
			t.Errorf("error has no %s: %v", k, out)
		}
	}
}

func TestASecretMayComeInTheHeader(t *testing.T) {
	w := newWorld(t)
	req, _ := http.NewRequest(http.MethodPost, w.web.URL+"/contoso.onmicrosoft.com/oauth2/v2.0/token", strings.NewReader(daemonForm("client_id", "", "client_secret", "").Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(daemonApp, url.QueryEscape("daemon-secret"))
	res, err := w.web.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
}

// assertionOf is a client assertion of the daemon, as MSAL for Python writes it (RS256, x5t).
func assertionOf(w *world, ring *keyring, change jwt.MapClaims) string {
	now := w.st.Clock.Now()
	claims := jwt.MapClaims{
		"iss": daemonApp, "sub": daemonApp, "aud": w.web.URL + "/" + tenantID + "/oauth2/v2.0/token", "jti": state.NewID(), "nbf": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
	}
	for k, v := range change {
		claims[k] = v
	}
	return ring.sign(claims)
}

func TestAssertionsOfACertificate(t *testing.T) {
	w := newWorld(t)
	ring := newKeyring()
	w.set("applications", daemonObj, state.Object{"keyCredentials": []any{certificateOf(ring)}})
	long := w.st.Clock.Now().Add(-time.Hour)
	for name, c := range map[string]struct {
		change jwt.MapClaims
		ring   *keyring
		code   int
	}{
		"good":                   {nil, ring, 0},
		"for the issuer":         {jwt.MapClaims{"aud": w.web.URL + "/" + tenantID + "/v2.0"}, ring, 0},
		"for the tenant by name": {jwt.MapClaims{"aud": w.web.URL + "/contoso.onmicrosoft.com/oauth2/v2.0/token"}, ring, 0},
		"for somebody else":      {jwt.MapClaims{"aud": "https://login.example/" + tenantID + "/oauth2/v2.0/token"}, ring, 700023},
		"for another tenant":     {jwt.MapClaims{"aud": w.web.URL + "/11111111-2222-4333-8444-555555555555/oauth2/v2.0/token"}, ring, 700023},
		"past its time":          {jwt.MapClaims{"nbf": long.Unix(), "exp": long.Add(10 * time.Minute).Unix()}, ring, 700024},
		"a little past its time": {jwt.MapClaims{"exp": w.st.Clock.Now().Add(-4 * time.Minute).Unix()}, ring, 0},
		"before its time":        {jwt.MapClaims{"nbf": w.st.Clock.Now().Add(400 * 24 * time.Hour).Unix(), "exp": w.st.Clock.Now().Add(401 * 24 * time.Hour).Unix()}, ring, 700024},
		"about somebody else":    {jwt.MapClaims{"sub": toolApp}, ring, 700021},
		"by another certificate": {nil, newKeyring(), 700027},
	} {
		form := daemonForm("client_secret", "", "client_assertion", assertionOf(w, c.ring, c.change), "client_assertion_type", assertionType)
		status, out := w.ask(form)
		if c.code == 0 && status != http.StatusOK {
			t.Errorf("%s: %d %v", name, status, out)
		}
		if c.code != 0 {
			checkErrorBody(t, out, c.code)
		}
	}
	forged := assertionOf(w, ring, nil)
	forged = forged[:len(forged)-8] + "AAAAAAAA"
	if _, out := w.ask(daemonForm("client_secret", "", "client_assertion", forged, "client_assertion_type", assertionType)); !strings.Contains(out["error_description"].(string), "verify the signature failed") {
		t.Errorf("a forged signature: %v", out)
	}
}

// Clients' clocks run on while the simulated one is turned by months.
func TestAnAssertionByTheMachinesClockIsTakenWhenTheSimulatedOneIsTurned(t *testing.T) {
	w := newWorld(t)
	ring := newKeyring()
	w.set("applications", daemonObj, state.Object{"keyCredentials": []any{certificateOf(ring)}})
	w.st.Clock.Set(time.Now().Add(90*24*time.Hour), false)
	now := time.Now()
	a := assertionOf(w, ring, jwt.MapClaims{"nbf": now.Unix(), "exp": now.Add(10 * time.Minute).Unix()})
	if status, out := w.ask(daemonForm("client_secret", "", "client_assertion", a, "client_assertion_type", assertionType)); status != http.StatusOK {
		t.Errorf("%d %v", status, out)
	}
}

func TestAForeignIssuersKeysAreFetched(t *testing.T) {
	w := newWorld(t)
	ring := newKeyring()
	var foreign *httptest.Server
	foreign = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			writeJSON(rw, 200, map[string]any{"issuer": foreign.URL, "jwks_uri": foreign.URL + "/jwks"})
		case "/jwks":
			writeJSON(rw, 200, ring.set(foreign.URL))
		}
	}))
	defer foreign.Close()
	w.srv.Client = foreign.Client()
	w.edit(func(tx *state.Tx) {
		tx.Put("federatedIdentityCredentials", state.Object{"id": "f1", "_application": daemonObj, "issuer": foreign.URL, "subject": "job", "audiences": list1("api://AzureADTokenExchange")})
	})
	ask := func(by *keyring) (int, map[string]any) {
		a := assertionOf(w, by, jwt.MapClaims{"iss": foreign.URL, "sub": "job", "aud": "api://AzureADTokenExchange"})
		return w.ask(daemonForm("client_secret", "", "client_assertion", a, "client_assertion_type", assertionType))
	}
	if status, out := ask(ring); status != http.StatusOK {
		t.Errorf("%d %v", status, out)
	}
	_, out := ask(newKeyring())
	checkErrorBody(t, out, 50013)
	foreign.Close()
	_, out = ask(ring)
	checkErrorBody(t, out, 50013)
}

func certificateOf(ring *keyring) map[string]any {
	return map[string]any{"keyId": "c1", "type": "AsymmetricX509Cert", "usage": "Verify", "key": stdBase64(ring.der), "endDateTime": "2099-01-01T00:00:00Z"}
}

func TestARefreshTokenEndsWithThePasswordOrTheSessions(t *testing.T) {
	for name, c := range map[string]struct {
		change func(u state.Object, w *world)
		code   int
	}{
		"nothing happened": {func(state.Object, *world) {}, 0},
		"the password": {func(u state.Object, _ *world) {
			u[state.Password] = "Other-Password-1"
			u["lastPasswordChangeDateTime"] = "2026-02-01T12:00:00Z"
		}, 50173},
		"the sessions":       {func(u state.Object, _ *world) { u["signInSessionsValidFromDateTime"] = "2026-02-01T12:00:00Z" }, 50173},
		"the account is off": {func(u state.Object, _ *world) { u["accountEnabled"] = false }, 50057},
		"ninety days":        {func(_ state.Object, w *world) { w.st.Clock.Advance(91 * 24 * time.Hour) }, 700082},
	} {
		w := newWorld(t)
		_, out := w.ask(passwordForm("scope", "https://graph.microsoft.com/.default offline_access"))
		rt, _ := out["refresh_token"].(string)
		w.edit(func(tx *state.Tx) {
			u := tx.Get("users", benID)
			c.change(u, w)
			tx.Put("users", u)
		})
		status, out := w.ask(url.Values{"grant_type": {"refresh_token"}, "client_id": {toolApp}, "refresh_token": {rt}, "scope": {"https://management.core.windows.net//.default offline_access"}})
		if c.code == 0 && (status != http.StatusOK || out["refresh_token"] == nil) {
			t.Errorf("%s: %d %v", name, status, out)
		}
		if c.code != 0 {
			checkErrorBody(t, out, c.code)
			if codes := w.codes(); codes[len(codes)-1] != c.code {
				t.Errorf("%s: log has %v", name, codes)
			}
		}
	}
}

func TestEveryRefusalHasAText(t *testing.T) {
	w := newWorld(t)
	for code, f := range faults {
		if f.text == "" || f.oauth == "" || f.status < 400 {
			t.Errorf("AADSTS%d is %+v", code, f)
		}
		res, err := w.web.Client().Get(w.web.URL + "/error?code=" + itoa(int64(code)))
		if err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("AADSTS%d has no page: %v", code, err)
		}
		_ = res.Body.Close()
	}
}
