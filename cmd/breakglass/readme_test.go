package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"breakglass/internal/config"
	"breakglass/internal/simtenant"
	"breakglass/internal/simtenant/state"
)

// The session in the README is run as it stands, on the demo's tenant. In its output "…"
// stands for what differs from run to run, or was left out.
func TestReadmeSessionIsTrue(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(readme), "```console\n")
	session, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("README.md has no console session")
	}
	dir := readmeTenant(t)
	commands := strings.Split("\n"+session, "\n$ ")[1:]
	if len(commands) < 4 {
		t.Fatalf("the session has %d commands: status, plan, apply, status are the story", len(commands))
	}
	for _, c := range commands {
		line, want, _ := strings.Cut(c, "\n")
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, simEnv+"="+dir)
		out, _ := cmd.CombinedOutput() // a status of "no" ends with an exit code; the text is what counts
		if !sessionPattern(want).Match(out) {
			t.Errorf("$ %s\nprinted:\n%s\nthe README says:\n%s", line, out, want)
		}
	}
}

// sessionPattern matches output against the README's words; "…" matches anything, over lines.
func sessionPattern(want string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(strings.TrimSpace(want))
	return regexp.MustCompile(`(?s)^\s*` + strings.ReplaceAll(quoted, "…", ".*") + `\s*$`)
}

func readmeTenant(t *testing.T) string {
	t.Helper()
	tenant, err := simtenant.New(simtenant.Options{Tenant: "broken-lockout"})
	if err != nil {
		t.Fatal(err)
	}
	_ = tenant.State().Update(func(tx *state.Tx) error { tx.World().Throttle = false; return nil })
	if err := tenant.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tenant.Close() })
	dir := t.TempDir()
	if err := tenant.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	e := tenant.Endpoints()
	text, err := config.Format(demoPlan(e.TenantID, e.InitialDomain))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "breakglass.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
