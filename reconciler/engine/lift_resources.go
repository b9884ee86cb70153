package engine

import (
	"github.com/docker/docker/api/types/blkiodev"
	"github.com/docker/docker/api/types/container"
	"k8s.io/apimachinery/pkg/api/resource"

	"berth.dev/berth/spec"
)

func liftResources(h *container.HostConfig) spec.Resources {
	r := h.Resources
	return spec.Resources{
		Requests: spec.ResourceRequests{Memory: bytesOf(r.MemoryReservation)},
		Limits: spec.ResourceLimits{
			CPU:    liftCPU(r),
			Memory: bytesOf(r.Memory),
			Swap:   liftSwap(r),
			Pids:   liftPids(r.PidsLimit),
		},
		CPUShares:          r.CPUShares, // also where requests.cpu was asked for: it becomes shares
		CPUSetCPUs:         r.CpusetCpus,
		CPUSetMems:         r.CpusetMems,
		CPURealtimePeriod:  r.CPURealtimePeriod,
		CPURealtimeRuntime: r.CPURealtimeRuntime,
		MemorySwappiness:   liftSwappiness(r.MemorySwappiness),
		OOMKillDisable:     r.OomKillDisable,
		OOMScoreAdj:        &h.OomScoreAdj,
		Blkio: spec.Blkio{
			Weight:          r.BlkioWeight,
			WeightDevices:   mapped(r.BlkioWeightDevice, liftWeight),
			DeviceReadBps:   mapped(r.BlkioDeviceReadBps, liftRate),
			DeviceWriteBps:  mapped(r.BlkioDeviceWriteBps, liftRate),
			DeviceReadIOps:  mapped(r.BlkioDeviceReadIOps, liftRate),
			DeviceWriteIOps: mapped(r.BlkioDeviceWriteIOps, liftRate),
		},
		Ulimits:           mapped(r.Ulimits, liftUlimit),
		ShmSize:           bytesOf(h.ShmSize),
		Devices:           mapped(r.Devices, liftDevice),
		DeviceCgroupRules: r.DeviceCgroupRules,
		DeviceRequests:    mapped(r.DeviceRequests, liftDeviceRequest),
		CgroupParent:      r.CgroupParent,
	}
}

// bytesOf is nil for 0, which is "not set" to the engine.
func bytesOf(n int64) *resource.Quantity {
	if n == 0 {
		return nil
	}
	return resource.NewQuantity(n, resource.BinarySI)
}

// liftCPU reads also the older way to limit CPUs, by quota and period, of containers that somebody else made.
func liftCPU(r container.Resources) *resource.Quantity {
	const defaultPeriod = 100_000 // microseconds, the kernel's
	switch {
	case r.NanoCPUs > 0:
		return resource.NewScaledQuantity(r.NanoCPUs, resource.Nano)
	case r.CPUQuota > 0 && r.CPUPeriod > 0:
		return resource.NewScaledQuantity(r.CPUQuota*1e9/r.CPUPeriod, resource.Nano)
	case r.CPUQuota > 0:
		return resource.NewScaledQuantity(r.CPUQuota*1e9/defaultPeriod, resource.Nano)
	}
	return nil
}

// liftSwap takes the memory out of what the API counts together.
func liftSwap(r container.Resources) *resource.Quantity {
	switch {
	case r.MemorySwap == 0:
		return nil
	case r.MemorySwap < 0:
		return resource.NewQuantity(-1, resource.BinarySI)
	}
	return resource.NewQuantity(max(0, r.MemorySwap-r.Memory), resource.BinarySI)
}

// liftPids: the engine reports no limit as null, 0 or -1, as it was asked for and by its version.
func liftPids(p *int64) *int64 {
	if p == nil || *p == 0 {
		return nil
	}
	return p
}

// liftSwappiness: -1 is the engine's word for "not set".
func liftSwappiness(s *int64) *int64 {
	if s == nil || *s < 0 {
		return nil
	}
	return s
}

func liftWeight(w *blkiodev.WeightDevice) spec.DeviceWeight {
	return spec.DeviceWeight{Path: w.Path, Weight: w.Weight}
}

func liftRate(d *blkiodev.ThrottleDevice) spec.DeviceRate {
	return spec.DeviceRate{Path: d.Path, Rate: *resource.NewQuantity(int64(d.Rate), resource.DecimalSI)}
}

func liftUlimit(u *container.Ulimit) spec.Ulimit {
	return spec.Ulimit{Name: u.Name, Soft: u.Soft, Hard: u.Hard}
}

func liftDevice(d container.DeviceMapping) spec.Device {
	return spec.Device{HostPath: d.PathOnHost, ContainerPath: d.PathInContainer, Permissions: d.CgroupPermissions}
}

func liftDeviceRequest(d container.DeviceRequest) spec.DeviceRequest { return spec.DeviceRequest(d) }
