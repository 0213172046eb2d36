package main

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/internal/simtenant"
	"breakglass/internal/simtenant/state"
)

// The first password of an account is in the one request that creates the account and nowhere
// else, whatever goes wrong with that request; and no other secret is ever printed or written.
func TestSecretsAppearNowhere(t *testing.T) {
	const create = "^/v1.0/users$"
	faults := map[string]simtenant.Fault{
		"nothing":             {},
		"cut before":          {Action: simtenant.DropBefore},
		"answer lost":         {Action: simtenant.DropAfter},
		"answer cut":          {Action: simtenant.CutBody},
		"500":                 {Action: simtenant.Status, Status: 500},
		"a proxy's page":      {Action: simtenant.Status, Status: 502, Body: "html"},
		"throttled":           {Action: simtenant.Throttled, RetryAfter: "1"},
		"throttled for hours": {Action: simtenant.Throttled, RetryAfter: "9999", Times: -1},
		"forbidden":           {Action: simtenant.Forbidden},
		"no permission":       {Action: simtenant.PermissionMissing, Permission: "User.ReadWrite.All", Times: -1},
	}
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // some wait for what was lost
			var w witnessed
			s := newStage(t, "empty", w.add)
			own := s.files() // the simulator's own files hold its secrets
			plan := s.path("tonight.plan")
			w.see("plan", s.must([]int{exitOK}, "plan", s.config(), "--out", plan, "--json").all())
			if f.Action != "" {
				f.Method, f.Path = http.MethodPost, create
				if err := s.Fail(f); err != nil {
					t.Fatal(err)
				}
			}
			s.limit = 6 * time.Second // what was lost is looked for longer than this test waits
			w.see("apply", s.run("apply", plan, s.config(), "--yes", "--json").all())
			if err := mend(s.Tenant); err != nil {
				t.Fatal(err)
			}
			s.limit = 0
			s.State().Clock.Advance(time.Hour)
			w.see("apply again", s.must([]int{exitOK}, "apply", plan, s.config(), "--yes", "--json").all())
			for _, args := range [][]string{{"snapshot"}, {"check", "--all"}, {"status"}, {"lockout"}} {
				w.see(args[0], s.run(append(args, s.config())...).all())
			}
			for name, text := range s.files() {
				if own[name] == "" || own[name] != text {
					w.see("the file "+name, text)
				}
			}
			w.judge(t, s)
		})
	}
}

// witnessed is what was printed, written and sent.
type witnessed struct {
	mu        sync.Mutex
	exchanges []simtenant.Exchange // guarded by mu
	texts     []string             // guarded by mu; what it is, a colon, and the text
}

func (w *witnessed) add(x simtenant.Exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchanges = append(w.exchanges, x)
}

func (w *witnessed) see(what, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, what+": "+text)
}

// files are the texts of all files of the stage by name.
func (s *stage) files() map[string]string {
	s.t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(s.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		out[strings.TrimPrefix(path, s.dir)] = string(data)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// judge looks for every secret in everything that was witnessed.
func (w *witnessed) judge(t *testing.T, s *stage) {
	t.Helper()
	passwords := w.passwords(s)
	if len(passwords) < 2 {
		t.Fatalf("only %d first passwords were set: there is nothing to look for", len(passwords))
	}
	for what, secret := range w.secrets(s) {
		for _, text := range w.texts {
			if strings.Contains(text, secret) {
				at, _, _ := strings.Cut(text, ":")
				t.Errorf("%s is in the output of %s", what, at)
			}
		}
	}
	for _, password := range passwords {
		for _, text := range w.texts {
			if forms(text, password) {
				at, _, _ := strings.Cut(text, ":")
				t.Errorf("an account's first password is in the output of %s", at)
			}
		}
		w.onlyInCreation(t, password)
	}
}

// forms says whether a text holds a secret as it is, or as JSON or a URL would write it.
func forms(text, secret string) bool {
	quoted, _ := json.Marshal(secret)
	return strings.Contains(text, secret) || strings.Contains(text, strings.Trim(string(quoted), `"`)) || strings.Contains(text, url.QueryEscape(secret))
}

// onlyInCreation looks for a password in all requests and answers.
func (w *witnessed) onlyInCreation(t *testing.T, password string) {
	t.Helper()
	for _, x := range w.exchanges {
		headers, _ := json.Marshal([]http.Header{x.RequestHeader, x.Header})
		if forms(x.URL+string(headers)+string(x.Body), password) {
			t.Errorf("an account's first password is in the URL, the headers or the answer of %s %s", x.Method, x.URL)
		}
		if creation := x.Method == http.MethodPost && strings.HasSuffix(x.URL, "/v1.0/users"); !creation && forms(string(x.RequestBody), password) {
			t.Errorf("an account's first password is in the request %s %s", x.Method, x.URL)
		}
	}
}

// passwords are the first passwords that were sent, and those that the tenant remembers.
func (w *witnessed) passwords(s *stage) []string {
	var out []string
	for _, x := range w.exchanges {
		var body struct {
			Profile struct {
				Password string `json:"password"`
			} `json:"passwordProfile"`
		}
		if json.Unmarshal(x.RequestBody, &body) == nil && body.Profile.Password != "" {
			out = append(out, body.Profile.Password)
		}
	}
	names := emergency(s.Tenant)
	s.State().View(func(tx *state.Tx) {
		for _, u := range tx.List("users") {
			if slices.Contains(names, u.String("userPrincipalName")) {
				out = append(out, u.String("_password"))
				if !slices.Contains(out[:len(out)-1], u.String("_password")) {
					s.t.Errorf("%s has a password that was in no request", u.String("userPrincipalName"))
				}
			}
		}
	})
	return out
}

// secrets are the tenant's own: of its applications and its administrator, and every token and
// assertion that went over the wire.
func (w *witnessed) secrets(s *stage) map[string]string {
	c := s.Credentials()
	out := map[string]string{
		"the reader's secret": c.Reader.ClientSecret, "the operator's secret": c.Operator.ClientSecret,
		"the administrator's password": c.DeviceUser.Password, "the control token": c.ControlToken,
	}
	for _, name := range []string{c.Reader.CertificateFile, c.Operator.CertificateFile} {
		_, key, _ := strings.Cut(s.files()["/"+name], "PRIVATE KEY-----\n")
		line, _, _ := strings.Cut(key, "\n")
		if len(line) < 40 {
			s.t.Errorf("%s holds no key to look for", name)
		}
		out["the key of "+name] = line
	}
	for _, x := range w.exchanges {
		if h := x.RequestHeader.Get("Authorization"); len(h) > 40 {
			out["a token"] = strings.TrimPrefix(h, "Bearer ")
		}
		if form, err := url.ParseQuery(string(x.RequestBody)); err == nil && form.Get("client_assertion") != "" {
			out["an assertion"] = form.Get("client_assertion")
		}
	}
	if out["a token"] == "" || out["an assertion"] == "" {
		s.t.Error("no token or no assertion went over the wire: there is nothing to look for")
	}
	return out
}
