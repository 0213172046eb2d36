package config

import (
	"strings"
	"testing"

	"breakglass/internal/entra"
)

// office is a tenant with one account of each kind that could be mistaken for another.
func office() *entra.Snapshot {
	user := func(id, upn string) entra.User {
		return entra.User{ID: id, UserPrincipalName: entra.Some(upn), DisplayName: entra.Some("x")}
	}
	synced := user("s", "bg-01@contoso.com")
	synced.OnPremisesSyncEnabled = entra.Some(true)
	grouped := user("g", "q7@contoso.onmicrosoft.com")
	grouped.MemberOf = entra.Some([]entra.Membership{{ID: "GROUP", Type: "group"}})
	policy := func(users, groups []string) entra.Policy {
		return entra.Policy{Conditions: entra.Some(entra.Conditions{Users: entra.Some(entra.UserCondition{ExcludeUsers: entra.Some(users), ExcludeGroups: entra.Some(groups)})})}
	}
	workload := entra.Policy{Conditions: entra.Some(entra.Conditions{ClientApplications: entra.Some(entra.ClientApplications{})})}
	ga := func(id string) entra.RoleAssignment {
		return entra.RoleAssignment{RoleID: entra.RoleGlobalAdministrator, PrincipalID: id}
	}
	return &entra.Snapshot{
		Users: []entra.User{
			user("n", "anna.admin@contoso.com"), user("e", "emergency1@contoso.onmicrosoft.com"), user("x", "k7@contoso.onmicrosoft.com"),
			user("svc", "printer@contoso.com"), grouped, synced,
		},
		RoleAssignments: []entra.RoleAssignment{ga("n"), ga("x"), ga("g"), ga("s")},
		EligibleRoles:   []entra.RoleInstance{{RoleID: entra.RoleGlobalAdministrator, PrincipalID: "E"}},
		Policies:        []entra.Policy{policy([]string{"X", "svc"}, []string{"group"}), policy([]string{"x", "svc"}, []string{"group"}), workload},
	}
}

func TestWhatLooksLikeAnEmergencyAccountIsFound(t *testing.T) {
	var got []string
	for _, c := range Candidates(office()) {
		line := c.User.ID + ": " + strings.Join(c.Why, ", ")
		if c.Likely {
			line += " (likely)"
		}
		got = append(got, line)
	}
	want := []string{
		"x: Global Administrator, excluded from 2 of 2 policies (likely)",
		"g: Global Administrator, excluded from 2 of 2 policies (likely)",
		"e: eligible for Global Administrator, its name says so (likely)",
		"s: Global Administrator, its name says so, synchronised from on-premises: it cannot stay so",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAnAccountIsFoundByItsIdElseByItsName(t *testing.T) {
	s := office()
	byID := Account{ObjectID: "X", UserPrincipalName: "emergency1@contoso.onmicrosoft.com"}
	if u := byID.Resolve(s); u == nil || u.ID != "x" {
		t.Errorf("by id: got %v", u)
	}
	byName := Account{UserPrincipalName: "Emergency1@contoso.onmicrosoft.com"}
	if u := byName.Resolve(s); u == nil || u.ID != "e" {
		t.Errorf("by name: got %v", u)
	}
	if u := (Account{ObjectID: "gone", UserPrincipalName: "k7@contoso.onmicrosoft.com"}).Resolve(s); u != nil {
		t.Errorf("an id that is not there was found by its name: %v", u)
	}
}
