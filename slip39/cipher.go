package slip39

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
)

// baseIterations is PBKDF2's count in one round at exponent 0; four rounds make 10 000.
const baseIterations = 2500

// cipher is the four-round Feistel network that stands between the master secret and the
// secret that is split ("Encryption of the master secret").
type cipher struct {
	id         Identifier
	extendable bool
	exponent   int
	passphrase string
}

func (c cipher) encrypt(secret []byte) ([]byte, error) {
	return c.run(secret, [...]byte{0, 1, 2, 3})
}

func (c cipher) decrypt(secret []byte) ([]byte, error) {
	return c.run(secret, [...]byte{3, 2, 1, 0})
}

func (c cipher) run(in []byte, rounds [4]byte) ([]byte, error) {
	half := len(in) / 2
	out := append([]byte(nil), in...)
	left, right := out[:half], out[half:]
	for _, i := range rounds {
		f, err := c.round(i, right)
		if err != nil {
			clear(out)
			return nil, err
		}
		subtle.XORBytes(left, left, f)
		clear(f)
		left, right = right, left
	}
	// Four swaps leave the halves where they began; the specification's last step is one more.
	swapped := append(append(make([]byte, 0, len(in)), out[half:]...), out[:half]...)
	clear(out)
	return swapped, nil
}

func (c cipher) round(i byte, right []byte) ([]byte, error) {
	salt := append(c.saltPrefix(), right...)
	defer clear(salt)
	key, err := pbkdf2.Key(sha256.New, string(i)+c.passphrase, salt, baseIterations<<c.exponent, len(right))
	if err != nil {
		return nil, fmt.Errorf("stretch the passphrase: %w", err)
	}
	return key, nil
}

// saltPrefix ties the encryption to the set, unless the set is extendable: then several sets
// may hold one secret.
func (c cipher) saltPrefix() []byte {
	if c.extendable {
		return nil
	}
	return append([]byte("shamir"), byte(c.id>>8), byte(c.id))
}
