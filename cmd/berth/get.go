package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"berth.dev/berth/controller"
	"berth.dev/berth/controller/server"
	"berth.dev/berth/spec"
)

func getCommand(g *global) *cobra.Command {
	var o getOptions
	cmd := &cobra.Command{
		Use:   "get [KIND | NAME | KIND/NAME | PATH]...",
		Short: "Show objects and their state: the agent's, or what labels say where no agent runs",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := newSelection(args, o.namespace, cmd.InOrStdin())
			if err != nil {
				return err
			}
			return o.get(cmd.Context(), g, s, cmd.OutOrStdout())
		},
	}
	outputVar(cmd, &o.output, "wide", "yaml", "json")
	cmd.Flags().StringVarP(&o.namespace, "namespace", "n", "", "only this namespace")
	cmd.Flags().BoolVarP(&o.watch, "watch", "w", false, "go on and print what changes")
	return cmd
}

type getOptions struct {
	output    string
	namespace string
	watch     bool
}

func (o getOptions) get(ctx context.Context, g *global, s selection, out io.Writer) error {
	t, told := newTable(out, o.output), map[string]bool{}
	show := func(all server.Objects) error {
		if !all.Online && all.Trouble != "" {
			fmt.Fprintln(os.Stderr, "the engine is away: "+all.Trouble)
		}
		tellProblems(all.Problems, told)
		objects := s.of(all.Objects)
		if o.output == "yaml" || o.output == "json" {
			return encode(out, o.output, objects)
		}
		t.print(objects)
		return nil
	}
	agent := agentClient(g.socketPath())
	switch answered, err := agent.objects(ctx, o.watch, show); {
	case answered:
		return err
	case o.watch:
		return o.watchLabels(ctx, g, show)
	}
	all, err := objectsByLabel(ctx, g)
	if err != nil {
		return err
	}
	return show(all)
}

// tellProblems prints what is wrong with the agent's manifests, each problem once.
func tellProblems(problems []string, told map[string]bool) {
	for _, p := range problems {
		if !told[p] {
			told[p] = true
			fmt.Fprintln(os.Stderr, p)
		}
	}
}

// watchLabels looks at the labels again whenever the engine tells of a change.
func (o getOptions) watchLabels(ctx context.Context, g *global, show func(server.Objects) error) error {
	c, err := g.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return watchEngine(ctx, c, show)
}

// selection says which objects are asked for.
type selection struct {
	namespace string
	names     []selector
	keys      map[spec.Key]bool // of manifests
}

type selector struct {
	kind spec.Kind // empty for any
	name string    // empty for all
}

// newSelection reads arguments: a path that exists is a path, a kind is a kind, and anything else a name.
func newSelection(args []string, namespace string, stdin io.Reader) (selection, error) {
	s := selection{namespace: namespace}
	var paths []string
	for _, arg := range args {
		if _, err := os.Stat(arg); err == nil || arg == "-" {
			paths = append(paths, arg)
			continue
		}
		s.names = append(s.names, parseSelector(arg))
	}
	if len(paths) == 0 {
		return s, nil
	}
	l, err := loadPaths(paths, stdin)
	printProblems(os.Stderr, l.problems)
	s.keys = map[spec.Key]bool{}
	for _, o := range l.objects {
		s.keys[o.Key()] = true
	}
	return s, err
}

func parseSelector(arg string) selector {
	kind, name, both := strings.Cut(arg, "/")
	for _, k := range spec.Kinds() {
		if strings.EqualFold(string(k), strings.TrimSuffix(strings.ToLower(kind), "s")) {
			return selector{k, name}
		}
	}
	if both { // NAMESPACE.NAME has a dot, never a slash: an unknown kind selects nothing
		return selector{spec.Kind(kind), name}
	}
	return selector{name: arg}
}

// of picks the objects that are asked for. A manifest's object that is nowhere is shown as missing.
func (s selection) of(all []controller.ObjectStatus) []controller.ObjectStatus {
	out := []controller.ObjectStatus{}
	found := map[spec.Key]bool{}
	for _, o := range all {
		if s.has(o.Key()) {
			out = append(out, o)
			found[o.Key()] = true
		}
	}
	for key := range s.keys {
		if !found[key] {
			out = append(out, controller.ObjectStatus{Kind: key.Kind, Namespace: key.Namespace, Name: key.Name})
		}
	}
	slices.SortFunc(out, func(a, b controller.ObjectStatus) int { return a.Key().Compare(b.Key()) })
	return out
}

func (s selection) has(k spec.Key) bool {
	if s.namespace != "" && k.Namespace != s.namespace {
		return false
	}
	if len(s.names) == 0 && s.keys == nil {
		return true
	}
	return s.keys[k] || slices.ContainsFunc(s.names, func(n selector) bool {
		return (n.kind == "" || n.kind == k.Kind) && (n.name == "" || n.name == k.Name)
	})
}
