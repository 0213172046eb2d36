package msapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// userSelect is what is read of a user. Two properties need more than User.Read.All and are
// parts of their own: signInActivity and employeeLeaveDateTime.
const userSelect = "?$select=id,userPrincipalName,displayName,accountEnabled,userType,createdDateTime," +
	"onPremisesSyncEnabled,onPremisesImmutableId,passwordPolicies,lastPasswordChangeDateTime,signInSessionsValidFromDateTime," +
	"isManagementRestricted,usageLocation,givenName,surname,jobTitle,mail,otherMails,mobilePhone,businessPhones"

func userPath(key string) string { return "/users/" + url.PathEscape(key) + userSelect }

// accounts: "Get a user"; User.Read.All. An account that is not found is looked for among the
// deleted ones, because it can be restored there for 30 days.
func (r *reader) accounts(ctx context.Context) {
	keys := distinct(r.opts.Accounts)
	missing := map[string]*Error{}
	for i, res := range r.c.batch(ctx, v1, pathsOf(keys, userPath)) {
		if id := r.user(keys[i], res); id != "" {
			r.put(func(*entra.Snapshot) { r.wantedUsers = append(r.wantedUsers, id) })
		} else if res.err != nil && res.err.Kind == KindNotFound {
			missing[keys[i]] = res.err
		}
	}
	for _, key := range keys {
		if e, ok := missing[key]; ok {
			r.deleted(ctx, key, e)
		}
	}
}

// user stores one answered user and files it; the id is empty when there is none.
func (r *reader) user(key string, res result) string {
	u, err := entra.User{}, error(nil)
	if res.err != nil {
		err = res.err
	} else if u, err = as[entra.User](res.body); err == nil && u.ID == "" {
		err = errMissing("id")
	}
	if err != nil {
		r.file(entra.PartUser.Of(key), "/"+v1+userPath(key), 0, 0, damagedUnless(err, userPath(key)))
		return ""
	}
	r.file(entra.PartUser.Of(u.ID), "/"+v1+userPath(key), 1, 1, nil)
	r.put(func(s *entra.Snapshot) {
		if s.User(u.ID) == nil {
			s.Users = append(s.Users, u)
		}
	})
	return u.ID
}

// damagedUnless marks an error that is none of the service's as a damaged answer.
func damagedUnless(err error, path string) error {
	if e, ok := err.(*Error); ok {
		return e
	}
	return &Error{Kind: kindDamaged, Op: "GET /" + v1 + path, Message: "the answer is not in the form that we know: " + shorten(err.Error()), retryAfter: -1}
}

// deleted says of a missing account whether it lies among the deleted ones ("List
// deletedItems"). A deleted user's name carries its id in front.
func (r *reader) deleted(ctx context.Context, key string, notFound *Error) {
	path := "/directory/deletedItems/" + url.PathEscape(key)
	if strings.Contains(key, "@") {
		path = "/directory/deletedItems/microsoft.graph.user?$select=id,userPrincipalName,deletedDateTime&$top=999"
	}
	body, err := r.c.get(ctx, v1, path)
	if err != nil {
		return
	}
	var v struct {
		deletedUser
		Value []deletedUser `json:"value"`
	}
	if json.Unmarshal(body, &v) != nil {
		return
	}
	for _, d := range append(v.Value, v.deletedUser) {
		if d.is(key) {
			e := *notFound
			e.Message = "the account was deleted on " + d.At + " and can be restored within 30 days (object id " + d.ID + ")"
			r.file(entra.PartUser.Of(key), "/"+v1+path, 1, 0, &e)
			return
		}
	}
}

type deletedUser struct {
	ID  string `json:"id"`
	UPN string `json:"userPrincipalName"`
	At  string `json:"deletedDateTime"`
}

func (d deletedUser) is(key string) bool {
	return d.ID != "" && (strings.EqualFold(d.ID, key) ||
		strings.Contains(key, "@") && strings.HasSuffix(strings.ToLower(d.UPN), strings.ToLower(key)))
}

// otherUsers are the holders of administrator roles and the members of groups that matter,
// bounded: a listing that is cut is on record as such.
func (r *reader) otherUsers(ctx context.Context) {
	want := r.otherIDs()
	if len(want) > r.opts.MaxUsers {
		for _, id := range want[r.opts.MaxUsers:] {
			r.file(entra.PartUser.Of(id), "/"+v1+userPath(id), 0, 0, errTooMany("GET /"+v1+userPath(id), r.opts.MaxUsers))
		}
		want = want[:r.opts.MaxUsers]
	}
	r.expect(len(want))
	for i, res := range r.c.batch(ctx, v1, pathsOf(want, userPath)) {
		// An eligible principal may be a group or an application; groups were read before.
		if res.err != nil && res.err.Kind == KindNotFound && !r.surelyUser(want[i]) {
			continue
		}
		r.user(want[i], res)
	}
}

// surelyUser is true for an id that an answer called a user.
func (r *reader) surelyUser(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.snap
	return slices.ContainsFunc(s.RoleAssignments, func(a entra.RoleAssignment) bool {
		return a.PrincipalID == id && a.PrincipalType.Or("") == "user"
	}) || slices.ContainsFunc(s.Groups, func(g entra.Group) bool {
		return slices.ContainsFunc(g.Members.Or(nil), func(m entra.Member) bool { return m.ID == id && m.Type == "user" })
	})
}

// otherIDs are the principals worth reading as users that are not read yet.
func (r *reader) otherIDs() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []string
	add := func(id string) {
		if id != "" && r.snap.User(id) == nil && r.snap.Group(id) == nil && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, a := range r.snap.RoleAssignments {
		if administers(a.RoleID) && a.PrincipalType.Or("user") == "user" {
			add(a.PrincipalID)
		}
	}
	for _, list := range [][]entra.RoleInstance{r.snap.ActiveRoles, r.snap.EligibleRoles} {
		for _, i := range list {
			if administers(i.RoleID) && !r.servicePrincipal(i.PrincipalID) {
				add(i.PrincipalID)
			}
		}
	}
	for _, g := range r.snap.Groups {
		for _, m := range g.Members.Or(nil) {
			if m.Type == "user" {
				add(m.ID)
			}
		}
	}
	return ids
}

// servicePrincipal is true for a principal that the assignments call one; r.mu is held.
func (r *reader) servicePrincipal(id string) bool {
	return slices.ContainsFunc(r.snap.RoleAssignments, func(a entra.RoleAssignment) bool {
		return a.PrincipalID == id && a.PrincipalType.Or("") == "servicePrincipal"
	})
}

// administers is true for a role whose holders are read.
func administers(role string) bool {
	return slices.Contains(entra.WatchedRoles()[:entra.AdministratorRoles], role)
}

// eachUser reads one object for every user of the reading, in batches.
func eachUser(ctx context.Context, r *reader, p entra.Part, version, pattern string, set func(*entra.User, []byte) error) {
	ids := r.userIDs()
	r.expect(len(ids))
	path := func(id string) string { return fmt.Sprintf(pattern, url.PathEscape(id)) }
	for i, res := range r.c.batch(ctx, version, pathsOf(ids, path)) {
		r.userPart(p, version, path(ids[i]), ids[i], res, set)
	}
}

// userPart stores and files one part of one user.
func (r *reader) userPart(p entra.Part, version, path, id string, res result, set func(*entra.User, []byte) error) {
	err, items := error(nil), 1
	if res.err != nil {
		err = res.err
	} else {
		r.put(func(s *entra.Snapshot) { err = set(s.User(id), res.body) })
	}
	if err != nil {
		err, items = damagedUnless(err, path), 0
	}
	r.file(p.Of(id), "/"+version+path, items, items, err)
}

// eachUserList reads one collection for every user of the reading.
func eachUserList[T any](ctx context.Context, r *reader, p entra.Part, pattern string, decode func(json.RawMessage) (T, error), set func(*entra.User, []T)) {
	ids := r.userIDs()
	r.expect(len(ids))
	path := func(id string) string { return fmt.Sprintf(pattern, url.PathEscape(id)) }
	for i, res := range r.c.batch(ctx, v1, pathsOf(ids, path)) {
		t := &take[T]{decode: decode, all: []T{}}
		pages, err := r.pagesOf(ctx, v1, path(ids[i]), res, 0, t.add)
		if err == nil {
			err = t.bad
		}
		if pages > 0 {
			r.put(func(s *entra.Snapshot) { set(s.User(ids[i]), t.all) })
		}
		r.file(p.Of(ids[i]), "/"+v1+path(ids[i]), pages, len(t.all), err)
	}
}

func (r *reader) userIDs() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]string, 0, len(r.snap.Users))
	for _, u := range r.snap.Users {
		ids = append(ids, u.ID)
	}
	return ids
}

// signInActivity: "Get a user" with $select=signInActivity; AuditLog.Read.All and P1. A user
// who never signed in has no such member: known to be nothing.
func (r *reader) signInActivity(ctx context.Context) {
	eachUser(ctx, r, entra.PartSignInActivity, v1, "/users/%s?$select=id,signInActivity", func(u *entra.User, body []byte) error {
		v, err := as[map[string]json.RawMessage](body)
		if err != nil || v["id"] == nil {
			return errMissing("id")
		}
		u.SignInActivity = entra.Null[entra.SignInActivity]()
		if raw, ok := v["signInActivity"]; ok {
			return json.Unmarshal(raw, &u.SignInActivity)
		}
		return nil
	})
}

// employeeLeave: "Get a user" with $select=employeeLeaveDateTime; User-LifeCycleInfo.Read.All.
// Read of the accounts only: lifecycle workflows act on it.
func (r *reader) employeeLeave(ctx context.Context) {
	ids := distinct(r.wantedUsers)
	path := func(id string) string { return "/users/" + url.PathEscape(id) + "?$select=id,employeeLeaveDateTime" }
	for i, res := range r.c.batch(ctx, v1, pathsOf(ids, path)) {
		r.userPart(entra.PartEmployeeLeave, v1, path(ids[i]), ids[i], res, func(u *entra.User, body []byte) error {
			v, err := as[entra.User](body)
			if err == nil && !v.EmployeeLeave.Known() {
				return errMissing("employeeLeaveDateTime")
			}
			u.EmployeeLeave = v.EmployeeLeave
			return err
		})
	}
}

// risk: "Get riskyUser"; IdentityRiskyUser.Read.All; P2. Read of the accounts only, one request
// a second. A user whom Identity Protection does not know has no risk.
func (r *reader) risk(ctx context.Context) {
	for _, id := range distinct(r.wantedUsers) {
		path := "/identityProtection/riskyUsers/" + url.PathEscape(id) + "?$select=id,riskState,riskLevel"
		body, err := r.c.get(ctx, v1, path)
		res := result{body: body}
		if err != nil {
			res.err = asError(err, "GET /"+v1+path)
			if res.err.Kind == KindNotFound {
				res = result{body: []byte(`{"riskState":"none","riskLevel":"none"}`)}
			}
		}
		r.userPart(entra.PartRisk, v1, path, id, res, func(u *entra.User, body []byte) error {
			v, err := as[entra.UserRisk](body)
			u.Risk = entra.Some(v)
			return err
		})
	}
}

// memberOf: "List a user's memberships (transitive)"; User.Read.All and GroupMember.Read.All.
func (r *reader) memberOf(ctx context.Context) {
	eachUserList(ctx, r, entra.PartMemberOf, "/users/%s/transitiveMemberOf?$select=id,displayName,roleTemplateId&$top=999", decodeMembership,
		func(u *entra.User, all []entra.Membership) { u.MemberOf = entra.Some(all) })
}

func decodeMembership(raw json.RawMessage) (entra.Membership, error) {
	m, err := as[entra.Membership](raw)
	m.Type = kind(odataType(raw))
	if err == nil && (m.ID == "" || m.Type == "") {
		return m, errMissing("id or @odata.type")
	}
	return m, err
}

// distinct drops empty entries and repetitions, whatever their letter case.
func distinct(all []string) []string {
	var out []string
	for _, s := range all {
		if s != "" && !slices.ContainsFunc(out, func(t string) bool { return strings.EqualFold(s, t) }) {
			out = append(out, s)
		}
	}
	return out
}

func pathsOf(keys []string, path func(string) string) []string {
	out := make([]string, 0, len(keys))
	for _, k := range keys {
		out = append(out, path(k))
	}
	return out
}
