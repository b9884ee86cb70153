// Package reconciler makes one object as it should be: observe, plan, apply, status.
package reconciler

import (
	"context"

	"berth.dev/berth/reconciler/plan"
)

// Observer is what observation needs of a container engine. Every error is a *fault.Error.
type Observer interface {
	Info(ctx context.Context) (plan.Engine, error)
	// List gives all containers, those that do not run too.
	List(ctx context.Context) ([]plan.Summary, error)
	Inspect(ctx context.Context, container string) (plan.Container, error)
	// Image inspects an image that is present, by reference or ID; the fault is NotFound where it is not.
	Image(ctx context.Context, ref string) (plan.Image, error)
	// Networks lists all networks, without what is attached to them.
	Networks(ctx context.Context) ([]plan.Network, error)
	InspectNetwork(ctx context.Context, network string) (plan.Network, error)
	Volumes(ctx context.Context) ([]plan.Volume, error)
	// Events calls ready once when the subscription stands, then on for each event, until ctx ends or the stream breaks.
	Events(ctx context.Context, ready func(), on func(plan.Event)) error
}
