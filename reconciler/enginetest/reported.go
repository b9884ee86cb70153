package enginetest

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// What the engine puts where nothing was asked for.
var (
	defaultShm    = resource.MustParse("64Mi")
	maskedPaths   = []string{"/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"}
	readonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// reported is what inspect will give for what is asked for: with what the image sets and the daemon fills in, and without what is
// berth's alone.
func (e *Engine) reported(c *container, p plan.Create) (spec.ContainerSpec, limits) {
	s := clone(p.Spec)
	image := clone(e.images.byID[c.imageID].Defaults)
	s.Labels = merged(image.Labels, s.Labels, p.Labels)
	mergeImage(&s, &image)
	s.Ports = onePortEach(s.Ports)
	s.Volumes = asReported(s.Volumes)
	e.fillIn(c, &s)
	l := limitsOf(&s)
	if l.memory > 0 && l.memorySwap == 0 {
		l.memorySwap = 2 * l.memory
	}
	l.cgroupSwap = max(0, l.memorySwap)
	s.Resources.Requests, s.Resources.Limits = spec.ResourceRequests{}, spec.ResourceLimits{}
	s.EngineOnly()
	s.Platform, s.Networks = "", nil
	return s, l
}

func merged(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range all {
		maps.Copy(out, m)
	}
	return out
}

// mergeImage is what moby's daemon/commit.go, merge, does.
func mergeImage(s, image *spec.ContainerSpec) {
	s.User = cmp.Or(s.User, image.User)
	s.WorkingDir = cmp.Or(s.WorkingDir, image.WorkingDir)
	s.StopSignal = cmp.Or(s.StopSignal, image.StopSignal)
	if len(s.Command) == 0 {
		if len(s.Args) == 0 {
			s.Args = image.Args
		}
		s.Command = image.Command
	}
	for _, v := range image.Env {
		if !slices.ContainsFunc(s.Env, func(own spec.EnvVar) bool { return own.Name == v.Name }) {
			s.Env = append(s.Env, v)
		}
	}
	s.Healthcheck = mergedHealthcheck(s.Healthcheck, image.Healthcheck)
	s.Ports = append(s.Ports, image.Ports...)
	for _, m := range image.Volumes {
		if !slices.ContainsFunc(s.Volumes, func(own spec.VolumeMount) bool { return own.MountPath == m.MountPath }) {
			s.Volumes = append(s.Volumes, m)
		}
	}
}

func mergedHealthcheck(own, image *spec.Healthcheck) *spec.Healthcheck {
	if own == nil || image == nil {
		return cmp.Or(own, image)
	}
	if len(own.Command) == 0 && own.Shell == "" && !own.Disable {
		own.Command, own.Shell, own.Disable = image.Command, image.Shell, image.Disable
	}
	own.Interval = cmp.Or(own.Interval, image.Interval)
	own.Timeout = cmp.Or(own.Timeout, image.Timeout)
	own.StartPeriod = cmp.Or(own.StartPeriod, image.StartPeriod)
	own.StartInterval = cmp.Or(own.StartInterval, image.StartInterval)
	own.Retries = cmp.Or(own.Retries, image.Retries)
	return own
}

// onePortEach takes ranges apart, and drops the exposure of a port that is published.
func onePortEach(ports []spec.Port) (out []spec.Port) {
	for _, p := range ports {
		for i := range p.ContainerPort.Len() {
			one := spec.Port{HostIP: p.HostIP, Protocol: cmp.Or(p.Protocol, spec.ProtocolTCP)}
			one.ContainerPort = nth(p.ContainerPort, i)
			if p.HostPort != nil {
				h := spec.PortRange{}
				if p.HostPort.First != 0 {
					h = nth(*p.HostPort, i)
				}
				one.HostPort = &h
			}
			out = append(out, one)
		}
	}
	published := map[string]bool{}
	for _, p := range out {
		published[portName(p)] = published[portName(p)] || p.HostPort != nil
	}
	seen := map[string]bool{}
	out = slices.DeleteFunc(out, func(p spec.Port) bool {
		if p.HostPort != nil {
			return false
		}
		again := seen[portName(p)]
		seen[portName(p)] = true
		return again || published[portName(p)]
	})
	slices.SortStableFunc(out, comparePorts)
	return out
}

func nth(r spec.PortRange, i int) spec.PortRange {
	n := r.First + uint16(i)
	return spec.PortRange{First: n, Last: n}
}

func portName(p spec.Port) string { return p.ContainerPort.String() + "/" + string(p.Protocol) }

func comparePorts(a, b spec.Port) int {
	return cmp.Or(
		cmp.Compare(a.ContainerPort.First, b.ContainerPort.First),
		cmp.Compare(a.Protocol, b.Protocol),
		cmp.Compare(a.HostIP, b.HostIP),
		cmp.Compare(hostPort(a), hostPort(b)),
	)
}

func hostPort(p spec.Port) uint16 {
	if p.HostPort == nil {
		return 0
	}
	return p.HostPort.First
}

func asReported(mounts []spec.VolumeMount) []spec.VolumeMount {
	for i := range mounts {
		m := &mounts[i]
		m.Name = ""
		if m.HostPath != nil && m.SubPath != "" {
			m.HostPath.Path, m.SubPath = strings.TrimSuffix(m.HostPath.Path, "/")+"/"+m.SubPath, ""
		}
	}
	return sortedMounts(mounts)
}

func sortedMounts(mounts []spec.VolumeMount) []spec.VolumeMount {
	slices.SortStableFunc(mounts, func(a, b spec.VolumeMount) int { return cmp.Compare(a.MountPath, b.MountPath) })
	return mounts
}

// fillIn adds what the daemon decides.
func (e *Engine) fillIn(c *container, s *spec.ContainerSpec) {
	s.NetworkMode = reportedMode(s)
	s.Hostname = cmp.Or(s.Hostname, c.id[:12])
	if p := s.RestartPolicy; p == "" {
		s.RestartPolicy = spec.RestartNever
	}
	if s.RestartPolicy != spec.RestartOnFailure {
		s.MaximumRetryCount = 0
	}
	if s.Logging == nil {
		s.Logging = &spec.Logging{Driver: e.info.LoggingDriver}
	}
	s.IpcMode = cmp.Or(s.IpcMode, "private")
	cgroupns := "private"
	if e.info.CgroupVersion == "1" || s.SecurityContext.Privileged {
		cgroupns = "host"
	}
	s.CgroupnsMode = cmp.Or(s.CgroupnsMode, cgroupns)
	s.Runtime = cmp.Or(s.Runtime, e.info.DefaultRuntime)
	fillInResources(&s.Resources)
	fillInSecurity(s)
}

// reportedMode is empty where the container has networks of its own.
func reportedMode(s *spec.ContainerSpec) string {
	switch {
	case len(s.Networks) > 0:
		return ""
	case s.NetworkMode == "" || s.NetworkMode == "default":
		return "bridge"
	}
	return s.NetworkMode
}

func fillInResources(r *spec.Resources) {
	r.CPUShares = plan.Shares(*r)
	r.ShmSize = cmp.Or(r.ShmSize, &defaultShm)
	if r.OOMKillDisable == nil {
		r.OOMKillDisable = new(false)
	}
	if r.OOMScoreAdj == nil {
		r.OOMScoreAdj = new(0)
	}
	for i := range r.Devices {
		d := &r.Devices[i]
		d.ContainerPath, d.Permissions = cmp.Or(d.ContainerPath, d.HostPath), cmp.Or(d.Permissions, "rwm")
	}
}

func fillInSecurity(s *spec.ContainerSpec) {
	c := &s.SecurityContext
	if c.Privileged || s.IpcMode == "host" || s.PidMode == "host" {
		c.SELinuxOptions = &spec.SELinuxOptions{Disable: true}
	}
	masked, readonly := maskedPaths, readonlyPaths
	if c.Privileged {
		masked, readonly = nil, nil
	}
	if c.MaskedPaths == nil && masked != nil {
		c.MaskedPaths = new(slices.Clone(masked))
	}
	if c.ReadonlyPaths == nil && readonly != nil {
		c.ReadonlyPaths = new(slices.Clone(readonly))
	}
}
