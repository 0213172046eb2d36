package plan

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"breakglass/internal/entra"
)

// Format and FormatVersion stand at the head of a plan file.
const (
	Format        = "breakglass plan"
	FormatVersion = 1
)

// RandomPassword stands in a request body where the sender must put a strong random password
// that it makes, sends and forgets. The account is unusable until it is sealed.
const RandomPassword = "<random, kept by nobody>"

// GraphBase stands in a request body for the base URL of Microsoft Graph in the tenant's
// cloud, without the version. Apply puts Options.Graph in its place.
const GraphBase = "{graph}"

// Plan is the ordered difference between the wanted and the read tenant.
type Plan struct {
	// Format is the constant Format, Version is FormatVersion.
	Format  string `json:"format"`
	Version int    `json:"version"`
	// TenantID is the tenant that the plan is for; it is never applied to another.
	TenantID string `json:"tenantId"`
	// MadeAt is when the plan was made, SnapshotAt when the tenant was read for it.
	MadeAt     time.Time `json:"madeAt"`
	SnapshotAt time.Time `json:"snapshotTakenAt"`
	// SnapshotDigest is the SHA-256 of the reading, for the record.
	SnapshotDigest string `json:"snapshotDigest"`
	// Accounts are the emergency accounts as far as this plan handles them; the guards ask
	// lockout about each with the policies that may apply to it.
	Accounts []Account `json:"accounts"`
	// Group is the exclusion group by id or placeholder; empty when no policy is to name one.
	Group string `json:"exclusionGroup,omitempty"`
	// Steps are done in this order. Never null: [] when nothing is to do.
	Steps []Step `json:"steps"`
	// Open is what could not be planned, and why.
	Open []Open `json:"open"`
	// Emitted are changes for another tool that manages the policies.
	Emitted []Emitted `json:"emitted"`
}

// Account is one emergency account in a plan.
type Account struct {
	// ID is the account's id in breakglass.yaml.
	ID string `json:"id"`
	// Object is its object id, or its placeholder while it does not exist.
	Object string `json:"object"`
	// UserPrincipalName is the name that it has when the plan is done.
	UserPrincipalName string `json:"userPrincipalName"`
	// Allowed are the ids of the policies that may apply to it (posture passkey-required).
	Allowed []string `json:"allowedPolicies,omitempty"`
}

// Step is one write.
type Step struct {
	// ID is unique in the plan and stable between plans of the same difference.
	ID string `json:"id"`
	// Account is the emergency account that the step is for, empty for several or none.
	Account string `json:"account,omitempty"`
	// Sentence says what is done and why it matters, for people.
	Sentence string `json:"sentence"`
	// Request is what is sent. Lists of exclusions are joined with what Apply reads then.
	Request Request `json:"request"`
	// Undo is what reverses the step.
	Undo Undo `json:"undo"`
	// Needs says who may do it.
	Needs Needs `json:"needs"`
	// After are the ids of the steps that must be done first.
	After []string `json:"after,omitempty"`
	// Only are the ids of the steps that this one serves: it is skipped when they are all done.
	Only []string `json:"onlyFor,omitempty"`
	// Creates is the placeholder of the object that the step creates.
	Creates string `json:"creates,omitempty"`
	// Verify is how the step is proven by reading again.
	Verify Verify `json:"verify"`
	// Touches are the objects that the step rests on, as they were when the plan was made.
	Touches []Touch `json:"touches,omitempty"`
}

// Request is one call of Microsoft Graph. Path begins with a slash, after the version.
type Request struct {
	Method  string          `json:"method"`
	Version string          `json:"version"` // v1.0 or beta
	Path    string          `json:"path"`
	Body    json.RawMessage `json:"body,omitempty"`
}

// Undo is what reverses a step: in words, and as a request where one request does it.
type Undo struct {
	Sentence string   `json:"sentence"`
	Request  *Request `json:"request,omitempty"`
}

// Needs says who may send a step's request: one of the Graph permissions, and for a person
// (or where Entra asks it of applications too) one of the directory roles.
type Needs struct {
	Delegated   []string `json:"delegated"`
	Application []string `json:"application"`
	Roles       []string `json:"roles"`
	Licence     string   `json:"licence,omitempty"`
}

// Verify is a postcondition: a reading, and what must hold of its answer.
type Verify struct {
	Request    Request     `json:"request"`
	Conditions []Condition `json:"conditions"`
}

// Touch is an object that a step rests on. Fields maps a property to the digest of its value
// when the plan was made.
type Touch struct {
	Object string            `json:"object"`
	Title  string            `json:"title"`
	Fields map[string]string `json:"fields"`
}

// Open is something that is wanted and that no step of this plan brings.
type Open struct {
	// Account is the account it concerns, or empty.
	Account string `json:"account,omitempty"`
	// What is missing, Why no step was made, Next what to do about it.
	What string `json:"what"`
	Why  string `json:"why"`
	Next string `json:"next"`
}

// Emitted is a change for the tool that manages the policies.
type Emitted struct {
	// Tool is terraform, microsoft365dsc or other.
	Tool string `json:"tool"`
	// PolicyID and Title name the policy.
	PolicyID string `json:"policyId"`
	Title    string `json:"title"`
	// Why says how we know that the tool manages it.
	Why string `json:"why"`
	// Text is the change in the tool's own language, JSON for other tools.
	Text string `json:"text"`
}

// World is what Apply needs of the tenant; msapi fits it through a few lines in cmd.
type World interface {
	// Read takes one whole fresh reading, of the same accounts and groups as the plan's.
	Read(ctx context.Context) (*entra.Snapshot, error)
	// Send sends one request. It puts a random password in place of RandomPassword.
	// With an error, Response.Status is the HTTP status of the answer, 0 when no whole
	// answer came: then, and for 5xx, the write may or may not have been done.
	Send(ctx context.Context, r Request) (Response, error)
}

// Response is an answer of Graph.
type Response struct {
	Status int
	Body   json.RawMessage
}

// Options are how Apply runs. The zero value is safe but for Journal, which is required.
type Options struct {
	// Journal is the file that makes Apply resumable, beside the plan file.
	Journal string
	// Graph is put in place of GraphBase; default https://graph.microsoft.com.
	Graph string
	// Now and Sleep are the clock; default the real one.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
	// Window is how long a write may take to be seen everywhere; default 5 minutes.
	Window time.Duration
	// Progress is told of every change of state; it must not block.
	Progress func(Event)
}

// State is where a step is.
type State string

// The states of a step in Apply.
const (
	Checking    State = "checking"
	Sending     State = "sending"
	ReadingBack State = "reading back"
	Waiting     State = "waiting" // for replication
	Done        State = "done"
	Skipped     State = "skipped" // its postcondition held already
	Failed      State = "failed"
)

// Event is one change of state of one step, for progress.
type Event struct {
	Step  Step
	Index int // from 0
	Total int
	State State
	Note  string
}

// Result is what Apply did.
type Result struct {
	// Done and Skipped are ids of steps.
	Done    []string `json:"done"`
	Skipped []string `json:"skipped"`
	// Writes counts the requests sent that change something, repeats included.
	Writes int `json:"writes"`
	// Restored says which entries of other writers were lost in between and put back.
	Restored []string `json:"restored"`
	// Unchecked are exclusions of which the audit log did not say yet whether they overwrote
	// another writer's entry; applying the same plan again later looks again.
	Unchecked []string `json:"unchecked"`
	// Objects are the ids of what was created, by placeholder.
	Objects map[string]string `json:"objects"`
}

// ErrRefused is what every refusal is: going on would break a guard, or the tenant is not
// the one that the plan was made for. Nothing was written for it.
var ErrRefused = errors.New("refused")

// RefusedError is a refusal with its reason and the next step.
type RefusedError struct{ Reason, Next string }

// Error is the reason.
func (e *RefusedError) Error() string { return "refused: " + e.Reason }

// Hint is what to do next.
func (e *RefusedError) Hint() string { return e.Next }

// Unwrap lets errors.Is find ErrRefused.
func (e *RefusedError) Unwrap() error { return ErrRefused }
