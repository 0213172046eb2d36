package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// checker holds one exchange while it is checked.
type checker struct {
	c        *Contracts
	e        Exchange
	u        *url.URL
	path     string // Problem.Path
	problems []Problem

	m      *graphModel
	t      *target
	view   *view // what the query asked the answer to hold
	nested bool  // inside a $batch, where some headers do not exist
}

// report adds a problem; the detail is made of names and places, never of values.
func (k *checker) report(side, code, typ, name, at, format string, args ...any) {
	k.problems = append(k.problems, Problem{
		Side: side, Code: code, Method: k.e.Method, Path: k.path, Type: typ, Name: name, At: at,
		Detail: fmt.Sprintf(format, args...),
	})
}

func (k *checker) request(code, typ, name, at, format string, args ...any) {
	k.report("request", code, typ, name, at, format, args...)
}

func (k *checker) answer(code, typ, name, at, format string, args ...any) {
	k.report("answer", code, typ, name, at, format, args...)
}

func (k *checker) run() {
	u, err := url.Parse(k.e.URL)
	if err != nil {
		k.request(unknownPath, "", "", "URL", "the URL cannot be parsed")
		return
	}
	k.u = u
	version, rest := splitVersion(u.EscapedPath())
	switch {
	case version != "":
		k.m = k.c.graph[version]
		k.graph(version, rest)
	case isARM(u.Path):
		k.armExchange()
	default:
		k.path = neutralPath(u.Path)
		k.request(notCovered, "", "", "", "neither a Graph nor an ARM call")
	}
}

// ids are what neutralPath replaces: object ids and domain names.
var ids = regexp.MustCompile(`^([0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|[\w-]+(\.[\w-]+)+)$`)

// neutralPath is a path with its ids as {}, to name a call in an exception. Version segments stay.
func neutralPath(path string) string {
	segs := strings.Split(path, "/")
	for i, s := range segs {
		if ids.MatchString(s) && s != "v2.0" && !strings.HasPrefix(s, "openid") && !strings.Contains(s, "Microsoft.") {
			segs[i] = "{}"
		}
	}
	return strings.Join(segs, "/")
}

// graph checks a Graph exchange.
func (k *checker) graph(version, rest string) {
	if rest == "/$batch" {
		k.path = version + " /$batch"
		k.batch()
		return
	}
	t, err := k.m.walk(rest)
	k.t, k.path = t, version+" "+t.template
	if err != nil {
		k.path = version + " " + neutralPath(rest)
		k.request(unknownPath, "", "", "", "%v", err)
		k.graphAnswerWithoutModel()
		return
	}
	for _, s := range t.miscased {
		k.request(pathCase, "", "", "", "written as %s", s)
	}
	if t.opaque() && t.op == nil {
		k.request(notCovered, t.nav.Type, "", "", "the contracts leave the type %s out", t.nav.Type)
		k.graphAnswerWithoutModel()
		return
	}
	k.operation()
	k.reference()
	k.view = k.query()
	k.graphRequestBody()
	k.graphAnswer()
}

// operation: the permission table knows this call.
func (k *checker) operation() {
	t := k.t
	ops, ok := k.m.operations(t)
	if !ok {
		k.request(noOperation, t.typ, "", "", "Microsoft's table knows no call on this path")
		return
	}
	method := k.e.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if _, ok := ops[method]; !ok {
		k.request(methodNotAllowed, t.typ, "", "", "the path is known, but not with %s", k.e.Method)
	}
	if t.op != nil && (t.op.Kind == "action") != (k.e.Method == http.MethodPost) {
		k.request(methodNotAllowed, t.op.Bind, t.op.Name, "", "%s is an %s", t.op.Name, t.op.Kind)
	}
}

// plainWrites are navigation properties without containment that are nevertheless written
// without $ref: purging a deleted object ("Permanently delete an item"), and creating a
// group inside a unit ("Add a member" of an administrative unit).
var plainWrites = map[string]bool{"directory/deleteditems": true, "administrativeUnit/members": true}

// reference: links are written through $ref; without it Graph would create or delete the
// object at the other end.
func (k *checker) reference() {
	t := k.t
	if t.nav == nil || t.op != nil || t.prop != nil || t.ref || k.e.Method == http.MethodGet {
		return
	}
	if !t.nav.Contains && t.nav.Src == "" && !plainWrites[t.owner+"/"+lastNav(t)] {
		k.request(badReference, t.owner, lastNav(t), "", "a link is written through /$ref")
	}
}

// lastNav is the name of the navigation property a target ends in.
func lastNav(t *target) string {
	segs := strings.Split(t.template, "/")
	for i := len(segs) - 1; i >= 0; i-- {
		if segs[i] != "{}" && !strings.HasPrefix(segs[i], "microsoft.graph.") {
			return segs[i]
		}
	}
	return ""
}

// decode reads one JSON value and refuses what follows it and duplicate names.
func decode(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := decodeValue(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one JSON value")
	}
	return v, nil
}

func decodeValue(d *json.Decoder) (any, error) {
	tok, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		return tok, nil
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			v, err := decodeValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	obj := map[string]any{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := decodeValue(d)
		if err != nil {
			return nil, err
		}
		if _, twice := obj[name.(string)]; twice {
			return nil, fmt.Errorf("the name %q occurs twice", name)
		}
		obj[name.(string)] = v
	}
	_, err = d.Token()
	return obj, err
}

func isJSONType(h http.Header) bool {
	mime, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(mime), "application/json")
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
