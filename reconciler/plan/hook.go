package plan

import (
	"encoding/json"

	"berth.dev/berth/spec"
)

// stop is the stop of a container, after its preStop hook; w is nil where the container is not wanted any more.
func stop(w *Want, have *Container) Op {
	return Op{Verb: StopContainer, Target: have.ID, Hook: preStop(w, have)}
}

// preStop is the hook of a container: the manifest's where the container is of its revision, and else what was noted when it was
// created, for its manifest may be another, or gone.
func preStop(w *Want, have *Container) *Hook {
	if have.State != StateRunning {
		return nil
	}
	if w != nil && have.Labels[spec.LabelApplied] == w.Revision {
		if w.Spec.Lifecycle == nil || w.Spec.Lifecycle.PreStop == nil {
			return nil
		}
		return &Hook{*w.Spec.Lifecycle.PreStop, w.Spec.Ports, have.Spec.TerminationGracePeriodSeconds}
	}
	var h Hook
	if json.Unmarshal([]byte(have.Labels[spec.LabelPreStop]), &h) != nil {
		return nil // it has none, or one of another version of berth
	}
	h.Within = have.Spec.TerminationGracePeriodSeconds
	return &h
}

// preStopLabel notes a hook on a container. Labels are widely read, so that headers that may be secret are left out.
func preStopLabel(s *spec.ContainerSpec) string {
	if s.Lifecycle == nil || s.Lifecycle.PreStop == nil {
		return ""
	}
	h := Hook{Handler: *s.Lifecycle.PreStop}
	if get := h.HTTPGet; get != nil {
		public := *get
		public.HTTPHeaders = nil
		for _, header := range get.HTTPHeaders {
			if !sensitive.MatchString(header.Name) {
				public.HTTPHeaders = append(public.HTTPHeaders, header)
			}
		}
		h.HTTPGet = &public
		if get.Port.Name != "" {
			h.Ports = s.Ports
		}
	}
	return toJSON(h)
}

// start is the start of a container, with its postStart hook: where that fails, so has the start.
func start(w *Want, target string) []Op {
	ops := []Op{{Verb: StartContainer, Target: target}}
	if l := w.Spec.Lifecycle; l != nil && l.PostStart != nil {
		ops[0].Undo = &Op{Verb: StopContainer, Target: target}
		ops = append(ops, Op{Verb: RunHook, Target: target, Hook: &Hook{Handler: *l.PostStart, Ports: w.Spec.Ports}})
	}
	return ops
}
