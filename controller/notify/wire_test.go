package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"

	"berth.dev/berth/spec"
)

// request is what a server was asked.
type request struct {
	method, target string
	header         http.Header
	body           string
}

func server(t *testing.T, h http.HandlerFunc) (url string, requests chan request) {
	t.Helper()
	requests = make(chan request, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		requests <- request{r.Method, r.RequestURI, r.Header, string(b)}
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, requests
}

func ok(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

var example = item{id: "ID1", repeated: 2, untold: 3, event: Event{
	Time: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC), Type: spec.EventWarning, Reason: "CrashLoopBackOff", Message: `"shop.web.0": a -> b`,
	Object: spec.Key{Kind: spec.KindContainer, Namespace: "shop", Name: "web"}, Labels: map[string]string{"TIER": "front"},
	Source: "/etc/berth/web.yaml:1", Host: "host 1", Action: "start",
}}

const exampleBody = `{"id":"ID1","time":"2026-01-02T03:04:05.006Z","type":"Warning","reason":"CrashLoopBackOff","message":"\"shop.web.0\": a -> b",` +
	`"object":{"kind":"Container","namespace":"shop","name":"web"},"labels":{"TIER":"front"},"source":"/etc/berth/web.yaml:1","host":"host 1","action":"start","repeated":2,"untold":3}`

// The whole of a delivery, so that nobody changes it without noticing.
func TestWire(t *testing.T) {
	engine := item{id: "ID2", event: Event{Time: example.event.Time, Type: spec.EventNormal, Reason: "EngineBack", Message: "m", Host: "h"}}
	const engineBody = `{"id":"ID2","time":"2026-01-02T03:04:05.006Z","type":"Normal","reason":"EngineBack","message":"m","host":"h"}`
	for _, tt := range []struct {
		name        string
		format      spec.NotificationFormat
		item        item
		contentType string
		body        string
	}{
		{"default", "", example, "application/json", exampleBody},
		{"JSON", spec.FormatJSON, engine, "application/json", engineBody},
		{"CloudEvents", spec.FormatCloudEvents, example, "application/cloudevents+json; charset=utf-8",
			`{"specversion":"1.0","id":"ID1","source":"/berth/host%201","type":"dev.berth.container.CrashLoopBackOff","subject":"Container/shop/web",` +
				`"time":"2026-01-02T03:04:05.006Z","datacontenttype":"application/json","data":` + exampleBody + `}`},
		{"CloudEvents of no object", spec.FormatCloudEvents, engine, "application/cloudevents+json; charset=utf-8",
			`{"specversion":"1.0","id":"ID2","source":"/berth/h","type":"dev.berth.agent.EngineBack",` +
				`"time":"2026-01-02T03:04:05.006Z","datacontenttype":"application/json","data":` + engineBody + `}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url, requests := server(t, ok)
			w := spec.Webhook{URL: url + "/in?key=1", Format: tt.format, Headers: []spec.WebhookHeader{{Name: "Authorization", Value: "Bearer x"}}}
			if err := New(Options{}).deliver(t.Context(), &w, bodyOf(&tt.item)); err != nil {
				t.Fatal(err)
			}
			r := <-requests
			if diff := cmp.Diff(tt.body, r.body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if got := r.header.Get("Content-Type"); got != tt.contentType || r.method != "POST" || r.target != "/in?key=1" || r.header.Get("Authorization") != "Bearer x" {
				t.Errorf("request: %+v", r)
			}
		})
	}
}

// docs/notifications.md has every field of the body.
func TestFieldsAreDocumented(t *testing.T) {
	guide, err := os.ReadFile("../../docs/notifications.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`"([a-z]+)":`).FindAllStringSubmatch(exampleBody, -1) {
		if !bytes.Contains(guide, []byte("`"+m[1]+"`")) && !bytes.Contains(guide, []byte("`object."+m[1]+"`")) {
			t.Errorf("docs/notifications.md says nothing of the field %s", m[1])
		}
	}
}

func TestLongMessageIsCut(t *testing.T) {
	it := example
	it.event.Message = strings.Repeat("ä", longest)
	data, _ := encode(spec.FormatCloudEvents, bodyOf(&it))
	var back cloudEvent
	if err := json.Unmarshal(data, &back); err != nil || len(data) > 2*longest || !strings.HasSuffix(back.Data.Message, "ä …") {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

func TestFilesAreReadForEachDelivery(t *testing.T) {
	first, got := server(t, ok)
	second, gotSecond := server(t, ok)
	dir := t.TempDir()
	w := spec.Webhook{URLFile: filepath.Join(dir, "url"), Headers: []spec.WebhookHeader{{Name: "X-Token", ValueFile: filepath.Join(dir, "token")}}}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n := New(Options{})
	if err := n.deliver(t.Context(), &w, body{}); err == nil || !strings.Contains(err.Error(), w.URLFile) {
		t.Errorf("without its file: %v", err)
	}
	for _, tt := range []struct {
		url, token string
		requests   chan request
	}{{first + "/a\n", "one\n", got}, {second, "two", gotSecond}} {
		write("url", tt.url)
		write("token", tt.token)
		if err := n.deliver(t.Context(), &w, body{}); err != nil {
			t.Fatal(err)
		}
		if r := <-tt.requests; r.header.Get("X-Token") != strings.TrimSpace(tt.token) {
			t.Errorf("token %q", r.header.Get("X-Token"))
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere, requests := server(t, ok)
	url, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere+"/s3cret", http.StatusTemporaryRedirect)
	})
	err := New(Options{}).deliver(t.Context(), &spec.Webhook{URL: url}, body{})
	if err == nil || !strings.Contains(err.Error(), "307") || strings.Contains(err.Error(), "s3cret") || len(requests) > 0 {
		t.Errorf("%v; %d requests elsewhere", err, len(requests))
	}
}

// Whatever goes wrong, the URL beyond its host and the headers' values are said nowhere.
func TestSecretsAreNotPrinted(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) { // an answer that is no HTTP, and has in it what was sent
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "got "+r.RequestURI+" "+r.Header.Get("X-Token")+"\r\n\r\n") // the client may be gone
		_ = conn.Close()
	}
	echoing, _ := server(t, echo)
	refusing, _ := server(t, func(w http.ResponseWriter, r *http.Request) { http.Error(w, "s3cret", http.StatusForbidden) })
	slow, _ := server(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	const path = "/s3cret-path?key=s3cret-key"
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte("s3cret://s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	user := strings.Replace(echoing, "http://", "http://s3cret-user:s3cret-password@", 1)
	for _, tt := range []struct {
		name    string
		webhook spec.Webhook
		want    string
	}{
		{"nobody there", spec.Webhook{URL: "http://127.0.0.1:1" + path}, "127.0.0.1:1: dial tcp"},
		{"no such host", spec.Webhook{URL: "http://nowhere.invalid" + path}, "cannot reach nowhere.invalid"},
		{"no HTTP", spec.Webhook{URL: echoing + path}, "(hidden)"},
		{"no HTTP, with a password", spec.Webhook{URL: user + path}, "malformed"},
		{"no TLS", spec.Webhook{URL: strings.Replace(echoing, "http:", "https:", 1) + path}, "HTTP response to HTTPS client"},
		{"refused", spec.Webhook{URL: refusing + path}, "403 Forbidden"},
		{"slow", spec.Webhook{URL: slow + path, Timeout: new(spec.Duration(50 * time.Millisecond))}, "no answer within 50ms"},
		{"no URL", spec.Webhook{URL: "s3cret\x7f://s3cret"}, "spec.webhook.url is not a URL"},
		{"no web", spec.Webhook{URL: "ftp://s3cret/s3cret"}, "spec.webhook.url is not a URL"},
		{"no URL in the file", spec.Webhook{URLFile: file}, "is not a URL"},
		{"no header", spec.Webhook{URL: refusing + path, Headers: []spec.WebhookHeader{{Name: "X-Bad", Value: "s3cret\n"}}}, "X-Bad"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.webhook.Headers = append(tt.webhook.Headers, spec.WebhookHeader{Name: "X-Token", Value: "s3cret-token"})
			err := New(Options{}).deliver(t.Context(), &tt.webhook, body{})
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("error %v, want %q and no secret", err, tt.want)
			}
		})
	}
}

// The environment's proxy is used as everywhere; net/http reads it once a process, so that here it is given.
func TestProxy(t *testing.T) {
	proxy, requests := server(t, ok)
	address, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = http.ProxyURL(address)
	defer transport.CloseIdleConnections()
	if err := New(Options{Transport: transport}).deliver(t.Context(), &spec.Webhook{URL: "http://hooks.invalid/in"}, body{}); err != nil {
		t.Fatal(err)
	}
	if r := <-requests; r.target != "http://hooks.invalid/in" {
		t.Errorf("asked for %s", r.target)
	}
}

// One connection serves deliveries one after the other.
func TestConnectionIsReused(t *testing.T) {
	url, _ := server(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("thanks", 1000)) })
	dials := 0
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dials++
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	defer transport.CloseIdleConnections()
	n := New(Options{Transport: transport, Log: logr.Discard()})
	for range 3 {
		if err := n.deliver(t.Context(), &spec.Webhook{URL: url}, body{}); err != nil {
			t.Fatal(err)
		}
	}
	if dials != 1 {
		t.Errorf("%d connections", dials)
	}
}
