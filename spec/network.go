package spec

// NetworkSpec is how a Docker network is made.
type NetworkSpec struct {
	// The network's name in Docker; NAMESPACE.NAME where it is left out, NAME with external.
	NetworkName string `json:"networkName,omitempty"`
	// The network is somebody else's: it is used and neither made, changed nor removed.
	External bool `json:"external,omitempty"`
	// The driver: bridge where it is left out.
	Driver string `json:"driver,omitempty"`
	// The driver's options.
	Options map[string]string `json:"options,omitempty"`
	// Addresses; chosen by the engine where it is left out.
	IPAM *IPAM `json:"ipam,omitempty"`
	// Cuts the network off from the outside.
	Internal bool `json:"internal,omitempty"`
	// Lets containers outside of a swarm service join an overlay network.
	Attachable bool `json:"attachable,omitempty"`
	// Gives the network IPv6 addresses too.
	IPv6 bool `json:"ipv6,omitempty"`
	// Docker labels of the network. The prefix dev.berth. is reserved.
	Labels map[string]string `json:"labels,omitempty"`
}

// IPAM is how a network's addresses are managed.
type IPAM struct {
	// The driver: default where it is left out.
	Driver string `json:"driver,omitempty"`
	// The driver's options.
	Options map[string]string `json:"options,omitempty"`
	// Subnets of the network.
	Pools []IPAMPool `json:"pools,omitempty"`
}

// IPAMPool is one subnet.
type IPAMPool struct {
	// The subnet in CIDR form.
	Subnet string `json:"subnet"`
	// The part of the subnet that containers get addresses from, in CIDR form.
	IPRange string `json:"ipRange,omitempty"`
	// The gateway's address.
	Gateway string `json:"gateway,omitempty"`
	// Addresses in use by others, by name.
	AuxAddresses map[string]string `json:"auxAddresses,omitempty"`
}

// VolumeSpec is how a Docker volume is made.
type VolumeSpec struct {
	// The volume's name in Docker; NAMESPACE.NAME where it is left out, NAME with external.
	VolumeName string `json:"volumeName,omitempty"`
	// The volume is somebody else's: it is used and neither made nor removed.
	External bool `json:"external,omitempty"`
	// The driver: local where it is left out.
	Driver string `json:"driver,omitempty"`
	// The driver's options.
	Options map[string]string `json:"options,omitempty"`
	// Docker labels of the volume. The prefix dev.berth. is reserved.
	Labels map[string]string `json:"labels,omitempty"`
	// What `berth delete` does with the data: Retain (the default) or Delete. Removing the manifest never deletes it.
	ReclaimPolicy ReclaimPolicy `json:"reclaimPolicy,omitempty"`
}

// ReclaimPolicy is what becomes of a volume whose object is deleted.
type ReclaimPolicy string

// The reclaim policies.
const (
	ReclaimRetain ReclaimPolicy = "Retain"
	ReclaimDelete ReclaimPolicy = "Delete"
)

// Values lists the reclaim policies.
func (ReclaimPolicy) Values() []string { return []string{"Retain", "Delete"} }
