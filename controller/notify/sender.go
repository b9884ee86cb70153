package notify

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"berth.dev/berth/spec"
)

const (
	mostQueued   = 256             // beyond it the oldest is dropped
	mostInFlight = 4               // deliveries of one notification at once
	drainTime    = 2 * time.Second // for what is left when the agent ends
	forever      = time.Duration(1<<63 - 1)
)

// The defaults of a notification.
const (
	defaultRate    = 60 // a minute
	defaultWindow  = 5 * time.Minute
	defaultTimeout = 10 * time.Second
)

// sender delivers for one notification. Events of one object are delivered in their order; those of different objects side by side.
type sender struct {
	n    *Notifier
	key  spec.Key
	spec atomic.Pointer[spec.NotificationSpec]
	stop context.CancelFunc // nil where it does not run; under the notifier's lock
	wake chan struct{}      // holds one where there may be something to do

	mu       sync.Mutex
	limit    *rate.Limiter
	memory   memory
	items    []*item // in the order they were told
	untold   int     // what was held back and no delivery has said yet
	failures int     // in a row
	until    time.Time
	status   Status
}

// item is one event in the queue.
type item struct {
	id       string // the same for every try
	event    Event
	repeated int
	untold   int
	told     time.Time
	tries    int
	next     time.Time // not before it
	busy     bool      // on its way
}

func newSender(n *Notifier, o *spec.Notification) *sender {
	s := &sender{n: n, key: o.Key(), wake: make(chan struct{}, 1), memory: memory{}}
	s.spec.Store(&o.Spec)
	s.limit = rate.NewLimiter(limits(&o.Spec))
	return s
}

func limits(s *spec.NotificationSpec) (perSecond rate.Limit, burst int) {
	n := or(s.RateLimitPerMinute, defaultRate)
	return rate.Limit(float64(n) / time.Minute.Seconds()), int(n)
}

func or[T any](v *T, instead T) T {
	if v == nil {
		return instead
	}
	return *v
}

// change puts another specification in force, for what is queued too. It is tried at once: what failed may be mended by it.
func (s *sender) change(to spec.NotificationSpec) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spec.Store(&to)
	perSecond, burst := limits(&to)
	s.limit.SetLimit(perSecond)
	s.limit.SetBurst(burst)
	s.until = time.Time{}
	for _, it := range s.items {
		it.next = time.Time{}
	}
	s.signal()
}

// discard drops what waits and ends the sender; what is on its way may arrive.
func (s *sender) discard() {
	s.mu.Lock()
	before := len(s.items)
	s.items = slices.DeleteFunc(s.items, func(it *item) bool { return !it.busy })
	s.n.metrics.count(resultDropped, before-len(s.items))
	s.mu.Unlock()
	if s.stop != nil {
		s.stop()
	}
}

func (s *sender) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// tell queues an event, unless it is to be held back.
func (s *sender) tell(id string, e Event) {
	o := s.spec.Load()
	if e.Object == s.key || !wants(o.Filters, e) { // a failing notification would else tell itself that it fails
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now, window, f := time.Now(), time.Duration(or(o.DedupeWindow, spec.Duration(defaultWindow))), fingerprintOf(e)
	switch {
	case s.memory.holds(f, now, window):
		s.status.Untold++
		s.n.metrics.count(resultDeduped, 1)
	case !s.limit.Allow():
		s.holdBack(resultLimited, 1)
	default:
		s.items = append(s.items, &item{id: id, event: e, told: now, repeated: s.memory.note(f, now, window)})
		s.makeRoom()
		s.signal()
	}
}

// holdBack counts events that the next delivery says were not told.
func (s *sender) holdBack(result string, n int) {
	s.untold += n
	s.status.Untold++
	s.n.metrics.count(result, 1)
}

// makeRoom drops the oldest event that is not on its way, where there are too many.
func (s *sender) makeRoom() {
	if len(s.items) <= mostQueued {
		return
	}
	i := slices.IndexFunc(s.items, func(it *item) bool { return !it.busy })
	s.holdBack(resultDropped, 1+s.items[i].untold)
	s.items = slices.Delete(s.items, i, i+1)
}

// run delivers until ctx ends, and then for a short while what is due.
func (s *sender) run(ctx context.Context) {
	hard, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var attempts sync.WaitGroup
	defer s.leave()
	defer attempts.Wait()
	for ended := ctx.Done(); ; {
		it, wait := s.take(time.Now())
		if it != nil {
			attempts.Go(func() { s.attempt(hard, it) })
			continue
		}
		if ended == nil && (hard.Err() != nil || !s.onTheWay()) {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-ended:
			ended = nil
			defer time.AfterFunc(drainTime, cut).Stop()
		case <-hard.Done():
		case <-s.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// take picks the next event that may be delivered now, or says when to look again. While deliveries fail only one at a time is
// tried, so that a receiver that comes back is not overrun; and first what was tried least, so that one that always fails is not
// all that is ever tried.
func (s *sender) take(now time.Time) (next *item, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	busy, passed := s.busy(), map[spec.Key]bool{}
	if busy >= mostInFlight || s.failures > 0 && busy > 0 {
		return nil, forever
	}
	if now.Before(s.until) {
		return nil, s.until.Sub(now)
	}
	wait = forever
	for _, it := range s.items {
		due := it.next.Sub(now)
		switch first := !passed[it.event.Object]; {
		case !first || it.busy:
		case due > 0:
			wait = min(wait, due)
		case next == nil || it.tries < next.tries:
			next = it
		}
		passed[it.event.Object] = true
	}
	if next != nil {
		s.begin(next)
	}
	return next, wait
}

// begin marks an event as on its way. The first try takes what was held back before it, and later ones say the same.
func (s *sender) begin(it *item) {
	if it.tries == 0 {
		it.untold, s.untold = s.untold, 0
	}
	it.tries++
	it.busy = true
}

func (s *sender) busy() (n int) {
	for _, it := range s.items {
		if it.busy {
			n++
		}
	}
	return n
}

func (s *sender) onTheWay() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busy() > 0
}

// leave drops what could not be delivered before the end.
func (s *sender) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if left := len(s.items); left > 0 {
		s.n.log.Info("notifications were not delivered before the end", "notification", s.key.String(), "events", left)
		s.n.metrics.count(resultDropped, left)
		s.items = nil
	}
}
