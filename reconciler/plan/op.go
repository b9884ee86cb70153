package plan

import (
	"time"

	"berth.dev/berth/spec"
)

// Verb says what an operation does: one call of the engine.
type Verb string

// The verbs.
const (
	PullImage        Verb = "pull image"
	CreateNetwork    Verb = "create network"
	RemoveNetwork    Verb = "remove network"
	CreateVolume     Verb = "create volume"
	RemoveVolume     Verb = "remove volume"
	CreateContainer  Verb = "create"
	StartContainer   Verb = "start"
	StopContainer    Verb = "stop"
	UnpauseContainer Verb = "unpause"
	RenameContainer  Verb = "rename"
	UpdateContainer  Verb = "update"
	RemoveContainer  Verb = "remove"
	Connect          Verb = "connect"
	Disconnect       Verb = "disconnect"
	RunHook          Verb = "run the hook of"
)

// Op is one call of the engine.
type Op struct {
	Verb Verb
	// Target is what is acted on: a Docker name, an ID where there is one already, or an image reference.
	Target string
	// To is a rename's new name, or the network of a connect or disconnect.
	To string

	Container *Create                 // CreateContainer
	Update    *Update                 // UpdateContainer
	Endpoint  *spec.NetworkAttachment // Connect
	Network   *NetworkCreate          // CreateNetwork
	Volume    *VolumeCreate           // CreateVolume
	Platform  string                  // PullImage
	// Hook is what RunHook does, or what is done before a StopContainer, within the grace period.
	Hook *Hook
	// Grace is a StopContainer's own grace period in seconds; nil for the container's.
	Grace *int64

	// Undo puts back what the operation did, where a later one of the same action fails. Nil where nothing need be put back.
	Undo *Op
}

// Hook is something that is done to a running container.
type Hook struct {
	spec.Handler
	Ports  []spec.Port // to find a port by its name
	Within *int64      // the container's grace period in seconds, for one that precedes a stop; nil for the default
}

// Grace is the grace period of a stop: its own where it has one, else that of the container that the hook belongs to.
func (h *Hook) Grace(own *int64) time.Duration {
	seconds := int64(spec.DefaultTerminationGracePeriod)
	switch {
	case own != nil:
		seconds = *own
	case h != nil && h.Within != nil:
		seconds = *h.Within
	}
	return time.Duration(seconds) * time.Second
}

// Create is a container to be made.
type Create struct {
	Name string
	// Spec has Docker names in place of references to objects.
	Spec spec.ContainerSpec
	// Labels are berth's own, beside the spec's.
	Labels map[string]string
	// Anonymous maps mount paths to the anonymous volumes that the container takes over from the one it replaces.
	Anonymous map[string]string
}

// Update is what changes on a living container; nil leaves a value alone. POST /containers/{id}/update in the Docker Engine
// API takes no more than this.
type Update struct {
	NanoCPUs           *int64
	CPUShares          *int64
	CPUSetCPUs         *string
	CPUSetMems         *string
	CPURealtimePeriod  *int64 // microseconds
	CPURealtimeRuntime *int64 // microseconds
	Memory             *int64 // bytes; sent with MemorySwap
	MemorySwap         *int64 // bytes, memory included; -1 for no limit
	MemoryReservation  *int64 // bytes
	Pids               *int64 // -1 for no limit
	BlkioWeight        *uint16
	RestartPolicy      *spec.RestartPolicy
	MaximumRetryCount  int // with RestartPolicy
}

// NetworkCreate is a network to be made.
type NetworkCreate struct {
	Name   string
	Spec   spec.NetworkSpec
	Labels map[string]string // berth's own
}

// VolumeCreate is a volume to be made.
type VolumeCreate struct {
	Name   string
	Spec   spec.VolumeSpec
	Labels map[string]string // berth's own
}
