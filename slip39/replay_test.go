package slip39

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type fixedSet struct {
	Secret     string
	Passphrase string
	Threshold  int
	Groups     [][2]int
	Exponent   int
	Extendable bool
	Mnemonics  [][]string
}

func fixedSets(t *testing.T) []fixedSet {
	t.Helper()
	b, err := os.ReadFile("testdata/foreign.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Sets []fixedSet }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Sets) == 0 {
		t.Fatal("no sets")
	}
	return file.Sets
}

// Sets that another implementation made once: we combine them, and when we are given the
// random numbers that it must have drawn we write the very same words.
func TestWeSplitAsAnotherImplementationDid(t *testing.T) {
	for _, set := range fixedSets(t) {
		var groups [][]Share
		for _, texts := range set.Mnemonics {
			shares, err := parseAll(texts)
			if err != nil {
				t.Fatal(err)
			}
			groups = append(groups, shares)
		}
		secret, err := Combine(quorum(groups), set.Passphrase)
		if err != nil || hex.EncodeToString(secret) != set.Secret {
			t.Errorf("combined to %x, %v, want %s", secret, err, set.Secret)
			continue
		}
		var plan []Group
		for _, g := range set.Groups {
			plan = append(plan, Group{Threshold: g[0], Members: g[1]})
		}
		ours, err := Split(secret, set.Threshold, plan, Options{
			Passphrase: set.Passphrase, Exponent: set.Exponent, Extendable: set.Extendable,
			Random: bytes.NewReader(drawsBehind(groups)),
		})
		if err != nil {
			t.Fatal(err)
		}
		var texts [][]string
		for _, g := range ours {
			texts = append(texts, mnemonicsOf(g))
		}
		if diff := cmp.Diff(set.Mnemonics, texts); diff != "" {
			t.Errorf("we write other words (-theirs +ours):\n%s", diff)
		}
	}
}

// drawsBehind computes the random numbers of a whole set from its shares, in the order in
// which Split draws them.
func drawsBehind(groups [][]Share) []byte {
	h := groups[0][0].Header()
	draws := []byte{byte(h.Identifier >> 8), byte(h.Identifier)}
	var parts, members [][]byte
	for _, g := range groups {
		var values [][]byte
		for _, s := range g {
			values = append(values, s.Value())
		}
		part, drawn := behind(g[0].Header().Threshold, values)
		parts, members = append(parts, part), append(members, drawn)
	}
	_, drawn := behind(h.GroupThreshold, parts)
	return append(append(draws, drawn...), bytes.Join(members, nil)...)
}

// behind gives the secret that was split into the values, and what was drawn for it: the
// digest's key, then the shares that were chosen.
func behind(threshold int, values [][]byte) (secret, drawn []byte) {
	if threshold == 1 {
		return values[0], nil
	}
	var points []point
	for i, v := range values[:threshold] {
		points = append(points, point{uint16(i), v})
	}
	drawn = gf256.at(254, points)[digestSize:]
	return gf256.at(255, points), append(drawn, bytes.Join(values[:threshold-2], nil)...)
}
