package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"breakglass/internal/config"
	"breakglass/internal/entra"
)

// Make is the plan that leads from the tenant as read to the tenant as wanted. Nothing to do
// is a plan with no steps. What could not be read, or is left to a person, is in Open.
//
// The error is a *RefusedError when the reading is of another tenant, or of none that can be
// told. d has its defaults filled in (config.Load does it). Neither argument is changed.
func Make(d *config.Desired, s *entra.Snapshot, now time.Time) (*Plan, error) {
	if err := sameTenant(d, s); err != nil {
		return nil, err
	}
	data, err := s.Encode()
	if err != nil {
		return nil, fmt.Errorf("take the digest of the reading: %w", err)
	}
	sum := sha256.Sum256(data)
	m := &maker{d: d, s: s, now: now, cur: s.Clone(), p: &Plan{
		Format: Format, Version: FormatVersion, TenantID: strings.ToLower(s.Tenant.ID),
		MadeAt: now.UTC().Truncate(time.Second), SnapshotAt: s.TakenAt.UTC(), SnapshotDigest: hex.EncodeToString(sum[:]),
		Accounts: []Account{}, Steps: []Step{}, Open: []Open{}, Emitted: []Emitted{},
	}}
	m.find()
	m.guard = newGuard(s, m.p.Accounts)
	m.makeAccounts()
	m.makeGroup()
	m.p.Group = m.group
	m.makeExclusions()
	m.makeRoles()
	m.makeAccountsRestricted()
	return m.p, nil
}

func sameTenant(d *config.Desired, s *entra.Snapshot) error {
	switch {
	case s.Anonymised:
		return &RefusedError{Reason: "the reading is anonymised: its ids are not the tenant's", Next: "plan from a reading of the tenant itself"}
	case !s.Complete(entra.PartTenant) || s.Tenant.ID == "":
		return &RefusedError{Reason: "the reading does not say which tenant it is of: " + s.Reading(entra.PartTenant).Detail, Next: "give this identity Organization.Read.All or Domain.Read.All, see `breakglass doctor`"}
	case !strings.EqualFold(d.Tenant.ID, s.Tenant.ID):
		return &RefusedError{Reason: fmt.Sprintf("the file is for tenant %s, the reading is of %s", d.Tenant.ID, s.Tenant.ID), Next: "sign in to the tenant of the file, or correct tenant.id"}
	}
	for _, dom := range s.Domains {
		if initial, _ := dom.IsInitial.Value(); initial && !strings.EqualFold(dom.ID, d.Tenant.InitialDomain) {
			return &RefusedError{Reason: fmt.Sprintf("the initial domain is %s, the file says %s", dom.ID, d.Tenant.InitialDomain), Next: "correct tenant.initial_domain"}
		}
	}
	return nil
}

// maker is a plan in the making.
type maker struct {
	d     *config.Desired
	s     *entra.Snapshot
	now   time.Time
	p     *Plan
	guard *guard
	// cur is the tenant after the steps so far.
	cur      *entra.Snapshot
	accounts []*subject
	// group is the id or placeholder of the exclusion group, empty when there is none to use.
	group string
	// groupSteps must be done before a policy may name the group.
	groupSteps []string
}

// subject is one emergency account that this plan may handle.
type subject struct {
	want config.Account
	// id is its object id, or its placeholder.
	id string
	// ok is false when nothing may be written for it.
	ok bool
	// after are the ids of the steps so far that are for it.
	after []string
}

// name is what sentences call the account.
func (a *subject) name() string { return a.want.ID + " (" + a.want.UserPrincipalName + ")" }

func (m *maker) open(account, what, why, next string) {
	m.p.Open = append(m.p.Open, Open{Account: account, What: what, Why: why, Next: next})
}

// openUnread says that a part is missing.
func (m *maker) openUnread(account, what string, part entra.Part) {
	r := m.s.Reading(part)
	why := fmt.Sprintf("%s could not be read (%s)", part, r.Unread)
	if r.Unread == "" {
		why = fmt.Sprintf("%s was read, but did not say it", part)
	}
	if r.Detail != "" {
		why += ": " + r.Detail
	}
	next := "read it, then make the plan again"
	if r.Needs != "" {
		next = "this needs " + r.Needs + "; then make the plan again"
	}
	m.open(account, what, why, next)
}

// add appends a step unless it would change nothing or break a guard; false then. The
// touches that an earlier step of the plan changes are left out of it.
func (m *maker) add(st Step) bool {
	k, _, err := match(st.Request)
	if err != nil {
		m.open(st.Account, st.Sentence, err.Error(), "report this, it is a fault of the program")
		return false
	}
	touches := unmoved(st.Touches, m.cur)
	next := m.cur
	if m.guard.concerns(st) {
		next = m.cur.Clone()
	}
	if foretell(next, st) != changed {
		return false
	}
	if err := m.guard.step(st, next); err != nil {
		m.open(st.Account, "not done: "+st.Sentence, err.Error(), hintOf(err))
		return false
	}
	st.Needs, st.Touches = k.needs, touches
	m.cur = next
	m.p.Steps = append(m.p.Steps, st)
	return true
}

func hintOf(err error) string {
	if r, ok := err.(*RefusedError); ok { //nolint:errorlint // made one line above, never wrapped
		return r.Next
	}
	return ""
}

func unmoved(touches []Touch, cur *entra.Snapshot) []Touch {
	var out []Touch
	for _, t := range touches {
		for _, f := range t.movedIn(cur) {
			if t.Fields[f] != unread {
				delete(t.Fields, f)
			}
		}
		if len(t.Fields) > 0 {
			out = append(out, t)
		}
	}
	return out
}

// body is a request body as JSON, with < and > as they are: people read it.
func body(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("a request body that does not encode: " + err.Error()) // every member is plain data
	}
	return bytes.TrimSpace(b.Bytes())
}

// raw is a value of a condition.
func raw(v any) json.RawMessage { return body(v) }

func get(path string) Request { return Request{Method: "GET", Version: "v1.0", Path: path} }
