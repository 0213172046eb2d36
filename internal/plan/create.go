package plan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"breakglass/internal/entra"
)

// skew is how far the tenant's clock and ours may be apart.
const skew = 10 * time.Minute

func decodeInto(data json.RawMessage, v any) error {
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(v); err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	return nil
}

// create takes a step that makes an object. Sent twice it could make two, so it is repeated
// only when the object has not appeared for as long as replication may take.
func (r *run) create(ctx context.Context, st Step) error {
	r.tell(Checking, "")
	if id := r.j.objects[r.step.ID]; id != "" {
		return r.made(ctx, st, id)
	}
	if at, sentBefore := r.j.begunAt[st.ID]; sentBefore {
		if id, err := r.await(ctx, st, at); err != nil || id != "" {
			return r.accept(ctx, st, id, err)
		}
	}
	for n := range maxAttempts {
		if err := r.j.write(record{Step: st.ID, State: lineBegun}); err != nil {
			return err
		}
		at := r.o.Now()
		resp, err := r.send(ctx, st)
		if err == nil {
			if id := idIn(resp.Body); id != "" {
				return r.accept(ctx, st, id, nil)
			}
		} else if !unknown(resp) {
			return r.refusedCreate(ctx, st, n, at, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if id, err := r.await(ctx, st, at); err != nil || id != "" {
			return r.accept(ctx, st, id, err)
		}
	}
	return errUnproven
}

// refusedCreate: the service said no. After an attempt whose outcome was lost, that may be
// because the object exists already, by us.
func (r *run) refusedCreate(ctx context.Context, st Step, n int, at time.Time, refusal error) error {
	if n > 0 {
		if id, err := r.await(ctx, st, at.Add(-r.o.Window)); err != nil || id != "" {
			return r.accept(ctx, st, id, err)
		}
	}
	return errors.Join(refusal, r.j.write(record{Step: st.ID, State: lineFailed}))
}

func idIn(body json.RawMessage) string {
	var v struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(body, &v) != nil {
		return ""
	}
	return v.ID
}

// accept notes the id of the new object before anything else can go wrong.
func (r *run) accept(ctx context.Context, st Step, id string, err error) error {
	if err != nil {
		return err
	}
	if err := r.j.write(record{Step: st.ID, State: lineCreated, Object: id}); err != nil {
		return err
	}
	return r.made(ctx, st, id)
}

// made reads a new object back.
func (r *run) made(ctx context.Context, st Step, id string) error {
	r.ids[r.step.Creates] = id
	r.born[id] = r.o.Now()
	seen, err := r.readBack(ctx, st, r.o.Window)
	if err != nil {
		return err
	}
	if seen == nil {
		return errUnproven
	}
	if found, err := r.found(st, seen, time.Time{}); err != nil || !strings.EqualFold(found, id) {
		return errors.Join(&RefusedError{Reason: fmt.Sprintf("another object than the one made (%s) bears its name", id), Next: "find out who made it; then make the plan again"}, err)
	}
	r.res.Done = append(r.res.Done, st.ID)
	r.tell(Done, "")
	return r.settle(st, "")
}

// await looks for an object whose creation was sent at some time and whose answer was lost,
// until replication must be over. Empty: it is not there.
func (r *run) await(ctx context.Context, st Step, sent time.Time) (string, error) {
	wait, waited := time.Second, time.Duration(0)
	patience := max(0, r.o.Window-r.o.Now().Sub(sent))
	for {
		s, err := r.look(ctx, st)
		if err != nil {
			return "", fmt.Errorf("look for what may have been made: %w", err)
		}
		if st.Verify.holds(s.answer) {
			return r.found(st, s.answer, sent)
		}
		if waited >= patience {
			return "", nil
		}
		wait = min(wait, patience-waited)
		r.tell(Waiting, "its answer was lost: looking whether it was done")
		if err := r.o.Sleep(ctx, wait); err != nil {
			return "", err
		}
		waited += wait
		wait = min(2*wait, 15*time.Second)
	}
}

// found is the id of the one object in an answer. One made before ours was sent is not ours.
func (r *run) found(st Step, a answer, sent time.Time) (string, error) {
	object := map[string]any(a)
	if c := st.Verify.Conditions[0]; c.Any != nil {
		v, _ := at(a, c.Path)
		all := matches(v, c.Any)
		if len(all) != 1 {
			return "", &RefusedError{Reason: fmt.Sprintf("%d objects bear the name of the one that %s creates", len(all), st.ID), Next: "delete those that nobody needs, then make the plan again"}
		}
		object = all[0]
	}
	id, _ := object["id"].(string)
	if made, ok := object["createdDateTime"].(string); ok && !sent.IsZero() {
		if t, err := time.Parse(time.RFC3339, made); err == nil && t.Before(sent.Add(-skew)) {
			return "", &RefusedError{Reason: fmt.Sprintf("what %s creates exists since %s, made by somebody else", st.ID, made), Next: "make the plan again: it adopts what is safe to adopt"}
		}
	}
	if id == "" {
		return "", errors.New("the answer names no id")
	}
	return id, nil
}

// isOurs says whether an object that bears the name of one we may have made can be it.
func isOurs(s *entra.Snapshot, st Step, begun time.Time) bool {
	_, c, err := match(st.Request)
	if err != nil {
		return false
	}
	b, ok := c.body.(*userBody)
	if !ok {
		return true
	}
	u := s.UserByName(*b.UserPrincipalName)
	if u == nil {
		return true
	}
	made, known := u.CreatedDateTime.Value()
	return u.DisplayName.Or(*b.DisplayName) == *b.DisplayName && (!known || !made.Before(begun.Add(-skew)))
}
