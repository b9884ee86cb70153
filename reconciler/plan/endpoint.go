package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"berth.dev/berth/spec"
)

// endpointOps plans what connects a container to the networks that it should have, and to no others. All of it works on the
// running container; what changes at an endpoint means leaving the network and joining it again.
func (p *planner) endpointOps(w *Want, have *Container) (ops []Op, why []Change) {
	wanted := map[string]bool{}
	for _, a := range wantedEndpoints(w) {
		wanted[a.Name] = true
		e, connected := have.Endpoints[a.Name]
		change := endpointChange(a, e, connected, p.seen.Networks[a.Name].ID)
		if change == nil {
			continue
		}
		if connected {
			ops = append(ops, Op{Verb: Disconnect, Target: have.ID, To: a.Name})
		}
		ops = append(ops, Op{Verb: Connect, Target: have.ID, To: a.Name, Endpoint: &a})
		why = append(why, *change)
	}
	if !ownsNetwork(w.Spec.NetworkMode) {
		return nil, nil
	}
	for _, name := range slices.Sorted(maps.Keys(have.Endpoints)) {
		if !wanted[name] {
			ops = append(ops, Op{Verb: Disconnect, Target: have.ID, To: name})
			why = append(why, Change{Field: fmt.Sprintf("networks[%s]", name), From: "connected"})
		}
	}
	return ops, why
}

// ownsNetwork reports whether a container has network interfaces of its own that can come and go.
func ownsNetwork(mode string) bool { return mode == "" || mode == "bridge" }

func wantedEndpoints(w *Want) []spec.NetworkAttachment {
	if w.Spec.NetworkMode == "bridge" {
		return []spec.NetworkAttachment{{Name: "bridge"}}
	}
	return w.Spec.Networks
}

// endpointChange says why an endpoint is not as wanted; nil where it is. networkID is empty where the network is not there.
func endpointChange(want spec.NetworkAttachment, have Endpoint, connected bool, networkID string) *Change {
	field := fmt.Sprintf("networks[%s]", want.Name)
	switch {
	case !connected:
		return &Change{Field: field, To: "connected"}
	case have.NetworkID != "" && networkID != "" && have.NetworkID != networkID:
		return &Change{Field: field, Note: "the network was made anew"}
	}
	for _, f := range []struct{ name, want, have string }{
		{"ipv4Address", want.IPv4Address, have.IPv4Address},
		{"ipv6Address", want.IPv6Address, have.IPv6Address},
		{"linkLocalIPs", jsonList(want.LinkLocalIPs), jsonList(have.LinkLocalIPs)},
		{"gatewayPriority", number(want.GatewayPriority), number(have.GatewayPriority)},
	} {
		if f.want != f.have {
			return &Change{Field: field + "." + f.name, From: f.have, To: f.want}
		}
	}
	switch {
	case want.MACAddress != "" && !strings.EqualFold(want.MACAddress, have.MACAddress):
		return &Change{Field: field + ".macAddress", From: have.MACAddress, To: want.MACAddress}
	case want.Name != "bridge" && !sameSet(want.Aliases, have.Aliases):
		return &Change{Field: field + ".aliases", From: jsonList(sorted(have.Aliases)), To: jsonList(sorted(want.Aliases))}
	case !contains(have.DriverOptions, want.DriverOptions):
		return &Change{Field: field + ".driverOptions", From: toJSON(have.DriverOptions), To: toJSON(want.DriverOptions)}
	}
	return nil
}

func sorted(v []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(v)))
}

func sameSet(a, b []string) bool { return slices.Equal(sorted(a), sorted(b)) }

func contains(have, want map[string]string) bool {
	for k, v := range want {
		if have[k] != v {
			return false
		}
	}
	return true
}
