package controller

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/enginetest"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

var (
	webKey = key(spec.KindContainer, "web")
	netKey = key(spec.KindNetwork, "net")
)

func TestConverges(t *testing.T) {
	inTime(t, func(a *agent) {
		a.replace(container("web", `replicas: 2, networks: [{name: net}], volumes: [{mountPath: /data, volume: {name: data}}]`),
			object(spec.KindNetwork, "net", ""), object(spec.KindVolume, "data", ""))
		a.settle(soon)
		a.expectRunning("shop.web.0 shop.web.1")
		for _, k := range []spec.Key{webKey, netKey, key(spec.KindVolume, "data")} {
			a.expect(k, "UpToDate")
		}
		if len(a.changed)+len(a.since)+len(a.inFlight) > 0 {
			t.Errorf("left over: %v %v %v", a.changed, a.since, a.inFlight)
		}
	})
}

// Own doings and their events make no pass: what 50 objects cost in lists does not depend on their number.
func TestConvergingCostsFewLists(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		more       []string
	}{
		{"alone", "", nil},
		{"on one network", "networks: [{name: net}]", []string{object(spec.KindNetwork, "net", "")}},
		{"with one volume", "volumes: [{mountPath: /data, volume: {name: data}}]", []string{object(spec.KindVolume, "data", "")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(a *agent) {
				const most = 8
				calls := a.calls(func() { a.replace(append(containers(50, tt.body), tt.more...)...); a.settle(soon) })
				if calls["Create"] != 50 || calls["Start"] != 50 || calls["List"] > most || calls["Networks"] > most || calls["Volumes"] > most || calls["Inspect"] > 60 {
					t.Errorf("to converge: %v", calls)
				}
				calls = a.calls(func() { a.replace(append(containers(40, tt.body), tt.more...)...); a.settle(soon) })
				if calls["Remove"] != 10 || calls["List"] > most || calls["Inspect"] > 20 {
					t.Errorf("to remove: %v", calls)
				}
			})
		})
	}
}

func TestDriftIsRepairedByEvents(t *testing.T) {
	manifests := []string{container("web", "networks: [{name: net}], resources: {limits: {memory: 64Mi}}"), object(spec.KindNetwork, "net", "")}
	for _, tt := range driftByHand {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(a *agent) {
				a.replace(manifests...)
				a.settle(time.Minute)
				calls := a.calls(func() { tt.hand(a.engine); a.settle(soon) })
				a.expectRunning("shop.web.0")
				a.expect(webKey, "UpToDate")
				if changes(calls) == 0 {
					t.Errorf("nothing was done: %v", calls)
				}
				a.metric(`
# HELP berth_drift_repaired_total Actions that mended what was changed behind the agent's back.
# TYPE berth_drift_repaired_total counter
berth_drift_repaired_total{action="`+tt.action+`"} 1
`, "berth_drift_repaired_total")
			})
		})
	}
}

var driftByHand = []struct {
	name, action string
	hand         func(*enginetest.Engine)
}{
	{"stopped", "start", func(e *enginetest.Engine) { e.StopByHand("shop.web.0") }},
	{"killed", "start", func(e *enginetest.Engine) { e.Kill("shop.web.0") }},
	{"paused", "start", func(e *enginetest.Engine) { e.PauseByHand("shop.web.0") }},
	{"removed", "create", func(e *enginetest.Engine) { e.RemoveByHand("shop.web.0") }},
	{"renamed", "update", func(e *enginetest.Engine) { e.RenameByHand("shop.web.0", "mine") }},
	{"limited", "update", func(e *enginetest.Engine) {
		e.UpdateByHand("shop.web.0", plan.Update{Memory: new(int64(32 << 20)), MemorySwap: new(int64(64 << 20))})
	}},
	{"disconnected", "update", func(e *enginetest.Engine) { e.DisconnectByHand("shop.net", "shop.web.0") }},
}

func TestDriftIsRepairedByResyncWhereEventsAreLost(t *testing.T) {
	for _, tt := range driftByHand {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(a *agent) {
				a.replace(container("web", "networks: [{name: net}], resources: {limits: {memory: 64Mi}}"), object(spec.KindNetwork, "net", ""))
				a.settle(time.Minute)
				a.engine.DropEvents(func(plan.Event) bool { return true })
				tt.hand(a.engine)
				if n := changes(a.calls(func() { a.settle(soon) })); n != 0 {
					t.Errorf("%d changes without an event", n)
				}
				a.settle(resync)
				a.expectRunning("shop.web.0")
				a.expect(webKey, "UpToDate")
			})
		})
	}
}

func TestQuietWhereNothingDiffers(t *testing.T) {
	inTime(t, func(a *agent) {
		a.replace(append(containers(20, "networks: [{name: net}]"), object(spec.KindNetwork, "net", ""))...)
		a.settle(time.Minute)
		_, changed := a.Objects()
		calls := a.calls(func() { a.settle(time.Hour) })
		const resyncs = int(time.Hour / resync)
		if changes(calls) != 0 || calls["List"] > 2*resyncs || calls["Inspect"] > (20+1)*resyncs || calls["Info"] > 2*resyncs {
			t.Errorf("an hour with nothing to do cost %v", calls)
		}
		select {
		case <-changed:
			t.Error("a status changed, and nothing had happened")
		default:
		}
	})
}

func TestOutages(t *testing.T) {
	for _, tt := range []struct {
		name string
		away func(*agent)
		said int
	}{
		{"down and up", func(a *agent) {
			a.engine.Down()
			a.settle(time.Minute)
			a.engine.StopByHand("shop.web.0")
			a.engine.Up()
		}, 1},
		{"restart", func(a *agent) { a.engine.Restart(20 * time.Second) }, 1},
		{"stream cut", func(a *agent) {
			a.engine.DropEvents(func(plan.Event) bool { return true })
			a.engine.StopByHand("shop.web.0")
			a.engine.DropEvents(nil)
			a.engine.CutEvents()
		}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(a *agent) {
				a.replace(container("web", ""))
				a.settle(time.Minute)
				tt.away(a)
				a.settle(15 * time.Second)
				a.expectRunning("shop.web.0")
				a.expect(webKey, "UpToDate")
				if n := a.logged("engine is away"); n != tt.said {
					t.Errorf("said %d times, want %d: %q", n, tt.said, a.log)
				}
				if online, why := a.Online(); !online || why != "" {
					t.Errorf("Online: %v %q", online, why)
				}
			})
		})
	}
}

func TestReconnectsWithBackoff(t *testing.T) {
	inTime(t, func(a *agent) {
		a.engine.Down()
		calls := a.calls(func() { a.settle(10 * time.Minute) })
		if n := calls["Info"]; n < 60 || n > 130 {
			t.Errorf("%d tries in ten minutes", n)
		}
		if online, why := a.Online(); online || !strings.Contains(why, "down") {
			t.Errorf("Online: %v %q", online, why)
		}
		if n := a.logged("engine is away"); n != 1 {
			t.Errorf("said %d times", n)
		}
	})
}

// An engine that hangs breaks no stream, so that only calls without an answer tell.
func TestHang(t *testing.T) {
	inTime(t, func(a *agent) {
		a.replace(container("web", ""))
		a.settle(time.Minute)
		a.engine.StopByHand("shop.web.0")
		a.engine.Fail("*", "*", fault.New(fault.DockerConnection, fault.Retry, "no answer within 30s"), 40)
		a.settle(soon)
		if online, why := a.Online(); online || !strings.Contains(why, "no answer") {
			t.Errorf("while it hangs: %v %q", online, why)
		}
		a.settle(10 * time.Minute)
		a.expectRunning("shop.web.0")
		if n := a.logged("engine is away"); n != 1 {
			t.Errorf("said %d times: %q", n, a.log)
		}
		if n := a.logged("cannot observe"); n != 0 {
			t.Errorf("%d objects complained, too", n)
		}
	})
}

// One container that the engine cannot inspect is no outage.
func TestOneCallWithoutAnAnswerHarmsOnlyItsObject(t *testing.T) {
	inTime(t, func(a *agent) {
		a.engine.Fail("Inspect", "shop.web00.0", fault.New(fault.DockerConnection, fault.Retry, "no answer within 30s"), -1)
		a.replace(containers(3, "")...)
		a.settle(time.Minute)
		a.expectRunning("shop.web00.0 shop.web01.0 shop.web02.0")
		a.expect(key(spec.KindContainer, "web00"), "!DockerConnectionError")
		a.expect(key(spec.KindContainer, "web01"), "UpToDate")
		if online, _ := a.Online(); !online || a.logged("engine is away") > 0 {
			t.Error("the engine counts as away")
		}
		if n := a.calls(func() { a.settle(time.Hour) })["Events"]; n != 0 {
			t.Errorf("%d new subscriptions", n)
		}
	})
}

func TestRetries(t *testing.T) {
	for _, tt := range []struct {
		name        string
		err         error
		least, most int // creations in an hour
	}{
		{"backs off", fault.New(fault.RuntimeContainer, fault.Retry, "no"), 15, 35},
		{"not at once where it is terminal", fault.New(fault.RuntimeContainer, fault.Terminal, "never"), 10, 26},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(a *agent) {
				a.engine.Fail("Create", "*", tt.err, -1)
				calls := a.calls(func() { a.replace(container("web", "")); a.settle(time.Hour) })
				if n := calls["Create"]; n < tt.least || n > tt.most {
					t.Errorf("%d tries in an hour", n)
				}
				calls = a.calls(func() { a.replace(container("web", "user: root")); a.settle(soon) })
				if n := calls["Create"]; n == 0 {
					t.Error("another manifest is not tried at once")
				}
			})
		})
	}
}

// A replacement that cannot start stops the old container each time that it is tried.
func TestFailingReplacementIsNotTriedHotly(t *testing.T) {
	inTime(t, func(a *agent) {
		a.replace(container("web", ""))
		a.settle(time.Minute)
		a.engine.Fail("Start", "shop.web.0", fault.New(fault.ResourceAllocation, fault.Conflict, "port is allocated"), -1)
		anew := container("web", "user: root, strategy: {rollingUpdate: {maxSurge: 0}}")
		calls := a.calls(func() { a.replace(anew); a.settle(100 * time.Millisecond) })
		if n := calls["Stop"]; n != 1 {
			t.Errorf("stopped %d times within a moment, want 1: its own events woke it up", n)
		}
		a.settle(time.Hour)
		if n := a.engine.Calls()["Stop"]; n > 4 {
			t.Errorf("stopped %d times within an hour", n)
		}
		a.expectRunning("shop.web.0")
		a.expect(webKey, "!RolledBack")
	})
}

func TestCrashLoopIsBounded(t *testing.T) {
	inTime(t, func(a *agent) {
		a.engine.Behave("bad:1", enginetest.Behaviour{ExitAfter: 10 * time.Millisecond, ExitCode: 1})
		a.replace(object(spec.KindContainer, "web", `image: "bad:1"`), container("ok", ""))
		a.settle(10 * time.Minute)
		calls := a.calls(func() { a.settle(time.Hour) })
		if n := changes(calls); n > 30 {
			t.Errorf("%d changes in an hour of a crash loop: %v", n, calls)
		}
		if n := calls["List"]; n > 400 {
			t.Errorf("%d lists in an hour of a crash loop", n)
		}
		s, _ := a.store.get(webKey)
		if c := s.Status.Condition(reconciler.Ready); c.Reason != string(plan.ReasonCrashLoopBackOff) {
			t.Errorf("Ready: %+v", c)
		}
		a.engine.Behave("bad:1", enginetest.Behaviour{})
		a.settle(2*time.Minute + plan.RecoveryTime)
		if s, _ = a.store.get(webKey); !s.Status.Condition(reconciler.Ready).Status {
			t.Errorf("recovered, and not ready: %+v", s.Status.Condition(reconciler.Ready))
		}
	})
}

func TestDependents(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(*agent)
	}{
		{"a network comes", func(a *agent) {
			a.replace(container("web", "networks: [{name: net}]"))
			a.settle(soon)
			a.expect(webKey, "!NetworkNotFound")
			a.replace(container("web", "networks: [{name: net}]"), object(spec.KindNetwork, "net", ""))
		}},
		{"an external network comes", func(a *agent) {
			a.replace(container("web", "networks: [{name: net}]"), object(spec.KindNetwork, "net", "networkName: outside, external: true"))
			a.settle(soon)
			if _, err := a.engine.CreateNetwork(context.Background(), plan.NetworkCreate{Name: "outside"}); err != nil {
				a.Fatal(err)
			}
		}},
		{"what has the name goes", func(a *agent) {
			a.engine.RunForeign("shop.web.0", nil)
			a.replace(container("web", ""))
			a.settle(soon)
			a.expect(webKey, "!NameTaken")
			a.engine.RemoveByHand("shop.web.0")
		}},
		{"what has the name is renamed", func(a *agent) {
			a.engine.RunForeign("shop.web.0", nil)
			a.replace(container("web", ""))
			a.settle(soon)
			a.engine.RenameByHand("shop.web.0", "other")
			a.engine.RemoveByHand("other")
		}},
		{"an image comes", func(a *agent) {
			a.engine.RemoveImage("web:1")
			a.replace(container("web", "imagePullPolicy: Never"))
			a.settle(soon)
			a.expect(webKey, "!ImageNotPresent")
			a.engine.AddRemote("web:1", plan.Image{})
			if err := a.engine.Pull(context.Background(), "web:1", "", nil); err != nil {
				a.Fatal(err)
			}
		}},
		{"the peer is made anew", func(a *agent) {
			a.replace(container("db", ""), container("web", `networkMode: "container:db"`))
			a.settle(soon)
			a.replace(container("db", "user: root"), container("web", `networkMode: "container:db"`))
			a.settle(time.Minute)
			a.expectRunning("shop.web.0 shop.db.0")
			a.replace(container("web", ""))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(a *agent) {
				tt.do(a)
				a.settle(time.Minute)
				if !strings.Contains(a.running(), "shop.web.0") {
					t.Error("shop.web.0 does not run")
				}
				a.expect(webKey, "UpToDate")
			})
		})
	}
}

func TestNetworkGoesAfterItsContainers(t *testing.T) {
	inTime(t, func(a *agent) {
		more := containers(5, "")
		a.engine.Behave("web:2", enginetest.Behaviour{StopTakes: 5 * time.Second})
		a.replace(append(more, object(spec.KindContainer, "web", `image: "web:2", networks: [{name: net}]`), object(spec.KindNetwork, "net", ""))...)
		a.settle(soon)
		a.replace(more...)
		a.settle(soon)
		a.expect(netKey, "!NetworkInUse")
		a.settle(5 * time.Second)
		a.expect(netKey, "")
		a.expect(webKey, "")
		if n := len(a.list()); n != 5 {
			t.Errorf("%d containers are left", n)
		}
	})
}

// TestWhatIsDependedOnGoesSoonAfter: nothing but the end of what depends on it tells that its turn has come.
func TestWhatIsDependedOnGoesSoonAfter(t *testing.T) {
	inTime(t, func(a *agent) {
		a.replace(append(containers(4, ""), container("db", ""), container("app", "dependsOn: [{name: db}]"))...)
		a.settle(time.Minute)
		a.expectRunning("shop.web00.0 shop.web01.0 shop.web02.0 shop.web03.0 shop.db.0 shop.app.0")
		a.replace(containers(4, "")...)
		a.settle(soon)
		a.expectRunning("shop.web00.0 shop.web01.0 shop.web02.0 shop.web03.0")
	})
}

func TestPullFailureLeavesWhatRuns(t *testing.T) {
	inTime(t, func(a *agent) {
		a.replace(container("web", ""))
		a.settle(soon)
		a.replace(object(spec.KindContainer, "web", `image: "missing:1"`))
		a.settle(soon)
		a.expectRunning("shop.web.0")
		a.expect(webKey, "!ImageError")
	})
}

func TestStandby(t *testing.T) {
	var free atomic.Bool
	hold := func(o *Options) {
		o.Hold = func(context.Context, string) error {
			if !free.Load() {
				return &HeldError{Engine: "e", Holder: Holder{PID: 7, Command: "berth agent"}}
			}
			return nil
		}
	}
	inTime(t, func(a *agent) {
		a.replace(container("web", ""))
		calls := a.calls(func() { a.settle(time.Minute) })
		if changes(calls) > 0 || calls["List"] > 0 {
			t.Errorf("a second agent did %v", calls)
		}
		if online, why := a.Online(); online || !strings.Contains(why, "pid 7") {
			t.Errorf("Online: %v %q", online, why)
		}
		if n := a.logged("holds the engine"); n != 1 {
			t.Errorf("said %d times", n)
		}
		free.Store(true)
		a.settle(15 * time.Second)
		a.expectRunning("shop.web.0")
	}, hold)
}

// What can be seen of the objects must not change under those who look.
func TestStoreHandsOutWhatStays(t *testing.T) {
	s := newStore()
	set := func(reason string) {
		s.update(webKey, func(o *ObjectStatus) {
			o.Status.Set(reconciler.Condition{Type: reconciler.Synced, Reason: reason}, time.Time{})
		})
	}
	set("A")
	seen, changed := s.all()
	set("A")
	select {
	case <-changed:
		t.Error("told of a change, and nothing changed")
	default:
	}
	set("B")
	if <-changed; seen[0].Status.Condition(reconciler.Synced).Reason != "A" {
		t.Errorf("what was handed out became %+v", seen)
	}
}

func TestSurveyIsMadeAgainWhereItFails(t *testing.T) {
	inTime(t, func(a *agent) {
		all := containers(4, "")
		a.replace(all...)
		a.settle(soon)
		a.engine.Fail("List", "*", errors.New("busy"), 3)
		a.replace(all[1:]...)
		a.settle(2 * soon)
		a.expectRunning("shop.web01.0 shop.web02.0 shop.web03.0")
	})
}
