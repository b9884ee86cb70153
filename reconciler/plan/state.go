package plan

import (
	"fmt"
	"time"

	"berth.dev/berth/spec"
)

// mendState starts a copy that should run and does not. Docker's own restart policy acts first: what it restarts is left alone.
func (p *planner) mendState(w *Want, have *Container) {
	switch have.State {
	case StateRunning:
		if p.peersAt.After(have.StartedAt) {
			p.rejoin(have)
		}
	case StatePaused:
		p.act(Action{Kind: ActionStart, Target: have.Name, Repair: true, Why: []Change{{Field: "state", From: "paused", To: "running"}},
			Ops: []Op{{Verb: UnpauseContainer, Target: have.ID}}})
	case StateCreated, StateExited:
		if p.networksThere(have) && (have.StartedAt.IsZero() || restarts(w.Spec, have)) {
			p.start(have)
		}
	}
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

// rejoin restarts a copy that is in the namespace of a container as it was before that one's last start: nothing reaches it there.
func (p *planner) rejoin(have *Container) {
	p.act(Action{Kind: ActionStart, Target: have.Name, Repair: true, Why: []Change{{Note: "a container whose namespace it shares was started anew"}},
		Ops: []Op{{Verb: StopContainer, Target: have.ID, Undo: &Op{Verb: StartContainer, Target: have.ID}}, {Verb: StartContainer, Target: have.ID}}})
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
func (p *planner) start(have *Container) {
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
		Ops: []Op{{Verb: StartContainer, Target: have.ID}}})
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
