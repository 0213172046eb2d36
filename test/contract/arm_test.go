package contract

import (
	"strings"
	"testing"
)

const group = "/subscriptions/" + aID + "/resourceGroups/bg"

const goodActionGroup = `{"location":"Global","properties":{"groupShortName":"bg","enabled":true,"emailReceivers":[{"name":"soc","emailAddress":"soc@contoso.example","useCommonAlertSchema":true}]}}`

func TestARMRequestsAreHeldToTheBicepTypes(t *testing.T) {
	c := fresh(t)
	const ag = "PUT " + group + "/providers/Microsoft.Insights/actionGroups/a?api-version=2023-01-01"
	const ws = group + "/providers/Microsoft.OperationalInsights/workspaces/w"
	const rules = ws + "/providers/Microsoft.SecurityInsights/alertRules"
	const scheduled = `{"kind":"Scheduled","properties":{"displayName":"d","severity":"High","enabled":true,"query":"q","queryFrequency":"PT5M","queryPeriod":"PT1H","triggerOperator":"GreaterThan","triggerThreshold":0,"suppressionEnabled":false,"suppressionDuration":"PT5H"}}`
	for _, x := range []struct {
		name, call, body string
		want             []string
	}{
		{"an action group", ag, goodActionGroup, nil},
		{"an old version", strings.Replace(ag, "2023-01-01", "2019-06-01", 1), goodActionGroup, []string{"api-version:2019-06-01"}},
		{"no version", strings.Replace(ag, "?api-version=2023-01-01", "", 1), goodActionGroup, []string{"api-version"}},
		{"a misspelt receiver", ag, strings.Replace(goodActionGroup, "emailAddress", "email", 1), []string{"missing-property:emailAddress", "unknown-property:email"}},
		{"no location", ag, strings.Replace(goodActionGroup, `"location":"Global",`, "", 1), []string{"missing-property:location"}},
		{"its own id", ag, strings.Replace(goodActionGroup, `{"location"`, `{"id":"x","location"`, 1), []string{"read-only:id"}},
		{"a text for a bool", ag, strings.Replace(goodActionGroup, `"enabled":true`, `"enabled":"true"`, 1), []string{"wrong-type"}},
		{"a PATCH in part", strings.Replace(ag, "PUT", "PATCH", 1), `{"tags":{"a":"b"}}`, nil},
		{"a POST", strings.Replace(ag, "PUT", "POST", 1), goodActionGroup, []string{"method", "json"}},
		{"an unknown type", "PUT " + group + "/providers/Microsoft.KeyVault/vaults/v?api-version=2023-07-01", `{}`, []string{"not-covered:2023-07-01"}},
		{"at subscription scope", "PUT /subscriptions/" + aID + "/providers/Microsoft.Insights/actionGroups/a?api-version=2023-01-01", goodActionGroup, []string{"scope"}},
		{"listed by subscription", "GET /subscriptions/" + aID + "/providers/Microsoft.Insights/actionGroups?api-version=2023-01-01", "", nil},
		{"a tenant's diagnostic setting", "PUT /providers/microsoft.aadiam/diagnosticSettings/bg?api-version=2017-04-01", `{"properties":{"workspaceId":"w","logs":[{"category":"AuditLogs","enabled":true}]}}`, nil},
		{"an unknown option", "GET " + group + "/providers/Microsoft.Insights/actionGroups?api-version=2023-01-01&$select=id", "", []string{"query:$select"}},
		{"a workspace", "PUT " + ws + "?api-version=2022-10-01", `{"location":"westeurope","properties":{"sku":{"name":"PerGB2018"},"retentionInDays":90}}`, nil},
		{"a workspace's wrong tier", "PUT " + ws + "?api-version=2022-10-01", `{"location":"westeurope","properties":{"sku":{"name":"PerGB2017"}}}`, []string{"unknown-enum:PerGB2017"}},
		{"a workspace with fractions", "PUT " + ws + "?api-version=2022-10-01", `{"location":"westeurope","properties":{"retentionInDays":90.5}}`, []string{"wrong-type"}},
		{"a Sentinel rule", "PUT " + rules + "/r?api-version=2025-09-01", scheduled, nil},
		{"no rule kind", "PUT " + rules + "/r?api-version=2025-09-01", `{"properties":{}}`, []string{"unknown-type"}},
		{"NRT in a stable version", "PUT " + rules + "/r?api-version=2025-09-01", strings.Replace(scheduled, "Scheduled", "NRT", 1), []string{"unknown-type:NRT"}},
		{"NRT in a preview", "PUT " + rules + "/r?api-version=2025-07-01-preview", `{"kind":"NRT","properties":{"displayName":"d","severity":"High","enabled":true,"query":"q","suppressionEnabled":false,"suppressionDuration":"PT5H"}}`, nil},
		{"Sentinel off its workspace", "PUT " + group + "/providers/Microsoft.SecurityInsights/alertRules/r?api-version=2025-09-01", scheduled, []string{"scope"}},
		{"a wrong severity", "PUT " + rules + "/r?api-version=2025-09-01", strings.Replace(scheduled, `"High"`, `"Sev0"`, 1), []string{"unknown-enum:Sev0"}},
		{"a resource group", "PUT " + group + "?api-version=2024-11-01", `{"location":"westeurope"}`, nil},
		{"a test notification", "POST " + group + "/providers/Microsoft.Insights/actionGroups/a/createNotifications?api-version=2023-01-01", `{"alertType":"budget","emailReceivers":[]}`, nil},
		{"a test notification of nothing", "POST " + group + "/providers/Microsoft.Insights/actionGroups/a/createNotifications?api-version=2023-01-01", `{"emailReceivers":[]}`, []string{"missing-property:alertType"}},
		{"its status", "GET " + group + "/providers/Microsoft.Insights/actionGroups/a/notificationStatus/n?api-version=2023-01-01", "", nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			expect(t, c, exchange{call: x.call, body: x.body}, x.want...)
		})
	}
}

func TestARMAnswersAreHeldToTheBicepTypes(t *testing.T) {
	c := fresh(t)
	const call = "GET " + group + "/providers/Microsoft.Insights/actionGroups/a?api-version=2023-01-01"
	const id = group + `/providers/Microsoft.Insights/actionGroups/a`
	one := `{"id":"` + id + `","name":"a","type":"Microsoft.Insights/ActionGroups","location":"Global","tags":null,"properties":{"groupShortName":"bg","enabled":true,"emailReceivers":[{"name":"soc","emailAddress":"x","useCommonAlertSchema":true,"status":"Enabled"}]}}`
	for _, x := range []struct {
		name, call string
		status     int
		answer     string
		want       []string
	}{
		{"one", call, 200, one, nil},
		{"one without a name", call, 200, strings.Replace(one, `"name":"a",`, "", 1), []string{"missing-property:name"}},
		{"one of another type", call, 200, strings.Replace(one, "ActionGroups", "Vaults", 1), []string{"unknown-enum:Microsoft.Insights/Vaults"}},
		{"a property too many", call, 200, strings.Replace(one, `"enabled"`, `"enabledd":1,"enabled"`, 1), []string{"unknown-property:enabledd"}},
		{"a list", strings.Replace(call, "/a?", "?", 1), 200, `{"value":[` + one + `]}`, nil},
		{"a list as such", strings.Replace(call, "/a?", "?", 1), 200, `{"values":[]}`, []string{"shape:value", "shape:values"}},
		{"a next link elsewhere", strings.Replace(call, "/a?", "?", 1), 200, `{"value":[],"nextLink":"https://evil.example/x"}`, []string{"shape:nextLink"}},
		{"an error", call, 404, `{"error":{"code":"ResourceNotFound","message":"m"}}`, nil},
		{"an error of another form", call, 404, `{"code":"ResourceNotFound","message":"m"}`, []string{"shape"}},
		{"an error in Graph's form", call, 404, `{"error":{"code":"x","message":"m","innerError":{}}}`, []string{"unknown-property:innerError"}},
		{"204 for a read", call, 204, ``, []string{"status"}},
		{"nothing", call, 200, ``, []string{"json"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			expect(t, c, exchange{call: x.call, status: x.status, answer: x.answer}, x.want...)
		})
	}
	expect(t, c, exchange{call: call, status: 200, answer: one, without: "x-ms-request-id"}, "header:x-ms-request-id")
}
