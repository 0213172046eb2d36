package msapi

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// tokenLike matches what looks like a JWT or another long opaque credential.
var tokenLike = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}[A-Za-z0-9_.-]*|[A-Za-z0-9+/_=-]{80,}`)

// serviceError is the error body that Graph and ARM share ("Microsoft Graph error responses
// and resource types").
type serviceError struct {
	Error *struct {
		Code       string `json:"code"`
		Message    string `json:"message"`
		InnerError struct {
			RequestID string `json:"request-id"`
		} `json:"innerError"`
	} `json:"error"`
}

// The codes that mean a missing licence. The first is documented for the sign-in log, the
// others are from memory; see lacksLicence for what is said in words only.
var licenceCodes = map[string]bool{
	"Authentication_RequestFromNonPremiumTenantOrB2CTenant": true,
	"AadPremiumLicenseRequired":                             true,
	"LicenseRequired":                                       true,
}

// errorFrom makes the typed error of an answer that is no success. body is the whole answer.
func errorFrom(op string, method string, path string, status int, h http.Header, body []byte, now time.Time) *Error {
	e := &Error{Op: op, Status: status, RequestID: h.Get("request-id"), retryAfter: retryAfter(h, now), sent: true}
	if e.RequestID == "" {
		e.RequestID = h.Get("x-ms-request-id") // ARM's name for it
	}
	var se serviceError
	inForm := json.Unmarshal(body, &se) == nil && se.Error != nil && se.Error.Code != ""
	if !inForm {
		return e.foreign(method, h)
	}
	e.Code, e.Message = shorten(se.Error.Code), shorten(se.Error.Message)
	if e.RequestID == "" {
		e.RequestID = se.Error.InnerError.RequestID
	}
	e.Kind = kindOf(status, e.Code, e.Message)
	// Only a refusal in the service's own form says that nothing was done.
	e.Unknown = writes(method) && status >= http.StatusInternalServerError && status != http.StatusNotImplemented
	if n, ok := needFor(method, path); ok {
		e.fill(n)
	}
	return e
}

// foreign is an answer that Graph did not write: a proxy, a captive portal, a broken gateway.
func (e *Error) foreign(method string, h http.Header) *Error {
	e.Kind, e.Unknown = KindNotGraph, writes(method)
	switch {
	case e.Status == http.StatusTooManyRequests:
		e.Kind, e.Unknown, e.Message = KindThrottled, false, "too many requests"
	case e.Status == http.StatusUnauthorized:
		e.Kind, e.Unknown, e.Message = KindExpired, false, "the token was not accepted"
	case e.Status >= 500:
		e.Kind, e.Message = KindServer, "the service, or a gateway before it, failed: it answered with "+contentKind(h)+" instead of JSON"
	case e.Status >= 300 && e.Status < 400:
		e.Message = "redirected elsewhere; a token is never sent on"
	default:
		e.Message = "answered with " + contentKind(h) + " instead of JSON"
	}
	return e
}

func contentKind(h http.Header) string {
	ct, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	if ct == "" {
		return "something"
	}
	return shorten(ct)
}

// kindOf classifies an answer in the service's own form.
func kindOf(status int, code, message string) Kind {
	switch {
	case licenceCodes[code] || (status == http.StatusForbidden || status == http.StatusBadRequest) && lacksLicence(message):
		return KindLicence
	case status == http.StatusUnauthorized:
		return KindExpired
	case status == http.StatusForbidden:
		return KindPermission
	case status == http.StatusNotImplemented || strings.HasPrefix(message, "Resource not found for the segment"):
		return KindNotHere
	case status == http.StatusNotFound || status == http.StatusGone:
		return KindNotFound
	case status == http.StatusConflict || status == http.StatusPreconditionFailed:
		return KindConflict
	case status == http.StatusTooManyRequests:
		return KindThrottled
	case status >= 500:
		return KindServer
	}
	return KindRefused
}

// lacksLicence reads the words, for services that give a licence error a general code.
func lacksLicence(message string) bool {
	m := strings.ToLower(message)
	return strings.Contains(m, "license") || strings.Contains(m, "licence") || strings.Contains(m, "premium")
}

// writes is true for methods that change something.
func writes(method string) bool { return method != http.MethodGet && method != http.MethodHead }

// retryAfter is what the service asked for, in seconds or as a date; negative without it.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return -1
	}
	if s, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && s >= 0 {
		return time.Duration(s) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return -1
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date // both by the service's clock
	}
	return max(at.Sub(now), 0)
}
