package config

import (
	"cmp"

	"breakglass/internal/entra"
)

// Resolve finds the account in a reading: by object id where the plan has one, else by user
// principal name. Nil means that the reading does not hold it, which is not yet proof that
// the tenant does not: ask the reading whether it is complete.
func (a Account) Resolve(s *entra.Snapshot) *entra.User {
	if a.ObjectID != "" {
		return s.User(a.ObjectID)
	}
	return s.UserByName(a.UserPrincipalName)
}

// KnownAs is what a reading calls the account: its object id once that is known, else its name.
func (a Account) KnownAs(s *entra.Snapshot) string {
	if u := a.Resolve(s); u != nil {
		return u.ID
	}
	return cmp.Or(a.ObjectID, a.UserPrincipalName)
}

// Allowed are the ids of the policies that may apply to the account: the one that posture
// passkey-required names, none for any other posture.
func (a Account) Allowed() []string {
	if a.Posture != PosturePasskeyRequired || a.Policy == "" {
		return nil
	}
	return []string{a.Policy}
}
