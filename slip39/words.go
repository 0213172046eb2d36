package slip39

import (
	"cmp"
	"crypto/subtle"
	_ "embed" // wordlist.txt
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"unicode"
)

// RowLength is how many words stand in one row of a sheet. Errors name row and word.
const RowLength = 4

const (
	listLength  = 1024
	longestWord = 8
	// prefixLength is how many letters of a word are enough: no two words of the list share four.
	prefixLength = 4
	maxNearest   = 4
	// maxWords is what the longest secret takes.
	maxWords = 1006
)

// Word is one word of the specification's list, by its place: 10 bits of a mnemonic.
type Word uint16

//go:embed wordlist.txt
var listText string

// list holds the words padded with blanks, so that all are equally long. No typed word holds
// a blank.
var list = padded(strings.Fields(listText))

func padded(words []string) (l [listLength][longestWord]byte) {
	for i, w := range words {
		copy(l[i][:], w+"        ")
	}
	return l
}

// String is the word in lower case, empty for a number that no word has. It reads the whole
// list whatever the word is, so that the memory it touches does not tell the word.
func (w Word) String() string {
	letters := w.letters()
	return strings.TrimRight(string(letters[:]), " \x00") // zero: no such word
}

func (w Word) letters() (letters [longestWord]byte) {
	for i := range list {
		mask := byte(-subtle.ConstantTimeEq(int32(i), int32(w)))
		for k := range letters {
			letters[k] |= list[i][k] & mask
		}
	}
	return letters
}

// ParseWords reads words that are separated by blanks or line ends, in any mix of upper and
// lower case and of half-width and full-width letters. The first four letters of a word are
// enough; more must agree with it. The error joins one [*WordError] for each word that is
// not on the list, so that a person can mend all of them at once. More words than the longest
// share has are a [*LengthError].
func ParseWords(text string) ([]Word, error) {
	typed := strings.FieldsFunc(text, unicode.IsSpace)
	if len(typed) > maxWords {
		return nil, &LengthError{Words: len(typed)}
	}
	words := make([]Word, len(typed))
	var errs []error
	for i, t := range typed {
		w, ok := lookUp(fold(t))
		if !ok {
			errs = append(errs, &WordError{Word: i + 1, Row: rowOf(i + 1), Nearest: nearest(fold(t))})
		}
		words[i] = w
	}
	if len(errs) > 0 {
		clear(words)
		return nil, errors.Join(errs...)
	}
	return words, nil
}

// rowOf is the row, from 1, in which the word at this place, from 1, stands.
func rowOf(place int) int { return (place + RowLength - 1) / RowLength }

// fold gives lower-case ASCII: input methods for Japanese type full-width letters.
func fold(typed string) string {
	const fullWidth = '！' - '!'
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			r -= fullWidth
		}
		return unicode.ToLower(r)
	}, typed)
}

// lookUp finds a word by its first letters. It compares with every word of the list, found or
// not, so that its time does not tell the word; only the number of letters typed does.
func lookUp(typed string) (Word, bool) {
	if len(typed) < prefixLength || len(typed) > longestWord {
		return 0, false
	}
	key := binary.BigEndian.Uint32([]byte(typed))
	var found, place int
	for i := range list {
		same := subtle.ConstantTimeEq(int32(key), int32(binary.BigEndian.Uint32(list[i][:])))
		found |= same
		place |= i & -same
	}
	letters := Word(place).letters()
	found &= subtle.ConstantTimeCompare([]byte(typed), letters[:len(typed)])
	return Word(place & -found), found == 1
}

// nearest are the few words of the list that the typed one may have been meant for, the
// likeliest first. It is for words that are not on the list, and not constant time.
func nearest(typed string) []string {
	type candidate struct {
		word     string
		distance int
	}
	var found []candidate
	for _, w := range strings.Fields(listText) {
		if d := likeness(typed, w); d <= farthest(typed) {
			found = append(found, candidate{w, d})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	words := make([]string, 0, maxNearest)
	for _, c := range found[:min(len(found), maxNearest)] {
		words = append(words, c.word)
	}
	return words
}

// farthest is how many slips make a word too different to be named.
func farthest(typed string) int { return min(2, len(typed)-1) }

// likeness counts the slips between what was typed and a word, or the word's beginning when
// only that was typed.
func likeness(typed, word string) int {
	whole := slips(typed, word)
	if len(typed) >= len(word) {
		return whole
	}
	return min(whole, slips(typed, word[:len(typed)]))
}

// slips is the number of letters changed, left out, added or swapped with their neighbour
// (optimal string alignment). It is no less than the difference in length, which is the
// answer where that alone is too much.
func slips(typed, word string) int {
	a, b := typed, word
	if d := len(a) - len(b); d > longestWord {
		return d
	}
	var rows [2*longestWord + 1][longestWord + 1]int
	for i := range rows {
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			rows[i][j] = min(change, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
