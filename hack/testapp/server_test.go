package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func do(s http.Handler, method, target, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
	return w
}

func TestServer(t *testing.T) {
	t.Setenv("VERSION", "9")
	file := filepath.Join(t.TempDir(), "file")
	s := newServer(options{}, nil)
	// In this order: later requests see what earlier ones did.
	steps := []struct {
		request string // method and target
		body    string
		status  int
		want    string // part of the answer
	}{
		{request: "GET /", status: 200, want: "version 9"},
		{request: "GET /nowhere", status: 404},
		{request: "GET /healthz", status: 200, want: "ok"},
		{request: "POST /unhealthy", status: 200},
		{request: "GET /healthz", status: 503, want: "unhealthy"},
		{request: "POST /healthy", status: 200},
		{request: "GET /healthz", status: 200, want: "ok"},
		{request: "GET /readyz", status: 200, want: "ok"},
		{request: "GET /env", status: 200, want: "VERSION=9\n"},
		{request: "GET /read?path=" + file, status: 400, want: "no such file"},
		{request: "GET /stat?path=" + file, status: 400, want: "no such file"},
		{request: "POST /write?path=" + file, body: "héllo", status: 200},
		{request: "GET /read?path=" + file, status: 200, want: "héllo"},
		{request: "GET /stat?path=" + file, status: 200, want: `"size":6`},
		{request: "POST /eat?memory=4Ki", status: 200},
		{request: "POST /eat?memory=much", status: 400, want: "memory:"},
		{request: "POST /eat?cpu=much", status: 400, want: "cpu:"},
		{request: "POST /exit?code=x", status: 400, want: "code:"},
		{request: "GET /exit", status: 405},
	}
	for _, step := range steps {
		method, target, _ := strings.Cut(step.request, " ")
		got := do(s, method, target, step.body)
		if got.Code != step.status || !strings.Contains(got.Body.String(), step.want) {
			t.Errorf("%s: got %d %q, want %d and %q in it", step.request, got.Code, got.Body, step.status, step.want)
		}
	}
}

func TestExitTakesTheFirstCode(t *testing.T) {
	exit := make(chan int, 1)
	s := newServer(options{}, exit)
	do(s, "POST", "/exit?code=7", "")
	do(s, "POST", "/exit?code=8", "")
	if code := <-exit; code != 7 {
		t.Errorf("got code %d, want 7", code)
	}
}

func TestUnhealthyAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(options{unhealthyAfter: 5 * time.Second}, nil)
		start := time.Now()
		if code := do(s, "GET", "/healthz", "").Code; code != 200 {
			t.Errorf("at the start: got %d, want 200", code)
		}
		<-time.After(5 * time.Second)
		synctest.Wait()
		if code := do(s, "GET", "/healthz", "").Code; code != 503 {
			t.Errorf("after %v: got %d, want 503", time.Since(start), code)
		}
	})
}
