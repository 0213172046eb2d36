package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// document parses the one document of a file into nodes, which keep their places.
func document(name string, data []byte) (*yaml.Node, Errors) {
	fail := func(line, column int, problem, fix string) (*yaml.Node, Errors) {
		return nil, Errors{{File: name, Line: line, Column: column, Problem: problem, Fix: fix}}
	}
	if e := wrongBytes(name, data); e != nil {
		return nil, Errors{*e}
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	err := dec.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF):
		return fail(1, 1, "the file is empty", "breakglass init writes one")
	case err != nil:
		line, what := syntaxError(err)
		return fail(aliasLine(data, line, what), 1, what, "it is not YAML from here on")
	}
	if err := dec.Decode(&second); err == nil {
		return fail(second.Line, second.Column, "a second document begins here", "one file has one tenant: remove the --- line and what follows, or give it a file of its own")
	} else if !errors.Is(err, io.EOF) {
		line, what := syntaxError(err)
		return fail(line, 1, what, "it is not YAML from here on")
	}
	return doc.Content[0], nil
}

// wrongBytes finds what makes a file no text before YAML is asked.
func wrongBytes(name string, data []byte) *Error {
	e := Error{File: name, Line: 1, Column: 1}
	switch {
	case len(data) > maxFile:
		e.Problem = "the file is larger than 1 MiB"
		e.Fix = "a plan is a few pages of text; is this the right file?"
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		e.Problem = "the file is UTF-16"
		e.Fix = "save it as UTF-8 (in PowerShell: Out-File -Encoding utf8)"
	case bytes.IndexByte(data, 0) >= 0:
		e.Line, e.Column = place(data, bytes.IndexByte(data, 0))
		e.Problem = "there is a NUL byte"
		e.Fix = "save the file as plain UTF-8 text"
	case !utf8.Valid(data):
		e.Line, e.Column = place(data, invalidAt(data))
		e.Problem = "this is not UTF-8"
		e.Fix = "save the file as UTF-8"
	default:
		return nil
	}
	return &e
}

func invalidAt(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return len(data)
}

// place is the line and column of an offset.
func place(data []byte, offset int) (line, column int) {
	before := data[:offset]
	return 1 + bytes.Count(before, []byte("\n")), offset - bytes.LastIndexByte(before, '\n')
}

var syntaxLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntaxError takes the parser's message apart; it leaves the line out when it is the first.
func syntaxError(err error) (line int, what string) {
	m := syntaxLine.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	if m == nil {
		return 1, err.Error()
	}
	if line, err = strconv.Atoi(m[1]); err != nil {
		line = 1
	}
	return line, m[2]
}

var unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)

// aliasLine finds the line of an alias to nothing, which the parser does not tell.
func aliasLine(data []byte, line int, what string) int {
	m := unknownAnchor.FindStringSubmatch(what)
	if m == nil {
		return line
	}
	if i := bytes.Index(data, []byte("*"+m[1])); i >= 0 {
		line, _ = place(data, i)
	}
	return line
}

// walker compares nodes with the table and collects what is wrong.
type walker struct {
	file string
	errs Errors
}

func (w *walker) fail(n *yaml.Node, path, problem, fix string) {
	w.errs = append(w.errs, Error{File: w.file, Line: n.Line, Column: n.Column, Path: path, Problem: problem, Fix: fix})
}

func (w *walker) sorted() Errors {
	slices.SortStableFunc(w.errs, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return w.errs
}

// check compares a node with its shape. Aliases are refused, not followed: a plan is to be
// read as it stands, and an alias can make a small file huge.
func (w *walker) check(n *yaml.Node, s shape, path string) {
	switch {
	case n.Kind == yaml.AliasNode:
		w.fail(n, path, "*"+n.Value+" is an alias", "write the value out")
	case n.Anchor != "":
		w.fail(n, path, "&"+n.Anchor+" is an anchor", "write the value out where it is needed")
	case n.Style&yaml.TaggedStyle != 0:
		w.fail(n, path, "the tag "+n.Tag+" is not understood", "leave it out")
	default:
		w.checkKind(n, s, path)
	}
}

func (w *walker) checkKind(n *yaml.Node, s shape, path string) {
	switch s.kind {
	case kindObject, kindMap:
		if n.Kind != yaml.MappingNode {
			w.fail(n, path, describe(n)+", not a group of keys", "write "+example(s))
			return
		}
		w.checkKeys(n, s, path)
	case kindList:
		if n.Kind != yaml.SequenceNode {
			w.fail(n, path, describe(n)+", not a list", "begin each entry with a dash")
			return
		}
		w.checkList(n, s, path)
	default:
		w.checkScalar(n, s, path)
	}
}

func (w *walker) checkList(n *yaml.Node, s shape, path string) {
	switch {
	case len(n.Content) < s.min:
		w.fail(n, path, "the list is empty", "at least one entry is needed")
	case s.max > 0 && len(n.Content) > s.max:
		w.fail(n, path, fmt.Sprintf("%d entries are more than %d", len(n.Content), s.max), "is this the right list?")
		return
	}
	seen := map[string]*yaml.Node{}
	for i, item := range n.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		w.check(item, *s.item, at)
		w.checkTwice(seen, item, at)
	}
}

// checkTwice refuses two entries of a list with one id: whatever names it would be ambiguous.
func (w *walker) checkTwice(seen map[string]*yaml.Node, item *yaml.Node, path string) {
	id := item
	if item.Kind == yaml.MappingNode {
		if id = valueOf(item, "id"); id == nil {
			return
		}
		path += ".id"
	}
	if id.Kind != yaml.ScalarNode {
		return
	}
	if first, twice := seen[id.Value]; twice {
		w.fail(id, path, fmt.Sprintf("%s stands here twice, first in line %d", quote(id.Value), first.Line), "each entry once, under its own id")
		return
	}
	seen[id.Value] = id
}

func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

func (w *walker) checkKeys(n *yaml.Node, s shape, path string) {
	seen, meant := map[string]int{}, map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := join(path, key.Value)
		item, known := s.of(key.Value)
		switch first, twice := seen[key.Value]; {
		case key.Kind != yaml.ScalarNode || key.Anchor != "":
			w.fail(key, path, "the key is not a plain word", "write "+example(s))
			continue
		case twice:
			w.fail(key, at, fmt.Sprintf("the key is here twice, first in line %d", first), "remove one of the two")
			continue
		case !known:
			w.fail(key, at, "unknown key", suggest(key.Value, s))
			meant[closest(key.Value, s.names())] = true
		}
		seen[key.Value] = key.Line
		if known {
			w.check(value, item, at)
		}
	}
	for _, f := range s.fields {
		if _, ok := seen[f.key]; f.required && !ok && !meant[f.key] {
			w.fail(n, join(path, f.key), "this key is missing", "it needs "+need(f.shape))
		}
	}
}

// of is the shape of the value under a key.
func (s shape) of(key string) (shape, bool) {
	if s.kind != kindMap {
		f, ok := s.field(key)
		return f.shape, ok
	}
	if s.keys != nil {
		return *s.item, slices.Contains(s.keys, key)
	}
	return *s.item, regexp.MustCompile(s.pattern).MatchString(key)
}

func (w *walker) checkScalar(n *yaml.Node, s shape, path string) {
	tag := n.ShortTag()
	switch {
	case n.Kind != yaml.ScalarNode:
		w.fail(n, path, describe(n)+", not a single value", "it needs "+need(s))
	case tag == "!!null":
		w.fail(n, path, "has no value", "it needs "+need(s)+"; leave the key out for the default")
	case s.kind == kindText && tag != "!!str":
		w.fail(n, path, fmt.Sprintf("%s is read as %s, not as text", quote(n.Value), describeTag(tag)), "put it in quotes")
	case s.kind == kindText:
		if problem := s.wrongText(n.Value); problem != "" {
			w.fail(n, path, problem, "it needs "+need(s)+nearest(n.Value, s.enum))
		}
	case s.kind == kindBoolean && (tag != "!!bool" || !slices.Contains([]string{"true", "false"}, n.Value)):
		w.fail(n, path, describe(n), "it needs true or false")
	case s.kind == kindInteger:
		w.checkInteger(n, s, path)
	}
}

var plainInteger = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})$`)

// checkInteger takes decimal digits only: YAML would read 010 as eight and 1_000 as a thousand.
func (w *walker) checkInteger(n *yaml.Node, s shape, path string) {
	v, err := strconv.Atoi(n.Value)
	if n.ShortTag() != "!!int" || err != nil || !plainInteger.MatchString(n.Value) {
		w.fail(n, path, describe(n), "it needs "+need(s))
		return
	}
	if v < s.min || v > s.max {
		w.fail(n, path, fmt.Sprintf("%d is out of bounds", v), "it needs "+need(s))
	}
}

// need says for people what a shape takes.
func need(s shape) string {
	switch s.kind {
	case kindObject, kindMap:
		return "the keys " + strings.Join(s.names(), ", ")
	case kindList:
		return "a list"
	}
	if s.right == "" {
		return "text"
	}
	return s.right
}

// example shows how a group of keys is written.
func example(s shape) string {
	names := s.names()
	if len(names) == 0 {
		return "key: value"
	}
	return names[0] + ": ... on lines of their own, indented below the key"
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "this is a group of keys"
	case yaml.SequenceNode:
		return "this is a list"
	}
	if n.ShortTag() == "!!null" {
		return "there is no value"
	}
	return quote(n.Value) + " is " + describeTag(n.ShortTag())
}

func describeTag(tag string) string {
	switch tag {
	case "!!str":
		return "text"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!timestamp":
		return "a date"
	case "!!merge":
		return "a merge key"
	}
	return strings.TrimPrefix(tag, "!!")
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// steps takes a path like accounts[0].quorum apart: accounts, [0], quorum.
func steps(path string) []string {
	return strings.FieldsFunc(strings.ReplaceAll(path, "[", ".["), func(r rune) bool { return r == '.' })
}

func index(step string) (int, bool) {
	inner, ok := strings.CutPrefix(step, "[")
	i, err := strconv.Atoi(strings.TrimSuffix(inner, "]"))
	return i, ok && err == nil && i >= 0
}
