package spec

import (
	"net/netip"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

func (r *report) ports(s *ContainerSpec, at *field.Path) {
	at = at.Child("ports")
	names := once{}
	for i, p := range s.Ports {
		at := at.Index(i)
		r.text(at.Child("name"), p.Name, isLabel, wantLabel)
		if p.Name != "" && names.again(p.Name) {
			r.twice(at.Child("name"), p.Name)
		}
		if p.ContainerPort.First == 0 {
			r.invalid(at.Child("containerPort"), p.ContainerPort, "a port from 1 to 65535, or a range of them")
		}
		r.hostPort(p, s.copies(), at)
	}
	r.portClashes(s.Ports, at)
}

func (r *report) hostPort(p Port, copies int, at *field.Path) {
	if p.HostPort == nil {
		if p.HostIP != "" {
			r.conflict(at.Child("hostIP"), "publishes nothing without hostPort: set that (0 for any), or remove this")
		}
		return
	}
	r.text(at.Child("hostIP"), p.HostIP, isIP, "an IP address of the host")
	at, h, wanted := at.Child("hostPort"), *p.HostPort, p.ContainerPort.Len()
	switch {
	case h.First == 0 && h.Len() == 1: // chosen by the engine
	case h.First == 0:
		r.invalid(at, h, "a range that begins at 1 or above, or 0 for any port")
	case wanted == 1 && h.Len() > 1:
		if h.Len() < copies {
			r.invalid(at, h, "%s, one for each replica", plural(copies, "port"))
		}
	case wanted != h.Len():
		r.invalid(at, h, "%s, as containerPort has", plural(wanted, "port"))
	case copies > 1 && wanted == 1:
		r.conflict(at, "%d replicas cannot share one host port: write a range of %d ports, or 0 for any", copies, copies)
	case copies > 1:
		r.conflict(at, "%d replicas cannot share host ports: write 0 for any", copies)
	}
}

// portClashes compares each port with those before it.
func (r *report) portClashes(ports []Port, at *field.Path) {
	for i, p := range ports {
		for j, q := range ports[:i] {
			if p.protocol() != q.protocol() {
				continue
			}
			at := at.Index(i)
			switch {
			case p.HostPort == nil && q.HostPort == nil:
				if p.ContainerPort.overlaps(q.ContainerPort) {
					r.conflict(at.Child("containerPort"), "port %s is in ports[%d] too: remove one of the two", p.ContainerPort, j)
				}
			case p.HostPort != nil && q.HostPort != nil && p.HostPort.First > 0 && p.HostPort.overlaps(*q.HostPort) && sameAddress(p.HostIP, q.HostIP):
				r.conflict(at.Child("hostPort"), "port %s is in ports[%d] too: choose another", p.HostPort, j)
			}
		}
	}
}

func (p Port) protocol() Protocol {
	if p.Protocol == "" {
		return ProtocolTCP
	}
	return p.Protocol
}

func (r PortRange) overlaps(o PortRange) bool { return r.First <= o.Last && o.First <= r.Last }

// sameAddress reports whether listening on one address keeps from listening on the other.
func sameAddress(a, b string) bool {
	if a == "" || b == "" {
		return true
	}
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	if errX != nil || errY != nil || x.Is4() != y.Is4() {
		return false
	}
	return x == y || x.IsUnspecified() || y.IsUnspecified()
}
