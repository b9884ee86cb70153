package updates

import (
	"path/filepath"
	"sync"

	"berth.dev/berth/controller/statefile"
	"github.com/go-logr/logr"
)

// state keeps what was found over restarts, so that an agent whose registry is away when it starts does not go back to an older
// image.
type state struct {
	mu   *sync.Mutex // one save at a time
	file string      // empty for none
	log  logr.Logger
}

// record is what was found for a question.
type record struct {
	Asked question `json:"asked"`
	Found Found    `json:"found"`
}

func newState(dir string, log logr.Logger) state {
	s := state{mu: &sync.Mutex{}, log: log}
	if dir != "" {
		s.file = filepath.Join(dir, "updates.json")
	}
	return s
}

// load reads what was kept; nothing where that cannot be read.
func (s state) load() (all []record) {
	if s.file == "" {
		return nil
	}
	if _, err := statefile.Peek(s.file, &all); err != nil {
		s.log.Error(err, "cannot read which images were found: the registries are asked again", "file", s.file)
		return nil
	}
	return all
}

// save keeps what all gives, which is asked when it is this save's turn, so that the last one has the last word.
func (s state) save(all func() []record) {
	if s.file == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := statefile.Write(s.file, all()); err != nil {
		s.log.Error(err, "cannot keep which images were found", "file", s.file)
	}
}
