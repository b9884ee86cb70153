package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"berth.dev/berth/spec"
	"berth.dev/berth/spec/schema"
)

func schemaCommand() *cobra.Command {
	kinds := make([]string, len(spec.Kinds()))
	for i, k := range spec.Kinds() {
		kinds[i] = string(k)
	}
	return &cobra.Command{
		Use:       "schema [KIND]",
		Short:     "Print the JSON Schema of manifests, for editors",
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: kinds,
		RunE: func(cmd *cobra.Command, args []string) error {
			out, err := schemaOf(args, kinds)
			if err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), strings.TrimSpace(string(out)))
			}
			return err
		},
	}
}

func schemaOf(args, kinds []string) ([]byte, error) {
	if len(args) == 0 {
		return schema.All()
	}
	for _, k := range kinds {
		if strings.EqualFold(k, args[0]) {
			return schema.Schema(spec.Kind(k))
		}
	}
	return nil, fmt.Errorf("there is no kind %q: want one of %s", args[0], strings.Join(kinds, ", "))
}
