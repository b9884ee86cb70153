package reconciler

import (
	"context"
	"maps"
	"slices"
	"time"

	"berth.dev/berth/reconciler/apply"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/reconciler/probe"
	"berth.dev/berth/spec"
)

// Engine is all that reconciling needs of a container engine.
type Engine interface {
	apply.Engine
	Observer
}

// Reconciler makes objects as they should be, a key at a time. Passes over different keys may run side by side; those over one
// key never do, which is the caller's to see to.
type Reconciler struct {
	World  *World
	engine Engine
	apply  *apply.Applier
	memory *memory
	opts   Options
}

// Options are a reconciler's settings.
type Options struct {
	// InFlight is how many containers are created and started at once; 0 for the default.
	InFlight int
	// Pulling, where it is not nil, is told how far pulls are.
	Pulling func(ref string, p apply.Progress)
	// Known tells what the agent knows of an object beside what the engine reports, which has been observed by then; nil for nothing.
	// object is nil for one that is gone.
	Known func(key spec.Key, object spec.Object, seen *plan.Observed) plan.Known
	// NewImage gives the newest image that the registry has for an object, empty where it was not asked; nil for never.
	NewImage func(key spec.Key) string
	// Note remembers what a plan wants remembered before it is carried out; where it cannot, nothing is done. Nil for nowhere.
	Note func(key spec.Key, n plan.Notes) error
	// Handle runs a hook in or at a running container; nil for a prober's of its own.
	Handle func(ctx context.Context, h *spec.Handler, container, address string, ports []spec.Port) error
}

// DefaultInFlight is where measurements on two cores stop getting better.
const DefaultInFlight = 8

// New makes a reconciler.
func New(engine Engine, o Options) *Reconciler {
	if o.InFlight <= 0 {
		o.InFlight = DefaultInFlight
	}
	a := apply.New(engine, o.InFlight)
	a.Progress = o.Pulling
	if o.Handle == nil {
		o.Handle = probe.New(probe.Options{Exec: engine.Exec}).Handle
	}
	r := &Reconciler{World: NewWorld(engine), engine: engine, apply: a, memory: newMemory(), opts: o}
	a.Hook = r.hook
	return r
}

// Pass is one pass over one key.
type Pass struct {
	Plan     plan.Plan
	Outcomes []apply.Outcome
	// Left is what there would still be to do afterwards, and After what was seen then.
	Left  plan.Plan
	After plan.Observed
}

// Err is the first error of the pass's actions.
func (p Pass) Err() error {
	for _, o := range p.Outcomes {
		if o.Err != nil {
			return o.Err
		}
	}
	return nil
}

// Forget drops the memory of earlier tries at a key, because its manifest is another.
func (r *Reconciler) Forget(key spec.Key) { r.memory.forget(key) }

// Plan observes and decides, and does nothing. What is observed is no older than since.
func (r *Reconciler) Plan(ctx context.Context, key spec.Key, object spec.Object, catalog plan.Catalog, since time.Time) (plan.Plan, plan.Observed, error) {
	seen, err := r.observe(ctx, key, object, catalog, since)
	if err != nil {
		return plan.Plan{Key: key}, seen, err
	}
	return plan.Make(key, object, catalog, seen, time.Now()), seen, nil
}

// Reconcile makes one object as it should be; object is nil for one that is gone. An error is of the observation; what went
// wrong with an action is in its outcome.
func (r *Reconciler) Reconcile(ctx context.Context, key spec.Key, object spec.Object, catalog plan.Catalog, since time.Time) (Pass, error) {
	p, seen, err := r.Plan(ctx, key, object, catalog, since)
	if err == nil {
		p, err = r.remember(key, object, catalog, p, &seen)
	}
	pass := Pass{Plan: p, Left: p, After: seen}
	if err != nil {
		return pass, err
	}
	r.memory.settle(seen.Containers, time.Now())
	now := p.Now()
	if now.Empty() {
		return pass, nil
	}
	pass.Outcomes = r.apply.Apply(ctx, now)
	r.noteOutcomes(key, pass.Outcomes)
	pass.After, err = r.look(ctx, key, object, catalog, seen, pass.Outcomes)
	if err != nil {
		return pass, err
	}
	pass.Left, err = r.remember(key, object, catalog, plan.Make(key, object, catalog, pass.After, time.Now()), &pass.After)
	return pass, err
}

// mostNotes is more than how often what is noted leads to something else to note.
const mostNotes = 8

// remember notes what a plan wants remembered, and plans anew by what is known then. So what is carried out is always what would also be
// done after a crash right then.
func (r *Reconciler) remember(key spec.Key, object spec.Object, catalog plan.Catalog, p plan.Plan, seen *plan.Observed) (plan.Plan, error) {
	if r.opts.Note == nil {
		return p, nil
	}
	for range mostNotes {
		if p.Notes.Empty() {
			return p, nil
		}
		if err := r.opts.Note(key, p.Notes); err != nil {
			return plan.Plan{Key: key}, fault.New(fault.State, fault.Retry, "nothing is begun that could not be remembered: %w", err)
		}
		r.recall(key, object, seen)
		p = plan.Make(key, object, catalog, *seen, time.Now())
	}
	return plan.Plan{Key: key}, fault.New(fault.State, fault.Retry, "there is no end of what %s wants remembered: %s", key, p.Notes)
}

// noteOutcomes remembers what was tried, and that what was seen before is out of date.
func (r *Reconciler) noteOutcomes(key spec.Key, outcomes []apply.Outcome) {
	for _, o := range outcomes {
		r.memory.note(o, time.Now())
		if o.Action.Kind == plan.ActionPull { // the event that tells of it may come later
			r.World.TouchImages()
		}
	}
	r.memory.act(key)
}

// observe reads what bears on a key.
func (r *Reconciler) observe(ctx context.Context, key spec.Key, object spec.Object, catalog plan.Catalog, since time.Time) (o plan.Observed, err error) {
	if o.Engine, err = r.World.Info(ctx); err != nil {
		return o, err
	}
	l, err := r.World.fresh(ctx, r.memory.since(key, since))
	if err != nil {
		return o, err
	}
	r.memory.listed(key, l.at)
	o.Names, o.Memory = l.names, r.memory.of(key)
	for _, s := range l.keys[key] {
		c, err := r.World.inspect(ctx, s)
		switch {
		case err == nil:
			o.Containers = append(o.Containers, c)
		case !fault.Is(err, fault.NotFound): // it may go between the list and now
			return o, err
		}
	}
	return o, r.observeRest(ctx, key, object, catalog, &o)
}

// observeRest reads what the object refers to, as far as it does.
func (r *Reconciler) observeRest(ctx context.Context, key spec.Key, object spec.Object, catalog plan.Catalog, o *plan.Observed) (err error) {
	if key.Kind == spec.KindNetwork || refersTo(object, spec.KindNetwork) {
		if o.Networks, err = r.World.Networks(ctx); err != nil {
			return err
		}
	}
	if key.Kind == spec.KindVolume || refersTo(object, spec.KindVolume) {
		if o.Volumes, err = r.World.Volumes(ctx); err != nil {
			return err
		}
	}
	switch object := object.(type) {
	case *spec.Container, *spec.Job, *spec.CronJob:
		if o.Peers, err = r.peers(ctx, object, o.Names); err != nil {
			return err
		}
		o.Images, err = r.images(ctx, object, o.Containers)
	case *spec.Network:
		err = r.attached(ctx, o, object.DockerName())
	case nil:
		err = r.attachedToOwned(ctx, key, o)
	}
	if err == nil {
		r.recall(key, object, o)
	}
	return err
}

// recall adds what the agent knows beside what the engine reports.
func (r *Reconciler) recall(key spec.Key, object spec.Object, o *plan.Observed) {
	o.Memory.Healthy = r.memory.healthySince(o.Containers)
	if r.opts.NewImage != nil {
		o.NewImage = r.opts.NewImage(key)
	}
	if r.opts.Known != nil {
		o.Known = r.opts.Known(key, object, o)
	}
}

func refersTo(o spec.Object, kind spec.Kind) bool {
	return slices.ContainsFunc(spec.References(o), func(k spec.Key) bool { return k.Kind == kind })
}

// peers tells when the containers started whose namespaces an object shares.
func (r *Reconciler) peers(ctx context.Context, o spec.Object, names map[string]plan.Summary) (map[string]time.Time, error) {
	started := map[string]time.Time{}
	for _, ref := range spec.Peers(o) {
		s, there := names[spec.ContainerName(ref, 0)]
		if !there {
			continue
		}
		peer, err := r.World.inspect(ctx, s)
		switch {
		case err == nil:
			started[s.Name] = peer.StartedAt
		case !fault.Is(err, fault.NotFound):
			return nil, err
		}
	}
	return started, nil
}

// images looks up the image that is wanted, and those that the containers run.
func (r *Reconciler) images(ctx context.Context, o spec.Object, containers []plan.Container) (map[string]plan.Image, error) {
	s := spec.Template(o)
	refs := map[string]bool{s.Image: true}
	if r.opts.NewImage != nil && s.UpdatePolicy != nil {
		refs[r.opts.NewImage(o.Key())] = true
	}
	for _, init := range s.InitContainers {
		refs[init.Image] = true
	}
	for i := range containers {
		refs[containers[i].ImageID] = true
		if s.UpdatePolicy != nil {
			refs[containers[i].Spec.Image] = true
		}
	}
	delete(refs, "")
	out := make(map[string]plan.Image, len(refs))
	for ref := range refs {
		img, err := r.World.image(ctx, ref)
		if err != nil {
			return nil, err
		}
		if img != nil {
			out[ref] = *img
		}
	}
	return out, nil
}

// attached adds to a network of berth's what is attached to it, which only an inspection tells.
func (r *Reconciler) attached(ctx context.Context, o *plan.Observed, name string) error {
	n, there := o.Networks[name]
	if _, owned := plan.OwnedKey(spec.KindNetwork, n.Labels); !there || !owned {
		return nil
	}
	got, err := r.engine.InspectNetwork(ctx, n.ID)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err != nil:
		return err
	}
	o.Networks = maps.Clone(o.Networks)
	o.Networks[name] = got
	return nil
}

func (r *Reconciler) attachedToOwned(ctx context.Context, key spec.Key, o *plan.Observed) error {
	if key.Kind != spec.KindNetwork {
		return nil
	}
	for name, n := range o.Networks {
		if k, ok := plan.OwnedKey(spec.KindNetwork, n.Labels); ok && k == key {
			if err := r.attached(ctx, o, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// look sees what became of a key's containers, by inspecting those that were touched. It lists nothing: what else changed has
// its own event.
func (r *Reconciler) look(ctx context.Context, key spec.Key, object spec.Object, catalog plan.Catalog, before plan.Observed, outcomes []apply.Outcome) (plan.Observed, error) {
	if !hasContainers(key.Kind) {
		r.World.TouchNetworks()
		r.World.TouchVolumes()
		after := before
		return after, r.observeRest(ctx, key, object, catalog, &after)
	}
	after := before
	after.Memory = r.memory.of(key)
	after.Names = maps.Clone(before.Names)
	after.Containers = nil
	for _, id := range idsOf(before.Containers, outcomes) {
		c, err := r.World.reinspect(ctx, id)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return after, err
		}
		after.Containers = append(after.Containers, c)
	}
	for i := range before.Containers {
		delete(after.Names, before.Containers[i].Name)
	}
	for i := range after.Containers {
		after.Names[after.Containers[i].Name] = after.Containers[i].Summary
	}
	return after, r.observeRest(ctx, key, object, catalog, &after)
}

// hasContainers reports whether the objects of a kind are containers on the engine.
func hasContainers(k spec.Kind) bool { return spec.TemplatePath(k) != "" }

func idsOf(containers []plan.Container, outcomes []apply.Outcome) (ids []string) {
	for i := range containers {
		ids = append(ids, containers[i].ID)
	}
	for _, o := range outcomes {
		ids = append(ids, o.Created...)
	}
	return ids
}

func sortedKeys(keys map[spec.Key]bool) []spec.Key {
	return slices.SortedFunc(maps.Keys(keys), spec.Key.Compare)
}
