package graph

import (
	"net/http"
	"strings"
	"time"

	"breakglass/internal/simtenant/state"
)

// pimRoutes is the listings of Privileged Identity Management and its requests.
func (a *API) pimRoutes() []route {
	const base = "/roleManagement/directory/"
	var routes []route
	for name, l := range map[string]struct {
		list func(*call) []state.Object
		typ  string
	}{
		"roleAssignmentScheduleInstances":  {(*call).instances, "unifiedRoleAssignmentScheduleInstance"},
		"roleAssignmentSchedules":          {(*call).schedules, "unifiedRoleAssignmentSchedule"},
		"roleEligibilityScheduleInstances": {(*call).eligibleInstances, "unifiedRoleEligibilityScheduleInstance"},
		"roleEligibilitySchedules":         {(*call).eligibleSchedules, "unifiedRoleEligibilitySchedule"},
		"roleAssignmentScheduleRequests":   {func(c *call) []state.Object { return c.tx.List(collRequests) }, "unifiedRoleAssignmentScheduleRequest"},
		"roleEligibilityScheduleRequests":  {func(c *call) []state.Object { return c.tx.List(collEligibleRequest) }, "unifiedRoleEligibilityScheduleRequest"},
	} {
		routes = append(routes,
			route{method: "GET", pattern: base + name, roles: readsRoles, handle: func(c *call) { c.listGoverned(l.list, l.typ) }},
			route{method: "GET", pattern: base + name + "/{id}", roles: readsRoles, handle: func(c *call) { c.getGoverned(l.list, l.typ) }},
			route{method: "GET", pattern: base + name + "/filterByCurrentUser(on='principal')", need: permissionsFor("GET", base+name+"/filterByCurrentUser(on={})"), handle: func(c *call) {
				c.listGoverned(mine(l.list), l.typ)
			}},
		)
	}
	routes = append(routes,
		route{method: "POST", pattern: base + "roleAssignmentScheduleRequests", handle: (*call).requestAssignment},
		route{method: "POST", pattern: base + "roleEligibilityScheduleRequests", handle: (*call).requestEligibility},
		route{method: "POST", pattern: base + "roleAssignmentScheduleRequests/{id}/cancel", handle: (*call).cancelRequest},
	)
	return append(routes, a.rulesRoutes()...)
}

// governed answers the refusal of a tenant without P2 (or Governance). The code is documented
// among PIM's errors, the text from memory.
func (c *call) governed() bool {
	if c.licensed("AAD_PREMIUM_P2") {
		return true
	}
	c.fail(http.StatusBadRequest, "AadPremiumLicenseRequired", "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.")
	return false
}

func (c *call) listGoverned(list func(*call) []state.Object, typ string) {
	if !c.governed() {
		return
	}
	c.list(list(c), typ)
}

func (c *call) getGoverned(list func(*call) []state.Object, typ string) {
	if !c.governed() {
		return
	}
	for _, o := range list(c) {
		if strings.EqualFold(o.ID(), c.params["id"]) {
			c.one(o, typ)
			return
		}
	}
	c.fail(http.StatusNotFound, "ResourceNotFound", "The resource is not found.")
}

// mine keeps what concerns the signed-in user.
func mine(list func(*call) []state.Object) func(*call) []state.Object {
	return func(c *call) []state.Object {
		var out []state.Object
		for _, o := range list(c) {
			if strings.EqualFold(o.String("principalId"), c.who.ObjectID) {
				out = append(out, o)
			}
		}
		return out
	}
}

// usedInstance is the eligibility behind an activation.
func (c *call) usedInstance(o state.Object) []state.Object {
	used := o.String("_activatedUsing")
	for _, e := range c.eligibleInstances() {
		if used != "" && e.String("roleEligibilityScheduleId") == used {
			return []state.Object{e}
		}
	}
	return nil
}

// instances is one row for each assignment in force, and one more for every member of a
// group that holds a role. A direct assignment has no start and no end.
func (c *call) instances() []state.Object {
	var out []state.Object
	for _, a := range c.inForce() {
		if !c.visible(a) {
			continue
		}
		kind, schedule := "Assigned", a.ID()
		if a.String("_activatedUsing") != "" {
			kind = "Activated"
		}
		if s := a.String("_schedule"); s != "" {
			schedule = s
		}
		row := state.Object{
			"id": a.ID(), "principalId": a["principalId"], "roleDefinitionId": a["roleDefinitionId"],
			"directoryScopeId": a["directoryScopeId"], "appScopeId": nil,
			"startDateTime": stamp(a.Time("_startsAt")), "endDateTime": stamp(a.Time("_endsAt")),
			"assignmentType": kind, "memberType": "Direct",
			"roleAssignmentOriginId": a.ID(), "roleAssignmentScheduleId": schedule,
			"_activatedUsing": a["_activatedUsing"],
		}
		out = append(append(out, row), c.memberRows(row)...)
	}
	return out
}

// memberRows repeats a group's row for each of its members.
func (c *call) memberRows(row state.Object) []state.Object {
	if c.tx.Get("groups", row.String("principalId")) == nil {
		return nil
	}
	var out []state.Object
	for _, m := range c.tx.Linked("members", row.String("principalId")) {
		r := row.Clone()
		r["principalId"], r["memberType"] = m, "Group"
		r["id"] = state.AssignmentID(row.String("roleDefinitionId"), m, row.String("directoryScopeId")) + "-g" + row.String("principalId")[:4]
		out = append(out, r)
	}
	return out
}

// stamp is a time, or null when it is zero.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return state.Timestamp(t)
}

// schedules is PIM's own and one made up for each direct assignment.
func (c *call) schedules() []state.Object {
	var out []state.Object
	for _, s := range c.tx.List(collSchedules) {
		if end := s.Time("_endsAt"); end.IsZero() || end.After(c.now()) {
			out = append(out, s)
		}
	}
	for _, a := range c.inForce() {
		if a.String("_schedule") != "" || !c.visible(a) {
			continue
		}
		out = append(out, state.Object{
			"id": a.ID(), "principalId": a["principalId"], "roleDefinitionId": a["roleDefinitionId"],
			"directoryScopeId": a["directoryScopeId"], "appScopeId": nil, "createdUsing": a.ID(), "createdDateTime": nil,
			"modifiedDateTime": nil, "status": "Provisioned", "assignmentType": "Assigned", "memberType": "Direct",
			"scheduleInfo": map[string]any{
				"startDateTime": nil, "recurrence": nil,
				"expiration": map[string]any{"type": "noExpiration", "endDateTime": nil, "duration": nil},
			},
		})
	}
	return out
}

// eligibleSchedules is the eligibilities that have not ended.
func (c *call) eligibleSchedules() []state.Object {
	var out []state.Object
	for _, s := range c.tx.List(collEligibilities) {
		if end := scheduleEnd(s); end.IsZero() || end.After(c.now()) {
			out = append(out, s)
		}
	}
	return out
}

// scheduleEnd is when a schedule ends, zero for never.
func scheduleEnd(s state.Object) time.Time {
	info := s.Object("scheduleInfo")
	e := info.Object("expiration")
	switch e.String("type") {
	case "afterDateTime":
		return e.Time("endDateTime")
	case "afterDuration":
		if d, ok := isoDuration(e.String("duration")); ok {
			return info.Time("startDateTime").Add(d)
		}
	}
	return time.Time{}
}

// eligibleInstances is one row for each eligibility that counts now, and one more for
// every member of an eligible group.
func (c *call) eligibleInstances() []state.Object {
	var out []state.Object
	for _, s := range c.eligibleSchedules() {
		start := s.Object("scheduleInfo").Time("startDateTime")
		if start.After(c.now()) || !c.visible(s) {
			continue
		}
		row := state.Object{
			"id":          state.AssignmentID(s.String("roleDefinitionId"), s.String("principalId"), s.String("directoryScopeId")) + "-e",
			"principalId": s["principalId"], "roleDefinitionId": s["roleDefinitionId"],
			"directoryScopeId": s["directoryScopeId"], "appScopeId": nil,
			"startDateTime": stamp(start), "endDateTime": stamp(scheduleEnd(s)),
			"memberType": "Direct", "roleEligibilityScheduleId": s.ID(),
		}
		out = append(append(out, row), c.memberRows(row)...)
	}
	return out
}

// isoDuration reads an ISO 8601 duration as PIM uses them: days, hours, minutes, seconds;
// a year counts 365 days, a month 30.
func isoDuration(s string) (time.Duration, bool) {
	rest, ok := strings.CutPrefix(s, "P")
	if !ok || rest == "" {
		return 0, false
	}
	date, clock, _ := strings.Cut(rest, "T")
	days, ok1 := isoUnits(date, map[byte]time.Duration{'Y': 365 * 24 * time.Hour, 'M': 30 * 24 * time.Hour, 'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour})
	hours, ok2 := isoUnits(clock, map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second})
	return days + hours, ok1 && ok2
}

func isoUnits(s string, units map[byte]time.Duration) (sum time.Duration, ok bool) {
	n, digits := 0, false
	for i := range len(s) {
		switch b := s[i]; {
		case b >= '0' && b <= '9' && n < 1e6:
			n, digits = n*10+int(b-'0'), true
		case digits && units[b] > 0:
			sum, n, digits = sum+time.Duration(n)*units[b], 0, false
		default:
			return 0, false
		}
	}
	return sum, !digits
}
