package msapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/google/uuid"
)

// asked is what the policies know of a request besides its HTTP form.
type asked struct {
	op   string // for errors: method and path
	path string // without base and version, with its query, for lanes and needs
	safe bool   // repeating it changes nothing
}

type askedKey struct{}

func askedOf(req *policy.Request) asked {
	a, _ := req.Raw().Context().Value(askedKey{}).(asked)
	return a
}

func opOf(req *policy.Request) string { return askedOf(req).op }

// pipeline joins the policies of one service, in this order: an id for the whole call, the
// retries, then for each attempt the guard that judges the answer and the token.
func (c *Client) pipeline(b *bearer, lanes []*lane) runtime.Pipeline {
	return runtime.NewPipeline("breakglass", "1", runtime.PipelineOptions{
		// All before azcore's own retry policy, which is switched off: it would replace the
		// guard's error by the context's and so forget that a write may have been done.
		PerCall: []policy.Policy{requestID{}, &retry{c: c, lanes: lanes}, &guard{c: c}, b},
	}, &policy.ClientOptions{
		Transport: c.http,
		Retry:     policy.RetryOptions{MaxRetries: -1},
	})
}

// requestID gives each call an id that both sides can find again.
type requestID struct{}

func (requestID) Do(req *policy.Request) (*http.Response, error) {
	h := req.Raw().Header
	if h.Get("client-request-id") == "" {
		h.Set("client-request-id", uuid.NewString())
	}
	h.Set("return-client-request-id", "true")
	return req.Next()
}

// retry queues for the lane, tries again where that is safe, and waits with patience.
type retry struct {
	c     *Client
	lanes []*lane
}

func (p *retry) Do(req *policy.Request) (*http.Response, error) {
	ctx, a := req.Raw().Context(), askedOf(req)
	l := laneFor(p.lanes, a.path)
	for attempt := 0; ; attempt++ {
		if l != nil {
			if err := p.c.wait(ctx, l.reserve(time.Now())); err != nil {
				return nil, given(err, a.op)
			}
		}
		res, err := req.Clone(ctx).Next()
		if err == nil {
			return res, nil
		}
		e := asError(err, a.op)
		e.ClientRequestID = req.Raw().Header.Get("client-request-id")
		d, again := pause(e, attempt, a.safe)
		if !again || ctx.Err() != nil || !spend(ctx, d) {
			return nil, e
		}
		p.c.tell(Progress{Text: waitText(e, d)})
		if err := p.c.wait(ctx, d); err != nil {
			return nil, e
		}
		if err := req.RewindBody(); err != nil {
			return nil, e
		}
	}
}

// given is the error of a call that was interrupted while it waited: nothing was sent.
func given(err error, op string) *Error {
	return &Error{Kind: KindNetwork, Op: op, Message: networkText(err), cause: err, retryAfter: -1}
}

// guard reads the whole answer and lets only a whole JSON success pass.
type guard struct{ c *Client }

func (g *guard) Do(req *policy.Request) (*http.Response, error) {
	a, method := askedOf(req), req.Raw().Method
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	runtime.SkipBodyDownload(req)
	res, err := req.Clone(httptrace.WithClientTrace(req.Raw().Context(), trace)).Next()
	if err != nil {
		return nil, lost(err, a, method, connected.Load())
	}
	body, err := readBody(res)
	if err != nil {
		e := lost(err, a, method, true)
		if err == errTooLarge {
			e.Kind, e.Message = KindNotGraph, errTooLarge.Error()
		}
		return nil, e
	}
	g.c.noteDate(res.Header)
	if res.StatusCode < 200 || res.StatusCode > 299 {
		e := errorFrom(a.op, method, a.path, res.StatusCode, res.Header, body, g.c.now())
		e.Unknown = e.Unknown && !a.safe
		e.forCaller(method, a.path, g.c.who())
		if e.Kind == KindExpired && challengeClaims(res.Header) != "" {
			e.Kind, e.Code = KindSignIn, "insufficient_claims"
		}
		return nil, e
	}
	if len(body) > 0 && !json.Valid(body) {
		return nil, broken(a, method, res, body)
	}
	res.Body = io.NopCloser(strings.NewReader(string(body)))
	return res, nil
}

// lost is an answer that did not come whole. A write may have been done once a connection stood.
func lost(err error, a asked, method string, sent bool) *Error {
	if e, ok := err.(*Error); ok { // the sign-in's own
		return e
	}
	return &Error{
		Kind: KindNetwork, Op: a.op, Message: networkText(err), cause: err,
		Unknown: sent && writes(method) && !a.safe, sent: sent, retryAfter: -1,
	}
}

// broken is a success that is no JSON: cut short (worth another try) or something else.
func broken(a asked, method string, res *http.Response, body []byte) *Error {
	e := &Error{
		Kind: KindNotGraph, Op: a.op, Status: res.StatusCode, RequestID: res.Header.Get("request-id"),
		Message: "answered with " + contentKind(res.Header) + " instead of JSON",
		Unknown: writes(method) && !a.safe, sent: true, retryAfter: -1,
	}
	if s := strings.TrimSpace(string(body[:min(len(body), 64)])); strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") {
		e.Kind, e.Message = KindNetwork, "the answer ended in the middle"
	}
	return e
}

// sleep is the default wait.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
