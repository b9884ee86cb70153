package engine_test

import (
	"slices"
	"testing"
	"time"

	"berth.dev/berth/reconciler/engine"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

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
