package msapi

import "errors"

// Kind says what stood in the way, in the words that callers branch on.
type Kind string

// The kinds of error.
const (
	KindPermission  Kind = "permission"   // a Graph permission or a directory role is missing
	KindLicence     Kind = "licence"      // the tenant has not bought it
	KindThrottled   Kind = "throttled"    // still throttled when patience ended
	KindNotFound    Kind = "not found"    // no such object, or not visible yet
	KindConflict    Kind = "conflict"     // exists already, or somebody else changed it
	KindRefused     Kind = "refused"      // the service understood and said no (400)
	KindServer      Kind = "server"       // the service failed (5xx)
	KindNetwork     Kind = "network"      // no connection, or one cut in mid-answer
	KindNotGraph    Kind = "not graph"    // something else answered: HTML, a proxy, another host
	KindSignIn      Kind = "sign-in"      // no token
	KindExpired     Kind = "expired"      // the token is over and could not be renewed
	KindWrongTenant Kind = "wrong tenant" // a tenant that is not ours
	KindClock       Kind = "clock"        // this machine's clock is too far off
)

// ErrOutcomeUnknown is in the chain of the error of a write that may have been done.
var ErrOutcomeUnknown = errors.New("the answer was lost: the write may or may not have been done")

// ErrWrongTenant is in the chain of the error when the token or the organization belongs to
// another tenant than the one wanted.
var ErrWrongTenant = errors.New("a tenant that is not ours")

// Error is a request that was not answered as wanted. It holds no token, no password and no
// whole answer.
type Error struct {
	Kind Kind
	// Op is what was tried: "GET /users/{id}" or "sign in".
	Op     string
	Status int
	// Code and Message are the service's own words, shortened.
	Code, Message string
	// RequestID is the service's id, ClientRequestID ours; support asks for them.
	RequestID, ClientRequestID string
	// Permission is what the caller lacks, least privilege first, where that is the trouble.
	Permission string
	// Unknown is true for a write that may have been done.
	Unknown bool
}

// Error is one sentence.
func (e *Error) Error() string { return e.Op + ": " + e.Message }

// Hint is the next step for the person who meets the error; empty when there is none.
func (e *Error) Hint() string { return "" }
