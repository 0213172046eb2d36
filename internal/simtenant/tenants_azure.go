package simtenant

import "breakglass/internal/simtenant/state"

// Azure roles that the tenants use.
const (
	azureOwner              = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	azureContributor        = "b24988ac-6180-42a0-ab88-20f7382dd24c"
	azureMonitoringReader   = "43d0d8ad-25c7-4714-9337-8ba259a9fe05"
	azureLogAnalyticsReader = "73c42c96-874c-492b-b04d-ab87d138a893"
)

// subscription adds an empty one, owned by the two administrators, and returns its id.
func (s *scene) subscription() string {
	sub := s.id("subscription", "security")
	root := "/subscriptions/" + sub
	s.tx.Put("arm/subscriptions", state.Object{
		"id": root, "subscriptionId": sub, "tenantId": s.tenant, "displayName": "Security", "state": "Enabled", "authorizationSource": "RoleBased", "managedByTenants": []any{},
		"subscriptionPolicies": map[string]any{"locationPlacementId": "Public_2014-09-01", "quotaId": "EnterpriseAgreement_2014-09-01", "spendingLimit": "Off"},
	})
	for _, who := range []string{"alex.meyer", "nadia.haddad"} {
		azureRole(s.tx, s.id("azure role", who), root, s.id("user", who+"@"+s.everyday()), "User", azureOwner)
	}
	return root
}

// azure adds a subscription with a workspace, and when watched what a well-kept tenant has
// there: the log export, rules and an action group, Sentinel.
func (s *scene) azure(watched bool) {
	group := s.subscription() + "/resourceGroups/rg-security"
	s.resource(group, "Microsoft.Resources/resourceGroups", "rg-security", state.Object{"location": "westeurope", "properties": map[string]any{"provisioningState": "Succeeded"}})
	workspace := group + "/providers/Microsoft.OperationalInsights/workspaces/law-security"
	s.resource(workspace, "Microsoft.OperationalInsights/workspaces", "law-security", state.Object{"location": "westeurope", "properties": map[string]any{
		"provisioningState": "Succeeded", "customerId": s.id("workspace", "law-security"), "retentionInDays": 90, "createdDate": s.ago(300 * day), "modifiedDate": s.ago(300 * day),
		"sku": map[string]any{"name": "PerGB2018", "lastSkuUpdate": s.ago(300 * day)}, "features": map[string]any{"enableLogAccessUsingOnlyResourcePermissions": true},
		"workspaceCapping": map[string]any{"dailyQuotaGb": -1, "dataIngestionStatus": "RespectQuota"}, "publicNetworkAccessForIngestion": "Enabled", "publicNetworkAccessForQuery": "Enabled",
	}})
	if watched {
		s.watched(group, workspace)
	}
}

// grantAzure gives the applications of credentials.json their rights in Azure: the reader
// what watching takes, the operator what changing takes.
func grantAzure(tx *state.Tx, reader, operator string) {
	for _, sub := range tx.List("arm/subscriptions") {
		azureRole(tx, state.NewID(), sub.ID(), reader, "ServicePrincipal", azureMonitoringReader)
		azureRole(tx, state.NewID(), sub.ID(), reader, "ServicePrincipal", azureLogAnalyticsReader)
		azureRole(tx, state.NewID(), sub.ID(), operator, "ServicePrincipal", azureContributor)
	}
}

// watched is the pieces that notice a use of the accounts.
func (s *scene) watched(group, workspace string) {
	s.resource("/providers/microsoft.aadiam/diagnosticSettings/to-law-security", "microsoft.aadiam/diagnosticSettings", "to-law-security", state.Object{"_since": s.ago(300 * day), "properties": map[string]any{
		"workspaceId": workspace, "storageAccountId": nil, "eventHubName": nil, "eventHubAuthorizationRuleId": nil, "serviceBusRuleId": nil,
		"logs": []any{logCategory("AuditLogs"), logCategory("SignInLogs"), logCategory("NonInteractiveUserSignInLogs"), logCategory("ServicePrincipalSignInLogs")},
	}})
	action := group + "/providers/Microsoft.Insights/actionGroups/ag-emergency"
	s.resource(action, "Microsoft.Insights/actionGroups", "ag-emergency", state.Object{"location": "Global", "properties": map[string]any{
		"groupShortName": "emergency", "enabled": true,
		"emailReceivers": []any{map[string]any{"name": "soc", "emailAddress": "soc@fabrikam.example", "useCommonAlertSchema": true, "status": "Enabled"}},
		"smsReceivers":   []any{map[string]any{"name": "on call", "countryCode": "49", "phoneNumber": "1515550111", "status": "Enabled"}},
	}})
	a, b := s.id("user", "ops-q7d3@"+s.initial), s.id("user", "ops-w5h9@"+s.initial)
	for _, r := range [][2]string{
		{"emergency-sign-in", `SigninLogs | where UserId in ("` + a + `","` + b + `") | project TimeGenerated, UserId, UserPrincipalName, AppDisplayName, IPAddress, ResultType, CorrelationId`},
		{"emergency-audit", `AuditLogs | where tostring(TargetResources) has_any ("` + a + `","` + b + `") or tostring(InitiatedBy) has_any ("` + a + `","` + b + `")`},
	} {
		name, query := r[0], r[1]
		s.resource(group+"/providers/Microsoft.Insights/scheduledQueryRules/"+name, "Microsoft.Insights/scheduledQueryRules", name, state.Object{"location": "westeurope", "kind": "LogAlert", "properties": map[string]any{
			"displayName": name, "severity": 0, "enabled": true, "scopes": []any{workspace}, "evaluationFrequency": "PT1M", "windowSize": "PT1H", "autoMitigate": false,
			"criteria": map[string]any{"allOf": []any{map[string]any{
				"query": query, "timeAggregation": "Count", "operator": "GreaterThan", "threshold": 0, "dimensions": []any{},
				"failingPeriods": map[string]any{"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1},
			}}},
			"actions": map[string]any{"actionGroups": []any{action}, "customProperties": map[string]any{}}, "createdWithApiVersion": "2021-08-01",
		}})
	}
	s.resource(workspace+"/providers/Microsoft.SecurityInsights/onboardingStates/default", "Microsoft.SecurityInsights/onboardingStates", "default", state.Object{"properties": map[string]any{}, "etag": s.id("etag", "sentinel")})
}

func logCategory(name string) map[string]any {
	return map[string]any{"category": name, "enabled": true, "retentionPolicy": map[string]any{"enabled": false, "days": 0}}
}

// resource stores one ARM resource under its id.
func (s *scene) resource(id, typ, name string, rest state.Object) {
	r := state.Object{"id": id, "type": typ, "name": name}
	for k, v := range rest {
		r[k] = v
	}
	s.tx.Put("arm", r)
}

// azureRole stores an Azure role assignment.
func azureRole(tx *state.Tx, name, scope, principal, kind, definition string) {
	at := state.Timestamp(tx.Now())
	tx.Put("arm", state.Object{
		"id": scope + "/providers/Microsoft.Authorization/roleAssignments/" + name, "type": "Microsoft.Authorization/roleAssignments", "name": name,
		"properties": map[string]any{
			"roleDefinitionId": scope + "/providers/Microsoft.Authorization/roleDefinitions/" + definition, "principalId": principal, "principalType": kind, "scope": scope,
			"createdOn": at, "updatedOn": at, "createdBy": nil, "updatedBy": nil, "condition": nil, "conditionVersion": nil, "delegatedManagedIdentityResourceId": nil, "description": nil,
		},
	})
}
