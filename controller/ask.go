package controller

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// Answer is what became of something that a person asked for.
type Answer struct {
	// Message says in one sentence what is so now.
	Message string `json:"message"`
	// Hold is how the object is held now; nil where it is not.
	Hold *plan.Hold `json:"hold,omitempty"`
	// Notes are what a person may not expect of it, a sentence each.
	Notes []string `json:"notes,omitempty"`
}

// maxReason is how long a reason may be, in bytes: it is in each status and in the log.
const maxReason = 512

// Hold has an object observed and not changed until a time. by says who asks, for the log.
func (c *Controller) Hold(key spec.Key, by string, until time.Time, reason string) (Answer, error) {
	now := time.Now()
	switch {
	case !c.knows(key):
		return Answer{}, c.unknown(key)
	case until.IsZero():
		return Answer{}, refuse(ErrInvalid, "a hold has to end by itself, as in `berth hold %s --for 2h`; the lasting form is suspend: true in the manifest", key.Name)
	case !until.After(now):
		return Answer{}, refuse(ErrInvalid, "%s is over: a hold ends later than now, %s", until.Format(time.RFC3339), now.Format(time.RFC3339))
	case len(reason) > maxReason || strings.ContainsFunc(reason, unicode.IsControl):
		return Answer{}, refuse(ErrInvalid, "a reason is one line of at most %d bytes", maxReason)
	}
	hold := &plan.Hold{Since: now.Round(0), Until: until.Round(0), Reason: reason} // by the wall clock, as after a restart of the agent
	a, err := c.intend(key, by, "hold", func(i *intent) string {
		if i.holds(now) {
			hold.Since = i.Hold.Since
		}
		i.Hold = hold
		return fmt.Sprintf("%s is held until %s", shortName(key), until.Format(time.RFC3339))
	}, "until", until.Format(time.RFC3339), "reason", reason)
	c.queue.AddAfter(key, time.Until(hold.Until))
	return a, err
}

// Release lets an object go that is held.
func (c *Controller) Release(key spec.Key, by string) (Answer, error) {
	if !c.knows(key) {
		return Answer{}, c.unknown(key)
	}
	return c.intend(key, by, "release", func(i *intent) string {
		was := i.holds(time.Now())
		if i.Hold = nil; !was {
			return shortName(key) + " was not held"
		}
		return shortName(key) + " is released"
	})
}

// Stop has the copies of a Container stopped, and kept so.
func (c *Controller) Stop(key spec.Key, by string) (Answer, error) {
	if _, err := c.container(key); err != nil {
		return Answer{}, err
	}
	return c.intend(key, by, "stop", func(i *intent) string {
		if i.Stopped {
			return shortName(key) + " is stopped already"
		}
		i.Stopped = true
		return fmt.Sprintf("%s is stopped; `berth start %s` starts it again", shortName(key), argument(key))
	})
}

// Start has the copies of a Container run again that was stopped.
func (c *Controller) Start(key spec.Key, by string) (Answer, error) {
	if _, err := c.container(key); err != nil {
		return Answer{}, err
	}
	return c.intend(key, by, "start", func(i *intent) string {
		if !i.Stopped {
			return shortName(key) + " was not stopped by hand"
		}
		i.Stopped = false
		return shortName(key) + " starts"
	})
}

// Restart has the copies of a Container restarted in place.
func (c *Controller) Restart(key spec.Key, by string) (Answer, error) {
	if err := c.mayRestart(key); err != nil {
		return Answer{}, err
	}
	return c.intend(key, by, "restart", func(i *intent) string {
		i.RestartedAt = time.Now().Round(0)
		return shortName(key) + " restarts, one copy after the other"
	})
}

// mayRestart says why a Container is not restarted.
func (c *Controller) mayRestart(key spec.Key) error {
	if _, err := c.container(key); err != nil {
		return err
	}
	if c.intents.get(key, time.Now()).Stopped {
		return refuse(ErrConflict, "%s is stopped: `berth start %s` starts it", shortName(key), argument(key))
	}
	return nil
}

// intend changes what is asked for of an object, logs it, and has the object looked at. do says what is so then.
func (c *Controller) intend(key spec.Key, by, what string, do func(*intent) string, more ...any) (a Answer, _ error) {
	err := c.intents.change(key, func(i *intent) { a.Message = do(i) })
	c.Audit(key, by, what, append(more, "result", a.Message)...)
	return c.asked(key, a, err), nil
}

// asked has an object looked at of which something was asked, and completes the answer. unsaved is why it could not be written down.
func (c *Controller) asked(key spec.Key, a Answer, unsaved error) Answer {
	a.Hold = c.intents.get(key, time.Now()).Hold
	if unsaved != nil {
		c.log.Error(unsaved, "what was asked for cannot be written down", "object", key.String())
		a.Notes = append(a.Notes, "it is in force, but forgotten when the agent is started again: "+unsaved.Error())
	}
	if online, why := c.Online(); !online {
		a.Notes = append(a.Notes, strings.TrimSuffix("the engine is away, and nothing is done until it answers: "+why, ": "))
	}
	c.rec.Forget(key)
	c.queue.Forget(key)
	c.store.poke()
	c.enqueue(key)
	return a
}

// Audit logs what a person asked for, and who it was; empty where that is not known.
func (c *Controller) Audit(key spec.Key, by, what string, more ...any) {
	c.log.WithValues("object", key.String(), "what", what, "by", by).Info("asked for by hand", more...)
}

// knows reports whether there is an object, be it only on the engine.
func (c *Controller) knows(key spec.Key) bool {
	if _, ok := c.catalog().Get(key); ok {
		return true
	}
	_, ok := c.store.get(key)
	return ok
}

func (c *Controller) unknown(key spec.Key) error {
	return refuse(ErrNotFound, "there is no %s: `berth get` lists what there is", key)
}

// container gives the manifest of a Container, or says why there is none.
func (c *Controller) container(key spec.Key) (*spec.Container, error) {
	o, ok := c.catalog().Get(key)
	if container, is := o.(*spec.Container); is {
		return container, nil
	}
	switch {
	case ok:
		return nil, refuse(ErrInvalid, "%s is not a Container, and only those are stopped, started, restarted and rolled out", key)
	case c.knows(key):
		return nil, refuse(ErrConflict, "%s has no manifest any more, and waits for its removal", key)
	}
	return nil, c.unknown(key)
}

func shortName(key spec.Key) string { return key.Namespace + "/" + key.Name }

// argument is how a command line names an object.
func argument(key spec.Key) string {
	if key.Namespace == spec.DefaultNamespace {
		return key.Name
	}
	return key.Name + " -n " + key.Namespace
}
