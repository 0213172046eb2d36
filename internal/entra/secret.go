package entra

import (
	"errors"
	"fmt"
	"io"
)

// Secret is a password, PIN or pass. It prints as "(secret)" in every format, refuses to be
// encoded, and can be wiped. The value leaves only through Reveal.
type Secret struct{ b []byte }

// NewSecret takes ownership of b; Wipe will overwrite it.
func NewSecret(b []byte) Secret { return Secret{b: b} }

// Reveal is the value itself, valid until Wipe. Callers are the ones design.md names.
func (s Secret) Reveal() []byte { return s.b }

// Wipe overwrites the value.
func (s Secret) Wipe() { clear(s.b) }

const redacted = "(secret)"

// String is the redaction.
func (s Secret) String() string { return redacted }

// Format writes the redaction for every verb, %x and %#v too.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// ErrSecret is returned by every attempt to encode a Secret.
var ErrSecret = errors.New("a secret is never encoded")

// MarshalJSON refuses.
func (s Secret) MarshalJSON() ([]byte, error) { return nil, ErrSecret }

// MarshalText refuses.
func (s Secret) MarshalText() ([]byte, error) { return nil, ErrSecret }

// GobEncode refuses.
func (s Secret) GobEncode() ([]byte, error) { return nil, ErrSecret }
