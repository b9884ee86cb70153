package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"berth.dev/berth/spec"
)

// world is a small model of an engine and what is wanted of it: enough to see what a plan's operations lead to. It has the
// engine's way of filling in what was not asked for, its conflicts of names and ports, and no time but now.
type world struct {
	objects    catalog
	engine     Engine
	now        time.Time
	registry   map[string]Image // by reference: what a pull gives
	images     map[string]Image // by reference and ID
	containers []*Container
	networks   map[string]Network
	volumes    map[string]Volume
	memory     Memory
	known      Known
	quick      bool     // init containers end as soon as they have started
	hooks      []string // that were run
	ids        int
	// refuse, where it is not nil, makes an operation fail before it does anything.
	refuse func(Op) error
}

type catalog map[spec.Key]spec.Object

func (c catalog) Get(k spec.Key) (spec.Object, bool) { o, ok := c[k]; return o, ok }

func newWorld() *world {
	return &world{
		objects:  catalog{},
		engine:   able,
		now:      time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC),
		registry: map[string]Image{}, images: map[string]Image{},
		networks: map[string]Network{"bridge": {ID: "b0" + strings.Repeat("0", 62), Name: "bridge"}},
		volumes:  map[string]Volume{},
		memory:   Memory{Starts: map[string]Tries{}, Recreates: map[string]Tries{}},
	}
}

// clone is a copy that changes on its own.
func (w *world) clone() *world {
	c := *w
	c.images, c.registry = maps.Clone(w.images), maps.Clone(w.registry)
	c.networks, c.volumes = maps.Clone(w.networks), maps.Clone(w.volumes)
	c.objects = maps.Clone(w.objects)
	c.containers = nil
	for _, have := range w.containers {
		h := *have
		h.Labels, h.Endpoints, h.Networks = maps.Clone(have.Labels), maps.Clone(have.Endpoints), maps.Clone(have.Networks)
		c.containers = append(c.containers, &h)
	}
	return &c
}

func (w *world) newID(letter string) string {
	w.ids++
	return fmt.Sprintf("%s%03d%s", letter, w.ids, strings.Repeat("0", 60))
}

// addImage makes what a reference points at, present and in the registry.
func (w *world) addImage(ref string, defaults spec.ContainerSpec) {
	img := Image{ID: "sha256:" + w.newID("a"), Defaults: defaults}
	w.registry[ref], w.images[ref], w.images[img.ID] = img, img, img
}

// plan plans a key by what is observed.
func (w *world) plan(key spec.Key) Plan {
	o := w.objects[key] // nil where it is gone
	return Make(key, o, w.objects, w.observe(key), w.now)
}

func (w *world) observe(key spec.Key) Observed {
	o := Observed{Engine: w.engine, Names: map[string]Summary{}, Peers: map[string]time.Time{}, Networks: map[string]Network{}, Volumes: w.volumes, Images: w.images, Memory: w.memory, Known: w.known}
	for _, c := range w.containers {
		listed := c.Summary
		if c.State == StateRunning {
			listed.Published = hostPorts(c.Spec.Ports)
		}
		o.Names[c.Name], o.Peers[c.Name] = listed, c.StartedAt
		labelled, _ := KeyOf(c.Summary)
		named, _ := KeyOfName(c.Name)
		if labelled == key || named == key {
			o.Containers = append(o.Containers, *c)
		}
	}
	for name, n := range w.networks {
		n.Attached = map[string]string{}
		for _, c := range w.containers {
			if e, on := c.Endpoints[name]; on && e.NetworkID == n.ID && c.State == StateRunning {
				n.Attached[c.ID] = c.Name
			}
		}
		o.Networks[name] = n
	}
	return o
}

func (w *world) find(nameOrID string) *Container {
	for _, c := range w.containers {
		if c.Name == nameOrID || c.ID == nameOrID {
			return c
		}
	}
	return nil
}

// do does one operation.
func (w *world) do(op Op) error {
	if w.refuse != nil {
		if err := w.refuse(op); err != nil {
			return err
		}
	}
	switch op.Verb {
	case PullImage:
		return w.pull(op.Target)
	case CreateNetwork:
		return w.createNetwork(*op.Network)
	case RemoveNetwork:
		return w.removeNetwork(op.Target)
	case CreateVolume:
		w.volumes[op.Target] = Volume{Name: op.Target, Labels: op.Volume.Labels, Spec: op.Volume.Spec}
		return nil
	case RemoveVolume:
		delete(w.volumes, op.Target)
		return nil
	case CreateContainer:
		return w.create(*op.Container)
	case RunHook:
		w.hooks = append(w.hooks, op.String())
		return nil
	}
	c := w.find(op.Target)
	if c == nil {
		if op.Verb == RemoveContainer {
			return nil
		}
		return fmt.Errorf("no container %s", op.Target)
	}
	return w.change(c, op)
}

func (w *world) change(c *Container, op Op) error {
	switch op.Verb {
	case RemoveContainer:
		w.containers = slices.DeleteFunc(w.containers, func(o *Container) bool { return o == c })
	case StartContainer:
		return w.start(c)
	case StopContainer:
		if c.State == StateRunning || c.State == StatePaused || c.State == StateRestarting {
			c.State, c.ExitCode, c.FinishedAt = StateExited, 143, w.now
		}
	case UnpauseContainer:
		if c.State != StatePaused {
			return fmt.Errorf("%s is not paused", c.Name)
		}
		c.State = StateRunning
	case RenameContainer:
		if other := w.find(op.To); other != nil {
			return fmt.Errorf("name %s is taken", op.To)
		}
		c.Name = op.To
	case UpdateContainer:
		updated(&c.Spec, *op.Update)
	case Connect:
		return w.connect(c, *op.Endpoint, op.To)
	case Disconnect:
		if _, on := c.Endpoints[op.To]; !on {
			return fmt.Errorf("%s is not on %s", c.Name, op.To)
		}
		delete(c.Endpoints, op.To)
		delete(c.Networks, op.To)
	default:
		panic("no verb " + op.Verb)
	}
	return nil
}

func (w *world) start(c *Container) error {
	if c.State == StateRunning {
		return nil
	}
	if c.State == StatePaused || c.State == StateDead || c.State == StateRemoving {
		return fmt.Errorf("%s is %s", c.Name, c.State)
	}
	for name, e := range c.Endpoints {
		if n, there := w.networks[name]; !there || n.ID != e.NetworkID {
			return fmt.Errorf("network %s is not there", e.NetworkID)
		}
	}
	for _, other := range w.containers {
		if other.State == StateRunning && samePort(c, other) {
			c.Error, c.ExitCode = "port is already allocated", 128
			return fmt.Errorf("%s: port is already allocated by %s", c.Name, other.Name)
		}
	}
	c.State, c.StartedAt, c.Error, c.ExitCode = StateRunning, w.now, "", 0
	if w.quick && c.Labels[spec.LabelInit] != "" {
		c.State, c.FinishedAt = StateExited, w.now
	}
	return nil
}

func samePort(a, b *Container) bool {
	return slices.ContainsFunc(a.Spec.Ports, func(p spec.Port) bool {
		return p.HostPort != nil && slices.ContainsFunc(b.Spec.Ports, func(o spec.Port) bool { return o.HostPort != nil && *p.HostPort == *o.HostPort })
	})
}

func (w *world) connect(c *Container, a spec.NetworkAttachment, network string) error {
	n, there := w.networks[network]
	if _, on := c.Endpoints[network]; on || !there {
		return fmt.Errorf("%s cannot join %s: joined %v, there %v", c.Name, network, on, there)
	}
	a.Name, a.Priority = network, 0
	if a.MACAddress == "" {
		a.MACAddress = "02:42:00:00:00:01"
	}
	a.Aliases = slices.DeleteFunc(slices.Clone(a.Aliases), func(s string) bool { return s == c.Name })
	c.Endpoints[network] = Endpoint{NetworkID: n.ID, NetworkAttachment: a}
	c.Networks[network] = n.ID
	return nil
}

func (w *world) pull(ref string) error {
	img, ok := w.registry[ref]
	if !ok {
		return fmt.Errorf("no image %s", ref)
	}
	w.images[ref], w.images[img.ID] = img, img
	return nil
}

func (w *world) createNetwork(n NetworkCreate) error {
	if _, there := w.networks[n.Name]; there {
		return fmt.Errorf("network %s exists", n.Name)
	}
	have := n.Spec
	have.Driver = orDefault(have.Driver, "bridge")
	if have.IPAM == nil {
		have.IPAM = &spec.IPAM{Pools: []spec.IPAMPool{{Subnet: "172.18.0.0/16"}}}
	}
	ipam := *have.IPAM
	ipam.Driver, ipam.Pools = orDefault(ipam.Driver, "default"), slices.Clone(ipam.Pools)
	for i := range ipam.Pools {
		ipam.Pools[i].Gateway = orDefault(ipam.Pools[i].Gateway, "172.18.0.1")
	}
	have.IPAM = &ipam
	labels := maps.Clone(n.Labels)
	maps.Copy(labels, n.Spec.Labels)
	w.networks[n.Name] = Network{ID: w.newID("e"), Name: n.Name, Labels: labels, Spec: have}
	return nil
}

func (w *world) removeNetwork(id string) error {
	for name, n := range w.networks {
		if n.ID != id && name != id {
			continue
		}
		for _, c := range w.containers {
			if e, on := c.Endpoints[name]; on && e.NetworkID == n.ID && c.State == StateRunning {
				return fmt.Errorf("network %s is in use by %s", name, c.Name)
			}
		}
		delete(w.networks, name)
	}
	return nil
}

// create makes a container as the engine does, and shows it as inspect would.
func (w *world) create(c Create) error {
	img, present := w.images[c.Spec.Image]
	switch {
	case !present:
		return fmt.Errorf("no image %s", c.Spec.Image)
	case w.find(c.Name) != nil:
		return fmt.Errorf("name %s is taken", c.Name)
	}
	id := w.newID("c")
	have := &Container{
		Summary:   Summary{ID: id, Name: c.Name, Image: c.Spec.Image, ImageID: img.ID, State: StateCreated, Networks: map[string]string{}},
		CreatedAt: w.now, Spec: lifted(c.Spec, img.Defaults, id), Endpoints: map[string]Endpoint{},
	}
	have.Labels = have.Spec.Labels
	maps.Copy(have.Labels, c.Labels)
	have.Labels[spec.LabelImage] = img.ID
	w.mount(have, c, img)
	networks := c.Spec.Networks
	if c.Spec.NetworkMode == "bridge" {
		networks = []spec.NetworkAttachment{{Name: "bridge"}}
	}
	for _, n := range networks {
		if err := w.connect(have, n, n.Name); err != nil {
			return err
		}
	}
	w.containers = append(w.containers, have)
	return nil
}

// mount makes the anonymous volumes that the container does not take over.
func (w *world) mount(have *Container, c Create, img Image) {
	have.Anonymous = maps.Clone(c.Anonymous)
	if have.Anonymous == nil {
		have.Anonymous = map[string]string{}
	}
	have.Spec.Volumes = nil
	for _, m := range append(slices.Clone(c.Spec.Volumes), img.Defaults.Volumes...) {
		switch {
		case mountAt(have.Spec.Volumes, m.MountPath) != nil || have.Anonymous[m.MountPath] != "":
		case m.Volume != nil && m.Volume.Name == "":
			have.Anonymous[m.MountPath] = w.newID("f")
		default:
			m.Name = ""
			have.Spec.Volumes = append(have.Spec.Volumes, m)
		}
	}
	for path := range have.Anonymous {
		have.Spec.Volumes = append(have.Spec.Volumes, spec.VolumeMount{MountPath: path, Volume: &spec.VolumeSource{}})
	}
}

// lifted is what inspect shows of what was asked for: merged with the image, without what only the agent uses, and with what
// the engine fills in.
func lifted(s, image spec.ContainerSpec, id string) spec.ContainerSpec {
	s.EngineOnly()
	s.Platform, s.Networks = "", nil
	if len(s.Command) == 0 {
		if s.Command = image.Command; len(s.Args) == 0 {
			s.Args = image.Args
		}
	}
	s.WorkingDir, s.User, s.StopSignal = orDefault(s.WorkingDir, image.WorkingDir), orDefault(s.User, image.User), orDefault(s.StopSignal, image.StopSignal)
	s.Hostname = orDefault(s.Hostname, id[:12])
	env := flatEnv(&image)
	maps.Copy(env, flatEnv(&s))
	s.Env = nil
	for _, name := range slices.Sorted(maps.Keys(env)) {
		s.Env = append(s.Env, spec.EnvVar{Name: name, Value: env[name]})
	}
	labels := map[string]string{}
	maps.Copy(labels, image.Labels)
	maps.Copy(labels, s.Labels)
	s.Labels = labels
	s.Ports = liftedPorts(append(slices.Clone(s.Ports), image.Ports...))
	s.Healthcheck = liftedHealthcheck(s.Healthcheck, image.Healthcheck)
	liftedHost(&s)
	return s
}

// liftedPorts gives one entry a port. A port that is published is not reported as exposed as well.
func liftedPorts(ports []spec.Port) (out []spec.Port) {
	published := map[string]bool{}
	for _, p := range ports {
		for i := range p.ContainerPort.Len() {
			first := p.ContainerPort.First + uint16(i)
			one := spec.Port{ContainerPort: spec.PortRange{First: first, Last: first}, HostIP: p.HostIP, Protocol: p.Protocol}
			if p.HostPort != nil {
				host := uint16(hostPort(*p.HostPort, i))
				one.HostPort = &spec.PortRange{First: host, Last: host}
			}
			key := fmt.Sprint(first, strings.ToUpper(string(p.Protocol)))
			if p.HostPort == nil && published[key] {
				continue
			}
			published[key] = true
			out = append(out, one)
		}
	}
	return out
}

func liftedHealthcheck(own, image *spec.Healthcheck) *spec.Healthcheck {
	switch {
	case own == nil:
		return image
	case image == nil:
		return own
	}
	h := *own
	if len(h.Command) == 0 && h.Shell == "" && !h.Disable {
		h.Command, h.Shell, h.Disable = image.Command, image.Shell, image.Disable
	}
	for _, d := range []struct{ own, image *spec.Duration }{{&h.Interval, &image.Interval}, {&h.Timeout, &image.Timeout}, {&h.StartPeriod, &image.StartPeriod}, {&h.StartInterval, &image.StartInterval}} {
		if *d.own == 0 {
			*d.own = *d.image
		}
	}
	if h.Retries == 0 {
		h.Retries = image.Retries
	}
	return &h
}

// liftedHost has the daemon's defaults.
func liftedHost(s *spec.ContainerSpec) {
	r := &s.Resources
	r.CPUShares, r.Requests.CPU = Shares(*r), nil
	if r.Limits.Memory != nil && r.Limits.Swap == nil {
		r.Limits.Swap = r.Limits.Memory
	}
	if r.Limits.Pids != nil && *r.Limits.Pids <= 0 {
		r.Limits.Pids = nil
	}
	if r.ShmSize == nil {
		r.ShmSize = resource.NewQuantity(64<<20, resource.BinarySI)
	}
	if r.OOMScoreAdj == nil {
		r.OOMScoreAdj = new(0)
	}
	if r.OOMKillDisable == nil {
		r.OOMKillDisable = new(false)
	}
	if s.Logging == nil {
		s.Logging = &spec.Logging{Driver: "json-file", Options: map[string]string{}}
	}
	if s.SecurityContext.MaskedPaths == nil {
		s.SecurityContext.MaskedPaths = &[]string{"/proc/kcore"}
	}
	if s.SecurityContext.ReadonlyPaths == nil {
		s.SecurityContext.ReadonlyPaths = &[]string{"/proc/bus"}
	}
	s.IpcMode, s.CgroupnsMode, s.Runtime = orDefault(s.IpcMode, "private"), orDefault(s.CgroupnsMode, "host"), orDefault(s.Runtime, "runc")
}

// updated changes what an update changes; zero leaves a value alone, as the engine does.
func updated(s *spec.ContainerSpec, u Update) {
	r := &s.Resources
	setAny(&r.CPUShares, u.CPUShares)
	setAny(&r.CPUSetCPUs, u.CPUSetCPUs)
	setAny(&r.CPUSetMems, u.CPUSetMems)
	setAny(&r.CPURealtimePeriod, u.CPURealtimePeriod)
	setAny(&r.CPURealtimeRuntime, u.CPURealtimeRuntime)
	setAny(&r.Blkio.Weight, u.BlkioWeight)
	setAny(&s.RestartPolicy, u.RestartPolicy)
	if u.RestartPolicy != nil {
		s.MaximumRetryCount = u.MaximumRetryCount
	}
	if u.NanoCPUs != nil && *u.NanoCPUs != 0 {
		r.Limits.CPU = resource.NewScaledQuantity(*u.NanoCPUs, resource.Nano)
	}
	if u.Memory != nil && *u.Memory != 0 {
		r.Limits.Memory = resource.NewQuantity(*u.Memory, resource.BinarySI)
	}
	if u.MemorySwap != nil && *u.MemorySwap > 0 {
		r.Limits.Swap = resource.NewQuantity(*u.MemorySwap-*u.Memory, resource.BinarySI)
	}
	if u.MemoryReservation != nil && *u.MemoryReservation != 0 {
		r.Requests.Memory = resource.NewQuantity(*u.MemoryReservation, resource.BinarySI)
	}
	if u.Pids != nil {
		if r.Limits.Pids = u.Pids; *u.Pids <= 0 {
			r.Limits.Pids = nil
		}
	}
}

func setAny[T comparable](field, value *T) {
	var zero T
	if value != nil && *value != zero {
		*field = *value
	}
}

// keys lists what is wanted and what is there, networks and volumes first, as their dependents need them.
func (w *world) keys() []spec.Key {
	keys := maps.Clone(map[spec.Key]bool{})
	for k := range w.objects {
		keys[k] = true
	}
	for _, c := range w.containers {
		if id, ours := Owner(c.Summary); ours {
			keys[id.Key] = true
		}
	}
	for _, n := range w.networks {
		if k, ours := OwnedKey(spec.KindNetwork, n.Labels); ours {
			keys[k] = true
		}
	}
	rank := map[spec.Kind]int{spec.KindContainer: 1}
	return slices.SortedFunc(maps.Keys(keys), func(a, b spec.Key) int {
		if d := rank[a.Kind] - rank[b.Kind]; d != 0 {
			return d
		}
		return a.Compare(b)
	})
}

// apply does one action, as package apply does: what fails is undone.
func (w *world) apply(a Action) error {
	for i, op := range a.Ops {
		err := w.do(op)
		if err == nil {
			continue
		}
		for j := i; j >= 0; j-- {
			if undo := a.Ops[j].Undo; undo != nil && (j < i || op.Verb == StopContainer) {
				if e := w.do(*undo); e != nil && j < i {
					err = fmt.Errorf("%w; cannot put back: %w", err, e)
				}
			}
		}
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// settle makes passes over all keys until nothing is left to do.
func (w *world) settle() error {
	const enough = 30
	for range enough {
		done := true
		for _, k := range w.keys() {
			w.note(k)
			for _, a := range w.plan(k).Now().Actions {
				done = false
				if err := w.apply(a); err != nil {
					return err
				}
			}
		}
		if done && !w.skip() {
			return nil
		}
	}
	return fmt.Errorf("still something to do after %d passes", enough)
}

// skip lets the time go by that a rollout waits for, and reports whether one does.
func (w *world) skip() bool {
	for _, k := range w.keys() {
		if p := w.plan(k); p.Rollout != nil && p.Rollout.Phase == RolloutProgressing && p.RetryAt.After(w.now) {
			w.now = p.RetryAt
			return true
		}
	}
	return false
}
