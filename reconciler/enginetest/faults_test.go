package enginetest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"berth.dev/berth/reconciler/enginetest"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// bubble runs a test in virtual time on an engine that has an image.
func bubble(t *testing.T, test func(*testing.T, *enginetest.Engine)) {
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		t.Cleanup(e.Close)
		e.AddImage(appImage, plan.Image{Defaults: app})
		test(t, e)
	})
}

func running(t *testing.T, e *enginetest.Engine, name string, change func(*plan.Create)) string {
	t.Helper()
	p := plan.Create{Name: name, Spec: spec.ContainerSpec{Image: appImage}}
	if change != nil {
		change(&p)
	}
	id, _, err := e.Create(t.Context(), p)
	if err == nil {
		err = e.Start(t.Context(), id)
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func state(t *testing.T, e *enginetest.Engine, name string) plan.State {
	t.Helper()
	c, err := e.Inspect(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return c.State
}

func TestFailHitsWhatItNamesAsOftenAsItSays(t *testing.T) {
	bubble(t, func(t *testing.T, e *enginetest.Engine) {
		id := running(t, e, "shop.web.0", nil)
		cause := errors.New("disk on fire")
		e.Fail("Stop", "shop.*", cause, 2)
		var got []string
		for range 3 {
			got = append(got, fmt.Sprint(fault.Is(e.Stop(t.Context(), id), fault.Retry))) // by ID, and the pattern is of the name
		}
		if !slices.Equal(got, []string{"true", "true", "false"}) {
			t.Errorf("failed: %v, want the first two", got)
		}
		if s := state(t, e, id); s != plan.StateExited {
			t.Errorf("state %s, want exited by the third stop", s)
		}
		e.Fail("*", "", cause, -1)
		if _, err := e.List(t.Context()); !errors.Is(err, cause) || fault.ClassOf(err) != fault.DockerAPI {
			t.Errorf("error %v, want the cause as a fault of the API", err)
		}
	})
}

func TestLatencyAndHang(t *testing.T) {
	bubble(t, func(t *testing.T, e *enginetest.Engine) {
		e.Latency("*", time.Second)
		e.Latency("Inspect", 0)
		began := time.Now()
		running(t, e, "slow", nil)
		state(t, e, "slow")
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("took %s, want a second each for create and start", took)
		}
		release := e.Hang("List", "")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := e.List(ctx); !errors.Is(err, context.DeadlineExceeded) || fault.ClassOf(err) != fault.DockerConnection {
			t.Errorf("error %v, want the deadline as a fault of the connection", err)
		}
		time.AfterFunc(time.Hour, release)
		if list, err := e.List(t.Context()); err != nil || len(list) != 1 {
			t.Errorf("%d listed, error %v, want one as soon as it is released", len(list), err)
		}
	})
}

func TestDownBreaksStreamsAndContainersRunOn(t *testing.T) {
	bubble(t, func(t *testing.T, e *enginetest.Engine) {
		running(t, e, "steady", nil)
		ended := make(chan error)
		go func() { ended <- e.Events(t.Context(), func() {}, func(plan.Event) {}) }()
		synctest.Wait()
		e.Down()
		for _, err := range []error{<-ended, e.Start(t.Context(), "steady"), e.Events(t.Context(), nil, nil)} {
			if fault.ClassOf(err) != fault.DockerConnection || !fault.Is(err, fault.Retry) {
				t.Errorf("error %v, want a fault of the connection", err)
			}
		}
		e.Up()
		if s := state(t, e, "steady"); s != plan.StateRunning {
			t.Errorf("state %s, want running", s)
		}
	})
}

func TestEventsAreLostInSilence(t *testing.T) {
	bubble(t, func(t *testing.T, e *enginetest.Engine) {
		e.DropEvents(func(ev plan.Event) bool { return ev.Action == "start" })
		var actions []string
		ended := make(chan error)
		go func() {
			ended <- e.Events(t.Context(), func() {}, func(ev plan.Event) { actions = append(actions, ev.Type+" "+ev.Action) })
		}()
		synctest.Wait()
		running(t, e, "told", nil)
		e.Exit("told", 1)
		synctest.Wait()
		e.CutEvents()
		<-ended
		if want := []string{"container create", "network connect", "container die", "network disconnect"}; !slices.Equal(actions, want) {
			t.Errorf("events %v, want %v", actions, want)
		}
	})
}

func TestTheAgentDiesAtEveryBoundary(t *testing.T) {
	work := func(ctx context.Context, e *enginetest.Engine) {
		_, _, _ = e.Create(ctx, plan.Create{Name: "job", Spec: spec.ContainerSpec{Image: appImage}})
		_, _ = e.List(ctx) // no boundary
		_ = e.Start(ctx, "job")
	}
	for at, want := range []plan.State{"", plan.StateCreated, plan.StateCreated, plan.StateRunning, plan.StateRunning} {
		bubble(t, func(t *testing.T, e *enginetest.Engine) {
			e.DieAt(at)
			work(t.Context(), e)
			if died := e.Revive(); died != (at < 4) {
				t.Errorf("boundary %d: died %t", at, died)
			}
			c, _ := e.Inspect(t.Context(), "job")
			if c.State != want {
				t.Errorf("boundary %d: state %q, want %q", at, c.State, want)
			}
		})
	}
}

func TestHooksSeeEveryCallAndMayUseTheirHands(t *testing.T) {
	bubble(t, func(t *testing.T, e *enginetest.Engine) {
		var seen []string
		e.OnCall(func(c enginetest.Call) error {
			seen = append(seen, fmt.Sprintf("%s %s %d %t", c.Method, c.Target, c.Number, c.Done))
			if c.Method == "Start" && !c.Done {
				e.RemoveByHand("short")
			}
			return nil
		})
		id, _, err := e.Create(t.Context(), plan.Create{Name: "short", Spec: spec.ContainerSpec{Image: appImage}})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Start(t.Context(), id); !fault.Is(err, fault.NotFound) {
			t.Errorf("error %v, want that it is gone", err)
		}
		want := []string{"Create short 1 false", "Create short 1 true", "Start short 1 false", "Start short 1 true"}
		if !slices.Equal(seen, want) {
			t.Errorf("saw %q, want %q", seen, want)
		}
		if calls := e.Calls(); calls["Create"] != 1 || calls["Inspect"] != 0 {
			t.Errorf("calls %v", calls)
		}
	})
}

func TestBackoffOfTheRestartPolicy(t *testing.T) {
	bubble(t, func(t *testing.T, e *enginetest.Engine) {
		running(t, e, "loop", func(p *plan.Create) { p.Spec.RestartPolicy = spec.RestartAlways })
		var waits []time.Duration
		crash := func() {
			began := time.Now()
			e.Exit("loop", 1)
			for state(t, e, "loop") != plan.StateRunning {
				<-time.After(50 * time.Millisecond)
				synctest.Wait()
			}
			waits = append(waits, time.Since(began))
		}
		for range 3 {
			crash()
		}
		<-time.After(11 * time.Second)
		crash()
		if want := []time.Duration{100, 200, 400, 100}; !slices.EqualFunc(waits, want, func(a, b time.Duration) bool { return a == b*time.Millisecond }) {
			t.Errorf("waited %v, want %v ms", waits, want)
		}
	})
}

func TestRestartOfTheEngineStartsWhatItsPoliciesSay(t *testing.T) {
	bubble(t, func(t *testing.T, e *enginetest.Engine) {
		for name, p := range map[string]spec.RestartPolicy{"always": spec.RestartAlways, "never": spec.RestartNever, "unless": spec.RestartUnlessStopped, "stopped": spec.RestartUnlessStopped} {
			running(t, e, name, func(c *plan.Create) { c.Spec.RestartPolicy = p })
		}
		e.StopByHand("stopped")
		e.Restart(time.Minute)
		for name, want := range map[string]plan.State{"always": plan.StateRunning, "never": plan.StateExited, "unless": plan.StateRunning, "stopped": plan.StateExited} {
			if s := state(t, e, name); s != want {
				t.Errorf("%s is %s, want %s", name, s, want)
			}
		}
	})
}

func TestInspectLiesAboutUnlimitedSwap(t *testing.T) {
	bubble(t, func(t *testing.T, e *enginetest.Engine) {
		id := running(t, e, "swapper", nil)
		for _, u := range []plan.Update{{Memory: new(int64(64 << 20)), MemorySwap: new(int64(96 << 20))}, {MemorySwap: new(int64(-1))}} {
			if err := e.Update(t.Context(), id, u); err != nil {
				t.Fatal(err)
			}
		}
		if got := e.CgroupSwap("swapper"); got != 96<<20 {
			t.Errorf("the cgroup has %d, want what was last a number", got)
		}
	})
}

// complaints is a test that only notes its errors.
type complaints struct {
	testing.TB
	said []string
}

func (c *complaints) Helper()           {}
func (c *complaints) Error(args ...any) { c.said = append(c.said, fmt.Sprint(args...)) }

func TestInvariants(t *testing.T) {
	copyOf := func(p *plan.Create) {
		p.Labels = map[string]string{spec.LabelNamespace: "shop", spec.LabelName: "web", spec.LabelOrdinal: "0"}
	}
	for name, test := range map[string]struct {
		do   func(*testing.T, *enginetest.Engine)
		want string
	}{
		"doubled": {func(t *testing.T, e *enginetest.Engine) {
			running(t, e, "shop.web.0", copyOf)
			running(t, e, "shop.web.0.prev", copyOf)
		}, "run at once"},
		"a replacement beside it": {func(t *testing.T, e *enginetest.Engine) {
			running(t, e, "shop.web.0", copyOf)
			running(t, e, "shop.web.0.next", copyOf)
		}, ""},
		"one after the other": {func(t *testing.T, e *enginetest.Engine) {
			running(t, e, "shop.web.0", copyOf)
			e.StopByHand("shop.web.0")
			running(t, e, "shop.web.0.next", copyOf)
		}, ""},
		"volume": {func(t *testing.T, e *enginetest.Engine) {
			_ = e.CreateVolume(t.Context(), plan.VolumeCreate{Name: "data"})
			_ = e.RemoveVolume(t.Context(), "data")
		}, `removed volume "data"`},
		"foreign": {func(t *testing.T, e *enginetest.Engine) {
			e.RunForeign("theirs", nil)
			_ = e.Stop(t.Context(), "theirs")
		}, `touched container "theirs"`},
		"adopted": {func(t *testing.T, e *enginetest.Engine) {
			e.RunForeign("theirs", nil)
			e.Allow("theirs")
			_ = e.Stop(t.Context(), "theirs")
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, e *enginetest.Engine) {
				test.do(t, e)
				c := &complaints{TB: t}
				e.CheckInvariants(c)
				if all := strings.Join(c.said, "\n"); test.want == "" && all != "" || !strings.Contains(all, test.want) {
					t.Errorf("says %q, want %q", all, test.want)
				}
			})
		})
	}
}
