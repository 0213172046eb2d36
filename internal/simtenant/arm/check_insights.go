package arm

import (
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"

	"breakglass/internal/simtenant/state"
)

// logCategories is what a tenant's diagnostic setting may export.
var logCategories = []string{
	"AuditLogs", "SignInLogs", "NonInteractiveUserSignInLogs", "ServicePrincipalSignInLogs", "ManagedIdentitySignInLogs", "ProvisioningLogs", "ADFSSignInLogs",
	"RiskyUsers", "UserRiskEvents", "NetworkAccessTrafficLogs", "RiskyServicePrincipals", "ServicePrincipalRiskEvents", "EnrichedOffice365AuditLogs",
	"MicrosoftGraphActivityLogs", "RemoteNetworkHealthLogs",
}

// checkLogExport: a destination that exists, known categories, five settings at most.
func checkLogExport(c *call, a address, body, before state.Object) string {
	p := body.Object("properties")
	workspace := p.String("workspaceId")
	switch {
	case workspace == "" && p.String("storageAccountId") == "" && p.String("eventHubAuthorizationRuleId") == "":
		return "At least one data sink needs to be specified."
	case workspace != "" && c.tx.Get(collResources, workspace) == nil:
		return "Resource '" + workspace + "' was not found."
	case before == nil && len(c.below(a.typ, "")) >= 5:
		return "The number of diagnostic settings cannot exceed 5."
	}
	logs, _ := p["logs"].([]any)
	for _, l := range logs {
		m, _ := l.(map[string]any)
		if name := state.Object(m).String("category"); !containsFold(logCategories, name) {
			return "Category '" + name + "' is not supported."
		}
		if _, ok := m["retentionPolicy"]; !ok && m != nil {
			m["retentionPolicy"] = map[string]any{"enabled": false, "days": 0}
		}
	}
	for _, key := range []string{"workspaceId", "storageAccountId", "serviceBusRuleId", "eventHubAuthorizationRuleId", "eventHubName"} {
		if _, ok := p[key]; !ok {
			p[key] = nil
		}
	}
	body["_since"] = state.Timestamp(c.tx.Now())
	if since := before.String("_since"); since != "" {
		body["_since"] = since
	}
	return ""
}

var workspaceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]$`)

func checkWorkspace(c *call, a address, body, before state.Object) string {
	if !workspaceName.MatchString(a.name) {
		return "The workspace name '" + a.name + "' is not valid."
	}
	p := body.Object("properties")
	if p["retentionInDays"] == nil {
		p["retentionInDays"] = 30.0
	}
	if days, ok := p["retentionInDays"].(float64); !ok || days < 30 || days > 730 {
		return "RetentionInDays must be between 30 and 730."
	}
	if p.Object("sku").String("name") == "" {
		p["sku"] = map[string]any{"name": "PerGB2018"}
	}
	now := state.Timestamp(c.tx.Now())
	was := before.Object("properties")
	own(p, was, "customerId", state.NewID())
	own(p, was, "createdDate", now)
	p["modifiedDate"], p["provisioningState"] = now, "Succeeded"
	fill(p, "publicNetworkAccessForIngestion", "Enabled")
	fill(p, "publicNetworkAccessForQuery", "Enabled")
	fill(p, "workspaceCapping", map[string]any{"dailyQuotaGb": -1.0, "dataIngestionStatus": "RespectQuota"})
	fill(p, "features", map[string]any{"enableLogAccessUsingOnlyResourcePermissions": true})
	return ""
}

// own sets a property that the service alone writes: as it was, or anew.
func own(p, was state.Object, key string, fresh any) {
	p[key] = fresh
	if v, ok := was[key]; ok {
		p[key] = v
	}
}

// fill sets a property that the writer left out.
func fill(p state.Object, key string, usual any) {
	if _, given := p[key]; !given {
		p[key] = usual
	}
}

// receivers is the lists that an action group may have, with what each element needs.
var receivers = map[string][]string{
	"emailReceivers": {"name", "emailAddress"}, "smsReceivers": {"name", "countryCode", "phoneNumber"}, "voiceReceivers": {"name", "countryCode", "phoneNumber"},
	"webhookReceivers": {"name", "serviceUri"}, "azureAppPushReceivers": {"name", "emailAddress"}, "eventHubReceivers": {"name", "eventHubNameSpace", "eventHubName", "subscriptionId"},
	"armRoleReceivers": {"name", "roleId"}, "logicAppReceivers": {"name", "resourceId", "callbackUrl"}, "azureFunctionReceivers": {"name", "functionAppResourceId", "functionName", "httpTriggerUrl"},
	"automationRunbookReceivers": {"automationAccountId", "runbookName", "webhookResourceId"}, "itsmReceivers": {"name", "workspaceId", "connectionId", "ticketConfiguration", "region"},
}

// checkActionGroup: names, and the state of each e-mail address. Since 2026 an address that
// the tenant has not used before must be confirmed by a passcode; until then it is Disabled.
func checkActionGroup(c *call, _ address, body, _ state.Object) string {
	p := body.Object("properties")
	short := p.String("groupShortName")
	if short == "" || len(short) > 12 {
		return "GroupShortName must be between 1 and 12 characters."
	}
	if _, ok := p["enabled"].(bool); !ok {
		return "Enabled must be specified."
	}
	var names []string
	for list, needs := range receivers {
		if _, ok := p[list]; !ok {
			p[list] = []any{}
		}
		for _, r := range elements(p, list) {
			for _, key := range needs {
				if r.String(key) == "" {
					return list + ": " + key + " must be specified."
				}
			}
			if slices.Contains(names, strings.ToLower(r.String("name"))) {
				return "Receiver names must be unique: '" + r.String("name") + "' is not."
			}
			names = append(names, strings.ToLower(r.String("name")))
			switch list {
			case "emailReceivers":
				if address, err := mail.ParseAddress(r.String("emailAddress")); err != nil || address.Address != r.String("emailAddress") {
					return "emailReceivers: '" + r.String("emailAddress") + "' is not a valid email address."
				}
				r["status"] = "Disabled"
				if c.confirmed(r.String("emailAddress")) {
					r["status"] = "Enabled"
				}
			case "smsReceivers":
				r["status"] = "Enabled"
			}
		}
	}
	return ""
}

// confirmed is whether an action group of the tenant already writes to an address.
func (c *call) confirmed(address string) bool {
	for _, g := range c.below("Microsoft.Insights/actionGroups", "") {
		for _, r := range elements(g.Object("properties"), "emailReceivers") {
			if strings.EqualFold(r.String("emailAddress"), address) && r.String("status") == "Enabled" {
				return true
			}
		}
	}
	return false
}

// elements is a list of objects.
func elements(o state.Object, key string) []state.Object {
	list, _ := o[key].([]any)
	var out []state.Object
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// Frequencies and windows in minutes ("Create or edit a log search alert rule").
var frequencies = map[string]int{
	"PT1M": 1, "PT5M": 5, "PT10M": 10, "PT15M": 15, "PT20M": 20, "PT30M": 30, "PT45M": 45, "PT1H": 60, "PT2H": 120, "PT3H": 180, "PT4H": 240, "PT5H": 300, "PT6H": 360, "P1D": 1440, "P2D": 2880,
}

// notEveryMinute is what a query that runs every minute may not use.
var notEveryMinute = regexp.MustCompile(`(?i)\b(union|search|take|limit)\b|ingestion_time\s*\(`)

// notAtAll is what no alert's query may use.
var notAtAll = regexp.MustCompile(`(?i)\b(bag_unpack|pivot|narrow)\b`)

func checkQueryRule(c *call, _ address, body, before state.Object) string {
	p := body.Object("properties")
	if problem := checkTiming(p); problem != "" {
		return problem
	}
	scopes := p.Strings("scopes")
	if len(scopes) != 1 {
		return "Scopes must contain exactly one resource."
	}
	if c.tx.Get(collResources, scopes[0]) == nil {
		return "The scope '" + scopes[0] + "' was not found."
	}
	conditions := elements(p.Object("criteria"), "allOf")
	if len(conditions) != 1 {
		return "Criteria must contain exactly one condition."
	}
	if problem := c.checkCondition(p, conditions[0], scopes[0]); problem != "" {
		return problem
	}
	groups := p.Object("actions").Strings("actionGroups")
	if len(groups) > 5 {
		return "An alert rule can have at most 5 action groups."
	}
	for _, g := range groups {
		if c.tx.Get(collResources, g) == nil {
			return "The action group '" + g + "' was not found."
		}
	}
	if p.Bool("autoMitigate") && p.String("muteActionsDuration") != "" {
		return "MuteActionsDuration cannot be used with autoMitigate."
	}
	own(p, before.Object("properties"), "createdWithApiVersion", c.version)
	fill(p, "enabled", true)
	return ""
}

// checkTiming is severity, frequency, window and time range.
func checkTiming(p state.Object) string {
	severity, ok := p["severity"].(float64)
	every, window := frequencies[p.String("evaluationFrequency")], frequencies[p.String("windowSize")]
	switch {
	case !ok || severity < 0 || severity > 4:
		return "Severity must be between 0 and 4."
	case every == 0 || every > 1440:
		return "EvaluationFrequency '" + p.String("evaluationFrequency") + "' is not supported."
	case window == 0:
		return "WindowSize '" + p.String("windowSize") + "' is not supported."
	case window < every:
		return "WindowSize must not be smaller than EvaluationFrequency."
	}
	if r := p.String("overrideQueryTimeRange"); r != "" && (frequencies[r] < window) {
		return "OverrideQueryTimeRange must be between WindowSize and 2 days."
	}
	return ""
}

func (c *call) checkCondition(p, cond state.Object, workspace string) string {
	query := cond.String("query")
	switch {
	case strings.TrimSpace(query) == "":
		return "The query must be specified."
	case p.String("evaluationFrequency") == "PT1M" && notEveryMinute.MatchString(query):
		return "The query uses '" + notEveryMinute.FindString(query) + "', which is not supported with a frequency of one minute."
	case notAtAll.MatchString(query):
		return "The query uses '" + notAtAll.FindString(query) + "', which is not supported in alert rules."
	case len(elements(cond, "dimensions")) > 6:
		return "A condition can have at most 6 dimensions."
	case cond.String("operator") == "" || cond.String("timeAggregation") == "":
		return "Operator and timeAggregation must be specified."
	case cond["threshold"] == nil:
		return "Threshold must be specified."
	}
	if p.Bool("skipQueryValidation") {
		return ""
	}
	table := strings.TrimSpace(strings.FieldsFunc(query, func(r rune) bool { return r == '|' || r == '\n' || r == ' ' })[0])
	if !slices.Contains(c.tables(workspace), table) {
		return fmt.Sprintf("The query validation failed: 'where' operator: Failed to resolve table or column expression named '%s'.", table)
	}
	return ""
}

// tablesOf maps a category of the log export to its table.
var tablesOf = map[string]string{
	"auditlogs": "AuditLogs", "signinlogs": "SigninLogs", "noninteractiveusersigninlogs": "AADNonInteractiveUserSignInLogs",
	"serviceprincipalsigninlogs": "AADServicePrincipalSignInLogs", "managedidentitysigninlogs": "AADManagedIdentitySignInLogs",
	"microsoftgraphactivitylogs": "MicrosoftGraphActivityLogs", "riskyusers": "AADRiskyUsers", "userriskevents": "AADUserRiskEvents",
}

// firstDataMinutes is how long an export takes here until its tables exist; the
// documentation promises no more than three days.
const firstDataMinutes = 15

// tables is what a workspace has received: of each export that has run long enough.
func (c *call) tables(workspace string) []string {
	out := []string{"AzureActivity", "Heartbeat", "Usage"}
	for _, s := range c.below("microsoft.aadiam/diagnosticSettings", "") {
		p := s.Object("properties")
		since := s.Time("_since")
		if !strings.EqualFold(p.String("workspaceId"), workspace) || c.tx.Now().Sub(since).Minutes() < firstDataMinutes {
			continue
		}
		for _, l := range elements(p, "logs") {
			if t := tablesOf[strings.ToLower(l.String("category"))]; t != "" && l.Bool("enabled") {
				out = append(out, t)
			}
		}
	}
	return out
}

func checkActivityAlert(c *call, _ address, body, _ state.Object) string {
	p := body.Object("properties")
	conditions := elements(p.Object("condition"), "allOf")
	if len(p.Strings("scopes")) == 0 {
		return "Scopes must contain at least one scope."
	}
	if !slices.ContainsFunc(conditions, func(o state.Object) bool { return strings.EqualFold(o.String("field"), "category") }) {
		return "The condition must contain the field 'category'."
	}
	for _, g := range elements(p.Object("actions"), "actionGroups") {
		if c.tx.Get(collResources, g.String("actionGroupId")) == nil {
			return "The action group '" + g.String("actionGroupId") + "' was not found."
		}
	}
	if p.Object("actions") == nil {
		return "Actions must be specified."
	}
	fill(p, "enabled", true)
	return ""
}
