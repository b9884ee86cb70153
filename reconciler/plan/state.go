package plan

import (
	"fmt"
	"slices"
	"time"

	"berth.dev/berth/spec"
)

// mendState starts a copy that should run and does not, and restarts one that has to be started anew. Docker's own restart policy
// acts first: what it restarts is left alone.
func (p *planner) mendState(w *Want, have *Container) {
	if have.State == StateRunning {
		p.mendRunning(w, have)
		return
	}
	p.keepRunning(w, have)
}

// keepRunning starts a container that should run and does not.
func (p *planner) keepRunning(w *Want, have *Container) {
	switch have.State {
	case StatePaused:
		p.act(Action{Kind: ActionStart, Target: have.Name, Repair: true, Why: []Change{{Field: "state", From: "paused", To: "running"}},
			Ops: []Op{{Verb: UnpauseContainer, Target: have.ID}}})
	case StateCreated, StateExited:
		if p.networksThere(have) && (have.StartedAt.IsZero() || restarts(w.Spec, have)) {
			p.start(w, have)
		}
	}
}

// mendRunning restarts a copy that runs and has to be started anew all the same.
func (p *planner) mendRunning(w *Want, have *Container) {
	why, grace := p.dead(&w.Spec, have)
	switch {
	case p.peersAt.After(have.StartedAt):
		p.restart(w, have, "a container whose namespace it shares was started anew", nil)
	case why != "":
		p.revive(w, have, why, grace)
	case have.StartedAt.Before(p.seen.Intent.RestartedAt) && !p.restarting():
		p.restart(w, have, "a restart was asked for", nil)
	}
}

// restarting reports whether a copy is restarted already: on request, one goes after the other.
func (p *planner) restarting() bool {
	return slices.ContainsFunc(p.Actions, func(a Action) bool { return a.Kind == ActionRestart })
}

// networksThere reports whether the networks that a copy is connected to are there: without one of them the engine cannot start it.
// Where the object refers to no network, none was looked up.
func (p *planner) networksThere(have *Container) bool {
	for name := range have.Endpoints {
		if _, there := p.seen.Networks[name]; !there && len(p.seen.Networks) > 0 {
			return false
		}
	}
	return true
}

// restart plans a stop and a start.
func (p *planner) restart(w *Want, have *Container, why string, grace *int64) {
	halt := stop(w, have)
	halt.Grace, halt.Undo = grace, &Op{Verb: StartContainer, Target: have.ID}
	p.act(Action{Kind: ActionRestart, Target: have.Name, Repair: true, Why: []Change{{Note: why}}, Ops: append([]Op{halt}, start(w, have.ID)...)})
}

// The waits between restarts of a copy that a probe says is dead are Kubernetes'. There are at most restartBudget of them within
// RestartWindow, so that one whose probe is wrong is not down all the time.
const (
	restartBackoff    = 10 * time.Second
	maxRestartBackoff = 5 * time.Minute
	restartBudget     = 5
	RestartWindow     = 10 * time.Minute
)

// revive plans the restart of a copy that a probe says is dead, now or when its backoff is over.
func (p *planner) revive(w *Want, have *Container, why string, grace *int64) {
	tries := p.seen.Memory.Restarts[have.Name]
	at, limit := nextRestart(tries)
	if !at.After(p.now) {
		p.restart(w, have, why, grace)
		return
	}
	p.block(Block{Reason: ReasonUnhealthy, Message: fmt.Sprintf("%q: %s; it was restarted %d times, and %s: next restart at %s", have.Name, why, tries.Count, limit, at.UTC().Format(retryFormat))})
	p.retryAt(at)
}

// nextRestart is when a copy may be restarted again, and what it waits for.
func nextRestart(t Tries) (at time.Time, limit string) {
	if t.Count == 0 {
		return at, ""
	}
	at = t.Last.Add(min(restartBackoff<<min(t.Count-1, 8), maxRestartBackoff))
	if over := t.First.Add(RestartWindow); t.Count >= restartBudget && over.After(at) {
		return over, fmt.Sprintf("%d restarts within %s are its budget", restartBudget, RestartWindow)
	}
	return at, "it waits longer each time"
}

// restarts reports whether a copy that has ended is to run again.
func restarts(s spec.ContainerSpec, have *Container) bool {
	switch s.RestartPolicy {
	case spec.RestartNever:
		return false
	case spec.RestartOnFailure:
		exhausted := s.MaximumRetryCount > 0 && have.RestartCount >= s.MaximumRetryCount
		return have.ExitCode != 0 && !exhausted
	}
	return true
}

// start plans a start, now or when its backoff is over.
func (p *planner) start(w *Want, have *Container) {
	at := nextStart(p.seen.Memory.Starts[have.Name], have)
	if at.After(p.now) {
		p.block(Block{Reason: ReasonCrashLoopBackOff, Message: fmt.Sprintf("%q %s; next start at %s", have.Name, Ending(have), at.UTC().Format(retryFormat))})
		p.retryAt(at)
		return
	}
	from := string(have.State)
	if have.State == StateExited {
		from = fmt.Sprintf("exited (%d)", have.ExitCode)
	}
	p.act(Action{Kind: ActionStart, Target: have.Name, Repair: true, Why: []Change{{Field: "state", From: from, To: "running"}},
		Ops: start(w, have.ID)})
}

// Ending says how a container ended.
func Ending(c *Container) string {
	switch {
	case c.Error != "":
		return "could not be started: " + c.Error
	case c.OOMKilled:
		return fmt.Sprintf("was killed for its use of memory (exit code %d)", c.ExitCode)
	}
	return fmt.Sprintf("ended with exit code %d", c.ExitCode)
}

// RecoveryTime is how long a container runs until it has recovered from its last end, by Docker's own measure.
const RecoveryTime = 10 * time.Second

// The waits between starts by the agent: the first is at once, the second after as long as Docker's own first wait, then twice as
// long each time. A stop by hand that is mended counts as well, so that the first waits have to be short.
const (
	startBackoff    = 100 * time.Millisecond
	maxStartBackoff = 5 * time.Minute
)

// nextStart is when a container may be started again.
func nextStart(t Tries, c *Container) time.Time {
	if t.Count == 0 || c.FinishedAt.Sub(c.StartedAt) >= RecoveryTime && !c.StartedAt.IsZero() && c.FinishedAt.After(t.Last) {
		return time.Time{}
	}
	wait := maxStartBackoff
	if shift := t.Count - 1; shift < 12 {
		wait = min(startBackoff<<shift, maxStartBackoff)
	}
	return t.Last.Add(wait)
}

// Recovered reports whether a container has run long enough for its starts to be forgotten.
func Recovered(c *Container, now time.Time) bool {
	return c.State == StateRunning && now.Sub(c.StartedAt) >= RecoveryTime
}

// stopAll stops what runs, because a person asked for it, and makes nothing new.
func (p *planner) stopAll(ro *rollout) {
	for _, m := range ro.members {
		for _, have := range m.all() {
			if runsNow(have) {
				p.act(Action{Kind: ActionStop, Target: have.Name, Why: []Change{{Note: "a stop was asked for"}}, Ops: []Op{stop(m.want, have)}})
			}
		}
	}
	p.Blocks = slices.DeleteFunc(p.Blocks, func(b Block) bool { return b.Reason != ReasonRolledBack })
	p.After = nil
	p.block(Block{Reason: ReasonStopped, Message: "it was stopped by hand: `berth start` starts it again"})
}
