package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
)

// maxDepth bounds the nesting of a plan file.
const maxDepth = 64

// strict walks the file beside the type Plan and refuses members that it does not have,
// members that stand there twice, and anything after the end.
func (f *file) strict() error {
	dec := json.NewDecoder(bytes.NewReader(f.data))
	dec.UseNumber()
	if err := f.value(dec, reflect.TypeFor[Plan](), 0); err != nil {
		if already, ok := errors.AsType[*FileError](err); ok {
			return already
		}
		return f.located(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return f.at(dec.InputOffset(), "something follows the end of the plan")
	}
	return nil
}

// value walks one value; t is nil where the file is free (bodies, values of conditions).
func (f *file) value(dec *json.Decoder, t reflect.Type, depth int) error {
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	if depth > maxDepth {
		return f.at(dec.InputOffset(), "nested too deeply")
	}
	switch tok {
	case json.Delim('{'):
		return f.object(dec, shape(t, reflect.Struct), shape(t, reflect.Map), depth)
	case json.Delim('['):
		return f.array(dec, shape(t, reflect.Slice), depth)
	}
	return nil
}

// shape is t, through pointers, when it is of this kind; nil otherwise.
func shape(t reflect.Type, k reflect.Kind) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != k || t == reflect.TypeFor[json.RawMessage]() {
		return nil
	}
	return t
}

func (f *file) object(dec *json.Decoder, fields, mapped reflect.Type, depth int) error {
	seen := map[string]bool{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		key, ok := tok.(string)
		if !ok {
			return f.at(dec.InputOffset(), "a member needs a name")
		}
		start := dec.InputOffset() - int64(len(key)) - 2
		if start < 0 || string(f.data[start+1:dec.InputOffset()-1]) != key {
			return f.at(dec.InputOffset(), "the name %q is written with an escape", key)
		}
		if seen[key] {
			return f.at(start, "%q stands here twice", key)
		}
		seen[key] = true
		var inner reflect.Type
		switch {
		case fields != nil:
			if inner, ok = member(fields, key); !ok {
				return f.at(start, "unknown member %q", key)
			}
		case mapped != nil:
			inner = mapped.Elem()
		}
		if err := f.value(dec, inner, depth+1); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

// member is the type of a struct's member by its JSON name, spelled exactly.
func member(t reflect.Type, key string) (reflect.Type, bool) {
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == key {
			return t.Field(i).Type, true
		}
	}
	return nil, false
}

func (f *file) array(dec *json.Decoder, list reflect.Type, depth int) error {
	var inner reflect.Type
	if list != nil {
		inner = list.Elem()
	}
	for dec.More() {
		if err := f.value(dec, inner, depth+1); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}
