package controller

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/enginetest"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
	"berth.dev/berth/spec/load"
)

const (
	roundTrip = time.Millisecond // of a call of the engine
	soon      = 2 * time.Second  // far below the resync
	resync    = 5 * time.Minute
)

// agent is a controller on an engine in memory, in virtual time.
type agent struct {
	*testing.T
	*Controller
	engine   *enginetest.Engine
	registry *prometheus.Registry
	stop     func()

	mu  sync.Mutex
	log []string
}

// inTime runs a test in virtual time, with an agent that runs on no manifests.
func inTime(t *testing.T, f func(*agent), change ...func(*Options)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		defer e.Close()
		e.Latency("*", roundTrip)
		for _, ref := range []string{"web:1", "web:2", "bad:1"} {
			e.AddImage(ref, plan.Image{})
		}
		a := startAgent(t, e, change...)
		a.replace()
		synctest.Wait()
		f(a)
		a.stop()
		e.CheckInvariants(t)
	})
}

// startAgent starts another agent on an engine.
func startAgent(t *testing.T, e *enginetest.Engine, change ...func(*Options)) *agent {
	a := &agent{T: t, engine: e, registry: prometheus.NewRegistry()}
	o := Options{Prune: true, SameClock: true, Registry: a.registry, Resync: resync}
	o.Log = funcr.New(func(prefix, args string) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.log = append(a.log, args)
	}, funcr.Options{})
	for _, f := range change {
		f(&o)
	}
	a.Controller = New(e, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Controller.Run(ctx) }()
	a.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return a
}

// desire is what manifests say.
func desire(t testing.TB, manifests ...string) Desired {
	t.Helper()
	r := load.LoadFile(load.File{Path: "test.yaml", Data: []byte("# wanted\n---\n" + strings.Join(manifests, "\n---\n"))}, load.Options{})
	for _, p := range r.Problems {
		t.Fatal(p)
	}
	return Desired{Catalog: NewCatalog(r.Objects), At: time.Now()}
}

func (a *agent) replace(manifests ...string) {
	a.Helper()
	a.Replace(context.Background(), desire(a, manifests...))
}

// settle lets time pass.
func (a *agent) settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// logged counts the lines that have a text.
func (a *agent) logged(text string) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, line := range a.log {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// running lists the names of the containers that run.
func (a *agent) running() string {
	a.Helper()
	var names []string
	for _, s := range a.list() {
		if s.State == plan.StateRunning {
			names = append(names, s.Name)
		}
	}
	return strings.Join(names, " ")
}

func (a *agent) list() []plan.Summary {
	a.Helper()
	all, err := a.engine.List(context.Background())
	if err != nil {
		a.Fatal(err)
	}
	return all
}

func (a *agent) expectRunning(want string) {
	a.Helper()
	got := map[string]bool{}
	for name := range strings.FieldsSeq(a.running()) {
		got[name] = true
	}
	for name := range strings.FieldsSeq(want) {
		if !got[name] {
			a.Errorf("%s does not run", name)
		}
		delete(got, name)
	}
	for name := range got {
		a.Errorf("%s runs, and should not", name)
	}
}

// reason is an object's Synced condition, with ! where it does not hold; empty for one that is not known.
func (a *agent) reason(k spec.Key) string {
	s, _ := a.store.get(k)
	c := s.Status.Condition(reconciler.Synced)
	if c.Status || c.Reason == "" {
		return c.Reason
	}
	return "!" + c.Reason
}

func (a *agent) expect(k spec.Key, want string) {
	a.Helper()
	if got := a.reason(k); got != want {
		s, _ := a.store.get(k)
		a.Errorf("%s is %q, want %q: %s", k, got, want, s.Status.Condition(reconciler.Synced).Message)
	}
}

// calls counts calls during f.
func (a *agent) calls(f func()) map[string]int {
	a.engine.ResetCalls()
	f()
	return a.engine.Calls()
}

// changes sums up the calls that change something.
func changes(calls map[string]int) (n int) {
	for method, count := range calls {
		if (enginetest.Call{Method: method}).Changes() {
			n += count
		}
	}
	return n
}

func (a *agent) metric(want string, name string) {
	a.Helper()
	if err := testutil.GatherAndCompare(a.registry, strings.NewReader(want), name); err != nil {
		a.Error(err)
	}
}

func key(kind spec.Kind, name string) spec.Key {
	return spec.Key{Kind: kind, Namespace: "shop", Name: name}
}

func object(kind spec.Kind, name, body string) string {
	return fmt.Sprintf("apiVersion: berth.dev/v1\nkind: %s\nmetadata: {name: %s, namespace: shop}\nspec: {%s}\n", kind, name, body)
}

func container(name, body string) string {
	if body != "" {
		body = ", " + body
	}
	return object(spec.KindContainer, name, `image: "web:1"`+body)
}

func containers(n int, body string) (manifests []string) {
	for i := range n {
		manifests = append(manifests, container(fmt.Sprintf("web%02d", i), body))
	}
	return manifests
}
