package contract

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// batchLimit is how many requests one $batch takes ("Combine multiple HTTP requests using JSON batching").
const batchLimit = 20

type batchRequest struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	DependsOn []string          `json:"dependsOn"`
}

type batchResponse struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// batch checks the envelope and then each request with its answer as an exchange of its own.
func (k *checker) batch() {
	if k.e.Method != http.MethodPost {
		k.request(methodNotAllowed, "", "", "", "$batch is posted")
		return
	}
	if !isJSONType(k.e.RequestHeader) {
		k.request(badHeader, "", "Content-Type", "header Content-Type", "a JSON body without Content-Type: application/json")
	}
	requests := k.batchRequests()
	if k.e.Status >= 400 {
		k.answerHeaders()
	}
	responses := k.batchResponses(requests)
	root := k.e.URL[:strings.LastIndex(k.e.URL, "/$batch")]
	for _, r := range requests {
		k.part(root, r, responses[r.ID])
	}
}

func (k *checker) batchRequests() []batchRequest {
	var env struct {
		Requests []batchRequest `json:"requests"`
	}
	if err := strictDecode(k.e.RequestBody, &env); err != nil {
		k.request(badJSON, "", "", "body", "%v", err)
		return nil
	}
	if len(env.Requests) == 0 || len(env.Requests) > batchLimit {
		k.request(badBatch, "", "", "body.requests", "%d requests; a batch has 1 to %d", len(env.Requests), batchLimit)
	}
	var seen []string
	for _, r := range env.Requests {
		if r.ID == "" || slices.Contains(seen, r.ID) {
			k.request(badBatch, "", "id", "body.requests", "an id is empty or given twice")
		}
		for _, d := range r.DependsOn {
			if !slices.Contains(seen, d) {
				k.request(badBatch, "", "dependsOn", "body.requests", "a request depends on one that does not come before it")
			}
		}
		if !strings.HasPrefix(r.URL, "/") {
			k.request(badBatch, "", "url", "body.requests", "the url is not relative to the version")
		}
		seen = append(seen, r.ID)
	}
	return env.Requests
}

// batchResponses are the answers by id; the service may give them in any order.
func (k *checker) batchResponses(requests []batchRequest) map[string]batchResponse {
	if k.e.Status == 0 || k.e.Status >= 400 {
		return nil
	}
	var env struct {
		Context   string          `json:"@odata.context"`
		NextLink  string          `json:"@odata.nextLink"`
		Responses []batchResponse `json:"responses"`
	}
	if err := strictDecode(k.e.ResponseBody, &env); err != nil {
		k.answer(badJSON, "", "", "body", "%v", err)
		return nil
	}
	if k.e.Status != http.StatusOK {
		k.answer(badStatus, "", "", "status", "%d where a batch answers 200", k.e.Status)
	}
	out := map[string]batchResponse{}
	for _, r := range env.Responses {
		asked := slices.ContainsFunc(requests, func(q batchRequest) bool { return q.ID == r.ID })
		if _, twice := out[r.ID]; twice || !asked || r.Status == 0 {
			k.answer(badBatch, "", "id", "body.responses", "an answer without status, to no request, or given twice")
		}
		out[r.ID] = r
	}
	if len(out) != len(requests) {
		k.answer(badBatch, "", "", "body.responses", "%d answers to %d requests", len(out), len(requests))
	}
	return out
}

// part checks one request of a batch.
func (k *checker) part(root string, r batchRequest, a batchResponse) {
	e := Exchange{
		Method: r.Method, URL: root + r.URL, RequestHeader: headerOf(r.Headers), ResponseHeader: headerOf(a.Headers),
		RequestBody: r.Body, ResponseBody: a.Body, Status: a.Status,
	}
	var text string
	if json.Unmarshal(a.Body, &text) == nil {
		e.ResponseBody = []byte(text) // a body that is no JSON object comes as a string
	}
	if string(a.Body) == "null" {
		e.ResponseBody = nil
	}
	sub := &checker{c: k.c, e: e, nested: true}
	sub.run()
	for _, p := range sub.problems {
		p.At = strings.TrimSpace("batch " + r.ID + " " + p.At)
		k.problems = append(k.problems, p)
	}
}

func headerOf(m map[string]string) http.Header {
	h := http.Header{}
	for name, v := range m {
		h.Set(name, v)
	}
	return h
}

// strictDecode refuses unknown names.
func strictDecode(data []byte, into any) error {
	if _, err := decode(data); err != nil {
		return err
	}
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
