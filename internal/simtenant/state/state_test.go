package state

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// small is a tenant with one user, at a clock that stands still.
func small() *State {
	c := &Clock{}
	c.Set(time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC), true)
	return New(Document{TenantID: "t", World: World{Cloud: "public"}, Objects: map[string][]Object{"users": {{"id": "U1", "displayName": "Ada", "_password": "x"}}}}, c)
}

func update(s *State, f func(*Tx)) {
	_ = s.Update(func(tx *Tx) error { f(tx); return nil })
}

func TestObjectsAreCopiesOnTheWayInAndOut(t *testing.T) {
	s := small()
	given := Object{"id": "u2", "tags": []any{"a"}, "nested": map[string]any{"k": "v"}}
	update(s, func(tx *Tx) {
		tx.Put("users", given)
		given.Object("nested")["k"] = "changed"
		tx.Get("users", "u2")["displayName"] = "changed"
		tx.List("users")[0]["displayName"] = "changed"
		tx.Find("users", func(Object) bool { return true })["displayName"] = "changed"
	})
	s.View(func(tx *Tx) {
		if got := tx.Get("users", "U2").Object("nested").String("k"); got != "v" {
			t.Errorf("the stored object changed with the given one: %q", got)
		}
		if got := tx.Get("users", "u1").String("displayName"); got != "Ada" {
			t.Errorf("the stored object changed with a read one: %q", got)
		}
	})
}

func TestReadingKeepsOrderAndForgetsWhatIsDeleted(t *testing.T) {
	s := small()
	ids := func() (out []string) {
		s.View(func(tx *Tx) {
			for _, o := range tx.List("users") {
				out = append(out, o.ID())
			}
		})
		return out
	}
	update(s, func(tx *Tx) {
		tx.Put("users", Object{"id": "b"})
		tx.Put("users", Object{"id": "a"})
		tx.Put("users", Object{"id": "B", "again": true})
	})
	if got := ids(); !slices.Equal(got, []string{"U1", "B", "a"}) {
		t.Errorf("got %v", got)
	}
	update(s, func(tx *Tx) { tx.Delete("users", "b"); tx.Delete("nothing", "x") })
	if got := ids(); !slices.Equal(got, []string{"U1", "a"}) {
		t.Errorf("got %v", got)
	}
	s.View(func(tx *Tx) {
		if tx.Get("users", "b") != nil || tx.Get("nothing", "x") != nil || tx.List("nothing") != nil || tx.One("nothing") != nil {
			t.Error("something is there that is not")
		}
		if fresh := tx.Put("users", Object{}); fresh.ID() == "" {
			t.Error("an object without an id got none")
		}
	})
}

func TestLinksAreKeptOnceAndFoundFromBothEnds(t *testing.T) {
	s := small()
	update(s, func(tx *Tx) {
		tx.Link("members", "G", "u1")
		tx.Link("members", "g", "U1")
		tx.Link("members", "g", "u2")
		tx.Link("members", "h", "u1")
		tx.Link("owners", "g", "u1")
		if got := tx.Linked("members", "g"); !slices.Equal(got, []string{"u1", "u2"}) {
			t.Errorf("linked %v", got)
		}
		if got := tx.LinkedTo("members", "U1"); !slices.Equal(got, []string{"g", "h"}) {
			t.Errorf("linked to %v", got)
		}
		if !tx.Unlink("members", "g", "u2") || tx.Unlink("members", "g", "u2") {
			t.Error("a link was taken twice or not at all")
		}
		tx.DropLinks("u1")
		if len(tx.Linked("members", "g"))+len(tx.LinkedTo("members", "u1"))+len(tx.Linked("owners", "g")) != 0 {
			t.Error("a dropped object is still linked")
		}
	})
}

func TestHiddenKeysStayInside(t *testing.T) {
	s := small()
	s.View(func(tx *Tx) {
		u := tx.Get("users", "u1")
		if _, shown := u.Public()["_password"]; shown || u.String(Password) != "x" {
			t.Errorf("got %v and %v", u.Public(), u)
		}
	})
}

func TestDocumentIsTheTenant(t *testing.T) {
	s := small()
	update(s, func(tx *Tx) {
		tx.World().LogDelay = time.Minute
		tx.Link("members", "g", "u1")
	})
	data, err := json.Marshal(s.Document())
	if err != nil {
		t.Fatal(err)
	}
	d, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s.Document(), New(d, &Clock{}).Document()); diff != "" {
		t.Errorf("written and read back (-want +got):\n%s", diff)
	}
	if _, err := Decode([]byte("{")); err == nil {
		t.Error("half a document was read")
	}
}

func TestClockIsTurnedStoppedAndRunsOn(t *testing.T) {
	var c Clock
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	c.Set(at, true)
	c.Advance(90 * time.Minute)
	if got := c.Now(); !got.Equal(at.Add(90 * time.Minute)) {
		t.Errorf("a stopped clock shows %v", got)
	}
	c.Set(at, false)
	c.Advance(-time.Hour)
	if got := c.Now(); got.Before(at.Add(-time.Hour)) || got.After(at.Add(-time.Hour+time.Minute)) {
		t.Errorf("a running clock shows %v", got)
	}
	if a, b := c.Now(), c.Now(); b.Before(a) {
		t.Error("a running clock goes back")
	}
}

func TestRolesCountWhileInForceAndThroughAssignableGroups(t *testing.T) {
	s := small()
	update(s, func(tx *Tx) {
		at := func(d time.Duration) string { return Timestamp(tx.Now().Add(d)) }
		tx.Put("groups", Object{"id": "ra", "isAssignableToRole": true})
		tx.Put("groups", Object{"id": "plain"})
		for _, g := range []string{"ra", "plain"} {
			tx.Link("members", g, "u1")
		}
		for _, a := range []Object{
			{"principalId": "U1", "roleDefinitionId": "Direct", "directoryScopeId": "/"},
			{"principalId": "U1", "roleDefinitionId": "direct", "directoryScopeId": "/"},
			{"principalId": "u1", "roleDefinitionId": "unit", "directoryScopeId": "/administrativeUnits/x"},
			{"principalId": "u1", "roleDefinitionId": "ended", "directoryScopeId": "/", "_endsAt": at(0)},
			{"principalId": "u1", "roleDefinitionId": "ends later", "directoryScopeId": "/", "_endsAt": at(time.Second)},
			{"principalId": "u1", "roleDefinitionId": "not begun", "directoryScopeId": "/", "_startsAt": at(time.Second)},
			{"principalId": "ra", "roleDefinitionId": "through group", "directoryScopeId": "/"},
			{"principalId": "plain", "roleDefinitionId": "through plain group", "directoryScopeId": "/"},
			{"principalId": "u2", "roleDefinitionId": "somebody else's", "directoryScopeId": "/"},
		} {
			tx.Put(RoleAssignments, a)
		}
	})
	s.View(func(tx *Tx) {
		want := []string{"direct", "ends later", "through group"}
		if diff := cmp.Diff(want, tx.ActiveRoles("u1")); diff != "" {
			t.Errorf("roles (-want +got):\n%s", diff)
		}
	})
}

func TestActsAreWhole(t *testing.T) {
	s := small()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			update(s, func(tx *Tx) {
				n, _ := tx.Get("users", "u1")["count"].(int)
				tx.Put("users", Object{"id": "u1", "count": n + 1})
			})
		})
	}
	wg.Wait()
	s.View(func(tx *Tx) {
		if got := tx.Get("users", "u1")["count"]; got != 50 {
			t.Errorf("fifty acts counted to %v", got)
		}
	})
}

func TestPropertiesOfAnyShapeAreReadWithoutHarm(t *testing.T) {
	o := Object{"s": "x", "n": 3.0, "list": []any{"a", 1.0, "b"}, "texts": []string{"c"}, "o": map[string]any{"k": true}, "at": "2026-06-01T08:00:00Z", "null": nil}
	if o.String("n") != "" || o.Bool("s") || o.Object("s") != nil || o.Strings("s") != nil || !o.Time("s").IsZero() || o.String("missing") != "" {
		t.Error("a property of another type is not empty")
	}
	if !slices.Equal(o.Strings("list"), []string{"a", "b"}) || !slices.Equal(o.Strings("texts"), []string{"c"}) || !o.Object("o").Bool("k") || Timestamp(o.Time("at")) != "2026-06-01T08:00:00Z" {
		t.Error("a property is not what it is")
	}
	var none Object
	if none.Clone() != nil || none.ID() != "" {
		t.Error("no object is something")
	}
}
