package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Condition is one thing that must hold of an answer. Path walks objects by dots. Is is
// what the value there must be; Contains and Lacks look into a list of strings; Any asks for
// an element of a list that has all these properties, None that there is no such element.
// Text compares without regard to case. An absent property never meets a condition: it was
// not told, which differs from null. Nor does a list with a further page meet Lacks or None.
type Condition struct {
	Path     string          `json:"path"`
	Is       json.RawMessage `json:"is,omitempty"`
	Contains []string        `json:"contains,omitempty"`
	Lacks    []string        `json:"lacks,omitempty"`
	Any      json.RawMessage `json:"any,omitempty"`
	None     json.RawMessage `json:"none,omitempty"`
}

// empty says whether a condition asks nothing.
func (c Condition) empty() bool {
	return c.Is == nil && c.Any == nil && c.None == nil && len(c.Contains)+len(c.Lacks) == 0
}

// answer is a decoded answer of Graph.
type answer map[string]any

func decodeAnswer(data []byte) (answer, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var out answer
	if err := dec.Decode(&out); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return out, nil
}

// holds says whether all conditions hold of an answer; nil, no such object, meets none.
func (v Verify) holds(a answer) bool {
	for _, c := range v.Conditions {
		if a == nil || !c.holds(a) {
			return false
		}
	}
	return true
}

func (c Condition) holds(a answer) bool {
	value, ok := at(a, c.Path)
	if !ok {
		return false
	}
	_, more := a["@odata.nextLink"]
	switch {
	case c.Is != nil:
		return covers(value, decoded(c.Is))
	case c.Any != nil:
		return len(matches(value, c.Any)) > 0
	case c.None != nil:
		_, list := value.([]any)
		return list && !more && len(matches(value, c.None)) == 0
	}
	list, ok := stringsOf(value)
	if !ok || len(missing(c.Contains, list)) > 0 {
		return false
	}
	return len(c.Lacks) == 0 || (!more && len(missing(c.Lacks, list)) == len(c.Lacks))
}

// at is the value at a path of member names.
func at(a answer, path string) (any, bool) {
	var v any = map[string]any(a)
	for name := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = object[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

func decoded(data json.RawMessage) any {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return &v // equals nothing that was decoded
	}
	return v
}

// matches are the elements of a list that have all the properties of want.
func matches(list any, want json.RawMessage) []map[string]any {
	items, _ := list.([]any)
	w := decoded(want)
	var out []map[string]any
	for _, item := range items {
		if object, ok := item.(map[string]any); ok && covers(object, w) {
			out = append(out, object)
		}
	}
	return out
}

// covers says whether value is want, an object that has every member of want, or a list of
// as many elements that has every element of want.
func covers(value, want any) bool {
	switch w := want.(type) {
	case string:
		s, ok := value.(string)
		return ok && strings.EqualFold(s, w)
	case map[string]any:
		object, ok := value.(map[string]any)
		if !ok {
			return false
		}
		for name, inner := range w {
			v, has := object[name]
			if !has || !covers(v, inner) {
				return false
			}
		}
		return true
	case []any:
		items, ok := value.([]any)
		return ok && len(items) == len(w) && coversAll(items, w)
	}
	return reflect.DeepEqual(value, want)
}

// coversAll says whether every wanted element is there; Graph keeps no order in its lists.
func coversAll(items, want []any) bool {
	for _, w := range want {
		if !slices.ContainsFunc(items, func(item any) bool { return covers(item, w) }) {
			return false
		}
	}
	return true
}

func stringsOf(value any) ([]string, bool) {
	items, ok := value.([]any)
	if !ok {
		return nil, false
	}
	out := make([]string, 0, len(items))
	for _, item := range items {
		s, ok := item.(string)
		if !ok {
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}
