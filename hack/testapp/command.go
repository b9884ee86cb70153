package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// command is a subcommand. A returned exitError is its exit code; any other
// error is printed and exits 1.
type command struct {
	args string // what it takes, for the error that says so; a name in brackets may be left out, and "..." is for what it checks itself
	run  func(w io.Writer, args []string) error
}

var commands = map[string]command{
	"client":      {"...", client},
	"healthcheck": {"[URL]", healthcheck},
	"get":         {"URL", get},
	"post":        {"URL", post},
	"write":       {"PATH TEXT", write},
	"lookup":      {"HOST", lookup},
	"cat":         {"PATH", cat},
	"stat":        {"PATH", stat},
	"env":         {"", env},
	"id":          {"", id},
	"exit":        {"CODE", exit},
	"sleep":       {"DURATION", sleep},
}

const healthURL = "http://127.0.0.1:8080/healthz"

// probeClient gives up before Docker's own default of 30 s would, so that a
// hanging server is a failed check with a message and not a killed probe.
var probeClient = &http.Client{Timeout: 5 * time.Second}

// post makes a request without a body; any answer but an error of the server's is fine.
func post(w io.Writer, args []string) error {
	res, err := probeClient.Post(args[0], "", nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(w, res.Body)
	if err == nil && res.StatusCode >= http.StatusBadRequest {
		err = errors.New(res.Status)
	}
	return err
}

func write(_ io.Writer, args []string) error { return os.WriteFile(args[0], []byte(args[1]), 0o644) }

type exitError int

func (e exitError) Error() string { return "exit " + strconv.Itoa(int(e)) }

func commandNames() []string { return slices.Sorted(maps.Keys(commands)) }

func runCommand(c command, args []string, stdout, stderr io.Writer) int {
	most := len(strings.Fields(c.args))
	least := most - strings.Count(c.args, "[")
	if strings.HasSuffix(c.args, "...") {
		least, most = 0, len(args)
	}
	if len(args) < least || len(args) > most {
		fmt.Fprintf(stderr, "testapp: got %d arguments, want: %s\n", len(args), defaultTo(c.args, "none"))
		return 2
	}
	err := c.run(stdout, args)
	var code exitError
	switch {
	case errors.As(err, &code):
		return int(code)
	case err != nil:
		fmt.Fprintln(stderr, "testapp:", err)
		return 1
	}
	return 0
}

func healthcheck(w io.Writer, args []string) error {
	return get(w, append(args, healthURL)[:1])
}

// get prints the body; any status but 200 is an error.
func get(w io.Writer, args []string) error {
	resp, err := probeClient.Get(args[0])
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", args[0], resp.Status)
	}
	return nil
}

func lookup(w io.Writer, args []string) error {
	addrs, err := net.LookupHost(args[0])
	if err != nil {
		return err
	}
	slices.Sort(addrs)
	_, err = fmt.Fprintln(w, strings.Join(addrs, "\n"))
	return err
}

func cat(w io.Writer, args []string) error { return copyFile(w, args[0]) }

func stat(w io.Writer, args []string) error {
	info, err := statFile(args[0])
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(info)
}

func env(w io.Writer, _ []string) error { return printEnv(w) }

func id(w io.Writer, _ []string) error {
	groups, err := os.Getgroups()
	if err != nil {
		return err
	}
	slices.Sort(groups)
	_, err = fmt.Fprintf(w, "uid=%d gid=%d groups=%v\n", os.Getuid(), os.Getgid(), groups)
	return err
}

func exit(_ io.Writer, args []string) error {
	code, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	return exitError(code)
}

func sleep(_ io.Writer, args []string) error {
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	time.Sleep(d)
	return nil
}
