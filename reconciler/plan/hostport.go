package plan

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"berth.dev/berth/spec"
)

// portsFree blocks a copy that wants a port of the host which another container has: the engine would say so only at the start, when
// the old container has been stopped for it. Ports that other programs of the host have are not known here.
func (p *planner) portsFree(w *Want) bool {
	for _, want := range hostPorts(w.Spec.Ports) {
		for _, name := range slices.Sorted(maps.Keys(p.seen.Names)) {
			if baseName(name) == w.Name { // its own, which makes way
				continue
			}
			if slices.ContainsFunc(p.seen.Names[name].Published, want.overlaps) {
				p.block(Block{Reason: ReasonPortTaken, Message: fmt.Sprintf("%q wants port %s of the host, which container %q has: choose another, or stop that one", w.Name, want, name)})
				return false
			}
		}
	}
	return true
}

// hostPorts lists the ports that are asked for by number.
func hostPorts(ports []spec.Port) (out []HostPort) {
	for _, p := range ports {
		if p.HostPort == nil || p.HostPort.First == 0 {
			continue
		}
		for i := range p.ContainerPort.Len() {
			out = append(out, HostPort{p.HostIP, uint16(hostPort(*p.HostPort, i)), cmp.Or(p.Protocol, spec.ProtocolTCP)})
		}
	}
	return out
}

func (h HostPort) overlaps(o HostPort) bool {
	return h.Port == o.Port && h.Protocol == o.Protocol && (h.IP == o.IP || everywhere(h.IP) || everywhere(o.IP))
}

// everywhere reports whether an address stands for all of the host's.
func everywhere(ip string) bool {
	a, err := netip.ParseAddr(ip)
	return ip == "" || err == nil && a.IsUnspecified()
}

func (h HostPort) String() string { return fmt.Sprintf("%s:%d/%s", hostIP(h.IP), h.Port, h.Protocol) }
