package plan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/internal/entra"
)

type object = map[string]any

// tenant is a small tenant in memory, written from the API's pages and not from Predict: it
// keeps JSON objects, refuses what Graph refuses, and can fail.
type tenant struct {
	t     testing.TB
	clock time.Time
	next  int

	users, groups, units, policies []object
	assignments, instances         []object // role assignments, PIM instances
	eligible                       []object
	members                        map[string][]string // of groups and units, by id
	requiresExpiry                 bool                // the role setting of Global Administrator
	licences                       []string
	changes                        []entra.PolicyChange
	unread                         map[entra.Part]entra.Unread

	// fault is asked before every write, with its number from 0.
	fault  func(n int, r Request) fault
	writes []Request
	reads  int
	// meddle is called before every write: another writer.
	meddle func(r Request)
	// records are the audit log, which shows each two minutes late; unlogged has none to read.
	records  []logged
	unlogged bool
	// lag is for how many looks a new object stays unseen.
	lag    int
	unseen map[string]int
}

type fault int

const (
	works fault = iota
	notDone
	doneButLost
	refused
	crashBefore
	crashAfter
)

// errCrash is how a crash of the process looks to a test.
var errCrash = errors.New("crash")

func (w *tenant) now() time.Time { return w.clock }

func (w *tenant) sleep(_ context.Context, d time.Duration) error {
	w.clock = w.clock.Add(d)
	return nil
}

func (w *tenant) id() string {
	w.next++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", w.next)
}

func find(list []object, key, value string) object {
	for _, o := range list {
		if s, _ := o[key].(string); strings.EqualFold(s, value) {
			return o
		}
	}
	return nil
}

func answered(status int, v any) (Response, error) {
	if status >= 300 {
		return Response{Status: status}, fmt.Errorf("graph says %d: %v", status, v)
	}
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return Response{Status: status, Body: data}, nil
}

var errLost = errors.New("connection reset")

// Send fits World.
func (w *tenant) Send(ctx context.Context, r Request) (Response, error) {
	if err := ctx.Err(); err != nil {
		return Response{}, err
	}
	if r.Method == "GET" {
		w.reads++
		return w.get(r)
	}
	if strings.Contains(r.Path+string(r.Body), "{") && placeholder.MatchString(r.Path+string(r.Body)) {
		w.t.Errorf("a placeholder was sent: %s %s", r.Path, r.Body)
	}
	n := len(w.writes)
	w.writes = append(w.writes, r)
	if w.meddle != nil {
		w.meddle(r)
	}
	what := works
	if w.fault != nil {
		what = w.fault(n, r)
	}
	switch what {
	case notDone:
		return Response{}, errLost
	case refused:
		return answered(http.StatusForbidden, "Authorization_RequestDenied")
	case crashBefore:
		panic(errCrash)
	}
	resp, err := w.write(r)
	switch what {
	case doneButLost:
		return Response{}, errLost
	case crashAfter:
		panic(errCrash)
	}
	return resp, err
}

type handler struct {
	method  string
	pattern *regexp.Regexp
	do      func(w *tenant, p []string, body object) (Response, error)
}

func on(method, pattern string, do func(*tenant, []string, object) (Response, error)) handler {
	return handler{method, regexp.MustCompile("^" + pattern + "$"), do}
}

var handlers = []handler{
	on("POST", "/users", (*tenant).postUser),
	on("PATCH", "/users/([^/]+)", func(w *tenant, p []string, b object) (Response, error) {
		return merge(find(w.users, "id", p[0]), b)
	}),
	on("PATCH", "/users/([^/]+)/authentication/requirements", func(w *tenant, p []string, b object) (Response, error) {
		return merge(find(w.users, "id", p[0]), b)
	}),
	on("POST", "/groups", func(w *tenant, _ []string, b object) (Response, error) { return w.make(&w.groups, b) }),
	on("POST", "/directory/administrativeUnits", func(w *tenant, _ []string, b object) (Response, error) { return w.make(&w.units, b) }),
	on("POST", "/(groups|directory/administrativeUnits)/([^/]+)/members/\\$ref", (*tenant).postMember),
	on("DELETE", "/(groups|directory/administrativeUnits)/([^/]+)/members/([^/]+)/\\$ref", (*tenant).deleteMember),
	on("PATCH", "/identity/conditionalAccess/policies/([^/]+)", (*tenant).patchPolicy),
	on("PATCH", "/policies/roleManagementPolicies/DirectoryRole_1/rules/Expiration_Admin_Assignment", func(w *tenant, _ []string, b object) (Response, error) {
		w.requiresExpiry, _ = b["isExpirationRequired"].(bool)
		return answered(200, b)
	}),
	on("POST", "/roleManagement/directory/roleAssignmentScheduleRequests", (*tenant).postSchedule),
	on("POST", "/roleManagement/directory/roleAssignments", (*tenant).postAssignment),
}

func (w *tenant) write(r Request) (Response, error) {
	var body object
	if r.Body != nil {
		if err := json.Unmarshal(r.Body, &body); err != nil {
			w.t.Fatalf("%s %s: %v", r.Method, r.Path, err)
		}
	}
	for _, h := range handlers {
		if m := h.pattern.FindStringSubmatch(r.Path); m != nil && h.method == r.Method {
			return h.do(w, m[1:], body)
		}
	}
	w.t.Errorf("an unknown write: %s %s", r.Method, r.Path)
	return answered(404, "no such route")
}

func merge(o, b object) (Response, error) {
	if o == nil {
		return answered(404, "Request_ResourceNotFound")
	}
	for k, v := range b {
		o[k] = v
	}
	return Response{Status: 204}, nil
}

func (w *tenant) make(list *[]object, b object) (Response, error) {
	b["id"] = w.id()
	b["createdDateTime"] = w.clock.Format(time.RFC3339)
	w.unseen[b["id"].(string)] = w.lag
	*list = append(*list, b)
	return answered(201, b)
}

func (w *tenant) postUser(_ []string, b object) (Response, error) {
	if find(w.users, "userPrincipalName", b["userPrincipalName"].(string)) != nil {
		return answered(400, "Another object with the same value for property userPrincipalName already exists.")
	}
	profile := b["passwordProfile"].(object)
	if profile["password"] != RandomPassword || profile["forceChangePasswordNextSignIn"] != false {
		w.t.Errorf("the first password is sent as %v", profile)
	}
	delete(b, "passwordProfile")
	b["userType"] = "Member"
	b["perUserMfaState"] = "disabled"
	return w.make(&w.users, b)
}

// container finds a group or unit; restricted says that its members cannot be changed now.
func (w *tenant) container(kind, id string) (o object, restricted bool) {
	if kind != "groups" {
		return find(w.units, "id", id), false
	}
	for _, u := range w.units {
		if u["isMemberManagementRestricted"] == true && holds(w.members[u["id"].(string)], id) {
			restricted = true
		}
	}
	return find(w.groups, "id", id), restricted
}

func (w *tenant) exists(id string) bool {
	for _, list := range [][]object{w.users, w.groups} {
		if find(list, "id", id) != nil {
			return w.seen(id)
		}
	}
	return false
}

func (w *tenant) seen(id string) bool {
	if w.unseen[id] > 0 {
		w.unseen[id]--
		return false
	}
	return true
}

func (w *tenant) postMember(p []string, b object) (Response, error) {
	ref := b["@odata.id"].(string)
	member, ok := strings.CutPrefix(ref, "https://graph.example/base/v1.0/directoryObjects/")
	o, restricted := w.container(p[0], p[1])
	switch {
	case !ok:
		w.t.Errorf("a reference to another host: %s", ref)
		return answered(400, "Request_BadRequest")
	case o == nil || !w.exists(member):
		return answered(404, "Request_ResourceNotFound")
	case restricted:
		return answered(403, "Authorization_RequestDenied: restricted management")
	case holds(w.members[p[1]], member):
		return answered(400, "One or more added object references already exist")
	}
	w.members[p[1]] = append(w.members[p[1]], member)
	return Response{Status: 204}, nil
}

func (w *tenant) deleteMember(p []string, _ object) (Response, error) {
	o, restricted := w.container(p[0], p[1])
	switch {
	case o == nil || !holds(w.members[p[1]], p[2]):
		return answered(404, "Request_ResourceNotFound")
	case restricted:
		return answered(403, "Authorization_RequestDenied: restricted management")
	}
	w.members[p[1]] = slices.DeleteFunc(w.members[p[1]], func(m string) bool { return m == p[2] })
	return Response{Status: 204}, nil
}

// patchPolicy replaces the lists that are sent, whole, and nothing else.
func (w *tenant) patchPolicy(p []string, b object) (Response, error) {
	policy := find(w.policies, "id", p[0])
	if policy == nil {
		return answered(404, "ResourceNotFound")
	}
	sent := b["conditions"].(object)["users"].(object)
	users := policy["conditions"].(object)["users"].(object)
	was := must(json.Marshal(policy))
	defer func() { w.log(p[0], string(was), string(must(json.Marshal(policy)))) }()
	for name, list := range sent {
		if name != "excludeUsers" && name != "excludeGroups" {
			w.t.Errorf("a policy is sent %q", name)
		}
		for _, id := range list.([]any) {
			if !w.exists(id.(string)) && !strings.HasPrefix(id.(string), "ffffffff") {
				return answered(400, "1011: a principal does not exist: "+id.(string))
			}
		}
		users[name] = list
	}
	return Response{Status: 204}, nil
}

func (w *tenant) postSchedule(_ []string, b object) (Response, error) {
	id := b["principalId"].(string)
	if !w.exists(id) {
		return answered(404, "SubjectNotFound")
	}
	if w.requiresExpiry {
		return answered(400, "RoleAssignmentRequestPolicyValidationFailed: ExpirationRule")
	}
	for _, i := range w.instances {
		if i["principalId"] == id && i["assignmentType"] == "Assigned" {
			if b["action"] != "adminUpdate" {
				return answered(400, "RoleAssignmentExists")
			}
			i["endDateTime"] = nil
			return answered(201, object{"id": "request", "status": "Provisioned"})
		}
	}
	if b["action"] != "adminAssign" {
		return answered(400, "RoleAssignmentDoesNotExist")
	}
	w.instances = append(w.instances, instance(id, "Assigned", nil))
	w.assignments = append(w.assignments, assignment(id))
	return answered(201, object{"id": "request", "status": "Provisioned"})
}

func (w *tenant) postAssignment(_ []string, b object) (Response, error) {
	id := b["principalId"].(string)
	if !w.exists(id) {
		return answered(404, "Request_ResourceNotFound")
	}
	if find(w.assignments, "principalId", id) != nil {
		return answered(400, "A conflicting object with one or more of the specified property values is present in the directory.")
	}
	w.assignments = append(w.assignments, assignment(id))
	return answered(201, assignment(id))
}

func instance(principal, kind string, end any) object {
	return object{
		"id": "instance-" + principal, "principalId": principal, "roleDefinitionId": entra.RoleGlobalAdministrator, "directoryScopeId": "/",
		"assignmentType": kind, "memberType": "Direct", "startDateTime": "2026-01-01T00:00:00Z", "endDateTime": end,
	}
}

func assignment(principal string) object {
	return object{
		"id": "assignment-" + principal, "principalId": principal, "roleDefinitionId": entra.RoleGlobalAdministrator,
		"directoryScopeId": "/", "principalType": "user",
	}
}

// get answers what plans read back.
func (w *tenant) get(r Request) (Response, error) {
	path, query, _ := strings.Cut(r.Path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		w.t.Errorf("a bad query: %s", r.Path)
	}
	path, err = url.PathUnescape(path)
	if err != nil {
		w.t.Errorf("a bad path: %s", r.Path)
	}
	filter := values.Get("$filter")
	switch parts := strings.Split(strings.TrimPrefix(path, "/"), "/"); {
	case parts[len(parts)-1] == "members":
		return w.listMembers(parts[len(parts)-2])
	case path == "/groups":
		return w.filtered(w.groups, filter)
	case path == "/directory/administrativeUnits":
		return w.filtered(w.units, filter)
	case strings.HasSuffix(path, "roleAssignmentScheduleInstances"):
		return w.filtered(w.instances, filter)
	case strings.HasSuffix(path, "/roleAssignments"):
		return w.filtered(w.assignments, filter)
	case parts[0] == "users":
		o := find(w.users, "id", parts[1])
		if o == nil {
			o = find(w.users, "userPrincipalName", parts[1])
		}
		return w.single(o)
	case path == "/auditLogs/directoryAudits":
		return w.audits()
	case path == "/identity/conditionalAccess/policies":
		return answered(200, object{"value": w.policies})
	case parts[0] == "identity":
		return w.single(find(w.policies, "id", parts[3]))
	case strings.HasSuffix(path, ruleExpiration):
		return answered(200, object{"id": ruleExpiration, "isExpirationRequired": w.requiresExpiry})
	}
	w.t.Errorf("an unknown read: %s", r.Path)
	return answered(404, "no such route")
}

func (w *tenant) single(o object) (Response, error) {
	if o == nil || !w.seen(o["id"].(string)) {
		return answered(404, "Request_ResourceNotFound")
	}
	return answered(200, o)
}

func (w *tenant) listMembers(id string) (Response, error) {
	list := []any{}
	for _, m := range w.members[id] {
		list = append(list, object{"id": m})
	}
	return answered(200, object{"value": list})
}

var equals = regexp.MustCompile(`^(\w+) eq '((?:[^']|'')*)'$`)

func (w *tenant) filtered(list []object, filter string) (Response, error) {
	out := []object{}
	for _, o := range list {
		fits := true
		for term := range strings.SplitSeq(filter, " and ") {
			m := equals.FindStringSubmatch(term)
			if m == nil {
				w.t.Errorf("a filter that nobody knows: %q", filter)
				return answered(400, "bad filter")
			}
			s, _ := o[m[1]].(string)
			fits = fits && strings.EqualFold(s, strings.ReplaceAll(m[2], "''", "'"))
		}
		if id, _ := o["id"].(string); fits && w.seen(id) {
			out = append(out, o)
		}
	}
	return answered(200, object{"value": out})
}

type logged struct {
	at     time.Time
	record object
}

// log writes an audit record as Entra does: values as JSON in text.
func (w *tenant) log(policy, was, now string) {
	w.records = append(w.records, logged{w.clock, object{"targetResources": []any{object{
		"id": policy, "modifiedProperties": []any{object{"displayName": "ConditionalAccessPolicy", "oldValue": was, "newValue": now}},
	}}}})
}

func (w *tenant) audits() (Response, error) {
	if w.unlogged {
		return answered(403, "Authorization_RequestDenied")
	}
	out := []any{}
	for _, l := range w.records {
		if w.clock.Sub(l.at) >= 2*time.Minute {
			out = append(out, l.record)
		}
	}
	return answered(200, object{"value": out})
}
