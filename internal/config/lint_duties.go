package config

import (
	"fmt"
	"slices"
	"strings"
)

// duties judges who does what, who approves, and how often.
func (l *linter) duties() {
	if n := len(l.d.Approvers); n < 3 {
		l.report("approvers-few", "approvers", "name three people; two sign besides the one who asks", "the plan has %d approver(s)", n)
	}
	var missing []string
	for _, name := range dutyNames {
		duty, ok := l.d.Duties[name]
		path := "duties." + name
		switch {
		case !ok:
			missing = append(missing, name)
		case duty.Deputy == "":
			l.report("duty-deputy", path, "name a deputy", "the duty %s has no deputy", name)
		case duty.Deputy == duty.Owner:
			l.report("duty-deputy", path, "name another person", "%s is the own deputy for %s", duty.Owner, name)
		}
	}
	if missing != nil {
		l.report("duty-missing", "duties", "add each with an owner and a deputy", "nobody has the duty of %s", strings.Join(missing, ", "))
	}
	l.separation()
	l.cadences()
}

// a role is one of the four that must not fall on one person.
type role struct {
	name, path string
	people     []PersonID
}

// separation names everyone who has two of the four roles.
func (l *linter) separation() {
	roles := []role{
		{"implements", "duties.implement", l.duty("implement")},
		{"approves", "approvers", l.d.Approvers},
		{"reviews", "duties.review", l.duty("review")},
		{"receives the alerts", "duties.alerts", append(l.duty("alerts"), l.reached()...)},
	}
	for i, a := range roles {
		for _, b := range roles[i+1:] {
			for _, p := range a.people {
				if slices.Contains(b.people, p) {
					l.report("duties-overlap", b.path, "give one of the two to somebody else", "%s both %s and %s", p, a.name, b.name)
				}
			}
		}
	}
}

func (l *linter) duty(name string) []PersonID {
	duty := l.d.Duties[name]
	var all []PersonID
	for _, p := range []PersonID{duty.Owner, duty.Deputy} {
		if p != "" && !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

// reached are the people whom the channels reach and who do not have the duty anyway.
func (l *linter) reached() []PersonID {
	all := l.duty("alerts")
	n := len(all)
	for _, c := range l.d.Channels {
		for _, p := range c.To {
			if !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all[n:]
}

func (l *linter) cadences() {
	for _, c := range []struct {
		name string
		is   Days
		most Days
	}{
		{"rotate", l.d.Cadences.Rotate, defaultCadence},
		{"drill", l.d.Cadences.Drill, defaultCadence},
		{"inventory", l.d.Cadences.Inventory, defaultCadence},
		{"review", l.d.Cadences.Review, defaultReview},
	} {
		if c.is > c.most {
			l.report("cadence-long", "cadences."+c.name, fmt.Sprintf("%dd or less", c.most), "%s is due every %d days", c.name, c.is)
		}
	}
}

// machines are the channel kinds that no person reads as they come.
var machines = []string{"syslog", "cef", "dead-man"}

// channels judges the ways to people, and the monitor that notices our own silence.
func (l *linter) channels() {
	independent, kinds, deadMen := 0, map[string]bool{}, 0
	reached := map[PersonID]bool{}
	for i, c := range l.d.Channels {
		path := fmt.Sprintf("channels[%d]", i)
		l.channelSecrets(c, path)
		apart := l.apart(c, path)
		switch {
		case c.Kind == "dead-man" && apart:
			deadMen++
		case slices.Contains(machines, c.Kind):
		default:
			if len(c.To) == 0 {
				l.report("channel-nobody", path+".to", "list the people", "whom channel %s reaches is not said", c.ID)
			}
			for _, p := range c.To {
				reached[p] = true
			}
			if apart {
				independent++
				kinds[c.Kind] = true
			}
		}
	}
	if independent < 2 {
		l.report("channels-few", "channels", "add channels through providers that do not need the tenant, such as a paging service and mail in another domain", "%d channel(s) reach people without the tenant", independent)
	} else if len(kinds) == 1 {
		l.report("channels-one-kind", "channels", "add a channel of another kind", "all channels are of one kind")
	}
	if deadMen == 0 {
		l.report("dead-man-missing", "channels", "add a channel of kind dead-man at a monitoring service outside the tenant", "nothing notices when alerts stop")
	}
	if len(reached) == 1 {
		l.report("alerts-one-person", "channels", "add a second person", "all alerts reach one person")
	}
}

// apart says whether a channel works without the watched tenant; what it cannot tell it
// reports, and counts the channel as apart.
func (l *linter) apart(c Channel, path string) bool {
	if c.Kind == "teams" && !strings.EqualFold(c.Settings["tenant_id"], "") && !strings.EqualFold(c.Settings["tenant_id"], l.d.Tenant.ID) {
		return true
	}
	if c.Kind == "teams" {
		l.report("channel-depends-on-tenant", path, "use another channel, or another tenant's Teams (settings.tenant_id)", "channel %s is Teams of the tenant that is watched", c.ID)
		return false
	}
	for _, key := range sortedKeys(c.Settings) {
		for _, host := range hosts(c.Settings[key]) {
			if why := l.needsTenant(host); why != "" {
				l.report("channel-depends-on-tenant", path+".settings."+key, "use a provider and a domain outside the tenant", "channel %s goes through %s, %s", c.ID, host, why)
				return false
			}
		}
	}
	return c.Kind != "mail" || l.mailApart(c, path)
}

// mailApart judges the addresses of the people whom a mail channel reaches.
func (l *linter) mailApart(c Channel, path string) bool {
	for _, id := range c.To {
		p, ok := l.known.People.Person(id)
		if !ok {
			continue
		}
		for _, host := range hosts(p.Mail) {
			if l.needsTenant(host) != "" {
				l.report("channel-depends-on-tenant", path+".to", "add an address outside the tenant's domains", "channel %s reaches %s in a mailbox of the tenant", c.ID, id)
				return false
			}
		}
	}
	if l.known.People == nil || l.known.Domains == nil {
		l.unsure("channel-depends-on-tenant", path, "give people.age and a snapshot of the tenant", "whether the mailboxes of channel %s are in the tenant could not be told: %s", c.ID, l.missing())
	}
	return true
}

func (l *linter) missing() string {
	var missing []string
	if l.known.People == nil {
		missing = append(missing, "people.age was not opened")
	}
	if l.known.Domains == nil {
		missing = append(missing, "the tenant's verified domains were not read")
	}
	return strings.Join(missing, " and ")
}
