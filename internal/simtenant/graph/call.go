package graph

import (
	"encoding/json"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// A call is one request to one route, inside one transaction: handlers read and write
// through c.tx and never lock anything themselves. The answer is sent when the
// transaction is over.
type call struct {
	api       *API
	r         *http.Request
	tx        *state.Tx
	version   string            // "v1.0" or "beta"
	path      string            // without version and tenant
	params    map[string]string // the pattern's {names}, unescaped
	query     options           // the OData options
	who       state.Principal
	body      state.Object // the request's JSON object; nil without one
	cast      string       // the type of a cast at the end of the path (microsoft.graph.user), "" for none
	countOnly bool         // the path ends with /$count
	answer    answer
	// correlation joins the audit records of this call; empty before the first.
	correlation string
}

// An answer is what a call says, before it is written to the wire.
type answer struct {
	status int
	body   any // nil: no body
	header http.Header
	date   time.Time
}

// now is the simulated instant.
func (c *call) now() time.Time { return c.tx.Now() }

// beta is true when the caller reads beta.
func (c *call) beta() bool { return c.version == "beta" }

// reply answers with a status and a JSON body (nil for none), as it is.
func (c *call) reply(status int, body any) {
	c.answer.status, c.answer.body = status, body
}

// fail answers with Graph's error shape. A later reply or fail replaces it, so return after it.
func (c *call) fail(status int, code, message string) {
	c.reply(status, graphError{code, message})
}

// notFound answers as Graph does for an id that it does not know.
func (c *call) notFound(id string) {
	c.fail(http.StatusNotFound, "Request_ResourceNotFound", "Resource '"+id+"' does not exist or one of its queried reference-property objects are not present.")
}

// denied answers as Graph does when a permission or a role is missing.
func (c *call) denied() {
	c.fail(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
}

// notModelled answers 501 with the name of what the simulator lacks.
func (c *call) notModelled(what string) {
	c.fail(http.StatusNotImplemented, "NotImplemented", "The simulated tenant does not model "+what+".")
}

// noContent answers 204.
func (c *call) noContent() { c.reply(http.StatusNoContent, nil) }

// list answers with a page of objects of one type (its name in types.txt), after
// $filter, $orderby, $select, $expand, $count and paging. Objects that are not yet
// replicated are left out.
func (c *call) list(objects []state.Object, typ string) { c.page(objects, typ) }

// one answers 200 with one object, after $select and $expand.
func (c *call) one(o state.Object, typ string) { c.single(http.StatusOK, o, typ) }

// created answers 201 with a new object.
func (c *call) created(o state.Object, typ string) {
	c.single(http.StatusCreated, o, typ)
	if c.answer.status == http.StatusCreated && o.ID() != "" {
		c.answer.header = http.Header{"Location": {c.base() + "/" + c.version + c.path + "/" + o.ID()}}
	}
}

// get is an object that readers can see by now, nil otherwise.
func (c *call) get(coll, id string) state.Object {
	o := c.tx.Get(coll, id)
	if o == nil || !c.visible(o) {
		return nil
	}
	return o
}

// visible is true when a new object has reached the readers.
func (c *call) visible(o state.Object) bool { return !c.now().Before(o.Time("_visibleAt")) }

// create stores a new object under a fresh id; readers see it after the replication delay.
func (c *call) create(coll string, o state.Object) state.Object {
	if d := c.tx.World().ReplicationDelay; d > 0 {
		o["_visibleAt"] = c.now().Add(d).UTC().Format(time.RFC3339Nano)
	}
	return c.tx.Put(coll, o)
}

// decode checks the body against a type of types.txt: unknown properties and wrong
// kinds of values are 400, as in Graph. It answers and returns false then.
func (c *call) decode(typ string) bool {
	if c.body == nil {
		c.fail(http.StatusBadRequest, "Request_BadRequest", "Write requests (excluding DELETE) must contain the Content-Type header declaration.")
		return false
	}
	if p := checkBody(c.body, typ, c.beta()); p != "" {
		c.fail(http.StatusBadRequest, "Request_BadRequest", p)
		return false
	}
	return true
}

// audit writes the record of what the call did: category, operation and activity in the
// words of the audit log, targets from logs.Target. The initiator is the caller, and all
// records of one call share a correlation id.
func (c *call) audit(category, operation, activity string, targets ...state.Object) {
	if c.correlation == "" {
		c.correlation = state.NewID()
	}
	rec := logs.Event(category, logs.CoreDirectory, operation, activity, logs.By(c.tx, c.who, c.ip()), targets...)
	rec["correlationId"] = c.correlation
	rec["additionalDetails"] = []any{map[string]any{"key": "User-Agent", "value": c.r.UserAgent()}}
	c.api.Logs.Audit(c.tx, rec)
}

// ip is the caller's address, or the one it says it would have (X-Sim-IP, as at sign-in).
func (c *call) ip() string {
	if ip := c.r.Header.Get("X-Sim-IP"); net.ParseIP(ip) != nil {
		return ip
	}
	host, _, err := net.SplitHostPort(c.r.RemoteAddr)
	if err != nil {
		return c.r.RemoteAddr
	}
	return host
}

// holds is true when the caller has an active tenant-wide assignment of one of the
// roles (template ids), itself or through a group. Global Administrator counts always.
func (c *call) holds(roles ...string) bool {
	have := c.tx.ActiveRoles(c.who.ObjectID)
	return slices.Contains(have, roleGlobalAdministrator) || slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(have, r) })
}

// granted is true when the token carries one of the permissions ("A+B": both).
func (c *call) granted(perms ...string) bool {
	return slices.ContainsFunc(perms, func(p string) bool {
		for one := range strings.SplitSeq(p, "+") {
			if !slices.ContainsFunc(c.who.Grants, func(g string) bool { return strings.EqualFold(g, one) }) {
				return false
			}
		}
		return true
	})
}

// licensed is true when the tenant has a service plan ("AAD_PREMIUM", "AAD_PREMIUM_P2"). P2 contains P1.
func (c *call) licensed(plan string) bool { return Licensed(c.tx, plan) }

// Licensed is true when an enabled subscription of the tenant has the service plan.
func Licensed(tx *state.Tx, plan string) bool {
	for _, sku := range tx.List("subscribedSkus") {
		if s := sku.String("capabilityStatus"); s != "Enabled" && s != "Warning" {
			continue
		}
		plans, _ := sku["servicePlans"].([]any)
		for _, p := range plans {
			m, _ := p.(map[string]any)
			name, _ := m["servicePlanName"].(string)
			if name == plan || plan == "AAD_PREMIUM" && name == "AAD_PREMIUM_P2" {
				return true
			}
		}
	}
	return false
}

// run checks the caller and hands the request to its handler.
func (c *call) run(rt *route) {
	c.query = parseOptions(c.r.URL.RawQuery)
	if !c.readBody() || !c.allowed(rt) {
		return
	}
	rt.handle(c)
}

// allowed is whether token and role suffice for the route; it answers 403 when not.
func (c *call) allowed(rt *route) bool {
	need := rt.need.app
	if c.who.User {
		need = rt.need.delegated
	}
	if !c.granted(need...) || c.who.User && len(rt.roles) > 0 && !c.holds(rt.roles...) {
		c.denied()
		return false
	}
	return true
}

const maxBody = 4 << 20

// readBody takes the request's JSON object; anything else is 400.
func (c *call) readBody() bool {
	if c.r.Body == nil || c.r.Method == http.MethodGet || c.r.Method == http.MethodDelete {
		return true
	}
	data, err := io.ReadAll(io.LimitReader(c.r.Body, maxBody+1))
	if err != nil || len(data) > maxBody {
		c.fail(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request body is too large.")
		return false
	}
	if len(strings.TrimSpace(string(data))) == 0 {
		return true
	}
	if c.r.Header.Get("Content-Type") == "" {
		c.fail(http.StatusBadRequest, "Request_BadRequest", "Write requests (excluding DELETE) must contain the Content-Type header declaration.")
		return false
	}
	if !isJSON(c.r.Header.Get("Content-Type")) || json.Unmarshal(data, &c.body) != nil || c.body == nil {
		c.fail(http.StatusBadRequest, "BadRequest", "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.")
		return false
	}
	return true
}

// isJSON is whether a Content-Type says JSON; what curl sends unless told otherwise does not.
func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

// plainText is a body that is not JSON.
type plainText string

type graphError struct{ code, message string }

// write sends the answer with the headers that Graph puts on each.
func (a *answer) write(w http.ResponseWriter, r *http.Request) {
	id := requestID(w)
	for k, v := range a.header {
		w.Header()[k] = v
	}
	body := a.body
	if e, ok := body.(graphError); ok {
		body = e.json(id, clientRequestID(r, id), a.date)
	}
	if body == nil {
		w.WriteHeader(a.status)
		return
	}
	if text, ok := body.(plainText); ok {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, string(text)) // the client went away: nobody is left to tell
		return
	}
	w.Header().Set("Content-Type", "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
	w.WriteHeader(a.status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(body) // the client went away: nobody is left to tell
}

func (e graphError) json(id, client string, at time.Time) map[string]any {
	return map[string]any{"error": map[string]any{"code": e.code, "message": e.message, "innerError": map[string]any{
		"date": at.UTC().Format("2006-01-02T15:04:05"), "request-id": id, "client-request-id": client,
	}}}
}

// requestID is the id that the middleware put on the answer, or a new one.
func requestID(w http.ResponseWriter) string {
	if id := w.Header().Get("request-id"); id != "" {
		return id
	}
	id := state.NewID()
	w.Header().Set("request-id", id)
	return id
}

func clientRequestID(r *http.Request, id string) string {
	if c := r.Header.Get("client-request-id"); c != "" {
		return c
	}
	return id
}

func writeError(w http.ResponseWriter, r *http.Request, at time.Time, status int, code, message string) {
	a := answer{status: status, body: graphError{code, message}, date: at}
	a.write(w, r)
}

// options are the OData options by lower-case name without "$".
type options map[string]string

func parseOptions(raw string) options {
	out := options{}
	values, _ := url.ParseQuery(raw) // a malformed pair is left out, as by the live service's front end
	for k, v := range values {
		if len(v) > 0 && k != "" {
			out[strings.ToLower(strings.TrimPrefix(k, "$"))] = v[0]
		}
	}
	return out
}
