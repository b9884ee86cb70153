package enginetest

import (
	"fmt"
	"slices"
	"testing"

	"berth.dev/berth/reconciler/plan"
)

// watchdog notes what an agent must never do, when it does it.
type watchdog struct {
	broken  []string
	allowed []string // glob patterns of names
}

// touch is for calls of the agent that change a container.
func (w *watchdog) touch(c *container, verb string) {
	if c.foreign && !w.allows(c.name) {
		w.note("the agent's %s touched container %q, which is not its own", verb, c.name)
	}
}

// lost is for a volume that the agent removes.
func (w *watchdog) lost(volume string) {
	if !w.allows(volume) {
		w.note("the agent removed volume %q", volume)
	}
}

// started looks for two running containers that are the same copy of the same object, and are not one with its replacement beside it.
func (w *watchdog) started(e *Engine, c *container) {
	id, ours := plan.Owner(e.summary(c))
	if !ours {
		return
	}
	for _, other := range e.containers {
		if o, ok := plan.Owner(e.summary(other)); ok && other != c && other.alive() && o == id && !surging(c.name, other.name) {
			w.note("containers %q and %q run at once and are both copy %d of %s", other.name, c.name, id.Ordinal, id.Key)
		}
	}
}

// surging reports whether of two names one is a copy's own, and the other that of a replacement that is started beside it.
func surging(a, b string) bool { return a == b+".next" || b == a+".next" }

func (w *watchdog) allows(name string) bool {
	return slices.ContainsFunc(w.allowed, func(pattern string) bool { return globs(pattern, name) })
}

func (w *watchdog) note(format string, args ...any) {
	w.broken = append(w.broken, fmt.Sprintf(format, args...))
}

// Allow lets the agent touch foreign containers, as to adopt them, and remove volumes, by name or glob pattern.
func (e *Engine) Allow(names ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watch.allowed = append(e.watch.allowed, names...)
}

// CheckInvariants fails the test where, since the engine was made, two running containers were the same copy of the same object,
// the agent removed a volume, or it touched a container that is not its own; see Allow.
func (e *Engine) CheckInvariants(t testing.TB) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, what := range e.watch.broken {
		t.Error(what)
	}
}
