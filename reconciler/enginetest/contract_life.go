package enginetest

import (
	"time"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// lifeCases are about how containers come, go and are told of.
var lifeCases = []contractCase{
	{"create, start, stop, remove", testLife},
	{"a program that cannot be started", testUnstartable},
	{"stop kills after the grace period", testGrace},
	{"pause and unpause", testPause},
	{"restart after the program ended", testRestart},
	{"no restart after enough failures", testOnFailure},
	{"no restart after a kill by hand", testKill},
	{"a stop ends the wait for a restart", testStopWhileRestarting},
	{"health", testHealth},
	{"events of a container's life", testContainerEvents},
	{"no events from before the subscription", testNoOldEvents},
}

// awaitListening waits for a program to be healthy, by which time it ends by itself when it is told to.
func (b *bench) awaitListening(id string) {
	b.await(id, "the program listens to signals", func(c plan.Container) bool { return c.Health == plan.HealthHealthy })
}

func testLife(b *bench) {
	e, ctx := b.Engine, b.Context()
	id := b.create(plan.Create{Name: "life", Spec: b.Program(Behaviour{HealthyAfter: 100 * time.Millisecond})})
	b.wantState(id, plan.StateCreated)
	b.ok(e.Stop(ctx, id))
	b.wantState(id, plan.StateCreated)
	for range 2 {
		b.ok(e.Start(ctx, id))
	}
	started := b.wantState(id, plan.StateRunning)
	equal(b, "finished at zero, and it", started.FinishedAt.IsZero(), true)
	b.awaitListening(id)
	for range 2 {
		b.ok(e.Stop(ctx, id))
	}
	c := b.wantState(id, plan.StateExited)
	equal(b, "exit code", c.ExitCode, 0)
	equal(b, "finished after the start, and it", c.FinishedAt.After(c.StartedAt) || c.FinishedAt.Equal(c.StartedAt), true)
	b.ok(e.Start(ctx, b.named("life")))
	c = b.wantState(id, plan.StateRunning)
	equal(b, "it remembers when it last finished, and it", c.FinishedAt.IsZero(), false)
	for range 2 {
		b.ok(e.Remove(ctx, id))
	}
	b.wantFault(failed(e.Inspect(ctx, id)), fault.RuntimeContainer, fault.NotFound, "No such container")
}

func testUnstartable(b *bench) {
	s := b.Program(Behaviour{FailStart: fault.New(fault.RuntimeContainer, fault.Terminal, "no such file or directory")})
	id := b.create(plan.Create{Name: "unstartable", Spec: s})
	b.wantFault(b.Engine.Start(b.Context(), id), fault.RuntimeContainer, fault.Terminal, "no such file or directory")
	c := b.wantState(id, plan.StateCreated)
	if c.ExitCode == 0 || c.Error == "" || !c.StartedAt.IsZero() {
		b.Errorf("exit code %d, error %q, started %s; want a failure that never started", c.ExitCode, c.Error, c.StartedAt)
	}
}

func testGrace(b *bench) {
	s := b.Program(Behaviour{IgnoreTerm: true})
	s.TerminationGracePeriodSeconds = new(int64(1))
	id := b.start("stubborn", s)
	began := time.Now()
	b.ok(b.Engine.Stop(b.Context(), id))
	equal(b, "exit code", b.wantState(id, plan.StateExited).ExitCode, 137)
	equal(b, "it had its second, and that", time.Since(began) >= time.Second, true)
}

func testPause(b *bench) {
	e, ctx := b.Engine, b.Context()
	id := b.start("paused", b.app())
	b.Pause(id)
	b.wantState(id, plan.StatePaused)
	b.wantFault(e.Start(ctx, id), fault.RuntimeContainer, fault.Conflict, "unpause instead")
	b.ok(e.Unpause(ctx, id))
	b.wantState(id, plan.StateRunning)
	b.wantFault(e.Unpause(ctx, id), fault.RuntimeContainer, fault.Retry, "is not paused")
	b.Pause(id)
	b.ok(e.Stop(ctx, id))
	b.wantState(id, plan.StateExited)
	b.wantFault(e.Unpause(ctx, id), fault.RuntimeContainer, fault.Retry, "is not paused")
}

func testRestart(b *bench) {
	s := b.Program(Behaviour{ExitAfter: 50 * time.Millisecond, ExitCode: 3})
	s.RestartPolicy = spec.RestartAlways
	id := b.start("crashing", s)
	waiting := b.await(id, "the engine waits before a restart", func(c plan.Container) bool { return c.State == plan.StateRestarting })
	equal(b, "exit code", waiting.ExitCode, 3)
	b.same("list", b.listed(id).ID, id)
	again := b.await(id, "it runs again", func(c plan.Container) bool { return c.State == plan.StateRunning && c.RestartCount > 0 })
	equal(b, "a later start, and it", again.StartedAt.After(waiting.StartedAt), true)

	b.await(id, "it has been restarted often", func(c plan.Container) bool { return c.RestartCount > 2 })
	b.ok(b.Engine.Stop(b.Context(), id))
	equal(b, "restarts are remembered, and it", b.wantState(id, plan.StateExited).RestartCount > 2, true)
	b.ok(b.Engine.Start(b.Context(), id))
	equal(b, "a start by hand counts anew, and it", b.inspect(id).RestartCount <= 1, true)
}

func testOnFailure(b *bench) {
	for name, test := range map[string]struct{ code, restarts int }{"failing": {3, 2}, "finishing": {0, 0}} {
		s := b.Program(Behaviour{ExitAfter: 10 * time.Millisecond, ExitCode: test.code})
		s.RestartPolicy, s.MaximumRetryCount = spec.RestartOnFailure, 2
		c := b.await(b.start(name, s), "it has ended for good", func(c plan.Container) bool { return c.State == plan.StateExited })
		equal(b, name+": restarts", c.RestartCount, test.restarts)
		equal(b, name+": exit code", c.ExitCode, test.code)
	}
}

func testKill(b *bench) {
	s := b.app()
	s.RestartPolicy = spec.RestartAlways
	id := b.start("killed", s)
	b.Kill(id)
	c := b.wantState(id, plan.StateExited)
	equal(b, "exit code", c.ExitCode, 137)
	b.idle(id, plan.StateExited)
	b.ok(b.Engine.Start(b.Context(), id))
	b.wantState(id, plan.StateRunning)
}

// eventually is a time that an engine has for what it does on its own, where the contract is that it does nothing.
const eventually = 500 * time.Millisecond

// idle checks that a container's state stays for a while.
func (b *bench) idle(id string, want plan.State) {
	b.Helper()
	over := time.Now().Add(eventually)
	b.await(id, "the time is over", func(c plan.Container) bool {
		if c.State != want {
			b.Fatalf("state is %s, want it to stay %s", c.State, want)
		}
		return time.Now().After(over)
	})
}

func testStopWhileRestarting(b *bench) {
	s := b.Program(Behaviour{ExitAfter: time.Millisecond, ExitCode: 3})
	s.RestartPolicy = spec.RestartAlways
	id := b.start("restarting", s)
	b.await(id, "the wait is long", func(c plan.Container) bool { return c.State == plan.StateRestarting && c.RestartCount > 3 })
	b.same("state in the list", b.listed(id).State, plan.StateRestarting)
	b.ok(b.Engine.Start(b.Context(), id))
	b.wantState(id, plan.StateRestarting)
	b.ok(b.Engine.Stop(b.Context(), id))
	b.idle(id, plan.StateExited)
}

func testHealth(b *bench) {
	s := b.Program(Behaviour{HealthyAfter: time.Second})
	r := b.follow()
	id := b.create(plan.Create{Name: "healthy", Spec: s})
	equal(b, "health of a container that never ran", b.inspect(id).Health, plan.HealthNone)
	b.ok(b.Engine.Start(b.Context(), id))
	equal(b, "health after the start", b.inspect(id).Health, plan.HealthStarting)
	b.want(r, plan.Event{Type: "container", Action: "health_status: healthy", ID: id})
	equal(b, "health", b.inspect(id).Health, plan.HealthHealthy)
	equal(b, "health in the list", b.listed(id).Health, plan.HealthHealthy)
	b.ok(b.Engine.Stop(b.Context(), id))
	equal(b, "health after the stop", b.inspect(id).Health, plan.HealthUnhealthy)
	equal(b, "health in the list after the stop", b.listed(id).Health, plan.HealthNone)
}

func testContainerEvents(b *bench) {
	e, ctx := b.Engine, b.Context()
	r := b.follow()
	s := spec.ContainerSpec{Image: b.Meta, Labels: map[string]string{"a": "b"}}
	id := b.create(plan.Create{Name: "told", Spec: s})
	bridge, err := e.InspectNetwork(ctx, "bridge")
	b.ok(err)
	anonymous := b.inspect(id).Anonymous["/data"]
	b.want(r, plan.Event{Type: "volume", Action: "create", ID: anonymous})
	wantNext := func(actions ...string) {
		b.Helper()
		for _, action := range actions {
			got := b.want(r, plan.Event{Type: "container", Action: action, ID: id})
			equal(b, action+": label", got.Labels["a"], "b")
			equal(b, action+": name label", got.Labels["name"], got.Name)
		}
	}
	wantNext("create")
	b.ok(e.Start(ctx, id))
	wantNext("start")
	got := b.want(r, plan.Event{Type: "network", Action: "connect", ID: bridge.ID, Container: id})
	equal(b, "network's name", got.Name, "bridge")
	b.Pause(id)
	wantNext("pause")
	b.ok(e.Unpause(ctx, id))
	wantNext("unpause")
	b.ok(e.Rename(ctx, id, b.named("retold")))
	got = b.want(r, plan.Event{Type: "container", Action: "rename", ID: id})
	equal(b, "new name", got.Name, b.named("retold"))
	equal(b, "old name", got.Labels["oldName"], "/"+b.named("told"))
	b.ok(e.Update(ctx, id, plan.Update{Pids: new(int64(50))}))
	wantNext("update")
	b.ok(e.Stop(ctx, id))
	wantNext("die", "stop")
	b.want(r, plan.Event{Type: "network", Action: "disconnect", ID: bridge.ID, Container: id})
	r.forget()
	b.ok(e.Start(ctx, id))
	b.Kill(id)
	equal(b, "exit code", b.want(r, plan.Event{Type: "container", Action: "die", ID: id}).Labels["exitCode"], "137")
	b.ok(e.Remove(ctx, id))
	wantNext("destroy")
	b.ok(e.RemoveVolume(ctx, anonymous))
	b.want(r, plan.Event{Type: "volume", Action: "destroy", ID: anonymous})
}

func testNoOldEvents(b *bench) {
	id := b.create(plan.Create{Name: "earlier", Spec: b.app()})
	r := b.follow()
	b.ok(b.Engine.Start(b.Context(), id))
	b.want(r, plan.Event{Type: "container", Action: "start", ID: id})
	if _, ok := r.find(plan.Event{Type: "container", Action: "create", ID: id}); ok {
		b.Error("an event from before the subscription came")
	}
}
