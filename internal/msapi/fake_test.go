package msapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

const (
	ourTenant   = "11111111-1111-4111-8111-111111111111"
	otherTenant = "22222222-2222-4222-8222-222222222222"
)

// noon is when these stories play.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// A peer is a small Graph for one story: handlers by "METHOD /path", below a base URL with a
// path, so that a request built from the host alone would miss it.
type peer struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	handlers map[string]http.HandlerFunc
	seen     []string // "METHOD /path?query" as they came
	bodies   []string
	headers  []http.Header
	date     time.Time
}

const basePath = "/some/place"

func newPeer(t *testing.T) *peer {
	t.Helper()
	p := &peer{t: t, handlers: map[string]http.HandlerFunc{}, date: noon}
	p.Server = httptest.NewTLSServer(p)
	p.Config.ErrorLog = nil
	t.Cleanup(p.Close)
	p.on("GET /v1.0/organization", reply(200, `{"value":[{"id":"`+ourTenant+`","displayName":"Contoso"}]}`))
	return p
}

func (p *peer) on(what string, h http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handlers[what] = h
}

// after answers with each handler in turn, the last one for ever.
func after(hs ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		h := hs[min(n, len(hs)-1)]
		n++
		mu.Unlock()
		h(w, r)
	}
}

func reply(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("request-id", "service-request-id")
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func graphError(status int, code, message string, headers ...string) http.HandlerFunc {
	body, _ := json.Marshal(map[string]any{"error": map[string]string{"code": code, "message": message}})
	return reply(status, string(body), headers...)
}

// cut breaks the connection, after what was written with a length that promises more.
func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "500")
	_, _ = io.WriteString(w, `{"value":[`)
	panic(http.ErrAbortHandler)
}

// gone breaks the connection before any answer.
func gone(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	path := strings.TrimPrefix(r.URL.Path, basePath)
	p.mu.Lock()
	what := r.Method + " " + path
	if r.URL.RawQuery != "" {
		p.seen = append(p.seen, what+"?"+r.URL.RawQuery)
	} else {
		p.seen = append(p.seen, what)
	}
	p.bodies = append(p.bodies, string(body))
	p.headers = append(p.headers, r.Header.Clone())
	h := p.handlers[what]
	date := p.date
	p.mu.Unlock()
	w.Header().Set("Date", date.Format(http.TimeFormat))
	if h == nil {
		graphError(404, "Request_ResourceNotFound", "Resource '"+path+"' does not exist.")(w, r)
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	h(w, r)
}

// times counts how often a request came.
func (p *peer) times(what string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, s := range p.seen {
		bare, _, _ := strings.Cut(s, "?")
		if bare == what {
			n++
		}
	}
	return n
}

func (p *peer) url(path string) string { return p.URL + basePath + path }

// tokens hands out tokens that name a tenant and some grants, and remembers what was asked.
type tokens struct {
	mu     sync.Mutex
	tenant string
	claims map[string]any
	asked  []policy.TokenRequestOptions
	err    error
}

func (k *tokens) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked = append(k.asked, o)
	if k.err != nil {
		return azcore.AccessToken{}, k.err
	}
	c := map[string]any{"tid": k.tenant, "oid": "reader", "appid": "app", "idtyp": "app", "n": len(k.asked)}
	for name, v := range k.claims {
		c[name] = v
	}
	return azcore.AccessToken{Token: jwtOf(c), ExpiresOn: noon.Add(time.Hour)}, nil
}

func jwtOf(claims map[string]any) string {
	body, _ := json.Marshal(claims)
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"RS256"}`)) + "." + enc(body) + "." + enc([]byte("signature-of-a-token"))
}

// rig is a client of a peer with everything at hand that a story looks at.
type rig struct {
	*peer
	client *Client
	tokens *tokens

	mu       sync.Mutex
	waits    []time.Duration
	progress []Progress
}

func newRig(t *testing.T, change ...func(*Options)) *rig {
	t.Helper()
	r := &rig{peer: newPeer(t), tokens: &tokens{tenant: ourTenant}}
	opts := Options{
		Endpoints:  Endpoints{Name: "test", Login: r.URL, Graph: r.url(""), ARM: r.url("/arm")},
		TenantID:   ourTenant,
		Credential: r.tokens,
		Transport:  r.Client().Transport,
		Now:        func() time.Time { return noon },
		Wait: func(ctx context.Context, d time.Duration) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			if d > 0 {
				r.waits = append(r.waits, d)
			}
			return ctx.Err()
		},
		Progress: func(p Progress) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.progress = append(r.progress, p)
		},
	}
	for _, c := range change {
		c(&opts)
	}
	c, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	r.client = c
	return r
}

func (r *rig) send(t *testing.T, method, path string, body string) (Response, error) {
	t.Helper()
	var b []byte
	if body != "" {
		b = []byte(body)
	}
	return r.client.Send(t.Context(), method, "v1.0", path, b)
}

// said is all progress text in one string.
func (r *rig) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprint(r.progress)
}

func wantKind(t *testing.T, err error, kind Kind) *Error {
	t.Helper()
	e, ok := err.(*Error)
	if !ok {
		t.Fatalf("error is %T (%v), want *Error", err, err)
	}
	if e.Kind != kind {
		t.Fatalf("kind is %q, want %q (%v)", e.Kind, kind, e)
	}
	return e
}
