package slip39

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Group says how one group is split: any Threshold of its Members give the group's share.
type Group struct{ Threshold, Members int }

// Options are Split's choices. The zero value is a random identifier, an empty passphrase,
// 10 000 iterations, not extendable, and the system's generator.
type Options struct {
	// Passphrase is printable ASCII, and stands between the shares and the secret. A wrong one
	// gives another secret, never an error.
	Passphrase string
	// Exponent, 0 to 15: 10 000 × 2^Exponent iterations of PBKDF2.
	Exponent int
	// Extendable leaves the identifier out of the encryption. The specification asks for it in
	// new sets; tools from before 2024 cannot read it.
	Extendable bool
	// Taken, if not nil, refuses identifiers; another one is drawn.
	Taken func(Identifier) bool
	// Random is crypto/rand's Reader if nil. Only a test has a reason to set it.
	Random io.Reader
}

// maxDraws bounds the search for an identifier that is not taken. With all but 100 of the
// 32 768 taken it still fails less than once in e^12.
const maxDraws = 4096

// Split splits a secret among groups: any groupThreshold of the groups, each by its own
// threshold of members, give it back. The result has one list of shares for each group. The
// secret is 16 to 1248 bytes long, an even number; the checksums' and digests' promises
// assume that it has at least 128 bits of entropy. Errors: [ErrParameters], [ErrPassphrase],
// or those of Random.
func Split(secret []byte, groupThreshold int, groups []Group, o Options) ([][]Share, error) {
	if err := checkPlan(len(secret), groupThreshold, groups, o); err != nil {
		return nil, err
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	id, err := drawIdentifier(o)
	if err != nil {
		return nil, err
	}
	c := cipher{id: id, extendable: o.Extendable, exponent: o.Exponent, passphrase: o.Passphrase}
	encrypted, err := c.encrypt(secret)
	if err != nil {
		return nil, err
	}
	defer clear(encrypted)
	parts, err := splitSecret(groupThreshold, len(groups), encrypted, o.Random)
	if err != nil {
		return nil, err
	}
	defer wipeAll(parts)
	h := Header{
		Identifier: id, Extendable: o.Extendable, Exponent: o.Exponent,
		GroupThreshold: groupThreshold, Groups: len(groups),
	}
	return splitGroups(h, groups, parts, o.Random)
}

func splitGroups(h Header, groups []Group, parts [][]byte, random io.Reader) ([][]Share, error) {
	all := make([][]Share, len(groups))
	for i, g := range groups {
		values, err := splitSecret(g.Threshold, g.Members, parts[i], random)
		if err != nil {
			for _, s := range slices.Concat(all...) {
				s.Wipe()
			}
			return nil, err
		}
		h.Group, h.Threshold = i+1, g.Threshold
		for j, v := range values {
			h.Member = j + 1
			all[i] = append(all[i], Share{header: h, value: v})
		}
	}
	return all, nil
}

func checkPlan(size, groupThreshold int, groups []Group, o Options) error {
	switch {
	case size < minSecret || size > maxSecret || size%2 != 0:
		return fmt.Errorf("%w: a secret has an even number of bytes from %d to %d, this one %d", ErrParameters, minSecret, maxSecret, size)
	case len(groups) < 1 || len(groups) > maxShares:
		return fmt.Errorf("%w: there are 1 to %d groups, here %d", ErrParameters, maxShares, len(groups))
	case groupThreshold < 1 || groupThreshold > len(groups):
		return fmt.Errorf("%w: %d of %d groups cannot be needed", ErrParameters, groupThreshold, len(groups))
	case o.Exponent < 0 || o.Exponent > maxExponent:
		return fmt.Errorf("%w: the exponent is 0 to %d, here %d", ErrParameters, maxExponent, o.Exponent)
	}
	for i, g := range groups {
		if g.Members > maxShares || g.Threshold < 1 || g.Threshold > g.Members {
			return fmt.Errorf("%w: group %d: %d of %d members cannot be needed (at most %d)", ErrParameters, i+1, g.Threshold, g.Members, maxShares)
		}
		if g.Threshold == 1 && g.Members > 1 {
			return fmt.Errorf("%w: group %d: 1 of %d members is the same share %[3]d times: make one member, and copies if you must", ErrParameters, i+1, g.Members)
		}
	}
	return checkPassphrase(o.Passphrase)
}

func checkPassphrase(p string) error {
	for _, c := range []byte(p) {
		if c < 32 || c > 126 {
			return ErrPassphrase
		}
	}
	return nil
}

func drawIdentifier(o Options) (Identifier, error) {
	var b [2]byte
	for range maxDraws {
		if _, err := io.ReadFull(o.Random, b[:]); err != nil {
			return 0, fmt.Errorf("draw the identifier: %w", err)
		}
		id := Identifier(b[0]&0x7f)<<8 | Identifier(b[1])
		if o.Taken == nil || !o.Taken(id) {
			return id, nil
		}
	}
	return 0, errors.New("draw the identifier: all that were drawn are taken")
}

func wipeAll(values [][]byte) {
	for _, v := range values {
		clear(v)
	}
}
