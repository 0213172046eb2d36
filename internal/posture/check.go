package posture

import (
	"slices"

	"breakglass/internal/entra"
)

// Check is one rule, as data.
type Check struct {
	// Code never changes its meaning.
	Code     string   `json:"code"`
	Title    string   `json:"title"`
	Severity Severity `json:"severity"`
	// Why says what goes wrong without it, Asks what makes it pass.
	Why  string `json:"why"`
	Asks string `json:"asks"`
	// Parts are what is read to tell; those that end in ":" of each account or group.
	Parts []entra.Part `json:"parts"`
	// Remedy is the next command or act, Mends whether `apply` does it.
	Remedy string `json:"remedy"`
	Mends  bool   `json:"mends"`
	// Decides: no account is ready while this is not a pass.
	Decides  bool      `json:"decides"`
	Controls []Control `json:"controls,omitempty"`

	// short completes "no account …" in the headline.
	short string
	// One of the two: a check judges the tenant, or each account.
	tenant  func(*judge) result
	account func(*judge, *account) result
	// absentToo: the check makes sense for an account that is not there.
	absentToo bool
}

// PerAccount says whether the check has one finding for each account of the plan.
func (c Check) PerAccount() bool { return c.account != nil }

// Doc is the check's page, from the root of the repository.
func (c Check) Doc() string { return "docs/checks/" + c.Code + ".md" }

// Checks are all checks in the order in which they are shown: what decides first.
func Checks() []Check {
	return slices.Concat(decisiveChecks(), policyChecks(), accountChecks(), methodChecks(), careChecks(), roleChecks(), powerChecks(), groupChecks())
}

// What `apply` mends is mended by the same two commands.
const planApply = "`breakglass plan --out plan.json`, read it, then `breakglass apply plan.json`"

// controls of published frameworks, by their usual names.
func cis(ids ...string) []Control   { return controls("CIS Microsoft 365 Foundations", ids) }
func scuba(ids ...string) []Control { return controls("CISA SCuBA", ids) }
func nist(ids ...string) []Control  { return controls("NIST SP 800-53", ids) }
func zt(ids ...string) []Control    { return controls("Zero Trust Assessment", ids) }
func mcsb() []Control               { return controls("MCSB", []string{"PA-5"}) }

func controls(framework string, ids []string) []Control {
	list := make([]Control, len(ids))
	for i, id := range ids {
		list[i] = Control{Framework: framework, ID: id}
	}
	return list
}
