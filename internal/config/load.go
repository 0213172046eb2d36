package config

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

const patternDays = `^[1-9][0-9]{0,3}d$`

// Load reads and checks a breakglass.yaml and fills in the defaults. A file that is not as
// it should be gives Errors, all of them at once.
func Load(path string) (*Desired, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return Parse(path, data)
}

// Parse is Load for a file already read; name stands in the messages.
func Parse(name string, data []byte) (*Desired, error) {
	var d Desired
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&d); err != nil {
		return nil, Errors{{File: name, Line: 1, Column: 1, Problem: err.Error()}}
	}
	d.SetDefaults()
	return &d, nil
}

// Errors is everything that is wrong with a file, in the order of its lines.
type Errors []Error

// Error is one thing that is wrong: where, what, and what would be right.
type Error struct {
	File         string
	Line, Column int
	// Path is where in the structure, for example accounts[0].posture; empty for the file as a whole.
	Path string
	// Problem is what is wrong, Fix what would be right.
	Problem, Fix string
}

// Error is one line: file:line:column: path: problem; fix.
func (e Error) Error() string {
	s := fmt.Sprintf("%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Path != "" {
		s += e.Path + ": "
	}
	s += e.Problem
	if e.Fix != "" {
		s += "; " + e.Fix
	}
	return s
}

// Error is one line for each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Hint is the next step.
func (e Errors) Hint() string { return "docs/configuration.md has every key; breakglass config schema gives editors the same" }

// ExitCode is that of a bad file.
func (e Errors) ExitCode() int { return 2 }
