package enginetest

import (
	"context"
	"math"
	"time"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
)

// Start implements apply.Containers.
func (e *Engine) Start(ctx context.Context, ref string) error {
	return run(ctx, e, Call{Method: "Start", Target: ref}, func() error {
		c, err := e.found(fault.RuntimeContainer, ref, "start container %q", ref)
		if err != nil {
			return err
		}
		e.watch.touch(c, "start")
		switch {
		case c.state == plan.StatePaused:
			return fault.New(fault.RuntimeContainer, fault.Conflict, "cannot start container %q: cannot start a paused container, try unpause instead", ref)
		case c.runs():
			return nil
		}
		c.stopped, c.restarts, c.backoff = false, 0, 0
		if err := e.start(c); err != nil {
			return refused(err, "cannot start container %q", ref)
		}
		return nil
	})
}

// Stop implements apply.Containers.
func (e *Engine) Stop(ctx context.Context, ref string) error {
	return e.stop(ctx, Call{Method: "Stop", Target: ref}, graceOf)
}

// StopWithin implements apply.Containers.
func (e *Engine) StopWithin(ctx context.Context, ref string, seconds int) error {
	return e.stop(ctx, Call{Method: "StopWithin", Target: ref}, func(*container) time.Duration { return inSeconds(int64(seconds)) })
}

func (e *Engine) stop(ctx context.Context, call Call, grace func(*container) time.Duration) error {
	var gone <-chan struct{}
	var c *container
	ref := call.Target
	call, err := e.before(ctx, call)
	if err != nil {
		return err
	}
	e.mu.Lock()
	c, err = e.found(fault.RuntimeContainer, ref, "stop container %q", ref)
	if err == nil {
		e.watch.touch(c, "stop")
		gone = e.askToStop(c, grace(c))
	}
	e.mu.Unlock()
	if gone != nil {
		err = waitFor(ctx, gone)
	}
	if err != nil {
		return e.after(call, err)
	}
	e.mu.Lock()
	if gone != nil {
		e.tell(c, "stop", nil)
	}
	e.mu.Unlock()
	return e.after(call, nil)
}

// askToStop sends the stop signal, and the kill when the grace period is over. The channel is closed when the process is gone, and
// nil where there is none.
func (e *Engine) askToStop(c *container, grace time.Duration) <-chan struct{} {
	if !c.runs() {
		return nil
	}
	c.stopped = true
	gone := c.process.gone
	if c.state == plan.StateRestarting {
		e.ended(c)
		c.state = plan.StateExited
		return gone
	}
	e.unpause(c)
	b := e.images.behaviour[c.imageID]
	switch {
	case b.IgnoreTerm || b.StopTakes > grace:
		e.during(c, grace, func() { e.exited(c, codeKilled) })
	case b.StopTakes > 0:
		e.during(c, b.StopTakes, func() { e.exited(c, 0) })
	default:
		e.exited(c, 0)
	}
	return gone
}

// graceOf is the time that a container has between the stop signal and the kill.
func graceOf(c *container) time.Duration {
	if s := c.spec.TerminationGracePeriodSeconds; s != nil {
		return inSeconds(*s)
	}
	return 10 * time.Second // the engine's own
}

// inSeconds is a grace period; a negative one has no end.
func inSeconds(s int64) time.Duration {
	if s < 0 {
		return math.MaxInt64
	}
	return time.Duration(s) * time.Second
}

// Unpause implements apply.Containers.
func (e *Engine) Unpause(ctx context.Context, ref string) error {
	return run(ctx, e, Call{Method: "Unpause", Target: ref}, func() error {
		c, err := e.found(fault.RuntimeContainer, ref, "unpause container %q", ref)
		if err != nil {
			return err
		}
		e.watch.touch(c, "unpause")
		if c.state != plan.StatePaused {
			return fault.New(fault.RuntimeContainer, fault.Retry, "cannot unpause container %q: Container %s is not paused", ref, c.id)
		}
		e.unpause(c)
		return nil
	})
}

func (e *Engine) unpause(c *container) {
	if c.state == plan.StatePaused {
		c.state = plan.StateRunning
		e.tell(c, "unpause", nil)
	}
}

// Remove implements apply.Containers.
func (e *Engine) Remove(ctx context.Context, ref string) error {
	return run(ctx, e, Call{Method: "Remove", Target: ref}, func() error {
		if c, err := e.find(ref); err == nil {
			e.watch.touch(c, "remove")
			e.remove(c)
		}
		return nil
	})
}

func (e *Engine) remove(c *container) {
	e.kill(c)
	delete(e.containers, c.id)
	e.tell(c, "destroy", nil)
}

func (e *Engine) kill(c *container) {
	c.stopped = true
	switch {
	case c.alive():
		e.exited(c, codeKilled)
	case c.state == plan.StateRestarting:
		e.ended(c)
		c.state = plan.StateExited
	}
}

// Rename implements apply.Containers.
func (e *Engine) Rename(ctx context.Context, ref, to string) error {
	return run(ctx, e, Call{Method: "Rename", Target: ref, To: to}, func() error {
		c, err := e.found(fault.RuntimeContainer, ref, "rename container %q to %q", ref, to)
		if err != nil {
			return err
		}
		e.watch.touch(c, "rename")
		if err := e.rename(c, to); err != nil {
			return refused(err, "cannot rename container %q to %q", ref, to)
		}
		return nil
	})
}

func (e *Engine) rename(c *container, to string) error {
	if c.name == to {
		return fault.New(fault.RuntimeContainer, fault.Terminal, "Renaming a container with the same name as its current name")
	}
	if err := e.nameIsFree(to); err != nil {
		return err
	}
	old := c.name
	c.name = to
	e.tell(c, "rename", map[string]string{"oldName": "/" + old})
	return nil
}
