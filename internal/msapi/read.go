package msapi

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"breakglass/internal/entra"
)

// ReadOptions say what a reading is to hold beyond the tenant's own settings.
type ReadOptions struct {
	// Accounts are the emergency accounts: object ids or user principal names.
	Accounts []string
	// Groups are groups whose members matter (the exclusion group): object ids or mail nicknames.
	Groups []string
	// Units are administrative units whose members matter: object ids or display names.
	Units []string
	// Clients are application ids of clients to look at besides the well-known ones.
	Clients []string
	// MaxUsers bounds how many users are read besides the accounts; zero means 200.
	MaxUsers int
}

// Bounds of a reading, so that its cost does not grow with the tenant.
const (
	defaultMaxUsers = 200
	maxMembers      = 500 // of one group or unit
	maxGroups       = 400
	readers         = 6 // parts read at the same time
	tenantParts     = 20
)

// Read takes one whole reading of the tenant. A part that cannot be read never fails it: the
// part's Reading says why. It fails only when nothing can be read: no sign-in, no network,
// a tenant that is not ours, or the context's end.
func (c *Client) Read(ctx context.Context, opts ReadOptions) (*entra.Snapshot, error) {
	ctx = withBudget(ctx, c.patience)
	if opts.MaxUsers == 0 {
		opts.MaxUsers = defaultMaxUsers
	}
	r := &reader{c: c, opts: opts, snap: newSnapshot(c), total: tenantParts + len(opts.Accounts)}
	if err := r.prove(ctx); err != nil {
		return nil, err
	}
	r.stage(ctx, r.domains, r.plans, r.securityDefaults, r.authorizationPolicy, r.strengths, r.methodsPolicy,
		r.policies, r.policiesBeta, r.namedLocations, r.roleAssignments, r.activeRoles, r.eligibleRoles, r.roleSettings,
		r.units, r.clients, r.policyChanges, r.accounts, r.wantedGroups)
	r.joinPolicies()
	r.stage(ctx, r.groups, r.unitMembers, r.excludedUsers)
	r.stage(ctx, r.otherUsers)
	r.stage(ctx, r.methods, r.memberOf, r.signInActivity, r.perUserMFA, r.risk, r.employeeLeave)
	if err := r.verdict(ctx); err != nil {
		return nil, err
	}
	c.tell(Progress{Text: "read the tenant", Done: r.done, Total: r.done})
	return r.snap, nil
}

func newSnapshot(c *Client) *entra.Snapshot {
	return &entra.Snapshot{
		Format: entra.FileFormat, Version: entra.FormatVersion, TakenAt: c.now().UTC(), Cloud: c.endpoints.Name,
		Readings: map[entra.Part]entra.Reading{},
	}
}

// A reader takes one reading. Each of its methods reads one part (or the parts of one kind).
type reader struct {
	c    *Client
	opts ReadOptions

	// mu guards all below while parts are read at the same time.
	mu    sync.Mutex
	snap  *entra.Snapshot
	v1    map[string]json.RawMessage // policies by id
	beta  map[string]json.RawMessage
	order []string // ids of policies in the order read
	// fatal is an error after which nothing more can be read.
	fatal       error
	done, total int
	network     int // parts that failed for want of a network
	// wanted are the ids of the accounts and groups asked for, as far as they were found.
	wantedUsers, wantedGroupIDs []string
}

func (r *reader) prove(ctx context.Context) error {
	tenant, unread, err := r.c.proof(ctx)
	if err != nil {
		return err
	}
	r.snap.Tenant = tenant
	who := r.c.who()
	r.snap.Reader = entra.Reader{Kind: who.kind, ObjectID: who.objectID, AppID: who.appID, Grants: who.grants}
	if unread != nil {
		r.file(entra.PartTenant, "/v1.0"+organizationPath, 0, 0, unread)
	} else {
		r.file(entra.PartTenant, "/v1.0"+organizationPath, 1, 1, nil)
	}
	return nil
}

// stage reads several parts at the same time and waits for all.
func (r *reader) stage(ctx context.Context, parts ...func(context.Context)) {
	slots := make(chan struct{}, readers)
	var wg sync.WaitGroup
	for _, part := range parts {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if r.broken() == nil {
				part(ctx)
			}
		})
	}
	wg.Wait()
}

// expect says that so many parts more will be read; only for people who watch.
func (r *reader) expect(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total += n
}

func (r *reader) broken() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fatal
}

// verdict is the error of a reading that is none.
func (r *reader) verdict(ctx context.Context) error {
	if ctx.Err() != nil {
		return fmt.Errorf("read the tenant: %w", ctx.Err())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fatal != nil {
		return fmt.Errorf("read the tenant: %w", r.fatal)
	}
	return nil
}

// file puts one part on record: where it was read and when, or why not.
func (r *reader) file(p entra.Part, source string, pages, items int, err error) {
	reading := entra.Reading{Source: source, ReadAt: r.c.now().UTC(), Pages: pages, Items: items}
	if err != nil {
		e := asError(err, "GET "+source)
		reading.Unread, reading.Detail, reading.Needs = unread(e), e.Error(), e.needs()
		if h := e.Hint(); h != "" && e.Kind != kindTooMany {
			reading.Detail += ": " + h
		}
		r.hopeless(e)
	}
	r.mu.Lock()
	r.snap.Readings[p] = reading
	r.done++
	r.total = max(r.total, r.done)
	progress := Progress{Text: "read " + partText(p, reading), Done: r.done, Total: r.total}
	r.mu.Unlock()
	r.c.tell(progress)
}

func partText(p entra.Part, reading entra.Reading) string {
	name, _, _ := strings.Cut(string(p), ":")
	if reading.Unread == "" {
		return name
	}
	return fmt.Sprintf("%s: not complete (%s)", name, reading.Unread)
}

// hopeless remembers an error after which no other part can be read: the sign-in is over, or
// the network is gone for several parts.
func (r *reader) hopeless(e *Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	gone := e.Kind == KindNetwork && !e.sent
	if gone {
		r.network++
	}
	if r.fatal == nil && (e.Kind == KindExpired || e.Kind == KindWrongTenant || e.Op == "sign in" || gone && r.network >= 3) {
		r.fatal = e
	}
}

// unread is the reason on record for an error.
func unread(e *Error) entra.Unread {
	switch e.Kind {
	case KindLicence:
		return entra.UnreadLicence
	case KindPermission:
		return entra.UnreadPermission
	case KindThrottled:
		return entra.UnreadThrottled
	case KindNotFound:
		return entra.UnreadNotFound
	case KindNotHere:
		return entra.UnreadCloud
	case kindTooMany:
		return entra.UnreadNotAsked
	case kindDamaged:
		return entra.UnreadDamaged
	}
	return entra.UnreadFailed
}

// kindDamaged is an answer in which an entry could not be understood.
const kindDamaged Kind = "damaged"

// take decodes one entry after the other and remembers the first that it could not.
type take[T any] struct {
	decode func(json.RawMessage) (T, error)
	all    []T
	bad    error
}

func (t *take[T]) add(raw json.RawMessage) error {
	v, err := t.decode(raw)
	switch {
	case err == nil:
		t.all = append(t.all, v)
	case t.bad == nil:
		t.bad = &Error{Kind: kindDamaged, Op: "read an entry", Message: "it is not in the form that we know: " + shorten(err.Error()), retryAfter: -1}
	}
	return nil
}

// collect reads a collection into a list and files the part.
func collect[T any](ctx context.Context, r *reader, p entra.Part, version, path string, max int, decode func(json.RawMessage) (T, error)) []T {
	t := &take[T]{decode: decode}
	pages, err := r.c.list(ctx, version, path, max, t.add)
	r.file(p, "/"+version+path, pages, len(t.all), firstError(err, t.bad))
	return t.all
}

// collectAll reads several collections in batches into one list and files them as one part.
func collectAll[T any](ctx context.Context, r *reader, p entra.Part, source string, paths []string, decode func(json.RawMessage) (T, error)) []T {
	t := &take[T]{decode: decode}
	pages, err := 0, error(nil)
	for i, res := range r.c.batch(ctx, v1, paths) {
		n, e := r.pagesOf(ctx, v1, paths[i], res, 0, t.add)
		pages += n
		err = firstError(err, e)
	}
	err = firstError(err, t.bad)
	r.file(p, source, pages, len(t.all), err)
	return t.all
}

// pagesOf adds the entries of a collection whose first page came in a batch.
func (r *reader) pagesOf(ctx context.Context, version, path string, res result, max int, add func(json.RawMessage) error) (int, error) {
	if res.err != nil {
		return 0, res.err
	}
	rq, err := r.c.graphRequest("GET", version, path, nil)
	if err != nil {
		return 0, err
	}
	return r.c.rest(ctx, rq, res.body, max, add)
}

// as decodes an entry straight into a type whose JSON names are Graph's.
func as[T any](raw json.RawMessage) (T, error) {
	var v T
	err := json.Unmarshal(raw, &v)
	return v, err
}

// one reads a single object and files the part.
func one[T any](ctx context.Context, r *reader, p entra.Part, path string, decode func(json.RawMessage) (T, error)) T {
	var v T
	body, err := r.c.get(ctx, v1, path)
	if err == nil {
		if v, err = decode(body); err != nil {
			err = &Error{Kind: kindDamaged, Op: "GET /" + v1 + path, Message: "the answer is not in the form that we know", retryAfter: -1}
		}
	}
	items := 0
	if err == nil {
		items = 1
	}
	r.file(p, "/"+v1+path, items, items, err)
	return v
}

// put stores what a part brought.
func (r *reader) put(set func(*entra.Snapshot)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	set(r.snap)
}

// kind is an `@odata.type` without its namespace.
func kind(odataType string) string { return strings.TrimPrefix(odataType, "#microsoft.graph.") }
