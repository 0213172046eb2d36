package logs

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/internal/simtenant/state"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// tenant is a state whose records take a while.
func tenant(t *testing.T, delay, disorder time.Duration) *state.State {
	t.Helper()
	clock := &state.Clock{}
	clock.Set(noon, true)
	return state.New(state.Document{
		TenantID: "11111111-0000-4000-8000-000000000001",
		World:    state.World{LogDelay: delay, LogDisorder: disorder},
		Objects: map[string][]state.Object{
			"users":             {{"id": "u1", "userPrincipalName": "admin@contoso.example", "displayName": "Admin"}},
			"servicePrincipals": {{"id": "s1", "displayName": "Rotator"}},
		},
	}, clock)
}

// written runs f as one act and returns what it made.
func written(t *testing.T, st *state.State, f func(*state.Tx) state.Object) state.Object {
	t.Helper()
	var out state.Object
	if err := st.Update(func(tx *state.Tx) error { out = f(tx); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestARecordIsReadableLater(t *testing.T) {
	st := tenant(t, 2*time.Minute, 0)
	rec := written(t, st, func(tx *state.Tx) state.Object {
		return New(1).Audit(tx, state.Object{"activityDisplayName": "Update user"})
	})
	if Known(rec, noon.Add(time.Minute)) || !Known(rec, noon.Add(2*time.Minute)) {
		t.Errorf("with a delay of two minutes the record is known at %s", rec.String("_knownAt"))
	}
	if rec.String("activityDateTime") != "2026-11-22T12:00:00.0000000Z" {
		t.Errorf("the record tells of %s, want the time of the act", rec.String("activityDateTime"))
	}
	if got := rec.Public(); got["_knownAt"] != nil {
		t.Error("the delay left the simulator")
	}
}

func TestNoRecordIsKnownBeforeItsEvent(t *testing.T) {
	st := tenant(t, time.Minute, 10*time.Minute) // more disorder than delay
	l := New(3)
	for range 200 {
		rec := written(t, st, func(tx *state.Tx) state.Object { return l.SignIn(tx, state.Object{"userId": "u1"}) })
		if rec.Time("_knownAt").Before(noon) {
			t.Fatalf("known at %s, before it happened", rec.String("_knownAt"))
		}
	}
}

func TestLaterEventsMayBeReadableFirst(t *testing.T) {
	order := func(seed uint64) []time.Time {
		st, l := tenant(t, 2*time.Minute, 90*time.Second), New(seed)
		var out []time.Time
		for i := range 8 {
			rec := written(t, st, func(tx *state.Tx) state.Object {
				return l.Audit(tx, state.Object{"activityDateTime": Instant(noon.Add(time.Duration(i) * time.Second))})
			})
			out = append(out, rec.Time("_knownAt"))
		}
		return out
	}
	first := order(1)
	if slices.IsSortedFunc(first, time.Time.Compare) {
		t.Error("the records are readable in the order of their events")
	}
	if !slices.Equal(first, order(1)) {
		t.Error("the same seed gave other delays")
	}
	if slices.Equal(first, order(2)) {
		t.Error("another seed gave the same delays")
	}
}

func TestValuesAreJSONInsideAString(t *testing.T) {
	for _, c := range []struct {
		value any
		want  any
	}{
		{"Global Administrator", `"Global Administrator"`},
		{[]any{true}, "[true]"},
		{nil, nil},
		{state.Object{"state": "enabled"}, `{"state":"enabled"}`},
	} {
		if got := Changed("x", nil, c.value)["newValue"]; got != c.want {
			t.Errorf("%v is written as %v, want %v", c.value, got, c.want)
		}
		if c.want != nil && !json.Valid([]byte(c.want.(string))) {
			t.Errorf("%v is no JSON", c.want)
		}
	}
}

func TestAnAuditRecordIsWhole(t *testing.T) {
	st := tenant(t, 0, 0)
	rec := written(t, st, func(tx *state.Tx) state.Object {
		by := By(tx, state.Principal{ObjectID: "u1", User: true}, "198.51.100.23")
		u := Target("User", tx.Get("users", "u1"), Changed("AccountEnabled", []any{true}, []any{false}))
		g := Target("Group", state.Object{"id": "g1", "displayName": "Exclusions"})
		return New(1).Audit(tx, Event("UserManagement", CoreDirectory, "Update", "Disable account", by, u, g))
	})
	for _, key := range []string{
		"id", "category", "correlationId", "result", "resultReason", "activityDisplayName", "activityDateTime", "loggedByService",
		"operationType", "initiatedBy", "targetResources", "additionalDetails",
	} {
		if _, ok := rec[key]; !ok {
			t.Errorf("the record lacks %s", key)
		}
	}
	if !strings.HasPrefix(rec.ID(), "Directory_"+rec.String("correlationId")+"_") {
		t.Errorf("the id is %s", rec.ID())
	}
	if u := rec.Object("initiatedBy").Object("user"); u.String("userPrincipalName") != "admin@contoso.example" || u["displayName"] != nil {
		t.Errorf("the initiator is %v", u)
	}
	targets, _ := rec["targetResources"].([]any)
	if len(targets) != 2 || state.Object(targets[1].(map[string]any)).String("groupType") != "azureAD" {
		t.Errorf("the targets are %v", targets)
	}
}

func TestServicesActAsApplications(t *testing.T) {
	st := tenant(t, 0, 0)
	st.View(func(tx *state.Tx) {
		by := By(tx, state.Principal{ObjectID: "s1"}, "")
		if a := by.Object("app"); a.String("displayName") != "Rotator" || a["appId"] != nil || by["user"] != nil {
			t.Errorf("an application acts as %v", by)
		}
	})
	if a := ByApp("MS-PIM", "").Object("app"); a.String("displayName") != "MS-PIM" || a["servicePrincipalId"] != nil {
		t.Errorf("PIM acts as %v", a)
	}
}

func TestASignInKeepsWhatItsCallerSaid(t *testing.T) {
	st := tenant(t, 0, 0)
	rec := written(t, st, func(tx *state.Tx) state.Object {
		return New(1).SignIn(tx, state.Object{"userId": "u1", "signInEventTypes": []any{"nonInteractiveUser"}, "status": map[string]any{"errorCode": 53003, "failureReason": FailureReason(53003)}})
	})
	if got := rec.Strings("signInEventTypes"); !slices.Equal(got, []string{"nonInteractiveUser"}) {
		t.Errorf("the kind became %v", got)
	}
	if rec.Object("status").String("failureReason") == "Other." || FailureReason(1) != "Other." {
		t.Error("the reason of 53003 is not told")
	}
	if rec.String("homeTenantId") == "" || rec["riskState"] != "none" || rec["deviceDetail"] == nil {
		t.Errorf("the defaults are missing: %v", rec)
	}
}
