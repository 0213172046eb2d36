package login

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// Ids of the small tenant that these tests play in.
const (
	tenantID  = "8f0d6c7a-1111-4222-8333-444455556666"
	adaID     = "a0000000-0000-4000-8000-000000000001" // Global Administrator with an Authenticator
	benID     = "a0000000-0000-4000-8000-000000000002" // nobody in particular, password only
	fredID    = "a0000000-0000-4000-8000-000000000003" // federated
	guestID   = "a0000000-0000-4000-8000-000000000004"
	graphSP   = "b0000000-0000-4000-8000-000000000001"
	armSP     = "b0000000-0000-4000-8000-000000000002"
	daemonSP  = "b0000000-0000-4000-8000-000000000003"
	daemonApp = "c0000000-0000-4000-8000-000000000003"
	daemonObj = "d0000000-0000-4000-8000-000000000003"
	toolSP    = "b0000000-0000-4000-8000-000000000004"
	toolApp   = "c0000000-0000-4000-8000-000000000004"
	toolObj   = "d0000000-0000-4000-8000-000000000004"
	robotSP   = "b0000000-0000-4000-8000-000000000005"
	robotApp  = "c0000000-0000-4000-8000-000000000005"

	globalAdmin = "62e90394-69f5-4237-9190-012177145e10"
	adaPassword = "Correct-Horse-7"
	adaPhone    = "e0000000-0000-4000-8000-000000000001"
)

// tenant is the small tenant as a document.
func tenant() state.Document {
	user := func(id, upn, password string, more state.Object) state.Object {
		u := state.Object{
			"id": id, "userPrincipalName": upn, "displayName": strings.ToUpper(upn[:1]) + upn[1:3], "accountEnabled": true, "userType": "Member",
			state.Password: password, "lastPasswordChangeDateTime": "2026-01-01T00:00:00Z",
		}
		for k, v := range more {
			u[k] = v
		}
		return u
	}
	sp := func(id, app, name string, more state.Object) state.Object {
		o := state.Object{"id": id, "appId": app, "displayName": name, "accountEnabled": true, "appOwnerOrganizationId": tenantID}
		for k, v := range more {
			o[k] = v
		}
		return o
	}
	return state.Document{
		TenantID: tenantID,
		World:    state.World{Cloud: "public"},
		Objects: map[string][]state.Object{
			"organization": {{"id": tenantID, "displayName": "Contoso", "createdDateTime": "2020-01-01T00:00:00Z"}},
			"domains": {
				{"id": "contoso.onmicrosoft.com", "isInitial": true, "isVerified": true, "authenticationType": "Managed", "passwordValidityPeriodInDays": 2147483647},
				{"id": "fed.example", "isVerified": true, "authenticationType": "Federated"},
				{"id": "old.example", "isVerified": true, "authenticationType": "Managed", "passwordValidityPeriodInDays": 90},
			},
			"users": {
				user(adaID, "ada@contoso.onmicrosoft.com", adaPassword, nil),
				user(benID, "ben@contoso.onmicrosoft.com", "Battery-Staple-8", nil),
				user(fredID, "fred@fed.example", "Federated-9", nil),
				user(guestID, "gia_fabrikam.example#EXT#@contoso.onmicrosoft.com", "Guest-Pass-10", state.Object{"userType": "Guest", "creationType": "Invitation"}),
			},
			"authenticationMethods": {
				{"id": adaPhone, "_user": adaID, "@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod", "_code": "246810"},
			},
			state.RoleAssignments: {{"id": "ra1", "principalId": adaID, "roleDefinitionId": globalAdmin, "directoryScopeId": "/"}},
			"servicePrincipals": {
				sp(graphSP, GraphApp, "Microsoft Graph", state.Object{
					"appRoles":               []any{map[string]any{"id": "r1", "value": "User.Read.All", "isEnabled": true}, map[string]any{"id": "r2", "value": "Policy.Read.All", "isEnabled": true}},
					"oauth2PermissionScopes": []any{map[string]any{"id": "s1", "value": "User.Read", "type": "User"}, map[string]any{"id": "s2", "value": "Directory.AccessAsUser.All", "type": "Admin"}},
				}),
				sp(armSP, ARMApp, "Windows Azure Service Management API", nil),
				sp(daemonSP, daemonApp, "Daemon", nil),
				sp(toolSP, toolApp, "Tool", nil),
				sp(robotSP, robotApp, "Robot", state.Object{"servicePrincipalType": "ManagedIdentity"}),
			},
			"applications": {
				{
					"id": daemonObj, "appId": daemonApp, "displayName": "Daemon", "web": map[string]any{"redirectUris": []any{"https://daemon.example/back"}},
					"passwordCredentials": []any{
						map[string]any{"keyId": "k1", "endDateTime": "2027-01-01T00:00:00Z"}, map[string]any{"keyId": "k2", "endDateTime": "2026-01-15T00:00:00Z"},
					},
					state.Secrets: map[string]any{"k1": "daemon-secret", "k2": "daemon-old"},
				},
				{
					"id": toolObj, "appId": toolApp, "displayName": "Tool", "isFallbackPublicClient": true,
					"publicClient": map[string]any{"redirectUris": []any{"http://localhost"}},
				},
			},
			"appRoleAssignments": {
				{"id": "g1", "principalId": daemonSP, "resourceId": graphSP, "appRoleId": "r1"},
				{"id": "g2", "principalId": robotSP, "resourceId": graphSP, "appRoleId": "r2"},
			},
			"oauth2PermissionGrants": {
				{"id": "p1", "clientId": toolSP, "resourceId": graphSP, "consentType": "AllPrincipals", "scope": "User.Read Directory.AccessAsUser.All"},
				{"id": "p2", "clientId": toolSP, "resourceId": armSP, "consentType": "AllPrincipals", "scope": "user_impersonation"},
				{"id": "p3", "clientId": daemonSP, "resourceId": graphSP, "consentType": "AllPrincipals", "scope": "User.Read"},
			},
		},
	}
}

// world is a tenant behind HTTPS.
type world struct {
	t   *testing.T
	st  *state.State
	srv *Server
	web *httptest.Server
}

// newWorld starts the small tenant on 1 February 2026; change edits it first.
func newWorld(t *testing.T, change ...func(*state.Document)) *world {
	t.Helper()
	d := tenant()
	for _, f := range change {
		f(&d)
	}
	clock := &state.Clock{}
	clock.Set(time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC), true)
	w := &world{t: t, st: state.New(d, clock)}
	w.srv = New(w.st, logs.New(1), func() string { return w.web.URL })
	w.web = httptest.NewTLSServer(w.srv)
	t.Cleanup(w.web.Close)
	return w
}

// edit changes the tenant.
func (w *world) edit(f func(tx *state.Tx)) {
	_ = w.st.Update(func(tx *state.Tx) error { f(tx); return nil })
}

// set changes properties of one object.
func (w *world) set(coll, id string, props state.Object) {
	w.t.Helper()
	w.edit(func(tx *state.Tx) {
		o := tx.Get(coll, id)
		if o == nil {
			w.t.Fatalf("no %s in %s", id, coll)
		}
		for k, v := range props {
			o[k] = v
		}
		tx.Put(coll, o)
	})
}

// signIns is the sign-in log, oldest first.
func (w *world) signIns() []state.Object {
	var out []state.Object
	w.st.View(func(tx *state.Tx) { out = tx.List(logs.SignIns) })
	return out
}

// browser is a person's browser: cookies, no redirects but those asked for, no script.
type browser struct {
	w      *world
	client *http.Client
	header http.Header
	page   string // the last page
	status int
	at     *url.URL // where the last answer came from
	final  *url.URL // the redirect URI that the sign-in ended at; nil before
}

func (w *world) browser() *browser {
	jar, _ := cookiejar.New(nil)
	b := &browser{w: w, header: http.Header{"User-Agent": {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130.0"}}}
	b.client = &http.Client{
		Jar:       jar,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.web.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}},
		CheckRedirect: func(req *http.Request, _ []*http.Request) error {
			if !strings.HasPrefix(req.URL.String(), w.web.URL) {
				b.final = req.URL
				return http.ErrUseLastResponse
			}
			req.Header = b.header.Clone()
			return nil
		},
	}
	w.t.Cleanup(b.client.CloseIdleConnections)
	return b
}

func (b *browser) do(method, address string, form url.Values) *browser {
	b.w.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.w.web.URL + address
	}
	req, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.w.t.Fatal(err)
	}
	req.Header = b.header.Clone()
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	b.page, b.status, b.at = string(body), res.StatusCode, res.Request.URL
	return b
}

func (b *browser) open(address string) *browser { return b.do(http.MethodGet, address, nil) }

var (
	formAction = regexp.MustCompile(`<form method="post" action="([^"]+)"`)
	hiddenCtx  = regexp.MustCompile(`name="ctx" value="([^"]*)"`)
	heading    = regexp.MustCompile(`<h1>([^<]*)</h1>`)
)

// submit fills the form of the page and sends it; pairs are field, value.
func (b *browser) submit(pairs ...string) *browser {
	b.w.t.Helper()
	m := formAction.FindStringSubmatch(b.page)
	if m == nil {
		b.w.t.Fatalf("no form on the page %q:\n%s", b.title(), b.page)
	}
	form := url.Values{}
	if c := hiddenCtx.FindStringSubmatch(b.page); c != nil {
		form.Set("ctx", c[1])
	}
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(b.page, `name="`+pairs[i]+`"`) {
			b.w.t.Fatalf("no field %s on the page %q:\n%s", pairs[i], b.title(), b.page)
		}
		form.Set(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, strings.ReplaceAll(m[1], "&amp;", "&"), form)
}

func (b *browser) title() string {
	if m := heading.FindStringSubmatch(b.page); m != nil {
		return strings.NewReplacer("&#39;", "'", "&#43;", "+").Replace(m[1])
	}
	return ""
}

// shows fails unless the page has the heading.
func (b *browser) shows(want string) *browser {
	b.w.t.Helper()
	if b.title() != want {
		b.w.t.Fatalf("page is %q, want %q:\n%s", b.title(), want, b.page)
	}
	return b
}
