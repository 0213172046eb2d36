package config

import (
	"slices"
)

// A way is one way into an account: its sealed password, or a key with its PIN.
type way struct {
	name, path string
	quorum     *Quorum
	// key is where the key lies; empty for a password.
	key LocationID
}

func (w way) isKey() bool { return w.key != "" }

// sheet is one sheet of a quorum: where it lies and in whose name.
type sheet struct {
	at   LocationID
	name PersonID
}

// opens says whether the sheets that hand accepts are a quorum.
func (q *Quorum) opens(hand func(sheet) bool) bool {
	open := 0
	for _, g := range q.Sheets {
		have := 0
		for _, c := range g.Custodians {
			if hand(sheet{g.Location, c}) {
				have++
			}
		}
		if have >= g.Need {
			open++
		}
	}
	return open >= q.Locations
}

// opens says whether somebody gets in this way who holds these sheets and can enter these
// locations. A key whose PIN nobody wrote down does not open on paper: pin-missing says so.
func (w way) opens(hand func(sheet) bool, enter func(LocationID) bool) bool {
	return w.quorum != nil && (!w.isKey() || enter(w.key)) && w.quorum.opens(hand)
}

// places are the locations that the quorum names, each once.
func (q *Quorum) places() []LocationID {
	var all []LocationID
	for _, g := range q.Sheets {
		if !slices.Contains(all, g.Location) {
			all = append(all, g.Location)
		}
	}
	return all
}

// people are everyone who keeps a sheet of the quorum, each once.
func (q *Quorum) people() []PersonID {
	var all []PersonID
	for _, g := range q.Sheets {
		for _, c := range g.Custodians {
			if !slices.Contains(all, c) {
				all = append(all, c)
			}
		}
	}
	return all
}

// fewestSheets is the number of sheets in the smallest quorum.
func (q *Quorum) fewestSheets() int {
	var needs []int
	for _, g := range q.Sheets {
		needs = append(needs, g.Need)
	}
	slices.Sort(needs)
	sum := 0
	for _, n := range needs[:min(q.Locations, len(needs))] {
		sum += n
	}
	return sum
}

// maxSets bounds the sets of people that asksFor tries.
const maxSets = 200_000

// asksFor says whether every quorum has at least n different people: it tries every set of
// n-1. Where these are too many, it says yes only if the sheets alone prove it.
func (q *Quorum) asksFor(n int) bool {
	people := q.people()
	if n > len(people) {
		return false
	}
	if sets(len(people), n-1) > maxSets {
		return n <= q.provenPeople()
	}
	chosen := map[PersonID]bool{}
	var try func(from, left int) bool
	try = func(from, left int) bool {
		if left == 0 {
			return q.opens(func(s sheet) bool { return chosen[s.name] })
		}
		for i := from; i <= len(people)-left; i++ {
			chosen[people[i]] = true
			if try(i+1, left-1) {
				return true
			}
			delete(chosen, people[i])
		}
		return false
	}
	return !try(0, n-1)
}

// provenPeople is a lower bound: the people with most sheets are taken first.
func (q *Quorum) provenPeople() int {
	var held []int
	for _, p := range q.people() {
		n := 0
		for _, g := range q.Sheets {
			if slices.Contains(g.Custodians, p) {
				n++
			}
		}
		held = append(held, n)
	}
	slices.SortFunc(held, func(a, b int) int { return b - a })
	left, people := q.fewestSheets(), 0
	for _, n := range held {
		if left <= 0 {
			break
		}
		left -= n
		people++
	}
	return people
}

// sets is n choose k, or a number above maxSets.
func sets(n, k int) int {
	all := 1
	for i := range min(k, n-k) {
		if all = all * (n - i) / (i + 1); all > maxSets {
			return all
		}
	}
	return all
}
