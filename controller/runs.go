package controller

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"berth.dev/berth/controller/statefile"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// runStore keeps which runs of CronJobs were begun, and how Jobs ended, over restarts of the agent; a file for each object. What is lost
// with it: a Job whose containers are gone too runs again, and what a CronJob has missed until then is not made up for.
type runStore struct {
	dir string // empty for none
	log logr.Logger

	mu    sync.Mutex
	byKey map[spec.Key]storedRuns
}

// storedRuns is an object's file.
type storedRuns struct {
	identity
	Schedule string         `json:"schedule,omitempty"` // with its time zone; another one begins anew
	Runs     plan.Runs      `json:"runs,omitzero"`
	Done     *plan.Finished `json:"done,omitempty"`
}

// newRunStore reads what was kept. A file that cannot be read is logged, and counts as not there.
func newRunStore(stateDir string, log logr.Logger) *runStore {
	r := &runStore{log: log, byKey: map[spec.Key]storedRuns{}}
	if stateDir == "" {
		return r
	}
	r.dir = filepath.Join(stateDir, "runs")
	names, _ := filepath.Glob(filepath.Join(r.dir, "*.json")) // the pattern is right
	for _, name := range names {
		var s storedRuns
		if found, err := statefile.Read(name, &s); err != nil {
			log.Error(err, "what was known of a job's runs is lost")
		} else if found {
			r.byKey[s.key()] = s
		}
	}
	return r
}

func (r *runStore) file(key spec.Key) string {
	return statefile.Name(r.dir, key.String())
}

// tell completes what the planner is told of an object. A CronJob that is new, or has another schedule, is known since now.
func (r *runStore) tell(object spec.Object, k *plan.Known, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch o := object.(type) {
	case *spec.Job:
		k.Done = r.byKey[o.Key()].Done
	case *spec.CronJob:
		s := r.of(o.Key())
		if schedule := o.Spec.Schedule + " " + o.Spec.TimeZone; s.Schedule != schedule {
			s.Schedule, s.Runs.Since = schedule, now.UTC().Round(0)
			if err := r.save(s); err != nil { // it is known again when the agent is started again, from then on
				r.log.Error(err, "cannot write down since when a CronJob is known", "object", o.Key().String())
			}
			r.byKey[s.key()] = s
		}
		k.Runs = s.Runs
	}
}

func (r *runStore) of(key spec.Key) storedRuns {
	s := r.byKey[key]
	s.identity = identityOf(key)
	return s
}

// note remembers what a plan wants remembered. It is on the disk when note returns without an error, and else it does not count.
func (r *runStore) note(key spec.Key, n plan.Notes) error {
	return r.change(key, func(s *storedRuns) error {
		s.Runs = s.Runs.With(n.Claims)
		if n.Done != nil {
			s.Done = n.Done
		}
		return nil
	})
}

// errRunExists refuses a run by hand under a name that another has.
var errRunExists = errors.New("there is such a run")

// request remembers that a run is to begin that no tick asks for.
func (r *runStore) request(key spec.Key, run string) error {
	return r.change(key, func(s *storedRuns) error {
		if slices.Contains(s.Runs.Manual, run) {
			return errRunExists
		}
		s.Runs.Manual = append(slices.Clone(s.Runs.Manual), run)
		return nil
	})
}

func (r *runStore) change(key spec.Key, do func(*storedRuns) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.of(key)
	if err := do(&s); err != nil {
		return err
	}
	if err := r.save(s); err != nil {
		return err
	}
	r.byKey[key] = s
	return nil
}

func (r *runStore) save(s storedRuns) error {
	if r.dir == "" {
		return nil
	}
	return statefile.Write(r.file(s.key()), s)
}

// forget drops what is known of an object that is gone.
func (r *runStore) forget(key spec.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.byKey[key]; !ok {
		return
	}
	delete(r.byKey, key)
	if r.dir == "" {
		return
	}
	if err := statefile.Remove(r.file(key)); err != nil {
		r.log.Error(err, "cannot forget the runs of what is gone", "object", key.String())
	}
}

// keys lists the objects of which something is known.
func (r *runStore) keys() []spec.Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.byKey))
}
