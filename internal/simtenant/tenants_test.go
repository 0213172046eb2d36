package simtenant

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/internal/simtenant/graph"
	"breakglass/internal/simtenant/state"
)

var tenantsNow = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

// opened is a shipped tenant in memory, completed as at a start.
func opened(t *testing.T, name string) *state.State {
	t.Helper()
	d, ok := NamedAt(name, tenantsNow)
	if !ok {
		t.Fatalf("there is no tenant %q", name)
	}
	clock := &state.Clock{}
	clock.Set(tenantsNow, true)
	st := state.New(d, clock)
	if err := st.Update(func(tx *state.Tx) error { graph.Complete(tx); return nil }); err != nil {
		t.Fatal(err)
	}
	return st
}

func TestShippedTenantsAreTheSameAtEveryStart(t *testing.T) {
	for _, name := range Names() {
		a, _ := NamedAt(name, tenantsNow)
		b, _ := NamedAt(name, tenantsNow)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s differs between two starts:\n%s", name, diff)
		}
		if About(name) == "" {
			t.Errorf("%s says nothing about itself", name)
		}
	}
	if _, ok := Named("nobody"); ok {
		t.Error("an unknown name made a tenant")
	}
}

func TestShippedTenantsAreWellFormed(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			opened(t, name).View(func(tx *state.Tx) {
				checkIdentifiers(t, tx)
				checkDomains(t, tx)
				checkPolicies(t, tx)
				checkRoles(t, tx)
				checkOwners(t, tx)
			})
		})
	}
}

// directoryKinds are the collections whose ids share one space.
var directoryKinds = []string{"users", "groups", "servicePrincipals", "applications", "directory/administrativeUnits", "directoryRoles"}

// checkIdentifiers: nothing in the directory shares an id, and every link ends at something.
func checkIdentifiers(t *testing.T, tx *state.Tx) {
	t.Helper()
	seen := map[string]string{}
	for _, coll := range directoryKinds {
		for _, o := range tx.List(coll) {
			if other, twice := seen[o.ID()]; twice {
				t.Errorf("%s is in %s and in %s", o.ID(), other, coll)
			}
			seen[o.ID()] = coll
		}
	}
	for _, coll := range []string{"groups", "directory/administrativeUnits"} {
		for _, o := range tx.List(coll) {
			for _, m := range tx.Linked("members", o.ID()) {
				if seen[m] == "" {
					t.Errorf("%s has the member %s, which does not exist", o.String("displayName"), m)
				}
			}
		}
	}
}

// checkDomains: one initial and one default domain, every user on a verified one, names unique.
func checkDomains(t *testing.T, tx *state.Tx) {
	t.Helper()
	names, initial, standard := []string{}, 0, 0
	for _, d := range tx.List("domains") {
		names = append(names, d.ID())
		if d.Bool("isInitial") {
			initial++
		}
		if d.Bool("isDefault") {
			standard++
		}
	}
	if initial != 1 || standard != 1 {
		t.Errorf("%d initial and %d default domains, want one of each", initial, standard)
	}
	var upns []string
	devices := 0
	for _, u := range tx.List("users") {
		upn := u.String("userPrincipalName")
		_, dom, _ := strings.Cut(upn, "@")
		if !slices.Contains(names, dom) {
			t.Errorf("%s is on no domain of the tenant", upn)
		}
		if slices.Contains(upns, upn) {
			t.Errorf("two users are called %s", upn)
		}
		upns = append(upns, upn)
		if u.Bool(state.DeviceUser) {
			devices++
			if !slices.Contains(tx.ActiveRoles(u.ID()), roleGA) || !u.Bool("accountEnabled") {
				t.Errorf("the device user %s is no working Global Administrator", upn)
			}
		}
	}
	if devices != 1 {
		t.Errorf("%d device users, want one", devices)
	}
	if len(upns) < 10 {
		t.Errorf("only %d users: nobody would take this for a company", len(upns))
	}
}

// checkPolicies: every object that a policy names exists; ids of policies are unique.
func checkPolicies(t *testing.T, tx *state.Tx) {
	t.Helper()
	for _, p := range tx.List("identity/conditionalAccess/policies") {
		cond := p.Object("conditions")
		users, apps := cond.Object("users"), cond.Object("applications")
		exists := func(coll string, ids []string, words ...string) {
			for _, id := range ids {
				if !slices.Contains(words, id) && tx.Get(coll, id) == nil {
					t.Errorf("%s names %s, which is not in %s", p.String("displayName"), id, coll)
				}
			}
		}
		for _, side := range []string{"include", "exclude"} {
			exists("users", users.Strings(side+"Users"), "All", "None", "GuestsOrExternalUsers")
			exists("groups", users.Strings(side+"Groups"))
			exists("roleManagement/directory/roleDefinitions", users.Strings(side+"Roles"))
			exists("identity/conditionalAccess/namedLocations", cond.Object("locations").Strings(side+"Locations"), "All", "AllTrusted")
			exists("servicePrincipals", cond.Object("clientApplications").Strings(side+"ServicePrincipals"), "ServicePrincipalsInMyTenant")
			for _, app := range apps.Strings(side + "Applications") {
				words := []string{"All", "None", "Office365", "MicrosoftAdminPortals"}
				if !slices.Contains(words, app) && tx.Find("servicePrincipals", func(o state.Object) bool { return o.String("appId") == app }) == nil {
					t.Errorf("%s names the application %s, which has no service principal", p.String("displayName"), app)
				}
			}
		}
		exists("identity/conditionalAccess/authenticationContextClassReferences", apps.Strings("includeAuthenticationContextClassReferences"))
		if s := p.Object("grantControls").Object("authenticationStrength"); s != nil {
			exists("policies/authenticationStrengthPolicies", []string{s.ID()})
		}
		if p["grantControls"] == nil && p["sessionControls"] == nil {
			t.Errorf("%s does nothing", p.String("displayName"))
		}
	}
}

// checkRoles: assignments, schedules and eligibilities join roles and principals that exist.
func checkRoles(t *testing.T, tx *state.Tx) {
	t.Helper()
	for _, coll := range []string{state.RoleAssignments, "roleManagement/directory/roleAssignmentSchedules", "roleManagement/directory/roleEligibilitySchedules"} {
		for _, a := range tx.List(coll) {
			if tx.Get("roleManagement/directory/roleDefinitions", a.String("roleDefinitionId")) == nil {
				t.Errorf("%s in %s is of no role", a.ID(), coll)
			}
			p := a.String("principalId")
			if tx.Get("users", p) == nil && tx.Get("groups", p) == nil && tx.Get("servicePrincipals", p) == nil {
				t.Errorf("%s in %s is nobody's", a.ID(), coll)
			}
			if s := a.String("_schedule"); s != "" && tx.Get("roleManagement/directory/roleAssignmentSchedules", s) == nil {
				t.Errorf("the schedule behind %s is missing", a.ID())
			}
			if e := a.String("_activatedUsing"); e != "" && tx.Get("roleManagement/directory/roleEligibilitySchedules", e) == nil {
				t.Errorf("the eligibility behind %s is missing", a.ID())
			}
		}
	}
}

// checkOwners: every method has its user, every ARM resource the scope it lies in.
func checkOwners(t *testing.T, tx *state.Tx) {
	t.Helper()
	for _, m := range tx.List("authenticationMethods") {
		if tx.Get("users", m.String("_user")) == nil {
			t.Errorf("the method %s is nobody's", m.ID())
		}
	}
	for _, r := range tx.List("arm") {
		at := strings.LastIndex(r.ID(), "/providers/")
		if at <= 0 {
			continue
		}
		scope := r.ID()[:at]
		if tx.Get("arm", scope) == nil && tx.Get("arm/subscriptions", scope) == nil {
			t.Errorf("%s lies in %s, which does not exist", r.ID(), scope)
		}
	}
}

// globalAdministrators are the enabled users who hold the role now.
func globalAdministrators(tx *state.Tx) []string {
	var out []string
	for _, u := range tx.List("users") {
		if u.Bool("accountEnabled") && slices.Contains(tx.ActiveRoles(u.ID()), roleGA) {
			out = append(out, u.String("userPrincipalName"))
		}
	}
	return out
}

func TestTheHealthyTenantExcludesBothAccountsEverywhere(t *testing.T) {
	opened(t, "healthy").View(func(tx *state.Tx) {
		var accounts []string
		for _, u := range tx.List("users") {
			if strings.HasPrefix(u.String("userPrincipalName"), "ops-") {
				accounts = append(accounts, u.ID())
			}
		}
		if len(accounts) != 2 {
			t.Fatalf("%d emergency accounts, want two", len(accounts))
		}
		for _, p := range tx.List("identity/conditionalAccess/policies") {
			users := p.Object("conditions").Object("users")
			if slices.Equal(users.Strings("includeUsers"), []string{"None"}) {
				continue // for workload identities
			}
			for _, a := range accounts {
				if !slices.Contains(users.Strings("excludeUsers"), a) {
					t.Errorf("%s does not exclude %s", p.String("displayName"), a)
				}
			}
		}
	})
}

func TestTheLockoutTenantWouldBeLostTonight(t *testing.T) {
	opened(t, "broken-lockout").View(func(tx *state.Tx) {
		first := tx.Find("users", func(o state.Object) bool { return strings.HasPrefix(o.String("userPrincipalName"), "ops-x7k2@") })
		second := tx.Find("users", func(o state.Object) bool { return strings.HasPrefix(o.String("userPrincipalName"), "ops-m3q9@") })
		if second.Bool("accountEnabled") || len(tx.ActiveRoles(second.ID())) != 0 {
			t.Error("the second account should be switched off and only eligible")
		}
		if first.String("passwordPolicies") == "DisablePasswordExpiration" {
			t.Error("the first account's password should expire")
		}
		reached := 0
		for _, p := range tx.List("identity/conditionalAccess/policies") {
			users := p.Object("conditions").Object("users")
			if p.String("state") == "enabled" && !slices.Contains(users.Strings("excludeUsers"), first.ID()) && !slices.Equal(users.Strings("includeUsers"), []string{"None"}) {
				reached++
			}
		}
		if reached < 2 {
			t.Errorf("%d enabled policies reach the first account, want several", reached)
		}
		if admins := globalAdministrators(tx); len(admins) < 3 {
			t.Errorf("administrators %v: the demo needs normal ones to work with", admins)
		}
	})
}

func TestTheFreeTenantHasNoLicence(t *testing.T) {
	opened(t, "broken-free").View(func(tx *state.Tx) {
		if graph.Licensed(tx, "AAD_PREMIUM") || graph.Licensed(tx, "AAD_PREMIUM_P2") {
			t.Error("the free tenant is licensed")
		}
		if !tx.One("policies/identitySecurityDefaultsEnforcementPolicy").Bool("isEnabled") {
			t.Error("security defaults are off")
		}
	})
}
