package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"breakglass/internal/config"
)

// peopleName is the file beside the plan that has names, telephones and addresses.
const peopleName = "people.age"

// peopleFlags say how people.age is opened. The text of it is in memory only.
type peopleFlags struct {
	file       string
	identity   string
	passphrase bool
}

func (p *peopleFlags) add(f *pflag.FlagSet) {
	f.StringVar(&p.file, "people", "", "the people file (default: people.age beside the plan)")
	f.StringVarP(&p.identity, "identity", "i", "", "file with the age identity that opens people.age")
	f.BoolVar(&p.passphrase, "passphrase", false, "ask at the terminal for the passphrase of people.age")
}

func (p *peopleFlags) path(plan string) string {
	return firstOf(p.file, filepath.Join(filepath.Dir(plan), peopleName))
}

// asked says whether people.age is to be opened at all.
func (p *peopleFlags) asked() bool { return p.identity != "" || p.passphrase }

// open opens people.age beside the plan; nil when nobody asked for it.
func (p *peopleFlags) open(d *deps, plan string) (*config.People, error) {
	if !p.asked() {
		if p.file != "" {
			return nil, withHint(usageError{errors.New("--people without a key")}, "give --identity FILE, or --passphrase to be asked")
		}
		return nil, nil
	}
	f, err := os.Open(p.path(plan))
	if err != nil {
		return nil, badFile{fmt.Errorf("read the people file: %w", err)}
	}
	defer func() { _ = f.Close() }()
	ids, err := p.identities(d)
	if err != nil {
		return nil, err
	}
	people, err := config.DecryptPeople(p.path(plan), f, ids...)
	if errors.Is(err, config.ErrNotPeople) {
		return nil, badFile{withHint(err, "is this the right key? age -d -i KEY %s says the same", p.path(plan))}
	}
	return people, err
}

func (p *peopleFlags) identities(d *deps) ([]age.Identity, error) {
	if p.identity == "" {
		phrase, err := d.askSecret("Passphrase of " + peopleName)
		if err != nil {
			return nil, err
		}
		id, err := age.NewScryptIdentity(phrase)
		if err != nil {
			return nil, badFile{fmt.Errorf("use the passphrase: %w", err)}
		}
		return []age.Identity{id}, nil
	}
	f, err := os.Open(p.identity)
	if err != nil {
		return nil, badFile{fmt.Errorf("read the identity: %w", err)}
	}
	defer func() { _ = f.Close() }()
	ids, err := age.ParseIdentities(f)
	if err != nil {
		// The error may quote the line, which is a private key.
		return nil, badFile{withHint(fmt.Errorf("read the identity: %s is no age identity file", p.identity), "age-keygen makes one")}
	}
	return ids, nil
}

// recipientFlags say for whom people.age is encrypted.
type recipientFlags struct {
	recipients []string
	files      []string
	passphrase bool
	// made are the recipients once resolved: a passphrase is asked for once.
	made []age.Recipient
}

func (r *recipientFlags) add(f *pflag.FlagSet) {
	f.StringArrayVarP(&r.recipients, "recipient", "r", nil, "age recipient (age1…) who can open people.age (repeat; two at least, one of them on paper)")
	f.StringArrayVarP(&r.files, "recipients-file", "R", nil, "file with age recipients, one a line (repeat)")
}

func (r *recipientFlags) asked() bool { return len(r.recipients)+len(r.files) > 0 || r.passphrase }

// opener is the flag with which the file opens again.
func (r *recipientFlags) opener() string {
	if r.passphrase {
		return "--passphrase"
	}
	return "--identity KEY"
}

// resolve is the recipients; a passphrase is asked for, and once more to be sure.
func (r *recipientFlags) resolve(d *deps) ([]age.Recipient, error) {
	if r.made == nil {
		var err error
		if r.made, err = r.make(d); err != nil {
			return nil, err
		}
	}
	return r.made, nil
}

func (r *recipientFlags) make(d *deps) ([]age.Recipient, error) {
	if r.passphrase {
		if len(r.recipients)+len(r.files) > 0 {
			return nil, usageError{errors.New("a passphrase and recipients exclude each other: age takes one or the other")}
		}
		return askPassphrase(d)
	}
	var all []age.Recipient
	for _, text := range r.recipients {
		found, err := age.ParseRecipients(strings.NewReader(text))
		if err != nil {
			return nil, withHint(usageError{fmt.Errorf("read --recipient: %q is no age recipient", text)}, "it begins with age1; `age-keygen -y KEY` prints it")
		}
		all = append(all, found...)
	}
	for _, path := range r.files {
		f, err := os.Open(path)
		if err != nil {
			return nil, badFile{fmt.Errorf("read the recipients: %w", err)}
		}
		found, err := age.ParseRecipients(f)
		_ = f.Close()
		if err != nil {
			return nil, badFile{fmt.Errorf("read the recipients %s: %w", path, err)}
		}
		all = append(all, found...)
	}
	return all, nil
}

// shortPassphrase is refused: the file may be copied and tried offline for years.
const shortPassphrase = 14

func askPassphrase(d *deps) ([]age.Recipient, error) {
	first, err := d.askSecret(fmt.Sprintf("New passphrase for %s (%d characters at least, four random words are good)", peopleName, shortPassphrase))
	if err != nil {
		return nil, err
	}
	if len([]rune(first)) < shortPassphrase {
		return nil, usageError{fmt.Errorf("the passphrase is shorter than %d characters", shortPassphrase)}
	}
	again, err := d.askSecret("The same again")
	if err != nil {
		return nil, err
	}
	if first != again {
		return nil, usageError{errors.New("the two passphrases differ")}
	}
	r, err := age.NewScryptRecipient(first)
	if err != nil {
		return nil, fmt.Errorf("use the passphrase: %w", err)
	}
	return []age.Recipient{r}, nil
}

// askSecret reads a line from the terminal without showing it. There is no other way in: not
// from a pipe, a flag or the environment.
func (d *deps) askSecret(question string) (string, error) {
	f, ok := d.stdin.(*os.File)
	if !ok || !d.asks {
		return "", withHint(usageError{errors.New("a passphrase is asked for at a terminal, and there is none")}, "use a key: --identity FILE, --recipient age1…")
	}
	d.endProgress()
	fmt.Fprint(d.stderr, fit(question+":", d.errColumns), " ")
	secret, err := d.readSecret(int(f.Fd()))
	fmt.Fprintln(d.stderr)
	if err != nil {
		return "", err
	}
	defer clear(secret)
	if len(secret) == 0 {
		return "", usageError{errors.New("the passphrase is empty")}
	}
	return string(secret), nil
}

// readSecret reads a line without showing it; on Ctrl-C the terminal shows what is typed again.
func (d *deps) readSecret(terminal int) ([]byte, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return nil, fmt.Errorf("read the passphrase: %w", err)
	}
	type answer struct {
		secret []byte
		err    error
	}
	read := make(chan answer, 1)
	go func() {
		secret, err := term.ReadPassword(terminal)
		read <- answer{secret, err}
	}()
	select {
	case <-d.done:
		return nil, errors.Join(errInterrupted, term.Restore(terminal, before))
	case a := <-read:
		if a.err != nil {
			return nil, fmt.Errorf("read the passphrase: %w", a.err)
		}
		return a.secret, nil
	}
}
