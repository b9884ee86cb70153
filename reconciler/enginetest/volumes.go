package enginetest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// Volumes implements reconciler.Observer.
func (e *Engine) Volumes(ctx context.Context) ([]plan.Volume, error) {
	return do(ctx, e, Call{Method: "Volumes"}, func() ([]plan.Volume, error) {
		out := make([]plan.Volume, 0, len(e.volumes))
		for _, name := range slices.Sorted(maps.Keys(e.volumes)) {
			out = append(out, clone(*e.volumes[name]))
		}
		return out, nil
	})
}

// CreateVolume implements apply.Volumes. One that is there already stays as it is, and Docker tells of its creation all the same.
func (e *Engine) CreateVolume(ctx context.Context, v plan.VolumeCreate) error {
	return run(ctx, e, Call{Method: "CreateVolume", Target: v.Name}, func() error {
		if driver := v.Spec.Driver; driver != "" && !slices.Contains(e.info.VolumeDrivers, driver) {
			return fault.New(fault.RuntimeVolume, fault.Terminal, "cannot create volume %q: error looking up volume plugin %s: plugin %q not found", v.Name, driver, driver)
		}
		if e.volumes[v.Name] != nil {
			e.tellVolume(v.Name, "create")
			return nil
		}
		e.addVolume(v)
		return nil
	})
}

func (e *Engine) addVolume(v plan.VolumeCreate) {
	labels := merged(v.Spec.Labels, v.Labels)
	e.volumes[v.Name] = &plan.Volume{
		Name: v.Name, Labels: labels, CreatedAt: time.Now(), Mountpoint: e.info.DataRoot + "/volumes/" + v.Name + "/_data",
		Spec: spec.VolumeSpec{VolumeName: v.Name, Driver: cmp.Or(v.Spec.Driver, "local"), Options: maps.Clone(v.Spec.Options), Labels: labels},
	}
	e.tellVolume(v.Name, "create")
}

// RemoveVolume implements apply.Volumes.
func (e *Engine) RemoveVolume(ctx context.Context, name string) error {
	return run(ctx, e, Call{Method: "RemoveVolume", Target: name}, func() error {
		if e.volumes[name] == nil {
			return fault.New(fault.RuntimeVolume, fault.NotFound, "cannot remove volume %q: get %s: no such volume", name, name)
		}
		if user := e.userOf(name); user != nil {
			return fault.New(fault.ResourceUsage, fault.Conflict, "cannot remove volume %q: remove %s: volume is in use - [%s]", name, name, user.id)
		}
		e.watch.lost(name)
		delete(e.volumes, name)
		e.tellVolume(name, "destroy")
		return nil
	})
}

// userOf is a container that has a volume, running or not.
func (e *Engine) userOf(volume string) *container {
	for _, c := range e.sorted() {
		for _, m := range c.spec.Volumes {
			if m.Volume != nil && cmp.Or(m.Volume.Name, c.anonymous[m.MountPath]) == volume {
				return c
			}
		}
	}
	return nil
}
