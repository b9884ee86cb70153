package engine

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/go-units"

	"berth.dev/berth/spec"
)

// generated is how the engine names an anonymous volume; see stringid.GenerateRandomID in moby's daemon.
var generated = regexp.MustCompile(`^[0-9a-f]{64}$`)

// liftMounts gives every mount, sorted by path: first as it was asked for, then the volumes of the image.
func liftMounts(i container.InspectResponse) []spec.VolumeMount {
	found := map[string]spec.VolumeMount{}
	for _, m := range i.Mounts { // the least telling first: what was asked for says more
		found[m.Destination] = liftMountPoint(m)
	}
	for target, options := range i.HostConfig.Tmpfs {
		found[target] = liftTmpfsOptions(target, options)
	}
	for _, b := range i.HostConfig.Binds {
		if v, ok := liftBind(b); ok {
			found[v.MountPath] = v
		}
	}
	for _, m := range i.HostConfig.Mounts {
		found[m.Target] = liftMount(m)
	}
	return slices.SortedFunc(maps.Values(found), func(a, b spec.VolumeMount) int { return cmp.Compare(a.MountPath, b.MountPath) })
}

// liftAnonymous gives the anonymous volumes among the mounts.
func liftAnonymous(i container.InspectResponse, mounts []spec.VolumeMount) map[string]string {
	out := map[string]string{}
	for _, v := range mounts {
		if v.Volume == nil || v.Volume.Name != "" {
			continue
		}
		for _, m := range i.Mounts {
			if m.Destination == v.MountPath {
				out[v.MountPath] = m.Name
			}
		}
	}
	return out
}

func liftVolumeName(name string) string {
	if generated.MatchString(name) {
		return ""
	}
	return name
}

func liftMountPoint(m container.MountPoint) spec.VolumeMount {
	v := spec.VolumeMount{MountPath: m.Destination, ReadOnly: !m.RW}
	switch m.Type {
	case mount.TypeBind:
		v.HostPath = &spec.HostPathSource{Path: m.Source, Propagation: spec.Propagation(m.Propagation)}
	case mount.TypeTmpfs:
		v.Tmpfs = &spec.TmpfsSource{}
	default:
		v.Volume = &spec.VolumeSource{Name: liftVolumeName(m.Name)}
	}
	return v
}

func liftMount(m mount.Mount) spec.VolumeMount {
	v := spec.VolumeMount{MountPath: m.Target, ReadOnly: m.ReadOnly}
	switch m.Type {
	case mount.TypeBind:
		o := deref(m.BindOptions)
		v.HostPath = &spec.HostPathSource{Path: m.Source, Propagation: spec.Propagation(o.Propagation), NonRecursive: o.NonRecursive, CreateHostPath: o.CreateMountpoint}
	case mount.TypeTmpfs:
		o := deref(m.TmpfsOptions)
		v.Tmpfs = &spec.TmpfsSource{Size: bytesOf(o.SizeBytes), Mode: liftMode(o.Mode)}
	default:
		o := deref(m.VolumeOptions)
		v.Volume, v.SubPath = &spec.VolumeSource{Name: liftVolumeName(m.Source), NoCopy: o.NoCopy}, o.Subpath
	}
	return v
}

// liftBind reads the old form of a mount, SOURCE:TARGET[:OPTIONS]. A source that is no path is a volume's name. What has only a
// target is an anonymous volume, and is among the mount points.
func liftBind(bind string) (spec.VolumeMount, bool) {
	parts := strings.SplitN(bind, ":", 3)
	if len(parts) < 2 {
		return spec.VolumeMount{}, false
	}
	v := spec.VolumeMount{MountPath: parts[1]}
	if strings.HasPrefix(parts[0], "/") {
		v.HostPath = &spec.HostPathSource{Path: parts[0], CreateHostPath: true}
	} else {
		v.Volume = &spec.VolumeSource{Name: liftVolumeName(parts[0])}
	}
	if len(parts) == 3 {
		for o := range strings.SplitSeq(parts[2], ",") {
			liftBindOption(&v, o)
		}
	}
	return v, true
}

func liftBindOption(v *spec.VolumeMount, option string) {
	switch {
	case option == "ro":
		v.ReadOnly = true
	case option == "nocopy" && v.Volume != nil:
		v.Volume.NoCopy = true
	case v.HostPath != nil && slices.Contains(spec.Propagation("").Values(), option):
		v.HostPath.Propagation = spec.Propagation(option)
	}
}

// liftTmpfsOptions reads the older way to ask for a tmpfs, `docker run --tmpfs /path:size=64m,ro`.
func liftTmpfsOptions(target, options string) spec.VolumeMount {
	v := spec.VolumeMount{MountPath: target, Tmpfs: &spec.TmpfsSource{}}
	for o := range strings.SplitSeq(options, ",") {
		switch name, value, _ := strings.Cut(o, "="); name {
		case "ro":
			v.ReadOnly = true
		case "size":
			if n, err := units.RAMInBytes(value); err == nil {
				v.Tmpfs.Size = bytesOf(n)
			}
		case "mode":
			v.Tmpfs.Mode = value
		}
	}
	return v
}
