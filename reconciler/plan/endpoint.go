package plan

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"berth.dev/berth/spec"
)

// joint is a network at which a container is not connected as wanted.
type joint struct {
	network string
	want    *spec.NetworkAttachment // nil where it should not be connected
	have    *Endpoint               // nil where it is not connected
	why     Change
	// inPlace: the engine can make the connection on the living container.
	inPlace bool
}

// joints compares how a container is connected with how it should be.
func (p *planner) joints(w *Want, have *Container) (out []joint) {
	if p.obstructed || p.peerless || !ownsNetwork(w.Spec.NetworkMode) || !ownsNetwork(have.Spec.NetworkMode) {
		return nil
	}
	wanted := map[string]bool{}
	for _, a := range wantedEndpoints(w) {
		wanted[a.Name] = true
		j := joint{network: a.Name, want: &a, inPlace: p.connectable(a)}
		if e, connected := have.Endpoints[a.Name]; connected {
			j.have = &e
			// Docker 26.1 takes a MAC address for a connection, and gives another: only a creation is sure to give the one asked for.
			j.inPlace = j.inPlace && !otherMAC(a, e)
		}
		if change := endpointChange(j, have.Name, p.seen.Networks[a.Name].ID); change != nil {
			j.why = *change
			out = append(out, j)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(have.Endpoints)) {
		if e := have.Endpoints[name]; !wanted[name] {
			out = append(out, joint{network: name, have: &e, inPlace: true, why: Change{Field: fmt.Sprintf("networks[%s]", name), From: "connected"}})
		}
	}
	return out
}

// connectable reports whether the engine's API can connect a living container so. It can do less than at the creation.
func (p *planner) connectable(a spec.NetworkAttachment) bool {
	created := spec.NetworkAttachment{Priority: a.Priority + 1} // the network that it was created on
	return APIGaps(&spec.ContainerSpec{Networks: []spec.NetworkAttachment{created, a}}, p.seen.Engine) == nil
}

// mendJoint connects a container to a network as it should be. What changes at an endpoint means leaving the network and joining
// it again; where that fails, it joins as it was before.
func (p *planner) mendJoint(w *Want, have *Container, j joint) {
	if !j.inPlace {
		return // only a replacement can, which is blocked
	}
	a := Action{Kind: ActionUpdate, Target: have.Name, Repair: !p.manifestChanged(w, have), Why: []Change{j.why}}
	if j.have != nil {
		leave := Op{Verb: Disconnect, Target: have.ID, To: j.network}
		if j.want != nil {
			before := j.have.NetworkAttachment
			before.MACAddress = "" // the engine may have chosen it
			leave.Undo = &Op{Verb: Connect, Target: have.ID, To: j.network, Endpoint: &before}
		}
		a.Ops = append(a.Ops, leave)
	}
	if j.want != nil {
		a.Ops = append(a.Ops, Op{Verb: Connect, Target: have.ID, To: j.network, Endpoint: j.want})
	}
	p.act(a)
}

// ownsNetwork reports whether a container has network interfaces of its own that can come and go.
func ownsNetwork(mode string) bool { return mode == "" || mode == "bridge" }

func wantedEndpoints(w *Want) []spec.NetworkAttachment {
	if w.Spec.NetworkMode == "bridge" {
		return []spec.NetworkAttachment{{Name: "bridge"}}
	}
	return w.Spec.Networks
}

// endpointChange says why an endpoint is not as wanted; nil where it is. networkID is empty where the network is not there. name
// is the container's, which the engine resolves anyway and does not report among the aliases.
func endpointChange(j joint, name, networkID string) *Change {
	field := fmt.Sprintf("networks[%s]", j.network)
	if j.have == nil {
		return &Change{Field: field, To: "connected"}
	}
	want, have := j.want, j.have
	if have.NetworkID != "" && networkID != "" && have.NetworkID != networkID {
		return &Change{Field: field, Note: "the network was made anew"}
	}
	for _, f := range []struct{ name, want, have string }{
		{"ipv4Address", address(want.IPv4Address), address(have.IPv4Address)},
		{"ipv6Address", address(want.IPv6Address), address(have.IPv6Address)},
		{"linkLocalIPs", jsonList(want.LinkLocalIPs), jsonList(have.LinkLocalIPs)},
		{"gatewayPriority", number(want.GatewayPriority), number(have.GatewayPriority)},
	} {
		if f.want != f.have {
			return &Change{Field: field + "." + f.name, From: f.have, To: f.want}
		}
	}
	aliases := sorted(slices.DeleteFunc(slices.Clone(want.Aliases), func(a string) bool { return a == name }))
	switch {
	case otherMAC(*want, *have):
		return &Change{Field: field + ".macAddress", From: have.MACAddress, To: want.MACAddress}
	case want.Name != "bridge" && !slices.Equal(aliases, sorted(have.Aliases)):
		return &Change{Field: field + ".aliases", From: jsonList(sorted(have.Aliases)), To: jsonList(aliases)}
	case !contains(have.DriverOptions, want.DriverOptions):
		return &Change{Field: field + ".driverOptions", From: toJSON(have.DriverOptions), To: toJSON(want.DriverOptions)}
	}
	return nil
}

// otherMAC reports whether a container has another MAC address than it was to have; one that the engine chose is as good as any.
func otherMAC(want spec.NetworkAttachment, have Endpoint) bool {
	return want.MACAddress != "" && !strings.EqualFold(want.MACAddress, have.MACAddress)
}

func sorted(v []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(v)))
}

// address brings the ways to write an IP address to one.
func address(s string) string {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.String()
	}
	return s
}

func contains(have, want map[string]string) bool {
	for k, v := range want {
		if have[k] != v {
			return false
		}
	}
	return true
}
