package graph

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"breakglass/internal/simtenant/state"
)

const maxBatch = 20

// A part is one request inside a $batch.
type part struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	DependsOn []string          `json:"dependsOn"`
}

// batch does up to twenty requests in one ("Combine multiple HTTP requests using JSON
// batching"). Each part stands for itself; one whose predecessor failed gets 424. The
// answers come in another order than the requests, as they may on the live service.
func (a *API) batch(w http.ResponseWriter, r *http.Request, version string, who state.Principal) {
	now := a.State.Clock.Now()
	if r.Method != http.MethodPost {
		writeError(w, r, now, http.StatusMethodNotAllowed, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
		return
	}
	var in struct {
		Requests []part `json:"requests"`
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil || json.Unmarshal(data, &in) != nil {
		writeError(w, r, now, http.StatusBadRequest, "BadRequest", "Invalid batch payload format.")
		return
	}
	if bad := checkBatch(in.Requests); bad != "" {
		writeError(w, r, now, http.StatusBadRequest, "BadRequest", bad)
		return
	}
	done := map[string]int{}
	var responses []any
	for _, p := range in.Requests {
		res := answer{status: http.StatusFailedDependency, body: graphError{"FailedDependency", "A dependency of this request failed."}, date: now}
		if !slices.ContainsFunc(p.DependsOn, func(id string) bool { return done[id] >= 400 }) {
			res = *a.part(r, version, p, who)
		}
		done[p.ID] = res.status
		responses = append(responses, res.inBatch(p.ID, r))
	}
	slices.Reverse(responses)
	all := answer{status: http.StatusOK, body: map[string]any{"responses": responses}}
	all.write(w, r)
}

// checkBatch says what is wrong with the whole batch; empty when nothing is.
func checkBatch(parts []part) string {
	switch {
	case len(parts) == 0:
		return "Invalid batch payload format."
	case len(parts) > maxBatch:
		return fmt.Sprintf("Number of batch request steps exceeds the maximum value of '%d'.", maxBatch)
	}
	seen := map[string]bool{}
	for _, p := range parts {
		switch {
		case p.ID == "" || p.Method == "" || p.URL == "":
			return "Invalid batch payload format."
		case seen[p.ID]:
			return "Request Id " + p.ID + " has to be unique in a batch."
		case len(p.Body) > 0 && header(p.Headers, "Content-Type") == "":
			return "Write request id : " + p.ID + " does not contain Content-Type header or body."
		}
		for _, d := range p.DependsOn {
			if !seen[d] { // only on parts before it: that also excludes circles
				return "Invalid dependsOn of request id : " + p.ID + "."
			}
		}
		seen[p.ID] = true
	}
	return ""
}

func header(h map[string]string, name string) string {
	for k, v := range h {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

// part does one request of a batch.
func (a *API) part(outer *http.Request, version string, p part, who state.Principal) *answer {
	target, err := url.Parse("/" + strings.TrimPrefix(strings.ReplaceAll(p.URL, " ", "%20"), "/"))
	if err != nil || target.Path == "/$batch" {
		return &answer{status: http.StatusBadRequest, body: graphError{"BadRequest", "Invalid request URL."}, date: a.State.Clock.Now()}
	}
	path := a.stripTenant(target.EscapedPath())
	r := outer.Clone(outer.Context())
	r.Method = strings.ToUpper(p.Method)
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery = "/"+version+target.Path, "", target.RawQuery
	r.Header = http.Header{"User-Agent": outer.Header["User-Agent"], "Client-Request-Id": outer.Header["Client-Request-Id"]}
	for k, v := range p.Headers {
		r.Header.Set(k, v)
	}
	r.Body = io.NopCloser(bytes.NewReader(p.Body))
	return a.serve(r, version, path, who, true)
}

// inBatch is the answer as an element of responses.
func (a *answer) inBatch(id string, r *http.Request) map[string]any {
	headers := map[string]string{"Cache-Control": "no-cache"}
	for k, v := range a.header {
		headers[k] = v[0]
	}
	out := map[string]any{"id": id, "status": a.status, "headers": headers}
	if a.body != nil {
		headers["Content-Type"] = "application/json"
		out["body"] = a.body
		if e, ok := a.body.(graphError); ok {
			rid := state.NewID()
			out["body"] = e.json(rid, clientRequestID(r, rid), a.date)
		}
	}
	return out
}
