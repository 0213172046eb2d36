package login

import (
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"breakglass/internal/simtenant/state"
)

// managedIdentity is the token endpoint that an Azure machine reaches at 169.254.169.254
// (page "How to use managed identities on an Azure VM to acquire an access token"). The
// machine's identity is the service principal with servicePrincipalType ManagedIdentity:
// the one that client_id, object_id or msi_res_id names, else the only or first one.
func (s *Server) managedIdentity(w http.ResponseWriter, r *http.Request, _ string) {
	imdsError := func(status int, code, text string) {
		writeJSON(w, status, map[string]any{"error": code, "error_description": text})
	}
	q := r.URL.Query()
	switch {
	case !strings.EqualFold(r.Header.Get("Metadata"), "true"):
		imdsError(http.StatusBadRequest, "bad_request_102", "Required metadata header not specified")
		return
	case q.Get("api-version") == "":
		imdsError(http.StatusBadRequest, "invalid_request", "Required query variable 'api-version' is missing")
		return
	case q.Get("resource") == "":
		imdsError(http.StatusBadRequest, "invalid_request", "Required query variable 'resource' is missing")
		return
	}
	var answer map[string]any
	err := s.st.Update(func(tx *state.Tx) error {
		sp := managedSP(tx, q.Get("client_id"), q.Get("object_id"), q.Get("msi_res_id"))
		if sp == nil {
			return nil
		}
		res, ok := s.resource(tx, q.Get("resource"))
		if !ok {
			return refuse(500011, q.Get("resource"), tenantName(tx))
		}
		c := &tokenCall{
			s: s, tx: tx, r: r, res: res, client: client{appID: strings.ToLower(sp.String("appId")), name: sp.String("displayName"), sp: sp},
			cred: credential{kind: "managedIdentity", acr: "2"}, asked: asked{resource: q.Get("resource"), all: true},
		}
		t := c.appToken()
		c.recordAppOutcome(Outcome{}, nil)
		answer = map[string]any{
			"access_token": t.text, "client_id": c.client.appID, "expires_in": itoa(int64(t.seconds())), "expires_on": itoa(t.until.Unix()),
			"ext_expires_in": itoa(int64(t.seconds())), "not_before": itoa(t.from.Unix()), "resource": q.Get("resource"), "token_type": "Bearer",
		}
		return nil
	})
	switch {
	case err != nil:
		imdsError(http.StatusBadRequest, "invalid_resource", err.Error())
	case answer == nil:
		imdsError(http.StatusBadRequest, "invalid_request", "Identity not found")
	default:
		writeJSON(w, http.StatusOK, answer)
	}
}

func managedSP(tx *state.Tx, clientID, objectID, resourceID string) state.Object {
	return tx.Find("servicePrincipals", func(o state.Object) bool {
		if o.String("servicePrincipalType") != "ManagedIdentity" || o["accountEnabled"] == false {
			return false
		}
		switch {
		case clientID != "":
			return strings.EqualFold(o.String("appId"), clientID)
		case objectID != "":
			return strings.EqualFold(o.ID(), objectID)
		case resourceID != "":
			for _, n := range o.Strings("alternativeNames") {
				if strings.EqualFold(n, resourceID) {
					return true
				}
			}
			return false
		}
		return true
	})
}

// testIssuerURL is the issuer of the tokens that the simulator makes for federated credentials.
func (s *Server) testIssuerURL() string { return s.base() + "/_oidc" }

// testIssuer is a foreign OpenID provider that belongs to the simulator: its metadata, its
// keys, and at /_oidc/token?subject=…&audience=… a token for anybody, as a build service
// would hand to its jobs.
func (s *Server) testIssuer(w http.ResponseWriter, r *http.Request, rest string) {
	issuer := s.testIssuerURL()
	switch rest {
	case ".well-known/openid-configuration":
		writeJSON(w, http.StatusOK, map[string]any{
			"issuer": issuer, "jwks_uri": issuer + "/keys", "token_endpoint": issuer + "/token", "response_types_supported": []string{"id_token"},
			"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	case "keys":
		writeJSON(w, http.StatusOK, s.keys().set(issuer))
	case "token":
		q, now := r.URL.Query(), s.now()
		aud := q.Get("audience")
		if aud == "" {
			aud = "api://AzureADTokenExchange"
		}
		writeJSON(w, http.StatusOK, map[string]any{"value": s.keys().sign(jwt.MapClaims{
			"iss": issuer, "sub": q.Get("subject"), "aud": aud, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(), "jti": state.NewID(),
		})})
	default:
		http.NotFound(w, r)
	}
}
