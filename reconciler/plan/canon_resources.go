package plan

import (
	"cmp"
	"fmt"
	"strconv"

	"berth.dev/berth/spec"
)

// The canonical forms of resources, and of the restart policy.

// flatSwap says how much swap a container may use. Without a limit on memory there is none on swap.
func flatSwap(s *spec.ContainerSpec) string {
	l := s.Resources.Limits
	if bytes(l.Memory) == "" {
		return ""
	}
	switch swap := cmp.Or(l.Swap, l.Memory); swap.Sign() { // Docker's rule: as much again as memory
	case -1:
		return "unlimited"
	case 0:
		return "none"
	default:
		return bytes(swap)
	}
}

func flatPids(s *spec.ContainerSpec) string {
	if p := s.Resources.Limits.Pids; p != nil && *p > 0 {
		return strconv.FormatInt(*p, 10)
	}
	return ""
}

// The kernel's default of CPU shares, and kubelet's least (KEP-none; kubelet's MilliCPUToShares): 2.
const (
	defaultShares = 1024
	minShares     = 2
)

func flatShares(s *spec.ContainerSpec) string {
	shares := Shares(s.Resources)
	if shares == defaultShares {
		return ""
	}
	return number(shares)
}

// Shares is the CPU shares of a container: its own, or 1024 for each CPU requested, as kubelet counts; 0 where neither is set.
func Shares(r spec.Resources) int64 {
	if r.CPUShares != 0 || r.Requests.CPU == nil {
		return r.CPUShares
	}
	return max(minShares, r.Requests.CPU.MilliValue()*defaultShares/1000)
}

func flatRestart(s *spec.ContainerSpec) string {
	policy := string(cmp.Or(s.RestartPolicy, spec.RestartNever))
	if s.RestartPolicy == spec.RestartOnFailure && s.MaximumRetryCount > 0 {
		policy += ":" + strconv.Itoa(s.MaximumRetryCount)
	}
	return policy
}

func flatDeviceWeights(s *spec.ContainerSpec) values {
	v := values{}
	for _, d := range s.Resources.Blkio.WeightDevices {
		v[d.Path] = number(d.Weight)
	}
	return v
}

func rates(get func(*spec.Blkio) []spec.DeviceRate) func(*spec.ContainerSpec) values {
	return func(s *spec.ContainerSpec) values {
		v := values{}
		for _, d := range get(&s.Resources.Blkio) {
			v[d.Path] = strconv.FormatInt(d.Rate.Value(), 10)
		}
		return v
	}
}

func flatUlimits(s *spec.ContainerSpec) values {
	v := values{}
	for _, u := range s.Resources.Ulimits {
		v[u.Name] = fmt.Sprintf("%d:%d", u.Soft, u.Hard)
	}
	return v
}

func flatDevices(s *spec.ContainerSpec) values {
	v := values{}
	for _, d := range s.Resources.Devices {
		v[cmp.Or(d.ContainerPath, d.HostPath)] = d.HostPath + " " + cmp.Or(d.Permissions, "rwm")
	}
	return v
}

func flatDeviceRequests(s *spec.ContainerSpec) values {
	if len(s.Resources.DeviceRequests) == 0 {
		return nil
	}
	return values{"": toJSON(s.Resources.DeviceRequests)}
}
