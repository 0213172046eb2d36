package login

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"breakglass/internal/simtenant/state"
)

var _ state.Verifier = (*Server)(nil).Verify

// Verify finds who speaks in a request to a resource (an application id, a URI, or graph,
// arm, logAnalytics), or answers it with 401 and returns false. It is a state.Verifier.
//
// Refused are: no token, one that is not ours, one past its time by the simulated clock,
// one for another resource. A client that understands continuous access evaluation gets a
// claims challenge where its user's sessions were revoked, the account was disabled,
// or the token is past its time; other clients' tokens live on until they expire.
func (s *Server) Verify(w http.ResponseWriter, r *http.Request, audience string) (state.Principal, bool) {
	p, rej := s.check(r, audience)
	if rej == nil {
		return p, true
	}
	s.reject(w, r, audience, rej)
	return state.Principal{}, false
}

// rejection is why a resource does not take a token.
type rejection struct {
	graphMessage   string
	armCode, armMS string
	// claims are what a new token must prove; nil: a new token of any kind will do.
	claims map[string]any
}

func (s *Server) check(r *http.Request, audience string) (state.Principal, *rejection) {
	scheme, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if raw = strings.TrimSpace(raw); !strings.EqualFold(scheme, "Bearer") || raw == "" {
		return state.Principal{}, &rejection{"Access token is empty.", "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.", nil}
	}
	claims, err := s.keys().parse(raw)
	if err != nil {
		text := "IDX14100: JWT is not well formed, there are no dots (.)."
		if strings.Count(raw, ".") == 2 {
			text = "Signature is invalid."
		}
		return state.Principal{}, &rejection{text, "InvalidAuthenticationToken", "The access token is invalid.", nil}
	}
	var p state.Principal
	var rej *rejection
	s.st.View(func(tx *state.Tx) { p, rej = s.believe(tx, claims, audience) })
	return p, rej
}

// believe judges the claims of a token whose signature is ours.
func (s *Server) believe(tx *state.Tx, claims jwt.MapClaims, audience string) (state.Principal, *rejection) {
	p := s.principal(tx, claims)
	want, ok := s.resource(tx, audience)
	if !ok || p.Audience != want.appID {
		return p, &rejection{
			"Invalid audience.", "InvalidAuthenticationTokenAudience",
			fmt.Sprintf("The access token has been obtained for wrong audience or resource '%v'.", claims["aud"]), nil,
		}
	}
	if claims["tid"] != tx.TenantID() {
		return p, &rejection{"Invalid tenant.", "InvalidAuthenticationTokenTenant", "The access token is from the wrong issuer.", nil}
	}
	cae := slices.Contains(texts(claims["xms_cc"]), "CP1")
	exp, _ := claims.GetExpirationTime()
	if exp == nil || !tx.Now().Before(exp.Time) {
		rej := &rejection{"Lifetime validation failed, the token is expired.", "ExpiredAuthenticationToken", "The access token expiry time is earlier than the current time.", nil}
		if cae {
			rej.claims = freshClaims(tx.Now())
		}
		return p, rej
	}
	if cae && s.revoked(tx, p, claims) {
		return p, &rejection{
			"Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
			"InvalidAuthenticationToken", "Continuous access evaluation resulted in a challenge.", freshClaims(tx.Now()),
		}
	}
	return p, nil
}

func freshClaims(now time.Time) map[string]any {
	return map[string]any{"nbf": map[string]any{"essential": true, "value": itoa(now.Unix())}}
}

// revoked is true when something ended the sessions from which a token came.
func (s *Server) revoked(tx *state.Tx, p state.Principal, claims jwt.MapClaims) bool {
	o := tx.Get("servicePrincipals", p.ObjectID)
	if p.User {
		o = tx.Get("users", p.ObjectID)
	}
	return o == nil || o["accountEnabled"] == false || claims["rh"] != stamp(o)
}

// principal reads the claims that services go by.
func (s *Server) principal(tx *state.Tx, claims jwt.MapClaims) state.Principal {
	text := func(k string) string { t, _ := claims[k].(string); return t }
	p := state.Principal{
		ObjectID: text("oid"), AppID: text("appid"), User: text("idtyp") != "app",
		Methods: texts(claims["amr"]), AuthContexts: texts(claims["acrs"]),
	}
	p.Grants = texts(claims["roles"])
	if p.User {
		p.Grants = strings.Fields(text("scp"))
	}
	if res, ok := s.resource(tx, text("aud")); ok {
		p.Audience = res.appID
	}
	return p
}

// texts is a claim's list of texts.
func texts(v any) []string {
	return state.Object{"x": v}.Strings("x")
}

// reject answers 401 in the words of the resource.
func (s *Server) reject(w http.ResponseWriter, r *http.Request, audience string, rej *rejection) {
	var tid, app string
	var e ends
	s.st.View(func(tx *state.Tx) {
		tid, e = tx.TenantID(), s.ends(tx.World(), r.Host)
		res, _ := s.resource(tx, audience)
		app = res.appID
	})
	code, message := "InvalidAuthenticationToken", rej.graphMessage
	header := fmt.Sprintf(`Bearer realm="", authorization_uri="%s/common/oauth2/authorize", client_id="%s"`, e.login, app)
	if app != GraphApp {
		code, message = rej.armCode, rej.armMS
		header = fmt.Sprintf(`Bearer authorization_uri="%s/%s", error="invalid_token", error_description="%s"`, e.login, tid, rej.armMS)
	}
	if rej.claims != nil {
		header = challenge(e.login, app, rej.claims)
	}
	w.Header().Set("WWW-Authenticate", header)
	id := w.Header().Get("request-id")
	if id == "" {
		id = state.NewID()
		w.Header().Set("request-id", id)
	}
	client := r.Header.Get("client-request-id")
	if client == "" {
		client = id
	}
	inner := map[string]any{"date": s.now().UTC().Format("2006-01-02T15:04:05"), "request-id": id, "client-request-id": client}
	writeJSON(w, http.StatusUnauthorized, map[string]any{"error": map[string]any{"code": code, "message": message, "innerError": inner}})
}
