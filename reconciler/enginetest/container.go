package enginetest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// container is one container. spec is what inspect reports, but for the limits, which can change.
type container struct {
	id, name string
	image    string // as it was asked for
	imageID  string
	foreign  bool // made by hand: the agent may not touch it

	created, started, finished time.Time
	state                      plan.State
	health                     plan.Health
	exitCode                   int
	failure                    string // why the engine could not start it
	oom                        bool
	restarts                   int
	spec                       spec.ContainerSpec
	limits                     limits
	endpoints                  []*endpoint // in the order of connecting
	createdOn                  string      // the first network at the creation
	mac                        string      // that was asked for there; below API 1.44 it comes back with that network
	anonymous                  map[string]string
	process                    process
	stopped                    bool          // by hand or by the agent: Docker does not restart it
	backoff                    time.Duration // before the last restart by the engine
}

// runs reports whether there is a process, or will be again without anybody's doing.
func (c *container) runs() bool { return c.alive() || c.state == plan.StateRestarting }

// alive reports whether there is a process.
func (c *container) alive() bool { return c.state == plan.StateRunning || c.state == plan.StatePaused }

// find looks a container up by name, ID or the beginning of an ID.
func (e *Engine) find(ref string) (*container, error) {
	if c, ok := e.containers[ref]; ok {
		return c, nil
	}
	for _, c := range e.containers {
		if c.name == ref {
			return c, nil
		}
	}
	const shortest = 4 // Docker takes any; a test that needs fewer has made a mistake
	if len(ref) >= shortest {
		for id, c := range e.containers {
			if strings.HasPrefix(id, ref) {
				return c, nil
			}
		}
	}
	return nil, fault.New(fault.RuntimeContainer, fault.NotFound, "No such container: %s", ref)
}

// found is find for a call: what names the call, class what it fails with.
func (e *Engine) found(class fault.Class, ref, format string, args ...any) (*container, error) {
	c, err := e.find(ref)
	if err != nil {
		return nil, fault.New(class, fault.NotFound, "cannot %s: %w", fmt.Sprintf(format, args...), err)
	}
	return c, nil
}

// List implements reconciler.Observer. Newest first, as Docker.
func (e *Engine) List(ctx context.Context) ([]plan.Summary, error) {
	return do(ctx, e, Call{Method: "List"}, func() ([]plan.Summary, error) {
		out := make([]plan.Summary, 0, len(e.containers))
		for _, c := range e.sorted() {
			s := e.listed(c)
			if c.state != plan.StateRunning { // a list has the health in its status text, and only there
				s.Health = plan.HealthNone
			}
			if id, ok := e.images.resolve(c.image); !ok || id != c.imageID {
				s.Image = c.imageID
			}
			out = append(out, s)
		}
		return out, nil
	})
}

func (e *Engine) sorted() []*container {
	return slices.SortedFunc(maps.Values(e.containers), func(a, b *container) int {
		return cmp.Or(b.created.Compare(a.created), cmp.Compare(a.name, b.name))
	})
}

// Inspect implements reconciler.Observer.
func (e *Engine) Inspect(ctx context.Context, ref string) (plan.Container, error) {
	return do(ctx, e, Call{Method: "Inspect", Target: ref}, func() (plan.Container, error) {
		c, err := e.found(fault.RuntimeContainer, ref, "inspect container %q", ref)
		if err != nil {
			return plan.Container{}, err
		}
		return e.report(c), nil
	})
}

func (e *Engine) summary(c *container) plan.Summary {
	s := plan.Summary{
		ID: c.id, Name: c.name, Image: c.image, ImageID: c.imageID, Labels: maps.Clone(c.spec.Labels),
		State: c.state, Health: c.health, Networks: map[string]string{},
	}
	for _, ep := range c.endpoints {
		s.Networks[ep.Name] = ep.NetworkID
	}
	return s
}

// listed is a summary as a list gives it, with the ports of the host, which an inspection has elsewhere.
func (e *Engine) listed(c *container) plan.Summary {
	s := e.summary(c)
	for _, p := range c.spec.Ports {
		if c.alive() && hostPort(p) != 0 {
			s.Published = append(s.Published, plan.HostPort{IP: orAll(p.HostIP), Port: hostPort(p), Protocol: p.Protocol})
		}
	}
	return s
}

func (e *Engine) report(c *container) plan.Container {
	out := plan.Container{
		Summary:   e.summary(c),
		CreatedAt: c.created, StartedAt: c.started, FinishedAt: c.finished,
		ExitCode: c.exitCode, Error: c.failure, OOMKilled: c.oom, RestartCount: c.restarts,
		Spec:      clone(c.spec),
		Endpoints: map[string]plan.Endpoint{},
		Anonymous: maps.Clone(c.anonymous),
	}
	c.limits.report(&out.Spec)
	for _, ep := range c.endpoints {
		out.Endpoints[ep.Name] = ep.report(c)
	}
	return out
}

// clone is a copy that shares nothing, so that what a caller does with an answer changes nothing here.
func clone[T any](v T) (out T) {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic(fmt.Sprintf("enginetest: %T does not survive JSON: %v", v, err))
	}
	return out
}
