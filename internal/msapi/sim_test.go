package msapi_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"breakglass/internal/entra"
	"breakglass/internal/msapi"
	"breakglass/internal/simtenant"
	"breakglass/internal/simtenant/state"
)

// A scene is a simulated tenant with a client that reads it as the reader application.
type scene struct {
	*simtenant.Tenant
	dir       string
	options   msapi.Options
	exchanges []simtenant.Exchange
	creds     struct {
		TenantID string
		Reader   struct{ ClientID, ClientSecret, CertificateFile, ServicePrincipalID string }
		Operator struct{ ClientID, ClientSecret, CertificateFile string }
	}
}

func newScene(t testing.TB, name string, change ...func(*simtenant.Options)) *scene {
	t.Helper()
	sc := &scene{dir: t.TempDir()}
	opts := simtenant.Options{Tenant: name, Record: func(e simtenant.Exchange) { sc.exchanges = append(sc.exchanges, e) }}
	for _, c := range change {
		c(&opts)
	}
	sim, err := simtenant.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	sc.throttle(sim, false) // its limits are by the real clock, and these tests do not wait
	if err := sim.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	sc.Tenant = sim
	if err := sim.WriteDir(sc.dir); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(sc.dir, "credentials.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &sc.creds); err != nil {
		t.Fatal(err)
	}
	endpoints, err := msapi.LoadEndpoints(filepath.Join(sc.dir, "endpoints.json"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(sim.CertificateAuthority())
	sc.options = msapi.Options{
		Endpoints: endpoints, TenantID: sc.creds.TenantID, Roots: roots,
		SignIn: msapi.SignIn{
			Method: msapi.MethodCertificate, ClientID: sc.creds.Reader.ClientID,
			CertificateFile: filepath.Join(sc.dir, sc.creds.Reader.CertificateFile),
		},
		Now:  sim.State().Clock.Now,
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	return sc
}

func (sc *scene) throttle(sim *simtenant.Tenant, on bool) {
	_ = sim.State().Update(func(tx *state.Tx) error { // cannot fail
		tx.World().Throttle = on
		return nil
	})
}

func (sc *scene) client(t testing.TB, change ...func(*msapi.Options)) *msapi.Client {
	t.Helper()
	o := sc.options
	for _, c := range change {
		c(&o)
	}
	c, err := msapi.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// emergency are the emergency accounts of a shipped tenant, by what the tenant itself says.
func (sc *scene) emergency() []string {
	var ids []string
	sc.State().View(func(tx *state.Tx) {
		for _, u := range tx.List("users") {
			if strings.HasPrefix(u.String("userPrincipalName"), "ops-") {
				ids = append(ids, u.String("id"))
			}
		}
	})
	return ids
}

func (sc *scene) read(t testing.TB, opts msapi.ReadOptions) *entra.Snapshot {
	t.Helper()
	s, err := sc.client(t).Read(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// secretFile puts a secret into a file of mode 0600.
func (sc *scene) secretFile(t testing.TB, secret string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
