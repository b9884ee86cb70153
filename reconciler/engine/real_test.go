package engine_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/engine"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

var _ reconciler.Observer = (*engine.Client)(nil)

// The images that hack/images builds.
const (
	appImage  = "berth.test/app:1"
	metaImage = "berth.test/meta:1"
)

// patience is how long a test waits for the engine before it fails.
const patience = 30 * time.Second

// named gives a name of this run's own.
func named(name string) string { return fmt.Sprintf("berthtest-eng-%d-%s", os.Getpid(), name) }

// connect gives the real engine, found as the agent finds it.
func connect(t *testing.T) *engine.Client {
	t.Helper()
	c, err := engine.New(engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.Image(t.Context(), appImage); err != nil {
		t.Fatalf("this test needs a Docker Engine and the test images: run hack/engine and hack/images: %v", err)
	}
	return c
}

// create makes a container that is removed with its anonymous volumes when the test ends.
func create(t *testing.T, c *engine.Client, p plan.Create) (string, []string, error) {
	t.Helper()
	id, warnings, err := c.Create(t.Context(), p)
	if err == nil {
		t.Cleanup(func() { remove(t, c, id) })
	}
	return id, warnings, err
}

func remove(t *testing.T, c *engine.Client, id string) {
	t.Helper()
	ctx := context.Background() // the test's own has ended
	seen, err := c.Inspect(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return
	}
	if err := c.Remove(ctx, id); err != nil {
		t.Errorf("left behind: %v", err)
	}
	for _, v := range seen.Anonymous {
		if err := c.RemoveVolume(ctx, v); err != nil && !fault.Is(err, fault.NotFound) {
			t.Errorf("left behind: %v", err)
		}
	}
}

// run creates and starts a container that does nothing until it is told to stop.
func run(t *testing.T, c *engine.Client, name string, s spec.ContainerSpec) plan.Container {
	t.Helper()
	s.Image = appImage
	if s.Args == nil {
		s.Args = []string{"-exit-after", "1h"}
	}
	id, _, err := create(t, c, plan.Create{Name: named(name), Spec: s})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	return inspect(t, c, id)
}

func inspect(t *testing.T, c *engine.Client, id string) plan.Container {
	t.Helper()
	seen, err := c.Inspect(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

func createNetwork(t *testing.T, c *engine.Client, name string, s spec.NetworkSpec) plan.Network {
	t.Helper()
	id, err := c.CreateNetwork(t.Context(), plan.NetworkCreate{Name: named(name), Spec: s})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.RemoveNetwork(context.Background(), id); err != nil {
			t.Errorf("left behind: %v", err)
		}
	})
	n, err := c.InspectNetwork(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func createVolume(t *testing.T, c *engine.Client, name string, s spec.VolumeSpec) string {
	t.Helper()
	if err := c.CreateVolume(t.Context(), plan.VolumeCreate{Name: named(name), Spec: s}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.RemoveVolume(context.Background(), named(name)); err != nil {
			t.Errorf("left behind: %v", err)
		}
	})
	return named(name)
}

// wantFault checks the type of an error and that its text says something.
func wantFault(t *testing.T, err error, class fault.Class, behaviour fault.Behaviour, says string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("no error, want %s", class)
	case fault.ClassOf(err) != class || !fault.Is(err, behaviour):
		t.Errorf("class %s, behaviour %d as wanted: %t, want %s: %v", fault.ClassOf(err), behaviour, fault.Is(err, behaviour), class, err)
	case !strings.Contains(err.Error(), says):
		t.Errorf("error does not say %q: %v", says, err)
	}
}
