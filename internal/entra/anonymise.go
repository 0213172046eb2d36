package entra

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// Anonymise is a copy in which names and ids are replaced consistently, under a key that is
// forgotten at once: object ids, names of people and things, user principal names, domains
// (the initial one keeps its form), telephones, addresses of networks, and all of these where
// they stand inside texts. What is the same in every tenant stays (roles, first-party
// applications, models of keys, products, built-in strengths), and so do instants, states and
// countries, because judgement rests on them.
func (s *Snapshot) Anonymise() *Snapshot {
	out := s.Clone()
	m := newMask()
	m.learnPublic(out)
	out.Anonymised = true
	m.tenant(out)
	for i := range out.Users {
		m.user(&out.Users[i])
	}
	m.containers(out)
	m.roles(out)
	for i := range out.Policies {
		m.policy(&out.Policies[i])
	}
	m.applications(out)
	m.readings(out)
	return m.sweep(out)
}

// learnPublic keeps ids that the reading itself shows to be public: templates, plans, models.
func (m *mask) learnPublic(s *Snapshot) {
	keep := func(ids ...string) {
		for _, id := range ids {
			m.keep[strings.ToLower(id)] = true
		}
	}
	for _, p := range s.Plans {
		keep(p.ServicePlanID)
	}
	for _, u := range s.Users {
		for _, c := range u.MemberOf.Or(nil) {
			keep(c.RoleTemplateID.Or(""))
		}
		for _, x := range u.Methods.Or(nil) {
			keep(x.AAGUID.Or(""))
		}
	}
	for _, x := range s.Strengths {
		keep(x.AllowedAAGUIDs.Or(nil)...)
	}
	for _, c := range s.MethodsPolicy.Configurations {
		keep(c.KeyRestrictions.Or(KeyRestrictions{}).AAGUIDs.Or(nil)...)
	}
	for _, p := range s.Policies {
		keep(p.TemplateID.Or(""))
		u := p.Conditions.Or(Conditions{}).Users.Or(UserCondition{})
		keep(u.IncludeRoles.Or(nil)...) // built-in roles only, by their template
		keep(u.ExcludeRoles.Or(nil)...)
	}
}

// change applies f to a value that is there.
func change[T any](v *Maybe[T], f func(T) T) {
	if x, ok := v.Value(); ok {
		*v = Some(f(x))
	}
}

func each(f func(string) string) func([]string) []string {
	return func(all []string) []string {
		out := make([]string, len(all))
		for i, s := range all {
			out[i] = f(s)
		}
		return out
	}
}

func (m *mask) tenant(s *Snapshot) {
	change(&s.Tenant.DisplayName, m.name)
	for i := range s.Domains {
		s.Domains[i].ID = m.domain(s.Domains[i].ID)
	}
	if s.Cloud != "public" && s.Cloud != "china" && !strings.HasPrefix(s.Cloud, "usgov-") {
		s.Cloud = "custom"
	}
	for i := range s.NamedLocations {
		l := &s.NamedLocations[i]
		change(&l.DisplayName, m.name)
		change(&l.IPRanges, each(m.network))
	}
	for i := range s.Strengths {
		if !strings.HasPrefix(s.Strengths[i].ID, "00000000-") {
			change(&s.Strengths[i].DisplayName, m.name)
		}
	}
}

func (m *mask) user(u *User) {
	change(&u.UserPrincipalName, m.address)
	for _, p := range []*Maybe[string]{&u.DisplayName, &u.GivenName, &u.Surname, &u.JobTitle, &u.MobilePhone} {
		change(p, m.name)
	}
	change(&u.Mail, m.address)
	change(&u.OtherMails, each(m.address))
	change(&u.BusinessPhones, each(m.name))
	change(&u.OnPremisesImmutableID, m.opaque)
	change(&u.Methods, func(all []Method) []Method {
		for i := range all {
			all[i].ID = m.opaque(all[i].ID)
			change(&all[i].DisplayName, m.name)
		}
		return all
	})
	change(&u.MemberOf, func(all []Membership) []Membership {
		for i := range all {
			if all[i].Type != "directoryRole" {
				change(&all[i].DisplayName, m.name)
			}
		}
		return all
	})
}

func (m *mask) members(all []Member) []Member {
	for i := range all {
		all[i].ID = m.opaque(all[i].ID)
		change(&all[i].DisplayName, m.name)
	}
	return all
}

func (m *mask) containers(s *Snapshot) {
	for i := range s.Groups {
		g := &s.Groups[i]
		change(&g.DisplayName, m.name)
		change(&g.MailNickname, m.name)
		change(&g.Members, m.members)
		change(&g.Owners, m.members)
	}
	for i := range s.AdministrativeUnits {
		change(&s.AdministrativeUnits[i].DisplayName, m.name)
		change(&s.AdministrativeUnits[i].Members, m.members)
	}
}

func (m *mask) roles(s *Snapshot) {
	for i := range s.RoleAssignments {
		s.RoleAssignments[i].ID = m.opaque(s.RoleAssignments[i].ID)
	}
	for _, list := range [][]RoleInstance{s.ActiveRoles, s.EligibleRoles} {
		for i := range list {
			list[i].ID = m.opaque(list[i].ID)
		}
	}
	for i := range s.RoleSettings {
		for j := range s.RoleSettings[i].Rules {
			change(&s.RoleSettings[i].Rules[j].Approvers, m.members)
		}
	}
}

// managedPrefix is how Microsoft names the policies that it manages.
const managedPrefix = "Microsoft-managed: "

func (m *mask) policy(p *Policy) {
	change(&p.DisplayName, func(s string) string {
		if rest, ok := strings.CutPrefix(s, managedPrefix); ok {
			return managedPrefix + m.name(rest)
		}
		return m.name(s)
	})
	change(&p.Conditions, func(c Conditions) Conditions {
		change(&c.Devices, func(d Devices) Devices {
			change(&d.Filter, func(f DeviceFilter) DeviceFilter {
				change(&f.Rule, m.rule)
				return f
			})
			return d
		})
		return c
	})
	change(&p.GrantControls, func(g GrantControls) GrantControls {
		change(&g.Strength, func(r StrengthRef) StrengthRef {
			if !strings.HasPrefix(r.ID, "00000000-") {
				change(&r.DisplayName, m.name)
			}
			return r
		})
		change(&g.CustomFactors, each(m.free))
		return g
	})
	change(&p.SessionControls, m.raw)
	for i := range p.Strange {
		p.Strange[i].Value = m.raw(p.Strange[i].Value)
	}
}

var (
	literal = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	// ruleWords are values of device properties that are no names ("Conditional Access: Filter for devices").
	ruleWords = regexp.MustCompile(`(?i)^.(true|false|AzureAD|ServerAD|Workplace|Company|Personal|Windows|Linux|MacOS|iOS|Android|\d+(\.\d+)*).$`)
)

// rule replaces the literals of a filter's rule, which may name machines.
func (m *mask) rule(s string) string {
	return literal.ReplaceAllStringFunc(s, func(l string) string {
		if ruleWords.MatchString(l) || guid.MatchString(l) {
			return l
		}
		return l[:1] + m.name(l[1:len(l)-1]) + l[len(l)-1:]
	})
}

// free replaces a text of unknown meaning: one that reads like a name is replaced as a name,
// one that reads like an identifier stays.
func (m *mask) free(s string) string {
	if guid.MatchString(s) || email.MatchString(s) || !strings.ContainsAny(s, " .") {
		return s // the sweep does the rest
	}
	return m.name(s)
}

// raw replaces the texts in a member that we do not model.
func (m *mask) raw(data json.RawMessage) json.RawMessage {
	var v any
	if json.Unmarshal(data, &v) != nil {
		return json.RawMessage("null")
	}
	return encode(walkText(v, m.free))
}

// walkText applies f to every text, not to the names of members.
func walkText(v any, f func(string) string) any {
	switch v := v.(type) {
	case string:
		return f(v)
	case []any:
		for i := range v {
			v[i] = walkText(v[i], f)
		}
	case map[string]any:
		for k := range v {
			v[k] = walkText(v[k], f)
		}
	}
	return v
}

func encode(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic("JSON that does not encode again: " + err.Error()) // it was decoded from JSON
	}
	return data
}

func (m *mask) applications(s *Snapshot) {
	for i := range s.Clients {
		if !m.keep[strings.ToLower(s.Clients[i].AppID)] {
			change(&s.Clients[i].DisplayName, m.name)
		}
	}
	for i := range s.AppPowers {
		s.AppPowers[i].DisplayName = m.name(s.AppPowers[i].DisplayName)
	}
	for i := range s.PolicyChanges {
		s.PolicyChanges[i].ActorName = m.address(s.PolicyChanges[i].ActorName)
	}
}

// readings replaces the names behind the colon of a part.
func (m *mask) readings(s *Snapshot) {
	out := make(map[Part]Reading, len(s.Readings))
	for p, r := range s.Readings {
		if name, key, ok := strings.Cut(string(p), ":"); ok {
			switch {
			case guid.FindString(key) == key:
				key = m.id(key)
			case strings.Contains(key, "@"):
				key = m.address(key)
			default:
				key = m.name(key)
			}
			p = Part(name + ":" + key)
		}
		out[p] = r
	}
	s.Readings = out
}

// sweep goes through every text once more, for ids and for what is known by now. Only the
// texts of people's making are searched for names; elsewhere a name could be an enum's.
func (m *mask) sweep(s *Snapshot) *Snapshot {
	for p, r := range s.Readings {
		r.Source, r.Detail = m.text(r.Source), m.text(r.Detail)
		s.Readings[p] = r
	}
	var tree any
	dec := json.NewDecoder(bytes.NewReader(encode(s)))
	dec.UseNumber() // numbers in members that we do not model stay as they are
	if err := dec.Decode(&tree); err != nil {
		panic("a snapshot that does not decode: " + err.Error())
	}
	tree = walkText(tree, func(s string) string {
		s = guid.ReplaceAllStringFunc(s, m.id)
		return email.ReplaceAllStringFunc(s, func(a string) string {
			if m.made[strings.ToLower(a)] {
				return a
			}
			return m.address(a)
		})
	})
	out := new(Snapshot)
	if err := json.Unmarshal(encode(tree), out); err != nil {
		panic("a snapshot that does not decode: " + err.Error())
	}
	return out
}
