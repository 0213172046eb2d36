package graph

import (
	"net/http"
	"slices"
	"strings"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// strengthRoutes is the same policies under both of Graph's paths.
func (a *API) strengthRoutes() []route {
	read := both("Policy.Read.All", "Policy.Read.AuthenticationMethod", "Policy.ReadWrite.AuthenticationMethod", "Policy.ReadWrite.ConditionalAccess")
	write := both("Policy.ReadWrite.AuthenticationMethod", "Policy.ReadWrite.ConditionalAccess")
	readers := append([]string{roleAuthenticationPolicyAdmin}, readsPolicies...)
	writers := append([]string{roleAuthenticationPolicyAdmin}, writesPolicies...)
	var routes []route
	const policies, root = "/policies/authenticationStrengthPolicies", "/identity/conditionalAccess/authenticationStrength"
	for _, base := range []string{policies, root + "/policies"} {
		routes = append(routes,
			route{method: "GET", pattern: base, need: read, roles: readers, handle: (*call).listStrengths},
			route{method: "POST", pattern: base, need: write, roles: writers, handle: (*call).createStrength},
			route{method: "GET", pattern: base + "/{id}", need: read, roles: readers, handle: (*call).getStrength},
			route{method: "PATCH", pattern: base + "/{id}", need: write, roles: writers, handle: (*call).updateStrength},
			route{method: "DELETE", pattern: base + "/{id}", need: write, roles: writers, handle: (*call).deleteStrength},
		)
	}
	// What hangs on a strength is documented under one of the two paths only.
	routes = append(routes,
		route{method: "GET", pattern: policies + "/{id}/usage", need: read, roles: readers, handle: (*call).strengthUsage},
		route{method: "POST", pattern: policies + "/{id}/updateAllowedCombinations", need: write, roles: writers, handle: (*call).updateCombinations},
		route{method: "GET", pattern: root + "/policies/{id}/combinationConfigurations", need: read, roles: readers, handle: (*call).listCombinations},
		route{method: "POST", pattern: root + "/policies/{id}/combinationConfigurations", need: write, roles: writers, handle: (*call).addCombination},
		route{method: "DELETE", pattern: root + "/policies/{id}/combinationConfigurations/{config}", need: write, roles: writers, handle: (*call).dropCombination},
	)
	return append(routes,
		route{method: "GET", pattern: "/identity/conditionalAccess/authenticationStrength", need: read, roles: readers, handle: (*call).strengthRoot},
		route{method: "GET", pattern: "/identity/conditionalAccess/authenticationStrength/authenticationMethodModes", need: read, roles: readers, handle: (*call).strengthModes},
	)
}

// modes is every combination that a strength may allow: Graph page "authenticationStrengthRoot".
var modes = []string{
	"windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor", "deviceBasedPush",
	"temporaryAccessPassOneTime", "temporaryAccessPassMultiUse",
	"password,microsoftAuthenticatorPush", "password,softwareOath", "password,hardwareOath", "password,sms", "password,voice",
	"federatedMultiFactor", "microsoftAuthenticatorPush,federatedSingleFactor", "softwareOath,federatedSingleFactor",
	"hardwareOath,federatedSingleFactor", "sms,federatedSingleFactor", "voice,federatedSingleFactor",
	"x509CertificateSingleFactor", "qrCodePin", "federatedSingleFactor", "password", "sms",
}

func (c *call) strengthRoot() {
	if c.conditionalAccessLicensed() {
		c.one(state.Object{"combinations": modes, "authenticationCombinations": modes}, "authenticationStrengthRoot")
	}
}

func (c *call) strengthModes() {
	if !c.conditionalAccessLicensed() {
		return
	}
	var out []state.Object
	for _, m := range []string{"password", "voice", "hardwareOath", "softwareOath", "sms", "fido2", "windowsHelloForBusiness", "email", "federatedSingleFactor", "federatedMultiFactor"} {
		out = append(out, state.Object{"id": m, "authenticationMethod": strings.NewReplacer("federatedSingleFactor", "federation", "federatedMultiFactor", "federation").Replace(m), "displayName": m})
	}
	c.list(out, "authenticationMethodModeDetail")
}

func (c *call) listStrengths() {
	if c.conditionalAccessLicensed() {
		c.list(c.tx.List(collStrengths), "authenticationStrengthPolicy")
	}
}

// strength is the policy that the path names; it answers 404 itself.
func (c *call) strength() state.Object {
	if !c.conditionalAccessLicensed() {
		return nil
	}
	s := c.get(collStrengths, c.params["id"])
	if s == nil {
		c.fail(http.StatusNotFound, "ResourceNotFound", "The authentication strength policy '"+c.params["id"]+"' could not be found.")
	}
	return s
}

func (c *call) getStrength() {
	if s := c.strength(); s != nil {
		c.one(s, "authenticationStrengthPolicy")
	}
}

// ownStrength is strength, but refuses the built-in ones, which nobody can change.
func (c *call) ownStrength() state.Object {
	s := c.strength()
	if s != nil && s.String("policyType") == "builtIn" {
		c.fail(http.StatusBadRequest, "BadRequest", "Built-in authentication strength policies cannot be changed.")
		return nil
	}
	return s
}

func (c *call) createStrength() {
	if !c.conditionalAccessLicensed() || !c.decode("authenticationStrengthPolicy") {
		return
	}
	s := c.body.Clone()
	dropReadOnly(s)
	combinations := s.Strings("allowedCombinations")
	switch bad := unknownMode(combinations); {
	case s.String("displayName") == "" || len(s.String("displayName")) > 30:
		c.conditionalAccessBad("displayName must be between 1 and 30 characters.")
		return
	case len(combinations) == 0:
		c.conditionalAccessBad("allowedCombinations must not be empty.")
		return
	case bad != "":
		c.conditionalAccessBad("allowedCombinations contains '" + bad + "', which is not an allowed combination.")
		return
	}
	s["createdDateTime"], s["modifiedDateTime"] = logs.Instant(c.now()), logs.Instant(c.now())
	s["policyType"], s["requirementsSatisfied"] = "custom", satisfied(combinations)
	fillNull(s, "description")
	s["combinationConfigurations"] = c.newCombinations(s)
	s = c.create(collStrengths, s)
	c.audit("ApplicationManagement", "Add", "Authentication Strength Policy Create", logs.Target("Policy", s))
	c.created(s, "authenticationStrengthPolicy")
}

// newCombinations gives the configurations of a new strength their ids.
func (c *call) newCombinations(s state.Object) []any {
	list, _ := s["combinationConfigurations"].([]any)
	out := []any{}
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			m["id"] = state.NewID()
			out = append(out, m)
		}
	}
	return out
}

func unknownMode(combinations []string) string {
	for _, m := range combinations {
		if !slices.Contains(modes, strings.ReplaceAll(m, " ", "")) {
			return m
		}
	}
	return ""
}

// satisfied is mfa when each combination alone is multifactor.
func satisfied(combinations []string) string {
	single := []string{"password", "sms", "qrCodePin", "federatedSingleFactor", "x509CertificateSingleFactor"}
	if slices.ContainsFunc(combinations, func(m string) bool { return slices.Contains(single, m) }) {
		return "none"
	}
	return "mfa"
}

func (c *call) updateStrength() {
	s := c.ownStrength()
	if s == nil || !c.decode("authenticationStrengthPolicy") {
		return
	}
	for key := range c.body {
		if key != "displayName" && key != "description" && !strings.HasPrefix(key, "@odata") {
			c.conditionalAccessBad("Only displayName and description can be updated. Use updateAllowedCombinations for combinations.")
			return
		}
	}
	merge(s, c.body)
	c.keepStrength(s)
	c.noContent()
}

// keepStrength stores a changed strength and writes its record.
func (c *call) keepStrength(s state.Object) {
	s["modifiedDateTime"] = logs.Instant(c.now())
	c.tx.Put(collStrengths, s)
	c.audit("ApplicationManagement", "Update", "Authentication Strength Policy Update", logs.Target("Policy", s))
}

func (c *call) updateCombinations() {
	s := c.ownStrength()
	if s == nil {
		return
	}
	after := c.body.Strings("allowedCombinations")
	if bad := unknownMode(after); len(after) == 0 || bad != "" {
		c.conditionalAccessBad("allowedCombinations contains '" + bad + "', which is not an allowed combination.")
		return
	}
	before := s["allowedCombinations"]
	s["allowedCombinations"], s["requirementsSatisfied"] = toAny(after), satisfied(after)
	c.keepStrength(s)
	c.reply(http.StatusOK, map[string]any{
		"@odata.context":              c.api.BaseURL + "/" + c.version + "/$metadata#microsoft.graph.updateAllowedCombinationsResult",
		"previousCombinations":        before,
		"currentCombinations":         after,
		"conditionalAccessReferences": policyIDs(c.policiesWith(s.ID())),
		"additionalInformation":       "",
	})
}

func toAny(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func policyIDs(list []state.Object) []string {
	out := []string{}
	for _, p := range list {
		out = append(out, p.ID())
	}
	return out
}

// policiesWith is the policies that demand a strength.
func (c *call) policiesWith(id string) []state.Object {
	var out []state.Object
	for _, p := range c.tx.List(collPolicies) {
		if strings.EqualFold(p.Object("grantControls").Object("authenticationStrength").ID(), id) {
			out = append(out, p)
		}
	}
	return out
}

func (c *call) deleteStrength() {
	s := c.ownStrength()
	if s == nil {
		return
	}
	if len(c.policiesWith(s.ID())) > 0 {
		c.conditionalAccessBad("The authentication strength policy is referenced by a conditional access policy and cannot be deleted.")
		return
	}
	c.tx.Delete(collStrengths, s.ID())
	c.audit("ApplicationManagement", "Delete", "Authentication Strength Policy Delete", logs.Target("Policy", s))
	c.noContent()
}

func (c *call) strengthUsage() {
	s := c.strength()
	if s == nil {
		return
	}
	mfa, none := []any{}, []any{}
	for _, p := range c.policiesWith(s.ID()) {
		shown := map[string]any(c.shownPolicy(p).Public())
		if s.String("requirementsSatisfied") == "mfa" {
			mfa = append(mfa, shown)
		} else {
			none = append(none, shown)
		}
	}
	c.reply(http.StatusOK, map[string]any{
		"@odata.context": c.api.BaseURL + "/" + c.version + "/$metadata#microsoft.graph.authenticationStrengthUsage",
		"mfa":            mfa, "none": none,
	})
}

func (c *call) listCombinations() {
	if s := c.strength(); s != nil {
		c.list(combinationsOf(s), "authenticationCombinationConfiguration")
	}
}

func combinationsOf(s state.Object) []state.Object {
	list, _ := s["combinationConfigurations"].([]any)
	var out []state.Object
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func (c *call) addCombination() {
	s := c.ownStrength()
	if s == nil {
		return
	}
	typ := strings.TrimPrefix(c.body.String("@odata.type"), "#microsoft.graph.")
	if typ != "fido2CombinationConfiguration" && typ != "x509CertificateCombinationConfiguration" {
		c.conditionalAccessBad("@odata.type must be fido2CombinationConfiguration or x509CertificateCombinationConfiguration.")
		return
	}
	if !c.decode(typ) {
		return
	}
	for _, m := range c.body.Strings("appliesToCombinations") {
		if !slices.Contains(s.Strings("allowedCombinations"), m) {
			c.conditionalAccessBad("appliesToCombinations contains '" + m + "', which the policy does not allow.")
			return
		}
	}
	config := c.body.Clone()
	config["id"] = state.NewID()
	list, _ := s["combinationConfigurations"].([]any)
	s["combinationConfigurations"] = append(list, map[string]any(config))
	c.keepStrength(s)
	c.created(config, typ)
}

func (c *call) dropCombination() {
	s := c.ownStrength()
	if s == nil {
		return
	}
	list, _ := s["combinationConfigurations"].([]any)
	kept := slices.DeleteFunc(slices.Clone(list), func(e any) bool {
		m, _ := e.(map[string]any)
		return strings.EqualFold(state.Object(m).ID(), c.params["config"])
	})
	if len(kept) == len(list) {
		c.notFound(c.params["config"])
		return
	}
	s["combinationConfigurations"] = kept
	c.keepStrength(s)
	c.noContent()
}
