package plan

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"berth.dev/berth/spec"
)

// Want is one copy of a Container as it should be, in the engine's terms: references to objects are Docker names.
type Want struct {
	Name    string
	Ordinal int
	Spec    spec.ContainerSpec
	Labels  map[string]string // berth's own, without the image's
	// Revision is the record of what was set; two wants of the same revision differ at most in what changes in place.
	Revision string

	// attempt tells tries at the same from tries at something else: the revision, and the containers whose namespaces are shared.
	attempt string
	flat    []values // by index of row
	record  record
}

// values gives a row's values.
func (w *Want) values(path string) values { return w.flat[rowIndex[path]] }

// resolved is a Container with its references resolved: what its copies have in common.
type resolved struct {
	key spec.Key
	Want
	recorded spec.ContainerSpec // with names, not IDs: a peer's new ID is a difference, not a new revision
	peers    string
}

// resolve resolves what a container refers to. What is not there becomes a block.
func (p *planner) resolve(c *spec.Container) *resolved {
	s := c.Spec
	s.Networks = p.networksOf(c)
	s.Volumes = p.volumesOf(c.Metadata.Namespace, c.Spec.Volumes)
	s.InitContainers = slices.Clone(s.InitContainers)
	for i, init := range s.InitContainers {
		s.InitContainers[i].Volumes = p.volumesOf(c.Metadata.Namespace, init.Volumes)
	}
	r := &resolved{key: c.Key(), recorded: s}
	for _, mode := range []*string{&s.NetworkMode, &s.PidMode, &s.IpcMode} {
		name := *mode
		if *mode = p.peerOf(c, name); *mode != name {
			r.peers += " " + *mode
		}
	}
	r.Spec = s
	r.flatten()
	return r
}

// flatten brings all rows into the canonical form, and records them.
func (r *resolved) flatten() {
	r.flat, r.record = make([]values, len(rows)), make(record, len(rows)/4)
	for i := range rows {
		row := &rows[i]
		r.flat[i] = row.flat(&r.Spec)
		switch {
		case row.stale:
			r.record.put(row.path, row.flat(&r.recorded))
		case row.class == recreate:
			r.record.put(row.path, r.flat[i])
		}
	}
	r.revise()
}

func (r *resolved) revise() {
	r.Revision = r.record.String()
	r.attempt = r.Revision + r.peers
}

// want is one copy. All are the same but for their names and, where they take ports by their ordinals, those.
func (r *resolved) want(ordinal int) *Want {
	if slices.ContainsFunc(r.Spec.Ports, byOrdinal) {
		own := *r
		own.Spec.Ports = portsOf(r.Spec.Ports, ordinal)
		own.flat, own.record = slices.Clone(r.flat), maps.Clone(r.record)
		ports := flatPorts(&own.Spec)
		own.flat[rowIndex["ports"]] = ports
		own.record.put("ports", ports)
		own.revise()
		r = &own
	}
	w := r.Want
	w.Name, w.Ordinal = spec.ContainerName(r.key, ordinal), ordinal
	w.Labels = ownerLabels(r.key)
	w.Labels[spec.LabelOrdinal] = strconv.Itoa(ordinal)
	w.Labels[spec.LabelApplied] = w.Revision
	for label, value := range map[string]string{spec.LabelPreStop: preStopLabel(&w.Spec), spec.LabelDependsOn: dependsOnLabel(w.Spec.DependsOn, r.key.Namespace)} {
		if value != "" {
			w.Labels[label] = value
		}
	}
	return &w
}

// byOrdinal reports whether a port is one of a range of host ports, a port for each copy.
func byOrdinal(p spec.Port) bool {
	return p.HostPort != nil && p.HostPort.Len() > 1 && p.ContainerPort.Len() == 1
}

// portsOf gives a copy the port of its ordinal where one container port is published on a range.
func portsOf(ports []spec.Port, ordinal int) []spec.Port {
	out := slices.Clone(ports)
	for i, p := range out {
		if byOrdinal(p) {
			port := p.HostPort.First + uint16(ordinal)
			out[i].HostPort = &spec.PortRange{First: port, Last: port}
		}
	}
	return out
}

// networksOf resolves the networks, in the order of connecting, and adds the names that every container of a service answers to.
func (p *planner) networksOf(c *spec.Container) []spec.NetworkAttachment {
	out := slices.Clone(c.Spec.Networks)
	slices.SortStableFunc(out, func(a, b spec.NetworkAttachment) int { return cmp.Compare(b.Priority, a.Priority) })
	for i := range out {
		a := &out[i]
		if p.Key.Kind == spec.KindContainer { // nobody calls a job
			a.Aliases = append([]string{c.Metadata.Name, c.Metadata.Name + "." + c.Metadata.Namespace}, a.Aliases...)
		}
		a.Name = p.networkName(c.Metadata.Namespace, a.Name)
	}
	return out
}

func (p *planner) networkName(namespace, name string) string {
	key := spec.Key{Kind: spec.KindNetwork, Namespace: namespace, Name: name}
	o, ok := p.catalog.Get(key)
	if !ok {
		p.missing(ReasonNetworkNotFound, key)
		return name
	}
	n := o.(*spec.Network)
	have, there := p.seen.Networks[n.DockerName()]
	if !there {
		p.await(ReasonNetworkNotFound, key, n.Spec.External)
	} else if !n.Spec.External {
		p.mustOwn(o, have.Labels)
		p.awaitRemake(n, have)
	}
	return n.DockerName()
}

// awaitRemake has a container wait for a network that is about to be made anew: one that joined it now would be in the way.
func (p *planner) awaitRemake(n *spec.Network, have Network) {
	_, ours := OwnedKey(spec.KindNetwork, have.Labels)
	if ours && len(networkDiff(&n.Spec, networkRecord(&n.Spec), have)) > 0 && len(p.foreignOn(have)) == 0 {
		p.await(ReasonNetworkNotFound, n.Key(), false)
	}
}

func (p *planner) volumesOf(namespace string, mounts []spec.VolumeMount) []spec.VolumeMount {
	out := slices.Clone(mounts)
	for i, m := range out {
		if m.Volume != nil && m.Volume.Name != "" {
			v := *m.Volume
			v.Name = p.volumeName(namespace, v.Name)
			out[i].Volume = &v
		}
	}
	return out
}

func (p *planner) volumeName(namespace, name string) string {
	key := spec.Key{Kind: spec.KindVolume, Namespace: namespace, Name: name}
	o, ok := p.catalog.Get(key)
	if !ok {
		p.missing(ReasonVolumeNotFound, key)
		return name
	}
	v := o.(*spec.Volume)
	have, there := p.seen.Volumes[v.DockerName()]
	if !there {
		p.await(ReasonVolumeNotFound, key, v.Spec.External)
	} else if !v.Spec.External {
		p.mustOwn(o, have.Labels)
	}
	return v.DockerName()
}

// mustOwn keeps a container off a network or volume that has the object's name and is somebody else's: its data above all.
func (p *planner) mustOwn(o spec.Object, labels map[string]string) {
	if owner, ours := OwnedKey(o.Key().Kind, labels); !o.Meta().Adopts() && (!ours || owner != o.Key()) {
		p.obstruct(Block{Reason: ReasonNameTaken, For: o.Key(), Message: "something that is not berth's has the name of " + o.Key().String()})
	}
}

const containerMode = "container:"

// peerOf resolves a mode that refers to another object to the ID of that object's first container.
func (p *planner) peerOf(c *spec.Container, mode string) string {
	key, ok := spec.PeerKey(mode, c.Metadata.Namespace)
	if !ok {
		return mode
	}
	if _, ok := p.catalog.Get(key); !ok {
		p.missing(ReasonContainerNotFound, key)
		return mode
	}
	peer := p.seen.Names[spec.ContainerName(key, 0)]
	if id, ours := proven(peer); !ours || id.Key != key || peer.State != StateRunning {
		p.await(ReasonContainerNotFound, key, false)
		p.peerless = true
		return mode
	}
	if at := p.seen.Peers[peer.Name]; at.After(p.peersAt) {
		p.peersAt = at
	}
	return containerMode + peer.ID
}

func (p *planner) missing(reason Reason, key spec.Key) {
	p.obstruct(Block{Reason: reason, For: key, Message: "there is no " + key.String() + ": add a manifest for it, or correct the name"})
}

func (p *planner) await(reason Reason, key spec.Key, external bool) {
	if external {
		p.obstruct(Block{Reason: reason, For: key, Message: key.String() + " is external, and the engine has none of its name: make it, or take external away"})
		return
	}
	if !slices.Contains(p.After, key) {
		p.After = append(p.After, key)
	}
}

// obstruct notes something that stands in the way of every copy of the object.
func (p *planner) obstruct(b Block) {
	p.obstructed = true
	p.block(b)
}
