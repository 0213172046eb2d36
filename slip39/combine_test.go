package slip39

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// twoSets are two sets by one plan: two of the groups 2-of-3, 2-of-2, 1-of-1.
func twoSets(t *testing.T) (a, b [][]Share) {
	t.Helper()
	for _, set := range []*[][]Share{&a, &b} {
		var err error
		*set, err = Split(drawn(t, 16), 2, []Group{{2, 3}, {2, 2}, {1, 1}}, Options{Taken: func(id Identifier) bool {
			return a != nil && id == a[0][0].Header().Identifier
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return a, b
}

func TestWrongSharesAreNamed(t *testing.T) {
	a, b := twoSets(t)
	list := func(s ...Share) []Share { return s }
	changed := func(s Share, change func(*Header)) Share {
		change(&s.header)
		return s
	}
	lied := Share{header: a[0][1].header, value: drawn(t, 16)}
	longer := Share{header: a[2][0].header, value: drawn(t, 18)}
	for _, c := range []struct {
		name   string
		shares []Share
		want   string
	}{
		{"none", nil, "no shares"},
		{"one of group 1", list(a[0][0]), "too few shares of group 1: 1 of 2; too few groups: 1 of 2"},
		{"group 1 only", list(a[0][0], a[0][2]), "too few groups: 1 of 2"},
		{"one of group 1 and 3", list(a[0][0], a[2][0]), "too few shares of group 1: 1 of 2"},
		{"one of each of two", list(a[1][0], a[0][0]), "too few shares of group 1: 1 of 2; too few shares of group 2: 1 of 2"},
		{"three of group 1", append(slices.Clone(a[0]), a[2][0]), "too many shares of group 1: 3 where 2 are needed"},
		{"all groups", append(append(slices.Clone(a[0][:2]), a[1]...), a[2]...), "too many groups: 3 where 2 are needed"},
		{"another set among three", list(a[0][0], b[0][1], a[2][0]), "share 2 is from another set: its identifier differs"},
		{"another set first", list(b[0][0], a[0][1], a[2][0]), "share 1 is from another set: its identifier differs"},
		{"two sets, one each", list(a[0][0], b[2][0]), "share 2 is from another set: its identifier differs"},
		{"exponent", list(a[0][0], a[0][1], changed(a[2][0], func(h *Header) { h.Exponent++ })), "share 3 is from another set: its iteration exponent differs"},
		{"extendable", list(a[0][0], changed(a[0][1], func(h *Header) { h.Extendable = true }), a[2][0]), "share 2 is from another set: its extendable flag differs"},
		{"group threshold", list(a[0][0], a[0][1], changed(a[2][0], func(h *Header) { h.GroupThreshold = 1 })), "share 3 is from another set: its group threshold differs"},
		{"group count", list(a[0][0], a[0][1], changed(a[2][0], func(h *Header) { h.Groups = 4 })), "share 3 is from another set: its group count differs"},
		{"length", list(a[0][0], a[0][1], longer), "share 3 is from another set: its length differs"},
		{"member threshold", list(a[0][0], a[0][1], changed(a[0][2], func(h *Header) { h.Threshold = 3 })), "share 3 is from another set: its member threshold differs"},
		{"the same twice", list(a[0][0], a[2][0], a[0][0]), "share 3 is share 1 again"},
		{"the same member, another value", list(a[0][1], a[2][0], lied), "shares 1 and 3 claim to be the same member but differ: one of them is false"},
		{"a false share", list(a[0][0], lied, a[2][0]), "the shares of group 1 do not agree: at least one is false"},
		{"a false group", list(a[1][0], a[1][1], Share{header: a[2][0].header, value: drawn(t, 16)}), "the groups do not agree: a share of at least one group is false"},
		{"an empty share", list(a[0][0], Share{}, a[2][0]), "not a share as the specification has it: share 2 is empty"},
	} {
		secret, err := Combine(c.shares, "")
		if err == nil || err.Error() != c.want || secret != nil {
			t.Errorf("%s: %x, %v, want %s", c.name, secret, err, c.want)
			continue
		}
		h, ok := errors.AsType[interface {
			error
			Hint() string
		}](err)
		if !errors.Is(err, ErrMalformed) && (!ok || h.Hint() == "") {
			t.Errorf("%s: no hint", c.name)
		}
	}
}

func TestTheHintForAQuorumFitsItsFault(t *testing.T) {
	a, _ := twoSets(t)
	for want, shares := range map[string][]Share{
		"enter exactly as many": {a[0][0]},
		"leave out groups":      {a[0][0], a[1][0], a[2][0]},
	} {
		e, ok := errors.AsType[*QuorumError](Check(shares))
		if !ok || !strings.HasPrefix(e.Hint(), want) {
			t.Errorf("%v: %q, want %q", e, e.Hint(), want)
		}
	}
}

func TestAWrongPassphraseGivesAnotherSecretWithoutAnError(t *testing.T) {
	secret := drawn(t, 16)
	all, err := Split(secret, 1, []Group{{2, 2}}, Options{Passphrase: "right"})
	if err != nil {
		t.Fatal(err)
	}
	for passphrase, same := range map[string]bool{"right": true, "wrong": false, "": false} {
		got, err := Combine(all[0], passphrase)
		if err != nil || bytes.Equal(got, secret) != same {
			t.Errorf("%q: %x, %v", passphrase, got, err)
		}
	}
	if _, err := Combine(all[0], "süß"); !errors.Is(err, ErrPassphrase) {
		t.Errorf("not ASCII: %v", err)
	}
}

// Extendable sets leave the identifier out: the same encrypted secret under another
// identifier opens to the same secret, and in the other kind it does not.
func TestOnlyExtendableSetsMayChangeTheirIdentifier(t *testing.T) {
	for _, extendable := range []bool{true, false} {
		secret := drawn(t, 16)
		all, err := Split(secret, 1, []Group{{1, 1}}, Options{Extendable: extendable})
		if err != nil {
			t.Fatal(err)
		}
		s := all[0][0]
		s.header.Identifier ^= 1
		got, err := Combine([]Share{s}, "")
		if err != nil || bytes.Equal(got, secret) != extendable {
			t.Errorf("extendable %v: %x, %v, the secret is %x", extendable, got, err, secret)
		}
	}
}

func TestCombineLeavesTheSharesAsTheyWere(t *testing.T) {
	a, _ := twoSets(t)
	shares := []Share{a[2][0], a[0][2], a[0][0]}
	before := mnemonicsOf(shares)
	first, err := Combine(shares, "")
	if err != nil {
		t.Fatal(err)
	}
	again, err := Combine(shares, "")
	if err != nil || !bytes.Equal(first, again) || !slices.Equal(before, mnemonicsOf(shares)) {
		t.Errorf("the second time: %x, %v, before %x", again, err, first)
	}
}
