package engine

import (
	"cmp"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

func liftEndpoints(i container.InspectResponse) map[string]plan.Endpoint {
	out := map[string]plan.Endpoint{}
	if i.NetworkSettings == nil {
		return out
	}
	for name, e := range i.NetworkSettings.Networks {
		if e == nil {
			e = &network.EndpointSettings{}
		}
		l := liftEndpoint(name, e)
		l.Aliases = ownAliases(e.Aliases, i)
		if name == i.HostConfig.NetworkMode.NetworkName() {
			//lint:ignore SA1019 where it is below API 1.44
			l.MACAddress = cmp.Or(l.MACAddress, i.Config.MacAddress)
		}
		out[name] = l
	}
	return out
}

// liftEndpoint gives a MAC address also where the engine chose it: the API does not tell.
func liftEndpoint(name string, e *network.EndpointSettings) plan.Endpoint {
	ipam := deref(e.IPAMConfig)
	return plan.Endpoint{
		NetworkID: e.NetworkID,
		Address:   cmp.Or(e.IPAddress, e.GlobalIPv6Address),
		NetworkAttachment: spec.NetworkAttachment{
			Name:            name,
			IPv4Address:     ipam.IPv4Address,
			IPv6Address:     ipam.IPv6Address,
			LinkLocalIPs:    ipam.LinkLocalIPs,
			MACAddress:      e.MacAddress,
			GatewayPriority: e.GwPriority,
			DriverOptions:   e.DriverOpts,
		},
	}
}

// shortID is the length of the ID by which a container is an alias of itself.
const shortID = 12

// ownAliases leaves out what the engine adds to the aliases that were asked for: the container's short ID (below API 1.45).
func ownAliases(aliases []string, i container.InspectResponse) []string {
	if len(i.ID) < shortID {
		return aliases
	}
	name := strings.TrimPrefix(i.Name, "/")
	var out []string
	for _, a := range aliases {
		if a != i.ID[:shortID] && a != name && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}
