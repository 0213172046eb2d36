package login

import (
	"net/http"
	"slices"

	"breakglass/internal/simtenant/state"
)

// userInfo says who a signed-in person is (page "Microsoft identity platform UserInfo
// endpoint"). It takes a token for Graph with the scope openid; profile and email decide
// on what else is told. The refusal of other tokens is from memory.
func (s *Server) userInfo(w http.ResponseWriter, r *http.Request, _ string) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		s.fail(w, r, refuse(900561, "GET, POST or OPTIONS", r.Method))
		return
	}
	p, ok := s.Verify(w, r, GraphApp)
	if !ok {
		return
	}
	has := func(scope string) bool { return slices.Contains(p.Grants, scope) }
	var u state.Object
	s.st.View(func(tx *state.Tx) { u = tx.Get("users", p.ObjectID) })
	if !p.User || u == nil || !has("openid") {
		writeJSON(w, http.StatusForbidden, map[string]any{"error": map[string]any{"code": "Authorization_RequestDenied", "message": "Insufficient privileges to complete the operation."}})
		return
	}
	out := map[string]any{"sub": subject(u.ID(), p.AppID)}
	if has("profile") {
		out["name"], out["family_name"], out["given_name"] = u["displayName"], u["surname"], u["givenName"]
		out["picture"] = s.graphAt(r) + "/v1.0/me/photo/$value"
	}
	if mail := u.String("mail"); mail != "" && has("email") {
		out["email"] = mail
	}
	writeJSON(w, http.StatusOK, out)
}

func (s *Server) graphAt(r *http.Request) string {
	var at string
	s.st.View(func(tx *state.Tx) { at = s.ends(tx.World(), r.Host).graph })
	return at
}
