package controller

import (
	"context"
	"time"

	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/apply"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// work looks at keys until the queue is shut down. The queue never gives one key to two workers at once.
func (c *Controller) work(ctx context.Context) {
	for {
		key, shutdown := c.queue.Get()
		if shutdown {
			return
		}
		c.lookAt(ctx, key)
		c.queue.Done(key)
	}
}

// lookAt makes one pass over a key and says when the next is due.
func (c *Controller) lookAt(ctx context.Context, key spec.Key) {
	if ctx.Err() != nil || !c.online.Load() {
		return
	}
	d, since := c.begin(key)
	defer c.end(key)
	object, wanted := d.Catalog.Get(key)
	if !wanted && !c.mayRemove(key) {
		return
	}
	start := time.Now()
	pass, err := c.rec.Reconcile(ctx, key, object, d.Catalog, since)
	c.metrics.pass(key, pass, err, time.Since(start))
	c.report(key, pass, err)
	c.next(key, pass, err)
	if !wanted {
		c.forgetRemoved(key, pass, err)
		return
	}
	c.describePass(key, object, pass, err)
	if len(pass.Outcomes) > 0 {
		for _, dependent := range d.Catalog.Dependents(key) {
			c.enqueue(dependent)
		}
	}
}

// begin notes that a key is worked on, and takes what it has to be looked at by.
func (c *Controller) begin(key spec.Key) (*Desired, time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight[key] = nil
	since, hinted := c.since[key]
	if !hinted { // it is looked at again because time has passed
		since = time.Now()
	}
	delete(c.since, key)
	return c.desired.Load(), since
}

// end looks again where an event came meanwhile that the pass cannot have seen.
func (c *Controller) end(key spec.Key) {
	c.mu.Lock()
	held := c.inFlight[key]
	delete(c.inFlight, key)
	c.mu.Unlock()
	for _, e := range held {
		c.note(key, e.container, e.at)
	}
}

// mayRemove asks the guard for leave to remove what no manifest wants.
func (c *Controller) mayRemove(key spec.Key) bool {
	ok, why := c.guard.allows(key)
	if !ok && why != "" {
		c.store.update(key, func(s *ObjectStatus) {
			s.Status.Set(reconciler.Condition{Type: reconciler.Synced, Reason: "PrunePending",
				Message: "the manifest is gone, and the removal waits for `berth prune --confirm`: " + why}, time.Now())
		})
	}
	if !ok && why == "" {
		c.store.remove(key)
	}
	return ok
}

// next says when a key is looked at again although nothing happens.
func (c *Controller) next(key spec.Key, p reconciler.Pass, err error) {
	if err == nil {
		err = p.Err()
	}
	switch {
	case fault.Is(err, fault.Terminal):
		c.queue.AddAfter(key, retryMost)
	case err != nil, !p.Left.Now().Empty():
		c.queue.AddRateLimited(key)
	default:
		c.queue.Forget(key)
		if at := p.Left.RetryAt; !at.IsZero() {
			c.queue.AddAfter(key, time.Until(at))
		}
	}
}

// forgetRemoved drops the status of an object of which nothing is left.
func (c *Controller) forgetRemoved(key spec.Key, p reconciler.Pass, err error) {
	if err == nil && p.Err() == nil && p.Left.Empty() && len(p.Left.Blocks) == 0 {
		c.store.remove(key)
		c.rec.Forget(key)
		return
	}
	c.store.update(key, func(s *ObjectStatus) {
		s.Status = reconciler.StatusOf(s.Status, nil, p, err, time.Now())
	})
}

// describePass puts the result of a pass into the store.
func (c *Controller) describePass(key spec.Key, object spec.Object, p reconciler.Pass, err error) {
	now := time.Now()
	c.store.update(key, func(s *ObjectStatus) {
		s.Status = reconciler.StatusOf(s.Status, object, p, err, now)
		s.Status.ObservedGeneration = generation(object)
		if ready := s.Status.Condition(reconciler.Ready); ready.Reason == string(plan.ReasonCrashLoopBackOff) {
			c.queue.AddAfter(key, plan.RecoveryTime) // it may have recovered by then, of which no event tells
		}
		if s.Status.Condition(reconciler.Synced).Status && s.Status.Condition(reconciler.Ready).Status {
			c.converged(key, now)
		}
	})
}

// converged measures how long a manifest change took.
func (c *Controller) converged(key spec.Key, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.changed[key]; ok {
		c.metrics.converged.Observe(now.Sub(at).Seconds())
		delete(c.changed, key)
	}
}

// report logs what a pass did.
func (c *Controller) report(key spec.Key, p reconciler.Pass, err error) {
	log := c.log.WithValues("object", key.String())
	if err != nil {
		log.Error(err, "cannot observe", "class", fault.ClassOf(err))
	}
	for _, o := range p.Outcomes {
		c.reportOutcome(key, o)
	}
	for _, b := range p.Left.Blocks {
		if c.blockIsNews(key, b) {
			log.Info("blocked", "reason", b.Reason, "message", b.Message)
		}
	}
}

// blockIsNews reports whether a block was not there at the last pass already.
func (c *Controller) blockIsNews(key spec.Key, b plan.Block) bool {
	s, _ := c.store.get(key)
	synced := s.Status.Condition(reconciler.Synced)
	return synced.Reason != string(b.Reason)
}

func (c *Controller) reportOutcome(key spec.Key, o apply.Outcome) {
	log := c.log.WithValues("object", key.String(), "action", o.Action.Kind, "target", o.Action.Target, "why", reasons(o.Action.Why), "took", o.Took.Round(time.Millisecond).String())
	for _, w := range o.Warnings {
		log.Info("the engine warns", "warning", w)
	}
	switch {
	case o.Err == nil:
		log.Info("action done")
	case o.Undone:
		log.Error(o.Err, "action failed, and all was put back", "class", fault.ClassOf(o.Err))
	default:
		log.Error(o.Err, "action failed", "class", fault.ClassOf(o.Err))
	}
}

func reasons(changes []plan.Change) []string {
	out := make([]string, len(changes))
	for i, c := range changes {
		out[i] = c.String()
	}
	return out
}
