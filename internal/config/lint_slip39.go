package config

import (
	"fmt"
	"slices"
	"strings"
)

// expressible judges whether SLIP-0039 has a form for the quorum, and names the nearest plan
// that has one where it has not. It says whether the rest of the rules can be judged.
func (l *linter) expressible(account string, w way) bool {
	q := w.quorum
	before := len(l.problems)
	if len(q.Sheets) > maxSlip39 {
		l.report("slip39-limits", w.path, "nearest plan: the "+fmt.Sprint(maxSlip39)+" most distant locations",
			"%s of %s has sheets in %d locations; SLIP-0039 ends at %d", w.name, account, len(q.Sheets), maxSlip39)
	}
	if q.Locations > len(q.Sheets) {
		l.report("slip39-threshold", w.path+".locations", fmt.Sprintf("nearest plan: locations: %d, or %d locations more", len(q.Sheets), q.Locations-len(q.Sheets)),
			"%s of %s asks for %d locations of %d", w.name, account, q.Locations, len(q.Sheets))
	}
	for i, g := range q.Sheets {
		l.group(account, w, i, g)
	}
	if slices.ContainsFunc(l.problems[before:], func(p Problem) bool { return p.Code == "slip39-threshold" }) {
		return false
	}
	if len(q.Sheets) > 0 && q.fewestSheets() == 1 {
		l.report("quorum-one-sheet", w.path, "nearest plan: "+oneMoreSheet(q), "one sheet alone opens %s of %s", w.name, account)
	}
	l.wishes(account, w)
	return true
}

// group judges the sheets of one location.
func (l *linter) group(account string, w way, i int, g LocationSheets) {
	path := fmt.Sprintf("%s.sheets[%d]", w.path, i)
	n := len(g.Custodians)
	switch {
	case n > maxSlip39:
		l.report("slip39-limits", path, fmt.Sprintf("nearest plan: %d custodians here, the others in another location", maxSlip39),
			"%s of %s has %d sheets at %s; SLIP-0039 ends at %d", w.name, account, n, g.Location, maxSlip39)
	case g.Need > n:
		l.report("slip39-threshold", path+".need", fmt.Sprintf("nearest plan: need: %d, or %d custodians more", n, g.Need-n),
			"%s of %s asks for %d sheets of %d at %s", w.name, account, g.Need, n, g.Location)
	case g.Need == 1 && n > 1:
		l.report("slip39-one-of-many", path+".need", oneOfMany(g), "%s of %s asks for any one of %d sheets at %s, which SLIP-0039 forbids", w.name, account, n, g.Location)
	}
	for j, c := range g.Custodians {
		if slices.Index(g.Custodians, c) < j {
			l.report("slip39-weight", fmt.Sprintf("%s.custodians[%d]", path, j), "nearest plan: one sheet for "+string(c)+" here, and another custodian for the other", "%s keeps two sheets of %s of %s at %s: SLIP-0039 has no weights", c, w.name, account, g.Location)
		}
	}
	if first := slices.IndexFunc(w.quorum.Sheets, func(o LocationSheets) bool { return o.Location == g.Location }); first < i {
		l.report("slip39-weight", path+".location", fmt.Sprintf("nearest plan: one entry for %s with custodians: [%s]", g.Location, joinIDs(append(slices.Clone(w.quorum.Sheets[first].Custodians), g.Custodians...))),
			"location %s stands twice in the quorum for %s of %s", g.Location, w.name, account)
	}
}

// oneOfMany is the nearest plans for "any one of these people".
func oneOfMany(g LocationSheets) string {
	first, rest := g.Custodians[0], g.Custodians[1:]
	return fmt.Sprintf("nearest plans: one sheet that several can fetch (need: 1, custodians: [%s], and %s in the access of %s), or any two of them (need: 2)", first, joinIDs(rest), g.Location)
}

// oneMoreSheet is the nearest plan in which no sheet opens alone.
func oneMoreSheet(q *Quorum) string {
	if q.Locations < len(q.Sheets) {
		return fmt.Sprintf("locations: %d", q.Locations+1)
	}
	if i := slices.IndexFunc(q.Sheets, func(g LocationSheets) bool { return len(g.Custodians) >= 2 }); i >= 0 {
		return fmt.Sprintf("need: 2 at %s", q.Sheets[i].Location)
	}
	return "locations: 2, with a sheet in a second location (three for any one to be lost)"
}

// wishes judges people and must_include, which SLIP-0039 does not know.
func (l *linter) wishes(account string, w way) {
	q := w.quorum
	if q.People > 0 && !q.asksFor(q.People) {
		l.report("slip39-people", w.path+".people", nearestForPeople(q), "%s of %s asks for %d different people, and its sheets open with fewer", w.name, account, q.People)
	}
	for i, p := range q.MustInclude {
		if q.opens(func(s sheet) bool { return s.name != p }) {
			l.report("slip39-must-include", fmt.Sprintf("%s.must_include[%d]", w.path, i), nearestWith(q, p), "%s of %s is to need %s, and its sheets open without", w.name, account, p)
		}
	}
}

// nearestForPeople looks for the least change of thresholds that asks for so many people.
func nearestForPeople(q *Quorum) string {
	best, cost := "", 1<<30
	for locations := q.Locations; locations <= len(q.Sheets); locations++ {
		for least := 1; least <= maxSlip39; least++ {
			plan, changed := raised(q, locations, least)
			if changed < cost && plan.asksFor(q.People) {
				best, cost = thresholds(plan), changed
			}
		}
	}
	if best == "" {
		return fmt.Sprintf("no thresholds over these sheets ask for %d people: name more custodians", q.People)
	}
	return "nearest plan: " + best
}

// raised is the quorum with more locations and more sheets needed in each, as far as there
// are any, and how much was raised in all.
func raised(q *Quorum, locations, least int) (*Quorum, int) {
	plan := &Quorum{Locations: locations, Sheets: slices.Clone(q.Sheets)}
	changed := locations - q.Locations
	for i := range plan.Sheets {
		g := &plan.Sheets[i]
		need := max(g.Need, min(least, len(g.Custodians)))
		changed += need - g.Need
		g.Need = need
	}
	return plan, changed
}

// nearestWith is the least change after which nothing opens without the person: every
// location is needed, and in one of the person's locations every sheet.
func nearestWith(q *Quorum, p PersonID) string {
	i := slices.IndexFunc(q.Sheets, func(g LocationSheets) bool { return slices.Contains(g.Custodians, p) })
	if i < 0 {
		return fmt.Sprintf("%s keeps no sheet: give %s one in a location of its own, with every location needed (locations: %d)", p, p, len(q.Sheets)+1)
	}
	plan := &Quorum{Locations: len(q.Sheets), Sheets: slices.Clone(q.Sheets)}
	plan.Sheets[i].Need = len(plan.Sheets[i].Custodians)
	return "nearest plan: " + thresholds(plan) + " (then the loss of " + string(p) + " loses the account)"
}

func thresholds(q *Quorum) string {
	parts := []string{fmt.Sprintf("locations: %d", q.Locations)}
	for _, g := range q.Sheets {
		parts = append(parts, fmt.Sprintf("need: %d of %d at %s", g.Need, len(g.Custodians), g.Location))
	}
	return strings.Join(parts, ", ")
}

func joinIDs[T ~string](ids []T) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = string(id)
	}
	return strings.Join(words, ", ")
}
