package plan

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// maxAttempts is how often one request is sent when it is not seen to have been done.
	maxAttempts = 5
	// lag is how long the first wait for a new object is; each next one is four times it.
	lag = 2 * time.Second
	// freshness is how old the reading of a policy may be when it is changed: collections are
	// replaced whole, and policies have no version to compare.
	freshness = 2 * time.Second
)

// errUnproven is a write that was accepted, or whose answer was lost, and that was not seen.
var errUnproven = errors.New("it was sent, but could not be seen in the tenant; apply the same plan again to go on")

// change takes a step that changes something that exists. All such requests say what is to
// be, not what to add to it, so that sending one twice does no harm.
func (r *run) change(ctx context.Context, st Step) error {
	r.tell(Checking, "")
	before, err := r.glance(ctx, st)
	if err != nil {
		return fmt.Errorf("read before the write: %w", err)
	}
	if st.Verify.holds(before.answer) {
		r.skip("it is so already")
		return r.settle(st, "found done")
	}
	if err := r.prove(ctx, st); err != nil {
		return err
	}
	for n := range maxAttempts {
		var sent Step
		if sent, before, err = r.ready2s(ctx, st, before); err != nil {
			return err
		}
		seen, err := r.attempt(ctx, sent, n)
		if err != nil {
			return err
		}
		if seen != nil {
			return r.finish(ctx, sent, seen)
		}
	}
	return errUnproven
}

// ready2s joins a step's exclusions with what the policy holds, read again when the reading
// at hand is older than freshness. Other steps are ready as they are.
func (r *run) ready2s(ctx context.Context, st Step, before sight) (Step, sight, error) {
	if !isExclusion(st) {
		return st, before, nil
	}
	for n := 0; n < 3 && r.o.Now().Sub(before.at) > freshness; n++ {
		var err error
		if before, err = r.look(ctx, st); err != nil {
			return st, before, fmt.Errorf("read the policy before the write: %w", err)
		}
	}
	users, ok := listAt(before.answer, "conditions.users.excludeUsers")
	groups, ok2 := listAt(before.answer, "conditions.users.excludeGroups")
	if !ok || !ok2 {
		return st, before, errors.New("the policy does not say whom it excludes, so nothing can be added without loss")
	}
	return rebase(st, users, groups), before, nil
}

func listAt(a answer, path string) ([]string, bool) {
	v, ok := at(a, path)
	if !ok {
		return nil, false
	}
	return stringsOf(v)
}

// attempt sends a step once. It gives the answer that proves it; nil, without an error, when
// it is worth sending again.
func (r *run) attempt(ctx context.Context, st Step, n int) (answer, error) {
	if err := r.j.write(record{Step: st.ID, State: lineBegun}); err != nil {
		return nil, err
	}
	resp, err := r.send(ctx, st)
	patience := r.o.Window / maxAttempts
	if err == nil || unknown(resp) {
		return r.readBack(ctx, st, patience)
	}
	if n == 0 {
		patience = 0
	}
	seen, lookErr := r.readBack(ctx, st, patience)
	if seen != nil || lookErr != nil {
		return seen, lookErr
	}
	if r.lagging(st) && (resp.Status == http.StatusNotFound || resp.Status == http.StatusBadRequest) {
		r.tell(Waiting, "for the new object to be known everywhere")
		return nil, r.o.Sleep(ctx, lag<<(2*n))
	}
	return nil, errors.Join(err, r.j.write(record{Step: st.ID, State: lineFailed, Note: fmt.Sprint(resp.Status)}))
}

// send sends a step's request.
func (r *run) send(ctx context.Context, st Step) (Response, error) {
	r.tell(Sending, "")
	r.res.Writes++
	return r.w.Send(ctx, addressed(st.Request, r.o.Graph))
}

// unknown says of a failed request whether it may have been done.
func unknown(resp Response) bool { return resp.Status == 0 || resp.Status >= 500 }

// lagging says whether the step is about an object so new that parts of the service may not
// know it yet.
func (r *run) lagging(st Step) bool {
	for id, at := range r.born {
		if strings.Contains(st.Request.Path+string(st.Request.Body), id) && r.o.Now().Sub(at) < r.o.Window {
			return true
		}
	}
	return false
}

// sight is what was seen of a step's object, and when. No answer: there is no such object.
type sight struct {
	answer answer
	at     time.Time
}

// look reads what proves a step. Policies are looked at all at once: they may be asked for
// once a second only, and the look that proves one is young enough to change the next.
func (r *run) look(ctx context.Context, st Step) (sight, error) {
	if !isExclusion(st) {
		return r.lookAt(ctx, st.Verify.Request)
	}
	all, err := r.lookAt(ctx, get(strings.TrimSuffix(pathPolicies, "/{}")))
	if err != nil {
		return sight{}, err
	}
	r.policies = all
	if one, ok := r.policyIn(all, st); ok {
		return one, nil
	}
	return r.lookAt(ctx, st.Verify.Request) // on another page, or gone
}

// policyIn is what a look at all policies says of a step's one.
func (r *run) policyIn(all sight, st Step) (sight, bool) {
	list, _ := all.answer["value"].([]any)
	for _, item := range list {
		p, _ := item.(map[string]any)
		if id, _ := p["id"].(string); id != "" && strings.EqualFold(st.Request.Path, pathPolicy(id)) {
			return sight{p, all.at}, true
		}
	}
	return sight{}, false
}

// glance is a look that may be as old as freshness allows.
func (r *run) glance(ctx context.Context, st Step) (sight, error) {
	if isExclusion(st) && r.o.Now().Sub(r.policies.at) <= freshness {
		if one, ok := r.policyIn(r.policies, st); ok {
			return one, nil
		}
	}
	return r.look(ctx, st)
}

// lookAt sends a reading, again when no whole answer came.
func (r *run) lookAt(ctx context.Context, req Request) (sight, error) {
	var last error
	for n := range 3 {
		if n > 0 {
			if err := r.o.Sleep(ctx, time.Duration(n)*time.Second); err != nil {
				return sight{}, err
			}
		}
		at := r.o.Now() // what is seen may be as old as the request
		resp, err := r.w.Send(ctx, addressed(req, r.o.Graph))
		switch {
		case err != nil && resp.Status == http.StatusNotFound:
			return sight{at: at}, nil
		case err != nil && !unknown(resp):
			return sight{}, err
		case err == nil:
			var a answer
			if a, err = decodeAnswer(resp.Body); err == nil {
				return sight{a, at}, nil
			}
		}
		last = err
	}
	return sight{}, last
}

// readBack looks until the step is proven or patience ends; at least once.
func (r *run) readBack(ctx context.Context, st Step, patience time.Duration) (answer, error) {
	r.tell(ReadingBack, "")
	wait, waited := time.Second, time.Duration(0)
	for {
		s, err := r.look(ctx, st)
		if err != nil {
			return nil, fmt.Errorf("read back: %w", err)
		}
		if st.Verify.holds(s.answer) {
			return s.answer, nil
		}
		if waited >= patience {
			return nil, nil
		}
		wait = min(wait, patience-waited)
		r.tell(Waiting, fmt.Sprintf("not seen yet, looking again in %s", wait))
		if err := r.o.Sleep(ctx, wait); err != nil {
			return nil, err
		}
		waited += wait
		wait = min(2*wait, 15*time.Second)
	}
}

// settle notes that a step is done.
func (r *run) settle(st Step, note string) error {
	return r.j.write(record{Step: st.ID, State: lineDone, Note: note})
}

// finish ends a step that was seen: entries of others that were lost in between are put back.
func (r *run) finish(ctx context.Context, sent Step, seen answer) error {
	if isExclusion(sent) {
		if err := r.restore(ctx, sent, seen); err != nil {
			return err
		}
	}
	r.res.Done = append(r.res.Done, sent.ID)
	r.tell(Done, "")
	return r.settle(sent, "")
}

// restore puts entries back that we sent and that the policy does not hold now: another
// writer, who had read the policy before us, wrote its own list over ours.
func (r *run) restore(ctx context.Context, sent Step, seen answer) error {
	var body policyBody
	if err := decodeInto(sent.Request.Body, &body); err != nil {
		return err
	}
	want := body.Conditions.Users
	for range maxAttempts {
		users, ok := listAt(seen, "conditions.users.excludeUsers")
		groups, ok2 := listAt(seen, "conditions.users.excludeGroups")
		if !ok || !ok2 {
			return errors.New("the policy does not say any more whom it excludes")
		}
		lost := append(missing(want.ExcludeUsers, users), missing(want.ExcludeGroups, groups)...)
		if len(lost) == 0 {
			return nil
		}
		again := rebase(widened(sent, want.ExcludeUsers, want.ExcludeGroups), users, groups)
		next, err := r.attempt(ctx, again, 0)
		if err != nil {
			return fmt.Errorf("put back what another writer lost: %w", err)
		}
		r.res.Restored = append(r.res.Restored, fmt.Sprintf("%s: %s", sent.ID, strings.Join(lost, ", ")))
		if next != nil {
			seen = next
		}
	}
	return errors.New("another writer keeps overwriting the policy; find out which (see the audit log), then apply again")
}

// widened is an exclusion that is proven only by all these entries.
func widened(st Step, users, groups []string) Step {
	st.Verify.Conditions = nil
	if len(users) > 0 {
		st.Verify.Conditions = append(st.Verify.Conditions, Condition{Path: "conditions.users.excludeUsers", Contains: users})
	}
	if len(groups) > 0 {
		st.Verify.Conditions = append(st.Verify.Conditions, Condition{Path: "conditions.users.excludeGroups", Contains: groups})
	}
	return st
}

// prove holds, on a reading taken now, the guard of a step that grants the role. A reading
// that lags behind our own exclusions gets time.
func (r *run) prove(ctx context.Context, st Step) error {
	_, c, err := match(st.Request)
	if err != nil || granted(c) == "" {
		return err
	}
	for n := 0; ; n++ {
		r.tell(Checking, "that every policy excludes the account")
		fresh, err := r.w.Read(ctx)
		if err != nil {
			return fmt.Errorf("read the tenant before the role is granted: %w", err)
		}
		if err := r.rightTenant(fresh); err != nil {
			return err
		}
		err = newGuard(fresh, r.accounts()).step(st, Predict(fresh, st))
		if err == nil || n == 3 || !r.wrote() {
			return err
		}
		r.tell(Waiting, "for the exclusions to be seen")
		if err := r.o.Sleep(ctx, 5*time.Second<<n); err != nil {
			return err
		}
	}
}

// wrote says whether this run changed a policy or made an object.
func (r *run) wrote() bool {
	return len(r.born) > 0 || slices.ContainsFunc(r.res.Done, func(id string) bool { return strings.HasPrefix(id, "exclude-") })
}
