package simtenant

import (
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"

	"breakglass/internal/simtenant/graph"
	"breakglass/internal/simtenant/state"
)

// A limit is so many requests in a window of real time ("Microsoft Graph service-specific
// throttling limits").
type limit struct {
	path    *regexp.Regexp
	count   int
	window  time.Duration
	perApp  bool // counted for each application by itself, else for the tenant
	tellsIn bool // the 429 carries Retry-After
}

// throttling is the limits by domain; the first that matches counts.
var throttling = []limit{
	{regexp.MustCompile(`(?i)^/(identity/conditionalAccess|identityProtection)/`), 1, time.Second, false, false},
	{regexp.MustCompile(`(?i)^/auditLogs/`), 5, 10 * time.Second, true, true},
	{regexp.MustCompile(``), 3500, 10 * time.Second, true, true},
}

// limits remembers when requests came.
type limits struct {
	mu   sync.Mutex
	seen map[string][]time.Time // guarded by mu; instants inside the window, oldest first
}

// over is the refusal for one request too many, nil within the limits. Refused requests
// do not count.
func (l *limits) over(path string, app string, now time.Time) *graph.Refusal {
	for i, lim := range throttling {
		if !lim.path.MatchString(path) {
			continue
		}
		key := strconv.Itoa(i)
		if lim.perApp {
			key += " " + app
		}
		wait := l.take(key, lim, now)
		if wait == 0 {
			return nil
		}
		ref := &graph.Refusal{Status: http.StatusTooManyRequests, Code: "TooManyRequests", Message: "Too many requests"}
		if lim.tellsIn {
			ref.RetryAfter = strconv.Itoa(int(wait/time.Second) + 1)
		}
		return ref
	}
	return nil
}

// take counts a request and says how long to wait when the window is full.
func (l *limits) take(key string, lim limit, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = map[string][]time.Time{}
	}
	seen := l.seen[key]
	for len(seen) > 0 && now.Sub(seen[0]) >= lim.window {
		seen = seen[1:]
	}
	if len(seen) >= lim.count {
		l.seen[key] = seen
		return lim.window - now.Sub(seen[0])
	}
	l.seen[key] = append(seen, now)
	return 0
}

// gate refuses what is throttled, and in a batch what a fault strikes.
func (t *Tenant) gate(r *http.Request, path string, who state.Principal, part bool) *graph.Refusal {
	if part {
		if f := t.faults.strike(r, true); f != nil {
			if ref := f.refusal(); ref != nil {
				return ref
			}
		}
	}
	throttled := false
	t.state.View(func(tx *state.Tx) { throttled = tx.World().Throttle })
	if !throttled {
		return nil
	}
	return t.limits.over(path, who.AppID, time.Now())
}
