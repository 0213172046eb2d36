package clients

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// story is a known client's calls in its own spelling and order, by hand.
type story struct {
	t     *testing.T
	token string
}

// want sends one call and fails unless it is answered with the status.
func (s story) want(status int, method, path string, body any) map[string]any {
	s.t.Helper()
	got, out := call(s.t, s.token, method, shared.Endpoints.Base+path, body)
	if got != status {
		s.t.Fatalf("%s %s: %d, want %d: %v", method, path, got, status, out)
	}
	return out
}

func (s story) id(status int, method, path string, body any) string {
	s.t.Helper()
	id, _ := s.want(status, method, path, body)["id"].(string)
	if id == "" {
		s.t.Fatalf("%s %s: no id", method, path)
	}
	return id
}

// times is how Terraform waits: so many answers in a row, five seconds apart; here at once.
func (s story) times(n, status int, path string) {
	s.t.Helper()
	for range n {
		s.want(status, http.MethodGet, path, nil)
	}
}

func ids(list map[string]any) []string {
	var out []string
	values, _ := list["value"].([]any)
	for _, v := range values {
		out = append(out, fmt.Sprint(v.(map[string]any)["id"]))
	}
	return out
}

func reference(id string) map[string]any {
	return map[string]any{"@odata.id": shared.url("/v1.0/directoryObjects/", id)}
}

// unthrottled lets a test call faster than Conditional Access allows.
func unthrottled(t *testing.T) {
	t.Helper()
	shared.control(t, "events", map[string]any{"throttle": false})
	t.Cleanup(func() { shared.control(t, "events", map[string]any{"throttle": true}) })
}

const replicated = 25 * time.Second
