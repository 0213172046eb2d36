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

	"breakglass/internal/simtenant"
	"breakglass/internal/simtenant/state"
)

// The scripts of testdata/script read like sessions at a terminal. Besides testscript's own
// commands they know:
//
//	tenant NAME        start a simulated tenant; BREAKGLASS_SIM points to it from here on
//	fault JSON         set a fault on it
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
			"tenant": scriptTenant,
			"fault":  scriptFault,
			"clock":  scriptClock,
			"world":  scriptWorld,
			"code":   scriptCode,
			"json":   scriptJSON,
		},
	})
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"breakglass": func() { os.Exit(run(context.Background(), processDeps(), os.Args[1:])) },
	})
}

// scene is what one script has started.
type scene struct{ tenant *simtenant.Tenant }

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
	dir := ts.MkAbs("sim")
	t, err := simtenant.New(simtenant.Options{Tenant: args[0]})
	ts.Check(err)
	ts.Check(t.Start(""))
	ts.Defer(func() { _ = t.Close() })
	ts.Check(t.WriteDir(dir))
	ts.Setenv(simEnv, dir)
	sceneOf(ts).tenant = t
}

func scriptFault(ts *testscript.TestScript, neg bool, args []string) {
	var f simtenant.Fault
	ts.Check(json.Unmarshal([]byte(args[0]), &f))
	ts.Check(running(ts, neg, args).Fail(f))
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
