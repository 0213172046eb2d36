package plan

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// joined are the users and groups that a step excludes from its policy: what it adds, not
// the whole lists.
func joined(st Step) (users, groups []string) {
	for _, c := range st.Verify.Conditions {
		switch c.Path {
		case "conditions.users.excludeUsers":
			users = append(users, c.Contains...)
		case "conditions.users.excludeGroups":
			groups = append(groups, c.Contains...)
		}
	}
	return users, groups
}

// resolve puts the ids that are known in the place of their placeholders, in everything of a
// step that is sent or compared.
func resolve(st Step, ids map[string]string) Step {
	if len(ids) == 0 {
		return st
	}
	sub := func(s string) string {
		return placeholder.ReplaceAllStringFunc(s, func(ph string) string {
			if id, ok := ids[ph]; ok {
				return id
			}
			return ph
		})
	}
	bytesOf := func(b json.RawMessage) json.RawMessage {
		if b == nil {
			return nil
		}
		return json.RawMessage(sub(string(b)))
	}
	st.Creates = sub(st.Creates)
	st.Request.Path, st.Request.Body = sub(st.Request.Path), bytesOf(st.Request.Body)
	st.Verify.Request.Path = sub(st.Verify.Request.Path)
	st.Verify.Conditions = slices.Clone(st.Verify.Conditions)
	for i, c := range st.Verify.Conditions {
		c.Is, c.Any, c.None = bytesOf(c.Is), bytesOf(c.Any), bytesOf(c.None)
		c.Contains = each(c.Contains, sub)
		c.Lacks = each(c.Lacks, sub)
		st.Verify.Conditions[i] = c
	}
	return st
}

func each(list []string, f func(string) string) []string {
	out := slices.Clone(list)
	for i := range out {
		out[i] = f(out[i])
	}
	return out
}

// rebase puts the lists that a policy has now, joined with what the step adds, into the
// step's request, so that what others added since the plan stays.
func rebase(st Step, users, groups []string) Step {
	addUsers, addGroups := joined(st)
	var b policyBody
	if len(addUsers) > 0 {
		b.Conditions.Users.ExcludeUsers = append(slices.Clone(users), missing(addUsers, users)...)
	}
	if len(addGroups) > 0 {
		b.Conditions.Users.ExcludeGroups = append(slices.Clone(groups), missing(addGroups, groups)...)
	}
	st.Request.Body = body(b)
	return st
}

// isExclusion says whether the step changes a policy.
func isExclusion(st Step) bool {
	return st.Request.Method == "PATCH" && strings.HasPrefix(st.Request.Path, strings.TrimSuffix(pathPolicies, "{}"))
}

// rebaseOn is rebase on a reading; a policy that it does not hold leaves the step as it is.
func rebaseOn(s *entra.Snapshot, st Step) Step {
	if !isExclusion(st) {
		return st
	}
	p := policyOf(s, strings.TrimPrefix(st.Request.Path, strings.TrimSuffix(pathPolicies, "{}")))
	if p == nil {
		return st
	}
	users := p.Conditions.Or(entra.Conditions{}).Users.Or(entra.UserCondition{})
	return rebase(st, users.ExcludeUsers.Or(nil), users.ExcludeGroups.Or(nil))
}

// addressed is the request as it is sent: with the cloud's base URL in references.
func addressed(r Request, graph string) Request {
	r.Body = bytes.ReplaceAll(r.Body, []byte(GraphBase), []byte(strings.TrimSuffix(graph, "/")))
	if len(r.Body) == 0 {
		r.Body = nil
	}
	return r
}
