// Package lockout says which policy or state could stop which account, and in which outage.
//
// Its nouns: a Situation is one concrete sign-in; a Blocker is one thing that stops an
// account, or could; an Analysis is the answer for one account; an outage (Scenario) asks
// the same question of a worse world. It is pure: one reading of the tenant in, an answer
// out, and the same answer for the same reading.
//
// Every question is answered True, False or Unknown. What was not read, what we do not
// understand and what appears in one API version only is Unknown, and Unknown is never a
// pass: removing anything from a reading can make an answer worse, never better.
//
// The rules are those of the Microsoft pages "Conditional Access: Users, groups, agents,
// and workload identities", "Conditional Access: Target resources" and "Building a
// Conditional Access policy".
package lockout

import "breakglass/internal/entra"

// Verdict is the answer for one account.
type Verdict string

// The verdicts.
const (
	Survives     Verdict = "survives"
	Fails        Verdict = "fails"
	CouldNotTell Verdict = "could not tell"
)

// Kind is what sort of thing stops an account.
type Kind string

// The kinds of blockers.
const (
	KindPolicy           Kind = "policy"            // a Conditional Access policy
	KindMissing          Kind = "account missing"   // deleted, never made, or not read
	KindDisabled         Kind = "account disabled"  // accountEnabled is false
	KindDomain           Kind = "domain"            // federated, unverified or unknown domain
	KindSynced           Kind = "synchronised"      // a directory on-premises has power over it
	KindSecurityDefaults Kind = "security defaults" // tenant-wide, no exclusion exists
	KindPerUserMFA       Kind = "per-user MFA"      // outside Conditional Access
	KindMandatoryMFA     Kind = "mandatory MFA"     // the cloud's own, for its portals
	KindMethod           Kind = "method"            // a registered key that would be refused
	KindRisk             Kind = "risk"              // flagged by Identity Protection
	KindRole             Kind = "role"              // not a permanent, active, direct Global Administrator
	KindUnread           Kind = "not read"          // a part of the reading is missing
)

// When is the moment from which a blocker counts.
type When string

// The moments, worst first.
const (
	Now         When = "now"           // in force
	MaySwitchOn When = "may switch on" // report-only: Microsoft switches its own on, anyone can
	OneClick    When = "one click"     // disabled, but there
	Later       When = "later"         // a state that will or may turn into a blocker
	Never       When = "never"         // applies to the account but does not stop it; listed
)

// Blocker is one thing that stops an account, could stop it, or applies to it.
type Blocker struct {
	Kind Kind `json:"kind"`
	// PolicyID and State (the policy's, as Graph spells it) are set for KindPolicy.
	PolicyID string `json:"policyId,omitempty"`
	State    string `json:"state,omitempty"`
	// Title is the name people know the thing by; Why is one sentence that names the state.
	Title string `json:"title"`
	Why   string `json:"why"`
	When  When   `json:"when"`
	// Certain is false where it could not be told whether the account is stopped.
	Certain bool `json:"certain"`
	// Part is the reading that the sentence rests on.
	Part entra.Part `json:"part"`
	// Allowed marks a policy that the plan lets apply (posture passkey-required).
	Allowed bool `json:"allowed,omitempty"`

	// activation: the role is there, or comes, by activating it only.
	activation bool
}

// Analysis is the answer for one account.
type Analysis struct {
	// AccountID is the object id, or the name asked for when the reading has no such account.
	AccountID string `json:"accountId"`
	// Verdict is about now: Fails when a blocker is certain and in force, CouldNotTell when
	// one may be. Policies that are off or report-only do not change it.
	Verdict Verdict `json:"verdict"`
	// Excluded is about every state: True when it is proven that no policy, whether on,
	// report-only or off, targets the account (the allowed ones aside). Ask this before a
	// role is granted.
	Excluded Truth `json:"excluded"`
	// Blockers are ordered most deadly first.
	Blockers []Blocker `json:"blockers"`
	// Standings say how the account stands to each policy, in the order of the reading.
	Standings []Standing `json:"standings"`
}

// Standing is how an account stands to one policy, whatever its state.
type Standing struct {
	PolicyID string `json:"policyId"`
	Title    string `json:"title"`
	State    string `json:"state"`
	// Workload policies target service principals, never users.
	Workload bool `json:"workload,omitempty"`
	// Targets is whether the policy would meet the account in some situation if it were on:
	// included, not excluded.
	Targets Truth `json:"targets"`
	// Excluded is whether an exclusion matches, by whatever way; ByID whether the account's
	// own object id is in excludeUsers.
	Excluded Truth `json:"excluded"`
	ByID     Truth `json:"byId"`
	Allowed  bool  `json:"allowed,omitempty"`
	// Why is one sentence.
	Why string `json:"why"`
}
