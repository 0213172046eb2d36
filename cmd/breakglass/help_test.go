package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Every command can be learnt from its own help: what it does, what each flag means, and, where
// it takes more than flags, an example.
func TestEveryCommandExplainsItself(t *testing.T) {
	s := &stage{t: t, dir: t.TempDir()}
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() && sub.Name() != "help" && sub.Name() != "completion" {
				visit(sub)
			}
		}
		path := strings.Fields(cmd.CommandPath())[1:]
		r := s.runWith(nil, append(path, "--help")...)
		if r.code != exitOK || r.stderr != "" {
			t.Errorf("%s --help ended with %d: %s", cmd.CommandPath(), r.code, r.stderr)
		}
		if short := cmd.Short; short == "" || strings.HasSuffix(short, ".") || utf8.RuneCountInString(short) > 90 {
			t.Errorf("%s: the line that stands in lists is %q", cmd.CommandPath(), short)
		}
		if cmd.Runnable() && len(cmd.Long) < 60 {
			t.Errorf("%s: its help says too little: %q", cmd.CommandPath(), cmd.Long)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || !f.Hidden && !strings.Contains(r.stdout, "--"+f.Name) {
				t.Errorf("%s: the flag --%s is not explained", cmd.CommandPath(), f.Name)
			}
		})
		for line := range strings.Lines(r.stdout) {
			if !strings.HasPrefix(line, "  ") && utf8.RuneCountInString(line) > 101 {
				t.Errorf("%s: a line of its help is too long: %s", cmd.CommandPath(), line)
			}
		}
	}
	visit(newRootCommand(processDeps()))
}

// What shells and man make of the commands.
func TestCompletionAndManualPages(t *testing.T) {
	s := &stage{t: t, dir: t.TempDir()}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if r := s.runWith(nil, "completion", shell); r.code != exitOK || !strings.Contains(r.stdout, "breakglass") {
			t.Errorf("completion for %s ended with %d: %s", shell, r.code, r.stderr)
		}
	}
	if r := s.runWith(nil, "__complete", "sna"); !strings.Contains(r.stdout, "snapshot") {
		t.Errorf("sna is not completed to snapshot: %s", r.stdout)
	}
	if r := s.runWith(nil, "man", s.dir); r.code != exitOK {
		t.Fatalf("man ended with %d: %s", r.code, r.stderr)
	}
	pages, err := filepath.Glob(s.path("breakglass*.1"))
	if err != nil || len(pages) < 10 {
		t.Fatalf("%d manual pages (%v)", len(pages), err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil || !strings.HasPrefix(strings.TrimLeft(string(text), "\n"), ".") || !strings.Contains(string(text), ".SH") {
			t.Errorf("%s is no manual page (%v)", filepath.Base(page), err)
		}
	}
}
