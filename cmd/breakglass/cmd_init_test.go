package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"breakglass/internal/config"
)

// atTerminal is a person who types these lines.
func atTerminal(lines ...string) (*deps, *strings.Builder, *strings.Builder) {
	var out, errs strings.Builder
	return &deps{
		stdin: strings.NewReader(strings.Join(lines, "\n") + "\n"), stdout: &out, stderr: &errs,
		getenv: func(string) string { return "" }, now: func() time.Time { return time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) },
		asks: true,
	}, &out, &errs
}

func TestAnInterviewEndsInAPlanThatStands(t *testing.T) {
	dir := t.TempDir()
	key, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	d, out, errs := atTerminal(
		"nonsense", "72f988bf-86f1-41af-91ab-2d7cd011db47", // a wrong answer is asked for again
		"contoso.onmicrosoft.com", "", "",
		"yes", "age1wrong", key.Recipient().String(),
		"Anna Example", "+49 30 1001", "anna@example.net", "E1",
		"Ben Example", "not a number", "+49 30 1002, +49 170 1002", "", "E2",
		"Carla Example", "+49 30 1003", "", "",
		"Dirk Example", "+49 30 1004", "", "",
		"Eva Example", "+49 30 1005", "", "",
		"Fritz Example", "+49 30 1006", "", "",
		"",
		"Street 1, safe 1", "always", "gate", "1", "1",
		"Street 2, safe 2", "always", "gate", "2", "2",
		"Street 3, safe 3", "always", "gate", "9", "3", "3",
		"",
		"4 5 6",                           // approvers
		"1 2", "", "", "", "", "", "", "", // duties
		"+49 30 1000", "R", "D", "C", "B", "", // support
	)
	o := initOptions{access: access{config: filepath.Join(dir, "breakglass.yaml")}}
	if err := runInit(context.Background(), o, d); err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	want, err := config.Load(o.config)
	if err != nil {
		t.Fatal(err)
	}
	people := openPeople(t, o.beside(peopleName), key)
	for _, p := range config.LintKnown(want, config.Known{People: people, Domains: []string{}}) {
		expected := []string{"channels-few", "dead-man-missing", "duty-missing"}
		if !slices.Contains(expected, p.Code) {
			t.Errorf("%s: %s", p.Code, p.Message)
		}
	}
	if q := want.Accounts[0].Quorum; q == nil || q.Locations != 2 || len(q.Sheets) != 3 {
		t.Errorf("the quorum is %+v", q)
	}
	if p, _ := people.Person("p-02"); !slices.Equal(p.Phones, []string{"+49 30 1002", "+49 170 1002"}) {
		t.Errorf("Ben is %+v", p)
	}
	noSecretIn(t, dir, out.String()+errs.String())
}

func openPeople(t *testing.T, path string, key age.Identity) *config.People {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	people, err := config.DecryptPeople(path, f, key)
	if err != nil {
		t.Fatal(err)
	}
	return people
}

// noSecretIn checks that names and addresses are in people.age alone: in no other file, and
// of the output only in the list that the person chooses from.
func noSecretIn(t *testing.T, dir, output string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 4 {
		t.Fatalf("got files %v, %v", files, err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, private := range []string{"Anna", "Street 1", "+49 30"} {
			if strings.Contains(string(data), private) {
				t.Errorf("%s shows %q", path, private)
			}
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(path) == peopleName && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
	}
	if strings.Contains(output, "Street 1") || strings.Contains(output, "+49 30 100") {
		t.Error("an answer is told again")
	}
}

func TestAPersonWhoAnswersNothingIsNotAskedForever(t *testing.T) {
	d, _, _ := atTerminal("a", "b", "c", "d", "e", "f", "g")
	o := initOptions{access: access{config: filepath.Join(t.TempDir(), "breakglass.yaml")}}
	err := runInit(context.Background(), o, d)
	if err == nil || exitCode(err) != exitUsage {
		t.Errorf("got %v", err)
	}
	d, _, _ = atTerminal()
	d.stdin = strings.NewReader("")
	if err := runInit(context.Background(), o, d); err == nil || !strings.Contains(err.Error(), "read the answer") {
		t.Errorf("at the end of input: %v", err)
	}
}

func TestProposedNamesTellNothingAndDiffer(t *testing.T) {
	form := regexp.MustCompile(`^([a-z][2-9]){7}$`)
	seen := map[string]bool{}
	for range 200 {
		name := unguessable()
		if !form.MatchString(name) || seen[name] {
			t.Fatalf("%q is no fresh name", name)
		}
		seen[name] = true
	}
}

func TestAPassphraseComesFromATerminalOnly(t *testing.T) {
	d, _, _ := atTerminal("a passphrase that is long enough", "a passphrase that is long enough")
	if _, err := (&recipientFlags{passphrase: true}).resolve(d); err == nil || exitCode(err) != exitUsage {
		t.Errorf("a pipe was taken for a terminal: %v", err)
	}
	both := recipientFlags{passphrase: true, recipients: []string{"age1x"}}
	if _, err := both.resolve(d); err == nil {
		t.Error("a passphrase beside recipients was taken")
	}
}

func TestAFileIsWrittenWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := replaceFile(path, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := refuseExisting(false, path); err == nil {
		t.Error("an existing file may be overwritten")
	}
	if err := refuseExisting(true, path); err != nil {
		t.Error(err)
	}
	if err := replaceFile(filepath.Join(dir, "none", "f"), nil, 0o600); err == nil {
		t.Error("a file was written into no directory")
	}
	if files, _ := filepath.Glob(filepath.Join(dir, ".*")); len(files) != 0 {
		t.Errorf("left over: %v", files)
	}
}
