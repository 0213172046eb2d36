package plan

import (
	"encoding/json"
	"fmt"
	"strings"

	"breakglass/internal/entra"
)

const toolOther = "other"

// managedElsewhere says which other tool manages a policy, and how that is known: from the
// file, or because the audit log shows an application that is not ours as its last writer.
func (m *maker) managedElsewhere(p entra.Policy) (tool, why string) {
	if by := m.d.ConditionalAccess.ManagedBy; by != "" && by != "breakglass" {
		return by, "the file says conditional_access.managed_by: " + by
	}
	for _, c := range m.s.PolicyChanges {
		if strings.EqualFold(c.PolicyID, p.ID) && c.ActorKind == "application" && !m.isUs(c) {
			return toolOther, fmt.Sprintf("the audit log shows the application %s as its last writer, on %s", c.ActorName, c.At.UTC().Format("2 January 2006"))
		}
	}
	return "", ""
}

func (m *maker) isUs(c entra.PolicyChange) bool {
	r := m.s.Reader
	return (c.Actor != "" && (strings.EqualFold(c.Actor, r.AppID) || strings.EqualFold(c.Actor, r.ObjectID))) ||
		strings.HasPrefix(strings.ToLower(c.ActorName), "breakglass")
}

// emit writes the change for the tool that manages the policy.
func (m *maker) emit(tool, why string, p entra.Policy, st Step) {
	e := Emitted{Tool: tool, PolicyID: p.ID, Title: p.DisplayName.Or(p.ID), Why: why}
	var b policyBody
	if err := json.Unmarshal(st.Request.Body, &b); err != nil {
		panic("a body of ours that does not decode: " + err.Error()) // made by exclusion, one call up
	}
	users, groups := b.Conditions.Users.ExcludeUsers, b.Conditions.Users.ExcludeGroups
	switch tool {
	case "terraform":
		e.Text = terraform(p, users, groups)
	case "microsoft365dsc":
		e.Text = dsc(m.guard.before, m.accounts, p, users, groups)
	default:
		e.Text = generic(p, st)
	}
	m.p.Emitted = append(m.p.Emitted, e)
	next := "make this change in the tool that manages the policy (see the emitted text), then make the plan again"
	if strings.Contains(e.Text, "{account:") || strings.Contains(e.Text, newGroup) {
		next = "apply this plan, then make the plan again: the change can then name the new objects' ids"
	}
	m.open("", "not done here: "+st.Sentence, why, next)
}

// terraform is a change of the provider hashicorp/azuread's resource.
func terraform(p entra.Policy, users, groups []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n# In the azuread_conditional_access_policy resource with object id %s:\nconditions {\n  users {\n", oneLine(p.DisplayName.Or("")), p.ID)
	if len(users) > 0 {
		fmt.Fprintf(&b, "    excluded_users = %s\n", list(users, "[", "]"))
	}
	if len(groups) > 0 {
		fmt.Fprintf(&b, "    excluded_groups = %s\n", list(groups, "[", "]"))
	}
	return b.String() + "  }\n}\n"
}

// dsc is a change of Microsoft365DSC's resource, which names users by their sign-in names.
func dsc(s *entra.Snapshot, accounts []*subject, p entra.Policy, users, groups []string) string {
	names := make([]string, 0, len(users))
	for _, id := range users {
		name := id
		if u := s.User(id); u != nil {
			name = u.UserPrincipalName.Or(id)
		}
		for _, a := range accounts {
			if a.id == id {
				name = a.want.UserPrincipalName
			}
		}
		names = append(names, name)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# In AADConditionalAccessPolicy with Id = '%s' (%s):\n", p.ID, oneLine(p.DisplayName.Or("")))
	if len(names) > 0 {
		fmt.Fprintf(&b, "ExcludeUsers  = %s\n", list(names, "@(", ")"))
	}
	if len(groups) > 0 {
		fmt.Fprintf(&b, "# The group by its display name:\nExcludeGroups = %s\n", list(groups, "@(", ")"))
	}
	return b.String()
}

// generic is the request itself, for any tool.
func generic(p entra.Policy, st Step) string {
	data, err := json.MarshalIndent(struct {
		Policy string  `json:"policyId"`
		Title  string  `json:"displayName"`
		Change Request `json:"change"`
	}{p.ID, p.DisplayName.Or(""), st.Request}, "", "  ")
	if err != nil {
		panic("a request that does not encode: " + err.Error()) // plain data
	}
	return string(data) + "\n"
}

func list(items []string, open, end string) string {
	quoted := make([]string, len(items))
	for i, v := range items {
		data, _ := json.Marshal(v) // a string always encodes
		quoted[i] = string(data)
	}
	return open + strings.Join(quoted, ", ") + end
}

// oneLine keeps a name that others chose inside its comment.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '\u2028' || r == '\u2029' || r == 0x7f || r == 0x85 {
			return ' '
		}
		return r
	}, s)
}
