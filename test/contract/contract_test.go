package contract

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPermissionsAreMicrosofts(t *testing.T) {
	c := fresh(t)
	for _, x := range []struct {
		method, path, scheme, has, least string
		ok                               bool
	}{
		{"GET", "/users", "Application", "User.Read.All", "User.ReadBasic.All", true},
		{"get", "/v1.0/users/{id}", "DelegatedWork", "Directory.Read.All", "User.ReadBasic.All", true},
		{"PATCH", "/identity/conditionalAccess/policies/" + aID, "Application", "Policy.ReadWrite.ConditionalAccess", "Policy.Read.All", true},
		{"GET", "/beta/users/" + aID + "/authentication/requirements", "Application", "Policy.Read.All", "Policy.Read.All", true},
		{"POST", "/groups/" + aID + "/members/$ref", "Application", "", "", false}, // the data know the call, not its permissions
		{"GET", "/roleManagement/directory/roleAssignmentScheduleInstances", "Application", "RoleManagement.Read.Directory", "RoleAssignmentSchedule.Read.Directory", true},
		{"PUT", "/users", "Application", "", "", false},
		{"GET", "/nothing", "Application", "", "", false},
		{"GET", "/users", "Anonymous", "", "", false},
	} {
		perms, least, ok := c.Permissions(x.method, x.path, x.scheme)
		if ok != x.ok || x.has != "" && !slices.Contains(perms, x.has) || x.least != "" && !slices.Contains(least, x.least) {
			t.Errorf("%s %s as %s: %v, least %v, %v; want %s, least %s, %v", x.method, x.path, x.scheme, perms, least, ok, x.has, x.least, x.ok)
		}
		for _, p := range append(perms, least...) {
			if strings.Contains(p, "*") {
				t.Errorf("%s %s: the mark of the least is left in %q", x.method, x.path, p)
			}
		}
	}
}

// The dangerous writes must not look as if reading sufficed: the data list them side by side.
func TestPermissionListsNameEveryAlternative(t *testing.T) {
	c := fresh(t)
	perms, _, _ := c.Permissions("PATCH", "/users/{id}", "Application")
	for _, p := range []string{"User-PasswordProfile.ReadWrite.All", "User.EnableDisableAccount.All", "User.ReadWrite.All"} {
		if !slices.Contains(perms, p) {
			t.Errorf("PATCH /users/{id} lists no %s: %v", p, perms)
		}
	}
}

func TestAnExceptionCoversWhatItNamesAndNothingElse(t *testing.T) {
	p := Problem{Side: "answer", Code: unknownProperty, Method: "GET", Path: "beta /users/{}", Type: "user", Name: "zodiac"}
	for _, x := range []struct {
		e    Exception
		want bool
	}{
		{Exception{Code: unknownProperty, Type: "user", Member: "zodiac"}, true},
		{Exception{Code: unknownProperty, Type: "user", Member: "zod*"}, true},
		{Exception{Code: unknownProperty, Type: "user", Member: "sign"}, false},
		{Exception{Side: "request", Type: "user", Member: "zodiac"}, false},
		{Exception{Code: unknownMember, Member: "zodiac"}, false},
		{Exception{Path: "v1.0 *", Member: "zodiac"}, false},
		{Exception{Path: "beta /users/{}", Member: "zodiac"}, true},
		{Exception{Path: "beta *", Member: "zodiac"}, true},
		{Exception{Path: "* /users*", Member: "zodiac"}, true},
		{Exception{Path: "*/{}", Member: "zodiac"}, true},
		{Exception{Path: "*/users", Member: "zodiac"}, false},
		{Exception{Path: "beta /users", Member: "zodiac"}, false},
	} {
		if got := x.e.covers(p); got != x.want {
			t.Errorf("%+v covers %v: %v", x.e, p, got)
		}
	}
}

func TestExceptionsCountTheirUse(t *testing.T) {
	c := fresh(t)
	old := exceptions
	t.Cleanup(func() { exceptions = old })
	exceptions = []Exception{
		{Name: "a property seen live only", Code: unknownProperty, Type: "user", Member: "zodiac", Source: "nowhere"},
		{Name: "one that nobody needs", Code: unknownProperty, Type: "user", Member: "phase", Source: "nowhere"},
	}
	body := strings.Replace(oneUser, `"id"`, `"zodiac":"x","id"`, 1)
	expect(t, c, exchange{call: "GET /v1.0/users", status: 200, answer: userList(body)})
	if got := c.Used(); got["a property seen live only"] != 1 || len(got) != 1 {
		t.Errorf("used: %v", got)
	}
	if left := c.Unused(); len(left) != 1 || left[0].Name != "one that nobody needs" {
		t.Errorf("unused: %v", left)
	}
}

func TestEveryExceptionIsNamedOnceAndHasASource(t *testing.T) {
	seen := map[string]bool{}
	for _, x := range exceptions {
		switch {
		case x.Name == "" || seen[x.Name]:
			t.Errorf("the name %q is empty or used twice", x.Name)
		case !strings.Contains(x.Source, "domain.md") && !strings.Contains(x.Source, "clients.md") && !strings.Contains(x.Source, "design.md") && !strings.Contains(x.Source, "contracts/README.md"):
			t.Errorf("%s has no source in our notes: %q", x.Name, x.Source)
		case x.Code == "":
			t.Errorf("%s lets every kind of problem through", x.Name)
		case x.Path == "" && x.Type == "" && x.Member == "":
			t.Errorf("%s is not bound to a path, type or member", x.Name)
		}
		seen[x.Name] = true
	}
}

func TestMissingContractsSkipButFailInCI(t *testing.T) {
	_, err := Load(t.TempDir())
	if !IsMissing(err) {
		t.Errorf("an empty directory gives %v", err)
	}
	dir := t.TempDir()
	for _, name := range append([]string{"graph-v1.0.json", "graph-beta.json"}, armFiles...) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Load(dir); err == nil || IsMissing(err) {
		t.Errorf("empty files load: %v", err)
	}
	t.Chdir(t.TempDir())
	if _, err := Find(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("outside a repository Find gives %v", err)
	}
	for ci, want := range map[string]string{"": "skipped", "true": "failed"} {
		t.Setenv("CI", ci)
		if got := outcome(func(tb testing.TB) { Open(tb) }); got != want {
			t.Errorf("CI=%q without contracts: %s, want %s", ci, got, want)
		}
	}
}

// stopped is what fakeTB panics with in place of leaving the goroutine.
type stopped string

// fakeTB is a test that remembers how it ended.
type fakeTB struct {
	testing.TB
	errors   []string
	cleanups []func()
}

func (f *fakeTB) Helper()               {}
func (f *fakeTB) Cleanup(fn func())     { f.cleanups = append(f.cleanups, fn) }
func (f *fakeTB) Skipf(string, ...any)  { panic(stopped("skipped")) }
func (f *fakeTB) Fatalf(string, ...any) { panic(stopped("failed")) }
func (f *fakeTB) Errorf(format string, a ...any) {
	f.errors = append(f.errors, fmt.Sprintf(format, a...))
}

func outcome(run func(testing.TB)) (how string) {
	defer func() {
		if s, ok := recover().(stopped); ok {
			how = string(s)
		}
	}()
	run(&fakeTB{})
	return "went on"
}

func TestTheRecorderFailsTheTestWithEachProblemOnce(t *testing.T) {
	c := fresh(t)
	f := &fakeTB{}
	record := Recorder(f, c)
	bad := exchange{call: "GET /v1.0/users?$select=nope"}.full()
	for range 3 {
		record(bad)
	}
	record(exchange{call: "GET /v1.0/users"}.full())
	f.cleanups[0]()
	if len(f.errors) != 1 || !strings.Contains(f.errors[0], "nope") {
		t.Errorf("the recorder reported %q", f.errors)
	}
	idle := &fakeTB{}
	Recorder(idle, c)
	idle.cleanups[0]()
	if len(idle.errors) != 1 {
		t.Errorf("a recorder that saw nothing reported %q", idle.errors)
	}
}

// A problem names places, not values: what is checked may carry passwords.
func TestProblemsHoldNoValues(t *testing.T) {
	c := fresh(t)
	for _, x := range []exchange{
		{call: "PATCH /v1.0/users/" + aID, body: `{"passwordProfile":{"password":["hunter2"],"forceChangePasswordNextSignIn":"hunter2"}}`},
		{call: "PATCH /v1.0/users/" + aID, body: `{"passwordProfile":"hunter2"}`},
		{call: "PATCH /v1.0/users/" + aID, body: `{"passwordProfile":{"password":"hunter2"}`},
		{call: "GET /v1.0/users?$filter=displayName eq hunter2' '"},
		{call: "PUT " + group + "/providers/Microsoft.Insights/actionGroups/a?api-version=2023-01-01", body: `{"location":["hunter2"],"properties":{"groupShortName":{"a":"hunter2"},"enabled":"hunter2"}}`},
	} {
		problems := c.Check(x.full())
		if len(problems) == 0 {
			t.Errorf("%s passes", x.call)
		}
		for _, p := range problems {
			if strings.Contains(p.Detail, "hunter2") && !strings.Contains(x.call, "hunter2") {
				t.Errorf("a problem holds a value: %s", p)
			}
		}
	}
}
