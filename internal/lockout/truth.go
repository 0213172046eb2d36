package lockout

import (
	"encoding/json"
	"fmt"
)

// Truth is the answer to a question about what was read. The zero value is Unknown.
type Truth int8

// The three answers.
const (
	Unknown Truth = iota
	False
	True
)

// truth is b as an answer.
func truth(b bool) Truth {
	if b {
		return True
	}
	return False
}

// And is True when both are, False when either is; what is left is Unknown.
func (t Truth) And(o Truth) Truth {
	switch {
	case t == False || o == False:
		return False
	case t == True && o == True:
		return True
	}
	return Unknown
}

// Or is True when either is, False when both are; what is left is Unknown.
func (t Truth) Or(o Truth) Truth { return t.Not().And(o.Not()).Not() }

// Not is the opposite; of Unknown, Unknown.
func (t Truth) Not() Truth {
	switch t {
	case True:
		return False
	case False:
		return True
	}
	return Unknown
}

// String is yes, no or could not tell.
func (t Truth) String() string {
	switch t {
	case True:
		return "yes"
	case False:
		return "no"
	}
	return "could not tell"
}

// MarshalJSON writes the words of String.
func (t Truth) MarshalJSON() ([]byte, error) { return json.Marshal(t.String()) }

// UnmarshalJSON reads the words of String.
func (t *Truth) UnmarshalJSON(data []byte) error {
	var word string
	if err := json.Unmarshal(data, &word); err != nil {
		return fmt.Errorf("read an answer: %w", err)
	}
	for _, v := range []Truth{Unknown, False, True} {
		if v.String() == word {
			*t = v
			return nil
		}
	}
	return fmt.Errorf("read an answer: %q is neither yes, no nor could not tell", word)
}
