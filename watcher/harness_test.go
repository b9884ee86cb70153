package watcher

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

const deadline = 10 * time.Second

// harness runs a Dir over a temporary directory.
type harness struct {
	*testing.T
	root  string
	snaps chan Snapshot
	last  Snapshot
	count int // snapshots received
}

func start(t *testing.T, root string, change ...func(*Dir)) *harness {
	t.Helper()
	h := &harness{T: t, root: root, snaps: make(chan Snapshot)}
	d := NewDir(DirOptions{Roots: []string{root}})
	for _, f := range change {
		f(d)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, h.snaps) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(deadline):
			t.Error("Run does not end")
		}
		noGoroutines(t)
	})
	h.next()
	return h
}

// noGoroutines fails where a goroutine of fsnotify or of ours outlived Run. Run waits for them, so there is nothing to wait for
// but the instruction or two between their last act and their end.
func noGoroutines(t *testing.T) {
	buf := make([]byte, 1<<20)
	for end := time.Now().Add(deadline); ; runtime.Gosched() {
		stacks := string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "readEvents") && !strings.Contains(stacks, "(*notifier).pump") {
			return
		}
		if time.Now().After(end) {
			t.Errorf("goroutines left:\n%s", stacks)
			return
		}
	}
}

func (h *harness) next() Snapshot {
	h.Helper()
	select {
	case h.last = <-h.snaps:
		h.count++
	case <-time.After(deadline):
		h.Fatalf("no snapshot; the last was %s", show(h.last))
	}
	return h.last
}

// until waits for a snapshot that shows as want.
func (h *harness) until(want string) {
	h.Helper()
	h.untilTrue(want, func(s Snapshot) bool { return show(s) == want })
}

func (h *harness) untilTrue(what string, ok func(Snapshot) bool) {
	h.Helper()
	for end := time.After(deadline); !ok(h.last); {
		select {
		case h.last = <-h.snaps:
			h.count++
		case <-end:
			h.Fatalf("waiting for %s; the last snapshot was %s", what, show(h.last))
		}
	}
}

// path is that of a file under the root.
func (h *harness) path(name string) string { return filepath.Join(h.root, name) }

// show prints a snapshot as `a.yaml=text b/c.yaml!what is wrong`, with roots that are not present first.
func show(s Snapshot) string {
	var parts []string
	for _, r := range s.Roots {
		if r.State != Present {
			parts = append(parts, fmt.Sprintf("<%s>", r.State))
		}
	}
	for _, f := range s.Files {
		name := f.Path
		for _, r := range s.Roots {
			name = strings.TrimPrefix(name, filepath.Clean(r.Path)+"/")
		}
		if f.Err != nil {
			parts = append(parts, name+"!")
			continue
		}
		parts = append(parts, name+"="+string(f.Data))
	}
	return strings.Join(parts, " ")
}

func write(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// swap points a symbolic link elsewhere atomically, as Kubernetes does.
func swap(t testing.TB, target, link string) {
	t.Helper()
	tmp := filepath.Join(filepath.Dir(link), "..tmp_link")
	must(t, os.Symlink(target, tmp))
	must(t, os.Rename(tmp, link))
}
