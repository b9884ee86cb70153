package reconciler

import (
	"context"
	"fmt"
	"strings"

	"berth.dev/berth/reconciler/plan"
)

// hook runs a hook in or at a container that was started a moment ago, or is about to be stopped.
func (r *Reconciler) hook(ctx context.Context, container string, h plan.Hook) error {
	c, err := r.engine.Inspect(ctx, container)
	if err != nil {
		return err
	}
	if c.State != plan.StateRunning {
		return fmt.Errorf("%q is %s", c.Name, c.State)
	}
	return r.opts.Handle(ctx, &h.Handler, c.ID, r.World.Address(ctx, &c), h.Ports)
}

// Address is where a container is reached from the agent's host: its own address on the first of its networks by name, that of the
// container whose network it shares, or the host's. Empty where it is reached nowhere.
func (w *World) Address(ctx context.Context, c *plan.Container) string {
	switch mode := c.Spec.NetworkMode; {
	case mode == "host":
		return "127.0.0.1"
	case strings.HasPrefix(mode, "container:"):
		peer, err := w.recent(ctx, strings.TrimPrefix(mode, "container:"))
		if err != nil || strings.HasPrefix(peer.Spec.NetworkMode, "container:") {
			return ""
		}
		return w.Address(ctx, &peer)
	}
	first, address := "", ""
	for name, e := range c.Endpoints {
		if e.Address != "" && (first == "" || name < first) {
			first, address = name, e.Address
		}
	}
	return address
}

// recent gives a container from memory, however old, and inspects it where it is not known.
func (w *World) recent(ctx context.Context, id string) (plan.Container, error) {
	w.mu.Lock()
	known, ok := w.inspects[id]
	w.mu.Unlock()
	if ok && !known.gone {
		return known.container, nil
	}
	return w.reinspect(ctx, id)
}
