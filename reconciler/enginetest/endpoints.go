package enginetest

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// endpoint is a container's connection to a network. Its network's ID is empty until the container first starts on it, and stays
// when the network goes.
type endpoint struct {
	spec.NetworkAttachment
	NetworkID string
	address   string // given out while the container runs
}

func newEndpoint(network string, a spec.NetworkAttachment) *endpoint {
	a = clone(a)
	a.Name, a.Priority = network, 0
	return &endpoint{NetworkAttachment: a}
}

// report gives a MAC address also where the engine chose it, and never the aliases that are the container's own.
func (ep *endpoint) report(c *container) plan.Endpoint {
	out := plan.Endpoint{NetworkID: ep.NetworkID, NetworkAttachment: clone(ep.NetworkAttachment), Address: ep.address}
	out.Aliases = nil
	for _, a := range ep.Aliases {
		if a != c.name && a != c.id[:12] && !slices.Contains(out.Aliases, a) {
			out.Aliases = append(out.Aliases, a)
		}
	}
	if addr, err := netip.ParseAddr(ep.address); err == nil && out.MACAddress == "" && addr.Is4() {
		b := addr.As4()
		out.MACAddress = fmt.Sprintf("02:42:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3])
	}
	return out
}

// endpoint is the container's connection to a network; nil where there is none.
func (c *container) endpoint(n *network) *endpoint {
	for _, ep := range c.endpoints {
		if ep.NetworkID == n.ID || ep.NetworkID == "" && ep.Name == n.Name {
			return ep
		}
	}
	return nil
}

func (c *container) dropEndpoint(gone *endpoint) {
	c.endpoints = slices.DeleteFunc(c.endpoints, func(ep *endpoint) bool { return ep == gone })
}

// joinNetworks connects a container that is being started.
func (e *Engine) joinNetworks(c *container) error {
	for i, ep := range c.endpoints {
		n, err := e.networkOf(ep)
		if err == nil {
			err = e.join(ep, n)
		}
		if err != nil {
			for _, joined := range c.endpoints[:i] {
				joined.address = ""
				e.tellNetwork(e.networks[joined.NetworkID], "disconnect", c.id)
			}
			return err
		}
		e.tellNetwork(n, "connect", c.id)
	}
	return nil
}

// networkOf finds the network by its ID, once there was one: another one of the same name is not the same.
func (e *Engine) networkOf(ep *endpoint) (*network, error) {
	ref := ep.NetworkID
	if ref == "" {
		ref = ep.Name
	}
	if n := e.network(ref); n != nil {
		return n, nil
	}
	return nil, fault.New(fault.RuntimeNetwork, fault.NotFound, "network %s not found", ref)
}

// join gives an endpoint its address.
func (e *Engine) join(ep *endpoint, n *network) error {
	if n.chosen && ep.IPv4Address+ep.IPv6Address != "" {
		return errNoSubnet
	}
	address := ep.IPv4Address
	if address == "" {
		address = e.freeAddress(n)
	} else if e.addressInUse(n, address) {
		return fault.New(fault.ResourceAllocation, fault.Conflict, "Address already in use")
	}
	ep.NetworkID, ep.address = n.ID, address
	return nil
}

func (e *Engine) addressInUse(n *network, address string) bool {
	for _, c := range e.containers {
		if ep := c.endpoint(n); ep != nil && ep.address == address {
			return true
		}
	}
	return slices.ContainsFunc(n.Spec.IPAM.Pools, func(p spec.IPAMPool) bool { return p.Gateway == address })
}

// freeAddress is the lowest that nobody has; empty on a network that has no addresses.
func (e *Engine) freeAddress(n *network) string {
	if len(n.Spec.IPAM.Pools) == 0 {
		return ""
	}
	subnet, err := netip.ParsePrefix(n.Spec.IPAM.Pools[0].Subnet)
	if err != nil {
		return ""
	}
	address := subnet.Masked().Addr().Next().Next() // the first is the gateway's
	for subnet.Contains(address) && e.addressInUse(n, address.String()) {
		address = address.Next()
	}
	return address.String()
}

// leaveNetworks is what the end of a process does: the container stays on its networks, without addresses.
func (e *Engine) leaveNetworks(c *container) {
	for _, ep := range c.endpoints {
		ep.address = ""
		if n := e.networks[ep.NetworkID]; n != nil {
			e.tellNetwork(n, "disconnect", c.id)
		}
	}
}

var errNoSubnet = fault.New(fault.RuntimeNetwork, fault.Terminal, "user specified IP address is supported only when connecting to networks with user configured subnets")

// checkEndpoint is what the engine says at once to a connection; a network that is not there is no error before the start.
func (e *Engine) checkEndpoint(name string, a spec.NetworkAttachment) error {
	n := e.network(name)
	switch {
	case n == nil:
		return nil
	case n.predefined && len(a.Aliases) > 0:
		return fault.New(fault.RuntimeNetwork, fault.Terminal, "network-scoped alias is supported only for containers in user defined networks")
	case n.chosen && a.IPv4Address+a.IPv6Address != "":
		return errNoSubnet
	}
	return nil
}

// Connect implements apply.Networks.
func (e *Engine) Connect(ctx context.Context, network, ref string, a spec.NetworkAttachment) error {
	return run(ctx, e, Call{Method: "Connect", Target: ref, To: network}, func() error {
		c, err := e.found(fault.RuntimeNetwork, ref, "connect container %q to network %q", ref, network)
		if err != nil {
			return err
		}
		e.watch.touch(c, "connect")
		if err := e.connect(c, network, a); err != nil {
			return refused(err, "cannot connect container %q to network %q", ref, network)
		}
		return nil
	})
}

// connect notes the network of a container that does not run, and tells nobody; a second time it changes nothing.
func (e *Engine) connect(c *container, name string, a spec.NetworkAttachment) error {
	n := e.network(name)
	if n != nil {
		name = n.Name
	}
	a, err := e.withMAC(c, name, a)
	if err == nil {
		err = e.checkEndpoint(name, a)
	}
	if err != nil {
		return err
	}
	known := slices.ContainsFunc(c.endpoints, func(ep *endpoint) bool { return ep.Name == name })
	switch {
	case !c.alive() && known:
		return nil
	case !c.alive():
		c.endpoints = append(c.endpoints, newEndpoint(name, a))
		return nil
	case n == nil:
		return fault.New(fault.RuntimeNetwork, fault.NotFound, "network %s not found", name)
	case known:
		return fault.New(fault.RuntimeNetwork, fault.Conflict, "endpoint with name %s already exists in network %s", c.name, name)
	}
	ep := newEndpoint(name, a)
	if err := e.join(ep, n); err != nil {
		return err
	}
	c.endpoints = append(c.endpoints, ep)
	e.tellNetwork(n, "connect", c.id)
	return nil
}

// withMAC keeps to what the API has: below 1.44 a connection takes no MAC address, and on the network that the container was created
// on it gets the one that it was created with.
func (e *Engine) withMAC(c *container, network string, a spec.NetworkAttachment) (spec.NetworkAttachment, error) {
	ofContainer := !plan.APIAtLeast(e.info.APIVersion, "1.44") && network == c.createdOn
	if ofContainer && strings.EqualFold(a.MACAddress, c.mac) {
		a.MACAddress = ""
	}
	created := spec.NetworkAttachment{Priority: math.MaxInt} // the network that it was created on, not this one
	if gaps := plan.APIGaps(&spec.ContainerSpec{Networks: []spec.NetworkAttachment{created, a}}, e.info); gaps != nil {
		return a, fault.New(fault.DockerConfiguration, fault.Terminal, "%s", strings.Join(gaps, "; "))
	}
	if ofContainer {
		a.MACAddress = c.mac
	}
	return a, nil
}

// Disconnect implements apply.Networks.
func (e *Engine) Disconnect(ctx context.Context, network, ref string) error {
	return run(ctx, e, Call{Method: "Disconnect", Target: ref, To: network}, func() error {
		c, err := e.found(fault.RuntimeNetwork, ref, "disconnect container %q from network %q", ref, network)
		if err != nil {
			return err
		}
		e.watch.touch(c, "disconnect")
		if err := e.disconnect(c, network); err != nil {
			return refused(err, "cannot disconnect container %q from network %q", ref, network)
		}
		return nil
	})
}

func (e *Engine) disconnect(c *container, name string) error {
	n := e.network(name)
	i := slices.IndexFunc(c.endpoints, func(ep *endpoint) bool {
		return ep.Name == name || n != nil && ep.Name == n.Name
	})
	if i < 0 {
		return fault.New(fault.RuntimeNetwork, fault.NotFound, "container %s is not connected to the network %s", c.id, name)
	}
	c.dropEndpoint(c.endpoints[i])
	if n != nil {
		e.tellNetwork(n, "disconnect", c.id)
	}
	return nil
}
