package main

// How we talk to people.
//
//   - Results go to stdout, everything else (progress, warnings, questions) to stderr.
//   - Colour and the moving progress line only on a terminal; no colour with NO_COLOR.
//   - A terminal gets text and our own colours; what a name brings besides is shown as a mark (screen).
//   - Lines fit the terminal, as far as its width is known; in pipes and files they do not depend on it.
//   - The same facts for people (aligned text) and for machines (--json).
//   - Nothing is written to a tenant that was not shown; without a terminal and without
//     --yes we refuse.
//   - A message ends with the next step where there is one.

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

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
	columns        int  // how wide stdout is; 0 when it is no terminal
	errColumns     int  // how wide stderr is; 0 when it is no terminal
	// done is closed when the person presses Ctrl-C: a question must not outlive that.
	done <-chan struct{}

	global globalFlags

	mu       sync.Mutex
	progress bool   // a progress line is on the screen; guarded by mu
	waiting  string // the step that a log was told of as waiting
	answers  *bufio.Reader
}

func processDeps() *deps {
	tty := func(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
	columns := func(f *os.File) int {
		n, _, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 0
		}
		return n
	}
	return &deps{
		stdin: os.Stdin, stdout: onScreen(os.Stdout), stderr: onScreen(os.Stderr),
		getenv: os.Getenv, now: time.Now,
		colour:  tty(os.Stdout) && tty(os.Stderr) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		live:    tty(os.Stderr) && os.Getenv("TERM") != "dumb",
		asks:    tty(os.Stdin) && tty(os.Stderr),
		columns: columns(os.Stdout), errColumns: columns(os.Stderr),
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
	fmt.Fprintf(d.stderr, "\r\x1b[K%s", cut(line, d.errColumns-1))
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
	fmt.Fprintln(d.stderr, fit(fmt.Sprintf(format, args...), d.errColumns))
}

// confirm asks a yes-or-no question; without a terminal the answer is no.
func (d *deps) confirm(question string) (bool, error) {
	if !d.asks {
		return false, nil
	}
	d.endProgress()
	fmt.Fprint(d.stderr, fit(question+" [y/N]", d.errColumns), " ")
	line, err := d.readAnswer()
	if err != nil {
		return false, err
	}
	answer := strings.ToLower(line)
	return answer == "y" || answer == "yes", nil
}

// errInterrupted is Ctrl-C at a question.
var errInterrupted = errors.New("nothing was answered")

// readAnswer reads a line. A read from a terminal cannot be called off, so it is left behind
// when the person presses Ctrl-C.
func (d *deps) readAnswer() (string, error) {
	if d.answers == nil {
		d.answers = bufio.NewReader(d.stdin)
	}
	type answer struct {
		line string
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		line, err := d.answers.ReadString('\n')
		read <- answer{line, err}
	}()
	select {
	case <-d.done:
		fmt.Fprintln(d.stderr)
		return "", errInterrupted
	case a := <-read:
		if a.err != nil && (a.line == "" || !errors.Is(a.err, io.EOF)) {
			return "", fmt.Errorf("read the answer: %w", a.err)
		}
		return strings.TrimSpace(a.line), nil
	}
}

// shown is where a person reads what is about to be written: stdout, but under --json that is
// for the one result alone.
func (d *deps) shown() io.Writer {
	if d.global.json {
		return d.stderr
	}
	return d.stdout
}

// printJSON writes a result for machines: indented, one document, a final newline.
func (d *deps) printJSON(v any) error {
	d.endProgress()
	enc := json.NewEncoder(d.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// wrap is wrap for stdout: no wider than width, and no wider than the terminal.
func (d *deps) wrap(text string, width int, indent string) string {
	if d.columns == 0 {
		return wrap(text, width, indent)
	}
	first := min(width, max(d.columns-len(indent), 16))
	if len(indent) > d.columns/3 { // a narrow terminal has no room for a column of blanks
		indent = "    "
		width = d.columns
	}
	return wrapFrom(text, first, min(width, d.columns-len(indent)), indent)
}

// fit breaks the lines that are longer than columns, each below its own beginning. Zero columns
// means no terminal: then nothing is broken.
func fit(text string, columns int) string {
	if columns == 0 {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if visible(line) > columns {
			indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
			lines[i] = indent + wrap(line, columns-len(indent)-2, indent+"  ")
		}
	}
	return strings.Join(lines, "\n")
}

// cut shortens a line to a number of characters; below one it is left alone.
func cut(line string, most int) string {
	r := []rune(line)
	if most < 1 || len(r) <= most {
		return line
	}
	return string(r[:most-1]) + "…"
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// visible is how many columns a text takes: its characters without what sets colours.
func visible(s string) int { return utf8.RuneCountInString(colours.ReplaceAllString(s, "")) }

// wrap breaks text at blanks so that no line is longer than width; following lines get indent.
func wrap(text string, width int, indent string) string { return wrapFrom(text, width, width, indent) }

// wrapFrom is wrap with a first line of another width than the rest.
func wrapFrom(text string, first, rest int, indent string) string {
	var b strings.Builder
	col, width := 0, first
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case col+1+visible(word) > width:
			b.WriteString("\n" + indent)
			col, width = 0, rest
		default:
			b.WriteByte(' ')
			col++
		}
		b.WriteString(word)
		col += visible(word)
	}
	return b.String()
}
