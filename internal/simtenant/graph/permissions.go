package graph

import (
	_ "embed"
	"regexp"
	"strings"
	"sync"
)

//go:embed permissions.txt
var permissionsText string

// permissionTable is permissions.txt by "METHOD /path/{}".
var permissionTable = sync.OnceValue(func() map[string]access {
	table := map[string]access{}
	for line := range strings.Lines(permissionsText) {
		f := strings.Fields(line)
		if len(f) != 4 || f[0] == "#" {
			continue
		}
		method := f[0]
		table[method+" "+f[1]] = access{
			app:       permissionNames(method, strings.TrimPrefix(f[2], "app=")),
			delegated: permissionNames(method, strings.TrimPrefix(f[3], "user=")),
		}
	}
	return table
})

// permissionNames is a cell of the table. For writes the data list "A and B" as two rows,
// so a permission that only reads counts there only when nothing else does.
func permissionNames(method, cell string) []string {
	if cell == "" {
		return nil
	}
	all := strings.Split(cell, ",")
	if method == "GET" {
		return all
	}
	var writes []string
	for _, p := range all {
		if !strings.Contains(p+".", ".Read.") && !strings.Contains(p, ".ReadBasic.") {
			writes = append(writes, p)
		}
	}
	if len(writes) == 0 || strings.HasPrefix(cell, "Policy.Read.All,Policy.Read.ConditionalAccess") {
		return all
	}
	return writes
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

// permissionsFor is the row of a route's method and pattern; none at all when the table lacks
// it. The table files links under their collection, without /$ref.
func permissionsFor(method, pattern string) access {
	return permissionTable()[method+" "+strings.ToLower(parameter.ReplaceAllString(strings.TrimSuffix(pattern, "/$ref"), "{}"))]
}
