package plan

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What another writer adds between our reading of a policy and our write is gone with our
// write, and neither reading shows it. The audit log does: the record of our change holds
// the policy as it was before. So Apply, once its steps are done, looks for its own records,
// puts back what they lost, and says which changes the log does not show yet; applying the
// same plan again later looks again.

// auditExclusions looks at the audit records of the exclusions that were sent and not yet
// looked at. A log that cannot be read fails nothing.
func (r *run) auditExclusions(ctx context.Context) error {
	pending := map[string]Step{}
	since := r.o.Now()
	for _, st := range r.p.Steps {
		if at, sent := r.j.begunAt[st.ID]; sent && isExclusion(st) && !r.j.audited[st.ID] {
			pending[st.ID] = resolve(st, r.ids)
			since = earlier(since, at)
		}
	}
	if len(pending) == 0 {
		return nil
	}
	records, err := r.records(ctx, since.Add(-skew))
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	for _, st := range r.p.Steps {
		resolved, ok := pending[st.ID]
		if !ok {
			continue
		}
		r.step = st
		if err != nil {
			r.res.Unchecked = append(r.res.Unchecked, fmt.Sprintf("%s: the audit log could not be read", st.ID))
			continue
		}
		if err := r.auditOne(ctx, resolved, records); err != nil {
			return fmt.Errorf("%s: %w", st.ID, err)
		}
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// auditRecord is what matters of a directoryAudit. The values are JSON in text, at times in
// text again.
type auditRecord struct {
	Targets []struct {
		ID       string `json:"id"`
		Modified []struct {
			Old *string `json:"oldValue"`
			New *string `json:"newValue"`
		} `json:"modifiedProperties"`
	} `json:"targetResources"`
}

// records are the Conditional Access records since a time ("List directoryAudits").
func (r *run) records(ctx context.Context, since time.Time) ([]auditRecord, error) {
	filter := "loggedByService eq 'Conditional Access' and activityDateTime ge " + since.UTC().Format(time.RFC3339)
	req := get("/auditLogs/directoryAudits?$filter=" + escape(filter) + "&$top=999")
	resp, err := r.w.Send(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	var page struct {
		Value []auditRecord `json:"value"`
	}
	if err := json.Unmarshal(resp.Body, &page); err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return page.Value, nil
}

// auditOne looks for the record of one exclusion of ours.
func (r *run) auditOne(ctx context.Context, st Step, records []auditRecord) error {
	users, groups, found := lostBy(st, records)
	if !found {
		r.res.Unchecked = append(r.res.Unchecked, st.ID+": the audit log does not show it yet")
		return nil
	}
	if len(users)+len(groups) > 0 {
		if err := r.putBack(ctx, st, users, groups); err != nil {
			return err
		}
	}
	return r.j.write(record{Step: st.ID, State: lineAudited})
}

// lostBy are the entries that our own change of a policy took away, as its record shows.
func lostBy(st Step, records []auditRecord) (users, groups []string, found bool) {
	ourUsers, ourGroups := joined(st)
	for _, rec := range records {
		for _, target := range rec.Targets {
			if !strings.EqualFold(pathPolicy(target.ID), st.Request.Path) {
				continue
			}
			for _, m := range target.Modified {
				was, now := policyIn(m.Old), policyIn(m.New)
				if was == nil || now == nil {
					continue
				}
				added := len(missing(ourUsers, now.ExcludeUsers)) == 0 && len(missing(ourGroups, now.ExcludeGroups)) == 0 &&
					len(missing(ourUsers, was.ExcludeUsers))+len(missing(ourGroups, was.ExcludeGroups)) > 0
				if added {
					found = true
					users = append(users, missing(was.ExcludeUsers, now.ExcludeUsers)...)
					groups = append(groups, missing(was.ExcludeGroups, now.ExcludeGroups)...)
				}
			}
		}
	}
	return users, groups, found
}

type excluded struct{ ExcludeUsers, ExcludeGroups []string }

// policyIn is the exclusions in a recorded policy, nil when the value is none.
func policyIn(value *string) *excluded {
	if value == nil {
		return nil
	}
	text := *value
	var inner string
	if json.Unmarshal([]byte(text), &inner) == nil {
		text = inner
	}
	var p struct {
		Conditions *struct {
			Users *excluded `json:"users"`
		} `json:"conditions"`
	}
	if json.Unmarshal([]byte(text), &p) != nil || p.Conditions == nil {
		return nil
	}
	return p.Conditions.Users
}

// putBack joins lost entries with what the policy holds now.
func (r *run) putBack(ctx context.Context, st Step, users, groups []string) error {
	wide := widened(st, users, groups)
	before, err := r.look(ctx, wide)
	if err != nil {
		return fmt.Errorf("read the policy before putting entries back: %w", err)
	}
	for n := 0; !wide.Verify.holds(before.answer); n++ {
		if n == maxAttempts {
			return errUnproven
		}
		var sent Step
		if sent, before, err = r.ready2s(ctx, wide, before); err != nil {
			return err
		}
		seen, err := r.attempt(ctx, sent, n)
		if err != nil {
			return fmt.Errorf("put back what our change lost: %w", err)
		}
		if seen != nil {
			r.res.Restored = append(r.res.Restored, fmt.Sprintf("%s: %s", st.ID, strings.Join(slices.Concat(users, groups), ", ")))
			return r.settle(st, "put back")
		}
	}
	return nil
}
