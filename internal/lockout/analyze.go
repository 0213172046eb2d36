package lockout

import "breakglass/internal/entra"

// Analyze says for one account, by object id or user principal name, what stops it from
// signing in and repairing the tenant. allowed are the ids of policies that the plan lets
// apply to this account: they are judged, but do not count against Excluded.
func Analyze(s *entra.Snapshot, accountID string, allowed ...string) Analysis {
	return Analysis{AccountID: accountID, Verdict: CouldNotTell}
}
