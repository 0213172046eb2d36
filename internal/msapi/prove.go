package msapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"breakglass/internal/entra"
)

// maxSkew is how far a clock may be off before it matters: Entra itself refuses signed
// requests that are more than five minutes off.
const maxSkew = 5 * time.Minute

// noteDate compares the service's clock with ours, and warns once when they differ too much.
func (c *Client) noteDate(h http.Header) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	skew := c.now().Sub(date).Round(time.Second)
	c.mu.Lock()
	before := c.skew
	c.skew = skew
	c.mu.Unlock()
	if off(skew) && !off(before) {
		c.tell(Progress{Text: skewText(skew), Warning: true})
	}
}

func off(skew time.Duration) bool { return skew.Abs() > maxSkew }

func skewText(skew time.Duration) string {
	dir := "fast"
	if skew < 0 {
		dir = "slow"
	}
	return fmt.Sprintf("this machine's clock is %s %s of Microsoft's", skew.Abs().Round(time.Second), dir)
}

// ClockSkew is how far this machine's clock was ahead of the service's at the last answer.
func (c *Client) ClockSkew() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew
}

// clockFit refuses a write from a machine whose clock is off: records and evidence would lie.
func (c *Client) clockFit(op string) error {
	if s := c.ClockSkew(); off(s) {
		return &Error{Kind: KindClock, Op: op, Message: skewText(s) + ", nothing is written", retryAfter: -1}
	}
	return nil
}

// prove makes sure, once, that the tenant behind the sign-in is the wanted one.
func (c *Client) prove(ctx context.Context) error {
	c.mu.Lock()
	done := c.proven
	c.mu.Unlock()
	if done {
		return nil
	}
	_, _, err := c.proof(ctx)
	return err
}

// Identity is who the client is, as its token says, after the tenant was found to be the
// wanted one.
func (c *Client) Identity(ctx context.Context) (entra.Reader, error) {
	if err := c.prove(withBudget(ctx, c.patience)); err != nil {
		return entra.Reader{}, err
	}
	who := c.who()
	return entra.Reader{Kind: who.kind, ObjectID: who.objectID, AppID: who.appID, Grants: who.grants}, nil
}

// proof asks the token and the organization which tenant they belong to. The second result
// is why the organization could not be read, when the token alone had to do.
func (c *Client) proof(ctx context.Context) (entra.Tenant, *Error, error) {
	token, err := c.graph.bearer.token(ctx, "")
	if err != nil {
		return entra.Tenant{}, nil, err
	}
	who := identityOf(token)
	c.mu.Lock()
	c.caller = who
	c.mu.Unlock()
	if who.tenant != "" && !strings.EqualFold(who.tenant, c.tenantID) {
		return entra.Tenant{}, nil, c.wrongTenant("the token is for", who.tenant)
	}
	tenant, err := c.organization(ctx)
	if err != nil {
		e := asError(err, "GET /v1.0/organization")
		// Graph answers for the tenant of the token, so the token alone is proof enough of
		// which tenant it is; without either there is none.
		if who.tenant == "" || e.Kind != KindPermission && e.Kind != KindNotHere {
			return entra.Tenant{}, nil, e
		}
		c.setProven()
		return entra.Tenant{ID: strings.ToLower(who.tenant)}, e, nil
	}
	if !strings.EqualFold(tenant.ID, c.tenantID) {
		return entra.Tenant{}, nil, c.wrongTenant("the organization that answers is", tenant.ID)
	}
	c.setProven()
	return tenant, nil, nil
}

func (c *Client) setProven() {
	c.mu.Lock()
	c.proven = true
	c.mu.Unlock()
}

func (c *Client) wrongTenant(what, id string) *Error {
	return &Error{
		Kind: KindWrongTenant, Op: "check the tenant", retryAfter: -1,
		Message: fmt.Sprintf("%s: %s %s, wanted is %s", ErrWrongTenant, what, shorten(id), c.tenantID),
	}
}

const organizationPath = "/organization?$select=id,displayName,onPremisesSyncEnabled"

// organization is the tenant's own object.
func (c *Client) organization(ctx context.Context) (entra.Tenant, error) {
	rq, err := c.graphRequest(http.MethodGet, v1, organizationPath, nil)
	if err != nil {
		return entra.Tenant{}, err
	}
	res, err := c.graph.do(ctx, rq)
	if err != nil {
		return entra.Tenant{}, err
	}
	var page struct {
		Value []entra.Tenant `json:"value"`
	}
	if err := json.Unmarshal(res.Body, &page); err != nil || len(page.Value) != 1 || page.Value[0].ID == "" {
		return entra.Tenant{}, &Error{
			Kind: KindNotGraph, Op: rq.op, Status: res.Status, RequestID: res.RequestID,
			Message: "the answer does not name one organization", retryAfter: -1,
		}
	}
	return page.Value[0], nil
}
