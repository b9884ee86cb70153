package enginetest

import (
	"k8s.io/apimachinery/pkg/api/resource"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// updateCases are about what changes in place.
var updateCases = []contractCase{
	{"update changes limits", testUpdate},
	{"update takes no limit away", testUpdateZero},
	{"update is refused", testUpdateRefused},
	{"update of memory without a limit on swap", testUpdateUnlimited},
	{"update of the restart policy", testUpdateRestart},
}

const mi = 1 << 20

// limited is a container that has every limit.
func (b *bench) limited() spec.ContainerSpec {
	s := b.app()
	s.Resources = spec.Resources{
		CPUShares: 512, CPUSetCPUs: "0", CPUSetMems: "0",
		Requests: spec.ResourceRequests{Memory: new(resource.MustParse("16Mi"))},
		Limits: spec.ResourceLimits{
			CPU: new(resource.MustParse("500m")), Memory: new(resource.MustParse("64Mi")), Swap: new(resource.MustParse("0")), Pids: new(int64(40)),
		},
	}
	return s
}

// wantLimits compares what can be updated.
func (b *bench) wantLimits(id string, want spec.Resources) {
	b.Helper()
	got := b.inspect(id).Spec.Resources
	b.same("resources", spec.Resources{
		CPUShares: got.CPUShares, CPUSetCPUs: got.CPUSetCPUs, CPUSetMems: got.CPUSetMems, Requests: got.Requests, Limits: got.Limits,
	}, want)
}

func testUpdate(b *bench) {
	for _, state := range []plan.State{plan.StateCreated, plan.StateRunning} {
		id := b.create(plan.Create{Name: string(state), Spec: b.limited()})
		if state == plan.StateRunning {
			b.ok(b.Engine.Start(b.Context(), id))
		}
		b.wantLimits(id, b.limited().Resources)
		b.ok(b.Engine.Update(b.Context(), id, plan.Update{
			NanoCPUs: new(int64(25e7)), CPUShares: new(int64(300)), CPUSetCPUs: new("0-1"),
			Memory: new(int64(128 * mi)), MemorySwap: new(int64(160 * mi)), MemoryReservation: new(int64(32 * mi)), Pids: new(int64(60)),
		}))
		want := b.limited().Resources
		want.CPUShares, want.CPUSetCPUs = 300, "0-1"
		want.Requests.Memory = new(resource.MustParse("32Mi"))
		want.Limits = spec.ResourceLimits{CPU: new(resource.MustParse("250m")), Memory: new(resource.MustParse("128Mi")), Swap: new(resource.MustParse("32Mi")), Pids: new(int64(60))}
		b.wantLimits(id, want)
		b.wantState(id, state)
	}
}

func testUpdateZero(b *bench) {
	id := b.start("kept", b.limited())
	b.ok(b.Engine.Update(b.Context(), id, plan.Update{
		NanoCPUs: new(int64(0)), CPUShares: new(int64(0)), CPUSetCPUs: new(""), CPUSetMems: new(""),
		Memory: new(int64(0)), MemorySwap: new(int64(0)), MemoryReservation: new(int64(0)),
	}))
	b.wantLimits(id, b.limited().Resources)

	b.ok(b.Engine.Update(b.Context(), id, plan.Update{Pids: new(int64(0))}))
	if p := b.inspect(id).Spec.Resources.Limits.Pids; p != nil && *p > 0 {
		b.Errorf("pids %d, want no limit", *p)
	}
	b.ok(b.Engine.Update(b.Context(), id, plan.Update{Pids: new(int64(30))}))
	b.ok(b.Engine.Update(b.Context(), id, plan.Update{Pids: new(int64(-1))}))
	if p := b.inspect(id).Spec.Resources.Limits.Pids; p != nil && *p > 0 {
		b.Errorf("pids %d, want no limit", *p)
	}
}

func testUpdateRefused(b *bench) {
	id := b.start("refused", b.limited())
	for what, u := range map[string]plan.Update{
		"memory -1":               {Memory: new(int64(-1))},
		"CPUs -1":                 {NanoCPUs: new(int64(-1))},
		"more CPUs than there":    {NanoCPUs: new(int64(4e12))},
		"memory above swap":       {Memory: new(int64(256 * mi))},
		"swap below memory":       {Memory: new(int64(128 * mi)), MemorySwap: new(int64(64 * mi))},
		"too little memory":       {Memory: new(int64(1 * mi)), MemorySwap: new(int64(2 * mi))},
		"a CPU that is not there": {CPUSetCPUs: new("900")},
		"memory that is not":      {CPUSetMems: new("900")},
	} {
		err := b.Engine.Update(b.Context(), id, u)
		if fault.ClassOf(err) != fault.ResourceLimit || !fault.Is(err, fault.Terminal) {
			b.Errorf("%s: class %s, terminal %t: %v", what, fault.ClassOf(err), fault.Is(err, fault.Terminal), err)
		}
	}
	b.wantLimits(id, b.limited().Resources)
}

func testUpdateUnlimited(b *bench) {
	plain := b.start("plain", b.app())
	b.wantFault(b.Engine.Update(b.Context(), plain, plan.Update{Memory: new(int64(64 * mi))}), fault.ResourceLimit, fault.Terminal, "memoryswap")
	b.ok(b.Engine.Update(b.Context(), plain, plan.Update{Memory: new(int64(64 * mi)), MemorySwap: new(int64(64 * mi))}))

	b.ok(b.Engine.Update(b.Context(), plain, plan.Update{MemorySwap: new(int64(-1))}))
	limits := b.inspect(plain).Spec.Resources.Limits
	b.same("memory", limits.Memory, new(resource.MustParse("64Mi")))
	b.same("swap, where inspect lies", limits.Swap, new(resource.MustParse("-1")))
}

func testUpdateRestart(b *bench) {
	s := b.app()
	s.RestartPolicy = spec.RestartAlways
	id := b.start("policy", s)
	policy := func(p spec.RestartPolicy, retries int) plan.Update {
		return plan.Update{RestartPolicy: &p, MaximumRetryCount: retries}
	}
	for _, step := range []struct {
		update  plan.Update
		want    spec.RestartPolicy
		retries int
	}{
		{plan.Update{Pids: new(int64(50))}, spec.RestartAlways, 0},
		{policy(spec.RestartOnFailure, 3), spec.RestartOnFailure, 3},
		{policy("", 0), spec.RestartOnFailure, 3},
		{policy(spec.RestartUnlessStopped, 0), spec.RestartUnlessStopped, 0},
		{policy(spec.RestartNever, 0), spec.RestartNever, 0},
	} {
		b.ok(b.Engine.Update(b.Context(), id, step.update))
		c := b.inspect(id)
		equal(b, "policy", c.Spec.RestartPolicy, step.want)
		equal(b, "retries", c.Spec.MaximumRetryCount, step.retries)
	}
}
