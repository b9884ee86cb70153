// Package plan decides. It compares desired objects with what the engine reports and says what to do, as a value that prints
// as text. It does no I/O, keeps no state and asks no clock.
package plan

import (
	"time"

	"berth.dev/berth/spec"
)

// State is a container's state as the engine names it.
type State string

// The states; see "State.Status" of GET /containers/{id}/json in the Docker Engine API.
const (
	StateCreated    State = "created"
	StateRunning    State = "running"
	StatePaused     State = "paused"
	StateRestarting State = "restarting"
	StateRemoving   State = "removing"
	StateExited     State = "exited"
	StateDead       State = "dead"
)

// Health is the result of Docker's HEALTHCHECK.
type Health string

// The healths; HealthNone where there is no check.
const (
	HealthNone      Health = ""
	HealthStarting  Health = "starting"
	HealthHealthy   Health = "healthy"
	HealthUnhealthy Health = "unhealthy"
)

// Summary is a container as one list call gives it.
type Summary struct {
	ID      string
	Name    string // without the leading slash
	Image   string // the reference that it was created from, or an ID where that is gone
	ImageID string
	Labels  map[string]string // the image's among them
	State   State
	Health  Health
	// Networks maps the names of the networks that it is connected to, to their IDs.
	Networks map[string]string
	// Published are the host's ports that it has; only one that runs has any.
	Published []HostPort
}

// HostPort is a port of the host.
type HostPort struct {
	IP       string // the address that it is on; empty, 0.0.0.0 or :: for all
	Port     uint16
	Protocol spec.Protocol
}

// Container is a container as inspect gives it.
type Container struct {
	Summary
	CreatedAt    time.Time
	StartedAt    time.Time // zero where it never started
	FinishedAt   time.Time // zero where it never ended
	ExitCode     int
	Error        string // why the engine could not start it
	OOMKilled    bool
	RestartCount int // by the engine's restart policy

	// Spec is the container in the model's terms, as the engine reports it: what the image and the engine filled in is there
	// too, and references are Docker names. Networks is empty: Endpoints has what is connected.
	Spec spec.ContainerSpec
	// Endpoints maps the names of networks to how it is connected to them.
	Endpoints map[string]Endpoint
	// Anonymous maps mount paths to the anonymous volumes there.
	Anonymous map[string]string
}

// Endpoint is a container's connection to a network. Of what the engine reports it has what was asked for; given out addresses
// are in Address.
type Endpoint struct {
	NetworkID string
	spec.NetworkAttachment
	Address string // given out, for people
}

// Image is an image that is present.
type Image struct {
	ID          string
	RepoDigests []string
	Platform    string // os/arch[/variant]
	// Defaults is what the image sets: command, args, env, labels, ports, volumes, user, workingDir, stopSignal, healthcheck.
	Defaults spec.ContainerSpec
}

// Network is a network as the engine reports it.
type Network struct {
	ID     string
	Name   string
	Labels map[string]string
	Spec   spec.NetworkSpec // as reported, with what the engine filled in
	// Attached maps IDs of running containers to their names; only inspect gives it.
	Attached map[string]string
}

// Volume is a volume as the engine reports it.
type Volume struct {
	Name       string
	Labels     map[string]string
	Spec       spec.VolumeSpec // as reported
	Mountpoint string
	CreatedAt  time.Time
}

// Engine is what the engine says of itself and can do.
type Engine struct {
	ID              string // stable over restarts
	Name            string // the host's name
	Version         string // as in 20.10.24
	APIVersion      string // as negotiated, as in 1.41
	CgroupVersion   string // 1 or 2
	CgroupDriver    string
	Architecture    string
	NCPU            int
	MemTotal        int64 // bytes
	DefaultRuntime  string
	Runtimes        []string
	LoggingDriver   string
	LogDrivers      []string
	NetworkDrivers  []string
	VolumeDrivers   []string
	SecurityOptions []string
	StorageDriver   string
	DataRoot        string
	Rootless        bool

	// What the kernel lets the engine limit.
	MemoryLimit, SwapLimit, CPUCfs, CPUShares, CPUSet, PidsLimit, OOMKillDisable bool
}

// Key tells an engine from all others of a host: engines that share their configuration share their ID, too, but never their data.
func (e Engine) Key() string { return e.ID + e.DataRoot }

// Event says that something may have changed.
type Event struct {
	Type   string // container, network, volume, image, daemon
	Action string // as in die, start, connect, health_status: healthy
	ID     string // of the actor; a volume's name
	Name   string // the actor's name where the engine gives it
	// Container is the ID of the container that a network event is about.
	Container string
	Labels    map[string]string
	Time      time.Time // of the engine
}
