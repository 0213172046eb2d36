package arm

import (
	"strings"

	"breakglass/internal/simtenant/state"
)

// checkOnboarding: a workspace is put under Sentinel by the state named "default".
func checkOnboarding(_ *call, a address, body, before state.Object) string {
	if !strings.EqualFold(a.name, "default") {
		return "The onboarding state must be named 'default'."
	}
	body["etag"] = before.String("etag")
	if before == nil {
		body["etag"] = state.NewID()
	}
	return ""
}

// stableKinds are the rules that api-versions without "-preview" know.
var stableKinds = []string{"Fusion", "MicrosoftSecurityIncidentCreation", "Scheduled"}

// previewKinds exist in preview versions only.
var previewKinds = []string{"NRT", "MLBehaviorAnalytics", "ThreatIntelligence"}

// alertRuleShown hides the rules of a kind that the api-version does not know.
func alertRuleShown(version string, o state.Object) bool {
	return strings.HasSuffix(version, "-preview") || containsFold(stableKinds, o.String("kind"))
}

func checkAlertRule(c *call, a address, body, before state.Object) string {
	if c.tx.Get(collResources, a.scope+"/providers/Microsoft.SecurityInsights/onboardingStates/default") == nil {
		return "The workspace is not onboarded to Microsoft Sentinel."
	}
	kind := body.String("kind")
	preview := strings.HasSuffix(c.version, "-preview")
	if !containsFold(stableKinds, kind) && (!preview || !containsFold(previewKinds, kind)) {
		return "Invalid value for kind: '" + kind + "' is not supported by api-version " + c.version + "."
	}
	if before != nil && before.String("kind") != kind {
		return "The kind of an existing alert rule cannot be changed."
	}
	p := body.Object("properties")
	needs := map[string][]string{
		"Scheduled": {"displayName", "severity", "query", "queryFrequency", "queryPeriod", "triggerOperator", "suppressionDuration"},
		"NRT":       {"displayName", "severity", "query", "suppressionDuration"},
	}[kind]
	for _, key := range needs {
		if p.String(key) == "" {
			return "Required property '" + key + "' is missing."
		}
	}
	for _, key := range []string{"enabled", "suppressionEnabled"} {
		if _, ok := p[key].(bool); len(needs) > 0 && !ok {
			return "Required property '" + key + "' is missing."
		}
	}
	if kind == "NRT" && (p["queryFrequency"] != nil || p["triggerOperator"] != nil) {
		return "A rule of kind NRT has no queryFrequency, queryPeriod or trigger."
	}
	p["lastModifiedUtc"] = state.Timestamp(c.tx.Now())
	body["etag"] = state.NewID()
	return ""
}

func checkAlertAction(c *call, a address, body, _ state.Object) string {
	parent := a.path[:strings.LastIndex(strings.ToLower(a.path), "/actions/")]
	p := body.Object("properties")
	switch {
	case c.tx.Get(collResources, parent) == nil:
		return "The alert rule was not found."
	case p.String("logicAppResourceId") == "" || p.String("triggerUri") == "":
		return "logicAppResourceId and triggerUri must be specified."
	}
	body["etag"] = state.NewID()
	delete(p, "triggerUri") // write-only
	return ""
}
