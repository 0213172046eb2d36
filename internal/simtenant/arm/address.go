package arm

import "strings"

// An address is a resource or a collection: "{scope}/providers/{type}[/{name}]". The scope
// is itself a path: of a subscription, a resource group, another resource, or empty for
// the tenant.
type address struct {
	path  string // as asked
	scope string
	typ   string // "Microsoft.Insights/actionGroups", as asked
	name  string // empty for a collection
}

// parseAddress reads a path with a provider in it; ok is false for others.
func parseAddress(path string) (a address, ok bool) {
	lower := strings.ToLower(path)
	at := strings.LastIndex(lower, "/providers/")
	if at < 0 {
		return a, false
	}
	segments := strings.Split(strings.Trim(path[at+len("/providers/"):], "/"), "/")
	if len(segments) < 2 {
		return a, false
	}
	a = address{path: path, scope: path[:at]}
	types := []string{segments[0]}
	for i, s := range segments[1:] {
		if i%2 == 0 {
			types = append(types, s)
		}
	}
	a.typ = strings.Join(types, "/")
	if len(segments)%2 == 1 {
		a.name = segments[len(segments)-1]
	}
	return a, true
}

// parent is the scope in which an id of a resource group, resource or subscription lies.
func (a address) group() (subscription, group string) {
	parts := strings.Split(strings.Trim(a.scope, "/"), "/")
	if len(parts) >= 2 && strings.EqualFold(parts[0], "subscriptions") {
		subscription = parts[1]
	}
	if len(parts) >= 4 && strings.EqualFold(parts[2], "resourceGroups") {
		group = parts[3]
	}
	return subscription, group
}

// within is whether an id is a scope or lies below it; "/" is above everything.
func within(id, scope string) bool {
	id, scope = strings.ToLower(id), strings.ToLower(strings.TrimRight(scope, "/"))
	return scope == "" || id == scope || strings.HasPrefix(id, scope+"/")
}
