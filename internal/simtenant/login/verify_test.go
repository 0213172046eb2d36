package login

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"breakglass/internal/simtenant/state"
)

func stdBase64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

const cp1 = `{"access_token":{"xms_cc":{"values":["cp1"]}}}`

// challengeOf is the claims that a 401 asks for; nil without a challenge.
func challengeOf(t *testing.T, rec *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	h := rec.Header().Get("WWW-Authenticate")
	if !strings.Contains(h, `error="insufficient_claims"`) {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(regexp.MustCompile(`claims="([^"]*)"`).FindStringSubmatch(h)[1])
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out["access_token"]
}

func TestAResourceRefusesATokenAndSaysWhy(t *testing.T) {
	w := newWorld(t)
	_, out := w.ask(passwordForm())
	good := out["access_token"].(string)
	foreign := newKeyring().sign(jwt.MapClaims{"aud": GraphApp, "tid": tenantID, "exp": w.st.Clock.Now().Add(time.Hour).Unix()})
	elsewhere := w.srv.keys().sign(jwt.MapClaims{"aud": GraphApp, "tid": "11111111-2222-4333-8444-555555555555", "exp": w.st.Clock.Now().Add(time.Hour).Unix()})
	for name, c := range map[string]struct{ token, audience, text string }{
		"none":                 {"", GraphApp, "Access token is empty."},
		"no token":             {"hello", GraphApp, "not well formed"},
		"signed by others":     {foreign, GraphApp, "Signature is invalid."},
		"of another tenant":    {elsewhere, GraphApp, "Invalid tenant."},
		"for another resource": {good, ARMApp, "wrong audience or resource"},
	} {
		_, rec := w.who(c.token, c.audience)
		if rec.Code != http.StatusUnauthorized || !strings.Contains(rec.Body.String(), c.text) || rec.Header().Get("WWW-Authenticate") == "" || challengeOf(t, rec) != nil {
			t.Errorf("%s: %d %s %v", name, rec.Code, rec.Body, rec.Header())
		}
	}
	if p, rec := w.who(good, "https://graph.microsoft.com/"); rec.Code != http.StatusOK || p.ObjectID != benID {
		t.Errorf("a good token: %d %s", rec.Code, rec.Body)
	}
	w.st.Clock.Advance(2 * time.Hour)
	if _, rec := w.who(good, GraphApp); rec.Code != http.StatusUnauthorized || !strings.Contains(rec.Body.String(), "Lifetime validation failed, the token is expired.") || challengeOf(t, rec) != nil {
		t.Errorf("past its time: %d %s", rec.Code, rec.Body)
	}
}

func TestAClientThatUnderstandsIsAskedForAFreshToken(t *testing.T) {
	for name, change := range map[string]state.Object{
		"sessions revoked":     {"signInSessionsValidFromDateTime": "2026-02-01T12:00:00Z"},
		"password reset":       {state.Password: "Other-Password-1"},
		"the account disabled": {"accountEnabled": false},
	} {
		w := newWorld(t)
		_, plain := w.ask(passwordForm())
		_, cae := w.ask(passwordForm("claims", cp1))
		w.set("users", benID, change)
		if _, rec := w.who(plain["access_token"].(string), GraphApp); rec.Code != http.StatusOK {
			t.Errorf("%s: another client's token does not live on: %d", name, rec.Code)
		}
		_, rec := w.who(cae["access_token"].(string), GraphApp)
		if want := challengeOf(t, rec); rec.Code != http.StatusUnauthorized || want["nbf"] == nil {
			t.Errorf("%s: %d %v", name, rec.Code, rec.Header())
		}
	}
}

func TestAChallengeNamesTheContext(t *testing.T) {
	rec := httptest.NewRecorder()
	rec.Header().Set("WWW-Authenticate", ChallengeHeader("https://login.example", GraphApp, "c1"))
	acrs, _ := challengeOf(t, rec)["acrs"].(map[string]any)
	if acrs["value"] != "c1" || acrs["essential"] != true {
		t.Errorf("challenge is %v", rec.Header())
	}
	text, _ := json.Marshal(map[string]any{"access_token": challengeOf(t, rec)})
	got, err := parseClaims(string(text))
	if err != nil || len(got.contexts) != 1 || got.contexts[0] != "c1" {
		t.Errorf("a client that repeats it asks for %+v, %v", got, err)
	}
}

func (w *world) json(path string) (int, map[string]any) {
	w.t.Helper()
	res, err := w.web.Client().Get(w.web.URL + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, out
}

func TestDiscovery(t *testing.T) {
	w := newWorld(t)
	at := w.web.URL + "/" + tenantID
	for path, want := range map[string][3]string{
		"/" + tenantID + "/v2.0/.well-known/openid-configuration":             {at + "/v2.0", at + "/oauth2/v2.0/token", at + "/discovery/v2.0/keys"},
		"/" + tenantID + "/v2.0/.well-known/openid-configuration?":            {at + "/v2.0", at + "/oauth2/v2.0/token", at + "/discovery/v2.0/keys"},
		"/contoso.onmicrosoft.com/v2.0/.well-known/openid-configuration":      {at + "/v2.0", at + "/oauth2/v2.0/token", at + "/discovery/v2.0/keys"},
		"/organizations/v2.0/.well-known/openid-configuration":                {w.web.URL + "/{tenantid}/v2.0", w.web.URL + "/organizations/oauth2/v2.0/token", w.web.URL + "/organizations/discovery/v2.0/keys"},
		"/" + strings.ToUpper(tenantID) + "/.well-known/openid-configuration": {at + "/", at + "/oauth2/token", at + "/discovery/keys"},
	} {
		status, out := w.json(path)
		if status != http.StatusOK || out["issuer"] != want[0] || out["token_endpoint"] != want[1] || out["jwks_uri"] != want[2] {
			t.Errorf("%s: %d %v", path, status, out)
		}
	}
	if status, out := w.json("/nobody.example/v2.0/.well-known/openid-configuration"); status != http.StatusBadRequest || out["error"] != "invalid_tenant" {
		t.Errorf("another tenant: %d %v", status, out)
	}
	_, out := w.json("/common/discovery/instance?api-version=1.1&authorization_endpoint=" + url.QueryEscape(at+"/oauth2/v2.0/authorize"))
	if out["tenant_discovery_endpoint"] != at+"/v2.0/.well-known/openid-configuration" {
		t.Errorf("instance discovery: %v", out)
	}
	if _, keys := w.json("/" + tenantID + "/discovery/v2.0/keys"); len(keys["keys"].([]any)) != 1 {
		t.Errorf("keys: %v", keys)
	}
	if _, realm := w.json("/common/userrealm/fred@fed.example?api-version=1.0"); realm["account_type"] != "Federated" {
		t.Errorf("realm: %v", realm)
	}
}

func TestCloudMetadataHasBothShapesAndOneBase(t *testing.T) {
	w := newWorld(t)
	_, doc := w.json("/metadata/endpoints?api-version=2022-09-01")
	auth := doc["authentication"].(map[string]any)
	if doc["name"] != "AzureCloud" || doc["microsoftGraphResourceId"] != w.web.URL+"/" || doc["resourceManager"] != w.web.URL+"/" || auth["loginEndpoint"] != w.web.URL {
		t.Errorf("metadata: %v", doc)
	}
	res, err := w.web.Client().Get(w.web.URL + "/metadata/endpoints?api-version=2019-05-01")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var list []map[string]any
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil || len(list) != 1 {
		t.Errorf("older metadata: %v %v", list, err)
	}
	// What a client builds from it works: Graph's address is also its resource.
	if status, out := w.ask(daemonForm("scope", strings.TrimSuffix(doc["microsoftGraphResourceId"].(string), "/")+"/.default")); status != http.StatusOK {
		t.Errorf("token for the Graph of the metadata: %v", out)
	}
}

func TestUnderTheCloudsOwnNamesEverythingIsNamedSo(t *testing.T) {
	w := newWorld(t)
	r := httptest.NewRequest(http.MethodGet, "https://login.microsoftonline.com/"+tenantID+"/v2.0/.well-known/openid-configuration", nil)
	rec := httptest.NewRecorder()
	w.srv.ServeHTTP(rec, r)
	if !strings.Contains(rec.Body.String(), `"issuer":"https://login.microsoftonline.com/`+tenantID+`/v2.0"`) {
		t.Errorf("discovery: %s", rec.Body)
	}
	// The browser stays with the host, or its session would not be found there again.
	r = httptest.NewRequest(http.MethodGet, "https://login.microsoftonline.com"+authorizePath(), nil)
	rec = httptest.NewRecorder()
	w.srv.ServeHTTP(rec, r)
	if !strings.Contains(rec.Body.String(), `action="https://login.microsoftonline.com/organizations/login"`) {
		t.Errorf("sign-in page: %s", rec.Body)
	}
	r = httptest.NewRequest(http.MethodPost, "https://login.microsoftonline.com/"+tenantID+"/oauth2/v2.0/devicecode", strings.NewReader("client_id="+toolApp+"&scope=openid"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec = httptest.NewRecorder()
	w.srv.ServeHTTP(rec, r)
	if !strings.Contains(rec.Body.String(), `"verification_uri":"https://login.microsoftonline.com/common/oauth2/deviceauth"`) {
		t.Errorf("device code: %s", rec.Body)
	}
}

func TestWhichPathsAreOurs(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]bool{
		"/organizations/oauth2/v2.0/token": true, "/x/discovery/v2.0/keys": true, "/metadata/endpoints": true, "/_oidc/keys": true, "/common/oauth2/deviceauth": true,
		"/v1.0/oauth2PermissionGrants": false, "/beta/users": false, "/subscriptions": false, "/providers/Microsoft.Authorization/elevateAccess": false, "/": false, "/_sim/clock": false,
	} {
		if got := w.srv.Owns(httptest.NewRequest(http.MethodGet, path, nil)); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestLogoutEndsTheBrowsersSession(t *testing.T) {
	w := newWorld(t)
	b := w.browser().open(authorizePath()).password("ben@contoso.onmicrosoft.com", "Battery-Staple-8").submit("stay", "yes")
	b.final = nil
	if b.open(authorizePath()); b.final == nil {
		t.Fatalf("not signed in: %q", b.title())
	}
	b.final = nil
	b.open("/organizations/oauth2/v2.0/logout").shows("Signed out")
	b.open("/organizations/oauth2/v2.0/logout?post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F").shows("Signed out")
	b.open(authorizePath()).shows("Sign in")
}
