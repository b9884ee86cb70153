package plan

import (
	"time"

	"berth.dev/berth/spec"
)

// defaultMinReady is how long a new copy has to run where nothing tells that it is ready: long enough for one that ends over its
// configuration to have ended.
const defaultMinReady = 5 * time.Second

// Readiness is whether a copy serves, and since when it is so.
type Readiness struct {
	Ready bool
	Since time.Time
	// Done: it has ended as it was to, and is not started again.
	Done bool
}

// ReadinessOf judges a copy by its state, Docker's health check and the agent's probes.
func ReadinessOf(s *spec.ContainerSpec, have *Container, k *Known, m *Memory) Readiness {
	if have.State == StateExited && have.ExitCode == 0 && !restarts(*s, have) {
		return Readiness{Ready: true, Since: have.FinishedAt, Done: true}
	}
	r := Readiness{Ready: have.State == StateRunning, Since: have.StartedAt}
	switch have.Health {
	case HealthStarting, HealthUnhealthy:
		r.Ready = false
	case HealthHealthy:
		r.Since = later(r.Since, m.Healthy[have.ID])
	}
	if s.StartupProbe == nil && s.ReadinessProbe == nil {
		return r
	}
	probed := k.Probes[have.ID]
	r.Ready = r.Ready && probed.Ready
	r.Since = later(r.Since, probed.Since)
	return r
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// minReady is how long a copy has to be ready until it is available.
func minReady(s *spec.ContainerSpec, have *Container) time.Duration {
	switch {
	case s.MinReadySeconds != nil:
		return time.Duration(*s.MinReadySeconds) * time.Second
	case s.ReadinessProbe != nil || have.Health != HealthNone:
		return 0
	}
	return defaultMinReady
}

func (p *planner) readiness(w *Want, have *Container) Readiness {
	return ReadinessOf(&w.Spec, have, &p.seen.Known, &p.seen.Memory)
}

// serves reports whether a copy is ready, for however long.
func (p *planner) serves(w *Want, have *Container) bool {
	return have != nil && p.readiness(w, have).Ready
}

// down reports whether a copy does not serve, beyond doubt: what a probe has not been asked about yet may.
func (ro *rollout) down(m *member) bool {
	s, have := &m.want.Spec, m.main
	probed := s.StartupProbe != nil || s.ReadinessProbe != nil
	if have.State == StateRunning && probed && !ro.seen.Probes[have.ID].Asked {
		return false
	}
	return !ro.serves(m.want, have)
}

// available reports whether a copy has been ready for as long as it has to be; where it will have been, it is looked at again then.
func (p *planner) available(w *Want, have *Container) bool {
	r := p.readiness(w, have)
	if !r.Ready || r.Done {
		return r.Ready
	}
	at := r.Since.Add(minReady(&w.Spec, have))
	if at.After(p.now) {
		p.retryAt(at)
		return false
	}
	return true
}

// dead says why a running copy has to be restarted; empty where it need not be.
func (p *planner) dead(s *spec.ContainerSpec, have *Container) (why string, grace *int64) {
	if probe := s.LivenessProbe; probe != nil && probe.DockerHealth != nil && have.Health == HealthUnhealthy {
		return "Docker's health check says that it is unhealthy", probe.TerminationGracePeriodSeconds
	}
	probed := p.seen.Probes[have.ID]
	return probed.Dead, probed.Grace
}
