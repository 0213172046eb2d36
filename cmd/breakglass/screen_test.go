package main

import (
	"bytes"
	"fmt"
	"testing"
)

// TestNameOfAPolicyCannotRewriteTheScreen: what a person agrees to is what the plan says.
func TestNameOfAPolicyCannotRewriteTheScreen(t *testing.T) {
	d := &deps{colour: true, live: true}
	for text, want := range map[string]string{
		"Exclude \"CA1\x1b[2A\x1b[2K nothing\"\n": "Exclude \"CA1\ufffd[2A\ufffd[2K nothing\"\n",
		"over\rwritten, \x1b[8mhidden":            "over\ufffdwritten, \ufffd[8mhidden",
		"\u202ednuor eht rehto yaw, \u009b2J\x07": "\ufffddnuor eht rehto yaw, \ufffd2J\ufffd",
		d.paint(green, "✓") + " größer, 日本\tok\n": "\x1b[32m✓\x1b[0m größer, 日本\tok\n",
		"\r\x1b[K3/24 reading back":               "\r\x1b[K3/24 reading back",
	} {
		var b bytes.Buffer
		if n, err := fmt.Fprint(screen{&b}, text); err != nil || n != len(text) {
			t.Errorf("%q: %d bytes, %v", text, n, err)
		}
		if b.String() != want {
			t.Errorf("%q is shown as %q, want %q", text, b.String(), want)
		}
	}
}
