package msapi

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what stood in the way, in the words that callers branch on.
type Kind string

// The kinds of error.
const (
	KindPermission  Kind = "permission"        // a Graph permission or a directory role is missing
	KindLicence     Kind = "licence"           // the tenant has not bought it
	KindThrottled   Kind = "throttled"         // still throttled when patience ended
	KindNotFound    Kind = "not found"         // no such object, or not visible yet
	KindNotHere     Kind = "not in this cloud" // the service has no such operation
	KindConflict    Kind = "conflict"          // exists already, or somebody else changed it
	KindRefused     Kind = "refused"           // the service understood and said no (400)
	KindServer      Kind = "server"            // the service failed (5xx)
	KindNetwork     Kind = "network"           // no connection, or one cut in mid-answer
	KindNotGraph    Kind = "not graph"         // something else answered: HTML, a proxy, another host
	KindSignIn      Kind = "sign-in"           // no token
	KindExpired     Kind = "expired"           // the token is over and could not be renewed
	KindWrongTenant Kind = "wrong tenant"      // a tenant that is not ours
	KindClock       Kind = "clock"             // this machine's clock is too far off
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
	// Op is what was tried: "GET /v1.0/users/{id}" or "sign in".
	Op     string
	Status int
	// Code and Message are the service's own words, shortened.
	Code, Message string
	// RequestID is the service's id, ClientRequestID ours; support asks for them.
	RequestID, ClientRequestID string
	// Permission is what the caller lacks, least privilege first, where that is the trouble.
	Permission string
	// Role is a directory role that a signed-in user needs besides, where one helps.
	Role string
	// Licence is what the tenant must have for it, where that is the trouble.
	Licence string
	// Granted says that the token has Permission already: then a directory role is missing.
	Granted bool
	// Unknown is true for a write that may have been done.
	Unknown bool

	peopleOnly bool          // no application may do it, whatever its permissions
	retryAfter time.Duration // what the service asked for; negative when it said nothing
	sent       bool          // something may have reached the service
	cause      error         // for errors.Is only; its text is never shown
}

// Error is one sentence.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	b.WriteString(": ")
	switch {
	case e.Code != "" && e.Message != "":
		fmt.Fprintf(&b, "%s (%s)", e.Message, e.Code)
	case e.Message != "":
		b.WriteString(e.Message)
	case e.Code != "":
		b.WriteString(e.Code)
	default:
		b.WriteString(string(e.Kind))
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, ", status %d", e.Status)
	}
	if e.RequestID != "" {
		b.WriteString(", request-id " + e.RequestID)
	}
	if e.Unknown {
		b.WriteString("; " + ErrOutcomeUnknown.Error())
	}
	return b.String()
}

// Is makes the two sentinel errors and context errors findable.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrOutcomeUnknown:
		return e.Unknown
	case ErrWrongTenant:
		return e.Kind == KindWrongTenant
	}
	return e.cause != nil && errors.Is(e.cause, target)
}

// needs is what would help, for a Reading.
func (e *Error) needs() string {
	switch {
	case e.Kind == KindLicence && e.Licence != "":
		return "licence " + e.Licence
	case e.Kind == KindPermission && e.Granted && e.Role != "":
		return "role " + e.Role
	case e.Kind == KindPermission && e.Permission != "":
		return "permission " + e.Permission
	}
	return ""
}

// asError is the *Error in a chain; anything else becomes a network error of op whose text
// is shortened, because transport errors may quote what was sent.
func asError(err error, op string) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Kind: KindNetwork, Op: op, Message: shorten(err.Error()), cause: err, retryAfter: -1}
}

// maxMessage is how much of a service's message is worth keeping.
const maxMessage = 400

// shorten makes one short line of a service's message and takes out what looks like a token.
func shorten(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	s = tokenLike.ReplaceAllString(s, "(token)")
	if r := []rune(s); len(r) > maxMessage {
		s = string(r[:maxMessage]) + "…"
	}
	return s
}
