package msapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
)

// PasswordPlaceholder stands in a request body where Send puts a random password that is
// known to nobody, not even to the caller.
const PasswordPlaceholder = "<random, kept by nobody>"

// hasPassword is true for a body that would set a password. A body that we cannot parse but
// that names one counts too.
func hasPassword(body []byte) bool {
	low := bytes.ToLower(body)
	return bytes.Contains(low, []byte(`"passwordprofile"`)) || bytes.Contains(low, []byte(`"newpassword"`))
}

// sendNobodysPassword sends a body in which the placeholder is replaced by a random password.
// The value lives in the body of this one request, is wiped when the answer is there, and is
// taken out of whatever the service says about it.
func (c *Client) sendNobodysPassword(ctx context.Context, rq request) (Response, error) {
	password, err := nobodysPassword()
	if err != nil {
		return Response{}, &Error{Kind: KindRefused, Op: rq.op, Message: "no random password could be made", cause: err, retryAfter: -1}
	}
	defer clear(password)
	marker, err := json.Marshal(PasswordPlaceholder)
	if err != nil {
		return Response{}, asError(err, rq.op)
	}
	body, ok := putPassword(rq.body, marker, password)
	if !ok {
		return Response{}, &Error{
			Kind: KindRefused, Op: rq.op, retryAfter: -1,
			Message: "a password may only be the placeholder " + PasswordPlaceholder + ", once, with forceChangePasswordNextSignIn false",
		}
	}
	defer clear(body)
	rq.body = body
	res, err := c.graph.do(ctx, rq)
	if err != nil {
		return Response{}, withoutSecret(asError(err, rq.op), string(password))
	}
	if echoes(string(res.Body), string(password)) {
		res.Body = nil
	}
	return res, nil
}

// putPassword replaces the placeholder, after making sure that the body is what we mean: one
// placeholder as the password of the passwordProfile, and no change forced at the next
// sign-in, which would make the account useless ("Update user", passwordProfile).
func putPassword(body, marker, password []byte) ([]byte, bool) {
	var shape struct {
		Profile *struct {
			Password string `json:"password"`
			Force    *bool  `json:"forceChangePasswordNextSignIn"`
			ForceMFA *bool  `json:"forceChangePasswordNextSignInWithMfa"`
		} `json:"passwordProfile"`
		New *json.RawMessage `json:"newPassword"`
	}
	if json.Unmarshal(body, &shape) != nil || shape.Profile == nil || shape.New != nil {
		return nil, false
	}
	p := shape.Profile
	if p.Password != PasswordPlaceholder || p.Force == nil || *p.Force || p.ForceMFA != nil && *p.ForceMFA {
		return nil, false
	}
	// The placeholder may be written with < and > escaped or not.
	for _, m := range [][]byte{marker, []byte(`"` + PasswordPlaceholder + `"`)} {
		if bytes.Count(body, m) == 1 {
			quoted := make([]byte, 0, len(password)+2)
			quoted = append(append(append(quoted, '"'), password...), '"')
			defer clear(quoted)
			return bytes.Replace(body, m, quoted, 1), true
		}
	}
	return nil, false
}

// The characters of a throw-away password need no escape in JSON or a URL. All four classes
// are in every one, so that no complexity rule refuses it.
const (
	passwordLength = 40
	lower          = "abcdefghijkmnopqrstuvwxyz"
	upper          = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	digits         = "23456789"
	symbols        = "-_.~"
)

// nobodysPassword is a random password, about 230 bits.
func nobodysPassword() ([]byte, error) {
	out := make([]byte, passwordLength)
	for {
		for i := range out {
			n, err := rand.Int(rand.Reader, big.NewInt(int64(len(lower+upper+digits+symbols))))
			if err != nil {
				return nil, err
			}
			out[i] = (lower + upper + digits + symbols)[n.Int64()]
		}
		if bytes.ContainsAny(out, lower) && bytes.ContainsAny(out, upper) && bytes.ContainsAny(out, digits) && bytes.ContainsAny(out, symbols) {
			return out, nil
		}
	}
}

// echoLength is how much of a password in an answer counts as an echo of it.
const echoLength = 6

// echoes is true when text holds a piece of the secret, in any letter case.
func echoes(text, secret string) bool {
	text, secret = strings.ToLower(text), strings.ToLower(secret)
	for i := 0; i+echoLength <= len(secret); i++ {
		if strings.Contains(text, secret[i:i+echoLength]) {
			return true
		}
	}
	return false
}

// withoutSecret is an error that says nothing of a secret that the service may have echoed.
func withoutSecret(e *Error, secret string) *Error {
	e.cause = nil
	if echoes(e.Message, secret) || echoes(e.Code, secret) {
		e.Code, e.Message = "", "the service refused the password (its words are left out, they quote it): "+http.StatusText(e.Status)
	}
	if echoes(e.RequestID, secret) {
		e.RequestID = ""
	}
	return e
}
