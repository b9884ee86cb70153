package enginetest

import (
	"context"
	"errors"
	"path"
	"time"

	"berth.dev/berth/reconciler/fault"
)

// ErrDied is what the calls of an agent give that is dead; see Engine.DieAt.
var ErrDied = fault.New(fault.DockerConnection, fault.Retry, "the agent is dead")

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
	for _, open := range e.hanging(c) {
		if err := waitFor(ctx, open); err != nil {
			return err
		}
	}
	return e.failing(ctx, c)
}

func (e *Engine) hanging(c Call) (open []<-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.calls.rules {
		if r.hang != nil && r.matches(c) {
			open = append(open, r.hang)
		}
	}
	return open
}

func (e *Engine) failing(ctx context.Context, c Call) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.calls.rules {
		if r.hang == nil && r.matches(c) {
			r.times--
			return r.err
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

func asFault(err error) error {
	var f *fault.Error
	if err == nil || errors.As(err, &f) {
		return err
	}
	return fault.New(fault.DockerAPI, fault.Retry, "%w", err)
}

func unreachable(text string) error {
	return fault.New(fault.DockerConnection, fault.Retry, "%s", text)
}
func gaveUp(ctx context.Context) error {
	return fault.New(fault.DockerConnection, fault.Retry, "no answer from the engine: %w", context.Cause(ctx))
}
