package login

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"breakglass/internal/simtenant/state"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// lifetime is 60 to 90 minutes, drawn anew for each token ("Configurable token lifetimes").
// The live service gives clients that understand continuous access evaluation up to 28
// hours; the simulated one stays with the shorter life for all.
func lifetime() time.Duration { return 60*time.Minute + time.Duration(rand.IntN(1800))*time.Second }

// issue signs an access token with the claims that all have in common.
func (c *tokenCall) issue(claims jwt.MapClaims) token {
	now := c.tx.Now().Truncate(time.Second)
	t := token{id: random()[:22], from: now.Add(-skew), until: now.Add(lifetime())}
	e := c.s.ends(c.tx.World(), c.r.Host)
	common := jwt.MapClaims{
		"aud": c.res.audience(), "iss": e.issuerV1 + "/" + c.tx.TenantID() + "/", "idp": e.issuerV1 + "/" + c.tx.TenantID() + "/",
		"iat": t.from.Unix(), "nbf": t.from.Unix(), "exp": t.until.Unix(), "aio": random()[:24], "uti": t.id, "ver": "1.0",
		"tid": c.tx.TenantID(), "app_displayname": c.client.name, "appid": c.client.appID, "appidacr": c.cred.acr,
		"azp": c.client.appID, "azpacr": c.cred.acr, "tenant_region_scope": "EU", "xms_tcdt": created(c.tx).Unix(),
	}
	for k, v := range common {
		claims[k] = v
	}
	if c.asked.claims.cae {
		claims["xms_cc"] = []string{"CP1"}
	}
	t.text = c.s.keys().sign(claims)
	return t
}

// audience is the resource as the client asked for it, by which libraries recognise it.
func (res resource) audience() string {
	if strings.EqualFold(res.uri, res.appID) || res.uri == "" {
		return res.appID
	}
	return res.uri
}

func created(tx *state.Tx) time.Time {
	return tx.One("organization").Time("createdDateTime")
}

// appToken is an access token for an application.
func (c *tokenCall) appToken() token {
	id := c.client.sp.ID()
	claims := jwt.MapClaims{
		"idtyp": "app", "oid": id, "sub": id, "rh": stamp(c.client.sp),
		"wids": append(c.tx.ActiveRoles(id), "0997a1d0-0d1d-4acb-b408-d5ca73121e90"),
	}
	if roles := appRoles(c.tx, id, c.res); len(roles) > 0 {
		claims["roles"] = roles
	}
	return c.issue(claims)
}

// userToken is an access token for a person behind a client.
func (c *tokenCall) userToken(u state.Object, ses *session, scopes []string) token {
	claims := jwt.MapClaims{
		"idtyp": "user", "oid": u.ID(), "sub": subject(u.ID(), c.res.appID), "rh": stamp(u), "acct": 0, "acr": "1",
		"amr": amr(ses.methods), "auth_time": ses.authTime.Unix(), "scp": strings.Join(inToken(scopes), " "), "ipaddr": clientIP(c.r),
		"name": u.String("displayName"), "upn": u.String("userPrincipalName"), "unique_name": u.String("userPrincipalName"),
		"puid": "10032" + strings.ToUpper(strings.ReplaceAll(u.ID(), "-", ""))[:11], "sid": ses.id,
		"wids":   append(c.tx.ActiveRoles(u.ID()), "b79fbf4d-3ef9-4689-8143-76b194e85509"),
		"xms_st": map[string]any{"sub": subject(u.ID(), c.client.appID)},
		"platf":  "3",
	}
	for claim, prop := range map[string]string{"given_name": "givenName", "family_name": "surname"} {
		if v := u.String(prop); v != "" {
			claims[claim] = v
		}
	}
	if u.String("userType") == "Guest" {
		claims["acct"] = 1
	}
	if len(ses.contexts) > 0 {
		claims["acrs"] = ses.contexts
	}
	return c.issue(claims)
}

// subject is the pairwise subject of a person at an application.
func subject(userID, appID string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(userID + "|" + appID)))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// stamp changes whenever something happens to a principal that ends its sessions: a
// password set, sessions revoked. It travels in the claim that Entra keeps for itself (rh),
// so that a change within the same second is seen too.
func stamp(o state.Object) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{
		o.String(state.Password), o.String("lastPasswordChangeDateTime"), o.String("signInSessionsValidFromDateTime"),
	}, "\n")))
	return "1." + base64.RawURLEncoding.EncodeToString(sum[:18])
}

// inToken leaves out the one scope that asks for a refresh token and is no right at the resource.
func inToken(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return s == "offline_access" })
}

// amr is the methods used, in the token's words.
func amr(methods []Method) []string {
	var out []string
	add := func(v string) {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	for _, m := range methods {
		switch m.Mode {
		case "password":
			add("pwd")
		case "fido2", "windowsHelloForBusiness":
			add("fido")
			add("rsa")
		case "x509CertificateSingleFactor", "x509CertificateMultiFactor":
			add("rsa")
		case "federatedSingleFactor", "federatedMultiFactor":
			add("fed")
		}
	}
	if SatisfiesMFA(methods) {
		add("mfa")
	}
	return out
}

// idToken is the OpenID token for the client.
func (c *tokenCall) idToken(u state.Object, ses *session, nonce string) string {
	now := c.tx.Now().Truncate(time.Second)
	e := c.s.ends(c.tx.World(), c.r.Host)
	claims := jwt.MapClaims{
		"aud": c.client.appID, "iss": e.login + "/" + c.tx.TenantID() + "/v2.0", "iat": now.Add(-skew).Unix(), "nbf": now.Add(-skew).Unix(),
		"exp": now.Add(time.Hour).Unix(), "name": u.String("displayName"), "oid": u.ID(), "preferred_username": u.String("userPrincipalName"),
		"rh": stamp(u), "sub": subject(u.ID(), c.client.appID), "tid": c.tx.TenantID(), "uti": random()[:22], "ver": "2.0",
		"auth_time": ses.authTime.Unix(), "sid": ses.id, "upn": u.String("userPrincipalName"),
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if mail := u.String("mail"); mail != "" && slices.Contains(c.asked.oidc, "email") {
		claims["email"] = mail
	}
	return c.s.keys().sign(claims)
}

// clientInfo is what MSAL names an account by.
func clientInfo(userID, tenantID string) string {
	b, _ := json.Marshal(map[string]string{"uid": userID, "utid": tenantID}) // two texts always encode
	return base64.RawURLEncoding.EncodeToString(b)
}

// ChallengeHeader is the WWW-Authenticate value by which a resource tells a client to
// sign the user in again with the authentication contexts named ("c1"; "p1" is plain
// multifactor authentication, as ARM asks for writes). login is the base URL of sign-in.
// Microsoft page "Claims challenges, claims requests and client capabilities".
func ChallengeHeader(login, resourceApp string, contexts ...string) string {
	want := map[string]any{"acrs": map[string]any{"essential": true, "value": strings.Join(contexts, " ")}}
	if len(contexts) > 1 {
		want = map[string]any{"acrs": map[string]any{"essential": true, "values": contexts}}
	}
	return challenge(login, resourceApp, want)
}

func challenge(login, resourceApp string, want map[string]any) string {
	b, _ := json.Marshal(map[string]any{"access_token": want}) // texts and truths always encode
	return fmt.Sprintf(`Bearer realm="", authorization_uri="%s/common/oauth2/authorize", client_id="%s", error="insufficient_claims", claims="%s"`,
		login, resourceApp, base64.StdEncoding.EncodeToString(b))
}
