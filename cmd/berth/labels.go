package main

import (
	"context"
	"time"

	"berth.dev/berth/controller"
	"berth.dev/berth/controller/server"
	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/engine"
	"berth.dev/berth/reconciler/plan"
)

// objectsByLabel describes what is berth's on the engine, by labels alone.
func objectsByLabel(ctx context.Context, g *global) (server.Objects, error) {
	c, err := g.connect(ctx)
	if err != nil {
		return server.Objects{}, err
	}
	defer c.Close()
	return readLabels(ctx, c)
}

func readLabels(ctx context.Context, c *engine.Client) (server.Objects, error) {
	objects, err := controller.Labelled(ctx, reconciler.NewWorld(c))
	return server.Objects{Online: true, Objects: objects}, err
}

// quiet is how long a burst of events is let pass before the labels are read again.
const quiet = 100 * time.Millisecond

// watchEngine shows the labels, and again after every burst of events.
func watchEngine(ctx context.Context, c *engine.Client, show func(server.Objects) error) error {
	hint := make(chan struct{}, 1)
	tell := func() {
		select {
		case hint <- struct{}{}:
		default:
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	broken := make(chan error, 1)
	go func() { broken <- c.Events(ctx, tell, func(plan.Event) { tell() }) }()
	for {
		select {
		case err := <-broken:
			if ctx.Err() != nil {
				return nil
			}
			return err
		case <-hint:
		}
		all, err := readLabels(ctx, c)
		if err != nil {
			return err
		}
		if err := show(all); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(quiet):
		}
	}
}
