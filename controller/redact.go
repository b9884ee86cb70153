package controller

import (
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// redact hides the values of a manifest that may be secrets. The manifest is changed.
func redact(c *spec.Container) {
	redactMap(c.Metadata.Annotations)
	redactMap(c.Metadata.Labels)
	s := &c.Spec
	redactMap(s.Labels)
	redactMap(s.Annotations)
	if s.Logging != nil {
		redactMap(s.Logging.Options)
	}
	redactEnv(s.Env)
	for i := range s.InitContainers {
		redactEnv(s.InitContainers[i].Env)
	}
	for _, p := range []*spec.Probe{s.StartupProbe, s.LivenessProbe, s.ReadinessProbe} {
		if p != nil {
			redactHeaders(p.HTTPGet)
		}
	}
	if s.Lifecycle == nil {
		return
	}
	for _, h := range []*spec.Handler{s.Lifecycle.PostStart, s.Lifecycle.PreStop} {
		if h != nil {
			redactHeaders(h.HTTPGet)
		}
	}
}

func redactEnv(env []spec.EnvVar) {
	for i := range env {
		env[i].Value = plan.Redact(env[i].Name, env[i].Value)
	}
}

func redactMap(m map[string]string) {
	for name, value := range m {
		m[name] = plan.Redact(name, value)
	}
}

// redactHeaders hides all values, whatever the headers are called: none is ever printed.
func redactHeaders(get *spec.HTTPGetAction) {
	if get == nil {
		return
	}
	for i := range get.HTTPHeaders {
		get.HTTPHeaders[i].Value = plan.Redact("secret", get.HTTPHeaders[i].Value)
	}
}
