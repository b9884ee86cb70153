package watcher

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Whatever is done to the tree, the last snapshot is what a fresh read finds.
func TestRandomChanges(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h := start(t, filepath.Join(t.TempDir(), "root"), func(d *Dir) {
				d.opts.Debounce, d.opts.MaxDelay = 2*time.Millisecond, 20*time.Millisecond
				d.opts.PollInterval = time.Hour
			})
			must(t, os.MkdirAll(h.root, 0o755))
			c := chaos{h, rand.New(rand.NewPCG(seed, 0))}
			for range 20 {
				for range c.IntN(30) {
					c.step()
				}
				c.agree()
			}
		})
	}
}

type chaos struct {
	*harness
	*rand.Rand
}

// agree waits until the snapshots have come to what is there.
func (c chaos) agree() {
	c.Helper()
	want, _ := Read([]string{c.root}, 0)
	c.untilTrue(show(want), func(s Snapshot) bool { return s.equal(want) })
}

// any is a path from a set so small that operations meet.
func (c chaos) any() string {
	names := []string{"a", "b", "a.yaml", "b.yaml", "..data", "l.yaml", "c.json"}
	path := c.root
	for range 1 + c.IntN(3) {
		path = filepath.Join(path, names[c.IntN(len(names))])
	}
	return path
}

// step does something, or fails to: either is a tree to agree on.
func (c chaos) step() {
	path, other := c.any(), c.any()
	switch c.IntN(12) {
	case 0:
		_ = os.RemoveAll(path)
	case 1, 2:
		_ = os.Rename(path, other)
	case 3, 4:
		_ = os.MkdirAll(path, 0o755)
	case 5:
		target, _ := filepath.Rel(filepath.Dir(other), path)
		_ = os.Symlink(target, other+".new")
		_ = os.Rename(other+".new", other)
	case 6:
		_ = os.Link(path, other)
	case 7:
		_ = os.Chtimes(path, time.Now(), time.Unix(int64(c.IntN(2)), 0))
	case 8:
		if c.IntN(10) == 0 {
			_ = os.RemoveAll(c.root)
		}
	default:
		_ = os.MkdirAll(filepath.Dir(path), 0o755)
		_ = os.WriteFile(path, fmt.Append(nil, c.IntN(10)), 0o644)
	}
}
