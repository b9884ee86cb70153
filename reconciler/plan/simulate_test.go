package plan

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"berth.dev/berth/spec"
)

// scenario is something to be done, from whose every point the agent may have to go on.
type scenario struct {
	name, script string
	// old is whether there is a container before, which must not be lost before its replacement has started.
	old bool
}

var scenarios = []scenario{
	{"create", ``, false},
	{"create two", `edit web replicas 2`, false},
	{"recreate", "applied\nwait 1m\nedit web user root", true},
	{"recreate what does not run", "applied\nwait 1m\nstate shop.web.0 exited 1\nedit web user root", true},
	{"recreate what is paused", "applied\nwait 1m\nstate shop.web.0 paused\nedit web user root", true},
	{"recreate two", "edit web replicas 2\napplied\nwait 1m\nedit web user root", true},
	{"adopt", "foreign shop.web.0\nwait 1m\nannotate-adopt web", true},
	{"adopt what does not run", "foreign shop.web.0\nstate shop.web.0 exited 0\nwait 1m\nannotate-adopt web", true},
	{"other networks", "applied\nwait 1m\nedit web networks [{name: front, ipv4Address: 10.1.0.7}]", true},
	{"off the bridge", "edit web networks null\napplied\nwait 1m\nedit web networks [{name: front}]\nedit web networkMode null", true},
	{"fewer", "edit web replicas 3\napplied\nwait 1m\nedit web replicas 1", false},
	{"another network", "applied\nwait 1m\nedit Network/front internal true", true},
	{"surge", "edit web ports null\nedit web networks null\nedit web networkMode bridge\nedit web volumes null\napplied\nwait 1m\nedit web user root", true},
	{"surge of four", "edit web replicas 4\nedit web ports null\nedit web volumes null\napplied\nwait 1m\nedit web user root", true},
	{"all at once", "edit web replicas 2\nedit web strategy {type: Recreate}\napplied\nwait 1m\nedit web user root", true},
	{"with init containers", "edit web initContainers [{name: one}, {name: two}]\napplied\nwait 1m\nedit web user root", true},
	{"renamed by hand", "applied\nwait 1m\nrename shop.web.0 mine", true},
}

const simulated = `
apiVersion: berth.dev/v1
kind: Network
metadata: {name: front, namespace: shop}
spec: {ipam: {pools: [{subnet: 10.1.0.0/16}]}}
---
apiVersion: berth.dev/v1
kind: Container
metadata: {name: web, namespace: shop}
spec:
  image: web:1
  ports: [{containerPort: 80, hostPort: 8000-8009}]
  networks: [{name: front}]
  volumes: [{mountPath: /data, volume: {}}]
`

func (s scenario) world(t *testing.T) *world {
	t.Helper()
	w := newWorld()
	w.quick = true
	for _, o := range parseObjects(t, simulated) {
		w.objects[o.Key()] = o
	}
	w.addImage("web:1", spec.ContainerSpec{})
	for line := range strings.Lines(s.script) {
		if err := w.command(strings.TrimSpace(line)); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	return w
}

// explorer goes through all the ways in which something can be interrupted.
type explorer struct {
	t     *testing.T
	old   bool
	ends  int // how many ways were followed to their end
	trail []string
}

// TestCrash stops the agent after each operation of each plan, and once more in what it then does to recover, and again: from
// everywhere it must get to what is wanted, with nothing doubled and nothing lost on the way.
func TestCrash(t *testing.T) {
	const crashes = 3
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			x := &explorer{t: t, old: s.old}
			x.crash(s.world(t), crashes)
			if x.ends < 2 {
				t.Fatalf("only %d ways were tried", x.ends)
			}
		})
	}
}

// crash makes passes until nothing is left to do; on its way it follows what becomes of a crash after each operation.
func (x *explorer) crash(w *world, crashes int) {
	x.step(w, func(w *world, ops []Op) {
		for _, op := range ops {
			x.trail = append(x.trail, "crash before "+op.String())
			if crashes > 0 {
				x.crash(w.clone(), crashes-1)
			}
			x.trail[len(x.trail)-1] = op.String()
			if err := w.do(op); err != nil {
				x.fail(w, err)
			}
			x.invariant(w)
		}
	})
}

// step makes passes until nothing is left to do.
func (x *explorer) step(w *world, run func(w *world, ops []Op)) {
	from := len(x.trail)
	defer func() { x.trail = x.trail[:from] }()
	for range 60 {
		w.now = w.now.Add(time.Second)
		var actions []Action
		for _, k := range w.keys() {
			if actions = w.plan(k).Now().Actions; len(actions) > 0 {
				break
			}
		}
		if len(actions) == 0 {
			if w.skip() {
				continue
			}
			x.done(w)
			return
		}
		for _, a := range actions {
			run(w, a.Ops)
		}
	}
	x.fail(w, errors.New("it does not come to an end"))
}

// TestFailure makes each operation fail, once and for a while, with its action's undoing.
func TestFailure(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			for times := 1; times <= 3; times++ {
				for n := 0; ; n++ {
					x := &explorer{t: t, old: s.old, trail: []string{fmt.Sprintf("operation %d fails %d times", n, times)}}
					if x.failing(s.world(t), n, times) == 0 {
						break // there are fewer operations
					}
				}
			}
		})
	}
}

// failing lets the nth operation fail, and as many after it as have to, and returns how many did.
func (x *explorer) failing(w *world, n, times int) (failed int) {
	undoing := false
	w.refuse = func(op Op) error {
		x.trail = append(x.trail, op.String())
		if undoing {
			return nil
		}
		if n--; n < 0 && failed < times {
			failed++
			undoing = true // what is undone is not made to fail here; a crash is worse, and tried above
			return errors.New("refused")
		}
		return nil
	}
	for range 60 {
		w.now = w.now.Add(time.Minute)
		idle := true
		for _, k := range w.keys() {
			for _, a := range w.plan(k).Now().Actions {
				idle = false
				err := w.apply(a)
				undoing = false
				x.invariant(w)
				if err != nil && a.Kind == ActionRecreate && k.Kind == spec.KindContainer {
					x.backAsItWas(w, a)
				}
			}
		}
		if idle && !w.skip() {
			x.done(w)
			return failed
		}
	}
	x.fail(w, errors.New("it does not come to an end"))
	return failed
}

// backAsItWas: after a failed recreation the container that was there is there. Where only its removal has failed, it is the new one.
func (x *explorer) backAsItWas(w *world, a Action) {
	c := w.find(a.Target)
	if c == nil || c.Spec.Ports != nil && c.State == StateCreated {
		x.fail(w, fmt.Errorf("%s is not there any more, or has not run: %+v", a.Target, c))
	}
}

// invariant holds at all times: what there was, or what replaces it, is there; and no port is served twice, of which the world
// itself takes care.
func (x *explorer) invariant(w *world) {
	if x.old && len(w.containers) == 0 {
		x.fail(w, errors.New("nothing is left of what there was"))
	}
	for _, c := range w.containers {
		if !c.StartedAt.IsZero() {
			return
		}
	}
	if x.old {
		x.fail(w, errors.New("what there was has gone before its replacement ran"))
	}
}

// done checks the end: one container for each copy and no other, as wanted and running, and the volume's data kept.
func (x *explorer) done(w *world) {
	x.ends++
	key := spec.Key{Kind: spec.KindContainer, Namespace: "shop", Name: "web"}
	c := w.objects[key].(*spec.Container)
	p := &planner{catalog: w.objects, seen: w.observe(key), now: w.now}
	r := p.resolve(c)
	if got := len(w.containers); got != int(*c.Spec.Replicas) {
		x.fail(w, fmt.Errorf("%d containers for %d copies", got, *c.Spec.Replicas))
	}
	for i := range int(*c.Spec.Replicas) {
		want := r.want(i)
		have := w.find(want.Name)
		if have == nil || have.State != StateRunning || have.Labels[spec.LabelApplied] != want.Revision {
			x.fail(w, fmt.Errorf("%s is not as wanted: %+v", want.Name, have))
		}
	}
	if b := w.plan(key); len(b.Blocks) > 0 {
		x.fail(w, fmt.Errorf("blocked: %v", b.Blocks))
	}
}

func (x *explorer) fail(w *world, err error) {
	x.t.Helper()
	for _, c := range w.containers {
		x.trail = append(x.trail, fmt.Sprintf("  there is %s %s %s", short(c.ID), c.Name, c.State))
	}
	x.t.Fatalf("%v, after\n%s", err, strings.Join(x.trail, "\n"))
}
