package controller

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/spec"
)

func TestMetrics(t *testing.T) {
	inTime(t, func(a *agent) {
		a.replace(append(containers(5, "networks: [{name: net}]"), object(spec.KindNetwork, "net", ""), object(spec.KindVolume, "data", ""))...)
		a.settle(soon)
		a.engine.RemoveByHand("shop.web00.0")
		a.engine.StopByHand("shop.web01.0")
		a.settle(soon)
		a.engine.Fail("Create", "*", fault.New(fault.ResourceAllocation, fault.Terminal, "no"), 1)
		a.replace(append(containers(4, "networks: [{name: net}], env: [{name: A, value: b}]"), object(spec.KindNetwork, "net", ""))...)
		a.settle(soon)
		if got, err := testutil.GatherAndLint(a.registry); err != nil || len(got) > 0 {
			t.Error(got, err)
		}
		a.metric(`
# HELP berth_drift_repaired_total Actions that mended what was changed behind the agent's back.
# TYPE berth_drift_repaired_total counter
berth_drift_repaired_total{action="create"} 1
berth_drift_repaired_total{action="start"} 1
# HELP berth_errors_total Errors, by class.
# TYPE berth_errors_total counter
berth_errors_total{class="ResourceAllocationError"} 1
`, "berth_drift_repaired_total")
		want := []string{
			"berth_actions_total action reason result", "berth_change_to_converged_seconds", "berth_drift_repaired_total action",
			"berth_engine_events_total type", "berth_engine_up", "berth_errors_total class", "berth_held_objects", "berth_manifest_problems", "berth_notification_queue",
			"berth_prune_held_objects", "berth_queue_depth", "berth_reconcile_duration_seconds kind", "berth_reconcile_total kind result",
		}
		names, values := a.series()
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("metrics and their labels (-want +got):\n%s", diff)
		}
		for _, v := range values {
			if strings.Contains(v, "web") || strings.Contains(v, "[") {
				t.Errorf("label value %q has an object in it", v)
			}
		}
	})
}

// series lists all metrics with their labels, and all values of labels.
func (a *agent) series() (names, values []string) {
	a.Helper()
	families, err := a.registry.Gather()
	if err != nil {
		a.Fatal(err)
	}
	for _, f := range families {
		name := f.GetName()
		for _, l := range f.GetMetric()[0].GetLabel() {
			name += " " + l.GetName()
		}
		names = append(names, name)
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
		}
	}
	slices.Sort(values)
	return names, slices.Compact(values)
}

// A creation or a change in place is drift only where the same manifest was in sync before.
func TestWhatIsNoDrift(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(*agent)
	}{
		{"new", func(*agent) {}},
		{"more copies", func(a *agent) { a.replace(container("web", "replicas: 2")) }},
		{"removed and wanted again", func(a *agent) {
			a.replace(container("other", ""), container("more", ""), container("web", ""))
			a.settle(soon)
			a.replace(container("other", ""), container("more", ""))
			a.settle(soon)
			a.replace(container("other", ""), container("more", ""), container("web", ""))
		}},
		{"a limit in the manifest", func(a *agent) { a.replace(container("web", "resources: {limits: {memory: 64Mi}}")) }},
		{"tried again", func(a *agent) {
			a.engine.Fail("Create", "*", errors.New("no"), 2)
			a.replace(container("web", ""), container("more", ""))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(a *agent) {
				a.replace(container("web", ""))
				a.settle(soon)
				tt.do(a)
				a.settle(soon)
				a.metric("", "berth_drift_repaired_total")
			})
		})
	}
}
