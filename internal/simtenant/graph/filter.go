package graph

import (
	"regexp"
	"strings"
	"unicode"
)

// A filter is a parsed $filter: a tree of nodes whose op is a logical word, a comparison,
// a function or a lambda.
type filter struct {
	op     string    // and or not, eq ne gt ge lt le in, startswith endswith contains, any all, true
	kids   []*filter // of and, or, not; the body of any and all (none: any())
	path   []string  // the property, of everything else
	values []literal // what it is compared with
	name   string    // the variable of any and all
}

// A literal is a constant in a $filter.
type literal struct {
	kind string // string bool null int number time guid
	text string // a string's content, else as written
}

// maxFilter bounds a filter's nesting and length, as the live service does.
const (
	maxFilterDepth  = 40
	maxFilterLength = 8192
)

// parseFilter reads a $filter; the error is a sentence as Graph says it.
func parseFilter(text string) (*filter, error) {
	if len(text) > maxFilterLength {
		return nil, says("The filter is longer than %d characters", maxFilterLength)
	}
	tokens, err := lexFilter(text)
	if err != nil {
		return nil, err
	}
	p := &filterParser{text: text, tokens: tokens}
	f, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.peek().kind != "" {
		return nil, p.syntax()
	}
	return f, nil
}

type token struct {
	kind string // word string punct, "" at the end
	text string
	at   int
}

// lexFilter parts a filter into words, strings and the punctuation ( ) , : .
func lexFilter(s string) ([]token, error) {
	var out []token
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case strings.IndexByte("(),", c) >= 0:
			out = append(out, token{"punct", string(c), i})
			i++
		case c == ':':
			out = append(out, token{"punct", ":", i})
			i++
		case c == '\'':
			text, end, ok := lexString(s, i)
			if !ok {
				return nil, says("There is an unterminated string literal at position %d in '%s'.", len(s), s)
			}
			out = append(out, token{"string", text, i})
			i = end
		default:
			end := lexWord(s, i)
			if end == i {
				return nil, says("Syntax error: character '%c' is not valid at position %d in '%s'.", s[i], i, s)
			}
			out = append(out, token{"word", s[i:end], i})
			i = end
		}
	}
	return out, nil
}

// lexString reads a quoted string from i; a doubled quote is one.
func lexString(s string, i int) (text string, end int, ok bool) {
	var b strings.Builder
	for i++; i < len(s); i++ {
		if s[i] != '\'' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return b.String(), i + 1, true
	}
	return "", 0, false
}

var instant = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})`)

// lexWord reads a name, a path or an unquoted constant from i; the colons of an instant belong to it.
func lexWord(s string, i int) int {
	if m := instant.FindString(s[i:]); m != "" {
		return i + len(m)
	}
	j := i
	for j < len(s) && (s[j] == '/' || s[j] == '_' || s[j] == '.' || s[j] == '-' || s[j] == '$' || s[j] == '@' || unicode.IsLetter(rune(s[j])) || unicode.IsDigit(rune(s[j]))) {
		j++
	}
	return j
}

type filterParser struct {
	text   string
	tokens []token
	pos    int
}

func (p *filterParser) peek() token {
	if p.pos < len(p.tokens) {
		return p.tokens[p.pos]
	}
	return token{at: len(p.text)}
}

func (p *filterParser) next() token {
	t := p.peek()
	p.pos++
	return t
}

// word takes the next token when it is this word (letters of any case).
func (p *filterParser) word(w string) bool {
	if t := p.peek(); t.kind == "word" && strings.EqualFold(t.text, w) {
		p.pos++
		return true
	}
	return false
}

// punct takes the next token when it is this sign.
func (p *filterParser) punct(s string) bool {
	if t := p.peek(); t.kind == "punct" && t.text == s {
		p.pos++
		return true
	}
	return false
}

func (p *filterParser) syntax() error {
	return says("Syntax error at position %d in '%s'.", p.peek().at, p.text)
}

func (p *filterParser) or(depth int) (*filter, error) { return p.joined("or", depth, p.and) }

func (p *filterParser) and(depth int) (*filter, error) { return p.joined("and", depth, p.not) }

// joined reads operands with one logical word between them.
func (p *filterParser) joined(op string, depth int, operand func(int) (*filter, error)) (*filter, error) {
	if depth > maxFilterDepth {
		return nil, says("Recursion depth exceeded allowed limit.")
	}
	f, err := operand(depth)
	if err != nil || !p.word(op) {
		return f, err
	}
	all := &filter{op: op, kids: []*filter{f}}
	for {
		if f, err = operand(depth); err != nil {
			return nil, err
		}
		all.kids = append(all.kids, f)
		if !p.word(op) {
			return all, nil
		}
	}
}

func (p *filterParser) not(depth int) (*filter, error) {
	if !p.word("not") {
		return p.primary(depth)
	}
	if depth > maxFilterDepth {
		return nil, says("Recursion depth exceeded allowed limit.")
	}
	f, err := p.not(depth + 1)
	if err != nil {
		return nil, err
	}
	return &filter{op: "not", kids: []*filter{f}}, nil
}

// primary reads a group, a function, a lambda or a comparison.
func (p *filterParser) primary(depth int) (*filter, error) {
	if p.punct("(") {
		f, err := p.or(depth + 1)
		if err == nil && !p.punct(")") {
			err = p.syntax()
		}
		return f, err
	}
	t := p.peek()
	if t.kind != "word" {
		return nil, p.syntax()
	}
	p.pos++
	if p.punct("(") {
		return p.call(t, depth)
	}
	return p.comparison(t.text)
}

// call reads what is behind "name(": a function's arguments or a lambda's body.
func (p *filterParser) call(name token, depth int) (*filter, error) {
	path, last := cutLast(name.text)
	switch op := strings.ToLower(last); {
	case path == "" && (op == "startswith" || op == "endswith" || op == "contains"):
		return p.function(op)
	case path != "" && (op == "any" || op == "all"):
		return p.lambda(op, path, depth)
	}
	p.pos--
	return nil, says("An unknown function with name '%s' was found. This may also be a function import or a key lookup on a navigation property, which is not allowed.", last)
}

func cutLast(path string) (before, last string) {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}

func (p *filterParser) function(op string) (*filter, error) {
	prop := p.next()
	if prop.kind != "word" || !p.punct(",") {
		return nil, p.syntax()
	}
	v, err := p.literal()
	if err != nil {
		return nil, err
	}
	if !p.punct(")") {
		return nil, p.syntax()
	}
	f := &filter{op: op, path: strings.Split(prop.text, "/"), values: []literal{v}}
	if p.word("eq") { // startswith(x,'y') eq true
		switch {
		case p.word("true"):
		case p.word("false"):
			return &filter{op: "not", kids: []*filter{f}}, nil
		default:
			return nil, p.syntax()
		}
	}
	return f, nil
}

func (p *filterParser) lambda(op, path string, depth int) (*filter, error) {
	f := &filter{op: op, path: strings.Split(path, "/")}
	if op == "any" && p.punct(")") {
		return f, nil
	}
	name := p.next()
	if name.kind != "word" || strings.Contains(name.text, "/") || !p.punct(":") {
		return nil, p.syntax()
	}
	body, err := p.or(depth + 1)
	if err != nil {
		return nil, err
	}
	if !p.punct(")") {
		return nil, p.syntax()
	}
	f.name, f.kids = name.text, []*filter{body}
	return f, nil
}

// comparison reads what follows a property: an operator and a constant, a list behind
// "in", or nothing at all for a property that is a truth itself.
func (p *filterParser) comparison(path string) (*filter, error) {
	f := &filter{path: strings.Split(path, "/")}
	t := p.peek()
	op := strings.ToLower(t.text)
	if t.kind != "word" || op == "and" || op == "or" {
		f.op = "true"
		return f, nil
	}
	p.pos++
	switch op {
	case "eq", "ne", "gt", "ge", "lt", "le":
		v, err := p.literal()
		f.op, f.values = op, []literal{v}
		return f, err
	case "in":
		return p.list(f)
	}
	p.pos--
	return nil, p.syntax()
}

func (p *filterParser) list(f *filter) (*filter, error) {
	f.op = "in"
	if !p.punct("(") {
		return nil, p.syntax()
	}
	for {
		v, err := p.literal()
		if err != nil {
			return nil, err
		}
		f.values = append(f.values, v)
		if p.punct(")") {
			return f, nil
		}
		if !p.punct(",") {
			return nil, p.syntax()
		}
	}
}

var (
	guidText   = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	intText    = regexp.MustCompile(`^-?\d{1,18}$`)
	numberText = regexp.MustCompile(`^-?\d{1,18}\.\d{1,18}$`)
	dateText   = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
)

func (p *filterParser) literal() (literal, error) {
	t := p.next()
	kind := ""
	switch {
	case t.kind == "string":
		kind = "string"
	case t.kind != "word":
	case guidText.MatchString(t.text):
		kind = "guid"
	case instant.FindString(t.text) == t.text && t.text != "", dateText.MatchString(t.text):
		kind = "time"
	case t.text == "true" || t.text == "false":
		kind = "bool"
	case t.text == "null":
		kind = "null"
	case intText.MatchString(t.text):
		kind = "int"
	case numberText.MatchString(t.text):
		kind = "number"
	}
	if kind == "" {
		p.pos--
		return literal{}, p.syntax()
	}
	return literal{kind, t.text}, nil
}
