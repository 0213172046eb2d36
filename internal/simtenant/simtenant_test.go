package simtenant

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/internal/simtenant/state"
)

// start runs a shipped tenant whose clock stands at noon.
func start(t *testing.T, opts Options) *Tenant {
	t.Helper()
	if opts.ClockAt.IsZero() {
		opts.ClockAt = time.Now()
	}
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	_ = s.State().Update(func(tx *state.Tx) error { tx.World().ReplicationDelay, tx.World().Throttle = 0, false; return nil })
	return s
}

// token is an access token for Graph of one of the tenant's applications.
func token(t *testing.T, s *Tenant, a Application) string {
	t.Helper()
	res, err := s.Client().PostForm(s.URL()+"/"+s.creds.TenantID+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {a.ClientID}, "client_secret": {a.ClientSecret}, "scope": {s.URL() + "/.default"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var body struct {
		AccessToken string `json:"access_token"`
		Description string `json:"error_description"`
	}
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil || body.AccessToken == "" {
		t.Fatalf("no token: %d %v %s", res.StatusCode, err, body.Description)
	}
	return body.AccessToken
}

// ask sends a request with a bearer token and reads the answer; body is JSON or nil.
func ask(t *testing.T, s *Tenant, bearer, method, path string, body any) (*http.Response, state.Object, error) {
	t.Helper()
	var r io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, r)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	req.Header.Set("Content-Type", "application/json")
	res, err := s.Client().Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	var out state.Object
	_ = json.Unmarshal(data, &out)
	return res, out, err
}

// want is ask with a status that must come back.
func want(t *testing.T, s *Tenant, status int, bearer, method, path string, body any) (state.Object, *http.Response) {
	t.Helper()
	res, out, err := ask(t, s, bearer, method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != status {
		t.Fatalf("%s %s: got %d %v, want %d", method, path, res.StatusCode, out, status)
	}
	return out, res
}

func errorCode(o state.Object) string { return o.Object("error").String("code") }

func TestReaderSignsInAndReadsButDoesNotWrite(t *testing.T) {
	s := start(t, Options{})
	tok := token(t, s, s.creds.Reader)
	list, res := want(t, s, 200, tok, "GET", "/v1.0/users?$top=5", nil)
	if len(list["value"].([]any)) == 0 {
		t.Error("the tenant has no users")
	}
	if res.Header.Get("request-id") == "" || res.Header.Get("client-request-id") == "" {
		t.Errorf("headers %v", res.Header)
	}
	for _, at := range []string{
		"/v1.0/domains", "/v1.0/organization", "/v1.0/subscribedSkus", "/v1.0/groups", "/v1.0/applications", "/v1.0/servicePrincipals", "/v1.0/directory/administrativeUnits",
		"/v1.0/roleManagement/directory/roleAssignments", "/v1.0/identity/conditionalAccess/policies", "/beta/identity/conditionalAccess/policies", "/v1.0/auditLogs/directoryAudits",
	} {
		want(t, s, 200, tok, "GET", at, nil)
	}
	refused, _ := want(t, s, 403, tok, "POST", "/v1.0/groups", map[string]any{"displayName": "g", "mailEnabled": false, "mailNickname": "g", "securityEnabled": true})
	if errorCode(refused) != "Authorization_RequestDenied" {
		t.Errorf("got %v", refused)
	}
	want(t, s, 401, "not-a-token", "GET", "/v1.0/users", nil)
}

func TestConsentTakesEffectInTheNextToken(t *testing.T) {
	s := start(t, Options{})
	op := token(t, s, s.creds.Operator)
	reader := s.creds.Reader.ServicePrincipalID
	g, _ := want(t, s, 200, op, "GET", "/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')?$select=id,appRoles", nil)
	role := ""
	for _, r := range g["appRoles"].([]any) {
		if o := state.Object(r.(map[string]any)); o.String("value") == "Group.ReadWrite.All" {
			role = o.ID()
		}
	}
	want(t, s, 201, op, "POST", "/v1.0/servicePrincipals/"+reader+"/appRoleAssignments", map[string]any{"principalId": reader, "resourceId": g.ID(), "appRoleId": role})
	want(t, s, 201, token(t, s, s.creds.Reader), "POST", "/v1.0/groups", map[string]any{"displayName": "g", "mailEnabled": false, "mailNickname": "g", "securityEnabled": true})
}

func TestDirectoryHoldsWhatAClientNeeds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sim")
	s := start(t, Options{Dir: dir, Hosts: []string{"tenant.example", "graph.microsoft.com"}})
	if err := s.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"ca.pem": 0o644, "endpoints.json": 0o644, "credentials.json": 0o600, "reader.pem": 0o600, "ca-key.pem": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v, want mode %v", name, info, err, mode)
		}
	}
	var e Endpoints
	readJSON(t, filepath.Join(dir, "endpoints.json"), &e)
	if e.Base != s.URL() || e.Graph != e.Base || e.TenantID == "" || !strings.Contains(e.Base, "tenant.example") {
		t.Errorf("endpoints %+v", e)
	}
	var c Credentials
	readJSON(t, filepath.Join(dir, "credentials.json"), &c)
	if c.Reader.ClientSecret == "" || c.Operator.ClientID == "" || c.DeviceUser.Password == "" || c.ControlToken == "" || c.TenantID != e.TenantID {
		t.Error("credentials.json is not whole")
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, c.Reader.CertificateFile), filepath.Join(dir, c.Reader.CertificateFile))
	if err != nil || pair.Leaf.Subject.CommonName != "Simulated reader" {
		t.Errorf("the reader's certificate: %v", err)
	}
	again, err := New(Options{Dir: dir})
	if err != nil || !bytes.Equal(again.CertificateAuthority(), s.CertificateAuthority()) {
		t.Errorf("the authority was not taken up again: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ca-key.pem"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Dir: dir}); err == nil {
		t.Error("a broken authority was passed over in silence")
	}
}

func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func TestUnmodifiedClientReachesEachServiceByTheCloudsNames(t *testing.T) {
	s := start(t, Options{Hosts: []string{"graph.microsoft.com", "login.microsoftonline.com", "management.azure.com"}})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CertificateAuthority())
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", s.listener.Addr().String())
		},
	}}
	res, err := client.PostForm("https://login.microsoftonline.com/"+s.creds.TenantID+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {s.creds.Reader.ClientID}, "client_secret": {s.creds.Reader.ClientSecret}, "scope": {"https://graph.microsoft.com/.default"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var tok struct {
		AccessToken string `json:"access_token"`
	}
	err = json.NewDecoder(res.Body).Decode(&tok)
	_ = res.Body.Close()
	if err != nil || tok.AccessToken == "" {
		t.Fatalf("no token: %d %v", res.StatusCode, err)
	}
	req, _ := http.NewRequestWithContext(t.Context(), "GET", "https://graph.microsoft.com/v1.0/users?$top=1", nil)
	req.Header.Set("Authorization", "Bearer "+tok.AccessToken)
	if res, err = client.Do(req); err != nil {
		t.Fatal(err)
	}
	var list map[string]any
	err = json.NewDecoder(res.Body).Decode(&list)
	_ = res.Body.Close()
	next, _ := list["@odata.nextLink"].(string)
	if err != nil || res.StatusCode != 200 || !strings.HasPrefix(next, "https://graph.microsoft.com/v1.0/users?") {
		t.Errorf("got %d, next link %q, %v", res.StatusCode, next, err)
	}
}

func TestRemoteControlTurnsTheClock(t *testing.T) {
	s := start(t, Options{})
	key := s.creds.ControlToken
	want(t, s, 401, "wrong", "GET", "/_sim/clock", nil)
	want(t, s, 401, token(t, s, s.creds.Operator), "GET", "/_sim/clock", nil)
	want(t, s, 200, key, "POST", "/_sim/clock", map[string]any{"set": "2030-01-02T03:04:05Z", "freeze": true})
	got, _ := want(t, s, 200, key, "POST", "/_sim/clock", map[string]any{"advance": "90m"})
	if got.String("now") != "2030-01-02T04:34:05Z" {
		t.Errorf("the clock shows %v", got)
	}
	_, res := want(t, s, 401, "none", "GET", "/v1.0/organization", nil)
	if res.Header.Get("Date") != "Wed, 02 Jan 2030 04:34:05 GMT" {
		t.Errorf("the answer's date is %q", res.Header.Get("Date"))
	}
	want(t, s, 200, key, "POST", "/_sim/clock", map[string]any{"freeze": false})
	for _, bad := range []any{map[string]any{}, map[string]any{"advance": "soon"}, map[string]any{"forward": "1h"}, map[string]any{"advance": "1h", "set": "2030-01-02T03:04:05Z"}} {
		want(t, s, 400, key, "POST", "/_sim/clock", bad)
	}
	want(t, s, 404, key, "GET", "/_sim/weather", nil)
}

func TestRemoteControlSwitchesTheWorldAndTellsWhatHappened(t *testing.T) {
	s := start(t, Options{})
	key := s.creds.ControlToken
	tok := token(t, s, s.creds.Reader)
	want(t, s, 200, tok, "GET", "/v1.0/users/"+s.creds.DeviceUser.ID, nil)
	got, _ := want(t, s, 200, key, "POST", "/_sim/events", map[string]any{"mfaServiceDown": true, "logDelay": "90s", "signIn": map[string]any{"userPrincipalName": "injected@example", "userId": s.creds.DeviceUser.ID}})
	if w := got.Object("world"); w["mfaServiceDown"] != true || w["logDelay"] != float64(90*time.Second) {
		t.Errorf("world %v", w)
	}
	found := slices.ContainsFunc(got["signIns"].([]any), func(e any) bool {
		return state.Object(e.(map[string]any)).String("userPrincipalName") == "injected@example"
	})
	counts := got.Object("requests").Object("byOperation")
	if !found || counts["GET /v1.0/users/{}"] != 1.0 {
		t.Errorf("injected sign-in found: %v; counts %v", found, counts)
	}
	for _, bad := range []any{map[string]any{"weather": "rain"}, map[string]any{"mfaServiceDown": "yes"}, map[string]any{"logDelay": "long"}, map[string]any{"signIn": 3}} {
		want(t, s, 400, key, "POST", "/_sim/events", bad)
	}
	doc, _ := want(t, s, 200, key, "GET", "/_sim/state", nil)
	if doc.String("tenantId") != s.creds.TenantID {
		t.Errorf("state of %v", doc["tenantId"])
	}
}

func TestFaultBeforeTheDeedAndAfterIt(t *testing.T) {
	s := start(t, Options{})
	op := token(t, s, s.creds.Operator)
	group := func(name string) map[string]any {
		return map[string]any{"displayName": name, "mailEnabled": false, "mailNickname": name, "securityEnabled": true}
	}
	done := func(name string) bool {
		found := false
		s.State().View(func(tx *state.Tx) {
			found = tx.Find("groups", func(o state.Object) bool { return o.String("displayName") == name }) != nil
		})
		return found
	}
	for _, c := range []struct {
		action string
		done   bool
	}{{DropBefore, false}, {DropAfter, true}, {CutBody, true}} {
		if err := s.Fail(Fault{Method: "POST", Path: "^/v1.0/groups$", Action: c.action}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := ask(t, s, op, "POST", "/v1.0/groups", group(c.action)); err == nil {
			t.Errorf("%s: the answer came whole", c.action)
		}
		if done(c.action) != c.done {
			t.Errorf("%s: done is %v, want %v", c.action, !c.done, c.done)
		}
	}
	want(t, s, 201, op, "POST", "/v1.0/groups", group("afterwards"))
}

func TestFaultsThatAnswer(t *testing.T) {
	s := start(t, Options{})
	key := s.creds.ControlToken
	tok := token(t, s, s.creds.Reader)
	set := func(f Fault) {
		t.Helper()
		want(t, s, 200, key, "DELETE", "/_sim/faults", nil)
		want(t, s, 200, key, "POST", "/_sim/faults", f)
	}
	set(Fault{Path: "/users", Action: Throttled, RetryAfter: "9", After: 1, Times: 2})
	want(t, s, 200, tok, "GET", "/v1.0/users", nil)
	for range 2 {
		if body, res := want(t, s, 429, tok, "GET", "/v1.0/users", nil); res.Header.Get("Retry-After") != "9" || errorCode(body) != "TooManyRequests" {
			t.Errorf("got %v %v", res.Header, body)
		}
	}
	want(t, s, 200, tok, "GET", "/v1.0/users", nil)
	got, _ := want(t, s, 200, key, "GET", "/_sim/faults", nil)
	if f := state.Object(got["faults"].([]any)[0].(map[string]any)); f["matched"] != 4.0 || f["struck"] != 2.0 {
		t.Errorf("counted %v", f)
	}

	set(Fault{Path: "/users", Action: Status, Body: "html"})
	_, res := want(t, s, 503, tok, "GET", "/v1.0/users", nil)
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		t.Errorf("got %v", res.Header)
	}
	set(Fault{Path: "/users", Action: Status, Status: 504})
	if body, _ := want(t, s, 504, tok, "GET", "/v1.0/users", nil); errorCode(body) != "GatewayTimeout" {
		t.Errorf("got %v", body)
	}
	set(Fault{Path: "/users", Action: Forbidden})
	want(t, s, 403, tok, "GET", "/v1.0/users", nil)
	set(Fault{Action: PermissionMissing, Permission: "auditlog.read.all", Times: -1})
	want(t, s, 403, tok, "GET", "/v1.0/auditLogs/signIns", nil)
	want(t, s, 200, tok, "GET", "/v1.0/users", nil)
	set(Fault{Method: "GET", Path: "/users", Action: Throttled})
	batch, _ := want(t, s, 200, tok, "POST", "/v1.0/$batch", map[string]any{"requests": []any{map[string]any{"id": "1", "method": "GET", "url": "/users"}}})
	if part := state.Object(batch["responses"].([]any)[0].(map[string]any)); part["status"] != 429.0 {
		t.Errorf("the part of a batch got %v", part)
	}
	for _, bad := range []any{Fault{Action: "explode"}, Fault{Action: Delay, Delay: "long"}, Fault{Action: Status, Path: "("}, Fault{Action: PermissionMissing}, Fault{Action: Throttled, RetryAfter: "soon"}, map[string]any{"acton": "status"}} {
		want(t, s, 400, key, "POST", "/_sim/faults", bad)
	}
}

func TestStaleReadSeesTheTenantOfBefore(t *testing.T) {
	s := start(t, Options{})
	op := token(t, s, s.creds.Operator)
	id := s.creds.DeviceUser.ID
	if err := s.Fail(Fault{Method: "GET", Path: id, Action: StaleRead}); err != nil {
		t.Fatal(err)
	}
	want(t, s, 204, op, "PATCH", "/v1.0/users/"+id, map[string]any{"jobTitle": "New title"})
	read := func() any {
		o, _ := want(t, s, 200, op, "GET", "/v1.0/users/"+id+"?$select=jobTitle", nil)
		return o["jobTitle"]
	}
	if read() == "New title" || read() != "New title" {
		t.Error("the first read is not stale, or the second still is")
	}
}

func TestHeldAnswerIsLetGoWhenFaultsAreCleared(t *testing.T) {
	s := start(t, Options{})
	tok := token(t, s, s.creds.Reader)
	if err := s.Fail(Fault{Path: "/users", Action: Delay, Delay: "1h"}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { want(t, s, 200, tok, "GET", "/v1.0/users", nil) })
	for s.faults.all()[0].Struck == 0 { // until the request is held
		time.Sleep(time.Millisecond)
	}
	s.faults.clear()
	wg.Wait()
}

func TestThrottlingByDomain(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var l limits
	ca := func(at time.Duration, app string) string {
		ref := l.over("/identity/conditionalAccess/policies", app, begin.Add(at))
		if ref == nil {
			return "ok"
		}
		return ref.RetryAfter
	}
	if ca(0, "a") != "ok" || ca(900*time.Millisecond, "b") != "" || ca(time.Second, "b") != "ok" {
		t.Error("Conditional Access is not one request per second for all applications, refused without Retry-After")
	}
	reports := func(at time.Duration, app string) string {
		ref := l.over("/auditLogs/signIns", app, begin.Add(at))
		if ref == nil {
			return "ok"
		}
		return ref.RetryAfter
	}
	for range 5 {
		if reports(0, "a") != "ok" {
			t.Error("a report within the limit is refused")
		}
	}
	if got := reports(2*time.Second, "a"); got != "9" {
		t.Errorf("the sixth report is told to wait %q seconds, want 9", got)
	}
	if reports(2*time.Second, "b") != "ok" || reports(10*time.Second, "a") != "ok" {
		t.Error("reports are not counted per application over ten seconds")
	}
	for range 1000 {
		if l.over("/users", "a", begin) != nil {
			t.Fatal("the generous bucket is mean")
		}
	}
}

func TestThrottlingIsTheWorldsSwitch(t *testing.T) {
	s := start(t, Options{})
	tok := token(t, s, s.creds.Reader)
	_ = s.State().Update(func(tx *state.Tx) error { tx.World().Throttle = true; return nil })
	refused := 0
	for range 4 {
		res, _, err := ask(t, s, tok, "GET", "/v1.0/identity/conditionalAccess/policies", nil)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode == 429 {
			refused++
			if res.Header.Get("Retry-After") != "" {
				t.Error("a refusal of Conditional Access tells when to retry")
			}
		}
	}
	if refused == 0 {
		t.Error("four requests at once were all answered")
	}
}

func TestRecorderSeesEveryExchange(t *testing.T) {
	var seen []Exchange
	s := start(t, Options{Record: func(x Exchange) { seen = append(seen, x) }})
	tok := token(t, s, s.creds.Reader)
	want(t, s, 200, tok, "GET", "/v1.0/users?$top=1", nil)
	if err := s.Fail(Fault{Method: "POST", Action: DropAfter}); err != nil {
		t.Fatal(err)
	}
	_, _, _ = ask(t, s, tok, "POST", "/v1.0/groups", map[string]any{"displayName": "x"})
	if len(seen) != 3 || !strings.HasSuffix(seen[1].URL, "/v1.0/users?$top=1") || seen[1].Status != 200 || len(seen[1].Body) == 0 {
		t.Fatalf("seen %d exchanges", len(seen))
	}
	if seen[2].Fault != DropAfter || seen[2].Status != 0 || seen[2].Body != nil || !bytes.Contains(seen[2].RequestBody, []byte(`"x"`)) {
		t.Errorf("the dropped one: %+v", seen[2])
	}
}

func TestTenantThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.json")
	for _, text := range []string{"{", "{}", `{"tenantId":"x"}`} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Options{Tenant: file}); err == nil {
			t.Errorf("%s became a tenant", text)
		}
	}
	if _, err := New(Options{Tenant: "nirvana"}); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("an unknown name: %v", err)
	}
	if _, err := New(Options{Tenant: "./missing.json"}); err == nil {
		t.Error("a missing file became a tenant")
	}
}

func TestTenantIsWrittenAndReadBackWhole(t *testing.T) {
	s := start(t, Options{Tenant: "healthy"})
	data, err := json.Marshal(s.State().Document())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "t.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	again := start(t, Options{Tenant: file})
	want(t, again, 200, token(t, again, again.creds.Reader), "GET", "/v1.0/users", nil)
	if again.creds.DeviceUser.ID != s.creds.DeviceUser.ID || again.creds.Reader.ClientID != s.creds.Reader.ClientID {
		t.Error("the second start did not take up the first one's user and applications")
	}
}
