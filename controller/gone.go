package controller

import (
	"path/filepath"
	"slices"

	"berth.dev/berth/controller/statefile"
	"berth.dev/berth/spec"
)

// remembered lists the objects that something is remembered of over restarts of the agent. Some may have gone while no agent ran:
// another of the same name must not find itself stopped.
func (c *Controller) remembered() []spec.Key {
	return slices.Concat(c.runs.keys(), c.intents.keys(), c.revisions.former())
}

// forget drops what is remembered of an object.
func (c *Controller) forget(key spec.Key) {
	c.intents.forget(key)
	c.revisions.forget(key)
	c.runs.forget(key)
}

func (s *intents) keys() (keys []spec.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.byKey {
		keys = append(keys, key)
	}
	return keys
}

// former lists the objects of which there is a file, when it is first asked: those that go later are forgotten as they go. A file that
// cannot be read is left for whoever asks about its object.
func (s *revisions) former() (keys []spec.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" || s.listed {
		return nil
	}
	s.listed = true
	names, _ := filepath.Glob(filepath.Join(s.dir, "*.json")) // the pattern is right
	for _, name := range names {
		var c chronicle
		if found, err := statefile.Peek(name, &c); found && err == nil {
			keys = append(keys, c.key())
		}
	}
	return keys
}
