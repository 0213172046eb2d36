// Package phrase has every text that a person reads outside a terminal, one file per
// language and text.
//
// A text is Markdown of a small kind (headings, paragraphs, lists, tables, code blocks,
// quotes) with the actions of text/template; report fills it in and renders it. A language
// is complete when it has every text that English has; a test compares them.
package phrase

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

// Language is a language by its BCP 47 tag.
type Language string

// English is the language that every text is first written in.
const English Language = "en"

//go:embed *.md
var files embed.FS

// Runbook is the text of the runbook: what to do in which outage. report.Runbook says what
// its actions may name.
func Runbook(l Language) (string, error) { return text("runbook", l) }

// Languages are the languages there are, English first.
func Languages() []Language {
	all := []Language{English}
	entries, err := files.ReadDir(".")
	if err != nil {
		return all // an embedded directory is there
	}
	for _, e := range entries {
		_, rest, _ := strings.Cut(e.Name(), ".")
		l := Language(strings.TrimSuffix(rest, ".md"))
		if !slices.Contains(all, l) {
			all = append(all, l)
		}
	}
	return all
}

// text is one text in one language.
func text(name string, l Language) (string, error) {
	data, err := files.ReadFile(name + "." + string(l) + ".md")
	if err != nil {
		return "", fmt.Errorf("there is no %s in %q; there is %v", name, string(l), Languages())
	}
	return string(data), nil
}
