package e2e

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// proxyDo is the command `proxy VERB`: between berth and the engine, to stand for an engine that is away.
//
//	start            from now on berth is given its address
//	cut              breaks all connections and takes no more
//	hang             takes connections and calls, and answers none
//	heal             works again
//	calls REGEXP N   just N calls (METHOD /PATH) that match were made since the start or the last `proxy calls`
func proxyDo(s *script, args []string) result {
	if len(args) == 0 {
		return fail("usage: proxy VERB")
	}
	if args[0] == "start" {
		p, err := newProxy(s.path("engine.sock"))
		if err == nil {
			s.proxy = p
			s.ts.Setenv("DOCKER_HOST", p.host())
		}
		return result{err: err}
	}
	switch args[0] {
	case "cut":
		return result{err: s.proxy.cut()}
	case "hang":
		s.proxy.hang()
	case "heal":
		return result{err: s.proxy.heal()}
	case "calls":
		return s.proxy.calls(args[1:])
	default:
		return fail("proxy: no verb %q", args[0])
	}
	return result{}
}

// proxy forwards calls to the engine.
type proxy struct {
	path    string
	forward *httputil.ReverseProxy

	mu     sync.Mutex
	server *http.Server
	block  chan struct{} // while it hangs: closed when it is to go on
	made   []string
	// hook, where it is not nil, is told of each call before it is forwarded and after it was answered.
	hook func(call string, answered bool)
}

func newProxy(path string) (*proxy, error) {
	u, err := url.Parse(engineHost)
	if err != nil {
		return nil, err
	}
	address := u.Host
	if u.Scheme == "unix" {
		address = u.Path
	}
	var d net.Dialer
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, u.Scheme, address) }
	p := &proxy{path: path, forward: &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "engine" },
		Transport:     &http.Transport{DialContext: dial},
		FlushInterval: -1, // the events stream
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}}
	return p, p.heal()
}

func (p *proxy) host() string { return "unix://" + p.path }

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := r.Method + " " + unversioned.ReplaceAllString(r.URL.Path, "")
	p.mu.Lock()
	p.made = append(p.made, call)
	block, hook := p.block, p.hook
	p.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-r.Context().Done():
			return
		}
	}
	if hook != nil {
		hook(call, false)
		defer hook(call, true)
	}
	p.forward.ServeHTTP(w, r)
}

var unversioned = regexp.MustCompile(`^/v[0-9.]+`)

func (p *proxy) cut() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.server.Close()
}

// hang leaves the events stream as it is.
func (p *proxy) hang() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.block == nil {
		p.block = make(chan struct{})
	}
}

func (p *proxy) heal() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.block != nil {
		close(p.block)
		p.block = nil
		return nil
	}
	if err := os.Remove(p.path); err != nil && !os.IsNotExist(err) {
		return err
	}
	l, err := net.Listen("unix", p.path)
	if err != nil {
		return err
	}
	p.server = &http.Server{Handler: p}
	go func(s *http.Server) { _ = s.Serve(l) }(p.server) // ends when it is closed
	return nil
}

func (p *proxy) setHook(hook func(call string, answered bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hook = hook
}

func (p *proxy) close() { _ = p.cut() }

func (p *proxy) calls(args []string) result {
	want, err := regexp.Compile(args[0])
	if err != nil {
		return result{err: err}
	}
	p.mu.Lock()
	made := p.made
	p.made = nil
	p.mu.Unlock()
	var matching []string
	for _, call := range made {
		if want.MatchString(call) {
			matching = append(matching, call)
		}
	}
	if len(args) == 2 && strconv.Itoa(len(matching)) != args[1] {
		return fail("%d calls match %q, want %s:\n%s", len(matching), args[0], args[1], strings.Join(made, "\n"))
	}
	return result{stdout: strings.Join(matching, "\n")}
}
