package graph

import (
	"net/http"
	"strings"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// Where Conditional Access keeps its objects.
const (
	collPolicies        = "identity/conditionalAccess/policies"
	collDeletedPolicies = "identity/conditionalAccess/deletedItems/policies"
	collLocations       = "identity/conditionalAccess/namedLocations"
	collDeletedLocation = "identity/conditionalAccess/deletedItems/namedLocations"
	collContexts        = "identity/conditionalAccess/authenticationContextClassReferences"
	collStrengths       = "policies/authenticationStrengthPolicies"
)

// Directory roles that may read and change Conditional Access (Microsoft Entra built-in roles).
var (
	readsPolicies  = []string{roleConditionalAccessAdmin, roleSecurityAdministrator, roleSecurityReader, roleGlobalReader, roleSecurityOperator}
	writesPolicies = []string{roleConditionalAccessAdmin, roleSecurityAdministrator}
)

// Writing wants to read as well: Graph pages "Create/Update conditionalAccessPolicy".
var (
	needsPolicyRead  = both("Policy.Read.All")
	needsPolicyWrite = both("Policy.ReadWrite.ConditionalAccess+Policy.Read.All")
)

// conditionalAccessRoutes is policies, their soft-deleted forms and what they refer to.
func (a *API) conditionalAccessRoutes() []route {
	const policies, deleted = "/identity/conditionalAccess/policies", "/identity/conditionalAccess/deletedItems/policies"
	routes := []route{
		{method: "GET", pattern: policies, need: needsPolicyRead, roles: readsPolicies, handle: (*call).listPolicies},
		{method: "POST", pattern: policies, need: needsPolicyWrite, roles: writesPolicies, handle: (*call).createPolicy},
		{method: "GET", pattern: policies + "/{id}", need: needsPolicyRead, roles: readsPolicies, handle: (*call).getPolicy},
		{method: "PATCH", pattern: policies + "/{id}", need: needsPolicyWrite, roles: writesPolicies, handle: (*call).updatePolicy},
		{method: "DELETE", pattern: policies + "/{id}", need: needsPolicyWrite, roles: writesPolicies, handle: (*call).deletePolicy},
		{method: "GET", pattern: deleted, need: needsPolicyRead, roles: readsPolicies, handle: (*call).listDeletedPolicies},
		{method: "GET", pattern: deleted + "/{id}", need: needsPolicyRead, roles: readsPolicies, handle: (*call).getDeletedPolicy},
		{method: "POST", pattern: deleted + "/{id}/restore", need: needsPolicyWrite, roles: writesPolicies, handle: (*call).restorePolicy},
		{method: "DELETE", pattern: deleted + "/{id}", need: needsPolicyWrite, roles: writesPolicies, handle: (*call).purgePolicy},
		{method: "POST", pattern: "/identity/conditionalAccess/evaluate", roles: readsPolicies, handle: (*call).whatIf},
		{method: "GET", pattern: "/identity/conditionalAccess/templates", need: needsPolicyRead, handle: func(c *call) {
			c.notModelled("the templates of Conditional Access")
		}},
	}
	routes = append(routes, a.locationRoutes()...)
	return append(routes, a.strengthRoutes()...)
}

// conditionalAccessLicensed answers 403 and returns false in a tenant without P1.
// The code and text are from memory: the client must tell by status and subscribedSkus.
func (c *call) conditionalAccessLicensed() bool {
	if c.licensed("AAD_PREMIUM") {
		return true
	}
	c.fail(http.StatusForbidden, "AccessDenied", "Your tenant is not licensed for Conditional Access. Microsoft Entra ID P1 is required.")
	return false
}

// conditionalAccessBad is a refusal in the form of the Conditional Access service: a number, then the text.
func (c *call) conditionalAccessBad(problem string) {
	c.fail(http.StatusBadRequest, "BadRequest", problem)
}

func (c *call) noSuchPolicy(id string) {
	c.fail(http.StatusNotFound, "ResourceNotFound", "1004: The conditional access policy '"+id+"' could not be found.")
}

func (c *call) listPolicies() {
	if !c.conditionalAccessLicensed() {
		return
	}
	var out []state.Object
	for _, p := range c.tx.List(collPolicies) {
		out = append(out, c.shownPolicy(p))
	}
	c.list(out, "conditionalAccessPolicy")
}

func (c *call) getPolicy() {
	if !c.conditionalAccessLicensed() {
		return
	}
	p := c.get(collPolicies, c.params["id"])
	if p == nil {
		c.noSuchPolicy(c.params["id"])
		return
	}
	c.one(c.shownPolicy(p), "conditionalAccessPolicy")
}

func (c *call) createPolicy() {
	if !c.conditionalAccessLicensed() || !c.decodePolicy() {
		return
	}
	p := c.body.Clone()
	dropReadOnly(p)
	fillPolicy(p)
	if problem := c.checkPolicy(p, nil); problem != "" {
		c.conditionalAccessBad(problem)
		return
	}
	p["createdDateTime"], p["modifiedDateTime"] = logs.Instant(c.now()), nil
	p["templateId"] = c.body["templateId"]
	p = c.create(collPolicies, p)
	c.auditPolicy("Add", p, nil, policyRecord(p))
	c.created(c.shownPolicy(p), "conditionalAccessPolicy")
}

// updatePolicy merges as Graph does: objects property by property, collections whole,
// null clears. There is no ETag, so the last writer wins.
func (c *call) updatePolicy() {
	if !c.conditionalAccessLicensed() {
		return
	}
	before := c.get(collPolicies, c.params["id"])
	if before == nil {
		c.noSuchPolicy(c.params["id"])
		return
	}
	if !c.decodePolicy() {
		return
	}
	if before.Bool("_managed") && !managedAllows(c.body) {
		c.fail(http.StatusBadRequest, "BadRequest", "1095: Only the state and the exclusions of a Microsoft-managed policy can be changed.")
		return
	}
	after := before.Clone()
	merge(after, c.body)
	after["id"], after["createdDateTime"], after["deletedDateTime"] = before["id"], before["createdDateTime"], nil
	fillPolicy(after)
	if problem := c.checkPolicy(after, before); problem != "" {
		c.conditionalAccessBad(problem)
		return
	}
	after["modifiedDateTime"] = logs.Instant(c.now())
	c.tx.Put(collPolicies, after)
	c.auditPolicy("Update", after, policyRecord(before), policyRecord(after))
	c.noContent()
}

// managedAllows is true when a change touches only what administrators may change in a
// policy that Microsoft manages: state and exclusions ("Microsoft-managed Conditional Access policies").
func managedAllows(patch state.Object) bool {
	for key := range patch {
		if key != "state" && key != "conditions" && !strings.HasPrefix(key, "@odata") {
			return false
		}
	}
	for key := range patch.Object("conditions") {
		if key != "users" && !strings.HasPrefix(key, "@odata") {
			return false
		}
	}
	for key := range patch.Object("conditions").Object("users") {
		if !strings.HasPrefix(key, "exclude") && !strings.HasPrefix(key, "@odata") {
			return false
		}
	}
	return true
}

func (c *call) deletePolicy() {
	if !c.conditionalAccessLicensed() {
		return
	}
	p := c.get(collPolicies, c.params["id"])
	if p == nil {
		c.noSuchPolicy(c.params["id"])
		return
	}
	if p.Bool("_managed") {
		c.fail(http.StatusBadRequest, "BadRequest", "1096: A Microsoft-managed policy cannot be deleted.")
		return
	}
	c.tx.Delete(collPolicies, p.ID())
	if c.keepsDeleted() {
		gone := p.Clone()
		gone["deletedDateTime"] = logs.Instant(c.now())
		c.tx.Put(collDeletedPolicies, gone)
	}
	c.auditPolicy("Delete", p, policyRecord(p), nil)
	c.noContent()
}

// keepsDeleted: the sovereign clouds' metadata have no soft-deleted policies.
func (c *call) keepsDeleted() bool {
	cloud := c.tx.World().Cloud
	return cloud == "" || cloud == "public"
}

// deletedKnown answers as Graph does for an unknown path where soft delete is missing.
func (c *call) deletedKnown() bool {
	if c.keepsDeleted() {
		return c.conditionalAccessLicensed()
	}
	c.fail(http.StatusBadRequest, "BadRequest", "Resource not found for the segment 'deletedItems'.")
	return false
}

func (c *call) listDeletedPolicies() {
	if !c.deletedKnown() {
		return
	}
	var out []state.Object
	for _, p := range c.tx.List(collDeletedPolicies) {
		out = append(out, c.shownPolicy(p))
	}
	c.list(out, "conditionalAccessPolicy")
}

func (c *call) getDeletedPolicy() {
	if !c.deletedKnown() {
		return
	}
	if p := c.get(collDeletedPolicies, c.params["id"]); p != nil {
		c.one(c.shownPolicy(p), "conditionalAccessPolicy")
		return
	}
	c.noSuchPolicy(c.params["id"])
}

// restorePolicy brings a policy back as it was; its state too, so that a restored block blocks again.
func (c *call) restorePolicy() {
	if !c.deletedKnown() {
		return
	}
	p := c.get(collDeletedPolicies, c.params["id"])
	if p == nil {
		c.noSuchPolicy(c.params["id"])
		return
	}
	c.tx.Delete(collDeletedPolicies, p.ID())
	p["deletedDateTime"] = nil
	c.tx.Put(collPolicies, p)
	c.auditPolicy("Restore", p, nil, policyRecord(p))
	c.one(c.shownPolicy(p), "conditionalAccessPolicy")
}

func (c *call) purgePolicy() {
	if !c.deletedKnown() {
		return
	}
	p := c.get(collDeletedPolicies, c.params["id"])
	if p == nil {
		c.noSuchPolicy(c.params["id"])
		return
	}
	c.tx.Delete(collDeletedPolicies, p.ID())
	c.auditPolicy("Hard Delete", p, policyRecord(p), nil)
	c.noContent()
}

// auditPolicy writes the two records of one policy change: the Conditional Access
// service's, with the whole policy before and after, and the directory's twin.
func (c *call) auditPolicy(verb string, p state.Object, before, after any) {
	operation := strings.TrimPrefix(verb, "Hard ")
	c.auditBy(logs.ConditionalAccess, "Policy", operation, verb+" Conditional Access policy",
		logs.Target("Policy", p, logs.Changed("ConditionalAccessPolicy", before, after)))
	c.audit("Policy", operation, verb+" policy",
		logs.Target("Policy", p, logs.Changed("DisplayName", names(before), names(after))))
}

// names is the directory's array form of a policy's display name.
func names(p any) any {
	o, ok := p.(state.Object)
	if !ok {
		return nil
	}
	return []any{o.String("displayName")}
}

// auditBy is audit for a service other than Core Directory; same call, same correlation id.
func (c *call) auditBy(service, category, operation, activity string, targets ...state.Object) {
	if c.correlation == "" {
		c.correlation = state.NewID()
	}
	rec := logs.Event(category, service, operation, activity, logs.By(c.tx, c.who, c.ip()), targets...)
	rec["correlationId"] = c.correlation
	c.api.Logs.Audit(c.tx, rec)
}

// policyRecord is a policy as the audit log quotes it.
func policyRecord(p state.Object) state.Object { return p.Public() }

// dropReadOnly takes out what the service sets itself and clients may echo.
func dropReadOnly(o state.Object) {
	for _, key := range []string{"id", "createdDateTime", "modifiedDateTime", "deletedDateTime"} {
		delete(o, key)
	}
	for key := range o {
		if strings.HasPrefix(key, "@odata.") || strings.HasPrefix(key, "_") {
			delete(o, key)
		}
	}
}

// merge applies a PATCH: nested objects property by property, everything else replaced.
func merge(into, patch map[string]any) {
	for key, v := range patch {
		if strings.HasPrefix(key, "@odata.") || strings.HasPrefix(key, "_") {
			continue
		}
		change, isObject := v.(map[string]any)
		have, had := into[key].(map[string]any)
		if isObject && had {
			merge(have, change)
			continue
		}
		into[key] = v
	}
}
