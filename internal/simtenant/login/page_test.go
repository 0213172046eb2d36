package login

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

const (
	verifier     = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge256 = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // RFC 7636, appendix B
	tool         = "http://localhost:8400/"
)

// authorizePath is a program's request for a sign-in; pairs change or add parameters.
func authorizePath(pairs ...string) string {
	q := url.Values{
		"client_id": {toolApp}, "response_type": {"code"}, "redirect_uri": {tool}, "scope": {"https://graph.microsoft.com/.default openid profile offline_access"},
		"state": {"s-1"}, "nonce": {"n-1"}, "code_challenge": {challenge256}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return "/organizations/oauth2/v2.0/authorize?" + q.Encode()
}

// ask sends a form to the token endpoint.
func (w *world) ask(form url.Values) (int, map[string]any) {
	w.t.Helper()
	res, err := w.web.Client().PostForm(w.web.URL+"/"+tenantID+"/oauth2/v2.0/token", form)
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

// redeem exchanges the code that the browser ended with.
func (w *world) redeem(b *browser, pairs ...string) (int, map[string]any) {
	w.t.Helper()
	if b.final == nil {
		w.t.Fatalf("the sign-in did not end: %q\n%s", b.title(), b.page)
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {toolApp}, "redirect_uri": {tool}, "code": {b.final.Query().Get("code")},
		"code_verifier": {verifier}, "client_info": {"1"},
	}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return w.ask(form)
}

func (b *browser) password(upn, text string) *browser {
	b.w.t.Helper()
	return b.shows("Sign in").submit("loginfmt", upn).shows("Enter password").submit("passwd", text)
}

// codes is the error numbers of the sign-in log, oldest first.
func (w *world) codes() []int {
	var out []int
	for _, r := range w.signIns() {
		out = append(out, number(r.Object("status")["errorCode"]))
	}
	return out
}

func same(a, b []int) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

func TestAPersonSignsInWithAPassword(t *testing.T) {
	w := newWorld(t)
	b := w.browser().open(authorizePath()).password("ben@contoso.onmicrosoft.com", "Battery-Staple-8")
	b.shows("Stay signed in?").submit("stay", "no")
	if q := b.final.Query(); q.Get("state") != "s-1" || q.Get("error") != "" {
		t.Fatalf("sent back with %v", q)
	}
	status, out := w.redeem(b)
	if status != http.StatusOK || out["token_type"] != "Bearer" || out["refresh_token"] == nil || out["client_info"] == nil {
		t.Fatalf("status %d: %v", status, out)
	}
	id, err := w.srv.keys().parse(out["id_token"].(string))
	if err != nil || id["nonce"] != "n-1" || id["aud"] != toolApp || id["oid"] != benID || id["iss"] != w.web.URL+"/"+tenantID+"/v2.0" {
		t.Errorf("id token is %v, %v", id, err)
	}
	access, _ := w.srv.keys().parse(out["access_token"].(string))
	for claim, want := range map[string]any{
		"tid": tenantID, "oid": benID, "appid": toolApp, "azp": toolApp, "upn": "ben@contoso.onmicrosoft.com", "app_displayname": "Tool", "ver": "1.0",
		"idtyp": "user", "scp": "Directory.AccessAsUser.All User.Read", "aud": "https://graph.microsoft.com",
	} {
		if access[claim] != want {
			t.Errorf("claim %s is %v, want %v", claim, access[claim], want)
		}
	}
	if life := access["exp"].(float64) - float64(w.st.Clock.Now().Unix()); life < 3600 || life > 5400 {
		t.Errorf("the token lives %v s", life)
	}
	if status, out := w.redeem(b); status != http.StatusBadRequest || number(out["error_codes"].([]any)[0]) != 54005 {
		t.Errorf("the code was taken twice: %d %v", status, out)
	}
	if !same(w.codes(), []int{50140, 0}) {
		t.Errorf("log has %v", w.codes())
	}
}

func TestASecondUseOfACodeEndsWhatTheFirstGave(t *testing.T) {
	w := newWorld(t)
	b := w.browser().open(authorizePath()).password("ben@contoso.onmicrosoft.com", "Battery-Staple-8").submit("stay", "no")
	_, out := w.redeem(b)
	w.redeem(b)
	status, _ := w.ask(url.Values{"grant_type": {"refresh_token"}, "client_id": {toolApp}, "refresh_token": {out["refresh_token"].(string)}})
	if status != http.StatusBadRequest {
		t.Errorf("the refresh token still works: %d", status)
	}
}

func TestMultifactorAuthenticationIsAskedForByPolicy(t *testing.T) {
	w := newWorld(t, func(d *state.Document) {
		d.Objects["identity/conditionalAccess/policies"] = []state.Object{everyone(grant(m{"operator": "OR", "builtInControls": list1("mfa")}))}
	})
	b := w.browser().open(authorizePath()).password("ada@contoso.onmicrosoft.com", adaPassword).shows("Enter code")
	b.submit("otc", "000000").shows("Enter code")
	if !strings.Contains(b.page, `role="alert"`) {
		t.Error("a wrong code brings no alert")
	}
	b.submit("otc", "246810").shows("Stay signed in?").submit("stay", "yes")
	_, out := w.redeem(b)
	p, _ := w.who(out["access_token"].(string), GraphApp)
	if strings.Join(p.Methods, " ") != "pwd mfa" {
		t.Errorf("amr is %v", p.Methods)
	}
	if !same(w.codes(), []int{50074, 500121, 50140, 0}) {
		t.Errorf("log has %v", w.codes())
	}
	last := w.signIns()[3]
	if last.String("conditionalAccessStatus") != "success" || last.String("authenticationRequirement") != "multiFactorAuthentication" || len(objects(last, "authenticationDetails")) != 2 {
		t.Errorf("log is %v", last)
	}
	// The browser stays signed in: the next program gets its code without a question.
	b.final = nil
	b.open(authorizePath("prompt", "none"))
	if b.final == nil || b.final.Query().Get("code") == "" {
		t.Errorf("no code by the browser's session: %v", b.final)
	}
	b.final = nil
	if b.open(authorizePath("prompt", "login")); b.title() != "Sign in" {
		t.Errorf("prompt=login shows %q", b.title())
	}
	w.st.Clock.Advance(2 * time.Hour)
	if b.open(authorizePath("max_age", "3600")); b.title() != "Sign in" {
		t.Errorf("max_age shows %q", b.title())
	}
}

func TestTheSimulatedTelephoneShowsTheCode(t *testing.T) {
	w := newWorld(t, func(d *state.Document) { delete(d.Objects["authenticationMethods"][0], "_code") })
	phone := func() map[string]any {
		req, _ := http.NewRequest(http.MethodGet, w.web.URL+"/_phone?user=ada@contoso.onmicrosoft.com", nil)
		req.Header.Set("Accept", "application/json")
		res, err := w.web.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var out struct{ Codes map[string]any }
		if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
			t.Fatal(err)
		}
		return out.Codes
	}
	code, _ := phone()[adaPhone].(string)
	w.set("users", adaID, state.Object{"_perUserMfaState": "enforced"})
	w.browser().open(authorizePath()).password("ada@contoso.onmicrosoft.com", adaPassword).submit("otc", code).shows("Stay signed in?")
	w.edit(func(tx *state.Tx) { tx.World().MFAServiceDown = true })
	if len(phone()) != 0 {
		t.Error("a code arrives while the service is down")
	}
	if b := w.browser().open("/_phone?user=ada@contoso.onmicrosoft.com").shows("Simulated telephone"); !strings.Contains(b.page, "Nothing has arrived.") {
		t.Errorf("page:\n%s", b.page)
	}
}

func TestTheMFAServiceIsDown(t *testing.T) {
	w := newWorld(t, func(d *state.Document) {
		d.World.MFAServiceDown = true
		d.Objects["users"][0]["_perUserMfaState"] = "enforced"
	})
	b := w.browser().open(authorizePath()).password("ada@contoso.onmicrosoft.com", adaPassword).shows("Enter code").submit("otc", "246810").shows("Enter code")
	if b.status != http.StatusServiceUnavailable || !strings.Contains(b.page, "having trouble verifying your account") {
		t.Errorf("%d: %s", b.status, b.page)
	}
	w.edit(func(tx *state.Tx) { tx.World().MFAServiceDown = false })
	b.submit("otc", "246810").shows("Stay signed in?")
}

// Whoever holds the password first may register a method of their own: the portal does not
// refuse an account without one, it interrupts to register.
func TestThePortalInterruptsToRegister(t *testing.T) {
	w := newWorld(t, func(d *state.Document) { d.World.MandatoryMFA = true })
	path := authorizePath("client_id", portalApp, "scope", "https://management.core.windows.net/.default openid", "redirect_uri", "https://portal.azure.com/signin/index/")
	b := w.browser().open(path).password("ben@contoso.onmicrosoft.com", "Battery-Staple-8")
	b.shows("More information required").submit().shows("Set up your account")
	code := b.page[strings.Index(b.page, `id="code">`)+len(`id="code">`):][:6]
	b.submit("otc", "nope").shows("Set up your account").submit("otc", code).shows("Stay signed in?").submit("stay", "no")
	if b.final == nil || b.final.Host != "portal.azure.com" || b.final.Query().Get("code") == "" {
		t.Fatalf("ended at %v", b.final)
	}
	var audits []state.Object
	w.st.View(func(tx *state.Tx) {
		audits = tx.List(logs.Audits)
		if !capable(tx, tx.Get("users", benID)) {
			t.Error("the method was not registered")
		}
	})
	if len(audits) != 1 || audits[0].String("activityDisplayName") != "User registered security info" {
		t.Errorf("audit log is %v", audits)
	}
	if !same(w.codes(), []int{50079, 50140, 0}) {
		t.Errorf("log has %v", w.codes())
	}
}

func TestRegistrationIsAUserActionThatAPolicyCanBlock(t *testing.T) {
	w := newWorld(t, func(d *state.Document) {
		d.World.MandatoryMFA = true
		d.Objects["identity/conditionalAccess/policies"] = []state.Object{everyone(apps(m{"includeUserActions": list1(registerSecurityInfo)}))}
	})
	path := authorizePath("client_id", portalApp, "scope", "https://management.core.windows.net/.default openid", "redirect_uri", "https://portal.azure.com/signin/index/")
	w.browser().open(path).password("ben@contoso.onmicrosoft.com", "Battery-Staple-8").shows("More information required").submit().shows("You cannot access this right now")
}

func TestAPolicyThatBlocksIsShownAndLogged(t *testing.T) {
	w := newWorld(t, func(d *state.Document) {
		d.Objects["identity/conditionalAccess/policies"] = []state.Object{everyone(cond("locations", m{"includeLocations": list1("All")}))}
	})
	b := w.browser()
	b.header.Set("X-Sim-IP", "203.0.113.5")
	b.open(authorizePath()).password("ben@contoso.onmicrosoft.com", "Battery-Staple-8").shows("You cannot access this right now")
	if !strings.Contains(b.page, "Error Code: 53003") || b.final != nil {
		t.Errorf("page:\n%s", b.page)
	}
	rec := w.signIns()[0]
	if number(rec.Object("status")["errorCode"]) != 53003 || rec.String("conditionalAccessStatus") != "failure" || rec.Object("location").String("countryOrRegion") != "JP" || rec.String("ipAddress") != "203.0.113.5" {
		t.Errorf("log is %v", rec)
	}
	if got := objects(rec, "appliedConditionalAccessPolicies")[0]; got.String("result") != "failure" || strings.Join(got.Strings("enforcedGrantControls"), "") != "Block" {
		t.Errorf("policy in the log is %v", got)
	}
}

func TestBlockingDeviceCodesStopsTheDevicePageOnly(t *testing.T) {
	w := newWorld(t, func(d *state.Document) {
		d.Objects["identity/conditionalAccess/policies"] = []state.Object{everyone(cond("authenticationFlows", m{"transferMethods": "deviceCodeFlow"}))}
	})
	d := w.device()
	w.approve(d["user_code"].(string), "ben@contoso.onmicrosoft.com", "Battery-Staple-8", "").shows("You cannot access this right now")
	if _, out := w.poll(d); out["error"] != "authorization_pending" {
		t.Errorf("poll says %v", out)
	}
	w.browser().open(authorizePath()).password("ben@contoso.onmicrosoft.com", "Battery-Staple-8").shows("Stay signed in?")
}

func (w *world) device() map[string]any {
	w.t.Helper()
	res, err := w.web.Client().PostForm(w.web.URL+"/"+tenantID+"/oauth2/v2.0/devicecode", url.Values{"client_id": {toolApp}, "scope": {"https://graph.microsoft.com/.default offline_access"}})
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || out["user_code"] == nil {
		w.t.Fatalf("device answer %v, %v", out, err)
	}
	return out
}

func (w *world) poll(d map[string]any) (int, map[string]any) {
	return w.ask(url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {toolApp}, "device_code": {d["device_code"].(string)}})
}

func TestADeviceCodeIsDeclinedOrRunsOut(t *testing.T) {
	w := newWorld(t)
	d := w.device()
	w.approve(d["user_code"].(string), "ben@contoso.onmicrosoft.com", "Battery-Staple-8", "").shows("Are you trying to sign in to Tool?").submit("cancel", "1")
	if _, out := w.poll(d); out["error"] != "authorization_declined" {
		t.Errorf("poll says %v", out)
	}
	d = w.device()
	w.st.Clock.Advance(16 * time.Minute)
	if _, out := w.poll(d); out["error"] != "expired_token" {
		t.Errorf("poll says %v", out)
	}
	if b := w.browser().open("/common/oauth2/deviceauth").submit("otc", d["user_code"].(string)); !strings.Contains(b.page, "That code didn&#39;t work") {
		t.Errorf("page:\n%s", b.page)
	}
}

func TestAForcedPasswordChange(t *testing.T) {
	w := newWorld(t, func(d *state.Document) {
		d.Objects["users"][1]["passwordProfile"] = m{"forceChangePasswordNextSignIn": true}
	})
	b := w.browser().open(authorizePath()).password("ben@contoso.onmicrosoft.com", "Battery-Staple-8").shows("Update your password")
	change := func(old, fresh, again string) *browser {
		return b.submit("oldPassword", old, "newPassword", fresh, "confirmNewPassword", again)
	}
	change("Battery-Staple-8", "short", "short").shows("Update your password")
	change("Battery-Staple-8", "allsmallletters", "allsmallletters").shows("Update your password")
	change("Battery-Staple-8", "New-Password-11", "New-Password-12").shows("Update your password")
	change("Battery-Staple-8", "New-Password-11", "New-Password-11").shows("Stay signed in?").submit("stay", "no")
	if status, out := w.redeem(b); status != http.StatusOK {
		t.Errorf("redeem: %v", out)
	}
	w.st.View(func(tx *state.Tx) {
		u := tx.Get("users", benID)
		if u.String(state.Password) != "New-Password-11" || u.String("lastPasswordChangeDateTime") != "2026-02-01T12:00:00Z" || staleOf(tx, u) != "" {
			t.Errorf("user is %v", u)
		}
	})
	if !same(w.codes(), []int{50055, 50140, 0}) {
		t.Errorf("log has %v", w.codes())
	}
}

func TestWrongPasswordsLockTheAccountForAWhile(t *testing.T) {
	for name, limit := range map[string]int{"public": 10, "usgov-l4": 3} {
		w := newWorld(t, func(d *state.Document) { d.World.Cloud = name })
		b := w.browser().open(authorizePath("scope", GraphApp+"/.default")).submit("loginfmt", "ben@contoso.onmicrosoft.com")
		for range 5 { // the same wrong password again does not count again
			b.submit("passwd", "again")
		}
		for i := range limit - 1 {
			if strings.Contains(b.page, "temporarily locked") {
				t.Fatalf("%s: locked after %d", name, i)
			}
			b.submit("passwd", "wrong"+string(rune('a'+i)))
		}
		if b.submit("passwd", "Battery-Staple-8"); !strings.Contains(b.page, "temporarily locked") {
			t.Errorf("%s: the right password is let in while locked", name)
		}
		codes := w.codes()
		if codes[0] != 50126 || codes[len(codes)-1] != 50053 {
			t.Errorf("%s: log has %v", name, codes)
		}
		w.st.Clock.Advance(2 * time.Minute)
		b.submit("passwd", "Battery-Staple-8").shows("Stay signed in?")
	}
}

func TestAnUnknownNameIsToldButNotLogged(t *testing.T) {
	w := newWorld(t)
	b := w.browser().open(authorizePath()).submit("loginfmt", "nobody@contoso.onmicrosoft.com").shows("Sign in")
	if !strings.Contains(b.page, "This username may be incorrect") || len(w.signIns()) != 0 {
		t.Errorf("log %v, page:\n%s", w.signIns(), b.page)
	}
}

func TestAFederatedUserGoesToTheOwnProvider(t *testing.T) {
	w := newWorld(t)
	b := w.browser().open(authorizePath()).submit("loginfmt", "fred@fed.example").shows("Your organisation's identity provider")
	b.submit("username", "fred@fed.example", "password", "wrong").shows("Your organisation's identity provider")
	b.submit("username", "fred@fed.example", "password", "Federated-9").shows("Stay signed in?").submit("stay", "no")
	if status, out := w.redeem(b); status != http.StatusOK {
		t.Errorf("redeem: %v", out)
	}
	w.edit(func(tx *state.Tx) { tx.World().IdentityProviderDown = true })
	if b := w.browser().open(authorizePath()).submit("loginfmt", "fred@fed.example"); b.status != http.StatusServiceUnavailable {
		t.Errorf("with the provider down: %d", b.status)
	}
	w.browser().open(authorizePath()).password("ben@contoso.onmicrosoft.com", "Battery-Staple-8").shows("Stay signed in?")
}

func TestATemporaryAccessPassOpensOnce(t *testing.T) {
	w := newWorld(t, func(d *state.Document) {
		d.Objects["authenticationMethods"] = append(d.Objects["authenticationMethods"], state.Object{
			"id": "e4", "_user": benID, "@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethod", "_pass": "ABCD-1234",
			"startDateTime": "2026-02-01T11:50:00Z", "lifetimeInMinutes": float64(60), "isUsableOnce": true,
		})
		d.World.MandatoryMFA = true
	})
	b := w.browser().open(authorizePath()).submit("loginfmt", "ben@contoso.onmicrosoft.com").shows("Enter Temporary Access Pass")
	b.submit("accesspass", "wrong").shows("Enter Temporary Access Pass").submit("accesspass", "ABCD-1234").shows("Stay signed in?").submit("stay", "no")
	_, out := w.redeem(b)
	if p, _ := w.who(out["access_token"].(string), GraphApp); strings.Join(p.Methods, " ") != "mfa" {
		t.Errorf("amr is %v", p.Methods)
	}
	w.browser().open(authorizePath()).submit("loginfmt", "ben@contoso.onmicrosoft.com").shows("Enter password")
}

func TestAPasskeyOpensAndPassesAStrength(t *testing.T) {
	w := newWorld(t, populated, func(d *state.Document) {
		d.Objects["identity/conditionalAccess/policies"] = []state.Object{everyone(grant(m{
			"operator": "OR", "authenticationStrength": map[string]any{"id": "00000000-0000-0000-0000-000000000004"},
		}))}
	})
	b := w.browser().open(authorizePath()).password("ada@contoso.onmicrosoft.com", adaPassword).shows("Sign in with your passkey")
	b.submit("pin", "nonsense").shows("Sign in with your passkey")
	if b.status != http.StatusBadRequest {
		t.Errorf("a wrong PIN: %d", b.status)
	}
	b.submit("pin", w.pin("ada@contoso.onmicrosoft.com")).shows("Stay signed in?").submit("stay", "no")
	_, out := w.redeem(b)
	if p, _ := w.who(out["access_token"].(string), GraphApp); strings.Join(p.Methods, " ") != "pwd fido rsa mfa" {
		t.Errorf("amr is %v", p.Methods)
	}
	b = w.browser().open(authorizePath()).submit("loginfmt", "ada@contoso.onmicrosoft.com").shows("Enter password").way("Use a passkey instead")
	b.shows("Sign in with your passkey").submit("pin", w.pin("ada@contoso.onmicrosoft.com")).shows("Stay signed in?")
}

func TestAnUnknownPromptIsSentBack(t *testing.T) {
	w := newWorld(t)
	b := w.browser().open(authorizePath("prompt", "whatever"))
	if b.final == nil || !strings.Contains(b.final.Query().Get("error_description"), "AADSTS90023") {
		t.Errorf("the client got %v, the person %q", b.final, b.title())
	}
}

// way follows the link of another way to sign in.
func (b *browser) way(text string) *browser {
	b.w.t.Helper()
	end := strings.Index(b.page, ">"+text+"<")
	if end < 0 {
		b.w.t.Fatalf("no way %q on the page:\n%s", text, b.page)
	}
	link := b.page[:end]
	link = link[strings.LastIndex(link, `href="`)+6:]
	link = link[:strings.Index(link, `"`)]
	return b.open(strings.ReplaceAll(link, "&amp;", "&"))
}

// pin is what the user's simulated key tells its holder.
func (w *world) pin(upn string) string {
	w.t.Helper()
	pin := ""
	w.browser().open("/_phone?user=" + url.QueryEscape(upn))
	w.edit(func(tx *state.Tx) {
		for _, o := range registered(tx, user(tx, upn)) {
			if isPasskey(o) {
				pin = o.String("_code")
			}
		}
	})
	return pin
}

func TestWhatThePageDoesNotModelItSays(t *testing.T) {
	w := newWorld(t, func(d *state.Document) {
		d.Objects["authenticationMethods"] = append(d.Objects["authenticationMethods"], state.Object{
			"id": "hello", "_user": adaID, "@odata.type": "#microsoft.graph.windowsHelloForBusinessAuthenticationMethod", "displayName": "PC-1",
		})
	})
	b := w.browser().open(authorizePath()).submit("loginfmt", "ada@contoso.onmicrosoft.com").shows("Enter password").way("Use Windows Hello instead").shows("Not modelled")
	if b.status != http.StatusNotImplemented || !strings.Contains(b.page, "Windows Hello") {
		t.Errorf("%d:\n%s", b.status, b.page)
	}
	w.edit(func(tx *state.Tx) {
		tx.Put("identity/conditionalAccess/policies", everyone(grant(m{"operator": "OR", "termsOfUse": list1("t1")})))
	})
	b = w.browser().open(authorizePath()).password("ben@contoso.onmicrosoft.com", "Battery-Staple-8")
	if b.status != http.StatusNotImplemented {
		t.Errorf("terms of use: %d %q", b.status, b.title())
	}
}

func TestARequestSaysWhereItWouldComeFrom(t *testing.T) {
	compliant := everyone(grant(m{"operator": "OR", "builtInControls": list1("compliantDevice")}))
	risky := everyone(cond("signInRiskLevels", list1("high")))
	risky["id"] = "f0000000-0000-4000-8000-000000000002"
	w := newWorld(t, func(d *state.Document) {
		d.Objects["identity/conditionalAccess/policies"] = []state.Object{compliant, risky}
		d.Objects["devices"] = []state.Object{{"id": "dd000000-0000-4000-8000-000000000001", "deviceId": "dd1", "displayName": "PAW-07", "isCompliant": true, "trustType": "AzureAd"}}
	})
	b := w.browser()
	b.open(authorizePath()).password("ben@contoso.onmicrosoft.com", "Battery-Staple-8").shows("You can't get there from here")
	b.header.Set("X-Sim-Device", "dd000000-0000-4000-8000-000000000001")
	b.open(authorizePath()).password("ben@contoso.onmicrosoft.com", "Battery-Staple-8").shows("Stay signed in?").submit("stay", "no")
	last := w.signIns()[len(w.signIns())-1]
	if d := last.Object("deviceDetail"); d.String("displayName") != "PAW-07" || d["isCompliant"] != true || d.String("operatingSystem") != "Windows" || d.String("browser") != "Chrome 130.0" {
		t.Errorf("device in the log is %v", d)
	}
	b.header.Set("X-Sim-Risk", "high")
	b.open(authorizePath("prompt", "login")).password("ben@contoso.onmicrosoft.com", "Battery-Staple-8").shows("You cannot access this right now")
}

func TestConsentIsAskedForAndGivenByThoseWhoMay(t *testing.T) {
	w := newWorld(t, func(d *state.Document) { d.Objects["oauth2PermissionGrants"] = nil })
	path := authorizePath("scope", "Directory.AccessAsUser.All openid")
	w.browser().open(path).password("ben@contoso.onmicrosoft.com", "Battery-Staple-8").shows("Need admin approval")
	b := w.browser().open(path).password("ada@contoso.onmicrosoft.com", adaPassword).shows("Permissions requested")
	if !strings.Contains(b.page, "<li>Directory.AccessAsUser.All</li>") {
		t.Errorf("page:\n%s", b.page)
	}
	b.submit("organisation", "1", "accept", "1").shows("Stay signed in?").submit("stay", "no")
	if status, out := w.redeem(b); status != http.StatusOK || !strings.Contains(out["scope"].(string), "Directory.AccessAsUser.All") {
		t.Errorf("redeem: %v", out)
	}
	w.browser().open(path).password("ben@contoso.onmicrosoft.com", "Battery-Staple-8").shows("Stay signed in?")
	b = w.browser().open(authorizePath("scope", "User.Read")).password("ada@contoso.onmicrosoft.com", adaPassword).shows("Permissions requested").submit("cancel", "1")
	if b.final.Query().Get("error") != "access_denied" {
		t.Errorf("declined: %v", b.final)
	}
}

func TestAStepUpProvesAnAuthenticationContext(t *testing.T) {
	w := newWorld(t, func(d *state.Document) {
		d.Objects["identity/conditionalAccess/policies"] = []state.Object{
			everyone(apps(m{"includeAuthenticationContextClassReferences": list1("c1")}), grant(m{"operator": "OR", "builtInControls": list1("mfa")})),
		}
	})
	b := w.browser().open(authorizePath()).password("ada@contoso.onmicrosoft.com", adaPassword).submit("stay", "no")
	_, out := w.redeem(b)
	claims := `{"access_token":{"acrs":{"essential":true,"value":"c1"},"xms_cc":{"values":["cp1"]}}}`
	refresh := url.Values{"grant_type": {"refresh_token"}, "client_id": {toolApp}, "refresh_token": {out["refresh_token"].(string)}, "claims": {claims}}
	status, out := w.ask(refresh)
	if status != http.StatusBadRequest || out["error"] != "invalid_grant" || number(out["error_codes"].([]any)[0]) != 50076 || out["claims"] == nil || out["suberror"] != "basic_action" {
		t.Errorf("refresh without the step: %d %v", status, out)
	}
	b.final = nil
	b.open(authorizePath("claims", claims)).shows("Enter code").submit("otc", "246810")
	if b.title() == "Stay signed in?" {
		b.submit("stay", "no")
	}
	_, out = w.redeem(b)
	p, _ := w.who(out["access_token"].(string), GraphApp)
	if strings.Join(p.AuthContexts, "") != "c1" {
		t.Errorf("principal is %+v", p)
	}
}

func TestTheAnswerMayComeAsAForm(t *testing.T) {
	w := newWorld(t)
	b := w.browser().open(authorizePath("response_mode", "form_post")).password("ben@contoso.onmicrosoft.com", "Battery-Staple-8").submit("stay", "no").shows("Working…")
	if !strings.Contains(b.page, `action="`+tool+`"`) || !strings.Contains(b.page, `name="state" value="s-1"`) || !strings.Contains(b.page, `name="code"`) {
		t.Errorf("page:\n%s", b.page)
	}
}

func TestWhatIsWrongWithARequestStaysOnThePageOrGoesBack(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		pairs []string
		page  string // text of the page; "" when sent back
		err   string
	}{
		"an unknown application":    {[]string{"client_id", "99999999-0000-4000-8000-000000000000"}, "AADSTS700016", ""},
		"an address not registered": {[]string{"redirect_uri", "https://evil.example/"}, "AADSTS50011", ""},
		"an unknown resource":       {[]string{"scope", "https://nobody.example/.default"}, "", "invalid_resource"},
		"a response type":           {[]string{"response_type", "token"}, "", "unsupported_response_type"},
		"no page wanted":            {[]string{"prompt", "none"}, "", "login_required"},
		"PKCE in plain":             {[]string{"code_challenge_method", "plain"}, "", "not_implemented"},
	} {
		b := w.browser().open(authorizePath(c.pairs...))
		if c.page != "" && (b.final != nil || !strings.Contains(b.page, c.page)) {
			t.Errorf("%s: sent to %v, page %q", name, b.final, b.title())
		}
		if c.page == "" && (b.final == nil || b.final.Query().Get("error") != c.err || b.final.Query().Get("state") != "s-1") {
			t.Errorf("%s: sent to %v, page %q", name, b.final, b.title())
		}
	}
}

// The library's own flow with a user name and password first asks which kind the user's domain is.
func TestAzureIdentityWithAUserNameAndPassword(t *testing.T) {
	w := newWorld(t)
	get := func() error {
		cred, err := azidentity.NewUsernamePasswordCredential(tenantID, toolApp, "ada@contoso.onmicrosoft.com", adaPassword,
			//lint:ignore SA1019 as above
			&azidentity.UsernamePasswordCredentialOptions{ClientOptions: w.clientOptions(), DisableInstanceDiscovery: true})
		if err != nil {
			t.Fatal(err)
		}
		_, err = cred.GetToken(context.Background(), graphScope)
		return err
	}
	if err := get(); err != nil {
		t.Error(err)
	}
	if rec := w.signIns()[0]; rec.String("authenticationProtocol") != "ropc" {
		t.Errorf("log is %v", rec)
	}
	w.set("users", adaID, state.Object{"_perUserMfaState": "enforced"})
	if err := get(); err == nil || !strings.Contains(err.Error(), "AADSTS50076") {
		t.Errorf("with MFA demanded: %v", err)
	}
}
