package spec

import "k8s.io/apimachinery/pkg/api/resource"

// Resources is what a container may use.
type Resources struct {
	// What the container is given when others want it too.
	Requests ResourceRequests `json:"requests,omitzero"`
	// What the container may at most use.
	Limits ResourceLimits `json:"limits,omitzero"`
	// Relative weight of CPU time, 1024 by default; instead of requests.cpu.
	CPUShares int64 `json:"cpuShares,omitempty"`
	// CPUs the container may run on, as in 0-2,4.
	CPUSetCPUs string `json:"cpusetCpus,omitempty"`
	// Memory nodes the container may use, as in 0,1.
	CPUSetMems string `json:"cpusetMems,omitempty"`
	// Length of a real-time period, in microseconds.
	CPURealtimePeriod int64 `json:"cpuRealtimePeriod,omitempty"`
	// Real-time CPU time in a period, in microseconds.
	CPURealtimeRuntime int64 `json:"cpuRealtimeRuntime,omitempty"`
	// How readily memory is swapped, 0 to 100 (cgroup v1 only).
	MemorySwappiness *int64 `json:"memorySwappiness,omitempty"`
	// Keeps the kernel from killing the container when it is out of memory (cgroup v1 only).
	OOMKillDisable *bool `json:"oomKillDisable,omitempty"`
	// Preference of the kernel's killer, -1000 to 1000.
	OOMScoreAdj *int `json:"oomScoreAdj,omitempty"`
	// Weights and rates of block devices.
	Blkio Blkio `json:"blkio,omitzero"`
	// Process limits, as in setrlimit(2).
	Ulimits []Ulimit `json:"ulimits,omitempty"`
	// Size of /dev/shm.
	ShmSize *resource.Quantity `json:"shmSize,omitempty"`
	// Devices of the host given to the container.
	Devices []Device `json:"devices,omitempty"`
	// Rules for the devices cgroup, as in "c 1:3 rwm".
	DeviceCgroupRules []string `json:"deviceCgroupRules,omitempty"`
	// Devices asked for from a driver, such as GPUs.
	DeviceRequests []DeviceRequest `json:"deviceRequests,omitempty"`
	// The cgroup under which the container's own is made.
	CgroupParent string `json:"cgroupParent,omitempty"`
}

// ResourceRequests is what a container is given when others want it too.
type ResourceRequests struct {
	// CPUs; becomes Docker's CPU shares, 1024 for one CPU, as kubelet does.
	CPU *resource.Quantity `json:"cpu,omitempty"`
	// Memory; becomes Docker's memory reservation (soft limit).
	Memory *resource.Quantity `json:"memory,omitempty"`
}

// ResourceLimits is what a container may at most use.
type ResourceLimits struct {
	// CPUs, as in 500m or 1.5.
	CPU *resource.Quantity `json:"cpu,omitempty"`
	// Memory, at least 6Mi.
	Memory *resource.Quantity `json:"memory,omitempty"`
	// Swap beyond the memory limit; 0 for none, -1 for no limit, as much as memory where it is left out.
	Swap *resource.Quantity `json:"swap,omitempty"`
	// Processes and threads; -1 for no limit.
	Pids *int64 `json:"pids,omitempty"`
}

// Blkio is weights and rates of block devices.
type Blkio struct {
	// Relative weight, 10 to 1000.
	Weight uint16 `json:"weight,omitempty"`
	// Weights by device.
	WeightDevices []DeviceWeight `json:"weightDevices,omitempty"`
	// Bytes a second read, by device.
	DeviceReadBps []DeviceRate `json:"deviceReadBps,omitempty"`
	// Bytes a second written, by device.
	DeviceWriteBps []DeviceRate `json:"deviceWriteBps,omitempty"`
	// Operations a second read, by device.
	DeviceReadIOps []DeviceRate `json:"deviceReadIOps,omitempty"`
	// Operations a second written, by device.
	DeviceWriteIOps []DeviceRate `json:"deviceWriteIOps,omitempty"`
}

// DeviceWeight is the weight of one block device.
type DeviceWeight struct {
	// The device, as in /dev/sda.
	Path string `json:"path"`
	// Relative weight, 10 to 1000.
	Weight uint16 `json:"weight"`
}

// DeviceRate is the rate of one block device.
type DeviceRate struct {
	// The device, as in /dev/sda.
	Path string `json:"path"`
	// Bytes or operations a second.
	Rate resource.Quantity `json:"rate"`
}

// Ulimit is one process limit.
type Ulimit struct {
	// The limit's name, as in nofile.
	Name string `json:"name"`
	// The soft limit; -1 for none.
	Soft int64 `json:"soft"`
	// The hard limit; -1 for none.
	Hard int64 `json:"hard"`
}

// Device is a device of the host.
type Device struct {
	// The device's path on the host.
	HostPath string `json:"hostPath"`
	// Its path in the container; the same where it is left out.
	ContainerPath string `json:"containerPath,omitempty"`
	// What the container may do: r(ead), w(rite), m(ake); rwm where it is left out.
	Permissions string `json:"permissions,omitempty"`
}

// DeviceRequest asks a driver for devices.
type DeviceRequest struct {
	// The driver, as in nvidia; any that has the capabilities where it is left out.
	Driver string `json:"driver,omitempty"`
	// How many; -1 for all. Not together with deviceIDs.
	Count int `json:"count,omitempty"`
	// Which ones.
	DeviceIDs []string `json:"deviceIDs,omitempty"`
	// Alternatives of capabilities that together are wanted, as in [[gpu]].
	Capabilities [][]string `json:"capabilities,omitempty"`
	// The driver's options.
	Options map[string]string `json:"options,omitempty"`
}
