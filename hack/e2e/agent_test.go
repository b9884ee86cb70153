package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// agentDo is the command `agent [as NAME] VERB`: one script may run several agents.
//
//	start [FLAG...]  on the folder m, unless --manifests or --config is given; waits until it has read the manifests
//	stop             asks it to end, and waits until it has, with exit code 0
//	kill             kill -9, and waits
//	logs REGEXP [N]  its log has lines that match; just N of them, where that is given
//	address          sets $AGENT to where its metrics and health answer
func agentDo(s *script, args []string) result {
	name := "berth"
	if len(args) > 2 && args[0] == "as" {
		name, args = args[1], args[2:]
	}
	if len(args) == 0 {
		return fail("usage: agent [as NAME] VERB")
	}
	if args[0] == "start" {
		return s.startAgent(name, args[1:])
	}
	a := s.agents[name]
	if a == nil {
		return fail("no agent %q was started", name)
	}
	switch args[0] {
	case "stop":
		return result{err: a.stop()}
	case "kill":
		return result{err: a.kill()}
	case "logs":
		return a.logs(args[1:])
	case "address":
		return s.agentAddress(a)
	}
	return fail("agent: no verb %q", args[0])
}

// agent is a process of `berth agent`.
type agent struct {
	cmd     *exec.Cmd
	logFile string
	logged  int           // bytes that the log had when it started
	ended   chan struct{} // closed once it has
	err     error         // how it ended; once it has
}

func (s *script) startAgent(name string, flags []string) result {
	if old := s.agents[name]; old != nil && !old.gone() {
		return fail("agent %s runs already", name)
	}
	args := []string{"agent", "--socket", s.path(name + ".sock"), "--state", s.path(name + "-state"), "--listen", "127.0.0.1:0"}
	given := strings.Join(flags, " ")
	if !strings.Contains(given, "--manifests") && !strings.Contains(given, "--config") {
		args = append(args, "--manifests", s.path("m"))
	}
	a, err := startAgent(s.path(name+".log"), s.ts.Getenv("WORK"), s.ts.Getenv("DOCKER_HOST"), append(args, flags...))
	if err != nil {
		return result{err: err}
	}
	s.agents[name] = a
	if !poll(within, func() bool { return strings.Contains(a.log()[a.logged:], "manifests read") || a.gone() }) || a.gone() {
		return fail("the agent has not started: %s", a.log())
	}
	return result{}
}

// startAgent starts an agent that adds to a log file.
func startAgent(logFile, dir, host string, args []string) (*agent, error) {
	f, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, args...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = environ(host), dir, f, f
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	a := &agent{cmd: cmd, logFile: logFile, logged: int(info.Size()), ended: make(chan struct{})}
	go func() {
		a.err = cmd.Wait()
		close(a.ended)
	}()
	return a, nil
}

func (a *agent) log() string {
	b, err := os.ReadFile(a.logFile)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (a *agent) gone() bool {
	select {
	case <-a.ended:
		return true
	default:
		return false
	}
}

// stopTime is how long an agent may take to end: what is going on is finished, and a container may take its grace period.
const stopTime = 40 * time.Second

func (a *agent) stop() error {
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-a.ended:
		return a.err
	case <-time.After(stopTime):
		return errors.Join(fmt.Errorf("the agent has not ended within %s", stopTime), a.kill())
	}
}

func (a *agent) kill() error {
	if err := a.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-a.ended
	return nil
}

// end ends the agent if it runs, and tells of data races.
func (a *agent) end() error {
	var err error
	if !a.gone() {
		err = a.stop()
	}
	if strings.Contains(a.log(), "DATA RACE") {
		err = errors.Join(err, errors.New("the agent has a data race, see its log"))
	}
	if strings.Contains(a.log(), "panic:") {
		err = errors.Join(err, errors.New("the agent panicked, see its log"))
	}
	return err
}

func (a *agent) logs(args []string) result {
	want, err := regexp.Compile("(?m)^.*" + args[0] + ".*$")
	if err != nil {
		return result{err: err}
	}
	lines := want.FindAllString(a.log(), -1)
	if len(args) == 1 && len(lines) == 0 {
		return fail("the agent's log has no %q", args[0])
	}
	if len(args) == 2 && fmt.Sprint(len(lines)) != args[1] {
		return fail("the agent's log has %d lines of %q, want %s", len(lines), args[0], args[1])
	}
	return result{stdout: strings.Join(lines, "\n") + "\n"}
}

var addressLine = regexp.MustCompile(`metrics and health.*(http://[0-9.:]+)`)

func (s *script) agentAddress(a *agent) result {
	address := addressLine.FindStringSubmatch(a.log()[a.logged:])
	if address == nil {
		return fail("the agent's log names no address")
	}
	s.ts.Setenv("AGENT", address[1])
	return result{}
}
