package contract

import (
	"os"
	"regexp"
	"slices"
	"sync"
	"testing"
)

// Open loads the contracts for a test. Where they are not on this machine the test is
// skipped with the reason; in continuous integration (CI=true) that is a failure, so that
// a missing directory cannot turn the whole check off unseen.
func Open(t testing.TB) *Contracts {
	t.Helper()
	dir, err := Find()
	if err == nil {
		var c *Contracts
		if c, err = Load(dir); err == nil {
			return c
		}
	}
	if IsMissing(err) && os.Getenv("CI") != "true" {
		t.Skipf("no contracts to hold against: %v", err)
	}
	t.Fatalf("open the contracts: %v", err)
	return nil
}

// listIndex is taken out of the report: a hundred members of a list have one mistake.
var listIndex = regexp.MustCompile(`\[\d+\]`)

// Recorder gives a function that checks every exchange handed to it, from any goroutine,
// and fails the test at its end with the distinct problems found. It fits the simulated
// tenant's Record option after a conversion of its exchange type.
func Recorder(t testing.TB, c *Contracts) func(Exchange) {
	t.Helper()
	var mu sync.Mutex
	var lines []string
	checked := 0
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(lines)
		for _, l := range slices.Compact(lines) {
			t.Errorf("contract: %s", l)
		}
		if checked == 0 {
			t.Errorf("contract: no exchange was recorded, so nothing was checked")
		}
	})
	return func(e Exchange) {
		problems := c.Check(e)
		mu.Lock()
		defer mu.Unlock()
		checked++
		for _, p := range problems {
			lines = append(lines, listIndex.ReplaceAllString(p.String(), "[]"))
		}
	}
}
