package msapi

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// excludedUsers: "Get a user"; User.Read.All. Policies keep the object ids of users who were
// deleted; only asking for each tells. Their number is bounded as that of other users is.
func (r *reader) excludedUsers(ctx context.Context) {
	ids := r.excludedIDs()
	path := func(id string) string { return "/users/" + url.PathEscape(id) + "?$select=id" }
	err := error(nil)
	if len(ids) > r.opts.MaxUsers {
		err = errTooMany("GET /"+v1+path("{id}"), r.opts.MaxUsers)
		ids = ids[:r.opts.MaxUsers]
	}
	there := []string{}
	for i, res := range r.c.batch(ctx, v1, pathsOf(ids, path)) {
		switch {
		case res.err == nil:
			there = append(there, ids[i])
		case res.err.Kind != KindNotFound:
			err = firstError(err, res.err)
		}
	}
	r.put(func(s *entra.Snapshot) { s.ExcludedUsers = there })
	r.file(entra.PartExcludedUsers, "/"+v1+path("{id}"), 1, len(there), err)
}

// excludedIDs are the users that any policy excludes by object id.
func (r *reader) excludedIDs() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []string
	for _, p := range r.snap.Policies {
		u := p.Conditions.Or(entra.Conditions{}).Users.Or(entra.UserCondition{})
		for _, id := range u.ExcludeUsers.Or(nil) {
			if id = strings.ToLower(id); isID(id) && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}
