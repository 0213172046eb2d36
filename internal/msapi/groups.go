package msapi

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"breakglass/internal/entra"

	"github.com/google/uuid"
)

const groupSelect = "id,displayName,mailNickname,securityEnabled,mailEnabled,groupTypes,isAssignableToRole,isManagementRestricted,onPremisesSyncEnabled"

func groupPath(id string) string { return "/groups/" + url.PathEscape(id) + "?$select=" + groupSelect }

func isID(s string) bool { return uuid.Validate(s) == nil && len(s) == 36 }

// wantedGroups finds the ids of the groups asked for; a mail nickname is looked up.
func (r *reader) wantedGroups(ctx context.Context) {
	for _, key := range distinct(r.opts.Groups) {
		if isID(key) {
			r.wantGroup(strings.ToLower(key))
			continue
		}
		path := "/groups?$filter=mailNickname eq '" + url.QueryEscape(strings.ReplaceAll(key, "'", "''")) + "'&$select=" + groupSelect
		t := &take[entra.Group]{decode: as[entra.Group]}
		pages, err := r.c.list(ctx, v1, path, 0, t.add)
		if err == nil && t.bad == nil && len(t.all) == 0 {
			err = &Error{Kind: KindNotFound, Op: "GET /" + v1 + path, Message: "there is no such group", retryAfter: -1}
		}
		if err != nil || t.bad != nil {
			r.file(entra.PartGroup.Of(key), "/"+v1+path, pages, 0, firstError(err, t.bad))
		}
		for _, g := range t.all {
			r.wantGroup(g.ID)
		}
	}
}

func firstError(errs ...error) error {
	for _, e := range errs {
		if e != nil {
			return e
		}
	}
	return nil
}

func (r *reader) wantGroup(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wantedGroupIDs = append(r.wantedGroupIDs, id)
}

// groups: "Get group", "List group transitive members", "List group owners";
// GroupMember.Read.All. Read are the groups asked for, those that hold a watched role and
// those that policies name; members and owners only of the first two.
func (r *reader) groups(ctx context.Context) {
	deep, unsure := r.deepGroups()
	shallow := r.policyGroups(append(slices.Clone(deep), unsure...))
	all := append(append(slices.Clone(deep), unsure...), shallow...)
	r.expect(len(all) + len(deep))
	for i, res := range r.c.batch(ctx, v1, pathsOf(all, groupPath)) {
		if res.err != nil && res.err.Kind == KindNotFound && slices.Contains(unsure, all[i]) {
			continue // an eligible user, not a group
		}
		r.group(all[i], res)
	}
	var known []string
	for _, id := range append(slices.Clone(deep), unsure...) {
		if r.snap.Group(id) != nil {
			known = append(known, id)
		}
	}
	r.members(ctx, known)
	r.owners(ctx, known)
}

func (r *reader) group(id string, res result) {
	g, err := entra.Group{}, error(nil)
	if res.err != nil {
		err = res.err
	} else if g, err = as[entra.Group](res.body); err == nil && g.ID == "" {
		err = errMissing("id")
	}
	if err != nil {
		r.file(entra.PartGroup.Of(id), "/"+v1+groupPath(id), 0, 0, damagedUnless(err, groupPath(id)))
		return
	}
	r.file(entra.PartGroup.Of(g.ID), "/"+v1+groupPath(id), 1, 1, nil)
	r.put(func(s *entra.Snapshot) { s.Groups = append(s.Groups, g) })
}

// deepGroups are the groups whose members matter, and principals that may be such groups:
// PIM's instances do not say what their principal is.
func (r *reader) deepGroups() (sure, unsure []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sure = distinct(r.wantedGroupIDs)
	kinds := map[string]string{}
	for _, a := range r.snap.RoleAssignments {
		t := a.PrincipalType.Or("")
		if t != "" {
			kinds[a.PrincipalID] = t
		}
		if t == "group" && !slices.Contains(sure, a.PrincipalID) {
			sure = append(sure, a.PrincipalID)
		}
	}
	for _, list := range [][]entra.RoleInstance{r.snap.ActiveRoles, r.snap.EligibleRoles} {
		for _, i := range list {
			// A row that came through a group is a user's own.
			if kinds[i.PrincipalID] == "" && i.MemberType.Or("Direct") == "Direct" && r.snap.User(i.PrincipalID) == nil {
				kinds[i.PrincipalID] = "unsure"
				unsure = append(unsure, i.PrincipalID)
			}
		}
	}
	return sure, unsure
}

// policyGroups are the groups that policies name and that are not in the list yet.
func (r *reader) policyGroups(have []string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, p := range r.snap.Policies {
		u := p.Conditions.Or(entra.Conditions{}).Users.Or(entra.UserCondition{})
		for _, id := range append(slices.Clone(u.IncludeGroups.Or(nil)), u.ExcludeGroups.Or(nil)...) {
			if isID(id) && !slices.Contains(have, id) && !slices.Contains(out, id) && len(out) < maxGroups {
				out = append(out, id)
			}
		}
	}
	return out
}

func (r *reader) members(ctx context.Context, ids []string) {
	path := func(id string) string {
		return "/groups/" + url.PathEscape(id) + "/transitiveMembers?$select=id,displayName&$top=999"
	}
	for i, res := range r.c.batch(ctx, v1, pathsOf(ids, path)) {
		id := ids[i]
		r.memberList(ctx, entra.PartGroupMembers.Of(id), path(id), res, func(s *entra.Snapshot, all []entra.Member) {
			s.Group(id).Members = entra.Some(all)
		})
	}
}

// owners come with the group: they can add themselves. They have no part of their own, so
// that a list which is not whole is left unknown.
func (r *reader) owners(ctx context.Context, ids []string) {
	path := func(id string) string { return "/groups/" + url.PathEscape(id) + "/owners?$select=id,displayName" }
	for i, res := range r.c.batch(ctx, v1, pathsOf(ids, path)) {
		t := &take[entra.Member]{decode: decodeMember, all: []entra.Member{}}
		_, err := r.pagesOf(ctx, v1, path(ids[i]), res, maxMembers, t.add)
		if err == nil && t.bad == nil {
			r.put(func(s *entra.Snapshot) { s.Group(ids[i]).Owners = entra.Some(t.all) })
		}
	}
}

// memberList stores and files the members of one group or unit.
func (r *reader) memberList(ctx context.Context, p entra.Part, path string, res result, set func(*entra.Snapshot, []entra.Member)) {
	t := &take[entra.Member]{decode: decodeMember, all: []entra.Member{}}
	pages, err := r.pagesOf(ctx, v1, path, res, maxMembers, t.add)
	err = firstError(err, t.bad)
	if pages > 0 {
		r.put(func(s *entra.Snapshot) { set(s, t.all) })
	}
	r.file(p, "/"+v1+path, pages, len(t.all), err)
}

func decodeMember(raw json.RawMessage) (entra.Member, error) {
	m, err := as[entra.Member](raw)
	m.Type = kind(odataType(raw))
	if err == nil && (m.ID == "" || m.Type == "") {
		return m, errMissing("id or @odata.type")
	}
	return m, err
}
