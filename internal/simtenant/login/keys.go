package login

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // x5t is defined with SHA-1 (RFC 7517)
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A keyring is the tenant's token signing key with its certificate. It lives as long as
// the process: a restart is a key rollover, as clients of the live service see them too.
type keyring struct {
	private *rsa.PrivateKey
	der     []byte // the certificate
	kid     string
}

func newKeyring() *keyring {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // the system's generator does not fail
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "accounts.accesscontrol.windows.net"},
		NotBefore:    time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), // the simulated clock may be turned anywhere
		NotAfter:     time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		panic(err) // a fixed template and a fresh key always sign
	}
	return &keyring{private: key, der: der, kid: thumbprint(der)}
}

// thumbprint is x5t: the certificate's SHA-1 in base64url.
func thumbprint(der []byte) string {
	sum := sha1.Sum(der) //nolint:gosec // see import
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// sign makes a JWT with the header of Entra's tokens.
func (k *keyring) sign(c jwt.MapClaims) string {
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, c)
	t.Header["kid"], t.Header["x5t"] = k.kid, k.kid
	signed, err := t.SignedString(k.private)
	if err != nil {
		panic(err) // claims are maps of plain values: they always encode
	}
	return signed
}

// set is the key set document for one issuer.
func (k *keyring) set(issuer string) map[string]any {
	return map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": k.kid, "x5t": k.kid,
		"n":      base64.RawURLEncoding.EncodeToString(k.private.N.Bytes()),
		"e":      base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.private.E)).Bytes()),
		"x5c":    []string{base64.StdEncoding.EncodeToString(k.der)},
		"issuer": issuer,
	}}}
}

// parse checks a token of ours: signature and algorithm only. Time, audience and issuer
// are the caller's business, since each has its own answer.
func (k *keyring) parse(token string) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	p := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation())
	_, err := p.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) { return k.private.Public(), nil })
	if err != nil {
		return nil, fmt.Errorf("check token signature: %w", err)
	}
	return claims, nil
}
