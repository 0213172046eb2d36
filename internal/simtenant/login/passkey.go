package login

import (
	"net/http"
	"net/url"
	"strings"

	"breakglass/internal/simtenant/state"
)

// isPasskey is true for a method that is a security key. All keys of the simulated tenant are
// simulated: who holds one knows its PIN, which /_phone tells.
func isPasskey(o state.Object) bool { return typeOf(o) == "fido2AuthenticationMethod" }

// passkeyPage asks for the touch of one of the user's keys, which wants its PIN first.
func (s *Server) passkeyPage(tx *state.Tx, f *flow, u, o state.Object) view {
	codeOf(tx, o)
	f.way = o.ID()
	v := f.show("passkey")
	v.page.Name, v.page.Text = u.String("userPrincipalName"), "Your device will open a security window. Follow the instructions there to sign in with "+o.String("displayName")+"."
	v.page.Phone = s.base() + "/_phone?user=" + url.QueryEscape(v.page.Name)
	for _, other := range registered(tx, u) {
		if other.ID() != o.ID() && isPasskey(other) {
			v.page.Ways = append(v.page.Ways, way{other.ID(), "Use " + other.String("displayName") + " instead"})
		}
	}
	return v
}

// postPasskey takes the touch. A key is two factors in one, so it opens a sign-in by itself
// or stands in for every second proof. A wrong PIN never leaves the key, so no log knows of it.
func (s *Server) postPasskey(tx *state.Tx, r *http.Request, f *flow) (view, error) {
	u, o := tx.Get("users", f.userID), tx.Get("authenticationMethods", f.way)
	if u == nil || o == nil || !isPasskey(o) {
		return view{}, refuse(50089)
	}
	if o.String("_code") == "" || o.String("_code") != strings.TrimSpace(r.PostForm.Get("pin")) {
		v := s.passkeyPage(tx, f, u, o)
		v.status, v.page.Error = http.StatusBadRequest, "That PIN isn't correct. Try again."
		return v, nil
	}
	f.methods = append(f.methods, Method{Mode: "fido2", ID: o.ID(), AAGUID: o.String("aaGuid")})
	f.ses = nil // a new proof is a new session
	return s.advance(tx, r, f)
}
