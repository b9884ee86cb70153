package plan

import (
	"berth.dev/berth/spec"
)

// update turns differences that the engine takes in place into one update. Only what differs is sent, but memory and swap always
// go together where the kernel limits swap: the engine refuses a memory limit above the old swap limit (POST /containers/{id}/update).
func update(w *Want, diffs []difference, e Engine) *Update {
	u := &Update{}
	for _, d := range diffs {
		if set, ok := updaters[d.row.path]; ok {
			set(u, &w.Spec)
		}
	}
	if !e.SwapLimit { // there is none to keep up with, and the engine would say that it has discarded it
		u.MemorySwap = nil
	}
	return u
}

// updaters has an entry for each row that changes in place.
var updaters = map[string]func(*Update, *spec.ContainerSpec){
	"resources.limits.cpu": func(u *Update, s *spec.ContainerSpec) {
		u.NanoCPUs = new(s.Resources.Limits.CPU.MilliValue() * 1e6)
	},
	"resources.cpuShares": func(u *Update, s *spec.ContainerSpec) {
		u.CPUShares = new(Shares(s.Resources))
		if *u.CPUShares == 0 {
			*u.CPUShares = defaultShares // zero would change nothing
		}
	},
	"resources.cpusetCpus":         func(u *Update, s *spec.ContainerSpec) { u.CPUSetCPUs = &s.Resources.CPUSetCPUs },
	"resources.cpusetMems":         func(u *Update, s *spec.ContainerSpec) { u.CPUSetMems = &s.Resources.CPUSetMems },
	"resources.cpuRealtimePeriod":  func(u *Update, s *spec.ContainerSpec) { u.CPURealtimePeriod = &s.Resources.CPURealtimePeriod },
	"resources.cpuRealtimeRuntime": func(u *Update, s *spec.ContainerSpec) { u.CPURealtimeRuntime = &s.Resources.CPURealtimeRuntime },
	"resources.limits.memory":      updateMemory,
	"resources.limits.swap":        updateMemory,
	"resources.requests.memory": func(u *Update, s *spec.ContainerSpec) {
		u.MemoryReservation = new(s.Resources.Requests.Memory.Value())
	},
	"resources.limits.pids": func(u *Update, s *spec.ContainerSpec) {
		u.Pids = new(int64(-1))
		if p := s.Resources.Limits.Pids; p != nil && *p > 0 {
			u.Pids = p
		}
	},
	"resources.blkio.weight": func(u *Update, s *spec.ContainerSpec) { u.BlkioWeight = &s.Resources.Blkio.Weight },
	"restartPolicy": func(u *Update, s *spec.ContainerSpec) {
		u.RestartPolicy, u.MaximumRetryCount = &s.RestartPolicy, s.MaximumRetryCount
	},
}

func updateMemory(u *Update, s *spec.ContainerSpec) {
	memory := s.Resources.Limits.Memory.Value()
	swap := memory // Docker's rule where swap is left out
	if q := s.Resources.Limits.Swap; q != nil {
		swap = q.Value()
	}
	u.Memory, u.MemorySwap = &memory, new(memory+swap)
	if swap < 0 {
		*u.MemorySwap = -1
	}
}

// swapLifted reports whether a difference takes the swap limit away: the engine answers 200 to that, reports it, and leaves the
// cgroup as it was, so that only a new container has it.
func swapLifted(w *Want, d difference) bool {
	return d.row.path == "resources.limits.swap" && w.values(d.row.path)[""] == "unlimited"
}
