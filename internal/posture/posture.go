// Package posture holds the checks, as data, and the one answer that follows from them:
// can we recover tonight?
//
// A Check is a rule with a code that never changes; a Finding is its verdict for the tenant
// or for one account, with the evidence it rests on. Verdicts are pass, fail, could not
// tell and not applicable: what was not read is never a pass. Everything here is pure:
// the plan, one reading and `now` in, findings out.
package posture

import (
	"time"

	"breakglass/internal/config"
	"breakglass/internal/entra"
)

// Verdict of a check.
type Verdict string

// The verdicts.
const (
	Pass          Verdict = "pass"
	Fail          Verdict = "fail"
	CouldNotTell  Verdict = "could not tell"
	NotApplicable Verdict = "not applicable"
)

// Severity of a check that fails.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical" // the account, or the tenant, would be lost tonight
	High     Severity = "high"     // one more mishap, or one known outage, and it would be
	Medium   Severity = "medium"   // a safeguard is missing
	Low      Severity = "low"      // good manners
)

// Control is a requirement of a published framework that a check supports.
type Control struct {
	Framework string `json:"framework"`
	ID        string `json:"id"`
}

// Evidence is one fact, and where and when it was read.
type Evidence struct {
	Part   entra.Part `json:"part"`
	Source string     `json:"source"`
	// ReadAt is zero for what was not read: Fact then says why.
	ReadAt time.Time `json:"readAt,omitzero"`
	Fact   string    `json:"fact"`
}

// Finding is the verdict of one check.
type Finding struct {
	// Check is the code, for example BG-006; Title, Severity, Doc and Controls are the check's.
	Check    string    `json:"check"`
	Title    string    `json:"title"`
	Severity Severity  `json:"severity"`
	Verdict  Verdict   `json:"verdict"`
	Doc      string    `json:"doc"`
	Controls []Control `json:"controls,omitempty"`
	// Account is the account's id in the plan, empty for the tenant as a whole.
	Account string `json:"account,omitempty"`
	// Summary is one sentence: what is.
	Summary  string     `json:"summary"`
	Evidence []Evidence `json:"evidence"`
	// Remedy is the next command, or the next act, empty when there is nothing to do.
	Remedy string `json:"remedy,omitempty"`
	// Mends says that `apply` can mend it.
	Mends bool `json:"mends,omitempty"`
	// Decides says that no account is ready while this is not a pass (Ready).
	Decides bool `json:"decides,omitempty"`
	// Proof is what the pass rests on, where it is an event and not a reading.
	Proof *Proof `json:"proof,omitempty"`
}

// Seal is what custody's register says of one account's current secret.
type Seal struct {
	Generation int
	// SealedAt is when every custodian had the own sheet, TriedAt the last real sign-in with
	// it; zero when that did not happen.
	SealedAt, TriedAt time.Time
	// Spent: the shares were combined outside their own ceremony.
	Spent bool
}

// Seals are the seals by the account's id in the plan. An account without an entry is not sealed.
type Seals map[string]Seal

// Input is what the checks judge.
type Input struct {
	Desired  *config.Desired
	Snapshot *entra.Snapshot
	Now      time.Time
	Seals    Seals
}

// Run judges everything. Findings come in the order of Checks, and within one check in the
// order of the plan's accounts.
func Run(in Input) []Finding {
	j := newJudge(in)
	findings := []Finding{}
	for _, c := range Checks() {
		if c.tenant != nil {
			findings = append(findings, j.finding(c, c.tenant(j), nil))
			continue
		}
		for _, a := range j.accounts {
			findings = append(findings, j.finding(c, j.ofAccount(c, a), a))
		}
	}
	return findings
}
