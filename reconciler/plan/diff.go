package plan

import (
	"maps"
	"slices"

	"berth.dev/berth/spec"
)

// difference is one row in which a container is not as wanted.
type difference struct {
	row     *row
	changes []Change
	// cleared: the value is taken away, not replaced.
	cleared bool
}

// inPlace reports whether the engine can make the change on the living container.
func (d difference) inPlace(w *Want) bool {
	return d.row.class == liveBoth || d.row.class == live && !d.cleared && !swapLifted(w, d)
}

// diff compares a container with what is wanted, row by row. image is nil where it is not known.
func diff(want *Want, have *Container, image *Image, engine Engine) []difference {
	rec, recorded := want.record, true
	if label := have.Labels[spec.LabelApplied]; label != want.Revision {
		rec, recorded = parseRecord(label)
	}
	lifted := have.lifted()
	var out []difference
	for i := range rows {
		r := &rows[i]
		if r.path == "resources.limits.swap" && !engine.SwapLimit {
			continue // the engine dropped it, and has said so at the creation
		}
		if r.path == "image" && have.ImageID == want.Spec.Image {
			continue // a revision that was gone back to names it by its ID, for its tag has moved on
		}
		same := recorded && rec[r.path] == want.record[r.path]
		if r.class == recreate && same && !r.stale {
			continue
		}
		whole := r.class != recreate || recorded && !same
		if d := r.compare(want.flat[i], r.flat(lifted), imageValues(r, want, image), whole); len(d.changes) > 0 {
			out = append(out, d)
		}
	}
	return out
}

// lifted is the container's spec with its anonymous volumes among the mounts.
func (c *Container) lifted() *spec.ContainerSpec {
	s := c.Spec
	s.Volumes = slices.Clone(s.Volumes)
	for path := range c.Anonymous {
		s.Volumes = append(s.Volumes, spec.VolumeMount{MountPath: path, Volume: &spec.VolumeSource{}})
	}
	return &s
}

// nothing is the values of an unset field of an image that is known. It is never written to.
var nothing = values{}

// imageValues is what a container has of a row from its image; nil where the image is not known.
func imageValues(r *row, want *Want, image *Image) values {
	if image == nil {
		return nil
	}
	if !r.image || r.path == "args" && len(want.Spec.Command) > 0 { // a new entry point drops the image's arguments (moby: daemon/commit.go, merge)
		return nothing
	}
	v := r.flat(&image.Defaults)
	if w := want.values("healthcheck"); r.path == "healthcheck" && w["command"]+w["shell"]+w["disable"] != "" {
		for _, test := range []string{"command", "shell", "disable"} {
			delete(v, test)
		}
	}
	return v
}

// compare finds the differences of one row. whole says that what is there and not wanted is a difference too: the engine cannot
// have added it, or it is known to have been asked for once and not any more.
//
// An anonymous volume is no difference by itself: an older image may have asked for it, and the container took it over.
func (r *row) compare(want, have, image values, whole bool) difference {
	d := difference{row: r}
	if r.blind {
		if whole {
			d.changes = []Change{{Field: r.path, From: "what it was created with", To: show(r.path, "", want[""])}}
		}
		return d
	}
	if len(image) == 0 && maps.Equal(want, have) {
		return d
	}
	effective := make(values, len(image)+len(want))
	maps.Copy(effective, image)
	maps.Copy(effective, want)
	for _, k := range sortedKeys(effective) {
		if _, asked := want[k]; have[k] != effective[k] && (asked || whole) {
			d.add(k, have[k], effective[k])
		}
	}
	for _, k := range sortedKeys(have) {
		if _, ok := effective[k]; !ok && (whole || r.exact && image != nil && have[k] != anonymous) {
			d.add(k, have[k], "")
		}
	}
	d.cleared = len(want) == 0
	return d
}

func (d *difference) add(sub, from, to string) {
	field := d.row.path
	if sub != "" {
		field += "[" + sub + "]"
	}
	d.changes = append(d.changes, Change{Field: field, From: show(d.row.path, sub, from), To: show(d.row.path, sub, to)})
}
