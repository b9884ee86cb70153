package controller

import (
	"context"
	"strings"
	"time"

	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/reconciler/probe"
	"berth.dev/berth/spec"
)

// known is what the planner is told of an object beside what the engine reports; see reconciler.Options.Known.
func (c *Controller) known(key spec.Key, object spec.Object, seen *plan.Observed) plan.Known {
	now := time.Now()
	k := plan.Known{Intent: c.intents.of(key, now), Probes: c.prober.Of(key)}
	for i := range seen.Containers { // what was said of an earlier run says nothing of this one
		if have := &seen.Containers[i]; !k.Probes[have.ID].StartedAt.Equal(have.StartedAt) {
			delete(k.Probes, have.ID)
		}
	}
	if o, ok := object.(*spec.Container); ok {
		_, image := wanted(o, seen)
		k.Rollout = c.rolloutOf(o, image, now)
	}
	k.Dependencies = c.dependencies(object)
	c.runs.tell(object, &k, now)
	return k
}

// wanted is a manifest with the image that its updatePolicy has led to, and what that image is now: its digest where it is pinned, else
// its ID; empty where it is not there.
func wanted(o *spec.Container, seen *plan.Observed) (run *spec.Container, image string) {
	run, _ = seen.Updated(o)
	if _, digest, pinned := strings.Cut(run.Spec.Image, "@"); pinned {
		return run, digest
	}
	return run, seen.Images[run.Spec.Image].ID
}

// dependencies tells how the objects are that an object depends on.
func (c *Controller) dependencies(object spec.Object) map[spec.Key]plan.Dependency {
	if object == nil {
		return nil
	}
	keys := spec.Dependencies(object)
	out := make(map[spec.Key]plan.Dependency, len(keys))
	for _, key := range keys {
		if s, ok := c.store.get(key); ok {
			out[key] = s.dependency()
		}
	}
	return out
}

// dependency says how an object is for those that depend on it. What was said of an earlier manifest does not count.
func (s *ObjectStatus) dependency() plan.Dependency {
	ready := s.Status.Condition(reconciler.Ready)
	if s.Status.ObservedGeneration != s.Generation {
		return plan.Dependency{Message: "its manifest has just changed"}
	}
	d := plan.Dependency{Ready: ready.Status, Completed: ready.Status && ready.Reason == reconciler.ReasonCompleted, Message: ready.Message}
	started := 0
	for _, have := range s.Status.Containers {
		if !have.StartedAt.IsZero() {
			started++
		}
	}
	d.Started = started > 0 && started >= s.Replicas
	return d
}

// watch has the running containers of an object probed.
func (c *Controller) watch(ctx context.Context, key spec.Key, p reconciler.Pass) {
	r := p.Left.Rollout
	if r == nil || r.Object == nil {
		c.prober.Set(key, nil)
		return
	}
	s := &r.Object.Spec
	if s.StartupProbe == nil && s.LivenessProbe == nil && s.ReadinessProbe == nil {
		c.prober.Set(key, nil)
		return
	}
	var targets []probe.Target
	for i := range p.After.Containers {
		have := &p.After.Containers[i]
		if _, ours := plan.Owner(have.Summary); !ours || have.State != plan.StateRunning || have.Labels[spec.LabelInit] != "" {
			continue
		}
		targets = append(targets, probe.Target{Name: have.Name, ID: have.ID, StartedAt: have.StartedAt, Address: c.rec.World.Address(ctx, have),
			Startup: s.StartupProbe, Liveness: s.LivenessProbe, Readiness: s.ReadinessProbe, Ports: s.Ports})
	}
	c.prober.Set(key, targets)
}

// noteRollout brings the history of an object's revisions up to date with what a pass found.
func (c *Controller) noteRollout(key spec.Key, object spec.Object, generation string, p reconciler.Pass) {
	o, ok := object.(*spec.Container)
	if !ok || p.Left.Rollout == nil || len(p.After.Images) == 0 {
		return
	}
	now := time.Now()
	run, image := wanted(o, &p.After)
	c.revisions.begin(o, run, image, now)
	if advanced(p) {
		c.revisions.noteProgress(key, now)
	}
	for _, r := range []*plan.RolloutState{p.Plan.Rollout, p.Left.Rollout} {
		if r != nil && r.Phase == plan.RolloutFailed {
			c.revisions.failed(key, generation, image, r.Message, now)
			c.tell(key, spec.EventWarning, string(plan.ReasonRolledBack), r.Message)
			return
		}
	}
	if p.Left.Rollout.Phase == plan.RolloutComplete {
		c.revisions.deployed(key, generation, image, now)
	}
}

// advanced reports whether a rollout got on: more copies are of the revision, or available, or fewer are left of others.
func advanced(p reconciler.Pass) bool {
	a, b := p.Plan.Rollout, p.Left.Rollout
	if a == nil || b == nil {
		return a != b
	}
	return a.Updated != b.Updated || a.Available != b.Available || a.Replacing != b.Replacing || len(p.Outcomes) > 0 && p.Err() == nil
}

// rolloutStatus is how far a rollout is, for people.
func (c *Controller) rolloutStatus(key spec.Key, r *plan.RolloutState) *reconciler.RolloutStatus {
	if r == nil {
		return nil
	}
	return &reconciler.RolloutStatus{Phase: r.Phase, Revision: c.revisions.inForce(key), Updated: r.Updated, Ready: r.Ready, Total: r.Total,
		Message: r.Message, Strategy: r.Strategy}
}

// newImage is the newest image that the registry has for an object.
func (c *Controller) newImage(key spec.Key) string {
	found, _ := c.updates.Of(key)
	return found.Image
}
