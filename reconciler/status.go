package reconciler

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// The types of condition.
const (
	// Synced: the engine has what the manifest says.
	Synced = "Synced"
	// Ready: all copies run, and are healthy where they have a health check.
	Ready = "Ready"
	// Valid: the manifest that is in the directory now is the one in force.
	Valid = "Valid"
)

// Condition is one aspect of an object's state, as Kubernetes has them.
type Condition struct {
	Type               string    `json:"type"`
	Status             bool      `json:"status"`
	Reason             string    `json:"reason"`
	Message            string    `json:"message,omitempty"`
	LastTransitionTime time.Time `json:"lastTransitionTime"`
}

// Status is what the agent says of an object.
type Status struct {
	Conditions []Condition       `json:"conditions"`
	Containers []ContainerStatus `json:"containers,omitempty"`
	// ObservedGeneration is the revision of the manifest that the status is about.
	ObservedGeneration string `json:"observedGeneration,omitempty"`
	// Restarts is how often containers were restarted, by the engine.
	Restarts int `json:"restarts"`
	// Rollout is of Containers only.
	Rollout *RolloutStatus `json:"rollout,omitempty"`
	// Job is of Jobs and CronJobs only.
	Job *JobStatus `json:"job,omitempty"`
	// Hold is why the object is not changed; nil where nobody holds it.
	Hold *plan.Hold `json:"hold,omitempty"`
	// Stopped is whether a person stopped it.
	Stopped bool `json:"stopped,omitempty"`
}

// ContainerStatus is the state of one copy.
type ContainerStatus struct {
	Name      string    `json:"name"`
	ID        string    `json:"id"`
	Image     string    `json:"image"`
	State     string    `json:"state"`
	Ready     bool      `json:"ready"`
	Health    string    `json:"health,omitempty"`
	ExitCode  int       `json:"exitCode,omitempty"`
	Restarts  int       `json:"restarts"`
	StartedAt time.Time `json:"startedAt,omitzero"`
	Addresses []string  `json:"addresses,omitempty"`
	Ports     []string  `json:"ports,omitempty"`
}

// Condition gives a condition by its type; an empty one where it is not set.
func (s *Status) Condition(kind string) Condition {
	for _, c := range s.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return Condition{Type: kind}
}

// Set puts a condition in place; its time is kept where its status does not change.
func (s *Status) Set(c Condition, now time.Time) {
	for i, old := range s.Conditions {
		if old.Type == c.Type {
			c.LastTransitionTime = now
			if old.Status == c.Status {
				c.LastTransitionTime = old.LastTransitionTime
			}
			s.Conditions[i] = c
			return
		}
	}
	c.LastTransitionTime = now
	s.Conditions = append(s.Conditions, c)
}

// StatusOf describes an object after a pass, going on from what was said of it before. err is of the observation: where there is
// one, nothing new is known of the containers.
func StatusOf(before Status, object spec.Object, p Pass, err error, now time.Time) Status {
	s := Status{Conditions: append([]Condition(nil), before.Conditions...), ObservedGeneration: before.ObservedGeneration}
	synced := syncedCondition(p, err)
	s.Set(synced, now)
	if err != nil && s.Condition(Ready).Reason != "" {
		s.Containers, s.Restarts, s.Job = before.Containers, before.Restarts, before.Job
		return s
	}
	if s.jobStatus(object, p, synced, now) {
		return s
	}
	c, ok := object.(*spec.Container)
	if !ok {
		synced.Type = Ready
		s.Set(synced, now)
		return s
	}
	if r := p.Left.Rollout; r != nil {
		c = r.Object
	}
	s.Containers = containerStatuses(c, p, now)
	for _, cs := range s.Containers {
		s.Restarts += cs.Restarts
	}
	s.Set(readyCondition(c, p, synced, now), now)
	return s
}

// syncedCondition says whether the engine has what the manifest says, and else the first thing in the way.
func syncedCondition(p Pass, err error) Condition {
	if err == nil {
		err = p.Err()
	}
	c := Condition{Type: Synced}
	switch {
	case err != nil:
		c.Reason, c.Message = string(fault.ClassOf(err)), err.Error()
	case len(p.Left.Blocks) > 0:
		c.Reason, c.Message = string(p.Left.Blocks[0].Reason), blockMessages(p.Left.Blocks)
	case len(p.Left.After) > 0:
		c.Reason, c.Message = "Waiting", "waits for "+keyNames(p.Left.After)
	case !p.Left.Empty():
		c.Reason, c.Message = "Progressing", strings.TrimSpace(p.Left.Actions[0].String())
	case rolling(p.Left.Rollout):
		c.Reason, c.Message = "Progressing", progressOf(p.Left.Rollout)
	default:
		c.Status, c.Reason = true, "UpToDate"
	}
	return c
}

// rolling reports whether copies of another revision are still there.
func rolling(r *plan.RolloutState) bool {
	return r != nil && r.Replacing > 0 && (r.Phase == plan.RolloutProgressing || r.Phase == plan.RolloutPaused)
}

func progressOf(r *plan.RolloutState) string {
	if r.Phase == plan.RolloutPaused {
		return fmt.Sprintf("the rollout is paused: %d of %d copies are of the new revision", r.Updated, r.Total)
	}
	return fmt.Sprintf("%d of %d copies are of the new revision, %d of them available", r.Updated, r.Total, r.Available)
}

func keyNames(keys []spec.Key) string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.String()
	}
	return strings.Join(names, ", ")
}

func blockMessages(blocks []plan.Block) string {
	messages := make([]string, len(blocks))
	for i, b := range blocks {
		messages[i] = b.Message
	}
	return strings.Join(messages, "; ")
}

// readyCondition says whether all copies serve. What keeps the object from being synced explains why it is not ready, too.
func readyCondition(c *spec.Container, p Pass, synced Condition, now time.Time) Condition {
	ready := Condition{Type: Ready}
	worst, running, completed := "", 0, 0
	for i := range p.After.Containers {
		have := &p.After.Containers[i]
		if id, ours := plan.Owner(have.Summary); !ours || id.Name() != have.Name || id.Ordinal >= int(*c.Spec.Replicas) {
			continue
		}
		reason, message := containerReadiness(c, have, &p.After.Known, now)
		switch {
		case reason == "" && have.State == plan.StateExited:
			completed++
		case reason == "":
			running++
		case worst == "":
			worst, ready.Reason, ready.Message = reason, reason, message
		}
	}
	backoff := slices.IndexFunc(p.Left.Blocks, func(b plan.Block) bool { return b.Reason == plan.ReasonCrashLoopBackOff })
	switch want := int(*c.Spec.Replicas); {
	case worst != "" && backoff >= 0: // also of one that never started, and so has not ended either
		ready.Reason, ready.Message = string(plan.ReasonCrashLoopBackOff), p.Left.Blocks[backoff].Message
	case worst == "" && running+completed >= want:
		ready.Status, ready.Reason = true, servingReason(want, completed)
	case worst == "" && !synced.Status:
		ready.Reason, ready.Message = synced.Reason, synced.Message
	case worst == "":
		ready.Reason, ready.Message = "Progressing", fmt.Sprintf("%d of %d run", running, want)
	}
	return ready
}

// ReasonCompleted is the reason of an object whose containers have ended as they were to.
const ReasonCompleted = "Completed"

// ReasonFailed is the reason of an object whose container has failed and, by its restart policy, stays ended.
const ReasonFailed = "Failed"

// servingReason says how an object is ready.
func servingReason(want, completed int) string {
	switch {
	case want == 0:
		return "NoReplicas"
	case completed > 0:
		return ReasonCompleted
	}
	return "Running"
}

// manyRestarts is how many restarts by the engine make a container that is restarting one that crashes in a loop.
const manyRestarts = 2

// containerReadiness says why a copy does not serve; an empty reason where it does.
func containerReadiness(c *spec.Container, have *plan.Container, known *plan.Known, now time.Time) (reason, message string) {
	switch have.State {
	case plan.StateRunning:
		switch have.Health {
		case plan.HealthUnhealthy:
			return "Unhealthy", fmt.Sprintf("%q fails its health check", have.Name)
		case plan.HealthStarting:
			return "Starting", fmt.Sprintf("%q has not passed its health check yet", have.Name)
		}
		if have.RestartCount >= manyRestarts && !plan.Recovered(have, now) {
			return string(plan.ReasonCrashLoopBackOff), fmt.Sprintf("%q was restarted %d times by the engine, and has run for less than %s since", have.Name, have.RestartCount, plan.RecoveryTime)
		}
		return probedReadiness(c, have, known.Probes[have.ID])
	case plan.StateRestarting:
		if have.RestartCount >= manyRestarts {
			return string(plan.ReasonCrashLoopBackOff), fmt.Sprintf("%q %s; the engine restarts it with backoff, %d times so far", have.Name, plan.Ending(have), have.RestartCount)
		}
		return "Restarting", fmt.Sprintf("%q %s; the engine restarts it", have.Name, plan.Ending(have))
	case plan.StateExited:
		return endedReason(c, have)
	}
	return "NotRunning", fmt.Sprintf("%q is %s", have.Name, have.State)
}

// probedReadiness says why, by the agent's probes, a running copy does not serve; an empty reason where it does.
func probedReadiness(c *spec.Container, have *plan.Container, p plan.Probed) (reason, message string) {
	because := func(what string) string {
		return strings.TrimSuffix(fmt.Sprintf("%q %s: %s", have.Name, what, p.Message), ": ")
	}
	switch {
	case p.Dead != "":
		return "Unhealthy", fmt.Sprintf("%q: %s", have.Name, p.Dead)
	case c.Spec.StartupProbe != nil && !p.Started:
		return "Starting", because("has not passed its startupProbe yet")
	case c.Spec.ReadinessProbe != nil && !p.Ready:
		return "NotReady", because("does not pass its readinessProbe")
	}
	return "", ""
}

// endedReason tells a container that has done its work from one that has failed.
func endedReason(c *spec.Container, have *plan.Container) (reason, message string) {
	if have.ExitCode == 0 && (c.Spec.RestartPolicy == spec.RestartNever || c.Spec.RestartPolicy == spec.RestartOnFailure) {
		return "", "" // it has completed, which is what it was to do
	}
	if c.Spec.RestartPolicy == spec.RestartAlways || c.Spec.RestartPolicy == spec.RestartUnlessStopped {
		return "NotRunning", fmt.Sprintf("%q %s", have.Name, plan.Ending(have))
	}
	return ReasonFailed, fmt.Sprintf("%q %s, and its restartPolicy is %s", have.Name, plan.Ending(have), c.Spec.RestartPolicy)
}

func containerStatuses(c *spec.Container, p Pass, now time.Time) (out []ContainerStatus) {
	for i := range p.After.Containers {
		have := &p.After.Containers[i]
		if id, ours := plan.Owner(have.Summary); !ours || id.Key != c.Key() {
			continue
		}
		status := containerStatus(have)
		reason, _ := containerReadiness(c, have, &p.After.Known, now)
		status.Ready = reason == ""
		out = append(out, status)
	}
	slices.SortFunc(out, func(a, b ContainerStatus) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func containerStatus(c *plan.Container) ContainerStatus {
	s := ContainerStatus{Name: c.Name, ID: c.ID, Image: c.Spec.Image, State: string(c.State), Health: string(c.Health), ExitCode: c.ExitCode,
		Restarts: c.RestartCount, StartedAt: c.StartedAt}
	for _, e := range c.Endpoints {
		if e.Address != "" {
			s.Addresses = append(s.Addresses, e.Address)
		}
	}
	for _, p := range c.Spec.Ports {
		if p.HostPort != nil {
			s.Ports = append(s.Ports, fmt.Sprintf("%s:%s->%s/%s", orAll(p.HostIP), p.HostPort, p.ContainerPort, strings.ToLower(string(p.Protocol))))
		}
	}
	return s
}

func orAll(ip string) string {
	if ip == "" {
		return "0.0.0.0"
	}
	return ip
}

// IsConnection reports whether an error means that the engine is away, which is nothing that an object did wrong.
func IsConnection(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) && f.Class == fault.DockerConnection
}
