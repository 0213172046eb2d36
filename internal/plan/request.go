package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// kind is one sort of request that a plan may hold. There are no others: Decode refuses a
// file with a request that is not in this table, and every request has its effect foretold.
type kind struct {
	method, version, pattern string
	// body is a new value of the one shape that the request's body may have; nil for none.
	body func() any
	// effect changes the reading as the request would change the tenant.
	effect func(c *change) outcome
	// harms are the ids of users who could be worse off; the guards look at them.
	harms func(c *change) []string
	needs Needs
}

// change is one request at work on a reading.
type change struct {
	s       *entra.Snapshot
	params  []string
	body    any
	creates string
}

type userBody struct {
	AccountEnabled    *bool            `json:"accountEnabled,omitempty"`
	DisplayName       *string          `json:"displayName,omitempty"`
	MailNickname      *string          `json:"mailNickname,omitempty"`
	UserPrincipalName *string          `json:"userPrincipalName,omitempty"`
	PasswordPolicies  *string          `json:"passwordPolicies,omitempty"`
	UsageLocation     *string          `json:"usageLocation,omitempty"`
	PasswordProfile   *passwordProfile `json:"passwordProfile,omitempty"`
}

type passwordProfile struct {
	Password    string `json:"password"`
	ForceChange bool   `json:"forceChangePasswordNextSignIn"`
}

type mfaBody struct {
	State string `json:"perUserMfaState"`
}

type groupBody struct {
	DisplayName     string `json:"displayName"`
	Description     string `json:"description,omitempty"`
	MailNickname    string `json:"mailNickname"`
	MailEnabled     bool   `json:"mailEnabled"`
	SecurityEnabled bool   `json:"securityEnabled"`
}

type unitBody struct {
	DisplayName  string `json:"displayName"`
	Description  string `json:"description,omitempty"`
	IsRestricted bool   `json:"isMemberManagementRestricted"`
}

type refBody struct {
	ID string `json:"@odata.id"`
}

type policyBody struct {
	Conditions struct {
		Users struct {
			ExcludeUsers  []string `json:"excludeUsers,omitempty"`
			ExcludeGroups []string `json:"excludeGroups,omitempty"`
		} `json:"users"`
	} `json:"conditions"`
}

type ruleBody struct {
	Type                 string `json:"@odata.type"`
	ID                   string `json:"id"`
	IsExpirationRequired bool   `json:"isExpirationRequired"`
}

type scheduleBody struct {
	Action        string `json:"action"`
	Justification string `json:"justification"`
	RoleID        string `json:"roleDefinitionId"`
	Scope         string `json:"directoryScopeId"`
	PrincipalID   string `json:"principalId"`
	ScheduleInfo  struct {
		Start      string `json:"startDateTime"`
		Expiration struct {
			Type string `json:"type"`
		} `json:"expiration"`
	} `json:"scheduleInfo"`
}

type assignmentBody struct {
	Type        string `json:"@odata.type"`
	RoleID      string `json:"roleDefinitionId"`
	PrincipalID string `json:"principalId"`
	Scope       string `json:"directoryScopeId"`
}

const (
	pathPolicies = "/identity/conditionalAccess/policies/{}"
	pathSchedule = "/roleManagement/directory/roleAssignmentScheduleRequests"
	pathDirect   = "/roleManagement/directory/roleAssignments"
	pathUsers    = "/users"
	pathGroups   = "/groups"
	pathUnits    = "/directory/administrativeUnits"
)

// The directory roles that can do a step. Microsoft's pages: "Who can perform sensitive
// actions" (users), "Create administrativeUnit", "Update conditionalaccesspolicy".
var (
	rolesUsers    = []string{"Global Administrator", "Privileged Authentication Administrator"}
	rolesRoles    = []string{"Global Administrator", "Privileged Role Administrator"}
	rolesPolicies = []string{"Global Administrator", "Conditional Access Administrator"}
	rolesGroups   = []string{"Global Administrator", "Groups Administrator"}
	rolesMethods  = []string{"Global Administrator", "Authentication Policy Administrator"}
)

// needs is for the common case: the same permissions delegated and as an application.
func needs(roles []string, licence string, permissions ...string) Needs {
	return Needs{Delegated: permissions, Application: permissions, Roles: roles, Licence: licence}
}

// kinds is the table. It is a function because a variable of functions that call each other
// could be changed.
func kinds() []kind {
	return []kind{
		{
			"POST", "v1.0", pathUsers, func() any { return new(userBody) }, createUser, nil,
			needs([]string{"Global Administrator", "User Administrator"}, "", "User.ReadWrite.All"),
		},
		{
			"PATCH", "v1.0", pathUsers + "/{}", func() any { return new(userBody) }, patchUser, harmsFirst,
			needs(rolesUsers, "", "User.ReadWrite.All"),
		},
		{
			"PATCH", "beta", pathUsers + "/{}/authentication/requirements", func() any { return new(mfaBody) }, patchMFA, harmsFirst,
			needs(rolesMethods, "", "Policy.ReadWrite.AuthenticationMethod"),
		},
		{
			"POST", "v1.0", pathGroups, func() any { return new(groupBody) }, createGroup, nil,
			needs(rolesGroups, "", "Group.ReadWrite.All"),
		},
		{
			"POST", "v1.0", pathGroups + "/{}/members/$ref", func() any { return new(refBody) }, joinGroup, harmsRef,
			needs(rolesGroups, "", "GroupMember.ReadWrite.All"),
		},
		{
			"DELETE", "v1.0", pathGroups + "/{}/members/{}/$ref", nil, leaveGroup, harmsSecond,
			needs(rolesGroups, "", "GroupMember.ReadWrite.All"),
		},
		{
			"POST", "v1.0", pathUnits, func() any { return new(unitBody) }, createUnit, nil,
			needs(rolesRoles, "Entra ID P1", "AdministrativeUnit.ReadWrite.All"),
		},
		{
			"POST", "v1.0", pathUnits + "/{}/members/$ref", func() any { return new(refBody) }, joinUnit, nil,
			needs(rolesRoles, "Entra ID P1", "AdministrativeUnit.ReadWrite.All"),
		},
		{
			"DELETE", "v1.0", pathUnits + "/{}/members/{}/$ref", nil, leaveUnit, nil,
			needs(rolesRoles, "Entra ID P1", "AdministrativeUnit.ReadWrite.All"),
		},
		{
			"PATCH", "v1.0", pathPolicies, func() any { return new(policyBody) }, patchPolicy, harmsOfPolicy,
			needs(rolesPolicies, "Entra ID P1", "Policy.Read.All and Policy.ReadWrite.ConditionalAccess"),
		},
		{
			"PATCH", "v1.0", "/policies/roleManagementPolicies/{}/rules/{}", func() any { return new(ruleBody) }, patchRule, nil,
			Needs{Delegated: []string{"RoleManagementPolicy.ReadWrite.Directory"}, Application: []string{}, Roles: rolesRoles, Licence: "Entra ID P2"},
		},
		{
			"POST", "v1.0", pathSchedule, func() any { return new(scheduleBody) }, schedule, harmsPrincipal,
			needs(rolesRoles, "Entra ID P2", "RoleAssignmentSchedule.ReadWrite.Directory"),
		},
		{
			"POST", "v1.0", pathDirect, func() any { return new(assignmentBody) }, assign, harmsPrincipal,
			needs(rolesRoles, "", "RoleManagement.ReadWrite.Directory"),
		},
	}
}

// match finds the kind of a request and decodes its body strictly.
func match(r Request) (kind, *change, error) {
	segments := strings.Split(r.Path, "/")
	for _, k := range kinds() {
		if k.method != r.Method || k.version != r.Version {
			continue
		}
		params, ok := matchPath(strings.Split(k.pattern, "/"), segments)
		if !ok {
			continue
		}
		c := &change{params: params}
		if err := c.decode(k, r.Body); err != nil {
			return kind{}, nil, fmt.Errorf("%s %s: %w", r.Method, r.Path, err)
		}
		return k, c, nil
	}
	return kind{}, nil, fmt.Errorf("%s %s %s is not a request that a plan may hold", r.Method, r.Version, r.Path)
}

func matchPath(pattern, segments []string) ([]string, bool) {
	if len(pattern) != len(segments) {
		return nil, false
	}
	var params []string
	for i, p := range pattern {
		if p != "{}" {
			if p != segments[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(segments[i])
		if err != nil || value == "" || strings.ContainsAny(value, "/?#") {
			return nil, false
		}
		params = append(params, value)
	}
	return params, true
}

func (c *change) decode(k kind, body json.RawMessage) error {
	if k.body == nil {
		if len(body) > 0 {
			return fmt.Errorf("this request has no body")
		}
		return nil
	}
	c.body = k.body()
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c.body); err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	return c.refuseBody()
}

// refuseBody refuses values that no plan of ours holds, so that an edited file cannot use a
// known request for something else.
func (c *change) refuseBody() error {
	switch b := c.body.(type) {
	case *userBody:
		if b.PasswordProfile != nil && (len(c.params) > 0 || b.PasswordProfile.Password != RandomPassword || b.PasswordProfile.ForceChange) {
			return fmt.Errorf("a plan never sets a password but the first random one, and never asks for a change of it")
		}
		if len(c.params) == 0 && (b.PasswordProfile == nil || b.UserPrincipalName == nil || b.DisplayName == nil) {
			return fmt.Errorf("a new account needs a name, a display name and the random password")
		}
		if b.AccountEnabled != nil && !*b.AccountEnabled {
			return fmt.Errorf("a plan never disables an account")
		}
	case *mfaBody:
		if b.State != "disabled" {
			return fmt.Errorf("a plan never switches per-user MFA on")
		}
	case *scheduleBody:
		if !slices.Contains([]string{"adminAssign", "adminUpdate"}, b.Action) || b.ScheduleInfo.Expiration.Type != "noExpiration" {
			return fmt.Errorf("a plan only makes assignments permanent")
		}
		return onlyGlobalAdministrator(b.RoleID, b.Scope)
	case *assignmentBody:
		return onlyGlobalAdministrator(b.RoleID, b.Scope)
	case *ruleBody:
		if b.ID != ruleExpiration || c.params[1] != ruleExpiration || b.IsExpirationRequired {
			return fmt.Errorf("a plan changes no rule but %s, to allow permanent assignments", ruleExpiration)
		}
	case *refBody:
		if b.target() == "" {
			return fmt.Errorf("@odata.id must be %s/v1.0/directoryObjects/ and an id", GraphBase)
		}
	}
	return nil
}

func onlyGlobalAdministrator(role, scope string) error {
	if role != entra.RoleGlobalAdministrator || scope != "/" {
		return fmt.Errorf("a plan assigns no role but Global Administrator of the whole tenant")
	}
	return nil
}

const refPrefix = GraphBase + "/v1.0/directoryObjects/"

// target is the object that a reference names, empty when it is not one of ours.
func (b *refBody) target() string {
	id, ok := strings.CutPrefix(b.ID, refPrefix)
	if !ok || strings.ContainsAny(id, "/?#") {
		return ""
	}
	return id
}

func harmsFirst(c *change) []string { return c.params[:1] }

// harmsSecond: who leaves a group, and, when that is a group, everybody in it.
func harmsSecond(c *change) []string {
	out := []string{c.params[1]}
	for _, u := range c.s.Users {
		for _, in := range u.MemberOf.Or(nil) {
			if strings.EqualFold(in.ID, c.params[1]) {
				out = append(out, u.ID)
			}
		}
	}
	return out
}

func harmsRef(c *change) []string { return []string{c.body.(*refBody).target()} }

func harmsPrincipal(c *change) []string {
	switch b := c.body.(type) {
	case *scheduleBody:
		return []string{b.PrincipalID}
	case *assignmentBody:
		return []string{b.PrincipalID}
	}
	return nil
}

// harmsOfPolicy: exclusions that only grow harm nobody. Otherwise everybody is looked at.
func harmsOfPolicy(c *change) []string {
	p := policyOf(c.s, c.params[0])
	if p == nil {
		return nil
	}
	users := p.Conditions.Or(entra.Conditions{}).Users.Or(entra.UserCondition{})
	b := c.body.(*policyBody).Conditions.Users
	if grows(users.ExcludeUsers, b.ExcludeUsers) && grows(users.ExcludeGroups, b.ExcludeGroups) {
		return nil
	}
	var all []string
	for _, u := range c.s.Users {
		all = append(all, u.ID)
	}
	return all
}

// grows says whether a list that is sent keeps every entry; an empty one is not sent.
func grows(was entra.Maybe[[]string], sent []string) bool {
	return len(sent) == 0 || len(missing(was.Or(nil), sent)) == 0
}

// missing are the entries of want that have does not hold, without regard to case.
func missing(want, have []string) []string {
	var out []string
	for _, w := range want {
		if !holds(have, w) {
			out = append(out, w)
		}
	}
	return out
}

func holds(list []string, id string) bool {
	return slices.ContainsFunc(list, func(v string) bool { return strings.EqualFold(v, id) })
}
