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
	// inits are the init containers that ran or run for the copy.
	inits []*Container
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

// all lists the containers under the copy's names.
func (c *cell) all() []*Container {
	return slices.DeleteFunc(append([]*Container{c.main, c.next, c.prev}, c.inits...), func(c *Container) bool { return c == nil })
}

func (c *cell) place(found *Container) {
	if found.Labels[spec.LabelInit] != "" {
		c.inits = append(c.inits, found)
		return
	}
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

// recover takes an interrupted replacement back, or goes on with it where the replacement already runs, and puts a container that
// was renamed back under its name. It returns whether the copy has to be looked at again before anything else is done to it. The
// orders of a replacement are in replace.go.
func (ro *rollout) recover(m *member) (again bool) {
	if again = ro.recoverPrev(m); again {
		return true
	}
	switch {
	case m.next == nil || m.surge:
	case m.main == nil && m.prev == nil && m.foreign == nil && ro.serves(m.want, m.next) && ro.matches(m.want, m.next):
		ro.act(Action{Kind: ActionPromote, Target: m.name, Why: []Change{{Note: "what it was to replace is gone"}},
			Ops: []Op{{Verb: RenameContainer, Target: m.next.ID, To: m.name}}})
		return true
	default:
		ro.remove(ActionRemove, m.next, "left by an interrupted replacement")
	}
	if m.main == nil && m.foreign == nil && len(m.strays) > 0 {
		ro.renameBack(m.cell)
		return true
	}
	return false
}

// recoverPrev decides what becomes of a container that was replaced and not yet removed.
func (ro *rollout) recoverPrev(m *member) (again bool) {
	started := m.main != nil && !m.main.StartedAt.IsZero()
	switch {
	case m.prev == nil:
		return false
	case m.prev.State == StateDead || m.prev.State == StateRemoving:
		ro.remove(ActionRemove, m.prev, "it is replaced, and cannot run any more")
	case started && len(m.why) == 0: // it is removed when the rollout is complete
		if runsNow(m.prev) {
			ro.act(Action{Kind: ActionPromote, Target: m.name, Why: []Change{{Note: "its replacement runs"}}, Ops: []Op{stop(m.want, m.prev)}})
		}
	case started && ro.matches(m.want, m.prev):
		ro.restore(m, "its replacement has failed")
		return true
	case started && ro.serves(m.want, m.main): // a third revision is wanted
		ro.remove(ActionRemove, m.prev, "its replacement runs, and is replaced in turn")
	case m.foreign == nil:
		return ro.putBack(m)
	}
	return false
}

// putBack goes back to the replaced container, because its replacement is not in its place, did not start, or does not serve; where
// it only has to be renamed, it is.
func (ro *rollout) putBack(m *member) bool {
	if m.main == nil && m.next != nil && ro.serves(m.want, m.next) && ro.matches(m.want, m.next) {
		a := Action{Kind: ActionPromote, Target: m.name, Why: []Change{{Note: "its replacement runs"}}, Ops: []Op{{Verb: RenameContainer, Target: m.next.ID, To: m.name}}}
		if runsNow(m.prev) {
			a.Ops = append(a.Ops, stop(m.want, m.prev))
		}
		ro.act(a)
		return true
	}
	ro.restore(m, "a replacement was interrupted before it ran")
	return true
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
		ops = slices.Insert(ops, 0, stop(nil, c))
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
