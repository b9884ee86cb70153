package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"berth.dev/berth/spec/near"
)

// alike reports whether a word may be a slip of the pen for another: it begins it, or is within two letters of it, and within a
// third of its length.
func alike(word, other string) bool {
	word, other = strings.ToLower(word), strings.ToLower(other)
	d := near.Distance(word, other)
	return strings.HasPrefix(other, word) || strings.HasPrefix(word, other) || d <= 2 && d*3 <= len(other)
}

// suggestFlag adds the flags that may be meant to the error of one that does not exist.
func suggestFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	var meant []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if name := unknown.GetSpecifiedName(); len(name) > 1 && !f.Hidden && alike(name, f.Name) {
			meant = append(meant, "--"+f.Name)
		}
	})
	if len(meant) == 0 {
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	}
	return fmt.Errorf("%w; did you mean %s?", err, orList(meant))
}

// group makes a command that is nothing but its subcommands. An unknown one is an error, which cobra leaves to us below the root.
func group(cmd *cobra.Command, subcommands ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(subcommands...)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		meant := cmd.SuggestionsFor(args[0])
		if len(meant) == 0 {
			return fmt.Errorf("unknown command %q for %q; see %s --help", args[0], cmd.CommandPath(), cmd.CommandPath())
		}
		return fmt.Errorf("unknown command %q for %q; did you mean %s?", args[0], cmd.CommandPath(), orList(meant))
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}
