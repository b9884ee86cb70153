package reconciler

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// The further types of condition that a Job has, as in Kubernetes.
const (
	Complete  = "Complete"
	Failed    = "Failed"
	Suspended = "Suspended"
)

// ReasonScheduled is the reason of a CronJob that waits for its next tick, or whose runs go on.
const ReasonScheduled = "Scheduled"

// JobStatus counts the containers of a Job, or the runs of a CronJob that are kept.
type JobStatus struct {
	Active    int `json:"active"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	// Completions is how many runs of a Job have to succeed.
	Completions int `json:"completions,omitempty"`
	// StartTime and CompletionTime are of Jobs.
	StartTime      *time.Time `json:"startTime,omitempty"`
	CompletionTime *time.Time `json:"completionTime,omitempty"`
	// LastScheduleTime and NextScheduleTime are of CronJobs: the tick that was begun last, and the one that is begun next.
	LastScheduleTime *time.Time `json:"lastScheduleTime,omitempty"`
	NextScheduleTime *time.Time `json:"nextScheduleTime,omitempty"`
	// ActiveRuns are the runs of a CronJob that are not over.
	ActiveRuns []string `json:"activeRuns,omitempty"`
}

// jobStatus describes a Job or CronJob, and reports whether the object is one.
func (s *Status) jobStatus(object spec.Object, p Pass, synced Condition, now time.Time) bool {
	switch o := object.(type) {
	case *spec.Job:
		s.describeJob(p.Left.Job, synced, now)
	case *spec.CronJob:
		s.describeCronJob(o, p.Left.Cron, synced, now)
	default:
		return false
	}
	s.Containers, s.Restarts = runStatuses(object.Key(), p), 0
	for _, c := range s.Containers {
		s.Restarts += c.Restarts
	}
	return true
}

func (s *Status) describeJob(j *plan.JobState, synced Condition, now time.Time) {
	if j == nil {
		return
	}
	s.Job = &JobStatus{Active: j.Active, Succeeded: j.Succeeded, Failed: j.Failures, Completions: j.Completions,
		StartTime: timeOrNil(j.Started), CompletionTime: timeOrNil(j.Finished)}
	for kind, phase := range map[string]plan.JobPhase{Complete: plan.JobComplete, Failed: plan.JobFailed, Suspended: plan.JobSuspended} {
		s.setWhereTrue(Condition{Type: kind, Status: j.Phase == phase, Reason: cmp.Or(string(j.Reason), string(j.Phase)), Message: j.Message}, now)
	}
	s.Set(jobReady(j, synced), now)
}

// setWhereTrue puts a condition in place that is not there as long as it does not hold, as Kubernetes has those of a Job.
func (s *Status) setWhereTrue(c Condition, now time.Time) {
	if c.Status {
		s.Set(c, now)
		return
	}
	s.Conditions = slices.DeleteFunc(s.Conditions, func(old Condition) bool { return old.Type == c.Type })
}

// jobReady says whether a Job is complete, which is all that others may wait for.
func jobReady(j *plan.JobState, synced Condition) Condition {
	ready := Condition{Type: Ready, Reason: "Progressing", Message: fmt.Sprintf("%d of %d succeeded, %d active, %d failed", j.Succeeded, j.Completions, j.Active, j.Failures)}
	switch {
	case j.Phase == plan.JobComplete:
		ready.Status, ready.Reason, ready.Message = true, ReasonCompleted, ""
	case j.Phase == plan.JobFailed:
		ready.Reason, ready.Message = string(j.Reason), j.Message
	case j.Phase == plan.JobSuspended:
		ready.Reason, ready.Message = Suspended, "suspend is true"
	case !synced.Status:
		ready.Reason, ready.Message = synced.Reason, synced.Message
	}
	return ready
}

func (s *Status) describeCronJob(o *spec.CronJob, c *plan.CronState, synced Condition, now time.Time) {
	if c == nil {
		return
	}
	s.Job = &JobStatus{LastScheduleTime: timeOrNil(c.Last), NextScheduleTime: timeOrNil(c.Next)}
	for _, r := range c.Runs {
		switch {
		case !r.Ended():
			s.Job.Active++
			s.Job.ActiveRuns = append(s.Job.ActiveRuns, r.Run)
		case r.Phase == plan.JobComplete:
			s.Job.Succeeded++
		default:
			s.Job.Failed++
		}
	}
	s.setWhereTrue(Condition{Type: Suspended, Status: o.Spec.Suspend, Reason: Suspended, Message: "suspend is true"}, now)
	ready := synced
	if ready.Type = Ready; ready.Status {
		ready.Reason = ReasonScheduled
	}
	if last := lastEnded(c); ready.Status && last != nil && last.Phase == plan.JobFailed {
		ready.Message = fmt.Sprintf("the last run, %s, has failed: %s", last.Run, last.Message)
	}
	s.Set(ready, now)
}

func lastEnded(c *plan.CronState) *plan.JobState {
	for _, r := range slices.Backward(c.Runs) {
		if r.Ended() {
			return r
		}
	}
	return nil
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// runStatuses lists the containers of a job. One is ready that runs, or has succeeded.
func runStatuses(key spec.Key, p Pass) (out []ContainerStatus) {
	for i := range p.After.Containers {
		have := &p.After.Containers[i]
		if id, ours := plan.Owner(have.Summary); !ours || id.Key != key {
			continue
		}
		status := containerStatus(have)
		status.Ready = have.State == plan.StateRunning || have.State == plan.StateExited && have.ExitCode == 0
		out = append(out, status)
	}
	slices.SortFunc(out, func(a, b ContainerStatus) int { return strings.Compare(a.Name, b.Name) })
	return out
}
