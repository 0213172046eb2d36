package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"breakglass/internal/config"
	"breakglass/internal/entra"
	"breakglass/internal/lockout"
	"breakglass/internal/msapi"
	"breakglass/internal/posture"
	"breakglass/internal/simtenant"
	"breakglass/internal/simtenant/state"
)

// Invariant I9 where it is met in life, on the wire: whatever is missing from what a tenant
// answers (a permission, a licence, an endpoint, a page, a policy, a single property), no
// verdict of the same tenant turns into a pass.
//
// A tape holds every answer of one whole reading. Readings from it differ from that one only
// in what a test takes away, and cost milliseconds.

// tapeTenants are the tenants that something is taken from.
var tapeTenants = []string{"broken-lockout", "broken-dead", "healthy"}

// some are n of all, other ones at each run; with BREAKGLASS_FULL=1, all of them.
func some[T any](all []T, n int) []T {
	if os.Getenv("BREAKGLASS_FULL") == "1" || len(all) <= n {
		return all
	}
	all = slices.Clone(all)
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:n]
}

type answer struct {
	status int
	header http.Header
	body   []byte
	// broken is an error after the body, or, with status 0, instead of an answer.
	broken error
}

// A tape answers requests as a tenant once answered them, but for one change.
type tape struct {
	*stage
	want  *config.Desired
	now   time.Time
	token string

	mu      sync.Mutex
	answers map[string]answer // guarded by mu
	// change is the one thing that is different in the reading under way.
	change func(key string, a answer) answer
}

// record takes one whole reading of a tenant on tape.
func record(t *testing.T, name string) *tape {
	t.Helper()
	p := &tape{stage: newStage(t, name, nil), answers: map[string]answer{}}
	p.now = p.State().Clock.Now()
	p.want = desiredFor(p.Tenant)
	p.want.ExclusionGroup, p.want.RestrictedUnit = nil, nil
	p.token = p.signIn()
	if s := p.read(t, nil); s == nil || len(s.Users) == 0 || len(s.Policies) == 0 {
		t.Fatal("the whole reading holds nothing")
	}
	return p
}

// signIn is a token for the reader application.
func (p *tape) signIn() string {
	app := p.Credentials().Reader
	res, err := p.Client().PostForm(p.URL()+"/"+p.Credentials().TenantID+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {app.ClientID}, "client_secret": {app.ClientSecret}, "scope": {p.URL() + "/.default"},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	var v struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil || v.Token == "" {
		p.t.Fatalf("sign in as the reader: %v", err)
	}
	return v.Token
}

// GetToken makes the tape a credential.
func (p *tape) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: p.token, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// read takes a reading with one change; nil when there is none at all.
func (p *tape) read(t *testing.T, change func(key string, a answer) answer) *entra.Snapshot {
	t.Helper()
	p.change = change
	return p.readThrough(t, p)
}

func (p *tape) readThrough(t *testing.T, rt http.RoundTripper) *entra.Snapshot {
	t.Helper()
	endpoints, err := msapi.LoadEndpoints(p.path("endpoints.json"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := msapi.New(msapi.Options{
		Endpoints: endpoints, TenantID: p.Credentials().TenantID, Credential: p, Transport: rt,
		Now:  func() time.Time { return p.now },
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Read(t.Context(), readOptions(p.want))
	if err != nil {
		return nil
	}
	return s
}

// RoundTrip plays the tape; what is not on it the tenant itself answers.
func (p *tape) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil {
		sent, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	key := r.Method + " " + r.URL.RequestURI() + " " + string(sent)
	p.mu.Lock()
	defer p.mu.Unlock()
	a, ok := p.answers[key]
	if !ok {
		var err error
		if a, err = p.ask(r, sent); err != nil {
			return nil, err
		}
		if p.change == nil {
			p.answers[key] = a
		}
	}
	if p.change != nil {
		a = p.change(key, a)
	}
	if a.status == 0 {
		return nil, a.broken
	}
	return &http.Response{
		StatusCode: a.status, Header: a.header.Clone(), Request: r, ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(io.MultiReader(bytes.NewReader(a.body), failing{a.broken})),
	}, nil
}

func (p *tape) ask(r *http.Request, sent []byte) (answer, error) {
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(sent))
	res, err := p.Client().Transport.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{status: res.StatusCode, header: res.Header, body: body}, err
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// keys are what was asked, in a fixed order.
func (p *tape) keys() []string { return slices.Sorted(maps.Keys(p.answers)) }

// instead changes the answer to one request.
func instead(key string, with func(a answer) answer) func(string, answer) answer {
	return func(k string, a answer) answer {
		if k == key {
			return with(a)
		}
		return a
	}
}

// verdicts are everything that judgement says of a reading, by name. Seals are taken as
// given, or nothing could ever be a yes.
func (p *tape) verdicts(s *entra.Snapshot) map[string]string {
	out := map[string]string{}
	seal := posture.Seal{Generation: 1, SealedAt: p.now.AddDate(0, 0, -9), TriedAt: p.now.AddDate(0, 0, -9)}
	seals := posture.Seals{}
	var names []string
	for _, acc := range p.want.Accounts {
		seals[acc.ID] = seal
		names = append(names, acc.KnownAs(s))
		a := lockout.Analyze(s, acc.KnownAs(s))
		out["lockout of "+acc.ID], out["exclusion of "+acc.ID] = string(a.Verdict), a.Excluded.String()
	}
	findings := posture.Run(posture.Input{Desired: p.want, Snapshot: s, Now: p.now, Seals: seals})
	for _, f := range findings {
		out[f.Check+" "+f.Account] = string(f.Verdict)
	}
	out["ready"] = string(posture.Ready(findings).Ready)
	for _, c := range lockout.Scenarios(s, names, nil).Cells {
		for i, name := range names { // by the account's place: its id may be what is missing
			if c.AccountID == name {
				out[fmt.Sprintf("%s of %s", c.Scenario, p.want.Accounts[i].ID)] = string(c.Verdict)
			}
		}
	}
	return out
}

// looksBetter reports every verdict that turned into a pass.
func looksBetter(t *testing.T, what string, before, after map[string]string) {
	t.Helper()
	passes := []string{string(posture.Pass), string(posture.Yes), string(lockout.Survives), lockout.True.String()}
	for name, was := range before {
		is := after[name]
		if slices.Contains(passes, is) && !slices.Contains(passes, was) && was != string(posture.NotApplicable) {
			t.Errorf("without %s: %s turned from %q into %q", what, name, was, is)
		}
	}
}

// without compares the reading with one change to the whole one.
func (p *tape) without(t *testing.T, what string, before map[string]string, change func(string, answer) answer) {
	t.Helper()
	if s := p.read(t, change); s != nil {
		looksBetter(t, what, before, p.verdicts(s))
	}
}

func eachTape(t *testing.T, do func(t *testing.T, p *tape, before map[string]string)) {
	for _, name := range tapeTenants {
		t.Run(name, func(t *testing.T) {
			p := record(t, name)
			before := p.verdicts(p.read(t, nil))
			if again := p.verdicts(p.read(t, nil)); !maps.Equal(before, again) {
				t.Fatal("the tape does not say the same thing twice")
			}
			do(t, p, before)
		})
	}
}

// graphError is a refusal in Graph's own form.
func graphError(status int, code string) answer {
	return answer{
		status: status, header: http.Header{"Content-Type": {"application/json"}},
		body: fmt.Appendf(nil, `{"error":{"code":%q,"message":"Insufficient privileges to complete the operation.","innerError":{}}}`, code),
	}
}

// failures are the ways in which an endpoint fails.
var failures = map[string]func(a answer) answer{
	"403":                 func(answer) answer { return graphError(403, "Authorization_RequestDenied") },
	"404":                 func(answer) answer { return graphError(404, "Request_ResourceNotFound") },
	"429":                 func(answer) answer { return graphError(429, "TooManyRequests") },
	"500":                 func(answer) answer { return graphError(500, "InternalServerError") },
	"an empty object":     func(a answer) answer { a.body = []byte(`{}`); return a },
	"no answer":           func(answer) answer { return answer{broken: errors.New("connection refused")} },
	"half an answer":      func(a answer) answer { a.body, a.broken = a.body[:len(a.body)/2], io.ErrUnexpectedEOF; return a },
	"half, without error": func(a answer) answer { a.body = a.body[:len(a.body)/2]; return a },
	"a page of HTML": func(answer) answer {
		return answer{status: 200, header: http.Header{"Content-Type": {"text/html"}}, body: []byte("<!DOCTYPE html><p>Sign in to the network</p>")}
	},
}

func TestAnEndpointThatFailsNeverLooksBetter(t *testing.T) {
	eachTape(t, func(t *testing.T, p *tape, before map[string]string) {
		for _, key := range some(p.keys(), 12) {
			for _, name := range some(slices.Sorted(maps.Keys(failures)), 1) {
				if name == "404" && strings.Contains(key, "/riskyUsers/") {
					continue // Graph's own way to say that there is no risk
				}
				p.without(t, name+" for "+key, before, instead(key, failures[name]))
			}
			for i := range parts(p.answers[key].body) {
				for _, status := range some([]int{403, 404, 429, 500}, 1) {
					p.without(t, fmt.Sprintf("part %d (%d) of %s", i, status, key), before, instead(key, func(a answer) answer {
						list := parts(a.body)
						list[i]["status"], list[i]["body"] = status, json.RawMessage(graphError(status, "x").body)
						a.body, _ = json.Marshal(map[string]any{"responses": list})
						return a
					}))
				}
			}
		}
	})
}

// parts are the answers inside a batch's.
func parts(body []byte) []map[string]any {
	var v struct {
		Responses []map[string]any `json:"responses"`
	}
	_ = json.Unmarshal(body, &v)
	return v.Responses
}

func TestAPropertyThatIsMissingNeverLooksBetter(t *testing.T) {
	eachTape(t, func(t *testing.T, p *tape, before map[string]string) {
		type place struct {
			key  string
			path []any
		}
		var all []place
		for _, key := range p.keys() {
			for _, path := range properties(decoded(p.answers[key].body), nil) {
				all = append(all, place{key, path})
			}
		}
		taken := some(all, 80)
		for _, at := range taken {
			p.without(t, fmt.Sprintf("%v of %s", at.path, at.key), before, instead(at.key, func(a answer) answer {
				tree := decoded(a.body)
				remove(tree, at.path)
				a.body, _ = json.Marshal(tree)
				return a
			}))
		}
		t.Logf("%d of %d properties in %d answers taken away", len(taken), len(all), len(p.answers))
	})
}

func decoded(body []byte) any {
	var v any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	_ = dec.Decode(&v)
	return v
}

// properties are the paths of all members of all objects. A next link is none of them: a
// collection that ends early without a sign cannot be told from one that is shorter.
func properties(node any, at []any) [][]any {
	var out [][]any
	switch v := node.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if name == "@odata.nextLink" {
				continue
			}
			path := append(slices.Clone(at), name)
			out = append(append(out, path), properties(v[name], path)...)
		}
	case []any:
		for i, x := range v {
			out = append(out, properties(x, append(slices.Clone(at), i))...)
		}
	}
	return out
}

func remove(node any, path []any) {
	for i, step := range path {
		switch v := node.(type) {
		case map[string]any:
			name := step.(string)
			if i == len(path)-1 {
				delete(v, name)
				return
			}
			node = v[name]
		case []any:
			node = v[step.(int)]
		}
	}
}

// One policy is in one version's answer only, as when Graph shows a policy in beta alone.
func TestAPolicyHiddenFromOneVersionNeverLooksBetter(t *testing.T) {
	eachTape(t, func(t *testing.T, p *tape, before map[string]string) {
		hidden := 0
		for _, key := range p.keys() {
			tree, _ := decoded(p.answers[key].body).(map[string]any)
			list, _ := tree["value"].([]any)
			if !strings.Contains(key, "/conditionalAccess/policies") {
				continue
			}
			for i := range list {
				hidden++
				p.without(t, fmt.Sprintf("policy %d in %s", i, key), before, instead(key, func(a answer) answer {
					tree["value"] = slices.Delete(slices.Clone(list), i, i+1)
					a.body, _ = json.Marshal(tree)
					return a
				}))
			}
		}
		if hidden < 10 {
			t.Errorf("only %d policies were hidden", hidden)
		}
	})
}

// Collections come in pages of three, and one page after the other cannot be had.
func TestAPageThatIsMissingNeverLooksBetter(t *testing.T) {
	eachTape(t, func(t *testing.T, p *tape, before map[string]string) {
		book := &pages{p: p, rest: map[string][]any{}}
		if got := p.verdicts(p.readThrough(t, book)); !maps.Equal(before, got) {
			t.Fatal("in pages of three the same reading is judged otherwise")
		}
		links := slices.Sorted(maps.Keys(book.rest))
		if len(links) < 10 {
			t.Errorf("only %d pages", len(links))
		}
		for _, link := range some(links, 10) {
			for _, name := range some([]string{"403", "404", "429", "500", "an empty object", "half an answer"}, 1) {
				book.missing, book.how = link, failures[name]
				if s := p.readThrough(t, book); s != nil {
					looksBetter(t, name+" for the page "+link, before, p.verdicts(s))
				}
			}
		}
	})
}

// pages plays a tape in pages of three objects.
type pages struct {
	p       *tape
	mu      sync.Mutex
	rest    map[string][]any // what comes behind a link; guarded by mu
	missing string
	how     func(answer) answer
}

const pageSize = 3

func (b *pages) RoundTrip(r *http.Request) (*http.Response, error) {
	link := r.Method + " " + r.URL.RequestURI()
	b.mu.Lock()
	rest, behind := b.rest[link]
	b.mu.Unlock()
	if behind {
		return b.answer(r, link, map[string]any{"value": rest})
	}
	res, err := b.p.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, _ := io.ReadAll(res.Body)
	tree, _ := decoded(body).(map[string]any)
	if list, ok := tree["value"].([]any); ok && res.StatusCode == http.StatusOK && len(list) > pageSize {
		return b.answer(r, link, tree)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// answer gives the first page of a collection and remembers the others.
func (b *pages) answer(r *http.Request, link string, tree map[string]any) (*http.Response, error) {
	list := tree["value"].([]any)
	if len(list) > pageSize {
		sep := "?"
		if strings.Contains(r.URL.RequestURI(), "?") {
			sep = "&"
		}
		next := r.URL.RequestURI() + sep + "$skiptoken=x"
		b.mu.Lock()
		b.rest["GET "+next] = list[pageSize:]
		b.mu.Unlock()
		tree["value"], tree["@odata.nextLink"] = list[:pageSize], b.p.URL()+next
	}
	body, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	a := answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, body: body}
	if link == b.missing {
		a = b.how(a)
	}
	return &http.Response{
		StatusCode: a.status, Header: a.header, Request: r, ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(io.MultiReader(bytes.NewReader(a.body), failing{a.broken})),
	}, nil
}

// Each permission of the watch identity is taken away in the tenant itself.
func TestAPermissionThatIsMissingNeverLooksBetter(t *testing.T) {
	eachTape(t, func(t *testing.T, p *tape, before map[string]string) {
		live := p.Client().Transport
		for _, permission := range append(msapi.WatchPermissions(), msapi.Permission{Name: "Policy.Read.ConditionalAccess"}) {
			if err := p.Fail(simtenant.Fault{Action: simtenant.PermissionMissing, Permission: permission.Name, Times: -1}); err != nil {
				t.Fatal(err)
			}
			if s := p.readThrough(t, live); s != nil {
				looksBetter(t, "the permission "+permission.Name, before, p.verdicts(s))
				for part, r := range s.Readings { // Directory.Read.All covers some: not every absence is felt
					if r.Unread == entra.UnreadPermission && r.Needs != "permission "+permission.Name {
						t.Errorf("without %s the part %s says that it needs %q", permission.Name, part, r.Needs)
					}
				}
			}
			if err := mend(p.Tenant); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// The tenant's licence ends: P2 lapses to P1, and that to the Free licence. Policies and
// assignments outlive it; only the answers about them are refused.
func TestALicenceThatEndsNeverLooksBetter(t *testing.T) {
	eachTape(t, func(t *testing.T, p *tape, before map[string]string) {
		for _, plan := range []string{"AAD_PREMIUM_P2", "AAD_PREMIUM"} {
			p.lapse(plan)
			s := p.readThrough(t, p.Client().Transport)
			if s == nil {
				t.Fatalf("without %s nothing can be read", plan)
			}
			looksBetter(t, "the plan "+plan, before, p.verdicts(s))
			if !slices.ContainsFunc(slices.Collect(maps.Values(s.Readings)), func(r entra.Reading) bool { return r.Unread == entra.UnreadLicence }) {
				t.Errorf("without %s everything is read as before", plan)
			}
		}
	})
}

// lapse moves a service plan into a product of its own whose subscription is over.
func (p *tape) lapse(plan string) {
	_ = p.State().Update(func(tx *state.Tx) error { // cannot fail
		for _, sku := range tx.List("subscribedSkus") {
			plans, _ := sku["servicePlans"].([]any)
			over := slices.DeleteFunc(slices.Clone(plans), func(x any) bool { return !names(x, plan) })
			if len(over) == 0 || sku["capabilityStatus"] != "Enabled" {
				continue
			}
			sku["servicePlans"] = slices.DeleteFunc(slices.Clone(plans), func(x any) bool { return names(x, plan) })
			tx.Put("subscribedSkus", sku)
			lapsed := maps.Clone(sku)
			lapsed["id"], lapsed["servicePlans"], lapsed["capabilityStatus"] = sku.String("id")+plan, over, "LockedOut"
			tx.Put("subscribedSkus", lapsed)
		}
		return nil
	})
}

func names(servicePlan any, plan string) bool {
	text, _ := json.Marshal(servicePlan)
	return strings.Contains(string(text), `"`+plan+`"`)
}
