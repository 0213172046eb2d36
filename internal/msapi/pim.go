package msapi

import (
	"context"
	"encoding/json"
	"net/url"

	"breakglass/internal/entra"
)

// activeRoles: "List roleAssignmentScheduleInstances"; RoleAssignmentSchedule.Read.Directory; P2.
func (r *reader) activeRoles(ctx context.Context) {
	all := r.instances(ctx, entra.PartActiveRoles, "/roleManagement/directory/roleAssignmentScheduleInstances")
	r.put(func(s *entra.Snapshot) { s.ActiveRoles = all })
}

// eligibleRoles: "List roleEligibilityScheduleInstances"; RoleEligibilitySchedule.Read.Directory; P2.
func (r *reader) eligibleRoles(ctx context.Context) {
	all := r.instances(ctx, entra.PartEligibleRoles, "/roleManagement/directory/roleEligibilityScheduleInstances")
	r.put(func(s *entra.Snapshot) { s.EligibleRoles = all })
}

func (r *reader) instances(ctx context.Context, p entra.Part, path string) []entra.RoleInstance {
	return collectAll(ctx, r, p, "/"+v1+path+"?$filter=roleDefinitionId eq (each watched role)",
		perRole(path, "", entra.WatchedRoles()), decodeInstance)
}

func decodeInstance(raw json.RawMessage) (entra.RoleInstance, error) {
	i, err := as[entra.RoleInstance](raw)
	if err == nil && (i.RoleID == "" || i.PrincipalID == "") {
		return i, errMissing("roleDefinitionId or principalId")
	}
	return i, err
}

// roleSettings: "List roleManagementPolicyAssignments"; RoleManagement.Read.Directory; P2.
func (r *reader) roleSettings(ctx context.Context) {
	const path = "/policies/roleManagementPolicyAssignments"
	var paths []string
	for _, id := range entra.WatchedRoles()[:entra.AdministratorRoles] {
		paths = append(paths, path+"?$filter=scopeId eq '/' and scopeType eq 'DirectoryRole' and roleDefinitionId eq '"+
			url.QueryEscape(id)+"'&$expand=policy($expand=rules)")
	}
	all := collectAll(ctx, r, entra.PartRoleSettings,
		"/"+v1+path+"?$filter=scopeId eq '/' and scopeType eq 'DirectoryRole' and roleDefinitionId eq (each administrator role)&$expand=policy($expand=rules)",
		paths, decodeSetting)
	r.put(func(s *entra.Snapshot) { s.RoleSettings = all })
}

func decodeSetting(raw json.RawMessage) (entra.RoleSetting, error) {
	var v struct {
		RoleID   string `json:"roleDefinitionId"`
		PolicyID string `json:"policyId"`
		Policy   *struct {
			ID    string             `json:"id"`
			Rules *[]json.RawMessage `json:"rules"`
		} `json:"policy"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return entra.RoleSetting{}, err
	}
	if v.RoleID == "" || v.Policy == nil || v.Policy.Rules == nil {
		return entra.RoleSetting{}, errMissing("policy with rules")
	}
	out := entra.RoleSetting{RoleID: v.RoleID, PolicyID: cmpOr(v.PolicyID, v.Policy.ID), Rules: []entra.RoleRule{}}
	for _, raw := range *v.Policy.Rules {
		rule, err := decodeRule(raw)
		if err != nil {
			return out, err
		}
		out.Rules = append(out.Rules, rule)
	}
	return out, nil
}

// approver is a userSet: one user, a group's members, or a relation such as the manager.
type approver struct {
	ODataType   string              `json:"@odata.type"`
	UserID      string              `json:"userId"`
	GroupID     string              `json:"groupId"`
	ID          string              `json:"id"`
	Description entra.Maybe[string] `json:"description"`
}

func decodeRule(raw json.RawMessage) (entra.RoleRule, error) {
	rule, err := as[entra.RoleRule](raw)
	if err != nil {
		return rule, err
	}
	rule.Approvers = entra.Maybe[[]entra.Member]{}
	var v struct {
		Setting *struct {
			IsApprovalRequired entra.Maybe[bool] `json:"isApprovalRequired"`
			Stages             *[]struct {
				Approvers *[]approver `json:"primaryApprovers"`
			} `json:"approvalStages"`
		} `json:"setting"`
	}
	if json.Unmarshal(raw, &v) != nil || v.Setting == nil {
		return rule, nil
	}
	rule.IsApprovalRequired = v.Setting.IsApprovalRequired
	if v.Setting.Stages == nil {
		return rule, nil
	}
	all := []entra.Member{}
	for _, s := range *v.Setting.Stages {
		if s.Approvers == nil {
			return rule, nil // not told
		}
		for _, a := range *s.Approvers {
			all = append(all, a.member())
		}
	}
	rule.Approvers = entra.Some(all)
	return rule, nil
}

func (a approver) member() entra.Member {
	m := entra.Member{ID: a.ID, Type: kind(a.ODataType), DisplayName: a.Description}
	switch m.Type {
	case "singleUser":
		m.Type, m.ID = "user", a.UserID
	case "groupMembers":
		m.Type, m.ID = "group", a.GroupID
	}
	return m
}
