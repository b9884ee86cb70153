package engine

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// lowered is a container in the API's terms. What lowering does is undone by lifting, see lift.go; both keep to the model's
// order of fields. Not the engine's are replicas, imagePullPolicy, envFile and the names of ports and volumes.
type lowered struct {
	config     *container.Config
	host       *container.HostConfig
	networking *network.NetworkingConfig
	platform   *ocispec.Platform
	// later are networks to connect after the creation, where the API takes no more than one at the creation.
	later []endpoint
}

type endpoint struct {
	network  string
	settings *network.EndpointSettings
}

func lower(c plan.Create, api string) (lowered, error) {
	s := &c.Spec
	security, err := lowerSecurityOpts(&s.SecurityContext)
	if err != nil {
		return lowered{}, err
	}
	l := lowered{config: lowerConfig(s, c.Labels), host: lowerHost(s), platform: lowerPlatform(s.Platform)}
	l.host.SecurityOpt = security
	if err := l.mounts(c, api); err != nil {
		return lowered{}, err
	}
	l.networks(s.Networks, api)
	return l, nil
}

func lowerConfig(s *spec.ContainerSpec, ours map[string]string) *container.Config {
	return &container.Config{
		Hostname:     s.Hostname,
		Domainname:   s.Domainname,
		User:         s.User,
		ExposedPorts: lowerExposed(s.Ports),
		Tty:          s.TTY,
		OpenStdin:    s.Stdin,
		Env:          mapped(s.Env, func(e spec.EnvVar) string { return e.Name + "=" + e.Value }),
		Cmd:          s.Args,
		Healthcheck:  lowerHealthcheck(s.Healthcheck),
		Image:        s.Image,
		WorkingDir:   s.WorkingDir,
		Entrypoint:   s.Command,
		Labels:       merged(s.Labels, ours),
		StopSignal:   s.StopSignal,
		StopTimeout:  lowerSeconds(s.TerminationGracePeriodSeconds),
	}
}

func merged(maps_ ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range maps_ {
		maps.Copy(out, m)
	}
	return out
}

func lowerSeconds(s *int64) *int {
	if s == nil {
		return nil
	}
	return new(int(*s))
}

func lowerHealthcheck(h *spec.Healthcheck) *container.HealthConfig {
	if h == nil {
		return nil
	}
	return &container.HealthConfig{
		Test:          lowerTest(h),
		Interval:      time.Duration(h.Interval),
		Timeout:       time.Duration(h.Timeout),
		StartPeriod:   time.Duration(h.StartPeriod),
		StartInterval: time.Duration(h.StartInterval),
		Retries:       h.Retries,
	}
}

// lowerTest gives nothing where the image's test is kept.
func lowerTest(h *spec.Healthcheck) []string {
	switch {
	case h.Disable:
		return []string{"NONE"}
	case h.Shell != "":
		return []string{"CMD-SHELL", h.Shell}
	case len(h.Command) > 0:
		return append([]string{"CMD"}, h.Command...)
	}
	return nil
}

func lowerPlatform(s string) *ocispec.Platform {
	if s == "" {
		return nil
	}
	parts := append(strings.Split(s, "/"), "", "")
	return &ocispec.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}
}

// lowerPort names one port of a range as the API does, as in 80/tcp.
func lowerPort(p spec.Port, i int) nat.Port {
	protocol := strings.ToLower(string(cmp.Or(p.Protocol, spec.ProtocolTCP)))
	return nat.Port(strconv.Itoa(int(p.ContainerPort.First)+i) + "/" + protocol)
}

func lowerExposed(ports []spec.Port) nat.PortSet {
	out := nat.PortSet{}
	for _, p := range ports {
		for i := range p.ContainerPort.Len() {
			out[lowerPort(p, i)] = struct{}{}
		}
	}
	return out
}

func lowerBindings(ports []spec.Port) nat.PortMap {
	out := nat.PortMap{}
	for _, p := range ports {
		if p.HostPort == nil {
			continue
		}
		for i := range p.ContainerPort.Len() {
			name := lowerPort(p, i)
			out[name] = append(out[name], nat.PortBinding{HostIP: p.HostIP, HostPort: lowerHostPort(*p.HostPort, i)})
		}
	}
	return out
}

// lowerHostPort leaves the choice to the engine for port 0.
func lowerHostPort(r spec.PortRange, i int) string {
	if r.First == 0 {
		return ""
	}
	return strconv.Itoa(int(r.First) + i)
}

var restartPolicies = []struct {
	model  spec.RestartPolicy
	docker container.RestartPolicyMode
}{
	{spec.RestartAlways, container.RestartPolicyAlways},
	{spec.RestartUnlessStopped, container.RestartPolicyUnlessStopped},
	{spec.RestartOnFailure, container.RestartPolicyOnFailure},
	{spec.RestartNever, container.RestartPolicyDisabled},
}

// lowerRestart gives nothing where nothing is asked for. Docker refuses a retry count with a policy that has none.
func lowerRestart(p spec.RestartPolicy, retries int) container.RestartPolicy {
	for _, r := range restartPolicies {
		if r.model != p {
			continue
		}
		if p != spec.RestartOnFailure {
			retries = 0
		}
		return container.RestartPolicy{Name: r.docker, MaximumRetryCount: retries}
	}
	return container.RestartPolicy{}
}

// networks says how the container is connected. Engines below API 1.44 take one network at the creation. In which order the
// interfaces come is the engine's affair, but that the network of NetworkMode is the first.
func (l *lowered) networks(networks []spec.NetworkAttachment, api string) {
	if len(networks) == 0 {
		return
	}
	networks = slices.Clone(networks)
	slices.SortStableFunc(networks, func(a, b spec.NetworkAttachment) int { return cmp.Compare(b.Priority, a.Priority) })
	l.host.NetworkMode = container.NetworkMode(networks[0].Name)
	l.networking = &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{}}
	perEndpoint := plan.APIAtLeast(api, "1.44")
	for i, n := range networks {
		e := endpoint{n.Name, lowerEndpoint(n)}
		if !perEndpoint && i == 0 {
			//lint:ignore SA1019 the only way below API 1.44
			l.config.MacAddress, e.settings.MacAddress = n.MACAddress, ""
		}
		if !perEndpoint && i > 0 {
			l.later = append(l.later, e)
			continue
		}
		l.networking.EndpointsConfig[e.network] = e.settings
	}
}

func lowerEndpoint(n spec.NetworkAttachment) *network.EndpointSettings {
	e := &network.EndpointSettings{
		Aliases:    n.Aliases,
		MacAddress: n.MACAddress,
		DriverOpts: n.DriverOptions,
		GwPriority: n.GatewayPriority,
	}
	if n.IPv4Address != "" || n.IPv6Address != "" || len(n.LinkLocalIPs) > 0 {
		e.IPAMConfig = &network.EndpointIPAMConfig{IPv4Address: n.IPv4Address, IPv6Address: n.IPv6Address, LinkLocalIPs: n.LinkLocalIPs}
	}
	return e
}
