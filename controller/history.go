package controller

import (
	"encoding/json"
	"os"
	"path/filepath"

	"berth.dev/berth/controller/statefile"
	"github.com/go-logr/logr"
)

// history keeps the last good content of each manifest over restarts of the agent, readable by its user only. Losing it costs
// nothing but that: what a broken file said before is then not known, and nothing is removed as long as it is broken.
type history struct {
	dir string // empty for none
	log logr.Logger
}

// entry is one remembered file.
type entry struct {
	Path string `json:"path"`
	Data []byte `json:"data"`
}

func newHistory(stateDir string, log logr.Logger) *history {
	if stateDir == "" {
		return &history{log: log}
	}
	return &history{dir: filepath.Join(stateDir, "manifests"), log: log}
}

func (h *history) file(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		abs = path
	}
	return statefile.Name(h.dir, abs)
}

// save remembers a file, by a rename so that a crash leaves the old or the new content.
func (h *history) save(path string, data []byte) (saved bool) {
	if h.dir == "" {
		return true
	}
	err := h.write(h.file(path), entry{path, data})
	if err != nil {
		h.log.Error(err, "cannot remember a manifest", "file", path)
	}
	return err == nil
}

func (h *history) write(name string, e entry) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(name); err == nil && string(old) == string(b) {
		return nil
	}
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		return err
	}
	tmp := name + ".tmp"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}

// has reports whether a file was in force before.
func (h *history) has(path string) bool {
	_, ok := h.load(path)
	return ok
}

func (h *history) load(path string) ([]byte, bool) {
	if h.dir == "" {
		return nil, false
	}
	var e entry
	found, err := statefile.Peek(h.file(path), &e)
	if err != nil {
		h.log.Error(err, "cannot read what is remembered of a manifest", "file", path)
	}
	return e.Data, found && err == nil
}

// sweep forgets the files that are gone since an earlier life of the agent: were they remembered, a broken file of the same name
// would bring back objects of long ago.
func (h *history) sweep(gone func(path string) bool) {
	names, err := filepath.Glob(filepath.Join(h.dir, "*.json"))
	if h.dir == "" || err != nil {
		return
	}
	for _, name := range names {
		var e entry
		if found, err := statefile.Peek(name, &e); found && err == nil && gone(e.Path) {
			h.remove(e.Path)
		}
	}
}

func (h *history) remove(path string) {
	if h.dir == "" {
		return
	}
	if err := statefile.Remove(h.file(path)); err != nil {
		h.log.Error(err, "cannot forget a manifest", "file", path)
	}
}
