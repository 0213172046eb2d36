package contract

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// view is what a query asked an answer to hold.
type view struct {
	// selected are the properties of $select; nil means none was given. "*" selects all.
	selected []string
	// expand are the navigation properties asked for inline.
	expand map[string]*view
	// count: $count=true.
	count bool
}

func (v *view) wants(name string) bool {
	return v == nil || v.selected == nil || slices.Contains(v.selected, name) || slices.Contains(v.selected, "*")
}

func (v *view) expanded(name string) (*view, bool) {
	if v == nil {
		return nil, false
	}
	if sub, ok := v.expand[name]; ok {
		return sub, true
	}
	sub, ok := v.expand["*"]
	return sub, ok
}

// collectionOptions and singleOptions are the query options by what a GET addresses
// ("Use query parameters to customize responses").
var (
	collectionOptions = []string{"$select", "$expand", "$filter", "$orderby", "$top", "$skip", "$skiptoken", "$deltatoken", "$count", "$search", "$format"}
	singleOptions     = []string{"$select", "$expand", "$format"}
	countOptions      = []string{"$filter", "$search"}
)

// query checks the query options and gives back what they ask for.
func (k *checker) query() *view {
	v := &view{expand: map[string]*view{}}
	opts := k.options()
	allowed := k.allowedOptions()
	typ := k.t.typ
	for _, name := range opts.order {
		at := "query " + name
		if !slices.Contains(allowed, name) {
			k.request(badQuery, typ, name, at, "%s has no place in %s of this path", name, k.e.Method)
			continue
		}
		k.option(v, name, opts.value[name], typ, at)
	}
	k.consistency(opts)
	return v
}

// option checks one query option, top-level or inside $expand.
func (k *checker) option(v *view, name, value, typ, at string) {
	switch name {
	case "$select":
		v.selected = k.selectList(value, typ, at)
	case "$expand":
		k.expandList(v, value, typ, at)
	case "$filter":
		k.filter(value, typ, at)
	case "$orderby":
		k.orderBy(value, typ, at)
	case "$top", "$skip":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || name == "$top" && (n == 0 || n > 999 && !k.largePages()) {
			k.request(badQuery, typ, name, at, "not a page size that Graph takes")
		}
	case "$count":
		v.count = value == "true"
		if value != "true" && value != "false" {
			k.request(badQuery, typ, name, at, "neither true nor false")
		}
	case "$search":
		k.search(value, typ, at)
	case "$levels":
		if value != "max" && !isDigits(value) {
			k.request(badQuery, typ, name, at, "neither max nor a number")
		}
	}
}

// largePages: the log collections take pages of 1000 ("List signIns", "List directoryAudits").
func (k *checker) largePages() bool {
	return strings.HasPrefix(k.t.template, "/auditlogs/")
}

type options struct {
	order []string
	value map[string]string
}

// options splits the query by hand, as net/url would drop what it cannot parse.
func (k *checker) options() options {
	out := options{value: map[string]string{}}
	for _, part := range strings.Split(k.u.RawQuery, "&") {
		if part == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(part, "=")
		name, err1 := url.QueryUnescape(rawName)
		value, err2 := url.QueryUnescape(rawValue)
		if err1 != nil || err2 != nil {
			k.request(badQuery, k.t.typ, name, "query", "an option cannot be decoded")
			continue
		}
		if _, twice := out.value[name]; twice {
			k.request(badQuery, k.t.typ, name, "query "+name, "the option is given twice")
			continue
		}
		out.order = append(out.order, name)
		out.value[name] = value
	}
	return out
}

func (k *checker) allowedOptions() []string {
	t := k.t
	switch {
	case k.e.Method != http.MethodGet && t.op == nil:
		return nil
	case t.count:
		return countOptions
	case t.value:
		return nil
	case t.coll:
		return collectionOptions
	}
	return singleOptions
}

// selectList: every name exists on the type.
func (k *checker) selectList(value, typ, at string) []string {
	names := []string{}
	for _, name := range strings.Split(value, ",") {
		name = strings.TrimSpace(name)
		names = append(names, name)
		if name == "*" || k.m.Types[typ] == nil {
			continue
		}
		if k.path0(typ, name) == nil {
			k.request(unknownProperty, typ, name, at, "%s has no property %q", typ, name)
		}
	}
	return names
}

// path0 resolves a/b inside $select and $orderby.
func (k *checker) path0(typ, path string) *graphProp {
	var p *graphProp
	for _, seg := range strings.Split(path, "/") {
		if cast, ok := strings.CutPrefix(seg, "microsoft.graph."); ok && k.m.isA(cast, typ) {
			typ = cast
			continue
		}
		p = k.m.member(typ, seg)
		if p == nil {
			return nil
		}
		typ = p.Type
	}
	return p
}

// expandList: every name is a navigation property, and its nested options are legal.
func (k *checker) expandList(v *view, value, typ, at string) {
	for _, item := range splitOutside(value, ',') {
		item = strings.TrimSpace(item)
		name, nested := item, ""
		if i := strings.IndexByte(item, '('); i >= 0 && strings.HasSuffix(item, ")") {
			name, nested = item[:i], item[i+1:len(item)-1]
		}
		sub := &view{expand: map[string]*view{}}
		v.expand[name] = sub
		if name == "*" || k.m.Types[typ] == nil {
			continue
		}
		p := k.expandable(typ, name)
		if p == nil {
			k.request(unknownProperty, typ, name, at, "%s has no navigation property %q to expand", typ, name)
			continue
		}
		k.nestedOptions(sub, nested, p, at+" "+name)
	}
}

// expandable finds a navigation property, on a derived type too.
func (k *checker) expandable(typ, name string) *graphProp {
	if cast, rest, ok := strings.Cut(strings.TrimPrefix(name, "microsoft.graph."), "/"); ok && k.m.isA(cast, typ) {
		typ, name = cast, rest
	}
	for _, t := range append([]string{typ}, k.m.derived[typ]...) {
		if p := k.m.nav(t, name); p != nil {
			return p
		}
	}
	return nil
}

func (k *checker) nestedOptions(v *view, nested string, p *graphProp, at string) {
	if nested == "" {
		return
	}
	for _, opt := range splitOutside(nested, ';') {
		name, value, _ := strings.Cut(strings.TrimSpace(opt), "=")
		if !slices.Contains(collectionOptions, name) && name != "$levels" {
			k.request(badQuery, p.Type, name, at, "%q is no option of $expand", name)
			continue
		}
		if k.m.Types[p.Type] != nil {
			k.option(v, name, value, p.Type, at+" "+name)
		}
	}
}

// orderBy: the properties exist and the direction is asc or desc.
func (k *checker) orderBy(value, typ, at string) {
	for _, item := range strings.Split(value, ",") {
		words := strings.Fields(item)
		if len(words) == 0 || len(words) > 2 || len(words) == 2 && words[1] != "asc" && words[1] != "desc" {
			k.request(badQuery, typ, "$orderby", at, "malformed")
			continue
		}
		if k.path0(typ, words[0]) == nil {
			k.request(unknownProperty, typ, words[0], at, "%s has no property %q", typ, words[0])
		}
	}
}

// search: "property:text" in double quotes, joined by AND and OR ("Use the $search query parameter").
func (k *checker) search(value, typ, at string) {
	clauses := strings.FieldsFunc(value, func(r rune) bool { return r == '(' || r == ')' })
	for _, c := range strings.Split(strings.NewReplacer(" AND ", "\x00", " OR ", "\x00").Replace(strings.Join(clauses, "")), "\x00") {
		c = strings.TrimSpace(c)
		if len(c) < 2 || c[0] != '"' || c[len(c)-1] != '"' {
			k.request(badQuery, typ, "$search", at, "a clause is not in double quotes")
			continue
		}
		name, _, ok := strings.Cut(c[1:len(c)-1], ":")
		if !ok || k.m.member(typ, name) == nil {
			k.request(unknownProperty, typ, name, at, "%s has no property %q to search", typ, name)
		}
	}
}

// consistency: advanced queries on directory objects need the header and $count=true
// ("Advanced query capabilities on Microsoft Entra ID objects").
func (k *checker) consistency(o options) {
	if !k.m.isA(k.t.typ, "directoryObject") || k.e.Method != http.MethodGet {
		return
	}
	_, searching := o.value["$search"]
	_, ordering := o.value["$orderby"]
	filter, filtering := o.value["$filter"]
	advanced := filtering && (isAdvancedFilter(filter) || ordering)
	if !advanced && !searching && !k.t.count {
		return
	}
	if !strings.EqualFold(k.e.RequestHeader.Get("ConsistencyLevel"), "eventual") {
		k.request(needsConsistency, k.t.typ, "", "header ConsistencyLevel", "an advanced query without ConsistencyLevel: eventual")
	}
	if advanced && !k.t.count && o.value["$count"] != "true" {
		k.request(needsConsistency, k.t.typ, "$count", "query", "an advanced query without $count=true")
	}
}

// splitOutside splits at sep where no quote or parenthesis is open.
func splitOutside(s string, sep byte) []string {
	var out []string
	depth, start, quoted := 0, 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\'':
			quoted = !quoted
		case quoted:
		case s[i] == '(':
			depth++
		case s[i] == ')':
			depth--
		case s[i] == sep && depth == 0:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
