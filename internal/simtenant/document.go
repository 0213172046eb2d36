package simtenant

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"breakglass/internal/simtenant/state"
)

// loadTenant is the document that the options ask for: the one given, a shipped one by
// its name, or a file.
func loadTenant(opts Options) (state.Document, error) {
	if opts.Document != nil {
		return checked(*opts.Document, "the given document")
	}
	name := opts.Tenant
	if name == "" {
		name = "empty"
	}
	now := opts.ClockAt
	if now.IsZero() {
		now = time.Now()
	}
	if d, ok := NamedAt(name, now); ok {
		return d, nil
	}
	data, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) && !strings.ContainsAny(name, `./\`) {
		return state.Document{}, fmt.Errorf("there is no tenant %q: give a file or one of %s", name, strings.Join(Names(), ", "))
	}
	if err != nil {
		return state.Document{}, fmt.Errorf("read the tenant: %w", err)
	}
	d, err := state.Decode(data)
	if err != nil {
		return state.Document{}, fmt.Errorf("read the tenant %s: %w", name, err)
	}
	return checked(d, name)
}

// checked refuses what cannot be a tenant: every tenant has an id, an organization and an
// initial domain.
func checked(d state.Document, name string) (state.Document, error) {
	if d.TenantID == "" {
		return d, fmt.Errorf("%s has no tenantId", name)
	}
	if initialDomain(d.Objects["domains"]) == "" {
		return d, fmt.Errorf("%s has no domain with isInitial", name)
	}
	return d, nil
}

func initialDomain(domains []state.Object) string {
	for _, dom := range domains {
		if dom.Bool("isInitial") {
			return dom.ID()
		}
	}
	return ""
}
