package simtenant

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// control answers /_sim/...: the remote control, for the holder of the control token.
func (t *Tenant) control(w http.ResponseWriter, r *http.Request) {
	if subtle.ConstantTimeCompare([]byte(bearer(r)), []byte(t.creds.ControlToken)) != 1 {
		w.Header().Set("WWW-Authenticate", "Bearer")
		controlError(w, http.StatusUnauthorized, errors.New("the control token of credentials.json is needed"))
		return
	}
	var answer any
	var err error
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, "/_sim/") {
	case "GET clock":
		answer = t.clock()
	case "POST clock":
		answer, err = t.turnClock(r.Body)
	case "GET faults":
		answer = map[string]any{"faults": t.faults.all()}
	case "POST faults":
		answer, err = t.setFaults(r.Body)
	case "DELETE faults":
		t.faults.clear()
		answer = map[string]any{"faults": []Fault{}}
	case "GET events":
		answer = t.happened()
	case "POST events":
		answer, err = t.inject(r.Body)
	case "GET state":
		answer = t.state.Document()
	default:
		controlError(w, http.StatusNotFound, fmt.Errorf("no such control: %s %s (clock, faults, events, state)", r.Method, r.URL.Path))
		return
	}
	if err != nil {
		controlError(w, http.StatusBadRequest, err)
		return
	}
	controlJSON(w, http.StatusOK, answer)
}

func controlError(w http.ResponseWriter, status int, err error) {
	controlJSON(w, status, map[string]any{"error": map[string]any{"code": strings.ReplaceAll(http.StatusText(status), " ", ""), "message": err.Error()}})
}

func controlJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(body) // the client went away: nobody is left to tell
}

// strict reads one JSON value without unknown keys.
func strict(body io.Reader, into any) error {
	dec := json.NewDecoder(body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	return nil
}

func (t *Tenant) clock() any {
	return map[string]any{"now": t.state.Clock.Now().Format(time.RFC3339Nano), "real": time.Now().UTC().Format(time.RFC3339Nano)}
}

// turnClock takes one of {"set":time}, {"advance":"90m"} and {"freeze":true|false};
// freeze may stand beside each of the others.
func (t *Tenant) turnClock(body io.Reader) (any, error) {
	var in struct {
		Set     *time.Time `json:"set"`
		Advance string     `json:"advance"`
		Freeze  *bool      `json:"freeze"`
	}
	if err := strict(body, &in); err != nil {
		return nil, err
	}
	if in.Set != nil && in.Advance != "" || in.Set == nil && in.Advance == "" && in.Freeze == nil {
		return nil, errors.New(`say one of {"set":"2026-01-02T15:04:05Z"}, {"advance":"90m"}, {"freeze":true}`)
	}
	if in.Advance != "" {
		d, err := time.ParseDuration(in.Advance)
		if err != nil {
			return nil, fmt.Errorf("read advance: %w", err)
		}
		t.state.Clock.Advance(d)
	}
	if in.Set != nil {
		t.state.Clock.Set(*in.Set, in.Freeze != nil && *in.Freeze)
	} else if in.Freeze != nil {
		t.state.Clock.Set(t.state.Clock.Now(), *in.Freeze)
	}
	return t.clock(), nil
}

// setFaults takes one fault or a list of them; none is set when one cannot be understood.
func (t *Tenant) setFaults(body io.Reader) (any, error) {
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	var list []Fault
	if strings.HasPrefix(strings.TrimSpace(string(data)), "[") {
		err = strict(strings.NewReader(string(data)), &list)
	} else {
		list = make([]Fault, 1)
		err = strict(strings.NewReader(string(data)), &list[0])
	}
	if err != nil {
		return nil, err
	}
	for _, f := range list { // understand all before setting one
		if err := new(faults).add(f, t.state); err != nil {
			return nil, err
		}
	}
	for _, f := range list {
		if err := t.Fail(f); err != nil {
			return nil, err
		}
	}
	return map[string]any{"faults": t.faults.all()}, nil
}

// happened is all that went on: requests, the world, and every log record, also those
// that Graph does not show yet.
func (t *Tenant) happened() any {
	total, byRoute := t.events.counted()
	out := map[string]any{"requests": map[string]any{"total": total, "byOperation": byRoute}}
	t.state.View(func(tx *state.Tx) {
		out["now"] = state.Timestamp(tx.Now())
		out["world"] = *tx.World()
		out["signIns"] = orEmpty(tx.List(logs.SignIns))
		out["directoryAudits"] = orEmpty(tx.List(logs.Audits))
	})
	return out
}

func orEmpty(list []state.Object) []state.Object {
	if list == nil {
		return []state.Object{}
	}
	return list
}

// inject switches the world or adds log records: the fields of World by their JSON names
// (durations as "30s"), "signIn" and "directoryAudit" with a record in Graph's shape.
func (t *Tenant) inject(body io.Reader) (any, error) {
	var in map[string]json.RawMessage
	if err := strict(body, &in); err != nil {
		return nil, err
	}
	err := t.state.Update(func(tx *state.Tx) error {
		w := *tx.World()
		records := map[string]state.Object{}
		for key, raw := range in {
			if key == "signIn" || key == "directoryAudit" {
				var rec state.Object
				if json.Unmarshal(raw, &rec) != nil || rec == nil {
					return fmt.Errorf("read %s: not a JSON object", key)
				}
				records[key] = rec
				continue
			}
			if err := setWorld(&w, key, raw); err != nil {
				return err
			}
		}
		*tx.World() = w
		if rec := records["signIn"]; rec != nil {
			t.logs.SignIn(tx, rec)
		}
		if rec := records["directoryAudit"]; rec != nil {
			t.logs.Audit(tx, rec)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t.happened(), nil
}

// setWorld sets one switch of the world by its JSON name.
func setWorld(w *state.World, key string, raw json.RawMessage) error {
	switch key {
	case "replicationDelay", "logDelay", "logDisorder":
		var text string
		if json.Unmarshal(raw, &text) == nil {
			d, err := time.ParseDuration(text)
			if err != nil {
				return fmt.Errorf("read %s: %w", key, err)
			}
			raw = json.RawMessage(fmt.Sprint(int64(d)))
		}
	}
	patch, err := json.Marshal(map[string]json.RawMessage{key: raw})
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	return strict(strings.NewReader(string(patch)), w)
}
