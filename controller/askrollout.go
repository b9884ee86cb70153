package controller

import (
	"fmt"
	"time"

	"berth.dev/berth/spec"
)

// RolloutPause has the copies of a Container left at the revisions that they are of.
func (c *Controller) RolloutPause(key spec.Key, by string) (Answer, error) {
	if _, err := c.container(key); err != nil {
		return Answer{}, err
	}
	return c.intend(key, by, "rollout pause", func(i *intent) string {
		if i.Paused {
			return fmt.Sprintf("the rollout of %s is paused already", shortName(key))
		}
		i.Paused = true
		return fmt.Sprintf("the rollout of %s is paused; `berth rollout resume %s` goes on with it", shortName(key), argument(key))
	})
}

// RolloutResume goes on with a rollout that was paused.
func (c *Controller) RolloutResume(key spec.Key, by string) (Answer, error) {
	if _, err := c.container(key); err != nil {
		return Answer{}, err
	}
	c.revisions.noteProgress(key, time.Now()) // the deadline is not about the pause
	return c.intend(key, by, "rollout resume", func(i *intent) string {
		if !i.Paused {
			return fmt.Sprintf("the rollout of %s was not paused", shortName(key))
		}
		i.Paused = false
		return fmt.Sprintf("the rollout of %s goes on", shortName(key))
	})
}

// RolloutRestart has the copies of a Container replaced by new ones of the same revision, as its strategy says.
func (c *Controller) RolloutRestart(key spec.Key, by string) (Answer, error) {
	if err := c.mayRoll(key); err != nil {
		return Answer{}, err
	}
	c.revisions.noteProgress(key, time.Now())
	return c.intend(key, by, "rollout restart", func(i *intent) string {
		i.RolloutRestartedAt = time.Now().Round(0)
		return shortName(key) + " gets new copies"
	})
}

// RolloutUndo has a Container go back to an earlier revision until its manifest changes; to is the revision's number, 0 for the one
// before.
func (c *Controller) RolloutUndo(key spec.Key, by string, to int) (Answer, error) {
	if err := c.mayRoll(key); err != nil {
		return Answer{}, err
	}
	if to < 0 {
		return Answer{}, refuse(ErrInvalid, "there is no revision %d: they count from 1", to)
	}
	number, unsaved, err := c.revisions.undo(key, to, by, time.Now())
	if err != nil {
		return Answer{}, fmt.Errorf("%s cannot go back: %w", shortName(key), err)
	}
	c.Audit(key, by, "rollout undo", "revision", number)
	a := Answer{Message: fmt.Sprintf("%s goes to revision %d", shortName(key), number)}
	if last := c.revisions.list(key); last[len(last)-1].Number != number {
		a.Notes = append(a.Notes, "the manifest is as it was: it is in force again once it or its image changes")
	}
	return c.asked(key, a, unsaved), nil
}

// mayRoll says why the copies of a Container are not replaced.
func (c *Controller) mayRoll(key spec.Key) error {
	if err := c.mayRestart(key); err != nil {
		return err
	}
	if c.intents.get(key, time.Now()).Paused {
		return refuse(ErrConflict, "the rollout of %s is paused: `berth rollout resume %s` first", shortName(key), argument(key))
	}
	return nil
}

// Revisions lists the revisions of a Container that are known, by number. Their objects are left out.
func (c *Controller) Revisions(key spec.Key) ([]Revision, error) {
	if key.Kind != spec.KindContainer {
		return nil, refuse(ErrInvalid, "%s is not a Container, and only those have revisions", key)
	}
	if !c.knows(key) {
		return nil, c.unknown(key)
	}
	list := c.revisions.list(key)
	for i := range list {
		list[i].Object = nil
	}
	return list, nil
}

// Revision gives one revision of a Container. Values in it whose names say that they may be secret are hidden.
func (c *Controller) Revision(key spec.Key, number int) (Revision, error) {
	if _, err := c.Revisions(key); err != nil {
		return Revision{}, err
	}
	h := chronicle{Revisions: c.revisions.list(key)}
	r := h.number(number)
	switch {
	case r == nil && len(h.Revisions) == 0:
		return Revision{}, refuse(ErrNotFound, "no revision of %s is known", shortName(key))
	case r == nil:
		return Revision{}, refuse(ErrNotFound, "%s has no revision %d; there %s", shortName(key), number, h.numbers())
	}
	o, err := r.object()
	if err != nil {
		return Revision{}, err
	}
	redact(o)
	r.Object = encodeObject(o)
	return *r, nil
}
