package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"berth.dev/berth/controller"
	"berth.dev/berth/controller/server"
)

func rolloutCommand(g *global) *cobra.Command {
	return group(&cobra.Command{
		Use:   "rollout",
		Short: "Follow, undo, restart, pause and resume the rollout of a Container, or show its revisions",
	},
		rolloutStatusCommand(g), rolloutHistoryCommand(g), rolloutUndoCommand(g),
		plainCommand(containersOf(g), "rollout/restart", "restart NAME", "Replace a Container's copies by new ones of the same revision, as its strategy says"),
		plainCommand(containersOf(g), "rollout/pause", "pause NAME", "Leave a Container's copies at the revisions that they are of"),
		plainCommand(containersOf(g), "rollout/resume", "resume NAME", "Go on with a rollout that was paused"))
}

func rolloutUndoCommand(g *global) *cobra.Command {
	t, ask := containersOf(g), server.Ask{}
	cmd := &cobra.Command{
		Use:   "undo NAME [--to-revision N]",
		Short: "Go back to an earlier revision until the manifest or its image changes",
		Long: `Go back to an earlier revision, one that was deployed once: the newest of those before the one in force, or the one that is named. The
manifest stays as it is. Its revision is not tried again until it or its image changes, or until it is named itself.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, a, err := t.ask(cmd.Context(), args[0], "rollout/undo", ask)
			if err != nil {
				return err
			}
			tell(cmd.OutOrStdout(), a.Message, withHold(a, ""))
			return nil
		},
	}
	t.flags(cmd)
	cmd.Flags().IntVar(&ask.ToRevision, "to-revision", 0, "the revision's number, as `berth rollout history` shows it; the one before where it is left out")
	return cmd
}

func rolloutHistoryCommand(g *global) *cobra.Command {
	t, output, number := containersOf(g), "", 0
	cmd := &cobra.Command{
		Use:   "history NAME [--revision N]",
		Short: "Show a Container's revisions, or the manifest of one of them",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := t.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			path := objectPath(o.Key(), "revisions")
			if cmd.Flags().Changed("revision") {
				r, err := request[controller.Revision](cmd.Context(), t.agent(), http.MethodGet, path+"/"+strconv.Itoa(number), nil)
				if err != nil {
					return err
				}
				return printRevision(cmd.OutOrStdout(), r, output)
			}
			all, err := request[server.Revisions](cmd.Context(), t.agent(), http.MethodGet, path, nil)
			if err != nil {
				return err
			}
			return printRevisions(cmd.OutOrStdout(), all.Revisions, output, time.Now())
		},
	}
	t.flags(cmd)
	outputVar(cmd, &output, "yaml", "json")
	cmd.Flags().IntVar(&number, "revision", 0, "show the manifest of this revision; what may be secret in it is hidden")
	return cmd
}

// printRevision prints a revision's manifest.
func printRevision(out io.Writer, r controller.Revision, output string) error {
	if output != "" {
		return encode(out, output, r)
	}
	fmt.Fprintf(out, "# revision %d: %s\n", r.Number, revisionState(r))
	return encode(out, "yaml", r.Object)
}

func printRevisions(out io.Writer, list []controller.Revision, output string, now time.Time) error {
	if output != "" {
		return encode(out, output, list)
	}
	if len(list) == 0 {
		fmt.Fprintln(out, "no revision is known")
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "REVISION\tSTATE\tAGE\tIMAGE\tGENERATION\tMESSAGE")
	for _, r := range list {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", r.Number, r.State, ageText(now.Sub(r.Began)), r.Image, r.Generation, r.Message)
	}
	return w.Flush()
}

// revisionState says what became of a revision, and when.
func revisionState(r controller.Revision) string {
	text := string(r.State)
	if at := r.Ended; !at.IsZero() {
		text += " since " + at.Local().Format(time.DateTime)
	}
	if r.Message != "" {
		text += ", " + r.Message
	}
	return text
}
