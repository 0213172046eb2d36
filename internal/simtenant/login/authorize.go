package login

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"breakglass/internal/simtenant/state"
)

// A flow is one visit to the sign-in page: what the client asked for, and how far the
// person got.
type flow struct {
	mu sync.Mutex // guards all below; one form of a visit is served at a time

	id, tenant                              string
	client                                  client
	res                                     resource
	asked                                   asked
	redirect, state, nonce, mode, challenge string
	prompt, hint                            string
	clientInfo                              bool
	maxAge                                  time.Duration // negative: not asked for
	device                                  *deviceCode   // the device code that this visit approves
	until                                   time.Time

	step            string
	userID          string
	methods         []Method
	passwordChanged bool
	ses             *session // the browser's, when it is still good
	way             string   // id of the method asked for now
	pending         state.Object
	campaigned      bool // the campaign was put off
	stayed          bool // the stay-signed-in question was answered
	confirmed       bool // the device question was answered
	logged          map[int]bool
}

// flowLife is how long a visit may take.
const flowLife = 24 * time.Hour

// authorize begins a sign-in in the browser.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request, segment string) {
	if r.ParseForm() != nil {
		s.showError(w, r, refuse(9002313))
		return
	}
	f := &flow{id: random(), tenant: segment, maxAge: -1, until: s.now().Add(flowLife), logged: map[int]bool{}}
	var err error
	s.st.View(func(tx *state.Tx) { err = s.readAuthorize(tx, f, r.Form) })
	if err != nil {
		s.showError(w, r, err)
		return
	}
	if err := f.readRequest(s, r.Form); err != nil {
		s.sendBack(w, r, f, errorValues(s, w, r, err))
		return
	}
	s.begin(w, r, f)
}

// readAuthorize reads what must be right before anything may be sent back to the client:
// who it is and where it wants its answer.
func (s *Server) readAuthorize(tx *state.Tx, f *flow, q url.Values) error {
	if s.tenantOf(tx, f.tenant) == unknownTenant {
		return refuse(90002, f.tenant)
	}
	var err error
	if f.client, err = s.findClient(tx, q.Get("client_id")); err != nil {
		return err
	}
	f.redirect = q.Get("redirect_uri")
	if f.redirect == "" {
		if f.redirect = f.client.defaultRedirect(); f.redirect == "" {
			return refuse(900144, "redirect_uri")
		}
	}
	if !f.client.redirectAllowed(f.redirect) {
		return refuse(50011, f.redirect, f.client.appID)
	}
	f.state, f.nonce, f.mode = q.Get("state"), q.Get("nonce"), q.Get("response_mode")
	return nil
}

// readRequest reads the rest; its errors go back to the client.
func (f *flow) readRequest(s *Server, q url.Values) error {
	if f.mode == "" {
		f.mode = "query"
	}
	if f.mode != "query" && f.mode != "form_post" {
		return NotModelled("the response mode " + f.mode)
	}
	if t := q.Get("response_type"); t != "code" {
		return refuse(700054, t)
	}
	if f.challenge = q.Get("code_challenge"); f.challenge != "" && q.Get("code_challenge_method") != "S256" {
		return NotModelled("PKCE with the method " + strconv.Quote(q.Get("code_challenge_method")))
	}
	scope := q.Get("scope")
	if res := q.Get("resource"); res != "" {
		scope += " openid " + res + "/.default"
	}
	var err error
	if f.asked, err = parseScope(scope); err != nil {
		return err
	}
	if f.asked.claims, err = parseClaims(q.Get("claims")); err != nil {
		return err
	}
	var known bool
	s.st.View(func(tx *state.Tx) {
		f.res, known = s.resource(tx, f.asked.resource)
		if !known {
			err = refuse(500011, f.asked.resource, tenantName(tx))
		}
	})
	f.prompt, f.hint, f.clientInfo = q.Get("prompt"), q.Get("login_hint"), q.Get("client_info") == "1"
	if err == nil && !slices.Contains([]string{"", "none", "login", "consent", "select_account"}, f.prompt) {
		return refuse(90023)
	}
	if n, e := strconv.Atoi(q.Get("max_age")); e == nil && n >= 0 {
		f.maxAge = time.Duration(n) * time.Second
	}
	return err
}

// defaultRedirect is the only redirect URI of a client, "" when there are several.
func (c client) defaultRedirect() string {
	if uris := c.redirects(); len(uris) == 1 {
		return uris[0]
	}
	return ""
}

func (c client) redirects() []string {
	var out []string
	for _, kind := range []string{"web", "spa", "publicClient"} {
		out = append(out, c.app.Object(kind).Strings("redirectUris")...)
	}
	if c.app == nil {
		out = []string{"http://localhost", "https://login.microsoftonline.com/common/oauth2/nativeclient", "https://portal.azure.com/signin/index/"}
	}
	return out
}

// redirectAllowed compares a redirect URI with those registered. For loopback addresses
// the port may be any (RFC 8252, 7.3).
func (c client) redirectAllowed(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(c.redirects(), func(want string) bool {
		if want == uri {
			return true
		}
		v, err := url.Parse(want)
		loopback := err == nil && v.Scheme == "http" && (v.Hostname() == "localhost" || v.Hostname() == "127.0.0.1")
		return loopback && u.Scheme == "http" && u.Hostname() == v.Hostname() && strings.TrimRight(u.Path, "/") == strings.TrimRight(v.Path, "/")
	})
}

// begin stores the visit and shows the first page, or answers at once where the browser's
// session suffices.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, f *flow) {
	s.mu.Lock()
	for id, old := range s.flows {
		if s.now().After(old.until) {
			delete(s.flows, id)
		}
	}
	s.flows[f.id] = f
	s.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.step = "user"
	var v view
	var blocked error
	_ = s.st.Update(func(tx *state.Tx) error {
		s.recall(tx, r, f)
		switch {
		case f.ses != nil && f.prompt == "none":
			v = s.silent(tx, r, f)
		case f.ses != nil:
			v, blocked = s.advance(tx, r, f)
		case f.prompt == "none":
			v = view{back: refuse(50058)}
		case f.hint != "":
			v = s.takeName(tx, r, f, f.hint)
		default:
			v = f.show("user")
		}
		return nil
	})
	if blocked != nil {
		v = s.errorView(w, r, blocked)
	}
	s.render(w, r, f, v)
}

const cookieName = "ESTSAUTH"

// recall takes up the browser's session where the client allows it and it is still good.
func (s *Server) recall(tx *state.Tx, r *http.Request, f *flow) {
	c, err := r.Cookie(cookieName)
	if err != nil || f.prompt == "login" || f.prompt == "select_account" {
		return
	}
	s.mu.Lock()
	ses := s.browsers[c.Value]
	s.mu.Unlock()
	if ses == nil {
		return
	}
	u := tx.Get("users", ses.userID)
	if u == nil || u["accountEnabled"] == false || stamp(u) != ses.stamp {
		return
	}
	if f.hint != "" && !strings.EqualFold(f.hint, u.String("userPrincipalName")) {
		return
	}
	if f.maxAge >= 0 && tx.Now().Sub(ses.authTime) > f.maxAge {
		return
	}
	f.ses, f.userID, f.methods, f.stayed, f.campaigned = ses, u.ID(), ses.methods, true, true
}

// errorValues is an error as the client gets it at its redirect URI.
func errorValues(s *Server, w http.ResponseWriter, r *http.Request, err error) url.Values {
	out := url.Values{}
	e, ok := err.(*refusal)
	if !ok {
		out.Set("error", "not_implemented")
		out.Set("error_description", err.Error())
		return out
	}
	code := faults[e.code].oauth
	switch e.code {
	case 50058:
		code = "login_required"
	case 65001:
		code = "consent_required"
	case 50076, 50079, 50074, 50055, 53003, 53000, 53001:
		code = "interaction_required"
	}
	out.Set("error", code)
	out.Set("error_description", s.describe(w, r, e))
	out.Set("error_uri", s.base()+"/error?code="+strconv.Itoa(e.code))
	return out
}

// sendBack returns to the client with values, as it asked: in the address or by a form.
func (s *Server) sendBack(w http.ResponseWriter, r *http.Request, f *flow, values url.Values) {
	if f.state != "" {
		values.Set("state", f.state)
	}
	if f.mode == "form_post" {
		s.template(w, http.StatusOK, "formpost", page{Title: "Working…", Action: f.redirect, Values: values})
		return
	}
	u, err := url.Parse(f.redirect)
	if err != nil {
		s.showError(w, r, refuse(50011, f.redirect, f.client.appID))
		return
	}
	q := u.Query()
	for k, v := range values {
		q[k] = v
	}
	u.RawQuery = q.Encode()
	http.Redirect(w, r, u.String(), http.StatusFound)
}

// logout ends the browser's session.
func (s *Server) logout(w http.ResponseWriter, r *http.Request, segment string) {
	if _, _, ok := s.resolve(w, r, segment); !ok {
		return
	}
	if c, err := r.Cookie(cookieName); err == nil {
		s.mu.Lock()
		delete(s.browsers, c.Value)
		s.mu.Unlock()
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true})
	after := r.URL.Query().Get("post_logout_redirect_uri")
	if after != "" && s.knownRedirect(after) {
		http.Redirect(w, r, after, http.StatusFound)
		return
	}
	s.template(w, http.StatusOK, "message", page{Title: "Signed out", Text: "You signed out of your account. It's a good idea to close all browser windows."})
}

// knownRedirect is true when some application of the tenant registered the address.
func (s *Server) knownRedirect(uri string) bool {
	known := false
	s.st.View(func(tx *state.Tx) {
		known = tx.Find("applications", func(o state.Object) bool { return client{app: o}.redirectAllowed(uri) }) != nil
	})
	return known
}
