package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"berth.dev/berth/spec"
)

// RolloutPhase is how far a rollout is.
type RolloutPhase string

// The phases of a rollout.
const (
	RolloutProgressing RolloutPhase = "Progressing"
	RolloutComplete    RolloutPhase = "Complete" // all copies are of the revision, and available
	RolloutPaused      RolloutPhase = "Paused"
	RolloutFailed      RolloutPhase = "Failed"     // the revision has just failed; the plan goes back to the last good one
	RolloutRolledBack  RolloutPhase = "RolledBack" // the revision is quarantined, and the last good one runs
)

// RolloutState is how far the copies of a Container are those of the revision that is wanted.
type RolloutState struct {
	Phase     RolloutPhase
	Total     int // copies wanted
	Replacing int // of them, those with a container of another revision, running or kept to go back to
	Updated   int // of them, those of the revision
	Ready     int // those that serve, of whatever revision
	Available int // those of the revision that have been ready for as long as they have to be
	Strategy  string
	Message   string // why it failed
	// Object is the revision in force: the manifest's, or the last good one. Its image is not the manifest's reference where the
	// registry has a newer one.
	Object *spec.Container
	// Update tells of a newer image that is not applied, because the updatePolicy only notifies.
	Update string
}

// rollout is the copies of a Container on their way to one revision.
type rollout struct {
	*planner
	object  *spec.Container
	members []*member
	// inTheWay says what two containers cannot, or should not, have at once; empty where there is nothing.
	inTheWay string
}

// member is one copy in a rollout.
type member struct {
	*cell
	want   *Want
	diffs  []difference // of main
	joints []joint      // of main
	why    []Change     // why main has to be replaced; empty where it has not
	// surge: next is of the revision, and was started beside main.
	surge bool
	// busy: something is done to the copy already in this plan.
	busy bool
}

// rolloutTo compares what there is with a revision. record, where it is not empty, is that of the containers that the revision was
// read back from.
func (p *planner) rolloutTo(c *spec.Container, record string, cells map[int]*cell) *rollout {
	p.Plan, p.obstructed, p.peerless, p.peersAt = Plan{Key: p.Key}, false, false, time.Time{}
	ro := &rollout{planner: p, object: c}
	if *c.Spec.Replicas > 0 {
		ro.enlist(record, cells)
	}
	ro.inTheWay = ro.obstacle()
	return ro
}

// enlist compares each copy.
func (ro *rollout) enlist(record string, cells map[int]*cell) {
	p := ro.planner
	r := p.resolve(ro.object)
	if kept, ok := parseRecord(record); ok {
		r.record, r.Revision = kept, record
		r.attempt = record + r.peers
	}
	for ordinal := range int(*ro.object.Spec.Replicas) {
		cl := cells[ordinal]
		if cl == nil {
			cl = &cell{name: spec.ContainerName(p.Key, ordinal)}
		}
		m := &member{cell: cl, want: r.want(ordinal)}
		p.lookForForeign(ro.object, cl)
		if m.main != nil {
			m.diffs, m.joints, m.why = p.compare(m.want, m.main)
		}
		if record != "" {
			m.joints = nil // what was read back may lack a network
		}
		m.surge = m.main != nil && len(m.why) > 0 && m.next != nil && !m.next.StartedAt.IsZero() && p.matches(m.want, m.next)
		ro.members = append(ro.members, m)
	}
}

// compare lists what is not as wanted, and what of it only a new container can mend.
func (p *planner) compare(w *Want, have *Container) (diffs []difference, joints []joint, why []Change) {
	diffs = diff(w, have, p.imageOf(have), p.seen.Engine)
	joints = p.joints(w, have)
	why = replacementReasons(w, have, diffs, joints)
	if asked := p.seen.Rollout.RestartedAt; have.CreatedAt.Before(asked) {
		why = append(why, Change{Note: "new copies were asked for"})
	}
	return diffs, joints, why
}

// matches reports whether a container is of the wanted revision.
func (p *planner) matches(w *Want, have *Container) bool {
	_, _, why := p.compare(w, have)
	return len(why) == 0
}

// fresh is the container of a copy that is of the revision; nil where there is none.
func (m *member) fresh() *Container {
	switch {
	case m.main != nil && len(m.why) == 0:
		return m.main
	case m.surge:
		return m.next
	}
	return nil
}

// crashLimit is how many ends of a new revision's copy make it a failure.
const crashLimit = 3

// failure says why the revision has failed; empty where it has not. One that was deployed before cannot fail any more: what happens
// to its copies is healed.
func (ro *rollout) failure() string {
	if ro.seen.Rollout.Deployed || ro.seen.Rollout.Paused {
		return ""
	}
	begun, pending := false, false
	for _, m := range ro.members {
		have := m.fresh()
		begun = begun || have != nil && !have.StartedAt.IsZero()
		if why := ro.defect(m, have); why != "" {
			return why
		}
		pending = pending || have == nil || !ro.available(m.want, have)
	}
	return ro.overdue(begun && pending)
}

// overdue says that a rollout has got no further for too long. Before a first copy was started there is nothing to go back from.
func (ro *rollout) overdue(pending bool) string {
	since := ro.seen.Rollout.Progress
	if !pending || since.IsZero() || ro.object.Spec.ProgressDeadlineSeconds == nil {
		return ""
	}
	deadline := time.Duration(*ro.object.Spec.ProgressDeadlineSeconds) * time.Second
	if at := since.Add(deadline); at.After(ro.now) {
		ro.retryAt(at)
		return ""
	}
	return fmt.Sprintf("it made no progress for %s", deadline)
}

// defect says why a copy of the revision will not do; empty where it may yet.
func (ro *rollout) defect(m *member, have *Container) string {
	if t := ro.seen.Memory.Recreates[m.want.Name]; t.Revision == m.want.attempt && t.Error != "" && t.Count >= stallCount {
		return fmt.Sprintf("%q could not be made %d times: %s", m.want.Name, t.Count, t.Error)
	}
	if why := ro.initDefect(m); why != "" || have == nil {
		return why
	}
	s := &m.want.Spec
	if why, _ := ro.dead(s, have); why != "" && have.State == StateRunning {
		return fmt.Sprintf("%q: %s", have.Name, why)
	}
	starts := max(have.RestartCount, ro.seen.Memory.Starts[have.Name].Count-1) // the first start is no restart
	switch {
	case have.Health == HealthUnhealthy:
		return fmt.Sprintf("%q fails its health check", have.Name)
	case have.State == StateExited && !have.StartedAt.IsZero() && have.ExitCode != 0 && !restarts(*s, have):
		return fmt.Sprintf("%q %s", have.Name, Ending(have))
	case starts >= crashLimit && have.State == StateRunning && !Recovered(have, ro.now):
		return fmt.Sprintf("%q was restarted %d times", have.Name, starts)
	case starts >= crashLimit && have.State != StateRunning:
		return fmt.Sprintf("%q %s, and was restarted %d times", have.Name, Ending(have), starts)
	}
	return ""
}

// remembered reads the revision before back from a container of it, for where the agent knows of none.
func (ro *rollout) remembered() (*spec.Container, string) {
	for _, m := range ro.members {
		for _, have := range []*Container{m.prev, m.main} {
			if have != nil && !have.StartedAt.IsZero() && have.Labels[spec.LabelApplied] != "" && have != m.fresh() {
				return ro.readBack(have), have.Labels[spec.LabelApplied]
			}
		}
	}
	return nil, ""
}

// readBack makes a manifest of what a container was created with. What no container shows is the present manifest's.
func (ro *rollout) readBack(have *Container) *spec.Container {
	c := *ro.object
	s := have.Spec
	now := &ro.object.Spec
	s.Replicas, s.DependsOn, s.Strategy = now.Replicas, nil, now.Strategy
	s.ImagePullPolicy, s.Platform = spec.PullIfNotPresent, ""
	s.StartupProbe, s.LivenessProbe, s.ReadinessProbe = now.StartupProbe, now.LivenessProbe, now.ReadinessProbe
	s.Lifecycle, s.InitContainers = now.Lifecycle, nil
	s.MinReadySeconds, s.ProgressDeadlineSeconds = now.MinReadySeconds, now.ProgressDeadlineSeconds
	s.Labels = maps.Clone(s.Labels)
	maps.DeleteFunc(s.Labels, func(k, _ string) bool { return strings.HasPrefix(k, spec.LabelPrefix) })
	for _, mode := range []struct{ have, now *string }{{&s.NetworkMode, &now.NetworkMode}, {&s.PidMode, &now.PidMode}, {&s.IpcMode, &now.IpcMode}} {
		if isPeer(*mode.have) {
			*mode.have = *mode.now
		}
	}
	s.Networks, s.Volumes = ro.networksReadBack(have), volumesReadBack(s.Volumes, ro.Key.Namespace)
	c.Spec = s
	return &c
}

// networksReadBack finds the Network objects that a container is connected to: those of the manifest, and berth's own by their names.
func (ro *rollout) networksReadBack(have *Container) (out []spec.NetworkAttachment) {
	objects := map[string]string{}
	for _, a := range ro.object.Spec.Networks {
		if o, ok := ro.catalog.Get(spec.Key{Kind: spec.KindNetwork, Namespace: ro.Key.Namespace, Name: a.Name}); ok {
			objects[o.(*spec.Network).DockerName()] = a.Name
		}
	}
	own := []string{ro.Key.Name, ro.Key.Name + "." + ro.Key.Namespace}
	for _, name := range slices.Sorted(maps.Keys(have.Endpoints)) {
		a := have.Endpoints[name].NetworkAttachment
		short, ours := strings.CutPrefix(name, ro.Key.Namespace+".")
		if object, ok := objects[name]; ok {
			short, ours = object, true
		}
		if ours {
			a.Name, a.MACAddress = short, "" // the engine may have chosen the address
			a.Aliases = slices.DeleteFunc(slices.Clone(a.Aliases), func(s string) bool { return slices.Contains(own, s) })
			out = append(out, a)
		}
	}
	return out
}

func volumesReadBack(mounts []spec.VolumeMount, namespace string) []spec.VolumeMount {
	out := slices.Clone(mounts)
	for i, m := range out {
		if m.Volume != nil {
			out[i].Volume = &spec.VolumeSource{Name: strings.TrimPrefix(m.Volume.Name, namespace+"."), NoCopy: m.Volume.NoCopy}
		}
	}
	return out
}
