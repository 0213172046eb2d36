package contract

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

const host = "https://graph.example"

var loaded = sync.OnceValues(func() (*Contracts, error) {
	dir, err := Find()
	if err != nil {
		return nil, err
	}
	return Load(dir)
})

// fresh is the loaded contracts with nothing used yet.
func fresh(t *testing.T) *Contracts {
	t.Helper()
	c, err := loaded()
	if err != nil {
		return Open(t) // says why, and skips or fails
	}
	return &Contracts{graph: c.graph, arm: c.arm, used: map[string]int{}}
}

// exchange is a test's short form: "METHOD /path", request body, status, answer body.
type exchange struct {
	call, body string
	status     int
	answer     string
	header     map[string]string // of the request
	without    string            // a header the answer must lack
}

func (x exchange) full() Exchange {
	method, path, _ := strings.Cut(x.call, " ")
	e := Exchange{
		Method: method, URL: host + strings.ReplaceAll(path, " ", "%20"), Status: x.status,
		RequestHeader: http.Header{}, ResponseHeader: http.Header{},
		RequestBody: []byte(x.body), ResponseBody: []byte(strings.ReplaceAll(x.answer, "HOST", host)),
	}
	if x.body != "" {
		e.RequestBody = []byte(strings.ReplaceAll(x.body, "HOST", host))
		e.RequestHeader.Set("Content-Type", "application/json")
	}
	for k, v := range x.header {
		e.RequestHeader.Set(k, v)
	}
	for _, h := range []string{"request-id", "x-ms-request-id", "WWW-Authenticate"} {
		e.ResponseHeader.Set(h, "x")
	}
	e.ResponseHeader.Set("Content-Type", "application/json; charset=utf-8")
	e.ResponseHeader.Del(x.without)
	return e
}

// expect compares the codes (with names, as code:name) found in an exchange with those wanted.
func expect(t *testing.T, c *Contracts, x exchange, want ...string) {
	t.Helper()
	problems := c.Check(x.full())
	var got []string
	for _, p := range problems {
		s := p.Code
		if p.Name != "" {
			s += ":" + p.Name
		}
		got = append(got, s)
	}
	slices.Sort(got)
	got = slices.Compact(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s\n got %q\nwant %q", x.call, got, want)
		for _, p := range problems {
			t.Logf("  %s", p)
		}
	}
}

const (
	aID = "11111111-1111-4111-8111-111111111111"
	bID = "22222222-2222-4222-8222-222222222222"
)

var eventual = map[string]string{"ConsistencyLevel": "eventual"}
