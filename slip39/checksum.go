package slip39

// RS1024 is a Reed-Solomon code over GF(1024) with the roots a, a^2, a^3 (SLIP-0039, "Checksum
// design"). Any two valid mnemonics of one length and customization differ in four words or
// more: up to three wrong words are always noticed, and one can be told apart from two. A
// wrong second word may change the customization with the words; what that costs is counted
// in TestTheFlagInTheSecondWord and said in docs/slip39.md.

const checksumWords = 3

// customization is fed into the checksum before the words.
func customization(extendable bool) string {
	if extendable {
		return "shamir_extendable"
	}
	return "shamir"
}

// generator are the specification's multiples of the generating polynomial.
var generator = [...]uint32{
	0xe0e040, 0x1c1c080, 0x3838100, 0x7070200, 0xe0e0009,
	0x1c0c2412, 0x38086c24, 0x3090fc48, 0x21b1f890, 0x3f3f120,
}

// remainder is 0 for valid words. Otherwise its three 10-bit coefficients are what the error
// leaves behind.
func remainder(extendable bool, words []Word) uint32 {
	state := uint32(1)
	for _, c := range []byte(customization(extendable)) {
		state = feed(state, uint32(c))
	}
	for _, w := range words {
		state = feed(state, uint32(w))
	}
	return state ^ 1
}

func feed(state, value uint32) uint32 {
	high := state >> 20
	state = state&0xfffff<<10 ^ value
	for i, g := range generator {
		state ^= g & -(high >> i & 1)
	}
	return state
}

// withChecksum appends the three words that make the remainder 0.
func withChecksum(extendable bool, data []Word) []Word {
	words := append(append(make([]Word, 0, len(data)+checksumWords), data...), 0, 0, 0)
	r := remainder(extendable, words)
	for i := range checksumWords {
		words[len(data)+i] = Word(r >> (10 * (2 - i)) & 1023)
	}
	return words
}

// locate names the word (from 1) that must be wrong if only one is, and 0 if no single word
// explains the remainder. Two wrong words never look like one, unless the flag in the second
// word comes in: it chooses the customization, so an error there is judged under both.
func locate(words []Word) int {
	extendable := isExtendable(words)
	if at, by := singleError(remainder(extendable, words), len(words)); at > 0 && flipsFlag(at, by) == 0 {
		return at
	}
	if at, by := singleError(remainder(!extendable, words), len(words)); at > 0 && flipsFlag(at, by) == 1 {
		return at
	}
	return 0
}

// flipsFlag is 1 when an error at that word changes the extendable flag.
func flipsFlag(at int, by uint16) uint16 {
	if at != 2 {
		return 0
	}
	return by >> 4 & 1
}

// singleError solves the three syndromes for one wrong word: its place from 1 and the
// difference to the right word; 0 when there is no solution.
func singleError(remainder uint32, length int) (at int, by uint16) {
	s1, s2, s3 := syndrome(remainder, 1), syndrome(remainder, 2), syndrome(remainder, 3)
	power := uint16(1)
	for place := length; place > 0; place-- {
		if s1 != 0 && gf1024.mul(s1, power) == s2 && gf1024.mul(s2, power) == s3 {
			return place, gf1024.mul(s1, gf1024.inv(power))
		}
		power = gf1024.mul(power, root(1))
	}
	return 0, 0
}

// syndrome is the remainder's value at a^i.
func syndrome(remainder uint32, i int) uint16 {
	x := root(i)
	value := uint16(remainder >> 20 & 1023)
	value = gf1024.mul(value, x) ^ uint16(remainder>>10&1023)
	return gf1024.mul(value, x) ^ uint16(remainder&1023)
}

// root is a^i for i below 10; a itself is the polynomial x.
func root(i int) uint16 { return 1 << i }
