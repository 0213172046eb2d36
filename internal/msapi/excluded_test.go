package msapi_test

import (
	"slices"
	"testing"

	"breakglass/internal/entra"
	"breakglass/internal/msapi"
	"breakglass/internal/simtenant/state"
)

// A policy goes on excluding the id of a user who was deleted; the reading tells that nobody
// is there any more.
func TestExcludedUsersAreLookedFor(t *testing.T) {
	const gone = "99999999-0000-4000-8000-000000000001"
	sc := newScene(t, "healthy")
	accounts := sc.emergency()
	err := sc.State().Update(func(tx *state.Tx) error {
		p := tx.List("identity/conditionalAccess/policies")[0].Clone()
		users := p["conditions"].(map[string]any)["users"].(map[string]any)
		users["excludeUsers"] = append(users["excludeUsers"].([]any), gone)
		tx.Put("identity/conditionalAccess/policies", p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s := sc.read(t, msapi.ReadOptions{Accounts: accounts})
	if r := s.Reading(entra.PartExcludedUsers); r.Unread != "" || r.Items != len(s.ExcludedUsers) {
		t.Errorf("%+v", r)
	}
	if slices.Contains(s.ExcludedUsers, gone) || !slices.Contains(s.ExcludedUsers, accounts[0]) {
		t.Errorf("there are %v", s.ExcludedUsers)
	}
}
