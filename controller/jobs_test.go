package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/enginetest"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/reconciler/schedule"
	"berth.dev/berth/spec"
)

var (
	nightly = key(spec.KindCronJob, "nightly")
	migrate = key(spec.KindJob, "migrate")
)

const template = `template: {spec: {image: "work:1"}}`

func job(more string) string { return object(spec.KindJob, "migrate", template+more) }

func cronJob(text, more, jobMore string) string {
	return object(spec.KindCronJob, "nightly", fmt.Sprintf("schedule: %q, timeZone: UTC, jobTemplate: {spec: {%s}}%s", text, template+jobMore, more))
}

// clerk counts what is made, by the name of the container.
type clerk struct {
	mu   sync.Mutex
	made map[string]int
}

// countMade counts until the engine is closed. Events tell also of what an agent made that has died before it knew.
func countMade(e *enginetest.Engine) *clerk {
	c, stands := &clerk{made: map[string]int{}}, make(chan struct{})
	go func() {
		_ = e.Events(context.Background(), func() { close(stands) }, func(event plan.Event) { // its end is the engine's
			if event.Type == "container" && event.Action == "create" {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.made[event.Name]++
			}
		})
	}()
	<-stands
	return c
}

// names lists what was made; what was made twice is an error.
func (c *clerk) names(t *testing.T) []string {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, times := range c.made {
		if times > 1 {
			t.Errorf("%s was made %d times", name, times)
		}
	}
	return slices.Sorted(maps.Keys(c.made))
}

// withWork runs a test on an engine with an image whose program ends after a while.
func withWork(t *testing.T, b enginetest.Behaviour, f func(*agent, *clerk), change ...func(*Options)) {
	t.Helper()
	dir := t.TempDir()
	change = append([]func(*Options){func(o *Options) { o.StateDir = dir }}, change...)
	inTime(t, func(a *agent) {
		a.engine.AddImage("work:1", plan.Image{})
		a.engine.Behave("work:1", b)
		f(a, countMade(a.engine))
	}, change...)
}

// again starts another agent in the place of one that has ended.
func (a *agent) again(manifests ...string) *agent {
	b := startAgent(a.T, a.engine, func(o *Options) { o.StateDir = a.opts.StateDir })
	b.replace(manifests...)
	return b
}

// TestCronJobForAWeek: the agent comes and goes, and is killed now and then; each tick while it is there runs, and none twice.
func TestCronJobForAWeek(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			withWork(t, enginetest.Behaviour{ExitAfter: 5 * time.Minute}, func(a *agent, c *clerk) {
				chance := rand.New(rand.NewPCG(seed, 2))
				manifest := cronJob("17 * * * *", ", successfulJobsHistoryLimit: 2", "")
				a.replace(manifest)
				expected, start := map[string]bool{}, time.Now()
				s, err := schedule.Parse("17 * * * *", "UTC", start)
				if err != nil {
					t.Fatal(err)
				}
				for time.Since(start) < 7*24*time.Hour {
					from := time.Now()
					a.settle(time.Duration(1+chance.IntN(600)) * time.Minute)
					for tick := s.Next(from); tick.Before(time.Now().Add(-soon)); tick = s.Next(tick) {
						expected["shop.nightly."+schedule.RunName(tick)+"-0-0"] = true
					}
					if chance.IntN(2) == 0 {
						a.engine.DieAt(chance.IntN(6))
						a.settle(time.Hour)
					}
					a.stop()
					a.engine.Revive()
					a.settle(time.Duration(chance.IntN(180)) * time.Minute)
					a = a.again(manifest)
				}
				a.settle(time.Hour)
				a.stop()
				made := c.names(t)
				for name := range expected {
					if !slices.Contains(made, name) {
						t.Errorf("%s did not run", name)
					}
				}
				if len(expected) < 60 {
					t.Errorf("only %d runs", len(expected))
				}
				if kept := len(a.list()); kept > 2 {
					t.Errorf("%d runs are kept", kept)
				}
			})
		})
	}
}

// TestJobDeath kills the agent before and after each of its calls, and starts another: nothing is made twice, and all comes to its end.
func TestJobDeath(t *testing.T) {
	for _, tt := range []struct {
		name, manifest string
		want           string // all that is made
	}{
		{"job", job(", completions: 3, parallelism: 2"), "shop.migrate.0-0 shop.migrate.1-0 shop.migrate.2-0"},
		{"job that goes", job(", ttlSecondsAfterFinished: 1"), "shop.migrate.0-0"},
		{"cron job", cronJob("@every 1h", ", successfulJobsHistoryLimit: 0", ""), "shop.nightly.15778140-0-0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			boundaries := 0
			for died := true; died; boundaries++ {
				withWork(t, enginetest.Behaviour{ExitAfter: time.Minute}, func(a *agent, c *clerk) {
					a.engine.DieAt(boundaries)
					a.replace(tt.manifest)
					a.settle(65 * time.Minute)
					a.stop()
					died = a.engine.Revive()
					b := a.again(tt.manifest)
					defer b.stop()
					b.settle(20 * time.Minute)
					if got := strings.Join(c.names(t), " "); !regexp.MustCompile("^" + everyRun.ReplaceAllString(tt.want, "[0-9]+-") + "$").MatchString(got) {
						t.Errorf("boundary %d: made were %s, want %s", boundaries, got, tt.want)
					}
				})
			}
			if boundaries < 4 {
				t.Errorf("only %d boundaries", boundaries)
			}
		})
	}
}

// everyRun is the name of a run, which depends on when the test's time begins.
var everyRun = regexp.MustCompile(`[0-9]{6,}-`)

func TestJobStatus(t *testing.T) {
	for _, tt := range []struct {
		name, manifest string
		behaviour      enginetest.Behaviour
		after          time.Duration
		key            spec.Key
		want           string
	}{
		{"active", job(""), enginetest.Behaviour{}, time.Minute, migrate, "!Ready/Progressing Synced/UpToDate 1/0/0"},
		{"complete", job(""), enginetest.Behaviour{ExitAfter: time.Minute}, time.Hour, migrate, "Complete/Complete Ready/Completed Synced/UpToDate 0/1/0"},
		{"waits for the next try", job(""), enginetest.Behaviour{ExitAfter: time.Second, ExitCode: 1}, 5 * time.Second, migrate,
			"!Ready/CrashLoopBackOff !Synced/CrashLoopBackOff 0/0/1"},
		{"failed", job(", backoffLimit: 1"), enginetest.Behaviour{ExitAfter: time.Second, ExitCode: 1}, time.Hour, migrate,
			"!Ready/BackoffLimitExceeded Failed/BackoffLimitExceeded Synced/UpToDate 0/0/2"},
		{"too long", job(", activeDeadlineSeconds: 60"), enginetest.Behaviour{}, time.Hour, migrate,
			"!Ready/DeadlineExceeded Failed/DeadlineExceeded Synced/UpToDate 0/0/0"},
		{"suspended", job(", suspend: true"), enginetest.Behaviour{}, time.Hour, migrate, "!Ready/Suspended Suspended/Suspended Synced/UpToDate 0/0/0"},
		{"restarted in place", object(spec.KindJob, "migrate", `backoffLimit: 2, template: {spec: {image: "work:1", restartPolicy: OnFailure}}`),
			enginetest.Behaviour{ExitAfter: time.Second, ExitCode: 1}, time.Hour, migrate, "!Ready/BackoffLimitExceeded Failed/BackoffLimitExceeded Synced/UpToDate 0/0/3"},
		{"scheduled", cronJob("@daily", "", ""), enginetest.Behaviour{}, time.Hour, nightly, "Ready/Scheduled Synced/UpToDate 0/0/0"},
		{"runs", cronJob("@hourly", "", ""), enginetest.Behaviour{}, 61 * time.Minute, nightly, "Ready/Scheduled Synced/UpToDate 1/0/0"},
		{"a run failed", cronJob("@hourly", "", ", backoffLimit: 0"), enginetest.Behaviour{ExitAfter: time.Second, ExitCode: 3}, 61 * time.Minute, nightly,
			"Ready/Scheduled Synced/UpToDate 0/0/1"},
		{"cron job suspended", cronJob("@hourly", ", suspend: true", ""), enginetest.Behaviour{}, 2 * time.Hour, nightly,
			"Ready/Scheduled Suspended/Suspended Synced/UpToDate 0/0/0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withWork(t, tt.behaviour, func(a *agent, _ *clerk) {
				a.replace(tt.manifest)
				a.settle(tt.after)
				s, _ := a.store.get(tt.key)
				if got := describeJob(s.Status); got != tt.want {
					t.Errorf("status is %s, want %s\n%+v", got, tt.want, s.Status.Conditions)
				}
			})
		})
	}
}

// describeJob lists conditions, but for Valid, and how many are active, succeeded and failed.
func describeJob(s reconciler.Status) string {
	var out []string
	for _, c := range s.Conditions {
		text := c.Type + "/" + c.Reason
		if !c.Status {
			text = "!" + text
		}
		if c.Type != reconciler.Valid {
			out = append(out, text)
		}
	}
	slices.Sort(out)
	return fmt.Sprintf("%s %d/%d/%d", strings.Join(out, " "), s.Job.Active, s.Job.Succeeded, s.Job.Failed)
}

func TestCronJobTimes(t *testing.T) {
	withWork(t, enginetest.Behaviour{ExitAfter: time.Minute}, func(a *agent, _ *clerk) {
		a.replace(cronJob("30 * * * *", "", ""))
		a.settle(45 * time.Minute)
		s, _ := a.store.get(nightly)
		last, next := s.Status.Job.LastScheduleTime, s.Status.Job.NextScheduleTime
		if last == nil || next == nil || last.Minute() != 30 || next.Sub(*last) != time.Hour {
			t.Errorf("last %v, next %v", last, next)
		}
	})
}

func TestRunNow(t *testing.T) {
	withWork(t, enginetest.Behaviour{ExitAfter: time.Minute}, func(a *agent, c *clerk) {
		manifests := []string{cronJob("@yearly", ", suspend: true", ""), job("")}
		a.replace(manifests...)
		a.settle(soon)
		for _, tt := range []struct {
			key  spec.Key
			name string
			want error
		}{
			{nightly, "try-1", nil},
			{nightly, "", nil},
			{nightly, "try-1", ErrConflict},
			{nightly, "Try 1", ErrInvalid},
			{migrate, "x", ErrInvalid},
			{key(spec.KindCronJob, "nobody"), "x", ErrNotFound},
		} {
			run, err := a.RunNow(tt.key, tt.name)
			if !errors.Is(err, tt.want) || tt.want == nil && tt.name != "" && run != "mtry_1" {
				t.Errorf("%s %q: %q, %v, want %v", tt.key, tt.name, run, err, tt.want)
			}
			a.settle(soon)
		}
		a.settle(time.Hour)
		a.stop()
		b := a.again(manifests...)
		defer b.stop()
		b.settle(time.Hour)
		if names := c.names(t); len(names) != 3 || names[2] != "shop.nightly.mtry_1-0-0" {
			t.Errorf("made were %v", names)
		}
		if _, err := b.RunNow(nightly, "try-1"); !errors.Is(err, ErrConflict) {
			t.Errorf("a run that is kept: %v", err)
		}
	})
}

// TestNothingBeginsThatCannotBeRemembered: were it begun, a crash could have it begun again.
func TestNothingBeginsThatCannotBeRemembered(t *testing.T) {
	withWork(t, enginetest.Behaviour{ExitAfter: time.Minute}, func(a *agent, c *clerk) {
		dir := filepath.Join(a.opts.StateDir, "runs")
		if err := os.WriteFile(dir, nil, 0o600); err != nil { // a folder cannot be made
			t.Fatal(err)
		}
		a.replace(cronJob("30 * * * *", "", ""))
		a.settle(35 * time.Minute)
		a.expect(nightly, "!StateError")
		if names := c.names(t); len(names) > 0 {
			t.Errorf("made were %v", names)
		}
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		a.settle(10 * time.Minute)
		a.expect(nightly, "UpToDate")
		if names := c.names(t); len(names) != 1 {
			t.Errorf("made were %v", names)
		}
	})
}

func TestRunsAreTold(t *testing.T) {
	dir := t.TempDir()
	w := &webhook{told: map[string][]told{}}
	withWork(t, enginetest.Behaviour{ExitAfter: 90 * time.Minute, ExitCode: 1}, func(a *agent, _ *clerk) {
		a.replace(notification("all", ""), cronJob("@hourly", ", concurrencyPolicy: Forbid, failedJobsHistoryLimit: 0", ", backoffLimit: 0"))
		a.settle(65 * time.Minute)
		w.take("all")
		a.settle(time.Hour)
		w.expectTold(t, "all", "!RunSkipped nightly")
		a.settle(time.Hour)
		w.expectTold(t, "all", "!RunFailed nightly, Created nightly, Removed nightly")
	}, func(o *Options) { o.Deliver, o.StateDir = w, dir })
}

// TestOrphanedJob: what is left of jobs goes with their manifests, and so does what is remembered of them.
func TestOrphanedJob(t *testing.T) {
	withWork(t, enginetest.Behaviour{}, func(a *agent, _ *clerk) {
		stay := containers(4, "")
		a.replace(append(stay, job(""), cronJob("@hourly", "", ""))...)
		a.settle(61 * time.Minute)
		a.replace(stay...)
		a.settle(time.Minute)
		for _, s := range a.list() {
			if !strings.HasPrefix(s.Name, "shop.web") {
				t.Errorf("%s is left", s.Name)
			}
		}
		if known := newRunStore(a.opts.StateDir, logr.Discard()).keys(); len(known) > 0 {
			t.Errorf("remembered are %v", known)
		}
	})
}

// TestJobOutlivesItsContainers: what cleans up containers does not have a job run again.
func TestJobOutlivesItsContainers(t *testing.T) {
	withWork(t, enginetest.Behaviour{ExitAfter: time.Minute}, func(a *agent, c *clerk) {
		a.replace(job(""))
		a.settle(5 * time.Minute)
		a.engine.RemoveByHand("shop.migrate.0-0")
		a.settle(time.Hour)
		a.stop()
		b := a.again(job(""))
		defer b.stop()
		b.settle(time.Hour)
		if names := c.names(t); len(names) != 1 {
			t.Errorf("made were %v", names)
		}
		b.replace(object(spec.KindJob, "migrate", `template: {spec: {image: "work:1", command: [/other]}}`))
		b.settle(time.Minute)
		if n := len(b.list()); n != 1 {
			t.Errorf("another template has %d containers", n)
		}
	})
}

// TestRunStore: what is known outlives the agent, in files for its user only, and another schedule begins anew.
func TestRunStore(t *testing.T) {
	dir, start := t.TempDir(), time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	since := func(s *runStore, text string, now time.Time) time.Time {
		o := &spec.CronJob{Metadata: spec.Metadata{Name: "nightly", Namespace: "shop"}, Spec: spec.CronJobSpec{Schedule: text}}
		k := plan.Known{}
		s.tell(o, &k, now)
		return k.Runs.Since
	}
	s := newRunStore(dir, logr.Discard())
	if got := since(s, "@daily", start); !got.Equal(start) {
		t.Errorf("a new one is known since %s", got)
	}
	if err := s.note(nightly, plan.Notes{Claims: []plan.Claim{{Run: "1", Tick: start, State: plan.ClaimBegin}}}); err != nil {
		t.Fatal(err)
	}
	s = newRunStore(dir, logr.Discard())
	if got := since(s, "@daily", start.Add(time.Hour)); !got.Equal(start) {
		t.Errorf("after a restart it is known since %s", got)
	}
	if got := since(s, "@hourly", start.Add(time.Hour)); !got.Equal(start.Add(time.Hour)) {
		t.Errorf("with another schedule it is known since %s", got)
	}
	if r := s.byKey[nightly].Runs; !r.Has(start) || len(r.Pending) != 1 {
		t.Errorf("the claim is lost: %+v", r)
	}
	info, err := os.Stat(s.file(nightly))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestClockJumps(t *testing.T) {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct{ shown, passed, want time.Duration }{
		{10 * time.Second, 10 * time.Second, 0},
		{10*time.Second + time.Second/2, 10 * time.Second, 0},
		{time.Hour, 10 * time.Second, time.Hour - 10*time.Second},
		{-time.Hour, 10 * time.Second, -time.Hour - 10*time.Second},
	} {
		if got := jump(at, at.Add(tt.shown), tt.passed); got != tt.want {
			t.Errorf("%s shown in %s: a jump by %s, want %s", tt.shown, tt.passed, got, tt.want)
		}
	}
}
