package engine

import (
	"context"
	"math"
	"strings"

	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// CreateNetwork implements apply.Networks.
func (c *Client) CreateNetwork(ctx context.Context, n plan.NetworkCreate) (string, error) {
	return query(ctx, c, cannot(fault.RuntimeNetwork, "create network %q", n.Name), func(ctx context.Context, api *client.Client) (string, error) {
		r, err := api.NetworkCreate(ctx, n.Name, lowerNetwork(n))
		return r.ID, err
	})
}

// RemoveNetwork implements apply.Networks.
func (c *Client) RemoveNetwork(ctx context.Context, name string) error {
	err := command(ctx, c, cannot(fault.RuntimeNetwork, "remove network %q", name), func(ctx context.Context, api *client.Client) error {
		return api.NetworkRemove(ctx, name)
	})
	return ignore(err, fault.NotFound)
}

// Connect implements apply.Networks.
func (c *Client) Connect(ctx context.Context, name, container string, e spec.NetworkAttachment) error {
	f := cannot(fault.RuntimeNetwork, "connect container %q to network %q", container, name)
	return command(ctx, c, f, func(ctx context.Context, api *client.Client) error {
		if err := checkEndpoint(ctx, api, container, &e); err != nil {
			return err
		}
		return api.NetworkConnect(ctx, name, container, lowerEndpoint(e))
	})
}

// checkEndpoint refuses what the engine's API is too old for. Below API 1.44 a connection takes no MAC address, but the one that
// the container was created with is used again on the network that it was created on; then it goes without saying.
func checkEndpoint(ctx context.Context, api *client.Client, container string, e *spec.NetworkAttachment) error {
	created := spec.NetworkAttachment{Priority: math.MaxInt} // the network that it was created on, not this one
	err := checkAPI(ctx, api, &spec.ContainerSpec{Networks: []spec.NetworkAttachment{created, *e}})
	if err == nil || e.MACAddress == "" {
		return err
	}
	i, inspectErr := api.ContainerInspect(ctx, container)
	if inspectErr != nil {
		return inspectErr
	}
	//lint:ignore SA1019 below API 1.44
	if i.HostConfig.NetworkMode.NetworkName() != e.Name || !strings.EqualFold(i.Config.MacAddress, e.MACAddress) {
		return err
	}
	e.MACAddress = ""
	return checkAPI(ctx, api, &spec.ContainerSpec{Networks: []spec.NetworkAttachment{created, *e}})
}

// Disconnect implements apply.Networks. Without force the engine refuses where the network is gone.
func (c *Client) Disconnect(ctx context.Context, name, container string) error {
	f := cannot(fault.RuntimeNetwork, "disconnect container %q from network %q", container, name)
	return command(ctx, c, f, func(ctx context.Context, api *client.Client) error {
		return api.NetworkDisconnect(ctx, name, container, true)
	})
}

// Networks implements reconciler.Observer.
func (c *Client) Networks(ctx context.Context) ([]plan.Network, error) {
	return query(ctx, c, cannot(fault.DockerAPI, "list networks"), func(ctx context.Context, api *client.Client) ([]plan.Network, error) {
		list, err := api.NetworkList(ctx, network.ListOptions{})
		return mapped(list, liftNetwork), err
	})
}

// InspectNetwork implements reconciler.Observer.
func (c *Client) InspectNetwork(ctx context.Context, name string) (plan.Network, error) {
	return query(ctx, c, cannot(fault.RuntimeNetwork, "inspect network %q", name), func(ctx context.Context, api *client.Client) (plan.Network, error) {
		n, err := api.NetworkInspect(ctx, name, network.InspectOptions{})
		return liftNetwork(n), err
	})
}

// CreateVolume implements apply.Volumes.
func (c *Client) CreateVolume(ctx context.Context, v plan.VolumeCreate) error {
	return command(ctx, c, cannot(fault.RuntimeVolume, "create volume %q", v.Name), func(ctx context.Context, api *client.Client) error {
		_, err := api.VolumeCreate(ctx, lowerVolume(v))
		return err
	})
}

// RemoveVolume implements apply.Volumes.
func (c *Client) RemoveVolume(ctx context.Context, name string) error {
	return command(ctx, c, cannot(fault.RuntimeVolume, "remove volume %q", name), func(ctx context.Context, api *client.Client) error {
		return api.VolumeRemove(ctx, name, false)
	})
}

// Volumes implements reconciler.Observer.
func (c *Client) Volumes(ctx context.Context) ([]plan.Volume, error) {
	return query(ctx, c, cannot(fault.DockerAPI, "list volumes"), func(ctx context.Context, api *client.Client) ([]plan.Volume, error) {
		list, err := api.VolumeList(ctx, volume.ListOptions{})
		return mapped(list.Volumes, liftVolume), err
	})
}
