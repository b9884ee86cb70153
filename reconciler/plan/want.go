package plan

import (
	"cmp"
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

	flat   map[string]values // by path of row
	record record
}

// want resolves one copy of a container. What it refers to and is not there becomes a block.
func (p *planner) want(c *spec.Container, ordinal int) *Want {
	s := c.Spec
	s.Ports = portsOf(s.Ports, ordinal)
	s.Networks = p.networksOf(c)
	s.Volumes = p.volumesOf(c)
	recorded := s // names, not IDs: a peer's new ID is a difference, not a new revision
	for _, mode := range []*string{&s.NetworkMode, &s.PidMode, &s.IpcMode} {
		*mode = p.peerOf(c, *mode)
	}
	w := &Want{Name: spec.ContainerName(c.Key(), ordinal), Ordinal: ordinal, Spec: s, flat: make(map[string]values, len(rows))}
	for _, r := range rows {
		w.flat[r.path] = r.flat(&w.Spec)
	}
	w.record = makeRecord(&recorded)
	w.Revision = w.record.String()
	w.Labels = ownerLabels(c.Key())
	w.Labels[spec.LabelOrdinal] = strconv.Itoa(ordinal)
	w.Labels[spec.LabelApplied] = w.Revision
	return w
}

// portsOf gives a copy the port of its ordinal where one container port is published on a range.
func portsOf(ports []spec.Port, ordinal int) []spec.Port {
	out := slices.Clone(ports)
	for i, p := range out {
		if p.HostPort != nil && p.HostPort.Len() > 1 && p.ContainerPort.Len() == 1 {
			port := p.HostPort.First + uint16(ordinal)
			out[i].HostPort = &spec.PortRange{First: port, Last: port}
		}
	}
	return out
}

// networksOf resolves the networks, in the order of connecting, and adds the names that every container answers to.
func (p *planner) networksOf(c *spec.Container) []spec.NetworkAttachment {
	out := slices.Clone(c.Spec.Networks)
	slices.SortStableFunc(out, func(a, b spec.NetworkAttachment) int { return cmp.Compare(b.Priority, a.Priority) })
	for i := range out {
		a := &out[i]
		names := []string{c.Metadata.Name, c.Metadata.Name + "." + c.Metadata.Namespace}
		a.Aliases = append(names, a.Aliases...)
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
	if _, there := p.seen.Networks[n.DockerName()]; !there {
		p.await(ReasonNetworkNotFound, key, n.Spec.External)
	}
	return n.DockerName()
}

func (p *planner) volumesOf(c *spec.Container) []spec.VolumeMount {
	out := slices.Clone(c.Spec.Volumes)
	for i, m := range out {
		if m.Volume != nil && m.Volume.Name != "" {
			v := *m.Volume
			v.Name = p.volumeName(c.Metadata.Namespace, v.Name)
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
	if _, there := p.seen.Volumes[v.DockerName()]; !there {
		p.await(ReasonVolumeNotFound, key, v.Spec.External)
	}
	return v.DockerName()
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
	peer, there := p.seen.Names[spec.ContainerName(key, 0)]
	if !there || peer.State != StateRunning {
		p.await(ReasonContainerNotFound, key, false)
		return mode
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
	p.obstruct(Block{Reason: ReasonWaiting, For: key, Soon: true, Message: "waits for " + key.String()})
}

// obstruct notes something that stands in the way of every copy of the object.
func (p *planner) obstruct(b Block) {
	p.obstructed = true
	if !slices.Contains(p.Blocks, b) {
		p.block(b)
	}
}
