package reconciler_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/enginetest"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
	"berth.dev/berth/spec/load"
)

// roundTrip is how long a call of the engine takes here: with none, what happens before and after a call has the same time.
const roundTrip = time.Millisecond

// catalog is a plan.Catalog for tests.
type catalog map[spec.Key]spec.Object

func (c catalog) Get(k spec.Key) (spec.Object, bool) { o, ok := c[k]; return o, ok }

func parse(t *testing.T, manifest string) catalog {
	t.Helper()
	r := load.LoadFile(load.File{Path: "test.yaml", Data: []byte(manifest)}, load.Options{})
	for _, p := range r.Problems {
		t.Fatal(p)
	}
	c := catalog{}
	for _, o := range r.Objects {
		c[o.Key()] = o
	}
	return c
}

// rig is a reconciler on an engine in memory.
type rig struct {
	*testing.T
	engine *enginetest.Engine
	rec    *reconciler.Reconciler
	want   catalog
}

// inTime runs a test in virtual time.
func inTime(t *testing.T, manifest string, f func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{T: t, engine: enginetest.New(), want: parse(t, manifest)}
		defer r.engine.Close()
		r.engine.AddImage("web:1", plan.Image{})
		r.engine.Latency("*", roundTrip)
		r.rec = reconciler.New(r.engine, reconciler.Options{})
		f(r)
		r.engine.CheckInvariants(t)
	})
}

func key(name string) spec.Key {
	return spec.Key{Kind: spec.KindContainer, Namespace: "shop", Name: name}
}

// pass makes one pass over a key, by what is seen from now on.
func (r *rig) pass(k spec.Key) reconciler.Pass {
	r.Helper()
	p, err := r.rec.Reconcile(context.Background(), k, r.want[k], r.want, time.Now())
	if err != nil {
		r.Fatal(err)
	}
	return p
}

// converge makes passes until nothing is left to do.
func (r *rig) converge(keys ...spec.Key) {
	r.Helper()
	for _, k := range keys {
		for n := 0; ; n++ {
			if p := r.pass(k); p.Plan.Empty() && len(p.Plan.Blocks) == 0 {
				break
			} else if n > 10 {
				r.Fatalf("%s does not converge: %s %v", k, p.Plan, p.Plan.Blocks)
			}
		}
	}
	time.Sleep(roundTrip)
}

// costs checks which calls of the engine f makes.
func (r *rig) costs(want map[string]int, f func()) {
	r.Helper()
	r.engine.ResetCalls()
	f()
	if diff := cmp.Diff(want, r.engine.Calls()); diff != "" {
		r.Errorf("calls of the engine (-want +got):\n%s", diff)
	}
}

func kinds(p plan.Plan) (out []plan.ActionKind) {
	for _, a := range p.Actions {
		out = append(out, a.Kind)
	}
	return out
}
