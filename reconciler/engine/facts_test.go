package engine_test

import (
	"context"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// What the engine really does with containers, as far as berth counts on it.

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

func TestUnpause(t *testing.T) {
	c := connect(t)
	id := run(t, c, "paused", spec.ContainerSpec{}).ID
	if err := c.Pause(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if s := inspect(t, c, id).State; s != plan.StatePaused {
		t.Errorf("state %s, want paused", s)
	}
	if err := c.Unpause(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if s := inspect(t, c, id).State; s != plan.StateRunning {
		t.Errorf("state %s, want running", s)
	}
}

func TestRename(t *testing.T) {
	c := connect(t)
	id, other := run(t, c, "one", spec.ContainerSpec{}).ID, run(t, c, "other", spec.ContainerSpec{}).Name
	wantFault(t, c.Rename(t.Context(), id, other), fault.RuntimeContainer, fault.Conflict, "already in use")
	if err := c.Rename(t.Context(), id, named("another")); err != nil {
		t.Fatal(err)
	}
	if n := inspect(t, c, id).Name; n != named("another") {
		t.Errorf("name %s", n)
	}
	wantFault(t, c.Rename(t.Context(), named("one"), named("x")), fault.RuntimeContainer, fault.NotFound, "No such container")
}

func TestWhyAStartFailedIsKept(t *testing.T) {
	c := connect(t)
	run(t, c, "holder", parse(t, `{ports: [{containerPort: 80, hostPort: 38491, hostIP: 127.0.0.1}]}`))
	s := parse(t, `{image: "`+appImage+`", ports: [{containerPort: 80, hostPort: 38491, hostIP: 127.0.0.1}]}`)
	id, _, err := create(t, c, plan.Create{Name: named("loser"), Spec: s})
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, c.Start(t.Context(), id), fault.ResourceAllocation, fault.Conflict, "port is already allocated")
	if seen := inspect(t, c, id); seen.State != plan.StateCreated || seen.Error != "Bind for 127.0.0.1:38491 failed: port is already allocated" {
		t.Errorf("state %s, error %q", seen.State, seen.Error)
	}
}

func TestHowAContainerEnded(t *testing.T) {
	c := connect(t)
	id := run(t, c, "ended", spec.ContainerSpec{Args: []string{"-exit-after", "10ms", "-exit-code", "7"}}).ID
	wait(t, "the container has ended", func() bool { return inspect(t, c, id).State == plan.StateExited })
	seen := inspect(t, c, id)
	if seen.ExitCode != 7 || seen.OOMKilled || seen.StartedAt.IsZero() || seen.FinishedAt.Before(seen.StartedAt) || seen.CreatedAt.After(seen.StartedAt) {
		t.Errorf("%+v", seen)
	}
}

func TestRestartsAreCounted(t *testing.T) {
	c := connect(t)
	id := run(t, c, "restarted", spec.ContainerSpec{Args: []string{"-exit-after", "10ms", "-exit-code", "1"}, RestartPolicy: spec.RestartAlways}).ID
	wait(t, "the engine has restarted it twice", func() bool { return inspect(t, c, id).RestartCount >= 2 })
	wait(t, "the list says restarting or running", func() bool {
		s := summary(t, c, id).State
		return s == plan.StateRestarting || s == plan.StateRunning
	})
}
