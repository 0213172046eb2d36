package lockout

import (
	"fmt"
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// Analyze says for one account, by object id or user principal name, what stops it from
// signing in and repairing the tenant. allowed are the ids of policies that the plan lets
// apply to this account: they are judged, but do not count against Excluded.
func Analyze(s *entra.Snapshot, accountID string, allowed ...string) Analysis {
	u := find(s, accountID)
	if u == nil {
		b := missing(s, accountID)
		return Analysis{AccountID: accountID, Verdict: verdict([]Blocker{b}), Blockers: []Blocker{b}, Standings: []Standing{}}
	}
	a := subject{s, u}
	out := Analysis{AccountID: u.ID, Standings: []Standing{}, Blockers: a.outside()}
	out.Excluded = True
	for _, p := range s.Policies {
		st := a.standing(p, Situation{}, allowed)
		out.Standings = append(out.Standings, st)
		if st.Targets != False {
			out.Blockers = append(out.Blockers, a.blocker(p, st))
		}
		if !st.Allowed {
			out.Excluded = out.Excluded.And(st.Targets.Not())
		}
	}
	if b, ok := unreadPolicies(s); ok {
		out.Excluded = out.Excluded.And(Unknown)
		out.Blockers = append(out.Blockers, b)
	}
	slices.SortStableFunc(out.Blockers, func(x, y Blocker) int { return x.order() - y.order() })
	out.Verdict = verdict(out.Blockers)
	return out
}

func find(s *entra.Snapshot, name string) *entra.User {
	switch {
	case name == "":
		return nil
	case strings.Contains(name, "@"):
		return s.UserByName(name)
	}
	return s.User(name)
}

// verdict of what is in force now.
func verdict(list []Blocker) Verdict {
	v := Survives
	for _, b := range list {
		switch {
		case b.When == Now && b.Certain:
			return Fails
		case b.When == Now:
			v = CouldNotTell
		}
	}
	return v
}

// order puts what is certain before what is not, within the moment from which it counts.
func (b Blocker) order() int {
	n := 2 * slices.Index([]When{Now, MaySwitchOn, OneClick, Later, Never}, b.When)
	if !b.Certain {
		n++
	}
	return n
}

// unreadPolicies is the blocker of policies that may be there and were not seen: v1.0 hides
// what it cannot express, so both versions must be read whole. A tenant that never had a
// licence for Conditional Access has no policies, and Graph refuses to list them.
func unreadPolicies(s *entra.Snapshot) (Blocker, bool) {
	b := Blocker{Kind: KindUnread, Title: "Conditional Access policies", When: Now}
	for _, part := range []entra.Part{entra.PartPolicies, entra.PartPoliciesBeta} {
		r := s.Reading(part)
		if r.Unread == "" || r.Unread == entra.UnreadLicence && neverLicensed(s) {
			continue
		}
		b.Part, b.Why = part, fmt.Sprintf("the policies were not read whole (%s: %s)", part, unread(r))
		return b, true
	}
	return Blocker{}, false
}

// neverLicensed: no plan of Entra ID P1 or P2 in any state. Policies outlive a licence that lapsed.
func neverLicensed(s *entra.Snapshot) bool {
	return s.Complete(entra.PartPlans) && len(s.Policies) == 0 && !slices.ContainsFunc(s.Plans, func(p entra.ServicePlan) bool {
		return p.ServicePlanID == "" || p.Of() != ""
	})
}
