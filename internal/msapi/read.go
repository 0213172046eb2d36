package msapi

import (
	"context"
	"errors"

	"breakglass/internal/entra"
)

// ReadOptions say what a reading is to hold beyond the tenant's own settings.
type ReadOptions struct {
	// Accounts are the emergency accounts: object ids or user principal names.
	Accounts []string
	// Groups are groups whose members matter (the exclusion group): object ids or mail nicknames.
	Groups []string
	// Units are administrative units whose members matter: object ids or display names.
	Units []string
	// MaxUsers bounds how many users are read besides the accounts; zero means 200.
	MaxUsers int
}

// Read takes one whole reading of the tenant. A part that cannot be read never fails it: the
// part's Reading says why. It fails only when nothing can be read: no sign-in, no network,
// a tenant that is not ours.
func (c *Client) Read(ctx context.Context, opts ReadOptions) (*entra.Snapshot, error) {
	return nil, errors.New("not yet")
}
