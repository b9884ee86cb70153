package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
)

// eventTypes are the kinds of thing that events are wanted of.
var eventTypes = []events.Type{
	events.ContainerEventType, events.NetworkEventType, events.VolumeEventType, events.ImageEventType, events.DaemonEventType,
}

// eventActions leaves out what changes nothing: above all exec_*, of which a health check makes three every few seconds. The
// filter is the engine's, so that they do not even arrive.
var eventActions = []events.Action{
	events.ActionCreate, events.ActionStart, events.ActionRestart, events.ActionStop, events.ActionDie, events.ActionOOM,
	events.ActionPause, events.ActionUnPause, events.ActionRename, events.ActionUpdate, events.ActionDestroy,
	events.ActionHealthStatus,
	events.ActionConnect, events.ActionDisconnect, events.ActionRemove, events.ActionPrune,
	events.ActionPull, events.ActionTag, events.ActionUnTag, events.ActionDelete, events.ActionLoad, events.ActionImport,
	events.ActionReload,
}

func eventFilter() filters.Args {
	f := filters.NewArgs()
	for _, t := range eventTypes {
		f.Add("type", string(t))
	}
	for _, a := range eventActions {
		f.Add("event", string(a))
	}
	return f
}

// Events implements reconciler.Observer.
func (c *Client) Events(ctx context.Context, ready func(), on func(plan.Event)) error {
	f := cannot(fault.DockerConnection, "follow the engine's events")
	_, err := settled(ctx, c, f, func(ctx context.Context, api *client.Client) (struct{}, error) {
		return struct{}{}, c.follow(ctx, api, ready, on)
	})
	return err
}

func (c *Client) follow(ctx context.Context, api *client.Client, ready func(), on func(plan.Event)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(c.timeout, func() { cancel(errTimeout(c.timeout)) })
	var answered atomic.Bool
	trace := &httptrace.ClientTrace{GotFirstResponseByte: func() { answered.Store(true) }}
	messages, errs := api.Events(httptrace.WithClientTrace(ctx, trace), events.ListOptions{Since: now(), Filters: eventFilter()})
	late.Stop()
	defer drain(cancel, messages, errs)
	if answered.Load() && len(errs) == 0 { // the client returns before it hands out the error of an engine that is away
		ready()
	}
	for {
		select {
		case m := <-messages:
			on(liftEvent(m))
		case err := <-errs:
			return broken(ctx, err)
		}
	}
}

// now makes the engine replay what happened between its answer and the subscription, which is not one step in it (getEvents in
// moby's api/server/router/system). On another clock it replays more, or nothing; either does no harm beyond that gap.
func now() string {
	t := time.Now()
	return fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond())
}

// drain waits for the client's goroutine, which closes errs.
func drain(cancel context.CancelCauseFunc, messages <-chan events.Message, errs <-chan error) {
	cancel(nil)
	for {
		select {
		case <-messages:
		case _, open := <-errs:
			if !open {
				return
			}
		}
	}
}

func broken(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.New(fault.DockerConnection, fault.Retry, "the engine ended the stream")
	}
	return err
}

func liftEvent(m events.Message) plan.Event {
	e := plan.Event{
		Type:   string(m.Type),
		Action: string(m.Action),
		ID:     m.Actor.ID,
		Name:   m.Actor.Attributes["name"],
		Time:   time.Unix(0, m.TimeNano),
	}
	switch m.Type {
	case events.ContainerEventType:
		e.Labels = m.Actor.Attributes
	case events.NetworkEventType:
		e.Container = m.Actor.Attributes["container"]
	}
	return e
}
