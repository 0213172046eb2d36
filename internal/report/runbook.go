// Package report writes what leaves the program for people and other tools: documents and
// report formats. A writer takes values and an io.Writer; it decides nothing and reads
// nothing.
package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"
	"time"

	"breakglass/internal/config"
	"breakglass/internal/phrase"
)

// Runbook is what the emergency runbook is made of. Without People it has opaque ids and
// blanks to fill in by hand, and may lie where the plan lies. With People it has names,
// telephones and addresses: it is as secret as people.age, and belongs on paper only.
type Runbook struct {
	Desired  *config.Desired
	People   *config.People
	Language phrase.Language
	Now      time.Time
}

// WriteRunbookMarkdown writes the runbook as Markdown.
func WriteRunbookMarkdown(w io.Writer, r Runbook) error {
	text, err := r.text()
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

// WriteRunbookHTML writes the runbook as one HTML page without any outside part, to be read
// on a screen and printed in black and white on A4 or Letter.
func WriteRunbookHTML(w io.Writer, r Runbook) error {
	text, err := r.text()
	if err != nil {
		return err
	}
	return writePage(w, r.language(), text)
}

func (r Runbook) language() phrase.Language {
	if r.Language == "" {
		return phrase.English
	}
	return r.Language
}

// text is the language's text, filled in.
func (r Runbook) text() (string, error) {
	source, err := phrase.Runbook(r.language())
	if err != nil {
		return "", fmt.Errorf("write the runbook: %w", err)
	}
	t, err := template.New("runbook").Funcs(template.FuncMap{"v": value, "c": code, "blank": func() string { return blank }}).Option("missingkey=error").Parse(source)
	if err != nil {
		return "", fmt.Errorf("write the runbook: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, r.view()); err != nil {
		return "", fmt.Errorf("write the runbook: %w", err)
	}
	return b.String(), nil
}

// blank is a line to write on.
const blank = "________________"

// value is a value within text: its marks lose their meaning, and nothing becomes a line to
// write on.
func value(x any) string {
	s := strings.Join(strings.Fields(fmt.Sprint(x)), " ")
	if s == "" {
		return blank
	}
	return escaper.Replace(s)
}

var escaper = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "|", `\|`, "#", `\#`, "&", `\&`,
)

// code is a value between code marks, where nothing can be escaped: what would end the code
// is left out. The values that come here are ids and names of hosts and users.
func code(x any) string {
	s := strings.Map(func(r rune) rune {
		if r == '`' || r == '|' || r < ' ' {
			return -1
		}
		return r
	}, fmt.Sprint(x))
	if s == "" {
		return blank
	}
	return s
}

// view is what the actions of the text may name.
type view struct {
	Tenant        config.Tenant
	Hosts         hosts
	PublicCloud   bool
	HasPeople     bool
	Date          string
	Support       config.Support
	Calls         []call
	MicrosoftCall int
	Accounts      []account
	Places        []place
	Duties        []duty
	ReviewDays    int
}

type person struct{ Name, Phones string }

// call is one telephone call. Role is alerts, alerts-deputy, approver, custodian, implement or review.
type call struct {
	N    int
	Role string
	Code string
	Who  person
}

type account struct {
	N                                  int
	ID, UPN, ObjectID, Posture, Policy string
	PasswordUnknown                    bool
	Locations                          int
	Sheets                             []sheets
	Keys                               []key
}

type sheets struct {
	Code string
	Need int
	Who  []person
}

type key struct {
	ID, Code, Serial, AAGUID string
	PINLocations             string
	PIN                      []sheets
}

type place struct {
	Code, Address, Hours, Call string
	Access                     []person
}

type duty struct {
	Name          string
	Owner, Deputy person
}

// hosts are the addresses of the tenant's cloud, and the name and client that PowerShell and
// the device-code calls use there.
type hosts struct{ Entra, Login, Graph, ARM, PowerShell, Client string }

// graphCommandLine is Microsoft Graph Command Line Tools in the public cloud.
const graphCommandLine = "14d82eec-204b-4c2f-b7e8-296a70dab67e"

// cloudHosts follow Microsoft's "National cloud deployments"; the Resource Manager hosts and
// the portals of the sovereign clouds are from memory, so the paper shows them and the drill
// tries them.
var cloudHosts = map[string]hosts{
	"public":   {"https://entra.microsoft.com", "https://login.microsoftonline.com", "https://graph.microsoft.com", "https://management.azure.com", "Global", graphCommandLine},
	"usgov-l4": {"https://entra.microsoft.us", "https://login.microsoftonline.us", "https://graph.microsoft.us", "https://management.usgovcloudapi.net", "USGov", graphCommandLine},
	"usgov-l5": {"https://entra.microsoft.us", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us", "https://management.usgovcloudapi.net", "USGovDoD", graphCommandLine},
	"other":    {"https://ADMIN-CENTER", "https://LOGIN-HOST", "https://GRAPH-HOST", "https://ARM-HOST", "NAME", "CLIENT-ID"},
	"china":    {"https://entra.microsoftonline.cn", "https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn", "https://management.chinacloudapi.cn", "China", graphCommandLine},
}

func (r Runbook) view() view {
	d := r.Desired
	v := view{
		Tenant: d.Tenant, Hosts: cloudHosts[d.Tenant.Cloud], PublicCloud: d.Tenant.Cloud == "public",
		HasPeople: r.People != nil, Date: r.Now.UTC().Format("2006-01-02"), ReviewDays: int(d.Cadences.Review),
	}
	if r.People != nil {
		v.Support = r.People.Support
	}
	v.Calls = r.calls()
	v.MicrosoftCall = len(v.Calls) + 1
	for i, a := range d.Accounts {
		v.Accounts = append(v.Accounts, r.account(i+1, a))
	}
	for _, l := range d.Locations {
		p, _ := r.People.Place(l.ID)
		v.Places = append(v.Places, place{Code: l.Code, Address: p.Address, Hours: p.Hours, Call: p.Call, Access: r.persons(l.Access)})
	}
	for _, name := range []string{"review", "rotate", "drill", "inventory", "personnel", "runbook"} {
		x := d.Duties[name]
		y := duty{Name: name, Owner: r.person(x.Owner)}
		if x.Deputy != "" {
			y.Deputy = r.person(x.Deputy)
		}
		v.Duties = append(v.Duties, y)
	}
	return v
}

// person is a name with telephones; without people.age the id, and a blank for the number.
func (r Runbook) person(id config.PersonID) person {
	p, ok := r.People.Person(id)
	if !ok {
		return person{Name: string(id)}
	}
	return person{Name: p.Name, Phones: strings.Join(p.Phones, " / ")}
}

func (r Runbook) persons(ids []config.PersonID) []person {
	var all []person
	for _, id := range ids {
		all = append(all, r.person(id))
	}
	return all
}

func (r Runbook) code(id config.LocationID) string {
	i := slices.IndexFunc(r.Desired.Locations, func(l config.Location) bool { return l.ID == id })
	if i < 0 {
		return string(id)
	}
	return r.Desired.Locations[i].Code
}

func (r Runbook) account(n int, a config.Account) account {
	out := account{
		N: n, ID: a.ID, UPN: a.UserPrincipalName, ObjectID: a.ObjectID, Posture: string(a.Posture), Policy: a.Policy,
		PasswordUnknown: a.Password == config.PasswordUnknown,
	}
	if a.Quorum != nil && !out.PasswordUnknown {
		out.Locations, out.Sheets = a.Quorum.Locations, r.sheets(a.Quorum)
	}
	for _, k := range a.Keys {
		y := key{ID: k.ID, Code: r.code(k.Location), Serial: k.Serial, AAGUID: k.AAGUID, PINLocations: blank}
		if k.PIN != nil {
			y.PINLocations, y.PIN = fmt.Sprint(k.PIN.Locations), r.sheets(k.PIN)
		}
		out.Keys = append(out.Keys, y)
	}
	return out
}

func (r Runbook) sheets(q *config.Quorum) []sheets {
	var all []sheets
	for _, g := range q.Sheets {
		all = append(all, sheets{Code: r.code(g.Location), Need: g.Need, Who: r.persons(g.Custodians)})
	}
	return all
}

// calls is the order of telephone calls: who watches, who agrees, who brings the sheets of
// the first account, who knows what changed, who reviews. Each person is called once; where
// the plan names nobody, a line is left to fill in.
func (r Runbook) calls() []call {
	d := r.Desired
	var all []call
	called := map[config.PersonID]bool{}
	add := func(role, code string, ids ...config.PersonID) {
		for _, id := range ids {
			if id != "" && called[id] {
				continue
			}
			called[id] = true
			all = append(all, call{N: len(all) + 1, Role: role, Code: code, Who: r.person(id)})
		}
	}
	add("alerts", "", d.Duties["alerts"].Owner)
	if deputy := d.Duties["alerts"].Deputy; deputy != "" {
		add("alerts-deputy", "", deputy)
	}
	add("approver", "", atLeast(2, d.Approvers)...)
	for _, g := range firstSheets(d) {
		add("custodian", r.code(g.Location), g.Custodians...)
	}
	add("implement", "", d.Duties["implement"].Owner)
	add("review", "", d.Duties["review"].Owner)
	return all
}

// firstSheets are the sheets of the first account's first key's PIN, or of its password.
func firstSheets(d *config.Desired) []config.LocationSheets {
	for _, a := range d.Accounts {
		for _, k := range a.Keys {
			if k.PIN != nil {
				return k.PIN.Sheets
			}
		}
		if a.Quorum != nil {
			return a.Quorum.Sheets
		}
	}
	return []config.LocationSheets{{Custodians: []config.PersonID{""}}}
}

func atLeast(n int, ids []config.PersonID) []config.PersonID {
	for len(ids) < n {
		ids = append(slices.Clone(ids), "")
	}
	return ids
}
