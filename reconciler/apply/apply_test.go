package apply_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"berth.dev/berth/reconciler/apply"
	"berth.dev/berth/reconciler/enginetest"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

const roundTrip = time.Millisecond

// recorder notes the changing calls in their order.
type recorder struct {
	mu    sync.Mutex
	calls []string
}

func (r *recorder) hear(c enginetest.Call) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.Changes() && !c.Done {
		r.calls = append(r.calls, strings.TrimSpace(c.Method+" "+c.Target+" "+c.To))
	}
	return nil
}

func inTime(t *testing.T, f func(t *testing.T, e *enginetest.Engine, r *recorder)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e, r := enginetest.New(), &recorder{}
		defer e.Close()
		e.Latency("*", roundTrip)
		e.AddImage("web:1", plan.Image{})
		e.OnCall(r.hear)
		f(t, e, r)
		e.CheckInvariants(t)
	})
}

func creation(name string) plan.Action {
	return plan.Action{Kind: plan.ActionCreate, Target: name, Ops: []plan.Op{create(name), {Verb: plan.StartContainer, Target: name}}}
}

func create(name string) plan.Op {
	labels := map[string]string{spec.LabelNamespace: "shop", spec.LabelName: name, spec.LabelOrdinal: "0"}
	return plan.Op{Verb: plan.CreateContainer, Target: name, Container: &plan.Create{Name: name, Spec: spec.ContainerSpec{Image: "web:1"}, Labels: labels}}
}

// recreation is what the planner makes of a container that runs.
func recreation(name, id string) plan.Action {
	next, prev := name+".next", name+".prev"
	first := create(next)
	first.Undo = &plan.Op{Verb: plan.RemoveContainer, Target: next}
	return plan.Action{Kind: plan.ActionRecreate, Target: name, Ops: []plan.Op{
		first,
		{Verb: plan.RenameContainer, Target: id, To: prev, Undo: &plan.Op{Verb: plan.RenameContainer, Target: id, To: name}},
		{Verb: plan.RenameContainer, Target: next, To: name, Undo: &plan.Op{Verb: plan.RenameContainer, Target: name, To: next}},
		{Verb: plan.StopContainer, Target: id, Undo: &plan.Op{Verb: plan.StartContainer, Target: id}},
		{Verb: plan.StartContainer, Target: name},
		{Verb: plan.RemoveContainer, Target: id},
	}}
}

func pull(ref string) plan.Action {
	return plan.Action{Kind: plan.ActionPull, Target: ref, Ops: []plan.Op{{Verb: plan.PullImage, Target: ref}}}
}

func start(t *testing.T, e *enginetest.Engine, names ...string) (ids []string) {
	t.Helper()
	for _, name := range names {
		o := apply.New(e, 8).Apply(t.Context(), plan.Plan{Actions: []plan.Action{creation(name)}})
		if len(o) != 1 || o[0].Err != nil || o[0].Done != 2 || len(o[0].Created) != 1 {
			t.Fatalf("cannot start %s: %+v", name, o)
		}
		ids = append(ids, o[0].Created...)
	}
	return ids
}

func TestOrder(t *testing.T) {
	inTime(t, func(t *testing.T, e *enginetest.Engine, r *recorder) {
		e.AddRemote("new:1", plan.Image{})
		ids := start(t, e, "aa", "bb")
		r.calls = nil
		out := apply.New(e, 8).Apply(context.Background(), plan.Plan{Actions: []plan.Action{
			recreation("aa", ids[0]), recreation("bb", ids[1]), creation("cc"), pull("new:1"),
		}})
		for _, o := range out {
			if o.Err != nil {
				t.Errorf("%s %s: %v", o.Action.Kind, o.Action.Target, o.Err)
			}
		}
		want := []string{"Pull new:1", "Create cc", "Start cc",
			"Create aa.next", "Rename aa aa.prev", "Rename aa.next aa", "Stop aa.prev", "Start aa", "Remove aa.prev",
			"Create bb.next", "Rename bb bb.prev", "Rename bb.next bb", "Stop bb.prev", "Start bb", "Remove bb.prev"}
		if diff := cmp.Diff(want, r.calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

func TestFailedPullTouchesNothingThatNeedsAnImage(t *testing.T) {
	inTime(t, func(t *testing.T, e *enginetest.Engine, r *recorder) {
		ids := start(t, e, "aa", "bb", "cc")
		e.StopByHand("bb")
		r.calls = nil
		out := apply.New(e, 8).Apply(context.Background(), plan.Plan{Actions: []plan.Action{
			pull("missing:1"), recreation("aa", ids[0]), creation("dd"),
			{Kind: plan.ActionStart, Target: "bb", Ops: []plan.Op{{Verb: plan.StartContainer, Target: ids[1]}}},
			{Kind: plan.ActionRemove, Target: "cc", Ops: []plan.Op{{Verb: plan.RemoveContainer, Target: ids[2]}}},
		}})
		if len(out) != 3 || out[0].Err == nil || out[0].Done != 0 {
			t.Errorf("outcomes: %+v", out)
		}
		want := []string{"Pull missing:1", "Remove cc", "Start bb"}
		if diff := cmp.Diff(want, r.calls, cmpopts.SortSlices(strings.Compare)); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

// state is what there is, without what time and identity make of it.
func state(t *testing.T, e *enginetest.Engine) (out []string) {
	t.Helper()
	all, err := e.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		out = append(out, fmt.Sprint(s.Name, " ", s.State, " ", s.ID))
	}
	return out
}

func TestUndo(t *testing.T) {
	for n, call := range []string{"Create", "Rename", "Rename", "Stop", "Start", "Remove"} {
		t.Run(fmt.Sprintf("op %d %s", n, call), func(t *testing.T) {
			inTime(t, func(t *testing.T, e *enginetest.Engine, r *recorder) {
				ids := start(t, e, "aa")
				before := state(t, e)
				e.Fail(call, map[int]string{1: "aa", 2: "aa.next"}[n], errors.New("no"), 1)
				out := apply.New(e, 8).Apply(context.Background(), plan.Plan{Actions: []plan.Action{recreation("aa", ids[0])}})
				if len(out) != 1 || out[0].Err == nil || out[0].Done != n {
					t.Fatalf("outcome: %+v", out)
				}
				after := state(t, e)
				if call == "Remove" { // the replacement runs: going back would end what works
					if out[0].Undone || len(after) != 2 || !strings.Contains(after[0], "aa running") || !strings.Contains(after[1], "aa.prev exited") {
						t.Errorf("undone %v, left %v", out[0].Undone, after)
					}
					return
				}
				if diff := cmp.Diff(before, after); diff != "" || !out[0].Undone {
					t.Errorf("undone %v, state (-before +after):\n%s", out[0].Undone, diff)
				}
			})
		})
	}
}

// What cannot be put back is told, and the rest is put back all the same.
func TestUndoFails(t *testing.T) {
	inTime(t, func(t *testing.T, e *enginetest.Engine, r *recorder) {
		ids := start(t, e, "aa")
		e.Fail("Start", "aa", errors.New("no start"), 1)
		e.Fail("Remove", "aa.next", errors.New("no removal"), 1)
		out := apply.New(e, 8).Apply(context.Background(), plan.Plan{Actions: []plan.Action{recreation("aa", ids[0])}})
		if out[0].Undone || !strings.Contains(out[0].Err.Error(), "no start") || !strings.Contains(out[0].Err.Error(), "no removal") {
			t.Errorf("outcome: %+v", out[0])
		}
		if after := state(t, e); !strings.Contains(strings.Join(after, "\n"), "aa running "+ids[0]) {
			t.Errorf("the old one does not run: %v", after)
		}
	})
}

func TestRecreationsEndAtTheFirstFailure(t *testing.T) {
	inTime(t, func(t *testing.T, e *enginetest.Engine, r *recorder) {
		ids := start(t, e, "aa", "bb", "cc")
		e.Fail("Start", "bb", errors.New("no"), 1)
		out := apply.New(e, 8).Apply(context.Background(), plan.Plan{Actions: []plan.Action{recreation("aa", ids[0]), recreation("bb", ids[1]), recreation("cc", ids[2])}})
		if len(out) != 2 || out[0].Err != nil || out[1].Err == nil {
			t.Errorf("outcomes: %+v", out)
		}
	})
}

// Actions on one target keep their order, and go on past one that fails.
func TestOneTargetInOrder(t *testing.T) {
	inTime(t, func(t *testing.T, e *enginetest.Engine, r *recorder) {
		ids := start(t, e, "aa")
		r.calls = nil
		e.Fail("Update", "aa", errors.New("no"), 1)
		out := apply.New(e, 8).Apply(context.Background(), plan.Plan{Actions: []plan.Action{
			{Kind: plan.ActionUpdate, Target: "aa", Ops: []plan.Op{{Verb: plan.UpdateContainer, Target: ids[0], Update: &plan.Update{CPUShares: new(int64(2))}}}},
			{Kind: plan.ActionUpdate, Target: "aa", Ops: []plan.Op{{Verb: plan.Disconnect, Target: ids[0], To: "bridge"}, {Verb: plan.Connect, Target: ids[0], To: "bridge", Endpoint: &spec.NetworkAttachment{Name: "bridge"}}}},
		}})
		if out[0].Err == nil || out[1].Err != nil {
			t.Errorf("outcomes: %+v", out)
		}
		if diff := cmp.Diff([]string{"Update aa", "Disconnect aa bridge", "Connect aa bridge"}, r.calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

func TestLimit(t *testing.T) {
	inTime(t, func(t *testing.T, e *enginetest.Engine, r *recorder) {
		const limit = 3
		var now, most atomic.Int32
		e.OnCall(func(c enginetest.Call) error {
			if c.Method != "Create" && c.Method != "Start" {
				return nil
			}
			if c.Done {
				now.Add(-1)
			} else if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			return nil
		})
		a := apply.New(e, limit)
		var wg sync.WaitGroup // workers share an applier
		for w := range 4 {
			wg.Go(func() {
				var p plan.Plan
				for i := range 5 {
					p.Actions = append(p.Actions, creation(fmt.Sprintf("w%d-%d", w, i)))
				}
				for _, o := range a.Apply(context.Background(), p) {
					if o.Err != nil {
						t.Error(o.Err)
					}
				}
			})
		}
		wg.Wait()
		if most.Load() != limit {
			t.Errorf("%d creations and starts at once, want %d", most.Load(), limit)
		}
	})
}

// The end of a context ends nothing half way.
func TestContextEndsBetweenActions(t *testing.T) {
	inTime(t, func(t *testing.T, e *enginetest.Engine, r *recorder) {
		ids := start(t, e, "aa", "bb")
		ctx, cancel := context.WithCancel(context.Background())
		e.OnCall(func(c enginetest.Call) error {
			if c.Method == "Stop" {
				cancel()
			}
			return nil
		})
		out := apply.New(e, 8).Apply(ctx, plan.Plan{Actions: []plan.Action{recreation("aa", ids[0]), recreation("bb", ids[1])}})
		if len(out) != 1 || out[0].Err != nil || out[0].Done != 6 {
			t.Errorf("outcomes: %+v", out)
		}
		if out := apply.New(e, 8).Apply(ctx, plan.Plan{Actions: []plan.Action{creation("cc")}}); len(out) != 0 {
			t.Errorf("begun after the end: %+v", out)
		}
	})
}

func TestProgress(t *testing.T) {
	inTime(t, func(t *testing.T, e *enginetest.Engine, r *recorder) {
		e.AddRemote("new:1", plan.Image{})
		a := apply.New(e, 8)
		var got []string
		a.Progress = func(ref string, p apply.Progress) { got = append(got, fmt.Sprint(ref, " ", p.Done, "/", p.Layers)) }
		a.Apply(context.Background(), plan.Plan{Actions: []plan.Action{pull("new:1")}})
		if diff := cmp.Diff([]string{"new:1 1/1"}, got); diff != "" {
			t.Error(diff)
		}
	})
}
