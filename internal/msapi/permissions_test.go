package msapi_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"breakglass/internal/entra"
	"breakglass/internal/msapi"
	"breakglass/internal/posture"
	"breakglass/internal/simtenant/state"
)

// grant leaves the reader exactly these permissions of Graph.
func (sc *scene) grant(permissions ...string) {
	_ = sc.State().Update(func(tx *state.Tx) error { // cannot fail
		graph := tx.Find("servicePrincipals", func(o state.Object) bool {
			return o.String("appId") == "00000003-0000-0000-c000-000000000000"
		})
		ids := map[string]string{}
		roles, _ := graph["appRoles"].([]any)
		for _, r := range roles {
			role, _ := r.(map[string]any)
			name, _ := role["value"].(string)
			ids[name], _ = role["id"].(string)
		}
		for _, g := range tx.List("appRoleAssignments") {
			if g.String("principalId") == sc.creds.Reader.ServicePrincipalID {
				tx.Delete("appRoleAssignments", g.String("id"))
			}
		}
		for _, p := range permissions {
			if ids[p] == "" {
				continue // not modelled: see unmodelled
			}
			tx.Put("appRoleAssignments", state.Object{
				"principalId": sc.creds.Reader.ServicePrincipalID, "principalType": "ServicePrincipal", "resourceId": graph.String("id"), "appRoleId": ids[p],
			})
		}
		return nil
	})
}

// unmodelled is a permission that the simulated tenant does not know: it shows the property
// to whoever may read the user.
const unmodelled = "User-LifeCycleInfo.Read.All"

func names(core bool) []string {
	var out []string
	for _, p := range msapi.WatchPermissions() {
		if p.Core || !core {
			out = append(out, p.Name)
		}
	}
	return out
}

// The permissions that we ask for are exactly enough: with the core ones all of their parts
// are read, with all of them everything, and none can be left out.
func TestThePermissionsThatWeAskForAreEnoughAndNoneIsTooMany(t *testing.T) {
	sc := newScene(t, "healthy")
	read := func(permissions []string) *entra.Snapshot {
		sc.grant(permissions...)
		return sc.read(t, msapi.ReadOptions{Accounts: sc.emergency(), Groups: []string{sc.group(t, "Emergency access exclusions")}, Units: []string{"Emergency access"}})
	}
	unreadBy := func(s *entra.Snapshot, kinds []entra.Part) []entra.Part {
		var out []entra.Part
		for p, r := range s.Readings {
			name, _, _ := strings.Cut(string(p), ":")
			for _, k := range kinds {
				if strings.TrimSuffix(string(k), ":") == name && r.Unread == entra.UnreadPermission {
					out = append(out, p)
				}
			}
		}
		return out
	}
	all := read(names(false))
	for p, r := range all.Readings {
		if r.Unread != "" {
			t.Errorf("with every permission %s is not complete: %+v", p, r)
		}
	}
	core := read(names(true))
	for _, p := range msapi.WatchPermissions() {
		missing := unreadBy(core, p.Parts)
		if p.Core && len(missing) > 0 {
			t.Errorf("the core permissions are not enough for %v", missing)
		}
		if !p.Core && len(missing) == 0 && p.Name != unmodelled {
			t.Errorf("%s is asked for, and %v are read without it", p.Name, p.Parts)
		}
	}
	for _, p := range msapi.WatchPermissions() {
		// Directory.Read.All covers most of the others, so it is not among the rest.
		rest := slices.DeleteFunc(names(false), func(n string) bool { return n == p.Name || n == "Directory.Read.All" })
		s := read(rest)
		if len(unreadBy(s, p.Parts)) == 0 && s.Complete(entra.PartTenant) && p.Name != unmodelled {
			t.Errorf("without %s nothing is missing", p.Name)
		}
	}
}

func TestThePermissionsPageSaysWhatTheCodeDoes(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "permissions.md"))
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{}
	for _, c := range posture.Checks() {
		codes[c.Code] = true
	}
	for _, p := range msapi.WatchPermissions() {
		row := "| " + p.Name + " | " + map[bool]string{true: "core", false: "optional"}[p.Core] + " | " + strings.Join(p.Checks, " ") + " |"
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/permissions.md lacks the row %s", row)
		}
		for _, c := range p.Checks {
			if !codes[c] {
				t.Errorf("%s unlocks %s, which is no check", p.Name, c)
			}
		}
		if strings.Contains(p.Name, "Write") {
			t.Errorf("%s can change something", p.Name)
		}
	}
}
