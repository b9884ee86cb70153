package notify

import (
	"context"
	"errors"
	"slices"
	"time"

	"berth.dev/berth/controller/retry"
)

// The waits between tries; each a random part of itself shorter, so that many agents do not come at once. What could not be
// delivered within giveUp is not tried again.
const (
	retryFirst = time.Second
	retryMost  = 5 * time.Minute
	giveUp     = time.Hour
)

// failure is why a delivery failed.
type failure struct {
	retry bool          // whether another try may help
	after time.Duration // at least to be waited, as the receiver asks; 0 where it does not
	err   error         // has no secret in it
}

func (f *failure) Error() string { return f.err.Error() }

// attempt makes one try to deliver an event, and notes what came of it.
func (s *sender) attempt(ctx context.Context, it *item) {
	s.mu.Lock()
	o, before, b := s.spec.Load(), s.failures, bodyOf(it)
	s.mu.Unlock()
	err := s.n.deliver(ctx, &o.Webhook, b)
	if err != nil && ctx.Err() != nil { // the end is no trouble of the receiver's
		s.putBack(it)
		return
	}
	was, is := s.settle(it, before, err)
	s.signal()
	switch {
	case was == "" && is != "":
		s.n.log.Error(err, "notifications cannot be delivered; tried again where that may help", "notification", s.key.String())
	case was != "" && is == "":
		s.n.log.Info("notifications are delivered again", "notification", s.key.String())
	}
	s.n.changed(s.key)
}

// settle notes the result of a try, and returns the trouble before and after it. failures is how many there were in a row when the
// try began: those that fail side by side count as one.
func (s *sender) settle(it *item, failures int, err error) (was, is string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, now := s.status.Trouble, time.Now()
	it.busy = false
	var f *failure
	switch {
	case err == nil:
		s.finish(it)
		s.status.Delivered++
		s.status.Trouble, s.failures, s.until = "", 0, time.Time{}
		s.n.metrics.count(resultDelivered, 1)
	case errors.As(err, &f) && f.retry:
		s.status.Trouble = err.Error()
		s.failures = max(s.failures, failures+1)
		s.until = now.Add(max(f.after, backoff(s.failures)))
		it.next = now.Add(max(f.after, backoff(it.tries)))
		if it.next.Sub(it.told) > giveUp {
			s.lose(it)
		}
	default: // the receiver works, and does not want it
		s.status.Trouble, s.failures = err.Error(), 0
		s.lose(it)
	}
	return was, s.status.Trouble
}

// putBack leaves an event in the queue.
func (s *sender) putBack(it *item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it.busy = false
}

// lose gives an event up.
func (s *sender) lose(it *item) {
	s.finish(it)
	s.untold += 1 + it.untold
	s.status.Failed++
	s.n.metrics.count(resultFailed, 1)
}

func (s *sender) finish(it *item) {
	s.items = slices.DeleteFunc(s.items, func(other *item) bool { return other == it })
}

func backoff(tries int) time.Duration { return retry.Backoff(tries, retryFirst, retryMost) }
