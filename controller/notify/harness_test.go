package notify

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"berth.dev/berth/spec"
)

// receiver is a webhook in memory: what it gets, and when. It stands in for the network, which virtual time does not know.
type receiver struct {
	mu     sync.Mutex
	start  time.Time
	got    []post
	answer func(n int, b body) (*http.Response, error) // to the nth request, from 0; nil for 200
	slow   time.Duration
	most   int // requests at once
	now    int
}

type post struct {
	after time.Duration
	body  body
	code  int // 0 for an error of the network
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	var b body
	if err := json.NewDecoder(req.Body).Decode(&b); err != nil {
		return nil, err
	}
	r.mu.Lock()
	n := len(r.got)
	r.got = append(r.got, post{after: time.Since(r.start), body: b})
	r.now++
	r.most = max(r.most, r.now)
	r.mu.Unlock()
	defer func() { r.mu.Lock(); r.now--; r.mu.Unlock() }()
	select {
	case <-time.After(r.slow):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	resp, err := answer(200), error(nil)
	if r.answer != nil {
		resp, err = r.answer(n, b)
	}
	if err == nil {
		r.mu.Lock()
		r.got[n].code = resp.StatusCode
		r.mu.Unlock()
	}
	return resp, err
}

func answer(code int, headers ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: code, Header: h, Body: io.NopCloser(strings.NewReader("thanks"))}
}

var errRefused = errors.New("connection refused")

// messages lists what arrived, in its order.
func (r *receiver) messages() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, p := range r.got {
		if p.code/100 == 2 {
			out = append(out, p.body.Message)
		}
	}
	return strings.Join(out, " ")
}

func (r *receiver) posts() []post {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]post(nil), r.got...)
}

// bench is a notifier that runs.
type bench struct {
	*testing.T
	*Notifier
	*receiver
	registry *prometheus.Registry
	end      func()

	logMu sync.Mutex
	log   []string
}

// inTime runs a test in virtual time.
func inTime(t *testing.T, f func(*bench), specs ...spec.NotificationSpec) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, receiver: &receiver{start: time.Now()}, registry: prometheus.NewRegistry()}
		log := funcr.New(func(_, args string) {
			b.logMu.Lock()
			defer b.logMu.Unlock()
			b.log = append(b.log, args)
		}, funcr.Options{Verbosity: 9})
		b.Notifier = New(Options{Log: log, Registry: b.registry, Transport: b.receiver})
		b.set(specs...)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- b.Notifier.Run(ctx) }()
		b.end = sync.OnceFunc(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		f(b)
		b.end()
	})
}

// set names notifications hook0, hook1 and so on.
func (b *bench) set(specs ...spec.NotificationSpec) {
	var all []*spec.Notification
	for i, s := range specs {
		if s.Webhook.URL == "" {
			s.Webhook.URL = "http://hooks.example/in?key=s3cret-in-url"
		}
		all = append(all, &spec.Notification{Metadata: spec.Metadata{Namespace: "ops", Name: "hook" + string(rune('0'+i))}, Spec: s})
	}
	b.Set(all)
}

func (b *bench) settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (b *bench) expect(messages string) {
	b.Helper()
	if got := b.messages(); got != messages {
		b.Errorf("arrived: %q, want %q", got, messages)
	}
}

func (b *bench) count(result string, want int) {
	b.Helper()
	if got := testutil.ToFloat64(b.metrics.total.WithLabelValues(result)); got != float64(want) {
		b.Errorf("%v %s, want %d", got, result, want)
	}
}

func (b *bench) status() Status {
	s, _ := b.Status(spec.Key{Kind: spec.KindNotification, Namespace: "ops", Name: "hook0"})
	return s
}

// each tells every event, however often: no dedupe, no rate to speak of.
var each = spec.NotificationSpec{DedupeWindow: new(spec.Duration(0)), RateLimitPerMinute: new(int32(10000))}

func event(name, message string) Event {
	return Event{Type: spec.EventWarning, Reason: "Unhealthy", Message: message, Object: spec.Key{Kind: spec.KindContainer, Namespace: "shop", Name: name}}
}
