package msapi

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"time"

	"breakglass/internal/entra"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
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
	// Text is a whole clause: "reading policies", "throttled, waiting 8s".
	Text string
	// Warning is true where something needs attention, for example a wrong clock.
	Warning bool
	// Done and Total count the parts of a reading; Total is zero outside of one.
	Done, Total int
}

// Client talks to one tenant. It may be used by several goroutines.
type Client struct{ opts Options }

// New makes a client. It sends nothing yet.
func New(opts Options) (*Client, error) { return &Client{opts: opts}, nil }

// Response is the answer to a request that was understood and done.
type Response struct {
	Status int
	// Body is the JSON answer; empty where there is none.
	Body []byte
	// RequestID is the service's id of the request, for its support and for evidence.
	RequestID string
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
	return Response{}, errors.New("not yet")
}

// PasswordPlaceholder stands in a request body where Send puts a random password that is
// known to nobody, not even to the caller.
const PasswordPlaceholder = "<random, kept by nobody>"

// ReadOptions say what a reading is to hold beyond the tenant's own settings.
type ReadOptions struct {
	// Accounts are the emergency accounts: object ids or user principal names.
	Accounts []string
	// Groups are groups whose members matter (the exclusion group): object ids or mail nicknames.
	Groups []string
	// Units are administrative units whose members matter: object ids or display names.
	Units []string
	// MaxUsers bounds how many users are read besides the accounts; zero means 200.
	MaxUsers int
}

// Read takes one whole reading of the tenant. A part that cannot be read never fails it: the
// part's Reading says why. It fails only when nothing can be read: no sign-in, no network,
// a tenant that is not ours.
func (c *Client) Read(ctx context.Context, opts ReadOptions) (*entra.Snapshot, error) {
	return nil, errors.New("not yet")
}
