package plan

import "encoding/json"

// Condition is one thing that must hold of an answer. Path walks objects by dots. Is is
// what the value there must be; Contains and Lacks look into a list of strings; Any asks for
// an element of a list that has all these properties, None that there is no such element.
// Text compares without regard to case. An absent property never meets a condition: it was
// not told, which differs from null.
type Condition struct {
	Path     string          `json:"path"`
	Is       json.RawMessage `json:"is,omitempty"`
	Contains []string        `json:"contains,omitempty"`
	Lacks    []string        `json:"lacks,omitempty"`
	Any      json.RawMessage `json:"any,omitempty"`
	None     json.RawMessage `json:"none,omitempty"`
}
