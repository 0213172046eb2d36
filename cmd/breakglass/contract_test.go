package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"breakglass/internal/simtenant"
	"breakglass/test/contract"
)

// judged are the exit codes of a command that judged: what it found is not this test's matter.
var judged = []int{exitOK, exitFinding, exitLockout}

// Everything that the commands say to a tenant, and everything that the simulated tenant says
// to them, is what Microsoft's own descriptions allow: from the first look to the second apply.
func TestTheCommandsSpeakAsMicrosoftDocuments(t *testing.T) {
	contracts := contract.Open(t)
	for _, name := range []string{"empty", "broken-lockout", "broken-dead", "broken-free", "healthy"} {
		t.Run(name, func(t *testing.T) {
			check := contract.SimRecorder(t, contracts)
			var seen requests
			s := newStage(t, name, func(x simtenant.Exchange) { check(x); seen.add(x) })
			s.admit()
			s.lookAtEverything()
			if seen.writes() > 0 {
				t.Errorf("commands that only look wrote: %v", seen.written())
			}
			plan := s.path("tonight.plan")
			s.must([]int{exitOK}, "plan", s.config(), "--out", plan)
			s.apply(plan)
			s.appliedIsApplied(plan, &seen)
			s.lookAtEverything()
		})
	}
}

// lookAtEverything runs each command that reads the tenant.
func (s *stage) lookAtEverything() {
	s.t.Helper()
	s.must([]int{exitOK}, "snapshot", s.config(), "--out", s.path("now.json"))
	s.must([]int{exitOK}, "plan", s.config(), "--json")
	for _, command := range [][]string{{"check"}, {"check", "--json"}, {"status"}, {"lockout"}, {"lockout", "--scenarios"}} {
		s.must(judged, append(command, s.config())...)
	}
}

// apply applies a plan as an application; what no application may do, a person then does with
// the same command.
func (s *stage) apply(plan string) {
	s.t.Helper()
	apply := []string{"apply", plan, s.config(), "--yes"}
	r := s.run(apply...)
	if r.code == exitOK {
		return
	}
	if !strings.Contains(r.stderr, "next: no application may do this: sign in as a person") {
		s.t.Fatalf("apply ended with %d:\n%s", r.code, r.stderr)
	}
	s.must([]int{exitOK}, append(apply, s.asPerson()...)...)
}

// appliedIsApplied looks for a second plan without steps and a second apply without a write.
func (s *stage) appliedIsApplied(plan string, seen *requests) {
	s.t.Helper()
	var second struct {
		Steps []json.RawMessage `json:"steps"`
	}
	out := s.must([]int{exitOK}, "plan", s.config(), "--json").stdout
	if err := json.Unmarshal([]byte(out), &second); err != nil {
		s.t.Fatalf("plan --json is no object: %v", err)
	}
	if second.Steps == nil || len(second.Steps) != 0 || !strings.Contains(out, `"steps": []`) {
		s.t.Errorf("after apply a plan still has steps: %s", out)
	}
	before := seen.writes()
	s.must([]int{exitOK}, "apply", plan, s.config(), "--yes")
	if n := seen.writes() - before; n > 0 {
		s.t.Errorf("a second apply wrote %d times: %v", n, seen.written())
	}
}

// requests counts what a tenant was asked to change.
type requests struct {
	mu   sync.Mutex
	list []string // guarded by mu
}

func (r *requests) add(x simtenant.Exchange) {
	if !changes(x) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, x.Method+" "+x.URL)
}

// changes says whether a request to Graph could change anything. A batch is counted by its parts.
func changes(x simtenant.Exchange) bool {
	switch {
	case x.Method == http.MethodGet, !strings.Contains(x.URL, "/v1.0/") && !strings.Contains(x.URL, "/beta/"):
		return false
	case !strings.HasSuffix(x.URL, "/$batch"):
		return true
	}
	var batch struct {
		Requests []struct {
			Method string `json:"method"`
		} `json:"requests"`
	}
	if json.Unmarshal(x.RequestBody, &batch) != nil {
		return true
	}
	for _, part := range batch.Requests {
		if part.Method != http.MethodGet {
			return true
		}
	}
	return false
}

func (r *requests) writes() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.list)
}

func (r *requests) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = nil
}

func (r *requests) written() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.list...)
}

// The same for the commands that register our own applications and take them back.
func TestRegisteringSpeaksAsMicrosoftDocuments(t *testing.T) {
	contracts := contract.Open(t)
	for _, name := range []string{"empty", "healthy", "broken-free"} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, name, contract.SimRecorder(t, contracts))
			person := s.administrator()
			keys := s.path("keys")
			for _, command := range [][]string{
				{"onboard", "--make-certificate", keys, "--operator", person, "--apply", "--yes"},
				{"onboard", "--optional", "AdministrativeUnit.Read.All", "--apply", "--yes"},
				{"onboard", "--federated", "https://issuer.example,repo:contoso/tenant", "--apply", "--yes"},
				{"onboard", "--enable-operator", "--apply", "--yes"},
				{"onboard", "--disable-operator", "--apply", "--yes"},
				{"offboard", "--apply", "--yes"},
			} {
				s.must([]int{exitOK}, append(command, s.config())...)
			}
			s.must([]int{exitOK, exitFinding}, "doctor", s.config())
		})
	}
}

// administrator is the sign-in name of the tenant's normal administrator.
func (s *stage) administrator() string { return s.Credentials().DeviceUser.UserPrincipalName }
