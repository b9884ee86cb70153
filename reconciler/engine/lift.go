package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/go-connections/nat"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// liftSummary lifts one line of a list.
func liftSummary(s container.Summary) plan.Summary {
	out := plan.Summary{
		ID:      s.ID,
		Name:    liftName(s.Names),
		Image:   s.Image,
		ImageID: s.ImageID,
		Labels:  s.Labels,
		State:   plan.State(s.State),
		Health:  liftStatus(s.Status),
	}
	for _, p := range s.Ports {
		if p.PublicPort != 0 {
			out.Published = append(out.Published, plan.HostPort{IP: p.IP, Port: p.PublicPort, Protocol: spec.Protocol(strings.ToUpper(p.Type))})
		}
	}
	if s.NetworkSettings != nil {
		out.Networks = make(map[string]string, len(s.NetworkSettings.Networks))
		for name, e := range s.NetworkSettings.Networks {
			out.Networks[name] = networkID(e)
		}
	}
	return out
}

func networkID(e *network.EndpointSettings) string {
	if e == nil {
		return ""
	}
	return e.NetworkID
}

// liftName takes the container's own name: the others, as in /other/alias, are legacy links of other containers to it.
func liftName(names []string) string {
	for _, n := range names {
		if n = strings.TrimPrefix(n, "/"); !strings.Contains(n, "/") {
			return n
		}
	}
	return ""
}

// statuses are the endings by which a list tells the health: "Up 2 minutes (healthy)". A list has no other place for it before
// API 1.52. See State.String and Health.String in moby's daemon/container/state.go and health.go.
var statuses = []struct {
	ending string
	health plan.Health
}{
	{"(healthy)", plan.HealthHealthy},
	{"(unhealthy)", plan.HealthUnhealthy},
	{"(health: starting)", plan.HealthStarting},
}

func liftStatus(status string) plan.Health {
	for _, s := range statuses {
		if strings.HasSuffix(status, s.ending) {
			return s.health
		}
	}
	return plan.HealthNone
}

// liftContainer lifts what inspect gives.
func liftContainer(i container.InspectResponse) (plan.Container, error) {
	if i.ContainerJSONBase == nil || i.Config == nil || i.HostConfig == nil || i.State == nil {
		return plan.Container{}, fmt.Errorf("the engine's answer is incomplete")
	}
	mounts := liftMounts(i)
	c := plan.Container{
		Summary: plan.Summary{
			ID:       i.ID,
			Name:     strings.TrimPrefix(i.Name, "/"),
			Image:    i.Config.Image,
			ImageID:  i.Image,
			Labels:   i.Config.Labels,
			State:    plan.State(i.State.Status),
			Health:   liftHealth(i.State.Health),
			Networks: map[string]string{},
		},
		CreatedAt:    liftTime(i.Created),
		StartedAt:    liftTime(i.State.StartedAt),
		FinishedAt:   liftTime(i.State.FinishedAt),
		ExitCode:     i.State.ExitCode,
		Error:        clean(i.State.Error),
		OOMKilled:    i.State.OOMKilled,
		RestartCount: i.RestartCount,
		Spec:         liftSpec(i, mounts),
		Endpoints:    liftEndpoints(i),
		Anonymous:    liftAnonymous(i, mounts),
	}
	for name, e := range c.Endpoints {
		c.Networks[name] = e.NetworkID
	}
	return c, nil
}

func liftHealth(h *container.Health) plan.Health {
	if h == nil || h.Status == container.NoHealthcheck {
		return plan.HealthNone
	}
	return plan.Health(h.Status)
}

// liftTime reads the engine's times; its zero, 0001-01-01T00:00:00Z, is Go's.
func liftTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

func liftImage(i image.InspectResponse) plan.Image {
	out := plan.Image{ID: i.ID, RepoDigests: i.RepoDigests, Platform: i.Os + "/" + i.Architecture}
	if i.Variant != "" {
		out.Platform += "/" + i.Variant
	}
	if i.Config != nil {
		out.Defaults = liftDefaults(i.Config)
	}
	return out
}

// liftDefaults lifts what an image sets, in the same terms as a container.
func liftDefaults(c *dockerspec.DockerOCIImageConfig) spec.ContainerSpec {
	ports := nat.PortSet{}
	for p := range c.ExposedPorts {
		ports[nat.Port(p)] = struct{}{}
	}
	s := spec.ContainerSpec{
		Command:     c.Entrypoint,
		Args:        c.Cmd,
		WorkingDir:  c.WorkingDir,
		Env:         mapped(c.Env, liftEnv),
		User:        c.User,
		Labels:      c.Labels,
		Ports:       liftPorts(ports, nil),
		StopSignal:  c.StopSignal,
		Healthcheck: liftHealthcheck(c.Healthcheck),
	}
	for _, target := range slices.Sorted(maps.Keys(c.Volumes)) {
		s.Volumes = append(s.Volumes, spec.VolumeMount{MountPath: target, Volume: &spec.VolumeSource{}})
	}
	return s
}

// liftNetwork lifts a network as the engine reports it. Nothing of it is left out: whether the engine filled a value in, or a
// manifest asked for just that, cannot be told here.
func liftNetwork(n network.Inspect) plan.Network {
	out := plan.Network{
		ID:     n.ID,
		Name:   n.Name,
		Labels: n.Labels,
		Spec: spec.NetworkSpec{
			NetworkName: n.Name,
			Driver:      n.Driver,
			Options:     n.Options,
			IPAM:        &spec.IPAM{Driver: n.IPAM.Driver, Options: n.IPAM.Options, Pools: mapped(n.IPAM.Config, liftPool)},
			Internal:    n.Internal,
			Attachable:  n.Attachable,
			IPv6:        n.EnableIPv6,
			Labels:      n.Labels,
		},
	}
	if n.Containers != nil {
		out.Attached = make(map[string]string, len(n.Containers))
	}
	for id, c := range n.Containers {
		out.Attached[id] = c.Name
	}
	return out
}

func liftPool(c network.IPAMConfig) spec.IPAMPool {
	return spec.IPAMPool{Subnet: c.Subnet, IPRange: c.IPRange, Gateway: c.Gateway, AuxAddresses: c.AuxAddress}
}

func liftVolume(v *volume.Volume) plan.Volume {
	return plan.Volume{
		Name:       v.Name,
		Labels:     v.Labels,
		Spec:       spec.VolumeSpec{VolumeName: v.Name, Driver: v.Driver, Options: v.Options, Labels: v.Labels},
		Mountpoint: v.Mountpoint,
		CreatedAt:  liftTime(v.CreatedAt),
	}
}
