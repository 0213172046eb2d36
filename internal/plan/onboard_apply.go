package plan

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Carry does an onboarding or offboarding: each step looks first and is skipped when it is so
// already, else sent, and read back. It keeps no journal: steps find what is there by our
// tags, so that after a crash a new Onboard or Offboard goes on where this one stopped. Of
// opts, Journal is not used. Of the world, Read is not used.
//
// What a step makes must not exist when its turn comes: then somebody else made it since, and
// the error is a *RefusedError. The result is what was done up to an error, too.
func Carry(ctx context.Context, o *Onboarding, w World, opts Options) (Result, error) {
	r := &run{p: &Plan{TenantID: o.TenantID, Steps: o.Steps}, w: w, o: opts.defaults(), ids: map[string]string{}, born: map[string]time.Time{}}
	r.res = Result{Done: []string{}, Skipped: []string{}, Restored: []string{}, Unchecked: []string{}, Objects: r.ids}
	for i, st := range o.Steps {
		r.step, r.index = st, i
		if err := r.carry(ctx); err != nil {
			r.tell(Failed, err.Error())
			return r.res, fmt.Errorf("%s: %w", st.ID, err)
		}
	}
	return r.res, nil
}

func (r *run) carry(ctx context.Context) error {
	st := resolve(r.step, r.ids)
	for _, ph := range placeholder.FindAllString(st.Request.Path+string(st.Request.Body)+st.Verify.Request.Path, -1) {
		if ph != st.Creates {
			return fmt.Errorf("%s is not known: the step that creates it was not done", ph)
		}
	}
	r.tell(Checking, "")
	before, err := r.look(ctx, st)
	switch {
	case err != nil:
		return fmt.Errorf("read before the write: %w", err)
	case st.Verify.holds(before.answer) && st.Creates != "":
		return &RefusedError{Reason: "what this step makes is there already, made by somebody else since", Next: "run it again: it takes up what bears our tags"}
	case st.Verify.holds(before.answer):
		r.skip("it is so already")
		return nil
	}
	for n := range maxAttempts {
		seen, err := r.carryOnce(ctx, st, n)
		if err != nil {
			return err
		}
		if seen != nil {
			return r.carried(st, seen)
		}
	}
	return errUnproven
}

// carryOnce sends a step once and looks for it. No answer, without an error: it was not done,
// as far as can be seen, and is worth sending again.
func (r *run) carryOnce(ctx context.Context, st Step, n int) (answer, error) {
	patience := r.o.Window / maxAttempts
	if strings.HasPrefix(st.Creates, "{app:") {
		patience = r.o.Window // sent again, it could make two; of everything else there is one only
	}
	resp, err := r.send(ctx, st)
	switch {
	case err == nil:
		seen, lookErr := r.readBack(ctx, st, r.o.Window)
		if seen == nil && lookErr == nil {
			lookErr = errUnproven
		}
		return seen, lookErr
	case unknown(resp):
		return r.readBack(ctx, st, patience)
	}
	if n == 0 {
		patience = 0
	}
	seen, lookErr := r.readBack(ctx, st, patience)
	if seen != nil || lookErr != nil {
		return seen, lookErr
	}
	if r.lagging(st) && (resp.Status == http.StatusNotFound || resp.Status == http.StatusBadRequest) && n < maxAttempts-1 {
		r.tell(Waiting, "for the new object to be known everywhere")
		return nil, r.o.Sleep(ctx, lag<<n)
	}
	return nil, err
}

// carried notes a step that was seen, and the ids of what it made.
func (r *run) carried(st Step, seen answer) error {
	if st.Creates != "" {
		made := matches(seen["value"], st.Verify.Conditions[0].Any)
		if len(made) != 1 {
			return &RefusedError{
				Reason: fmt.Sprintf("%d objects bear the tag of the one that this step makes", len(made)),
				Next:   "delete those that nobody needs, then run this again",
			}
		}
		id, _ := made[0]["id"].(string)
		client, _ := made[0]["appId"].(string)
		r.know(st.Creates, id)
		if part, ok := strings.CutPrefix(st.Creates, "{app:"); ok {
			r.know("{client:"+part, client)
		}
	}
	r.res.Done = append(r.res.Done, st.ID)
	r.tell(Done, "")
	return nil
}

// know puts an id in the place of its placeholder from here on.
func (r *run) know(ph, id string) {
	r.ids[ph] = id
	r.born[id] = r.o.Now()
}
