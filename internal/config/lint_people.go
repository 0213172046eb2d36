package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// places judges the locations.
func (l *linter) places() {
	if len(l.d.Locations) == 0 {
		l.report("locations-missing", "locations", "name three locations, each with a code and everyone who can open it", "no location is in the plan")
	}
	used := map[LocationID]bool{}
	l.eachUse(func(id LocationID, path string) {
		used[id] = true
		if _, ok := l.location(id); !ok {
			l.report("location-unknown", path, "add it to locations"+nearest(string(id), l.locationIDs()), "there is no location %s", id)
		}
	})
	codes := map[string]LocationID{}
	for i, loc := range l.d.Locations {
		path := fmt.Sprintf("locations[%d]", i)
		if first, twice := codes[loc.Code]; twice {
			l.report("location-code-twice", path+".code", "give each location a code of its own", "%s and %s both have the code %s", first, loc.ID, loc.Code)
		}
		codes[loc.Code] = loc.ID
		if len(loc.Access) == 0 {
			l.report("location-access-missing", path+".access", "list everyone who can open it", "who can open %s is not said", loc.ID)
		}
		if !used[loc.ID] {
			l.report("location-idle", path, "remove it, or keep something there", "nothing is kept at %s", loc.ID)
		}
	}
}

// eachUse visits every place of the plan that names a location.
func (l *linter) eachUse(visit func(id LocationID, path string)) {
	for i, a := range l.d.Accounts {
		path := fmt.Sprintf("accounts[%d]", i)
		for j, k := range a.Keys {
			visit(k.Location, fmt.Sprintf("%s.keys[%d].location", path, j))
		}
		for _, w := range quorumsOf(a, path) {
			for j, g := range w.quorum.Sheets {
				visit(g.Location, fmt.Sprintf("%s.sheets[%d].location", w.path, j))
			}
		}
	}
}

// quorumsOf are the quorums written for an account, one for a password nobody knows included.
func quorumsOf(a Account, path string) []way {
	a.Password = PasswordSealed
	return slices.DeleteFunc(waysInto(a, path), func(w way) bool { return w.quorum == nil })
}

func (l *linter) locationIDs() []string {
	var ids []string
	for _, loc := range l.d.Locations {
		ids = append(ids, string(loc.ID))
	}
	return ids
}

// people judges the custodians, and with people.age at hand the persons behind the ids.
func (l *linter) people() {
	if len(l.d.Custodians) == 0 {
		l.report("custodians-missing", "custodians", "name the people who keep sheets, by opaque ids", "no custodian is in the plan")
	}
	keeps := map[PersonID]bool{}
	locked := map[string]bool{}
	for i, a := range l.d.Accounts {
		for _, w := range quorumsOf(a, fmt.Sprintf("accounts[%d]", i)) {
			for j, g := range w.quorum.Sheets {
				for n, c := range g.Custodians {
					path := fmt.Sprintf("%s.sheets[%d].custodians[%d]", w.path, j, n)
					keeps[c] = true
					l.custodian(c, g.Location, path, locked)
				}
			}
		}
	}
	for i, c := range l.d.Custodians {
		if !keeps[c] {
			l.report("custodian-idle", fmt.Sprintf("custodians[%d]", i), "remove the id, or give the person a sheet", "%s keeps nothing", c)
		}
	}
	l.behindIDs()
}

func (l *linter) custodian(c PersonID, at LocationID, path string, told map[string]bool) {
	if !slices.Contains(l.d.Custodians, c) {
		l.report("custodian-unknown", path, "add the id to custodians"+nearest(string(c), ids(l.d.Custodians)), "%s keeps a sheet and is not in the list of custodians", c)
	}
	loc, ok := l.location(at)
	pair := string(c) + " " + string(at)
	if ok && len(loc.Access) > 0 && !slices.Contains(loc.Access, c) && !told[pair] {
		told[pair] = true
		l.report("custodian-locked-out", path, fmt.Sprintf("add %s to the access of %s, or keep the sheet elsewhere", c, at), "%s keeps a sheet at %s and cannot open it", c, at)
	}
}

func ids[T ~string](all []T) []string {
	var words []string
	for _, id := range all {
		words = append(words, string(id))
	}
	return words
}

// behindIDs judges what only people.age can tell.
func (l *linter) behindIDs() {
	p := l.known.People
	if p == nil {
		l.unsure("people-unread", "", "give the identity that opens people.age", "people.age was not opened: names, telephones and addresses were not judged")
		return
	}
	for _, id := range l.named() {
		if _, ok := p.Person(id); !ok {
			l.report("person-unresolved", "", "add the person to people.age", "%s is not in people.age", id)
		}
	}
	for i, loc := range l.d.Locations {
		if _, ok := p.Place(loc.ID); !ok {
			l.report("location-unresolved", fmt.Sprintf("locations[%d]", i), "add the place to people.age", "%s is not in people.age", loc.ID)
		}
	}
	l.twice("phone-twice", "give each person a telephone of their own", "share a telephone number", func(x Person) []string { return mapped(x.Phones, dialled) })
	l.twice("person-twice", "use one id for one person", "have one organisation id, so they are one person", func(x Person) []string { return []string{strings.ToLower(x.OrganisationID)} })
}

// twice reports people who share what should be each one's own. The value itself stays out
// of the message: it is from people.age.
func (l *linter) twice(code, advice, what string, of func(Person) []string) {
	first := map[string]PersonID{}
	for _, x := range l.known.People.People {
		for _, v := range of(x) {
			if v == "" {
				continue
			}
			if other, ok := first[v]; ok && other != x.ID {
				l.report(code, "", advice, "%s and %s %s", other, x.ID, what)
				continue
			}
			first[v] = x.ID
		}
	}
}

func mapped(values []string, f func(string) string) []string {
	var all []string
	for _, v := range values {
		all = append(all, f(v))
	}
	return all
}

// dialled is a number as it is dialled, so that two ways of writing one number are equal.
// Without its country code a number is compared as it stands.
func dialled(number string) string {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ReplaceAll(number, "(0)", ""))
	return strings.TrimPrefix(digits, "00")
}

// named are all people whom the plan names, each once, in a fixed order.
func (l *linter) named() []PersonID {
	all := map[PersonID]bool{}
	add := func(ids ...PersonID) {
		for _, id := range ids {
			if id != "" {
				all[id] = true
			}
		}
	}
	add(l.everyone()...)
	add(l.d.Approvers...)
	for _, c := range l.d.Channels {
		add(c.To...)
	}
	for _, duty := range l.d.Duties {
		add(duty.Owner, duty.Deputy)
	}
	for _, r := range l.d.AcceptedRisks {
		add(r.Person)
	}
	return slices.Sorted(maps.Keys(all))
}
