package enginetest

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// containerCases are about what a container is.
var containerCases = []contractCase{
	{"what is not there", testMissing},
	{"an image that is not there", testMissingImage},
	{"names are unique", testNames},
	{"a container has what its image sets", testImageDefaults},
	{"a container overrides what its image sets", testImageOverrides},
	{"the engine fills in what was left out", testEngineDefaults},
	{"list says what inspect says", testListAgrees},
	{"named volumes are made and stay", testNamedVolumes},
	{"anonymous volumes stay and are carried over", testAnonymousVolumes},
	{"volumes by themselves", testVolumes},
	{"a port in use shows at the start", testPortConflict},
	{"a peer is referred to by ID", testPeer},
}

func testMissing(b *bench) {
	e, ctx, none := b.Engine, b.Context(), b.named("none")
	id := b.start("there", b.app())
	for _, test := range []struct {
		call      string
		err       error
		class     fault.Class
		behaviour fault.Behaviour
	}{
		{"inspect", failed(e.Inspect(ctx, none)), fault.RuntimeContainer, fault.NotFound},
		{"start", e.Start(ctx, none), fault.RuntimeContainer, fault.NotFound},
		{"stop", e.Stop(ctx, none), fault.RuntimeContainer, fault.NotFound},
		{"unpause", e.Unpause(ctx, none), fault.RuntimeContainer, fault.NotFound},
		{"rename", e.Rename(ctx, none, none+"2"), fault.RuntimeContainer, fault.NotFound},
		{"update", e.Update(ctx, none, plan.Update{Pids: new(int64(9))}), fault.ResourceLimit, fault.NotFound},
		{"connect", e.Connect(ctx, "bridge", none, spec.NetworkAttachment{}), fault.RuntimeNetwork, fault.NotFound},
		{"connect", e.Connect(ctx, none, id, spec.NetworkAttachment{}), fault.RuntimeNetwork, fault.NotFound},
		{"disconnect", e.Disconnect(ctx, "bridge", none), fault.RuntimeNetwork, fault.NotFound},
		{"disconnect", e.Disconnect(ctx, none, id), fault.RuntimeNetwork, fault.NotFound},
		{"inspect network", failed(e.InspectNetwork(ctx, none)), fault.RuntimeNetwork, fault.NotFound},
		{"remove volume", e.RemoveVolume(ctx, none), fault.RuntimeVolume, fault.NotFound},
	} {
		b.wantFault(test.err, test.class, test.behaviour, "cannot "+test.call)
	}
	b.ok(e.Remove(ctx, none))
	b.ok(e.RemoveNetwork(ctx, none))
}

func failed[T any](_ T, err error) error { return err }

func testMissingImage(b *bench) {
	const none = "berth.test/none:1"
	b.wantFault(failed(b.Engine.Image(b.Context(), none)), fault.RuntimeImage, fault.NotFound, "cannot inspect image")
	_, _, err := b.Engine.Create(b.Context(), plan.Create{Name: b.named("none"), Spec: spec.ContainerSpec{Image: none}})
	b.wantFault(err, fault.RuntimeImage, fault.NotFound, "No such image")
	if err := b.Engine.Pull(b.Context(), "127.0.0.1:1/none:1", "", nil); fault.ClassOf(err) != fault.RuntimeImage {
		b.Errorf("class %s, want %s: %v", fault.ClassOf(err), fault.RuntimeImage, err)
	}
}

func testNames(b *bench) {
	e, ctx := b.Engine, b.Context()
	first, other := b.start("first", b.app()), b.create(plan.Create{Name: "other", Spec: b.app()})
	_, _, err := e.Create(ctx, plan.Create{Name: b.named("first"), Spec: b.app()})
	b.wantFault(err, fault.RuntimeContainer, fault.Conflict, "already in use")
	b.wantFault(e.Rename(ctx, other, b.named("first")), fault.RuntimeContainer, fault.Conflict, "already in use")
	b.wantFault(e.Rename(ctx, other, b.named("other")), fault.RuntimeContainer, fault.Terminal, "same name")
	b.wantFault(e.Rename(ctx, other, "!!"), fault.RuntimeContainer, fault.Terminal, "Invalid container name")

	b.ok(e.Rename(ctx, b.named("first"), b.named("renamed")))
	equal(b, "name", b.wantState(b.named("renamed"), plan.StateRunning).ID, first)
	b.wantFault(failed(e.Inspect(ctx, b.named("first"))), fault.RuntimeContainer, fault.NotFound, "")
	b.ok(e.Rename(ctx, other, b.named("first")))
}

func (b *bench) same(what string, got, want any) {
	b.Helper()
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b resource.Quantity) bool { return a.Cmp(b) == 0 })); diff != "" {
		b.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func testImageDefaults(b *bench) {
	img, err := b.Engine.Image(b.Context(), b.Meta)
	b.ok(err)
	c := b.inspect(b.create(plan.Create{Name: "plain", Labels: map[string]string{"own": "1"}, Spec: spec.ContainerSpec{Image: b.Meta}}))
	want := img.Defaults
	got := spec.ContainerSpec{
		Command: c.Spec.Command, Args: c.Spec.Args, WorkingDir: c.Spec.WorkingDir, Env: c.Spec.Env, User: c.Spec.User, Labels: c.Spec.Labels,
		Ports: c.Spec.Ports, Volumes: c.Spec.Volumes, StopSignal: c.Spec.StopSignal, Healthcheck: c.Spec.Healthcheck,
	}
	want.Labels = merged(want.Labels, map[string]string{"own": "1", spec.LabelImage: img.ID})
	b.same("spec", got, want)
	b.same("labels", c.Labels, want.Labels)
	equal(b, "image", c.Image, b.Meta)
	equal(b, "image ID", c.ImageID, img.ID)
	if len(img.Defaults.Volumes) == 0 || c.Anonymous[img.Defaults.Volumes[0].MountPath] == "" {
		b.Errorf("anonymous volumes %v, want one for each of %v", c.Anonymous, img.Defaults.Volumes)
	}
}

func testImageOverrides(b *bench) {
	img, err := b.Engine.Image(b.Context(), b.Meta)
	b.ok(err)
	label := slices.Sorted(maps.Keys(img.Defaults.Labels))[0]
	s := spec.ContainerSpec{
		Image: b.Meta, Args: []string{"-exit-after", "1h"}, WorkingDir: "/", User: "0", StopSignal: "SIGINT",
		Env:         []spec.EnvVar{{Name: "OWN", Value: "1"}, {Name: img.Defaults.Env[0].Name, Value: "other"}},
		Labels:      map[string]string{label: "spec's", "own": "1"},
		Ports:       []spec.Port{{Name: "web", ContainerPort: img.Defaults.Ports[0].ContainerPort, HostPort: &spec.PortRange{}}},
		Healthcheck: &spec.Healthcheck{Retries: 7},
	}
	got := b.inspect(b.create(plan.Create{Name: "own", Labels: map[string]string{"own": "berth's"}, Spec: s})).Spec
	b.same("env", got.Env, append(slices.Clone(s.Env), img.Defaults.Env[1:]...))
	b.same("labels", got.Labels, merged(img.Defaults.Labels, s.Labels, map[string]string{"own": "berth's", spec.LabelImage: img.ID}))
	b.same("command", append(got.Command, got.Args...), append(slices.Clone(img.Defaults.Command), s.Args...))
	b.same("the rest", []string{got.WorkingDir, got.User, got.StopSignal}, []string{"/", "0", "SIGINT"})
	check := *img.Defaults.Healthcheck
	check.Retries = 7
	b.same("healthcheck", *got.Healthcheck, check)
	published := img.Defaults.Ports[0]
	published.HostPort = &spec.PortRange{}
	b.same("ports", got.Ports, append([]spec.Port{published}, img.Defaults.Ports[1:]...))

	got = b.inspect(b.create(plan.Create{Name: "command", Spec: spec.ContainerSpec{Image: b.Meta, Command: []string{"/other"}}})).Spec
	b.same("another command takes the image's arguments away", append(got.Command, got.Args...), []string{"/other"})
	got = b.inspect(b.create(plan.Create{Name: "unchecked", Spec: spec.ContainerSpec{Image: b.Meta, Healthcheck: &spec.Healthcheck{Disable: true}}})).Spec
	equal(b, "disabled", got.Healthcheck.Disable, true)
}

func testEngineDefaults(b *bench) {
	info, err := b.Engine.Info(b.Context())
	b.ok(err)
	s := b.app()
	s.Resources.Limits.Memory = new(resource.MustParse("64Mi"))
	c := b.inspect(b.create(plan.Create{Name: "silent", Spec: s}))
	got := c.Spec
	b.same("swap, as much as memory", got.Resources.Limits.Swap, s.Resources.Limits.Memory)
	b.same("shm", got.Resources.ShmSize, new(resource.MustParse("64Mi")))
	equal(b, "network mode", got.NetworkMode, "bridge")
	equal(b, "restart policy", got.RestartPolicy, spec.RestartNever)
	equal(b, "ipc mode", got.IpcMode, "private")
	equal(b, "logging driver", got.Logging.Driver, info.LoggingDriver)
	equal(b, "runtime", got.Runtime, info.DefaultRuntime)
	equal(b, "hostname", got.Hostname, c.ID[:12])
	equal(b, "state", c.State, plan.StateCreated)
	equal(b, "times are zero, and it", c.StartedAt.IsZero() && c.FinishedAt.IsZero(), true)
	if p := got.SecurityContext.MaskedPaths; p == nil || !slices.Contains(*p, "/proc/kcore") {
		b.Errorf("masked paths %v, want Docker's", p)
	}
	privileged := b.app()
	privileged.SecurityContext.Privileged = true
	got = b.inspect(b.create(plan.Create{Name: "privileged", Spec: privileged})).Spec
	if o := got.SecurityContext.SELinuxOptions; got.SecurityContext.MaskedPaths != nil || o == nil || !o.Disable {
		b.Errorf("security context %+v, want no paths and no label", got.SecurityContext)
	}
}

func testListAgrees(b *bench) {
	n := b.network("listed", spec.NetworkSpec{})
	s := b.app()
	s.Labels = map[string]string{"a": "b"}
	s.Networks = []spec.NetworkAttachment{{Name: n.Name}}
	id := b.create(plan.Create{Name: "listed", Spec: s})
	for _, step := range []struct {
		do   func(context.Context, string) error
		then plan.State
	}{
		{func(context.Context, string) error { return nil }, plan.StateCreated},
		{b.Engine.Start, plan.StateRunning},
		{func(_ context.Context, id string) error { b.Pause(id); return nil }, plan.StatePaused},
		{b.Engine.Unpause, plan.StateRunning},
		{b.Engine.Stop, plan.StateExited},
	} {
		b.ok(step.do(b.Context(), id))
		// A stop is answered before lists know of it, from Docker 26 on; the events come after.
		b.until("it is listed as "+string(step.then), func() bool { return b.listed(id).State == step.then })
		b.same(string(step.then), b.listed(id), b.wantState(id, step.then).Summary)
	}
}

func mounted(path, volume string) spec.VolumeMount {
	return spec.VolumeMount{MountPath: path, Volume: &spec.VolumeSource{Name: volume}}
}

func testNamedVolumes(b *bench) {
	name := b.named("data")
	s := b.app()
	s.Volumes = []spec.VolumeMount{mounted("/v", name), {MountPath: "/t", Tmpfs: &spec.TmpfsSource{}}}
	id := b.create(plan.Create{Name: "keeper", Spec: s})
	b.Cleanup(func() { b.discardVolume(name) })
	b.same("mounts", b.inspect(id).Spec.Volumes, []spec.VolumeMount{s.Volumes[1], s.Volumes[0]})
	b.wantFault(b.Engine.RemoveVolume(b.Context(), name), fault.ResourceUsage, fault.Conflict, "volume is in use")
	b.ok(b.Engine.Remove(b.Context(), id))
	if _, there := b.volume(name); !there {
		b.Error("the volume went with its container")
	}
}

func testAnonymousVolumes(b *bench) {
	s := spec.ContainerSpec{Image: b.Meta, Volumes: []spec.VolumeMount{{MountPath: "/more", Volume: &spec.VolumeSource{}}}}
	was := b.inspect(b.create(plan.Create{Name: "old", Spec: s}))
	equal(b, "number of anonymous volumes", len(was.Anonymous), 2)
	b.ok(b.Engine.Remove(b.Context(), was.ID))
	for _, name := range was.Anonymous {
		if _, there := b.volume(name); !there {
			b.Errorf("volume %s went with its container", name)
		}
	}
	is := b.inspect(b.create(plan.Create{Name: "heir", Spec: s, Anonymous: was.Anonymous}))
	b.same("carried volumes", is.Anonymous, was.Anonymous)
	b.same("mounts", is.Spec.Volumes, was.Spec.Volumes)
}

func testVolumes(b *bench) {
	name := b.named("own")
	ask := plan.VolumeCreate{Name: name, Labels: map[string]string{"own": "1"}, Spec: spec.VolumeSpec{Labels: map[string]string{"a": "b"}}}
	b.ok(b.Engine.CreateVolume(b.Context(), ask))
	b.Cleanup(func() { b.discardVolume(name) })
	b.ok(b.Engine.CreateVolume(b.Context(), plan.VolumeCreate{Name: name}))
	v, there := b.volume(name)
	if !there || v.Spec.Driver != "local" || v.Mountpoint == "" {
		b.Errorf("volume %+v, there: %t", v, there)
	}
	b.same("labels, which the second creation leaves alone", v.Labels, map[string]string{"own": "1", "a": "b"})
	b.ok(b.Engine.RemoveVolume(b.Context(), name))
}

func testPortConflict(b *bench) {
	s := b.app()
	s.Ports = []spec.Port{{ContainerPort: spec.PortRange{First: 80, Last: 80}, HostPort: &spec.PortRange{First: contractPort, Last: contractPort}, HostIP: "127.0.0.1"}}
	first, second := b.start("first", s), b.create(plan.Create{Name: "second", Spec: s})
	published := []plan.HostPort{{IP: "127.0.0.1", Port: contractPort, Protocol: spec.ProtocolTCP}}
	b.same("published by the first", b.listed(first).Published, published)
	b.wantFault(b.Engine.Start(b.Context(), second), fault.ResourceAllocation, fault.Conflict, "port is already allocated")
	c := b.wantState(second, plan.StateCreated)
	equal(b, "exit code", c.ExitCode, 128)
	equal(b, "error tells of the port, and it", strings.Contains(c.Error, "port is already allocated"), true)
	equal(b, "never started, and it", c.StartedAt.IsZero(), true)

	b.ok(b.Engine.Stop(b.Context(), first))
	b.ok(b.Engine.Start(b.Context(), second))
	c = b.wantState(second, plan.StateRunning)
	b.same("published by the stopped first", b.listed(first).Published, []plan.HostPort(nil))
	b.same("published by the second", b.listed(second).Published, published)
	equal(b, "error", c.Error, "")
	equal(b, "exit code", c.ExitCode, 0)
}

func testPeer(b *bench) {
	peer := b.start("host", b.app())
	s := b.app()
	s.NetworkMode = "container:" + b.named("host")
	guest := b.create(plan.Create{Name: "guest", Spec: s})
	c := b.inspect(guest)
	equal(b, "mode", c.Spec.NetworkMode, "container:"+peer)
	equal(b, "number of endpoints", len(c.Endpoints), 0)
	b.ok(b.Engine.Stop(b.Context(), peer))
	b.wantFault(b.Engine.Start(b.Context(), guest), fault.RuntimeContainer, fault.Conflict, "cannot start container")
	b.ok(b.Engine.Remove(b.Context(), peer))
	b.wantFault(b.Engine.Start(b.Context(), guest), fault.RuntimeContainer, fault.NotFound, "cannot start container")
}
