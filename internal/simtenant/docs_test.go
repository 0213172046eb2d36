package simtenant

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"breakglass/internal/simtenant/graph"
)

var update = flag.Bool("update", false, "rewrite the list of operations in docs/simulator.md")

// operationList is every operation of Graph, a path a line with its methods.
func operationList() string {
	methods := map[string][]string{}
	for _, op := range new(graph.API).Operations() {
		path := op.Path
		if op.Beta {
			path += "  (beta)"
		}
		if !slices.Contains(methods[path], op.Method) {
			methods[path] = append(methods[path], op.Method)
		}
	}
	var lines []string
	for path, list := range methods {
		slices.Sort(list)
		lines = append(lines, fmt.Sprintf("%s  %s", path, strings.Join(list, " ")))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestManualListsEveryOperationTenantAndFault(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "simulator.md")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- operations: begin -->\n```\n", "\n```\n<!-- operations: end -->"
	head, rest, ok := strings.Cut(string(data), begin)
	old, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("the page has lost its marks around the list of operations")
	}
	if want := operationList(); old != want {
		if !*update {
			t.Error("the list of operations is out of date: run go test ./internal/simtenant -run Manual -update")
		} else if err := os.WriteFile(file, []byte(head+begin+want+end+tail), 0o644); err != nil { //nolint:gosec // a page of the manual
			t.Fatal(err)
		}
	}
	for _, name := range Names() {
		if !strings.Contains(head+tail, "`"+name+"`") {
			t.Errorf("the page does not tell of the tenant %s", name)
		}
	}
	for _, action := range []string{DropBefore, DropAfter, CutBody, Status, Throttled, Delay, Forbidden, PermissionMissing, StaleRead} {
		if !strings.Contains(head+tail, "`"+action+"`") {
			t.Errorf("the page does not tell of the fault %s", action)
		}
	}
}
