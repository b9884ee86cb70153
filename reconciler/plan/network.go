package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"berth.dev/berth/spec"
)

// network plans a Network. A network cannot change: where it must, its containers are taken off, it is made anew, and their own
// passes put them back.
func (p *planner) network(n *spec.Network) {
	have, there := p.seen.Networks[n.DockerName()]
	if n.Spec.External {
		if !there {
			p.block(Block{Reason: ReasonNetworkNotFound, Message: fmt.Sprintf("the engine has no network %q, and the manifest calls it external: make it, or take external away", n.DockerName())})
		}
		return
	}
	rec := networkRecord(&n.Spec)
	create := Op{Verb: CreateNetwork, Target: n.DockerName(), Network: &NetworkCreate{Name: n.DockerName(), Spec: n.Spec, Labels: recordedLabels(n.Key(), rec)}}
	if !there {
		p.act(Action{Kind: ActionCreate, Target: n.DockerName(), Why: []Change{{Note: "it is not there"}}, Ops: []Op{create}})
		return
	}
	owner, ours := OwnedKey(spec.KindNetwork, have.Labels)
	ours = ours && owner == n.Key()
	if !ours && !n.Metadata.Adopts() {
		p.block(Block{Reason: ReasonNameTaken, Message: fmt.Sprintf("network %q exists and is not this object's: set external: true to use it, or the annotation %s: \"true\" to take it as it is", n.DockerName(), spec.AdoptAnnotation)})
		return
	}
	switch why := networkDiff(&n.Spec, rec, have); {
	case len(why) == 0:
	case !ours:
		p.block(Block{Reason: ReasonNetworkImmutable, Message: fmt.Sprintf("the adopted network %q is not as the manifest says (%s), and berth remakes only its own: remove it by hand", n.DockerName(), why[0])})
	default:
		p.remakeNetwork(create, have, why)
	}
}

func recordedLabels(k spec.Key, r record) map[string]string {
	l := ownerLabels(k)
	l[spec.LabelApplied] = r.String()
	return l
}

// remakeNetwork takes containers of ours off a network and makes it anew; the old one is made again where that fails.
func (p *planner) remakeNetwork(create Op, have Network, why []Change) {
	foreign := p.foreignOn(have)
	if len(foreign) > 0 {
		p.block(Block{Reason: ReasonNetworkInUse, Message: fmt.Sprintf("network %q has to be made anew (%s), and containers that are not berth's are on it: %s", have.Name, why[0], strings.Join(foreign, ", "))})
		return
	}
	a := Action{Kind: ActionRecreate, Target: have.Name, Why: why}
	for _, id := range slices.Sorted(maps.Keys(have.Attached)) {
		a.Ops = append(a.Ops, Op{Verb: Disconnect, Target: id, To: have.Name})
	}
	again := &Op{Verb: CreateNetwork, Target: have.Name, Network: &NetworkCreate{Name: have.Name, Spec: have.Spec, Labels: have.Labels}}
	a.Ops = append(a.Ops, Op{Verb: RemoveNetwork, Target: have.ID, Undo: again}, create)
	p.act(a)
}

// foreignOn lists the containers on a network that are not ours, those that do not run too: they could not start without it.
func (p *planner) foreignOn(n Network) []string {
	on := map[string]bool{}
	for _, name := range n.Attached {
		on[name] = true
	}
	for name, s := range p.seen.Names {
		if id, connected := s.Networks[n.Name]; connected && (id == n.ID || id == "") {
			on[name] = true
		}
	}
	maps.DeleteFunc(on, func(name string, _ bool) bool { _, ours := Owner(p.seen.Names[name]); return ours })
	return slices.Sorted(maps.Keys(on))
}

// removeNetwork removes the network of an object that is gone, once no container is on it.
func (p *planner) removeNetwork() {
	for _, name := range slices.Sorted(maps.Keys(p.seen.Networks)) {
		n := p.seen.Networks[name]
		if k, ours := OwnedKey(spec.KindNetwork, n.Labels); !ours || k != p.Key {
			continue
		}
		if on := slices.Compact(slices.Sorted(slices.Values(append(slices.Collect(maps.Values(n.Attached)), p.foreignOn(n)...)))); len(on) > 0 {
			p.block(Block{Reason: ReasonNetworkInUse, Message: fmt.Sprintf("the manifest of network %q is gone, and containers are on it: %s", name, strings.Join(on, ", "))})
			continue
		}
		p.act(Action{Kind: ActionRemove, Target: name, Why: []Change{{Note: "its manifest is gone"}}, Ops: []Op{{Verb: RemoveNetwork, Target: n.ID}}})
	}
}

// networkValues is a network in the canonical form, by field.
func networkValues(s *spec.NetworkSpec) map[string]values {
	v := map[string]values{
		"driver":     {"": orDefault(s.Driver, "bridge")},
		"internal":   one(flag(s.Internal)),
		"attachable": one(flag(s.Attachable)),
		"ipv6":       one(flag(s.IPv6)),
		"options":    values(s.Options),
		"labels":     flatLabels(&spec.ContainerSpec{Labels: s.Labels}),
	}
	if s.IPAM != nil {
		v["ipam.driver"] = one(orDefault(s.IPAM.Driver, "default"))
		v["ipam.options"] = values(s.IPAM.Options)
		v["ipam.pools"] = pools(s.IPAM.Pools)
	}
	return v
}

func one(s string) values {
	if s == "" {
		return nil
	}
	return values{"": s}
}

func orDefault(s, d string) string {
	if s == "" {
		return d
	}
	return s
}

// pools flattens subnets, so that what the engine adds (a gateway) is beside what was asked for, not in it.
func pools(ps []spec.IPAMPool) values {
	v := values{}
	for _, p := range ps {
		v[p.Subnet] = "subnet"
		for name, value := range map[string]string{"range": p.IPRange, "gateway": p.Gateway} {
			if value != "" {
				v[p.Subnet+" "+name] = value
			}
		}
		for host, ip := range p.AuxAddresses {
			v[p.Subnet+" "+host] = ip
		}
	}
	return v
}

func networkRecord(s *spec.NetworkSpec) record {
	r := record{}
	for field, v := range networkValues(s) {
		r.put(field, v)
	}
	return r
}

// networkDiff compares what is recorded of a network with what is wanted. Nobody can change a network, so that only where there
// is no record, or one that differs, the network itself is asked.
func networkDiff(want *spec.NetworkSpec, rec record, have Network) (why []Change) {
	old, recorded := parseRecord(have.Labels[spec.LabelApplied])
	w, h := networkValues(want), networkValues(&have.Spec)
	for _, field := range slices.Sorted(maps.Keys(union(w, h))) {
		if recorded && old[field] == rec[field] {
			continue
		}
		more := recorded && len(h[field]) > len(w[field]) // it was asked for once, and is not any more
		if contains(h[field], w[field]) && !more {
			continue
		}
		why = append(why, Change{Field: field, From: text(h[field]), To: text(w[field])})
	}
	return why
}

func union(a, b map[string]values) map[string]values {
	out := maps.Clone(a)
	for k, v := range b {
		if _, ok := out[k]; !ok {
			out[k] = v
		}
	}
	return out
}

// text prints values on one line.
func text(v values) string {
	if s, ok := v[""]; ok || len(v) == 0 {
		return s
	}
	return toJSON(v)
}
