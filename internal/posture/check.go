package posture

import "breakglass/internal/entra"

// Check is one rule, as data.
type Check struct {
	Code     string   `json:"code"`
	Title    string   `json:"title"`
	Severity Severity `json:"severity"`
	// Why says what goes wrong without it, Pass what is asked for.
	Why  string `json:"why"`
	Pass string `json:"pass"`
	// Parts are what must be read to tell; those that end in ":" of each account or group.
	Parts []entra.Part `json:"parts"`
	// PerAccount: one finding for each account of the plan.
	PerAccount bool `json:"perAccount"`
	// Remedy is the next command or act, Mends whether `apply` does it.
	Remedy string `json:"remedy"`
	Mends  bool   `json:"mends"`
	// Decides: no account is ready while this is not a pass.
	Decides  bool      `json:"decides"`
	Controls []Control `json:"controls,omitempty"`
}

// Checks are all checks in the order in which they are shown.
func Checks() []Check { return nil }
