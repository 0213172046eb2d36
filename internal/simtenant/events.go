package simtenant

import (
	"maps"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

// events counts what was asked of the tenant.
type events struct {
	mu      sync.Mutex
	total   int            // guarded by mu
	byRoute map[string]int // guarded by mu
	talk    sync.Mutex     // held while Options.Record runs
}

var identifier = regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`)

// count notes one request, under its method and its path with ids as {}.
func (e *events) count(r *http.Request) {
	key := r.Method + " " + identifier.ReplaceAllString(r.URL.Path, "{}")
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.byRoute == nil {
		e.byRoute = map[string]int{}
	}
	e.total++
	e.byRoute[key]++
}

func (e *events) record(f func()) {
	e.talk.Lock()
	defer e.talk.Unlock()
	f()
}

// counted is a copy of the counts.
func (e *events) counted() (total int, byRoute map[string]int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.total, maps.Clone(e.byRoute)
}

// bearer is the token of an Authorization header.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
