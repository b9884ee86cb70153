package controller

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/fault"
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
	ctx, cut := context.WithCancelCause(ctx)
	defer cut(nil)
	c.setCut(cut)
	defer c.setCut(nil)
	c.rec.World.Forget()
	info, err := c.rec.World.Info(ctx)
	if err != nil {
		return err
	}
	if c.opts.Hold != nil {
		if err := c.opts.Hold(ctx, info.Key()); err != nil {
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
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err == nil {
		err = fault.New(fault.DockerConnection, fault.Retry, "the engine ended the stream of events")
	}
	return err
}

func (c *Controller) setCut(cut context.CancelCauseFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = cut
}

// doubt asks an engine that did not answer a call whether it answers at all: an engine that hangs breaks no stream. Where it does
// not, the subscription ends, and all is read afresh when it answers again. A call that fails by itself harms nothing else.
func (c *Controller) doubt(ctx context.Context, err error) {
	if !reconciler.IsConnection(err) || ctx.Err() != nil || !c.beginDoubt() {
		return
	}
	_, err = c.engine.Info(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doubting = false
	if reconciler.IsConnection(err) && c.cut != nil {
		c.cut(err)
	}
}

// beginDoubt is false where somebody is asking already.
func (c *Controller) beginDoubt() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	begun := !c.doubting
	c.doubting = true
	return begun
}

// logFailure logs an error; that the engine is away is said elsewhere, once.
func (c *Controller) logFailure(err error, message string, keysAndValues ...any) {
	if reconciler.IsConnection(err) {
		c.log.V(1).Info(message, append(keysAndValues, "why", err.Error())...)
		return
	}
	c.log.Error(err, message, append(keysAndValues, "class", fault.ClassOf(err))...)
}

// say tells once that the engine is away, or that it is back. While it stays away the words differ from try to try, as between a
// broken stream and a refused connection: only trouble of another class is news.
func (c *Controller) say(err error) {
	c.mu.Lock()
	before := c.trouble
	c.trouble = err
	c.mu.Unlock()
	c.tellEngine(before, err)
	var held *HeldError
	switch {
	case err == nil || before != nil && before.Error() == err.Error():
	case errors.As(err, &held):
		c.log.Info("another holds the engine; this agent stands by, and does nothing", "why", err.Error())
	case before == nil || errors.As(before, &held) || fault.ClassOf(before) != fault.ClassOf(err):
		c.log.Info("engine is away; containers run on without the agent, which tries again", "why", err.Error())
	default:
		c.log.V(1).Info("engine is still away", "why", err.Error())
	}
}
