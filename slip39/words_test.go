package slip39

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheListIsTheSpecifications(t *testing.T) {
	words := strings.Fields(listText)
	if len(words) != listLength || !slices.IsSorted(words) {
		t.Fatalf("%d words, sorted: %v", len(words), slices.IsSorted(words))
	}
	sum := sha256.Sum256([]byte(listText))
	if got := hex.EncodeToString(sum[:]); got != "bcc4555340332d169718aed8bf31dd9d5248cb7da6e5d355140ef4f1e601eec3" {
		t.Errorf("wordlist.txt was changed: SHA-256 %s", got)
	}
}

func TestEveryWordIsReadAsItMayBeTyped(t *testing.T) {
	for i, text := range strings.Fields(listText) {
		w := Word(i)
		if w.String() != text {
			t.Fatalf("word %d is %q, want %q", i, w, text)
		}
		for _, end := range []int{prefixLength, len(text)} {
			for _, typed := range []string{text[:end], strings.ToUpper(text[:end]), " \t" + text[:end] + "\r\n", fullWidth(text[:end]) + "\u3000"} {
				got, err := ParseWords(typed)
				if err != nil || len(got) != 1 || got[0] != w {
					t.Errorf("%q is read as %v, %v", typed, got, err)
				}
			}
		}
		for _, typed := range []string{text[:prefixLength-1], text + "s", text + "\x00", text[:prefixLength] + "\x00\x00\x00\x00"} {
			if got, ok := lookUp(typed); ok {
				t.Errorf("%q is read as %s", typed, got)
			}
		}
	}
	if s := Word(listLength).String() + Word(0xffff).String(); s != "" {
		t.Errorf("numbers that no word has read %q", s)
	}
}

func fullWidth(s string) string {
	return strings.Map(func(r rune) rune { return r - '!' + '！' }, s)
}

func TestAMisspeltWordIsNamedWithItsNeighbours(t *testing.T) {
	for _, c := range []struct {
		typed   string
		nearest []string // the first of them
	}{
		{"acadmeic", []string{"academic"}},
		{"akid", []string{"acid"}},
		{"acdi", []string{"acid"}},
		{"keybord", []string{"keyboard"}},
		{"aca", []string{"academic"}},
		{"satoschi", []string{"satoshi"}},
		{"q", []string{"quantity"}},
		{"x", nil},
		{"zzzzzzzz", nil},
		{"академик", nil},
		{strings.Repeat("a", 17), nil},
		{strings.Repeat("a", 10_000), nil},
	} {
		_, err := ParseWords("acid acid acid acid acid " + c.typed)
		e, ok := errors.AsType[*WordError](err)
		if !ok {
			t.Errorf("%q: %v", c.typed, err)
			continue
		}
		if e.Word != 6 || e.Row != 2 {
			t.Errorf("%q: named word %d in row %d", c.typed, e.Word, e.Row)
		}
		if len(c.nearest) == 0 != (len(e.Nearest) == 0) || len(e.Nearest) > maxNearest || len(c.nearest) > 0 && e.Nearest[0] != c.nearest[0] {
			t.Errorf("%q: nearest %v, want first %v", c.typed, e.Nearest, c.nearest)
		}
		for _, n := range append(e.Nearest, c.typed) {
			if len(n) > 2 && strings.Contains(e.Error(), n) {
				t.Errorf("the error names a word, which logs must not have: %v", e)
			}
		}
	}
}

func TestAllMisspeltWordsAreNamedAtOnce(t *testing.T) {
	_, err := ParseWords("acid nosuchword acid\nacid acid zzzz")
	var places []int
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		w, _ := errors.AsType[*WordError](e)
		places = append(places, w.Word)
	}
	if diff := cmp.Diff([]int{2, 6}, places); diff != "" {
		t.Error(diff)
	}
	want := "word 2 (row 1, word 2 of the row) is not on the list\nword 6 (row 2, word 2 of the row) is not on the list"
	if err.Error() != want {
		t.Errorf("got %q", err)
	}
}

func TestAFloodOfWordsIsRefusedAtOnce(t *testing.T) {
	_, err := ParseWords(strings.Repeat("x ", maxWords+1))
	if e, ok := errors.AsType[*LengthError](err); !ok || e.Words != maxWords+1 {
		t.Errorf("got %v", err)
	}
	if words := len(pack(make([]byte, maxSecret))) + headerWords + checksumWords; words != maxWords {
		t.Errorf("the longest share has %d words, not %d", words, maxWords)
	}
}

func TestSlipsAreCounted(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"acid", "acid", 0}, {"acid", "", 4}, {"acid", "acids", 1}, {"acid", "akid", 1}, {"acid", "caid", 1}, {"acid", "icda", 3}, {"acidacidacidx", "acid", 9}, {"acidacidacidacid", "acidacid", 8}} {
		if got := slips(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d slips, want %d", c.a, c.b, got, c.want)
		}
	}
}
