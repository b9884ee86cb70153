package controller

import (
	"context"
	"slices"
	"strings"
	"time"

	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// Event is an event of the engine.
type Event = plan.Event

// heldEvents are events that came while a key was worked on: the last of each container.
type heldEvents map[string]time.Time

// telling are the actions of container events that can mean a difference.
var telling = map[string]bool{"create": true, "start": true, "die": true, "destroy": true, "rename": true, "update": true,
	"pause": true, "unpause": true, "oom": true}

// hear turns an event into keys to look at. It never acts on what the event says.
func (c *Controller) hear(ctx context.Context, e Event) {
	c.metrics.events.WithLabelValues(e.Type).Inc()
	switch e.Type {
	case "container":
		if telling[e.Action] || strings.HasPrefix(e.Action, "health_status") {
			c.hearContainer(e)
		}
	case "network":
		c.hearNetwork(e)
	case "volume":
		if isNote(e.ID) {
			c.hearNote(e)
			return
		}
		if e.Action == "create" || e.Action == "destroy" { // each start and end of a container mounts and unmounts
			c.rec.World.TouchVolumes()
			c.enqueueNamed(spec.KindVolume, e)
		}
	case "image":
		c.rec.World.TouchImages()
		c.enqueueUnsynced(plan.ReasonImageNotPresent, fault.RuntimeImage)
	case "daemon":
		if e.Action == "reload" {
			c.lookAtEverything(ctx)
		}
	}
}

func (c *Controller) hearContainer(e Event) {
	own := c.keysOf(e)
	for _, key := range own {
		c.note(key, e.ID, e.Time)
		c.enqueue(c.catalog().Dependents(key)...) // they share a namespace with it
	}
	// A port or an address may be free now, or a network without containers. An object's own events must not wake it up: a
	// replacement that fails for a port would be tried at once again, and stop the old container each time.
	if e.Action == "die" || e.Action == "destroy" {
		c.enqueueUnsynced(plan.ReasonPortTaken, fault.ResourceAllocation, own...)
		c.enqueueUnsynced(plan.ReasonNetworkInUse, "")
		c.enqueueUnsynced(plan.ReasonDependents, "")
	}
}

// keysOf lists the keys that a container event may be about: by its labels, by its name, and by what was known of its ID.
func (c *Controller) keysOf(e Event) []spec.Key {
	keys := map[spec.Key]bool{}
	if id, ok := plan.Claimed(e.Labels); ok {
		keys[id.Key] = true
	}
	if k, ok := plan.KeyOfName(e.Name); ok {
		keys[k] = true
	}
	if k, ok := c.rec.World.KeyOf(e.ID); ok {
		keys[k] = true
	}
	return sortedKeys(keys)
}

func (c *Controller) hearNetwork(e Event) {
	if e.Container == "" {
		c.rec.World.TouchNetworks()
		c.enqueueNamed(spec.KindNetwork, e)
		return
	}
	if k, ok := c.rec.World.KeyOf(e.Container); ok {
		c.note(k, e.Container, e.Time)
	}
	if e.Action == "disconnect" {
		c.enqueueUnsynced(plan.ReasonNetworkInUse, "")
	}
}

// hearNote answers a newcomer that knocks.
func (c *Controller) hearNote(e Event) {
	if nonce, knocks := strings.CutPrefix(e.ID, knockPrefix); knocks && e.Action == "create" {
		c.enqueue(spec.Key{Kind: kindKnock, Name: nonce})
	}
}

// enqueueNamed looks at the object that a network or volume event is about, and at those that refer to it.
func (c *Controller) enqueueNamed(kind spec.Kind, e Event) {
	catalog := c.catalog()
	names := map[spec.Kind]map[string]spec.Key{spec.KindNetwork: catalog.networks, spec.KindVolume: catalog.volumes}[kind]
	for _, name := range []string{e.Name, e.ID} {
		if key, ok := names[name]; ok {
			c.enqueue(append([]spec.Key{key}, catalog.Dependents(key)...)...)
		}
	}
}

// enqueueUnsynced looks at the objects that are held up by a reason, or by errors of a class.
func (c *Controller) enqueueUnsynced(reason plan.Reason, class fault.Class, but ...spec.Key) {
	held := c.store.matching(func(s reconciler.Condition) bool {
		return !s.Status && s.Reason != "" && (s.Reason == string(reason) || s.Reason == string(class))
	})
	c.enqueue(slices.DeleteFunc(held, func(k spec.Key) bool { return slices.Contains(but, k) })...)
}

// note has a key looked at because a container of it may have changed, except where the change is known: an event of what the
// agent itself did comes while it works on the key, or shortly after it has looked at the result.
func (c *Controller) note(key spec.Key, container string, at time.Time) {
	c.mu.Lock()
	if held, working := c.inFlight[key]; working {
		held[container] = at
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	if c.opts.SameClock && c.rec.World.Seen(container, at) {
		return
	}
	c.rec.World.Touch(container)
	c.enqueue(key)
}

// enqueue has keys looked at, by an observation that is no older than now; one serves all of them.
func (c *Controller) enqueue(keys ...spec.Key) {
	if !c.online.Load() || c.desired.Load() == nil {
		return // everything is looked at once both are there
	}
	now := time.Now()
	for _, key := range keys {
		c.mu.Lock()
		c.since[key] = now
		c.mu.Unlock()
		c.queue.Add(key)
	}
}

func (c *Controller) catalog() *Catalog {
	if d := c.desired.Load(); d != nil {
		return d.Catalog
	}
	return NewCatalog(nil)
}
