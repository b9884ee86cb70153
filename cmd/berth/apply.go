package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"

	"berth.dev/berth/controller"
	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/engine"
	"berth.dev/berth/spec"
)

func applyCommand(g *global) *cobra.Command {
	var o applyOptions
	cmd := &cobra.Command{
		Use:   "apply PATH...",
		Short: "Make the engine as the manifests say, once; exit code 1 where an object does not become ready",
		Args:  cobra.MinimumNArgs(1),
		RunE: g.onPaths(func(cmd *cobra.Command, l loaded, c *engine.Client) error {
			if len(l.problems) > 0 { // a person is there to mend it, so that nothing is half applied
				return exitFailed
			}
			lock, err := hold(cmd.Context(), c, "")
			if err != nil {
				return err
			}
			defer lock.Release()
			return o.apply(cmd.Context(), c, l.objects, cmd.OutOrStdout())
		}),
	}
	cmd.Flags().DurationVar(&o.timeout, "timeout", 5*time.Minute, "how long the objects may take to become ready")
	cmd.Flags().BoolVar(&o.prune, "prune", false, "also remove what is on the engine and not in PATH; all of it at once needs `berth prune --confirm`")
	cmd.Flags().IntVarP(&o.verbosity, "verbosity", "v", -1, "0 or 1 also logs what is done")
	return cmd
}

type applyOptions struct {
	timeout   time.Duration
	prune     bool
	verbosity int
}

// apply runs the same controller as the agent does, until all is ready or can never be.
func (o applyOptions) apply(ctx context.Context, client *engine.Client, objects []spec.Object, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	log := logr.Discard()
	if o.verbosity >= 0 {
		l, flush := newLogger(LogConfiguration{Format: "text", Verbosity: o.verbosity})
		defer flush()
		log = l
	}
	c := controller.New(client, controller.Options{Prune: o.prune, SameClock: client.Local(), Identity: holder(""), Log: log})
	c.Replace(ctx, controller.Desired{Catalog: controller.NewCatalog(objects), At: time.Now()})
	run, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- c.Run(run) }()
	unready := follow(ctx, c, newProgress(out))
	stop()
	if err := <-done; err != nil {
		return err
	}
	if online, why := c.Online(); !online && why != "" && len(unready) > 0 {
		fmt.Fprintln(os.Stderr, "the engine is away: "+why)
	}
	if len(unready) > 0 {
		printUnready(os.Stderr, unready)
		return exitFailed
	}
	return nil
}

// follow shows progress until all objects are settled, or ctx ends. It returns those that are not ready.
func follow(ctx context.Context, c *controller.Controller, p *progress) []controller.ObjectStatus {
	runs := runs{}
	for {
		objects, changed := c.Objects()
		p.show(objects)
		unready, settled := judge(objects)
		again := runs.youngest(objects, time.Now())
		if settled && again <= 0 {
			return unready
		}
		if !settled {
			again = settleTime
		}
		select {
		case <-ctx.Done():
			return unready
		case <-changed:
		case <-time.After(again):
		}
	}
}

// settleTime is how long a container without a health check has to run before its start counts: a program that ends at once has
// been started, too.
const settleTime = time.Second

// runs notes when each run of a container was first seen, by this host's clock.
type runs map[string]oneRun

type oneRun struct{ started, seen time.Time }

// youngest is how long the container that was seen to start last has still to run before all have settled.
func (r runs) youngest(objects []controller.ObjectStatus, now time.Time) (left time.Duration) {
	for _, o := range objects {
		for _, c := range o.Status.Containers {
			if known, ok := r[c.Name]; !ok || !known.started.Equal(c.StartedAt) {
				r[c.Name] = oneRun{c.StartedAt, now}
			}
			if c.Health == "" && c.State == "running" {
				left = max(left, settleTime-now.Sub(r[c.Name].seen))
			}
		}
	}
	return left
}

// judge splits off what is not ready, and says whether waiting any longer is of use.
func judge(objects []controller.ObjectStatus) (unready []controller.ObjectStatus, settled bool) {
	settled = true
	for _, o := range objects {
		ready, synced := o.Status.Condition(reconciler.Ready), o.Status.Condition(reconciler.Synced)
		current := o.Status.ObservedGeneration == o.Generation
		if current && ready.Status && synced.Status {
			continue
		}
		unready = append(unready, o)
		hopeless := controller.Hopeless(synced.Reason) || synced.Status && controller.Hopeless(ready.Reason)
		settled = settled && (current && hopeless || synced.Reason == controller.ReasonPrunePending)
	}
	return unready, settled
}

func printUnready(w io.Writer, objects []controller.ObjectStatus) {
	for _, o := range objects {
		reason, message := worstCondition(o)
		fmt.Fprintf(w, "%s is not ready: %s: %s\n", o.Key(), reason, message)
	}
}

// worstCondition is what a person has to know of an object that is not ready.
func worstCondition(o controller.ObjectStatus) (reason, message string) {
	for _, kind := range []string{reconciler.Synced, reconciler.Ready} {
		if c := o.Status.Condition(kind); !c.Status {
			if c.Reason == "" {
				return "Pending", "nothing was done about it yet"
			}
			return c.Reason, c.Message
		}
	}
	return "", ""
}
