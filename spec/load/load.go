// Package load turns the bytes of manifest files into objects that are complete and valid, and every problem into one line that
// says where it is, what was found and what would be right. It does no I/O but through Options.ReadFile.
package load

import (
	"cmp"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/sync/errgroup"

	"berth.dev/berth/spec"
)

// MaxSize is how large a file may be, in bytes.
const MaxSize = 1 << 20

// File is one manifest file. Where Err is set, it could not be read, and what is in it (or, for a folder, below it) is not known.
type File struct {
	Path string
	Data []byte
	Err  error
}

// Options says how files are loaded.
type Options struct {
	// ReadFile reads what an envFile names; os.ReadFile, in most cases. It may be called from several goroutines. Without it
	// envFile is a problem.
	ReadFile func(path string) ([]byte, error)
}

// Problem is one thing wrong in one file.
type Problem struct {
	File         string
	Line, Column int    // from 1; 0 where the whole file is meant
	Field        string // as in spec.ports[0].hostPort; may be empty
	Message      string // what was found, and what would be right
}

// String is one line: FILE:LINE: FIELD: MESSAGE.
func (p Problem) String() string {
	s := p.File
	if p.Line > 0 {
		s = fmt.Sprintf("%s:%d", s, p.Line)
	}
	if p.Field != "" {
		s += ": " + p.Field
	}
	return oneLine(s + ": " + p.Message)
}

// oneLine keeps names out of a file from writing lines, or commands to a terminal, of their own.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '\uFFFD'
		}
		return c
	}, s)
}

func (p Problem) compare(o Problem) int {
	return cmp.Or(cmp.Compare(p.File, o.File), cmp.Compare(p.Line, o.Line), cmp.Compare(p.Column, o.Column),
		cmp.Compare(p.Field, o.Field), cmp.Compare(p.Message, o.Message))
}

// FileResult is what one file says. It depends on the file and its env files alone, so that it may be kept until one of them changes.
type FileResult struct {
	Path string
	// Objects are those of the file in its order, with defaults, valid; none where there is any problem.
	Objects []spec.Object
	// Problems are sorted by line.
	Problems []Problem
	// EnvFiles are the paths that were read, or tried, for envFile; sorted.
	EnvFiles []string
	// Rank decides between files that say the same object: the lower one keeps it, and the first by path within a rank.
	Rank int

	links []*link
}

// Result is what all files together say.
type Result struct {
	// Objects are those of every file without a problem, sorted by key.
	Objects []spec.Object
	// Problems are sorted by file and line.
	Problems []Problem
	// Broken are the files with a problem. A file is taken whole or not at all: one that is saved half way must not remove the rest
	// of what it said. What it said last remains in force; see WithLastGood.
	Broken map[string]bool
}

// Load is LoadFile for every file, and Merge.
func Load(files []File, o Options) Result {
	results := make([]FileResult, len(files))
	var workers errgroup.Group
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range files {
		workers.Go(func() error {
			results[i] = LoadFile(f, o)
			return nil
		})
	}
	_ = workers.Wait()
	return Merge(results)
}

// Merge checks files against each other. Of two that say the same object, or two with the same name in Docker, the one of
// lower rank, then the first by path, keeps it, and the other is broken. Of objects that wait for each other in a cycle, all files are.
func Merge(results []FileResult) Result {
	results = slices.SortedFunc(slices.Values(results), func(a, b FileResult) int { return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Path, b.Path)) })
	r := Result{Broken: map[string]bool{}}
	taken := claims{}
	var good []FileResult
	for _, f := range results {
		problems := f.Problems
		if len(problems) == 0 {
			problems = taken.add(f.Objects)
		}
		if r.fail(f.Path, problems); len(problems) == 0 {
			good = append(good, f)
		}
	}
	for _, p := range cycles(good) {
		r.fail(p.File, []Problem{p})
	}
	for _, f := range good {
		if !r.Broken[f.Path] {
			r.Objects = append(r.Objects, f.Objects...)
		}
	}
	sortObjects(r.Objects)
	slices.SortStableFunc(r.Problems, Problem.compare)
	return r
}

func (r *Result) fail(path string, problems []Problem) {
	if len(problems) > 0 {
		r.Broken[path] = true
		r.Problems = append(r.Problems, problems...)
	}
}

// WithLastGood adds to the objects those of the previous ones that were read from a file that is now broken, or is in a folder that is.
// One whose key or Docker name another file has taken over is not kept. The result, sorted, is the next call's previous.
func (r Result) WithLastGood(previous []spec.Object) []spec.Object {
	taken := claims{}
	taken.add(r.Objects)
	kept := slices.Clone(r.Objects)
	for _, o := range previous {
		if r.isBroken(o.Source().File) && len(taken.add([]spec.Object{o})) == 0 {
			kept = append(kept, o)
		}
	}
	sortObjects(kept)
	return kept
}

func (r Result) isBroken(path string) bool {
	for {
		if r.Broken[path] {
			return true
		}
		parent := filepath.Dir(path)
		if parent == path {
			return false
		}
		path = parent
	}
}

func sortObjects(objects []spec.Object) {
	slices.SortFunc(objects, func(a, b spec.Object) int { return a.Key().Compare(b.Key()) })
}
