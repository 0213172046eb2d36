package breakglass

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

type layer struct {
	name     string
	packages []string
	// std says that the row lives on the standard library and the libraries named.
	std bool
}

// layers is design.md's map: upper rows import lower rows, never the other way round, and
// within a row only what also names. Change the map in the README with it.
var layers = []layer{
	{name: "cmd", packages: []string{"cmd/breakglass"}},
	{name: "adapters", packages: []string{"msapi", "store", "intake", "notify", "paper", "report", "web", "simtenant"}},
	{name: "deeds", packages: []string{"plan", "custody", "watch", "alert", "cases"}},
	{name: "judgement", packages: []string{"config", "lockout", "signal", "scan", "posture"}},
	{name: "words", packages: []string{"entra", "ledger", "approval", "phrase", "slip39"}, std: true},
}

// also are the imports within one row that the map names.
var also = map[string][]string{
	"posture": {"config", "lockout", "signal"},
	"scan":    {"signal"},
	"cases":   {"custody", "watch", "alert"},
}

// libraries are what a package of words, or the simulator, may import besides the standard library.
var libraries = map[string][]string{
	"entra":    nil,
	"phrase":   nil,
	"slip39":   nil,
	"ledger":   {"golang.org/x/mod/sumdb"},
	"approval": {"golang.org/x/crypto/ssh"},
}

// pure packages take values and give values: no network, no process, no clock of their own.
var impure = []string{"net/http", "net", "os/exec", "os/signal", "log", "log/slog"}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func TestPackagesImportDownwardsOnly(t *testing.T) {
	for _, p := range listPackages(t) {
		name := short(p.ImportPath)
		if name == "" {
			continue
		}
		for _, imp := range p.Imports {
			if reason := forbidden(name, imp); reason != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imp, reason)
			}
		}
	}
}

// The test above is worth nothing if it cannot fail.
func TestTheMapRefusesWhatItShould(t *testing.T) {
	for _, c := range []struct{ from, imp string }{
		{"entra", "breakglass/internal/config"},
		{"lockout", "breakglass/internal/plan"},
		{"lockout", "net/http"},
		{"lockout", "breakglass/internal/posture"},
		{"msapi", "breakglass/internal/simtenant"},
		{"simtenant", "breakglass/internal/entra"},
		{"plan", "breakglass/internal/msapi"},
		{"plan", "breakglass/internal/custody"},
		{"entra", "go.yaml.in/yaml/v3"},
		{"nowhere", "fmt"},
	} {
		if forbidden(c.from, c.imp) == "" {
			t.Errorf("%s may import %s, it should not", c.from, c.imp)
		}
	}
	if r := forbidden("posture", "breakglass/internal/lockout"); r != "" {
		t.Errorf("posture may not import lockout: %s", r)
	}
}

// forbidden is the reason why a package must not import another, empty when it may.
func forbidden(name, imp string) string {
	row := rowOf(name)
	if row < 0 {
		return "the package is not on the map: add it to layers_test.go and the README, with its purpose"
	}
	target, ours := strings.CutPrefix(imp, "breakglass/")
	if !ours {
		return forbiddenLibrary(name, row, imp)
	}
	target = short("breakglass/" + target)
	switch {
	case target == name:
		return ""
	case name == "simtenant":
		return "the simulated tenant shares nothing with us, so that it cannot share a mistake"
	case target == "simtenant" && name != "cmd/breakglass":
		return "only cmd starts the simulated tenant"
	case rowOf(target) < 0:
		return "the imported package is not on the map"
	case slices.Contains(also[name], target):
		return ""
	case rowOf(target) <= row:
		return "imports go down only (" + layers[row].name + " -> " + layers[rowOf(target)].name + ")"
	}
	return ""
}

func forbiddenLibrary(name string, row int, imp string) string {
	first, _, _ := strings.Cut(imp, "/")
	external := strings.Contains(first, ".")
	if layers[row].std && external && !slices.ContainsFunc(libraries[name], func(l string) bool { return strings.HasPrefix(imp, l) }) {
		return "words stand on the standard library alone, and the one library each is built on"
	}
	if (layers[row].name == "judgement" || layers[row].name == "words") && slices.Contains(impure, imp) {
		return "judgement takes values and gives values"
	}
	return ""
}

func rowOf(name string) int {
	return slices.IndexFunc(layers, func(l layer) bool { return slices.Contains(l.packages, name) })
}

// short is a package's name on the map; simtenant's subfolders count as simtenant. Test
// helpers below test/ have no place on it.
func short(path string) string {
	p := strings.TrimPrefix(path, "breakglass/")
	if strings.HasPrefix(p, "test/") || p == "breakglass" {
		return ""
	}
	p = strings.TrimPrefix(p, "internal/")
	if strings.HasPrefix(p, "simtenant/") {
		return "simtenant"
	}
	return p
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []goPackage
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for dec.More() {
		var p goPackage
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}
