package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Exit codes. They are documented in docs/exit-codes.md and never change their meaning.
const (
	exitOK      = 0
	exitFailed  = 1 // failed or incomplete
	exitUsage   = 2 // usage, or a bad file
	exitFinding = 3 // a check failed or could not be told; a plan with steps under --exit-code
	exitLockout = 4 // a lockout was shown (beats 3)
	exitRefused = 5 // refused: it would break an invariant
)

// verdict ends a command whose output already said everything: only its exit code is left.
type verdict int

func (v verdict) Error() string { return fmt.Sprintf("exit code %d", int(v)) }

// usageError is a mistake on the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }
func (e usageError) ExitCode() int { return exitUsage }

// hinted is an error with its next step.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }
func (h hinted) Hint() string  { return h.hint }

func withHint(err error, hint string, args ...any) error {
	return hinted{err, fmt.Sprintf(hint, args...)}
}

// explain prints an error with its next step, once, for all commands, and finds its exit code.
func explain(d *deps, cmd *cobra.Command, err error) int {
	if v, ok := errors.AsType[verdict](err); ok {
		return int(v)
	}
	d.say("%s %s", d.paint(red, "breakglass:"), strings.TrimRight(err.Error(), "\n"))
	if h := hintOf(err); h != "" {
		d.say("next: %s", h)
	} else if exitCode(err) == exitUsage {
		fmt.Fprintf(d.stderr, "next: %s --help\n", cmd.CommandPath())
	}
	return exitCode(err)
}

func hintOf(err error) string {
	if h, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return h.Hint()
	}
	return ""
}

func exitCode(err error) int {
	if c, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); ok {
		return c.ExitCode()
	}
	if strings.HasPrefix(err.Error(), "unknown command") { // cobra has no type for it
		return exitUsage
	}
	return exitFailed
}
