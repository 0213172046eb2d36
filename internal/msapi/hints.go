package msapi

import (
	"fmt"
	"strings"
)

// Hint is the next step for the person who meets the error; empty when there is none.
func (e *Error) Hint() string {
	switch e.Kind {
	case KindPermission:
		return e.permissionHint()
	case KindLicence:
		return fmt.Sprintf("the tenant has no licence for this%s; everything that needs none still runs", ifAny(" (", e.Licence, ")"))
	case KindThrottled:
		return "Microsoft limits how often this tenant may be asked; wait some minutes and see which other tools read it at the same time"
	case KindNetwork:
		if e.Unknown {
			return "read the tenant before you try again: run plan, it shows what is left to do"
		}
		return "check the network, the proxy (HTTPS_PROXY) and the host names in docs/clouds.md"
	case KindNotGraph:
		return "something between here and Microsoft answered: a proxy, a sign-in page of the network, or wrong endpoints (docs/clouds.md)"
	case KindServer:
		return "the service failed; try again, and give its support the request-id if it stays"
	case KindExpired:
		return "sign in again; if this comes back at once, check this machine's clock"
	case KindWrongTenant:
		return "compare the tenant id in breakglass.yaml with the account or application that signs in; nothing was read or changed"
	case KindClock:
		return "set this machine's clock (time service), then run the command again"
	case KindSignIn:
		return signInHint(e.Code)
	case KindConflict, KindRefused:
		if e.Unknown {
			return "read the tenant before you try again"
		}
	}
	return ""
}

func (e *Error) permissionHint() string {
	const who = "a Global Administrator or Privileged Role Administrator"
	switch {
	case e.peopleOnly:
		return fmt.Sprintf("no application may do this: sign in as a person with the role %s (--auth browser or device-code), through a client that has %s", e.Role, e.Permission)
	case e.Granted && e.Role != "":
		return fmt.Sprintf("the token has %s; what is missing is a directory role (%s), which %s assigns", e.Permission, e.Role, who)
	case e.Permission != "":
		return fmt.Sprintf("grant %s to the application%s; %s consents to it (docs/permissions.md)", e.Permission,
			ifAny(" and, to a person who signs in, the role ", e.Role, ""), who)
	}
	return "the application or the person who signs in lacks a permission or a role; " + who + " grants it (docs/permissions.md)"
}

func ifAny(before, s, after string) string {
	if s == "" {
		return ""
	}
	return before + s + after
}

// signInHints are next steps by the number in AADSTS errors ("Microsoft Entra authentication
// and authorization error codes"; those of client credentials are partly from memory).
var signInHints = map[string]string{
	"AADSTS90002":   "there is no such tenant at this login host: check the tenant id and the cloud",
	"AADSTS900023":  "the tenant id is neither a GUID nor a domain: check breakglass.yaml",
	"AADSTS700016":  "the application is not in this tenant: check the client id, or run breakglass onboard",
	"AADSTS7000215": "the client secret is wrong: use the secret's value, not its id",
	"AADSTS7000222": "the client secret is over: make a new one, or better a certificate",
	"AADSTS700027":  "the certificate is not registered with the application, or it is over",
	"AADSTS700024":  "the signed request is outside its time: set this machine's clock",
	"AADSTS700213":  "no federated credential of the application matches the token's issuer, subject and audience",
	"AADSTS70021":   "no federated credential of the application matches the token's issuer, subject and audience",
	"AADSTS7000112": "the application is disabled in this tenant",
	"AADSTS65001":   "nobody consented to the application's permissions: run breakglass onboard",
	"AADSTS50076":   "Conditional Access or per-user MFA asks for a second factor: sign in with the browser method",
	"AADSTS50079":   "the account must register a second factor first",
	"AADSTS50074":   "a second factor is needed: sign in with the browser method",
	"AADSTS53003":   "a Conditional Access policy blocks this sign-in: look at it in the sign-in log, or use another method",
	"AADSTS50105":   "the person is not assigned to the application: assign them, or use an assigned account",
	"AADSTS50126":   "wrong user name or password",
	"AADSTS50053":   "the account is locked for a while after wrong passwords, or the address is blocked",
	"AADSTS50057":   "the account is disabled",
	"AADSTS70016":   "nobody finished the device code sign-in yet",
	"AADSTS70020":   "the device code ran out before anybody used it: start again",
	"AADSTS70000":   "the grant is over or was revoked: sign in again",
	"AADSTS530036":  "a policy blocks the device code flow: use the browser method",
}

func signInHint(code string) string {
	if h, ok := signInHints[code]; ok {
		return h
	}
	if strings.HasPrefix(code, "insufficient_claims") {
		return "a Conditional Access policy asks for a stronger sign-in for this action: sign in as a person with the browser method"
	}
	return "check tenant id, client id and the chosen way to sign in; breakglass doctor shows each step"
}
