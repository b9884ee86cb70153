package engine

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// Create implements apply.Containers.
func (c *Client) Create(ctx context.Context, p plan.Create) (id string, warnings []string, err error) {
	f := cannot(fault.RuntimeContainer, "create container %q", p.Name)
	created, err := query(ctx, c, f, func(ctx context.Context, api *client.Client) (container.CreateResponse, error) {
		if err := checkAPI(ctx, api, &p.Spec); err != nil {
			return container.CreateResponse{}, err
		}
		p, err := withImageLabel(ctx, api, p)
		if err != nil {
			return container.CreateResponse{}, err
		}
		l, err := lower(p, api.ClientVersion())
		if err != nil {
			return container.CreateResponse{}, err
		}
		r, err := api.ContainerCreate(ctx, l.config, l.host, l.networking, l.platform, p.Name)
		if err != nil {
			return r, err
		}
		err = errors.Join(discarded(r.Warnings), connectRest(ctx, api, r.ID, l.later))
		return r, orRemove(ctx, api, r.ID, err)
	})
	if err != nil {
		return "", nil, err
	}
	return created.ID, created.Warnings, nil
}

// withImageLabel adds the ID of the image to the labels, by which the others are known not to come from the image. It is read here,
// and not when the plan was made, because a tag may move in between.
func withImageLabel(ctx context.Context, api *client.Client, p plan.Create) (plan.Create, error) {
	i, err := api.ImageInspect(ctx, p.Spec.Image)
	if err != nil {
		return p, err
	}
	p.Labels = maps.Clone(p.Labels)
	if p.Labels == nil {
		p.Labels = map[string]string{}
	}
	p.Labels[spec.LabelImage] = i.ID
	return p, nil
}

// checkAPI refuses what the engine's API is too old for: such an engine drops a field in silence.
func checkAPI(ctx context.Context, api *client.Client, s *spec.ContainerSpec) error {
	e := plan.Engine{APIVersion: api.ClientVersion()}
	if plan.APIGaps(s, e) == nil {
		return nil
	}
	e.Version = engineVersion(ctx, api)
	return fault.New(fault.DockerConfiguration, fault.Terminal, "%s", strings.Join(plan.APIGaps(s, e), "; "))
}

// connectRest joins the networks that the engine does not take at creation.
func connectRest(ctx context.Context, api *client.Client, id string, later []endpoint) error {
	for _, e := range later {
		if err := api.NetworkConnect(ctx, e.network, id, e.settings); err != nil {
			return err
		}
	}
	return nil
}

// orRemove leaves no container behind that is not all that was asked for: it would be taken for the one that was.
func orRemove(ctx context.Context, api *client.Client, id string, err error) error {
	if err == nil {
		return nil
	}
	undo := context.WithoutCancel(ctx)
	return errors.Join(err, api.ContainerRemove(undo, id, container.RemoveOptions{Force: true, RemoveVolumes: true}))
}

// Start implements apply.Containers.
func (c *Client) Start(ctx context.Context, name string) error {
	return command(ctx, c, cannot(fault.RuntimeContainer, "start container %q", name), func(ctx context.Context, api *client.Client) error {
		return api.ContainerStart(ctx, name, container.StartOptions{})
	})
}

// Stop implements apply.Containers. The engine knows the container's grace period; it is asked for it only when the stop takes
// longer than a call should.
func (c *Client) Stop(ctx context.Context, name string) error {
	return c.stop(ctx, name, container.StopOptions{}, func(ctx context.Context, api *client.Client) (time.Duration, error) {
		i, err := api.ContainerInspect(ctx, name)
		if err != nil || i.Config == nil || i.Config.StopTimeout == nil {
			return defaultGrace, err
		}
		return graceOf(*i.Config.StopTimeout), nil
	})
}

// StopWithin implements apply.Containers.
func (c *Client) StopWithin(ctx context.Context, name string, seconds int) error {
	return c.stop(ctx, name, container.StopOptions{Timeout: &seconds}, func(context.Context, *client.Client) (time.Duration, error) {
		return graceOf(seconds), nil
	})
}

func (c *Client) stop(ctx context.Context, name string, o container.StopOptions, grace func(context.Context, *client.Client) (time.Duration, error)) error {
	return patient(ctx, c, cannot(fault.RuntimeContainer, "stop container %q", name), grace, func(ctx context.Context, api *client.Client) error {
		return api.ContainerStop(ctx, name, o)
	})
}

// defaultGrace is the engine's, where a container has none of its own.
const defaultGrace = 10 * time.Second

// graceOf is how long a stop may take, 0 for without end.
func graceOf(seconds int) time.Duration {
	if seconds < 0 {
		return 0
	}
	return max(time.Duration(seconds)*time.Second, defaultGrace)
}

// Unpause implements apply.Containers.
func (c *Client) Unpause(ctx context.Context, name string) error {
	return command(ctx, c, cannot(fault.RuntimeContainer, "unpause container %q", name), func(ctx context.Context, api *client.Client) error {
		return api.ContainerUnpause(ctx, name)
	})
}

// Remove implements apply.Containers.
func (c *Client) Remove(ctx context.Context, name string) error {
	err := patient(ctx, c, cannot(fault.RuntimeContainer, "remove container %q", name), alive, func(ctx context.Context, api *client.Client) error {
		return api.ContainerRemove(ctx, name, container.RemoveOptions{Force: true})
	})
	return ignore(err, fault.NotFound)
}

// Rename implements apply.Containers.
func (c *Client) Rename(ctx context.Context, name, to string) error {
	return command(ctx, c, cannot(fault.RuntimeContainer, "rename container %q to %q", name, to), func(ctx context.Context, api *client.Client) error {
		return api.ContainerRename(ctx, name, to)
	})
}

// Update implements apply.Containers.
func (c *Client) Update(ctx context.Context, name string, u plan.Update) error {
	return command(ctx, c, cannot(fault.ResourceLimit, "update container %q", name), func(ctx context.Context, api *client.Client) error {
		r, err := api.ContainerUpdate(ctx, name, lowerUpdate(u))
		if err != nil {
			return err
		}
		return discarded(r.Warnings)
	})
}

// List implements reconciler.Observer.
func (c *Client) List(ctx context.Context) ([]plan.Summary, error) {
	return query(ctx, c, cannot(fault.DockerAPI, "list containers"), func(ctx context.Context, api *client.Client) ([]plan.Summary, error) {
		list, err := api.ContainerList(ctx, container.ListOptions{All: true})
		return mapped(list, liftSummary), err
	})
}

// Inspect implements reconciler.Observer.
func (c *Client) Inspect(ctx context.Context, name string) (plan.Container, error) {
	return query(ctx, c, cannot(fault.RuntimeContainer, "inspect container %q", name), func(ctx context.Context, api *client.Client) (plan.Container, error) {
		i, err := api.ContainerInspect(ctx, name)
		if err != nil {
			return plan.Container{}, err
		}
		return liftContainer(i)
	})
}

// mapped applies f to every element; nil stays nil.
func mapped[A, B any](in []A, f func(A) B) []B {
	if in == nil {
		return nil
	}
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = f(a)
	}
	return out
}
