package posture

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"breakglass/internal/config"
	"breakglass/internal/entra"
)

// careChecks are about what must be done again and again, and the plan itself (BG-040 to BG-043).
func careChecks() []Check {
	return []Check{
		{
			Code: "BG-040", Title: "The password never expires", Severity: High, account: neverExpires, Mends: true,
			Why: "Tenants made before 2021 let passwords expire after 90 days, and a domain's period can be set at any time: the password would be refused on just the " +
				"night it is needed. Rotation is ours to do, on a calm day.",
			Asks:   "passwordPolicies has DisablePasswordExpiration and does not have DisableStrongPassword.",
			Parts:  []entra.Part{entra.PartUser},
			Remedy: planApply, Controls: mcsb(),
		},
		{
			Code: "BG-041", Title: "The password is not older than the plan's rotation", Severity: Medium, account: passwordFresh,
			Why:    "An old password has been within reach of everybody who left since. A change proves that it changed, not that we changed it.",
			Asks:   "lastPasswordChangeDateTime is within cadences.rotate (90 days unless the plan says otherwise).",
			Parts:  []entra.Part{entra.PartUser},
			Remedy: "rotate the account: this needs the sealing ceremony, which this version does not have yet", Controls: slices.Concat(mcsb(), nist("AC-2")),
		},
		{
			Code: "BG-042", Title: "The account signed in within the drill's interval", Severity: Medium, account: drilled,
			Why:    "Only a sign-in that succeeded shows that the account opens. Attempts do not count, and Entra reports with up to a day's delay.",
			Asks:   "lastSuccessfulSignInDateTime is within cadences.drill (90 days unless the plan says otherwise). Entra ID Free does not tell it.",
			Parts:  []entra.Part{entra.PartSignInActivity},
			Remedy: "drill: sign in with the account, do one administrative task, see the alert, and seal again", Controls: slices.Concat(mcsb(), zt("21854")),
		},
		{
			Code: "BG-043", Title: "The plan keeps its own rules", Severity: High, tenant: planIsSound,
			Why:    "A quorum that one person reaches, or that is lost with one safe, is no dual control, however well the tenant is set up.",
			Asks:   "`breakglass.yaml` breaks no lint rule of severity error or high that nobody has accepted.",
			Remedy: "docs/lint.md explains each rule; change breakglass.yaml, or accept the risk by name in accepted_risks", Controls: mcsb(),
		},
	}
}

func neverExpires(_ *judge, a *account) result {
	policies, ok := a.u.PasswordPolicies.Value()
	switch {
	case !a.u.PasswordPolicies.Known():
		return unsure("the account's password policies were not told")
	case ok && strings.Contains(policies, "DisableStrongPassword"):
		return fail("the account's password policies are %q: weak passwords are allowed", policies)
	case ok && strings.Contains(policies, "DisablePasswordExpiration"):
		return pass("the account's password policies are %q", policies)
	}
	return fail("nothing keeps the password from expiring (its password policies are %q)", a.u.PasswordPolicies.Or("None"))
}

// ahead says that an instant lies in the future by more than clocks differ: one of the two
// clocks is wrong, and then nobody can say how old the thing is.
func (j *judge) ahead(at time.Time) bool { return at.After(j.now.Add(time.Hour)) }

// cadence is a span of the plan, or the default.
func cadence(d config.Days) time.Duration {
	if d <= 0 {
		d = 90
	}
	return d.Duration()
}

func passwordFresh(j *judge, a *account) result {
	at, ok := a.u.LastPasswordChange.Value()
	limit := cadence(j.d.Cadences.Rotate)
	old := j.now.Sub(at)
	switch {
	case !ok:
		return unsure("when the password was last changed was not told")
	case j.ahead(at):
		return unsure("the password was changed on %s, which is still to come: a clock is wrong", day(at))
	case old > limit:
		return fail("the password is %s old; the plan rotates every %s", age(old), age(limit))
	}
	return pass("the password was changed %s ago, on %s", age(old), day(at))
}

func drilled(j *judge, a *account) result {
	part := entra.PartSignInActivity.Of(a.u.ID)
	limit := cadence(j.d.Cadences.Drill)
	activity, ok := a.u.SignInActivity.Value()
	at, told := activity.LastSuccessfulSignIn.Value()
	switch {
	case told && j.ahead(at):
		return unsure("the last successful sign-in was on %s, which is still to come: a clock is wrong", day(at))
	case told && j.now.Sub(at) > limit:
		return fail("the last successful sign-in is %s ago; the plan drills every %s", age(j.now.Sub(at)), age(limit))
	case told:
		r := pass("the last successful sign-in was %s ago, on %s", age(j.now.Sub(at)), day(at))
		r.proof = &Proof{Account: a.want.ID, What: "last successful sign-in", At: at, Age: age(j.now.Sub(at))}
		return r
	case j.s.Reading(part).Unread == entra.UnreadLicence && j.s.Licence() == entra.LicenceFree:
		return notApplicable("Entra ID Free does not tell when an account last signed in")
	case j.s.Complete(part) && (a.u.SignInActivity.IsNull() || ok && activity.LastSuccessfulSignIn.IsNull()):
		return fail("the account has never signed in with success")
	}
	return unsure("when the account last signed in with success was not told")
}

func planIsSound(j *judge) result {
	if j.d.Tenant.ID == "" {
		return notApplicable("there is no plan, only a list of accounts")
	}
	var broken, accepted, doubtful []string
	for _, p := range config.Lint(j.d) {
		heavy := p.Severity == config.SeverityError || p.Severity == config.SeverityHigh
		switch {
		case !heavy:
		case p.Accepted != nil:
			accepted = append(accepted, fmt.Sprintf("%s by %s", p.Code, p.Accepted.Person))
		case p.CouldNotTell:
			doubtful = append(doubtful, fmt.Sprintf("%s (%s): %s", p.Code, p.Path, p.Message))
		default:
			broken = append(broken, fmt.Sprintf("%s (%s): %s", p.Code, p.Path, p.Message))
		}
	}
	switch {
	case len(broken) > 0:
		return fail("%s", few(broken))
	case len(doubtful) > 0:
		r := unsure("%s", few(doubtful))
		r.next = "complete breakglass.yaml; `breakglass config lint` says what is missing"
		return r
	case len(accepted) > 0:
		return pass("no rule is broken but those accepted, unsigned: %s", few(accepted))
	}
	return pass("no rule of severity error or high is broken")
}

// day is an instant for people.
func day(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }
