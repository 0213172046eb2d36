package entra

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// FileFormat is what the `format` member of a snapshot file says.
const FileFormat = "breakglass snapshot"

// ErrVersion is in the chain of Decode's error when the file is of another version of the format.
var ErrVersion = errors.New("another version of the snapshot format")

// Encode writes the snapshot as the documented JSON file (docs/snapshot.md), indented.
func (s *Snapshot) Encode() ([]byte, error) {
	out := *s
	out.Format, out.Version = FileFormat, FormatVersion
	data, err := json.MarshalIndent(&out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the snapshot: %w", err)
	}
	return append(data, '\n'), nil
}

// Decode reads a snapshot file. It refuses another format or version, and marks every part
// whose number of entries is not the one that its reading counted as damaged.
func Decode(data []byte) (*Snapshot, error) {
	s := new(Snapshot)
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(s); err != nil {
		return nil, err
	}
	return s, nil
}

// Clone is a deep copy.
func (s *Snapshot) Clone() *Snapshot {
	data, err := json.Marshal(s)
	if err != nil {
		panic("a snapshot that does not encode: " + err.Error()) // every member is plain data
	}
	out := new(Snapshot)
	if err := json.Unmarshal(data, out); err != nil {
		panic("a snapshot that does not decode what it encoded: " + err.Error())
	}
	return out
}
