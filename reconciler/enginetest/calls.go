package enginetest

import (
	"context"
	"errors"
	"maps"
	"path"
	"time"

	"berth.dev/berth/reconciler/fault"
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

// ErrDied is what the calls of an agent give that is dead; see Engine.DieAt.
var ErrDied = fault.New(fault.DockerConnection, fault.Retry, "the agent is dead")

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

// rule is a fault that is waiting for its calls.
type rule struct {
	method, target string
	err            error
	times          int             // left; negative without end
	hang           <-chan struct{} // where it is not nil, the call waits for it and then goes on
}

func (r *rule) matches(c Call) bool {
	return r.times != 0 && (r.method == "*" || r.method == c.Method) && globs(r.target, c.Target)
}

// globs matches as path.Match does, where no pattern and * match everything.
func globs(pattern, s string) bool {
	ok, err := path.Match(pattern, s)
	return ok || err == nil && (pattern == "" || pattern == "*")
}

// Fail makes the next calls of a method fail without effect; method and target may be patterns as in path.Match, or * for all.
// times is how many, negative for all. An error that is no fault becomes one of class DockerAPI that may be tried again.
func (e *Engine) Fail(method, target string, err error, times int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls.rules = append(e.calls.rules, &rule{method: method, target: target, err: asFault(err), times: times})
}

// Hang makes calls wait until their context ends or release is called; then they go on.
func (e *Engine) Hang(method, target string) (release func()) {
	open := make(chan struct{})
	r := &rule{method: method, target: target, times: -1, hang: open}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls.rules = append(e.calls.rules, r)
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if r.times != 0 {
			r.times = 0
			close(open)
		}
	}
}

// Latency makes every call of a method take a time before it has its effect; * is for all methods that have none of their own.
func (e *Engine) Latency(method string, d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls.latency[method] = d
}

// Down makes the engine unreachable: calls fail, streams break. Containers run on, and what happens to them is not told.
func (e *Engine) Down() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls.down = true
	e.hub.cut()
}

// Up ends Down.
func (e *Engine) Up() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls.down = false
}

// OnCall makes hook see every call, once before it has an effect and once after. An error of the hook is the call's: before, the
// call has no effect; after, its answer is lost. The engine is not locked meanwhile: a hook may use its hands.
func (e *Engine) OnCall(hook func(Call) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls.hooks = append(e.calls.hooks, hook)
}

// DieAt lets the agent pass so many boundaries and kills it at the next. The boundaries are the moments before and after each call
// that changes something. From then on every call gives ErrDied and has no effect, until Revive.
func (e *Engine) DieAt(boundary int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls.dieAt = boundary
}

// Revive starts a new agent after DieAt, which does not die, and reports whether the old one had.
func (e *Engine) Revive() (died bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	died = e.calls.dead
	e.calls.dead, e.calls.dieAt = false, -1
	return died
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

func asFault(err error) error {
	var f *fault.Error
	if err == nil || errors.As(err, &f) {
		return err
	}
	return fault.New(fault.DockerAPI, fault.Retry, "%w", err)
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
	case "Start", "Stop", "Unpause", "Remove", "Rename", "Update", "Connect", "Disconnect", "Inspect":
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

// pass goes by one boundary at which the agent may die.
func (e *Engine) pass(c Call) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.calls.dead {
		return ErrDied
	}
	if e.calls.dieAt < 0 || !c.Changes() {
		return nil
	}
	if e.calls.dieAt--; e.calls.dieAt < 0 {
		e.calls.dead = true
		return ErrDied
	}
	return nil
}

// obstacles applies the faults that wait for the call.
func (e *Engine) obstacles(ctx context.Context, c Call) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.calls.rules {
		if !r.matches(c) {
			continue
		}
		if r.hang == nil {
			r.times--
			return r.err
		}
		e.mu.Unlock()
		err := waitFor(ctx, r.hang)
		e.mu.Lock()
		if err != nil {
			return err
		}
	}
	switch {
	case e.calls.dead:
		return ErrDied
	case e.calls.down || e.closed:
		return unreachable("cannot connect to the engine: it is down")
	case ctx.Err() != nil:
		return gaveUp(ctx)
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

func gaveUp(ctx context.Context) error {
	return fault.New(fault.DockerConnection, fault.Retry, "no answer from the engine: %w", context.Cause(ctx))
}

func unreachable(text string) error {
	return fault.New(fault.DockerConnection, fault.Retry, "%s", text)
}
