package probe

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"berth.dev/berth/spec"
)

// userAgent is what requests of the agent call themselves, where the manifest says nothing else.
const userAgent = "berth-probe/1"

// What a request may cost, as in Kubernetes' pkg/probe/http.
const (
	maxBody      = 10 << 10 // bytes that are read
	maxRedirects = 10
)

// httpGet is a request that is ready to be sent. It is sent by hand: of net/http's client, with a transport that keeps no connection, a
// probe takes a quarter more processor time, for goroutines and buffers of its own.
type httpGet struct {
	url  *url.URL
	wire []byte // the request, as it is sent
}

func prepareHTTP(address string, ports []spec.Port, a *spec.HTTPGetAction) (func(context.Context) answer, error) {
	to, err := hostPort(a.Host, address, a.Port, ports)
	if err != nil {
		return nil, err
	}
	u := location(a, to)
	first, err := newHTTPGet(u, a.HTTPHeaders)
	if err != nil {
		return nil, err
	}
	where := shown(u)
	return func(ctx context.Context) answer {
		status, err := first.follow(ctx, a.HTTPHeaders)
		switch {
		case err != nil:
			return answer{result: failure, text: where + ": " + reason(ctx, err)}
		case status < 200 || status >= 400:
			return failed("HTTP %d from %s", status, where)
		}
		return answer{result: success}
	}, nil
}

// location is the URL of a request. The path may have a query.
func location(a *spec.HTTPGetAction, to string) *url.URL {
	u, err := url.Parse(a.Path)
	if err != nil {
		u = &url.URL{Path: a.Path}
	}
	if !strings.HasPrefix(u.Path, "/") {
		u.Path = "/" + u.Path
	}
	return &url.URL{Scheme: strings.ToLower(string(cmp.Or(a.Scheme, spec.SchemeHTTP))), Host: to, Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}
}

// shown is a URL for people: a query may hold what is not for all eyes.
func shown(u *url.URL) string {
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}

func newHTTPGet(u *url.URL, headers []spec.HTTPHeader) (*httpGet, error) {
	req := &http.Request{Method: http.MethodGet, URL: u, Close: true, Header: http.Header{}}
	for _, h := range headers {
		if strings.EqualFold(h.Name, "Host") {
			req.Host = h.Value
			continue
		}
		req.Header.Add(h.Name, h.Value)
	}
	for name, value := range map[string]string{"User-Agent": userAgent, "Accept": "*/*"} {
		if _, ok := req.Header[name]; !ok {
			req.Header.Set(name, value)
		}
	}
	if req.Header.Get("Accept") == "" { // an empty one leaves it out
		req.Header.Del("Accept")
	}
	var wire bytes.Buffer
	err := req.Write(&wire)
	return &httpGet{u, wire.Bytes()}, err
}

// follow sends the request, and those that redirects ask for. A redirect to another host is not followed, and is the answer.
func (g *httpGet) follow(ctx context.Context, headers []spec.HTTPHeader) (int, error) {
	at := g
	for range maxRedirects {
		status, to, err := at.send(ctx)
		if err != nil || !redirects(status) || to == "" {
			return status, err
		}
		next, err := at.url.Parse(to)
		switch {
		case err != nil:
			return 0, errors.New("a redirect to what is no URL")
		case next.Hostname() != g.url.Hostname():
			return status, nil
		}
		if at, err = newHTTPGet(next, headers); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("more than %d redirects", maxRedirects)
}

func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

var readers = sync.Pool{New: func() any { return bufio.NewReader(nil) }}

// send makes one exchange, on a connection of its own.
func (g *httpGet) send(ctx context.Context) (status int, to string, err error) {
	conn, end, err := dial(ctx, address(g.url))
	if err != nil {
		return 0, "", err
	}
	defer end()
	if g.url.Scheme == "https" {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, ServerName: g.url.Hostname()}) // as kubelet: a probe asks whether it answers
	}
	if _, err := conn.Write(g.wire); err != nil {
		return 0, "", err
	}
	r := readers.Get().(*bufio.Reader)
	defer readers.Put(r)
	r.Reset(conn)
	defer r.Reset(nil)
	return read(r)
}

// read takes in a response, and so much of its body as is looked at.
func read(r *bufio.Reader) (status int, to string, err error) {
	for {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return 0, "", err
		}
		if res.StatusCode < 200 && res.StatusCode != http.StatusSwitchingProtocols { // the answer is yet to come
			continue
		}
		_, err = io.CopyN(io.Discard, res.Body, maxBody)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return res.StatusCode, res.Header.Get("Location"), err
	}
}

// address is where to connect to for a URL.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
