package graph

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"breakglass/internal/simtenant/state"
)

// checkPolicy is what the Conditional Access service refuses, as one text, empty when all
// is well. before is the stored policy of an update: ids that it already had are taken even
// when their objects are gone, because the live service leaves the ids of deleted users
// in place. The numbers in front of most texts are from memory; clients must not read them.
func (c *call) checkPolicy(p, before state.Object) string {
	for _, check := range []func(p, before state.Object) string{
		c.checkHead, c.checkWho, c.checkWhat, c.checkConditions, c.checkControls,
	} {
		if problem := check(p, before); problem != "" {
			return problem
		}
	}
	return ""
}

var policyStates = []string{"enabled", "disabled", "enabledForReportingButNotEnforced"}

func (c *call) checkHead(p, before state.Object) string {
	switch {
	case strings.TrimSpace(p.String("displayName")) == "" || len(p.String("displayName")) > 256:
		return "1016: displayName must be between 1 and 256 characters."
	case !slices.Contains(policyStates, p.String("state")):
		return "1017: state must be one of enabled, disabled, enabledForReportingButNotEnforced."
	case p.Object("conditions") == nil:
		return "1018: conditions must be specified."
	case p.String("state") == "enabled" && before.String("state") != "enabled" && c.securityDefaultsOn():
		return "Security Defaults is enabled in the tenant. You must disable Security defaults before enabling a Conditional Access policy."
	}
	return ""
}

// securityDefaultsOn is whether the tenant enforces security defaults.
func (c *call) securityDefaultsOn() bool { return c.tx.One(collSecurityDefaults).Bool("isEnabled") }

func (c *call) checkWho(p, before state.Object) string {
	cond := p.Object("conditions")
	users, clients := cond.Object("users"), cond.Object("clientApplications")
	if users == nil && clients == nil {
		return "1019: conditions.users or conditions.clientApplications must be specified."
	}
	if clients != nil {
		return c.checkWorkload(clients, users)
	}
	if !includesSomebody(users) {
		return "1021: conditions.users must include at least one user, group, role or guest type."
	}
	all := users.Strings("includeUsers")
	if len(all) > 1 && (slices.Contains(all, "All") || slices.Contains(all, "None")) {
		return "1022: includeUsers 'All' or 'None' cannot be combined with other values."
	}
	had := before.Object("conditions").Object("users")
	for _, key := range []string{"includeUsers", "excludeUsers"} {
		for _, word := range users.Strings(key) {
			if key == "excludeUsers" && (word == "All" || word == "None") && !slices.Contains(had.Strings(key), word) {
				return "1023: excludeUsers contains '" + word + "', which is not a user of the tenant."
			}
		}
		if bad := c.unknown(users.Strings(key), had.Strings(key), "users", "All", "None", "GuestsOrExternalUsers"); bad != "" {
			return "1023: " + key + " contains '" + bad + "', which is not a user of the tenant."
		}
		if slices.Contains(users.Strings(key), "GuestsOrExternalUsers") && users[key[:7]+"GuestsOrExternalUsers"] != nil {
			return "'GuestsOrExternalUsers' cannot be combined with guestOrExternalUsers."
		}
	}
	for _, key := range []string{"includeGroups", "excludeGroups"} {
		if bad := c.unknown(users.Strings(key), had.Strings(key), "groups"); bad != "" {
			return "1024: " + key + " contains '" + bad + "', which is not a group of the tenant."
		}
	}
	for _, key := range []string{"includeRoles", "excludeRoles"} {
		if bad := c.unknown(users.Strings(key), had.Strings(key), collRoleDefinitions); bad != "" {
			return "1025: " + key + " contains '" + bad + "', which is not a built-in role."
		}
		for _, id := range users.Strings(key) {
			if !c.tx.Get(collRoleDefinitions, id).Bool("isBuiltIn") && !slices.Contains(had.Strings(key), id) {
				return "1025: " + key + " contains '" + id + "', which is not a built-in role."
			}
		}
	}
	return ""
}

// includesSomebody: an include dimension is filled; excludes alone make no policy.
func includesSomebody(users state.Object) bool {
	return len(users.Strings("includeUsers"))+len(users.Strings("includeGroups"))+len(users.Strings("includeRoles")) > 0 ||
		users["includeGuestsOrExternalUsers"] != nil
}

// checkWorkload: a policy for workload identities names service principals and no users.
func (c *call) checkWorkload(clients, users state.Object) string {
	if len(clients.Strings("includeServicePrincipals")) == 0 && clients["servicePrincipalFilter"] == nil {
		return "1026: clientApplications must include service principals."
	}
	if users != nil && includesSomebody(users) && !slices.Equal(users.Strings("includeUsers"), []string{"None"}) {
		return "1027: clientApplications cannot be combined with users."
	}
	for _, key := range []string{"includeServicePrincipals", "excludeServicePrincipals"} {
		if bad := c.unknown(clients.Strings(key), nil, "servicePrincipals", "ServicePrincipalsInMyTenant"); bad != "" {
			return "1028: " + key + " contains '" + bad + "', which is not a service principal of the tenant."
		}
	}
	return ""
}

// unknown is the first value that is neither a word, nor had before, nor an object of coll.
func (c *call) unknown(values, had []string, coll string, words ...string) string {
	for _, v := range values {
		if slices.Contains(words, v) || slices.Contains(had, v) {
			continue
		}
		if uuid.Validate(v) != nil || c.tx.Get(coll, v) == nil {
			return v
		}
	}
	return ""
}

var userActions = []string{"urn:user:registersecurityinfo", "urn:user:registerdevice"}

func (c *call) checkWhat(p, before state.Object) string {
	apps := p.Object("conditions").Object("applications")
	had := before.Object("conditions").Object("applications")
	include := apps.Strings("includeApplications")
	kinds := 0
	for _, key := range []string{"includeApplications", "includeUserActions", "includeAuthenticationContextClassReferences"} {
		if len(apps.Strings(key)) > 0 {
			kinds++
		}
	}
	switch {
	case kinds == 0 && apps["applicationFilter"] == nil && apps["globalSecureAccess"] == nil && apps["networkAccess"] == nil:
		return "1030: conditions.applications must include applications, user actions or authentication contexts."
	case kinds > 1:
		return "1031: applications, user actions and authentication contexts cannot be combined."
	case len(include) > 1 && (slices.Contains(include, "All") || slices.Contains(include, "None")):
		return "1032: includeApplications 'All' or 'None' cannot be combined with other values."
	}
	for _, key := range []string{"includeApplications", "excludeApplications"} {
		for _, v := range apps.Strings(key) {
			if !c.knownResource(v) && !slices.Contains(had.Strings(key), v) {
				return "1033: " + key + " contains '" + v + "', which is not an application in the tenant."
			}
		}
	}
	for _, v := range apps.Strings("includeUserActions") {
		if !slices.Contains(userActions, v) {
			return "1034: includeUserActions contains '" + v + "'."
		}
	}
	for _, v := range apps.Strings("includeAuthenticationContextClassReferences") {
		if c.tx.Get(collContexts, v) == nil {
			return "1035: authentication context '" + v + "' does not exist."
		}
	}
	return ""
}

// knownResource is true for the words of conditions.applications and for application ids
// that have a service principal in the tenant.
func (c *call) knownResource(v string) bool {
	if slices.Contains([]string{"All", "None", "Office365", "MicrosoftAdminPortals"}, v) {
		return true
	}
	return c.tx.Find("servicePrincipals", func(o state.Object) bool { return strings.EqualFold(o.String("appId"), v) }) != nil
}

func (c *call) checkConditions(p, before state.Object) string {
	cond := p.Object("conditions")
	if len(cond.Strings("clientAppTypes")) == 0 {
		return "1036: clientAppTypes must not be empty."
	}
	if kinds := cond.Strings("clientAppTypes"); len(kinds) > 1 && slices.Contains(kinds, "all") {
		return "1041: clientAppTypes 'all' cannot be combined with other values."
	}
	if filter := cond.Object("devices").Object("deviceFilter"); filter != nil && !ruleLooksSound(filter.String("rule")) {
		return "1042: The rule of the device filter is not valid."
	}
	if locations := cond.Object("locations"); locations != nil {
		if len(locations.Strings("includeLocations")) == 0 {
			return "1037: locations must include at least one location."
		}
		had := before.Object("conditions").Object("locations")
		for _, key := range []string{"includeLocations", "excludeLocations"} {
			if bad := c.unknown(locations.Strings(key), had.Strings(key), collLocations, "All", "AllTrusted"); bad != "" {
				return "1040: " + key + " contains '" + bad + "', which is not a named location."
			}
		}
	}
	if platforms := cond.Object("platforms"); platforms != nil && len(platforms.Strings("includePlatforms")) == 0 {
		return "1038: platforms must include at least one platform."
	}
	risk := len(cond.Strings("userRiskLevels"))+len(cond.Strings("signInRiskLevels")) > 0
	if risk && before == nil && !c.licensed("AAD_PREMIUM_P2") {
		return "1039: Risk conditions require Microsoft Entra ID P2."
	}
	return ""
}

// ruleLooksSound is a coarse look at a device filter's rule: it names a device's property
// and closes what it opens. What passes may still be more than the sign-in understands.
func ruleLooksSound(rule string) bool {
	return strings.Contains(strings.ToLower(rule), "device.") && len(rule) <= 3072 &&
		strings.Count(rule, "(") == strings.Count(rule, ")") && strings.Count(rule, `"`)%2 == 0
}

// checkFrequency is what is wrong with a sign-in frequency ("signInFrequencySessionControl").
func checkFrequency(f state.Object) string {
	n, counted := f["value"].(float64)
	limit := map[string]float64{"hours": 23, "days": 365}[f.String("type")]
	switch {
	case !f.Bool("isEnabled"):
		return ""
	case f.String("frequencyInterval") == "everyTime":
		if counted || f.String("type") != "" {
			return "1060: signInFrequency with the interval everyTime has neither type nor value."
		}
	case limit == 0 || !counted || n < 1 || n > limit || n != float64(int(n)):
		return "1061: signInFrequency must have a type, and a value of 1 to 23 hours or 1 to 365 days."
	}
	return ""
}

func (c *call) checkControls(p, before state.Object) string {
	grant, session := p.Object("grantControls"), p.Object("sessionControls")
	if bad := checkFrequency(session.Object("signInFrequency")); bad != "" {
		return bad
	}
	for _, terms := range grant.Strings("termsOfUse") { // the simulated tenant has no agreements
		if !slices.Contains(before.Object("grantControls").Strings("termsOfUse"), terms) {
			return "1058: terms of use '" + terms + "' do not exist."
		}
	}
	if grant == nil && !anySet(session) {
		return "1050: grantControls or sessionControls must be specified."
	}
	if grant == nil {
		return ""
	}
	built := grant.Strings("builtInControls")
	count := len(built) + len(grant.Strings("customAuthenticationFactors")) + len(grant.Strings("termsOfUse"))
	strength := grant.Object("authenticationStrength")
	if strength != nil {
		count++
	}
	op := grant.String("operator")
	switch {
	case count == 0:
		return "1051: grantControls must contain at least one control."
	case op != "AND" && op != "OR":
		return "1052: grantControls.operator must be AND or OR."
	case slices.Contains(built, "block") && count > 1:
		return "1053: block cannot be combined with other controls."
	case strength != nil && slices.Contains(built, "mfa"):
		return "1054: mfa cannot be combined with an authentication strength."
	case strength != nil && c.tx.Get(collStrengths, strength.ID()) == nil:
		return "1055: authentication strength '" + strength.ID() + "' does not exist."
	case slices.Contains(built, "passwordChange") && len(p.Object("conditions").Strings("userRiskLevels")) == 0:
		return "1056: passwordChange requires a user risk condition."
	case slices.Contains(built, "passwordChange") && (op != "AND" || !slices.Contains(built, "mfa") && strength == nil):
		return "1057: passwordChange must be combined with mfa by AND."
	}
	return ""
}

// anySet is true when one property of an object is neither null nor false.
func anySet(o state.Object) bool {
	for _, v := range o {
		if v != nil && v != false {
			return true
		}
	}
	return false
}
