package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// output is the value of -o: a form of output by name, empty for the one for people.
type output struct {
	name  *string
	known []string
}

func outputVar(cmd *cobra.Command, name *string, known ...string) {
	last := len(known) - 1
	cmd.Flags().VarP(output{name, known}, "output", "o", strings.Join(known[:last], ", ")+" or "+known[last])
	if err := cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(known, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag is there
	}
}

func (o output) String() string {
	if o.name == nil { // pflag asks a zero value, too
		return ""
	}
	return *o.name
}

func (output) Type() string { return "form" }

// Set refuses what is unknown before anything is asked of the engine: a script that means JSON must not be given a table.
func (o output) Set(s string) error {
	if !slices.Contains(o.known, s) {
		return fmt.Errorf("want one of %s", strings.Join(o.known, ", "))
	}
	*o.name = s
	return nil
}
