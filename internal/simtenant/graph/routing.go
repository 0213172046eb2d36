package graph

import (
	"net/url"
	"strings"

	"breakglass/internal/simtenant/state"
)

type compiledRoute struct {
	route
	segments []string
}

func compile(routes []route) []compiledRoute {
	out := make([]compiledRoute, 0, len(routes))
	for _, r := range routes {
		if row := permissionsFor(r.method, r.pattern); !row.empty() && !r.need.special() {
			r.need = row
		}
		out = append(out, compiledRoute{r, segmentsOf(r.pattern)})
	}
	return out
}

// match finds the route of a path; known says that the path exists with another method.
func (a *API) match(method, version, path string) (best *route, params map[string]string, known bool) {
	segments := segmentsOf(path)
	score := -1
	for i := range a.table {
		rt := &a.table[i]
		if rt.beta && version != "beta" {
			continue
		}
		p, literal, ok := rt.match(segments)
		if !ok || literal < score {
			continue
		}
		if literal > score { // a more literal pattern shadows what matched before
			best, params, score = nil, nil, literal
		}
		known = true
		if rt.method == method {
			best, params = &rt.route, p
		}
	}
	return best, params, known
}

// patternOf is the most literal pattern that a path fits, with any method.
func (a *API) patternOf(version, path string) string {
	segments, score, pattern := segmentsOf(path), -1, path
	for i := range a.table {
		rt := &a.table[i]
		if _, literal, ok := rt.match(segments); ok && literal > score && (!rt.beta || version == "beta") {
			score, pattern = literal, rt.pattern
		}
	}
	return pattern
}

// segmentsOf parts a path; a key in parentheses becomes a segment of its own:
// users('x') is users/x, applications(appId='x') is applications/appId=x, delta() is delta.
func segmentsOf(path string) []string {
	var out []string
	for seg := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		name, key, ok := strings.Cut(seg, "(")
		if !ok || !strings.HasSuffix(key, ")") {
			out = append(out, seg)
			continue
		}
		out = append(out, name)
		if key = strings.ReplaceAll(strings.TrimSuffix(key, ")"), "%27", "'"); key != "" {
			out = append(out, strings.ReplaceAll(key, "'", ""))
		}
	}
	return out
}

// match compares segments and counts the literal ones.
func (rt *compiledRoute) match(segments []string) (params map[string]string, literal int, ok bool) {
	if len(segments) != len(rt.segments) {
		return nil, 0, false
	}
	params = map[string]string{}
	for i, want := range rt.segments {
		got, err := url.PathUnescape(segments[i])
		if err != nil {
			return nil, 0, false
		}
		if strings.HasPrefix(want, "{") {
			if got == "" || strings.HasPrefix(got, "$") || strings.HasPrefix(got, "microsoft.graph.") {
				return nil, 0, false
			}
			params[strings.Trim(want, "{}")] = got
			continue
		}
		if !strings.EqualFold(got, want) && !strings.EqualFold(strings.TrimPrefix(got, "microsoft.graph."), want) {
			return nil, 0, false
		}
		literal++
	}
	return params, literal, true
}

// splitVersion parts /v1.0/users into its version and /users.
func splitVersion(path string) (version, rest string, ok bool) {
	seg := firstSegment(path)
	switch strings.ToLower(seg) {
	case "v1.0", "beta":
		return strings.ToLower(seg), "/" + strings.TrimPrefix(path[len(seg)+1:], "/"), true
	}
	return "", "", false
}

func firstSegment(path string) string {
	seg, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return seg
}

// stripTenant drops a tenant id or one of its domains in front of the path, which older
// clients (hamilton) put there.
func (a *API) stripTenant(path string) string {
	seg := firstSegment(path)
	mine := false
	a.State.View(func(tx *state.Tx) {
		mine = strings.EqualFold(seg, tx.TenantID()) || strings.EqualFold(seg, "myorganization") ||
			strings.Contains(seg, ".") && tx.Get("domains", seg) != nil
	})
	if !mine || seg == "" {
		return path
	}
	return "/" + strings.TrimPrefix(path[len(seg)+1:], "/")
}

// cutCast takes a type cast off the end of a path: /groups/{id}/members/microsoft.graph.user.
func cutCast(path string) (whole, typ string, ok bool) {
	whole, last := cutLast(path)
	if typ, ok = strings.CutPrefix(last, "microsoft.graph."); ok && metadata().types[typ] != nil {
		return whole, typ, true
	}
	if typ, ok = strings.CutPrefix(last, "graph."); ok && metadata().types[typ] != nil {
		return whole, typ, true
	}
	return path, "", false
}

func isMe(path string) bool { return strings.EqualFold(firstSegment(path), "me") }

// mine is the path with /me as the caller's place among the users.
func (c *call) mine(path string) string {
	if !c.who.User || !isMe(path) {
		return path
	}
	path = "/users/" + c.who.ObjectID + path[len("/me"):]
	c.path = path
	return path
}
