package plan

import (
	"testing"

	"berth.dev/berth/spec"
)

// TestDeleteVolume: data goes only where the manifest says so, and only what is berth's.
func TestDeleteVolume(t *testing.T) {
	key := spec.Key{Kind: spec.KindVolume, Namespace: "shop", Name: "data"}
	for _, test := range []struct {
		name   string
		policy spec.ReclaimPolicy
		labels map[string]string
		extern bool
		want   int
	}{
		{"Delete", spec.ReclaimDelete, ownerLabels(key), false, 1},
		{"Retain", spec.ReclaimRetain, ownerLabels(key), false, 0},
		{"left out", "", ownerLabels(key), false, 0},
		{"external", spec.ReclaimDelete, ownerLabels(key), true, 0},
		{"not berth's", spec.ReclaimDelete, nil, false, 0},
		{"another object's", spec.ReclaimDelete, ownerLabels(spec.Key{Namespace: "shop", Name: "other"}), false, 0},
	} {
		v := &spec.Volume{Metadata: spec.Metadata{Namespace: "shop", Name: "data"}, Spec: spec.VolumeSpec{ReclaimPolicy: test.policy, External: test.extern}}
		if got := DeleteVolume(v, Volume{Name: "shop.data", Labels: test.labels}); len(got) != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}
