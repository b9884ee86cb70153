package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"berth.dev/berth/spec"
)

// The functions here bring values into one form, so that a difference in the form is a difference in the meaning.

func scalar(get func(*spec.ContainerSpec) string) func(*spec.ContainerSpec) values {
	return func(s *spec.ContainerSpec) values {
		if v := get(s); v != "" {
			return values{"": v}
		}
		return nil
	}
}

// list keeps the order, set does not; both show as JSON, which is how people write them.
func list(get func(*spec.ContainerSpec) []string) func(*spec.ContainerSpec) values {
	return scalar(func(s *spec.ContainerSpec) string { return jsonList(get(s)) })
}

func set(get func(*spec.ContainerSpec) []string) func(*spec.ContainerSpec) values {
	return scalar(func(s *spec.ContainerSpec) string {
		v := slices.Clone(get(s))
		slices.Sort(v)
		return jsonList(v)
	})
}

func dict(get func(*spec.ContainerSpec) map[string]string) func(*spec.ContainerSpec) values {
	return func(s *spec.ContainerSpec) values { return get(s) }
}

func jsonList(v []string) string {
	if len(v) == 0 {
		return ""
	}
	return toJSON(v)
}

func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("plan: %T does not marshal: %v", v, err)) // only strings, numbers and lists come here
	}
	return string(b)
}

func number[T cmp.Ordered](v T) string {
	var zero T
	if v == zero {
		return ""
	}
	return fmt.Sprint(v)
}

func pointer[T any](v *T) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(*v)
}

func flag(v bool) string {
	if v {
		return "true"
	}
	return ""
}

// milli and bytes take zero for unset, as the engine does.
func milli(q *resource.Quantity) string {
	if q == nil || q.IsZero() {
		return ""
	}
	return resource.NewMilliQuantity(q.MilliValue(), resource.DecimalSI).String()
}

func bytes(q *resource.Quantity) string {
	if q == nil || q.IsZero() {
		return ""
	}
	return resource.NewQuantity(q.Value(), resource.BinarySI).String()
}

func flatEnv(s *spec.ContainerSpec) values {
	v := make(values, len(s.Env))
	for _, e := range s.Env {
		v[e.Name] = e.Value
	}
	return v
}

func flatLabels(s *spec.ContainerSpec) values {
	v := make(values, len(s.Labels))
	for name, value := range s.Labels {
		if !strings.HasPrefix(name, spec.LabelPrefix) {
			v[name] = value
		}
	}
	return v
}

// exposed is the value of a port that is not published.
const exposed = "exposed"

func flatPorts(s *spec.ContainerSpec) values {
	bindings := map[string][]string{}
	for _, p := range s.Ports {
		for i := range p.ContainerPort.Len() {
			key := fmt.Sprintf("%d/%s", int(p.ContainerPort.First)+i, strings.ToLower(string(cmp.Or(p.Protocol, spec.ProtocolTCP))))
			b := bindings[key]
			if p.HostPort != nil {
				b = append(b, fmt.Sprintf("%s:%d", hostIP(p.HostIP), hostPort(*p.HostPort, i)))
			}
			bindings[key] = b
		}
	}
	v := make(values, len(bindings))
	for port, b := range bindings {
		slices.Sort(b)
		v[port] = cmp.Or(strings.Join(b, ","), exposed)
	}
	return v
}

// hostIP maps the ways to say "all addresses" to one.
func hostIP(ip string) string {
	if ip == "" || ip == "0.0.0.0" {
		return "*"
	}
	return ip
}

func hostPort(r spec.PortRange, i int) int {
	if r.First == 0 {
		return 0
	}
	return min(int(r.First)+i, int(r.Last))
}

// userNetworks is the network mode of a container that has networks of its own.
const userNetworks = "networks"

func flatNetworkMode(s *spec.ContainerSpec) values {
	switch mode := s.NetworkMode; {
	case mode == "default", mode == "bridge":
		return values{"": "bridge"}
	case mode == "none", mode == "host", strings.HasPrefix(mode, "container:"):
		return values{"": mode}
	}
	return values{"": userNetworks}
}

func flatVolumes(s *spec.ContainerSpec) values {
	v := make(values, len(s.Volumes))
	for _, m := range s.Volumes {
		v[path.Clean(m.MountPath)] = mount(m)
	}
	return v
}

// anonymous is the value of an anonymous volume.
const anonymous = "anonymous volume"

func mount(m spec.VolumeMount) string {
	var what []string
	switch {
	case m.Volume != nil && m.Volume.Name == "":
		what = []string{anonymous}
	case m.Volume != nil:
		what = []string{"volume " + m.Volume.Name, option("nocopy", m.Volume.NoCopy), prefixed("subpath=", m.SubPath)}
	case m.HostPath != nil:
		what = []string{"host path " + hostPath(m), propagation(m.HostPath.Propagation), option("nonrecursive", m.HostPath.NonRecursive)}
	case m.Tmpfs != nil:
		what = []string{"tmpfs", prefixed("size=", bytes(m.Tmpfs.Size)), prefixed("mode=", strings.TrimLeft(m.Tmpfs.Mode, "0"))}
	}
	what = append(what, option("read-only", m.ReadOnly))
	return strings.Join(slices.DeleteFunc(what, func(s string) bool { return s == "" }), " ")
}

func hostPath(m spec.VolumeMount) string { return path.Join(m.HostPath.Path, m.SubPath) }

func propagation(p spec.Propagation) string {
	if p == "rprivate" {
		return ""
	}
	return string(p)
}

func option(name string, on bool) string {
	if on {
		return name
	}
	return ""
}

func prefixed(prefix, value string) string {
	if value == "" {
		return ""
	}
	return prefix + value
}

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

// flatSignal brings SIGTERM, TERM and term to one form.
func flatSignal(s *spec.ContainerSpec) string {
	return strings.TrimPrefix(strings.ToUpper(s.StopSignal), "SIG")
}

func flatHealthcheck(s *spec.ContainerSpec) values {
	h := s.Healthcheck
	if h == nil {
		return nil
	}
	v := values{"command": jsonList(h.Command), "shell": h.Shell, "disable": flag(h.Disable), "retries": number(h.Retries)}
	for name, d := range map[string]spec.Duration{"interval": h.Interval, "timeout": h.Timeout, "startPeriod": h.StartPeriod, "startInterval": h.StartInterval} {
		if d != 0 {
			v[name] = d.String()
		}
	}
	for name, value := range v {
		if value == "" {
			delete(v, name)
		}
	}
	return v
}

func flatLogging(s *spec.ContainerSpec) values {
	if s.Logging == nil {
		return nil
	}
	v := values{"driver": s.Logging.Driver}
	for name, value := range s.Logging.Options {
		v["options."+name] = value
	}
	return v
}

// capabilities brings NET_ADMIN and CAP_NET_ADMIN to one form; the engine writes the second.
func capabilities(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.TrimPrefix(strings.ToUpper(n), "CAP_")
	}
	return out
}

func profile(get func(*spec.SecurityContext) *spec.SecurityProfile) func(*spec.ContainerSpec) values {
	return scalar(func(s *spec.ContainerSpec) string {
		p := get(&s.SecurityContext)
		if p == nil {
			return ""
		}
		return strings.TrimSpace(string(p.Type) + " " + p.LocalhostProfile)
	})
}

func flatSELinux(s *spec.ContainerSpec) values {
	o := s.SecurityContext.SELinuxOptions
	if o == nil {
		return nil
	}
	return values{"": strings.Join([]string{o.User, o.Role, o.Type, o.Level, flag(o.Disable)}, ":")}
}

// paths tells an empty list, which hides nothing, from none, which leaves Docker's default.
func paths(get func(*spec.SecurityContext) *[]string) func(*spec.ContainerSpec) values {
	return scalar(func(s *spec.ContainerSpec) string {
		p := get(&s.SecurityContext)
		if p == nil {
			return ""
		}
		return toJSON(append([]string{}, slices.Sorted(slices.Values(*p))...))
	})
}
