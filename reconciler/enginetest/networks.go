package enginetest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// network is a network; plan.Network without Attached, which is worked out.
type network struct {
	plan.Network
	predefined bool
	chosen     bool // the engine chose the subnet: no address in it can be asked for
	order      int  // networks are listed in the order of their making
}

func (e *Engine) addPredefinedNetworks() {
	for name, driver := range map[string]string{"bridge": "bridge", "host": "host", "none": "null"} {
		n := &network{Network: plan.Network{ID: digest(name), Name: name, Labels: map[string]string{}}, predefined: true, chosen: true}
		n.Spec = spec.NetworkSpec{NetworkName: name, Driver: driver, IPAM: &spec.IPAM{Driver: "default"}}
		if driver == "bridge" {
			n.Spec.IPAM.Pools = []spec.IPAMPool{{Subnet: "172.17.0.0/16", Gateway: "172.17.0.1"}}
		}
		e.networks[n.ID] = n
	}
}

// network finds a network by name or ID; nil where there is none.
func (e *Engine) network(ref string) *network {
	if n, ok := e.networks[ref]; ok {
		return n
	}
	for _, n := range e.networks {
		if n.Name == ref {
			return n
		}
	}
	return nil
}

// Networks implements reconciler.Observer.
func (e *Engine) Networks(ctx context.Context) ([]plan.Network, error) {
	return do(ctx, e, Call{Method: "Networks"}, func() ([]plan.Network, error) {
		all := slices.SortedFunc(maps.Values(e.networks), func(a, b *network) int {
			return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.Name, b.Name))
		})
		out := make([]plan.Network, len(all))
		for i, n := range all {
			out[i] = clone(n.Network)
		}
		return out, nil
	})
}

// InspectNetwork implements reconciler.Observer.
func (e *Engine) InspectNetwork(ctx context.Context, ref string) (plan.Network, error) {
	return do(ctx, e, Call{Method: "InspectNetwork", Target: ref}, func() (plan.Network, error) {
		n := e.network(ref)
		if n == nil {
			return plan.Network{}, fault.New(fault.RuntimeNetwork, fault.NotFound, "cannot inspect network %q: network %s not found", ref, ref)
		}
		out := clone(n.Network)
		out.Attached = e.attached(n)
		return out, nil
	})
}

// attached maps the IDs of the running containers on a network to their names.
func (e *Engine) attached(n *network) map[string]string {
	out := map[string]string{}
	for _, c := range e.containers {
		if ep := c.endpoint(n); c.alive() && ep != nil {
			out[c.id] = c.name
		}
	}
	return out
}

// CreateNetwork implements apply.Networks.
func (e *Engine) CreateNetwork(ctx context.Context, p plan.NetworkCreate) (string, error) {
	return do(ctx, e, Call{Method: "CreateNetwork", Target: p.Name}, func() (string, error) {
		n, err := e.createNetwork(p)
		if err != nil {
			return "", refused(err, "cannot create network %q", p.Name)
		}
		return n.ID, nil
	})
}

func (e *Engine) createNetwork(p plan.NetworkCreate) (*network, error) {
	if e.network(p.Name) != nil {
		return nil, fault.New(fault.RuntimeNetwork, fault.Conflict, "network with name %s already exists", p.Name)
	}
	n := &network{Network: plan.Network{Name: p.Name, Labels: merged(p.Spec.Labels, p.Labels), Spec: clone(p.Spec)}}
	s := &n.Spec
	s.NetworkName, s.Labels, s.External = p.Name, n.Labels, false
	s.Driver = cmp.Or(s.Driver, "bridge")
	if !slices.Contains(e.info.NetworkDrivers, s.Driver) {
		return nil, fault.New(fault.RuntimeNetwork, fault.Terminal, "plugin %q not found", s.Driver)
	}
	if err := e.addressPools(n); err != nil {
		return nil, err
	}
	n.ID = e.newID("network")
	n.order = e.made
	e.networks[n.ID] = n
	e.tellNetwork(n, "create", "")
	return n, nil
}

// addressPools gives a network that asks for no subnet the next free one.
func (e *Engine) addressPools(n *network) error {
	ipam := cmp.Or(n.Spec.IPAM, &spec.IPAM{})
	ipam.Driver = cmp.Or(ipam.Driver, "default")
	n.Spec.IPAM = ipam
	for _, p := range ipam.Pools {
		if !e.poolIsFree(p.Subnet) {
			return fault.New(fault.ResourceAllocation, fault.Conflict, "Pool overlaps with other one on this address space")
		}
	}
	n.chosen = len(ipam.Pools) == 0
	if !n.chosen {
		return nil
	}
	for i := 18; i < 32; i++ { // Docker's own default pools, as far as they are of this form
		subnet := fmt.Sprintf("172.%d.0.0/16", i)
		if e.poolIsFree(subnet) {
			ipam.Pools = []spec.IPAMPool{{Subnet: subnet, Gateway: fmt.Sprintf("172.%d.0.1", i)}}
			return nil
		}
	}
	return fault.New(fault.ResourceAllocation, fault.Retry, "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network")
}

func (e *Engine) poolIsFree(subnet string) bool {
	want, err := netip.ParsePrefix(subnet)
	if err != nil {
		return false
	}
	for _, n := range e.networks {
		for _, p := range n.Spec.IPAM.Pools {
			if have, err := netip.ParsePrefix(p.Subnet); err == nil && have.Overlaps(want) {
				return false
			}
		}
	}
	return true
}

// RemoveNetwork implements apply.Networks.
func (e *Engine) RemoveNetwork(ctx context.Context, ref string) error {
	return run(ctx, e, Call{Method: "RemoveNetwork", Target: ref}, func() error {
		if err := e.removeNetwork(ref); err != nil {
			return refused(err, "cannot remove network %q", ref)
		}
		return nil
	})
}

func (e *Engine) removeNetwork(ref string) error {
	n := e.network(ref)
	switch {
	case n == nil:
		return nil
	case n.predefined:
		return fault.New(fault.RuntimeNetwork, fault.Terminal, "%s is a pre-defined network and cannot be removed", n.Name)
	case len(e.attached(n)) > 0:
		return fault.New(fault.ResourceUsage, fault.Conflict, "error while removing network: network %s id %s has active endpoints", n.Name, n.ID)
	}
	delete(e.networks, n.ID)
	e.tellNetwork(n, "destroy", "")
	return nil
}
