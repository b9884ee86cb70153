package watcher

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

const maxStale = 4096 // files named in events between two passes; beyond, all are read again

// notifier takes the kernel's events off its queue as they come, whatever the rest is doing, and keeps of
// them only that something changed, when, and which files were named.
type notifier struct {
	fs   *fsnotify.Watcher
	add  func(*fsnotify.Watcher, string) error
	wake chan struct{}
	done chan struct{} // closed when the pump has ended

	mu     sync.Mutex
	live   map[string]*interest // by real directory: what in it matters
	next   map[string]*interest // of the pass under way
	change changes
}

// interest is what matters in one directory. Of a directory on the way to a root that is one name.
type interest struct {
	all   bool
	names map[string]bool
}

// changes is what came since it was last taken. The zero value is nothing.
type changes struct {
	first, last time.Time
	stale       map[string]bool // real paths
	lost        bool            // events were dropped: anything may have changed
}

func newNotifier(newWatcher func() (*fsnotify.Watcher, error), add func(*fsnotify.Watcher, string) error) (*notifier, error) {
	w, err := newWatcher()
	if err != nil {
		return nil, err
	}
	n := &notifier{fs: w, add: add, wake: make(chan struct{}, 1), done: make(chan struct{}), live: map[string]*interest{}}
	go n.pump()
	return n, nil
}

// close also waits for the pump.
func (n *notifier) close() error {
	err := n.fs.Close()
	<-n.done
	return err
}

func (n *notifier) pump() {
	defer close(n.done)
	events, errs := n.fs.Events, n.fs.Errors
	for events != nil || errs != nil {
		select {
		case e, ok := <-events:
			if !ok {
				events = nil
			} else if path := clean(e.Name); n.matters(path, e.Op) {
				n.note(path, false)
			}
		case err, ok := <-errs:
			if !ok {
				errs = nil
			} else if err != nil { // an overflow, or a state that fsnotify cannot explain: the same to us
				n.note("", true)
			}
		}
	}
}

// matters is false only where an event certainly changes nothing. An event without a name is a watch that ended.
func (n *notifier) matters(path string, op fsnotify.Op) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	name, in := filepath.Base(path), n.live[filepath.Dir(path)]
	switch {
	case path == "", n.live[path] != nil, in == nil, in.names[name]:
		return true
	case !in.all, ignored(name):
		return false
	}
	return op != fsnotify.Write || IsManifest(name) // any other change may be of a directory
}

// clean mends the `//etc` that fsnotify makes of an entry of the root directory.
func clean(path string) string {
	if path == "" {
		return ""
	}
	return filepath.Clean(path)
}

func (n *notifier) note(path string, lost bool) {
	n.mu.Lock()
	n.change.add(path, lost, time.Now())
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (c *changes) add(path string, lost bool, now time.Time) {
	if c.last = now; c.first.IsZero() {
		c.first, c.stale = now, map[string]bool{}
	}
	if path != "" {
		c.stale[path] = true
	}
	c.lost = c.lost || lost || len(c.stale) > maxStale
	if c.lost {
		clear(c.stale)
	}
}

func (n *notifier) peek() (first, last time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.change.first, n.change.last
}

func (n *notifier) take() changes {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.change
	n.change = changes{}
	return c
}

// begin starts collecting anew what matters; commit drops what no longer does.
func (n *notifier) begin() { n.next = map[string]*interest{} }

func (n *notifier) commit() {
	n.mu.Lock()
	n.live = n.next
	n.mu.Unlock()
	for _, dir := range n.fs.WatchList() {
		if n.next[dir] == nil {
			_ = n.fs.Remove(dir) // it may have ended by itself
		}
	}
}

// watch makes changes of name in dir wake us, or of all in dir where name is "". The kernel is asked in every
// pass, not only the first time: it is cheap, and a watch may have ended or moved along with its directory.
func (n *notifier) watch(dir, name string) error {
	known := n.next[dir] != nil
	n.mu.Lock()
	want(n.live, dir, name) // at once: what happens from now on counts
	want(n.next, dir, name)
	n.mu.Unlock()
	if known {
		return nil
	}
	err := n.add(n.fs, dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil // went away; the directory above it tells
	}
	if err != nil {
		return fmt.Errorf("cannot watch %s: %w", dir, explain(err))
	}
	return nil
}

func want(set map[string]*interest, dir, name string) {
	if set[dir] == nil {
		set[dir] = &interest{names: map[string]bool{}}
	}
	if name == "" {
		set[dir].all = true
	} else {
		set[dir].names[name] = true
	}
}

// explain puts the kernel's answers, which mislead, in terms of what to raise.
func explain(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("the limit of inotify watches is reached (sysctl fs.inotify.max_user_watches): %w", err)
	case errors.Is(err, syscall.EMFILE):
		return fmt.Errorf("the limit of inotify instances or of open files is reached "+
			"(sysctl fs.inotify.max_user_instances, ulimit -n): %w", err)
	}
	return err
}
