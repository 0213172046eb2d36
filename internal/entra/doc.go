// Package entra has the tenant's words and one whole reading of it.
//
// A Snapshot is everything that judgement needs, taken at one time: what was read, from
// where and when, and what could not be read and why. It is written by msapi (or read from
// a file) and judged by lockout and posture; nothing here talks to anybody.
//
// The rule that shapes every type: unresolved is never empty. A property that was not in
// the answer is a Maybe that is not known; a list that could not be read has a Reading that
// says so. Judgement asks Known and Complete before it concludes anything from an absence.
package entra
