package watcher

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/go-logr/logr/funcr"
)

// Each step changes the tree and says what the snapshots must come to. All start with a.yaml=1.
func TestDirChanges(t *testing.T) {
	type step struct {
		do   func(h *harness)
		want string
	}
	w := func(name, text string) func(*harness) {
		return func(h *harness) { write(h, h.path(name), text) }
	}
	rm := func(name string) func(*harness) {
		return func(h *harness) { must(h, os.RemoveAll(h.path(name))) }
	}
	mv := func(from, to string) func(*harness) {
		return func(h *harness) { must(h, os.Rename(h.path(from), h.path(to))) }
	}
	ln := func(target, name string) func(*harness) {
		return func(h *harness) { swap(h, target, h.path(name)) }
	}
	all := func(list ...func(*harness)) func(*harness) {
		return func(h *harness) {
			for _, f := range list {
				f(h)
			}
		}
	}
	tests := map[string][]step{
		"files": {
			{w("b.yml", "2"), "a.yaml=1 b.yml=2"},
			{w("a.yaml", "3"), "a.yaml=3 b.yml=2"},
			{w("a.yaml", "4"), "a.yaml=4 b.yml=2"},
			{mv("b.yml", "c.json"), "a.yaml=4 c.json=2"},
			{w("c.json", ""), "a.yaml=4 c.json="},
			{rm("c.json"), "a.yaml=4"},
			{rm("a.yaml"), ""},
		},
		"folders": {
			{w("x/y/z/b.yaml", "2"), "a.yaml=1 x/y/z/b.yaml=2"},
			{w("x/y/z/b.yaml", "3"), "a.yaml=1 x/y/z/b.yaml=3"},
			{mv("x", "w"), "a.yaml=1 w/y/z/b.yaml=3"},
			{w("w/y/z/b.yaml", "4"), "a.yaml=1 w/y/z/b.yaml=4"},
			{w("x/y/z/b.yaml", "5"), "a.yaml=1 w/y/z/b.yaml=4 x/y/z/b.yaml=5"},
			{w("w/y/z/b.yaml", "6"), "a.yaml=1 w/y/z/b.yaml=6 x/y/z/b.yaml=5"},
			{rm("w"), "a.yaml=1 x/y/z/b.yaml=5"},
			{all(mv("x", "../away"), w("b.yaml", "7")), "a.yaml=1 b.yaml=7"},
		},
		"save by rename": {
			{all(w(".a.yaml.swp", "s"), w("4913", ""), rm("4913"), mv("a.yaml", "a.yaml~"), w("a.yaml", "2"), rm("a.yaml~")),
				"a.yaml=2"},
			{all(w("a.yaml.tmp", "3"), mv("a.yaml.tmp", "a.yaml")), "a.yaml=3"},
			{w("a.yaml", "4"), "a.yaml=4"},
		},
		"config map": {
			{all(w("..1/b.yaml", "1"), ln("..1", "..data"), ln("..data/b.yaml", "b.yaml")), "a.yaml=1 b.yaml=1"},
			{all(w("..2/b.yaml", "2"), ln("..2", "..data"), rm("..1")), "a.yaml=1 b.yaml=2"},
			{w("..2/b.yaml", "3"), "a.yaml=1 b.yaml=3"},
			{rm("..data"), "a.yaml=1 b.yaml!"},
			{all(w("..4/b.yaml", "4"), ln("..4", "..data")), "a.yaml=1 b.yaml=4"},
			{rm("b.yaml"), "a.yaml=1"},
		},
		"linked folder": {
			{all(w("../v1/b.yaml", "1"), w("../v2/b.yaml", "2"), ln("../v1", "current")), "a.yaml=1 current/b.yaml=1"},
			{ln("../v2", "current"), "a.yaml=1 current/b.yaml=2"},
			{w("../v2/b.yaml", "3"), "a.yaml=1 current/b.yaml=3"},
			{rm("../v2"), "a.yaml=1 current!"},
			{w("../v2/c.yaml", "4"), "a.yaml=1 current/c.yaml=4"},
		},
		"loops": {
			{all(w("x/b.yaml", "2"), ln(".", "self"), ln("../x", "x/again"), ln("..", "x/up"), ln("/", "top")),
				"a.yaml=1 self! top! x/again! x/b.yaml=2 x/up!"},
			{all(ln("two", "one"), ln("one", "two"), rm("self"), rm("top"), rm("x")), "a.yaml=1 one! two!"},
		},
		"one file, several ways": {
			{all(ln("z/b.yaml", "0.yaml"), ln("z", "0"), w("z/b.yaml", "2")), "a.yaml=1 z/b.yaml=2"},
			{all(w("../o.yaml", "3"), ln("../o.yaml", "r.yaml"), ln("../o.yaml", "q.yaml")), "a.yaml=1 q.yaml=3 z/b.yaml=2"},
		},
		"root removed": {
			{rm("."), "<Missing>"},
			{w("a.yaml", "2"), "a.yaml=2"},
			{w("x/a.yaml", "3"), "a.yaml=2 x/a.yaml=3"},
			{mv(".", "../away"), "<Missing>"},
			{mv("../away", "."), "a.yaml=2 x/a.yaml=3"},
			{w("x/a.yaml", "4"), "a.yaml=2 x/a.yaml=4"},
		},
		"parent of the root removed": {
			{rm(".."), "<Missing>"},
			{w("a.yaml", "2"), "a.yaml=2"},
			{w("a.yaml", "3"), "a.yaml=3"},
		},
		"root is a swapped link": {
			{all(mv(".", "../v1"), ln("v1", "../dir")), "a.yaml=1"},
			{all(w("../v2/b.yaml", "2"), ln("v2", "../dir")), "b.yaml=2"},
			{w("../v2/b.yaml", "3"), "b.yaml=3"},
			{all(rm("../dir"), w("../v2/b.yaml", "4")), "<Missing>"},
			{ln("v2", "../dir"), "b.yaml=4"},
		},
		"not manifests": {
			{all(w(".b.yaml", "x"), w("b.yaml~", "x"), w("#b.yaml#", "x"), w("b.yaml.bak", "x"), w("README.md", "x"),
				w(".git/b.yaml", "x"), w("old.orig/b.yaml", "x"), w("c.yaml", "2")), "a.yaml=1 c.yaml=2"},
		},
		"bytes are not judged": {{w("b.yaml", "\x00\xff"), "a.yaml=1 b.yaml=\x00\xff"}},
		"too large": {
			{w("b.yaml", strings.Repeat("x", DefaultMaxFileSize+1)), "a.yaml=1 b.yaml!"},
			{w("b.yaml", "2"), "a.yaml=1 b.yaml=2"},
		},
		"same size within a tick": {
			{all(w("a.yaml", "2"), w("a.yaml", "3")), "a.yaml=3"},
			{all(w("a.yaml", "4"), w("a.yaml", "5")), "a.yaml=5"},
		},
	}
	for name, steps := range tests {
		for _, mode := range []string{"watched", "polled"} {
			t.Run(name+"/"+mode, func(t *testing.T) {
				root := filepath.Join(t.TempDir(), "above", "dir")
				write(t, filepath.Join(root, "a.yaml"), "1")
				h := start(t, root, func(d *Dir) {
					d.opts.PollInterval = time.Hour // a watch that is missing is not to be made up for
					if mode == "polled" {
						refuse(d)
					}
				})
				h.until("a.yaml=1")
				for _, s := range steps {
					s.do(h)
					h.until(s.want)
				}
			})
		}
	}
}

// refuse makes the kernel have no inotify instance to give.
func refuse(d *Dir) {
	d.opts.PollInterval = 5 * time.Millisecond
	d.newWatcher = func() (*fsnotify.Watcher, error) { return nil, os.NewSyscallError("inotify_init1", errEMFILE) }
}

func TestOneSnapshotOfManyFiles(t *testing.T) {
	h := start(t, t.TempDir(), func(d *Dir) {
		d.opts.Debounce, d.opts.MaxDelay = 300*time.Millisecond, time.Minute
	})
	for i := range 200 {
		write(t, h.path(fmt.Sprintf("ns%d/%d.yaml", i%7, i)), "x")
	}
	if n := len(h.next().Files); n != 200 {
		t.Errorf("the first snapshot after the checkout has %d of 200 files", n)
	}
}

func TestUnchangedContentIsNoSnapshot(t *testing.T) {
	passes := make(chan bool, 1)
	h := start(t, t.TempDir(), func(d *Dir) {
		d.remote = func(string) string { // asked in every pass
			select {
			case passes <- true:
			default:
			}
			return ""
		}
	})
	write(t, h.path("a.yaml"), "1")
	h.until("a.yaml=1")
	before := h.count
	changes := []func() error{
		func() error { return os.Chtimes(h.path("a.yaml"), time.Now(), time.Now().Add(-time.Hour)) },
		func() error { return os.WriteFile(h.path("a.yaml"), []byte("1"), 0o644) },
		func() error { return os.Mkdir(h.path("empty"), 0o755) },
	}
	for i, change := range changes {
		<-passes // those that there were
		must(t, change())
		<-passes // one that sees it
		passed(h, fmt.Sprintf("t%d.yaml", i))
	}
	if h.count != before+len(changes) {
		t.Errorf("%d snapshots for %d changes of content", h.count-before, len(changes))
	}
}

// passed waits until a change after the others is delivered.
func passed(h *harness, name string) {
	h.Helper()
	write(h, h.path(name), "")
	h.untilTrue(name, func(s Snapshot) bool { return s.has(h.path(name)) })
}

func (s Snapshot) has(path string) bool {
	for _, f := range s.Files {
		if f.Path == path {
			return true
		}
	}
	return false
}

// A writer that never pauses neither starves the consumer nor gets a snapshot for each of its writes.
func TestFloodIsBounded(t *testing.T) {
	const delay, n = 100 * time.Millisecond, 5
	h := start(t, t.TempDir(), func(d *Dir) { d.opts.Debounce, d.opts.MaxDelay = delay, delay })
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				write(t, h.path(fmt.Sprintf("%d.yaml", i%50)), fmt.Sprint(i))
			}
		}
	}()
	begin := time.Now()
	for range n {
		h.next()
	}
	took := time.Since(begin)
	close(stop)
	<-stopped
	if took < n*delay {
		t.Errorf("%d snapshots in %v, one in %v at most is right", n, took, delay)
	}
	want, err := Read([]string{h.root}, 0)
	must(t, err)
	h.untilTrue("the end of the flood", func(s Snapshot) bool { return s.equal(want) })
}

// A consumer that is away finds the newest state when it comes back, and nothing older before it.
func TestLatestWins(t *testing.T) {
	h := start(t, t.TempDir())
	probe := start(t, h.root) // tells when a watcher must have seen the change
	for i := range 5 {
		write(t, h.path("a.yaml"), fmt.Sprint(i))
		probe.until(fmt.Sprintf("a.yaml=%d", i))
	}
	h.until("a.yaml=4")
	if h.count > 3 { // the first, at most one that the probe was ahead of, and the last
		t.Errorf("%d snapshots, the outdated ones included", h.count)
	}
}

// A file is taken when its writer closes it; until then the last whole content stands.
func TestTornWrite(t *testing.T) {
	h := start(t, t.TempDir(), func(d *Dir) { d.opts.MaxDelay = 60 * time.Millisecond })
	write(t, h.path("a.yaml"), "old")
	h.until("a.yaml=old")
	f, err := os.Create(h.path("a.yaml"))
	must(t, err)
	g, err := os.Create(h.path("b.yaml"))
	must(t, err)
	for i := range 3 {
		_, err = f.WriteString("new ")
		must(t, err)
		write(t, h.path("c.yaml"), fmt.Sprint(i))
		h.until(fmt.Sprintf("a.yaml=old b.yaml! c.yaml=%d", i)) // never written whole: unknown, not absent
	}
	must(t, f.Close())
	h.until("a.yaml=new new new  b.yaml! c.yaml=2")
	must(t, g.Close())
	h.until("a.yaml=new new new  b.yaml= c.yaml=2")
}

func TestPollingSaysSoOnce(t *testing.T) {
	tests := map[string]func(*Dir, *fault){
		"no instance": func(d *Dir, f *fault) {
			d.newWatcher = func() (*fsnotify.Watcher, error) {
				if err := f.get(); err != nil {
					return nil, err
				}
				return fsnotify.NewWatcher()
			}
		},
		"no watch": func(d *Dir, f *fault) {
			d.add = func(w *fsnotify.Watcher, path string) error {
				if err := f.get(); err != nil {
					return err
				}
				return w.Add(path)
			}
		},
	}
	for name, inject := range tests {
		t.Run(name, func(t *testing.T) {
			f, lines := &fault{err: errENOSPC}, &lines{}
			h := start(t, t.TempDir(), func(d *Dir) {
				d.opts.PollInterval = 5 * time.Millisecond
				d.opts.Log = funcr.New(func(_, args string) { lines.add(args) }, funcr.Options{})
				inject(d, f)
			})
			for i := range 3 {
				write(t, h.path("a.yaml"), fmt.Sprint(i))
				h.until(fmt.Sprintf("a.yaml=%d", i))
			}
			if p := h.last.Roots[0].Polling; !strings.Contains(p, "max_user_watches") {
				t.Errorf("the status says %q, not what to raise", p)
			}
			f.set(nil)
			h.untilTrue("watching again", func(s Snapshot) bool { return s.Roots[0].Polling == "" })
			write(t, h.path("a.yaml"), "end")
			h.until("a.yaml=end")
			if got := lines.get(); len(got) != 2 {
				t.Errorf("log:\n%s\nwant one line when polling begins and one when it ends", strings.Join(got, "\n"))
			}
		})
	}
}

// After an overflow nothing is taken for unchanged, and directories made meanwhile are found.
func TestOverflow(t *testing.T) {
	var w *fsnotify.Watcher
	h := start(t, t.TempDir(), func(d *Dir) {
		d.newWatcher = func() (*fsnotify.Watcher, error) {
			var err error
			if w, err = fsnotify.NewWatcher(); err != nil {
				return nil, err
			}
			quiet := *w
			quiet.Events = make(chan fsnotify.Event) // all are lost
			go func() {
				for range w.Events {
				}
				close(quiet.Events)
			}()
			return &quiet, nil
		}
	})
	write(t, h.path("x/a.yaml"), "1")
	w.Errors <- fsnotify.ErrEventOverflow
	h.until("x/a.yaml=1")
}

// Nothing mounted where something was is not a directory from which all files were deleted.
func TestUnmounted(t *testing.T) {
	var mounted fault // an error stands for "not mounted"
	h := start(t, t.TempDir(), func(d *Dir) {
		d.opts.PollInterval = 5 * time.Millisecond
		d.isMount = func(string) bool { return mounted.get() == nil }
	})
	write(t, h.path("a.yaml"), "1")
	h.until("a.yaml=1")
	mounted.set(errENOSPC)
	must(t, os.Remove(h.path("a.yaml")))
	h.until("<Missing>")
	mounted.set(nil)
	write(t, h.path("a.yaml"), "2")
	h.until("a.yaml=2")
}

func TestRemoteIsPolled(t *testing.T) {
	h := start(t, t.TempDir(), func(d *Dir) { d.remote = func(string) string { return "NFS" } })
	if p := h.last.Roots[0].Polling; !strings.Contains(p, "NFS") {
		t.Errorf("the status says %q", p)
	}
}

func TestSeveralRoots(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "one/a.yaml"), "1")
	write(t, filepath.Join(root, "file"), "2")
	h := start(t, root, func(d *Dir) {
		d.opts.Roots = []string{root + "/one", root + "/two", root + "/file", root + "/one/"}
	})
	h.until("<Missing> " + root + "/file=2 a.yaml=1")
	if !h.last.Unknown(root+"/two/x.yaml") || h.last.Unknown(root+"/one/x.yaml") {
		t.Error("unknown is what is under the missing root, and that alone")
	}
	write(t, filepath.Join(root, "two/b.yaml"), "3")
	write(t, filepath.Join(root, "file"), "4")
	h.until(root + "/file=4 a.yaml=1 b.yaml=3")
}
