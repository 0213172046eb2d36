package graph

import (
	"net/http"
	"time"
)

// A Refusal is an error answer in Graph's shape that the surroundings give: throttling, a fault.
type Refusal struct {
	// Status, Code and Message are the answer's.
	Status        int
	Code, Message string
	// RetryAfter is the header's value, empty for none.
	RetryAfter string
}

// Write answers a request with the refusal; now is the simulated instant.
func (f *Refusal) Write(w http.ResponseWriter, r *http.Request, now time.Time) {
	a := f.answer(now)
	a.write(w, r)
}

func (f *Refusal) answer(now time.Time) answer {
	a := answer{status: f.Status, body: graphError{f.Code, f.Message}, date: now}
	if f.RetryAfter != "" {
		a.header = http.Header{"Retry-After": {f.RetryAfter}}
	}
	return a
}
