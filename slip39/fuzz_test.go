package slip39

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func FuzzParseShare(f *testing.F) {
	f.Add(one)
	f.Add(strings.ToUpper(one))
	f.Add("eraser senior decision roster beard treat identify grumpy salt index fake aviation theater cubic bike cause research dragon emphasis counter")
	f.Add("acad　ａｃｉｄ\tacne\x00")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = ParseHeader(text)
		s, err := ParseShare(text)
		if err != nil {
			if s.value != nil || err.Error() == "" {
				t.Fatalf("a share beside the error %v", err)
			}
			return
		}
		if n := len(s.Words()); n != len(strings.Fields(text)) {
			t.Fatalf("%d words were read from %q", n, text)
		}
		again, err := ParseShare(s.Mnemonic())
		if err != nil || again.header != s.header || !sameValue(again, s) {
			t.Fatalf("%q reads back as %v, %v", s.Mnemonic(), again, err)
		}
	})
}

// FuzzCombine makes shares of any content with right checksums: 21 bytes each, five of header
// and sixteen of value. A quorum that passes must be one that Check lets through, and Combine
// must not touch its shares.
func FuzzCombine(f *testing.F) {
	a, err := Split(make([]byte, 16), 2, []Group{{2, 3}, {1, 1}}, Options{Random: bytes.NewReader(make([]byte, 64))})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(rawShares(a[0][0], a[0][1], a[1][0]))
	f.Add(rawShares(a[0][0], a[1][0]))
	f.Add(rawShares(a[0][0], a[0][0], a[0][2]))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		var shares []Share
		for raw := range slices.Chunk(data, 21) {
			if len(raw) < 21 || len(shares) == 40 {
				break
			}
			raw = slices.Clone(raw)
			raw[2] &= 0x0f // exponent 0: the time is not what is tried
			words := append(pack(raw[:5]), pack(raw[5:])...)
			s, err := ParseShare(join(withChecksum(isExtendable(words), words)))
			if err == nil {
				shares = append(shares, s)
			}
		}
		before := mnemonicsOf(shares)
		secret, err := Combine(shares, "")
		if (err == nil) != (len(secret) == 16) || (err == nil && Check(shares) != nil) {
			t.Fatalf("%x, %v", secret, err)
		}
		if !slices.Equal(before, mnemonicsOf(shares)) {
			t.Fatal("the shares were changed")
		}
	})
}

// rawShares packs shares as FuzzCombine reads them.
func rawShares(shares ...Share) []byte {
	var raw []byte
	for _, s := range shares {
		header, _ := unpack(s.header.Words(), 5)
		raw = append(append(raw, header...), s.value...)
	}
	return raw
}
