package contract

import "testing"

// Whatever a client sends, the checker answers; it does not panic or hang.
func FuzzCheck(f *testing.F) {
	f.Add("GET", "/v1.0/users?$filter=displayName eq 'x'", []byte(""))
	f.Add("POST", "/beta/$batch", []byte(`{"requests":[{"id":"1","method":"GET","url":"/me"}]}`))
	f.Add("GET", "/v1.0/users?$expand=manager($select=id;$expand=manager)&$orderby=displayName desc", []byte(`{"value":[]}`))
	f.Add("PUT", group+"/providers/Microsoft.Insights/actionGroups/a?api-version=2023-01-01", []byte(goodActionGroup))
	f.Add("GET", "/v1.0/users?$filter=a/any(x:x/any(y:y in ('1',2)) and not (b eq null))", []byte(""))
	f.Fuzz(func(t *testing.T, method, path string, body []byte) {
		c := fresh(t)
		e := exchange{call: method + " " + path, body: string(body), status: 200, answer: string(body)}.full()
		_ = c.Check(e)
	})
}
