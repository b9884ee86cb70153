package reconciler

import (
	"context"
	"time"

	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// Describe says what runs of an object whose manifest is not known; as many copies as there are count as wanted.
func (w *World) Describe(ctx context.Context, key spec.Key) (s Status, image string, copies int, err error) {
	if !hasContainers(key.Kind) {
		return present(), "", 0, nil
	}
	containers, err := w.ownedBy(ctx, key)
	if err != nil {
		return s, "", 0, err
	}
	if len(containers) > 0 {
		image = containers[len(containers)-1].Spec.Image
	}
	if key.Kind != spec.KindContainer { // how often it was to run, and when, only its manifest says
		s = present()
		s.Containers = runStatuses(key, Pass{After: plan.Observed{Containers: containers}})
		return s, image, 0, nil
	}
	object := &spec.Container{Metadata: spec.Metadata{Name: key.Name, Namespace: key.Namespace}}
	object.Spec.Replicas = new(int32(len(containers)))
	if len(containers) > 0 {
		object.Spec.RestartPolicy = containers[0].Spec.RestartPolicy
	}
	p := Pass{After: plan.Observed{Containers: containers}}
	return StatusOf(Status{}, object, p, nil, time.Now()), image, len(containers), nil
}

// ownedBy inspects the containers of an object.
func (w *World) ownedBy(ctx context.Context, key spec.Key) (containers []plan.Container, err error) {
	l, err := w.fresh(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	for _, summary := range l.keys[key] {
		if id, ours := plan.Owner(summary); !ours || id.Name() != summary.Name {
			continue
		}
		c, err := w.inspect(ctx, summary)
		if err != nil {
			return nil, err
		}
		containers = append(containers, c)
	}
	return containers, nil
}

// present is the status of a network or volume that is there.
func present() (s Status) {
	for _, kind := range []string{Synced, Ready} {
		s.Set(Condition{Type: kind, Status: true, Reason: "Present"}, time.Now())
	}
	return s
}

// OwnedVolumes lists the keys of berth's volumes.
func (w *World) OwnedVolumes(ctx context.Context) ([]spec.Key, error) {
	volumes, err := w.Volumes(ctx)
	if err != nil {
		return nil, err
	}
	keys := map[spec.Key]bool{}
	for _, v := range volumes {
		if k, ok := plan.OwnedKey(spec.KindVolume, v.Labels); ok {
			keys[k] = true
		}
	}
	return sortedKeys(keys), nil
}
