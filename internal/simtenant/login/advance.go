package login

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"breakglass/internal/simtenant/state"
)

// silent is advance for a client that wants no page: whatever would need one is an error.
func (s *Server) silent(tx *state.Tx, r *http.Request, f *flow) view {
	v, err := s.advance(tx, r, f)
	if err == nil && v.values != nil {
		return v
	}
	if err == nil {
		err = f.interaction(v)
	}
	return view{back: err}
}

// interaction is the error for a client that wanted no page where one is needed.
func (f *flow) interaction(v view) error {
	switch v.name {
	case "consent":
		return refuse(65001, f.client.appID, f.client.name)
	case "mfa":
		return refuse(50076, f.res.name)
	case "register":
		return refuse(50079, f.res.name)
	case "change":
		return refuse(50055)
	}
	return refuse(50058)
}

// advance goes on after a proof: to the next thing that is demanded, or to the end.
func (s *Server) advance(tx *state.Tx, r *http.Request, f *flow) (view, error) {
	u := tx.Get("users", f.userID)
	if u == nil {
		return f.show("user"), nil
	}
	a := s.try(tx, r, f)
	out, err := Evaluate(tx, a.in)
	a.out = out
	if err != nil {
		s.recordUser(tx, a, err)
		return view{}, err
	}
	if !out.Granted() {
		return s.obstacle(tx, f, a, u)
	}
	return s.finishing(tx, r, f, a, u)
}

// obstacle is the page for what stands in the way, or the error that ends the visit.
func (s *Server) obstacle(tx *state.Tx, f *flow, a *attempt, u state.Object) (view, error) {
	need := ""
	if len(a.out.Needs) > 0 {
		need, _, _ = strings.Cut(a.out.Needs[0], ":")
	}
	switch need {
	case "passwordChange":
		return s.demandChange(tx, f, a, u)
	case "mfa", "strength":
		return s.demandFactors(tx, f, a, u)
	case "reauthenticate":
		f.methods, f.ses = nil, nil
		return s.passwordPage(tx, f, u), nil
	case "terms":
		return view{}, NotModelled("the page on which terms of use are accepted")
	}
	err := a.out.refusal(f.client, f.res, u.String("userPrincipalName"))
	s.recordUser(tx, a, err)
	return view{}, err
}

// demandChange asks for a new password: with the old one when it is due, after a second
// factor when a risk policy asks.
func (s *Server) demandChange(tx *state.Tx, f *flow, a *attempt, u state.Object) (view, error) {
	if a.out.Code == 50142 && !SatisfiesMFA(f.methods) {
		return s.demandFactors(tx, f, a, u)
	}
	s.note(tx, f, a, a.out.Code)
	v := f.show("change")
	v.page.Name = u.String("userPrincipalName")
	v.page.Text = "You need to update your password because this is the first time you are signing in, or because your password has expired."
	return v, nil
}

// demandFactors asks for a second proof that the user has, or to register one.
func (s *Server) demandFactors(tx *state.Tx, f *flow, a *attempt, u state.Object) (view, error) {
	var untyped state.Object
	for _, o := range registered(tx, u) {
		switch {
		case !allowedByPolicy(tx, u, o) || !helps(tx, a, o):
		case typed(o):
			s.note(tx, f, a, 50074)
			return s.codePage(tx, f, u, o), nil
		case untyped == nil || isPasskey(o):
			untyped = o
		}
	}
	switch {
	case untyped != nil && isPasskey(untyped):
		s.note(tx, f, a, 50074)
		return s.passkeyPage(tx, f, u, untyped), nil
	case untyped != nil:
		s.recordUser(tx, a, a.out.refusal(f.client, f.res, u.String("userPrincipalName")))
		return view{}, NotModelled("a sign-in with " + wayText(untyped) + " on its page")
	case capable(tx, u) || !helps(tx, a, state.Object{"@odata.type": authenticatorType}):
		err := a.out.refusal(f.client, f.res, u.String("userPrincipalName"))
		s.recordUser(tx, a, err)
		return view{}, err
	}
	s.note(tx, f, a, 50079, f.res.name)
	v := f.show("register")
	v.page.Name, v.page.Text = u.String("userPrincipalName"), "Your organization needs more information to keep your account secure."
	return v, nil
}

// helps is true when one more proof would bring the sign-in past the demand it stands before.
func helps(tx *state.Tx, a *attempt, o state.Object) bool {
	modes := modesOf(o)
	if len(modes) == 0 || len(a.out.Needs) == 0 {
		return false
	}
	in := a.in
	in.Methods = append(slices.Clone(in.Methods), Method{Mode: modes[0], ID: o.ID(), AAGUID: o.String("aaGuid")})
	out, err := Evaluate(tx, in)
	return err != nil || !slices.Contains(out.Needs, a.out.Needs[0]) || a.out.Needs[0] == "passwordChange" && SatisfiesMFA(in.Methods)
}

// allowedByPolicy is true when the user may use a registered method, whether or not its service runs.
func allowedByPolicy(tx *state.Tx, u, o state.Object) bool {
	modes := modesOf(o)
	if len(modes) == 0 {
		return false
	}
	code, _ := unusable(tx, u, Method{Mode: modes[0], ID: o.ID()})
	return code == 0 || code == 500121
}

// finishing is what comes after every proof: consent, the campaign, the questions, the answer.
func (s *Server) finishing(tx *state.Tx, r *http.Request, f *flow, a *attempt, u state.Object) (view, error) {
	if v, err := s.consentPage(tx, f, a, u); err != nil || v.name != "" {
		return v, err
	}
	if len(a.out.Offers) > 0 && !f.campaigned {
		v := f.show("campaign")
		v.page.Name, v.page.Text = u.String("userPrincipalName"), "Get better sign-in protection by setting up the Microsoft Authenticator app."
		return v, nil
	}
	if f.device != nil && !f.confirmed {
		v := f.show("confirm")
		v.page.Name, v.page.Title = u.String("userPrincipalName"), "Are you trying to sign in to "+f.client.name+"?"
		return v, nil
	}
	if f.device == nil && !f.stayed {
		s.note(tx, f, a, 50140)
		v := f.show("kmsi")
		v.page.Name = u.String("userPrincipalName")
		return v, nil
	}
	return s.finish(tx, r, f, a, u)
}

// postStay takes the answer to "Stay signed in?".
func (s *Server) postStay(tx *state.Tx, r *http.Request, f *flow) (view, error) {
	f.stayed = true
	v, err := s.advance(tx, r, f)
	if err == nil && v.cookie != nil && r.PostForm.Get("stay") == "yes" {
		v.cookie.MaxAge = int((90 * 24 * time.Hour).Seconds())
	}
	return v, err
}

// postConfirm takes the answer to the device question.
func (s *Server) postConfirm(tx *state.Tx, r *http.Request, f *flow) (view, error) {
	f.confirmed = true
	return s.advance(tx, r, f)
}

// finish writes the log and gives the client its code, or the waiting device its session.
func (s *Server) finish(tx *state.Tx, r *http.Request, f *flow, a *attempt, u state.Object) (view, error) {
	ses := f.ses
	if ses == nil {
		ses = s.newSession(tx, u, f.methods, r)
		ses.flow = a.in.Flow
	}
	a.session = ses.id
	s.recordUser(tx, a, nil)
	f.step = "done"
	cookie := s.remember(ses)
	s.mu.Lock()
	delete(s.flows, f.id)
	s.mu.Unlock()
	if f.device != nil {
		s.answerDevice(f.device, ses)
		return view{name: "message", status: http.StatusOK, cookie: cookie, page: page{
			Title: f.client.name, Text: "You have signed in to the " + f.client.name + " application on your device. You may now close this window.",
		}}, nil
	}
	code := "1.A" + random()
	s.mu.Lock()
	maps.DeleteFunc(s.codes, func(_ string, c *authCode) bool { return tx.Now().After(c.until.Add(flowLife)) })
	s.codes[code] = &authCode{
		ses: ses, client: f.client.appID, redirect: f.redirect, challenge: f.challenge, nonce: f.nonce, asked: f.asked, until: tx.Now().Add(10 * time.Minute),
	}
	s.mu.Unlock()
	values := url.Values{"code": {code}, "session_state": {ses.id}}
	if f.clientInfo {
		values.Set("client_info", clientInfo(u.ID(), tx.TenantID()))
	}
	return view{values: values, cookie: cookie}, nil
}

// remember keeps the session for the browser.
func (s *Server) remember(ses *session) *http.Cookie {
	value := random()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.browsers[value] = ses
	return &http.Cookie{Name: cookieName, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// consentPage asks for permissions that the client has not got, where the person may give
// them; an empty view when nothing is missing.
func (s *Server) consentPage(tx *state.Tx, f *flow, a *attempt, u state.Object) (view, error) {
	missing := unconsented(f.asked, delegated(tx, f.client, u.ID(), f.res), f.client, f.res)
	if len(missing) == 0 && f.prompt != "consent" {
		return view{}, nil
	}
	if f.client.sp == nil || f.res.sp == nil {
		return view{}, NotModelled("consent to an application or resource without a service principal in the tenant")
	}
	admin := consentAdmin(tx, u)
	if !admin && !userMayConsent(tx, f.res, missing) {
		err := refuse(90094, tenantName(tx), f.client.name, tenantName(tx))
		s.recordUser(tx, a, err)
		return view{}, err
	}
	s.note(tx, f, a, 65001, f.client.appID, f.client.name)
	v := f.show("consent")
	v.page.Name, v.page.List, v.page.Admin = u.String("userPrincipalName"), missing, admin
	return v, nil
}

// consentAdmin is true for those who may consent to any delegated permission.
func consentAdmin(tx *state.Tx, u state.Object) bool {
	return overlap(tx.ActiveRoles(u.ID()), []string{
		"62e90394-69f5-4237-9190-012177145e10", "e8611ab8-c189-46e8-94e1-60213ab1f814",
		"9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", "158c047a-c907-4556-b7ef-446551a6b5f7",
	})
}

// userMayConsent is whether users may consent for themselves, and every permission is one for users.
func userMayConsent(tx *state.Tx, res resource, perms []string) bool {
	rules := tx.One("policies/authorizationPolicy").Object("defaultUserRolePermissions").Strings("permissionGrantPoliciesAssigned")
	may := slices.ContainsFunc(rules, func(r string) bool { return strings.HasPrefix(r, "ManagePermissionGrantsForSelf.") })
	return may && !slices.ContainsFunc(perms, func(p string) bool {
		return !slices.ContainsFunc(objects(res.sp, "oauth2PermissionScopes"), func(o state.Object) bool {
			return strings.EqualFold(o.String("value"), p) && o.String("type") == "User"
		})
	})
}

// postConsent stores the grant.
func (s *Server) postConsent(tx *state.Tx, r *http.Request, f *flow) (view, error) {
	u := tx.Get("users", f.userID)
	missing := unconsented(f.asked, delegated(tx, f.client, u.ID(), f.res), f.client, f.res)
	grant := state.Object{
		"clientId": f.client.sp.ID(), "resourceId": f.res.sp.ID(), "consentType": "Principal", "principalId": u.ID(), "scope": strings.Join(missing, " "),
	}
	if consentAdmin(tx, u) && r.PostForm.Get("organisation") != "" {
		grant["consentType"], grant["principalId"] = "AllPrincipals", nil
	}
	if len(missing) > 0 {
		tx.Put("oauth2PermissionGrants", grant)
		s.audit(tx, u, "ApplicationManagement", "Core Directory", "Consent to application", clientIP(r))
	}
	if f.prompt == "consent" {
		f.prompt = ""
	}
	return s.advance(tx, r, f)
}
