package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"breakglass/internal/config"
	"breakglass/internal/simtenant"
	"breakglass/internal/simtenant/state"
)

// The scripts of testdata/script read like sessions at a terminal. Besides testscript's own
// commands they know:
//
//	tenant NAME        start a simulated tenant that does not throttle; BREAKGLASS_SIM points to
//	                   its directory sim from here on, READER and OPERATOR are its applications
//	plan-file FILE     write a breakglass.yaml for it
//	fault JSON…        set faults on it; none: clear them
//	policy NAME STATE  somebody else gives a policy another state
//	writes N           expect that so many requests to change something have come since the last mark
//	mark               count from here
//	stop               stop the tenant
//	edit FILE OLD NEW TO   write a copy of a file with one text replaced
//	cut FILE TO        write the first half of a file
//	big FILE N         write a YAML or JSON file of N bytes
//	clock DURATION     turn its clock forward
//	world JSON         switch its surroundings, for example {"mfaServiceDown":true}
//	code N CMD ARG…    run a command and expect its exit code
//	json FILE EXPR     succeed when the text EXPR is somewhere in the compact JSON of FILE
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.Getenv("WORK")+"/home")
			env.Setenv("NO_COLOR", "1")
			env.Values[sceneKey{}] = new(scene)
			return os.MkdirAll(env.Getenv("WORK")+"/home", 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"tenant":    scriptTenant,
			"plan-file": scriptPlanFile,
			"fault":     scriptFault,
			"policy":    scriptPolicy,
			"writes":    scriptWrites,
			"mark":      func(ts *testscript.TestScript, _ bool, _ []string) { sceneOf(ts).writes.clear() },
			"stop":      func(ts *testscript.TestScript, _ bool, _ []string) { ts.Check(sceneOf(ts).tenant.Close()) },
			"edit":      scriptEdit,
			"cut":       scriptCut,
			"big":       scriptBig,
			"clock":     scriptClock,
			"world":     scriptWorld,
			"code":      scriptCode,
			"json":      scriptJSON,
		},
	})
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"breakglass": func() { os.Exit(run(context.Background(), processDeps(), os.Args[1:])) },
		"az":         azureCLIStandIn,
	})
}

// scene is what one script has started.
type scene struct {
	tenant *simtenant.Tenant
	writes requests
}

type sceneKey struct{}

func sceneOf(ts *testscript.TestScript) *scene { return ts.Value(sceneKey{}).(*scene) }

// running is the script's tenant; a script that has none yet fails.
func running(ts *testscript.TestScript, neg bool, args []string) *simtenant.Tenant {
	t := sceneOf(ts).tenant
	if neg || len(args) != 1 || t == nil {
		ts.Fatalf("one argument, and a tenant before it")
	}
	return t
}

func scriptTenant(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: tenant NAME")
	}
	dir, sc := ts.MkAbs("sim"), sceneOf(ts)
	t, err := simtenant.New(simtenant.Options{Tenant: args[0], Record: sc.writes.add})
	ts.Check(err)
	hurry(t)
	ts.Check(t.Start(""))
	ts.Defer(func() { _ = t.Close() })
	ts.Check(t.WriteDir(dir))
	ts.Setenv(simEnv, dir)
	ts.Setenv("READER", t.Credentials().Reader.ClientID)
	ts.Setenv("OPERATOR", t.Credentials().Operator.ClientID)
	sc.tenant = t
}

func scriptPlanFile(ts *testscript.TestScript, neg bool, args []string) {
	text, err := config.Format(desiredFor(running(ts, neg, args)))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
}

func scriptWrites(ts *testscript.TestScript, neg bool, args []string) {
	running(ts, neg, args)
	if got := sceneOf(ts).writes.written(); strconv.Itoa(len(got)) != args[0] {
		ts.Fatalf("%d requests changed something, want %s:\n%s", len(got), args[0], strings.Join(got, "\n"))
	}
}

func scriptFault(ts *testscript.TestScript, neg bool, args []string) {
	t := sceneOf(ts).tenant
	if neg || t == nil {
		ts.Fatalf("a tenant comes before its faults")
	}
	ts.Check(mend(t))
	for _, text := range args {
		var f simtenant.Fault
		ts.Check(json.Unmarshal([]byte(text), &f))
		ts.Check(t.Fail(f))
	}
}

func scriptPolicy(ts *testscript.TestScript, neg bool, args []string) {
	const policies = "identity/conditionalAccess/policies"
	found := false
	ts.Check(sceneOf(ts).tenant.State().Update(func(tx *state.Tx) error {
		for _, p := range tx.List(policies) {
			if strings.HasPrefix(p.String("displayName"), args[0]) {
				p["state"], found = args[1], true
				tx.Put(policies, p)
			}
		}
		return nil
	}))
	if neg || !found {
		ts.Fatalf("there is no policy %s", args[0])
	}
}

func scriptEdit(ts *testscript.TestScript, neg bool, args []string) {
	text := ts.ReadFile(args[0])
	if neg || !strings.Contains(text, args[1]) {
		ts.Fatalf("%s holds no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o600))
}

func scriptCut(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text[:len(text)/2]), 0o600))
}

func scriptBig(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(`["`+strings.Repeat("x", n-4)+`"]`), 0o600))
}

func scriptClock(ts *testscript.TestScript, neg bool, args []string) {
	span, err := time.ParseDuration(args[0])
	ts.Check(err)
	running(ts, neg, args).State().Clock.Advance(span)
}

func scriptWorld(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(running(ts, neg, args).State().Update(func(tx *state.Tx) error {
		return json.Unmarshal([]byte(args[0]), tx.World())
	}))
}

func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N CMD ARG…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("%s ended with %d, want exit code %s", strings.Join(args[1:], " "), got, args[0])
	}
}

var blanks = regexp.MustCompile(`\s+`)

func scriptJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: json FILE TEXT")
	}
	data := ts.ReadFile(args[0])
	var v any
	ts.Check(json.Unmarshal([]byte(data), &v))
	compact, err := json.Marshal(v)
	ts.Check(err)
	if strings.Contains(string(compact), blanks.ReplaceAllString(args[1], "")) == neg {
		ts.Fatalf("%s: found=%v of %s in %s", args[0], neg, args[1], compact)
	}
}
