package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// commands are what scripts have beside testscript's own. Every one of them may stand behind `eventually`; those that take
// containers take their Docker names.
var commands map[string]command

func init() {
	commands = map[string]command{
		// Programs.
		"berth":    berth,      // berth ARG...: the binary under test, asking the script's agent
		"docker":   dockerCLI,  // docker ARG...: the engine, asked by docker's client
		"exits":    exits,      // exits CODE COMMAND ARG...: the command ends with just this code
		"agent":    agentDo,    // agent start|stop|kill|logs|address, see agent_test.go
		"proxy":    proxyDo,    // proxy start|cut|hang|heal|calls, see proxy_test.go
		"registry": registryDo, // registry start|stop, see registry_test.go
		"webhook":  webhookDo,  // webhook start|stop|answers|told, see webhook_test.go
		"edit":     edit,       // edit FILE OLD NEW: replaces text in a file, in place; OLD must be there
		"fill":     fill,       // fill FILE...: puts the values of $VARIABLES into files
		"port":     freePort,   // port VARIABLE...: sets each to a port of 127.0.0.1 that nobody uses
		// Assertions.
		"containers": containersAre, // containers [NAME...]: just these are there of the script's namespace, in any state
		"running":    running,       // running NAME...
		"field":      fieldIs,       // field NAME TEMPLATE VALUE: what inspection says
		"note":       note,          // note NAME...: remembers which they are and when they started
		"same":       same,          // same NAME...: they run, and were neither replaced nor restarted since they were noted
		"restarted":  restarted,     // restarted NAME...: they run, were not replaced and started anew since
		"replaced":   replaced,      // replaced NAME...: others have the names, and run
		"condition":  conditionIs,   // condition KIND/NAME TYPE true|false [REASON [MESSAGE-REGEXP]]
		"cgroup":     cgroupIs,      // cgroup NAME memory|pids|cpu VALUE: what the kernel holds the container to
		"http":       httpSays,      // http URL REGEXP: the answer has status 200 and matches
	}
}

// command does something for a script.
type command func(s *script, args []string) result

// script is the state of one script.
type script struct {
	ts     *testscript.TestScript
	agents map[string]*agent
	notes  map[string]identity
	proxy  *proxy
	hub    *hub

	webhook *webhook
}

type scriptKey struct{}

func TestScripts(t *testing.T) {
	cmds := map[string]func(*testscript.TestScript, bool, []string){"eventually": eventually}
	for name, c := range commands {
		cmds[name] = c.run
	}
	testscript.RunT(serial{t}, testscript.Params{
		Dir: "testdata/script", Cmds: cmds, RequireUniqueNames: true, Setup: setup,
	})
}

// serial runs scripts one after another: an engine takes one agent at a time.
type serial struct{ *testing.T }

func (t serial) Parallel()     {}
func (t serial) Verbose() bool { return testing.Verbose() }
func (t serial) Run(name string, f func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { f(serial{t}) })
}

func setup(env *testscript.Env) error {
	s := &script{agents: map[string]*agent{}, notes: map[string]identity{}}
	env.Values[scriptKey{}] = s
	env.Setenv("DOCKER_HOST", engineHost)
	env.Setenv("ENGINE", engineHost)
	env.Setenv("BERTH", program)
	env.Defer(func() { s.end(env.T().(serial)) })
	return nil
}

// end stops what the script started, shows the agents' logs of a script that failed, and removes what it made.
func (s *script) end(t serial) {
	for name, a := range s.agents {
		if err := a.end(); err != nil {
			t.Errorf("agent %s: %v", name, err)
		}
		if t.Failed() {
			t.Logf("log of agent %s:\n%s", name, a.log())
		}
	}
	if s.proxy != nil {
		s.proxy.close()
	}
	if s.hub != nil {
		s.hub.stop()
	}
	if s.webhook != nil {
		_ = s.webhook.server.Close() // it may be closed already
	}
	if err := cleanUp(); err != nil {
		t.Errorf("cannot clean up: %v", err)
	}
}

func (s *script) namespace() string { return prefix + s.ts.Name() }

func (c command) run(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(scriptKey{}).(*script)
	s.ts = ts
	r := c(s, args)
	fmt.Fprint(ts.Stdout(), r.stdout)
	fmt.Fprint(ts.Stderr(), r.stderr)
	switch {
	case r.err != nil && !neg:
		ts.Fatalf("%v", r.err)
	case r.err == nil && neg:
		ts.Fatalf("succeeded, and should not have")
	}
}

// within is how long a script waits for what should come at once. It is generous, because machines are slow at times.
const within = 10 * time.Second

// eventually [-within DURATION] [-match REGEXP] [!] COMMAND ARG...: the command comes to succeed (or, after !, to fail), and its
// output to match.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	f := flag.NewFlagSet("eventually", flag.ContinueOnError)
	deadline := f.Duration("within", within, "")
	match := f.String("match", "", "")
	ts.Check(f.Parse(args))
	want, err := regexp.Compile("(?m)" + *match)
	ts.Check(err)
	args = f.Args()
	fails := args[0] == "!"
	if fails {
		args = args[1:]
	}
	c, ok := commands[args[0]]
	if neg || !ok {
		ts.Fatalf("usage: eventually [-within DURATION] [-match REGEXP] [!] COMMAND ARG...")
	}
	s := ts.Value(scriptKey{}).(*script)
	s.ts = ts
	r := result{}
	if !poll(*deadline, func() bool {
		r = c(s, args[1:])
		return (r.err != nil) == fails && want.MatchString(r.stdout)
	}) {
		ts.Fatalf("not within %s: %s: %v\n%s", *deadline, strings.Join(args, " "), r.err, r.stdout)
	}
	fmt.Fprint(ts.Stdout(), r.stdout)
	fmt.Fprint(ts.Stderr(), r.stderr)
}

// poll asks until a condition holds, and reports whether it came to.
func poll(deadline time.Duration, holds func() bool) bool {
	timeout := time.After(deadline)
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-timeout:
			return holds()
		case <-tick.C:
		}
	}
	return true
}

// longest is how long a command that ends by itself may take.
const longest = time.Minute

func berth(s *script, args []string) result {
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append([]string{"--socket", s.path("berth.sock")}, args...)...)
	cmd.Env, cmd.Dir = environ(s.ts.Getenv("DOCKER_HOST")), s.ts.MkAbs(".")
	return execute(cmd)
}

func (s *script) path(name string) string { return filepath.Join(s.ts.Getenv("WORK"), name) }

func dockerCLI(_ *script, args []string) result { return docker(args...) }

func exits(s *script, args []string) result {
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return fail("usage: exits CODE COMMAND ARG...")
	}
	r := commands[args[1]](s, args[2:])
	got := 0
	var exit *exec.ExitError
	if errors.As(r.err, &exit) {
		got = exit.ExitCode()
	}
	if got != want {
		return result{r.stdout, r.stderr, fmt.Errorf("exit code %d, want %d: %w\n%s", got, want, r.err, r.stdout)}
	}
	r.err = nil
	return r
}

func edit(s *script, args []string) result {
	if len(args) != 3 {
		return fail("usage: edit FILE OLD NEW")
	}
	path := s.ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	if err != nil {
		return result{err: err}
	}
	if !strings.Contains(string(b), args[1]) {
		return fail("%s has no %q", args[0], args[1])
	}
	return result{err: os.WriteFile(path, []byte(strings.Replace(string(b), args[1], args[2], 1)), 0o644)}
}

func fill(s *script, files []string) result {
	for _, file := range files {
		path := s.ts.MkAbs(file)
		b, err := os.ReadFile(path)
		if err != nil {
			return result{err: err}
		}
		if err := os.WriteFile(path, []byte(os.Expand(string(b), s.ts.Getenv)), 0o644); err != nil {
			return result{err: err}
		}
	}
	return result{}
}

func freePort(s *script, names []string) result {
	for _, name := range names {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return result{err: err}
		}
		defer l.Close() // at the end, so that no two are the same
		s.ts.Setenv(name, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	return result{}
}
