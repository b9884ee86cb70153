// Package updates asks registries whether there are newer images than those that run, without pulling any. It finds, and decides
// nothing: what is found goes into the plan as any other change.
package updates

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/prometheus/client_golang/prometheus"

	"berth.dev/berth/spec"
)

// Options are a checker's settings.
type Options struct {
	// StateDir keeps what was found over restarts of the agent; empty for none. Losing it only has the registries asked again.
	StateDir string
	// OnChange is called when another image was found for an object. It must not block.
	OnChange func(spec.Key)
	// Registry takes the metrics; nil for none.
	Registry prometheus.Registerer
	Log      logr.Logger
}

// Found is the newest image that fits an object's policy.
type Found struct {
	// Image is what should run, as repository:tag@digest. The engine goes by the digest; the tag is for people.
	Image string `json:"image"`
	// At is when it was first found.
	At time.Time `json:"at"`
}

// Status is how the checks of an object stand.
type Status struct {
	Last  time.Time `json:"last,omitzero"`   // when a check last ended
	Next  time.Time `json:"next,omitzero"`   // when it is made again; zero where its schedule has no such time
	Error string    `json:"error,omitempty"` // why the last one failed, or why the registry answers nobody
	Found Found     `json:"found,omitzero"`
}

// Checker follows the images of all objects that have an updatePolicy. It is made by New.
type Checker struct {
	opts   Options
	client client
	state  state
	checks *prometheus.CounterVec
	wake   chan struct{} // has the loop look again at what is due
	asking sync.WaitGroup

	mu       sync.Mutex
	objects  map[spec.Key]question
	subjects map[question]*subject
	lanes    map[string]*lane // by registry
}

// subject is what is known of one question.
type subject struct {
	question
	keys     []spec.Key
	times    times
	due      time.Time
	last     time.Time
	failures int // in a row, of the registry
	trouble  string
	found    Found // zero for nothing yet
}

// New makes a checker that knows what was found before.
func New(o Options) *Checker {
	c := &Checker{
		opts:   o,
		client: client{base: newTransport(), keys: authn.DefaultKeychain},
		state:  newState(o.StateDir, o.Log),
		checks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "berth_image_checks_total",
			Help: "Questions to registries for newer images, by result: unchanged, found, limited or failed."}, []string{"result"}),
		wake:     make(chan struct{}, 1),
		objects:  map[spec.Key]question{},
		subjects: map[question]*subject{},
		lanes:    map[string]*lane{},
	}
	for _, r := range c.state.load() {
		c.subjects[r.Asked] = &subject{question: r.Asked, found: r.Found}
	}
	if o.Registry != nil {
		o.Registry.MustRegister(c.checks)
	}
	return c
}

// Set says which objects there are, all of them. What was found for an image or a policy that no object has any more is forgotten.
func (c *Checker) Set(objects []spec.Object) {
	forgot := c.follow(objects)
	if forgot {
		c.save()
	}
	c.look()
}

func (c *Checker) follow(objects []spec.Object) (forgot bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.objects)
	for _, s := range c.subjects {
		s.keys = nil
	}
	now := time.Now()
	for _, o := range objects {
		if q, ok := questionOf(o); ok {
			c.objects[o.Key()] = q
			c.ask(q, now).keys = append(c.subjects[q].keys, o.Key())
		}
	}
	for q, s := range c.subjects {
		if len(s.keys) == 0 {
			delete(c.subjects, q)
			forgot = forgot || s.found != Found{}
		}
	}
	return forgot
}

// ask gives the subject of a question, which is due soon where it is new.
func (c *Checker) ask(q question, now time.Time) *subject {
	s := c.subjects[q]
	if s == nil {
		s = &subject{question: q}
		c.subjects[q] = s
	}
	if s.times == nil {
		s.times, s.due = timesOf(q.Schedule), soon(now)
	}
	if c.lanes[q.Registry] == nil {
		c.lanes[q.Registry] = &lane{}
	}
	return s
}

// Of gives the newest image that fits an object's policy, whatever the policy's mode, and false where none is known yet.
func (c *Checker) Of(key spec.Key) (Found, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.subjects[c.objects[key]]
	if s == nil {
		return Found{}, false
	}
	return s.found, s.found != Found{}
}

// Status says how the checks of an object stand; zero for one that has no updatePolicy.
func (c *Checker) Status(key spec.Key) Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.subjects[c.objects[key]]
	if s == nil {
		return Status{}
	}
	l := c.lanes[s.Registry]
	return Status{Last: s.last, Next: later(s.due, l.until), Error: cmp.Or(s.trouble, l.trouble), Found: s.found}
}

// Check has the registry asked at once for an object, unless the registry has said when it wants to be asked again.
func (c *Checker) Check(key spec.Key) {
	c.mu.Lock()
	if s := c.subjects[c.objects[key]]; s != nil {
		s.due = time.Now()
		c.lanes[s.Registry].hurry()
	}
	c.mu.Unlock()
	c.look()
}

// Run asks the registries until ctx ends.
func (c *Checker) Run(ctx context.Context) error {
	defer c.client.close()
	defer c.asking.Wait()
	for {
		timer := time.NewTimer(c.dispatch(ctx))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-c.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// look has Run look again at what is due.
func (c *Checker) look() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *Checker) save() {
	c.state.save(func() []record {
		c.mu.Lock()
		defer c.mu.Unlock()
		all := []record{}
		for q, s := range c.subjects {
			if s.found != (Found{}) {
				all = append(all, record{q, s.found})
			}
		}
		slices.SortFunc(all, func(a, b record) int { return cmp.Compare(a.Found.Image, b.Found.Image) })
		return all
	})
}
