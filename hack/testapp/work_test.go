package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestReadyAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(options{readyAfter: 5 * time.Second}, nil)
		for _, want := range []int{503, 200} {
			if code := do(s, "GET", "/readyz", "").Code; code != want {
				t.Errorf("got %d, want %d", code, want)
			}
			<-time.After(5 * time.Second)
		}
	})
}

func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(options{}, nil)
		do(s, "POST", "/hang", "")
		ctx, cancel := context.WithCancel(t.Context())
		w, over := httptest.NewRecorder(), false
		go func() {
			s.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/env", nil))
			over = true
		}()
		synctest.Wait()
		if over {
			t.Error("it answered while the client waited")
		}
		cancel()
		synctest.Wait()
		if !over || w.Body.Len() > 0 {
			t.Errorf("the client has gone: over %t, said %q", over, w.Body)
		}
	})
}

// A drain lets what is in flight end, and takes nothing new.
func TestDrain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	inFlight, goOn := make(chan bool), make(chan bool)
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		inFlight <- true
		<-goOn
		_, _ = io.WriteString(w, "done")
	})}
	served := make(chan error, 1)
	go func() { served <- web.Serve(l) }()
	body := make(chan string, 1)
	go func() {
		var out bytes.Buffer
		if err := get(&out, []string{url}); err != nil {
			out.WriteString(err.Error())
		}
		body <- out.String()
	}()
	<-inFlight
	drained := make(chan int, 1)
	go func() { drained <- drain(web, time.Minute) }()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) { // the listener is closed first
		t.Error(err)
	}
	if err := get(io.Discard, []string{url}); err == nil {
		t.Error("a new connection was taken")
	}
	goOn <- true
	if got := <-body; got != "done" {
		t.Errorf("what was in flight got %q", got)
	}
	if code := <-drained; code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// What listens after a delay serves, and one that cannot listen then exits with 1.
func TestStartDelay(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	exit := make(chan int, 1)
	if err := start(options{http: taken.Addr().String(), startDelay: time.Millisecond}, &http.Server{}, exit); err != nil {
		t.Fatal(err)
	}
	if code := <-exit; code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if start(options{http: taken.Addr().String()}, &http.Server{}, exit) == nil {
		t.Error("no error without a delay")
	}
}

func TestClient(t *testing.T) {
	var requests, connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := requests.Add(1); r.URL.Path == "/third" && n%3 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	for _, test := range []struct {
		args        string
		code        int
		want        []string // parts of what is printed
		connections int64
	}{
		{"-n 5 -url " + server.URL, 0, []string{"sent 5 failed 0\n"}, 5},
		{"-n 5 -keep-alive -url " + server.URL, 0, []string{"sent 5 failed 0\n"}, 1},
		{"-n 6 -url " + server.URL + "/third", 1, []string{"request 3: 503 Service Unavailable\n", "request 6: 503", "sent 6 failed 2\n"}, 6},
		{"-n 2 -url http://127.0.0.1:1", 1, []string{"request 1: ", "connection refused", "sent 2 failed 2\n"}, 0},
		{"-n 1", 1, []string{"client wants -url URL"}, 0},
		{"-url x y", 1, []string{"flags only"}, 0},
	} {
		requests.Store(0)
		connections.Store(0)
		var out bytes.Buffer
		code := runCommand(commands["client"], strings.Fields(test.args), &out, &out)
		if code != test.code || connections.Load() != test.connections {
			t.Errorf("%s: code %d over %d connections, want %d over %d", test.args, code, connections.Load(), test.code, test.connections)
		}
		for _, part := range test.want {
			if !strings.Contains(out.String(), part) {
				t.Errorf("%s: printed %q, want %q in it", test.args, &out, part)
			}
		}
	}
	var out bytes.Buffer
	if code := runCommand(commands["client"], []string{"-for", "50ms", "-url", server.URL}, &out, &out); code != 0 || !strings.Contains(out.String(), " failed 0\n") || strings.Contains(out.String(), "sent 0 ") {
		t.Errorf("for a time: code %d, printed %q", code, &out)
	}
}
