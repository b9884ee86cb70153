package plan

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"berth.dev/berth/spec"
)

// The canonical forms of environment, ports and mounts.

func flatEnv(s *spec.ContainerSpec) values {
	v := make(values, len(s.Env))
	for _, e := range s.Env {
		v[e.Name] = e.Value
	}
	return v
}

func flatLabels(s *spec.ContainerSpec) values {
	v := make(values, len(s.Labels))
	for name, value := range s.Labels {
		if !strings.HasPrefix(name, spec.LabelPrefix) {
			v[name] = value
		}
	}
	return v
}

// exposed is the value of a port that is not published.
const exposed = "exposed"

func flatPorts(s *spec.ContainerSpec) values {
	bindings := map[string][]string{}
	for _, p := range s.Ports {
		for i := range p.ContainerPort.Len() {
			key := fmt.Sprintf("%d/%s", int(p.ContainerPort.First)+i, strings.ToLower(string(cmp.Or(p.Protocol, spec.ProtocolTCP))))
			b := bindings[key]
			if p.HostPort != nil {
				b = append(b, fmt.Sprintf("%s:%d", hostIP(p.HostIP), hostPort(*p.HostPort, i)))
			}
			bindings[key] = b
		}
	}
	v := make(values, len(bindings))
	for port, b := range bindings {
		slices.Sort(b)
		v[port] = cmp.Or(strings.Join(b, ","), exposed)
	}
	return v
}

// hostIP maps the ways to say "all addresses" to one.
func hostIP(ip string) string {
	if ip == "" || ip == "0.0.0.0" {
		return "*"
	}
	return ip
}

func hostPort(r spec.PortRange, i int) int {
	if r.First == 0 {
		return 0
	}
	return min(int(r.First)+i, int(r.Last))
}

// userNetworks is the network mode of a container that has networks of its own.
const userNetworks = "networks"

func flatNetworkMode(s *spec.ContainerSpec) values {
	switch mode := s.NetworkMode; {
	case mode == "default", mode == "bridge":
		return values{"": "bridge"}
	case mode == "none", mode == "host", strings.HasPrefix(mode, "container:"):
		return values{"": mode}
	}
	return values{"": userNetworks}
}

func flatVolumes(s *spec.ContainerSpec) values {
	v := make(values, len(s.Volumes))
	for _, m := range s.Volumes {
		v[path.Clean(m.MountPath)] = mount(m)
	}
	return v
}

// anonymous is the value of an anonymous volume.
const anonymous = "anonymous volume"

func mount(m spec.VolumeMount) string {
	var what []string
	switch {
	case m.Volume != nil && m.Volume.Name == "":
		what = []string{anonymous}
	case m.Volume != nil:
		what = []string{"volume " + m.Volume.Name, option("nocopy", m.Volume.NoCopy), prefixed("subpath=", m.SubPath)}
	case m.HostPath != nil:
		what = []string{"host path " + hostPath(m), propagation(m.HostPath.Propagation), option("nonrecursive", m.HostPath.NonRecursive)}
	case m.Tmpfs != nil:
		what = []string{"tmpfs", prefixed("size=", bytes(m.Tmpfs.Size)), prefixed("mode=", strings.TrimLeft(m.Tmpfs.Mode, "0"))}
	}
	what = append(what, option("read-only", m.ReadOnly))
	return strings.Join(slices.DeleteFunc(what, func(s string) bool { return s == "" }), " ")
}

func hostPath(m spec.VolumeMount) string { return path.Join(m.HostPath.Path, m.SubPath) }

func propagation(p spec.Propagation) string {
	if p == "rprivate" {
		return ""
	}
	return string(p)
}

func option(name string, on bool) string {
	if on {
		return name
	}
	return ""
}

func prefixed(prefix, value string) string {
	if value == "" {
		return ""
	}
	return prefix + value
}
