package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// proxy passes calls on to the engine and notes when they come, which is how they are counted from outside.
type proxy struct {
	listener net.Listener
	engine   string
	calls    atomic.Int64
	last     atomic.Int64 // nanoseconds, of the newest bytes of a request
	wg       sync.WaitGroup
}

func newProxy(dir, engine string) (*proxy, error) {
	l, err := net.Listen("unix", filepath.Join(dir, "proxy.sock"))
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, engine: engine}
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.pass(c) })
		}
	})
	return p, nil
}

func (p *proxy) pass(c net.Conn) {
	defer c.Close()
	e, err := net.Dial("unix", p.engine)
	if err != nil {
		return
	}
	defer e.Close()
	go func() {
		_, _ = io.Copy(c, e) // ends with either side
		_ = c.Close()
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := c.Read(buf)
		if n > 0 {
			p.calls.Add(1)
			p.last.CompareAndSwap(0, time.Now().UnixNano())
			if _, err := e.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *proxy) close() {
	_ = p.listener.Close()
}

// next forgets the newest call, so that the one after it is noted.
func (p *proxy) next() { p.last.Store(0) }

// agent is a running `berth agent`.
type agent struct {
	cmd       *exec.Cmd
	proxy     *proxy
	manifests string
	socket    string
	log       string
}

// startAgent runs the binary on an empty directory, and waits until it follows the engine.
func startAgent(ctx context.Context, binary, dir, engine string) (*agent, error) {
	p, err := newProxy(dir, engine)
	if err != nil {
		return nil, err
	}
	a := &agent{proxy: p, manifests: filepath.Join(dir, "manifests"), socket: filepath.Join(dir, "berth.sock"), log: filepath.Join(dir, "log")}
	if err := os.MkdirAll(a.manifests, 0o700); err != nil {
		return nil, err
	}
	log, err := os.Create(a.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	a.cmd = exec.CommandContext(ctx, binary, "agent", "--manifests", a.manifests, "--state", filepath.Join(dir, "state"), "--socket", a.socket,
		"--listen", "none", "-H", "unix://"+p.listener.Addr().String())
	a.cmd.Stderr = log
	a.cmd.Cancel = func() error { return a.cmd.Process.Signal(os.Interrupt) }
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	return a, until(ctx, func() bool { return a.get(ctx, http.MethodGet, "/v1/objects") == nil })
}

func (a *agent) stop() {
	_ = a.cmd.Process.Signal(os.Interrupt)
	_ = a.cmd.Wait() // it was told to end
	a.proxy.close()
}

func (a *agent) get(ctx context.Context, method, path string) error {
	r := newRaw(a.socket)
	defer r.http.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, method, "http://agent"+path, nil)
	if err != nil {
		return err
	}
	res, err := r.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, res.Status)
	}
	return nil
}

// write saves manifests, as one file.
func (a *agent) write(name string, objects int) error {
	return os.WriteFile(filepath.Join(a.manifests, name), []byte(manifests(objects)), 0o600)
}

// cpu is the processor time that the agent has used.
func (a *agent) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", a.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	user, err1 := strconv.Atoi(f[11]) // utime and stime are fields 14 and 15 of proc_pid_stat(5)
	system, err2 := strconv.Atoi(f[12])
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("cannot read %q", b)
	}
	return time.Duration(user+system) * time.Second / 100, nil // USER_HZ
}

// memory is the agent's resident memory in bytes.
func (a *agent) memory() (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	return kib << 10, err
}

// until polls a condition that nothing tells of.
func until(ctx context.Context, cond func() bool) error {
	for !cond() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}
