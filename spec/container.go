package spec

import "k8s.io/apimachinery/pkg/api/resource"

// ContainerSpec is all that a Docker container can be told. A field that is left out is the image's or the engine's to decide.
type ContainerSpec struct {
	// How many copies run; 1 where it is left out, 0 runs none.
	Replicas *int32 `json:"replicas,omitempty"`
	// The image: [registry/]name[:tag][@digest].
	Image string `json:"image"`
	// When the image is pulled: IfNotPresent (the default), Always (before every creation) or Never.
	ImagePullPolicy PullPolicy `json:"imagePullPolicy,omitempty"`
	// The platform of the image, as in linux/arm64/v8; the engine's own where it is left out.
	Platform string `json:"platform,omitempty"`
	// Replaces the image's ENTRYPOINT (and so its CMD).
	Command []string `json:"command,omitempty"`
	// Replaces the image's CMD.
	Args []string `json:"args,omitempty"`
	// The working directory, an absolute path.
	WorkingDir string `json:"workingDir,omitempty"`
	// Environment variables, over those of envFile and of the image.
	Env []EnvVar `json:"env,omitempty"`
	// Files of KEY=VALUE lines, relative to the manifest; a later file wins over an earlier one.
	EnvFile []string `json:"envFile,omitempty"`
	// The user as name or uid, optionally with :group or :gid.
	User string `json:"user,omitempty"`
	// Further groups of the user, as names or gids.
	Groups []string `json:"groups,omitempty"`
	// The host name inside; the container's short ID where it is left out.
	Hostname string `json:"hostname,omitempty"`
	// The NIS domain name inside.
	Domainname string `json:"domainname,omitempty"`
	// Docker labels of the container. The prefix dev.berth. is reserved.
	Labels map[string]string `json:"labels,omitempty"`
	// OCI annotations given to the runtime (engine API 1.43).
	Annotations map[string]string `json:"annotations,omitempty"`

	// Ports that are exposed, and published where they have a hostPort.
	Ports []Port `json:"ports,omitempty"`
	// Networks to join, in the order of their interfaces; Network objects of the namespace.
	Networks []NetworkAttachment `json:"networks,omitempty"`
	// bridge (the default without networks), none, host, or container:NAME to share the network of another Container object
	// (container:NAMESPACE/NAME in another namespace). Not together with networks.
	NetworkMode string `json:"networkMode,omitempty"`
	// Name servers, as IP addresses.
	DNS []string `json:"dns,omitempty"`
	// Search domains.
	DNSSearch []string `json:"dnsSearch,omitempty"`
	// Resolver options, as in resolv.conf(5).
	DNSOptions []string `json:"dnsOptions,omitempty"`
	// Further lines of /etc/hosts, as HOST:IP; the IP may be host-gateway.
	ExtraHosts []string `json:"extraHosts,omitempty"`

	// What is mounted, and where.
	Volumes []VolumeMount `json:"volumes,omitempty"`
	// What the container may use.
	Resources Resources `json:"resources,omitzero"`

	// What Docker does when the container ends: Always (the default), UnlessStopped, OnFailure or Never.
	RestartPolicy RestartPolicy `json:"restartPolicy,omitempty"`
	// With OnFailure, how often Docker tries; without end where it is left out.
	MaximumRetryCount int `json:"maximumRetryCount,omitempty"`
	// Seconds between the stop signal and the kill; 30 where it is left out.
	TerminationGracePeriodSeconds *int64 `json:"terminationGracePeriodSeconds,omitempty"`
	// The signal that asks the container to stop, as in SIGTERM; the image's where it is left out.
	StopSignal string `json:"stopSignal,omitempty"`
	// Whether an init process reaps children and forwards signals.
	Init *bool `json:"init,omitempty"`
	// Whether a terminal is allocated.
	TTY bool `json:"tty,omitempty"`
	// Whether standard input is kept open.
	Stdin bool `json:"stdin,omitempty"`
	// Docker's own health check; the image's where it is left out.
	Healthcheck *Healthcheck `json:"healthcheck,omitempty"`
	// The logging driver; the engine's where it is left out.
	Logging *Logging `json:"logging,omitempty"`

	// Privileges and isolation.
	SecurityContext SecurityContext `json:"securityContext,omitzero"`
	// The user namespace: host to stay out of the engine's remapping.
	UsernsMode string `json:"usernsMode,omitempty"`
	// The process namespace: host, or container:NAME as in networkMode.
	PidMode string `json:"pidMode,omitempty"`
	// The IPC namespace: none, private, shareable, host, or container:NAME as in networkMode.
	IpcMode string `json:"ipcMode,omitempty"`
	// The UTS (host name) namespace: host.
	UTSMode string `json:"utsMode,omitempty"`
	// The cgroup namespace: host or private.
	CgroupnsMode string `json:"cgroupnsMode,omitempty"`
	// Kernel parameters of the container's namespaces.
	Sysctls map[string]string `json:"sysctls,omitempty"`
	// The OCI runtime, one of those that the engine is configured with.
	Runtime string `json:"runtime,omitempty"`
	// Options of the storage driver for the writable layer, such as size.
	StorageOptions map[string]string `json:"storageOptions,omitempty"`
}

// PullPolicy says when an image is pulled.
type PullPolicy string

// The pull policies.
const (
	PullIfNotPresent PullPolicy = "IfNotPresent"
	PullAlways       PullPolicy = "Always"
	PullNever        PullPolicy = "Never"
)

// Values lists the pull policies.
func (PullPolicy) Values() []string { return []string{"IfNotPresent", "Always", "Never"} }

// RestartPolicy says what Docker does when a container ends.
type RestartPolicy string

// The restart policies; Docker's always, unless-stopped, on-failure and no.
const (
	RestartAlways        RestartPolicy = "Always"
	RestartUnlessStopped RestartPolicy = "UnlessStopped"
	RestartOnFailure     RestartPolicy = "OnFailure"
	RestartNever         RestartPolicy = "Never"
)

// Values lists the restart policies.
func (RestartPolicy) Values() []string {
	return []string{"Always", "UnlessStopped", "OnFailure", "Never"}
}

// EnvVar is one environment variable.
type EnvVar struct {
	// The variable's name.
	Name string `json:"name"`
	// Its value; empty where it is left out.
	Value string `json:"value,omitempty"`
}

// Healthcheck is Docker's HEALTHCHECK. What is left out is the image's, then Docker's default.
type Healthcheck struct {
	// The command run inside the container; exit code 0 is healthy.
	Command []string `json:"command,omitempty"`
	// A command line for the image's shell, instead of command.
	Shell string `json:"shell,omitempty"`
	// Time between checks, 30s by default.
	Interval Duration `json:"interval,omitempty"`
	// How long a check may take, 30s by default.
	Timeout Duration `json:"timeout,omitempty"`
	// Time after the start in which a failure does not count, 0s by default.
	StartPeriod Duration `json:"startPeriod,omitempty"`
	// Time between checks during the start period, 5s by default (engine API 1.44).
	StartInterval Duration `json:"startInterval,omitempty"`
	// Failures in a row that make the container unhealthy, 3 by default.
	Retries int `json:"retries,omitempty"`
	// Switches the image's health check off.
	Disable bool `json:"disable,omitempty"`
}

// Logging chooses where output goes.
type Logging struct {
	// The driver, as in json-file, local, journald or none.
	Driver string `json:"driver"`
	// The driver's options.
	Options map[string]string `json:"options,omitempty"`
}

// SecurityContext is privileges and isolation.
type SecurityContext struct {
	// Gives the container all of the host's devices and capabilities.
	Privileged bool `json:"privileged,omitempty"`
	// Capabilities added to and dropped from Docker's default set.
	Capabilities Capabilities `json:"capabilities,omitzero"`
	// Mounts the root file system read-only.
	ReadOnlyRootFilesystem bool `json:"readOnlyRootFilesystem,omitempty"`
	// Whether setuid programs may not raise privileges.
	NoNewPrivileges *bool `json:"noNewPrivileges,omitempty"`
	// The seccomp filter.
	SeccompProfile *SecurityProfile `json:"seccompProfile,omitempty"`
	// The AppArmor profile.
	AppArmorProfile *SecurityProfile `json:"appArmorProfile,omitempty"`
	// The SELinux label.
	SELinuxOptions *SELinuxOptions `json:"seLinuxOptions,omitempty"`
	// Paths hidden from the container instead of Docker's default ones; an empty list hides none.
	MaskedPaths *[]string `json:"maskedPaths,omitempty"`
	// Paths read-only in the container instead of Docker's default ones; an empty list makes none so.
	ReadonlyPaths *[]string `json:"readonlyPaths,omitempty"`
}

// Capabilities names Linux capabilities without the prefix CAP_; ALL stands for every one.
type Capabilities struct {
	// Capabilities to add.
	Add []string `json:"add,omitempty"`
	// Capabilities to drop.
	Drop []string `json:"drop,omitempty"`
}

// ProfileType says where a security profile comes from.
type ProfileType string

// The types of security profile.
const (
	ProfileRuntimeDefault ProfileType = "RuntimeDefault"
	ProfileUnconfined     ProfileType = "Unconfined"
	ProfileLocalhost      ProfileType = "Localhost"
)

// Values lists the profile types.
func (ProfileType) Values() []string { return []string{"RuntimeDefault", "Unconfined", "Localhost"} }

// SecurityProfile is a seccomp or AppArmor profile.
type SecurityProfile struct {
	// RuntimeDefault, Unconfined or Localhost.
	Type ProfileType `json:"type"`
	// With Localhost: the path of a seccomp profile on the agent's host, or the name of a loaded AppArmor profile.
	LocalhostProfile string `json:"localhostProfile,omitempty"`
}

// SELinuxOptions is the SELinux label of the process.
type SELinuxOptions struct {
	// The label's user.
	User string `json:"user,omitempty"`
	// The label's role.
	Role string `json:"role,omitempty"`
	// The label's type.
	Type string `json:"type,omitempty"`
	// The label's level.
	Level string `json:"level,omitempty"`
	// Switches labelling off for the container.
	Disable bool `json:"disable,omitempty"`
}

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
