package controller

import (
	"fmt"
	"time"

	"berth.dev/berth/controller/notify"
	"berth.dev/berth/reconciler"
	"berth.dev/berth/spec"
)

// The reasons of a Notification's Ready condition.
const (
	ReasonDelivered = "Delivered" // the last delivery worked
	ReasonFailing   = "Failing"   // the last delivery failed
	ReasonIdle      = "Idle"      // nothing was delivered yet
	ReasonSuspended = "Suspended" // the manifest wants nothing told
)

// onEngine reports whether objects of a kind have anything on the engine.
func onEngine(k spec.Kind) bool { return k != spec.KindNotification }

// setNotifications puts the notifications of a state of the manifests in force. They need no engine, and so no pass.
func (c *Controller) setNotifications(d *Desired) {
	var all []*spec.Notification
	for _, key := range d.Catalog.Keys() {
		if n, ok := d.Catalog.objects[key].(*spec.Notification); ok {
			all = append(all, n)
		}
	}
	if c.opts.Deliver != nil {
		c.notifier.Set(all)
	}
	for _, n := range all {
		c.describeNotification(n.Key())
	}
}

// describeNotification puts into the store how a notification fares, and tells the others when it begins or ceases to fail.
func (c *Controller) describeNotification(key spec.Key) {
	d := c.desired.Load()
	o, ok := d.Catalog.objects[key].(*spec.Notification)
	if !ok {
		return // it went, and what was on its way has arrived
	}
	now := time.Now()
	var was, is reconciler.Condition
	c.store.update(key, func(s *ObjectStatus) {
		fares, _ := c.notifier.Status(key) // within the update, so that the store has the newest
		was, is = s.Status.Condition(reconciler.Ready), notificationCondition(o, fares)
		s.Status.ObservedGeneration = d.Catalog.generation[key]
		s.Status.Set(reconciler.Condition{Type: reconciler.Synced, Status: true, Reason: "UpToDate"}, now)
		s.Status.Set(is, now)
	})
	switch {
	case is.Reason == ReasonFailing && was.Reason != ReasonFailing:
		c.tell(key, spec.EventWarning, is.Reason, is.Message)
	case is.Reason == ReasonDelivered && was.Reason == ReasonFailing:
		c.tell(key, spec.EventNormal, is.Reason, is.Message)
	}
}

func notificationCondition(o *spec.Notification, s notify.Status) reconciler.Condition {
	c := reconciler.Condition{Type: reconciler.Ready, Status: true, Message: fmt.Sprintf("%d delivered, %d given up, %d held back, %d waiting", s.Delivered, s.Failed, s.Untold, s.Waiting)}
	switch {
	case o.Spec.Suspend:
		c.Reason, c.Message = ReasonSuspended, "nothing is told while spec.suspend is true"
	case s.Trouble != "":
		c.Status, c.Reason, c.Message = false, ReasonFailing, s.Trouble+" ("+c.Message+")"
	case s.Delivered == 0:
		c.Reason = ReasonIdle
	default:
		c.Reason = ReasonDelivered
	}
	return c
}
