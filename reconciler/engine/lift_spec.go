package engine

import (
	"cmp"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"

	"berth.dev/berth/spec"
)

func liftSpec(i container.InspectResponse, mounts []spec.VolumeMount) spec.ContainerSpec {
	c, h := i.Config, i.HostConfig
	return spec.ContainerSpec{
		Image:       c.Image,
		Command:     c.Entrypoint,
		Args:        c.Cmd,
		WorkingDir:  c.WorkingDir,
		Env:         mapped(c.Env, liftEnv),
		User:        c.User,
		Groups:      h.GroupAdd,
		Hostname:    c.Hostname,
		Domainname:  c.Domainname,
		Labels:      c.Labels,
		Annotations: h.Annotations,

		Ports:       liftPorts(c.ExposedPorts, h.PortBindings),
		NetworkMode: liftNetworkMode(h.NetworkMode),
		DNS:         h.DNS,
		DNSSearch:   h.DNSSearch,
		DNSOptions:  h.DNSOptions,
		ExtraHosts:  h.ExtraHosts,

		Volumes:   mounts,
		Resources: liftResources(h),

		RestartPolicy:                 liftRestart(h.RestartPolicy.Name),
		MaximumRetryCount:             h.RestartPolicy.MaximumRetryCount,
		TerminationGracePeriodSeconds: liftSeconds(c.StopTimeout),
		StopSignal:                    c.StopSignal,
		Init:                          h.Init,
		TTY:                           c.Tty,
		Stdin:                         c.OpenStdin,
		Healthcheck:                   liftHealthcheck(c.Healthcheck),
		Logging:                       liftLogging(h.LogConfig),

		SecurityContext: liftSecurity(h),
		UsernsMode:      string(h.UsernsMode),
		PidMode:         string(h.PidMode),
		IpcMode:         string(h.IpcMode),
		UTSMode:         string(h.UTSMode),
		CgroupnsMode:    string(h.CgroupnsMode),
		Sysctls:         h.Sysctls,
		Runtime:         h.Runtime,
		StorageOptions:  h.StorageOpt,
	}
}

func liftEnv(s string) spec.EnvVar {
	name, value, _ := strings.Cut(s, "=")
	return spec.EnvVar{Name: name, Value: value}
}

// liftNetworkMode is empty where the container has networks of its own: the engine keeps the name of the first one in the mode,
// also after the container was taken off it.
func liftNetworkMode(m container.NetworkMode) string {
	switch {
	case m == "" || m.IsDefault() || m == "bridge":
		return "bridge"
	case m.IsUserDefined():
		return ""
	}
	return string(m)
}

func liftRestart(m container.RestartPolicyMode) spec.RestartPolicy {
	for _, r := range restartPolicies {
		if r.docker == m {
			return r.model
		}
	}
	return spec.RestartNever // engines below 25.0 report "" where none was asked for
}

func liftSeconds(s *int) *int64 {
	if s == nil {
		return nil
	}
	return new(int64(*s))
}

func liftHealthcheck(h *container.HealthConfig) *spec.Healthcheck {
	if h == nil {
		return nil
	}
	out := &spec.Healthcheck{
		Interval:      spec.Duration(h.Interval),
		Timeout:       spec.Duration(h.Timeout),
		StartPeriod:   spec.Duration(h.StartPeriod),
		StartInterval: spec.Duration(h.StartInterval),
		Retries:       h.Retries,
	}
	if len(h.Test) == 0 {
		return out
	}
	switch kind, args := h.Test[0], h.Test[1:]; kind {
	case "NONE":
		out.Disable = true
	case "CMD-SHELL":
		out.Shell = strings.Join(args, " ")
	case "CMD":
		out.Command = args
	}
	return out
}

func liftLogging(l container.LogConfig) *spec.Logging {
	if l.Type == "" {
		return nil
	}
	return &spec.Logging{Driver: l.Type, Options: l.Config}
}

// liftPorts gives one entry a port, sorted: that a range was asked for cannot be told.
func liftPorts(exposed nat.PortSet, bindings nat.PortMap) []spec.Port {
	var out []spec.Port
	for p := range exposed {
		if len(bindings[p]) == 0 {
			out = append(out, liftPort(p))
		}
	}
	for p, binds := range bindings {
		for _, b := range binds {
			port := liftPort(p)
			port.HostIP = b.HostIP
			host, err := spec.ParsePortRange(cmp.Or(b.HostPort, "0"))
			if err == nil {
				port.HostPort = &host
			}
			out = append(out, port)
		}
	}
	slices.SortFunc(out, comparePorts)
	return out
}

func liftPort(p nat.Port) spec.Port {
	r, _ := spec.ParsePortRange(p.Port()) // the engine keeps nothing that is no port
	return spec.Port{ContainerPort: r, Protocol: spec.Protocol(strings.ToUpper(p.Proto()))}
}

func comparePorts(a, b spec.Port) int {
	return cmp.Or(
		cmp.Compare(a.ContainerPort.First, b.ContainerPort.First),
		cmp.Compare(a.Protocol, b.Protocol),
		cmp.Compare(a.HostIP, b.HostIP),
		cmp.Compare(hostPortOf(a), hostPortOf(b)),
	)
}

func hostPortOf(p spec.Port) uint16 { return deref(p.HostPort).First }
