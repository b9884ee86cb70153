package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"berth.dev/berth/reconciler/engine"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// recorder keeps what a subscription tells.
type recorder struct {
	mu     sync.Mutex
	events []plan.Event
}

func (r *recorder) note(e plan.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *recorder) has(is func(plan.Event) bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if is(e) {
			return true
		}
	}
	return false
}

// subscribe returns once the subscription stands; end ends it and gives its error.
func subscribe(t *testing.T, c *engine.Client) (r *recorder, end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r = &recorder{}
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- c.Events(ctx, func() { close(ready) }, r.note) }()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	return r, func() error { cancel(); return <-done }
}

func TestEvents(t *testing.T) {
	c := connect(t)
	r, end := subscribe(t, c)
	n := createNetwork(t, c, "events", spec.NetworkSpec{})
	volume := createVolume(t, c, "events-vol", spec.VolumeSpec{})
	s := parse(t, `{labels: {a: b}, healthcheck: {command: [/testapp, healthcheck], interval: 1s}, args: [-http, ":8080"], networks: [{name: `+n.Name+`}]}`)
	id := run(t, c, "events", s).ID
	if err := c.Rename(t.Context(), id, named("renamed")); err != nil {
		t.Fatal(err)
	}
	for what, is := range map[string]func(plan.Event) bool{
		"volume create": func(e plan.Event) bool { return e.Type == "volume" && e.Action == "create" && e.ID == volume },
		"network create": func(e plan.Event) bool {
			return e.Type == "network" && e.Action == "create" && e.ID == n.ID && e.Name == n.Name
		},
		"network connect": func(e plan.Event) bool {
			return e.Type == "network" && e.Action == "connect" && e.ID == n.ID && e.Container == id
		},
		"container start": func(e plan.Event) bool {
			return e.Type == "container" && e.Action == "start" && e.ID == id && e.Name == named("events") && e.Labels["a"] == "b" && !e.Time.IsZero()
		},
		"container rename": func(e plan.Event) bool { return e.Action == "rename" && e.ID == id && e.Name == named("renamed") },
		"container healthy": func(e plan.Event) bool {
			return e.Type == "container" && e.Action == "health_status: healthy" && e.ID == id
		},
	} {
		wait(t, what, func() bool { return r.has(is) })
	}
	if r.has(func(e plan.Event) bool { return strings.HasPrefix(e.Action, "exec_") }) {
		t.Error("told of exec events, which each health check makes three of")
	}
	if err := end(); !errors.Is(err, context.Canceled) || fault.ClassOf(err) != fault.DockerConnection {
		t.Errorf("ended by %v", err)
	}
}
