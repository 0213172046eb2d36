package main

// How we talk to people.
//
//   - Results go to stdout, everything else (progress, warnings, questions) to stderr.
//   - Colour and the moving progress line only on a terminal, never with NO_COLOR.
//   - The same facts for people (aligned text) and for machines (--json).
//   - Nothing is written to a tenant that was not shown; without a terminal and without
//     --yes we refuse.
//   - A message ends with the next step where there is one.

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// deps is the world that commands see; tests put their own in.
type deps struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time
	colour         bool // of stdout and stderr
	live           bool // stderr is a terminal: progress may move
	asks           bool // stdin is a terminal: questions may be asked

	global globalFlags

	mu       sync.Mutex
	progress bool // a progress line is on the screen; guarded by mu
	answers  *bufio.Reader
}

func processDeps() *deps {
	tty := func(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
	return &deps{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		getenv: os.Getenv, now: time.Now,
		colour: tty(os.Stdout) && tty(os.Stderr) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		live:   tty(os.Stderr) && os.Getenv("TERM") != "dumb",
		asks:   tty(os.Stdin) && tty(os.Stderr),
	}
}

// globalFlags are understood by every command.
type globalFlags struct {
	json    bool
	quiet   bool
	offline bool
}

func (d *deps) addGlobalFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&d.global.json, "json", false, "print the result as JSON")
	fs.BoolVarP(&d.global.quiet, "quiet", "q", false, "no progress on stderr")
	fs.BoolVar(&d.global.offline, "offline", false, "never open a network connection")
}

type colour string

const (
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
	bold   colour = "1"
	dim    colour = "2"
)

func (d *deps) paint(c colour, s string) string {
	if !d.colour {
		return s
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m"
}

// tell shows progress: a line that is overwritten on a terminal, a plain line elsewhere.
func (d *deps) tell(format string, args ...any) {
	if d.global.quiet {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	line := fmt.Sprintf(format, args...)
	if !d.live {
		fmt.Fprintln(d.stderr, line)
		return
	}
	fmt.Fprintf(d.stderr, "\r\x1b[K%s", line)
	d.progress = true
}

// endProgress removes the moving line so that what follows stands on a clean one.
func (d *deps) endProgress() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.progress {
		fmt.Fprint(d.stderr, "\r\x1b[K")
		d.progress = false
	}
}

// say prints a line for people beside the result.
func (d *deps) say(format string, args ...any) {
	d.endProgress()
	fmt.Fprintf(d.stderr, format+"\n", args...)
}

// confirm asks a yes-or-no question; without a terminal the answer is no.
func (d *deps) confirm(question string) (bool, error) {
	if !d.asks {
		return false, nil
	}
	d.endProgress()
	fmt.Fprintf(d.stderr, "%s [y/N] ", question)
	if d.answers == nil {
		d.answers = bufio.NewReader(d.stdin)
	}
	line, err := d.answers.ReadString('\n')
	if err != nil && line == "" {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes", nil
}

// printJSON writes a result for machines: indented, one document, a final newline.
func (d *deps) printJSON(v any) error {
	d.endProgress()
	enc := json.NewEncoder(d.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// wrap breaks text at blanks so that no line is longer than width; following lines get indent.
func wrap(text string, width int, indent string) string {
	var b strings.Builder
	col := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case col+1+len([]rune(word)) > width:
			b.WriteString("\n" + indent)
			col = 0
		default:
			b.WriteByte(' ')
			col++
		}
		b.WriteString(word)
		col += len([]rune(word))
	}
	return b.String()
}
