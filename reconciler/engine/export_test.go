package engine

import (
	"context"
	"time"

	"github.com/docker/docker/api/types/container"

	"berth.dev/berth/reconciler/plan"
)

// Echo lowers a container for an API version and lifts it again, as an engine would that keeps all that it is told.
func Echo(c plan.Create, api string) (plan.Container, error) {
	l, err := lower(c, api)
	if err != nil {
		return plan.Container{}, err
	}
	i := container.InspectResponse{
		ContainerJSONBase: &container.ContainerJSONBase{ID: "0123456789abcdef", Name: "/" + c.Name, State: &container.State{}, HostConfig: l.host},
		Config:            l.config,
		NetworkSettings:   &container.NetworkSettings{},
	}
	if l.networking != nil {
		i.NetworkSettings.Networks = l.networking.EndpointsConfig
	}
	for _, e := range l.later {
		i.NetworkSettings.Networks[e.network] = e.settings
	}
	return liftContainer(i)
}

// Pause does by hand what berth never does.
func (c *Client) Pause(ctx context.Context, name string) error {
	api, err := c.conn(ctx)
	if err != nil {
		return err
	}
	return api.ContainerPause(ctx, name)
}

// Timeout is how long a short call may take.
func (c *Client) Timeout() time.Duration { return c.timeout }
