package msapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func (r *rig) all(t *testing.T, path string, max int) ([]string, int, error) {
	t.Helper()
	var out []string
	pages, err := r.client.list(t.Context(), v1, path, max, func(raw json.RawMessage) error {
		out = append(out, string(raw))
		return nil
	})
	return out, pages, err
}

func TestPagesAreFollowedToTheEnd(t *testing.T) {
	r := newRig(t)
	r.on("GET /v1.0/domains", func(w http.ResponseWriter, req *http.Request) {
		switch req.URL.Query().Get("$skiptoken") {
		case "":
			reply(200, `{"value":["a","b"],"@odata.nextLink":"`+r.url("/v1.0/domains?$skiptoken=2")+`"}`)(w, req)
		case "2":
			reply(200, `{"value":[],"@odata.nextLink":"`+r.url("/v1.0/domains?$skiptoken=3")+`"}`)(w, req)
		default:
			reply(200, `{"value":["c"]}`)(w, req)
		}
	})
	got, pages, err := r.all(t, "/domains", 0)
	if err != nil || pages != 3 || strings.Join(got, "") != `"a""b""c"` {
		t.Errorf("got %v on %d pages (%v)", got, pages, err)
	}
	got, _, err = r.all(t, "/domains", 2)
	if len(got) != 2 || unread(asError(err, "")) != "not asked" {
		t.Errorf("a bounded listing gave %v (%v)", got, err)
	}
}

func TestANextLinkToAnotherHostIsNotFollowed(t *testing.T) {
	thief := newPeer(t)
	for name, link := range map[string]string{
		"another host":    thief.url("/v1.0/domains"),
		"without base":    "ROOT/v1.0/domains",
		"without TLS":     "http://HOST" + basePath + "/v1.0/domains",
		"user in front":   "https://x@HOST" + basePath + "/v1.0/domains",
		"out of the base": "https://HOST" + basePath + "/v1.0/../../v1.0/domains",
		"no URL":          "::",
		"another version": "https://HOST" + basePath + "/v9/domains",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			u, _ := url.Parse(r.URL)
			link := strings.NewReplacer("ROOT", r.URL, "HOST", u.Host).Replace(link)
			quoted, _ := json.Marshal(link)
			r.on("GET /v1.0/domains", reply(200, `{"value":["a"],"@odata.nextLink":`+string(quoted)+`}`))
			got, _, err := r.all(t, "/domains", 0)
			wantKind(t, err, KindNotGraph)
			if len(got) != 1 || len(r.seen) != 1 || len(thief.seen) != 0 {
				t.Errorf("got %v after %v and %v", got, r.seen, thief.seen)
			}
		})
	}
}

func TestPagesThatDoNotEnd(t *testing.T) {
	r := newRig(t)
	r.on("GET /v1.0/domains", func(w http.ResponseWriter, req *http.Request) {
		reply(200, `{"value":["a"],"@odata.nextLink":"`+r.url("/v1.0/domains?$skiptoken=same")+`"}`)(w, req)
	})
	if _, _, err := r.all(t, "/domains", 0); err == nil || !strings.Contains(err.Error(), "do not end") {
		t.Errorf("got %v", err)
	}
	r.on("GET /v1.0/domains", reply(200, `{"id":"no collection"}`))
	if _, _, err := r.all(t, "/domains", 0); err == nil {
		t.Error("an object passed for a collection")
	}
}

// batchPeer answers a batch by asking answer for each part.
func batchPeer(answer func(path string) (status int, headers map[string]string, body string)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		var in struct {
			Requests []struct{ ID, Method, URL string }
		}
		data, _ := io.ReadAll(req.Body)
		if json.Unmarshal(data, &in) != nil || len(in.Requests) > 20 {
			graphError(400, "BadRequest", "no batch")(w, req)
			return
		}
		var parts []string
		for i := len(in.Requests) - 1; i >= 0; i-- { // answers come in any order
			status, headers, body := answer(in.Requests[i].URL)
			if status == 0 {
				continue
			}
			h, _ := json.Marshal(headers)
			parts = append(parts, fmt.Sprintf(`{"id":%q,"status":%d,"headers":%s,"body":%s}`, in.Requests[i].ID, status, h, body))
		}
		reply(200, `{"responses":[`+strings.Join(parts, ",")+`]}`)(w, req)
	}
}

func TestABatchAsksAgainOnlyForPartsThatWereThrottled(t *testing.T) {
	r := newRig(t)
	asked := map[string]int{}
	r.on("POST /v1.0/$batch", batchPeer(func(path string) (int, map[string]string, string) {
		asked[path]++
		switch {
		case path == "/users/7" && asked[path] == 1:
			return 429, map[string]string{"Retry-After": "4"}, `{"error":{"code":"TooManyRequests","message":"x"}}`
		case path == "/users/9":
			return 404, nil, `{"error":{"code":"Request_ResourceNotFound","message":"x"}}`
		case path == "/users/11" && asked[path] < 3:
			return 503, nil, `{"error":{"code":"ServiceUnavailable","message":"x"}}`
		case path == "/users/13":
			return 0, nil, "" // forgotten
		}
		return 200, nil, `{"id":"` + path + `"}`
	}))
	var paths []string
	for i := range 45 {
		paths = append(paths, fmt.Sprintf("/users/%d", i))
	}
	out := r.client.batch(t.Context(), v1, paths)
	for i, res := range out {
		switch i {
		case 9:
			wantKind(t, res.err, KindNotFound)
		case 13:
			wantKind(t, res.err, KindNotGraph)
		default:
			if res.err != nil || string(res.body) != `{"id":"`+paths[i]+`"}` {
				t.Errorf("part %d: %s %v", i, res.body, res.err)
			}
		}
		if want := map[int]int{7: 2, 11: 3}[i]; want == 0 && asked[paths[i]] != 1 || want != 0 && asked[paths[i]] != want {
			t.Errorf("part %d was asked %d times", i, asked[paths[i]])
		}
	}
	if n := r.times("POST /v1.0/$batch"); n != 5 {
		t.Errorf("45 parts took %d requests, want 3 and 2 more for what failed", n)
	}
	if len(r.waits) < 2 || r.waits[0] != 4*time.Second {
		t.Errorf("waited %v", r.waits)
	}
}

func TestABatchThatFailsFailsEachPart(t *testing.T) {
	r := newRig(t)
	r.on("POST /v1.0/$batch", cut)
	for _, res := range r.client.batch(t.Context(), v1, []string{"/users/1", "/users/2"}) {
		wantKind(t, res.err, KindNetwork)
		if res.err.Unknown {
			t.Error("a batch of reads changes nothing")
		}
	}
}
