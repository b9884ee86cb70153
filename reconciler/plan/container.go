package plan

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"time"

	"berth.dev/berth/spec"
)

// container plans a Container: every copy, and what is left of those that are too many.
func (p *planner) container(c *spec.Container) {
	cells := p.cells()
	replicas := int(*c.Spec.Replicas)
	for _, ordinal := range slices.Sorted(maps.Keys(cells)) {
		if ordinal >= replicas {
			p.surplus(cells[ordinal], replicas)
		}
	}
	if replicas == 0 {
		return
	}
	r := p.resolve(c)
	for ordinal := range replicas {
		cl := cells[ordinal]
		if cl == nil {
			cl = &cell{name: spec.ContainerName(p.Key, ordinal)}
		}
		p.copy(c, r.want(ordinal), cl)
	}
}

func (p *planner) surplus(c *cell, replicas int) {
	for _, left := range []*Container{c.main, c.next, c.prev} {
		if left != nil {
			p.remove(ActionRemove, left, fmt.Sprintf("replicas is %d", replicas))
		}
	}
}

// copy plans one copy.
func (p *planner) copy(c *spec.Container, w *Want, cl *cell) {
	p.lookForForeign(c, cl)
	if p.recover(cl) {
		return
	}
	switch {
	case cl.foreign != nil:
		p.contend(c, w, cl.foreign)
	case cl.main == nil:
		p.create(w)
	default:
		p.keep(w, cl.main)
	}
}

// create plans a new copy.
func (p *planner) create(w *Want) {
	if !p.prepare(w) {
		return
	}
	ops := []Op{createOp(w, w.Name, nil), {Verb: StartContainer, Target: w.Name}}
	p.act(Action{Kind: ActionCreate, Target: w.Name, Why: []Change{{Note: "it is not there"}}, Ops: ops, Revision: w.attempt})
}

func createOp(w *Want, name string, anonymous map[string]string) Op {
	return Op{Verb: CreateContainer, Target: name, Container: &Create{Name: name, Spec: w.Spec, Labels: w.Labels, Anonymous: anonymous}}
}

// prepare checks all that can be checked before a container is touched, and plans the pull of the image. It is false where
// something stands in the way.
func (p *planner) prepare(w *Want) (ok bool) {
	if p.obstructed {
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
	case policy == spec.PullAlways, !present:
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
func (p *planner) contend(c *spec.Container, w *Want, foreign *Summary) {
	id, another := proven(*foreign)
	have := p.observed(foreign.ID)
	switch {
	case another && id.Name() != foreign.Name:
		p.block(Block{Reason: ReasonNameTaken, For: id.Key, Message: fmt.Sprintf("container %q is %s under another name, and gets that back first", w.Name, id.Name())})
	case another || c.Metadata.Adopts() && (have == nil || have.State == StateRemoving): // listed, and on its way out
		p.block(Block{Reason: ReasonRemoving, Message: fmt.Sprintf("the engine is removing container %q", w.Name)})
		p.retryAt(p.now.Add(goneRetry))
	case c.Metadata.Adopts(): // labels cannot be given to a container that exists
		p.recreate(w, have, []Change{{Note: "it was not berth's, and the manifest adopts it"}}, false)
	default:
		p.block(Block{Reason: ReasonNameTaken, Message: fmt.Sprintf("container %q exists and is not berth's: remove or rename it, or set the annotation %s: \"true\" to take it over", w.Name, spec.AdoptAnnotation)})
	}
}

// goneRetry is when to look again for a container that was listed and could not be inspected; an event mostly tells before.
const goneRetry = time.Second

// keep plans what makes an existing copy as wanted, by the least that does it. Where a replacement cannot be made, the copy is
// kept as near to what is wanted as it can be.
func (p *planner) keep(w *Want, have *Container) {
	if have.State == StateRemoving {
		p.block(Block{Reason: ReasonRemoving, Message: fmt.Sprintf("the engine is removing container %q", have.Name)})
		return
	}
	diffs := diff(w, have, p.imageOf(have), p.seen.Engine)
	joints := p.joints(w, have)
	if why := replacementReasons(w, have, diffs, joints); len(why) > 0 && p.recreate(w, have, why, !p.manifestChanged(w, have)) {
		return
	}
	if have.State == StateDead {
		return
	}
	p.mend(w, have, diffs)
	for _, j := range joints {
		p.mendJoint(w, have, j)
	}
	p.mendState(w, have)
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

// recreate plans a replacement, and reports whether it could. The old container is kept until the new one has started, and comes
// back where it does not.
func (p *planner) recreate(w *Want, have *Container, why []Change, repair bool) bool {
	next, prev := w.Name+suffixNext, w.Name+suffixPrev
	if p.obstructed || p.peerless || p.stalled(w, why) || p.taken(next) || p.taken(prev) || !p.prepare(w) {
		return false
	}
	create := createOp(w, next, p.carried(w, have))
	create.Undo = &Op{Verb: RemoveContainer, Target: next}
	ops := []Op{create,
		{Verb: RenameContainer, Target: have.ID, To: prev, Undo: &Op{Verb: RenameContainer, Target: have.ID, To: w.Name}},
		{Verb: RenameContainer, Target: next, To: w.Name, Undo: &Op{Verb: RenameContainer, Target: w.Name, To: next}}}
	stop := Op{Verb: StopContainer, Target: have.ID, Undo: &Op{Verb: StartContainer, Target: have.ID}}
	switch have.State {
	case StateCreated, StateExited, StateDead:
	case StateRestarting: // the engine cannot rename it: its network sandbox is gone
		ops = slices.Insert(ops, 1, stop)
	default:
		ops = append(ops, stop)
	}
	ops = append(ops, Op{Verb: StartContainer, Target: w.Name}, Op{Verb: RemoveContainer, Target: have.ID})
	p.act(Action{Kind: ActionRecreate, Target: w.Name, Why: why, Ops: ops, Revision: w.attempt, Repair: repair})
	return true
}

// stalled blocks a replacement that has been tried too often.
func (p *planner) stalled(w *Want, why []Change) bool {
	tries := p.seen.Memory.Recreates[w.Name]
	if tries.Revision != w.attempt || !tries.stalled() {
		return false
	}
	outcome := fmt.Sprintf("is still not as wanted (%s)", why[0])
	if tries.Error != "" {
		outcome = "failed: " + tries.Error
	}
	p.block(Block{Reason: ReasonStalled, Message: fmt.Sprintf("%q was recreated to the same revision %d times within %s and %s: change the manifest", w.Name, tries.Count, StallWindow, outcome)})
	return true
}

// taken blocks a replacement that needs a name which something has that is not about to be removed.
func (p *planner) taken(name string) bool {
	s, there := p.seen.Names[name]
	going := slices.ContainsFunc(p.Actions, func(a Action) bool { return a.Kind == ActionRemove && a.Target == name })
	if !there || going {
		return false
	}
	p.block(Block{Reason: ReasonNameTaken, Message: fmt.Sprintf("container %q (%s) is in the way: a replacement needs its name for a moment; remove or rename it", name, short(s.ID))})
	return true
}

// carried lists the anonymous volumes that a replacement takes over: those where the manifest or the image asks for one again.
func (p *planner) carried(w *Want, have *Container) map[string]string {
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
