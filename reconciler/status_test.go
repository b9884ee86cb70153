package reconciler_test

import (
	"errors"
	"testing"
	"time"

	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/apply"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// copies are the web object's containers in given states.
func copies(change ...func(*plan.Container)) (out []plan.Container) {
	for i, f := range change {
		c := plan.Container{StartedAt: now.Add(-time.Minute)}
		c.Name, c.State, c.ImageID = spec.ContainerName(key("web"), i), plan.StateRunning, "sha256:1"
		c.Labels = map[string]string{spec.LabelNamespace: "shop", spec.LabelName: "web", spec.LabelOrdinal: string(rune('0' + i)), spec.LabelImage: "sha256:1"}
		f(&c)
		out = append(out, c)
	}
	return out
}

func runs(*plan.Container) {}

func ended(code int) func(*plan.Container) {
	return func(c *plan.Container) { c.State, c.ExitCode = plan.StateExited, code }
}

func health(h plan.Health) func(*plan.Container) {
	return func(c *plan.Container) { c.Health = h }
}

func restarted(n int, ago time.Duration, s plan.State) func(*plan.Container) {
	return func(c *plan.Container) { c.RestartCount, c.StartedAt, c.State = n, now.Add(-ago), s }
}

func TestConditions(t *testing.T) {
	failed := []apply.Outcome{{Err: fault.New(fault.ResourceAllocation, fault.Conflict, "port is taken")}}
	for _, tt := range []struct {
		name     string
		replicas int32
		policy   spec.RestartPolicy
		pass     reconciler.Pass
		err      error
		synced   string // reason, with ! where the condition does not hold
		ready    string
	}{
		{name: "runs", replicas: 1, pass: reconciler.Pass{After: plan.Observed{Containers: copies(runs)}}, synced: "UpToDate", ready: "Running"},
		{name: "none wanted", replicas: 0, synced: "UpToDate", ready: "NoReplicas"},
		{name: "one of two", replicas: 2, pass: reconciler.Pass{After: plan.Observed{Containers: copies(runs)}}, synced: "UpToDate", ready: "!Progressing"},
		{name: "a surplus one does not count", replicas: 1, pass: reconciler.Pass{After: plan.Observed{Containers: copies(runs, ended(1))}}, synced: "UpToDate", ready: "Running"},
		{name: "healthy", replicas: 1, pass: reconciler.Pass{After: plan.Observed{Containers: copies(health(plan.HealthHealthy))}}, synced: "UpToDate", ready: "Running"},
		{name: "starting", replicas: 1, pass: reconciler.Pass{After: plan.Observed{Containers: copies(health(plan.HealthStarting))}}, synced: "UpToDate", ready: "!Starting"},
		{name: "unhealthy", replicas: 1, pass: reconciler.Pass{After: plan.Observed{Containers: copies(health(plan.HealthUnhealthy))}}, synced: "UpToDate", ready: "!Unhealthy"},
		{name: "restarting", replicas: 1, pass: reconciler.Pass{After: plan.Observed{Containers: copies(restarted(1, 0, plan.StateRestarting))}}, synced: "UpToDate", ready: "!Restarting"},
		{name: "crashing", replicas: 1, pass: reconciler.Pass{After: plan.Observed{Containers: copies(restarted(2, 0, plan.StateRestarting))}}, synced: "UpToDate", ready: "!CrashLoopBackOff"},
		{name: "crashed a moment ago", replicas: 1, pass: reconciler.Pass{After: plan.Observed{Containers: copies(restarted(2, time.Second, plan.StateRunning))}}, synced: "UpToDate", ready: "!CrashLoopBackOff"},
		{name: "recovered", replicas: 1, pass: reconciler.Pass{After: plan.Observed{Containers: copies(restarted(9, plan.RecoveryTime, plan.StateRunning))}}, synced: "UpToDate", ready: "Running"},
		{name: "paused", replicas: 1, pass: reconciler.Pass{After: plan.Observed{Containers: copies(func(c *plan.Container) { c.State = plan.StatePaused })}}, synced: "UpToDate", ready: "!NotRunning"},
		{name: "completed", replicas: 1, policy: spec.RestartNever, pass: reconciler.Pass{After: plan.Observed{Containers: copies(ended(0))}}, synced: "UpToDate", ready: "Completed"},
		{name: "cannot be started", replicas: 1, pass: reconciler.Pass{After: plan.Observed{Containers: copies(func(c *plan.Container) { c.State = plan.StateCreated })},
			Left: plan.Plan{Blocks: []plan.Block{{Reason: plan.ReasonCrashLoopBackOff}}}}, synced: "!CrashLoopBackOff", ready: "!CrashLoopBackOff"},
		{name: "failed for good", replicas: 1, policy: spec.RestartNever, pass: reconciler.Pass{After: plan.Observed{Containers: copies(ended(3))}}, synced: "UpToDate", ready: "!Failed"},
		{name: "stopped", replicas: 1, pass: reconciler.Pass{After: plan.Observed{Containers: copies(ended(0))}}, synced: "UpToDate", ready: "!NotRunning"},
		{name: "an action failed", replicas: 1, pass: reconciler.Pass{Outcomes: failed}, synced: "!ResourceAllocationError", ready: "!ResourceAllocationError"},
		{name: "blocked", replicas: 1, pass: reconciler.Pass{Left: plan.Plan{Blocks: []plan.Block{{Reason: plan.ReasonNameTaken}}}}, synced: "!NameTaken", ready: "!NameTaken"},
		{name: "blocked and serving", replicas: 1, pass: reconciler.Pass{After: plan.Observed{Containers: copies(runs)}, Left: plan.Plan{Blocks: []plan.Block{{Reason: plan.ReasonStalled}}}}, synced: "!Stalled", ready: "Running"},
		{name: "waiting", replicas: 1, pass: reconciler.Pass{Left: plan.Plan{After: []spec.Key{key("db")}}}, synced: "!Waiting", ready: "!Waiting"},
		{name: "something is left", replicas: 1, pass: reconciler.Pass{Left: plan.Plan{Actions: []plan.Action{{Kind: plan.ActionUpdate}}}}, synced: "!Progressing", ready: "!Progressing"},
		{name: "cannot be observed", replicas: 1, err: fault.New(fault.DockerConnection, fault.Retry, "no answer"), synced: "!DockerConnectionError", ready: "!DockerConnectionError"},
		{name: "an error without a class", replicas: 1, err: errors.New("odd"), synced: "!DockerAPIError", ready: "!DockerAPIError"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := &spec.Container{Metadata: spec.Metadata{Name: "web", Namespace: "shop"}}
			o.Spec.Replicas, o.Spec.RestartPolicy = &tt.replicas, tt.policy
			if tt.policy == "" {
				o.Spec.RestartPolicy = spec.RestartAlways
			}
			s := reconciler.StatusOf(reconciler.Status{}, o, tt.pass, tt.err, now)
			if got := reasonOf(s, reconciler.Synced); got != tt.synced {
				t.Errorf("Synced: %s, want %s", got, tt.synced)
			}
			if got := reasonOf(s, reconciler.Ready); got != tt.ready {
				t.Errorf("Ready: %s, want %s", got, tt.ready)
			}
		})
	}
}

func reasonOf(s reconciler.Status, kind string) string {
	c := s.Condition(kind)
	if c.Status {
		return c.Reason
	}
	return "!" + c.Reason
}

func TestTransitionTimesAreKept(t *testing.T) {
	var s reconciler.Status
	for i, step := range []struct {
		status bool
		reason string
		since  int
	}{{false, "A", 0}, {false, "B", 0}, {true, "C", 2}, {true, "C", 2}, {false, "A", 4}} {
		s.Set(reconciler.Condition{Type: reconciler.Ready, Status: step.status, Reason: step.reason}, now.Add(time.Duration(i)*time.Second))
		c := s.Condition(reconciler.Ready)
		if want := now.Add(time.Duration(step.since) * time.Second); !c.LastTransitionTime.Equal(want) || c.Reason != step.reason || len(s.Conditions) != 1 {
			t.Errorf("step %d: %+v, want since %s", i, c, want)
		}
	}
}

// A pass that cannot look says nothing about the containers: they may serve as before.
func TestStatusOutlivesAFailedObservation(t *testing.T) {
	o := &spec.Container{Metadata: spec.Metadata{Name: "web", Namespace: "shop"}}
	o.Spec.Replicas = new(int32(1))
	before := reconciler.StatusOf(reconciler.Status{}, o, reconciler.Pass{After: plan.Observed{Containers: copies(restarted(3, time.Hour, plan.StateRunning))}}, nil, now)
	s := reconciler.StatusOf(before, o, reconciler.Pass{}, fault.New(fault.DockerConnection, fault.Retry, "no answer"), now)
	if len(s.Containers) != 1 || s.Restarts != 3 || !s.Condition(reconciler.Ready).Status || s.Condition(reconciler.Synced).Status {
		t.Errorf("%+v", s)
	}
}
