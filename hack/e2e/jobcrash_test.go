package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const killedJobs = `apiVersion: berth.dev/v1
kind: CronJob
metadata: {name: often, namespace: e2e-killed}
spec:
  schedule: "@every 2s"
  successfulJobsHistoryLimit: 1
  jobTemplate: {spec: {template: {spec: {image: "berth.test/app:1", command: [/testapp, id]}}}}
---
apiVersion: berth.dev/v1
kind: Job
metadata: {name: once, namespace: e2e-killed}
spec:
  completions: 4
  parallelism: 2
  ttlSecondsAfterFinished: 1
  template: {spec: {image: "berth.test/app:1", command: [/testapp, id]}}
`

// TestKilledAgentRunsNothingTwice kills the agent (-9) around calls while runs begin, end and are removed. The engine's own events
// tell what was made: no try of any run twice, and of the Job just one for each index.
func TestKilledAgentRunsNothingTwice(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	began := strconv.FormatInt(time.Now().Unix(), 10)
	k := newKillings(t, rand.New(rand.NewPCG(seed, 0)))
	if err := os.WriteFile(filepath.Join(k.dir, "m", "jobs.yaml"), []byte(killedJobs), 0o644); err != nil {
		t.Fatal(err)
	}
	for range rounds {
		k.killAtCall(1 + k.random.IntN(8))
	}
	a := k.start()
	if !poll(30*time.Second, func() bool {
		return strings.Count(made(t, began), "once") == 4 && strings.Count(made(t, began), "often") > rounds/2
	}) {
		t.Errorf("not all has run:\n%s\n%s", made(t, began), a.log())
	}
	if err := a.end(); err != nil {
		t.Error(err)
	}
	names := strings.Fields(made(t, began))
	slices.Sort(names)
	if unique := slices.Compact(slices.Clone(names)); len(unique) != len(names) {
		t.Errorf("made twice: %q", names)
	}
	t.Logf("made were %d", len(names))
}

// made lists the containers that were created since a time, by the engine's events.
func made(t *testing.T, since string) string {
	t.Helper()
	r := docker("events", "--since", since, "--until", fmt.Sprint(time.Now().Unix()+1), "--filter", "event=create", "--filter", "type=container", "--format", "{{.Actor.Attributes.name}}")
	if r.err != nil {
		t.Fatal(r.err)
	}
	return strings.Join(slices.DeleteFunc(strings.Fields(r.stdout), func(name string) bool { return !strings.HasPrefix(name, "e2e-killed.") }), "\n")
}
