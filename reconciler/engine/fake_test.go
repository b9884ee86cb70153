package engine_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"berth.dev/berth/reconciler/engine"
)

// fakeAPI answers some paths of the engine API, for what a real engine cannot be made to do.
type fakeAPI struct {
	mu      sync.Mutex
	version string
	calls   map[string]int
	open    map[net.Conn]bool // connections
	// on maps method and path without the version, as in "POST /containers/x/stop", to what answers.
	on map[string]http.HandlerFunc
	*httptest.Server
}

func fake(t *testing.T, version string, on map[string]http.HandlerFunc) *fakeAPI {
	t.Helper()
	f := &fakeAPI{version: version, calls: map[string]int{}, open: map[net.Conn]bool{}, on: on}
	f.Server = httptest.NewUnstartedServer(f)
	f.Config.ConnState = f.note
	f.Start()
	t.Cleanup(f.Close)
	return f
}

func (f *fakeAPI) client(t *testing.T, cfg engine.Config) *engine.Client {
	t.Helper()
	cfg.Host = strings.Replace(f.URL, "http://", "tcp://", 1)
	c, err := engine.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

var versioned = regexp.MustCompile(`^/v1\.[0-9]+`)

func (f *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.Method + " " + versioned.ReplaceAllString(r.URL.Path, "")
	f.mu.Lock()
	f.calls[path]++
	f.calls[versioned.FindString(r.URL.Path)]++
	w.Header().Set("Api-Version", f.version)
	f.mu.Unlock()
	if h := f.on[path]; h != nil {
		h(w, r)
		return
	}
	switch path {
	case "HEAD /_ping":
	case "GET /version":
		answer(w, map[string]string{"Version": "19.03.15"})
	default:
		w.WriteHeader(http.StatusNotFound)
		answer(w, map[string]string{"message": "page not found"})
	}
}

func (f *fakeAPI) count(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[path]
}

func (f *fakeAPI) note(c net.Conn, s http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[c] = true; s == http.StateClosed {
		delete(f.open, c)
	}
}

func (f *fakeAPI) connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.open)
}

func (f *fakeAPI) upgrade(version string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.version = version
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// reply always answers the same.
func reply(v any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { answer(w, v) }
}

// hang answers nothing until the client gives up.
func hang(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// hangUp breaks the connection.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// soon is a timeout that a test waits for.
const soon = 50 * time.Millisecond
