package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"berth.dev/berth/controller"
	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/engine"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

func planCommand(g *global) *cobra.Command {
	var output string
	var prune bool
	cmd := &cobra.Command{
		Use:   "plan PATH...",
		Short: "Show what the agent would do, field by field; exit code 2 where it would do something",
		Args:  cobra.MinimumNArgs(1),
		RunE: g.onPaths(func(cmd *cobra.Command, l loaded, c *engine.Client) error {
			plans, orphans, err := makePlans(cmd.Context(), reconciler.New(c, reconciler.Options{}), l.objects, prune)
			if err != nil {
				return err
			}
			if err := printPlans(cmd.OutOrStdout(), plans, orphans, output); err != nil {
				return err
			}
			return planExit(plans, len(l.problems))
		}),
	}
	outputVar(cmd, &output, "yaml", "json")
	cmd.Flags().BoolVar(&prune, "prune", false, "also plan the removal of what is on the engine and not in PATH, as the agent would")
	return cmd
}

// makePlans plans every object, and what is on the engine without a manifest; orphans counts those that are left out.
func makePlans(ctx context.Context, r *reconciler.Reconciler, objects []spec.Object, prune bool) (plans []plan.Plan, orphans int, err error) {
	now := time.Now()
	catalog := controller.NewCatalog(objects)
	keys := catalog.Keys()
	owned, err := r.World.Owned(ctx, now)
	if err != nil {
		return nil, 0, err
	}
	without := catalog.Orphans(owned)
	if prune {
		keys = append(keys, without...)
	} else {
		orphans = len(without)
	}
	for _, key := range keys {
		object, _ := catalog.Get(key)
		p, _, err := r.Plan(ctx, key, object, catalog, now)
		if err != nil {
			return nil, 0, fmt.Errorf("cannot plan %s: %w", key, err)
		}
		plans = append(plans, p)
	}
	return plans, orphans, nil
}

func planExit(plans []plan.Plan, problems int) error {
	if problems > 0 {
		return exitFailed
	}
	if slices.ContainsFunc(plans, func(p plan.Plan) bool {
		return !p.Empty()
	}) {
		return exitChanges
	}
	return nil
}

// planView is a plan as JSON and YAML show it.
type planView struct {
	Object  string       `json:"object"`
	Actions []actionView `json:"actions,omitempty"`
	After   []string     `json:"after,omitempty"` // objects that are made first
	Blocked []blockView  `json:"blocked,omitempty"`
}

type actionView struct {
	Action     string       `json:"action"`
	Target     string       `json:"target"`
	Reasons    []reasonView `json:"reasons"`
	Operations []string     `json:"operations"`
}

type reasonView struct {
	Field string `json:"field,omitempty"`
	From  string `json:"from,omitempty"`
	To    string `json:"to,omitempty"`
	Note  string `json:"note,omitempty"`
}

type blockView struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

func viewOf(p plan.Plan) planView {
	v := planView{Object: p.Key.String()}
	for _, a := range p.Actions {
		av := actionView{Action: string(a.Kind), Target: a.Target}
		for _, c := range a.Why {
			av.Reasons = append(av.Reasons, reasonView(c))
		}
		for _, o := range a.Ops {
			av.Operations = append(av.Operations, o.String())
		}
		v.Actions = append(v.Actions, av)
	}
	for _, k := range p.After {
		v.After = append(v.After, k.String())
	}
	for _, b := range p.Blocks {
		v.Blocked = append(v.Blocked, blockView{string(b.Reason), b.Message})
	}
	return v
}

func printPlans(w io.Writer, plans []plan.Plan, orphans int, output string) error {
	if output != "" {
		views := []planView{}
		for _, p := range plans {
			if v := viewOf(p); len(v.Actions)+len(v.Blocked) > 0 {
				views = append(views, v)
			}
		}
		return encode(w, output, views)
	}
	actions := 0
	for _, p := range plans {
		for _, a := range p.Actions {
			fmt.Fprint(w, a)
			actions++
			for _, k := range p.After {
				fmt.Fprintf(w, "  after %s\n", k)
			}
		}
		for _, b := range p.Blocks {
			fmt.Fprintf(w, "%s waits (%s)\n  %s\n", p.Key, b.Reason, b.Message)
		}
	}
	fmt.Fprintf(w, "%s for %s\n", counted(actions, "action"), counted(len(plans), "object"))
	if orphans > 0 {
		fmt.Fprintf(w, "%s on the engine not in these files; --prune plans the removal\n", counted(orphans, "object"))
	}
	return nil
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// encode writes a value as JSON or YAML.
func encode(w io.Writer, format string, v any) error {
	switch format {
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	case "yaml":
		b, err := yaml.Marshal(v)
		if err == nil {
			_, err = w.Write(b)
		}
		return err
	}
	return fmt.Errorf("-o %s: want yaml or json", format)
}
