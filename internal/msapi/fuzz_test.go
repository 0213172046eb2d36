package msapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"breakglass/internal/entra"
)

// Whatever an answer holds, reading it neither panics nor lets a token through.
func FuzzAnswers(f *testing.F) {
	f.Add(403, `{"error":{"code":"Authorization_RequestDenied","message":"no"}}`, `Bearer error="insufficient_claims", claims="e30="`)
	f.Add(200, `{"value":[{"id":"x","@odata.type":"#microsoft.graph.user"}],"@odata.nextLink":"https://h/"}`, "")
	f.Add(429, `<html>eyJhbGciOiJSUzI1NiJ9.eyJ0aWQiOiJ4In0.c2lnbmF0dXJl</html>`, "7")
	f.Add(200, `{"id":"x","appId":1,"policy":{"rules":[{"setting":{"approvalStages":[{"primaryApprovers":[{}]}]}}]}}`, "Sun, 22 Nov 2026 12:00:00 GMT")
	f.Fuzz(func(t *testing.T, status int, body, header string) {
		h := http.Header{"Www-Authenticate": {header}, "Retry-After": {header}, "Date": {header}, "Content-Type": {header}}
		for _, method := range []string{"GET", "POST"} {
			e := errorFrom("op", method, "/users/x", status, h, []byte(body), noon)
			if e.Kind == "" || e.Error() == "" {
				t.Errorf("an error of no kind: %+v", e)
			}
			if m := tokenLike.FindString(e.Message); m != "" && strings.HasPrefix(m, "eyJ") {
				t.Errorf("a token came through: %s", m)
			}
			if method == "POST" && !e.Unknown && (status >= 500 && status != 501 && status != 429) {
				t.Errorf("a write that failed with %d is said not to be done", status)
			}
			_ = e.Hint()
		}
		if c := challengeClaims(h); c != "" && !json.Valid([]byte(c)) {
			t.Errorf("claims that are no JSON: %s", c)
		}
		_ = identityOf(header)
		raw := json.RawMessage(body)
		if json.Valid(raw) {
			decodeAll(t, raw)
		}
	})
}

// decodeAll puts one entry through every decoder; what they accept must encode again.
func decodeAll(t *testing.T, raw json.RawMessage) {
	s := &entra.Snapshot{}
	keep(&s.RoleAssignments, decodeAssignment, raw)
	keep(&s.ActiveRoles, decodeInstance, raw)
	keep(&s.RoleSettings, decodeSetting, raw)
	keep(&s.NamedLocations, decodeLocation, raw)
	keep(&s.Strengths, decodeStrength, raw)
	keep(&s.Users, as[entra.User], raw)
	keep(&s.Groups, as[entra.Group], raw)
	keep(&s.Clients, as[entra.ServicePrincipal], raw)
	for _, decode := range []func(json.RawMessage) error{
		func(r json.RawMessage) error { _, err := decodeSKU(r); return err },
		func(r json.RawMessage) error { _, err := decodeMember(r); return err },
		func(r json.RawMessage) error { _, err := decodeMembership(r); return err },
		func(r json.RawMessage) error { _, err := decodeMethod(r); return err },
		func(r json.RawMessage) error { _, err := decodeChanges(r); return err },
		func(r json.RawMessage) error { _, _, err := decodePower(r, nil); return err },
	} {
		_ = decode(raw)
	}
	if p, err := decodeMethodsPolicy(raw); err == nil {
		s.MethodsPolicy = p
	}
	if _, err := s.Encode(); err != nil {
		t.Errorf("what was read does not encode: %v", err)
	}
}

func keep[T any](list *[]T, decode func(json.RawMessage) (T, error), raw json.RawMessage) {
	if v, err := decode(raw); err == nil {
		*list = append(*list, v)
	}
}
