// Package controller keeps the engine as the manifests say: it takes in changes of files and events of the engine, both as
// nothing but hints to look at a key, and has workers look.
package controller

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/util/workqueue"

	"berth.dev/berth/controller/notify"
	"berth.dev/berth/controller/updates"
	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/probe"
	"berth.dev/berth/spec"
	"berth.dev/berth/spec/load"
)

// Options are a controller's settings. Zero values stand for the defaults.
type Options struct {
	// StateDir holds what may be lost; empty for none.
	StateDir string
	// Resync is how often everything is read afresh, for what no event told of; 5m.
	Resync time.Duration
	// Workers is how many keys are worked on at once; 32. Most of them wait for containers to stop.
	Workers int
	// InFlight is how many containers are created and started at once; see reconciler.Options.
	InFlight int
	// Prune has objects removed that are on the engine and in no manifest.
	Prune bool
	// SameClock says that the engine's clock is the agent's, so that events can be told from the agent's own doings by time.
	SameClock bool
	// Hold is asked before anything is done, with the engine's key; an error says who else holds the engine. Nil for no lock.
	Hold func(ctx context.Context, engine string) error
	// Identity is what other agents are told that ask for the engine.
	Identity Holder
	// Deliver is what notifications are delivered through; nil has none delivered.
	Deliver http.RoundTripper
	// Registry takes the metrics; nil for none.
	Registry prometheus.Registerer
	Log      logr.Logger
}

// The defaults of Options.
const (
	DefaultResync  = 5 * time.Minute
	DefaultWorkers = 32
)

// Controller runs the loop.
type Controller struct {
	opts    Options
	log     logr.Logger
	engine  reconciler.Engine
	rec     *reconciler.Reconciler
	queue   workqueue.TypedRateLimitingInterface[spec.Key]
	store   *store
	guard   *guard
	metrics *metrics

	intents   *intents
	revisions *revisions
	runs      *runStore
	clock     *clock
	prober    *probe.Prober
	updates   *updates.Checker

	notifier *notify.Notifier
	host     string // that events are said to be of

	desired atomic.Pointer[Desired] // nil until the manifests were read once
	online  atomic.Bool             // whether the engine answers and is ours

	mu       sync.Mutex
	since    map[spec.Key]time.Time  // what is observed for a key may be no older
	changed  map[spec.Key]time.Time  // when the manifest change that has not converged yet was noticed
	inFlight map[spec.Key]heldEvents // what came while a key was worked on
	cut      context.CancelCauseFunc // ends the subscription; nil where there is none
	doubting bool                    // whether the engine is being asked if it answers at all
	trouble  error                   // why the engine is away, so that it is said once
}

// New makes a controller of an engine.
func New(engine reconciler.Engine, o Options) *Controller {
	if o.Resync <= 0 {
		o.Resync = DefaultResync
	}
	if o.Workers <= 0 {
		o.Workers = DefaultWorkers
	}
	c := &Controller{
		opts: o, log: o.Log, engine: engine,
		queue:    workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[spec.Key](retryFirst, retryMost)),
		store:    newStore(),
		guard:    newGuard(),
		since:    map[spec.Key]time.Time{},
		changed:  map[spec.Key]time.Time{},
		inFlight: map[spec.Key]heldEvents{},

		intents:   newIntents(o.StateDir, o.Log),
		revisions: newRevisions(o.StateDir, o.Log),
		runs:      newRunStore(o.StateDir, o.Log),
	}
	c.prober = probe.New(probe.Options{Exec: engine.Exec, OnChange: func(key spec.Key) { c.enqueue(key) }})
	c.updates = updates.New(updates.Options{StateDir: o.StateDir, Registry: o.Registry, Log: o.Log, OnChange: func(key spec.Key) {
		c.queue.Forget(key)
		c.enqueue(key)
	}})
	c.rec = reconciler.New(engine, reconciler.Options{InFlight: o.InFlight, Known: c.known, Note: c.noteRuns, NewImage: c.newImage, Handle: c.prober.Handle})
	c.metrics = newMetrics(o.Registry, c.queue.Len, c.intents.held)
	for key, until := range c.intents.expiries() {
		c.queue.AddAfter(key, time.Until(until))
	}
	c.notifier = c.newNotifier()
	c.clock = &clock{jumped: func(by time.Duration) {
		c.log.Info("the clock was set, or the host slept", "by", by.String())
		c.enqueue(c.catalog().timed()...)
	}}
	return c
}

// The waits after a failed pass: they double from the first to the most. Every change of the manifest starts anew.
const (
	retryFirst = 250 * time.Millisecond
	retryMost  = 5 * time.Minute
)

// Run keeps the engine as it should be until ctx ends. What is going on then is finished, so that no container is left half
// replaced.
func (c *Controller) Run(ctx context.Context) error {
	defer c.beginTelling(ctx)()
	defer c.clock.mind(false)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.followEngine(ctx) })
	g.Go(func() error { return c.resync(ctx) })
	g.Go(func() error { return c.prober.Run(ctx) })
	g.Go(func() error { return c.updates.Run(ctx) })
	for range c.opts.Workers {
		g.Go(func() error { c.work(ctx); return nil })
	}
	g.Go(func() error {
		<-ctx.Done()
		c.queue.ShutDown()
		return nil
	})
	return g.Wait()
}

// Replace puts another state of the manifests in force. What changed is looked at.
func (c *Controller) Replace(_ context.Context, d Desired) {
	old := c.desired.Swap(&d)
	if old == nil {
		old = &Desired{Catalog: NewCatalog(nil)}
	}
	c.metrics.problems(d.Problems)
	c.describe(&d)
	c.setNotifications(&d)
	c.clock.mind(len(d.Catalog.timed()) > 0)
	c.updates.Set(slices.Collect(maps.Values(d.Catalog.objects)))
	keys := []spec.Key{surveyKey}
	for _, key := range d.Catalog.changedFrom(old.Catalog) {
		c.rec.Forget(key)
		c.queue.Forget(key)
		if _, wanted := d.Catalog.Get(key); wanted { // what becomes of the others the survey decides
			c.noteChange(key, d.At)
			keys = append(keys, key)
		}
	}
	c.enqueue(keys...)
}

// noteChange remembers when the manifest change was noticed that the key has to converge to.
func (c *Controller) noteChange(key spec.Key, at time.Time) {
	if at.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed[key] = at
}

// describe updates what the store says of manifests.
func (c *Controller) describe(d *Desired) {
	now := time.Now()
	for key, o := range d.Catalog.objects {
		c.store.update(key, func(s *ObjectStatus) {
			s.Source, s.Generation, s.labels = o.Source().String(), d.Catalog.generation[key], o.Meta().Labels
			if template := spec.Template(o); template != nil {
				s.Image = template.Image
			}
			if co, ok := o.(*spec.Container); ok {
				s.Replicas = int(*co.Spec.Replicas)
			}
			s.Status.Set(validCondition(d.Kept[key]), now)
		})
	}
	all, _ := c.store.all()
	for _, s := range all {
		if _, wanted := d.Catalog.Get(s.Key()); !wanted && s.Source != "" {
			c.store.update(s.Key(), func(s *ObjectStatus) { s.Source = "" })
		}
	}
}

func validCondition(kept string) reconciler.Condition {
	if kept == "" {
		return reconciler.Condition{Type: reconciler.Valid, Status: true, Reason: "Loaded"}
	}
	return reconciler.Condition{Type: reconciler.Valid, Reason: "ManifestInvalid", Message: "the last good manifest stays in force: " + kept}
}

// Objects gives the status of every object, sorted, and a channel that is closed at the next change.
func (c *Controller) Objects() ([]ObjectStatus, <-chan struct{}) {
	all, changed := c.store.all()
	c.showIntents(all)
	return all, changed
}

// Problems lists what is wrong with the manifests now.
func (c *Controller) Problems() []load.Problem {
	if d := c.desired.Load(); d != nil {
		return d.Problems
	}
	return nil
}

// Online reports whether the engine answers and is this controller's, and else why not.
func (c *Controller) Online() (bool, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.trouble == nil {
		return c.online.Load(), ""
	}
	return c.online.Load(), c.trouble.Error()
}

// resync reads everything afresh from time to time, for what no event told of.
func (c *Controller) resync(ctx context.Context) error {
	t := time.NewTicker(c.opts.Resync)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			if c.online.Load() {
				c.lookAtEverything(ctx)
			}
		}
	}
}

// lookAtEverything forgets what is known of the engine and looks at every key, wanted or there.
func (c *Controller) lookAtEverything(ctx context.Context) {
	c.rec.World.Forget()
	d := c.desired.Load()
	if d == nil {
		return
	}
	c.enqueue(append(d.Catalog.Keys(), surveyKey)...)
}

func keyNames(keys []spec.Key) []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.String()
	}
	return names
}

// PendingPrune lists the objects whose removal waits for a confirmation, and why.
func (c *Controller) PendingPrune() ([]spec.Key, string) { return c.guard.pending() }

// ConfirmPrune lets the removals go that wait now, and returns them.
func (c *Controller) ConfirmPrune() []spec.Key {
	keys := c.guard.confirm()
	c.metrics.held.Set(0)
	c.log.Info("removal confirmed", "objects", keyNames(keys))
	c.enqueue(keys...)
	return keys
}
