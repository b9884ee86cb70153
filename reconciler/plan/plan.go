package plan

import (
	"fmt"
	"slices"
	"time"

	"berth.dev/berth/spec"
)

// Catalog is the desired objects, all of them.
type Catalog interface {
	Get(spec.Key) (spec.Object, bool)
}

// Observed is what the engine reports that bears on one key, and what the agent remembers of it.
type Observed struct {
	Engine Engine
	// Containers are those whose labels or names are the key's.
	Containers []Container
	// Names maps the names of all containers to what a list says of them.
	Names map[string]Summary
	// Peers maps the names of the containers whose namespaces the key's object shares to when they started.
	Peers map[string]time.Time
	// Networks and Volumes are all there are, by their Docker names.
	Networks map[string]Network
	Volumes  map[string]Volume
	// Images are those that the key's object and containers use, by reference and by ID; one that is not there is not present.
	Images map[string]Image
	// NewImage is the newest image that the registry has for the object; empty where it was not asked.
	NewImage string
	Memory   Memory
	Known
}

// Memory is what the agent remembers of its own tries. Losing it only makes the agent try again sooner.
type Memory struct {
	// Starts maps names of containers to the starts that were needed.
	Starts map[string]Tries
	// Recreates maps names of containers to the recreations to the same revision.
	Recreates map[string]Tries
	// Restarts maps names of containers to their restarts over a probe.
	Restarts map[string]Tries
	// Healthy maps IDs of containers to when Docker's health check was first seen to pass since their start.
	Healthy map[string]time.Time
}

// Tries counts tries at the same thing.
type Tries struct {
	Revision string // of what was tried
	Count    int
	First    time.Time
	Last     time.Time
	Error    string // of the last one, empty where it worked
}

// Plan is what is to be done about one object, and what stands in the way.
type Plan struct {
	Key     spec.Key
	Actions []Action
	// After are the objects that have to be made first; until they are, only the actions of Now are done.
	After []spec.Key
	// Blocks are why something wanted is not among the actions.
	Blocks []Block
	// RetryAt is when to look again although nothing will have happened; zero for never.
	RetryAt time.Time
	// Rollout is of Containers only; nil where nothing is said of it.
	Rollout *RolloutState
	// Job is of Jobs only, and Cron of CronJobs.
	Job  *JobState
	Cron *CronState
	// Notes have to be remembered before the actions are done.
	Notes Notes
	// Withheld are actions that wait for a hold to end.
	Withheld []Action
}

// Empty reports whether there is nothing to do.
func (p Plan) Empty() bool { return len(p.Actions) == 0 }

// Now is the part of the plan that waits for no other object: what heals, limits or removes, and makes nothing new.
func (p Plan) Now() Plan {
	if len(p.After) == 0 {
		return p
	}
	p.Actions = slices.DeleteFunc(slices.Clone(p.Actions), func(a Action) bool {
		return !heals[a.Kind] && !a.onlyUpdates()
	})
	return p
}

// heals are the kinds of action that make nothing new.
var heals = map[ActionKind]bool{ActionStart: true, ActionRestart: true, ActionStop: true, ActionRemove: true, ActionRestore: true, ActionPromote: true}

// onlyUpdates reports whether an action does nothing but change limits.
func (a Action) onlyUpdates() bool {
	return !slices.ContainsFunc(a.Ops, func(o Op) bool { return o.Verb != UpdateContainer })
}

// ActionKind says what an action is for.
type ActionKind string

// The kinds of action.
const (
	ActionPull     ActionKind = "pull"
	ActionCreate   ActionKind = "create"
	ActionRecreate ActionKind = "recreate"
	ActionUpdate   ActionKind = "update"
	ActionStart    ActionKind = "start"
	ActionSurge    ActionKind = "surge"   // a replacement is started beside what it replaces
	ActionPromote  ActionKind = "promote" // it is put in its place
	ActionRestart  ActionKind = "restart"
	ActionStop     ActionKind = "stop"
	ActionRestore  ActionKind = "restore" // what was replaced comes back
	ActionRemove   ActionKind = "remove"
)

// Action is a series of operations on one container, network or volume that belong together.
type Action struct {
	Kind   ActionKind
	Target string // the Docker name
	Why    []Change
	Ops    []Op
	// Revision tells tries at the same from tries at something else; see Memory.
	Revision string
	// Repair is whether the action mends what was changed behind the agent's back, not what the manifest changed.
	Repair bool
}

// Change is one reason for an action: a field with its old and new value, or a note.
type Change struct {
	Field    string
	From, To string // empty for unset
	Note     string // instead of field, from and to
}

// Block is why something wanted is not done.
type Block struct {
	Reason  Reason
	Message string
	// For is the object whose arrival would help; zero where it is none.
	For spec.Key
}

// Reason is a condition's reason.
type Reason string

// The reasons of blocks.
const (
	ReasonNameTaken         Reason = "NameTaken"         // something that is not berth's has the name
	ReasonNetworkNotFound   Reason = "NetworkNotFound"   // no such Network object, or no such external network
	ReasonVolumeNotFound    Reason = "VolumeNotFound"    // no such Volume object, or no such external volume
	ReasonContainerNotFound Reason = "ContainerNotFound" // no such Container object to share a namespace with
	ReasonImageNotPresent   Reason = "ImageNotPresent"   // imagePullPolicy is Never and there is no such image
	ReasonPortTaken         Reason = "PortTaken"         // another container has a port of the host
	ReasonUnsupported       Reason = "Unsupported"       // the engine cannot do it
	ReasonCrashLoopBackOff  Reason = "CrashLoopBackOff"  // it keeps ending; the next start waits
	ReasonStalled           Reason = "Stalled"           // the same revision was recreated too often
	ReasonNetworkInUse      Reason = "NetworkInUse"      // containers are attached to a network that would be removed
	ReasonVolumeImmutable   Reason = "VolumeImmutable"   // a volume's driver and options cannot change without losing its data
	ReasonNetworkImmutable  Reason = "NetworkImmutable"  // an adopted network is not as the manifest says
	ReasonRemoving          Reason = "Removing"          // the engine is still removing a container
	ReasonHeld              Reason = "Held"              // a person, or the manifest's suspend, has the object left as it is
	ReasonStopped           Reason = "Stopped"           // a person stopped it
	ReasonRolledBack        Reason = "RolledBack"        // the revision failed, and the last good one runs
	ReasonUnhealthy         Reason = "Unhealthy"         // a probe fails; the next restart waits
	ReasonDependency        Reason = "Dependency"        // what it depends on is not as it has to be
	ReasonInitializing      Reason = "Initializing"      // an init container runs
	ReasonInitFailed        Reason = "InitFailed"        // an init container failed, and is tried again
	ReasonDependents        Reason = "Dependents"        // what depends on it is removed first
	ReasonInvalidSchedule   Reason = "InvalidSchedule"   // a schedule or time zone cannot be read
)

// Make says what is to be done about the object of a key, which is nil where the object is gone, given what is observed.
func Make(key spec.Key, object spec.Object, catalog Catalog, o Observed, now time.Time) Plan {
	p := &planner{Plan: Plan{Key: key}, catalog: catalog, seen: o, now: now}
	switch o := object.(type) {
	case *spec.Container:
		p.container(o)
	case *spec.Network:
		p.network(o)
	case *spec.Volume:
		p.volume(o)
	case *spec.Job:
		p.job(o)
	case *spec.CronJob:
		p.cronJob(o)
	default:
		p.gone()
	}
	p.withhold(object)
	return p.Plan
}

// withhold keeps all actions back while the object is held.
func (p *planner) withhold(object spec.Object) {
	why := ""
	if c, ok := object.(*spec.Container); ok && c.Spec.Suspend {
		why = "its manifest has suspend: true"
	}
	if h := p.seen.Intent.Hold; h != nil {
		why = h.String()
		if !h.Until.IsZero() {
			p.retryAt(h.Until)
		}
	}
	if why == "" {
		return
	}
	p.Actions, p.Withheld, p.Notes = nil, p.Actions, Notes{}
	message := why + ", and it is as wanted"
	if n := len(p.Withheld); n > 0 {
		message = fmt.Sprintf("%s: %s %s waits", why, p.Withheld[0].Kind, p.Withheld[0].Target)
		if n > 1 {
			message = fmt.Sprintf("%s: %d actions wait, the first is %s %s", why, n, p.Withheld[0].Kind, p.Withheld[0].Target)
		}
	}
	p.Blocks = append([]Block{{Reason: ReasonHeld, Message: message}}, p.Blocks...)
}

// planner builds one plan.
type planner struct {
	Plan
	catalog Catalog
	seen    Observed
	now     time.Time
	// obstructed: something that the object refers to is not there, so that no copy of it can be made, nor what depends on the
	// reference be compared.
	obstructed bool
	// peerless: a container whose namespace the object shares does not run, so that the ID to compare with is not known.
	peerless bool
	// peersAt is when the last of the containers started whose namespaces the object shares; zero where there is none.
	peersAt time.Time
}

func (p *planner) act(a Action) { p.Actions = append(p.Actions, a) }

// block notes, once for all copies, why something is not done.
func (p *planner) block(b Block) {
	if !slices.Contains(p.Blocks, b) {
		p.Blocks = append(p.Blocks, b)
	}
}

// retryAt makes sure that the object is looked at again at t.
func (p *planner) retryAt(t time.Time) {
	if p.RetryAt.IsZero() || t.Before(p.RetryAt) {
		p.RetryAt = t
	}
}

// gone plans the removal of what is left of an object. A volume is never removed because its manifest is.
func (p *planner) gone() {
	switch p.Key.Kind {
	case spec.KindContainer, spec.KindJob, spec.KindCronJob:
		if !p.dependentsFirst() {
			p.removeContainers()
		}
	case spec.KindNetwork:
		p.removeNetwork()
	}
}
