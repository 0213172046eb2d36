package slip39

// field is GF(2^degree): polynomials over GF(2) modulo poly. Shares live in GF(256), the
// checksum in GF(1024); the tests use smaller ones, where every case can be counted.
//
// Nothing here branches on an element, indexes by one or loops by one, and there are no
// tables: what a run costs depends on the degree and on how many points there are.
type field struct {
	degree uint
	poly   uint16
}

var (
	// gf256 is reduced by the Rijndael polynomial x^8+x^4+x^3+x+1 (SLIP-0039, "Shamir's secret-sharing").
	gf256 = field{degree: 8, poly: 0x11b}
	// gf1024 is reduced by x^10+x^3+1 (SLIP-0039, "Checksum design").
	gf1024 = field{degree: 10, poly: 0x409}
)

// mul is the schoolbook product, one bit of b after the other, reduced as it goes.
func (f field) mul(a, b uint16) uint16 {
	var product uint16
	for i := range f.degree {
		product ^= a & -(b >> i & 1)
		a <<= 1
		a ^= f.poly & -(a >> f.degree & 1)
	}
	return product
}

// inv is a^(2^degree-2), the inverse of a; that of 0 is 0.
func (f field) inv(a uint16) uint16 {
	result, square := uint16(1), a
	for range f.degree - 1 {
		square = f.mul(square, square)
		result = f.mul(result, square)
	}
	return result
}

// point is what one share says of a polynomial at x; y holds one value for each byte of the secret.
type point struct {
	x uint16
	y []byte
}

// at gives the value at x of the one polynomial of least degree through the points (Lagrange).
// The x of the points differ and the y are equally long.
func (f field) at(x uint16, points []point) []byte {
	if len(points) == 0 {
		return nil
	}
	sum := make([]byte, len(points[0].y))
	for i, p := range points {
		weight := f.weight(x, i, points)
		for k := range sum {
			sum[k] ^= byte(f.mul(uint16(p.y[k]), weight))
		}
	}
	return sum
}

// weight is point i's Lagrange coefficient at x; it depends on the public x only.
func (f field) weight(x uint16, i int, points []point) uint16 {
	over, under := uint16(1), uint16(1)
	for j, q := range points {
		if j != i {
			over = f.mul(over, x^q.x)
			under = f.mul(under, points[i].x^q.x)
		}
	}
	return f.mul(over, f.inv(under))
}

// secretX and digestX are the two highest elements: 255 and 254 in GF(256).
func (f field) secretX() uint16 { return 1<<f.degree - 1 }
func (f field) digestX() uint16 { return 1<<f.degree - 2 }
