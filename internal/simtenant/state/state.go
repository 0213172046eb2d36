// Package state is what the simulated tenant knows: objects in Graph's own JSON
// shape, the links between them, a clock that can be turned, and the switches of
// the world outside (the MFA service, the identity provider).
//
// It has no opinion about protocols. login, graph, arm and logs read and change it
// through View and Update, each call one atomic act, so that no request ever sees
// half of another.
package state

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Object is one entity in Microsoft's own JSON shape. Keys that begin with "_" are the
// simulator's own (a password, the time from which readers see it) and never leave it.
type Object map[string]any

// ID is the object's identifier.
func (o Object) ID() string { return o.String("id") }

// String is a property's text, empty when absent or of another type.
func (o Object) String(key string) string { s, _ := o[key].(string); return s }

// Bool is a property's truth, false when absent or of another type.
func (o Object) Bool(key string) bool { b, _ := o[key].(bool); return b }

// Object is a nested object, nil when absent or of another type.
func (o Object) Object(key string) Object {
	switch v := o[key].(type) {
	case Object:
		return v
	case map[string]any:
		return v
	}
	return nil
}

// Strings is a property's list of texts; elements of other types are left out.
func (o Object) Strings(key string) []string {
	switch v := o[key].(type) {
	case []string:
		return slices.Clone(v)
	case []any:
		out := make([]string, 0, len(v))
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// Time is a property's instant, zero when absent or malformed.
func (o Object) Time(key string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, o.String(key))
	return t
}

// Clone is a deep copy.
func (o Object) Clone() Object {
	if o == nil {
		return nil
	}
	return cloneValue(map[string]any(o)).(map[string]any)
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = cloneValue(e)
		}
		return out
	case Object:
		return cloneValue(map[string]any(v))
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = cloneValue(e)
		}
		return out
	case []string:
		return slices.Clone(v)
	}
	return v
}

// Public is a copy without the simulator's own keys.
func (o Object) Public() Object {
	out := o.Clone()
	for k := range out {
		if strings.HasPrefix(k, "_") {
			delete(out, k)
		}
	}
	return out
}

// NewID is a fresh identifier in Entra's form.
func NewID() string { return uuid.NewString() }

// Timestamp is an instant as Graph writes it.
func Timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// World is what surrounds the tenant and can fail.
type World struct {
	// Cloud is public, usgov-l4, usgov-l5 or china.
	Cloud string `json:"cloud"`
	// MFAServiceDown: push, telephone and text messages fail; passkeys and certificates do not.
	MFAServiceDown bool `json:"mfaServiceDown"`
	// IdentityProviderDown: users of federated domains cannot sign in.
	IdentityProviderDown bool `json:"identityProviderDown"`
	// MandatoryMFA: the portals and ARM writes demand MFA whatever Conditional Access says.
	MandatoryMFA bool `json:"mandatoryMFA"`
	// ReplicationDelay is how long a new object stays unseen by readers.
	ReplicationDelay time.Duration `json:"replicationDelay"`
	// LogDelay is the usual time from an event to its record; LogDisorder the spread around it.
	LogDelay    time.Duration `json:"logDelay"`
	LogDisorder time.Duration `json:"logDisorder"`
	// Throttle switches the limits of Graph's throttling guidance on.
	Throttle bool `json:"throttle"`
}

// Document is a whole tenant as a file: objects by collection, links by relation.
// Collections are named by their Graph path without a leading slash ("users",
// "identity/conditionalAccess/policies", "roleManagement/directory/roleAssignments");
// a singleton is a collection with one object. ARM resources live in "arm".
type Document struct {
	TenantID string                         `json:"tenantId"`
	World    World                          `json:"world"`
	Objects  map[string][]Object            `json:"objects"`
	Links    map[string]map[string][]string `json:"links"`
}

// State is one tenant in memory. All methods may be called concurrently.
type State struct {
	Clock *Clock

	mu  sync.Mutex
	doc tables // guarded by mu
}

type tables struct {
	tenantID string
	world    World
	objects  map[string]*collection
	links    map[string]map[string][]string
}

type collection struct {
	order []string
	byID  map[string]Object
}

// New is the state that a document describes.
func New(d Document, clock *Clock) *State {
	s := &State{Clock: clock, doc: tables{
		tenantID: d.TenantID,
		world:    d.World,
		objects:  map[string]*collection{},
		links:    map[string]map[string][]string{},
	}}
	_ = s.Update(func(tx *Tx) error {
		for name, list := range d.Objects {
			for _, o := range list {
				tx.Put(name, o.Clone())
			}
		}
		for rel, from := range d.Links {
			for f, tos := range from {
				for _, t := range tos {
					tx.Link(rel, f, t)
				}
			}
		}
		return nil
	})
	return s
}

// Document is the state as a file, the simulator's own keys included.
func (s *State) Document() Document {
	d := Document{Objects: map[string][]Object{}, Links: map[string]map[string][]string{}}
	s.View(func(tx *Tx) {
		d.TenantID, d.World = tx.TenantID(), *tx.World()
		for name := range tx.t.objects {
			d.Objects[name] = tx.List(name)
		}
		for rel, from := range tx.t.links {
			d.Links[rel] = map[string][]string{}
			for f, tos := range from {
				d.Links[rel][f] = slices.Clone(tos)
			}
		}
	})
	return d
}

// View runs f on the state; f must not change it.
func (s *State) View(f func(*Tx)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&Tx{t: &s.doc, now: s.Clock.Now()})
}

// Update runs f on the state. f checks before it changes: an error changes nothing back.
func (s *State) Update(f func(*Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f(&Tx{t: &s.doc, now: s.Clock.Now()})
}

// Tx is one atomic act on the state, valid only inside View or Update.
type Tx struct {
	t   *tables
	now time.Time
}

// Now is the simulated instant of this act.
func (tx *Tx) Now() time.Time { return tx.now }

// TenantID is the tenant's identifier.
func (tx *Tx) TenantID() string { return tx.t.tenantID }

// World is the surroundings; Update may change them through the pointer.
func (tx *Tx) World() *World { return &tx.t.world }

// Get is a copy of one object, nil when there is none.
func (tx *Tx) Get(coll, id string) Object {
	c := tx.t.objects[coll]
	if c == nil {
		return nil
	}
	return c.byID[strings.ToLower(id)].Clone()
}

// List is copies of a collection's objects, oldest first.
func (tx *Tx) List(coll string) []Object {
	c := tx.t.objects[coll]
	if c == nil {
		return nil
	}
	out := make([]Object, 0, len(c.order))
	for _, id := range c.order {
		out = append(out, c.byID[id].Clone())
	}
	return out
}

// Find is a copy of the first object for which match holds, nil when there is none.
func (tx *Tx) Find(coll string, match func(Object) bool) Object {
	c := tx.t.objects[coll]
	if c == nil {
		return nil
	}
	for _, id := range c.order {
		if match(c.byID[id]) {
			return c.byID[id].Clone()
		}
	}
	return nil
}

// One is a singleton's copy, nil when the tenant has none.
func (tx *Tx) One(coll string) Object { return tx.Find(coll, func(Object) bool { return true }) }

// Put stores an object under its id, in place of the one before; without an id it gets one.
func (tx *Tx) Put(coll string, o Object) Object {
	if o.ID() == "" {
		o["id"] = NewID()
	}
	c := tx.t.objects[coll]
	if c == nil {
		c = &collection{byID: map[string]Object{}}
		tx.t.objects[coll] = c
	}
	key := strings.ToLower(o.ID())
	if _, had := c.byID[key]; !had {
		c.order = append(c.order, key)
	}
	c.byID[key] = o.Clone()
	return o
}

// Delete removes an object; its links stay until Unlink or DropLinks.
func (tx *Tx) Delete(coll, id string) {
	c, key := tx.t.objects[coll], strings.ToLower(id)
	if c == nil {
		return
	}
	delete(c.byID, key)
	c.order = slices.DeleteFunc(c.order, func(s string) bool { return s == key })
}

// Link adds to to from's relation (for example "members"), once.
func (tx *Tx) Link(rel, from, to string) {
	from, to = strings.ToLower(from), strings.ToLower(to)
	if tx.t.links[rel] == nil {
		tx.t.links[rel] = map[string][]string{}
	}
	if !slices.Contains(tx.t.links[rel][from], to) {
		tx.t.links[rel][from] = append(tx.t.links[rel][from], to)
	}
}

// Unlink takes to out of from's relation and says whether it was there.
func (tx *Tx) Unlink(rel, from, to string) bool {
	from, to = strings.ToLower(from), strings.ToLower(to)
	had := slices.Contains(tx.t.links[rel][from], to)
	if had {
		tx.t.links[rel][from] = slices.DeleteFunc(tx.t.links[rel][from], func(s string) bool { return s == to })
	}
	return had
}

// Linked is the ids that from's relation names, in the order they were added.
func (tx *Tx) Linked(rel, from string) []string {
	return slices.Clone(tx.t.links[rel][strings.ToLower(from)])
}

// LinkedTo is the ids whose relation names to.
func (tx *Tx) LinkedTo(rel, to string) []string {
	to = strings.ToLower(to)
	var out []string
	for _, from := range slices.Sorted(maps.Keys(tx.t.links[rel])) {
		if slices.Contains(tx.t.links[rel][from], to) {
			out = append(out, from)
		}
	}
	return out
}

// DropLinks removes every link from or to an id.
func (tx *Tx) DropLinks(id string) {
	id = strings.ToLower(id)
	for _, from := range tx.t.links {
		delete(from, id)
		for f, tos := range from {
			from[f] = slices.DeleteFunc(tos, func(s string) bool { return s == id })
		}
	}
}

// Decode reads a document from JSON.
func Decode(data []byte) (Document, error) {
	var d Document
	err := json.Unmarshal(data, &d)
	return d, err
}

// Clock is a clock one can turn: the real one plus an offset, or stopped.
type Clock struct {
	mu     sync.Mutex
	offset time.Duration
	frozen *time.Time
}

// Now is the simulated instant, in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frozen != nil {
		return *c.frozen
	}
	return time.Now().Add(c.offset).UTC()
}

// Set makes the clock show t and run on from there, or stand still when frozen.
func (c *Clock) Set(t time.Time, frozen bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t = t.UTC()
	c.offset, c.frozen = time.Until(t), nil
	if frozen {
		c.frozen = &t
	}
}

// Advance turns the clock forward, or back when d is negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frozen != nil {
		t := c.frozen.Add(d)
		c.frozen = &t
		return
	}
	c.offset += d
}
