// Package simtenant is a Microsoft Entra tenant in one process: sign-in, Graph, Azure
// Resource Manager and their logs behind real HTTPS on loopback, with the semantics that
// bite and with faults on demand.
//
// A Tenant is what it is made from (a named tenant, a file, a document), a listener with
// its own certificate authority, a clock one can turn, and the faults that are set. It
// imports nothing of the product: simulator and client must not share a mistake.
package simtenant

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"breakglass/internal/simtenant/graph"
	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// Options say what tenant to make and where it listens. The zero value is the tenant
// "empty" on a free port of 127.0.0.1.
type Options struct {
	// Tenant is the name of a shipped tenant or a file with a tenant's document.
	Tenant string
	// Document, when set, is the tenant itself and Tenant is not read.
	Document *state.Document
	// Listen is the address to listen on; empty is 127.0.0.1 and a free port.
	Listen string
	// Hosts are further names that the certificate covers, such as login.microsoftonline.com.
	// A request for graph.microsoft.com or management.azure.com goes to that service whatever its path.
	Hosts []string
	// Dir, when it holds the certificate authority of an earlier run, lends it to this one.
	Dir string
	// ClockAt is where the simulated clock starts; zero is the real time.
	ClockAt time.Time
	// Record, when set, sees every request and its answer, one at a time.
	Record func(Exchange)
}

// Tenant is a running simulated tenant. All methods may be called concurrently.
type Tenant struct {
	opts   Options
	state  *state.State
	logs   *logs.Log
	ca     *authority
	creds  Credentials
	faults faults
	events events
	limits limits

	// The services; each is set before Start.
	graph *graph.API
	login http.Handler
	arm   http.Handler

	wire     *http.Transport // what Client hands out
	listener net.Listener
	server   *http.Server
	served   chan struct{} // closed when the server has stopped
}

// New makes a tenant that does not listen yet. An unknown tenant name, an unreadable file
// and an unusable certificate authority in Options.Dir are errors.
func New(opts Options) (*Tenant, error) {
	doc, err := loadTenant(opts)
	if err != nil {
		return nil, err
	}
	ca, err := openAuthority(opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("prepare the certificate authority: %w", err)
	}
	clock := &state.Clock{}
	if !opts.ClockAt.IsZero() {
		clock.Set(opts.ClockAt, false)
	}
	t := &Tenant{opts: opts, state: state.New(doc, clock), logs: logs.New(1), ca: ca}
	t.wire = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.pool(), MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	if t.creds, err = t.seedCredentials(); err != nil {
		return nil, fmt.Errorf("register the tenant's own applications: %w", err)
	}
	return t, nil
}

// Start listens on addr (empty: as Options say) and serves until Close.
func (t *Tenant) Start(addr string) error {
	if addr == "" {
		addr = t.opts.Listen
	}
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	cert, err := t.ca.serverCertificate(t.opts.Hosts)
	if err != nil {
		return fmt.Errorf("make the server certificate: %w", err)
	}
	if t.listener, err = net.Listen("tcp", addr); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	t.join()
	t.server = &http.Server{
		Handler:           t,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          log.New(discard{}, "", 0), // cut connections are our own faults
	}
	t.served = make(chan struct{})
	go func() {
		defer close(t.served)
		_ = t.server.ServeTLS(t.listener, "", "") // ends with ErrServerClosed
	}()
	return nil
}

// URL is the base of login, Graph and ARM: scheme, host and port, no slash at the end.
// It is empty before Start.
func (t *Tenant) URL() string {
	if t.listener == nil {
		return ""
	}
	addr, _ := t.listener.Addr().(*net.TCPAddr)
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	if name := t.publicHost(); name != "" {
		host = name
	}
	if addr.Port == 443 {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return "https://" + host
	}
	return "https://" + net.JoinHostPort(host, fmt.Sprint(addr.Port))
}

// publicHost is the first extra name that is not one of the cloud's own.
func (t *Tenant) publicHost() string {
	for _, h := range t.opts.Hosts {
		if _, own := cloudHosts[strings.ToLower(h)]; !own {
			return h
		}
	}
	return ""
}

// State is what the tenant knows, for tests that set a scene or look behind it.
func (t *Tenant) State() *state.State { return t.state }

// Credentials are those of the tenant's own applications and user, as in credentials.json.
func (t *Tenant) Credentials() Credentials { return t.creds }

// Client trusts the tenant's certificate authority and nothing else. Its connections are
// shared with the other clients that this method makes.
func (t *Tenant) Client() *http.Client { return &http.Client{Transport: t.wire} }

// CertificateAuthority is the authority's certificate as PEM.
func (t *Tenant) CertificateAuthority() []byte { return t.ca.pem() }

// Fail sets a fault; it answers with an error when the fault cannot be understood.
func (t *Tenant) Fail(f Fault) error { return t.faults.add(f, t.state) }

// closeGrace is how long Close waits for answers that are under way.
const closeGrace = 300 * time.Millisecond

// Close stops listening, lets held answers go, and after a moment cuts what is still open.
func (t *Tenant) Close() error {
	if t.server == nil {
		return nil
	}
	t.faults.clear()
	t.wire.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	if t.server.Shutdown(ctx) != nil {
		_ = t.server.Close()
	}
	<-t.served
	return nil
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// secretText is a fresh random secret.
func secretText() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b)
}
