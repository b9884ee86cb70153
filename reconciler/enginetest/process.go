package enginetest

import (
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
