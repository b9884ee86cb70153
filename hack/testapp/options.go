package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// options is what the workload was told to do. The zero value waits for a
// signal and does nothing else.
type options struct {
	http           string        // listen address; "" serves nothing
	startDelay     time.Duration // before it listens
	readyAfter     time.Duration // until /readyz says so
	unhealthyAfter time.Duration // 0 is never
	drain          time.Duration // for requests in flight at a stop; 0 drops them
	exitAfter      time.Duration // 0 is never
	exitCode       int           // of exitAfter
	ignoreTerm     bool
	eatMemory      byteSize
	eatCPU         bool
	printEnv       bool
	writes         []fileWrite // in the order given
}

// fileWrite is one -write PATH=TEXT.
type fileWrite struct{ path, text string }

func parseOptions(args []string, lookupEnv func(string) (string, bool), stderr io.Writer) (options, error) {
	var o options
	fs := flagSet(&o)
	fs.SetOutput(stderr)
	// Environment first, so that the command line overrides it.
	if err := setFromEnv(fs, lookupEnv); err != nil {
		return options{}, err
	}
	if err := fs.Parse(args); err != nil {
		return options{}, err
	}
	if fs.NArg() > 0 {
		return options{}, fmt.Errorf("%q is neither a flag nor a subcommand (%s)", fs.Arg(0), strings.Join(commandNames(), ", "))
	}
	return o, nil
}

func flagSet(o *options) *flag.FlagSet {
	fs := flag.NewFlagSet("testapp", flag.ContinueOnError)
	fs.StringVar(&o.http, "http", "", "serve HTTP on this `address`, such as :8080")
	fs.DurationVar(&o.startDelay, "start-delay", 0, "listen after this `duration`")
	fs.DurationVar(&o.readyAfter, "ready-after", 0, "answer 503 on /readyz before this `duration` is over")
	fs.DurationVar(&o.drain, "drain", 0, "at a stop, take no more connections, and give requests in flight at most this `duration`")
	fs.DurationVar(&o.unhealthyAfter, "unhealthy-after", 0, "answer 503 on /healthz after this `duration`")
	fs.DurationVar(&o.exitAfter, "exit-after", 0, "exit after this `duration`")
	fs.IntVar(&o.exitCode, "exit-code", 0, "the exit `code` of -exit-after")
	fs.BoolVar(&o.ignoreTerm, "ignore-term", false, "ignore SIGTERM")
	fs.Var(&o.eatMemory, "eat-memory", "hold this much memory, a `size` such as 64Mi")
	fs.BoolVar(&o.eatCPU, "eat-cpu", false, "keep one CPU busy")
	fs.BoolVar(&o.printEnv, "print-env", false, "print the environment at start")
	fs.Func("write", "write a file at start, as `PATH=TEXT`; may be repeated", func(s string) error {
		path, text, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("%q has no '=', want PATH=TEXT", s)
		}
		o.writes = append(o.writes, fileWrite{path, text})
		return nil
	})
	return fs
}

func setFromEnv(fs *flag.FlagSet, lookupEnv func(string) (string, bool)) error {
	var first error
	fs.VisitAll(func(f *flag.Flag) {
		value, ok := lookupEnv(envName(f.Name))
		if !ok || first != nil {
			return
		}
		if err := f.Value.Set(value); err != nil {
			first = fmt.Errorf("%s=%q: %w", envName(f.Name), value, err)
		}
	})
	return first
}

// envName is the environment variable of a flag: exit-after is TESTAPP_EXIT_AFTER.
func envName(flagName string) string {
	return "TESTAPP_" + strings.ToUpper(strings.ReplaceAll(flagName, "-", "_"))
}
