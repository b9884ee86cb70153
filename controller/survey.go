package controller

import (
	"context"
	"slices"
	"time"

	"berth.dev/berth/spec"
)

// surveyKey stands in the queue for the survey, so that there is one at a time, and one that fails is made again.
var surveyKey spec.Key

// survey looks for objects on the engine that no manifest wants, and has those removed that the guard lets go.
func (c *Controller) survey(ctx context.Context, d *Desired, since time.Time) {
	orphans, err := c.orphans(ctx, d, since)
	if err != nil {
		c.logFailure(err, "cannot look for objects without a manifest")
		c.doubt(ctx, err)
		c.queue.AddRateLimited(surveyKey)
		return
	}
	c.queue.Forget(surveyKey)
	c.tidy(d, orphans)
	c.enqueue(orphans...)
}

// orphans lists what is on the engine and wanted by no manifest, once the guard has judged it.
func (c *Controller) orphans(ctx context.Context, d *Desired, since time.Time) (orphans []spec.Key, err error) {
	if !c.opts.Prune {
		return nil, nil
	}
	owned, err := c.rec.World.Owned(ctx, since)
	if err != nil {
		return nil, err
	}
	orphans = d.Catalog.Orphans(owned)
	newly, why := c.guard.survey(owned, orphans, d.Unknown)
	if len(newly) > 0 {
		c.log.Info("removal waits for `berth prune --confirm`", "why", why, "objects", keyNames(newly))
		for _, key := range newly {
			c.tell(key, spec.EventWarning, ReasonPrunePending, why)
		}
	}
	held, _ := c.guard.pending()
	c.metrics.held.Set(float64(len(held)))
	return orphans, nil
}

// tidy drops what is said of objects that are neither wanted nor there.
func (c *Controller) tidy(d *Desired, orphans []spec.Key) {
	all, _ := c.store.all()
	for _, o := range all {
		if _, wanted := d.Catalog.Get(o.Key()); !wanted && !slices.Contains(orphans, o.Key()) {
			c.drop(o.Key())
		}
	}
	if len(d.Unknown) > 0 {
		return // they may be wanted
	}
	for _, key := range c.remembered() {
		if _, wanted := d.Catalog.Get(key); !wanted && !slices.Contains(orphans, key) {
			c.forget(key)
		}
	}
}

// drop forgets an object of which nothing is left.
func (c *Controller) drop(key spec.Key) {
	c.store.remove(key)
	c.prober.Set(key, nil)
	c.forget(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.changed, key)
}
