package posture

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Readiness answers "could the tenant be recovered tonight?".
type Readiness string

// The answers.
const (
	Yes           Readiness = "yes"
	No            Readiness = "no"
	CouldNotTellR Readiness = "could not tell"
)

// Proof is something that was shown by an event, and when.
type Proof struct {
	Account string    `json:"account"`
	What    string    `json:"what"`
	At      time.Time `json:"at"`
	// Age is for people: "12 days".
	Age string `json:"age"`
}

// Answer is the one answer of `breakglass status`.
type Answer struct {
	Ready    Readiness `json:"ready"`
	Headline string    `json:"headline"`
	// Reasons are what speaks against it, most deadly first: what decides, then every other
	// finding of severity critical or high that failed.
	Reasons []Finding `json:"reasons"`
	// Assumptions are what the answer takes for granted.
	Assumptions []string `json:"assumptions"`
	// Proofs say how old each yes is.
	Proofs []Proof `json:"proofs"`
}

// Ready draws the one answer from the findings of Run: yes when one account passes every
// check that decides, no when each of them fails one, could not tell in between.
func Ready(findings []Finding) Answer {
	a := Answer{Reasons: reasons(findings), Assumptions: assumptions(), Proofs: []Proof{}}
	for _, f := range findings {
		if f.Proof != nil {
			a.Proofs = append(a.Proofs, *f.Proof)
		}
	}
	t := tally(findings)
	a.Ready = t.answer()
	switch a.Ready {
	case Yes:
		a.Headline = t.yes()
	case No:
		a.Headline = t.no()
	default:
		a.Headline = "could not tell: " + t.doubt()
	}
	return a
}

func assumptions() []string {
	return []string{
		"nothing has changed in the tenant since it was read, and nobody adds a policy that excludes nobody",
		"Entra's sign-in and Microsoft Graph work, and Conditional Access does what Microsoft describes",
		"no password must be changed at the next sign-in: Entra does not tell, only a sign-in shows it",
		"keys, sheets and the people who hold them can be reached tonight",
	}
}

// reasons are ordered: what decides before what does not, the account itself before its
// seal, a fail before a doubt.
func reasons(findings []Finding) []Finding {
	list := []Finding{}
	for _, f := range findings {
		bad := f.Verdict == Fail || f.Verdict == CouldNotTell
		if bad && (f.Decides || f.Verdict == Fail && (f.Severity == Critical || f.Severity == High)) {
			list = append(list, f)
		}
	}
	weight := func(f Finding) int {
		switch {
		case f.Decides && f.Verdict == Fail:
			return 0
		case f.Decides:
			return 1
		case f.Severity == Critical:
			return 2
		}
		return 3
	}
	slices.SortStableFunc(list, func(a, b Finding) int { return cmp.Compare(weight(a), weight(b)) })
	return list
}

// count is how the accounts stand.
type count struct {
	tenant []Finding // decisive findings of the tenant that are not a pass
	order  []string  // accounts
	bad    map[string][]Finding
	read   time.Time // the oldest reading behind a decisive pass
}

func tally(findings []Finding) count {
	t := count{bad: map[string][]Finding{}}
	for _, f := range findings {
		if f.Account != "" && !slices.Contains(t.order, f.Account) {
			t.order = append(t.order, f.Account)
		}
		switch {
		case !f.Decides:
			continue
		case f.Verdict == Fail || f.Verdict == CouldNotTell:
			if f.Account == "" {
				t.tenant = append(t.tenant, f)
			} else {
				t.bad[f.Account] = append(t.bad[f.Account], f)
			}
		}
		for _, e := range f.Evidence {
			if !e.ReadAt.IsZero() && (t.read.IsZero() || e.ReadAt.Before(t.read)) {
				t.read = e.ReadAt
			}
		}
	}
	return t
}

func (t count) answer() Readiness {
	best := No
	for _, id := range t.order {
		switch {
		case len(t.bad[id]) == 0:
			best = Yes
		case best == No && !failed(t.bad[id]):
			best = CouldNotTellR
		}
	}
	switch {
	case failed(t.tenant):
		return No
	case len(t.tenant) > 0 && best == Yes:
		return CouldNotTellR
	}
	return best
}

func failed(list []Finding) bool {
	return slices.ContainsFunc(list, func(f Finding) bool { return f.Verdict == Fail })
}

func (t count) yes() string {
	var able []string
	for _, id := range t.order {
		if len(t.bad[id]) == 0 {
			able = append(able, id)
		}
	}
	said := strings.Join(able, " and ")
	if len(able) > 2 {
		said = fmt.Sprintf("%d accounts", len(able))
	}
	out := fmt.Sprintf("yes: %s would have worked at %s", said, day(t.read))
	if left := len(t.order) - len(able); left > 0 {
		out += fmt.Sprintf("; %s would not, or could not be told", plural(left, "other account"))
	}
	return out
}

func (t count) doubt() string {
	if len(t.tenant) > 0 {
		return t.tenant[0].Summary
	}
	for _, id := range t.order {
		if bad := t.bad[id]; len(bad) > 0 && !failed(bad) {
			return id + ": " + bad[0].Summary
		}
	}
	return "nothing was judged"
}

// The checks whose failing leaves an account without a way in that sealing brings: the seal
// itself, and keys, which are enrolled in the same ceremony.
const (
	codeSealed = "BG-008"
	codeKeys   = "BG-009"
)

// no names what is deadliest: accounts that cannot get in whoever holds their secret come
// before the missing seal, and the missing seal before missing keys.
func (t count) no() string {
	switch {
	case failed(t.tenant):
		return "no: " + t.tenant[0].Summary
	case len(t.order) == 0:
		return "no: the plan names no emergency account"
	}
	out, why := t.lost()
	unsealed := t.failing(codeSealed)
	all := len(t.order)
	switch {
	case out == all && unsealed == all:
		return fmt.Sprintf("no: no account %s, and none is sealed", why)
	case out == all:
		return "no: no account " + why
	case unsealed == all && out > 0:
		return fmt.Sprintf("no: no account is sealed, and %d of %d could not get in", out, all)
	case unsealed == all:
		return "no: no account is sealed"
	case t.failing(codeKeys) == all:
		return "no: no account has a passkey that would be accepted"
	}
	return "no: " + t.each()
}

// lost counts the accounts that fail in themselves, and says what they fail in common.
func (t count) lost() (n int, why string) {
	codes := map[string]bool{}
	for _, id := range t.order {
		i := slices.IndexFunc(t.bad[id], func(f Finding) bool {
			return f.Verdict == Fail && f.Check != codeSealed && f.Check != codeKeys
		})
		if i >= 0 {
			n++
			codes[t.bad[id][i].Check] = true
		}
	}
	if len(codes) == 1 {
		for _, c := range Checks() {
			if codes[c.Code] {
				return n, c.short
			}
		}
	}
	return n, "could get in"
}

func (t count) failing(code string) int {
	n := 0
	for _, id := range t.order {
		if slices.ContainsFunc(t.bad[id], func(f Finding) bool { return f.Verdict == Fail && f.Check == code }) {
			n++
		}
	}
	return n
}

func (t count) each() string {
	var list []string
	for _, id := range t.order {
		i := slices.IndexFunc(t.bad[id], func(f Finding) bool { return f.Verdict == Fail })
		if i >= 0 {
			list = append(list, id+": "+t.bad[id][i].Summary)
		}
	}
	return few(list)
}
