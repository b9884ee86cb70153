package plan

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"time"

	"berth.dev/berth/spec"
)

// surplusOf plans the removal of copies that are too many.
func (p *planner) surplusOf(c *spec.Container, cells map[int]*cell) {
	replicas := int(*c.Spec.Replicas)
	for _, ordinal := range slices.Sorted(maps.Keys(cells)) {
		if ordinal < replicas {
			continue
		}
		for _, left := range cells[ordinal].all() {
			p.remove(ActionRemove, left, fmt.Sprintf("replicas is %d", replicas))
		}
	}
}

// create plans a new copy.
func (ro *rollout) create(m *member) {
	if !ro.prepare(m.want) || !ro.initialized(m) {
		return
	}
	ops := append([]Op{createOp(m.want, m.want.Name, nil)}, start(m.want, m.want.Name)...)
	ro.act(Action{Kind: ActionCreate, Target: m.want.Name, Why: []Change{{Note: "it is not there"}}, Ops: ops, Revision: m.want.attempt})
}

func createOp(w *Want, name string, anonymous map[string]string) Op {
	return Op{Verb: CreateContainer, Target: name, Container: &Create{Name: name, Spec: w.Spec, Labels: w.Labels, Anonymous: anonymous}}
}

// prepare checks all that can be checked before a container is touched, and plans the pull of the image. It is false where
// something stands in the way.
func (p *planner) prepare(w *Want) (ok bool) {
	if p.obstructed || !p.dependenciesMet(&w.Spec) {
		return false
	}
	problems := Unsupported(&w.Spec, p.seen.Engine)
	for _, problem := range problems {
		p.block(Block{Reason: ReasonUnsupported, Message: problem})
	}
	_, present := p.seen.Images[w.Spec.Image]
	switch policy := w.Spec.ImagePullPolicy; {
	case policy == spec.PullNever && !present:
		p.block(Block{Reason: ReasonImageNotPresent, Message: fmt.Sprintf("image %q is not on the engine's host, and imagePullPolicy is Never: load it, or allow the pull", w.Spec.Image)})
		return false
	case len(problems) > 0 || !p.portsFree(w): // a pull would be for nothing
		return false
	case policy == spec.PullAlways && parseImage(w.Spec.Image).digest == "", !present: // what is pinned does not change
		p.pull(w)
	}
	return true
}

// pull plans one pull for all copies, before anything else.
func (p *planner) pull(w *Want) {
	if len(p.Actions) > 0 && p.Actions[0].Kind == ActionPull {
		return
	}
	why := "it is not on the engine's host"
	if w.Spec.ImagePullPolicy == spec.PullAlways {
		why = "imagePullPolicy is Always"
	}
	p.Actions = slices.Insert(p.Actions, 0, Action{Kind: ActionPull, Target: w.Spec.Image, Why: []Change{{Note: why}},
		Ops: []Op{{Verb: PullImage, Target: w.Spec.Image, Platform: w.Spec.Platform}}})
}

// contend plans what becomes of a container that has the copy's name and is not ours.
func (ro *rollout) contend(m *member) {
	foreign, adopts := m.foreign, ro.object.Metadata.Adopts()
	id, another := proven(*foreign)
	have := ro.observed(foreign.ID)
	switch {
	case another && id.Name() != foreign.Name:
		ro.block(Block{Reason: ReasonNameTaken, For: id.Key, Message: fmt.Sprintf("container %q is %s under another name, and gets that back first", m.name, id.Name())})
	case another || adopts && (have == nil || have.State == StateRemoving): // listed, and on its way out
		ro.block(Block{Reason: ReasonRemoving, Message: fmt.Sprintf("the engine is removing container %q", m.name)})
		ro.retryAt(ro.now.Add(goneRetry))
	case adopts: // labels cannot be given to a container that exists
		m.main, m.why = have, []Change{{Note: "it was not berth's, and the manifest adopts it"}}
		ro.replace(m)
	default:
		ro.block(Block{Reason: ReasonNameTaken, Message: fmt.Sprintf("container %q exists and is not berth's: remove or rename it, or set the annotation %s: \"true\" to take it over", m.name, spec.AdoptAnnotation)})
	}
}

// goneRetry is when to look again for a container that was listed and could not be inspected; an event mostly tells before.
const goneRetry = time.Second

// keep plans what makes an existing copy as wanted in place. One that is yet to be replaced is kept as near to what is wanted as
// it can be.
func (ro *rollout) keep(m *member) {
	if m.main.State == StateDead {
		return
	}
	ro.mend(m.want, m.main, m.diffs)
	for _, j := range m.joints {
		ro.mendJoint(m.want, m.main, j)
	}
	if len(m.why) > 0 { // a restart would change nothing
		ro.keepRunning(m.want, m.main)
		return
	}
	ro.mendState(m.want, m.main)
}

func (p *planner) imageOf(c *Container) *Image {
	if img, ok := p.seen.Images[c.ImageID]; ok {
		return &img
	}
	return nil
}

func (p *planner) manifestChanged(w *Want, have *Container) bool {
	return have.Labels[spec.LabelApplied] != w.Revision
}

// replacementReasons lists what only a new container can mend.
func replacementReasons(w *Want, have *Container, diffs []difference, joints []joint) (why []Change) {
	if have.State == StateDead {
		why = append(why, Change{Note: "the engine gave it up as dead"})
	}
	for _, d := range diffs {
		if !d.inPlace(w) {
			why = append(why, d.changes...)
		}
	}
	for _, j := range joints {
		if !j.inPlace {
			why = append(why, j.why)
		}
	}
	return why
}

// mend plans what changes on the living container by an update.
func (p *planner) mend(w *Want, have *Container, diffs []difference) {
	diffs = slices.DeleteFunc(diffs, func(d difference) bool { return !d.inPlace(w) })
	if len(diffs) == 0 {
		return
	}
	a := Action{Kind: ActionUpdate, Target: have.Name, Repair: !p.manifestChanged(w, have),
		Ops: []Op{{Verb: UpdateContainer, Target: have.ID, Update: update(w, diffs, p.seen.Engine)}}}
	for _, d := range diffs {
		a.Why = append(a.Why, d.changes...)
	}
	p.act(a)
}

// carried lists the anonymous volumes that a replacement takes over: those where the manifest or the image asks for one again.
func (p *planner) carried(w *Want, have *Container) map[string]string {
	if have == nil {
		return nil
	}
	out := maps.Clone(have.Anonymous)
	image, known := p.seen.Images[w.Spec.Image]
	maps.DeleteFunc(out, func(target, _ string) bool {
		if m := mountAt(w.Spec.Volumes, path.Clean(target)); m != nil {
			return m.Volume == nil || m.Volume.Name != ""
		}
		return known && mountAt(image.Defaults.Volumes, path.Clean(target)) == nil
	})
	return out
}

func mountAt(mounts []spec.VolumeMount, target string) *spec.VolumeMount {
	for i := range mounts {
		if path.Clean(mounts[i].MountPath) == target {
			return &mounts[i]
		}
	}
	return nil
}

// StallWindow is the time within which the same revision is recreated at most stallCount times.
const (
	stallCount  = 3
	StallWindow = 10 * time.Minute
)

func (t Tries) stalled() bool {
	return t.Count >= stallCount && t.Last.Sub(t.First) <= StallWindow
}
