package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"berth.dev/berth/spec"
)

// The engine that the tests use.
var engineHost, engineID string

// findEngine asks docker's client where the engine is, so that contexts and DOCKER_HOST count as they do for a person.
func findEngine() error {
	if _, err := exec.LookPath("docker"); err != nil {
		return errors.New("the scripts ask the engine by docker's client: install it (hack/engine does, on Debian as root)")
	}
	host, err := exec.Command("docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}").Output()
	if err != nil {
		return fmt.Errorf("cannot tell where the engine is: %w", err)
	}
	engineHost = strings.TrimSpace(string(host))
	r := docker("info", "--format", "{{.ID}}")
	engineID = strings.TrimSpace(r.stdout)
	if r.err != nil || engineID == "" {
		return fmt.Errorf("no engine answers at %s: run hack/engine (%s)", engineHost, strings.TrimSpace(r.stderr))
	}
	return nil
}

// refuseOthers makes sure that nothing on the engine is berth's and not these tests': an agent would remove it.
func refuseOthers() error {
	const format = `{{.Label "` + spec.LabelNamespace + `"}}`
	containers := docker("ps", "--all", "--filter", "label="+spec.LabelImage, "--format", format)
	networks := docker("network", "ls", "--filter", "label="+spec.LabelNamespace, "--format", format)
	if err := errors.Join(containers.err, networks.err); err != nil {
		return err
	}
	for _, ns := range strings.Fields(containers.stdout + networks.stdout) {
		if !strings.HasPrefix(ns, prefix) {
			return fmt.Errorf("the engine at %s has containers or networks of berth's in the namespace %q, which the agents of these tests would remove: "+
				"remove them (as with `make clean-run`), or name another engine by DOCKER_HOST", engineHost, ns)
		}
	}
	return nil
}

func needImages() error {
	images := []string{"berth.test/app:1", "berth.test/app:2", "berth.test/healthy:1", "berth.test/meta:1"}
	if r := docker(append([]string{"image", "inspect", "--format", "{{.Id}}"}, images...)...); r.err != nil {
		return fmt.Errorf("the engine at %s has not all of the images %s: run hack/images (%s)", engineHost, strings.Join(images, ", "), strings.TrimSpace(r.stderr))
	}
	return nil
}

// cleanUp removes what has a name of these tests', and nothing else.
func cleanUp() error {
	var errs []error
	for _, kind := range []struct{ list, remove []string }{
		{[]string{"ps", "--all", "--format", "{{.Names}}"}, []string{"rm", "--force", "--volumes"}},
		{[]string{"network", "ls", "--format", "{{.Name}}"}, []string{"network", "rm"}},
		{[]string{"volume", "ls", "--format", "{{.Name}}"}, []string{"volume", "rm", "--force"}},
		{[]string{"image", "ls", "--format", "{{.Repository}}:{{.Tag}}"}, []string{"image", "rm", "--force"}},
	} {
		list := docker(kind.list...)
		names := slices.DeleteFunc(strings.Fields(list.stdout), func(n string) bool { return !strings.HasPrefix(n, prefix) })
		errs = append(errs, list.err)
		if len(names) > 0 {
			errs = append(errs, docker(append(kind.remove, names...)...).err)
		}
	}
	return errors.Join(errs...)
}

// result is what became of a command.
type result struct {
	stdout, stderr string
	err            error
}

// fail is the result of an assertion that does not hold.
func fail(format string, args ...any) result { return result{err: fmt.Errorf(format, args...)} }

// docker calls docker's client. It always speaks to the engine itself, whatever address a script gives to berth.
func docker(args ...string) result {
	cmd := exec.Command("docker", args...)
	cmd.Env = environ(engineHost)
	return execute(cmd)
}

// environ is this process's environment with another engine's address. A program with the race detector would else sleep for a
// second at its end.
func environ(host string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "DOCKER_") })
	env = append(env, "GORACE=atexit_sleep_ms=0")
	if host != "" {
		env = append(env, "DOCKER_HOST="+host)
	}
	return env
}

func execute(cmd *exec.Cmd) result {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return result{stdout.String(), stderr.String(), err}
}
