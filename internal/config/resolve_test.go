package config

import (
	"slices"
	"testing"
)

// TestOnlyPasskeyRequiredLetsAPolicyApply: a policy id left behind on an account of another
// posture lets nothing apply; every command must see that alike.
func TestOnlyPasskeyRequiredLetsAPolicyApply(t *testing.T) {
	for _, c := range []struct {
		a    Account
		want []string
	}{
		{Account{Posture: PosturePasskeyRequired, Policy: "p-1"}, []string{"p-1"}},
		{Account{Posture: PosturePasskeyRequired}, nil},
		{Account{Posture: PostureExcluded, Policy: "p-1"}, nil},
	} {
		if got := c.a.Allowed(); !slices.Equal(got, c.want) {
			t.Errorf("%+v lets %v apply, want %v", c.a, got, c.want)
		}
	}
}
