package spec

import "time"

// What is filled in where a manifest is silent. Those of seconds and counts are Kubernetes'.
const (
	DefaultReplicas                = 1
	DefaultTerminationGracePeriod  = 30 // seconds
	DefaultProgressDeadlineSeconds = 600
	DefaultRevisionHistoryLimit    = 10

	defaultPeriodSeconds     = 10
	defaultTimeoutSeconds    = 1
	defaultSuccessThreshold  = 1
	defaultFailureThreshold  = 3
	defaultCompletions       = 1
	defaultParallelism       = 1
	defaultBackoffLimit      = 6
	defaultSuccessfulHistory = 3
	defaultFailedHistory     = 1
	defaultRateLimit         = 60 // a minute
	defaultDedupeWindow      = Duration(5 * time.Minute)
	defaultWebhookTimeout    = Duration(10 * time.Second)
)

// Default fills in what a manifest left out and berth, not the engine, decides.
func Default(o Object) {
	m := o.Meta()
	if m.Namespace == "" {
		m.Namespace = DefaultNamespace
	}
	switch o := o.(type) {
	case *Container:
		defaultService(&o.Spec)
	case *Job:
		defaultJob(&o.Spec)
	case *CronJob:
		defaultCronJob(&o.Spec)
	case *Notification:
		defaultNotification(&o.Spec)
	case *Volume:
		setDefault(&o.Spec.ReclaimPolicy, ReclaimRetain)
	}
	if s := Template(o); s != nil {
		defaultContainer(s, m.Namespace)
	}
}

// defaultService is for what goes on running, and is replaced.
func defaultService(s *ContainerSpec) {
	setPointer(&s.Replicas, DefaultReplicas)
	setPointer(&s.ProgressDeadlineSeconds, DefaultProgressDeadlineSeconds)
	setPointer(&s.RevisionHistoryLimit, DefaultRevisionHistoryLimit)
	setDefault(&s.RestartPolicy, RestartAlways)
	for _, p := range []*Probe{s.StartupProbe, s.LivenessProbe, s.ReadinessProbe} {
		if p != nil {
			defaultProbe(p)
		}
	}
	if s.Strategy != nil {
		setDefault(&s.Strategy.Type, StrategyRollingUpdate)
	}
	if s.UpdatePolicy != nil {
		setDefault(&s.UpdatePolicy.Type, UpdateDigest)
		setDefault(&s.UpdatePolicy.Mode, UpdateApply)
	}
}

// defaultProbe leaves one of Docker's health check alone: nothing else of it means anything.
func defaultProbe(p *Probe) {
	if p.DockerHealth != nil {
		return
	}
	setDefault(&p.PeriodSeconds, defaultPeriodSeconds)
	setDefault(&p.TimeoutSeconds, defaultTimeoutSeconds)
	setDefault(&p.SuccessThreshold, defaultSuccessThreshold)
	setDefault(&p.FailureThreshold, defaultFailureThreshold)
	defaultHTTPGet(p.HTTPGet)
}

func defaultHTTPGet(h *HTTPGetAction) {
	if h != nil {
		setDefault(&h.Path, "/")
		setDefault(&h.Scheme, SchemeHTTP)
	}
}

// defaultContainer is for any container, in the namespace of its object.
func defaultContainer(s *ContainerSpec, namespace string) {
	setPointer(&s.TerminationGracePeriodSeconds, DefaultTerminationGracePeriod)
	setDefault(&s.ImagePullPolicy, PullIfNotPresent)
	if s.NetworkMode == "" && len(s.Networks) == 0 {
		s.NetworkMode = "bridge"
	}
	for i := range s.Ports {
		setDefault(&s.Ports[i].Protocol, ProtocolTCP)
	}
	defaultDevices(&s.Resources)
	for i := range s.InitContainers {
		defaultDevices(&s.InitContainers[i].Resources)
	}
	for i := range s.DependsOn {
		d := &s.DependsOn[i]
		setDefault(&d.Kind, KindContainer)
		setDefault(&d.Condition, DependencyReady)
		setDefault(&d.Namespace, namespace)
	}
	if s.Lifecycle != nil {
		defaultHook(s.Lifecycle.PostStart)
		defaultHook(s.Lifecycle.PreStop)
	}
}

func defaultDevices(r *Resources) {
	for i := range r.Devices {
		d := &r.Devices[i]
		setDefault(&d.ContainerPath, d.HostPath)
		setDefault(&d.Permissions, "rwm")
	}
}

func defaultHook(h *Handler) {
	if h != nil {
		defaultHTTPGet(h.HTTPGet)
	}
}

// defaultJob leaves completions out beside a parallelism that is given: those are workers of a queue.
func defaultJob(s *JobSpec) {
	if s.Parallelism == nil {
		setPointer(&s.Completions, defaultCompletions)
	}
	setPointer(&s.Parallelism, defaultParallelism)
	setPointer(&s.BackoffLimit, defaultBackoffLimit)
	setDefault(&s.Template.Spec.RestartPolicy, RestartNever)
}

func defaultCronJob(s *CronJobSpec) {
	setDefault(&s.ConcurrencyPolicy, ConcurrencyAllow)
	setPointer(&s.SuccessfulJobsHistoryLimit, defaultSuccessfulHistory)
	setPointer(&s.FailedJobsHistoryLimit, defaultFailedHistory)
	defaultJob(&s.JobTemplate.Spec)
}

func defaultNotification(s *NotificationSpec) {
	setPointer(&s.RateLimitPerMinute, defaultRateLimit)
	setPointer(&s.DedupeWindow, defaultDedupeWindow)
	setDefault(&s.Webhook.Format, FormatJSON)
	setPointer(&s.Webhook.Timeout, defaultWebhookTimeout)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func setPointer[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}
