package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// server is the workload's HTTP side. It may be called from many requests at once.
type server struct {
	http.ServeMux
	exit      chan<- int
	unhealthy atomic.Bool
	ready     time.Time // from when on it is
	hanging   atomic.Bool
}

// newServer is ready and turns unhealthy after the times in the options. An
// exit code that a request asks for is sent to exit, which must have room for
// one.
func newServer(o options, exit chan<- int) *server {
	s := &server{exit: exit, ready: time.Now().Add(o.readyAfter)}
	if o.unhealthyAfter > 0 {
		time.AfterFunc(o.unhealthyAfter, func() { s.unhealthy.Store(true) })
	}
	for pattern, handle := range s.routes() {
		s.HandleFunc(pattern, withError(handle))
	}
	return s
}

// handler answers a request, or returns an error, which is answered with 400.
type handler func(http.ResponseWriter, *http.Request) error

func (s *server) routes() map[string]handler {
	return map[string]handler{
		"GET /{$}":        s.root,
		"GET /healthz":    s.healthz,
		"GET /readyz":     s.readyz,
		"POST /hang":      s.hang,
		"POST /unhealthy": s.setUnhealthy(true),
		"POST /healthy":   s.setUnhealthy(false),
		"POST /exit":      s.postExit,
		"POST /eat":       s.eat,
		"POST /write":     s.write,
		"GET /read":       s.read,
		"GET /stat":       s.stat,
		"GET /env":        s.env,
	}
}

// ServeHTTP answers nothing any more after POST /hang, until the client gives up.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.hanging.Load() {
		<-r.Context().Done()
		return
	}
	s.ServeMux.ServeHTTP(w, r)
}

func withError(handle handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := handle(w, r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}
}

func (s *server) root(w http.ResponseWriter, _ *http.Request) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s version %s\n", host, os.Getenv("VERSION"))
	return nil
}

func (s *server) healthz(w http.ResponseWriter, _ *http.Request) error {
	if s.unhealthy.Load() {
		http.Error(w, "unhealthy", http.StatusServiceUnavailable)
		return nil
	}
	fmt.Fprintln(w, "ok")
	return nil
}

func (s *server) readyz(w http.ResponseWriter, _ *http.Request) error {
	if time.Now().Before(s.ready) {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return nil
	}
	fmt.Fprintln(w, "ok")
	return nil
}

func (s *server) hang(http.ResponseWriter, *http.Request) error {
	s.hanging.Store(true)
	return nil
}

func (s *server) setUnhealthy(unhealthy bool) handler {
	return func(http.ResponseWriter, *http.Request) error {
		s.unhealthy.Store(unhealthy)
		return nil
	}
}

// postExit ends the process with ?code= (0 where it is missing). The answer is
// flushed first; the process may be gone before the handler returns.
func (s *server) postExit(w http.ResponseWriter, r *http.Request) error {
	code, err := strconv.Atoi(defaultTo(r.FormValue("code"), "0"))
	if err != nil {
		return fmt.Errorf("code: %w", err)
	}
	fmt.Fprintln(w, "exiting with", code)
	if err := http.NewResponseController(w).Flush(); err != nil {
		return err
	}
	s.requestExit(code)
	return nil
}

// requestExit drops the request where an earlier one is already under way.
func (s *server) requestExit(code int) {
	select {
	case s.exit <- code:
	default:
	}
}

// eat takes ?memory= (a size) for good, and ?cpu= CPUs (a count) until the exit.
func (s *server) eat(_ http.ResponseWriter, r *http.Request) error {
	var memory byteSize
	if err := memory.Set(defaultTo(r.FormValue("memory"), "0")); err != nil {
		return fmt.Errorf("memory: %w", err)
	}
	cpus, err := strconv.Atoi(defaultTo(r.FormValue("cpu"), "0"))
	if err != nil {
		return fmt.Errorf("cpu: %w", err)
	}
	eatMemory(memory)
	for range cpus {
		eatCPU()
	}
	return nil
}

// write stores the request's body in the file ?path=.
func (s *server) write(_ http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	return os.WriteFile(r.URL.Query().Get("path"), body, 0o644)
}

func (s *server) read(w http.ResponseWriter, r *http.Request) error {
	return copyFile(w, r.FormValue("path"))
}

func (s *server) stat(w http.ResponseWriter, r *http.Request) error {
	info, err := statFile(r.FormValue("path"))
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(info)
}

func (s *server) env(w http.ResponseWriter, _ *http.Request) error {
	return printEnv(w)
}

func defaultTo(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
