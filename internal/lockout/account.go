package lockout

import (
	"fmt"
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// outside are the blockers that no exclusion from Conditional Access helps against.
func (a subject) outside() []Blocker {
	var list []Blocker
	for _, judge := range []func(subject) []Blocker{
		subject.disabled, subject.domain, subject.synced, subject.role, subject.securityDefaults,
		subject.perUserMFA, subject.mandatoryMFA, subject.keys, subject.risk,
	} {
		list = append(list, judge(a)...)
	}
	return list
}

// missing is the one blocker of an account that the reading does not hold.
func missing(s *entra.Snapshot, name string) Blocker {
	b := Blocker{Kind: KindMissing, Title: "account", When: Now, Part: entra.PartUser.Of(name)}
	r := s.Reading(b.Part)
	if b.Certain = r.Unread == entra.UnreadNotFound; b.Certain {
		b.Why = fmt.Sprintf("%s does not exist in the tenant, or was deleted", name)
		return b
	}
	b.Why = fmt.Sprintf("%s is not in this reading (%s)", name, unread(r))
	return b
}

func unread(r entra.Reading) string {
	if r.Detail != "" {
		return r.Detail
	}
	return string(r.Unread)
}

func (a subject) userPart() entra.Part { return entra.PartUser.Of(a.u.ID) }

func one(b Blocker) []Blocker { return []Blocker{b} }

func (a subject) disabled() []Blocker {
	b := Blocker{Kind: KindDisabled, Title: "account", When: Now, Part: a.userPart()}
	on, ok := a.u.AccountEnabled.Value()
	switch {
	case ok && on:
		return nil
	case ok:
		b.Why, b.Certain = "the account is disabled", true
	default:
		b.Why = "whether the account is enabled was not told"
	}
	return one(b)
}

// domain: on a federated domain the sign-in is handed to the identity provider whose outage
// this account is for.
func (a subject) domain() []Blocker {
	b := Blocker{Kind: KindDomain, Title: "sign-in domain", When: Now, Part: entra.PartDomains}
	upn, ok := a.u.UserPrincipalName.Value()
	_, suffix, at := strings.Cut(upn, "@")
	if !ok || !at {
		b.Part, b.Why = a.userPart(), "the account's user principal name was not told"
		return one(b)
	}
	i := slices.IndexFunc(a.s.Domains, func(d entra.Domain) bool { return strings.EqualFold(d.ID, suffix) })
	if i < 0 {
		b.Why = fmt.Sprintf("the domain %s is not among the tenant's domains as read", suffix)
		return one(b)
	}
	d := a.s.Domains[i]
	verified, kind := d.IsVerified, d.AuthenticationType.Or("")
	switch {
	case strings.EqualFold(kind, "Managed") && verified.Or(false):
		return nil
	case strings.EqualFold(kind, "Federated"):
		b.Why, b.Certain = fmt.Sprintf("the domain %s is federated: sign-in rests on the identity provider", suffix), true
	case kind != "" && !strings.EqualFold(kind, "Managed"), kind == "":
		b.Why = fmt.Sprintf("whether the domain %s is managed was not told", suffix)
	case verified.Known():
		b.Why, b.Certain = fmt.Sprintf("the domain %s is not verified", suffix), true
	default:
		b.Why = fmt.Sprintf("whether the domain %s is verified was not told", suffix)
	}
	return one(b)
}

func (a subject) synced() []Blocker {
	b := Blocker{Kind: KindSynced, Title: "directory on-premises", When: Later, Part: a.userPart()}
	synced, immutable := a.u.OnPremisesSyncEnabled, a.u.OnPremisesImmutableID
	switch {
	case synced.Or(false):
		b.Certain, b.Why = true, "the account is synchronised: the directory on-premises can change, disable or delete it"
	case immutable.Or("") != "":
		b.Certain, b.Why = true, "the account carries an on-premises anchor: a synchronised account can be matched onto it"
	case !synced.Known() || !immutable.Known():
		b.Why = "whether the account is synchronised was not told"
	default:
		return nil
	}
	return one(b)
}

// securityDefaults force MFA on everybody and know no exclusion.
func (a subject) securityDefaults() []Blocker {
	b := Blocker{Kind: KindSecurityDefaults, Title: "security defaults", When: Now, Part: entra.PartSecurityDefaults}
	on, ok := a.s.SecurityDefaults.IsEnabled.Value()
	switch {
	case ok && a.s.Complete(entra.PartSecurityDefaults) && !on:
		return nil
	case ok && on:
		return one(a.mustHaveMFA(b, "security defaults are on, know no exclusion and demand MFA"))
	}
	strong, why := a.strong()
	b.Why = "whether security defaults are on was not told; they would demand MFA: " + why
	if strong == True {
		b.When = Later
	}
	return one(b)
}

// mustHaveMFA completes a blocker that only a second factor gets past. Without one the
// sign-in is interrupted to register one, which is no supported way in: whoever holds the
// password first registers a method of their own.
func (a subject) mustHaveMFA(b Blocker, cause string) Blocker {
	strong, why := a.strong()
	switch strong {
	case True:
		b.When, b.Certain, b.Why = Never, true, fmt.Sprintf("%s; the account can do that (%s)", cause, why)
	case False:
		b.Certain, b.Why = true, fmt.Sprintf("%s, which the account cannot do: %s", cause, why)
	default:
		b.Why = fmt.Sprintf("%s; whether the account can do that could not be told: %s", cause, why)
	}
	return b
}

func (a subject) perUserMFA() []Blocker {
	b := Blocker{Kind: KindPerUserMFA, Title: "per-user MFA", When: Now, Part: entra.PartPerUserMFA.Of(a.u.ID)}
	state, ok := a.u.PerUserMFA.Value()
	switch {
	case ok && state == "disabled":
		return nil
	case ok && (state == "enabled" || state == "enforced"):
		return one(a.mustHaveMFA(b, "per-user MFA is "+state+", which no exclusion from Conditional Access switches off"))
	}
	b.Why = "the state of per-user MFA was not told"
	if strong, _ := a.strong(); strong == True {
		b.When = Later
	}
	return one(b)
}

// mandatoryMFA is the public cloud's own demand on its portals, outside Conditional Access
// and without exclusions ("Planning for mandatory multifactor authentication for Azure and
// other admin portals"). A cloud of an unknown name is judged as the public one.
func (a subject) mandatoryMFA() []Blocker {
	switch a.s.Cloud {
	case "usgov-l4", "usgov-l5", "china":
		return nil
	}
	b := a.mustHaveMFA(Blocker{Kind: KindMandatoryMFA, Title: "mandatory MFA", When: Now, Part: entra.PartMethods.Of(a.u.ID)},
		"the cloud demands MFA at its portals")
	if b.When == Never {
		return nil
	}
	return one(b)
}

// keys that are registered but would be refused, while another one still works.
func (a subject) keys() []Blocker {
	list, _ := Keys(a.s, a.u)
	var out []Blocker
	for _, k := range list {
		if k.Usable == True {
			continue
		}
		out = append(out, Blocker{
			Kind: KindMethod, Title: k.Method.DisplayName.Or(k.Method.ID), When: Later, Certain: k.Usable == False,
			Part: entra.PartMethodsPolicy, Why: "a registered key would not be accepted: " + k.Why,
		})
	}
	return out
}

// risk: policies that exclude the account do not act on it. The older Identity Protection
// policies, which stood outside Conditional Access and could not be read, ended on 1 October
// 2026 (announced in "Risk policies"; fairly sure). So a flag stops nobody by itself tonight,
// and one that was not read is no better than one that was.
func (a subject) risk() []Blocker {
	b := Blocker{Kind: KindRisk, Title: "user risk", When: Later, Part: entra.PartRisk.Of(a.u.ID)}
	risk, ok := a.u.Risk.Value()
	state := risk.State.Or("")
	switch {
	case ok && slices.Contains([]string{"none", "remediated", "dismissed", "confirmedSafe"}, state):
		return nil
	case a.u.Risk.IsNull() && a.s.Complete(b.Part):
		return nil
	case state == "atRisk" || state == "confirmedCompromised":
		b.Why = fmt.Sprintf("Identity Protection says %s (level %s): any policy on risk that does not exclude the account stops it", state, risk.Level.Or("not told"))
	case a.s.Licence() == entra.LicenceFree || a.s.Licence() == entra.LicenceP1:
		return nil // Identity Protection acts on P2 only
	default:
		b.Why = "the account's risk state was not told"
	}
	return one(b)
}
