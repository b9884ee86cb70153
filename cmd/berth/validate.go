package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate PATH...",
		Short: "Check manifests: a line for each problem, exit code 1 where there is one",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, paths []string) error {
			l, err := loadPaths(paths, cmd.InOrStdin())
			printProblems(cmd.OutOrStdout(), l.problems)
			if err != nil {
				return err
			}
			if len(l.problems) > 0 {
				return exitFailed
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d objects, no problems\n", len(l.objects))
			return nil
		},
	}
}
