package engine

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/mount"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// mounts lowers what is mounted: the spec's volumes, and the anonymous volumes that an image asks for and the container takes
// over from the one it replaces.
func (l *lowered) mounts(c plan.Create, api string) error {
	carried := maps.Clone(c.Anonymous)
	for _, v := range c.Spec.Volumes {
		if bind, ok := lowerBind(v, api); ok {
			l.host.Binds = append(l.host.Binds, bind)
			continue
		}
		m, err := lowerMount(v, carried[v.MountPath])
		if err != nil {
			return err
		}
		l.host.Mounts = append(l.host.Mounts, m)
		delete(carried, v.MountPath)
	}
	for _, target := range slices.Sorted(maps.Keys(carried)) {
		l.host.Mounts = append(l.host.Mounts, mount.Mount{Type: mount.TypeVolume, Source: carried[target], Target: target})
	}
	return nil
}

// lowerBind gives the old form of a bind mount where it is needed: below API 1.42 only that makes a missing path.
func lowerBind(v spec.VolumeMount, api string) (string, bool) {
	if v.HostPath == nil || !v.HostPath.CreateHostPath || plan.APIAtLeast(api, "1.42") {
		return "", false
	}
	bind := hostPath(v) + ":" + v.MountPath
	var options []string
	if v.ReadOnly {
		options = append(options, "ro")
	}
	if p := v.HostPath.Propagation; p != "" {
		options = append(options, string(p))
	}
	if len(options) > 0 {
		bind += ":" + strings.Join(options, ",")
	}
	return bind, true
}

func hostPath(v spec.VolumeMount) string { return path.Join(v.HostPath.Path, v.SubPath) }

func lowerMount(v spec.VolumeMount, carried string) (mount.Mount, error) {
	m := mount.Mount{Target: v.MountPath, ReadOnly: v.ReadOnly}
	switch {
	case v.Volume != nil:
		m.Type, m.Source = mount.TypeVolume, v.Volume.Name
		if m.Source == "" {
			m.Source = carried
		}
		if v.Volume.NoCopy || v.SubPath != "" {
			m.VolumeOptions = &mount.VolumeOptions{NoCopy: v.Volume.NoCopy, Subpath: v.SubPath}
		}
	case v.HostPath != nil:
		m.Type, m.Source = mount.TypeBind, hostPath(v)
		if h := v.HostPath; h.Propagation != "" || h.NonRecursive || h.CreateHostPath {
			m.BindOptions = &mount.BindOptions{Propagation: mount.Propagation(h.Propagation), NonRecursive: h.NonRecursive, CreateMountpoint: h.CreateHostPath}
		}
	case v.Tmpfs != nil:
		return lowerTmpfs(m, v.Tmpfs)
	default:
		return m, fault.New(fault.RuntimeVolume, fault.Terminal, "nothing says what to mount at %s: give volume, hostPath or tmpfs", v.MountPath)
	}
	return m, nil
}

func lowerTmpfs(m mount.Mount, t *spec.TmpfsSource) (mount.Mount, error) {
	m.Type = mount.TypeTmpfs
	if t.Size == nil && t.Mode == "" {
		return m, nil
	}
	m.TmpfsOptions = &mount.TmpfsOptions{SizeBytes: value(t.Size)}
	if t.Mode == "" {
		return m, nil
	}
	mode, err := strconv.ParseUint(t.Mode, 8, 12)
	if err != nil {
		return m, fault.New(fault.RuntimeVolume, fault.Terminal, "tmpfs mode %q is not an octal mode such as 1777", t.Mode)
	}
	m.TmpfsOptions.Mode = fs.FileMode(mode) // the kernel's bits, not Go's: the engine hands them to mount(8)
	return m, nil
}

func liftMode(m fs.FileMode) string {
	if m == 0 {
		return ""
	}
	return fmt.Sprintf("%o", uint32(m))
}
