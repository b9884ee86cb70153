package plan

import (
	"fmt"
	"slices"
)

// A copy is replaced in one of two orders, each of which leaves NAME.prev behind until the rollout is complete:
//
//   stop first:  create NAME.next; rename NAME to NAME.prev; rename NAME.next to NAME; stop NAME.prev; start NAME
//   start first: create NAME.next; start NAME.next; and once it is available:
//                rename NAME to NAME.prev; rename NAME.next to NAME; stop NAME.prev

// replace plans a replacement by which the old container stops first, and reports whether it could. The old one comes back where the
// new one does not start.
func (ro *rollout) replace(m *member) bool {
	if !ro.replaceable(m) {
		return false
	}
	ops := ro.stopFirst(m)
	m.busy = true
	ro.act(Action{Kind: ActionRecreate, Target: m.want.Name, Why: append(m.why, Change{Note: ro.stopFirstNote()}),
		Ops: slices.Concat(ops.create, ops.rename, ops.stop, ops.start), Revision: m.want.attempt, Repair: ro.repairs(m)})
	return true
}

// stopFirstNote says that the old container stops first, and why it has to.
func (ro *rollout) stopFirstNote() string {
	note := "the old one stops before it starts"
	if ro.inTheWay != "" {
		note += ": " + ro.inTheWay
	}
	return note
}

// recreateAll plans the replacement of all copies at once: all old ones stop before the first new one starts.
func (ro *rollout) recreateAll(candidates []*member) {
	unable := func(m *member) bool { return !ro.replaceable(m) }
	if len(candidates) == 0 || slices.ContainsFunc(candidates, unable) {
		return // all or none: the others would not be stopped before
	}
	var all steps
	for _, m := range candidates {
		s := ro.stopFirst(m)
		all.create, all.rename = append(all.create, s.create...), append(all.rename, s.rename...)
		all.stop, all.start = append(all.stop, s.stop...), append(all.start, s.start...)
		m.busy = true
	}
	for i, op := range all.start {
		if op.Verb == StartContainer && op.Undo == nil {
			all.start[i].Undo = &Op{Verb: StopContainer, Target: op.Target} // an old one may need its port
		}
	}
	first := candidates[0]
	ro.act(Action{Kind: ActionRecreate, Target: first.want.Name, Why: append(first.why, Change{Note: "all old copies stop before the first new one starts"}),
		Ops: slices.Concat(all.create, all.rename, all.stop, all.start), Revision: first.want.attempt, Repair: ro.repairs(first)})
}

// steps are the operations of a replacement by their kind.
type steps struct{ create, rename, stop, start []Op }

func (ro *rollout) stopFirst(m *member) (s steps) {
	have, name := m.main, m.want.Name
	next, prev := name+suffixNext, name+suffixPrev
	create := createOp(m.want, next, ro.carried(m.want, have))
	create.Undo = &Op{Verb: RemoveContainer, Target: next}
	s.create = []Op{create}
	s.rename = renames(have.ID, name)
	halt := stop(m.want, have)
	halt.Undo = &Op{Verb: StartContainer, Target: have.ID}
	switch have.State {
	case StateCreated, StateExited, StateDead:
	case StateRestarting: // the engine cannot rename it: its network sandbox is gone
		s.create = append(s.create, halt)
	default:
		s.stop = []Op{halt}
	}
	s.start = start(m.want, name)
	if have.State == StateDead { // it cannot come back
		s.start = append(s.start, Op{Verb: RemoveContainer, Target: prev})
	}
	return s
}

// renames put NAME.next in the place of a container, which becomes NAME.prev.
func renames(id, name string) []Op {
	next, prev := name+suffixNext, name+suffixPrev
	return []Op{
		{Verb: RenameContainer, Target: id, To: prev, Undo: &Op{Verb: RenameContainer, Target: id, To: name}},
		{Verb: RenameContainer, Target: next, To: name, Undo: &Op{Verb: RenameContainer, Target: name, To: next}}}
}

// surge plans a replacement that is started beside the old container, and reports whether it could.
func (ro *rollout) surge(m *member) bool {
	if !ro.replaceable(m) {
		return false
	}
	next := m.want.Name + suffixNext
	create := createOp(m.want, next, ro.carried(m.want, m.main))
	create.Undo = &Op{Verb: RemoveContainer, Target: next}
	m.busy = true
	ro.act(Action{Kind: ActionSurge, Target: m.want.Name, Why: append(m.why, Change{Note: "it starts before the old one stops"}),
		Ops: append([]Op{create}, start(m.want, next)...), Revision: m.want.attempt, Repair: ro.repairs(m)})
	return true
}

// promoteWhenAvailable puts a replacement that was started beside the old container in its place.
func (ro *rollout) promoteWhenAvailable(m *member) {
	if !ro.available(m.want, m.next) {
		ro.keepRunning(m.want, m.next)
		ro.keepRunning(m.want, m.main)
		return
	}
	ops := renames(m.main.ID, m.want.Name)
	switch m.main.State {
	case StateRestarting:
		ops = slices.Insert(ops, 0, stop(m.want, m.main))
	case StateRunning, StatePaused:
		ops = append(ops, stop(m.want, m.main))
	}
	ro.act(Action{Kind: ActionPromote, Target: m.want.Name, Why: []Change{{Note: "its replacement is ready"}}, Ops: ops, Revision: m.want.attempt})
}

// replaceable checks all that can be checked before a container is touched.
func (ro *rollout) replaceable(m *member) bool {
	next, prev := m.want.Name+suffixNext, m.want.Name+suffixPrev
	return !ro.obstructed && !ro.peerless && !ro.stalled(m.want, m.why) && !ro.taken(next) && !ro.taken(prev) && ro.prepare(m.want) && ro.initialized(m)
}

// repairs reports whether a replacement mends what was changed behind the agent's back.
func (ro *rollout) repairs(m *member) bool {
	return m.foreign == nil && !ro.manifestChanged(m.want, m.main)
}

// restore puts the replaced container back, because its replacement did not start, or has failed. That goes last: while it is there,
// one that is being adopted is known by it.
func (ro *rollout) restore(m *member, why string) {
	a := Action{Kind: ActionRestore, Target: m.name, Repair: true, Why: []Change{{Note: why}}}
	left := m.next
	if m.main != nil {
		if m.next != nil {
			a.Ops = append(a.Ops, Op{Verb: RemoveContainer, Target: m.next.ID})
		}
		left = m.main
	}
	if left != nil && runsNow(left) {
		a.Ops = append(a.Ops, stop(m.want, left))
	}
	if m.main != nil {
		a.Ops = append(a.Ops, Op{Verb: RenameContainer, Target: left.ID, To: m.name + suffixNext})
	}
	a.Ops = append(a.Ops, Op{Verb: RenameContainer, Target: m.prev.ID, To: m.name})
	switch m.prev.State {
	case StatePaused:
		a.Ops = append(a.Ops, Op{Verb: UnpauseContainer, Target: m.prev.ID})
	case StateCreated, StateExited:
		a.Ops = append(a.Ops, start(m.want, m.prev.ID)...)
	}
	if left != nil {
		a.Ops = append(a.Ops, Op{Verb: RemoveContainer, Target: left.ID})
	}
	ro.act(a)
}

func runsNow(c *Container) bool {
	return c.State == StateRunning || c.State == StateRestarting || c.State == StatePaused
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
