package apply

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"berth.dev/berth/reconciler/plan"
)

// Applier walks plans. One serves all workers, so that its limit holds for all of them together.
type Applier struct {
	engine Engine
	slots  chan struct{}
	// Progress, where it is not nil, is told how far pulls are.
	Progress func(ref string, p Progress)
	// Hook runs a hook in or at a running container.
	Hook func(ctx context.Context, container string, h plan.Hook) error
}

// New makes an applier that has at most inFlight creations and starts at the engine at once. More than the engine can do side by
// side only makes each slower; stops and pulls are not counted, because they mostly wait.
func New(engine Engine, inFlight int) *Applier {
	return &Applier{engine: engine, slots: make(chan struct{}, inFlight)}
}

// Outcome is what became of one action.
type Outcome struct {
	Action   plan.Action
	Done     int      // operations that worked
	Created  []string // IDs
	Warnings []string
	Took     time.Duration
	Err      error // nil where all of it worked
	// Undone reports whether, after an error, all was put back.
	Undone bool
}

// Apply does what a plan says: pulls first, then what does not depend on each other side by side, and recreations one by one, so
// that one that fails leaves the other copies alone. ctx ends between actions, not within one; only pulls are broken off.
func (a *Applier) Apply(ctx context.Context, p plan.Plan) []Outcome {
	pulls, free, surges, serial := split(p.Actions)
	var out []Outcome
	for _, action := range pulls {
		o := a.run(ctx, action)
		out = append(out, o)
		if o.Err != nil { // nothing is touched for an image that is not to be had, but what needs none is done
			free, surges, serial = withoutCreations(free), nil, nil
		}
	}
	out = append(out, a.sideBySide(ctx, free)...)
	out = append(out, a.sideBySide(ctx, surges)...) // which may need a name that one of the others has freed
	for _, action := range serial {
		if ctx.Err() != nil {
			break
		}
		o := a.run(context.WithoutCancel(ctx), action)
		out = append(out, o)
		if o.Err != nil {
			break
		}
	}
	return out
}

func split(actions []plan.Action) (pulls, free, surges, serial []plan.Action) {
	for _, a := range actions {
		switch a.Kind {
		case plan.ActionPull:
			pulls = append(pulls, a)
		case plan.ActionSurge:
			surges = append(surges, a)
		case plan.ActionRecreate:
			serial = append(serial, a)
		default:
			free = append(free, a)
		}
	}
	return pulls, free, surges, serial
}

func withoutCreations(actions []plan.Action) (rest []plan.Action) {
	for _, a := range actions {
		if a.Kind != plan.ActionCreate {
			rest = append(rest, a)
		}
	}
	return rest
}

// sideBySide does actions on one target in their order, whether or not one fails, and those on different targets at once.
func (a *Applier) sideBySide(ctx context.Context, actions []plan.Action) []Outcome {
	if ctx.Err() != nil {
		return nil
	}
	byTarget := map[string][]int{}
	for i, action := range actions {
		byTarget[action.Target] = append(byTarget[action.Target], i)
	}
	out := make([]Outcome, len(actions))
	var wg sync.WaitGroup
	for _, indexes := range byTarget {
		wg.Go(func() {
			for _, i := range indexes {
				out[i] = a.run(context.WithoutCancel(ctx), actions[i])
			}
		})
	}
	wg.Wait()
	return out
}

// run does one action and, where an operation fails, puts back what the operations before it did.
func (a *Applier) run(ctx context.Context, action plan.Action) Outcome {
	start := time.Now()
	o := Outcome{Action: action}
	for i, op := range action.Ops {
		if err := a.do(ctx, op, &o); err != nil {
			o.Err = fmt.Errorf("%s: %w", op, err)
			if undo := a.undo(ctx, action.Ops[:i+1]); undo != nil {
				o.Err = errors.Join(o.Err, undo)
			} else {
				o.Undone = true
			}
			break
		}
		o.Done++
	}
	o.Took = time.Since(start)
	return o
}

// undo goes back through operations, the last of which has failed. That one has done nothing that may be undone: what has the name
// of a container or network that could not be made is somebody else's. Only a stop may have worked after its time was up.
// Nothing is put back for a container that cannot be removed: what replaces it runs, and the next pass removes what is left.
func (a *Applier) undo(ctx context.Context, ops []plan.Op) (err error) {
	last := len(ops) - 1
	if ops[last].Verb == plan.RemoveContainer {
		return errLeft
	}
	for i := last; i >= 0; i-- {
		if ops[i].Undo == nil || i == last && ops[i].Verb != plan.StopContainer {
			continue
		}
		if e := a.do(ctx, *ops[i].Undo, &Outcome{}); e != nil && i != last {
			err = errors.Join(err, fmt.Errorf("cannot put back (%s): %w", *ops[i].Undo, e))
		}
	}
	return err
}

// errLeft says why nothing is put back.
var errLeft = errors.New("the next pass tries again")

// do makes one call.
func (a *Applier) do(ctx context.Context, op plan.Op, o *Outcome) (err error) {
	if op.Verb == plan.CreateContainer || op.Verb == plan.StartContainer {
		a.slots <- struct{}{}
		defer func() { <-a.slots }()
	}
	e := a.engine
	switch op.Verb {
	case plan.PullImage:
		return e.Pull(ctx, op.Target, op.Platform, a.progress(op.Target))
	case plan.CreateContainer:
		id, warnings, err := e.Create(ctx, *op.Container)
		o.Warnings = append(o.Warnings, warnings...)
		if err == nil {
			o.Created = append(o.Created, id)
		}
		return err
	case plan.StartContainer:
		return e.Start(ctx, op.Target)
	case plan.StopContainer:
		return a.stop(ctx, op, o)
	case plan.RunHook:
		return a.Hook(ctx, op.Target, *op.Hook)
	case plan.UnpauseContainer:
		return e.Unpause(ctx, op.Target)
	case plan.RenameContainer:
		return e.Rename(ctx, op.Target, op.To)
	case plan.UpdateContainer:
		return e.Update(ctx, op.Target, *op.Update)
	case plan.RemoveContainer:
		return e.Remove(ctx, op.Target)
	case plan.Connect:
		return e.Connect(ctx, op.To, op.Target, *op.Endpoint)
	case plan.Disconnect:
		return e.Disconnect(ctx, op.To, op.Target)
	case plan.CreateNetwork:
		_, err = e.CreateNetwork(ctx, *op.Network)
		return err
	case plan.RemoveNetwork:
		return e.RemoveNetwork(ctx, op.Target)
	case plan.CreateVolume:
		return e.CreateVolume(ctx, *op.Volume)
	case plan.RemoveVolume:
		return e.RemoveVolume(ctx, op.Target)
	}
	panic(fmt.Sprintf("apply: no verb %q", op.Verb))
}

func (a *Applier) progress(ref string) func(Progress) {
	if a.Progress == nil {
		return nil
	}
	return func(p Progress) { a.Progress(ref, p) }
}

// leastGrace is what is left of a grace period at least when its hook has taken all of it; Kubernetes gives as much.
const leastGrace = 2 * time.Second

// stop runs the hook of a stop, and stops with what is left of the grace period. A hook that fails is told, and stops nothing.
func (a *Applier) stop(ctx context.Context, op plan.Op, o *Outcome) error {
	if op.Hook == nil && op.Grace == nil {
		return a.engine.Stop(ctx, op.Target)
	}
	grace := op.Hook.Grace(op.Grace)
	if op.Hook != nil {
		began := time.Now()
		hook, cancel := context.WithTimeout(ctx, grace)
		err := a.Hook(hook, op.Target, *op.Hook)
		cancel()
		if err != nil {
			o.Warnings = append(o.Warnings, "the preStop hook failed: "+err.Error())
		}
		grace = max(grace-time.Since(began), leastGrace)
	}
	return a.engine.StopWithin(ctx, op.Target, int((grace+time.Second-1)/time.Second))
}
