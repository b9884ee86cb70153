package updates

import (
	"context"
	"slices"
	"time"

	"berth.dev/berth/controller/retry"
	"berth.dev/berth/spec"
)

// lane is the way to one registry. It is asked one question at a time, so that a hundred objects are no storm; and one that is down
// is left alone for a while, and keeps no other waiting.
type lane struct {
	busy     bool
	failures int       // in a row
	until    time.Time // nothing is asked before
	told     bool      // the registry itself has said until when
	trouble  string    // the last failure; empty where the last question was answered
}

// The waits after a failure: they double from the first to the most, and as much as half of a wait is left to chance.
const (
	backoffFirst = 5 * time.Second
	backoffMost  = 5 * time.Minute
)

func backoff(failures int) time.Duration { return retry.Backoff(failures, backoffFirst, backoffMost) }

// fail notes that the registry gave no answer.
func (l *lane) fail(now time.Time, r *refusal) {
	l.failures++
	l.until, l.told, l.trouble = now.Add(max(r.wait, backoff(l.failures))), r.wait > 0, r.message
}

// hurry lets the next question go, unless the registry does not want it.
func (l *lane) hurry() {
	if !l.told {
		l.until = time.Time{}
	}
}

// dispatch asks what is due and says when to look again.
func (c *Checker) dispatch(ctx context.Context) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, wait := time.Now(), time.Hour
	for name, s := range c.nextOfEach() {
		l := c.lanes[name]
		at := later(s.due, l.until)
		if at.After(now) {
			wait = min(wait, at.Sub(now))
			continue
		}
		l.busy = true
		c.asking.Go(func() { c.put(ctx, s) })
	}
	return wait
}

// nextOfEach gives the question that is due next, for each registry that is not being asked.
func (c *Checker) nextOfEach() map[string]*subject {
	next := map[string]*subject{}
	for _, s := range c.subjects {
		if s.due.IsZero() || c.lanes[s.Registry].busy {
			continue
		}
		if n := next[s.Registry]; n == nil || s.due.Before(n.due) {
			next[s.Registry] = s
		}
	}
	return next
}

// patience is how long a registry may take for an answer, all requests together.
const patience = time.Minute

// put asks one question, and notes the answer.
func (c *Checker) put(ctx context.Context, s *subject) {
	defer c.look()
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	image, r := c.client.newest(asking, s.question)
	if ctx.Err() != nil {
		return // nobody waits for it any more
	}
	changed := c.note(s, image, r)
	if len(changed) > 0 {
		c.save()
	}
	if c.opts.OnChange != nil {
		for _, key := range changed {
			c.opts.OnChange(key)
		}
	}
}

// note takes an answer in, and gives the objects for which it is another one than before.
func (c *Checker) note(s *subject, image string, r *refusal) (changed []spec.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, l := time.Now(), c.lanes[s.Registry]
	l.busy, s.last = false, now
	result := "unchanged"
	switch {
	case r != nil && r.registry:
		result = c.noteTrouble(s, l, r, now)
	case r != nil:
		result = c.noteRefusal(s, l, r, now)
	default:
		c.noteAnswer(s, l, now)
		if s.found.Image != image {
			result, changed = "found", slices.Clone(s.keys)
			c.opts.Log.Info("image found", "asked", s.String(), "image", image, "before", s.found.Image)
			s.found = Found{image, now}
		}
	}
	c.checks.WithLabelValues(result).Inc()
	return changed
}

// noteTrouble takes in that a registry answers nobody. It is asked again as soon as that may be over.
func (c *Checker) noteTrouble(s *subject, l *lane, r *refusal, now time.Time) (result string) {
	if l.trouble == "" {
		c.opts.Log.Info("cannot ask a registry", "registry", s.Registry, "error", r.message)
	}
	s.failures, s.trouble = s.failures+1, r.message
	s.due = now.Add(backoff(s.failures))
	l.fail(now, r)
	if r.limited {
		return "limited"
	}
	return "failed"
}

// noteRefusal takes in that a registry has no answer to a question. It is asked again at the question's next time.
func (c *Checker) noteRefusal(s *subject, l *lane, r *refusal, now time.Time) (result string) {
	if s.trouble != r.message {
		c.opts.Log.Info("cannot find out whether there is a newer image", "asked", s.String(), "error", r.message)
	}
	c.noteAnswer(s, l, now)
	s.trouble = r.message
	return "failed"
}

func (c *Checker) noteAnswer(s *subject, l *lane, now time.Time) {
	if l.trouble != "" {
		c.opts.Log.Info("registry answers again", "registry", s.Registry)
	}
	*l = lane{}
	s.failures, s.trouble, s.due = 0, "", after(s.times, now)
}
