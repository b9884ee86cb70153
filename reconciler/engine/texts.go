package engine

import (
	"strings"

	"berth.dev/berth/reconciler/fault"
)

// text is a message by which the engine says more than the type of its error does.
type text struct {
	parts     []string // all of them, in this order
	class     fault.Class
	behaviour fault.Behaviour
}

// sameClass keeps the class of the call.
const sameClass fault.Class = ""

// texts is the one place where the engine's words are read. The first row that matches wins. Each names where moby says it.
var texts = []text{
	// daemon/start.go, translateContainerdStartErr: the program cannot be run; a 400 of start.
	{[]string{"executable file not found"}, fault.RuntimeContainer, fault.Terminal},
	{[]string{"exec: ", "no such file or directory"}, fault.RuntimeContainer, fault.Terminal},
	{[]string{"exec: ", "permission denied"}, fault.RuntimeContainer, fault.Terminal},
	{[]string{"unable to find user"}, fault.RuntimeContainer, fault.Terminal},
	{[]string{"Unable to find group"}, fault.RuntimeContainer, fault.Terminal},
	// container/container.go: SetupWorkingDirectory, a file in the way of workingDir; a 500 of create.
	{[]string{"Cannot mkdir", "is not a directory"}, fault.RuntimeContainer, fault.Terminal},

	// libnetwork/portallocator: ErrPortAllocated; a 500 of start.
	{[]string{"port is already allocated"}, fault.ResourceAllocation, fault.Conflict},
	// libnetwork/portmapper and cmd/docker-proxy: bind(2) by a process that is no container; a 500 of start.
	{[]string{"address already in use"}, fault.ResourceAllocation, fault.Conflict},
	// libnetwork/ipam: ErrIPAlreadyAllocated, "Address already in use"; a 403 of start or connect.
	{[]string{"Address already in use"}, fault.ResourceAllocation, fault.Conflict},
	// libnetwork/ipam: ErrNoAvailableIPs; a 500 of start or connect.
	{[]string{"no available IPv4 addresses"}, fault.ResourceAllocation, fault.Retry},
	{[]string{"no available IPv6 addresses"}, fault.ResourceAllocation, fault.Retry},
	// libnetwork/ipam: ErrPoolOverlap; a 403 of network create.
	{[]string{"Pool overlaps with other one on this address space"}, fault.ResourceAllocation, fault.Conflict},
	{[]string{"cannot create network", "networks have overlapping IP"}, fault.ResourceAllocation, fault.Conflict},
	// libnetwork/ipamutils, ipam: the default address pools are used up; a 500 or 404 of network create.
	{[]string{"could not find an available, non-overlapping"}, fault.ResourceAllocation, fault.Retry},
	{[]string{"all predefined address pools have been fully subnetted"}, fault.ResourceAllocation, fault.Retry},
	// runc, libcontainer/devices: a device of the host that is not there; a 500 of start.
	{[]string{"error gathering device information"}, fault.ResourceAllocation, fault.Retry},
	// daemon/daemon_unix.go: getBlkioThrottleDevices, a block device that is not there; a 500 of start.
	{[]string{"stat /dev/", "no such file or directory"}, fault.ResourceAllocation, fault.Retry},
	// daemon/devices_linux.go: errDeviceNotFound, no driver for a device request; a 500 of start.
	{[]string{"could not select device driver"}, fault.ResourceAllocation, fault.Terminal},
	{[]string{"no space left on device"}, fault.ResourceAllocation, fault.Retry},

	// runc, libcontainer/cgroups/fs/memory.go: a memory limit below what is used; a 500 of update.
	{[]string{"unable to set memory limit to"}, fault.ResourceUsage, fault.Conflict},
	// runc: as above, written to cgroup v2 or by an old runc.
	{[]string{"memory.limit_in_bytes", "device or resource busy"}, fault.ResourceUsage, fault.Conflict},
	// libnetwork: ActiveEndpointsError; a 403 of network remove.
	{[]string{"has active endpoints"}, fault.ResourceUsage, fault.Conflict},
	// volume/service: errVolumeInUse; a 409 of volume remove.
	{[]string{"volume is in use"}, fault.ResourceUsage, fault.Conflict},

	// daemon/daemon_unix.go: verifyPlatformContainerResources; a 400 of create and update.
	{[]string{"Your kernel does not support"}, fault.ResourceLimit, fault.Terminal},
	{[]string{"kernel does not support"}, fault.ResourceLimit, fault.Terminal},
	{[]string{"Minimum memory limit"}, fault.ResourceLimit, fault.Terminal},
	{[]string{"Memory limit should be smaller than already set memoryswap limit"}, fault.ResourceLimit, fault.Terminal},
	{[]string{"Range of CPUs is from"}, fault.ResourceLimit, fault.Terminal},
	{[]string{"Requested CPUs are not available"}, fault.ResourceLimit, fault.Terminal},
	{[]string{"Requested memory nodes are not available"}, fault.ResourceLimit, fault.Terminal},
	// runc, libcontainer/cgroups: a limit that the kernel refuses; a 500 of start and update.
	{[]string{"unable to apply cgroup configuration", "invalid argument"}, fault.ResourceLimit, fault.Terminal},
	{[]string{"unable to apply cgroup configuration"}, fault.ResourceLimit, fault.Retry},
	{[]string{"error setting cgroup config"}, fault.ResourceLimit, fault.Terminal},
	{[]string{"error setting rlimit"}, fault.ResourceLimit, fault.Terminal},

	// daemon/images: ErrImageDoesNotExist; a 404 of create, as for a container that is referred to.
	{[]string{"No such image"}, fault.RuntimeImage, fault.NotFound},
	// daemon/containerd: no manifest for the platform; a 404 of create and of pull.
	{[]string{"does not match the specified platform"}, fault.RuntimeImage, fault.Terminal},
	{[]string{"does not provide the specified platform"}, fault.RuntimeImage, fault.Terminal},
	{[]string{"no matching manifest for"}, fault.RuntimeImage, fault.Terminal},
	// libnetwork: ErrNoSuchNetwork; a 404 of start, which else means the container.
	{[]string{"network ", " not found"}, fault.RuntimeNetwork, fault.NotFound},
	// pkg/plugins: ErrNotFound, no such driver, after 15 s of looking for one; a 404 or 400 of whatever names a driver.
	{[]string{"plugin ", " not found"}, sameClass, fault.Terminal},
	// daemon/container_operations.go: ConnectToNetwork; a 403 of connect.
	{[]string{"endpoint with name", "already exists in network"}, fault.RuntimeNetwork, fault.Conflict},
	// daemon/container_operations.go: DisconnectFromNetwork; a 403 or 500 of disconnect.
	{[]string{"is not connected to"}, fault.RuntimeNetwork, fault.NotFound},
	// volume/mounts and daemon: safepath.ErrNotAccessible, a folder in a volume that is not there; a 500 of start, from 26.0 on.
	{[]string{"cannot access path"}, fault.RuntimeVolume, fault.Retry},
	// volume/mounts/linux_parser.go: errBindSourceDoesNotExist; a 400 of create. The path may come to be.
	{[]string{"bind source path does not exist"}, fault.RuntimeVolume, fault.Retry},
	// daemon/volumes_unix.go and runc: a path that is not what the mount wants; a 500 or 400 of start.
	{[]string{"error while creating mount source path"}, fault.RuntimeVolume, fault.Retry},
	{[]string{"failed to mount local volume"}, fault.RuntimeVolume, fault.Retry},
	{[]string{"error mounting"}, fault.RuntimeVolume, fault.Retry},

	// daemon/start.go, daemon/update.go: a container that is being removed; a 409 or 500.
	{[]string{"marked for removal"}, fault.RuntimeContainer, fault.Conflict},
	{[]string{"removal of container", "is already in progress"}, fault.RuntimeContainer, fault.Conflict},
	// daemon/graphdriver: a size for the writable layer, on a file system that has no quota; a 500 of create.
	{[]string{"--storage-opt is"}, fault.RuntimeContainer, fault.Terminal},
	// daemon/runtime_unix.go: a runtime that the engine is not configured with; a 400 of create.
	{[]string{"unknown or invalid runtime name"}, fault.RuntimeContainer, fault.Terminal},
	// daemon/logger/factory.go: a logging driver that is not there; a 400 or 500 of create and start.
	{[]string{"logger: no log driver named"}, fault.RuntimeContainer, fault.Terminal},
	// Go's net/http: an engine that wants TLS; a 400 of everything.
	{[]string{"Client sent an HTTP request to an HTTPS server"}, fault.DockerConfiguration, fault.Terminal},
	// api/server/middleware/version.go: versions that the two sides do not share; a 400 of everything.
	{[]string{"client version", "is too"}, fault.DockerConfiguration, fault.Terminal},
}

func textOf(message string) (text, bool) {
	for _, t := range texts {
		if t.in(message) {
			return t, true
		}
	}
	return text{}, false
}

func (t text) in(message string) bool {
	for _, part := range t.parts {
		_, rest, found := strings.Cut(message, part)
		if !found {
			return false
		}
		message = rest
	}
	return true
}

// discarded finds, among the engine's warnings, what it dropped of what it was asked for because its kernel has no such limit;
// see verifyPlatformContainerResources in moby's daemon/daemon_unix.go. It goes on without: nobody who asked for a limit wants
// that, and the difference between asked and given would never end.
func discarded(warnings []string) error {
	var lost []string
	for _, w := range warnings {
		if strings.HasSuffix(w, "discarded.") {
			lost = append(lost, w)
		}
	}
	if lost == nil {
		return nil
	}
	return fault.New(fault.ResourceLimit, fault.Terminal, "%s", strings.Join(lost, " "))
}
