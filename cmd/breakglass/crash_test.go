package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/internal/config"
	"breakglass/internal/simtenant"
	"breakglass/internal/simtenant/state"
)

// The real process is killed with -9 right after every request of apply was served and
// before it learns the answer: after a write that is "done, but we do not know", before one
// "not done". From every such moment a second apply must end in the wanted tenant, and at
// no moment may there be fewer working administrators or an account with the role that some
// policy could still stop.
func TestApplySurvivesKillAtEveryStep(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the real program dozens of times")
	}
	bin, err := exec.LookPath("breakglass") // testscript's: this test binary under another name
	if err != nil {
		t.Fatal(err)
	}
	dry := newCrashScene(t, bin)
	dry.apply(t)
	requests := dry.seen()
	dry.wantNothingLeft(t)
	writes := 0
	for n := range requests {
		if !interesting(requests, n) {
			continue
		}
		if requests[n].write() {
			writes++
		}
		t.Run(fmt.Sprintf("%03d %s", n, requests[n]), func(t *testing.T) {
			t.Parallel()
			s := newCrashScene(t, bin)
			s.killAfter(n)
			s.applyUntilKilled(t)
			s.apply(t)
			s.wantNothingLeft(t)
		})
	}
	if writes < 15 {
		t.Fatalf("only %d writes in the story of apply: it should make accounts, a group, a unit, exclusions and roles", writes)
	}
}

// interesting is a write, or the last request before one: killing there covers every state
// that the tenant can be left in. With BREAKGLASS_FULL=1 every request counts.
func interesting(all []sentRequest, n int) bool {
	if os.Getenv("BREAKGLASS_FULL") != "" {
		return true
	}
	return all[n].write() || n+1 < len(all) && all[n+1].write()
}

type sentRequest struct{ method, path string }

var idInPath = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

func (r sentRequest) String() string { return r.method + " " + idInPath.ReplaceAllString(r.path, "ID") }

func (r sentRequest) write() bool {
	return r.method != http.MethodGet && !strings.HasSuffix(r.path, "/$batch") && !strings.Contains(r.path, "/oauth2/")
}

// crashScene is one tenant, one plan for it, and one process that may die.
type crashScene struct {
	bin, dir string
	tenant   *simtenant.Tenant

	mu       sync.Mutex
	requests []sentRequest // guarded by mu
	die      int           // guarded by mu; kill after this request, -1 for never
	process  *os.Process   // guarded by mu
	broken   []string      // guarded by mu
	admins   int           // working administrators at the start
}

func newCrashScene(t *testing.T, bin string) *crashScene {
	t.Helper()
	s := &crashScene{bin: bin, dir: t.TempDir(), die: -1}
	var err error
	s.tenant, err = simtenant.New(simtenant.Options{Tenant: "empty", Record: s.record})
	if err != nil {
		t.Fatal(err)
	}
	err = s.tenant.State().Update(func(tx *state.Tx) error {
		tx.World().Throttle = false
		tx.World().ReplicationDelay = 100 * time.Millisecond
		s.admins = len(workingAdministrators(tx))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.tenant.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.tenant.Close() })
	if err := s.tenant.WriteDir(s.dir); err != nil {
		t.Fatal(err)
	}
	e := s.tenant.Endpoints()
	text, err := config.Format(demoPlan(e.TenantID, e.InitialDomain))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "breakglass.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := s.command("plan", "--out", "the.plan").CombinedOutput(); err != nil {
		t.Fatalf("plan: %v\n%s", err, out)
	}
	s.mu.Lock()
	s.requests = nil
	s.mu.Unlock()
	return s
}

func (s *crashScene) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.bin, args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"HOME=" + s.dir, "PATH=" + os.Getenv("PATH"), simEnv + "=" + s.dir}
	return cmd
}

// record sees each request after it was served and before its answer is sent.
func (s *crashScene) record(x simtenant.Exchange) {
	u, err := url.Parse(x.URL)
	if err != nil {
		return
	}
	s.tenant.State().View(s.guard)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, sentRequest{x.Method, u.Path})
	if s.process != nil && len(s.requests)-1 == s.die {
		_ = s.process.Kill()
		s.process, s.die = nil, -1
	}
}

// guard holds the promises at every moment.
func (s *crashScene) guard(tx *state.Tx) {
	s.mu.Lock()
	defer s.mu.Unlock()
	admins := workingAdministrators(tx)
	if len(admins) < s.admins {
		s.broken = append(s.broken, fmt.Sprintf("%d working administrators, %d before", len(admins), s.admins))
	}
	for _, u := range admins {
		if !strings.HasPrefix(u.String("userPrincipalName"), "ops-") {
			continue
		}
		for _, p := range tx.List("identity/conditionalAccess/policies") {
			if !slices.Contains(p.Object("conditions").Object("users").Strings("excludeUsers"), u.ID()) {
				s.broken = append(s.broken, u.String("userPrincipalName")+" holds the role while not excluded from "+p.String("displayName"))
			}
		}
	}
}

// workingAdministrators are the enabled users who hold Global Administrator now.
func workingAdministrators(tx *state.Tx) []state.Object {
	var out []state.Object
	for _, u := range tx.List("users") {
		if u.Bool("accountEnabled") && slices.Contains(tx.ActiveRoles(u.ID()), "62e90394-69f5-4237-9190-012177145e10") {
			out = append(out, u)
		}
	}
	return out
}

func (s *crashScene) seen() []sentRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

func (s *crashScene) killAfter(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.die = n
}

// applyUntilKilled runs apply and expects it to die by our hand.
func (s *crashScene) applyUntilKilled(t *testing.T) {
	t.Helper()
	cmd := s.command("apply", "--yes", "the.plan")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	// The lock is held over the start, so that no request is served before the process is known.
	s.mu.Lock()
	err := cmd.Start()
	if err == nil {
		s.process = cmd.Process
	}
	s.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("apply was not killed: %v\n%s", err, &out)
	}
}

// apply runs apply to its end.
func (s *crashScene) apply(t *testing.T) {
	t.Helper()
	out, err := s.command("apply", "--yes", "the.plan").CombinedOutput()
	if err != nil {
		t.Fatalf("apply: %v\n%s", err, out)
	}
}

// wantNothingLeft expects the wanted tenant: a new plan has no step, there is one of each
// created object, and no promise broke on the way.
func (s *crashScene) wantNothingLeft(t *testing.T) {
	t.Helper()
	out, err := s.command("plan", "--exit-code").CombinedOutput()
	if err != nil {
		t.Errorf("a plan after apply still has steps: %v\n%s", err, out)
	}
	s.tenant.State().View(func(tx *state.Tx) {
		for coll, name := range map[string]string{"users": "Operations x7k2", "groups": "CA exclusions", "directory/administrativeUnits": "Emergency access"} {
			count := 0
			for _, o := range tx.List(coll) {
				if o.String("displayName") == name {
					count++
				}
			}
			if count != 1 {
				t.Errorf("%d objects named %q in %s, want one", count, name, coll)
			}
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.broken {
		t.Error(b)
	}
}
