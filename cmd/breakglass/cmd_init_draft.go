package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"breakglass/internal/config"
	"breakglass/internal/entra"
)

// initFacts are what init knows of the tenant without asking.
type initFacts struct {
	// source says where from: the tenant, a snapshot file, or nowhere ("flags").
	source     string
	snapshot   *entra.Snapshot
	licence    entra.Licence
	domains    []string
	candidates []config.Candidate
}

// facts reads the tenant where that is possible: from the snapshot file, or by signing in
// when the command line or the environment says as whom. Otherwise there are none.
func (o *initOptions) facts(ctx context.Context, d *deps) (*initFacts, error) {
	f := &initFacts{source: "flags"}
	want := &config.Desired{Tenant: config.Tenant{ID: o.tenantID, Cloud: o.cloud}}
	for _, name := range append(slices.Clone(o.adopt), o.upns...) {
		want.Accounts = append(want.Accounts, config.Account{UserPrincipalName: name})
	}
	switch {
	case o.snapshot != "":
		f.source = "snapshot " + o.snapshot
	case d.global.offline || !o.canSignIn(d):
		return f, nil
	default:
		f.source = "tenant"
	}
	if o.importFile != "" {
		list, err := importAccounts(o.importFile)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			if e.Type == "User" {
				want.Accounts = append(want.Accounts, config.Account{ObjectID: e.ID, UserPrincipalName: e.UserPrincipalName})
			}
		}
	}
	s, err := o.reading(ctx, d, want)
	if err != nil {
		return nil, err
	}
	f.snapshot, f.licence, f.domains, f.candidates = s, s.Licence(), domainsOf(s), config.Candidates(s)
	return f, nil
}

// canSignIn says whether it is said as whom; a browser is not opened unasked.
func (o *initOptions) canSignIn(d *deps) bool {
	return d.getenv(simEnv) != "" || o.auth != "" || o.clientID != "" || d.getenv("AZURE_CLIENT_ID") != ""
}

// draft is the plan: flags first, then what the tenant says, then answers or proposals.
func (o *initOptions) draft(f *initFacts, d *deps) (*config.Desired, error) {
	want := &config.Desired{Version: 1}
	t := &want.Tenant
	t.ID, t.InitialDomain, t.Cloud, t.Profile = o.tenantID, o.initialDomain, o.cloud, o.profile
	if s := f.snapshot; s != nil {
		if t.ID != "" && !strings.EqualFold(t.ID, s.Tenant.ID) {
			return nil, withHint(usageError{fmt.Errorf("the reading is of tenant %s, --tenant-id says %s", s.Tenant.ID, t.ID)}, "leave --tenant-id out, or read the other tenant")
		}
		t.ID = s.Tenant.ID
		t.InitialDomain = firstOf(t.InitialDomain, initialDomain(s))
		if d.getenv(simEnv) == "" {
			t.Cloud = firstOf(t.Cloud, knownCloud(s.Cloud))
		}
	}
	t.Profile = firstOf(t.Profile, map[entra.Licence]string{entra.LicenceFree: "free"}[f.licence])
	if err := o.askTenant(t, d); err != nil {
		return nil, err
	}
	if err := o.draftAccounts(want, f, d); err != nil {
		return nil, err
	}
	o.draftRest(want)
	want.SetDefaults()
	return want, nil
}

func initialDomain(s *entra.Snapshot) string {
	for _, x := range s.Domains {
		if x.IsInitial.Or(false) {
			return x.ID
		}
	}
	return ""
}

// knownCloud is a snapshot's cloud as the plan may name it: one of our own hosts is other.
func knownCloud(name string) string {
	if slices.Contains([]string{"public", "usgov-l4", "usgov-l5", "china"}, name) {
		return name
	}
	return map[bool]string{true: "", false: "other"}[name == ""]
}

// draftAccounts fills the plan with two accounts: adopted ones first, then new ones.
func (o *initOptions) draftAccounts(want *config.Desired, f *initFacts, d *deps) error {
	found, err := o.existing(want, f, d)
	if err != nil {
		return err
	}
	want.Accounts = found
	for _, upn := range o.upns {
		want.Accounts = append(want.Accounts, config.Account{UserPrincipalName: upn, DisplayName: neutralName()})
	}
	for len(want.Accounts) < 2 {
		name := unguessable()
		want.Accounts = append(want.Accounts, config.Account{UserPrincipalName: name + "@" + want.Tenant.InitialDomain, DisplayName: neutralName()})
	}
	for i := range want.Accounts {
		a := &want.Accounts[i]
		a.ID = "account-" + string(rune('a'+i%26))
		a.UsageLocation = o.usageLocation
		o.setPosture(a, i, want.Tenant.Profile)
	}
	if want.Tenant.Profile == "strict" && o.policy == "" {
		return withHint(usageError{errors.New("profile strict needs the policy that stands over the second account")}, "give its object id with --policy")
	}
	return nil
}

// setPosture gives the accounts what the profile says: the first one's password is sealed,
// the second one's known to nobody.
func (o *initOptions) setPosture(a *config.Account, i int, profile string) {
	a.Posture, a.Password = config.PostureExcluded, config.PasswordSealed
	switch {
	case i == 0 && profile == "classic":
		a.Posture = config.PosturePasswordOnly
	case i == 1:
		a.Password = config.PasswordUnknown
		if profile == "strict" {
			a.Posture, a.Policy = config.PosturePasskeyRequired, o.policy
		}
	}
}

// existing are the accounts to adopt: those named, else those that clearly are emergency
// accounts already.
func (o *initOptions) existing(want *config.Desired, f *initFacts, d *deps) ([]config.Account, error) {
	var all []config.Account
	if o.importFile != "" {
		list, err := importAccounts(o.importFile)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			if e.Type == "Group" {
				want.ExclusionGroup = groupOf(f.snapshot, e.ID)
				continue
			}
			a, err := adoptNamed(f.snapshot, firstOf(e.ID, e.UserPrincipalName))
			if err != nil {
				return nil, err
			}
			all = append(all, a)
		}
	}
	for _, name := range o.adopt {
		a, err := adoptNamed(f.snapshot, name)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	if len(all) > 0 || o.noAdopt || len(o.upns) > 0 {
		return all, nil
	}
	return o.proposed(f, d)
}

// proposed are the candidates that a person confirms, or with --yes the likely ones.
func (o *initOptions) proposed(f *initFacts, d *deps) ([]config.Account, error) {
	var all []config.Account
	for _, c := range f.candidates {
		if len(all) == 2 {
			break
		}
		upn := c.User.UserPrincipalName.Or(c.User.ID)
		take := c.Likely
		if !o.yes {
			var err error
			if take, err = d.askYes(fmt.Sprintf("%s looks like an emergency account (%s). Adopt it?", upn, strings.Join(c.Why, ", ")), c.Likely); err != nil {
				return nil, err
			}
		}
		if take {
			all = append(all, adopted(c.User))
		}
		if o.yes {
			verb := map[bool]string{true: "adopts", false: "leaves alone"}[take]
			d.say("init %s %s: %s (--adopt and --no-adopt decide otherwise)", verb, upn, strings.Join(c.Why, ", "))
		}
	}
	return all, nil
}

// adoptNamed is an existing account by name or object id. Without a reading a name is taken
// at its word; an id alone has no name yet.
func adoptNamed(s *entra.Snapshot, name string) (config.Account, error) {
	if s != nil {
		u := s.User(name)
		if u == nil {
			u = s.UserByName(name)
		}
		if u == nil {
			return config.Account{}, usageError{fmt.Errorf("there is no account %s in this reading", name)}
		}
		return adopted(u), nil
	}
	if !strings.Contains(name, "@") {
		return config.Account{}, withHint(usageError{fmt.Errorf("the name of %s is not known without the tenant", name)}, "sign in (--client-id), give --snapshot FILE, or name the account by its user principal name")
	}
	return config.Account{UserPrincipalName: name, DisplayName: neutralName()}, nil
}

func adopted(u *entra.User) config.Account {
	return config.Account{
		ObjectID: u.ID, UserPrincipalName: u.UserPrincipalName.Or(""), DisplayName: firstOf(u.DisplayName.Or(""), neutralName()),
		UsageLocation: u.UsageLocation.Or(""),
	}
}

func groupOf(s *entra.Snapshot, id string) *config.ExclusionGroup {
	g := &config.ExclusionGroup{ObjectID: id, DisplayName: neutralName(), MailNickname: unguessable()}
	if s == nil {
		return g
	}
	if found := s.Group(id); found != nil {
		g.DisplayName, g.MailNickname = found.DisplayName.Or(g.DisplayName), found.MailNickname.Or(g.MailNickname)
	}
	return g
}

func (o *initOptions) draftRest(want *config.Desired) {
	want.ConditionalAccess.ManagedBy = o.managedBy
	if !o.guardedGroup {
		return
	}
	if want.ExclusionGroup == nil {
		want.ExclusionGroup = &config.ExclusionGroup{DisplayName: neutralName(), MailNickname: unguessable()}
	}
	want.RestrictedUnit = &config.RestrictedUnit{DisplayName: neutralName()}
}

// The alphabets of names: no letter or digit that is mistaken for another. Letters and
// digits take turns, so that no word can arise.
const (
	nameLetters = "abcdefghjkmnpqrstuvwxyz"
	nameDigits  = "23456789"
	nameLength  = 14 // 7 letters and 7 digits: 52 bits
)

// unguessable is a new user principal name's part before the @.
func unguessable() string {
	var b strings.Builder
	for i := range nameLength {
		b.WriteByte(pick([]string{nameLetters, nameDigits}[i%2]))
	}
	return b.String()
}

// neutralName is a display name that says nothing, and not the account's sign-in name either.
func neutralName() string {
	return "Object " + string([]byte{pick(nameLetters) - 'a' + 'A', pick(nameDigits), pick(nameLetters) - 'a' + 'A', pick(nameDigits)})
}

func pick(alphabet string) byte {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
	if err != nil {
		panic("the system's random generator failed: " + err.Error()) // Go 1.24 and later: it never returns an error
	}
	return alphabet[n.Int64()]
}
