package enginetest

import (
	"fmt"
	"net/netip"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/spec"
)

// bindPorts takes the host's ports for a container that is being started. A conflict shows here and not at the creation.
func (e *Engine) bindPorts(c *container) error {
	for _, p := range c.spec.Ports {
		if hostPort(p) == 0 || !e.portInUse(c, p) {
			continue
		}
		e.leaveNetworks(c)
		return fault.New(fault.ResourceAllocation, fault.Conflict, "Bind for %s:%d failed: port is already allocated", orAll(p.HostIP), hostPort(p))
	}
	return nil
}

func (e *Engine) portInUse(c *container, p spec.Port) bool {
	for _, other := range e.containers {
		if other == c || !other.alive() {
			continue
		}
		for _, q := range other.spec.Ports {
			if hostPort(q) == hostPort(p) && q.Protocol == p.Protocol && overlap(orAll(p.HostIP), orAll(q.HostIP)) {
				return true
			}
		}
	}
	return false
}

func orAll(ip string) string {
	if ip == "" {
		return "0.0.0.0"
	}
	return ip
}

func overlap(a, b string) bool {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	if errX != nil || errY != nil {
		panic(fmt.Sprintf("enginetest: %q or %q is no address", a, b))
	}
	return x == y || x.IsUnspecified() || y.IsUnspecified()
}
