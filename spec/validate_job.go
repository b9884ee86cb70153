package spec

import (
	"math"
	"time"
	_ "time/tzdata" // so that a time zone is right or wrong everywhere, also on hosts that have no list of them

	"k8s.io/apimachinery/pkg/util/validation/field"
)

const (
	maxCompletions = 100_000
	// maxCronName leaves room for what the name of a run adds, as in Kubernetes: with -12345678901 it is still a DNS label.
	maxCronName = 52
)

func (r *report) job(s *JobSpec, at *field.Path) {
	r.optional(s.Completions, 0, maxCompletions, at.Child("completions"))
	r.optional(s.Parallelism, 0, maxReplicas, at.Child("parallelism"))
	r.optional(s.BackoffLimit, 0, maxRetries, at.Child("backoffLimit"))
	r.optional(s.TTLSecondsAfterFinished, 0, math.MaxInt32, at.Child("ttlSecondsAfterFinished"))
	if d := s.ActiveDeadlineSeconds; d != nil {
		r.within(at.Child("activeDeadlineSeconds"), *d, 1, math.MaxInt32)
	}
	template, at := &s.Template.Spec, at.Child("template", "spec")
	r.container(template, at)
	r.notForJobs(template, at)
	r.sharedByRuns(template, int(given(s.Parallelism, defaultParallelism)), at)
}

// notForJobs refuses what is about a service that goes on running.
func (r *report) notForJobs(s *ContainerSpec, at *field.Path) {
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"replicas", s.Replicas != nil}, {"suspend", s.Suspend}, {"strategy", s.Strategy != nil}, {"updatePolicy", s.UpdatePolicy != nil},
		{"startupProbe", s.StartupProbe != nil}, {"livenessProbe", s.LivenessProbe != nil}, {"readinessProbe", s.ReadinessProbe != nil},
		{"minReadySeconds", s.MinReadySeconds != nil}, {"progressDeadlineSeconds", s.ProgressDeadlineSeconds != nil},
		{"revisionHistoryLimit", s.RevisionHistoryLimit != nil},
	} {
		if f.set {
			r.conflict(at.Child(f.name), "does not go with a job, which runs to its end: remove it")
		}
	}
	switch s.RestartPolicy {
	case RestartAlways, RestartUnlessStopped:
		r.invalid(at.Child("restartPolicy"), string(s.RestartPolicy), "Never or OnFailure, as a job runs to its end")
	}
}

// sharedByRuns refuses what only one container can have where several run at once.
func (r *report) sharedByRuns(s *ContainerSpec, parallel int, at *field.Path) {
	for i, p := range s.Ports {
		at := at.Child("ports").Index(i).Child("hostPort")
		switch {
		case p.HostPort == nil || p.HostPort.First == 0:
		case p.ContainerPort.Len() == 1 && p.HostPort.Len() > 1:
			r.conflict(at, "a run has no port of its own in a range: write one port, or 0 for any")
		case parallel > 1:
			r.conflict(at, "%d runs at once cannot share one host port: write 0 for any, or set parallelism to 1", parallel)
		}
	}
	for i := range s.Networks {
		if n := &s.Networks[i]; parallel > 1 && (n.IPv4Address+n.IPv6Address+n.MACAddress != "" || len(n.LinkLocalIPs) > 0) {
			r.conflict(at.Child("networks").Index(i), "%d runs at once cannot share one address: remove it, or set parallelism to 1", parallel)
		}
	}
}

func (r *report) cronJob(s *CronJobSpec, at *field.Path) {
	if n := len(r.key.Name); n > maxCronName {
		r.invalid(field.NewPath("metadata", "name"), r.key.Name, "at most %d characters: the names of runs add to it", maxCronName)
	}
	if s.Schedule == "" {
		r.missing(at.Child("schedule"), wantSchedule)
	} else {
		r.schedule(s.Schedule, at.Child("schedule"))
	}
	r.text(at.Child("timeZone"), s.TimeZone, isTimeZone, "a time zone of the IANA list such as Europe/Berlin or UTC")
	if d := s.StartingDeadlineSeconds; d != nil {
		r.within(at.Child("startingDeadlineSeconds"), *d, 0, math.MaxInt32)
	}
	r.optional(s.SuccessfulJobsHistoryLimit, 0, maxHistory, at.Child("successfulJobsHistoryLimit"))
	r.optional(s.FailedJobsHistoryLimit, 0, maxHistory, at.Child("failedJobsHistoryLimit"))
	job, at := &s.JobTemplate.Spec, at.Child("jobTemplate", "spec")
	if job.TTLSecondsAfterFinished != nil {
		r.conflict(at.Child("ttlSecondsAfterFinished"), "a CronJob keeps runs by number: remove it, and see successfulJobsHistoryLimit")
	}
	if job.Suspend {
		r.conflict(at.Child("suspend"), "a CronJob is suspended as a whole: set suspend beside schedule")
	}
	r.job(job, at)
}

// isTimeZone refuses Local, which is not the same everywhere; leaving the zone out says that.
func isTimeZone(s string) bool {
	_, err := time.LoadLocation(s)
	return err == nil && s != "Local"
}
