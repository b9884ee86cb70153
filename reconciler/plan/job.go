package plan

import (
	"fmt"
	"time"

	"berth.dev/berth/spec"
)

// JobPhase is how far a job is.
type JobPhase string

// The phases of a job.
const (
	JobActive    JobPhase = "Active"
	JobSuspended JobPhase = "Suspended"
	JobComplete  JobPhase = "Complete"
	JobFailed    JobPhase = "Failed" // for good
)

// The reasons of a job that has failed, Kubernetes' own.
const (
	ReasonBackoffLimit Reason = "BackoffLimitExceeded"
	ReasonDeadline     Reason = "DeadlineExceeded"
)

// JobState is how a Job, or one run of a CronJob, is getting on.
type JobState struct {
	Phase   JobPhase
	Reason  Reason // of JobFailed
	Message string // what it waits for, or why it has failed
	Run     string // of a CronJob
	// Active are containers that run, Succeeded the completions that there are of Completions, and Failures the tries that failed.
	Active, Succeeded, Failures int
	Completions                 int
	Started, Finished           time.Time // zero for not yet
}

// Ended reports whether a job is over, and nothing of it runs any more.
func (s *JobState) Ended() bool {
	return s.Active == 0 && (s.Phase == JobComplete || s.Phase == JobFailed)
}

// job plans a Job. It runs once for each revision of its template, and what its containers do not show any more is known from Done.
func (p *planner) job(j *spec.Job) {
	b := p.newBatch(&j.Spec, p.template(&j.Metadata, &j.Spec), "")
	b.suspended = j.Spec.Suspend
	switch done := p.seen.Done; {
	case !p.obstructed && b.retire(): // else what the record says of references is not true
		p.Job = &JobState{Phase: JobActive, Completions: b.completions(), Message: "containers of another revision are removed first"}
		return
	case done != nil && !p.obstructed && sameRevision(done.Revision, b.template.Revision):
		p.After = nil // nothing is made any more
		p.Job = b.remembered(done)
		b.clear(p.Job.Phase)
		p.expire(&j.Spec, done, b)
		return
	}
	p.Job = b.advance()
	if p.Job.Ended() {
		p.After = nil
	}
	if p.Job.Ended() && !p.obstructed {
		p.Notes.Done = &Finished{Revision: b.template.Revision, At: p.Job.Finished, Failed: p.Job.Phase == JobFailed, Reason: p.Job.Reason, Message: p.Job.Message}
	}
}

// template resolves the container of a job.
func (p *planner) template(m *spec.Metadata, j *spec.JobSpec) *resolved {
	s := j.Template.Spec
	if len(s.InitContainers) > 0 {
		p.obstruct(Block{Reason: ReasonUnsupported, Message: "this version of berth runs no initContainers in a job: make them a Job of their own, and depend on it"})
	}
	return p.resolve(&spec.Container{Metadata: *m, Spec: s})
}

// remembered is the state of a Job that has ended.
func (b *batch) remembered(d *Finished) *JobState {
	s := b.judge()
	s.Phase, s.Reason, s.Message, s.Finished = JobComplete, d.Reason, d.Message, d.At
	if d.Failed {
		s.Phase = JobFailed
		return s
	}
	s.Succeeded = s.Completions
	return s
}

// expire removes the containers of a Job some time after its end.
func (p *planner) expire(j *spec.JobSpec, d *Finished, b *batch) {
	if j.TTLSecondsAfterFinished == nil || len(b.all) == 0 {
		return
	}
	at := d.At.Add(time.Duration(*j.TTLSecondsAfterFinished) * time.Second)
	if at.After(p.now) {
		p.retryAt(at)
		return
	}
	for _, c := range b.all {
		p.remove(ActionRemove, c, fmt.Sprintf("ttlSecondsAfterFinished is %d", *j.TTLSecondsAfterFinished))
	}
}

// retire removes the containers of other revisions, and reports whether there are any.
func (b *batch) retire() (any bool) {
	for _, c := range b.all {
		if !sameRevision(c.Labels[spec.LabelApplied], b.template.Revision) {
			b.remove(ActionRemove, c, "its template is another now")
			any = true
		}
	}
	return any
}

// sameRevision compares records. One that another version of berth made is of the same revision: berth's own upgrade runs nothing
// again.
func sameRevision(label, revision string) bool {
	_, comparable := parseRecord(label)
	return label == revision || !comparable
}
