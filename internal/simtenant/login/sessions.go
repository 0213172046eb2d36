package login

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"breakglass/internal/simtenant/state"
)

// A session is what one interactive sign-in proved. It is not changed once it is made:
// codes, refresh tokens and the browser's cookie share it.
type session struct {
	id       string
	userID   string
	methods  []Method
	authTime time.Time
	stamp    string // of the user, when the session began
	flow     string // deviceCodeFlow, for life
	deviceID string
	contexts []string // the authentication contexts that a token may claim
}

// with is the session with the authentication contexts that one token proves.
func (ses *session) with(contexts []string) *session {
	out := *ses
	out.contexts = contexts
	return &out
}

// authCode is an authorization code that waits to be redeemed.
type authCode struct {
	ses              *session
	client, redirect string
	challenge, nonce string
	asked            asked
	until            time.Time
	redeemed         bool
}

// refresh is a refresh token.
type refresh struct {
	ses           *session
	client        string
	asked         asked
	issued, until time.Time
}

// refreshLife is how long an unused refresh token lives (page "Refresh tokens").
const refreshLife = 90 * 24 * time.Hour

// authorizationCode redeems a code, once. The sign-in behind it is in the log already.
func (c *tokenCall) authorizationCode() (map[string]any, error) {
	form := c.r.PostForm
	if form.Get("code") == "" {
		return nil, refuse(900144, "code")
	}
	code, err := c.s.redeem(form.Get("code"), c.tx.Now())
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(code.client, c.client.appID) {
		return nil, refuse(70000)
	}
	if form.Get("redirect_uri") != code.redirect {
		return nil, refuse(50011, form.Get("redirect_uri"), c.client.appID)
	}
	if code.challenge != "" && !proves(form.Get("code_verifier"), code.challenge) {
		return nil, refuse(501481)
	}
	return c.fromGrant(code.ses, code.asked, code.nonce)
}

// redeem takes a code out of use. A code used twice also ends what its first use gave.
func (s *Server) redeem(text string, now time.Time) (*authCode, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	code := s.codes[text]
	switch {
	case code == nil:
		return nil, refuse(70000)
	case code.redeemed:
		for t, r := range s.refresh {
			if r.ses.id == code.ses.id {
				delete(s.refresh, t)
			}
		}
		return nil, refuse(54005)
	case now.After(code.until):
		return nil, refuse(70008)
	}
	code.redeemed = true
	return code, nil
}

// proves is PKCE with S256 (RFC 7636).
func proves(verifier, challenge string) bool {
	sum := sha256.Sum256([]byte(verifier))
	return verifier != "" && base64.RawURLEncoding.EncodeToString(sum[:]) == challenge
}

// fromGrant gives tokens for a sign-in that was judged and logged when it happened.
func (c *tokenCall) fromGrant(ses *session, was asked, nonce string) (map[string]any, error) {
	if err := c.readScope(was); err != nil {
		return nil, err
	}
	c.asked.oidc = was.oidc
	u, err := c.alive(ses)
	if err != nil {
		return nil, err
	}
	scopes, err := c.consented(u)
	if err != nil {
		return nil, err
	}
	return c.userAnswer(u, ses.with(was.claims.contexts), scopes, nonce), nil
}

// alive is the session's user, unless something ended the session.
func (c *tokenCall) alive(ses *session) (state.Object, error) {
	u := c.tx.Get("users", ses.userID)
	switch {
	case u == nil:
		return nil, refuse(50034, ses.userID, tenantName(c.tx))
	case u["accountEnabled"] == false:
		return u, refuse(50057)
	case stamp(u) != ses.stamp:
		return u, refuse(50173, isoTime(ses.authTime), u.String("signInSessionsValidFromDateTime"))
	}
	return u, nil
}

func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z") }

// consented is the scopes of the token, or 65001 when something asked for is not granted.
func (c *tokenCall) consented(u state.Object) ([]string, error) {
	have := delegated(c.tx, c.client, u.ID(), c.res)
	if c.asked.resource == "" || len(unconsented(c.asked, have, c.client, c.res)) > 0 {
		return nil, refuse(65001, c.client.appID, c.client.name)
	}
	if len(have) == 0 {
		have = slices.Clone(c.asked.oidc)
	}
	return have, nil
}

// userAnswer is the token endpoint's answer for a person.
func (c *tokenCall) userAnswer(u state.Object, ses *session, scopes []string, nonce string) map[string]any {
	t := c.userToken(u, ses, scopes)
	out := map[string]any{
		"token_type": "Bearer", "scope": c.scopeText(scopes), "expires_in": t.seconds(), "ext_expires_in": t.seconds(), "access_token": t.text,
	}
	older := c.r.PostForm.Get("resource") != ""
	if older || slices.Contains(c.asked.oidc, "offline_access") {
		out["refresh_token"] = c.s.newRefresh(ses, c.client.appID, c.asked, c.tx.Now())
	}
	if older || slices.Contains(c.asked.oidc, "openid") {
		out["id_token"] = c.idToken(u, ses, nonce)
	}
	if c.r.PostForm.Get("client_info") == "1" || slices.Contains(c.asked.oidc, "openid") {
		out["client_info"] = clientInfo(u.ID(), c.tx.TenantID())
	}
	if firstPartyFamily(c.client.appID) {
		out["foci"] = "1"
	}
	c.olderShape(out, t)
	return out
}

// firstPartyFamily is Microsoft's clients that share refresh tokens.
func firstPartyFamily(appID string) bool {
	return slices.Contains([]string{azureCLI, azurePS, azureMobile}, appID)
}

// scopeText is the granted scopes as the answer has them, each with its resource where the
// request named one.
func (c *tokenCall) scopeText(scopes []string) string {
	out := slices.Clone(c.asked.oidc)
	out = slices.DeleteFunc(out, func(p string) bool { return p == "offline_access" })
	prefix := strings.TrimSuffix(c.res.audience(), "/") + "/"
	if c.asked.bare {
		prefix = ""
	}
	for _, p := range scopes {
		if !slices.Contains(oidcScopes, p) {
			out = append(out, prefix+p)
		}
	}
	if c.asked.all {
		out = append(out, c.asked.resource+"/.default")
	}
	return strings.Join(out, " ")
}

func (s *Server) newRefresh(ses *session, clientID string, a asked, now time.Time) string {
	text := "0.A" + random()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh[text] = &refresh{ses, clientID, a, now, now.Add(refreshLife)}
	return text
}

// refreshToken is a sign-in without the person: judged again by everything that applies,
// and logged as non-interactive.
func (c *tokenCall) refreshToken() (map[string]any, error) {
	text := c.r.PostForm.Get("refresh_token")
	if text == "" {
		return nil, refuse(900144, "refresh_token")
	}
	c.s.mu.Lock()
	rt := c.s.refresh[text]
	c.s.mu.Unlock()
	if rt == nil || rt.client != c.client.appID && !(firstPartyFamily(rt.client) && firstPartyFamily(c.client.appID)) {
		return nil, refuse(70000)
	}
	if err := c.readScope(rt.asked); err != nil {
		return nil, err
	}
	if len(c.asked.oidc) == 0 {
		c.asked.oidc = rt.asked.oidc
	}
	a := c.attempt(rt.ses)
	a.interactive, a.protocol, a.incoming = false, "none", "refreshToken"
	out, err := c.silently(a, rt, text)
	c.s.recordUser(c.tx, a, err)
	return out, err
}

func (c *tokenCall) silently(a *attempt, rt *refresh, text string) (map[string]any, error) {
	u, err := c.alive(rt.ses)
	if u == nil || err != nil {
		return nil, err
	}
	if c.tx.Now().After(rt.until) {
		return nil, refuse(700082, isoTime(rt.issued), "90.00:00:00")
	}
	out, err := Evaluate(c.tx, a.in)
	a.out = out
	if err != nil {
		return nil, err
	}
	if !out.Granted() {
		return nil, withPolicies(out.refusal(c.client, c.res, u.String("userPrincipalName")), out)
	}
	scopes, err := c.consented(u)
	if err != nil {
		return nil, err
	}
	c.s.mu.Lock()
	rt.until = c.tx.Now().Add(refreshLife)
	c.s.mu.Unlock()
	return c.userAnswer(u, rt.ses.with(c.asked.claims.contexts), scopes, ""), nil
}

// withPolicies adds the claims that send a client back to the sign-in page with the
// policies that stopped it (capolids).
func withPolicies(r *refusal, out Outcome) error {
	if out.Status != "failure" {
		return r
	}
	var ids []string
	for _, p := range out.Policies {
		if p.String("result") == "failure" {
			ids = append(ids, `"`+p.ID()+`"`)
		}
	}
	r.claims = `{"access_token":{"capolids":{"essential":true,"values":[` + strings.Join(ids, ",") + `]}}}`
	return r
}

// password is the resource owner password grant: no page, so nothing that needs one can be met.
func (c *tokenCall) password() (map[string]any, error) {
	form := c.r.PostForm
	if form.Get("username") == "" || form.Get("password") == "" {
		return nil, refuse(900144, "username")
	}
	if !c.client.public() && c.cred == noCredential {
		return nil, refuse(7000218)
	}
	if err := c.readScope(asked{}); err != nil {
		return nil, err
	}
	u := user(c.tx, form.Get("username"))
	if u == nil {
		return nil, refuse(50034, form.Get("username"), tenantName(c.tx))
	}
	ses := c.s.newSession(c.tx, u, []Method{{Mode: "password"}}, c.r)
	a := c.attempt(ses)
	a.interactive, a.protocol, a.in.Checked = true, "ropc", false
	answer, err := c.byPassword(a, u, ses, form.Get("password"))
	c.s.recordUser(c.tx, a, err)
	return answer, err
}

func (c *tokenCall) byPassword(a *attempt, u state.Object, ses *session, text string) (map[string]any, error) {
	if err := checkPassword(c.tx, u, text, a.in.IP); err != nil {
		a.wrong = true
		return nil, err
	}
	out, err := Evaluate(c.tx, a.in)
	a.out = out
	if err != nil {
		return nil, err
	}
	if !out.Granted() {
		return nil, withPolicies(out.refusal(c.client, c.res, u.String("userPrincipalName")), out)
	}
	scopes, err := c.consented(u)
	if err != nil {
		return nil, err
	}
	return c.userAnswer(u, ses, scopes, ""), nil
}

// newSession begins a session for a user with the proofs given.
func (s *Server) newSession(tx *state.Tx, u state.Object, methods []Method, r *http.Request) *session {
	return &session{
		id: state.NewID(), userID: u.ID(), methods: slices.Clone(methods), authTime: tx.Now(), stamp: stamp(u), deviceID: r.Header.Get("X-Sim-Device"),
	}
}
