package enginetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// Harness is an engine for the contract to be tested on.
type Harness struct {
	Engine reconciler.Engine
	// App is an image that sets a command, arguments and an environment, and is healthy by no check of its own. Meta sets all that
	// an image can set, a volume at /data among it. Both run until they are stopped.
	App, Meta string
	// Prefix begins the name of everything that is made, so that nothing else is touched.
	Prefix string
	// Program gives a container whose program behaves so.
	Program func(Behaviour) spec.ContainerSpec
	// Kill and Pause are docker kill and docker pause.
	Kill, Pause func(container string)
}

// contractPort is the one port of the host that the contract takes.
const contractPort = 38491

// patience is how long a test waits for what the engine does in its own time.
const patience = 30 * time.Second

// Contract tests what the reconciler counts on. within runs one case, as synctest.Test does where time is virtual; newHarness is
// called within it. Cases may run side by side.
func Contract(t *testing.T, within func(*testing.T, func(*testing.T)), newHarness func(*testing.T) Harness) {
	for i, c := range slices.Concat(containerCases, lifeCases, networkCases, updateCases, execCases) {
		t.Run(c.name, func(t *testing.T) {
			within(t, func(t *testing.T) { c.test(&bench{T: t, Harness: newHarness(t), number: i}) })
		})
	}
}

type contractCase struct {
	name string
	test func(*bench)
}

// bench is a test of the contract, with the steps that every case is made of. A step that fails ends the test.
type bench struct {
	*testing.T
	Harness
	number int // of the case
}

// named gives a name, and address an address and pool a subnet, that no other case has.
func (b *bench) named(name string) string { return fmt.Sprintf("%s%d-%s", b.Prefix, b.number, name) }

func (b *bench) address(host int) string { return fmt.Sprintf("10.213.%d.%d", 100+b.number, host) }

func (b *bench) pool() *spec.IPAM {
	return &spec.IPAM{Pools: []spec.IPAMPool{{Subnet: b.address(0) + "/24"}}}
}

func (b *bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// app is a container that runs until it is stopped. Its time to stop is short, because a program that has only just begun, as
// process 1, does not hear the signal.
func (b *bench) app() spec.ContainerSpec {
	s := b.Program(Behaviour{})
	s.TerminationGracePeriodSeconds = new(int64(1))
	return s
}

// create makes a container that is removed with its anonymous volumes when the test ends.
func (b *bench) create(p plan.Create) string {
	b.Helper()
	p.Name = b.named(p.Name)
	id, _, err := b.Engine.Create(b.Context(), p)
	b.ok(err)
	b.Cleanup(func() { b.discard(id) })
	return id
}

func (b *bench) discard(id string) {
	ctx := context.WithoutCancel(b.Context())
	seen, err := b.Engine.Inspect(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return
	}
	if err := b.Engine.Remove(ctx, id); err != nil {
		b.Errorf("left behind: %v", err)
	}
	for _, v := range seen.Anonymous {
		b.discardVolume(v)
	}
}

func (b *bench) discardVolume(name string) {
	if err := b.Engine.RemoveVolume(context.WithoutCancel(b.Context()), name); err != nil && !fault.Is(err, fault.NotFound) {
		b.Errorf("left behind: %v", err)
	}
}

func (b *bench) start(name string, s spec.ContainerSpec) string {
	b.Helper()
	id := b.create(plan.Create{Name: name, Spec: s})
	b.ok(b.Engine.Start(b.Context(), id))
	return id
}

func (b *bench) network(name string, s spec.NetworkSpec) plan.Network {
	b.Helper()
	id, err := b.Engine.CreateNetwork(b.Context(), plan.NetworkCreate{Name: b.named(name), Spec: s})
	b.ok(err)
	b.Cleanup(func() {
		if err := b.Engine.RemoveNetwork(context.WithoutCancel(b.Context()), id); err != nil {
			b.Errorf("left behind: %v", err)
		}
	})
	n, err := b.Engine.InspectNetwork(b.Context(), id)
	b.ok(err)
	return n
}

// subnet is a network in which addresses can be asked for.
func (b *bench) subnet(name string) plan.Network {
	b.Helper()
	return b.network(name, spec.NetworkSpec{IPAM: b.pool()})
}

func (b *bench) inspect(id string) plan.Container {
	b.Helper()
	c, err := b.Engine.Inspect(b.Context(), id)
	b.ok(err)
	return c
}

func (b *bench) listed(id string) plan.Summary {
	b.Helper()
	list, err := b.Engine.List(b.Context())
	b.ok(err)
	i := slices.IndexFunc(list, func(s plan.Summary) bool { return s.ID == id })
	if i < 0 {
		b.Fatalf("container %s is not in the list", id)
	}
	return list[i]
}

func (b *bench) volume(name string) (plan.Volume, bool) {
	b.Helper()
	list, err := b.Engine.Volumes(b.Context())
	b.ok(err)
	i := slices.IndexFunc(list, func(v plan.Volume) bool { return v.Name == name })
	if i < 0 {
		return plan.Volume{}, false
	}
	return list[i], true
}

func (b *bench) wantState(id string, want plan.State) plan.Container {
	b.Helper()
	c := b.inspect(id)
	if c.State != want {
		b.Fatalf("state is %s, want %s; exit code %d, error %q", c.State, want, c.ExitCode, c.Error)
	}
	return c
}

// await polls a container for what the engine brings about in its own time.
func (b *bench) await(id, what string, is func(plan.Container) bool) plan.Container {
	b.Helper()
	var c plan.Container
	b.until(what, func() bool { c = b.inspect(id); return is(c) })
	return c
}

func (b *bench) until(what string, is func() bool) {
	b.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			b.Fatalf("waited %s in vain: %s", patience, what)
		}
	}
}

func equal[T comparable](b *bench, what string, got, want T) {
	b.Helper()
	if got != want {
		b.Errorf("%s is %v, want %v", what, got, want)
	}
}

// wantFault checks the type of an error and that it says what could not be done.
func (b *bench) wantFault(err error, class fault.Class, behaviour fault.Behaviour, says string) {
	b.Helper()
	switch {
	case err == nil:
		b.Errorf("no error, want %s that says %q", class, says)
	case fault.ClassOf(err) != class || !fault.Is(err, behaviour):
		b.Errorf("class %s, behaviour %d as wanted: %t, want %s: %v", fault.ClassOf(err), behaviour, fault.Is(err, behaviour), class, err)
	case !strings.Contains(err.Error(), says):
		b.Errorf("error does not say %q: %v", says, err)
	}
}

// recorder has the events since it was made.
type recorder struct {
	mu   sync.Mutex
	seen []plan.Event
}

// follow subscribes, and ends the subscription with the test.
func (b *bench) follow() *recorder {
	b.Helper()
	r := &recorder{}
	ctx, cancel := context.WithCancel(b.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- b.Engine.Events(ctx, func() { close(ready) }, r.note) }()
	select {
	case <-ready:
	case err := <-ended:
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err == nil {
			b.Error("the stream of events ended without an error")
		}
	})
	return r
}

func (r *recorder) note(e plan.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, e)
}

// find gives the first event that fits; want has the fields that are to agree, and empty ones.
func (r *recorder) find(want plan.Event) (plan.Event, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fits := func(got, want string) bool { return want == "" || got == want }
	i := slices.IndexFunc(r.seen, func(e plan.Event) bool {
		return fits(e.Type, want.Type) && fits(e.Action, want.Action) && fits(e.ID, want.ID) && fits(e.Container, want.Container)
	})
	if i < 0 {
		return plan.Event{}, false
	}
	return r.seen[i], true
}

func (r *recorder) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = nil
}

// want waits for an event.
func (b *bench) want(r *recorder, want plan.Event) (got plan.Event) {
	b.Helper()
	b.until("an event "+want.Type+" "+want.Action, func() (ok bool) { got, ok = r.find(want); return ok })
	if got.Time.IsZero() {
		b.Errorf("event %s %s has no time", got.Type, got.Action)
	}
	return got
}
