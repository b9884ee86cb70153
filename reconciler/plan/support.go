package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"berth.dev/berth/spec"
)

// Unsupported says, one line a field, what of a container the engine or its kernel cannot do. The engine itself would take most
// of it and drop it, with a warning or in silence.
func Unsupported(s *spec.ContainerSpec, e Engine) []string {
	missing := APIGaps(s, e)
	for _, a := range abilities {
		if a.wanted(s) && !a.has(s, e) {
			missing = append(missing, a.field+": "+a.reason(s, e))
		}
	}
	return missing
}

// APIGaps is the part of Unsupported that the engine's API version decides. It needs no more of e than the two versions.
func APIGaps(s *spec.ContainerSpec, e Engine) []string {
	var missing []string
	for _, g := range gates {
		field := g.field(s)
		if field == "" || APIAtLeast(e.APIVersion, g.since) {
			continue
		}
		missing = append(missing, fmt.Sprintf("%s needs engine API %s; the engine has %s: upgrade the engine or remove the field", field, g.since, e.versions()))
	}
	return missing
}

func (e Engine) versions() string {
	if e.Version == "" {
		return e.APIVersion
	}
	return fmt.Sprintf("%s (Docker %s)", e.APIVersion, e.Version)
}

// APIAtLeast reports whether an API version, as in 1.43, is at least another. A version that is none is older than all.
func APIAtLeast(version, least string) bool {
	major, minor := apiVersion(version)
	wantMajor, wantMinor := apiVersion(least)
	return major > wantMajor || major == wantMajor && minor >= wantMinor
}

func apiVersion(s string) (major, minor int) {
	first, second, _ := strings.Cut(s, ".")
	major, _ = strconv.Atoi(first)
	minor, _ = strconv.Atoi(second)
	return major, minor
}

// gate is a field that came with an API version.
type gate struct {
	since string
	// field names the field where the container has it, else it is empty.
	field func(*spec.ContainerSpec) string
}

// gates lists every field that API 1.41 has not; see "Docker Engine API version history" in Docker's documentation. Where
// there is another way to say the same to an older engine, the field is not listed (createHostPath, several networks).
var gates = []gate{
	{"1.42", mountField("hostPath.nonRecursive (with createHostPath)", func(v spec.VolumeMount) bool {
		return v.HostPath != nil && v.HostPath.CreateHostPath && v.HostPath.NonRecursive
	})},
	{"1.42", mountField("hostPath.createHostPath (with a colon in a path)", func(v spec.VolumeMount) bool {
		return v.HostPath != nil && v.HostPath.CreateHostPath && strings.Contains(v.HostPath.Path+v.SubPath+v.MountPath, ":")
	})},
	{"1.43", fixed("annotations", func(s *spec.ContainerSpec) bool { return len(s.Annotations) > 0 })},
	{"1.44", fixed("healthcheck.startInterval", func(s *spec.ContainerSpec) bool {
		return s.Healthcheck != nil && s.Healthcheck.StartInterval != 0
	})},
	{"1.44", networkField("macAddress (of a network that is not the first)", func(n []spec.NetworkAttachment, i int) bool {
		return n[i].MACAddress != "" && i != First(n)
	})},
	{"1.45", mountField("subPath", func(v spec.VolumeMount) bool { return v.Volume != nil && v.SubPath != "" })},
	{"1.48", networkField("gatewayPriority", func(n []spec.NetworkAttachment, i int) bool { return n[i].GatewayPriority != 0 })},
}

func fixed(name string, has func(*spec.ContainerSpec) bool) func(*spec.ContainerSpec) string {
	return func(s *spec.ContainerSpec) string {
		if has(s) {
			return name
		}
		return ""
	}
}

func mountField(name string, has func(spec.VolumeMount) bool) func(*spec.ContainerSpec) string {
	return func(s *spec.ContainerSpec) string {
		if i := slices.IndexFunc(s.Volumes, has); i >= 0 {
			return fmt.Sprintf("volumes[%d].%s", i, name)
		}
		return ""
	}
}

func networkField(name string, has func([]spec.NetworkAttachment, int) bool) func(*spec.ContainerSpec) string {
	return func(s *spec.ContainerSpec) string {
		for i := range s.Networks {
			if has(s.Networks, i) {
				return fmt.Sprintf("networks[%d].%s", i, name)
			}
		}
		return ""
	}
}

// First is the network that a container is created on: the first of the highest priority.
func First(networks []spec.NetworkAttachment) int {
	first := 0
	for i, n := range networks {
		if n.Priority > networks[first].Priority {
			first = i
		}
	}
	return first
}

// ability is something that an engine or its kernel may lack.
type ability struct {
	field  string
	wanted func(*spec.ContainerSpec) bool
	has    func(*spec.ContainerSpec, Engine) bool
	reason func(*spec.ContainerSpec, Engine) string
}

var abilities = []ability{
	kernel("resources.limits.cpu", "CPU quotas", func(r spec.Resources) bool { return r.Limits.CPU != nil }, func(e Engine) bool { return e.CPUCfs }),
	kernel("resources.limits.memory", "memory limits", func(r spec.Resources) bool { return r.Limits.Memory != nil }, func(e Engine) bool { return e.MemoryLimit }),
	kernel("resources.limits.swap", "swap limits", func(r spec.Resources) bool { return r.Limits.Swap != nil }, func(e Engine) bool { return e.SwapLimit }),
	kernel("resources.limits.pids", "pids limits", func(r spec.Resources) bool { return r.Limits.Pids != nil }, func(e Engine) bool { return e.PidsLimit }),
	kernel("resources.requests.cpu", "CPU shares", func(r spec.Resources) bool { return r.Requests.CPU != nil }, func(e Engine) bool { return e.CPUShares }),
	kernel("resources.requests.memory", "memory limits", func(r spec.Resources) bool { return r.Requests.Memory != nil }, func(e Engine) bool { return e.MemoryLimit }),
	kernel("resources.cpuShares", "CPU shares", func(r spec.Resources) bool { return r.CPUShares != 0 }, func(e Engine) bool { return e.CPUShares }),
	kernel("resources.cpusetCpus", "CPU sets", func(r spec.Resources) bool { return r.CPUSetCPUs != "" }, func(e Engine) bool { return e.CPUSet }),
	kernel("resources.cpusetMems", "CPU sets", func(r spec.Resources) bool { return r.CPUSetMems != "" }, func(e Engine) bool { return e.CPUSet }),
	kernel("resources.oomKillDisable", "switching the OOM killer off", func(r spec.Resources) bool { return isTrue(r.OOMKillDisable) }, func(e Engine) bool { return e.OOMKillDisable }),
	cgroup1("resources.memorySwappiness", func(r spec.Resources) bool { return r.MemorySwappiness != nil }),
	cgroup1("resources.cpuRealtimePeriod", func(r spec.Resources) bool { return r.CPURealtimePeriod != 0 }),
	cgroup1("resources.cpuRealtimeRuntime", func(r spec.Resources) bool { return r.CPURealtimeRuntime != 0 }),
	{
		"resources.cgroupParent",
		func(s *spec.ContainerSpec) bool { return s.Resources.CgroupParent != "" },
		func(s *spec.ContainerSpec, e Engine) bool {
			return e.CgroupDriver != "systemd" || strings.HasSuffix(s.Resources.CgroupParent, ".slice")
		},
		func(s *spec.ContainerSpec, _ Engine) string {
			return fmt.Sprintf("the engine's cgroups are systemd's, where a parent is a slice such as berth.slice; found %q", s.Resources.CgroupParent)
		},
	},
	{
		"runtime",
		func(s *spec.ContainerSpec) bool { return s.Runtime != "" },
		func(s *spec.ContainerSpec, e Engine) bool {
			return slices.Contains(e.Runtimes, s.Runtime) || isShim(s.Runtime)
		},
		func(s *spec.ContainerSpec, e Engine) string {
			return fmt.Sprintf("the engine has no runtime %q; it has %s", s.Runtime, strings.Join(e.Runtimes, ", "))
		},
	},
	security("securityContext.seccompProfile", "seccomp", func(c spec.SecurityContext) bool { return isLocalhost(c.SeccompProfile) }),
	security("securityContext.appArmorProfile", "apparmor", func(c spec.SecurityContext) bool { return isLocalhost(c.AppArmorProfile) }),
	security("securityContext.seLinuxOptions", "selinux", func(c spec.SecurityContext) bool {
		return c.SELinuxOptions != nil && !c.SELinuxOptions.Disable
	}),
}

func kernel(field, what string, wanted func(spec.Resources) bool, has func(Engine) bool) ability {
	return ability{
		field,
		func(s *spec.ContainerSpec) bool { return wanted(s.Resources) },
		func(_ *spec.ContainerSpec, e Engine) bool { return has(e) },
		func(*spec.ContainerSpec, Engine) string {
			return fmt.Sprintf("the engine's kernel has no %s (or does not let the engine use them)", what)
		},
	}
}

func cgroup1(field string, wanted func(spec.Resources) bool) ability {
	return ability{
		field,
		func(s *spec.ContainerSpec) bool { return wanted(s.Resources) },
		func(_ *spec.ContainerSpec, e Engine) bool { return e.CgroupVersion == "1" },
		func(_ *spec.ContainerSpec, e Engine) string {
			return fmt.Sprintf("needs cgroup v1; the engine's host has v%s: remove the field", e.CgroupVersion)
		},
	}
}

func security(field, option string, wanted func(spec.SecurityContext) bool) ability {
	return ability{
		field,
		func(s *spec.ContainerSpec) bool { return wanted(s.SecurityContext) },
		func(_ *spec.ContainerSpec, e Engine) bool { return e.hasSecurity(option) },
		func(*spec.ContainerSpec, Engine) string {
			return fmt.Sprintf("the engine runs without %s: enable it there or remove the field", option)
		},
	}
}

// hasSecurity reads options such as name=seccomp,profile=default.
func (e Engine) hasSecurity(option string) bool {
	return slices.ContainsFunc(e.SecurityOptions, func(o string) bool {
		name, _, _ := strings.Cut(o, ",")
		return name == "name="+option
	})
}

func isTrue(b *bool) bool { return b != nil && *b }

func isLocalhost(p *spec.SecurityProfile) bool { return p != nil && p.Type == spec.ProfileLocalhost }

// isShim reports whether a runtime is a containerd shim by name or path, which the engine finds without being configured.
func isShim(runtime string) bool {
	return strings.HasPrefix(runtime, "io.containerd.") || strings.HasPrefix(runtime, "/")
}
