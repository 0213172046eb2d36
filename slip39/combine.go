package slip39

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Check says whether the shares are exactly a quorum of one set, without computing anything
// from their secret part. Errors: [*SetError], [*DuplicateError], [*QuorumError], which says
// what is missing or too many, and [ErrMalformed] for an empty share. No shares are a quorum
// that lacks everything.
func Check(shares []Share) error {
	for i, s := range shares {
		if len(s.value) == 0 {
			return fmt.Errorf("%w: share %d is empty", ErrMalformed, i+1)
		}
	}
	if err := checkSet(shares); err != nil {
		return err
	}
	if err := checkDuplicates(shares); err != nil {
		return err
	}
	return checkQuorum(shares)
}

// Combine gives the secret of a quorum: exactly as many groups as needed, each with exactly
// as many members as it needs, as the specification demands. A wrong passphrase gives another
// secret, never an error. Errors: those of [Check]; [*DigestError] when the shares are a
// quorum by their headers but one of them is false; [ErrPassphrase]. The time grows with the
// exponent in the shares: 10 000 × 2^exponent iterations, minutes at 15.
func Combine(shares []Share, passphrase string) ([]byte, error) {
	if err := Check(shares); err != nil {
		return nil, err
	}
	if err := checkPassphrase(passphrase); err != nil {
		return nil, err
	}
	encrypted, err := recoverEncrypted(shares)
	if err != nil {
		return nil, err
	}
	defer clear(encrypted)
	h := shares[0].header
	return cipher{id: h.Identifier, extendable: h.Extendable, exponent: h.Exponent, passphrase: passphrase}.decrypt(encrypted)
}

func recoverEncrypted(shares []Share) ([]byte, error) {
	members := map[int][]point{}
	for _, s := range shares {
		members[s.header.Group] = append(members[s.header.Group], point{uint16(s.header.Member - 1), s.value})
	}
	var groups []point
	for _, g := range slices.Sorted(maps.Keys(members)) {
		value, ok := recoverSecret(members[g])
		if !ok {
			return nil, &DigestError{Group: g}
		}
		defer clear(value)
		groups = append(groups, point{uint16(g - 1), value})
	}
	encrypted, ok := recoverSecret(groups)
	if !ok {
		return nil, &DigestError{}
	}
	return encrypted, nil
}

// trait is something that shares must have in common.
type trait struct {
	name string
	of   func(Share) int
}

var setTraits = []trait{
	{"identifier", func(s Share) int { return int(s.header.Identifier) }},
	{"extendable flag", func(s Share) int {
		if s.header.Extendable {
			return 1
		}
		return 0
	}},
	{"iteration exponent", func(s Share) int { return s.header.Exponent }},
	{"group threshold", func(s Share) int { return s.header.GroupThreshold }},
	{"group count", func(s Share) int { return s.header.Groups }},
	{"length", func(s Share) int { return len(s.value) }},
}

var groupTrait = trait{"member threshold", func(s Share) int { return s.header.Threshold }}

// checkSet finds the first share that is not as most of the others are.
func checkSet(shares []Share) error {
	places := make([]int, len(shares))
	groups := map[int][]int{}
	for i, s := range shares {
		places[i] = i
		groups[s.header.Group] = append(groups[s.header.Group], i)
	}
	for _, t := range setTraits {
		if err := checkTrait(shares, places, t); err != nil {
			return err
		}
	}
	for _, g := range slices.Sorted(maps.Keys(groups)) {
		if err := checkTrait(shares, groups[g], groupTrait); err != nil {
			return err
		}
	}
	return nil
}

// checkTrait compares the shares at these places with the most frequent value, the earlier
// one of two that are equally frequent.
func checkTrait(shares []Share, places []int, t trait) error {
	count := map[int]int{}
	for _, i := range places {
		count[t.of(shares[i])]++
	}
	if len(count) < 2 {
		return nil
	}
	usual := slices.MaxFunc(places, func(a, b int) int { return cmp.Compare(count[t.of(shares[a])], count[t.of(shares[b])]) })
	odd := places[slices.IndexFunc(places, func(i int) bool { return t.of(shares[i]) != t.of(shares[usual]) })]
	return &SetError{Share: odd + 1, Differs: t.name}
}

func checkDuplicates(shares []Share) error {
	type place struct{ group, member int }
	seen := map[place]int{}
	for i, s := range shares {
		p := place{s.header.Group, s.header.Member}
		first, again := seen[p]
		if again {
			return &DuplicateError{Share: i + 1, First: first + 1, Same: sameValue(s, shares[first])}
		}
		seen[p] = i
	}
	return nil
}

func checkQuorum(shares []Share) error {
	count := map[int]GroupCount{}
	need := 0
	for _, s := range shares {
		g := count[s.header.Group]
		count[s.header.Group] = GroupCount{Group: s.header.Group, Have: g.Have + 1, Need: s.header.Threshold}
		need = s.header.GroupThreshold
	}
	exact := len(count) == need && need > 0
	e := &QuorumError{GroupThreshold: need}
	for _, g := range slices.Sorted(maps.Keys(count)) {
		e.Groups = append(e.Groups, count[g])
		exact = exact && count[g].Have == count[g].Need
	}
	if exact {
		return nil
	}
	return e
}
