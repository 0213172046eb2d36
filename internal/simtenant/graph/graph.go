// Package graph is the simulated tenant's Microsoft Graph: the part of v1.0 and beta
// that the product and the clients around it call, with the semantics that bite.
//
// Nouns: a route is one method and path with what it takes to be allowed there; a call
// is one request to a route, done whole inside one transaction of the state; a
// collection is where objects of one Graph path live. Nothing here is kinder than
// Entra, and what is not modelled answers 501 with the name of what is missing.
package graph

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// Audience is the application id of Microsoft Graph, for which its tokens are made.
const Audience = "00000003-0000-0000-c000-000000000000"

// API answers Graph's requests on /v1.0/... and /beta/..., with or without a tenant
// prefix behind the version. The fields are set before the first request.
type API struct {
	// State is the tenant.
	State *state.State
	// Logs takes the audit record of every write.
	Logs *logs.Log
	// BaseURL is scheme, host and port that next links and contexts begin with; no slash at the end.
	BaseURL string
	// Verify finds the principal behind a request.
	Verify state.Verifier
	// Gate, when set, may refuse an operation before it is looked at: throttling and, for the
	// parts of a batch (part is true), faults. path is without version and tenant.
	Gate func(r *http.Request, path string, who state.Principal, part bool) *Refusal

	once      sync.Once
	table     []compiledRoute
	expanders map[string]expansion
}

// A route is one operation of Graph.
type route struct {
	// method and pattern: "/users/{id}/memberOf", segments compared without case,
	// {name} takes one segment. The most literal pattern wins.
	method, pattern string
	// need is what a token must hold where permissions.txt has no row for the operation, or
	// where a row cannot say it: a need with "A+B", or one marked by only, wins over the row.
	need access
	// roles are directory roles (template ids) of which a signed-in user must hold one;
	// Global Administrator always suffices. Empty: the scope alone decides.
	roles []string
	// beta is true when v1.0 does not know the path.
	beta bool
	// handle does the work inside one transaction and answers through the call's helpers.
	handle func(*call)
}

// access is which permissions suffice, any one of each list. "A+B" means both together.
// A nil list refuses that kind of caller, as Graph does for operations that it does not support there.
type access struct {
	app, delegated []string
	// wins says that these permissions count whatever the row of permissions.txt names.
	wins bool
}

// special is true for a need that wins over the table.
func (n access) special() bool {
	return n.wins || slices.ContainsFunc(slices.Concat(n.app, n.delegated), func(p string) bool { return strings.Contains(p, "+") })
}

func (n access) empty() bool { return n.app == nil && n.delegated == nil }

// both is the access for which the same permissions count for applications and for users.
func both(perms ...string) access { return access{app: perms, delegated: perms} }

// only is both for operations where Microsoft's table lumps several deeds together, and
// these permissions are those of this one.
func only(perms ...string) access { return access{app: perms, delegated: perms, wins: true} }

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	version, path, ok := splitVersion(r.URL.EscapedPath())
	if !ok {
		writeError(w, r, a.State.Clock.Now(), http.StatusBadRequest, "BadRequest", "Invalid version: "+firstSegment(r.URL.Path))
		return
	}
	who, ok := a.Verify(w, r, Audience)
	if !ok {
		return
	}
	path = a.stripTenant(path)
	if strings.EqualFold(path, "/$batch") {
		a.batch(w, r, version, who)
		return
	}
	a.serve(r, version, path, who, false).write(w, r)
}

// routes is every operation that is modelled.
func (a *API) routes() []route {
	return slices.Concat(
		a.directoryRoutes(),
		a.policyRoutes(),
		a.roleRoutes(),
		a.methodRoutes(),
		a.reportRoutes(),
		a.governanceRoutes(),
		a.subscriptionRoutes(),
	)
}

// expansions is every navigation property that $expand follows, by "type/property".
func (a *API) expansions() map[string]expansion { return a.expanders }

func (a *API) prepare() {
	a.table = compile(a.routes())
	a.expanders = map[string]expansion{}
	for _, part := range []map[string]expansion{
		directoryExpansions(),
		roleExpansions(),
	} {
		maps.Copy(a.expanders, part)
	}
}

// serve does one operation as one transaction; part says that it stands in a batch.
func (a *API) serve(r *http.Request, version, path string, who state.Principal, part bool) *answer {
	a.once.Do(a.prepare)
	if a.Gate != nil {
		if refused := a.Gate(r, path, who, part); refused != nil {
			ans := refused.answer(a.State.Clock.Now())
			return &ans
		}
	}
	c := &call{api: a, r: r, version: version, path: path, who: who}
	path, c.countOnly = strings.CutSuffix(path, "/$count")
	rt, params, known := a.match(r.Method, version, path)
	if !known {
		rt, params, known = a.match(r.Method, version, c.mine(path))
	}
	if !known {
		if whole, cast, ok := cutCast(path); ok {
			c.cast = cast
			rt, params, known = a.match(r.Method, version, c.mine(whole))
		}
	}
	_ = a.State.Update(func(tx *state.Tx) error {
		c.tx = tx
		c.answer.date = tx.Now()
		switch {
		case !who.User && isMe(path):
			c.fail(http.StatusBadRequest, "BadRequest", "/me request is only valid with delegated authentication flow.")
		case rt == nil && known && !permissionsFor(r.Method, a.patternOf(version, path)).empty():
			c.notModelled(r.Method + " /" + version + path)
		case rt == nil && known:
			c.fail(http.StatusMethodNotAllowed, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
		case rt == nil:
			c.notModelled(r.Method + " /" + version + path)
		default:
			c.params = params
			c.run(rt)
		}
		return nil
	})
	return &c.answer
}
