package posture

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"breakglass/internal/config"
	"breakglass/internal/entra"
	"breakglass/internal/msapi"
	"breakglass/internal/simtenant"
	"breakglass/internal/simtenant/state"
)

// readSimulated reads a shipped simulated tenant through the real client.
func readSimulated(t *testing.T, name string) (*config.Desired, *entra.Snapshot, time.Time) {
	t.Helper()
	sim, err := simtenant.New(simtenant.Options{Tenant: name})
	if err != nil {
		t.Fatal(err)
	}
	_ = sim.State().Update(func(tx *state.Tx) error { tx.World().Throttle = false; return nil }) // cannot fail
	if err := sim.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	dir := t.TempDir()
	if err := sim.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	var creds struct {
		TenantID string
		Reader   struct{ ClientID, CertificateFile string }
	}
	data, err := os.ReadFile(filepath.Join(dir, "credentials.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &creds); err != nil {
		t.Fatal(err)
	}
	endpoints, err := msapi.LoadEndpoints(filepath.Join(dir, "endpoints.json"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(sim.CertificateAuthority())
	client, err := msapi.New(msapi.Options{
		Endpoints: endpoints, TenantID: creds.TenantID, Roots: roots, Now: sim.State().Clock.Now,
		SignIn: msapi.SignIn{Method: msapi.MethodCertificate, ClientID: creds.Reader.ClientID, CertificateFile: filepath.Join(dir, creds.Reader.CertificateFile)},
		Wait:   func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	d := &config.Desired{Version: 1, Tenant: config.Tenant{ID: creds.TenantID}}
	sim.State().View(func(tx *state.Tx) {
		for _, dom := range tx.List("domains") {
			if dom.Bool("isInitial") {
				d.Tenant.InitialDomain = dom.String("id")
			}
		}
		for _, u := range tx.List("users") {
			if strings.HasPrefix(u.String("userPrincipalName"), "ops-") {
				d.Accounts = append(d.Accounts, config.Account{
					ID: strings.Split(u.String("userPrincipalName"), "@")[0], UserPrincipalName: u.String("userPrincipalName"), ObjectID: u.String("id"),
				})
			}
		}
	})
	d.SetDefaults()
	var ids []string
	for _, a := range d.Accounts {
		ids = append(ids, a.ObjectID)
	}
	s, err := client.Read(t.Context(), msapi.ReadOptions{Accounts: ids})
	if err != nil {
		t.Fatal(err)
	}
	return d, s, sim.State().Clock.Now()
}

// The shipped tenants, read through the real client, judged as their stories say.
func TestTheShippedTenantsAreJudgedAsTheirStoriesSay(t *testing.T) {
	// What no tenant of the shop passes: the seals, the rules of a plan without custody, the
	// simulator's own operator application, which may do everything, and a client for repairs,
	// which onboarding brings.
	always := map[string]bool{"BG-008": true, "BG-043": true, "BG-060": true, "BG-061": true, "BG-062": true}
	tests := []struct {
		tenant, headline string
		fails            []string // check and account
	}{
		{"healthy", "no: no account is sealed", nil},
		{"broken-lockout", "no: no account could get in, and none is sealed", []string{
			"BG-004 ops-m3q9", "BG-005 ops-x7k2", "BG-005 ops-m3q9", "BG-006 ops-m3q9", "BG-010 ops-x7k2", "BG-010 ops-m3q9", "BG-030 ops-x7k2",
			"BG-040 ops-x7k2", "BG-041 ops-m3q9", "BG-042 ops-x7k2", "BG-050 ops-x7k2",
		}},
		{"broken-dead", "no: no account could get in, and none is sealed", []string{
			"BG-004 ops-k4t8", "BG-006 ops-k4t8", "BG-006 ops-r2w6", "BG-007 ops-k4t8", "BG-009 ops-k4t8", "BG-020 ops-k4t8", "BG-021 ops-k4t8",
			"BG-024 ops-r2w6", "BG-031 ops-r2w6", "BG-032 ops-r2w6", "BG-052 ", "BG-053 ",
		}},
		{"broken-free", "no: no account is sealed", []string{"BG-002 ", "BG-013 ", "BG-030 ops-h5n1", "BG-031 ops-h5n1", "BG-032 ops-h5n1", "BG-033 ops-h5n1"}},
	}
	for _, test := range tests {
		t.Run(test.tenant, func(t *testing.T) {
			d, s, at := readSimulated(t, test.tenant)
			findings := Run(Input{Desired: d, Snapshot: s, Now: at})
			if a := Ready(findings); a.Headline != test.headline {
				t.Errorf("headline %q, want %q", a.Headline, test.headline)
			}
			failed := map[string]bool{}
			for _, f := range findings {
				failed[f.Check+" "+f.Account] = f.Verdict == Fail
				if test.fails == nil && f.Verdict == Fail && !always[f.Check] {
					t.Errorf("%s %s fails: %s", f.Check, f.Account, f.Summary)
				}
			}
			for _, want := range test.fails {
				if !failed[want] {
					t.Errorf("%s does not fail", want)
				}
			}
		})
	}
}

// What a real reading holds is more than what the tests above built by hand: the same
// promise, on every thirteenth thing of it.
func TestKnowingLessOfARealReadingNeverLooksBetter(t *testing.T) {
	for _, name := range []string{"broken-lockout", "broken-dead", "broken-free"} {
		t.Run(name, func(t *testing.T) {
			d, s, _ := readSimulated(t, name)
			before, n := answers(d, s), 0
			each(t, s, func(what string, less func() *entra.Snapshot) {
				if n++; n%13 == 0 {
					compare(t, what, before, answers(d, less()))
				}
			})
		})
	}
}
