package controller

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"berth.dev/berth/reconciler/enginetest"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// TestRandom lets random manifests, hands and faults happen at random times. When they end, all is as the last manifests say, and on
// the way nothing happened that never may: see enginetest.Engine.CheckInvariants.
func TestRandom(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inTime(t, func(a *agent) {
				c := &chaos{agent: a, Rand: rand.New(rand.NewPCG(seed, 1)), failing: map[string]int{}}
				a.engine.OnCall(c.fails)
				a.engine.RunForeign("shop.stranger.0", nil)
				a.engine.RunForeign("mine", nil)
				for range 40 {
					c.step()
					a.settle(time.Duration(c.N(3000)) * time.Millisecond)
				}
				c.end()
			}, func(o *Options) { o.SameClock = seed%2 == 0 })
		})
	}
}

type chaos struct {
	*agent
	*rand.Rand
	heal []func()

	mu      sync.Mutex
	failing map[string]int // calls of a method that are to fail
}

// fails makes calls fail before they have an effect.
func (c *chaos) fails(call enginetest.Call) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if call.Done || c.failing[call.Method] == 0 {
		return nil
	}
	c.failing[call.Method]--
	return fault.New(fault.RuntimeContainer, fault.Retry, "chance")
}

func (c *chaos) N(n int) int { return c.IntN(n) }

func (c *chaos) step() {
	switch c.N(10) {
	case 0, 1, 2:
		c.replace(c.manifests()...)
	case 3, 4, 5, 6:
		c.hand()
	case 7, 8:
		c.fault()
	case 9:
		for _, heal := range c.heal {
			heal()
		}
		c.heal = nil
	}
}

// manifests are some containers, with and without a network and a volume that exist or not.
func (c *chaos) manifests() (out []string) {
	if c.N(4) > 0 {
		out = append(out, object(spec.KindNetwork, "net", []string{"", "internal: true"}[c.N(2)]))
	}
	if c.N(4) > 0 {
		out = append(out, object(spec.KindVolume, "data", ""))
	}
	for i := range 4 {
		if c.N(5) == 0 {
			continue
		}
		body := fmt.Sprintf("image: %q, replicas: %d, user: %q", []string{"web:1", "web:2"}[c.N(2)], c.N(3), []string{"root", "nobody"}[c.N(2)])
		body += []string{"", "", ", networks: [{name: net}]", ", volumes: [{mountPath: /d, volume: {name: data}}]"}[c.N(4)]
		out = append(out, object(spec.KindContainer, fmt.Sprintf("web%02d", i), body))
	}
	return out
}

// hand does something to one of the agent's containers.
func (c *chaos) hand() {
	var own []plan.Summary
	all, err := c.engine.List(c.Context())
	if err != nil {
		return
	}
	for _, s := range all {
		if _, ours := plan.Owner(s); ours && s.State == plan.StateRunning {
			own = append(own, s)
		}
	}
	if len(own) == 0 {
		return
	}
	id := own[c.N(len(own))].ID // the name may change before the hand is there
	switch c.N(6) {
	case 0:
		c.engine.StopByHand(id)
	case 1:
		c.engine.Kill(id)
	case 2:
		c.engine.RemoveByHand(id)
	case 3:
		c.engine.RenameByHand(id, fmt.Sprintf("renamed%d", c.N(1000000)))
	case 4:
		c.engine.Exit(id, 1)
	case 5:
		c.engine.PauseByHand(id)
	}
}

func (c *chaos) fault() {
	methods := []string{"Create", "Start", "Stop", "Rename", "Remove", "Inspect", "List", "Networks", "Image", "Info"}
	switch c.N(5) {
	case 0, 1, 2:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.failing[methods[c.N(len(methods))]] = 1 + c.N(4)
	case 3:
		c.engine.Down()
		c.heal = append(c.heal, c.engine.Up)
	case 4:
		c.engine.DropEvents(func(plan.Event) bool { return true })
		c.heal = append(c.heal, func() { c.engine.DropEvents(nil) })
	}
}

func (c *chaos) end() {
	for _, heal := range c.heal {
		heal()
	}
	c.mu.Lock()
	clear(c.failing)
	c.mu.Unlock()
	last := c.manifests()
	for i, m := range last { // others than any before, because the same may have stalled
		last[i] = strings.Replace(m, "image: ", `env: [{name: LAST, value: "1"}], image: `, 1)
	}
	c.replace(last...)
	c.settle(soon)
	c.ConfirmPrune()
	c.settle(time.Hour)
	c.ConfirmPrune()
	c.settle(time.Minute)
	c.verify(desire(c, last...).Catalog)
}

// verify checks that all is as wanted, and nothing else is there.
func (c *chaos) verify(want *Catalog) {
	c.Helper()
	names := []string{"shop.stranger.0", "mine"}
	for _, k := range want.Keys() {
		o, ok := want.objects[k].(*spec.Container)
		if !ok {
			continue
		}
		if c.missing(want, o) { // it stays as it was
			if c.reason(k) == "UpToDate" && *o.Spec.Replicas > 0 {
				c.Errorf("%s is up to date, and what it refers to is missing", k)
			}
			names = slices.AppendSeq(names, c.copies(k))
			continue
		}
		c.expect(k, "UpToDate")
		for i := range int(*o.Spec.Replicas) {
			names = append(names, spec.ContainerName(k, i))
		}
	}
	// What was renamed by hand when its manifest went is not known by its name, and stays.
	names = slices.AppendSeq(names, c.named("renamed"))
	c.expectRunning(strings.Join(names, " "))
	if c.Failed() {
		c.Log(c.log)
	}
}

// copies lists the names of the containers of a key that run.
func (c *chaos) copies(k spec.Key) iter.Seq[string] { return c.named(k.Namespace + "." + k.Name + ".") }

func (c *chaos) named(prefix string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range strings.FieldsSeq(c.running()) {
			if strings.HasPrefix(name, prefix) && !yield(name) {
				return
			}
		}
	}
}

// missing reports whether an object refers to what no manifest has.
func (c *chaos) missing(want *Catalog, o spec.Object) bool {
	for _, ref := range spec.References(o) {
		if _, ok := want.Get(ref); !ok {
			return true
		}
	}
	return false
}

// TestDeath kills the agent before and after each of its calls, and starts another.
func TestDeath(t *testing.T) {
	before := []string{container("web", "networks: [{name: net}]"), container("db", ""), object(spec.KindNetwork, "net", "")}
	after := []string{container("web", "networks: [{name: net}], user: root"), container("cache", ""), container("more", ""), object(spec.KindNetwork, "net", "internal: true")}
	for boundary, died := 0, true; died; boundary++ {
		inTime(t, func(a *agent) {
			a.replace(before...)
			a.settle(time.Minute)
			a.engine.DieAt(boundary)
			a.replace(after...)
			a.settle(soon)
			a.stop()
			if died = a.engine.Revive(); !died && boundary < 20 {
				t.Errorf("only %d boundaries", boundary)
			}
			b := startAgent(t, a.engine)
			defer b.stop()
			b.replace(after...)
			b.settle(time.Minute)
			b.expectRunning("shop.web.0 shop.cache.0 shop.more.0")
			if n := len(b.list()); n != 3 {
				t.Errorf("boundary %d: %d containers, want 3", boundary, n)
			}
		})
	}
}
