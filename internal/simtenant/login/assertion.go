package login

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // x5t is defined with SHA-1 (RFC 7517)
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"breakglass/internal/simtenant/state"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// An assertion is a JWT that a client proves itself with, read but not yet believed.
type assertion struct {
	raw             string
	issuer, subject string
	audience        []string
	from, until     time.Time
	x5t, x5t256     string // base64url as in the header
	kid             string
}

var errMalformed = errors.New("not a JSON Web Token with the claims of an assertion")

// readAssertion reads an assertion without believing it.
func readAssertion(raw string) (assertion, error) {
	claims := jwt.MapClaims{}
	t, _, err := jwt.NewParser().ParseUnverified(raw, claims)
	if err != nil {
		return assertion{}, errMalformed
	}
	a := assertion{raw: raw}
	var err1, err2, err3 error
	a.issuer, err1 = claims.GetIssuer()
	a.subject, err2 = claims.GetSubject()
	aud, err3 := claims.GetAudience()
	if err1 != nil || err2 != nil || err3 != nil || a.issuer == "" || a.subject == "" {
		return assertion{}, errMalformed
	}
	a.audience = aud
	exp, err := claims.GetExpirationTime()
	if err != nil || exp == nil {
		return assertion{}, errMalformed
	}
	a.until = exp.Time
	if nbf, err := claims.GetNotBefore(); err == nil && nbf != nil {
		a.from = nbf.Time
	}
	header := func(name string) string { v, _ := t.Header[name].(string); return v }
	a.x5t, a.x5t256, a.kid = urlBase64(header("x5t")), urlBase64(header("x5t#S256")), header("kid")
	return a, nil
}

// urlBase64 is a thumbprint in base64url without padding; MSAL for Go writes it in plain base64.
func urlBase64(text string) string {
	return strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(text), "=")
}

// skew is what the live service tolerates between clocks.
const skew = 5 * time.Minute

// timely is true when the assertion is in its time by the simulated clock or by the
// machine's: the simulated clock can be turned by months, while the libraries that
// write assertions know the machine's only.
func (a assertion) timely(now time.Time) bool {
	for _, t := range []time.Time{now, time.Now()} {
		if !t.Add(skew).Before(a.from) && t.Add(-skew).Before(a.until) {
			return true
		}
	}
	return false
}

// verify checks the signature with one key.
func (a assertion) verify(key crypto.PublicKey) error {
	p := jwt.NewParser(jwt.WithValidMethods([]string{"RS256", "PS256"}), jwt.WithoutClaimsValidation())
	_, err := p.Parse(a.raw, func(*jwt.Token) (any, error) { return key, nil })
	return err
}

// checkAssertion believes an assertion signed with a certificate of the client, or one
// of a foreign issuer that a federated credential of the client names.
func (s *Server) checkAssertion(tx *state.Tx, r *http.Request, c client, raw string, keys issuerKeys) (credential, error) {
	if r.PostForm.Get("client_assertion_type") != assertionType {
		return noCredential, refuse(900144, "client_assertion_type")
	}
	a, err := readAssertion(raw)
	if err != nil {
		return noCredential, refuse(50027)
	}
	if !a.timely(tx.Now()) {
		stamp := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z") }
		return noCredential, refuse(700024, stamp(tx.Now()), stamp(a.from), stamp(a.until))
	}
	if !strings.EqualFold(a.issuer, c.appID) {
		return s.checkFederated(tx, c, a, keys)
	}
	if !strings.EqualFold(a.subject, c.appID) {
		return noCredential, refuse(700021)
	}
	if !s.isTokenEndpoint(tx, a.audience) {
		return noCredential, refuse(700023)
	}
	return checkCertificate(tx, c, a)
}

// isTokenEndpoint is true when an assertion was made for this tenant's token endpoint or issuer.
func (s *Server) isTokenEndpoint(tx *state.Tx, audiences []string) bool {
	hosts := []string{strings.ToLower(s.base()), "https://" + cloudNamed(tx.World().Cloud).login}
	return slices.ContainsFunc(audiences, func(aud string) bool {
		u, err := url.Parse(aud)
		if err != nil || !slices.Contains(hosts, strings.ToLower(u.Scheme+"://"+u.Host)) {
			return false
		}
		segment, rest, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
		known := rest == "oauth2/v2.0/token" || rest == "oauth2/token" || rest == "v2.0" || rest == ""
		return known && s.tenantOf(tx, segment) != unknownTenant
	})
}

// checkCertificate finds the client's certificate that the header names and checks the signature.
func checkCertificate(tx *state.Tx, c client, a assertion) (credential, error) {
	for _, holder := range []state.Object{c.app, c.sp} {
		for _, k := range objects(holder, "keyCredentials") {
			der, err := base64.StdEncoding.DecodeString(k.String("key"))
			if err != nil || len(der) == 0 || !a.names(der) {
				continue
			}
			return useCertificate(tx, k, der, a)
		}
	}
	return noCredential, refuse(700027, "The key was not found., Thumbprint of key used by client: '"+a.hexThumbprint()+"'")
}

func useCertificate(tx *state.Tx, k state.Object, der []byte, a assertion) (credential, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return noCredential, refuse(700027, "The key registered on the application is not an X.509 certificate.")
	}
	if !within(tx.Now(), k) {
		return noCredential, refuse(700027, "The key used is expired., Thumbprint of key used by client: '"+a.hexThumbprint()+"'")
	}
	if a.verify(cert.PublicKey) != nil {
		return noCredential, refuse(700027, "The key was found, but use of the key to verify the signature failed.")
	}
	return credential{kind: "certificate", acr: "2", keyID: k.String("keyId"), thumbprint: thumbprint(der)}, nil
}

// names is true when the assertion's header means this certificate: SHA-1 or SHA-256
// thumbprint, or the SHA-1 as key id, in hex (old libraries) or in base64url (R:
// go-azure-sdk, by which Terraform signs in).
func (a assertion) names(der []byte) bool {
	one, two := sha1.Sum(der), sha256.Sum256(der) //nolint:gosec // see import
	switch {
	case a.x5t256 != "":
		return a.x5t256 == base64.RawURLEncoding.EncodeToString(two[:])
	case a.x5t != "":
		return a.x5t == base64.RawURLEncoding.EncodeToString(one[:])
	}
	return strings.EqualFold(a.kid, hex.EncodeToString(one[:])) || urlBase64(a.kid) == base64.RawURLEncoding.EncodeToString(one[:])
}

// hexThumbprint is the key's name as Entra's message shows it.
func (a assertion) hexThumbprint() string {
	for _, t := range []string{a.x5t, a.x5t256, urlBase64(a.kid)} {
		if b, err := base64.RawURLEncoding.DecodeString(t); err == nil && (len(b) == sha1.Size || len(b) == sha256.Size) {
			return strings.ToUpper(hex.EncodeToString(b))
		}
	}
	return a.kid
}

// issuerKeys is the key set of one foreign issuer, by key id.
type issuerKeys map[string]*rsa.PublicKey

// federatedKeys fetches the keys of the issuer of a federated assertion, before any lock
// is held. It asks only issuers that some federated credential of the tenant names.
func (s *Server) federatedKeys(r *http.Request) issuerKeys {
	a, err := readAssertion(r.PostForm.Get("client_assertion"))
	if err != nil || strings.EqualFold(a.issuer, r.PostForm.Get("client_id")) {
		return nil
	}
	named := false
	s.st.View(func(tx *state.Tx) {
		named = tx.Find("federatedIdentityCredentials", func(o state.Object) bool { return o.String("issuer") == a.issuer }) != nil
	})
	if !named {
		return nil
	}
	if a.issuer == s.testIssuerURL() {
		k := s.keys()
		return issuerKeys{k.kid: &k.private.PublicKey}
	}
	keys, err := s.fetchKeys(r.Context(), a.issuer)
	if err != nil {
		return nil // no keys: the signature cannot be checked, and the client is told so
	}
	return keys
}

// checkFederated matches an assertion with the application's federated credentials.
func (s *Server) checkFederated(tx *state.Tx, c client, a assertion, keys issuerKeys) (credential, error) {
	var issuer, subject state.Object
	for _, f := range tx.List("federatedIdentityCredentials") {
		if !arrived(tx, f) || c.app == nil || !strings.EqualFold(f.String("_application"), c.app.ID()) || f.String("issuer") != a.issuer {
			continue
		}
		issuer = f
		if f.Object("claimsMatchingExpression") != nil {
			return noCredential, NotModelled("federated credentials with a claims matching expression")
		}
		if f.String("subject") != a.subject {
			continue
		}
		subject = f
		if !slices.ContainsFunc(f.Strings("audiences"), func(want string) bool { return slices.Contains(a.audience, want) }) {
			continue
		}
		if !keys.signed(a) {
			return noCredential, refuse(50013, "The key was not found.")
		}
		return credential{kind: "federatedIdentityCredential", acr: "2", keyID: f.ID()}, nil
	}
	switch {
	case issuer == nil:
		return noCredential, refuse(700211, a.issuer)
	case subject == nil:
		return noCredential, refuse(700213, a.subject)
	}
	return noCredential, refuse(700212, strings.Join(a.audience, " "))
}

// signed is true when a key of the set signed the assertion.
func (k issuerKeys) signed(a assertion) bool {
	if key, ok := k[a.kid]; ok {
		return a.verify(key) == nil
	}
	for _, key := range k {
		if a.kid == "" && a.verify(key) == nil {
			return true
		}
	}
	return false
}

// fetchKeys reads an issuer's OpenID metadata and key set.
func (s *Server) fetchKeys(ctx context.Context, issuer string) (issuerKeys, error) {
	var meta struct {
		JWKS string `json:"jwks_uri"`
	}
	if err := s.getJSON(ctx, strings.TrimRight(issuer, "/")+"/.well-known/openid-configuration", &meta); err != nil {
		return nil, err
	}
	var set struct {
		Keys []struct{ Kty, Kid, N, E string }
	}
	if err := s.getJSON(ctx, meta.JWKS, &set); err != nil {
		return nil, err
	}
	out := issuerKeys{}
	for _, k := range set.Keys {
		n, err1 := base64.RawURLEncoding.DecodeString(k.N)
		e, err2 := base64.RawURLEncoding.DecodeString(k.E)
		if k.Kty == "RSA" && err1 == nil && err2 == nil && len(e) > 0 && len(e) <= 4 {
			out[k.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
		}
	}
	return out, nil
}

func (s *Server) getJSON(ctx context.Context, address string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("read issuer: %w", err)
	}
	c := s.Client
	if c == nil {
		c = &http.Client{Timeout: 10 * time.Second}
	}
	res, err := c.Do(req)
	if err != nil {
		return fmt.Errorf("read issuer: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("read issuer: status %d", res.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(into); err != nil {
		return fmt.Errorf("read issuer: %w", err)
	}
	return nil
}
