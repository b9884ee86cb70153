package plan

import (
	"testing"

	"berth.dev/berth/spec"
)

// TestIdentity: a name says whose it is, and labels say the same.
func TestIdentity(t *testing.T) {
	key := func(k spec.Kind) spec.Key { return spec.Key{Kind: k, Namespace: "shop", Name: "x"} }
	for _, tt := range []struct {
		name   string
		key    spec.Key // zero for nobody's
		labels map[string]string
	}{
		{"shop.x.3", key(spec.KindContainer), map[string]string{spec.LabelOrdinal: "3"}},
		{"shop.x.3.next", key(spec.KindContainer), nil},
		{"shop.x.3-1", key(spec.KindJob), map[string]string{spec.LabelOrdinal: "3", spec.LabelKind: "Job", spec.LabelTry: "1"}},
		{"shop.x.29460300-3-1", key(spec.KindCronJob), map[string]string{spec.LabelOrdinal: "3", spec.LabelKind: "CronJob", spec.LabelTry: "1", spec.LabelRun: "29460300"}},
		{"shop.x.mtry_1-0-0", key(spec.KindCronJob), map[string]string{spec.LabelOrdinal: "0", spec.LabelKind: "CronJob", spec.LabelTry: "0", spec.LabelRun: "mtry_1"}},
		{"shop.x", spec.Key{}, nil},
		{"shop.x.y", spec.Key{}, nil},
		{"shop.x.a-0", spec.Key{}, map[string]string{spec.LabelOrdinal: "0", spec.LabelKind: "Job"}},
		{"shop.x.a-b-c", spec.Key{}, map[string]string{spec.LabelOrdinal: "0", spec.LabelKind: "Network", spec.LabelTry: "0"}},
		{"shop.x.1-2-3-4", spec.Key{}, map[string]string{spec.LabelOrdinal: "0", spec.LabelKind: "CronJob", spec.LabelTry: "0"}},
	} {
		if got, ok := KeyOfName(tt.name); got != tt.key && ok || ok != (tt.key != spec.Key{}) {
			t.Errorf("%s is of %s, %v; want %s", tt.name, got, ok, tt.key)
		}
		if tt.labels == nil {
			continue
		}
		tt.labels[spec.LabelNamespace], tt.labels[spec.LabelName] = "shop", "x"
		switch id, ok := Claimed(tt.labels); {
		case ok != (tt.key != spec.Key{}):
			t.Errorf("%v claim to be of %v, %v", tt.labels, id, ok)
		case ok && (id.Key != tt.key || id.Name() != tt.name):
			t.Errorf("%v are of %s, named %s; want %s, %s", tt.labels, id.Key, id.Name(), tt.key, tt.name)
		}
	}
}
