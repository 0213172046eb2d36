package graph

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

const writeUsers = "User.ReadWrite.All User-PasswordProfile.ReadWrite.All"

func TestUserIsCreatedOnlyWithWhatGraphRequires(t *testing.T) {
	h := newHouse(t)
	without := func(key string) map[string]any { b := newUser("anna"); delete(b, key); return b }
	with := func(key string, v any) map[string]any { b := newUser("anna"); b[key] = v; return b }
	password := func(p string) map[string]any {
		return with("passwordProfile", map[string]any{"password": p, "forceChangePasswordNextSignIn": false})
	}
	for name, c := range map[string]struct {
		body map[string]any
		says string
	}{
		"no nickname":          {without("mailNickname"), "'mailNickname'"},
		"no name":              {without("displayName"), "'displayName'"},
		"no switch":            {without("accountEnabled"), "'accountEnabled'"},
		"no principal name":    {without("userPrincipalName"), "'userPrincipalName'"},
		"no password":          {without("passwordProfile"), "password"},
		"unknown property":     {with("favouriteColour", "blue"), "'favouriteColour'"},
		"wrong type":           {with("accountEnabled", "yes"), "accountEnabled"},
		"read-only property":   {with("createdDateTime", "2026-01-01T00:00:00Z"), "read-only"},
		"foreign domain":       {with("userPrincipalName", "anna@elsewhere.example"), "verified domain"},
		"name taken":           {with("userPrincipalName", "OLAF@"+houseDomain), "userPrincipalName already exists"},
		"dot before the at":    {with("userPrincipalName", "anna.@"+houseDomain), "userPrincipalName"},
		"umlaut in the name":   {with("userPrincipalName", "änna@"+houseDomain), "userPrincipalName"},
		"short password":       {password("Ab1!xyz"), "complexity"},
		"two classes":          {password("abcdefgh12345"), "complexity"},
		"umlaut in password":   {password("Größe-7-mal-Käse"), "complexity"},
		"banned words":         {password("P@ssw0rd1"), "guessable"},
		"the tenant's name":    {password("F@brikam-qT7xw"), "guessable"},
		"federated, no anchor": {with("userPrincipalName", "anna@fed.example"), "onPremisesImmutableId"},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			r := h.want(400, app(writeUsers), "POST", "/v1.0/users", c.body)
			if r.code() != "Request_BadRequest" || !strings.Contains(r.message(), c.says) {
				t.Errorf("got %s %q, want it to say %q", r.code(), r.message(), c.says)
			}
		})
	}
	h.t = t
	if got := h.audits(); len(got) != 0 {
		t.Errorf("refused creations left records: %v", got)
	}
}

func TestNewUserIsRecordedTwiceUnderOneCorrelation(t *testing.T) {
	h := newHouse(t)
	r := h.want(201, app(writeUsers), "POST", "/v1.0/users", newUser("anna"))
	if r.body.ID() == "" || r.body["passwordProfile"] != nil || strings.Contains(r.text, "Kx7#") || strings.Contains(r.text, "_password") {
		t.Errorf("the answer to a creation is wrong or tells the password: %s", r.text)
	}
	var records []state.Object
	h.st.View(func(tx *state.Tx) { records = tx.List(logs.Audits) })
	if len(records) != 2 || records[0].String("activityDisplayName") != "Add user" || records[1].String("activityDisplayName") != "Update PasswordProfile" {
		t.Fatalf("got records %v", h.audits())
	}
	if records[0]["correlationId"] != records[1]["correlationId"] {
		t.Error("the two records of one act have different correlation ids")
	}
	by := records[0].Object("initiatedBy").Object("app")
	if by.String("servicePrincipalId") != houseApp || by["appId"] != nil {
		t.Errorf("initiated by %v", by)
	}
}

func TestPasswordLeftToDefaultsMustBeChangedAtSignIn(t *testing.T) {
	h := newHouse(t)
	b := newUser("anna")
	b["passwordProfile"] = map[string]any{"password": "Kx7#qvT2-mWz9!pL"}
	id := h.want(201, app(writeUsers), "POST", "/v1.0/users", b).body.ID()
	force := func() bool {
		var got bool
		h.st.View(func(tx *state.Tx) {
			got = tx.Get("users", id).Object("passwordProfile").Bool("forceChangePasswordNextSignIn")
		})
		return got
	}
	if !force() {
		t.Error("a created password without the flag need not be changed")
	}
	h.giveRole(houseApp, roleUserAdministrator, "/")
	h.want(204, app(writeUsers), "PATCH", "/v1.0/users/"+id, map[string]any{"passwordProfile": map[string]any{"password": "Zt4$wnQ8-kLm2?vB", "forceChangePasswordNextSignIn": false}})
	if force() {
		t.Error("a password set with the flag false must be changed")
	}
	h.want(204, app(writeUsers), "PATCH", "/v1.0/users/"+id, map[string]any{"passwordProfile": map[string]any{"password": "Rw6&ypJ3-hNd5*cX"}})
	if !force() {
		t.Error("a reset password without the flag need not be changed")
	}
	if got := h.want(200, app(writeUsers), "GET", "/v1.0/users/"+id+"?$select=passwordProfile", nil); got.body["passwordProfile"] != nil {
		t.Errorf("passwordProfile can be read: %v", got.body)
	}
}

func TestUserIsFoundByNameAndShownAsGraphShows(t *testing.T) {
	h := newHouse(t)
	read := app("User.Read.All")
	r := h.want(200, read, "GET", "/v1.0/users/olaf%40"+houseDomain, nil)
	want := []string{"@odata.context", "businessPhones", "displayName", "givenName", "id", "jobTitle", "mail", "mobilePhone", "officeLocation", "preferredLanguage", "surname", "userPrincipalName"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(r.body))); diff != "" {
		t.Errorf("default properties (-want +got):\n%s", diff)
	}
	r = h.want(200, read, "GET", "/v1.0/users/"+houseUser+"?$select=accountEnabled,onPremisesSyncEnabled,otherMails,ID", nil)
	if r.body["accountEnabled"] != true || r.body["onPremisesSyncEnabled"] != nil || len(elements(r.body["otherMails"])) != 0 {
		t.Errorf("selected: %v", r.body)
	}
	if _, ok := r.body["onPremisesSyncEnabled"]; !ok {
		t.Error("a selected property without a value is missing instead of null")
	}
	r = h.want(400, read, "GET", "/v1.0/users?$select=id,shoeSize", nil)
	if r.message() != "Parsing OData Select and Expand failed: Could not find a property named 'shoeSize' on type 'microsoft.graph.user'." {
		t.Errorf("got %q", r.message())
	}
	h.want(400, read, "GET", "/v1.0/users?$select=strongAuthenticationRequirements", nil)
	if r = h.want(404, read, "GET", "/v1.0/users/"+houseTenant, nil); r.code() != "Request_ResourceNotFound" {
		t.Errorf("got %s", r.code())
	}
}

func TestReadersDoNotSeeAFreshUser(t *testing.T) {
	h := newHouse(t, func(d *state.Document) { d.World.ReplicationDelay = 20 * time.Second })
	all := app(writeUsers + " Group.ReadWrite.All")
	id := h.want(201, all, "POST", "/v1.0/users", newUser("anna")).body.ID()
	h.want(404, all, "GET", "/v1.0/users/"+id, nil)
	h.want(404, all, "GET", "/v1.0/users/anna@"+houseDomain, nil)
	if got := h.want(200, all, "GET", "/v1.0/users", nil).ids(); slices.Contains(got, id) {
		t.Error("a list shows the fresh user")
	}
	g := h.want(201, all, "POST", "/v1.0/groups", newGroup("g")).body.ID()
	h.st.Clock.Advance(19 * time.Second)
	h.want(404, all, "POST", "/v1.0/groups/"+g+"/members/$ref", ref(id))
	h.st.Clock.Advance(time.Second)
	h.want(200, all, "GET", "/v1.0/users/"+id, nil)
	h.want(204, all, "POST", "/v1.0/groups/"+g+"/members/$ref", ref(id))
	h.want(400, all, "POST", "/v1.0/users", newUser("ANNA")) // uniqueness does not wait
}

func TestAdministratorsAreOutOfReachOfPermissionsAlone(t *testing.T) {
	h := newHouse(t)
	reset := map[string]any{"passwordProfile": map[string]any{"password": "Kx7#qvT2-mWz9!pL", "forceChangePasswordNextSignIn": false}}
	disable := map[string]any{"accountEnabled": false}
	ga, olaf := "/v1.0/users/"+houseGA, "/v1.0/users/"+houseUser

	h.want(403, app("User.ReadWrite.All"), "PATCH", olaf, reset)
	h.want(403, app(writeUsers), "PATCH", olaf, reset)
	h.want(204, app("User.ReadWrite.All"), "PATCH", olaf, disable)
	h.want(204, app("User.EnableDisableAccount.All User.Read.All"), "PATCH", olaf, map[string]any{"accountEnabled": true})
	h.want(403, app("User.EnableDisableAccount.All User.Read.All"), "PATCH", olaf, map[string]any{"displayName": "O"})
	for _, body := range []any{reset, disable, map[string]any{"mobilePhone": "+49 1"}, map[string]any{"userPrincipalName": "x@" + houseDomain}} {
		if r := h.want(403, app(writeUsers), "PATCH", ga, body); r.code() != "Authorization_RequestDenied" {
			t.Errorf("got %s", r.code())
		}
	}
	h.want(403, app(writeUsers), "DELETE", ga, nil)
	h.want(204, app(writeUsers), "PATCH", ga, map[string]any{"jobTitle": "Keeper"})

	h.giveRole(houseApp, roleUserAdministrator, "/")
	h.want(204, app(writeUsers), "PATCH", olaf, reset)
	h.want(403, app(writeUsers), "PATCH", ga, reset)
	h.giveRole(houseApp, rolePrivilegedAuthAdmin, "/")
	h.want(204, app(writeUsers), "PATCH", ga, reset)

	t.Run("a person needs the role as well as the scope", func(t *testing.T) {
		h.t = t
		h.want(403, user(houseUser, writeUsers), "PATCH", ga, reset)
		h.want(403, user(houseUser, writeUsers), "PATCH", olaf, map[string]any{"jobTitle": "Boss"})
		h.want(403, user(houseGA, "User.Read.All"), "PATCH", olaf, reset)
		h.want(204, user(houseGA, writeUsers), "PATCH", olaf, reset)
	})
	got := h.audits()
	if n := len(got); n < 3 || !slices.Equal(got[n-3:], []string{"Reset user password", "Update StsRefreshTokenValidFrom Timestamp", "Update PasswordProfile"}) {
		t.Errorf("records of the last reset: %v", got)
	}
}

func TestMembersOfRoleAssignableGroupsAreHardTargetsToo(t *testing.T) {
	h := newHouse(t)
	g := h.want(201, user(houseGA, "Group.ReadWrite.All RoleManagement.ReadWrite.Directory"), "POST", "/v1.0/groups", roleGroup("admins")).body.ID()
	h.want(204, user(houseGA, "Group.ReadWrite.All RoleManagement.ReadWrite.Directory"), "POST", "/v1.0/groups/"+g+"/members/$ref", ref(houseUser))
	h.want(403, app(writeUsers), "PATCH", "/v1.0/users/"+houseUser, map[string]any{"accountEnabled": false})
}

func TestSessionsAreRevokedAndRecorded(t *testing.T) {
	h := newHouse(t)
	h.want(403, app("User.RevokeSessions.All"), "POST", "/v1.0/users/"+houseGA+"/revokeSignInSessions", nil)
	r := h.want(200, app("User.RevokeSessions.All"), "POST", "/v1.0/users/"+houseUser+"/revokeSignInSessions", nil)
	if r.body["value"] != true {
		t.Errorf("got %s", r.text)
	}
	got := h.want(200, app("User.Read.All"), "GET", "/v1.0/users/"+houseUser+"?$select=signInSessionsValidFromDateTime", nil)
	if got.body.String("signInSessionsValidFromDateTime") != "2026-06-01T08:00:00Z" || !slices.Contains(h.audits(), "Update StsRefreshTokenValidFrom Timestamp") {
		t.Errorf("got %v, records %v", got.body, h.audits())
	}
}

func TestSignInActivityIsAskedForByNamePermissionAndLicence(t *testing.T) {
	h := newHouse(t, func(d *state.Document) {
		d.Objects["users"][1]["signInActivity"] = map[string]any{"lastSignInDateTime": "2026-05-01T00:00:00Z"}
	})
	const ask = "/v1.0/users?$select=id,signInActivity"
	h.want(403, app("User.Read.All"), "GET", ask, nil)
	both := app("User.Read.All AuditLog.Read.All")
	if got := h.want(200, both, "GET", ask, nil); len(got.values("signInActivity")) != 2 {
		t.Errorf("got %s", got.text)
	}
	if got := h.want(200, both, "GET", "/beta/users/"+houseUser, nil); got.body["signInActivity"] != nil {
		t.Error("signInActivity came without being selected")
	}
	h.change(func(tx *state.Tx) { tx.Delete("subscribedSkus", "sku") })
	if r := h.want(403, both, "GET", ask, nil); r.code() != "Authentication_RequestFromNonPremiumTenantOrB2CTenant" {
		t.Errorf("got %s", r.code())
	}
}

func TestDeletedUserCanBeRestoredForThirtyDays(t *testing.T) {
	h := newHouse(t)
	all := app(writeUsers + " User.DeleteRestore.All Group.ReadWrite.All")
	g := h.want(201, all, "POST", "/v1.0/groups", newGroup("g")).body.ID()
	h.want(204, all, "POST", "/v1.0/groups/"+g+"/members/$ref", ref(houseUser))
	h.want(204, all, "DELETE", "/v1.0/users/olaf@"+houseDomain, nil)
	h.want(404, all, "GET", "/v1.0/users/"+houseUser, nil)
	if got := h.want(200, all, "GET", "/v1.0/groups/"+g+"/members", nil).ids(); len(got) != 0 {
		t.Errorf("a deleted user is still a member: %v", got)
	}
	listed := h.want(200, all, "GET", "/v1.0/directory/deletedItems/microsoft.graph.user", nil)
	if !slices.Equal(listed.ids(), []string{houseUser}) || listed.values("userPrincipalName")[0] == "olaf@"+houseDomain {
		t.Errorf("deleted items: %s", listed.text)
	}
	if got := h.want(200, all, "GET", "/v1.0/directory/deletedItems/microsoft.graph.group", nil).ids(); len(got) != 0 {
		t.Errorf("deleted groups: %v", got)
	}
	h.want(200, all, "POST", "/v1.0/directory/deletedItems/"+houseUser+"/restore", nil)
	h.want(200, all, "GET", "/v1.0/users/olaf@"+houseDomain, nil)
	if got := h.want(200, all, "GET", "/v1.0/groups/"+g+"/members", nil).ids(); !slices.Equal(got, []string{houseUser}) {
		t.Errorf("a restored user is no member: %v", got)
	}
	h.want(204, all, "DELETE", "/v1.0/users/"+houseUser, nil)
	h.st.Clock.Advance(30 * 24 * time.Hour)
	h.want(404, all, "POST", "/v1.0/directory/deletedItems/"+houseUser+"/restore", nil)
}

func TestLastGlobalAdministratorStays(t *testing.T) {
	h := newHouse(t)
	h.giveRole(houseApp, rolePrivilegedAuthAdmin, "/")
	if r := h.want(400, app(writeUsers), "DELETE", "/v1.0/users/"+houseGA, nil); !strings.Contains(r.message(), "last active Global Administrator") {
		t.Errorf("got %q", r.message())
	}
}

func TestMeIsForPeople(t *testing.T) {
	h := newHouse(t)
	if r := h.want(400, app("User.Read.All"), "GET", "/v1.0/me", nil); !strings.Contains(r.message(), "delegated") {
		t.Errorf("got %q", r.message())
	}
	olaf := user(houseUser, "User.Read")
	if got := h.want(200, olaf, "GET", "/v1.0/me?$select=id,displayName", nil); got.body.ID() != houseUser {
		t.Errorf("got %v", got.body)
	}
	h.want(200, olaf, "GET", "/v1.0/users/"+houseUser, nil)
	h.want(403, olaf, "GET", "/v1.0/users/"+houseGA, nil)
	h.want(200, user(houseGA, "User.Read"), "GET", "/v1.0/me/memberOf", nil)
}

func TestManagerIsSetReadAndTaken(t *testing.T) {
	h := newHouse(t)
	all := app(writeUsers)
	at := "/v1.0/users/" + houseUser + "/manager"
	h.want(404, all, "GET", at, nil)
	h.want(204, all, "PUT", at+"/$ref", ref(houseGA))
	if got := h.want(200, all, "GET", at, nil); got.body.ID() != houseGA || got.body.String("@odata.type") != "#microsoft.graph.user" {
		t.Errorf("got %v", got.body)
	}
	if got := h.want(200, all, "GET", "/v1.0/users/"+houseUser+"?$select=id&$expand=manager($select=id,displayName)", nil); got.body.Object("manager").String("displayName") != "Gerda" {
		t.Errorf("got %v", got.body)
	}
	if got := h.want(200, all, "GET", "/v1.0/users/"+houseGA+"/directReports", nil).ids(); !slices.Equal(got, []string{houseUser}) {
		t.Errorf("reports: %v", got)
	}
	h.want(204, all, "DELETE", at+"/$ref", nil)
	h.want(404, all, "GET", at, nil)
}

func TestWritesNeedAJSONObject(t *testing.T) {
	h := newHouse(t)
	for _, body := range []string{"", "[]", "null", "{", `"x"`} {
		if r := h.ask(app(writeUsers), "POST", "/v1.0/users", body); r.status != http.StatusBadRequest {
			t.Errorf("body %q: got %d", body, r.status)
		}
	}
}
