package graph

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// A pimRequest is a checked body of roleAssignmentScheduleRequests or
// roleEligibilityScheduleRequests.
type pimRequest struct {
	eligible                       bool
	action, role, principal, scope string
	justification                  string
	start, end                     time.Time // end is zero for a permanent one
	expiration                     state.Object
	record                         state.Object // the request as it is answered
}

func (c *call) requestAssignment() {
	if c.governed() && c.decode("unifiedRoleAssignmentScheduleRequest") {
		c.request(pimRequest{})
	}
}

func (c *call) requestEligibility() {
	if c.governed() && c.decode("unifiedRoleEligibilityScheduleRequest") {
		c.request(pimRequest{eligible: true})
	}
}

// pimBad is a refusal of PIM.
func (c *call) pimBad(code, message string) { c.fail(http.StatusBadRequest, code, message) }

// request does one PIM request: who may ask, whether the objects exist, the action.
func (c *call) request(q pimRequest) {
	b := c.body
	q.action, q.justification = b.String("action"), b.String("justification")
	q.principal, q.scope = strings.ToLower(b.String("principalId")), b.String("directoryScopeId")
	if !c.mayRequest(q) {
		return
	}
	if q.scope == "" {
		c.pimBad("InvalidDirectoryScope", "The directoryScopeId must be specified.")
		return
	}
	if c.roleDefinition(b.String("roleDefinitionId")) == nil {
		c.pimBad("RoleNotFound", "The role is not found.")
		return
	}
	q.role = c.roleDefinition(b.String("roleDefinitionId")).ID()
	if c.principal(q.principal) == nil {
		c.pimBad("SubjectNotFound", "The subject is not found.")
		return
	}
	if !c.assignable(q.role, q.principal, q.scope) {
		return
	}
	q.record = c.requestRecord(q)
	switch q.action {
	case "adminAssign", "selfActivate":
		c.pimAssign(q)
	case "adminUpdate", "adminExtend":
		c.pimUpdate(q)
	case "adminRemove", "selfDeactivate":
		c.pimRemove(q)
	case "adminRenew", "selfExtend", "selfRenew":
		c.notModelled("the PIM action " + q.action)
	default:
		c.pimBad("InvalidRoleAssignmentRequest", "The action '"+q.action+"' is not valid.")
	}
}

// mayRequest: a user asks for itself without a role; everything else takes Privileged Role
// Administrator. A permission to remove does not assign.
func (c *call) mayRequest(q pimRequest) bool {
	self := strings.HasPrefix(q.action, "self")
	onlyRemoves := !c.granted("RoleAssignmentSchedule.ReadWrite.Directory", "RoleEligibilitySchedule.ReadWrite.Directory", "RoleManagement.ReadWrite.Directory")
	switch {
	case self && (!c.who.User || !strings.EqualFold(q.principal, c.who.ObjectID)):
		c.pimBad("InvalidRoleAssignmentRequest", "A self action must be requested by its own principal.")
	case !self && c.who.User && !c.holds(writesRoles...), onlyRemoves && q.action != "adminRemove":
		c.denied()
	default:
		return true
	}
	return false
}

// requestRecord is the answer's object before its status is known.
func (c *call) requestRecord(q pimRequest) state.Object {
	by := map[string]any{"application": nil, "device": nil, "user": map[string]any{"displayName": nil, "id": c.who.ObjectID}}
	if !c.who.User {
		by = map[string]any{"application": map[string]any{"displayName": nil, "id": c.who.ObjectID}, "device": nil, "user": nil}
	}
	ticket := any(map[string]any{"ticketNumber": nil, "ticketSystem": nil})
	if t := c.body.Object("ticketInfo"); t != nil {
		ticket = map[string]any(t)
	}
	return state.Object{
		"id": state.NewID(), "status": "Provisioned", "createdDateTime": logs.Instant(c.now()), "completedDateTime": logs.Instant(c.now()),
		"approvalId": nil, "customData": nil, "action": q.action, "principalId": q.principal, "roleDefinitionId": q.role,
		"directoryScopeId": q.scope, "appScopeId": nil, "isValidationOnly": c.body.Bool("isValidationOnly"),
		"targetScheduleId": nil, "justification": c.body["justification"], "createdBy": by, "scheduleInfo": c.body["scheduleInfo"], "ticketInfo": ticket,
	}
}

// readSchedule takes start and end from the body; a start in the past is now.
func (c *call) readSchedule(q *pimRequest) bool {
	info := c.body.Object("scheduleInfo")
	e := info.Object("expiration")
	if info == nil || e == nil {
		c.pimBad("InvalidScheduleInfo", "The scheduleInfo and its expiration must be specified.")
		return false
	}
	q.start = c.now()
	if t := info.Time("startDateTime"); t.After(q.start) {
		q.start = t
	}
	q.expiration = state.Object{"type": e.String("type"), "endDateTime": nil, "duration": nil}
	switch e.String("type") {
	case "noExpiration":
	case "afterDateTime":
		q.end = e.Time("endDateTime")
		q.expiration["endDateTime"] = e["endDateTime"]
	case "afterDuration":
		d, ok := isoDuration(e.String("duration"))
		if ok {
			q.end = q.start.Add(d)
		}
		q.expiration["duration"] = e["duration"]
	default:
		c.pimBad("InvalidScheduleInfo", "The expiration type must be noExpiration, afterDateTime or afterDuration.")
		return false
	}
	if e.String("type") != "noExpiration" && !q.end.After(q.start) {
		c.pimBad("InvalidScheduleInfo", "The end of the schedule must be after its start.")
		return false
	}
	return true
}

// failedRules is the role settings that the request breaks, in PIM's names.
func (c *call) failedRules(q pimRequest) []string {
	caller, level := "Admin", "Assignment"
	if q.action == "selfActivate" {
		caller = "EndUser"
	}
	if q.eligible {
		level = "Eligibility"
	}
	var failed []string
	expire := c.rule(q.role, "Expiration_"+caller+"_"+level)
	longest, _ := isoDuration(expire.String("maximumDuration"))
	if q.end.IsZero() && expire.Bool("isExpirationRequired") || !q.end.IsZero() && expire.Bool("isExpirationRequired") && q.end.Sub(q.start) > longest {
		failed = append(failed, "ExpirationRule")
	}
	for _, need := range c.rule(q.role, "Enablement_"+caller+"_"+level).Strings("enabledRules") {
		switch {
		case need == "Justification" && strings.TrimSpace(q.justification) == "":
			failed = append(failed, "JustificationRule")
		case need == "MultiFactorAuthentication" && !slices.Contains(c.who.Methods, "mfa"):
			failed = append(failed, "MfaRule")
		case need == "Ticketing" && c.body.Object("ticketInfo").String("ticketNumber") == "":
			failed = append(failed, "TicketingRule")
		}
	}
	if q.action == "selfActivate" && c.eligibility(q) == nil {
		failed = append(failed, "EligibilityRule")
	}
	return failed
}

// eligibility is the schedule by which a principal, itself or through a group, could activate the role now.
func (c *call) eligibility(q pimRequest) state.Object {
	for _, e := range c.eligibleInstances() {
		if strings.EqualFold(e.String("principalId"), q.principal) && e.String("roleDefinitionId") == q.role && e.String("directoryScopeId") == q.scope {
			return c.tx.Get(collEligibilities, e.String("roleEligibilityScheduleId"))
		}
	}
	return nil
}

// ownEligibility is the principal's own eligibility schedule.
func (c *call) ownEligibility(q pimRequest) state.Object {
	for _, s := range c.eligibleSchedules() {
		if strings.EqualFold(s.String("principalId"), q.principal) && s.String("roleDefinitionId") == q.role && s.String("directoryScopeId") == q.scope {
			return s
		}
	}
	return nil
}

// pending is a stored assignment of the same kind, in force or still to begin.
func (c *call) pending(q pimRequest) state.Object {
	if q.eligible {
		return c.ownEligibility(q)
	}
	a := c.tx.Get(collRoleAssignments, state.AssignmentID(q.role, q.principal, q.scope))
	if a == nil {
		return c.assigned(q.role, q.principal, q.scope)
	}
	if end := a.Time("_endsAt"); !end.IsZero() && !end.After(c.now()) {
		return nil
	}
	return a
}

func (c *call) pimAssign(q pimRequest) {
	if !c.readSchedule(&q) {
		return
	}
	if c.pending(q) != nil {
		c.pimBad("RoleAssignmentExists", "The Role assignment already exists.")
		return
	}
	if failed := c.failedRules(q); len(failed) > 0 {
		c.pimBad("RoleAssignmentRequestPolicyValidationFailed", `The following policy rules failed: ["`+strings.Join(failed, `","`)+`"]`)
		return
	}
	if q.action == "selfActivate" && !c.steppedUp(q) {
		return
	}
	if c.body.Bool("isValidationOnly") {
		q.record["status"], q.record["completedDateTime"] = "Granted", nil
		c.created(q.record, c.requestType(q))
		return
	}
	if q.action == "selfActivate" && c.rule(q.role, "Approval_EndUser_Assignment").Object("setting").Bool("isApprovalRequired") {
		c.awaitApproval(q)
		return
	}
	c.fulfil(q)
}

// steppedUp holds an activation to the role's authentication context; the refusal carries
// the claims that a fresh sign-in must satisfy.
func (c *call) steppedUp(q pimRequest) bool {
	r := c.rule(q.role, "AuthenticationContext_EndUser_Assignment")
	if !r.Bool("isEnabled") || slices.Contains(c.who.AuthContexts, r.String("claimValue")) {
		return true
	}
	c.pimBad("RoleAssignmentRequestAcrsValidationFailed",
		"&claims=%7B%22access_token%22%3A%7B%22acrs%22%3A%7B%22essential%22%3Atrue%2C%20%22value%22%3A%22"+r.String("claimValue")+"%22%7D%7D%7D")
	return false
}

// awaitApproval stores the request and waits for ever: approving is not modelled.
func (c *call) awaitApproval(q pimRequest) {
	q.record["status"], q.record["completedDateTime"], q.record["approvalId"] = "PendingApproval", nil, q.record.ID()
	c.tx.Put(collRequests, q.record)
	c.auditPIM("Add member to role requested (PIM activation)", "Add", q.record, true)
	c.created(q.record, c.requestType(q))
}

func (c *call) requestType(q pimRequest) string {
	if q.eligible {
		return "unifiedRoleEligibilityScheduleRequest"
	}
	return "unifiedRoleAssignmentScheduleRequest"
}

// fulfil stores schedule, assignment and request of an accepted adminAssign or selfActivate.
func (c *call) fulfil(q pimRequest) {
	s := c.newSchedule(q)
	coll := collSchedules
	if q.eligible {
		coll = collEligibilities
	} else {
		hidden := state.Object{"_schedule": s.ID(), "_startsAt": state.Timestamp(q.start)}
		if !q.end.IsZero() {
			hidden["_endsAt"] = state.Timestamp(q.end)
		}
		if q.action == "selfActivate" {
			hidden["_activatedUsing"] = c.eligibility(q).ID()
		}
		c.grantRole(q.role, q.principal, q.scope, hidden)
	}
	c.create(coll, s)
	q.record["targetScheduleId"] = s.ID()
	if q.start.After(c.now()) {
		q.record["status"] = "Granted"
	}
	c.keepRequest(q)
	c.auditAssigned(q)
	c.created(q.record, c.requestType(q))
}

func (c *call) keepRequest(q pimRequest) {
	if q.eligible {
		c.tx.Put(collEligibleRequest, q.record)
		return
	}
	c.tx.Put(collRequests, q.record)
}

func (c *call) newSchedule(q pimRequest) state.Object {
	s := state.Object{
		"id": state.NewID(), "principalId": q.principal, "roleDefinitionId": q.role, "directoryScopeId": q.scope, "appScopeId": nil,
		"createdUsing": q.record.ID(), "createdDateTime": logs.Instant(c.now()), "modifiedDateTime": nil,
		"status": "Provisioned", "memberType": "Direct",
		"scheduleInfo": map[string]any{
			"startDateTime": state.Timestamp(q.start), "recurrence": nil, "expiration": map[string]any(q.expiration),
		},
	}
	if q.eligible {
		return s
	}
	s["assignmentType"] = "Assigned"
	if q.action == "selfActivate" {
		s["assignmentType"], s["_activatedUsing"] = "Activated", c.eligibility(q).ID()
	}
	if !q.end.IsZero() {
		s["_endsAt"] = state.Timestamp(q.end)
	}
	return s
}

// pimUpdate changes the time of an assignment that PIM made. A direct one it does not know:
// that must be removed and assigned anew.
func (c *call) pimUpdate(q pimRequest) {
	if !c.readSchedule(&q) {
		return
	}
	coll, have := collSchedules, c.tx.Get(collSchedules, c.pending(q).String("_schedule"))
	if q.eligible {
		coll, have = collEligibilities, c.ownEligibility(q)
	}
	if have == nil {
		c.pimBad("RoleAssignmentDoesNotExist", "The Role assignment does not exist.")
		return
	}
	if failed := c.failedRules(q); len(failed) > 0 {
		c.pimBad("RoleAssignmentRequestPolicyValidationFailed", `The following policy rules failed: ["`+strings.Join(failed, `","`)+`"]`)
		return
	}
	have["scheduleInfo"].(map[string]any)["expiration"] = map[string]any(q.expiration)
	have["modifiedDateTime"], have["_endsAt"] = logs.Instant(c.now()), stamp(q.end)
	c.tx.Put(coll, have)
	if !q.eligible {
		a := c.pending(q)
		a["_endsAt"] = stamp(q.end)
		c.tx.Put(collRoleAssignments, a)
	}
	q.record["targetScheduleId"] = have.ID()
	c.keepRequest(q)
	c.auditAssigned(q)
	c.created(q.record, c.requestType(q))
}

// shortestActivation is how long an activation must have lasted before its end.
const shortestActivation = 5 * time.Minute

func (c *call) pimRemove(q pimRequest) {
	have := c.pending(q)
	activated := have.String("_activatedUsing") != ""
	switch {
	case have == nil, q.action == "selfDeactivate" && !activated:
		c.pimBad("RoleAssignmentDoesNotExist", "The Role assignment does not exist.")
		return
	case q.action == "selfDeactivate" && c.now().Sub(have.Time("_startsAt")) < shortestActivation:
		c.pimBad("ActiveDurationTooShort", "The active duration is too short. The minimum required is 5 minutes.")
		return
	case !q.eligible && q.action == "adminRemove" && !c.mayLose(have):
		return
	}
	if q.eligible {
		c.tx.Delete(collEligibilities, have.ID())
	} else {
		c.revokeRole(have)
	}
	q.record["status"] = "Revoked"
	c.keepRequest(q)
	c.auditRemoved(q, have)
	c.created(q.record, c.requestType(q))
}

func (c *call) cancelRequest() {
	r := c.tx.Get(collRequests, c.params["id"])
	if r.String("status") != "PendingApproval" {
		c.pimBad("InvalidRoleAssignmentRequest", "Only a pending request can be cancelled.")
		return
	}
	r["status"] = "Canceled"
	c.tx.Put(collRequests, r)
	c.noContent()
}

// auditAssigned writes an assignment's records: PIM heard it, the directory did it for
// PIM, PIM is done.
func (c *call) auditAssigned(q pimRequest) {
	span := "(permanent)"
	if !q.end.IsZero() {
		span = "(timebound)"
	}
	what, directory := "Add member to role in PIM", "Add member to role"
	if q.eligible {
		what, directory = "Add eligible member to role in PIM", "Add eligible member to role"
	}
	if q.action == "selfActivate" {
		what, span = "Add member to role", "(PIM activation)"
	}
	c.auditPIM(what+" requested "+span, "Add", q.record, true)
	c.auditByPIM(directory, "Assign", q.record, true)
	c.auditPIM(what+" completed "+span, "Add", q.record, true)
}

func (c *call) auditRemoved(q pimRequest, had state.Object) {
	directory := "Remove member from role"
	if q.eligible {
		directory = "Remove eligible member from role"
	}
	switch {
	case q.action == "selfDeactivate":
		c.auditPIM("Remove member from role (PIM activation expired)", "Remove", q.record, false)
	case !q.eligible && had.String("_schedule") == "":
		c.auditPIM("Remove permanent direct role assignment", "Remove", q.record, false)
	default:
		c.auditPIM(strings.Replace(directory, "role", "role in PIM requested", 1)+" (permanent)", "Remove", q.record, false)
		c.auditPIM(strings.Replace(directory, "role", "role in PIM completed", 1)+" (permanent)", "Remove", q.record, false)
	}
	c.auditByPIM(directory, "Unassign", q.record, false)
}

// pimApplication is the application in whose name the directory acts for PIM.
const pimApplication = "01fc33a7-78ba-4d2f-a4b7-768e336e890e"

// auditByPIM is the directory's record with the initiator "MS-PIM".
func (c *call) auditByPIM(activity, operation string, a state.Object, given bool) {
	sp := c.tx.Find("servicePrincipals", func(o state.Object) bool { return o.String("appId") == pimApplication })
	rec := logs.Event("RoleManagement", logs.CoreDirectory, operation, activity, logs.ByApp("MS-PIM", sp.ID()), c.roleTargets(a, given)...)
	rec["correlationId"] = c.correlation
	c.api.Logs.Audit(c.tx, rec)
}
