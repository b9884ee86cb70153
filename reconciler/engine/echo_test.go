package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth.dev/berth/reconciler/engine"
	"berth.dev/berth/reconciler/plan"
)

// TestEcho is TestRoundTrip without an engine, for API versions that the engine at hand may not have.
func TestEcho(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "seccomp.json"), []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$NET2", "n2", "$NET", "n1", "$VOL", "v", "$PEER", "p", "$DIR", dir, "$DISK", "/dev/sda", "$PLATFORM", "linux/arm64/v8")
	for _, api := range []string{"1.41", "1.42", "1.44", "1.51"} {
		for name, s := range samples {
			t.Run(api+" "+name, func(t *testing.T) {
				asked := parse(t, fill.Replace(s.spec))
				e := plan.Engine{APIVersion: api, Version: "x"}
				if plan.APIGaps(&asked, e) != nil { // TestUnsupported has these
					return
				}
				want := trip{sample: s, fill: fill}.expected(asked)
				if strings.Contains(s.spec, "pids: -1") {
					want["resources.limits.pids"] = []string{"-1"}
				}
				seen, err := engine.Echo(plan.Create{Name: "x", Spec: asked}, api)
				if err != nil {
					t.Fatal(err)
				}
				compare(t, "echoed", want, seen)
			})
		}
	}
}
