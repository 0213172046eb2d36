package login

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"breakglass/internal/simtenant/state"
)

// A refusal is one AADSTS error. Entra's page "Microsoft Entra authentication and
// authorization error codes" lists the numbers; the OAuth code and the status that go
// with each are what the live service sends [M].
type refusal struct {
	code     int // 50126
	text     string
	suberror string
	// claims is the claims challenge that a client repeats at an interactive sign-in.
	claims string
}

func (e *refusal) Error() string { return fmt.Sprintf("AADSTS%d: %s", e.code, e.text) }

// refuse is the refusal with a code; args fill its text.
func refuse(code int, args ...any) *refusal {
	return &refusal{code: code, text: fmt.Sprintf(faults[code].text, args...)}
}

// NotModelled names what this simulator has no opinion on: it does not know what Entra would do.
// Over HTTP it is a 501.
type NotModelled string

func (e NotModelled) Error() string { return "The simulated tenant does not model " + string(e) + "." }

type fault struct {
	status int
	oauth  string // RFC 6749 error
	text   string
}

const mfaText = "Due to a configuration change made by your administrator, or because you moved to a new location, you must "

var faults = map[int]fault{
	28000:   {400, "invalid_scope", "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope %s is not valid."},
	50008:   {400, "invalid_grant", "SAML assertion is missing or misconfigured in the token. Contact your federation provider."},
	50011:   {400, "invalid_request", "The redirect URI '%s' specified in the request does not match the redirect URIs configured for the application '%s'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal."},
	50013:   {401, "invalid_client", "Assertion failed signature validation. [Reason - %s]"},
	50027:   {401, "invalid_client", "JWT token is invalid or malformed."},
	50034:   {400, "invalid_grant", "The user account %s does not exist in the %s directory. To sign into this application, the account must be added to the directory."},
	50053:   {400, "invalid_grant", "The account is locked, you've tried to sign in too many times with an incorrect user ID or password."},
	50055:   {400, "invalid_grant", "The password is expired."},
	50057:   {400, "invalid_grant", "The user account is disabled."},
	50058:   {400, "login_required", "Session information is not sufficient for single-sign-on."},
	50059:   {400, "invalid_request", "No tenant-identifying information found in either the request or implied by any provided credentials."},
	50072:   {400, "interaction_required", mfaText + "enroll in multi-factor authentication to access '%s'."},
	50074:   {400, "interaction_required", "Strong Authentication is required."},
	50076:   {400, "invalid_grant", mfaText + "use multi-factor authentication to access '%s'."},
	50079:   {400, "invalid_grant", mfaText + "enroll in multi-factor authentication to access '%s'."},
	50089:   {400, "invalid_grant", "Authentication failed due to flow token expired."},
	50097:   {400, "interaction_required", "Device authentication is required."},
	50105:   {400, "invalid_grant", "Your administrator has configured the application %s ('%s') to block users unless they are specifically granted ('assigned') access to the application. The signed in user '%s' is blocked because they are not a direct member of a group with access, nor had access directly assigned by an administrator."},
	50107:   {400, "invalid_grant", "The requested federation realm object '%s' does not exist."},
	50126:   {400, "invalid_grant", "Error validating credentials due to invalid username or password."},
	50128:   {400, "invalid_request", "Invalid domain name - No tenant-identifying information found in either the request or implied by any provided credentials."},
	50132:   {400, "invalid_grant", "The session is not valid due to password expiration or recent password change."},
	50140:   {400, "interaction_required", "This occurred due to 'Keep me signed in' interrupt when the user was signing in."},
	50142:   {400, "interaction_required", "Password change is required due to a conditional access policy."},
	50146:   {400, "invalid_request", "This application is required to be configured with an application-specific signing key."},
	50158:   {400, "interaction_required", "External security challenge not satisfied. User will be redirected to another page or authentication provider to satisfy additional authentication challenges."},
	50173:   {400, "invalid_grant", "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. The grant was issued on '%s' and the TokensValidFrom date (before which tokens are not valid) for this user is '%s'."},
	53000:   {400, "invalid_grant", "Device is not in required device state: compliant. Conditional Access policy requires a compliant device, and the device is not compliant. The user must enroll their device with an approved MDM provider like Intune."},
	53001:   {400, "invalid_grant", "Device is not in required device state: domain_joined. Conditional Access policy requires a domain joined device, and the device is not domain joined."},
	53002:   {400, "invalid_grant", "Application is not approved app for Conditional Access. User needs to use one of the apps from the list of approved applications to use in order to get access."},
	53003:   {400, "invalid_grant", "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance."},
	53004:   {400, "invalid_grant", "User needs to complete multi-factor authentication registration process before accessing this content."},
	53009:   {400, "invalid_grant", "Application needs to enforce Intune protection policies."},
	54005:   {400, "invalid_grant", "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token."},
	65001:   {400, "invalid_grant", "The user or administrator has not consented to use the application with ID '%s' named '%s'. Send an interactive authorization request for this user and resource."},
	65004:   {400, "access_denied", "User declined to consent to access the app."},
	70000:   {400, "invalid_grant", "Provided grant is invalid or malformed."},
	70003:   {400, "unsupported_grant_type", "The app requested an unsupported grant type '%s'."},
	70008:   {400, "invalid_grant", "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource."},
	70011:   {400, "invalid_scope", "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope %s is not valid."},
	70016:   {400, "authorization_pending", "OAuth 2.0 device flow error. Authorization is pending. Continue polling."},
	70017:   {400, "authorization_declined", "The user declined the sign-in on the other device."},
	70018:   {400, "bad_verification_code", "Invalid verification code due to User typing in wrong user code for device code flow. Authorization is not approved."},
	70019:   {400, "expired_token", "Verification code expired. Have the user retry the sign-in."},
	70020:   {400, "expired_token", "The provided value for the input parameter 'device_code' is not valid. This device code has expired."},
	70043:   {400, "invalid_grant", "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access."},
	75003:   {400, "invalid_request", "%s"},
	90002:   {400, "invalid_request", "Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."},
	90023:   {400, "invalid_request", "Unsupported 'prompt' value."},
	90014:   {400, "invalid_request", "The required field '%s' is missing from the credential. Ensure that you have all the necessary parameters for the login request."},
	90094:   {400, "interaction_required", "An administrator of %s has set a policy that prevents you from granting %s the permissions it is requesting. Contact an administrator of %s who can grant permissions to this application on your behalf."},
	500011:  {400, "invalid_resource", "The resource principal named %s was not found in the tenant named %s. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant."},
	500014:  {400, "invalid_resource", "The service principal for resource '%s' is disabled. This indicate that a subscription within the tenant has lapsed, or that the administrator for this tenant has disabled the application, preventing tokens from being issued for it."},
	500121:  {400, "invalid_grant", "Authentication failed during strong authentication request."},
	501481:  {400, "invalid_grant", "The Code_Verifier does not match the code_challenge supplied in the authorization request."},
	530035:  {400, "invalid_grant", "Access has been blocked by security defaults. This is due to the request using legacy auth or being deemed unsafe by security defaults policies."},
	501051:  {400, "invalid_grant", "Application '%s'(%s) is not assigned to a role for the application '%s'(%s)."},
	700016:  {400, "unauthorized_client", "Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."},
	700021:  {401, "invalid_client", "Client assertion application identifier doesn't match 'client_id' parameter. Review the documentation at https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials ."},
	700023:  {401, "invalid_client", "Client assertion audience claim does not match Realm issuer. Review the documentation at https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials ."},
	700024:  {401, "invalid_client", "Client assertion is not within its valid time range. Current time: %s, assertion valid from %s, expiry time of assertion %s. Review the documentation at https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials ."},
	700025:  {401, "invalid_client", "Client is public so neither 'client_assertion' nor 'client_secret' should be presented."},
	700027:  {401, "invalid_client", "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - %s]"},
	700054:  {400, "unsupported_response_type", "response_type '%s' is not enabled for the application."},
	700082:  {400, "invalid_grant", "The refresh token has expired due to inactivity. The token was issued on %s and was inactive for %s."},
	700211:  {401, "invalid_client", "No matching federated identity record found for presented assertion issuer '%s'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion."},
	700212:  {401, "invalid_client", "No matching federated identity record found for presented assertion audience '%s'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion."},
	700213:  {401, "invalid_client", "No matching federated identity record found for presented assertion subject '%s'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion."},
	900144:  {400, "invalid_request", "The request body must contain the following parameter: '%s'."},
	900561:  {400, "invalid_request", "The endpoint only accepts %s requests. Received a %s request."},
	1002012: {400, "invalid_scope", "The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."},
	7000112: {400, "unauthorized_client", "Application '%s'(%s) is disabled."},
	7000215: {401, "invalid_client", "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'."},
	7000218: {401, "invalid_client", "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."},
	7000222: {401, "invalid_client", "The provided client secret keys for app '%s' are expired. Visit the Azure portal to create new keys for your app, or consider using certificate credentials for added security."},
	7000229: {400, "unauthorized_client", "The client application %s is missing service principal in the tenant %s. See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119"},
	9002313: {400, "invalid_request", "Invalid request. Request is malformed or invalid."},
	// A passkey that the policy for authentication methods does not take (any more). The number is from memory.
	135010: {400, "invalid_grant", "The authentication method is not allowed by your organisation's authentication methods policy."},
}

// fail answers with the OAuth error body that every client of Entra knows.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if e, ok := err.(NotModelled); ok {
		writeJSON(w, http.StatusNotImplemented, map[string]any{
			"error": "not_implemented", "error_description": e.Error(),
			"error_codes": []int{}, "timestamp": s.stamp(), "trace_id": traceID(w), "correlation_id": correlation(r),
		})
		return
	}
	e, ok := err.(*refusal)
	if !ok {
		e = refuse(9002313)
	}
	f := faults[e.code]
	body := s.errorBody(w, r, e)
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="`+s.base()+`"`)
	}
	writeJSON(w, f.status, body)
}

func (s *Server) errorBody(w http.ResponseWriter, r *http.Request, e *refusal) map[string]any {
	body := map[string]any{
		"error":             faults[e.code].oauth,
		"error_description": s.describe(w, r, e),
		"error_codes":       []int{e.code},
		"timestamp":         s.stamp(),
		"trace_id":          traceID(w),
		"correlation_id":    correlation(r),
		"error_uri":         s.base() + "/error?code=" + strconv.Itoa(e.code),
	}
	if e.suberror != "" {
		body["suberror"] = e.suberror
	}
	if e.claims != "" {
		body["claims"] = e.claims
	}
	return body
}

func (s *Server) describe(w http.ResponseWriter, r *http.Request, e *refusal) string {
	return fmt.Sprintf("%s Trace ID: %s Correlation ID: %s Timestamp: %s", e.Error(), traceID(w), correlation(r), s.stamp())
}

// stamp is the time as Entra's errors write it.
func (s *Server) stamp() string { return s.now().UTC().Format("2006-01-02 15:04:05Z") }

func traceID(w http.ResponseWriter) string { return w.Header().Get("x-ms-request-id") }

// correlation is the client's own id for the request, or a new one that then stays with it.
func correlation(r *http.Request) string {
	id := r.Header.Get("client-request-id")
	if id == "" {
		id = state.NewID()
		r.Header.Set("client-request-id", id)
	}
	return id
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(body) // the client went away: nobody is left to tell
}
