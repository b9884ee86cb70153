package controller

import (
	"maps"
	"reflect"
	"slices"
	"sync"

	"berth.dev/berth/reconciler"
	"berth.dev/berth/spec"
)

// ObjectStatus is one object with its status, as the agent answers for it.
type ObjectStatus struct {
	Kind       spec.Kind         `json:"kind"`
	Namespace  string            `json:"namespace"`
	Name       string            `json:"name"`
	Source     string            `json:"source,omitempty"` // file and line; empty for one whose manifest is gone
	Generation string            `json:"generation,omitempty"`
	Replicas   int               `json:"replicas,omitempty"`
	Image      string            `json:"image,omitempty"`
	Status     reconciler.Status `json:"status"`

	labels  map[string]string // of the manifest's metadata; those that it had last
	settled string            // the last generation that the engine had: a creation after that mends
}

// Key names the object.
func (o ObjectStatus) Key() spec.Key {
	return spec.Key{Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
}

// store holds the status of every object, and tells those who wait that something changed.
type store struct {
	mu      sync.Mutex
	objects map[spec.Key]ObjectStatus
	changed chan struct{} // closed and replaced at every change
}

func newStore() *store {
	return &store{objects: map[spec.Key]ObjectStatus{}, changed: make(chan struct{})}
}

func (s *store) get(k spec.Key) (ObjectStatus, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[k]
	return o, ok
}

// update changes one status by a function.
func (s *store) update(k spec.Key, change func(*ObjectStatus)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[k]
	if !ok {
		o = ObjectStatus{Kind: k.Kind, Namespace: k.Namespace, Name: k.Name}
	}
	before := o
	o.Status.Conditions = slices.Clone(o.Status.Conditions) // conditions change in place, and others read the old ones
	change(&o)
	if ok && reflect.DeepEqual(before, o) {
		return
	}
	s.objects[k] = o
	s.tell()
}

func (s *store) remove(k spec.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.objects[k]; ok {
		delete(s.objects, k)
		s.tell()
	}
}

func (s *store) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// all gives every status, sorted, and a channel that is closed at the next change.
func (s *store) all() ([]ObjectStatus, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Collect(maps.Values(s.objects))
	slices.SortFunc(out, func(a, b ObjectStatus) int { return a.Key().Compare(b.Key()) })
	return out, s.changed
}

// matching lists the keys whose Synced condition answers to a predicate.
func (s *store) matching(pred func(reconciler.Condition) bool) (keys []spec.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, o := range s.objects {
		if pred(o.Status.Condition(reconciler.Synced)) {
			keys = append(keys, k)
		}
	}
	return keys
}

func sortedKeys(set map[spec.Key]bool) []spec.Key {
	return slices.SortedFunc(maps.Keys(set), spec.Key.Compare)
}
