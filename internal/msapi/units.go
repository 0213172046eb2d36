package msapi

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// maxUnits bounds the listing of administrative units; a tenant has some dozens.
const maxUnits = 2000

// units: "List administrativeUnits"; AdministrativeUnit.Read.All.
func (r *reader) units(ctx context.Context) {
	all := collect(ctx, r, entra.PartUnits, v1,
		"/directory/administrativeUnits?$select=id,displayName,isMemberManagementRestricted&$top=999", maxUnits, as[entra.AdministrativeUnit])
	r.put(func(s *entra.Snapshot) { s.AdministrativeUnits = all })
}

// unitMembers: "List members" of the units asked for and of restricted ones.
func (r *reader) unitMembers(ctx context.Context) {
	path := func(id string) string {
		return "/directory/administrativeUnits/" + url.PathEscape(id) + "/members?$select=id,displayName"
	}
	ids := r.deepUnits()
	for i, res := range r.c.batch(ctx, v1, pathsOf(ids, path)) {
		r.memberList(ctx, entra.PartUnitMembers.Of(ids[i]), path(ids[i]), res, func(s *entra.Snapshot, all []entra.Member) {
			for j := range s.AdministrativeUnits {
				if s.AdministrativeUnits[j].ID == ids[i] {
					s.AdministrativeUnits[j].Members = entra.Some(all)
				}
			}
		})
	}
}

func (r *reader) deepUnits() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []string
	for _, u := range r.snap.AdministrativeUnits {
		wanted := slices.ContainsFunc(r.opts.Units, func(w string) bool {
			return strings.EqualFold(w, u.ID) || strings.EqualFold(w, u.DisplayName.Or(""))
		})
		// There are at most 100 restricted units in a tenant.
		if wanted || u.IsRestricted.Or(false) {
			ids = append(ids, u.ID)
		}
	}
	return ids
}
