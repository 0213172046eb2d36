package msapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// The two kinds of caller, as entra.Reader names them.
const (
	kindApplication = "application"
	kindUser        = "user"
)

// identity is what a token says of its holder. Graph's tokens are meant for Graph only; we
// read them to refuse a wrong tenant early and to say what is granted, never to trust them.
type identity struct {
	tenant, objectID, appID, kind string
	grants                        []string
}

// has is true when the grants cover a permission, by its name or a broader one of the same resource.
func (i identity) has(permission string) bool {
	return slices.ContainsFunc(i.grants, func(g string) bool {
		return strings.EqualFold(g, permission) ||
			strings.EqualFold(strings.Replace(g, ".ReadWrite.", ".Read.", 1), permission)
	})
}

// identityOf reads a token's claims; the zero value when it is no JWT.
func identityOf(token string) identity {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return identity{}
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return identity{}
	}
	var c struct {
		TID   string   `json:"tid"`
		OID   string   `json:"oid"`
		AppID string   `json:"appid"`
		AZP   string   `json:"azp"`
		Scp   string   `json:"scp"`
		Roles []string `json:"roles"`
		Idtyp string   `json:"idtyp"`
	}
	if json.Unmarshal(raw, &c) != nil {
		return identity{}
	}
	id := identity{tenant: c.TID, objectID: c.OID, appID: c.AppID, kind: kindApplication, grants: c.Roles}
	if id.appID == "" {
		id.appID = c.AZP
	}
	if c.Idtyp == "user" || c.Idtyp == "" && c.Scp != "" {
		id.kind, id.grants = kindUser, strings.Fields(c.Scp)
	}
	return id
}

// bearer is the policy that puts the token on a request, renews one that is not accepted
// once, and answers claims challenges (continuous access evaluation, and the step-up that a
// protected action demands) by asking for a token with those claims.
type bearer struct {
	cred  azcore.TokenCredential
	scope string
	now   func() time.Time
	lost  func() error // what happened to the last request for a token
	// mu lets one request at a time ask, so that a person is prompted once.
	mu sync.Mutex
}

// token asks the credential, which has a cache of its own.
func (b *bearer) token(ctx context.Context, claims string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, err := b.cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{b.scope}, EnableCAE: true, Claims: claims})
	if err != nil {
		return "", signInError(ctx, err, b.lost())
	}
	return t.Token, nil
}

// Do is azcore's policy interface.
func (b *bearer) Do(req *policy.Request) (*http.Response, error) {
	if req.Raw().URL.Scheme != "https" {
		return nil, &Error{Kind: KindNotGraph, Op: opOf(req), Message: "a token is only sent over https", retryAfter: -1}
	}
	res, err := b.send(req, "")
	if err != nil {
		return nil, err
	}
	claims := challengeClaims(res.Header)
	switch {
	case claims != "" && (res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden):
	case res.StatusCode == http.StatusUnauthorized:
		claims = fresherThan(b.now())
	default:
		return res, nil
	}
	_ = res.Body.Close()
	if err := req.RewindBody(); err != nil {
		return nil, asError(err, opOf(req))
	}
	return b.send(req, claims)
}

func (b *bearer) send(req *policy.Request, claims string) (*http.Response, error) {
	token, err := b.token(req.Raw().Context(), claims)
	if err != nil {
		return nil, err
	}
	req.Raw().Header.Set("Authorization", "Bearer "+token)
	return req.Next()
}

// fresherThan are claims that no cached token satisfies: the shape of a continuous access
// evaluation challenge ("Claims challenges, claims requests, and client capabilities").
func fresherThan(t time.Time) string {
	return fmt.Sprintf(`{"access_token":{"nbf":{"essential":true,"value":"%d"}}}`, t.Unix())
}

var (
	challengeParam = regexp.MustCompile(`(\w+)\s*=\s*"([^"]*)"`)
	claimEncodings = []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding}
)

// challengeClaims are the claims that a WWW-Authenticate header with insufficient_claims demands.
func challengeClaims(h http.Header) string {
	for _, v := range h.Values("WWW-Authenticate") {
		params := map[string]string{}
		for _, m := range challengeParam.FindAllStringSubmatch(v, -1) {
			params[strings.ToLower(m[1])] = m[2]
		}
		if params["error"] != "insufficient_claims" || params["claims"] == "" {
			continue
		}
		for _, enc := range claimEncodings {
			if raw, err := enc.DecodeString(params["claims"]); err == nil && json.Valid(raw) {
				return string(raw)
			}
		}
	}
	return ""
}

// signInError is a failed token request, without the request, the answer or the library's text.
// lost is what the network said of its last request, nil when it was answered: the library
// keeps only the text of it.
func signInError(ctx context.Context, err, lost error) *Error {
	e := &Error{Kind: KindSignIn, Op: "sign in", retryAfter: -1}
	if ctx.Err() != nil {
		e.Message, e.cause = "given up before it was done", ctx.Err()
		return e
	}
	failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err)
	if !ok || failed.RawResponse == nil {
		e.Message = "no token: " + shorten(firstLine(err.Error()))
		if lost != nil {
			e.Kind, e.Message, e.cause = KindNetwork, "no token: "+networkText(lost), lost
		}
		return e
	}
	e.Status = failed.RawResponse.StatusCode
	e.RequestID = failed.RawResponse.Header.Get("x-ms-request-id")
	var body struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Codes       []int  `json:"error_codes"`
		TraceID     string `json:"trace_id"`
	}
	if json.Unmarshal(drain(failed.RawResponse), &body) != nil || body.Error == "" {
		e.Kind, e.Message = KindNotGraph, "the login host answered with "+contentKind(failed.RawResponse.Header)+" instead of JSON"
		return e
	}
	e.Code = body.Error
	if m := aadsts.FindString(body.Description); m != "" {
		e.Code = m
	}
	e.Message = shorten(firstLine(strings.TrimPrefix(body.Description, e.Code+": ")))
	if e.RequestID == "" {
		e.RequestID = body.TraceID
	}
	if e.Code == "AADSTS700024" {
		e.Kind = KindClock
	}
	return e
}

var aadsts = regexp.MustCompile(`AADSTS\d+`)

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	line, _, _ = strings.Cut(line, " Trace ID:")
	return strings.TrimSpace(line)
}
