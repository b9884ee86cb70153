package probe

import (
	"context"
	"time"
)

// The lanes: probes of one do not wait for those of another.
const (
	network = iota
	exec
)

// lane bounds how many probes are in flight.
type lane struct {
	free    int
	waiting []*asking // in the order in which they came due
}

// Run asks probes until ctx ends, and then waits for those in flight, whose answers are lost. It may be called once.
func (p *Prober) Run(ctx context.Context) error {
	defer p.wg.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-p.wake:
		}
		timer.Reset(p.turn(ctx))
	}
}

// idle is how long the scheduler sleeps where there is no probe.
const idle = time.Hour

// turn has all asked that is due, and says how long nothing will be.
func (p *Prober) turn(ctx context.Context) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.wheel.advance(now, func(a *asking) { p.dispatch(ctx, a) })
	next, ok := p.wheel.next()
	if !ok {
		next = now.Add(idle)
	}
	p.woken = next
	return time.Until(next)
}

// rouse has the scheduler look at the wheel where something is due before it would.
func (p *Prober) rouse() {
	if next, ok := p.wheel.next(); !ok || !next.Before(p.woken) {
		return
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// dispatch has a probe asked, at once or when its lane is free.
func (p *Prober) dispatch(ctx context.Context, a *asking) {
	l := &p.lanes[a.question.lane()]
	if l.free == 0 {
		l.waiting = append(l.waiting, a)
		return
	}
	l.free--
	p.wg.Go(func() { p.work(ctx, l, a) })
}

// work asks a probe, and then those that wait in its lane.
func (p *Prober) work(ctx context.Context, l *lane, a *asking) {
	for a != nil {
		got := p.within(ctx, a.question)
		p.mu.Lock()
		changed := ctx.Err() == nil && a.settle(p, got)
		key := a.of.key
		a = l.pop(ctx)
		p.rouse()
		p.mu.Unlock()
		if changed {
			p.opts.OnChange(key)
		}
	}
}

func (p *Prober) within(ctx context.Context, q *question) answer {
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	return p.ask(ctx, q)
}

// pop gives the next that waits, or the place back.
func (l *lane) pop(ctx context.Context) *asking {
	for len(l.waiting) > 0 && ctx.Err() == nil {
		a := l.waiting[0]
		l.waiting[0] = nil // to be collected
		l.waiting = l.waiting[1:]
		if !a.over {
			return a
		}
	}
	l.free++
	return nil
}
