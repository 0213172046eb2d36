package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"breakglass/internal/msapi"
	"breakglass/internal/plan"
	"breakglass/internal/simtenant"
	"breakglass/internal/simtenant/state"
	"breakglass/test/contract"
)

// onboard runs onboard --apply and gives the client ids of the identities.
func (s *stage) onboard(args ...string) map[string]string {
	s.t.Helper()
	args = append([]string{"onboard", s.config(), "--apply", "--yes", "--json", "--make-certificate", s.path("keys")}, args...)
	r := s.must([]int{exitOK}, args...)
	var out struct {
		Clients map[string]string `json:"clients"`
	}
	if err := json.Unmarshal([]byte(r.stdout), &out); err != nil {
		s.t.Fatalf("%v in %s", err, r.stdout)
	}
	return out.Clients
}

func (s *stage) asWatch(client string) []string {
	return []string{"--client-id", client, "--certificate", watchKeyFile(s.path("keys")), "--auth", "certificate"}
}

// A person with the right roles onboards; the watch identity then reads and judges as the
// simulator's own reader does, and doctor finds nothing wrong with it.
func TestAPersonOnboardsAndTheWatchIdentityJudges(t *testing.T) {
	var check func(simtenant.Exchange)
	if _, err := contract.Find(); err == nil { // without them the story still holds
		check = contract.SimRecorder(t, contract.Open(t))
	}
	s := newStage(t, "healthy", check)
	s.admit()
	me := s.Credentials().DeviceUser.UserPrincipalName
	clients := s.onboard(append(s.asPerson(), "--operator", me, "--optional", "all")...)
	if clients["watch"] == "" || clients["operator"] == "" {
		t.Fatalf("clients %v", clients)
	}
	again := s.must([]int{exitOK}, append(append([]string{"onboard", s.config(), "--make-certificate", s.path("keys")}, s.asPerson()...), "--operator", me)...)
	if !strings.Contains(again.stdout, "Nothing to write") {
		t.Errorf("a second run:\n%s", again.stdout)
	}
	s.State().View(func(tx *state.Tx) {
		for _, coll := range []string{"applications", "servicePrincipals"} {
			for _, o := range tx.List(coll) {
				if slices.Contains(o.Strings("tags"), "breakglass") && len(tx.Linked("owners", o.ID())) > 0 {
					t.Errorf("%s of %s has an owner", coll, o.String("displayName"))
				}
			}
		}
	})
	verdicts := func(args ...string) string {
		r := s.must(judged, append([]string{"check", s.config(), "--json"}, args...)...)
		var out struct {
			Findings []struct{ Check, Account, Verdict string } `json:"findings"`
		}
		if err := json.Unmarshal([]byte(r.stdout), &out); err != nil {
			t.Fatal(err)
		}
		data, _ := json.Marshal(out.Findings)
		return string(data)
	}
	if reader, watch := verdicts(), verdicts(s.asWatch(clients["watch"])...); reader != watch {
		t.Errorf("the watch identity judges\n%s\nthe reader\n%s", watch, reader)
	}
	r := s.must([]int{exitOK}, append([]string{"doctor", s.config()}, s.asWatch(clients["watch"])...)...)
	if strings.Contains(r.stdout, "missing") || !strings.Contains(r.stdout, "nothing dangerous besides") {
		t.Errorf("doctor says\n%s", r.stdout)
	}
}

// Only who is assigned may use the operator, and only while it is switched on.
func TestTheOperatorIsForPeopleAssignedAndOffBetweenUses(t *testing.T) {
	s := newStage(t, "empty", nil)
	s.admit()
	me := s.Credentials().DeviceUser
	var other state.Object
	_ = s.State().Update(func(tx *state.Tx) error { // cannot fail
		other = tx.Put("users", state.Object{
			"userPrincipalName": "other@" + s.Credentials().InitialDomain, "displayName": "Other", "accountEnabled": true, "userType": "Member", state.Password: "Other-9-pass-word",
		})
		return nil
	})
	client := s.onboard("--operator", other.String("userPrincipalName"))["operator"]
	asMe := []string{"--auth", "device-code", "--client-id", client}
	if code := s.password(client, me.UserPrincipalName, me.Password); !strings.Contains(code, "AADSTS7000112") {
		t.Errorf("while it is switched off: %s", code)
	}
	s.must([]int{exitOK}, "onboard", s.config(), "--enable-operator", "--apply", "--yes")
	if code := s.password(client, me.UserPrincipalName, me.Password); !strings.Contains(code, "AADSTS50105") {
		t.Errorf("somebody who is not assigned: %s", code)
	}

	s.must([]int{exitOK}, "onboard", s.config(), "--no-watch", "--operator", me.UserPrincipalName, "--apply", "--yes")
	if code := s.password(client, other.String("userPrincipalName"), "Other-9-pass-word"); !strings.Contains(code, "AADSTS50105") {
		t.Errorf("somebody who was taken off: %s", code)
	}
	doctor := s.must([]int{exitOK}, append([]string{"doctor", s.config()}, asMe...)...)
	if !strings.Contains(doctor.stdout, "judged as  operator") || !strings.Contains(doctor.stdout, "Global Administrator") {
		t.Errorf("doctor says\n%s", doctor.stdout)
	}
	file := s.path("tonight.plan")
	s.must([]int{exitOK}, append([]string{"plan", s.config(), "--out", file}, asMe...)...)
	s.must([]int{exitOK}, append([]string{"apply", file, s.config(), "--yes"}, asMe...)...)
	if left := s.must([]int{exitOK}, "plan", s.config(), "--json"); !strings.Contains(left.stdout, `"steps": []`) {
		t.Errorf("left after the operator applied:\n%s", left.stdout)
	}

	s.must([]int{exitOK}, "onboard", s.config(), "--disable-operator", "--apply", "--yes")
	if code := s.password(client, me.UserPrincipalName, me.Password); !strings.Contains(code, "AADSTS7000112") {
		t.Errorf("switched off again: %s", code)
	}
}

// password asks for a token with a name and password, as no client of ours does, and gives
// the answer: the shortest way to see at which door somebody is stopped.
func (s *stage) password(client, name, secret string) string {
	s.t.Helper()
	res, err := s.Client().PostForm(s.URL()+"/"+s.Credentials().TenantID+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"password"}, "client_id": {client}, "username": {name}, "password": {secret}, "scope": {"https://graph.microsoft.com/.default"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Description string `json:"error_description"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}
	if res.StatusCode == http.StatusOK {
		return "a token"
	}
	return answer.Description
}

// offboard, then nothing of ours is left, and it says what protects the tenant still.
func TestOffboardSaysWhatStillProtects(t *testing.T) {
	s := newStage(t, "healthy", nil)
	s.onboard("--operator", s.Credentials().DeviceUser.UserPrincipalName)
	shown := s.must([]int{exitOK}, "offboard", s.config())
	if !strings.Contains(shown.stdout, "Delete the registration of breakglass operator") || !strings.Contains(shown.stderr, "nothing was written") {
		t.Errorf("shown:\n%s%s", shown.stdout, shown.stderr)
	}
	done := s.must([]int{exitOK}, "offboard", s.config(), "--apply", "--yes")
	if !strings.Contains(done.stdout, "What still protects the tenant") || strings.Count(done.stdout, "survives") != 2 || !strings.Contains(done.stdout, "restricted unit") {
		t.Errorf("offboard says\n%s", done.stdout)
	}
	if again := s.must([]int{exitOK}, "offboard", s.config(), "--json"); !strings.Contains(again.stdout, `"steps": []`) {
		t.Errorf("a second offboard:\n%s", again.stdout)
	}
}

// doctor finds each thing that is wrong with a standing identity.
func TestDoctorFindsWhatIsMissingAndWhatIsTooMuch(t *testing.T) {
	s := newStage(t, "healthy", nil)
	client := s.onboard()["watch"]
	doctor := func(want int) diagnosis {
		t.Helper()
		r := s.must([]int{want}, append([]string{"doctor", s.config(), "--json"}, s.asWatch(client)...)...)
		var out diagnosis
		if err := json.Unmarshal([]byte(r.stdout), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if r := doctor(exitOK); !r.Healthy || r.Licence != "p2" || len(r.Services) != 4 {
		t.Errorf("as onboarded: %+v", r)
	}
	granted := func(tx *state.Tx, name string) (sp, graph state.Object, id string) {
		sp = tx.Find("servicePrincipals", func(o state.Object) bool { return o.String("appId") == client })
		graph = tx.Find("servicePrincipals", func(o state.Object) bool { return o.String("appId") == msapi.AppGraph })
		for _, e := range graph["appRoles"].([]any) {
			if r := e.(map[string]any); r["value"] == name {
				id = r["id"].(string)
			}
		}
		return sp, graph, id
	}
	for _, c := range []struct {
		name   string
		change func(tx *state.Tx)
		find   string
	}{
		{"a core permission gone", func(tx *state.Tx) {
			sp, _, id := granted(tx, "UserAuthenticationMethod.Read.All")
			for _, g := range tx.List("appRoleAssignments") {
				if g.String("principalId") == sp.ID() && g.String("appRoleId") == id {
					tx.Delete("appRoleAssignments", g.ID())
				}
			}
		}, "UserAuthenticationMethod.Read.All is missing"},
		{"a permission to write", func(tx *state.Tx) {
			sp, graph, id := granted(tx, "RoleManagement.ReadWrite.Directory")
			tx.Put("appRoleAssignments", state.Object{"principalId": sp.ID(), "principalType": "ServicePrincipal", "resourceId": graph.ID(), "appRoleId": id})
		}, "RoleManagement.ReadWrite.Directory is too much"},
		{"a directory role", func(tx *state.Tx) {
			sp, _, _ := granted(tx, "")
			tx.Put(state.RoleAssignments, state.Object{"principalId": sp.ID(), "roleDefinitionId": "e8611ab8-c189-46e8-94e1-60213ab1f814", "directoryScopeId": "/"})
		}, "the role Privileged Role Administrator is too much"},
	} {
		_ = s.State().Update(func(tx *state.Tx) error { c.change(tx); return nil }) // cannot fail
		r := doctor(exitFinding)
		if r.Healthy || !strings.Contains(strings.Join(r.Findings, "\n"), c.find) {
			t.Errorf("%s: %q", c.name, r.Findings)
		}
	}
	for _, args := range [][]string{{"doctor", "--offline"}, {"doctor", "--as", "nobody"}} {
		s.must([]int{exitUsage}, args...)
	}
}

// What writes must be seen as such in the permission names that Graph has.
func TestPermissionsThatWriteAreKnownByTheirNames(t *testing.T) {
	for _, name := range []string{
		"User.ReadWrite.All", "Directory.AccessAsUser.All", "User.EnableDisableAccount.All", "Mail.Send", "AppRoleAssignment.ReadWrite.All",
		"User-PasswordProfile.ReadWrite.All", "PrivilegedAccess.ReadWrite.AzureADGroup", "User.DeleteRestore.All", "Sites.FullControl.All", "Group.Create",
	} {
		if !writesSomething(name) {
			t.Errorf("%s can change something", name)
		}
	}
	for _, p := range msapi.WatchPermissions() {
		if writesSomething(p.Name) {
			t.Errorf("%s cannot", p.Name)
		}
	}
	for _, name := range plan.OperatorScopes() {
		if !writesSomething(name) && !strings.Contains(name, ".Read.") {
			t.Errorf("%s: neither reads nor writes", name)
		}
	}
}

// The key is for its owner, and a run finds the one of the run before.
func TestTheKeyOfTheWatchIdentityStaysPrivate(t *testing.T) {
	s := newStage(t, "empty", nil)
	s.onboard()
	info, err := os.Stat(watchKeyFile(s.path("keys")))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("key file: %v, %v", info, err)
	}
	public, err := os.ReadFile(filepath.Join(s.path("keys"), watchPublicName))
	if err != nil || strings.Contains(string(public), "PRIVATE") {
		t.Errorf("the public part: %v", err)
	}
	if err := os.Chmod(watchKeyFile(s.path("keys")), 0o644); err != nil {
		t.Fatal(err)
	}
	s.must([]int{exitUsage}, "onboard", s.config(), "--make-certificate", s.path("keys"))
}
