package controller

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"

	"berth.dev/berth/watcher"
)

// reader feeds an intake with snapshots of a directory called dir that is a map.
type reader struct {
	*testing.T
	in    *intake
	state string
	files map[string]string // "!" stands for one that cannot be read
	root  watcher.RootState
}

func newReader(t *testing.T) *reader {
	r := &reader{T: t, state: filepath.Join(t.TempDir(), "state"), files: map[string]string{}, root: watcher.Present}
	r.restart()
	return r
}

// restart is another life of the agent.
func (r *reader) restart() { r.in = newIntake(newHistory(r.state, logr.Discard())) }

func (r *reader) take() Desired {
	s := watcher.Snapshot{Roots: []watcher.RootStatus{{Path: "dir", State: r.root}}}
	if r.root == watcher.Present {
		for _, name := range slices.Sorted(maps.Keys(r.files)) {
			f := watcher.File{Path: filepath.Join("dir", name), Data: []byte(r.files[name])}
			if r.files[name] == "!" {
				f.Data, f.Err = nil, errors.New("permission denied")
			}
			s.Files = append(s.Files, f)
		}
	}
	return r.in.take(s)
}

// expect takes a snapshot. What is in force shows as "NAME=USER", with "kept " before what a file that is broken now said last.
func (r *reader) expect(want string, unknown bool) Desired {
	r.Helper()
	d := r.take()
	var got []string
	for _, k := range d.Catalog.Keys() {
		text := k.Name
		if d.Kept[k] != "" {
			text = "kept " + text
		}
		got = append(got, text+"@"+filepath.Base(d.Catalog.objects[k].Source().File))
	}
	if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" || unknown != (len(d.Unknown) > 0) {
		r.Errorf("unknown: %q, want %v; in force (-want +got):\n%s\n%v", d.Unknown, unknown, diff, d.Problems)
	}
	return d
}

const broken = "kind: ["

func TestIntake(t *testing.T) {
	web, db := container("web", ""), container("db", "")
	for _, tt := range []struct {
		name string
		do   func(*reader)
	}{
		{"files come and go", func(r *reader) {
			r.files["a.yaml"] = web
			r.expect("web@a.yaml", false)
			r.files["b.yaml"] = db
			r.expect("db@b.yaml web@a.yaml", false)
			delete(r.files, "a.yaml")
			r.expect("db@b.yaml", false)
		}},
		{"broken: the last good stays", func(r *reader) {
			r.files["a.yaml"], r.files["b.yaml"] = web, db
			r.expect("db@b.yaml web@a.yaml", false)
			r.files["a.yaml"] = broken
			r.expect("db@b.yaml kept web@a.yaml", false)
			r.files["a.yaml"] = web
			r.expect("db@b.yaml web@a.yaml", false)
		}},
		{"broken, and then gone", func(r *reader) {
			r.files["a.yaml"] = web
			r.expect("web@a.yaml", false)
			r.files["a.yaml"] = broken
			r.expect("kept web@a.yaml", false)
			delete(r.files, "a.yaml")
			r.expect("", false)
			r.restart()
			r.files["a.yaml"] = broken
			r.expect("", true) // what it said before it went is not what it says now
		}},
		{"broken over a restart", func(r *reader) {
			r.files["a.yaml"] = web
			r.expect("web@a.yaml", false)
			r.files["a.yaml"] = broken
			r.restart()
			r.expect("kept web@a.yaml", false)
			r.expect("kept web@a.yaml", false)
		}},
		{"broken over a restart that lost the history", func(r *reader) {
			r.files["a.yaml"] = web
			r.expect("web@a.yaml", false)
			r.files["a.yaml"] = broken
			r.state += "lost"
			r.restart()
			r.expect("", true)
			r.files["a.yaml"] = web
			r.expect("web@a.yaml", false)
		}},
		{"gone while no agent ran, and back broken", func(r *reader) {
			r.files["a.yaml"], r.files["b.yaml"] = web, db
			r.expect("db@b.yaml web@a.yaml", false)
			delete(r.files, "a.yaml")
			r.restart()
			r.expect("db@b.yaml", false)
			r.files["a.yaml"] = broken
			r.expect("db@b.yaml", true)
		}},
		{"emptied", func(r *reader) {
			r.files["a.yaml"] = web
			r.expect("web@a.yaml", false)
			r.files["a.yaml"] = ""
			r.expect("kept web@a.yaml", false)
			r.files["a.yaml"] = "# nothing\n"
			r.expect("", false)
		}},
		{"unreadable", func(r *reader) {
			r.files["a.yaml"] = web
			r.expect("web@a.yaml", false)
			r.files["a.yaml"] = "!"
			r.expect("kept web@a.yaml", false)
		}},
		{"below a folder that is unreadable", func(r *reader) {
			r.files["sub/a.yaml"], r.files["b.yaml"] = web, db
			r.expect("db@b.yaml web@a.yaml", false)
			delete(r.files, "sub/a.yaml")
			r.files["sub"] = "!"
			r.expect("db@b.yaml kept web@a.yaml", true)
			r.expect("db@b.yaml kept web@a.yaml", true)
			delete(r.files, "sub")
			r.files["sub/a.yaml"] = web
			r.expect("db@b.yaml web@a.yaml", false)
		}},
		{"root missing", func(r *reader) {
			r.files["a.yaml"] = web
			r.expect("web@a.yaml", false)
			r.root = watcher.Missing
			r.expect("kept web@a.yaml", true)
			r.root = watcher.Present
			r.expect("web@a.yaml", false)
		}},
		{"root missing from the start", func(r *reader) {
			r.root = watcher.Missing
			r.expect("", true)
		}},
		{"of two that say the same, the one in force keeps it", func(r *reader) {
			r.files["b.yaml"] = web
			r.expect("web@b.yaml", false)
			r.files["a.yaml"] = web
			r.expect("web@b.yaml", true)
			r.restart()
			r.expect("web@b.yaml", true)
			delete(r.files, "b.yaml")
			r.expect("web@a.yaml", false)
		}},
		{"moved", func(r *reader) {
			r.files["b.yaml"] = web
			r.expect("web@b.yaml", false)
			delete(r.files, "b.yaml")
			r.files["a.yaml"] = web
			r.expect("web@a.yaml", false)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.do(newReader(t)) })
	}
}

func TestIntakeReadsEnvFilesAgain(t *testing.T) {
	env := filepath.Join(t.TempDir(), "app.env")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(env, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("A=1\n")
	r := newReader(t)
	r.files["a.yaml"] = container("web", "envFile: ["+env+"]")
	first := r.expect("web@a.yaml", false)
	if diff := cmp.Diff([]string{env}, first.EnvFiles); diff != "" {
		t.Error(diff)
	}
	if again := r.take(); again.Catalog.objects[webKey] != first.Catalog.objects[webKey] {
		t.Error("a file that did not change was parsed again")
	}
	put("A=2\n")
	changed := r.take().Catalog.changedFrom(first.Catalog)
	if len(changed) != 1 || changed[0] != webKey {
		t.Errorf("changed: %v", changed)
	}
	if err := os.Remove(env); err != nil {
		t.Fatal(err)
	}
	if d := r.expect("kept web@a.yaml", false); len(d.Problems) != 1 || !slices.Equal(d.EnvFiles, []string{env}) {
		t.Errorf("without its env file: %v %v", d.Problems, d.EnvFiles)
	}
}

func TestHistoryIsForItsUserOnly(t *testing.T) {
	r := newReader(t)
	r.files["a.yaml"] = container("web", "")
	r.take()
	files := 0
	err := filepath.WalkDir(r.state, func(path string, e fs.DirEntry, err error) error {
		info, statErr := e.Info()
		if err = errors.Join(err, statErr); err != nil {
			return err
		}
		if !e.IsDir() {
			files++
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		return nil
	})
	if err != nil || files != 1 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestHistoryAfterACrash(t *testing.T) {
	h := newHistory(t.TempDir(), logr.Discard())
	h.save("a", []byte("old"))
	if err := os.WriteFile(h.file("a")+".tmp", []byte(`{"path":"a","da`), 0o600); err != nil { // a crash while it wrote
		t.Fatal(err)
	}
	if b, ok := h.load("a"); !ok || string(b) != "old" {
		t.Errorf("load: %q %v", b, ok)
	}
	h.save("a", []byte("new"))
	if b, _ := h.load("a"); string(b) != "new" {
		t.Errorf("load after another save: %q", b)
	}
	if err := os.WriteFile(h.file("a"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := h.load("a"); ok {
		t.Error("what is damaged counts as known")
	}
	h.remove("a")
	h.remove("a")
	if h.has("a") {
		t.Error("removed, and there")
	}
}

// TestAbsentRoot: a root that is not there is a problem, for a mistake in its path shows nowhere else.
func TestAbsentRoot(t *testing.T) {
	r := newReader(t)
	r.root = watcher.Missing
	problems := r.expect("", true).Problems
	if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), "dir: the manifests here are missing") {
		t.Errorf("a missing root: %v", problems)
	}
	r.root = watcher.Present
	if problems := r.expect("", false).Problems; len(problems) > 0 {
		t.Errorf("a root that is there: %v", problems)
	}
}
