package posture

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"breakglass/internal/entra"
)

var update = flag.Bool("update", false, "write docs/checks anew from the checks")

const docs = "../../docs/checks"

// The pages of docs/checks are the checks' own data; run with -update after a change.
func TestEveryCheckHasItsPage(t *testing.T) {
	pages := map[string]string{"README.md": index()}
	for _, c := range Checks() {
		pages[c.Code+".md"] = page(c)
	}
	if *update {
		write(t, pages)
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(docs, name))
		if err != nil {
			t.Fatalf("%v; run go test ./internal/posture -run Page -update", err)
		}
		if string(got) != want {
			t.Errorf("%s does not say what the check says; run go test ./internal/posture -run Page -update", name)
		}
	}
	there, err := os.ReadDir(docs)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range there {
		if pages[e.Name()] == "" {
			t.Errorf("%s is the page of no check", e.Name())
		}
	}
}

func write(t *testing.T, pages map[string]string) {
	t.Helper()
	if err := os.MkdirAll(docs, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(docs, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func index() string {
	var b strings.Builder
	b.WriteString(`# Checks

What ` + "`breakglass check`" + ` judges. A verdict is *pass*, *fail*, *could not tell* or *not applicable*; what could not be read is
never a pass. While a check that **decides** is not a pass for any account, the answer of ` + "`breakglass status`" + ` is no, or could not tell.
These pages are written from the checks themselves. What they list under *What is read* are parts of [the snapshot file](../snapshot.md).

A verdict can be repeated by anybody who has the snapshot and the plan, without the tenant:

    breakglass check --snapshot FILE --config breakglass.yaml --offline --all

says of each fact where and when it was read; ` + "`" + `--json` + "`" + ` has the same as ` + "`" + `evidence` + "`" + `. A reading from a file is judged at the instant at
which it was taken, so the same file always gives the same answer. Without the plan, ` + "`" + `--account NAME` + "`" + ` names the accounts instead;
what only a plan can say (exclusion group, unit, cadences) is then judged by the defaults or not at all.

| Code | Check | Severity | Decides | ` + "`apply`" + ` mends it |
|---|---|---|---|---|
`)
	for _, c := range Checks() {
		fmt.Fprintf(&b, "| [%s](%s.md) | %s | %s | %s | %s |\n", c.Code, c.Code, c.Title, c.Severity, yesNo(c.Decides), yesNo(c.Mends))
	}
	return b.String()
}

func page(c Check) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s\n\n%s\n\n", c.Code, c.Title, c.Why)
	fmt.Fprintf(&b, "**Asks:** %s\n\n**Severity:** %s", c.Asks, c.Severity)
	if c.Decides {
		b.WriteString(". It decides: no account is ready while this is not a pass")
	}
	judged := "the tenant"
	if c.PerAccount() {
		judged = "each account"
	}
	fmt.Fprintf(&b, ".\n\n**Judged for:** %s.\n\n", judged)
	b.WriteString("## What is read\n\n")
	if len(c.Parts) == 0 {
		b.WriteString("Nothing of the tenant.\n")
	}
	for _, p := range c.Parts {
		fmt.Fprintf(&b, "- `%s`%s\n", strings.TrimSuffix(string(p), ":"), of(p))
	}
	b.WriteString("\nWhat of this cannot be read makes the check say *could not tell*, unless what was read settles it.\n")
	fmt.Fprintf(&b, "\n## When it fails\n\nNext: %s.\n", strings.TrimSuffix(c.Remedy, "."))
	if c.Mends {
		b.WriteString("\n`breakglass apply` can mend it.\n")
	}
	if len(c.Controls) > 0 {
		b.WriteString("\n## Controls it supports\n\n")
		for _, k := range c.Controls {
			fmt.Fprintf(&b, "- %s %s\n", k.Framework, k.ID)
		}
	}
	return b.String()
}

func of(p entra.Part) string {
	switch p {
	case entra.PartGroup, entra.PartGroupMembers:
		return " of the exclusion group"
	}
	if strings.HasSuffix(string(p), ":") {
		return " of each account"
	}
	return ""
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return ""
}
