package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"
)

// Nothing that wraps is wider than the terminal, however narrow, and no word is lost.
func TestTextFitsTheTerminal(t *testing.T) {
	text := strings.Repeat("the account is included and not excluded; ", 12)
	for _, columns := range []int{40, 60, 80, 200} {
		d := &deps{columns: columns}
		const indent = "                    "
		out := indent + d.wrap(text, 88, indent)
		for line := range strings.Lines(out) {
			if n := visible(strings.TrimRight(line, "\n")); n > columns {
				t.Errorf("%d columns: a line takes %d: %q", columns, n, line)
			}
		}
		if got, want := strings.Fields(out), strings.Fields(text); len(got) != len(want) {
			t.Errorf("%d columns: %d words, want %d", columns, len(got), len(want))
		}
	}
}

// What goes into a pipe does not depend on any terminal.
func TestPipesAreNotFitted(t *testing.T) {
	long := "  next: " + strings.Repeat("word ", 60) + "end"
	if got := fit(long, 0); got != long {
		t.Errorf("fit changed what goes into a pipe: %q", got)
	}
	got := fit(long, 40)
	for line := range strings.Lines(got) {
		if visible(strings.TrimRight(line, "\n")) > 40 {
			t.Errorf("a line is wider than the terminal: %q", line)
		}
	}
}

// Colour takes no room, and a moving line never wraps: the next one could not remove it.
func TestWidthCountsWhatIsSeen(t *testing.T) {
	d := &deps{colour: true}
	if n := visible(d.paint(red, "✗") + " säfe"); n != 6 {
		t.Errorf("visible is %d, want 6", n)
	}
	var b bytes.Buffer
	d = &deps{stderr: &b, live: true, errColumns: 20}
	d.tell("reading %s", strings.Repeat("x", 100))
	if n := visible(strings.TrimPrefix(b.String(), "\r\x1b[K")); n > 19 {
		t.Errorf("the moving line takes %d of 20 columns", n)
	}
}

// A person who presses Ctrl-C at a question is not kept waiting for an answer.
func TestCtrlCEndsAQuestion(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	silent, typist := io.Pipe()
	defer typist.Close()
	d := &deps{stdin: silent, stderr: io.Discard, asks: true, done: ctx.Done()}
	ended := make(chan error, 1)
	go func() {
		_, err := d.confirm("Write?")
		ended <- err
	}()
	cancel()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the question was answered by nobody")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the question waits on")
	}
}

// Help fits too, and says of every command what it is, how it is called and what it takes.
func TestHelpFitsTheTerminal(t *testing.T) {
	for _, name := range []string{"", "status", "plan", "onboard", "config", "sim"} {
		var out bytes.Buffer
		d := &deps{stdout: &out, stderr: &out, columns: 80, getenv: func(string) string { return "" }}
		args := append(strings.Fields(name), "--help")
		if code := run(t.Context(), d, args); code != exitOK {
			t.Fatalf("%v ends with %d", args, code)
		}
		for _, want := range []string{"Usage:\n  breakglass", "Flags:\n"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%v lacks %q:\n%s", args, want, out.String())
			}
		}
		paragraph, _, _ := strings.Cut(out.String(), "Usage:")
		for line := range strings.Lines(paragraph) {
			if visible(strings.TrimRight(line, "\n")) > 80 {
				t.Errorf("%v: wider than the terminal: %q", args, line)
			}
		}
	}
}
