package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"berth.dev/berth/reconciler/probe"
	"berth.dev/berth/spec"
)

// serveProbes is the argument by which the bench runs itself as what is probed, so that its own time is that of probing alone.
const serveProbes = "serve-probes"

// serveToProbes answers requests until it is killed, and prints where.
func serveToProbes() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }))
}

// probes measures what a thousand probes a second cost, of HTTP and of TCP. The floor is the kernel's share: the same exchanges by
// plain system calls, one after the other, with nothing around them.
func (b *bench) probes(ctx context.Context) error {
	at, end, err := startProbed(ctx)
	if err != nil {
		return err
	}
	defer end()
	for _, kind := range []string{"HTTP", "TCP"} {
		fmt.Fprintf(os.Stderr, "1,000 %s probes a second\n", kind)
		floor, err := floorCPU(ctx, at, kind, 10*time.Second)
		if err != nil {
			return err
		}
		cpu, err := probeCPU(ctx, at, kind, 10*time.Second)
		if err != nil {
			return err
		}
		const most = 5.0
		b.table.add(fmt.Sprintf("CPU of 1,000 %s probes a second, of one core (floor: system calls)", kind),
			fmt.Sprintf("%.1f%%", floor), fmt.Sprintf("%.1f%%", cpu), fmt.Sprintf("%.2f", cpu/floor), fmt.Sprintf("< %.0f%%", most), verdict(cpu < most))
	}
	return nil
}

// floorCPU is the share of one core, in percent, that the system calls of a thousand probes a second take, ten at a time as the
// prober's wheel has them.
func floorCPU(ctx context.Context, at, kind string, d time.Duration) (percent float64, err error) {
	addr, err := netip.ParseAddrPort(at)
	if err != nil {
		return 0, err
	}
	var request string
	if kind == "HTTP" {
		request = "GET /healthz HTTP/1.1\r\nHost: " + at + "\r\nConnection: close\r\n\r\n"
	}
	ticks := time.NewTicker(10 * time.Millisecond)
	defer ticks.Stop()
	for start, before := time.Now(), used(); ; {
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-ticks.C:
		}
		for range 10 {
			if err := exchange(addr, request); err != nil {
				return 0, err
			}
		}
		if took := time.Since(start); took >= d {
			return 100 * (used() - before).Seconds() / took.Seconds(), nil
		}
	}
}

// exchange opens a connection, sends a request where there is one, and reads once.
func exchange(at netip.AddrPort, request string) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	if err := syscall.SetsockoptLinger(fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1}); err != nil {
		return err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())}); err != nil || request == "" {
		return err
	}
	if _, err := syscall.Write(fd, []byte(request)); err != nil {
		return err
	}
	_, err = syscall.Read(fd, make([]byte, 4<<10))
	return err
}

// startProbed runs what is probed in a process of its own.
func startProbed(ctx context.Context) (address string, end func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, self, serveProbes)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	end = func() { _, _ = cmd.Process.Kill(), cmd.Wait() } // it was told to end
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		end()
		return "", nil, err
	}
	return strings.TrimSpace(line), end, nil
}

// probeCPU is the share of one core, in percent, that this process takes to probe a thousand containers once a second each.
func probeCPU(ctx context.Context, at, kind string, d time.Duration) (percent float64, err error) {
	p := probe.New(probe.Options{})
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	defer func() { cancel(); err = errors.Join(err, <-ended) }()
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		return 0, err
	}
	const targets = 1000
	for i := range targets {
		p.Set(spec.Key{Name: fmt.Sprint(i)}, []probe.Target{{ID: fmt.Sprint(i), Address: host, Readiness: readiness(kind, port)}})
	}
	ready := func() (n int) {
		for i := range targets {
			for _, said := range p.Of(spec.Key{Name: fmt.Sprint(i)}) {
				if said.Ready {
					n++
				}
			}
		}
		return n
	}
	if err := until(ctx, func() bool { return ready() == targets }); err != nil {
		return 0, err
	}
	start, before := time.Now(), used()
	select {
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	case <-time.After(d):
	}
	percent = 100 * (used() - before).Seconds() / time.Since(start).Seconds()
	if n := ready(); n != targets {
		return 0, fmt.Errorf("%d of %d are ready after the measurement", n, targets)
	}
	return percent, nil
}

func readiness(kind, port string) *spec.Probe {
	var at spec.PortRef
	_, _ = fmt.Sscan(port, &at.Number) // of an address that the kernel gave
	if kind == "TCP" {
		return &spec.Probe{PeriodSeconds: 1, TCPSocket: &spec.TCPSocketAction{Port: at}}
	}
	return &spec.Probe{PeriodSeconds: 1, HTTPGet: &spec.HTTPGetAction{Path: "/healthz", Port: at}}
}

// used is the processor time of this process so far, the kernel's on its behalf too.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it cannot fail with these arguments; see getrusage(2)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
