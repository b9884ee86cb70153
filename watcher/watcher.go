// Package watcher delivers manifest files: a full [Snapshot] of what is there now, whenever the content
// changed. It is level-triggered: an event only says that something may have changed, and every snapshot is
// read afresh from the tree, so that a lost, doubled or reordered event does no harm. It parses nothing.
package watcher

import (
	"bytes"
	"path/filepath"
	"strings"
	"time"
)

// DefaultMaxFileSize is the size in bytes above which a file is not read, unless the caller sets another.
const DefaultMaxFileSize = 1 << 20

// File is one manifest file as last read.
//
// Where Err is set, what the file says is not known: it cannot be read, is too large, is no regular file, is
// a symbolic link to nothing, or is still being written. That differs from a file that is gone (not in
// the snapshot) and from one that is empty (Data of length 0, not nil). With Err set, Path may also be that of
// a directory, and then nothing below it is known.
type File struct {
	Path    string    // the root as the user gave it, joined with the relative path
	Data    []byte    // shared with other snapshots: read only; nil where Err is set
	Err     error     // names the path
	ModTime time.Time // zero where it could not be had
}

func (f File) equal(o File) bool {
	return f.Path == o.Path && bytes.Equal(f.Data, o.Data) && errText(f.Err) == errText(o.Err)
}

// RootState says whether the files under a root are known.
type RootState string

// The states of a root.
const (
	Present    RootState = "Present"
	Missing    RootState = "Missing"    // removed, not made yet, or no longer mounted
	Unreadable RootState = "Unreadable" // there, but cannot be listed
)

// RootStatus is the state of one root. Only a root that is Present says anything about its files: an absent
// file under any other root is unknown and not gone.
type RootStatus struct {
	Path    string // as the user gave it
	State   RootState
	Reason  string // why it is not Present
	Polling string // why its changes are looked for at an interval; empty where the kernel reports them
}

// Snapshot is everything that is there now.
type Snapshot struct {
	Files []File       // sorted by path; a file reachable in several ways is listed once
	Roots []RootStatus // in the order they were given
	At    time.Time    // when the first of the changes that led to it was noticed
}

// Unknown reports whether the snapshot cannot tell what is at path, so that its absence is no reason to
// remove anything: it is under a root that is not present, or it or a directory above it cannot be read.
func (s Snapshot) Unknown(path string) bool {
	for _, r := range s.Roots {
		if r.State != Present && within(path, filepath.Clean(r.Path)) {
			return true
		}
	}
	for _, f := range s.Files {
		if f.Err != nil && within(path, f.Path) {
			return true
		}
	}
	return false
}

// equal ignores times: a touch is no change.
func (s Snapshot) equal(o Snapshot) bool {
	if len(s.Files) != len(o.Files) || len(s.Roots) != len(o.Roots) {
		return false
	}
	for i := range s.Roots {
		if s.Roots[i] != o.Roots[i] {
			return false
		}
	}
	for i := range s.Files {
		if !s.Files[i].equal(o.Files[i]) {
			return false
		}
	}
	return true
}

// within reports whether path is dir or below it; both are clean.
func within(path, dir string) bool {
	return path == dir || dir == "/" || dir == "." && !filepath.IsAbs(path) ||
		strings.HasPrefix(path, dir+string(filepath.Separator))
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
