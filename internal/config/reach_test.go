package config

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The exposure and loss rules are compared with an oracle that knows nothing of thresholds:
// it lists every set of sheets that opens (by SLIP-0039's own definition) and asks whether
// one of them lies within a person's or a location's reach, or survives a loss.

var (
	somePeople = []PersonID{"anna", "ben", "carla", "dirk", "eva"}
	somePlaces = []LocationID{"north", "south", "east", "west"}
)

func somePlan(t *rapid.T) *Desired {
	d := &Desired{Tenant: Tenant{InitialDomain: "contoso.onmicrosoft.com"}, Custodians: somePeople}
	places := somePlaces[:rapid.IntRange(1, len(somePlaces)).Draw(t, "places")]
	for i, id := range places {
		access := rapid.SliceOfNDistinct(rapid.SampledFrom(somePeople), 1, 3, rapid.ID[PersonID]).Draw(t, "access")
		d.Locations = append(d.Locations, Location{ID: id, Code: fmt.Sprint(i), Access: access})
	}
	a := Account{ID: "a", UserPrincipalName: "x@contoso.onmicrosoft.com", Password: PasswordSealed, Quorum: someQuorum(t, places)}
	for i := range rapid.IntRange(0, 2).Draw(t, "keys") {
		at := rapid.SampledFrom(places).Draw(t, "key at")
		a.Keys = append(a.Keys, Key{ID: fmt.Sprint("k", i), Location: at, PIN: someQuorum(t, places)})
	}
	d.Accounts = []Account{a}
	d.SetDefaults()
	return d
}

// someQuorum draws one that can be reached; one-of-many is drawn too, for its reach is judged all the same.
func someQuorum(t *rapid.T, places []LocationID) *Quorum {
	q := &Quorum{}
	for _, at := range rapid.SliceOfNDistinct(rapid.SampledFrom(places), 1, len(places), rapid.ID[LocationID]).Draw(t, "sheets at") {
		names := rapid.SliceOfNDistinct(rapid.SampledFrom(somePeople), 1, 3, rapid.ID[PersonID]).Draw(t, "custodians")
		q.Sheets = append(q.Sheets, LocationSheets{Location: at, Custodians: names, Need: rapid.IntRange(1, len(names)).Draw(t, "need")})
	}
	q.Locations = rapid.IntRange(1, len(q.Sheets)).Draw(t, "locations")
	return q
}

// openingSets lists every set of sheets, as bits, that opens.
func openingSets(q *Quorum) (all []sheet, sets []uint) {
	var group []int
	for g, ls := range q.Sheets {
		for _, c := range ls.Custodians {
			all, group = append(all, sheet{ls.Location, c}), append(group, g)
		}
	}
	for set := range uint(1) << len(all) {
		count := make([]int, len(q.Sheets))
		for i := range all {
			if set&(1<<i) != 0 {
				count[group[i]]++
			}
		}
		open := 0
		for g, n := range count {
			if n >= q.Sheets[g].Need {
				open++
			}
		}
		if open >= q.Locations {
			sets = append(sets, set)
		}
	}
	return all, sets
}

// withinHand says whether an opening set can be made of the sheets that are at hand.
func withinHand(q *Quorum, atHand func(sheet) bool) bool {
	all, sets := openingSets(q)
	var hand uint
	for i, s := range all {
		if atHand(s) {
			hand |= 1 << i
		}
	}
	return slices.ContainsFunc(sets, func(set uint) bool { return set&^hand == 0 })
}

// expected is what the oracle says of the seven rules, as "code subject" lines.
func expected(d *Desired) map[string]bool {
	want := map[string]bool{}
	access := map[LocationID][]PersonID{}
	for _, l := range d.Locations {
		access[l.ID] = l.Access
	}
	opens := func(p PersonID, at LocationID) bool { return slices.Contains(access[at], p) }
	a := d.Accounts[0]
	for _, p := range somePeople {
		reach := func(s sheet) bool { return s.name == p || opens(p, s.at) }
		left := func(s sheet) bool {
			return s.name != p && slices.ContainsFunc(access[s.at], func(o PersonID) bool { return o != p })
		}
		if withinHand(a.Quorum, reach) {
			want["quorum-one-person accounts[0].quorum "+string(p)] = true
		}
		if !withinHand(a.Quorum, left) {
			want["quorum-person-lost accounts[0].quorum "+string(p)] = true
		}
		anyKey := false
		for i, k := range a.Keys {
			if opens(p, k.Location) && withinHand(k.PIN, reach) {
				want[fmt.Sprintf("quorum-one-person accounts[0].keys[%d].pin %s", i, p)] = true
			}
			fetch := slices.ContainsFunc(access[k.Location], func(o PersonID) bool { return o != p })
			anyKey = anyKey || fetch && withinHand(k.PIN, left)
		}
		if len(a.Keys) > 0 && !anyKey {
			want["keys-person-lost accounts[0].keys "+string(p)] = true
		}
	}
	for _, at := range somePlaces {
		here := func(s sheet) bool { return s.at == at }
		left := func(s sheet) bool { return s.at != at }
		if withinHand(a.Quorum, here) {
			want["quorum-one-location accounts[0].quorum "+string(at)] = true
		}
		if !withinHand(a.Quorum, left) {
			want["quorum-location-lost accounts[0].quorum "+string(at)] = true
		}
		anyKey := false
		for i, k := range a.Keys {
			if k.Location == at && withinHand(k.PIN, here) {
				want[fmt.Sprintf("pin-with-key accounts[0].keys[%d].pin %s", i, at)] = true
			}
			anyKey = anyKey || k.Location != at && withinHand(k.PIN, left)
		}
		if len(a.Keys) > 0 && !anyKey {
			want["keys-location-lost accounts[0].keys "+string(at)] = true
		}
	}
	return want
}

// subject is the person or location that a message names: the only one of ours in it that
// is not part of a list of reasons stands first.
func subject(message string) string {
	best, at := "", len(message)
	for _, name := range append(ids(somePeople), ids(somePlaces)...) {
		if i := index1(message, name); i >= 0 && i < at {
			best, at = name, i
		}
	}
	return best
}

func index1(s, word string) int {
	for i := 0; i+len(word) <= len(s); i++ {
		if s[i:i+len(word)] == word {
			return i
		}
	}
	return -1
}

func TestReachIsWhatEnumerationSays(t *testing.T) {
	rules := codesOf(quorumRules)
	rapid.Check(t, func(t *rapid.T) {
		d := somePlan(t)
		got := map[string]bool{}
		for _, p := range Lint(d) {
			if slices.Contains(rules, p.Code) {
				got[p.Code+" "+p.Path+" "+subject(p.Message)] = true
			}
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(expected(d))), slices.Sorted(maps.Keys(got))); diff != "" {
			t.Fatalf("rules broken (-oracle +lint):\n%s", diff)
		}
	})
}

func codesOf(rules []Rule) []string {
	var all []string
	for _, r := range rules {
		all = append(all, r.Code)
	}
	return all
}

// fewestPeople is the oracle for asksFor.
func fewestPeople(q *Quorum) int {
	all, sets := openingSets(q)
	fewest := len(all)
	for _, set := range sets {
		names := map[PersonID]bool{}
		for i, s := range all {
			if set&(1<<i) != 0 {
				names[s.name] = true
			}
		}
		fewest = min(fewest, len(names))
	}
	return fewest
}

func TestPeopleAreCountedAsEnumerationCountsThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := someQuorum(t, somePlaces)
		fewest := fewestPeople(q)
		for n := 1; n <= len(somePeople); n++ {
			if got := q.asksFor(n); got != (n <= fewest) {
				t.Fatalf("asksFor(%d) is %v, the fewest people are %d", n, got, fewest)
			}
		}
		if q.provenPeople() > fewest {
			t.Fatalf("the lower bound %d is above the fewest people, %d", q.provenPeople(), fewest)
		}
	})
}

// A plan that lint proposes must be one that lint takes.
func TestTheNearestPlanKeepsTheRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := someQuorum(t, somePlaces)
		q.People = rapid.IntRange(1, 5).Draw(t, "people")
		for locations := q.Locations; locations <= len(q.Sheets); locations++ {
			plan, _ := raised(q, locations, 3)
			if plan.asksFor(q.People) && nearestForPeople(q) == fmt.Sprintf("no thresholds over these sheets ask for %d people: name more custodians", q.People) {
				t.Fatal("a plan exists and none was proposed")
			}
		}
	})
}

func TestALargeQuorumIsNotCountedForever(t *testing.T) {
	q := &Quorum{Locations: 16}
	for g := range 16 {
		s := LocationSheets{Location: LocationID(fmt.Sprint("l", g)), Need: 8}
		for c := range 16 {
			s.Custodians = append(s.Custodians, PersonID(fmt.Sprint("p", g, "-", c)))
		}
		q.Sheets = append(q.Sheets, s)
	}
	if !q.asksFor(128) || q.asksFor(129) {
		t.Error("128 sheets of 256 people ask for 128 people, no more")
	}
}
