package phrase

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	action  = regexp.MustCompile(`\{\{-? *(.*?) *-?\}\}`)
	heading = regexp.MustCompile(`(?m)^#{1,3} `)
	shown   = regexp.MustCompile(`^(v|c) [$.\w]+$`)
	control = regexp.MustCompile(`^(if|else|else if|range|end|blank|\$\w+ :=)\b?|^\.(N|Need|Locations|ReviewDays|MicrosoftCall)$|^\$s\.Need$|^\(index|^len `)
)

// A value that is shown goes through v or c, so that it can never become a mark.
func TestEveryValueIsEscaped(t *testing.T) {
	for _, l := range Languages() {
		text, err := Runbook(l)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range action.FindAllStringSubmatch(text, -1) {
			if a := m[1]; !shown.MatchString(a) && !control.MatchString(a) {
				t.Errorf("%s: {{%s}} shows a value without v or c", l, a)
			}
		}
	}
}

// A language has what English has: the same sections, calls and values.
func TestLanguagesSayTheSame(t *testing.T) {
	english, err := Runbook(English)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range Languages() {
		text, err := Runbook(l)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := len(heading.FindAllString(text, -1)), len(heading.FindAllString(english, -1)); got != want {
			t.Errorf("%s has %d headings, English %d", l, got, want)
		}
		if got, want := code(text), code(english); !slices.Equal(got, want) {
			t.Errorf("%s has other calls than English:\n got %q\nwant %q", l, got, want)
		}
	}
}

// code is the lines of the code blocks.
func code(text string) []string {
	var all []string
	inside := false
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "```" {
			inside = !inside
		} else if inside {
			all = append(all, line)
		}
	}
	return all
}

func TestEnglishIsFirstAndAnUnknownLanguageIsSaid(t *testing.T) {
	if Languages()[0] != English {
		t.Errorf("got %v", Languages())
	}
	if _, err := Runbook("tlh"); err == nil || !strings.Contains(err.Error(), `"tlh"`) {
		t.Errorf("got %v", err)
	}
}
