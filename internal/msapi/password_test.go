package msapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

const resetBody = `{"passwordProfile":{"password":"<random, kept by nobody>","forceChangePasswordNextSignIn":false}}`

// passwordIn is the password that reached the service.
func passwordIn(t *testing.T, body string) string {
	t.Helper()
	var v struct {
		Profile struct {
			Password string `json:"password"`
		} `json:"passwordProfile"`
	}
	if err := json.Unmarshal([]byte(body), &v); err != nil || v.Profile.Password == "" {
		t.Fatalf("no password in what was sent (%v)", err)
	}
	return v.Profile.Password
}

func TestAThrowAwayPasswordIsRandomAndStrong(t *testing.T) {
	r := newRig(t)
	r.on("PATCH /v1.0/users/u", reply(204, ""))
	escaped := strings.NewReplacer("<", `\u003c`, ">", `\u003e`).Replace(resetBody)
	seen := map[string]bool{}
	for _, body := range []string{resetBody, escaped, resetBody} {
		if _, err := r.send(t, "PATCH", "/users/u", body); err != nil {
			t.Fatal(err)
		}
		p := passwordIn(t, r.bodies[len(r.bodies)-1])
		if seen[p] || len(p) < 24 || p == PasswordPlaceholder {
			t.Error("the password is not a new random one")
		}
		for _, class := range []string{lower, upper, digits, symbols} {
			if !strings.ContainsAny(p, class) {
				t.Errorf("a class of characters is missing: %q", class)
			}
		}
		seen[p] = true
	}
}

func TestNoOtherPasswordIsEverSent(t *testing.T) {
	r := newRig(t)
	for _, body := range []string{
		`{"passwordProfile":{"password":"Winter2026!","forceChangePasswordNextSignIn":false}}`,
		`{"PasswordProfile":{"password":"Winter2026!","forceChangePasswordNextSignIn":false}}`,
		`{"passwordProfile":{"password":"<random, kept by nobody>"}}`,
		`{"passwordProfile":{"password":"<random, kept by nobody>","forceChangePasswordNextSignIn":true}}`,
		`{"passwordProfile":{"password":"<random, kept by nobody>","forceChangePasswordNextSignIn":false,"forceChangePasswordNextSignInWithMfa":true}}`,
		`{"displayName":"<random, kept by nobody>","passwordProfile":{"password":"<random, kept by nobody>","forceChangePasswordNextSignIn":false}}`,
		`{"passwordProfile":null}`,
		`{"newPassword":"x"}`,
		`{"passwordProfile":`,
	} {
		_, err := r.send(t, "PATCH", "/users/u", body)
		e := wantKind(t, err, KindRefused)
		if strings.Contains(e.Error(), "Winter2026") {
			t.Errorf("the error repeats the password: %v", e)
		}
	}
	if r.times("PATCH /v1.0/users/u") != 0 {
		t.Errorf("sent: %v", r.seen)
	}
}

// Whatever the service or the network does, the throw-away password is in nothing that
// comes back or is told.
func TestAThrowAwayPasswordNeverShows(t *testing.T) {
	echo := func(status int, format string) http.HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) {
			body, _ := io.ReadAll(req.Body)
			p := passwordIn(t, string(body))
			text, _ := json.Marshal(fmt.Sprintf(format, p))
			reply(status, `{"error":{"code":"Request_BadRequest","message":`+string(text)+`}}`, "request-id", p)(w, req)
		}
	}
	piece := func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		p := passwordIn(t, string(body))
		graphError(400, p[:12], "begins with "+strings.ToUpper(p[3:15]))(w, req)
	}
	cases := map[string]http.HandlerFunc{
		"refused":           graphError(400, "Request_BadRequest", "The specified password does not comply with password complexity requirements."),
		"refused, quoted":   echo(400, "The specified password '%s' does not comply"),
		"failed, quoted":    echo(500, "while setting %s"),
		"throttled, quoted": echo(429, "slow down with %s"),
		"pieces of it":      piece,
		"cut":               cut,
		"gone":              gone,
		"done, quoted": func(w http.ResponseWriter, req *http.Request) {
			body, _ := io.ReadAll(req.Body)
			reply(200, string(body))(w, req)
		},
	}
	for name, h := range cases {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(o *Options) { o.Patience = 1 })
			r.on("PATCH /v1.0/users/u", h)
			res, err := r.send(t, "PATCH", "/users/u", resetBody)
			p := passwordIn(t, r.bodies[len(r.bodies)-1])
			var said strings.Builder
			fmt.Fprintf(&said, "%v|%+v|%#v|%s|%s", err, err, err, r.said(), res.Body)
			for e := err; e != nil; e = errors.Unwrap(e) {
				fmt.Fprintf(&said, "|%v", e)
			}
			if e, ok := errors.AsType[*Error](err); ok {
				fmt.Fprintf(&said, "|%s|%+v", e.Hint(), *e)
			}
			if echoes(said.String(), p) {
				t.Error("the password, or a piece of it, came back")
			}
		})
	}
}
