package e2e

import (
	"context"
	"strings"
	"testing"

	"berth.dev/berth/controller/updates"
	"berth.dev/berth/reconciler/engine"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// TestImagesAreFoundInARegistry holds what image updates count on: the registry tells the digest that the engine pulls by, and the
// engine takes a reference of tag and digest wherever it takes a tag.
func TestImagesAreFoundInARegistry(t *testing.T) {
	r := startRegistry(t)
	app := r.address + "/e2e/updates"
	first := r.push(t, "berth.test/app:1", app+":1.0.0")
	checker := startChecker(t)
	byTag := following(app+":1.0.0", spec.UpdatePolicy{})
	byVersion := following(app+":1.0.0", spec.UpdatePolicy{Type: spec.UpdateSemVer, Range: "~1.0"})
	checker.Set([]spec.Object{byTag, byVersion})
	wantFound(t, checker, byTag, app+":1.0.0@"+first)
	wantFound(t, checker, byVersion, app+":1.0.0@"+first)

	second := r.push(t, "berth.test/app:2", app+":1.0.1")
	r.push(t, "berth.test/app:2", app+":1.1.0")
	r.push(t, "berth.test/app:2", app+":1.0.0") // the tag moves
	for _, o := range []*spec.Container{byTag, byVersion} {
		checker.Check(o.Key())
	}
	wantFound(t, checker, byVersion, app+":1.0.1@"+second)
	wantFound(t, checker, byTag, app+":1.0.0@"+second)
}

func TestTheEngineTakesATagWithADigest(t *testing.T) {
	r := startRegistry(t)
	tag := r.address + "/e2e/updates:1.0.0"
	found := tag + "@" + r.push(t, "berth.test/app:1", tag)
	c, err := engine.New(engine.Config{Host: engineHost})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Image(t.Context(), found); err == nil {
		t.Fatal("the image is there before the pull")
	}
	pinned := createFrom(t, c, "pinned", found)
	tagged := createFrom(t, c, "tagged", tag)
	if pinned.Spec.Image != found || pinned.ImageID != tagged.ImageID {
		t.Errorf("%s has image %s, %s has %s", pinned.Spec.Image, pinned.ImageID, tagged.Spec.Image, tagged.ImageID)
	}
	img, err := c.Image(t.Context(), tagged.ImageID)
	if err != nil {
		t.Fatal(err)
	}
	images := map[string]plan.Image{img.ID: img}
	for _, have := range []plan.Container{pinned, tagged} {
		o := following(tag, spec.UpdatePolicy{})
		if image, _ := plan.EffectiveImage(&o.Spec, found, []plan.Container{have}, images); image != have.Spec.Image {
			t.Errorf("a container of %s would be replaced by one of %s", have.Spec.Image, image)
		}
	}
}

type registry struct{ *hub }

func startRegistry(t *testing.T) registry {
	t.Helper()
	h, err := newHub(t.TempDir() + "/registry")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.stop)
	return registry{h}
}

// push gives an image to the registry, leaves it with no other name on the engine, and gives its digest there.
func (r registry) push(t *testing.T, from, ref string) (digest string) {
	t.Helper()
	must(t, "tag", from, ref)
	out := must(t, "push", ref)
	must(t, "rmi", ref)
	_, digest, _ = strings.Cut(out, "digest: ")
	digest, _, _ = strings.Cut(digest, " ")
	if digest == "" {
		t.Fatalf("no digest: %s", out)
	}
	return digest
}

func must(t *testing.T, args ...string) string {
	t.Helper()
	r := docker(args...)
	if r.err != nil {
		t.Fatal(r.err)
	}
	return r.stdout
}

func startChecker(t *testing.T) *updates.Checker {
	t.Helper()
	c := updates.New(updates.Options{StateDir: t.TempDir()})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return c
}

func following(image string, p spec.UpdatePolicy) *spec.Container {
	c := &spec.Container{Spec: spec.ContainerSpec{Image: image, UpdatePolicy: &p}}
	c.Metadata.Namespace, c.Metadata.Name = "e2e-updates", "app"+string(p.Type)
	return c
}

func wantFound(t *testing.T, c *updates.Checker, o *spec.Container, want string) {
	t.Helper()
	if !poll(within, func() bool { f, _ := c.Of(o.Key()); return f.Image == want }) {
		t.Fatalf("want %s: %+v", want, c.Status(o.Key()))
	}
}

// createFrom pulls an image, and makes a container of it that goes with the test, and the image too.
func createFrom(t *testing.T, c *engine.Client, name, ref string) plan.Container {
	t.Helper()
	if err := c.Pull(t.Context(), ref, "", nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, "rmi", "--force", ref) })
	if _, err := c.Image(t.Context(), ref); err != nil {
		t.Errorf("what was pulled as %s is not there by that name: %v", ref, err)
	}
	id, _, err := c.Create(t.Context(), plan.Create{Name: prefix + "updates-" + name, Spec: spec.ContainerSpec{Image: ref}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, "rm", "--force", id) })
	got, err := c.Inspect(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
