package msapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// batchSize is how many requests Graph takes in one $batch ("Combine multiple HTTP requests
// using JSON batching").
const batchSize = 20

func itoa(n int) string { return strconv.Itoa(n) }

// result is the answer to one part of a batch.
type result struct {
	body []byte
	err  *Error
}

// batch sends GETs, twenty to a request, and gives their answers in the order asked. Parts
// that are throttled or fail for the moment are asked again as a single request would be.
func (c *Client) batch(ctx context.Context, version string, paths []string) []result {
	out := make([]result, len(paths))
	for start := 0; start < len(paths); start += batchSize {
		end := min(start+batchSize, len(paths))
		c.batchOf(ctx, version, paths[start:end], out[start:end])
	}
	return out
}

// batchOf does one batch of at most twenty until each part has its final answer.
func (c *Client) batchOf(ctx context.Context, version string, paths []string, out []result) {
	open := make([]int, len(paths))
	for i := range open {
		open[i] = i
	}
	for attempt := 0; len(open) > 0; attempt++ {
		c.batchOnce(ctx, version, paths, open, out)
		var again []int
		var longest time.Duration
		var worst *Error
		for _, i := range open {
			if out[i].err == nil {
				continue
			}
			if d, ok := pause(out[i].err, attempt, true); ok {
				again = append(again, i)
				if worst == nil || d > longest {
					longest, worst = d, out[i].err
				}
			}
		}
		if worst == nil || worst.Op == batchOp(version) || !spend(ctx, longest) {
			return // all done, or the batch itself failed and was retried below already
		}
		c.tell(Progress{Text: waitText(worst, longest)})
		if c.wait(ctx, longest) != nil {
			return
		}
		open = again
	}
}

func batchOp(version string) string { return "POST /" + version + "/$batch" }

type batchPart struct {
	ID     string `json:"id"`
	Method string `json:"method"`
	URL    string `json:"url"`
}

type batchAnswer struct {
	Responses []struct {
		ID      string            `json:"id"`
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
	} `json:"responses"`
}

// batchOnce sends the open parts once and files their answers.
func (c *Client) batchOnce(ctx context.Context, version string, paths []string, open []int, out []result) {
	all := func(e *Error) {
		for _, i := range open {
			out[i] = result{err: e}
		}
	}
	var body struct {
		Requests []batchPart `json:"requests"`
	}
	for _, i := range open {
		body.Requests = append(body.Requests, batchPart{ID: itoa(i + 1), Method: http.MethodGet, URL: encodeQuery(paths[i])})
	}
	data, err := json.Marshal(body)
	if err != nil {
		all(asError(err, batchOp(version)))
		return
	}
	rq, err := c.graphRequest(http.MethodPost, version, "/$batch", data)
	if err != nil {
		all(asError(err, batchOp(version)))
		return
	}
	rq.safe = true
	res, err := c.graph.do(ctx, rq)
	if err != nil {
		all(asError(err, rq.op))
		return
	}
	var answer batchAnswer
	if json.Unmarshal(res.Body, &answer) != nil {
		all(&Error{Kind: KindNotGraph, Op: rq.op, Message: "the answer is no batch", retryAfter: -1})
		return
	}
	all(&Error{Kind: KindNotGraph, Op: rq.op, RequestID: res.RequestID, Message: "the batch has no answer to this part", retryAfter: -1})
	for _, r := range answer.Responses {
		n, err := strconv.Atoi(r.ID)
		if i := n - 1; err == nil && i >= 0 && i < len(paths) {
			out[i] = c.partResult(version, paths[i], r.Status, r.Headers, r.Body)
		}
	}
}

// partResult judges one part of a batch as the guard judges a single answer.
func (c *Client) partResult(version, path string, status int, headers map[string]string, body []byte) result {
	rq, err := c.graphRequest(http.MethodGet, version, path, nil)
	if err != nil {
		return result{err: asError(err, "GET "+path)}
	}
	if status >= 200 && status <= 299 {
		return result{body: body}
	}
	h := http.Header{}
	for k, v := range headers {
		h.Set(k, v)
	}
	e := errorFrom(rq.op, http.MethodGet, rq.path, status, h, body, c.now())
	e.forCaller(http.MethodGet, rq.path, c.who())
	return result{err: e}
}
