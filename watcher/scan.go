package watcher

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// maxDirs bounds a walk that a symbolic link led astray. It is below the 8192 watches that older kernels allow.
const maxDirs = 4096

// scan is one walk over all roots.
//
// Directories are known by their real path and read once, those behind symbolic links after all others, so
// that a file reached both ways goes by its own name and no maze of links makes the walk long.
type scan struct {
	resolver
	read *reader
	// enter, where set, is asked before the directory of a root is read.
	enter func(root *RootStatus, real string) error

	files map[string]*found // by real path
	other []File            // what is not known, directories among it
	dirs  map[string]bool   // real paths already read
	links []linked
}

type found struct {
	File
	linked bool
}

// linked is a directory behind a symbolic link, to be read last.
type linked struct {
	place
	root *RootStatus
}

// place is a directory or file: the path to show for it, and where it really is.
type place struct {
	path, real string
	linked     bool // reached through a symbolic link below the root
}

// walk reads all roots and fills in their statuses. It says with visit whose part of the tree comes next.
func (s *scan) walk(roots []RootStatus, visit func(*RootStatus)) Snapshot {
	s.files, s.dirs = map[string]*found{}, map[string]bool{}
	for i := range roots {
		visit(&roots[i])
		s.root(&roots[i])
	}
	for len(s.links) > 0 {
		l := s.links[0]
		s.links = s.links[1:]
		visit(l.root)
		if err := s.dir(l.place, l.root); err != nil {
			s.fail(l.path, err)
		}
	}
	return Snapshot{Files: s.sorted(), Roots: roots, At: time.Now()}
}

func (s *scan) sorted() []File {
	files := s.other
	for _, f := range s.files {
		files = append(files, f.File)
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return slices.CompactFunc(files, func(a, b File) bool { return a.Path == b.Path })
}

func (s *scan) root(root *RootStatus) {
	real, fi, err := s.locate(root.Path)
	if err == nil && s.enter != nil {
		err = s.enter(root, real)
	}
	at := place{path: filepath.Clean(root.Path), real: real}
	switch {
	case err != nil:
	case fi.IsDir():
		err = s.dir(at, root)
	default: // given by name: read whatever it is called
		s.file(at)
	}
	root.State, root.Reason = stateOf(err), errText(inner(err))
}

func (s *scan) locate(path string) (string, fs.FileInfo, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", nil, err
	}
	return s.resolve(string(filepath.Separator), abs)
}

func stateOf(err error) RootState {
	switch {
	case err == nil:
		return Present
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, errUnmounted):
		return Missing
	}
	return Unreadable
}

// dir reads one directory and those below it. It watches before it lists: what is made in between is in either.
func (s *scan) dir(at place, root *RootStatus) error {
	if s.dirs[at.real] {
		return nil
	}
	if len(s.dirs) >= maxDirs {
		return fmt.Errorf("more than %d directories to watch", maxDirs)
	}
	s.dirs[at.real] = true
	s.watch(at.real, "")
	entries, err := os.ReadDir(at.real)
	for _, e := range entries {
		if !ignored(e.Name()) {
			s.entry(at, e, root)
		}
	}
	return err
}

func (s *scan) entry(dir place, e fs.DirEntry, root *RootStatus) {
	at := place{filepath.Join(dir.path, e.Name()), filepath.Join(dir.real, e.Name()), dir.linked}
	switch {
	case e.IsDir():
		if err := s.dir(at, root); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.fail(at.path, err)
		}
	case e.Type()&fs.ModeSymlink != 0:
		s.link(dir.real, at, root)
	case IsManifest(e.Name()):
		s.file(at)
	}
}

// link follows a visible symbolic link. One that leads nowhere may have led to a directory, so it is reported
// whatever its name: what was behind it is unknown, not gone.
func (s *scan) link(dir string, at place, root *RootStatus) {
	self := at.real
	real, fi, err := s.resolve(dir, filepath.Base(self))
	at.real, at.linked = real, true
	switch {
	case err != nil && real == self && errors.Is(err, fs.ErrNotExist):
		// The link itself went away.
	case err != nil:
		s.fail(at.path, fmt.Errorf("the symbolic link leads to %s: %w", real, inner(err)))
	case fi.IsDir() && within(dir, real):
		s.fail(at.path, fmt.Errorf("the symbolic link leads to %s, which contains it", real))
	case fi.IsDir():
		s.links = append(s.links, linked{at, root})
	case IsManifest(at.path):
		s.file(at)
	}
}

func (s *scan) file(at place) {
	if old := s.files[at.real]; old != nil && (old.linked == at.linked && old.Path <= at.path || !old.linked) {
		return
	}
	c := s.read.get(at.real)
	if c == nil {
		return
	}
	f := File{Path: at.path, Data: c.data, Err: named(at.path, c.err), ModTime: c.modTime}
	s.files[at.real] = &found{f, at.linked}
}

func (s *scan) fail(path string, err error) {
	s.other = append(s.other, File{Path: path, Err: named(path, err)})
}

// named says which file an error is about, by the name that the user knows.
func named(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot read %s: %w", path, inner(err))
}

// inner strips the operation and the real path from an error of package os.
func inner(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) && err == error(pe) {
		return pe.Err
	}
	return err
}

// Read reads the manifests under roots, which are directories or files, once. A file given by name is read whatever it is
// called. maxSize is in bytes; zero stands for DefaultMaxFileSize. The error is about roots that are not there or cannot be
// listed; a file that cannot be read is in the snapshot, with its error.
func Read(roots []string, maxSize int64) (Snapshot, error) {
	r := newReader(maxSize, false)
	var snap Snapshot
	for range 3 { // a file that changes while it is read is tried again
		s := scan{resolver: resolver{watch: func(string, string) {}}, read: r}
		r.begin(nil)
		snap = s.walk(statuses(roots), func(*RootStatus) {})
		if !r.end() {
			break
		}
	}
	var errs []error
	for _, root := range snap.Roots {
		if root.State != Present {
			errs = append(errs, fmt.Errorf("cannot read manifests in %s: %s", root.Path, root.Reason))
		}
	}
	return snap, errors.Join(errs...)
}

func statuses(roots []string) []RootStatus {
	list := make([]RootStatus, len(roots))
	for i, path := range roots {
		list[i].Path = path
	}
	return list
}
