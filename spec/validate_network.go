package spec

import (
	"net"
	"net/netip"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// networking checks how the container is joined to networks, and what does not go with that.
func (r *report) networking(s *ContainerSpec, at *field.Path) {
	r.mode(at.Child("networkMode"), s.NetworkMode, "bridge", "none", "host")
	if s.NetworkMode != "" && len(s.Networks) > 0 {
		r.conflict(at.Child("networkMode"), "not together with networks: remove one of the two")
	}
	if mode := s.NetworkMode; mode == "host" || mode == "none" {
		for i, p := range s.Ports {
			if p.HostPort != nil {
				r.conflict(at.Child("ports").Index(i).Child("hostPort"), "nothing is published with networkMode %s: remove it", mode)
			}
		}
	}
	if strings.HasPrefix(s.NetworkMode, "container:") {
		r.sharedNetwork(s, at)
	}
	seen := once{}
	for i := range s.Networks {
		a, at := &s.Networks[i], at.Child("networks").Index(i)
		if a.Name != "" && seen.again(a.Name) {
			r.twice(at.Child("name"), a.Name)
		}
		r.attachment(a, s.copies(), at)
	}
}

// sharedNetwork checks what belongs to a network stack, where that is another container's. Docker refuses each.
func (r *report) sharedNetwork(s *ContainerSpec, at *field.Path) {
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"hostname", s.Hostname != ""}, {"dns", len(s.DNS) > 0}, {"dnsSearch", len(s.DNSSearch) > 0}, {"dnsOptions", len(s.DNSOptions) > 0},
		{"extraHosts", len(s.ExtraHosts) > 0}, {"ports", len(s.Ports) > 0},
	} {
		if f.set {
			r.conflict(at.Child(f.name), "not together with networkMode %s: set it on that container", s.NetworkMode)
		}
	}
}

func (r *report) attachment(a *NetworkAttachment, copies int, at *field.Path) {
	if a.Name == "" {
		r.missing(at.Child("name"), "the name of a Network object")
	}
	r.text(at.Child("name"), a.Name, isLabel, "the name of a Network object, "+wantLabel)
	r.texts(at.Child("aliases"), a.Aliases, isAlias, "a host name: letters, digits, -, _ and dots")
	r.text(at.Child("ipv4Address"), a.IPv4Address, isIPv4, "an IPv4 address such as 172.20.0.10")
	r.text(at.Child("ipv6Address"), a.IPv6Address, isIPv6, "an IPv6 address such as fd00::10")
	r.text(at.Child("macAddress"), a.MACAddress, isMAC, "a unicast MAC address such as 02:42:ac:11:00:02")
	r.texts(at.Child("linkLocalIPs"), a.LinkLocalIPs, isLinkLocal, "a link-local address such as 169.254.0.10 or fe80::10")
	r.options(a.DriverOptions, at.Child("driverOptions"))
	r.within(at.Child("gatewayPriority"), int64(a.GatewayPriority), -1<<31, 1<<31-1)
	r.within(at.Child("priority"), int64(a.Priority), -1<<31, 1<<31-1)
	fixed := []struct{ name, value string }{{"ipv4Address", a.IPv4Address}, {"ipv6Address", a.IPv6Address}, {"macAddress", a.MACAddress}}
	for _, f := range fixed {
		if f.value != "" && copies > 1 {
			r.conflict(at.Child(f.name), "%d replicas cannot share one address: remove it, or set replicas to 1", copies)
		}
	}
	if len(a.LinkLocalIPs) > 0 && copies > 1 {
		r.conflict(at.Child("linkLocalIPs"), "%d replicas cannot share one address: remove them, or set replicas to 1", copies)
	}
}

// names checks the container's own names and how it finds others.
func (r *report) names(s *ContainerSpec, at *field.Path) {
	r.text(at.Child("hostname"), s.Hostname, isHostname, "a host name (RFC 1123) of at most 63 letters, digits, - and dots")
	r.text(at.Child("domainname"), s.Domainname, isHostname, "a domain name (RFC 1123) of at most 63 letters, digits, - and dots")
	r.texts(at.Child("dns"), s.DNS, isIP, "the IP address of a name server")
	r.texts(at.Child("dnsSearch"), s.DNSSearch, isDomain, "a domain such as example.org, or . for none")
	r.texts(at.Child("dnsOptions"), s.DNSOptions, isWord, "an option such as ndots:2")
	r.texts(at.Child("extraHosts"), s.ExtraHosts, isExtraHost, "HOST:IP, or HOST:host-gateway")
}

var (
	hostname = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*$`)
	alias    = regexp.MustCompile(`^[A-Za-z0-9_]([-A-Za-z0-9_.]*[A-Za-z0-9_])?$`)
)

// isHostname bounds the length as the kernel does, less one for those that count the end; see gethostname(2).
func isHostname(s string) bool { return len(s) <= 63 && hostname.MatchString(s) }

func isAlias(s string) bool { return len(s) <= 253 && alias.MatchString(s) }

func isDomain(s string) bool {
	return s == "." || len(s) <= 253 && alias.MatchString(strings.TrimSuffix(s, "."))
}

// isExtraHost also takes HOST=IP and brackets round an IPv6 address, as Docker does.
func isExtraHost(s string) bool {
	i := strings.IndexAny(s, ":=")
	if i < 1 || !isAlias(s[:i]) {
		return false
	}
	ip := s[i+1:]
	if in, ok := strings.CutPrefix(ip, "["); ok {
		ip = strings.TrimSuffix(in, "]")
	}
	return ip == "host-gateway" || isIP(ip)
}

func isIP(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Zone() == ""
}

func isIPv4(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is4()
}

func isIPv6(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6() && !a.Is4In6() && a.Zone() == ""
}

func isLinkLocal(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Zone() == "" && a.IsLinkLocalUnicast()
}

func isMAC(s string) bool {
	m, err := net.ParseMAC(s)
	return err == nil && len(m) == 6 && m[0]&1 == 0
}
