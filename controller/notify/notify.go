// Package notify tells webhooks what happens to objects. Telling never waits: each notification has a bounded queue of its own, and
// whoever tells goes on at once. No URL beyond its host and no header's value is in any log, error, metric or status.
package notify

import (
	"context"
	"crypto/rand"
	"net/http"
	"reflect"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"berth.dev/berth/spec"
)

// Event is something that happened.
type Event struct {
	Time    time.Time // now, where it is zero
	Type    spec.EventType
	Reason  string
	Message string
	// Object is what it happened to; zero for what concerns no single object, as an engine that is away.
	Object spec.Key
	// Labels are the object's metadata.labels.
	Labels map[string]string
	// Source is the file and line of the manifest; empty where there is none.
	Source string
	Host   string
	// Action is what was done, or was to be done, on the engine; empty where it was nothing.
	Action string
}

// Options are a notifier's settings.
type Options struct {
	Log logr.Logger
	// Registry takes the metrics; nil for none.
	Registry prometheus.Registerer
	// Transport makes the requests; nil for http.DefaultTransport, which has the system's roots and the environment's proxies.
	Transport http.RoundTripper
	// Changed, where it is not nil, is told that the Status of a notification has changed. It must not wait.
	Changed func(spec.Key)
}

// Notifier tells what it is told.
type Notifier struct {
	log     logr.Logger
	client  *http.Client
	metrics *metrics
	changed func(spec.Key)

	mu      sync.RWMutex
	senders map[spec.Key]*sender
	ctx     context.Context // of Run; nil before it, and after
	running sync.WaitGroup
}

// New makes a notifier that tells nobody yet.
func New(o Options) *Notifier {
	n := &Notifier{log: o.Log, changed: o.Changed, senders: map[spec.Key]*sender{}}
	if n.changed == nil {
		n.changed = func(spec.Key) {}
	}
	// A redirected POST would become a GET without the body, or carry the headers to a host that nobody named.
	n.client = &http.Client{Transport: o.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	n.metrics = newMetrics(o.Registry, n.waiting)
	return n
}

// Run delivers until ctx ends, and for a short time what is waiting then. What is still left is dropped. It is called once.
func (n *Notifier) Run(ctx context.Context) error {
	n.mu.Lock()
	n.ctx = ctx
	for _, s := range n.senders {
		n.start(s)
	}
	n.mu.Unlock()
	<-ctx.Done()
	n.mu.Lock()
	n.ctx = nil
	n.mu.Unlock()
	n.running.Wait()
	return nil
}

// Set puts other notifications in force. One that is there already keeps its queue and its memory of what it told; of one that is
// gone or suspended nothing more is told.
func (n *Notifier) Set(notifications []*spec.Notification) {
	n.mu.Lock()
	defer n.mu.Unlock()
	wanted := map[spec.Key]bool{}
	for _, o := range notifications {
		if o.Spec.Suspend {
			continue
		}
		wanted[o.Key()] = true
		n.put(o)
	}
	for key, s := range n.senders {
		if !wanted[key] {
			s.discard()
			delete(n.senders, key)
		}
	}
}

func (n *Notifier) put(o *spec.Notification) {
	s, ok := n.senders[o.Key()]
	switch {
	case !ok:
		s = newSender(n, o)
		n.senders[s.key] = s
		n.start(s)
	case !reflect.DeepEqual(*s.spec.Load(), o.Spec):
		s.change(o.Spec)
	}
}

// start has a sender deliver; before Run it waits.
func (n *Notifier) start(s *sender) {
	if n.ctx == nil {
		return
	}
	ctx, stop := context.WithCancel(n.ctx)
	s.stop = stop
	n.running.Go(func() { s.run(ctx) })
}

// Tell tells an event to the notifications whose filters let it through. It never waits.
func (n *Notifier) Tell(e Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Time = e.Time.UTC()
	n.mu.RLock()
	defer n.mu.RUnlock()
	if len(n.senders) == 0 {
		return
	}
	id := rand.Text()
	for _, s := range n.senders {
		s.tell(id, e)
	}
}

// Status is how a notification fares.
type Status struct {
	Delivered int
	Failed    int // given up, or refused for good
	Untold    int // held back: the same again, over the rate limit, or more than the queue holds
	Waiting   int
	// Trouble says why deliveries fail; empty where the last one worked, or there was none.
	Trouble string
}

// Status tells how a notification fares; false for one that is not there, or suspended.
func (n *Notifier) Status(key spec.Key) (Status, bool) {
	n.mu.RLock()
	s, ok := n.senders[key]
	n.mu.RUnlock()
	if !ok {
		return Status{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	status := s.status
	status.Waiting = len(s.items)
	return status, true
}

// waiting counts what all queues hold.
func (n *Notifier) waiting() (sum int) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, s := range n.senders {
		s.mu.Lock()
		sum += len(s.items)
		s.mu.Unlock()
	}
	return sum
}
