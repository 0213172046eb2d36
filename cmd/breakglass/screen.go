package main

import (
	"io"
	"os"
	"regexp"

	"golang.org/x/term"
)

// screen is a terminal that gets text and our own colours, nothing else. Names of policies and
// accounts, and what services say, are other people's text: a name that moves the cursor or
// turns the writing round could show a person another plan than the one they agree to.
type screen struct{ w io.Writer }

// onScreen is the stream itself unless it is a terminal: programs get every byte.
func onScreen(f *os.File) io.Writer {
	if term.IsTerminal(int(f.Fd())) {
		return screen{f}
	}
	return f
}

// foreign matches what we write ourselves (paint, tell), which stays, and after that every
// control character but newline and tab, and those that change the direction of writing.
var foreign = regexp.MustCompile("\x1b\\[(?:0|1|2|31|32|33)m|\r\x1b\\[K|" +
	`[\x00-\x08\x0b-\x1f\x7f\x{80}-\x{9f}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]`)

// Write is io.Writer's.
func (s screen) Write(p []byte) (int, error) {
	clean := foreign.ReplaceAllFunc(p, func(m []byte) []byte {
		if len(m) > 3 { // a whole sequence of ours; a single character has three bytes at most
			return m
		}
		return []byte("\ufffd")
	})
	if _, err := s.w.Write(clean); err != nil {
		return 0, err
	}
	return len(p), nil
}
