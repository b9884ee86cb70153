package controller

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"berth.dev/berth/spec"
	"berth.dev/berth/spec/load"
	"berth.dev/berth/watcher"
)

// Desired is what the manifests say at one time.
type Desired struct {
	Catalog  *Catalog
	Problems []load.Problem
	// Kept maps objects that are the last good ones of a file that cannot be used now, to why it cannot.
	Kept map[spec.Key]string
	// Unknown says why some of what is wanted may be missing from the catalog, so that nothing may be removed for its absence.
	Unknown []string
	// EnvFiles are the files that manifests take environment variables from.
	EnvFiles []string
	// At is when the change that led to it was noticed.
	At time.Time
}

// intake turns snapshots of files into what is desired. It parses a file again only where its bytes changed.
type intake struct {
	files   map[string]parsed
	good    []spec.Object   // in force: what the files say, or said last
	known   map[string]bool // files that are in force, or whose last content is
	history *history
	swept   bool // whether the history was compared with what is there
}

// parsed is one file with what it said.
type parsed struct {
	data   []byte
	saved  bool // in the history
	env    map[string][]byte
	result load.FileResult
}

func newIntake(h *history) *intake {
	return &intake{files: map[string]parsed{}, known: map[string]bool{}, history: h}
}

// take reads a snapshot.
func (in *intake) take(s watcher.Snapshot) Desired {
	files := make(map[string]parsed, len(s.Files))
	results := in.unknown(s)
	for _, f := range s.Files {
		p := in.parse(f)
		files[f.Path] = p
		results = append(results, p.result)
	}
	in.files = files
	in.sweep(s)
	for i := range results {
		if path := results[i].Path; !in.known[path] && !in.history.has(path) {
			results[i].Rank = 1 // of two files that say the same object, the one in force keeps it
		}
	}
	merged := load.Merge(results)
	in.remember(merged, files)
	in.good = merged.WithLastGood(in.good)
	d := Desired{Catalog: NewCatalog(in.good), Problems: merged.Problems, At: s.At, EnvFiles: envFiles(results)}
	d.Kept = kept(in.good, merged)
	d.Unknown = in.missing(s, merged)
	d.Problems = append(d.Problems, absent(s)...)
	return d
}

// parse reads a file, unless it and its env files are as they were.
func (in *intake) parse(f watcher.File) parsed {
	if old, ok := in.files[f.Path]; ok && f.Err == nil && old.data != nil && bytes.Equal(old.data, f.Data) && old.envUnchanged() {
		return old
	}
	p := parsed{data: f.Data, env: map[string][]byte{}}
	p.result = load.LoadFile(load.File{Path: f.Path, Data: f.Data, Err: f.Err}, load.Options{ReadFile: p.readEnv})
	return p
}

func (p parsed) readEnv(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	p.env[path] = b
	return b, err
}

func (p parsed) envUnchanged() bool {
	for path, old := range p.env {
		if b, _ := os.ReadFile(path); !bytes.Equal(b, old) {
			return false
		}
	}
	return true
}

// unknown stands in for the files in force of which a snapshot cannot tell whether they are there.
func (in *intake) unknown(s watcher.Snapshot) (results []load.FileResult) {
	listed := map[string]bool{}
	for _, f := range s.Files {
		listed[f.Path] = true
	}
	for _, path := range slices.Sorted(maps.Keys(in.known)) {
		if !listed[path] && s.Unknown(path) {
			results = append(results, load.FileResult{Path: path, Problems: []load.Problem{{File: path, Message: "the file cannot be seen now, and its last objects stay"}}})
		}
	}
	return results
}

// remember brings the memory of last good files up to date: those in force are saved, and of those that are broken and not known
// from this life of the agent, the content saved by an earlier one comes back.
func (in *intake) remember(merged load.Result, files map[string]parsed) {
	known := map[string]bool{}
	for path := range merged.Broken {
		known[path] = in.known[path] || in.recall(path)
	}
	for path, p := range files {
		if !merged.Broken[path] {
			known[path] = true
			in.save(path, p)
		}
	}
	for path := range in.known {
		if _, ok := known[path]; !ok && !underBroken(merged, path) {
			in.history.remove(path)
		} else if !ok {
			known[path] = true
		}
	}
	maps.DeleteFunc(known, func(_ string, ok bool) bool { return !ok })
	in.known = known
}

// save remembers a file that is in force, once.
func (in *intake) save(path string, p parsed) {
	if !p.saved {
		p.saved = in.history.save(path, p.data)
		in.files[path] = p
	}
}

// sweep forgets, once in the agent's life, the files that went before it.
func (in *intake) sweep(s watcher.Snapshot) {
	absent := func(r watcher.RootStatus) bool { return r.State != watcher.Present }
	if in.swept || slices.ContainsFunc(s.Roots, absent) {
		return
	}
	in.swept = true
	in.history.sweep(func(path string) bool {
		_, listed := in.files[path]
		return !listed && !s.Unknown(path) && slices.ContainsFunc(s.Roots, func(r watcher.RootStatus) bool { return below(path, r.Path) })
	})
}

// below reports whether a path is a root, or in it.
func below(path, root string) bool {
	rel, err := filepath.Rel(root, path)
	return err == nil && filepath.IsLocal(rel)
}

func underBroken(r load.Result, path string) bool {
	for dir := filepath.Dir(path); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if r.Broken[dir] {
			return true
		}
	}
	return false
}

// recall puts a file's content from an earlier life of the agent among the last good objects.
func (in *intake) recall(path string) bool {
	data, ok := in.history.load(path)
	if !ok {
		return false
	}
	r := load.LoadFile(load.File{Path: path, Data: data}, load.Options{ReadFile: os.ReadFile})
	in.good = append(in.good, r.Objects...)
	return len(r.Problems) == 0
}

// kept lists the objects whose file cannot be used now, with why.
func kept(objects []spec.Object, merged load.Result) map[spec.Key]string {
	why := map[string][]string{}
	for _, p := range merged.Problems {
		why[p.File] = append(why[p.File], p.String())
	}
	out := map[spec.Key]string{}
	for _, o := range objects {
		for path := o.Source().File; path != filepath.Dir(path); path = filepath.Dir(path) {
			if merged.Broken[path] {
				out[o.Key()] = strings.Join(why[path], "; ")
			}
		}
	}
	return out
}

// absent tells of roots that are not there: with a mistake in a path nothing else would.
func absent(s watcher.Snapshot) (problems []load.Problem) {
	for _, r := range s.Roots {
		if r.State != watcher.Present {
			problems = append(problems, load.Problem{File: r.Path, Message: "the manifests here are " + strings.ToLower(string(r.State)) + " (" + r.Reason + "), and nothing of theirs is removed"})
		}
	}
	return problems
}

// missing says what may be wanted and is not in the catalog.
func (in *intake) missing(s watcher.Snapshot, merged load.Result) (why []string) {
	for _, r := range s.Roots {
		if r.State != watcher.Present {
			why = append(why, strings.TrimSuffix("manifests "+r.Path+" are "+strings.ToLower(string(r.State))+": "+r.Reason, ": "))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(merged.Broken)) {
		if !in.known[path] {
			why = append(why, path+" cannot be used, and what it said before is not known")
		}
	}
	return why
}

func envFiles(results []load.FileResult) (paths []string) {
	for _, r := range results {
		paths = append(paths, r.EnvFiles...)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
