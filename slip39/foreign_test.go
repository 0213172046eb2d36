package slip39

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The official vectors and another implementation come from the npm package slip39; the
// script scripts/slip39-vectors installs it. It is not part of the repository.
const foreignDir = "../test/slip39"

// installed gives a file of the package. Without the package the test is skipped at home and
// fails where everything must run.
func installed(t *testing.T, env, name string) string {
	t.Helper()
	path := os.Getenv(env)
	if path == "" {
		path = filepath.Join(foreignDir, "node_modules", "slip39", name)
	}
	if _, err := os.Stat(path); err != nil {
		unavailable(t, "the npm package slip39 is not installed (scripts/slip39-vectors does it): "+err.Error())
	}
	return path
}

func unavailable(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

type vector struct {
	name      string
	mnemonics []string
	secret    string // hex; empty where combining must fail
}

func (v *vector) UnmarshalJSON(b []byte) error {
	var fields []json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return err
	}
	if len(fields) != 4 {
		return errors.New("a vector has four fields")
	}
	return errors.Join(json.Unmarshal(fields[0], &v.name), json.Unmarshal(fields[1], &v.mnemonics), json.Unmarshal(fields[2], &v.secret))
}

func TestOfficialVectors(t *testing.T) {
	b, err := os.ReadFile(installed(t, "SLIP39_VECTORS", "test/vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) != 45 {
		t.Errorf("%d vectors, the set of 2024 has 45", len(vectors))
	}
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			secret, err := combineTexts(v.mnemonics, "TREZOR")
			switch {
			case v.secret == "" && err == nil:
				t.Errorf("combined to %x, an error is due", secret)
			case v.secret == "":
				holdsReason(t, v.name, err)
			case err != nil || hex.EncodeToString(secret) != v.secret:
				t.Errorf("got %x, %v, want %s", secret, err, v.secret)
			}
		})
	}
}

// holdsReason compares our error with the reason that the vector's name gives.
func holdsReason(t *testing.T, name string, err error) {
	t.Helper()
	for part, right := range map[string]bool{
		"Basic sharing":            is[*QuorumError](err), // one share of two
		"invalid checksum":         is[*ChecksumError](err),
		"invalid padding":          errors.Is(err, ErrMalformed),
		"different":                is[*SetError](err),
		"mismatching":              is[*SetError](err),
		"greater group threshold":  errors.Is(err, ErrMalformed),
		"duplicate member":         is[*DuplicateError](err),
		"invalid digest":           is[*DigestError](err),
		"nsufficient number":       is[*QuorumError](err),
		"insufficient length":      is[*LengthError](err),
		"invalid master secret le": is[*LengthError](err),
	} {
		if strings.Contains(name, part) {
			if !right {
				t.Errorf("refused for another reason: %T %v", err, err)
			}
			return
		}
	}
	t.Errorf("no reason is known for %q (%v)", name, err)
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func combineTexts(mnemonics []string, passphrase string) ([]byte, error) {
	shares, err := parseAll(mnemonics)
	if err != nil {
		return nil, err
	}
	return Combine(shares, passphrase)
}

func parseAll(mnemonics []string) ([]Share, error) {
	var shares []Share
	for _, m := range mnemonics {
		s, err := ParseShare(m)
		if err != nil {
			return nil, err
		}
		shares = append(shares, s)
	}
	return shares, nil
}

// foreignSet is one line for recover.mjs.
type foreignSet struct {
	Mnemonics  []string `json:"mnemonics"`
	Passphrase string   `json:"passphrase"`
}

func TestAnotherImplementationRecoversWhatWeSplit(t *testing.T) {
	installed(t, "", "index.js")
	node, err := exec.LookPath("node")
	if err != nil {
		unavailable(t, "no node to run the other implementation")
	}
	plans := []struct {
		size      int
		threshold int
		groups    []Group
		options   Options
	}{
		{16, 1, []Group{{1, 1}}, Options{Exponent: 1}},
		{16, 1, []Group{{3, 5}}, Options{Exponent: 1}},
		{16, 2, []Group{{2, 2}, {2, 3}, {1, 1}}, Options{Exponent: 1}},
		{16, 2, []Group{{2, 3}, {3, 4}}, Options{Passphrase: "by heart", Extendable: true}},
		{32, 3, []Group{{1, 1}, {2, 5}, {5, 5}}, Options{Exponent: 2}},
		{32, 1, []Group{{16, 16}}, Options{Extendable: true}},
		{64, 2, []Group{{2, 2}, {2, 2}}, Options{Passphrase: "~ !"}},
	}
	var input bytes.Buffer
	var want []string
	for _, p := range plans {
		secret := drawn(t, p.size)
		want = append(want, hex.EncodeToString(secret))
		groups, err := Split(secret, p.threshold, p.groups, p.options)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.NewEncoder(&input).Encode(foreignSet{mnemonicsOf(quorum(groups)), p.options.Passphrase}); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(node, "recover.mjs")
	cmd.Dir, cmd.Stdin = foreignDir, &input
	out, err := cmd.CombinedOutput()
	if got := strings.Fields(string(out)); err != nil || strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the other implementation: %v\n%s\nwant\n%s", err, out, strings.Join(want, "\n"))
	}
}
