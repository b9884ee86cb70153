package enginetest

import (
	"context"
	"errors"
	"strings"
	"time"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// process is a running program, or the wait before it is restarted.
type process struct {
	cancel []func()      // timers that end with it
	gone   chan struct{} // closed when there is no process any more
}

// Exit codes that the engine gives itself.
const (
	codeCannotStart = 128
	codeKilled      = 137
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

// start runs the program. A container that cannot be started keeps its state, and says why.
func (e *Engine) start(c *container) error {
	b := e.images.behaviour[c.imageID]
	err := e.startable(c, b)
	if err == nil {
		err = e.joinNetworks(c)
	}
	if err == nil {
		err = e.bindPorts(c)
	}
	if err != nil {
		c.exitCode, c.failure = codeCannotStart, err.Error()
		return err
	}
	c.state, c.exitCode, c.failure, c.oom = plan.StateRunning, 0, "", false
	c.started = time.Now()
	c.process = process{gone: make(chan struct{})}
	e.startHealth(c, b)
	if b.ExitAfter > 0 {
		e.during(c, b.ExitAfter, func() { e.exited(c, b.ExitCode) })
	}
	e.watch.started(e, c)
	e.tell(c, "start", nil)
	return nil
}

// during runs f after d, if the process is still the same.
func (e *Engine) during(c *container, d time.Duration, f func()) {
	c.process.cancel = append(c.process.cancel, e.later(d, f))
}

func (e *Engine) startable(c *container, b Behaviour) error {
	for _, mode := range []string{c.spec.NetworkMode, c.spec.IpcMode, c.spec.PidMode} {
		ref, ok := strings.CutPrefix(mode, containerMode)
		if !ok {
			continue
		}
		if peer, err := e.find(ref); err != nil {
			return err
		} else if !peer.alive() {
			return fault.New(fault.RuntimeContainer, fault.Conflict, "cannot join network of a non running container: %s", ref)
		}
	}
	var f *fault.Error
	if b.FailStart == nil || errors.As(b.FailStart, &f) {
		return b.FailStart
	}
	return fault.New(fault.RuntimeContainer, fault.Terminal, "%w", b.FailStart)
}

func (e *Engine) startHealth(c *container, b Behaviour) {
	if h := c.spec.Healthcheck; h == nil || h.Disable {
		return
	}
	c.health = plan.HealthStarting
	if b.HealthyAfter > 0 {
		e.during(c, b.HealthyAfter, func() { e.setHealth(c, plan.HealthHealthy) })
	}
}

func (e *Engine) setHealth(c *container, h plan.Health) {
	c.health = h
	e.tell(c, "health_status: "+string(h), nil)
}

// exited is the end of a process, however it came.
func (e *Engine) exited(c *container, code int) {
	e.ended(c)
	c.exitCode, c.finished = code, time.Now()
	if c.health != plan.HealthNone {
		c.health = plan.HealthUnhealthy // "for compatibility reasons": CloseMonitorChannel in moby's daemon/container/health.go
	}
	c.state = plan.StateExited
	wait, again := c.restartIn(code)
	if again {
		c.state = plan.StateRestarting
		c.restarts++
	}
	e.tellDeath(c)
	e.leaveNetworks(c)
	if again {
		c.process = process{gone: make(chan struct{})}
		e.during(c, wait, func() { e.restart(c) })
	}
}

// ended calls off all that waits for the process.
func (e *Engine) ended(c *container) {
	for _, cancel := range c.process.cancel {
		cancel()
	}
	close(c.process.gone)
	c.process = process{}
}

func (e *Engine) restart(c *container) {
	e.ended(c)
	c.state = plan.StateExited
	_ = e.start(c) // why it fails is on the container
}

// The waits between restarts by the engine; see moby's restartmanager.
const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = time.Minute
	settled      = 10 * time.Second
)

// restartIn says whether the engine's restart policy starts the container again, and when.
func (c *container) restartIn(code int) (time.Duration, bool) {
	if c.stopped || !c.restarting(code) {
		return 0, false
	}
	c.backoff = min(2*c.backoff, maxBackoff)
	if c.backoff == 0 || time.Since(c.started) >= settled {
		c.backoff = firstBackoff
	}
	return c.backoff, true
}

func (c *container) restarting(code int) bool {
	switch c.spec.RestartPolicy {
	case spec.RestartAlways, spec.RestartUnlessStopped:
		return true
	case spec.RestartOnFailure:
		max := c.spec.MaximumRetryCount
		return code != 0 && (max == 0 || c.restarts < max)
	}
	return false
}

// Stop implements apply.Containers.
func (e *Engine) Stop(ctx context.Context, ref string) error {
	var gone <-chan struct{}
	var c *container
	call, err := e.before(ctx, Call{Method: "Stop", Target: ref})
	if err != nil {
		return err
	}
	e.mu.Lock()
	c, err = e.found(fault.RuntimeContainer, ref, "stop container %q", ref)
	if err == nil {
		e.watch.touch(c, "stop")
		gone = e.askToStop(c)
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
func (e *Engine) askToStop(c *container) <-chan struct{} {
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
	grace := 10 * time.Second // the engine's own
	if s := c.spec.TerminationGracePeriodSeconds; s != nil {
		grace = time.Duration(*s) * time.Second
	}
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
