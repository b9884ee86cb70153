package controller

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
	"berth.dev/berth/spec/load"
)

// metrics are what Prometheus is told. No label has an object's name, so that their number is bounded.
type metrics struct {
	passes    *prometheus.CounterVec
	latency   *prometheus.HistogramVec
	actions   *prometheus.CounterVec
	drift     *prometheus.CounterVec
	errors    *prometheus.CounterVec
	events    *prometheus.CounterVec
	converged prometheus.Histogram
	up        prometheus.Gauge
	held      prometheus.Gauge
	invalid   prometheus.Gauge
}

// buckets run from a pass that does nothing to one that waits for a slow stop, in seconds.
var buckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

func newMetrics(r prometheus.Registerer, depth, held func() int) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	m := &metrics{
		passes: counter("berth_reconcile_total", "Passes over an object, by result: unchanged, changed, blocked or error.", "kind", "result"),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "berth_reconcile_duration_seconds", Buckets: buckets,
			Help: "How long a pass took."}, []string{"kind"}),
		actions: counter("berth_actions_total", "Actions on the engine, by what led to them: a field, or lifecycle.", "action", "reason", "result"),
		drift:   counter("berth_drift_repaired_total", "Actions that mended what was changed behind the agent's back.", "action"),
		errors:  counter("berth_errors_total", "Errors, by class.", "class"),
		events:  counter("berth_engine_events_total", "Events heard from the engine.", "type"),
		converged: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "berth_change_to_converged_seconds", Buckets: buckets,
			Help: "From noticing a changed file to its object being as wanted, and ready."}),
		up:      gauge("berth_engine_up", "Whether the engine answers and is this agent's."),
		held:    gauge("berth_prune_held_objects", "Objects whose removal waits for a confirmation."),
		invalid: gauge("berth_manifest_problems", "Problems with the manifests now."),
	}
	count := func(name, help string, of func() int) prometheus.GaugeFunc {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(of()) })
	}
	queue := count("berth_queue_depth", "Objects that wait to be looked at.", depth)
	byHand := count("berth_held_objects", "Objects that a person has left as they are, with berth hold.", held)
	if r != nil {
		r.MustRegister(m.passes, m.latency, m.actions, m.drift, m.errors, m.events, m.converged, m.up, m.held, m.invalid, queue, byHand)
	}
	return m
}

func (m *metrics) pass(key spec.Key, p reconciler.Pass, err error, took time.Duration) {
	m.passes.WithLabelValues(string(key.Kind), result(p, err)).Inc()
	m.latency.WithLabelValues(string(key.Kind)).Observe(took.Seconds())
	if err != nil {
		m.errors.WithLabelValues(string(fault.ClassOf(err))).Inc()
	}
	for _, o := range p.Outcomes {
		outcome := "done"
		if o.Err != nil {
			outcome = "failed"
			m.errors.WithLabelValues(string(fault.ClassOf(o.Err))).Inc()
		}
		m.actions.WithLabelValues(string(o.Action.Kind), reasonLabel(o.Action), outcome).Inc()
		if o.Action.Repair && o.Err == nil {
			m.drift.WithLabelValues(string(o.Action.Kind)).Inc()
		}
	}
}

func result(p reconciler.Pass, err error) string {
	switch {
	case err != nil || p.Err() != nil:
		return "error"
	case len(p.Left.Blocks) > 0:
		return "blocked"
	case len(p.Outcomes) > 0:
		return "changed"
	}
	return "unchanged"
}

// reasonLabel is the field that led to an action, without what is particular to the object.
func reasonLabel(a plan.Action) string {
	if len(a.Why) == 0 || a.Why[0].Field == "" {
		return "lifecycle"
	}
	field, _, _ := strings.Cut(a.Why[0].Field, "[")
	return field
}

func (m *metrics) problems(p []load.Problem) { m.invalid.Set(float64(len(p))) }
