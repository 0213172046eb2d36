package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"go.yaml.in/yaml/v3"
)

// People is people.age opened: who the ids of a plan are, where its locations are, and the
// facts of the support path. It exists in memory only: on disk it is an age file, beside the
// plan and never in it.
type People struct {
	// Version of the format: 1.
	Version int `yaml:"version" json:"version"`
	// People are the persons behind the ids.
	People []Person `yaml:"people,omitempty" json:"people,omitempty"`
	// Locations are the places behind the ids.
	Locations []Place `yaml:"locations,omitempty" json:"locations,omitempty"`
	// Support is what one needs when Microsoft or a registrar has to be called.
	Support Support `yaml:"support,omitempty" json:"support,omitzero"`
}

// Person is one person.
type Person struct {
	ID PersonID `yaml:"id" json:"id"`
	// Name is the person's own, as colleagues say it.
	Name string `yaml:"name" json:"name"`
	// Phones come in the order in which they are tried.
	Phones []string `yaml:"phones,omitempty" json:"phones,omitempty"`
	// Mail is better outside the tenant.
	Mail string `yaml:"mail,omitempty" json:"mail,omitempty"`
	// OrganisationID is the organisation's own number for the person: it is how one person
	// under two ids is noticed.
	OrganisationID string `yaml:"organisation_id,omitempty" json:"organisation_id,omitempty"`
}

// Place is where a location is.
type Place struct {
	ID LocationID `yaml:"id" json:"id"`
	// Address finds the building, the room and the safe.
	Address string `yaml:"address" json:"address"`
	// Hours are when one gets in, and how outside of them.
	Hours string `yaml:"hours,omitempty" json:"hours,omitempty"`
	// Call is whom to call to get in.
	Call string `yaml:"call,omitempty" json:"call,omitempty"`
}

// Support is the support path: what is asked on the telephone when nobody can sign in.
type Support struct {
	// Registrar and DNS say where the domains are kept, and who can sign in there without the tenant.
	Registrar string `yaml:"registrar,omitempty" json:"registrar,omitempty"`
	DNS       string `yaml:"dns,omitempty" json:"dns,omitempty"`
	// Contract is the support contract's number, Billing the billing account or subscription id.
	Contract string `yaml:"contract,omitempty" json:"contract,omitempty"`
	Billing  string `yaml:"billing,omitempty" json:"billing,omitempty"`
	// MicrosoftPhone is the number of Microsoft's data-protection team as your contract has it.
	MicrosoftPhone string `yaml:"microsoft_phone,omitempty" json:"microsoft_phone,omitempty"`
	// DutyPhone is the own duty number, printed on sheets.
	DutyPhone string `yaml:"duty_phone,omitempty" json:"duty_phone,omitempty"`
}

var peopleFileShape = object(
	field{key: "version", shape: number(1, 1), required: true, doc: "Version of the format: 1."},
	field{key: "people", shape: list(object(
		field{key: "id", shape: personShape, required: true, doc: "The id that the plan uses."},
		field{key: "name", shape: text(200), required: true, doc: "The person's name."},
		field{key: "phones", shape: list(matching(`^\+?[0-9 ()./-]{3,30}$`, "a telephone number, best as +49 30 123456", 30), 5), doc: "Telephones in the order in which they are tried."},
		field{key: "mail", shape: matching(`^[^@ ]+@[^@ ]+$`, "a mail address", 254), doc: "Mail, better outside the tenant."},
		field{key: "organisation_id", shape: text(64), doc: "The organisation's own number for the person. It is how one person under two ids is noticed."},
	), maxPeople), doc: "The persons behind the ids."},
	field{key: "locations", shape: list(object(
		field{key: "id", shape: idShape, required: true, doc: "The id that the plan uses."},
		field{key: "address", shape: text(500), required: true, doc: "Building, room, safe."},
		field{key: "hours", shape: text(500), doc: "When one gets in, and how outside of these hours."},
		field{key: "call", shape: text(500), doc: "Whom to call to get in, with the number."},
	), 100), doc: "The places behind the ids."},
	field{key: "support", shape: object(
		field{key: "registrar", shape: text(500), doc: "Where the domains are registered, and who can sign in there without the tenant."},
		field{key: "dns", shape: text(500), doc: "Who runs the DNS zones, and who can sign in there without the tenant."},
		field{key: "contract", shape: text(500), doc: "The support contract's number."},
		field{key: "billing", shape: text(500), doc: "The billing account or a subscription id: Microsoft asks for it."},
		field{key: "microsoft_phone", shape: text(500), doc: "The telephone number of Microsoft's data-protection team, with the day it was last checked."},
		field{key: "duty_phone", shape: text(100), doc: "The own duty number."},
	), doc: "The support path."},
)

// ParsePeople checks the decrypted text of people.age. Its errors never quote a value: the
// text is secret, terminals and logs are not.
func ParsePeople(name string, data []byte) (*People, error) {
	doc, errs := document(name, data)
	if errs == nil {
		w := walker{file: name}
		w.check(doc, peopleFileShape, "")
		errs = w.sorted()
	}
	if len(errs) > 0 {
		return nil, withoutValues(errs)
	}
	var p People
	if err := doc.Decode(&p); err != nil {
		return nil, fmt.Errorf("decode %s: it does not have the form of people.age", name)
	}
	return &p, nil
}

func withoutValues(errs Errors) Errors {
	private := slices.Clone(errs)
	for i := range private {
		if e := &private[i]; strings.ContainsAny(e.Problem, `"'&*`) {
			e.Problem = "the value does not fit (it is not shown: the file is private)"
			e.Fix, _, _ = strings.Cut(e.Fix, "; did you mean")
		}
		if e := &private[i]; e.Problem == "unknown key" && !strings.HasPrefix(e.Fix, "did you mean") {
			e.Path = e.Path[:max(0, strings.LastIndexByte(e.Path, '.'))] // a value out of place may look like a key
		}
	}
	return private
}

// ErrNotPeople is returned for a file that none of the identities opens, or that is no age file.
var ErrNotPeople = errors.New("people.age was not opened")

// DecryptPeople opens people.age, armored or not, with any of the identities (a file's keys,
// or a passphrase).
func DecryptPeople(name string, r io.Reader, identities ...age.Identity) (*People, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("read %s: it is larger than 1 MiB: %w", name, ErrNotPeople)
	}
	var in io.Reader = bytes.NewReader(data)
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte(armor.Header)) {
		in = armor.NewReader(in)
	}
	opened, err := age.Decrypt(in, identities...)
	if err != nil {
		// %v: which stanza failed is of no use to a person, and the wrapped error may name keys.
		return nil, fmt.Errorf("decrypt %s: %w: %v", name, ErrNotPeople, err)
	}
	plain, err := io.ReadAll(io.LimitReader(opened, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("decrypt %s: %w: the file is damaged", name, ErrNotPeople)
	}
	defer clear(plain)
	return ParsePeople(name, plain)
}

// WritePeople writes the text itself, for the screen of the person it was opened for.
func WritePeople(w io.Writer, p *People) error {
	plain, err := yaml.Marshal(p)
	if err != nil {
		return fmt.Errorf("write the people: %w", err)
	}
	defer clear(plain)
	_, err = w.Write(plain)
	return err
}

// EncryptPeople writes people.age, armored, for the recipients. The text is never on disk.
func EncryptPeople(w io.Writer, p *People, recipients ...age.Recipient) error {
	out := armor.NewWriter(w)
	sealed, err := age.Encrypt(out, recipients...)
	if err != nil {
		return fmt.Errorf("encrypt people.age: %w", err)
	}
	if err := WritePeople(sealed, p); err != nil {
		return fmt.Errorf("encrypt people.age: %w", err)
	}
	if err := sealed.Close(); err != nil {
		return fmt.Errorf("encrypt people.age: %w", err)
	}
	return out.Close()
}

// Person is the person of an id; false when people.age has none.
func (p *People) Person(id PersonID) (Person, bool) {
	if p == nil {
		return Person{}, false
	}
	i := slices.IndexFunc(p.People, func(x Person) bool { return x.ID == id })
	if i < 0 {
		return Person{}, false
	}
	return p.People[i], true
}

// Place is the place of a location's id; false when people.age has none.
func (p *People) Place(id LocationID) (Place, bool) {
	if p == nil {
		return Place{}, false
	}
	i := slices.IndexFunc(p.Locations, func(x Place) bool { return x.ID == id })
	if i < 0 {
		return Place{}, false
	}
	return p.Locations[i], true
}

// WrongPerson is what ParsePeople says of one value of a person, empty when it is right; the
// path is as if the person were the only one, for example people[0].mail. It lets a dialogue
// check an answer by the file's own rules.
func WrongPerson(p Person, path string) string {
	text, err := yaml.Marshal(People{Version: 1, People: []Person{p}})
	if err != nil {
		return err.Error()
	}
	_, err = ParsePeople("answer", text)
	errs, _ := errors.AsType[Errors](err)
	for _, e := range errs {
		if strings.HasPrefix(e.Path, path) {
			return e.Problem + "; " + e.Fix
		}
	}
	return ""
}
