// Package enginetest is a container engine in memory, with Docker's semantics and faults on demand, and the contract that it and
// the real engine both keep. What it does is what Docker 20.10 was seen to do, as far as the reconciler can tell; no method does
// anything that the contract does not ask the real one for, but for faults and the hands of tests.
//
// An Engine tells time by package time, so that testing/synctest drives it, and starts no goroutine but timers, which Close ends.
package enginetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/apply"
	"berth.dev/berth/reconciler/plan"
)

var (
	_ apply.Engine        = (*Engine)(nil)
	_ reconciler.Observer = (*Engine)(nil)
)

// Engine is a container engine in memory. It is safe for concurrent use; the zero value is not ready, see New.
type Engine struct {
	mu         sync.Mutex
	info       plan.Engine
	made       int // things that were given an ID
	containers map[string]*container
	images     imageStore
	networks   map[string]*network // by ID
	volumes    map[string]*plan.Volume
	hub        hub
	calls      calls
	watch      watchdog
	reply      func(container string, command []string) Reply // of commands in containers

	closed bool
	timers map[*time.Timer]bool
	ending sync.WaitGroup // timers that may still run
}

// New makes an engine that has no image, no container, and the three networks that every engine has.
func New() *Engine {
	e := &Engine{
		info:       defaultInfo,
		containers: map[string]*container{},
		images:     newImageStore(),
		networks:   map[string]*network{},
		volumes:    map[string]*plan.Volume{},
		hub:        hub{subscribers: map[*subscriber]bool{}},
		calls:      newCalls(),
		timers:     map[*time.Timer]bool{},
	}
	e.addPredefinedNetworks()
	return e
}

// defaultInfo is a host with two CPUs and Docker 20.10, the oldest that is supported.
var defaultInfo = plan.Engine{
	ID: "FAKE:ENGINE", Name: "fake", Version: "20.10.24", APIVersion: "1.41",
	CgroupVersion: "1", CgroupDriver: "cgroupfs", Architecture: "x86_64", NCPU: 2, MemTotal: 8 << 30,
	DefaultRuntime: "runc", Runtimes: []string{"runc"},
	LoggingDriver: "json-file", LogDrivers: []string{"journald", "json-file", "local", "syslog"},
	NetworkDrivers: []string{"bridge", "host", "ipvlan", "macvlan", "null", "overlay"}, VolumeDrivers: []string{"local"},
	SecurityOptions: []string{"name=seccomp,profile=default"}, StorageDriver: "overlay2", DataRoot: "/var/lib/docker",
	MemoryLimit: true, SwapLimit: true, CPUCfs: true, CPUShares: true, CPUSet: true, PidsLimit: true, OOMKillDisable: true,
}

// Close ends every program, stream and timer, and waits for the timers. The engine answers no more.
func (e *Engine) Close() {
	e.mu.Lock()
	e.closed = true
	for t := range e.timers {
		if t.Stop() {
			e.ending.Done()
		}
	}
	clear(e.timers)
	e.hub.cut()
	e.mu.Unlock()
	e.ending.Wait()
}

// SetInfo makes the engine another one: older, newer, with other drivers. What its API is too old for is refused.
func (e *Engine) SetInfo(change func(*plan.Engine)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&e.info)
}

// Info implements reconciler.Observer.
func (e *Engine) Info(ctx context.Context) (plan.Engine, error) {
	return do(ctx, e, Call{Method: "Info"}, func() (plan.Engine, error) { return e.info, nil })
}

// newID is as long as Docker's, and the same in every run.
func (e *Engine) newID(kind string) string {
	e.made++
	return digest(fmt.Sprint(kind, e.made))
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// later runs f, with the engine locked, when d has passed; the function that it returns calls that off.
func (e *Engine) later(d time.Duration, f func()) (cancel func()) {
	e.ending.Add(1)
	var t *time.Timer
	off := false
	t = time.AfterFunc(d, func() {
		defer e.ending.Done()
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.timers, t)
		if !off && !e.closed {
			f()
		}
	})
	e.timers[t] = true
	return func() {
		off = true
		if e.timers[t] && t.Stop() {
			delete(e.timers, t)
			e.ending.Done()
		}
	}
}
