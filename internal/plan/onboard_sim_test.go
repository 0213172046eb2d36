package plan_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/internal/entra"
	"breakglass/internal/msapi"
	"breakglass/internal/plan"
	"breakglass/internal/simtenant/state"
)

// registrations reads what onboarding rests on.
func (m *simulated) registrations(people ...string) *entra.Registrations {
	m.t.Helper()
	return must(m.client.ReadRegistrations(context.Background(), people))
}

var testKey = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))

// certificate is a public part to sign in with.
func certificate(now time.Time) *x509.Certificate {
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "breakglass watch"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0)}
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, tmpl, tmpl, testKey.Public(), testKey))))
}

func watchPermissions() (core, optional []string) {
	for _, p := range msapi.WatchPermissions() {
		if p.Core {
			core = append(core, p.Name)
		} else {
			optional = append(optional, p.Name)
		}
	}
	return core, optional
}

// wanted are both identities, with one person for the operator.
func (m *simulated) wanted(cert *x509.Certificate) (plan.Wanted, *entra.Registrations) {
	core, optional := watchPermissions()
	n := len(core)
	if m.few { // where every write is struck, in turn
		n = 1
	}
	r := m.registrations(m.Credentials().DeviceUser.UserPrincipalName)
	return plan.Wanted{
		Watch: &plan.WatchIdentity{
			Permissions: core[:n], Tolerated: optional, Certificate: cert,
			Federated: &entra.FederatedCredential{Issuer: "https://token.actions.githubusercontent.com", Subject: "repo:contoso/breakglass:ref:refs/heads/main"},
		},
		Operator: &plan.OperatorIdentity{Scopes: append(plan.OperatorScopes(), "openid", "profile", "offline_access"), Users: r.People},
	}, r
}

func (m *simulated) carry(o *plan.Onboarding) (plan.Result, error) { return m.carryThrough(m, o) }

func (m *simulated) carryThrough(w plan.World, o *plan.Onboarding) (plan.Result, error) {
	return plan.Carry(context.Background(), o, w, plan.Options{
		Graph: m.graph, Now: m.now, Sleep: func(ctx context.Context, d time.Duration) error {
			m.State().Clock.Advance(d)
			return ctx.Err()
		},
	})
}

func TestOnboardingMakesBothIdentitiesAndASecondRunNothing(t *testing.T) {
	m := simulate(t, "healthy")
	cert := certificate(m.now())
	want, r := m.wanted(cert)
	o := must(plan.Onboard(want, r, m.now()))
	if len(o.Steps) < 14 || len(o.Open) != 0 {
		t.Fatalf("%d steps, open %v", len(o.Steps), o.Open)
	}
	res, err := m.carry(o)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(res.Done) + len(res.Skipped); got != len(o.Steps) {
		t.Errorf("%d of %d steps done", got, len(o.Steps))
	}
	again := must(plan.Onboard(want, m.registrations(m.Credentials().DeviceUser.UserPrincipalName), m.now()))
	if len(again.Steps) != 0 || len(again.Open) != 0 {
		t.Fatalf("a second run has %s, open %v", sentences(again), again.Open)
	}
	for _, a := range m.registrations().Applications {
		if len(a.Owners)+len(a.Principal.Owners)+len(a.Secrets) != 0 || a.Lock == nil || !a.Lock.AllProperties || a.SignInAudience != "AzureADMyOrg" {
			t.Errorf("%s is not tight: %+v", a.DisplayName, a)
		}
		if a.DisplayName == plan.OperatorName && (a.Principal.Enabled.Or(true) || !a.Principal.AssignmentRequired.Or(false)) {
			t.Errorf("the operator is open: %+v", a.Principal)
		}
	}
}

func sentences(o *plan.Onboarding) string {
	var out []string
	for _, s := range o.Steps {
		out = append(out, s.ID+": "+s.Sentence)
	}
	return strings.Join(out, "\n")
}

// flaky strikes one write: it is not done, done with its answer lost, or refused.
type flaky struct {
	*simulated
	strike, writes int
	fate           string
}

func (f *flaky) Send(ctx context.Context, r plan.Request) (plan.Response, error) {
	if r.Method == "GET" {
		return f.simulated.Send(ctx, r)
	}
	f.writes++
	if f.writes != f.strike {
		return f.simulated.Send(ctx, r)
	}
	switch f.fate {
	case "refused":
		return plan.Response{Status: 403}, errors.New("no")
	case "done, answer lost":
		_, _ = f.simulated.Send(ctx, r)
	}
	return plan.Response{}, errors.New("connection reset")
}

// Whatever one write's fate is, the run, or the run after it, ends in the wanted state, with
// one application for each identity.
func TestEveryOnboardingWriteMayFailOrLoseItsAnswer(t *testing.T) {
	m := simulate(t, "empty")
	cert := certificate(m.now())
	m.few = true
	for _, fate := range []string{"not done", "done, answer lost", "refused"} {
		struck := 0
		for n := 1; ; n++ {
			want, r := m.wanted(cert)
			f := &flaky{simulated: m, strike: n, fate: fate}
			_, err := m.carryThrough(f, must(plan.Onboard(want, r, m.now())))
			if f.writes < n {
				check(t, err)
				break // every write had its turn
			}
			struck++
			if fate != "refused" {
				check(t, err) // one lost answer never stops it
			} else if err == nil {
				t.Fatalf("write %d was refused, and nobody was told", n)
			}
			want, r = m.wanted(cert)
			if _, err := m.carry(must(plan.Onboard(want, r, m.now()))); err != nil {
				t.Fatalf("%s at write %d, the run after it: %v", fate, n, err)
			}
			want, r = m.wanted(cert)
			if o := must(plan.Onboard(want, r, m.now())); len(o.Steps) != 0 || len(r.Applications) != 2 {
				t.Fatalf("%s at write %d: %d applications, left is %s", fate, n, len(r.Applications), sentences(o))
			}
			if _, err := m.carry(plan.Offboard(r, m.now())); err != nil {
				t.Fatal(err)
			}
		}
		if struck < 8 {
			t.Errorf("only %d writes were %s", struck, fate)
		}
		_, r := m.wanted(cert)
		_, err := m.carry(plan.Offboard(r, m.now()))
		check(t, err)
	}
}

// The way back may be struck as well.
func TestEveryOffboardingWriteMayFailOrLoseItsAnswer(t *testing.T) {
	m := simulate(t, "empty")
	cert := certificate(m.now())
	m.few = true
	for _, fate := range []string{"not done", "done, answer lost", "refused"} {
		for n := 1; ; n += 3 {
			want, r := m.wanted(cert)
			_, err := m.carry(must(plan.Onboard(want, r, m.now())))
			check(t, err)
			f := &flaky{simulated: m, strike: n, fate: fate}
			_, err = m.carryThrough(f, plan.Offboard(m.registrations(), m.now()))
			if (fate == "refused" && f.writes >= n) != (err != nil) {
				t.Fatalf("%s at write %d: %v", fate, n, err)
			}
			_, err = m.carry(plan.Offboard(m.registrations(), m.now()))
			check(t, err)
			if r := m.registrations(); len(r.Applications)+len(r.Strays) != 0 {
				t.Fatalf("%s at write %d: %d applications are left", fate, n, len(r.Applications))
			}
			if f.writes < n {
				break
			}
		}
	}
}

// document is the simulated tenant without its records and its bin.
func (m *simulated) document() map[string]any {
	data := must(json.Marshal(m.State().Document()))
	var doc struct {
		Objects map[string][]map[string]any `json:"objects"`
		Links   map[string]any              `json:"links"`
	}
	check(m.t, json.Unmarshal(data, &doc))
	out := map[string]any{"links": doc.Links}
	for coll, list := range doc.Objects {
		if strings.HasPrefix(coll, "auditLogs/") || strings.Contains(coll, "deletedItems") || len(list) == 0 {
			continue
		}
		byID := map[string]any{}
		for _, o := range list {
			byID[o["id"].(string)] = o
		}
		out[coll] = byID
	}
	return out
}

func TestOffboardingLeavesTheTenantAsItWas(t *testing.T) {
	m := simulate(t, "healthy")
	before := m.document()
	want, r := m.wanted(certificate(m.now()))
	if _, err := m.carry(must(plan.Onboard(want, r, m.now()))); err != nil {
		t.Fatal(err)
	}
	if cmp.Equal(before, m.document()) {
		t.Fatal("onboarding changed nothing, so this test shows nothing")
	}
	o := plan.Offboard(m.registrations(), m.now())
	if _, err := m.carry(o); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, m.document()); diff != "" {
		t.Errorf("what is left of onboarding (-before +after):\n%s", diff)
	}
	if again := plan.Offboard(m.registrations(), m.now()); len(again.Steps) != 0 {
		t.Errorf("a second run has %s", sentences(again))
	}
}

func TestOnboardingMendsWhatSomebodyLoosened(t *testing.T) {
	m := simulate(t, "healthy")
	want, r := m.wanted(certificate(m.now()))
	if _, err := m.carry(must(plan.Onboard(want, r, m.now()))); err != nil {
		t.Fatal(err)
	}
	var operator string
	check(t, m.State().Update(func(tx *state.Tx) error {
		for _, a := range tx.List("applications") {
			if a.String("displayName") == plan.OperatorName {
				operator = a.ID()
				a["signInAudience"] = "AzureADMultipleOrgs"
				a["isFallbackPublicClient"] = false
				a["publicClient"] = map[string]any{"redirectUris": []any{"http://localhost", "https://evil.example/"}}
				a["servicePrincipalLockConfiguration"] = nil
				a["passwordCredentials"] = []any{map[string]any{"keyId": "6cbc0a2e-6a7c-4d4c-8c0b-111111111111"}}
				tx.Put("applications", a)
				tx.Link("owners", a.ID(), tx.Find("users", func(u state.Object) bool { return true }).ID())
			}
		}
		for _, p := range tx.List("servicePrincipals") {
			if p.String("displayName") == plan.OperatorName {
				p["appRoleAssignmentRequired"] = false
				tx.Put("servicePrincipals", p)
				graph := tx.Find("servicePrincipals", func(o state.Object) bool { return o.String("appId") == msapi.AppGraph })
				tx.Put("oauth2PermissionGrants", state.Object{"clientId": p.ID(), "consentType": "AllPrincipals", "principalId": nil, "resourceId": graph.ID(), "scope": "Directory.ReadWrite.All"})
				tx.Put("appRoleAssignments", state.Object{"principalId": p.ID(), "principalType": "ServicePrincipal", "resourceId": graph.ID(), "appRoleId": r.Graph.Roles["RoleManagement.ReadWrite.Directory"]})
			}
		}
		return nil
	}))
	want, r = m.wanted(want.Watch.Certificate)
	o := must(plan.Onboard(want, r, m.now()))
	if operator == "" || len(o.Steps) != 9 {
		t.Fatalf("steps to mend it: %d\n%s", len(o.Steps), sentences(o))
	}
	if _, err := m.carry(o); err != nil {
		t.Fatal(err)
	}
	want, r = m.wanted(want.Watch.Certificate)
	if again := must(plan.Onboard(want, r, m.now())); len(again.Steps) != 0 {
		t.Errorf("left is %s", sentences(again))
	}
}

func TestOnboardingRefusesWhatOnlyAPersonCanTell(t *testing.T) {
	m := simulate(t, "healthy")
	cert := certificate(m.now())
	want, r := m.wanted(cert)
	stale := must(plan.Onboard(want, r, m.now()))
	if _, err := m.carry(stale); err != nil {
		t.Fatal(err)
	}
	if _, err := m.carry(stale); !errors.Is(err, plan.ErrRefused) {
		t.Errorf("the same steps twice: %v, want a refusal", err)
	}
	check(t, m.State().Update(func(tx *state.Tx) error {
		tx.Put("applications", state.Object{"appId": "6cbc0a2e-6a7c-4d4c-8c0b-222222222222", "displayName": plan.WatchName, "tags": []any{"breakglass", "breakglass-watch"}, "signInAudience": "AzureADMyOrg"})
		return nil
	}))
	_, r = m.wanted(cert)
	if _, err := plan.Onboard(want, r, m.now()); !errors.Is(err, plan.ErrRefused) {
		t.Errorf("two applications with our tag: %v, want a refusal", err)
	}
	want.Watch = nil
	want.Operator.Scopes = []string{"No.Such.Permission"}
	if _, err := plan.Onboard(want, r, m.now()); !errors.Is(err, plan.ErrRefused) || !strings.Contains(err.Error(), "No.Such.Permission") {
		t.Errorf("a permission that Graph does not offer: %v", err)
	}
}
