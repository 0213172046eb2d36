package login

import (
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"breakglass/internal/simtenant/state"
)

//go:embed templates/*.html
var templateFiles embed.FS

var templates = template.Must(template.ParseFS(templateFiles, "templates/*.html"))

// page is what a template shows. Field names and ids of the forms are those of the live
// page (loginfmt, passwd, otc, idSIButton9…) as far as they are known [M], so that what
// fills the one fills the other.
type page struct {
	Title, Text, Error string
	Action, Flow       string
	Name, App          string
	// Ways are other proofs that the user could give.
	Ways []way
	// List is lines of text: permissions asked for, steps to take.
	List []string
	Code string
	// Phone is where the user's simulated telephone is to be seen.
	Phone string
	// Admin: the person may agree for the whole organisation.
	Admin bool
	// Details are shown small, for the person who helps: error, ids, time.
	Details []string
	Values  url.Values
}

type way struct{ ID, Text string }

// A view is what a step of the sign-in page ends in: a page, an answer to the client, or
// an address to go to.
type view struct {
	name   string
	status int
	page   page
	back   error      // sent back to the client
	values url.Values // sent back to the client
	to     string     // another address
	cookie *http.Cookie
}

// show is a page of this visit.
func (f *flow) show(step string) view {
	f.step = step
	titles := map[string]string{
		"user": "Sign in", "password": "Enter password", "pass": "Enter Temporary Access Pass", "change": "Update your password", "mfa": "Enter code", "passkey": "Sign in with your passkey",
		"register": "More information required", "verify": "Set up your account", "consent": "Permissions requested", "kmsi": "Stay signed in?",
		"campaign": "Keep your account secure", "confirm": "Are you trying to sign in?",
	}
	return view{name: step, status: http.StatusOK, page: page{Title: titles[step], App: f.client.name}}
}

// render writes a view.
func (s *Server) render(w http.ResponseWriter, r *http.Request, f *flow, v view) {
	if v.cookie != nil {
		http.SetCookie(w, v.cookie)
	}
	switch {
	case v.to != "":
		http.Redirect(w, r, v.to, http.StatusSeeOther)
	case v.back != nil && f.redirect == "":
		s.showError(w, r, v.back)
	case v.back != nil:
		s.sendBack(w, r, f, errorValues(s, w, r, v.back))
	case v.values != nil:
		s.sendBack(w, r, f, v.values)
	default:
		v.page.Action = s.here(r) + "/" + url.PathEscape(f.tenant) + "/login"
		v.page.Flow = f.id
		s.template(w, v.status, v.name, v.page)
	}
}

func (s *Server) template(w http.ResponseWriter, status int, name string, p page) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_ = templates.ExecuteTemplate(w, name, p) // the client went away: nobody is left to tell
}

// showError is an error for a person, who cannot be sent back to the client.
func (s *Server) showError(w http.ResponseWriter, r *http.Request, err error) {
	v := s.errorView(w, r, err)
	s.template(w, v.status, v.name, v.page)
}

// errorView is the page "Sorry, but we're having trouble with signing you in", or what Entra
// shows in its place for a policy's block.
func (s *Server) errorView(w http.ResponseWriter, r *http.Request, err error) view {
	p := page{Title: "Sign in", Text: "Sorry, but we're having trouble signing you in.", Error: err.Error()}
	p.Details = []string{"Request Id: " + traceID(w), "Correlation Id: " + correlation(r), "Timestamp: " + s.stamp()}
	if missing, ok := err.(NotModelled); ok {
		p.Title, p.Text, p.Error = "Not modelled", missing.Error(), ""
		return view{name: "message", status: http.StatusNotImplemented, page: p}
	}
	if e, ok := err.(*refusal); ok {
		p.Details = append(p.Details, "Error Code: "+strconv.Itoa(e.code))
		switch e.code {
		case 53003:
			p.Title, p.Text = "You cannot access this right now", "Your sign-in was successful but does not meet the criteria to access this resource. For example, you might be signing in from a browser, app, or location that is restricted by your admin."
		case 53000, 53001:
			p.Title, p.Text = "You can't get there from here", "This application contains sensitive information and can only be accessed from devices or client applications that meet your organisation's management compliance policy."
		case 90094:
			p.Title, p.Text = "Need admin approval", "This application needs permission to access resources in your organisation that only an admin can grant. Please ask an admin to grant permission to this app before you can use it."
		}
	}
	return view{name: "message", status: http.StatusBadRequest, page: p}
}

// errorPage explains an error number (error_uri).
func (s *Server) errorPage(w http.ResponseWriter, r *http.Request, _ string) {
	code, _ := strconv.Atoi(r.URL.Query().Get("code"))
	f, ok := faults[code]
	if !ok {
		s.template(w, http.StatusNotFound, "message", page{Title: "Error", Text: "There is no message for this code."})
		return
	}
	s.template(w, http.StatusOK, "message", page{Title: "AADSTS" + strconv.Itoa(code), Text: strings.ReplaceAll(f.text, "%s", "{…}")})
}

// pagePost takes one form of the sign-in page; without a form it shows the current step again.
func (s *Server) pagePost(w http.ResponseWriter, r *http.Request, _ string) {
	if r.ParseForm() != nil {
		s.showError(w, r, refuse(9002313))
		return
	}
	s.mu.Lock()
	f := s.flows[r.Form.Get("ctx")]
	s.mu.Unlock()
	if f == nil || s.now().After(f.until) {
		s.showError(w, r, refuse(50089))
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var v view
	var blocked error
	_ = s.st.Update(func(tx *state.Tx) error {
		v, blocked = s.step(tx, r, f)
		return nil
	})
	if blocked != nil {
		v = s.errorView(w, r, blocked)
	}
	s.render(w, r, f, v)
}

// step serves one form. The error is one for the person: the visit ends on its page.
func (s *Server) step(tx *state.Tx, r *http.Request, f *flow) (view, error) {
	form := r.PostForm
	if r.Method == http.MethodPost && form.Get("cancel") != "" {
		if f.device != nil {
			s.answerDevice(f.device, nil)
		}
		return view{back: refuse(65004)}, nil
	}
	if id := r.Form.Get("way"); id != "" {
		return s.takeWay(tx, r, f, id)
	}
	if r.Method != http.MethodPost {
		return s.again(tx, r, f)
	}
	steps := map[string]func(*state.Tx, *http.Request, *flow) (view, error){
		"user":     s.postName,
		"password": s.postPassword,
		"pass":     s.postPass,
		"change":   s.postChange,
		"mfa":      s.postCode,
		"passkey":  s.postPasskey,
		"register": s.postRegister,
		"verify":   s.postVerify,
		"consent":  s.postConsent,
		"campaign": s.postCampaign,
		"kmsi":     s.postStay,
		"confirm":  s.postConfirm,
	}
	serve := steps[f.step]
	if serve == nil {
		return view{}, refuse(50089)
	}
	return serve(tx, r, f)
}

// again shows where the visit stands.
func (s *Server) again(tx *state.Tx, r *http.Request, f *flow) (view, error) {
	if len(f.methods) > 0 {
		return s.advance(tx, r, f)
	}
	if f.step == "federated" {
		return s.takeName(tx, r, f, tx.Get("users", f.userID).String("userPrincipalName")), nil
	}
	v := f.show(f.step)
	v.page.Name = tx.Get("users", f.userID).String("userPrincipalName")
	return v, nil
}

// takeWay begins another proof than the one offered first.
func (s *Server) takeWay(tx *state.Tx, r *http.Request, f *flow, id string) (view, error) {
	u := tx.Get("users", f.userID)
	if u == nil {
		return f.show("user"), nil
	}
	if id == "password" {
		return s.passwordPage(tx, f, u), nil
	}
	for _, o := range registered(tx, u) {
		if !strings.EqualFold(o.ID(), id) {
			continue
		}
		modes := modesOf(o)
		switch {
		case len(modes) > 0 && strings.HasPrefix(modes[0], "temporaryAccessPass"):
			return s.passPage(f, u), nil
		case isPasskey(o):
			return s.passkeyPage(tx, f, u, o), nil
		case typed(o) && len(f.methods) > 0:
			return s.codePage(tx, f, u, o), nil
		case typed(o):
			return view{}, NotModelled("a sign-in that begins with " + wayText(o))
		}
		return view{}, NotModelled("a sign-in with " + wayText(o) + " on its page")
	}
	return view{}, refuse(50126)
}

// typed is true for second proofs that are a code one types here.
func typed(o state.Object) bool {
	return slices.Contains([]string{
		"microsoftAuthenticatorAuthenticationMethod", "softwareOathAuthenticationMethod", "hardwareOathAuthenticationMethod", "phoneAuthenticationMethod",
	}, typeOf(o))
}

func wayText(o state.Object) string {
	names := map[string]string{
		"fido2AuthenticationMethod": "a passkey", "windowsHelloForBusinessAuthenticationMethod": "Windows Hello", "x509CertificateAuthenticationMethod": "a certificate",
		"microsoftAuthenticatorAuthenticationMethod": "Microsoft Authenticator", "softwareOathAuthenticationMethod": "a verification code", "hardwareOathAuthenticationMethod": "a hardware token",
		"phoneAuthenticationMethod": "a text message", "temporaryAccessPassAuthenticationMethod": "a Temporary Access Pass", "externalAuthenticationMethod": "an external provider",
		"qrCodePinAuthenticationMethod": "a QR code", "emailAuthenticationMethod": "e-mail", "platformCredentialAuthenticationMethod": "a platform credential",
	}
	if n, ok := names[typeOf(o)]; ok {
		return n
	}
	return typeOf(o)
}
