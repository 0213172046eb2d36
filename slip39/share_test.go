package slip39

import (
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// one is a share made once, for tests that need its words known.
const one = "depend painting academic academic black pajamas ivory camera gums identify loyalty evoke tolerate should exchange swimming patent march browser graduate"

func headers(t *rapid.T) Header {
	n := func(name string, low, high int) int { return rapid.IntRange(low, high).Draw(t, name) }
	groups := n("groups", 1, 16)
	return Header{
		Identifier: Identifier(n("id", 0, 1<<15-1)), Extendable: rapid.Bool().Draw(t, "ext"), Exponent: n("exponent", 0, 15),
		Group: n("group", 1, 16), GroupThreshold: n("group threshold", 1, groups), Groups: groups,
		Member: n("member", 1, 16), Threshold: n("threshold", 1, 16),
	}
}

func TestEveryShareReadsBackAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := 2 * rapid.IntRange(minSecret/2, 64).Draw(t, "size/2")
		s := Share{header: headers(t), value: rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "value")}
		back, err := ParseShare(s.Mnemonic())
		if err != nil || back.header != s.header || !sameValue(back, s) {
			t.Fatalf("%v: read back %v, %v", s.header, back.header, err)
		}
		row := strings.Join(strings.Fields(s.Mnemonic())[:RowLength], " ")
		h, err := ParseHeader(row)
		if err != nil || h != s.header || h.String() != row {
			t.Fatalf("row 1 %q: %+v, %v", row, h, err)
		}
		if first := s.Words()[0]; s.header.Identifier.FirstWord() != first {
			t.Fatalf("first word %s, the identifier says %s", first, s.header.Identifier.FirstWord())
		}
	})
}

// The places of the header's fields: row 1 of a share of the official vectors' fourth set.
func TestAHeaderIsReadByField(t *testing.T) {
	h, err := ParseHeader("shadow pistol academic always")
	if err != nil {
		t.Fatal(err)
	}
	want := Header{Identifier: 25653, Exponent: 2, Group: 1, GroupThreshold: 1, Groups: 1, Member: 3, Threshold: 2}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Error(diff)
	}
}

func TestAShareIsRefusedWithItsReason(t *testing.T) {
	words := strings.Fields(one)
	with := func(place int, word string) string {
		changed := append([]string(nil), words...)
		changed[place-1] = word
		return strings.Join(changed, " ")
	}
	remade := func(place int, bits Word) string { // the right checksum over wrong words
		s, err := ParseShare(one)
		if err != nil {
			t.Fatal(err)
		}
		data := s.Words()[:17]
		data[place-1] |= bits
		return join(withChecksum(false, data))
	}
	for _, c := range []struct {
		name, text, want, hint string
	}{
		{"empty", "", "0 words are no share", "20 words"},
		{"a word left out", strings.Join(words[:19], " "), "19 words are no share", "left out"},
		{"a word too many", one + " acid", "21 words are no share", "twice"},
		{"misspelt", with(6, "pyjamas"), "word 6 (row 2, word 2 of the row) is not on the list", "nearest words: pajamas"},
		{"another word", with(20, "acid"), "the 20 words do not belong together: if one is wrong it is word 20 (row 5, word 4 of the row)", "row 5"},
		{"another second word", with(2, "acid"), "the 20 words do not belong together: if one is wrong it is word 2 (row 1, word 2 of the row)", "row 1"},
		{"two words swapped", strings.Replace(one, "black pajamas", "pajamas black", 1), "the 20 words do not belong together: two or more are wrong", "every row"},
		{"more groups needed than there are", remade(3, 2<<2), "not a share as the specification has it: 3 groups are needed of 1", ""},
		{"padding", remade(5, 1<<9), "not a share as the specification has it: the padding is not zero", ""},
	} {
		_, err := ParseShare(c.text)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
			continue
		}
		if h, ok := errors.AsType[interface {
			error
			Hint() string
		}](err); c.hint != "" && (!ok || !strings.Contains(h.Hint(), c.hint)) {
			t.Errorf("%s: no hint with %q", c.name, c.hint)
		}
	}
}

func TestAHeaderIsRefusedWithItsReason(t *testing.T) {
	for text, want := range map[string]string{
		"acid acid acid":          "3 words are no header: it has 4",
		"acid acid acid acid a":   "word 5 (row 2, word 1 of the row) is not on the list",
		"acid acid priority acid": "not a share as the specification has it",
	} {
		if _, err := ParseHeader(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	for _, h := range []Header{{}, {Identifier: 1 << 15, Group: 1, GroupThreshold: 1, Groups: 1, Member: 1, Threshold: 1}, {Exponent: 16, Group: 1, GroupThreshold: 1, Groups: 1, Member: 1, Threshold: 1}} {
		if h.Words() != nil || h.String() != "" {
			t.Errorf("%+v has words: %s", h, h)
		}
	}
}

// 20 to 33 and more: which numbers of words a share can have, by the specification's rule for
// the padding.
func TestNumbersOfWords(t *testing.T) {
	sizes := map[int]int{}
	for words := range 70 {
		if size, ok := secretSize(words); ok {
			sizes[words] = size
			if len(pack(make([]byte, size))) != words-7 {
				t.Errorf("%d bytes are not packed into %d words", size, words)
			}
		}
	}
	for words, size := range map[int]int{20: 16, 22: 18, 23: 20, 25: 22, 27: 24, 28: 26, 30: 28, 31: 30, 33: 32, 59: 64} {
		if sizes[words] != size {
			t.Errorf("%d words hold %d bytes, want %d", words, sizes[words], size)
		}
	}
	for _, words := range []int{0, 7, 19, 21, 24, 26, 29, 32, 58} {
		if size, ok := sizes[words]; ok {
			t.Errorf("%d words hold %d bytes, no share has so many", words, size)
		}
	}
}

func TestAShareShowsNothingUnasked(t *testing.T) {
	s, err := ParseShare(one)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", []any{&s, struct{ S Share }{s}, []Share{s}})
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("share", "s", s)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("share", "s", s)
	fmt.Fprint(&out, s.String(), fmt.Errorf("wrapped: %v", s))
	for _, secret := range append(strings.Fields(one)[RowLength:], hex.EncodeToString(s.value), fmt.Sprint(s.value), string(s.value)) {
		if strings.Contains(strings.ToLower(out.String()), secret) {
			t.Errorf("%q can be read in\n%s", secret, out.String())
		}
	}
	if !strings.Contains(out.String(), "depend painting academic academic") {
		t.Error("the header, which is public, is not shown")
	}
	if b, err := json.Marshal(map[string]any{"s": s}); err == nil {
		t.Errorf("encoded as JSON: %s", b)
	}
	if b, err := s.MarshalText(); err == nil {
		t.Errorf("encoded as text: %s", b)
	}
	if err := gob.NewEncoder(io.Discard).Encode(s); err == nil {
		t.Error("encoded as gob")
	}
}

func TestTheEmptyShareIsHarmless(t *testing.T) {
	var s Share
	s.Wipe()
	if s.Words() != nil || s.Mnemonic() != "" || s.Value() != nil || s.Header() != (Header{}) {
		t.Errorf("an empty share has words: %v", s)
	}
	if _, err := Combine([]Share{s}, ""); !errors.Is(err, ErrMalformed) {
		t.Errorf("combined an empty share: %v", err)
	}
}

func TestAWipedShareIsGoneAndItsCopiesAreNot(t *testing.T) {
	s, err := ParseShare(one)
	if err != nil {
		t.Fatal(err)
	}
	kept, same := s.Value(), s
	s.Wipe()
	if diff := cmp.Diff(make([]byte, 16), same.Value()); diff != "" {
		t.Errorf("a copy of the Share keeps the value: %s", diff)
	}
	if cmp.Equal(kept, make([]byte, 16)) {
		t.Error("Value is not a copy of its own")
	}
}
