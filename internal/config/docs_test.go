package config

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// The printed part of a page stands between these marks; the rest of it is written by hand.
const (
	beginMark = "<!-- printed from the table in internal/config: go test ./internal/config -update -->\n"
	endMark   = "<!-- end of the printed part -->\n"
)

func TestTheManualIsTheTables(t *testing.T) {
	var b bytes.Buffer
	printObject(&b, "The file", "", fileShape)
	samePrinted(t, "../../docs/configuration.md", b.String(), 0)
	b.Reset()
	printObject(&b, "people.age", "", peopleFileShape)
	samePrinted(t, "../../docs/configuration.md", b.String(), 1)
}

func TestTheRulesPageIsTheTables(t *testing.T) {
	var b bytes.Buffer
	for _, r := range Rules() {
		fmt.Fprintf(&b, "### %s\n\n*%s.* %s.\n\n%s\n\n", r.Code, r.Severity, r.Title, r.Why)
	}
	samePrinted(t, "../../docs/lint.md", b.String(), 0)
}

// samePrinted compares the nth printed part of a page.
func samePrinted(t *testing.T, path, want string, nth int) {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(page), beginMark)
	if len(parts) < nth+2 {
		t.Fatalf("%s has no printed part %d", path, nth)
	}
	got, rest, ok := strings.Cut(parts[nth+1], endMark)
	if !ok {
		t.Fatalf("%s: the printed part %d has no end", path, nth)
	}
	want = "\n" + want
	if got == want {
		return
	}
	if !*update {
		t.Errorf("%s is not what the table says: run go test ./internal/config -update, and read the difference", path)
		return
	}
	parts[nth+1] = want + endMark + rest
	if err := os.WriteFile(path, []byte(strings.Join(parts, beginMark)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// printObject prints one object's keys as a table, then the objects below it.
func printObject(b *bytes.Buffer, title, path string, s shape) {
	fmt.Fprintf(b, "### %s\n\n| key | value | default | meaning |\n|---|---|---|---|\n", title)
	for _, f := range s.fields {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.key, cell(valueColumn(f.shape)), cell(defaultColumn(f)), cell(f.doc))
	}
	b.WriteByte('\n')
	for _, f := range s.fields {
		at, inner := join(path, f.key), f.shape
		for inner.item != nil {
			if inner.kind == kindList {
				at += "[]"
			} else {
				at += ".NAME"
			}
			inner = *inner.item
		}
		if inner.kind == kindObject && f.key != "pin" {
			printObject(b, "`"+at+"`", at, inner)
		}
	}
}

func valueColumn(s shape) string {
	switch s.kind {
	case kindObject:
		return "keys, see below"
	case kindList:
		if s.item.kind == kindObject {
			return "a list, see below"
		}
		return "a list: " + need(*s.item)
	case kindMap:
		if s.keys != nil {
			return "by name: " + strings.Join(s.keys, ", ")
		}
		return "by name: " + need(*s.item)
	}
	return need(s)
}

func defaultColumn(f field) string {
	switch {
	case f.required:
		return "required"
	case f.standard != "":
		return "`" + f.standard + "`"
	}
	return ""
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
