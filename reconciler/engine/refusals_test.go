package engine_test

import (
	"context"
	"net"
	"testing"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// How the engine refuses: each refusal has its class and behaviour.

// TestAMemoryLimitBelowWhatIsUsed: cgroup v1 refuses it. v2 takes it, reclaims what it can, and kills.
func TestAMemoryLimitBelowWhatIsUsed(t *testing.T) {
	c := connect(t)
	info, err := c.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id := run(t, c, "eater", parse(t, `{args: [-eat-memory, 48Mi, -http, ":8080"], healthcheck: {command: [/testapp, healthcheck], interval: 1s},
		resources: {limits: {memory: 256Mi, swap: 0}}}`)).ID
	wait(t, "it has eaten, and serves", func() bool { return inspect(t, c, id).Health == plan.HealthHealthy })
	err = c.Update(t.Context(), id, plan.Update{Memory: new(int64(16 << 20)), MemorySwap: new(int64(16 << 20))})
	if info.CgroupVersion == "2" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	wantFault(t, err, fault.ResourceUsage, fault.Conflict, "memory")
}

func TestCreationErrors(t *testing.T) {
	c := connect(t)
	taken := run(t, c, "taken", spec.ContainerSpec{})
	dir := t.TempDir()
	for name, test := range map[string]struct {
		spec      string
		name      string
		class     fault.Class
		behaviour fault.Behaviour
		says      string
	}{
		"no image":         {spec: `{image: "berth.test/none:1"}`, class: fault.RuntimeImage, behaviour: fault.NotFound, says: "No such image"},
		"name":             {spec: `{}`, name: taken.Name, class: fault.RuntimeContainer, behaviour: fault.Conflict, says: "already in use"},
		"bind source":      {spec: `{volumes: [{mountPath: /x, hostPath: {path: ` + dir + `/none}}]}`, class: fault.RuntimeVolume, behaviour: fault.Retry, says: "bind source path does not exist"},
		"CPUs":             {spec: `{resources: {limits: {cpu: "4000"}}}`, class: fault.ResourceLimit, behaviour: fault.Terminal, says: "CPUs"},
		"cpuset":           {spec: `{resources: {cpusetCpus: "999"}}`, class: fault.ResourceLimit, behaviour: fault.Terminal, says: "CPUs are not available"},
		"memory":           {spec: `{resources: {limits: {memory: 1Mi}}}`, class: fault.ResourceLimit, behaviour: fault.Terminal, says: "Minimum memory limit"},
		"seccomp missing":  {spec: `{securityContext: {seccompProfile: {type: Localhost, localhostProfile: ` + dir + `/none}}}`, class: fault.RuntimeContainer, behaviour: fault.Retry, says: "cannot read the seccomp profile"},
		"nothing to mount": {spec: `{volumes: [{mountPath: /x}]}`, class: fault.RuntimeVolume, behaviour: fault.Terminal, says: "give volume, hostPath or tmpfs"},
		"signal":           {spec: `{stopSignal: SIGNONE}`, class: fault.RuntimeContainer, behaviour: fault.Terminal, says: "SIGNONE"},
	} {
		t.Run(name, func(t *testing.T) {
			s := parse(t, test.spec)
			if s.Image == "" {
				s.Image = appImage
			}
			if test.name == "" {
				test.name = named("bad")
			}
			_, _, err := create(t, c, plan.Create{Name: test.name, Spec: s})
			wantFault(t, err, test.class, test.behaviour, test.says)
			wantFault(t, err, test.class, test.behaviour, `cannot create container "`+test.name+`": `)
		})
	}
}

func TestStartErrors(t *testing.T) {
	c := connect(t)
	used, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer used.Close()
	_, busy, _ := net.SplitHostPort(used.Addr().String())
	run(t, c, "port", parse(t, `{ports: [{containerPort: 80, hostPort: 38490, hostIP: 127.0.0.1}]}`))
	n := createNetwork(t, c, "addresses", spec.NetworkSpec{IPAM: &spec.IPAM{Pools: []spec.IPAMPool{{Subnet: "10.213.80.0/24"}}}})
	run(t, c, "address", parse(t, `{networks: [{name: `+n.Name+`, ipv4Address: 10.213.80.5}]}`))

	for name, test := range map[string]struct {
		spec      string
		class     fault.Class
		behaviour fault.Behaviour
		says      string
	}{
		"port of a container": {`{ports: [{containerPort: 80, hostPort: 38490, hostIP: 127.0.0.1}]}`, fault.ResourceAllocation, fault.Conflict, "port is already allocated"},
		"port of a process":   {`{ports: [{containerPort: 80, hostPort: ` + busy + `, hostIP: 127.0.0.1}]}`, fault.ResourceAllocation, fault.Conflict, "address already in use"},
		"address":             {`{networks: [{name: ` + n.Name + `, ipv4Address: 10.213.80.5}]}`, fault.ResourceAllocation, fault.Conflict, "Address already in use"},
		"peer":                {`{networkMode: "container:berthtest-eng-nobody"}`, fault.RuntimeContainer, fault.NotFound, "No such container"},
		"network":             {`{networks: [{name: berthtest-eng-none}]}`, fault.RuntimeNetwork, fault.NotFound, "not found"},
		"program":             {`{command: [/nothing]}`, fault.RuntimeContainer, fault.Terminal, "no such file or directory"},
		"program in path":     {`{command: [nothing]}`, fault.RuntimeContainer, fault.Terminal, "executable file not found"},
		"folder as program":   {`{command: [/etc]}`, fault.RuntimeContainer, fault.Terminal, "exec"},
		"user":                {`{user: nobody-there}`, fault.RuntimeContainer, fault.Terminal, "unable to find user"},
		"group":               {`{groups: [no-such]}`, fault.RuntimeContainer, fault.Terminal, "nable to find group"},
		"device":              {`{resources: {devices: [{hostPath: /dev/berthtest}]}}`, fault.ResourceAllocation, fault.Retry, "/dev/berthtest"},
		"disk":                {`{resources: {blkio: {deviceReadBps: [{path: /dev/berthtest, rate: 1M}]}}}`, fault.ResourceAllocation, fault.Retry, "/dev/berthtest"},
		"sysctl":              {`{sysctls: {net.berthtest: "1"}}`, fault.RuntimeContainer, fault.Terminal, "net"},
		"working folder":      {`{workingDir: /testapp}`, fault.RuntimeContainer, fault.Terminal, "/testapp"},
	} {
		t.Run(name, func(t *testing.T) {
			s := parse(t, test.spec)
			s.Image = appImage
			id, _, err := create(t, c, plan.Create{Name: named("unstartable"), Spec: s})
			if err == nil {
				err = c.Start(t.Context(), id)
			}
			wantFault(t, err, test.class, test.behaviour, test.says)
		})
	}
}

func TestUnknownDrivers(t *testing.T) {
	t.Parallel()
	c := connect(t)
	for class, do := range map[fault.Class]func(context.Context) error{
		fault.RuntimeNetwork: func(ctx context.Context) error {
			_, err := c.CreateNetwork(ctx, plan.NetworkCreate{Name: named("nodriver"), Spec: spec.NetworkSpec{Driver: "nodriver"}})
			return err
		},
		fault.RuntimeVolume: func(ctx context.Context) error {
			return c.CreateVolume(ctx, plan.VolumeCreate{Name: named("nodriver"), Spec: spec.VolumeSpec{Driver: "nodriver"}})
		},
		fault.RuntimeContainer: func(ctx context.Context) error {
			_, _, err := c.Create(ctx, plan.Create{Name: named("nodriver"), Spec: spec.ContainerSpec{Image: appImage, Logging: &spec.Logging{Driver: "nodriver"}}})
			return err
		},
	} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			wantFault(t, do(t.Context()), class, fault.Terminal, "nodriver")
		})
	}
}

func TestPullFails(t *testing.T) {
	c := connect(t)
	err := c.Pull(t.Context(), "127.0.0.1:1/none:1", "", nil)
	wantFault(t, err, fault.RuntimeImage, fault.Retry, "connection refused")
}
