package msapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"breakglass/internal/msapi"
	"breakglass/internal/simtenant"
	"breakglass/internal/simtenant/state"
)

// operator is a client that may write.
func (sc *scene) operator(t *testing.T, change ...func(*msapi.Options)) *msapi.Client {
	t.Helper()
	return sc.client(t, append([]func(*msapi.Options){func(o *msapi.Options) {
		o.SignIn = msapi.SignIn{
			Method: msapi.MethodCertificate, ClientID: sc.creds.Operator.ClientID,
			CertificateFile: filepath.Join(sc.dir, sc.creds.Operator.CertificateFile),
		}
	}}, change...)...)
}

// newUser is the body of a new emergency account, as a plan shows it.
func (sc *scene) newUser(t *testing.T) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"accountEnabled": true, "displayName": "Operations k4t8", "mailNickname": "ops-k4t8", "userPrincipalName": "ops-k4t8@" + sc.Endpoints().InitialDomain,
		"passwordPolicies": "DisablePasswordExpiration",
		"passwordProfile":  map[string]any{"password": msapi.PasswordPlaceholder, "forceChangePasswordNextSignIn": false},
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func (sc *scene) created() (user state.Object) {
	sc.State().View(func(tx *state.Tx) {
		user = tx.Find("users", func(o state.Object) bool { return o.String("mailNickname") == "ops-k4t8" })
	})
	return user
}

func TestAnAccountIsMadeWithAPasswordThatNobodyKeeps(t *testing.T) {
	sc := newScene(t, "empty")
	res, err := sc.operator(t).Send(t.Context(), http.MethodPost, "v1.0", "/users", sc.newUser(t))
	if err != nil {
		t.Fatal(err)
	}
	password := sc.created().String("_password")
	if len(password) < 24 || password == msapi.PasswordPlaceholder {
		t.Fatalf("the tenant got a password of %d characters", len(password))
	}
	if bytes.Contains(res.Body, []byte(password)) || res.Status != http.StatusCreated || res.RequestID == "" {
		t.Errorf("answered %d with request-id %q", res.Status, res.RequestID)
	}
}

// Each write fails in both ways: not done, and done with the answer lost. The error tells
// the one from the other wherever it can be told.
func TestAWriteThatFailsSaysWhetherItCanHaveBeenDone(t *testing.T) {
	for _, c := range []struct {
		name          string
		fault         simtenant.Fault
		done, unknown bool
	}{
		{"cut before it was done", simtenant.Fault{Action: simtenant.DropBefore}, false, true},
		{"done, answer lost", simtenant.Fault{Action: simtenant.DropAfter}, true, true},
		{"done, answer cut in the middle", simtenant.Fault{Action: simtenant.CutBody}, true, true},
		{"failed with 503", simtenant.Fault{Action: simtenant.Status, Status: 503}, false, true},
		{"a proxy's page", simtenant.Fault{Action: simtenant.Status, Status: 502, Body: "html"}, false, true},
		{"forbidden", simtenant.Fault{Action: simtenant.Forbidden}, false, false},
		{"throttled, then done", simtenant.Fault{Action: simtenant.Throttled, Times: 3}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc := newScene(t, "empty")
			c.fault.Method, c.fault.Path = http.MethodPost, "/v1.0/users"
			if err := sc.Fail(c.fault); err != nil {
				t.Fatal(err)
			}
			_, err := sc.operator(t).Send(t.Context(), http.MethodPost, "v1.0", "/users", sc.newUser(t))
			if errors.Is(err, msapi.ErrOutcomeUnknown) != c.unknown {
				t.Errorf("got %v, want unknown %v", err, c.unknown)
			}
			if done := sc.created() != nil; done != c.done {
				t.Errorf("done is %v", done)
			}
			if sc.created() == nil && err == nil {
				t.Error("a success without the account")
			}
			if user := sc.created(); user != nil && err != nil && strings.Contains(err.Error(), user.String("_password")) {
				t.Error("the error tells the password")
			}
		})
	}
}

func TestAReaderCannotWriteAndLearnsWhatIsMissing(t *testing.T) {
	sc := newScene(t, "empty")
	_, err := sc.client(t).Send(t.Context(), http.MethodPost, "v1.0", "/users", sc.newUser(t))
	e, ok := errors.AsType[*msapi.Error](err)
	if !ok || e.Kind != msapi.KindPermission || e.Permission != "User.ReadWrite.All" || !strings.Contains(e.Hint(), "User.ReadWrite.All") {
		t.Errorf("got %+v", e)
	}
}

func TestAClockThatIsTurnedStopsWrites(t *testing.T) {
	sc := newScene(t, "empty")
	now := sc.options.Now
	c := sc.operator(t, func(o *msapi.Options) { o.Now = func() time.Time { return now().Add(6 * time.Minute) } })
	_, err := c.Send(t.Context(), http.MethodPost, "v1.0", "/users", sc.newUser(t))
	e, ok := errors.AsType[*msapi.Error](err)
	if !ok || e.Kind != msapi.KindClock || sc.created() != nil {
		t.Errorf("got %v", err)
	}
}

func TestAzureAnswersThroughTheSameClient(t *testing.T) {
	sc := newScene(t, "healthy")
	subs, err := sc.client(t).ARM().Subscriptions(t.Context())
	if err != nil || len(subs) == 0 || subs[0].ID == "" {
		t.Fatalf("subscriptions %v (%v)", subs, err)
	}
	_, err = sc.client(t).ARM().Send(t.Context(), http.MethodGet, "/subscriptions/"+subs[0].ID+"/resourceGroups/none", "2021-04-01", nil)
	if e, ok := errors.AsType[*msapi.Error](err); !ok || e.Kind == msapi.KindNetwork || e.Status == 0 {
		t.Errorf("a group that is not there: %v", err)
	}
	if _, err := sc.client(t).ARM().Send(t.Context(), http.MethodGet, "subscriptions?x", "2021-04-01", nil); err == nil {
		t.Error("a path with a query was sent")
	}
}
