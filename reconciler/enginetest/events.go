package enginetest

import (
	"context"
	"maps"
	"strconv"
	"time"

	"berth.dev/berth/reconciler/plan"
)

// hub hands events to those who subscribed before they happened.
type hub struct {
	subscribers map[*subscriber]bool
	drop        func(plan.Event) bool
}

// subscriber queues without a limit: a slow one loses nothing but by DropEvents.
type subscriber struct {
	queue []plan.Event
	more  chan struct{} // holds a token while the queue is not empty
	gone  chan struct{} // closed when the stream breaks
}

func (h *hub) publish(ev plan.Event) {
	if h.drop != nil && h.drop(ev) {
		return
	}
	for s := range h.subscribers {
		s.queue = append(s.queue, ev)
		select {
		case s.more <- struct{}{}:
		default:
		}
	}
}

func (h *hub) cut() {
	for s := range h.subscribers {
		close(s.gone)
	}
	clear(h.subscribers)
}

// DropEvents loses the events for which drop holds, in silence, as Docker does with a slow subscriber's; nil loses none.
func (e *Engine) DropEvents(drop func(plan.Event) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hub.drop = drop
}

// CutEvents breaks all event streams; the engine goes on answering.
func (e *Engine) CutEvents() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hub.cut()
}

// Events implements reconciler.Observer.
func (e *Engine) Events(ctx context.Context, ready func(), on func(plan.Event)) error {
	s := &subscriber{more: make(chan struct{}, 1), gone: make(chan struct{})}
	err := run(ctx, e, Call{Method: "Events"}, func() error {
		e.hub.subscribers[s] = true
		return nil
	})
	if err != nil {
		return err
	}
	defer e.unsubscribe(s)
	ready()
	for {
		select {
		case <-s.more:
			for _, ev := range e.taken(s) {
				on(ev)
			}
		case <-s.gone:
			return unreachable("the engine ended the stream of events")
		case <-ctx.Done():
			return gaveUp(ctx)
		}
	}
}

func (e *Engine) unsubscribe(s *subscriber) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.hub.subscribers, s)
}

func (e *Engine) taken(s *subscriber) []plan.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	events := s.queue
	s.queue = nil
	return events
}

// tell publishes what happened to a container. extra are attributes beside the labels.
func (e *Engine) tell(c *container, action string, extra map[string]string) {
	labels := maps.Clone(c.spec.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels["image"], labels["name"] = c.image, c.name
	maps.Copy(labels, extra)
	e.hub.publish(plan.Event{Type: "container", Action: action, ID: c.id, Name: c.name, Labels: labels, Time: time.Now()})
}

func (e *Engine) tellDeath(c *container) {
	e.tell(c, "die", map[string]string{"exitCode": strconv.Itoa(c.exitCode)})
}

// tellNetwork publishes what happened to a network; container is empty where it is about none.
func (e *Engine) tellNetwork(n *network, action, container string) {
	e.hub.publish(plan.Event{Type: "network", Action: action, ID: n.ID, Name: n.Name, Container: container, Time: time.Now()})
}

func (e *Engine) tellVolume(name, action string) {
	e.hub.publish(plan.Event{Type: "volume", Action: action, ID: name, Time: time.Now()})
}
