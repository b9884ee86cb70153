package enginetest

import (
	"context"
	"errors"
	"strings"
	"time"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
)

// execCases are about commands in containers. The commands are those of the test program.
var execCases = []contractCase{
	{"commands: exit codes and output", testExec},
	{"commands: output beyond what is kept", testExecMuch},
	{"commands: an end of the wait", testExecGivenUp},
	{"commands: where nothing runs", testExecWithout},
	{"commands: the container ends meanwhile", testExecKilled},
	{"commands: no events", testExecEvents},
	{"stop with another grace period", testStopWithin},
}

func testExec(b *bench) {
	id := b.start("commands", b.app())
	for command, want := range map[string]struct {
		code   int
		output string // part of it
	}{
		"/testapp exit 0":      {0, ""},
		"/testapp exit 7":      {7, ""},
		"/testapp cat /none":   {1, "no such file or directory"}, // said on standard error
		"/testapp sleep 600ms": {0, ""},
		"/etc":                 {126, "permission denied"},
		"/none":                {126, "no such file or directory"},
		"none":                 {126, "executable file not found"},
	} {
		code, output, err := b.Engine.Exec(b.Context(), id, strings.Fields(command))
		b.ok(err)
		if code == 127 { // of newer engines, where there is no such program
			code = 126
		}
		if code != want.code || !strings.Contains(output, want.output) || output != strings.TrimSpace(output) {
			b.Errorf("%s: code %d and output %q, want %d and %q", command, code, output, want.code, want.output)
		}
	}
}

func testExecMuch(b *bench) {
	id := b.start("chatty", b.app())
	code, output, err := b.Engine.Exec(b.Context(), b.named("chatty"), []string{"/testapp", "cat", "/testapp"})
	b.ok(err)
	equal(b, "exit code", code, 0)
	equal(b, "it says something, and no more than is kept, and that", output != "" && len(output) <= execOutput, true)
	b.wantState(id, plan.StateRunning)
}

func testExecGivenUp(b *bench) {
	id := b.start("slow", b.app())
	ctx, cancel := context.WithTimeout(b.Context(), 500*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, _, err := b.Engine.Exec(ctx, id, []string{"/testapp", "sleep", "20s"})
	b.wantFault(err, fault.RuntimeContainer, fault.Retry, `cannot run "/testapp sleep 20s" in container`)
	equal(b, "it says that the time was up, and that", errors.Is(err, context.DeadlineExceeded), true)
	equal(b, "it waited no longer, and that", time.Since(began) < 10*time.Second, true)
	code, _, err := b.Engine.Exec(b.Context(), id, []string{"/testapp", "exit", "3"})
	b.ok(err)
	equal(b, "exit code of the next", code, 3)
}

func testExecWithout(b *bench) {
	exec := func(id string) error {
		_, _, err := b.Engine.Exec(b.Context(), id, []string{"/testapp", "exit", "0"})
		return err
	}
	id := b.create(plan.Create{Name: "idle", Spec: b.app()})
	b.wantFault(exec(id), fault.RuntimeContainer, fault.Conflict, "is not running")
	b.ok(b.Engine.Start(b.Context(), id))
	b.Pause(id)
	b.wantFault(exec(id), fault.RuntimeContainer, fault.Conflict, "is paused")
	b.ok(b.Engine.Remove(b.Context(), id))
	b.wantFault(exec(id), fault.RuntimeContainer, fault.NotFound, "No such container")
}

func testExecKilled(b *bench) {
	id := b.start("short", b.app())
	ended := make(chan error, 1)
	go func() {
		code, _, err := b.Engine.Exec(b.Context(), id, []string{"/testapp", "sleep", "20s"})
		if code == 137 { // where the engine tells of the command's end before it forgets the command
			err = fault.New(fault.RuntimeContainer, fault.Conflict, "the container does not run any more")
		}
		ended <- err
	}()
	// That the command runs is seen by nothing but time; where it has not begun by then, it fails in the same way.
	over := time.Now().Add(eventually)
	b.await(id, "the command runs", func(plan.Container) bool { return time.Now().After(over) })
	b.Kill(id)
	b.wantFault(<-ended, fault.RuntimeContainer, fault.Conflict, "")
}

func testExecEvents(b *bench) {
	id := b.start("quiet", b.app())
	r := b.follow()
	_, _, err := b.Engine.Exec(b.Context(), id, []string{"/testapp", "exit", "0"})
	b.ok(err)
	b.ok(b.Engine.Rename(b.Context(), id, b.named("told")))
	b.want(r, plan.Event{Type: "container", Action: "rename", ID: id})
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.seen {
		if strings.HasPrefix(e.Action, "exec_") {
			b.Errorf("event %s came", e.Action)
		}
	}
}

func testStopWithin(b *bench) {
	s := b.Program(Behaviour{IgnoreTerm: true})
	s.TerminationGracePeriodSeconds = new(int64(60))
	id := b.start("other", s)
	for range 2 {
		began := time.Now()
		b.ok(b.Engine.StopWithin(b.Context(), id, 1))
		equal(b, "it did not have its minute, and that", time.Since(began) < patience, true)
		equal(b, "exit code", b.wantState(id, plan.StateExited).ExitCode, 137)
	}
	b.ok(b.Engine.Remove(b.Context(), id))
	b.wantFault(b.Engine.StopWithin(b.Context(), id, 1), fault.RuntimeContainer, fault.NotFound, "No such container")
}
