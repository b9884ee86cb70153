// Command testapp is the one program in every image that the tests and the
// examples run. Nothing can be pulled where they run, so the images are built
// FROM scratch around this binary: it stands in for the workload and, as its
// subcommands, for the shell that such an image does not have.
//
//	testapp [flags]            the workload; see -help
//	testapp SUBCOMMAND [ARG]   a look inside, for docker exec
//
// Every flag is also an environment variable: -exit-after is
// TESTAPP_EXIT_AFTER. A flag on the command line wins.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

func main() {
	os.Exit(run(os.Args[1:]))
}

// run returns the exit code: 0 for success, 1 for a failure, 2 for a wrong
// command line; the workload and the exit subcommand return what they are told.
func run(args []string) int {
	if len(args) > 0 {
		if cmd, ok := commands[args[0]]; ok {
			return runCommand(cmd, args[1:], os.Stdout, os.Stderr)
		}
	}
	opts, err := parseOptions(args, os.LookupEnv, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(os.Stderr, "testapp:", err)
		return 2
	}
	return work(opts)
}
