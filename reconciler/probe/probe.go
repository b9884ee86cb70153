// Package probe asks running containers how they are, as Kubernetes' kubelet does, and runs hooks. It decides nothing: what the
// probes say goes to the planner, as plan.Probed.
//
// However many probes there are, one goroutine waits for the next that is due, on a timing wheel. A probe has a goroutine, and a
// connection, only while it is asked.
package probe

import (
	"context"
	"sync"
	"time"

	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// Target is a running container that has probes.
type Target struct {
	Name, ID  string
	StartedAt time.Time
	// Address is where its ports are: 127.0.0.1 in the host's network; empty where it can only be asked by exec.
	Address string
	// The probes; nil where there is none. One that takes the answer of Docker's health check is the planner's, and is left alone.
	Startup, Liveness, Readiness *spec.Probe
	// Ports give the names of ports their numbers.
	Ports []spec.Port
}

// Exec runs a command in a container and waits for its end.
type Exec func(ctx context.Context, container string, command []string) (code int, output string, err error)

// Options are what a prober is made with.
type Options struct {
	// Exec runs the commands of probes and hooks.
	Exec Exec
	// OnChange is told of a key whose answers have changed. It may call the prober, and should return soon: probes wait for it.
	OnChange func(spec.Key)
	// InFlight is how many probes are asked at once; 128 where it is 0. Those by exec have a limit of their own, of 8: each is
	// three calls of the engine, and starts a process.
	InFlight int
}

const (
	defaultInFlight = 128
	execInFlight    = 8
)

// Prober asks the probes of many containers. It is safe for concurrent use.
type Prober struct {
	opts Options
	ask  func(context.Context, *question) answer

	mu    sync.Mutex
	keys  map[spec.Key]map[string]*watched // by container ID
	wheel *wheel
	lanes [2]lane
	woken time.Time     // when the scheduler will look at the wheel; zero while it does, or does not run
	wake  chan struct{} // has it look now
	wg    sync.WaitGroup
}

// New makes a prober. It asks nothing before Run.
func New(o Options) *Prober {
	if o.InFlight <= 0 {
		o.InFlight = defaultInFlight
	}
	if o.OnChange == nil {
		o.OnChange = func(spec.Key) {}
	}
	p := &Prober{opts: o, keys: map[spec.Key]map[string]*watched{}, wheel: newWheel(time.Now()), wake: make(chan struct{}, 1)}
	p.ask = p.put
	p.lanes[network].free, p.lanes[exec].free = o.InFlight, execInFlight
	return p
}

// Set replaces the targets of a key; none forgets it. A container that has not been started anew keeps what its probes have said so
// far, but for those that have changed, or whose address has.
func (p *Prober) Set(key spec.Key, targets []Target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old, now := p.keys[key], make(map[string]*watched, len(targets))
	for _, t := range targets {
		w := old[t.ID]
		if w == nil || !w.target.StartedAt.Equal(t.StartedAt) {
			w = newWatched(p, key, t)
		} else {
			w.become(p, t)
			delete(old, t.ID)
		}
		now[t.ID] = w
	}
	for _, w := range old {
		w.end(p)
	}
	p.keys[key] = now
	if len(now) == 0 {
		delete(p.keys, key)
	}
	p.rouse()
}

// Of gives what the probes of a key's containers say, by container ID; nil where it has none.
func (p *Prober) Of(key spec.Key) map[string]plan.Probed {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.keys[key]) == 0 {
		return nil
	}
	out := make(map[string]plan.Probed, len(p.keys[key]))
	for id, w := range p.keys[key] {
		out[id] = w.probed(answer.full)
	}
	return out
}
