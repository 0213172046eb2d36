package posture

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"breakglass/internal/config"
	"breakglass/internal/entra"
	"breakglass/internal/lockout"
)

// judge is one run of all checks.
type judge struct {
	d        *config.Desired
	s        *entra.Snapshot
	now      time.Time
	seals    Seals
	accounts []*account
}

// account is an account of the plan, and what the reading has of it.
type account struct {
	want config.Account
	// name is what readings call it: the object id once that is known.
	name string
	// u is nil when the reading does not hold the account.
	u  *entra.User
	an lockout.Analysis
}

func newJudge(in Input) *judge {
	j := &judge{d: in.Desired, s: in.Snapshot, now: in.Now, seals: in.Seals}
	for _, want := range in.Desired.Accounts {
		a := &account{want: want, u: want.Resolve(in.Snapshot)}
		a.name = want.KnownAs(in.Snapshot)
		a.an = lockout.Analyze(in.Snapshot, a.name, want.Allowed()...)
		j.accounts = append(j.accounts, a)
	}
	return j
}

// result is what a check found.
type result struct {
	verdict Verdict
	summary string
	proof   *Proof
	// next replaces the check's own remedy.
	next string
}

func pass(format string, args ...any) result {
	return result{verdict: Pass, summary: fmt.Sprintf(format, args...)}
}

func fail(format string, args ...any) result {
	return result{verdict: Fail, summary: fmt.Sprintf(format, args...)}
}

func unsure(format string, args ...any) result {
	return result{verdict: CouldNotTell, summary: fmt.Sprintf(format, args...)}
}

func notApplicable(format string, args ...any) result {
	return result{verdict: NotApplicable, summary: fmt.Sprintf(format, args...)}
}

// ofAccount runs a check on an account; nearly all of them need one that is there.
func (j *judge) ofAccount(c Check, a *account) result {
	if a.u != nil || c.absentToo {
		return c.account(j, a)
	}
	if b := a.an.Blockers[0]; b.Certain {
		return notApplicable("the account does not exist")
	}
	return unsure("the account is not in this reading")
}

// finding completes a result with what the check says of itself and what was read for it.
func (j *judge) finding(c Check, r result, a *account) Finding {
	f := Finding{
		Check: c.Code, Title: c.Title, Severity: c.Severity, Verdict: r.verdict, Doc: c.Doc(), Controls: c.Controls,
		Summary: r.summary, Evidence: []Evidence{}, Mends: c.Mends, Decides: c.Decides, Proof: r.proof,
	}
	if a != nil {
		f.Account = a.want.ID
	}
	for _, p := range c.Parts {
		f.Evidence = append(f.Evidence, j.evidence(j.expand(p, a), r)...)
	}
	f.Remedy = j.remedy(c, r, f.Evidence)
	return f
}

// expand turns a part of "each account" into the parts of this account, or of all of them.
func (j *judge) expand(p entra.Part, a *account) []entra.Part {
	if !strings.HasSuffix(string(p), ":") {
		return []entra.Part{p}
	}
	if p == entra.PartGroup || p == entra.PartGroupMembers {
		if g := j.group(); g != nil {
			return []entra.Part{p.Of(g.ID)}
		}
		return nil
	}
	if a != nil {
		return []entra.Part{p.Of(a.name)}
	}
	var parts []entra.Part
	for _, each := range j.accounts {
		parts = append(parts, p.Of(each.name))
	}
	return parts
}

func (j *judge) evidence(parts []entra.Part, r result) []Evidence {
	var list []Evidence
	for _, p := range parts {
		read := j.s.Reading(p)
		e := Evidence{Part: p, Source: read.Source, ReadAt: read.ReadAt, Fact: r.summary}
		if read.Unread != "" {
			e.ReadAt, e.Fact = time.Time{}, "not read: "+reason(read)
		}
		list = append(list, e)
	}
	return list
}

func reason(r entra.Reading) string {
	if r.Detail != "" {
		return string(r.Unread) + ", " + r.Detail
	}
	return string(r.Unread)
}

// remedy is the next act: what would let us look, where we could not.
func (j *judge) remedy(c Check, r result, seen []Evidence) string {
	switch {
	case r.verdict == Pass || r.verdict == NotApplicable:
		return ""
	case r.next != "":
		return r.next
	case r.verdict == Fail:
		return c.Remedy
	}
	var needs []string
	for _, e := range seen {
		if n := j.s.Reading(e.Part).Needs; e.ReadAt.IsZero() && n != "" && !slices.Contains(needs, n) {
			needs = append(needs, n)
		}
	}
	if len(needs) > 0 {
		return "to be able to look, this identity needs " + strings.Join(needs, ", ") + ": `breakglass doctor`"
	}
	return "read the tenant again (`breakglass check`); `breakglass doctor` says what this identity cannot see"
}

// stoppedBy turns lockout's blockers of some kinds into a result. Later ones count only when
// asked for: they do not stop the account tonight.
func (a *account) stoppedBy(later bool, good string, kinds ...lockout.Kind) result {
	out := pass("%s", good)
	for _, b := range a.an.Blockers {
		counts := b.When == lockout.Now || later && b.When == lockout.Later
		switch {
		case !counts || !slices.Contains(kinds, b.Kind):
		case b.Certain:
			return fail("%s", b.Why)
		case out.verdict == Pass:
			out = unsure("%s", b.Why)
		}
	}
	return out
}

// pimLicensed says whether the tenant has PIM and Identity Protection. Of a licence that
// lapsed it cannot be told what still works.
func (j *judge) pimLicensed() lockout.Truth {
	switch j.s.Licence() {
	case entra.LicenceP2:
		return lockout.True
	case entra.LicenceUnknown:
		return lockout.Unknown
	}
	lapsed := slices.ContainsFunc(j.s.Plans, func(p entra.ServicePlan) bool { return p.Of() == entra.LicenceP2 })
	if lapsed || !j.s.Complete(entra.PartPlans) {
		return lockout.Unknown
	}
	return lockout.False
}

// ours says whether an object id is one of the emergency accounts.
func (j *judge) ours(id string) bool {
	return id != "" && slices.ContainsFunc(j.accounts, func(a *account) bool { return a.u != nil && strings.EqualFold(a.u.ID, id) })
}

// group is the exclusion group of the plan, as read: by object id, else by mail nickname,
// unless several groups bear that.
func (j *judge) group() *entra.Group {
	want := j.d.ExclusionGroup
	if want == nil {
		return nil
	}
	if want.ObjectID != "" {
		return j.s.Group(want.ObjectID)
	}
	var found *entra.Group
	for i, g := range j.s.Groups {
		if want.MailNickname == "" || !strings.EqualFold(g.MailNickname.Or(""), want.MailNickname) {
			continue
		}
		if found != nil {
			return nil
		}
		found = &j.s.Groups[i]
	}
	return found
}

// truth is b as an answer.
func truth(b bool) lockout.Truth {
	if b {
		return lockout.True
	}
	return lockout.False
}

// age is a span in words: whole days, or hours below two days.
func age(d time.Duration) string {
	switch {
	case d < 0:
		return "less than 1 hour"
	case d < 48*time.Hour:
		return plural(int(d/time.Hour), "hour")
	}
	return plural(int(d/(24*time.Hour)), "day")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
