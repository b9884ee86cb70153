package enginetest

import (
	"fmt"
	"time"

	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// The hands do what people and programs do to containers without the agent. They are no calls: no fault or hook meets them, and
// they work while the engine is down. Where there is nothing of the name, or Docker would refuse, they panic: the test is wrong.

// hand does something to a container with the engine locked.
func (e *Engine) hand(name string, act func(*container) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, err := e.find(name)
	if err == nil {
		err = act(c)
	}
	if err != nil {
		panic("enginetest: " + err.Error())
	}
}

// running is hand for a container that has to run.
func (e *Engine) running(name string, act func(*container)) {
	e.hand(name, func(c *container) error {
		if !c.alive() {
			return fmt.Errorf("container %q is %s, want running", name, c.state)
		}
		act(c)
		return nil
	})
}

// Exit ends a container's program by itself.
func (e *Engine) Exit(name string, code int) {
	e.running(name, func(c *container) { e.exited(c, code) })
}

// OOM ends a container's program by the kernel, for its use of memory.
func (e *Engine) OOM(name string) {
	e.running(name, func(c *container) {
		c.oom = true
		e.tell(c, "oom", nil)
		e.exited(c, codeKilled)
	})
}

// Kill is `docker kill`; the engine does not restart the container.
func (e *Engine) Kill(name string) { e.running(name, e.kill) }

// StopByHand is `docker stop`, which also ends the wait for a restart. It does not wait where the program takes its time.
func (e *Engine) StopByHand(name string) {
	e.hand(name, func(c *container) error {
		if gone := e.askToStop(c, graceOf(c)); gone == nil {
			return fmt.Errorf("container %q is %s, want running", name, c.state)
		}
		if !c.runs() {
			e.tell(c, "stop", nil)
		}
		return nil
	})
}

// StartByHand is `docker start`.
func (e *Engine) StartByHand(name string) {
	e.hand(name, func(c *container) error {
		c.stopped, c.restarts, c.backoff = false, 0, 0
		return e.start(c)
	})
}

// PauseByHand is `docker pause`.
func (e *Engine) PauseByHand(name string) {
	e.running(name, func(c *container) {
		c.state = plan.StatePaused
		e.tell(c, "pause", nil)
	})
}

// RemoveByHand is `docker rm -f`.
func (e *Engine) RemoveByHand(name string) {
	e.hand(name, func(c *container) error { e.remove(c); return nil })
}

// RenameByHand is `docker rename`.
func (e *Engine) RenameByHand(name, to string) {
	e.hand(name, func(c *container) error { return e.rename(c, to) })
}

// UpdateByHand is `docker update`.
func (e *Engine) UpdateByHand(name string, u plan.Update) {
	e.hand(name, func(c *container) error { return e.update(c, u) })
}

// ConnectByHand is `docker network connect`.
func (e *Engine) ConnectByHand(network, name string, a spec.NetworkAttachment) {
	e.hand(name, func(c *container) error { return e.connect(c, network, a) })
}

// DisconnectByHand is `docker network disconnect`.
func (e *Engine) DisconnectByHand(network, name string) {
	e.hand(name, func(c *container) error { return e.disconnect(c, network) })
}

// SetHealth is the outcome of a container's health check.
func (e *Engine) SetHealth(name string, h plan.Health) {
	e.running(name, func(c *container) { e.setHealth(c, h) })
}

// RemoveNetworkByHand is `docker network rm`.
func (e *Engine) RemoveNetworkByHand(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.removeNetwork(name); err != nil {
		panic("enginetest: " + err.Error())
	}
}

// RemoveVolumeByHand is `docker volume rm`.
func (e *Engine) RemoveVolumeByHand(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.volumes[name] == nil || e.userOf(name) != nil {
		panic("enginetest: volume " + name + " is in use, or not there")
	}
	delete(e.volumes, name)
	e.tellVolume(name, "destroy")
}

// ForeignImage is the image of what RunForeign runs.
const ForeignImage = "foreign.test/app:1"

// RunForeign runs a container that is somebody else's, with labels of its own. The agent may not touch it, see CheckInvariants.
func (e *Engine) RunForeign(name string, labels map[string]string) (id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.images.resolve(ForeignImage); !ok {
		e.addImage(ForeignImage, plan.Image{})
	}
	c, err := e.create(plan.Create{Name: name, Labels: labels, Spec: spec.ContainerSpec{Image: ForeignImage}})
	if err == nil {
		c.foreign = true
		err = e.start(c)
	}
	if err != nil {
		panic("enginetest: " + err.Error())
	}
	return c.id
}

// CgroupSwap is the limit on memory and swap together that the kernel enforces, in bytes; 0 for none. Inspect may say otherwise.
func (e *Engine) CgroupSwap(name string) (bytes int64) {
	e.hand(name, func(c *container) error { bytes = c.limits.cgroupSwap; return nil })
	return bytes
}

// Restart is a restart of the engine that takes a time: all programs end, streams break, and at the end the engine starts what its
// restart policies say. It returns when the engine is back.
func (e *Engine) Restart(takes time.Duration) {
	e.Down()
	e.mu.Lock()
	for _, c := range e.sorted() {
		e.shutDown(c)
	}
	back := make(chan struct{})
	e.later(takes, func() { close(back) })
	e.mu.Unlock()
	<-back
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.sorted() {
		p := c.spec.RestartPolicy
		if !c.started.IsZero() && (p == spec.RestartAlways || p == spec.RestartUnlessStopped && !c.stopped || p == spec.RestartOnFailure && c.exitCode != 0) {
			_ = e.start(c) // why it fails is on the container
		}
	}
	e.calls.down = false
}

// shutDown ends a program as the engine does when it stops itself: that is no stop by hand.
func (e *Engine) shutDown(c *container) {
	byHand := c.stopped
	e.kill(c)
	c.stopped = byHand
}
