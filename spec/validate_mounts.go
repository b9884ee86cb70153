package spec

import (
	"path/filepath"
	"regexp"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

func (r *report) mounts(mounts []VolumeMount, at *field.Path) {
	names, paths := once{}, once{}
	for i := range mounts {
		m, at := &mounts[i], at.Index(i)
		r.text(at.Child("name"), m.Name, isLabel, wantLabel)
		if m.Name != "" && names.again(m.Name) {
			r.twice(at.Child("name"), m.Name)
		}
		r.mountPath(m.MountPath, paths, at.Child("mountPath"))
		r.source(m, at)
		r.subPath(m, at.Child("subPath"))
	}
}

func (r *report) mountPath(path string, seen once, at *field.Path) {
	switch {
	case path == "":
		r.missing(at, "an absolute path in the container")
	case path == "/":
		r.invalid(at, path, "a path below /")
	case !isCleanPath(path):
		r.invalid(at, path, wantPath)
	case seen.again(path):
		r.twice(at, path)
	}
}

// source checks what is mounted.
func (r *report) source(m *VolumeMount, at *field.Path) {
	n := 0
	if m.Volume != nil {
		n++
		r.text(at.Child("volume", "name"), m.Volume.Name, isLabel, "the name of a Volume object, "+wantLabel)
		if m.Volume.Name == "" && m.ReadOnly {
			r.conflict(at.Child("readOnly"), "an anonymous volume that nobody can write is always empty: name the volume, or remove it")
		}
	}
	if m.HostPath != nil {
		n++
		r.hostPath(m.HostPath, at.Child("hostPath"))
	}
	if m.Tmpfs != nil {
		n++
		r.bytes(m.Tmpfs.Size, 1, at.Child("tmpfs", "size"))
		r.text(at.Child("tmpfs", "mode"), m.Tmpfs.Mode, octalMode.MatchString, `three or four octal digits, as in "1777"`)
	}
	switch {
	case n == 0:
		r.missing(at, "one of volume, hostPath and tmpfs")
	case n > 1:
		r.conflict(at, "has several of volume, hostPath and tmpfs: keep one")
	}
}

var octalMode = regexp.MustCompile(`^[0-7]{3,4}$`)

func (r *report) hostPath(h *HostPathSource, at *field.Path) {
	if h.Path == "" {
		r.missing(at.Child("path"), "an absolute path on the host")
	}
	r.text(at.Child("path"), h.Path, isCleanPath, wantPath)
}

func (r *report) subPath(m *VolumeMount, at *field.Path) {
	if m.SubPath == "" {
		return
	}
	if !filepath.IsLocal(m.SubPath) || filepath.Clean(m.SubPath) != m.SubPath || m.SubPath == "." {
		r.invalid(at, m.SubPath, "a relative path without . or .. or doubled or trailing slashes")
	}
	switch {
	case m.Tmpfs != nil:
		r.conflict(at, "a tmpfs has no folders yet: remove it")
	case m.Volume != nil && m.Volume.Name == "":
		r.conflict(at, "an anonymous volume has no folders yet: name the volume, or remove it")
	}
}
