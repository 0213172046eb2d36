package login

import (
	"net/http"
	"net/url"
	"strings"

	"breakglass/internal/simtenant/state"
)

const authenticatorType = "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod"

// postRegister goes from "More information required" to the registration of the
// Authenticator app. Registering is a user action of its own: policies for it apply, and
// the methods policy must allow the app. The simulated app is at hand, so the page shows
// its code.
func (s *Server) postRegister(tx *state.Tx, r *http.Request, f *flow) (view, error) {
	u := tx.Get("users", f.userID)
	a := s.try(tx, r, f)
	a.in.Targets = []Target{{UserAction: registerSecurityInfo}}
	out, err := Evaluate(tx, a.in)
	if err != nil {
		return view{}, err
	}
	fresh := state.Object{
		"id": state.NewID(), "@odata.type": authenticatorType, "_user": u.ID(), "_code": digits(),
		"displayName": "Simulated telephone", "deviceTag": "SoftwareTokenActivated", "phoneAppVersion": "6.2606.3812", "createdDateTime": state.Timestamp(tx.Now()),
	}
	switch {
	case !out.Granted() && out.Code == 53003:
		a.out, a.res = out, s.named(tx, mySignInsApp, "")
		err := out.refusal(f.client, a.res, u.String("userPrincipalName"))
		s.recordUser(tx, a, err)
		return view{}, err
	case !methodAllowed(tx, u, "MicrosoftAuthenticator", fresh, Method{Mode: "microsoftAuthenticatorPush"}):
		err := refuse(53004)
		s.note(tx, f, s.try(tx, r, f), 53004)
		return view{}, err
	case tx.World().MFAServiceDown:
		return view{}, refuse(500121)
	}
	f.pending = fresh
	return s.verifyPage(f, u), nil
}

func (s *Server) verifyPage(f *flow, u state.Object) view {
	v := f.show("verify")
	v.page.Name, v.page.Code = u.String("userPrincipalName"), f.pending.String("_code")
	return v
}

// postVerify stores the method once its code was typed.
func (s *Server) postVerify(tx *state.Tx, r *http.Request, f *flow) (view, error) {
	u := tx.Get("users", f.userID)
	if u == nil || f.pending == nil {
		return view{}, refuse(50089)
	}
	if strings.ReplaceAll(r.PostForm.Get("otc"), " ", "") != f.pending.String("_code") {
		v := s.verifyPage(f, u)
		v.status, v.page.Error = http.StatusBadRequest, "Wrong code. Try again."
		return v, nil
	}
	tx.Put("authenticationMethods", f.pending)
	s.audit(tx, u, "UserManagement", "Authentication Methods", "User registered security info", clientIP(r))
	f.methods = append(f.methods, Method{Mode: "microsoftAuthenticatorPush", ID: f.pending.ID()})
	f.pending, f.ses = nil, nil
	return s.advance(tx, r, f)
}

// postCampaign takes the answer to the registration campaign: later, or now.
func (s *Server) postCampaign(tx *state.Tx, r *http.Request, f *flow) (view, error) {
	f.campaigned = true
	if r.PostForm.Get("later") != "" {
		return s.advance(tx, r, f)
	}
	return s.postRegister(tx, r, f)
}

// identityProvider is the organisation's own identity provider, to which users of a
// federated domain are sent. It can be down.
func (s *Server) identityProvider(w http.ResponseWriter, r *http.Request, rest string) {
	var down bool
	s.st.View(func(tx *state.Tx) { down = tx.World().IdentityProviderDown })
	if down {
		http.Error(w, "The identity provider does not answer.", http.StatusServiceUnavailable)
		return
	}
	if rest != "sso" || r.ParseForm() != nil {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	f := s.flows[r.Form.Get("ctx")]
	s.mu.Unlock()
	p := page{Title: "Your organisation's identity provider", Action: s.base() + "/_idp/sso", Flow: r.Form.Get("ctx"), Name: r.Form.Get("username")}
	switch {
	case f == nil:
		s.showError(w, r, refuse(50089))
		return
	case r.Method != http.MethodPost:
		s.template(w, http.StatusOK, "idp", p)
		return
	case !s.idpSignIn(f, r.PostForm):
		p.Error = "Incorrect user ID or password. Type the correct user ID and password, and try again."
		s.template(w, http.StatusUnauthorized, "idp", p)
		return
	}
	f.mu.Lock()
	tenant := f.tenant
	f.mu.Unlock()
	http.Redirect(w, r, s.base()+"/"+url.PathEscape(tenant)+"/login?ctx="+url.QueryEscape(r.Form.Get("ctx")), http.StatusSeeOther)
}

// idpSignIn checks the password at the identity provider.
func (s *Server) idpSignIn(f *flow, form url.Values) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	ok := false
	s.st.View(func(tx *state.Tx) {
		u := user(tx, form.Get("username"))
		ok = u != nil && strings.EqualFold(u.ID(), f.userID) && u.String(state.Password) != "" && u.String(state.Password) == form.Get("password")
	})
	if ok {
		f.methods = []Method{{Mode: "federatedSingleFactor"}}
	}
	return ok
}
