package reconciler

import (
	"sync"
	"time"

	"berth.dev/berth/reconciler/apply"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// memory counts the agent's own tries, by container. It lives as long as the agent does.
type memory struct {
	mu        sync.Mutex
	starts    map[string]plan.Tries
	recreates map[string]plan.Tries
	restarts  map[string]plan.Tries
	healthy   map[string]time.Time   // by ID
	acted     map[spec.Key]time.Time // when the last action on a key ended
}

func newMemory() *memory {
	return &memory{starts: map[string]plan.Tries{}, recreates: map[string]plan.Tries{}, restarts: map[string]plan.Tries{}, healthy: map[string]time.Time{}, acted: map[spec.Key]time.Time{}}
}

// since is the later of a time and the last action on a key: what was seen before that action says nothing of its result.
func (m *memory) since(key spec.Key, t time.Time) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if acted := m.acted[key]; acted.After(t) {
		return acted
	}
	return t
}

// listed notes that there is a list of a time. What was done before is in it and in all later ones.
func (m *memory) listed(key spec.Key, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.acted[key].After(at) {
		delete(m.acted, key)
	}
}

func (m *memory) act(key spec.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.acted[key] = time.Now()
}

// of gives the tries at the containers of a key.
func (m *memory) of(key spec.Key) plan.Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return plan.Memory{Starts: only(m.starts, key), Recreates: only(m.recreates, key), Restarts: only(m.restarts, key)}
}

func only(tries map[string]plan.Tries, key spec.Key) map[string]plan.Tries {
	out := map[string]plan.Tries{}
	for name, t := range tries {
		if k, ok := plan.KeyOfName(name); ok && k == key {
			out[name] = t
		}
	}
	return out
}

// healthySince tells when the health checks of containers were first seen to pass.
func (m *memory) healthySince(containers []plan.Container) map[string]time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]time.Time{}
	for i := range containers {
		if at, ok := m.healthy[containers[i].ID]; ok {
			out[containers[i].ID] = at
		}
	}
	return out
}

// note counts what an action tried.
func (m *memory) note(o apply.Outcome, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch o.Action.Kind {
	case plan.ActionCreate, plan.ActionStart:
		count(m.starts, o.Action.Target, "", o.Err, now)
	case plan.ActionRecreate, plan.ActionSurge:
		if o.Done > 0 || o.Action.Kind == plan.ActionSurge { // else nothing was touched
			expire(m.recreates, o.Action.Target, plan.StallWindow, now) // else what is tried again later would never stall
			count(m.recreates, o.Action.Target, o.Action.Revision, o.Err, now)
		}
	case plan.ActionRestart:
		expire(m.restarts, o.Action.Target, plan.RestartWindow, now)
		count(m.restarts, o.Action.Target, "", o.Err, now)
	}
}

// expire forgets tries whose first was too long ago.
func expire(tries map[string]plan.Tries, name string, window time.Duration, now time.Time) {
	if now.Sub(tries[name].First) > window {
		delete(tries, name)
	}
}

// count adds a try. Tries at another revision do not count any more.
func count(tries map[string]plan.Tries, name, revision string, err error, now time.Time) {
	t := tries[name]
	if t.Revision != revision || t.Count == 0 {
		t = plan.Tries{Revision: revision, First: now}
	}
	t.Count++
	t.Last, t.Error = now, ""
	if err != nil {
		t.Error = err.Error()
	}
	tries[name] = t
}

// settle forgets the starts of containers that have recovered, and notes which have become healthy.
func (m *memory) settle(containers []plan.Container, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range containers {
		c := &containers[i]
		if plan.Recovered(c, now) {
			delete(m.starts, c.Name)
		}
		_, known := m.healthy[c.ID]
		switch {
		case c.Health != plan.HealthHealthy || c.State != plan.StateRunning:
			delete(m.healthy, c.ID)
		case !known:
			m.healthy[c.ID] = now
		}
	}
}

// forget drops what is remembered of a key, as when its manifest changes.
func (m *memory) forget(key spec.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, tries := range []map[string]plan.Tries{m.starts, m.recreates, m.restarts} {
		for name := range only(tries, key) {
			delete(tries, name)
		}
	}
}
