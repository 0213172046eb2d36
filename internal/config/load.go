package config

import (
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile is the largest file that is read: a plan with hundreds of people has some 50 KiB.
const maxFile = 1 << 20

// Load reads and checks a breakglass.yaml and fills in the defaults. A file that is not as
// it should be gives Errors: all that is wrong, at once. Cross-references and judgement are
// Lint's: a plan whose people are not named yet loads.
func Load(path string) (*Desired, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return Parse(path, data)
}

// Parse is Load for a file already read; name stands in the messages.
func Parse(name string, data []byte) (*Desired, error) {
	doc, errs := document(name, data)
	if errs != nil {
		return nil, errs
	}
	w := walker{file: name}
	w.check(doc, fileShape, "")
	if len(w.errs) > 0 {
		return nil, w.sorted()
	}
	var d Desired
	if err := doc.Decode(&d); err != nil {
		// The walk has seen every value, so this is a disagreement between the table and the
		// structs; a test compares the two.
		return nil, fmt.Errorf("decode %s: %w", name, err)
	}
	d.SetDefaults()
	return &d, nil
}

// Locate is the line and column of a Problem's path in a file, so that a finding can be
// shown where it stands. Of a path that is not in the file, the nearest part that is.
func Locate(data []byte, path string) (line, column int) {
	doc, errs := document("", data)
	if errs != nil {
		return 1, 1
	}
	at := doc
	for _, step := range steps(path) {
		next := at
		switch at.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(at.Content); i += 2 {
				if at.Content[i].Value == step {
					next, line, column = at.Content[i+1], at.Content[i].Line, at.Content[i].Column
				}
			}
		case yaml.SequenceNode:
			if i, ok := index(step); ok && i < len(at.Content) {
				next = at.Content[i]
				line, column = next.Line, next.Column
			}
		}
		if next == at {
			break
		}
		at = next
	}
	return max(line, 1), max(column, 1)
}

// Errors is everything that is wrong with a file, in the order of its lines.
type Errors []Error

// Error is one thing that is wrong: where, what, and what would be right.
type Error struct {
	File string
	// Line and Column count from 1; a syntax error knows its line only.
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

// maxShown is how many errors a person is shown: after that the file is something else.
const maxShown = 40

// Error is one line for each.
func (e Errors) Error() string {
	lines := make([]string, 0, len(e))
	for i := range e {
		if i == maxShown {
			lines = append(lines, fmt.Sprintf("and %d more", len(e)-maxShown))
			break
		}
		lines = append(lines, e[i].Error())
	}
	return strings.Join(lines, "\n")
}

// Hint is the next step.
func (e Errors) Hint() string {
	return "every key is explained in docs/configuration.md; `breakglass config schema` prints the schema for editors"
}

// ExitCode is that of a bad file.
func (e Errors) ExitCode() int { return 2 }
