package contract

import (
	"regexp"
	"slices"
	"strings"
)

// filter parses a $filter and checks that every property in it exists and that every
// literal has the property's type ("Use the $filter query parameter").
func (k *checker) filter(text, typ, at string) {
	p := &filterParser{k: k, typ: typ, at: at, vars: map[string]string{}, toks: filterTokens(text)}
	if p.toks == nil {
		k.request(badQuery, typ, "$filter", at, "a quote is not closed or a character is unknown")
		return
	}
	p.or()
	if !p.failed && p.pos != len(p.toks) {
		p.fail("unexpected %q", p.peek())
	}
}

// isAdvancedFilter: ne, not, endswith and counting need the consistency header.
func isAdvancedFilter(text string) bool {
	for _, t := range filterTokens(text) {
		if t == "ne" || t == "not" || strings.EqualFold(t, "endswith") || strings.HasSuffix(t, "/$count") {
			return true
		}
	}
	return false
}

var filterToken = regexp.MustCompile(`^(` +
	`'(?:[^']|'')*'` + // a quoted text
	`|\d{4}-\d{2}-\d{2}(?:T[0-9:.]+(?:Z|[+-]\d{2}:\d{2})?)?` + // an instant or date
	`|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}` + // a GUID
	`|-?\d+(?:\.\d+)?` + // a number
	`|[A-Za-z_$][\w.$]*(?:/[A-Za-z_$][\w.$]*)*` + // a path, operator or function
	`|[(),:]` +
	`)`)

// guidToken comes first: a GUID may begin like a number, a date or a word.
var guidToken = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`)

// filterTokens is nil where the text cannot be split.
func filterTokens(text string) []string {
	toks := []string{}
	for text = strings.TrimLeft(text, " \t"); text != ""; text = strings.TrimLeft(text, " \t") {
		t := guidToken.FindString(text)
		if t == "" {
			t = filterToken.FindString(text)
		}
		if t == "" {
			return nil
		}
		toks = append(toks, t)
		text = text[len(t):]
	}
	return toks
}

type filterParser struct {
	k      *checker
	typ    string
	at     string
	vars   map[string]string // lambda variable -> its type
	toks   []string
	pos    int
	failed bool
}

// operand is one side of a comparison: the type a path has, or the kind a literal is.
type operand struct {
	typ     string // type of a path or function result; empty for a literal
	coll    bool
	literal string // text, guid, instant, number, bool, null; empty for a path
	value   string
	name    string
}

func (p *filterParser) peek() string {
	if p.pos < len(p.toks) {
		return p.toks[p.pos]
	}
	return ""
}

func (p *filterParser) next() string {
	t := p.peek()
	p.pos++
	return t
}

func (p *filterParser) expect(tok string) {
	if t := p.next(); t != tok {
		p.fail("%q where %q belongs", t, tok)
	}
}

func (p *filterParser) fail(format string, args ...any) {
	if !p.failed {
		p.k.request(badQuery, p.typ, "$filter", p.at, "malformed: "+format, args...)
	}
	p.failed, p.pos = true, len(p.toks)+1
}

func (p *filterParser) or() {
	for p.and(); p.peek() == "or"; p.and() {
		p.next()
	}
}

func (p *filterParser) and() {
	for p.term(); p.peek() == "and"; p.term() {
		p.next()
	}
}

func (p *filterParser) term() {
	switch p.peek() {
	case "":
		p.fail("it ends too early")
	case "not":
		p.next()
		p.term()
	case "(":
		p.next()
		p.or()
		p.expect(")")
	default:
		p.comparison()
	}
}

var comparisons = []string{"eq", "ne", "gt", "ge", "lt", "le", "in", "has"}

func (p *filterParser) comparison() {
	left := p.operand()
	op := p.peek()
	if !slices.Contains(comparisons, op) {
		if left.literal != "" || left.typ != "Edm.Boolean" && left.typ != "Any" && !p.failed {
			p.fail("a comparison belongs after %s", left.name)
		}
		return
	}
	p.next()
	if op != "in" {
		p.compare(left, p.operand())
		return
	}
	p.expect("(")
	for p.compare(left, p.operand()); p.peek() == ","; p.compare(left, p.operand()) {
		p.next()
	}
	p.expect(")")
}

func (p *filterParser) operand() operand {
	t := p.next()
	switch {
	case t == "" || strings.Contains("(),:", t):
		p.fail("%q where a property or value belongs", t)
		return operand{typ: "Any"}
	case t == "true" || t == "false":
		return operand{literal: "bool", name: t}
	case t == "null":
		return operand{literal: "null", name: t}
	case t[0] == '\'':
		return operand{literal: "text", value: strings.ReplaceAll(t[1:len(t)-1], "''", "'"), name: "a text"}
	case isGUID(t):
		return operand{literal: "guid", name: "a GUID"}
	case t[0] == '-' || t[0] >= '0' && t[0] <= '9':
		if strings.Contains(t[1:], "-") {
			return p.instant(t)
		}
		return operand{literal: "number", name: "a number"}
	case p.peek() == "(":
		return p.call(t)
	}
	return p.path(t)
}

func (p *filterParser) instant(t string) operand {
	if !strings.Contains(t, "T") {
		return operand{literal: "date", name: "a date"}
	}
	if !isInstant(t) {
		p.fail("an instant without seconds or zone")
	}
	return operand{literal: "instant", name: "an instant"}
}

// path resolves a property path, whose first segment may be a lambda variable.
func (p *filterParser) path(t string) operand {
	typ, coll := p.typ, false
	for i, seg := range strings.Split(t, "/") {
		if v, ok := p.vars[seg]; ok && i == 0 {
			typ = v
			continue
		}
		if seg == "$count" && coll {
			return operand{typ: "Edm.Int32", name: t}
		}
		if cast, ok := strings.CutPrefix(seg, "microsoft.graph."); ok && p.k.m.isA(cast, typ) {
			typ = cast
			continue
		}
		prop := p.k.m.member(typ, seg)
		if prop == nil {
			if typ != "Any" && p.k.m.Types[typ] != nil || i == 0 {
				p.k.request(unknownProperty, typ, seg, p.at, "%s has no property %q", typ, seg)
			}
			return operand{typ: "Any", name: t}
		}
		typ, coll = prop.Type, prop.Collection
	}
	return operand{typ: typ, coll: coll, name: t}
}

// filterFunctions are the functions Graph documents for $filter and what they give.
var filterFunctions = map[string]string{
	"startswith": "Edm.Boolean", "endswith": "Edm.Boolean", "contains": "Edm.Boolean", "isof": "Edm.Boolean",
	"tolower": "Edm.String", "toupper": "Edm.String", "trim": "Edm.String", "length": "Edm.Int32",
}

// call is a function or a lambda (path/any(x: …)).
func (p *filterParser) call(t string) operand {
	p.expect("(")
	name := t[strings.LastIndex(t, "/")+1:]
	if name == "any" || name == "all" {
		return p.lambda(strings.TrimSuffix(t, "/"+name))
	}
	ret, ok := filterFunctions[strings.ToLower(t)]
	if !ok {
		p.fail("unknown function %q", t)
		return operand{typ: "Any"}
	}
	for first := true; !p.failed && p.peek() != ")"; first = false {
		if !first {
			p.expect(",")
		}
		if a := p.operand(); a.literal == "" && strings.HasSuffix(strings.ToLower(t), "with") && a.typ != "Edm.String" && a.typ != "Any" {
			p.k.request(wrongType, p.typ, a.name, p.at, "%s of a property that is no text", t)
		}
	}
	p.expect(")")
	return operand{typ: ret, name: t}
}

func (p *filterParser) lambda(path string) operand {
	of := p.path(path)
	if !of.coll && of.typ != "Any" {
		p.fail("any or all over %s, which is no collection", path)
	}
	if p.peek() == ")" {
		p.next()
		return operand{typ: "Edm.Boolean", name: path}
	}
	v := p.next()
	p.expect(":")
	p.vars[v] = of.typ
	p.or()
	delete(p.vars, v)
	p.expect(")")
	return operand{typ: "Edm.Boolean", name: path}
}

// compare: the literal has the property's type.
func (p *filterParser) compare(a, b operand) {
	if a.literal != "" {
		a, b = b, a
	}
	if p.failed || a.literal != "" || b.literal == "" || a.typ == "Any" || b.literal == "null" {
		return
	}
	if e := p.k.m.Enums[a.typ]; e != nil {
		if b.literal != "text" || !e.has(b.value) {
			p.k.request(unknownMember, a.typ, b.value, p.at, "%s is compared with what is no member of %s", a.name, a.typ)
		}
		return
	}
	want := map[string][]string{
		"Edm.String": {"text"}, "Edm.Guid": {"guid"}, "Edm.Boolean": {"bool"}, "Edm.DateTimeOffset": {"instant"},
		"Edm.Date": {"date"}, "Edm.Int32": {"number"}, "Edm.Int64": {"number"}, "Edm.Double": {"number"},
		"Edm.Duration": {"text"}, "Edm.Binary": {"text"}, "Edm.Number": {"number"},
	}[a.typ]
	if !slices.Contains(want, b.literal) {
		p.k.request(wrongType, a.typ, a.name, p.at, "%s (%s) is compared with %s", a.name, a.typ, b.name)
	}
}
