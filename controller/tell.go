package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"berth.dev/berth/controller/notify"
	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/apply"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
	"berth.dev/berth/spec/load"
)

// The reasons of events beside those of conditions, which are told with the reason that the condition has.
const (
	ReasonPulled    = "Pulled"    // an image was pulled
	ReasonCreated   = "Created"   // a container, network or volume was made
	ReasonRecreated = "Recreated" // a new container took the place of an old one
	ReasonUpdated   = "Updated"   // a container was changed while it ran on
	ReasonStarted   = "Started"   // a container was started
	ReasonRestored  = "Restored"  // an interrupted replacement was taken back
	ReasonRemoved   = "Removed"   // what no manifest wants was removed
	ReasonActed     = "Acted"     // anything else was done on the engine
	ReasonSurged    = "Surged"    // a replacement was started beside the old container
	ReasonPromoted  = "Promoted"  // a replacement was put in the old container's place
	ReasonRestarted = "Restarted" // a container was restarted in place
	ReasonStopped   = "Stopped"   // a container was stopped by hand
	ReasonRepaired  = "Repaired"  // what was changed behind the agent's back was mended
	ReasonInvalid   = "ManifestInvalid"
	ReasonAway      = "EngineAway" // the engine does not answer; containers run on without the agent
	ReasonBack      = "EngineBack" // the engine answers again
)

// doneReasons are what is told of an action that worked.
var doneReasons = map[plan.ActionKind]string{
	plan.ActionPull: ReasonPulled, plan.ActionCreate: ReasonCreated, plan.ActionRecreate: ReasonRecreated, plan.ActionUpdate: ReasonUpdated,
	plan.ActionStart: ReasonStarted, plan.ActionRestore: ReasonRestored, plan.ActionRemove: ReasonRemoved,
	plan.ActionSurge: ReasonSurged, plan.ActionPromote: ReasonPromoted, plan.ActionRestart: ReasonRestarted, plan.ActionStop: ReasonStopped,
}

// passing are the reasons of what goes away by itself, in the course of every change: of them nothing is told.
var passing = map[string]bool{
	"Progressing": true, "Starting": true, "Waiting": true, "Restarting": true, string(plan.ReasonRemoving): true,
	string(plan.ReasonDependency): true, string(plan.ReasonInitializing): true, string(plan.ReasonDependents): true,
}

// newNotifier makes what tells; where nothing is to be delivered, nobody is ever told.
func (c *Controller) newNotifier() *notify.Notifier {
	c.host = c.opts.Identity.Host
	if c.host == "" {
		c.host, _ = os.Hostname() // a name that is not known is empty
	}
	return notify.New(notify.Options{Log: c.log, Registry: c.opts.Registry, Transport: c.opts.Deliver, Changed: c.describeNotification})
}

// beginTelling has notifications delivered until what it returns is called: after the last pass, which may still have something
// to tell when ctx has ended.
func (c *Controller) beginTelling(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.notifier.Run(ctx) // it ends as it was told to
	}()
	return func() { cancel(); <-done }
}

// tell tells notifications that something happened; key is zero for what concerns no single object. It never waits.
func (c *Controller) tell(key spec.Key, kind spec.EventType, reason, message string) {
	c.tellEvent(notify.Event{Object: key, Type: kind, Reason: reason, Message: message})
}

func (c *Controller) tellEvent(e notify.Event) {
	e.Host = c.host
	if s, ok := c.store.get(e.Object); ok {
		e.Labels, e.Source = s.labels, s.Source
	}
	c.notifier.Tell(e)
}

// tellOutcome tells of an action. One that fails as it did before is no news.
func (c *Controller) tellOutcome(key spec.Key, o apply.Outcome) {
	e := notify.Event{Object: key, Type: spec.EventNormal, Action: string(o.Action.Kind)}
	e.Message = fmt.Sprintf("%s %q", o.Action.Kind, o.Action.Target)
	if why := strings.Join(reasons(o.Action.Why), "; "); why != "" {
		e.Message += " (" + why + ")"
	}
	switch {
	case o.Err != nil && !c.failureIsNews(key, o.Err):
		return
	case o.Err != nil:
		e.Type, e.Reason = spec.EventWarning, string(fault.ClassOf(o.Err))
		e.Message += " failed: " + o.Err.Error()
	case o.Action.Repair:
		e.Reason = ReasonRepaired
	default:
		e.Reason = cmp.Or(doneReasons[o.Action.Kind], ReasonActed)
	}
	c.tellEvent(e)
}

// tellFailure tells that an object cannot be observed. That the engine is away is told once, not by every object.
func (c *Controller) tellFailure(key spec.Key, err error) {
	if !reconciler.IsConnection(err) && c.failureIsNews(key, err) {
		c.tell(key, spec.EventWarning, string(fault.ClassOf(err)), err.Error())
	}
}

// failureIsNews reports whether an error was not the last pass's already.
func (c *Controller) failureIsNews(key spec.Key, err error) bool {
	s, _ := c.store.get(key)
	synced := s.Status.Condition(reconciler.Synced)
	return synced.Status || synced.Reason != string(fault.ClassOf(err)) || synced.Message != err.Error()
}

// tellReady tells that an object became ready, or ceased to be, or is in other trouble than before; acted is whether the pass did
// something. What was ready already when the agent began is no news, and what stood in the way of the pass was told as that.
func (c *Controller) tellReady(key spec.Key, before, after reconciler.Status, acted bool) {
	if key.Kind == spec.KindNetwork || key.Kind == spec.KindVolume {
		return // their Ready says what their Synced says
	}
	was, is, synced := before.Condition(reconciler.Ready), after.Condition(reconciler.Ready), after.Condition(reconciler.Synced)
	switch {
	case is.Status && !was.Status && (was.Reason != "" || acted):
		c.tell(key, spec.EventNormal, is.Reason, cmp.Or(is.Message, "it is ready"))
	case synced.Reason == string(plan.ReasonRemoving): // another takes its place as soon as it is gone
	case !is.Status && !passing[is.Reason] && (was.Status || was.Reason != is.Reason) && is.Message != synced.Message:
		c.tell(key, spec.EventWarning, is.Reason, is.Message)
	}
}

// tellProblems tells of problems with manifests, each by its place: the object that it is of may not be known.
func (c *Controller) tellProblems(problems []load.Problem) {
	for _, p := range problems {
		c.tellEvent(notify.Event{Type: spec.EventWarning, Reason: ReasonInvalid, Message: p.String(), Source: spec.Source{File: p.File, Line: p.Line}.String()})
	}
}

// tellEngine tells that the engine went away, or came back. That another agent holds it is neither.
func (c *Controller) tellEngine(before, now error) {
	var held *HeldError
	switch {
	case errors.As(before, &held) || errors.As(now, &held):
	case now == nil && before != nil:
		c.tell(spec.Key{}, spec.EventNormal, ReasonBack, "the engine answers again")
	case now != nil && before == nil:
		c.tell(spec.Key{}, spec.EventWarning, ReasonAway, "the engine is away; containers run on without the agent, which tries again: "+now.Error())
	}
}
