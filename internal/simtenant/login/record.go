package login

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"breakglass/internal/simtenant/state"
)

// An attempt is one sign-in of a person on its way to the log.
type attempt struct {
	r       *http.Request
	client  client
	res     resource
	in      SignIn
	out     Outcome
	session string

	interactive bool
	// protocol and incoming are the log's authenticationProtocol and incomingTokenType.
	protocol, incoming string
	// wrong: the password was wrong, so no proof was given.
	wrong bool
	// failed is the second proof that was tried and failed; "" when none.
	failed string
}

// attempt is the sign-in behind a token request of a session.
func (c *tokenCall) attempt(ses *session) *attempt {
	return newAttempt(c.tx, c.r, c.client, c.res, c.asked, ses)
}

func newAttempt(tx *state.Tx, r *http.Request, c client, res resource, a asked, ses *session) *attempt {
	in := SignIn{
		UserID: ses.userID, AppID: c.appID, Targets: targetsOf(c, a, res), Methods: ses.methods, IP: clientIP(r), Platform: platformOf(r),
		ClientAppType: clientTypeOf(c), Flow: ses.flow, SignInRisk: riskHeader(r), AuthTime: ses.authTime, Checked: true,
	}
	if ses.deviceID != "" {
		in.Device = tx.Get("devices", ses.deviceID)
	}
	return &attempt{r: r, client: c, res: res, in: in, session: ses.id, interactive: true, protocol: "none", incoming: "none"}
}

func riskHeader(r *http.Request) string {
	if v := r.Header.Get("X-Sim-Risk"); slices.Contains([]string{"low", "medium", "high"}, v) {
		return v
	}
	return ""
}

// clientTypeOf is the client app type: pages of web applications are browser, programs that
// keep no secret are mobileAppsAndDesktopClients.
func clientTypeOf(c client) string {
	if slices.Contains(adminPortals, c.appID) || c.appID == mySignInsApp || c.appID == graphExplorer {
		return "browser"
	}
	if c.public() {
		return "mobileAppsAndDesktopClients"
	}
	return "browser"
}

// platformOf reads the platform from the user agent, or from what Microsoft's libraries send of the system.
func platformOf(r *http.Request) string {
	ua := r.UserAgent() + " " + r.Header.Get("x-client-OS")
	for _, p := range []struct{ mark, platform string }{
		{"Android", "android"},
		{"iPhone", "iOS"},
		{"iPad", "iOS"},
		{"Windows Phone", "windowsPhone"},
		{"Windows", "windows"},
		{"Win32", "windows"},
		{"win32", "windows"},
		{"windows", "windows"},
		{"Mac OS X", "macOS"},
		{"Macintosh", "macOS"},
		{"darwin", "macOS"},
		{"Linux", "linux"},
		{"linux", "linux"},
	} {
		if strings.Contains(ua, p.mark) {
			return p.platform
		}
	}
	return ""
}

// recordUser writes the sign-in log's record of an attempt. err is why it ended, nil when the
// user is in. A sign-in of nobody (an unknown name) is not recorded, as in Entra.
func (s *Server) recordUser(tx *state.Tx, a *attempt, err error) {
	u := tx.Get("users", a.in.UserID)
	if u == nil {
		return
	}
	rec := a.common(tx, err)
	event := "interactiveUser"
	if !a.interactive {
		event = "nonInteractiveUser"
	}
	userType := "member"
	if u.String("userType") == "Guest" {
		userType = "guest"
	}
	own := state.Object{
		"userId": u.ID(), "userPrincipalName": strings.ToLower(u.String("userPrincipalName")), "userDisplayName": u.String("displayName"), "userType": userType,
		"signInIdentifier": u.String("userPrincipalName"), "isInteractive": a.interactive, "signInEventTypes": []any{event},
		"clientAppUsed":          map[string]string{"browser": "Browser", "mobileAppsAndDesktopClients": "Mobile Apps and Desktop clients"}[a.in.ClientAppType],
		"authenticationProtocol": a.protocol, "incomingTokenType": a.incoming, "sessionId": a.session,
		"authenticationRequirement": a.requirement(), "authenticationRequirementPolicies": anyList(a.out.Providers),
		"authenticationDetails": a.details(tx), "authenticationMethodsUsed": a.methodNames(),
		"deviceDetail": a.device(), "riskLevelDuringSignIn": orNone(a.in.SignInRisk), "riskLevelAggregated": orNone(a.in.SignInRisk),
		"originalTransferMethod": orNone(a.in.Flow), "networkLocationDetails": []any{},
	}
	maps.Copy(rec, own)
	if contexts := a.contexts(); len(contexts) > 0 {
		rec["authenticationContextClassReferences"] = contexts
	}
	written := s.log.SignIn(tx, rec)
	noteActivity(tx, u, written, a.interactive, err == nil)
}

// noteActivity keeps the user's signInActivity: lastSignInDateTime counts attempts,
// lastSuccessfulSignInDateTime successes. The live service is up to a day late with it.
func noteActivity(tx *state.Tx, u, rec state.Object, interactive, ok bool) {
	act := u.Object("signInActivity")
	if act == nil {
		act = state.Object{}
	}
	note := func(kind string) {
		act[kind+"DateTime"], act[kind+"RequestId"] = state.Timestamp(tx.Now()), rec.ID()
	}
	if interactive {
		note("lastSignIn")
	} else {
		note("lastNonInteractiveSignIn")
	}
	if ok {
		note("lastSuccessfulSignIn")
	}
	u["signInActivity"] = map[string]any(act)
	tx.Put("users", u)
}

// common is what records of users and of service principals share.
func (a *attempt) common(tx *state.Tx, err error) state.Object {
	where := placeOf(a.in.IP)
	rec := state.Object{
		"correlationId": correlation(a.r), "appId": a.client.appID, "appDisplayName": a.client.name, "resourceId": a.res.appID,
		"resourceDisplayName": a.res.name, "ipAddress": a.in.IP, "userAgent": a.r.UserAgent(), "status": statusOf(err),
		"location": map[string]any{
			"city": where.city, "state": where.region, "countryOrRegion": where.country,
			"geoCoordinates": map[string]any{"altitude": nil, "latitude": nil, "longitude": nil},
		},
		"conditionalAccessStatus": "notApplied", "appliedConditionalAccessPolicies": anyList(a.out.Policies),
		"homeTenantId": tx.TenantID(), "resourceTenantId": tx.TenantID(),
	}
	if a.out.Status != "" {
		rec["conditionalAccessStatus"] = a.out.Status
	}
	if sp := a.res.sp; sp != nil {
		rec["resourceServicePrincipalId"] = sp.ID()
	}
	return rec
}

// statusOf is the record's status: the error's number and text without its details.
func statusOf(err error) map[string]any {
	out := map[string]any{"errorCode": 0, "failureReason": "Other.", "additionalDetails": nil}
	var r *refusal
	var missing NotModelled
	switch {
	case errors.As(err, &r):
		out["errorCode"], out["failureReason"] = r.code, r.text
		if r.code == 50076 || r.code == 50074 || r.code == 50079 {
			out["additionalDetails"] = "The user has not yet completed the multifactor authentication that was required of them."
		}
	case errors.As(err, &missing):
		out["errorCode"], out["failureReason"] = 50000, missing.Error()
	}
	return out
}

func (a *attempt) requirement() string {
	if a.out.Requirement == "" {
		return "singleFactorAuthentication"
	}
	return a.out.Requirement
}

// stepNames are the log's words for a proof and its detail (as seen in the sign-in log [M]).
var stepNames = map[string][2]string{
	"password": {"Password", "Password in the cloud"}, "fido2": {"Passkey (FIDO2)", ""}, "windowsHelloForBusiness": {"Windows Hello for Business", ""},
	"x509CertificateMultiFactor": {"X.509 Certificate", ""}, "x509CertificateSingleFactor": {"X.509 Certificate", ""},
	"microsoftAuthenticatorPush": {"Mobile app notification", ""}, "deviceBasedPush": {"Passwordless phone sign-in", ""}, "sms": {"Text message", ""},
	"voice": {"Phone call approval (Authentication phone)", ""}, "softwareOath": {"OATH verification code", ""}, "hardwareOath": {"OATH verification code", ""},
	"temporaryAccessPassOneTime": {"Temporary Access Pass", "One-time use"}, "temporaryAccessPassMultiUse": {"Temporary Access Pass", "Multi-use"},
	"federatedSingleFactor": {"Federated authentication", ""}, "federatedMultiFactor": {"Federated authentication", ""}, "external": {"External authentication method", ""},
}

// details is the steps of the sign-in, one for each proof.
func (a *attempt) details(tx *state.Tx) []any {
	step := func(mode, result, requirement string, ok bool) map[string]any {
		n := stepNames[mode]
		return map[string]any{
			"authenticationStepDateTime": state.Timestamp(tx.Now()), "authenticationMethod": n[0], "authenticationMethodDetail": n[1],
			"succeeded": ok, "authenticationStepResultDetail": result, "authenticationStepRequirement": requirement,
		}
	}
	out := []any{}
	for i, m := range a.in.Methods {
		requirement, result := "Primary authentication", "Correct password"
		if i > 0 {
			requirement, result = "Multifactor authentication", "MFA completed in Azure AD"
		}
		switch {
		case !a.interactive:
			n := map[string]any{"authenticationMethod": "Previously satisfied", "authenticationMethodDetail": ""}
			s := step(m.Mode, "First factor requirement satisfied by claim in the token", requirement, true)
			if i > 0 {
				s["authenticationStepResultDetail"] = "MFA requirement satisfied by claim in the token"
			}
			s["authenticationMethod"], s["authenticationMethodDetail"] = n["authenticationMethod"], n["authenticationMethodDetail"]
			out = append(out, s)
			continue
		case m.Mode != "password" && i == 0:
			result = ""
		}
		if a.wrong && m.Mode == "password" {
			out = append(out, step(m.Mode, "Incorrect password", requirement, false))
			continue
		}
		out = append(out, step(m.Mode, result, requirement, true))
	}
	if a.failed != "" {
		out = append(out, step(a.failed, "MFA denied; the service did not confirm the sign-in", "Multifactor authentication", false))
	}
	return out
}

func (a *attempt) methodNames() []any {
	out := []any{}
	for _, m := range a.in.Methods {
		if n := stepNames[m.Mode][0]; n != "" && !a.wrong {
			out = append(out, n)
		}
	}
	return out
}

func (a *attempt) device() map[string]any {
	d := a.in.Device
	text := func(k string) string { return d.String(k) }
	system := map[string]string{"windows": "Windows", "macOS": "MacOs", "linux": "Linux", "android": "Android", "iOS": "Ios"}[a.in.Platform]
	return map[string]any{
		"deviceId": text("deviceId"), "displayName": text("displayName"), "operatingSystem": system, "browser": browserOf(a.r.UserAgent()),
		"isCompliant": d.Bool("isCompliant"), "isManaged": d.Bool("isManaged"), "trustType": text("trustType"),
	}
}

func browserOf(ua string) string {
	for _, b := range []struct{ mark, name string }{{"Edg/", "Edge"}, {"Chrome/", "Chrome"}, {"Firefox/", "Firefox"}, {"Safari/", "Safari"}} {
		if _, rest, ok := strings.Cut(ua, b.mark); ok {
			v, _, _ := strings.Cut(rest, " ")
			return b.name + " " + v
		}
	}
	return ""
}

func (a *attempt) contexts() []any {
	var out []any
	for _, t := range a.in.Targets {
		if t.AuthContext != "" {
			out = append(out, map[string]any{"id": t.AuthContext, "detail": "required"})
		}
	}
	return out
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func anyList(l []state.Object) []any {
	out := []any{}
	for _, o := range l {
		out = append(out, map[string]any(o))
	}
	return out
}

// recordApp writes the record of an application's sign-in that failed before its resource was known.
func (c *tokenCall) recordApp(err error) {
	if c.res.appID == "" && c.r.PostForm.Get("scope") != "" {
		_ = c.readScope(asked{}) // names the resource in the record, where it can
	}
	c.recordAppOutcome(Outcome{}, err)
}

// recordAppOutcome writes the record of an application signing in as itself.
func (c *tokenCall) recordAppOutcome(out Outcome, err error) {
	if c.client.sp == nil || c.r.PostForm.Get("grant_type") != "client_credentials" && c.cred.kind != "managedIdentity" {
		return
	}
	a := &attempt{r: c.r, client: c.client, res: c.res, out: out, in: SignIn{IP: clientIP(c.r)}}
	rec := a.common(c.tx, err)
	event := "servicePrincipal"
	if c.cred.kind == "managedIdentity" {
		event = "managedIdentity"
	}
	own := state.Object{
		"servicePrincipalId": c.client.sp.ID(), "servicePrincipalName": c.client.name, "userId": "00000000-0000-0000-0000-000000000000",
		"userPrincipalName": "", "userDisplayName": "", "isInteractive": false, "signInEventTypes": []any{event}, "clientAppUsed": "",
		"authenticationProtocol": "clientCredentials", "clientCredentialType": c.cred.kind, "servicePrincipalCredentialKeyId": c.cred.keyID,
		"servicePrincipalCredentialThumbprint": c.cred.thumbprint, "federatedCredentialId": "",
	}
	maps.Copy(rec, own)
	if c.cred.kind == "federatedIdentityCredential" {
		rec["federatedCredentialId"] = c.cred.keyID
	}
	c.s.log.SignIn(c.tx, rec)
}
