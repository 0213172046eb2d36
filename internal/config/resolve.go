package config

import (
	"strings"

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

// Account is the account of an id in this file, of an object id or of a user principal
// name; false when the plan has none. It is how commands understand --account.
func (d *Desired) Account(name string) (Account, bool) {
	for _, a := range d.Accounts {
		if a.ID == name || strings.EqualFold(a.UserPrincipalName, name) || (a.ObjectID != "" && strings.EqualFold(a.ObjectID, name)) {
			return a, true
		}
	}
	return Account{}, false
}
