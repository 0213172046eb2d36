package simtenant

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"

	"breakglass/internal/simtenant/graph"
	"breakglass/internal/simtenant/state"
)

// Exchange is one request and its answer, as they went over the wire.
type Exchange struct {
	// Method and URL of the request; URL with scheme and host.
	Method, URL string
	// RequestHeader and RequestBody as they came.
	RequestHeader http.Header
	RequestBody   []byte
	// Status, Header and Body of the answer; Status 0 when a fault kept it back.
	Status int
	Header http.Header
	Body   []byte
	// Fault is the action of the fault that struck, empty for none.
	Fault string
}

type service int

const (
	serviceLogin service = iota
	serviceGraph
	serviceARM
)

// cloudHosts are the cloud's own names and the service behind each.
var cloudHosts = map[string]service{
	"login.microsoftonline.com": serviceLogin, "login.windows.net": serviceLogin, "login.microsoft.com": serviceLogin, "sts.windows.net": serviceLogin,
	"login.microsoftonline.us": serviceLogin, "login.chinacloudapi.cn": serviceLogin, "login.partner.microsoftonline.cn": serviceLogin,
	"graph.microsoft.com": serviceGraph, "graph.microsoft.us": serviceGraph, "dod-graph.microsoft.us": serviceGraph, "microsoftgraph.chinacloudapi.cn": serviceGraph,
	"management.azure.com": serviceARM, "management.usgovcloudapi.net": serviceARM, "management.chinacloudapi.cn": serviceARM,
	"api.loganalytics.io": serviceARM, "api.loganalytics.us": serviceARM, "api.loganalytics.azure.cn": serviceARM,
}

// serviceOf says who answers: by host name under the cloud's own names, else by path.
func serviceOf(r *http.Request) service {
	if p := strings.ToLower(r.URL.Path); strings.HasPrefix(p, "/metadata/") || p == "/oidc/userinfo" {
		return serviceLogin // the cloud's metadata, managed identity and who signed in, whatever the host
	}
	host, _, _ := strings.Cut(strings.ToLower(r.Host), ":")
	if s, ok := cloudHosts[host]; ok {
		return s
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(r.URL.Path), "/"), "/")
	switch first {
	case "v1.0", "beta":
		return serviceGraph
	case "subscriptions", "tenants", "providers", "resources", "v1":
		return serviceARM
	}
	return serviceLogin
}

const maxRequest = 8 << 20

// ServeHTTP answers one request, faults and all. Answers are made whole before the first
// byte is sent, so that a fault can keep them back or cut them in the middle.
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		return // the client went away
	}
	if len(body) > maxRequest {
		http.Error(w, "The request body is too large.", http.StatusRequestEntityTooLarge)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		t.control(w, r)
		return
	}
	t.events.count(r)
	f := t.faults.strike(r, false)
	answer := newBuffer()
	t.commonHeaders(answer, r)
	t.answer(answer, r, f)
	t.record(r, body, answer, f)
	t.send(w, r, answer, f)
}

// answer lets the fault or the service speak.
func (t *Tenant) answer(w *buffer, r *http.Request, f *Fault) {
	if f != nil && f.before(w, r, t.state.Clock.Now()) {
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), faultKey{}, f))
	switch serviceOf(r) {
	case serviceGraph:
		t.graphFor(r, f).ServeHTTP(w, r)
	case serviceARM:
		t.arm.ServeHTTP(w, r)
	default:
		t.login.ServeHTTP(w, r)
	}
}

// graphFor is Graph, or under a stale-read fault Graph as it was when the fault was set.
func (t *Tenant) graphFor(r *http.Request, f *Fault) *graph.API {
	if f == nil || f.stale == nil || r.Method != http.MethodGet {
		return t.graph
	}
	return &graph.API{State: f.stale, Logs: t.logs, BaseURL: t.graph.BaseURL, Verify: t.graph.Verify, Gate: t.graph.Gate}
}

// commonHeaders are on every answer: the request's ids, and the simulated date.
func (t *Tenant) commonHeaders(w http.ResponseWriter, r *http.Request) {
	id := state.NewID()
	h := w.Header()
	h.Set("request-id", id)
	h.Set("client-request-id", id)
	if c := r.Header.Get("client-request-id"); c != "" {
		h.Set("client-request-id", c)
	}
	h.Set("Date", t.state.Clock.Now().Format(http.TimeFormat))
	if serviceOf(r) == serviceGraph {
		h.Set("x-ms-ags-diagnostic", `{"ServerInfo":{"DataCenter":"Simulated","Slice":"E","Ring":"0","ScaleUnit":"000","RoleInstance":"SIM"}}`)
		h.Set("Cache-Control", "no-cache")
	}
}

// send writes the answer as far as the fault lets it through.
func (t *Tenant) send(w http.ResponseWriter, r *http.Request, a *buffer, f *Fault) {
	action := ""
	if f != nil {
		action = f.Action
	}
	if action == DropBefore || action == DropAfter {
		panic(http.ErrAbortHandler) // net/http's own way to cut a connection
	}
	for k, v := range a.header {
		w.Header()[k] = v
	}
	body := a.body.Bytes()
	if r.Method == http.MethodHead {
		body = nil
	}
	if action == CutBody {
		w.WriteHeader(a.code())
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(a.code())
	_, _ = w.Write(body) // the client went away: nobody is left to tell
}

func (t *Tenant) record(r *http.Request, body []byte, a *buffer, f *Fault) {
	if t.opts.Record == nil {
		return
	}
	x := Exchange{
		Method: r.Method, URL: "https://" + r.Host + r.URL.RequestURI(), RequestHeader: r.Header.Clone(), RequestBody: body,
		Status: a.code(), Header: a.header.Clone(), Body: a.body.Bytes(),
	}
	if f != nil {
		x.Fault = f.Action
		if f.Action == DropBefore || f.Action == DropAfter {
			x.Status, x.Header, x.Body = 0, nil, nil
		}
	}
	t.events.record(func() { t.opts.Record(x) })
}

// buffer is an answer that has not been sent.
type buffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newBuffer() *buffer { return &buffer{header: http.Header{}} }

func (b *buffer) Header() http.Header { return b.header }

func (b *buffer) WriteHeader(status int) {
	if b.status == 0 {
		b.status = status
	}
}

func (b *buffer) Write(p []byte) (int, error) {
	b.WriteHeader(http.StatusOK)
	return b.body.Write(p)
}

func (b *buffer) code() int {
	if b.status == 0 {
		return http.StatusOK
	}
	return b.status
}
