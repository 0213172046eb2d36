package msapi

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Limit is a limit of the service that our requests keep to: so many in so long, over all
// paths that begin with one of Paths (after the version).
type Limit struct {
	Paths    []string `json:"paths"`
	Requests int      `json:"requests"`
	// Per is a span in Go's notation, as in "10s".
	Per string `json:"per"`
}

// microsoftLimits are those of "Microsoft Graph service-specific throttling limits". The first
// is per tenant over all applications and answers 429 without Retry-After; the tenth is for
// the network between, so that we do not arrive early.
var microsoftLimits = []Limit{
	{Paths: []string{"/identity/conditionalAccess/", "/identityProtection/"}, Requests: 1, Per: "1.1s"},
	{Paths: []string{"/auditLogs/", "/reports/"}, Requests: 5, Per: "10s"},
}

// A lane is where requests queue for a limit.
type lane struct {
	prefixes []string
	n        int
	per      time.Duration

	mu   sync.Mutex
	last []time.Time // when the last n requests were let go, oldest first
}

// lanes are the queues for limits that check has seen.
func lanes(limits []Limit) []*lane {
	out := make([]*lane, 0, len(limits))
	for _, l := range limits {
		per, _ := time.ParseDuration(l.Per)
		lane := &lane{n: l.Requests, per: per}
		for _, p := range l.Paths {
			lane.prefixes = append(lane.prefixes, strings.ToLower(p))
		}
		out = append(out, lane)
	}
	return out
}

func (l Limit) check() error {
	if per, err := time.ParseDuration(l.Per); err != nil || per <= 0 || l.Requests < 1 || len(l.Paths) == 0 {
		return fmt.Errorf(`a limit must be like {"paths":["/auditLogs/"],"requests":5,"per":"10s"}`)
	}
	return nil
}

// laneFor is the lane of a path without version, nil when it has none.
func laneFor(lanes []*lane, path string) *lane {
	path = strings.ToLower(path)
	for _, l := range lanes {
		for _, p := range l.prefixes {
			if strings.HasPrefix(path, p) {
				return l
			}
		}
	}
	return nil
}

// reserve takes the next place and says how long to wait for it.
func (l *lane) reserve(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := now
	if len(l.last) >= l.n {
		if free := l.last[0].Add(l.per); free.After(at) {
			at = free
		}
		l.last = l.last[1:]
	}
	l.last = append(l.last, at)
	return at.Sub(now)
}

// budget is how long one call may still wait for throttling and retries.
type budget struct{ left atomic.Int64 }

type budgetKey struct{}

// withBudget gives a call its patience, unless a call around it has one already.
func withBudget(ctx context.Context, d time.Duration) context.Context {
	if ctx.Value(budgetKey{}) != nil {
		return ctx
	}
	b := new(budget)
	b.left.Store(int64(d))
	return context.WithValue(ctx, budgetKey{}, b)
}

// spend takes d from the call's patience; false when there is not as much left.
func spend(ctx context.Context, d time.Duration) bool {
	b, ok := ctx.Value(budgetKey{}).(*budget)
	if !ok {
		return true
	}
	if b.left.Add(-int64(d)) < 0 {
		b.left.Add(int64(d))
		return false
	}
	return true
}

// Bounds of our own back-off, where the service does not say how long to wait.
const (
	firstWait = time.Second
	longWait  = 30 * time.Second
	maxTries  = 4 // of one request for reasons other than throttling
)

// backoff doubles from a second, bounded, with jitter of a half either way, so that several
// programs that were refused together do not come back together.
func backoff(attempt int) time.Duration {
	d := longWait
	if attempt < 5 {
		d = firstWait << attempt
	}
	return d/2 + rand.N(d)
}

// pause is how long to wait before trying again after e, and whether to try at all.
// known is true for a request that is harmless to repeat.
func pause(e *Error, attempt int, known bool) (time.Duration, bool) {
	switch {
	case e.Kind == KindThrottled:
		if e.retryAfter > 0 {
			return e.retryAfter, true
		}
		return backoff(attempt), true // a Retry-After of 0 would be asked again and again
	case attempt+1 >= maxTries || untrusted(e.cause):
		return 0, false
	case e.Kind == KindNetwork && !e.sent, known && (e.Kind == KindNetwork || e.Kind == KindServer):
		return max(e.retryAfter, backoff(attempt)), true
	}
	return 0, false
}

// waitText tells people why nothing seems to happen.
func waitText(e *Error, d time.Duration) string {
	d = d.Round(time.Second)
	if e.Kind == KindThrottled {
		return fmt.Sprintf("throttled, waiting %s", d)
	}
	return fmt.Sprintf("%s, trying again in %s", e.Kind, d)
}
