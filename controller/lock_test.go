package controller

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	first := NewLock(dir, Holder{Host: "here", PID: 11, Command: "berth agent", Socket: "/s", Since: since})
	second := NewLock(dir, Holder{PID: 12, Command: "berth apply"})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(first.Hold("A:B/../C"))
	must(first.Hold("A:B/../C")) // again, after a reconnection
	var held *HeldError
	if err := second.Hold("A:B/../C"); !errors.As(err, &held) || held.Holder != first.holder || held.Engine != "A:B/../C" {
		t.Fatalf("the second got %v", err)
	}
	for _, want := range []string{"pid 11", "`berth agent`", "here", "2026-01-02T03:04:05Z"} {
		if !strings.Contains(held.Error(), want) {
			t.Errorf("%q does not say %q", held, want)
		}
	}
	must(second.Hold("other"))
	if !first.Holds("A:B/../C") || first.Holds("other") || second.Holds("A:B/../C") || !second.Holds("other") {
		t.Error("Holds does not say what is held")
	}
	first.Release()
	if first.Holds("A:B/../C") {
		t.Error("it holds what it has let go of")
	}
	must(second.Hold("A:B/../C")) // lets go of the other
	must(first.Hold("other"))
	second.Release()
	second.Release()
	entries, err := os.ReadDir(dir)
	must(err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{"A_B____C.lock", "other.lock"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestLockWithoutADirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := NewLock(file, Holder{}).Hold("E"); err == nil || !strings.Contains(err.Error(), "cannot lock the engine") {
		t.Errorf("got %v", err)
	}
}
