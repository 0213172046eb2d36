// Package logs writes the simulated tenant's audit and sign-in records the way
// Entra does: in Graph's own shape, several records for one act under one
// correlation id, values inside modifiedProperties encoded twice, and readable only
// after a while and not in the order in which things happened.
//
// A record carries the time of the event; the hidden key _knownAt is the instant
// from which a reader of Graph sees it. Writers call Audit and SignIn inside the
// same state.Update that does the deed, so that no deed goes unrecorded.
package logs

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"breakglass/internal/simtenant/state"
)

// The two collections of records, named by their Graph path.
const (
	Audits  = "auditLogs/directoryAudits"
	SignIns = "auditLogs/signIns"
)

// Log writes records. All methods may be called concurrently. The same seed and the
// same order of calls give the same delays.
type Log struct {
	mu  sync.Mutex
	rng *rand.Rand // guarded by mu
	seq int        // guarded by mu
}

// New is a Log whose delays follow from seed.
func New(seed uint64) *Log {
	return &Log{rng: rand.New(rand.NewPCG(seed, 0x6c6f6773))}
}

// Audit stores one directoryAudit record in the transaction of the act it tells of and
// returns it. What rec leaves out is filled in: id, correlationId, activityDateTime
// (now), result (success), resultReason, loggedByService (Core Directory), category,
// operationType, initiatedBy, targetResources, additionalDetails, and _knownAt.
func (l *Log) Audit(tx *state.Tx, rec state.Object) state.Object {
	rec = rec.Clone()
	fill(rec, "correlationId", state.NewID())
	fill(rec, "activityDateTime", Instant(tx.Now()))
	fill(rec, "result", "success")
	fill(rec, "resultReason", "")
	fill(rec, "loggedByService", CoreDirectory)
	fill(rec, "category", "Other")
	fill(rec, "operationType", "")
	fill(rec, "initiatedBy", map[string]any{"user": nil, "app": nil})
	fill(rec, "targetResources", []any{})
	fill(rec, "additionalDetails", []any{})
	fill(rec, "id", l.auditID(rec))
	l.delay(tx, rec, "activityDateTime")
	return tx.Put(Audits, plain(rec))
}

// SignIn stores one sign-in record and returns it. It is kept in the beta shape; Graph's
// v1.0 shows fewer properties and interactive sign-ins only. What rec leaves out is
// filled with what an uneventful interactive browser sign-in carries; its caller gives
// at least the user or service principal, application, resource and status.
func (l *Log) SignIn(tx *state.Tx, rec state.Object) state.Object {
	rec = rec.Clone()
	fill(rec, "id", state.NewID())
	fill(rec, "createdDateTime", state.Timestamp(tx.Now()))
	for k, v := range signInDefaults(tx) {
		fill(rec, k, v)
	}
	l.delay(tx, rec, "createdDateTime")
	return tx.Put(SignIns, plain(rec))
}

// Known says whether a reader of Graph sees the record at this instant.
func Known(rec state.Object, now time.Time) bool {
	at := rec.Time("_knownAt")
	return at.IsZero() || !at.After(now)
}

// Instant is a time as audit records write it, with seven digits of a second.
func Instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z") }

// delay sets _knownAt: the event's time plus the world's delay, give or take its disorder,
// never before the event itself. Disorder larger than the time between two events is
// what makes a later one readable first.
func (l *Log) delay(tx *state.Tx, rec state.Object, timeKey string) {
	if _, given := rec["_knownAt"]; given {
		return
	}
	w := tx.World()
	wait := w.LogDelay + l.spread(w.LogDisorder)
	at := rec.Time(timeKey)
	if at.IsZero() {
		at = tx.Now()
	}
	rec["_knownAt"] = at.Add(max(wait, 0)).UTC().Format(time.RFC3339Nano)
}

// spread draws from -d to +d.
func (l *Log) spread(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Duration(l.rng.Int64N(2*int64(d)+1)) - d
}

// auditID has the form Entra gives: the service, the correlation id, a short code, a number.
func (l *Log) auditID(rec state.Object) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	prefix := map[string]string{CoreDirectory: "Directory", PIM: "PIM", ConditionalAccess: "IPCGraph"}[rec.String("loggedByService")]
	if prefix == "" {
		prefix = "SSGM"
	}
	return fmt.Sprintf("%s_%s_%s_%d", prefix, rec.String("correlationId"), letters(l.rng), 100000000+l.seq)
}

// letters is the five-character code inside an audit id.
func letters(rng *rand.Rand) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	b := make([]byte, 5)
	for i := range b {
		b[i] = alphabet[rng.IntN(len(alphabet))]
	}
	return string(b)
}

// plain is the record as it would come out of JSON: whatever kinds of number and list its
// writer used, readers and filters see one.
func plain(rec state.Object) state.Object {
	data, err := json.Marshal(rec)
	var out state.Object
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil { // records are made of JSON values
		panic("logs: a record that is not JSON: " + err.Error())
	}
	return out
}

func fill(o state.Object, key string, v any) {
	if _, ok := o[key]; !ok {
		o[key] = v
	}
}
