package engine_test

import (
	"context"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"berth.dev/berth/reconciler/engine"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// What the engine really does, as far as berth counts on it.

func TestStartStopRemoveAreDoneTwiceWithoutHarm(t *testing.T) {
	c := connect(t)
	id := run(t, c, "twice", spec.ContainerSpec{}).ID
	for _, step := range []struct {
		name string
		do   func(context.Context, string) error
		then plan.State
	}{
		{"start", c.Start, plan.StateRunning},
		{"stop", c.Stop, plan.StateExited},
	} {
		for range 2 {
			if err := step.do(t.Context(), id); err != nil {
				t.Errorf("%s: %v", step.name, err)
			}
		}
		if s := inspect(t, c, id).State; s != step.then {
			t.Errorf("after %s the state is %s, want %s", step.name, s, step.then)
		}
	}
	for range 2 {
		if err := c.Remove(t.Context(), id); err != nil {
			t.Errorf("remove: %v", err)
		}
	}
	_, err := c.Inspect(t.Context(), id)
	wantFault(t, err, fault.RuntimeContainer, fault.NotFound, `cannot inspect container "`+id+`": No such container`)
}

func TestStopKillsAfterTheContainersOwnGracePeriod(t *testing.T) {
	c := connect(t)
	id := run(t, c, "stubborn", spec.ContainerSpec{Args: []string{"-ignore-term"}, TerminationGracePeriodSeconds: new(int64(1))}).ID
	if err := c.Stop(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if s := inspect(t, c, id); s.State != plan.StateExited || s.ExitCode != 137 {
		t.Errorf("state %s, exit code %d, want exited by SIGKILL (137)", s.State, s.ExitCode)
	}
}

func TestAContainerIsReferredToByID(t *testing.T) {
	c := connect(t)
	peer := run(t, c, "host", spec.ContainerSpec{IpcMode: "shareable"})
	by := "container:" + peer.Name
	guest := run(t, c, "guest", spec.ContainerSpec{NetworkMode: by, PidMode: by, IpcMode: by})
	for field, mode := range map[string]string{"networkMode": guest.Spec.NetworkMode, "pidMode": guest.Spec.PidMode, "ipcMode": guest.Spec.IpcMode} {
		if want := "container:" + peer.ID; mode != want {
			t.Errorf("%s is %s, want %s: the engine resolves the name at the creation", field, mode, want)
		}
	}
	if len(guest.Endpoints) != 0 {
		t.Errorf("endpoints %v, want none of its own", guest.Endpoints)
	}
}

func TestAliasesAreThoseAskedFor(t *testing.T) {
	c := connect(t)
	n := createNetwork(t, c, "aliases", spec.NetworkSpec{})
	name := named("aliased")
	id, _, err := create(t, c, plan.Create{Name: name, Spec: spec.ContainerSpec{Image: appImage, Networks: []spec.NetworkAttachment{{Name: n.Name, Aliases: []string{"web", "www"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		if got := inspect(t, c, id).Endpoints[n.Name]; !slices.Equal(got.Aliases, []string{"web", "www"}) {
			t.Errorf("%s: aliases %v", when, got.Aliases)
		}
	}
	check("created")
	for _, step := range []struct {
		when string
		do   func(context.Context, string) error
	}{{"running", c.Start}, {"stopped", c.Stop}, {"running again", c.Start}} {
		if err := step.do(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		check(step.when)
	}
}

func TestConnectAndDisconnect(t *testing.T) {
	c := connect(t)
	first := createNetwork(t, c, "first", spec.NetworkSpec{})
	second := createNetwork(t, c, "second", spec.NetworkSpec{IPAM: &spec.IPAM{Pools: []spec.IPAMPool{{Subnet: "10.213.79.0/24"}}}})
	id := run(t, c, "roamer", spec.ContainerSpec{Networks: []spec.NetworkAttachment{{Name: first.Name}}}).ID

	if err := c.Connect(t.Context(), second.Name, id, spec.NetworkAttachment{Name: second.Name, Aliases: []string{"x"}, IPv4Address: "10.213.79.7"}); err != nil {
		t.Fatal(err)
	}
	wantFault(t, c.Connect(t.Context(), second.Name, id, spec.NetworkAttachment{}), fault.RuntimeNetwork, fault.Conflict, "already exists in network")
	seen := inspect(t, c, id)
	if e := seen.Endpoints[second.Name]; e.IPv4Address != "10.213.79.7" || e.Address != "10.213.79.7" || e.NetworkID != second.ID {
		t.Errorf("endpoint %+v", e)
	}
	if err := c.Disconnect(t.Context(), first.Name, id); err != nil {
		t.Fatal(err)
	}
	wantFault(t, c.Disconnect(t.Context(), first.Name, id), fault.RuntimeNetwork, fault.NotFound, "is not connected to")
	seen = inspect(t, c, id)
	if _, on := seen.Endpoints[first.Name]; on || seen.Spec.NetworkMode != "" {
		t.Errorf("network mode %q, endpoints %v, want only the second network", seen.Spec.NetworkMode, seen.Endpoints)
	}
	n, err := c.InspectNetwork(t.Context(), second.Name)
	if err != nil || n.Attached[id] != named("roamer") {
		t.Errorf("attached %v, error %v", n.Attached, err)
	}
	wantFault(t, c.RemoveNetwork(t.Context(), second.Name), fault.ResourceUsage, fault.Conflict, "has active endpoints")
}

func TestANetworkThatIsGone(t *testing.T) {
	c := connect(t)
	n := createNetwork(t, c, "gone", spec.NetworkSpec{})
	id, _, err := create(t, c, plan.Create{Name: named("left"), Spec: spec.ContainerSpec{Image: appImage, Networks: []spec.NetworkAttachment{{Name: n.Name}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.RemoveNetwork(t.Context(), n.Name); err != nil {
		t.Fatalf("a container that does not run holds no network: %v", err)
	}
	if _, on := inspect(t, c, id).Endpoints[n.Name]; !on {
		t.Error("the container forgot its network, want it to keep the name")
	}
	wantFault(t, c.Start(t.Context(), id), fault.RuntimeNetwork, fault.NotFound, "not found")
	if err := c.Disconnect(t.Context(), n.Name, id); err != nil {
		t.Errorf("disconnect from a network that is gone: %v", err)
	}
	if e := inspect(t, c, id).Endpoints; len(e) != 0 {
		t.Errorf("endpoints %v, want none", e)
	}
}

func TestAFailedCreationLeavesNothingButTheCarriedVolume(t *testing.T) {
	c := connect(t)
	n := createNetwork(t, c, "half", spec.NetworkSpec{})
	volume := createVolume(t, c, "carried", spec.VolumeSpec{})
	other := createNetwork(t, c, "other-half", spec.NetworkSpec{})
	s := spec.ContainerSpec{Image: metaImage, Networks: []spec.NetworkAttachment{{Name: n.Name}, {Name: other.Name, IPv4Address: "10.213.82.5"}}}
	_, _, err := create(t, c, plan.Create{Name: named("half"), Spec: s, Anonymous: map[string]string{"/data": volume}})
	wantFault(t, err, fault.RuntimeContainer, fault.Terminal, "user configured subnets")
	if _, err := c.Inspect(t.Context(), named("half")); !fault.Is(err, fault.NotFound) {
		t.Errorf("a half-made container is there, or: %v", err)
	}
	volumes, err := c.Volumes(t.Context())
	if err != nil || !slices.ContainsFunc(volumes, func(v plan.Volume) bool { return v.Name == volume }) {
		t.Errorf("the carried volume went with it: %v", err)
	}
}

func TestAnonymousVolumesAreCarriedOver(t *testing.T) {
	c := connect(t)
	s := spec.ContainerSpec{Image: metaImage, Volumes: []spec.VolumeMount{{MountPath: "/more", Volume: &spec.VolumeSource{}}}}
	old, _, err := create(t, c, plan.Create{Name: named("old"), Spec: s})
	if err != nil {
		t.Fatal(err)
	}
	was := inspect(t, c, old)
	if was.Anonymous["/data"] == "" || was.Anonymous["/more"] == "" {
		t.Fatalf("anonymous volumes %v, want those of the image and of the spec", was.Anonymous)
	}
	if err := c.Remove(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	id, _, err := create(t, c, plan.Create{Name: named("heir"), Spec: s, Anonymous: was.Anonymous})
	if err != nil {
		t.Fatal(err)
	}
	is := inspect(t, c, id)
	for path, volume := range was.Anonymous {
		if is.Anonymous[path] != volume {
			t.Errorf("%s is %s, want %s", path, is.Anonymous[path], volume)
		}
	}
	want := leaves(was.Spec)
	delete(want, "hostname") // the engine's own, of the container's ID
	compare(t, "carried", want, is)
}

func TestUpdate(t *testing.T) {
	c := connect(t)
	id := run(t, c, "updated", spec.ContainerSpec{Resources: spec.Resources{Limits: spec.ResourceLimits{Memory: new(resource.MustParse("64Mi"))}}}).ID
	always := spec.RestartOnFailure
	err := c.Update(t.Context(), id, plan.Update{
		NanoCPUs: new(int64(5e8)), CPUShares: new(int64(300)), CPUSetCPUs: new("0"), CPUSetMems: new("0"),
		Memory: new(int64(128 << 20)), MemorySwap: new(int64(160 << 20)), MemoryReservation: new(int64(16 << 20)),
		Pids: new(int64(40)), RestartPolicy: &always, MaximumRetryCount: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := parse(t, `{resources: {requests: {memory: 16Mi}, limits: {cpu: 500m, memory: 128Mi, swap: 32Mi, pids: 40}, cpuShares: 300, cpusetCpus: "0", cpusetMems: "0"}, restartPolicy: OnFailure, maximumRetryCount: 2}`)
	compare(t, "updated", leaves(want), inspect(t, c, id))

	if err := c.Update(t.Context(), id, plan.Update{Pids: new(int64(-1))}); err != nil {
		t.Fatal(err)
	}
	if p := inspect(t, c, id).Spec.Resources.Limits.Pids; p != nil && *p > 0 {
		t.Errorf("pids %d, want no limit", *p)
	}
	wantFault(t, c.Update(t.Context(), id, plan.Update{Memory: new(int64(1 << 20)), MemorySwap: new(int64(2 << 20))}), fault.ResourceLimit, fault.Terminal, "Minimum memory limit")
	wantFault(t, c.Update(t.Context(), id, plan.Update{Memory: new(int64(1 << 30))}), fault.ResourceLimit, fault.Terminal, "memoryswap")
}

func TestAMemoryLimitBelowWhatIsUsed(t *testing.T) {
	c := connect(t)
	id := run(t, c, "eater", spec.ContainerSpec{
		Args:      []string{"-eat-memory", "48Mi"},
		Resources: spec.Resources{Limits: spec.ResourceLimits{Memory: new(resource.MustParse("256Mi")), Swap: new(resource.MustParse("0"))}},
	}).ID
	low := plan.Update{Memory: new(int64(16 << 20)), MemorySwap: new(int64(16 << 20))}
	wait(t, "the engine refuses the limit", func() bool {
		err := c.Update(t.Context(), id, low)
		if err != nil {
			wantFault(t, err, fault.ResourceUsage, fault.Conflict, "memory")
			return true
		}
		high := plan.Update{Memory: new(int64(256 << 20)), MemorySwap: new(int64(256 << 20))}
		if err := c.Update(t.Context(), id, high); err != nil {
			t.Fatal(err)
		}
		return false
	})
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

func TestNetworks(t *testing.T) {
	c := connect(t)
	asked := parseNetwork(t, `{options: {com.docker.network.bridge.name: berthteng0}, internal: true, ipv6: true, labels: {a: b},
		ipam: {driver: default, pools: [{subnet: 10.213.81.0/24, ipRange: 10.213.81.128/25, gateway: 10.213.81.1, auxAddresses: {other: 10.213.81.2}}, {subnet: "fd00:be58::/64"}]}}`)
	n := createNetwork(t, c, "all", asked)
	want, got := networkLeaves(asked), networkLeaves(n.Spec)
	for path, values := range want {
		for _, v := range values {
			if !slices.Contains(got[path], v) {
				t.Errorf("%s is %v, want %s", path, got[path], v)
			}
		}
	}
	list, err := c.Networks(t.Context())
	if err != nil || !slices.ContainsFunc(list, func(o plan.Network) bool { return o.ID == n.ID && o.Labels["a"] == "b" && o.Spec.Driver == "bridge" }) {
		t.Errorf("not in the list of %d, or: %v", len(list), err)
	}

	for name, test := range map[string]struct {
		name, spec string
		class      fault.Class
		behaviour  fault.Behaviour
		says       string
	}{
		"name":    {named("all"), `{}`, fault.RuntimeNetwork, fault.Conflict, "already exists"},
		"overlap": {named("other"), `{ipam: {pools: [{subnet: 10.213.81.0/25}]}}`, fault.ResourceAllocation, fault.Conflict, "overlap"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.CreateNetwork(t.Context(), plan.NetworkCreate{Name: test.name, Spec: parseNetwork(t, test.spec)})
			wantFault(t, err, test.class, test.behaviour, test.says)
		})
	}
	if err := c.RemoveNetwork(t.Context(), named("other")); err != nil {
		t.Errorf("removing a network that is gone: %v", err)
	}
}

func TestVolumes(t *testing.T) {
	c := connect(t)
	options := map[string]string{"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
	name := createVolume(t, c, "vol-all", spec.VolumeSpec{Driver: "local", Options: options, Labels: map[string]string{"a": "b"}})
	list, err := c.Volumes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(v plan.Volume) bool { return v.Name == name })
	if i < 0 {
		t.Fatal("not in the list")
	}
	if v := list[i]; v.Spec.Driver != "local" || v.Spec.Options["o"] != "size=1m" || v.Labels["a"] != "b" || v.CreatedAt.IsZero() || !filepath.IsAbs(v.Mountpoint) {
		t.Errorf("volume %+v", v)
	}
	id, _, err := create(t, c, plan.Create{Name: named("user"), Spec: spec.ContainerSpec{Image: appImage, Volumes: []spec.VolumeMount{{MountPath: "/v", Volume: &spec.VolumeSource{Name: name}}}}})
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, c.RemoveVolume(t.Context(), name), fault.ResourceUsage, fault.Conflict, "volume is in use")
	if err := c.Remove(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

// TestUnknownDrivers runs beside others: the engine looks for a driver for 15 s before it says that there is none.
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

func TestListSaysWhatInspectSays(t *testing.T) {
	c := connect(t)
	n := createNetwork(t, c, "listed", spec.NetworkSpec{})
	healthy := parse(t, `{args: [-http, ":8080"], healthcheck: {command: [/testapp, healthcheck], interval: 1s}, labels: {a: b}, networks: [{name: `+n.Name+`}]}`)
	id := run(t, c, "listed", healthy).ID
	wait(t, "the container is healthy", func() bool { return summary(t, c, id).Health == plan.HealthHealthy })
	got, want := summary(t, c, id), inspect(t, c, id).Summary
	if got.Name != want.Name || got.State != want.State || got.Health != want.Health || got.Image != want.Image || got.ImageID != want.ImageID ||
		got.Labels["a"] != "b" || got.Networks[n.Name] != n.ID || want.Networks[n.Name] != n.ID {
		t.Errorf("list says    %+v\ninspect says %+v", got, want)
	}
}

func summary(t *testing.T, c *engine.Client, id string) plan.Summary {
	t.Helper()
	list, err := c.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(s plan.Summary) bool { return s.ID == id })
	if i < 0 {
		t.Fatalf("container %s is not in the list", id)
	}
	return list[i]
}

// wait polls for what the engine brings about in its own time.
func wait(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %s in vain: %s", patience, what)
		}
	}
}

func TestImage(t *testing.T) {
	c := connect(t)
	i, err := c.Image(t.Context(), metaImage)
	if err != nil {
		t.Fatal(err)
	}
	want := parse(t, `{command: [/testapp], args: [-http, ":8080"], workingDir: /data, user: app, stopSignal: SIGUSR1,
		env: [{name: VERSION, value: "1"}, {name: FROM_IMAGE, value: "yes"}], labels: {from-image: "yes"},
		ports: [{containerPort: 8080, protocol: TCP}, {containerPort: 9090, protocol: UDP}], volumes: [{mountPath: /data, volume: {}}],
		healthcheck: {command: [/testapp, healthcheck], interval: 1s, timeout: 5s, retries: 2}}`)
	compare(t, "image", leaves(want), plan.Container{Spec: i.Defaults})
	if i.ID == "" || i.Platform == "" {
		t.Errorf("ID %q, platform %q", i.ID, i.Platform)
	}
	// A container on it is the image's defaults, and what the engine adds.
	id, _, err := create(t, c, plan.Create{Name: named("plain"), Spec: spec.ContainerSpec{Image: metaImage}})
	if err != nil {
		t.Fatal(err)
	}
	seen := inspect(t, c, id)
	compare(t, "container", leaves(i.Defaults), seen)
	if seen.ImageID != i.ID {
		t.Errorf("the container's image is %s, want %s", seen.ImageID, i.ID)
	}
	_, err = c.Image(t.Context(), "berth.test/none:1")
	wantFault(t, err, fault.RuntimeImage, fault.NotFound, "No such image")
}

func TestPullFails(t *testing.T) {
	c := connect(t)
	err := c.Pull(t.Context(), "127.0.0.1:1/none:1", "", nil)
	wantFault(t, err, fault.RuntimeImage, fault.Retry, "connection refused")
}

func TestInfo(t *testing.T) {
	e, err := connect(t).Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e.ID == "" || e.Version == "" || !plan.APIAtLeast(e.APIVersion, "1.41") || e.CgroupVersion == "" || e.NCPU == 0 || e.MemTotal == 0 ||
		!slices.Contains(e.Runtimes, e.DefaultRuntime) || e.StorageDriver == "" || e.DataRoot == "" {
		t.Errorf("%+v", e)
	}
}
