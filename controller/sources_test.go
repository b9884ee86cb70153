package controller

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/enginetest"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

const deadline = 20 * time.Second

// eventually waits until what is true of an object.
func eventually(t *testing.T, c *Controller, what string, ok func(ObjectStatus) bool) {
	t.Helper()
	late := time.After(deadline)
	for {
		_, changed := c.Objects()
		s, _ := c.store.get(webKey)
		if ok(s) {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("waiting for %s: %+v, problems %v", what, s, c.Problems())
		}
	}
}

// TestFollow goes from files to containers, in real time: a file, its env file, and both gone and back.
func TestFollow(t *testing.T) {
	e := enginetest.New()
	defer e.Close()
	e.AddImage("web:1", plan.Image{})
	dir, state := t.TempDir(), t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(name string) {
		t.Helper()
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	c := New(e, Options{Prune: true, SameClock: true, StateDir: state, Log: logr.Discard()})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() { done <- c.Run(ctx) }()
	go func() { done <- c.Follow(ctx, []string{dir}) }()
	defer func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}()
	synced := func(s ObjectStatus) bool {
		return s.Status.Condition(reconciler.Synced).Status && s.Status.ObservedGeneration == s.Generation
	}
	hasEnv := func(value string) func(ObjectStatus) bool {
		return func(s ObjectStatus) bool {
			return synced(s) && c.catalog().objects[webKey].(*spec.Container).Spec.Env[0].Value == value
		}
	}
	put("app.env", "A=1\n")
	put("web.yaml", container("web", "envFile: [app.env]"))
	eventually(t, c, "the container", hasEnv("1"))
	put("app.env", "A=2\n")
	eventually(t, c, "the changed env file", hasEnv("2"))
	remove("app.env")
	eventually(t, c, "the missing env file", func(s ObjectStatus) bool { return s.Status.Condition(reconciler.Valid).Reason == "ManifestInvalid" })
	put("app.env", "A=3\n")
	eventually(t, c, "the env file that is back", hasEnv("3"))
	put("web.yaml", "kind: [")
	eventually(t, c, "the broken file", func(s ObjectStatus) bool {
		return s.Status.Condition(reconciler.Valid).Reason == "ManifestInvalid" && len(c.Problems()) == 1
	})
	remove("web.yaml")
	eventually(t, c, "the removal that waits", func(s ObjectStatus) bool { return s.Status.Condition(reconciler.Synced).Reason == ReasonPrunePending })
	c.ConfirmPrune()
	eventually(t, c, "the removal", func(s ObjectStatus) bool { return s.Name == "" })
	if all, err := e.List(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("left: %v %v", all, err)
	}
}
