package server

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"berth.dev/berth/controller"
	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/enginetest"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec/load"
)

const deadline = 10 * time.Second

const manifest = `
apiVersion: berth.dev/v1
kind: Container
metadata: {name: web, namespace: shop}
spec: {image: "web:1"}
`

// serve runs a controller on an engine in memory, and its API on a socket.
type rig struct {
	*testing.T
	c      *controller.Controller
	engine *enginetest.Engine
	http   *http.Client
	reg    *prometheus.Registry
}

func newRig(t *testing.T, change ...func(*controller.Options)) *rig {
	t.Helper()
	e := enginetest.New()
	e.AddImage("web:1", plan.Image{})
	r := &rig{T: t, engine: e, reg: prometheus.NewRegistry()}
	o := controller.Options{Prune: true, Registry: r.reg, Log: logr.Discard()}
	for _, f := range change {
		f(&o)
	}
	r.c = controller.New(e, o)
	r.desire(manifest)
	path := filepath.Join(t.TempDir(), "run", "berth.sock")
	l, err := ListenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- r.c.Run(ctx) }()
	go func() { done <- Serve(ctx, l, API(r.c)) }()
	r.http = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}}
	t.Cleanup(func() {
		r.http.CloseIdleConnections()
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		e.Close()
	})
	return r
}

func (r *rig) desire(manifests string) {
	r.Helper()
	res := load.LoadFile(load.File{Path: "a.yaml", Data: []byte(manifests)}, load.Options{})
	r.c.Replace(r.Context(), controller.Desired{Catalog: controller.NewCatalog(res.Objects), Problems: res.Problems, At: time.Now()})
}

func (r *rig) open(method, path string) *http.Response {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), method, "http://agent"+path, nil)
	if err != nil {
		r.Fatal(err)
	}
	res, err := r.http.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { res.Body.Close() })
	return res
}

func ask[T any](r *rig, method, path string) (v T) {
	r.Helper()
	res := r.open(method, path)
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil || res.StatusCode != http.StatusOK {
		r.Fatalf("%s %s: %s %v", method, path, res.Status, err)
	}
	return v
}

// until asks again until ok.
func until[T any](r *rig, method, path string, ok func(T) bool) T {
	r.Helper()
	for end := time.Now().Add(deadline); ; {
		v := ask[T](r, method, path)
		if ok(v) {
			return v
		}
		if time.Now().After(end) {
			r.Fatalf("%s %s still answers %+v", method, path, v)
		}
	}
}

func synced(o Objects) bool {
	return o.Online && len(o.Objects) == 1 && o.Objects[0].Status.Condition(reconciler.Synced).Status
}

func TestObjects(t *testing.T) {
	r := newRig(t)
	o := until(r, http.MethodGet, "/v1/objects", synced)
	if got := o.Objects[0]; got.Name != "web" || got.Source != "a.yaml:2" || got.Image != "web:1" || got.Replicas != 1 || len(got.Status.Containers) != 1 {
		t.Errorf("%+v", got)
	}
	r.desire("kind: [")
	if o := ask[Objects](r, http.MethodGet, "/v1/objects"); len(o.Problems) != 1 || !strings.HasPrefix(o.Problems[0], "a.yaml") {
		t.Errorf("problems: %q", o.Problems)
	}
}

func TestWatch(t *testing.T) {
	r := newRig(t)
	until(r, http.MethodGet, "/v1/objects", synced)
	lines := bufio.NewScanner(r.open(http.MethodGet, "/v1/objects/watch").Body)
	next := func() (o Objects) {
		t.Helper()
		if !lines.Scan() {
			t.Fatal("the stream ended: ", lines.Err())
		}
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			t.Fatal(err)
		}
		return o
	}
	if o := next(); !synced(o) {
		t.Errorf("at first: %+v", o)
	}
	r.desire(manifest + "---" + strings.Replace(manifest, "web", "db", 1))
	for end := time.Now().Add(deadline); len(next().Objects) != 2; {
		if time.Now().After(end) {
			t.Fatal("the change is not told")
		}
	}
}

func TestPrune(t *testing.T) {
	r := newRig(t)
	until(r, http.MethodGet, "/v1/objects", synced)
	if p := ask[Prune](r, http.MethodGet, "/v1/prune"); len(p.Objects) > 0 || p.Why != "" {
		t.Errorf("nothing waits, and the answer is %+v", p)
	}
	r.desire("")
	waits := func(p Prune) bool { return len(p.Objects) == 1 }
	if p := until(r, http.MethodGet, "/v1/prune", waits); p.Objects[0] != "Container shop/web" || !strings.Contains(p.Why, "everything") {
		t.Errorf("%+v", p)
	}
	if p := ask[Prune](r, http.MethodPost, "/v1/prune"); !waits(p) {
		t.Errorf("confirmed %+v", p)
	}
	until(r, http.MethodGet, "/v1/objects", func(o Objects) bool { return len(o.Objects) == 0 })
}

func TestWrongRequests(t *testing.T) {
	r := newRig(t)
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{http.MethodPost, "/v1/objects", http.StatusMethodNotAllowed},
		{http.MethodDelete, "/v1/prune", http.StatusMethodNotAllowed},
		{http.MethodGet, "/v1/nothing", http.StatusNotFound},
		{http.MethodGet, "/metrics", http.StatusNotFound},
	} {
		if res := r.open(tt.method, tt.path); res.StatusCode != tt.want {
			t.Errorf("%s %s: %s, want %d", tt.method, tt.path, res.Status, tt.want)
		}
	}
}

func TestHealthAndMetrics(t *testing.T) {
	r := newRig(t)
	until(r, http.MethodGet, "/v1/objects", synced)
	h := Metrics(r.c, r.reg)
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		b, err := io.ReadAll(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		return w.Code, string(b)
	}
	if code, text := get("/healthz"); code != http.StatusOK || text != "ok\n" {
		t.Errorf("/healthz: %d %q", code, text)
	}
	if code, text := get("/metrics"); code != http.StatusOK || !strings.Contains(text, "berth_engine_up 1") {
		t.Errorf("/metrics: %d %s", code, text)
	}
	r.engine.Down()
	until(r, http.MethodGet, "/v1/objects", func(o Objects) bool { return !o.Online && o.Trouble != "" })
	if code, text := get("/healthz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "engine is away: ") {
		t.Errorf("/healthz while the engine is down: %d %q", code, text)
	}
}

func TestListenUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "berth.sock")
	l, err := ListenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := ListenUnix(path); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second on a living socket: %v", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // as after a kill
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, err = ListenUnix(path)
	if err != nil {
		t.Fatalf("on a dead socket: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// A mistaken path costs nobody a file.
func TestListenUnixRemovesOnlySockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ListenUnix(path); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("got %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || cmp.Diff("mine", string(b)) != "" {
		t.Errorf("the file is %q, %v", b, err)
	}
}
