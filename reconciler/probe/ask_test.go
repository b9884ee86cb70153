package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"berth.dev/berth/spec"
)

// patience is the timeout of questions that are answered.
const patience = 20 * time.Second

// put asks a probe of what listens at an address of this host.
func put(t *testing.T, p spec.Probe, timeout time.Duration) answer {
	t.Helper()
	target := Target{ID: "c", Address: "127.0.0.1", Ports: []spec.Port{{Name: "none", ContainerPort: spec.PortRange{First: closed(t), Last: 1}}}}
	q := prepare(target, &p)
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return New(Options{}).put(ctx, q)
}

// closed is a port that nothing listens at.
func closed(t *testing.T) uint16 {
	l := listen(t)
	defer l.Close()
	return portOf(t, l.Addr().String()).Number
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func portOf(t *testing.T, address string) spec.PortRef {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return spec.PortRef{Number: uint16(n)}
}

func pages(elsewhere string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.PathValue("code"))
		w.WriteHeader(code)
	})
	mux.HandleFunc("/big", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "shop.test" || r.UserAgent() != userAgent || r.Header.Get("Accept") != "*/*" || r.Header.Get("X-Token") != "secret" || r.URL.RawQuery != "a=b" || !r.Close {
			w.WriteHeader(http.StatusTeapot)
		}
	})
	mux.HandleFunc("/own", func(w http.ResponseWriter, r *http.Request) {
		if r.UserAgent() != "mine" || r.Header["Accept"] != nil {
			w.WriteHeader(http.StatusTeapot)
		}
	})
	mux.HandleFunc("/near", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/status/404", http.StatusFound) })
	mux.HandleFunc("/far", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, http.StatusFound) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/early", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusEarlyHints) })
	mux.HandleFunc("/half", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "half")
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	return mux
}

func TestHTTP(t *testing.T) {
	plain := httptest.NewServer(pages("http://elsewhere.test/"))
	defer plain.Close()
	secure := httptest.NewTLSServer(pages(""))
	defer secure.Close()
	at := portOf(t, plain.Listener.Addr().String())
	where := "http://127.0.0.1:" + at.String()
	headers := []spec.HTTPHeader{{Name: "Host", Value: "shop.test"}, {Name: "X-Token", Value: "secret"}}
	tests := map[string]struct {
		get     spec.HTTPGetAction
		timeout time.Duration
		want    string // ok, or the reason of a failure
	}{
		"success":               {get: spec.HTTPGetAction{Path: "/ok"}, want: "ok"},
		"path without slash":    {get: spec.HTTPGetAction{Path: "ok"}, want: "ok"},
		"no path":               {want: "HTTP 404 from " + where + "/"},
		"399":                   {get: spec.HTTPGetAction{Path: "/status/399"}, want: "ok"},
		"400":                   {get: spec.HTTPGetAction{Path: "/status/400"}, want: "HTTP 400 from " + where + "/status/400"},
		"a query is not shown":  {get: spec.HTTPGetAction{Path: "/status/503?token=secret"}, want: "HTTP 503 from " + where + "/status/503"},
		"no content":            {get: spec.HTTPGetAction{Path: "/status/204"}, want: "ok"},
		"body of a MiB":         {get: spec.HTTPGetAction{Path: "/big"}, want: "ok"},
		"headers":               {get: spec.HTTPGetAction{Path: "/echo?a=b", HTTPHeaders: headers}, want: "ok"},
		"own agent, no accept":  {get: spec.HTTPGetAction{Path: "/own", HTTPHeaders: []spec.HTTPHeader{{Name: "user-agent", Value: "mine"}, {Name: "Accept"}}}, want: "ok"},
		"redirect":              {get: spec.HTTPGetAction{Path: "/near"}, want: "HTTP 404 from " + where + "/near"},
		"redirect to elsewhere": {get: spec.HTTPGetAction{Path: "/far"}, want: "ok"},
		"redirect to itself":    {get: spec.HTTPGetAction{Path: "/loop"}, want: where + "/loop: more than 10 redirects"},
		"early hints first":     {get: spec.HTTPGetAction{Path: "/early"}, want: "ok"},
		"half an answer":        {get: spec.HTTPGetAction{Path: "/half"}, want: where + "/half: the connection was closed before the answer was over"},
		"no answer":             {get: spec.HTTPGetAction{Path: "/slow"}, timeout: 100 * time.Millisecond, want: where + "/slow: no answer in time"},
		"own host":              {get: spec.HTTPGetAction{Path: "/ok", Host: "localhost"}, want: "ok"},
		"HTTPS":                 {get: spec.HTTPGetAction{Path: "/ok", Scheme: spec.SchemeHTTPS, Port: portOf(t, secure.Listener.Addr().String())}, want: "ok"},
		"HTTPS where there is none": {get: spec.HTTPGetAction{Path: "/ok", Scheme: spec.SchemeHTTPS},
			want: "https://127.0.0.1:" + at.String() + "/ok: tls: first record does not look like a TLS handshake"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.get.Port.Number == 0 {
				test.get.Port = at
			}
			if test.timeout == 0 {
				test.timeout = patience
			}
			check(t, put(t, spec.Probe{HTTPGet: &test.get}, test.timeout), test.want)
		})
	}
}

func check(t *testing.T, got answer, want string) {
	t.Helper()
	said := got.full()
	if got.result == success {
		said = "ok"
	}
	if said != want {
		t.Errorf("got %q, want %q", said, want)
	}
}

// A server that speaks no HTTP, or closes at once.
func TestHTTPBroken(t *testing.T) {
	for says, want := range map[string]string{
		"":                                    "the connection was closed before the answer was over",
		"SSH-2.0-OpenSSH\r\n":                 `malformed HTTP response "SSH-2.0-OpenSSH"`,
		"HTTP/1.1 200 OK\r\nContent-Le":       "malformed MIME header: missing colon: \"Content-Le\"",
		"HTTP/1.0 200 OK\r\n\r\ntill the end": "ok",
	} {
		l := listen(t)
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 1<<10)
			_, _ = conn.Read(buf)
			_, _ = io.WriteString(conn, says)
			_ = conn.Close()
		}()
		got := put(t, spec.Probe{HTTPGet: &spec.HTTPGetAction{Port: portOf(t, l.Addr().String())}}, patience)
		if want != "ok" {
			want = "http://" + l.Addr().String() + "/: " + want
		}
		check(t, got, want)
	}
}

func TestTCP(t *testing.T) {
	open, shut := listen(t), spec.PortRef{Number: closed(t)}
	check(t, put(t, spec.Probe{TCPSocket: &spec.TCPSocketAction{Port: portOf(t, open.Addr().String())}}, patience), "ok")
	check(t, put(t, spec.Probe{TCPSocket: &spec.TCPSocketAction{Port: shut}}, patience), "tcp://127.0.0.1:"+shut.String()+": connection refused")
	unknown := put(t, spec.Probe{TCPSocket: &spec.TCPSocketAction{Port: spec.PortRef{Name: "web"}}}, patience)
	if unknown.result != unasked || unknown.text != `the container has no port of the name "web"` {
		t.Errorf("got %+v", unknown)
	}
	byName := put(t, spec.Probe{TCPSocket: &spec.TCPSocketAction{Port: spec.PortRef{Name: "none"}}}, patience)
	if byName.result != failure || !strings.HasSuffix(byName.text, "connection refused") {
		t.Errorf("got %+v", byName)
	}
}

func TestNoAddress(t *testing.T) {
	q := prepare(Target{ID: "c"}, &spec.Probe{TCPSocket: &spec.TCPSocketAction{Port: spec.PortRef{Number: 80}}})
	if got := q.ask(t.Context()); got.result != unasked || !strings.Contains(got.text, "probe it by exec") {
		t.Errorf("got %+v", got)
	}
}

func TestGRPC(t *testing.T) {
	serve := func(register func(*grpc.Server)) spec.PortRef {
		l, s := listen(t), grpc.NewServer()
		register(s)
		ended := make(chan error)
		go func() { ended <- s.Serve(l) }()
		t.Cleanup(func() { s.Stop(); <-ended })
		return portOf(t, l.Addr().String())
	}
	healthy := serve(func(s *grpc.Server) {
		h := health.NewServer()
		h.SetServingStatus("down", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
		grpc_health_v1.RegisterHealthServer(s, h)
	})
	without := serve(func(*grpc.Server) {})
	mute := listen(t) // accepts, and says nothing
	shut := closed(t)
	for name, test := range map[string]struct {
		probe   spec.GRPCAction
		timeout time.Duration
		want    string
	}{
		"serving":         {spec.GRPCAction{Port: healthy}, patience, "ok"},
		"not serving":     {spec.GRPCAction{Port: healthy, Service: "down"}, patience, "NOT_SERVING"},
		"unknown":         {spec.GRPCAction{Port: healthy, Service: "other"}, patience, "NotFound"},
		"no service":      {spec.GRPCAction{Port: without}, patience, "the server has no health service (grpc.health.v1)"},
		"no answer":       {spec.GRPCAction{Port: portOf(t, mute.Addr().String())}, 200 * time.Millisecond, "no answer in time"},
		"nothing listens": {spec.GRPCAction{Port: spec.PortRef{Number: shut}}, patience, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			want := test.want
			if want != "ok" {
				want = "grpc://127.0.0.1:" + test.probe.Port.String() + ": " + want
			}
			check(t, put(t, spec.Probe{GRPC: &test.probe}, test.timeout), want)
		})
	}
}

func TestExecAndHooks(t *testing.T) {
	p := New(Options{Exec: func(ctx context.Context, container string, command []string) (int, string, error) {
		switch command[0] {
		case "hang":
			<-ctx.Done()
			return 0, "", context.Cause(ctx)
		case "away":
			return 0, "", errors.New("the engine is away")
		case "7":
			return 7, container + " says so", nil
		}
		return 0, "", nil
	}})
	exec := func(command string) *spec.ExecAction { return &spec.ExecAction{Command: []string{command}} }
	for command, want := range map[string]answer{
		"0":    {result: success},
		"7":    {result: failure, text: "exit code 7", detail: "c says so"},
		"away": {result: unasked, text: "the engine is away"},
		"hang": {result: failure, text: "the command has not ended"},
	} {
		q := prepare(Target{ID: "c"}, &spec.Probe{Exec: exec(command)})
		q.timeout = 50 * time.Millisecond
		if got := p.within(t.Context(), q); got != want {
			t.Errorf("%s: got %+v, want %+v", command, got, want)
		}
	}

	server := httptest.NewServer(pages(""))
	defer server.Close()
	at := portOf(t, server.Listener.Addr().String())
	ports := []spec.Port{{Name: "web", ContainerPort: spec.PortRange{First: at.Number, Last: at.Number}}}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	over, end := context.WithCancelCause(t.Context())
	end(errors.New("the grace period is over"))
	get := func(path string) *spec.HTTPGetAction {
		return &spec.HTTPGetAction{Path: path, Port: spec.PortRef{Name: "web"}}
	}
	for name, test := range map[string]struct {
		ctx  context.Context
		hook spec.Handler
		want string // of the error; empty for none
	}{
		"exec":         {ctx, spec.Handler{Exec: exec("0")}, ""},
		"exec fails":   {ctx, spec.Handler{Exec: exec("7")}, "exit code 7: c says so"},
		"no engine":    {ctx, spec.Handler{Exec: exec("away")}, "the engine is away"},
		"get":          {ctx, spec.Handler{HTTPGet: get("/ok")}, ""},
		"get fails":    {ctx, spec.Handler{HTTPGet: get("/status/500")}, "HTTP 500 from http://127.0.0.1:" + at.String() + "/status/500"},
		"get, no port": {ctx, spec.Handler{HTTPGet: &spec.HTTPGetAction{Port: spec.PortRef{Name: "other"}}}, `the container has no port of the name "other"`},
		"sleep":        {ctx, spec.Handler{Sleep: &spec.SleepAction{}}, ""},
		"sleep ends":   {over, spec.Handler{Sleep: &spec.SleepAction{Seconds: 100}}, "the grace period is over"},
		"nothing":      {ctx, spec.Handler{}, "the hook says neither exec, httpGet nor sleep"},
	} {
		got := ""
		if err := p.Handle(test.ctx, &test.hook, "c", "127.0.0.1", ports); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
