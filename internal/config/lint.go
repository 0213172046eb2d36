package config

// Severity says how much a problem weighs.
type Severity string

// The severities. An error means that the plan cannot be carried out as written: deeds
// refuse it. The others are findings; work goes on.
const (
	SeverityError  Severity = "error"
	SeverityHigh   Severity = "high"
	SeverityMedium Severity = "medium"
	SeverityLow    Severity = "low"
)

// Problem is one lint rule that the plan breaks, or that could not be judged.
type Problem struct {
	// Code is the rule's, for example quorum-one-person; docs/lint.md explains each.
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	// Path is where in the file, for example accounts[0].quorum.
	Path string `json:"path"`
	// Message names the ids concerned; Advice is what would be right.
	Message string `json:"message"`
	Advice  string `json:"advice,omitempty"`
	// CouldNotTell says that something needed to judge the rule was not at hand.
	CouldNotTell bool `json:"couldNotTell,omitempty"`
	// Accepted is the accepted risk that covers the problem; it counts as unsigned until an
	// approval stands in the ledger.
	Accepted *AcceptedRisk `json:"accepted,omitempty"`
}

// Lint judges a plan on paper, without a tenant.
func Lint(d *Desired) []Problem { return nil }
