package slip39

import (
	"go/ast"
	"go/parser"
	"go/token"
	"testing"
)

// Fields small enough to try every element, and the two that shares use.
var fields = map[string]field{
	"GF(4)": {2, 0x7}, "GF(8)": {3, 0xb}, "GF(16)": {4, 0x13}, "GF(256)": gf256, "GF(1024)": gf1024,
}

func TestEveryElementHasItsInverse(t *testing.T) {
	for name, f := range fields {
		for a := range uint16(1) << f.degree {
			want := uint16(1)
			if a == 0 {
				want = 0
			}
			if got := f.mul(a, f.inv(a)); got != want {
				t.Errorf("%s: %d times its inverse is %d", name, a, got)
			}
		}
	}
}

// mulByDefinition multiplies the polynomials in full, then divides by the field's.
func mulByDefinition(f field, a, b uint16) uint16 {
	var product uint32
	for i := range 16 {
		if b>>i&1 == 1 {
			product ^= uint32(a) << i
		}
	}
	for i := 31; i >= int(f.degree); i-- {
		if product>>i&1 == 1 {
			product ^= uint32(f.poly) << (i - int(f.degree))
		}
	}
	return uint16(product)
}

func TestEveryProductIsAsDefined(t *testing.T) {
	for name, f := range fields {
		for a := range uint16(1) << f.degree {
			for b := range a + 1 {
				if got, want := f.mul(a, b), mulByDefinition(f, a, b); got != want || f.mul(b, a) != want {
					t.Fatalf("%s: %d times %d is %d, want %d", name, a, b, got, want)
				}
			}
		}
	}
	if got := gf256.mul(0x57, 0x83); got != 0xc1 {
		t.Errorf("FIPS 197, 4.2: {57} times {83} is {c1}, not {%x}", got)
	}
}

// What touches a secret must not branch on it. This holds the claim of docs/slip39.md to the
// source: in these functions no condition at all, but those listed.
func TestSecretsAreNotBranchedOn(t *testing.T) {
	allowed := map[string]map[string]int{
		"field.go": {
			"mul": 0, "inv": 0,
			"at":     1, // no points
			"weight": 1, // i != j, places
		},
		"shamir.go": {
			"spread":        1, // which shares were chosen, places
			"digestOf":      0,
			"splitSecret":   3, // threshold 1, failed draws
			"recoverSecret": 2, // one point, the digest's verdict
			"newDigest":     1, // failed draw
		},
		"checksum.go": {"remainder": 0, "feed": 0, "withChecksum": 0},
		"words.go": {
			"letters": 0,
			"lookUp":  2, // how many letters were typed
		},
		"share.go": {
			"pack":   1, // bits held so far
			"unpack": 1, // the first word
		},
		"cipher.go": {
			"run": 1, "round": 1, // PBKDF2 refused
			"saltPrefix": 1, // the public flag
		},
	}
	for file, functions := range allowed {
		found := conditions(t, file)
		for name, want := range functions {
			if got, ok := found[name]; !ok || got != want {
				t.Errorf("%s: %s has %d conditions (found: %v), %d are argued for", file, name, got, ok, want)
			}
		}
	}
}

// conditions counts the branches of each function: if, case and the lazy operators.
func conditions(t *testing.T, file string) map[string]int {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		count[f.Name.Name] += 0
		ast.Inspect(f, func(n ast.Node) bool {
			if b, ok := n.(*ast.BinaryExpr); ok && (b.Op == token.LAND || b.Op == token.LOR) {
				count[f.Name.Name]++
			}
			switch n.(type) {
			case *ast.IfStmt, *ast.CaseClause:
				count[f.Name.Name]++
			}
			return true
		})
	}
	return count
}
