package contract

import (
	"strings"

	"breakglass/internal/simtenant/state"
)

const azureScope = "https://management.azure.com/.default"

// Azure's own role Owner, and the newest stable api-versions that the walk reads with.
const (
	ownerRole     = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	rbacVersion   = "?api-version=2022-04-01"
	groupsVersion = "?api-version=2024-11-01"
)

// armAll is what the product and the clients around it do at Azure Resource Manager, told
// as one story from elevating access to an alert rule.
func (w *walk) armAll() {
	w.want(403, armOps, "POST /providers/Microsoft.Authorization/elevateAccess?api-version=2016-07-01", "")
	w.want(200, personARM, "POST /providers/Microsoft.Authorization/elevateAccess?api-version=2016-07-01", "")
	subscriptions := w.want(200, personARM, "GET /subscriptions?api-version=2019-11-01", "").list()
	if len(subscriptions) == 0 {
		w.t.Error("the tenant has no subscription")
		return
	}
	w.want(200, personARM, "GET /tenants?api-version=2019-11-01", "")
	id, _ := subscriptions[0]["id"].(string)
	w.want(200, personARM, "GET "+id+"?api-version=2019-11-01", "")
	a := &armStory{walk: w, group: id + "/resourceGroups/walk"}
	a.assignment(id)
	a.put(a.group+groupsVersion, `{"location":"westeurope","tags":{"for":"walk"}}`)
	a.read(a.group + groupsVersion)
	a.read(id + "/resourceGroups" + groupsVersion)
	a.workspace()
	a.actionGroup()
	a.rule()
	a.activity()
	a.sentinel()
	a.diagnostics()
	a.refusals()
}

// assignment makes the operator's application an owner.
func (a *armStory) assignment(scope string) {
	at := scope + "/providers/Microsoft.Authorization/"
	owner := at + "roleAssignments/5eed6666-0000-4000-8000-000000000000" + rbacVersion
	a.want(201, personARM, "PUT "+owner, `{"properties":{"roleDefinitionId":"`+at+`roleDefinitions/`+ownerRole+`","principalId":"`+a.creds.Operator.SP+`","principalType":"ServicePrincipal"}}`)
	a.read(owner)
	a.read(at + "roleAssignments?api-version=2020-04-01-preview")
	a.read(at + "roleDefinitions" + rbacVersion)
}

// activity is a rule over the activity log, where changes to rules and exports are seen.
func (a *armStory) activity() {
	at := a.group + "/providers/Microsoft.Insights/activityLogAlerts/walk?api-version=2020-10-01"
	scope, _, _ := strings.Cut(a.group, "/resourceGroups/")
	a.put(at, `{"location":"Global","properties":{"scopes":["`+scope+`"],"enabled":true,"condition":{"allOf":[{"field":"category","equals":"Administrative"},{"field":"operationName","equals":"Microsoft.Insights/actionGroups/delete"}]},"actions":{"actionGroups":[{"actionGroupId":"`+a.group+`/providers/Microsoft.Insights/actionGroups/walk2023-01-01"}]}}}`)
	a.read(at)
	a.want(200, armOps, "DELETE "+at, "")
}

// diagnostics is the export of the directory's logs, which takes a directory role of a person.
func (a *armStory) diagnostics() {
	const all, version = "/providers/microsoft.aadiam/diagnosticSettings", "?api-version=2017-04-01"
	got := a.do(personARM, "PUT "+all+"/walk"+version, `{"properties":{"workspaceId":"`+a.workspacePath()+`","logs":[{"category":"AuditLogs","enabled":true},{"category":"SignInLogs","enabled":true}]}}`)
	if got.status != 200 && got.status != 201 {
		a.t.Errorf("the log export: status %d: %.300s", got.status, got.raw)
	}
	a.want(200, personARM, "GET "+all+"/walk"+version, "")
	a.want(200, personARM, "GET "+all+version, "")
	a.want(200, personARM, "DELETE "+all+"/walk"+version, "")
}

// readAzure reads every resource that a shipped tenant has, in every api-version that the
// contracts describe, and each one's list.
func (w *walk) readAzure(c *Contracts) {
	var resources []state.Object
	_ = w.tenant.State().Update(func(tx *state.Tx) error {
		resources = tx.List("arm")
		for _, scope := range append(tx.List("arm/subscriptions"), state.Object{"id": "/providers/microsoft.aadiam"}) {
			id := scope.ID() + "/providers/Microsoft.Authorization/roleAssignments/" + state.NewID()
			tx.Put("arm", state.Object{"id": id, "name": id[len(id)-36:], "type": "Microsoft.Authorization/roleAssignments", "properties": map[string]any{
				"principalId": w.creds.Operator.SP, "principalType": "ServicePrincipal", "scope": scope.ID(), "roleDefinitionId": scope.ID() + "/providers/Microsoft.Authorization/roleDefinitions/" + ownerRole,
			}})
		}
		return nil
	})
	if len(resources) < 5 {
		w.t.Errorf("the tenant ships with %d resources only", len(resources))
	}
	for _, r := range resources {
		list := r.ID()[:strings.LastIndex(r.ID(), "/")]
		for version := range c.arm.resources[strings.ToLower(r.String("type"))] {
			got := w.do(armOps, "GET "+r.ID()+"?api-version="+version, "")
			if got.status != 200 && got.status != 400 && got.status != 404 { // a version the simulator does not serve, or that hides the kind
				w.t.Errorf("%s in %s: status %d: %.300s", r.ID(), version, got.status, got.raw)
			}
			if got.status == 200 {
				w.want(200, armOps, "GET "+list+"?api-version="+version, "")
			}
		}
	}
}

type armStory struct {
	*walk
	group string
}

func (a *armStory) put(path, body string) {
	a.t.Helper()
	if got := a.do(armOps, "PUT "+path, body); got.status != 200 && got.status != 201 && got.status != 202 {
		a.t.Errorf("PUT %s: status %d: %.300s", path, got.status, got.raw)
	}
}

func (a *armStory) read(path string) answer {
	a.t.Helper()
	return a.want(200, armOps, "GET "+path, "")
}

func (a *armStory) workspacePath() string {
	return a.group + "/providers/Microsoft.OperationalInsights/workspaces/walk"
}

func (a *armStory) workspace() {
	const version = "?api-version=2023-09-01"
	a.put(a.workspacePath()+version, `{"location":"westeurope","properties":{"sku":{"name":"PerGB2018"},"retentionInDays":90}}`)
	a.read(a.workspacePath() + version)
	a.read(a.group + "/providers/Microsoft.OperationalInsights/workspaces" + version)
}

func (a *armStory) actionGroup() {
	for _, version := range []string{"2021-09-01", "2022-06-01", "2023-01-01"} {
		at := a.group + "/providers/Microsoft.Insights/actionGroups/walk" + version + "?api-version=" + version
		a.put(at, `{"location":"Global","properties":{"groupShortName":"walk","enabled":true,"emailReceivers":[{"name":"soc","emailAddress":"soc@contoso.example","useCommonAlertSchema":true}],
			"smsReceivers":[{"name":"ciso","countryCode":"49","phoneNumber":"1701234567"}],"webhookReceivers":[{"name":"tool","serviceUri":"https://alerts.contoso.example/x","useCommonAlertSchema":true}]}}`)
		a.read(at)
	}
	const version = "?api-version=2023-01-01"
	a.read(a.group + "/providers/Microsoft.Insights/actionGroups" + version)
	got := a.do(armOps, "POST "+a.group+"/providers/Microsoft.Insights/actionGroups/walk2023-01-01/createNotifications"+version,
		`{"alertType":"logalertv2","emailReceivers":[{"name":"soc","emailAddress":"soc@contoso.example","useCommonAlertSchema":true}]}`)
	if got.status != 202 && got.status != 501 {
		a.t.Errorf("a test notification: status %d: %.300s", got.status, got.raw)
	}
}

func (a *armStory) rule() {
	at := a.group + "/providers/Microsoft.Insights/scheduledQueryRules/walk?api-version="
	body := `{"location":"westeurope","kind":"LogAlert","properties":{"displayName":"walk","severity":0,"enabled":true,"skipQueryValidation":true,"scopes":["` + a.workspacePath() + `"],"evaluationFrequency":"PT5M","windowSize":"PT1H",
		"criteria":{"allOf":[{"query":"SigninLogs | where UserId == 'x'","timeAggregation":"Count","operator":"GreaterThan","threshold":0,
			"dimensions":[{"name":"UserPrincipalName","operator":"Include","values":["*"]}],"failingPeriods":{"numberOfEvaluationPeriods":1,"minFailingPeriodsToAlert":1}}]},
		"autoMitigate":false,"actions":{"actionGroups":["` + a.group + `/providers/Microsoft.Insights/actionGroups/walk2023-01-01"],"customProperties":{"bg":"1"}}}}`
	for _, version := range []string{"2021-08-01", "2023-12-01"} {
		a.put(at+version, body)
		a.read(at + version)
	}
	a.read(strings.Replace(at, "/walk?", "?", 1) + "2023-12-01")
}

func (a *armStory) sentinel() {
	const version = "?api-version=2025-09-01"
	at := a.workspacePath() + "/providers/Microsoft.SecurityInsights/"
	a.put(at+"onboardingStates/default"+version, `{"properties":{}}`)
	rule := at + "alertRules/73e01a99-5cd7-4139-a149-9f2736ff2ab5" + version
	a.put(rule, `{"kind":"Scheduled","properties":{"displayName":"walk","severity":"High","enabled":true,"query":"SigninLogs","queryFrequency":"PT5M","queryPeriod":"PT1H","triggerOperator":"GreaterThan","triggerThreshold":0,
		"suppressionEnabled":false,"suppressionDuration":"PT5H","tactics":["InitialAccess"],"techniques":["T1078"],"entityMappings":[{"entityType":"Account","fieldMappings":[{"identifier":"AadUserId","columnName":"UserId"}]}],
		"incidentConfiguration":{"createIncident":true,"groupingConfiguration":{"enabled":true,"reopenClosedIncident":false,"lookbackDuration":"PT5H","matchingMethod":"AllEntities"}}}}`)
	a.read(rule)
	a.read(at + "alertRules" + version)
}

// refusals are read for the error's form; an application may not read the tenant's
// diagnostic settings unless somebody granted it a role at that scope.
func (a *armStory) refusals() {
	a.want(404, armOps, "GET "+a.group+"/providers/Microsoft.Insights/actionGroups/none?api-version=2023-01-01", "")
	a.want(404, armOps, "GET "+strings.TrimSuffix(a.group, "walk")+"none"+groupsVersion, "")
	a.want(400, armOps, "PUT "+a.group+groupsVersion, `{"location":""}`)
	a.want(403, armOps, "GET /providers/microsoft.aadiam/diagnosticSettings?api-version=2017-04-01", "")
}
