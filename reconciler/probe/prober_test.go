package probe

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

var key = spec.Key{Kind: spec.KindContainer, Namespace: "shop", Name: "web"}

// script is a prober whose questions are answered by the test, and what happened.
type script struct {
	*Prober
	mu      sync.Mutex
	began   time.Time
	answers map[int32]func(n int) answer // by the probe's period, to tell them apart
	asked   map[int32][]time.Duration
	changes int
}

// scripted runs a test with a prober in virtual time.
func scripted(t *testing.T, test func(*testing.T, *script)) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{began: time.Now(), answers: map[int32]func(int) answer{}, asked: map[int32][]time.Duration{}}
		s.Prober = New(Options{OnChange: func(spec.Key) { s.mu.Lock(); s.changes++; s.mu.Unlock() }})
		s.ask = s.answer
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		test(t, s)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func (s *script) answer(_ context.Context, q *question) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := int32(q.timeout / time.Second)
	s.asked[id] = append(s.asked[id], time.Since(s.began).Round(100*time.Millisecond))
	if f := s.answers[id]; f != nil {
		return f(len(s.asked[id]))
	}
	return answer{result: success}
}

// probe is one that the script knows by its number, which is its timeout.
func numbered(id int32, p spec.Probe) *spec.Probe {
	p.TimeoutSeconds = id
	p.TCPSocket = &spec.TCPSocketAction{Port: spec.PortRef{Number: 80}}
	return &p
}

const (
	first  = 1
	second = 2
	third  = 3
)

func (s *script) target(started time.Time, startup, liveness, readiness *spec.Probe) Target {
	return Target{Name: "shop.web.0", ID: "c", StartedAt: started, Address: "10.0.0.2", Startup: startup, Liveness: liveness, Readiness: readiness}
}

// at waits until so much time has passed since the beginning, and gives what the probes say.
func (s *script) at(d time.Duration) plan.Probed {
	<-time.After(time.Until(s.began.Add(d + 50*time.Millisecond))) // that what is due by then has been answered
	synctest.Wait()
	return s.Of(key)["c"]
}

func (s *script) times(id int32) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Trim(fmt.Sprint(s.asked[id]), "[]")
}

func failures(from, to int, text string) func(int) answer {
	return func(n int) answer {
		if n >= from && n <= to {
			return failed("%s", text)
		}
		return answer{result: success}
	}
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestReadiness(t *testing.T) {
	scripted(t, func(t *testing.T, s *script) {
		s.answers[first] = failures(4, 7, "HTTP 503")
		p := numbered(first, spec.Probe{InitialDelaySeconds: 5, PeriodSeconds: 2, SuccessThreshold: 2, FailureThreshold: 2})
		s.Set(key, []Target{s.target(s.began, nil, nil, p)})
		got := s.at(4 * time.Second)
		want(t, "before the delay", got, plan.Probed{StartedAt: s.began, Started: true, Since: s.began, Message: "readinessProbe has not been answered yet"})
		want(t, "after one success", s.at(5*time.Second).Message, "readinessProbe has to succeed 2 times in a row")
		got = s.at(7 * time.Second)
		want(t, "after two", got.Ready, true)
		want(t, "since", got.Since.Sub(s.began).Round(time.Second), 7*time.Second)
		want(t, "message", got.Message, "")
		want(t, "after a failure", s.at(11*time.Second).Ready, true)
		got = s.at(13 * time.Second)
		want(t, "after two failures", got.Ready, false)
		want(t, "message", got.Message, "readinessProbe failed: HTTP 503")
		want(t, "never dead", s.at(17*time.Second).Dead, "")
		want(t, "ready again", s.at(21*time.Second).Ready, true)
		want(t, "asked", s.times(first), "5s 7s 9s 11s 13s 15s 17s 19s 21s")
		want(t, "changes", s.changes, 5) // one success, ready, not ready, one success, ready
	})
}

func TestLiveness(t *testing.T) {
	scripted(t, func(t *testing.T, s *script) {
		s.answers[first] = func(n int) answer {
			if n == 2 || n > 3 {
				return answer{result: failure, text: "exit code 1", detail: fmt.Sprint("at ", n)}
			}
			return answer{result: success}
		}
		p := numbered(first, spec.Probe{PeriodSeconds: 10, TerminationGracePeriodSeconds: new(int64(3))})
		s.Set(key, []Target{s.target(s.began, nil, p, nil)})
		got := s.at(0)
		want(t, "at first", got, plan.Probed{StartedAt: s.began, Started: true, Asked: true, Ready: true, Since: s.began})
		want(t, "after one failure, a success, and two failures", s.at(40*time.Second).Dead, "")
		got = s.at(50 * time.Second)
		want(t, "after three failures", got.Dead, "livenessProbe failed 3 times: exit code 1: at 6")
		want(t, "grace", *got.Grace, int64(3))
		s.at(200 * time.Second)
		want(t, "asked", s.times(first), "0s 10s 20s 30s 40s 50s")
		want(t, "changes", s.changes, 1)

		s.Set(key, []Target{s.target(s.began, nil, p, nil)})
		want(t, "the same container is dead still", s.at(201*time.Second).Dead != "", true)
		s.Set(key, []Target{s.target(time.Now(), nil, p, nil)})
		want(t, "one that was started anew is not", s.at(201*time.Second).Dead, "")
	})
}

func TestStartup(t *testing.T) {
	scripted(t, func(t *testing.T, s *script) {
		s.answers[first] = failures(1, 3, "connection refused")
		up := numbered(first, spec.Probe{PeriodSeconds: 1, FailureThreshold: 5})
		live, ready := numbered(second, spec.Probe{PeriodSeconds: 7, InitialDelaySeconds: 5}), numbered(third, spec.Probe{PeriodSeconds: 7})
		s.Set(key, []Target{s.target(s.began, up, live, ready)})
		got := s.at(2 * time.Second)
		want(t, "before it has started", got, plan.Probed{StartedAt: s.began, Asked: true, Since: s.began, Message: "startupProbe failed: connection refused"})
		got = s.at(3 * time.Second)
		want(t, "started", got.Started, true)
		want(t, "ready", got.Ready, true)
		s.at(20 * time.Second)
		want(t, "asked for the start", s.times(first), "0s 1s 2s 3s")
		want(t, "asked whether it lives", s.times(second), "5s 12s 19s")
		want(t, "asked whether it is ready", s.times(third), "3s 10s 17s")
	})
}

func TestStartupFails(t *testing.T) {
	scripted(t, func(t *testing.T, s *script) {
		s.answers[first] = failures(1, 99, "connection refused")
		s.Set(key, []Target{s.target(s.began, numbered(first, spec.Probe{}), numbered(second, spec.Probe{}), nil)})
		got := s.at(time.Minute)
		want(t, "verdict", got.Dead, "startupProbe failed 3 times: connection refused")
		want(t, "started or ready", got.Started || got.Ready, false)
		want(t, "asked for the start", s.times(first), "0s 10s 20s")
		want(t, "asked whether it lives", s.times(second), "")
	})
}

// What could not be asked counts neither way.
func TestUnasked(t *testing.T) {
	scripted(t, func(t *testing.T, s *script) {
		s.answers[first] = func(n int) answer {
			if n%2 == 0 {
				return answer{result: unasked, text: "the engine is away"}
			}
			return failed("no")
		}
		s.Set(key, []Target{s.target(s.began, nil, numbered(first, spec.Probe{PeriodSeconds: 1}), nil)})
		want(t, "after two failures", s.at(3*time.Second).Dead, "")
		want(t, "after three", s.at(4*time.Second).Dead, "livenessProbe failed 3 times: no")
	})
}

// An agent that finds containers running asks them soon, but not all at once.
func TestSpread(t *testing.T) {
	scripted(t, func(t *testing.T, s *script) {
		for i := range 100 {
			target := s.target(s.began.Add(-time.Hour), nil, nil, numbered(first, spec.Probe{}))
			target.ID = fmt.Sprint(i)
			s.Set(spec.Key{Name: target.ID}, []Target{target})
		}
		s.at(time.Second)
		count := map[time.Duration]int{}
		for _, d := range s.asked[first] {
			count[d]++
		}
		want(t, "asked within a second", len(s.asked[first]), 100)
		for d, n := range count {
			if n > 30 {
				t.Errorf("%d were asked after about %s", n, d)
			}
		}
	})
}

func TestSet(t *testing.T) {
	scripted(t, func(t *testing.T, s *script) {
		up, ready := numbered(first, spec.Probe{}), numbered(second, spec.Probe{PeriodSeconds: 5})
		target := s.target(s.began, up, nil, ready)
		s.Set(key, []Target{target})
		want(t, "ready", s.at(time.Second).Ready, true)
		since := s.Of(key)["c"].Since

		target.Readiness = numbered(second, spec.Probe{PeriodSeconds: 5})
		s.Set(key, []Target{target})
		want(t, "the same keeps its state", s.Of(key)["c"], plan.Probed{StartedAt: s.began, Started: true, Asked: true, Ready: true, Since: since})

		target.Readiness = numbered(third, spec.Probe{InitialDelaySeconds: 10})
		s.Set(key, []Target{target})
		want(t, "another probe begins anew", s.Of(key)["c"].Ready, false)
		want(t, "but has started", s.Of(key)["c"].Started, true)
		want(t, "and is asked in its time", s.at(10*time.Second).Ready, true)
		want(t, "not by the old one", s.times(second), "0s")

		target.Readiness = nil
		s.Set(key, []Target{target})
		want(t, "no probe, and it is ready", s.Of(key)["c"].Ready, true)
		target.Liveness = &spec.Probe{DockerHealth: &spec.DockerHealthAction{}}
		s.Set(key, []Target{target})
		want(t, "Docker's own check is not asked", s.at(60*time.Second).Dead, "")

		s.Set(key, nil)
		want(t, "forgotten", s.Of(key) == nil, true)
		s.at(time.Hour)
		want(t, "asked", len(s.asked[first])+len(s.asked[second])+len(s.asked[third]), 3)
	})
}

// A hanging probe holds up its lane alone, and the answer of a container that is gone is lost.
func TestLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var inFlight atomic.Int32
		p := New(Options{InFlight: 2, Exec: func(ctx context.Context, container string, _ []string) (int, string, error) {
			inFlight.Add(1)
			defer inFlight.Add(-1)
			select {
			case <-release:
				return 0, "", nil
			case <-ctx.Done():
				return 0, "", context.Cause(ctx)
			}
		}})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- p.Run(ctx) }()
		var targets []Target
		for i := range 20 {
			targets = append(targets, Target{ID: fmt.Sprint(i), StartedAt: time.Now(), Readiness: &spec.Probe{TimeoutSeconds: 100, Exec: &spec.ExecAction{Command: []string{"x"}}}})
		}
		p.Set(key, targets)
		<-time.After(time.Second)
		want(t, "in flight", inFlight.Load(), int32(execInFlight))
		p.Set(key, targets[8:])
		close(release)
		<-time.After(time.Second)
		synctest.Wait()
		ready := 0
		for _, said := range p.Of(key) {
			if said.Ready {
				ready++
			}
		}
		want(t, "ready", ready, 12)
		want(t, "in flight", inFlight.Load(), int32(0))
		cancel()
		want(t, "end", <-ended, error(nil))
	})
}

// A thousand targets have no goroutine, but while they are asked.
func TestGoroutinesStayFlat(t *testing.T) {
	scripted(t, func(t *testing.T, s *script) {
		before := runtime.NumGoroutine()
		for i := range 1000 {
			target := s.target(s.began, numbered(first, spec.Probe{}), numbered(second, spec.Probe{}), numbered(third, spec.Probe{}))
			target.ID = fmt.Sprint(i)
			s.Set(spec.Key{Name: target.ID}, []Target{target})
		}
		for i := range 100 {
			s.at(time.Duration(i) * time.Second)
			if n := runtime.NumGoroutine() - before; n > 10 { // some may be about to end
				t.Fatalf("%d goroutines more after %d s", n, i)
			}
		}
		want(t, "asked", len(s.asked[second]), 10000)
	})
}

func TestEndWhileInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{OnChange: func(spec.Key) { t.Error("a change after the end") }, Exec: func(ctx context.Context, _ string, _ []string) (int, string, error) {
			<-ctx.Done()
			return 1, "", nil
		}})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- p.Run(ctx) }()
		p.Set(key, []Target{{ID: "c", StartedAt: time.Now(), Liveness: &spec.Probe{FailureThreshold: 1, TimeoutSeconds: 60, Exec: &spec.ExecAction{Command: []string{"x"}}}}})
		<-time.After(time.Second)
		cancel()
		want(t, "end", <-ended, error(nil))
		want(t, "verdict", p.Of(key)["c"].Dead, "")
	})
}
