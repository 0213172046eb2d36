package contract

import (
	"strings"
	"testing"
)

func TestAnswersAreHeldToTheType(t *testing.T) {
	c := fresh(t)
	const list, one = "GET /v1.0/users", "GET /v1.0/users/" + aID
	for _, x := range []struct {
		name, call string
		status     int
		answer     string
		want       []string
	}{
		{"a list", list, 200, userList(oneUser), nil},
		{"a misspelt property", list, 200, userList(strings.Replace(oneUser, "jobTitle", "jobTittle", 1)), []string{"unknown-property:jobTittle"}},
		{"a property that must be selected", list, 200, userList(strings.Replace(oneUser, `"id"`, `"accountEnabled":true,"id"`, 1)), []string{"not-selected:accountEnabled"}},
		{"the same in beta", "GET /beta/users", 200, strings.Replace(userList(strings.Replace(oneUser, `"id"`, `"accountEnabled":true,"id"`, 1)), "v1.0", "beta", 1), nil},
		{"signInActivity unasked in beta", "GET /beta/users", 200, strings.Replace(userList(strings.Replace(oneUser, `"id"`, `"signInActivity":{},"id"`, 1)), "v1.0", "beta", 1), []string{"not-selected:signInActivity"}},
		{"a number for a text", list, 200, userList(strings.Replace(oneUser, `"Ada"`, "7", 1)), []string{"wrong-type"}},
		{"null in a list", list, 200, userList(strings.Replace(oneUser, `[]`, "[null]", 1)), []string{"null:"}},
		{"no id", list, 200, userList(strings.Replace(oneUser, `"id":"`+aID+`",`, "", 1)), []string{"missing-property:id"}},
		{"a hidden key", list, 200, userList(strings.Replace(oneUser, `"id"`, `"_password":"x","id"`, 1)), []string{"unknown-property:_password"}},
		{"no context", list, 200, `{"value":[]}`, []string{"shape:@odata.context"}},
		{"the other version's context", "GET /beta/users", 200, userList(""), []string{"shape:@odata.context"}},
		{"no value", list, 200, entityAnswer("v1.0", "users", `"users":[]`), []string{"shape:value", "unknown-property:users"}},
		{"a count unasked", list, 200, entityAnswer("v1.0", "users", `"@odata.count":0,"value":[]`), []string{"shape:@odata.count"}},
		{"a count asked", list + "?$count=true", 200, entityAnswer("v1.0", "users", `"@odata.count":0,"value":[]`), nil},
		{"a count asked and not given", list + "?$count=true", 200, userList(""), []string{"shape:@odata.count"}},
		{"a next link", list, 200, entityAnswer("v1.0", "users", `"@odata.nextLink":"HOST/v1.0/users?$skiptoken=x","value":[]`), nil},
		{"a next link elsewhere", list, 200, entityAnswer("v1.0", "users", `"@odata.nextLink":"https://evil.example/v1.0/users?$skiptoken=x","value":[]`), []string{"shape:@odata.nextLink"}},
		{"a next link to another path", list, 200, entityAnswer("v1.0", "users", `"@odata.nextLink":"HOST/v1.0/groups?$skiptoken=x","value":[]`), []string{"shape:@odata.nextLink"}},
		{"a next link without token", list, 200, entityAnswer("v1.0", "users", `"@odata.nextLink":"HOST/v1.0/users","value":[]`), []string{"shape:@odata.nextLink"}},
		{"a relative next link", list, 200, entityAnswer("v1.0", "users", `"@odata.nextLink":"/v1.0/users?$skiptoken=x","value":[]`), []string{"shape:@odata.nextLink"}},
		{"a delta page", list + "/delta", 200, entityAnswer("v1.0", "users", `"@odata.deltaLink":"HOST/v1.0/users/delta?$deltatoken=x","value":[{"id":"x","@removed":{"reason":"changed"}}]`), nil},
		{"a delta page without link", list + "/delta", 200, entityAnswer("v1.0", "users", `"value":[]`), []string{"shape:@odata.deltaLink"}},
		{"one", one, 200, entityAnswer("v1.0", "users/$entity", strings.TrimPrefix(strings.TrimSuffix(oneUser, "}"), "{")), nil},
		{"one with a set's context", one, 200, entityAnswer("v1.0", "users", strings.TrimPrefix(strings.TrimSuffix(oneUser, "}"), "{")), []string{"shape:@odata.context"}},
		{"a selection kept", one + "?$select=id,accountEnabled", 200, entityAnswer("v1.0", "users(id,accountEnabled)/$entity", `"id":"x","accountEnabled":true`), nil},
		{"a selection broken", one + "?$select=id,accountEnabled", 200, entityAnswer("v1.0", "users/$entity", `"id":"x","mail":null`), []string{"missing-property:accountEnabled", "not-selected:mail"}},
		{"no sign-in activity yet", one + "?$select=id,signInActivity", 200, entityAnswer("v1.0", "users/$entity", `"id":"x"`), nil},
		{"an expansion", one + "?$select=id&$expand=manager($select=id)", 200, entityAnswer("v1.0", "users/$entity", `"id":"x","manager":{"@odata.type":"#microsoft.graph.user","id":"y"}`), nil},
		{"an expansion unasked", one + "?$select=id", 200, entityAnswer("v1.0", "users/$entity", `"id":"x","manager":{"@odata.type":"#microsoft.graph.user","id":"y"}`), []string{"not-expanded:manager"}},
		{"an expansion not given", one + "?$select=id&$expand=memberOf", 200, entityAnswer("v1.0", "users/$entity", `"id":"x"`), []string{"missing-property:memberOf"}},
		{"members with types", "GET /v1.0/groups/g/members", 200, entityAnswer("v1.0", "directoryObjects", `"value":[{"@odata.type":"#microsoft.graph.user","id":"x","displayName":"y"}]`), nil},
		{"members without types", "GET /v1.0/groups/g/members", 200, entityAnswer("v1.0", "directoryObjects", `"value":[{"id":"x","displayName":"y"}]`), []string{"unknown-property:displayName"}},
		{"members of a wrong type", "GET /v1.0/groups/g/members", 200, entityAnswer("v1.0", "directoryObjects", `"value":[{"@odata.type":"#microsoft.graph.signIn","id":"x"}]`), []string{"unknown-type:signIn"}},
		{"a type without its hash", "GET /v1.0/groups/g/members", 200, entityAnswer("v1.0", "directoryObjects", `"value":[{"@odata.type":"microsoft.graph.user","id":"x"}]`), []string{"unknown-type:user"}},
		{"references", "GET /v1.0/groups/g/members/$ref", 200, entityAnswer("v1.0", "Collection($ref)", `"value":[{"@odata.id":"HOST/v1.0/directoryObjects/x"}]`), nil},
		{"references without id", "GET /v1.0/groups/g/members/$ref", 200, entityAnswer("v1.0", "Collection($ref)", `"value":[{"id":"x"}]`), []string{"shape:@odata.id"}},
		{"a body with 204", "DELETE /v1.0/users/" + aID, 204, `{}`, []string{"json"}},
		{"200 for a delete", "DELETE /v1.0/users/" + aID, 200, ``, []string{"json", "status"}},
		{"HTML", one, 200, `<html>`, []string{"json"}},
		{"nothing", one, 200, ``, []string{"json"}},
		{"an action's answer", "POST /v1.0/users/" + aID + "/revokeSignInSessions", 200, entityAnswer("v1.0", "Edm.Boolean", `"value":true`), nil},
		{"an action's wrong answer", "POST /v1.0/users/" + aID + "/revokeSignInSessions", 200, entityAnswer("v1.0", "Edm.Boolean", `"value":"true"`), []string{"wrong-type"}},
		{"a list from a function", "POST /v1.0/users/" + aID + "/getMemberGroups", 200, entityAnswer("v1.0", "Collection(Edm.String)", `"value":["a",1]`), []string{"wrong-type"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			body := ""
			if strings.HasSuffix(x.call, "getMemberGroups") {
				body = `{"securityEnabledOnly":true}`
			}
			for i, w := range x.want {
				x.want[i] = strings.TrimSuffix(w, ":")
			}
			expect(t, c, exchange{call: x.call, body: body, status: x.status, answer: x.answer}, x.want...)
		})
	}
}

func TestPoliciesInAnswers(t *testing.T) {
	c := fresh(t)
	policy := func(members string) string {
		return entityAnswer("v1.0", "identity/conditionalAccess/policies/$entity", `"id":"x","displayName":"d","state":"enabled",`+members)
	}
	const call = "GET /v1.0/identity/conditionalAccess/policies/x"
	for members, want := range map[string][]string{
		`"conditions":{"users":{"includeUsers":["All"]},"clientAppTypes":["all"],"platforms":null},"grantControls":null`:                                                             nil,
		`"grantControls":{"operator":"OR","builtInControls":["mfa"],"authenticationStrength@odata.context":"x","authenticationStrength":{"id":"x","allowedCombinations":["fido2"]}}`: nil,
		`"grantControls":{"operator":"OR","builtInControls":["MFA"]}`:                                                                                                                {"unknown-enum:MFA"},
		`"grantControls":{"authenticationStrength":{"id":"x","allowedCombinations":["fido3"]}}`:                                                                                      {"unknown-enum:fido3"},
		`"conditions":null`: {"null:conditions"},
		`"sessionControls":{"signInFrequency":{"value":"4","type":"hours","isEnabled":true}}`: {"wrong-type"},
		`"sessionControls":{"signInFrequency":{"value":4,"type":"weeks","isEnabled":true}}`:   {"unknown-enum:weeks"},
		`"conditions":{"insiderRiskLevels":"minor,elevated"}`:                                 nil,
		`"conditions":{"insiderRiskLevels":"minor,extreme"}`:                                  {"unknown-enum:extreme"},
		`"modifiedDateTime":"2026-01-01"`:                                                     {"wrong-type"},
		`"templateId":null,"createdDateTime":"2026-01-01T00:00:00.1234567Z"`:                  nil,
	} {
		expect(t, c, exchange{call: call, status: 200, answer: policy(members)}, want...)
	}
}

func TestErrorsHaveGraphsForm(t *testing.T) {
	c := fresh(t)
	const inner = `"innerError":{"date":"2026-01-01T00:00:00","request-id":"r","client-request-id":"c"}`
	for answer, want := range map[string][]string{
		`{"error":{"code":"Request_ResourceNotFound","message":"m",` + inner + `}}`: nil,
		`{"error":{"code":"Request_ResourceNotFound","message":"m"}}`:               {"missing-property:innerError"},
		`{"error":{"code":"","message":"m",` + inner + `}}`:                         {"shape:code"},
		`{"error":{"code":"x","message":"m","innerError":{"date":"d"}}}`:            {"missing-property:client-request-id", "missing-property:request-id"},
		`{"error":"x"}`: {"shape"},
		`{"code":"x"}`:  {"shape"},
		`<html></html>`: {"json"},
		`{"error":{"code":"x","message":"m","hint":"h",` + inner + `}}`: {"unknown-property:hint"},
	} {
		expect(t, c, exchange{call: "GET /v1.0/users/x", status: 404, answer: answer}, want...)
	}
	good := `{"error":{"code":"InvalidAuthenticationToken","message":"m",` + inner + `}}`
	expect(t, c, exchange{call: "GET /v1.0/users/x", status: 401, answer: good})
	expect(t, c, exchange{call: "GET /v1.0/users/x", status: 401, answer: good, without: "WWW-Authenticate"}, "header:WWW-Authenticate")
	expect(t, c, exchange{call: "GET /v1.0/users/x", status: 404, answer: good, without: "request-id"}, "header:request-id")
	expect(t, c, exchange{call: "GET /v1.0/users/x", status: 404, answer: good, without: "Content-Type"}, "header:Content-Type")
}

func TestBatchesAreCheckedPartByPart(t *testing.T) {
	c := fresh(t)
	const call = "POST /v1.0/$batch"
	answer := func(parts string) string { return `{"responses":[` + parts + `]}` }
	good := `{"id":"1","status":200,"headers":{"Content-Type":"application/json"},"body":` + userList(oneUser) + `}`
	for _, x := range []struct {
		name, body, answer string
		want               []string
	}{
		{"a good one", `{"requests":[{"id":"1","method":"GET","url":"/users"}]}`, answer(good), nil},
		{"a bad part", `{"requests":[{"id":"1","method":"GET","url":"/users?$select=nope"}]}`, "", []string{"unknown-property:nope"}},
		{"a bad answer", `{"requests":[{"id":"1","method":"GET","url":"/users"}]}`, answer(strings.Replace(good, "mail", "email", 1)), []string{"unknown-property:email"}},
		{"an error inside", `{"requests":[{"id":"1","method":"GET","url":"/users/x"}]}`, answer(`{"id":"1","status":404,"body":{"error":{"code":"x"}}}`), []string{"missing-property:innerError", "missing-property:message"}},
		{"an answer too few", `{"requests":[{"id":"1","method":"GET","url":"/users"},{"id":"2","method":"GET","url":"/users"}]}`, answer(good), []string{"batch"}},
		{"a stranger's answer", `{"requests":[{"id":"1","method":"GET","url":"/users"}]}`, answer(strings.Replace(good, `"1"`, `"7"`, 1)), []string{"batch:id"}},
		{"an id twice", `{"requests":[{"id":"1","method":"GET","url":"/users"},{"id":"1","method":"GET","url":"/groups"}]}`, "", []string{"batch:id"}},
		{"an absolute url", `{"requests":[{"id":"1","method":"GET","url":"https://graph.microsoft.com/v1.0/users"}]}`, "", []string{"batch:url"}},
		{"depends on a later one", `{"requests":[{"id":"1","method":"GET","url":"/users","dependsOn":["2"]},{"id":"2","method":"GET","url":"/users"}]}`, "", []string{"batch:dependsOn"}},
		{"more than twenty", `{"requests":[` + strings.Repeat(`{"id":"1","method":"GET","url":"/users"},`, 20) + `{"id":"2","method":"GET","url":"/users"}]}`, "", []string{"batch", "batch:id"}},
		{"an unknown key", `{"requests":[{"id":"1","verb":"GET","url":"/users"}]}`, "", []string{"json"}},
		{"a body without its type", `{"requests":[{"id":"1","method":"PATCH","url":"/users/x","body":{"displayName":"d"}}]}`, "", []string{"header:Content-Type"}},
		{"a body with it", `{"requests":[{"id":"1","method":"PATCH","url":"/users/x","headers":{"Content-Type":"application/json"},"body":{"displayName":"d"}}]}`, answer(`{"id":"1","status":204}`), nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			status := 0
			if x.answer != "" {
				status = 200
			}
			expect(t, c, exchange{call: call, body: x.body, status: status, answer: x.answer}, x.want...)
		})
	}
	expect(t, c, exchange{call: "GET /v1.0/$batch"}, "method")
}
