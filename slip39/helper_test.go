package slip39

import (
	"crypto/rand"
	"testing"
)

func drawn(t testing.TB, size int) []byte {
	t.Helper()
	b := make([]byte, size)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// quorum takes the last members of the last groups: the first ones may be random, the last
// ones are computed.
func quorum(groups [][]Share) []Share {
	var shares []Share
	need := groups[0][0].Header().GroupThreshold
	for _, members := range groups[len(groups)-need:] {
		t := members[0].Header().Threshold
		shares = append(shares, members[len(members)-t:]...)
	}
	return shares
}

func mnemonicsOf(shares []Share) []string {
	var texts []string
	for _, s := range shares {
		texts = append(texts, s.Mnemonic())
	}
	return texts
}
