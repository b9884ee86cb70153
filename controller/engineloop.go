package controller

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// The waits between tries to reach the engine; each a random part of itself shorter, so that many agents do not come at once.
const (
	reconnectFirst = 100 * time.Millisecond
	reconnectMost  = 10 * time.Second
	standbyWait    = time.Second // at least, while another agent holds the engine
)

// followEngine keeps a subscription to the engine's events. Each time it stands anew, everything is read afresh: what happened
// without it is not known.
func (c *Controller) followEngine(ctx context.Context) error {
	wait := reconnectFirst
	for ctx.Err() == nil {
		stood := time.Now()
		err := c.subscribe(ctx)
		c.online.Store(false)
		c.metrics.up.Set(0)
		if ctx.Err() != nil {
			return nil
		}
		c.say(err)
		var held *HeldError
		if errors.As(err, &held) {
			wait = max(wait, standbyWait)
		}
		if time.Since(stood) > reconnectMost {
			wait = reconnectFirst
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait/2 + rand.N(wait/2)):
		}
		wait = min(2*wait, reconnectMost)
	}
	return nil
}

// subscribe takes hold of the engine and follows its events until the stream breaks.
func (c *Controller) subscribe(ctx context.Context) error {
	c.rec.World.Forget()
	info, err := c.rec.World.Info(ctx)
	if err != nil {
		return err
	}
	if c.opts.Hold != nil {
		if err := c.opts.Hold(ctx, info.ID); err != nil {
			return err
		}
	}
	ready := func() {
		c.say(nil)
		c.log.Info("engine answers", "name", info.Name, "version", info.Version, "api", info.APIVersion)
		c.metrics.up.Set(1)
		c.online.Store(true)
		c.lookAtEverything(ctx)
	}
	err = c.engine.Events(ctx, ready, func(e Event) { c.hear(ctx, e) })
	if err == nil {
		err = fmt.Errorf("the engine ended the stream of events")
	}
	return err
}

// say tells once that the engine is away, or that it is back.
func (c *Controller) say(err error) {
	c.mu.Lock()
	before := c.trouble
	c.trouble = ""
	if err != nil {
		c.trouble = err.Error()
	}
	now := c.trouble
	c.mu.Unlock()
	var held *HeldError
	switch {
	case now == "" || now == before:
	case errors.As(err, &held):
		c.log.Info("another holds the engine; this agent stands by, and does nothing", "why", now)
	default:
		c.log.Info("engine is away; containers run on without the agent, which tries again", "why", now)
	}
}
