package spec

import (
	"net/netip"
	"reflect"
	"regexp"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// dockerNames is what Docker takes as the name of a network or volume.
var dockerNames = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`)

const wantDockerName = "a Docker name: at least two of letters, digits and _.-, a letter or digit first"

// builtin are the networks that every engine has; they can be used and not made.
var builtin = []string{"bridge", "host", "none", "default"}

func (r *report) network(s *NetworkSpec, at *field.Path) {
	r.text(at.Child("networkName"), s.NetworkName, dockerNames.MatchString, wantDockerName)
	if s.External {
		rest := *s
		rest.External, rest.NetworkName = false, ""
		r.nothingElse(rest, "networkName", at)
		return
	}
	if oneOf(builtin...)(s.NetworkName) {
		r.invalid(at.Child("networkName"), s.NetworkName, "another name: that network is the engine's own, and can only be external")
	}
	r.text(at.Child("driver"), s.Driver, driverName.MatchString, wantDriver)
	if oneOf("host", "null", "none")(s.Driver) {
		r.invalid(at.Child("driver"), s.Driver, "another driver: the engine has one network of that kind, set networkMode of the containers")
	}
	r.options(s.Options, at.Child("options"))
	r.reserved(s.Labels, at.Child("labels"))
	if s.IPAM != nil {
		r.ipam(s.IPAM, s.IPv6, at.Child("ipam"))
	}
}

// nothingElse reports whatever is set besides external and the name: berth would not make it so.
func (r *report) nothingElse(rest any, name string, at *field.Path) {
	v := reflect.ValueOf(rest)
	for i := range v.NumField() {
		if !v.Field(i).IsZero() {
			r.conflict(at.Child(jsonName(v.Type().Field(i))), "an external object is somebody else's to shape: remove this, or external (only %s goes with it)", name)
		}
	}
}

func (r *report) volume(s *VolumeSpec, at *field.Path) {
	r.text(at.Child("volumeName"), s.VolumeName, dockerNames.MatchString, wantDockerName)
	if s.External {
		rest := *s
		rest.External, rest.VolumeName = false, ""
		if rest.ReclaimPolicy == ReclaimRetain { // the default, and true
			rest.ReclaimPolicy = ""
		}
		r.nothingElse(rest, "volumeName", at)
		return
	}
	r.text(at.Child("driver"), s.Driver, driverName.MatchString, wantDriver)
	r.options(s.Options, at.Child("options"))
	r.reserved(s.Labels, at.Child("labels"))
}

func (r *report) ipam(s *IPAM, ipv6 bool, at *field.Path) {
	r.text(at.Child("driver"), s.Driver, driverName.MatchString, wantDriver)
	r.options(s.Options, at.Child("options"))
	var before []netip.Prefix
	for i := range s.Pools {
		p, at := &s.Pools[i], at.Child("pools").Index(i)
		subnet, ok := r.subnet(p.Subnet, at.Child("subnet"))
		if !ok {
			continue
		}
		if subnet.Addr().Is6() && !ipv6 {
			r.conflict(at.Child("subnet"), "an IPv6 subnet needs ipv6: true on the network: set that, or remove this")
		}
		for _, b := range before {
			if b.Overlaps(subnet) {
				r.invalid(at.Child("subnet"), p.Subnet, "a subnet that does not overlap with %s", b)
			}
		}
		before = append(before, subnet)
		r.pool(p, subnet, at)
	}
}

func (r *report) subnet(s string, at *field.Path) (netip.Prefix, bool) {
	if s == "" {
		r.missing(at, "a subnet such as 172.20.0.0/16")
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		r.invalid(at, s, "a subnet such as 172.20.0.0/16")
		return netip.Prefix{}, false
	case p != p.Masked():
		r.invalid(at, s, "%s, without bits beyond the mask", p.Masked())
	}
	return p.Masked(), true
}

func (r *report) pool(p *IPAMPool, subnet netip.Prefix, at *field.Path) {
	if p.IPRange != "" {
		part, ok := r.subnet(p.IPRange, at.Child("ipRange"))
		if ok && (part.Bits() < subnet.Bits() || !subnet.Contains(part.Addr())) {
			r.invalid(at.Child("ipRange"), p.IPRange, "a part of the subnet %s", subnet)
		}
	}
	seen := map[netip.Addr]bool{}
	r.address(p.Gateway, subnet, seen, at.Child("gateway"))
	r.options(p.AuxAddresses, at.Child("auxAddresses"))
	for name, address := range p.AuxAddresses {
		if address == "" {
			r.missing(at.Child("auxAddresses").Key(name), "an address")
		}
		r.address(address, subnet, seen, at.Child("auxAddresses").Key(name))
	}
}

func (r *report) address(s string, subnet netip.Prefix, seen map[netip.Addr]bool, at *field.Path) {
	if s == "" {
		return
	}
	a, err := netip.ParseAddr(s)
	switch {
	case err != nil || !subnet.Contains(a):
		r.invalid(at, s, "an address of the subnet %s", subnet)
	case seen[a]:
		r.twice(at, s)
	default:
		seen[a] = true
	}
}
