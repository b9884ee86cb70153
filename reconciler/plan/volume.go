package plan

import (
	"fmt"

	"berth.dev/berth/spec"
)

// volume plans a Volume. One that exists is never touched: its data is the user's.
func (p *planner) volume(v *spec.Volume) {
	have, there := p.seen.Volumes[v.DockerName()]
	switch owner, ours := OwnedKey(spec.KindVolume, have.Labels); {
	case v.Spec.External && !there:
		p.block(Block{Reason: ReasonVolumeNotFound, Message: fmt.Sprintf("the engine has no volume %q, and the manifest calls it external: make it, or take external away", v.DockerName())})
	case v.Spec.External:
	case !there:
		p.act(Action{Kind: ActionCreate, Target: v.DockerName(), Why: []Change{{Note: "it is not there"}},
			Ops: []Op{{Verb: CreateVolume, Target: v.DockerName(), Volume: &VolumeCreate{Name: v.DockerName(), Spec: v.Spec, Labels: ownerLabels(v.Key())}}}})
	case (!ours || owner != v.Key()) && !v.Metadata.Adopts():
		p.block(Block{Reason: ReasonNameTaken, Message: fmt.Sprintf("volume %q exists and is not this object's: set external: true to use it, or the annotation %s: \"true\" to take it over with its data", v.DockerName(), spec.AdoptAnnotation)})
	default:
		p.compareVolume(v, have, ours)
	}
}

// compareVolume says where a volume is not as wanted; nothing is done about it, because that would cost its data.
func (p *planner) compareVolume(v *spec.Volume, have Volume, ours bool) {
	change := volumeChange(&v.Spec, &have.Spec, ours)
	if change == nil {
		return
	}
	p.block(Block{Reason: ReasonVolumeImmutable, Message: fmt.Sprintf("volume %q is not as the manifest says (%s), and only a new volume would be; its data stays: copy it away and remove the volume by hand, or take the change back", have.Name, change)})
}

// volumeChange is the first difference of a volume, nil where there is none. One that was adopted may have more than is wanted.
func volumeChange(want, have *spec.VolumeSpec, ours bool) *Change {
	if driver := orDefault(want.Driver, "local"); driver != orDefault(have.Driver, "local") {
		return &Change{Field: "driver", From: have.Driver, To: driver}
	}
	for _, f := range []struct {
		name       string
		want, have values
	}{
		{"options", want.Options, have.Options},
		{"labels", flatLabels(&spec.ContainerSpec{Labels: want.Labels}), flatLabels(&spec.ContainerSpec{Labels: have.Labels})},
	} {
		if !contains(f.have, f.want) || ours && len(f.have) > len(f.want) {
			return &Change{Field: f.name, From: text(f.have), To: text(f.want)}
		}
	}
	return nil
}

// DeleteVolume plans what `berth delete` does with a Volume: its data goes only where the manifest says so.
func DeleteVolume(v *spec.Volume, have Volume) []Action {
	owner, ours := OwnedKey(spec.KindVolume, have.Labels)
	if v.Spec.External || v.Spec.ReclaimPolicy != spec.ReclaimDelete || !ours || owner != v.Key() {
		return nil
	}
	return []Action{{Kind: ActionRemove, Target: have.Name, Why: []Change{{Note: "it is deleted, and its reclaimPolicy is Delete"}},
		Ops: []Op{{Verb: RemoveVolume, Target: have.Name}}}}
}
