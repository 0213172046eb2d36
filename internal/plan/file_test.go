package plan

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sample(t testing.TB) (*Plan, []byte) {
	t.Helper()
	p := mustMake(t, withGroup(wanted2()), newTenant(t).snapshot())
	data, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return p, data
}

func TestPlanFileIsReadAsItWasWritten(t *testing.T) {
	p, data := sample(t)
	got, err := Decode("plan.json", data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := got.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(data), string(again)); diff != "" {
		t.Errorf("written again (-first +second):\n%s", diff)
	}
	if a, b := must(p.digest()), must(got.digest()); a != b {
		t.Errorf("the digest changes from %s to %s: a journal would not fit its plan", a, b)
	}
	if !strings.Contains(string(data), RandomPassword) {
		t.Errorf("the placeholder of the password is not readable in the file")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestDamagedPlanFileIsRefusedWithThePlace(t *testing.T) {
	_, data := sample(t)
	text := string(data)
	swap := func(old, put string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("the sample has no %q", old)
		}
		return strings.Replace(text, old, put, 1)
	}
	for name, c := range map[string]struct{ file, want string }{
		"empty":                {"", "plan.json:1:1: the file ends"},
		"not JSON":             {"steps: []", "plan.json:1:1: not JSON"},
		"cut":                  {text[:len(text)/2], "plan.json:"},
		"unknown member":       {swap(`"steps": [`, `"stepps": [], "steps": [`), `unknown member "stepps"`},
		"letter case":          {swap(`"tenantId"`, `"tenantID"`), `plan.json:4:3: unknown member "tenantID"`},
		"twice":                {swap(`"steps": [`, `"version": 1, "steps": [`), `"version" stands here twice`},
		"twice in a body":      {swap(`"accountEnabled": true`, `"accountEnabled": true, "accountEnabled": true`), "twice"},
		"wrong type":           {swap(`"version": 1`, `"version": "1"`), "plan.json:3:"},
		"two values":           {text + "{}", "something follows"},
		"another format":       {swap(Format, "breakglass snapshot"), "another kind of file"},
		"another version":      {swap(`"version": 1`, `"version": 2`), "version 2"},
		"no steps":             {`{"format":"breakglass plan","version":1,"tenantId":"x","accounts":[]}`, "steps and accounts must be lists"},
		"too deep":             {`{"steps":` + strings.Repeat("[", 100), "nested too deeply"},
		"a step of its own":    {swap(`"after": [`, `"after": ["nowhere", `), "not before it"},
		"an escaped name":      {swap(`"passwordProfile"`, `"passwordProf\u0069le"`), "escape"},
		"unproven":             {swap(`"conditions": [`, `"conditions": [], "x": [`), "unknown member"},
		"sign-in out of reach": {swap(`"path": "/users"`, `"path": "/me/sendMail"`), "not a request that a plan may hold"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode("plan.json", []byte(c.file))
			var bad *FileError
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Decode says %v, not %q", err, c.want)
			}
		})
	}
}

// TestEditedPlanCanOnlyDoWhatPlansDo: whoever edits the file cannot make Apply a tool for
// something else.
func TestEditedPlanCanOnlyDoWhatPlansDo(t *testing.T) {
	for name, edit := range map[string]func(p *Plan){
		"another role":             inBody("role-a", "62e90394-69f5-4237-9190-012177145e10", "e8611ab8-c189-46e8-94e1-60213ab1f814"),
		"another holder":           inBody("role-a", "{account:a}", ada),
		"a chosen password":        inBody("create-a", RandomPassword, "hunter2"),
		"a change at sign-in":      inBody("create-a", `"forceChangePasswordNextSignIn":false`, `"forceChangePasswordNextSignIn":true`),
		"one more property":        inBody("create-a", `"accountEnabled":true`, `"accountEnabled":true,"otherMails":["eve@example.com"]`),
		"an account switched off":  inBody("create-a", `"accountEnabled":true`, `"accountEnabled":false`),
		"a policy's state":         inBody("exclude-"+policyMFA, `{"conditions":`, `{"state":"disabled","conditions":`),
		"a limited assignment":     inBody("role-a", "noExpiration", "afterDuration"),
		"a foreign reference":      inBody("group-member-a", GraphBase, "https://evil.example"),
		"a stranger made a member": inBody("group-member-a", "{account:a}", ada),
		"a second spelling":        inBody("create-a", `"passwordProfile":`, `"PasswordProfile":{"password":"hunter2","forceChangePasswordNextSignIn":false},"passwordProfile":`),
		"a stranger excluded": func(p *Plan) {
			for i := range p.Steps {
				if p.Steps[i].ID == "exclude-"+policyMFA {
					p.Steps[i].Verify.Conditions[0].Contains = append(p.Steps[i].Verify.Conditions[0].Contains, ada)
				}
			}
		},
		"an unknown placeholder": func(p *Plan) { p.Steps = p.Steps[1:] },
		"a write as a proof":     func(p *Plan) { p.Steps[0].Verify.Request.Method = "POST" },
		"nothing proves it":      func(p *Plan) { p.Steps[0].Verify.Conditions = nil },
		"the same id twice":      func(p *Plan) { p.Steps[1].ID = p.Steps[0].ID },
		"creates unsaid":         func(p *Plan) { p.Steps[0].Creates = "" },
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := sample(t)
			edit(p)
			data, err := p.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Decode("plan.json", data); err == nil {
				t.Errorf("Decode takes it")
			}
			w := newTenant(t)
			if _, err := applyOnce(p, w, options(t, w)); err == nil || len(w.writes) != 0 {
				t.Errorf("Apply: %v after %d writes", err, len(w.writes))
			}
		})
	}
}

func inBody(step, old, put string) func(*Plan) {
	return func(p *Plan) {
		for i := range p.Steps {
			if p.Steps[i].ID == step {
				was := string(p.Steps[i].Request.Body)
				p.Steps[i].Request.Body = json.RawMessage(strings.ReplaceAll(was, old, put))
				if string(p.Steps[i].Request.Body) == was {
					panic("nothing was edited in " + was)
				}
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	_, data := sample(f)
	f.Add(data)
	f.Add([]byte(`{"format":"breakglass plan","version":1,"tenantId":"x","accounts":[],"steps":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Decode("plan.json", data)
		if err != nil {
			var bad *FileError
			if !errors.As(err, &bad) {
				t.Fatalf("an error without a place: %v", err)
			}
			return
		}
		again, err := p.Encode()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if _, err := Decode("again", again); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}

func TestConditions(t *testing.T) {
	a, err := decodeAnswer([]byte(`{"on":true,"name":"K7","none":null,"in":{"list":["A","b"]},"value":[{"id":"X","end":null},{"id":"y"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	paged, err := decodeAnswer([]byte(`{"value":[{"id":"X"}],"list":["a"],"@odata.nextLink":"https://x"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		a    answer
		c    Condition
		want bool
	}{
		"is":                        {a, Condition{Path: "on", Is: raw(true)}, true},
		"text in another case":      {a, Condition{Path: "name", Is: raw("k7")}, true},
		"null is null":              {a, Condition{Path: "none", Is: raw(nil)}, true},
		"absent is not null":        {a, Condition{Path: "missing", Is: raw(nil)}, false},
		"contains":                  {a, Condition{Path: "in.list", Contains: []string{"a", "B"}}, true},
		"contains not":              {a, Condition{Path: "in.list", Contains: []string{"c"}}, false},
		"lacks":                     {a, Condition{Path: "in.list", Lacks: []string{"c"}}, true},
		"lacks not":                 {a, Condition{Path: "in.list", Lacks: []string{"a"}}, false},
		"any":                       {a, Condition{Path: "value", Any: raw(object{"id": "x", "end": nil})}, true},
		"any with absent member":    {a, Condition{Path: "value", Any: raw(object{"id": "y", "end": nil})}, false},
		"none":                      {a, Condition{Path: "value", None: raw(object{"id": "z"})}, true},
		"none of a part of a list":  {paged, Condition{Path: "value", None: raw(object{"id": "z"})}, false},
		"lacks of a part of a list": {paged, Condition{Path: "list", Lacks: []string{"z"}}, false},
		"a list that is no list":    {a, Condition{Path: "name", Contains: []string{}}, false},
		"nothing asked of a text":   {a, Condition{Path: "name"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.c.holds(c.a); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
