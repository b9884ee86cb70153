package plan

import (
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
	Memory Memory
	Known
}

// Memory is what the agent remembers of its own tries. Losing it only makes the agent try again sooner.
type Memory struct {
	// Starts maps names of containers to the starts that were needed.
	Starts map[string]Tries
	// Recreates maps names of containers to the recreations to the same revision.
	Recreates map[string]Tries
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
}

// Empty reports whether there is nothing to do.
func (p Plan) Empty() bool { return len(p.Actions) == 0 }

// Now is the part of the plan that waits for no other object: what heals, limits or removes, and makes nothing new.
func (p Plan) Now() Plan {
	if len(p.After) == 0 {
		return p
	}
	p.Actions = slices.DeleteFunc(slices.Clone(p.Actions), func(a Action) bool {
		return a.Kind != ActionStart && a.Kind != ActionRemove && a.Kind != ActionRestore && !a.onlyUpdates()
	})
	return p
}

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
	ActionRestore  ActionKind = "restore" // an interrupted recreation is taken back
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
	default:
		p.gone()
	}
	return p.Plan
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
	case spec.KindContainer:
		p.removeContainers()
	case spec.KindNetwork:
		p.removeNetwork()
	}
}
