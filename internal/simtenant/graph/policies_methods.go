package graph

import (
	"net/http"
	"strings"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// methodsPolicyRoutes is which methods the tenant allows, to whom.
func (a *API) methodsPolicyRoutes() []route {
	const config = "/" + collMethodsPolicy + "/authenticationMethodConfigurations"
	read := both("Policy.Read.All", "Policy.Read.AuthenticationMethod", "Policy.ReadWrite.AuthenticationMethod")
	readers := append([]string{roleAuthenticationPolicyAdmin, roleAuthenticationAdmin, rolePrivilegedAuthAdmin}, readsPolicies...)
	writers := []string{roleAuthenticationPolicyAdmin}
	return []route{
		{method: "GET", pattern: "/" + collMethodsPolicy, need: read, roles: readers, handle: func(c *call) {
			c.one(c.methodsPolicy(), "authenticationMethodsPolicy")
		}},
		{method: "PATCH", pattern: "/" + collMethodsPolicy, roles: writers, handle: (*call).updateMethodsPolicy},
		{method: "GET", pattern: config + "/{id}", need: read, roles: readers, handle: (*call).getMethodConfiguration},
		{method: "PATCH", pattern: config + "/{id}", roles: writers, handle: (*call).updateMethodConfiguration},
	}
}

// methodsPolicy is the stored policy over the defaults of a new tenant; v1.0 lacks what
// only beta knows, one whole configuration among it.
func (c *call) methodsPolicy() state.Object {
	p := defaultMethodsPolicy()
	stored := c.tx.One(collMethodsPolicy)
	configs := configurations(p)
	for _, s := range configurations(stored) {
		known := false
		for _, d := range configs {
			if strings.EqualFold(d.ID(), s.ID()) {
				merge(d, s)
				known = true
			}
		}
		if !known {
			configs = append(configs, s)
		}
	}
	rest := stored.Clone()
	delete(rest, "authenticationMethodConfigurations")
	merge(p, rest)
	list := make([]any, 0, len(configs))
	for _, conf := range configs {
		if c.beta() || !betaConfiguration(conf) {
			list = append(list, map[string]any(conf))
		}
	}
	p["authenticationMethodConfigurations"] = list
	if !c.beta() {
		for _, key := range []string{"systemCredentialPreferences", "reportSuspiciousActivitySettings", "microsoftAuthenticatorPlatformSettings"} {
			delete(p, key)
		}
	}
	return p
}

// betaConfiguration is true for the kinds that v1.0 does not show.
func betaConfiguration(conf state.Object) bool {
	switch conf.ID() {
	case "HardwareOath", "QRCodePin", "VerifiableCredentials":
		return true
	}
	return false
}

func configurations(p state.Object) []state.Object {
	list, _ := p["authenticationMethodConfigurations"].([]any)
	var out []state.Object
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func (c *call) updateMethodsPolicy() {
	if !c.decode("authenticationMethodsPolicy") {
		return
	}
	before := c.methodsPolicy()
	patch := c.body.Clone()
	delete(patch, "authenticationMethodConfigurations") // each has its own path
	c.storeMethods(patch)
	c.auditMethods(before)
	c.noContent()
}

// storeMethods merges a change into what is stored of the policy.
func (c *call) storeMethods(patch state.Object) {
	stored := c.tx.One(collMethodsPolicy)
	if stored == nil {
		stored = state.Object{"id": "authenticationMethodsPolicy"}
	}
	merge(stored, patch)
	stored["id"], stored["lastModifiedDateTime"] = "authenticationMethodsPolicy", logs.Instant(c.now())
	c.tx.Put(collMethodsPolicy, stored)
}

func (c *call) auditMethods(before state.Object) {
	after := c.methodsPolicy()
	c.auditBy(logs.Authentication, "ApplicationManagement", "Update", "Authentication Methods Policy Update",
		logs.Target("Policy", state.Object{"id": c.tx.TenantID(), "displayName": "Authentication Methods Policy"},
			logs.Changed("Authentication Methods Policy", before.Public(), after.Public())))
}

// methodConfiguration is the configuration of the path, its id without case.
func (c *call) methodConfiguration() state.Object {
	for _, conf := range configurations(c.methodsPolicy()) {
		if strings.EqualFold(conf.ID(), c.params["id"]) {
			return conf
		}
	}
	c.fail(http.StatusNotFound, "resourceNotFound", "The authentication method configuration '"+c.params["id"]+"' could not be found.")
	return nil
}

func configurationType(conf state.Object) string {
	return strings.TrimPrefix(conf.String("@odata.type"), "#microsoft.graph.")
}

func (c *call) getMethodConfiguration() {
	if conf := c.methodConfiguration(); conf != nil {
		c.one(conf, "authenticationMethodConfiguration")
	}
}

// updateMethodConfiguration merges; the service wants the type named in the body.
func (c *call) updateMethodConfiguration() {
	conf := c.methodConfiguration()
	if conf == nil {
		return
	}
	typ := configurationType(conf)
	if c.body.String("@odata.type") != "#microsoft.graph."+typ {
		c.fail(http.StatusBadRequest, "invalidRequest", "The @odata.type of the authentication method configuration must be #microsoft.graph."+typ+".")
		return
	}
	if !c.decode(typ) {
		return
	}
	if bad := c.checkConfiguration(conf, c.body); bad != "" {
		c.fail(http.StatusBadRequest, "invalidRequest", bad)
		return
	}
	before := c.methodsPolicy()
	merge(conf, c.body)
	rest := []any{}
	for _, other := range configurations(c.tx.One(collMethodsPolicy)) {
		if !strings.EqualFold(other.ID(), conf.ID()) {
			rest = append(rest, map[string]any(other))
		}
	}
	c.storeMethods(state.Object{"authenticationMethodConfigurations": append(rest, map[string]any(conf))})
	c.auditMethods(before)
	c.noContent()
}

// checkConfiguration is what is wrong with a change of a configuration: key models that are
// no GUIDs, targets that nobody knows and that were not there before.
func (c *call) checkConfiguration(before, b state.Object) string {
	for _, id := range b.Object("keyRestrictions").Strings("aaGuids") {
		if !guidText.MatchString(id) {
			return "The AAGUID '" + id + "' is not a GUID."
		}
	}
	for _, list := range []string{"includeTargets", "excludeTargets"} {
		had := map[any]bool{}
		for _, e := range elements(before[list]) {
			had[member(e, "id")] = true
		}
		for _, e := range elements(b[list]) {
			id, _ := member(e, "id").(string)
			kind, _ := member(e, "targetType").(string)
			coll := map[string]string{"group": collGroups, "user": collUsers}[kind]
			if had[any(id)] || id == "all_users" && list == "includeTargets" && kind == "group" {
				continue
			}
			if coll == "" || c.tx.Get(coll, id) == nil {
				return "The target '" + id + "' of " + list + " could not be found."
			}
		}
	}
	return ""
}

// everyone is the target group that stands for all users.
func everyone(extra state.Object) []any {
	t := map[string]any{"targetType": "group", "id": "all_users", "isRegistrationRequired": false}
	for k, v := range extra {
		t[k] = v
	}
	return []any{t}
}

// defaultMethodsPolicy is a tenant of 2024 that nobody configured: Graph page
// "authenticationMethodsPolicy resource type" and its examples.
func defaultMethodsPolicy() state.Object {
	return state.Object{
		"id": "authenticationMethodsPolicy", "displayName": "Authentication Methods Policy",
		"description":          "The tenant-wide policy that controls which authentication methods are allowed in the tenant, authentication method registration requirements, and self-service password reset settings",
		"lastModifiedDateTime": nil, "policyVersion": "1.5", "policyMigrationState": "migrationComplete", "reconfirmationInDays": nil,
		"registrationEnforcement": map[string]any{"authenticationMethodsRegistrationCampaign": map[string]any{
			"snoozeDurationInDays": 1.0, "enforceRegistrationAfterAllowedSnoozes": true, "state": "default", "excludeTargets": []any{},
			"includeTargets": []any{map[string]any{"id": "all_users", "targetType": "group", "targetedAuthenticationMethod": "microsoftAuthenticator"}},
		}},
		"systemCredentialPreferences": map[string]any{
			"state": "default", "excludeTargets": []any{}, "includeTargets": []any{map[string]any{"id": "all_users", "targetType": "group"}},
		},
		"reportSuspiciousActivitySettings": map[string]any{
			"state": "default", "voiceReportingCode": 0.0, "includeTarget": map[string]any{"id": "all_users", "targetType": "group"},
		},
		"authenticationMethodConfigurations": defaultConfigurations(),
	}
}

func defaultConfigurations() []any {
	conf := func(id, kind, state string, props map[string]any) map[string]any {
		o := map[string]any{"@odata.type": "#microsoft.graph." + kind + "AuthenticationMethodConfiguration", "id": id, "state": state, "excludeTargets": []any{}, "includeTargets": everyone(nil)}
		for k, v := range props {
			o[k] = v
		}
		return o
	}
	return []any{
		conf("Fido2", "fido2", "enabled", map[string]any{
			"isSelfServiceRegistrationAllowed": true, "isAttestationEnforced": true, "defaultPasskeyProfile": nil, "passkeyProfiles": []any{},
			"keyRestrictions": map[string]any{"isEnforced": false, "enforcementType": "block", "aaGuids": []any{}},
			"includeTargets":  everyone(state.Object{"allowedPasskeyProfiles": []any{}}),
		}),
		conf("MicrosoftAuthenticator", "microsoftAuthenticator", "enabled", map[string]any{
			"isSoftwareOathEnabled": false,
			"featureSettings": map[string]any{
				"displayAppInformationRequiredState":      feature("default"),
				"displayLocationInformationRequiredState": feature("default"),
			},
			"includeTargets": everyone(state.Object{"authenticationMode": "any"}),
		}),
		conf("Sms", "sms", "disabled", map[string]any{"includeTargets": everyone(state.Object{"isUsableForSignIn": false})}),
		conf("TemporaryAccessPass", "temporaryAccessPass", "enabled", map[string]any{
			"defaultLifetimeInMinutes": 60.0, "defaultLength": 8.0, "minimumLifetimeInMinutes": 60.0, "maximumLifetimeInMinutes": 480.0, "isUsableOnce": false,
		}),
		conf("HardwareOath", "hardwareOath", "disabled", nil),
		conf("SoftwareOath", "softwareOath", "enabled", nil),
		conf("Voice", "voice", "disabled", map[string]any{"isOfficePhoneAllowed": false}),
		conf("Email", "email", "enabled", map[string]any{"allowExternalIdToUseEmailOtp": "default"}),
		conf("X509Certificate", "x509Certificate", "disabled", map[string]any{
			"certificateUserBindings": []any{
				map[string]any{"x509CertificateField": "PrincipalName", "userProperty": "userPrincipalName", "priority": 1.0, "trustAffinityLevel": "low"},
			},
			"authenticationModeConfiguration": map[string]any{
				"x509CertificateAuthenticationDefaultMode": "x509CertificateSingleFactor", "x509CertificateDefaultRequiredAffinityLevel": "low", "rules": []any{},
			},
		}),
		conf("QRCodePin", "qrCodePin", "disabled", map[string]any{"standardQRCodeLifetimeInDays": 365.0, "pinLength": 8.0}),
		conf("VerifiableCredentials", "verifiableCredentials", "disabled", nil),
	}
}

func feature(state string) map[string]any {
	return map[string]any{
		"state":         state,
		"includeTarget": map[string]any{"targetType": "group", "id": "all_users"},
		"excludeTarget": map[string]any{"targetType": "group", "id": "00000000-0000-0000-0000-000000000000"},
	}
}
