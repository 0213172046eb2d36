package slip39

import (
	"fmt"
	"math/bits"
	"testing"
)

// These tests count: in small fields every secret, every draw and every view of an
// unqualified set can be tried. The code is the one that splits real secrets; only the field
// is smaller.

// eachTuple calls f with every tuple of n elements.
func eachTuple(f field, n int, visit func([]byte)) {
	size := 1 << f.degree
	total := 1
	for range n {
		total *= size
	}
	tuple := make([]byte, n)
	for i := range total {
		for k := range tuple {
			tuple[k] = byte(i % size)
			i /= size
		}
		visit(tuple)
	}
}

// choices are all choices of k of n places.
func choices(n, k int) [][]int {
	var all [][]int
	for set := range 1 << n {
		if bits.OnesCount(uint(set)) != k {
			continue
		}
		places := make([]int, 0, k)
		for i := range n {
			if set>>i&1 == 1 {
				places = append(places, i)
			}
		}
		all = append(all, places)
	}
	return all
}

// spreadSingle splits a one-element secret: chosen has the T-2 chosen shares and the value
// that stands where the digest does.
func spreadSingle(f field, count int, chosen []byte, secret byte) []byte {
	var before [][]byte
	for _, c := range chosen[:len(chosen)-1] {
		before = append(before, []byte{c})
	}
	values := f.spread(count, before, chosen[len(chosen)-1:], []byte{secret})
	flat := make([]byte, count)
	for i, v := range values {
		flat[i] = v[0]
	}
	return flat
}

// The bare layer, with a random element where the digest stands, is perfect: whatever the
// secret, any T-1 shares take every value equally often; any T give the secret back.
func TestFewerSharesThanTheThresholdTellNothing(t *testing.T) {
	for _, c := range []struct {
		name             string
		threshold, count int
	}{
		{"GF(4)", 2, 2},
		{"GF(8)", 2, 6},
		{"GF(8)", 3, 6},
		{"GF(8)", 4, 6},
		{"GF(16)", 2, 14},
		{"GF(16)", 3, 6},
	} {
		f := fields[c.name]
		t.Run(fmt.Sprintf("%s %d of %d", c.name, c.threshold, c.count), func(t *testing.T) {
			t.Parallel()
			fewer, enough := choices(c.count, c.threshold-1), choices(c.count, c.threshold)
			views := map[string]int{} // places, secret, what is seen there
			eachTuple(f, c.threshold, func(tuple []byte) {
				secret := tuple[0]
				shares := spreadSingle(f, c.count, tuple[1:], secret)
				for i, places := range fewer {
					views[string(append([]byte{byte(i), secret}, seen(shares, places)...))]++
				}
				for _, places := range enough {
					if got := f.at(f.secretX(), pointsAt(shares, places))[0]; got != secret {
						t.Fatalf("shares %v give %d, the secret is %d", places, got, secret)
					}
				}
			})
			perSecret := 1
			for range c.threshold {
				perSecret <<= f.degree
			}
			if want := len(fewer) * perSecret; len(views) != want {
				t.Errorf("%d views of T-1 shares occur, all %d must", len(views), want)
			}
			for view, times := range views {
				if times != 1 {
					t.Fatalf("the view %v occurs %d times, once like every other is due", []byte(view), times)
				}
			}
		})
	}
}

func seen(shares []byte, places []int) []byte {
	var view []byte
	for _, p := range places {
		view = append(view, shares[p])
	}
	return view
}

func pointsAt(shares []byte, places []int) []point {
	var points []point
	for _, p := range places {
		points = append(points, point{uint16(p), shares[p : p+1]})
	}
	return points
}

// With a digest (here one element of three bits over 64 secrets) the loss is what
// docs/slip39.md says: two shares short still tells nothing at all; each level that is one
// share short tests a guess once more.
func TestWhatTheDigestCosts(t *testing.T) {
	f := fields["GF(8)"]
	const secrets = 64
	t.Run("threshold 2, one share: one test", func(t *testing.T) {
		v := view{}
		digestSplits(f, 2, func(secret []byte, shares [][]byte) { v.add(string(shares[0]), secret) })
		v.leaves(t, secrets/8)
	})
	t.Run("two groups of two, one group and half of the other: two tests", func(t *testing.T) {
		v := view{}
		digestSplits(f, 2, func(secret []byte, groups [][]byte) {
			for key := range byte(8) {
				members := f.spread(2, nil, smallDigest(f, groups[1], key), groups[1])
				v.add(string(groups[0])+string(members[0]), secret)
			}
		})
		v.leaves(t, secrets/8/8)
	})
	t.Run("threshold 3, one share: nothing", func(t *testing.T) {
		times := map[string]int{}
		digestSplits(f, 3, func(secret []byte, shares [][]byte) {
			times[string(secret)+string(shares[1])]++
		})
		if len(times) != secrets*secrets {
			t.Errorf("%d pairs of secret and share occur, all %d must", len(times), secrets*secrets)
		}
		for _, n := range times {
			if n != 8 {
				t.Fatalf("a pair of secret and share occurs %d times, every one must 8 times", n)
			}
		}
	})
}

// view counts, for each thing that can be seen, how often each secret is behind it.
type view map[string]map[string]int

func (v view) add(seen string, secret []byte) {
	if v[seen] == nil {
		v[seen] = map[string]int{}
	}
	v[seen][string(secret)]++
}

// leaves expects that besides the true secret so many others fit what is seen, on average.
func (v view) leaves(t *testing.T, others float64) {
	t.Helper()
	splits, left := 0, 0
	for _, secrets := range v {
		for _, n := range secrets {
			splits += n
			left += n * (len(secrets) - 1)
		}
	}
	if mean := float64(left) / float64(splits); mean < others*0.8 || mean > others*1.2 {
		t.Errorf("%.2f wrong secrets are left on average, about %.2f are due", mean, others)
	}
}

// digestSplits tries every two-element secret, digest key and chosen shares.
func digestSplits(f field, threshold int, visit func(secret []byte, shares [][]byte)) {
	eachTuple(f, 3+2*(threshold-2), func(tuple []byte) {
		secret, key := tuple[:2], tuple[2]
		var chosen [][]byte
		for i := 3; i < len(tuple); i += 2 {
			chosen = append(chosen, tuple[i:i+2])
		}
		visit(secret, f.spread(threshold, chosen, smallDigest(f, secret, key), secret))
	})
}

// smallDigest is the digest share for a key of one element: as many bits of the HMAC, and the key.
func smallDigest(f field, secret []byte, key byte) []byte {
	return []byte{digestOf(secret, []byte{key})[0] & byte(1<<f.degree-1), key}
}
