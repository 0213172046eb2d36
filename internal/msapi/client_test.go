package msapi

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestEveryCallCarriesAnIDOfItsOwn(t *testing.T) {
	r := newRig(t)
	r.on("GET /v1.0/domains", reply(200, `{"value":[]}`))
	for range 2 {
		if _, err := r.send(t, "GET", "/domains", ""); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for _, h := range r.headers {
		id := h.Get("client-request-id")
		if uuid.Validate(id) != nil || seen[id] {
			t.Errorf("client-request-id is %q, want a new GUID for each call", id)
		}
		seen[id] = true
		if !strings.HasPrefix(h.Get("Authorization"), "Bearer ") {
			t.Error("no token was sent")
		}
	}
}

func TestAnotherTenantIsRefusedBeforeAnythingElse(t *testing.T) {
	t.Run("the token says so", func(t *testing.T) {
		r := newRig(t)
		r.tokens.tenant = otherTenant
		_, err := r.send(t, "POST", "/users", `{}`)
		e := wantKind(t, err, KindWrongTenant)
		if !errors.Is(err, ErrWrongTenant) || !strings.Contains(e.Error(), otherTenant) || !strings.Contains(e.Error(), ourTenant) || e.Hint() == "" {
			t.Errorf("the error must name both tenants and a next step: %v (%s)", e, e.Hint())
		}
		if len(r.seen) != 0 {
			t.Errorf("requests went out all the same: %v", r.seen)
		}
	})
	t.Run("the organization says so", func(t *testing.T) {
		r := newRig(t)
		r.tokens.claims = map[string]any{"tid": ""}
		r.on("GET /v1.0/organization", reply(200, `{"value":[{"id":"`+otherTenant+`"}]}`))
		_, err := r.send(t, "POST", "/users", `{}`)
		if !errors.Is(err, ErrWrongTenant) || r.times("POST /v1.0/users") != 0 {
			t.Errorf("got %v after %v", err, r.seen)
		}
	})
	t.Run("nobody says anything", func(t *testing.T) {
		r := newRig(t)
		r.tokens.claims = map[string]any{"tid": ""}
		r.on("GET /v1.0/organization", graphError(403, "Authorization_RequestDenied", "Insufficient privileges"))
		_, err := r.send(t, "GET", "/domains", "")
		wantKind(t, err, KindPermission)
	})
	t.Run("the token alone suffices", func(t *testing.T) {
		r := newRig(t)
		r.on("GET /v1.0/organization", graphError(403, "Authorization_RequestDenied", "Insufficient privileges"))
		r.on("GET /v1.0/domains", reply(200, `{"value":[]}`))
		if _, err := r.send(t, "GET", "/domains", ""); err != nil {
			t.Error(err)
		}
	})
}

func TestThrottledRequestsWait(t *testing.T) {
	t.Run("as long as the service says", func(t *testing.T) {
		r := newRig(t)
		r.on("PATCH /v1.0/users/u", after(graphError(429, "TooManyRequests", "slow down", "Retry-After", "8"), reply(204, "")))
		if _, err := r.send(t, "PATCH", "/users/u", `{"displayName":"x"}`); err != nil {
			t.Fatal(err)
		}
		if len(r.waits) != 1 || r.waits[0] != 8*time.Second || !strings.Contains(r.said(), "throttled, waiting 8s") {
			t.Errorf("waited %v, said %s", r.waits, r.said())
		}
	})
	t.Run("longer each time when it says nothing", func(t *testing.T) {
		r := newRig(t)
		throttled := graphError(429, "TooManyRequests", "slow down")
		r.on("GET /v1.0/domains", after(throttled, throttled, throttled, throttled, throttled, throttled, reply(200, `{"value":[]}`)))
		if _, err := r.send(t, "GET", "/domains", ""); err != nil {
			t.Fatal(err)
		}
		for i, d := range r.waits {
			step := min(time.Second<<i, longWait)
			if d < step/2 || d > step*3/2 {
				t.Errorf("wait %d was %v, want %v give or take a half", i, d, step)
			}
		}
		if len(r.waits) != 6 {
			t.Errorf("waited %d times", len(r.waits))
		}
	})
	t.Run("but not for ever", func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.Patience = time.Minute })
		r.on("GET /v1.0/domains", graphError(429, "TooManyRequests", "slow down", "Retry-After", "25"))
		_, err := r.send(t, "GET", "/domains", "")
		e := wantKind(t, err, KindThrottled)
		if len(r.waits) != 2 || e.Hint() == "" {
			t.Errorf("waited %v of a minute's patience, hint %q", r.waits, e.Hint())
		}
	})
	t.Run("not at once, even if the service says so", func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.Patience = 20 * time.Second })
		r.on("GET /v1.0/domains", graphError(429, "TooManyRequests", "slow down", "Retry-After", "0"))
		_, err := r.send(t, "GET", "/domains", "")
		wantKind(t, err, KindThrottled)
		if n := r.times("GET /v1.0/domains"); n > 8 {
			t.Errorf("asked %d times in 20 s", n)
		}
	})
	t.Run("until a date by the service's clock", func(t *testing.T) {
		r := newRig(t)
		r.date = noon.Add(-2 * time.Minute)
		at := r.date.Add(7 * time.Second).Format(http.TimeFormat)
		r.on("GET /v1.0/domains", after(graphError(429, "x", "y", "Retry-After", at), reply(200, `{"value":[]}`)))
		if _, err := r.send(t, "GET", "/domains", ""); err != nil || len(r.waits) != 1 || r.waits[0] != 7*time.Second {
			t.Errorf("waited %v (%v)", r.waits, err)
		}
	})
}

func TestReadsAreTriedAgain(t *testing.T) {
	fine := reply(200, `{"value":[]}`)
	for name, fault := range map[string]http.HandlerFunc{
		"connection cut":     gone,
		"cut in mid-answer":  cut,
		"service failed":     graphError(503, "ServiceUnavailable", "later"),
		"gateway page":       reply(502, "<html>Bad gateway</html>", "Content-Type", "text/html"),
		"half a JSON answer": reply(200, `{"value":[{"id":`),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.on("GET /v1.0/domains", after(fault, fault, fine))
			if _, err := r.send(t, "GET", "/domains", ""); err != nil {
				t.Fatal(err)
			}
			if n := r.times("GET /v1.0/domains"); n != 3 {
				t.Errorf("asked %d times, want 3", n)
			}
		})
		t.Run(name+" for ever", func(t *testing.T) {
			r := newRig(t)
			r.on("GET /v1.0/domains", fault)
			_, err := r.send(t, "GET", "/domains", "")
			e, ok := errors.AsType[*Error](err)
			// Go's transport may ask once more by itself when a used connection breaks.
			n := r.times("GET /v1.0/domains")
			if !ok || n < maxTries || n > maxTries+1 || e.Hint() == "" || e.ClientRequestID == "" || errors.Is(err, ErrOutcomeUnknown) {
				t.Errorf("after %d tries: %v", r.times("GET /v1.0/domains"), err)
			}
		})
	}
}

func TestAWriteWhoseAnswerWasLostIsSaidToBe(t *testing.T) {
	for name, fault := range map[string]http.HandlerFunc{
		"connection cut":    gone,
		"cut in mid-answer": cut,
		"service failed":    graphError(500, "InternalServerError", "x"),
		"proxy's page":      reply(200, "<html>login</html>", "Content-Type", "text/html"),
		"proxy's refusal":   reply(403, "<html>no</html>", "Content-Type", "text/html"),
		"half an answer":    reply(201, `{"id":`),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.on("POST /v1.0/groups", fault)
			_, err := r.send(t, "POST", "/groups", `{"displayName":"x"}`)
			if !errors.Is(err, ErrOutcomeUnknown) {
				t.Errorf("want an unknown outcome, got %v", err)
			}
			if n := r.times("POST /v1.0/groups"); n != 1 {
				t.Errorf("a write that may have been done was sent %d times", n)
			}
		})
	}
}

func TestAWriteThatWasRefusedWasNotDone(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   Kind
	}{
		"bad request": {graphError(400, "Request_BadRequest", "no"), KindRefused},
		"forbidden":   {graphError(403, "Authorization_RequestDenied", "no"), KindPermission},
		"conflict":    {graphError(409, "Request_MultipleObjectsWithSameKeyValue", "no"), KindConflict},
		"not found":   {graphError(404, "Request_ResourceNotFound", "no"), KindNotFound},
		"licence":     {graphError(400, "AadPremiumLicenseRequired", "no"), KindLicence},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.on("POST /v1.0/groups", c.answer)
			_, err := r.send(t, "POST", "/groups", `{"displayName":"x"}`)
			e := wantKind(t, err, c.kind)
			if errors.Is(err, ErrOutcomeUnknown) || e.RequestID != "service-request-id" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAWriteThatReachedNobodyIsTriedAgainAndNotUnknown(t *testing.T) {
	r := newRig(t)
	if _, err := r.send(t, "GET", "/domains", ""); err == nil {
		t.Fatal("the peer has no domains")
	}
	r.client.graph.base.Host = "127.0.0.1:1" // nobody listens there
	_, err := r.send(t, "POST", "/groups", `{}`)
	wantKind(t, err, KindNetwork)
	if errors.Is(err, ErrOutcomeUnknown) || len(r.waits) == 0 {
		t.Errorf("got %v after waiting %v", err, r.waits)
	}
}

func TestAnInterruptedWriteIsUnknown(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	r.on("POST /v1.0/groups", func(w http.ResponseWriter, req *http.Request) {
		cancel()
		<-req.Context().Done()
		panic(http.ErrAbortHandler)
	})
	_, err := r.client.Send(ctx, "POST", "v1.0", "/groups", []byte(`{}`))
	if !errors.Is(err, ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestATokenThatIsOverIsRenewedOnce(t *testing.T) {
	r := newRig(t)
	over := graphError(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.", "WWW-Authenticate", `Bearer realm="", authorization_uri="https://login"`)
	r.on("PATCH /v1.0/users/u", after(over, reply(204, "")))
	if _, err := r.send(t, "PATCH", "/users/u", `{"displayName":"same body"}`); err != nil {
		t.Fatal(err)
	}
	last := r.tokens.asked[len(r.tokens.asked)-1]
	if !strings.Contains(last.Claims, `"nbf"`) || !strings.Contains(last.Claims, fmt.Sprint(noon.Unix())) || !last.EnableCAE {
		t.Errorf("the cached token could come again: asked for %+v", last)
	}
	if got := r.bodies[len(r.bodies)-1]; got != `{"displayName":"same body"}` {
		t.Errorf("the second attempt sent %q", got)
	}

	r.on("GET /v1.0/domains", over)
	_, err := r.send(t, "GET", "/domains", "")
	e := wantKind(t, err, KindExpired)
	if r.times("GET /v1.0/domains") != 2 || !strings.Contains(e.Hint(), "clock") {
		t.Errorf("asked %d times, hint %q", r.times("GET /v1.0/domains"), e.Hint())
	}
}

func TestAStepUpIsAskedFor(t *testing.T) {
	claims := `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`
	challenge := `Bearer realm="", authorization_uri="https://login", error="insufficient_claims", claims="` +
		base64.StdEncoding.EncodeToString([]byte(claims)) + `"`
	for _, status := range []int{401, 403} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			r := newRig(t)
			needed := graphError(status, "accessDenied", "step up", "WWW-Authenticate", challenge)
			r.on("PATCH /v1.0/identity/conditionalAccess/policies/p", after(needed, reply(204, "")))
			if _, err := r.send(t, "PATCH", "/identity/conditionalAccess/policies/p", `{"state":"disabled"}`); err != nil {
				t.Fatal(err)
			}
			if got := r.tokens.asked[len(r.tokens.asked)-1].Claims; got != claims {
				t.Errorf("asked for a token with %q", got)
			}
			r.on("PATCH /v1.0/identity/conditionalAccess/policies/p", needed)
			_, err := r.send(t, "PATCH", "/identity/conditionalAccess/policies/p", `{"state":"disabled"}`)
			if status == 401 {
				e := wantKind(t, err, KindSignIn)
				if !strings.Contains(e.Hint(), "browser") {
					t.Errorf("hint %q", e.Hint())
				}
			}
			if errors.Is(err, ErrOutcomeUnknown) {
				t.Error("a refused step-up was not done")
			}
		})
	}
}

func TestAnswersThatAreNotGraphs(t *testing.T) {
	cases := map[string]struct {
		answer http.HandlerFunc
		words  string
	}{
		"HTML":              {reply(200, "<html>Sign in to the hotel network</html>", "Content-Type", "text/html"), "text/html"},
		"a redirect":        {reply(302, "", "Location", "https://evil.example/"), "redirected"},
		"no JSON":           {reply(200, "hello"), "instead of JSON"},
		"an endless answer": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200); endless(w) }, "32 MiB"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.on("GET /v1.0/domains", c.answer)
			_, err := r.send(t, "GET", "/domains", "")
			e := wantKind(t, err, KindNotGraph)
			if !strings.Contains(e.Error(), c.words) || strings.Contains(e.Error(), "hotel") || e.Hint() == "" {
				t.Errorf("got %v", e)
			}
			if n := r.times("GET /v1.0/domains"); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

func endless(w io.Writer) {
	chunk := []byte(strings.Repeat("a", 1<<20))
	for range 34 {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func TestACertificateThatIsNotTrusted(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Transport = nil })
	_, err := r.send(t, "GET", "/domains", "")
	e := wantKind(t, err, KindNetwork)
	if !strings.Contains(e.Error(), "not trusted") || len(r.waits) != 0 {
		t.Errorf("got %v after waiting %v", e, r.waits)
	}
}

func TestAClockThatIsOff(t *testing.T) {
	r := newRig(t)
	r.date = noon.Add(-6 * time.Minute)
	r.on("GET /v1.0/domains", reply(200, `{"value":[]}`))
	if _, err := r.send(t, "GET", "/domains", ""); err != nil {
		t.Fatal(err)
	}
	if r.client.ClockSkew() != 6*time.Minute || strings.Count(r.said(), "6m0s fast") != 1 {
		t.Errorf("skew %v, said %s", r.client.ClockSkew(), r.said())
	}
	_, err := r.send(t, "POST", "/groups", `{}`)
	e := wantKind(t, err, KindClock)
	if r.times("POST /v1.0/groups") != 0 || !strings.Contains(e.Hint(), "clock") {
		t.Errorf("a write went out: %v", r.seen)
	}
}

func TestErrorsSayWhatIsMissingAndWhoCanGiveIt(t *testing.T) {
	denied := graphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	t.Run("an application without the permission", func(t *testing.T) {
		r := newRig(t)
		r.on("GET /v1.0/auditLogs/directoryAudits", denied)
		_, err := r.send(t, "GET", "/auditLogs/directoryAudits", "")
		e := wantKind(t, err, KindPermission)
		if e.Permission != "AuditLog.Read.All" || e.Granted || !strings.Contains(e.Hint(), "AuditLog.Read.All") || !strings.Contains(e.Hint(), "Global Administrator") {
			t.Errorf("%+v: %s", e, e.Hint())
		}
	})
	t.Run("a person with the scope but no role", func(t *testing.T) {
		r := newRig(t)
		r.tokens.claims = map[string]any{"idtyp": "user", "scp": "AuditLog.Read.All User.Read"}
		r.on("GET /v1.0/auditLogs/directoryAudits", denied)
		_, err := r.send(t, "GET", "/auditLogs/directoryAudits", "")
		e := wantKind(t, err, KindPermission)
		if !e.Granted || e.Role != "Reports Reader" || !strings.Contains(e.Hint(), "Reports Reader") {
			t.Errorf("%+v: %s", e, e.Hint())
		}
	})
	t.Run("an application that touches an administrator", func(t *testing.T) {
		r := newRig(t)
		r.tokens.claims = map[string]any{"roles": []string{"User.ReadWrite.All"}}
		r.on("PATCH /v1.0/users/u", denied)
		_, err := r.send(t, "PATCH", "/users/u", `{"accountEnabled":true}`)
		e := wantKind(t, err, KindPermission)
		if !e.Granted || !strings.Contains(e.Hint(), "Privileged Authentication Administrator") {
			t.Errorf("%+v: %s", e, e.Hint())
		}
	})
	t.Run("a licence", func(t *testing.T) {
		r := newRig(t)
		r.on("GET /v1.0/auditLogs/signIns", graphError(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "Tenant is not a B2C tenant and doesn't have premium license"))
		_, err := r.send(t, "GET", "/auditLogs/signIns", "")
		e := wantKind(t, err, KindLicence)
		if !strings.Contains(e.Hint(), "P1") {
			t.Errorf("hint %q", e.Hint())
		}
	})
}

func TestErrorsQuoteLittleAndNoTokens(t *testing.T) {
	r := newRig(t)
	token := jwtOf(map[string]any{"tid": ourTenant})
	r.on("GET /v1.0/domains", graphError(400, "BadRequest", "the header Bearer "+token+" was strange\nand "+strings.Repeat("long ", 500)))
	_, err := r.send(t, "GET", "/domains", "")
	if s := err.Error(); strings.Contains(s, token) || strings.Contains(s, "eyJ") || len(s) > 700 || strings.Contains(s, "\n") {
		t.Errorf("the error says too much: %s", s)
	}
}

func TestPathsStayBelowTheirVersion(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ version, path string }{{"v2.0", "/users"}, {"v1.0", "users"}, {"v1.0", "/../admin"}, {"v1.0", "https://evil.example/"}} {
		if _, err := r.client.Send(t.Context(), "GET", c.version, c.path, nil); err == nil {
			t.Errorf("%s %s was sent", c.version, c.path)
		}
	}
	if len(r.seen) != 0 {
		t.Errorf("sent %v", r.seen)
	}
}
