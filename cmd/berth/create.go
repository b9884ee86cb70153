package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"berth.dev/berth/controller/server"
	"berth.dev/berth/spec"
)

func createCommand(g *global) *cobra.Command {
	return group(&cobra.Command{Use: "create", Short: "Begin a run of a CronJob by hand"}, createJobCommand(g))
}

func createJobCommand(g *global) *cobra.Command {
	t, from := &target{g: g, kind: spec.KindCronJob}, ""
	cmd := &cobra.Command{
		Use:   "job --from cronjob/NAME [NAME]",
		Short: "Begin a run of a CronJob now, whatever its schedule says",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ask := server.Ask{Name: strings.Join(args, "")}
			_, a, err := t.ask(cmd.Context(), from, "run", ask)
			if err != nil {
				return err
			}
			tell(cmd.OutOrStdout(), a.Message, a)
			return nil
		},
	}
	t.flags(cmd)
	cmd.Flags().StringVar(&from, "from", "", "the CronJob, as in cronjob/backup")
	if err := cmd.MarkFlagRequired("from"); err != nil {
		panic(fmt.Sprint("the flag is there: ", err))
	}
	return cmd
}
