package spec

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

	// Asks whether the container has started; until it has, the other probes wait. A failure restarts it.
	StartupProbe *Probe `json:"startupProbe,omitempty"`
	// Asks whether the container works; a failure restarts it.
	LivenessProbe *Probe `json:"livenessProbe,omitempty"`
	// Asks whether the container can serve. Docker's health check, where there is one, has to be healthy too.
	ReadinessProbe *Probe `json:"readinessProbe,omitempty"`
	// What is done after a start and before a stop.
	Lifecycle *Lifecycle `json:"lifecycle,omitempty"`
	// What runs to its end before the container is created or replaced.
	InitContainers []InitContainer `json:"initContainers,omitempty"`
	// Which objects have to be in which state before the container is created or replaced.
	DependsOn []Dependency `json:"dependsOn,omitempty"`

	// How copies are replaced by those of a new revision.
	Strategy *Strategy `json:"strategy,omitempty"`
	// Seconds that a new copy has to be ready until it counts as available; by default 0 where a readinessProbe or a health check
	// tells that it is ready, else 5.
	MinReadySeconds *int32 `json:"minReadySeconds,omitempty"`
	// Seconds without progress until a rollout has failed, and goes back; 600 by default.
	ProgressDeadlineSeconds *int32 `json:"progressDeadlineSeconds,omitempty"`
	// How many former revisions `berth rollout undo` can go back to; 10 by default.
	RevisionHistoryLimit *int32 `json:"revisionHistoryLimit,omitempty"`
	// Whether the object is observed and not changed; see also `berth hold`.
	Suspend bool `json:"suspend,omitempty"`
	// Has the registry asked for newer images.
	UpdatePolicy *UpdatePolicy `json:"updatePolicy,omitempty"`

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
