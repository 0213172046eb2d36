package graph

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/internal/simtenant/state"
)

func newGroup(name string) map[string]any {
	return map[string]any{"displayName": name, "mailEnabled": false, "mailNickname": name, "securityEnabled": true}
}

func roleGroup(name string) map[string]any {
	g := newGroup(name)
	g["isAssignableToRole"] = true
	return g
}

const writeGroups = "Group.ReadWrite.All User.Read.All"

func TestGroupKindsThatGraphRefuses(t *testing.T) {
	h := newHouse(t)
	with := func(kv ...any) map[string]any {
		g := newGroup("g")
		for i := 0; i < len(kv); i += 2 {
			g[fmt.Sprint(kv[i])] = kv[i+1]
		}
		return g
	}
	without := func(k string) map[string]any { g := newGroup("g"); delete(g, k); return g }
	for name, c := range map[string]struct {
		body   map[string]any
		status int
	}{
		"plain":                          {newGroup("g"), 201},
		"the same name again":            {newGroup("g"), 201},
		"Microsoft 365":                  {with("groupTypes", []string{"Unified"}, "mailEnabled", true, "mailNickname", "m365"), 201},
		"mail-enabled security":          {with("mailEnabled", true), 400},
		"neither mail nor security":      {with("securityEnabled", false), 400},
		"no nickname":                    {without("mailNickname"), 400},
		"no mailEnabled":                 {without("mailEnabled"), 400},
		"no securityEnabled":             {without("securityEnabled"), 400},
		"a space in the nickname":        {with("mailNickname", "a b"), 400},
		"dynamic":                        {with("groupTypes", []string{"DynamicMembership"}, "membershipRule", "true"), 501},
		"unknown property":               {with("colour", "red"), 400},
		"role-assignable, public":        {with("isAssignableToRole", true, "visibility", "Public"), 400},
		"role-assignable, no permission": {roleGroup("r"), 403},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			h.want(c.status, app(writeGroups), "POST", "/v1.0/groups", c.body)
		})
	}
	h.t = t
	h.want(201, app(writeGroups+" RoleManagement.ReadWrite.Directory"), "POST", "/v1.0/groups", roleGroup("r"))
	h.want(403, user(houseUser, writeGroups), "POST", "/v1.0/groups", newGroup("g2"))
}

func TestRoleAssignableFlagIsSetOnceAndNothingNests(t *testing.T) {
	h := newHouse(t)
	all := app(writeGroups + " RoleManagement.ReadWrite.Directory")
	role := h.want(201, all, "POST", "/v1.0/groups", roleGroup("r")).body
	if role["visibility"] != "Private" || role["isAssignableToRole"] != true {
		t.Errorf("got %v", role)
	}
	plain := h.want(201, all, "POST", "/v1.0/groups", newGroup("g")).body.ID()
	h.want(400, all, "PATCH", "/v1.0/groups/"+plain, map[string]any{"isAssignableToRole": true})
	h.want(400, all, "POST", "/v1.0/groups/"+role.ID()+"/members/$ref", ref(plain))
	h.want(403, app(writeGroups), "POST", "/v1.0/groups/"+role.ID()+"/members/$ref", ref(houseUser))
	h.want(204, all, "POST", "/v1.0/groups/"+role.ID()+"/members/$ref", ref(houseUser))
	h.want(403, app(writeGroups), "DELETE", "/v1.0/groups/"+role.ID(), nil)
}

func TestMembershipReachesThroughGroups(t *testing.T) {
	h := newHouse(t)
	all := app(writeGroups)
	inner := h.want(201, all, "POST", "/v1.0/groups", newGroup("inner")).body.ID()
	outer := h.want(201, all, "POST", "/v1.0/groups", newGroup("outer")).body.ID()
	h.want(204, all, "POST", "/v1.0/groups/"+inner+"/members/$ref", ref(houseUser))
	h.want(204, all, "POST", "/v1.0/groups/"+outer+"/members/$ref", ref(inner))
	h.want(204, all, "POST", "/v1.0/groups/"+inner+"/members/$ref", ref(outer)) // a circle is allowed

	if got := h.want(200, all, "GET", "/v1.0/groups/"+outer+"/members", nil).ids(); !slices.Equal(got, []string{inner}) {
		t.Errorf("members: %v", got)
	}
	deep := h.want(200, all, "GET", "/v1.0/groups/"+outer+"/transitiveMembers", nil)
	if !slices.Contains(deep.ids(), houseUser) || !slices.Contains(deep.ids(), inner) {
		t.Errorf("transitive members: %v", deep.ids())
	}
	if got := h.want(200, all, "GET", "/v1.0/groups/"+outer+"/transitiveMembers/microsoft.graph.user?$select=id", nil).ids(); !slices.Equal(got, []string{houseUser}) {
		t.Errorf("transitive users: %v", got)
	}
	of := h.want(200, all, "GET", "/v1.0/users/"+houseUser+"/transitiveMemberOf", nil).ids()
	if !slices.Contains(of, inner) || !slices.Contains(of, outer) {
		t.Errorf("member of: %v", of)
	}
	if got := h.want(200, all, "POST", "/v1.0/users/"+houseUser+"/checkMemberGroups", map[string]any{"groupIds": []string{outer, houseGA}}).body.Strings("value"); !slices.Equal(got, []string{outer}) {
		t.Errorf("checked: %v", got)
	}
	if got := h.want(200, all, "POST", "/v1.0/users/"+houseUser+"/getMemberObjects", map[string]any{"securityEnabledOnly": false}).body.Strings("value"); len(got) != 2 {
		t.Errorf("member objects: %v", got)
	}
	if r := h.want(400, all, "POST", "/v1.0/groups/"+inner+"/members/$ref", ref(houseUser)); !strings.Contains(r.message(), "already exist") {
		t.Errorf("got %q", r.message())
	}
	h.want(204, all, "DELETE", "/v1.0/groups/"+inner+"/members/"+houseUser+"/$ref", nil)
	h.want(404, all, "DELETE", "/v1.0/groups/"+inner+"/members/"+houseUser+"/$ref", nil)
	if got := h.audits(); !slices.Contains(got, "Add member to group") || !slices.Contains(got, "Remove member from group") {
		t.Errorf("records: %v", got)
	}
}

func TestMembersThatMayNotBeReadAreBareIDs(t *testing.T) {
	h := newHouse(t)
	g := h.want(201, app(writeGroups), "POST", "/v1.0/groups", newGroup("g")).body.ID()
	h.want(204, app(writeGroups), "POST", "/v1.0/groups/"+g+"/members/$ref", ref(houseUser))
	r := h.want(200, app("GroupMember.Read.All"), "GET", "/v1.0/groups/"+g+"/members", nil)
	one := state.Object(elements(r.body["value"])[0].(map[string]any))
	if one.ID() != houseUser || one["displayName"] != nil || one["@odata.type"] != "#microsoft.graph.user" {
		t.Errorf("got %v", one)
	}
	if got := h.want(200, app("GroupMember.Read.All User.Read.All"), "GET", "/v1.0/groups/"+g+"/members", nil).values("displayName"); got[0] != "Olaf" {
		t.Errorf("got %v", got)
	}
}

// unit is a restricted unit with the members given.
func (h *house) unit(members ...string) string {
	h.t.Helper()
	admin := user(houseGA, "AdministrativeUnit.ReadWrite.All User.Read.All")
	id := h.want(201, admin, "POST", "/v1.0/directory/administrativeUnits", map[string]any{"displayName": "Sealed", "isMemberManagementRestricted": true}).body.ID()
	for _, m := range members {
		h.want(204, admin, "POST", "/v1.0/directory/administrativeUnits/"+id+"/members/$ref", ref(m))
	}
	return id
}

func TestRestrictedUnitHoldsOffEvenTheGlobalAdministrator(t *testing.T) {
	h := newHouse(t)
	g := h.want(201, app(writeGroups), "POST", "/v1.0/groups", newGroup("exclusions")).body.ID()
	id := h.unit(houseUser, g)
	ga := user(houseGA, writeUsers+" Group.ReadWrite.All RoleManagement.ReadWrite.Directory AdministrativeUnit.ReadWrite.All")
	robot := app(writeUsers + " Group.ReadWrite.All")
	for _, token := range []string{ga, robot} {
		if r := h.want(403, token, "PATCH", "/v1.0/users/"+houseUser, map[string]any{"jobTitle": "x"}); !strings.Contains(r.message(), "restricted management administrative unit") {
			t.Errorf("got %q", r.message())
		}
		h.want(403, token, "DELETE", "/v1.0/users/"+houseUser, nil)
		h.want(403, token, "POST", "/v1.0/users/"+houseUser+"/revokeSignInSessions", nil)
		h.want(403, token, "POST", "/v1.0/groups/"+g+"/members/$ref", ref(houseGA))
		h.want(403, token, "DELETE", "/v1.0/groups/"+g, nil)
	}
	read := app("User.Read.All Group.Read.All")
	if got := h.want(200, read, "GET", "/v1.0/users/"+houseUser+"?$select=isManagementRestricted", nil); got.body["isManagementRestricted"] != true {
		t.Errorf("got %v", got.body)
	}
	if got := h.want(200, read, "GET", "/v1.0/users/"+houseGA+"?$select=isManagementRestricted", nil); got.body["isManagementRestricted"] != false {
		t.Errorf("got %v", got.body)
	}
	if _, shown := h.want(200, read, "GET", "/v1.0/groups/"+g, nil).body["isManagementRestricted"]; shown {
		t.Error("isManagementRestricted came without being selected")
	}

	h.giveRole(houseGA, roleGroupsAdministrator, "/administrativeUnits/"+id)
	h.want(204, ga, "POST", "/v1.0/groups/"+g+"/members/$ref", ref(houseGA))
	h.want(403, ga, "PATCH", "/v1.0/users/"+houseUser, map[string]any{"jobTitle": "x"})

	t.Run("taking a member out frees it at once", func(t *testing.T) {
		h.t = t
		h.want(403, app("AdministrativeUnit.ReadWrite.All"), "DELETE", "/v1.0/directory/administrativeUnits/"+id+"/members/"+houseUser+"/$ref", nil)
		h.want(204, ga, "DELETE", "/v1.0/directory/administrativeUnits/"+id+"/members/"+houseUser+"/$ref", nil)
		h.want(204, ga, "PATCH", "/v1.0/users/"+houseUser, map[string]any{"jobTitle": "x"})
	})
	t.Run("deleting the unit frees its members within half an hour", func(t *testing.T) {
		h.t = t
		h.want(204, ga, "DELETE", "/v1.0/directory/administrativeUnits/"+id, nil)
		h.want(403, robot, "PATCH", "/v1.0/groups/"+g, map[string]any{"description": "x"})
		h.st.Clock.Advance(30 * time.Minute)
		h.want(204, robot, "PATCH", "/v1.0/groups/"+g, map[string]any{"description": "x"})
	})
	if got := h.audits(); !slices.Contains(got, "Add member to restricted management administrative unit") {
		t.Errorf("records: %v", got)
	}
}

func TestRestrictionIsDecidedWhenTheUnitIsMade(t *testing.T) {
	h := newHouse(t)
	admin := user(houseGA, "AdministrativeUnit.ReadWrite.All")
	id := h.want(201, admin, "POST", "/v1.0/directory/administrativeUnits", map[string]any{"displayName": "Open"}).body
	if id["isMemberManagementRestricted"] != false {
		t.Errorf("got %v", id)
	}
	h.want(400, admin, "PATCH", "/v1.0/directory/administrativeUnits/"+id.ID(), map[string]any{"isMemberManagementRestricted": true})
	h.want(204, admin, "PATCH", "/v1.0/directory/administrativeUnits/"+id.ID(), map[string]any{"description": "d"})
	h.want(403, user(houseUser, "AdministrativeUnit.ReadWrite.All"), "POST", "/v1.0/directory/administrativeUnits", map[string]any{"displayName": "x"})
	h.change(func(tx *state.Tx) { tx.Delete("subscribedSkus", "sku") })
	h.want(403, admin, "POST", "/v1.0/directory/administrativeUnits", map[string]any{"displayName": "x", "isMemberManagementRestricted": true})
}

func TestRolesInTheirOlderFace(t *testing.T) {
	h := newHouse(t)
	all := user(houseGA, "RoleManagement.ReadWrite.Directory User.Read.All")
	if got := h.want(200, all, "GET", "/v1.0/directoryRoleTemplates", nil); len(got.ids()) < 10 {
		t.Errorf("templates: %d", len(got.ids()))
	}
	found := h.want(200, all, "GET", "/v1.0/directoryRoles?$filter=roleTemplateId%20eq%20'"+roleGlobalAdministrator+"'", nil).ids()
	if len(found) != 1 {
		t.Fatalf("the held role is no directoryRole: %v", found)
	}
	if got := h.want(200, all, "GET", "/v1.0/directoryRoles/"+found[0]+"/members", nil).ids(); !slices.Equal(got, []string{houseGA}) {
		t.Errorf("members: %v", got)
	}
	if got := h.want(200, all, "GET", "/v1.0/directoryRoles(roleTemplateId='"+roleGlobalAdministrator+"')/members", nil).ids(); !slices.Equal(got, []string{houseGA}) {
		t.Errorf("members by template: %v", got)
	}
	h.want(204, all, "POST", "/v1.0/directoryRoles/"+found[0]+"/members/$ref", ref(houseUser))
	h.want(400, all, "POST", "/v1.0/directoryRoles/"+found[0]+"/members/$ref", ref(houseUser))
	h.want(204, all, "DELETE", "/v1.0/directoryRoles/"+found[0]+"/members/"+houseUser+"/$ref", nil)
	h.want(400, all, "DELETE", "/v1.0/directoryRoles/"+found[0]+"/members/"+houseGA+"/$ref", nil) // the last one
	h.want(403, app("RoleManagement.Read.Directory"), "POST", "/v1.0/directoryRoles", map[string]any{"roleTemplateId": roleGlobalReader})
	h.want(201, all, "POST", "/v1.0/directoryRoles", map[string]any{"roleTemplateId": roleGlobalReader})
	h.want(400, all, "POST", "/v1.0/directoryRoles", map[string]any{"roleTemplateId": roleGlobalReader})
}
