package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"berth.dev/berth/controller"
)

// containersAre compares the containers of the script's namespace, its prefix and a dot in front, with a list.
func containersAre(s *script, want []string) result {
	r := docker("ps", "--all", "--format", "{{.Names}}")
	if r.err != nil {
		return r
	}
	ns := s.namespace() + "."
	got := slices.DeleteFunc(strings.Fields(r.stdout), func(n string) bool { return !strings.HasPrefix(n, ns) })
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		return fail("containers are %q, want %q", got, want)
	}
	return result{}
}

// identity is which container it is, and which of its runs.
type identity struct {
	id, started string
	running     bool
}

func identify(name string) (identity, error) {
	r := docker("container", "inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.State.Status}}", name)
	if r.err != nil {
		return identity{}, r.err
	}
	f := strings.Fields(r.stdout)
	return identity{f[0], f[1], f[2] == "running"}, nil
}

func running(_ *script, names []string) result {
	return eachContainer(names, func(string, identity) error { return nil })
}

// eachContainer checks containers that have to run.
func eachContainer(names []string, check func(name string, now identity) error) result {
	for _, name := range names {
		now, err := identify(name)
		if err == nil && !now.running {
			err = fmt.Errorf("container %s does not run", name)
		}
		if err == nil {
			err = check(name, now)
		}
		if err != nil {
			return result{err: err}
		}
	}
	return result{}
}

func note(s *script, names []string) result {
	return eachContainer(names, func(name string, now identity) error {
		s.notes[name] = now
		return nil
	})
}

// comparison makes a command that compares containers with what was noted of them.
func comparison(what string, holds func(before, now identity) bool) command {
	return func(s *script, names []string) result {
		return eachContainer(names, func(name string, now identity) error {
			before, ok := s.notes[name]
			if !ok {
				return fmt.Errorf("container %s was not noted", name)
			}
			if !holds(before, now) {
				return fmt.Errorf("container %s was not %s: noted %v, now %v", name, what, before, now)
			}
			return nil
		})
	}
}

var (
	same      = comparison("left alone", func(before, now identity) bool { return before == now })
	restarted = comparison("restarted", func(before, now identity) bool { return before.id == now.id && before.started != now.started })
	replaced  = comparison("replaced", func(before, now identity) bool { return before.id != now.id })
)

func fieldIs(_ *script, args []string) result {
	if len(args) != 3 {
		return fail("usage: field NAME TEMPLATE VALUE")
	}
	r := docker("container", "inspect", "--format", args[1], args[0])
	if got := strings.TrimSpace(r.stdout); r.err == nil && got != args[2] {
		return fail("%s of %s is %q, want %q", args[1], args[0], got, args[2])
	}
	return r
}

func conditionIs(s *script, args []string) result {
	if len(args) < 3 {
		return fail("usage: condition KIND/NAME TYPE true|false [REASON [MESSAGE-REGEXP]]")
	}
	objects, err := s.ask(args[0])
	if err != nil || len(objects) != 1 {
		return fail("want one object %s, got %v (%v)", args[0], objects, err)
	}
	c := objects[0].Status.Condition(args[1])
	want := append(args[2:], "", "")
	message, err := regexp.MatchString(want[2], c.Message)
	if err != nil {
		return result{err: err}
	}
	if strconv.FormatBool(c.Status) != want[0] || want[1] != "" && c.Reason != want[1] || !message {
		return fail("condition is %+v of %+v, want %q", c, objects[0].Status.Conditions, args[1:])
	}
	return result{}
}

// ask gives what the agent says of the script's objects of a selection, KIND/NAME.
func (s *script) ask(selection string) (objects []controller.ObjectStatus, err error) {
	r := berth(s, []string{"get", "--namespace", s.namespace(), "--output", "json", selection})
	if r.err != nil {
		return nil, r.err
	}
	return objects, json.Unmarshal([]byte(r.stdout), &objects)
}

// controls are the files of a container's limits, for version 1 and version 2 of cgroups, and how their text reads.
var controls = map[string]struct {
	controller string // of version 1
	v1, v2     []string
}{
	"memory": {"memory", []string{"memory.limit_in_bytes"}, []string{"memory.max"}},
	"pids":   {"pids", []string{"pids.max"}, []string{"pids.max"}},
	"cpu":    {"cpu", []string{"cpu.cfs_quota_us", "cpu.cfs_period_us"}, []string{"cpu.max"}},
}

// cgroupIs reads the container's own files of the kernel's: what the engine says of limits is not always so.
func cgroupIs(_ *script, args []string) result {
	if len(args) != 3 {
		return fail("usage: cgroup NAME memory|pids|cpu VALUE")
	}
	r := docker("container", "inspect", "--format", "{{.State.Pid}}", args[0])
	if r.err != nil {
		return r
	}
	got, err := readControl(strings.TrimSpace(r.stdout), args[1])
	if err == nil && got != args[2] {
		err = fmt.Errorf("%s of %s is %q in its cgroup, want %q", args[1], args[0], got, args[2])
	}
	return result{err: err}
}

func readControl(pid, name string) (string, error) {
	c, ok := controls[name]
	if !ok {
		return "", fmt.Errorf("no control %q", name)
	}
	groups, err := os.ReadFile(filepath.Join("/proc", pid, "cgroup"))
	if err != nil {
		return "", err
	}
	dir, files := "", c.v2
	for line := range strings.Lines(string(groups)) { // HIERARCHY:CONTROLLERS:PATH, see cgroups(7)
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if slices.Contains(strings.Split(f[1], ","), c.controller) {
			dir, files = filepath.Join("/sys/fs/cgroup", c.controller, f[2]), c.v1
		} else if f[0] == "0" && dir == "" {
			dir = filepath.Join("/sys/fs/cgroup", f[2])
		}
	}
	var values []string
	for _, file := range files {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return "", err
		}
		values = append(values, strings.TrimSpace(string(b)))
	}
	return strings.Join(values, " "), nil
}

var web = http.Client{Timeout: 5 * time.Second}

func httpSays(_ *script, args []string) result {
	if len(args) != 2 {
		return fail("usage: http URL REGEXP")
	}
	res, err := web.Get(args[0])
	if err != nil {
		return result{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return result{err: err}
	}
	if ok, err := regexp.Match("(?m)"+args[1], body); err != nil || !ok || res.StatusCode != http.StatusOK {
		return fail("%s: %s (%v), want 200 and %q: %s", args[0], res.Status, err, args[1], body)
	}
	return result{stdout: string(body)}
}
