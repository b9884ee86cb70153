package plan

import (
	"fmt"
	"maps"
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
	for ordinal := range replicas {
		cl := cells[ordinal]
		if cl == nil {
			cl = &cell{name: spec.ContainerName(p.Key, ordinal)}
		}
		p.copy(c, ordinal, cl)
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
func (p *planner) copy(c *spec.Container, ordinal int, cl *cell) {
	p.lookForForeign(c, cl)
	if p.recover(cl) {
		return
	}
	w := p.want(c, ordinal)
	switch {
	case cl.foreign != nil && !c.Metadata.Adopts():
		p.block(Block{Reason: ReasonNameTaken, Message: fmt.Sprintf("container %q exists and is not berth's: remove or rename it, or set the annotation %s: \"true\" to take it over", cl.name, spec.AdoptAnnotation)})
	case cl.foreign != nil:
		p.adopt(w, cl)
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
	p.act(Action{Kind: ActionCreate, Target: w.Name, Why: []Change{{Note: "it is not there"}}, Ops: ops, Revision: w.Revision})
}

func createOp(w *Want, name string, anonymous map[string]string) Op {
	return Op{Verb: CreateContainer, Target: name, Container: &Create{Name: name, Spec: w.Spec, Labels: w.Labels, Anonymous: anonymous}}
}

// prepare checks all that can be checked before a container is touched, and plans the pull of the image. It is false where
// something stands in the way.
func (p *planner) prepare(w *Want) (ok bool) {
	for _, problem := range Unsupported(&w.Spec, p.seen.Engine) {
		p.obstruct(Block{Reason: ReasonUnsupported, Message: problem})
	}
	_, present := p.seen.Images[w.Spec.Image]
	switch policy := w.Spec.ImagePullPolicy; {
	case policy == spec.PullNever && !present:
		p.obstruct(Block{Reason: ReasonImageNotPresent, Message: fmt.Sprintf("image %q is not on the engine's host, and imagePullPolicy is Never: load it, or allow the pull", w.Spec.Image)})
	case policy == spec.PullAlways, !present:
		p.pull(w)
	}
	return !p.obstructed
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

// adopt replaces a container that is not ours: labels cannot be given to one that exists.
func (p *planner) adopt(w *Want, cl *cell) {
	have := p.observed(cl.foreign.ID)
	if have == nil { // listed, and gone before it could be inspected
		p.retryAt(p.now)
		return
	}
	p.recreate(w, have, []Change{{Note: "it was not berth's, and the manifest adopts it"}}, false)
}

// keep plans what makes an existing copy as wanted, by the least that does it.
func (p *planner) keep(w *Want, have *Container) {
	if have.State == StateRemoving {
		p.block(Block{Reason: ReasonRemoving, Message: fmt.Sprintf("the engine is removing container %q", have.Name)})
		return
	}
	if p.obstructed { // what the manifest refers to is not there: the copy runs on as it is
		p.mendState(w, have)
		return
	}
	diffs := diff(w, have, p.imageOf(have), p.seen.Engine)
	if why := replacementReasons(w, have, diffs); len(why) > 0 {
		p.recreate(w, have, why, !p.manifestChanged(w, have))
		return
	}
	p.mend(w, have, diffs)
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
func replacementReasons(w *Want, have *Container, diffs []difference) (why []Change) {
	if have.State == StateDead {
		why = append(why, Change{Note: "the engine gave it up as dead"})
	}
	for _, d := range diffs {
		if !d.inPlace() || swapLifted(w, d) {
			why = append(why, d.changes...)
		}
	}
	return why
}

// mend plans what changes on the living container.
func (p *planner) mend(w *Want, have *Container, diffs []difference) {
	a := Action{Kind: ActionUpdate, Target: have.Name, Repair: !p.manifestChanged(w, have)}
	if len(diffs) > 0 {
		a.Ops = append(a.Ops, Op{Verb: UpdateContainer, Target: have.ID, Update: update(w, diffs)})
		for _, d := range diffs {
			a.Why = append(a.Why, d.changes...)
		}
	}
	ops, why := p.endpointOps(w, have)
	a.Ops, a.Why = append(a.Ops, ops...), append(a.Why, why...)
	if len(a.Ops) > 0 {
		p.act(a)
	}
}

// recreate plans a replacement. The old container is kept until the new one has started, and comes back where it does not.
func (p *planner) recreate(w *Want, have *Container, why []Change, repair bool) {
	if tries := p.seen.Memory.Recreates[w.Name]; tries.Revision == w.Revision && tries.stalled() {
		p.block(Block{Reason: ReasonStalled, Message: fmt.Sprintf("%q was recreated to the same revision %d times within %s and is still not as wanted (%s): change the manifest", w.Name, tries.Count, stallWindow, why[0])})
		p.mendState(w, have)
		return
	}
	if !p.prepare(w) {
		p.mendState(w, have)
		return
	}
	next, prev := w.Name+suffixNext, w.Name+suffixPrev
	create := createOp(w, next, carried(w, have))
	create.Undo = &Op{Verb: RemoveContainer, Target: next}
	ops := []Op{create,
		{Verb: RenameContainer, Target: have.ID, To: prev, Undo: &Op{Verb: RenameContainer, Target: have.ID, To: w.Name}},
		{Verb: RenameContainer, Target: next, To: w.Name, Undo: &Op{Verb: RenameContainer, Target: w.Name, To: next}}}
	if have.State != StateCreated && have.State != StateExited && have.State != StateDead {
		ops = append(ops, Op{Verb: StopContainer, Target: have.ID, Undo: &Op{Verb: StartContainer, Target: have.ID}})
	}
	ops = append(ops, Op{Verb: StartContainer, Target: w.Name}, Op{Verb: RemoveContainer, Target: have.ID})
	p.act(Action{Kind: ActionRecreate, Target: w.Name, Why: why, Ops: ops, Revision: w.Revision, Repair: repair})
}

// carried lists the anonymous volumes that a replacement takes over: all whose path the manifest does not mount otherwise.
func carried(w *Want, have *Container) map[string]string {
	out := maps.Clone(have.Anonymous)
	for _, m := range w.Spec.Volumes {
		if m.Volume == nil || m.Volume.Name != "" {
			delete(out, m.MountPath)
		}
	}
	return out
}

// The same revision recreated so often within so short a time is not tried again.
const (
	stallCount  = 3
	stallWindow = 10 * time.Minute
)

func (t Tries) stalled() bool {
	return t.Count >= stallCount && t.Last.Sub(t.First) <= stallWindow
}
