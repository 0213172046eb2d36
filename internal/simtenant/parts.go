package simtenant

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"slices"
	"strings"
	"time"

	"breakglass/internal/simtenant/arm"
	"breakglass/internal/simtenant/graph"
	"breakglass/internal/simtenant/login"
	"breakglass/internal/simtenant/state"
)

// refusal is what the fault says in place of an answer, nil when it does not.
func (f *Fault) refusal() *graph.Refusal {
	var ref graph.Refusal
	switch f.Action {
	case Throttled:
		ref = graph.Refusal{Status: http.StatusTooManyRequests, Code: "TooManyRequests", Message: "Too many requests"}
	case Forbidden:
		ref = graph.Refusal{Status: http.StatusForbidden, Code: "Authorization_RequestDenied", Message: "Insufficient privileges to complete the operation."}
	case Status:
		ref = graph.Refusal{Status: f.Status, Code: "ServiceUnavailable", Message: "The service is temporarily unavailable."}
		if f.Status == 0 {
			ref.Status = http.StatusServiceUnavailable
		}
		if f.Status != 0 && f.Status != http.StatusServiceUnavailable {
			ref.Code, ref.Message = strings.ReplaceAll(http.StatusText(f.Status), " ", ""), http.StatusText(f.Status)
		}
	default:
		return nil
	}
	ref.RetryAfter = f.RetryAfter
	return &ref
}

// join makes the services and ties them together, now that the base URL is known.
func (t *Tenant) join() {
	signIn := login.New(t.state, t.logs, t.URL)
	signIn.Client = t.foreignClient()
	t.login = signIn
	verify := func(w http.ResponseWriter, r *http.Request, audience string) (state.Principal, bool) {
		p, ok := signIn.Verify(w, r, audience)
		if f, _ := r.Context().Value(faultKey{}).(*Fault); ok && f != nil && f.Action == PermissionMissing {
			p = without(p, f.Permission)
		}
		return p, ok
	}
	t.arm = &arm.API{State: t.state, Logs: t.logs, BaseURL: t.URL(), Verify: verify}
	t.graph = &graph.API{State: t.state, Logs: t.logs, BaseURL: t.URL(), Verify: verify, Gate: t.gate}
}

// foreignClient fetches the keys of other token issuers: it trusts the machine's
// authorities and the tenant's own, whose test issuer is one of them.
func (t *Tenant) foreignClient() *http.Client {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a machine without authorities still has ours
	}
	pool.AddCert(t.ca.cert)
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
	}}
}

// without is the principal less a permission.
func without(p state.Principal, permission string) state.Principal {
	p.Grants = slices.DeleteFunc(slices.Clone(p.Grants), func(g string) bool { return strings.EqualFold(g, permission) })
	return p
}
