package entra

import (
	"bytes"
	"encoding/json"
)

// Maybe is a property that may be absent from what was read. The zero value is absent.
// Graph's null is known: it means "has no value", which differs from "was not told".
type Maybe[T any] struct {
	state byte
	value T
}

const (
	absent byte = iota
	null
	present
)

// Some is a known value.
func Some[T any](v T) Maybe[T] { return Maybe[T]{state: present, value: v} }

// Null is a known absence of value.
func Null[T any]() Maybe[T] { return Maybe[T]{state: null} }

// Known says whether the property was in the answer, null included.
func (m Maybe[T]) Known() bool { return m.state != absent }

// IsNull says whether the property was in the answer as null.
func (m Maybe[T]) IsNull() bool { return m.state == null }

// Value is the value, and whether there is one.
func (m Maybe[T]) Value() (T, bool) { return m.value, m.state == present }

// Or is the value, or d where there is none.
func (m Maybe[T]) Or(d T) T {
	if m.state == present {
		return m.value
	}
	return d
}

// IsZero lets `omitzero` leave out what was not read.
func (m Maybe[T]) IsZero() bool { return m.state == absent }

// MarshalJSON writes the value, or null.
func (m Maybe[T]) MarshalJSON() ([]byte, error) {
	if m.state != present {
		return []byte("null"), nil
	}
	return json.Marshal(m.value)
}

// UnmarshalJSON is called only for a property that is there. A value of another type than
// expected leaves the property unknown instead of failing the whole reading: the live
// service adds types and members, and what we cannot understand we were not told.
func (m *Maybe[T]) UnmarshalJSON(data []byte) error {
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		*m = Null[T]()
		return nil
	}
	var v T
	if json.Unmarshal(data, &v) != nil {
		*m = Maybe[T]{}
		return nil
	}
	*m = Some(v)
	return nil
}
