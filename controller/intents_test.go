package controller

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"berth.dev/berth/reconciler/enginetest"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

var web = key(spec.KindContainer, "web")

// must takes what a call gave that may not fail.
func must(a Answer, err error) Answer {
	if err != nil {
		panic(err)
	}
	return a
}

// TestIntentsOutliveTheAgent: all that was asked for is known to the next life, in a file for its user only.
func TestIntentsOutliveTheAgent(t *testing.T) {
	dir, at := t.TempDir(), time.Now().Round(0)
	want := intent{Hold: &plan.Hold{Since: at, Until: at.Add(time.Hour), Reason: "why"}, Stopped: true, RestartedAt: at, Paused: true, RolloutRestartedAt: at}
	s := newIntents(dir, logr.Discard())
	for _, k := range []spec.Key{web, key(spec.KindContainer, "gone")} {
		if err := s.change(k, func(i *intent) { *i = want }); err != nil {
			t.Fatal(err)
		}
	}
	s.forget(key(spec.KindContainer, "gone"))
	again := newIntents(dir, logr.Discard())
	if diff := cmp.Diff(map[spec.Key]intent{web: want}, again.byKey, cmp.AllowUnexported(intent{})); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	info, err := os.Stat(filepath.Join(dir, "intents.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if names, err := filepath.Glob(filepath.Join(dir, "*.tmp")); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

// TestHoldsExpire: neither the planner nor the file is told of a hold that is over.
func TestHoldsExpire(t *testing.T) {
	now := time.Now()
	s := newIntents(t.TempDir(), logr.Discard())
	if err := s.change(web, func(i *intent) { i.Hold = &plan.Hold{Until: now.Add(time.Minute)} }); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		after time.Duration
		held  bool
	}{{0, true}, {time.Minute - 1, true}, {time.Minute, false}, {time.Hour, false}} {
		if got := s.of(web, now.Add(tt.after)).Hold != nil; got != tt.held {
			t.Errorf("after %s: held %v, want %v", tt.after, got, tt.held)
		}
	}
	if err := s.save(now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(s.file); err != nil || string(b) != "[]" {
		t.Errorf("the file says %s, %v", b, err)
	}
}

// TestTornIntents: a file that a crash or a person broke holds nothing, is kept, and does not stand in the way.
func TestTornIntents(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "half": `[{"kind":"Container","names`, "of another form": `{"a":1}`} {
		dir := t.TempDir()
		file := filepath.Join(dir, "intents.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := newIntents(dir, logr.Discard())
		if len(s.byKey) > 0 {
			t.Errorf("%s: %v", name, s.byKey)
		}
		if b, err := os.ReadFile(file + ".broken"); err != nil || string(b) != text {
			t.Errorf("%s: kept is %q, %v", name, b, err)
		}
		if err := s.change(web, func(i *intent) { i.Stopped = true }); err != nil || !newIntents(dir, logr.Discard()).of(web, time.Now()).Stopped {
			t.Errorf("%s: a later stop is not kept: %v", name, err)
		}
	}
}

// TestHoldEndsByItself: when it does the object is looked at, by the agent that was told or by one that was started since.
func TestHoldEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		defer e.Close()
		e.AddImage("web:1", plan.Image{})
		dir := t.TempDir()
		state := func(o *Options) { o.StateDir = dir }
		first := startAgent(t, e, state)
		first.replace(container("web", ""))
		first.settle(soon)
		must(first.Hold(web, "uid 7", time.Now().Add(time.Minute), "looking into it"))
		first.settle(soon)
		first.metric(heldMetric("1"), "berth_held_objects")
		if s, _ := first.Objects(); s[0].Status.Hold == nil || s[0].Status.Hold.Reason != "looking into it" {
			t.Errorf("the status says %+v", s[0].Status.Hold)
		}
		if first.logged(`"by"="uid 7"`) != 1 {
			t.Errorf("it is not logged who asked:\n%s", strings.Join(first.log, "\n"))
		}
		first.stop()
		second := startAgent(t, e, state)
		second.replace(container("web", ""))
		second.settle(soon)
		if i := second.intents.of(web, time.Now()); i.Hold == nil {
			t.Error("the hold is forgotten by a restart of the agent")
		}
		before := second.looks()
		second.settle(time.Minute - 3*soon)
		if n := second.looks(); n != before {
			t.Errorf("it is looked at %v times during the hold", n-before)
		}
		second.settle(2 * soon)
		if n := second.looks(); n != before+1 {
			t.Errorf("it is looked at %v times when the hold ends, want once", n-before)
		}
		second.metric(heldMetric("0"), "berth_held_objects")
		second.stop()
	})
}

func heldMetric(n string) string {
	return "# HELP berth_held_objects Objects that a person has left as they are, with berth hold.\n# TYPE berth_held_objects gauge\nberth_held_objects " + n + "\n"
}

// looks counts the passes over Containers that changed nothing.
func (a *agent) looks() (n float64) {
	for _, result := range []string{"unchanged", "blocked"} {
		n += testutil.ToFloat64(a.metrics.passes.WithLabelValues("Container", result))
	}
	return n
}

// TestAsk: what is asked for is answered with what is so then, and what does not go says what would.
func TestAsk(t *testing.T) {
	inTime(t, func(a *agent) {
		a.replace(container("web", ""), object(spec.KindNetwork, "net", ""))
		a.settle(soon)
		net, none := key(spec.KindNetwork, "net"), key(spec.KindContainer, "none")
		hold := func(k spec.Key, in time.Duration, reason string) func() (Answer, error) {
			return func() (Answer, error) { return a.Hold(k, "", time.Now().Add(in), reason) }
		}
		undo := func(n int) func() (Answer, error) {
			return func() (Answer, error) { return a.RolloutUndo(web, "", n) }
		}
		plain := func(do func(spec.Key, string) (Answer, error), k spec.Key) func() (Answer, error) {
			return func() (Answer, error) { return do(k, "") }
		}
		for _, tt := range []struct {
			name  string
			do    func() (Answer, error)
			class error
			want  string
		}{
			{"hold", hold(web, time.Hour, "why"), nil, "shop/web is held until"},
			{"hold a network", hold(net, time.Hour, ""), nil, "shop/net is held until"},
			{"hold in the past", hold(web, -time.Second, ""), ErrInvalid, "is over"},
			{"hold for good", func() (Answer, error) { return a.Hold(web, "", time.Time{}, "") }, ErrInvalid, "suspend: true"},
			{"hold nothing", hold(none, time.Hour, ""), ErrNotFound, "no Container shop/none"},
			{"two lines", hold(web, time.Hour, "a\nb"), ErrInvalid, "one line"},
			{"a long reason", hold(web, time.Hour, strings.Repeat("x", maxReason+1)), ErrInvalid, "512"},
			{"release", plain(a.Release, web), nil, "is released"},
			{"release again", plain(a.Release, web), nil, "was not held"},
			{"release nothing", plain(a.Release, none), ErrNotFound, "no Container shop/none"},
			{"start what runs", plain(a.Start, web), nil, "was not stopped"},
			{"stop", plain(a.Stop, web), nil, "`berth start web -n shop`"},
			{"stop again", plain(a.Stop, web), nil, "already"},
			{"restart what is stopped", plain(a.Restart, web), ErrConflict, "`berth start web -n shop`"},
			{"start", plain(a.Start, web), nil, "shop/web starts"},
			{"restart", plain(a.Restart, web), nil, "restarts"},
			{"stop a network", plain(a.Stop, net), ErrInvalid, "not a Container"},
			{"stop nothing", plain(a.Stop, none), ErrNotFound, "no Container shop/none"},
			{"pause", plain(a.RolloutPause, web), nil, "is paused; `berth rollout resume"},
			{"pause again", plain(a.RolloutPause, web), nil, "already"},
			{"new copies while paused", plain(a.RolloutRestart, web), ErrConflict, "`berth rollout resume web -n shop` first"},
			{"undo while paused", undo(0), ErrConflict, "paused"},
			{"resume", plain(a.RolloutResume, web), nil, "goes on"},
			{"resume again", plain(a.RolloutResume, web), nil, "was not paused"},
			{"new copies", plain(a.RolloutRestart, web), nil, "new copies"},
			{"undo the first", undo(0), ErrConflict, "no "},
			{"undo to nowhere", undo(-1), ErrInvalid, "count from 1"},
			{"pause a network", plain(a.RolloutPause, net), ErrInvalid, "not a Container"},
		} {
			got, err := tt.do()
			text := got.Message
			if err != nil {
				text = err.Error()
			}
			if !errors.Is(err, tt.class) || !strings.Contains(text, tt.want) {
				t.Errorf("%s: %q (%v), want %q", tt.name, text, err, tt.want)
			}
		}
	})
}

// TestAskedForWithoutADisk: what cannot be written down is in force all the same, and the answer says so.
func TestAskedForWithoutADisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	inTime(t, func(a *agent) {
		a.replace(container("web", ""))
		a.settle(soon)
		got := must(a.Stop(web, ""))
		if len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "forgotten when the agent is started again") {
			t.Errorf("notes: %q", got.Notes)
		}
		if !a.intents.of(web, time.Now()).Stopped {
			t.Error("it is not in force")
		}
	}, func(o *Options) { o.StateDir = filepath.Join(file, "below") })
}

// TestAskedWhileTheEngineIsAway: the answer says that nothing happens yet.
func TestAskedWhileTheEngineIsAway(t *testing.T) {
	inTime(t, func(a *agent) {
		a.replace(container("web", ""))
		a.settle(soon)
		a.engine.Down()
		a.settle(soon)
		if got := must(a.Restart(web, "")); len(got.Notes) != 1 || !strings.HasPrefix(got.Notes[0], "the engine is away") {
			t.Errorf("notes: %q", got.Notes)
		}
		a.engine.Up()
		a.settle(resync)
	})
}
