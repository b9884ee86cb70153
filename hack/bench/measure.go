package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"berth.dev/berth/controller"
	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/engine"
	"berth.dev/berth/spec/load"
)

// bench is what all measurements share.
type bench struct {
	raw    *raw
	socket string
	binary string
	dir    string
	out    io.Writer
	table  *table
}

// floor creates and starts n containers by the raw API, then stops and removes them.
func (b *bench) floor(ctx context.Context, n int) (up, down time.Duration, err error) {
	start := time.Now()
	if err := sideBySide(names(n), func(name string) error { return b.raw.create(ctx, name) }); err != nil {
		return 0, 0, err
	}
	up = time.Since(start)
	start = time.Now()
	err = sideBySide(names(n), func(name string) error { return b.raw.remove(ctx, name) })
	return up, time.Since(start), err
}

// berth has an agent make n containers from a file and remove them again.
func (b *bench) berth(ctx context.Context, a *agent, n int) (up, down time.Duration, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, err := b.raw.events(ctx)
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	if err := a.write("bench.yaml", n); err != nil {
		return 0, 0, err
	}
	started, err := await(ctx, events, "start", n)
	if err != nil {
		return 0, 0, err
	}
	up = started.Sub(start)
	down, err = b.berthDown(ctx, a, events, n)
	return up, down, err
}

// berthDown empties the directory; removing everything waits for a confirmation, which is when the clock starts.
func (b *bench) berthDown(ctx context.Context, a *agent, events <-chan event, n int) (time.Duration, error) {
	if err := os.Remove(filepath.Join(a.manifests, "bench.yaml")); err != nil {
		return 0, err
	}
	if err := until(ctx, func() bool { return strings.Contains(a.logged(), "removal waits") }); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := a.get(ctx, http.MethodPost, "/v1/prune"); err != nil {
		return 0, err
	}
	gone, err := await(ctx, events, "destroy", n)
	if err != nil {
		return 0, err
	}
	if err := os.Truncate(a.log, 0); err != nil {
		return 0, err
	}
	return gone.Sub(start), nil
}

func (a *agent) logged() string {
	b, err := os.ReadFile(a.log)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// compose does the same with `docker compose`; ok is false where it is not installed.
func (b *bench) compose(ctx context.Context, n int) (up, nothing, down time.Duration, ok bool, err error) {
	if exec.CommandContext(ctx, "docker", "compose", "version").Run() != nil {
		return 0, 0, 0, false, nil
	}
	file := filepath.Join(b.dir, "compose.yaml")
	if err := os.WriteFile(file, []byte(compose(n)), 0o600); err != nil {
		return 0, 0, 0, false, err
	}
	run := func(args ...string) time.Duration {
		start := time.Now()
		cmd := exec.CommandContext(ctx, "docker", append([]string{"-H", "unix://" + b.socket, "compose", "-f", file}, args...)...)
		if out, e := cmd.CombinedOutput(); e != nil {
			err = errors.Join(err, fmt.Errorf("docker compose %s: %w: %s", args[0], e, out))
		}
		return time.Since(start)
	}
	return run("up", "-d"), run("up", "-d"), run("down"), true, err
}

// idlePass compares a pass over n objects with nothing to do with one list call, in this process: medians of several.
func (b *bench) idlePass(ctx context.Context, n int) (list, pass time.Duration, err error) {
	client, err := engine.New(engine.Config{Host: "unix://" + b.socket})
	if err != nil {
		return 0, 0, err
	}
	defer client.Close()
	loaded := load.Load([]load.File{{Path: "bench.yaml", Data: []byte(manifests(n))}}, load.Options{})
	if len(loaded.Problems) > 0 {
		return 0, 0, errors.New(loaded.Problems[0].String())
	}
	catalog := controller.NewCatalog(loaded.Objects)
	rec := reconciler.New(client, reconciler.Options{})
	if err := passAll(ctx, rec, catalog); err != nil { // inspects everything, once
		return 0, 0, err
	}
	const rounds = 15
	var lists, passes []time.Duration
	for range rounds {
		start := time.Now()
		if _, err := client.List(ctx); err != nil {
			return 0, 0, err
		}
		lists = append(lists, time.Since(start))
		start = time.Now()
		if err := passAll(ctx, rec, catalog); err != nil {
			return 0, 0, err
		}
		passes = append(passes, time.Since(start))
	}
	return median(lists), median(passes), nil
}

// planCommand measures `berth plan` where there is nothing to do: the median.
func (b *bench) planCommand(ctx context.Context, n int) (time.Duration, error) {
	file := filepath.Join(b.dir, "plan.yaml")
	if err := os.WriteFile(file, []byte(manifests(n)), 0o600); err != nil {
		return 0, err
	}
	var all []time.Duration
	for range 9 {
		start := time.Now()
		if out, err := exec.CommandContext(ctx, b.binary, "plan", file, "-H", "unix://"+b.socket).CombinedOutput(); err != nil {
			return 0, fmt.Errorf("berth plan: %w: %s", err, out)
		}
		all = append(all, time.Since(start))
	}
	return median(all), nil
}

func passAll(ctx context.Context, rec *reconciler.Reconciler, catalog *controller.Catalog) error {
	since := time.Now()
	for _, key := range catalog.Keys() {
		object, _ := catalog.Get(key)
		p, _, err := rec.Plan(ctx, key, object, catalog, since)
		if err != nil {
			return err
		}
		if !p.Empty() || len(p.Blocks) > 0 {
			return fmt.Errorf("%s has something to do:\n%s", key, p)
		}
	}
	return nil
}

// repair compares how long a container is down after a kill by hand with how long Docker's own restart policy takes after the
// program ended by itself: medians.
func (b *bench) repair(ctx context.Context, a *agent) (docker, berth time.Duration, err error) {
	const rounds = 9
	if err := a.write("bench.yaml", 1); err != nil {
		return 0, 0, err
	}
	name := names(1)[0]
	var dockers, berths []time.Duration
	for range rounds {
		d, err := b.downTime(ctx, name, "SIGKILL-by-itself")
		if err != nil {
			return 0, 0, err
		}
		dockers = append(dockers, d)
		if d, err = b.downTime(ctx, name, "kill"); err != nil {
			return 0, 0, err
		}
		berths = append(berths, d)
	}
	return median(dockers), median(berths), nil
}

// downTime ends a container that has run for long enough to be in good standing, and measures until it runs again.
func (b *bench) downTime(ctx context.Context, name, how string) (time.Duration, error) {
	if err := b.standing(ctx, name); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, err := b.raw.events(ctx)
	if err != nil {
		return 0, err
	}
	if how == "kill" {
		err = b.raw.call(ctx, http.MethodPost, "/containers/"+name+"/kill", nil, nil)
	} else {
		err = b.killProgram(ctx, name)
	}
	if err != nil {
		return 0, err
	}
	died, err := await(ctx, events, "die", 1)
	if err != nil {
		return 0, err
	}
	started, err := await(ctx, events, "start", 1)
	return started.Sub(died), err
}

type inspected struct {
	State struct {
		Running   bool
		Pid       int
		StartedAt time.Time
	}
}

// standing waits until a container has run for 10 seconds, after which Docker's backoff starts from its first step.
func (b *bench) standing(ctx context.Context, name string) error {
	return until(ctx, func() bool {
		var c inspected
		err := b.raw.call(ctx, http.MethodGet, "/containers/"+name+"/json", nil, &c)
		return err == nil && c.State.Running && time.Since(c.State.StartedAt) > 10*time.Second
	})
}

// killProgram ends the program behind the engine's back, so that its restart policy acts.
func (b *bench) killProgram(ctx context.Context, name string) error {
	var c inspected
	if err := b.raw.call(ctx, http.MethodGet, "/containers/"+name+"/json", nil, &c); err != nil {
		return err
	}
	p, err := os.FindProcess(c.State.Pid)
	if err != nil {
		return err
	}
	return p.Kill()
}

// firstCall measures from the save of a file to the first call that the agent makes because of it: the median.
func (b *bench) firstCall(ctx context.Context, a *agent) (time.Duration, error) {
	var all []time.Duration
	for i := range 9 {
		if err := b.quiet(ctx, a); err != nil {
			return 0, err
		}
		a.proxy.next()
		start := time.Now()
		if err := a.write("bench.yaml", 1+i%2); err != nil {
			return 0, err
		}
		if err := until(ctx, func() bool { return a.proxy.last.Load() != 0 }); err != nil {
			return 0, err
		}
		all = append(all, time.Unix(0, a.proxy.last.Load()).Sub(start))
	}
	return median(all), nil
}

// quiet waits until the agent has made no call for a second.
func (b *bench) quiet(ctx context.Context, a *agent) error {
	calls, since := a.proxy.calls.Load(), time.Now()
	return until(ctx, func() bool {
		if now := a.proxy.calls.Load(); now != calls {
			calls, since = now, time.Now()
		}
		return time.Since(since) > time.Second
	})
}

// idle watches an agent that has nothing to do.
func (b *bench) idle(ctx context.Context, a *agent, n int, d time.Duration) (calls int64, cpu float64, memory int, err error) {
	if err := a.write("bench.yaml", n); err != nil {
		return 0, 0, 0, err
	}
	if err := until(ctx, func() bool { return b.raw.running(ctx) == n }); err != nil {
		return 0, 0, 0, err
	}
	if err := b.quiet(ctx, a); err != nil {
		return 0, 0, 0, err
	}
	before, err := a.cpu()
	if err != nil {
		return 0, 0, 0, err
	}
	calls = a.proxy.calls.Load()
	select {
	case <-ctx.Done():
		return 0, 0, 0, context.Cause(ctx)
	case <-time.After(d):
	}
	after, err := a.cpu()
	if err != nil {
		return 0, 0, 0, err
	}
	memory, err = a.memory()
	return a.proxy.calls.Load() - calls, 100 * (after - before).Seconds() / d.Seconds(), memory, err
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
