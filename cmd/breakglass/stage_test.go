package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/internal/config"
	"breakglass/internal/simtenant"
	"breakglass/internal/simtenant/state"
)

// A stage is a simulated tenant and the files of somebody who looks after it. Commands run in
// this process, as their users would run them, with BREAKGLASS_SIM set.
type stage struct {
	*simtenant.Tenant
	t testing.TB
	// dir holds the simulator's files, the plan breakglass.yaml and what commands write.
	dir string
	// limit is when somebody loses patience and interrupts a command; zero is a minute.
	limit time.Duration
}

// newStage starts a tenant that neither throttles nor lets readers wait for new objects.
func newStage(t testing.TB, name string, record func(simtenant.Exchange)) *stage {
	t.Helper()
	sim, err := simtenant.New(simtenant.Options{Tenant: name, Record: record})
	if err != nil {
		t.Fatal(err)
	}
	hurry(sim)
	if err := sim.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	s := &stage{Tenant: sim, t: t, dir: t.TempDir()}
	if err := sim.WriteDir(s.dir); err != nil {
		t.Fatal(err)
	}
	s.write("breakglass.yaml", desiredFor(sim))
	return s
}

// mend clears a tenant's faults.
func mend(t *simtenant.Tenant) error {
	req, err := http.NewRequest(http.MethodDelete, t.URL()+"/_sim/faults", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+t.Credentials().ControlToken)
	res, err := t.Client().Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// hurry lets a tenant answer at once: no throttling, no waiting for new objects.
func hurry(t *simtenant.Tenant) {
	_ = t.State().Update(func(tx *state.Tx) error { // cannot fail
		tx.World().Throttle, tx.World().ReplicationDelay = false, 0
		return nil
	})
}

// desiredFor is a plan for a tenant: the demo's, about the emergency accounts that are there.
func desiredFor(t *simtenant.Tenant) *config.Desired {
	e := t.Endpoints()
	d := demoPlan(e.TenantID, e.InitialDomain)
	names := emergency(t)
	for i := range d.Accounts {
		if i < len(names) && !slices.Contains(names, d.Accounts[i].UserPrincipalName) {
			d.Accounts[i].UserPrincipalName = names[i]
		}
	}
	if isFree(t) {
		d.Tenant.Profile, d.RestrictedUnit, d.ExclusionGroup = "free", nil, nil
	}
	return d
}

// admit takes the normal administrator out of every policy: in some tenants they ask for a key
// or a device that a code on a telephone does not stand for.
func (s *stage) admit() {
	const policies = "identity/conditionalAccess/policies"
	_ = s.State().Update(func(tx *state.Tx) error { // cannot fail
		for _, p := range tx.List(policies) {
			users := p["conditions"].(map[string]any)["users"].(map[string]any)
			list, _ := users["excludeUsers"].([]any)
			users["excludeUsers"] = append(list, s.Credentials().DeviceUser.ID)
			tx.Put(policies, p)
		}
		return nil
	})
}

// emergency are the names of the accounts that the tenant's story calls emergency accounts.
func emergency(t *simtenant.Tenant) []string {
	var names []string
	t.State().View(func(tx *state.Tx) {
		for _, u := range tx.List("users") {
			if name := u.String("userPrincipalName"); strings.HasPrefix(name, "ops-") {
				names = append(names, name)
			}
		}
	})
	slices.Sort(names)
	return names
}

// isFree says whether a tenant has no premium licence.
func isFree(t *simtenant.Tenant) bool {
	free := true
	t.State().View(func(tx *state.Tx) {
		for _, sku := range tx.List("subscribedSkus") {
			text, _ := json.Marshal(sku["servicePlans"])
			free = free && !strings.Contains(string(text), "AAD_PREMIUM")
		}
	})
	return free
}

func (s *stage) write(name string, d *config.Desired) {
	s.t.Helper()
	text, err := config.Format(d)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(s.path(name), text, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

// said is what a command printed and how it ended.
type said struct {
	code           int
	stdout, stderr string
}

// all is everything that a person or a log saw.
func (r said) all() string { return r.stdout + r.stderr }

// run runs one command with the plan breakglass.yaml where the command has one.
func (s *stage) run(args ...string) said {
	s.t.Helper()
	return s.runWith(map[string]string{simEnv: s.dir}, args...)
}

// runWith runs one command in an environment of its own.
func (s *stage) runWith(env map[string]string, args ...string) said {
	s.t.Helper()
	var out, errs bytes.Buffer
	d := &deps{
		stdin: strings.NewReader(""), stdout: &out, stderr: &prompted{Writer: &errs, stage: s}, now: time.Now,
		getenv: func(key string) string { return env[key] },
	}
	limit := s.limit
	if limit == 0 {
		limit = time.Minute // no command here takes that long
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	code := run(ctx, d, args)
	return said{code, out.String(), errs.String()}
}

// must is run for a command that has to end with one of some codes.
func (s *stage) must(codes []int, args ...string) said {
	s.t.Helper()
	r := s.run(args...)
	if !slices.Contains(codes, r.code) {
		s.t.Fatalf("breakglass %s ended with %d, want one of %v\n%s%s", strings.Join(args, " "), r.code, codes, r.stdout, r.stderr)
	}
	return r
}

// config is the flag that names the stage's plan.
func (s *stage) config() string { return "--config=" + s.path("breakglass.yaml") }

// asPerson are the flags with which the tenant's normal administrator signs in; the stage
// itself goes to the page and enters the code that the command shows.
func (s *stage) asPerson() []string {
	return []string{"--auth", "device-code", "--client-id", s.Credentials().Operator.ClientID}
}

// prompted is stderr with a person in front of it who does what a sign-in asks.
type prompted struct {
	io.Writer
	stage *stage
}

var deviceCode = regexp.MustCompile(`page (\S+) and enter the code (\S+)`)

func (p *prompted) Write(line []byte) (int, error) {
	if m := deviceCode.FindSubmatch(line); m != nil {
		if err := p.stage.enter(string(m[1]), string(m[2])); err != nil {
			p.stage.t.Errorf("enter the code: %v", err)
		}
	}
	return p.Writer.Write(line)
}

const telephone = "246810"

// enter is the administrator at the sign-in page, from the code to the end.
func (s *stage) enter(page, code string) error {
	_ = s.State().Update(func(tx *state.Tx) error { // what the telephone will show; cannot fail
		for _, m := range tx.List("authenticationMethods") {
			if m.String("_user") == s.Credentials().DeviceUser.ID {
				m["_code"] = telephone
				tx.Put("authenticationMethods", m)
			}
		}
		return nil
	})
	jar, _ := cookiejar.New(nil) // never fails without options
	browser := &http.Client{Transport: s.Client().Transport, Jar: jar}
	res, err := browser.Get(page)
	for range 10 {
		if err != nil {
			return err
		}
		data, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		action, values := s.answers(string(data), code)
		if action == "" {
			return nil
		}
		next, err2 := res.Request.URL.Parse(action)
		if err2 != nil {
			return err2
		}
		res, err = browser.PostForm(next.String(), values)
	}
	return fmt.Errorf("the sign-in does not end")
}

var (
	formAction = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
	formField  = regexp.MustCompile(`<(?:input|button)[^>]*name="([^"]*)"[^>]*>`)
	fieldValue = regexp.MustCompile(`value="([^"]*)"`)
)

// answers fills in a form; no action means that there is none.
func (s *stage) answers(page, code string) (string, url.Values) {
	action := formAction.FindStringSubmatch(page)
	if action == nil {
		return "", nil
	}
	who := s.Credentials().DeviceUser
	known := map[string]string{"loginfmt": who.UserPrincipalName, "passwd": who.Password, "otc": telephone, "accept": "1", "go": "1", "stay": "no", "later": "1"}
	if strings.HasSuffix(action[1], "/deviceauth") {
		known["otc"] = code
	}
	values := url.Values{}
	for _, m := range formField.FindAllStringSubmatch(page, -1) {
		if v := fieldValue.FindStringSubmatch(m[0]); v != nil && strings.Contains(m[0], `type="hidden"`) {
			values.Set(m[1], html.UnescapeString(v[1]))
		}
		if a, ok := known[m[1]]; ok {
			values.Set(m[1], a)
		}
	}
	return html.UnescapeString(action[1]), values
}
