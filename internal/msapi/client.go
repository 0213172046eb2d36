package msapi

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
)

// Options are what a Client is made of. Endpoints, TenantID and one of SignIn and
// Credential are needed; the rest has defaults.
type Options struct {
	// Endpoints are the cloud's hosts: Cloud(name) or LoadEndpoints(file).
	Endpoints Endpoints
	// TenantID is the tenant that is wanted. Nothing is read or written before the token and
	// the organization itself have said that they belong to it.
	TenantID string
	// SignIn says how to get a token; Credential, where set, is used instead.
	SignIn     SignIn
	Credential azcore.TokenCredential
	// Roots are the certificate authorities to trust; nil means the system's.
	Roots *x509.CertPool
	// Transport, where set, sends the requests instead of one made from Roots.
	Transport http.RoundTripper
	// Now is the clock; nil means time.Now. Under a simulated tenant it is the simulated one.
	Now func() time.Time
	// Wait waits for a span of real time; nil means a timer. Tests replace it.
	Wait func(context.Context, time.Duration) error
	// Patience is how long one call (a whole Read counts as one) may wait for throttling and
	// retries together; zero means 5 minutes.
	Patience time.Duration
	// Progress, where set, is told what happens. It may be called from several goroutines.
	Progress func(Progress)
}

// Progress is one thing worth telling people while a call lasts.
type Progress struct {
	// Text is a whole clause: "read policies", "throttled, waiting 8s".
	Text string
	// Warning is true where something needs attention, for example a wrong clock.
	Warning bool
	// Done and Total count the parts of a reading; Total is zero outside of one.
	Done, Total int
}

// defaultPatience bounds the waiting of one call.
const defaultPatience = 5 * time.Minute

// Client talks to one tenant. It may be used by several goroutines.
type Client struct {
	endpoints  Endpoints
	tenantID   string
	http       *http.Client
	login      witness
	graph, arm *service
	patience   time.Duration
	now        func() time.Time
	wait       func(context.Context, time.Duration) error
	progress   func(Progress)

	// mu guards what is learnt on the way.
	mu     sync.Mutex
	caller identity
	proven bool // the tenant is the wanted one
	skew   time.Duration
}

// A service is one API with its base URL, token and limits.
type service struct {
	base     *url.URL
	pipeline runtime.Pipeline
	bearer   *bearer
}

// New makes a client. It sends nothing yet.
func New(opts Options) (*Client, error) {
	if err := opts.Endpoints.check(); err != nil {
		return nil, fmt.Errorf("use the endpoints of %s: %w", opts.Endpoints.Name, err)
	}
	if opts.TenantID == "" {
		return nil, errors.New("make a client: no tenant id")
	}
	c := &Client{
		endpoints: opts.Endpoints, tenantID: opts.TenantID, http: httpClient(opts.Transport, opts.Roots),
		patience: opts.Patience, now: opts.Now, wait: opts.Wait, progress: opts.Progress,
	}
	c.defaults()
	c.login.Client = c.http
	cred := opts.Credential
	if cred == nil {
		s := opts.SignIn
		if s.TenantID == "" {
			s.TenantID = opts.TenantID
		}
		var err error
		if cred, err = s.credential(opts.Endpoints, &c.login); err != nil {
			return nil, err
		}
	}
	c.graph = c.service(opts.Endpoints.Graph, opts.Endpoints.GraphAudience, cred, lanes(opts.Endpoints.limits()))
	c.arm = c.service(opts.Endpoints.ARM, opts.Endpoints.armAudience(), cred, nil)
	return c, nil
}

func (c *Client) defaults() {
	if c.now == nil {
		c.now = time.Now
	}
	if c.wait == nil {
		c.wait = sleep
	}
	if c.patience == 0 {
		c.patience = defaultPatience
	}
	if c.progress == nil {
		c.progress = func(Progress) {}
	}
}

func (c *Client) service(host, audience string, cred azcore.TokenCredential, lanes []*lane) *service {
	base, err := url.Parse(strings.TrimSuffix(host, "/"))
	if err != nil {
		panic("endpoints were checked: " + err.Error())
	}
	b := &bearer{cred: cred, scope: scope(audience, host), now: c.now, lost: c.login.last}
	return &service{base: base, bearer: b, pipeline: c.pipeline(b, lanes)}
}

func (c *Client) tell(p Progress) { c.progress(p) }

// who is what the last token said of its holder.
func (c *Client) who() identity {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.caller
}

// A request is one HTTP request to a service.
type request struct {
	method string
	url    string // absolute
	path   string // without base and version, with its query
	op     string
	body   []byte
	header http.Header
	safe   bool // changes nothing although it is no GET
}

// Response is the answer to a request that was understood and done.
type Response struct {
	Status int
	// Body is the JSON answer; empty where there is none.
	Body []byte
	// RequestID is the service's id of the request, for its support and for evidence.
	RequestID string
	// Date is the service's clock when it answered; zero when it did not say.
	Date time.Time
}

// do sends one request through the pipeline.
func (s *service) do(ctx context.Context, rq request) (Response, error) {
	ctx = context.WithValue(ctx, askedKey{}, asked{op: rq.op, path: rq.path, safe: rq.safe || !writes(rq.method)})
	req, err := runtime.NewRequest(ctx, rq.method, rq.url)
	if err != nil {
		return Response{}, asError(err, rq.op)
	}
	for k, v := range rq.header {
		req.Raw().Header[k] = v
	}
	req.Raw().Header.Set("Accept", "application/json")
	if rq.body != nil {
		if err := req.SetBody(streaming.NopCloser(bytes.NewReader(rq.body)), "application/json"); err != nil {
			return Response{}, asError(err, rq.op)
		}
	}
	res, err := s.pipeline.Do(req)
	if err != nil {
		return Response{}, asError(err, rq.op)
	}
	date, _ := http.ParseTime(res.Header.Get("Date"))
	return Response{Status: res.StatusCode, Body: drain(res), RequestID: res.Header.Get("request-id"), Date: date}, nil
}

// The API versions of Graph.
const (
	v1   = "v1.0"
	beta = "beta"
)

// graphRequest is a request to Graph by version and path (with or without a query).
func (c *Client) graphRequest(method, version, path string, body []byte) (request, error) {
	bare, _, _ := strings.Cut(path, "?")
	op := method + " /" + version + bare
	switch {
	case version != v1 && version != beta:
		return request{}, &Error{Kind: KindRefused, Op: op, Message: "the version must be v1.0 or beta", retryAfter: -1}
	case !strings.HasPrefix(path, "/") || strings.Contains(bare, "://") || strings.Contains(bare, ".."):
		return request{}, &Error{Kind: KindRefused, Op: op, Message: "the path must begin with a slash and stay below its version", retryAfter: -1}
	}
	return request{
		method: method, url: c.graph.base.String() + "/" + version + encodeQuery(path),
		path: path, op: op, body: body, header: http.Header{},
	}, nil
}

// encodeQuery escapes blanks and quotes in a query that was written for people to read.
func encodeQuery(path string) string {
	bare, query, ok := strings.Cut(path, "?")
	if !ok {
		return bare
	}
	return bare + "?" + strings.NewReplacer(" ", "%20", `"`, "%22", "#", "%23").Replace(query)
}

// Send sends one request to Graph. version is "v1.0" or "beta", path begins with a slash
// and may have a query, body is JSON or nil.
//
// Errors are *Error. A write whose answer was lost gives one for which
// errors.Is(err, ErrOutcomeUnknown) holds: it may or may not have been done, and the caller
// must read before it tries again. Every other error of a write means that it was not done.
//
// A body with a passwordProfile must carry PasswordPlaceholder as its password; it is
// replaced on the way by a random one that nobody keeps. Any other password is refused.
func (c *Client) Send(ctx context.Context, method, version, path string, body []byte) (Response, error) {
	ctx = withBudget(ctx, c.patience)
	rq, err := c.graphRequest(method, version, path, body)
	if err != nil {
		return Response{}, err
	}
	if err := c.prove(ctx); err != nil {
		return Response{}, err
	}
	if writes(method) {
		if err := c.clockFit(rq.op); err != nil {
			return Response{}, err
		}
	}
	if hasPassword(body) {
		return c.sendNobodysPassword(ctx, rq)
	}
	return c.graph.do(ctx, rq)
}
