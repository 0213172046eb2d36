package slip39

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	headerWords = 4
	minSecret   = 16
	// maxSecret keeps a mnemonic with its customization within the 1023 symbols for which the
	// checksum's promise holds.
	maxSecret   = 1248
	maxExponent = 15
)

// Identifier is the random 15-bit number that all shares of one set carry.
type Identifier uint16

// FirstWord is the first word of every share of the set: the upper ten bits.
func (id Identifier) FirstWord() Word { return Word(id >> 5 & 1023) }

// Header is the public part of a share, its first four words: row 1 of a sheet. It tells
// nothing of the secret but how it was split, and names one share within its set.
type Header struct {
	Identifier     Identifier
	Extendable     bool // the identifier is not used in the encryption
	Exponent       int  // the passphrase is stretched by 10 000 × 2^Exponent iterations
	Group          int  // from 1; the specification's group index + 1
	GroupThreshold int  // groups needed
	Groups         int  // groups there are
	Member         int  // from 1 within the group; the specification's member index + 1
	Threshold      int  // members of this group needed
}

// Words are the header's four words, none if no share can have this header.
func (h Header) Words() []Word {
	if h.check() != nil {
		return nil
	}
	bits := uint64(h.Identifier)
	if bits <<= 1; h.Extendable {
		bits |= 1
	}
	for _, v := range []int{h.Exponent, h.Group - 1, h.GroupThreshold - 1, h.Groups - 1, h.Member - 1, h.Threshold - 1} {
		bits = bits<<4 | uint64(v)
	}
	words := make([]Word, headerWords)
	for i := range words {
		words[i] = Word(bits >> (10 * (headerWords - 1 - i)) & 1023)
	}
	return words
}

// String is the header's four words, separated by blanks.
func (h Header) String() string { return join(h.Words()) }

// ParseHeader reads the first four words of a share, as a seal or a label bears them. Errors:
// [*WordError], [*LengthError], and [ErrMalformed] for numbers that no share can have. Four
// words have no checksum: a slip that gives other words of the list is not noticed.
func ParseHeader(text string) (Header, error) {
	words, err := ParseWords(text)
	if err != nil {
		return Header{}, err
	}
	if len(words) != headerWords {
		return Header{}, &LengthError{Words: len(words), Header: true}
	}
	h := headerOf(words)
	return h, h.check()
}

func headerOf(words []Word) Header {
	var bits uint64
	for _, w := range words[:headerWords] {
		bits = bits<<10 | uint64(w)
	}
	nibble := func(i int) int { return int(bits >> (4 * i) & 15) }
	return Header{
		Identifier: Identifier(bits >> 25), Extendable: isExtendable(words), Exponent: nibble(5),
		Group: nibble(4) + 1, GroupThreshold: nibble(3) + 1, Groups: nibble(2) + 1,
		Member: nibble(1) + 1, Threshold: nibble(0) + 1,
	}
}

// isExtendable reads the flag, which decides how the checksum is judged.
func isExtendable(words []Word) bool { return words[1]>>4&1 == 1 }

func (h Header) check() error {
	for _, v := range []int{h.Group, h.GroupThreshold, h.Groups, h.Member, h.Threshold} {
		if v < 1 || v > maxShares {
			return fmt.Errorf("%w: a number outside 1 to %d", ErrMalformed, maxShares)
		}
	}
	switch {
	case h.Identifier >= 1<<15:
		return fmt.Errorf("%w: an identifier of more than 15 bits", ErrMalformed)
	case h.Exponent < 0 || h.Exponent > maxExponent:
		return fmt.Errorf("%w: an exponent outside 0 to %d", ErrMalformed, maxExponent)
	case h.GroupThreshold > h.Groups:
		return fmt.Errorf("%w: %d groups are needed of %d", ErrMalformed, h.GroupThreshold, h.Groups)
	}
	return nil
}

// Share is one mnemonic. Its words are secret and leave only through Words, Mnemonic and
// Value; printed in any format it shows its header, and it refuses to be encoded. The zero
// Share is empty: it has no words and combines with nothing.
type Share struct {
	header Header
	value  []byte
}

// ParseShare reads a mnemonic; see [ParseWords] for how words may be typed. Errors:
// one [*WordError] for each word that is not on the list, joined; [*LengthError] for a number
// of words that no share has; [*ChecksumError] when the words do not belong together, with
// the wrong one's place if only one is wrong; [ErrMalformed] for words that are as they were
// made but were made wrongly. Nothing is corrected.
func ParseShare(text string) (Share, error) {
	words, err := ParseWords(text)
	if err != nil {
		return Share{}, err
	}
	defer clear(words)
	size, ok := secretSize(len(words))
	if !ok {
		return Share{}, &LengthError{Words: len(words)}
	}
	if remainder(isExtendable(words), words) != 0 {
		place := locate(words)
		return Share{}, &ChecksumError{Words: len(words), Word: place, Row: rowOf(place)}
	}
	s := Share{header: headerOf(words)}
	if err := s.header.check(); err != nil {
		return Share{}, err
	}
	s.value, ok = unpack(words[headerWords:len(words)-checksumWords], size)
	if !ok {
		return Share{}, fmt.Errorf("%w: the padding is not zero", ErrMalformed)
	}
	return s, nil
}

// secretSize is how many bytes a mnemonic of so many words holds. The bits that pad the value
// to whole words are fewer than eight or just eight, and sizes are even.
func secretSize(words int) (int, bool) {
	bits := (words - headerWords - checksumWords) * 10
	size := bits / 16 * 2
	return size, bits > 0 && bits%16 <= 8 && size >= minSecret && size <= maxSecret
}

// Header is the share's public part; the zero Header for an empty share.
func (s Share) Header() Header { return s.header }

// Words are all words of the share, in order; none for an empty share. They are secret but
// for the first four.
func (s Share) Words() []Word {
	if len(s.value) == 0 {
		return nil
	}
	data := append(s.header.Words(), pack(s.value)...)
	defer clear(data)
	return withChecksum(s.header.Extendable, data)
}

// Mnemonic is the share as text: lower case, one blank between words.
func (s Share) Mnemonic() string { return join(s.Words()) }

// Value is a copy of the share value, as long as the secret; nil for an empty share. It is as
// secret as the words, and keys what must be bound to them.
func (s Share) Value() []byte { return append([]byte(nil), s.value...) }

// Wipe overwrites the share value, in every copy of this Share.
func (s Share) Wipe() { clear(s.value) }

// String is the share's header, never its other words.
func (s Share) String() string {
	if len(s.value) == 0 {
		return "slip39 share (empty)"
	}
	return "slip39 share " + s.header.String() + " (the rest is secret)"
}

// Format writes String for every verb, %x and %#v too.
func (s Share) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

var errSecret = errors.New("a share is never encoded: ask for its words")

// MarshalJSON refuses.
func (s Share) MarshalJSON() ([]byte, error) { return nil, errSecret }

// MarshalText refuses.
func (s Share) MarshalText() ([]byte, error) { return nil, errSecret }

// GobEncode refuses.
func (s Share) GobEncode() ([]byte, error) { return nil, errSecret }

var _ json.Marshaler = Share{}

func join(words []Word) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.String()
	}
	return strings.Join(texts, " ")
}

// pack writes the bytes, highest bit first, as words; zero bits pad the left.
func pack(value []byte) []Word {
	count := (len(value)*8 + 9) / 10
	words := make([]Word, 0, count)
	held, have := uint32(0), count*10-len(value)*8
	for _, b := range value {
		held, have = held<<8|uint32(b), have+8
		if have >= 10 {
			have -= 10
			words = append(words, Word(held>>have&1023))
		}
	}
	return words
}

// unpack is pack's inverse; it reports whether the padding is zero.
func unpack(words []Word, size int) ([]byte, bool) {
	value := make([]byte, 0, size)
	have := size*8 - len(words)*10 // below zero: bits of padding still to come
	held, padding := uint32(0), uint32(0)
	for i, w := range words {
		held, have = held<<10|uint32(w), have+10
		if i == 0 {
			padding = held >> have
		}
		for have >= 8 {
			have -= 8
			value = append(value, byte(held>>have))
		}
	}
	return value, padding == 0
}
