package reconciler_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/enginetest"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

const web = `
apiVersion: berth.dev/v1
kind: Container
metadata: {name: web, namespace: shop}
spec: {image: "web:1"}
`

func many(n int) (manifest string, keys []spec.Key) {
	var b strings.Builder
	for i := range n {
		name := fmt.Sprintf("web%d", i)
		fmt.Fprintf(&b, "---\napiVersion: berth.dev/v1\nkind: Container\nmetadata: {name: %s, namespace: shop}\nspec: {image: \"web:1\"}\n", name)
		keys = append(keys, key(name))
	}
	return b.String(), keys
}

func TestUnchangedCostsOneList(t *testing.T) {
	manifest, keys := many(20)
	inTime(t, manifest, func(r *rig) {
		r.converge(keys...)
		since := time.Now()
		time.Sleep(roundTrip)
		r.costs(map[string]int{"List": 1}, func() {
			for _, k := range keys {
				p, err := r.rec.Reconcile(context.Background(), k, r.want[k], r.want, since)
				if err != nil || !p.Plan.Empty() {
					t.Errorf("%s: %v %v", k, p.Plan, err)
				}
			}
		})
	})
}

func TestPassesSideBySideShareOneList(t *testing.T) {
	manifest, keys := many(20)
	inTime(t, manifest, func(r *rig) {
		r.converge(keys...)
		since := time.Now()
		r.costs(map[string]int{"List": 1}, func() {
			var wg sync.WaitGroup
			for _, k := range keys {
				wg.Go(func() {
					if _, err := r.rec.Reconcile(context.Background(), k, r.want[k], r.want, since); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		})
	})
}

func TestPassesSideBySideShareNetworks(t *testing.T) {
	manifest, keys := many(20)
	manifest = strings.ReplaceAll(manifest, `"web:1"`, `"web:1", networks: [{name: net}]`) +
		"---\napiVersion: berth.dev/v1\nkind: Network\nmetadata: {name: net, namespace: shop}\n"
	inTime(t, manifest, func(r *rig) {
		r.converge(spec.Key{Kind: spec.KindNetwork, Namespace: "shop", Name: "net"})
		r.converge(keys...)
		since := time.Now()
		r.rec.World.TouchNetworks()
		time.Sleep(roundTrip)
		r.costs(map[string]int{"List": 1, "Networks": 1}, func() {
			var wg sync.WaitGroup
			for _, k := range keys {
				wg.Go(func() {
					if p, err := r.rec.Reconcile(context.Background(), k, r.want[k], r.want, since); err != nil || !p.Plan.Empty() {
						t.Error(p.Plan, err)
					}
				})
			}
			wg.Wait()
		})
	})
}

func TestTouchInspectsThatContainerOnly(t *testing.T) {
	manifest, keys := many(3)
	inTime(t, manifest, func(r *rig) {
		r.converge(keys...)
		touched := r.pass(keys[1]).After.Containers[0].ID
		r.rec.World.Touch(touched)
		time.Sleep(roundTrip)
		r.costs(map[string]int{"List": 3, "Inspect": 1}, func() {
			for _, k := range keys {
				r.pass(k)
			}
		})
		r.costs(map[string]int{"List": 1}, func() { r.pass(keys[1]) })
	})
}

// A list shows no health of a container that does not run, and inspect does: that is no change.
func TestEndedContainerWithHealthcheckIsNotInspectedAgain(t *testing.T) {
	inTime(t, strings.Replace(web, `"web:1"`, `"web:1", restartPolicy: Never, healthcheck: {command: [/ok]}`, 1), func(r *rig) {
		r.converge(key("web"))
		r.engine.Exit("shop.web.0", 0)
		r.converge(key("web"))
		r.costs(map[string]int{"List": 1}, func() { r.pass(key("web")) })
	})
}

// What was listed before an action knows nothing of its result. A second pass, asked for by an older time, must not create again.
func TestOwnActionIsNotJudgedByAnOlderList(t *testing.T) {
	inTime(t, web, func(r *rig) {
		since := time.Now()
		for n := range 3 {
			p, err := r.rec.Reconcile(context.Background(), key("web"), r.want[key("web")], r.want, since)
			if err != nil || p.Err() != nil {
				t.Fatal(err, p.Err())
			}
			if done := len(p.Outcomes); done != map[int]int{0: 1}[n] {
				t.Errorf("pass %d did %d actions", n, done)
			}
		}
		if n := r.engine.Calls()["Create"]; n != 1 {
			t.Errorf("%d creations, want 1", n)
		}
	})
}

func TestGoneBetweenListAndInspect(t *testing.T) {
	inTime(t, web, func(r *rig) {
		r.converge(key("web"))
		r.rec.World.Forget()
		once := sync.OnceFunc(func() { r.engine.RemoveByHand("shop.web.0") })
		r.engine.OnCall(func(c enginetest.Call) error {
			if c.Method == "List" && c.Done {
				once()
			}
			return nil
		})
		r.pass(key("web"))
		r.converge(key("web"))
		if n := r.engine.Calls()["Create"]; n != 2 {
			t.Errorf("%d creations, want the first and one after the removal", n)
		}
	})
}

func TestImagesAreLookedUpOnce(t *testing.T) {
	inTime(t, web, func(r *rig) {
		r.converge(key("web"))
		r.costs(map[string]int{"List": 1}, func() { r.pass(key("web")) })
		r.rec.World.TouchImages()
		time.Sleep(roundTrip)
		r.costs(map[string]int{"List": 1, "Image": 2}, func() { r.pass(key("web")) })
		r.costs(map[string]int{"List": 1}, func() { r.pass(key("web")) })
	})
}

// The image that a pull brought is known at once, whether or not its event comes.
func TestPulledImageIsPulledOnce(t *testing.T) {
	inTime(t, strings.Replace(web, "web:1", "web:2", 1), func(r *rig) {
		r.engine.AddRemote("web:2", plan.Image{})
		r.engine.Fail("Create", "*", errors.New("no space"), 1)
		r.pass(key("web"))
		r.converge(key("web"))
		if n := r.engine.Calls()["Pull"]; n != 1 {
			t.Errorf("%d pulls, want 1", n)
		}
	})
}

// What is forgotten while it is being read does not come back.
func TestForgetDuringACall(t *testing.T) {
	inTime(t, web, func(r *rig) {
		r.converge(key("web"))
		id := r.pass(key("web")).After.Containers[0].ID
		r.rec.World.Touch(id)
		once := sync.OnceFunc(func() {
			r.engine.UpdateByHand("shop.web.0", plan.Update{CPUShares: new(int64(7))})
			time.Sleep(roundTrip)
			r.rec.World.Forget()
			time.Sleep(roundTrip)
		})
		r.engine.OnCall(func(c enginetest.Call) error {
			if c.Method == "Inspect" && c.Done {
				once()
			}
			return nil
		})
		r.pass(key("web"))
		time.Sleep(roundTrip)
		r.costs(map[string]int{"Info": 1, "List": 1, "Inspect": 1}, func() {
			k := key("web")
			if _, _, err := r.rec.Plan(context.Background(), k, r.want[k], r.want, time.Now()); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestRecreationsAreCountedUntilTheRevisionHasFailed(t *testing.T) {
	inTime(t, web, func(r *rig) {
		r.converge(key("web"))
		r.want = parse(t, strings.Replace(web, `"web:1"`, `"web:1", user: root, strategy: {rollingUpdate: {maxSurge: 0}}`, 1))
		r.engine.Fail("Start", "shop.web.0", fault.New(fault.RuntimeContainer, fault.Retry, "no"), 3)
		for range 3 {
			if got := kinds(r.pass(key("web")).Plan); !cmp.Equal(got, []plan.ActionKind{plan.ActionRecreate}) {
				t.Fatalf("planned %v, want a recreation", got)
			}
		}
		p := r.pass(key("web"))
		if !p.Plan.Empty() || len(p.Plan.Blocks) != 1 || p.Plan.Blocks[0].Reason != plan.ReasonRolledBack {
			t.Fatalf("after three recreations: %v %v", p.Plan, p.Plan.Blocks)
		}
		r.rec.Forget(key("web"))
		r.converge(key("web"))
	})
}

// A recreation that fails now and then does not stall, and one that fails often does, however long the first is ago.
func TestRecreationsLongAgoDoNotCount(t *testing.T) {
	inTime(t, web, func(r *rig) {
		r.converge(key("web"))
		r.want = parse(t, strings.Replace(web, `"web:1"`, `"web:1", user: root, strategy: {rollingUpdate: {maxSurge: 0}}`, 1))
		r.engine.Fail("Start", "shop.web.0", fault.New(fault.RuntimeContainer, fault.Retry, "no"), -1)
		tries := func() (n int) {
			for len(r.pass(key("web")).Outcomes) > 0 {
				n++
			}
			return n
		}
		for range 2 {
			r.pass(key("web"))
			time.Sleep(2 * plan.StallWindow)
		}
		if n := tries(); n != 3 {
			t.Errorf("%d recreations in a row, want 3", n)
		}
	})
}

func TestStartsAreForgotten(t *testing.T) {
	starts := func(r *rig) int { return r.pass(key("web")).After.Memory.Starts["shop.web.0"].Count }
	for _, tt := range []struct {
		name   string
		forget func(*rig)
		want   int
	}{
		{"not while it may still end again", func(*rig) { time.Sleep(plan.RecoveryTime / 2) }, 1},
		{"when it has recovered", func(r *rig) { time.Sleep(plan.RecoveryTime); r.pass(key("web")) }, 0},
		{"when the manifest changes", func(r *rig) { r.rec.Forget(key("web")) }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, web, func(r *rig) {
				r.pass(key("web"))
				tt.forget(r)
				if got := starts(r); got != tt.want {
					t.Errorf("%d starts are remembered, want %d", got, tt.want)
				}
			})
		})
	}
}

func TestSeen(t *testing.T) {
	inTime(t, web, func(r *rig) {
		r.converge(key("web"))
		w, id := r.rec.World, r.pass(key("web")).After.Containers[0].ID
		if w.Seen(id, time.Now()) {
			t.Error("what happens now is not known")
		}
		if k, ok := w.KeyOf(id); !ok || k != key("web") {
			t.Errorf("KeyOf: %v %v", k, ok)
		}
		delete(r.want, key("web"))
		r.pass(key("web"))
		if !w.Seen(id, time.Now().Add(-2*roundTrip)) {
			t.Error("that it is gone is known since the pass that removed it")
		}
		r.pass(key("web"))
		if _, ok := w.KeyOf(id); ok {
			t.Error("a container that is gone is remembered after the next list")
		}
	})
}

func TestOwned(t *testing.T) {
	manifest := web + "---\napiVersion: berth.dev/v1\nkind: Network\nmetadata: {name: net, namespace: shop}\n" +
		"---\napiVersion: berth.dev/v1\nkind: Volume\nmetadata: {name: data, namespace: shop}\n"
	inTime(t, manifest, func(r *rig) {
		for k := range r.want {
			r.converge(k)
		}
		r.engine.RunForeign("shop.other.0", nil)
		net := spec.Key{Kind: spec.KindNetwork, Namespace: "shop", Name: "net"}
		vol := spec.Key{Kind: spec.KindVolume, Namespace: "shop", Name: "data"}
		owned, err := r.rec.World.Owned(context.Background(), time.Now())
		if diff := cmp.Diff([]spec.Key{key("web"), net}, owned); err != nil || diff != "" {
			t.Errorf("Owned: %v\n%s", err, diff)
		}
		volumes, err := r.rec.World.OwnedVolumes(context.Background())
		if diff := cmp.Diff([]spec.Key{vol}, volumes); err != nil || diff != "" {
			t.Errorf("OwnedVolumes: %v\n%s", err, diff)
		}
	})
}

func TestDescribe(t *testing.T) {
	inTime(t, strings.Replace(web, "spec: {", "spec: {replicas: 2, ", 1), func(r *rig) {
		r.converge(key("web"))
		r.engine.RunForeign("shop.web.7", nil)
		w := reconciler.NewWorld(r.engine)
		s, image, copies, err := w.Describe(context.Background(), key("web"))
		if err != nil || image != "web:1" || copies != 2 || !s.Condition(reconciler.Ready).Status {
			t.Errorf("Describe: %+v %q %d %v", s, image, copies, err)
		}
		r.engine.StopByHand("shop.web.1")
		s, _, _, err = reconciler.NewWorld(r.engine).Describe(context.Background(), key("web"))
		if c := s.Condition(reconciler.Ready); err != nil || c.Status || c.Reason != "NotRunning" {
			t.Errorf("Describe with a copy stopped: %+v %v", c, err)
		}
		s, _, _, err = w.Describe(context.Background(), spec.Key{Kind: spec.KindNetwork, Namespace: "shop", Name: "net"})
		if c := s.Condition(reconciler.Synced); err != nil || !c.Status || c.Reason != "Present" {
			t.Errorf("Describe of a network: %+v %v", c, err)
		}
	})
}
