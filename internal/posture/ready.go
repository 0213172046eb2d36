package posture

import "time"

// Readiness answers "could the tenant be recovered tonight?".
type Readiness string

// The answers.
const (
	Yes           Readiness = "yes"
	No            Readiness = "no"
	CouldNotTellR Readiness = "could not tell"
)

// Proof is something that was shown, and when.
type Proof struct {
	Account string    `json:"account"`
	What    string    `json:"what"`
	At      time.Time `json:"at"`
	Age     string    `json:"age"`
}

// Answer is the one answer of `breakglass status`.
type Answer struct {
	Ready    Readiness `json:"ready"`
	Headline string    `json:"headline"`
	// Reasons are the findings behind a no or a could not tell, most deadly first.
	Reasons []Finding `json:"reasons"`
	// Assumptions are what the answer takes for granted.
	Assumptions []string `json:"assumptions"`
	// Proofs say how old each yes is.
	Proofs []Proof `json:"proofs"`
}

// Ready draws the one answer from the findings of Run.
func Ready(findings []Finding) Answer { return Answer{Ready: CouldNotTellR} }
