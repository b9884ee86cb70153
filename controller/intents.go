package controller

import (
	"cmp"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"berth.dev/berth/controller/statefile"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// intent is what a person asked for of one object, beside its manifest.
type intent struct {
	Hold    *plan.Hold `json:"hold,omitempty"`
	Stopped bool       `json:"stopped,omitempty"`
	// RestartedAt asks for a restart of the containers that started before, in place.
	RestartedAt time.Time `json:"restartedAt,omitzero"`
	// Paused has copies of other revisions left alone.
	Paused bool `json:"paused,omitempty"`
	// RolloutRestartedAt asks for new copies in place of those created before.
	RolloutRestartedAt time.Time `json:"rolloutRestartedAt,omitzero"`
}

// holds reports whether the object is held at a time. The wall clock decides: a hold goes on over restarts of the agent.
func (i intent) holds(now time.Time) bool {
	return i.Hold != nil && (i.Hold.Until.IsZero() || now.Before(i.Hold.Until))
}

// intents keeps what people asked for, over restarts of the agent. Losing it holds nothing and stops nothing.
type intents struct {
	file string // empty for none
	log  logr.Logger

	mu    sync.Mutex
	byKey map[spec.Key]intent
}

// storedIntent is an intent as it is in the file.
type storedIntent struct {
	identity
	intent
}

// newIntents reads what was asked for before. What cannot be read is logged, and nothing is held by it.
func newIntents(stateDir string, log logr.Logger) *intents {
	s := &intents{log: log, byKey: map[spec.Key]intent{}}
	if stateDir == "" {
		return s
	}
	s.file = filepath.Join(stateDir, "intents.json")
	var stored []storedIntent
	if _, err := statefile.Read(s.file, &stored); err != nil {
		log.Error(err, "what was asked for by hand is not known any more: nothing is held, stopped or paused")
		return s
	}
	for _, i := range stored {
		s.byKey[i.key()] = i.intent
	}
	return s
}

// get gives an object's intent, without a hold that has expired.
func (s *intents) get(key spec.Key, now time.Time) intent {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.byKey[key]
	if !i.holds(now) {
		i.Hold = nil
	}
	return i
}

// of is what the planner is told of an object.
func (s *intents) of(key spec.Key, now time.Time) plan.Intent {
	i := s.get(key, now)
	return plan.Intent{Hold: i.Hold, Stopped: i.Stopped, RestartedAt: i.RestartedAt}
}

// change changes an object's intent. It is in force even where it cannot be written down, of which the error tells: who wants to
// hold an object while the disk is full has reason to.
func (s *intents) change(key spec.Key, do func(*intent)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.byKey[key]
	do(&i)
	s.byKey[key] = i
	if i == (intent{}) {
		delete(s.byKey, key)
	}
	return s.save(time.Now())
}

// forget drops what was asked for of an object that is gone.
func (s *intents) forget(key spec.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.byKey[key]; !ok {
		return
	}
	delete(s.byKey, key)
	if err := s.save(time.Now()); err != nil {
		s.log.Error(err, "cannot write down that nothing is asked for any more", "object", key.String())
	}
}

// save writes all intents, without holds that have expired.
func (s *intents) save(now time.Time) error {
	if s.file == "" {
		return nil
	}
	stored := []storedIntent{}
	for key, i := range s.byKey {
		if !i.holds(now) {
			i.Hold = nil
		}
		if i != (intent{}) {
			stored = append(stored, storedIntent{identityOf(key), i})
		}
	}
	slices.SortFunc(stored, func(a, b storedIntent) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return statefile.Write(s.file, stored)
}

// expiries gives when each hold ends that does by itself.
func (s *intents) expiries() map[spec.Key]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[spec.Key]time.Time{}
	for key, i := range s.byKey {
		if i.Hold != nil && !i.Hold.Until.IsZero() {
			out[key] = i.Hold.Until
		}
	}
	return out
}

// held counts the objects that are held.
func (s *intents) held() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, i := range s.byKey {
		if i.holds(now) {
			n++
		}
	}
	return n
}
