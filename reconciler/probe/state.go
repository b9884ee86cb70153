package probe

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"reflect"
	"slices"
	"time"

	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// kind is one of a container's three probes.
type kind int

const (
	startup kind = iota
	liveness
	readiness
)

func (k kind) String() string {
	return [...]string{"startupProbe", "livenessProbe", "readinessProbe"}[k]
}

// watched is a container since a start of it.
type watched struct {
	key     spec.Key
	target  Target
	probes  [3]*asking // by kind; nil where there is none
	started bool       // the startup probe has succeeded, or there is none
	fresh   bool       // it has started a moment ago, by its startup probe
	ready   bool       // by the readiness probe; as started where there is none
	since   time.Time  // since when it is ready, or is not
}

// asking is one probe of a container. It is in the wheel, in a lane, or in flight; and in none of them when it is over.
type asking struct {
	timer    timer
	of       *watched
	kind     kind
	probe    *spec.Probe
	question *question
	due      time.Time
	last     answer // of which the zero value is none
	passing  bool   // whether the answers in a row are successes
	run      int    // answers in a row
	over     bool   // not asked any more
	dead     string // the verdict of a startup or liveness probe
}

func newWatched(p *Prober, key spec.Key, t Target) *watched {
	w := &watched{key: key, since: t.StartedAt}
	w.become(p, t)
	return w
}

// probesOf gives the probes of a target that the agent asks.
func probesOf(t *Target) [3]*spec.Probe {
	all := [3]*spec.Probe{startup: t.Startup, liveness: t.Liveness, readiness: t.Readiness}
	for i, p := range all {
		if p != nil && p.DockerHealth != nil {
			all[i] = nil
		}
	}
	return all
}

// become makes the container's probes those of a target, and begins with those that are new.
func (w *watched) become(p *Prober, t Target) {
	moved := w.target.Address != t.Address || !reflect.DeepEqual(w.target.Ports, t.Ports)
	w.target = t
	for k, probe := range probesOf(&w.target) {
		old := w.probes[k]
		if old != nil && !moved && reflect.DeepEqual(old.probe, probe) {
			continue
		}
		w.retire(p, old)
		w.probes[k] = nil
		if probe != nil {
			w.probes[k] = &asking{of: w, kind: kind(k), probe: probe, question: prepare(t, probe)}
		}
		if kind(k) == readiness {
			w.setReady(probe == nil && w.started)
		}
	}
	if w.started {
		w.begin(p, liveness, readiness)
		return
	}
	if w.probes[startup] == nil {
		w.start(p, t.StartedAt)
		return
	}
	w.begin(p, startup)
}

func (w *watched) retire(p *Prober, a *asking) {
	if a != nil {
		a.over = true
		p.wheel.remove(&a.timer)
	}
}

func (w *watched) end(p *Prober) {
	for _, a := range w.probes {
		w.retire(p, a)
	}
}

// start is the success of the startup probe, or that there is none: the others begin.
func (w *watched) start(p *Prober, at time.Time) {
	w.started = true
	if w.probes[readiness] == nil {
		w.ready, w.since = true, at
	}
	w.begin(p, liveness, readiness)
}

func (w *watched) setReady(ready bool) {
	if w.ready != ready {
		w.ready, w.since = ready, time.Now()
	}
}

// begin puts probes into the wheel that have never been there.
func (w *watched) begin(p *Prober, kinds ...kind) {
	for _, k := range kinds {
		if a := w.probes[k]; a != nil && a.due.IsZero() {
			a.due = a.first(time.Now())
			p.enter(a)
		}
	}
}

func (p *Prober) enter(a *asking) {
	a.timer.probe = a
	p.wheel.add(&a.timer, a.due)
}

// spread is over how long the first probes of containers are spread that the agent finds running.
const spread = time.Second

// first is when a probe is asked first. Kubelet, too, spreads probes at random when it has just started; here a container always has
// the same place, and one that has only just begun does not wait.
func (a *asking) first(now time.Time) time.Time {
	due := a.of.target.StartedAt.Add(time.Duration(a.probe.InitialDelaySeconds) * time.Second)
	most := min(spread, a.period())
	switch late := now.Sub(due); {
	case a.of.fresh:
		return latest(due, now)
	case late < 0:
		return due
	case late < most:
		return now
	}
	h := fnv.New64a()
	fmt.Fprint(h, a.of.target.ID, a.kind)
	return now.Add(time.Duration(h.Sum64() % uint64(most)))
}

func (a *asking) period() time.Duration {
	return time.Duration(cmp.Or(a.probe.PeriodSeconds, 10)) * time.Second
}

// threshold is how many answers in a row count as one.
func (a *asking) threshold() int {
	if !a.passing {
		return int(cmp.Or(a.probe.FailureThreshold, 3))
	}
	return int(cmp.Or(a.probe.SuccessThreshold, 1))
}

// settle takes an answer in and reports whether what the container's probes say has changed; doProbe in Kubernetes'
// pkg/kubelet/prober/worker.go has the rules.
func (a *asking) settle(p *Prober, got answer) (changed bool) {
	if a.over {
		return false
	}
	w := a.of
	before := w.probed(answer.gist)
	a.last = got
	if got.result != unasked { // what could not be asked says nothing
		a.count(got.result == success)
		if a.run >= a.threshold() {
			a.verdict(p)
		}
	}
	if !a.over {
		a.due = latest(a.due.Add(a.period()), time.Now())
		p.enter(a)
	}
	return w.probed(answer.gist) != before
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (a *asking) count(passing bool) {
	if passing != a.passing {
		a.run = 0
	}
	a.passing = passing
	a.run++
}

// verdict is what enough answers in a row mean.
func (a *asking) verdict(p *Prober) {
	switch {
	case a.kind == readiness:
		a.of.setReady(a.passing)
	case !a.passing:
		a.over, a.dead = true, fmt.Sprintf("%s failed %d times: %s", a.kind, a.run, a.last.full())
	case a.kind == startup:
		a.over, a.of.fresh = true, true
		a.of.start(p, time.Now())
	}
}

// probed is what all of the container's probes say together; text tells an answer.
func (w *watched) probed(text func(answer) string) plan.Probed {
	out := plan.Probed{StartedAt: w.target.StartedAt, Started: w.started, Asked: w.asked(), Ready: w.ready, Since: w.since, Message: w.message(text)}
	for _, a := range slices.Backward(w.probes[:]) {
		if a != nil && a.dead != "" {
			out.Dead, out.Grace = a.dead, a.probe.TerminationGracePeriodSeconds
		}
	}
	return out
}

// asked reports whether there was an answer to what decides whether the container is ready, or nothing does.
func (w *watched) asked() bool {
	k := readiness
	if !w.started {
		k = startup
	}
	return w.probes[k] == nil || w.probes[k].last.result != none
}

// message says why the container is not ready.
func (w *watched) message(text func(answer) string) string {
	k := readiness
	switch {
	case w.ready:
		return ""
	case !w.started:
		k = startup
	}
	a := w.probes[k]
	switch a.last.result {
	case none:
		return fmt.Sprintf("%s has not been answered yet", k)
	case unasked:
		return fmt.Sprintf("%s cannot be asked: %s", k, text(a.last))
	case failure:
		return fmt.Sprintf("%s failed: %s", k, text(a.last))
	}
	return fmt.Sprintf("%s has to succeed %d times in a row", k, a.threshold())
}
