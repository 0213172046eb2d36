package graph

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"breakglass/internal/simtenant/state"
)

const (
	roleBase      = "/v1.0/roleManagement/directory/"
	instancesPath = roleBase + "roleAssignmentScheduleInstances"
	requestsPath  = roleBase + "roleAssignmentScheduleRequests"
)

// asking is the body of a PIM request for the Global Administrator role.
func asking(action, principal, expiration string) string {
	return `{"action":"` + action + `","justification":"Emergency access account","roleDefinitionId":"` + roleGlobalAdministrator + `","directoryScopeId":"/",
		"principalId":"` + principal + `","scheduleInfo":{"startDateTime":"2026-11-22T08:00:00Z","expiration":` + expiration + `}}`
}

const forEver = `{"type":"noExpiration"}`

// rows is the rows of a principal in a listing.
func (s *stage) rows(list, principal string) []state.Object {
	s.t.Helper()
	return s.values(filtered(roleBase+list, "principalId eq '"+principal+"'"))
}

func TestPermanentThroughPIMHasAStartAndNoEnd(t *testing.T) {
	s := newStage(t, nil)
	made := s.must(http.StatusCreated, "POST", requestsPath, asking("adminAssign", vaultUser, forEver))
	if made.String("status") != "Provisioned" || made.String("targetScheduleId") == "" {
		t.Errorf("the request is %v", made)
	}
	rows := s.rows("roleAssignmentScheduleInstances", vaultUser)
	if len(rows) != 1 || rows[0].String("startDateTime") == "" || rows[0]["endDateTime"] != nil ||
		rows[0].String("assignmentType") != "Assigned" || rows[0].String("memberType") != "Direct" {
		t.Errorf("the instances are %v", rows)
	}
	if rows := s.rows("roleAssignments", vaultUser); len(rows) != 1 {
		t.Errorf("the assignments are %v", rows)
	}
	if rows := s.rows("roleAssignmentSchedules", vaultUser); len(rows) != 1 || rows[0].Object("scheduleInfo").Object("expiration").String("type") != "noExpiration" {
		t.Errorf("the schedules are %v", rows)
	}
	if rows := s.rows("roleEligibilityScheduleInstances", vaultUser); len(rows) != 0 {
		t.Errorf("the eligibilities are %v", rows)
	}
	first, second, third := s.recorded("Add member to role in PIM requested (permanent)"), s.recorded("Add member to role"), s.recorded("Add member to role in PIM completed (permanent)")
	if first.String("correlationId") != second.String("correlationId") || second.String("correlationId") != third.String("correlationId") {
		t.Error("the three records of one act do not belong together")
	}
	if second.Object("initiatedBy").Object("app").String("displayName") != "MS-PIM" || first.Object("initiatedBy").Object("user").ID() != adminUser {
		t.Errorf("the initiators are %v and %v", first["initiatedBy"], second["initiatedBy"])
	}
}

func TestADirectAssignmentHasNeitherStartNorEnd(t *testing.T) {
	s := newStage(t, nil)
	s.must(http.StatusCreated, "POST", roleBase+"roleAssignments", `{"@odata.type":"#microsoft.graph.unifiedRoleAssignment","roleDefinitionId":"`+roleGlobalAdministrator+`","principalId":"`+vaultUser+`","directoryScopeId":"/"}`)
	rows := s.rows("roleAssignmentScheduleInstances", vaultUser)
	if len(rows) != 1 || rows[0]["startDateTime"] != nil || rows[0]["endDateTime"] != nil || rows[0].String("assignmentType") != "Assigned" {
		t.Errorf("the instances are %v", rows)
	}
	s.recorded("Add member to role outside of PIM (permanent)")
	s.refused(http.StatusBadRequest, "RoleAssignmentExists", "POST", requestsPath, asking("adminAssign", vaultUser, forEver))
	s.must(http.StatusCreated, "POST", requestsPath, asking("adminRemove", vaultUser, forEver))
	s.recorded("Remove permanent direct role assignment")
	s.must(http.StatusCreated, "POST", requestsPath, asking("adminAssign", vaultUser, forEver))
}

func TestATimeBoundAssignmentEnds(t *testing.T) {
	s := newStage(t, nil)
	s.must(http.StatusCreated, "POST", requestsPath, asking("adminAssign", vaultUser, `{"type":"afterDuration","duration":"P1D"}`))
	rows := s.rows("roleAssignmentScheduleInstances", vaultUser)
	if len(rows) != 1 || rows[0].String("endDateTime") != "2026-11-23T09:00:00Z" {
		t.Fatalf("the instances are %v", rows)
	}
	s.clock.Advance(25 * time.Hour)
	if rows := s.rows("roleAssignments", vaultUser); len(rows) != 0 {
		t.Errorf("a day later the assignment still counts: %v", rows)
	}
	s.must(http.StatusCreated, "POST", requestsPath, asking("adminAssign", vaultUser, forEver))
}

func TestEligibleIsNotActiveUntilActivated(t *testing.T) {
	s := newStage(t, nil)
	s.must(http.StatusCreated, "POST", roleBase+"roleEligibilityScheduleRequests", asking("adminAssign", vaultUser, forEver))
	if n := len(s.rows("roleAssignments", vaultUser)) + len(s.rows("roleAssignmentScheduleInstances", vaultUser)); n != 0 {
		t.Fatal("an eligible role counts as active")
	}
	if rows := s.rows("roleEligibilityScheduleInstances", vaultUser); len(rows) != 1 || rows[0]["endDateTime"] != nil {
		t.Fatalf("the eligibilities are %v", rows)
	}
	hours := `{"type":"afterDuration","duration":"PT4H"}`
	s.asUser(vaultUser, everything...)
	s.refused(http.StatusBadRequest, "RoleAssignmentRequestPolicyValidationFailed", "POST", requestsPath, asking("selfActivate", vaultUser, forEver))
	s.must(http.StatusCreated, "POST", requestsPath, asking("selfActivate", vaultUser, hours))
	s.refused(http.StatusBadRequest, "ActiveDurationTooShort", "POST", requestsPath, asking("selfDeactivate", vaultUser, hours))
	s.asAdmin()
	rows := s.values(filtered(instancesPath, "principalId eq '"+vaultUser+"'") + "&$expand=activatedUsing,principal")
	if len(rows) != 1 || rows[0].String("assignmentType") != "Activated" || rows[0].String("endDateTime") != "2026-11-22T13:00:00Z" ||
		rows[0].Object("activatedUsing").String("memberType") != "Direct" || rows[0].Object("principal").String("@odata.type") != "#microsoft.graph.user" {
		t.Errorf("the instances are %v", rows)
	}
	if rows := s.rows("roleEligibilityScheduleInstances", vaultUser); len(rows) != 1 {
		t.Errorf("the eligibility is gone: %v", rows)
	}
	s.clock.Advance(5 * time.Hour)
	if rows := s.rows("roleAssignmentScheduleInstances", vaultUser); len(rows) != 0 {
		t.Errorf("the activation outlived its time: %v", rows)
	}
}

func TestARoleThroughAGroupShowsBothRows(t *testing.T) {
	s := newStage(t, func(tx *state.Tx) { tx.Link("members", tierZero, vaultUser) })
	s.must(http.StatusCreated, "POST", requestsPath, asking("adminAssign", tierZero, forEver))
	if rows := s.rows("roleAssignments", vaultUser); len(rows) != 0 {
		t.Errorf("the member has an assignment of its own: %v", rows)
	}
	if rows := s.rows("roleAssignmentScheduleInstances", tierZero); len(rows) != 1 || rows[0].String("memberType") != "Direct" {
		t.Errorf("the group's rows are %v", rows)
	}
	if rows := s.rows("roleAssignmentScheduleInstances", vaultUser); len(rows) != 1 || rows[0].String("memberType") != "Group" {
		t.Errorf("the member's rows are %v", rows)
	}
	s.must(http.StatusBadRequest, "POST", requestsPath, asking("adminAssign", plainGroup, forEver))
}

func TestARoleSettingThatForbidsPermanence(t *testing.T) {
	s := newStage(t, nil)
	list := s.values(filtered("/v1.0/policies/roleManagementPolicyAssignments", "scopeId eq '/' and scopeType eq 'DirectoryRole' and roleDefinitionId eq '"+roleGlobalAdministrator+"'") + "&$expand=policy($expand=rules)")
	if len(list) != 1 {
		t.Fatalf("%d settings for one role", len(list))
	}
	rules := objectsIn(state.Object{"value": list[0].Object("policy")["rules"]})
	if i := slices.IndexFunc(rules, func(r state.Object) bool { return r.ID() == "Expiration_Admin_Assignment" }); i < 0 || rules[i].Bool("isExpirationRequired") {
		t.Fatalf("the rules are %v", rules)
	}
	s.must(http.StatusOK, "PATCH", "/v1.0/policies/roleManagementPolicies/"+list[0].String("policyId")+"/rules/Expiration_Admin_Assignment",
		`{"@odata.type":"#microsoft.graph.unifiedRoleManagementPolicyExpirationRule","id":"Expiration_Admin_Assignment","isExpirationRequired":true,"maximumDuration":"P15D"}`)
	s.refused(http.StatusBadRequest, "RoleAssignmentRequestPolicyValidationFailed", "POST", requestsPath, asking("adminAssign", vaultUser, forEver))
	s.refused(http.StatusBadRequest, "RoleAssignmentRequestPolicyValidationFailed", "POST", requestsPath, asking("adminAssign", vaultUser, `{"type":"afterDuration","duration":"P16D"}`))
	s.must(http.StatusCreated, "POST", requestsPath, asking("adminAssign", vaultUser, `{"type":"afterDuration","duration":"P15D"}`))
	s.refused(http.StatusBadRequest, "MissingProvider", "GET", "/v1.0/policies/roleManagementPolicyAssignments", nil)
	s.recorded("Update role setting in PIM")
}

func TestADryRunLeavesNothing(t *testing.T) {
	s := newStage(t, nil)
	body := asking("adminAssign", vaultUser, forEver)
	dry := body[:len(body)-1] + `,"isValidationOnly":true}`
	s.must(http.StatusCreated, "POST", requestsPath, dry)
	if rows := s.rows("roleAssignments", vaultUser); len(rows) != 0 {
		t.Errorf("the dry run assigned: %v", rows)
	}
	if len(s.activities()) != 0 {
		t.Errorf("the dry run was recorded: %v", s.activities())
	}
}

func TestTheLastAdministratorStays(t *testing.T) {
	s := newStage(t, nil)
	mine := roleBase + "roleAssignments/" + state.AssignmentID(roleGlobalAdministrator, adminUser, "/")
	s.refused(http.StatusBadRequest, "Request_BadRequest", "DELETE", mine, nil)
	s.asApp("RoleManagement.ReadWrite.Directory", "AuditLog.Read.All")
	s.refused(http.StatusBadRequest, "Request_BadRequest", "DELETE", mine, nil)
	s.must(http.StatusCreated, "POST", requestsPath, asking("adminAssign", vaultUser, forEver))
	s.change(func(tx *state.Tx) {
		u := tx.Get("users", vaultUser)
		u["accountEnabled"] = false
		tx.Put("users", u)
	})
	s.refused(http.StatusBadRequest, "Request_BadRequest", "POST", requestsPath, asking("adminRemove", adminUser, forEver))
	s.change(func(tx *state.Tx) {
		u := tx.Get("users", vaultUser)
		u["accountEnabled"] = true
		tx.Put("users", u)
	})
	s.must(http.StatusNoContent, "DELETE", mine, nil)
	rec := s.recorded("Remove member from role")
	changed := objectsIn(state.Object{"value": objectsIn(state.Object{"value": rec["targetResources"]})[0]["modifiedProperties"]})
	if changed[1].String("oldValue") != `"Global Administrator"` || changed[1]["newValue"] != nil {
		t.Errorf("the removal's role should stand in oldValue: %v", changed[1])
	}
}

func TestWhoMayAssign(t *testing.T) {
	s := newStage(t, nil)
	body := asking("adminAssign", vaultUser, forEver)
	s.asApp("RoleManagement.Read.Directory")
	s.refused(http.StatusForbidden, "Authorization_RequestDenied", "POST", requestsPath, body)
	s.asApp("RoleAssignmentSchedule.Remove.Directory")
	s.refused(http.StatusForbidden, "Authorization_RequestDenied", "POST", requestsPath, body)
	s.asUser(plainUser, everything...)
	s.refused(http.StatusForbidden, "Authorization_RequestDenied", "POST", requestsPath, body)
	s.refused(http.StatusBadRequest, "InvalidRoleAssignmentRequest", "POST", requestsPath, asking("selfActivate", vaultUser, forEver))
	s.asApp("RoleAssignmentSchedule.ReadWrite.Directory")
	s.must(http.StatusCreated, "POST", requestsPath, body)
}

func TestDurationsAsPIMWritesThem(t *testing.T) {
	for text, want := range map[string]time.Duration{"PT8H": 8 * time.Hour, "P180D": 180 * 24 * time.Hour, "P1DT30M": 24*time.Hour + 30*time.Minute, "P1Y": 365 * 24 * time.Hour} {
		if got, ok := isoDuration(text); !ok || got != want {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"", "P", "8H", "PT8", "PTH", "P8H", "PT-8H"} {
		if d, ok := isoDuration(text); ok && d > 0 {
			t.Errorf("%q passes as %v", text, d)
		}
	}
}
