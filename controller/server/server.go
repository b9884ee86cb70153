// Package server is how the agent is asked: objects and prune on a unix socket that only its user can open, metrics and health
// on a loopback address.
package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"berth.dev/berth/controller"
)

// Objects is the answer to GET /v1/objects.
type Objects struct {
	Online   bool                      `json:"online"`
	Trouble  string                    `json:"trouble,omitempty"` // why the engine is away
	Objects  []controller.ObjectStatus `json:"objects"`
	Problems []string                  `json:"problems,omitempty"` // with the manifests, a line each
}

// Prune is the answer to GET and POST /v1/prune: what waits for a confirmation, or what was confirmed.
type Prune struct {
	Objects []string `json:"objects"`
	Why     string   `json:"why,omitempty"`
}

// API answers for a controller. It has no access rules of its own: the socket's mode is the rule.
func API(c *controller.Controller) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/objects", func(w http.ResponseWriter, _ *http.Request) { write(w, snapshot(c)) })
	mux.HandleFunc("GET /v1/objects/watch", func(w http.ResponseWriter, r *http.Request) { watch(w, r, c) })
	mux.HandleFunc("GET /v1/prune", func(w http.ResponseWriter, _ *http.Request) {
		keys, why := c.PendingPrune()
		write(w, Prune{Objects: names(keys), Why: why})
	})
	mux.HandleFunc("POST /v1/prune", func(w http.ResponseWriter, _ *http.Request) {
		write(w, Prune{Objects: names(c.ConfirmPrune())})
	})
	const object = " /v1/objects/{kind}/{namespace}/{name}/"
	mux.HandleFunc("POST"+object+"{verb...}", func(w http.ResponseWriter, r *http.Request) { grant(w, r, c) })
	mux.HandleFunc("GET"+object+"revisions", func(w http.ResponseWriter, r *http.Request) { revisions(w, r, c) })
	mux.HandleFunc("GET"+object+"revisions/{number}", func(w http.ResponseWriter, r *http.Request) { revision(w, r, c) })
	return mux
}

func snapshot(c *controller.Controller) Objects {
	var o Objects
	o.Objects, _ = c.Objects()
	o.Online, o.Trouble = c.Online()
	for _, p := range c.Problems() {
		o.Problems = append(o.Problems, p.String())
	}
	return o
}

// watch sends the state as a line of JSON, and again whenever it changed.
func watch(w http.ResponseWriter, r *http.Request, c *controller.Controller) {
	out := http.NewResponseController(w)
	for {
		_, changed := c.Objects()
		write(w, snapshot(c))
		if out.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		}
		select { // changes come in bursts, and one line tells them all
		case <-r.Context().Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client is gone, and there is nobody to tell
}

func names[T fmt.Stringer](keys []T) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = k.String()
	}
	return out
}

// Metrics answers /metrics and /healthz. It is healthy while the engine answers.
func Metrics(c *controller.Controller, g prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(g, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if online, why := c.Online(); !online {
			http.Error(w, "engine is away: "+why, http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}

// ListenUnix opens a socket that only its user can use. One that a dead process left is replaced; a living one is an error.
func ListenUnix(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if conn, err := net.Dial("unix", path); err == nil {
		return nil, errors.Join(fmt.Errorf("socket %s is in use by another process", path), conn.Close())
	}
	if err := removeSocket(path); err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// removeSocket removes a socket, and nothing else that a mistaken path may name.
func removeSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case os.IsNotExist(err):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != os.ModeSocket:
		return fmt.Errorf("%s exists and is no socket: choose another path, or remove it", path)
	}
	return os.Remove(path)
}

// Serve answers on a listener until ctx ends.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 1 << 16,
		BaseContext: func(net.Listener) context.Context { return ctx }, ConnContext: withPeer}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() }) // watchers would hold a graceful stop up
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
