package login

import (
	"net"
	"net/http"
	"strings"
	"time"

	"breakglass/internal/simtenant/state"
)

// token is the token endpoint, v2.0 and the older one.
func (s *Server) token(w http.ResponseWriter, r *http.Request, segment string) {
	if r.Method != http.MethodPost {
		s.fail(w, r, refuse(900561, "POST or OPTIONS", r.Method))
		return
	}
	if r.ParseForm() != nil {
		s.fail(w, r, refuse(9002313))
		return
	}
	if r.PostForm.Get("grant_type") == "" {
		s.fail(w, r, refuse(900144, "grant_type"))
		return
	}
	keys := s.federatedKeys(r)
	var answer map[string]any
	err := s.st.Update(func(tx *state.Tx) error {
		var err error
		answer, err = s.grant(tx, r, segment, keys)
		return err
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// tokenCall is one token request whose client and resource are known.
type tokenCall struct {
	s      *Server
	tx     *state.Tx
	r      *http.Request
	client client
	cred   credential
	asked  asked
	res    resource
}

// grant serves one grant type. An error that is a refusal of the sign-in itself has been
// written to the sign-in log by then.
func (s *Server) grant(tx *state.Tx, r *http.Request, segment string, keys issuerKeys) (map[string]any, error) {
	kind := s.tenantOf(tx, segment)
	if kind == unknownTenant {
		return nil, refuse(90002, segment)
	}
	grantType := r.PostForm.Get("grant_type")
	serve := map[string]func(*tokenCall) (map[string]any, error){
		"client_credentials": (*tokenCall).clientCredentials,
		"authorization_code": (*tokenCall).authorizationCode,
		"refresh_token":      (*tokenCall).refreshToken,
		"password":           (*tokenCall).password,
		"device_code":        (*tokenCall).deviceCode,
		"urn:ietf:params:oauth:grant-type:device_code": (*tokenCall).deviceCode,
	}[grantType]
	if serve == nil {
		if grantType == "urn:ietf:params:oauth:grant-type:jwt-bearer" {
			return nil, NotModelled("the on-behalf-of grant")
		}
		return nil, refuse(70003, grantType)
	}
	appOnly := grantType == "client_credentials"
	if appOnly && kind == anyTenant {
		return nil, refuse(50059)
	}
	c, err := s.findClient(tx, clientID(r))
	if err != nil {
		return nil, err
	}
	cred, err := s.authenticate(tx, r, c, keys, appOnly)
	call := &tokenCall{s: s, tx: tx, r: r, client: c, cred: cred}
	if err != nil {
		call.recordApp(err)
		return nil, err
	}
	return serve(call)
}

// readScope finds what the request asks for and which resource that is. The older
// endpoint names the resource in a parameter of its own. fallback is what was asked for
// when the grant began.
func (c *tokenCall) readScope(fallback asked) error {
	scope := c.r.PostForm.Get("scope")
	if res := c.r.PostForm.Get("resource"); res != "" {
		scope = strings.TrimSpace(scope + " " + res + "/.default")
	}
	a, err := parseScope(scope)
	if scope == "" && fallback.resource != "" {
		a, err = fallback, nil
	}
	if err != nil {
		return err
	}
	if a.claims, err = parseClaims(c.r.PostForm.Get("claims")); err != nil {
		return err
	}
	a.claims.cae = a.claims.cae || fallback.claims.cae
	for _, x := range fallback.claims.contexts {
		a.claims.take("acrs", []any{x})
	}
	res, ok := c.s.resource(c.tx, a.resource)
	if !ok {
		return refuse(500011, a.resource, tenantName(c.tx))
	}
	if res.sp != nil && res.sp["accountEnabled"] == false {
		return refuse(500014, a.resource)
	}
	c.asked, c.res = a, res
	return nil
}

// clientCredentials is an application signing in as itself.
func (c *tokenCall) clientCredentials() (map[string]any, error) {
	if err := c.readScope(asked{}); err != nil {
		return nil, err
	}
	if !c.asked.all || len(c.asked.perms) > 0 {
		return nil, refuse(1002012, c.r.PostForm.Get("scope"))
	}
	if c.client.sp == nil {
		return nil, refuse(7000229, c.client.appID, c.tx.TenantID())
	}
	out, err := Evaluate(c.tx, SignIn{
		ServicePrincipalID: c.client.sp.ID(), Targets: []Target{{Resource: c.res.appID}}, IP: clientIP(c.r),
	})
	if err == nil && !out.Granted() {
		err = out.refusal(c.client, c.res, "")
	}
	if err == nil && c.res.sp.Bool("appRoleAssignmentRequired") && len(appRoles(c.tx, c.client.sp.ID(), c.res)) == 0 {
		err = refuse(501051, c.client.appID, c.client.name, c.res.appID, c.res.name)
	}
	if err != nil {
		c.recordAppOutcome(out, err)
		return nil, err
	}
	t := c.appToken()
	c.recordAppOutcome(out, nil)
	answer := map[string]any{"token_type": "Bearer", "expires_in": t.seconds(), "ext_expires_in": t.seconds(), "access_token": t.text}
	c.olderShape(answer, t)
	return answer, nil
}

// olderShape adds what clients of the older endpoint read: numbers as text, the resource.
func (c *tokenCall) olderShape(answer map[string]any, t token) {
	res := c.r.PostForm.Get("resource")
	if res == "" {
		return
	}
	for _, k := range []string{"expires_in", "ext_expires_in"} {
		if v, ok := answer[k].(int); ok {
			answer[k] = itoa(int64(v))
		}
	}
	answer["resource"], answer["not_before"], answer["expires_on"] = res, itoa(t.from.Unix()), itoa(t.until.Unix())
}

// clientIP is the address that a request comes from: X-Sim-IP, else the connection's.
func clientIP(r *http.Request) string {
	if ip := r.Header.Get("X-Sim-IP"); net.ParseIP(ip) != nil {
		return ip
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// A token is one issued access token.
type token struct {
	text        string
	id          string // uti
	from, until time.Time
}

func (t token) seconds() int { return int(t.until.Sub(t.from).Seconds()) }
