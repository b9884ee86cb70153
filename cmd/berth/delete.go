package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"berth.dev/berth/controller"
	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/engine"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

func deleteCommand(g *global) *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "delete PATH...",
		Short: "Remove the objects of manifests from the engine; a volume's data only where its reclaimPolicy is Delete",
		Args:  cobra.MinimumNArgs(1),
		RunE: g.onPaths(func(cmd *cobra.Command, l loaded, c *engine.Client) error {
			r := newRemoval(c, cmd.OutOrStdout(), dryRun)
			if !dryRun {
				lock, err := hold(cmd.Context(), c, "")
				if err != nil {
					return fmt.Errorf("%w; to remove objects from a running agent, remove their files", err)
				}
				defer lock.Release()
			}
			if err := r.delete(cmd.Context(), l.objects); err != nil {
				return err
			}
			if len(l.problems) > 0 {
				return exitFailed
			}
			return nil
		}),
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be removed")
	return cmd
}

// removal removes objects from the engine, without an agent.
type removal struct {
	engine *engine.Client
	rec    *reconciler.Reconciler
	out    io.Writer
	dryRun bool
}

func newRemoval(c *engine.Client, out io.Writer, dryRun bool) *removal {
	return &removal{c, reconciler.New(c, reconciler.Options{}), out, dryRun}
}

// delete removes objects: containers first, then the networks that they were on, then volumes that may go.
func (r *removal) delete(ctx context.Context, objects []spec.Object) error {
	var keys []spec.Key
	for _, o := range objects {
		keys = append(keys, o.Key())
	}
	if err := r.remove(ctx, keys); err != nil {
		return err
	}
	for _, o := range objects {
		if v, ok := o.(*spec.Volume); ok {
			if err := r.deleteVolume(ctx, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// remove removes containers and networks; side by side within a kind.
func (r *removal) remove(ctx context.Context, keys []spec.Key) error {
	for _, kind := range []spec.Kind{spec.KindCronJob, spec.KindJob, spec.KindContainer, spec.KindNetwork} {
		of := slices.DeleteFunc(slices.Clone(keys), func(k spec.Key) bool { return k.Kind != kind })
		if err := eachSideBySide(of, func(k spec.Key) error { return r.removeKey(ctx, k) }); err != nil {
			return err
		}
	}
	return nil
}

func (r *removal) removeKey(ctx context.Context, key spec.Key) error {
	none := controller.NewCatalog(nil)
	p, _, err := r.rec.Plan(ctx, key, nil, none, time.Time{})
	if err != nil {
		return err
	}
	if len(p.Blocks) > 0 {
		b := p.Blocks[0]
		if r.dryRun && b.Reason == plan.ReasonNetworkInUse { // by containers that would be gone by then, as far as they are ours
			_, err := fmt.Fprintf(r.out, "would remove %s, once no container is on it\n", key)
			return err
		}
		return fmt.Errorf("cannot remove %s: %s", key, b.Message)
	}
	if r.dryRun {
		return r.say(p.Actions, "would ")
	}
	pass, err := r.rec.Reconcile(ctx, key, nil, none, time.Time{})
	if err == nil {
		err = pass.Err()
	}
	if err != nil {
		return fmt.Errorf("cannot remove %s: %w", key, err)
	}
	return r.say(p.Actions, "")
}

func (r *removal) deleteVolume(ctx context.Context, v *spec.Volume) error {
	volumes, err := r.rec.World.Volumes(ctx)
	if err != nil {
		return err
	}
	have, there := volumes[v.DockerName()]
	actions := plan.DeleteVolume(v, have)
	switch {
	case !there:
		return nil
	case len(actions) == 0:
		_, err := fmt.Fprintf(r.out, "keep %s and its data (reclaimPolicy Retain, external, or not berth's)\n", v.DockerName())
		return err
	case r.dryRun:
		return r.say(actions, "would ")
	}
	if err := r.engine.RemoveVolume(ctx, have.Name); err != nil {
		return fmt.Errorf("cannot remove %s: %w", v.Key(), err)
	}
	return r.say(actions, "")
}

func (r *removal) say(actions []plan.Action, prefix string) error {
	for _, a := range actions {
		if _, err := fmt.Fprintf(r.out, "%s%s %s\n", prefix, a.Kind, a.Target); err != nil {
			return err
		}
	}
	return nil
}
