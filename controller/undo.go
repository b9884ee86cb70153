package controller

import (
	"fmt"
	"time"
)

// undo goes back from the manifest's present revision to another; to is its number, 0 for the one before. It returns the number. To
// go "back" to the manifest's own revision has it tried again.
func (c *chronicle) undo(to int, by string, now time.Time) (int, error) {
	last := c.last()
	if last == nil {
		return 0, refuse(ErrConflict, "no revision of it is known yet")
	}
	target, err := c.target(to)
	switch {
	case err != nil:
		return 0, err
	case target == last && !last.quarantined():
		return 0, refuse(ErrConflict, "revision %d is the manifest's, and is in force already", last.Number)
	case target == last:
		last.end(RevisionProgressing, "", now)
		last.Began = now
		return last.Number, nil
	case target == c.inForce():
		return 0, refuse(ErrConflict, "it has gone back to revision %d already", target.Number)
	}
	if !last.quarantined() {
		last.end(RevisionUndone, undoneMessage(by), now)
	}
	c.makeGood(target, now)
	return target.Number, nil
}

func undoneMessage(by string) string {
	if by == "" {
		return "undone by hand"
	}
	return "undone by hand, by " + by
}

// inForce is the revision that the copies are brought to.
func (c *chronicle) inForce() *Revision {
	if last := c.last(); last == nil || !last.quarantined() {
		return last
	}
	return c.good()
}

// target finds the revision to go to. One that was never deployed will not do: it would run without being watched.
func (c *chronicle) target(to int) (*Revision, error) {
	if to == 0 {
		return c.before()
	}
	r := c.number(to)
	switch {
	case r == nil:
		return nil, refuse(ErrConflict, "there is no revision %d; there %s: `berth rollout history`", to, c.numbers())
	case r != c.last() && !r.proven():
		return nil, refuse(ErrConflict, "revision %d was never deployed, and is not known to work: to try it, put its manifest in place", to)
	}
	return r, nil
}

// before finds the newest revision that was deployed before the one in force.
func (c *chronicle) before() (*Revision, error) {
	now := c.inForce()
	for i := len(c.Revisions) - 1; i >= 0; i-- {
		if r := &c.Revisions[i]; r != now && r != c.last() && r.proven() && !r.quarantined() {
			return r, nil
		}
	}
	return nil, refuse(ErrConflict, "there is no earlier revision that was deployed: `berth rollout history` shows those that are known")
}

// numbers lists the numbers of all revisions, as in "are 1, 2 and 5".
func (c *chronicle) numbers() string {
	n := len(c.Revisions)
	if n == 1 {
		return fmt.Sprintf("is %d", c.Revisions[0].Number)
	}
	text := "are "
	for i, r := range c.Revisions[:n-1] {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprint(r.Number)
	}
	return text + fmt.Sprintf(" and %d", c.Revisions[n-1].Number)
}
