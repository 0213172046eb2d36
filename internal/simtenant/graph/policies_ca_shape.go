package graph

import (
	"strings"

	"breakglass/internal/simtenant/state"
)

// Collections and properties that the service fills in when a writer leaves them out.
var (
	usersCollections = []string{
		"includeUsers", "excludeUsers", "includeGroups", "excludeGroups", "includeRoles", "excludeRoles",
	}
	applicationsCollections = []string{
		"includeApplications", "excludeApplications", "includeUserActions", "includeAuthenticationContextClassReferences",
	}
	conditionsNull = []string{
		"insiderRiskLevels", "platforms", "locations", "devices", "clientApplications", "authenticationFlows", "users",
	}
)

// fillPolicy completes a policy to the shape in which Graph answers it: every collection
// there, what is not configured null.
func fillPolicy(p state.Object) {
	fillNull(p, "description", "templateId", "deletedDateTime", "grantControls", "sessionControls", "conditions")
	cond := p.Object("conditions")
	if cond == nil {
		return
	}
	fillNull(cond, conditionsNull...)
	fillEmpty(cond, "userRiskLevels", "signInRiskLevels", "servicePrincipalRiskLevels")
	if _, has := cond["clientAppTypes"]; !has {
		cond["clientAppTypes"] = []any{"all"}
	}
	if cond.Object("applications") == nil {
		cond["applications"] = map[string]any{}
	}
	fillEmpty(cond.Object("applications"), applicationsCollections...)
	fillNull(cond.Object("applications"), "applicationFilter")
	if users := cond.Object("users"); users != nil {
		fillEmpty(users, usersCollections...)
		fillNull(users, "includeGuestsOrExternalUsers", "excludeGuestsOrExternalUsers")
	}
	for part, word := range map[string]string{"platforms": "Platforms", "locations": "Locations"} {
		if o := cond.Object(part); o != nil {
			fillEmpty(o, "include"+word, "exclude"+word)
		}
	}
	if grant := p.Object("grantControls"); grant != nil {
		fillEmpty(grant, "builtInControls", "customAuthenticationFactors", "termsOfUse")
		fillNull(grant, "operator", "authenticationStrength")
	}
	if session := p.Object("sessionControls"); session != nil {
		fillNull(session, "disableResilienceDefaults", "applicationEnforcedRestrictions", "cloudAppSecurity",
			"signInFrequency", "persistentBrowser", "secureSignInSession")
	}
}

func fillNull(o state.Object, keys ...string) {
	for _, k := range keys {
		if _, has := o[k]; !has {
			o[k] = nil
		}
	}
}

func fillEmpty(o state.Object, keys ...string) {
	for _, k := range keys {
		if o[k] == nil {
			o[k] = []any{}
		}
	}
}

// betaOnly names, per part of a policy, what only beta shows. Some are in the beta
// metadata; partialEnablementStrategy, times, agents and blockSensitiveActions are in no
// published metadata and yet in the live service's answers.
var betaOnly = map[string][]string{
	"":                              {"partialEnablementStrategy"},
	"conditions":                    {"times", "agents", "agentIdRiskLevels", "deviceStates"},
	"conditions.applications":       {"globalSecureAccess", "networkAccess"},
	"conditions.clientApplications": {"agentIdServicePrincipalFilter", "includeAgentIdServicePrincipals", "excludeAgentIdServicePrincipals"},
	"conditions.devices":            {"includeDevices", "excludeDevices", "includeDeviceStates", "excludeDeviceStates"},
	"sessionControls":               {"blockSensitiveActions", "continuousAccessEvaluation", "globalSecureAccessFilteringProfile"},
}

// shownPolicy is a policy as this version answers it: v1.0 without what it cannot express,
// beta with the extras (null where not set), the strength written out.
func (c *call) shownPolicy(p state.Object) state.Object {
	out := p.Clone()
	for path, keys := range betaOnly {
		part := at(out, path)
		for _, k := range keys {
			if part == nil {
				break
			}
			if !c.beta() {
				delete(part, k)
			} else if _, has := part[k]; !has {
				part[k] = nil
				if p, known := metadata().prop("conditionalAccessClientApplications", k, true); known && path == "conditions.clientApplications" {
					part[k] = emptyOf(p) // a collection is never null
				}
			}
		}
	}
	c.writeOutStrength(out)
	return out
}

// at is a nested object by dotted path; "" is the object itself.
func at(o state.Object, path string) state.Object {
	if path == "" {
		return o
	}
	for part := range strings.SplitSeq(path, ".") {
		if o = o.Object(part); o == nil {
			return nil
		}
	}
	return o
}

// writeOutStrength puts the whole authentication strength where the policy keeps its id.
func (c *call) writeOutStrength(p state.Object) {
	grant := p.Object("grantControls")
	ref := grant.Object("authenticationStrength")
	if ref == nil {
		return
	}
	if s := c.tx.Get(collStrengths, ref.ID()); s != nil {
		grant["authenticationStrength"] = map[string]any(s.Public())
	}
	grant["authenticationStrength@odata.context"] = c.api.BaseURL + "/" + c.version +
		"/$metadata#identity/conditionalAccess/policies('" + p.ID() + "')/grantControls/authenticationStrength/$entity"
}

// decodePolicy checks a body against the published type. Bodies may refer to a strength by
// id or by @odata.id; anything that v1.0 or beta does not publish is refused.
func (c *call) decodePolicy() bool {
	if c.body == nil {
		c.fail(400, "BadRequest", "1007: Incoming ConditionalAccessPolicy object is null or does not match the schema of ConditionalAccessPolicy type. For examples, please see API documentation at https://docs.microsoft.com/en-us/graph/api/conditionalaccessroot-post-policies?view=graph-rest-1.0.")
		return false
	}
	if grant := c.body.Object("grantControls"); grant != nil {
		for key := range grant {
			if strings.HasPrefix(key, "authenticationStrength@odata.") && !strings.HasSuffix(key, ".bind") {
				delete(grant, key)
			}
		}
		if ref := grant.Object("authenticationStrength"); ref != nil {
			grant["authenticationStrength"] = map[string]any{"id": strengthID(ref)}
		}
	}
	return c.decode("conditionalAccessPolicy")
}

// strengthID is the id in a reference to a strength.
func strengthID(ref state.Object) string {
	if id := ref.ID(); id != "" {
		return id
	}
	path := ref.String("@odata.id")
	return strings.Trim(path[strings.LastIndexAny(path, "/(")+1:], "')")
}
