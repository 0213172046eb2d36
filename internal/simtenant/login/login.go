// Package login is the simulated tenant's sign-in: OpenID discovery, the token
// endpoint with the grants that real clients use, the sign-in page, managed identity,
// and the evaluator that says what Conditional Access and its neighbours do to one
// concrete sign-in.
//
// Nouns: a client is an application as it signs in; a resource is what a token is for;
// a sign-in is one attempt of one user; a method is one proof the user gave; a target is
// one thing a sign-in wants to reach (a resource, a user action, an authentication
// context); an outcome is what the evaluator says. A session is what one interactive
// sign-in proved and what its refresh tokens carry on.
//
// Every client of the simulator comes from the same loopback address, so a request may
// say where it would come from, in headers that the live service does not know:
// X-Sim-IP (the client's address), X-Sim-Device (the id of a device object),
// X-Sim-Risk (the sign-in risk: low, medium, high). A device, address or risk is taken
// from nowhere else.
package login

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"time"

	"breakglass/internal/simtenant/state"
)

// Logger takes the records of what happened here: sign-ins, and what the sign-in page
// changed (a password, a registered method). logs.Log is one.
type Logger interface {
	SignIn(tx *state.Tx, rec state.Object) state.Object
	Audit(tx *state.Tx, rec state.Object) state.Object
}

// Server answers for the login endpoints. All methods may be called concurrently.
type Server struct {
	// Client fetches the signing keys of foreign token issuers (federated credentials).
	// Nil means a client with a timeout of ten seconds.
	Client *http.Client

	st   *state.State
	log  Logger
	base func() string
	keys func() *keyring

	mu       sync.Mutex
	codes    map[string]*authCode   // guarded by mu
	refresh  map[string]*refresh    // guarded by mu
	devices  map[string]*deviceCode // guarded by mu, by device code
	flows    map[string]*flow       // guarded by mu, by flow id
	browsers map[string]*session    // guarded by mu, by cookie value
}

// New is a Server on a tenant. baseURL gives scheme, host and port under which clients
// reach it, without a slash at the end; it is asked at every request, so it may be known
// later than New.
func New(st *state.State, log Logger, baseURL func() string) *Server {
	return &Server{
		st:       st,
		log:      log,
		base:     func() string { return strings.TrimRight(baseURL(), "/") },
		keys:     sync.OnceValue(newKeyring),
		codes:    map[string]*authCode{},
		refresh:  map[string]*refresh{},
		devices:  map[string]*deviceCode{},
		flows:    map[string]*flow{},
		browsers: map[string]*session{},
	}
}

// handler answers one request; tenant is the path's first segment, as the client wrote it.
type handler func(w http.ResponseWriter, r *http.Request, tenant string)

// route finds what answers for a path; nil when the path is not ours.
func (s *Server) route(path string) (handler, string) {
	path = strings.TrimRight(path, "/")
	switch path {
	case "/common/discovery/instance":
		return s.instanceDiscovery, "common"
	case "/metadata/endpoints":
		return s.cloudMetadata, ""
	case "/metadata/identity/oauth2/token":
		return s.managedIdentity, ""
	case "/devicelogin":
		return s.devicePage, "common"
	case "/_phone":
		return s.phone, ""
	case "/oidc/userinfo":
		return s.userInfo, ""
	case "/error":
		return s.errorPage, ""
	}
	if rest, ok := strings.CutPrefix(path, "/_oidc/"); ok {
		return func(w http.ResponseWriter, r *http.Request, _ string) { s.testIssuer(w, r, rest) }, ""
	}
	if rest, ok := strings.CutPrefix(path, "/_idp/"); ok {
		return func(w http.ResponseWriter, r *http.Request, _ string) { s.identityProvider(w, r, rest) }, ""
	}
	tenant, rest, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !ok || tenant == "v1.0" || tenant == "beta" {
		return nil, ""
	}
	return s.tenantRoute(rest), tenant
}

func (s *Server) tenantRoute(rest string) handler {
	switch strings.ToLower(rest) {
	case "v2.0/.well-known/openid-configuration":
		return s.discoveryV2
	case ".well-known/openid-configuration":
		return s.discoveryV1
	case "discovery/v2.0/keys", "discovery/keys":
		return s.jwks
	case "oauth2/v2.0/token", "oauth2/token":
		return s.token
	case "oauth2/v2.0/devicecode", "oauth2/devicecode":
		return s.deviceAuthorization
	case "oauth2/deviceauth":
		return s.devicePage
	case "oauth2/v2.0/authorize", "oauth2/authorize":
		return s.authorize
	case "login":
		return s.pagePost
	case "oauth2/v2.0/logout", "oauth2/logout":
		return s.logout
	}
	if kind, upn, ok := strings.Cut(rest, "/"); ok && strings.EqualFold(kind, "userrealm") {
		return func(w http.ResponseWriter, r *http.Request, _ string) { s.userRealm(w, r, upn) }
	}
	return nil
}

// Owns says whether a request is for this server rather than for Graph or ARM.
func (s *Server) Owns(r *http.Request) bool {
	h, _ := s.route(r.URL.Path)
	return h != nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, tenant := s.route(r.URL.Path)
	if h == nil {
		s.fail(w, r, NotModelled("the page "+r.URL.Path))
		return
	}
	head := w.Header()
	head.Set("Cache-Control", "no-store, no-cache")
	head.Set("Pragma", "no-cache")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("x-ms-request-id", state.NewID())
	head.Set("Date", s.st.Clock.Now().UTC().Format(http.TimeFormat))
	if id := r.Header.Get("client-request-id"); id != "" && r.Header.Get("return-client-request-id") == "true" {
		head.Set("client-request-id", id)
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	h(w, r, tenant)
}

// now is the simulated instant.
func (s *Server) now() time.Time { return s.st.Clock.Now() }

// random is an unguessable text for codes, tokens and cookies.
func random() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b)
}
