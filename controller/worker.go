package controller

import (
	"context"
	"errors"
	"slices"
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
	switch {
	case key == surveyKey:
		c.survey(ctx, d, since)
		return
	case key.Kind == kindKnock:
		c.answer(ctx, key.Name)
		return
	}
	object, wanted := d.Catalog.Get(key)
	generation := d.Catalog.generation[key]
	if wanted && !onEngine(key.Kind) {
		c.converged(key, time.Now())
		return
	}
	if !wanted && !c.mayRemove(ctx, key) {
		return
	}
	start := time.Now()
	pass, err := c.rec.Reconcile(ctx, key, object, d.Catalog, since)
	if err == nil {
		c.watch(ctx, key, pass)
		c.noteRollout(key, object, generation, pass)
	}
	c.markDrift(key, generation, pass)
	c.metrics.pass(key, pass, err, time.Since(start))
	c.report(key, pass, err)
	c.next(key, pass, err)
	c.doubt(ctx, errors.Join(err, pass.Err()))
	if !wanted {
		c.forgetRemoved(key, pass, err)
		return
	}
	if c.describePass(key, d, pass, err) || len(pass.Outcomes) > 0 {
		c.enqueue(d.Catalog.Dependents(key)...)
	}
}

// markDrift notes what mends and what does as the manifest newly says, by whether the object was in sync with the same manifest
// before. The planner, who asks nobody, cannot tell: no label says which limits a container was made with.
func (c *Controller) markDrift(key spec.Key, generation string, p reconciler.Pass) {
	s, _ := c.store.get(key)
	if generation == "" || s.settled == "" { // it is gone, or was never as wanted
		return
	}
	same := s.settled == generation
	for i := range p.Outcomes {
		a := &p.Outcomes[i].Action
		made := a.Kind == plan.ActionCreate && key.Kind != spec.KindJob && key.Kind != spec.KindCronJob // another try mends nothing
		a.Repair = same && (a.Repair || made)
	}
}

// begin notes that a key is worked on, and takes what it has to be looked at by.
func (c *Controller) begin(key spec.Key) (*Desired, time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight[key] = heldEvents{}
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
	for container, at := range held {
		c.note(key, container, at)
	}
}

// mayRemove asks the guard for leave to remove what no manifest wants.
func (c *Controller) mayRemove(ctx context.Context, key spec.Key) bool {
	ok, why := c.guard.allows(key)
	if !ok && why != "" {
		c.describeHeld(ctx, key, why)
	}
	return ok
}

// describeHeld says that a removal waits, and what runs on meanwhile.
func (c *Controller) describeHeld(ctx context.Context, key spec.Key, why string) {
	status, image, copies, err := c.rec.World.Describe(ctx, key)
	if err != nil {
		c.logFailure(err, "cannot observe", "object", key.String())
	}
	c.store.update(key, func(s *ObjectStatus) {
		if err == nil {
			s.Status, s.Image, s.Replicas = status, image, copies
		}
		s.Status.Set(reconciler.Condition{Type: reconciler.Synced, Reason: ReasonPrunePending,
			Message: "the manifest is gone, and the removal waits for `berth prune --confirm`: " + why}, time.Now())
	})
}

// next says when a key is looked at again although nothing happens.
func (c *Controller) next(key spec.Key, p reconciler.Pass, err error) {
	if err == nil {
		err = p.Err()
	}
	at := p.Left.RetryAt
	switch {
	case fault.Is(err, fault.Terminal) && at.IsZero():
		c.queue.AddAfter(key, retryMost)
	case fault.Is(err, fault.Terminal): // what was promised in the status is kept, too
		c.queue.AddAfter(key, time.Until(at))
	case err == nil && goesOn(p):
		c.queue.Forget(key)
		c.enqueue(key)
	case err != nil, !p.Left.Now().Empty():
		c.queue.AddRateLimited(key)
	default:
		c.queue.Forget(key)
		if !at.IsZero() {
			c.queue.AddAfter(key, time.Until(at))
		}
	}
}

// forgetRemoved drops the status of an object of which nothing is left.
func (c *Controller) forgetRemoved(key spec.Key, p reconciler.Pass, err error) {
	if err == nil && p.Err() == nil && p.Left.Empty() && len(p.Left.Blocks) == 0 {
		c.drop(key)
		c.rec.Forget(key)
		return
	}
	c.store.update(key, func(s *ObjectStatus) {
		s.Status = reconciler.StatusOf(s.Status, nil, p, err, time.Now())
	})
}

// describePass puts the result of a pass into the store, and reports whether those that depend on the object may go on.
func (c *Controller) describePass(key spec.Key, d *Desired, p reconciler.Pass, err error) (ripe bool) {
	now, object, generation := time.Now(), d.Catalog.objects[key], d.Catalog.generation[key]
	var synced, ready reconciler.Condition
	var before, after reconciler.Status
	c.store.update(key, func(s *ObjectStatus) {
		before = s.Status
		s.Status = reconciler.StatusOf(s.Status, object, p, err, now)
		s.Status.Rollout = c.rolloutStatus(key, p.Left.Rollout)
		after = s.Status
		s.Status.ObservedGeneration = generation
		synced, ready = s.Status.Condition(reconciler.Synced), s.Status.Condition(reconciler.Ready)
		if synced.Status {
			s.settled = s.Status.ObservedGeneration
		}
	})
	c.tellReady(key, before, after, len(p.Outcomes) > 0)
	c.tellRuns(key, before, p)
	if ready.Reason == string(plan.ReasonCrashLoopBackOff) && slices.ContainsFunc(p.After.Containers, runs) {
		c.queue.AddAfter(key, plan.RecoveryTime) // it may have recovered by then, of which no event tells
	}
	if synced.Status && ready.Status && d == c.desired.Load() { // else it is an older manifest that it is as wanted by
		c.converged(key, now)
	}
	was, is := before.Condition(reconciler.Ready), ready
	return was.Status != is.Status || was.Reason != is.Reason || before.ObservedGeneration != generation
}

func runs(c plan.Container) bool { return c.State == plan.StateRunning }

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
		c.logFailure(err, "cannot observe", "object", key.String())
		c.tellFailure(key, err)
	}
	for _, o := range p.Outcomes {
		c.reportOutcome(key, o)
		c.tellOutcome(key, o)
	}
	for _, b := range p.Left.Blocks {
		if c.blockIsNews(key, b) {
			log.Info("blocked", "reason", b.Reason, "message", b.Message)
			if !passing[string(b.Reason)] {
				c.tell(key, spec.EventWarning, string(b.Reason), b.Message)
			}
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

// goesOn reports whether what a pass did has led to something else to do, as the steps of a rollout do. What is still the same as before
// the pass is tried again later.
func goesOn(p reconciler.Pass) bool {
	left := p.Left.Now().Actions
	if len(p.Outcomes) == 0 || len(left) == 0 {
		return false
	}
	did := map[string]bool{}
	for _, o := range p.Outcomes {
		did[string(o.Action.Kind)+" "+o.Action.Target] = true
	}
	return !slices.ContainsFunc(left, func(a plan.Action) bool { return did[string(a.Kind)+" "+a.Target] })
}
