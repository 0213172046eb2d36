package login

import (
	"net/http"
	"strings"

	"breakglass/internal/simtenant/state"
)

// phone is the telephone of a simulated person, and the security keys in their pocket: at
// /_phone?user=NAME it shows the code that the sign-in page waits for, as the Authenticator
// app, the text message or the token would, and each key's PIN. With Accept: application/json the answer is {"codes": {"method id": "code"}}.
// While the MFA service is down nothing arrives.
func (s *Server) phone(w http.ResponseWriter, r *http.Request, _ string) {
	name := r.URL.Query().Get("user")
	p := page{Title: "Simulated telephone", Text: "Nothing has arrived. Give the user's name: /_phone?user=NAME"}
	codes := map[string]string{}
	_ = s.st.Update(func(tx *state.Tx) error {
		u := user(tx, name)
		if u == nil {
			return nil
		}
		p.Name, p.Text = u.String("userPrincipalName"), ""
		for _, o := range registered(tx, u) {
			modes := modesOf(o)
			if !typed(o) && !isPasskey(o) || kinds[modes[0]].service && tx.World().MFAServiceDown {
				continue
			}
			codes[o.ID()] = codeOf(tx, o)
			p.List = append(p.List, strings.TrimSpace(o.String("displayName")+" ("+wayText(o)+"): "+codes[o.ID()]))
		}
		return nil
	})
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		writeJSON(w, http.StatusOK, map[string]any{"codes": codes})
		return
	}
	if len(p.List) == 0 && p.Text == "" {
		p.Text = "Nothing has arrived."
	}
	s.template(w, http.StatusOK, "phone", p)
}

// codeOf is the code that a method's device shows: the hidden key _code of its object. A
// method without one gets one now.
func codeOf(tx *state.Tx, o state.Object) string {
	if o.String("_code") == "" {
		o["_code"] = digits()
		tx.Put("authenticationMethods", o)
	}
	return o.String("_code")
}
