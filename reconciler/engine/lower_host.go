package engine

import (
	"github.com/docker/docker/api/types/blkiodev"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"k8s.io/apimachinery/pkg/api/resource"

	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

func lowerHost(s *spec.ContainerSpec) *container.HostConfig {
	c := &s.SecurityContext
	h := &container.HostConfig{
		NetworkMode:    container.NetworkMode(s.NetworkMode),
		PortBindings:   lowerBindings(s.Ports),
		RestartPolicy:  lowerRestart(s.RestartPolicy, s.MaximumRetryCount),
		Annotations:    s.Annotations,
		CapAdd:         c.Capabilities.Add,
		CapDrop:        c.Capabilities.Drop,
		CgroupnsMode:   container.CgroupnsMode(s.CgroupnsMode),
		DNS:            s.DNS,
		DNSOptions:     s.DNSOptions,
		DNSSearch:      s.DNSSearch,
		ExtraHosts:     s.ExtraHosts,
		GroupAdd:       s.Groups,
		IpcMode:        container.IpcMode(s.IpcMode),
		PidMode:        container.PidMode(s.PidMode),
		Privileged:     c.Privileged,
		ReadonlyRootfs: c.ReadOnlyRootFilesystem,
		StorageOpt:     s.StorageOptions,
		UTSMode:        container.UTSMode(s.UTSMode),
		UsernsMode:     container.UsernsMode(s.UsernsMode),
		Sysctls:        s.Sysctls,
		Runtime:        s.Runtime,
		Resources:      lowerResources(&s.Resources),
		ShmSize:        value(s.Resources.ShmSize),
		Init:           s.Init,
		MaskedPaths:    lowerPaths(c.MaskedPaths),
		ReadonlyPaths:  lowerPaths(c.ReadonlyPaths),
	}
	if s.Resources.OOMScoreAdj != nil {
		h.OomScoreAdj = *s.Resources.OOMScoreAdj
	}
	if s.Logging != nil {
		h.LogConfig = container.LogConfig{Type: s.Logging.Driver, Config: s.Logging.Options}
	}
	return h
}

// lowerPaths keeps nil (the engine's own paths) and empty (none) apart.
func lowerPaths(p *[]string) []string {
	switch {
	case p == nil:
		return nil
	case *p == nil:
		return []string{}
	}
	return *p
}

func lowerResources(r *spec.Resources) container.Resources {
	l := r.Limits
	return container.Resources{
		CPUShares:            plan.Shares(*r),
		Memory:               value(l.Memory),
		NanoCPUs:             nano(l.CPU),
		CgroupParent:         r.CgroupParent,
		BlkioWeight:          r.Blkio.Weight,
		BlkioWeightDevice:    mapped(r.Blkio.WeightDevices, lowerWeight),
		BlkioDeviceReadBps:   mapped(r.Blkio.DeviceReadBps, lowerRate),
		BlkioDeviceWriteBps:  mapped(r.Blkio.DeviceWriteBps, lowerRate),
		BlkioDeviceReadIOps:  mapped(r.Blkio.DeviceReadIOps, lowerRate),
		BlkioDeviceWriteIOps: mapped(r.Blkio.DeviceWriteIOps, lowerRate),
		CPURealtimePeriod:    r.CPURealtimePeriod,
		CPURealtimeRuntime:   r.CPURealtimeRuntime,
		CpusetCpus:           r.CPUSetCPUs,
		CpusetMems:           r.CPUSetMems,
		Devices:              mapped(r.Devices, lowerDevice),
		DeviceCgroupRules:    r.DeviceCgroupRules,
		DeviceRequests:       mapped(r.DeviceRequests, lowerDeviceRequest),
		MemoryReservation:    value(r.Requests.Memory),
		MemorySwap:           lowerSwap(l),
		MemorySwappiness:     r.MemorySwappiness,
		OomKillDisable:       r.OOMKillDisable,
		PidsLimit:            l.Pids,
		Ulimits:              mapped(r.Ulimits, lowerUlimit),
	}
}

// value is 0, which is "not set" to the engine, for a quantity that is left out.
func value(q *resource.Quantity) int64 {
	if q == nil {
		return 0
	}
	return q.Value()
}

func nano(q *resource.Quantity) int64 {
	if q == nil {
		return 0
	}
	return q.ScaledValue(resource.Nano)
}

// lowerSwap gives memory and swap together, as the API counts, and 0 for Docker's own rule.
func lowerSwap(l spec.ResourceLimits) int64 {
	switch {
	case l.Swap == nil:
		return 0
	case l.Swap.Sign() < 0:
		return -1
	}
	return value(l.Memory) + value(l.Swap)
}

func lowerWeight(w spec.DeviceWeight) *blkiodev.WeightDevice {
	return &blkiodev.WeightDevice{Path: w.Path, Weight: w.Weight}
}

func lowerRate(r spec.DeviceRate) *blkiodev.ThrottleDevice {
	return &blkiodev.ThrottleDevice{Path: r.Path, Rate: uint64(max(0, r.Rate.Value()))}
}

func lowerDevice(d spec.Device) container.DeviceMapping {
	m := container.DeviceMapping{PathOnHost: d.HostPath, PathInContainer: d.ContainerPath, CgroupPermissions: d.Permissions}
	if m.PathInContainer == "" {
		m.PathInContainer = d.HostPath
	}
	if m.CgroupPermissions == "" {
		m.CgroupPermissions = "rwm"
	}
	return m
}

func lowerDeviceRequest(d spec.DeviceRequest) container.DeviceRequest {
	return container.DeviceRequest(d)
}

func lowerUlimit(u spec.Ulimit) *container.Ulimit {
	return &container.Ulimit{Name: u.Name, Soft: u.Soft, Hard: u.Hard}
}

func lowerUpdate(u plan.Update) container.UpdateConfig {
	c := container.UpdateConfig{Resources: container.Resources{
		NanoCPUs:           deref(u.NanoCPUs),
		CPUShares:          deref(u.CPUShares),
		CpusetCpus:         deref(u.CPUSetCPUs),
		CpusetMems:         deref(u.CPUSetMems),
		CPURealtimePeriod:  deref(u.CPURealtimePeriod),
		CPURealtimeRuntime: deref(u.CPURealtimeRuntime),
		Memory:             deref(u.Memory),
		MemorySwap:         deref(u.MemorySwap),
		MemoryReservation:  deref(u.MemoryReservation),
		PidsLimit:          u.Pids,
		BlkioWeight:        deref(u.BlkioWeight),
	}}
	if u.RestartPolicy != nil {
		c.RestartPolicy = lowerRestart(*u.RestartPolicy, u.MaximumRetryCount)
	}
	return c
}

// deref gives the zero value, which leaves a setting alone, for nil.
func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func lowerNetwork(n plan.NetworkCreate) network.CreateOptions {
	o := network.CreateOptions{
		Driver:     n.Spec.Driver,
		Options:    n.Spec.Options,
		Internal:   n.Spec.Internal,
		Attachable: n.Spec.Attachable,
		Labels:     merged(n.Spec.Labels, n.Labels),
	}
	if n.Spec.IPv6 {
		o.EnableIPv6 = new(true) // left out, it is for the engine's configuration to decide
	}
	if i := n.Spec.IPAM; i != nil {
		o.IPAM = &network.IPAM{Driver: i.Driver, Options: i.Options, Config: mapped(i.Pools, lowerPool)}
	}
	return o
}

func lowerPool(p spec.IPAMPool) network.IPAMConfig {
	return network.IPAMConfig{Subnet: p.Subnet, IPRange: p.IPRange, Gateway: p.Gateway, AuxAddress: p.AuxAddresses}
}

func lowerVolume(v plan.VolumeCreate) volume.CreateOptions {
	return volume.CreateOptions{Name: v.Name, Driver: v.Spec.Driver, DriverOpts: v.Spec.Options, Labels: merged(v.Spec.Labels, v.Labels)}
}
