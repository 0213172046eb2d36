package lockout

import (
	"fmt"
	"strings"

	"breakglass/internal/entra"
)

// Scenario is an outage.
type Scenario struct {
	// ID is its name in commands and JSON, Title what people call it, Breaks what no longer
	// works in it, Needs what an account must be to survive it.
	ID     string `json:"id"`
	Title  string `json:"title"`
	Breaks string `json:"breaks"`
	Needs  string `json:"needs"`

	judge func(subject, Analysis) cell
}

// Cell is what happens to one account in one outage.
type Cell struct {
	Scenario  string  `json:"scenario"`
	AccountID string  `json:"accountId"`
	Verdict   Verdict `json:"verdict"`
	// Reason is one sentence that names the state it rests on.
	Reason string `json:"reason"`
}

// Matrix is outages × accounts.
type Matrix struct {
	Scenarios []Scenario `json:"scenarios"`
	Accounts  []string   `json:"accounts"`
	// Cells are in the order of Scenarios, and in each of Accounts.
	Cells []Cell `json:"cells"`
}

// cell is a verdict and its reason.
type cell struct {
	verdict Verdict
	reason  string
}

// outages are the scenarios as data; another one is another entry.
func outages() []Scenario {
	return []Scenario{
		{
			ID: "federation-down", Title: "Federation is down",
			Breaks: "The identity provider of every federated domain is gone, and the directory on-premises with it.",
			Needs:  "A cloud-only account on a managed domain.",
			judge:  federationDown,
		},
		{
			ID: "mfa-down", Title: "The MFA service is down",
			Breaks: "Push, text message, call and one-time codes are not delivered or not checked.",
			Needs:  "A passkey or a certificate, which the sign-in itself checks, and no policy that demands more; a role that needs no activation.",
			judge:  mfaDown,
		},
		{
			ID: "ca-lockout", Title: "Conditional Access locks everybody out",
			Breaks: "Every policy there is, whether on, report-only or off today, is on and blocks. A policy that does not exist yet is the watch's business.",
			Needs:  "To be out of reach of every policy in every state.",
			judge:  policyLockout,
		},
		{
			ID: "pim-dead-end", Title: "PIM leads nowhere",
			Breaks: "Nobody can activate a role: the approvers are gone, or all of them are eligible only.",
			Needs:  "Global Administrator active, permanent and direct.",
			judge:  pimDeadEnd,
		},
	}
}

// Scenarios judges accounts (object ids or names) in every outage. allowed are, by account
// as given, the policies that the plan lets apply to it; nil when there are none.
func Scenarios(s *entra.Snapshot, accounts []string, allowed map[string][]string) Matrix {
	m := Matrix{Scenarios: outages(), Accounts: accounts, Cells: []Cell{}}
	analyses := make([]Analysis, len(accounts))
	for i, id := range accounts {
		analyses[i] = Analyze(s, id, allowed[id]...)
	}
	for _, sc := range m.Scenarios {
		for i, id := range accounts {
			c := sc.cell(s, find(s, id), analyses[i])
			m.Cells = append(m.Cells, Cell{Scenario: sc.ID, AccountID: id, Verdict: c.verdict, Reason: c.reason})
		}
	}
	return m
}

// cell: an outage never makes an account better, so what stops it today stops it then.
func (sc Scenario) cell(s *entra.Snapshot, u *entra.User, an Analysis) cell {
	today := blocked(an, func(b Blocker) bool { return b.When == Now })
	if u == nil || today.verdict == Fails {
		return today
	}
	then := sc.judge(subject{s, u}, an)
	if then.verdict == Survives && today.verdict != Survives {
		return today
	}
	return then
}

// blocked is the worst among the blockers that count.
func blocked(an Analysis, counts func(Blocker) bool) cell {
	c := cell{verdict: Survives}
	for _, b := range an.Blockers {
		switch {
		case !counts(b):
		case b.Certain:
			return cell{Fails, b.Why}
		case c.verdict == Survives:
			c = cell{CouldNotTell, b.Why}
		}
	}
	return c
}

func federationDown(a subject, an Analysis) cell {
	c := blocked(an, func(b Blocker) bool { return b.Kind == KindDomain || b.Kind == KindSynced })
	if c.verdict != Survives {
		return c
	}
	_, suffix, _ := strings.Cut(a.u.UserPrincipalName.Or(""), "@")
	return cell{Survives, fmt.Sprintf("cloud-only, and %s is a managed domain", suffix)}
}

// mfaDown: what is met by a passkey or certificate is met without the service. An account
// without one gets through only where nothing asks for a second factor.
func mfaDown(a subject, an Analysis) cell {
	if c := blocked(an, func(b Blocker) bool { return b.activation }); c.verdict != Survives {
		return c
	}
	strong, why := a.strong()
	if strong == True {
		return cell{Survives, "signs in without the MFA service: " + why}
	}
	asks := blocked(an, func(b Blocker) bool {
		policy := b.Kind == KindPolicy && b.State == stateOn || b.Kind == KindUnread
		return policy || b.Kind == KindSecurityDefaults || b.Kind == KindPerUserMFA || b.Kind == KindMandatoryMFA
	})
	switch {
	case asks.verdict == Survives:
		return cell{Survives, "nothing in this cloud and tenant asks the account for a second factor"}
	case strong == False:
		return cell{Fails, asks.reason}
	}
	return cell{CouldNotTell, asks.reason}
}

// policyLockout does not ask what a policy demands: in this outage each of them blocks.
func policyLockout(_ subject, an Analysis) cell {
	worst := cell{verdict: Survives}
	for _, st := range an.Standings {
		why := fmt.Sprintf("policy %q (%s): %s", st.Title, stateWords(st.State), st.Why)
		switch {
		case st.Targets == True:
			return cell{Fails, why}
		case st.Targets == Unknown && worst.verdict == Survives:
			worst = cell{CouldNotTell, why}
		}
	}
	if worst.verdict != Survives {
		return worst
	}
	if c := blocked(an, func(b Blocker) bool { return b.Kind == KindUnread }); c.verdict != Survives {
		return c
	}
	return cell{Survives, fmt.Sprintf("none of the %d policies, in any state, reaches the account", len(an.Standings))}
}

func pimDeadEnd(_ subject, an Analysis) cell {
	if c := blocked(an, func(b Blocker) bool { return b.Kind == KindRole }); c.verdict != Survives {
		return c
	}
	return cell{Survives, "Global Administrator is active, permanent and direct: there is nothing to activate"}
}
