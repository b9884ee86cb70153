package plan

import (
	"fmt"
	"slices"

	"berth.dev/berth/spec"
)

// initialized reports whether all init containers have run to their end for the revision of a copy, and plans the next step of
// those that have not. Each is a container of its own, so that the agent may come and go meanwhile.
func (ro *rollout) initialized(m *member) bool {
	for _, old := range m.inits {
		if old.Labels[spec.LabelInitFor] != initFor(m.want) {
			ro.remove(ActionRemove, old, "it ran for another revision")
			return false
		}
	}
	for i := range m.want.Spec.InitContainers {
		if !ro.initStep(m, &m.want.Spec.InitContainers[i]) {
			return false
		}
	}
	return true
}

// initFor names what an init container runs for: one replacement.
func initFor(w *Want) string { return hash(values{"": w.attempt}) }

// initStep reports whether one init container has ended well, and plans what is to be done for it.
func (ro *rollout) initStep(m *member, init *spec.InitContainer) bool {
	name := m.want.Name + infixInit + init.Name
	at := slices.IndexFunc(m.inits, func(c *Container) bool { return c.Name == name })
	if at < 0 {
		ro.createInit(m, init, name)
		return false
	}
	switch have := m.inits[at]; have.State {
	case StateExited:
		if have.ExitCode == 0 && have.Error == "" {
			return true
		}
		ro.retryInit(m, have)
	case StateCreated:
		ro.retryInit(m, have)
	default:
		ro.block(Block{Reason: ReasonInitializing, Message: fmt.Sprintf("init container %q is %s", have.Name, have.State)})
	}
	return false
}

func (ro *rollout) createInit(m *member, init *spec.InitContainer, name string) {
	s := initSpec(&m.want.Spec, init)
	if _, present := ro.seen.Images[s.Image]; !present {
		if s.ImagePullPolicy == spec.PullNever {
			ro.block(Block{Reason: ReasonImageNotPresent, Message: fmt.Sprintf("image %q of init container %q is not on the engine's host, and imagePullPolicy is Never: load it, or allow the pull", s.Image, init.Name)})
			return
		}
		ro.act(Action{Kind: ActionPull, Target: s.Image, Why: []Change{{Note: "init container " + init.Name + " needs it"}},
			Ops: []Op{{Verb: PullImage, Target: s.Image, Platform: s.Platform}}})
	}
	labels := ownerLabels(ro.Key)
	labels[spec.LabelOrdinal] = m.want.Labels[spec.LabelOrdinal]
	labels[spec.LabelInit], labels[spec.LabelInitFor] = init.Name, initFor(m.want)
	ro.act(Action{Kind: ActionCreate, Target: name, Why: []Change{{Note: "it runs before " + m.want.Name}}, Revision: m.want.attempt, Ops: []Op{
		{Verb: CreateContainer, Target: name, Container: &Create{Name: name, Spec: s, Labels: labels}},
		{Verb: StartContainer, Target: name}}})
}

// initSpec is an init container as a container: with the networks of the one that it runs for, but without its names and addresses
// there, for nobody is to find it by them.
func initSpec(main *spec.ContainerSpec, init *spec.InitContainer) spec.ContainerSpec {
	s := spec.ContainerSpec{
		Image: init.Image, ImagePullPolicy: main.ImagePullPolicy, Platform: main.Platform,
		Command: init.Command, Args: init.Args, WorkingDir: init.WorkingDir, Env: init.Env, User: init.User, Volumes: init.Volumes,
		Resources: init.Resources, SecurityContext: init.SecurityContext,
		NetworkMode: main.NetworkMode, DNS: main.DNS, DNSSearch: main.DNSSearch, DNSOptions: main.DNSOptions, ExtraHosts: main.ExtraHosts,
		Logging: main.Logging, Runtime: main.Runtime, UsernsMode: main.UsernsMode,
		RestartPolicy: spec.RestartNever, TerminationGracePeriodSeconds: main.TerminationGracePeriodSeconds,
	}
	if s.Image == "" {
		s.Image = main.Image
	}
	if s.Volumes == nil {
		s.Volumes = main.Volumes
	}
	for _, a := range main.Networks {
		s.Networks = append(s.Networks, spec.NetworkAttachment{Name: a.Name, Priority: a.Priority, DriverOptions: a.DriverOptions})
	}
	return s
}

// retryInit plans another run of an init container that has failed, now or when its backoff is over.
func (ro *rollout) retryInit(m *member, have *Container) {
	at := nextStart(ro.seen.Memory.Starts[have.Name], have)
	if !at.After(ro.now) {
		ro.act(Action{Kind: ActionStart, Target: have.Name, Why: []Change{{Note: Ending(have)}}, Ops: []Op{{Verb: StartContainer, Target: have.ID}}})
		return
	}
	ro.block(Block{Reason: ReasonInitFailed, Message: fmt.Sprintf("init container %q %s; next try at %s", have.Name, Ending(have), at.UTC().Format(retryFormat))})
	ro.retryAt(at)
}

// initDefect says why the revision's init containers will not do; empty where they may yet.
func (ro *rollout) initDefect(m *member) string {
	for _, have := range m.inits {
		tries := ro.seen.Memory.Starts[have.Name].Count
		if have.Labels[spec.LabelInitFor] == initFor(m.want) && have.State == StateExited && have.ExitCode != 0 && tries >= crashLimit {
			return fmt.Sprintf("init container %q %s, %d times", have.Name, Ending(have), tries)
		}
	}
	return ""
}

// removeInits removes the init containers of a copy that has proved itself: until then their logs may be wanted.
func (ro *rollout) removeInits(m *member) {
	for _, have := range m.inits {
		ro.remove(ActionRemove, have, "its work is done")
	}
}
