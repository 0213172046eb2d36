package login

import (
	"encoding/json"
	"slices"
	"strings"

	"breakglass/internal/simtenant/state"
)

// asked is what a token request asks for.
type asked struct {
	// resource is the URI before the last "/" of the scopes; Graph when only OpenID scopes are asked for.
	resource string
	// perms are the permissions asked for by name, without the resource.
	perms []string
	// bare says that the permissions came without a resource, which means Graph's; the
	// answer then names them without one too, and MSAL takes any other spelling for a refusal.
	bare bool
	// all is /.default: whatever is granted.
	all bool
	// oidc are the OpenID scopes.
	oidc   []string
	claims claimsRequest
}

var oidcScopes = []string{"openid", "profile", "email", "offline_access"}

// parseScope reads a scope parameter. The resource ends at the last slash, so the
// double slash that the Azure CLI sends (…windows.net//.default) keeps one.
func parseScope(scope string) (asked, error) {
	var a asked
	for one := range strings.FieldsSeq(scope) {
		if slices.Contains(oidcScopes, strings.ToLower(one)) {
			a.oidc = append(a.oidc, strings.ToLower(one))
			continue
		}
		res, perm := "", one
		if i := strings.LastIndexByte(one, '/'); i >= 0 {
			res, perm = one[:i], one[i+1:]
		}
		if perm == "" || res == "" && perm == ".default" {
			return a, refuse(70011, one)
		}
		if res == "" {
			res, a.bare = GraphApp, true
		}
		if a.resource != "" && !strings.EqualFold(a.resource, res) {
			return a, refuse(28000, scope)
		}
		a.resource = res
		if perm == ".default" {
			a.all = true
			continue
		}
		a.perms = append(a.perms, perm)
	}
	if a.resource == "" && len(a.oidc) == 0 {
		return a, refuse(900144, "scope")
	}
	if a.resource == "" {
		a.resource = GraphApp
	}
	return a, nil
}

// baseline is true when nothing but the scopes is asked for that every sign-in may ask
// (Conditional Access: target resources, "baseline scopes").
func (a asked) baseline() bool {
	return !a.all && !slices.ContainsFunc(a.perms, func(p string) bool {
		return !slices.Contains([]string{"user.read", "user.readbasic.all", "people.read", "groupmember.read.all", "member.read.hidden"}, strings.ToLower(p))
	})
}

// claimsRequest is what the claims parameter asks of the access token.
type claimsRequest struct {
	// contexts are the authentication contexts (acrs) that the token must prove.
	contexts []string
	// cae is true when the client understands continuous access evaluation (xms_cc: cp1).
	cae bool
}

// parseClaims reads the claims parameter (OpenID Connect Core, 5.5). Claims that it does
// not know are left out, as in the live service; nbf, which a resource sends after a
// revocation, asks for a new token, and a new one is what every request gets.
func parseClaims(text string) (claimsRequest, error) {
	var c claimsRequest
	if text == "" {
		return c, nil
	}
	var req struct {
		AccessToken map[string]struct {
			Value  any   `json:"value"`
			Values []any `json:"values"`
		} `json:"access_token"`
	}
	if json.Unmarshal([]byte(text), &req) != nil {
		return c, refuse(9002313)
	}
	for name, want := range req.AccessToken {
		values := want.Values
		if want.Value != nil {
			values = append(values, want.Value)
		}
		c.take(name, values)
	}
	return c, nil
}

func (c *claimsRequest) take(name string, values []any) {
	for _, v := range values {
		t, _ := v.(string)
		switch {
		case name == "acrs" && t != "" && !slices.Contains(c.contexts, t):
			c.contexts = append(c.contexts, t)
		case name == "xms_cc" && strings.EqualFold(t, "cp1"):
			c.cae = true
		}
	}
}

// appRoles are the permissions of a service principal on a resource, by name.
func appRoles(tx *state.Tx, principalID string, res resource) []string {
	var out []string
	if res.sp == nil {
		return nil
	}
	for _, a := range tx.List("appRoleAssignments") {
		if !strings.EqualFold(a.String("principalId"), principalID) || !strings.EqualFold(a.String("resourceId"), res.sp.ID()) {
			continue
		}
		if name := roleName(res.sp, a.String("appRoleId")); name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func roleName(sp state.Object, id string) string {
	for _, r := range objects(sp, "appRoles") {
		if strings.EqualFold(r.String("id"), id) && r["isEnabled"] != false {
			return r.String("value")
		}
	}
	return ""
}

// preauthorised are the scopes that Microsoft's own clients have without consent; the
// Graph lists are from memory [M].
var preauthorised = map[string]map[string]string{
	azureCLI: {
		GraphApp: "AppRoleAssignment.ReadWrite.All Application.ReadWrite.All AuditLog.Read.All DelegatedPermissionGrant.ReadWrite.All Directory.AccessAsUser.All Group.ReadWrite.All User.Read.All User.ReadWrite.All email openid profile",
		ARMApp:   "user_impersonation", LogAnalyticsApp: "user_impersonation",
	},
	azurePS: {
		GraphApp: "AuditLog.Read.All Directory.AccessAsUser.All email openid profile", ARMApp: "user_impersonation", LogAnalyticsApp: "user_impersonation",
	},
	azureMobile:  {ARMApp: "user_impersonation", GraphApp: "User.Read openid profile"},
	portalApp:    {ARMApp: "user_impersonation", GraphApp: "Directory.AccessAsUser.All email openid profile User.Read", LogAnalyticsApp: "user_impersonation"},
	m365AdminApp: {GraphApp: "Directory.AccessAsUser.All email openid profile User.Read"},
	mySignInsApp: {GraphApp: "User.Read UserAuthenticationMethod.ReadWrite email openid profile"},
}

// delegated are the scopes that a client has for a user on a resource.
func delegated(tx *state.Tx, c client, userID string, res resource) []string {
	out := strings.Fields(preauthorised[c.appID][res.appID])
	if c.sp == nil || res.sp == nil {
		return out
	}
	for _, g := range tx.List("oauth2PermissionGrants") {
		if !strings.EqualFold(g.String("clientId"), c.sp.ID()) || !strings.EqualFold(g.String("resourceId"), res.sp.ID()) {
			continue
		}
		if g.String("consentType") != "AllPrincipals" && !strings.EqualFold(g.String("principalId"), userID) {
			continue
		}
		for p := range strings.FieldsSeq(g.String("scope")) {
			if !slices.ContainsFunc(out, func(have string) bool { return strings.EqualFold(have, p) }) {
				out = append(out, p)
			}
		}
	}
	slices.Sort(out)
	return out
}

// unconsented are the permissions asked for that are not granted; with /.default and
// nothing granted it is what the registration asks for.
func unconsented(a asked, have []string, c client, res resource) []string {
	if a.all {
		if len(have) == 0 {
			return required(c, res)
		}
		return nil
	}
	var out []string
	for _, p := range a.perms {
		if !slices.ContainsFunc(have, func(h string) bool { return strings.EqualFold(h, p) }) {
			out = append(out, p)
		}
	}
	return out
}

// required is the delegated permissions that the registration of a client names for a
// resource (requiredResourceAccess); where it names none, the one that everybody asks for.
func required(c client, res resource) []string {
	var out []string
	for _, r := range objects(c.app, "requiredResourceAccess") {
		if !strings.EqualFold(r.String("resourceAppId"), res.appID) {
			continue
		}
		for _, p := range objects(r, "resourceAccess") {
			for _, scope := range objects(res.sp, "oauth2PermissionScopes") {
				if p.String("type") == "Scope" && strings.EqualFold(scope.String("id"), p.String("id")) {
					out = append(out, scope.String("value"))
				}
			}
		}
	}
	switch {
	case len(out) > 0:
		return out
	case res.appID == GraphApp:
		return []string{"User.Read"}
	}
	return []string{"user_impersonation"}
}
