package graph

import (
	"net/http"
	"slices"
	"strings"

	"breakglass/internal/simtenant/state"
)

// governanceRoutes is what could remove an account behind everybody's back: access reviews
// and lifecycle workflows. They are read only; nothing runs here.
func (a *API) governanceRoutes() []route {
	const reviews, workflows = "/identityGovernance/accessReviews/definitions", "/identityGovernance/lifecycleWorkflows/workflows"
	readers := []string{roleGlobalReader, roleSecurityReader, roleSecurityAdministrator, roleUserAdministrator, rolePrivilegedRoleAdmin}
	needsReview := both("AccessReview.Read.All", "AccessReview.ReadWrite.All", "AccessReview.ReadWrite.Membership")
	needsWorkflow := both("LifecycleWorkflows-Workflow.ReadBasic.All", "LifecycleWorkflows-Workflow.Read.All", "LifecycleWorkflows-Workflow.ReadWrite.All", "LifecycleWorkflows.Read.All", "LifecycleWorkflows.ReadWrite.All")
	routes := governed(reviews, "accessReviewScheduleDefinition", needsReview, readers, "AAD_PREMIUM_P2")
	return append(routes, governed(workflows, "workflow", needsWorkflow, readers, "AAD_PREMIUM_P2")...)
}

// governed is the list and the item of one read-only collection behind a licence. The
// trimmed metadata lack governance types, so only $top, $select and $filter on what the
// engine knows would work: options are refused by name rather than ignored.
func governed(pattern, typ string, need access, readers []string, plan string) []route {
	coll := strings.TrimPrefix(pattern, "/")
	licensed := func(c *call) bool {
		if c.licensed(plan) {
			return true
		}
		c.fail(http.StatusForbidden, "AccessDenied", "The tenant needs a Microsoft Entra ID Governance or P2 license.")
		return false
	}
	return []route{
		{method: "GET", pattern: pattern, need: need, roles: readers, handle: func(c *call) {
			if licensed(c) {
				c.plainList(c.tx.List(coll), typ)
			}
		}},
		{method: "GET", pattern: pattern + "/{id}", need: need, roles: readers, handle: func(c *call) {
			if !licensed(c) {
				return
			}
			if o := c.get(coll, c.params["id"]); o != nil {
				out := o.Public()
				out["@odata.context"] = c.base() + "/" + c.version + "/$metadata#" + coll + "/$entity"
				c.reply(http.StatusOK, out)
				return
			}
			c.notFound(c.params["id"])
		}},
	}
}

// plainList answers objects whose type the metadata lack: whole, in one page, without options.
func (c *call) plainList(objects []state.Object, typ string) {
	for key := range c.query {
		if !slices.Contains([]string{"top", "count"}, key) {
			c.notModelled("$" + key + " on " + typ)
			return
		}
	}
	value := make([]any, 0, len(objects))
	for _, o := range objects {
		if c.visible(o) {
			value = append(value, map[string]any(o.Public()))
		}
	}
	c.reply(http.StatusOK, map[string]any{"@odata.context": c.base() + "/" + c.version + "/$metadata#" + strings.Trim(c.path, "/"), "value": value})
}

// subscriptionRoutes: a tenant without subscriptions. Making one would promise
// notifications that are not modelled yet, so it is refused by name.
func (a *API) subscriptionRoutes() []route {
	need := both("User.Read.All", "Directory.Read.All", "Group.Read.All", "GroupMember.Read.All")
	return []route{
		{method: "GET", pattern: "/subscriptions", need: need, handle: func(c *call) { c.list(nil, "subscription") }},
		{method: "POST", pattern: "/subscriptions", need: need, handle: func(c *call) { c.notModelled("change notifications") }},
	}
}
