package config

import (
	"fmt"
	"slices"
	"strings"
)

// thirdSites are where organisations with two sites put the third share.
const thirdSites = "a third site may be a bank's safe-deposit box, a notary or law firm, another office, a parent company"

// quorums judges every way into every account.
func (l *linter) quorums() {
	for i, a := range l.d.Accounts {
		path := fmt.Sprintf("accounts[%d]", i)
		var ways []way // those whose thresholds make sense
		for _, w := range waysInto(a, path) {
			if w.quorum != nil && l.expressible(a.ID, w) {
				l.exposure(a.ID, w)
				ways = append(ways, w)
			}
		}
		l.losses(a.ID, path, ways)
	}
}

// waysInto are the password, if it is sealed, and the keys.
func waysInto(a Account, path string) []way {
	var ways []way
	if a.Password != PasswordUnknown && a.Quorum != nil {
		ways = append(ways, way{name: "the password", path: path + ".quorum", quorum: a.Quorum})
	}
	for i, k := range a.Keys {
		ways = append(ways, way{name: "key " + k.ID + " with its PIN", path: fmt.Sprintf("%s.keys[%d].pin", path, i), quorum: k.PIN, key: k.Location})
	}
	return ways
}

// canOpen says whether the person can open the location, sheets in the own name apart.
func (l *linter) canOpen(p PersonID, at LocationID) bool {
	loc, ok := l.location(at)
	return ok && slices.Contains(loc.Access, p)
}

func (l *linter) location(id LocationID) (Location, bool) {
	i := slices.IndexFunc(l.d.Locations, func(loc Location) bool { return loc.ID == id })
	if i < 0 {
		return Location{}, false
	}
	return l.d.Locations[i], true
}

// everyone is each person who keeps a sheet or can open a location.
func (l *linter) everyone() []PersonID {
	var all []PersonID
	add := func(ids []PersonID) {
		for _, id := range ids {
			if !slices.Contains(all, id) {
				all = append(all, id)
			}
		}
	}
	add(l.d.Custodians)
	for _, loc := range l.d.Locations {
		add(loc.Access)
	}
	for _, a := range l.d.Accounts {
		for _, w := range waysInto(a, "") {
			if w.quorum != nil {
				add(w.quorum.people())
			}
		}
	}
	return all
}

// exposure judges who reaches a quorum alone. A person has the sheets in the own name and
// everything in every safe the person can open.
func (l *linter) exposure(account string, w way) {
	for _, p := range l.everyone() {
		enter := func(at LocationID) bool { return l.canOpen(p, at) }
		if w.opens(func(s sheet) bool { return s.name == p || enter(s.at) }, enter) {
			l.report("quorum-one-person", w.path, "take locations off the person's access, or raise the quorum",
				"%s alone reaches %s of %s%s", p, w.name, account, l.because(p, w))
		}
	}
	for _, at := range w.quorum.places() {
		here := func(x LocationID) bool { return x == at }
		if !w.opens(func(s sheet) bool { return here(s.at) }, here) {
			continue
		}
		if w.isKey() {
			l.report("pin-with-key", w.path, "keep the PIN's sheets where the key is not", "location %s has %s of %s", at, w.name, account)
			continue
		}
		l.report("quorum-one-location", w.path, l.placesAdvice(w, "quorum-one-location"), "location %s alone holds %s of %s%s", at, w.name, account, fewPlaces(w, "the first"))
	}
	l.accessUnknown(account, w)
}

// because names the safes and the own sheets that make up a person's reach.
func (l *linter) because(p PersonID, w way) string {
	var places, own []string
	for _, g := range w.quorum.Sheets {
		switch {
		case l.canOpen(p, g.Location):
			places = append(places, string(g.Location))
		case slices.Contains(g.Custodians, p):
			own = append(own, string(g.Location))
		}
	}
	if w.isKey() && !slices.Contains(places, string(w.key)) {
		places = append(places, string(w.key))
	}
	var why []string
	if places != nil {
		why = append(why, "can open "+strings.Join(places, ", "))
	}
	if own != nil {
		why = append(why, "keeps a sheet at "+strings.Join(own, ", "))
	}
	return ": " + strings.Join(why, " and ")
}

// accessUnknown says that exposure was judged without knowing who opens a location.
func (l *linter) accessUnknown(account string, w way) {
	places := w.quorum.places()
	if w.isKey() && !slices.Contains(places, w.key) {
		places = append(places, w.key)
	}
	for _, at := range places {
		if loc, ok := l.location(at); !ok || len(loc.Access) == 0 {
			l.unsure("quorum-one-person", w.path, "list everyone under the location's access", "who can open %s is not said, so who reaches %s of %s alone could not be told", at, w.name, account)
		}
	}
}

// losses judges what is left when one person or one location is gone: of the password, and
// of all keys together.
func (l *linter) losses(account, path string, ways []way) {
	var keys []way
	for _, w := range ways {
		if w.isKey() {
			keys = append(keys, w)
		} else {
			l.lost("quorum-person-lost", "quorum-location-lost", account, w.path, w.name, []way{w})
		}
	}
	if keys != nil {
		l.lost("keys-person-lost", "keys-location-lost", account, path+".keys", "every key with its PIN", keys)
	}
}

func (l *linter) lost(personRule, locationRule, account, path, what string, ways []way) {
	for _, p := range l.everyone() {
		enter := func(at LocationID) bool { return l.openableWithout(at, p) }
		if !anyOpens(ways, func(s sheet) bool { return s.name != p && enter(s.at) }, enter) {
			l.report(personRule, path, "give more people a sheet, or let more people open the location", "with %s gone, %s of %s is out of reach", p, what, account)
		}
	}
	for _, at := range l.used(ways) {
		enter := func(x LocationID) bool { return x != at }
		if anyOpens(ways, func(s sheet) bool { return enter(s.at) }, enter) {
			continue
		}
		advice, few := "spread over one location more", ""
		if locationRule == "quorum-location-lost" {
			advice, few = l.placesAdvice(ways[0], locationRule), fewPlaces(ways[0], "the second")
		}
		l.report(locationRule, path, advice, "with location %s lost, %s of %s is out of reach%s", at, what, account, few)
	}
}

func anyOpens(ways []way, hand func(sheet) bool, enter func(LocationID) bool) bool {
	return slices.ContainsFunc(ways, func(w way) bool { return w.opens(hand, enter) })
}

// openableWithout says whether a location still has somebody who opens it. One whose people
// are not listed is taken as openable: location-access-missing speaks of it.
func (l *linter) openableWithout(at LocationID, gone PersonID) bool {
	loc, ok := l.location(at)
	if !ok || len(loc.Access) == 0 {
		return true
	}
	return slices.ContainsFunc(loc.Access, func(p PersonID) bool { return p != gone })
}

func (l *linter) used(ways []way) []LocationID {
	var all []LocationID
	for _, w := range ways {
		for _, at := range append(w.quorum.places(), w.key) {
			if at != "" && !slices.Contains(all, at) {
				all = append(all, at)
			}
		}
	}
	return all
}

// fewPlaces explains, of a password in one or two places, that the rules exclude each other.
func fewPlaces(w way, given string) string {
	switch len(w.quorum.places()) {
	case 1:
		return ": with one location neither rule can hold"
	case 2:
		return ": with two locations either one suffices alone or the loss of one loses the account, and this plan gives up " + given + " of the two rules (quorum-one-location, quorum-location-lost)"
	}
	return ""
}

func (l *linter) placesAdvice(w way, rule string) string {
	if len(w.quorum.places()) > 2 {
		if rule == "quorum-one-location" {
			return "raise locations, so that more than one has to be opened"
		}
		return "lower locations, or add a location"
	}
	return thirdSites + "; or accept the risk: accepted_risks with rule " + rule + ", the person who takes it, and the reason"
}
