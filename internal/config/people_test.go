package config

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
)

func somebody() *People {
	return &People{
		Version:   1,
		People:    []Person{{ID: "p-01", Name: "Anna Example", Phones: []string{"+49 30 123456"}, Mail: "anna@example.net", OrganisationID: "E1"}},
		Locations: []Place{{ID: "l-1", Address: "Street 1, room 2, safe 3", Hours: "always", Call: "gate, +49 30 1"}},
		Support:   Support{Registrar: "R", DNS: "D", Contract: "C", Billing: "B", MicrosoftPhone: "M", DutyPhone: "+49 30 2"},
	}
}

func TestPeopleComeBackWithAnyKindOfKey(t *testing.T) {
	plain, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	lock, err := age.NewScryptRecipient("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	lock.SetWorkFactor(10)
	key, err := age.NewScryptIdentity("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		to   age.Recipient
		with age.Identity
	}{"a key": {plain.Recipient(), plain}, "a post-quantum key": {hybrid.Recipient(), hybrid}, "a passphrase": {lock, key}} {
		t.Run(name, func(t *testing.T) {
			var file bytes.Buffer
			if err := EncryptPeople(&file, somebody(), c.to); err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(file.Bytes(), []byte("Anna")) {
				t.Error("the file shows a name")
			}
			got, err := DecryptPeople("people.age", &file, c.with)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(somebody(), got); diff != "" {
				t.Errorf("people (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAStrangersKeyADamagedFileAndNoAgeFileAreTold(t *testing.T) {
	mine, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := EncryptPeople(&file, somebody(), mine.Recipient()); err != nil {
		t.Fatal(err)
	}
	whole := file.String()
	damaged := strings.Replace(whole, whole[300:310], "AAAAAAAAAA", 1)
	for name, c := range map[string]struct {
		in string
		id age.Identity
	}{
		"a stranger's key": {whole, other}, "a damaged file": {damaged, mine}, "cut short": {whole[:len(whole)/2], mine},
		"plain text": {"version: 1\n", mine}, "too large": {strings.Repeat("x", maxFile+1), mine}, "empty": {"", mine},
	} {
		if _, err := DecryptPeople("people.age", strings.NewReader(c.in), c.id); !errors.Is(err, ErrNotPeople) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestErrorsInPeopleNeverShowAValue(t *testing.T) {
	_, err := ParsePeople("people.age", []byte(`version: 1
people:
  - {id: anna@secret.example, name: "", phones: [secret-number], mail: secret}
  - {id: p, name: 2024-01-01, phone: "+49 30 55555"}
locations:
  - {id: l, address: [secret street]}
suport: {registrar: secret}
Very secret name: x
`))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, s := range []string{"secret", "2024", "55555"} {
		if strings.Contains(err.Error(), s) {
			t.Errorf("the message shows %q:\n%v", s, err)
		}
	}
	for _, want := range []string{"people.age:3:", "people.age:7:1: suport: unknown key; did you mean support?", "people[1].phone: unknown key; did you mean phones?"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing says %q in\n%v", want, err)
		}
	}
	_, err = ParsePeople("people.age", []byte("people: [*secret]"))
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a syntax error shows a value: %v", err)
	}
}

func TestPeopleWithoutAFileAreNobody(t *testing.T) {
	var p *People
	if _, ok := p.Person("p-01"); ok {
		t.Error("a person came from nowhere")
	}
	if x, ok := somebody().Person("p-01"); !ok || x.Name != "Anna Example" {
		t.Errorf("got %v %v", x, ok)
	}
	if _, ok := somebody().Place("l-2"); ok {
		t.Error("a place came from nowhere")
	}
	if _, ok := somebody().Person("p-02"); ok {
		t.Error("a person came from nowhere")
	}
}

func FuzzParsePeople(f *testing.F) {
	f.Add([]byte("version: 1\npeople: [{id: p, name: n}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := ParsePeople("people.age", data); err == nil && p.Version != 1 {
			t.Fatal("another version was accepted")
		}
	})
}
