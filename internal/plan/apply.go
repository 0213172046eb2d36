package plan

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"breakglass/internal/entra"
)

// Apply does the plan on the tenant: it reads the tenant again, refuses when what the plan
// rests on has moved or a guard would break, and then takes the steps in order. Each is
// skipped when it is so already, else written into the journal, sent, and read back. After a
// crash, or an error, Apply with the same plan and journal goes on where it stopped; a plan
// that is done writes nothing.
//
// A refusal is a *RefusedError. The result is what was done up to an error, too.
func Apply(ctx context.Context, p *Plan, w World, o Options) (Result, error) {
	r := &run{p: p, w: w, o: o.defaults(), ids: map[string]string{}, born: map[string]time.Time{}}
	r.res = Result{Done: []string{}, Skipped: []string{}, Restored: []string{}, Unchecked: []string{}, Objects: r.ids}
	if err := p.validate(); err != nil {
		return r.res, fmt.Errorf("apply: %w", err)
	}
	digest, err := p.digest()
	if err != nil {
		return r.res, err
	}
	r.j, err = openJournal(o.Journal, digest, r.o.Now)
	if err != nil {
		return r.res, err
	}
	err = r.apply(ctx)
	if e := r.j.close(); err == nil && e != nil {
		err = fmt.Errorf("close the journal: %w", e)
	}
	return r.res, err
}

func (o Options) defaults() Options {
	if o.Graph == "" {
		o.Graph = "https://graph.microsoft.com"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Window == 0 {
		o.Window = 5 * time.Minute
	}
	if o.Progress == nil {
		o.Progress = func(Event) {}
	}
	return o
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (p *Plan) digest() (string, error) {
	data, err := p.Encode()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// run is one Apply.
type run struct {
	p *Plan
	w World
	o Options
	j *journal
	// ids are the objects made so far, by placeholder; born is when this run made or found
	// them: replication may lag behind.
	ids  map[string]string
	born map[string]time.Time
	res  Result
	// policies is the last look at all policies.
	policies sight
	// step and index are where the run is, for progress.
	step  Step
	index int
}

func (r *run) tell(s State, note string) {
	r.o.Progress(Event{Step: r.step, Index: r.index, Total: len(r.p.Steps), State: s, Note: note})
}

func (r *run) apply(ctx context.Context) error {
	fresh, err := r.w.Read(ctx)
	if err != nil {
		return fmt.Errorf("read the tenant again: %w", err)
	}
	if err := r.rightTenant(fresh); err != nil {
		return err
	}
	r.recall(fresh)
	todo := r.todo(fresh)
	if err := r.allowed(fresh, todo); err != nil {
		return err
	}
	for i, st := range r.p.Steps {
		r.step, r.index = st, i
		if !todo[i] {
			if err := r.skipped(fresh); err != nil {
				return err
			}
			continue
		}
		if err := r.do(ctx); err != nil {
			r.tell(Failed, err.Error())
			return fmt.Errorf("%s: %w", st.ID, err)
		}
	}
	return r.auditExclusions(ctx)
}

func (r *run) rightTenant(fresh *entra.Snapshot) error {
	switch {
	case !fresh.Complete(entra.PartTenant) || fresh.Tenant.ID == "":
		return &RefusedError{Reason: "the tenant could not be read again, so nothing shows that it is the plan's", Next: "see `breakglass doctor`"}
	case !strings.EqualFold(fresh.Tenant.ID, r.p.TenantID):
		return &RefusedError{Reason: fmt.Sprintf("the plan is for tenant %s, this is %s", r.p.TenantID, fresh.Tenant.ID), Next: "sign in to the tenant of the plan"}
	}
	return nil
}

// recall takes from the journal which objects earlier runs made, and from the reading those
// that bear the natural keys.
func (r *run) recall(fresh *entra.Snapshot) {
	for _, st := range r.p.Steps {
		if st.Creates == "" {
			continue
		}
		if id := r.j.objects[st.ID]; id != "" {
			r.ids[st.Creates] = id
			r.born[id] = r.j.begunAt[st.ID]
		} else if id := natural(fresh, st); id != "" {
			r.ids[st.Creates] = id
		}
	}
}

// natural is the object that bears the natural key of a creation, empty when none does.
func natural(s *entra.Snapshot, st Step) string {
	_, c, err := match(st.Request)
	if err != nil {
		return ""
	}
	switch b := c.body.(type) {
	case *userBody:
		if u := s.UserByName(*b.UserPrincipalName); u != nil {
			return u.ID
		}
	case *groupBody:
		if g, _ := groupNamed(s, b.MailNickname); g != nil {
			return g.ID
		}
	case *unitBody:
		if u, _ := unitNamed(s, b.DisplayName); u != nil {
			return u.ID
		}
	}
	return ""
}

// todo says of each step whether it has anything to do: one that the reading does not settle
// has, and so has one whose predecessors change what it rests on.
func (r *run) todo(fresh *entra.Snapshot) []bool {
	out := make([]bool, len(r.p.Steps))
	cur := fresh.Clone()
	for i, st := range r.p.Steps {
		if len(st.Only) > 0 && !r.serves(cur, st) {
			continue
		}
		out[i] = foretell(cur, r.ready(cur, st)) != idle && !(st.Creates != "" && r.j.doneSteps[st.ID])
	}
	return out
}

// serves says whether any of the steps that this one serves still has something to do.
func (r *run) serves(cur *entra.Snapshot, st Step) bool {
	for _, other := range r.p.Steps {
		if holds(st.Only, other.ID) && foretell(cur.Clone(), r.ready(cur, other)) != idle {
			return true
		}
	}
	return false
}

// ready is a step with what is known now in it.
func (r *run) ready(s *entra.Snapshot, st Step) Step {
	return rebaseOn(s, resolve(st, r.ids))
}

// allowed refuses, before anything is written, when the tenant moved since the plan or a
// guard would break on the tenant as it is now.
func (r *run) allowed(fresh *entra.Snapshot, todo []bool) error {
	var moved []string
	any := false
	g := newGuard(fresh, r.accounts())
	cur := fresh.Clone()
	for i, st := range r.p.Steps {
		if !todo[i] {
			continue
		}
		any = true
		moved = append(moved, r.moved(fresh, st)...)
		ready := r.ready(cur, st)
		foretell(cur, ready)
		if err := g.step(ready, cur); err != nil && len(moved) == 0 {
			return err
		}
	}
	if any {
		moved = append(moved, r.foreign(fresh)...)
	}
	if len(moved) > 0 {
		return &RefusedError{Reason: "the tenant moved since the plan was made: " + strings.Join(moved, "; "), Next: "make the plan again, look at it, and apply that"}
	}
	return nil
}

func (r *run) moved(fresh *entra.Snapshot, st Step) []string {
	if _, begun := r.j.begunAt[st.ID]; begun {
		return nil // we may have moved it ourselves; the step reads before it writes
	}
	var out []string
	for _, t := range st.Touches {
		if fields := t.movedIn(fresh); len(fields) > 0 {
			out = append(out, fmt.Sprintf("%s (%s)", t.Title, strings.Join(fields, ", ")))
		}
	}
	return out
}

// foreign are the objects that bear the name of one that the plan creates, though no run of
// it ever sent the creation: somebody else made them.
func (r *run) foreign(fresh *entra.Snapshot) []string {
	var out []string
	for _, st := range r.p.Steps {
		begun, sent := r.j.begunAt[st.ID]
		if st.Creates != "" && natural(fresh, st) != "" && (!sent || !isOurs(fresh, st, begun)) {
			out = append(out, fmt.Sprintf("what %s creates exists now, made by somebody else", st.ID))
		}
	}
	return out
}

// accounts are the plan's accounts with the ids known now.
func (r *run) accounts() []Account {
	out := make([]Account, len(r.p.Accounts))
	for i, a := range r.p.Accounts {
		if id, ok := r.ids[a.Object]; ok {
			a.Object = id
		}
		out[i] = a
	}
	return out
}

func (r *run) skip(note string) {
	r.res.Skipped = append(r.res.Skipped, r.step.ID)
	r.tell(Skipped, note)
}

// skipped passes over a step that the reading shows as done. One that an earlier run had
// begun is closed in the journal.
func (r *run) skipped(fresh *entra.Snapshot) error {
	r.skip("it is so already")
	st := r.step
	if _, begun := r.j.begunAt[st.ID]; !begun || r.j.doneSteps[st.ID] {
		return nil
	}
	if st.Creates != "" && r.j.objects[st.ID] == "" {
		if err := r.j.write(record{Step: st.ID, State: lineCreated, Object: natural(fresh, st)}); err != nil {
			return err
		}
	}
	return r.settle(st, "found done")
}

// do takes one step.
func (r *run) do(ctx context.Context) error {
	st := resolve(r.step, r.ids)
	if ph := placeholder.FindString(st.Request.Path + string(st.Request.Body)); ph != "" && ph != st.Creates {
		return fmt.Errorf("%s is not known: the step that creates it was not done", ph)
	}
	if st.Creates != "" {
		return r.create(ctx, st)
	}
	return r.change(ctx, st)
}
