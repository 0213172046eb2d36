package lockout

import "breakglass/internal/entra"

// Scenario is an outage.
type Scenario struct {
	// ID is its name in commands and JSON, Title what people call it, Breaks what no longer
	// works in it, Needs what an account must be to survive it.
	ID     string `json:"id"`
	Title  string `json:"title"`
	Breaks string `json:"breaks"`
	Needs  string `json:"needs"`
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

// Scenarios judges accounts (object ids or names) in every outage. allowed are, by account
// as given, the policies that the plan lets apply to it; nil when there are none.
func Scenarios(s *entra.Snapshot, accounts []string, allowed map[string][]string) Matrix {
	return Matrix{Accounts: accounts}
}
