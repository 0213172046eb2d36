package graph

import (
	"net/http"
	"strings"

	"github.com/google/uuid"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// collRolePolicies keeps the settings of roles that differ from PIM's defaults, by role:
// {id, _role, rules: {rule id: {changed properties}}}. Every role has a policy when read.
const collRolePolicies = "policies/roleManagementPolicies"

// rulesRoutes is PIM's role settings.
func (a *API) rulesRoutes() []route {
	const policies, assignments = "/policies/roleManagementPolicies", "/policies/roleManagementPolicyAssignments"
	readers := append([]string{roleIdentityGovernanceAdmin}, readsRoles...)
	return []route{
		{method: "GET", pattern: policies, roles: readers, handle: (*call).listRolePolicies},
		{method: "GET", pattern: policies + "/{id}", roles: readers, handle: (*call).getRolePolicy},
		{method: "GET", pattern: policies + "/{id}/rules", roles: readers, handle: (*call).listRules},
		{method: "GET", pattern: policies + "/{id}/rules/{rule}", roles: readers, handle: (*call).getRule},
		{method: "PATCH", pattern: policies + "/{id}/rules/{rule}", roles: writesRoles, handle: (*call).updateRule},
		{method: "GET", pattern: assignments, roles: readers, handle: (*call).listPolicyAssignments},
		{method: "GET", pattern: assignments + "/{id}", roles: readers, handle: (*call).getPolicyAssignment},
	}
}

// rolePolicyID is the policy of a role in this tenant, always the same.
func (c *call) rolePolicyID(role string) string {
	return "DirectoryRole_" + c.tx.TenantID() + "_" + uuid.NewSHA1(uuid.NameSpaceOID, []byte(c.tx.TenantID()+role)).String()
}

// rolePolicy is the settings of one role, its rules written out.
func (c *call) rolePolicy(role string) state.Object {
	id := c.rolePolicyID(role)
	stored := c.tx.Find(collRolePolicies, func(p state.Object) bool {
		return strings.EqualFold(p.String("_role"), role) || strings.EqualFold(p.ID(), id)
	})
	rules := []any{}
	for _, r := range defaultRules() {
		merge(r, stored.Object("rules").Object(r.ID()))
		rules = append(rules, map[string]any(r))
	}
	p := state.Object{
		"id": id, "displayName": "DirectoryRole", "description": "DirectoryRole", "isOrganizationDefault": false,
		"scopeId": "/", "scopeType": "DirectoryRole", "lastModifiedDateTime": stored["lastModifiedDateTime"],
		"lastModifiedBy": map[string]any{"id": nil, "displayName": ""}, "rules": rules, "effectiveRules": rules, "_role": role,
	}
	return p
}

// rule is one rule of a role's policy by its id.
func (c *call) rule(role, id string) state.Object {
	for _, r := range rulesOf(c.rolePolicy(role)) {
		if strings.EqualFold(r.ID(), id) {
			return r
		}
	}
	return nil
}

func rulesOf(policy state.Object) []state.Object {
	list, _ := policy["rules"].([]any)
	var out []state.Object
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func (c *call) listRolePolicies() {
	if !c.governed() {
		return
	}
	if !strings.Contains(c.query["filter"], "scopeId") || !strings.Contains(c.query["filter"], "scopeType") {
		c.fail(http.StatusBadRequest, "MissingProvider", "The provider is missing.")
		return
	}
	var out []state.Object
	for _, d := range c.tx.List(collRoleDefinitions) {
		out = append(out, c.rolePolicy(d.ID()))
	}
	c.list(out, "unifiedRoleManagementPolicy")
}

// policyOf is the settings behind the id in the path; it answers 404 itself.
func (c *call) policyOf() state.Object {
	if !c.governed() {
		return nil
	}
	for _, d := range c.tx.List(collRoleDefinitions) {
		if strings.EqualFold(c.rolePolicyID(d.ID()), c.params["id"]) {
			return c.rolePolicy(d.ID())
		}
	}
	c.fail(http.StatusNotFound, "PolicyNotFound", "The policy is not found.")
	return nil
}

func (c *call) getRolePolicy() {
	if p := c.policyOf(); p != nil {
		c.one(p, "unifiedRoleManagementPolicy")
	}
}

func (c *call) listRules() {
	if p := c.policyOf(); p != nil {
		c.list(rulesOf(p), "unifiedRoleManagementPolicyRule")
	}
}

func (c *call) getRule() {
	p := c.policyOf()
	if p == nil {
		return
	}
	if r := c.rule(p.String("_role"), c.params["rule"]); r != nil {
		c.one(r, ruleType(r))
		return
	}
	c.fail(http.StatusNotFound, "RuleNotFound", "The rule is not found.")
}

func ruleType(r state.Object) string {
	return strings.TrimPrefix(r.String("@odata.type"), "#microsoft.graph.")
}

func (c *call) updateRule() {
	p := c.policyOf()
	if p == nil {
		return
	}
	r := c.rule(p.String("_role"), c.params["rule"])
	if r == nil {
		c.fail(http.StatusNotFound, "RuleNotFound", "The rule is not found.")
		return
	}
	if !c.decode(ruleType(r)) {
		return
	}
	role := p.String("_role")
	stored := c.tx.Find(collRolePolicies, func(p state.Object) bool { return strings.EqualFold(p.String("_role"), role) })
	if stored == nil {
		stored = state.Object{"id": c.rolePolicyID(role), "_role": role, "rules": map[string]any{}}
	}
	changed := c.body.Clone()
	for _, key := range []string{"@odata.type", "id", "target"} {
		delete(changed, key)
	}
	rules := stored.Object("rules")
	if have := rules.Object(r.ID()); have != nil {
		merge(have, changed)
	} else {
		rules[r.ID()] = map[string]any(changed)
	}
	stored["lastModifiedDateTime"] = logs.Instant(c.now())
	c.tx.Put(collRolePolicies, stored)
	c.auditBy(logs.PIM, "RoleManagement", "Update", "Update role setting in PIM",
		logs.Target("Role", c.roleDefinition(role), logs.Changed(r.ID(), r.Public(), c.rule(role, r.ID()).Public())))
	c.one(c.rule(role, r.ID()), ruleType(r))
}

// policyAssignment ties a role to its settings.
func (c *call) policyAssignment(role string) state.Object {
	policy := c.rolePolicyID(role)
	return state.Object{
		"id": policy + "_" + role, "policyId": policy, "scopeId": "/", "scopeType": "DirectoryRole", "roleDefinitionId": role,
	}
}

// listPolicyAssignments wants scopeId and scopeType in the filter, as the live service does.
func (c *call) listPolicyAssignments() {
	if !c.governed() {
		return
	}
	if !strings.Contains(c.query["filter"], "scopeId") || !strings.Contains(c.query["filter"], "scopeType") {
		c.fail(http.StatusBadRequest, "MissingProvider", "The provider is missing.")
		return
	}
	var out []state.Object
	for _, d := range c.tx.List(collRoleDefinitions) {
		out = append(out, c.policyAssignment(d.ID()))
	}
	c.list(out, "unifiedRoleManagementPolicyAssignment")
}

func (c *call) getPolicyAssignment() {
	if !c.governed() {
		return
	}
	for _, d := range c.tx.List(collRoleDefinitions) {
		if a := c.policyAssignment(d.ID()); strings.EqualFold(a.ID(), c.params["id"]) {
			c.one(a, "unifiedRoleManagementPolicyAssignment")
			return
		}
	}
	c.fail(http.StatusNotFound, "PolicyNotFound", "The policy is not found.")
}

// defaultRules is the settings that every role has until somebody changes them
// ("Configure Microsoft Entra role settings in PIM"; the longest durations are from memory).
func defaultRules() []state.Object {
	rules := []state.Object{
		expirationRule("Expiration_Admin_Eligibility", "Admin", "Eligibility", false, "P365D"),
		enablementRule("Enablement_Admin_Eligibility", "Admin", "Eligibility"),
		expirationRule("Expiration_Admin_Assignment", "Admin", "Assignment", false, "P180D"),
		enablementRule("Enablement_Admin_Assignment", "Admin", "Assignment", "Justification"),
		expirationRule("Expiration_EndUser_Assignment", "EndUser", "Assignment", true, "PT8H"),
		enablementRule("Enablement_EndUser_Assignment", "EndUser", "Assignment", "MultiFactorAuthentication", "Justification"),
		ruleOf("ApprovalRule", "Approval_EndUser_Assignment", "EndUser", "Assignment", state.Object{"setting": map[string]any{
			"isApprovalRequired": false, "isApprovalRequiredForExtension": false, "isRequestorJustificationRequired": true,
			"approvalMode": "SingleStage", "approvalStages": []any{map[string]any{
				"approvalStageTimeOutInDays": 1, "isApproverJustificationRequired": true, "escalationTimeInMinutes": 0,
				"isEscalationEnabled": false, "primaryApprovers": []any{}, "escalationApprovers": []any{},
			}},
		}}),
		ruleOf("AuthenticationContextRule", "AuthenticationContext_EndUser_Assignment", "EndUser", "Assignment",
			state.Object{"isEnabled": false, "claimValue": ""}),
	}
	for _, who := range [][2]string{{"Admin", "Eligibility"}, {"Admin", "Assignment"}, {"EndUser", "Assignment"}} {
		for _, to := range []string{"Admin", "Requestor", "Approver"} {
			rules = append(rules, ruleOf("NotificationRule", "Notification_"+to+"_"+who[0]+"_"+who[1], who[0], who[1], state.Object{
				"notificationType": "Email", "recipientType": to, "notificationLevel": "All",
				"isDefaultRecipientsEnabled": true, "notificationRecipients": []any{},
			}))
		}
	}
	return rules
}

func expirationRule(id, caller, level string, required bool, longest string) state.Object {
	return ruleOf("ExpirationRule", id, caller, level, state.Object{"isExpirationRequired": required, "maximumDuration": longest})
}

func enablementRule(id, caller, level string, rules ...string) state.Object {
	return ruleOf("EnablementRule", id, caller, level, state.Object{"enabledRules": toAny(rules)})
}

func ruleOf(kind, id, caller, level string, props state.Object) state.Object {
	r := state.Object{
		"@odata.type": "#microsoft.graph.unifiedRoleManagementPolicy" + kind, "id": id,
		"target": map[string]any{
			"caller": caller, "operations": []any{"all"}, "level": level, "inheritableSettings": []any{}, "enforcedSettings": []any{},
		},
	}
	for k, v := range props {
		r[k] = v
	}
	return r
}
