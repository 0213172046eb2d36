// Package slip39 splits a secret into mnemonic shares and combines them, as SLIP-0039
// ("Shamir's Secret-Sharing for Mnemonic Codes", satoshilabs/slips) says: groups of members
// with a threshold each, an optional passphrase, an iteration exponent, extendable sets and
// those that are not. Any other tool for the same specification reads what it writes.
//
// A secret is split among groups (here: locations) and within each group among members
// (custodians). A share is what one member gets, written as 20 words for a secret of 128
// bits. A quorum is as many groups as are needed, each with as many members as it needs.
// A set is all shares of one Split; they have their first two words in common.
//
// Splitting, combining, and reading and writing words have no branch, index or loop that
// depends on a secret, but where an error ends the work. The package does no input or output
// and keeps nothing. Its functions may be called concurrently; a Share must not be wiped
// while another goroutine uses it.
package slip39
