package enginetest

import (
	"context"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// limits are what an update can change, as the API counts them: 0 is "not set".
type limits struct {
	nanoCPUs, shares             int64
	cpus, mems                   string
	rtPeriod, rtRuntime          int64
	memory, memorySwap, reserved int64
	pids                         *int64
	blkioWeight                  uint16
	cgroupSwap                   int64 // memory and swap that the kernel enforces: inspect may say otherwise
}

func limitsOf(s *spec.ContainerSpec) limits {
	r := &s.Resources
	l := limits{
		shares: plan.Shares(*r), cpus: r.CPUSetCPUs, mems: r.CPUSetMems,
		rtPeriod: r.CPURealtimePeriod, rtRuntime: r.CPURealtimeRuntime,
		memory: value(r.Limits.Memory), reserved: value(r.Requests.Memory),
		pids: r.Limits.Pids, blkioWeight: r.Blkio.Weight,
	}
	if r.Limits.CPU != nil {
		l.nanoCPUs = r.Limits.CPU.ScaledValue(resource.Nano)
	}
	if swap := r.Limits.Swap; swap != nil {
		l.memorySwap = l.memory + swap.Value()
		if swap.Sign() < 0 {
			l.memorySwap = -1
		}
	}
	return l
}

func value(q *resource.Quantity) int64 {
	if q == nil {
		return 0
	}
	return q.Value()
}

// report puts the limits into what inspect gives.
func (l limits) report(s *spec.ContainerSpec) {
	r := &s.Resources
	r.CPUShares, r.CPUSetCPUs, r.CPUSetMems, r.CPURealtimePeriod, r.CPURealtimeRuntime = l.shares, l.cpus, l.mems, l.rtPeriod, l.rtRuntime
	r.Blkio.Weight = l.blkioWeight
	r.Requests.Memory = bytesOf(l.reserved)
	r.Limits = spec.ResourceLimits{Memory: bytesOf(l.memory)}
	if l.nanoCPUs > 0 {
		r.Limits.CPU = resource.NewScaledQuantity(l.nanoCPUs, resource.Nano)
	}
	switch {
	case l.memorySwap < 0:
		r.Limits.Swap = resource.NewQuantity(-1, resource.BinarySI)
	case l.memorySwap > 0:
		r.Limits.Swap = resource.NewQuantity(max(0, l.memorySwap-l.memory), resource.BinarySI)
	}
	if l.pids != nil && *l.pids != 0 {
		r.Limits.Pids = new(*l.pids)
	}
}

func bytesOf(n int64) *resource.Quantity {
	if n == 0 {
		return nil
	}
	return resource.NewQuantity(n, resource.BinarySI)
}

// Update implements apply.Containers.
func (e *Engine) Update(ctx context.Context, ref string, u plan.Update) error {
	return run(ctx, e, Call{Method: "Update", Target: ref}, func() error {
		c, err := e.found(fault.ResourceLimit, ref, "update container %q", ref)
		if err != nil {
			return err
		}
		e.watch.touch(c, "update")
		if err := e.update(c, u); err != nil {
			return refused(err, "cannot update container %q", ref)
		}
		return nil
	})
}

func (e *Engine) update(c *container, u plan.Update) error {
	asked := updateLimits(u)
	if err := e.checkLimits(asked, false); err != nil {
		return err
	}
	if asked.memory > c.limits.memorySwap && asked.memorySwap == 0 && asked.memory != 0 {
		return limitFault("Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time")
	}
	c.limits.set(asked)
	if p := u.RestartPolicy; p != nil && *p != "" {
		c.spec.RestartPolicy, c.spec.MaximumRetryCount = *p, 0
		if *p == spec.RestartOnFailure {
			c.spec.MaximumRetryCount = u.MaximumRetryCount
		}
	}
	e.tell(c, "update", nil)
	return nil
}

func updateLimits(u plan.Update) limits {
	return limits{
		nanoCPUs: deref(u.NanoCPUs), shares: deref(u.CPUShares), cpus: deref(u.CPUSetCPUs), mems: deref(u.CPUSetMems),
		rtPeriod: deref(u.CPURealtimePeriod), rtRuntime: deref(u.CPURealtimeRuntime),
		memory: deref(u.Memory), memorySwap: deref(u.MemorySwap), reserved: deref(u.MemoryReservation),
		pids: u.Pids, blkioWeight: deref(u.BlkioWeight),
	}
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// set takes over what is asked for. Zero means unset, so that it changes nothing.
func (l *limits) set(asked limits) {
	put(&l.nanoCPUs, asked.nanoCPUs)
	put(&l.shares, asked.shares)
	put(&l.cpus, asked.cpus)
	put(&l.mems, asked.mems)
	put(&l.rtPeriod, asked.rtPeriod)
	put(&l.rtRuntime, asked.rtRuntime)
	put(&l.memory, asked.memory)
	put(&l.memorySwap, asked.memorySwap)
	put(&l.reserved, asked.reserved)
	put(&l.blkioWeight, asked.blkioWeight)
	if asked.pids != nil {
		l.pids = new(*asked.pids)
	}
	if asked.memorySwap > 0 { // no limit on swap is what inspect will say, and the cgroup will not know
		l.cgroupSwap = asked.memorySwap
	}
}

func put[T comparable](field *T, asked T) {
	var unset T
	if asked != unset {
		*field = asked
	}
}

const leastMemory = 6 << 20 // linuxMinMemory in moby's daemon/daemon_unix.go

func limitFault(format string, args ...any) error {
	return fault.New(fault.ResourceLimit, fault.Terminal, format, args...)
}

// checkLimits is moby's verifyPlatformContainerResources, as far as validation of manifests does not see to it.
func (e *Engine) checkLimits(l limits, creation bool) error {
	switch {
	case l.nanoCPUs < 0 || l.nanoCPUs > int64(e.info.NCPU)*1e9:
		return limitFault("Range of CPUs is from 0.01 to %d.00, as there are only %d CPUs available", e.info.NCPU, e.info.NCPU)
	case l.memory < 0 && !creation, l.memory > 0 && l.memory < leastMemory:
		return limitFault("Minimum memory limit allowed is 6MB")
	case l.memorySwap > 0 && l.memorySwap < l.memory:
		return limitFault("Minimum memoryswap limit should be larger than memory limit, see usage")
	case creation && l.memory == 0 && l.memorySwap > 0:
		return limitFault("You should always set the Memory limit when using Memoryswap limit, see usage")
	case l.reserved > 0 && l.reserved < leastMemory:
		return limitFault("Minimum memory reservation allowed is 6MB")
	case l.memory > 0 && l.memory < l.reserved:
		return limitFault("Minimum memory limit can not be less than memory reservation limit, see usage")
	case !within(l.cpus, e.info.NCPU):
		return limitFault("Requested CPUs are not available - requested %s, available: 0-%d", l.cpus, e.info.NCPU-1)
	case !within(l.mems, 1):
		return limitFault("Requested memory nodes are not available - requested %s, available: 0", l.mems)
	}
	return nil
}

// within reports whether a set such as 0-2,4 has only numbers below n.
func within(set string, n int) bool {
	for part := range strings.FieldsFuncSeq(set, func(r rune) bool { return r == ',' || r == '-' }) {
		if i, err := strconv.Atoi(part); err != nil || i >= n {
			return false
		}
	}
	return true
}
