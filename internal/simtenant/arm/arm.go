// Package arm is the simulated tenant's Azure Resource Manager: the subscriptions,
// resources and role assignments that watching emergency accounts takes.
//
// Nouns: an address is a parsed path (scope, resource type, name); a kind is a resource
// type that is modelled, with the api-versions it is known in; a call is one request,
// done whole inside one transaction of the state. Resources live in the collection
// "arm" under their ids, subscriptions in "arm/subscriptions". Every other type
// answers 501 with its name.
package arm

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// Audience is what tokens for Azure Resource Manager are made for; verifiers know it by
// this name.
const Audience = "arm"

// managementApp is "Windows Azure Service Management API".
const managementApp = "797f4846-ba00-4fd7-ba43-dac1f8f63013"

const (
	collResources     = "arm"
	collSubscriptions = "arm/subscriptions"
)

// API answers ARM's requests. The fields are set before the first request.
type API struct {
	// State is the tenant.
	State *state.State
	// Logs takes the audit records that ARM writes into the directory's log.
	Logs *logs.Log
	// BaseURL is scheme, host and port of sign-in and of next links, no slash at the end.
	BaseURL string
	// Verify finds the principal behind a request.
	Verify state.Verifier
}

// A call is one request.
type call struct {
	api     *API
	r       *http.Request
	tx      *state.Tx
	who     state.Principal
	version string // api-version
	body    state.Object

	status int
	answer any
	header map[string]string
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who, ok := a.Verify(w, r, Audience)
	if !ok {
		return
	}
	c := &call{api: a, r: r, who: who, version: apiVersion(r), header: map[string]string{}}
	_ = a.State.Update(func(tx *state.Tx) error {
		c.tx = tx
		c.serve()
		return nil
	})
	c.write(w)
}

// versionForm is how api-versions are written. Paths without a provider have had many, so any
// that Resource Manager could have is taken there.
var versionForm = regexp.MustCompile(`^20[1-9]\d-[01]\d-[0-3]\d(-preview)?$`)

// apiVersion is the request's, by its name in any case.
func apiVersion(r *http.Request) string {
	for k, v := range r.URL.Query() {
		if strings.EqualFold(k, "api-version") && len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

// serve checks what every request must have and hands it to what its path names.
func (c *call) serve() {
	path := strings.TrimRight(c.r.URL.Path, "/")
	if strings.HasPrefix(strings.ToLower(path), "/v1/") {
		c.notModelled("the query API of Log Analytics")
		return
	}
	if c.version == "" {
		c.fail(http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
		return
	}
	if !versionForm.MatchString(c.version) || c.version < "2014-04-01" {
		c.fail(http.StatusBadRequest, "InvalidApiVersionParameter", "The api-version '"+c.version+"' is invalid.")
		return
	}
	if !c.readBody() || !c.strongEnough() {
		return
	}
	if a, ok := parseAddress(path); ok {
		c.resource(a)
		return
	}
	c.container(path)
}

// strongEnough is Microsoft's demand that users create, change and delete with
// multifactor authentication whatever Conditional Access says (page "Planning for
// mandatory multifactor authentication"); workload identities are free of it. The
// refusal is the claims challenge that the client libraries answer by a fresh sign-in.
func (c *call) strongEnough() bool {
	w := c.tx.World()
	if c.r.Method == http.MethodGet || c.r.Method == http.MethodHead || !c.who.User || !w.MandatoryMFA || w.Cloud != "" && w.Cloud != "public" {
		return true
	}
	if slices.Contains(c.who.Methods, "mfa") || slices.Contains(c.who.AuthContexts, "p1") {
		return true
	}
	claims := base64.StdEncoding.EncodeToString([]byte(`{"access_token":{"acrs":{"essential":true,"values":["p1"]}}}`))
	c.header["WWW-Authenticate"] = `Bearer realm="", authorization_uri="` + c.api.BaseURL + `/common/oauth2/authorize", client_id="` + managementApp + `", error="insufficient_claims", claims="` + claims + `"`
	c.fail(http.StatusUnauthorized, "RequestDisallowedByAzure", "Multi-factor authentication is required to create, update or delete resources.")
	return false
}

const maxBody = 1 << 20

func (c *call) readBody() bool {
	if c.r.Method != http.MethodPut && c.r.Method != http.MethodPatch && c.r.Method != http.MethodPost {
		return true
	}
	data, err := io.ReadAll(io.LimitReader(c.r.Body, maxBody+1))
	switch {
	case err != nil || len(data) > maxBody:
		c.fail(http.StatusRequestEntityTooLarge, "RequestTooLarge", "The request content is too large.")
	case len(data) == 0 && c.r.Method == http.MethodPost:
		return true
	case json.Unmarshal(data, &c.body) != nil || c.body == nil:
		c.fail(http.StatusBadRequest, "InvalidRequestContent", "The request content was invalid and could not be deserialized.")
	default:
		return true
	}
	return false
}

// reply answers with a status and a JSON body; nil is none.
func (c *call) reply(status int, body any) { c.status, c.answer = status, body }

// fail answers in ARM's error shape.
func (c *call) fail(status int, code, message string) {
	c.reply(status, map[string]any{"error": map[string]any{"code": code, "message": message}})
}

func (c *call) notModelled(what string) {
	c.fail(http.StatusNotImplemented, "NotImplemented", "The simulated tenant does not model "+what+".")
}

// list answers a whole collection; ARM's pages are larger than any tenant here.
func (c *call) list(objects []state.Object) {
	value := make([]any, 0, len(objects))
	for _, o := range objects {
		value = append(value, map[string]any(o.Public()))
	}
	c.reply(http.StatusOK, map[string]any{"value": value})
}

func (c *call) write(w http.ResponseWriter) {
	h := w.Header()
	id := h.Get("request-id")
	if id == "" {
		id = state.NewID()
	}
	h.Set("x-ms-request-id", id)
	h.Set("x-ms-correlation-request-id", id)
	for k, v := range c.header {
		h.Set(k, v)
	}
	if c.answer == nil {
		w.WriteHeader(c.status)
		return
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(c.status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(c.answer) // the client went away: nobody is left to tell
}
