package reconciler

import (
	"context"
	"time"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
)

// slot is a value that is read when it is first wanted, and again once it was said to have changed.
type slot[T any] struct {
	reading turn // taken while reading, so that passes that wait share the result
	value   *T
	at      time.Time // when reading it began
	changed time.Time
}

func (s *slot[T]) forget(now time.Time) { s.value, s.changed = nil, now }

// get gives the value where it is known; the world is locked.
func (s *slot[T]) get() (value T, ok bool) {
	if s.value != nil && s.at.After(s.changed) {
		return *s.value, true
	}
	return value, false
}

func cached[T any](ctx context.Context, w *World, s *slot[T], get func() (T, error)) (value T, err error) {
	if err := s.reading.take(ctx); err != nil {
		return value, err
	}
	defer s.reading.give()
	w.mu.Lock()
	known, ok := s.get()
	w.mu.Unlock()
	if ok {
		return known, nil
	}
	at := time.Now()
	if value, err = get(); err != nil {
		return value, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s.value, s.at = &value, at
	return value, nil
}

// Networks gives all networks by name.
func (w *World) Networks(ctx context.Context) (map[string]plan.Network, error) {
	return cached(ctx, w, &w.networks, func() (map[string]plan.Network, error) {
		all, err := w.engine.Networks(ctx)
		byName := make(map[string]plan.Network, len(all))
		for _, n := range all {
			byName[n.Name] = n
		}
		return byName, err
	})
}

// Volumes gives all volumes by name.
func (w *World) Volumes(ctx context.Context) (map[string]plan.Volume, error) {
	return cached(ctx, w, &w.volumes, func() (map[string]plan.Volume, error) {
		all, err := w.engine.Volumes(ctx)
		byName := make(map[string]plan.Volume, len(all))
		for _, v := range all {
			byName[v.Name] = v
		}
		return byName, err
	})
}

// TouchNetworks notes that networks came or went.
func (w *World) TouchNetworks() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.networks.changed = time.Now()
}

// TouchVolumes notes that volumes came or went.
func (w *World) TouchVolumes() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.volumes.changed = time.Now()
}

// TouchImages notes that images came or went.
func (w *World) TouchImages() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.images = map[string]*slot[*plan.Image]{} // what is being read goes into the old ones
}

// image gives an image by reference or ID, and nil where it is not present.
func (w *World) image(ctx context.Context, ref string) (*plan.Image, error) {
	return cached(ctx, w, w.imageSlot(ref), func() (*plan.Image, error) {
		got, err := w.engine.Image(ctx, ref)
		if fault.Is(err, fault.NotFound) {
			return nil, nil
		}
		return &got, err
	})
}

func (w *World) imageSlot(ref string) *slot[*plan.Image] {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.images[ref]
	if !ok {
		s = &slot[*plan.Image]{reading: newTurn()}
		w.images[ref] = s
	}
	return s
}
