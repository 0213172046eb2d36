package msapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// ARM is the client's face to Azure Resource Manager: the same sign-in, retries and errors
// with ARM's audience and base URL.
type ARM struct{ c *Client }

// ARM is Azure Resource Manager through the same client.
func (c *Client) ARM() ARM { return ARM{c} }

// Send sends one request. path is a resource id or a collection below the base URL,
// apiVersion its dated version. Errors and lost answers are those of Client.Send.
func (a ARM) Send(ctx context.Context, method, path, apiVersion string, body []byte) (Response, error) {
	ctx = withBudget(ctx, a.c.patience)
	op := method + " " + path
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#") || strings.Contains(path, "..") {
		return Response{}, &Error{Kind: KindRefused, Op: op, Message: "the path must begin with a slash and have no query", retryAfter: -1}
	}
	if err := a.c.prove(ctx); err != nil {
		return Response{}, err
	}
	if writes(method) {
		if err := a.c.clockFit(op); err != nil {
			return Response{}, err
		}
	}
	rq := request{
		method: method, op: op, path: path, body: body, header: http.Header{},
		url: a.c.arm.base.String() + path + "?api-version=" + url.QueryEscape(apiVersion),
		// A PUT of a whole resource may be repeated: twice is the same as once.
		safe: false,
	}
	return a.c.arm.do(ctx, rq)
}

// Subscription is an Azure subscription that this identity can see.
type Subscription struct {
	ID          string `json:"subscriptionId"`
	DisplayName string `json:"displayName"`
	State       string `json:"state"`
}

// maxSubscriptions bounds a listing for people.
const maxSubscriptions = 1000

// Subscriptions lists what this identity can see in Azure; none is an empty list, no error.
func (a ARM) Subscriptions(ctx context.Context) ([]Subscription, error) {
	res, err := a.Send(ctx, http.MethodGet, "/subscriptions", "2022-12-01", nil)
	if err != nil {
		return nil, err
	}
	var all []Subscription
	for next, body := "", res.Body; ; {
		var p struct {
			Value []Subscription `json:"value"`
			Next  string         `json:"nextLink"`
		}
		if err := json.Unmarshal(body, &p); err != nil {
			return all, &Error{Kind: KindNotGraph, Op: "GET /subscriptions", Message: "the answer is no collection", retryAfter: -1}
		}
		all = append(all, p.Value...)
		if p.Next == "" || p.Next == next || len(all) >= maxSubscriptions {
			return all, nil
		}
		next = p.Next
		if body, err = a.follow(ctx, next); err != nil {
			return all, err
		}
	}
}

// follow reads a next link of ARM, if it leads to the configured host.
func (a ARM) follow(ctx context.Context, link string) ([]byte, error) {
	u, err := url.Parse(link)
	base := a.c.arm.base
	if err != nil || !strings.EqualFold(u.Host, base.Host) || u.Scheme != base.Scheme || !strings.HasPrefix(u.Path, base.Path+"/") {
		return nil, &Error{Kind: KindNotGraph, Op: "GET /subscriptions", Message: "a next link to another host is not followed", retryAfter: -1}
	}
	res, err := a.c.arm.do(ctx, request{method: http.MethodGet, url: link, op: "GET /subscriptions", path: "/subscriptions", header: http.Header{}})
	return res.Body, err
}
