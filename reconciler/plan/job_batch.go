package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"berth.dev/berth/spec"
)

// batch is a job on its way to its end: a Job's, or one run of a CronJob. All that is known of it its containers show.
type batch struct {
	*planner
	spec      *spec.JobSpec
	template  *resolved
	run       string // of a CronJob
	suspended bool
	all       []*Container
	byIndex   map[int][]attempt
	begun     time.Time // when the first container was made; zero where there is none
	deadline  time.Time // when what runs is stopped; zero for never
}

// attempt is one try at one index.
type attempt struct {
	*Container
	try int
}

// newBatch gathers the containers of a job, whatever their names: they are known by their labels.
func (p *planner) newBatch(j *spec.JobSpec, template *resolved, run string) *batch {
	b := &batch{planner: p, spec: j, template: template, run: run, byIndex: map[int][]attempt{}}
	for i := range p.seen.Containers {
		c := &p.seen.Containers[i]
		if id, ours := proven(c.Summary); ours && id.Key == p.Key && id.Run == run {
			b.all = append(b.all, c)
			b.byIndex[id.Ordinal] = append(b.byIndex[id.Ordinal], attempt{c, id.Try})
			if b.begun.IsZero() || c.CreatedAt.Before(b.begun) {
				b.begun = c.CreatedAt
			}
		}
	}
	if j.ActiveDeadlineSeconds != nil && len(b.all) > 0 {
		b.deadline = b.begun.Add(time.Duration(*j.ActiveDeadlineSeconds) * time.Second)
	}
	slices.SortFunc(b.all, func(a, c *Container) int { return cmp.Or(strings.Compare(a.Name, c.Name), strings.Compare(a.ID, c.ID)) })
	return b
}

// queue reports whether the containers are workers of a queue: then one success is enough, and no run is begun after it.
func (b *batch) queue() bool { return b.spec.Completions == nil }

func (b *batch) completions() int {
	if b.queue() {
		return 1
	}
	return int(*b.spec.Completions)
}

func (b *batch) parallelism() int { return valueOr(b.spec.Parallelism, 1) }

// indexes is how many indexes there are.
func (b *batch) indexes() int {
	if b.queue() {
		return b.parallelism()
	}
	return b.completions()
}

func (b *batch) backoffLimit() int { return valueOr(b.spec.BackoffLimit, 6) }

func valueOr(p *int32, value int) int {
	if p == nil {
		return value
	}
	return int(*p)
}

// unstarted reports whether a container was made and its start not tried yet, as when the agent was killed in between.
func unstarted(c *Container) bool { return c.State == StateCreated && c.Error == "" && c.ExitCode == 0 }

// ended reports whether a container is done, one way or the other.
func ended(c *Container) bool {
	return c.State == StateExited || c.State == StateDead || c.State == StateCreated && !unstarted(c)
}

// failures counts the failures of a container: its end, and those after which the engine restarted it.
func failures(c *Container) int {
	if ended(c) && !(c.State == StateExited && c.ExitCode == 0) {
		return c.RestartCount + 1
	}
	return c.RestartCount
}

// succeeded reports whether a container did its work in time. One that is stopped at the deadline may end as if it had.
func (b *batch) succeeded(c *Container) bool {
	return c.State == StateExited && c.ExitCode == 0 && (b.deadline.IsZero() || c.FinishedAt.Before(b.deadline))
}

// done reports whether an index has succeeded.
func (b *batch) done(index int) bool {
	return slices.ContainsFunc(b.byIndex[index], func(a attempt) bool { return b.succeeded(a.Container) })
}

// judge says how far the job is, by its containers.
func (b *batch) judge() *JobState {
	s := &JobState{Phase: JobActive, Run: b.run, Completions: b.completions(), Started: b.begun}
	for _, c := range b.all {
		s.Failures += failures(c)
		if runsNow(c) {
			s.Active++
		}
		if ended(c) {
			s.Finished = later(s.Finished, endOf(c))
		}
	}
	for index := range b.byIndex {
		if index < b.indexes() && b.done(index) {
			s.Succeeded++
		}
	}
	b.conclude(s)
	if s.Active > 0 || s.Phase == JobActive {
		s.Finished = time.Time{}
	}
	return s
}

// conclude says whether the job is over. A failure that was one too many stays one whatever its siblings, which are stopped then, do.
func (b *batch) conclude(s *JobState) {
	enough := s.Succeeded >= s.Completions
	switch {
	case s.Failures > b.backoffLimit():
		s.Phase, s.Reason = JobFailed, ReasonBackoffLimit
		s.Message = fmt.Sprintf("%d failures, and backoffLimit is %d: %s", s.Failures, b.backoffLimit(), b.lastFailure())
	case enough && (!b.queue() || s.Active == 0):
		s.Phase = JobComplete
		if s.Completions == 0 {
			s.Finished = later(s.Finished, b.now)
		}
	case !b.deadline.IsZero() && !b.deadline.After(b.now):
		s.Phase, s.Reason = JobFailed, ReasonDeadline
		s.Message = fmt.Sprintf("it was not complete within activeDeadlineSeconds, %d", *b.spec.ActiveDeadlineSeconds)
		s.Finished = later(s.Finished, b.deadline)
	case b.suspended:
		s.Phase = JobSuspended
	}
}

// lastFailure tells of the failure that came last.
func (b *batch) lastFailure() string {
	var last *Container
	for _, c := range b.all {
		if failures(c) > 0 && (last == nil || endOf(c).After(endOf(last))) {
			last = c
		}
	}
	if last == nil {
		return ""
	}
	return fmt.Sprintf("%q %s", last.Name, Ending(last))
}

// endOf is when a container ended; one that could not be started, when it was made.
func endOf(c *Container) time.Time {
	if c.FinishedAt.IsZero() {
		return c.CreatedAt
	}
	return c.FinishedAt
}
