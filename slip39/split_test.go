package slip39

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func plans(t *rapid.T) (threshold int, groups []Group) {
	count := rapid.IntRange(1, 4).Draw(t, "groups")
	for range count {
		g := Group{Threshold: rapid.IntRange(1, 4).Draw(t, "threshold"), Members: 1}
		if g.Threshold > 1 {
			g.Members = rapid.IntRange(g.Threshold, 5).Draw(t, "members")
		}
		groups = append(groups, g)
	}
	return rapid.IntRange(1, count).Draw(t, "group threshold"), groups
}

// draw takes any n of the list, in any order.
func draw[E any](t *rapid.T, list []E, n int) []E {
	return rapid.Permutation(list).Draw(t, "order")[:n]
}

func TestAnyQuorumGivesTheSecretBackAndNothingLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		threshold, groups := plans(t)
		size := 2 * rapid.IntRange(8, 16).Draw(t, "size/2")
		secret := rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "secret")
		kept := slices.Clone(secret)
		o := Options{
			Passphrase: rapid.StringMatching(`[ -~]{0,9}`).Draw(t, "passphrase"),
			Exponent:   rapid.IntRange(0, 1).Draw(t, "exponent"), Extendable: rapid.Bool().Draw(t, "ext"),
		}
		all, err := Split(secret, threshold, groups, o)
		if err != nil {
			t.Fatal(err)
		}
		var shares []Share
		for _, g := range draw(t, all, threshold) {
			shares = append(shares, draw(t, g, g[0].Header().Threshold)...)
		}
		shares = draw(t, shares, len(shares))
		read, err := parseAll(mnemonicsOf(shares))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Combine(read, o.Passphrase)
		if err != nil || !bytes.Equal(got, kept) || !bytes.Equal(secret, kept) {
			t.Fatalf("got %x, %v, want %x; the caller's is now %x", got, err, kept, secret)
		}
		lacking(t, read)
	})
}

// lacking takes one share away and expects its group to be named.
func lacking(t *rapid.T, shares []Share) {
	away := shares[0].Header()
	_, err := Combine(shares[1:], "")
	e, ok := errors.AsType[*QuorumError](err)
	switch {
	case !ok:
		t.Fatalf("without one share: %v", err)
	case len(shares) == 1 && e.GroupThreshold != 0:
		t.Fatalf("no shares, and yet %v", e)
	case len(shares) > 1 && away.Threshold > 1 && !slices.Contains(e.Groups, GroupCount{away.Group, away.Threshold - 1, away.Threshold}):
		t.Fatalf("without a share of group %d: %v", away.Group, e)
	case len(shares) > 1 && away.Threshold == 1 && len(e.Groups) != away.GroupThreshold-1:
		t.Fatalf("without group %d: %v", away.Group, e)
	}
}

// Every quorum of one plan, not only those that chance picks: groups with one member, with
// all needed, and with some to spare.
func TestEveryQuorumOfOnePlan(t *testing.T) {
	secret := drawn(t, 16)
	all, err := Split(secret, 2, []Group{{1, 1}, {2, 3}, {3, 4}}, Options{Exponent: 1})
	if err != nil {
		t.Fatal(err)
	}
	shares := slices.Concat(all...)
	quorums := 0
	for k := range len(shares) + 1 {
		for _, places := range choices(len(shares), k) {
			var some []Share
			for _, p := range places {
				some = append(some, shares[p])
			}
			if Check(some) != nil {
				continue
			}
			quorums++
			if got, err := Combine(some, ""); err != nil || !bytes.Equal(got, secret) {
				t.Errorf("shares %v: %x, %v", places, got, err)
			}
		}
	}
	if want := 1*3 + 1*4 + 3*4; quorums != want {
		t.Errorf("%d quorums, want %d", quorums, want)
	}
}

func TestSplitRefusesWhatCannotBeSplitSo(t *testing.T) {
	good := []Group{{2, 3}}
	for _, c := range []struct {
		name      string
		size      int
		threshold int
		groups    []Group
		options   Options
		want      error
	}{
		{"too short", 14, 1, good, Options{}, ErrParameters},
		{"odd", 17, 1, good, Options{}, ErrParameters},
		{"too long", 1250, 1, good, Options{}, ErrParameters},
		{"no groups", 16, 0, nil, Options{}, ErrParameters},
		{"17 groups", 16, 1, slices.Repeat(good, 17), Options{}, ErrParameters},
		{"more groups needed than there are", 16, 2, good, Options{}, ErrParameters},
		{"no group needed", 16, 0, good, Options{}, ErrParameters},
		{"no member needed", 16, 1, []Group{{0, 3}}, Options{}, ErrParameters},
		{"more members needed than there are", 16, 1, []Group{{3, 2}}, Options{}, ErrParameters},
		{"17 members", 16, 1, []Group{{2, 17}}, Options{}, ErrParameters},
		{"one of several", 16, 1, []Group{{1, 2}}, Options{}, ErrParameters},
		{"the empty group", 16, 1, []Group{{}}, Options{}, ErrParameters},
		{"exponent", 16, 1, good, Options{Exponent: 16}, ErrParameters},
		{"negative exponent", 16, 1, good, Options{Exponent: -1}, ErrParameters},
		{"passphrase", 16, 1, good, Options{Passphrase: "süß"}, ErrPassphrase},
		{"no randomness", 16, 1, good, Options{Random: bytes.NewReader(nil)}, io.EOF},
		{"randomness ends", 16, 1, good, Options{Random: bytes.NewReader(make([]byte, 13))}, io.ErrUnexpectedEOF},
		{"randomness ends in a share", 16, 1, []Group{{3, 3}}, Options{Random: bytes.NewReader(make([]byte, 2+12+15))}, io.ErrUnexpectedEOF},
	} {
		shares, err := Split(make([]byte, c.size), c.threshold, c.groups, c.options)
		if !errors.Is(err, c.want) || shares != nil {
			t.Errorf("%s: %v, %v, want %v", c.name, shares, err, c.want)
		}
	}
	_, err := Split(make([]byte, 16), 1, []Group{{2, 3}, {1, 4}}, Options{})
	if err == nil || !strings.Contains(err.Error(), "group 2: 1 of 4 members is the same share 4 times") {
		t.Errorf("one of four: %v", err)
	}
}

func TestTheLongestSecret(t *testing.T) {
	secret := drawn(t, maxSecret)
	all, err := Split(secret, 1, []Group{{2, 2}}, Options{Extendable: true})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(all[0][0].Words()) + len(customization(true)); n > 1023 {
		t.Errorf("%d symbols, the checksum's promise ends at 1023", n)
	}
	got, err := combineTexts(mnemonicsOf(all[0]), "")
	if err != nil || !bytes.Equal(got, secret) {
		t.Errorf("%v", err)
	}
}

func TestATakenIdentifierIsDrawnAgain(t *testing.T) {
	var refused []Identifier
	o := Options{
		Random: rand.NewChaCha8([32]byte{1}),
		Taken: func(id Identifier) bool {
			refused = append(refused, id)
			return len(refused) < 4
		},
	}
	all, err := Split(make([]byte, 16), 1, []Group{{1, 1}}, o)
	if err != nil || len(refused) != 4 || all[0][0].Header().Identifier != refused[3] {
		t.Errorf("asked for %v, got %v, %v", refused, all, err)
	}
	o.Taken = func(Identifier) bool { return true }
	if _, err := Split(make([]byte, 16), 1, []Group{{1, 1}}, o); err == nil {
		t.Error("every identifier was taken, and yet one was given")
	}
}

// The same draws give the same shares; other draws give others, of the same secret.
func TestSharesComeFromTheDrawsAlone(t *testing.T) {
	split := func(seed byte) []string {
		all, err := Split(make([]byte, 16), 1, []Group{{3, 4}}, Options{Random: rand.NewChaCha8([32]byte{seed})})
		if err != nil {
			t.Fatal(err)
		}
		return mnemonicsOf(all[0])
	}
	if diff := cmp.Diff(split(1), split(1)); diff != "" {
		t.Error(diff)
	}
	for i, text := range split(1) {
		if text == split(2)[i] {
			t.Errorf("share %d does not depend on the draws", i+1)
		}
	}
}
