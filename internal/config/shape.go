package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// The file's form is said once, as data: fields.go has the table, decode.go checks a file
// against it, schema.go publishes it for editors, docs/configuration.md is printed from it,
// and format.go takes a new file's comments from it.

type kind string

const (
	kindObject  kind = "object"
	kindList    kind = "list"
	kindMap     kind = "mapping"
	kindText    kind = "text"
	kindInteger kind = "integer"
	kindBoolean kind = "boolean"
)

// shape is what may stand in one place of the file.
type shape struct {
	kind   kind
	fields []field // of an object
	item   *shape  // of a list, or of a mapping's values
	keys   []string
	// enum are the only values; pattern is what the value must match (for a mapping: its
	// keys), in the syntax that Go and ECMAScript share, and right says the same for people.
	enum    []string
	pattern string
	right   string
	// never are values that match and are wrong all the same.
	never []string
	// min and max bound an integer, a list's length, or a text's length; max 0 is no bound.
	min, max int
}

// field is one key of an object.
type field struct {
	key      string
	shape    shape
	required bool
	// standard is the default as it would be written; empty when there is none.
	standard string
	// doc is the manual: meaning, danger.
	doc string
	// example is what a new file shows, commented out, where the key is not used.
	example string
}

func object(fields ...field) shape { return shape{kind: kindObject, fields: fields} }

func list(item shape, most int) shape { return shape{kind: kindList, item: &item, max: most} }

func oneOf(values ...string) shape {
	return shape{kind: kindText, enum: values, right: "one of " + strings.Join(values, ", ")}
}

func matching(pattern, right string, most int) shape {
	return shape{kind: kindText, pattern: pattern, right: right, max: most}
}

func number(least, most int) shape {
	right := fmt.Sprintf("a whole number from %d to %d", least, most)
	if least == most {
		right = fmt.Sprint(least)
	}
	return shape{kind: kindInteger, min: least, max: most, right: right}
}

var yesNo = shape{kind: kindBoolean, right: "true or false"}

// field finds a key of an object.
func (s shape) field(key string) (field, bool) {
	i := slices.IndexFunc(s.fields, func(f field) bool { return f.key == key })
	if i < 0 {
		return field{}, false
	}
	return s.fields[i], true
}

// names are the keys that an object or a mapping knows.
func (s shape) names() []string {
	if s.kind == kindMap {
		return s.keys
	}
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = f.key
	}
	return names
}

// wrongText is what is wrong with a text value, empty when it is right.
func (s shape) wrongText(v string) string {
	switch {
	case len(s.enum) > 0:
		if !slices.Contains(s.enum, v) {
			return fmt.Sprintf("%s is not a value of this key", quote(v))
		}
		return ""
	case v == "":
		return "has no value"
	case s.max > 0 && len([]rune(v)) > s.max:
		return fmt.Sprintf("is %d characters long, more than %d", len([]rune(v)), s.max)
	case strings.ContainsFunc(v, hidden):
		return "has a control or direction character in it"
	case s.pattern != "" && !regexp.MustCompile(s.pattern).MatchString(v), slices.Contains(s.never, v):
		return quote(v) + " does not fit"
	}
	return ""
}

// hidden are characters that a reader cannot see and that make a text look like another.
func hidden(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }

// quote shows a value in a message, short and on one line.
func quote(v string) string {
	if r := []rune(v); len(r) > 60 {
		v = string(r[:57]) + "..."
	}
	return fmt.Sprintf("%q", v)
}
