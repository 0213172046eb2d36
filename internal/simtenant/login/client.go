package login

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
	"time"

	"breakglass/internal/simtenant/state"
)

// A client is an application as it signs in.
type client struct {
	appID, name string
	// app is the registration; nil for applications registered elsewhere, Microsoft's own among them.
	app state.Object
	// sp is the application in this tenant; nil for some of Microsoft's own.
	sp state.Object
}

// firstParty is true for Microsoft's own clients, which need neither registration nor
// consent for the resources they are made for.
func (c client) firstParty() bool { return c.app == nil && firstPartyNames[c.appID] != "" }

// public is true when the client may use the flows of applications that keep no secret.
func (c client) public() bool {
	if c.app == nil {
		return c.firstParty()
	}
	return c.app.Bool("isFallbackPublicClient") || len(c.app.Object("publicClient").Strings("redirectUris")) > 0
}

// singlePage is true for applications that run in a browser and keep no secret either.
func (c client) singlePage() bool { return len(c.app.Object("spa").Strings("redirectUris")) > 0 }

// findClient is the client with an id, or the reason why it cannot sign in here.
func (s *Server) findClient(tx *state.Tx, id string) (client, error) {
	if id == "" {
		return client{}, refuse(900144, "client_id")
	}
	id = strings.ToLower(id)
	c := client{appID: id, name: firstPartyNames[id], sp: servicePrincipal(tx, id)}
	c.app = tx.Find("applications", func(o state.Object) bool { return strings.EqualFold(o.String("appId"), id) })
	switch {
	case c.app == nil && c.sp == nil && c.name == "", !arrived(tx, c.app), !arrived(tx, c.sp):
		return client{}, refuse(700016, id, tenantName(tx))
	case c.app != nil && c.sp == nil:
		return client{}, refuse(7000229, id, tx.TenantID())
	}
	if c.sp != nil && c.sp.String("displayName") != "" {
		c.name = c.sp.String("displayName")
	}
	disabled := c.sp != nil && c.sp["accountEnabled"] == false || c.app.Bool("isDisabled")
	if disabled || c.sp.String("disabledByMicrosoftStatus") != "" {
		return c, refuse(7000112, id, c.name)
	}
	return c, nil
}

// credential is how a client proved itself, in the words of the sign-in log (beta
// clientCredentialType) and of the appidacr claim.
type credential struct {
	kind  string // clientSecret, certificate, federatedIdentityCredential, managedIdentity, none
	acr   string // "0" public, "1" secret, "2" certificate or assertion
	keyID string
	// thumbprint is the certificate's, where there is one.
	thumbprint string
}

var noCredential = credential{kind: "none", acr: "0"}

// clientID is the client that a token request names: in the body, the basic
// authorization, or the assertion's subject.
func clientID(r *http.Request) string {
	if id := r.PostForm.Get("client_id"); id != "" {
		return id
	}
	if id, _, ok := basic(r); ok {
		return id
	}
	if a, err := readAssertion(r.PostForm.Get("client_assertion")); err == nil {
		return a.subject
	}
	return ""
}

// basic is client_secret_basic: both parts are form-encoded first (RFC 6749, 2.3.1).
func basic(r *http.Request) (id, secret string, ok bool) {
	u, p, ok := r.BasicAuth()
	if !ok {
		return "", "", false
	}
	id, err1 := url.QueryUnescape(u)
	secret, err2 := url.QueryUnescape(p)
	return id, secret, err1 == nil && err2 == nil
}

// authenticate checks what the client proves itself with. required is true where a client
// without proof is refused. keys are the signing keys of a federated assertion's issuer.
func (s *Server) authenticate(tx *state.Tx, r *http.Request, c client, keys issuerKeys, required bool) (credential, error) {
	secret := r.PostForm.Get("client_secret")
	if _, p, ok := basic(r); ok {
		secret = p
	}
	assertion := r.PostForm.Get("client_assertion")
	switch {
	case assertion != "":
		return s.checkAssertion(tx, r, c, assertion, keys)
	case secret != "" && c.app == nil && c.firstParty():
		return noCredential, refuse(700025)
	case secret != "":
		return checkSecret(tx, c, secret)
	case required || !c.public() && !c.singlePage():
		return noCredential, refuse(7000218)
	}
	return noCredential, nil
}

// checkSecret compares a secret with those of the registration and the service principal.
func checkSecret(tx *state.Tx, c client, secret string) (credential, error) {
	expired := false
	for _, holder := range []state.Object{c.app, c.sp} {
		if holder == nil {
			continue
		}
		for keyID, text := range holder.Object(state.Secrets) {
			t, _ := text.(string)
			if t == "" || subtle.ConstantTimeCompare([]byte(t), []byte(secret)) != 1 {
				continue
			}
			if within(tx.Now(), passwordCredential(holder, keyID)) {
				return credential{kind: "clientSecret", acr: "1", keyID: keyID}, nil
			}
			expired = true
		}
	}
	if expired {
		return noCredential, refuse(7000222, c.appID)
	}
	return noCredential, refuse(7000215, c.appID)
}

// passwordCredential is the entry for a secret; nil when it was removed.
func passwordCredential(holder state.Object, keyID string) state.Object {
	for _, p := range objects(holder, "passwordCredentials") {
		if strings.EqualFold(p.String("keyId"), keyID) {
			return p
		}
	}
	return nil
}

// within is true when now lies in a credential's lifetime; a credential that is gone has none.
func within(now time.Time, cred state.Object) bool {
	if cred == nil {
		return false
	}
	from, until := cred.Time("startDateTime"), cred.Time("endDateTime")
	return !now.Before(from) && (until.IsZero() || now.Before(until))
}

// objects is a property's list of objects; elements of other types are left out.
func objects(o state.Object, key string) []state.Object {
	var out []state.Object
	switch list := o[key].(type) {
	case []any:
		for _, e := range list {
			if m := (state.Object{"x": e}).Object("x"); m != nil {
				out = append(out, m)
			}
		}
	case []state.Object:
		out = append(out, list...)
	case []map[string]any:
		for _, m := range list {
			out = append(out, m)
		}
	}
	return out
}

// arrived is true once replication has brought an object, or none at all, to sign-in, which
// sees a new application or federated credential no sooner than Graph's readers do.
func arrived(tx *state.Tx, o state.Object) bool { return !tx.Now().Before(o.Time(state.VisibleAt)) }
