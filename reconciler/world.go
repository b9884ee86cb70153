package reconciler

import (
	"context"
	"maps"
	"sync"
	"time"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// World is what is known of the engine. It reads afresh what may have changed and nothing else: one list serves all passes that
// were asked for before it began, and a container is inspected again only where an event or the list says that it changed.
type World struct {
	engine Observer

	listing turn // taken while listing, so that passes that wait share the result

	mu       sync.Mutex
	list     *list
	info     slot[plan.Engine]
	networks slot[map[string]plan.Network]
	volumes  slot[map[string]plan.Volume]
	inspects map[string]inspected
	dirty    map[string]time.Time          // by container: when it was last said to have changed
	images   map[string]*slot[*plan.Image] // by reference or ID; the value is nil for one that is not there

	forgotten time.Time // when all was last forgotten: what was asked before is not kept
}

// list is one list of containers, indexed.
type list struct {
	at    time.Time
	names map[string]plan.Summary
	keys  map[spec.Key][]plan.Summary
}

type inspected struct {
	at        time.Time // when the inspection began
	container plan.Container
	gone      bool // it was not there any more
}

// NewWorld makes a world that has read nothing yet.
func NewWorld(engine Observer) *World {
	w := &World{engine: engine, listing: newTurn()}
	w.info.reading, w.networks.reading, w.volumes.reading = newTurn(), newTurn(), newTurn()
	w.Forget()
	return w
}

// turn is a lock for what takes long: waiting for it ends with a context.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fault.New(fault.DockerConnection, fault.Retry, "no answer from the engine: %w", context.Cause(ctx))
	}
}

func (t turn) give() { <-t }

// Forget drops all that is known, as after a lost connection or for a resync: the next pass reads everything.
func (w *World) Forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forgotten = time.Now()
	w.list = nil
	w.info.forget(w.forgotten)
	w.networks.forget(w.forgotten)
	w.volumes.forget(w.forgotten)
	w.inspects = map[string]inspected{}
	w.images = map[string]*slot[*plan.Image]{}
	w.dirty = map[string]time.Time{}
}

// Info is what the engine says of itself; it is asked once a connection.
func (w *World) Info(ctx context.Context) (plan.Engine, error) {
	return cached(ctx, w, &w.info, func() (plan.Engine, error) { return w.engine.Info(ctx) })
}

// Owned lists the keys of what is on the engine and berth's, by a list that began no earlier than since. Volumes are not among
// them: they stay when their manifest goes.
func (w *World) Owned(ctx context.Context, since time.Time) ([]spec.Key, error) {
	l, err := w.fresh(ctx, since)
	if err != nil {
		return nil, err
	}
	networks, err := w.Networks(ctx)
	if err != nil {
		return nil, err
	}
	keys := map[spec.Key]bool{}
	for _, s := range l.names {
		if id, ok := plan.Owner(s); ok {
			keys[id.Key] = true
		}
	}
	for _, n := range networks {
		if k, ok := plan.OwnedKey(spec.KindNetwork, n.Labels); ok {
			keys[k] = true
		}
	}
	return sortedKeys(keys), nil
}

// fresh gives a list that began no earlier than since.
func (w *World) fresh(ctx context.Context, since time.Time) (*list, error) {
	if l := w.listed(since); l != nil {
		return l, nil
	}
	if err := w.listing.take(ctx); err != nil {
		return nil, err
	}
	defer w.listing.give()
	if l := w.listed(since); l != nil {
		return l, nil
	}
	at := time.Now()
	summaries, err := w.engine.List(ctx)
	if err != nil {
		return nil, err
	}
	l := index(at, summaries)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = l
	w.drop(l)
	return l, nil
}

func (w *World) listed(since time.Time) *list {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.list != nil && !w.list.at.Before(since) {
		return w.list
	}
	return nil
}

// drop forgets containers that are gone.
func (w *World) drop(l *list) {
	there := make(map[string]bool, len(l.names))
	for _, s := range l.names {
		there[s.ID] = true
	}
	maps.DeleteFunc(w.inspects, func(id string, i inspected) bool { return !there[id] && i.at.Before(l.at) })
	maps.DeleteFunc(w.dirty, func(id string, at time.Time) bool { return !there[id] && at.Before(l.at) })
}

func index(at time.Time, summaries []plan.Summary) *list {
	l := &list{at: at, names: make(map[string]plan.Summary, len(summaries)), keys: map[spec.Key][]plan.Summary{}}
	for _, s := range summaries {
		l.names[s.Name] = s
		labelled, hasLabels := plan.KeyOf(s)
		if hasLabels {
			l.keys[labelled] = append(l.keys[labelled], s)
		}
		if named, ok := plan.KeyOfName(s.Name); ok && (!hasLabels || named != labelled) {
			l.keys[named] = append(l.keys[named], s)
		}
	}
	return l
}

// inspect gives a listed container, from memory where neither an event nor the list says that it changed.
func (w *World) inspect(ctx context.Context, s plan.Summary) (plan.Container, error) {
	w.mu.Lock()
	known, ok := w.inspects[s.ID]
	ok = ok && !known.gone && known.at.After(w.dirty[s.ID]) && sameSummary(known.container.Summary, s)
	w.mu.Unlock()
	if ok {
		return known.container, nil
	}
	return w.reinspect(ctx, s.ID)
}

// reinspect gives a container as it is now.
func (w *World) reinspect(ctx context.Context, id string) (plan.Container, error) {
	at := time.Now()
	c, err := w.engine.Inspect(ctx, id)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case fault.Is(err, fault.NotFound): // the event that tells of its end is then no news; the next list drops it
		w.inspects[id] = inspected{at, w.inspects[id].container, true}
	case err != nil:
		delete(w.inspects, id)
	case !at.Before(w.forgotten):
		w.inspects[c.ID] = inspected{at: at, container: c}
	}
	return c, err
}

// sameSummary reports whether nothing that a list shows has changed. A list shows the health of running containers only.
func sameSummary(a, b plan.Summary) bool {
	sameHealth := a.Health == b.Health || b.State != plan.StateRunning
	return a.State == b.State && sameHealth && a.Name == b.Name && maps.Equal(a.Networks, b.Networks)
}

// Seen reports whether what an event says of a container was known already when it was last inspected. Only an engine on the
// same clock may be judged so.
func (w *World) Seen(id string, at time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	known, ok := w.inspects[id]
	return ok && !known.at.Before(at)
}

// Touch notes that a container may have changed.
func (w *World) Touch(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dirty[id] = time.Now()
}

// KeyOf is the key of a container that was seen before.
func (w *World) KeyOf(id string) (spec.Key, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return plan.KeyOf(w.inspects[id].container.Summary)
}
