package login

import (
	"net/http"
	"net/url"
	"strings"

	"breakglass/internal/simtenant/state"
)

// takeName is the page after a user name: where the user proves who they are.
func (s *Server) takeName(tx *state.Tx, r *http.Request, f *flow, name string) view {
	name = strings.TrimSpace(name)
	u := user(tx, name)
	if u != nil && strings.EqualFold(u.ID(), name) {
		u = nil // an object id is no user name
	}
	if u == nil {
		v := f.show("user")
		v.status = http.StatusBadRequest
		v.page.Name, v.page.Error = name, "This username may be incorrect. Make sure you typed it correctly. Otherwise, contact your admin."
		return v
	}
	f.userID, f.methods, f.ses = u.ID(), nil, nil
	if federated(tx, u) {
		f.step = "federated"
		return view{to: s.base() + "/_idp/sso?" + url.Values{"ctx": {f.id}, "username": {u.String("userPrincipalName")}}.Encode()}
	}
	for _, o := range registered(tx, u) {
		if typeOf(o) == "temporaryAccessPassAuthenticationMethod" && passValid(o, tx.Now()) {
			return s.passPage(f, u)
		}
	}
	return s.passwordPage(tx, f, u)
}

// postName takes the user name.
func (s *Server) postName(tx *state.Tx, r *http.Request, f *flow) (view, error) {
	return s.takeName(tx, r, f, r.PostForm.Get("loginfmt")), nil
}

// passwordPage asks for the password and names the user's other ways.
func (s *Server) passwordPage(tx *state.Tx, f *flow, u state.Object) view {
	v := f.show("password")
	v.page.Name = u.String("userPrincipalName")
	for _, o := range registered(tx, u) {
		if modes := modesOf(o); len(modes) > 0 && multiFactor(modes[0]) {
			v.page.Ways = append(v.page.Ways, way{o.ID(), "Use " + wayText(o) + " instead"})
		}
	}
	return v
}

func (s *Server) passPage(f *flow, u state.Object) view {
	v := f.show("pass")
	v.page.Name = u.String("userPrincipalName")
	v.page.Ways = []way{{"password", "Use your password instead"}}
	return v
}

// try is the attempt of this visit as it stands, for the evaluator and the log.
func (s *Server) try(tx *state.Tx, r *http.Request, f *flow) *attempt {
	ses := f.ses
	if ses == nil {
		ses = &session{id: f.id[:22], userID: f.userID, methods: f.methods, authTime: tx.Now(), deviceID: r.Header.Get("X-Sim-Device")}
	}
	a := newAttempt(tx, r, f.client, f.res, f.asked, ses)
	a.in.Methods, a.in.PasswordChanged = f.methods, f.passwordChanged
	if f.device != nil {
		a.in.Flow, a.protocol = "deviceCodeFlow", "deviceCode"
	}
	return a
}

// note writes an attempt that did not get through, once for each kind of obstacle in a visit.
func (s *Server) note(tx *state.Tx, f *flow, a *attempt, code int, args ...any) {
	if f.logged[code] && code != 50126 && code != 50053 && code != 500121 {
		return
	}
	f.logged[code] = true
	s.recordUser(tx, a, refuse(code, args...))
}

// postPassword checks the password.
func (s *Server) postPassword(tx *state.Tx, r *http.Request, f *flow) (view, error) {
	u := tx.Get("users", f.userID)
	if u == nil {
		return f.show("user"), nil
	}
	f.methods = []Method{{Mode: "password"}}
	if err := checkPassword(tx, u, r.PostForm.Get("passwd"), clientIP(r)); err != nil {
		a := s.try(tx, r, f)
		a.wrong = true
		code := err.(*refusal).code
		s.note(tx, f, a, code)
		f.methods = nil
		v := s.passwordPage(tx, f, u)
		v.status, v.page.Error = http.StatusBadRequest, "Your account or password is incorrect. If you don't remember your password, reset it now."
		if code == 50053 {
			v.page.Error = "Your account is temporarily locked to prevent unauthorized use. Try again later, and if you still have trouble, contact your admin."
		}
		return v, nil
	}
	return s.advance(tx, r, f)
}

// postPass checks a Temporary Access Pass.
func (s *Server) postPass(tx *state.Tx, r *http.Request, f *flow) (view, error) {
	u := tx.Get("users", f.userID)
	typedPass := r.PostForm.Get("accesspass")
	for _, o := range registered(tx, u) {
		modes := modesOf(o)
		if len(modes) == 0 || !strings.HasPrefix(modes[0], "temporaryAccessPass") || typedPass == "" || o.String("_pass") != typedPass {
			continue
		}
		m := Method{Mode: modes[0], ID: o.ID()}
		if code, _ := unusable(tx, u, m); code != 0 {
			break
		}
		f.methods = []Method{m}
		v, err := s.advance(tx, r, f)
		if modes[0] == "temporaryAccessPassOneTime" {
			o["_used"] = true
			tx.Put("authenticationMethods", o)
		}
		return v, err
	}
	f.methods = []Method{{Mode: "temporaryAccessPassOneTime"}}
	s.note(tx, f, s.try(tx, r, f), 50126)
	f.methods = nil
	v := s.passPage(f, u)
	v.status, v.page.Error = http.StatusBadRequest, "Your Temporary Access Pass is incorrect. If you don't know your pass, contact your administrator."
	return v, nil
}

// postChange sets the new password that the sign-in demanded.
func (s *Server) postChange(tx *state.Tx, r *http.Request, f *flow) (view, error) {
	u := tx.Get("users", f.userID)
	fail := func(text string) (view, error) {
		v := f.show("change")
		v.status, v.page.Name, v.page.Error = http.StatusBadRequest, u.String("userPrincipalName"), text
		return v, nil
	}
	form := r.PostForm
	if u == nil || len(f.methods) == 0 {
		return view{}, refuse(50089)
	}
	if err := checkPassword(tx, u, form.Get("oldPassword"), clientIP(r)); err != nil {
		return fail("Your current password is incorrect.")
	}
	fresh := form.Get("newPassword")
	switch why := weakPassword(fresh); {
	case why != "":
		return fail(why)
	case fresh != form.Get("confirmNewPassword"):
		return fail("The passwords you entered don't match.")
	case fresh == form.Get("oldPassword"):
		return fail("Choose a password that you have not used before.")
	}
	s.changePassword(tx, u, fresh, clientIP(r))
	if SatisfiesMFA(f.methods) {
		remediate(tx, u)
	}
	f.passwordChanged, f.ses = true, nil
	return s.advance(tx, r, f)
}

// codePage asks for the code of one of the user's second proofs; the simulated telephone
// shows it (/_phone).
func (s *Server) codePage(tx *state.Tx, f *flow, u, o state.Object) view {
	codeOf(tx, o)
	f.way = o.ID()
	v := f.show("mfa")
	v.page.Name, v.page.Text = u.String("userPrincipalName"), "Please enter the code of "+wayText(o)+"."
	v.page.Phone = s.base() + "/_phone?user=" + url.QueryEscape(v.page.Name)
	for _, other := range registered(tx, u) {
		if other.ID() != o.ID() && (typed(other) || typeOf(other) == "fido2AuthenticationMethod") {
			v.page.Ways = append(v.page.Ways, way{other.ID(), "Use " + wayText(other) + " instead"})
		}
	}
	return v
}

// digits is a six-digit code.
func digits() string {
	var b strings.Builder
	for _, c := range []byte(random())[:6] {
		b.WriteByte('0' + c%10)
	}
	return b.String()
}

// postCode checks the second proof.
func (s *Server) postCode(tx *state.Tx, r *http.Request, f *flow) (view, error) {
	u, o := tx.Get("users", f.userID), tx.Get("authenticationMethods", f.way)
	if u == nil || o == nil || len(modesOf(o)) == 0 {
		return view{}, refuse(50089)
	}
	m := Method{Mode: modesOf(o)[0], ID: o.ID()}
	code, _ := unusable(tx, u, m)
	if code == 0 && o.String("_code") == strings.ReplaceAll(r.PostForm.Get("otc"), " ", "") {
		f.methods = append(f.methods, m)
		f.ses = nil // a new proof is a new session
		return s.advance(tx, r, f)
	}
	a := s.try(tx, r, f)
	a.failed = m.Mode
	s.note(tx, f, a, 500121)
	v := s.codePage(tx, f, u, o)
	v.status, v.page.Error = http.StatusBadRequest, "You didn't enter the expected verification code. Please try again."
	if code == 500121 {
		v.status, v.page.Error = http.StatusServiceUnavailable, "Sorry, we're having trouble verifying your account. Please try again."
	}
	return v, nil
}
