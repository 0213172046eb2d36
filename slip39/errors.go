package slip39

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
)

// The texts of these errors hold no word that was typed and no word of a share. Hints may
// name words of the list that are near to what was typed: they are for the screen of the
// person who types, not for a log.

var (
	// ErrMalformed: a share, though its checksum is right, says what no share can say; it was
	// made wrongly. Also an empty Share.
	ErrMalformed = errors.New("not a share as the specification has it")
	// ErrParameters: Split was asked for something that cannot be split so.
	ErrParameters = errors.New("cannot be split so")
	// ErrPassphrase: the passphrase has a character outside printable ASCII.
	ErrPassphrase = errors.New("a passphrase has only printable ASCII characters")
)

// WordError is a word that is not on the list. Word is its place in the text, from 1, and Row
// the row of four it stands in; Nearest are words it may have been meant for, likeliest first.
type WordError struct {
	Word, Row int
	Nearest   []string
}

func (e *WordError) Error() string {
	return fmt.Sprintf("%s is not on the list", placeName(e.Word))
}

// Hint names the nearest words.
func (e *WordError) Hint() string {
	if len(e.Nearest) == 0 {
		return "no word of the list is near; read it again from the sheet (its first four letters are enough)"
	}
	return "nearest words: " + strings.Join(e.Nearest, ", ") + "; read it again from the sheet"
}

// placeName says where a word stands.
func placeName(word int) string {
	return fmt.Sprintf("word %d (row %d, word %d of the row)", word, rowOf(word), (word-1)%RowLength+1)
}

// LengthError is a number of words that no share has, or no header if Header is set.
type LengthError struct {
	Words  int
	Header bool
}

func (e *LengthError) Error() string {
	if e.Header {
		return fmt.Sprintf("%d words are no header: it has %d", e.Words, headerWords)
	}
	return fmt.Sprintf("%d words are no share", e.Words)
}

// Hint says how many words there should be.
func (e *LengthError) Hint() string {
	if e.Header {
		return "enter the four words of row 1"
	}
	return "a share of a 128-bit secret has 20 words, of a 256-bit one 33; look for a word or a row left out or entered twice"
}

// ChecksumError says that the Words words, each on the list, do not belong together. Word
// (from 1) and Row name the one that is wrong if only one is; they are 0 when more than one
// must be. Of 20 words, two wrong ones are taken for one less than twice in a million, three
// or more once in some 50 000 times (docs/slip39.md, "Wrong words").
type ChecksumError struct{ Words, Word, Row int }

func (e *ChecksumError) Error() string {
	if e.Word == 0 {
		return fmt.Sprintf("the %d words do not belong together: two or more are wrong", e.Words)
	}
	return fmt.Sprintf("the %d words do not belong together: if one is wrong it is %s", e.Words, placeName(e.Word))
}

// Hint says what to compare.
func (e *ChecksumError) Hint() string {
	if e.Word == 0 {
		return "compare every row with the sheet; look for words or rows in the wrong order"
	}
	return fmt.Sprintf("compare row %d with the sheet, then the others", e.Row)
}

// SetError is a share (its place in the list, from 1) that does not belong with the others.
// Differs names what it does not have in common with most of them, or with the first where
// there is no most.
type SetError struct {
	Share   int
	Differs string
}

func (e *SetError) Error() string {
	return fmt.Sprintf("share %d is from another set: its %s differs", e.Share, e.Differs)
}

// Hint says how people tell sets apart.
func (e *SetError) Hint() string {
	return "shares of one set begin with the same two words; compare generation and account on the sheets"
}

// DuplicateError is a share (its place, from 1) that has the group and member number of an
// earlier one. Same says that it is the very same share entered twice; otherwise one of the
// two is false.
type DuplicateError struct {
	Share, First int
	Same         bool
}

func (e *DuplicateError) Error() string {
	if e.Same {
		return fmt.Sprintf("share %d is share %d again", e.Share, e.First)
	}
	return fmt.Sprintf("shares %d and %d claim to be the same member but differ: one of them is false", e.First, e.Share)
}

// Hint says what to do with it.
func (e *DuplicateError) Hint() string {
	if e.Same {
		return "leave one out and enter another sheet"
	}
	return "leave both out if you can, and keep both papers: one was not made with this set"
}

func sameValue(a, b Share) bool { return subtle.ConstantTimeCompare(a.value, b.value) == 1 }

// GroupCount says how many members of a group there are and how many it needs.
type GroupCount struct{ Group, Have, Need int }

// QuorumError says that the shares are not exactly a quorum. GroupThreshold is how many
// groups are needed, 0 if there was no share to tell; Groups are those that have a share.
type QuorumError struct {
	GroupThreshold int
	Groups         []GroupCount
}

func (e *QuorumError) Error() string {
	if e.GroupThreshold == 0 {
		return "no shares"
	}
	var faults []string
	for _, g := range e.Groups {
		switch {
		case g.Have < g.Need:
			faults = append(faults, fmt.Sprintf("too few shares of group %d: %d of %d", g.Group, g.Have, g.Need))
		case g.Have > g.Need:
			faults = append(faults, fmt.Sprintf("too many shares of group %d: %d where %d are needed", g.Group, g.Have, g.Need))
		}
	}
	switch have := len(e.Groups); {
	case have < e.GroupThreshold:
		faults = append(faults, fmt.Sprintf("too few groups: %d of %d", have, e.GroupThreshold))
	case have > e.GroupThreshold:
		faults = append(faults, fmt.Sprintf("too many groups: %d where %d are needed", have, e.GroupThreshold))
	}
	return strings.Join(faults, "; ")
}

// Hint says what to add or leave out.
func (e *QuorumError) Hint() string {
	if len(e.Groups) > e.GroupThreshold {
		return fmt.Sprintf("leave out groups until %d are left, complete ones if you can", e.GroupThreshold)
	}
	return "enter exactly as many shares as are needed, no fewer and no more"
}

// DigestError says that shares which are a quorum by their headers do not give back what was
// split: at least one is false. Group is the group whose members do not agree, 0 when each
// group agrees in itself and the groups do not.
type DigestError struct{ Group int }

func (e *DigestError) Error() string {
	if e.Group == 0 {
		return "the groups do not agree: a share of at least one group is false"
	}
	return fmt.Sprintf("the shares of group %d do not agree: at least one is false", e.Group)
}

// Hint says how to find the false one.
func (e *DigestError) Hint() string {
	return "compare each sheet's tag with the register, or try another sheet of the group in place of each; keep the false one"
}
