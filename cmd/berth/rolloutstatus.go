package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"berth.dev/berth/controller"
	"berth.dev/berth/controller/server"
	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

func rolloutStatusCommand(g *global) *cobra.Command {
	t, watch, timeout := containersOf(g), true, time.Duration(0)
	cmd := &cobra.Command{
		Use:   "status NAME",
		Short: "Follow a rollout to its end; exit code 1 where it fails, is rolled back, or does not end in time",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, timeout)
				defer cancel()
			}
			o, err := t.find(ctx, args[0])
			if err != nil {
				return err
			}
			f := &rolloutFollower{key: o.Key(), out: cmd.OutOrStdout()}
			err = f.follow(ctx, t.agent(), watch)
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				fmt.Fprintf(os.Stderr, "%s: the rollout has not ended within %s\n", f.key, timeout)
				return exitFailed
			}
			return err
		},
	}
	t.flags(cmd)
	cmd.Flags().BoolVarP(&watch, "watch", "w", true, "go on until the rollout has ended; false shows how far it is")
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "how long to wait; without end where it is left out")
	return cmd
}

// rolloutFollower prints how far a rollout is.
type rolloutFollower struct {
	key  spec.Key
	out  io.Writer
	last string
}

// errEnded ends a stream of states.
var errEnded = errors.New("the rollout has ended")

// follow prints lines until the rollout has ended, or only the first without watch.
func (f *rolloutFollower) follow(ctx context.Context, agent *client, watch bool) error {
	var code error
	_, err := agent.objects(ctx, watch, func(all server.Objects) error {
		ended, failed := f.show(all.Objects)
		if failed {
			code = exitFailed
		}
		if ended {
			return errEnded
		}
		return nil
	})
	switch {
	case errors.Is(err, errEnded):
		return code
	case err != nil || !watch:
		return err
	case ctx.Err() != nil:
		return exitFailed
	}
	return errors.New("the agent has ended, and the rollout with it until it is back")
}

// show prints the object's state where it is news, and says whether the rollout has ended.
func (f *rolloutFollower) show(objects []controller.ObjectStatus) (ended, failed bool) {
	line, ended, failed := fmt.Sprintf("%s is gone", f.key), true, true
	for _, o := range objects {
		if o.Key() == f.key {
			line, ended, failed = rolloutLine(o)
		}
	}
	if line != f.last {
		fmt.Fprintln(f.out, line)
	}
	f.last = line
	return ended, failed
}

// rolloutLine says how far a rollout is, and whether it has ended, well or not.
func rolloutLine(o controller.ObjectStatus) (line string, ended, failed bool) {
	r := o.Status.Rollout
	if r == nil || o.Status.ObservedGeneration != o.Generation {
		return fmt.Sprintf("%s: %s", o.Key(), unseenText(o)), false, false
	}
	line = fmt.Sprintf("%s: %s: %d of %d copies updated, %d ready", o.Key(), revisionText(r), r.Updated, r.Total, r.Ready)
	why := r.Message
	if synced := o.Status.Condition(reconciler.Synced); why == "" && !synced.Status {
		why = synced.Message
	}
	switch r.Phase {
	case plan.RolloutComplete:
		return fmt.Sprintf("%s: %s is deployed, %d of %d copies ready", o.Key(), revisionText(r), r.Ready, r.Total), true, false
	case plan.RolloutFailed:
		ended, failed, line = true, true, line+": failed"
	case plan.RolloutRolledBack:
		ended, failed, line = true, true, line+": rolled back"
	case plan.RolloutPaused:
		line += ": paused"
	}
	if why != "" {
		line += ": " + why
	}
	return line, ended, failed
}

func revisionText(r *reconciler.RolloutStatus) string {
	if r.Revision == 0 {
		return "the revision"
	}
	return fmt.Sprintf("revision %d", r.Revision)
}

// unseenText says why nothing is known of an object's rollout.
func unseenText(o controller.ObjectStatus) string {
	if synced := o.Status.Condition(reconciler.Synced); !synced.Status && synced.Message != "" {
		return synced.Message
	}
	return "waits for the agent to look at its manifest"
}
