package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The values that a key has when it is left out.
const (
	defaultCloud     = "public"
	defaultProfile   = "standard"
	defaultPassword  = PasswordSealed
	defaultManagedBy = "breakglass"
	defaultCadence   = Days(90)
	defaultReview    = Days(30)
)

// What an account's password is.
const (
	// PasswordSealed: split into sheets that lie in safes.
	PasswordSealed = "sealed"
	// PasswordUnknown: random, known to nobody, renewed at every rotation.
	PasswordUnknown = "unknown"
)

// SetDefaults fills in what the file left out. Load and Parse have done it already; code
// that builds a Desired itself calls it once. Ids are written in lower case afterwards, as
// the directory writes them.
func (d *Desired) SetDefaults() {
	setDefault(&d.Tenant.Cloud, defaultCloud)
	setDefault(&d.Tenant.Profile, defaultProfile)
	setDefault(&d.ConditionalAccess.ManagedBy, defaultManagedBy)
	setDefault(&d.Cadences.Rotate, defaultCadence)
	setDefault(&d.Cadences.Drill, defaultCadence)
	setDefault(&d.Cadences.Inventory, defaultCadence)
	setDefault(&d.Cadences.Review, defaultReview)
	d.Tenant.ID = strings.ToLower(d.Tenant.ID)
	d.Tenant.InitialDomain = strings.ToLower(d.Tenant.InitialDomain)
	for i := range d.Accounts {
		d.Accounts[i].setDefaults()
	}
	if g := d.ExclusionGroup; g != nil {
		g.ObjectID = strings.ToLower(g.ObjectID)
	}
	if u := d.RestrictedUnit; u != nil {
		u.ObjectID = strings.ToLower(u.ObjectID)
	}
}

func (a *Account) setDefaults() {
	setDefault(&a.Posture, PostureExcluded)
	setDefault(&a.Password, defaultPassword)
	a.ObjectID = strings.ToLower(a.ObjectID)
	a.Policy = strings.ToLower(a.Policy)
	for i := range a.Keys {
		a.Keys[i].AAGUID = strings.ToLower(a.Keys[i].AAGUID)
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

var daysForm = regexp.MustCompile(patternDays)

// MarshalText writes the span as the file has it: "90d".
func (d Days) MarshalText() ([]byte, error) { return []byte(strconv.Itoa(int(d)) + "d"), nil }

// UnmarshalText reads "90d".
func (d *Days) UnmarshalText(text []byte) error {
	if !daysForm.Match(text) {
		return fmt.Errorf("read a span of days: %q is not a number of days like 90d", text)
	}
	n, err := strconv.Atoi(strings.TrimSuffix(string(text), "d"))
	if err != nil {
		return fmt.Errorf("read a span of days: %w", err)
	}
	*d = Days(n)
	return nil
}
