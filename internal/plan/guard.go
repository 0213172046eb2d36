package plan

import (
	"fmt"
	"strings"

	"breakglass/internal/entra"
	"breakglass/internal/lockout"
)

// guard holds what must not get worse. It is made of the tenant before the first step.
type guard struct {
	accounts []Account
	before   *entra.Snapshot
	ranks    map[string]int
}

func newGuard(before *entra.Snapshot, accounts []Account) *guard {
	return &guard{accounts: accounts, before: before, ranks: map[string]int{}}
}

// rank orders verdicts: a step may raise it or leave it, never lower it.
func rank(v lockout.Verdict) int {
	switch v {
	case lockout.Survives:
		return 2
	case lockout.CouldNotTell:
		return 1
	}
	return 0
}

func (g *guard) allowed(id string) []string {
	for _, a := range g.accounts {
		if strings.EqualFold(a.Object, id) {
			return a.Allowed
		}
	}
	return nil
}

func (g *guard) analyze(s *entra.Snapshot, id string) lockout.Analysis {
	return lockout.Analyze(s, id, g.allowed(id)...)
}

func (g *guard) rankBefore(id string) int {
	r, ok := g.ranks[id]
	if !ok && g.before.User(id) != nil { // one that did not exist did not work
		r = rank(g.analyze(g.before, id).Verdict)
		g.ranks[id] = r
	}
	return r
}

// concerns says whether the guards have anything to ask of a step. Most steps are exclusions
// that only grow, and harm nobody.
func (g *guard) concerns(st Step) bool {
	k, c, err := match(st.Request)
	if err != nil {
		return true
	}
	c.s = g.before
	return granted(c) != "" || (k.harms != nil && len(k.harms(c)) > 0)
}

// step judges one step that leads to the tenant after. It is nil when the step may be done.
func (g *guard) step(st Step, after *entra.Snapshot) error {
	k, c, err := match(st.Request)
	if err != nil {
		return &RefusedError{Reason: err.Error(), Next: "make the plan again"}
	}
	c.s = g.before
	if k.harms != nil {
		if err := g.nobodyWorse(after, st, k.harms(c)); err != nil {
			return err
		}
	}
	if grantee := granted(c); grantee != "" {
		return g.excluded(after, grantee)
	}
	return nil
}

// nobodyWorse holds the promise that there are never fewer working emergency accounts or
// administrators than before the plan.
func (g *guard) nobodyWorse(after *entra.Snapshot, st Step, ids []string) error {
	for _, id := range ids {
		was := g.rankBefore(id)
		if was == 0 {
			continue
		}
		if a := g.analyze(after, id); rank(a.Verdict) < was {
			return &RefusedError{
				Reason: fmt.Sprintf("after %s, %s would no longer get in: %s", st.ID, nameOf(after, id), firstBlocker(a)),
				Next:   "remove what blocks that administrator first, then make the plan again",
			}
		}
	}
	return nil
}

// granted is the principal that a request makes Global Administrator, empty for others.
func granted(c *change) string {
	switch b := c.body.(type) {
	case *scheduleBody:
		return b.PrincipalID
	case *assignmentBody:
		return b.PrincipalID
	}
	return ""
}

// excluded holds the promise that no account is granted the role before it is proven that no
// policy of any state, but the one allowed, would then target it. after has the role in
// place, because policies may target roles.
func (g *guard) excluded(after *entra.Snapshot, id string) error {
	a := g.analyze(after, id)
	if a.Excluded == lockout.True {
		return nil
	}
	why := "it could not be told whether every policy excludes it"
	for _, st := range a.Standings {
		if st.Targets != lockout.False && !st.Allowed {
			why = fmt.Sprintf("policy %q (%s): %s", st.Title, st.State, st.Why)
			break
		}
	}
	return &RefusedError{
		Reason: fmt.Sprintf("%s is not granted Global Administrator before its exclusion is proven: %s", nameOf(after, id), why),
		Next:   "see `breakglass lockout`, then make the plan again",
	}
}

func firstBlocker(a lockout.Analysis) string {
	if len(a.Blockers) == 0 {
		return "it could not be told"
	}
	return a.Blockers[0].Why
}

func nameOf(s *entra.Snapshot, id string) string {
	if u := s.User(id); u != nil {
		return u.UserPrincipalName.Or(id)
	}
	return id
}
