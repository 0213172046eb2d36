package slip39

import (
	"errors"
	"testing"
)

// generator[k] is what is left of a^k·x^3 modulo the generating polynomial, so at each of its
// roots it has the value of a^k·x^3.
func TestTheGeneratorHasTheRootsOfTheSpecification(t *testing.T) {
	for k, g := range generator {
		for i := 1; i <= 3; i++ {
			x := root(i)
			want := gf1024.mul(1<<k, gf1024.mul(x, gf1024.mul(x, x)))
			if got := syndrome(g, i); got != want {
				t.Errorf("multiple %d at a^%d is %x, want %x", k, i, got, want)
			}
		}
	}
}

// Every wrong word, at every place, whatever it is: noticed, and named as the only suspect.
func TestEverySingleWrongWordIsNoticedAndNamed(t *testing.T) {
	for _, c := range []struct {
		name       string
		size       int
		extendable bool
	}{{"20 words", 16, false}, {"20 words, extendable", 16, true}, {"33 words", 32, false}, {"33 words, extendable", 32, true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			groups, err := Split(drawn(t, c.size), 1, []Group{{2, 3}}, Options{Extendable: c.extendable})
			if err != nil {
				t.Fatal(err)
			}
			words := groups[0][1].Words()
			for i, right := range words {
				for wrong := range Word(listLength) {
					if words[i] = wrong; wrong == right {
						continue
					}
					if remainder(isExtendable(words), words) == 0 {
						t.Errorf("%s for %s at %d is not noticed", wrong, right, i+1)
					}
					if got := locate(words); got != i+1 {
						t.Errorf("%s for %s at %d: %d is suspected", wrong, right, i+1, got)
					}
				}
				words[i] = right
			}
		})
	}
}

func TestTwoWordsSwappedAreNoticedAndNotTakenForOne(t *testing.T) {
	groups, err := Split(drawn(t, 16), 1, []Group{{2, 2}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	words := groups[0][0].Words()
	for i := range words {
		for j := range i {
			if i == 1 || j == 1 || words[i] == words[j] {
				continue // the second word's flag is TestTheFlagInTheSecondWord's matter
			}
			words[i], words[j] = words[j], words[i]
			_, err := ParseShare(join(words))
			if e, ok := errors.AsType[*ChecksumError](err); !ok || e.Word != 0 || e.Row != 0 {
				t.Errorf("words %d and %d swapped: %v", i+1, j+1, err)
			}
			words[i], words[j] = words[j], words[i]
		}
	}
}

// The second word carries the flag that chooses the customization, so a wrong flag moves the
// code itself. The code is linear: counting the errors that, with the flag changed, fit the
// other customization counts them for every share there is. docs/slip39.md names the counts.
func TestTheFlagInTheSecondWord(t *testing.T) {
	for _, c := range []struct{ words, three int }{{20, 89}, {33, 249}} {
		one, two, three := unnoticed(c.words)
		if one != 0 || two != 0 || three != c.three {
			t.Errorf("%d words: %d one-word, %d two-word and %d three-word errors pass; 0, 0 and %d are known", c.words, one, two, three, c.three)
		}
	}
}

// unnoticed counts the errors of up to three words that change the flag and pass. With the
// difference of the customizations and the wrong second word given, the other two errors
// solve two of the three syndromes, and the third must agree.
func unnoticed(length int) (one, two, three int) {
	powers := make([]uint16, length) // of a
	for place := range powers {
		powers[place] = power(place, 1)
	}
	blank := make([]Word, length)
	moved := remainder(false, blank) ^ remainder(true, blank)
	for e := range uint16(listLength) {
		if flipsFlag(2, e) == 0 {
			continue
		}
		var s [3]uint16
		for i := range s {
			s[i] = syndrome(moved, i+1) ^ gf1024.mul(e, power(length-2, i+1))
		}
		if s == [3]uint16{} {
			one++
		}
		for j := 1; j < length; j++ {
			for k := range j {
				if j == length-2 || k == length-2 {
					continue
				}
				switch f, g, ok := solve(s, powers[j], powers[k]); {
				case !ok:
				case f != 0 && g != 0:
					three++
				default:
					two++
				}
			}
		}
	}
	return one, two, three
}

// power is a^(i·place).
func power(place, i int) uint16 {
	p := uint16(1)
	for range place * i {
		p = gf1024.mul(p, root(1))
	}
	return p
}

// solve finds f and g with f·x^i + g·y^i = s_i for i = 1, 2, 3.
func solve(s [3]uint16, x, y uint16) (f, g uint16, ok bool) {
	m := gf1024.mul
	f = m(s[1]^m(s[0], y), gf1024.inv(m(x, x^y)))
	g = m(s[0]^m(f, x), gf1024.inv(y))
	third := m(f, m(x, m(x, x))) ^ m(g, m(y, m(y, y)))
	return f, g, third == s[2]
}
