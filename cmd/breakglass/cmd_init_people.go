package main

import (
	"fmt"
	"slices"
	"strings"

	"breakglass/internal/config"
)

// interview asks for the people, the places and who does what. The plan gets ids, people.age
// the rest. Nil when the person declines.
func (o *initOptions) interview(want *config.Desired, d *deps) (*config.People, error) {
	yes, err := d.askYes("Name people and places now? They go into "+peopleName+", encrypted, and nowhere else", false)
	if err != nil || !yes {
		if o.recipientFlags.asked() {
			return &config.People{Version: 1}, err
		}
		return nil, err
	}
	if err := o.askKey(d); err != nil {
		return nil, err
	}
	i := &interviewer{d: d, want: want, team: &config.People{Version: 1}}
	for _, part := range []func() error{i.people, i.places, i.duties, i.support} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	i.split()
	return i.team, nil
}

// askKey settles who will be able to open people.age before anything is told that belongs in
// it: an interview must not be lost to a mistyped passphrase at its end.
func (o *initOptions) askKey(d *deps) error {
	if o.recipientFlags.asked() {
		_, err := o.resolve(d)
		return err
	}
	_, err := d.ask("age recipient (age1…) that opens it, or Enter for a passphrase", "", func(answer string) string {
		o.recipientFlags.passphrase, o.recipients = answer == "", nil
		if answer != "" {
			o.recipients = []string{answer}
		}
		if _, err := o.resolve(d); err != nil {
			return err.Error()
		}
		return ""
	})
	if err != nil {
		return err
	}
	return refuseExisting(o.force, o.beside(peopleName))
}

type interviewer struct {
	d    *deps
	want *config.Desired
	team *config.People
	// keeper is who keeps the sheet of each location, by the location's number.
	keeper []config.PersonID
}

func (i *interviewer) people() error {
	for {
		n := len(i.team.People) + 1
		name, err := i.d.ask(fmt.Sprintf("Person %d: name (Enter to end)", n), "", i.one)
		if err != nil || name == "" {
			return err
		}
		p := config.Person{ID: config.PersonID(fmt.Sprintf("p-%02d", n)), Name: name}
		phones, err := i.d.ask("  telephones, with country code, separated by commas", "", func(s string) string {
			return i.wrong(config.Person{ID: p.ID, Name: name, Phones: separated(s)}, "people[0].phones")
		})
		if err != nil {
			return err
		}
		p.Phones = separated(phones)
		if p.Mail, err = i.d.ask("  mail, better outside the tenant (Enter for none)", "", func(s string) string {
			return i.wrong(config.Person{ID: p.ID, Name: name, Mail: s}, "people[0].mail")
		}); err != nil {
			return err
		}
		if p.OrganisationID, err = i.d.ask("  personnel number (Enter for none)", "", i.one); err != nil {
			return err
		}
		i.team.People = append(i.team.People, p)
	}
}

// one checks a single line of text.
func (i *interviewer) one(s string) string {
	if s == "" {
		return ""
	}
	return i.wrong(config.Person{ID: "p", Name: s}, "people[0].name")
}

// wrong is what the loader of people.age says of one value.
func (i *interviewer) wrong(p config.Person, path string) string {
	return config.WrongPerson(p, path)
}

func separated(list string) []string {
	var all []string
	for _, s := range strings.Split(list, ",") {
		if s = strings.TrimSpace(s); s != "" {
			all = append(all, s)
		}
	}
	return all
}

func (i *interviewer) list() {
	for n, p := range i.team.People {
		i.d.say("  %d  %s", n+1, p.Name)
	}
}

func (i *interviewer) places() error {
	if len(i.team.People) == 0 {
		return nil
	}
	i.list()
	for {
		n := len(i.want.Locations) + 1
		address, err := i.d.ask(fmt.Sprintf("Location %d: building, room, safe (Enter to end)", n), "", i.one)
		if err != nil || address == "" {
			return err
		}
		id := config.LocationID(fmt.Sprintf("l-%d", n))
		place := config.Place{ID: id, Address: address}
		if place.Hours, err = i.d.ask("  when one gets in, and how at night", "", i.one); err != nil {
			return err
		}
		if place.Call, err = i.d.ask("  whom to call to get in", "", i.one); err != nil {
			return err
		}
		all := len(i.team.People)
		access, err := i.d.askNumbers("  everyone who can open it, by number", all, 1, all)
		if err != nil {
			return err
		}
		keeper, err := i.d.askNumbers("  who keeps the sheet there, by number", all, 1, 1)
		if err != nil {
			return err
		}
		i.want.Locations = append(i.want.Locations, config.Location{ID: id, Code: i.code(), Access: i.ids(access)})
		i.keeper = append(i.keeper, i.ids(keeper)[0])
		i.team.Locations = append(i.team.Locations, place)
	}
}

// code is a new location code: short, and no other location's.
func (i *interviewer) code() string {
	for {
		code := strings.ToUpper(string([]byte{pick(nameLetters), pick(nameDigits)}))
		if !slices.ContainsFunc(i.want.Locations, func(l config.Location) bool { return l.Code == code }) {
			return code
		}
	}
}

func (i *interviewer) ids(numbers []int) []config.PersonID {
	var all []config.PersonID
	for _, n := range numbers {
		if id := i.team.People[n].ID; !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

// dutyQuestions are asked in this order.
var dutyQuestions = []struct{ name, question string }{
	{"implement", "Who sets up and applies"},
	{"alerts", "Who answers alerts"},
	{"review", "Who reviews each use"},
	{"rotate", "Who leads rotations"},
	{"drill", "Who leads drills"},
	{"inventory", "Who leads the inventory"},
	{"personnel", "Who tells of joiners and leavers"},
	{"runbook", "Who keeps the paper current"},
}

func (i *interviewer) duties() error {
	all := len(i.team.People)
	if all == 0 {
		return nil
	}
	i.list()
	approvers, err := i.d.askNumbers("Who may approve, by number (three; Enter for later)", all, 0, all)
	if err != nil {
		return err
	}
	i.want.Approvers = i.ids(approvers)
	i.want.Duties = map[string]config.Duty{}
	for _, q := range dutyQuestions {
		chosen, err := i.d.askNumbers(q.question+": owner and deputy, by number (Enter for later)", all, 0, 2)
		if err != nil {
			return err
		}
		who := i.ids(chosen)
		if len(who) == 0 {
			continue
		}
		duty := config.Duty{Owner: who[0]}
		if len(who) > 1 {
			duty.Deputy = who[1]
		}
		i.want.Duties[q.name] = duty
	}
	return nil
}

func (i *interviewer) support() error {
	s := &i.team.Support
	for _, q := range []struct {
		question string
		value    *string
	}{
		{"Own duty number, printed on sheets", &s.DutyPhone},
		{"Registrar of the domains, and who can sign in there without the tenant", &s.Registrar},
		{"DNS, and who can sign in there without the tenant", &s.DNS},
		{"Number of the support contract", &s.Contract},
		{"Billing account or a subscription id", &s.Billing},
		{"Microsoft's business support number, and the day it was checked", &s.MicrosoftPhone},
	} {
		answer, err := i.d.ask(q.question+" (Enter for later)", "", i.one)
		if err != nil {
			return err
		}
		*q.value = answer
	}
	return nil
}

// split gives each account the plan in which any one location or person may be lost and none
// suffices: one sheet in every location, more than half of them needed; keys in different
// locations, each account's beginning elsewhere.
func (i *interviewer) split() {
	n := len(i.want.Locations)
	if n < 2 {
		return
	}
	for _, id := range i.keeper {
		if !slices.Contains(i.want.Custodians, id) {
			i.want.Custodians = append(i.want.Custodians, id)
		}
	}
	for a := range i.want.Accounts {
		account := &i.want.Accounts[a]
		if account.Password == config.PasswordSealed {
			account.Quorum = i.quorum()
		}
		if account.Posture == config.PosturePasswordOnly {
			continue
		}
		for k := range 2 {
			account.Keys = append(account.Keys, config.Key{
				ID: fmt.Sprintf("key-%d", k+1), Location: i.want.Locations[(a+k)%n].ID, PIN: i.quorum(),
			})
		}
	}
}

func (i *interviewer) quorum() *config.Quorum {
	q := &config.Quorum{Locations: len(i.want.Locations)/2 + 1}
	for n, l := range i.want.Locations {
		q.Sheets = append(q.Sheets, config.LocationSheets{Location: l.ID, Need: 1, Custodians: []config.PersonID{i.keeper[n]}})
	}
	return q
}
