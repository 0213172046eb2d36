package msapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// maxPages bounds a listing that does not end.
const maxPages = 2000

// page is one page of a collection.
type page struct {
	Value []json.RawMessage `json:"value"`
	Next  string            `json:"@odata.nextLink"`
}

// list reads a collection page by page and hands each object to add. It returns how many
// pages came; on an error what was added before it stands. max bounds the objects, 0 means
// all; errTooMany says that there were more.
func (c *Client) list(ctx context.Context, version, path string, max int, add func(json.RawMessage) error) (int, error) {
	rq, err := c.graphRequest(http.MethodGet, version, path, nil)
	if err != nil {
		return 0, err
	}
	res, err := c.graph.do(ctx, rq)
	if err != nil {
		return 0, err
	}
	return c.rest(ctx, rq, res.Body, max, add)
}

// rest takes a first page that is there and reads those behind it.
func (c *Client) rest(ctx context.Context, rq request, body []byte, max int, add func(json.RawMessage) error) (int, error) {
	items, seen := 0, map[string]bool{}
	for pages := 1; ; pages++ {
		var p page
		if err := json.Unmarshal(body, &p); err != nil || p.Value == nil {
			return pages - 1, &Error{Kind: KindNotGraph, Op: rq.op, Message: "the answer is no collection", retryAfter: -1}
		}
		for _, raw := range p.Value {
			if items++; max > 0 && items > max {
				return pages, errTooMany(rq.op, max)
			}
			if err := add(raw); err != nil {
				return pages, err
			}
		}
		if p.Next == "" {
			return pages, nil
		}
		if seen[p.Next] || pages >= maxPages {
			return pages, &Error{Kind: KindNotGraph, Op: rq.op, Message: "the pages do not end", retryAfter: -1}
		}
		seen[p.Next] = true
		if err := c.graph.own(p.Next, rq.op); err != nil {
			return pages, err
		}
		rq.url = p.Next
		res, err := c.graph.do(ctx, rq)
		if err != nil {
			return pages, err
		}
		body = res.Body
	}
}

// kindTooMany is a reading that was stopped on purpose.
const kindTooMany Kind = "too many"

func errTooMany(op string, max int) *Error {
	return &Error{Kind: kindTooMany, Op: op, Message: "more than " + itoa(max) + " entries, the rest was not read", retryAfter: -1}
}

// own makes sure that a link from an answer leads to the configured host and below its base,
// because the token goes with it.
func (s *service) own(link, op string) error {
	u, err := url.Parse(link)
	ok := err == nil && u.User == nil && strings.EqualFold(u.Scheme, s.base.Scheme) && strings.EqualFold(u.Host, s.base.Host) &&
		(strings.HasPrefix(u.Path, s.base.Path+"/"+v1+"/") || strings.HasPrefix(u.Path, s.base.Path+"/"+beta+"/")) &&
		!strings.Contains(u.Path, "/../")
	if ok {
		return nil
	}
	where := "no URL"
	if err == nil {
		where = u.Scheme + "://" + u.Host
	}
	return &Error{Kind: KindNotGraph, Op: op, Message: "a next link to " + shorten(where) + " is not followed: it is not below " + s.base.String(), retryAfter: -1}
}

// get reads one object.
func (c *Client) get(ctx context.Context, version, path string) ([]byte, error) {
	rq, err := c.graphRequest(http.MethodGet, version, path, nil)
	if err != nil {
		return nil, err
	}
	res, err := c.graph.do(ctx, rq)
	return res.Body, err
}
