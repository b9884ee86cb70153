// Package apply walks a plan. It carries no decision logic: the planner has made all decisions.
package apply

import (
	"context"

	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// Engine is what applying a plan needs of a container engine. Every error is a *fault.Error. A container is named by its
// Docker name or its ID.
type Engine interface {
	Containers
	Networks
	Volumes
	// Pull brings an image onto the engine's host. progress, where it is not nil, is told how far it is.
	Pull(ctx context.Context, ref, platform string, progress func(Progress)) error
}

// Progress is how far a pull is.
type Progress struct {
	Current, Total int64 // bytes, over the layers that are known so far
	Layers, Done   int
}

// Containers changes containers.
type Containers interface {
	// Create makes a container, connected to all of its networks, and gives its ID and the engine's warnings. It sends nothing
	// that the engine's API is too old for: that is a Terminal fault that names both versions. To the labels it adds spec.LabelImage,
	// the ID of the image that the reference means now.
	Create(ctx context.Context, c plan.Create) (id string, warnings []string, err error)
	// Start starts a container; one that runs already is no error.
	Start(ctx context.Context, container string) error
	// Stop asks a container to stop and kills it after its own grace period; one that does not run is no error.
	Stop(ctx context.Context, container string) error
	// StopWithin is Stop with another grace period, in seconds; negative is without end.
	StopWithin(ctx context.Context, container string, seconds int) error
	Unpause(ctx context.Context, container string) error
	// Remove kills and removes a container and leaves its volumes, anonymous ones too; one that is gone is no error.
	Remove(ctx context.Context, container string) error
	Rename(ctx context.Context, container, name string) error
	Update(ctx context.Context, container string, u plan.Update) error
	// Exec runs a command in a running container, without a shell, and waits for its end. output is the first KiB of what it wrote,
	// without white space around it. A command that cannot be run ends with code 126 or 127, and says why. When ctx ends the wait
	// ends, and the command runs on: no engine can end it.
	Exec(ctx context.Context, container string, command []string) (code int, output string, err error)
}

// Networks changes networks.
type Networks interface {
	CreateNetwork(ctx context.Context, n plan.NetworkCreate) (id string, err error)
	// RemoveNetwork removes a network; one that is gone is no error.
	RemoveNetwork(ctx context.Context, network string) error
	Connect(ctx context.Context, network, container string, e spec.NetworkAttachment) error
	// Disconnect takes a container off a network, also where the network is gone already.
	Disconnect(ctx context.Context, network, container string) error
}

// Volumes changes volumes.
type Volumes interface {
	CreateVolume(ctx context.Context, v plan.VolumeCreate) error
	// RemoveVolume deletes a volume and its data.
	RemoveVolume(ctx context.Context, volume string) error
}
