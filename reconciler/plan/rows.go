package plan

import (
	"berth.dev/berth/spec"
)

// class says how a field of a running container changes.
type class uint8

const (
	// recreate: only a new container has the new value.
	recreate class = iota
	// live: the engine changes it on the running container. Taking the value away altogether needs a new container all the
	// same, because the engine reads zero as "leave it".
	live
	// liveBoth: also taking it away works on the running container.
	liveBoth
)

// row is a field, or several that change together, of a container.
type row struct {
	path  string
	class class
	// flat gives the row's values by subpath ("" for a scalar) in a canonical form; what is unset is absent.
	flat func(*spec.ContainerSpec) values
	// exact: what the container has beyond what is wanted counts as a difference. Else the engine may have added it.
	exact bool
	// blind: the engine does not report the field, so only what was recorded at the creation can be compared.
	blind bool
	// image: the image may set the field.
	image bool
	// stale: the value can become wrong although nobody changed it, because it holds another container's ID.
	stale bool
}

// values maps subpaths to canonical values.
type values map[string]string

// rows is the table of all fields of a Container that its containers show. What only the agent uses is in agentFields.
var rows = []row{
	{path: "image", flat: scalar(func(s *spec.ContainerSpec) string { return s.Image })},
	{path: "platform", flat: scalar(func(s *spec.ContainerSpec) string { return s.Platform }), blind: true},
	{path: "command", flat: list(func(s *spec.ContainerSpec) []string { return s.Command }), image: true},
	{path: "args", flat: list(func(s *spec.ContainerSpec) []string { return s.Args }), image: true},
	{path: "workingDir", flat: scalar(func(s *spec.ContainerSpec) string { return s.WorkingDir }), image: true},
	{path: "env", flat: flatEnv, exact: true, image: true},
	{path: "user", flat: scalar(func(s *spec.ContainerSpec) string { return s.User }), image: true},
	{path: "groups", flat: set(func(s *spec.ContainerSpec) []string { return s.Groups })},
	{path: "hostname", flat: scalar(func(s *spec.ContainerSpec) string { return s.Hostname })},
	{path: "domainname", flat: scalar(func(s *spec.ContainerSpec) string { return s.Domainname })},
	{path: "labels", flat: flatLabels, exact: true, image: true},
	{path: "annotations", flat: dict(func(s *spec.ContainerSpec) map[string]string { return s.Annotations })},

	{path: "ports", flat: flatPorts, exact: true, image: true},
	{path: "networkMode", flat: flatNetworkMode, stale: true},
	{path: "dns", flat: list(func(s *spec.ContainerSpec) []string { return s.DNS })},
	{path: "dnsSearch", flat: list(func(s *spec.ContainerSpec) []string { return s.DNSSearch })},
	{path: "dnsOptions", flat: list(func(s *spec.ContainerSpec) []string { return s.DNSOptions })},
	{path: "extraHosts", flat: set(func(s *spec.ContainerSpec) []string { return s.ExtraHosts })},

	{path: "volumes", flat: flatVolumes, exact: true, image: true},
	{path: "initContainers", flat: flatInit, blind: true},

	{path: "resources.limits.cpu", class: live, flat: scalar(func(s *spec.ContainerSpec) string { return milli(s.Resources.Limits.CPU) })},
	{path: "resources.limits.memory", class: live, flat: scalar(func(s *spec.ContainerSpec) string { return bytes(s.Resources.Limits.Memory) })},
	{path: "resources.limits.swap", class: live, flat: scalar(flatSwap)},
	{path: "resources.limits.pids", class: liveBoth, flat: scalar(flatPids)},
	{path: "resources.cpuShares", class: liveBoth, flat: scalar(flatShares)},
	{path: "resources.requests.memory", class: live, flat: scalar(func(s *spec.ContainerSpec) string { return bytes(s.Resources.Requests.Memory) })},
	{path: "resources.cpusetCpus", class: live, flat: scalar(func(s *spec.ContainerSpec) string { return s.Resources.CPUSetCPUs })},
	{path: "resources.cpusetMems", class: live, flat: scalar(func(s *spec.ContainerSpec) string { return s.Resources.CPUSetMems })},
	{path: "resources.cpuRealtimePeriod", class: live, flat: scalar(func(s *spec.ContainerSpec) string { return number(s.Resources.CPURealtimePeriod) })},
	{path: "resources.cpuRealtimeRuntime", class: live, flat: scalar(func(s *spec.ContainerSpec) string { return number(s.Resources.CPURealtimeRuntime) })},
	{path: "resources.blkio.weight", class: live, flat: scalar(func(s *spec.ContainerSpec) string { return number(s.Resources.Blkio.Weight) })},
	{path: "restartPolicy", class: live, flat: scalar(flatRestart)},

	{path: "resources.memorySwappiness", flat: scalar(func(s *spec.ContainerSpec) string { return pointer(s.Resources.MemorySwappiness) })},
	{path: "resources.oomKillDisable", flat: scalar(func(s *spec.ContainerSpec) string { return pointer(s.Resources.OOMKillDisable) })},
	{path: "resources.oomScoreAdj", flat: scalar(func(s *spec.ContainerSpec) string { return pointer(s.Resources.OOMScoreAdj) })},
	{path: "resources.blkio.weightDevices", flat: flatDeviceWeights},
	{path: "resources.blkio.deviceReadBps", flat: rates(func(b *spec.Blkio) []spec.DeviceRate { return b.DeviceReadBps })},
	{path: "resources.blkio.deviceWriteBps", flat: rates(func(b *spec.Blkio) []spec.DeviceRate { return b.DeviceWriteBps })},
	{path: "resources.blkio.deviceReadIOps", flat: rates(func(b *spec.Blkio) []spec.DeviceRate { return b.DeviceReadIOps })},
	{path: "resources.blkio.deviceWriteIOps", flat: rates(func(b *spec.Blkio) []spec.DeviceRate { return b.DeviceWriteIOps })},
	{path: "resources.ulimits", flat: flatUlimits},
	{path: "resources.shmSize", flat: scalar(func(s *spec.ContainerSpec) string { return bytes(s.Resources.ShmSize) })},
	{path: "resources.devices", flat: flatDevices, exact: true},
	{path: "resources.deviceCgroupRules", flat: set(func(s *spec.ContainerSpec) []string { return s.Resources.DeviceCgroupRules })},
	{path: "resources.deviceRequests", flat: flatDeviceRequests},
	{path: "resources.cgroupParent", flat: scalar(func(s *spec.ContainerSpec) string { return s.Resources.CgroupParent })},

	{path: "terminationGracePeriodSeconds", flat: scalar(func(s *spec.ContainerSpec) string { return pointer(s.TerminationGracePeriodSeconds) })},
	{path: "stopSignal", flat: scalar(flatSignal), image: true},
	{path: "init", flat: scalar(func(s *spec.ContainerSpec) string { return pointer(s.Init) })},
	{path: "tty", flat: scalar(func(s *spec.ContainerSpec) string { return flag(s.TTY) })},
	{path: "stdin", flat: scalar(func(s *spec.ContainerSpec) string { return flag(s.Stdin) })},
	{path: "healthcheck", flat: flatHealthcheck, image: true},
	{path: "logging", flat: flatLogging},

	{path: "securityContext.privileged", flat: scalar(func(s *spec.ContainerSpec) string { return flag(s.SecurityContext.Privileged) })},
	{path: "securityContext.capabilities.add", flat: set(func(s *spec.ContainerSpec) []string { return capabilities(s.SecurityContext.Capabilities.Add) })},
	{path: "securityContext.capabilities.drop", flat: set(func(s *spec.ContainerSpec) []string { return capabilities(s.SecurityContext.Capabilities.Drop) })},
	{path: "securityContext.readOnlyRootFilesystem", flat: scalar(func(s *spec.ContainerSpec) string { return flag(s.SecurityContext.ReadOnlyRootFilesystem) })},
	{path: "securityContext.noNewPrivileges", flat: scalar(func(s *spec.ContainerSpec) string { return pointer(s.SecurityContext.NoNewPrivileges) })},
	{path: "securityContext.seccompProfile", flat: profile(func(s *spec.SecurityContext) *spec.SecurityProfile { return s.SeccompProfile }), blind: true},
	{path: "securityContext.appArmorProfile", flat: profile(func(s *spec.SecurityContext) *spec.SecurityProfile { return s.AppArmorProfile })},
	{path: "securityContext.seLinuxOptions", flat: flatSELinux},
	{path: "securityContext.maskedPaths", flat: paths(func(s *spec.SecurityContext) *[]string { return s.MaskedPaths })},
	{path: "securityContext.readonlyPaths", flat: paths(func(s *spec.SecurityContext) *[]string { return s.ReadonlyPaths })},
	{path: "usernsMode", flat: scalar(func(s *spec.ContainerSpec) string { return s.UsernsMode })},
	{path: "pidMode", flat: scalar(func(s *spec.ContainerSpec) string { return s.PidMode }), stale: true},
	{path: "ipcMode", flat: scalar(func(s *spec.ContainerSpec) string { return s.IpcMode }), stale: true},
	{path: "utsMode", flat: scalar(func(s *spec.ContainerSpec) string { return s.UTSMode })},
	{path: "cgroupnsMode", flat: scalar(func(s *spec.ContainerSpec) string { return s.CgroupnsMode })},
	{path: "sysctls", flat: dict(func(s *spec.ContainerSpec) map[string]string { return s.Sysctls })},
	{path: "runtime", flat: scalar(func(s *spec.ContainerSpec) string { return s.Runtime })},
	{path: "storageOptions", flat: dict(func(s *spec.ContainerSpec) map[string]string { return s.StorageOptions })},
}

// rowIndex finds a row by its path.
var rowIndex = func() map[string]int {
	index := make(map[string]int, len(rows))
	for i := range rows {
		index[rows[i].path] = i
	}
	return index
}()

// agentFields are the fields of a ContainerSpec that no container shows, each with the reason why.
var agentFields = map[string]string{
	"replicas":        "how many containers there are",
	"imagePullPolicy": "acted on before a creation",
	"envFile":         "the loader merges it into env",
	"networks":        "compared endpoint by endpoint, in endpoint.go",
	"ports.name":      "for people",
	"volumes.name":    "for people",

	"volumes.hostPath.createHostPath": "acted on at the creation",

	"startupProbe":            "the agent asks",
	"livenessProbe":           "the agent asks",
	"readinessProbe":          "the agent asks",
	"lifecycle":               "done around starts and stops",
	"dependsOn":               "waited for before a creation",
	"strategy":                "how copies are replaced",
	"minReadySeconds":         "when a copy counts",
	"progressDeadlineSeconds": "when a rollout has failed",
	"revisionHistoryLimit":    "how much is kept",
	"suspend":                 "whether anything is done",
	"updatePolicy":            "when the registry is asked",
}
