package updates

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// hub is registries in memory, one for each host: all that speaks to them goes through it. It may be used in a bubble.
type hub struct {
	mu     sync.Mutex
	tags   map[string]string // by host/repository:tag, the digest
	faults map[string]fault  // by host
	asked  []string          // the requests for lists and manifests: HEAD host/repository:tag or GET host/repository
	takes  time.Duration     // what each of those takes
	page   int               // tags that a page of a list has; 0 for all
	busy   map[string]int    // by host: what is being answered
	most   int               // that was ever answered by one host at once
}

// fault answers in a registry's place; it does not where it gives neither.
type fault func(*http.Request) (*http.Response, error)

func newHub() *hub {
	return &hub{tags: map[string]string{}, faults: map[string]fault{}, busy: map[string]int{}}
}

// digestOf is a digest that is told from others by a letter.
func digestOf(letter string) string { return "sha256:" + strings.Repeat(letter, 64) }

func (h *hub) push(ref, letter string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tags[ref] = digestOf(letter)
}

func (h *hub) fail(host string, f fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults[host] = f
}

// questions gives what was asked since it was called last.
func (h *hub) questions() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	asked := h.asked
	h.asked = nil
	return asked
}

// Faults.
var (
	down    fault = func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }
	hanging fault = func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }
)

// status answers everything but the first request of a conversation with an HTTP status.
func status(code int, body string, header ...string) fault {
	return func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/v2/" {
			return nil, nil
		}
		w := httptest.NewRecorder()
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = w.WriteString(body)
		return w.Result(), nil
	}
}

// RoundTrip implements http.RoundTripper.
func (h *hub) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	f := h.faults[r.URL.Host]
	h.mu.Unlock()
	var resp *http.Response
	var err error
	if f != nil {
		resp, err = f(r)
	}
	if resp == nil && err == nil {
		w := httptest.NewRecorder()
		h.serve(w, r)
		resp = w.Result()
	}
	if resp != nil {
		resp.Request = r
	}
	return resp, err
}

func (h *hub) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v2/" {
		return
	}
	h.enter(r.URL.Host)
	time.Sleep(h.takes)
	defer h.leave(r.URL.Host)
	path := r.URL.Host + "/" + strings.TrimPrefix(r.URL.Path, "/v2/")
	if repository, ok := strings.CutSuffix(path, "/tags/list"); ok {
		h.list(w, r, repository)
		return
	}
	h.manifest(w, r, strings.Replace(path, "/manifests/", ":", 1))
}

func (h *hub) enter(host string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy[host]++
	h.most = max(h.most, h.busy[host])
}

func (h *hub) leave(host string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy[host]--
}

func (h *hub) manifest(w http.ResponseWriter, r *http.Request, ref string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, r.Method+" "+ref)
	digest, ok := h.tags[ref]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Docker-Content-Digest", digest)
	w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
	w.Header().Set("Content-Length", "7")
}

// list answers with a page of the tags, as the OCI distribution specification has it.
func (h *hub) list(w http.ResponseWriter, r *http.Request, repository string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, r.Method+" "+repository)
	tags := []string{}
	for ref := range h.tags {
		if tag, ok := strings.CutPrefix(ref, repository+":"); ok && tag > r.URL.Query().Get("last") {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	if h.page > 0 && len(tags) > h.page {
		tags = tags[:h.page]
		w.Header().Set("Link", fmt.Sprintf(`<%s?n=%d&last=%s>; rel="next"`, r.URL.Path, h.page, tags[h.page-1]))
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"tags": tags}) // a recorder takes everything
}
