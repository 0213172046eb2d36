package plan_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/internal/config"
	"breakglass/internal/entra"
	"breakglass/internal/lockout"
	"breakglass/internal/msapi"
	"breakglass/internal/plan"
	"breakglass/internal/simtenant"
	"breakglass/internal/simtenant/state"
	"breakglass/test/contract"
)

// simulated is a simulated tenant with a client of its operator, joined to plan as cmd does.
type simulated struct {
	*simtenant.Tenant
	t      testing.TB
	few    bool // onboarding asks for few permissions
	client *msapi.Client
	read   msapi.ReadOptions
	graph  string
	creds  struct {
		TenantID, InitialDomain string
		Operator                struct{ ClientID, ClientSecret, CertificateFile string }
	}
}

func simulate(t testing.TB, name string) *simulated {
	t.Helper()
	opts := simtenant.Options{Tenant: name}
	if contracts, err := contract.Find(); err == nil {
		record := contract.SimRecorder(t, must(contract.Load(contracts)))
		opts.Record = func(x simtenant.Exchange) {
			if strings.Contains(x.URL, "/v1.0/") || strings.Contains(x.URL, "/beta/") { // not the sign-in
				record(x)
			}
		}
	}
	m := &simulated{t: t, Tenant: must(simtenant.New(opts))}
	check(t, m.State().Update(func(tx *state.Tx) error {
		tx.World().Throttle = false // its limits are by the real clock, and these tests do not wait
		return nil
	}))
	check(t, m.Start(""))
	t.Cleanup(func() { _ = m.Close() })
	dir := t.TempDir()
	check(t, m.WriteDir(dir))
	check(t, json.Unmarshal(must(os.ReadFile(filepath.Join(dir, "credentials.json"))), &m.creds))
	endpoints := must(msapi.LoadEndpoints(filepath.Join(dir, "endpoints.json")))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(m.CertificateAuthority())
	m.graph = endpoints.Graph
	m.client = must(msapi.New(msapi.Options{
		Endpoints: endpoints, TenantID: m.creds.TenantID, Roots: roots, Now: m.now,
		SignIn: msapi.SignIn{Method: msapi.MethodCertificate, ClientID: m.creds.Operator.ClientID, CertificateFile: filepath.Join(dir, m.creds.Operator.CertificateFile)},
		Wait:   func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}))
	return m
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (m *simulated) now() time.Time { return m.State().Clock.Now() }

func (m *simulated) options(journal string) plan.Options {
	return plan.Options{
		Journal: journal, Graph: m.graph, Now: m.now,
		Sleep: func(ctx context.Context, d time.Duration) error {
			m.State().Clock.Advance(d)
			return ctx.Err()
		},
	}
}

// Read and Send fit plan.World, as cmd joins it to msapi.
func (m *simulated) Read(ctx context.Context) (*entra.Snapshot, error) {
	return m.client.Read(ctx, m.read)
}

func (m *simulated) Send(ctx context.Context, r plan.Request) (plan.Response, error) {
	resp, err := m.client.Send(ctx, r.Method, r.Version, r.Path, r.Body)
	out := plan.Response{Status: resp.Status, Body: resp.Body}
	if e, ok := errors.AsType[*msapi.Error](err); ok {
		out.Status = e.Status
		if e.Unknown {
			out.Status = 0
		}
	}
	return out, err
}

// want is a plan for the tenant: its two emergency accounts when it has some, else new ones.
func (m *simulated) want() *config.Desired {
	d := &config.Desired{
		Version: 1, Tenant: config.Tenant{ID: m.creds.TenantID, InitialDomain: m.creds.InitialDomain},
		ExclusionGroup: &config.ExclusionGroup{DisplayName: "CA exclusions", MailNickname: "CAexclusions"},
		RestrictedUnit: &config.RestrictedUnit{DisplayName: "Emergency access"},
	}
	m.State().View(func(tx *state.Tx) {
		for _, u := range tx.List("users") {
			if upn := u.String("userPrincipalName"); strings.HasPrefix(upn, "ops-") {
				d.Accounts = append(d.Accounts, config.Account{ID: fmt.Sprintf("acc%d", len(d.Accounts)), UserPrincipalName: upn, DisplayName: u.String("displayName"), UsageLocation: "DE"})
			}
		}
	})
	for i := len(d.Accounts); i < 2; i++ {
		d.Accounts = append(d.Accounts, config.Account{ID: fmt.Sprintf("new%d", i), UserPrincipalName: fmt.Sprintf("k7fm%d@%s", i, m.creds.InitialDomain), DisplayName: fmt.Sprintf("K7 FM%d", i)})
	}
	d.SetDefaults()
	m.read = msapi.ReadOptions{Groups: []string{"CAexclusions"}, Units: []string{"Emergency access"}}
	for _, a := range d.Accounts {
		m.read.Accounts = append(m.read.Accounts, a.UserPrincipalName)
	}
	return d
}

func (m *simulated) make(d *config.Desired) *plan.Plan {
	m.t.Helper()
	return must(plan.Make(d, must(m.Read(context.Background())), m.now()))
}

func ids(p *plan.Plan) []string {
	out := []string{}
	for _, s := range p.Steps {
		out = append(out, s.ID)
	}
	return out
}

// asWanted looks at what the simulated tenant itself holds.
func (m *simulated) asWanted(d *config.Desired) {
	m.t.Helper()
	s := must(m.Read(context.Background()))
	for _, a := range d.Accounts {
		u := a.Resolve(s)
		if u == nil {
			m.t.Fatalf("there is no account %s", a.UserPrincipalName)
		}
		if an := lockout.Analyze(s, u.ID); an.Excluded != lockout.True {
			m.t.Errorf("%s is excluded: %s", a.UserPrincipalName, an.Excluded)
		}
		m.State().View(func(tx *state.Tx) {
			if !slices.Contains(tx.ActiveRoles(u.ID), entra.RoleGlobalAdministrator) {
				m.t.Errorf("%s is not Global Administrator", a.UserPrincipalName)
			}
		})
	}
}

func TestSimulatedTenantEndsAsWanted(t *testing.T) {
	for _, name := range []string{"empty", "healthy", "broken-lockout"} {
		t.Run(name, func(t *testing.T) {
			m := simulate(t, name)
			d := m.want()
			p := m.make(d)
			file := filepath.Join(t.TempDir(), "plan.json")
			p = must(plan.Decode(file, must(p.Encode())))
			res, err := plan.Apply(t.Context(), p, m, m.options(file+".journal"))
			if err != nil {
				t.Fatalf("%v\nsteps %v", err, ids(p))
			}
			if len(res.Done) != len(p.Steps) {
				t.Errorf("done %v of %v", res.Done, ids(p))
			}
			m.State().Clock.Advance(time.Hour)
			m.asWanted(d)
			again, err := plan.Apply(t.Context(), p, m, m.options(file+".journal"))
			if err != nil || again.Writes != 0 || len(again.Unchecked) != 0 {
				t.Errorf("a second apply: %v, %d writes, unchecked %v", err, again.Writes, again.Unchecked)
			}
			if next := m.make(d); len(next.Steps) != 0 {
				t.Errorf("the next plan has steps: %v", ids(next))
			}
		})
	}
}

// TestEveryWriteToTheSimulatedTenantMayFail: each write of the plan, not done and done but
// lost, through the real client. The fake's table has all pairs; here the faults take turns.
func TestEveryWriteToTheSimulatedTenantMayFail(t *testing.T) {
	actions := []string{simtenant.DropBefore, simtenant.DropAfter, simtenant.CutBody, simtenant.Status, simtenant.Forbidden}
	steps, each := len(simulate(t, "empty").plan().Steps), 1
	if os.Getenv("BREAKGLASS_FULL") != "" {
		each = len(actions)
	}
	for at := range steps {
		if each == 1 && at%3 != 0 {
			continue // all of them with BREAKGLASS_FULL set
		}
		for n := range each {
			action, times := actions[(at+n)%len(actions)], 6 // the client repeats on its own what is safe
			if action == simtenant.Forbidden {
				times = 1
			}
			t.Run(fmt.Sprintf("%s at write %d", action, at), func(t *testing.T) {
				m := simulate(t, "empty")
				d := m.want()
				p := m.make(d)
				check(t, m.Fail(simtenant.Fault{Method: p.Steps[at].Request.Method, Path: faultPath(p.Steps[at]), Action: action, Times: times}))
				file := filepath.Join(t.TempDir(), "plan.json.journal")
				_, err := plan.Apply(t.Context(), p, m, m.options(file))
				for n := 0; err != nil && n < 4; n++ {
					_, err = plan.Apply(t.Context(), p, m, m.options(file))
				}
				if err != nil {
					t.Fatalf("it never ends as wanted: %v", err)
				}
				m.State().Clock.Advance(5 * time.Minute)
				m.asWanted(d)
				m.once(d)
			})
		}
	}
}

func (m *simulated) plan() *plan.Plan { return m.make(m.want()) }

// faultPath is the path of a step as a fault matches it: without what is not known yet.
func faultPath(s plan.Step) string {
	path, _, _ := strings.Cut(s.Request.Path, "{")
	return regexp.QuoteMeta(path)
}

// once holds that nothing was made twice.
func (m *simulated) once(d *config.Desired) {
	m.t.Helper()
	m.State().View(func(tx *state.Tx) {
		for _, c := range []struct{ collection, key, value string }{
			{"groups", "mailNickname", d.ExclusionGroup.MailNickname},
			{"directory/administrativeUnits", "displayName", d.RestrictedUnit.DisplayName},
			{"users", "userPrincipalName", d.Accounts[0].UserPrincipalName},
			{"users", "userPrincipalName", d.Accounts[1].UserPrincipalName},
		} {
			n := 0
			for _, o := range tx.List(c.collection) {
				if o.String(c.key) == c.value {
					n++
				}
			}
			if n != 1 {
				m.t.Errorf("%d of %s with %s %s", n, c.collection, c.key, c.value)
			}
		}
	})
}

// meddled lets another writer act right before a request.
type meddled struct {
	*simulated
	before func(plan.Request)
}

func (m meddled) Send(ctx context.Context, r plan.Request) (plan.Response, error) {
	m.before(r)
	return m.simulated.Send(ctx, r)
}

func TestEntryLostInTheSimulatedTenantIsPutBack(t *testing.T) {
	m := simulate(t, "empty")
	d := m.want()
	p := m.make(d)
	alex, policy := "", ""
	world := meddled{m, func(r plan.Request) {
		if r.Method != "PATCH" || policy != "" {
			return
		}
		check(t, m.State().Update(func(tx *state.Tx) error {
			policy = r.Path[strings.LastIndex(r.Path, "/")+1:]
			alex = tx.Find("users", func(o state.Object) bool { return strings.HasPrefix(o.String("userPrincipalName"), "alex.") }).ID()
			o := tx.Get("identity/conditionalAccess/policies", policy)
			users := o.Object("conditions").Object("users")
			users["excludeUsers"] = append(users["excludeUsers"].([]any), alex)
			tx.Put("identity/conditionalAccess/policies", o)
			return nil
		}))
	}}
	file := filepath.Join(t.TempDir(), "plan.json.journal")
	if res, err := plan.Apply(t.Context(), p, world, m.options(file)); err != nil || len(res.Unchecked) == 0 {
		t.Fatalf("%v, %+v", err, res)
	}
	m.State().Clock.Advance(time.Hour)
	res, err := plan.Apply(t.Context(), p, m, m.options(file))
	if err != nil || len(res.Restored) != 1 || !strings.Contains(res.Restored[0], alex) {
		t.Errorf("%v, %+v", err, res)
	}
	m.State().View(func(tx *state.Tx) {
		list := tx.Get("identity/conditionalAccess/policies", policy).Object("conditions").Object("users").Strings("excludeUsers")
		if !slices.Contains(list, alex) || len(list) != 3 {
			t.Errorf("the policy excludes %v", list)
		}
	})
}
