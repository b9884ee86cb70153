package watcher

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const maxLinks = 40 // symbolic links in one path, as in the kernel

// resolver follows a path by hand, component by component, so that every directory whose entry decides where
// the path leads is watched before that entry is looked up. A swapped link is noticed wherever it is.
type resolver struct {
	watch func(dir, name string) // name "" stands for all that is in dir
}

// resolve returns the real path that name leads to from the real directory dir. Where that fails, the path is that of the
// component at which it failed.
func (r resolver) resolve(dir, name string) (string, fs.FileInfo, error) {
	var info fs.FileInfo
	todo, links := components(name), 0
	for len(todo) > 0 {
		name, todo = todo[0], todo[1:]
		if name == ".." {
			dir, info = filepath.Dir(dir), nil
			continue
		}
		r.watch(dir, name)
		next := filepath.Join(dir, name)
		fi, err := os.Lstat(next)
		if err != nil {
			return next, nil, err
		}
		if fi.Mode()&fs.ModeSymlink == 0 {
			dir, info = next, fi
			continue
		}
		if links++; links > maxLinks {
			return next, nil, syscall.ELOOP
		}
		target, err := os.Readlink(next)
		if err != nil {
			return next, nil, err
		}
		if filepath.IsAbs(target) {
			dir = string(filepath.Separator)
		}
		todo, info = append(components(target), todo...), nil
	}
	if info == nil { // ended in the root directory or in ".."
		var err error
		if info, err = os.Lstat(dir); err != nil {
			return dir, nil, err
		}
	}
	return dir, info, nil
}

func components(path string) []string {
	var parts []string
	for p := range strings.SplitSeq(path, string(filepath.Separator)) {
		if p != "" && p != "." {
			parts = append(parts, p)
		}
	}
	return parts
}
