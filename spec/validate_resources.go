package spec

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const (
	minMemory  = 6 << 20 // Docker's
	maxBytes   = 1 << 60 // so that memory and swap together stay below 2^63
	minShares  = 2       // the kernel's, cpu.shares
	maxShares  = 1 << 18
	maxCPUs    = 8192 // the kernel's NR_CPUS
	maxPids    = 1 << 22
	minQuotaMs = 10 // milli-CPUs; the kernel's shortest quota is 1 ms, Docker's period 100 ms
)

func (r *report) resources(s *Resources, at *field.Path) {
	r.cpu(s, at)
	r.memory(s, at)
	if s.Limits.Pids != nil && *s.Limits.Pids != -1 {
		if n := *s.Limits.Pids; n < 1 || n > maxPids {
			r.invalid(at.Child("limits", "pids"), n, "a number from 1 to %d, or -1 for no limit", maxPids)
		}
	}
	if s.OOMScoreAdj != nil {
		r.within(at.Child("oomScoreAdj"), int64(*s.OOMScoreAdj), -1000, 1000)
	}
	r.blkio(&s.Blkio, at.Child("blkio"))
	r.ulimits(s.Ulimits, at.Child("ulimits"))
	r.devices(s, at)
	r.text(at.Child("cgroupParent"), s.CgroupParent, isCgroup, "the path of a cgroup without .., or the name of a systemd slice")
}

func isCgroup(s string) bool {
	return isWord(s) && !strings.Contains("/"+s+"/", "/../") && !strings.Contains("/"+s+"/", "/./")
}

func (r *report) cpu(s *Resources, at *field.Path) {
	request, limit := s.Requests.CPU, s.Limits.CPU
	r.cpus(request, 1, maxShares/1024, at.Child("requests", "cpu"))
	r.cpus(limit, minQuotaMs, maxCPUs, at.Child("limits", "cpu"))
	r.notAbove(request, limit, at.Child("requests", "cpu"))
	if s.CPUShares != 0 {
		r.within(at.Child("cpuShares"), s.CPUShares, minShares, maxShares)
		if request != nil {
			r.conflict(at.Child("cpuShares"), "not together with requests.cpu, which becomes shares too: remove one of the two")
		}
	}
	r.text(at.Child("cpusetCpus"), s.CPUSetCPUs, isSet, "numbers and ranges, as in 0-2,4")
	r.text(at.Child("cpusetMems"), s.CPUSetMems, isSet, "numbers and ranges, as in 0,1")
	period, runtime := s.CPURealtimePeriod, s.CPURealtimeRuntime
	r.within(at.Child("cpuRealtimePeriod"), period, 0, 1<<31-1)
	r.within(at.Child("cpuRealtimeRuntime"), runtime, 0, 1<<31-1)
	if period > 0 && runtime > period {
		r.invalid(at.Child("cpuRealtimeRuntime"), runtime, "at most cpuRealtimePeriod, which is %d", period)
	}
}

// cpus checks a number of CPUs; least is in thousandths.
func (r *report) cpus(q *resource.Quantity, least, most int64, at *field.Path) {
	if q == nil {
		return
	}
	if q.Cmp(*resource.NewMilliQuantity(least, resource.DecimalSI)) < 0 || q.Cmp(*resource.NewQuantity(most, resource.DecimalSI)) > 0 {
		r.invalid(at, q, "at least %dm and at most %d", least, most)
	}
}

func (r *report) notAbove(request, limit *resource.Quantity, at *field.Path) {
	if request != nil && limit != nil && request.Cmp(*limit) > 0 {
		r.invalid(at, request, "at most the limit, which is %s", limit)
	}
}

func (r *report) memory(s *Resources, at *field.Path) {
	r.bytes(s.Requests.Memory, minMemory, at.Child("requests", "memory"))
	r.bytes(s.Limits.Memory, minMemory, at.Child("limits", "memory"))
	r.notAbove(s.Requests.Memory, s.Limits.Memory, at.Child("requests", "memory"))
	if swap := s.Limits.Swap; swap != nil {
		if swap.Cmp(*resource.NewQuantity(-1, resource.BinarySI)) != 0 {
			r.bytes(swap, 0, at.Child("limits", "swap"))
		}
		if s.Limits.Memory == nil {
			r.conflict(at.Child("limits", "swap"), "counts only with limits.memory: set that, or remove this")
		}
	}
	if s.MemorySwappiness != nil {
		r.within(at.Child("memorySwappiness"), *s.MemorySwappiness, 0, 100)
	}
	r.bytes(s.ShmSize, 1, at.Child("shmSize"))
}

// bytes checks a whole number of bytes.
func (r *report) bytes(q *resource.Quantity, least int64, at *field.Path) {
	if q == nil {
		return
	}
	most := resource.NewQuantity(maxBytes, resource.BinarySI)
	lower := resource.NewQuantity(least, resource.BinarySI)
	if q.Cmp(*lower) < 0 || q.Cmp(*most) > 0 || q.Cmp(*resource.NewQuantity(q.Value(), resource.BinarySI)) != 0 {
		r.invalid(at, q, "a whole number of bytes, such as 256Mi, of at least %s", lower)
	}
}

// isSet reads a list of numbers and ranges as in cpuset(7).
func isSet(s string) bool {
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, errA := strconv.ParseUint(first, 10, 16)
		b, errB := strconv.ParseUint(last, 10, 16)
		if errA != nil || errB != nil || a > b || b >= maxCPUs {
			return false
		}
	}
	return true
}

const wantDevice = "the absolute path of a device, such as /dev/sda"

func (r *report) blkio(b *Blkio, at *field.Path) {
	if b.Weight != 0 {
		r.within(at.Child("weight"), int64(b.Weight), 10, 1000)
	}
	seen := once{}
	for i, d := range b.WeightDevices {
		at := at.Child("weightDevices").Index(i)
		r.devicePath(d.Path, seen, at.Child("path"))
		r.within(at.Child("weight"), int64(d.Weight), 10, 1000)
	}
	r.rates(b.DeviceReadBps, at.Child("deviceReadBps"))
	r.rates(b.DeviceWriteBps, at.Child("deviceWriteBps"))
	r.rates(b.DeviceReadIOps, at.Child("deviceReadIOps"))
	r.rates(b.DeviceWriteIOps, at.Child("deviceWriteIOps"))
}

func (r *report) rates(rates []DeviceRate, at *field.Path) {
	seen := once{}
	for i := range rates {
		at := at.Index(i)
		r.devicePath(rates[i].Path, seen, at.Child("path"))
		r.bytes(&rates[i].Rate, 1, at.Child("rate"))
	}
}

func (r *report) devicePath(path string, seen once, at *field.Path) {
	switch {
	case !isCleanPath(path) || path == "/":
		r.invalid(at, path, wantDevice)
	case seen.again(path):
		r.twice(at, path)
	}
}

// ulimitNames are those of setrlimit(2).
var ulimitNames = []string{
	"core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack",
}

func (r *report) ulimits(limits []Ulimit, at *field.Path) {
	seen := once{}
	for i, u := range limits {
		at := at.Index(i)
		switch {
		case !oneOf(ulimitNames...)(u.Name):
			r.invalid(at.Child("name"), u.Name, "one of %s", strings.Join(ulimitNames, ", "))
		case seen.again(u.Name):
			r.twice(at.Child("name"), u.Name)
		}
		r.ulimit(at.Child("soft"), u.Soft)
		r.ulimit(at.Child("hard"), u.Hard)
		if u.Hard >= 0 && (u.Soft > u.Hard || u.Soft == -1) {
			r.invalid(at.Child("soft"), u.Soft, "at most the hard limit, which is %d", u.Hard)
		}
	}
}

func (r *report) ulimit(at *field.Path, limit int64) {
	if limit < -1 {
		r.invalid(at, limit, "0 or more, or -1 for no limit")
	}
}

var (
	permissions = regexp.MustCompile(`^(r?w?m?|r?m?w?|w?r?m?|w?m?r?|m?r?w?|m?w?r?)$`)
	deviceRule  = regexp.MustCompile(`^[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}$`)
)

func (r *report) devices(s *Resources, at *field.Path) {
	seen := once{}
	for i, d := range s.Devices {
		at := at.Child("devices").Index(i)
		if !isCleanPath(d.HostPath) || d.HostPath == "/" {
			r.invalid(at.Child("hostPath"), d.HostPath, wantDevice)
		}
		r.text(at.Child("containerPath"), d.ContainerPath, isCleanPath, wantPath)
		if inside := orElse(d.ContainerPath, d.HostPath); seen.again(inside) {
			r.twice(at.Child("containerPath"), inside)
		}
		r.text(at.Child("permissions"), d.Permissions, permissions.MatchString, "some of r, w and m, each once")
	}
	r.texts(at.Child("deviceCgroupRules"), s.DeviceCgroupRules, deviceRule.MatchString, `TYPE MAJOR:MINOR PERMISSIONS, as in "c 1:3 rwm"`)
	for i := range s.DeviceRequests {
		r.deviceRequest(&s.DeviceRequests[i], at.Child("deviceRequests").Index(i))
	}
}

func (r *report) deviceRequest(d *DeviceRequest, at *field.Path) {
	r.text(at.Child("driver"), d.Driver, driverName.MatchString, wantDriver)
	r.texts(at.Child("deviceIDs"), d.DeviceIDs, isWord, "a device's ID")
	r.options(d.Options, at.Child("options"))
	switch {
	case d.Count < -1:
		r.invalid(at.Child("count"), d.Count, "1 or more, or -1 for all")
	case d.Count != 0 && len(d.DeviceIDs) > 0:
		r.conflict(at.Child("count"), "not together with deviceIDs: remove one of the two")
	case d.Count == 0 && len(d.DeviceIDs) == 0:
		r.missing(at.Child("count"), "a number of devices (-1 for all), or deviceIDs")
	}
	if d.Driver == "" && len(d.Capabilities) == 0 {
		r.missing(at.Child("capabilities"), "capabilities such as [[gpu]], or a driver")
	}
	for i, set := range d.Capabilities {
		at := at.Child("capabilities").Index(i)
		if len(set) == 0 {
			r.missing(at, fmt.Sprintf("capabilities such as [%s]", "gpu"))
		}
		r.texts(at, set, isWord, "a capability such as gpu")
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
