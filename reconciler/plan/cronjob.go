package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"berth.dev/berth/reconciler/schedule"
	"berth.dev/berth/spec"
)

// CronState is how the runs of a CronJob are getting on.
type CronState struct {
	// Runs are those whose containers are there, the oldest first.
	Runs []*JobState
	// Last is the tick that was begun last, and Next the one that is begun next; zero where there is none.
	Last, Next time.Time
}

// Active counts the runs that are not over.
func (s *CronState) Active() (n int) {
	for _, r := range s.Runs {
		if !r.Ended() {
			n++
		}
	}
	return n
}

// cron plans the runs of a CronJob.
type cron struct {
	*planner
	spec     *spec.CronJobSpec
	template *resolved
	schedule *schedule.Schedule
	known    Runs
	runs     map[string]*batch
	state    *CronState
}

// cronJob plans a CronJob: first what there is of its runs, then those that are to begin, then what is kept of those that are over.
//
// A run begins in two steps, so that no crash in between has it begun twice or not at all: its tick is claimed, which is remembered
// before anything is done; and what is claimed and has no container yet is made. A claim ends when a container is seen.
func (p *planner) cronJob(c *spec.CronJob) {
	job := &c.Spec.JobTemplate.Spec
	cr := &cron{planner: p, spec: &c.Spec, template: p.template(&c.Metadata, job), known: p.seen.Runs, runs: map[string]*batch{}, state: &CronState{Last: p.seen.Runs.Last}}
	p.Cron = cr.state
	for _, run := range p.runNames() {
		cr.advance(run)
	}
	cr.noteSeen()
	for _, run := range cr.known.Manual {
		cr.beginManual(run)
	}
	cr.followSchedule(c)
	cr.trim()
	if len(p.Actions) == 0 && p.Notes.Empty() {
		p.After = nil // it waits for its time, and not for a network
	}
}

// runNames lists the runs of which there are containers.
func (p *planner) runNames() []string {
	runs := map[string]bool{}
	for i := range p.seen.Containers {
		if id, ours := proven(p.seen.Containers[i].Summary); ours && id.Key == p.Key {
			runs[id.Run] = true
		}
	}
	return slices.Sorted(maps.Keys(runs))
}

// advance goes on with a run, or begins it.
func (c *cron) advance(run string) *JobState {
	b := c.newBatch(&c.spec.JobTemplate.Spec, c.template, run)
	s := b.advance()
	if len(b.all) > 0 {
		c.runs[run] = b
		c.state.Runs = append(c.state.Runs, s)
		slices.SortStableFunc(c.state.Runs, func(a, b *JobState) int { return cmp.Or(a.Started.Compare(b.Started), strings.Compare(a.Run, b.Run)) })
	}
	return s
}

// noteSeen claims the runs for good of which there is a container. One that is not claimed was begun before what is known was lost.
func (c *cron) noteSeen() {
	for _, run := range slices.Sorted(maps.Keys(c.runs)) {
		if !c.settled(run) {
			c.claim(run, ClaimSeen, "")
		}
	}
}

// settled reports whether a run can never begin again, be its containers there or not.
func (c *cron) settled(run string) bool {
	if tick, ok := schedule.TickOf(run); ok {
		return c.known.Has(tick) && !c.known.pending(tick)
	}
	return !slices.Contains(c.known.Manual, run)
}

func (c *cron) claim(run string, state ClaimState, why string) {
	claim := Claim{Run: run, State: state, Why: why}
	if tick, ok := schedule.TickOf(run); ok {
		claim.Tick = tick
		if c.schedule != nil {
			claim.After = c.schedule.Last(c.known.Since, tick.Add(-time.Nanosecond))
		}
	}
	c.Notes.Claims = append(c.Notes.Claims, claim)
}

// beginManual begins a run that was asked for by hand, whatever the schedule.
func (c *cron) beginManual(run string) {
	if c.runs[run] == nil {
		c.advance(run)
	}
}

// followSchedule begins the run that is due, and says when the next is.
func (c *cron) followSchedule(object *spec.CronJob) {
	s, err := schedule.Parse(c.spec.Schedule, c.spec.TimeZone, c.known.Since)
	if err != nil {
		c.block(Block{Reason: ReasonInvalidSchedule, Message: err.Error()})
		return
	}
	if c.schedule = s; c.known.Since.IsZero() {
		return // nothing is due before it is known since when
	}
	tick := s.Last(c.known.Since, c.now)
	c.dropOlder(tick)
	if !tick.IsZero() && !c.setBack() {
		c.consider(tick)
	}
	c.state.Next = c.next()
	if c.spec.Suspend {
		c.state.Next = time.Time{}
	} else if !c.state.Next.IsZero() {
		c.retryAt(c.state.Next)
	}
}

// smallSetback is by how much clocks are corrected in the ordinary course of things.
const smallSetback = 10 * time.Minute

// setBack reports whether the next tick was claimed already, by a clock that was a little ahead. What was missed before that one is not
// made up for then: it was decided against when that one was claimed.
func (c *cron) setBack() bool {
	next := c.schedule.Next(c.now)
	return !next.IsZero() && next.Sub(c.now) <= smallSetback && c.known.Has(next)
}

// next is the first tick after now that is not claimed already, by a clock that was ahead.
func (c *cron) next() time.Time {
	tick := c.schedule.Next(c.now)
	for !tick.IsZero() {
		span := c.known.span(tick)
		if span == nil {
			break
		}
		tick = c.schedule.Next(span.Last)
	}
	return tick
}

// dropOlder gives up runs that did not begin before a later one was due.
func (c *cron) dropOlder(tick time.Time) {
	for _, old := range c.known.Pending {
		if run := schedule.RunName(old); old.Before(tick) && c.runs[run] == nil {
			c.claim(run, ClaimSkip, "it had not begun when another was due")
		}
	}
}

// consider begins the run of the last tick, where it is to begin.
func (c *cron) consider(tick time.Time) {
	run, pending := schedule.RunName(tick), c.known.pending(tick)
	late := c.now.Sub(tick)
	switch {
	case c.runs[run] != nil || c.known.Has(tick) && !pending || c.spec.Suspend:
		return
	case c.spec.StartingDeadlineSeconds != nil && late > time.Duration(*c.spec.StartingDeadlineSeconds)*time.Second:
		c.claim(run, ClaimSkip, fmt.Sprintf("it is %s late, and startingDeadlineSeconds is %d", late.Round(time.Second), *c.spec.StartingDeadlineSeconds))
		return
	case c.state.Active() > 0 && c.spec.ConcurrencyPolicy == spec.ConcurrencyForbid:
		c.claim(run, ClaimSkip, fmt.Sprintf("run %s goes on, and concurrencyPolicy is Forbid", c.active()))
		return
	case c.state.Active() > 0 && c.spec.ConcurrencyPolicy == spec.ConcurrencyReplace:
		c.replace()
		return
	}
	c.begin(run, pending)
}

// begin begins a run. Nothing is claimed for what cannot begin yet: it is looked at again, until another is due or it is too late.
func (c *cron) begin(run string, pending bool) {
	before := len(c.Actions)
	c.advance(run)
	if !pending && len(c.Actions) > before && len(c.After) == 0 {
		c.claim(run, ClaimBegin, "")
	}
}

// active names a run that is not over.
func (c *cron) active() string {
	for _, s := range c.state.Runs {
		if !s.Ended() {
			return s.Run
		}
	}
	return ""
}

// replace removes the runs that are not over; once they are gone, what is due begins.
func (c *cron) replace() {
	c.Actions = slices.DeleteFunc(c.Actions, func(a Action) bool { return a.Kind == ActionCreate || a.Kind == ActionStart || a.Kind == ActionPull })
	for _, s := range c.state.Runs {
		if s.Ended() {
			continue
		}
		for _, have := range c.runs[s.Run].all {
			c.remove(ActionRemove, have, "another run is due, and concurrencyPolicy is Replace")
		}
	}
}

// trim removes the runs that are too many of those that are over. Only what can never begin again goes.
func (c *cron) trim() {
	keep := map[JobPhase]int{JobComplete: valueOr(c.spec.SuccessfulJobsHistoryLimit, 3), JobFailed: valueOr(c.spec.FailedJobsHistoryLimit, 1)}
	names := map[JobPhase]string{JobComplete: "successfulJobsHistoryLimit", JobFailed: "failedJobsHistoryLimit"}
	limits := maps.Clone(keep)
	for _, s := range slices.Backward(c.state.Runs) {
		if !s.Ended() || !c.settled(s.Run) {
			continue
		}
		if keep[s.Phase]--; keep[s.Phase] >= 0 {
			continue
		}
		for _, have := range c.runs[s.Run].all {
			c.remove(ActionRemove, have, fmt.Sprintf("%s is %d", names[s.Phase], limits[s.Phase]))
		}
	}
}
