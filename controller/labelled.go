package controller

import (
	"context"
	"time"

	"berth.dev/berth/reconciler"
)

// Labelled describes what is berth's on an engine, by labels alone: which objects there are, and what runs of them. What their
// manifests say is not known.
func Labelled(ctx context.Context, w *reconciler.World) ([]ObjectStatus, error) {
	keys, err := w.Owned(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	s := newStore()
	volumes, err := w.OwnedVolumes(ctx)
	if err != nil {
		return nil, err
	}
	for _, key := range append(keys, volumes...) {
		status, image, copies, err := w.Describe(ctx, key)
		if err != nil {
			return nil, err
		}
		s.update(key, func(o *ObjectStatus) { o.Status, o.Image, o.Replicas = status, image, copies })
	}
	all, _ := s.all()
	return all, nil
}
