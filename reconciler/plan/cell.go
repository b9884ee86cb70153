package plan

import (
	"fmt"
	"slices"
	"strings"

	"berth.dev/berth/spec"
)

// cell is what there is of one copy of a Container. A recreation, interrupted at any point, leaves one of its states behind.
type cell struct {
	name string
	main *Container // has the copy's name
	next *Container // a replacement, not yet in its place
	prev *Container // replaced, not yet removed
	// strays are ours by labels that no image can carry, but have another name.
	strays []*Container
	// foreign has the copy's name and is not ours.
	foreign *Summary
}

// cells sorts the observed containers of the key by ordinal.
func (p *planner) cells() map[int]*cell {
	cells := map[int]*cell{}
	at := func(ordinal int) *cell {
		if cells[ordinal] == nil {
			cells[ordinal] = &cell{name: spec.ContainerName(p.Key, ordinal)}
		}
		return cells[ordinal]
	}
	for i := range p.seen.Containers {
		c := &p.seen.Containers[i]
		if id, ok := proven(c.Summary); ok && id.Key == p.Key {
			at(id.Ordinal).place(c)
		}
	}
	return cells
}

func (c *cell) place(found *Container) {
	switch found.Name {
	case c.name:
		c.main = found
	case c.name + suffixNext:
		c.next = found
	case c.name + suffixPrev:
		c.prev = found
	default:
		c.strays = append(c.strays, found)
	}
}

// lookForForeign finds a container that is not ours under the copy's name, and one whose adoption was interrupted: it is older
// than what replaces it.
func (p *planner) lookForForeign(o *spec.Container, c *cell) {
	if s, taken := p.seen.Names[c.name]; taken && c.main == nil {
		c.foreign = &s
	}
	s, taken := p.seen.Names[c.name+suffixPrev]
	if _, another := proven(s); !taken || another || c.prev != nil || !o.Metadata.Adopts() {
		return
	}
	prev := p.observed(s.ID)
	for _, replacement := range []*Container{c.main, c.next} {
		if prev != nil && replacement != nil && prev.CreatedAt.Before(replacement.CreatedAt) {
			c.prev = prev
		}
	}
}

// observed is the inspected container of an ID; nil where it is not known.
func (p *planner) observed(id string) *Container {
	for i := range p.seen.Containers {
		if p.seen.Containers[i].ID == id {
			return &p.seen.Containers[i]
		}
	}
	return nil
}

// recover takes an interrupted recreation back, or finishes it where the replacement already runs, and puts a container that was
// renamed back under its name. It returns whether the copy has to be looked at again before anything else is done to it.
//
// The order of a recreation is: create NAME.next; rename NAME to NAME.prev; rename NAME.next to NAME; stop NAME.prev; start
// NAME; remove NAME.prev.
func (p *planner) recover(c *cell) (again bool) {
	started := c.main != nil && !c.main.StartedAt.IsZero()
	switch {
	case c.prev != nil && started:
		p.remove(ActionRemove, c.prev, "its replacement runs")
	case c.prev != nil && (c.prev.State == StateDead || c.prev.State == StateRemoving):
		p.remove(ActionRemove, c.prev, "it is replaced, and cannot run any more")
	case c.prev != nil && c.foreign == nil:
		p.restore(c)
		return true
	}
	if c.next != nil {
		p.remove(ActionRemove, c.next, "left by an interrupted recreation")
	}
	if c.main == nil && c.foreign == nil && len(c.strays) > 0 {
		p.renameBack(c)
		return true
	}
	return false
}

// restore puts the replaced container back, because its replacement has not started. That goes last: while it is there, one that
// is being adopted is known by it.
func (p *planner) restore(c *cell) {
	a := Action{Kind: ActionRestore, Target: c.name, Repair: true, Why: []Change{{Note: "a recreation was interrupted before the replacement ran"}}}
	left := c.next
	if c.main != nil {
		if c.next != nil {
			a.Ops = append(a.Ops, Op{Verb: RemoveContainer, Target: c.next.ID})
		}
		left = c.main
		a.Ops = append(a.Ops, Op{Verb: RenameContainer, Target: left.ID, To: c.name + suffixNext})
	}
	a.Ops = append(a.Ops, Op{Verb: RenameContainer, Target: c.prev.ID, To: c.name})
	switch c.prev.State {
	case StatePaused:
		a.Ops = append(a.Ops, Op{Verb: UnpauseContainer, Target: c.prev.ID})
	case StateCreated, StateExited:
		a.Ops = append(a.Ops, Op{Verb: StartContainer, Target: c.prev.ID})
	}
	if left != nil {
		a.Ops = append(a.Ops, Op{Verb: RemoveContainer, Target: left.ID})
	}
	p.act(a)
}

func (p *planner) renameBack(c *cell) {
	stray := slices.MinFunc(c.strays, func(a, b *Container) int { return strings.Compare(a.ID, b.ID) })
	p.act(Action{Kind: ActionUpdate, Target: c.name, Repair: true,
		Why: []Change{{Field: "name", From: stray.Name, To: c.name}},
		Ops: []Op{{Verb: RenameContainer, Target: stray.ID, To: c.name}}})
}

func (p *planner) remove(kind ActionKind, c *Container, why string) {
	if c.State == StateRemoving {
		p.block(Block{Reason: ReasonRemoving, Message: fmt.Sprintf("the engine is removing container %q", c.Name)})
		return
	}
	p.act(Action{Kind: kind, Target: c.Name, Why: []Change{{Note: why}}, Ops: stopAndRemove(c)})
}

// stopAndRemove gives a container its grace period before it goes.
func stopAndRemove(c *Container) []Op {
	ops := []Op{{Verb: RemoveContainer, Target: c.ID}}
	if c.State == StateRunning || c.State == StateRestarting || c.State == StatePaused {
		ops = slices.Insert(ops, 0, Op{Verb: StopContainer, Target: c.ID})
	}
	return ops
}

// removeContainers removes every copy of an object that is gone.
func (p *planner) removeContainers() {
	for i := range p.seen.Containers {
		c := &p.seen.Containers[i]
		if id, ok := Owner(c.Summary); ok && id.Key == p.Key {
			p.remove(ActionRemove, c, "its manifest is gone")
		}
	}
}
