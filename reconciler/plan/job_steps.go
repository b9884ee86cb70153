package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"berth.dev/berth/spec"
)

// indexVariable tells a container which of a job's completions it is for.
const indexVariable = "JOB_COMPLETION_INDEX"

// The waits after a failure, before the next try at the same index: Kubernetes' own.
const (
	tryBackoff    = 10 * time.Second
	maxTryBackoff = 6 * time.Minute
)

// advance plans the next steps of a job, and says how far it is.
func (b *batch) advance() *JobState {
	s := b.judge()
	switch s.Phase {
	case JobComplete, JobFailed, JobSuspended:
		b.clear(s.Phase)
	case JobActive:
		b.proceed(s)
	}
	if s.Phase == JobActive && b.deadline.After(b.now) {
		b.retryAt(b.deadline)
	}
	return s
}

// clear ends what runs of a job that is over or suspended. What is over keeps its containers for their logs; what is suspended does
// not, because the stop would count as a failure. What never ran goes.
func (b *batch) clear(phase JobPhase) {
	for _, c := range b.all {
		switch {
		case unstarted(c):
			b.remove(ActionRemove, c, "the job is over, or suspended")
		case !runsNow(c):
		case phase == JobSuspended:
			b.remove(ActionRemove, c, "suspend is true")
		default:
			b.act(Action{Kind: ActionStop, Target: c.Name, Why: []Change{{Note: "the job is " + lower(phase)}}, Ops: []Op{stop(nil, c)}})
		}
	}
}

func lower(phase JobPhase) string {
	return map[JobPhase]string{JobComplete: "complete", JobFailed: "over, and has failed"}[phase]
}

// proceed goes on with a job: what is too much goes, what was made and not started is started, and where there is room the next try
// begins.
func (b *batch) proceed(s *JobState) {
	room := b.parallelism()
	for _, index := range slices.Sorted(maps.Keys(b.byIndex)) {
		for _, a := range b.byIndex[index] {
			if room = b.goOn(index, a, room); room < 0 {
				room = 0
			}
		}
	}
	if b.queue() && s.Succeeded > 0 {
		return
	}
	for index := 0; index < b.indexes() && room > 0; index++ {
		if !b.done(index) && !b.busy(index) && b.begin(index, s) {
			room--
		}
	}
}

// goOn keeps a container that is at work, and returns how many more may be.
func (b *batch) goOn(index int, a attempt, room int) int {
	if !runsNow(a.Container) && !unstarted(a.Container) {
		return room
	}
	switch {
	case index >= b.indexes() || b.done(index):
		b.remove(ActionRemove, a.Container, fmt.Sprintf("index %d is not wanted any more", index))
		return room
	case room <= 0:
		b.remove(ActionRemove, a.Container, fmt.Sprintf("parallelism is %d", b.parallelism()))
	case unstarted(a.Container):
		b.startAgain(a)
	default:
		b.mendLimits(a)
	}
	return room - 1
}

func (b *batch) startAgain(a attempt) {
	b.act(Action{Kind: ActionStart, Target: a.Name, Why: []Change{{Note: "it was made and not started"}}, Ops: []Op{{Verb: StartContainer, Target: a.ID}}})
}

// mendLimits changes the limits of a container that runs. Its restart policy has what was left of the backoffLimit when it was made.
func (b *batch) mendLimits(a attempt) {
	w := b.template.want(0)
	if a.Labels[spec.LabelApplied] != w.Revision {
		return
	}
	diffs := diff(w, a.Container, b.imageOf(a.Container), b.seen.Engine)
	b.mend(w, a.Container, slices.DeleteFunc(diffs, func(d difference) bool { return d.row.path == "restartPolicy" }))
}

// busy reports whether a try at an index is under way.
func (b *batch) busy(index int) bool {
	return slices.ContainsFunc(b.byIndex[index], func(a attempt) bool { return runsNow(a.Container) || unstarted(a.Container) })
}

// begin plans the next try at an index, and reports whether it could.
func (b *batch) begin(index int, s *JobState) bool {
	if at, last := b.nextTry(index); at.After(b.now) {
		b.block(Block{Reason: ReasonCrashLoopBackOff, Message: fmt.Sprintf("%q %s; next try at %s", last.Name, Ending(last.Container), at.UTC().Format(time.RFC3339))})
		b.retryAt(at)
		return false
	}
	w := b.tryWant(index, b.backoffLimit()-s.Failures)
	if taken, there := b.seen.Names[w.Name]; there {
		b.block(Block{Reason: ReasonNameTaken, Message: fmt.Sprintf("container %q (%s) has the name of the next try: remove or rename it", w.Name, short(taken.ID))})
		return false
	}
	if !b.prepare(w) {
		return false
	}
	why := fmt.Sprintf("try %d of index %d", b.tries(index)+1, index)
	b.act(Action{Kind: ActionCreate, Target: w.Name, Why: []Change{{Note: why}}, Ops: append([]Op{createOp(w, w.Name, nil)}, startTry(w)...), Revision: w.attempt})
	return true
}

// startTry starts a try. Where its hook fails it goes, and is made again: stopped, it could look as if it had succeeded.
func startTry(w *Want) []Op {
	ops := start(w, w.Name)
	if ops[0].Undo != nil {
		ops[0].Undo = &Op{Verb: RemoveContainer, Target: w.Name}
	}
	return ops
}

// tries is the number of the next try at an index: one more than that of any there is, so that its name is free.
func (b *batch) tries(index int) (next int) {
	for _, a := range b.byIndex[index] {
		next = max(next, a.try+1)
	}
	return next
}

// nextTry is when an index may be tried again, and after what failure. A failure that is in the future by a clock that was set back
// is no reason to wait.
func (b *batch) nextTry(index int) (at time.Time, last attempt) {
	failed := 0
	for _, a := range b.byIndex[index] {
		if n := failures(a.Container); n > 0 {
			failed += n
			if last.Container == nil || endOf(a.Container).After(endOf(last.Container)) {
				last = a
			}
		}
	}
	if failed == 0 || endOf(last.Container).After(b.now) {
		return time.Time{}, last
	}
	wait := maxTryBackoff
	if shift := failed - 1; shift < 6 {
		wait = min(tryBackoff<<shift, maxTryBackoff)
	}
	return endOf(last.Container).Add(wait), last
}

// tryWant is the next try at an index; left is how many more failures there may be. Its record is the template's.
func (b *batch) tryWant(index, left int) *Want {
	w := b.template.want(0)
	id := Identity{Key: b.Key, Ordinal: index, Run: b.run, Try: b.tries(index)}
	w.Name, w.Ordinal = id.Name(), index
	w.Labels[spec.LabelKind], w.Labels[spec.LabelOrdinal], w.Labels[spec.LabelTry] = string(b.Key.Kind), strconv.Itoa(index), strconv.Itoa(id.Try)
	if b.run != "" {
		w.Labels[spec.LabelRun] = b.run
	}
	env := slices.DeleteFunc(slices.Clone(w.Spec.Env), func(e spec.EnvVar) bool { return e.Name == indexVariable })
	w.Spec.Env = append(env, spec.EnvVar{Name: indexVariable, Value: strconv.Itoa(index)})
	if w.Spec.RestartPolicy == spec.RestartOnFailure && left > 0 {
		w.Spec.MaximumRetryCount = left
	} else {
		w.Spec.RestartPolicy, w.Spec.MaximumRetryCount = spec.RestartNever, 0
	}
	return w
}
