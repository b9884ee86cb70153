package spec

// Job runs a container to its end, as often as it takes to succeed. It runs once for each revision of its template: another template is
// run anew, and what is beside it can be changed while it runs.
type Job struct {
	TypeMeta `json:",inline"`
	// Name, namespace, labels and annotations.
	Metadata Metadata `json:"metadata"`
	// What to run, and how often.
	Spec JobSpec `json:"spec"`

	source Source
}

// JobSpec says what to run, and how often.
type JobSpec struct {
	// How many runs have to succeed; 1 by default. Left out beside parallelism, one success is enough and no run is begun after it,
	// as for the workers of a queue. Run n sees n as JOB_COMPLETION_INDEX.
	Completions *int32 `json:"completions,omitempty"`
	// How many run at once; 1 by default, 0 runs none.
	Parallelism *int32 `json:"parallelism,omitempty"`
	// How many failures there may be before the job has failed; 6 by default.
	BackoffLimit *int32 `json:"backoffLimit,omitempty"`
	// Seconds after the job's start until what runs is stopped, and the job has failed.
	ActiveDeadlineSeconds *int64 `json:"activeDeadlineSeconds,omitempty"`
	// Seconds after the job's end until its containers are removed; they stay where it is left out. That the job has run is then
	// known from the agent's state directory alone: without it, the job runs again.
	TTLSecondsAfterFinished *int32 `json:"ttlSecondsAfterFinished,omitempty"`
	// Whether nothing is begun, and what runs is stopped.
	Suspend bool `json:"suspend,omitempty"`
	// What to run.
	Template ContainerTemplate `json:"template"`
}

// ContainerTemplate is the container of a job.
type ContainerTemplate struct {
	// The container. Its restartPolicy is Never (the default; each try is a new container) or OnFailure (Docker restarts it in
	// place). What is about services does not go with a job: replicas, probes, strategy, updatePolicy.
	Spec ContainerSpec `json:"spec"`
}

// CronJob runs a Job on a schedule.
type CronJob struct {
	TypeMeta `json:",inline"`
	// Name, namespace, labels and annotations.
	Metadata Metadata `json:"metadata"`
	// What to run, and when.
	Spec CronJobSpec `json:"spec"`

	source Source
}

// CronJobSpec says what to run, and when.
type CronJobSpec struct {
	// Five fields (minute, hour, day of month, month, day of week) or @hourly, @daily, @weekly, @monthly, @yearly, @every 1h30m.
	Schedule string `json:"schedule"`
	// The time zone of the schedule, as in Europe/Berlin; the host's where it is left out.
	TimeZone string `json:"timeZone,omitempty"`
	// What happens when a run is due while another goes on: Allow (the default), Forbid (the new one is left out) or Replace.
	ConcurrencyPolicy ConcurrencyPolicy `json:"concurrencyPolicy,omitempty"`
	// How many seconds late a run may still begin; without end where it is left out. Of several that were missed the last is made up for.
	StartingDeadlineSeconds *int64 `json:"startingDeadlineSeconds,omitempty"`
	// Whether nothing is begun; what runs goes on.
	Suspend bool `json:"suspend,omitempty"`
	// How many runs that succeeded are kept, with their logs; 3 by default.
	SuccessfulJobsHistoryLimit *int32 `json:"successfulJobsHistoryLimit,omitempty"`
	// How many runs that failed are kept, with their logs; 1 by default.
	FailedJobsHistoryLimit *int32 `json:"failedJobsHistoryLimit,omitempty"`
	// What to run.
	JobTemplate JobTemplate `json:"jobTemplate"`
}

// JobTemplate is the job of a CronJob.
type JobTemplate struct {
	// The job. ttlSecondsAfterFinished and suspend do not go with a CronJob.
	Spec JobSpec `json:"spec"`
}

// ConcurrencyPolicy says what happens when a run is due while another goes on.
type ConcurrencyPolicy string

// The concurrency policies.
const (
	ConcurrencyAllow   ConcurrencyPolicy = "Allow"
	ConcurrencyForbid  ConcurrencyPolicy = "Forbid"
	ConcurrencyReplace ConcurrencyPolicy = "Replace"
)

// Values lists the concurrency policies.
func (ConcurrencyPolicy) Values() []string { return []string{"Allow", "Forbid", "Replace"} }

// Key implements Object.
func (j *Job) Key() Key { return j.Metadata.key(KindJob) }

// Meta implements Object.
func (j *Job) Meta() *Metadata { return &j.Metadata }

// Source implements Object.
func (j *Job) Source() *Source { return &j.source }

// Key implements Object.
func (c *CronJob) Key() Key { return c.Metadata.key(KindCronJob) }

// Meta implements Object.
func (c *CronJob) Meta() *Metadata { return &c.Metadata }

// Source implements Object.
func (c *CronJob) Source() *Source { return &c.source }
