package simtenant

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"breakglass/internal/simtenant/state"
)

// The actions of a Fault.
const (
	DropBefore        = "drop-before"        // the connection is cut and nothing was done
	DropAfter         = "drop-after"         // done, but the answer is lost
	CutBody           = "cut-body"           // done, but the answer breaks off in the middle
	Status            = "status"             // an error status instead of an answer; nothing was done
	Throttled         = "throttle"           // 429; nothing was done
	Delay             = "delay"              // the answer is held back for Fault.Delay
	Forbidden         = "forbidden"          // 403 as for a missing role; nothing was done
	PermissionMissing = "permission-missing" // the token counts as if Fault.Permission were not in it
	StaleRead         = "stale-read"         // Graph reads see the tenant as it was when the fault was set
)

// Fault is something that goes wrong for the requests it matches.
type Fault struct {
	// Method matches the request's method; empty matches all.
	Method string `json:"method,omitempty"`
	// Path is a regular expression on the path with its query; empty matches all. Parts of a
	// $batch are matched one by one, with the paths they would have alone.
	Path string `json:"path,omitempty"`
	// After lets so many matching requests pass first.
	After int `json:"after,omitempty"`
	// Times is how many requests it strikes: 0 is once, negative is until it is cleared.
	Times int `json:"times,omitempty"`
	// Action is one of the constants above.
	Action string `json:"action"`
	// Status is the status of action status; 0 is 503.
	Status int `json:"status,omitempty"`
	// Body is the answer's body for action status: "html" for a proxy's page, else Graph's error shape.
	Body string `json:"body,omitempty"`
	// RetryAfter is the Retry-After header of throttle and status in seconds; empty sends none.
	RetryAfter string `json:"retryAfter,omitempty"`
	// Delay is how long action delay holds the answer, as in "1.5s", on the real clock.
	Delay string `json:"delay,omitempty"`
	// Permission is what permission-missing takes away.
	Permission string `json:"permission,omitempty"`

	// Matched and Struck count requests so far.
	Matched int `json:"matched"`
	Struck  int `json:"struck"`

	path  *regexp.Regexp
	delay time.Duration
	gone  chan struct{} // closed when the faults are cleared
	stale *state.State
}

type faultKey struct{}

type faults struct {
	mu   sync.Mutex
	list []*Fault      // guarded by mu
	gone chan struct{} // guarded by mu; closed by clear
}

func (s *faults) add(f Fault, st *state.State) error {
	var err error
	if f.path, err = regexp.Compile(f.Path); err != nil {
		return fmt.Errorf("read the fault's path: %w", err)
	}
	f.Matched, f.Struck = 0, 0
	switch f.Action {
	case DropBefore, DropAfter, CutBody, Status, Throttled, Forbidden:
	case Delay:
		if f.delay, err = time.ParseDuration(f.Delay); err != nil {
			return fmt.Errorf("read the fault's delay: %w", err)
		}
	case PermissionMissing:
		if f.Permission == "" {
			return errors.New("the fault permission-missing names no permission")
		}
	case StaleRead:
		f.stale = state.New(st.Document(), st.Clock)
	default:
		return fmt.Errorf("unknown action %q of a fault", f.Action)
	}
	if f.RetryAfter != "" {
		if _, err := strconv.Atoi(f.RetryAfter); err != nil {
			return fmt.Errorf("read the fault's retryAfter: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone == nil {
		s.gone = make(chan struct{})
	}
	f.gone = s.gone
	s.list = append(s.list, &f)
	return nil
}

// strike is the first fault that takes this request, nil for none. Parts of a batch are
// struck by the faults that answer in their place, never by one that cuts connections.
func (s *faults) strike(r *http.Request, part bool) *Fault {
	where := r.URL.Path
	if r.URL.RawQuery != "" {
		where += "?" + r.URL.RawQuery
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.list {
		if f.Method != "" && !strings.EqualFold(f.Method, r.Method) || !f.path.MatchString(where) {
			continue
		}
		if part && slices.Contains([]string{DropBefore, DropAfter, CutBody, Delay, StaleRead}, f.Action) {
			continue
		}
		f.Matched++
		if f.Matched <= f.After || f.Times >= 0 && f.Struck >= max(f.Times, 1) {
			continue
		}
		f.Struck++
		c := *f
		return &c
	}
	return nil
}

func (s *faults) all() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Fault{}
	for _, f := range s.list {
		out = append(out, *f)
	}
	return out
}

// clear forgets all faults and lets go of the answers that are held.
func (s *faults) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = nil
	if s.gone != nil {
		close(s.gone)
		s.gone = nil
	}
}

// before does what comes before the work and says whether it answered instead.
func (f *Fault) before(w *buffer, r *http.Request, now time.Time) bool {
	switch f.Action {
	case DropBefore:
		return true
	case Delay:
		timer := time.NewTimer(f.delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-f.gone:
		case <-r.Context().Done():
		}
		return false
	}
	ref := f.refusal()
	if ref == nil {
		return false
	}
	if f.Action == Status && f.Body == "html" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(ref.Status)
		_, _ = w.Write([]byte("<!DOCTYPE html>\n<html><head><title>Service unavailable</title></head><body><h1>Our services aren't available right now</h1></body></html>\n"))
		return true
	}
	ref.Write(w, r, now)
	return true
}
