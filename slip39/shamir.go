package slip39

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
)

const (
	maxShares  = 16
	digestSize = 4
)

// splitSecret is SplitSecret of the specification: count values at x = 0, 1, …, any threshold
// of which give the secret back.
func splitSecret(threshold, count int, secret []byte, random io.Reader) ([][]byte, error) {
	if threshold == 1 {
		return repeated(secret, count), nil
	}
	digest, err := newDigest(secret, random)
	if err != nil {
		return nil, err
	}
	defer clear(digest)
	chosen := make([][]byte, threshold-2)
	for i := range chosen {
		chosen[i] = make([]byte, len(secret))
		if _, err := io.ReadFull(random, chosen[i]); err != nil {
			return nil, fmt.Errorf("draw a share: %w", err)
		}
	}
	return gf256.spread(count, chosen, digest, secret), nil
}

func repeated(secret []byte, count int) [][]byte {
	values := make([][]byte, count)
	for i := range values {
		values[i] = append([]byte(nil), secret...)
	}
	return values
}

// spread lays the polynomial through the chosen shares, the digest and the secret, and reads
// off the shares that were not chosen.
func (f field) spread(count int, chosen [][]byte, digest, secret []byte) [][]byte {
	points := make([]point, 0, len(chosen)+2)
	for i, y := range chosen {
		points = append(points, point{uint16(i), y})
	}
	points = append(points, point{f.digestX(), digest}, point{f.secretX(), secret})
	values := make([][]byte, count)
	for i := range values {
		if i < len(chosen) {
			values[i] = chosen[i]
		} else {
			values[i] = f.at(uint16(i), points)
		}
	}
	return values
}

// recoverSecret is RecoverSecret of the specification. It reports whether the digest agrees;
// with threshold 1 there is none.
func recoverSecret(points []point) (secret []byte, ok bool) {
	if len(points) == 1 {
		return append([]byte(nil), points[0].y...), true
	}
	secret = gf256.at(gf256.secretX(), points)
	digest := gf256.at(gf256.digestX(), points)
	defer clear(digest)
	if subtle.ConstantTimeCompare(digest[:digestSize], digestOf(secret, digest[digestSize:])) != 1 {
		clear(secret)
		return nil, false
	}
	return secret, true
}

// newDigest draws R and puts the first four bytes of HMAC-SHA256(R, secret) before it.
func newDigest(secret []byte, random io.Reader) ([]byte, error) {
	digest := make([]byte, len(secret))
	if _, err := io.ReadFull(random, digest[digestSize:]); err != nil {
		return nil, fmt.Errorf("draw the digest's key: %w", err)
	}
	copy(digest, digestOf(secret, digest[digestSize:]))
	return digest, nil
}

func digestOf(secret, key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(secret)
	return mac.Sum(nil)[:digestSize]
}
