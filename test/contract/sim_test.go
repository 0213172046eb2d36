package contract

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"breakglass/internal/simtenant"
	"breakglass/internal/simtenant/graph"
	"breakglass/internal/simtenant/state"
)

// walk is one simulated tenant with everything it said so far held against the contracts.
type walk struct {
	t        *testing.T
	tenant   *simtenant.Tenant
	client   *http.Client
	base     string
	free     bool   // the tenant has no licence
	signs    bool   // its device user signs in with password and telephone
	thorough bool   // every query option is tried on everything
	other    string // a user who is not the device user
	creds    struct {
		TenantID string    `json:"tenantId"`
		Reader   simClient `json:"reader"`
		Operator simClient `json:"operator"`
		Device   simPerson `json:"deviceUser"`
	}
	tokens map[string]string
	ids    map[string][]string // keys met, by collection

	mu   sync.Mutex
	seen []Exchange // guarded by mu
}

type simClient struct {
	ID     string `json:"clientId"`
	Secret string `json:"clientSecret"`
	SP     string `json:"servicePrincipalId"`
}

type simPerson struct {
	ID       string `json:"id"`
	UPN      string `json:"userPrincipalName"`
	Password string `json:"password"`
}

// startWalk starts a named tenant whose every exchange is checked.
func startWalk(t *testing.T, c *Contracts, name string) *walk {
	t.Helper()
	w := &walk{t: t, tokens: map[string]string{}, ids: map[string][]string{}, free: name == "broken-free", signs: name == "empty", thorough: name == "empty" || name == "healthy"}
	check := SimRecorder(t, c)
	var err error
	w.tenant, err = simtenant.New(simtenant.Options{Tenant: name, Record: func(x simtenant.Exchange) {
		check(x)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.seen = append(w.seen, FromSim(x))
	}})
	if err != nil {
		t.Fatalf("make the tenant %s: %v", name, err)
	}
	if err := w.tenant.Start(""); err != nil {
		t.Fatalf("start the tenant %s: %v", name, err)
	}
	t.Cleanup(func() { _ = w.tenant.Close() })
	w.client, w.base = w.tenant.Client(), w.tenant.URL()
	dir := t.TempDir()
	if err := w.tenant.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "credentials.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &w.creds); err != nil {
		t.Fatal(err)
	}
	if err := w.tenant.State().Update(w.prepare); err != nil {
		t.Fatal(err)
	}
	if w.signs { // first, for what is seeded changes how one signs in
		w.token(person)
		w.token(personARM)
		_ = w.tenant.State().Update(func(tx *state.Tx) error { w.seed(tx); return nil })
	}
	return w
}

// prepare makes the tenant walkable: a walk reads what it has just written, asks faster
// than Graph allows, holds a code for the second factor, and permissions beyond the
// operator's for the few operations that name others.
func (w *walk) prepare(tx *state.Tx) error {
	tx.World().ReplicationDelay, tx.World().Throttle = 0, false
	for _, m := range tx.List("authenticationMethods") {
		if m.String("_user") == w.creds.Device.ID {
			m["_code"] = telephoneCode
			tx.Put("authenticationMethods", m)
		}
	}
	extra := []string{
		"UserAuthMethod-Passkey.Read.All", "UserAuthMethod-Passkey.ReadWrite", "Policy.Read.PermissionGrant", "RoleManagement.Read.All",
		"Group.Read.All", "Directory.ReadWrite.All", "Domain.ReadWrite.All", "UserAuthenticationMethod.ReadWrite",
	}
	for _, p := range extra {
		graph.GrantApplication(tx, w.creds.Operator.SP, p)
	}
	for _, g := range tx.List("oauth2PermissionGrants") {
		if g.String("clientId") == w.creds.Operator.SP && g.String("scope") != "user_impersonation" {
			g["scope"] = g.String("scope") + " " + strings.Join(extra, " ")
			tx.Put("oauth2PermissionGrants", g)
		}
	}
	return nil
}

// Who speaks, and for which service.
const (
	reader   = "reader"
	operator = "operator"
	armOps   = "operator at ARM"
)

// token signs in once for each speaker.
func (w *walk) token(who string) string {
	w.t.Helper()
	if w.tokens[who] != "" {
		return w.tokens[who]
	}
	switch who {
	case person:
		w.tokens[who] = w.signInWithDeviceCode(w.base + "/.default")
		return w.tokens[who]
	case personARM:
		w.tokens[who] = w.signInWithDeviceCode(azureScope)
		return w.tokens[who]
	}
	client, scope := w.creds.Operator, w.base+"/.default"
	if who == reader {
		client = w.creds.Reader
	}
	if who == armOps {
		scope = azureScope
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {client.ID}, "client_secret": {client.Secret}, "scope": {scope}}
	res, err := w.client.PostForm(w.base+"/"+w.creds.TenantID+"/oauth2/v2.0/token", form)
	if err != nil {
		w.t.Fatalf("sign in as %s: %v", who, err)
	}
	defer res.Body.Close()
	var out struct {
		Token string `json:"access_token"`
		Error string `json:"error_description"`
	}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || out.Token == "" {
		w.t.Fatalf("sign in as %s: status %d, %s, %v", who, res.StatusCode, out.Error, err)
	}
	w.tokens[who] = out.Token
	return out.Token
}

// answer is what came back.
type answer struct {
	status int
	body   map[string]any
	raw    []byte
}

func (a answer) str(path ...string) string {
	v := any(a.body)
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	s, _ := v.(string)
	return s
}

// list is the value of a collection's answer.
func (a answer) list() []map[string]any {
	values, _ := a.body["value"].([]any)
	var out []map[string]any
	for _, v := range values {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// do sends one request; body is JSON text or empty. HOST in it is the tenant's base URL.
func (w *walk) do(who, call, body string, header ...string) answer {
	w.t.Helper()
	method, path, _ := strings.Cut(call, " ")
	target := path
	if !strings.HasPrefix(path, "http") {
		target = w.base + strings.ReplaceAll(path, " ", "%20")
	}
	req, err := http.NewRequest(method, target, bytes.NewReader([]byte(strings.ReplaceAll(body, "HOST", w.base))))
	if err != nil {
		w.t.Fatalf("%s: %v", call, err)
	}
	req.Header.Set("Authorization", "Bearer "+w.token(who))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := w.client.Do(req)
	if err != nil {
		w.t.Fatalf("%s: %v", call, err)
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode}
	if a.raw, err = io.ReadAll(res.Body); err != nil {
		w.t.Fatalf("%s: %v", call, err)
	}
	_ = json.Unmarshal(a.raw, &a.body) // what is no JSON, the checker has named
	return a
}

// want sends a request that has to end with one of the statuses.
func (w *walk) want(status int, who, call, body string, header ...string) answer {
	w.t.Helper()
	a := w.do(who, call, body, header...)
	if a.status != status {
		w.t.Errorf("%s as %s: status %d, want %d: %.300s", call, who, a.status, status, a.raw)
	}
	return a
}

// succeeded says whether an exchange with this method and path has succeeded, or the
// simulator has said that it does not model it.
func (w *walk) succeeded(method string, path *regexp.Regexp) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.seen, func(e Exchange) bool {
		u, err := url.Parse(e.URL)
		return err == nil && e.Method == method && (e.Status < 300 || e.Status == 501) && path.MatchString(u.Path)
	})
}

// tenantsToWalk are all shipped tenants; the short run walks two.
func tenantsToWalk() []string {
	if testing.Short() {
		return []string{"healthy"}
	}
	return simtenant.Names()
}

// TestTheSimulatorFitsTheContracts walks every shipped tenant: everything it serves is read,
// in v1.0 and beta, and in one of them everything is written that it takes. Each exchange
// is held against Microsoft's descriptions. At the end nothing that is served was left out,
// and no exception was there for nothing.
func TestTheSimulatorFitsTheContracts(t *testing.T) {
	c := fresh(t)
	var walks []*walk
	whole := !testing.Short()
	part := func(name, tenant string, run func(*walk)) {
		ran := false
		t.Run(name, func(t *testing.T) {
			w := startWalk(t, c, tenant)
			walks = append(walks, w)
			run(w)
			ran = true
		})
		whole = whole && ran // -run may have chosen some parts only
	}
	for _, name := range tenantsToWalk() {
		part("reading "+name, name, func(w *walk) {
			w.readAll(c, "v1.0", operator)
			w.readAll(c, "beta", operator)
		})
	}
	part("reading as the watch", "healthy", func(w *walk) { w.readAsWatch(c) })
	part("writing", "empty", (*walk).writeAll)
	part("signing in", "empty", (*walk).signInAll)
	part("oneself", "empty", func(w *walk) { w.readOneself(c) })
	part("Azure as shipped", "healthy", func(w *walk) { w.readAzure(c) })
	part("Azure", "empty", (*walk).armAll)
	if whole {
		t.Run("nothing is left out", func(t *testing.T) { nothingLeftOut(t, walks) })
		t.Run("no exception is left over", func(t *testing.T) {
			for _, x := range c.Unused() {
				t.Errorf("the exception %q (%s) is not needed any more", x.Name, x.Source)
			}
		})
	}
}

// notWalked are operations that no walk can bring to success, with the reason.
var notWalked = map[string]string{
	"GET /directory/deletedItems": "Graph lists the deleted of one type only, and the type stands in the path",
}

func nothingLeftOut(t *testing.T, walks []*walk) {
	for _, op := range (&graph.API{}).Operations() {
		name := op.Method + " " + op.Path
		pattern := regexp.QuoteMeta(readable(op.Path))
		pattern = regexp.MustCompile(`\\\{[^}]*\\\}`).ReplaceAllString(pattern, "[^/]+")
		path := regexp.MustCompile("(?i)^/(v1.0|beta)" + pattern + "$")
		done := slices.ContainsFunc(walks, func(w *walk) bool { return w.succeeded(op.Method, path) })
		reason, excused := notWalked[name]
		switch {
		case !done && !excused:
			t.Errorf("no walk has brought %s to success", name)
		case done && excused:
			t.Errorf("%s is walked after all (%s)", name, reason)
		}
	}
}
