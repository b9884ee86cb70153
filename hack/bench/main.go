// Command bench measures berth against the floor, which is the raw API of the engine doing the same work in the same run, and
// against `docker compose` where that is installed. It prints ratios: the machine's own speed is in both sides.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == serveProbes {
		fmt.Fprintln(os.Stderr, "bench:", serveToProbes())
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	binary := flag.String("berth", "bin/berth", "the binary to measure")
	many := flag.Int("many", 500, "how many containers the larger idle pass runs over; 0 leaves it out")
	rounds := flag.Int("rounds", 3, "how often creation and removal are measured; the medians count")
	only := flag.String("only", "", "measure only this: up, kill, idle or probes")
	flag.Parse()
	if err := run(ctx, *binary, *only, *rounds, *many); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// containers is how many containers most measurements are over.
const containers = 50

func run(ctx context.Context, binary, only string, rounds, many int) (err error) {
	socket, err := engineSocket()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "berth-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{raw: newRaw(socket), socket: socket, binary: binary, dir: dir, out: os.Stdout, table: &table{}}
	if err := b.raw.clean(ctx); err != nil {
		return err
	}
	defer func() {
		if e := b.raw.clean(context.WithoutCancel(ctx)); err == nil {
			err = e
		}
	}()
	if err := b.all(ctx, only, rounds, many); err != nil {
		return err
	}
	b.table.print(os.Stdout)
	return nil
}

// withAgent runs a measurement with an agent of its own.
func (b *bench) withAgent(ctx context.Context, measure func(*agent) error) error {
	dir, err := os.MkdirTemp(b.dir, "agent")
	if err != nil {
		return err
	}
	a, err := startAgent(ctx, b.binary, dir, b.socket)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, a.logged())
	}
	defer a.stop()
	if err := measure(a); err != nil {
		return fmt.Errorf("%w; the agent's log:\n%s", err, tail(a.logged()))
	}
	return nil
}

func tail(log string) string {
	lines := strings.Split(log, "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

// all makes the measurements one after the other.
func (b *bench) all(ctx context.Context, only string, rounds, many int) error {
	steps := []struct {
		name string
		do   func(*agent) error
	}{
		{"up", func(a *agent) error { return b.upAndDown(ctx, a, rounds) }},
		{"kill", func(a *agent) error { return b.others(ctx, a) }},
		{"idle", func(a *agent) error { return b.passes(ctx, a, many) }},
	}
	for _, step := range steps {
		if only != "" && only != step.name {
			continue
		}
		if err := b.withAgent(ctx, step.do); err != nil {
			return err
		}
	}
	if only != "" && only != "probes" {
		return nil
	}
	return b.probes(ctx)
}

// upAndDown pairs the floor and berth in turn, so that a drift of the machine's speed is in both.
func (b *bench) upAndDown(ctx context.Context, a *agent, rounds int) error {
	var floorUp, floorDown, berthUp, berthDown []time.Duration
	for i := range rounds {
		fmt.Fprintf(os.Stderr, "round %d of %d: floor, then berth, %d containers\n", i+1, rounds, containers)
		up, down, err := b.floor(ctx, containers)
		if err != nil {
			return err
		}
		floorUp, floorDown = append(floorUp, up), append(floorDown, down)
		if up, down, err = b.berth(ctx, a, containers); err != nil {
			return err
		}
		berthUp, berthDown = append(berthUp, up), append(berthDown, down)
	}
	b.table.ratio("converge 50 containers", median(floorUp), median(berthUp), 1.10)
	b.table.ratio("remove 50 containers", median(floorDown), median(berthDown), 1.15)
	up, nothing, down, ok, err := b.compose(ctx, containers)
	if ok {
		b.table.peer("docker compose up -d", up, median(berthUp))
		b.table.add("docker compose up -d, nothing to do, whole process", ms(nothing), "", "", "", "")
		b.table.peer("docker compose down", down, median(berthDown))
	}
	return err
}

func (b *bench) others(ctx context.Context, a *agent) error {
	fmt.Fprintln(os.Stderr, "first call after a save")
	first, err := b.firstCall(ctx, a)
	if err != nil {
		return err
	}
	b.table.limit("save of a file to the first API call", first, 60*time.Millisecond)
	fmt.Fprintln(os.Stderr, "down time after a kill, by turns with Docker's restart policy")
	docker, berth, err := b.repair(ctx, a)
	if err != nil {
		return err
	}
	b.table.ratio("killed container runs again (floor: restart policy)", docker, berth, 1)
	return nil
}

func (b *bench) passes(ctx context.Context, a *agent, many int) error {
	fmt.Fprintln(os.Stderr, "idle, with 50 objects")
	const idle = 20 * time.Second
	calls, cpu, memory, err := b.idle(ctx, a, containers, idle)
	if err != nil {
		return err
	}
	b.table.value("API calls at idle, in 20 s (a resync is every 5 min)", fmt.Sprint(calls), "0", calls == 0)
	b.table.value("CPU at idle", fmt.Sprintf("%.2f%%", cpu), "< 0.10%", cpu < 0.1)
	b.table.value("memory with 50 objects", fmt.Sprintf("%.1f MiB", float64(memory)/(1<<20)), "< 40 MiB", memory < 40<<20)
	whole, err := b.planCommand(ctx, containers)
	if err != nil {
		return err
	}
	b.table.add("`berth plan`, nothing to do over 50, whole process", "", ms(whole), "", "", "")
	for _, n := range []int{containers, many} {
		if n == 0 {
			continue
		}
		fmt.Fprintf(os.Stderr, "pass with nothing to do over %d\n", n)
		if _, _, _, err := b.idle(ctx, a, n, 0); err != nil {
			return err
		}
		list, pass, err := b.idlePass(ctx, n)
		if err != nil {
			return err
		}
		b.table.pass(fmt.Sprintf("nothing to do over %d (floor: one list)", n), list, pass)
	}
	return nil
}

// engineSocket is the unix socket of the engine; only there can the floor be measured without TLS or SSH in between.
func engineSocket() (string, error) {
	host := os.Getenv("DOCKER_HOST")
	if host == "" {
		return "/var/run/docker.sock", nil
	}
	path, ok := strings.CutPrefix(host, "unix://")
	if !ok {
		return "", fmt.Errorf("DOCKER_HOST is %s: the bench needs a unix socket", host)
	}
	return path, nil
}
