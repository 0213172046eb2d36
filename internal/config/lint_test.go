package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// everybody is people.age for testdata/good.yaml: nobody shares anything.
func everybody(d *Desired) *People {
	p := &People{Version: 1}
	l := linter{d: d}
	for i, id := range l.named() {
		p.People = append(p.People, Person{
			ID: id, Name: "Person " + string(id), Phones: []string{"+49 30 5550" + string(rune('0'+i/10)) + string(rune('0'+i%10))},
			Mail: string(id) + "@example.net", OrganisationID: "E" + string(id),
		})
	}
	for _, loc := range d.Locations {
		p.Locations = append(p.Locations, Place{ID: loc.ID, Address: "Street " + loc.Code})
	}
	return p
}

func lintAll(d *Desired) []Problem {
	return LintKnown(d, Known{People: everybody(d), Domains: []string{"contoso.com", "contoso.onmicrosoft.com"}})
}

func codes(problems []Problem) []string {
	var all []string
	for _, p := range problems {
		if !slices.Contains(all, p.Code) {
			all = append(all, p.Code)
		}
	}
	return all
}

func TestAGoodPlanHasNothingToFind(t *testing.T) {
	for _, p := range lintAll(good(t)) {
		t.Errorf("%s at %s: %s", p.Code, p.Path, p.Message)
	}
}

// Without people.age and a snapshot, what cannot be judged is said and nothing else.
func TestWhatCannotBeJudgedIsSaid(t *testing.T) {
	problems := Lint(good(t))
	if want := []string{"people-unread", "channel-depends-on-tenant"}; !cmp.Equal(codes(problems), want) {
		t.Errorf("got %v, want %v", codes(problems), want)
	}
	for _, p := range problems {
		if !p.CouldNotTell {
			t.Errorf("%s counts as broken, it could not be told", p.Code)
		}
	}
}

func twoSites(d *Desired, locations int) {
	q := d.Accounts[0].Quorum
	q.Locations, q.Sheets, q.People = locations, q.Sheets[:2], 0
	q.Sheets[0] = LocationSheets{Location: "l-1", Need: 2, Custodians: []PersonID{"p-01", "p-03", "p-04"}}
	q.Sheets[1] = LocationSheets{Location: "l-2", Need: 2, Custodians: []PersonID{"p-02", "p-05", "p-06"}}
	d.Custodians = append(d.Custodians, "p-04", "p-05", "p-06")
	d.Locations[0].Access = []PersonID{"p-01", "p-03", "p-04"}
	d.Locations[1].Access = []PersonID{"p-02", "p-05", "p-06"}
	for _, a := range d.Accounts {
		for i := range a.Keys {
			a.Keys[i].PIN.Sheets[2].Custodians = []PersonID{"p-07"}
		}
	}
	d.Custodians = append(d.Custodians, "p-07")
	d.Locations[2].Access = []PersonID{"p-07"}
}

// brokenPlan is one change of the good plan, the rules it breaks, and what must be said.
type brokenPlan struct {
	name   string
	change func(d *Desired)
	codes  []string
	says   []string
}

var brokenPlans = []brokenPlan{
	{"a seventeenth sheet", func(d *Desired) {
		g := &d.Accounts[0].Quorum.Sheets[0]
		g.Need = 2
		for i := range 16 {
			c := PersonID("q-" + string(rune('a'+i)))
			g.Custodians = append(g.Custodians, c)
			d.Custodians = append(d.Custodians, c)
			d.Locations[0].Access = append(d.Locations[0].Access, c)
		}
	}, []string{"slip39-limits"}, []string{"17 sheets at l-1", "nearest plan: 16 custodians here"}},
	{"more locations asked than there are", func(d *Desired) { d.Accounts[0].Quorum.Locations = 4 }, []string{"slip39-threshold"}, []string{"asks for 4 locations of 3", "nearest plan: locations: 3"}},
	{"more sheets needed than there are", func(d *Desired) { d.Accounts[0].Quorum.Sheets[1].Need = 2 }, []string{"slip39-threshold"}, []string{"asks for 2 sheets of 1 at l-2", "nearest plan: need: 1, or 1 custodians more"}},
	{"any one of two people", func(d *Desired) {
		d.Accounts[0].Quorum.Sheets[0].Custodians = []PersonID{"p-01", "p-04"}
		d.Custodians, d.Locations[0].Access = append(d.Custodians, "p-04"), []PersonID{"p-01", "p-04"}
	}, []string{"slip39-one-of-many"}, []string{"any one of 2 sheets at l-1", "need: 1, custodians: [p-01], and p-04 in the access of l-1", "need: 2"}},
	{"one person with two sheets", func(d *Desired) {
		d.Accounts[0].Quorum.Sheets[0] = LocationSheets{Location: "l-1", Need: 2, Custodians: []PersonID{"p-01", "p-01"}}
	}, []string{"slip39-weight"}, []string{"p-01 keeps two sheets", "SLIP-0039 has no weights"}},
	{
		"one location twice", func(d *Desired) { d.Accounts[0].Quorum.Sheets[2].Location = "l-1" },
		[]string{"slip39-weight", "quorum-one-person", "quorum-one-location", "quorum-person-lost", "quorum-location-lost", "custodian-locked-out"},
		[]string{"location l-1 stands twice", "custodians: [p-01, p-03]"},
	},
	{"any three people from at least two locations", func(d *Desired) {
		d.Accounts[0].Quorum.People = 3
	}, []string{"slip39-people"}, []string{"asks for 3 different people", "nearest plan: locations: 3, need: 1 of 1 at l-1, need: 1 of 1 at l-2, need: 1 of 1 at l-3"}},
	{"one person who must be there", func(d *Desired) { d.Accounts[0].Quorum.MustInclude = []PersonID{"p-02"} }, []string{"slip39-must-include"}, []string{"is to need p-02", "nearest plan: locations: 3"}},
	{
		"one sheet that opens", func(d *Desired) { d.Accounts[0].Quorum.Locations, d.Accounts[0].Quorum.People = 1, 0 },
		[]string{"quorum-one-sheet", "quorum-one-person", "quorum-one-location"},
		[]string{"one sheet alone opens the password of amber", "nearest plan: locations: 2"},
	},
	{
		"one person with two safes", func(d *Desired) { d.Locations[1].Access = []PersonID{"p-02", "p-01"} },
		[]string{"quorum-one-person"},
		[]string{"p-01 alone reaches the password of amber: can open l-1, l-2", "p-01 alone reaches key basalt-1 with its PIN of basalt"},
	},
	{"somebody of the facilities staff with the spare keys", func(d *Desired) {
		d.Locations[1].Access = append(d.Locations[1].Access, "caretaker")
		d.Locations[2].Access = append(d.Locations[2].Access, "caretaker")
	}, []string{"quorum-one-person"}, []string{"caretaker alone reaches the password of amber: can open l-2, l-3"}},
	{"one person with sheets in two places", func(d *Desired) {
		d.Accounts[0].Quorum.Sheets[1].Custodians = []PersonID{"p-01"}
		d.Accounts[0].Quorum.People = 0
	}, []string{"quorum-one-person", "quorum-person-lost", "custodian-locked-out"}, []string{"can open l-1 and keeps a sheet at l-2"}},
	{"a PIN beside its key", func(d *Desired) {
		k := &d.Accounts[0].Keys[0]
		k.PIN = &Quorum{Locations: 1, Sheets: []LocationSheets{{Location: "l-1", Need: 2, Custodians: []PersonID{"p-01", "p-04"}}}}
		d.Custodians, d.Locations[0].Access = append(d.Custodians, "p-04"), []PersonID{"p-01", "p-04"}
	}, []string{"quorum-one-person", "pin-with-key"}, []string{"location l-1 has key amber-1 with its PIN of amber", "p-04 alone reaches key amber-1"}},
	{"every person needed", func(d *Desired) { d.Accounts[0].Quorum.Locations = 3 }, []string{"quorum-person-lost", "quorum-location-lost"}, []string{"with p-02 gone, the password of amber is out of reach", "with location l-3 lost", "lower locations, or add a location"}},
	{
		"two locations, both needed", func(d *Desired) { twoSites(d, 2) },
		[]string{"quorum-location-lost"},
		[]string{"with location l-1 lost", "gives up the second of the two rules", "a third site may be a bank's safe-deposit box", "accepted_risks with rule quorum-location-lost"},
	},
	{
		"two locations, either enough", func(d *Desired) { twoSites(d, 1) },
		[]string{"quorum-one-person", "quorum-one-location"},
		[]string{"location l-1 alone holds", "gives up the first of the two rules", "accepted_risks with rule quorum-one-location"},
	},
	{"a key's PIN with one person", func(d *Desired) {
		for i := range d.Accounts[1].Keys {
			d.Accounts[1].Keys[i].PIN.Locations = 3
		}
	}, []string{"keys-person-lost", "keys-location-lost"}, []string{"with p-01 gone, every key with its PIN of basalt is out of reach", "with location l-2 lost"}},
	{"one account", func(d *Desired) { d.Accounts = d.Accounts[:1] }, []string{"accounts-few", "keys-one-model"}, []string{"1 emergency account"}},
	{"three accounts", func(d *Desired) {
		a := d.Accounts[1]
		a.ID, a.UserPrincipalName, a.ObjectID, a.Keys = "cobalt", "x@contoso.onmicrosoft.com", "", slices.Clone(a.Keys)
		a.Keys[0].Serial, a.Keys[1].Serial = "", ""
		d.Accounts = append(d.Accounts, a)
	}, []string{"accounts-many"}, nil},
	{"an account twice by name", func(d *Desired) { d.Accounts[1].UserPrincipalName = "K7-Orchard-52@contoso.onmicrosoft.com" }, []string{"account-twice"}, []string{"amber and basalt are one account"}},
	{"an account twice by object id", func(d *Desired) { d.Accounts[1].ObjectID = d.Accounts[0].ObjectID }, []string{"account-twice"}, []string{"both have the object id"}},
	{"two accounts of one id", func(d *Desired) { d.Accounts[1].ID = "amber" }, []string{"account-twice"}, nil},
	{"a federated domain", func(d *Desired) { d.Accounts[0].UserPrincipalName = "k7@contoso.com" }, []string{"upn-domain"}, []string{"end it in @contoso.onmicrosoft.com"}},
	{"a telling name", func(d *Desired) { d.Accounts[0].UserPrincipalName = "Break-Glass.1@contoso.onmicrosoft.com" }, []string{"upn-telling"}, []string{"contains breakglass"}},
	{"a short telling name", func(d *Desired) { d.Accounts[0].UserPrincipalName = "bg-01@contoso.onmicrosoft.com" }, []string{"upn-telling"}, nil},
	{"a telling display name", func(d *Desired) { d.Accounts[0].DisplayName = "Emergency Access 1" }, []string{"upn-telling"}, []string{"display name of amber"}},
	{"passkey-required without its policy", func(d *Desired) { d.Accounts[1].Posture, d.Tenant.Profile = PosturePasskeyRequired, "strict" }, []string{"policy-posture"}, []string{"names no policy"}},
	{"a policy on an excluded account", func(d *Desired) { d.Accounts[1].Policy = nilGUID }, []string{"policy-posture"}, []string{"names a policy and is excluded"}},
	{"every account under a policy", func(d *Desired) {
		for i := range d.Accounts {
			d.Accounts[i].Posture, d.Accounts[i].Policy = PosturePasskeyRequired, "x"
		}
	}, []string{"none-excluded", "profile-postures"}, nil},
	{"a password alone", func(d *Desired) {
		d.Accounts[0].Posture, d.Accounts[0].Keys, d.Tenant.Profile = PosturePasswordOnly, nil, "classic"
	}, []string{"password-only", "keys-one-model"}, nil},
	{"another profile", func(d *Desired) { d.Tenant.Profile = "strict" }, []string{"profile-postures"}, nil},
	{"a sealed password that nothing splits", func(d *Desired) { d.Accounts[0].Quorum = nil }, []string{"quorum-missing"}, nil},
	{"an unknown password that is split", func(d *Desired) { d.Accounts[0].Password = PasswordUnknown }, []string{"quorum-idle"}, nil},
	{"no keys", func(d *Desired) { d.Accounts[1].Keys = nil }, []string{"keys-missing", "keys-one-model"}, nil},
	{"one key", func(d *Desired) { d.Accounts[1].Keys = d.Accounts[1].Keys[:1] }, []string{"keys-person-lost", "keys-location-lost", "keys-few"}, []string{"with location l-2 lost, every key"}},
	{"keys together", func(d *Desired) { d.Accounts[1].Keys[0].Location = "l-3" }, []string{"keys-person-lost", "keys-location-lost", "keys-together"}, []string{"all keys of basalt lie at l-3"}},
	{"keys of one model", func(d *Desired) {
		d.Accounts[1].Keys[0].AAGUID, d.Accounts[1].Keys[1].AAGUID = d.Accounts[0].Keys[0].AAGUID, d.Accounts[0].Keys[0].AAGUID
	}, []string{"keys-one-model"}, []string{"all 4 keys"}},
	{"one key twice", func(d *Desired) { d.Accounts[1].Keys[0].Serial = "1001" }, []string{"key-twice"}, []string{"amber-1 of amber and basalt-1 of basalt are one key"}},
	{"a PIN in one head", func(d *Desired) { d.Accounts[1].Keys[0].PIN = nil }, []string{"keys-person-lost", "keys-location-lost", "pin-missing"}, nil},
	{"no locations", func(d *Desired) { d.Locations = nil }, []string{"quorum-one-person", "locations-missing", "location-unknown"}, nil},
	{"a mistyped location", func(d *Desired) { d.Accounts[0].Keys[0].Location = "l-11" }, []string{"quorum-one-person", "location-unknown"}, []string{"there is no location l-11", "did you mean l-1?"}},
	{"one code for two locations", func(d *Desired) { d.Locations[1].Code = "K7" }, []string{"location-code-twice"}, []string{"l-1 and l-2 both have the code K7"}},
	{"a location that nobody is said to open", func(d *Desired) { d.Locations[0].Access = nil }, []string{"quorum-one-person", "location-access-missing"}, []string{"could not be told"}},
	{"an idle location", func(d *Desired) {
		d.Locations = append(d.Locations, Location{ID: "l-4", Code: "Q1", Access: []PersonID{"p-01"}})
	}, []string{"location-idle"}, nil},
	{"no custodians", func(d *Desired) { d.Custodians = nil }, []string{"custodians-missing", "custodian-unknown"}, nil},
	{"a mistyped custodian", func(d *Desired) { d.Accounts[0].Quorum.Sheets[0].Custodians[0] = "p-1" }, []string{"custodian-unknown", "custodian-locked-out"}, []string{"did you mean p-01?"}},
	{"an idle custodian", func(d *Desired) { d.Custodians = append(d.Custodians, "p-99") }, []string{"custodian-idle"}, nil},
	{"two approvers", func(d *Desired) { d.Approvers = d.Approvers[:2] }, []string{"approvers-few"}, nil},
	{"an approver who implements", func(d *Desired) { d.Approvers[0] = "p-31" }, []string{"duties-overlap"}, []string{"p-31 both implements and approves"}},
	{"a reviewer who approves", func(d *Desired) { d.Duties["review"] = Duty{"p-41", "p-12"} }, []string{"duties-overlap"}, []string{"p-12 both approves and reviews"}},
	{"an implementer who is alerted", func(d *Desired) { d.Channels[0].To[0] = "p-32" }, []string{"duties-overlap"}, []string{"p-32 both implements and receives the alerts"}},
	{"a duty of nobody", func(d *Desired) { delete(d.Duties, "drill") }, []string{"duty-missing"}, []string{"nobody has the duty of drill"}},
	{"no deputy", func(d *Desired) { d.Duties["drill"] = Duty{Owner: "p-31"} }, []string{"duty-deputy"}, nil},
	{"the own deputy", func(d *Desired) { d.Duties["drill"] = Duty{"p-31", "p-31"} }, []string{"duty-deputy"}, []string{"p-31 is the own deputy"}},
	{"a drill a year", func(d *Desired) { d.Cadences.Drill = 365 }, []string{"cadence-long"}, []string{"drill is due every 365 days", "90d or less"}},
	{"a late review", func(d *Desired) { d.Cadences.Review = 60 }, []string{"cadence-long"}, nil},
	{"one channel", func(d *Desired) { d.Channels = d.Channels[1:] }, []string{"channels-few"}, nil},
	{"Teams of the tenant", func(d *Desired) { d.Channels[0] = Channel{ID: "chat", Kind: "teams", To: d.Channels[0].To} }, []string{"channels-few", "channel-depends-on-tenant"}, []string{"Teams of the tenant"}},
	{"mail through the tenant", func(d *Desired) { d.Channels[1].Settings["server"] = "smtp.office365.com:587" }, []string{"channels-few", "channel-depends-on-tenant"}, []string{"smtp.office365.com"}},
	{"mail from the tenant's domain", func(d *Desired) { d.Channels[1].Settings["from"] = "alerts@it.contoso.com" }, []string{"channels-few", "channel-depends-on-tenant"}, []string{"it.contoso.com, a domain of the tenant"}},
	{"a channel for nobody", func(d *Desired) { d.Channels[0].To = nil }, []string{"channel-nobody"}, nil},
	{"one person alerted", func(d *Desired) { d.Channels[0].To, d.Channels[1].To = []PersonID{"p-21"}, []PersonID{"p-21"} }, []string{"alerts-one-person"}, nil},
	{"two channels of a kind", func(d *Desired) { d.Channels[0].Kind = "mail" }, []string{"channels-one-kind"}, nil},
	{"no dead man", func(d *Desired) { d.Channels = d.Channels[:2] }, []string{"dead-man-missing"}, nil},
	{"a dead man in the tenant", func(d *Desired) { d.Channels[2].Settings["url"] = "https://x.azurewebsites.net/ping" }, []string{"channel-depends-on-tenant", "dead-man-missing"}, nil},
	{"a secret in the plan", func(d *Desired) { d.Channels[0].Settings = map[string]string{"routing_key": "R0"} }, []string{"channel-secret"}, []string{"routing_key"}},
	{"an address that is a secret", func(d *Desired) {
		d.Channels[0] = Channel{ID: "chat", Kind: "slack", To: d.Channels[0].To, Settings: map[string]string{"url": "https://hooks.slack.com/services/T0/B0/x"}}
	}, []string{"channel-secret"}, nil},
	{"a risk of no rule", func(d *Desired) { d.AcceptedRisks = []AcceptedRisk{{"quorum-location-los", "p-51", "x"}} }, []string{"risk-rule-unknown"}, []string{"did you mean quorum-location-lost?"}},
	{"a risk that is an error", func(d *Desired) { d.AcceptedRisks = []AcceptedRisk{{"account-twice", "p-51", "x"}} }, []string{"risk-not-acceptable"}, nil},
	{"a risk not run", func(d *Desired) { d.AcceptedRisks = []AcceptedRisk{{"quorum-location-lost", "p-51", "x"}} }, []string{"risk-idle"}, nil},
}

func TestABrokenPlanIsNamedForWhatItIs(t *testing.T) {
	for _, c := range brokenPlans {
		t.Run(c.name, func(t *testing.T) {
			d := good(t)
			c.change(d)
			problems := lintAll(d)
			if diff := cmp.Diff(c.codes, codes(problems)); diff != "" {
				t.Errorf("rules broken (-want +got):\n%s", diff)
			}
			text := told(problems)
			for _, s := range c.says {
				if !strings.Contains(text, s) {
					t.Errorf("nothing says %q in:\n%s", s, text)
				}
			}
		})
	}
}

func told(problems []Problem) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.Code + " at " + p.Path + ": " + p.Message + "; " + p.Advice + "\n")
	}
	return b.String()
}

// peopleProblems are what only people.age shows.
var peopleProblems = []struct {
	name   string
	change func(p *People)
	codes  []string
	says   string
}{
	{"one number written in two ways", func(p *People) {
		p.People[0].Phones, p.People[1].Phones = []string{"+49 (0)30 123-456"}, []string{"0049 30 123456"}
	}, []string{"phone-twice"}, "p-01 and p-02 share a telephone number"},
	{"one person under two ids", func(p *People) { p.People[0].OrganisationID = "ep-02" }, []string{"person-twice"}, "p-01 and p-02 have one organisation id"},
	{"somebody unknown", func(p *People) { p.People = p.People[1:] }, []string{"person-unresolved"}, "p-01 is not in people.age"},
	{"a place unknown", func(p *People) { p.Locations = p.Locations[1:] }, []string{"location-unresolved"}, "l-1 is not in people.age"},
	{"a mailbox in the tenant", func(p *People) {
		i := slices.IndexFunc(p.People, func(x Person) bool { return x.ID == "p-22" })
		p.People[i].Mail = "p-22@contoso.com"
	}, []string{"channels-few", "channel-depends-on-tenant"}, "outside-mail reaches p-22 in a mailbox of the tenant"},
}

func TestPeopleAreJudgedWithoutBeingNamed(t *testing.T) {
	for _, c := range peopleProblems {
		t.Run(c.name, func(t *testing.T) {
			d := good(t)
			p := everybody(d)
			c.change(p)
			problems := LintKnown(d, Known{People: p, Domains: []string{"contoso.com"}})
			if diff := cmp.Diff(c.codes, codes(problems)); diff != "" {
				t.Errorf("rules broken (-want +got):\n%s", diff)
			}
			text := told(problems)
			if !strings.Contains(text, c.says) {
				t.Errorf("nothing says %q in:\n%s", c.says, text)
			}
			for _, secret := range []string{"123456", "123-456", "Person p", "Street", "@contoso.com"} {
				if strings.Contains(text, secret) {
					t.Errorf("the message tells %q from people.age:\n%s", secret, text)
				}
			}
		})
	}
}

// No rule without a plan that breaks it: a rule that cannot fail is not a rule.
func TestEveryRuleIsBrokenSomewhere(t *testing.T) {
	broken := []string{"people-unread"} // TestWhatCannotBeJudgedIsSaid
	for _, c := range brokenPlans {
		broken = append(broken, c.codes...)
	}
	for _, c := range peopleProblems {
		broken = append(broken, c.codes...)
	}
	for _, r := range Rules() {
		if !slices.Contains(broken, r.Code) {
			t.Errorf("no plan breaks %s", r.Code)
		}
	}
}

func TestAnAcceptedRiskIsShownWithItsPersonAndStaysAProblem(t *testing.T) {
	d := good(t)
	twoSites(d, 2)
	d.AcceptedRisks = []AcceptedRisk{{Rule: "quorum-location-lost", Person: "p-51", Reason: "two sites until May"}}
	problems := lintAll(d)
	if len(problems) == 0 {
		t.Fatal("the problem is gone")
	}
	for _, p := range problems {
		if p.Code != "quorum-location-lost" || p.Accepted == nil || p.Accepted.Person != "p-51" {
			t.Errorf("got %+v, want quorum-location-lost accepted by p-51", p)
		}
	}
	if len(Refusals(problems)) != 0 {
		t.Error("an accepted risk stops work")
	}
}

func TestOnlyErrorsStopWork(t *testing.T) {
	d := good(t)
	d.Custodians = nil
	d.Approvers = nil
	d.Accounts[0].Posture, d.Accounts[0].Policy = PostureExcluded, "x"
	var stops []string
	for _, p := range Refusals(lintAll(d)) {
		stops = append(stops, p.Code)
	}
	if slices.Contains(stops, "approvers-few") || !slices.Contains(stops, "policy-posture") {
		t.Errorf("work is stopped by %v", stops)
	}
}
