package login

import (
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"breakglass/internal/simtenant/state"
)

// A deviceCode is a program's wish to be signed in by a person elsewhere. Guarded by Server.mu.
type deviceCode struct {
	code, userCode string
	client         client
	asked          asked
	res            resource
	until          time.Time
	ses            *session // set when the person agreed
	declined       bool
}

const deviceCodeLife = 15 * time.Minute

// deviceAuthorization gives out a device code and the user code that goes with it.
func (s *Server) deviceAuthorization(w http.ResponseWriter, r *http.Request, segment string) {
	if r.Method != http.MethodPost {
		s.fail(w, r, refuse(900561, "POST or OPTIONS", r.Method))
		return
	}
	if r.ParseForm() != nil {
		s.fail(w, r, refuse(9002313))
		return
	}
	d := &deviceCode{code: random(), userCode: userCode(), until: s.now().Add(deviceCodeLife)}
	var err error
	s.st.View(func(tx *state.Tx) { err = s.readDevice(tx, r, segment, d) })
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.mu.Lock()
	s.devices[d.code] = d
	s.mu.Unlock()
	page := s.here(r) + "/common/oauth2/deviceauth"
	writeJSON(w, http.StatusOK, map[string]any{
		"user_code": d.userCode, "device_code": d.code, "verification_uri": page, "verification_url": page,
		"expires_in": int(deviceCodeLife.Seconds()), "interval": 1, // the live service says 5: a person at a demonstration need not wait so long
		"message": "To sign in, use a web browser to open the page " + page + " and enter the code " + d.userCode + " to authenticate.",
	})
}

func (s *Server) readDevice(tx *state.Tx, r *http.Request, segment string, d *deviceCode) error {
	if s.tenantOf(tx, segment) == unknownTenant {
		return refuse(90002, segment)
	}
	var err error
	if d.client, err = s.findClient(tx, r.PostForm.Get("client_id")); err != nil {
		return err
	}
	c := &tokenCall{s: s, tx: tx, r: r, client: d.client}
	if err := c.readScope(asked{}); err != nil {
		return err
	}
	d.asked, d.res = c.asked, c.res
	return nil
}

// userCode is nine letters and digits that cannot be mistaken for one another.
func userCode() string {
	const alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	b := make([]byte, 9)
	_, _ = rand.Read(b) // never fails since Go 1.24
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}

// deviceCode is the program asking whether the person has agreed.
func (c *tokenCall) deviceCode() (map[string]any, error) {
	text := c.r.PostForm.Get("device_code")
	if text == "" {
		text = c.r.PostForm.Get("code")
	}
	if text == "" {
		return nil, refuse(900144, "device_code")
	}
	c.s.mu.Lock()
	d := c.s.devices[text]
	var ses *session
	var declined bool
	if d != nil {
		ses, declined = d.ses, d.declined
	}
	if ses != nil || declined {
		delete(c.s.devices, text)
	}
	c.s.mu.Unlock()
	switch {
	case d == nil || d.client.appID != c.client.appID:
		return nil, refuse(70000)
	case c.tx.Now().After(d.until):
		return nil, refuse(70020)
	case declined:
		return nil, refuse(70017)
	case ses == nil:
		return nil, refuse(70016)
	}
	return c.fromGrant(ses, d.asked, "")
}

// devicePage is where a person types the code that a program showed.
func (s *Server) devicePage(w http.ResponseWriter, r *http.Request, _ string) {
	p := page{Title: "Enter code to allow access", Action: s.here(r) + "/common/oauth2/deviceauth"}
	if r.Method != http.MethodPost {
		p.Name = r.URL.Query().Get("otc")
		s.template(w, http.StatusOK, "device", p)
		return
	}
	if r.ParseForm() != nil {
		s.showError(w, r, refuse(9002313))
		return
	}
	d := s.deviceFor(r.PostForm.Get("otc"))
	if d == nil {
		p.Error = "That code didn't work. Check the code and try again."
		s.template(w, http.StatusBadRequest, "device", p)
		return
	}
	f := &flow{
		id: random(), tenant: "common", client: d.client, asked: d.asked, res: d.res, device: d, maxAge: -1, until: d.until, logged: map[int]bool{},
	}
	s.begin(w, r, f)
}

// deviceFor is the waiting device code with a user code.
func (s *Server) deviceFor(text string) *deviceCode {
	text = strings.ToUpper(strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, text))
	s.mu.Lock()
	defer s.mu.Unlock()
	for code, d := range s.devices {
		if s.now().After(d.until) {
			delete(s.devices, code)
			continue
		}
		if text != "" && d.userCode == text && d.ses == nil && !d.declined {
			return d
		}
	}
	return nil
}

// answerDevice tells the waiting program what the person decided.
func (s *Server) answerDevice(d *deviceCode, ses *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.ses, d.declined = ses, ses == nil
}
