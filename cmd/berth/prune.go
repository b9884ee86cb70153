package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"berth.dev/berth/controller"
	"berth.dev/berth/reconciler/engine"
	"berth.dev/berth/spec"
)

func pruneCommand(g *global) *cobra.Command {
	var confirm bool
	cmd := &cobra.Command{
		Use:   "prune [PATH...]",
		Short: "Show what is on the engine without a manifest; with --confirm, remove it",
		Long: `Show what is on the engine without a manifest; with --confirm, remove it.

Without PATH it asks the running agent for the removals that wait for a confirmation. With PATH, where no agent runs, it compares
the engine with the manifests there. Volumes are never removed.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				return pruneAgent(cmd.Context(), g, confirm, cmd.OutOrStdout())
			}
			return g.prunePaths(confirm)(cmd, paths)
		},
	}
	cmd.Flags().BoolVar(&confirm, "confirm", false, "remove what is shown")
	return cmd
}

func pruneAgent(ctx context.Context, g *global, confirm bool, out io.Writer) error {
	p, answered, err := agentClient(g.socketPath()).prune(ctx, confirm)
	switch {
	case !answered:
		return fmt.Errorf("no agent answers at %s: name the manifests that are to stay, as in `berth prune DIR`", g.socketPath())
	case err != nil:
		return err
	case len(p.Objects) == 0:
		fmt.Fprintln(out, "nothing waits for a confirmation")
		return nil
	}
	verb := "would remove"
	if confirm {
		verb = "removes"
	}
	for _, o := range p.Objects {
		fmt.Fprintf(out, "the agent %s %s\n", verb, o)
	}
	if !confirm {
		fmt.Fprintf(out, "it waits because %s; to go ahead: berth prune --confirm\n", p.Why)
	}
	return nil
}

// prunePaths removes what is on the engine and not in the manifests, without an agent.
func (g *global) prunePaths(confirm bool) func(*cobra.Command, []string) error {
	return g.onPaths(func(cmd *cobra.Command, l loaded, c *engine.Client) error {
		if len(l.problems) > 0 {
			return errors.New("nothing is removed, because what these manifests want is not fully known")
		}
		r := newRemoval(c, cmd.OutOrStdout(), !confirm)
		if confirm {
			lock, err := hold(cmd.Context(), c, "")
			if err != nil {
				return fmt.Errorf("%w; to confirm what the agent holds back: berth prune --confirm", err)
			}
			defer lock.Release()
		}
		owned, err := r.rec.World.Owned(cmd.Context(), time.Time{})
		if err != nil {
			return err
		}
		orphans := controller.NewCatalog(l.objects).Orphans(owned)
		if len(orphans) == 0 {
			fmt.Fprintln(cmd.OutOrStdout(), "nothing is on the engine without a manifest")
		}
		return r.remove(cmd.Context(), orphans)
	})
}

// eachSideBySide calls do for each key, some at once, and gives the first error once all are done.
func eachSideBySide(keys []spec.Key, do func(spec.Key) error) error {
	var g errgroup.Group
	g.SetLimit(controller.DefaultWorkers)
	for _, k := range keys {
		g.Go(func() error { return do(k) })
	}
	return g.Wait()
}
