package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"berth.dev/berth/spec"
)

// container plans a Container: every copy, and what is left of those that are too many. Where the revision has failed, the last
// good one is what is wanted.
func (p *planner) container(c *spec.Container) {
	cells := p.cells()
	c, note := p.seen.Updated(c)
	ro := p.rolloutTo(c, "", cells)
	phase, why := RolloutProgressing, ""
	good, record := p.seen.Rollout.Good, ""
	if good == nil && !p.seen.Rollout.Deployed {
		good, record = ro.remembered()
	}
	if good != nil {
		if phase, why = ro.verdict(); phase != RolloutProgressing {
			ro = p.rolloutTo(good, record, cells)
			p.block(Block{Reason: ReasonRolledBack, Message: rolledBack(phase, why)})
		}
	}
	p.surplusOf(ro.object, cells)
	if p.seen.Intent.Stopped {
		p.stopAll(ro)
		return
	}
	ro.plan(phase, why)
	ro.Rollout.Update = note
}

// Updated is the object with the image that its updatePolicy leads to, and a note of one that is not applied.
func (o *Observed) Updated(c *spec.Container) (updated *spec.Container, note string) {
	if c.Spec.UpdatePolicy == nil {
		return c, ""
	}
	image, note := EffectiveImage(&c.Spec, o.NewImage, o.own(), o.Images)
	if image == c.Spec.Image {
		return c, note
	}
	now := *c
	now.Spec.Image = image
	return &now, note
}

// own picks the containers that are berth's beyond doubt.
func (o *Observed) own() (own []Container) {
	for _, c := range o.Containers {
		if _, ours := proven(c.Summary); ours && c.Labels[spec.LabelInit] == "" {
			own = append(own, c)
		}
	}
	return own
}

// verdict says whether the revision has failed, or had before.
func (ro *rollout) verdict() (RolloutPhase, string) {
	if q := ro.seen.Rollout.Quarantine; q != nil {
		return RolloutRolledBack, strings.TrimSuffix(q.Reason, ".")
	}
	if why := ro.failure(); why != "" {
		return RolloutFailed, why
	}
	return RolloutProgressing, ""
}

func rolledBack(phase RolloutPhase, why string) string {
	if phase == RolloutFailed {
		return "the revision has failed, and the last good one comes back: " + why
	}
	return "the last good revision runs: " + why + "; the manifest's is tried again once it or its image changes"
}

// plan plans all copies: first what has to be mended of an interrupted step or made, then the next steps of the rollout, then what
// is changed in place.
func (ro *rollout) plan(phase RolloutPhase, why string) {
	for _, m := range ro.members {
		ro.copy(m)
	}
	state := ro.count(phase)
	state.Message = why
	if ro.seen.Rollout.Paused {
		state.Phase = RolloutPaused
	} else {
		ro.roll(state)
	}
	for _, m := range ro.members {
		if !m.busy && m.main != nil {
			ro.keep(m)
		}
	}
	ro.Rollout = state
}

// copy plans what a copy needs before anything else of the rollout.
func (ro *rollout) copy(m *member) {
	m.busy = ro.recover(m)
	switch {
	case m.busy:
	case m.foreign != nil:
		m.busy = true
		ro.contend(m)
	case m.main == nil:
		m.busy = true
		ro.create(m)
	case m.main.State == StateRemoving:
		m.busy = true
		ro.block(Block{Reason: ReasonRemoving, Message: fmt.Sprintf("the engine is removing container %q", m.main.Name)})
	}
}

// count says how far the rollout is.
func (ro *rollout) count(phase RolloutPhase) *RolloutState {
	s := &RolloutState{Phase: phase, Total: len(ro.members), Strategy: ro.strategy(), Object: ro.object}
	for _, m := range ro.members {
		if len(m.why) > 0 || m.prev != nil || m.next != nil {
			s.Replacing++
		}
		if m.main == nil {
			continue
		}
		fresh := len(m.why) == 0
		if ro.serves(m.want, m.main) {
			s.Ready++
		}
		if fresh {
			s.Updated++
		}
		if fresh && ro.available(m.want, m.main) {
			s.Available++
		}
	}
	return s
}

// roll plans the next steps: as many copies are replaced as the strategy allows at once, and what was replaced is removed when all
// of the new ones have proved themselves.
func (ro *rollout) roll(state *RolloutState) {
	if state.Available == state.Total {
		ro.finish(state)
		return
	}
	for _, m := range ro.members {
		if m.surge && !m.busy {
			m.busy = true
			ro.promoteWhenAvailable(m)
		}
	}
	candidates := slices.DeleteFunc(slices.Clone(ro.members), func(m *member) bool { return m.busy || m.main == nil || len(m.why) == 0 })
	if ro.isRecreate() {
		ro.recreateAll(candidates)
		return
	}
	surge, unavailable := ro.budget(state)
	for _, m := range candidates {
		switch {
		case ro.down(m): // it costs nobody anything
			ro.replace(m)
		case surge > 0:
			if ro.surge(m) {
				surge--
			}
		case unavailable > 0:
			if ro.replace(m) {
				unavailable--
			}
		}
	}
}

// budget is how many copies may yet be started beside their old ones, and how many may yet be taken away.
func (ro *rollout) budget(state *RolloutState) (surge, unavailable int) {
	surge, unavailable = ro.limits()
	unavailable -= state.Total - state.Ready
	for _, m := range ro.members {
		if m.surge {
			surge--
		}
		if m.main != nil && len(m.why) == 0 && ro.serves(m.want, m.main) && !ro.available(m.want, m.main) {
			unavailable-- // it may yet end
		}
	}
	return surge, unavailable
}

// limits are the strategy's, in copies. One of the two is at least 1, or nothing would ever be replaced. Where copies can start
// beside their old ones, none is taken away before unless that was asked for.
func (ro *rollout) limits() (surge, unavailable int) {
	n := len(ro.members)
	var asked spec.RollingUpdate
	if s := ro.object.Spec.Strategy; s != nil && s.RollingUpdate != nil {
		asked = *s.RollingUpdate
	}
	quarter := spec.CountOrPercent{Value: 25, Percent: true}
	if ro.inTheWay == "" {
		surge = orQuarter(asked.MaxSurge, quarter).Of(n, true)
	}
	if asked.MaxUnavailable != nil || surge == 0 {
		unavailable = orQuarter(asked.MaxUnavailable, quarter).Of(n, false)
	}
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return surge, unavailable
}

func orQuarter(asked *spec.CountOrPercent, quarter spec.CountOrPercent) spec.CountOrPercent {
	if asked != nil {
		return *asked
	}
	return quarter
}

// finish removes what was replaced, and says that the revision is deployed.
func (ro *rollout) finish(state *RolloutState) {
	for _, m := range ro.members {
		if m.prev != nil && !m.busy {
			ro.remove(ActionRemove, m.prev, "its replacement has proved itself")
		}
		if m.main != nil {
			ro.removeInits(m)
		}
	}
	if state.Phase == RolloutProgressing {
		state.Phase = RolloutComplete
	}
}

func (ro *rollout) isRecreate() bool {
	s := ro.object.Spec.Strategy
	return s != nil && s.Type == spec.StrategyRecreate
}

// strategy says in which order a copy and its replacement stop and start.
func (ro *rollout) strategy() string {
	switch why := ro.inTheWay; {
	case ro.isRecreate():
		return "all old copies stop before the first new one starts"
	case why != "":
		return "each old copy stops before its new one starts: " + why
	}
	if surge, _ := ro.limits(); surge == 0 {
		return "each old copy stops before its new one starts: maxSurge is 0"
	}
	return "each new copy starts before its old one stops"
}

// obstacle finds what is in the way of two containers at once. Only a maxSurge that was asked for has two write to the same files.
func (ro *rollout) obstacle() string {
	s := &ro.object.Spec
	asked := s.Strategy != nil && s.Strategy.RollingUpdate != nil && s.Strategy.RollingUpdate.MaxSurge != nil
	switch {
	case len(hostPorts(s.Ports)) > 0:
		return fmt.Sprintf("port %s of the host is fixed", hostPorts(s.Ports)[0])
	case s.NetworkMode == "host":
		return "it has the host's network, and so its ports"
	case slices.ContainsFunc([]string{s.NetworkMode, s.PidMode, s.IpcMode}, isPeer):
		return "it shares a namespace of another container"
	case slices.ContainsFunc(s.Networks, fixedAddress):
		return "its address is fixed"
	case asked:
		return ""
	}
	for _, m := range ro.members {
		for _, path := range slices.Sorted(maps.Keys(ro.carried(m.want, m.main))) {
			return fmt.Sprintf("the volume at %s is written to", path)
		}
	}
	for _, m := range s.Volumes {
		switch {
		case m.ReadOnly:
		case m.Volume != nil && m.Volume.Name != "":
			return fmt.Sprintf("volume %q is written to", m.Volume.Name)
		case m.HostPath != nil:
			return fmt.Sprintf("%s of the host is written to", m.HostPath.Path)
		}
	}
	return ""
}

func fixedAddress(a spec.NetworkAttachment) bool {
	return a.IPv4Address != "" || a.IPv6Address != "" || a.MACAddress != ""
}

func isPeer(mode string) bool { return strings.HasPrefix(mode, containerMode) }
