package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func versionCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, and the engine's",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "berth %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			c, err := g.connect(cmd.Context())
			if err != nil {
				fmt.Fprintf(out, "engine: %v\n", err)
				return nil
			}
			defer c.Close()
			info, err := c.Info(cmd.Context())
			if err == nil {
				fmt.Fprintf(out, "engine %s (API %s, cgroup v%s) at %s\n", info.Version, info.APIVersion, info.CgroupVersion, c.Host())
			}
			return err
		},
	}
}
