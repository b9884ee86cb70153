package probe

import (
	"math/bits"
	"time"
)

// tick is how exactly the wheel keeps time: nothing comes before it is due, and nothing more than this after.
const tick = 10 * time.Millisecond

const (
	slotBits = 6
	slots    = 1 << slotBits // as many as a word has bits
	levels   = 7             // of ticks of 10 ms, 64 to the seventh are 1,400 years
)

// wheel is a hierarchical timing wheel (Varghese and Lauck, 1987): adding, removing and coming due cost the same however many
// timers there are. A slot of a level holds what is due in that part of the present turn of the level; when its part begins, what is
// in it moves to the levels below. A word for each level says which of its slots hold anything, so that the next is found without
// ticking through those between.
type wheel struct {
	zero     time.Time // of tick 0
	now      uint64    // ticks that are over
	occupied [levels]uint64
	slot     [levels][slots]timer // heads of rings
}

// timer is a place in a wheel. The zero value is in none.
type timer struct {
	next, prev *timer
	due        uint64 // tick
	level      uint8
	index      uint8
	probe      *asking
}

func newWheel(zero time.Time) *wheel {
	w := &wheel{zero: zero}
	for l := range w.slot {
		for i := range w.slot[l] {
			head := &w.slot[l][i]
			head.next, head.prev = head, head
		}
	}
	return w
}

// ticks is the number of the first tick that is not before a time.
func (w *wheel) ticks(at time.Time) uint64 {
	return uint64(max(0, at.Sub(w.zero)+tick-1) / tick)
}

// add makes a timer come due at a time, and at the next tick where that is over. The timer is in no wheel yet.
func (w *wheel) add(t *timer, at time.Time) {
	t.due = max(w.ticks(at), w.now+1)
	w.put(t)
}

// put finds the level where the ticks of now and then differ first.
func (w *wheel) put(t *timer) {
	level := (bits.Len64(w.now^t.due) - 1) / slotBits
	index := t.due >> (level * slotBits) % slots
	t.level, t.index = uint8(level), uint8(index)
	head := &w.slot[level][index]
	t.prev, t.next = head.prev, head
	t.prev.next, head.prev = t, t
	w.occupied[level] |= 1 << index
}

// remove takes a timer out, where it is in.
func (w *wheel) remove(t *timer) {
	if t.next == nil {
		return
	}
	t.prev.next, t.next.prev = t.next, t.prev
	t.next, t.prev = nil, nil
	if head := &w.slot[t.level][t.index]; head.next == head {
		w.occupied[t.level] &^= 1 << t.index
	}
}

// upcoming is the next tick at which there is something to do, if only to move timers down.
func (w *wheel) upcoming() (at uint64, level, index int, ok bool) {
	for level, word := range w.occupied {
		if word == 0 {
			continue
		}
		index := bits.TrailingZeros64(word) // all are after now, which has had its turn
		turn := w.now >> ((level + 1) * slotBits) << ((level + 1) * slotBits)
		return turn | uint64(index)<<(level*slotBits), level, index, true
	}
	return 0, 0, 0, false
}

// next is the time at which advance has something to do.
func (w *wheel) next() (time.Time, bool) {
	at, _, _, ok := w.upcoming()
	return w.zero.Add(time.Duration(at) * tick), ok
}

// advance takes out what has come due by a time, and hands it to due in the order of its ticks.
func (w *wheel) advance(to time.Time, due func(*asking)) {
	last := uint64(max(0, to.Sub(w.zero)) / tick)
	for {
		at, level, index, ok := w.upcoming()
		if !ok || at > last {
			break
		}
		w.now = at
		for head := &w.slot[level][index]; head.next != head; {
			t := head.next
			w.remove(t)
			if t.due > at {
				w.put(t)
				continue
			}
			due(t.probe)
		}
	}
	w.now = max(w.now, last)
}
