package spec

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Port is an exposed port or range of ports.
type Port struct {
	// A name for people.
	Name string `json:"name,omitempty"`
	// The port in the container, or a range such as 8000-8010.
	ContainerPort PortRange `json:"containerPort"`
	// The port on the host, or a range as long as containerPort's; 0 lets the engine choose. Left out, nothing is published.
	// With one containerPort and a range, each replica takes the port of its ordinal.
	HostPort *PortRange `json:"hostPort,omitempty"`
	// The host's address to listen on; all where it is left out.
	HostIP string `json:"hostIP,omitempty"`
	// TCP (the default), UDP or SCTP.
	Protocol Protocol `json:"protocol,omitempty"`
}

// Protocol is a transport protocol.
type Protocol string

// The protocols.
const (
	ProtocolTCP  Protocol = "TCP"
	ProtocolUDP  Protocol = "UDP"
	ProtocolSCTP Protocol = "SCTP"
)

// Values lists the protocols.
func (Protocol) Values() []string { return []string{"TCP", "UDP", "SCTP"} }

// PortRange is one port, or several in a row: 80 or "8000-8010".
type PortRange struct{ First, Last uint16 }

// Len is the number of ports in the range.
func (r PortRange) Len() int { return int(r.Last) - int(r.First) + 1 }

func (r PortRange) String() string {
	if r.First == r.Last {
		return strconv.Itoa(int(r.First))
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// ParsePortRange reads 80 or 8000-8010; the error says what is wrong.
func ParsePortRange(s string) (PortRange, error) {
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	a, errA := strconv.ParseUint(first, 10, 16)
	b, errB := strconv.ParseUint(last, 10, 16)
	switch {
	case errA != nil || errB != nil:
		return PortRange{}, fmt.Errorf("%q is not a port (0 to 65535) or a range such as 8000-8010", s)
	case b < a:
		return PortRange{}, fmt.Errorf("range %s ends before it begins", s)
	}
	return PortRange{uint16(a), uint16(b)}, nil
}

// MarshalJSON writes a number, or a string for a range.
func (r PortRange) MarshalJSON() ([]byte, error) {
	if r.First == r.Last {
		return json.Marshal(r.First)
	}
	return json.Marshal(r.String())
}

// UnmarshalJSON reads a number or a string.
func (r *PortRange) UnmarshalJSON(b []byte) (err error) {
	*r, err = ParsePortRange(strings.Trim(string(b), `"`))
	return err
}

// Duration is a Go duration, written as in 1m30s.
type Duration time.Duration

// MarshalJSON writes the duration as a string.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads a string as in 1m30s.
func (d *Duration) UnmarshalJSON(b []byte) error {
	v, err := time.ParseDuration(strings.Trim(string(b), `"`))
	if err != nil {
		return fmt.Errorf("%s is not a duration such as 30s or 1m30s", b)
	}
	*d = Duration(v)
	return nil
}

func (d Duration) String() string { return time.Duration(d).String() }

// NetworkAttachment joins a container to a network.
type NetworkAttachment struct {
	// The Network object, in the container's namespace.
	Name string `json:"name"`
	// Further names of the container on this network; it always answers to NAME and NAME.NAMESPACE.
	Aliases []string `json:"aliases,omitempty"`
	// A fixed address; the network needs a subnet of the manifest's.
	IPv4Address string `json:"ipv4Address,omitempty"`
	// A fixed address; the network needs a subnet of the manifest's.
	IPv6Address string `json:"ipv6Address,omitempty"`
	// A fixed MAC address.
	MACAddress string `json:"macAddress,omitempty"`
	// Which network gives the default gateway: the highest (engine API 1.48).
	GatewayPriority int `json:"gatewayPriority,omitempty"`
	// Order of connecting, highest first, before the order of the list.
	Priority int `json:"priority,omitempty"`
	// Link-local addresses.
	LinkLocalIPs []string `json:"linkLocalIPs,omitempty"`
	// Options of the network's driver for this endpoint.
	DriverOptions map[string]string `json:"driverOptions,omitempty"`
}

// VolumeMount is what is mounted, and where. Exactly one of volume, hostPath and tmpfs says what.
type VolumeMount struct {
	// A name for people.
	Name string `json:"name,omitempty"`
	// Where it is mounted, an absolute path.
	MountPath string `json:"mountPath"`
	// Whether the container may not write.
	ReadOnly bool `json:"readOnly,omitempty"`
	// A folder in the volume or hostPath to mount instead of all of it (for a volume: engine API 1.45).
	SubPath string `json:"subPath,omitempty"`
	// A Docker volume.
	Volume *VolumeSource `json:"volume,omitempty"`
	// A file or folder of the host.
	HostPath *HostPathSource `json:"hostPath,omitempty"`
	// Memory.
	Tmpfs *TmpfsSource `json:"tmpfs,omitempty"`
}

// VolumeSource is a Docker volume.
type VolumeSource struct {
	// The Volume object, in the container's namespace; an anonymous volume where it is left out, which a recreated container keeps.
	Name string `json:"name,omitempty"`
	// Whether an empty volume is not filled with what the image has at the mount path.
	NoCopy bool `json:"noCopy,omitempty"`
}

// HostPathSource is a file or folder of the host.
type HostPathSource struct {
	// The absolute path on the engine's host.
	Path string `json:"path"`
	// Whether a missing path is made, as an empty folder of root's; else it is an error.
	CreateHostPath bool `json:"createHostPath,omitempty"`
	// How mounts spread: rprivate (the default), private, rshared, shared, rslave or slave; see mount_namespaces(7).
	Propagation Propagation `json:"propagation,omitempty"`
	// Whether mounts below the path are left out.
	NonRecursive bool `json:"nonRecursive,omitempty"`
}

// Propagation is how mounts spread between host and container.
type Propagation string

// Values lists the propagations.
func (Propagation) Values() []string {
	return []string{"rprivate", "private", "rshared", "shared", "rslave", "slave"}
}

// TmpfsSource is a file system in memory.
type TmpfsSource struct {
	// Its size; half of the host's memory where it is left out.
	Size *resource.Quantity `json:"size,omitempty"`
	// The mode of its root as an octal string, as in "1777" (the default).
	Mode string `json:"mode,omitempty"`
}
