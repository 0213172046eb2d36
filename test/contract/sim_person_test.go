package contract

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"breakglass/internal/simtenant/graph"
)

// The device user, at Graph and at Azure Resource Manager.
const (
	person    = "the device user"
	personARM = "the device user at ARM"
)

// watchReads are what the read-only application must get to read (domain.md 2.1 and
// correction 4).
var watchReads = []string{
	"/domains?$select=id,isInitial,isDefault,isVerified,authenticationType", "/organization", "/subscribedSkus",
	"/users?$select=id,displayName,userPrincipalName&$top=5",
	"/policies/identitySecurityDefaultsEnforcementPolicy", "/policies/authenticationMethodsPolicy", "/policies/authorizationPolicy",
	"/policies/authenticationStrengthPolicies", "/identity/conditionalAccess/policies", "/identity/conditionalAccess/namedLocations",
	"/identity/conditionalAccess/authenticationContextClassReferences",
	"/roleManagement/directory/roleDefinitions?$select=id,templateId,displayName",
	"/roleManagement/directory/roleAssignments?$expand=principal", "/roleManagement/directory/roleAssignmentScheduleInstances",
	"/roleManagement/directory/roleAssignmentSchedules", "/roleManagement/directory/roleEligibilityScheduleInstances",
	"/policies/roleManagementPolicyAssignments?$filter=scopeId eq '/' and scopeType eq 'DirectoryRole'&$expand=policy($expand=rules)",
	"/auditLogs/directoryAudits?$top=10", "/auditLogs/signIns?$top=10", "/directory/administrativeUnits", "/servicePrincipals?$top=5",
	"/applications?$top=5&$select=id,appId,displayName,passwordCredentials,keyCredentials", "/reports/authenticationMethods/userRegistrationDetails?$top=5",
	"/identityProtection/riskyUsers", "/identityGovernance/accessReviews/definitions", "/identityGovernance/lifecycleWorkflows/workflows",
}

// readAsWatch reads what the product's watch reads, and is refused what it must not do.
func (w *walk) readAsWatch(c *Contracts) {
	for _, version := range []string{"/v1.0", "/beta"} {
		for _, path := range watchReads {
			w.want(200, reader, "GET "+version+path, "")
		}
		for _, u := range w.want(200, reader, "GET "+version+"/users?$select=id&$top=3", "").list() {
			id := u["id"].(string)
			w.want(200, reader, "GET "+version+"/users/"+id+"/authentication/methods", "")
			w.want(200, reader, "GET "+version+"/users/"+id+"/transitiveMemberOf?$select=id,displayName", "")
			w.want(403, reader, "PATCH "+version+"/users/"+id, `{"displayName":"x"}`)
			w.want(403, reader, "DELETE "+version+"/users/"+id, "")
		}
		w.want(403, reader, "POST "+version+"/groups", `{"displayName":"x","mailEnabled":false,"mailNickname":"x","securityEnabled":true}`)
	}
	w.tokens["nobody"] = "not.a.token"
	w.want(401, "nobody", "GET /v1.0/users", "")
}

// signInAll asks the sign-in endpoints what clients ask them. The contracts do not describe
// them; the exceptions that say so must be needed by somebody.
func (w *walk) signInAll() {
	tenant := w.creds.TenantID
	for _, path := range []string{
		"/" + tenant + "/v2.0/.well-known/openid-configuration",
		"/common/discovery/instance?api-version=1.1&authorization_endpoint=https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
		"/" + tenant + "/discovery/v2.0/keys",
		"/metadata/endpoints?api-version=2022-09-01",
		"/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://graph.microsoft.com",
		"/" + tenant + "/oauth2/v2.0/authorize?client_id=" + w.creds.Operator.ID + "&response_type=code&redirect_uri=http://localhost&scope=openid&code_challenge=x&code_challenge_method=S256",
	} {
		res, err := w.client.Get(w.base + path)
		if err != nil {
			w.t.Fatal(err)
		}
		if _ = res.Body.Close(); res.StatusCode >= 500 {
			w.t.Errorf("GET %s: status %d", path, res.StatusCode)
		}
	}
}

// readOneself reads everything below /me as a person who has signed in with a device code.
func (w *walk) readOneself(c *Contracts) {
	for _, version := range []string{"v1.0", "beta"} {
		for _, op := range (&graph.API{}).Operations() {
			if op.Method != "GET" || op.Beta && version == "v1.0" || !strings.HasPrefix(op.Path, "/me") && !strings.Contains(op.Path, "filterByCurrentUser") {
				continue
			}
			for _, path := range w.resolve(version, person, op.Path) {
				w.readOne(c, version, person, path)
			}
		}
	}
	w.everyMethod("/v1.0/me", "/beta/me")
}

var (
	formAction = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
	formInput  = regexp.MustCompile(`<(?:input|button)[^>]*name="([^"]*)"[^>]*>`)
	inputValue = regexp.MustCompile(`value="([^"]*)"`)
)

// telephoneCode is what the device user's telephone shows; see startWalk.
const telephoneCode = "246810"

// signInWithDeviceCode is a program that asks for a code and a person who enters it.
func (w *walk) signInWithDeviceCode(scope string) string {
	at := w.base + "/" + w.creds.TenantID + "/oauth2/v2.0/"
	var code struct {
		Device string `json:"device_code"`
		User   string `json:"user_code"`
		Page   string `json:"verification_uri"`
	}
	w.form(at+"devicecode", url.Values{"client_id": {w.creds.Operator.ID}, "scope": {scope + " openid profile offline_access"}}, &code)
	w.enter(code.Page, map[string]string{"device": code.User, "otc": telephoneCode, "loginfmt": w.creds.Device.UPN, "passwd": w.creds.Device.Password, "accept": "1", "go": "1", "stay": "no", "later": "1"})
	var token struct {
		Access string `json:"access_token"`
		Error  string `json:"error_description"`
	}
	w.form(at+"token", url.Values{"client_id": {w.creds.Operator.ID}, "grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {code.Device}}, &token)
	if token.Access == "" {
		w.t.Fatalf("sign in with a device code: %s", token.Error)
	}
	return token.Access
}

func (w *walk) form(target string, values url.Values, into any) {
	res, err := w.client.PostForm(target, values)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		w.t.Fatalf("%s: %v", target, err)
	}
}

// enter goes through the sign-in page's forms with the answers it knows.
func (w *walk) enter(page string, answers map[string]string) {
	jar, _ := cookiejar.New(nil) // never fails without options
	browser := &http.Client{Transport: w.client.Transport, Jar: jar}
	res, err := browser.Get(page)
	for range 10 {
		if err != nil {
			w.t.Fatalf("the sign-in page: %v", err)
		}
		data, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		action := formAction.FindStringSubmatch(string(data))
		if action == nil {
			return
		}
		values := url.Values{}
		for _, m := range formInput.FindAllStringSubmatch(string(data), -1) {
			value := inputValue.FindStringSubmatch(m[0])
			if strings.Contains(m[0], `type="hidden"`) && value != nil {
				values.Set(m[1], html.UnescapeString(value[1]))
			}
			if a, ok := answers[m[1]]; ok {
				values.Set(m[1], a)
			}
			if m[1] == "otc" && strings.HasSuffix(action[1], "/deviceauth") {
				values.Set("otc", answers["device"])
			}
		}
		next, perr := res.Request.URL.Parse(html.UnescapeString(action[1]))
		if perr != nil {
			w.t.Fatal(perr)
		}
		res, err = browser.PostForm(next.String(), values)
	}
}
