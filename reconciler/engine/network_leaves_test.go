package engine_test

import (
	"reflect"
	"testing"

	"sigs.k8s.io/yaml"

	"berth.dev/berth/spec"
)

func parseNetwork(t *testing.T, manifest string) (s spec.NetworkSpec) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(manifest), &s); err != nil {
		t.Fatalf("%s: %v", manifest, err)
	}
	return s
}

func networkLeaves(s spec.NetworkSpec) map[string][]string {
	out := map[string][]string{}
	collect(reflect.ValueOf(s), "", out)
	return out
}
