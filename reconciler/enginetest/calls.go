package enginetest

import (
	"context"
	"maps"
	"time"
)

// Call is one call of the engine's methods by the agent.
type Call struct {
	Method string // as in Create
	Target string // a container's name where it has one, a network, a volume, an image
	To     string // the network of Connect and Disconnect, the new name of Rename
	// Number counts the calls of the method, from 1.
	Number int
	// Done is false before the call has any effect, and true when all that is left is to answer.
	Done bool
	Err  error // of a call that is done
}

// Changes reports whether the call is one that may change something.
func (c Call) Changes() bool { return !observing[c.Method] }

var observing = map[string]bool{
	"Info": true, "List": true, "Inspect": true, "Image": true, "Networks": true, "InspectNetwork": true, "Volumes": true, "Events": true,
}

// calls is what happens to calls before and after they have their effect.
type calls struct {
	count   map[string]int
	hooks   []func(Call) error
	rules   []*rule
	latency map[string]time.Duration
	down    bool
	dead    bool
	dieAt   int // boundaries left to pass; negative for never
}

func newCalls() calls {
	return calls{count: map[string]int{}, latency: map[string]time.Duration{}, dieAt: -1}
}

// Calls counts the calls so far by method, those that failed too.
func (e *Engine) Calls() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.calls.count)
}

// ResetCalls makes the counts start anew.
func (e *Engine) ResetCalls() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.calls.count)
}

// do makes one call: f has the effect and runs with the engine locked.
func do[T any](ctx context.Context, e *Engine, c Call, f func() (T, error)) (v T, err error) {
	c, err = e.before(ctx, c)
	if err != nil {
		return v, err
	}
	e.mu.Lock()
	v, err = f()
	e.mu.Unlock()
	return v, e.after(c, err)
}

// run is do for a call that gives nothing back.
func run(ctx context.Context, e *Engine, c Call, f func() error) error {
	_, err := do(ctx, e, c, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

func (e *Engine) before(ctx context.Context, c Call) (Call, error) {
	c, wait, err := e.admit(c)
	if err != nil {
		return c, err
	}
	if err := e.hooked(c); err != nil {
		return c, err
	}
	if err := e.pass(c); err != nil {
		return c, err
	}
	if err := sleep(ctx, wait); err != nil {
		return c, err
	}
	return c, e.obstacles(ctx, c)
}

// admit counts a call and names its target.
func (e *Engine) admit(c Call) (Call, time.Duration, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.calls.dead {
		return c, 0, ErrDied
	}
	if found, err := e.find(c.Target); err == nil && c.isOfContainer() {
		c.Target = found.name
	}
	e.calls.count[c.Method]++
	c.Number = e.calls.count[c.Method]
	wait, own := e.calls.latency[c.Method]
	if !own {
		wait = e.calls.latency["*"]
	}
	return c, wait, nil
}

func (c Call) isOfContainer() bool {
	switch c.Method {
	case "Start", "Stop", "StopWithin", "Exec", "Unpause", "Remove", "Rename", "Update", "Connect", "Disconnect", "Inspect":
		return true
	}
	return false
}

func (e *Engine) hooked(c Call) error {
	e.mu.Lock()
	hooks := e.calls.hooks
	e.mu.Unlock()
	for _, hook := range hooks {
		if err := hook(c); err != nil {
			return asFault(err)
		}
	}
	return nil
}

func (e *Engine) after(c Call, err error) error {
	c.Done, c.Err = true, err
	if lost := e.pass(c); lost != nil {
		return lost
	}
	if lost := e.hooked(c); lost != nil {
		return lost
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	over := make(chan struct{})
	t := time.AfterFunc(d, func() { close(over) })
	defer t.Stop()
	return waitFor(ctx, over)
}

func waitFor(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return gaveUp(ctx)
	}
}
